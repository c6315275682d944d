//! The options of a container, one row each, by theme.

use super::super::field::{At, Field, Impact, Unset, joined, plain, rows, salt};
use super::super::form;

/// The first API version that evenkeel speaks; fields that it has need no later one.
const BASE: (u32, u32) = (1, 41);

/// A field that only a new container can take.
macro_rules! replaced {
    (since ($major:literal, $minor:literal), $($row:tt)+) => {
        super::Field { since: ($major, $minor), ..replaced!($($row)+) }
    };
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:expr, $form:expr, $unset:expr, $doc:literal) => {
        super::Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: $at,
            form: &$form,
            unset: $unset,
            impact: super::Impact::Replace,
            removal: super::Impact::Replace,
            since: super::BASE,
            doc: $doc,
        }
    };
}

/// A field that the engine changes in place; the last impact is that of going back to the default.
macro_rules! updated {
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:literal, $form:expr, $unset:expr, $removal:expr, $doc:literal) => {
        super::Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: super::At::Path($at),
            form: &$form,
            unset: $unset,
            impact: super::Impact::Update,
            removal: $removal,
            since: super::BASE,
            doc: $doc,
        }
    };
}

/// Another way to say a part of a field, which it becomes when it is read.
macro_rules! within {
    ($name:literal, [$($spelling:expr),+ $(,)?], $field:literal, $form:expr, $doc:literal) => {
        super::Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: super::At::Within($field),
            form: &$form,
            unset: super::Unset::Unmanaged("it is a part of another field"),
            impact: super::Impact::Replace,
            removal: super::Impact::Replace,
            since: super::BASE,
            doc: $doc,
        }
    };
}

/// A field that says how evenkeel goes about it; a change of it alone changes no container.
macro_rules! policy {
    ($name:literal, [$($spelling:expr),+ $(,)?], $form:expr, $doc:literal) => {
        super::Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: super::At::Policy,
            form: &$form,
            unset: super::Unset::Unmanaged("it is no property of the container"),
            impact: super::Impact::Note,
            removal: super::Impact::Note,
            since: super::BASE,
            doc: $doc,
        }
    };
}

mod engine;
mod network;
mod policy;
mod program;
mod resources;
mod security;
mod storage;

pub use policy::ABSENT_FIELDS;

const THEMES: &[&[Field]] = &[
    program::FIELDS,
    network::FIELDS,
    storage::FIELDS,
    resources::FIELDS,
    security::FIELDS,
    engine::FIELDS,
    policy::FIELDS,
];

/// What `container.running`, `stopped` and `created` take.
pub static FIELDS: &[Field] = &joined::<{ rows(THEMES) }>(THEMES);
