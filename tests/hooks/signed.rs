//! Who pushes: signatures and accounts.

use super::{Case, with_one};
use crate::rig::workspace::Run;

/// Makes an SSH key and gives its public part.
fn key(case: &Case<'_>, name: &str) -> String {
    let file = case.path(name);
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"];
    let made = std::process::Command::new("ssh-keygen").args(words).arg(&file).status();
    assert!(made.expect("ssh-keygen runs").success());
    std::fs::read_to_string(file.with_extension("pub")).expect("a public key")
}

fn signed(case: &Case<'_>, key: &str) -> Run {
    let key = format!("user.signingkey={}", case.path(key).display());
    case.git("work", &["-c", "gpg.format=ssh", "-c", &key, "push", "-q", "--signed", "origin", "main"])
}

#[test]
fn a_signature_of_any_key_is_not_enough() {
    with_one("environments:\n  dev: {ref: main, signed: true, on_push: apply}\n", |case| {
        case.state("dev", "one");
        case.commit("one");
        let (ann, _) = (key(case, "ann"), key(case, "mallory"));
        let told = case.evenkeel("hook status --repo shop.git").expect(1).stdout;
        assert!(told.contains("gpg.ssh.allowedSignersFile is not set"), "{told}");
        let signers = case.path("signers").display().to_string();
        std::fs::write(&signers, format!("ann@example.org namespaces=\"git\" {ann}")).expect("a file");
        case.git("shop.git", &["config", "gpg.ssh.allowedSignersFile", &signers]).expect(0);
        case.evenkeel("hook status --repo shop.git").expect(0);
        for (push, said) in [
            (case.push("origin main"), "this one is not signed"),
            (signed(case, "mallory"), "is not one that this host trusts"),
        ] {
            assert!(push.code() != Some(0) && push.stderr.contains(said), "{push}");
            assert_ne!(case.at("refs/heads/main"), case.head());
        }
        // Whatever the environment says who it is.
        let push = signed(case, "ann").expect(0);
        assert!(push.stderr.contains("by root (ann@example.org)"), "{push}");
        assert_eq!(case.at("refs/heads/main"), case.head());
        assert_eq!(
            case.container("dev")["Config"]["Labels"]["io.evenkeel.deploy.by"],
            "root (ann@example.org)"
        );
    });
}

#[test]
fn who_pushes_is_not_what_the_environment_says() {
    with_one("environments:\n  dev: {ref: main, allow: [alice]}\n", |case| {
        case.state("dev", "one");
        case.commit("one");
        let mut push = case.command("work", &["push", "-q", "origin", "main"]);
        push.envs([("USER", "alice"), ("LOGNAME", "alice"), ("SUDO_USER", "alice")]);
        let push = Run::of(push.output().expect("git runs"));
        assert!(push.code() != Some(0) && push.stderr.contains("root may not push to dev"), "{push}");
    });
}
