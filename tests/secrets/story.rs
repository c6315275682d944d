//! One secret from its file into a container, through a rotation, a saved plan, and back.

use serde_json::Value;

use super::{IDENTITY, clean_folder, clean_run, encrypt, settings};
use crate::rig::scope::Scope;
use crate::rig::workspace::{STATE, Workspace};
use crate::rig::{engines, images, inspect};

const FIRST: &str = "first 'value' of \"a\" $ecret/1";
const SECOND: &str = "second-value-of-it";

#[test]
fn a_secret_goes_into_a_container_and_nowhere_else() {
    engines::in_turn(|engine| {
        let scope = Scope::new(engine);
        let workspace = Workspace::new(&scope).on(engine.host());
        let (web, image) = (scope.name("web"), images::bb(engine));
        workspace.file("evenkeel.yml", settings(scope.project(), "")).file("id.txt", IDENTITY);
        let state = |url: &str| {
            let text = format!(
                "{web}:\n  container.running:\n    image: {image}\n    command: [sleep, '1000']\n    \
                 stop_signal: KILL\n    soak: 0s\n    \
                 wait: {{exec: 'true'}}\n    env:\n      DB_URL: \"{url}\"\n      LEVEL: one\n"
            );
            workspace.file("states/prod.yml", text);
        };
        let values = [FIRST, SECOND];
        let run = |words: &str| clean_run(workspace.run(words.split_whitespace()), &values);
        let secret = |value: &str| {
            let yaml = format!("# for the shop\ndb: {}\n", Value::from(value));
            encrypt(&workspace, "secrets/prod.age", &yaml);
        };
        let url = || {
            let env = inspect::container(engine, &web)["Config"]["Env"].clone();
            let env = env.as_array().cloned().unwrap_or_default();
            let found = env.iter().filter_map(Value::as_str).find_map(|entry| entry.strip_prefix("DB_URL="));
            found.map(str::to_owned)
        };

        // What needs no value does without.
        state("pg://u:{{ secret('db') }}@db/x");
        let shown = run("render states/prod.yml").expect(0);
        assert!(shown.stdout.contains("DB_URL: \"pg://u:(secret db)@db/x\""), "{shown}");
        run("check states/prod.yml").expect(0);
        let missing = run("apply states/prod.yml --test").expect(3);
        assert!(missing.stderr.contains("there is no secret `db`"), "{missing}");
        assert!(missing.stderr.contains("states/prod.yml:"), "{missing}");
        assert!(missing.stderr.contains("secrets/prod.age (there is no such file)"), "{missing}");

        secret(FIRST);
        run("apply states/prod.yml --test").expect(0);
        run("apply states/prod.yml").expect(0);
        assert_eq!(url(), Some(format!("pg://u:{FIRST}@db/x")));
        let again = run("apply states/prod.yml -v").expect(0);
        assert!(again.stdout.contains("0 changed"), "{again}");

        // Rotated: a difference that shows neither value, now and later.
        secret(SECOND);
        let test = run("apply states/prod.yml --test --save plan.json").expect(0);
        assert!(test.stdout.contains("env.DB_URL: (secret) → (secret)"), "{test}");
        run("apply plan.json").expect(0);
        assert_eq!(url(), Some(format!("pg://u:{SECOND}@db/x")));
        let again = run("apply states/prod.yml").expect(0);
        assert!(again.stdout.contains("0 changed"), "{again}");

        // A plan is out of date when the file is another one.
        state("pg://u2:{{ secret('db') }}@db/x");
        run("apply states/prod.yml --test --save plan.json").expect(0);
        secret(FIRST);
        let late = run("apply plan.json").expect(5);
        assert!(late.stderr.contains("secrets/prod.age is another file now"), "{late}");
        secret(SECOND);

        // Whoever no longer declares it as a secret is not shown what it was.
        state("pg://nobody@db/x");
        let former = run("apply states/prod.yml --test").expect(0);
        assert!(former.stdout.contains("env.DB_URL: (secret) → (secret)"), "{former}");
        run("apply states/prod.yml").expect(0);

        for words in
            ["history", "history --json", "history -v", "status --json", "diff NAME 1 2", "diff NAME 2 3"]
        {
            run(&words.replace("NAME", &web));
        }
        // Back to what it was made with, which no file has any more.
        let back = run(&format!("rollback {web} --to 1")).expect(0);
        assert!(back.stdout.contains("back to revision 1"), "{back}");
        assert_eq!(url(), Some(format!("pg://u:{FIRST}@db/x")));
        run(&format!("rollback {web} --to 3")).expect(0);
        assert_eq!(url(), Some("pg://nobody@db/x".to_owned()));

        clean_folder(workspace.root(), &[], &values);
        assert!(workspace.path(STATE).is_dir());
    });
}
