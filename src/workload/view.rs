//! What a workload of any kind says.

use kube::api::DynamicObject;
use serde_json::Value;

use super::{Kind, Mark, Pod, count, deployment::DEFAULT_PROGRESS_DEADLINE, hold};
use crate::api::{IntOrPercent, int_or_percent::Round, keys};

/// A view of a workload as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// The object.
    pub object: &'a DynamicObject,
    /// Its kind.
    pub kind: Kind,
}

impl<'a> Workload<'a> {
    /// Looks at an object; nothing when it is of a kind that is not released.
    #[must_use]
    pub fn new(object: &'a DynamicObject) -> Option<Self> {
        let types = object.types.as_ref()?;
        Kind::of(&types.api_version, &types.kind).map(|kind| Self { object, kind })
    }

    /// The spec.
    #[must_use]
    pub fn spec(&self) -> &'a Value {
        &self.object.data["spec"]
    }

    /// The pod template.
    #[must_use]
    pub fn template(&self) -> &'a Value {
        &self.spec()["template"]
    }

    /// A label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.object.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// Pods it should have: for those with one per node, what the nodes ask for.
    #[must_use]
    pub fn replicas(&self) -> i32 {
        if self.kind.is_per_node() {
            return count(&self.object.data["status"]["desiredNumberScheduled"]);
        }
        self.spec()["replicas"]
            .as_i64()
            .map_or(1, |n| i32::try_from(n).unwrap_or(i32::MAX))
    }

    /// Whether its controller has seen the present spec.
    #[must_use]
    pub fn observed(&self) -> bool {
        let seen = self.object.data["status"]["observedGeneration"].as_i64();
        seen.unwrap_or(0) >= self.object.metadata.generation.unwrap_or(0)
    }

    /// The revision that its controller gave the present template; nothing for a Deployment, whose ReplicaSets say it, and
    /// as long as the controller has not looked. `revisions` are its ControllerRevisions.
    #[must_use]
    pub fn update_revision(&self, revisions: &[DynamicObject]) -> Option<String> {
        if !self.observed() {
            return None;
        }
        let status = &self.object.data["status"];
        let name = match self.kind {
            Kind::Deployment => return None,
            Kind::StatefulSet | Kind::AdvancedStatefulSet => status["updateRevision"].as_str()?,
            Kind::CloneSet => short(status["updateRevision"].as_str()?),
            Kind::AdvancedDaemonSet => short(status["daemonSetHash"].as_str()?),
            // Its status names none: the one made from the present template is the template's. What the watch of them has not
            // yet told is unseen.
            Kind::DaemonSet => revisions
                .iter()
                .find(|revision| {
                    super::same_template(&revision.data["data"]["spec"]["template"], self.template())
                })?
                .metadata
                .labels
                .as_ref()?
                .get(keys::CONTROLLER_REVISION_HASH)?,
        };
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The revision that its controller takes for the one from before; only StatefulSets and CloneSets name it.
    #[must_use]
    pub fn current_revision(&self) -> Option<String> {
        let name = self.object.data["status"]["currentRevision"].as_str()?;
        match self.kind {
            Kind::StatefulSet | Kind::AdvancedStatefulSet => Some(name.to_owned()),
            Kind::CloneSet => Some(short(name).to_owned()),
            _ => None,
        }
    }

    /// Pods that are ready, as its controller counts them; nothing where it has not looked since the last change.
    #[must_use]
    pub fn counted_ready(&self) -> Option<i32> {
        let status = &self.object.data["status"];
        let (whole, ready) = if self.kind.is_per_node() {
            ("desiredNumberScheduled", "numberReady")
        } else {
            ("replicas", "readyReplicas")
        };
        // A count of zero may be left out.
        (self.observed() && !status[whole].is_null()).then(|| count(&status[ready]))
    }

    /// Pods of the version from before that are not on their way out, as its controller counts them; nothing where it counts
    /// no such pods, or has not looked since the last change.
    #[must_use]
    pub fn current_left(&self, revision: &str) -> Option<i32> {
        let counts = matches!(self.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet);
        let status = &self.object.data["status"];
        // A count of zero is left out.
        if !counts || !self.observed() || status["replicas"].is_null() {
            return None;
        }
        let named = |field: &str| status[field].as_str();
        let current = count(&status["currentReplicas"]);
        if named("currentRevision") == Some(revision) {
            return Some(current);
        }
        // Another one is everywhere since, or was: what is of neither of the two that it counts may be of this one.
        let updated = if named("updateRevision") == named("currentRevision") {
            0
        } else {
            count(&status["updatedReplicas"])
        };
        let is_updated = named("updateRevision") == Some(revision);
        (!is_updated).then(|| count(&status["replicas"]).saturating_sub(current.saturating_add(updated)))
    }

    /// The revision of a pod of it.
    #[must_use]
    pub fn revision_of<'p>(&self, pod: &'p Pod) -> &'p str {
        let name = pod.label(self.kind.revision_label());
        if name.is_empty() {
            short(pod.label(keys::CONTROLLER_REVISION_HASH))
        } else {
            name
        }
    }

    /// Pods that stay at the old version under its partition.
    #[must_use]
    pub fn kept(&self) -> i32 {
        let partition = hold::partition(self.kind).map_or(&Value::Null, |path| hold::at(self.spec(), path));
        super::partition::kept(self.kind, partition, self.replicas())
    }

    /// Whether the user replaces its pods by hand: then nothing can be released in steps.
    #[must_use]
    pub fn is_on_delete(&self) -> bool {
        let replaced = Mark::read(self.object).is_some_and(|mark| {
            mark.original
                .get(hold::UPDATE_TYPE)
                .is_some_and(|original| original != "OnDelete")
        });
        hold::at(self.spec(), hold::UPDATE_TYPE) == "OnDelete" && !replaced
    }

    /// Whether its pods are started in order, so that one that does not become ready holds up the others.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        let ordered = self.spec()["podManagementPolicy"] != "Parallel";
        matches!(self.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet) && ordered
    }

    /// Whether its partition counts pods and not ordinals.
    #[must_use]
    pub fn is_unordered_update(&self) -> bool {
        match self.kind {
            Kind::StatefulSet => false,
            Kind::AdvancedStatefulSet => {
                !hold::at(self.spec(), "updateStrategy.rollingUpdate.unorderedUpdate").is_null()
            }
            _ => true,
        }
    }

    /// Pods of a DaemonSet that may be missing at a time: at least one (engine-workloads 8).
    #[must_use]
    pub fn max_unavailable(&self) -> i32 {
        let text = hold::at(self.spec(), "updateStrategy.rollingUpdate.maxUnavailable");
        let value: Option<IntOrPercent> = serde_json::from_value(text.clone()).ok();
        value
            .map_or(1, |value| value.of(self.replicas(), Round::Down))
            .max(1)
    }

    /// Seconds without progress after which a release counts as degraded: the user's, not the one a hold put there.
    #[must_use]
    pub fn progress_deadline(&self) -> i64 {
        let mark = Mark::read(self.object);
        let replaced = mark.as_ref().and_then(|mark| mark.original.get(hold::DEADLINE));
        replaced
            .unwrap_or_else(|| hold::at(self.spec(), hold::DEADLINE))
            .as_i64()
            .unwrap_or(DEFAULT_PROGRESS_DEADLINE)
    }
}

/// The hash at the end of a revision's name.
fn short(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(_, hash)| hash)
}
