//! The options that generated containers are made of, with values that go together.

/// A field and its values, as YAML.
pub type Options = &'static [(&'static str, &'static [&'static str])];

/// What any container may have.
pub const ANY: Options = &[
    ("command", &["[sleep, '9999']", "sleep 8888", "[sh, -c, 'sleep 7777']"]),
    (
        "env",
        &[
            "{A: '1', B: two words}",
            "[A=2]",
            "{EMPTY: '', A: '1', DB_PASSWORD: hidden}",
            "{DB_PASSWORD: other}",
        ],
    ),
    ("labels", &["{x: '1'}", "[x=2, y=3]"]),
    ("lifecycle", &["{validate: 'true', update: date}", "{validate: 'false'}"]),
    ("user", &["app", "'1000:1000'", "root"]),
    ("working_dir", &["/tmp", "/"]),
    ("tty", &["true", "false"]),
    ("stdin_open", &["true"]),
    ("tmpfs", &["[/run]", "['/run:size=1m', /cache]"]),
    ("restart", &["always", "unless-stopped", "'on-failure:3'", "'no'"]),
    (
        "healthcheck",
        &["{test: 'true', interval: 200ms}", "{disable: true}", "{test: [CMD, 'true'], interval: 300ms}"],
    ),
    ("memory", &["64m", "96m", "128m", "1g"]),
    ("cpus", &["0.5", "1", "0.25"]),
    ("cpu_shares", &["512", "2048"]),
    ("pids_limit", &["50", "100", "-1"]),
    ("cap_add", &["[NET_ADMIN]", "[sys_time, CAP_NET_RAW]"]),
    ("cap_drop", &["[MKNOD]", "[ALL]"]),
    ("read_only", &["true", "false"]),
    ("init", &["true", "false"]),
    ("stop_timeout", &["1s", "2"]),
    ("group_add", &["['1000']"]),
    ("ulimits", &["{nofile: 1024}", "{nofile: {soft: 512, hard: 1024}, core: 0}"]),
    ("log_opt", &["{max-size: 5m}", "{max-size: 5m, max-file: '2'}"]),
    ("raw", &["{HostConfig: {ShmSize: 33554432}}", "{HostConfig: {OomScoreAdj: 100}}"]),
];

/// What only a container with a network of its own may have.
pub const OWN_NETWORK: Options = &[
    ("expose", &["[9000]", "['9000-9001/tcp', 9002/udp]"]),
    ("hostname", &["one", "two"]),
    ("extra_hosts", &["['db:10.0.0.1']", "{db: 10.0.0.2, more: 10.0.0.3}"]),
    ("dns", &["[10.0.0.2]", "[10.0.0.3, 10.0.0.2]"]),
    ("dns_search", &["[example.com]"]),
    ("dns_opt", &["['ndots:2']"]),
    ("sysctls", &["{net.ipv4.ip_unprivileged_port_start: '0'}", "{net.core.somaxconn: 256}"]),
];

/// What a network may have besides its subnet.
pub const NETWORK: Options = &[
    ("internal", &["true", "false"]),
    ("attachable", &["true"]),
    ("labels", &["{a: b}", "{a: c, d: e}"]),
    ("driver_opts", &["{com.docker.network.bridge.enable_icc: 'false'}"]),
];
