//! Doing steps on the fake engine, unless a fault says otherwise.

use std::future::pending;

use async_trait::async_trait;

use super::docker::{Docker, Fake, No, no};
use super::faults::Fault;
use crate::engine::{Answer, Perform, PerformError, Progress};
use crate::world::{Id, Step, Target};

#[async_trait]
impl Perform for Fake {
    async fn perform(&self, step: &Step, _progress: Progress<'_>) -> Result<Answer, PerformError> {
        let (number, fault) = self.lock().faults.begin(step);
        self.dawdle().await;
        let answer = match fault {
            None => self.lock().effect(number, step),
            Some(Fault::Refuse) => self.lock().refuse(step),
            Some(Fault::NotSent) => Err(PerformError::Refused {
                status: None,
                message: "cannot reach the engine: a fault of the test".to_owned(),
            }),
            Some(Fault::LoseAnswer) => {
                // What the engine says is lost whether it was yes or no.
                let _ = self.lock().effect(number, step);
                Err(PerformError::Lost { reason: "a fault of the test".to_owned() })
            }
            Some(Fault::LoseCall) => Err(PerformError::Lost { reason: "a fault of the test".to_owned() }),
            Some(Fault::DieBefore) => self.die(number).await,
            Some(Fault::DieAfter) => {
                let _ = self.lock().effect(number, step);
                self.die(number).await
            }
        };
        self.dawdle().await;
        self.lock().faults.end(number);
        answer
    }
}

impl Fake {
    /// Lets others go first, as often as chance has it. Nobody comes back to the dead.
    pub(super) async fn dawdle(&self) {
        let times = {
            let mut docker = self.lock();
            docker.requests += 1;
            docker.chance.below(6)
        };
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
        if self.lock().faults.is_dead {
            pending::<()>().await;
        }
    }

    /// The process is gone. The engine goes on with some of what was on its way.
    async fn die(&self, last: usize) -> Result<Answer, PerformError> {
        {
            let mut docker = self.lock();
            docker.faults.is_dead = true;
            let on_the_way: Vec<(usize, Step)> = docker
                .faults
                .records
                .iter()
                .enumerate()
                .filter(|(number, record)| *number != last && record.ended.is_none() && !record.done)
                .map(|(number, record)| (number, record.step.clone()))
                .collect();
            for (number, step) in on_the_way {
                if docker.chance.coin() {
                    let _ = docker.effect(number, &step);
                }
            }
        }
        self.died.notify_waiters();
        pending().await
    }
}

impl Docker {
    fn effect(&mut self, number: usize, step: &Step) -> Result<Answer, PerformError> {
        let answer = self.step(step)?;
        self.faults.done(number, answer.id.clone());
        Ok(answer)
    }

    fn step(&mut self, step: &Step) -> Result<Answer, PerformError> {
        self.tick();
        match step {
            Step::PullImage { reference, digest, .. } => {
                made(self.pull(reference, digest.as_deref()).map_err(failed)?)
            }
            Step::BuildImage { build, .. } => made(self.build(build).map_err(failed)?),
            Step::LoadImage { reference, hash, .. } => made(self.load(reference, hash)),
            Step::TagImage { image, reference } => answered(self.tag(&id(image)?, reference)),
            Step::PushImage { image, reference } => {
                self.push(&id(image)?, reference).map_err(failed)?;
                Ok(Answer::default())
            }
            Step::SaveImage { image, path, .. } => {
                let id = id(image)?;
                if self.find_image(&id).is_none() {
                    return Err(refused(no(404, format!("No such image: {id}"))));
                }
                self.archives.insert(path.clone(), id);
                Ok(Answer::default())
            }
            Step::RemoveImage { reference, .. } => answered(self.remove_image(reference)),

            Step::CreateNetwork { network, body } => {
                made(self.create_network(&network.name, body).map_err(refused)?)
            }
            Step::RemoveNetwork { network } => answered(self.remove_network(&id(network)?)),
            Step::Connect { network, container, endpoint } => {
                answered(self.connect(&id(network)?, &id(container)?, endpoint))
            }
            Step::Disconnect { network, container } => {
                // As the real performer does: a network that is gone is still known by its name.
                let network_id = id(network)?;
                let known = self.networks.contains_key(&network_id);
                let by = if known { network_id } else { network.name.clone() };
                answered(self.disconnect(&by, &id(container)?))
            }

            Step::CreateVolume { name, body } => {
                self.create_volume(name, body);
                made(name.clone())
            }
            Step::RemoveVolume { name } => answered(self.remove_volume(name)),

            Step::CreateContainer { container, body, .. } => {
                made(self.create_container(&container.name, body).map_err(refused)?)
            }
            Step::CreateTrial { container, image, trial } => {
                let mut body = trial.body();
                body["Image"] = serde_json::json!(image.to_string());
                made(self.create_container(&container.name, &body).map_err(refused)?)
            }
            Step::AwaitEnd { container, .. } => {
                let id = id(container)?;
                let body = self.inspect(&id).unwrap_or_default();
                answered(self.stop(&id))?;
                match body["Config"]["Entrypoint"].to_string().contains("false") {
                    true => Err(PerformError::NotSettled { reason: "it ended with exit code 1".to_owned() }),
                    false => Ok(Answer::default()),
                }
            }
            Step::PutFiles { container, files, time } => {
                let id = id(container)?;
                let Some(found) = self.containers.get_mut(&id) else {
                    return Err(refused(no(404, format!("No such container: {id}"))));
                };
                let put = files.iter().map(|file| (file.path.clone(), (file.clone(), file.time(*time))));
                found.files.extend(put);
                Ok(Answer::default())
            }
            Step::StartContainer { container } => answered(self.start(&id(container)?)),
            Step::StopContainer { container, .. } => answered(self.stop(&id(container)?)),
            Step::RestartContainer { container, .. } => answered(self.restart(&id(container)?)),
            Step::SignalContainer { container, signal } => answered(self.signal(&id(container)?, signal)),
            Step::UnpauseContainer { container } => answered(self.unpause(&id(container)?)),
            Step::RenameContainer { container, to } => answered(self.rename(&id(container)?, to)),
            Step::UpdateContainer { container, body } => answered(self.update(&id(container)?, body)),
            Step::Settle { container, .. }
            | Step::Watch { container, .. }
            | Step::AwaitHealthy { container, .. } => self
                .settle(&id(container)?)
                .map(|()| Answer::default())
                .map_err(|reason| PerformError::NotSettled { reason }),
            Step::RemoveContainer { container } | Step::RemoveTrial { container } => {
                answered(self.remove_container(&id(container)?))
            }

            Step::CheckCommand { command } if command == "false" => {
                Err(PerformError::Failed { message: "`false` exited with 1".to_owned(), output: Vec::new() })
            }
            Step::CheckCommand { .. } | Step::RunHook { .. } => Ok(Answer::default()),
        }
    }

    /// Says no, with the traces that the real engine leaves.
    fn refuse(&mut self, step: &Step) -> Result<Answer, PerformError> {
        self.tick();
        let message = "a fault of the test".to_owned();
        match step {
            Step::Settle { .. } | Step::Watch { .. } | Step::AwaitHealthy { .. } | Step::AwaitEnd { .. } => {
                Err(PerformError::NotSettled { reason: message })
            }
            Step::PullImage { .. }
            | Step::BuildImage { .. }
            | Step::LoadImage { .. }
            | Step::PushImage { .. }
            | Step::RunHook { .. }
            | Step::CheckCommand { .. } => {
                Err(PerformError::Failed { message, output: vec!["no luck".to_owned()] })
            }
            Step::StartContainer { container } => {
                self.could_not_start(&id(container)?, &message);
                Err(PerformError::Refused { status: Some(500), message })
            }
            Step::RestartContainer { container, .. } => {
                let id = id(container)?;
                let _ = self.stop(&id);
                self.could_not_start(&id, &message);
                Err(PerformError::Refused { status: Some(500), message })
            }
            _ => Err(PerformError::Refused { status: Some(500), message }),
        }
    }
}

fn made(id: String) -> Result<Answer, PerformError> {
    Ok(Answer::made(id))
}

fn answered(result: Result<(), No>) -> Result<Answer, PerformError> {
    match result {
        Ok(()) => Ok(Answer::default()),
        // It was so already.
        Err(No { status: 304, .. }) => Ok(Answer::default()),
        Err(other) => Err(refused(other)),
    }
}

fn refused(no: No) -> PerformError {
    PerformError::Refused { status: Some(no.status), message: no.message }
}

fn failed(no: No) -> PerformError {
    PerformError::Failed { message: no.message, output: Vec::new() }
}

/// A planned id must never get as far as an engine.
fn id(target: &Target) -> Result<String, PerformError> {
    match &target.id {
        Id::Engine(id) if !id.is_empty() => Ok(id.clone()),
        Id::Engine(_) | Id::Planned(_) => Err(PerformError::Refused {
            status: None,
            message: format!("internal error: the object `{target}` has no id yet"),
        }),
    }
}
