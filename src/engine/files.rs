//! Files of containers, through the engine's archive calls: whatever runs in a container, and wherever its engine is.

use std::io::{self, Cursor, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::Value;

use super::client::{Client, unreachable};
use super::performer::CHANGE;
use super::performer::{Performer, path};
use super::transport::{ANSWER, Order, encoded, full};
use super::{Answer, ObserveError, PerformError};
use crate::world::{File, FileContent, FileTime, LARGEST_FILE, SeenFile, Target};

/// What the engine tells of a file without its content.
/// Source: <https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerArchiveInfo>.
const STAT: &str = "x-docker-container-path-stat";

/// Go's bits of a mode that are not permissions. Source: <https://pkg.go.dev/io/fs#FileMode>.
const NOT_REGULAR: u64 = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19;
const GO_BITS: [(u64, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];

/// What a HEAD says.
struct Stat {
    size: u64,
    mode: u64,
    /// Seconds since 1970.
    time: Option<i64>,
}

impl Stat {
    fn read(header: &str) -> Option<Self> {
        let json: Value = serde_json::from_slice(&STANDARD.decode(header).ok()?).ok()?;
        let time: Option<jiff::Timestamp> = json["mtime"].as_str().and_then(|time| time.parse().ok());
        let mode = json["mode"].as_u64()?;
        Some(Self { size: json["size"].as_u64()?, mode, time: time.map(|time| time.as_second()) })
    }

    fn permissions(&self) -> u32 {
        let plain = u32::try_from(self.mode & 0o777).unwrap_or_default();
        GO_BITS.iter().fold(plain, |mode, (go, bit)| if self.mode & go == 0 { mode } else { mode | bit })
    }
}

impl Client {
    /// Compares a file of a container with what it is to be: without its content, if its time says enough.
    pub(super) async fn compared_file(&self, id: &str, file: &File) -> Result<SeenFile, ObserveError> {
        let stat = match self.stat(id, &file.path).await? {
            Ok(Some(stat)) => stat,
            Ok(None) => return Ok(SeenFile::Missing),
            Err(reason) => return Ok(SeenFile::Unreadable(reason)),
        };
        let size = u64::try_from(file.content.bytes().len()).unwrap_or(u64::MAX);
        let says_enough = !file.is_secret;
        if says_enough
            && (stat.size, stat.permissions(), stat.time) == (size, file.mode, Some(file.own_time()))
        {
            return Ok(SeenFile::AsWanted);
        }
        self.content(id, &file.path, &stat).await
    }

    /// Reads a file of a container.
    pub(super) async fn whole_file(
        self,
        id: String,
        path: String,
    ) -> Result<(String, SeenFile), ObserveError> {
        let seen = match self.stat(&id, &path).await? {
            Ok(Some(stat)) => self.content(&id, &path, &stat).await?,
            Ok(None) => SeenFile::Missing,
            Err(reason) => SeenFile::Unreadable(reason),
        };
        Ok((path, seen))
    }

    /// Nothing if it is not there; the reason if the engine cannot look at it.
    async fn stat(&self, id: &str, path: &str) -> Result<Result<Option<Stat>, String>, ObserveError> {
        let what = format!("look at {path} in container {id}");
        let reply = self.transport().head(&archive(id, path), ANSWER).await;
        let reply = reply.map_err(|broken| unreachable(self.address(), &broken))?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(Ok(None));
        }
        if !reply.status.is_success() {
            // A HEAD has no words of the engine's own.
            return Ok(Err("a part of its path is no folder, or a link that leads nowhere".to_owned()));
        }
        let stat = reply.header(STAT).and_then(Stat::read);
        let stat = stat.ok_or(ObserveError::Garbled { what, reason: format!("no readable {STAT}") })?;
        Ok(Ok(Some(stat)))
    }

    async fn content(&self, id: &str, path: &str, stat: &Stat) -> Result<SeenFile, ObserveError> {
        if stat.mode & NOT_REGULAR != 0 {
            let is_folder = stat.mode & 1 << 31 != 0;
            return Ok(SeenFile::Other(if is_folder { "a folder" } else { "no ordinary file" }.to_owned()));
        }
        if stat.size > LARGEST_FILE {
            return Ok(SeenFile::Other(format!("a file of {} bytes", stat.size)));
        }
        let what = format!("read {path} of container {id}");
        let reply = self.transport().get(&archive(id, path), CHANGE).await;
        let reply = reply.map_err(|broken| unreachable(self.address(), &broken))?;
        match reply.status {
            StatusCode::NOT_FOUND => return Ok(SeenFile::Missing),
            status if !status.is_success() => {
                let message = reply.message();
                return Err(ObserveError::Answered { what, status: status.as_u16(), message });
            }
            _ => {}
        }
        first_file(&reply.body).map_err(|error| ObserveError::Garbled { what, reason: error.to_string() })
    }
}

impl Performer {
    /// Puts files into a container. Folders that are missing are made.
    pub(super) async fn put_files(
        &self,
        container: &Target,
        files: &[File],
        time: FileTime,
    ) -> Result<Answer, PerformError> {
        let packed = packed(files, time);
        let packed =
            packed.map_err(|error| PerformError::Refused { status: None, message: error.to_string() })?;
        // With any other type the engine says yes and does nothing.
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))];
        let to = path("containers", container, "/archive?path=/")?;
        let order = Order { headers, body: full(Bytes::from(packed)), ..Order::plain(Method::PUT, to) };
        self.give(order, CHANGE).await.map(|_| Answer::default())
    }
}

fn archive(id: &str, path: &str) -> String {
    format!("/containers/{}/archive?path={}", encoded(id), encoded(path))
}

fn packed(files: &[File], time: FileTime) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let bytes = file.content.bytes();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(file.uid.into());
        header.set_gid(file.gid.into());
        header.set_mtime(u64::try_from(file.time(time)).unwrap_or_default());
        archive.append_data(&mut header, file.path.trim_start_matches('/'), bytes)?;
    }
    archive.into_inner()
}

/// The first file of an archive, which is the one that was asked for.
fn first_file(archive: &[u8]) -> io::Result<SeenFile> {
    let mut archive = tar::Archive::new(Cursor::new(archive));
    let Some(entry) = archive.entries()?.next() else { return Ok(SeenFile::Missing) };
    let entry = entry?;
    let header = entry.header();
    if !header.entry_type().is_file() {
        return Ok(SeenFile::Other("no ordinary file".to_owned()));
    }
    let owner = |id: u64| u32::try_from(id).unwrap_or(u32::MAX);
    let (mode, uid, gid) = (header.mode()? & 0o7777, owner(header.uid()?), owner(header.gid()?));
    let is_pending = i64::try_from(header.mtime()?).is_ok_and(File::is_pending);
    let mut bytes = Vec::new();
    entry.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(SeenFile::Found { content: FileContent::of(bytes), mode, uid, gid, is_pending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_back() {
        let content = FileContent::Text("hello\n".to_owned());
        let file = File {
            path: "/etc/app.conf".to_owned(),
            content,
            mode: 0o4640,
            uid: 1000,
            gid: 7,
            is_secret: false,
        };
        for (time, is_pending) in [(FileTime::Settled, false), (FileTime::Pending, true)] {
            let archive = packed(std::slice::from_ref(&file), time).expect("packed");
            let File { content, mode, uid, gid, .. } = file.clone();
            let seen = first_file(&archive).expect("readable");
            assert_eq!(seen, SeenFile::Found { content, mode, uid, gid, is_pending });
        }
    }

    #[test]
    fn what_the_engine_tells_of_a_file_is_understood() {
        // As 20.10 tells of a setuid program, and of a folder.
        let told = |json: &str| Stat::read(&STANDARD.encode(json)).expect("readable");
        let program =
            told(r#"{"name":"su","size":9,"mode":8389101,"mtime":"2001-09-09T01:46:40Z","linkTarget":""}"#);
        assert_eq!((program.permissions(), program.time), (0o4755, Some(1_000_000_000)));
        assert_eq!(program.mode & NOT_REGULAR, 0);
        let folder = told(r#"{"name":"etc","size":4096,"mode":2147484141,"mtime":"2001-09-09T01:46:40.5Z"}"#);
        assert_ne!(folder.mode & NOT_REGULAR, 0);
        assert!(Stat::read("{}").is_none() && Stat::read("e30=").is_none());
    }
}
