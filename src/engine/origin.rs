//! Writes down where things come from. The record of a build is put on top of what was built, in a build of
//! its own: only then it is known what the ancestors have said, the layers before it stay as they were for
//! the builder's cache, and it goes the same way whatever built the image and whatever it contains.

use std::collections::BTreeMap;

use bollard::query_parameters::BuildImageOptions;
use futures_util::stream;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::performer::Performer;
use super::{Answer, PerformError, Progress};
use crate::host::{GitOrigin, base_image, git_origin, packed};
use crate::world::{
    BuildOptions, BuildSpec, Image, ImageReference, Labels, METHODS, Made, Naming, Origin, RecordFiles,
    Stamps, label, next_number, record_label, records, whole_seconds,
};

/// Where the records lie in an image.
const FOLDER: &str = "/usr/share/evenkeel/metadata.d/";
/// How often it is tried if somebody removes what has no name yet.
const ATTEMPTS: usize = 3;
/// Bytes of a label that a line of a Dockerfile has room for.
const LINE: usize = 48 * 1024;

/// What is known before the build begins.
struct Sources {
    dockerfile: String,
    git: GitOrigin,
}

/// What is put on top of an image.
struct Addition {
    labels: BTreeMap<String, String>,
    /// Names and contents.
    files: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Performer {
    /// Builds, and puts the record of the build on top.
    pub(super) async fn build_recorded(
        &self,
        build: &BuildSpec,
        origin: &Origin,
        progress: Progress<'_>,
    ) -> Result<Answer, PerformError> {
        let path = build.context.join(&build.dockerfile);
        let dockerfile = tokio::fs::read_to_string(path).await.unwrap_or_default();
        let sources = Sources { dockerfile, git: git_origin(&build.context).await };
        let plain =
            BuildSpec { labels: BTreeMap::new(), naming: Naming::Unnamed, origin: None, ..build.clone() };
        let mut tried = 1;
        loop {
            let id = self.build_once(&plain, progress).await?;
            let recorded = match self.inspect_built(&id).await? {
                Some(image) => self.record(build, origin, &sources, &image, progress).await.map(Some),
                None => Ok(None),
            };
            match recorded {
                Ok(Some(answer)) => return Ok(answer),
                Err(PerformError::Lost { reason }) => return Err(PerformError::Lost { reason }),
                // It has no name, so whoever tidies up may take it away.
                Ok(None) if tried < ATTEMPTS => {}
                Err(_) if tried < ATTEMPTS && self.inspect_built(&id).await?.is_none() => {}
                Ok(None) => {
                    let message = format!("{id} was removed as soon as it was built");
                    return Err(PerformError::Refused { status: None, message });
                }
                Err(error) => return Err(error),
            }
            tried += 1;
        }
    }

    async fn record(
        &self,
        build: &BuildSpec,
        origin: &Origin,
        sources: &Sources,
        image: &Image,
        progress: Progress<'_>,
    ) -> Result<Answer, PerformError> {
        let base_name = base_image(&sources.dockerfile, &build.args, build.target.as_deref());
        let base = match &base_name {
            // What the builder alone has is not known here.
            Some(name) => self.client().image(name).await.ok().flatten(),
            None => None,
        };
        let methods = METHODS.map(|(_, key)| {
            let said = build.labels.get(key).map(String::as_str).or_else(|| image.labels().get(key));
            said.filter(|command| !command.is_empty()).map(str::to_owned)
        });
        let made = Made {
            time: Timestamp::now(),
            remote: sources.git.remote.clone(),
            // An exported tree has no repository around it.
            commit: sources.git.commit.clone().or_else(|| self.stamps()?.commit.clone()),
            base_digest: base_name.as_deref().and_then(|name| base_digest(name, build, base.as_ref())),
            base: base_name,
            base_id: base.map(|base| base.id.to_string()),
            methods,
        };
        let stamps = self.stamps().cloned().unwrap_or_default();
        let record = origin.record(&stamps, &made);
        let mut addition = addition(build, origin, &image.labels(), &record);
        let standard = standard_labels(origin, &made);
        let is_said = |key: &str| build.labels.contains_key(key) || sources.dockerfile.contains(key);
        for (key, value) in standard.into_iter().filter(|(key, _)| !is_said(key)) {
            match value {
                Some(value) => _ = addition.labels.insert(key.to_owned(), value),
                // What the base says of itself would be wrong here.
                None if image.labels().get(key).is_some_and(|inherited| !inherited.is_empty()) => {
                    addition.labels.insert(key.to_owned(), String::new());
                }
                None => {}
            }
        }
        if let Some(version) = origin.version().filter(|_| !is_said(label::OCI_VERSION)) {
            addition.labels.insert(label::OCI_VERSION.to_owned(), version);
        }
        progress("write down where it comes from".to_owned());
        let id = match has_triggers(image) {
            true => self.build_with_labels(build, &mut addition).await?,
            false => self.build_on_top(build, image, &addition).await?,
        };
        Ok(Answer { notes: addition.notes, ..Answer::made(id) })
    }

    /// Builds an image whose only difference is what is added.
    async fn build_on_top(
        &self,
        build: &BuildSpec,
        image: &Image,
        addition: &Addition,
    ) -> Result<String, PerformError> {
        let (dockerfile, labels) = dockerfile(&image.id.to_string(), addition);
        let files = addition.files.iter().map(|(name, text)| (format!("records/{name}"), text.clone()));
        let files: Vec<_> = std::iter::once(("Dockerfile".to_owned(), dockerfile)).chain(files).collect();
        let archive = packed(&files).map_err(|error| PerformError::Refused {
            status: None,
            message: format!("pack the record of the build: {error}"),
        })?;
        let options = BuildImageOptions {
            t: (build.naming == Naming::Named).then(|| build.tag.clone()),
            dockerfile: "Dockerfile".to_owned(),
            labels: (!labels.is_empty()).then(|| labels.into_iter().collect()),
            platform: build.options.platform.clone().unwrap_or_default(),
            rm: true,
            forcerm: true,
            ..Default::default()
        };
        let docker = self.client().docker().clone();
        let told = self.classic(docker, options, stream::once(async { Ok(archive.into()) }), &|_| {}).await;
        self.built(build, told.map_err(of_the_record)?).await
    }

    /// Builds once more, on the cache, with labels and nothing else: a build on top would run the triggers.
    async fn build_with_labels(
        &self,
        build: &BuildSpec,
        addition: &mut Addition,
    ) -> Result<String, PerformError> {
        if !addition.files.is_empty() {
            addition.notes.push(format!(
                "the records are in the image's labels alone and not in {FOLDER}, since the image has ONBUILD triggers"
            ));
        }
        let options = BuildOptions { no_cache: false, pull: false, ..build.options.clone() };
        let labels = addition.labels.clone();
        let again = BuildSpec { labels, options, origin: None, ..build.clone() };
        self.build_once(&again, &|_| {}).await.map_err(of_the_record)
    }

    async fn inspect_built(&self, id: &str) -> Result<Option<Image>, PerformError> {
        let found = self.client().image(id).await;
        found.map_err(|error| PerformError::Refused { status: None, message: error.to_string() })
    }

    /// The body of a container with what is known of who makes it.
    pub(super) fn with_stamps(&self, body: &Value) -> Value {
        match self.stamps() {
            Some(stamps) => stamped(body, stamps, Timestamp::now()),
            None => body.clone(),
        }
    }
}

/// Says what was done, and leaves out the lines that say what was written.
fn of_the_record(error: PerformError) -> PerformError {
    match error {
        PerformError::Failed { message, mut output } => {
            output.retain(|line| !line.starts_with("Step "));
            PerformError::Failed { message: format!("write the record of the build: {message}"), output }
        }
        other => other,
    }
}

fn has_triggers(image: &Image) -> bool {
    let triggers = image.attributes.at("Config.OnBuild").known().and_then(Value::as_array);
    triggers.is_some_and(|triggers| !triggers.is_empty())
}

/// All labels of the build and its record, and the records as files.
fn addition(
    build: &BuildSpec,
    origin: &Origin,
    inherited: &Labels<'_>,
    record: &Map<String, Value>,
) -> Addition {
    let mut addition = Addition { labels: build.labels.clone(), files: Vec::new(), notes: Vec::new() };
    let text = json!(record).to_string();
    let Some(number) = next_number(inherited) else {
        let message = "it has no record of this build: a label of its base has the last number there is";
        addition.notes.push(message.to_owned());
        return addition;
    };
    if origin.files == RecordFiles::Written {
        for ancestor in records(inherited) {
            if let (Ok(content), Some(text)) = (&ancestor.content, inherited.get(&ancestor.label)) {
                addition.files.push((file_name(ancestor.number, content), format!("{text}\n")));
            }
        }
        addition.files.push((file_name(number, record), format!("{text}\n")));
    }
    addition.labels.insert(record_label(number), text);
    addition
}

/// `02-shop.json`.
fn file_name(number: u32, record: &Map<String, Value>) -> String {
    let project = record.get("project").and_then(Value::as_str).unwrap_or("unknown");
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let project: String = project.chars().take(60).map(plain).collect();
    format!("{number:02}-{project}.json")
}

/// What the standard has labels for; nothing where it is not known.
fn standard_labels(origin: &Origin, made: &Made) -> [(&'static str, Option<String>); 6] {
    let title = origin.names.first().map(|name| {
        let path = name.split('@').next().unwrap_or(name);
        match path.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository.to_owned(),
            _ => path.to_owned(),
        }
    });
    [
        (label::OCI_TITLE, title),
        (label::OCI_CREATED, Some(whole_seconds(made.time))),
        (label::OCI_REVISION, made.commit.clone()),
        (label::OCI_SOURCE, made.remote.clone()),
        (label::OCI_BASE_NAME, made.base.clone()),
        (label::OCI_BASE_DIGEST, made.base_digest.clone()),
    ]
}

/// The digest of a base, if it is known which of several it was.
fn base_digest(name: &str, build: &BuildSpec, image: Option<&Image>) -> Option<String> {
    let reference = ImageReference::parse(name);
    if let Some(digest) = reference.digest() {
        return Some(digest.to_owned());
    }
    let noted = build.labels.get(label::BUILD_BASE_DIGEST).map_or("", String::as_str);
    let normal = reference.normal();
    let noted = noted.split(',').find_map(|noted| noted.strip_prefix(&normal)?.strip_prefix('@'));
    noted.map(str::to_owned).or_else(|| match image?.digests_in(&reference).as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    })
}

/// The Dockerfile of what is put on top, and the labels that no line of it has room for. Every instruction
/// costs a container, so there are no more than it takes.
fn dockerfile(image: &str, addition: &Addition) -> (String, BTreeMap<String, String>) {
    let mut text = format!("FROM {image}\n");
    if !addition.files.is_empty() {
        text += &format!("COPY records/ {FOLDER}\n");
    }
    let is_plain = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let fits = |(key, value): &(&String, &String)| {
        is_plain(key) && !key.is_empty() && value.len() < LINE && !value.contains(char::is_control)
    };
    let (short, long): (Vec<_>, Vec<_>) = addition.labels.iter().partition(fits);
    if !short.is_empty() {
        // Nothing is replaced between these quotes, and nothing needs a backslash.
        let quoted = |value: &str| format!("'{}'", value.replace('\'', "'\"'\"'"));
        let pairs = short.into_iter().map(|(key, value)| format!("{key}={}", quoted(value)));
        text += &format!("LABEL {}\n", pairs.collect::<Vec<_>>().join(" \\\n  "));
    }
    (text, long.into_iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn stamped(body: &Value, stamps: &Stamps, now: Timestamp) -> Value {
    let mut body = body.clone();
    if !body["Labels"].is_object() {
        body["Labels"] = json!({});
    }
    let known = [
        (label::DEPLOY_TIME, whole_seconds(now)),
        (label::DEPLOY_RUN, stamps.run.clone()),
        (label::DEPLOY_BY, stamps.actor.clone()),
        (label::DEPLOY_HOST, stamps.host.clone()),
        (label::DEPLOY_CAUSE, stamps.cause.word().to_owned()),
        (label::DEPLOY_WHY, stamps.why.clone().unwrap_or_default()),
        (label::DEPLOY_COMMIT, stamps.commit.clone().unwrap_or_default()),
    ];
    for (key, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
        body["Labels"][key] = json!(value);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addition_of(labels: &[(&str, &str)], files: &[&str]) -> Addition {
        Addition {
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            files: files.iter().map(|name| ((*name).to_owned(), String::new())).collect(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn labels_are_one_instruction_as_far_as_a_line_can_have_them() {
        let long = "x".repeat(LINE);
        let labels =
            [("a", "it's $HOME \\"), ("b.c", "{\"d\": 1}"), ("d", "two\nlines"), ("e=f", "g"), ("h", &long)];
        let (text, rest) = dockerfile("sha256:0", &addition_of(&labels, &["00-x.json"]));
        assert_eq!(
            text,
            "FROM sha256:0\nCOPY records/ /usr/share/evenkeel/metadata.d/\n\
             LABEL a='it'\"'\"'s $HOME \\' \\\n  b.c='{\"d\": 1}'\n"
        );
        assert_eq!(rest.keys().map(String::as_str).collect::<Vec<_>>(), ["d", "e=f", "h"]);
        assert_eq!(dockerfile("sha256:0", &addition_of(&[], &[])).0, "FROM sha256:0\n");
    }

    #[test]
    fn a_file_is_called_after_its_number_and_project() {
        let name = |record: Value| file_name(3, record.as_object().expect("an object"));
        assert_eq!(name(json!({"project": "a/b ö"})), "03-a-b--.json");
        assert_eq!(name(json!({"project": 7})), "03-unknown.json");
    }

    #[test]
    fn a_container_says_who_made_it() {
        let stamps = Stamps { actor: "ann".to_owned(), host: "ship".to_owned(), ..Stamps::default() };
        let body = stamped(&json!({"Image": "x", "Labels": {"a": "b"}}), &stamps, Timestamp::UNIX_EPOCH);
        assert_eq!(
            body["Labels"],
            json!({
                "a": "b", "io.evenkeel.deploy.time": "1970-01-01T00:00:00Z", "io.evenkeel.deploy.by": "ann",
                "io.evenkeel.deploy.host": "ship", "io.evenkeel.deploy.cause": "manual",
            })
        );
    }
}
