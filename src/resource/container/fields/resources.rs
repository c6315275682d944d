//! How much of the machine a container gets.

use super::{At, Field, Impact, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
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
        "memory_reservation",
        [
            plain("memory_reservation"),
            plain("mem_reservation"),
            salt("mem_reservation"),
            salt("memory_reservation")
        ],
        "HostConfig.MemoryReservation",
        form::SIZE,
        Unset::Engine,
        Impact::Replace,
        "How much memory the container is left with when the host runs out of it; less than `memory`."
    ),
    replaced!(
        "mem_swappiness",
        [
            plain("mem_swappiness"),
            plain("memory_swappiness"),
            salt("mem_swappiness"),
            salt("memory_swappiness")
        ],
        At::Path("HostConfig.MemorySwappiness"),
        form::SWAPPINESS,
        Unset::Engine,
        "How readily memory of the container is swapped out: from 0 to 100, or -1 for what the host does. Not with version 2 of control groups."
    ),
    replaced!(
        "oom_kill_disable",
        [plain("oom_kill_disable"), salt("oom_kill_disable")],
        At::Path("HostConfig.OomKillDisable"),
        form::BOOL,
        Unset::Engine,
        "Let programs wait for memory instead of killing one; only with `memory`. Not with version 2 of control groups."
    ),
    replaced!(
        "oom_score_adj",
        [plain("oom_score_adj"), salt("oom_score_adj")],
        At::Path("HostConfig.OomScoreAdj"),
        form::OOM_SCORE,
        Unset::Engine,
        "How readily programs of the container are killed when the host runs out of memory: from -1000 (never) to 1000."
    ),
    updated!(
        "cpus",
        [plain("cpus"), salt("cpus"), salt("nano_cpus")],
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
        "cpu_quota",
        [plain("cpu_quota"), salt("cpu_quota")],
        "HostConfig.CpuQuota",
        form::CPU_QUOTA,
        Unset::Engine,
        Impact::Update,
        "How many microseconds of each period the container may use, all its processors together. `cpus` says the same in one word; both together are an error."
    ),
    updated!(
        "cpu_period",
        [plain("cpu_period"), salt("cpu_period")],
        "HostConfig.CpuPeriod",
        form::CPU_PERIOD,
        Unset::Engine,
        Impact::Update,
        "The length of a period for `cpu_quota`, in microseconds; the kernel's own is 100000."
    ),
    updated!(
        "cpuset",
        [plain("cpuset"), plain("cpuset_cpus"), salt("cpuset_cpus"), salt("cpuset")],
        "HostConfig.CpusetCpus",
        form::CPUSET,
        Unset::Engine,
        Impact::Replace,
        "The processors that the container may use, such as `0-3` or `0,2`."
    ),
    updated!(
        "cpuset_mems",
        [plain("cpuset_mems"), salt("cpuset_mems")],
        "HostConfig.CpusetMems",
        form::MEMSET,
        Unset::Engine,
        Impact::Replace,
        "The memory nodes that the container may use, such as `0-1`, on a machine that has several."
    ),
    updated!(
        "cpu_rt_period",
        [plain("cpu_rt_period"), plain("cpu_realtime_period"), salt("cpu_rt_period")],
        "HostConfig.CpuRealtimePeriod",
        form::REALTIME,
        Unset::Engine,
        Impact::Replace,
        "The length of a period for `cpu_rt_runtime`, in microseconds. Needs a kernel with real-time scheduling of groups, and an engine that was given some of it."
    ),
    updated!(
        "cpu_rt_runtime",
        [plain("cpu_rt_runtime"), plain("cpu_realtime_runtime"), salt("cpu_rt_runtime")],
        "HostConfig.CpuRealtimeRuntime",
        form::REALTIME,
        Unset::Engine,
        Impact::Replace,
        "How many microseconds of each period are the container's alone."
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
    updated!(
        "blkio_weight",
        [plain("blkio_weight"), salt("blkio_weight")],
        "HostConfig.BlkioWeight",
        form::BLKIO_WEIGHT,
        Unset::Engine,
        Impact::Replace,
        "The container's weight when disks are busy, from 10 to 1000. Where the kernel knows no weights the engine drops it, which is an error that names it."
    ),
    replaced!(
        "blkio_weight_device",
        [plain("blkio_weight_device"), salt("blkio_weight_device")],
        At::Path("HostConfig.BlkioWeightDevice"),
        form::DEVICE_WEIGHTS,
        Unset::Engine,
        "As `blkio_weight`, for single devices: `['/dev/sda:200']` or `[{path, weight}]`."
    ),
    replaced!(
        "device_read_bps",
        [plain("device_read_bps"), salt("device_read_bps")],
        At::Path("HostConfig.BlkioDeviceReadBps"),
        form::BYTE_RATES,
        Unset::Engine,
        "How many bytes per second are read from a device: `['/dev/sda:1mb']`, `{/dev/sda: 1mb}` or `[{path, rate}]`."
    ),
    replaced!(
        "device_write_bps",
        [plain("device_write_bps"), salt("device_write_bps")],
        At::Path("HostConfig.BlkioDeviceWriteBps"),
        form::BYTE_RATES,
        Unset::Engine,
        "How many bytes per second are written to a device."
    ),
    replaced!(
        "device_read_iops",
        [plain("device_read_iops"), salt("device_read_iops")],
        At::Path("HostConfig.BlkioDeviceReadIOps"),
        form::TIMES_RATES,
        Unset::Engine,
        "How many times per second a device is read from: `['/dev/sda:1000']`."
    ),
    replaced!(
        "device_write_iops",
        [plain("device_write_iops"), salt("device_write_iops")],
        At::Path("HostConfig.BlkioDeviceWriteIOps"),
        form::TIMES_RATES,
        Unset::Engine,
        "How many times per second a device is written to."
    ),
    replaced!(
        "device_requests",
        [plain("gpus"), plain("device_requests"), salt("device_requests")],
        At::Path("HostConfig.DeviceRequests"),
        form::DEVICE_REQUESTS,
        Unset::Engine,
        "Devices that a driver hands out: `all`, a number of GPUs, or `[{driver, count, device_ids, capabilities, options}]`. A container with devices that no driver has is made and cannot be started."
    ),
    replaced!(
        "ulimits",
        [plain("ulimits"), salt("ulimits"), salt("ulimit")],
        At::Path("HostConfig.Ulimits"),
        form::ULIMITS,
        Unset::Engine,
        "Limits of processes: `{nofile: 1024}` or `{nofile: {soft: 1024, hard: 2048}}`."
    ),
];
