//! Compiles two programs that run in containers, each of one file, to static binaries: build/asker.rs, which evenkeel
//! carries, and the demo's states/demo/web.rs. Never fails the build: evenkeel works without its demo, and says what
//! it cannot do without the other.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

const SOURCE: &str = "states/demo/web.rs";
const PROGRAM: &str = "states/demo/bin/web";
const ASKER: &str = "build/asker.rs";

fn main() {
    // The program is watched too: whoever removes it gets it back.
    for path in ["build.rs", SOURCE, PROGRAM, ASKER] {
        println!("cargo::rerun-if-changed={path}");
    }
    if let Err(reason) = compile_demo() {
        println!(
            "cargo::warning=the demo's program was not compiled, so states/demo.yml cannot be applied: {reason}"
        );
        println!("cargo::warning=hint: rustc -O -C target-feature=+crt-static -o {PROGRAM} {SOURCE}");
    }
    let Ok(made) = variable("OUT_DIR").map(|folder| PathBuf::from(folder).join("asker")) else { return };
    if let Err(reason) = variable("CARGO_MANIFEST_DIR")
        .map_err(Into::into)
        .and_then(|root| compile(Path::new(&root), ASKER, &made, "z"))
    {
        println!(
            "cargo::warning=build/asker.rs was not compiled, so `wait` cannot ask from a helper: {reason}"
        );
        // What is embedded has to be there.
        _ = fs::write(&made, []);
    }
}

fn compile_demo() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    if !root.join(SOURCE).exists() {
        // A published package may come without its demo.
        return Ok(());
    }
    let made = PathBuf::from(variable("OUT_DIR")?).join("web");
    compile(&root, SOURCE, &made, "3")?;
    replace_if_changed(&made, &root.join(PROGRAM), fs::metadata(root.join(SOURCE))?.modified()?)?;
    Ok(())
}

/// Makes a static program of one file; `level` is rustc's level of optimisation.
fn compile(root: &Path, source: &str, made: &Path, level: &str) -> Result<(), Box<dyn Error>> {
    let target = env::var("TARGET")?;
    if !target.contains("linux") {
        return Err(format!("{target} is not Linux").into());
    }
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.current_dir(root).arg("--edition=2024").args(["-C", &format!("opt-level={level}")]);
    for option in ["target-feature=+crt-static", "panic=abort", "strip=symbols", "lto=fat", "codegen-units=1"]
    {
        rustc.args(["-C", option]);
    }
    if let Some(linker) = linker(&target) {
        let mut option = OsString::from("linker=");
        option.push(linker);
        rustc.arg("-C").arg(option);
    }
    let output = rustc.arg("--target").arg(&target).arg("-o").arg(made).arg(source).output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let first = stderr.lines().find(|line| line.starts_with("error")).unwrap_or("rustc failed");
        return Err(first.to_owned().into());
    }
    Ok(())
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo does not set {name}"))
}

/// The linker that cargo's environment names for this target.
fn linker(target: &str) -> Option<OsString> {
    let name = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    println!("cargo::rerun-if-env-changed={name}");
    env::var_os(name).or_else(|| env::var_os("RUSTC_LINKER"))
}

/// Gives the program its source's time: a newer one would make cargo run this again.
fn replace_if_changed(made: &Path, program: &Path, time: SystemTime) -> std::io::Result<()> {
    let content = fs::read(made)?;
    if fs::read(program).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let folder = program.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // Another build may run side by side, and a running program cannot be written to: a rename does both.
    let new = folder.join(format!(".web.{}", std::process::id()));
    fs::copy(made, &new)?;
    fs::File::options().write(true).open(&new)?.set_modified(time)?;
    fs::rename(&new, program)
}
