//! Writes images into archives of this machine. The engine is only asked; what changes is a file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::performer::Performer;
use super::transport::encoded;
use super::{Answer, PerformError, Progress};
use crate::host::archive_ids;

/// How long the engine may be silent: it packs before it speaks.
const SILENCE: Duration = Duration::from_secs(1800);
const TELL_EVERY: Duration = Duration::from_millis(500);

impl Performer {
    /// Writes beside the archive's place first, so that what is there is whole at any moment.
    pub(super) async fn save(
        &self,
        id: &str,
        reference: &str,
        path: &Path,
        progress: Progress<'_>,
    ) -> Result<Answer, PerformError> {
        let part = part_of(path);
        let saved = match self.write(reference, &part, progress).await {
            Ok(()) => put_in_place(id, reference, &part, path).await,
            Err(error) => Err(error),
        };
        if saved.is_err() {
            // What is left of it is of no use, and the error says more than this one could.
            let _ = tokio::fs::remove_file(&part).await;
        }
        saved.map(|()| Answer::default())
    }

    async fn write(&self, reference: &str, part: &Path, progress: Progress<'_>) -> Result<(), PerformError> {
        let mut file = create(part).await.map_err(|error| cannot_write(part, &error))?;
        let name = encoded(reference);
        let docker = self.client().docker().clone();
        let mut archive = docker.export_image(&name).boxed();
        let (mut bytes, mut told) = (0_u64, Instant::now());
        loop {
            // This only asks, so it may be given up.
            let chunk = match tokio::time::timeout(SILENCE, archive.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(None) => break,
                Ok(Some(Err(error))) => {
                    return Err(self.failure(self.client().transport().failure(error), Vec::new()));
                }
                Err(_) => {
                    let message = format!("the engine said nothing for {} s", SILENCE.as_secs());
                    return Err(PerformError::Refused { status: None, message });
                }
            };
            file.write_all(&chunk).await.map_err(|error| cannot_write(part, &error))?;
            bytes += chunk.len() as u64;
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                progress(format!("{} MB written", bytes / 1_000_000));
            }
        }
        file.sync_all().await.map_err(|error| cannot_write(part, &error))
    }
}

/// Looks into what was written: the name may have moved on to another image meanwhile.
async fn put_in_place(id: &str, reference: &str, part: &Path, path: &Path) -> Result<(), PerformError> {
    let written = part.to_owned();
    let ids = tokio::task::spawn_blocking(move || archive_ids(&written)).await;
    let refused = |message: String| Err(PerformError::Refused { status: None, message });
    match ids {
        Ok(Ok(ids)) if ids.contains(id) => {}
        Ok(Ok(_)) => return refused(format!("what the engine gave as {reference} is not image {id}")),
        Ok(Err(error)) => return refused(error.to_string()),
        Err(error) => return refused(error.to_string()),
    }
    tokio::fs::rename(part, path).await.map_err(|error| cannot_write(path, &error))
}

/// A file that only its owner may read, since an image may hold secrets.
async fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).await
}

/// The name under which an archive is written; that of a run that was killed is written over.
fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.evenkeel-part"))
}

fn cannot_write(path: &Path, error: &io::Error) -> PerformError {
    PerformError::Refused { status: None, message: format!("write {}: {error}", path.display()) }
}
