//! Containers that depend on each other: ports that change hands, shared networks, links, data that moves on.

use super::laws::laws;
use super::scene::Scene;
use crate::rig::inspect;
use crate::rig::waiting::patiently;
use crate::rig::{engines, images};

/// Serves `/etc` on port 80, so that the engine's fetch shows who answers.
fn serving(name: &str, port: &str, more: &str) -> String {
    format!(
        "${name}: {{container.running: {{image: IMAGE, ports: [\"{port}:80\"],
        command: [sh, -c, 'echo {name} > /tmp/who; exec httpd -f -p 80 -h /tmp']{more}}}}}\n"
    )
}

fn who(scene: &Scene<'_>, port: &str) -> String {
    scene.engine.fetch(&format!("http://127.0.0.1:{}/who", scene.word(port))).trim().to_owned()
}

#[test]
fn a_port_is_handed_over() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&(serving("a", "PORT1", "") + &serving("b", "PORT2", "")));
        assert_eq!((who(&scene, "PORT1"), who(&scene, "PORT2")), ("a".to_owned(), "b".to_owned()));
        scene.go(&(serving("b", "PORT1", "") + &serving("a", "PORT3", "")), &[]);
        assert_eq!((who(&scene, "PORT1"), who(&scene, "PORT3")), ("b".to_owned(), "a".to_owned()));
        // From one that goes to one that comes.
        scene.go(
            &(serving("c", "PORT1", "") + "$b: {container.absent: {}}\n" + &serving("a", "PORT3", "")),
            &[],
        );
        assert_eq!(who(&scene, "PORT1"), "c");
    });
}

#[test]
fn two_containers_swap_their_ports() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin(&(serving("a", "PORT1", "") + &serving("b", "PORT2", "")));
        scene.go(&(serving("a", "PORT2", "") + &serving("b", "PORT1", "")), &[]);
        assert_eq!((who(&scene, "PORT1"), who(&scene, "PORT2")), ("b".to_owned(), "a".to_owned()));
    });
}

#[test]
fn three_containers_pass_their_ports_round() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |ports: [&str; 3]| -> String {
            ["a", "b", "c"].iter().zip(ports).map(|(n, p)| serving(n, p, "")).collect()
        };
        scene.begin(&system(["PORT1", "PORT2", "PORT3"]));
        scene.go(&system(["PORT2", "PORT3", "PORT1"]), &[]);
        assert_eq!([who(&scene, "PORT1"), who(&scene, "PORT2"), who(&scene, "PORT3")], ["c", "a", "b"]);
    });
}

#[test]
fn static_addresses_are_swapped() {
    engines::in_turn(|engine| {
        let system = |a: u8, b: u8| {
            format!(
                "
$net: {{network.present: {{subnet: NET1.0/24}}}}
$a: {{container.running: {{image: IMAGE, networks: {{$net: {{ipv4_address: NET1.{a}}}}}}}}}
$b: {{container.running: {{image: IMAGE, networks: {{$net: {{ipv4_address: NET1.{b}}}}}}}}}
"
            )
        };
        laws(engine, &system(10, 11), |_| {}, &system(11, 12));
        laws(engine, &system(10, 11), |_| {}, &system(11, 10));
    });
}

const SIDECAR: &str = "$side: {container.running: {image: IMAGE, network_mode: \"container:$web\"}}\n";

/// Who answers behind the shared network; nobody at all does before the server is up.
fn reaches(scene: &Scene<'_>) -> String {
    let name = scene.name("side");
    let ask = || {
        let (code, page) =
            inspect::exec(scene.engine, &name, &["wget", "-q", "-O", "-", "http://127.0.0.1:80/who"]);
        (code == 0).then(|| page.trim().to_owned())
    };
    patiently(ask).unwrap_or_default()
}

#[test]
fn who_shares_a_network_follows_its_owner() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let same = serving("web", "PORT1", "") + SIDECAR;
        scene.begin(&same);
        assert_eq!(reaches(&scene), "web");
        // Replaced: the sidecar holds the ID of what is no more.
        let other = serving("web", "PORT1", ", hostname: other") + SIDECAR;
        let applied = scene.go(&other, &[]);
        assert_eq!(applied.action(&scene, "side"), "replace");
        assert_eq!(reaches(&scene), "web");
        // Restarted by hand: the sidecar has lost its network.
        inspect::stop(engine, &scene.name("web"));
        inspect::start(engine, &scene.name("web"));
        let applied = scene.go(&other, &[]);
        assert_eq!(applied.action(&scene, "side"), "restart");
        assert_eq!(reaches(&scene), "web");
        // Stopped by hand.
        inspect::stop(engine, &scene.name("web"));
        scene.go(&other, &[]);
        assert_eq!(reaches(&scene), "web");
        // Gone.
        inspect::remove(engine, &scene.name("web"));
        scene.go(&other, &[]);
        assert_eq!(reaches(&scene), "web");
        // Changed in place: nobody has to follow.
        let bigger = serving("web", "PORT1", ", hostname: other, memory: 64m") + SIDECAR;
        let applied = scene.go(&bigger, &[]);
        assert_eq!(applied.action(&scene, "side"), "none");
    });
}

#[test]
fn links_follow_what_they_name() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |more: &str| {
            format!(
                "$db: {{container.running: {{image: IMAGE{more}}}}}
$web: {{container.running: {{image: IMAGE, links: [\"$db:db\"]}}}}\n"
            )
        };
        scene.begin(&system(""));
        assert!(scene.exec("web", "ping -c1 -W60 db").contains("1 packets received"));
        let applied = scene.go(&system(", hostname: other"), &[]);
        assert_eq!(applied.action(&scene, "web"), "replace");
        assert!(scene.exec("web", "ping -c1 -W60 db").contains("1 packets received"));
        assert_eq!(scene.containers(), ["db", "web"]);
    });
}

#[test]
fn a_link_is_not_taken_for_one_to_the_next_of_that_name() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let db = "$db: {container.running: {image: IMAGE}}\n";
        let both = format!("{db}$web: {{container.running: {{image: IMAGE, links: [\"$db:db\"]}}}}\n");
        scene.begin(&both);
        inspect::remove(engine, &scene.name("db"));
        scene.declare(db);
        scene.run(&[]).expect(0);
        let applied = scene.go(&both, &[]);
        assert_eq!(applied.action(&scene, "web"), "replace");
        assert!(scene.exec("web", "ping -c1 -W60 db").contains("1 packets received"));
    });
}

#[test]
fn a_broken_one_with_a_link_turns_the_other_back() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let both = |db: &str, web: &str| {
            format!(
                "$db: {{container.running: {{image: IMAGE{db}}}}}
$web: {{container.running: {{image: IMAGE, links: [\"$db:db\"]{web}}}}}\n"
            )
        };
        scene.begin(&both("", ""));
        let ids = [scene.id("db"), scene.id("web")];
        scene.declare(&both(", hostname: other", ", stable_for: 20s, command: [sh, -c, 'exit 3']"));
        for _ in 0..2 {
            let applied = scene.run(&[]).expect(1);
            assert_eq!([scene.id("db"), scene.id("web")], ids, "{}", applied.run);
            assert!(scene.is_running("db") && scene.is_running("web"), "{}", applied.run);
        }
        scene.go(&both(", hostname: other", ""), &[]);
        assert!(scene.exec("web", "ping -c1 -W60 db").contains("1 packets received"));
    });
}

#[test]
fn a_watcher_restarts_when_what_it_watches_changes() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |more: &str, action: &str| {
            format!(
                "$db: {{container.running: {{image: IMAGE{more}}}}}
$web: {{container.running: {{image: IMAGE, watch: [{{container: $db}}]{action}}}}}\n"
            )
        };
        scene.begin(&system("", ""));
        let id = scene.id("web");
        assert_eq!(scene.go(&system(", memory: 64m", ""), &[]).action(&scene, "web"), "restart");
        assert_eq!(scene.id("web"), id);
        let applied = scene.go(&system(", memory: 96m", ", watch_action: replace"), &[]);
        assert_eq!(applied.action(&scene, "web"), "replace");
        // Whoever was restarted by hand has seen it; a target that was made again by hand was not seen.
        scene.go(&system(", memory: 96m, hostname: other", ""), &[]);
    });
}

#[test]
fn data_in_anonymous_volumes_moves_on_with_the_container() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        images::image_with(engine, &scene.scope, "app:1", "VOLUME /data");
        let web = |more: &str| format!("$web: {{container.running: {{image: \"$app:1\"{more}}}}}");
        scene.begin(&web(", volumes: [/own]"));
        let read = || scene.exec("web", "cat /data/file /own/file");
        scene.exec("web", "echo one > /data/file; echo two > /own/file");
        for more in [", volumes: [/own], hostname: x", ", volumes: [/own], hostname: y", ", volumes: [/own]"]
        {
            assert_eq!(scene.go(&web(more), &[]).action(&scene, "web"), "replace");
            assert_eq!(read(), "one\ntwo\n");
        }
        // Something else is mounted over it: the volume stays, and the run names it.
        let applied = scene.go(&web(", volumes: [/own, \"$named:/data\"]"), &[]);
        let comment = applied.state(&scene, "container", "web")["comment"].clone();
        assert!(comment.as_str().is_some_and(|text| text.contains("/data")), "{comment}");
        assert_eq!(scene.exec("web", "cat /own/file"), "two\n");
    });
}

#[test]
fn a_whole_system_comes_changes_and_goes() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |subnet: &str, level: &str| {
            format!(
                "
$front: {{network.present: {{subnet: {subnet}.0/24}}}}
$back: {{network.present: {{internal: true, subnet: NET3.0/24}}}}
$data: {{volume.present: {{labels: {{keep: \"yes\"}}}}}}
$db: {{container.running: {{image: IMAGE, networks: {{$back: {{aliases: [db]}}}}, volumes: [\"$data:/data\"], env: {{LEVEL: {level}}}}}}}
$web: {{container.running: {{image: IMAGE, networks: {{$front: {{ipv4_address: {subnet}.9}}, $back: {{}}}}, ports: [\"PORT1:80\"],
  require: [{{container: $db}}], memory: 64m, restart: always}}}}
$cron: {{container.stopped: {{image: IMAGE, networks: [$back], command: [\"true\"]}}}}
$debug: {{container.created: {{image: IMAGE, network_mode: \"container:$web\"}}}}
"
            )
        };
        scene.begin(&system("NET1", "info"));
        scene.go(&system("NET2", "info"), &[]);
        scene.go(&system("NET2", "debug"), &[]);
        scene.go(&system("NET1", "info"), &[]);
        scene.go("$only: {volume.present: {}}", &["--prune"]);
        assert_eq!(scene.containers(), Vec::<String>::new());
    });
}
