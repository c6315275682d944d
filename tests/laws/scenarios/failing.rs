//! What cannot be done whatever is tried: what served before serves.

use super::scenarios;

const WEB: &str = "web:\n  container.running:\n    image: app:1\n    restart: always\n";

fn pair(a: &str, a_port: u32, b: &str, b_port: u32) -> String {
    format!(
        "aa: {{container.running: [{{image: '{a}'}}, {{ports: ['{a_port}:80']}}]}}\n\
         bb: {{container.running: [{{image: '{b}'}}, {{ports: ['{b_port}:80']}}]}}\n"
    )
}

scenarios! { fails:
    the_new_image_ends_at_once => |c| c.before(WEB).after(&WEB.replace("app:1", "broken:1"));
    the_new_image_ends_without_a_policy => |c| c
        .before("web: {container.running: [{image: 'app:1'}]}")
        .after("web: {container.running: [{image: 'broken:1'}]}");
    the_new_image_cannot_start => |c| c.before(WEB).after(&WEB.replace("app:1", "missing:1"));
    the_new_image_is_never_well => |c| c.before(WEB).after(&WEB.replace("app:1", "sick:1"));
    the_new_image_does_not_exist => |c| c.before(WEB).after(&WEB.replace("app:1", "nowhere:1"));
    the_new_image_is_not_sound => |c| c
        .file("states/img/Dockerfile", "FROM scratch\nCMD serve\n")
        .before("me/tool:1: {image.built: [{context: ./img}]}\nweb: {container.running: [{image: 'me/tool:1'}]}")
        .after("me/tool:1: {image.built: [{context: ./img}, {args: {A: '1'}}, {validate: [\"false\"]}]}\nweb: {container.running: [{image: 'me/tool:1'}]}");
    the_new_store_is_broken => |c| c
        .before("store: {container.running: [{image: 'store:1'}]}")
        .after("store: {container.running: [{image: 'store:1'}, {command: exit 1}]}");
    the_giver_of_a_port_is_broken => |c| c
        .before(&pair("app:1", 80, "app:1", 81))
        .after(&pair("broken:1", 82, "app:1", 80));
    the_taker_of_a_port_is_broken => |c| c
        .before(&pair("app:1", 80, "app:1", 81))
        .after(&pair("app:1", 82, "broken:1", 80));
    a_broken_one_holds_others_back => |c| c
        .before("db: {container.running: [{image: 'app:1'}]}\nweb: {container.running: [{image: 'app:1'}, {require: [container: db]}]}")
        .after("db: {container.running: [{image: 'broken:1'}]}\nweb: {container.running: [{image: 'app:2'}, {require: [container: db]}]}");
    a_broken_owner_of_a_network => |c| c
        .before("owner: {container.running: [{image: 'app:1'}]}\njoiner: {container.running: [{image: 'app:1'}, {network_mode: 'container:owner'}]}")
        .after("owner: {container.running: [{image: 'broken:1'}]}\njoiner: {container.running: [{image: 'app:1'}, {network_mode: 'container:owner'}]}");
    a_broken_one_in_a_renamed_network => |c| c
        .before("front: network.present\nweb: {container.running: [{image: 'app:1'}, {networks: [front]}]}")
        .after("face: {network.present: [{was: front}]}\nweb: {container.running: [{image: 'broken:1'}, {networks: [face]}]}");
}

// A swap that is killed half-way and then cannot be finished either leaves one of the two without
// its port: the next run goes forward with each of them on its own.
scenarios! { fails_alone:
    the_first_of_a_swap_is_broken => |c| c
        .before(&pair("app:1", 80, "app:1", 81))
        .after(&pair("broken:1", 81, "app:1", 80));
    the_second_of_a_swap_is_broken => |c| c
        .before(&pair("app:1", 80, "app:1", 81))
        .after(&pair("app:1", 81, "broken:1", 80));
}

// Whoever was replaced comes back for those who hold on to it. If its successor stayed because
// something else went wrong, there is nobody any more to come back.
scenarios! { fails_alone:
    a_broken_joiner_of_a_replaced_network => |c| c
        .before("owner: {container.running: [{image: 'app:1'}]}\njoiner: {container.running: [{image: 'app:1'}, {network_mode: 'container:owner'}]}")
        .after("owner: {container.running: [{image: 'app:2'}]}\njoiner: {container.running: [{image: 'broken:1'}, {network_mode: 'container:owner'}]}");
    a_broken_one_with_a_link_to_the_replaced => |c| c
        .before("db: {container.running: [{image: 'app:1'}]}\nweb: {container.running: [{image: 'app:1'}, {links: [db]}]}")
        .after("db: {container.running: [{image: 'app:2'}]}\nweb: {container.running: [{image: 'broken:1'}, {links: [db]}]}");
}

// Who has not seen the check fail, because an answer was lost, takes what has settled for proven.
scenarios! { fails_alone:
    the_new_one_does_not_pass_its_check => |c| c
        .before(WEB)
        .after(&format!("{}    check_cmd: 'false'\n", WEB.replace("app:1", "app:2")));
}
