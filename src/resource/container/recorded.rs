//! What was declared of a revision, in normal form, as its label and the history keep it: to compare revisions,
//! and to go back to one. Values that look secret are not kept; a container that is still there has them.

use serde_json::{Map, Value};

use super::fields::FIELDS;
use super::files;
use crate::plan::{FieldDiff, Impact};
use crate::resource::compare;
use crate::resource::field::At;
use crate::resource::spec::Spec;
use crate::source::Place;
use crate::world::{Container, label};

/// The declared fields, by our names for them, without secrets.
pub type Recorded = Map<String, Value>;

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// Gives what is kept of a spec.
pub fn record_of(spec: &Spec) -> Recorded {
    let without_secrets = |(field, declared): (&str, &crate::resource::Declared)| {
        let mut value = declared.value.clone();
        if field == "files" {
            files::without_contents(&mut value);
        }
        compare::hide(&mut value, false);
        (field.to_owned(), value)
    };
    spec.iter().map(without_secrets).collect()
}

/// Reads what the label of a container keeps; nothing if it has none that can be read.
pub fn recorded(container: &Container) -> Option<Recorded> {
    serde_json::from_str(container.labels().get(label::STATE)?).ok()
}

/// What differs between two revisions.
pub fn recorded_differences(from: &Recorded, to: &Recorded) -> Vec<FieldDiff> {
    let rows = FIELDS.iter().flat_map(|field| {
        let of = |record: &Recorded| record.get(field.name).cloned().unwrap_or(Value::Null);
        let (from, to) = (of(from), of(to));
        let show = |value: &Value| if value.is_null() { Value::Null } else { field.form.show(value) };
        match (from.is_null(), to.is_null()) {
            _ if from == to => Vec::new(),
            (false, false) => compare::rows(field, &from, &to, Impact::Note),
            _ => vec![compare::mask(FieldDiff {
                field: field.name.to_owned(),
                from: show(&from),
                to: show(&to),
                impact: Impact::Note,
            })],
        }
    });
    rows.collect()
}

/// What an engine shows for a field of a container, in normal form; nothing where it shows none.
pub fn shown_of(field: &str, container: &Container) -> Option<Value> {
    let field = FIELDS.iter().find(|known| known.name == field)?;
    let At::Path(path) = field.at else { return None };
    Some(field.form.observe(container.attributes.at(path).known()?))
}

/// Makes a spec of what is kept, to declare it again. What was changed in place since, and what is secret, is
/// read from the container.
///
/// # Errors
/// Names a field whose value is not on record.
pub fn spec_of(record: &Recorded, container: Option<&Container>) -> Result<Spec, String> {
    let place = Place::outside("the record of an earlier revision");
    let mut spec = Spec::default();
    for field in FIELDS {
        let Some(value) = record.get(field.name) else { continue };
        let observed = || {
            let At::Path(path) = field.at else { return None };
            Some(field.form.observe(container?.attributes.at(path).known()?))
        };
        let is_hidden = value.to_string().contains(HIDDEN);
        // The policy of one that was replaced is switched off.
        let may_have_changed = field.is_updated_in_place() && field.name != "restart";
        let value = match (is_hidden, observed()) {
            (true, Some(observed)) => observed,
            (true, None) => {
                return Err(format!("the value of `{}` is secret, so it is not on record", field.name));
            }
            (false, Some(observed)) if may_have_changed => observed,
            (false, _) => value.clone(),
        };
        spec.insert(field.name, value, &place);
    }
    Ok(spec)
}
