//! How evenkeel goes about a container; a change of these alone changes no container.

use super::{Field, form, plain, salt};

pub const FIELDS: &[Field] = &[
    policy!(
        "stable_for",
        [plain("stable_for")],
        form::DURATION_SECONDS,
        "How long the successor of a replaced container has to run without a restart before it counts as good, if it has no healthcheck (default 2s; 0s with `wait`)."
    ),
    policy!(
        "timeout",
        [plain("timeout")],
        form::DURATION_SECONDS,
        "How long the successor of a replaced container has to become good altogether (default 60s)."
    ),
    policy!(
        "wait",
        [plain("wait")],
        form::WAIT,
        "What else a new container has to show before it counts as good: one of these, or a list, all of which have to come true within `timeout`. `{http: 8080/health}`: a GET is answered with a status from 200 to 399 (`status: 204`, `status: 200-299`). `{tcp: 5432}`: somebody listens. Both ask the container's port from a small container of evenkeel's own that shares its network (`from: helper`, the default), from this machine at the port that it is published to (`from: published`), or with what the image has (`from: inside`: `wget` or `curl`; for `tcp` a shell and `grep`). `{exec: pg_isready}`: a command in the container ends with 0. `{log: ready}`: the container has written this text. `validate`: what its label `io.evenkeel.lifecycle.validate` says ends with 0. `healthy`: it has a healthcheck; that it is healthy is waited for in any case. A successor that does not come to that is taken back, and the old one serves on; a first container is stopped and kept as `web.r1.failed`."
    ),
    policy!(
        "strategy",
        [plain("strategy")],
        form::STRATEGY,
        "How a container is replaced. `overlap`: the new one is started and proven beside the old one, takes its name by two renames, and then the old one stops; nobody who finds it by name within a network has to wait. `replace`: the old one stops first; if the new one does not work out, the old one serves again. `auto` (default): `replace` if both would have the same host port, fixed address or MAC address, the host's network, the network or the memory of a third one, or would write to the same volume or use a device, else `overlap`. The plan names the choice and the reason."
    ),
    policy!(
        "rehearse",
        [plain("rehearse")],
        form::BOOL,
        "`true`: before a container is replaced, a copy of the new one without ports, aliases and volumes that it would write to is started, has to pass the same gate, and is removed. An image that does not even start costs no interruption then (default false)."
    ),
    policy!(
        "pre_replace",
        [plain("pre_replace")],
        form::PRE_REPLACE,
        "Commands before a container is replaced, one or a list: `{here: ./backup.sh}` on this machine (with `EVENKEEL_NAME`, `EVENKEEL_OLD`, `EVENKEEL_NEW` and `EVENKEEL_HOOK` in its environment), `{old: CMD}` in the container that is there, `{once: CMD}` in a container of its own, made of the new image with the new one's environment, networks and volumes. If one fails, nothing is replaced. A hook may take ten minutes, and is run again if a run was killed: it should not mind."
    ),
    policy!(
        "post_start",
        [plain("post_start")],
        form::POST_START,
        "Commands when a container was started, before it counts as good: `{new: CMD}`, or just `CMD`, in it; `{here: CMD}`; `{once: CMD}` in a container of its own (not where one is only started again). If one fails, the new container has failed."
    ),
    policy!(
        "pre_stop",
        [plain("pre_stop")],
        form::PRE_STOP,
        "Commands before a container is stopped, restarted or removed: `{old: CMD}`, or just `CMD`, in it; `{here: CMD}`. One that fails is told, and the container is stopped all the same."
    ),
    policy!(
        "post_replace",
        [plain("post_replace")],
        form::POST_REPLACE,
        "Commands when a new container has taken over: `{here: CMD}`, `{new: CMD}`. If one fails, the run has failed, and the new container stays."
    ),
    policy!(
        "soak",
        [plain("soak")],
        form::DURATION_SECONDS,
        "How long a container that has taken over is watched (default 0s). If it ends, is restarted or becomes unhealthy in that time, the old one gets its name back."
    ),
    policy!(
        "drain",
        [plain("drain")],
        form::DURATION_SECONDS,
        "With `strategy: overlap`, how long the old one goes on after the new one has its name, for those who found it a moment before (default 1s). The new one is watched meanwhile, as with `soak`."
    ),
    policy!(
        "keep_revisions",
        [plain("keep_revisions")],
        form::INTEGER,
        "How many replaced containers are kept, stopped, as `web.r1`, `web.r2` …, to go back to (default 3). Their images stay too. A newcomer that failed is kept as `web.r3.failed` until a later one works, two of them at the most, and for a day at most."
    ),
    policy!(
        "on_change",
        [plain("on_change")],
        form::ON_CHANGE,
        "What is done when a file of `files` is another: `restart` (default) puts it into the container and restarts that, `{signal: HUP}` puts it there and sends a signal, `{exec: COMMAND}` runs a command in the container, `replace` makes a new container. A run that is cut off between the two is noticed by the next."
    ),
    policy!(
        "on_unknown",
        [plain("on_unknown")],
        form::ON_UNKNOWN,
        "For `job.ran`: what to do when it is on record that the job ran well, and its container is gone, so that nobody can say with what: `run` (default) runs it again, `skip` leaves it alone, unless one of its volumes is newer. Whatever is done, it is told."
    ),
    policy!(
        "bg",
        [salt("bg")],
        form::BOOL,
        "For `docker_container.run`: `true` does not wait for the end. How it ended is seen by the next run."
    ),
    policy!(
        "replace",
        [salt("replace")],
        form::BOOL,
        "Accepted for Salt's sake; a difference is always mended."
    ),
    policy!(
        "shutdown_timeout",
        [salt("shutdown_timeout")],
        form::DURATION_SECONDS,
        "Seconds that the old container has to stop when it is replaced or removed."
    ),
    policy!(
        "kernel_memory",
        [plain("kernel_memory"), salt("kernel_memory")],
        form::SIZE,
        "Accepted for old files, and not sent: kernels have no such limit any more, and engines ignore it."
    ),
    policy!(
        "detach",
        [salt("detach")],
        form::BOOL,
        "Accepted for Salt's sake; evenkeel never attaches to a container that it starts."
    ),
    policy!(
        "skip_translate",
        [salt("skip_translate")],
        form::RAW,
        "Accepted for Salt's sake; options in the words of the API are understood as they are."
    ),
    policy!(
        "ignore_collisions",
        [salt("ignore_collisions")],
        form::BOOL,
        "Accepted for Salt's sake; two words for one option are an error."
    ),
    policy!(
        "validate_ip_addrs",
        [salt("validate_ip_addrs")],
        form::BOOL,
        "Accepted for Salt's sake; addresses are always looked at, and `host-gateway` is one."
    ),
    policy!(
        "use_config_proxy",
        [salt("use_config_proxy")],
        form::BOOL,
        "Accepted for Salt's sake; evenkeel takes no settings of a proxy from a client's configuration."
    ),
    policy!(
        "client_timeout",
        [salt("client_timeout")],
        form::DURATION_SECONDS,
        "Accepted for Salt's sake; evenkeel has bounds of its own."
    ),
    policy!("force", [salt("force")], form::BOOL, "Accepted for Salt's sake; a difference is always mended."),
];

/// What `container.absent` takes.
pub static ABSENT_FIELDS: &[Field] = &[
    policy!(
        "stop_timeout",
        [plain("stop_timeout"), plain("stop_grace_period"), salt("shutdown_timeout")],
        form::STOP_TIMEOUT,
        "How long the program has to stop before it is killed."
    ),
    policy!(
        "force",
        [plain("force"), salt("force")],
        form::BOOL,
        "Accepted for Salt's sake; a running container is stopped first in any case."
    ),
];
