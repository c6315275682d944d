//! Painting, and making text from elsewhere harmless.

use std::fmt::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::source::{shown_tokens, without_url_passwords};

pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(super) const BLUE: Style = AnsiColor::Blue.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// Gives the text in a style.
pub(super) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Shows control characters, direction marks and private-use characters as escapes, so that a
/// value can neither steer the terminal nor look like something else. Secrets are shown by their names.
pub fn harmless(text: &str) -> String {
    let text = shown_tokens(text);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if is_harmful(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// What a container wrote, for a terminal: lines, tabs and colours stay, everything else that could steer it is shown
/// as an escape.
pub fn terminal_safe(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text.as_ref());
    while let Some(c) = rest.chars().next() {
        let length = match colour(rest) {
            Some(length) => {
                shown.push_str(&rest[..length]);
                length
            }
            None => {
                match c {
                    '\n' | '\r' | '\t' => shown.push(c),
                    c if is_harmful(c) => shown.extend(c.escape_unicode()),
                    c => shown.push(c),
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    shown
}

/// The length of the sequence that a text begins with, if all it does is to choose a colour or a style.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

/// The lines of a text, each harmless. Colours are taken out, since programs colour their logs.
pub(super) fn lines(text: &str) -> Vec<String> {
    let plain = anstream::adapter::strip_str(text).to_string();
    plain.lines().map(|line| harmless(line.trim_end())).collect()
}

/// One error of the whole command, with what to do about it.
pub fn error(message: &str, hint: Option<&str>) -> String {
    let mut text = String::new();
    for (number, line) in lines(&without_url_passwords(message)).iter().enumerate() {
        match number {
            0 => _ = writeln!(text, "{}: {line}", paint(RED.bold(), "error")),
            _ => _ = writeln!(text, "  {line}"),
        }
    }
    for line in hint.map(lines).unwrap_or_default() {
        _ = writeln!(text, "  {}: {line}", paint(CYAN, "hint"));
    }
    text
}

/// One remark about the whole command.
pub fn message(text: &str) -> String {
    lines(text).iter().fold(String::new(), |all, line| all + &paint(DIM, line) + "\n")
}

/// A duration as people say it: `180 ms`, `2.3 s`, `4 min 5 s`.
pub(super) fn duration(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// How long nothing served while a container was replaced.
pub(super) fn gap_text(gap: Duration) -> String {
    format!("away for {}, from the stop of the one to the start of the other", duration(gap))
}

/// `1 error`, `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn is_harmful(c: char) -> bool {
    let is_direction_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}');
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}');
    c.is_control() || is_direction_mark || is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2J\u{9b}31m\r\nb\u{202e}"), "a\\u{1b}[2J\\u{9b}31m\\r\\nb\\u{202e}");
        assert_eq!(harmless("grüße → 中"), "grüße → 中");
    }

    #[test]
    fn a_log_keeps_its_colours_and_nothing_else_that_steers_a_terminal() {
        let log = b"\x1b[1;31mred\x1b[0m\tx\r\n\x1b]0;title\x07\x1b[2Jend\x1b[";
        let shown = "\u{1b}[1;31mred\u{1b}[0m\tx\r\n\\u{1b}]0;title\\u{7}\\u{1b}[2Jend\\u{1b}[";
        assert_eq!(terminal_safe(log), shown);
    }

    #[test]
    fn log_lines_lose_their_colours_and_keep_their_text() {
        assert_eq!(lines("\u{1b}[31mred\u{1b}[0m\nnext\u{202e}\n"), ["red", "next\\u{202e}"]);
    }

    #[test]
    fn durations_read_well() {
        let said = |millis| duration(Duration::from_millis(millis));
        assert_eq!([said(180), said(2_340), said(245_000)], ["180 ms", "2.3 s", "4 min 5 s"]);
    }
}
