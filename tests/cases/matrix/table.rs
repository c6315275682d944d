//! What came of the matrix, as a page.

use super::paths::{Column, Path};
use crate::rig::engines::Engine;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path as File;

/// What came of one row in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Well,
    Wrong,
    /// The engine took it with a warning and left it out; evenkeel says so and fails.
    Dropped,
    /// The engine is too old for it, which the plan says.
    NeedsApi(String),
    /// Evenkeel or the engine refuses it, in these words.
    Refused(String),
}

impl Cell {
    pub fn of_refusal(comment: &str) -> Self {
        if let Some((_, rest)) = comment.split_once("needs API ") {
            let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            return Self::NeedsApi(version);
        }
        if comment.contains("still shows") && comment.contains("(it says: ") {
            return Self::Dropped;
        }
        let last = comment.lines().next().unwrap_or_default();
        let short: String = last.rsplit(": ").next().unwrap_or(last).chars().take(60).collect();
        Self::Refused(short)
    }

    fn text(&self) -> String {
        match self {
            Self::Well => "ok".to_owned(),
            Self::Wrong => "WRONG".to_owned(),
            Self::Dropped => "dropped with a warning".to_owned(),
            Self::NeedsApi(version) => format!("needs API {version}"),
            Self::Refused(reason) => format!("refused: {}", reason.replace('|', "\\|").replace('`', "'")),
        }
    }
}

/// By column, what came of it on each engine.
type Row = BTreeMap<Column, Vec<Option<Cell>>>;

#[derive(Default)]
pub struct Table {
    engines: Vec<String>,
    /// By kind and field.
    rows: Vec<(String, Row)>,
}

const COLUMNS: &[(Column, &str)] = &[
    (Column::Set, "set"),
    (Column::Spelling, "spelt otherwise"),
    (Column::Same, "same again"),
    (Column::Reordered, "reordered"),
    (Column::Fewer, "fewer"),
    (Column::More, "more"),
    (Column::ByHand, "changed by hand"),
    (Column::Next, "another value"),
    (Column::Removed, "removed"),
    (Column::Null, "`~`"),
    (Column::Running, "running"),
    (Column::Stopped, "stopped"),
];

impl Table {
    pub fn add(&mut self, engine: &Engine, paths: &[Path]) {
        let number = self.engines.len();
        self.engines.push(format!("{} (API {})", engine.version, engine.api));
        for path in paths {
            let name = format!("{}.{}", path.kind.name(), path.field.name);
            let at = self.rows.iter().position(|(row, _)| *row == name).unwrap_or_else(|| {
                self.rows.push((name, BTreeMap::new()));
                self.rows.len() - 1
            });
            for (column, cell) in &path.cells {
                let cells = self.rows[at].1.entry(*column).or_default();
                cells.resize(number + 1, None);
                // Of several samples the one that says most.
                let is_first = cells[number].as_ref().is_none_or(|known| *known == Cell::Well);
                if is_first {
                    cells[number] = Some(cell.clone());
                }
            }
        }
    }

    /// Writes the page, if that is asked for.
    pub fn write(&self) {
        if std::env::var_os("UPDATE_DOCS").is_none() {
            return;
        }
        let file = File::new(env!("CARGO_MANIFEST_DIR")).join("docs/matrix.md");
        std::fs::write(file, self.page()).expect("the tree can be written");
    }

    fn page(&self) -> String {
        let mut text =
            format!("{INTRODUCTION}\nTried on {}: Docker {}.\n", today(), self.engines.join(" and "));
        let names: Vec<&str> = COLUMNS.iter().map(|(_, name)| *name).collect();
        let _ = writeln!(text, "\n| option | {} |", names.join(" | "));
        let _ = writeln!(text, "|---{}|", "|---".repeat(names.len()));
        for (name, columns) in &self.rows {
            let cell = |column: &Column| {
                let cells = columns.get(column).map(Vec::as_slice).unwrap_or_default();
                let texts: Vec<String> = (0..self.engines.len())
                    .map(|n| cells.get(n).and_then(Option::as_ref).map_or("–".to_owned(), Cell::text))
                    .collect();
                if texts.windows(2).all(|pair| pair[0] == pair[1]) {
                    texts.first().cloned().unwrap_or_default()
                } else {
                    texts.join(" / ")
                }
            };
            let cells: Vec<String> = COLUMNS.iter().map(|(column, _)| cell(column)).collect();
            let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
        }
        text
    }
}

fn today() -> String {
    let output = std::process::Command::new("date").arg("+%F").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

const INTRODUCTION: &str = "\
# What was tried with every option

This page is written by `EVENKEEL_MATRIX=full UPDATE_DOCS=1 cargo test --test all cases::matrix`, from what it found.
Each option went through all columns with the samples of its form, on each engine; a dry run came before each run, and
what the engine showed afterwards was compared. *ok*: it was so on both engines, or what stands before and behind the
stroke was so on the older and on the newer one. *refused*: the engine does not take it here, in its words. *dropped with
a warning*: the engine takes it and leaves it out, because its kernel does not know it; evenkeel fails and names the
option. *needs API*: the dry run says that the engine is too old. *–*: there is nothing to try.

That nothing differs after a restart of the engine is tried with all of them as well (`auto_remove` apart, whose containers
engines remove when they start). Values come from the samples of the forms, so a *running* container may fail for what
this machine, its kernel or the small image of the tests does not have, such as a GPU, a group or a program.
";
