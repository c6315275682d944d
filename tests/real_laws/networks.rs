//! Networks: the engine changes nothing of them, so whoever is attached moves to a new one.

use super::laws::laws;
use super::scene::Scene;
use crate::rig::engines;
use crate::rig::inspect::{self, Object};

#[test]
fn a_network_comes_and_goes() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin("$net: {network.present: {}}");
        scene.go("$net: {network.present: {subnet: NET3.0/24, internal: true, labels: {a: b}, driver_opts: {com.docker.network.bridge.enable_icc: \"false\"}}}", &[]);
        scene.go("$net: {network.present: {subnet: NET1.0/24, gateway: NET1.9, ip_range: NET1.128/25}}", &[]);
        scene.go("$net: {network.present: {ipam: {config: [{subnet: NET1.0/24}]}, labels: {x: y}}}", &[]);
        scene.go("$net: {network.absent: {}}", &[]);
        assert!(!scene.exists(Object::Network, "net"));
        scene.goes_nowhere("$net: {network.absent: {}}", &[]);
    });
}

#[test]
fn a_new_subnet_moves_running_containers_with_their_addresses_and_aliases() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |net: &str| {
            format!(
                "
$net: {{network.present: {{subnet: {net}.0/24}}}}
$web: {{container.running: {{image: IMAGE, networks: {{$net: {{aliases: [www], ipv4_address: {net}.20}}}}}}}}
$api: {{container.running: {{image: IMAGE, hostname: one, networks: {{$net: {{aliases: [api]}}}}}}}}
$off: {{container.stopped: {{image: IMAGE, networks: {{$net: {{ipv4_address: {net}.21}}}}}}}}
"
            )
        };
        scene.begin(&system("NET1"));
        let ids = ["web", "api", "off"].map(|name| scene.id(name));
        scene.go(&system("NET2"), &[]);
        assert_eq!(ids, ["web", "api", "off"].map(|name| scene.id(name)), "nobody was replaced");
        let endpoint = scene.container("web")["NetworkSettings"]["Networks"][scene.name("net")].clone();
        assert_eq!(endpoint["IPAddress"], format!("{}.20", scene.word("NET2")));
        assert!(scene.exec("api", "ping -c1 -W60 www").contains("1 packets received"));
        assert!(scene.exec("web", "ping -c1 -W60 api").contains("1 packets received"));
    });
}

#[test]
fn another_option_of_the_network_keeps_the_addresses() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |more: &str| {
            format!(
                "
$net: {{network.present: {{subnet: NET1.0/24{more}}}}}
$web: {{container.running: {{image: IMAGE, networks: {{$net: {{aliases: [www], ipv4_address: NET1.20}}}}}}}}
"
            )
        };
        scene.begin(&system(""));
        let id = scene.id("web");
        let applied = scene.go(&system(", internal: true"), &[]);
        assert_eq!(applied.state(&scene, "network", "net")["action"], "replace");
        assert_eq!(scene.id("web"), id);
        let endpoint = scene.container("web")["NetworkSettings"]["Networks"][scene.name("net")].clone();
        assert_eq!(endpoint["IPAddress"], format!("{}.20", scene.word("NET1")));
    });
}

#[test]
fn containers_are_attached_and_detached_in_place() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let system = |networks: &str| {
            format!(
                "
$a: {{network.present: {{subnet: NET1.0/24}}}}
$b: {{network.present: {{subnet: NET2.0/24}}}}
$c: {{network.present: {{subnet: NET3.0/24}}}}
$web: {{container.running: {{image: IMAGE, networks: {networks}}}}}
"
            )
        };
        scene.begin(&system("[$a]"));
        let id = scene.id("web");
        for networks in [
            "[$a, $b]",
            "[$b, $c]",
            "{$a: {ipv4_address: NET1.30}, $b: {aliases: [x, y]}, $c: {}}",
            "{$a: {ipv4_address: NET1.31}, $b: {aliases: [y, z]}}",
            "[$c]",
        ] {
            let applied = scene.go(&system(networks), &[]);
            assert_eq!(applied.action(&scene, "web"), "update", "{networks}");
        }
        assert_eq!(scene.id("web"), id);
        scene.go(&system("[]"), &[]);
        scene.go(&system("[$a, $b, $c]"), &[]);
    });
}

#[test]
fn a_network_with_a_stranger_in_it_stays() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        scene.begin("$net: {network.present: {subnet: NET1.0/24}}");
        inspect::connect(engine, &scene.name("net"), &scene.name("stranger"));
        scene.strangers_changed();
        let text = scene.is_refused("$net: {network.present: {subnet: NET1.0/24, internal: true}}", &[]);
        assert!(text.contains("stranger"), "{text}");
        let text = scene.is_refused("$net: {network.absent: {}}", &[]);
        assert!(text.contains("stranger"), "{text}");
        inspect::disconnect(engine, &scene.name("net"), &scene.name("stranger"));
        scene.strangers_changed();
        scene.go("$net: {network.absent: {}}", &[]);
    });
}

#[test]
fn a_network_moves_to_another_name() {
    engines::in_turn(|engine| {
        let before = "
$old: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE, networks: {$old: {ipv4_address: NET1.7}}}}
";
        let after = "
$new: {network.present: {subnet: NET1.0/24, was: $old}}
$web: {container.running: {image: IMAGE, networks: {$new: {ipv4_address: NET1.7}}}}
";
        laws(engine, before, |_| {}, after);
    });
}

#[test]
fn a_subnet_changes_hands() {
    engines::in_turn(|engine| {
        let before = "
$a: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE, networks: {$a: {ipv4_address: NET1.7}}}}
";
        let after = "
$a: {network.present: {subnet: NET2.0/24}}
$b: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE, networks: {$b: {ipv4_address: NET1.7}}}}
";
        laws(engine, before, |_| {}, after);
    });
}

#[test]
fn a_network_goes_with_the_last_container_in_it() {
    engines::in_turn(|engine| {
        let before = "
$net: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE, networks: [$net]}}
";
        laws(
            engine,
            before,
            |_| {},
            "
$net: {network.absent: {}}
$web: {container.absent: {}}
",
        );
        laws(
            engine,
            before,
            |_| {},
            "
$net: {network.absent: {}}
$web: {container.running: {image: IMAGE}}
",
        );
    });
}

#[test]
fn a_network_is_replaced_behind_those_that_leave_it() {
    engines::in_turn(|engine| {
        let scene = Scene::new(engine);
        let stays = "$stay: {container.running: {image: IMAGE, networks: [$net]}}\n";
        let net = |more: &str| format!("$net: {{network.present: {{subnet: NET1.0/24{more}}}}}\n");
        // Slow to stop, so that whoever does not wait for it is too early.
        let slow = "$slow: {container.running: {image: IMAGE, networks: [$net], stop_signal: USR1, stop_timeout: 2s}}";
        scene.begin(&(net("") + stays + slow));
        scene.go(&(net(", internal: true") + stays), &["--prune"]);
        assert_eq!(scene.containers(), ["stay"]);
        scene.begin(&(net(", internal: true") + stays + slow));
        scene.go(&(net("") + stays + "$slow: {container.absent: {}}"), &[]);
    });
}

#[test]
fn a_subnet_goes_from_a_network_that_goes_to_one_that_comes() {
    engines::in_turn(|engine| {
        let before = "
$old: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE, networks: [$old]}}
";
        let after = "
$old: {network.absent: {}}
$new: {network.present: {subnet: NET1.0/24}}
$web: {container.running: {image: IMAGE}}
";
        laws(engine, before, |_| {}, after);
    });
}
