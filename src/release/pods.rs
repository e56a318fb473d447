//! The pods of each version, counted from ReplicaSets.

use serde_json::Value;

use super::position::Position;
use crate::api::keys;

/// Annotation with the number of a ReplicaSet's revision; written by the Deployment controller.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What part a revision plays.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Role {
    /// What ran before the release, or what runs at rest.
    Stable,
    /// What is being released.
    New,
    /// Neither, with pods still there.
    Other,
}

/// One version of the workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revision {
    /// Its part.
    pub role: Role,
    /// `pod-template-hash`.
    pub hash: String,
    /// Images of its containers, in order.
    pub images: Vec<String>,
    /// Pods there should be.
    pub desired: i64,
    /// Pods there are.
    pub current: i64,
    /// Pods that are ready.
    pub ready: i64,
}

/// All versions with a part to play.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pods {
    /// `spec.replicas` of the workload.
    pub wanted: i64,
    /// Stable first, then new, then others.
    pub revisions: Vec<Revision>,
}

impl Role {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::New => "new",
            Self::Other => "other",
        }
    }
}

impl Pods {
    /// Counts. `replica_sets` are those of the workload and of its canary.
    #[must_use]
    pub fn count(position: &Position, deployment: &Value, replica_sets: &[Value]) -> Self {
        let own_uid = &deployment["metadata"]["uid"];
        let newest = replica_sets
            .iter()
            .max_by_key(|set| number(set))
            .and_then(hash_of);
        let mut revisions: Vec<Revision> = replica_sets
            .iter()
            .filter_map(|set| {
                let hash = hash_of(set)?;
                let foreign = set["metadata"]["ownerReferences"]
                    .as_array()
                    .is_some_and(|owners| owners.iter().all(|owner| &owner["uid"] != own_uid));
                let role = if position.under_way() {
                    if hash == position.stable_revision {
                        Role::Stable
                    } else if hash == position.new_hash || foreign {
                        Role::New
                    } else {
                        Role::Other
                    }
                } else if newest.as_deref() == Some(&hash) {
                    Role::Stable
                } else {
                    Role::Other
                };
                let revision = Revision {
                    role,
                    images: images(set),
                    desired: set["spec"]["replicas"].as_i64().unwrap_or_default(),
                    current: set["status"]["replicas"].as_i64().unwrap_or_default(),
                    ready: set["status"]["readyReplicas"].as_i64().unwrap_or_default(),
                    hash,
                };
                (role != Role::Other || revision.desired.saturating_add(revision.current) > 0)
                    .then_some(revision)
            })
            .collect();
        revisions.sort_by(|a, b| (a.role, &a.hash).cmp(&(b.role, &b.hash)));
        // The extra canary and the workload share a hash once the workload has been promoted: one version, one row.
        let mut merged: Vec<Revision> = Vec::new();
        for revision in revisions {
            match merged.last_mut().filter(|last| last.hash == revision.hash) {
                Some(last) => {
                    last.desired = last.desired.saturating_add(revision.desired);
                    last.current = last.current.saturating_add(revision.current);
                    last.ready = last.ready.saturating_add(revision.ready);
                }
                None => merged.push(revision),
            }
        }
        Self {
            wanted: deployment["spec"]["replicas"].as_i64().unwrap_or_default(),
            revisions: merged,
        }
    }

    /// The revision of a part.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.role == role)
    }
}

fn hash_of(set: &Value) -> Option<String> {
    set["metadata"]["labels"][keys::POD_TEMPLATE_HASH]
        .as_str()
        .map(str::to_owned)
}

fn number(set: &Value) -> i64 {
    let annotation = set["metadata"]["annotations"][REVISION].as_str();
    let canary = set["metadata"]["labels"][keys::CANARY_DEPLOYMENT].is_string();
    if canary {
        -1
    } else {
        annotation.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

/// Images of an object with a pod template.
#[must_use]
pub fn images(object: &Value) -> Vec<String> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array();
    containers
        .map(|all| {
            all.iter()
                .filter_map(|c| c["image"].as_str().map(str::to_owned))
                .collect()
        })
        .unwrap_or_default()
}
