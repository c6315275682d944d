//! Files that evenkeel puts into containers: as declared, compared with what is there, told to the program.

use super::stage::{Stage, each};
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::proxy::Fault;
use crate::rig::workspace::Victim;

/// A container that writes what its file says whenever it starts, and when it is told to.
fn web(files: &str, more: &str) -> String {
    let (image, print) = (images::BB, "cat /etc/app.conf; echo");
    format!(
        "@web: {{container.running: {{image: {image}, init: true, stable_for: 0s, files: {{{files}}}{more}, command: [sh, -c, \
         'trap \"echo told; {print}\" HUP; {print}; while true; do sleep 0.05; done']}}}}"
    )
}

fn read(stage: &Stage<'_>, path: &str) -> String {
    inspect::exec(stage.engine, &stage.name("web"), &["cat", path]).1
}

fn shell(stage: &Stage<'_>, script: &str) -> String {
    inspect::exec(stage.engine, &stage.name("web"), &["sh", "-c", script]).1
}

#[test]
fn files_are_put_there_as_declared_and_their_drift_is_mended() {
    each(|stage| {
        stage.file("states/app.conf", "from a file\nsecond\n");
        stage.file("states/bytes", "");
        std::fs::write(stage.tree.path("states/bytes"), [0xff, 0x00, 0xfe]).expect("the tree can be written");
        stage.file("states/page.j2", "#!/bin/sh\n{{ env }} {{ who }} {{ 1 + 1 }}\n");
        stage.states(&web(
            "/etc/app.conf: {source: app.conf, mode: '0640', owner: '1000:7'}, /new/deep/page: {template: page.j2, vars: \
             {who: you}}, /etc/motd: 'a {{ env }}', /bin/tool: {content: '#!/bin/sh', mode: '4755'}, /etc/bytes: {source: bytes}",
            "",
        ));
        stage.converges(&["create container.web"]);
        assert_eq!(read(stage, "/etc/app.conf"), "from a file\nsecond\n");
        assert_eq!(read(stage, "/new/deep/page"), "#!/bin/sh\ndev you 2\n");
        assert_eq!(read(stage, "/etc/motd"), "a dev");
        let modes = shell(stage, "stat -c '%a %u:%g' /etc/app.conf /bin/tool; wc -c < /etc/bytes");
        assert_eq!(modes, "640 1000:7\n4755 0:0\n3\n");

        // By hand: content, mode, gone.
        let id = stage.id("web");
        shell(stage, "echo mine >> /etc/motd; chmod 600 /new/deep/page; rm /bin/tool");
        let said = stage.said(&["--test"], 0);
        for part in ["files./etc/motd", "files./new/deep/page.mode: 0600 → 0644", "+ files./bin/tool"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        stage.converges(&["restart container.web"]);
        assert_eq!((stage.id("web"), read(stage, "/etc/motd")), (id, "a dev".to_owned()));
    });
}

#[test]
fn l25_a_change_of_a_file_costs_what_the_state_says() {
    each(|stage| {
        let with = |content: &str, more: &str| web(&format!("/etc/app.conf: {content}"), more);
        stage.states(&with("one", "")).apply(&[]).expect(0);
        let id = stage.id("web");
        stage.states(&with("two", "")).converges(&["restart container.web"]);
        stage.states(&with("three", ", on_change: {signal: HUP}")).converges(&["signal container.web"]);
        stage
            .states(&with("four", ", on_change: {exec: 'cp /etc/app.conf /etc/taken'}"))
            .converges(&["update container.web"]);
        assert_eq!(read(stage, "/etc/taken"), "four");
        assert_eq!(stage.id("web"), id, "it is the same container all the time");
        let told = || inspect::logs(stage.engine, &stage.name("web"));
        crate::rig::waiting::until("it is told", || {
            told().replace('\n', " ").starts_with("one two told three")
        });

        // A command that fails leaves the container to be told.
        let failing = with("five", ", on_change: {exec: 'false'}");
        assert_eq!(stage.states(&failing).actions(&[], 1), ["update container.web failed"]);
        let said = stage.said(&["--test"], 0);
        assert!(said.contains("the container was not told"), "{said}");
        stage.states(&with("five", "")).converges(&["restart container.web"]);

        stage.states(&with("six", ", on_change: replace")).converges(&["replace container.web"]);
        assert_ne!(stage.id("web"), id);
        // One more, and one less: nobody would know later whose it was.
        stage.states(&web("/etc/app.conf: six, /etc/more: x", "")).converges(&["replace container.web"]);
        stage.states(&with("six", "")).converges(&["replace container.web"]);
        assert!(read(stage, "/etc/more").contains("No such file"));

        // Back to what was in the earlier one, which is read from it.
        let run = stage.tree.run(["rollback", &stage.name("web")]).expect(0);
        assert!(stage.short(&run.stdout).contains("replace container.web"), "{run}");
        assert_eq!(read(stage, "/etc/more"), "x");
    });
}

#[test]
fn a_run_that_is_killed_between_a_file_and_its_restart_is_noticed() {
    each(|stage| {
        let with = |content: usize| web(&format!("/etc/app.conf: '{content}'"), "");
        stage.states(&with(0)).apply(&[]).expect(0);
        let id = stage.id("web");
        for k in 1..=3 {
            stage.states(&with(k));
            let victim = Victim::default();
            let killer = victim.clone();
            stage.proxy.clear();
            stage.proxy.fault_at(k, Fault::After(Box::new(move || killer.kill())));
            stage.tree.start(["apply", "states/dev.yml"], victim).wait();
            assert!(stage.proxy.faults_are_spent(), "call {k}");
            let said = stage.test(0);
            assert_eq!(stage.actions(&[], 0), said, "after call {k}");
            stage.is_quiet();
            let seen = || inspect::logs(stage.engine, &stage.name("web"));
            crate::rig::waiting::until("it has seen it", || {
                seen().lines().last() == Some(k.to_string().as_str())
            });
        }
        assert_eq!(stage.id("web"), id);
    });
}

#[test]
fn a_mounted_file_of_the_tree_counts_with_what_stands_in_it() {
    each(|stage| {
        let image = images::BB;
        let state = format!(
            "@web: {{container.running: {{image: {image}, init: true, stable_for: 0s, volumes: ['./app.conf:/etc/app.conf:ro']}}}}"
        );
        stage.file("states/app.conf", "one");
        stage.states(&state).converges(&["create container.web"]);
        stage.file("states/app.conf", "two");
        let said = stage.said(&["--test"], 0);
        assert!(
            said.contains("volumes./etc/app.conf") && said.contains("the file as it was made with"),
            "{said}"
        );
        stage.converges(&["replace container.web"]);
        assert_eq!(read(stage, "/etc/app.conf"), "two");
    });
}

#[test]
fn files_that_could_not_be_there_are_refused_before_anything_is_done() {
    each(|stage| {
        for (files, more, expected) in [
            ("/run/x: a", ", tmpfs: [/run]", "lies in `tmpfs` /run"),
            ("/etc/x: a", ", read_only: true", "`read_only: true`"),
            ("/data/x: a", ", volumes: ['@data:/data:ro']", "mounted read-only"),
            ("/etc/hosts: a", "", "declare `extra_hosts`"),
            ("/proc/x: a", "", "no files of its own below `/proc`"),
            ("etc/x: a", "", "no absolute path"),
            ("/etc/: a", "", "is a folder"),
            ("/etc/x: {source: nosuch}", "", "cannot read states/nosuch"),
            ("/etc/x: {template: bad.j2}", "", "bad.j2:2:"),
            ("/etc/x: {content: a, source: b}", "", "needs one of"),
            ("/etc/x: {content: a, mode: rwx}", "", "permissions as `chmod` takes them"),
            ("/etc/x: {content: a, owner: root}", "", "names of users are known to the image alone"),
            ("/etc/x: {content: a, moed: '600'}", "", "did you mean `mode`?"),
        ] {
            stage.file("states/bad.j2", "one\n{{ nosuch }}\n");
            let refused = stage.states(&web(files, more)).apply(&[]).expect(3);
            assert!(refused.stderr.contains(expected), "{expected}: {refused}");
        }
        assert!(stage.containers().is_empty());
    });
}

#[test]
fn a_secret_in_a_file_is_seen_by_its_owner_alone() {
    each(|stage| {
        let file = |value: &str| {
            std::fs::write(stage.tree.path("password"), value).expect("the tree can be written")
        };
        let settings =
            format!("project: {}\nsecrets: {{from: {{db: {{file: password}}}}}}\n", stage.scope.project());
        stage.file("evenkeel.yml", &settings);
        stage.file("states/app.j2", "user u\npassword {{ secret('db') }}\n");
        stage.states(&web("/etc/app.conf: {template: app.j2}, /etc/plain: \"pw={{ secret('db') }}\"", ""));
        file("hunter2hunter2\n");
        stage.converges(&["create container.web"]);
        assert_eq!(read(stage, "/etc/app.conf"), "user u\npassword hunter2hunter2\n");
        assert_eq!(shell(stage, "stat -c %a /etc/app.conf /etc/plain"), "400\n400\n");
        file("hunter3hunter3\n");
        let said = stage.said(&["--test", "--verbose"], 0);
        assert!(
            said.contains("files./etc/app.conf: (secret) → (secret)") && !said.contains("hunter"),
            "{said}"
        );
        stage.states(&web("/etc/app.conf: {template: app.j2}", ", on_change: replace"));
        stage.converges(&["replace container.web"]);
        assert_eq!(read(stage, "/etc/app.conf"), "user u\npassword hunter3hunter3\n");
        let run = stage.tree.run(["rollback", &stage.name("web")]).expect(0);
        assert!(!run.stdout.contains("hunter") && !run.stderr.contains("hunter"), "{run}");
        assert_eq!(read(stage, "/etc/plain"), "pw=hunter2hunter2");
    });
}

#[test]
fn a_file_that_its_program_writes_is_told_as_that() {
    each(|stage| {
        let image = images::BB;
        stage.states(&format!(
            "@web: {{container.running: {{image: {image}, init: true, stable_for: 0s, files: {{/etc/app.conf: one}}, wait: {{exec: 'test -e /written'}}, \
             command: [sh, -c, 'echo mine >> /etc/app.conf; touch /written; sleep 1000']}}}}"
        ));
        let said = stage.said(&[], 1);
        assert!(said.contains("what its program writes does not belong into `files`"), "{said}");
    });
}
