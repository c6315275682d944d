//! What a container is called, where it is reached, and whom it finds.

use super::{At, Field, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
    replaced!(
        "hostname",
        [plain("hostname"), salt("hostname")],
        At::Path("Config.Hostname"),
        form::HOSTNAME,
        Unset::Engine,
        "The host name inside the container; the engine's default is the short container id."
    ),
    replaced!(
        "domainname",
        [plain("domainname"), salt("domainname")],
        At::Path("Config.Domainname"),
        form::DOMAIN,
        Unset::Engine,
        "The domain behind the host name inside the container."
    ),
    replaced!(
        "mac_address",
        [plain("mac_address"), salt("mac_address")],
        At::Structure,
        form::MAC,
        Unset::Engine,
        "The MAC address of the container in the network that it is made with. In another network: `networks: {name: {mac_address: …}}`, from API 1.44 on."
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
        "publish_all",
        [plain("publish_all"), plain("publish_all_ports"), salt("publish_all_ports"), salt("publish_all")],
        At::Path("HostConfig.PublishAllPorts"),
        form::BOOL,
        Unset::Engine,
        "Publish every exposed port on a port of the host that the engine chooses, which may be another one after each start."
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
        "network_disabled",
        [plain("network_disabled"), salt("network_disabled")],
        At::Path("Config.NetworkDisabled"),
        form::BOOL,
        Unset::Engine,
        "No network at all, not even of its own; `network_mode: none` does nearly the same and can be seen."
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
];
