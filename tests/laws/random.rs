//! Generated trees: edited, broken by hand, interrupted, applied; the laws hold after every step.

use evenkeel::engine::fake::Fault;
use serde_json::json;

use super::case::{self, block_on, check};
use super::checks::{self, Licence, Treasure};
use super::generate::{Dice, Tree, break_something, edit, tree};
use super::lab::{Compiled, Wish, compiled};
use super::seeds;

const IMAGES: &[&str] = &["app:1", "app:2", "store:1"];

#[test]
fn generated_trees_obey_the_laws() {
    for seed in 0..seeds(120) {
        block_on(story(seed));
    }
}

/// One seed of the stories, for whoever looks for the cause: `EVENKEEL_STORY=17`.
#[test]
fn one_generated_story() {
    if let Some(seed) = std::env::var("EVENKEEL_STORY").ok().and_then(|text| text.parse().ok()) {
        block_on(story(seed));
    }
}

async fn story(seed: u64) {
    let mut dice = Dice::new(seed);
    let fake = evenkeel::engine::fake::Fake::new(seed);
    fake.release("app:1", json!({"Cmd": ["serve"], "Env": ["PATH=/bin"]}));
    fake.release("app:2", json!({"Cmd": ["serve"], "Labels": {"from": "image"}}));
    fake.release("store:1", json!({"Cmd": ["serve"], "Volumes": {"/data": {}}}));
    fake.by_hand("pull app:1").expect("the registry has it");
    fake.stranger("stranger", &json!({"Image": "app:1"})).expect("nothing is in its way");
    let mut wanted = tree(&mut dice, IMAGES);
    let mut story = vec![wanted.text()];
    let (mut before, _folder) = read(&wanted);
    run(&fake, &before, &mut dice, &mut story, seed).await;
    for _ in 0..4 {
        if dice.one_in(2) {
            let line = break_something(&mut dice, &wanted);
            // Not everything can be done to everybody.
            let done = fake.by_hand(&line);
            story.push(format!("{line}: {done:?}"));
        }
        if dice.one_in(2) {
            edit(&mut dice, &mut wanted, IMAGES);
            story.push(wanted.text());
        }
        let (next, _folder) = read(&wanted);
        run(&fake, &next, &mut dice, &mut story, seed).await;
        before = next;
    }
    drop(before);
}

fn read(tree: &Tree) -> (Compiled, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temp folder");
    let files = [("states/all.yml".to_owned(), tree.text())];
    (compiled(folder.path(), &files, "states/all.yml", &Wish::default()), folder)
}

/// Applies a tree, perhaps with a fault or two before; then all laws hold.
async fn run(
    fake: &evenkeel::engine::fake::Fake,
    wanted: &Compiled,
    dice: &mut Dice,
    story: &mut Vec<String>,
    seed: u64,
) {
    let licence = Licence::of(wanted, &fake.look(&wanted.wanted), false);
    let treasure = Treasure::of(fake, &licence, &wanted.wanted);
    for _ in 0..dice.below(3) {
        let faults = [(dice.below(12), *dice.one_of(&Fault::ALL))];
        let run = wanted.apply(fake, &faults).await;
        story.push(format!("{}faults: {faults:?}\n{}", run.plan.text(), run.story()));
        story.push(format!("trouble: {:?}", run.trouble()));
        let context = || format!("story {seed}\n{}", story.join("\n"));
        check(treasure.is_kept(fake, &licence, &wanted.wanted), &context);
        check(checks::steps_are_a_prefix(&run), &context);
    }
    let run = wanted.apply(fake, &[]).await;
    story.push(format!("{}no faults:\n{}", run.plan.text(), run.story()));
    let now = checks::told(&fake.look(&wanted.wanted));
    let context = || format!("story {seed}\n{}\nnow:\n{now}", story.join("\n"));
    if let Some(trouble) = run.trouble() {
        panic!("{trouble}\n{}", context());
    }
    check(checks::steps_are_those_shown(&run), &context);
    check(checks::prediction_holds(&run.plan, &run.before, &fake.look(&wanted.wanted)), &context);
    check(treasure.converged(fake, &licence, &wanted.wanted), &context);
    case::stays(wanted, fake, &context).await;
}
