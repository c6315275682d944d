//! Ports of this machine that some process listens at, as the kernel lists them.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A port that is taken: `tcp` or `udp`, the address (unspecified for all of them), and its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub protocol: &'static str,
    pub address: IpAddr,
    pub port: u16,
}

/// The kernel's lists, the protocol of each, and the state of a socket there that takes its port: `LISTEN` of TCP, and
/// what stands for an unconnected one of UDP. Source: <https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html>.
const LISTS: [(&str, &str, &str); 4] = [
    ("/proc/net/tcp", "tcp", "0A"),
    ("/proc/net/tcp6", "tcp", "0A"),
    ("/proc/net/udp", "udp", "07"),
    ("/proc/net/udp6", "udp", "07"),
];

/// Everything that is listened at; nothing if the kernel cannot be asked.
pub fn listening() -> Option<BTreeSet<Listener>> {
    let mut found = BTreeSet::new();
    for (path, protocol, state) in LISTS {
        match fs::read_to_string(path) {
            Ok(list) => found.extend(listed(&list, protocol, state)),
            // A kernel without v6 has no list of it.
            Err(_) if path.ends_with('6') => {}
            Err(_) => return None,
        }
    }
    Some(found)
}

fn listed(list: &str, protocol: &'static str, state: &str) -> Vec<Listener> {
    let line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (local, is) = (words.next()?, words.nth(1)?);
        let (address, port) = local.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        (is == state).then_some(Listener { protocol, address: self::address(address)?, port })
    };
    list.lines().skip(1).filter_map(line).collect()
}

/// The kernel writes words of 32 bits in the order of the machine.
fn address(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match digits.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for part in 0..4 {
                bytes[part * 4..part * 4 + 4].copy_from_slice(&word(part * 8)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn who_listens_is_found_and_who_is_connected_is_not() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let client = std::net::TcpStream::connect(tcp.local_addr().expect("bound")).expect("it listens");
        let found = listening().expect("the kernel can be asked");
        let is_there = |protocol: &str, address: std::net::SocketAddr| {
            found
                .iter()
                .any(|it| (it.protocol, it.address, it.port) == (protocol, address.ip(), address.port()))
        };
        assert!(is_there("tcp", tcp.local_addr().expect("bound")));
        assert!(is_there("udp", udp.local_addr().expect("bound")));
        assert!(!is_there("tcp", client.local_addr().expect("bound")));
    }

    #[test]
    fn addresses_of_both_versions_are_read() {
        let list = "  sl  local_address rem_address st\n   0: 00000000000000000000000001000000:1F90 0:0 0A 0\n   1: 00000000:0016 0:0 0A 0\n   2: x\n";
        let shown: Vec<String> =
            listed(list, "tcp", "0A").iter().map(|it| format!("{} {}", it.address, it.port)).collect();
        assert_eq!(shown, ["::1 8080", "0.0.0.0 22"]);
    }
}
