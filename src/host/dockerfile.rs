//! Which images a Dockerfile starts from. Reads as much of it as that takes.

use std::collections::BTreeMap;

/// The images from outside that a build needs: of `FROM` and `COPY --from`, in their order, up to
/// the stage `target`. Earlier stages are no images from outside, and `scratch` is none.
pub fn from_images(text: &str, args: &BTreeMap<String, String>, target: Option<&str>) -> Vec<String> {
    let mut images: Vec<String> = Vec::new();
    let stages = stages(text, args, target);
    for (number, stage) in stages.iter().enumerate() {
        let earlier = &stages[..number];
        let is_stage = earlier.iter().any(|other| other.is_called(&stage.from));
        if !is_stage && stage.from != "scratch" && !stage.from.is_empty() {
            images.push(stage.from.clone());
        }
        let upto = &stages[..=number];
        images.extend(stage.copies.iter().filter(|from| position(upto, from).is_none()).cloned());
    }
    let mut seen = std::collections::BTreeSet::new();
    images.retain(|image| seen.insert(image.clone()));
    images
}

/// The image from outside that what is built starts from, through however many stages. Nothing of one
/// that starts from `scratch`.
pub fn base_image(text: &str, args: &BTreeMap<String, String>, target: Option<&str>) -> Option<String> {
    let stages = stages(text, args, target);
    let mut number = stages.len().checked_sub(1)?;
    loop {
        let from = &stages[number].from;
        match stages[..number].iter().rposition(|other| other.is_called(from)) {
            Some(earlier) => number = earlier,
            None => return (from != "scratch" && !from.is_empty()).then(|| from.clone()),
        }
    }
}

/// A part of a Dockerfile that begins with `FROM`.
struct Stage {
    name: String,
    from: String,
    /// What `COPY --from` names.
    copies: Vec<String>,
}

impl Stage {
    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Which stage a name or a number means.
fn position(stages: &[Stage], name: &str) -> Option<usize> {
    let by_number = || name.parse().ok().filter(|number: &usize| *number < stages.len());
    stages.iter().position(|stage| stage.is_called(name)).or_else(by_number)
}

/// The stages up to the one that is wanted, with the values of arguments put in.
fn stages(text: &str, args: &BTreeMap<String, String>, target: Option<&str>) -> Vec<Stage> {
    let mut globals: BTreeMap<String, String> = BTreeMap::new();
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in instructions(text) {
        let mut words = instruction.split_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "ARG" if stages.is_empty() => {
                for (name, default) in words.map(|word| word.split_once('=').unwrap_or((word, ""))) {
                    let value = args.get(name).cloned();
                    let value = value.unwrap_or_else(|| substitute(unquoted(default), &globals));
                    globals.insert(name.to_owned(), value);
                }
            }
            "FROM" => {
                if target.is_some_and(|target| position(&stages, target).is_some()) {
                    break;
                }
                let mut words = words.filter(|word| !word.starts_with("--"));
                let from = substitute(unquoted(words.next().unwrap_or_default()), &globals);
                let name = match words.next() {
                    Some(word) if word.eq_ignore_ascii_case("as") => words.next(),
                    Some(_) | None => None,
                };
                stages.push(Stage { name: name.unwrap_or_default().to_owned(), from, copies: Vec::new() });
            }
            "COPY" => {
                let from = words
                    .take_while(|word| word.starts_with("--"))
                    .find_map(|word| word.strip_prefix("--from="));
                if let (Some(from), Some(stage)) = (from, stages.last_mut()) {
                    stage.copies.push(from.to_owned());
                }
            }
            _ => {}
        }
    }
    stages
}

/// Joins continued lines; without comments and empty lines, also those within an instruction.
fn instructions(text: &str) -> Vec<String> {
    let text = text.trim_start_matches('\u{feff}');
    let escape = escape_character(text);
    let mut instructions = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_suffix(escape) {
            Some(begun) => {
                open.push_str(begun);
                open.push(' ');
            }
            None => {
                open.push_str(line);
                instructions.push(std::mem::take(&mut open));
            }
        }
    }
    if !open.trim().is_empty() {
        instructions.push(open);
    }
    instructions
}

/// The directive `# escape=` of the first lines, else a backslash.
fn escape_character(text: &str) -> char {
    text.lines()
        .map_while(|line| line.trim().strip_prefix('#'))
        .filter_map(|directive| directive.split_once('='))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case("escape"))
        .and_then(|(_, value)| value.trim().chars().next())
        .unwrap_or('\\')
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

/// Puts values in the place of `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`.
fn substitute(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        result.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some((inner, after)) = rest.strip_prefix('{').and_then(braced) {
            result.push_str(&braced_value(inner, values));
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            match end {
                0 => result.push('$'),
                end => result.push_str(values.get(&rest[..end]).map(String::as_str).unwrap_or_default()),
            }
            rest = &rest[end..];
        }
    }
    result.push_str(rest);
    result
}

/// Splits behind the brace that closes, over braces within.
fn braced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

fn braced_value(inner: &str, values: &BTreeMap<String, String>) -> String {
    let value = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
    if let Some((name, default)) = inner.split_once(":-") {
        value(name).unwrap_or_else(|| substitute(default, values))
    } else if let Some((name, other)) = inner.split_once(":+") {
        value(name).map(|_| substitute(other, values)).unwrap_or_default()
    } else {
        value(inner).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(text: &str, args: &[(&str, &str)], target: Option<&str>) -> Vec<String> {
        let args = args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        from_images(text, &args, target)
    }

    const STAGES: &str = "\
# syntax=docker/dockerfile:1
ARG VERSION=1.80
ARG BASE=\"rust:${VERSION}\"
FROM --platform=linux/amd64 $BASE AS build
RUN cargo build \\
    # a comment within
    --release
FROM scratch AS empty
FROM build as test
COPY --from=tools:3 /bin/x /bin/x
FROM nginx:${NGINX:-1}
COPY --chown=1 --from=BUILD /a /b
COPY --from=0 /a /b
";

    #[test]
    fn stages_and_scratch_are_no_images_from_outside() {
        assert_eq!(images(STAGES, &[], None), ["rust:1.80", "tools:3", "nginx:1"]);
    }

    #[test]
    fn the_base_is_found_through_the_stages() {
        let base = |text: &str, target| base_image(text, &BTreeMap::new(), target);
        assert_eq!(base(STAGES, None).as_deref(), Some("nginx:1"));
        assert_eq!(base(STAGES, Some("TEST")).as_deref(), Some("rust:1.80"));
        assert_eq!(base(STAGES, Some("empty")), None);
        assert_eq!(base("FROM a AS a\nFROM a AS b\nFROM B", None).as_deref(), Some("a"));
        assert_eq!(base("", None), None);
        assert_eq!(base("FROM", None), None);
    }

    #[test]
    fn arguments_go_before_defaults() {
        assert_eq!(images(STAGES, &[("VERSION", "2")], None)[0], "rust:2");
        assert_eq!(images("ARG A\nFROM x:${A:+y}z", &[("A", "1")], None), ["x:yz"]);
        assert_eq!(images("FROM x:$B", &[("B", "undeclared")], None), ["x:"]);
    }

    #[test]
    fn what_comes_after_the_target_is_not_built() {
        assert_eq!(images(STAGES, &[], Some("build")), ["rust:1.80"]);
        assert_eq!(images(STAGES, &[], Some("Test")), ["rust:1.80", "tools:3"]);
    }

    #[test]
    fn another_escape_character_continues_lines() {
        assert_eq!(images("# escape=`\nFROM `\n  windows\n", &[], None), ["windows"]);
        assert_eq!(images("from a\\\n b", &[], None), ["a"]);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in
            ["", "FROM", "FROM ${", "FROM ${A", "ARG", "\\", "COPY --from=", "FROM $", "#", "ARG =\nFROM ä$ö"]
        {
            images(text, &[], Some("x"));
        }
    }
}
