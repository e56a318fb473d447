//! What matters of a pod.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A pod as it was read; terminal pods (`Failed`, `Succeeded`) are never among them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Uid of its controller: a ReplicaSet, or the workload itself.
    pub owner: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether its condition Ready is true.
    pub ready: bool,
    /// Whether it has not started (phase `Pending`).
    pub pending: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Value of the annotation `controller.kubernetes.io/pod-deletion-cost`, 0 when absent.
    pub deletion_cost: i32,
}

impl Pod {
    /// Whether another look at the pod tells nothing new but its resourceVersion.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self {
            name,
            uid,
            resource_version: _,
            labels,
            owner,
            deleting,
            ready,
            pending,
            created,
            deletion_cost,
        } = other;
        (self.deleting, self.ready, self.pending, self.deletion_cost)
            == (*deleting, *ready, *pending, *deletion_cost)
            && (&self.name, &self.uid, &self.owner, &self.created) == (name, uid, owner, created)
            && self.labels == *labels
    }

    /// A label's value; empty when it has none.
    #[must_use]
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }

    /// The ordinal of a StatefulSet's pod: the number its name ends in.
    #[must_use]
    pub fn ordinal(&self) -> Option<i32> {
        self.name.rsplit_once('-')?.1.parse().ok()
    }
}
