//! Images of others, and those that cannot be built upon.

use super::{Tree, each};
use crate::rig::engines;
use crate::rig::images::{self, BB};
use crate::rig::inspect;
use serde_json::{Value, json};

#[test]
fn what_others_wrote_is_read_as_far_as_it_goes() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        let labels =
            "LABEL io.evenkeel.image.00='{broken' io.evenkeel.image.03='[1]' io.evenkeel.image.digest=x";
        images::image_with(engine, &tree.scope, "odd:1", labels);
        tree.dockerfile("app", "FROM $odd:1\nENV A=1\n");
        tree.declare("$app:1: {image.built: {context: app}}");
        tree.apply(&[]);
        tree.rests();
        let records = tree.metadata("app:1");
        let keys = each(&records, "label");
        let expected = ["00", "03", "04"].map(|number| json!(format!("io.evenkeel.image.{number}")));
        assert_eq!(keys, expected);
        assert!(
            records[0]["unreadable"].as_str().is_some_and(|said| said.contains("no JSON")),
            "{records:?}"
        );
        assert!(records[1]["unreadable"].is_string() && records[2]["unreadable"].is_null());
        let told = tree.run(&["examine", &tree.name("app:1")]).expect(0).stdout;
        assert!(told.contains("the label io.evenkeel.image.03 cannot be read"), "{told}");
    });
}

#[test]
fn an_image_without_records_is_shown_as_far_as_it_is_known() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        let plain =
            images::image_with(engine, &tree.scope, "plain:1", "LABEL org.opencontainers.image.revision=abc");
        inspect::create(engine, &tree.name("c"), &json!({"Image": plain}));
        for name in ["plain:1", "c"] {
            let records = tree.metadata(name);
            assert_eq!(records.len(), 1);
            assert_eq!(records[0]["image_name"], plain.as_str());
            assert_eq!(records[0]["gitref"], "abc");
            assert!(records[0]["build_time"].as_str().is_some_and(|time| time.starts_with("20")));
            assert_eq!(records[0]["project"], Value::Null);
        }
        let told = tree.run(&["examine", &tree.name("c")]).expect(0).stdout;
        assert!(told.contains("Container not started yet") && told.contains("not set"), "{told}");
        let none = tree.run(&["metadata", &tree.name("nosuch")]).expect(1).stderr;
        assert!(none.contains("no container and no image"), "{none}");
    });
}

#[test]
fn triggers_wait_for_the_child_and_files_can_be_left_out() {
    engines::each(|engine| {
        let tree = Tree::new(engine);
        tree.dockerfile("base", &format!("FROM {BB}\nONBUILD COPY own /own\n"));
        tree.dockerfile("app", "FROM $base:1\n");
        tree.workspace.file("app/own", "mine");
        tree.declare(
            "$base:1: {image.built: {context: base, metadata: {a: 1}}}\n\
             $app:1: {image.built: {context: app, metadata: {a: 2}, metadata_files: false}}",
        );
        let done = tree.apply(&[]);
        assert!(done.to_string().contains("ONBUILD"), "{done}");
        tree.rests();
        assert_eq!(each(&tree.metadata("app:1"), "metadata"), [json!({"a": 1}), json!({"a": 2})]);
        assert_eq!(tree.in_image("app:1", "cat /own; ls /usr 2>/dev/null"), "mine");
    });
}
