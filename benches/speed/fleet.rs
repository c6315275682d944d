//! Many small containers: as state files, as raw requests, and removed again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::raw::{Engine, Request};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/states/demo/bin/web");
/// Removals that are under way at once; networks wait for all of them.
const AT_ONCE: usize = 8;

/// N containers of M images with a volume each and one network; every name begins with the prefix.
pub struct Fleet<'a> {
    engine: &'a Engine,
    pub prefix: String,
    /// The registry that its images are in.
    registry: Option<String>,
    pub containers: usize,
    pub images: usize,
}

impl<'a> Fleet<'a> {
    /// Makes the images; everything else is for whoever is measured.
    pub fn new(engine: &'a Engine, containers: usize, images: usize) -> Self {
        Self::made(engine, containers, images, None)
    }

    /// The same, with images that come from a registry.
    pub fn in_registry(engine: &'a Engine, containers: usize, images: usize, registry: &str) -> Self {
        let fleet = Self::made(engine, containers, images, Some(registry.to_owned()));
        for number in 0..images {
            let image = fleet.image(number);
            let (repository, tag) = image.rsplit_once(':').expect("a name with a tag");
            let path = format!("/images/{repository}/push?tag={tag}");
            let answer = engine.one("POST", &path, "", b"");
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert!(!answer.contains("errorDetail"), "{answer}");
        }
        fleet
    }

    fn made(engine: &'a Engine, containers: usize, images: usize, registry: Option<String>) -> Self {
        let prefix = format!("ekbench-{}-", std::process::id());
        let fleet = Self { engine, prefix, registry, containers, images };
        fleet.clear();
        let program = fs::read(PROGRAM).expect("build.rs made the program");
        for number in 0..images {
            let mut tar = tar::Builder::new(Vec::new());
            let mut add = |name: &str, mode: u32, content: &[u8]| {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(mode);
                header.set_cksum();
                tar.append_data(&mut header, name, content).expect("memory takes it");
            };
            add("web", 0o755, &program);
            add("number", 0o644, number.to_string().as_bytes());
            let tar = tar.into_inner().expect("memory takes it");
            let path = format!(
                "/images/create?fromSrc=-&repo={}&tag={number}&changes=ENTRYPOINT%20%5B%22/web%22%5D",
                fleet.repository()
            );
            engine.one("POST", &path, "application/x-tar", &tar);
        }
        fleet
    }

    fn name(&self, number: usize) -> String {
        format!("{}c{number}", self.prefix)
    }

    pub fn image(&self, number: usize) -> String {
        format!("{}:{}", self.repository(), number % self.images)
    }

    fn repository(&self) -> String {
        let registry = self.registry.as_ref().map(|host| format!("{host}/")).unwrap_or_default();
        format!("{registry}{}image", self.prefix)
    }

    /// What has to be asked of the registry to know what its tags point to.
    pub fn heads(&self) -> Vec<Vec<Request>> {
        let path = |number: usize| format!("/v2/{}image/manifests/{number}", self.prefix);
        (0..self.images).map(|number| vec![("HEAD", path(number), None)]).collect()
    }

    fn volume(&self, number: usize) -> String {
        format!("{}v{number}", self.prefix)
    }

    fn network(&self) -> String {
        format!("{}net", self.prefix)
    }

    /// The fleet as a tree of states.
    pub fn write_states(&self, folder: &Path) {
        let network = self.network();
        let mut text = format!("{network}: {{network.present: {{}}}}\n");
        let pull = if self.registry.is_some() { "always" } else { "missing" };
        for number in 0..self.images {
            text += &format!("\"{}\": {{image.present: {{pull: {pull}}}}}\n", self.image(number));
        }
        for number in 0..self.containers {
            let (name, image, volume) = (self.name(number), self.image(number), self.volume(number));
            text += &format!(
                "{volume}: {{volume.present: {{}}}}\n{name}:\n  container.running:\n    image: {image}\n    \
                 command: [serve, --port, \"80\"]\n    env: {{A: \"1\", B: \"2\", C: \"{number}\"}}\n    \
                 labels: {{team: bench, part: web}}\n    volumes: [\"{volume}:/data\"]\n    \
                 networks: [{network}]\n    init: true\n    memory: 32m\n    restart: unless-stopped\n"
            );
        }
        self.write_states_of(folder, &text);
    }

    /// Writes a tree with one state file.
    pub fn write_states_of(&self, folder: &Path, text: &str) {
        fs::create_dir_all(folder.join("states")).expect("an own folder takes another");
        fs::write(folder.join("states/fleet.yml"), text).expect("an own folder takes a file");
        fs::write(folder.join("evenkeel.yml"), format!("project: {}fleet\n", self.prefix))
            .expect("an own folder takes a file");
    }

    /// What has to be asked to know the fleet: facts and lists, each container, each image.
    pub fn questions(&self) -> Vec<Vec<Request>> {
        let get = |path: String| vec![("GET", path, None)];
        let prefix = &self.prefix;
        let lists =
            ["/_ping", "/info", "/containers/json?all=1", "/networks", "/volumes", "/images/json?digests=1"];
        let lists = lists.map(|path| get(path.to_owned()));
        let containers = (0..self.containers).map(|n| get(format!("/containers/{prefix}c{n}/json")));
        let images = (0..self.images).map(|n| get(format!("/images/{}/json", self.image(n))));
        lists.into_iter().chain(containers).chain(images).collect()
    }

    /// Makes the fleet with nothing but the calls that it takes, and reads back what was made.
    pub fn make_raw(&self, at_once: usize) {
        let network = self.network();
        let post = |path: String, body: Value| ("POST", path, Some(body));
        let get = |path: String| ("GET", path, None);
        self.engine.all(
            &[vec![
                post("/networks/create".to_owned(), json!({"Name": network, "CheckDuplicate": true})),
                get(format!("/networks/{network}")),
            ]],
            1,
        );
        let volumes: Vec<Vec<Request>> = (0..self.containers)
            .map(|number| vec![post("/volumes/create".to_owned(), json!({"Name": self.volume(number)}))])
            .collect();
        self.engine.all(&volumes, at_once);
        let create = |number: usize| {
            let name = self.name(number);
            let body = json!({
                "Image": self.image(number), "Cmd": ["serve", "--port", "80"],
                "Env": ["A=1", "B=2", format!("C={number}")], "Labels": {"team": "bench", "part": "web"},
                "HostConfig": {"Binds": [format!("{}:/data", self.volume(number))], "NetworkMode": network,
                    "Init": true, "Memory": 32 << 20, "RestartPolicy": {"Name": "unless-stopped"}},
                "NetworkingConfig": {"EndpointsConfig": {&network: {}}},
            });
            vec![post(format!("/containers/create?name={name}"), body)]
        };
        self.engine.all(&(0..self.containers).map(create).collect::<Vec<_>>(), at_once);
        let start = |number: usize| {
            vec![
                ("POST", format!("/containers/{}/start", self.name(number)), None),
                get(format!("/containers/{}/json", self.name(number))),
            ]
        };
        self.engine.all(&(0..self.containers).map(start).collect::<Vec<_>>(), at_once);
    }

    /// Removes everything but the images.
    pub fn clear(&self) {
        let names = |list: Value, key: &str| -> Vec<String> {
            let first = |object: &Value| match &object[key] {
                Value::Array(names) => names.first().and_then(Value::as_str).unwrap_or("").to_owned(),
                name => name.as_str().unwrap_or("").to_owned(),
            };
            let names = list.as_array().into_iter().flatten().map(first);
            names
                .map(|name| name.trim_start_matches('/').to_owned())
                .filter(|n| n.starts_with(&self.prefix))
                .collect()
        };
        let delete = |kind: &str, names: Vec<String>, query: &str| {
            let chain = |name: &String| vec![("DELETE", format!("/{kind}/{name}{query}"), None)];
            self.engine.all(&names.iter().map(chain).collect::<Vec<_>>(), AT_ONCE);
        };
        // Stopped first and few at once: 20.10 loses endpoints where many running containers are removed by force.
        let containers = names(self.engine.json("/containers/json?all=1"), "Names");
        let stop = |name: &String| vec![("POST", format!("/containers/{name}/stop?t=0"), None)];
        self.engine.all(&containers.iter().map(stop).collect::<Vec<_>>(), 2);
        delete("containers", containers, "?force=1&v=1");
        // The engine may answer for a moment that the last endpoint is still there.
        for network in names(self.engine.json("/networks"), "Name") {
            self.engine.until_done("DELETE", &format!("/networks/{network}"));
        }
        delete("volumes", names(self.engine.json("/volumes")["Volumes"].clone(), "Name"), "?force=1");
    }
}

impl Drop for Fleet<'_> {
    fn drop(&mut self) {
        self.clear();
        let tags: Vec<_> = (0..self.images).map(|number| self.image(number)).collect();
        let remove = |tag: &String| vec![("DELETE", format!("/images/{tag}?force=1"), None)];
        self.engine.all(&tags.iter().map(remove).collect::<Vec<_>>(), 1);
    }
}
