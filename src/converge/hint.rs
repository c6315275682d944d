//! What to do about a step that failed, where the engine's own words do not say it.

use crate::engine::PerformError;
use crate::world::Step;

/// The next thing to look at or to type; nothing where that would be a guess. `called` is what the
/// container that was started is called now, if it is still there.
pub fn hint(step: &Step, error: &PerformError, called: Option<&str>) -> Option<String> {
    if matches!(error, PerformError::Lost { .. }) {
        return Some("run it again: it looks at what is there and goes on from that".to_owned());
    }
    let said = error.to_string().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match step {
        Step::PullImage { reference, .. } => pull(reference, &says),
        Step::PushImage { reference, .. } => pull(reference, &says),
        Step::StartContainer { .. } | Step::RestartContainer { .. } => start(&says),
        Step::CreateNetwork { .. } => says(&["overlap"]).then(|| {
            "another network has these addresses: `docker network inspect $(docker network ls -q)` shows which (if none \
             has, the engine was killed while it made one and keeps its subnet: declare another one)"
                .to_owned()
        }),
        Step::AwaitEnd { container, .. } if says(&["did not end within"]) => called.map(|name| {
            format!(
                "it goes on, and the next run waits for it again: `docker logs {name}` shows what it does, `timeout` \
                 how long is waited, and `docker stop {}` ends it",
                container.name
            )
        }),
        Step::Settle { .. } | Step::Watch { .. } | Step::AwaitHealthy { .. } | Step::AwaitEnd { .. } => {
            called.map(|name| format!("all that it said: docker logs {name}"))
        }
        _ => None,
    }
}

fn pull(reference: &str, says: &dyn Fn(&[&str]) -> bool) -> Option<String> {
    if says(&["unauthorized", "denied", "authentication required", "no basic auth"]) {
        let host = reference.split_once('/').map(|(host, _)| host).filter(|host| host.contains(['.', ':']));
        let login = host.map_or_else(|| "evenkeel login".to_owned(), |host| format!("evenkeel login {host}"));
        return Some(format!("is the name right? if it is private: {login}"));
    }
    if says(&["manifest unknown", "not found", "repository does not exist"]) {
        return Some("are the name and the tag right, and has it been pushed?".to_owned());
    }
    says(&["connection refused", "no such host", "timeout", "i/o error", "unreachable"])
        .then(|| "can the engine's machine reach this registry?".to_owned())
}

fn start(says: &dyn Fn(&[&str]) -> bool) -> Option<String> {
    if says(&["port is already allocated", "address already in use"]) {
        return Some(
            "somebody else has the port: `docker ps` and `ss -ltnup` on the engine's machine show who (if only \
             docker-proxy has it and no container shows it, the engine kept it when it was killed: restart the engine)"
                .to_owned(),
        );
    }
    if says(&["mount source"]) && says(&["/_data"]) && says(&["no such file or directory"]) {
        return Some(
            "the engine has a volume without its folder, as after it was killed while it made that: `docker volume \
             inspect` says where it was; if nothing was in it: `docker volume rm`"
                .to_owned(),
        );
    }
    says(&["executable file not found", "exec:", "no such file or directory"])
        .then(|| "is the program in the image? `command` and `entrypoint` say what is run".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Id, Target};

    fn refused(message: &str) -> PerformError {
        PerformError::Refused { status: Some(500), message: message.to_owned() }
    }

    #[test]
    fn known_failures_get_the_next_thing_to_look_at() {
        let web = Target { id: Id::Engine("1".to_owned()), name: "web".to_owned() };
        let start = Step::StartContainer { container: web };
        let said = |message: &str| hint(&start, &refused(message), Some("web")).unwrap_or_default();
        assert!(said("Bind for 0.0.0.0:80 failed: port is already allocated").contains("ss -ltnup"));
        assert!(said("runc: exec: \"/no\": stat /no: no such file or directory").contains("entrypoint"));
        let broken = "error evaluating symlinks from mount source \"/v/volumes/data/_data\": no such file or directory";
        assert!(said(broken).contains("docker volume rm"));
        assert_eq!(said("something else"), "");
    }

    #[test]
    fn a_private_image_is_asked_for_at_its_own_registry() {
        let host =
            |reference| pull(reference, &|words: &[&str]| words.contains(&"denied")).unwrap_or_default();
        assert!(host("reg.example/a/b:1").ends_with("evenkeel login reg.example"));
        assert!(host("library/b:1").ends_with("evenkeel login"));
    }
}
