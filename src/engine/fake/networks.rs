//! Networks, attachments, addresses and ports.

use serde_json::{Value, json};

use super::docker::{Container, Docker, No, no};
use crate::world::{Subnet, subnets};

/// `EndpointSettings` with everything that the engine shows, over what was asked for.
pub(super) fn endpoint(asked: &Value) -> Value {
    let mut settings = json!({
        "IPAMConfig": null, "Links": null, "Aliases": null, "NetworkID": "", "EndpointID": "", "Gateway": "",
        "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0, "MacAddress": "", "DriverOpts": null,
    });
    for (key, value) in asked.as_object().into_iter().flatten() {
        settings[key.as_str()] = value.clone();
    }
    settings
}

impl Docker {
    /// A network that is simply there.
    pub fn add_network(&mut self, name: &str, body: &Value) -> String {
        let id = self.chance.hex();
        let text = |key: &str, default: &str| {
            body[key].as_str().filter(|t| !t.is_empty()).unwrap_or(default).to_owned()
        };
        let flag = |key: &str| body[key].as_bool().unwrap_or(false);
        let mut pools = body["IPAM"]["Config"].as_array().cloned().unwrap_or_default();
        // Whatever the order in which they were sent.
        pools.sort_by_key(|pool| pool["Subnet"].as_str().unwrap_or("").contains(':'));
        let driver = text("Driver", "bridge");
        if pools.is_empty() && driver == "bridge" {
            let subnet = self.free_subnet();
            pools.push(json!({"Subnet": format!("{subnet}.0.0/16"), "Gateway": format!("{subnet}.0.1")}));
        }
        let network = json!({
            "Name": name, "Id": id, "Created": super::shown::time(self.clock), "Scope": "local",
            "Driver": driver, "EnableIPv6": flag("EnableIPv6"),
            "IPAM": {"Driver": "default", "Options": body["IPAM"]["Options"], "Config": pools},
            "Internal": flag("Internal"), "Attachable": flag("Attachable"), "Ingress": false,
            "ConfigFrom": {"Network": ""}, "ConfigOnly": false, "Containers": {},
            "Options": body["Options"].as_object().cloned().unwrap_or_default(),
            "Labels": body["Labels"].as_object().cloned().unwrap_or_default(),
        });
        self.networks.insert(id.clone(), network);
        id
    }

    fn free_subnet(&mut self) -> String {
        let first = 18 + self.chance.below(6);
        let taken: Vec<Subnet> = self.networks.values().flat_map(subnets).collect();
        let is_free = |second: usize| {
            Subnet::parse(&format!("172.{second}.0.0/16"))
                .is_some_and(|s| !taken.iter().any(|t| t.overlaps(&s)))
        };
        let second = (first..256).find(|second| is_free(*second)).unwrap_or(255);
        format!("172.{second}")
    }

    pub fn create_network(&mut self, name: &str, body: &Value) -> Result<String, No> {
        if self.networks.values().any(|network| network["Name"] == name) {
            return Err(no(409, format!("network with name {name} already exists")));
        }
        let overlaps = |subnet: &Subnet| {
            self.networks.values().any(|network| subnets(network).iter().any(|taken| taken.overlaps(subnet)))
        };
        if subnets(body).iter().any(overlaps) {
            return Err(no(403, "Pool overlaps with other one on this address space"));
        }
        Ok(self.add_network(name, body))
    }

    /// Only running containers are in the way. Stopped ones will not start again.
    pub fn remove_network(&mut self, id: &str) -> Result<(), No> {
        let Some(id) = self.network_id(id) else { return Ok(()) };
        let attached = |container: &Container| {
            container.is_up()
                && container.networks.values().any(|endpoint| endpoint["NetworkID"] == id.as_str())
        };
        if self.containers.values().any(attached) {
            return Err(no(403, format!("error while removing network: network {id} has active endpoints")));
        }
        self.networks.remove(&id);
        Ok(())
    }

    pub fn connect(&mut self, network: &str, container: &str, settings: &Value) -> Result<(), No> {
        let id = self.network_id(network).ok_or_else(|| no(404, format!("network {network} not found")))?;
        let name = self.networks[&id]["Name"].as_str().unwrap_or("").to_owned();
        let found = self.container(container)?;
        if !found.has_networks() {
            return Err(no(
                403,
                "container sharing network namespace cannot be connected to any other network",
            ));
        }
        if found.networks.contains_key(&name) {
            return Err(no(
                403,
                format!("endpoint with name {} already exists in network {name}", found.name),
            ));
        }
        let (own, up, short) = (found.id.clone(), found.is_up(), found.short_id());
        let mut settings = endpoint(settings);
        self.address_is_free(&own, &id, &settings)?;
        add_alias(&mut settings, &name, &short);
        if up {
            self.attach(&id, &mut settings);
        }
        self.container(container)?.networks.insert(name, settings);
        Ok(())
    }

    pub fn disconnect(&mut self, network: &str, container: &str) -> Result<(), No> {
        let name = match self.network_id(network) {
            Some(id) => self.networks[&id]["Name"].as_str().unwrap_or("").to_owned(),
            None => network.to_owned(),
        };
        let found = self.container(container)?;
        if found.networks.remove(&name).is_none() {
            return Err(no(403, format!("container {} is not connected to network {name}", found.id)));
        }
        Ok(())
    }

    pub fn may_attach(&self, container: &Container) -> Result<(), No> {
        if !container.has_networks() {
            return Ok(());
        }
        let mode = container.host["NetworkMode"].as_str().unwrap_or("default");
        if !self.is_old && mode != "default" && self.network_id(mode).is_none() {
            return Err(no(404, format!("could not find a network matching network mode {mode}")));
        }
        for (name, settings) in &container.networks {
            let known = settings["NetworkID"].as_str().filter(|id| !id.is_empty());
            let id = match known {
                Some(id) => self.networks.contains_key(id).then(|| id.to_owned()),
                None => self.network_id(name),
            };
            let id = id.ok_or_else(|| no(404, format!("network {} not found", known.unwrap_or(name))))?;
            self.address_is_free(&container.id, &id, settings)?;
        }
        Ok(())
    }

    fn address_is_free(&self, container: &str, network: &str, settings: &Value) -> Result<(), No> {
        for key in ["IPv4Address", "IPv6Address"] {
            let Some(address) = settings["IPAMConfig"][key].as_str().filter(|a| !a.is_empty()) else {
                continue;
            };
            let bits = if address.contains(':') { 128 } else { 32 };
            let range = Subnet::parse(&format!("{address}/{bits}"));
            let inside =
                |range: &Subnet| subnets(&self.networks[network]).iter().any(|pool| pool.overlaps(range));
            if !range.as_ref().is_some_and(inside) {
                return Err(no(400, "user configured subnets do not contain this address"));
            }
            let holds = |other: &Container| {
                other.id != container
                    && other.is_up()
                    && other.networks.values().any(|endpoint| {
                        endpoint["NetworkID"] == network
                            && (endpoint["IPAddress"] == address || endpoint["GlobalIPv6Address"] == address)
                    })
            };
            if self.containers.values().any(holds) {
                return Err(no(403, "Address already in use"));
            }
        }
        Ok(())
    }

    pub fn attach_all(&mut self, id: &str) {
        let Some(container) = self.containers.get(id).filter(|c| c.has_networks()).cloned() else { return };
        let mut networks = container.networks.clone();
        for (name, settings) in networks.iter_mut() {
            let known = settings["NetworkID"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
            let Some(network) = known.or_else(|| self.network_id(name)) else { continue };
            add_alias(settings, name, &container.short_id());
            self.attach(&network, settings);
        }
        if let Some(container) = self.containers.get_mut(id) {
            container.networks = networks;
        }
    }

    /// Fills in what the engine chooses for an attachment that is in effect.
    fn attach(&mut self, network: &str, settings: &mut Value) {
        settings["NetworkID"] = json!(network);
        settings["EndpointID"] = json!(self.chance.hex());
        let ipam = settings["IPAMConfig"].clone();
        let any = format!("172.30.{}.{}", self.chance.below(250), 2 + self.chance.below(250));
        settings["IPAddress"] = match ipam["IPv4Address"].as_str() {
            Some(address) => json!(address),
            None => json!(any),
        };
        if let Some(address) = ipam["IPv6Address"].as_str() {
            settings["GlobalIPv6Address"] = json!(address);
        }
        settings["MacAddress"] =
            json!(format!("02:42:ac:1e:{:02x}:{:02x}", self.chance.below(256), self.chance.below(256)));
    }

    /// A container that stopped keeps only what was asked for, and the network's id.
    pub fn detach_all(&mut self, id: &str) {
        let Ok(container) = self.container(id) else { return };
        for (_, settings) in container.networks.iter_mut() {
            for key in ["EndpointID", "Gateway", "IPAddress", "GlobalIPv6Address", "MacAddress"] {
                settings[key] = json!("");
            }
        }
    }

    /// The running container that has a host port.
    pub fn port_holder(&self, except: &str, address: &str, port: &str, protocol: &str) -> Option<String> {
        let any = |address: &str| matches!(address, "" | "0.0.0.0" | "::");
        let holds = |other: &&Container| {
            other.id != except
                && other.is_up()
                && host_ports(&other.ports)
                    .iter()
                    .any(|(a, p, q)| p == port && q == protocol && (a == address || any(a) || any(address)))
        };
        self.containers.values().find(holds).map(|other| other.name.clone())
    }

    /// The ports of a container that starts, with what the engine chooses.
    pub fn bind_ports(&mut self, container: &Container) -> Value {
        let mut ports = serde_json::Map::new();
        if !container.has_networks() {
            return json!({});
        }
        for (port, _) in container.config["ExposedPorts"].as_object().into_iter().flatten() {
            ports.insert(port.clone(), Value::Null);
        }
        for (port, hosts) in container.host["PortBindings"].as_object().into_iter().flatten() {
            let mut bound = Vec::new();
            for host in hosts.as_array().into_iter().flatten() {
                let asked = host["HostPort"].as_str().unwrap_or("");
                let address = host["HostIp"].as_str().filter(|a| !a.is_empty()).unwrap_or("0.0.0.0");
                let chosen = match asked {
                    "" | "0" => (32_768 + self.chance.below(20_000)).to_string(),
                    fixed => fixed.split('-').next().unwrap_or(fixed).to_owned(),
                };
                bound.push(json!({"HostIp": address, "HostPort": chosen}));
            }
            ports.insert(port.clone(), json!(bound));
        }
        Value::Object(ports)
    }
}

/// The engine gives every container its short id as an alias, but not on the default bridge.
fn add_alias(settings: &mut Value, network: &str, short: &str) {
    if matches!(network, "bridge" | "host" | "none") {
        return;
    }
    let mut aliases = settings["Aliases"].as_array().cloned().unwrap_or_default();
    if !aliases.iter().any(|alias| alias == short) {
        aliases.push(json!(short));
    }
    settings["Aliases"] = json!(aliases);
}

/// Address, port and protocol of every fixed host port in a map of bindings.
pub(super) fn host_ports(bindings: &Value) -> Vec<(String, String, String)> {
    let mut ports = Vec::new();
    for (port, hosts) in bindings.as_object().into_iter().flatten() {
        let protocol = port.split_once('/').map_or("tcp", |(_, protocol)| protocol);
        for host in hosts.as_array().into_iter().flatten() {
            let number = host["HostPort"].as_str().unwrap_or("");
            if !matches!(number, "" | "0") && !number.contains('-') {
                let address = host["HostIp"].as_str().unwrap_or("").to_owned();
                ports.push((address, number.to_owned(), protocol.to_owned()));
            }
        }
    }
    ports
}
