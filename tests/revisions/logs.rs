//! What revisions wrote, also those that do not serve any more.

use super::Web;
use crate::rig::engines;
use crate::rig::inspect;
use crate::rig::workspace::Victim;

#[test]
fn the_log_of_every_revision_that_is_there_is_told_as_it_was_written() {
    engines::in_turn(|engine| {
        let web = Web::new(engine);
        let (name, workspace) = (&web.name, &web.workspace);
        web.deploy(&Web::says("one", "sleep 1000"), &[]).expect(0);
        web.deploy(&Web::says("two", "sleep 1000"), &[]).expect(0);
        web.deploy(&Web::says("three", "exit 3"), &[]).expect(1);
        let streams = |args: &[&str]| {
            let run = workspace.run(["logs"].iter().chain(args)).expect(0);
            (run.stdout, run.stderr)
        };
        let of = |word: &str| (format!("out-{word}\n"), format!("err-{word}\n"));
        assert_eq!(streams(&[name]), of("two"));
        assert_eq!(streams(&[name, "--revision", "1"]), of("one"));
        assert_eq!(streams(&[&format!("{name}@1")]), of("one"));
        assert_eq!(streams(&[&format!("{name}.r1"), "--follow"]), of("one"), "it has ended");
        let (out, err) = streams(&[name, "--revision", "3", "--tail", "1", "--timestamps"]);
        let told = out + &err;
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(told.starts_with("20") && told.contains("-three"), "{told}");

        let running = workspace.start(["logs", name, "--follow", "--tail", "all"], Victim::default());
        running.says("err-two");
        running.signal("INT");
        assert!(!running.wait().status.success());

        inspect::remove(engine, &format!("{name}.r1"));
        let gone = workspace.run(["logs", name, "--revision", "1"]).expect(1);
        let told = format!("the container of {name}@1 is gone, and its log with it; these are there: ");
        assert!(gone.stderr.contains(&told), "{gone}");
        assert!(gone.stderr.contains(&format!("{name}@3 ({name}.r3.failed), {name}@2")), "{gone}");
        let never = workspace.run(["logs", &format!("{name}@9")]).expect(1);
        assert!(never.stderr.contains(&format!("there is no revision {name}@9; ")), "{never}");
        workspace.run(["logs", &format!("{name}@1"), "--revision", "2"]).expect(64);
    });
}
