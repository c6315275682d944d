//! Which API version a state needs, and what to say where the engine has an older one.

use super::field::Field;
use super::spec::Spec;
use crate::source::Place;
use crate::world::Engine;

/// The engine releases that brought API versions, for people who know those.
const RELEASES: &[((u32, u32), &str)] = &[
    ((1, 42), "23.0"),
    ((1, 43), "24.0"),
    ((1, 44), "25.0"),
    ((1, 45), "26.0"),
    ((1, 46), "27.0"),
    ((1, 47), "27.2"),
    ((1, 48), "28.0"),
    ((1, 49), "28.1"),
    ((1, 50), "28.2"),
    ((1, 51), "28.3"),
    ((1, 52), "29.0"),
];

/// What is declared and the engine at hand does not know, one text each. Nothing if nobody knows
/// which version it speaks.
pub fn too_new(table: &'static [Field], spec: &Spec, engine: &Engine) -> Vec<String> {
    if engine.api == (0, 0) {
        return Vec::new();
    }
    let mut told = Vec::new();
    for field in table {
        let Some(declared) = spec.get(field.name) else { continue };
        let whole = (field.name.to_owned(), field.since);
        let parts = field.form.since(&declared.value).into_iter();
        let parts = parts.map(|(part, since)| (format!("{}.{part}", field.name), since));
        let newer = std::iter::once(whole).chain(parts).filter(|(_, since)| *since > engine.api);
        told.extend(newer.map(|(name, since)| text(&name, &declared.place, since, engine)));
    }
    told
}

fn text(name: &str, place: &Place, needs: (u32, u32), engine: &Engine) -> String {
    let release = RELEASES
        .iter()
        .find(|(api, _)| *api == needs)
        .map_or(String::new(), |(_, release)| format!(" (Docker {release})"));
    format!(
        "`{name}` (at {place}) needs API {}.{}{release}, and this engine ({}) has {}.{}; remove it, or use a newer engine",
        needs.0, needs.1, engine.version, engine.api.0, engine.api.1
    )
}
