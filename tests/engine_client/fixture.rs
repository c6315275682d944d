//! A connection to an engine, an image of one static program, and objects that are gone afterwards.

use std::time::Duration;

use evenkeel::engine::{
    Answer, Client, Environment, Observe, Perform, PerformError, Performer, Wanted, connect,
};
use evenkeel::world::{Gate, Id, Step, Target, World};
use serde_json::Value;

use crate::rig::engines::{self, Engine};
use crate::rig::images;
use crate::rig::scope::Scope;

/// One engine; what bears a name of the fixture is removed on drop.
pub struct Fixture {
    pub engine: Engine,
    pub client: Client,
    pub performer: Performer,
    scope: Scope,
}

/// Runs a scenario on the oldest and the newest engine at hand.
pub fn each(scenario: impl AsyncFn(Fixture)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    engines::each(|engine| {
        let fixture = runtime.block_on(Fixture::new(engine));
        runtime.block_on(scenario(fixture));
    });
}

impl Fixture {
    async fn new(engine: &Engine) -> Self {
        let client = connect(Some(&engine.host()), &environment()).await.expect("a client");
        let fixture = Self {
            engine: engine.clone(),
            performer: Performer::new(client.clone()),
            client,
            scope: Scope::new(engine),
        };
        images::tag(engine, images::bb(engine), &fixture.image());
        fixture
    }

    pub fn name(&self, suffix: &str) -> String {
        self.scope.name(suffix)
    }

    pub fn image(&self) -> String {
        self.scope.name("image:1")
    }

    pub async fn perform(&self, step: Step) -> Result<Answer, PerformError> {
        self.performer.perform(&step, &|_| {}).await
    }

    pub async fn done(&self, step: Step) -> Answer {
        self.perform(step.clone()).await.unwrap_or_else(|error| panic!("{step:?}: {error}"))
    }

    /// Creates a container and gives its target.
    pub async fn create(&self, suffix: &str, body: Value) -> Target {
        let container = Target::new(&Id::Planned(1), &self.name(suffix));
        let image = Id::Engine(self.image());
        let mut body = body;
        body["Image"] = self.image().into();
        let answer = self.done(Step::CreateContainer { container: container.clone(), image, body }).await;
        Target { id: Id::Engine(answer.id.expect("an id")), ..container }
    }

    pub async fn network(&self, suffix: &str, body: Value) -> Target {
        let network = Target::new(&Id::Planned(1), &self.name(suffix));
        let answer = self.done(Step::CreateNetwork { network: network.clone(), body }).await;
        Target { id: Id::Engine(answer.id.expect("an id")), ..network }
    }

    pub async fn world(&self, containers: &[&Target]) -> World {
        let containers = containers.iter().map(|target| target.name.clone()).collect();
        let wanted = Wanted { containers, ..Wanted::default() };
        self.client.world(&wanted).await.expect("a world")
    }
}

pub fn environment() -> Environment {
    Environment { home: std::env::home_dir(), vars: std::env::vars().collect() }
}

pub fn gate(stable: u64, timeout: u64) -> Gate {
    Gate {
        stable_for: Duration::from_millis(stable),
        timeout: Duration::from_millis(timeout),
        ..Gate::default()
    }
}
