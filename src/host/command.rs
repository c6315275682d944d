//! Runs commands of this machine's shell, with a bound.

use std::process::{Output, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; nothing if a signal ended it.
    pub code: Option<i32>,
    /// The last lines of both streams.
    pub output: Vec<String>,
}

impl Finished {
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommandError {
    #[error("cannot run `{command}`: {reason}")]
    NotStarted { command: String, reason: String },
    #[error("`{command}` did not end within {seconds} s and was killed")]
    TooLong { command: String, seconds: u64 },
}

/// Runs the words behind it in their process group, with a watchdog at standard input: when that ends without a line,
/// whoever waits for the command has died, and the command goes with it, and all that it has started.
const GUARDED: &str = "exec 3<&0 </dev/null; \
    { read -r line <&3 || kill -s KILL -- \"-$$\"; } >/dev/null 2>&1 & \
    exec 3<&-; exec \"$@\"";
/// How many lines of output are kept.
const LINES: usize = 20;

/// What a command said, apart by its streams.
pub struct Captured {
    /// The exit code; nothing if a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub printed: Vec<u8>,
    /// The last lines of standard error.
    pub complaints: Vec<String>,
}

/// Runs a command with `sh -c` for what it prints.
///
/// # Errors
/// As [`run_command`].
pub async fn capture_command(command: &str, bound: Duration) -> Result<Captured, CommandError> {
    let output = output(command, &["sh", "-c", command], &[], bound).await?;
    Ok(Captured {
        code: output.status.code(),
        complaints: last_lines(&output.stderr),
        printed: output.stdout,
    })
}

/// Runs a command with `sh -c`. One that passes the bound is killed with all it started.
///
/// # Errors
/// If it could not be started or did not end. What its exit code means is the caller's matter.
pub async fn run_command(command: &str, bound: Duration) -> Result<Finished, CommandError> {
    run(command, &["sh", "-c", command], &[], bound).await
}

/// Runs a program with its arguments and some more variables in its environment, in the same way.
///
/// # Errors
/// If it could not be started or did not end.
pub async fn run_program(
    words: &[String],
    environment: &[(String, String)],
    bound: Duration,
) -> Result<Finished, CommandError> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(&words.join(" "), &words, environment, bound).await
}

async fn run(
    command: &str,
    words: &[&str],
    environment: &[(String, String)],
    bound: Duration,
) -> Result<Finished, CommandError> {
    let output = output(command, words, environment, bound).await?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Finished { code: output.status.code(), output: last_lines(&text) })
}

fn last_lines(text: &[u8]) -> Vec<String> {
    let lines: Vec<String> = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

async fn output(
    command: &str,
    words: &[&str],
    environment: &[(String, String)],
    bound: Duration,
) -> Result<Output, CommandError> {
    let not_started = |error: std::io::Error| CommandError::NotStarted {
        command: command.to_owned(),
        reason: error.to_string(),
    };
    let mut child = Command::new("sh")
        .args(["-c", GUARDED, "sh"])
        .args(words)
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0)
        .spawn()
        .map_err(not_started)?;
    let group = child.id();
    let mut life = child.stdin.take();
    match tokio::time::timeout(bound, child.wait_with_output()).await {
        Ok(Ok(output)) => {
            // Its watchdog need not be there any more.
            if let Some(life) = &mut life {
                _ = life.write_all(b"\n").await;
            }
            Ok(output)
        }
        Ok(Err(error)) => Err(not_started(error)),
        Err(_) => {
            if let Some(group) = group {
                kill_group(group).await;
            }
            Err(CommandError::TooLong { command: command.to_owned(), seconds: bound.as_secs() })
        }
    }
}

/// Ends a process and its children. The shell's own death would leave them running.
async fn kill_group(group: u32) {
    let killed =
        Command::new("sh").args(["-c", &format!("kill -s KILL -- -{group}")]).stderr(Stdio::null()).status();
    // Nothing is left to do if it does not work: the group may be gone already.
    let _ = killed.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn exit_codes_and_output_are_told() {
        let finished =
            run_command("echo a; echo b >&2; exit 3", Duration::from_secs(60)).await.expect("runs");
        assert_eq!((finished.code, finished.output), (Some(3), vec!["a".to_owned(), "b".to_owned()]));
    }

    #[tokio::test]
    async fn a_command_that_nobody_waits_for_any_more_is_killed_with_its_children() {
        let folder = tempfile::tempdir().expect("a folder");
        let ran = folder.path().join("ran");
        let script = format!("(sleep 1.5; touch {0}) & sleep 1.5; touch {0}", ran.display());
        let waited =
            tokio::time::timeout(Duration::from_millis(300), run_command(&script, Duration::from_secs(60)));
        assert!(waited.await.is_err(), "the waiting was given up");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        assert!(!ran.exists());
        let words = ["printf", "%s.", "a b", "$X"].map(str::to_owned);
        let finished = run_program(&words, &[], Duration::from_secs(60)).await.expect("runs");
        assert_eq!((finished.code, finished.output), (Some(0), vec!["a b.$X.".to_owned()]));
        let none = run_program(&["/no/such/program".to_owned()], &[], Duration::from_secs(60)).await;
        assert_eq!(none.expect("sh says it").code, Some(127));
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_killed_with_its_children() {
        let began = std::time::Instant::now();
        let error = run_command("sleep 300 | sleep 300", Duration::from_millis(200)).await;
        assert!(matches!(error, Err(CommandError::TooLong { .. })), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(200));
    }
}
