//! Asks the probes of a gate, one after the other, until each was answered well. Changes nothing at the container in
//! question; what a helper needs is made and removed by `helper`.

use std::time::Duration;

use bollard::query_parameters::LogsOptions;
use futures_util::TryStreamExt;
use http::Request;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::client::Client;
use super::helper::{self, Question};
use super::performer::Performer;
use super::transport::{ANSWER, encoded};
use crate::world::{Gate, Probe, Target, Whence, label};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long one attempt from this machine may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How much longer than the gate a helper may ask, so that what it says at last is heard.
const HELPER_MARGIN: Duration = Duration::from_secs(2);

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// What is asked, and what was wrong with the last answer.
    Waiting(String),
    /// All were answered well.
    Well,
    /// It never will be.
    Never(String),
}

/// Why an attempt was not answered well.
pub(super) enum Miss {
    /// It may be the next time.
    Yet(String),
    /// It never will be.
    Never(String),
}

/// The task that asks.
pub(super) struct Asking {
    said: watch::Receiver<Said>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// One container and the time that it has.
pub(super) struct Asked {
    pub client: Client,
    pub container: Target,
    pub deadline: Instant,
    pub stop: CancellationToken,
}

impl Asking {
    /// Begins to ask; a gate without probes is answered well at once.
    pub fn begin(client: &Client, container: &Target, gate: &Gate) -> Self {
        let first = if gate.wait.is_empty() { Said::Well } else { Said::Waiting("asks".to_owned()) };
        let (tell, said) = watch::channel(first);
        let stop = CancellationToken::new();
        let now = Instant::now();
        let asked = Asked {
            client: client.clone(),
            container: container.clone(),
            // Far away, if nobody set a bound.
            deadline: now.checked_add(gate.timeout).unwrap_or_else(|| now + Duration::from_secs(86_400)),
            stop: stop.clone(),
        };
        let probes = gate.wait.clone();
        let task = tokio::spawn(async move {
            for probe in &probes {
                if !asked.until_well(probe, &tell).await {
                    return;
                }
            }
            _ = tell.send(Said::Well);
        });
        Self { said, stop, task }
    }

    pub fn said(&self) -> Said {
        self.said.borrow().clone()
    }

    /// Waits until something else is said, at most for `pause`.
    pub async fn pause(&mut self, pause: Duration) {
        // Whoever has nothing more to say is gone.
        if !matches!(timeout(pause, self.said.changed()).await, Ok(Ok(())))
            && self.said.has_changed().is_err()
        {
            sleep(pause).await;
        }
    }

    /// Ends it, leaves nothing behind, and gives what was said last.
    pub async fn end(self) -> Said {
        self.stop.cancel();
        // A task of ours ends by itself.
        _ = self.task.await;
        self.said.borrow().clone()
    }
}

impl Asked {
    /// True when the probe was answered well; else what there is to say of it has been told.
    async fn until_well(&self, probe: &Probe, tell: &watch::Sender<Said>) -> bool {
        let mut pause = FIRST_PAUSE;
        _ = tell.send(Said::Waiting(probe.to_string()));
        loop {
            match self.ask(probe).await {
                Ok(()) => return true,
                Err(Miss::Never(reason)) => {
                    _ = tell.send(Said::Never(format!("{probe}: {reason}")));
                    return false;
                }
                // One that was cut short says less than the one before.
                Err(Miss::Yet(reason)) if reason.is_empty() => {}
                Err(Miss::Yet(reason)) => _ = tell.send(Said::Waiting(format!("{probe}: {reason}"))),
            }
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    async fn ask(&self, probe: &Probe) -> Result<(), Miss> {
        let once = async {
            match probe {
                Probe::Exec { command } => self.exec(command).await,
                Probe::Log { text } => self.log(text).await,
                Probe::Validate => self.validate().await,
                Probe::Healthy => self.has_healthcheck().await,
                Probe::Http { port, path, status, from: Whence::Published } => {
                    let (stream, host) = self.connect(*port).await?;
                    http(stream, &host, path, *status).await
                }
                Probe::Tcp { port, from: Whence::Published } => self.connect(*port).await.map(|_| ()),
                Probe::Http { port, path, from: Whence::Inside, .. } => {
                    self.exec(&inside(HTTP_INSIDE, &format!("http://127.0.0.1:{port}{path}"))).await
                }
                Probe::Tcp { port, from: Whence::Inside } => {
                    self.exec(&inside(TCP_INSIDE, &format!("{port:04X}"))).await
                }
                Probe::Http { from: Whence::Helper, .. } | Probe::Tcp { from: Whence::Helper, .. } => Ok(()),
            }
        };
        let question = match probe {
            Probe::Http { port, path, status, from: Whence::Helper } => {
                Some(Question::Http { port: *port, path, status: *status })
            }
            Probe::Tcp { port, from: Whence::Helper } => Some(Question::Tcp { port: *port }),
            _ => None,
        };
        match question {
            // It hears of the end itself, and removes what it has made.
            Some(question) => {
                let left = self.deadline.saturating_duration_since(Instant::now()) + HELPER_MARGIN;
                helper::ask(self, &self.shown().await?, &question, left).await
            }
            None => tokio::select! {
                () = self.stop.cancelled() => Err(Miss::Yet(String::new())),
                answer = once => answer,
            },
        }
    }

    /// The container's inspection.
    async fn shown(&self) -> Result<Value, Miss> {
        let path = format!("/containers/{}/json", encoded(&self.container.id.to_string()));
        let reply = self.client.transport().get(&path, ANSWER).await;
        let reply = reply.map_err(|broken| Miss::Yet(broken.reason().to_owned()))?;
        if !reply.status.is_success() {
            return Err(Miss::Yet(reply.message()));
        }
        serde_json::from_slice(&reply.body).map_err(|error| Miss::Yet(error.to_string()))
    }

    async fn exec(&self, command: &[String]) -> Result<(), Miss> {
        let last = std::sync::Mutex::new(String::new());
        let keep = |line: String| {
            if !line.trim().is_empty() {
                *last.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = line;
            }
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        let performer = Performer::new(self.client.clone());
        let ended = performer.exec_telling(&self.container.id.to_string(), command, left, &keep).await;
        let last = last.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let last: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
        let with = |what: String| if last.is_empty() { what } else { format!("{what}: {last}") };
        match ended {
            Ok(Some(0)) => Ok(()),
            Ok(Some(code @ (126 | 127)))
                if last.contains("exec failed") || last.contains("is in the image") =>
            {
                Err(Miss::Never(with(format!("exited with {code}"))))
            }
            Ok(Some(code)) => Err(Miss::Yet(with(format!("exited with {code}")))),
            // One that came shortly before the end says less than the one before.
            Ok(None) if left < ATTEMPT / 5 => Err(Miss::Yet(String::new())),
            Ok(None) => Err(Miss::Yet(with("it does not end".to_owned()))),
            Err(error) => Err(Miss::Yet(error.to_string())),
        }
    }

    async fn validate(&self) -> Result<(), Miss> {
        let shown = self.shown().await?;
        match shown["Config"]["Labels"][label::LIFECYCLE_VALIDATE].as_str() {
            Some(command) => self.exec(&inside(command, "sh")).await,
            None => Err(Miss::Never(format!("it has no label {}", label::LIFECYCLE_VALIDATE))),
        }
    }

    async fn has_healthcheck(&self) -> Result<(), Miss> {
        match self.shown().await?["State"]["Health"]["Status"].as_str() {
            None | Some("none" | "") => {
                Err(Miss::Never("it has no healthcheck, so nobody knows whether it is".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }

    /// Looks for a text in what was written since the container's start.
    async fn log(&self, text: &str) -> Result<(), Miss> {
        let shown = self.shown().await?;
        let started: Option<jiff::Timestamp> =
            shown["State"]["StartedAt"].as_str().and_then(|time| time.parse().ok());
        let since = started.and_then(|time| i32::try_from(time.as_second()).ok()).unwrap_or_default();
        let options = LogsOptions { stdout: true, stderr: true, since, ..LogsOptions::default() };
        let mut pieces = self.client.docker().logs(&encoded(&self.container.id.to_string()), Some(options));
        let mut seen = Vec::new();
        loop {
            match timeout(self.client.transport().bound(ANSWER), pieces.try_next()).await {
                Err(_) => return Err(Miss::Yet("the engine is silent".to_owned())),
                Ok(Ok(None)) => return Err(Miss::Yet("it has not written that".to_owned())),
                Ok(Ok(Some(piece))) => {
                    seen.extend_from_slice(&piece.into_bytes());
                    if find(&seen, text.as_bytes()) {
                        return Ok(());
                    }
                    // What may still be a beginning is kept.
                    let old = seen.len().saturating_sub(text.len());
                    seen.drain(..old);
                }
                Ok(Err(bollard::errors::Error::DockerResponseServerError { status_code, message })) => {
                    let reason = format!("its log cannot be read: {message}");
                    return Err(if status_code < 500 || message.contains("does not support reading") {
                        Miss::Never(reason)
                    } else {
                        Miss::Yet(reason)
                    });
                }
                Ok(Err(error)) => return Err(Miss::Yet(error.to_string())),
            }
        }
    }

    /// Connects to where a port is published.
    async fn connect(&self, port: u16) -> Result<(TcpStream, String), Miss> {
        let shown = self.shown().await?;
        let (ip, number) = match shown["HostConfig"]["NetworkMode"].as_str() {
            Some("host") => (String::new(), port),
            _ => {
                published(&shown, port).ok_or_else(|| Miss::Never(format!("port {port} is not published")))?
            }
        };
        let host = match (ip.as_str(), self.client.address()) {
            ("" | "0.0.0.0" | "::", Address::Unix(_)) => "127.0.0.1".to_owned(),
            ("" | "0.0.0.0" | "::", Address::Tcp { host, .. } | Address::Ssh { host, .. }) => host.clone(),
            (ip, _) => ip.to_owned(),
        };
        let at = format!("{host}:{number}");
        match timeout(ATTEMPT, TcpStream::connect((host.as_str(), number))).await {
            Ok(Ok(stream)) => Ok((stream, at)),
            Ok(Err(error)) => Err(Miss::Yet(format!("{error} at {at}"))),
            Err(_) => Err(Miss::Yet(format!("no answer within {} s at {at}", ATTEMPT.as_secs()))),
        }
    }
}

/// Asks with what the image has; says so if it has nothing.
const HTTP_INSIDE: &str = "if command -v wget >/dev/null 2>&1; then wget -q -O /dev/null \"$0\"; \
    elif command -v curl >/dev/null 2>&1; then curl -fsS -m 5 -o /dev/null \"$0\"; \
    else echo 'neither wget nor curl is in the image' >&2; exit 127; fi";
/// The kernel's own list of who listens: whatever is in the image, it has no need to connect.
const TCP_INSIDE: &str = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | \
    grep -q \"^ *[0-9]*: [0-9A-F]*:$0 [0-9A-F]*:0000 0A \" || { echo 'nobody listens' >&2; exit 1; }";

fn inside(script: &str, argument: &str) -> Vec<String> {
    ["/bin/sh", "-c", script, argument].map(str::to_owned).to_vec()
}

/// Address and port at the engine's machine.
fn published(shown: &Value, port: u16) -> Option<(String, u16)> {
    let bindings = shown["NetworkSettings"]["Ports"][format!("{port}/tcp")].as_array()?;
    // An address of version 4 goes first: that of version 6 may be one that this machine does not have.
    let binding =
        bindings.iter().find(|binding| !binding["HostIp"].to_string().contains(':')).or(bindings.first())?;
    Some((binding["HostIp"].as_str()?.to_owned(), binding["HostPort"].as_str()?.parse().ok()?))
}

async fn http(stream: TcpStream, host: &str, path: &str, (first, last): (u16, u16)) -> Result<(), Miss> {
    let yet = |error: &dyn std::fmt::Display| Miss::Yet(format!("{error} at {host}"));
    let ask = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| yet(&error))?;
        let driver = tokio::spawn(connection);
        let request = Request::get(path)
            .header("host", host)
            .header("user-agent", "evenkeel")
            .body(Empty::<bytes::Bytes>::new())
            .map_err(|error| Miss::Never(error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(|error| yet(&error));
        driver.abort();
        answer
    };
    let answer = timeout(ATTEMPT, ask).await;
    let answer = answer.map_err(|_| yet(&format!("no answer within {} s", ATTEMPT.as_secs())))??;
    match answer.status().as_u16() {
        status if (first..=last).contains(&status) => Ok(()),
        status => Err(Miss::Yet(format!("the answer was {status}"))),
    }
}

fn find(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}
