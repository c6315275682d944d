//! Containers that run to their end: once for what they are made of, whatever happens in between.

use super::stage::{Stage, each};
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::proxy::Fault;
use crate::rig::waiting::until;
use crate::rig::workspace::Victim;

/// A job that leaves a line in a volume, and somebody who waits for it.
fn job(line: &str, more: &str) -> String {
    let image = images::BB;
    format!(
        "@job: {{job.ran: {{image: {image}, volumes: ['@data:/data']{more}, \
         command: [sh, -c, 'echo {line} >> /data/log; cat /data/log']}}}}\n\
         @web: {{container.running: {{BB, require: [container: {{'@job': completed}}]}}}}"
    )
}

/// What the job has written, of all runs so far.
fn lines(stage: &Stage<'_>) -> Vec<String> {
    inspect::logs(stage.engine, &stage.name("job")).lines().map(str::to_owned).collect()
}

#[test]
fn l21_a_job_runs_once_and_again_when_what_it_is_made_of_differs() {
    each(|stage| {
        stage.states(&job("one", "")).converges(&["run container.job", "create container.web"]);
        assert_eq!(lines(stage), ["one"]);
        // What it is not made of is told, and waits for its next run.
        let said = stage.states(&job("one", ", memory: 64m, labels: {a: b}")).said(&["--test"], 0);
        assert!(said.contains("0 would change"), "{said}");
        stage.is_quiet();

        stage.states(&job("two", "")).converges(&["run container.job"]);
        assert_eq!(lines(stage), ["one", "two"]);
        assert!(
            stage.names(inspect::Object::Container).contains(&"job.r1".to_owned()),
            "the log of the first stays"
        );

        // Nobody goes back to a job, and one that becomes a container that serves is made anew.
        let refused = stage.tree.run(["rollback", &stage.name("job")]).expect(1);
        assert!(refused.stderr.contains("is a job"), "{refused}");
        stage.states("@job: {container.running: {BB}}").apply(&["--prune"]).expect(0);
        stage.is_quiet();
        assert!(stage.is_running("job"));
        stage.states(&job("three", "")).apply(&[]).expect(0);
        stage.is_quiet();
        assert_eq!(lines(stage), ["one", "two", "three"]);
    });
}

#[test]
fn a_job_that_fails_holds_back_who_needs_it_and_is_run_again() {
    each(|stage| {
        let failing = job("one; echo cannot migrate; exit 3", "");
        stage.states(&failing);
        let said = stage.said(&[], 1);
        for part in ["it ended with exit code 3", "| cannot migrate", "skipped container.web"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(stage.containers(), ["job", "web"]);
        assert!(!stage.is_running("web"));
        assert_eq!(stage.test(0), ["run container.job", "start container.web"]);
        stage.states(&job("two", "")).converges(&["run container.job", "start container.web"]);
        assert_eq!(lines(stage), ["two"]);

        // Once it is served, a job that fails takes nothing away.
        let id = stage.id("web");
        stage.states(&failing.replace("{BB", "{BB, env: {A: 1}")).apply(&[]).expect(1);
        assert!(stage.is_running("web") && stage.id("web") == id);
    });
}

#[test]
fn a_job_that_takes_too_long_goes_on_and_is_waited_for() {
    each(|stage| {
        stage.states(&job("one; while [ ! -e /data/go ]; do sleep 0.1; done", ", timeout: 1s"));
        let said = stage.said(&[], 1);
        assert!(said.contains("did not end within 1 s") && said.contains("it goes on"), "{said}");
        assert!(stage.is_running("job"));
        assert_eq!(stage.test(0), ["run container.job", "start container.web"]);
        inspect::exec(stage.engine, &stage.name("job"), &["touch", "/data/go"]);
        until("the job ends", || !stage.is_running("job"));
        stage.converges(&["start container.web"]);
        assert_eq!(lines(stage), ["one"]);
    });
}

#[test]
fn a_run_that_is_killed_anywhere_has_its_job_done_exactly_once() {
    each(|stage| {
        stage.states(&job("0", ", keep_revisions: 0")).apply(&[]).expect(0);
        let mut k = 1;
        loop {
            stage.states(&job(&k.to_string(), ", keep_revisions: 0"));
            let victim = Victim::default();
            let killer = victim.clone();
            stage.proxy.clear();
            stage.proxy.fault_at(k, Fault::After(Box::new(move || killer.kill())));
            let run = stage.tree.start(["apply", "states/dev.yml"], victim).wait();
            if !stage.proxy.faults_are_spent() {
                run.expect(0);
                break;
            }
            // It ends, whoever waits for it.
            until("the job ends", || {
                !stage.containers().contains(&"job".to_owned()) || !stage.is_running("job")
            });
            let said = stage.test(0);
            assert_eq!(stage.actions(&[], 0), said, "after call {k}");
            stage.is_quiet();
            k += 1;
        }
        let expected: Vec<String> = (0..=k).map(|number| number.to_string()).collect();
        assert_eq!(lines(stage), expected);
        assert!(k > 3, "there were calls to be killed at");
    });
}

#[test]
fn lost_evidence_of_a_job_is_told_and_decided_by_the_state() {
    each(|stage| {
        let remove = || {
            let id = stage.id("job");
            stage.engine.http().delete(&format!("/containers/{id}")).ok();
        };
        stage.states(&job("one", "")).apply(&[]).expect(0);
        remove();
        let said = stage.states(&job("two", ", on_unknown: skip")).said(&["--test"], 0);
        assert!(said.contains("its container is gone") && said.contains("it is left alone"), "{said}");
        stage.is_quiet();
        // A volume that was made since has nothing of what was done.
        let fresh = job("two", ", on_unknown: skip").replace("@data", "@other");
        stage.states(&fresh).converges(&["run container.job"]);
        assert_eq!(lines(stage), ["two"]);
        remove();
        let said = stage.states(&job("three", "")).said(&["--test"], 0);
        assert!(said.contains("it is run again"), "{said}");
        stage.converges(&["run container.job"]);
        assert_eq!(lines(stage), ["one", "three"]);
    });
}
