//! Trees that nobody wrote: valid, small, with many options at once; and later versions of them.

use super::options::{ANY, NETWORK, OWN_NETWORK, Options};
use super::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

#[derive(Clone, Default)]
pub struct Tree {
    networks: BTreeMap<String, Network>,
    volumes: Vec<String>,
    containers: BTreeMap<String, Container>,
    /// Subnets of the version before: they are free only when those networks are gone.
    held: BTreeMap<usize, String>,
    /// Names are never given twice, so that a former name means one container.
    given: usize,
}

#[derive(Clone)]
struct Network {
    subnet: usize,
    options: BTreeMap<&'static str, &'static str>,
}

#[derive(Clone, Default)]
struct Container {
    function: &'static str,
    options: BTreeMap<&'static str, &'static str>,
    ports: Vec<String>,
    volumes: Vec<String>,
    attached: Attached,
    /// Another container and how it is referred to.
    refers: Option<(&'static str, String)>,
    was: Option<String>,
}

#[derive(Clone, Default)]
enum Attached {
    /// Nothing is said.
    #[default]
    Default,
    To(BTreeMap<String, Endpoint>),
    Nothing,
    SharedWith(String),
}

#[derive(Clone, Default)]
struct Endpoint {
    aliases: bool,
    /// The last number of a static address.
    address: Option<usize>,
}

const SUBNETS: usize = 5;
const PORTS: usize = 6;

impl Tree {
    pub fn new(random: &mut Random) -> Self {
        let mut tree = Self::default();
        for name in ["n1", "n2", "n3"] {
            if random.chance(70) {
                tree.add_network(name, random);
            }
        }
        tree.volumes = random.some(&["v1".to_owned(), "v2".to_owned()], 50);
        for _ in 0..2 + random.below(4) {
            tree.add_container(random);
        }
        tree.deal_ports(random);
        tree.attach_all(random, 100);
        tree.make_valid();
        tree
    }

    /// What somebody makes of it later.
    pub fn next(&self, random: &mut Random) -> Self {
        let mut tree = self.clone();
        tree.held = self.networks.iter().map(|(name, network)| (network.subnet, name.clone())).collect();
        for (name, mut container) in std::mem::take(&mut tree.containers) {
            container.was = None;
            if random.chance(15) {
                continue;
            }
            change(&mut container.options, ANY, random);
            change(&mut container.options, OWN_NETWORK, random);
            if random.chance(15) {
                container.function = function(random);
            }
            if random.chance(20) {
                container.volumes = volumes(random);
            }
            let name = if random.chance(12) {
                container.was = Some(name);
                tree.new_name()
            } else {
                name
            };
            tree.containers.insert(name, container);
        }
        for name in ["n1", "n2", "n3"] {
            match tree.networks.get_mut(name) {
                Some(_) if random.chance(10) => drop(tree.networks.remove(name)),
                Some(network) => {
                    let before = network.options.len();
                    change(&mut network.options, NETWORK, random);
                    if before == network.options.len() && random.chance(20) {
                        tree.networks.remove(name);
                        tree.add_network(name, random);
                    }
                }
                None if random.chance(30) => tree.add_network(name, random),
                None => {}
            }
        }
        if random.chance(50) {
            tree.add_container(random);
        }
        if random.chance(40) {
            tree.deal_ports(random);
        }
        tree.attach_all(random, 25);
        tree.make_valid();
        tree
    }

    /// Short names of the containers.
    pub fn containers(&self) -> Vec<String> {
        self.containers.keys().cloned().collect()
    }

    pub fn networks(&self) -> Vec<String> {
        self.networks.keys().cloned().collect()
    }

    fn add_network(&mut self, name: &str, random: &mut Random) {
        let is_free = |n: &usize| {
            !self.networks.values().any(|network| network.subnet == *n)
                && self.held.get(n).is_none_or(|holder| holder == name)
        };
        let free: Vec<usize> = (1..=SUBNETS).filter(is_free).collect();
        let Some(subnet) = random.pick(&free) else { return };
        let options = roll(NETWORK, 20, random);
        self.networks.insert(name.to_owned(), Network { subnet, options });
    }

    fn new_name(&mut self) -> String {
        self.given += 1;
        format!("c{:02}", self.given)
    }

    fn add_container(&mut self, random: &mut Random) {
        let name = self.new_name();
        let mut options = roll(ANY, 25, random);
        options.extend(roll(OWN_NETWORK, 15, random));
        let container = Container {
            function: function(random),
            options,
            volumes: volumes(random),
            ..Container::default()
        };
        self.containers.insert(name, container);
    }

    /// Every host port goes to one container at most, so ports change hands between versions.
    fn deal_ports(&mut self, random: &mut Random) {
        let mut deck = random.shuffled((1..=PORTS).collect());
        for container in self.containers.values_mut() {
            container.ports.clear();
            for inner in ["80", "53/udp"] {
                if random.chance(35)
                    && let Some(port) = deck.pop()
                {
                    let address = if random.chance(30) { "127.0.0.1:" } else { "" };
                    container.ports.push(format!("{address}PORT{port}:{inner}"));
                }
            }
        }
    }

    fn attach_all(&mut self, random: &mut Random, percent: usize) {
        let networks: Vec<String> = self.networks.keys().cloned().collect();
        let names: Vec<String> = self.containers.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            if !random.chance(percent) {
                continue;
            }
            let earlier = random.pick(&names[..index]);
            let attached = match (random.below(10), earlier) {
                (0, Some(other)) => Attached::SharedWith(other),
                (1, _) => Attached::Nothing,
                (2 | 3, _) => Attached::Default,
                (_, _) => {
                    let mut to = BTreeMap::new();
                    for network in random.some(&networks, 60) {
                        let address = random.chance(30).then(|| 20 + random.below(5));
                        to.insert(network, Endpoint { aliases: random.chance(40), address });
                    }
                    Attached::To(to)
                }
            };
            let earlier = random.pick(&names[..index]);
            let words = ["require", "watch", "links", "volumes_from", "pid", "ipc"];
            let refers = earlier.filter(|_| random.chance(30)).zip(random.pick(&words));
            if let Some(container) = self.containers.get_mut(name) {
                container.attached = attached;
                container.refers = refers.map(|(other, word)| (word, other));
            }
        }
    }

    /// Takes away what no engine would take, or what the language refuses.
    fn make_valid(&mut self) {
        let names: Vec<String> = self.containers.keys().cloned().collect();
        let mut addresses = BTreeSet::new();
        for name in names {
            let before = self.containers.clone();
            let Some(container) = self.containers.get_mut(&name) else { continue };
            let is_up = |other: &str| {
                other < name.as_str() && before.get(other).is_some_and(|other| other.function == "running")
            };
            if let Attached::To(to) = &mut container.attached {
                to.retain(|network, _| self.networks.contains_key(network));
                for (network, endpoint) in to.iter_mut() {
                    let mut is_given = |address| !addresses.insert((network.clone(), address));
                    endpoint.address = endpoint.address.filter(|address| !is_given(*address));
                }
                if to.is_empty() {
                    container.attached = Attached::Default;
                }
            }
            if let Attached::SharedWith(other) = &container.attached
                && (!is_up(other) || matches!(before[other].attached, Attached::SharedWith(_)))
            {
                container.attached = Attached::Default;
            }
            if matches!(container.attached, Attached::SharedWith(_)) {
                container.ports.clear();
                container.options.retain(|key, _| !OWN_NETWORK.iter().any(|(own, _)| own == key));
            }
            if matches!(container.attached, Attached::Nothing) {
                container.ports.clear();
            }
            let can_refer = |(word, other): &(&str, String)| match *word {
                "links" => {
                    is_up(other)
                        && [&container.attached, &before[other].attached]
                            .iter()
                            .all(|a| matches!(a, Attached::Default))
                }
                "pid" => is_up(other),
                "ipc" => is_up(other) && before[other].refers.as_ref().is_none_or(|(word, _)| *word != "ipc"),
                _ => other.as_str() < name.as_str() && before.contains_key(other),
            };
            if !container.refers.as_ref().is_some_and(can_refer) {
                container.refers = None;
            }
        }
    }

    /// The tree as a state file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, network) in &self.networks {
            let options: String =
                network.options.iter().map(|(key, value)| format!(", {key}: {value}")).collect();
            _ = writeln!(
                text,
                "${name}: {{network.present: {{subnet: NET{}.0/24{options}}}}}",
                network.subnet
            );
        }
        for name in &self.volumes {
            _ = writeln!(text, "${name}: {{volume.present: {{labels: {{of: {name}}}}}}}");
        }
        for (name, container) in &self.containers {
            _ = write!(text, "${name}:\n  container.{}:\n    image: IMAGE\n", container.function);
            for (key, value) in &container.options {
                _ = writeln!(text, "    {key}: {value}");
            }
            if !container.ports.is_empty() {
                _ = writeln!(text, "    ports: ['{}']", container.ports.join("', '"));
            }
            if !container.volumes.is_empty() {
                _ = writeln!(text, "    volumes: ['{}']", container.volumes.join("', '"));
            }
            match &container.attached {
                Attached::Default => {}
                Attached::To(to) => {
                    let endpoints: Vec<_> = to.iter().map(|(to, how)| self.endpoint(name, to, how)).collect();
                    _ = writeln!(text, "    networks: {{{}}}", endpoints.join(", "));
                }
                Attached::Nothing => text.push_str("    networks: []\n"),
                Attached::SharedWith(other) => _ = writeln!(text, "    network_mode: 'container:${other}'"),
            }
            match &container.refers {
                Some(("links", other)) => _ = writeln!(text, "    links: ['${other}:linked']"),
                Some(("volumes_from", other)) => _ = writeln!(text, "    volumes_from: ['${other}:ro']"),
                Some((mode @ ("pid" | "ipc"), other)) => {
                    _ = writeln!(text, "    {mode}: 'container:${other}'")
                }
                Some((word, other)) => _ = writeln!(text, "    {word}: [{{container: ${other}}}]"),
                None => {}
            }
            let shares = |other: &Container| {
                other.refers.as_ref().is_some_and(|(word, other)| *word == "ipc" && other == name)
            };
            if self.containers.values().any(shares) {
                text.push_str("    ipc: shareable\n");
            }
            if let Some(was) = &container.was {
                _ = writeln!(text, "    was: ${was}");
            }
        }
        text
    }

    fn endpoint(&self, container: &str, network: &str, endpoint: &Endpoint) -> String {
        let mut how = Vec::new();
        if endpoint.aliases {
            how.push(format!("aliases: [{container}-alias, shared]"));
        }
        if let (Some(address), Some(network)) = (endpoint.address, self.networks.get(network)) {
            how.push(format!("ipv4_address: NET{}.{address}", network.subnet));
        }
        format!("${network}: {{{}}}", how.join(", "))
    }
}

fn function(random: &mut Random) -> &'static str {
    match random.below(10) {
        0 => "stopped",
        1 => "created",
        _ => "running",
    }
}

fn volumes(random: &mut Random) -> Vec<String> {
    let all = ["$v1:/one", "$v2:/two:ro", "$free:/free", "/anon", "/tmp:/host:ro"];
    random.some(&all, 25).into_iter().map(str::to_owned).collect()
}

fn roll(options: Options, percent: usize, random: &mut Random) -> BTreeMap<&'static str, &'static str> {
    let some = random.some(options, percent);
    some.into_iter().filter_map(|(key, values)| Some((key, random.pick(values)?))).collect()
}

/// Some options get another value, some go, some come.
fn change(of: &mut BTreeMap<&'static str, &'static str>, options: Options, random: &mut Random) {
    for (key, values) in options {
        if random.chance(8) {
            match random.pick(values) {
                Some(value) if random.chance(70) => drop(of.insert(key, value)),
                _ => drop(of.remove(key)),
            }
        }
    }
}
