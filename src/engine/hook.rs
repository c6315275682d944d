//! Runs the hooks of containers: on this machine, or in one of them.

use std::time::Duration;

use super::performer::Performer;
use super::{Answer, Ended, PerformError, Progress};
use crate::host::run_program;
use crate::world::{Hook, HookCommand};

/// How long a hook may take.
const LONGEST: Duration = Duration::from_secs(600);

impl Performer {
    pub(super) async fn run_hook(&self, hook: &Hook, progress: Progress<'_>) -> Result<Answer, PerformError> {
        let words = hook.command.words();
        let (code, output) = match (&hook.command, hook.container()) {
            (HookCommand::Here(_), _) => {
                let finished = run_program(words, &hook.environment(), LONGEST).await;
                let finished = finished.map_err(|error| PerformError::Failed {
                    message: error.to_string(),
                    output: Vec::new(),
                })?;
                (finished.code.map(i64::from), finished.output)
            }
            (_, Some(container)) => {
                let Ended { code, output } = self.exec(&container.id.to_string(), words, progress).await?;
                (Some(code), output)
            }
            (_, None) => return Ok(Answer::default()),
        };
        match code {
            Some(0) => Ok(Answer::default()),
            Some(code) => Err(PerformError::Failed { message: format!("it exited with {code}"), output }),
            None => Err(PerformError::Failed { message: "it was ended by a signal".to_owned(), output }),
        }
    }
}
