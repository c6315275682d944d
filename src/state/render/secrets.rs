//! `secret('name')` in templates: a token that can be handed on and put together, and never looked into.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, State, Value, filters, tests};
use regex_lite::Regex;

use super::filters::wrong;
use super::markers::without;
use super::scan::{Piece, pieces};
use crate::source::{
    Diagnostic, Place, SourceFile, holds_token, is_secret_name, padded_token, token, unpadded,
};

/// What to do about a secret that is looked into.
const REMEDY: &str = "a secret can only be handed on, as it is or put together with `~`";

/// How tokens are spelled at the moment, and whether any was asked for.
#[derive(Default)]
pub struct Tokens {
    is_padded: AtomicBool,
    asked: AtomicBool,
}

impl Tokens {
    /// Renders a file, and refuses what looks into a secret: its text would be another one if tokens were spelled
    /// otherwise.
    pub fn kept(
        &self,
        file: &Arc<SourceFile>,
        render: impl Fn() -> Result<String, Error>,
        explain: impl FnOnce(Error) -> Diagnostic,
    ) -> Result<String, Diagnostic> {
        if let Some(problem) = compared(file) {
            return Err(problem);
        }
        self.asked.store(false, Ordering::Relaxed);
        let text = render().map_err(explain)?;
        if !self.asked.load(Ordering::Relaxed) {
            return Ok(text);
        }
        self.is_padded.store(true, Ordering::Relaxed);
        let otherwise = render();
        self.is_padded.store(false, Ordering::Relaxed);
        match otherwise {
            Ok(otherwise) if unpadded(&otherwise) == text => Ok(text),
            Ok(_) | Err(_) => Err(looked_into(file)),
        }
    }

    fn token(&self, name: &str) -> Result<String, Error> {
        self.asked.store(true, Ordering::Relaxed);
        let name = without(name);
        if !is_secret_name(&name) {
            return Err(wrong(format!(
                "`{name}` cannot be the name of a secret: names are letters, digits, `_`, `-` and `.`"
            )));
        }
        Ok(if self.is_padded.load(Ordering::Relaxed) { padded_token(&name) } else { token(&name) })
    }
}

/// Adds the function, and lets no filter, test or method look into what it gives.
pub fn add(env: &mut Environment<'static>, tokens: &Arc<Tokens>) {
    let tokens = tokens.clone();
    env.add_function("secret", move |name: &str| tokens.token(name));
    for (name, original) in filters_that_look() {
        guard(env, name, original);
    }
    for (name, original) in tests_that_look() {
        env.add_test(
            name,
            move |state: &mut State, args: Rest<Value>, named: Kwargs| -> Result<bool, Error> {
                // What is compared with may be the secret as well.
                if args.iter().any(is_secret) {
                    return Err(refused(&format!("the test `{name}`")));
                }
                original.call(state, &all(args, named)).map(|answer| answer.is_true())
            },
        );
    }
    env.set_unknown_method_callback(|state, value, method, args| {
        if is_secret(value) && method != "format" && method != "join" {
            return Err(refused(&format!("the method `{method}`")));
        }
        minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
    });
}

/// Adds a filter that refuses texts with a secret in them.
pub fn guard(env: &mut Environment<'static>, name: &'static str, original: Value) {
    env.add_filter(
        name,
        move |state: &mut State, args: Rest<Value>, named: Kwargs| -> Result<Value, Error> {
            if args.first().is_some_and(is_secret) {
                return Err(refused(&format!("the filter `{name}`")));
            }
            original.call(state, &all(args, named))
        },
    );
}

/// All arguments, as they were given.
fn all(args: Rest<Value>, named: Kwargs) -> Vec<Value> {
    let mut all: Vec<Value> = args.iter().cloned().collect();
    if named.args().next().is_some() {
        all.push(Value::from(named));
    }
    all
}

fn is_secret(value: &Value) -> bool {
    value.as_str().is_some_and(holds_token)
}

fn refused(what: &str) -> Error {
    wrong(format!("{what} would have to look into a secret; {REMEDY}"))
}

fn filters_that_look() -> [(&'static str, Value); 30] {
    [
        ("upper", Value::from_function(filters::upper)),
        ("lower", Value::from_function(filters::lower)),
        ("title", Value::from_function(filters::title)),
        ("capitalize", Value::from_function(filters::capitalize)),
        ("replace", Value::from_function(filters::replace)),
        ("length", Value::from_function(filters::length)),
        ("count", Value::from_function(filters::length)),
        ("trim", Value::from_function(filters::trim)),
        ("split", Value::from_function(filters::split)),
        ("lines", Value::from_function(filters::lines)),
        ("round", Value::from_function(filters::round)),
        ("abs", Value::from_function(filters::abs)),
        ("int", Value::from_function(filters::int)),
        ("float", Value::from_function(filters::float)),
        ("bool", Value::from_function(filters::bool)),
        ("first", Value::from_function(filters::first)),
        ("last", Value::from_function(filters::last)),
        ("min", Value::from_function(filters::min)),
        ("max", Value::from_function(filters::max)),
        ("sort", Value::from_function(filters::sort)),
        ("reverse", Value::from_function(filters::reverse)),
        ("list", Value::from_function(filters::list)),
        ("unique", Value::from_function(filters::unique)),
        ("slice", Value::from_function(filters::slice)),
        ("batch", Value::from_function(filters::batch)),
        ("indent", Value::from_function(filters::indent)),
        ("escape", Value::from_function(filters::escape)),
        ("e", Value::from_function(filters::escape)),
        ("format", Value::from_function(filters::format)),
        ("pprint", Value::from_function(filters::pprint)),
    ]
}

fn tests_that_look() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let mut several = |names: &[&'static str], original: Value| {
        all.extend(names.iter().map(|name| (*name, original.clone())));
    };
    several(&["eq", "equalto", "=="], Value::from_function(tests::is_eq));
    several(&["ne", "!="], Value::from_function(tests::is_ne));
    several(&["lt", "lessthan", "<"], Value::from_function(tests::is_lt));
    several(&["le", "<="], Value::from_function(tests::is_le));
    several(&["gt", "greaterthan", ">"], Value::from_function(tests::is_gt));
    several(&["ge", ">="], Value::from_function(tests::is_ge));
    several(&["in"], Value::from_function(tests::is_in));
    several(&["sameas"], Value::from_function(tests::is_sameas));
    several(&["lower"], Value::from_function(tests::is_lower));
    several(&["upper"], Value::from_function(tests::is_upper));
    all
}

/// Refuses an expression that compares what `secret` gives: the answer would always be no.
fn compared(file: &Arc<SourceFile>) -> Option<Diagnostic> {
    let text = &file.text;
    if !text.contains("secret") {
        return None;
    }
    let (asks, compares, literal) = (
        Regex::new(r"\bsecret\s*\(").ok()?,
        Regex::new(r"==|!=|<|>|\bin\b").ok()?,
        Regex::new(r#"'[^']*'|"[^"]*""#).ok()?,
    );
    pieces(text).into_iter().find_map(|piece| {
        let (range, word) = match piece {
            Piece::Expression(range) => (range, ""),
            Piece::Statement(statement) => (statement.inside.clone(), statement.word(text)),
            Piece::Data(_) | Piece::Comment(_) | Piece::Raw(_) => return None,
        };
        let inside = literal.replace_all(&text[range.clone()], "''").into_owned();
        // `for x in …` compares nothing.
        let inside = if word == "for" { inside.replacen(" in ", " ", 1) } else { inside };
        let at = range.start + asks.find(&text[range.clone()])?.start();
        compares.is_match(&inside).then(|| {
            let problem = "a comparison would have to look into a secret";
            Diagnostic::error(&place(file, at), problem).hint(REMEDY)
        })
    })
}

fn looked_into(file: &Arc<SourceFile>) -> Diagnostic {
    let at = file.text.find("secret").unwrap_or(0);
    let problem = "an expression in this template looks into a secret: cuts, counts or changes it";
    Diagnostic::error(&place(file, at), problem).hint(REMEDY)
}

fn place(file: &Arc<SourceFile>, at: usize) -> Place {
    let before = &file.text[..at];
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place::in_file(file, number(before.matches('\n').count() + 1), number(column))
}
