//! Tests of mounts; apart because there are many.

use serde_json::{Value, json};

use super::testing::{obeys_the_laws, plain, refused};
use super::{Form, MOUNTS, TMPFS, carry_volumes, observed_mounts, send_mounts};

const MADE_UP: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn mounts_obey_the_laws() {
    obeys_the_laws(&MOUNTS);
    obeys_the_laws(&TMPFS);
}

#[test]
fn an_anonymous_volume_is_the_same_after_it_was_bound_again() {
    let fresh = json!({
        "HostConfig": {"Binds": null},
        "Config": {"Volumes": {"/data/": {}}},
        "Mounts": [{"Type": "volume", "Name": MADE_UP, "Destination": "/data", "Mode": "", "RW": true}],
    });
    let bound = json!({
        "HostConfig": {"Binds": [format!("{MADE_UP}:/data")]},
        "Mounts": [{"Type": "volume", "Name": MADE_UP, "Destination": "/data", "Mode": "z", "RW": true}],
    });
    let (fresh, bound) = (observed_mounts(&fresh), observed_mounts(&bound));
    assert_eq!(fresh, bound);
    assert_eq!(fresh, json!({"/data": {"type": "anonymous", "_name": MADE_UP}}));
    assert_eq!(MOUNTS.differences(&bound, &plain(&MOUNTS, "[/data]")), []);
    assert_eq!(MOUNTS.differences(&bound, &plain(&MOUNTS, &format!("['{MADE_UP}:/data']"))), []);
    assert_eq!(MOUNTS.differences(&bound, &plain(&MOUNTS, "['data:/data']")).len(), 1);
    assert_eq!(send_mounts(&bound).binds, json!([format!("{MADE_UP}:/data")]));
}

#[test]
fn an_anonymous_volume_is_carried_over_to_the_same_target_only() {
    let old = json!({"/data": {"type": "anonymous", "_name": MADE_UP}, "/old": {"type": "anonymous", "_name": MADE_UP}});
    let carried = carry_volumes(&old, &plain(&MOUNTS, "[/data, /new, 'named:/old']"));
    assert_eq!(send_mounts(&carried).binds, json!([format!("{MADE_UP}:/data"), "named:/old"]));
    assert_eq!(send_mounts(&carried).mounts, json!([{"Type": "volume", "Target": "/new"}]));
}

/// As an engine 20.10 showed it, volumes without a source among the `Mounts` included.
#[test]
fn a_real_container_is_read_back_as_it_was_sent() {
    let shown = json!({
        "HostConfig": {
            "Binds": ["data:/d:nocopy", "/srv/a:/m:ro,rslave,z"],
            "Mounts": [{"Type": "volume", "Target": "/cache"}],
            "Tmpfs": {"/run": "size=67108864,mode=1777,exec"},
        },
        "Config": {"Volumes": null},
        "Mounts": [
            {"Type": "volume", "Name": "data", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/d",
             "Driver": "local", "Mode": "nocopy", "RW": true, "Propagation": ""},
            {"Type": "bind", "Source": "/srv/a", "Destination": "/m", "Mode": "ro,rslave,z", "RW": false},
            {"Type": "volume", "Name": MADE_UP, "Destination": "/cache", "Mode": "z", "RW": true},
        ],
    });
    let wanted = plain(&MOUNTS, "['data:/d:nocopy', '/srv/a:/m:ro,rslave,z', /cache]");
    let wanted = MOUNTS.over(&wanted, &plain(&TMPFS, "['/run:size=64m,mode=1777,exec']"));
    assert_eq!(MOUNTS.differences(&MOUNTS.observe(&shown), &wanted), []);
}

#[test]
fn the_way_to_the_engine_does_not_matter() {
    let bind = json!({"HostConfig": {"Binds": ["/a/:/m/:rw,rprivate,rbind", "data:/d:z"]}});
    let mount = json!({"HostConfig": {"Mounts": [
        {"Type": "bind", "Source": "/a", "Target": "/m"},
        {"Type": "volume", "Source": "data", "Target": "/d"},
    ]}});
    assert_eq!(observed_mounts(&bind), observed_mounts(&mount));
    assert_eq!(observed_mounts(&bind), plain(&MOUNTS, "['/a:/m', 'data:/d']"));
}

#[test]
fn what_another_container_lends_is_not_ours() {
    let shown = json!({
        "HostConfig": {"VolumesFrom": ["db"], "Binds": ["/a:/m"]},
        "Config": {"Volumes": {"/own": {}}},
        "Mounts": [
            {"Type": "volume", "Name": MADE_UP, "Destination": "/theirs"},
            {"Type": "volume", "Name": MADE_UP, "Destination": "/own"},
            {"Type": "bind", "Source": "/a", "Destination": "/m"},
        ],
    });
    let observed = observed_mounts(&shown);
    assert_eq!(
        observed.as_object().map(|mounts| mounts.keys().cloned().collect::<Vec<_>>()),
        Some(vec!["/m".to_owned(), "/own".to_owned()])
    );
}

#[test]
fn the_images_volumes_are_the_background() {
    let image = MOUNTS.observe(&json!({"/data": {}, "/cache": {}}));
    let wanted = MOUNTS.over(&image, &plain(&MOUNTS, "['db:/data']"));
    assert_eq!(wanted, json!({"/cache": {"type": "anonymous"}, "/data": {"type": "volume", "source": "db"}}));
}

#[test]
fn what_is_sent_says_all_of_it() {
    let normal = plain(
        &MOUNTS,
        "['/a:/m:ro,rslave,z', 'data:/d:nocopy', /cache, {type: bind, source: /b, target: /n, bind: {create_host_path: false}}]",
    );
    let sent = send_mounts(&normal);
    assert_eq!(sent.binds, json!(["data:/d:nocopy", "/a:/m:ro,rslave,z"]));
    assert_eq!(
        sent.mounts,
        json!([{"Type": "volume", "Target": "/cache"}, {"Type": "bind", "Source": "/b", "Target": "/n"}])
    );
    let tmpfs = plain(&TMPFS, "['/run:size=64m,mode=1777,exec']");
    assert_eq!(TMPFS.send(&tmpfs), json!({"/run": "size=67108864,mode=1777,exec"}));
}

#[test]
fn differences_are_told_by_target() {
    let (from, to) = (plain(&MOUNTS, "['/a:/m', 'x1:/x']"), plain(&MOUNTS, "['/a:/m:ro', /n]"));
    assert_eq!(
        MOUNTS.differences(&from, &to),
        [
            ("/m".to_owned(), json!("/a"), json!("/a (ro)")),
            ("/n".to_owned(), Value::Null, json!("anonymous volume")),
            ("/x".to_owned(), json!("x1"), Value::Null),
        ]
    );
}

#[test]
fn wrong_mounts_are_refused_with_the_remedy() {
    for (text, told) in [
        ("['~/x:/x']", "write the home folder out"),
        ("['conf/x:/x']", "write `./conf/x`"),
        ("['/a:/m', '/b:/m/']", "`/m` is mounted twice"),
        ("['/a:m']", "begin it with `/`"),
        ("['/a:/']", "nothing can be mounted on `/`"),
        ("['/a:/m:or']", "did you mean `ro`?"),
        ("[data]", "write `data:/path/in/the/container`"),
        ("['d:/m']", "not the name of a volume"),
        ("{data: /m}", "write a list"),
        ("[{type: bind, target: /m}]", "`source` is missing"),
        ("[{type: bind, source: data, target: /m}]", "write `./data`, or `type: volume`"),
        ("[{source: /a, target: /m}]", "`type` is missing"),
        ("[{type: bind, source: /a}]", "`target` is missing"),
        ("[{type: bind, source: /a, traget: /m}]", "did you mean `target`?"),
        ("[{type: bind, source: /a, target: /m, volume: {nocopy: true}}]", "a bind does not take"),
        ("[{type: tmpfs, source: x, target: /m}]", "a tmpfs has no source"),
    ] {
        let refusal = refused(&MOUNTS, text);
        assert!(refusal.contains(told), "{text}: {refusal}");
    }
    assert!(refused(&TMPFS, "['/run:size=lots']").contains("`size=lots` is not an option"));
    assert!(refused(&TMPFS, "[run]").contains("begin it with `/`"));
}
