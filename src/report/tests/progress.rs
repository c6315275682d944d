//! What is shown while a run goes on.

use super::*;

/// A writer that remembers.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn progress(display: Display) -> String {
    let memory = Memory::default();
    let progress = Progress::new(Box::new(memory.clone()), display, Paint::Plain, &View::for_tests());
    let (web, db) = (ChangeId(0), ChangeId(1));
    let report = run(vec![
        (super::tests::web(), ended(Ending::Changed)),
        (change("container", "running", "db", Action::Start), ended(Ending::Changed)),
    ]);
    let step = |change, step: &str| Event::StepStarted { change, step: step.to_owned() };
    let events = [
        Event::Message { text: "applying states/prod.yml to unix:///run/docker.sock".to_owned() },
        Event::Planned { plan: Arc::new(report.plan) },
        Event::PhaseStarted { phase: Phase::Prepare },
        step(web, "pull image nginx:2"),
        step(db, "start container db"),
        Event::StepProgress { change: web, text: "layer 1 of 3".to_owned() },
        Event::StepFailed {
            change: db,
            step: "start container db".to_owned(),
            reason: "port 80 is taken".to_owned(),
        },
        Event::StepDone { change: web, step: "pull image nginx:2".to_owned(), took: Duration::from_secs(7) },
    ];
    events.iter().for_each(|event| progress.show(event));
    progress.finish();
    let bytes = memory.0.lock().expect("no panic").clone();
    String::from_utf8(bytes).expect("text").replace('\u{1b}', "ESC").replace('\r', "CR")
}

#[test]
fn progress_in_a_pipe_is_plain_lines() {
    assert_snapshot!(progress(Display::Plain), @"
    applying states/prod.yml to unix:///run/docker.sock
    [prepare] web: pull image nginx:2
    [prepare] db: start container db
    [prepare] db: start container db: failed: port 80 is taken
    [prepare] web: pull image nginx:2: done in 7.0 s
    ");
}

#[test]
fn progress_on_a_terminal_is_redrawn_and_never_wraps() {
    assert_snapshot!(progress(Display::Live { width: 24 }), @"
    applying states/prod.yml to unix:///run/docker.sock
      web: pull image ng…
    ESC[1ACRESC[J  web: pull image ng…
      db: start containe…
    ESC[2ACRESC[J[prepare] db: start container db: failed: port 80 is taken
      web: pull image ng…
    ESC[1ACRESC[J
    ");
}
