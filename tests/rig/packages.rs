//! The newest Docker engine that Debian's suites offer, unpacked into a cache folder beside the system's own.
//! Uses the mirror that this machine's apt is set up with; installs nothing.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the programs of one engine release are; the folders come first in PATH.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    pub folders: Vec<PathBuf>,
}

/// Newest first. `sid` is what the others are made from, but an index may lack a package for a while.
const SUITES: [&str; 3] = ["sid", "testing", "stable"];

impl Programs {
    /// The engine that is installed on this machine.
    pub fn installed() -> Result<Self, String> {
        let programs = Self::default();
        programs.run(&["dockerd", "--version"])?;
        Ok(programs)
    }

    /// The newest release of Debian's suites that runs here. Remove the cache folder to look again.
    pub fn newest() -> Result<Self, String> {
        static NEWEST: OnceLock<Result<Programs, String>> = OnceLock::new();
        let find = || {
            let mut reasons = Vec::new();
            for suite in SUITES {
                match Self::of_suite(suite) {
                    Ok(programs) => return Ok(programs),
                    Err(reason) => reasons.push(format!("{suite}: {reason}")),
                }
            }
            Err(reasons.join("; "))
        };
        NEWEST.get_or_init(find).clone()
    }

    /// The release of one suite of Debian.
    pub fn of_suite(suite: &str) -> Result<Self, String> {
        let cache = cache_folder();
        fs::create_dir_all(&cache).map_err(|error| format!("{}: {error}", cache.display()))?;
        // Tests and test processes run side by side; the first one unpacks.
        let guard = File::create(cache.join("lock")).map_err(|error| error.to_string())?;
        guard.lock().map_err(|error| error.to_string())?;
        unpacked(&cache.join(suite), suite)
    }

    /// The PATH under which an engine finds its helpers.
    pub fn path(&self) -> String {
        let own = self.folders.iter().map(|folder| folder.display().to_string());
        let system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
        own.chain(system.map(str::to_owned)).collect::<Vec<_>>().join(":")
    }

    fn run(&self, words: &[&str]) -> Result<String, String> {
        run(Command::new("env").arg(format!("PATH={}", self.path())).args(words))
    }
}

fn cache_folder() -> PathBuf {
    env::var_os("EVENKEEL_TEST_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/engines"), PathBuf::from)
}

fn unpacked(folder: &Path, suite: &str) -> Result<Programs, String> {
    let root = folder.join("root");
    let folders = ["usr/sbin", "usr/bin"].map(|part| root.join(part)).to_vec();
    let programs = Programs { folders };
    if !folder.join("complete").exists() {
        // For `init: true`: a package of its own since Debian 14.
        download(folder, suite, &[&["docker.io"], &["containerd"], &["runc"], &["tini-static", "tini"]])?;
        // An older C library than the suite's may not run its runc: the installed one serves as well.
        let runc = root.join("usr/sbin/runc");
        if run(Command::new(&runc).arg("--version")).is_err() {
            fs::remove_file(&runc).map_err(|error| format!("{}: {error}", runc.display()))?;
        }
        for words in [["dockerd", "--version"], ["containerd", "--version"], ["runc", "--version"]] {
            programs.run(&words)?;
        }
        File::create(folder.join("complete")).map_err(|error| error.to_string())?;
    }
    Ok(programs)
}

/// `docker` with its plugin `buildx`, of the newest suite of Debian whose programs run here.
pub struct Buildx {
    /// What comes first in PATH.
    pub programs: PathBuf,
    pub plugin: PathBuf,
}

/// Unpacks it once. Says why there is none.
pub fn buildx() -> Result<&'static Buildx, String> {
    static BUILDX: OnceLock<Result<Buildx, String>> = OnceLock::new();
    let find = || {
        let mut reasons = Vec::new();
        for suite in SUITES {
            match buildx_of(suite) {
                Ok(buildx) => return Ok(buildx),
                Err(reason) => reasons.push(format!("{suite}: {reason}")),
            }
        }
        Err(reasons.join("; "))
    };
    BUILDX.get_or_init(find).as_ref().map_err(Clone::clone)
}

fn buildx_of(suite: &str) -> Result<Buildx, String> {
    let folder = cache_folder().join(format!("buildx-{suite}"));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let guard = File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    guard.lock().map_err(|error| error.to_string())?;
    if !folder.join("complete").exists() {
        download(&folder, suite, &[&["docker-buildx"], &["docker-cli", "docker.io"]])?;
        File::create(folder.join("complete")).map_err(|error| error.to_string())?;
    }
    let root = folder.join("root");
    let places = ["usr/libexec/docker/cli-plugins", "usr/lib/docker/cli-plugins"];
    let mut plugins = places.iter().map(|place| root.join(place).join("docker-buildx"));
    let plugin = plugins.find(|plugin| plugin.exists()).ok_or("the package has no plugin")?;
    let buildx = Buildx { programs: root.join("usr/bin"), plugin };
    run(Command::new(&buildx.plugin).arg("version"))?;
    run(Command::new(buildx.programs.join("docker")).arg("--version"))?;
    Ok(buildx)
}

/// Unpacks packages of a suite; of each list the first that the suite has.
fn download(folder: &Path, suite: &str, packages: &[&[&str]]) -> Result<(), String> {
    let text = |path: &str| folder.join(path).display().to_string();
    for part in ["lists/partial", "cache/archives/partial", "sources", "root"] {
        fs::create_dir_all(folder.join(part)).map_err(|error| error.to_string())?;
    }
    fs::write(folder.join("status"), "").map_err(|error| error.to_string())?;
    let keyring = Path::new("/usr/share/keyrings/debian-archive-keyring.gpg");
    let signed_by =
        if keyring.exists() { format!("Signed-By: {}\n", keyring.display()) } else { String::new() };
    let source = format!("Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\n{signed_by}", mirror()?);
    fs::write(folder.join("sources/suite.sources"), source).map_err(|error| error.to_string())?;

    let apt = || {
        let mut command = Command::new("apt-get");
        command.current_dir(folder).env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y"]);
        for option in [
            "Dir::Etc::sourcelist=/dev/null".to_owned(),
            format!("Dir::Etc::sourceparts={}", text("sources")),
            format!("Dir::State::lists={}", text("lists")),
            format!("Dir::State::status={}", text("status")),
            format!("Dir::Cache={}", text("cache")),
            // The cache folder need not be readable for apt's own user.
            "APT::Sandbox::User=root".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=2".to_owned(),
            "Acquire::http::Timeout=20".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    };
    // Without the option an unreachable mirror is only a warning.
    run(apt().args(["update", "--error-on=any"]))?;
    for alternatives in packages {
        let mut tried = alternatives.iter().map(|package| run(apt().args(["download", package])));
        let first = tried.next().unwrap_or_else(|| Err("no package is named".to_owned()));
        first.or_else(|reason| tried.find_map(Result::ok).ok_or(reason))?;
    }
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
        let package = entry.path();
        if package.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(&package).arg(folder.join("root")))?;
            fs::remove_file(&package).map_err(|error| error.to_string())?;
        }
    }
    // The index is a hundred megabytes and has served its purpose.
    for part in ["lists", "cache"] {
        fs::remove_dir_all(folder.join(part)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The mirror of Debian's main archive that this machine uses.
fn mirror() -> Result<String, String> {
    let format = "$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)";
    let targets = run(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    targets
        .lines()
        .filter_map(|line| line.strip_prefix("Packages main "))
        .filter_map(|line| line.split_once(' '))
        // Security and update suites live elsewhere or lack most packages.
        .find(|(release, uri)| !release.contains('-') && uri.contains("debian"))
        .map(|(_, uri)| uri.to_owned())
        .ok_or_else(|| "apt knows no mirror of Debian's main archive".to_owned())
}

fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
    Err(format!("{name} failed: {reason}"))
}
