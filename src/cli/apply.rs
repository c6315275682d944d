//! `evenkeel apply`: makes it so, or says what that would take.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::exit_code::{Changes, ExitCode};
use super::screen::Screen;
use super::signals;
use super::tree::{TreeArgs, fixed_by_plan};
use crate::plan::RunReport;
use crate::report::{self, Detail, Label, StateOutput};
use crate::resource::whole_seconds;
use crate::run::{
    self, Ambient, ApplyOptions, AskRegistries, DataLoss, Listener, Mode, RunError, SavedPlan, Scope,
};
use crate::trigger::Deploying;
use crate::world::Cause;

/// Brings an engine into the declared state.
///
/// Shows field by field what differs and why, prepares everything (pulls, builds, creates) before
/// anything is stopped, and keeps the old container until the new one has proven itself. Does
/// nothing at all when nothing differs.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    tree: TreeArgs,

    /// Only shows what would change, and why; touches nothing.
    #[arg(long, visible_alias = "dry-run", help_heading = RUN)]
    test: bool,

    /// Limits the run to states whose ID or `kind.ID` matches, together with what they require and
    /// whoever watches them. May be given several times.
    #[arg(long, value_name = "GLOB", help_heading = RUN)]
    target: Vec<String>,

    /// What to print: only changes, Salt's highstate layout, or one JSON object. [default: changes]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = OUTPUT)]
    output: Option<Format>,

    /// How much of each state the highstate layout shows: full, terse (one line each), mixed (full
    /// if failed), changes (full if failed or changed); with _id the line has the ID instead of the
    /// name. Implies `--output highstate`. [default: full]
    #[arg(long, value_name = "MODE", value_parser = clap::builder::PossibleValuesParser::new(StateOutput::WORDS), hide_possible_values = true, help_heading = OUTPUT)]
    state_output: Option<String>,

    /// Saves the plan, so that `evenkeel apply PLAN` does just that, or nothing: it plans again, and refuses
    /// (exit code 5) if anything is not as it was. Values of --pillar are not saved and have to be given again.
    #[arg(long, value_name = "PLAN", requires = "test", help_heading = RUN)]
    save: Option<PathBuf>,

    /// Exits with 2 when there were changes, or would be under `--test`.
    #[arg(long, help_heading = OUTPUT)]
    detailed_exitcode: bool,

    /// Shows on standard error where the time went, and how many requests the engine got.
    #[arg(long, help_heading = OUTPUT)]
    timings: bool,

    /// How many changes are carried out side by side; also how many containers may be between stop
    /// and start at a time.
    #[arg(long, value_name = "N", default_value = "4", help_heading = RUN)]
    jobs: NonZeroUsize,

    /// Removes containers and networks of this project and environment that no state declares any
    /// more. Without it they are only listed.
    #[arg(long, help_heading = RUN)]
    prune: bool,

    /// Takes over objects that exist already and that evenkeel did not make.
    #[arg(long, help_heading = RUN)]
    adopt: bool,

    /// Asks no registry: images are taken as the engine has them, and one that it lacks is an error.
    #[arg(long, help_heading = RUN)]
    offline: bool,

    /// How long a registry's answer holds for later runs, such as `60s`: what its tags point to is not
    /// asked again meanwhile, so a tag that moves is seen that much later.
    #[arg(long, value_name = "TIME", default_value = "0s", env = "EVENKEEL_REGISTRY_TTL", hide_env_values = true, value_parser = seconds, help_heading = RUN)]
    registry_ttl: Duration,

    /// How long to wait for another run that is at work on the same project and environment, such as `10m`. Without
    /// it that is an error at once (exit code 5).
    #[arg(long, value_name = "TIME", default_value = "0s", env = "EVENKEEL_LOCK_WAIT", hide_env_values = true, value_parser = seconds, help_heading = RUN)]
    lock_wait: Duration,

    /// Lets `volume.absent` remove volumes: all of them, or only those named.
    #[arg(long, value_name = "NAME,…", num_args = 0..=1, require_equals = true, default_missing_value = EVERY_VOLUME, value_delimiter = ',', help_heading = RUN)]
    allow_data_loss: Option<Vec<String>>,

    /// What began this run. Written into the images and containers that it makes.
    /// [default: EVENKEEL_CAUSE, else manual]
    #[arg(long, value_name = "CAUSE", value_parser = clap::builder::PossibleValuesParser::new(Cause::ALL.map(Cause::word)), help_heading = RUN)]
    cause: Option<String>,

    /// Why, in a few words. Written into the images and containers that it makes.
    #[arg(long, value_name = "TEXT", help_heading = RUN)]
    why: Option<String>,
}

/// Headings of the help text.
const RUN: &str = "Run";
const OUTPUT: &str = "Output";

const EXAMPLES: &str = "Examples:
  evenkeel apply states/prod.yml --test
  evenkeel apply states/prod.yml --target 'web*' --pillar web.tag=1.4
  evenkeel apply states/prod.yml --host ssh://deploy@ship.example --prune
  evenkeel apply states/base.yml states/prod.yml --env prod --state-output changes
  evenkeel apply states/prod.yml --allow-data-loss=old-data";

/// Characters of `--why`.
const LONGEST_REASON: usize = 1000;

/// No volume can have this name.
const EVERY_VOLUME: &str = "*";

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Each change with its reason and its fields, and one closing line.
    Changes,
    /// Salt's layout.
    Highstate,
    /// One object, for programs.
    Json,
}

/// How the report is to be printed.
pub(super) enum Output {
    Changes,
    Highstate(StateOutput),
    Json,
}

/// What is shown of a run.
pub(super) struct Shown {
    pub output: Output,
    /// Whether changes have an exit code of their own.
    pub changes: Changes,
    /// Whether it is told where the time went.
    pub timings: bool,
}

pub(super) async fn run(args: ApplyArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let timings = args.timings;
    let changes = if args.detailed_exitcode { Changes::Count } else { Changes::AreFine };
    match args.resolve(ambient) {
        Ok((output, options)) => {
            carry_out(&options, &Shown { output, changes, timings }, ambient, screen).await
        }
        Err(error) => screen.run_error(&error),
    }
}

/// Carries a run out, shows it, and says how the program ends.
pub(super) async fn carry_out(
    options: &ApplyOptions,
    shown: &Shown,
    ambient: &Ambient,
    screen: &Screen,
) -> ExitCode {
    let Shown { output, changes, timings } = shown;
    let deploying = match (options.mode, &options.deployment) {
        (Mode::Apply, Some(push)) => match Deploying::begin(push, ambient).await {
            Ok(deploying) => Some(deploying),
            Err(error) => return screen.trigger_error(&error),
        },
        _ => None,
    };
    let outcome =
        watched(ambient, screen, async |listener| run::apply(options, ambient, listener).await).await;
    if let Some(deploying) = deploying {
        match deploying.end(&outcome, ambient) {
            Ok(told) => screen.remark(&report::lines_of(&format!("evenkeel: {told}\n"))),
            Err(error) => _ = screen.trigger_error(&error),
        }
    }

    match outcome {
        Ok(report) => {
            let printed = print(&report, output, screen);
            if let Some(path) = &options.save {
                screen.remark(&report::saved(&report, path));
            }
            if *timings {
                screen.remark(&report::timings(&report));
            }
            let code = match (&report.aborted, ambient.stop.requested()) {
                (Some(_), Some(signal)) => ExitCode::of_signal(signal),
                _ => ExitCode::of_report(&report, *changes),
            };
            ExitCode::combined([code, printed])
        }
        Err(error) => {
            if let (Output::Highstate(_), RunError::Diagnostics(found)) = (output, &error) {
                let messages: Vec<_> = found.iter().map(ToString::to_string).collect();
                let host = options.tree.host.as_deref().unwrap_or("local");
                let printed = screen.print(&report::compile_error(host, &messages));
                return ExitCode::combined([ExitCode::of_error(&error), printed]);
            }
            let code = screen.run_error(&error);
            ambient.stop.requested().map_or(code, ExitCode::of_signal)
        }
    }
}

/// Carries something out, shows how far it is, and listens to signals.
pub(super) async fn watched(
    ambient: &Ambient,
    screen: &Screen,
    work: impl AsyncFnOnce(Listener<'_>) -> Result<RunReport, RunError>,
) -> Result<RunReport, RunError> {
    let progress = screen.progress();
    signals::listen(&ambient.stop, &progress);
    let ticking = signals::tick(&progress);
    let outcome = work(&|event| progress.show(&event)).await;
    ticking.abort();
    progress.finish();
    outcome
}

pub(super) fn print(report: &RunReport, output: &Output, screen: &Screen) -> ExitCode {
    let text = match output {
        Output::Changes => return screen.print(&report::changes(report, &screen.view)),
        Output::Highstate(mode) => report::highstate(report, *mode, &screen.view),
        Output::Json => report::json(report),
    };
    let printed = screen.print(&text);
    screen.remark(&report::notices(report));
    printed
}

impl ApplyArgs {
    /// What goes with a saved plan, which has the rest.
    fn beside_plan(self, ambient: &Ambient) -> Result<(Output, ApplyOptions), RunError> {
        fixed_by_plan(&[
            (!self.target.is_empty(), "--target"),
            (self.prune, "--prune"),
            (self.adopt, "--adopt"),
            (self.offline, "--offline"),
            (self.allow_data_loss.is_some(), "--allow-data-loss"),
            (self.save.is_some(), "--save"),
        ])?;
        let (cause, why) = (cause(self.cause.as_deref(), ambient)?, why(self.why)?);
        let options = ApplyOptions {
            tree: self.tree.for_plan()?,
            mode: if self.test { Mode::Test } else { Mode::Apply },
            scope: Scope::States,
            targets: Vec::new(),
            jobs: self.jobs,
            prune: false,
            adopt: false,
            data_loss: DataLoss::Refuse,
            registries: AskRegistries::WhereDue { ttl: self.registry_ttl },
            lock_wait: self.lock_wait,
            save: None,
            expected: None,
            cause,
            why,
            commit: None,
            deployment: None,
        };
        Ok((output(self.output, self.state_output)?, options))
    }

    fn resolve(self, ambient: &Ambient) -> Result<(Output, ApplyOptions), RunError> {
        if let Some(path) = self.tree.saved_plan() {
            let plan = SavedPlan::read(&ambient.directory.join(path))?;
            let (output, options) = self.beside_plan(ambient)?;
            return Ok((output, plan.resume(options)?));
        }
        let output = output(self.output, self.state_output)?;
        if self.save.as_ref().is_some_and(|path| path.extension().is_none_or(|ending| ending != "json")) {
            return Err(RunError::Usage("--save takes a file that ends with `.json`".to_owned()));
        }
        let data_loss = data_loss(self.allow_data_loss)?;
        let cause = cause(self.cause.as_deref(), ambient)?;
        let why = why(self.why)?;
        let tree = self.tree.resolve(ambient)?;
        if data_loss == DataLoss::Allow {
            tree.files.iter().try_for_each(|file| is_no_volume(file))?;
        }
        let options = ApplyOptions {
            tree,
            mode: if self.test { Mode::Test } else { Mode::Apply },
            scope: Scope::States,
            targets: self.target,
            jobs: self.jobs,
            prune: self.prune,
            adopt: self.adopt,
            data_loss,
            registries: if self.offline {
                AskRegistries::Never
            } else {
                AskRegistries::WhereDue { ttl: self.registry_ttl }
            },
            lock_wait: self.lock_wait,
            save: self.save.map(|path| ambient.directory.join(path)),
            expected: None,
            cause,
            why,
            commit: None,
            deployment: None,
        };
        Ok((output, options))
    }
}

fn output(format: Option<Format>, mode: Option<String>) -> Result<Output, RunError> {
    let full = StateOutput { detail: Detail::Full, label: Label::Name };
    match (format, mode) {
        (None | Some(Format::Highstate), Some(mode)) => match mode.parse() {
            Ok(mode) => Ok(Output::Highstate(mode)),
            Err(reason) => Err(RunError::Usage(format!("--state-output {mode}: {reason}"))),
        },
        (Some(Format::Changes | Format::Json), Some(_)) => {
            Err(RunError::Usage("--state-output goes with --output highstate only".to_owned()))
        }
        (Some(Format::Highstate), None) => Ok(Output::Highstate(full)),
        (Some(Format::Json), None) => Ok(Output::Json),
        (Some(Format::Changes) | None, None) => Ok(Output::Changes),
    }
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    whole_seconds(text)
        .map(Duration::from_secs)
        .ok_or_else(|| "it takes a time such as `60s` or `5m`".to_owned())
}

fn cause(typed: Option<&str>, ambient: &Ambient) -> Result<Cause, RunError> {
    let (place, text) = match typed {
        Some(text) => ("--cause", text),
        None => match ambient.variable("EVENKEEL_CAUSE") {
            Some(text) => ("EVENKEEL_CAUSE", text),
            None => return Ok(Cause::default()),
        },
    };
    text.parse().map_err(|reason| RunError::Usage(format!("{place}: {reason}")))
}

/// One line that a label has room for.
fn why(typed: Option<String>) -> Result<Option<String>, RunError> {
    let Some(text) = typed else { return Ok(None) };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        0 => Ok(None),
        1..=LONGEST_REASON => Ok(Some(text)),
        length => Err(RunError::Usage(format!(
            "--why takes at most {LONGEST_REASON} characters, and these are {length}"
        ))),
    }
}

fn data_loss(names: Option<Vec<String>>) -> Result<DataLoss, RunError> {
    let Some(names) = names else { return Ok(DataLoss::Refuse) };
    if names == [EVERY_VOLUME] {
        return Ok(DataLoss::Allow);
    }
    let names: BTreeSet<_> = names.into_iter().map(|name| name.trim().to_owned()).collect();
    if names.iter().any(|name| name.is_empty() || name == EVERY_VOLUME) {
        return Err(RunError::Usage(
            "--allow-data-loss takes names of volumes; without `=` it stands for all of them".to_owned(),
        ));
    }
    Ok(DataLoss::Of(names))
}

/// Refuses what stands where a state file should, and is the name of a volume behind a space.
fn is_no_volume(file: &Path) -> Result<(), RunError> {
    let is_state_file = file.extension().is_some_and(|end| ["yml", "yaml", "sls"].iter().any(|e| end == *e));
    match file.file_name() {
        Some(name) if !is_state_file && !file.exists() => Err(RunError::Usage(format!(
            "there is no state file `{0}`; if it is a volume: --allow-data-loss={0}",
            name.to_string_lossy()
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, ambient};

    fn resolved(line: &str) -> Result<ApplyOptions, String> {
        let args = ["evenkeel", "apply"].into_iter().chain(line.split_whitespace());
        let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
        let Command::Apply(args) = cli.command else { return Err("another command".to_owned()) };
        let surroundings = ambient::for_tests("/srv/infra");
        args.resolve(&surroundings).map(|(_, options)| options).map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_not_typed_is_filled_in() {
        let options = resolved("states/prod.yml extra.yml").expect("fine");
        assert_eq!(
            options.tree.files,
            [Path::new("/srv/infra/states/prod.yml"), Path::new("/srv/infra/extra.yml")]
        );
        assert_eq!(options.tree.env, "prod");
        assert_eq!(options.jobs.get(), 4);
        assert_eq!(options.mode, Mode::Apply);
        assert_eq!(options.data_loss, DataLoss::Refuse);
    }

    #[test]
    fn what_was_typed_counts() {
        let options = resolved(
            "--test a.yml --env qa --pillar a.b=c=d --pillar e= --target web* --target db --jobs 9 --prune --adopt \
             --grains g.yml --host ssh://ship",
        );
        let options = options.expect("fine");
        assert_eq!(options.tree.env, "qa");
        let pillar: Vec<_> =
            options.tree.pillar.iter().map(|(key, value)| format!("{key}:{value}")).collect();
        assert_eq!(pillar, ["a.b:c=d", "e:"]);
        assert_eq!(options.tree.grains.as_deref(), Some(Path::new("/srv/infra/g.yml")));
        assert_eq!(options.targets, ["web*", "db"]);
        assert_eq!(
            (options.mode, options.jobs.get(), options.prune, options.adopt),
            (Mode::Test, 9, true, true)
        );
    }

    #[test]
    fn data_loss_is_allowed_by_name_or_altogether() {
        let loss = |line| resolved(line).map(|options| options.data_loss);
        assert_eq!(loss("a.yml --allow-data-loss"), Ok(DataLoss::Allow));
        assert_eq!(loss("--allow-data-loss a.yml"), Ok(DataLoss::Allow));
        let some = loss("a.yml --allow-data-loss=x,y").expect("fine");
        assert!(some.allows("x") && some.allows("y") && !some.allows("z"));
        assert!(loss("a.yml --allow-data-loss=").is_err());
        let meant = "there is no state file `data.v1`; if it is a volume: --allow-data-loss=data.v1";
        assert_eq!(loss("a.yml --allow-data-loss data.v1"), Err(meant.to_owned()));
        assert!(loss("a.yml --allow-data-loss=x,").is_err());
    }

    #[test]
    fn a_run_says_what_began_it_and_why() {
        let options = resolved("a.yml --cause timer --why nightly").expect("fine");
        assert_eq!((options.cause, options.why.as_deref()), (Cause::Timer, Some("nightly")));
        let options = resolved("a.yml").expect("fine");
        assert_eq!((options.cause, options.why), (Cause::Manual, None));
        assert!(resolved("a.yml --cause nonsense").is_err_and(|said| said.contains("base-update")));
        assert_eq!(why(Some(" two\n lines ".to_owned())).ok(), Some(Some("two lines".to_owned())));
        assert!(why(Some("x".repeat(1001))).is_err());
        let mut surroundings = ambient::for_tests("/srv");
        surroundings.variables.insert("EVENKEEL_CAUSE".to_owned(), "push".to_owned());
        assert_eq!(cause(None, &surroundings).ok(), Some(Cause::Push));
        assert_eq!(cause(Some("promote"), &surroundings).ok(), Some(Cause::Promote));
        surroundings.variables.insert("EVENKEEL_CAUSE".to_owned(), "cron".to_owned());
        assert!(cause(None, &surroundings).is_err());
    }

    #[test]
    fn a_mode_of_salts_layout_implies_the_layout() {
        let implied = output(None, Some("changes_id".to_owned()));
        let wanted = StateOutput { detail: Detail::Changes, label: Label::Id };
        assert!(matches!(implied, Ok(Output::Highstate(mode)) if mode == wanted));
        assert!(resolved("a.yml --output json --state-output terse").is_err());
        assert!(resolved("a.yml --pillar nonsense").is_err());
    }
}
