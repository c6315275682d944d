//! Promotions and pipelines as people see them.

use std::fmt::Write as _;

use super::harmless;
use super::text::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use super::view::View;
use crate::plan::{PinReport, PipelineReport, Promotion, StageContainers, StageReport, StageTag};

/// Digits of a digest that people compare.
const DIGITS: usize = 12;

/// Renders a promotion: what moves, why not, and one closing line.
pub fn promotion(promotion: &Promotion, view: &View) -> String {
    let arrow = view.glyphs.arrow();
    let mut text = String::new();
    let from = promotion.from.as_deref().unwrap_or(&promotion.source);
    let moves: Vec<_> = promotion.changes().collect();
    let versions = match (&promotion.old_version, &promotion.version) {
        (Some(old), Some(new)) if old != new => format!("  ({old} {arrow} {new})"),
        (_, Some(new)) => format!("  ({new})"),
        (_, None) => String::new(),
    };
    let what = format!("{}  {from} {arrow} {}{versions}", promotion.image, promotion.to);
    if !moves.is_empty() || !promotion.blockers.is_empty() {
        _ = writeln!(text, "{} {}", paint(YELLOW, "~ promote"), paint(BOLD, harmless(&what)));
    }
    let width = moves.iter().map(|step| step.reference.len()).max().unwrap_or_default();
    for step in &moves {
        let old = step.from.as_deref().map_or("(new)".to_owned(), short);
        let new = short(&step.to);
        _ = writeln!(text, "    {:<width$}  {old} {arrow} {new}", harmless(&step.reference));
    }
    for note in &promotion.notes {
        _ = writeln!(text, "    {}", paint(DIM, format!("note: {}", harmless(note))));
    }
    for blocker in &promotion.blockers {
        _ = writeln!(text, "  {} {}", paint(RED, view.glyphs.failed()), harmless(blocker));
    }
    let plural = if moves.len() == 1 { "" } else { "s" };
    let end = match (promotion.blockers.len(), promotion.dry_run) {
        (0, false) => format!("{} tag{plural} moved", moves.len()),
        (0, true) => format!("{} tag{plural} would be moved", moves.len()),
        (..) => "nothing was moved; --force overrules what a stage requires, --test shows what would be done"
            .to_owned(),
    };
    _ = writeln!(text, "{end}");
    text
}

/// Renders what pinning changes, and one closing line.
pub fn pins(report: &PinReport, view: &View) -> String {
    let mut text = String::new();
    for change in &report.changes {
        let (sign, digests) = match (&change.from, &change.to) {
            (None, Some(to)) => (paint(GREEN, "+"), short(to)),
            (Some(from), Some(to)) => {
                (paint(YELLOW, "~"), format!("{} {} {}", short(from), view.glyphs.arrow(), short(to)))
            }
            (Some(from), None) => (paint(RED, "-"), short(from)),
            (None, None) => continue,
        };
        _ = writeln!(text, "{sign} {}  {digests}", paint(BOLD, harmless(&change.reference)));
    }
    let (count, unchanged, file) = (report.changes.len(), report.unchanged, harmless(&report.file));
    let would = if report.dry_run { "would change" } else { "changed" };
    _ = writeln!(text, "{count} {would}, {unchanged} unchanged in {file}");
    text
}

/// Renders where each stage is.
pub fn pipelines(reports: &[PipelineReport], view: &View) -> String {
    let mut text = String::new();
    for (number, report) in reports.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        _ = writeln!(
            text,
            "{}  {}",
            paint(BOLD, harmless(&report.name)),
            paint(DIM, harmless(&report.image))
        );
        let width = report.stages.iter().map(|stage| stage.name.len()).max().unwrap_or_default();
        for stage in &report.stages {
            text += &row(stage, width, view);
        }
    }
    text
}

fn row(stage: &StageReport, width: usize, view: &View) -> String {
    let tag = match &stage.tag {
        StageTag::Points { digest, version: Some(version) } => format!("{version}  {}", short(digest)),
        StageTag::Points { digest, version: None } => short(digest),
        StageTag::Missing => "(no tag yet)".to_owned(),
        StageTag::Unknown(reason) => format!("unknown: {reason}"),
    };
    let runs = match &stage.containers {
        StageContainers::Known { same, other } if same.is_empty() && other.is_empty() => {
            "not running".to_owned()
        }
        StageContainers::Known { same, other } if other.is_empty() => format!("runs in {}", same.join(", ")),
        StageContainers::Known { same, other } if same.is_empty() => {
            format!("{} not up to date", other.join(", "))
        }
        StageContainers::Known { same, other } => {
            format!("runs in {}; {} not up to date", same.join(", "), other.join(", "))
        }
        StageContainers::Unknown(reason) => format!("unknown: {reason}"),
    };
    let mut line = format!("  {:<width$}  {}  {}", harmless(&stage.name), harmless(&tag), harmless(&runs));
    if let Some((when, who)) = &stage.promoted {
        let when = when.to_zoned(view.zone.clone()).strftime("%Y-%m-%d %H:%M");
        _ = write!(line, "  since {when} by {}", harmless(who));
    }
    if let Some(waits) = &stage.waits {
        let waits = if waits.starts_with("sha256:") { short(waits) } else { waits.clone() };
        _ = write!(line, "  {}", paint(GREEN, format!("{} {} waits", view.glyphs.arrow(), harmless(&waits))));
    }
    line.push('\n');
    line
}

fn short(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!("{algorithm}:{}", hex.chars().take(DIGITS).collect::<String>()),
        None => digest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::TagMove;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn digest(byte: &str) -> String {
        format!("sha256:{}", byte.repeat(32))
    }

    #[test]
    fn a_promotion_tells_what_moves() {
        let mut moved = Promotion {
            image: "web".to_owned(),
            from: Some("qa".to_owned()),
            to: "prod".to_owned(),
            source: "reg/web@sha256:00".to_owned(),
            digest: digest("bb"),
            version: Some("1.4.2".to_owned()),
            old_version: Some("1.4.1".to_owned()),
            moves: vec![
                TagMove { reference: "reg/web:1.4.2-prod".to_owned(), from: None, to: digest("bb") },
                TagMove { reference: "reg/web:prod".to_owned(), from: Some(digest("aa")), to: digest("bb") },
            ],
            blockers: Vec::new(),
            notes: Vec::new(),
            unrecorded: None,
            dry_run: true,
        };
        let told = |promoted: &Promotion| plain(&promotion(promoted, &View::for_tests()));
        assert_eq!(
            told(&moved),
            "~ promote web  qa → prod  (1.4.1 → 1.4.2)\n    reg/web:1.4.2-prod  (new) → sha256:bbbbbbbbbbbb\n    \
             reg/web:prod        sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb\n2 tags would be moved\n"
        );
        moved.dry_run = false;
        moved.blockers.push("no container of shop/qa runs it".to_owned());
        assert!(
            told(&moved).contains("\n  ✗ no container of shop/qa runs it\nnothing was moved"),
            "{}",
            told(&moved)
        );
        moved.blockers.clear();
        moved.moves.clear();
        assert_eq!(told(&moved), "0 tags moved\n");
    }

    #[test]
    fn a_pipeline_tells_where_each_stage_is() {
        let stage = |name: &str, tag: StageTag, same: &[&str], waits: Option<&str>| StageReport {
            name: name.to_owned(),
            reference: format!("reg/web:{name}"),
            tag,
            containers: StageContainers::Known {
                same: same.iter().map(|name| (*name).to_owned()).collect(),
                other: Vec::new(),
            },
            promoted: (name == "qa").then(|| (jiff::Timestamp::UNIX_EPOCH, "ann@ship".to_owned())),
            waits: waits.map(str::to_owned),
        };
        let points = |byte: &str, version: &str| StageTag::Points {
            digest: digest(byte),
            version: Some(version.to_owned()),
        };
        let report = PipelineReport {
            name: "web".to_owned(),
            image: "reg/web".to_owned(),
            stages: vec![
                stage("dev", points("bb", "1.4.2"), &["web"], None),
                stage("qa", points("aa", "1.4.1"), &["web"], Some("1.4.2")),
                stage("prod", StageTag::Missing, &[], Some("1.4.1")),
            ],
        };
        assert_eq!(
            plain(&pipelines(&[report], &View::for_tests())),
            "web  reg/web\n  dev   1.4.2  sha256:bbbbbbbbbbbb  runs in web\n  \
             qa    1.4.1  sha256:aaaaaaaaaaaa  runs in web  since 1970-01-01 00:00 by ann@ship  → 1.4.2 waits\n  \
             prod  (no tag yet)  not running  → 1.4.1 waits\n"
        );
    }
}
