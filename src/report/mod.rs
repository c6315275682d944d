//! What people and programs get to see of a run. Rendering is pure and always in colour: whoever
//! writes the text strips the colours where they are not wanted (`anstream`). Knows no engine.
//! Every text that comes from elsewhere goes through [`harmless`], so that no value can steer a
//! terminal.

mod changes;
mod comment;
mod diagnostics;
mod difference;
mod highstate;
mod history;
mod json;
mod locks;
mod methods;
mod notices;
mod origin;
mod progress;
mod promotion;
mod secrets;
mod status;
mod table;
mod text;
mod timings;
mod view;

pub use changes::changes;
pub use diagnostics::diagnostics;
pub use highstate::{Detail, Label, StateOutput, compile_error, highstate};
pub use history::{differences, differences_json, history, history_json};
pub use json::json;
pub use locks::{locks, locks_json, unlocked, unlocked_json};
pub use methods::{methods, methods_json};
pub use notices::{lines_of, notices, saved, warning};
pub use origin::{examination, metadata, metadata_json};
pub use progress::{Display, Paint, Progress};
pub use promotion::{pins, pipelines, promotion};
pub use secrets::{secrets, secrets_json};
pub use status::{status, status_json};
pub use text::{error, harmless, message, terminal_safe};
pub use timings::timings;
pub use view::{Amount, Glyphs, View};

#[cfg(test)]
mod tests;
