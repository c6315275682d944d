//! After a push was accepted: starting the run that goes on by itself, and being it.

use std::process::Command;

use super::gate::show;
use super::place::Place;
use crate::cli::exit_code::ExitCode;
use crate::cli::follow::follow;
use crate::cli::screen::Screen;
use crate::cli::signals;
use crate::report;
use crate::run::Ambient;
use crate::state::OnPush;
use crate::trigger::{
    self, DeployOptions, Deployed, PushOptions, Pushed, TriggerError, deployed_ref, plain, short,
};

/// Starts what is to be done for each environment, and tells how it goes on as long as somebody listens.
pub(super) async fn after(
    place: &Place,
    pushed: &[Pushed],
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let site = place.open(ambient)?;
    let options = PushOptions::read(&ambient.variables)?;
    let mut codes = vec![ExitCode::Fine];
    for follower in site.followers(pushed) {
        let Some(new) = &follower.pushed.new else { continue };
        let commit = site.repository.commit(new)?.id;
        let name = &follower.environment.name;
        let stays = match site.repository.tip(&deployed_ref(name)) {
            Some(tip) => format!("{name} stays at {}", short(&tip)),
            None => format!("nothing is deployed to {name} yet"),
        };
        let say = |text: String| screen.remark(&report::lines_of(&format!("evenkeel: {text}\n")));
        if options.skip {
            say(format!("{name}: skipped, as the push says; {stays}"));
            say(format!("to deploy it: {}", again(place, &follower.pushed.reference, &commit)));
            continue;
        }
        if options.test || follower.environment.on_push == OnPush::Test {
            // What would be done was shown before the push was accepted.
            say(format!("{name}: only tested; {stays}"));
            if options.test {
                say(format!("to deploy it: {}", again(place, &follower.pushed.reference, &commit)));
            }
            continue;
        }
        let is_forced =
            follower.pushed.old.as_ref().is_some_and(|old| !site.repository.is_ancestor(old, &commit));
        let folders = site.folders(follower.environment);
        folders.make()?;
        let log = folders.log(&commit);
        let mut command = call(place, name, &follower.pushed.reference, &commit, &options)?;
        command.arg(format!("--pusher={}", site.pusher.name()));
        if is_forced {
            command.arg("--forced");
        }
        let code = follow(command, folders.open(&log)?, &log, screen)?;
        if code != ExitCode::Fine {
            say(format!("to try again: {}", again(place, &follower.pushed.reference, &commit)));
        }
        codes.push(code);
        let tip = match follower.environment.on_push {
            OnPush::Apply => site.repository.tip(&deployed_ref(name)),
            _ => None,
        };
        if tip.as_deref() == Some(commit.as_str()) {
            screen.remark(&format!("evenkeel: {name} is at {}\n", short(&commit)));
        }
    }
    Ok(ExitCode::combined(codes))
}

/// How the same is done once more: git sends a commit only once.
fn again(place: &Place, reference: &str, commit: &str) -> String {
    let repo = place.repo.display();
    format!(
        "push another commit (git commit --allow-empty), or on the host: evenkeel hook run --repo {repo} --ref {reference} \
         --new {commit}"
    )
}

fn call(
    place: &Place,
    environment: &str,
    reference: &str,
    commit: &str,
    options: &PushOptions,
) -> Result<Command, TriggerError> {
    let mut command = place.call("deploy")?;
    command.args(["--environment", environment, "--ref", reference, "--new", commit]);
    // What goes wrong in it is shown to whoever pushes.
    command.env("RUST_BACKTRACE", "0");
    if let Some(why) = &options.why {
        command.arg(format!("--why={why}"));
    }
    command.args(options.data_loss.iter().map(|name| format!("--data-loss={name}")));
    Ok(command)
}

pub(super) async fn deploy(
    place: &Place,
    wanted: &DeployOptions,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let site = place.open(ambient)?;
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
