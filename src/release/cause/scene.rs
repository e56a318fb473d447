//! What the detectors read.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::v1beta1::Rollout,
    release::{Pods, Position, Role, Traffic, Verdict, command::Command},
    workload::{Kind, Pod},
};

/// Who acts on Rollouts, as far as one can see.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Engine {
    /// Nobody looked, or looking is not allowed.
    #[default]
    Unknown,
    /// An engine holds a Lease that lasts.
    Acts {
        /// What was seen of it.
        seen: String,
        /// Whether it is the controller in the cluster.
        is_controller: bool,
    },
    /// A Lease has run out.
    Expired {
        /// Whose it was.
        holder: String,
        /// For how long.
        seconds: i64,
    },
    /// There is no Lease.
    Nobody {
        /// Where was looked.
        seen: String,
    },
}

impl Engine {
    /// Whether nobody goes on after a pause unless a command does, as far as one can see.
    #[must_use]
    pub fn leaves_it_to_commands(&self) -> bool {
        matches!(self, Self::Nobody { .. })
    }

    /// Whether the controller in the cluster acts.
    #[must_use]
    pub fn is_controller(&self) -> bool {
        matches!(
            self,
            Self::Acts {
                is_controller: true,
                ..
            }
        )
    }
}

/// What was looked at beyond what the state itself needs. What is not there was not found, or not looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// ReplicaSets of a Deployment and of its canary.
    pub sets: Vec<Value>,
    /// Pods of the workload and of its canary.
    pub pods: Vec<Value>,
    /// Events about the workload, its ReplicaSets and some of its pods.
    pub events: Vec<Value>,
    /// The stable Service and the canary Service.
    pub services: Vec<Value>,
    /// Their EndpointSlices; none when they were not looked for.
    pub slices: Option<Vec<Value>>,
    /// Routes.
    pub routes: Vec<Value>,
    /// Disruption budgets of the namespace.
    pub budgets: Vec<Value>,
    /// Autoscalers of the namespace.
    pub autoscalers: Vec<Value>,
    /// Nodes that pods of the workload are on.
    pub nodes: Vec<Value>,
    /// The other Rollouts of the namespace.
    pub rollouts: Vec<Value>,
    /// BatchReleases of the namespace.
    pub batch_releases: Vec<Value>,
    /// Who acts.
    pub engine: Engine,
    /// Last lines of containers that ended, by pod and container.
    pub logs: BTreeMap<(String, String), Vec<String>>,
}

/// One Rollout with everything around it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The Rollout.
    pub rollout: &'a Rollout,
    /// Where it is.
    pub position: &'a Position,
    /// The word for it.
    pub verdict: Verdict,
    /// Pods by version.
    pub versions: &'a Pods,
    /// Traffic by route.
    pub traffic: &'a [Traffic],
    /// The workload; none when it does not exist or was not read.
    pub workload: Option<&'a Value>,
    /// Kind and name of what the Rollout names and is not there.
    pub missing: &'a [(String, String)],
    /// Whether the workload asks for another version than the one under way, which nobody has taken up.
    pub is_overtaken: bool,
    /// Everything else.
    pub sight: &'a Sight,
    /// The present time.
    pub now: Timestamp,
}

impl<'a> Scene<'a> {
    /// Namespace of the Rollout.
    #[must_use]
    pub fn namespace(&self) -> &'a str {
        self.rollout.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// Name of the Rollout.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.rollout.metadata.name.as_deref().unwrap_or_default()
    }

    /// What to type; where no engine would act on it, the command carries it out.
    #[must_use]
    pub fn text(&self, command: Command) -> String {
        if self.sight.engine.leaves_it_to_commands() {
            command.by_hand(self.namespace(), self.name())
        } else {
            command.text(self.namespace(), self.name())
        }
    }

    /// `rollout/NAME`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("rollout/{}", self.name())
    }

    /// `deployment/NAME`.
    #[must_use]
    pub fn workload_title(&self) -> String {
        let reference = &self.rollout.spec.workload_ref;
        format!("{}/{}", reference.kind.to_lowercase(), reference.name)
    }

    /// Kind of the workload.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::named(&self.rollout.spec.workload_ref)
    }

    /// The part that a pod plays. At rest there is only one version that matters.
    #[must_use]
    pub fn role(&self, pod: &Pod) -> Role {
        let label = self.kind().map_or("", Kind::revision_label);
        let hash = match pod.label(label) {
            "" => pod.label(crate::api::keys::CONTROLLER_REVISION_HASH),
            hash => hash,
        };
        let called = |name: &str| {
            !name.is_empty()
                && (hash == name || hash.strip_suffix(name).is_some_and(|rest| rest.ends_with('-')))
        };
        let known = self
            .versions
            .revisions
            .iter()
            .find(|revision| called(&revision.hash));
        match known {
            Some(revision) => revision.role,
            None if called(&self.position.stable_revision) => Role::Stable,
            None if self.position.under_way() => Role::New,
            None => Role::Stable,
        }
    }

    /// Events about an object, newest last.
    pub fn events_of(&self, kind: &'a str, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.sight.events.iter().filter(move |event| {
            let about = &event["involvedObject"];
            about["kind"] == kind && about["name"] == name
        })
    }
}

/// The last time that an Event speaks of.
pub(super) fn last_time(event: &Value) -> Option<Timestamp> {
    ["lastTimestamp", "eventTime", "firstTimestamp"]
        .iter()
        .find_map(|field| time(&event[*field]))
        .or_else(|| time(&event["series"]["lastObservedTime"]))
}

/// A time as it stands in objects.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(|text| text.parse().ok())
}

/// A text, empty when it is none.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of a list; none when it is none.
pub(super) fn entries(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().into_iter().flatten()
}

/// The condition of a kind.
pub(super) fn condition<'v>(status: &'v Value, kind: &str) -> Option<&'v Value> {
    entries(&status["conditions"]).find(|condition| condition["type"] == kind)
}
