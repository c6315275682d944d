//! The laws themselves, each over what one run showed.

use std::collections::{BTreeMap, BTreeSet};

use evenkeel::converge::foretell;
use evenkeel::engine::Wanted;
use evenkeel::engine::fake::Fake;
use evenkeel::plan::{ChangeId, Event, Phase, Plan, When};
use evenkeel::resource::{Presence, disagreements, is_kept};
use evenkeel::world::{Container, Id, NAMESPACES, Role, RunState, World};

use super::lab::{Compiled, Run};

/// Law 2: the steps performed are the steps shown, in an order that the graph allows.
pub fn steps_are_those_shown(run: &Run) -> Result<(), String> {
    let by_change = attributed(run)?;
    for change in run.plan.changes.iter().filter(|change| change.when == When::Always) {
        let done: Vec<String> = by_change
            .get(&change.id)
            .into_iter()
            .flatten()
            .map(|i| run.records[*i].step.to_string())
            .collect();
        let shown: Vec<String> = change.steps.iter().map(ToString::to_string).collect();
        if done != shown {
            return Err(format!("{} shows {shown:?} and did {done:?}", change.state.title()));
        }
    }
    order_is_allowed(run, &by_change)
}

/// Law 2 after a failure: of every change a prefix, and then what was said to be recovery.
pub fn steps_are_a_prefix(run: &Run) -> Result<(), String> {
    let by_change = attributed(run)?;
    let recoveries = recovering(run);
    for change in run.plan.changes.iter().filter(|change| change.when == When::Always) {
        let done = by_change.get(&change.id).cloned().unwrap_or_default();
        let limit = recoveries.get(&change.id).copied().unwrap_or(usize::MAX);
        let planned: Vec<String> =
            done.iter().filter(|i| **i < limit).map(|i| run.records[*i].step.to_string()).collect();
        let shown: Vec<String> = change.steps.iter().map(ToString::to_string).collect();
        if !shown.starts_with(&planned) {
            return Err(format!("{} shows {shown:?} and did {planned:?}", change.state.title()));
        }
    }
    Ok(())
}

/// The calls of each change, by number. Each call is announced just before it is made.
fn attributed(run: &Run) -> Result<BTreeMap<ChangeId, Vec<usize>>, String> {
    let announced: Vec<(ChangeId, &String)> = run
        .events
        .iter()
        .filter_map(|event| match event {
            Event::StepStarted { change, step } => Some((*change, step)),
            _ => None,
        })
        .collect();
    if announced.len() != run.records.len() {
        return Err(format!("{} steps were announced, {} done", announced.len(), run.records.len()));
    }
    let mut by_change: BTreeMap<ChangeId, Vec<usize>> = BTreeMap::new();
    for (number, ((change, text), record)) in announced.iter().zip(&run.records).enumerate() {
        if **text != record.step.to_string() {
            return Err(format!("announced `{text}`, did `{}`", record.step));
        }
        by_change.entry(*change).or_default().push(number);
    }
    Ok(by_change)
}

/// From which call on a change is recovering.
fn recovering(run: &Run) -> BTreeMap<ChangeId, usize> {
    let mut from = BTreeMap::new();
    let mut calls = 0;
    for event in &run.events {
        match event {
            Event::StepStarted { .. } => calls += 1,
            Event::Recovering { change, .. } => {
                from.entry(*change).or_insert(calls);
            }
            _ => {}
        }
    }
    from
}

fn order_is_allowed(run: &Run, by_change: &BTreeMap<ChangeId, Vec<usize>>) -> Result<(), String> {
    // Calls by phase and change: a change does its phases in order.
    let mut calls: BTreeMap<(Phase, ChangeId), Vec<usize>> = BTreeMap::new();
    for change in &run.plan.changes {
        let mut left = by_change.get(&change.id).cloned().unwrap_or_default().into_iter();
        for phase in Phase::ALL {
            let count = change.steps.of(phase).len();
            calls.insert((phase, change.id), left.by_ref().take(count).collect());
        }
    }
    let span = |calls: &[usize]| {
        let began = calls.iter().map(|i| run.records[*i].began).min()?;
        let ended = calls.iter().map(|i| run.records[*i].ended.unwrap_or(u64::MAX)).max()?;
        Some((began, ended))
    };
    let after = |earlier: &[usize], later: &[usize], why: String| match (span(earlier), span(later)) {
        (Some((_, ended)), Some((began, _))) if ended > began => Err(why),
        _ => Ok(()),
    };
    for (index, phase) in Phase::ALL.iter().enumerate() {
        let of = |phase: Phase| -> Vec<usize> {
            let of_phase = calls.iter().filter(|((p, _), _)| *p == phase);
            of_phase.flat_map(|(_, calls)| calls.clone()).collect()
        };
        for earlier in &Phase::ALL[..index] {
            after(&of(*earlier), &of(*phase), format!("{earlier:?} overlaps {phase:?}"))?;
        }
        for change in &run.plan.changes {
            for before in &change.after {
                after(
                    &calls[&(*phase, *before)],
                    &calls[&(*phase, change.id)],
                    format!(
                        "{} did not wait for {}",
                        change.state.title(),
                        run.plan.change(*before).state.title()
                    ),
                )?;
            }
        }
    }
    Ok(())
}

/// Law 4: every value that the prediction knows is what is observed afterwards.
pub fn prediction_holds(plan: &Plan, before: &World, observed: &World) -> Result<(), String> {
    let predicted = foretell(plan, before)
        .map_err(|refused| format!("in the order of the phases, {} is refused: {}", refused.0, refused.1))?;
    let about: BTreeSet<(&'static str, String)> = plan
        .changes
        .iter()
        .filter(|change| change.when == When::Always)
        .map(|change| (change.state.kind, change.state.name.clone()))
        .collect();
    let diffs = disagreements(&predicted, observed, &about);
    if diffs.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = diffs.iter().map(ToString::to_string).collect();
    Err(format!("the prediction was wrong: {}", told.join(", ")))
}

/// Everything that must not be lost, before a run.
#[derive(Clone)]
pub struct Treasure {
    /// Containers that serve, by name, with the volumes that the engine made for them.
    serving: BTreeMap<String, BTreeMap<String, String>>,
    joined: BTreeSet<String>,
    contents: BTreeMap<String, String>,
    /// Containers that are not ours or that nobody means, as they are.
    strangers: BTreeMap<Id, (String, RunState, Option<String>)>,
    stranger_networks: BTreeSet<Id>,
}

/// What may go because the tree says so.
#[derive(Clone)]
pub struct Licence {
    /// Names that are to be absent, stopped or pruned.
    ends: BTreeSet<String>,
    /// Former names and what they become.
    renamed: BTreeMap<String, String>,
    /// Volumes that are to be absent.
    volumes: BTreeSet<String>,
    meant: BTreeSet<String>,
    networks: BTreeSet<String>,
}

impl Licence {
    pub fn of(compiled: &Compiled, world: &World, prunes: bool) -> Self {
        let mut licence = Self {
            ends: BTreeSet::new(),
            renamed: BTreeMap::new(),
            volumes: BTreeSet::new(),
            meant: BTreeSet::new(),
            networks: BTreeSet::new(),
        };
        for state in compiled.graph.graph.node_weights() {
            let absent = state.function.presence == Presence::Absent;
            match state.kind.name() {
                "container" => {
                    licence.meant.insert(state.name.clone());
                    if state.function.name != "running" {
                        licence.ends.insert(state.name.clone());
                        licence.ends.extend(state.options.was.clone());
                    } else if let Some(was) = &state.options.was {
                        licence.renamed.insert(was.clone(), state.name.clone());
                    }
                    licence.meant.extend(state.options.was.clone());
                    // Somebody renamed it; its label says whose it is.
                    for container in world.containers.values() {
                        let is_it = container.labels().get("io.evenkeel.id") == Some(&state.label_id());
                        if is_it && container.role() == Role::Current {
                            licence.meant.insert(container.name.clone());
                            licence.renamed.entry(container.name.clone()).or_insert(state.name.clone());
                            if state.function.name != "running" {
                                licence.ends.insert(container.name.clone());
                            }
                        }
                    }
                }
                "network" => {
                    licence.networks.insert(state.name.clone());
                    licence.networks.extend(state.options.was.clone());
                }
                "volume" if absent => {
                    licence.volumes.insert(state.name.clone());
                }
                _ => {}
            }
        }
        if prunes {
            let ours =
                |container: &&Container| container.labels().owner() == Some(compiled.graph.owner.clone());
            let orphans: Vec<String> = world
                .containers
                .values()
                .filter(ours)
                .filter(|c| !licence.meant.contains(&c.name))
                .map(|c| c.name.clone())
                .collect();
            licence.ends.extend(orphans.clone());
            licence.meant.extend(orphans);
            licence.networks.extend(
                world
                    .networks
                    .values()
                    .filter(|network| network.labels().owner() == Some(compiled.graph.owner.clone()))
                    .map(|network| network.name.clone()),
            );
        }
        licence
    }

    fn is_ours(&self, name: &str) -> bool {
        self.meant.contains(&plain(name))
    }
}

impl Treasure {
    pub fn of(fake: &Fake, licence: &Licence, wanted: &Wanted) -> Self {
        let world = fake.look(&Wanted { containers: fake.names(), ..wanted.clone() });
        let serving = world
            .containers
            .values()
            .filter(|container| serves(container, &world))
            .filter(|container| licence.is_ours(&container.name))
            .map(|container| (plain(&container.name), anonymous(container)))
            .filter(|(name, _)| !licence.ends.contains(name))
            .collect();
        let joined = world
            .containers
            .values()
            .filter(|c| {
                world.joined(c).next().is_some() || c.attributes.json()["HostConfig"]["Links"].is_array()
            })
            .map(|container| plain(&container.name))
            .collect();
        let strangers = world
            .containers
            .values()
            .filter(|container| !licence.is_ours(&container.name))
            .map(|c| (c.id.clone(), (c.name.clone(), c.state, started(c))))
            .collect();
        let stranger_networks = world
            .networks
            .values()
            .filter(|network| !licence.networks.contains(&network.name))
            .map(|network| network.id.clone())
            .collect();
        Self { serving, joined, contents: fake.contents(), strangers, stranger_networks }
    }

    /// Law 5, at any moment: no data is gone and no stranger was touched.
    pub fn is_kept(&self, fake: &Fake, licence: &Licence, wanted: &Wanted) -> Result<(), String> {
        let world = fake.look(&Wanted { containers: fake.names(), ..wanted.clone() });
        let contents = fake.contents();
        for (volume, content) in &self.contents {
            if contents.get(volume) != Some(content) && !licence.volumes.contains(volume) {
                return Err(format!("volume {volume} lost its content: {:?}", contents.get(volume)));
            }
        }
        for (id, before) in &self.strangers {
            let now = world.containers.get(id).map(|c| (c.name.clone(), c.state, started(c)));
            if now.as_ref() != Some(before) {
                return Err(format!("stranger {before:?} was touched: {now:?}"));
            }
        }
        if let Some(id) = self.stranger_networks.iter().find(|id| !world.networks.contains_key(id)) {
            return Err(format!("a network that is not ours is gone: {id}"));
        }
        Ok(())
    }

    /// Law 5, when a run is over: whatever served before serves already.
    /// Who shares another's network, or is linked to it, may have to wait for the next run.
    pub fn serves_soon(&self, fake: &Fake, licence: &Licence, wanted: &Wanted) -> Result<(), String> {
        let joined = |name: &String| self.joined.contains(name);
        let serving = self.serving.clone().into_iter().filter(|(name, _)| !joined(name)).collect();
        Self { serving, ..self.clone() }.serves(fake, licence, wanted)
    }

    /// Law 5, when the next run is over: whatever served before serves.
    pub fn serves(&self, fake: &Fake, licence: &Licence, wanted: &Wanted) -> Result<(), String> {
        let world = fake.look(&Wanted { containers: fake.names(), ..wanted.clone() });
        for name in self.serving.keys() {
            let new = licence.renamed.get(name).unwrap_or(name);
            let up = world.containers.values().any(|container| {
                let plain = plain(&container.name);
                (plain == *name || plain == *new) && serves(container, &world)
            });
            if !up {
                return Err(format!("{name} served before and does not serve now:\n{}", told(&world)));
            }
        }
        Ok(())
    }

    /// Law 5, when all has converged: under its name, with its volumes.
    pub fn converged(&self, fake: &Fake, licence: &Licence, wanted: &Wanted) -> Result<(), String> {
        self.is_kept(fake, licence, wanted)?;
        self.serves(fake, licence, wanted)?;
        let world = fake.look(&Wanted { containers: fake.names(), ..wanted.clone() });
        for (name, volumes) in &self.serving {
            let new = licence.renamed.get(name).unwrap_or(name);
            let Some(container) = world.container(new) else {
                return Err(format!("{new} is not there:\n{}", told(&world)));
            };
            let now = anonymous(container);
            for (path, volume) in volumes {
                if now.get(path).is_some_and(|other| other != volume) {
                    return Err(format!("{new} lost the anonymous volume at {path}"));
                }
            }
        }
        let leftover = world.containers.values().find(|container| {
            container.role() != Role::Current
                && !is_kept(container)
                && licence.is_ours(&container.name)
                && !self.strangers.contains_key(&container.id)
        });
        if let Some(leftover) = leftover {
            return Err(format!("{} was left over:\n{}", leftover.name, told(&world)));
        }
        Ok(())
    }
}

/// Up, and with what it shares: who has another's namespace lost it if that one restarted.
fn serves(container: &Container, world: &World) -> bool {
    if container.state != RunState::Running {
        return false;
    }
    let shares = NAMESPACES.iter().filter(|namespace| namespace.of(container).is_some()).count();
    let serving = world
        .joined(container)
        .filter(|owner| owner.state == RunState::Running && started(owner) <= started(container));
    serving.count() == shares
}

fn started(container: &Container) -> Option<String> {
    container.attributes.text("State.StartedAt").map(str::to_owned)
}

/// The name that a container serves.
fn plain(name: &str) -> String {
    Role::of(name).serves().map_or_else(|| name.to_owned(), |(of, _)| of)
}

/// Where volumes are mounted that the engine named.
fn anonymous(container: &Container) -> BTreeMap<String, String> {
    let mounts = container.attributes.json()["Mounts"].as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    mounts
        .iter()
        .filter_map(|mount| Some((text(&mount["Destination"])?, text(&mount["Name"])?)))
        .filter(|(_, name)| name.len() == 64)
        .collect()
}

/// The containers of a world in a few words, for messages.
pub fn told(world: &World) -> String {
    let lines = world.containers.values().map(|container| {
        let attributes = &container.attributes;
        format!(
            "  {} {} {} restart={} replaces={} error={:?}",
            container.name,
            container.state.word(),
            &container.id.to_string()[..6],
            attributes.text("HostConfig.RestartPolicy.Name").unwrap_or("?"),
            container.labels().get("io.evenkeel.replaces").unwrap_or("-").chars().take(6).collect::<String>(),
            attributes.text("State.Error").unwrap_or(""),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
