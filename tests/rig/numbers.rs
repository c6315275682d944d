//! Ports and subnets that no other test uses, also not one of another test process on the same engine.

use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::net::TcpSocket;

/// A host port that is free on every address. Below the ephemeral range, so that no client takes it meanwhile.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    loop {
        let offset = process::id() * 97 + u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + offset % COUNT).expect("it is below 32768");
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// An address of loopback where nobody listens, and nobody else can as long as this is kept.
pub struct Closed {
    pub port: u16,
    _socket: TcpSocket,
}

pub fn closed_port() -> Closed {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("loopback has a free port");
    let port = socket.local_addr().expect("it is bound").port();
    Closed { port, _socket: socket }
}

/// The first three numbers of a /24 network, such as `10.201.7`.
pub fn free_subnet() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    assert!(number < 256, "a test process has 256 subnets");
    format!("10.{}.{number}", 128 + process::id() % 120)
}
