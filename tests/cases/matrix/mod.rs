//! The matrix: every row of the tables of containers, networks and volumes on real engines, with the samples of its
//! form, column by column (see `Column`). Containers are created and not started, but for the columns that are about
//! that. What an engine or its kernel does not do is a cell with a name of its own, found by trying.
//!
//! In CI each engine has half of the rows, with their first sample. `EVENKEEL_MATRIX=full`: all rows on both, every
//! sample, in both vocabularies, and with `UPDATE_DOCS=1` what came of it is written to docs/matrix.md.

mod paths;
mod table;

use super::scene::{Scene, at};
use crate::rig::inspect::{self, Object};
use crate::rig::{engines, images};
use evenkeel::resource::{At, Field, KINDS, Kind, Unset};
use paths::{Column, Path, Stage, paths, present};
use serde_json::{Value, json};
use std::env;
use std::io::Write as _;
use table::{Cell, Table};

/// Rows whose samples name things that have to be there, and the case that has them instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("image", "i07, i08, i09"),
    ("volumes", "n09, n31, f22"),
    ("networks", "n19, n20, cases::fields"),
    ("network_mode", "f23, n15"),
    ("links", "n22"),
    ("volumes_from", "cases2::sharing"),
    ("pid", "cases2::sharing"),
    ("ipc", "cases2::sharing"),
    ("raw", "n21, n29: its samples are no fields of the API"),
    ("ipam", "v05, v07: its samples are fixed ranges"),
    ("driver", "v03, v07: its samples are drivers that are not here"),
    ("platform", "n13: it is a property of the image"),
    ("mac_address", "cases::fields: what is shown depends on the engine"),
    ("config_from", "cases::fields: it names another network"),
];

/// What a row cannot do without, or not do with another value than its own.
const COMPANIONS: &[(&str, &str)] = &[
    ("memory_swap", "memory: 64m"),
    ("log_opt", "log_driver: json-file"),
    ("cpu_period", "cpu_quota: 20000"),
    ("oom_kill_disable", "mem_limit: 64m"),
];

#[test]
fn d19_f27_every_row_keeps_every_sample_and_goes_back() {
    let is_full = env::var("EVENKEEL_MATRIX").is_ok_and(|value| value == "full");
    let mut table = Table::default();
    let mut problems = Vec::new();
    for (number, engine) in [engines::machine(), engines::newest()].into_iter().enumerate() {
        let engine = match engine {
            Ok(engine) => engine,
            Err(reason) => {
                engines::skip(if number == 0 { "machine" } else { "newest" }, &reason);
                continue;
            }
        };
        let scene = Scene::new(&engine);
        let mut paths = paths(is_full, |row| is_full || row % 2 == number);
        let wrong = go(&scene, &mut paths);
        table.add(&engine, &paths);
        for path in &paths {
            if let Some(reason) = &path.ended {
                let what = format!("{}.{} ({:?})", path.kind.name(), path.field.name, path.vocabulary);
                engines::skip(engine.name, &format!("{what}: {reason}"));
            }
        }
        if !wrong.is_empty() {
            problems.push(format!(
                "{} of {} paths on {}:\n{}",
                wrong.len(),
                paths.len(),
                engine.version,
                wrong.join("\n")
            ));
        }
        let done = paths.iter().filter(|path| path.ended.is_none()).count();
        let text = format!("{done} of {} paths could be gone on {}", paths.len(), engine.version);
        if is_full {
            // Past libtest's capture.
            drop(writeln!(std::io::stderr(), "{text}"));
        }
        assert!(done * 5 > paths.len() * 4, "{text}");
    }
    if is_full {
        table.write();
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn nothing_differs_when_the_engine_has_restarted() {
    if !env::var("EVENKEEL_MATRIX").is_ok_and(|value| value == "full") {
        return;
    }
    engines::with_private(engines::Release::Newest, &json!({}), |engine| {
        let scene = Scene::new(engine);
        let mut paths = paths(false, |_| true);
        // Engines remove those when they start.
        paths.retain(|path| path.field.name != "auto_remove");
        paths.iter_mut().for_each(|path| path.stages.truncate(1));
        let wrong = go(&scene, &mut paths);
        assert!(wrong.is_empty(), "before the restart:\n{}", wrong.join("\n"));
        paths.retain(|path| path.ended.is_none());
        engine.restart();
        for path in &mut paths {
            let again = Stage { column: Column::Restarted, ..path.stages[0].clone() };
            path.stages.push(again);
        }
        let wrong = stage(&scene, &mut paths, 1);
        assert!(wrong.is_empty(), "after the restart:\n{}", wrong.join("\n"));
    });
}

#[test]
fn every_row_is_in_the_matrix_or_in_a_case_of_its_own() {
    for (name, _) in ELSEWHERE.iter().chain(COMPANIONS) {
        let is_row = |kind: &&dyn Kind| kind.fields(present(*kind)).iter().any(|field| field.name == *name);
        assert!(KINDS.iter().any(is_row), "{name} is no row");
    }
}

/// Takes all paths through all their stages, and gives what is wrong.
fn go(scene: &Scene<'_>, paths: &mut [Path]) -> Vec<String> {
    let longest = paths.iter().map(|path| path.stages.len()).max().unwrap_or(0);
    (0..longest).flat_map(|number| stage(scene, paths, number)).collect()
}

/// Goes one stage further with all paths at once, and gives what is wrong.
fn stage(scene: &Scene<'_>, paths: &mut [Path], number: usize) -> Vec<String> {
    for path in paths.iter().filter(|path| path.ended.is_none() && number < path.stages.len()) {
        if let Some(body) = &path.stages[number].by_hand {
            path.update_by_hand(scene, body);
        }
    }
    let text: String =
        paths.iter().filter(|path| path.ended.is_none()).map(|path| path.state(number)).collect();
    scene.states(&text);
    let said = scene.test();
    let done = scene.run(&[]);
    let mut wrong = Vec::new();
    for path in paths.iter_mut().filter(|path| path.ended.is_none() && number < path.stages.len()) {
        let state = done.state(&path.name);
        let diff = said.diff(&path.name);
        let now = path.stages[number].clone();
        let tell = |what: &str| {
            let text = now.text.as_deref().unwrap_or("(nothing)");
            format!(
                "{} {}: {text}, {:?}, stage {number}: {what}",
                path.kind.name(),
                path.field.name,
                now.column
            )
        };
        let comment = state["comment"].as_str().unwrap_or("").to_owned();
        let expects = path.expects_change(scene, number);
        let action = said.action(&path.name);
        if state["result"] != true {
            let cell = Cell::of_refusal(&comment);
            // Refused is what the engine does not take; what it took has to stay.
            let is_named = !comment.contains("still shows") || matches!(cell, Cell::Dropped);
            if !is_named || expects == Some(false) {
                wrong.push(tell(&format!("{state}")));
            }
            path.ended = Some(comment.lines().next().unwrap_or("").to_owned());
            path.cells.insert(now.column, cell);
            continue;
        }
        let mut complaints = Vec::new();
        let is_own = |row: &String| {
            row.starts_with(&format!("{}:", path.field.name))
                || row.starts_with(&format!("{}.", path.field.name))
                || (now.column == Column::Running && row.starts_with("status:"))
        };
        match expects {
            _ if number == 0 && action == "create" => {}
            Some(true) if action != "none" && !diff.is_empty() && diff.iter().all(is_own) => {}
            Some(false) if action == "none" => {}
            None => {}
            _ => complaints.push(format!("expected a change: {expects:?}, --test says {action} {diff:?}")),
        }
        if said.changes().len() != done.changes().len() {
            complaints.push("--test said something else than what was done".to_owned());
        }
        if let (At::Path(at_path), Some(wanted)) = (path.field.at, path.wanted(scene, number)) {
            let object = path.object(scene);
            let observed = path.field.form.observe(&at(&object, at_path));
            let left = path.field.form.differences(&observed, &wanted);
            if !left.is_empty() {
                complaints.push(format!("inspect shows {observed}, not {wanted}"));
            }
        }
        let is_well = complaints.is_empty();
        wrong.extend(complaints.iter().map(|what| tell(what)));
        path.cells.entry(now.column).or_insert(if is_well { Cell::Well } else { Cell::Wrong });
    }
    wrong
}

impl Path {
    /// The value that the object is to show; `None` where that is the engine's to say.
    fn wanted(&self, scene: &Scene<'_>, number: usize) -> Option<Value> {
        let form = self.field.form;
        let background = match self.field.unset {
            Unset::Image(path) => form.observe(&at(&inspect::image(scene.engine, images::BB), path)),
            Unset::Engine | Unset::Chosen(_) | Unset::Unmanaged(_) => form.observe(&json!(null)),
        };
        let is_the_engines = matches!(self.field.unset, Unset::Unmanaged(_) | Unset::Chosen(_));
        match &self.stages[number].normal {
            Some(normal) if matches!(self.field.unset, Unset::Image(_)) => {
                Some(form.over(&background, normal))
            }
            Some(normal) if normal.is_null() && is_the_engines => None,
            Some(normal) if self.field.name == "log_opt" => {
                let shown = form.observe(&at(&self.object(scene), "HostConfig.LogConfig.Config"));
                Some(form.over(&shown, normal))
            }
            Some(normal) => Some(normal.clone()),
            None if is_the_engines => None,
            // The short id of the container is the default host name.
            None if self.field.name == "hostname" => None,
            None => Some(background),
        }
    }

    /// Whether this stage differs from the one before; `None` where that is not known.
    fn expects_change(&self, scene: &Scene<'_>, number: usize) -> Option<bool> {
        if number == 0 || self.stages[number].by_hand.is_some() {
            return Some(true);
        }
        let [before, now] = [number - 1, number].map(|number| &self.stages[number]);
        if before.normal == now.normal {
            return Some(false);
        }
        // Nothing at all is what it was before, and whether that differs is only known to the engine. What it
        // had chosen itself is never a difference.
        let is_said = |stage: &Stage| stage.normal.as_ref().is_some_and(|normal| !normal.is_null());
        if matches!(self.field.unset, Unset::Chosen(_)) {
            return match (is_said(before), is_said(now)) {
                (true, false) => Some(true),
                (false, false) => Some(false),
                (false, true) => None,
                (true, true) => Some(!self.differences(before, now).is_empty()),
            };
        }
        // The engine adds its own to what is shown; only what is declared tells the two apart.
        if self.field.name == "log_opt" {
            let declared = |stage: &Stage| stage.normal.clone().unwrap_or(json!({}));
            return Some(declared(before) != declared(now));
        }
        let [before, now] = [self.wanted(scene, number - 1)?, self.wanted(scene, number)?];
        Some(!self.field.form.differences(&before, &now).is_empty())
    }

    fn differences(&self, before: &Stage, now: &Stage) -> Vec<(String, Value, Value)> {
        let value = |stage: &Stage| stage.normal.clone().unwrap_or_default();
        self.field.form.differences(&value(before), &value(now))
    }

    fn object(&self, scene: &Scene<'_>) -> Value {
        let object = match self.kind.name() {
            "network" => Object::Network,
            "volume" => Object::Volume,
            _ => Object::Container,
        };
        inspect::find(scene.engine, object, &scene.name(&self.name)).unwrap_or_default()
    }

    /// Somebody else changes the field through the engine's update call.
    fn update_by_hand(&self, scene: &Scene<'_>, body: &Value) {
        let path = format!("/containers/{}/update", scene.name(&self.name));
        let sent = serde_json::to_vec(body).expect("JSON");
        let answer = scene.engine.http().send("POST", &path, "application/json", &sent).expect("an answer");
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
    }
}

/// The key by which the engine's update call takes a field.
fn update_key(field: &Field) -> Option<&'static str> {
    match field.at {
        At::Path(path) if field.is_updated_in_place() => path.strip_prefix("HostConfig."),
        _ => None,
    }
}
