//! What is mounted into a container.

use super::{At, Field, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
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
];
