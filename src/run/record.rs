//! Puts what was done on record, and reads what is. Neither is ever a reason to stop: what goes wrong is told.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Ambient;
use crate::history::{Entry, History, HistoryError};

/// Puts something on record.
///
/// # Errors
/// Says why it is not, and what to do about it.
pub(super) async fn record(entry: Entry, ambient: &Ambient) -> Result<(), String> {
    let places = ambient.state_places();
    let written = move || History::open(&places.folder()?)?.record(&entry);
    in_background(written).await
}

/// Puts several things on record.
///
/// # Errors
/// Says why they are not, and what to do about it.
pub(super) async fn record_all(entries: Vec<Entry>, ambient: &Ambient) -> Result<(), String> {
    let places = ambient.state_places();
    let written = move || {
        let mut history = History::open(&places.folder()?)?;
        entries.iter().try_for_each(|entry| history.record(entry))
    };
    in_background(written).await
}

/// Begins a history with these entries, unless somebody has begun it meanwhile.
///
/// # Errors
/// Says why they are not on record, and what to do about it.
pub(super) async fn begin(entries: Vec<Entry>, ambient: &Ambient) -> Result<(), String> {
    let places = ambient.state_places();
    in_background(move || History::open(&places.folder()?)?.begin(&entries)).await
}

/// True if there is no history, as far as can be told.
pub(super) async fn is_missing(ambient: &Ambient) -> bool {
    let places = ambient.state_places();
    in_background(move || Ok(History::is_missing(&places.folder()?))).await.unwrap_or(false)
}

/// Asks the history; nothing if there is none yet.
///
/// # Errors
/// Says why it cannot be read, and what to do about it.
pub(super) async fn recall<T: Send + 'static>(
    ambient: &Ambient,
    ask: impl FnOnce(&History) -> Result<T, HistoryError> + Send + 'static,
) -> Result<Option<T>, String> {
    let places = ambient.state_places();
    let read = move || match History::read(&places.folder()?)? {
        Some(history) => ask(&history).map(Some),
        None => Ok(None),
    };
    in_background(read).await
}

/// Files block, and a database waits for others.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HistoryError> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| match error.hint() {
            Some(hint) => format!("{error}\nhint: {hint}"),
            None => error.to_string(),
        }),
        Err(error) => Err(format!("a bug in evenkeel: {error}")),
    }
}

/// Tells the time of what takes a while, without another look at the clock.
pub(super) struct Clock {
    begun: Timestamp,
    since: Instant,
}

impl Clock {
    pub(super) fn of(ambient: &Ambient) -> Self {
        Self { begun: Timestamp::try_from(ambient.now).unwrap_or_default(), since: Instant::now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.begun.checked_add(self.since.elapsed()).unwrap_or(self.begun)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}
