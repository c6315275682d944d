//! Pushes that go well, and what may happen to them on the way.

use std::os::unix::process::CommandExt as _;

use super::{Case, with_case, with_one};
use crate::rig::images;
use crate::rig::scope::Scope;
use crate::rig::waiting::until;

#[test]
fn a_push_is_looked_at_applied_and_then_nothing() {
    with_case(|case| {
        case.state("dev", "one");
        let first = case.commit("the first \u{1b}[31mone");
        let said = case.push("origin main").expect(0).stderr;
        assert!(said.contains("1 would change") && said.contains("1 changed"), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
        assert_eq!((case.level("dev").as_str(), case.deployed("dev")), ("one", first));
        let labels = case.container("dev")["Config"]["Labels"].clone();
        assert_eq!(labels["io.evenkeel.deploy.cause"], "push");
        assert_eq!(labels["io.evenkeel.project"], case.scope.project());
        assert_eq!(labels["io.evenkeel.env"], "dev");
        assert_eq!(labels["io.evenkeel.deploy.commit"], case.head());
        // Why is the commit's subject, unless the push says it.
        assert!(labels["io.evenkeel.deploy.why"].as_str().is_some_and(|why| why.contains("the first")));

        case.write("README", "words");
        let second = case.commit("words");
        let said = case.push("origin main").expect(0).stderr;
        assert!(said.contains("0 changed"), "{said}");
        assert_eq!(case.deployed("dev"), second);
        let told = case.evenkeel("hook status --repo shop.git --config hooks.yml").expect(0).stdout;
        assert!(told.contains(&second[..8]) && told.contains("installed"), "{told}");

        case.state("dev", "two");
        case.commit("two");
        case.push("-o why=because origin main").expect(0);
        assert_eq!(case.level("dev"), "two");
        assert_eq!(case.container("dev")["Config"]["Labels"]["io.evenkeel.deploy.why"], "because");
    });
}

#[test]
fn options_of_a_push_are_obeyed() {
    with_case(|case| {
        case.state("dev", "one");
        case.commit("one");
        let said = case.push("-o test origin main").expect(0).stderr;
        assert!(said.contains("1 would change") && !case.exists("dev"), "{said}");
        assert!(said.contains("only tested") && said.contains("evenkeel hook run --repo"), "{said}");
        case.commit("again");
        let said = case.push("-o skip origin main").expect(0).stderr;
        assert!(said.contains("skipped") && !case.exists("dev"), "{said}");
        case.commit("and again");
        let refused = case.push("-o force origin main");
        assert!(refused.code() != Some(0) && refused.stderr.contains("`-o force` is not known"), "{refused}");
        assert!(!case.exists("dev"));
    });
}

#[test]
fn each_environment_follows_its_branches_and_tags() {
    let hooks = "environments:\n  dev: {ref: main, on_push: apply}\n  qa: {ref: 'release/*', on_push: apply}\n  \
                 prod: {ref: 'refs/tags/v*', on_push: apply}\n";
    with_one(hooks, |case| {
        for environment in ["dev", "qa", "prod"] {
            case.state(environment, "{{ env }}");
        }
        let commit = case.commit("all of them");
        case.push("origin main").expect(0);
        assert!(case.exists("dev") && !case.exists("qa") && !case.exists("prod"));
        case.push("origin main:refs/heads/release/1.4").expect(0);
        assert!(case.exists("qa") && !case.exists("prod"));
        case.git("work", &["tag", "-a", "v1.4.0", "-m", "a version"]).expect(0);
        case.push("origin v1.4.0").expect(0);
        assert_eq!((case.level("prod"), case.deployed("prod")), ("prod".to_owned(), commit));
        let said = case.push("origin main:refs/heads/elsewhere").expect(0).stderr;
        assert!(said.contains("elsewhere: no environment follows it"), "{said}");
        // Several at once, and one that goes.
        case.commit("more");
        case.push("origin main main:refs/heads/release/1.5 :refs/heads/elsewhere").expect(0);
        assert_eq!(case.deployed("dev"), case.deployed("qa"));
        let both = case.push("origin main:refs/heads/release/2 main:refs/heads/release/3");
        assert!(both.stderr.contains("would both go to qa"), "{both}");
        let said = case.push("origin :refs/heads/release/1.5").expect(0).stderr;
        assert!(said.contains("qa stays as it is") && case.exists("qa"), "{said}");
    });
}

#[test]
fn an_older_commit_never_goes_over_a_newer() {
    let hooks = "environments:\n  prod: {ref: ['refs/tags/v*', main], on_push: apply}\n";
    with_one(hooks, |case| {
        case.state("prod", "one");
        case.commit("one");
        case.git("work", &["tag", "v1"]).expect(0);
        case.state("prod", "two");
        let two = case.commit("two");
        case.push("origin main").expect(0);
        let said = case.push("origin v1").expect(0).stderr;
        assert!(said.contains("which comes after it"), "{said}");
        assert_eq!((case.level("prod"), case.deployed("prod")), ("two".to_owned(), two));
        // Who moves the branch back by force means it.
        case.git("work", &["reset", "-q", "--hard", "v1"]).expect(0);
        case.push("--force origin main").expect(0);
        assert_eq!(case.level("prod"), "one");
    });
}

#[test]
fn of_pushes_that_race_the_newest_stays() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "0");
        case.commit("0");
        case.push("origin main").expect(0);
        let mut running = Vec::new();
        for number in 1..=4 {
            case.state("dev", &number.to_string());
            let commit = case.commit(&number.to_string());
            // The next one begins as soon as git has taken this one.
            let push = case.command("work", &["push", "-q", "origin", "main"]).spawn().expect("git runs");
            running.push(push);
            until("git has taken the push", || case.at("refs/heads/main") == commit);
        }
        for push in running {
            assert!(push.wait_with_output().expect("it ends").status.success());
        }
        assert_eq!((case.level("dev"), case.deployed("dev")), ("4".to_owned(), case.head()));
        assert!(case.git("shop.git", &["fsck", "--strict"]).code() == Some(0));
    });
}

#[test]
fn a_run_goes_on_when_the_pusher_is_gone() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.commit("one");
        case.push("origin main").expect(0);
        case.state("dev", "two");
        let commit = case.commit("two");
        let mut command = case.command("work", &["push", "origin", "main"]);
        let mut push = command.process_group(0).spawn().expect("git runs");
        // In the middle of the run all of the pusher's side dies: git, the hook, and what reads its output.
        let newcomer = format!("/containers/{}.r2.next/json", case.scope.name("dev"));
        until("the newcomer is there", || case.engine.http().get(&newcomer).is_ok());
        assert_ne!(case.deployed("dev"), commit, "it is not over yet");
        let group = format!("-{}", push.id());
        std::process::Command::new("kill").args(["-KILL", "--", &group]).status().expect("kill runs");
        push.wait().expect("it ends");
        // Nobody does anything, and the run comes to its end.
        until("the run has ended well", || case.deployed("dev") == commit);
        assert_eq!(case.level("dev"), "two");
        assert_eq!(case.container("dev")["State"]["Running"], true);
    });
}

#[test]
fn a_run_that_was_killed_is_finished_by_the_next_push() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.commit("one");
        case.push("origin main").expect(0);
        case.state("dev", "two");
        case.commit("two");
        let killed = case.head();
        let push = case.command("work", &["push", "-q", "origin", "main"]).spawn().expect("git runs");
        // As soon as the run has made its newcomer, everything on this host dies.
        let newcomer = format!("/containers/{}.r2.next/json", case.scope.name("dev"));
        until("the newcomer is there", || case.engine.http().get(&newcomer).is_ok());
        let repository = case.path("shop.git").canonicalize().expect("a path").display().to_string();
        std::process::Command::new("pkill").args(["-KILL", "-f", &repository]).status().expect("pkill runs");
        push.wait_with_output().expect("it ends");
        let told = case.evenkeel("hook status --repo shop.git").stdout;
        assert!(told.contains(&format!("{} was begun and did not end", &killed[..8])), "{told}");
        case.commit("three");
        let said = case.push("origin main").expect(0).stderr;
        let trees = case.path("shop.git/evenkeel/dev/trees");
        assert_eq!(std::fs::read_dir(trees).expect("a folder").count(), 0);
        assert_eq!((case.level("dev"), case.deployed("dev")), ("two".to_owned(), case.head()), "{said}");
        assert_eq!(case.container("dev")["State"]["Running"], true);
        let names = crate::rig::inspect::serving(case.engine, case.scope);
        assert_eq!(names, [case.scope.name("dev")]);
    });
}

#[test]
fn a_plan_is_saved_and_applied_later() {
    let hooks = "environments:\n  prod: {ref: main, on_push: plan}\n";
    with_one(hooks, |case| {
        case.state("prod", "one");
        case.commit("one");
        let said = case.push("origin main").expect(0).stderr;
        assert!(!case.exists("prod"), "{said}");
        let plan = said.split("evenkeel apply ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let plan = plan.unwrap_or_else(|| panic!("no plan in {said}")).to_owned();
        let told = case.evenkeel(&format!("apply {plan}")).expect(0);
        assert!(told.stderr.contains("prod is at"), "{told}");
        assert_eq!((case.level("prod"), case.deployed("prod")), ("one".to_owned(), case.head()));
        let labels = case.container("prod")["Config"]["Labels"].clone();
        let label = |name: &str| labels[format!("io.evenkeel.deploy.{name}")].clone();
        assert_eq!(
            (label("cause"), label("why"), label("commit")),
            ("push".into(), "one".into(), case.head().into())
        );
        assert!(!case.path("shop.git/evenkeel/prod/trees").join(case.head()).exists());
        case.evenkeel(&format!("apply {plan}")).expect(5);
        // One that waited while a newer one was applied.
        let plan_of = |level: &str| {
            case.state("prod", level);
            let commit = case.commit(level);
            case.push("origin main").expect(0);
            case.path(&format!("shop.git/evenkeel/prod/plans/{commit}.json")).display().to_string()
        };
        let (two, three) = (plan_of("two"), plan_of("three"));
        case.evenkeel(&format!("apply {three}")).expect(0);
        let late = case.evenkeel(&format!("apply {two}")).expect(5);
        assert!(late.stderr.contains("which comes after it"), "{late}");
        assert_eq!((case.level("prod"), case.deployed("prod")), ("three".to_owned(), case.head()));
    });
}

#[test]
fn repositories_of_sha256_and_odd_trees_are_taken() {
    match crate::rig::engines::machine() {
        Ok(engine) => {
            let scope = Scope::new(&engine);
            images::bb(&engine);
            let case = Case::with(&engine, &scope, super::HOOKS, &["--object-format=sha256"]);
            case.state("dev", "one");
            let commit = case.commit("one");
            assert_eq!(commit.len(), 64);
            case.push("origin main").expect(0);
            assert_eq!((case.level("dev"), case.deployed("dev")), ("one".to_owned(), commit));
            // A merge, a link inside, a submodule.
            case.git("work", &["checkout", "-q", "-b", "side"]).expect(0);
            case.commit("side");
            case.git("work", &["checkout", "-q", "main"]).expect(0);
            case.state("dev", "two");
            case.commit("two");
            case.git("work", &["merge", "-q", "--no-ff", "-m", "merged", "side"]).expect(0);
            std::os::unix::fs::symlink("states", case.path("work/link")).expect("a link");
            let head = case.head();
            case.git("work", &["update-index", "--add", "--cacheinfo", &format!("160000,{head},module")])
                .expect(0);
            case.git("work", &["add", "link"]).expect(0);
            case.git("work", &["commit", "-q", "-m", "odd"]).expect(0);
            case.push("origin main").expect(0);
            assert_eq!(case.level("dev"), "two");
        }
        Err(reason) => crate::rig::engines::skip("machine", &reason),
    }
}
