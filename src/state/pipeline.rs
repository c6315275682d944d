//! `states/pipeline.yml`: the environments that an image travels through.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::{Environment, UndefinedBehavior, context};

use super::inputs::Trust;
use super::settings::{self, RegistryOptions};
use super::tree::{Plain, Tree};
use super::yaml;
use crate::source::{Diagnostic, Diagnostics, Node, Place, did_you_mean};
use crate::world::ImageReference;

/// What `pipeline.yml` and the settings of its tree say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipelines {
    pub pipelines: Vec<Pipeline>,
    /// The project whose containers the stages run, unless a pipeline says its own.
    pub project: String,
    /// How registries are spoken to, by host and port.
    pub registries: BTreeMap<String, RegistryOptions>,
}

/// One image and its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// What the command line calls it: the last part of the image's name unless `name` says otherwise.
    pub name: String,
    /// The image, without a tag.
    pub image: String,
    pub project: Option<String>,
    /// In the order in which an image goes through them.
    pub stages: Vec<Stage>,
    /// Templates of the tags that a promotion writes; the first is the stage's moving tag.
    pub tags: Vec<String>,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub name: String,
    /// Where its engine is; nothing for this machine's.
    pub host: Option<String>,
    /// The image in a repository of its own, without a tag.
    pub image: Option<String>,
    /// What has to be true of the stage before, before an image comes here.
    pub require: Vec<Requirement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// The stage before runs it.
    Running,
    /// Its declared validation has passed there.
    Validated,
}

const PIPELINE: [&str; 5] = ["image", "name", "project", "stages", "tags"];
const STAGE: [&str; 4] = ["name", "host", "image", "require"];
/// What is required where nothing is said.
const REQUIRED: [Requirement; 2] = [Requirement::Running, Requirement::Validated];
const REQUIREMENTS: [&str; 2] = ["running", "validated"];
const NONE: &str = "there is no pipeline";
const EXAMPLE: &str = "write `pipeline: {image: registry.example/shop/web, stages: [dev, qa, prod]}`";
const STAGES: &str = "write `stages: [dev, qa, prod]`";
const TAGS: [&str; 2] = ["{{ stage }}", "{{ version }}-{{ stage }}"];

impl Pipelines {
    /// The pipeline that a person means: by its name, or by its image.
    pub fn find(&self, name: &str) -> Option<&Pipeline> {
        let wanted = ImageReference::parse(name);
        let is_it = |pipeline: &&Pipeline| {
            pipeline.name == name || ImageReference::parse(&pipeline.image).is_beside(&wanted)
        };
        self.pipelines.iter().find(|pipeline| pipeline.name == name).or(self.pipelines.iter().find(is_it))
    }
}

impl Pipeline {
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }

    /// The stage from which an image comes to another one.
    pub fn before(&self, name: &str) -> Option<&Stage> {
        let index = self.stages.iter().position(|stage| stage.name == name)?;
        self.stages.get(index.checked_sub(1)?)
    }

    /// The image in a stage's repository, without a tag.
    pub fn image_of<'a>(&'a self, stage: &'a Stage) -> &'a str {
        stage.image.as_deref().unwrap_or(&self.image)
    }

    /// The tags that a version gets in a stage, the moving one first. One that needs a version is
    /// left out if there is none.
    ///
    /// # Errors
    /// Says which template is wrong, or makes no tag.
    pub fn tags_of(&self, stage: &str, version: Option<&str>) -> Result<Vec<String>, String> {
        let mut tags = Vec::new();
        for template in &self.tags {
            if version.is_none() && template.contains("version") {
                continue;
            }
            let tag = render(template, stage, version.unwrap_or_default())?;
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Ok(tags)
    }
}

fn render(template: &str, stage: &str, version: &str) -> Result<String, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(10_000));
    let tag = environment
        .render_str(template, context! { stage, version })
        .map_err(|error| format!("the tag `{template}`: {error}; it may use `stage` and `version`"))?;
    // Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>.
    let begins = tag.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    let sound = tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if begins && sound && tag.len() <= 128 {
        Ok(tag)
    } else {
        Err(format!("the tag `{template}` becomes `{tag}`, which no registry takes"))
    }
}

/// Reads the pipelines of a tree.
///
/// # Errors
/// Every mistake in the file, or why it cannot be read.
pub fn pipelines(file: &Path, folder: &Path) -> Result<Pipelines, Diagnostics> {
    let mut problems = Diagnostics::default();
    let files: [PathBuf; 1] = [file.to_owned()];
    let tree = Tree::of(&files, folder, &Trust::Own)?;
    let settings = settings::read(&tree, &mut problems);
    let name = tree.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let project = settings.project.clone().or(name).unwrap_or_else(|| "evenkeel".to_owned());
    let path = folder.join(file);
    let text = tree.read(&path.canonicalize().unwrap_or(path))?;
    let start = Place::in_file(&text, 1, 1);
    let mut pipelines = Vec::new();
    if let Some(root) = yaml::load(&Plain(text), &mut problems) {
        match root.get("pipeline") {
            Some(node) => {
                let nodes = node.as_list().unwrap_or(std::slice::from_ref(node));
                if nodes.is_empty() {
                    problems.push(Diagnostic::error(&node.place, NONE).hint(EXAMPLE));
                }
                let mut seen = BTreeMap::new();
                for node in nodes {
                    let Some(pipeline) = pipeline(node, &mut problems) else { continue };
                    if let Some(problem) = twice(&mut seen, "pipeline", &pipeline.name, &node.place) {
                        problems.push(problem.hint("give one of them another `name:`"));
                    }
                    pipelines.push(pipeline);
                }
            }
            None if root.is_null() => problems.push(Diagnostic::error(&start, NONE).hint(EXAMPLE)),
            None => problems.push(Diagnostic::error(&root.place, "this is no pipeline").hint(EXAMPLE)),
        }
    } else if !problems.has_errors() {
        problems.push(Diagnostic::error(&start, NONE).hint(EXAMPLE));
    }
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Pipelines { pipelines, project, registries: settings.registries })
}

fn pipeline(node: &Node, problems: &mut Diagnostics) -> Option<Pipeline> {
    known_words(node, "a pipeline", &PIPELINE, problems)?;
    let image = repository(node, problems);
    let stages = stages(node, problems);
    let Some(image) = image else {
        problems.push(
            Diagnostic::error(&node.place, "a pipeline needs `image`")
                .hint("write `image: registry.example/shop/web`, without a tag"),
        );
        return None;
    };
    let tags = words(node, "tags", problems).unwrap_or_else(|| TAGS.map(str::to_owned).to_vec());
    let last = image.rsplit('/').next().unwrap_or(&image).to_owned();
    let name = text(node, "name", problems).unwrap_or(last);
    let (stages, places): (Vec<Stage>, Vec<Place>) = stages.into_iter().unzip();
    let pipeline = Pipeline { name, image, project: text(node, "project", problems), stages, tags };
    let place = node.get("tags").map_or(&node.place, |tags| &tags.place);
    if pipeline.tags.is_empty() {
        problems.push(Diagnostic::error(place, "`tags` is empty").hint("the first is the moving tag"));
    }
    if let Err(reason) = pipeline.tags_of("stage", Some("1.0")) {
        problems.push(Diagnostic::error(place, reason));
        return Some(pipeline);
    }
    for (stage, place) in pipeline.stages.iter().zip(&places) {
        if let Err(reason) = pipeline.tags_of(&stage.name, Some("1.0")) {
            let message = format!("the stage `{}` makes no tag: {reason}", stage.name);
            problems.push(Diagnostic::error(place, message).hint("use letters, digits, `-`, `_` and `.`"));
        }
    }
    Some(pipeline)
}

/// The stages of a pipeline and where they stand.
fn stages(node: &Node, problems: &mut Diagnostics) -> Vec<(Stage, Place)> {
    let Some(list) = node.get("stages") else {
        problems.push(Diagnostic::error(&node.place, "a pipeline needs `stages`").hint(STAGES));
        return Vec::new();
    };
    let Some(nodes) = list.as_list() else {
        let message = format!("`stages` is a list, this is {}", list.sort());
        problems.push(Diagnostic::error(&list.place, message).hint(STAGES));
        return Vec::new();
    };
    if nodes.is_empty() {
        problems.push(Diagnostic::error(&list.place, "`stages` is empty").hint(STAGES));
    }
    let mut stages = Vec::new();
    let mut seen = BTreeMap::new();
    for node in nodes {
        let Some(stage) = stage(node, problems) else { continue };
        if let Some(problem) = twice(&mut seen, "stage", &stage.name, &node.place) {
            problems.push(problem.hint("an image comes to each stage once"));
        }
        stages.push((stage, node.place.clone()));
    }
    stages
}

/// What to tell of a name that was there before. The first one is remembered.
fn twice(seen: &mut BTreeMap<String, Place>, what: &str, name: &str, place: &Place) -> Option<Diagnostic> {
    if let Some(first) = seen.get(name) {
        let problem = Diagnostic::error(place, format!("the {what} `{name}` is there twice"));
        return Some(problem.note(format!("the first one is at {first}")));
    }
    seen.insert(name.to_owned(), place.clone());
    None
}

/// The `image` of a pipeline or a stage. Stages choose its tag.
fn repository(node: &Node, problems: &mut Diagnostics) -> Option<String> {
    let image = text(node, "image", problems)?;
    let place = &node.get("image")?.place;
    if let Err(reason) = ImageReference::check(&image) {
        problems.push(Diagnostic::error(place, reason).maybe_hint(ImageReference::remedy(&image)));
    } else if ImageReference::is_fixed(&image) {
        problems.push(
            Diagnostic::error(place, format!("`{image}` has a tag or a digest, or is an id"))
                .hint("write the name without a tag: the stages choose it"),
        );
    }
    Some(image)
}

fn stage(node: &Node, problems: &mut Diagnostics) -> Option<Stage> {
    if let Some(name) = node.text().filter(|_| !node.is_null()) {
        return Some(Stage { name: name.to_owned(), host: None, image: None, require: REQUIRED.to_vec() });
    }
    known_words(node, "a stage", &STAGE, problems)?;
    let Some(name) = text(node, "name", problems) else {
        problems.push(
            Diagnostic::error(&node.place, "a stage needs a name").hint("write `{name: prod, host: …}`"),
        );
        return None;
    };
    let said = words(node, "require", problems);
    let mut require = if said.is_some() { vec![Requirement::Running] } else { REQUIRED.to_vec() };
    for word in said.unwrap_or_default() {
        match word.as_str() {
            "running" => {}
            "validated" => require.push(Requirement::Validated),
            other => problems.push(
                Diagnostic::error(&node.place, format!("`{other}` cannot be required"))
                    .hint(format!("it takes: {}", REQUIREMENTS.join(", ")))
                    .maybe_hint(did_you_mean(other, REQUIREMENTS).map(|it| format!("did you mean `{it}`?"))),
            ),
        }
    }
    let (host, image) = (text(node, "host", problems), repository(node, problems));
    Some(Stage { name, host, image, require })
}

/// Tells unknown keys; nothing if it is no mapping.
fn known_words(node: &Node, what: &str, words: &[&'static str], problems: &mut Diagnostics) -> Option<()> {
    let Some(entries) = node.as_map() else {
        problems
            .push(Diagnostic::error(&node.place, format!("{what} is a mapping, this is {}", node.sort())));
        return None;
    };
    for entry in entries.iter().filter(|entry| !words.contains(&entry.key.as_str())) {
        problems.push(
            Diagnostic::error(&entry.key_place, format!("`{}` is no option of {what}", entry.key))
                .hint(format!("it takes: {}", words.join(", ")))
                .maybe_hint(
                    did_you_mean(&entry.key, words.iter().copied()).map(|it| format!("did you mean `{it}`?")),
                ),
        );
    }
    Some(())
}

fn text(node: &Node, key: &str, problems: &mut Diagnostics) -> Option<String> {
    let value = node.get(key)?;
    match value.text().filter(|text| !value.is_null() && !text.is_empty()) {
        Some(text) => Some(text.to_owned()),
        None => {
            let message = format!("`{key}` is a single value, this is {}", value.sort());
            problems.push(Diagnostic::error(&value.place, message));
            None
        }
    }
}

fn words(node: &Node, key: &str, problems: &mut Diagnostics) -> Option<Vec<String>> {
    let value = node.get(key)?;
    let listed =
        value.as_list().and_then(|items| items.iter().map(|item| item.text().map(str::to_owned)).collect());
    if listed.is_none() {
        let message = format!("`{key}` is a list of words, this is {}", value.sort());
        problems.push(Diagnostic::error(&value.place, message));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Pipelines, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("states")).expect("a folder");
        std::fs::write(folder.path().join("states/pipeline.yml"), text).expect("a file");
        std::fs::write(folder.path().join("evenkeel.yml"), "project: shop\n").expect("a file");
        pipelines(Path::new("states/pipeline.yml"), folder.path())
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn stages_follow_each_other() {
        let read = read(
            "pipeline:\n  image: reg.example/shop/web\n  stages:\n    - dev\n    - {name: qa, require: [validated]}\n    \
             - {name: prod, host: ssh://ship, image: reg.example/live/web}\n",
        );
        let pipelines = read.expect("a pipeline");
        assert_eq!(pipelines.project, "shop");
        for name in ["web", "reg.example/shop/web", "reg.example/shop/web:dev"] {
            assert!(pipelines.find(name).is_some(), "{name}");
        }
        let web = pipelines.find("web").expect("it is there");
        assert_eq!(web.before("prod").map(|stage| stage.name.as_str()), Some("qa"));
        assert_eq!(web.before("dev"), None);
        assert_eq!(web.stage("prod").map(|stage| web.image_of(stage)), Some("reg.example/live/web"));
        assert_eq!(web.tags_of("qa", Some("1.4.2")), Ok(vec!["qa".to_owned(), "1.4.2-qa".to_owned()]));
        assert_eq!(web.tags_of("qa", None), Ok(vec!["qa".to_owned()]));
        assert!(web.tags_of("qa", Some("1.4+build")).is_err());
    }

    #[test]
    fn every_mistake_is_told() {
        let told = read(
            "pipeline:\n  - {image: a/b, stages: [dev], tag: [x]}\n  - {stages: dev}\n  - {image: c, stages: [{host: h}], tags: ['{{ stag }}']}\n",
        );
        let told = told.expect_err("mistakes");
        for part in [
            "`tag` is no option of a pipeline",
            "did you mean `tags`",
            "`stages` is a list",
            "needs `image`",
            "a stage needs a name",
            "`{{ stag }}`",
        ] {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
        assert!(read("web: {}\n").expect_err("no pipeline").contains("this is no pipeline"));
    }

    #[test]
    fn what_names_no_way_of_an_image_is_told_where_it_stands() {
        for (text, message, place, hint) in [
            ("pipeline: {image: 'a/b:1', stages: [dev]}\n", "`a/b:1`", "1:19", "without a tag"),
            (
                "pipeline: {image: 'localhost:5000/b:1', stages: [dev]}\n",
                "has a tag",
                "1:19",
                "without a tag",
            ),
            ("pipeline: {image: 'b@sha256:28a3', stages: [dev]}\n", "sha256:28a3", "1:19", ""),
            ("pipeline: {image: B, stages: [dev]}\n", "`B`", "1:19", ""),
            ("pipeline: {image: 0123456789ab, stages: [dev]}\n", "is an id", "1:19", "without a tag"),
            ("pipeline: {image: b, stages: [{name: dev, image: 'c:1'}]}\n", "`c:1`", "1:50", "without a tag"),
            ("pipeline: {image: b, stages: [dev, qa, {name: dev}]}\n", "`dev` is there twice", "1:40", ""),
            (
                "pipeline: [{image: a/b, stages: [dev]}, {image: c/b, stages: [dev]}]\n",
                "`b`",
                "1:41",
                "`name:`",
            ),
            ("", "there is no pipeline", "1:1", "write `pipeline:"),
            ("# nothing\n", "there is no pipeline", "1:1", "write `pipeline:"),
            ("pipeline: []\n", "there is no pipeline", "1:11", "write `pipeline:"),
            ("pipeline: {image: b, stages: []}\n", "`stages` is empty", "1:30", "write `stages:"),
            ("pipeline: {image: b, stages: [dev, 'q a']}\n", "`q a`", "1:36", ""),
            ("pipeline: {image: b, stages: [{name: q+a}]}\n", "`q+a`", "1:31", ""),
            ("pipeline: {image: b, stages: [dev], tags: ['{{ stag }}']}\n", "`{{ stag }}`", "1:43", ""),
            ("pipeline: {image: b, stages: [dev], tags: []}\n", "`tags` is empty", "1:43", ""),
        ] {
            let told = read(text).expect_err(text);
            let place = format!("pipeline.yml:{place}");
            for part in [message, &place, hint] {
                assert!(told.contains(part), "{part} is missing for {text}{told}");
            }
            assert_eq!(told.matches("error: ").count(), 1, "{text}{told}");
        }
        assert!(read("pipeline: {image: 'localhost:5000/b', stages: [dev]}\n").is_ok());
    }
}
