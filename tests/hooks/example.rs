//! The worked example of the repository: three environments follow their branches and tags, and their image's tags.

use std::path::Path;

use super::Case;
use crate::rig::images;
use crate::rig::registry::with_registry;

#[test]
fn the_example_travels_through_its_environments() {
    with_registry(|engine, scope, registry| {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("states/push");
        let hooks = std::fs::read_to_string(example.join("hooks.yml")).expect("the example is there");
        let case = Case::with(engine, scope, &hooks, &[]);
        for entry in walkdir::WalkDir::new(&example).into_iter().filter_map(Result::ok) {
            let path = entry.path().strip_prefix(&example).expect("below").display().to_string();
            if !entry.file_type().is_file() || path == "evenkeel.yml" || path == "hooks.yml" {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a text");
            // Names of this test, and its registry.
            let text =
                text.replace("registry.example", &registry.host()).replace("push-web-", &scope.name("web-"));
            case.write(&path, &text);
        }
        let image = |version: &str| {
            let label = format!("LABEL org.opencontainers.image.version={version}\nENV VERSION={version}");
            let image = images::image_with(engine, scope, &format!("v{version}:1"), &label);
            registry.push(engine, &image, "shop/web:dev");
        };
        let version = |environment: &str| {
            let labels = case.container(&format!("web-{environment}"))["Config"]["Labels"].clone();
            labels["org.opencontainers.image.version"].as_str().unwrap_or_default().to_owned()
        };
        let promote = |to: &str| {
            let words = ["promote", "web", "--to", to, "--pipeline", "work/states/pipeline.yml"];
            case.workspace.run(words).expect(0)
        };
        image("1.4.1");
        case.commit("web 1.4.1");
        case.push("origin main").expect(0);
        assert_eq!(version("dev"), "1.4.1");
        // There is no image for qa yet: nothing is accepted that could not be run.
        let early = case.push("origin main:refs/heads/release/1.4");
        assert!(early.code() != Some(0) && early.stderr.contains("the registry has no image"), "{early}");
        promote("qa");
        case.push("origin main:refs/heads/release/1.4").expect(0);
        assert_eq!(version("qa"), "1.4.1");
        promote("prod");
        case.git("work", &["tag", "v1.4.1"]).expect(0);
        case.push("origin v1.4.1").expect(0);
        assert_eq!(version("prod"), "1.4.1");
        // What waits for prod.
        let next = case.commit("web 1.4.2");
        case.push("origin main").expect(0);
        let waits =
            case.git("shop.git", &["log", "--format=%H", "refs/evenkeel/deployed/prod..main"]).expect(0);
        assert_eq!(waits.stdout.trim(), next);
    });
}
