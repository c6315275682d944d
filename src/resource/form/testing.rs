//! The laws of every form, and YAML for tests. Only compiled for tests.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Value, json};

use super::Form;
use crate::resource::{Reading, Vocabulary};
use crate::source::{Entry, Node, NodeValue, Place, Style};

/// A node from YAML; anchors and tags are not understood.
pub(crate) fn yaml(text: &str) -> Node {
    let events = Parser::new_from_str(text).map(|event| event.expect("valid YAML in a test").0);
    let mut events = events.filter(|event| {
        !matches!(event, Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing)
    });
    node(&mut events).expect("a value in a test")
}

fn node<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Option<Node> {
    let place = Place::outside("test");
    match events.next()? {
        Event::Scalar(text, ScalarStyle::Plain, ..) => Some(Node::scalar(place, text, Style::Plain)),
        Event::Scalar(text, ..) => Some(Node::scalar(place, text, Style::Quoted)),
        Event::SequenceStart(..) => Some(Node::list(place, std::iter::from_fn(|| node(events)).collect())),
        Event::MappingStart(..) => {
            let entry = || {
                let key = node(events)?.text()?.to_owned();
                let value = node(events)?;
                Some(Entry { key, key_place: Place::outside("test"), value })
            };
            Some(Node::map(place, std::iter::from_fn(entry).collect()))
        }
        _ => None,
    }
}

pub(crate) fn reading(vocabulary: Vocabulary) -> Reading {
    Reading { vocabulary, folder: "/srv/states".into() }
}

/// The normal form of our own spelling.
pub(crate) fn plain(form: &dyn Form, text: &str) -> Value {
    read(form, Vocabulary::Plain, text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

/// The normal form of Salt's spelling.
pub(crate) fn salt(form: &dyn Form, text: &str) -> Value {
    read(form, Vocabulary::Salt, text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

/// What our own spelling is refused with.
pub(crate) fn refused(form: &dyn Form, text: &str) -> String {
    match read(form, Vocabulary::Plain, text) {
        Ok(normal) => panic!("{text} was read as {normal}"),
        Err(problem) => problem,
    }
}

fn read(form: &dyn Form, vocabulary: Vocabulary, text: &str) -> Result<Value, String> {
    form.read(&yaml(text), &reading(vocabulary))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// Checks everything that holds for every form.
pub(crate) fn obeys_the_laws(form: &dyn Form) {
    samples_are_read_alike(form);
    what_is_sent_is_observed(form);
    never_panics(form);
    assert_eq!(form.observe(&Value::Null), form.observe(&form.send(&form.observe(&Value::Null))));
}

fn samples_are_read_alike(form: &dyn Form) {
    let mut seen: Vec<Value> = Vec::new();
    assert!(form.samples().len() >= 2, "at least two samples");
    for sample in form.samples() {
        let normal = plain(form, sample.plain[0]);
        for spelling in sample.plain {
            assert_eq!(plain(form, spelling), normal, "{spelling}");
        }
        let in_salt = if sample.salt.is_empty() { sample.plain } else { sample.salt };
        for spelling in in_salt {
            assert_eq!(salt(form, spelling), normal, "in Salt's vocabulary: {spelling}");
        }
        for other in &seen {
            assert!(!form.differences(other, &normal).is_empty(), "{other} and {normal} differ");
        }
        seen.push(normal);
    }
}

fn what_is_sent_is_observed(form: &dyn Form) {
    for sample in form.samples() {
        let normal = plain(form, sample.plain[0]);
        let observed = form.observe(&form.send(&normal));
        assert_eq!(observed, normal, "{} is observed", sample.plain[0]);
        assert_eq!(form.differences(&observed, &normal), []);
        assert_eq!(form.differences(&normal, &form.over(&normal, &normal)), []);
        assert_eq!(form.show(&form.show(&normal)), form.show(&normal), "showing twice");
    }
}

fn never_panics(form: &dyn Form) {
    let cases = (nodes(), any::<bool>());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) };
    let result = TestRunner::new(config).run(&cases, |(node, salt)| {
        let vocabulary = if salt { Vocabulary::Salt } else { Vocabulary::Plain };
        if let Ok(normal) = form.read(&node, &reading(vocabulary)) {
            let observed = form.observe(&form.send(&normal));
            prop_assert_eq!(form.differences(&observed, &normal), vec![], "{}", normal);
            prop_assert_eq!(&form.over(&form.observe(&json!(null)), &normal), &normal);
            form.show(&normal);
        }
        let json = super::raw::typed(&node);
        let observed = form.observe(&json);
        form.over(&observed, &observed);
        form.show(&json);
        form.send(&json);
        form.differences(&json, &observed);
        form.over(&json, &json);
        Ok(())
    });
    if let Err(problem) = result {
        panic!("{problem}");
    }
}

/// Any node, mostly made of what such values are made of.
pub(crate) fn nodes() -> impl Strategy<Value = Node> {
    let scalar = (texts(), any::<bool>()).prop_map(|(text, plain)| {
        let style = if plain { Style::Plain } else { Style::Quoted };
        Node { place: Place::outside("test"), value: NodeValue::Scalar { text, style } }
    });
    scalar.prop_recursive(3, 12, 3, |inner| {
        let entry = (texts(), inner.clone()).prop_map(|(key, value)| Entry {
            key,
            key_place: Place::outside("test"),
            value,
        });
        prop_oneof![
            proptest::collection::vec(inner, 0..4)
                .prop_map(|items| Node::list(Place::outside("test"), items)),
            proptest::collection::vec(entry, 0..4)
                .prop_map(|entries| Node::map(Place::outside("test"), entries)),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    let words = [
        "80",
        "8080",
        "0",
        "-1",
        "1.5",
        "64m",
        "1m30s",
        "nofile",
        "soft",
        "hard",
        "test",
        "NONE",
        "CMD",
        "tcp",
        "udp",
        "127.0.0.1",
        "::1",
        "[::1]",
        "10.0.0.0/8",
        "fd00::/64",
        "/a",
        "/b/",
        "./c",
        "data",
        "ro",
        "z",
        "rw",
        "target",
        "source",
        "type",
        "bind",
        "volume",
        "tmpfs",
        "published",
        "interval",
        "retries",
        "subnet",
        "gateway",
        "config",
        "aliases",
        "KEY",
        "no",
        "always",
        "on-failure",
        "name",
        "size",
        "mode",
        "1777",
        "SIGHUP",
        "NET_ADMIN",
        "true",
        "HostPort",
        "Type",
        "Target",
        "Source",
        "Test",
        "volumes",
        "ü",
        "\u{e000}",
    ];
    let joints = ["", ":", "=", "/", "-", ",", " ", "::", ".", "'", "\\", "\""];
    let word = proptest::sample::select(words.to_vec());
    let joint = proptest::sample::select(joints.to_vec());
    prop_oneof![
        3 => word.clone().prop_map(str::to_owned),
        3 => proptest::collection::vec((word, joint), 1..4)
            .prop_map(|parts| parts.into_iter().map(|(word, joint)| format!("{word}{joint}")).collect()),
        1 => any::<String>(),
    ]
}
