//! Text that people wrote, with the places of everything in it: files, places, parsed nodes and
//! diagnostics. Knows no YAML library, no template engine and nothing of Docker.

mod diagnostic;
mod distance;
mod node;
mod place;
mod secrecy;
mod token;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use distance::did_you_mean;
pub use node::{Entry, Node, NodeValue, Style};
pub use place::{Place, SourceFile, Text};
pub use secrecy::{Secrets, looks_secret, masked, without_url_passwords};
pub use token::{
    Piece, each_token, holds_token, is_secret_name, is_token_character, padded_token, pieces,
    shown as shown_tokens, token, unpadded, value_holds_token, without_tokens,
};
