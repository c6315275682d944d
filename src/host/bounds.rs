//! Where a path leads when nothing outside of a folder may be looked at.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// More links than this in one path lead nowhere, as for the kernel.
const MAX_LINKS: usize = 40;

/// Follows the links of a path by hand, and stops at the first step that leaves `bounds`. What does
/// not exist is where its nearest existing parent leads. Nothing if the path leads out, whether there
/// is something or not. `bounds` has no links in it itself.
pub fn within(bounds: &Path, path: &Path) -> Option<PathBuf> {
    let mut real = bounds.to_owned();
    let mut ahead = parts(path.strip_prefix(bounds).ok()?);
    let mut links = 0;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            if real == bounds || !real.pop() {
                return None;
            }
            continue;
        }
        let next = real.join(&part);
        let Ok(to) = fs::read_link(&next) else {
            // No link, or nothing there.
            real = next;
            continue;
        };
        links += 1;
        if links > MAX_LINKS {
            return None;
        }
        let mut inner = if to.is_absolute() {
            real = bounds.to_owned();
            parts(to.strip_prefix(bounds).ok()?)
        } else {
            parts(&to)
        };
        inner.append(&mut ahead);
        ahead = inner;
    }
    Some(real)
}

/// The parts of a path that mean something.
fn parts(path: &Path) -> VecDeque<OsString> {
    let meant = path.components().filter(|part| !matches!(part, Component::CurDir));
    meant.map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_up_to_the_edge() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("a folder");
        let bounds = top.join("tree");
        fs::create_dir_all(bounds.join("a/b")).expect("folders");
        fs::create_dir_all(top.join("tree2")).expect("a folder");
        fs::write(bounds.join("a/file"), "x").expect("a file");
        for (to, name) in [
            ("a/file", "good"),
            ("../..", "a/b/up"),
            ("/etc", "out"),
            ("../tree2", "beside"),
            ("loop", "loop"),
            ("../tree/a", "in_and_out"),
            ("a/new", "dangling"),
            ("out/deeper", "through"),
        ] {
            symlink(to, bounds.join(name)).expect("a link");
        }
        symlink(bounds.join("a"), bounds.join("absolute")).expect("a link");
        for (path, leads_to) in [
            ("", Some("")),
            ("a/./file", Some("a/file")),
            ("good", Some("a/file")),
            ("a/b/up/good", Some("a/file")),
            ("a/../a/file", Some("a/file")),
            ("dangling/x", Some("a/new/x")),
            ("new/folder", Some("new/folder")),
            ("absolute/file", Some("a/file")),
            ("..", None),
            ("a/../../tree/a", None),
            ("out", None),
            ("out/passwd", None),
            ("out/is/not/there", None),
            ("through", None),
            ("beside", None),
            ("in_and_out", None),
            ("loop", None),
        ] {
            let expected = leads_to.map(|leads_to| match leads_to {
                "" => bounds.clone(),
                inside => bounds.join(inside),
            });
            assert_eq!(within(&bounds, &bounds.join(path)), expected, "{path}");
        }
        for outside in ["/etc/passwd", "/", "tree/a"] {
            assert_eq!(within(&bounds, Path::new(outside)), None, "{outside}");
        }
        assert_eq!(within(&bounds, &top.join("tree2/a")), None);
    }
}
