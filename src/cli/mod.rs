//! The command line: one file per subcommand. What was typed (`…Args`) becomes what is meant
//! (`crate::run::…Options`) here, once; what a run takes from its surroundings is collected here.

mod ambient;
mod apply;
mod check;
mod covering;
mod diff;
pub mod exit_code;
mod follow;
mod graph;
mod history;
mod hook;
mod lock;
mod login;
mod logout;
mod logs;
mod metadata;
mod output;
mod pin;
mod pipeline;
mod promote;
mod render;
mod repair;
mod rollback;
mod screen;
mod secret;
mod secret_edit;
mod signals;
mod status;
mod tree;
mod update;
mod validate;
mod verify;

use std::ffi::OsString;
use std::path::Path;

use clap::{Parser, Subcommand};

pub use exit_code::ExitCode;
use screen::{ColorWhen, Screen};

/// Keeps Docker hosts in the state that a few YAML files declare.
///
/// You write what should exist (images, containers, networks, volumes); evenkeel shows field by
/// field what differs, makes it so in dependency order, and does nothing when nothing differs.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", bin_name = "evenkeel", version, arg_required_else_help = true, after_long_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colours. `auto` follows the terminal, NO_COLOR and CLICOLOR_FORCE.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: ColorWhen,

    /// Tell more: every step, where each state is declared, how long it took.
    #[arg(short, long, global = true, help_heading = "Output")]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Apply(apply::ApplyArgs),
    Check(check::CheckArgs),
    Render(render::RenderArgs),
    Graph(graph::GraphArgs),
    Pin(pin::PinArgs),
    Promote(promote::PromoteArgs),
    Pipeline(pipeline::PipelineArgs),
    Verify(verify::VerifyArgs),
    Hook(hook::HookArgs),
    Login(login::LoginArgs),
    Logout(logout::LogoutArgs),
    Validate(validate::ValidateArgs),
    Update(update::UpdateArgs),
    Status(status::StatusArgs),
    History(history::HistoryArgs),
    Diff(diff::DiffArgs),
    Logs(logs::LogsArgs),
    Metadata(metadata::MetadataArgs),
    Examine(metadata::ExamineArgs),
    Repair(repair::RepairArgs),
    Rollback(rollback::RollbackArgs),
    Secret(secret::SecretArgs),
    Lock(lock::LockArgs),
    Unlock(lock::UnlockArgs),
}

/// Runs the program with the arguments of its process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    covering::cover_panics();
    let args = with_subcommand(args);
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output, mistakes to standard error; nobody is left to be told
            // if the stream is closed.
            _ = error.print();
            return usage_code(&error);
        }
    };
    let screen = Screen::new(cli.color, cli.verbose);
    let ambient = match ambient::collect(&args) {
        Ok(ambient) => ambient,
        Err(reason) => {
            screen.error(&reason, None);
            return ExitCode::StateFailed;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen.error(&format!("cannot start: {error}"), None);
            return ExitCode::StateFailed;
        }
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::Apply(args) => apply::run(args, &ambient, &screen).await,
            Command::Check(args) => check::run(args, &ambient, &screen).await,
            Command::Render(args) => render::run(args, &ambient, &screen).await,
            Command::Graph(args) => graph::run(args, &ambient, &screen).await,
            Command::Pin(args) => pin::run(args, &ambient, &screen).await,
            Command::Promote(args) => promote::run(args, &ambient, &screen).await,
            Command::Pipeline(args) => pipeline::run(args, &ambient, &screen).await,
            Command::Verify(args) => verify::run(args, &ambient, &screen).await,
            Command::Hook(args) => hook::run(args, &ambient, &screen).await,
            Command::Login(args) => login::run(args, &ambient, &screen).await,
            Command::Logout(args) => logout::run(&args, &ambient, &screen),
            Command::Validate(args) => validate::run(args, &ambient, &screen).await,
            Command::Update(args) => update::run(args, &ambient, &screen).await,
            Command::Status(args) => status::run(args, &ambient, &screen).await,
            Command::History(args) => history::run(args, &ambient, &screen).await,
            Command::Diff(args) => diff::run(args, &ambient, &screen).await,
            Command::Logs(args) => logs::run(args, &ambient, &screen).await,
            Command::Metadata(args) => metadata::metadata(args, &ambient, &screen).await,
            Command::Examine(args) => metadata::examine(args, &ambient, &screen).await,
            Command::Repair(args) => repair::run(args, &ambient, &screen).await,
            Command::Rollback(args) => rollback::run(args, &ambient, &screen).await,
            Command::Secret(args) => secret::run(args, &ambient, &screen).await,
            Command::Lock(args) => lock::lock(args, &ambient, &screen).await,
            Command::Unlock(args) => lock::unlock(args, &ambient, &screen).await,
        }
    });
    // A template that was given up may go on for ever, and nobody waits for it any more.
    runtime.shutdown_background();
    code
}

/// A link called `apply` stands for `evenkeel apply`.
fn with_subcommand(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.into_iter().collect();
    let called = args.first().and_then(|program| Path::new(program).file_stem());
    if called.is_some_and(|name| name == "apply") {
        args.insert(1, "apply".into());
    }
    args
}

/// Where clap would exit with 2, which means something else here.
fn usage_code(error: &clap::Error) -> ExitCode {
    match error.kind() {
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => ExitCode::Fine,
        _ => ExitCode::Usage,
    }
}

fn after_help() -> String {
    let mut codes = ExitCode::BY_WEIGHT;
    codes.sort_by_key(|code| code.number());
    let codes = codes.map(|code| format!("  {:>3}  {}\n", code.number(), code.meaning()));
    format!(
        "Examples:
  evenkeel apply states/prod.yml --test     what would change, and why; touches nothing
  evenkeel apply states/prod.yml            make it so
  evenkeel check states/*.yml               are the files right? needs no engine

Called as `apply` (a link to the program), `apply FILE` is `evenkeel apply FILE`.

Exit codes:
{}",
        codes.concat()
    )
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn called_as_apply_it_applies() {
        let args = |args: &[&str]| with_subcommand(args.iter().map(OsString::from));
        assert_eq!(args(&["/usr/local/bin/apply", "a.yml"]), ["/usr/local/bin/apply", "apply", "a.yml"]);
        assert_eq!(args(&["evenkeel", "check"]), ["evenkeel", "check"]);
    }

    #[test]
    fn wrong_usage_is_64_and_help_is_fine() {
        let main = |args: &[&str]| usage_code(&Cli::try_parse_from(args).expect_err("no command"));
        assert_eq!(main(&["evenkeel", "apply", "--nonsense"]), ExitCode::Usage);
        assert_eq!(main(&["evenkeel", "apply"]), ExitCode::Usage);
        assert_eq!(main(&["evenkeel", "apply", "a.yml", "--jobs", "0"]), ExitCode::Usage);
        assert_eq!(main(&["evenkeel"]), ExitCode::Usage);
        assert_eq!(main(&["evenkeel", "--version"]), ExitCode::Fine);
        assert_eq!(main(&["evenkeel", "help", "apply"]), ExitCode::Fine);
    }

    #[test]
    fn every_help_text_is_as_documented() {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut text = command.render_long_help().to_string();
        for subcommand in command.get_subcommands_mut().filter(|command| command.get_name() != "help") {
            let name = subcommand.get_name().to_owned();
            let mut subcommand = subcommand.clone().term_width(100);
            text += &format!("\n# evenkeel {name}\n\n{}", subcommand.render_long_help());
        }
        insta::with_settings!({ snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!("help", text);
        });
    }
}
