//! What runs in a container.

use super::{At, Field, Unset, form, plain, salt};

pub const FIELDS: &[Field] = &[
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
    within!(
        "env_file",
        [plain("env_file"), salt("env_file")],
        "env",
        form::LINE_FILES,
        "Files with lines of `KEY=value`, relative to the state file, whose variables stand below those of `env`; of several files the later one wins. `{path, required, format}`: `required: false` for a file that may be missing, `format: raw` for values that are taken as they are written. Otherwise quotes around a value go, and ` #` begins a comment. Nothing is expanded, and an edit of a file is a difference."
    ),
    replaced!(
        "labels",
        [plain("labels"), salt("labels"), salt("label")],
        At::Path("Config.Labels"),
        form::LABELS,
        Unset::Image("Config.Labels"),
        "Labels, as a mapping or a list of `key=value`, on top of those of the image."
    ),
    within!(
        "label_file",
        [plain("label_file")],
        "labels",
        form::LINE_FILES,
        "Files with lines of `name=value`, read as those of `env_file`, whose labels stand below those of `labels`."
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
        "group_add",
        [plain("group_add"), salt("group_add")],
        At::Path("HostConfig.GroupAdd"),
        form::STRING_SET,
        Unset::Engine,
        "Further groups that the program belongs to."
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
        "stdin_once",
        [plain("stdin_once"), salt("stdin_once")],
        At::Path("Config.StdinOnce"),
        form::BOOL,
        Unset::Engine,
        "Close standard input when the first client that was attached to it leaves."
    ),
    replaced!(
        "attach_stdin",
        [plain("attach_stdin"), salt("attach_stdin")],
        At::Path("Config.AttachStdin"),
        form::BOOL,
        Unset::Engine,
        "Say in the container's own description that a client is attached to standard input. It only tells other clients what to do."
    ),
    replaced!(
        "attach_stdout",
        [plain("attach_stdout"), salt("attach_stdout")],
        At::Path("Config.AttachStdout"),
        form::BOOL,
        Unset::Engine,
        "As `attach_stdin`, of standard output."
    ),
    replaced!(
        "attach_stderr",
        [plain("attach_stderr"), salt("attach_stderr")],
        At::Path("Config.AttachStderr"),
        form::BOOL,
        Unset::Engine,
        "As `attach_stdin`, of standard error."
    ),
    replaced!(
        since(1, 42),
        "console_size",
        [plain("console_size"), salt("console_size")],
        At::Path("HostConfig.ConsoleSize"),
        form::CONSOLE_SIZE,
        Unset::Engine,
        "Rows and columns of the terminal at the start, such as `[40, 120]`; with `tty`."
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
        "healthcheck",
        [plain("healthcheck"), salt("healthcheck")],
        At::Path("Config.Healthcheck"),
        form::HEALTHCHECK,
        Unset::Image("Config.Healthcheck"),
        "How the engine finds out whether the program is well: `{test, interval, timeout, retries, start_period}`; `{disable: true}` switches the image's check off."
    ),
];
