//! The engine itself goes away at a call, and comes back: what has a restart policy comes back with it, whoever has
//! stopped it. On engines of their own, since all containers of an engine end with it.

use super::{Tried, Trouble, is_full, wanted};
use crate::rig::engines::{self, Release};
use serde_json::json;
use std::cell::RefCell;

const TROUBLES: [Trouble; 4] =
    [Trouble::EngineKilledBefore, Trouble::EngineKilledAfter, Trouble::EngineGone, Trouble::EngineRestarted];

/// In the middle of the replacement. A kind after which the engine itself has never needed help.
const SAMPLE: [(usize, Trouble); 1] = [(14, Trouble::EngineRestarted)];

fn points(calls: usize) -> Vec<(usize, Trouble)> {
    match is_full() {
        true => wanted(&TROUBLES).iter().flat_map(|trouble| (1..=calls).map(|k| (k, *trouble))).collect(),
        false => SAMPLE.to_vec(),
    }
}

fn survives_restarts(release: Release) {
    let tried = RefCell::new(Tried::default());
    while !tried.borrow().is_done() {
        let before = tried.borrow().points.len();
        // One after another, should one be lost: who knows what is left of it.
        engines::with_private(release, &json!({}), |engine| {
            tried.borrow_mut().go_on(engine, ["always", "always"], points);
        });
        if tried.borrow().points.len() == before {
            // It was said that there is no such engine.
            return;
        }
    }
    tried.borrow().ends();
}

#[test]
fn an_engine_that_restarts_at_any_call_serves_again() {
    survives_restarts(Release::Installed);
}

#[test]
fn a_new_engine_that_restarts_at_any_call_serves_again() {
    // One engine is enough for a sample: a restart takes its seconds.
    if is_full() {
        survives_restarts(Release::Newest);
    }
}
