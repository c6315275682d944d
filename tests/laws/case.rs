//! One scenario: what was there, what people did to it, what is wanted now. And `laws`, through
//! which every scenario goes.

use std::future::Future;

use evenkeel::engine::fake::{Fake, Fault};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::checks::{self, Licence, Treasure};
use super::lab::{Compiled, Run, Wish, compiled};

pub struct Case {
    pub name: &'static str,
    releases: Vec<(String, Value)>,
    files: Vec<(String, String)>,
    before: Option<String>,
    drift: Vec<String>,
    after: String,
    wish: Wish,
    on_old_engine: bool,
}

/// A case whose trees are compiled.
pub struct Ready {
    pub name: &'static str,
    releases: Vec<(String, Value)>,
    before: Option<Compiled>,
    drift: Vec<String>,
    pub after: Compiled,
    prunes: bool,
    on_old_engine: bool,
    _folder: TempDir,
}

/// An engine just before the run that a case is about.
#[derive(Clone)]
pub struct Stage {
    pub fake: Fake,
    pub licence: Licence,
    pub treasure: Treasure,
}

pub fn case(name: &'static str) -> Case {
    let config = |program: &str| json!({"Cmd": [program], "Env": ["PATH=/bin"], "Labels": {"from": "image"}});
    Case {
        name,
        releases: vec![
            ("app:1".to_owned(), config("serve")),
            ("app:2".to_owned(), config("serve")),
            ("broken:1".to_owned(), json!({"Cmd": ["exit", "3"]})),
            ("missing:1".to_owned(), json!({"Cmd": ["missing"]})),
            ("sick:1".to_owned(), json!({"Cmd": ["unhealthy"], "Healthcheck": {"Test": ["CMD", "x"]}})),
            ("store:1".to_owned(), json!({"Cmd": ["serve"], "Volumes": {"/data": {}}})),
            ("store:2".to_owned(), json!({"Cmd": ["serve"], "Volumes": {"/data": {}}, "Env": ["V=2"]})),
        ],
        files: Vec::new(),
        before: None,
        drift: Vec::new(),
        after: String::new(),
        wish: Wish::default(),
        on_old_engine: false,
    }
}

impl Case {
    /// What was applied before. Nothing was, without this.
    pub fn before(mut self, text: &str) -> Self {
        self.before = Some(text.to_owned());
        self
    }

    /// What people do then; see `Fake::by_hand`. `release app:1` moves a tag in the registry.
    pub fn drift(mut self, lines: &[&str]) -> Self {
        self.drift.extend(lines.iter().map(|line| (*line).to_owned()));
        self
    }

    pub fn after(mut self, text: &str) -> Self {
        self.after = text.to_owned();
        self
    }

    /// What is wanted is what was.
    pub fn again(mut self) -> Self {
        self.after = self.before.clone().expect("there is a tree before");
        self
    }

    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    pub fn wish(mut self, wish: Wish) -> Self {
        self.wish = wish;
        self
    }

    /// What holds on old engines only; see `Fake::grow_old`.
    pub fn on_old_engine(mut self) -> Self {
        self.on_old_engine = true;
        self
    }

    pub fn ready(self) -> Ready {
        let folder = tempfile::tempdir().expect("a temp folder");
        let mut files = self.files.clone();
        files.push(("states/after.yml".to_owned(), self.after.clone()));
        if let Some(before) = &self.before {
            files.push(("states/before.yml".to_owned(), before.clone()));
        }
        let plain = Wish { adopt: self.wish.adopt, ..Wish::default() };
        let before =
            self.before.is_some().then(|| compiled(folder.path(), &files, "states/before.yml", &plain));
        let after = compiled(folder.path(), &files, "states/after.yml", &self.wish);
        Ready {
            name: self.name,
            releases: self.releases,
            before,
            drift: self.drift,
            after,
            prunes: self.wish.prune,
            on_old_engine: self.on_old_engine,
            _folder: folder,
        }
    }
}

impl Ready {
    /// An engine on which everything has happened that comes before the run. For one seed it is
    /// always the same.
    pub async fn stage(&self, seed: u64) -> Stage {
        let fake = Fake::new(seed);
        if self.on_old_engine {
            fake.grow_old();
        }
        for (reference, config) in &self.releases {
            fake.release(reference, config.clone());
        }
        fake.by_hand("pull app:1").expect("the registry has it");
        fake.stranger("stranger", &json!({"Image": "app:1", "HostConfig": {"Binds": ["strange:/data"]}}))
            .expect("nothing is in its way");
        fake.by_hand("network create strangers 10.250.0.0/16").expect("nothing is in its way");
        if let Some(before) = &self.before {
            let run = before.apply(&fake, &[]).await;
            assert_eq!(run.trouble(), None, "{}: before:\n{}\n{}", self.name, run.plan.text(), run.story());
            let (_, again) = before.plan(&fake).await;
            assert!(again.is_empty(), "{}: before is not idempotent: {}", self.name, again.text());
        }
        for line in &self.drift {
            self.happens(&fake, line);
        }
        let licence = Licence::of(&self.after, &fake.look(&self.after.wanted), self.prunes);
        let treasure = Treasure::of(&fake, &licence, &self.after.wanted);
        Stage { fake, licence, treasure }
    }

    fn happens(&self, fake: &Fake, line: &str) {
        if let Some(reference) = line.strip_prefix("release ") {
            let config = self.releases.iter().find(|(known, _)| known == reference);
            fake.release(reference, config.map_or(json!({"Cmd": ["serve"]}), |(_, config)| config.clone()));
        } else if line == "registry silent" {
            fake.registry_answers(false);
        } else if let Some(rest) = line.strip_prefix("stranger ") {
            let (name, body) = rest.split_once(' ').expect("a name and a body");
            let body: Value = serde_json::from_str(body).expect("JSON");
            fake.stranger(name, &body).unwrap_or_else(|error| panic!("{}: {line}: {error}", self.name));
        } else {
            fake.by_hand(line).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        }
    }

    /// Plans twice, and checks laws 1 and 6: nothing is done, and the plan is the same.
    pub async fn plans(&self, stage: &Stage) -> String {
        stage.fake.arm(&[]);
        let (_, plan) = self.after.plan(&stage.fake).await;
        let (_, again) = self.after.plan(&stage.fake).await;
        assert_eq!(plan.text(), again.text(), "{}: answers in another order", self.name);
        assert!(stage.fake.records().is_empty(), "{}: planning does something", self.name);
        plan.text()
    }
}

impl Stage {
    /// The same engine once more, for another run.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { fake: self.fake.fork(), ..self.clone() }
    }
}

/// Checks all laws on a run in which nothing goes wrong; gives the number of its calls.
pub async fn laws(ready: &Ready, stage: &Stage, seed: u64) -> usize {
    let stage = stage.fork();
    stage.fake.reseed(seed);
    let text = ready.plans(&stage).await;
    let run = ready.after.apply(&stage.fake, &[]).await;
    let context = || format!("{} (seed {seed})\nplan:\n{text}calls:\n{}", ready.name, run.story());
    assert_eq!(run.plan.text(), text, "{}: another plan", context());
    if let Some(trouble) = run.trouble() {
        panic!("{trouble}\n{}", context());
    }
    check(checks::steps_are_those_shown(&run), &context);
    let observed = stage.fake.look(&ready.after.wanted);
    check(checks::prediction_holds(&run.plan, &run.before, &observed), &context);
    check(stage.treasure.converged(&stage.fake, &stage.licence, &ready.after.wanted), &context);
    rests(ready, &stage, &context).await;
    run.records.len()
}

/// Law 3: a plan right after is empty, does nothing, and every container is the same.
pub async fn rests(ready: &Ready, stage: &Stage, context: &dyn Fn() -> String) {
    stays(&ready.after, &stage.fake, context).await;
}

pub async fn stays(wanted: &Compiled, fake: &Fake, context: &dyn Fn() -> String) {
    let ids = |fake: &Fake| -> Vec<_> { fake.look(&wanted.wanted).containers.into_keys().collect() };
    let before = ids(fake);
    let run = wanted.apply(fake, &[]).await;
    assert!(run.plan.is_empty(), "the second plan is not empty: {}\n{}", run.plan.text(), context());
    assert!(run.records.is_empty(), "the second run does something\n{}", context());
    assert_eq!(ids(fake), before, "ids have changed\n{}", context());
}

/// Runs until all is well: the first run without a fault has to be.
/// Gives the number of its calls.
pub async fn converges(ready: &Ready, stage: &Stage, context: &dyn Fn() -> String) -> usize {
    let run: Run = ready.after.apply(&stage.fake, &[]).await;
    let context = || format!("{}\nthen:\n{}{}", context(), run.plan.text(), run.story());
    if let Some(trouble) = run.trouble() {
        panic!("the run after it: {trouble}\n{}", context());
    }
    check(checks::steps_are_those_shown(&run), &context);
    let observed = stage.fake.look(&ready.after.wanted);
    check(checks::prediction_holds(&run.plan, &run.before, &observed), &context);
    check(stage.treasure.converged(&stage.fake, &stage.licence, &ready.after.wanted), &context);
    rests(ready, stage, &context).await;
    run.records.len()
}

pub fn check(result: Result<(), String>, context: &dyn Fn() -> String) {
    if let Err(error) = result {
        panic!("{error}\n{}", context());
    }
}

/// Runs a test's future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// The fault's name, for messages.
pub fn word(fault: Fault) -> String {
    format!("{fault:?}")
}
