//! What a host does not let its containers have, whoever declares them. Looks at what the engine would
//! be told, so that it makes no difference in which words it was said.

mod body;
mod namespaces;
mod rules;
mod scope;
mod volume;

pub use body::ambiguous;
pub use rules::{Policy, Rule, created};
pub use scope::Scope;
