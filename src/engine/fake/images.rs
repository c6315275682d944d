//! Images, and the registries that they come from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::docker::{Docker, Fake, Image, No, Release, no};
use crate::world::{Archive, BuildSpec, ImageReference, Naming};

impl Fake {
    /// Lets the registry offer something new under a tag.
    pub fn release(&self, reference: &str, config: Value) -> Release {
        let mut docker = self.lock();
        let normal = ImageReference::parse(reference).normal();
        let number = docker.registry.get(&normal).map_or(0, Vec::len);
        let hash = hash(&format!("{normal} {number} {config}"));
        let release = Release {
            id: format!("sha256:{hash}"),
            digest: format!("sha256:{}", self::hash(&format!("manifest of {hash}"))),
            config,
        };
        docker.registry.entry(normal).or_default().push(release.clone());
        release
    }

    /// What archives of this machine hold.
    pub fn archives(&self, paths: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Archive> {
        let docker = self.lock();
        let held = |path: &PathBuf| match docker.archives.get(path) {
            Some(id) => Archive::Holds([id.clone()].into()),
            None => Archive::Absent,
        };
        paths.iter().map(|path| (path.clone(), held(path))).collect()
    }

    /// Says whether registries can be asked.
    pub fn registry_answers(&self, answers: bool) {
        self.lock().registry_answers = answers;
    }
}

impl Docker {
    pub fn pull(&mut self, reference: &str, digest: Option<&str>) -> Result<String, No> {
        if !self.registry_answers {
            return Err(no(500, format!("pull {reference}: no registry can be reached")));
        }
        let parsed = ImageReference::parse(reference);
        let wanted = digest.or(parsed.digest()).map(str::to_owned);
        let offers = |normal: &str| self.registry.get(normal).cloned().unwrap_or_default();
        let releases = match (&wanted, &parsed) {
            (Some(_), ImageReference::Named { registry, repository, .. }) => {
                let prefix = format!("{registry}/{repository}:");
                let known = self.registry.iter().filter(|(tag, _)| tag.starts_with(&prefix));
                known.flat_map(|(_, releases)| releases.clone()).collect()
            }
            _ => offers(&parsed.normal()),
        };
        let release = match &wanted {
            Some(digest) => releases.into_iter().find(|release| release.digest == *digest),
            None => releases.into_iter().last(),
        };
        let release = release.ok_or_else(|| no(404, format!("manifest for {reference} not found")))?;
        let now = self.clock;
        let image = self.images.entry(release.id.clone()).or_insert_with(|| Image {
            tags: Vec::new(),
            digests: Vec::new(),
            config: release.config.clone(),
            created: now,
            tagged: now,
        });
        let repository = familiar(&parsed).split(['@']).next().unwrap_or("").to_owned();
        let repository = match repository.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name.to_owned(),
            _ => repository,
        };
        let full = format!("{repository}@{}", release.digest);
        if !image.digests.contains(&full) {
            image.digests.push(full);
        }
        if parsed.digest().is_none() {
            self.retag(&release.id, reference);
        }
        Ok(release.id)
    }

    /// The registry gets what the engine has under this name.
    pub fn push(&mut self, id: &str, reference: &str) -> Result<(), No> {
        if !self.registry_answers {
            return Err(no(500, format!("push {reference}: no registry can be reached")));
        }
        let tag = familiar(&ImageReference::parse(reference));
        let is_named = self.images.get(id).is_some_and(|image| image.tags.contains(&tag));
        let image = self.images.get_mut(id).filter(|_| is_named);
        let image = image.ok_or_else(|| no(404, format!("tag does not exist: {reference}")))?;
        let digest = format!("sha256:{}", hash(&format!("manifest of {id}")));
        let release = Release { id: id.to_owned(), digest: digest.clone(), config: image.config.clone() };
        let repository = tag.rsplit_once(':').map_or(tag.as_str(), |(name, _)| name);
        let full = format!("{repository}@{digest}");
        if !image.digests.contains(&full) {
            image.digests.push(full);
        }
        self.registry.entry(ImageReference::parse(reference).normal()).or_default().push(release);
        Ok(())
    }

    /// The image is what its context, its arguments and its base make it.
    pub fn build(&mut self, build: &BuildSpec) -> Result<String, No> {
        let path = Path::new(&build.context).join(&build.dockerfile);
        let text = std::fs::read_to_string(&path).map_err(|error| no(500, error.to_string()))?;
        let mut config = json!({"Cmd": ["serve"], "Labels": {}});
        for line in text.lines() {
            let (word, rest) = line.trim().split_once(' ').unwrap_or((line, ""));
            match word {
                "FROM" if rest != "scratch" => {
                    let base =
                        self.find_image(rest).ok_or_else(|| no(404, format!("no such base: {rest}")))?;
                    config = self.images[&base].config.clone();
                }
                "CMD" => config["Cmd"] = rest.split(' ').map(|word| json!(word)).collect(),
                "VOLUME" => config["Volumes"][rest] = json!({}),
                "RUN" if rest == "false" => return Err(no(500, "The command `false` returned 1")),
                _ => {}
            }
        }
        for (key, value) in &build.labels {
            config["Labels"][key.as_str()] = json!(value);
        }
        let id = format!("sha256:{}", hash(&format!("{text} {config} {:?}", build.args)));
        let now = self.clock;
        let image = Image { tags: Vec::new(), digests: Vec::new(), config, created: now, tagged: now };
        self.images.entry(id.clone()).or_insert(image);
        if build.naming == Naming::Named {
            self.retag(&id, &build.tag);
        }
        Ok(id)
    }

    pub fn load(&mut self, reference: &str, id: &str) -> String {
        let now = self.clock;
        let config = json!({"Cmd": ["serve"]});
        let image = Image { tags: Vec::new(), digests: Vec::new(), config, created: now, tagged: now };
        self.images.entry(id.to_owned()).or_insert(image);
        self.retag(id, reference);
        id.to_owned()
    }

    pub fn tag(&mut self, image: &str, reference: &str) -> Result<(), No> {
        let id = self.find_image(image).ok_or_else(|| no(404, format!("No such image: {image}")))?;
        self.retag(&id, reference);
        Ok(())
    }

    fn retag(&mut self, id: &str, reference: &str) {
        let tag = familiar(&ImageReference::parse(reference));
        for image in self.images.values_mut() {
            image.tags.retain(|other| *other != tag);
        }
        let now = self.clock;
        if let Some(image) = self.images.get_mut(id) {
            image.tags.push(tag);
            image.tagged = now;
        }
    }

    pub fn remove_image(&mut self, reference: &str) -> Result<(), No> {
        let Some(id) = self.find_image(reference) else { return Ok(()) };
        let tag = familiar(&ImageReference::parse(reference));
        let image = &self.images[&id];
        let is_last = image.tags.iter().all(|other| *other == tag);
        if is_last && let Some(user) = self.containers.values().find(|container| container.image == id) {
            let message =
                format!("conflict: unable to remove {reference}, container {} is using it", user.id);
            return Err(no(409, message));
        }
        if is_last {
            self.images.remove(&id);
        } else if let Some(image) = self.images.get_mut(&id) {
            image.tags.retain(|other| *other != tag);
        }
        Ok(())
    }
}

/// As the engine writes a tag: without the hub's own name.
fn familiar(reference: &ImageReference) -> String {
    let normal = reference.normal();
    let short = normal.strip_prefix("docker.io/").unwrap_or(&normal);
    short.strip_prefix("library/").unwrap_or(short).to_owned()
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
