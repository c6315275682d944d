//! `evenkeel verify`: is an image sound?

use std::fmt::Write;
use std::time::Duration;

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use super::signals;
use crate::run::{self, Ambient, Validated, Verified, VerifyOptions};
use crate::world::Gate;

/// Says whether an image is sound: starts it, waits, validates it, and removes it again.
///
/// A throw-away container of the image runs with its defaults. It has to become healthy or, if it has no
/// healthcheck, to stay up for some time. Then what the image's label `io.evenkeel.lifecycle.validate` says is run
/// in it with `/bin/sh -c`. The container and its anonymous volumes are removed, whatever came of it. An image
/// that the engine does not have is pulled. Exit code 0: it is sound; 1: it is not.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// The image: a name, or an id.
    #[arg(value_name = "IMAGE")]
    image: String,

    /// How long it has to stay up if it has no healthcheck, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    stable_for: u64,

    /// How long it may take until it is healthy, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel verify shop/web:1.4
  evenkeel verify shop/web:1.4 --timeout 180 && docker push shop/web:1.4";

pub(super) async fn run(args: VerifyArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let gate = Gate {
        stable_for: Duration::from_secs(args.stable_for),
        timeout: Duration::from_secs(args.timeout.max(args.stable_for.saturating_add(10))),
        ..Gate::default()
    };
    let options = VerifyOptions { image: args.image, host: args.host, gate };
    let progress = screen.progress();
    signals::listen(&ambient.stop, &progress);
    let verified = run::verify(&options, ambient, &|event| progress.show(&event)).await;
    progress.finish();
    let code = match verified {
        Ok(verified) => {
            let printed = screen.print(&text(&verified));
            if verified.is_sound() { printed } else { ExitCode::StateFailed }
        }
        Err(error) => screen.run_error(&error),
    };
    ambient.stop.requested().map_or(code, ExitCode::of_signal)
}

fn text(verified: &Verified) -> String {
    let mut text = String::new();
    let image = &verified.image;
    match &verified.gate {
        Ok(took) => _ = writeln!(text, "{image}: it runs, proven after {:.1} s", took.as_secs_f64()),
        Err(reason) => _ = writeln!(text, "{image}: it does not run: {reason}"),
    }
    verified.output.iter().for_each(|line| _ = writeln!(text, "  | {line}"));
    if let Some(validation) = &verified.validation {
        text.push_str(&validated(image, validation));
    }
    if let Some(left) = &verified.left {
        _ = writeln!(text, "left behind: {left}");
    }
    _ = writeln!(text, "{}", if verified.is_sound() { "sound" } else { "not sound" });
    text
}

fn validated(image: &str, validation: &Validated) -> String {
    let Validated { command, code, output, took } = validation;
    let mut text = match code {
        Ok(0) => format!("{image}: `{command}` found nothing wrong in {:.1} s\n", took.as_secs_f64()),
        Ok(code) => {
            format!("{image}: `{command}` ended with exit code {code} after {:.1} s\n", took.as_secs_f64())
        }
        Err(reason) => format!("{image}: `{command}` could not be run: {reason}\n"),
    };
    output.iter().for_each(|line| _ = writeln!(text, "  | {line}"));
    text
}
