//! Images built `FROM scratch` around a static busybox: no registry is in reach of the tests.

use super::engines::Engine;
use super::http::query;
use super::scope::Scope;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The base image of most scenarios. It stays on the machine's engine, as a cache.
pub const BB: &str = "ekt/bb:1";

const BB_DOCKERFILE: &str = "FROM scratch\nADD rootfs.tar /\nCMD [\"sleep\",\"100000\"]\n";

const APPLETS: &str = "sh ash sleep cat echo wget nc httpd touch ls mkdir rmdir rm mv cp ln id env true false kill \
    date test [ ps grep sed head tail wc tr cut printf stat chmod chown hostname ip ifconfig nslookup ping mount df \
    vi seq sync whoami xargs find sort uniq md5sum sha256sum dd expr pwd readlink nproc free";

/// The name of the busybox image on this engine; builds it when it is not there.
pub fn bb(engine: &Engine) -> &'static str {
    // One builder per process and engine, the others wait for it.
    static BUILT: Mutex<BTreeMap<PathBuf, ()>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !built.contains_key(engine.socket()) {
        if !engine.http().get(&format!("/images/{BB}/json")).is_ok() {
            build(engine, BB, BB_DOCKERFILE, &[]);
        }
        built.insert(engine.socket().to_owned(), ());
    }
    BB
}

/// Builds busybox plus the given Dockerfile instructions under a tag of the scope, and gives the tag.
/// No other scope has an image of the same ID, whose last name it could remove while this one is built.
pub fn image_with(engine: &Engine, scope: &Scope, tag: &str, instructions: &str) -> String {
    let tag = scope.name(tag);
    let author = scope.project();
    build(engine, &tag, &format!("{BB_DOCKERFILE}MAINTAINER {author}\n{instructions}\n"), &[]);
    tag
}

/// Builds from a Dockerfile and files of the context; `rootfs.tar` with busybox is always among them.
/// Gives the image's ID.
pub fn build(engine: &Engine, tag: &str, dockerfile: &str, files: &[(&str, &[u8])]) -> String {
    let mut context = tar::Builder::new(Vec::new());
    append(&mut context, "Dockerfile", 0o644, dockerfile.as_bytes());
    append(&mut context, "rootfs.tar", 0o644, rootfs());
    for (path, content) in files {
        append(&mut context, path, 0o755, content);
    }
    let context = context.into_inner().expect("a tar in memory can be written");
    let path = format!("/build?t={}&rm=1&forcerm=1", query(tag));
    let mut tries = 0;
    loop {
        let answer = engine.http().post_tar(&path, &context).ok();
        // The status is sent before the first instruction runs: only the stream says how it ended.
        let failed = answer.text().lines().any(|line| line.contains("\"errorDetail\""));
        // 20.10 loses an image between two instructions while others are removed; it has to be asked again.
        tries += 1;
        if failed && answer.text().contains("unable to find image") && tries < 5 {
            continue;
        }
        assert!(!failed, "build of {tag} failed: {}", answer.text());
        break;
    }
    let inspected = engine.http().get(&format!("/images/{tag}/json")).ok().json();
    inspected["Id"].as_str().expect("an image has an ID").to_owned()
}

/// Puts one more name on an image.
pub fn tag(engine: &Engine, image: &str, name: &str) {
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    engine.http().act(&format!("/images/{image}/tag?repo={}&tag={tag}", query(repository))).ok();
}

/// The root folder of the busybox image.
fn rootfs() -> &'static [u8] {
    static ROOTFS: OnceLock<Vec<u8>> = OnceLock::new();
    ROOTFS.get_or_init(|| {
        let mut root = tar::Builder::new(Vec::new());
        append(&mut root, "bin/busybox", 0o755, &busybox());
        for applet in APPLETS.split_whitespace() {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            header.set_mode(0o777);
            root.append_link(&mut header, format!("bin/{applet}"), "busybox")
                .expect("a short link name fits");
        }
        append(&mut root, "etc/passwd", 0o644, b"root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n");
        append(&mut root, "etc/group", 0o644, b"root:x:0:\napp:x:1000:\n");
        append_folder(&mut root, "tmp/", 0o1777);
        root.into_inner().expect("a tar in memory can be written")
    })
}

fn append(to: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    to.append_data(&mut header, path, content).expect("a tar in memory can be written");
}

fn append_folder(to: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(mode);
    header.set_size(0);
    to.append_data(&mut header, path, std::io::empty()).expect("a tar in memory can be written");
}

/// Debian's static busybox, installed when it is missing.
fn busybox() -> Vec<u8> {
    let found = || fs::read("/bin/busybox").ok().filter(|program| is_static(program));
    found()
        .or_else(|| {
            let install = ["install", "-y", "-q", "--no-install-recommends", "busybox-static"];
            drop(Command::new("apt-get").args(install).env("DEBIAN_FRONTEND", "noninteractive").output());
            found()
        })
        .expect("a static /bin/busybox; `apt-get install busybox-static` gives it")
}

/// A dynamic program names its loader.
fn is_static(program: &[u8]) -> bool {
    let loader = b"/ld-";
    let start = &program[..program.len().min(4096)];
    !start.windows(loader.len()).any(|window| window == loader)
}
