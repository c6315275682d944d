//! Drivers of networks and volumes.

use serde_json::{Value, json};

use super::parts::text;
use super::{Form, Sample};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// The name of a driver. Nothing is the engine's default.
pub struct Driver {
    default: &'static str,
    samples: &'static [Sample],
}

pub const NETWORK_DRIVER: Driver = Driver {
    default: "bridge",
    samples: &[Sample { plain: &["bridge", "''"], salt: &[] }, Sample { plain: &["macvlan"], salt: &[] }],
};

pub const VOLUME_DRIVER: Driver = Driver {
    default: "local",
    samples: &[Sample { plain: &["local", "''"], salt: &[] }, Sample { plain: &["nfs"], salt: &[] }],
};

impl Form for Driver {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        Ok(self.observe(&json!(text(node, self.expects())?)))
    }

    fn observe(&self, shown: &Value) -> Value {
        json!(shown.as_str().filter(|name| !name.is_empty()).unwrap_or(self.default))
    }

    fn expects(&self) -> &'static str {
        "the name of a driver"
    }

    fn samples(&self) -> &'static [Sample] {
        self.samples
    }
}
