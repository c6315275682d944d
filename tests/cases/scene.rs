//! What the cases say again and again: an engine, a scope and a tree of one state file, and cells: containers,
//! networks or volumes that go through stages side by side, so that one run of the binary serves many of them.

use crate::rig::engines::{self, Engine};
use crate::rig::inspect::{self, Object};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};
use crate::rig::{images, proxy::Proxy};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

pub const FILE: &str = "states/dev.yml";

pub struct Scene<'a> {
    pub engine: &'a Engine,
    pub scope: Scope,
    pub workspace: Workspace,
}

/// What one run said.
pub struct Outcome {
    pub run: Run,
    pub json: Value,
    prefix: String,
}

/// One object and the stages that it goes through.
pub struct Cell {
    name: &'static str,
    head: &'static str,
    image: Option<String>,
    stages: Vec<Stage>,
}

struct Stage {
    fields: String,
    /// The fields that are to differ from the stage before.
    differs: BTreeSet<String>,
    shows: Vec<(&'static str, Value)>,
}

/// Runs a case on every engine.
pub fn everywhere(case: impl Fn(&Scene<'_>)) {
    engines::each(|engine| case(&Scene::new(engine)));
}

/// Runs a case on one of the engines, or on both (`EVENKEEL_ENGINES=all`).
pub fn each(case: impl Fn(&Scene<'_>)) {
    engines::in_turn(|engine| case(&Scene::new(engine)));
}

/// Runs a case on this machine's engine only: what it shows rests on no release.
pub fn once(case: impl Fn(&Scene<'_>)) {
    match engines::machine() {
        Ok(engine) => case(&Scene::new(&engine)),
        Err(reason) => engines::skip("machine", &reason),
    }
}

impl<'a> Scene<'a> {
    pub fn new(engine: &'a Engine) -> Self {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        images::bb(engine);
        Self { engine, scope, workspace }
    }

    pub fn name(&self, short: &str) -> String {
        self.scope.name(short)
    }

    /// Busybox with more Dockerfile instructions.
    pub fn image(&self, short: &str, instructions: &str) -> String {
        images::image_with(self.engine, &self.scope, &format!("{short}:1"), instructions)
    }

    /// Writes the state file. `{p}` stands for the prefix of the scope.
    pub fn states(&self, text: &str) -> &Self {
        self.workspace.file(FILE, text.replace("{p}", &self.scope.prefix()));
        self
    }

    pub fn run(&self, args: &[&str]) -> Outcome {
        Outcome::of(&self.workspace, &self.scope, args)
    }

    /// What would change; nothing but GET and HEAD may leave the program.
    pub fn test(&self) -> Outcome {
        let proxy = Proxy::before(self.engine);
        let host = proxy.host();
        let outcome = self.run(&["--test", "--host", &host]);
        assert!(proxy.mutations().is_empty(), "--test acts: {}", outcome.run);
        outcome
    }

    /// Applies and expects success.
    pub fn apply(&self) -> Outcome {
        let outcome = self.run(&[]);
        assert_eq!(outcome.run.code(), Some(0), "{}", outcome.run);
        outcome
    }

    /// Says what would change, does that, and shows that nothing is left to do.
    pub fn converge(&self) -> Outcome {
        let said = self.test();
        let done = self.apply();
        assert_eq!(said.changes(), done.changes(), "what --test said, and what was done");
        self.settled();
        done
    }

    /// A run finds nothing to do and does nothing.
    pub fn settled(&self) {
        let before = inspect::inventory(self.engine, &self.scope);
        let outcome = self.apply();
        assert_eq!(outcome.changes(), Vec::<String>::new(), "a second run");
        assert_eq!(inspect::inventory(self.engine, &self.scope), before);
    }

    /// The run is refused; gives everything that was printed. Nothing was touched.
    pub fn refused(&self, code: i32) -> String {
        let before = inspect::inventory(self.engine, &self.scope);
        for args in [&["--test"][..], &[]] {
            let run = self.workspace.apply(FILE, args).expect(code);
            assert_eq!(inspect::inventory(self.engine, &self.scope), before, "{args:?}: {run}");
        }
        let run = self.workspace.apply(FILE, &["--test"]);
        format!("{}{}", run.stdout, run.stderr)
    }

    pub fn container(&self, short: &str) -> Value {
        inspect::container(self.engine, &self.name(short))
    }

    pub fn id(&self, short: &str) -> String {
        inspect::id(self.engine, &self.name(short))
    }

    /// Takes all cells through their stages, side by side, and tells of every one that does not do as expected.
    pub fn cells(&self, cells: &[Cell]) {
        let stages = cells.iter().map(|cell| cell.stages.len()).max().unwrap_or(0);
        let mut wrong = String::new();
        for number in 0..stages {
            let texts: Vec<String> = cells.iter().map(|cell| cell.state(number)).collect();
            self.states(&texts.concat());
            let said = self.test();
            let done = self.run(&[]);
            let again = self.run(&[]);
            for cell in cells {
                for complaint in self.complaints(cell, number, [&said, &done, &again]) {
                    let fields = &cell.at(number).fields;
                    let _ = writeln!(wrong, "{} stage {number} ({fields}): {complaint}", cell.name);
                }
            }
            if !wrong.is_empty() {
                let _ = write!(wrong, "\n{}", done.run);
                break;
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    fn complaints(&self, cell: &Cell, number: usize, runs: [&Outcome; 3]) -> Vec<String> {
        let [said, done, again] = runs;
        let mut complaints = Vec::new();
        let Some(stage) = cell.stages.get(number) else {
            if done.action(cell.name) != "none" {
                complaints.push(format!("nobody asked for {}", done.state(cell.name)));
            }
            return complaints;
        };
        if number == 0 {
            let wanted = ("create".to_owned(), Value::Bool(true));
            if (done.action(cell.name), done.state(cell.name)["result"].clone()) != wanted {
                complaints.push(format!("is not created: {}", done.state(cell.name)));
            }
        } else if done.fields(cell.name) != stage.differs {
            complaints.push(format!(
                "expected {:?} to differ, found {:?}",
                stage.differs,
                done.diff(cell.name)
            ));
        }
        if said.fields(cell.name) != done.fields(cell.name)
            || said.action(cell.name) != done.action(cell.name)
        {
            complaints.push(format!("--test said {}", said.state(cell.name)));
        }
        if done.state(cell.name)["result"] != Value::Bool(true) {
            complaints.push(format!("failed: {}", done.state(cell.name)));
        }
        if again.action(cell.name) != "none" || again.state(cell.name)["result"] != Value::Bool(true) {
            complaints.push(format!("a second run: {}", again.state(cell.name)));
        }
        let object = match cell.head.split('.').next() {
            Some("network" | "docker_network") => Object::Network,
            Some("volume" | "docker_volume") => Object::Volume,
            _ => Object::Container,
        };
        if let Some(found) = inspect::find(self.engine, object, &self.name(cell.name)) {
            for (path, wanted) in &stage.shows {
                if at(&found, path) != *wanted {
                    complaints.push(format!("{path} is {}, not {wanted}", at(&found, path)));
                }
            }
        }
        complaints
    }
}

impl Outcome {
    /// Runs the workspace's state file.
    pub fn of(workspace: &Workspace, scope: &Scope, args: &[&str]) -> Self {
        let (run, json) = workspace.apply_json(FILE, args);
        Self { run, json, prefix: scope.prefix() }
    }

    /// Every state that is not left as it is: its name, what is done, and what differs.
    pub fn changes(&self) -> Vec<String> {
        let states = self.json["states"].as_array().into_iter().flatten();
        states
            .filter(|state| state["action"] != "none")
            .map(|state| {
                let name = state["name"].as_str().unwrap_or("").trim_start_matches(&self.prefix);
                let action = state["action"].as_str().unwrap_or("");
                format!(
                    "{name} {action}{}",
                    rows(state).iter().map(|row| format!(" [{row}]")).collect::<String>()
                )
            })
            .collect()
    }

    /// The state of an object of the scope; null if there is none.
    pub fn state(&self, name: &str) -> Value {
        let full = format!("{}{name}", self.prefix);
        let mut states = self.json["states"].as_array().into_iter().flatten();
        states.find(|state| state["name"] == full.as_str()).cloned().unwrap_or_default()
    }

    pub fn action(&self, name: &str) -> String {
        self.state(name)["action"].as_str().unwrap_or("(no such state)").to_owned()
    }

    /// `field: from -> to` for every difference.
    pub fn diff(&self, name: &str) -> Vec<String> {
        rows(&self.state(name))
    }

    fn fields(&self, name: &str) -> BTreeSet<String> {
        let state = self.state(name);
        let rows = state["diff"].as_array().into_iter().flatten();
        rows.filter_map(|row| row["field"].as_str()).map(str::to_owned).collect()
    }

    /// Everything that was printed.
    pub fn text(&self) -> String {
        format!("{}{}", self.run.stdout, self.run.stderr)
    }
}

fn rows(state: &Value) -> Vec<String> {
    let rows = state["diff"].as_array().into_iter().flatten();
    rows.map(|row| format!("{}: {} -> {}", row["field"].as_str().unwrap_or(""), row["from"], row["to"]))
        .collect()
}

/// A cell that is a container which is created and never started.
pub fn cell(name: &'static str) -> Cell {
    Cell { name, head: "container.created", image: Some(images::BB.to_owned()), stages: Vec::new() }
}

/// A cell of another kind, without an image.
pub fn cell_of(head: &'static str, name: &'static str) -> Cell {
    Cell { name, head, image: None, stages: Vec::new() }
}

impl Cell {
    pub fn of(mut self, image: &str) -> Self {
        self.image = Some(image.to_owned());
        self
    }

    pub fn head(mut self, head: &'static str) -> Self {
        self.head = head;
        self
    }

    /// The next stage, in which nothing differs; the first one is made with these fields.
    pub fn same(self, fields: &str) -> Self {
        self.differs(fields, "")
    }

    /// The next stage, in which these fields differ.
    pub fn differs(mut self, fields: &str, differs: &str) -> Self {
        let differs = differs.split_whitespace().map(str::to_owned).collect();
        self.stages.push(Stage { fields: fields.to_owned(), differs, shows: Vec::new() });
        self
    }

    /// What inspect shows after this stage.
    pub fn shows(mut self, path: &'static str, value: Value) -> Self {
        let stage = self.stages.last_mut().expect("a stage stands before what it shows");
        stage.shows.push((path, value));
        self
    }

    fn at(&self, number: usize) -> &Stage {
        &self.stages[number.min(self.stages.len() - 1)]
    }

    fn state(&self, number: usize) -> String {
        let image = self.image.as_ref().map(|image| format!("image: '{image}', ")).unwrap_or_default();
        format!("{{p}}{}:\n  {}: {{{image}{}}}\n", self.name, self.head, self.at(number).fields)
    }
}

/// The value at a dotted path of inspect JSON.
pub fn at(json: &Value, path: &str) -> Value {
    path.split('.').fold(json.clone(), |value, key| value[key].clone())
}
