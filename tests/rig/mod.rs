//! What the scenarios stand on: engines, a recording proxy, images, workspaces, and a look at what is there.
//! Tests call `engines::each`, which says by name what it had to skip.

pub mod daemon;
pub mod ended;
pub mod engines;
pub mod http;
pub mod images;
pub mod inspect;
pub mod numbers;
pub mod packages;
pub mod proxy;
pub mod registry;
pub mod scope;
pub mod waiting;
pub mod wire;
pub mod workspace;

mod proof;
