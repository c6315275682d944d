//! A small container of evenkeel's own that asks a port of another one from within its network: its program is
//! carried here, copied into an empty container, and the container is removed when it has its answer. One that a
//! killed run leaves ends with its time, carries the label of trials, and goes with the next run.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::asking::{Asked, Miss};
use super::empty_image::{self, IMAGE};
use super::logs::last_lines;
use super::performer::{CHANGE, START};
use super::shapes::run_state;
use super::transport::{ANSWER, Order, Reply, encoded, full};
use crate::world::{RunState, label};

/// What build.rs has made of build/asker.rs; empty if it could not.
static ASKER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/asker"));
/// How often the answer is looked for.
const PAUSE: Duration = Duration::from_millis(100);
/// Creation is tried again after the image was loaded, and after an earlier helper was removed.
const ATTEMPTS: u32 = 3;

/// What is asked.
pub(super) enum Question<'a> {
    Tcp { port: u16 },
    Http { port: u16, path: &'a str, status: (u16, u16) },
}

/// Asks until the answer is good, the time is over, or nobody waits any more. `shown` is the inspection of the one
/// that is asked.
pub(super) async fn ask(
    asked: &Asked,
    shown: &Value,
    question: &Question<'_>,
    time: Duration,
) -> Result<(), Miss> {
    if ASKER.is_empty() {
        let reason =
            "this evenkeel was built without the program for it; use `from: inside` or `from: published`";
        return Err(Miss::Never(reason.to_owned()));
    }
    let id = create(asked, shown, &command(shown, question, time)).await?;
    let outcome = match copy_and_start(asked, &id).await {
        Ok(()) => answer(asked, &id).await,
        Err(miss) => Err(miss),
    };
    // What cannot be removed now goes with the next run.
    _ = order(asked, Order::plain(Method::DELETE, format!("/containers/{id}?force=1&v=1")), CHANGE).await;
    outcome
}

fn command(shown: &Value, question: &Question<'_>, time: Duration) -> Vec<String> {
    let seconds = time.as_secs().max(1).to_string();
    match question {
        Question::Tcp { port } => vec!["/asker".to_owned(), seconds, "tcp".to_owned(), address(shown, *port)],
        Question::Http { port, path, status: (first, last) } => vec![
            "/asker".to_owned(),
            seconds,
            "http".to_owned(),
            address(shown, *port),
            (*path).to_owned(),
            format!("{first}-{last}"),
        ],
    }
}

/// The container's own address: what listens on 127.0.0.1 alone serves nobody. One without an address has only that.
fn address(shown: &Value, port: u16) -> String {
    let networks = shown["NetworkSettings"]["Networks"].as_object();
    let own = |key: &str| {
        let addresses = networks.into_iter().flatten().filter_map(|(_, network)| network[key].as_str());
        addresses.into_iter().find(|address| !address.is_empty()).map(str::to_owned)
    };
    match (own("IPAddress"), own("GlobalIPv6Address")) {
        (Some(address), _) => format!("{address}:{port}"),
        (None, Some(address)) => format!("[{address}]:{port}"),
        (None, None) => format!("127.0.0.1:{port}"),
    }
}

/// Makes the container, and the image if there is none.
async fn create(asked: &Asked, shown: &Value, command: &[String]) -> Result<String, Miss> {
    let name = format!("{}.ask", asked.container.name);
    let labels = &shown["Config"]["Labels"];
    let mut own = Map::from_iter([(label::TRIAL.to_owned(), json!(asked.container.name))]);
    own.extend(
        [label::PROJECT, label::ENV]
            .map(|key| (key.to_owned(), labels[key].clone()))
            .into_iter()
            .filter(|(_, value)| value.is_string()),
    );
    let body = json!({
        "Image": IMAGE,
        "Entrypoint": command,
        "User": "65534:65534",
        "Labels": own,
        "HostConfig": {
            "NetworkMode": format!("container:{}", asked.container.id),
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
        },
    });
    let mut said = String::new();
    for _ in 0..ATTEMPTS {
        let path = format!("/containers/create?name={}", encoded(&name));
        let reply = order(asked, Order::json(path, &body), CHANGE).await?;
        match reply.status {
            status if status.is_success() => {
                let made: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
                let id = made["Id"].as_str().filter(|id| !id.is_empty());
                return id
                    .map(str::to_owned)
                    .ok_or_else(|| Miss::Yet("the engine's answer has no id".to_owned()));
            }
            StatusCode::NOT_FOUND if reply.message().contains("image") => {
                empty_image::load(&asked.client).await.map_err(Miss::Yet)?;
            }
            StatusCode::CONFLICT => remove_earlier(asked, &name).await?,
            _ => {}
        }
        said = reply.message();
    }
    Err(Miss::Yet(format!("cannot make the helper {name}: {said}")))
}

/// Removes a helper that a lost answer or another run left, and nobody else's container.
async fn remove_earlier(asked: &Asked, name: &str) -> Result<(), Miss> {
    let path = format!("/containers/{}", encoded(name));
    let Ok(reply) = asked.client.transport().get(&format!("{path}/json"), ANSWER).await else {
        return Ok(());
    };
    let found: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    if reply.status.is_success() && found["Config"]["Labels"][label::TRIAL].is_null() {
        return Err(Miss::Never(format!("a container called {name} is in the way")));
    }
    order(asked, Order::plain(Method::DELETE, format!("{path}?force=1&v=1")), CHANGE).await.map(|_| ())
}

async fn copy_and_start(asked: &Asked, id: &str) -> Result<(), Miss> {
    let archive = archive().map_err(|error| Miss::Never(error.to_string()))?;
    let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))];
    let path = format!("/containers/{id}/archive?path=/");
    let copy = Order { headers, body: full(Bytes::from(archive)), ..Order::plain(Method::PUT, path) };
    let start = Order::plain(Method::POST, format!("/containers/{id}/start"));
    for (step, bound) in [(copy, CHANGE), (start, START)] {
        let reply = order(asked, step, bound).await?;
        if !reply.status.is_success() {
            let said = reply.message();
            let reason = format!("cannot ask from a helper: {said}");
            let is_foreign = said.contains("exec format error");
            return Err(if is_foreign {
                Miss::Never(format!("{reason} (the engine's machine is another one; use `from: inside`)"))
            } else {
                Miss::Yet(reason)
            });
        }
    }
    Ok(())
}

fn archive() -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(ASKER.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, "asker", ASKER)?;
    archive.into_inner()
}

/// Waits for its end.
async fn answer(asked: &Asked, id: &str) -> Result<(), Miss> {
    loop {
        let reply = asked.client.transport().get(&format!("/containers/{id}/json"), ANSWER).await;
        let shown: Value =
            reply.ok().and_then(|reply| serde_json::from_slice(&reply.body).ok()).unwrap_or_default();
        match run_state(&shown["State"]) {
            RunState::Exited { code: 0 } if shown.is_object() => return Ok(()),
            RunState::Exited { .. } | RunState::Dead if shown.is_object() => {
                return Err(Miss::Yet(last_words(asked, id).await));
            }
            _ => {}
        }
        tokio::select! {
            () = asked.stop.cancelled() => return Err(Miss::Yet(last_words(asked, id).await)),
            () = sleep(PAUSE) => {}
        }
    }
}

async fn last_words(asked: &Asked, id: &str) -> String {
    let lines = last_lines(asked.client.docker(), id, 1).await.unwrap_or_default();
    lines.into_iter().next_back().unwrap_or_else(|| "no answer".to_owned())
}

async fn order(asked: &Asked, order: Order, bound: Duration) -> Result<Reply, Miss> {
    let reply = asked.client.transport().order(order, bound).await;
    reply.map_err(|broken| Miss::Yet(broken.reason().to_owned()))
}
