//! Builds with `docker buildx`, an external program, for the same engine. Secrets go from a file or a variable to
//! it; nothing secret is an argument, which every user of this machine could read.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use super::address::Address;
use super::performer::Performer;
use super::{PerformError, Progress};
use crate::host::Context;
use crate::world::{BuildSpec, Naming, SecretOrigin};

/// How long it may be silent: a step that compiles may write nothing for long.
const SILENCE: Duration = Duration::from_secs(3600);
/// How many of its last lines are shown if it fails.
const OUTPUT: usize = 30;

impl Performer {
    /// Gives it the context, and reads the image's id back from the engine.
    pub(super) async fn build_with_buildx(
        &self,
        build: &BuildSpec,
        context: Context,
        progress: Progress<'_>,
    ) -> Result<String, PerformError> {
        let refused = |message: String| PerformError::Refused { status: None, message };
        let cannot = |error: std::io::Error| refused(format!("run `docker buildx`: {error}"));
        let folder = tempfile_folder().map_err(cannot)?;
        let told_id = folder.join("id");
        let mut command = Command::new("docker");
        command
            .args(connection(self.client().address()))
            .args(arguments(build))
            .arg("--iidfile")
            .arg(&told_id);
        command.arg("-");
        command.envs(hidden_arguments(build).map(|(name, value)| (name.clone(), value.clone())));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().map_err(cannot)?;
        let ended = run(child, context, progress).await;
        let id = std::fs::read_to_string(&told_id).unwrap_or_default().trim().to_owned();
        // A folder of two names in the system's own place; whoever empties that takes it as well.
        let _ = std::fs::remove_dir_all(&folder);
        ended?;
        let name = if build.naming == Naming::Named { &build.tag } else { &id };
        self.image_id(name).await
    }
}

/// A folder of our own for what the program writes.
fn tempfile_folder() -> std::io::Result<std::path::PathBuf> {
    use std::os::unix::fs::DirBuilderExt;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let name = format!("evenkeel-{}-{}", std::process::id(), now.as_nanos());
    let folder = std::env::temp_dir().join(name);
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Which engine it is to speak to: ours, whatever its own configuration says.
fn connection(address: &Address) -> Vec<String> {
    let mut words = vec!["--host".to_owned(), address.to_string()];
    if let Address::Tcp { tls: Some(files), .. } = address {
        words.push("--tlsverify".to_owned());
        let named = [
            ("--tlscacert", &files.ca),
            ("--tlscert", &files.identity.as_ref().map(|identity| identity.cert.clone())),
            ("--tlskey", &files.identity.as_ref().map(|identity| identity.key.clone())),
        ];
        for (flag, path) in named {
            words.extend(path.iter().flat_map(|path| [flag.to_owned(), path.display().to_string()]));
        }
    }
    words
}

fn arguments(build: &BuildSpec) -> Vec<String> {
    let mut words: Vec<String> = ["buildx", "--builder", "default", "build", "--load", "--progress", "plain"]
        .map(str::to_owned)
        .into();
    let mut say = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    say("--file", &build.dockerfile);
    if build.naming == Naming::Named {
        say("--tag", &build.tag);
    }
    for (name, value) in &build.args {
        match is_hidden(name) {
            true => say("--build-arg", name),
            false => say("--build-arg", &format!("{name}={value}")),
        }
    }
    build.labels.iter().for_each(|(key, value)| say("--label", &format!("{key}={value}")));
    build.target.iter().for_each(|target| say("--target", target));
    let options = &build.options;
    options.platform.iter().for_each(|platform| say("--platform", platform));
    options.network.iter().for_each(|network| say("--network", network));
    options.cache_from.iter().for_each(|image| say("--cache-from", image));
    options.extra_hosts.iter().for_each(|host| say("--add-host", host));
    for (id, origin) in &options.secrets {
        match origin {
            SecretOrigin::File(path) => say("--secret", &format!("id={id},src={}", path.display())),
            SecretOrigin::Env(name) => say("--secret", &format!("id={id},env={name}")),
        }
    }
    if let Some(size) = options.limits.get("shmsize") {
        say("--shm-size", size);
    }
    let limits: Vec<serde_json::Value> = options
        .limits
        .get("ulimits")
        .and_then(|limits| serde_json::from_str(limits).ok())
        .unwrap_or_default();
    for limit in limits {
        say(
            "--ulimit",
            &format!("{}={}:{}", limit["Name"].as_str().unwrap_or(""), limit["Soft"], limit["Hard"]),
        );
    }
    for (is_wanted, flag) in [(options.no_cache, "--no-cache"), (options.pull, "--pull")] {
        words.extend(is_wanted.then(|| flag.to_owned()));
    }
    words
}

/// Arguments may be secret all the same, so they go by the environment, unless the name means
/// something to the program itself.
fn is_hidden(name: &str) -> bool {
    let is_known = |name: &str| {
        matches!(name, "PATH" | "HOME" | "TMPDIR" | "USER" | "SHELL" | "LANG")
            || [
                "DOCKER", "BUILDX", "BUILDKIT", "SSH", "XDG_", "LD_", "GO", "OTEL", "LC_", "SSL_CERT",
                "GLIBC_", "MALLOC_",
            ]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            || name.to_ascii_lowercase().ends_with("_proxy")
    };
    !name.is_empty() && !is_known(name)
}

fn hidden_arguments(build: &BuildSpec) -> impl Iterator<Item = (&String, &String)> {
    build.args.iter().filter(|(name, _)| is_hidden(name))
}

/// Writes the context to the program and listens until it ends. It is never cut off.
async fn run(mut child: Child, context: Context, progress: Progress<'_>) -> Result<(), PerformError> {
    let (sender, mut lines) = mpsc::unbounded_channel();
    let stdin = child.stdin.take();
    let stderr = child.stderr.take();
    let ended = tokio::spawn(async move {
        let written = stdin.map(|mut stdin| {
            tokio::spawn(async move {
                let packed = tokio::task::spawn_blocking(move || {
                    let mut bytes = Vec::new();
                    context.write_tar(&mut bytes).map(|()| bytes)
                });
                match packed.await.map_err(std::io::Error::other)? {
                    // If it does not listen any more, it says why itself.
                    Ok(bytes) => stdin.write_all(&bytes).await.or(Ok(())),
                    Err(error) => Err(error),
                }
            })
        });
        if let Some(stderr) = stderr {
            let mut told = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = told.next_line().await {
                // Nobody listens any more if the silence was too long.
                let _ = sender.send(line);
            }
        }
        let written = match written {
            Some(written) => written.await.map_err(std::io::Error::other).and_then(|written| written),
            None => Ok(()),
        };
        (written, child.wait().await)
    });
    let mut output: Vec<String> = Vec::new();
    loop {
        match tokio::time::timeout(SILENCE, lines.recv()).await {
            Ok(Some(line)) => {
                if line.contains(" [") {
                    progress(line.clone());
                }
                output.push(line);
                output.drain(..output.len().saturating_sub(OUTPUT));
            }
            Ok(None) => break,
            Err(_) => {
                let reason = format!("docker buildx said nothing for {} s", SILENCE.as_secs());
                return Err(PerformError::Lost { reason });
            }
        }
    }
    let failed = |message: String, output| Err(PerformError::Failed { message, output });
    match ended.await {
        Ok((Ok(()), Ok(status))) if status.success() => Ok(()),
        Ok((Err(error), _)) => failed(format!("read the build context: {error}"), output),
        Ok((_, Ok(status))) => failed(format!("docker buildx ended with {status}"), output),
        Ok((_, Err(error))) => failed(format!("docker buildx: {error}"), output),
        Err(error) => failed(format!("docker buildx: {error}"), output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{BuildOptions, Builder};

    #[test]
    fn nothing_secret_is_an_argument() {
        let args = [("TOKEN", "s3cret"), ("PATH", "/bin")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let secrets = [
            ("a".to_owned(), SecretOrigin::File("/run/token".into())),
            ("b".to_owned(), SecretOrigin::Env("B_TOKEN".to_owned())),
        ];
        let build = BuildSpec {
            tag: "web:1".to_owned(),
            naming: Naming::Named,
            context: "/srv".into(),
            dockerfile: "Dockerfile".to_owned(),
            args: args.into(),
            target: None,
            labels: [].into(),
            origin: None,
            options: BuildOptions { secrets: secrets.into(), no_cache: true, ..BuildOptions::default() },
            builder: Builder::Buildx,
        };
        let words = arguments(&build).join(" ");
        assert!(!words.contains("s3cret"), "{words}");
        assert!(words.contains("--build-arg PATH=/bin --build-arg TOKEN"), "{words}");
        assert!(words.contains("--secret id=a,src=/run/token --secret id=b,env=B_TOKEN"), "{words}");
        assert!(words.ends_with("--no-cache"), "{words}");
        assert_eq!(hidden_arguments(&build).map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["TOKEN"]);
    }
}
