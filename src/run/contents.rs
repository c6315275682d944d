//! The contents of files that an earlier revision had: labels and the record have only what they were like, and the
//! container itself has them, as long as it is kept.

use serde_json::{Map, Value};

use super::former::Former;
use crate::engine::Observe;
use crate::resource::Spec;
use crate::source::Place;
use crate::world::{FileContent, SeenFile};

/// Puts the contents into a spec that is made of a record.
///
/// # Errors
/// Says whose contents nobody has any more.
pub(super) async fn with_contents(
    spec: &mut Spec,
    container: Option<&str>,
    observer: &dyn Observe,
    former: &mut Former,
) -> Result<(), String> {
    let Some(Value::Object(declared)) = spec.value("files").cloned() else { return Ok(()) };
    let lacks = |file: &Value| file["content"].is_null() && file["base64"].is_null();
    let paths: Vec<String> =
        declared.iter().filter(|(_, file)| lacks(file)).map(|(path, _)| path.clone()).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let Some(container) = container else {
        return Err(format!(
            "what stood in {} is not on record, and its container is gone",
            paths.join(", ")
        ));
    };
    let mut seen = observer.files(container, &paths).await.map_err(|error| error.to_string())?;
    let mut filled: Map<String, Value> = declared.clone();
    for path in paths {
        let Some(SeenFile::Found { content, .. }) = seen.remove(&path) else {
            return Err(format!("its container does not have the file {path} any more"));
        };
        let digest = declared[&path]["sha256"].as_str();
        if digest.is_some_and(|digest| digest != content.digest()) {
            return Err(format!(
                "the file {path} was changed in its container, so what stood in it is not known"
            ));
        }
        let (key, text) = match content {
            FileContent::Text(text) if declared[&path]["hidden"] == true => ("content", former.keep(text)),
            FileContent::Text(text) => ("content", text),
            FileContent::Bytes(_) => ("base64", content.base64()),
        };
        if let Some(file) = filled.get_mut(&path).and_then(Value::as_object_mut) {
            file.shift_remove("sha256");
            file.shift_remove("hidden");
            file.insert(key.to_owned(), text.into());
        }
    }
    spec.insert("files", Value::Object(filled), &Place::outside("an earlier revision"));
    Ok(())
}
