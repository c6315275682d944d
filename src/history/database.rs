//! The database: its format, and what is written to it and asked of it.
//!
//! SQLite with a rollback journal: an entry is there or it is not, whatever is killed in between, any number
//! of programs may read and write, and unlike a write-ahead log it can be read where nothing may be written.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Error, OpenFlags, Row, TransactionBehavior, named_params, params};
use serde_json::Value;

use super::{Entry, HistoryError, Kind, Outcome};
use crate::world::Owner;

/// The one file of the folder.
const FILE: &str = "history.db";
/// How long to wait for others. They write one short entry each.
const PATIENCE: Duration = Duration::from_secs(10);

/// What makes each format out of the one before it. Formats are numbered from 1, in `user_version`.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which things came to their end
        time INTEGER NOT NULL,                -- milliseconds since 1970
        engine TEXT,
        project TEXT,
        env TEXT,
        object TEXT NOT NULL,
        container TEXT,
        revision INTEGER,
        kind TEXT NOT NULL,
        image TEXT,
        image_id TEXT,
        digests TEXT NOT NULL,                -- a JSON list
        version TEXT,
        result TEXT NOT NULL,
        exit_code INTEGER,
        duration_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        why TEXT,
        detail TEXT NOT NULL                  -- a JSON object
    ) STRICT;
    CREATE INDEX events_of_objects ON events (kind, object);
    CREATE INDEX events_of_containers ON events (container);
"];

const COLUMNS: &str = "time, engine, project, env, object, container, revision, kind, image, image_id, digests, \
     version, result, exit_code, duration_ms, actor, why, detail";

/// An open history.
pub struct History {
    connection: Connection,
    file: PathBuf,
}

impl History {
    /// Opens the history in a folder to write to it; makes it if need be.
    ///
    /// # Errors
    /// If it cannot be made or understood.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| HistoryError::Folder { folder: folder.to_owned(), reason: error.to_string() })?;
        let mut history =
            Self::at(folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        history.migrate(MIGRATIONS)?;
        Ok(history)
    }

    /// True if nothing was ever put on record in a folder, or it was removed.
    pub fn is_missing(folder: &Path) -> bool {
        matches!(folder.join(FILE).try_exists(), Ok(false))
    }

    /// Opens the history in a folder to read from it; nothing if there is none yet.
    ///
    /// # Errors
    /// If it cannot be read or understood.
    pub fn read(folder: &Path) -> Result<Option<Self>, HistoryError> {
        let file = folder.join(FILE);
        match file.try_exists() {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(HistoryError::Failed { file, reason: error.to_string() }),
        }
        // Writable where it may be, since what a killed writer left is rolled back by whoever comes next.
        let mut history = Self::at(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        match history.version()? {
            // Its writer was killed before it wrote anything.
            0 => Ok(None),
            _ => history.migrate(MIGRATIONS).map(|()| Some(history)),
        }
    }

    fn at(folder: &Path, flags: OpenFlags) -> Result<Self, HistoryError> {
        let file = folder.join(FILE);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(&file, flags)?;
            connection.busy_timeout(PATIENCE)?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Self { connection, file }),
            Err(error) => Err(HistoryError::of(&file, &error)),
        }
    }

    fn version(&self) -> Result<i64, HistoryError> {
        let version = self.connection.pragma_query_value(None, "user_version", |row| row.get(0));
        version.map_err(|error| self.error(&error))
    }

    /// Brings the database to the newest of some formats. One that is newer is left alone.
    pub(super) fn migrate(&mut self, migrations: &[&str]) -> Result<(), HistoryError> {
        let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
        let found = self.version()?;
        if found == known {
            return Ok(());
        }
        if !(0..known).contains(&found) {
            return Err(HistoryError::Newer { file: self.file.clone(), found, known });
        }
        migrate(&mut self.connection, migrations).map_err(|error| HistoryError::of(&self.file, &error))
    }

    /// Puts something on record.
    ///
    /// # Errors
    /// If it could not be written. Then nothing of it is.
    pub fn record(&mut self, entry: &Entry) -> Result<(), HistoryError> {
        write(&mut self.connection, entry).map_err(|error| HistoryError::of(&self.file, &error))
    }

    /// Puts several things on record, as its first ones: nothing, if there is anything already.
    ///
    /// # Errors
    /// If they could not be written. Then none of them is.
    pub fn begin(&mut self, entries: &[Entry]) -> Result<(), HistoryError> {
        begin(&mut self.connection, entries).map_err(|error| HistoryError::of(&self.file, &error))
    }

    /// The newest entry of a kind about an image in an environment, by any of its digests or ids.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn newest_of_image(
        &self,
        kind: Kind,
        owner: &Owner,
        known_as: &BTreeSet<String>,
    ) -> Result<Option<Entry>, HistoryError> {
        let known_as = serde_json::json!(known_as).to_string();
        let newest = self.entries(
            "kind = :kind AND project = :project AND env = :env \
             AND (image_id IN (SELECT value FROM json_each(:known_as)) OR EXISTS \
             (SELECT 1 FROM json_each(digests) WHERE value IN (SELECT value FROM json_each(:known_as))))",
            named_params! {":kind": kind.word(), ":project": owner.project, ":env": owner.env, ":known_as": known_as},
            1,
        )?;
        Ok(newest.into_iter().next())
    }

    /// The newest promotion to a tag that came to its end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn newest_promotion(&self, tag: &str) -> Result<Option<Entry>, HistoryError> {
        let newest = self.entries(
            "kind = :kind AND image = :tag AND result = :passed",
            named_params! {":kind": Kind::Promoted.word(), ":tag": tag, ":passed": Outcome::Passed.word()},
            1,
        )?;
        Ok(newest.into_iter().next())
    }

    /// The newest entries of a kind about what has a name on an engine, the newest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn of_object(
        &self,
        kind: Kind,
        engine: &str,
        object: &str,
        most: u32,
    ) -> Result<Vec<Entry>, HistoryError> {
        self.entries(
            "kind = :kind AND engine = :engine AND object = :object",
            named_params! {":kind": kind.word(), ":engine": engine, ":object": object},
            most,
        )
    }

    /// The newest revisions on an engine, of one container or of all, and whatever is on record of containers with
    /// these ids; the newest first.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn revisions(
        &self,
        engine: &str,
        object: Option<&str>,
        containers: &[String],
        most: u32,
    ) -> Result<Vec<Entry>, HistoryError> {
        let containers = serde_json::json!(containers).to_string();
        self.entries(
            "kind = :kind AND (container IN (SELECT value FROM json_each(:containers)) OR id IN \
             (SELECT id FROM events WHERE kind = :kind AND engine = :engine \
             AND (:object IS NULL OR object = :object) ORDER BY id DESC LIMIT :most))",
            named_params! {
                ":kind": Kind::Revised.word(), ":engine": engine, ":object": object,
                ":containers": containers, ":most": most,
            },
            u32::MAX,
        )
    }

    /// The highest revision that a container of this name had on an engine.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_revision(&self, engine: &str, object: &str) -> Result<Option<u32>, HistoryError> {
        let highest = self.connection.query_row(
            "SELECT max(revision) FROM events WHERE kind = ?1 AND engine = ?2 AND object = ?3",
            params![Kind::Revised.word(), engine, object],
            |row| row.get(0),
        );
        highest.map_err(|error| self.error(&error))
    }

    /// How many entries of a kind there are about a container.
    ///
    /// # Errors
    /// If they cannot be counted.
    pub fn count(&self, kind: Kind, container: &str) -> Result<u32, HistoryError> {
        let counted = self.connection.query_row(
            "SELECT count(*) FROM events WHERE kind = ?1 AND container = ?2",
            params![kind.word(), container],
            |row| row.get(0),
        );
        counted.map_err(|error| self.error(&error))
    }

    fn entries(
        &self,
        condition: &str,
        parameters: &[(&str, &dyn rusqlite::ToSql)],
        most: u32,
    ) -> Result<Vec<Entry>, HistoryError> {
        let read = || {
            let query =
                format!("SELECT {COLUMNS} FROM events WHERE {condition} ORDER BY id DESC LIMIT {most}");
            let mut statement = self.connection.prepare(&query)?;
            let entries = statement.query_map(parameters, entry)?;
            entries.collect::<Result<Vec<_>, Error>>()
        };
        read().map_err(|error| self.error(&error))
    }

    fn error(&self, error: &Error) -> HistoryError {
        HistoryError::of(&self.file, error)
    }
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another run may have been faster.
    let found: usize =
        transaction.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))? as usize;
    for (number, migration) in migrations.iter().enumerate().skip(found) {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(i64::MAX))?;
    }
    transaction.commit()
}

fn write(connection: &mut Connection, entry: &Entry) -> Result<(), Error> {
    // Asked for at once: a transaction that reads first may be told that it is too late to write.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    insert(&transaction, entry)?;
    transaction.commit()
}

fn begin(connection: &mut Connection, entries: &[Entry]) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: i64 = transaction.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
    if known == 0 {
        entries.iter().try_for_each(|entry| insert(&transaction, entry).map(drop))?;
    }
    transaction.commit()
}

fn insert(connection: &Connection, entry: &Entry) -> Result<usize, Error> {
    connection.execute(
        &format!(
            "INSERT INTO events ({COLUMNS}) VALUES \
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
        ),
        params![
            entry.time.as_millisecond(),
            entry.engine,
            entry.owner.as_ref().map(|owner| &owner.project),
            entry.owner.as_ref().map(|owner| &owner.env),
            entry.object,
            entry.container,
            entry.revision,
            entry.kind.word(),
            entry.image,
            entry.image_id,
            Value::from(entry.digests.clone()).to_string(),
            entry.version,
            entry.outcome.word(),
            entry.exit_code,
            i64::try_from(entry.took.as_millis()).unwrap_or(i64::MAX),
            entry.actor,
            entry.why,
            entry.detail.to_string(),
        ],
    )
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    let (project, env): (Option<String>, Option<String>) = (row.get("project")?, row.get("env")?);
    let took: i64 = row.get("duration_ms")?;
    Ok(Entry {
        time: Timestamp::from_millisecond(row.get("time")?)
            .map_err(|error| unreadable(row, "time", error))?,
        engine: row.get("engine")?,
        owner: project.zip(env).map(|(project, env)| Owner { project, env }),
        object: row.get("object")?,
        container: row.get("container")?,
        revision: row.get("revision")?,
        kind: word(row, "kind", Kind::ALL, Kind::word)?,
        image: row.get("image")?,
        image_id: row.get("image_id")?,
        digests: json(row, "digests")?,
        version: row.get("version")?,
        outcome: word(row, "result", Outcome::ALL, Outcome::word)?,
        exit_code: row.get("exit_code")?,
        took: Duration::from_millis(took.try_into().unwrap_or_default()),
        actor: row.get("actor")?,
        why: row.get("why")?,
        detail: json(row, "detail")?,
    })
}

fn word<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: &str,
    all: [T; N],
    word: fn(T) -> &'static str,
) -> Result<T, Error> {
    let found: String = row.get(column)?;
    let known = all.into_iter().find(|known| word(*known) == found);
    known.ok_or_else(|| unreadable(row, column, format!("`{found}` is no {column}")))
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, column, error))
}

/// A value that nobody can have written.
fn unreadable(
    row: &Row<'_>,
    column: &str,
    reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    Error::FromSqlConversionFailure(index, Type::Text, reason.into())
}

#[cfg(test)]
impl History {
    /// No page more than there are.
    pub(super) fn limit_pages(&self) {
        let pages: i64 =
            self.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a count");
        let limit = format!("PRAGMA max_page_count = {pages}");
        self.connection.query_row(&limit, [], |_| Ok(())).expect("a limit");
    }

    /// Writes without coming to an end; calls back in the middle of it.
    pub(super) fn die_while_writing(&mut self, entry: &Entry, meanwhile: impl FnOnce(&Path)) {
        // With a cache of nothing, pages reach the file before the transaction ends.
        self.connection.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE").expect("begun");
        for _ in 0..200 {
            insert(&self.connection, entry).expect("written");
        }
        meanwhile(&self.file);
        self.connection.execute_batch("ROLLBACK").expect("ended");
    }
}
