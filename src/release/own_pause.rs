//! A pause of a workload's own update that its user asked for: not the hold of a release, which a mark tells of.

use serde_json::Value;

use crate::workload::{edit, hold};

/// What a release means to it.
pub const LIFTED: &str = "is paused (spec.paused), and a release lifts that: its pods come as the steps say";

/// Whether the user has paused a Deployment. Whoever releases it holds it by the same field, and lets go of it in the end:
/// OpenKruise Rollouts as well as the engine here.
#[must_use]
pub fn is_lifted(workload: &Value) -> bool {
    workload["kind"] == "Deployment"
        && *hold::at(&workload["spec"], hold::PAUSED) == true
        && edit::mark_of(workload).is_none()
}
