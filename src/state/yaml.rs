//! Reads YAML 1.2 to nodes that know their places. Gives no meaning to scalars: they keep the
//! text that was written.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::source::{Diagnostic, Diagnostics, Entry, Node, NodeValue, Place, Style};

const MAX_DEPTH: usize = 64;
/// How many nodes aliases and merge keys may add to a document.
const MAX_COPIED: usize = 1_000_000;

/// A text with the way from its lines and columns to places.
pub trait Places {
    fn text(&self) -> &str;

    /// The place of a line and column of the text, both counted from 1.
    fn place(&self, line: u32, column: u32) -> Place;
}

/// Reads a document; an empty one gives `None`. Mistakes that leave a tree to go on with are
/// added to `problems`, such as duplicate keys.
pub fn load(source: &dyn Places, problems: &mut Diagnostics) -> Option<Node> {
    let mut loader = Loader {
        source,
        problems,
        open: Vec::new(),
        anchors: HashMap::new(),
        copied: 0,
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str(source.text()) {
        let done = match event {
            Ok((event, span)) => loader.take(event, span),
            Err(error) => {
                let problem = loader.explain(&error);
                Err(Box::new(problem))
            }
        };
        if let Err(problem) = done {
            loader.problems.push(*problem);
            return None;
        }
    }
    loader.root
}

struct Loader<'a> {
    source: &'a dyn Places,
    problems: &'a mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    copied: usize,
    root: Option<Node>,
    documents: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    place: Place,
    anchor: usize,
    is_map: bool,
    items: Vec<Node>,
    /// Nodes below, for the budget of aliases.
    size: usize,
    is_flow: bool,
}

type Taken = Result<(), Box<Diagnostic>>;

impl Loader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Taken {
        let place = self.place(span);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Box::new(
                        Diagnostic::error(&place, "a second document begins here")
                            .hint("a state file is one document: remove the `---`, or use two files"),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain if tag.as_ref().is_some_and(|tag| tag.suffix == "str") => {
                        Style::Quoted
                    }
                    ScalarStyle::Plain => Style::Plain,
                    _ => Style::Quoted,
                };
                self.refuse_own_tag(tag.as_deref(), &place);
                self.add(Node::scalar(place, text, style), anchor, 1)?;
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag)
                if self.open.len() >= MAX_DEPTH =>
            {
                let _ = (anchor, tag);
                return Err(Box::new(Diagnostic::error(
                    &place,
                    format!("lists and mappings are nested more than {MAX_DEPTH} deep"),
                )));
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_own_tag(tag.as_deref(), &place);
                self.open(place, anchor, false, span);
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_own_tag(tag.as_deref(), &place);
                self.open(place, anchor, true, span);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let (anchor, size) = (open.anchor, open.size + 1);
                    let node = if open.is_map { self.map(open)? } else { Node::list(open.place, open.items) };
                    self.add(node, anchor, size)?;
                }
            }
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    return Err(Box::new(Diagnostic::error(
                        &place,
                        "this alias stands inside its own anchor",
                    )));
                };
                self.copied += size;
                if self.copied > MAX_COPIED {
                    return Err(Box::new(Diagnostic::error(&place, "aliases make this document too large")));
                }
                self.add(node, 0, size)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn place(&self, span: Span) -> Place {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.source.place(number(span.start.line()), number(span.start.col()).saturating_add(1))
    }

    fn open(&mut self, place: Place, anchor: usize, is_map: bool, span: Span) {
        // Block collections begin with an empty span, flow collections with their bracket.
        self.open.push(Open { place, anchor, is_map, items: Vec::new(), size: 0, is_flow: !span.is_empty() });
    }

    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Taken {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            Some(open) => {
                open.size += size;
                open.items.push(node);
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn refuse_own_tag(&mut self, tag: Option<&saphyr_parser::Tag>, place: &Place) {
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
            && !(tag.handle.is_empty() && tag.suffix == "!")
        {
            self.problems.push(
                Diagnostic::error(place, format!("unknown tag `{}{}`", tag.handle, tag.suffix))
                    .hint("quote the text if it begins with `!`"),
            );
        }
    }

    /// Makes a map of keys and values in turn; merges what stands behind `<<`.
    fn map(&mut self, open: Open) -> Result<Node, Box<Diagnostic>> {
        let mut entries: Vec<Entry> = Vec::with_capacity(open.items.len() / 2);
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut merged: Vec<Node> = Vec::new();
        let mut items = open.items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let NodeValue::Scalar { text, style } = key.value else {
                self.problems.push(
                    Diagnostic::error(&key.place, format!("a key is {}", key.sort()))
                        .hint("if this was meant to be a template expression, put it in quotes"),
                );
                continue;
            };
            if text == "<<" && style == Style::Plain {
                merged.push(value);
                continue;
            }
            if text.is_empty() && style == Style::Plain {
                self.problems.push(Diagnostic::error(&key.place, "a key is missing in front of the colon"));
                continue;
            }
            if let Some(first) = seen.get(&text) {
                let first = &entries[*first].key_place;
                self.problems.push(
                    Diagnostic::error(&key.place, format!("`{text}` stands here for a second time"))
                        .note(format!("the first is at {first}"))
                        .hint("remove one of them, or merge what they say"),
                );
                continue;
            }
            seen.insert(text.clone(), entries.len());
            entries.push(Entry { key: text, key_place: key.place, value });
        }
        for value in merged {
            let sources = match value.value {
                NodeValue::List(items) => items,
                NodeValue::Map(_) | NodeValue::Scalar { .. } => vec![value],
            };
            for source in sources {
                let NodeValue::Map(more) = source.value else {
                    self.problems.push(Diagnostic::error(
                        &source.place,
                        format!("`<<` takes a mapping, this is {}", source.sort()),
                    ));
                    continue;
                };
                for entry in more {
                    if !seen.contains_key(&entry.key) {
                        seen.insert(entry.key.clone(), entries.len());
                        entries.push(entry);
                    }
                }
            }
        }
        Ok(Node::map(open.place, entries))
    }

    /// Says what a scan error means; the parser's own words are terse.
    fn explain(&self, error: &ScanError) -> Diagnostic {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let marker = error.marker();
        let (line, column) = (number(marker.line()).max(1), number(marker.col()).saturating_add(1));
        let place = self.source.place(line, column);
        let text = self.source.text().lines().nth(marker.line().saturating_sub(1)).unwrap_or("");
        let problem = Diagnostic::error(&place, format!("this is not YAML: {}", error.info()));
        if let Some(open) = self.open.iter().rev().find(|open| open.is_flow) {
            let bracket = if open.is_map { '{' } else { '[' };
            let closing = if open.is_map { '}' } else { ']' };
            return problem
                .note(format!("a `{bracket}` was opened at {}", open.place))
                .hint(format!("close it with `{closing}`"));
        }
        let indent = &text[..text.len() - text.trim_start().len()];
        if indent.contains('\t') {
            return problem.hint("indent with spaces: YAML does not allow tabs there");
        }
        if error.info().contains("quoted scalar") {
            return problem.hint("close the quote");
        }
        if text.contains(": ") && text.matches(": ").count() > 1 {
            return problem.hint("put a value that contains `: ` in quotes");
        }
        let value = text.split_once(": ").map_or(text.trim_start(), |(_, value)| value).trim_start();
        let value = value.strip_prefix("- ").unwrap_or(value);
        if value.starts_with(['@', '`', '%', '&', '*', '!', '|', '>']) {
            return problem.hint("put a value that begins with such a character in quotes");
        }
        problem.maybe_hint(error.info().contains("alias").then(|| "define it with `&name` first".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use crate::state::decode::decode;
    use crate::state::tree::Plain;
    use proptest::prelude::*;

    fn read(text: &str) -> (Option<Node>, Vec<String>) {
        let mut problems = Diagnostics::default();
        let node = load(&Plain(SourceFile::new("t.yml", text)), &mut problems);
        (node, problems.iter().map(ToString::to_string).collect())
    }

    fn told(text: &str) -> String {
        read(text).1.join("\n")
    }

    #[test]
    fn scalars_keep_their_text_and_places() {
        let (node, problems) = read("a: 1.10\nb:\n  - \"x\"\n  - 0777\n");
        assert_eq!(problems, [""; 0]);
        let node = node.expect("a document");
        assert_eq!(node.get("a").and_then(Node::text), Some("1.10"));
        let list = node.get("b").and_then(Node::as_list).expect("a list");
        assert_eq!(list[0].value, NodeValue::Scalar { text: "x".to_owned(), style: Style::Quoted });
        assert_eq!((list[1].place.line, list[1].place.column), (4, 5));
    }

    #[test]
    fn every_duplicate_key_is_told() {
        insta::assert_snapshot!(told("a: 1\nb: 2\na: 3\nb: 4\n"), @r"
        error: `a` stands here for a second time
          --> t.yml:3:1
           3 | a: 3
               ^
          note: the first is at t.yml:1:1
          hint: remove one of them, or merge what they say
        error: `b` stands here for a second time
          --> t.yml:4:1
           4 | b: 4
               ^
          note: the first is at t.yml:2:1
          hint: remove one of them, or merge what they say
        ");
    }

    #[test]
    fn merge_keys_give_what_is_not_said() {
        let (node, problems) = read("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 0}\n");
        assert_eq!(problems, [""; 0]);
        let z = node.as_ref().and_then(|node| node.get("z")).expect("z");
        let texts: Vec<_> = ["a", "b", "c"].map(|key| z.get(key).and_then(Node::text)).to_vec();
        assert_eq!(texts, [Some("0"), Some("2"), Some("4")]);
    }

    #[test]
    fn common_slips_get_a_hint() {
        insta::assert_snapshot!(told("a: [1, 2\nb: 3\n"));
        insta::assert_snapshot!(told("a:\n\tb: 1\n"));
        insta::assert_snapshot!(told("a: 1\n---\nb: 2\n"));
        insta::assert_snapshot!(told("a: b: c\n"));
        insta::assert_snapshot!(told("a: *nothing\n"));
        insta::assert_snapshot!(told("a: %x\n"));
        insta::assert_snapshot!(told("a: !secret x\n"));
        insta::assert_snapshot!(told("{a: 1}: b\n"));
        insta::assert_snapshot!(told("a: \"x\n"));
    }

    #[test]
    fn aliases_have_a_budget() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let inner = format!("*a{}, ", n - 1).repeat(9);
            text.push_str(&format!("a{n}: &a{n} [{inner}]\n"));
        }
        assert!(told(&text).contains("aliases make this document too large"));
    }

    #[test]
    fn depth_has_a_limit() {
        // The parser has a limit of its own for brackets.
        assert!(!told(&"[".repeat(10_000)).is_empty());
        assert!(told(&"[".repeat(70)).contains("nested more than 64 deep"));
        assert!(told(&"- ".repeat(10_000)).contains("nested more than 64 deep"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC*") {
            let _ = read(&text);
        }

        #[test]
        fn arbitrary_yaml_never_panics(text in "[-a-c:\\[\\]{}&*!|>'\"%@,#? \n\t<~0]{0,60}") {
            let _ = read(&text);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(file) = decode("t.yml", bytes) {
                let _ = load(&Plain(file), &mut Diagnostics::default());
            }
        }
    }
}
