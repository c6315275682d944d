//! The rig itself holds: what the scenarios take for granted is shown here.

use super::engines::{self, Engine, Release};
use super::inspect::{self, Object};
use super::proxy::{Fault, Proxy};
use super::scope::Scope;
use super::waiting::LIMIT;
use super::wire::{Head, read_body};
use super::workspace::{STATE, Victim, Workspace};
use super::{http::Http, images, numbers};
use serde_json::json;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn sleeper(engine: &Engine, scope: &Scope, name: &str) -> String {
    let name = scope.name(name);
    inspect::run(engine, &name, &json!({"Image": images::bb(engine)}));
    name
}

#[test]
fn every_engine_says_its_version() {
    engines::each(|engine| {
        assert!(engine.speaks((1, 41)), "API {}", engine.api);
        assert!(!engine.version.is_empty());
    });
}

#[test]
fn images_build_and_run_without_a_registry() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let web = sleeper(engine, &scope, "web");
        assert_eq!(inspect::exec(engine, &web, &["sh", "-c", "id -u; exit 3"]), (3, "0\n".to_owned()));
        let image = images::image_with(engine, &scope, "img:1", "ENV A=1\nWORKDIR /w\nVOLUME /data");
        let config = inspect::image(engine, &image)["Config"].clone();
        assert_eq!(config["WorkingDir"], "/w");
        assert_eq!(config["Cmd"], json!(["sleep", "100000"]));
        assert_eq!(inspect::names(engine, Object::Image, &scope), [scope.name("img:1")]);
    });
}

#[test]
fn a_scope_leaves_nothing_behind_when_its_test_panics() {
    engines::each(|engine| {
        let mut prefix = String::new();
        let scenario = catch_unwind(AssertUnwindSafe(|| {
            let scope = Scope::new(engine);
            prefix = scope.prefix();
            let web = sleeper(engine, &scope, "web");
            inspect::create_network(engine, &scope.name("net"), &json!({}));
            inspect::connect(engine, &scope.name("net"), &web);
            inspect::create_volume(engine, &scope.name("data"));
            images::tag(engine, images::BB, &scope.name("img:1"));
            assert_eq!(inspect::inventory(engine, &scope).len(), 4);
            std::panic::resume_unwind(Box::new("as a failed assertion"));
        }));
        assert!(scenario.is_err());
        for path in ["/containers/json?all=1", "/networks", "/volumes", "/images/json"] {
            assert!(!engine.http().get(path).ok().text().contains(&prefix), "{path} still has {prefix}");
        }
    });
}

#[test]
fn drift_by_hand_can_be_seen() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let web = sleeper(engine, &scope, "web");
        inspect::update(engine, &web, &json!({"RestartPolicy": {"Name": "always"}}));
        assert_eq!(inspect::container(engine, &web)["HostConfig"]["RestartPolicy"]["Name"], "always");
        inspect::pause(engine, &web);
        assert_eq!(inspect::container(engine, &web)["State"]["Paused"], true);
        inspect::rename(engine, &web, &scope.name("other"));
        assert!(inspect::find(engine, Object::Container, &web).is_none());
        inspect::stop(engine, &scope.name("other"));
        assert!(!inspect::is_running(engine, &scope.name("other")));
        inspect::remove(engine, &scope.name("other"));
        assert!(inspect::names(engine, Object::Container, &scope).is_empty());
    });
}

#[test]
fn the_proxy_records_requests_in_order() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let proxy = Proxy::before(engine);
        let http = Http::new(&proxy.socket());
        http.get("/v1.41/info?x=1").ok();
        http.post("/volumes/create", &json!({"Name": scope.name("data")})).ok();
        http.send("HEAD", "/_ping", "", b"").expect("an answer without a body");
        assert_eq!(http.delete("/volumes/ekt-missing").status, 404);
        let seen: Vec<_> = proxy.requests().iter().map(|request| (request.route(), request.status)).collect();
        let expected = [
            ("GET /info", 200),
            ("POST /volumes/create", 201),
            ("HEAD /_ping", 200),
            ("DELETE /volumes/ekt-missing", 404),
        ];
        assert_eq!(seen, expected.map(|(route, status)| (route.to_owned(), Some(status))));
        assert_eq!(proxy.mutations().len(), 2);
    });
}

#[test]
fn the_proxy_breaks_at_the_chosen_mutation() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let proxy = Proxy::before(engine);
        let http = Http::new(&proxy.socket());
        let create = |name: &str| {
            let body = json!({"Name": scope.name(name)}).to_string();
            http.send("POST", "/volumes/create", "application/json", body.as_bytes())
                .map(|answer| answer.status)
                .ok()
        };
        let (called, calls) = mpsc::channel();
        let called_too = called.clone();
        proxy.fault_at(2, Fault::Refuse(500));
        proxy.fault_at(3, Fault::LoseRequest);
        proxy.fault_at(4, Fault::LoseAnswer);
        proxy.fault_at(5, Fault::HangAfter(Duration::from_millis(200)));
        proxy.fault_at(6, Fault::Before(Box::new(move || called.send("before").expect("a listener"))));
        proxy.fault_at(7, Fault::After(Box::new(move || called_too.send("after").expect("a listener"))));
        let began = Instant::now();
        let told = ["plain", "refused", "unheard", "unanswered", "slow", "before", "after"].map(create);
        assert!(began.elapsed() >= Duration::from_millis(200));
        assert_eq!(told, [Some(201), Some(500), None, None, Some(201), Some(201), Some(201)]);
        assert_eq!(calls.iter().collect::<Vec<_>>(), ["before", "after"]);
        let done = ["after", "before", "plain", "slow", "unanswered"].map(|name| scope.name(name));
        assert_eq!(inspect::names(engine, Object::Volume, &scope), done);
        assert!(proxy.faults_are_spent());
    });
}

#[test]
fn the_proxy_passes_streams_on_as_they_come() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let name = scope.name("clock");
        let command = ["sh", "-c", "echo first; sleep 100000"];
        inspect::run(engine, &name, &json!({"Image": images::bb(engine), "Cmd": command}));
        let proxy = Proxy::before(engine);
        let (sender, lines) = mpsc::channel();
        let socket = proxy.socket();
        thread::spawn(move || {
            let mut stream = UnixStream::connect(socket).expect("the proxy listens");
            let path = format!("/containers/{name}/logs?stdout=1&follow=1");
            write!(stream, "GET {path} HTTP/1.1\r\nHost: engine\r\n\r\n").expect("the proxy reads");
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let has_come = |line: String| line.contains("first");
        while !has_come(lines.recv_timeout(LIMIT).expect("a line while the stream is open")) {}
    });
}

#[test]
fn the_proxy_keeps_a_connection_and_hands_it_over_for_an_exec() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let web = sleeper(engine, &scope, "web");
        let exec = json!({"Cmd": ["cat"], "AttachStdin": true, "AttachStdout": true, "Tty": false});
        let created = engine.http().post(&format!("/containers/{web}/exec"), &exec).ok().json();
        let proxy = Proxy::before(engine);
        let mut stream = UnixStream::connect(proxy.socket()).expect("the proxy listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
        for _ in 0..2 {
            write!(stream, "GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n").expect("the proxy reads");
            let head = Head::read(&mut reader).expect("an answer").expect("on the same connection");
            let body = read_body(head.response_framing("GET"), &mut reader).expect("a body");
            assert_eq!(body, b"OK");
        }
        let path = format!("/exec/{}/start", created["Id"].as_str().expect("an exec has an ID"));
        let headers = "Host: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json";
        let body = r#"{"Detach": false, "Tty": false}"#;
        let length = body.len();
        write!(stream, "POST {path} HTTP/1.1\r\n{headers}\r\nContent-Length: {length}\r\n\r\n{body}")
            .expect("the proxy reads");
        assert_eq!(Head::read(&mut reader).expect("an answer").map(|head| head.status()), Some(101));
        stream.write_all(b"ahoy\n").expect("the exec reads");
        let mut frame = [0; 13];
        reader.read_exact(&mut frame).expect("what cat says");
        assert_eq!(&frame[8..], b"ahoy\n");
        assert_eq!(proxy.requests().len(), 3);
    });
}

fn restarts_and_survives_a_crash(release: Release) {
    engines::with_private(release, &json!({"log-opts": {"max-size": "1m"}}), |engine| {
        let scope = Scope::new(engine);
        let name = scope.name("web");
        let host = json!({"RestartPolicy": {"Name": "always"}});
        // Nobody waits for a `sleep` that ignores the polite signal.
        let body = json!({"Image": images::bb(engine), "StopSignal": "KILL", "HostConfig": host});
        inspect::run(engine, &name, &body);
        let log = inspect::container(engine, &name)["HostConfig"]["LogConfig"].clone();
        assert_eq!(log["Config"], json!({"max-size": "1m"}));
        engine.restart();
        assert!(inspect::is_running(engine, &name), "after a restart");
        engine.crash();
        engine.restart_with(&json!({}));
        assert!(inspect::is_running(engine, &name), "after a crash");
    });
}

#[test]
fn a_private_engine_of_the_installed_release_comes_back() {
    restarts_and_survives_a_crash(Release::Installed);
}

#[test]
fn a_private_engine_of_the_stable_release_comes_back() {
    restarts_and_survives_a_crash(Release::Stable);
}

#[test]
fn a_private_engine_of_the_newest_release_comes_back() {
    restarts_and_survives_a_crash(Release::Newest);
}

#[test]
fn ports_and_subnets_are_given_once() {
    assert_ne!(numbers::free_port(), numbers::free_port());
    assert_ne!(numbers::free_subnet(), numbers::free_subnet());
}

#[test]
fn published_ports_of_every_engine_can_be_asked() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let name = scope.name("web");
        let command = ["sh", "-c", "echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp"];
        let ports = json!({"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]});
        let body = json!({"Image": images::bb(engine), "Cmd": command, "ExposedPorts": {"80/tcp": {}},
            "HostConfig": {"PortBindings": ports}});
        inspect::run(engine, &name, &body);
        let port =
            inspect::container(engine, &name)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"].clone();
        let url = format!("http://127.0.0.1:{}/", port.as_str().expect("a port was chosen"));
        assert_eq!(engine.fetch(&url), "hello\n");
    });
}

#[test]
fn a_workspace_runs_the_binary_in_a_clean_environment() {
    engines::each(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host()).env("LOG", "1");
        workspace.file("states/dev.yml", "{}\n");
        let home = workspace.path(".home");
        let command = workspace.command();
        let mut names: Vec<_> = command.get_envs().filter_map(|(name, _)| name.to_str()).collect();
        names.sort_unstable();
        let expected =
            ["DOCKER_HOST", "EVENKEEL_STATE_DIR", "HOME", "LANG", "LOG", "PATH", "TMPDIR", "XDG_RUNTIME_DIR"];
        assert_eq!(names, expected);
        assert!(command.get_envs().any(|(_, value)| value == Some(home.as_os_str())));
        let state = workspace.path(STATE);
        let is_own = |(name, value): (&OsStr, Option<&OsStr>)| {
            name == "EVENKEEL_STATE_DIR" && value == Some(state.as_os_str())
        };
        assert!(state.starts_with(workspace.root()) && command.get_envs().any(is_own));
        let victim = Victim::default();
        let running = workspace.start(["--help"], victim.clone());
        victim.kill();
        running.wait();
        workspace.run(["--help"]).expect(0);
    });
}
