//! Small valid trees, and what people do to an engine meanwhile, made by chance.

use std::fmt::Write;

/// Choices that are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(bound.max(1)).expect("small")).expect("small")
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// A tree that can be changed piece by piece. It only says what every engine takes, given images
/// `images` that serve.
#[derive(Clone, Debug)]
pub struct Tree {
    pub containers: Vec<ContainerState>,
    /// Names, and the third number of their subnets, if they have one of their own.
    pub networks: Vec<(String, Option<usize>)>,
    pub volumes: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ContainerState {
    pub name: String,
    pub function: &'static str,
    pub image: String,
    pub env: Option<usize>,
    pub memory: Option<usize>,
    pub restart: &'static str,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
    pub anonymous: bool,
    pub port: Option<usize>,
    pub require: Option<String>,
    pub watch: Option<String>,
    /// The container whose network it shares.
    pub joins: Option<String>,
}

/// Makes a tree of two to six containers, up to three networks and two volumes.
pub fn tree(dice: &mut Dice, images: &[&str]) -> Tree {
    let networks = (0..dice.below(4)).map(|n| (format!("net{n}"), (!dice.one_in(3)).then_some(n))).collect();
    let volumes = (0..dice.below(3)).map(|n| format!("vol{n}")).collect();
    let mut tree = Tree { containers: Vec::new(), networks, volumes };
    for number in 0..2 + dice.below(5) {
        let container = container(dice, &tree, number, images);
        tree.containers.push(container);
    }
    tree
}

fn container(dice: &mut Dice, tree: &Tree, number: usize, images: &[&str]) -> ContainerState {
    let earlier = |dice: &mut Dice| -> Option<String> {
        let one = tree.containers.get(dice.below(tree.containers.len().max(1)))?;
        dice.one_in(3).then(|| one.name.clone())
    };
    let some = |dice: &mut Dice, names: Vec<&String>| -> Vec<String> {
        names.into_iter().filter(|_| dice.one_in(2)).cloned().collect()
    };
    let running = |name: &String| {
        tree.containers.iter().any(|c| c.name == *name && c.function == "running" && c.joins.is_none())
    };
    let joins = earlier(dice).filter(|name| running(name) && dice.one_in(2));
    let free = number + 8 * dice.below(2);
    ContainerState {
        name: format!("box{number}"),
        function: if dice.one_in(8) { "stopped" } else { "running" },
        image: (*dice.one_of(images)).to_owned(),
        env: dice.one_in(2).then(|| dice.below(3)),
        memory: dice.one_in(3).then(|| 64 + dice.below(2) * 64),
        restart: policy(dice),
        networks: if joins.is_some() {
            Vec::new()
        } else {
            some(dice, tree.networks.iter().map(|n| &n.0).collect())
        },
        volumes: some(dice, tree.volumes.iter().collect()),
        anonymous: dice.one_in(4),
        port: (joins.is_none() && dice.one_in(2)).then_some(8000 + free),
        require: earlier(dice),
        watch: earlier(dice),
        joins,
    }
}

/// Changes one thing or two, so that the tree stays valid.
pub fn edit(dice: &mut Dice, tree: &mut Tree, images: &[&str]) {
    for _ in 0..=dice.below(2) {
        let index = dice.below(tree.containers.len());
        match dice.below(8) {
            0 => tree.containers[index].image = (*dice.one_of(images)).to_owned(),
            1 => tree.containers[index].env = Some(dice.below(5)),
            2 => tree.containers[index].memory = Some(64 + dice.below(3) * 32),
            3 => {
                // Two of them change ports.
                let other = dice.below(tree.containers.len());
                let (a, b) = (tree.containers[index].clone(), tree.containers[other].clone());
                if a.joins.is_none() && b.joins.is_none() {
                    tree.containers[index].port = b.port;
                    tree.containers[other].port = a.port;
                }
            }
            4 => tree.containers[index].anonymous ^= true,
            5 if !tree.networks.is_empty() => {
                let network = dice.below(tree.networks.len());
                tree.networks[network].1 = Some(10 + dice.below(20) * 4 + network);
            }
            6 => tree.containers[index].restart = policy(dice),
            _ if tree.containers.len() > 2 => {
                // The last one goes; nobody needs it.
                let last = tree.containers.len() - 1;
                tree.containers[last].function = "absent";
            }
            _ => {}
        }
    }
}

/// What somebody does by hand to one of the containers.
pub fn break_something(dice: &mut Dice, tree: &Tree) -> String {
    let name = &dice.one_of(&tree.containers).name;
    match dice.below(8) {
        0 => format!("stop {name}"),
        1 => format!("kill {name}"),
        2 => format!("pause {name}"),
        3 => format!("rm {name}"),
        4 => format!("restart {name}"),
        5 => format!("rename {name} {name}-by-hand"),
        6 => format!("memory {name} 99999744"),
        _ => match tree.networks.first() {
            Some((network, _)) => format!("disconnect {network} {name}"),
            None => format!("restart-policy {name} no"),
        },
    }
}

impl Tree {
    /// The state file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, subnet) in &self.networks {
            match subnet {
                Some(number) => {
                    line(
                        &mut text,
                        &format!("{name}: {{network.present: [{{subnet: 10.77.{number}.0/24}}]}}"),
                    );
                }
                None => line(&mut text, &format!("{name}: network.present")),
            }
        }
        for name in &self.volumes {
            line(&mut text, &format!("{name}: volume.present"));
        }
        for container in &self.containers {
            container.write(&mut text);
        }
        text
    }
}

impl ContainerState {
    fn write(&self, text: &mut String) {
        if self.function == "absent" {
            line(text, &format!("{}: container.absent", self.name));
            return;
        }
        line(text, &format!("{}:\n  container.{}:\n    image: {}", self.name, self.function, self.image));
        line(text, &format!("    restart: '{}'", self.restart));
        if let Some(env) = self.env {
            line(text, &format!("    env: {{A: '{env}', B: x}}"));
        }
        if let Some(memory) = self.memory {
            line(text, &format!("    memory: {memory}m"));
        }
        match &self.joins {
            Some(joined) => line(text, &format!("    network_mode: container:{joined}")),
            None if !self.networks.is_empty() => {
                line(text, &format!("    networks: [{}]", self.networks.join(", ")));
            }
            None => {}
        }
        let mut mounts: Vec<String> = self.volumes.iter().map(|name| format!("'{name}:/{name}'")).collect();
        if self.anonymous {
            mounts.push("/cache".to_owned());
        }
        if !mounts.is_empty() {
            line(text, &format!("    volumes: [{}]", mounts.join(", ")));
        }
        if let Some(port) = self.port {
            line(text, &format!("    ports: ['{port}:80']"));
        }
        for (word, target) in [("require", &self.require), ("watch", &self.watch)] {
            if let Some(target) = target {
                line(text, &format!("    {word}: [container: {target}]"));
            }
        }
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a text takes lines");
}

fn policy(dice: &mut Dice) -> &'static str {
    let policies = ["no", "always", "unless-stopped"];
    policies[dice.below(policies.len())]
}
