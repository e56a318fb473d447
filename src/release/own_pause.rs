//! A pause of a workload's own update that its user asked for: not the hold of a release, which a mark tells of.

use serde_json::Value;

use crate::workload::{edit, hold};

/// What a release means to it.
pub const IS_PAUSED: &str =
    "is paused (spec.paused), which holds no release back: its pods come as the steps say";

/// Whether the user has paused a Deployment. Whoever releases it holds it by the same field, so that nobody could tell; in the
/// end the engine here brings the pause back, OpenKruise Rollouts does not.
#[must_use]
pub fn is_there(workload: &Value) -> bool {
    workload["kind"] == "Deployment"
        && *hold::at(&workload["spec"], hold::PAUSED) == true
        && edit::mark_of(workload).is_none()
}
