//! Trees that try to reach out of themselves.

use super::{Case, with_one};

fn refused(case: &Case<'_>, said: &str) {
    case.commit("an attack");
    let push = case.push("origin main");
    assert!(push.code() != Some(0) && push.stderr.contains(said), "{said}: {push}");
    assert_ne!(case.at("refs/heads/main"), case.head());
}

#[test]
fn links_out_of_the_tree_are_refused() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        for target in ["/etc/passwd", "../../outside", "states/../../x"] {
            let link = case.path("work/link");
            drop(std::fs::remove_file(&link));
            std::os::unix::fs::symlink(target, &link).expect("a link");
            refused(case, "out of the tree");
        }
        std::fs::remove_file(case.path("work/link")).expect("it was there");
        case.commit("mended");
        case.push("origin main").expect(0);
    });
}

#[test]
fn an_endless_template_ends() {
    with_one(super::HOOKS, |case| {
        case.write(
            "states/dev.yml",
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}\n",
        );
        refused(case, "states/dev.yml");
    });
}

#[test]
fn names_and_messages_are_only_text() {
    with_one(super::HOOKS, |case| {
        case.state("dev", "one");
        case.commit("$(touch owned) `touch owned` \u{1b}]0;title\u{7} \u{202e}");
        let push = case.push("-o why=$(touch${IFS}owned) origin main").expect(0);
        assert!(!push.stderr.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{push:?}");
        let branch = "refs/heads/a;touch${IFS}owned";
        case.push(&format!("origin main:{branch}")).expect(0);
        for folder in ["", "work", "shop.git"] {
            assert!(!case.path(folder).join("owned").exists());
        }
    });
}
