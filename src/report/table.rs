//! Rows in columns, for people.

use std::fmt::Write;

use super::view::{Glyphs, View};

/// What is left to an image's name, however narrow the terminal is.
const IMAGE: usize = 12;
const GAP: &str = "  ";
/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";

/// Lays rows out, a line for each; the first has the heads, and without another there are no lines. The last column is an
/// image's name, whose beginning is cut where its line would be too long. A column in which nobody says anything is
/// left out, unless `is_kept` wants it or not whatever it says.
pub(super) fn laid_out<const N: usize>(
    rows: &[[String; N]],
    is_kept: impl Fn(usize) -> Option<bool>,
    view: &View,
) -> Vec<String> {
    if rows.len() < 2 {
        return Vec::new();
    }
    let says = |column: usize| rows[1..].iter().any(|row| row[column] != NOTHING);
    let columns: Vec<usize> =
        (0..N).filter(|column| is_kept(*column).unwrap_or_else(|| says(*column))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let image = N - 1;
    let taken: usize =
        columns.iter().filter(|column| **column != image).map(|column| width(*column) + GAP.len()).sum();
    let left = view.width.saturating_sub(taken).max(IMAGE);
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for column in &columns {
            match *column {
                last if last == image => line += &end_of(&row[last], left, view.glyphs),
                column => _ = write!(line, "{:<width$}{GAP}", row[column], width = width(column)),
            }
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The beginning of a text that is too long.
pub(super) fn start_of(text: &str, width: usize, glyphs: Glyphs) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let cut = glyphs.cut();
    text.chars().take(width.saturating_sub(cut.chars().count())).collect::<String>() + cut
}

/// The end of a text that is too long: where an image's name has its tag.
fn end_of(text: &str, width: usize, glyphs: Glyphs) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let cut = glyphs.cut();
    let kept = width.saturating_sub(cut.chars().count());
    cut.to_owned() + &text.chars().skip(length - kept).collect::<String>()
}
