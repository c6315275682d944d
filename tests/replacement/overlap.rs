//! Containers that are replaced while others use them.

use crate::cases2::stage::{Stage, each, everywhere};
use crate::rig::inspect;
use crate::rig::proxy::Request;

fn web(version: u32, more: &str) -> String {
    format!(
        "@net: {{network.present: {{}}}}\n@web: {{container.running: {{image: ekt/bb:1, init: true, stable_for: 1s, networks: {{'@net': {{aliases: [www]}}}}, \
         env: {{A: {version}}}, command: [httpd, -f, -p, '80', -h, /etc]{more}}}}}"
    )
}

/// Somebody in the network who asks by a name, over and over, and writes down what comes of it.
fn client(name: &str, host: &str) -> String {
    let asks = format!(
        "out=$(wget -q -O /dev/null http://{host}/passwd 2>&1) && echo served || echo \"failed $out\""
    );
    format!(
        "\n@{name}: {{container.running: {{image: ekt/bb:1, init: true, networks: ['@net'], \
         command: [sh, -c, 'touch /etc/passwd; while :; do {asks}; sleep 0.02; done']}}}}"
    )
}

/// What came of the requests: served, not found by name, failed otherwise.
fn counted(stage: &Stage<'_>, client: &str) -> (usize, usize, Vec<String>) {
    let log = inspect::logs(stage.engine, &stage.name(client));
    let lines = || log.lines();
    let is_look_up = |line: &&str| line.contains("bad address");
    let failed: Vec<String> =
        lines().filter(|line| line.starts_with("failed") && !is_look_up(line)).map(str::to_owned).collect();
    (lines().filter(|line| *line == "served").count(), lines().filter(is_look_up).count(), failed)
}

#[test]
fn whoever_finds_it_by_name_is_served_throughout() {
    everywhere(|stage| {
        let clients = client("by-name", &stage.name("web")) + &client("by-alias", "www");
        stage.states(&web(1, "")).apply(&[]).expect(0);
        let listens = || {
            (inspect::exec(stage.engine, &stage.name("web"), &["nc", "127.0.0.1", "80", "-e", "true"]).0 == 0)
                .then_some(())
        };
        assert!(crate::rig::waiting::patiently(listens).is_some());
        stage.states(&(web(1, "") + &clients)).apply(&[]).expect(0);
        for version in 2..=3 {
            let said = stage.states(&(web(version, ", drain: 2s") + &clients)).said(&[], 0);
            assert!(said.contains("strategy overlap") && !said.contains("away for"), "{said}");
        }
        for name in ["by-name", "by-alias"] {
            let (served, not_found, failed) = counted(stage, name);
            println!(
                "{name} on {}: {served} served, {not_found} not found, {} failed",
                stage.engine.name,
                failed.len()
            );
            assert!(served > 50, "{served}");
            // Who has its alias leaves its network before it stops, and what is under way at that moment is cut.
            let is_cut = |line: &String| name == "by-alias" && line.contains("reset by peer");
            let (cut, lost): (Vec<String>, Vec<String>) = failed.into_iter().partition(is_cut);
            assert!(lost.is_empty() && cut.len() <= 2, "{name}: {lost:?} {cut:?}");
        }
    });
}

#[test]
fn the_old_one_stops_last_and_is_not_touched_by_a_newcomer_that_fails() {
    each(|stage| {
        stage.states(&web(1, ", restart: always")).apply(&[]).expect(0);
        let id = stage.id("web");
        let bad = web(2, ", restart: always").replace("httpd, -f", "false, -f");
        let run = stage.states(&bad).apply(&[]).expect(1);
        assert!(
            run.stdout.contains("did not work out, so") && run.stdout.contains("stays as it was"),
            "{run}"
        );
        assert_eq!(stage.id("web"), id);
        let ours = |route: &String| !route.contains("/containers/create");
        let touched: Vec<String> =
            stage.mutations().into_iter().filter(ours).filter(|route| route.contains(&id)).collect();
        assert_eq!(touched, [""; 0], "nothing was done to the old one");
        // And one that works: two renames, and then the stop.
        stage.states(&web(2, ", restart: always")).apply(&[]).expect(0);
        let of_old = |request: &Request| {
            request.path.contains(&id).then(|| request.route().rsplit('/').next().map(str::to_owned))
        };
        let requests = stage.proxy.requests();
        let calls: Vec<String> =
            requests.iter().filter(|request| request.method != "GET").filter_map(of_old).flatten().collect();
        assert_eq!(calls, ["update", "rename", "stop"], "the attachment with the alias goes before the stop");
        let aliases = stage.container("web")["NetworkSettings"]["Networks"].to_string();
        assert!(aliases.contains("www"), "{aliases}");
        stage.is_quiet();
    });
}

#[test]
fn one_that_fails_after_it_has_taken_over_gives_the_name_back() {
    each(|stage| {
        stage.states(&web(1, ", restart: always")).apply(&[]).expect(0);
        let id = stage.id("web");
        for strategy in ["overlap", "replace"] {
            let more = format!(", strategy: {strategy}, soak: 30s");
            let ends = "sh, -c, 'sleep 3; echo last words; exit 4', a, b, c, d";
            let bad = web(2, &more).replace("httpd, -f, -p, '80', -h, /etc", ends);
            let run = stage.states(&bad).apply(&[]).expect(1);
            for part in ["last words", "did not work out, so"] {
                assert!(run.stdout.contains(part), "{part}: {run}");
            }
            assert_eq!(stage.id("web"), id, "{run}");
            assert!(stage.is_running("web"), "{run}");
            assert_eq!(stage.container("web")["HostConfig"]["RestartPolicy"]["Name"], "always", "{run}");
            stage.states(&web(1, ", restart: always")).is_quiet();
        }
    });
}

#[test]
fn the_strategy_is_chosen_by_what_only_one_can_have_and_said() {
    each(|stage| {
        let state = |version: u32, more: &str| {
            format!("@web: {{container.running: {{BB, env: {{A: {version}}}{more}}}}}")
        };
        let address = "@net: {network.present: {subnet: 10.213.7.0/24}}\n";
        let cases = [
            (
                ", volumes: ['@data:/data']",
                "replace: the old one stops first (both would write to @data at /data)",
            ),
            (
                ", volumes: ['@data:/data:ro']",
                "overlap: the old one serves until the new one does (nothing is exclusive)",
            ),
            (
                ", volumes: ['@data:/data'], strategy: overlap",
                "it is declared, although both would write to @data at /data",
            ),
            (", network_mode: host", "both have the ports of the host"),
            (", strategy: replace", "replace: the old one stops first (it is declared)"),
        ];
        for (more, reason) in cases {
            stage.states(&state(1, more)).apply(&["--prune"]).expect(0);
            let said = stage.states(&state(2, more)).said(&["--test"], 0);
            assert!(said.contains(&reason.replace('@', "")), "{more}: {said}");
            let brief = said.contains("brief interruption");
            assert_eq!(brief, !said.contains("strategy overlap"), "{said}");
        }
        // What cannot be is refused, before anything is done.
        let fixed = |version: u32| {
            address.to_owned()
                + &state(version, ", strategy: overlap, networks: {'@net': {ipv4_address: 10.213.7.9}}")
        };
        stage.states(&fixed(1)).apply(&["--prune"]).expect(0);
        let said = stage.states(&fixed(2)).said(&["--test"], 1);
        assert!(said.contains("`strategy: overlap` cannot be: both have address 10.213.7.9"), "{said}");
    });
}
