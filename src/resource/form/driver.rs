//! Drivers of networks and volumes.

use serde_json::{Value, json};

use super::parts::text;
use super::{Form, Sample, Samples};
use crate::resource::Reading;
use crate::source::{Diagnostics, Node};

/// The name of a driver. Nothing is the engine's default.
pub struct Driver {
    default: &'static str,
    expects: &'static str,
    samples: Samples,
}

pub const NETWORK_DRIVER: Driver = Driver {
    default: "bridge",
    expects: DRIVER,
    samples: Samples::of(&[
        Sample { plain: &["bridge", "''"], salt: &[] },
        Sample { plain: &["macvlan"], salt: &[] },
    ]),
};

pub const VOLUME_DRIVER: Driver = Driver {
    default: "local",
    expects: DRIVER,
    samples: Samples::of(&[
        Sample { plain: &["local", "''"], salt: &[] },
        Sample { plain: &["nfs"], salt: &[] },
    ]),
};

/// Engines of Linux take the default alone.
pub const ISOLATION: Driver = Driver {
    default: "default",
    expects: "`default`; for Windows also other words",
    samples: Samples::of(&[
        Sample { plain: &["default", "''"], salt: &[] },
        Sample { plain: &["process"], salt: &[] },
    ]),
};

const DRIVER: &str = "the name of a driver";

impl Form for Driver {
    fn read(&self, node: &Node, _: &Reading) -> Result<Value, Diagnostics> {
        Ok(self.observe(&json!(text(node, self.expects())?)))
    }

    fn observe(&self, shown: &Value) -> Value {
        json!(shown.as_str().filter(|name| !name.is_empty()).unwrap_or(self.default))
    }

    fn expects(&self) -> &'static str {
        self.expects
    }

    fn samples(&self) -> Samples {
        self.samples
    }
}
