use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::database::MIGRATIONS;
use super::*;
use crate::world::Owner;

fn owner(env: &str) -> Owner {
    Owner { project: "shop".to_owned(), env: env.to_owned() }
}

fn validated(digest: &str, outcome: Outcome) -> Entry {
    Entry {
        time: Timestamp::from_millisecond(1_700_000_000_123).expect("a time"),
        engine: Some("ABCD:EFGH".to_owned()),
        owner: Some(owner("qa")),
        object: "web".to_owned(),
        container: Some("c1".to_owned()),
        revision: Some(12),
        kind: Kind::Validated,
        image: Some("reg/shop/web:qa".to_owned()),
        image_id: Some("sha256:01".to_owned()),
        digests: vec![digest.to_owned(), "sha256:other".to_owned()],
        version: Some("1.4.2".to_owned()),
        outcome,
        exit_code: Some(0),
        took: Duration::from_millis(1234),
        actor: "ann@ship".to_owned(),
        why: Some("it's \"nightly\"".to_owned()),
        detail: json!({"updates": 2}),
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &Path) -> History {
    History::open(folder).expect("a history")
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("history.db")
}

fn version(folder: &Path) -> i64 {
    let connection = Connection::open(file(folder)).expect("a database");
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version")
}

#[test]
fn a_history_is_begun_once() {
    let folder = folder();
    assert!(History::is_missing(folder.path()));
    let entries = [validated("sha256:a", Outcome::Passed), validated("sha256:b", Outcome::Failed)];
    open(folder.path()).begin(&entries).expect("begun");
    open(folder.path()).begin(&entries).expect("nothing to do");
    assert!(!History::is_missing(folder.path()));
    assert_eq!(open(folder.path()).count(Kind::Validated, "c1").expect("a number"), 2);
}

#[test]
fn what_was_recorded_is_read_as_it_was() {
    let folder = folder();
    assert!(History::read(folder.path()).expect("no history is no error").is_none());
    assert!(!file(folder.path()).exists(), "reading makes nothing");
    let deep = folder.path().join("a/b");
    let entry = validated("sha256:aa", Outcome::Passed);
    open(&deep).record(&entry).expect("recorded");
    let history = History::read(&deep).expect("readable").expect("there");
    let found = history.newest_of_image(Kind::Validated, &owner("qa"), &["sha256:aa".to_owned()].into());
    assert_eq!(found, Ok(Some(entry.clone())));
    assert_eq!(history.of_object(Kind::Validated, "ABCD:EFGH", "web", 9), Ok(vec![entry]));
    assert_eq!(history.count(Kind::Validated, "c1"), Ok(1));
    assert_eq!(history.count(Kind::Updated, "c1"), Ok(0));
}

#[test]
fn revisions_are_found_by_name_and_by_container() {
    let folder = folder();
    let mut history = open(folder.path());
    let made = |object: &str, container: &str, number: u32| Entry {
        kind: Kind::Revised,
        object: object.to_owned(),
        container: Some(container.to_owned()),
        revision: Some(number),
        ..validated("sha256:aa", Outcome::Passed)
    };
    let entries = [made("old", "c1", 1), made("web", "c2", 2), made("db", "c3", 7), made("web", "c4", 3)];
    for entry in &entries {
        history.record(entry).expect("recorded");
    }
    history.record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
    let found = |object: Option<&str>, containers: &[&str], most: u32| {
        let containers: Vec<String> = containers.iter().map(|id| (*id).to_owned()).collect();
        let found = history.revisions("ABCD:EFGH", object, &containers, most).expect("readable");
        found.into_iter().filter_map(|entry| entry.container).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("web"), &[], 9), ["c4", "c2"]);
    // It was renamed since.
    assert_eq!(found(Some("web"), &["c1", "c4"], 9), ["c4", "c2", "c1"]);
    // What is there is found, however long ago it was made.
    assert_eq!(found(None, &["c1"], 2), ["c4", "c3", "c1"]);
    assert_eq!(history.last_revision("ABCD:EFGH", "web"), Ok(Some(3)));
    assert_eq!(history.last_revision("another", "web"), Ok(None));
}

#[test]
fn the_newest_result_of_a_digest_in_its_environment_counts() {
    let folder = folder();
    let mut history = open(folder.path());
    let entries =
        [("sha256:aa", Outcome::Passed), ("sha256:bb", Outcome::Passed), ("sha256:aa", Outcome::Failed)];
    for (digest, outcome) in entries {
        // All at the same time: the order in which they came to their end decides.
        history.record(&validated(digest, outcome)).expect("recorded");
    }
    let newest = |env: &str, digest: &str| {
        let found = history
            .newest_of_image(Kind::Validated, &owner(env), &[digest.to_owned()].into())
            .expect("readable");
        found.map(|entry| entry.outcome)
    };
    assert_eq!(newest("qa", "sha256:aa"), Some(Outcome::Failed));
    assert_eq!(newest("qa", "sha256:bb"), Some(Outcome::Passed));
    assert_eq!(newest("qa", "sha256:other"), Some(Outcome::Failed), "every digest of the image counts");
    assert_eq!(newest("qa", "sha256:a"), None, "no part of a digest does");
    assert_eq!(newest("prod", "sha256:bb"), None);
}

#[test]
fn a_promotion_is_found_by_its_tag() {
    let folder = folder();
    let mut history = open(folder.path());
    let promoted = |digest: &str, outcome| Entry { kind: Kind::Promoted, ..validated(digest, outcome) };
    history.record(&promoted("sha256:aa", Outcome::Passed)).expect("recorded");
    history.record(&promoted("sha256:bb", Outcome::Failed)).expect("recorded");
    history.record(&validated("sha256:cc", Outcome::Passed)).expect("recorded");
    let found = history.newest_promotion("reg/shop/web:qa").expect("readable").expect("there");
    assert_eq!(found.digests[0], "sha256:aa");
    assert_eq!(history.newest_promotion("reg/shop/web:prod"), Ok(None));
}

#[test]
fn an_older_format_is_brought_up_and_keeps_its_entries() {
    let folder = folder();
    let mut history = open(folder.path());
    history.record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
    let next = "ALTER TABLE events ADD COLUMN more TEXT";
    let formats: Vec<&str> = MIGRATIONS.iter().copied().chain([next]).collect();
    history.migrate(&formats).expect("brought up");
    history.migrate(&formats).expect("nothing is left to do");
    assert_eq!(version(folder.path()), formats.len() as i64);
    assert_eq!(history.count(Kind::Validated, "c1"), Ok(1));

    // What this program does not know is left alone, bytes and all.
    drop(history);
    let before = fs::read(file(folder.path())).expect("a file");
    for result in [History::open(folder.path()).map(|_| ()), History::read(folder.path()).map(|_| ())] {
        let error = result.expect_err("it is newer");
        assert!(matches!(error, HistoryError::Newer { .. }), "{error}");
        assert!(error.to_string().contains("newer evenkeel"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("EVENKEEL_STATE_DIR")));
    }
    assert_eq!(fs::read(file(folder.path())).expect("a file"), before);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let folder = folder();
    let mut history = open(folder.path());
    let formats: Vec<&str> = MIGRATIONS.iter().copied().chain(["CREATE TABLE x (a); nonsense"]).collect();
    assert!(matches!(history.migrate(&formats), Err(HistoryError::Failed { .. })));
    assert_eq!(version(folder.path()), MIGRATIONS.len() as i64);
    history.record(&validated("sha256:aa", Outcome::Passed)).expect("it goes on in the old format");
}

#[test]
fn damage_is_told_with_its_remedy() {
    let folder = folder();
    fs::write(file(folder.path()), "this is no database, and never was one\n".repeat(99)).expect("written");
    let damaged = |result: Result<(), HistoryError>| {
        let error = result.expect_err("it is damaged");
        assert!(matches!(error, HistoryError::Damaged { .. }), "{error:?}");
        let hint = error.hint().expect("a remedy");
        assert!(hint.contains("mv ") && hint.contains("history.db.damaged"), "{hint}");
    };
    damaged(History::open(folder.path()).map(|_| ()));
    damaged(History::read(folder.path()).map(|_| ()));

    // A table with holes, and a value that nobody wrote.
    fs::remove_file(file(folder.path())).expect("removed");
    let mut history = open(folder.path());
    for _ in 0..200 {
        history.record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
    }
    drop(history);
    let whole = fs::read(file(folder.path())).expect("a file");
    let mut holes = whole.clone();
    holes[4096..].fill(0xAA);
    fs::write(file(folder.path()), holes).expect("written");
    let ask = || {
        let history = History::read(folder.path())?.expect("there");
        history.newest_of_image(Kind::Validated, &owner("qa"), &["sha256:aa".to_owned()].into()).map(|_| ())
    };
    damaged(ask());
    fs::write(file(folder.path()), whole).expect("written");
    let connection = Connection::open(file(folder.path())).expect("a database");
    connection.execute("UPDATE events SET result = 'splendid'", []).expect("written");
    damaged(ask());
}

#[test]
fn a_file_of_nothing_is_a_history_of_nothing() {
    let folder = folder();
    fs::write(file(folder.path()), "").expect("written");
    assert!(History::read(folder.path()).expect("readable").is_none());
    open(folder.path()).record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
}

#[test]
fn where_no_folder_can_be_made_it_says_so() {
    let error = History::open(Path::new("/proc/none/such")).map(|_| ()).expect_err("no folder");
    assert!(error.to_string().contains("/proc/none/such"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("EVENKEEL_STATE_DIR")));
    let folder = folder();
    fs::create_dir(file(folder.path())).expect("a folder where the file should be");
    assert!(matches!(History::open(folder.path()), Err(HistoryError::Failed { .. })));
}

#[test]
fn a_full_disk_is_no_damage() {
    let folder = folder();
    let mut history = open(folder.path());
    history.record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
    history.limit_pages();
    let mut long = validated("sha256:bb", Outcome::Passed);
    long.why = Some("x".repeat(1 << 20));
    let error = history.record(&long).expect_err("it is full");
    assert!(matches!(error, HistoryError::Failed { .. }), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("make room")));
    let found = history
        .newest_of_image(Kind::Validated, &owner("qa"), &["sha256:aa".to_owned()].into())
        .expect("readable");
    assert!(found.is_some(), "what was there is there");
}

const WRITERS: usize = 4;
const ENTRIES: usize = 20;
/// Tells a process of this test what it is there for.
const WRITER: &str = "EVENKEEL_TEST_WRITER";

fn write_some(folder: &Path) {
    for _ in 0..ENTRIES {
        open(folder).record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
        let history = History::read(folder).expect("readable").expect("there");
        let found = history.newest_of_image(Kind::Validated, &owner("qa"), &["sha256:aa".to_owned()].into());
        assert!(found.expect("readable").is_some());
    }
}

#[test]
fn writers_in_threads_and_processes_wait_for_each_other() {
    if let Some(folder) = std::env::var_os(WRITER) {
        return write_some(Path::new(&folder));
    }
    let folder = folder();
    let name = "history::tests::writers_in_threads_and_processes_wait_for_each_other";
    let mut others: Vec<_> = (0..2)
        .map(|_| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["--exact", name]).env(WRITER, folder.path());
            command.stdout(std::process::Stdio::null()).spawn().expect("it starts")
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| write_some(folder.path()));
        }
    });
    for other in &mut others {
        assert!(other.wait().expect("it ends").success());
    }
    let history = History::read(folder.path()).expect("readable").expect("there");
    let expected = u32::try_from((WRITERS + others.len()) * ENTRIES).expect("a few");
    assert_eq!(history.count(Kind::Validated, "c1"), Ok(expected));
}

#[test]
fn a_killed_writer_leaves_what_was_there() {
    let folder = folder();
    open(folder.path()).record(&validated("sha256:aa", Outcome::Passed)).expect("recorded");
    // What it leaves if it dies while it writes: pages of its own in the file, and the old ones in the journal.
    let crashed = tempfile::tempdir().expect("a folder");
    let mut dying = open(folder.path());
    dying.die_while_writing(&validated("sha256:bb", Outcome::Passed), |file| {
        for end in ["", "-journal"] {
            let name = format!("history.db{end}");
            fs::copy(file.with_file_name(&name), crashed.path().join(&name)).expect("copied");
        }
    });
    let history = History::read(crashed.path()).expect("readable").expect("there");
    assert_eq!(history.count(Kind::Validated, "c1"), Ok(1));
    let mut history = open(crashed.path());
    history.record(&validated("sha256:cc", Outcome::Passed)).expect("recorded");
    assert_eq!(history.count(Kind::Validated, "c1"), Ok(2));
}

#[test]
fn every_user_has_one_folder() {
    let login = StatePlaces { chosen: None, state_home: None, home: Some("/home/ann".into()), uid: 1000 };
    let folder = |places: &StatePlaces| places.folder().map(|folder| folder.display().to_string());
    assert_eq!(folder(&login), Ok("/home/ann/.local/state/evenkeel".to_owned()));
    let state_home = Some("/state".into());
    let set = StatePlaces { state_home, ..login.clone() };
    assert_eq!(folder(&set), Ok("/state/evenkeel".to_owned()));
    let relative = StatePlaces { state_home: Some("state".into()), ..login.clone() };
    assert_eq!(folder(&relative), folder(&login));
    let root = StatePlaces { uid: 0, ..set.clone() };
    assert_eq!(folder(&root), Ok("/var/lib/evenkeel".to_owned()));
    let chosen = StatePlaces { chosen: Some("/x".into()), ..root };
    assert_eq!(folder(&chosen), Ok("/x".to_owned()));
    let homeless = StatePlaces { home: None, ..login };
    assert_eq!(folder(&homeless), Err(HistoryError::Nowhere));
}
