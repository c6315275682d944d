//! docs/states.md is made from the tables of fields, and the README's table of exit codes from the code.
//! `UPDATE_DOCS=1 cargo test --test all manual` writes both anew.

use evenkeel::cli::exit_code;
use evenkeel::resource::{At, Field, Impact, KINDS, Kind, Unset, Vocabulary};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const VOCABULARIES: [Vocabulary; 2] = [Vocabulary::Plain, Vocabulary::Salt];

fn manual() -> String {
    let mut text = String::from(INTRODUCTION);
    for kind in KINDS {
        for row in kind.functions() {
            let _ = writeln!(
                text,
                "| [`{0}.{1}`](#{0}) | `{2}.{1}` | {3} |",
                kind.spelling(Vocabulary::Plain),
                row.name,
                kind.spelling(Vocabulary::Salt),
                row.doc
            );
        }
    }
    let mut told = Vec::new();
    for kind in KINDS {
        text += &chapter(*kind, &mut told);
    }
    text
}

/// A table of fields, and the heading that it stands under.
type Told = (*const Field, usize, String);

fn chapter(kind: &dyn Kind, told: &mut Vec<Told>) -> String {
    let word = kind.spelling(Vocabulary::Plain);
    let mut text = format!("\n## {word}\n");
    for function in kind.functions() {
        let fields = kind.fields(function.name);
        let known = told.iter().find(|(at, length, _)| (*at, *length) == (fields.as_ptr(), fields.len()));
        if let Some((.., at)) = known {
            if at != word && !text.contains("takes the same options") {
                let _ =
                    writeln!(text, "\n`{word}.{}` takes the same options as [{at}](#{at}).", function.name);
            }
            continue;
        }
        if fields.is_empty() {
            continue;
        }
        told.push((fields.as_ptr(), fields.len(), word.to_owned()));
        let same: Vec<_> = kind
            .functions()
            .iter()
            .filter(|other| kind.fields(other.name).as_ptr() == fields.as_ptr())
            .map(|other| format!("`{word}.{}`", other.name))
            .collect();
        let _ = writeln!(text, "\n### {}\n", same.join(", "));
        text += "| option | Salt's word | takes | a change costs | |\n|---|---|---|---|---|\n";
        for field in fields {
            text += &row(field);
        }
    }
    text
}

fn row(field: &Field) -> String {
    let [plain, salt] = VOCABULARIES.map(|vocabulary| {
        let words: Vec<_> = field.words(vocabulary).map(|word| format!("`{word}`")).collect();
        words.join(", ")
    });
    let cell = |text: &str| text.replace('|', "\\|");
    let since = if field.since > (1, 41) {
        format!(" Needs API {}.{}.", field.since.0, field.since.1)
    } else {
        String::new()
    };
    format!(
        "| {plain} | {salt} | {} | {} | {}{since} |\n",
        cell(field.form.expects()),
        cost(field),
        cell(field.doc)
    )
}

fn cost(field: &Field) -> String {
    if field.at == At::Policy && field.impact == Impact::Note {
        return "nothing".to_owned();
    }
    let word = |impact| match impact {
        Impact::Note => "nothing",
        Impact::Update => "in place",
        Impact::Signal => "a signal",
        Impact::Restart => "a restart",
        Impact::Replace => "a new one",
        Impact::Refuse => "refused",
    };
    match field.unset {
        Unset::Image(_) | Unset::Engine if field.removal != field.impact => {
            format!("{}; taken out: {}", word(field.impact), word(field.removal))
        }
        _ => word(field.impact).to_owned(),
    }
}

/// Compares a part of a file with what it should be; writes it if that is asked for.
fn check(path: &str, wanted: &str, part: impl Fn(&str) -> Option<(usize, usize)>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&file).unwrap_or_default();
    let (start, end) = part(&text).unwrap_or_else(|| panic!("{path} has no place for it"));
    if &text[start..end] == wanted {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "{path} is out of date; UPDATE_DOCS=1 cargo test --test all manual writes it anew"
    );
    fs::write(file, [&text[..start], wanted, &text[end..]].concat()).expect("the tree can be written");
}

#[test]
fn the_manual_says_what_the_tables_say() {
    check("docs/states.md", &manual(), |text| Some((0, text.len())));
}

#[test]
fn the_readme_lists_the_exit_codes() {
    check("README.md", &exit_code::table(), |text| {
        let start = text.find("| code | meaning |")?;
        let length = text[start..]
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('|'))
            .map(str::len)
            .sum::<usize>();
        Some((start, start + length))
    });
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    for page in [
        "README.md",
        "docs/states.md",
        "docs/language.md",
        "docs/faults.md",
        "docs/files.md",
        "docs/secrets.md",
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {error}"));
        // What stands in backticks is no link.
        let prose: String = text.split('`').step_by(2).collect();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let target = file.parent().expect("a page has a folder").join(path);
            assert!(
                path.is_empty() || link.starts_with("http") || target.exists(),
                "{page}: {link} leads nowhere"
            );
        }
    }
}

const INTRODUCTION: &str = "\
# What a state file can declare

This page is made from the program's own tables. The language around it is in [language.md](language.md).

A state is an ID, a kind with a function, and options:

```yaml
web:
  container.running:
    image: registry.example/shop/web:1.4
    ports: [\"8080:80\"]
```

* **Whose words.** `container.*` takes the words of the first column; several words for one option are equal
  (ours and Compose's), two of them in one state are an error. `docker_container.*` takes Salt's words. The two
  are never mixed, because the same word means different things.
* **What is compared.** Declared options only, in a normal form, with the image's own settings as background.
  The engine's real state counts, not what was sent last time. An option that was declared and is not any more
  goes back to its default.
* **What a change costs.** *In place*: the engine changes the running object. *A new one*: a new container is
  made and proven before the old one goes; a network is made anew with its containers reconnected; an image is
  pulled, built or loaded again. *Refused*: it would lose data, so evenkeel says so and does nothing.
* **For every state**: the options of [the language](language.md#options-of-every-state), and `name` where the
  object is not called like the ID.

| function | in Salt's vocabulary | |
|---|---|---|
";
