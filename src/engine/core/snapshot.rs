//! Everything one decision may read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Effect, Precondition, Target, Verb};
use crate::{
    analysis::Analysis,
    api::{
        keys,
        v1beta1::{CanaryStrategy, Rollout, TrafficRoutingRef},
    },
    traffic::{self, Change, Provider, Routes, Shared, Wiring, script::Scripts},
    workload::{Kind, Pod, ReplicaSet},
};

/// What is known of one Rollout and what it refers to; sorted, each object with its uid and resourceVersion.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The Rollout.
    pub rollout: Rollout,
    /// The workload it names; nothing when it is not there.
    pub workload: Option<DynamicObject>,
    /// When the engine first saw the workload's present generation; nothing where nobody keeps that.
    pub workload_since: Option<Timestamp>,
    /// Deployments labelled as canary of the workload, by name.
    pub canaries: Vec<DynamicObject>,
    /// ReplicaSets of the workload and of the canaries, by name.
    pub replica_sets: Vec<DynamicObject>,
    /// ControllerRevisions of the workload, by name; read for DaemonSets, whose status names none.
    pub revisions: Vec<DynamicObject>,
    /// HorizontalPodAutoscalers that aim at the workload, or did before a blue-green release, by name; read for
    /// blue-green Rollouts.
    pub autoscalers: Vec<DynamicObject>,
    /// Pods of the workload and of the canaries, by name; shared with the driver, which may have ten thousand of them.
    pub pods: Vec<Arc<Pod>>,
    /// The stable Service and its twin, by name; only those that are there.
    pub services: BTreeMap<String, DynamicObject>,
    /// The objects that route requests to the Service and what a release makes beside them; only those that are there.
    pub routes: Routes,
    /// Scripts for Ingress classes and kinds of routes.
    pub scripts: Scripts,
    /// Plurals of kinds that only the API server knows, by API version and kind.
    pub plurals: BTreeMap<(String, String), String>,
    /// The TrafficRouting that the Rollout names, and those that it holds and names no more.
    pub shared: Vec<Shared>,
    /// Finalizers on those by Rollouts that are no more.
    pub orphaned: BTreeSet<String>,
    /// What a release of this Rollout made or changed for a workload or a route that the Rollout names no more: workloads
    /// with its mark, its canaries, Services, Ingresses and autoscalers.
    pub strays: Vec<DynamicObject>,
    /// Templates of metric gates, and answers to what was asked for them.
    pub analysis: Analysis,
    /// Other Rollouts that name the same workload, by name, but for disabled ones that have let it go.
    pub rivals: Vec<String>,
    /// A kind that the Rollout needs and the cluster does not serve, such as `clonesets.apps.kruise.io`; not one of a
    /// route.
    pub unserved: Option<String>,
    /// Kinds of routes, and of TrafficRoutings, that the cluster serves in no version, such as `httproutes.gateway.networking.k8s.io`.
    pub unserved_routes: BTreeSet<String>,
}

impl Snapshot {
    /// The Rollout's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rollout.metadata.name.as_deref().unwrap_or_default()
    }

    /// The Rollout's uid.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.rollout.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The namespace of everything.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.rollout.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// The kind of workload that the Rollout names; nothing when it is none that is released.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::named(&self.rollout.spec.workload_ref)
    }

    /// The ReplicaSets of a Deployment, in the order of their names.
    #[must_use]
    pub fn versions_of(&self, deployment: &DynamicObject) -> Vec<ReplicaSet<'_>> {
        let Some(uid) = deployment.metadata.uid.as_deref() else {
            return Vec::new();
        };
        self.replica_sets
            .iter()
            .filter(|set| owner_uid(set) == Some(uid))
            .map(ReplicaSet::new)
            .collect()
    }

    /// The canary strategy.
    #[must_use]
    pub fn canary_strategy(&self) -> Option<&CanaryStrategy> {
        self.rollout.spec.strategy.canary.as_ref()
    }

    /// The traffic routing, when the strategy has one.
    #[must_use]
    pub fn routing(&self) -> Option<&TrafficRoutingRef> {
        self.rollout.spec.strategy.traffic_routings().first()
    }

    /// The TrafficRouting that the Rollout names, if it is there.
    #[must_use]
    pub fn named_shared(&self) -> Option<&Shared> {
        let name = self.rollout.traffic_routing_name()?;
        self.shared.iter().find(|shared| shared.name() == name)
    }

    /// What splits the traffic.
    #[must_use]
    pub fn providers(&self) -> Vec<Provider> {
        let all = self.routing().map(Provider::all).unwrap_or_default();
        all.into_iter()
            .map(|provider| provider.scripted(&self.scripts))
            .collect()
    }

    /// What the providers are told; nothing when the strategy has no traffic routing.
    #[must_use]
    pub fn wiring(&self) -> Option<Wiring<'_>> {
        Wiring::of(&self.rollout, self.owner())
    }

    /// Labels that the Rollout lays over the canary's pods.
    #[must_use]
    pub fn patched_labels(&self) -> Option<&BTreeMap<String, String>> {
        traffic::patched_labels(&self.rollout)
    }

    /// A change of a route as a write.
    #[must_use]
    pub fn carry_out(&self, change: Change<'_>, purpose: &str) -> Effect {
        match change {
            Change::Create(object) => self.create(object, purpose),
            Change::Merge(object, body) => self.write(object, Verb::Merge(body), purpose),
            Change::Delete(object) => self.write(object, Verb::Delete, purpose),
        }
    }

    /// The reference by which the engine's objects belong to the Rollout.
    #[must_use]
    pub fn owner(&self) -> Value {
        json!({
            "apiVersion": "rollouts.kruise.io/v1beta1",
            "kind": "Rollout",
            "name": self.name(),
            "uid": self.uid(),
            "controller": true,
            "blockOwnerDeletion": true,
        })
    }

    /// Whether an object belongs to this Rollout, not to one of the same name.
    #[must_use]
    pub fn owns(&self, object: &DynamicObject) -> bool {
        owner_uid(object) == Some(self.uid())
    }

    /// Whether the Rollout carries the engine's finalizer.
    #[must_use]
    pub fn has_finalizer(&self) -> bool {
        self.rollout
            .metadata
            .finalizers
            .iter()
            .flatten()
            .any(|text| text == keys::ROLLOUT_FINALIZER)
    }

    /// A write of an object that was read: it takes place only if nobody wrote the object since.
    #[must_use]
    pub fn write(&self, object: &DynamicObject, verb: Verb, purpose: impl Into<String>) -> Effect {
        let kind = object.types.as_ref().map_or("", |types| types.kind.as_str());
        let api_version = object
            .types
            .as_ref()
            .map_or("", |types| types.api_version.as_str());
        // What is to go goes whatever was written to it since; it must only be the same object.
        let resource_version = object
            .metadata
            .resource_version
            .clone()
            .filter(|_| verb != Verb::Delete);
        Effect {
            target: self.target(
                api_version,
                kind,
                object.metadata.name.as_deref().unwrap_or_default(),
            ),
            verb,
            precondition: Precondition {
                uid: object.metadata.uid.clone(),
                resource_version,
            },
            purpose: purpose.into(),
        }
    }

    /// The making of a new object.
    #[must_use]
    pub fn create(&self, object: Value, purpose: impl Into<String>) -> Effect {
        let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
        let target = self.target(
            &text(&object["apiVersion"]),
            &text(&object["kind"]),
            &text(&object["metadata"]["name"]),
        );
        Effect {
            target,
            verb: Verb::Create(object),
            precondition: Precondition::default(),
            purpose: purpose.into(),
        }
    }

    /// A write of the Rollout itself.
    #[must_use]
    pub fn write_rollout(&self, verb: Verb, purpose: impl Into<String>) -> Effect {
        Effect {
            target: self.target("rollouts.kruise.io/v1beta1", "Rollout", self.name()),
            verb,
            precondition: Precondition {
                uid: self.rollout.metadata.uid.clone(),
                resource_version: self.rollout.metadata.resource_version.clone(),
            },
            purpose: purpose.into(),
        }
    }

    fn target(&self, api_version: &str, kind: &str, name: &str) -> Target {
        Target {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: self
                .plurals
                .get(&(api_version.to_owned(), kind.to_owned()))
                .cloned()
                .unwrap_or_else(|| plural(kind)),
            namespace: self.namespace().to_owned(),
            name: name.to_owned(),
        }
    }
}

/// Uid of the controller of an object.
#[must_use]
pub fn owner_uid(object: &DynamicObject) -> Option<&str> {
    let owners = object.metadata.owner_references.as_ref()?;
    owners
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid.as_str())
}

/// The plural of a kind as it stands in paths.
#[must_use]
pub fn plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    if lower.ends_with("ss") {
        format!("{lower}es")
    } else {
        format!("{lower}s")
    }
}
