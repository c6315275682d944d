//! `evenkeel login`: proves to a registry who asks, from now on.

use std::io::{IsTerminal as _, Read as _, Write as _};

use clap::Args;

use super::exit_code::ExitCode;
use super::screen::Screen;
use crate::registry::{HUB, Keeper};
use crate::run::{self, Ambient, LoginOptions, RunError};

/// Logs in to a registry, for evenkeel and for Docker.
///
/// The registry is asked whether the login is right; then it is kept where Docker keeps it: in
/// config.json of ~/.docker (or DOCKER_CONFIG), or by the credential helper that is named there.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct LoginArgs {
    /// The registry: `host[:port]`.
    #[arg(value_name = "REGISTRY", default_value = HUB)]
    registry: String,

    /// The name of the user; asked for if it is left out.
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,

    /// Reads the password (or access token) from standard input. Else it is asked for.
    #[arg(long)]
    password_stdin: bool,
}

const EXAMPLES: &str = "Examples:
  evenkeel login registry.example:5000
  evenkeel login -u robot --password-stdin registry.example < token";

/// The longest password that is read, in bytes.
const LONGEST: u64 = 64 << 10;

pub(super) async fn run(args: LoginArgs, ambient: &Ambient, screen: &Screen) -> ExitCode {
    let options = match args.resolve() {
        Ok(options) => options,
        Err(error) => return screen.run_error(&error),
    };
    match run::login(&options, ambient).await {
        Ok(done) => {
            if !done.was_asked {
                screen.remark(&format!(
                    "{} lets in anybody, so the password was not tried\n",
                    options.registry
                ));
            }
            let keeper = match done.keeper {
                Keeper::File(path) => format!("kept unencrypted in {}", path.display()),
                Keeper::Helper(name) => format!("kept by {name}"),
            };
            screen.print(&format!("logged in to {} as {}; {keeper}\n", options.registry, options.username))
        }
        Err(error) => screen.run_error(&error),
    }
}

impl LoginArgs {
    fn resolve(self) -> Result<LoginOptions, RunError> {
        let registry = registry_named(&self.registry)?;
        let usage = |message: &str| Err(RunError::Usage(message.to_owned()));
        let is_terminal = std::io::stdin().is_terminal();
        let username = match self.username {
            Some(name) => name,
            None if is_terminal && !self.password_stdin => line("Username: ")?,
            None => return usage("name the user with --username"),
        };
        if username.is_empty() || username.contains([':', '\n', '\r']) {
            return usage("a user's name is not empty and has no `:` in it");
        }
        let password = if self.password_stdin {
            let mut text = String::new();
            let read = std::io::stdin().take(LONGEST).read_to_string(&mut text);
            read.map_err(|error| RunError::Usage(format!("cannot read the password: {error}")))?;
            text.trim_end_matches(['\n', '\r']).to_owned()
        } else if is_terminal {
            rpassword::prompt_password("Password: ")
                .map_err(|error| RunError::Usage(format!("cannot read the password: {error}")))?
        } else {
            return usage("there is no terminal to ask for the password; give it with --password-stdin");
        };
        if password.is_empty() {
            return usage("the password is empty");
        }
        Ok(LoginOptions { registry, username, password })
    }
}

/// The host and port that a person means, who may have typed an address.
pub(super) fn registry_named(typed: &str) -> Result<String, RunError> {
    let host = typed.trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split('/').next().unwrap_or_default();
    if matches!(host, "index.docker.io" | "registry-1.docker.io" | "hub.docker.com") {
        return Ok(HUB.to_owned());
    }
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(is_host) {
        return Err(RunError::Usage(format!(
            "`{typed}` is no registry; name its host and port, such as reg.example:5000"
        )));
    }
    Ok(host.to_owned())
}

fn line(prompt: &str) -> Result<String, RunError> {
    let failed = |error: std::io::Error| RunError::Usage(format!("cannot ask: {error}"));
    let mut out = std::io::stderr();
    out.write_all(prompt.as_bytes()).and_then(|()| out.flush()).map_err(failed)?;
    let mut text = String::new();
    std::io::stdin().read_line(&mut text).map_err(failed)?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::registry_named;

    #[test]
    fn a_registry_is_known_by_its_host() {
        let named = |typed: &str| registry_named(typed).ok();
        for hub in ["docker.io", "index.docker.io", "https://index.docker.io/v1/", "https://hub.docker.com/"]
        {
            assert_eq!(named(hub).as_deref(), Some("docker.io"), "{hub}");
        }
        assert_eq!(named("https://reg.example:5000/v2/").as_deref(), Some("reg.example:5000"));
        assert_eq!(named("[::1]:5000").as_deref(), Some("[::1]:5000"));
        for wrong in ["", "https://", "a b", "reg?x"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }
}
