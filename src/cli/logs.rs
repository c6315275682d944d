//! `evenkeel logs`: what did a revision write?

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use crate::engine::{LogStream, LogWish, Tail};
use crate::report;
use crate::run::{self, Ambient, LogOptions, RevisionName};

/// Shows the log of a container, or of an earlier revision of it that is kept.
///
/// What the container wrote to standard output and to standard error goes there again, byte for byte; to a terminal
/// without control characters other than colours. A revision whose container is gone has no log any more.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct LogsArgs {
    /// A container by its name, or a revision of it, such as `web@2` or `web.r3.failed`.
    #[arg(value_name = "NAME")]
    name: RevisionName,

    /// Which revision of it. [default: the one that has the name now]
    #[arg(long, value_name = "N")]
    revision: Option<u32>,

    /// How many of the last lines, or `all`.
    #[arg(short = 'n', long, value_name = "N", default_value = "100", value_parser = tail)]
    tail: Tail,

    /// Go on with what it writes from now on, until it ends or you press Ctrl-C.
    #[arg(short, long)]
    follow: bool,

    /// The time, as the engine has it, before each line.
    #[arg(short, long)]
    timestamps: bool,

    /// The engine: unix:///…, tcp://…, ssh://user@host, or the name of a docker context.
    /// [default: DOCKER_HOST, else DOCKER_CONTEXT, else the current docker context]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
}

const EXAMPLES: &str = "Examples:
  evenkeel logs web --follow
  evenkeel logs web --revision 11 --tail all --timestamps
  evenkeel logs web.r12.failed";

fn tail(text: &str) -> Result<Tail, String> {
    match text {
        "all" => Ok(Tail::All),
        lines => lines.parse().map(Tail::Lines).map_err(|_| "it takes a whole number, or `all`".to_owned()),
    }
}

pub(super) async fn run(args: LogsArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let mut name = args.name;
    match (name.number, args.revision) {
        (Some(named), Some(wanted)) if named != wanted => {
            let told = format!("`{}` is not `--revision {wanted}`; name one of them", name.typed);
            screen.error(&told, None);
            return ExitCode::Usage;
        }
        (_, Some(wanted)) => {
            name = RevisionName { typed: format!("{}@{wanted}", name.name), number: Some(wanted), ..name };
        }
        (_, None) => {}
    }
    let wish = LogWish { tail: args.tail, is_followed: args.follow, is_stamped: args.timestamps };
    let options = LogOptions { name, host: args.host, wish };
    let unwritten = Mutex::new(None);
    let tell = |stream, piece: &[u8]| match write(stream, piece) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            // A reader who has gone away is no reason to fail.
            if error.kind() != io::ErrorKind::BrokenPipe
                && let Ok(mut unwritten) = unwritten.lock()
            {
                *unwritten = Some(error);
            }
            ControlFlow::Break(())
        }
    };
    if let Err(error) = run::logs(&options, ambient, &tell).await {
        return screen.run_error(&error);
    }
    match unwritten.into_inner() {
        Ok(Some(error)) => {
            screen.error(&format!("cannot write the log: {error}"), None);
            ExitCode::StateFailed
        }
        Ok(None) | Err(_) => ExitCode::Fine,
    }
}

fn write(stream: LogStream, piece: &[u8]) -> io::Result<()> {
    match stream {
        LogStream::Out => write_to(io::stdout().lock(), piece),
        LogStream::Err => write_to(io::stderr().lock(), piece),
    }
}

fn write_to(mut out: impl Write + IsTerminal, piece: &[u8]) -> io::Result<()> {
    if out.is_terminal() {
        out.write_all(report::terminal_safe(piece).as_bytes())?;
    } else {
        out.write_all(piece)?;
    }
    out.flush()
}
