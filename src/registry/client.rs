//! All registries of a run: questions about manifests, and moving tags.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LINK, LOCATION};

use super::error::RegistryError;
use super::host::{Ask, Host};
use super::manifest::{ACCEPT, Descriptor, Manifest, RawManifest, digest_of};
use super::settings::Settings;
use crate::world::ImageReference;

/// The longest manifest that registries have to take (4 MiB, by the OCI distribution specification).
const MANIFEST: usize = 4 << 20;
/// The longest configuration of an image that is read.
const CONFIG: usize = 8 << 20;
/// Pages of tags that are read at most.
const PAGES: usize = 1000;

/// Speaks to registries; each is logged in to once. Cheap to clone.
#[derive(Clone)]
pub struct Registries(Arc<Inner>);

struct Inner {
    settings: Settings,
    hosts: Mutex<BTreeMap<String, Arc<Host>>>,
    /// What tags point to as far as nobody has to ask, by normalised reference.
    known: BTreeMap<String, Head>,
    /// What was asked.
    asked: Mutex<BTreeMap<String, Head>>,
}

/// What a tag points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub digest: String,
    pub media_type: String,
}

/// A repository in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repository {
    pub registry: String,
    pub path: String,
}

impl Registries {
    pub fn new(settings: Settings) -> Self {
        Self::knowing(settings, BTreeMap::new())
    }

    /// The same, where some answers are known already, by normalised reference.
    pub fn knowing(settings: Settings, known: BTreeMap<String, Head>) -> Self {
        Self(Arc::new(Inner { settings, hosts: Mutex::default(), known, asked: Mutex::default() }))
    }

    /// What tags were found to point to, by normalised reference.
    pub fn asked(&self) -> BTreeMap<String, Head> {
        self.0.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Requests that were sent so far, logins included.
    pub fn requests(&self) -> u64 {
        let hosts = self.0.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        hosts.values().map(|host| host.requests()).sum()
    }

    /// Tells what a reference points to: as is known already, else by HEAD.
    ///
    /// # Errors
    /// If the registry does not say.
    pub async fn head(&self, reference: &ImageReference) -> Result<Head, RegistryError> {
        let normal = reference.normal();
        if let Some(known) = self.0.known.get(&normal) {
            return Ok(known.clone());
        }
        let (repository, version) = parts(reference)?;
        let at = repository.clone();
        let question = move |host| head(host, at.clone(), version.clone()).boxed();
        let head = self.ask_anywhere(&repository, question).await?;
        let mut asked = self.0.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        asked.insert(normal, head.clone());
        Ok(head)
    }

    /// Reads the manifest behind a reference, and verifies its digest.
    ///
    /// # Errors
    /// If there is none or it is not what it should be.
    pub async fn manifest(&self, reference: &ImageReference) -> Result<RawManifest, RegistryError> {
        let (repository, version) = parts(reference)?;
        let at = repository.clone();
        self.ask_anywhere(&repository, move |host| get(host, at.clone(), version.clone()).boxed()).await
    }

    /// Reads a small blob, such as an image's configuration, and verifies its digest.
    ///
    /// # Errors
    /// If there is none, or it is too long or not what it should be.
    pub async fn blob(&self, reference: &ImageReference, digest: &str) -> Result<Bytes, RegistryError> {
        let (repository, _) = parts(reference)?;
        let (at, digest) = (repository.clone(), digest.to_owned());
        self.ask_anywhere(&repository, move |host| config(host, at.clone(), digest.clone()).boxed()).await
    }

    /// All tags of a repository, in the registry's order.
    ///
    /// # Errors
    /// If the registry does not say.
    pub async fn tags(&self, reference: &ImageReference) -> Result<Vec<String>, RegistryError> {
        let (repository, _) = parts(reference)?;
        let host = self.host(&repository.registry)?;
        let mut tags = Vec::new();
        let mut path = format!("{}/tags/list?n=1000", repository.path);
        for _ in 0..PAGES {
            let what = format!("tags of {}", repository.path);
            let scope = repository.scope("pull");
            let ask = Ask { method: Method::GET, path, scope, accept: None, body: None, what };
            let answer = host.ask(&ask).await?;
            let next = next_page(answer.headers(), &host.origin());
            let body = host.bounded(answer, MANIFEST, &ask.what).await?;
            let page: serde_json::Value =
                serde_json::from_slice(&body).map_err(|error| host.garbled(&ask, error.to_string()))?;
            let page = page["tags"].as_array().cloned().unwrap_or_default();
            tags.extend(page.iter().filter_map(|tag| tag.as_str().map(str::to_owned)));
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(tags)
    }

    /// Makes a tag (or a digest) of a repository point to a manifest, byte for byte. What the
    /// manifest names has to be there already.
    ///
    /// # Errors
    /// If the registry does not take it, or took something else.
    pub async fn put_manifest(
        &self,
        reference: &ImageReference,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let (repository, version) = parts(reference)?;
        let host = self.host(&repository.registry)?;
        let mut ask = read(Method::PUT, &repository, &version);
        ask.scope = repository.scope("pull,push");
        ask.accept = None;
        ask.body = Some((manifest.media_type.clone(), manifest.bytes.clone()));
        host.ask(&ask).await?;
        let told = self.head(reference).await?;
        if told.digest == manifest.digest {
            Ok(())
        } else {
            Err(host.garbled(&ask, format!("it was given {} and now has {}", manifest.digest, told.digest)))
        }
    }

    /// Copies everything that a manifest names, but not the manifest itself, into another
    /// repository: mounted where the registry is the same, else sent on. What is there is left out.
    ///
    /// # Errors
    /// If something cannot be read or is not taken.
    pub async fn copy_content(
        &self,
        manifest: &RawManifest,
        from: &ImageReference,
        to: &ImageReference,
    ) -> Result<(), RegistryError> {
        let source = parts(from)?.0;
        let target = parts(to)?.0;
        if source == target {
            return Ok(());
        }
        let host = self.host(&source.registry)?;
        let unread = |message: String| host.garbled(&read(Method::GET, &source, &manifest.digest), message);
        match manifest.read().map_err(unread)? {
            Manifest::Image { config, layers } => {
                for blob in std::iter::once(&config).chain(&layers).filter(|blob| blob.urls.is_empty()) {
                    self.copy_blob(blob, &source, &target).await?;
                }
            }
            Manifest::Index(_) => {
                // Attestations belong to the index as well, so its own list is followed.
                for child in manifest.children() {
                    let of = |repository: &Repository| repository.at(&child);
                    let inner = self.manifest(&of(&source)).await?;
                    Box::pin(self.copy_content(&inner, &of(&source), &of(&target))).await?;
                    self.put_manifest(&of(&target), &inner).await?;
                }
            }
        }
        Ok(())
    }

    async fn copy_blob(
        &self,
        descriptor: &Descriptor,
        source: &Repository,
        target: &Repository,
    ) -> Result<(), RegistryError> {
        let host = self.host(&target.registry)?;
        let mut there = blob(Method::HEAD, target, &descriptor.digest);
        there.scope = target.scope("pull,push");
        match host.ask(&there).await {
            Ok(_) => return Ok(()),
            Err(RegistryError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut begin = blob(Method::POST, target, &descriptor.digest);
        begin.path = format!("{}/blobs/uploads/", target.path);
        begin.scope = target.scope("pull,push");
        if source.registry == target.registry {
            begin.path += &format!("?mount={}&from={}", descriptor.digest, source.path);
            begin.scope += &format!(" {}", source.scope("pull"));
        }
        let answer = host.ask(&begin).await?;
        if answer.status().as_u16() == 201 {
            return Ok(());
        }
        let location = text(answer.headers(), LOCATION.as_str());
        let location = absolute(&location, &host.origin())
            .ok_or_else(|| host.garbled(&begin, "it does not say where to send it".to_owned()))?;
        let separator = if location.contains('?') { '&' } else { '?' };
        let end = Ask {
            method: Method::PUT,
            path: format!("{location}{separator}digest={}", descriptor.digest),
            scope: begin.scope,
            accept: None,
            body: Some(("application/octet-stream".to_owned(), Bytes::new())),
            what: begin.what,
        };
        let content =
            self.host(&source.registry)?.ask(&blob(Method::GET, source, &descriptor.digest)).await?;
        host.upload(&end, reqwest::Body::wrap_stream(content.bytes_stream())).await?;
        Ok(())
    }

    /// Asks the registry itself, then its mirrors where it cannot be reached.
    async fn ask_anywhere<T>(
        &self,
        repository: &Repository,
        question: impl Fn(Arc<Host>) -> BoxFuture<'static, Result<T, RegistryError>> + Send,
    ) -> Result<T, RegistryError> {
        let own = question(self.host(&repository.registry)?).await;
        let Err(RegistryError::Unreachable { .. } | RegistryError::Limited { .. }) = &own else { return own };
        for mirror in self.0.settings.of(&repository.registry).mirrors {
            let Ok(host) = self.host(&mirror) else { continue };
            let answer = question(host).await;
            if answer.is_ok() {
                return answer;
            }
        }
        own
    }

    fn host(&self, registry: &str) -> Result<Arc<Host>, RegistryError> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(host) = hosts.get(registry) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(registry, &self.0.settings)?);
        hosts.insert(registry.to_owned(), Arc::clone(&host));
        Ok(host)
    }
}

/// The header by which registries tell a digest.
const DIGEST: &str = "docker-content-digest";

impl Repository {
    fn scope(&self, actions: &str) -> String {
        format!("repository:{}:{actions}", self.path)
    }

    fn at(&self, digest: &str) -> ImageReference {
        ImageReference::Named {
            registry: self.registry.clone(),
            repository: self.path.clone(),
            tag: None,
            digest: Some(digest.to_owned()),
        }
    }
}

/// The repository of a reference, and its digest or tag.
pub(super) fn parts(reference: &ImageReference) -> Result<(Repository, String), RegistryError> {
    match reference {
        ImageReference::Named { registry, repository, tag, digest } => {
            let version = digest.as_deref().or(tag.as_deref()).unwrap_or("latest").to_owned();
            Ok((Repository { registry: registry.clone(), path: repository.clone() }, version))
        }
        ImageReference::Id(id) => {
            Err(RegistryError::Here(format!("`{id}` is an image's id, which no registry knows")))
        }
    }
}

fn read(method: Method, repository: &Repository, version: &str) -> Ask {
    let separator = if version.contains(':') { '@' } else { ':' };
    Ask {
        method,
        path: format!("{}/manifests/{version}", repository.path),
        scope: repository.scope("pull"),
        accept: Some(ACCEPT),
        body: None,
        what: format!("image {}{separator}{version}", repository.path),
    }
}

fn blob(method: Method, repository: &Repository, digest: &str) -> Ask {
    Ask {
        method,
        path: format!("{}/blobs/{digest}", repository.path),
        scope: repository.scope("pull"),
        accept: None,
        body: None,
        what: format!("part {digest} of {}", repository.path),
    }
}

async fn head(host: Arc<Host>, repository: Repository, version: String) -> Result<Head, RegistryError> {
    let answer = host.ask(&read(Method::HEAD, &repository, &version)).await?;
    let media_type = text(answer.headers(), CONTENT_TYPE.as_str());
    let digest = text(answer.headers(), DIGEST);
    if is_digest(&digest) {
        return Ok(Head { digest, media_type });
    }
    // An old registry does not say; the bytes do.
    let manifest = get(host, repository, version).await?;
    Ok(Head { digest: manifest.digest, media_type: manifest.media_type })
}

async fn get(host: Arc<Host>, repository: Repository, version: String) -> Result<RawManifest, RegistryError> {
    let ask = read(Method::GET, &repository, &version);
    let answer = host.ask(&ask).await?;
    let media_type = text(answer.headers(), CONTENT_TYPE.as_str());
    let told = text(answer.headers(), DIGEST);
    let bytes = host.bounded(answer, MANIFEST, &ask.what).await?;
    let digest = digest_of(&bytes);
    let expected = if version.contains(':') { version.as_str() } else { told.as_str() };
    // Other hashes than SHA-256 are allowed, and nobody uses them; they cannot be compared.
    if expected.starts_with("sha256:") && expected != digest {
        return Err(host.garbled(&ask, format!("its digest is {digest}, it should be {expected}")));
    }
    Ok(RawManifest { bytes, media_type, digest })
}

async fn config(host: Arc<Host>, repository: Repository, digest: String) -> Result<Bytes, RegistryError> {
    let ask = blob(Method::GET, &repository, &digest);
    let answer = host.ask(&ask).await?;
    let body = host.bounded(answer, CONFIG, &ask.what).await?;
    let is = digest_of(&body);
    if is == digest { Ok(body) } else { Err(host.garbled(&ask, format!("it has the digest {is}"))) }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The next page of a list, as `Link: </v2/…>; rel="next"` names it.
fn next_page(headers: &HeaderMap, origin: &str) -> Option<String> {
    let link = text(headers, LINK.as_str());
    let target = link.split_once('<')?.1.split_once('>')?.0;
    absolute(target, origin)
}

fn absolute(location: &str, origin: &str) -> Option<String> {
    match location {
        "" => None,
        url if url.contains("://") => Some(url.to_owned()),
        path => Some(format!("{}/{}", origin.trim_end_matches('/'), path.trim_start_matches('/'))),
    }
}
