//! The Docker engine: the only module that names bollard or speaks HTTP to an engine.

mod address;
mod asking;
mod build;
mod buildx;
mod client;
mod connector;
mod docker;
mod empty_image;
mod exec;
pub mod fake;
mod helper;
mod hook;
mod lock;
mod logs;
mod observe;
mod observer;
mod origin;
mod patience;
mod perform;
mod performer;
mod pull;
mod push;
mod registry_auth;
mod save;
mod settle;
mod shapes;
mod transport;

pub use address::{Address, Environment, Identity, TlsFiles};
pub use client::{Client, connect};
pub use exec::Ended;
pub use lock::{Attempt, LockRefusal, Locker, Renewal, SeenLock, TakenLock};
pub use logs::{LogStream, LogWish, Tail, TellLog};
pub use observe::{Observe, ObserveError, Wanted};
pub use observer::Survey;
pub use perform::{Answer, Perform, PerformError, Progress};
pub use performer::Performer;
