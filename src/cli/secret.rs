//! `evenkeel secret`: the encrypted files that secrets come from.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use super::exit_code::ExitCode;
use super::output::OutputArgs;
use super::screen::Screen;
use super::secret_edit::edit;
use crate::report;
use crate::run::{Ambient, RunError, SecretFiles, SecretOptions};

/// Keeps secrets in files that are encrypted with age.
///
/// Templates name a secret, `{{ secret('db_password') }}`, and never see its value. It comes from the encrypted
/// files `secrets/ENV.age` and `secrets/common.age` of the tree, or from where `secrets:` in evenkeel.yml says.
/// The files are those of the age tools; the identity (the private key) is looked for in the file that
/// EVENKEEL_AGE_IDENTITY names, in the files of `secrets: {identities: …}`, and in ~/.config/evenkeel/identity.txt.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Opens a file in $EDITOR, and encrypts it again if it was changed. The plain text lies in a private folder
    /// meanwhile, in memory where the system has such a place.
    Edit {
        /// The file, or the name of a secret in it. It is made if it is not there.
        #[arg(value_name = "FILE|NAME")]
        file: String,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Encrypts a file, or what comes on standard input.
    Encrypt {
        /// What to encrypt: lines of `name: "value"`. Without it, standard input.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Where to write it. Without it, standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Writes over a file that is there.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Encrypts all encrypted files of the tree anew, or those that are named, for the recipients of today.
    Rotate {
        #[arg(value_name = "FILE|NAME")]
        files: Vec<String>,
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Lists the names of all secrets, and where their values come from. Shows no value.
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        keys: KeyArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Says whether every secret can be had: reads all files, and runs the commands that print secrets.
    Check {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        keys: KeyArgs,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// The environment, whose file is secrets/ENV.age.
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
}

#[derive(Debug, Args)]
struct KeyArgs {
    /// A file with identities, as age-keygen writes it, in place of those that are looked up. May be given several
    /// times.
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
    /// A public key (age1…) or a file of them, in place of those in evenkeel.yml. May be given several times.
    #[arg(short, long, value_name = "KEY|FILE")]
    recipient: Vec<String>,
}

const EXAMPLES: &str = "Examples:
  age-keygen -o ~/.config/evenkeel/identity.txt     once; its public key goes into evenkeel.yml
  evenkeel secret edit secrets/prod.age
  echo 'db_password: \"…\"' | evenkeel secret encrypt -o secrets/prod.age
  evenkeel secret rotate                             after `recipients` were changed
  evenkeel secret check --env prod";

pub(super) async fn run(args: SecretArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    match carry_out(args, ambient, screen).await {
        Ok(code) => code,
        Err(error) => screen.run_error(&error),
    }
}

async fn carry_out(args: SecretArgs, ambient: &Ambient, screen: &Screen) -> Result<ExitCode, RunError> {
    let files = |keys: KeyArgs, env: Option<String>| {
        let KeyArgs { identity, recipient } = keys;
        SecretFiles::find(SecretOptions { env, identities: identity, recipients: recipient }, ambient)
    };
    match args.command {
        SecretCommand::Edit { file, which, keys } => {
            let files = files(keys, which.env)?;
            let told = edit(&files, &files.file_of(&file), ambient).await?;
            Ok(screen.print(&format!("{told}\n")))
        }
        SecretCommand::Encrypt { file, output, force, keys } => {
            let files = files(keys, None)?;
            let plain = input(file, ambient)?;
            let encrypted = files.encrypted(&plain)?;
            let Some(output) = output.map(|output| ambient.directory.join(output)) else {
                return Ok(screen.print(&String::from_utf8_lossy(&encrypted)));
            };
            if output.exists() && !force {
                let shown = files.shown(&output);
                return Err(RunError::Usage(format!("{shown} is there already; --force writes over it")));
            }
            files.write(&output, &encrypted)?;
            Ok(screen.print(&format!("{} is encrypted\n", files.shown(&output))))
        }
        SecretCommand::Rotate { files: named, keys } => {
            let made = files(keys, None)?.rotate(&named)?;
            let lines = made.iter().map(|file| format!("{file} is encrypted anew\n"));
            Ok(screen.print(&lines.collect::<String>()))
        }
        SecretCommand::List { which, keys, output } => {
            let list = files(keys, which.env)?.list();
            let printed = screen.print(&match output.is_json() {
                true => report::secrets_json(&list.rows()),
                false => report::secrets(&list.rows()),
            });
            let problems = list.problems.iter();
            problems.for_each(|problem| screen.error(problem, None));
            let code = if list.problems.is_empty() { ExitCode::Fine } else { ExitCode::StateFailed };
            Ok(ExitCode::combined([printed, code]))
        }
        SecretCommand::Check { which, keys } => {
            let count = files(keys, which.env)?.check().await?;
            Ok(screen.print(&match count {
                1 => "1 secret: it can be had\n".to_owned(),
                count => format!("{count} secrets: all can be had\n"),
            }))
        }
    }
}

fn input(file: Option<PathBuf>, ambient: &Ambient) -> Result<Zeroizing<Vec<u8>>, RunError> {
    let mut plain = Zeroizing::new(Vec::new());
    match file {
        Some(file) => {
            let path = ambient.directory.join(&file);
            let read = std::fs::read(&path);
            plain = Zeroizing::new(
                read.map_err(|error| RunError::Failed(format!("cannot read {}: {error}", file.display())))?,
            );
        }
        None => {
            let read = std::io::stdin().lock().read_to_end(&mut plain);
            read.map_err(|error| RunError::Failed(format!("cannot read standard input: {error}")))?;
        }
    }
    if plain.trim_ascii().is_empty() {
        return Err(RunError::Usage("there is nothing to encrypt".to_owned()));
    }
    Ok(plain)
}
