//! The whole life of one image, with nothing but evenkeel: built, validated, pushed, followed by an environment,
//! promoted from stage to stage, and moved back; at registries of every sort.

use crate::rig::engines::{self, Engine};
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::registry::{Access, PASSWORD, Registry, USER};
use crate::rig::scope::Scope;
use crate::rig::workspace::{Run, Workspace};

struct Life<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    workspace: Workspace,
    image: String,
}

impl<'a> Life<'a> {
    fn new(engine: &'a Engine, scope: &'a Scope, registry: &Registry, access: Access) -> Self {
        let workspace = Workspace::new(scope).on(engine.host());
        let docker = workspace.path("docker").display().to_string();
        let workspace = workspace.env("DOCKER_CONFIG", &docker);
        let image = registry.name("shop/web");
        if access == Access::Tls {
            let authority = registry.authority().display().to_string();
            let settings = format!(
                "project: {}\nregistries: {{'{}': {{ca: '{authority}'}}}}\n",
                scope.project(),
                registry.host()
            );
            workspace.file("evenkeel.yml", settings);
        }
        for env in ["dev", "qa", "prod"] {
            let name = scope.name(env);
            let text = format!(
                "{name}:\n  container.running: {{image: '{image}:{env}', pull: always, stop_signal: KILL}}\n"
            );
            workspace.file(&format!("states/{env}.yml"), text);
        }
        workspace
            .file("states/pipeline.yml", format!("pipeline: {{image: {image}, stages: [dev, qa, prod]}}\n"));
        let base = images::bb(engine);
        workspace.file(
            "states/web/Dockerfile",
            format!("FROM {base}\nCOPY version /version\nCMD [\"sleep\", \"1000\"]\n"),
        );
        Self { engine, scope, workspace, image }
    }

    /// What a build server does with a version.
    fn build(&self, version: &str) {
        self.workspace.file("states/web/version", version);
        let text = format!(
            "'{image}:dev':\n  image.built:\n    context: web\n    metadata: {{version: {version}, owner: team}}\n    \
             lifecycle: {{validate: 'test -s /version'}}\n    validate: 'test -s /version'\n\
             push:\n  image.pushed: {{name: '{image}:dev'}}\n",
            image = self.image
        );
        self.workspace.file("states/build.yml", text);
        self.fine("apply states/build.yml --env build");
        assert!(self.fine("apply states/build.yml --env build").stdout.contains("0 changed"));
    }

    fn fine(&self, words: &str) -> Run {
        self.workspace.run(words.split_whitespace()).expect(0)
    }

    /// Foretold, done, and nothing left to do.
    fn follow(&self, env: &str, version: &str) {
        let said = self.fine(&format!("apply states/{env}.yml --test")).stdout;
        assert!(said.contains("would change") && !said.contains("0 would change"), "{said}");
        self.fine(&format!("apply states/{env}.yml"));
        let json = inspect::container(self.engine, &self.scope.name(env));
        assert_eq!(json["Config"]["Labels"]["org.opencontainers.image.version"], version, "{env}");
        assert!(self.fine(&format!("apply states/{env}.yml")).stdout.contains("0 changed"));
        self.fine(&format!("validate {}", self.scope.name(env)));
    }
}

fn live(access: Access) {
    let (engine, registry) = match (engines::machine(), Registry::start_for(access)) {
        (Ok(engine), Ok(registry)) => (engine, registry),
        (Err(reason), _) | (_, Err(reason)) => return engines::skip("machine", &reason),
    };
    let scope = Scope::new(&engine);
    let life = Life::new(&engine, &scope, &registry, access);
    if access == Access::Password {
        let words = ["login", "-u", USER, "--password-stdin", &registry.host()];
        life.workspace.run_with(words, PASSWORD).expect(0);
    }
    life.build("1.4.1");
    life.follow("dev", "1.4.1");
    life.fine("promote web --to qa --test");
    life.fine("promote web --to qa");
    life.follow("qa", "1.4.1");
    life.fine("promote web --to prod");
    life.follow("prod", "1.4.1");
    // The next version reaches the first stages only.
    life.build("1.4.2");
    life.follow("dev", "1.4.2");
    life.fine("promote web --to qa");
    life.follow("qa", "1.4.2");
    assert!(life.fine("apply states/prod.yml --test").stdout.contains("0 would change"));
    assert!(life.fine("pipeline").stdout.contains("1.4.2 waits"));
    // Back again: a change as any other.
    life.fine("promote web@1.4.1-qa --to qa --force");
    life.follow("qa", "1.4.1");
    let told = life.fine(&format!("metadata {} --json", scope.name("prod"))).json().to_string();
    assert!(told.contains("\"owner\":\"team\""), "{told}");
    // What the engine has by the registry's names goes with them.
    for image in engine.http().get("/images/json").ok().json().as_array().into_iter().flatten() {
        for name in image["RepoTags"].as_array().into_iter().flatten().filter_map(|name| name.as_str()) {
            if name.starts_with(&registry.host()) {
                engine.http().delete(&format!("/images/{name}?force=1"));
            }
        }
    }
}

#[test]
fn an_image_lives_at_an_open_registry() {
    live(Access::Anyone);
}

#[test]
fn an_image_lives_at_a_registry_with_a_password() {
    live(Access::Password);
}

#[test]
fn an_image_lives_at_a_registry_with_tls() {
    live(Access::Tls);
}
