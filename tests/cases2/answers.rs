//! Answers that no engine should give: a clear error with an exit code, never a panic, never a guess.

use super::fake::{Fake, answer};
use super::stage::{Stage, each};
use crate::rig::workspace::Run;
use std::os::unix::net::UnixListener;

const WEB: &str = "@web: {container.running: {BB}}";
const JSON: &str = "application/json";

/// Everything that may come instead of an answer.
fn garbage() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", Vec::new()),
        ("no http", b"hello\r\n\r\n".to_vec()),
        ("html", answer(200, "text/html", "<html><body>Welcome to the proxy</body></html>")),
        ("html error", answer(502, "text/html", "<html><body>Bad Gateway</body></html>")),
        ("no json", answer(200, JSON, "{\"Id\": ")),
        ("empty", answer(200, JSON, "")),
        ("null", answer(200, JSON, "null")),
        ("a number", answer(200, JSON, "17")),
        ("a list of numbers", answer(200, JSON, "[1, 2]")),
        ("an empty object", answer(200, JSON, "{}")),
        (
            "wrong types",
            answer(
                200,
                JSON,
                "{\"Id\": 7, \"Name\": [], \"State\": \"x\", \"Config\": 3, \"ApiVersion\": {}}",
            ),
        ),
        ("server error", answer(500, JSON, "{\"message\": \"the disk is on fire\"}")),
        ("forbidden", answer(403, JSON, "{\"message\": \"not for you\"}")),
        (
            "cut off",
            b"HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"Id\":"
                .to_vec(),
        ),
        ("binary", answer(200, JSON, "\u{0}\u{1b}[2J\u{7}")),
    ]
}

/// Never a panic, never an escape sequence of somebody else's, and an error where the run did not succeed.
#[track_caller]
fn is_clear(run: &Run, what: &str) {
    assert!(!run.stderr.contains("panicked"), "{what}: {run}");
    assert!(!run.stderr.contains("\u{1b}[2J"), "{what}: {run}");
    match run.code() {
        Some(4) => assert!(run.stdout.is_empty() && run.stderr.contains("error: "), "{what}: {run}"),
        Some(1) => assert!(run.stdout.contains("failed") || run.stderr.contains("error: "), "{what}: {run}"),
        Some(0) => {}
        _ => panic!("{what}: {run}"),
    }
}

fn on(stage: &Stage<'_>, fake: &Fake, args: &[&str]) -> Run {
    stage.tree.apply("states/dev.yml", &[args, &["--host", &fake.host()]].concat())
}

#[test]
fn nobody_listens() {
    each(|stage| {
        stage.states(WEB);
        let path = stage.tree.path("dead");
        drop(UnixListener::bind(&path).expect("a socket in an own folder can be bound"));
        let run = stage.apply(&["--host", &format!("unix://{}", path.display())]).expect(4);
        assert!(run.stderr.contains("cannot reach the engine"), "{run}");
    });
}

#[test]
fn every_answer_is_garbage() {
    each(|stage| {
        stage.states(WEB);
        for (what, bytes) in garbage() {
            let fake = Fake::before(stage.engine, move |_, _| Some(bytes.clone()));
            let run = on(stage, &fake, &["--test"]);
            is_clear(&run, what);
            assert!(matches!(run.code(), Some(1 | 4)), "{what}: {run}");
        }
    });
}

#[test]
fn one_answer_of_the_observation_is_garbage() {
    each(|stage| {
        stage.states(
            "@net: {network.present: {}}\n@data: {volume.present: {}}\n@web: {container.running: {BB, networks: ['@net'], volumes: ['@data:/d']}}",
        );
        stage.apply(&[]).expect(0);
        let web = format!("/containers/{}/json", stage.id("web"));
        for route in ["/info", "/containers/json", "/images/json", "/networks", "/volumes", web.as_str()] {
            for (what, bytes) in garbage() {
                let chosen = route.to_owned();
                let fake = Fake::before(stage.engine, move |_, path| (path == chosen).then(|| bytes.clone()));
                let run = on(stage, &fake, &["--test", "--detailed-exitcode"]);
                if run.code() == Some(2) {
                    continue;
                }
                is_clear(&run, &format!("{what} for {route}"));
            }
        }
    });
}

#[test]
fn the_answer_to_a_change_is_garbage() {
    each(|stage| {
        stage.states(WEB);
        for (what, bytes) in garbage() {
            let fake = Fake::before(stage.engine, move |method, path| {
                (method == "POST" && path == "/containers/create").then(|| bytes.clone())
            });
            let run = on(stage, &fake, &[]);
            is_clear(&run, what);
            assert_eq!(run.code(), Some(1), "{what}: {run}");
            assert_eq!(stage.containers(), [""; 0], "{what}");
        }
        stage.apply(&[]).expect(0);
        stage.is_quiet();
    });
}

#[test]
fn an_engine_that_keeps_its_words_is_not_misunderstood() {
    each(|stage| {
        stage.states(WEB);
        let fake = Fake::before(stage.engine, |_, _| None);
        on(stage, &fake, &[]).expect(0);
        assert!(stage.is_running("web"));
        stage.is_quiet();
    });
}
