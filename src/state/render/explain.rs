//! Says what is wrong in a template, in the file's own lines.

use minijinja::{Error, ErrorKind};
use serde_json::Value;

use super::renderer::FILTERS;
use super::sources::Sources;
use crate::source::{Diagnostic, Place, SourceFile, did_you_mean};

const CHANGING: [&str; 8] = ["append", "update", "extend", "insert", "pop", "setdefault", "remove", "clear"];

/// Makes a diagnostic of an error of the template engine.
pub fn explain(
    error: &Error,
    sources: &Sources,
    main: &std::sync::Arc<SourceFile>,
    pillar: Option<&Value>,
) -> Diagnostic {
    let mut chain = vec![error];
    while let Some(inner) = chain.last().and_then(|last| std::error::Error::source(*last)) {
        match inner.downcast_ref::<Error>() {
            Some(inner) => chain.push(inner),
            None => break,
        }
    }
    let inner = chain.last().copied().unwrap_or(error);
    let place_of = |error: &Error| {
        let file = sources.file(error.name()?)?;
        let line = error.line()?;
        let number = u32::try_from(line).unwrap_or(u32::MAX);
        Some(Place::in_file(&file, number, column(error, &file, line)))
    };
    let place =
        chain.iter().rev().find_map(|error| place_of(error)).unwrap_or_else(|| Place::in_file(main, 0, 0));
    let detail = inner.detail().unwrap_or_default();
    let message = match inner.kind() {
        ErrorKind::OutOfFuel => "this template does too much work".to_owned(),
        ErrorKind::SyntaxError => format!("the template cannot be read: {detail}"),
        ErrorKind::WriteFailure => "this template renders to too much text".to_owned(),
        ErrorKind::UndefinedError if !detail.contains('`') => match text_of(inner) {
            Some(text) => format!("`{text}` is undefined"),
            None => "a value is undefined".to_owned(),
        },
        _ if detail.is_empty() => inner.kind().to_string(),
        _ => detail.to_owned(),
    };
    let mut problem = Diagnostic::error(&place, message).maybe_hint(hint(inner, detail, pillar));
    // Where the file with the mistake was asked for.
    for outer in chain.iter().rev().skip(1) {
        if let Some(at) = place_of(outer).filter(|at| *at != place) {
            problem = problem.note(format!("it is used at {at}"));
        }
    }
    problem
}

/// The piece of the template that an error concerns.
fn text_of(error: &Error) -> Option<&str> {
    error.template_source()?.get(error.range()?).filter(|text| text.len() < 60 && !text.is_empty())
}

fn column(error: &Error, file: &SourceFile, line: usize) -> u32 {
    let (Some(source), Some(range)) = (error.template_source(), error.range()) else { return 1 };
    let Some(before) = source.get(..range.start) else { return 1 };
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let here = source.lines().nth(line.saturating_sub(1));
    if here != file.text.lines().nth(line.saturating_sub(1)) || before.matches('\n').count() + 1 != line {
        return 1;
    }
    u32::try_from(before[start..].chars().count() + 1).unwrap_or(1)
}

fn hint(error: &Error, detail: &str, pillar: Option<&Value>) -> Option<String> {
    match error.kind() {
        ErrorKind::UndefinedError => undefined(detail, pillar),
        ErrorKind::UnknownFilter => {
            let name = detail.split_whitespace().nth(1)?.trim_matches('`');
            let meant = did_you_mean(name, FILTERS)?;
            Some(format!("did you mean `{meant}`?"))
        }
        ErrorKind::TemplateNotFound => {
            Some("names are looked up beside the file, then below states/, modules/ and the root of the tree".to_owned())
        }
        ErrorKind::OutOfFuel => Some("is there a loop over too large a range?".to_owned()),
        ErrorKind::UnknownMethod if CHANGING.iter().any(|method| detail.contains(&format!("`{method}`")) || detail.ends_with(method)) => {
            Some("values are fixed unless the same file says `{% set x = … %}`; write `{% set x = x + [1] %}` or `x | merge({…})`".to_owned())
        }
        ErrorKind::InvalidOperation if detail.contains(" % ") || detail.contains("% operator") || detail.contains("%") => {
            Some("for texts write `'%s' | format(x)` or `'a' ~ x`".to_owned())
        }
        ErrorKind::InvalidOperation if detail.starts_with("grains are") || detail.starts_with("the grains") => {
            Some("give them with --grains FILE, or name an engine with --host".to_owned())
        }
        ErrorKind::SyntaxError if detail.contains("unknown statement") => {
            Some("known are if, for, set, macro, call, filter, import, from, include, with, do, raw, load_yaml, import_yaml".to_owned())
        }
        ErrorKind::SyntaxError if detail.contains("unexpected end of input") => {
            Some("is an `{% endif %}`, `{% endfor %}` or `}}` missing?".to_owned())
        }
        _ => None,
    }
}

/// What may have been meant by a name that is not there.
fn undefined(detail: &str, pillar: Option<&Value>) -> Option<String> {
    let path = detail.split('`').nth(1);
    let Some(path) = path.and_then(|path| path.strip_prefix("pillar.")) else {
        return Some(
            "give it a value, or a default: `x | default('…')`, `pillar.get('a:b', '…')`".to_owned(),
        );
    };
    let mut at = pillar?;
    for part in path.split('.') {
        match at.get(part) {
            Some(next) => at = next,
            None => {
                let keys = || at.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
                if let Some(meant) = did_you_mean(part, keys()) {
                    return Some(format!("did you mean `{meant}`?"));
                }
                let known: Vec<_> = keys().take(12).collect();
                return Some(if known.is_empty() {
                    format!(
                        "put `{path}` into the pillar, or write `pillar.get('{}', '…')`",
                        path.replace('.', ":")
                    )
                } else {
                    format!("known there: {}", known.join(", "))
                });
            }
        }
    }
    None
}
