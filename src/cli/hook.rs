//! `evenkeel hook`: push to deploy.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};

use super::exit_code::ExitCode;
use super::follow::follow;
use super::screen::Screen;
use super::signals;
use crate::report;
use crate::run::{Ambient, RunError};
use crate::state::OnPush;
use crate::trigger::{
    self, DeployOptions, Deployed, HOOKS, Others, PushOptions, Pushed, Refusal, Repository, Shim, Site, Told,
    TriggerError, Verdict, deployed_ref, failed_ref, plain, short,
};

/// Deploys what is pushed to a git repository.
///
/// Which environment follows which branch or tag, and who may push there, stands in a file of this host
/// (default /etc/evenkeel/hooks.yml), never in what is pushed. A push is refused, and nothing has happened, if its
/// state files are wrong or could not be applied.
#[derive(Debug, Args)]
pub(super) struct HookArgs {
    #[command(subcommand)]
    command: HookCommand,
}

#[derive(Debug, Subcommand)]
enum HookCommand {
    /// Writes the two hooks into a bare repository.
    Install {
        #[command(flatten)]
        place: Place,
        /// Calls hooks that are there already first, instead of refusing.
        #[arg(long)]
        chain: bool,
    },
    /// Removes the hooks again, and puts back those that were there before.
    Uninstall {
        #[command(flatten)]
        place: Place,
    },
    /// Tells whether the hooks are there, and what is deployed where.
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// Does what a push would do, for trying it out.
    Run {
        #[command(flatten)]
        place: Place,
        /// The branch or tag, such as refs/heads/main.
        #[arg(long = "ref", value_name = "REF")]
        reference: String,
        /// The commit that it was at; none if it is new.
        #[arg(long, value_name = "COMMIT")]
        old: Option<String>,
        /// The commit that it is at.
        #[arg(long, value_name = "COMMIT")]
        new: String,
        /// Only looks, as before a push is accepted.
        #[arg(long)]
        test: bool,
    },
    /// Called by git before a push is accepted.
    #[command(hide = true)]
    PreReceive {
        #[command(flatten)]
        place: Place,
    },
    /// Called by git after a push was accepted.
    #[command(hide = true)]
    PostReceive {
        #[command(flatten)]
        place: Place,
    },
    /// Called by the hook, in a process of its own.
    #[command(hide = true)]
    Deploy {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        environment: String,
        #[arg(long = "ref")]
        reference: String,
        #[arg(long)]
        new: String,
        #[arg(long)]
        forced: bool,
        #[arg(long)]
        why: Option<String>,
        #[arg(long)]
        test: bool,
        #[arg(long)]
        data_loss: Vec<String>,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The bare repository.
    #[arg(long, value_name = "PATH")]
    repo: PathBuf,

    /// The host's file.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/etc/evenkeel/hooks.yml",
        env = "EVENKEEL_HOOKS",
        hide_env_values = true
    )]
    config: PathBuf,
}

pub(super) async fn run(args: HookArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let done = match args.command {
        HookCommand::Install { place, chain } => install(&place, chain, ambient, screen),
        HookCommand::Uninstall { place } => uninstall(&place, ambient, screen),
        HookCommand::Status { place } => status(&place, ambient, screen),
        HookCommand::Run { place, reference, old, new, test } => {
            try_out(&place, Pushed { old, new: Some(new), reference }, test, ambient, screen).await
        }
        HookCommand::PreReceive { place } => match stdin() {
            Ok(pushed) => gate(&place, &pushed, ambient, screen).await,
            Err(error) => Err(error),
        },
        HookCommand::PostReceive { place } => match stdin() {
            Ok(pushed) => after(&place, &pushed, ambient, screen).await,
            Err(error) => Err(error),
        },
        HookCommand::Deploy { place, environment, reference, new, forced, why, test, data_loss } => {
            let options = PushOptions { why, test, skip: false, data_loss: data_loss.into_iter().collect() };
            let wanted = DeployOptions { environment, new, reference, is_forced: forced, options };
            deploy(&place, &wanted, ambient, screen).await
        }
    };
    match done {
        Ok(code) => code,
        Err(TriggerError::Run(error)) => screen.run_error(&error),
        Err(error) => {
            screen.error(&error.to_string(), error.hint().as_deref());
            ExitCode::StateFailed
        }
    }
}

fn install(place: &Place, chain: bool, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, TriggerError> {
    let config = ambient.directory.join(&place.config);
    // A file with mistakes would refuse every push.
    let site = Site::open(&ambient.directory.join(&place.repo), &config, ambient)?;
    let program = std::env::current_exe().map_err(|error| TriggerError::Asked(error.to_string()))?;
    let others = if chain { Others::Chain } else { Others::Refuse };
    let written = trigger::install(&site.repository, &program, &config, others)?;
    site.repository.configure("receive.advertisePushOptions", "true")?;
    let mut text: String = written.iter().map(|path| format!("wrote {}\n", path.display())).collect();
    text += &format!("a push to {} goes where {} says\n", site.repository.path().display(), config.display());
    Ok(screen.print(&report::lines_of(&text)))
}

fn uninstall(place: &Place, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, TriggerError> {
    let repository = Repository::open(&ambient.directory.join(&place.repo), &ambient.variables)?;
    let removed = trigger::uninstall(&repository)?;
    if removed.is_empty() {
        return Ok(screen.print("there was no hook of ours\n"));
    }
    let text: String = removed.iter().map(|path| format!("removed {}\n", path.display())).collect();
    Ok(screen.print(&report::lines_of(&text)))
}

fn status(place: &Place, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, TriggerError> {
    let site =
        Site::open(&ambient.directory.join(&place.repo), &ambient.directory.join(&place.config), ambient)?;
    let mut text = String::new();
    let mut is_whole = true;
    for hook in HOOKS {
        let found = trigger::shim(&site.repository, hook);
        is_whole &= matches!(found, Shim::Ours | Shim::Chained);
        text += &format!(
            "{hook:<13} {}\n",
            match found {
                Shim::Ours => "installed",
                Shim::Chained => "installed, calls the one that was there before",
                Shim::Foreign => "somebody else's",
                Shim::Missing => "missing",
            }
        );
    }
    for environment in &site.hooks.environments {
        let at = |reference: String| site.repository.commit(&reference).ok();
        let deployed = at(deployed_ref(&environment.name)).map_or_else(
            || "nothing deployed yet".to_owned(),
            |commit| format!("at {} \"{}\"", short(&commit.id), commit.subject),
        );
        text += &format!("{:<13} {deployed}", environment.name);
        if let Some(failed) = at(failed_ref(&environment.name)) {
            text += &format!("; {} failed", short(&failed.id));
        }
        let folders = site.folders(environment)?;
        if trigger::is_busy(&folders) {
            text += "; a run is at work";
        }
        if let Some(log) = folders.newest_log() {
            text += &format!("\n{:<13} its last run: {}", "", log.display());
        }
        text.push('\n');
    }
    let printed = screen.print(&report::lines_of(&text));
    Ok(if is_whole { printed } else { ExitCode::combined([ExitCode::StateFailed, printed]) })
}

async fn try_out(
    place: &Place,
    mut pushed: Pushed,
    test: bool,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let repository = Repository::open(&ambient.directory.join(&place.repo), &ambient.variables)?;
    let whole = |revision: &str| repository.commit(revision).map(|commit| commit.id);
    pushed.new = pushed.new.as_deref().map(whole).transpose()?;
    pushed.old = pushed.old.as_deref().map(whole).transpose()?;
    if !pushed.reference.starts_with("refs/") {
        pushed.reference = format!("refs/heads/{}", pushed.reference);
    }
    let code = gate(place, std::slice::from_ref(&pushed), ambient, screen).await?;
    if test || code != ExitCode::Fine {
        return Ok(code);
    }
    after(place, &[pushed], ambient, screen).await
}

async fn gate(
    place: &Place,
    pushed: &[Pushed],
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let site = Site::open(&place.repo, &place.config, ambient)?;
    let verdict = trigger::gate(&site, pushed, &|told| show(told, screen)).await?;
    let Verdict::Refused(refusal) = verdict else { return Ok(ExitCode::Fine) };
    let (environment, error) = match refusal {
        Refusal::Because { environment, reason, hint } => {
            screen.error(&reason, hint.as_deref());
            (environment, ExitCode::StateFailed)
        }
        Refusal::Wrong { environment, error } => (Some(environment), screen.run_error(&error)),
    };
    let place = environment.map(|name| format!(" for {name}")).unwrap_or_default();
    screen.remark(&format!("evenkeel: refused{place}; nothing was changed\n"));
    Ok(error)
}

fn show(told: Told, screen: &Screen) {
    // A pusher who went away is told nothing; what is to be done is done.
    _ = match told {
        Told::Line(line) => screen.print(&report::lines_of(&format!("evenkeel: {line}\n"))),
        Told::Plan(told) => screen.print(&report::changes(&told, &screen.view)),
    };
}

/// Starts what is to be done for each environment, and tells how it goes on as long as somebody listens.
async fn after(
    place: &Place,
    pushed: &[Pushed],
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let site = Site::open(&place.repo, &place.config, ambient)?;
    let options = PushOptions::read(&ambient.variables)?;
    let mut codes = vec![ExitCode::Fine];
    for follower in site.followers(pushed) {
        let Some(new) = &follower.pushed.new else { continue };
        let commit = site.repository.commit(new)?.id;
        let name = &follower.environment.name;
        if options.skip {
            screen.remark(&report::lines_of(&format!("evenkeel: {name}: skipped, as the push says\n")));
            continue;
        }
        let is_forced =
            follower.pushed.old.as_ref().is_some_and(|old| !site.repository.is_ancestor(old, &commit));
        let log = site.folders(follower.environment)?.log(&commit);
        let mut command = call(place, name, &follower.pushed.reference, &commit, &options)?;
        if is_forced {
            command.arg("--forced");
        }
        codes.push(follow(command, &log, screen)?);
        let tip = match follower.environment.on_push {
            OnPush::Apply if !options.test => site.repository.tip(&deployed_ref(name)),
            _ => None,
        };
        if tip.as_deref() == Some(commit.as_str()) {
            screen.remark(&format!("evenkeel: {name} is at {}\n", short(&commit)));
        }
    }
    Ok(ExitCode::combined(codes))
}

fn call(
    place: &Place,
    environment: &str,
    reference: &str,
    commit: &str,
    options: &PushOptions,
) -> Result<Command, TriggerError> {
    let program = std::env::current_exe().map_err(|error| TriggerError::Asked(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["hook", "deploy", "--environment", environment, "--ref", reference, "--new", commit]);
    command.arg("--repo").arg(&place.repo).arg("--config").arg(&place.config);
    if let Some(why) = &options.why {
        command.arg(format!("--why={why}"));
    }
    if options.test {
        command.arg("--test");
    }
    command.args(options.data_loss.iter().map(|name| format!("--data-loss={name}")));
    Ok(command)
}

async fn deploy(
    place: &Place,
    wanted: &DeployOptions,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let site = Site::open(&place.repo, &place.config, ambient)?;
    let progress = screen.progress();
    signals::listen(&ambient.stop, &progress);
    let done =
        trigger::deploy(&site, wanted, &|told| show(told, screen), &|event| progress.show(&event)).await;
    progress.finish();
    let name = plain(&wanted.environment);
    match done? {
        Deployed::Done => Ok(ExitCode::Fine),
        Deployed::Failed => {
            screen.error(&format!("{name}: {} could not be deployed", short(&wanted.new)), None);
            Ok(ExitCode::StateFailed)
        }
        Deployed::Left(reason) => {
            screen.remark(&report::lines_of(&format!("evenkeel: {name}: nothing done: {reason}\n")));
            Ok(ExitCode::Fine)
        }
    }
}

/// The lines that git gives a hook.
fn stdin() -> Result<Vec<Pushed>, TriggerError> {
    let mut text = String::new();
    let read = std::io::stdin().take(16 << 20).read_to_string(&mut text);
    read.map_err(|error| {
        TriggerError::Run(RunError::Usage(format!("cannot read what was pushed: {error}")))
    })?;
    trigger::pushed(&text)
}
