//! Writing the hooks, removing them, and telling how they are.

use std::path::PathBuf;

use super::place::Place;
use crate::cli::exit_code::ExitCode;
use crate::cli::screen::Screen;
use crate::report;
use crate::run::Ambient;
use crate::trigger::{
    self, HOOKS, Others, Repository, Shim, Touched, TriggerError, deployed_ref, failed_ref, settings, short,
};

pub(super) fn install(
    place: &Place,
    chain: bool,
    ambient: &Ambient,
    screen: &Screen,
) -> Result<ExitCode, TriggerError> {
    // A file with mistakes would refuse every push.
    let site = place.open(ambient)?;
    let config = place.config();
    let program = std::env::current_exe().map_err(|error| TriggerError::Asked(error.to_string()))?;
    let others = if chain { Others::Chain } else { Others::Refuse };
    let written = trigger::install(&site.repository, &program, config, others)?;
    settings::configure(&site.repository, &site.hooks)?;
    let mut text: String = written.hooks.iter().map(|path| format!("wrote {}\n", path.display())).collect();
    text += &kept(&written);
    text += &format!("a push to {} goes where {} says\n", site.repository.path().display(), config.display());
    Ok(screen.print(&report::lines_of(&text)))
}

pub(super) fn uninstall(place: &Place, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, TriggerError> {
    let repository = Repository::open(&place.repo, &ambient.variables)?;
    let removed = trigger::uninstall(&repository)?;
    settings::restore(&repository)?;
    if removed.hooks.is_empty() {
        return Ok(screen.print("there was no hook of ours\n"));
    }
    let mut text: String = removed.hooks.iter().map(|path| format!("removed {}\n", path.display())).collect();
    text += &kept(&removed);
    Ok(screen.print(&report::lines_of(&text)))
}

fn kept(touched: &Touched) -> String {
    let line =
        |path: &PathBuf| format!("somebody had changed it; their version is kept: {}\n", path.display());
    touched.kept.iter().map(line).collect()
}

pub(super) fn status(place: &Place, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, TriggerError> {
    let site = place.open(ambient)?;
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
                Shim::Changed => "installed, and changed since",
                Shim::Foreign => "somebody else's",
                Shim::Missing => "missing",
            }
        );
    }
    for fault in settings::faults(&site.repository, &site.hooks) {
        text += &format!("warning: {fault}\n");
        is_whole = false;
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
        let folders = site.folders(environment);
        match (trigger::is_busy(&folders), folders.unfinished()) {
            (true, _) => text += "; a run is at work",
            (false, Some(commit)) => text += &format!("; {} was begun and did not end", short(&commit)),
            (false, None) => {}
        }
        if let Some(log) = folders.newest_log() {
            text += &format!("\n{:<13} its last run: {}", "", log.display());
        }
        text.push('\n');
    }
    let printed = screen.print(&report::lines_of(&text));
    Ok(if is_whole { printed } else { ExitCode::combined([ExitCode::StateFailed, printed]) })
}
