//! The closed list of everything that evenkeel can do to an engine, a registry or this machine.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::{BuildSpec, File, FileTime, Gate, Hook, Id, Name, Target, Trial};

/// One effect: one call of the engine's API, or one wait for something that an earlier call began.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Pulls what `reference` points to (or exactly `digest`) and gives it the reference as its tag.
    PullImage {
        image: Id,
        reference: String,
        digest: Option<String>,
        platform: Option<String>,
    },
    BuildImage {
        image: Id,
        build: Box<BuildSpec>,
    },
    /// Loads the images of an archive, one of which is called `reference`.
    LoadImage {
        image: Id,
        reference: String,
        path: PathBuf,
        hash: String,
    },
    TagImage {
        image: Target,
        reference: String,
    },
    /// Pushes what `reference` points to, `image`, to its registry.
    PushImage {
        image: Target,
        reference: String,
    },
    /// Writes the image into an archive on this machine, as `docker save` does.
    SaveImage {
        image: Target,
        reference: String,
        path: PathBuf,
    },
    /// Removes a tag; the image itself goes with its last one.
    RemoveImage {
        image: Target,
        reference: String,
    },

    CreateNetwork {
        network: Target,
        body: Value,
    },
    RemoveNetwork {
        network: Target,
    },
    /// `endpoint` is the API's `EndpointSettings`.
    Connect {
        network: Target,
        container: Target,
        endpoint: Value,
    },
    Disconnect {
        network: Target,
        container: Target,
    },

    CreateVolume {
        name: Name,
        body: Value,
    },
    RemoveVolume {
        name: Name,
    },

    /// `body` is what the API takes to create a container; `image` the image it is made from.
    CreateContainer {
        container: Target,
        image: Id,
        body: Value,
    },
    /// Creates a container that shows whether `image` is sound.
    CreateTrial {
        container: Target,
        image: Id,
        trial: Box<Trial>,
    },
    /// Removes such a container with the volumes that nobody named.
    RemoveTrial {
        container: Target,
    },
    /// Waits until a container has ended, and ended well, at most for `timeout`.
    AwaitEnd {
        container: Target,
        timeout: Duration,
    },
    /// Puts files into a container, running or not.
    PutFiles {
        container: Target,
        files: Vec<File>,
        time: FileTime,
    },
    StartContainer {
        container: Target,
    },
    /// Stops with the container's own signal; kills after `timeout` seconds (the container's own
    /// time if none is given).
    StopContainer {
        container: Target,
        timeout: Option<u32>,
    },
    RestartContainer {
        container: Target,
        timeout: Option<u32>,
    },
    SignalContainer {
        container: Target,
        signal: String,
    },
    UnpauseContainer {
        container: Target,
    },
    RenameContainer {
        container: Target,
        to: Name,
    },
    /// `body` is what the API takes to update a container: fields of `HostConfig`.
    UpdateContainer {
        container: Target,
        body: Value,
    },
    /// Waits until the container has proven itself. A probe from a helper makes a throw-away container beside it, and
    /// removes that again.
    Settle {
        container: Target,
        gate: Gate,
    },
    /// Waits until a container that others need is healthy, at most for `timeout`.
    AwaitHealthy {
        container: Target,
        timeout: Duration,
    },
    /// Watches a container that serves: it must not end, be restarted or become unhealthy for so long.
    Watch {
        container: Target,
        lasts: Duration,
    },
    /// Runs a command that goes along with the life of a container, on this machine or in a container.
    RunHook {
        hook: Box<Hook>,
    },
    /// Removes a container that is not running, never its volumes.
    RemoveContainer {
        container: Target,
    },

    /// Runs a command on this machine that decides whether a state is as it should be.
    CheckCommand {
        command: String,
    },
}
