//! Replacing containers: what serves meanwhile, what is kept, and the way back.

mod ailing_old;
mod faults;
mod gates;
mod hooks;
mod kept;
mod overlap;
mod rollback;
mod writers;
