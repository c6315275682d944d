//! An image without anything in it, for containers of evenkeel's own. It is made here, and always the same, byte for
//! byte: two machines that load it at once have the same one, and no registry is asked.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::client::Client;
use super::performer::CHANGE;
use super::transport::{Order, full};

/// Its name at every engine.
pub(super) const IMAGE: &str = "evenkeel/lock:1";

/// Loads it into an engine, and gives what the engine said.
///
/// # Errors
/// Says why it could not be loaded.
pub(super) async fn load(client: &Client) -> Result<String, String> {
    let engine = client.engine().await.map_err(|error| error.to_string())?;
    let archive = empty_image(&engine.os, &engine.architecture).map_err(|error| error.to_string())?;
    let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"))];
    let path = "/images/load?quiet=1".to_owned();
    let order = Order { headers, body: full(Bytes::from(archive)), ..Order::plain(Method::POST, path) };
    let reply = client.transport().order(order, CHANGE).await;
    let reply = reply.map_err(|broken| broken.reason().to_owned())?;
    if reply.status.is_success() {
        return Ok(String::from_utf8_lossy(&reply.body).trim().to_owned());
    }
    Err(format!("the engine answered {}: {}", reply.status.as_u16(), reply.message()))
}

/// An archive as `docker save` writes it, of an image without any layer.
fn empty_image(os: &str, architecture: &str) -> std::io::Result<Vec<u8>> {
    let config = json!({
        "architecture": architecture,
        "config": {},
        "created": "1970-01-01T00:00:00Z",
        "history": [],
        "os": os,
        "rootfs": {"type": "layers", "diff_ids": []},
    });
    let config = config.to_string();
    let id: String = Sha256::digest(&config).iter().map(|byte| format!("{byte:02x}")).collect();
    let manifest = json!([{"Config": format!("{id}.json"), "RepoTags": [IMAGE], "Layers": []}]).to_string();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in [(format!("{id}.json"), config), ("manifest.json".to_owned(), manifest)] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, name, content.as_bytes())?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_image_is_always_the_same() {
        let image = || empty_image("linux", "amd64").expect("it fits into memory");
        assert_eq!(image(), image());
        assert!(image().len() < 10_000);
    }
}
