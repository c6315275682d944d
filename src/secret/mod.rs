//! Secrets: where their values come from, and how they are kept out of everything but what they are for.
//!
//! A template gives a *token* (`source::token`) in place of a value. All that is compiled, compared, planned and told
//! has tokens. A [`Vault`] has the values of one run: [`Vault::resolve`] puts them in at the boundary where something
//! is sent, [`Vault::seal`] puts tokens back where something comes in. So values are in no plan, label or history.

mod crypt;
mod declared;
mod former;
mod net;
mod open;
mod spellings;
mod vault;

pub use crypt::{CryptError, Identities, Recipients, decrypt, encrypt, is_encrypted};
pub use declared::{Declarations, Declared, Origin, declarations};
pub use former::{Values, former_values};
pub use net::{covered, watch_for};
pub use open::{AgeFile, Keys, Lookup, looked_up, mapping, open};
pub use vault::{SHORTEST, Unfit, Unknown, Vault, fit};
