//! The six laws of the design on the fake engine: for scripted scenarios with every fault at every
//! call, and for generated trees. `EVENKEEL_SEEDS=1000` widens every sample.

mod case;
pub mod checks;
mod faults;
pub mod generate;
mod lab;
mod random;
mod reboots;
mod scenarios;

/// How many seeds a sample takes: `usual`, unless somebody asks for more.
fn seeds(usual: u64) -> u64 {
    std::env::var("EVENKEEL_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
