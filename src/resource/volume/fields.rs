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

/// A word of Salt's that says nothing that could be compared.
macro_rules! accepted {
    ($name:literal, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[salt($name)],
            at: At::Policy,
            form: &form::RAW,
            unset: Unset::Unmanaged("it is no property of the volume"),
            impact: Impact::Note,
            removal: Impact::Note,
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
    accepted!("force", "Accepted for Salt's sake; a volume with data is never replaced."),
];

/// What `volume.absent` takes.
pub static ABSENT_FIELDS: &[Field] = &[
    accepted!("driver", "Accepted for Salt's sake; a volume is found by its name."),
    accepted!("force", "Accepted for Salt's sake; it takes `--allow-data-loss` as well."),
];
