//! The options of a volume, one row each.

use super::super::field::{At, Field, Impact, Unset, plain, salt};
use super::super::form;

macro_rules! fixed {
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:literal, $form:expr, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: At::Path($at),
            form: &$form,
            unset: Unset::Engine,
            impact: Impact::Refuse,
            removal: Impact::Refuse,
            since: (1, 41),
            doc: $doc,
        }
    };
}

/// What `volume.present` takes.
pub static FIELDS: &[Field] = &[
    fixed!(
        "driver",
        [plain("driver"), salt("driver")],
        "Driver",
        form::VOLUME_DRIVER,
        "The driver that keeps the data; the engine's default is `local`."
    ),
    fixed!(
        "driver_opts",
        [plain("driver_opts"), salt("driver_opts"), salt("driver_opt")],
        "Options",
        form::VOLUME_OPTIONS,
        "Options of the driver, such as `{type: tmpfs, device: tmpfs, o: size=64m}`."
    ),
    fixed!(
        "labels",
        [plain("labels"), salt("labels")],
        "Labels",
        form::LABELS,
        "Labels, as a mapping or a list of `key=value`."
    ),
];

/// What `volume.absent` takes.
pub static ABSENT_FIELDS: &[Field] = &[];
