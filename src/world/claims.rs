//! What only one object can have at a time: published ports and addresses.

use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

use super::{Container, Network, World};

/// Something that only one object can have at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A port of the host; an empty address stands for all of them.
    Port { address: String, port: String, protocol: String },
    /// A fixed address in a network.
    Address { network: String, address: String },
    /// A range of addresses.
    Subnet(Subnet),
}

impl Claim {
    /// True if two objects cannot have both.
    pub fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Port { address: a, port: p, protocol: q },
                Self::Port { address: b, port: r, protocol: s },
            ) => p == r && q == s && (a == b || is_any(a) || is_any(b)),
            (Self::Subnet(a), Self::Subnet(b)) => a.overlaps(b),
            (Self::Address { .. }, Self::Address { .. }) => self == other,
            (Self::Port { .. } | Self::Address { .. } | Self::Subnet(_), _) => false,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { address, port, protocol } if address.is_empty() => {
                write!(f, "port {port}/{protocol}")
            }
            Self::Port { address, port, protocol } => write!(f, "port {address}:{port}/{protocol}"),
            Self::Address { network, address } => write!(f, "address {address} in network {network}"),
            Self::Subnet(subnet) => write!(f, "subnet {subnet}"),
        }
    }
}

fn is_any(address: &str) -> bool {
    matches!(address, "" | "0.0.0.0" | "::")
}

/// A range of addresses such as `10.1.0.0/16`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    address: IpAddr,
    bits: u8,
}

impl Subnet {
    /// Reads `address/bits`; nothing if it is neither v4 nor v6.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { address, bits })
    }

    /// True if an address lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4() && {
            let bits = self.bits.min(other.bits);
            prefix(self.address, bits) == prefix(other.address, bits)
        }
    }
}

fn prefix(address: IpAddr, bits: u8) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4).checked_shr(32 - u32::from(bits)).unwrap_or(0)),
        IpAddr::V6(v6) => u128::from(v6).checked_shr(128 - u32::from(bits)).unwrap_or(0),
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl Container {
    /// What the container takes when it starts: fixed host ports and fixed addresses.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for path in ["HostConfig.PortBindings", "NetworkSettings.Ports"] {
            if let Some(bindings) = self.attributes.at(path).known() {
                for claim in port_claims(bindings) {
                    if !claims.contains(&claim) {
                        claims.push(claim);
                    }
                }
            }
        }
        for (network, endpoint) in &self.networks {
            for key in ["IPv4Address", "IPv6Address"] {
                if let Some(address) = endpoint.settings["IPAMConfig"][key].as_str()
                    && !address.is_empty()
                {
                    claims.push(Claim::Address { network: network.clone(), address: address.to_owned() });
                }
            }
        }
        claims
    }
}

/// The host ports in the API's map of port bindings. Ranges and empty ports are the engine's choice.
pub fn port_claims(bindings: &Value) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (port, hosts) in bindings.as_object().into_iter().flatten() {
        let protocol = port.split_once('/').map_or("tcp", |(_, protocol)| protocol);
        for host in hosts.as_array().into_iter().flatten() {
            let number = host["HostPort"].as_str().unwrap_or("");
            if !matches!(number, "" | "0") && !number.contains('-') {
                claims.push(Claim::Port {
                    address: host["HostIp"].as_str().unwrap_or("").to_owned(),
                    port: number.to_owned(),
                    protocol: protocol.to_owned(),
                });
            }
        }
    }
    claims
}

impl Network {
    /// The subnets that the network takes.
    pub fn claims(&self) -> Vec<Claim> {
        subnets(self.attributes.json()).into_iter().map(Claim::Subnet).collect()
    }
}

/// The subnets in the JSON of a network.
pub fn subnets(json: &Value) -> Vec<Subnet> {
    let pools = json["IPAM"]["Config"].as_array().into_iter().flatten();
    pools.filter_map(|pool| Subnet::parse(pool["Subnet"].as_str()?)).collect()
}

impl World {
    /// The first running container, other than `except`, that has what `claim` asks for.
    pub fn holder(&self, claim: &Claim, except: &super::Id) -> Option<&Container> {
        self.containers
            .values()
            .filter(|container| container.state.is_up() && container.id != *except)
            .find(|container| container.claims().iter().any(|held| held.excludes(claim)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_overlap_if_one_contains_the_other() {
        let overlaps = |a, b| match (Subnet::parse(a), Subnet::parse(b)) {
            (Some(a), Some(b)) => a.overlaps(&b) && b.overlaps(&a),
            _ => panic!("not a subnet"),
        };
        assert!(overlaps("10.1.0.0/16", "10.1.5.0/24"));
        assert!(overlaps("0.0.0.0/0", "10.1.5.0/24"));
        assert!(!overlaps("10.1.0.0/24", "10.1.1.0/24"));
        assert!(overlaps("fd00::/8", "fd00:1::/64"));
        assert!(!overlaps("fd00::/64", "10.0.0.0/8"));
    }

    #[test]
    fn all_addresses_exclude_each_single_one_and_udp_is_not_tcp() {
        let port = |address: &str, protocol: &str| Claim::Port {
            address: address.to_owned(),
            port: "80".to_owned(),
            protocol: protocol.to_owned(),
        };
        assert!(port("", "tcp").excludes(&port("127.0.0.1", "tcp")));
        assert!(!port("127.0.0.2", "tcp").excludes(&port("127.0.0.1", "tcp")));
        assert!(!port("", "tcp").excludes(&port("", "udp")));
    }
}
