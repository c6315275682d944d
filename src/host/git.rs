//! Where the files of a folder come from, as `git` tells it. Changes nothing.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What is known of a folder; nothing of one that no repository has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitOrigin {
    /// The URL that the repository was cloned from, without credentials.
    pub remote: Option<String>,
    /// The commit, with `-dirty` behind it if the folder is not as it was committed.
    pub commit: Option<String>,
}

/// How long one question may take.
const BOUND: Duration = Duration::from_secs(20);

/// Asks `git` about a folder.
pub async fn git_origin(folder: &Path) -> GitOrigin {
    // Of a folder that the commit does not have, the repository around it says nothing.
    let named = async |revision| ask(folder, &["rev-parse", "--verify", "--quiet", revision]).await;
    let (Some(_), Some(commit)) = (named("HEAD:./").await, named("HEAD").await) else {
        return GitOrigin::default();
    };
    let changed = ask(folder, &["status", "--porcelain", "--untracked-files=all", "--", "."]).await;
    // In doubt nobody should build on it.
    let is_clean = changed.is_some_and(|changed| changed.is_empty());
    let commit = if is_clean { commit } else { format!("{commit}-dirty") };
    GitOrigin { remote: remote(folder).await, commit: Some(commit) }
}

/// The URL of `origin`, else of the first remote.
async fn remote(folder: &Path) -> Option<String> {
    let names = ask(folder, &["remote"]).await?;
    let name = names.lines().find(|name| *name == "origin").or_else(|| names.lines().next())?;
    let url = ask(folder, &["config", "--get", &format!("remote.{name}.url")]).await?;
    Some(without_credentials(&url)).filter(|url| !url.is_empty())
}

/// What it says, without the last line break; nothing if it is not there or says no.
async fn ask(folder: &Path, words: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    // A folder that only looks like a repository may be anybody's, and its settings name programs.
    command.args(["-c", "safe.bareRepository=explicit"]).args(words);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    // A hook that starts this program would have it ask about its own repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"] {
        command.env_remove(name);
    }
    // It only reads, so it may be given up.
    let output = tokio::time::timeout(BOUND, command.kill_on_drop(true).output()).await.ok()?.ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    output.status.success().then_some(said)
}

/// A URL without what lets somebody in: passwords and tokens, whatever stands behind `?` and `#`.
/// The user of SSH says nothing, and stays.
fn without_credentials(url: &str) -> String {
    let url = url.trim();
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path`, or a path of this machine.
        return url.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let user = user.split(':').next().unwrap_or_default();
    match scheme.to_ascii_lowercase().contains("ssh") && !user.is_empty() {
        true => format!("{scheme}://{user}@{host}{path}"),
        false => format!("{scheme}://{host}{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn credentials_are_taken_out_of_urls() {
        for (url, shown) in [
            ("https://me:s3cret@git.example/shop/web.git", "https://git.example/shop/web.git"),
            ("https://ghp_token@git.example/shop", "https://git.example/shop"),
            ("https://me:p@ss@git.example:8443/a@b", "https://git.example:8443/a@b"),
            ("https://git.example/x?access_token=t#y", "https://git.example/x"),
            ("HTTPS://a:b@git.example", "HTTPS://git.example"),
            ("ssh://git:pw@git.example:22/x", "ssh://git@git.example:22/x"),
            ("git+ssh://git@git.example/x", "git+ssh://git@git.example/x"),
            ("git@git.example:shop/web.git", "git@git.example:shop/web.git"),
            ("/srv/git/web.git\n", "/srv/git/web.git"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }

    fn git(folder: &Path, words: &str) {
        let run = std::process::Command::new("git")
            .args(["-c", "user.name=ann", "-c", "user.email=a@example"])
            .args(words.split(' '))
            .current_dir(folder)
            .output();
        let run = run.expect("git is installed");
        assert!(run.status.success(), "git {words}: {}", String::from_utf8_lossy(&run.stderr));
    }

    #[tokio::test]
    async fn a_folder_is_dirty_if_it_is_not_as_it_was_committed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(git_origin(folder.path()).await, GitOrigin::default());
        git(folder.path(), "init -q");
        assert_eq!(git_origin(folder.path()).await, GitOrigin::default(), "nothing is committed");
        let (image, other) = (folder.path().join("image"), folder.path().join("other"));
        [&image, &other].into_iter().for_each(|folder| fs::create_dir(folder).expect("a folder"));
        fs::write(image.join("Dockerfile"), "FROM scratch").expect("a file");
        git(folder.path(), "add .");
        git(folder.path(), "commit -q -m one");
        git(folder.path(), "remote add origin https://me:s3cret@git.example/x.git");
        let clean = git_origin(&image).await;
        assert_eq!(clean.remote.as_deref(), Some("https://git.example/x.git"));
        let commit = clean.commit.clone().expect("a commit");
        assert!(commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{commit}");
        // What the commit does not have is not of this repository; what is elsewhere does not count.
        assert_eq!(git_origin(&other).await, GitOrigin::default());
        fs::write(other.join("file"), "x").expect("a file");
        assert_eq!(git_origin(&image).await, clean);
        fs::write(image.join("new"), "x").expect("a file");
        assert_eq!(git_origin(&image).await.commit, Some(format!("{commit}-dirty")));
    }

    /// Its settings are as anybody's who wrote the files, and `git` would run the programs that they name.
    #[tokio::test]
    async fn a_folder_that_looks_like_a_repository_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let (app, ran) = (folder.path().join("app"), folder.path().join("ran"));
        git(folder.path(), "init -q --bare app");
        git(&app, "config core.bare false");
        git(&app, "config core.worktree .");
        fs::write(app.join(".gitattributes"), "* filter=own").expect("a file");
        fs::write(app.join("file"), "1").expect("a file");
        git(&app, "--git-dir=. --work-tree=. add file .gitattributes");
        git(&app, "--git-dir=. --work-tree=. commit -q -m x");
        let config = app.join("config");
        let text = fs::read_to_string(&config).expect("settings");
        let filter = format!("[filter \"own\"]\n\tclean = \"touch {}; cat\"\n", ran.display());
        fs::write(config, text + &filter).expect("settings");
        fs::write(app.join("file"), "2").expect("a file");
        assert_eq!(git_origin(&app).await, GitOrigin::default());
        assert!(!ran.exists());
    }
}
