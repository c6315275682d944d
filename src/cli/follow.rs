//! A process that goes on when whoever started it goes away, and showing what it writes.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::exit_code::ExitCode;
use super::screen::Screen;
use crate::report;
use crate::trigger::TriggerError;

/// How often somebody is told that something is still going on.
const HEARTBEAT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// Starts a process that nobody's going away ends, and shows what it writes into its log, an open file.
pub(super) fn follow(
    mut command: Command,
    file: File,
    log: &Path,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let failed = |error: std::io::Error| TriggerError::Asked(format!("{}: {error}", log.display()));
    file.set_len(0).map_err(failed)?;
    let mut shown = File::open(log).map_err(failed)?;
    // A group of its own: what ends the pusher's session does not end it.
    command.process_group(0).stdin(Stdio::null()).stdout(file.try_clone().map_err(failed)?).stderr(file);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(failed)?;
    screen.remark(&report::lines_of(&format!(
        "evenkeel: goes on if you go away; look again: tail -f {}\n",
        log.display()
    )));
    let (mut at, mut spoke) = (0, Instant::now());
    loop {
        let ended = child.try_wait().map_err(failed)?;
        let mut new = Vec::new();
        shown.seek(SeekFrom::Start(at)).map_err(failed)?;
        // What cannot be read now can be read at the next look.
        _ = shown.read_to_end(&mut new);
        if ended.is_none() {
            // A line that is half written is shown when it is whole.
            new.truncate(new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        }
        at += new.len() as u64;
        if !new.is_empty() {
            spoke = Instant::now();
            let mut out = std::io::stderr();
            _ = out.write_all(&new).and_then(|()| out.flush());
        }
        if let Some(status) = ended {
            if let Some(signal) = status.signal() {
                screen.error(&format!("the run was ended by signal {signal}"), None);
            }
            return Ok(if status.success() { ExitCode::Fine } else { ExitCode::StateFailed });
        }
        if spoke.elapsed() > HEARTBEAT {
            spoke = Instant::now();
            screen.remark("evenkeel: still at work\n");
        }
        std::thread::sleep(LOOK);
    }
}
