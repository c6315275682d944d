//! The options of a container, one row each.

use super::super::field::{At, Field, Impact, Unset, plain, salt};
use super::super::form;

/// The first API version that evenkeel speaks; fields that it has need no later one.
const BASE: (u32, u32) = (1, 41);

/// A field that only a new container can take.
macro_rules! replaced {
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:expr, $form:expr, $unset:expr, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: $at,
            form: &$form,
            unset: $unset,
            impact: Impact::Replace,
            removal: Impact::Replace,
            since: BASE,
            doc: $doc,
        }
    };
}

/// A field that the engine changes in place; the last impact is that of going back to the default.
macro_rules! updated {
    ($name:literal, [$($spelling:expr),+ $(,)?], $at:literal, $form:expr, $unset:expr, $removal:expr, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: At::Path($at),
            form: &$form,
            unset: $unset,
            impact: Impact::Update,
            removal: $removal,
            since: BASE,
            doc: $doc,
        }
    };
}

/// A field that says how evenkeel goes about it; a change of it alone changes no container.
macro_rules! policy {
    ($name:literal, [$($spelling:expr),+ $(,)?], $form:expr, $doc:literal) => {
        Field {
            name: $name,
            spellings: &[$($spelling),+],
            at: At::Policy,
            form: &$form,
            unset: Unset::Unmanaged("it is no property of the container"),
            impact: Impact::Note,
            removal: Impact::Note,
            since: BASE,
            doc: $doc,
        }
    };
}

/// What `container.running`, `stopped` and `created` take.
pub static FIELDS: &[Field] = &[
    replaced!(
        "image",
        [plain("image"), salt("image")],
        At::Structure,
        form::TEXT,
        Unset::Unmanaged("every container has one"),
        "The image to run: `name[:tag][@digest]` or an id. Compared by what the tag points to, so a moved tag is a difference. Where the tag stands, a range of versions may stand: `web:~1.4` is the newest `1.4.x` (also `^1`, `>=1.4 <2`, `1.*`, `~1.4-alpine`); with `pull: missing` the newest that the engine has, if it has one, else the newest that the registry has."
    ),
    policy!(
        "pull",
        [plain("pull"), plain("pull_policy")],
        form::PULL,
        "When the image is asked for: `missing` (default: only if the engine does not have it), `always` (the registry is asked for a newer one behind the tag), `never`, or a time such as `12h` (asked again when the image is older than that)."
    ),
    replaced!(
        "command",
        [plain("command"), salt("command"), salt("cmd")],
        At::Path("Config.Cmd"),
        form::COMMAND,
        Unset::Image("Config.Cmd"),
        "What to run, in place of the image's command. A text is split as a shell would, without running one; a list is taken as it is."
    ),
    replaced!(
        "entrypoint",
        [plain("entrypoint"), salt("entrypoint")],
        At::Path("Config.Entrypoint"),
        form::ENTRYPOINT,
        Unset::Image("Config.Entrypoint"),
        "What the command is handed to, in place of the image's entrypoint. With an entrypoint of your own the image's command no longer applies."
    ),
    replaced!(
        "env",
        [plain("env"), plain("environment"), salt("environment"), salt("env")],
        At::Path("Config.Env"),
        form::ENV,
        Unset::Image("Config.Env"),
        "Environment variables, as a mapping or a list of `KEY=value`, on top of those of the image. Values reach the container exactly as they are written."
    ),
    replaced!(
        "labels",
        [plain("labels"), salt("labels"), salt("label")],
        At::Path("Config.Labels"),
        form::LABELS,
        Unset::Image("Config.Labels"),
        "Labels, as a mapping or a list of `key=value`, on top of those of the image."
    ),
    replaced!(
        "lifecycle",
        [plain("lifecycle")],
        At::Path("Config.Labels"),
        form::LIFECYCLE,
        Unset::Image("Config.Labels"),
        "The commands by which the container is started, updated and validated, as labels `io.evenkeel.lifecycle.*`: `{start, update, validate}`. What is not said here is as in the image."
    ),
    replaced!(
        "user",
        [plain("user"), salt("user")],
        At::Path("Config.User"),
        form::USER,
        Unset::Image("Config.User"),
        "The user (and group) that the program runs as: `name`, `1000`, `1000:1000`."
    ),
    replaced!(
        "working_dir",
        [plain("working_dir"), plain("workdir"), salt("working_dir"), salt("workdir")],
        At::Path("Config.WorkingDir"),
        form::PATH,
        Unset::Image("Config.WorkingDir"),
        "The folder in the container that the program starts in."
    ),
    replaced!(
        "hostname",
        [plain("hostname"), salt("hostname")],
        At::Path("Config.Hostname"),
        form::HOSTNAME,
        Unset::Engine,
        "The host name inside the container; the engine's default is the short container id."
    ),
    replaced!(
        "tty",
        [plain("tty"), salt("tty")],
        At::Path("Config.Tty"),
        form::BOOL,
        Unset::Engine,
        "Give the program a terminal."
    ),
    replaced!(
        "stdin_open",
        [plain("stdin_open"), plain("interactive"), salt("interactive"), salt("stdin_open")],
        At::Path("Config.OpenStdin"),
        form::BOOL,
        Unset::Engine,
        "Keep standard input open."
    ),
    replaced!(
        "ports",
        [plain("ports"), salt("port_bindings"), salt("publish")],
        At::Path("HostConfig.PortBindings"),
        form::PORTS,
        Unset::Engine,
        "Ports to publish on the host: `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]:8080:80`, ranges `8000-8010:80-90`; `80` alone takes a port that the engine chooses. Long form: `{target, published, host_ip, protocol}`."
    ),
    replaced!(
        "expose",
        [plain("expose"), salt("ports"), salt("expose")],
        At::Path("Config.ExposedPorts"),
        form::EXPOSED_PORTS,
        Unset::Image("Config.ExposedPorts"),
        "Ports that the container declares without publishing them."
    ),
    replaced!(
        "volumes",
        [plain("volumes"), salt("binds")],
        At::Structure,
        form::MOUNTS,
        Unset::Unmanaged("volumes of the image stay"),
        "What is mounted: `volume:/path`, `/host/path:/path:ro`, `./relative:/path` (to the state file), `/path` alone for an anonymous volume, which follows the container when it is replaced. Long form: `{type, source, target, read_only}`."
    ),
    replaced!(
        "tmpfs",
        [plain("tmpfs"), salt("tmpfs")],
        At::Path("HostConfig.Tmpfs"),
        form::TMPFS,
        Unset::Engine,
        "Folders in memory: `/run` or `/run:size=64m`."
    ),
    replaced!(
        "networks",
        [plain("networks"), salt("networks")],
        At::Structure,
        form::NETWORKS,
        Unset::Unmanaged("without networks the container is on the engine's default bridge"),
        "The networks that the container is attached to, and no others: a list of names, or a mapping with `aliases`, `ipv4_address`, `ipv6_address` for each. `[]` is none."
    ),
    replaced!(
        "network_mode",
        [plain("network_mode"), plain("net"), salt("network_mode")],
        At::Structure,
        form::NETWORK_MODE,
        Unset::Engine,
        "`bridge`, `host`, `none`, or `container:NAME` to share another container's network; use `networks` for networks by name."
    ),
    replaced!(
        "volumes_from",
        [plain("volumes_from"), salt("volumes_from")],
        At::Structure,
        form::VOLUMES_FROM,
        Unset::Engine,
        "Containers whose mounts this one has too, all of them, at the same paths: `other`, `other:ro`, also `container:other:ro`. What is mounted at the same path by `volumes` wins, then the last of the list. The engine copies the mounts when it makes the container, so whoever has those of a container that is replaced is replaced as well, after it."
    ),
    replaced!(
        "pid",
        [plain("pid"), plain("pid_mode"), salt("pid_mode")],
        At::Structure,
        form::PID,
        Unset::Engine,
        "Whose processes the container sees: `container:NAME`, or `host`; without it, only its own. It ends with the other container, without being asked to stop, and is replaced or started again after that one."
    ),
    replaced!(
        "ipc",
        [plain("ipc"), plain("ipc_mode"), salt("ipc_mode")],
        At::Structure,
        form::IPC,
        Unset::Engine,
        "Whose shared memory the container has: `private`, `shareable` (its own, and others may have it too), `container:NAME` (that of another one, which is `shareable`), `host`, or `none`. Without it the engine's default, which is `private` unless its configuration says `shareable`. Whoever has that of a container which is replaced or restarted is so too, after it."
    ),
    updated!(
        "restart",
        [plain("restart"), plain("restart_policy"), salt("restart_policy"), salt("restart")],
        "HostConfig.RestartPolicy",
        form::RESTART,
        Unset::Engine,
        Impact::Update,
        "What the engine does when the program ends: `no` (default), `always`, `unless-stopped`, `on-failure[:times]`."
    ),
    replaced!(
        "healthcheck",
        [plain("healthcheck"), salt("healthcheck")],
        At::Path("Config.Healthcheck"),
        form::HEALTHCHECK,
        Unset::Image("Config.Healthcheck"),
        "How the engine finds out whether the program is well: `{test, interval, timeout, retries, start_period}`; `{disable: true}` switches the image's check off."
    ),
    updated!(
        "memory",
        [plain("memory"), plain("mem_limit"), salt("mem_limit"), salt("memory")],
        "HostConfig.Memory",
        form::SIZE,
        Unset::Engine,
        Impact::Replace,
        "The most memory that the container gets, such as `256m`; units are powers of 1024. `0` is no limit."
    ),
    updated!(
        "memory_swap",
        [plain("memory_swap"), plain("memswap_limit"), salt("memswap_limit"), salt("memory_swap")],
        "HostConfig.MemorySwap",
        form::MEMORY_SWAP,
        Unset::Unmanaged("the engine derives it from memory"),
        Impact::Replace,
        "Memory and swap together; `-1` is no limit of swap. The engine's default is twice the memory."
    ),
    updated!(
        "cpus",
        [plain("cpus"), salt("cpus")],
        "HostConfig.NanoCpus",
        form::CPUS,
        Unset::Engine,
        Impact::Replace,
        "How many processors the container may use, such as `0.5`."
    ),
    updated!(
        "cpu_shares",
        [plain("cpu_shares"), salt("cpu_shares")],
        "HostConfig.CpuShares",
        form::COUNT,
        Unset::Engine,
        Impact::Replace,
        "The container's weight when processors are scarce; the engine's default is 1024."
    ),
    updated!(
        "pids_limit",
        [plain("pids_limit"), salt("pids_limit")],
        "HostConfig.PidsLimit",
        form::PIDS_LIMIT,
        Unset::Engine,
        Impact::Update,
        "How many processes the container may have; `-1` or `0` is no limit."
    ),
    replaced!(
        "cap_add",
        [plain("cap_add"), salt("cap_add")],
        At::Path("HostConfig.CapAdd"),
        form::CAPABILITIES,
        Unset::Engine,
        "Capabilities on top of the engine's default, such as `NET_ADMIN`."
    ),
    replaced!(
        "cap_drop",
        [plain("cap_drop"), salt("cap_drop")],
        At::Path("HostConfig.CapDrop"),
        form::CAPABILITIES,
        Unset::Engine,
        "Capabilities to take away; `ALL` takes all of them."
    ),
    replaced!(
        "privileged",
        [plain("privileged"), salt("privileged")],
        At::Path("HostConfig.Privileged"),
        form::BOOL,
        Unset::Engine,
        "Give the container nearly all rights of the host."
    ),
    replaced!(
        "read_only",
        [plain("read_only"), salt("read_only")],
        At::Path("HostConfig.ReadonlyRootfs"),
        form::BOOL,
        Unset::Engine,
        "Mount the container's own file system read-only."
    ),
    replaced!(
        "init",
        [plain("init"), salt("init")],
        At::Path("HostConfig.Init"),
        form::BOOL,
        Unset::Engine,
        "Run a small init as process 1, which forwards signals and reaps children."
    ),
    replaced!(
        "stop_signal",
        [plain("stop_signal"), salt("stop_signal")],
        At::Path("Config.StopSignal"),
        form::SIGNAL,
        Unset::Image("Config.StopSignal"),
        "The signal that asks the program to stop."
    ),
    replaced!(
        "stop_timeout",
        [plain("stop_timeout"), plain("stop_grace_period"), salt("stop_timeout")],
        At::Path("Config.StopTimeout"),
        form::STOP_TIMEOUT,
        Unset::Engine,
        "How long the program has to stop before it is killed, such as `30s`; the engine's default is 10 seconds."
    ),
    replaced!(
        "extra_hosts",
        [plain("extra_hosts"), salt("extra_hosts")],
        At::Path("HostConfig.ExtraHosts"),
        form::EXTRA_HOSTS,
        Unset::Engine,
        "Further lines for `/etc/hosts`: `name:address`."
    ),
    replaced!(
        "dns",
        [plain("dns"), salt("dns")],
        At::Path("HostConfig.Dns"),
        form::DNS_SERVERS,
        Unset::Engine,
        "Name servers, in the order in which they are asked."
    ),
    replaced!(
        "dns_search",
        [plain("dns_search"), salt("dns_search")],
        At::Path("HostConfig.DnsSearch"),
        form::STRING_LIST,
        Unset::Engine,
        "Domains to search for short names."
    ),
    replaced!(
        "dns_opt",
        [plain("dns_opt"), salt("dns_opt"), salt("dns_option")],
        At::Path("HostConfig.DnsOptions"),
        form::STRING_SET,
        Unset::Engine,
        "Options for the resolver, such as `ndots:2`."
    ),
    replaced!(
        "group_add",
        [plain("group_add"), salt("group_add")],
        At::Path("HostConfig.GroupAdd"),
        form::STRING_SET,
        Unset::Engine,
        "Further groups that the program belongs to."
    ),
    replaced!(
        "sysctls",
        [plain("sysctls"), salt("sysctls"), salt("sysctl")],
        At::Path("HostConfig.Sysctls"),
        form::SYSCTLS,
        Unset::Engine,
        "Kernel parameters of the container's namespaces, such as `net.core.somaxconn: 1024`."
    ),
    replaced!(
        "ulimits",
        [plain("ulimits"), salt("ulimits"), salt("ulimit")],
        At::Path("HostConfig.Ulimits"),
        form::ULIMITS,
        Unset::Engine,
        "Limits of processes: `{nofile: 1024}` or `{nofile: {soft: 1024, hard: 2048}}`."
    ),
    replaced!(
        "links",
        [plain("links"), salt("links")],
        At::Structure,
        form::STRING_SET,
        Unset::Engine,
        "Names under which other containers are reached: `container[:alias]`. On the default bridge a link holds on to the very container that it was made with, so whoever links to a replaced container is replaced as well; in other networks it is one more name."
    ),
    replaced!(
        "log_driver",
        [plain("log_driver"), salt("log_driver")],
        At::Path("HostConfig.LogConfig.Type"),
        form::LOG_DRIVER,
        Unset::Unmanaged("the engine's configuration decides"),
        "Where the engine keeps the output, such as `json-file`."
    ),
    replaced!(
        "log_opt",
        [plain("log_opt"), salt("log_opt")],
        At::Path("HostConfig.LogConfig.Config"),
        form::LOG_OPTIONS,
        Unset::Unmanaged("the engine's configuration decides"),
        "Options of the log driver, such as `max-size: 10m`."
    ),
    replaced!(
        "raw",
        [plain("raw")],
        At::Structure,
        form::RAW,
        Unset::Unmanaged("only what is declared is compared"),
        "Anything else that the engine's API takes to create a container, in the API's own words, such as `HostConfig: {CgroupParent: /x}`. Compared as it is written."
    ),
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
    Field {
        name: "files",
        spellings: &[plain("files")],
        at: At::Structure,
        form: &form::FILES,
        unset: Unset::Engine,
        impact: Impact::Restart,
        removal: Impact::Replace,
        since: BASE,
        doc: "Files that evenkeel puts into the container, by their path in it, before it starts: `{/etc/app.conf: {source: app.conf}}` (a file of this machine, relative to the state file), `{template: app.conf.j2}` (rendered with the data that the state file has, and `vars: {…}` beside it), `{content: TEXT}`, or just the text; with `mode` (octal, default `'0644'`, with a secret in it `'0400'`) and `owner` (numbers, `1000:1000`; default `0:0`). What is in the container is compared, so a file that was changed by hand is a difference; what is done about it says `on_change`. The time of such a file says what it is, and lies between 1985 and 2002. A file that is added to a container or taken away from it makes a new one.",
    },
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
