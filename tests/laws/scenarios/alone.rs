//! One container, one network, one volume, one image: made, broken by hand, changed, removed.

use super::super::lab::Wish;
use super::scenarios;

const WEB: &str = "web:\n  container.running:\n    image: app:1\n";
const WEB_ENV: &str = "web:\n  container.running:\n    image: app:1\n    env: {A: '1'}\n";
const WEB_ALWAYS: &str = "web:\n  container.running:\n    image: app:1\n    restart: always\n";
const FRONT: &str = "
front:
  network.present:
    subnet: 10.1.0.0/24
web:
  container.running:
    image: app:1
    networks: {front: {aliases: [www], ipv4_address: 10.1.0.7}}
";
const STORE: &str = "store:\n  container.running:\n    image: store:1\n    restart: unless-stopped\n";

fn adopting() -> Wish {
    Wish { adopt: true, ..Wish::default() }
}

scenarios! { holds:
    a_new_image_that_is_checked => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {restart: always}]}")
        .after("web: {container.running: [{image: 'app:2'}, {restart: always}, {check_cmd: 'true'}]}");
    a_container_is_made => |c| c.after(WEB);
    a_file_is_another => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: one, /etc/b: one}}]}")
        .after("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: two, /etc/b: {content: one, mode: 600}}}]}");
    a_file_is_another_and_a_signal_tells => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: one}}, {on_change: {signal: HUP}}]}")
        .after("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: two}}, {on_change: {signal: HUP}}]}");
    a_file_is_another_in_a_new_container => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: one}}]}")
        .after("web: {container.running: [{image: 'app:2'}, {files: {/etc/a: two, /etc/b: two}}]}");
    a_file_is_taken_away => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {files: {/etc/a: one}}]}")
        .after(WEB);
    a_job_is_run => |c| c.after("web: {job.ran: [{image: 'app:1'}]}");
    a_job_is_run_again => |c| c
        .before("web: {job.ran: [{image: 'app:1'}]}")
        .after("web: {job.ran: [{image: 'app:2'}]}\nlate: {container.running: [{image: 'app:1'}, {require: [job: web]}]}");
    a_job_becomes_a_container_that_serves => |c| c.before("web: {job.ran: [{image: 'app:1'}]}").after(WEB);
    a_container_that_serves_becomes_a_job => |c| c.before(WEB).after("web: {job.ran: [{image: 'app:1'}]}");
    everything_is_made => |c| c.after("
front: {network.present: [{subnet: 10.1.0.0/24}]}
data: volume.present
web:
  container.running:
    image: app:1
    command: serve well
    env: {B: '2', A: '1'}
    labels: {x: y}
    user: nobody
    working_dir: /srv
    hostname: box
    ports: ['8080:80', '127.0.0.1:53:53/udp', '90']
    volumes: ['data:/var/data', '/etc:/host:ro', /cache]
    networks: {front: {aliases: [www]}}
    restart: on-failure:3
    healthcheck: {test: [CMD, check], interval: 5s}
    memory: 64m
    cpus: 0.5
    pids_limit: 50
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    read_only: true
    init: true
    stop_signal: SIGINT
    stop_timeout: 5s
    extra_hosts: ['db:10.0.0.1']
    dns: [10.0.0.53]
    ulimits: {nofile: 1024}
    log_driver: json-file
    log_opt: {max-size: 1m}
    tmpfs: [/run]
");
    stopped_by_hand => |c| c.before(WEB).drift(&["stop web"]).again();
    killed_by_hand => |c| c.before(WEB_ALWAYS).drift(&["kill web"]).again();
    paused_by_hand => |c| c.before(WEB).drift(&["pause web"]).again();
    renamed_by_hand => |c| c.before(WEB).drift(&["rename web other"]).again();
    renamed_and_stopped_by_hand => |c| c.before(WEB).drift(&["rename web other", "stop other"]).again();
    removed_by_hand => |c| c.before(WEB).drift(&["rm web"]).again();
    updated_by_hand => |c| c.before(WEB_ALWAYS).drift(&["restart-policy web no"]).again();
    limited_by_hand => |c| c.before(WEB).drift(&["memory web 1000000"]).again();
    disconnected_by_hand => |c| c.before(FRONT).drift(&["disconnect front web"]).again();
    connected_by_hand => |c| c.before(FRONT).drift(&["connect strangers web"]).again();
    changed => |c| c.before(WEB).after(WEB_ENV);
    changed_with_a_restart_policy => |c| c.before(WEB_ALWAYS).after("web: {container.running: [{image: 'app:2'}, {restart: always}]}");
    changed_while_stopped => |c| c.before(WEB).drift(&["stop web"]).after(WEB_ENV);
    changed_while_paused => |c| c.before(WEB).drift(&["pause web"]).after(WEB_ENV);
    changed_and_renamed_by_hand => |c| c.before(WEB).drift(&["rename web other"]).after(WEB_ENV);
    changed_while_removed => |c| c.before(WEB).drift(&["rm web"]).after(WEB_ENV);
    updated_in_place => |c| c.before(WEB).after("web: {container.running: [{image: 'app:1'}, {memory: 64m}, {restart: always}]}");
    no_longer_limited => |c| c.before("web: {container.running: [{image: 'app:1'}, {memory: 64m}, {pids_limit: 9}]}").after(WEB);
    changed_with_a_network => |c| c.before(FRONT).after(&FRONT.replace("image: app:1", "image: app:2"));
    with_another_alias => |c| c.before(FRONT).after(&FRONT.replace("www", "site"));
    with_another_address => |c| c.before(FRONT).after(&FRONT.replace("0.7", "0.9"));
    a_tag_moves => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {pull: always}]}")
        .drift(&["release app:1"])
        .again();
    a_tag_moves_by_hand => |c| c.before(WEB).drift(&["release app:1", "pull app:1"]).again();
    stopped_on_demand => |c| c.before(WEB).after("web: {container.stopped: [{image: 'app:1'}]}");
    stopped_and_changed => |c| c.before(WEB).after("web: {container.stopped: [{image: 'app:1'}, {env: {A: '1'}}]}");
    started_and_changed => |c| c.before("web: {container.stopped: [{image: 'app:1'}]}").after(WEB_ENV);
    created_only => |c| c.after("web: {container.created: [{image: 'app:1'}]}");
    created_and_changed => |c| c.before("web: {container.created: [{image: 'app:1'}]}").after("web: {container.created: [{image: 'app:2'}]}");
    removed => |c| c.before(WEB).after("web: container.absent");
    removed_while_paused => |c| c.before(WEB).drift(&["pause web"]).after("web: container.absent");
    given_a_new_name => |c| c.before(WEB).after("site: {container.running: [{image: 'app:1'}, {was: web}]}");
    given_a_new_name_and_changed => |c| c.before(WEB).after("site: {container.running: [{image: 'app:2'}, {was: web}]}");
    adopted => |c| c.drift(&["stranger web {\"Image\": \"app:1\"}"]).after(WEB_ENV).wish(adopting());
    adopted_with_a_policy => |c| c
        .drift(&["stranger web {\"Image\": \"app:1\", \"HostConfig\": {\"RestartPolicy\": {\"Name\": \"always\"}}}"])
        .after(WEB_ENV)
        .wish(adopting());
    a_matching_stranger_is_taken => |c| c.drift(&["stranger web {\"Image\": \"app:1\"}"]).after(WEB);
    anonymous_volumes_follow => |c| c.before(STORE).after(&STORE.replace("store:1", "store:2"));
    anonymous_volumes_follow_twice => |c| c
        .before(&STORE.replace("store:1", "store:2"))
        .drift(&["release store:2"])
        .after(&STORE.replace("store:1", "store:2\n    pull: always"));
    declared_anonymous_volumes_follow => |c| c
        .before("web: {container.running: [{image: 'app:1'}, {volumes: [/cache]}]}")
        .after("web: {container.running: [{image: 'app:2'}, {volumes: [/cache]}]}");
    an_anonymous_volume_becomes_a_named_one => |c| c
        .before(STORE)
        .after("data: volume.present\nstore: {container.running: [{image: 'store:1'}, {volumes: ['data:/data']}]}");
    a_network_is_made => |c| c.after("front: {network.present: [{subnet: 10.1.0.0/24}, {labels: {a: b}}, {internal: true}]}");
    a_network_is_removed => |c| c.before("front: network.present").after("front: network.absent");
    a_network_is_removed_by_hand => |c| c.before(FRONT).drift(&["stop web", "network rm front"]).again();
    a_network_is_replaced => |c| c.before(FRONT).after(&FRONT.replace("10.1.0.", "10.2.0."));
    a_network_is_replaced_in_its_range => |c| c.before(FRONT).after(&FRONT.replace("/24", "/23"));
    a_network_is_replaced_under_the_stopped => |c| c
        .before(FRONT)
        .drift(&["stop web"])
        .after(&FRONT.replace("10.1.0.", "10.2.0."));
    a_network_gets_a_new_name => |c| c
        .before("front: network.present\nweb: {container.running: [{image: 'app:1'}, {networks: [front]}]}")
        .after("face: {network.present: [{was: front}]}\nweb: {container.running: [{image: 'app:1'}, {networks: [face]}]}");
    a_volume_is_made => |c| c.after("data: {volume.present: [{labels: {a: b}}]}");
    a_volume_is_removed => |c| c
        .before("data: volume.present")
        .after("data: volume.absent")
        .wish(Wish { data_loss: true, ..Wish::default() });
    an_image_is_pulled => |c| c.after("app:2: image.present");
    an_image_is_removed => |c| c.before("app:2: image.present").after("app:2: image.absent");
    an_image_is_tagged => |c| c.after("app:dev: {image.tagged: [{source: 'app:1'}]}");
    a_tag_is_moved => |c| c
        .before("app:1: image.present\napp:2: image.present\napp:dev: {image.tagged: [{source: 'app:1'}]}\nweb: {container.running: [{image: 'app:dev'}]}")
        .after("app:1: image.present\napp:2: image.present\napp:dev: {image.tagged: [{source: 'app:2'}]}\nweb: {container.running: [{image: 'app:dev'}]}");
    a_tag_was_moved_by_hand => |c| c
        .before("app:dev: {image.tagged: [{source: 'app:1'}]}")
        .drift(&["pull app:2", "tag app:2 app:dev"])
        .again();
    an_image_is_pushed => |c| c.after("app:1: image.present\nout: {image.pushed: [{name: 'me/web:1'}, {source: 'app:1'}]}");
    an_image_is_pushed_again => |c| c
        .before("app:1: image.present\nout: {image.pushed: [{name: 'me/web:1'}, {source: 'app:1'}]}")
        .after("app:2: image.present\nout: {image.pushed: [{name: 'me/web:1'}, {source: 'app:2'}]}");
    a_pushed_tag_was_moved_in_the_registry => |c| c
        .before("app:1: image.present\nout: {image.pushed: [{name: 'me/web:1'}, {source: 'app:1'}]}")
        .drift(&["pull app:2", "push app:2 me/web:1"])
        .again();
    an_image_is_built_and_pushed => |c| c
        .file("states/img/Dockerfile", "FROM scratch\nCMD serve\n")
        .after("me/tool:1: {image.built: [{context: ./img}]}\nout: {image.pushed: [{name: 'me/tool:1'}]}");
    an_image_is_saved => |c| c.after("app:1: image.present\nkept: {image.saved: [{name: 'app:1'}, {path: app.tar}]}");
    another_image_is_saved => |c| c
        .before("app:dev: {image.tagged: [{source: 'app:1'}]}\nkept: {image.saved: [{name: 'app:dev'}, {path: app.tar}]}")
        .after("app:dev: {image.tagged: [{source: 'app:2'}]}\nkept: {image.saved: [{name: 'app:dev'}, {path: app.tar}]}");
    an_image_gets_several_names => |c| c
        .file("states/img/Dockerfile", "FROM scratch\nCMD serve\n")
        .before("me/tool:1: {image.built: [{context: ./img}, {tags: ['me/tool:dev']}]}\nweb: {container.running: [{image: 'me/tool:dev'}]}")
        .drift(&["tag app:1 me/tool:dev"])
        .after("me/tool:1: {image.built: [{context: ./img}, {tags: ['me/tool:dev', 'me/tool:qa']}]}\nweb: {container.running: [{image: 'me/tool:dev'}]}");
    an_image_is_tried_before_it_is_named => |c| c
        .file("states/img/Dockerfile", "FROM scratch\nCMD serve\n")
        .after("me/tool:1: {image.built: [{context: ./img}, {validate: test -x /app}, {tags: ['me/tool:dev']}]}");
    an_image_follows_its_base => |c| c
        .file("states/img/Dockerfile", "FROM app:2\nCMD serve\n")
        .before("x: {image.present: [{name: 'app:2'}]}")
        .drift(&["release app:2"])
        .after("me/tool:1: {image.built: [{context: ./img}, {rebuild: {base_changed: true}}]}");
    a_superseded_image_goes => |c| c
        .before("app:2: {image.present: [{pull: always}, {keep: 0}]}\nweb: {container.running: [{image: 'app:2'}]}")
        .drift(&["release app:2"])
        .again();
    an_image_goes_with_its_revisions => |c| c
        .before("app:2: {image.present: [{keep: 3}]}")
        .drift(&["release app:2", "pull app:2"])
        .after("app:2: image.absent");
    a_superseded_build_goes => |c| c
        .file("states/img/Dockerfile", "FROM scratch\nCMD serve\n")
        .before("me/tool:1: {image.built: [{context: ./img}, {keep: 0}]}\nweb: {container.running: [{image: 'me/tool:1'}]}")
        .after("me/tool:1: {image.built: [{context: ./img}, {keep: 0}, {args: {A: '1'}}]}\nweb: {container.running: [{image: 'me/tool:1'}]}");
    an_image_is_built => |c| c.file("states/img/Dockerfile", "FROM scratch\nCMD serve\n").after("me/tool: {image.built: [{context: ./img}]}");
    a_daemon_restarts => |c| c
        .before(WEB_ALWAYS)
        .drift(&["stop stranger", "reboot"])
        .after("web: {container.running: [{image: 'app:2'}, {restart: always}]}");
}
