//! Before a push is accepted.

use std::path::Path;

use super::place::Place;
use crate::cli::exit_code::ExitCode;
use crate::cli::screen::Screen;
use crate::report;
use crate::run::Ambient;
use crate::trigger::{self, Asking, Look, Pushed, Refusal, Told, TriggerError, Verdict, become_worker};

/// Looks at what is pushed, and tells at the end what becomes of it.
pub(super) async fn gate(
    place: &Place,
    pushed: &[Pushed],
    asking: Asking,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let (environment, code) = match verdict(place, pushed, asking, ambient, screen).await {
        Ok(Verdict::Accepted) => return Ok(ExitCode::Fine),
        Ok(Verdict::Refused(refusal)) => refused(refusal, screen),
        Err(error) => (None, screen.trigger_error(&error)),
    };
    let place = environment.map(|name| format!(" for {name}")).unwrap_or_default();
    screen.remark(&report::lines_of(&format!("evenkeel: refused{place}; nothing was changed\n")));
    Ok(code)
}

async fn verdict(
    place: &Place,
    pushed: &[Pushed],
    asking: Asking,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<Verdict, TriggerError> {
    let site = place.open(ambient)?;
    trigger::gate(&site, pushed, asking, &|told| show(told, screen), &|look| {
        let mut command = place.call("look")?;
        command.args(["--environment", &look.environment.name, "--new", look.commit]);
        command.arg("--tree").arg(look.tree);
        Ok(command)
    })
    .await
}

fn refused(refusal: Refusal, screen: &Screen) -> (Option<String>, ExitCode) {
    match refusal {
        Refusal::Because { environment, reason, hint } => {
            screen.error(&for_pushers(&reason), hint.as_deref());
            (environment, ExitCode::StateFailed)
        }
        Refusal::Wrong { environment, error } => (Some(environment), screen.run_error(&error)),
        Refusal::Told { environment, code } => {
            let known = ExitCode::BY_WEIGHT.into_iter().find(|known| i32::from(known.number()) == code);
            (Some(environment), known.filter(|code| *code != ExitCode::Fine).unwrap_or(ExitCode::StateFailed))
        }
    }
}

/// The part of a worker: looks at what one environment would get.
pub(super) async fn look(
    place: &Place,
    environment: &str,
    new: &str,
    tree: &Path,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    let _bound = become_worker();
    let site = place.open(ambient)?;
    let environment = site.environment(environment)?;
    let look = Look { environment, commit: new, tree };
    let verdict = trigger::look(&site, &look, &|told| show(told, screen)).await?;
    Ok(match verdict {
        Verdict::Accepted => ExitCode::Fine,
        Verdict::Refused(refusal) => refused(refusal, screen).1,
    })
}

pub(super) fn show(told: Told, screen: &Screen) {
    // A pusher who went away is told nothing; what is to be done is done.
    _ = match told {
        Told::Line(line) => screen.print(&report::lines_of(&format!("evenkeel: {line}\n"))),
        Told::Plan(told) => screen.print(&for_pushers(&report::changes(&told, &screen.view))),
        Told::Written { plan, errors } => {
            let printed = screen.print(&plan);
            screen.remark(&errors);
            printed
        }
    };
}

/// Remedies that whoever pushes has, in the place of options of the command line.
fn for_pushers(text: &str) -> String {
    let remedies = [
        ("add --allow-data-loss=", "push with -o allow-data-loss="),
        ("and --allow-data-loss=", "and a push with -o allow-data-loss="),
        ("add --adopt", "somebody at the host takes it over with: evenkeel apply --adopt"),
        ("--prune removes", "on the host, evenkeel apply --prune removes"),
        ("another one is named by --host", "`host` in hooks.yml names another one"),
    ];
    remedies.iter().fold(text.to_owned(), |text, (option, remedy)| text.replace(option, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_pushes_is_told_what_they_can_do() {
        let told = for_pushers("removing data loses its data; if that is meant, add --allow-data-loss=data");
        assert_eq!(told, "removing data loses its data; if that is meant, push with -o allow-data-loss=data");
        assert!(for_pushers("to let this state have it all the same, add --adopt").contains("at the host"));
    }
}
