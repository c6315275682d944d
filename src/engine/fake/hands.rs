//! What people do to an engine by hand, behind evenkeel's back.

use serde_json::{Value, json};

use super::docker::{Docker, Fake, No};

impl Fake {
    /// Does one line of `docker …`, such as `stop web` or `rename web other`.
    ///
    /// # Errors
    /// If the engine refuses it, or the line cannot be understood.
    pub fn by_hand(&self, line: &str) -> Result<(), String> {
        let mut docker = self.lock();
        docker.tick();
        let words: Vec<&str> = line.split_whitespace().collect();
        docker.line(&words).map_err(|no| format!("{line}: {} {}", no.status, no.message))
    }

    /// Makes a container that no evenkeel made, and runs it.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub fn stranger(&self, name: &str, body: &Value) -> Result<String, String> {
        let mut docker = self.lock();
        docker.tick();
        let id = docker.create_container(name, body).map_err(|no| no.message)?;
        docker.start(&id).map_err(|no| no.message)?;
        Ok(id)
    }
}

impl Docker {
    fn line(&mut self, words: &[&str]) -> Result<(), No> {
        match *words {
            ["stop", name] => self.stop(name),
            ["start", name] => self.start(name),
            ["kill", name] => self.signal(name, "KILL"),
            ["pause", name] => self.pause(name),
            ["unpause", name] => self.unpause(name),
            ["restart", name] => self.restart(name),
            ["rename", name, to] => self.rename(name, to),
            ["rm", name] => {
                let _ = self.stop(name);
                self.remove_container(name)
            }
            ["connect", network, name] => self.connect(network, name, &json!({})),
            ["disconnect", network, name] => self.disconnect(network, name),
            ["memory", name, bytes] => {
                let bytes: i64 = bytes.parse().unwrap_or(0);
                self.update(name, &json!({"Memory": bytes, "MemorySwap": bytes * 2}))
            }
            ["restart-policy", name, policy] => {
                self.update(name, &json!({"RestartPolicy": {"Name": policy, "MaximumRetryCount": 0}}))
            }
            ["network", "create", name] => self.create_network(name, &json!({})).map(|_| ()),
            ["network", "create", name, subnet] => {
                self.create_network(name, &json!({"IPAM": {"Config": [{"Subnet": subnet}]}})).map(|_| ())
            }
            ["network", "rm", name] => self.remove_network(name),
            ["volume", "create", name] => {
                self.create_volume(name, &json!({}));
                Ok(())
            }
            ["volume", "rm", name] => self.remove_volume(name),
            ["tag", image, reference] => self.tag(image, reference),
            ["rmi", reference] => self.remove_image(reference),
            ["push", image, reference] => {
                let id = self.find_image(image).ok_or_else(|| super::docker::no(404, "no such image"))?;
                self.tag(&id, reference)?;
                self.push(&id, reference)
            }
            ["pull", reference] => self.pull(reference, None).map(|_| ()),
            ["reboot"] => {
                self.reboot();
                Ok(())
            }
            _ => Err(super::docker::no(400, "the fake does not know this line")),
        }
    }
}
