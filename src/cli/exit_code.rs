//! The exit codes, all in one place. The README's table is made from here.

use crate::lock::LockError;
use crate::plan::{Ending, RunReport};
use crate::run::{RunError, Signal};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// All states are as declared, or have been made so.
    Fine,
    /// A state failed: also where its registry could not be asked, and under `--test` where
    /// something stands against it.
    StateFailed,
    /// With `--detailed-exitcode`: something was changed, or would be under `--test`.
    Changes,
    /// The state files are wrong; nothing was touched.
    WrongFiles,
    /// The engine does not answer; nothing was touched.
    Unreachable,
    /// Another run is at work, or a saved plan is out of date: try again.
    Busy,
    /// The command line makes no sense.
    Usage,
    /// Ended early by Ctrl-C.
    Interrupted,
    /// Ended early by SIGTERM.
    Terminated,
}

impl ExitCode {
    /// If several apply, the first of these is the one.
    pub const BY_WEIGHT: [Self; 9] = [
        Self::Interrupted,
        Self::Terminated,
        Self::Usage,
        Self::WrongFiles,
        Self::Unreachable,
        Self::Busy,
        Self::StateFailed,
        Self::Changes,
        Self::Fine,
    ];

    pub fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::StateFailed => 1,
            Self::Changes => 2,
            Self::WrongFiles => 3,
            Self::Unreachable => 4,
            Self::Busy => 5,
            Self::Usage => 64,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means, for the README and the help text.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Fine => "fine: everything is as declared, or has been made so",
            Self::StateFailed => {
                "a state failed (also: its registry could not be asked, or something stands against it under `--test`)"
            }
            Self::Changes => "with `--detailed-exitcode`: there were changes, or would be under `--test`",
            Self::WrongFiles => "the state files are wrong; nothing was touched",
            Self::Unreachable => "the engine cannot be reached",
            Self::Busy => "busy, or the plan is out of date: try again",
            Self::Usage => "wrong usage",
            Self::Interrupted => "ended early by Ctrl-C (SIGINT)",
            Self::Terminated => "ended early by SIGTERM",
        }
    }

    /// The code of several that apply.
    pub fn combined(codes: impl IntoIterator<Item = Self>) -> Self {
        let codes: Vec<_> = codes.into_iter().collect();
        Self::BY_WEIGHT.into_iter().find(|code| codes.contains(code)).unwrap_or(Self::Fine)
    }

    /// The code of a run that came to a report.
    pub fn of_report(report: &RunReport, changes: Changes) -> Self {
        let is = |wanted: fn(&Ending) -> bool| report.count(wanted) > 0;
        let mut codes = Vec::new();
        if report.aborted.is_some() || is(|ending| matches!(ending, Ending::Failed { .. })) {
            codes.push(Self::StateFailed);
        }
        if changes == Changes::Count && is(|ending| matches!(ending, Ending::Changed | Ending::Pending)) {
            codes.push(Self::Changes);
        }
        Self::combined(codes)
    }

    /// The code of a run that could not begin.
    pub fn of_error(error: &RunError) -> Self {
        match error {
            RunError::Usage(_) => Self::Usage,
            RunError::Diagnostics(_) => Self::WrongFiles,
            RunError::Unreachable { .. } => Self::Unreachable,
            RunError::Lock(LockError::Busy { .. } | LockError::Held { .. }) | RunError::OutOfDate(_) => {
                Self::Busy
            }
            // The signal itself gives the code.
            RunError::Stopped
            | RunError::Lock(
                LockError::Foreign { .. }
                | LockError::Engine { .. }
                | LockError::Folder { .. }
                | LockError::File { .. },
            )
            | RunError::Registry(_)
            | RunError::Failed(_) => Self::StateFailed,
        }
    }

    /// The code of a run that was ended early.
    pub fn of_signal(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::Terminate => Self::Terminated,
        }
    }
}

/// Whether changes have an exit code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    Count,
    AreFine,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

/// The table for the README, in Markdown.
pub fn table() -> String {
    let mut codes = ExitCode::BY_WEIGHT;
    codes.sort_by_key(|code| code.number());
    let rows = codes.map(|code| format!("| {} | {} |\n", code.number(), code.meaning()));
    format!("| code | meaning |\n|---:|---|\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::{ChangeReport, Plan};
    use crate::world::Owner;

    #[test]
    fn if_several_apply_the_heaviest_counts() {
        use ExitCode::{Busy, Changes, Fine, StateFailed, Unreachable, Usage, WrongFiles};
        let order = [Usage, WrongFiles, Unreachable, Busy, StateFailed, Changes, Fine];
        assert_eq!(order.map(ExitCode::number), [64, 3, 4, 5, 1, 2, 0]);
        for (at, code) in order.into_iter().enumerate() {
            assert_eq!(ExitCode::combined(order.into_iter().skip(at).rev()), code);
        }
        assert_eq!(ExitCode::combined([]), Fine);
    }

    fn report(ending: Ending) -> RunReport {
        let plan = Plan {
            owner: Owner { project: "shop".to_owned(), env: "prod".to_owned() },
            changes: Vec::new(),
            orphans: Vec::new(),
            warnings: Vec::new(),
        };
        let change = ChangeReport {
            ending,
            steps: Vec::new(),
            started: None,
            duration: Duration::ZERO,
            output: Vec::new(),
            notes: Vec::new(),
            made: None,
            gap: None,
        };
        RunReport {
            plan,
            changes: vec![change],
            timings: Vec::new(),
            requests: 0,
            registry_requests: 0,
            unknown: Vec::new(),
            dry_run: true,
            host: "local".to_owned(),
            aborted: None,
        }
    }

    #[test]
    fn changes_have_a_code_only_if_asked_for() {
        let code = |ending: Ending, changes| ExitCode::of_report(&report(ending), changes).number();
        assert_eq!(code(Ending::Pending, Changes::AreFine), 0);
        assert_eq!(code(Ending::Pending, Changes::Count), 2);
        assert_eq!(code(Ending::Changed, Changes::Count), 2);
        assert_eq!(code(Ending::Unchanged, Changes::Count), 0);
        let only_if = "container.web fails".to_owned();
        assert_eq!(code(Ending::Conditional { only_if }, Changes::Count), 0);
        let failed = Ending::Failed { reason: String::new(), hint: None };
        assert_eq!(code(failed, Changes::Count), 1);
        let aborted = RunReport { aborted: Some("Ctrl-C".to_owned()), ..report(Ending::Unchanged) };
        assert_eq!(ExitCode::of_report(&aborted, Changes::AreFine).number(), 1);
    }

    #[test]
    fn the_table_has_every_code() {
        insta::assert_snapshot!(table(), @"
        | code | meaning |
        |---:|---|
        | 0 | fine: everything is as declared, or has been made so |
        | 1 | a state failed (also: its registry could not be asked, or something stands against it under `--test`) |
        | 2 | with `--detailed-exitcode`: there were changes, or would be under `--test` |
        | 3 | the state files are wrong; nothing was touched |
        | 4 | the engine cannot be reached |
        | 5 | busy, or the plan is out of date: try again |
        | 64 | wrong usage |
        | 130 | ended early by Ctrl-C (SIGINT) |
        | 143 | ended early by SIGTERM |
        ");
    }
}
