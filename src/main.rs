use std::process::ExitCode;

/// Thousands of small values come and go on all threads while an engine's answers are read.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    evenkeel::cli::main(std::env::args_os()).into()
}
