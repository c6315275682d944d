//! Where the history lies: one folder per user, whether a run comes from a login, a cron job or a git hook.

use std::path::PathBuf;

use super::HistoryError;

/// The places that a run may choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePlaces {
    /// `$EVENKEEL_STATE_DIR`.
    pub chosen: Option<PathBuf>,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// The user whose history it is.
    pub uid: u32,
}

impl StatePlaces {
    /// Names the folder; it need not be there.
    ///
    /// # Errors
    /// If nothing says where it is.
    pub fn folder(&self) -> Result<PathBuf, HistoryError> {
        if let Some(chosen) = &self.chosen {
            return Ok(chosen.clone());
        }
        // Under `sudo` the home folder may be somebody else's, and a database of root's would shut them out.
        if self.uid == 0 {
            return Ok(PathBuf::from("/var/lib/evenkeel"));
        }
        // The specification of these variables has a relative path ignored.
        // Source: <https://specifications.freedesktop.org/basedir-spec/latest/>.
        let state_home = self.state_home.as_ref().filter(|folder| folder.is_absolute());
        let state_home = state_home.cloned().or(self.home.as_ref().map(|home| home.join(".local/state")));
        state_home.map(|folder| folder.join("evenkeel")).ok_or(HistoryError::Nowhere)
    }
}
