//! Templates that never end, or that make more text than anybody wants.

use super::tree::{Pushed, assert_told};

#[test]
fn a_template_that_never_ends_is_ended() {
    let endless =
        "{% for i in range(100000) %}{% for j in range(100000) %}{% set a = 1 %}{% endfor %}{% endfor %}\n";
    assert_told(&Pushed::states(endless).refused(), &["states/prod.yml:1", "hint: "]);
    let calls_itself = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}\n";
    assert_told(&Pushed::states(calls_itself).refused(), &["states/prod.yml:1"]);
    let includes_itself = "# {% include 'prod.yml' %}\n";
    assert_told(&Pushed::states(includes_itself).refused(), &["states/prod.yml:1"]);
}

#[test]
fn huge_output_is_refused() {
    let text = "x".repeat(500);
    let huge = format!("{{% for i in range(100000) %}}# {text}\n{{% endfor %}}\n");
    assert_told(&Pushed::states(&huge).refused(), &["too much text", "states/prod.yml"]);
}

/// Each import has limits of its own, and eight of them may be nested.
#[test]
fn imports_do_not_multiply_what_is_allowed() {
    let work = "{% for i in range(100000) %}{% set a = 1 %}{% endfor %}\n";
    let again =
        |name: &str| format!("{{% for i in range(10000) %}}{{{{ import_text('{name}') }}}}{{% endfor %}}\n");
    let (first, second) = (again("second.txt"), again("work.txt"));
    let pushed = Pushed::new(&[
        ("states/prod.yml", "# {{ import_text('first.txt') }}\n"),
        ("states/first.txt", &first),
        ("states/second.txt", &second),
        ("states/work.txt", work),
    ]);
    assert_told(&pushed.refused(), &["take too long together"]);
}

#[test]
fn nor_do_calls_of_modules() {
    let calls: String = (0..20).map(|n| format!("c{n}: {{module.again: {{}}}}\n")).collect();
    let module = format!("params: {{}}\n---\n{calls}");
    let pushed = Pushed::new(&[("states/prod.yml", &calls), ("modules/again.yml", &module)]);
    assert_told(&pushed.refused(), &["take too long together"]);
}

#[test]
fn aliases_do_not_multiply_either() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let items = vec![format!("*a{}", n - 1); 9].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{items}]\n"));
    }
    assert_told(&Pushed::states(&bomb).refused(), &["states/prod.yml:"]);
}

/// The template engine has no limit for the length of one value, so the process has one.
#[test]
fn a_value_that_doubles_ends_the_process_and_not_the_machine() {
    const IN_CHILD: &str = "EVENKEEL_TEST_OF_MEMORY";
    let name = "confine::limits::a_value_that_doubles_ends_the_process_and_not_the_machine";
    if std::env::var_os(IN_CHILD).is_some() {
        let _bound = evenkeel::host::bound_memory(1 << 30).expect("a bound");
        let doubling = "{% set ns = namespace(x='xxxxxxxxxxxxxxxx') %}{% for i in range(50) %}\
                        {% set ns.x = ns.x ~ ns.x %}{% endfor %}a: 1\n";
        Pushed::states(doubling).accepted();
        return;
    }
    let ended = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name])
        .env(IN_CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), None, "it is ended by a signal: {said}");
    assert!(said.contains("memory allocation"), "{said}");
}
