//! `evenkeel validate`: do containers do what they are there for?

use std::time::Duration;

use clap::Args;

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use super::signals;
use crate::plan::MethodReport;
use crate::report;
use crate::run::{self, Ambient, MethodOptions, RunError, Which};

/// Runs the validation that containers declare, and puts the result on record.
///
/// What the container's label `io.evenkeel.lifecycle.validate` says (its image's, unless the container has its own)
/// is run in it with `/bin/sh -c`; whoever made the container is no matter. What it writes is shown on standard
/// error as it comes. Result, exit code and duration are kept, with the revision and the digests of the image:
/// `evenkeel status` shows them, and `require: [validated]` of a stage asks for them. What was written is not kept.
/// Exit code 0: all passed; 1: one did not.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ValidateArgs {
    /// Names of containers, or ids.
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<String>,

    /// All running containers that declare a validation, of every project.
    #[arg(long, conflicts_with = "names")]
    all: bool,

    #[command(flatten)]
    common: MethodArgs,
}

/// What validations and updates have in common.
#[derive(Debug, Args)]
pub(super) struct MethodArgs {
    /// How long each is waited for: `90`, `90s`, `5m` or `1h`. What has not ended then goes on in its container.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    timeout: Duration,

    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,

    #[command(flatten)]
    output: OutputArgs,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel validate web
  evenkeel validate --all --timeout 10m
  evenkeel validate web db --json --why 'before the promotion'";

pub(super) async fn run(args: ValidateArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let which = if args.all { Which::All } else { Which::Named(args.names) };
    let is_json = args.common.is_json();
    let options = args.common.resolve(which);
    let progress = screen.progress();
    signals::listen(&ambient.stop, &progress);
    let outcome = run::validate(&options, ambient, &|event| progress.show(&event)).await;
    progress.finish();
    finish(outcome, is_json, ambient, screen)
}

impl MethodArgs {
    pub(super) fn is_json(&self) -> bool {
        self.output.is_json()
    }

    pub(super) fn resolve(self, which: Which) -> MethodOptions {
        MethodOptions { which, host: self.host, timeout: self.timeout, why: self.why }
    }
}

/// Prints what came of methods.
pub(super) fn finish(
    outcome: Result<MethodReport, RunError>,
    is_json: bool,
    ambient: &Ambient,
    screen: &Screen,
) -> ExitCode {
    let code = match outcome {
        Ok(report) => {
            let text =
                if is_json { report::methods_json(&report) } else { report::methods(&report, &screen.view) };
            let printed = screen.print(&text);
            report.warnings.iter().for_each(|text| screen.remark(&report::warning(text)));
            let ended = if report.is_passed() { ExitCode::Fine } else { ExitCode::StateFailed };
            ExitCode::combined([ended, printed])
        }
        Err(error) => screen.run_error(&error),
    };
    ambient.stop.requested().map_or(code, ExitCode::of_signal)
}

/// Seconds, or a number with a unit.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let seconds = match &text[digits..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match text[..digits].parse::<u32>().ok().map(|number| u64::from(number) * seconds) {
        Some(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        Some(0) | None => Err("a time is written such as `90`, `90s`, `5m` or `1h`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let seconds = |text| time(text).map(|time| time.as_secs()).ok();
        assert_eq!(["90", "90s", "5m", "1h"].map(seconds), [Some(90), Some(90), Some(300), Some(3600)]);
        assert_eq!(["", "0", "m", "5x", "-1", "99999999999"].map(seconds), [None; 6]);
    }
}
