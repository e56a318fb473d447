//! What came out of one look at a Rollout.

use jiff::Timestamp;
use serde_json::Value;

use super::{Effect, Reason};
use crate::analysis::Query;

/// What to write and how long to wait.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Writes, in order. When there are any, the driver applies them and looks again at once.
    pub effects: Vec<Effect>,
    /// Merge patch of the Rollout's status, written after the effects: only when the engine is about to wait.
    pub status: Option<Value>,
    /// When to look again.
    pub wake: Wake,
    /// Measurements that are due; their answers come back in the Snapshot.
    pub measure: Vec<Query>,
    /// Why we are here and who acts next.
    pub reason: Reason,
}

/// When to look again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wake {
    /// At a time, or at a change before it.
    At(Timestamp),
    /// When something changes.
    OnChange,
}
