//! How containers stand: the engine's words, and those on record.

use super::{VALIDATE, answered, by_hand, standing};
use crate::rig::engines;
use crate::rig::images;
use crate::rig::inspect;
use crate::rig::scope::Scope;
use crate::rig::workspace::Workspace;
use serde_json::json;

#[test]
fn the_status_shows_ours_and_those_that_declare_a_method() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let image =
            images::image_with(engine, &scope, "web:1", "LABEL org.opencontainers.image.version=1.4.2");
        let (web, data) = (scope.name("web"), scope.name("data"));
        let text = format!(
            "{web}:\n  container.running: {{image: '{image}', stop_signal: KILL}}\n{data}:\n  \
             container.stopped: {{image: '{image}'}}\n"
        );
        workspace.file("states/qa.yml", text);
        workspace.apply("states/qa.yml", &[]).expect(0);
        let foreign = by_hand(engine, &scope, "foreign", &json!({VALIDATE: "exit 1"}));
        let silent = by_hand(engine, &scope, "silent", &json!({}));
        workspace.run(["validate", &foreign]).expect(1);

        let run = workspace.run(["status"]).expect(0);
        let line = |name: &str| run.stdout.lines().find(|line| line.starts_with(&format!("{name} ")));
        let shown = line(&web).unwrap_or_else(|| panic!("no {web}: {run}"));
        assert!(shown.contains("running") && shown.contains("r1") && shown.contains("1.4.2"), "{run}");
        assert!(line(&foreign).is_some_and(|line| line.contains("failed ")), "{run}");
        assert!(line(&data).is_some_and(|line| line.contains("created") || line.contains("exited")), "{run}");
        assert!(line(&silent).is_none(), "{run}");
        assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{run}");

        // One that is named is shown, whatever it is; by its id as well.
        let id = inspect::id(engine, &silent);
        assert_eq!(standing(&workspace, &silent)["state"], "running");
        assert_eq!(standing(&workspace, &id[..12])["name"], silent.as_str());
        let (run, json) = answered(&workspace, &["status", &web, &scope.name("none")]);
        assert_eq!(run.code(), Some(1), "{run}");
        assert_eq!(json["missing"], json!([scope.name("none")]));
        assert_eq!(json["containers"][0]["project"], scope.project());
    });
}

#[test]
fn a_result_counts_for_its_image_only() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let image = |tag: &str, more: &str| {
            images::image_with(engine, &scope, tag, &format!("LABEL {VALIDATE}='true'\nENV MORE={more}"))
        };
        let (one, two) = (image("web:1", "a"), image("web:2", "b"));
        let name = scope.name("web");
        let applied = |image: &str, level: &str| {
            let text = format!(
                "{name}:\n  container.running: {{image: '{image}', stop_signal: KILL, env: {{LEVEL: {level}}}}}\n"
            );
            workspace.file("states/qa.yml", text);
            workspace.apply("states/qa.yml", &[]).expect(0);
            standing(&workspace, &name)["validation"].clone()
        };
        assert_eq!(applied(&one, "info")["of"], "never");
        workspace.run(["validate", &name]).expect(0);
        assert_eq!(standing(&workspace, &name)["validation"]["of"], "this");
        // Another container of the same image.
        let earlier = applied(&one, "debug");
        assert_eq!((&earlier["of"], &earlier["revision"]), (&json!("earlier"), &json!(1)), "{earlier}");
        // The same name, and another image.
        assert_eq!(applied(&two, "debug")["of"], "other_image");
        let run = workspace.run(["status", &name]).expect(0);
        assert!(run.stdout.contains("not this image") && !run.stdout.contains("passed"), "{run}");
        // Back again.
        assert_eq!(applied(&one, "debug")["of"], "earlier");
    });
}
