//! Whether an engine is on this machine, so that what its containers need of it can be looked at.

use std::fs;
use std::path::PathBuf;

use tokio::net::UnixStream;

use super::address::Address;
use super::client::Client;

impl Client {
    /// True if the engine, which calls its machine `hostname`, runs on this one and sees its files and its network. A
    /// socket may lead to another machine, and an engine may be shut in.
    pub async fn is_here(&self, hostname: &str) -> bool {
        let Address::Unix(socket) = self.address() else { return false };
        let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        if own.trim() != hostname {
            return false;
        }
        let Ok(stream) = UnixStream::connect(socket).await else { return false };
        let Some(pid) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else { return false };
        let namespace =
            |of: &str, sort: &str| -> Option<PathBuf> { fs::read_link(format!("/proc/{of}/ns/{sort}")).ok() };
        ["net", "mnt"].iter().all(|sort| {
            let own = namespace("self", sort);
            own.is_some() && own == namespace(&pid.to_string(), sort)
        })
    }
}
