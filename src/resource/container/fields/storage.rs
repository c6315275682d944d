//! What is mounted into a container.

use super::{At, Field, Impact, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
    replaced!(
        "volumes",
        [plain("volumes"), salt("binds")],
        At::Structure,
        form::MOUNTS,
        Unset::Unmanaged("volumes of the image stay"),
        "What is mounted: `volume:/path`, `/host/path:/path:ro`, `./relative:/path` (to the state file), `/path` alone for an anonymous volume, which follows the container when it is replaced. Long form: `{type, source, target, read_only}` and, by type: `bind: {propagation, create_host_path, recursive, selinux}`, `volume: {nocopy, subpath, labels, driver_config: {name, options}}` (labels and driver only count when the engine makes the volume; better declare a `volume.present`), `tmpfs: {size, mode, options}`, `image: {subpath}` for what an image holds. `recursive` needs API 1.44, `subpath` 1.45, `type: image` 1.48."
    ),
    within!(
        "mounts",
        [plain("mounts"), salt("mounts")],
        "volumes",
        form::MOUNTS,
        "More of `volumes`, for who has them in the long form, as the engine's API does."
    ),
    within!(
        "volume_paths",
        [salt("volumes"), salt("volume")],
        "volumes",
        form::MOUNTS,
        "Paths in the container that get an anonymous volume each; what `binds` mounts at the same path wins."
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
        "shm_size",
        [plain("shm_size"), salt("shm_size")],
        At::Path("HostConfig.ShmSize"),
        form::SHM_SIZE,
        Unset::Engine,
        "The size of `/dev/shm`, such as `128m`; the engine's default is `64m`."
    ),
    replaced!(
        "storage_opt",
        [plain("storage_opt"), salt("storage_opt")],
        At::Path("HostConfig.StorageOpt"),
        form::STRING_MAP,
        Unset::Engine,
        "Options of the engine's storage driver for the container's own file system, such as `{size: 10G}`, where the driver knows any."
    ),
    replaced!(
        "volume_driver",
        [plain("volume_driver"), salt("volume_driver")],
        At::Path("HostConfig.VolumeDriver"),
        form::DRIVER_OF_VOLUMES,
        Unset::Engine,
        "The driver of the volumes that the engine makes for the short forms of `volumes`; better declare a `volume.present` with its `driver`."
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
        "read_only",
        [plain("read_only"), salt("read_only")],
        At::Path("HostConfig.ReadonlyRootfs"),
        form::BOOL,
        Unset::Engine,
        "Mount the container's own file system read-only."
    ),
    Field {
        name: "files",
        spellings: &[plain("files")],
        at: At::Structure,
        form: &form::FILES,
        unset: Unset::Engine,
        impact: Impact::Restart,
        removal: Impact::Replace,
        since: super::BASE,
        doc: "Files that evenkeel puts into the container, by their path in it, before it starts: `{/etc/app.conf: {source: app.conf}}` (a file of this machine, relative to the state file), `{template: app.conf.j2}` (rendered with the data that the state file has, and `vars: {…}` beside it), `{content: TEXT}`, or just the text; with `mode` (octal, default `'0644'`, with a secret in it `'0400'`) and `owner` (numbers, `1000:1000`; default `0:0`). What is in the container is compared, so a file that was changed by hand is a difference; what is done about it says `on_change`. The time of such a file says what it is, and lies between 1985 and 2002. A file that is added to a container or taken away from it makes a new one.",
    },
];
