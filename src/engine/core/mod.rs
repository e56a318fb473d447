//! The pure part of the engine: what is there and the time in, what to write and how long to wait out.
//!
//! [`decide`] is total and deterministic. Transitions that need no wait are folded into one decision, and the status is
//! written only when the engine is about to wait; effects converge, so that an engine killed anywhere is followed by one
//! that computes what is missing. Timers live in the status.

mod batch;
mod blue_green;
mod canary;
mod condition;
mod decision;
mod effect;
mod finalise;
mod gate;
mod hold;
mod machine;
mod partition;
mod pin;
mod pods;
mod reason;
mod release;
mod shared;
mod snapshot;
mod step;
mod stray;
mod sub_status;
#[cfg(test)]
mod tests;
pub mod validate;
mod version;

pub use crate::workload::Pod;
pub use decision::{Decision, Wake};
pub use effect::{Effect, Precondition, Target, Verb};
pub use machine::decide;
pub use reason::{BLOCKED, INVALID, Reason, Stop, invalidity};
pub use snapshot::{Snapshot, owner_uid, plural};
pub use stray::{is_edited, is_turned, may_hold_another, pin_of, pinned_revision};
pub use validate::{Problem, obstacle, problems};
