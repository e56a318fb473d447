//! The shell around the core: watches, asks it, writes what it says, waits.
//!
//! The same code drives a live cluster, `plan`, `demo` and the tests; it does not know which.

mod apply;
mod cache;
mod kind;
mod lease;
pub mod meter;
mod patience;
mod record;
mod run;
mod table;
mod watch;
mod work;

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::{
    analysis::Inline,
    api::v1beta1::{Phase, StepState},
    engine::core::{Effect, Reason, Stop},
    traffic::script::Folder,
};

pub use lease::lease_name;
pub use meter::Meter;
pub use run::drive;

/// Names a Rollout.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RolloutKey {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for RolloutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Which Rollouts are driven.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Those with these names.
    Names {
        /// Their namespace.
        namespace: String,
        /// Their names.
        names: Vec<String>,
    },
    /// All that match.
    Selected {
        /// Their namespace; nothing means all namespaces.
        namespace: Option<String>,
        /// A label selector; nothing means all.
        labels: Option<String>,
    },
}

impl Scope {
    /// The namespace to look at; nothing means all.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        match self {
            Self::Names { namespace, .. } => Some(namespace),
            Self::Selected { namespace, .. } => namespace.as_deref(),
        }
    }
}

/// How to drive.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Who we are, in Leases.
    pub identity: String,
    /// Goes on for ever instead of ending when every Rollout is done, waits for a human, or failed.
    pub forever: bool,
    /// Scripts for Ingress classes and kinds of routes; they go before those of the cluster.
    pub scripts: Option<Arc<Folder>>,
    /// Tells what becomes of a release in Events on the Rollout.
    pub record: bool,
    /// Metric gates that the user gave in a file, instead of those that Rollouts name.
    pub analysis: Option<Arc<Inline>>,
    /// Who measures; nothing means that the providers are asked.
    pub meter: Option<Arc<dyn Meter>>,
    /// Ends the driving when it turns true: requests under way are finished, and Leases are given back.
    pub shutdown: Option<tokio::sync::watch::Receiver<bool>>,
}

/// What a driver does, as it happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A Rollout was looked at and is about to wait.
    Moved {
        /// Which.
        key: RolloutKey,
        /// When.
        at: Timestamp,
        /// Its phase, after the status was written.
        phase: Option<Phase>,
        /// Its step, 1-based.
        step: i32,
        /// Where the step is.
        state: StepState,
        /// Why, and who acts next.
        reason: Reason,
    },
    /// A write landed.
    Wrote {
        /// For which Rollout.
        key: RolloutKey,
        /// When.
        at: Timestamp,
        /// The write.
        effect: Box<Effect>,
    },
    /// A write failed and will be tried again.
    Retrying {
        /// For which Rollout.
        key: RolloutKey,
        /// Why.
        error: String,
        /// Seconds until then.
        seconds: f64,
    },
    /// Another engine holds the Rollout's Lease; it is waited for.
    HeldElsewhere {
        /// Which Rollout.
        key: RolloutKey,
        /// The other's identity.
        holder: String,
        /// Seconds until its Lease ends unless it is renewed.
        seconds: f64,
    },
    /// A kind cannot be listed or watched; what needs it waits, and it is tried again.
    Unreadable {
        /// The kind, as `clonesets.apps.kruise.io`.
        resource: String,
        /// Why.
        error: String,
    },
    /// A Rollout will not be driven further for now.
    Stopped {
        /// Which.
        key: RolloutKey,
        /// Why.
        stop: Stop,
    },
}

/// Why driving could not begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A kind could not be listed or watched.
    #[error("cannot read {plural}: {source}")]
    List {
        /// The kind's plural.
        plural: String,
        /// What the watch said; it wraps what the API server or the way to it said.
        #[source]
        source: Box<kube::runtime::watcher::Error>,
    },
}
