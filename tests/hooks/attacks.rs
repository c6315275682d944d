//! Trees that try to reach out of themselves.

use super::{Case, with_one};

fn refused(case: &Case<'_>, said: &str) {
    case.commit("an attack");
    let push = case.push("origin main");
    assert!(push.code() != Some(0) && push.stderr.contains(said), "{said}: {push}");
    assert_ne!(case.at("refs/heads/main"), case.head());
}

#[test]
fn links_out_of_the_tree_are_refused() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        for target in ["/etc/passwd", "../../outside", "states/../../x"] {
            let link = case.path("work/link");
            drop(std::fs::remove_file(&link));
            std::os::unix::fs::symlink(target, &link).expect("a link");
            refused(case, "out of the tree");
        }
        std::fs::remove_file(case.path("work/link")).expect("it was there");
        case.commit("mended");
        case.push("origin main").expect(0);
    });
}

#[test]
fn an_endless_template_ends() {
    with_one(super::HOOKS, |case| {
        case.write(
            "states/dev.yml",
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}\n",
        );
        refused(case, "states/dev.yml");
    });
}

#[test]
fn names_and_messages_are_only_text() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.commit("$(touch owned) `touch owned` \u{1b}]0;title\u{7} \u{202e}");
        let push = case.push("-o why=$(touch${IFS}owned) origin main").expect(0);
        assert!(!push.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{push:?}");
        let branch = "refs/heads/a;touch${IFS}owned";
        case.push(&format!("origin main:{branch}")).expect(0);
        for folder in ["", "work", "shop.git"] {
            assert!(!case.path(folder).join("owned").exists());
        }
    });
}

#[test]
fn a_tree_reads_and_runs_nothing_on_the_host() {
    with_one(super::HOOKS, |case| {
        let name = case.scope.name("dev");
        let container =
            |options: &str| format!("{name}:\n  container.running: {{image: 'ekt/bb:1', {options}}}\n");
        let attacks = [
            (container("onlyif: 'touch owned'"), "onlyif"),
            (container("check_cmd: 'touch owned'"), "check_cmd"),
            (container("volumes: ['./secrets:/x']"), "of the pushed tree"),
            (format!("{name}:1:\n  image.built: {{context: ../..}}\n"), "out of the tree"),
            (format!("{name}:1:\n  image.built: {{context: /etc}}\n"), "out of the tree"),
            (format!("{name}:1:\n  image.loaded: {{path: /etc/passwd}}\n"), "out of the tree"),
            (format!("{name}:1:\n  image.saved: {{path: owned}}\n"), "image.saved"),
            ("include: [../../hooks]\n".to_owned(), "no dotted name"),
            ("{% include '/etc/passwd' %}\n".to_owned(), "/etc/passwd"),
            ("{% import_yaml '../hooks.yml' as x %}\n".to_owned(), "hooks.yml"),
            ("x: {{ env('PATH') }}\n".to_owned(), "env"),
        ];
        for (text, said) in attacks {
            case.write("states/dev.yml", &text);
            refused(case, said);
        }
        assert!(!case.path("owned").exists() && !case.path("work/owned").exists());
    });
}

#[test]
fn the_hosts_policy_holds_for_what_is_pushed() {
    let hooks =
        "policy: [no_privileged, no_host_network]\nenvironments:\n  dev: {ref: main, on_push: apply}\n";
    with_one(hooks, |case| {
        let name = case.scope.name("dev");
        for (options, said) in [
            ("privileged: true", "not allowed on this host"),
            ("network_mode: host", "not allowed on this host"),
            ("raw: {HostConfig: {Privileged: true}}", "not allowed on this host"),
            ("raw: {hostconfig: {PRIVILEGED: true}}", "stands here twice"),
        ] {
            case.write(
                "states/dev.yml",
                &format!("{name}:\n  container.running: {{image: 'ekt/bb:1', {options}}}\n"),
            );
            refused(case, said);
        }
        case.state("dev", "one");
        case.commit("modest");
        case.push("origin main").expect(0);
    });
}

#[test]
fn a_tree_without_a_project_gets_the_repositorys_name() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.git("work", &["add", "-A"]).expect(0);
        case.git("work", &["rm", "-q", "-f", "evenkeel.yml"]).expect(0);
        case.commit("no settings");
        case.push("origin main").expect(0);
        assert_eq!(case.container("dev")["Config"]["Labels"]["io.evenkeel.project"], "shop");
    });
}
