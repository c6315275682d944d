//! Builds images with the engine's classic builder, and loads them from archives.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, ImportImageOptions};
use bollard::{Docker, body_try_stream};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;

use super::docker::with_query;
use super::performer::Performer;
use super::{Answer, PerformError, Progress, registry_auth};
use crate::host::{Context, from_images};
use crate::world::{BuildSpec, Builder, ImageReference, Naming};

/// How long a build may be silent: a step that compiles may write nothing for long.
const BUILD_SILENCE: Duration = Duration::from_secs(3600);
/// How long a load may be silent: the engine unpacks before it speaks.
const LOAD_SILENCE: Duration = Duration::from_secs(1800);
/// How many of a build's last lines are shown if it fails.
const OUTPUT: usize = 30;
/// A load tells one line for each image, and each of them counts.
const LOADED: usize = 100_000;
const CHUNK: usize = 64 * 1024;
/// How many chunks wait between the archive's writer and the network.
const CHUNKS: usize = 8;

impl Performer {
    /// Builds, and writes down in the image where it comes from.
    pub(super) async fn build(
        &self,
        build: &BuildSpec,
        progress: Progress<'_>,
    ) -> Result<Answer, PerformError> {
        match &build.origin {
            Some(origin) => self.build_recorded(build, origin, progress).await,
            None => self.build_once(build, progress).await.map(Answer::made),
        }
    }

    /// Sends the context, builds, and reads the image's id back.
    pub(super) async fn build_once(
        &self,
        build: &BuildSpec,
        progress: Progress<'_>,
    ) -> Result<String, PerformError> {
        let (folder, dockerfile) = (build.context.clone(), build.dockerfile.clone());
        let read = tokio::task::spawn_blocking(move || {
            let context = Context::read(&folder, &dockerfile)?;
            let text = std::fs::read_to_string(folder.join(&dockerfile)).unwrap_or_default();
            Ok::<_, crate::host::ContextError>((context, text))
        });
        let (context, text) = match read.await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(PerformError::Refused { status: None, message: error.to_string() }),
            Err(error) => return Err(PerformError::Refused { status: None, message: error.to_string() }),
        };
        let bases = from_images(&text, &build.args, build.target.as_deref());
        let auth = registry_auth::build_header(&bases, self.client().environment())
            .await
            .map_err(|message| PerformError::Refused { status: None, message })?;
        if build.builder == Builder::Buildx {
            return self.build_with_buildx(build, context, progress).await;
        }
        let docker = with_query(self.client().docker(), auth, further_query(build));
        let options = build_options(build);
        let told = self.classic(docker, options, archived(context), progress).await?;
        self.built(build, told).await
    }

    /// Lets the engine's own builder build, and listens to the end.
    pub(super) async fn classic(
        &self,
        docker: Docker,
        options: BuildImageOptions,
        archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
        progress: Progress<'_>,
    ) -> Result<Told, PerformError> {
        let archive = body_try_stream(archive);
        self.talk(
            docker,
            |docker| docker.build_image(options, None, Some(archive)).boxed(),
            BUILD_SILENCE,
            OUTPUT,
            progress,
        )
        .await
    }

    /// The id of what was built.
    pub(super) async fn built(&self, build: &BuildSpec, told: Told) -> Result<String, PerformError> {
        match (build.naming, told.image) {
            (Naming::Named, _) => self.image_id(&build.tag).await,
            (Naming::Unnamed, Some(id)) => self.image_id(&id).await,
            (Naming::Unnamed, None) => {
                let reason = "the engine did not say what it has built".to_owned();
                Err(PerformError::Lost { reason })
            }
        }
    }

    /// Sends an archive, and reads back the id of the image that the state names.
    pub(super) async fn load(
        &self,
        reference: &str,
        path: &Path,
        progress: Progress<'_>,
    ) -> Result<Answer, PerformError> {
        let file = tokio::fs::File::open(path).await.map_err(|error| PerformError::Refused {
            status: None,
            message: format!("read {}: {error}", path.display()),
        })?;
        let options = ImportImageOptions { quiet: true, platform: None };
        let archive = body_try_stream(ReaderStream::with_capacity(file, CHUNK));
        let docker = self.client().docker().clone();
        let Told { output, .. } = self
            .talk(
                docker,
                |docker| docker.import_image(options, archive, None).boxed(),
                LOAD_SILENCE,
                LOADED,
                progress,
            )
            .await?;
        // What was there before under this name does not count.
        let contents = loaded(&output);
        let wanted = ImageReference::parse(reference);
        if contents.iter().any(|name| ImageReference::parse(name) == wanted) {
            return self.image_id(reference).await.map(Answer::made);
        }
        let found = if contents.is_empty() { "no image with a name".to_owned() } else { contents.join(", ") };
        Err(PerformError::Failed {
            message: format!(
                "the archive {} does not contain `{reference}` but {found}; name the state after what is in it",
                path.display()
            ),
            output,
        })
    }

    /// Makes the call and listens to the end. The last `keep` lines of output are the answer.
    async fn talk(
        &self,
        docker: Docker,
        call: impl FnOnce(&Docker) -> BoxStream<'_, Result<BuildInfo, Error>> + Send + 'static,
        silence: Duration,
        keep: usize,
        progress: Progress<'_>,
    ) -> Result<Told, PerformError> {
        let mut messages = self.client().transport().messages(docker, call, silence);
        let mut told = Told::default();
        while let Some(message) = messages.next().await {
            let message = match message {
                Ok(message) => message,
                Err(failure) => return Err(self.failure(failure, told.output)),
            };
            for line in lines(&message) {
                if line.starts_with("Step ") {
                    progress(line.clone());
                }
                told.output.push(line);
            }
            told.output.drain(..told.output.len().saturating_sub(keep));
            told.image = message.aux.and_then(|aux| aux.id).or(told.image);
        }
        Ok(told)
    }
}

/// What the engine has said.
#[derive(Default)]
pub(super) struct Told {
    /// The last lines.
    output: Vec<String>,
    /// The id of what was built.
    image: Option<String>,
}

fn build_options(build: &BuildSpec) -> BuildImageOptions {
    let map = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone().into_iter().collect());
    BuildImageOptions {
        t: (build.naming == Naming::Named).then(|| build.tag.clone()),
        dockerfile: build.dockerfile.clone(),
        target: build.target.clone().unwrap_or_default(),
        buildargs: map(&build.args),
        labels: map(&build.labels),
        rm: true,
        nocache: build.options.no_cache,
        pull: build.options.pull.then(|| "1".to_owned()),
        networkmode: build.options.network.clone(),
        platform: build.options.platform.clone().unwrap_or_default(),
        // Or the container of a step that fails is left behind.
        forcerm: true,
        ..Default::default()
    }
}

/// What bollard's options have no place for, or too small a one: sizes may be larger than 2 GiB.
fn further_query(build: &BuildSpec) -> Vec<(String, String)> {
    let options = &build.options;
    let mut query: Vec<(String, String)> =
        options.limits.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    query.extend(options.extra_hosts.iter().map(|host| ("extrahosts".to_owned(), host.clone())));
    if !options.cache_from.is_empty() {
        query.push(("cachefrom".to_owned(), serde_json::json!(options.cache_from).to_string()));
    }
    query
}

/// What a message says, line by line, without colours and the lines that redraw.
fn lines(message: &BuildInfo) -> Vec<String> {
    let text = message.stream.as_deref().or(message.status.as_deref());
    text.unwrap_or_default().split(['\n', '\r']).map(plain).filter(|line| !line.trim().is_empty()).collect()
}

/// A line without terminal sequences.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // The sequence ends with a letter.
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else if !c.is_control() || c == '\t' {
            plain.push(c);
        }
    }
    plain
}

/// The names of the images that were loaded.
fn loaded(output: &[String]) -> Vec<String> {
    output
        .iter()
        .filter_map(|line| line.strip_prefix("Loaded image: "))
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Writes the archive on a thread of its own while it is sent.
fn archived(context: Context) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    tokio::task::spawn_blocking(move || {
        let writer = io::BufWriter::with_capacity(CHUNK, ChannelWriter(sender.clone()));
        if let Err(error) = context.write_tar(writer) {
            // If nobody listens, the call ended before, and says why itself.
            let _ = sender.blocking_send(Err(error));
        }
    });
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

struct ChannelWriter(mpsc::Sender<io::Result<Bytes>>);

impl Write for ChannelWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn output_is_lines_without_colours() {
        let said = |json| lines(&serde_json::from_value(json).expect("a message"));
        assert_eq!(
            said(json!({"stream": "\u{1b}[31mred\u{1b}[0m\n\r 50%\r100%\n"})),
            ["red", " 50%", "100%"]
        );
        assert_eq!(said(json!({"stream": "\n"})), Vec::<String>::new());
        assert_eq!(said(json!({"aux": {"ID": "x"}})), Vec::<String>::new());
    }

    #[test]
    fn names_of_loaded_images_are_found() {
        let output = ["Loaded image: a/b:1", "Loaded image ID: sha256:0"].map(str::to_owned);
        assert_eq!(loaded(&output), ["a/b:1"]);
    }
}
