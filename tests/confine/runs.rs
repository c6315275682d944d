//! What would run or look at something on the host.

use evenkeel::state::Trust;

use super::tree::{Pushed, assert_told};

#[test]
fn guards_are_refused_with_their_place() {
    for guard in
        ["onlyif: touch HOST/ran", "unless: [touch HOST/ran]", "creates: /etc/passwd", "check_cmd: x"]
    {
        let word = guard.split(':').next().expect("a word");
        let pushed = Pushed::states(&format!("web:\n  container.running:\n    image: app:1\n    {guard}\n"));
        assert_told(
            &pushed.refused(),
            &[&format!("`{word}` is refused"), "states/prod.yml:4:5", "hint: remove it, or let"],
        );
        assert!(!pushed.host().join("ran").exists());
    }
}

#[test]
fn hooks_on_the_host_are_refused_and_those_in_containers_are_not() {
    for hook in [
        "pre_replace: {here: touch HOST/ran}",
        "pre_replace: {old: x, controller: touch HOST/ran}",
        "post_start: [x, {host: touch HOST/ran}]",
        "pre_stop: [{here: [touch, HOST/ran]}]",
        "post_replace: {here: touch HOST/ran}",
    ] {
        let word = hook.split(':').next().expect("a word");
        let pushed = Pushed::states(&format!("web:\n  container.running:\n    image: app:1\n    {hook}\n"));
        let said = [&format!("`{word}` is refused: it runs something on this host"), "states/prod.yml:4:5"];
        assert_told(&pushed.refused(), &said);
    }
    let inside = "post_start: x, pre_stop: {old: here}, pre_replace: [{once: here}, {old: here}]";
    Pushed::states(&format!("web: {{container.running: {{image: app:1, {inside}}}}}\n")).accepted();
}

#[test]
fn guards_are_found_wherever_they_come_from() {
    let web = "{container.running: {image: app:1}}";
    for files in [
        vec![(
            "states/prod.yml",
            "web: {container.running: {image: app:1}}\nextend: {web: {container: {onlyif: x}}}\n",
        )],
        vec![("states/prod.yml", "web: {docker_container.running: [{image: app:1}, {onlyif: x}]}\n")],
        vec![("states/prod.yml", "web: {container.running: {names: [a: {onlyif: x}], image: app:1}}\n")],
        vec![
            ("modules/m.yml", "params: {}\n---\nweb: {container.running: {image: app:1}}\n"),
            ("states/prod.yml", "m: {module.m: {onlyif: x}}\n"),
        ],
    ] {
        assert_told(&Pushed::new(&files).refused(), &["`onlyif` is refused"]);
    }
    Pushed::states(&format!("web: {web}\n")).accepted();
}

#[test]
fn the_host_may_allow_guards() {
    let pushed = Pushed::states("web: {container.running: {image: app:1, onlyif: 'true'}}\n");
    let trust = Trust::Pushed { root: pushed.root(), guards: true };
    assert!(pushed.compiled(trust).is_ok());
    assert!(pushed.compiled(Trust::Own).is_ok());
}

#[test]
fn templates_run_nothing_and_see_no_environment() {
    for template in [
        "{{ salt['cmd.run']('touch HOST/ran') }}",
        "{{ salt['environ.get']('PATH') }}",
        "{{ env('PATH') }}",
        "{{ environ('PATH') }}",
        "{{ getenv('PATH') }}",
        "{{ lookup('env', 'PATH') }}",
        "{{ salt['file.read']('HOST/secret.yml') }}",
    ] {
        let pushed = Pushed::states(&format!("# {template}\n"));
        assert_told(&pushed.refused(), &["states/prod.yml:1", "error: "]);
        assert!(!pushed.host().join("ran").exists());
    }
}

/// `git` would run the programs that the settings of such a folder name.
#[test]
fn a_folder_that_git_takes_for_a_repository_is_no_context() {
    let states = "app:1: {image.built: {context: ../app}}\n";
    let bare = [("app/HEAD", "ref: refs/heads/main"), ("app/objects/x", ""), ("app/refs/x", "")];
    let trees: [&[(&str, &str)]; 3] =
        [&bare, &[("app/.git", "gitdir: HOST")], &[(".git/config", "[core]\nfsmonitor = touch HOST/ran\n")]];
    for tree in trees {
        let mut files = vec![("states/prod.yml", states), ("app/Dockerfile", "FROM scratch\n")];
        files.extend(tree);
        assert_told(&Pushed::new(&files).refused(), &["has a git repository in it", "states/prod.yml:1:"]);
    }
}
