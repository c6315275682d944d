//! Trees that try to reach out of themselves.

use serde_json::json;

use super::{Case, with_one};
use crate::rig::inspect;

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

/// What the pusher is told at the end, and that nothing is left of it.
fn ended(case: &Case<'_>, said: &str) {
    let began = std::time::Instant::now();
    refused(case, said);
    assert!(began.elapsed().as_secs() < 20, "{said}: {:?}", began.elapsed());
    let left = std::fs::read_dir(case.path(".home")).expect("the temp folder").filter_map(Result::ok);
    let left: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().contains("push")).collect();
    assert!(left.is_empty(), "{left:?}");
    let last = case.push("origin main").stderr;
    let last = last.lines().rfind(|line| line.starts_with("remote:")).unwrap_or_default();
    assert_eq!(last.trim_end(), "remote: evenkeel: refused for dev; nothing was changed");
}

#[test]
fn a_template_that_takes_too_much_ends_nothing_but_the_push() {
    let hooks = "environments:\n  dev: {ref: main, on_push: apply, timeout: 2s}\n";
    with_one(hooks, |case| {
        let doubling = |times: u32, then: &str| {
            format!(
                "{{% set ns = namespace(x='xxxxxxxxxxxxxxxx') %}}{{% for i in range({times}) %}}\
                 {{% set ns.x = ns.x ~ ns.x %}}{{% endfor %}}{then}\n"
            )
        };
        let slow = "{% for i in range(3000) %}{% set y = ns.x|replace('x', 'y') %}{% endfor %}";
        case.write("states/dev.yml", &doubling(20, slow));
        ended(case, "the dry run takes longer than 2 s");
        case.workspace.file("hooks.yml", super::HOOKS);
        case.write("states/dev.yml", &doubling(50, ""));
        ended(case, "the state files take too much memory");
        // Where the look at it is no obstacle, the run has its bounds.
        case.workspace.file("hooks.yml", hooks.replace("2s", "1s, gate_on_unknown: warn"));
        case.write("states/dev.yml", &doubling(20, slow));
        case.commit("slow");
        let push = case.push("origin main");
        assert!(push.stderr.contains("take longer than 10 s"), "{push}");
        assert!(case.evenkeel("hook status --repo shop.git").stdout.contains("failed"));
        case.workspace.file("hooks.yml", hooks);
        case.state("dev", "one");
        case.commit("mended");
        case.push("origin main").expect(0);
    });
}

#[test]
fn our_own_refs_are_nobody_elses() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        let one = case.commit("one");
        case.push("origin main").expect(0);
        let blob = case.git("work", &["hash-object", "-w", "evenkeel.yml"]).expect(0).stdout;
        for hidden in [true, false] {
            if !hidden {
                case.git("shop.git", &["config", "--unset-all", "receive.hideRefs"]).expect(0);
            }
            for what in [
                ":refs/evenkeel/deployed/dev".to_owned(),
                format!("+{}:refs/evenkeel/deployed/dev", blob.trim()),
                "main:refs/evenkeel/deployed/qa".to_owned(),
                "main:refs/evenkeel/deployed/dev/x".to_owned(),
            ] {
                let push = case.push(&format!("origin {what}"));
                let said = if hidden { "hidden ref" } else { "is not for pushing" };
                assert!(push.code() != Some(0) && push.stderr.contains(said), "{what}: {push}");
                assert_eq!(case.deployed("dev"), one);
            }
        }
        case.git("work", &["fetch", "-q", "origin", "+refs/evenkeel/*:refs/evenkeel/*"]).expect(0);
        let fetched = case.git("work", &["rev-parse", "refs/evenkeel/deployed/dev"]).expect(0);
        assert_eq!(fetched.stdout.trim(), one);
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

/// Whose namespaces a container of the tree may share is the engine's to say, not the tree's.
#[test]
fn a_declared_name_does_not_open_the_host() {
    let hooks = "policy: [no_host_network, no_host_pid, no_host_ipc]\nenvironments:\n  dev: {ref: main, on_push: apply}\n";
    with_one(hooks, |case| {
        let (victim, name) = (case.scope.name("victim"), case.scope.name("dev"));
        let image = crate::rig::images::bb(case.engine);
        let host = json!({"NetworkMode": "host", "PidMode": "host", "IpcMode": "host"});
        let id = inspect::run(case.engine, &victim, &json!({"Image": image, "HostConfig": host}));
        let joins = |options: &str| {
            format!("{name}:\n  container.running: {{image: '{image}', stop_signal: KILL, {options}}}\n")
        };
        let decoy = |options: &str| format!("{victim}:\n  {options}\n");
        let same = decoy(&format!("container.created: {{image: '{image}'}}"));
        let idle = decoy(&format!(
            "container.running: {{image: '{image}', env: {{Q: 1}}, onchanges: [{{image: '{image}'}}]}}"
        ));
        let idle = format!("'{image}': {{image.present: {{}}}}\n{idle}");
        let build = format!("{name}:1:\n  image.built: {{context: ./app, network: 'container:{victim}'}}\n");
        case.write("states/app/Dockerfile", &format!("FROM {image}\nRUN true\n"));
        let foreign = "was not made by evenkeel";
        for (text, said) in [
            (same.clone() + &joins(&format!("network_mode: 'container:{victim}'")), foreign),
            (same.clone() + &joins(&format!("pid: 'container:{victim}'")), foreign),
            (same.clone() + &joins(&format!("ipc: 'container:{victim}'")), foreign),
            (same.clone() + &joins("pid: host"), "not allowed on this host"),
            (
                same.clone() + &joins(&format!("raw: {{HostConfig: {{PidMode: 'container:{victim}'}}}}")),
                foreign,
            ),
            (
                same.clone() + &joins(&format!("raw: {{HostConfig: {{IpcMode: 'container:/{victim}'}}}}")),
                foreign,
            ),
            (idle + &joins(&format!("network_mode: 'container:{victim}'")), foreign),
            (same + &build, foreign),
            // The engine takes an ID before a name, and the beginning of one where there is no such name.
            (
                format!("'{id}': {{container.created: {{image: '{image}'}}}}\n")
                    + &joins(&format!("raw: {{HostConfig: {{PidMode: 'container:{id}'}}}}")),
                "not allowed on this host",
            ),
            (
                format!("'{0}': {{container.created: {{image: '{image}'}}}}\n", &id[..10])
                    + &joins(&format!("raw: {{HostConfig: {{PidMode: 'container:{}'}}}}", &id[..10])),
                "an ID at the engine begins",
            ),
        ] {
            case.write("states/dev.yml", &text);
            refused(case, said);
        }
        // One's own is nobody else's, before it exists and after.
        let own = case.scope.name("own");
        let shares = joins(&format!(
            "network_mode: 'container:{own}', raw: {{HostConfig: {{IpcMode: 'container:{own}'}}}}"
        ));
        let shareable = |level: &str| {
            format!(
                "{own}:\n  container.running:\n    image: '{image}'\n    stop_signal: KILL\n    \
                 env: {{LEVEL: '{level}'}}\n    raw: {{HostConfig: {{IpcMode: shareable}}}}\n"
            )
        };
        for level in ["one", "two"] {
            case.write("states/dev.yml", &(shareable(level) + &shares));
            case.commit(level);
            case.push("origin main").expect(0);
            assert!(case.exists("dev"));
        }
        inspect::remove(case.engine, &victim);
    });
}

#[test]
fn an_archive_takes_no_names_of_others() {
    let hooks = "environments:\n  dev: {ref: main, on_push: apply, images: [IMAGES]}\n";
    with_one(hooks, |case| {
        let (own, victim) = (case.scope.name("own:1"), case.scope.name("victim:1"));
        let saved = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| format!("names={name}")).collect();
            let answer = case.engine.http().get(&format!("/images/get?{}", names.join("&"))).ok();
            std::fs::write(case.path("work/states/a.tar"), answer.body).expect("an archive");
        };
        case.workspace.file("hooks.yml", hooks.replace("IMAGES", &case.scope.name("own")));
        case.write("states/dev.yml", &format!("{own}: {{image.loaded: {{path: ./a.tar}}}}\n"));
        let image = crate::rig::images::image_with(case.engine, case.scope, "own:1", "LABEL a=b");
        crate::rig::images::tag(case.engine, &image, &victim);
        saved(&[&own, &victim]);
        refused(case, "is not for this repository to change");
        saved(&[&own]);
        case.commit("its own");
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

/// A project is a repository's once it has deployed it; others have to be allowed by the host.
#[test]
fn another_project_is_not_to_be_had() {
    with_one(super::HOOKS, |case| {
        let victim = case.scope.name("victim");
        let settings = |project: &str| case.write("evenkeel.yml", &format!("project: {project}\n"));
        let images = crate::rig::images::bb(case.engine);
        let body = json!({"Image": images, "Labels": {
            "io.evenkeel.project": victim, "io.evenkeel.env": "dev", "io.evenkeel.id": victim,
        }});
        case.engine.http().post(&format!("/containers/create?name={victim}"), &body).ok();
        settings(&victim);
        case.write("states/dev.yml", &format!("{victim}: {{container.absent: {{}}}}\n"));
        refused(case, "has containers here already");
        // Nor if the look before was let pass without an answer.
        case.evenkeel("hook uninstall --repo shop.git").expect(0);
        let commit = case.commit("unseen");
        case.push("origin main").expect(0);
        let deploy = "hook deploy --repo shop.git --config hooks.yml --environment dev --ref refs/heads/main";
        let run = case.evenkeel(&format!("{deploy} --new {commit} --pusher mallory")).expect(1);
        assert!(run.stderr.contains("has containers here already"), "{run}");
        case.evenkeel("hook install --repo shop.git --config hooks.yml").expect(0);
        settings(case.scope.project());
        case.state("dev", "one");
        case.commit("one");
        case.push("origin main").expect(0);
        settings("another");
        refused(case, "is not deployed from here");
        // As the host says.
        let allowed =
            format!("environments:\n  dev: {{ref: main, on_push: apply, projects: ['{victim}']}}\n");
        case.workspace.file("hooks.yml", allowed);
        settings(&victim);
        case.write("states/dev.yml", &format!("{victim}: {{container.absent: {{}}}}\n"));
        case.commit("theirs");
        case.push("origin main").expect(0);
        assert!(!case.engine.http().get(&format!("/containers/{victim}/json")).is_ok());
    });
}
