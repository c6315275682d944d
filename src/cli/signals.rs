//! Ctrl-C and SIGTERM: the first one asks the run to stop after the step in hand, the second one
//! ends the program at once (the next run finishes what is left).

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::exit_code::ExitCode;
use crate::report::{Progress, message};
use crate::run::{Signal, Stop};

const FIRST: &str =
    "stopping after the step in hand; press again to leave at once (the next run finishes what is left)";

/// Begins to listen; goes on until the program ends.
pub(super) fn listen(stop: &Stop, progress: &Arc<Progress>) {
    for (kind, wish) in
        [(SignalKind::interrupt(), Signal::Interrupt), (SignalKind::terminate(), Signal::Terminate)]
    {
        // Without a handler the signal ends the program, which every run can take.
        let Ok(mut signals) = signal(kind) else { continue };
        let (stop, progress) = (stop.clone(), progress.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if stop.requested().is_some() {
                    progress.finish();
                    std::process::exit(ExitCode::of_signal(wish).number().into());
                }
                stop.request(wish);
                progress.say(&message(FIRST));
            }
        });
    }
}

/// Keeps waiting times on a terminal going.
pub(super) fn tick(progress: &Arc<Progress>) -> JoinHandle<()> {
    let progress = progress.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            progress.tick();
        }
    })
}
