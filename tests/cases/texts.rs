//! Y: text reaches the container as it is written, and secrets reach nobody.

use super::scene::{FILE, each, once};
use crate::rig::inspect;
use crate::rig::waiting::until;
use std::collections::BTreeMap;

/// The variables of the scope's container `web`.
fn variables(scene: &super::scene::Scene<'_>) -> BTreeMap<String, String> {
    let shown = scene.container("web")["Config"]["Env"].clone();
    let variables = shown.as_array().into_iter().flatten().filter_map(|text| text.as_str()?.split_once('='));
    variables.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn y01_scalars_keep_their_text() {
    each(|scene| {
        let words = [
            "yes",
            "no",
            "on",
            "off",
            "y",
            "True",
            "FALSE",
            "1_000",
            "0o17",
            "017",
            "0x1F",
            "1e3",
            "1.10",
            ".5",
            "+1",
            "-0",
            "12:30:45",
            "2024-01-01",
            "1,2",
            "nan",
            ".inf",
            "=",
            "a=b=c",
            "a b",
            "ünï",
            "*.x",
            "C:\\dir",
        ];
        let lines = |indent: &str| {
            let plain = words.iter().enumerate().filter(|(_, word)| !word.starts_with(['*', '=']));
            plain.map(|(number, word)| format!("{indent}V{number}: {word}\n")).collect::<String>()
        };
        let quoted = words.iter().enumerate().map(|(number, word)| format!("      V{number}: '{word}'\n"));
        scene.states(&format!(
            "{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    env:\n{}",
            lines("      ")
        ));
        scene.converge();
        let seen = variables(scene);
        for (number, word) in words.iter().enumerate().filter(|(_, word)| !word.starts_with(['*', '='])) {
            assert_eq!(seen.get(&format!("V{number}")).map(String::as_str), Some(*word));
        }
        let (code, text) = inspect::exec(scene.engine, &scene.name("web"), &["printenv-is-not-here"]);
        assert_ne!(code, 0, "{text}");
        let (_, text) = inspect::exec(scene.engine, &scene.name("web"), &["env"]);
        assert!(text.contains("V7=1_000\n") && text.contains("V8=0o17\n"), "{text}");
        // Quoted they are the same texts.
        let states: String = quoted.filter(|line| !line.contains("'*") && !line.contains(": '='")).collect();
        scene.states(&format!("{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    env:\n{states}"));
        scene.settled();
    });
}

#[test]
fn y02_nothing_is_no_text() {
    once(|scene| {
        for nothing in ["null", "~", "", "Null"] {
            scene.states(&format!(
                "{{p}}web:\n  container.created:\n    image: ekt/bb:1\n    env:\n      A: {nothing}\n"
            ));
            let said = scene.refused(3);
            assert!(said.contains("`A` has no value") && said.contains("dev.yml:5"), "{said}");
        }
    });
}

#[test]
fn y03_a_dollar_is_a_dollar() {
    each(|scene| {
        let value = "a$b$$c${d}%s`e`\\n\"q\" #x";
        let states = format!(
            "{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    env:\n      P: '{value}'\n      L: |\n        one $1\n        two\n    \
             labels: {{dollar: '$x $$y'}}\n    command: [sh, -c, 'echo \"$P\"; sleep 1000']\n"
        );
        scene.states(&states);
        scene.converge();
        let seen = variables(scene);
        assert_eq!(seen["P"], value);
        assert_eq!(seen["L"], "one $1\ntwo\n");
        assert_eq!(scene.container("web")["Config"]["Labels"]["dollar"], "$x $$y");
        let logs = || inspect::logs(scene.engine, &scene.name("web"));
        until("it has written its line", || logs().ends_with('\n'));
        assert_eq!(logs(), format!("{value}\n"));
    });
}

#[test]
fn y05_secret_values_are_in_no_output() {
    each(|scene| {
        let states = |password: &str, more: &str| {
            format!(
                "{{p}}web:\n  container.running:\n    image: ekt/bb:1\n    stop_signal: KILL\n    env:\n      DB_PASSWORD: {password}\n      \
                 apiToken: {password}\n      PLAIN: x{more}\n    labels: {{my.secret.key: {password}}}\n"
            )
        };
        let outputs = [
            &["--output", "changes"][..],
            &["--output", "highstate"],
            &["--output", "json"],
            &["--output", "changes", "--timings"],
        ];
        let tell = |old: &str, new: &str| {
            for output in outputs {
                let mut args = vec!["--test"];
                args.extend(output);
                let run = scene.workspace.apply(FILE, &args);
                let said = format!("{}{}", run.stdout, run.stderr);
                assert!(!said.contains(old) && !said.contains(new), "{args:?}: {said}");
                assert_eq!(run.code(), Some(0), "{said}");
            }
        };
        scene.states(&states("hunter2old", "1"));
        tell("hunter2old", "hunter2old");
        let created = scene.converge();
        assert!(!created.text().contains("hunter2old"), "{}", created.run);
        scene.states(&states("hunter3new", "2"));
        tell("hunter2old", "hunter3new");
        let diff = scene.test().diff("web");
        assert!(diff.contains(&"env.DB_PASSWORD: \"***\" -> \"***\"".to_owned()), "{diff:?}");
        assert!(diff.iter().any(|row| row.starts_with("env.PLAIN: \"x1\"")), "{diff:?}");
        let changed = scene.converge();
        assert!(!changed.text().contains("hunter"), "{}", changed.run);
        // Gone, and replaced by hand.
        scene.states(
            "{p}web:\n  container.running: {image: 'ekt/bb:1', stop_signal: KILL, env: {PLAIN: x2}}\n",
        );
        tell("hunter3new", "hunter2old");
        let changed = scene.converge();
        assert!(!changed.text().contains("hunter"), "{}", changed.run);
    });
}

#[test]
fn y06_secret_values_are_not_told_when_something_fails() {
    once(|scene| {
        for fields in [
            "env: {DB_PASSWORD: hunter2}, ports: [nonsense]",
            "env: {DB_PASSWORD: hunter2}, entrypoint: /no/such/program",
            "env: {DB_PASSWORD: hunter2}, image2: x",
            "env: {DB_PASSWORD: [hunter2]}",
            "env: [DB_PASSWORD=hunter2, 'DB_TOKEN:hunter2x']",
            "raw: {Env: [DB_PASSWORD=hunter2]}",
            "command: [sh, -c, exit 3], env: {DB_PASSWORD: hunter2}",
            "command: [sh, -c, 'echo db is $DB_PASSWORD; exit 3'], env: {DB_PASSWORD: hunter2}",
        ] {
            scene.states(&format!("{{p}}web:\n  container.running: {{image: 'ekt/bb:1', {fields}}}\n"));
            for output in ["changes", "highstate", "json"] {
                let run = scene.workspace.apply(FILE, &["--output", output]);
                let said = format!("{}{}", run.stdout, run.stderr);
                // An excerpt of the user's own file is not for a log either.
                assert!(!said.contains("hunter2"), "{fields}: {said}");
            }
            drop(scene.engine.http().delete(&format!("/containers/{}?force=1", scene.name("web"))));
        }
    });
}

#[test]
fn y07_the_last_of_two_variables_wins() {
    each(|scene| {
        scene.states(
            "{p}web:\n  container.created: {image: 'ekt/bb:1', env: [A=1, B=, 'C=x=y', A=2, 'D= z ']}\n",
        );
        scene.converge();
        let shown = scene.container("web")["Config"]["Env"].clone();
        let ours = shown.as_array().into_iter().flatten().filter_map(|text| text.as_str());
        let ours: Vec<_> = ours.filter(|text| !text.starts_with("PATH=")).collect();
        assert_eq!(ours, ["A=2", "B=", "C=x=y", "D= z "]);
        for (wrong, why) in
            [("[A]", "`A` has no value"), ("{A: 1, A: 2}", "for a second time"), ("{'': 1}", "is not a name")]
        {
            scene.states(&format!("{{p}}web:\n  container.created: {{image: 'ekt/bb:1', env: {wrong}}}\n"));
            let said = scene.refused(3);
            assert!(said.contains(why), "{wrong}: {said}");
        }
    });
}

#[test]
fn y09_templates_are_pure_and_strict() {
    once(|scene| {
        scene.states(
            "{p}web:\n  container.created: {image: 'ekt/bb:1', env: {A: \"{{ pillar.get('a', 'b') }}\", B: '{{ env }}'}}\n",
        );
        scene.converge();
        let render = || scene.workspace.run(["render", FILE]).expect(0).stdout;
        assert_eq!(render(), render());
        for wrong in ["{{ nothing }}", "{{ pillar.nothing }}", "{{ now() }}", "{{ none }}"] {
            scene.states(&format!(
                "{{p}}web:\n  container.created: {{image: 'ekt/bb:1', env: {{A: \"{wrong}\"}}}}\n"
            ));
            scene.refused(3);
        }
        // More blanks and comments are no difference.
        scene.states(
            "# once\n\n{p}web:\n\n  container.created:\n    image:   ekt/bb:1   # twice\n    env:\n      B:  dev\n\n      A: b\n",
        );
        scene.settled();
    });
}
