//! The demo's program, states/demo/web.rs: alone on loopback, and as the two containers of its image.

use crate::rig::engines;
use crate::rig::numbers::closed_port;
use crate::rig::scope::Scope;
use crate::rig::waiting::{patiently, until};
use crate::rig::{images, inspect};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/states/demo/bin/web");
const DOCKERFILE: &str = include_str!("../../states/demo/Dockerfile");

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(args).args(["--port", "0"]).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("build.rs made the program");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the program says where it listens");
        let port = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no port in {line:?}")) }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts")
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers and closes");
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn store(data: &Path) -> Server {
    Server::start(&["store", "--data", &data.display().to_string()], &[])
}

fn is_healthy(url: &str) -> bool {
    Command::new(PROGRAM)
        .args(["health", url])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn the_store_goes_on_counting_where_it_stopped() {
    let data = tempfile::tempdir().expect("a temp folder can be made");
    let first = store(data.path());
    assert!(first.get("/").ends_with("\r\n\r\n1\n"));
    assert!(first.get("/health").contains("200 OK"));
    assert!(first.get("/").ends_with("\r\n\r\n2\n"));
    drop(first);
    assert!(store(data.path()).get("/").ends_with("\r\n\r\n3\n"));
    fs::write(data.path().join("visits"), "no number").expect("the file can be written");
    assert!(store(data.path()).get("/").starts_with("HTTP/1.1 500 "), "damaged data is not counted over");
}

#[test]
fn the_page_shows_counter_and_environment() {
    let data = tempfile::tempdir().expect("a temp folder can be made");
    let store = store(data.path());
    let backend = format!("http://127.0.0.1:{}/", store.port);
    let environment = [("GREETING", "Ahoy <all>"), ("LOG_LEVEL", "warn")];
    let web = Server::start(&["serve", "--backend", &backend], &environment);
    web.get("/");
    let page = web.get("/?x=1");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html"), "{page}");
    for part in ["<b>2</b>", "Ahoy &lt;all&gt;", "<dd>warn</dd>"] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    let closed = closed_port();
    let backend = format!("http://127.0.0.1:{}/", closed.port);
    let alone = Server::start(&["serve", "--backend", &backend], &[]);
    assert!(alone.get("/").contains("unknown: 127.0.0.1:"), "without its backend the page says so");
    assert!(web.get("/none").starts_with("HTTP/1.1 404 "));
    assert!(web.ask("POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

#[test]
fn health_tells_by_its_exit_code() {
    let data = tempfile::tempdir().expect("a temp folder can be made");
    let store = store(data.path());
    let url = |path: &str| format!("http://127.0.0.1:{}/{path}", store.port);
    assert!(is_healthy(&url("health")));
    assert!(!is_healthy(&url("none")));
    assert!(!is_healthy("https://127.0.0.1/"));
    let closed = closed_port();
    assert!(!is_healthy(&format!("http://127.0.0.1:{}/health", closed.port)));
}

#[test]
fn slow_and_broken_clients_stop_nobody() {
    let data = tempfile::tempdir().expect("a temp folder can be made");
    let store = store(data.path());
    let silent: Vec<TcpStream> = (0..100).map(|_| store.connect()).collect();
    store.connect().write_all(b"\xff\xfe\n\n").expect("the server reads");
    let url = format!("http://127.0.0.1:{}/health", store.port);
    until("silent clients do not block everybody", || is_healthy(&url));
    drop(silent);
    assert!(store.get("/").ends_with("\r\n\r\n1\n"));
}

#[test]
fn two_containers_of_the_demo_image_serve_the_page() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let program = fs::read(PROGRAM).expect("build.rs made the program");
        let image = scope.name("demo:1");
        // Another test builds the demo's own image, and may remove what both have in common meanwhile.
        let own = format!("FROM scratch\nMAINTAINER {}\n", scope.project());
        let dockerfile = DOCKERFILE.replace("FROM scratch\n", &own);
        images::build(engine, &image, &dockerfile, &[("bin/web", &program)]);
        let net = scope.name("net");
        inspect::create_network(engine, &net, &json!({}));
        let host = |more: serde_json::Value| {
            let mut host = json!({"NetworkMode": net, "Init": true});
            host.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            host
        };
        let store = json!({"Image": image, "Cmd": ["store"],
            "HostConfig": host(json!({"Binds": [format!("{}:/data", scope.name("data"))]})),
            "NetworkingConfig": {"EndpointsConfig": {&net: {"Aliases": ["store"]}}}});
        let health =
            json!({"Test": ["CMD", "/web", "health", "http://127.0.0.1/health"], "Interval": 100_000_000});
        let ports = json!({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]});
        let web = json!({"Image": image, "Healthcheck": health,
            "HostConfig": host(json!({"PortBindings": ports})), "Env": ["GREETING=Ahoy"]});
        inspect::run(engine, &scope.name("store"), &store);
        inspect::run(engine, &scope.name("web"), &web);
        let found = inspect::container(engine, &scope.name("web"));
        let port = found["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].clone();
        let url = format!("http://127.0.0.1:{}/", port.as_str().expect("a port was chosen"));
        let visits = |page: &str| page.split("<b>").nth(1)?.split('<').next()?.parse::<u64>().ok();
        // The page is there before the store behind it is.
        let first = patiently(|| visits(&engine.fetch(&url))).expect("the store counts");
        let page = engine.fetch(&url);
        assert_eq!(visits(&page), Some(first + 1), "{page}");
        assert!(page.contains("Ahoy"), "{page}");
        until("the health check passes", || {
            inspect::container(engine, &scope.name("web"))["State"]["Health"]["Status"] == "healthy"
        });
        engine.http().act(&format!("/containers/{}/stop?t=100", scope.name("web"))).ok();
        let code = inspect::container(engine, &scope.name("web"))["State"]["ExitCode"].clone();
        assert_eq!(code, 128 + 15, "with an init it ends when it is asked to, and is not killed");
    });
}
