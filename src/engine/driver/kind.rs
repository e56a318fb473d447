//! The kinds that the engine reads, and which of them one Rollout needs.

use std::collections::BTreeSet;

use kube::api::ApiResource;

use crate::{
    api::{
        keys,
        v1beta1::{Rollout, TrafficRoutingRef},
    },
    engine::core::{self, Target},
    traffic::{Provider, RouteKind},
    workload,
};

/// A kind that is watched. Workloads go by group, kind and version: two groups have a StatefulSet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(super) enum Kind {
    Rollout,
    /// The Rollouts that the scope's label selector picks, by metadata alone. All Rollouts are read besides: one that is
    /// not picked may be about the same workload.
    Picked,
    /// A workload in the version in which a Rollout names it.
    Workload(workload::Kind, &'static str),
    ReplicaSet,
    ControllerRevision,
    Autoscaler,
    /// Pods with this label: those of Deployments carry another one than those of the other kinds, so that nothing is read of
    /// pods that belong to kinds nobody releases.
    Pod(&'static str),
    Service,
    TrafficRouting,
    AnalysisTemplate,
    /// The ConfigMap with scripts, of which there is one.
    Configuration,
    /// A kind of route in one version.
    Route(RouteKind),
}

/// The pods of Deployments.
pub(super) const DEPLOYMENT_PODS: Kind = Kind::Pod(keys::POD_TEMPLATE_HASH);
/// The pods of every other kind of workload.
pub(super) const REVISION_PODS: Kind = Kind::Pod(keys::CONTROLLER_REVISION_HASH);
/// Deployments, canaries among them.
pub(super) const DEPLOYMENT: Kind = Kind::Workload(workload::Kind::Deployment, "apps/v1");

impl Kind {
    /// API version, kind and plural.
    pub(super) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Rollout | Self::Picked => ("rollouts.kruise.io/v1beta1", "Rollout", "rollouts"),
            Self::Workload(kind, api_version) => (api_version, kind.kind(), kind.plural()),
            Self::ReplicaSet => ("apps/v1", "ReplicaSet", "replicasets"),
            Self::ControllerRevision => ("apps/v1", "ControllerRevision", "controllerrevisions"),
            Self::Autoscaler => (
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                "horizontalpodautoscalers",
            ),
            Self::Pod(_) => ("v1", "Pod", "pods"),
            Self::Service => ("v1", "Service", "services"),
            Self::TrafficRouting => ("rollouts.kruise.io/v1alpha1", "TrafficRouting", "trafficroutings"),
            Self::AnalysisTemplate => (
                "rollouts.kruise.io/v1alpha1",
                "AnalysisTemplate",
                "analysistemplates",
            ),
            Self::Configuration => ("v1", "ConfigMap", "configmaps"),
            Self::Route(route) => (route.api_version, route.kind, route.plural),
        }
    }

    /// Its place in the API.
    pub(super) fn resource(self) -> ApiResource {
        let (api_version, kind, plural) = self.names();
        let (group, version) = split(api_version);
        ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// `clonesets.apps.kruise.io`, or `pods` in the core group.
    pub(super) fn qualified(self) -> String {
        if let Self::Route(route) = self {
            return route.qualified();
        }
        let resource = self.resource();
        if resource.group.is_empty() {
            resource.plural
        } else {
            format!("{}.{}", resource.plural, resource.group)
        }
    }

    /// Whether it says which Rollouts there are: nothing can be done without.
    pub(super) fn is_essential(self) -> bool {
        matches!(self, Self::Rollout | Self::Picked)
    }

    /// The tables that may hold what an effect writes: pods may be in either of two.
    pub(super) fn of(target: &Target) -> Vec<Self> {
        let others = [
            Self::Rollout,
            Self::ReplicaSet,
            Self::ControllerRevision,
            Self::Autoscaler,
            DEPLOYMENT_PODS,
            REVISION_PODS,
            Self::Service,
            Self::TrafficRouting,
        ];
        let routes = RouteKind::all().map(Self::Route);
        let workloads = workload::Kind::ALL.into_iter().flat_map(|kind| {
            let versions = kind.api_versions().iter();
            versions.map(move |version| Self::Workload(kind, version))
        });
        let known: Vec<Self> = others
            .into_iter()
            .chain(routes)
            .chain(workloads)
            .filter(|kind| {
                let (api_version, kind, _) = kind.names();
                kind == target.kind && api_version == target.api_version
            })
            .collect();
        if known.is_empty() {
            // A kind of the user's own; whether it is watched the cache knows.
            let named = RouteKind::named(&target.api_version, &target.kind);
            return named.iter().copied().map(Self::Route).collect();
        }
        known
    }

    /// The kinds without which nothing can be decided about a Rollout.
    pub(super) fn needed_by(rollout: &Rollout, is_edited: bool) -> BTreeSet<Self> {
        let spec = &rollout.spec;
        let mut needed = BTreeSet::new();
        if let Some((kind, version)) = named(rollout) {
            needed.insert(Self::Workload(kind, version));
            match kind {
                workload::Kind::Deployment => needed.extend([Self::ReplicaSet, DEPLOYMENT_PODS]),
                workload::Kind::DaemonSet => needed.extend([Self::ControllerRevision, REVISION_PODS]),
                _ => needed.extend([REVISION_PODS]),
            }
            // Also when the style was changed in the middle: autoscalers that were switched off are to be switched on.
            let was_blue_green = rollout
                .status
                .as_ref()
                .is_some_and(|status| status.blue_green_status.is_some());
            if spec.strategy.blue_green.is_some() || was_blue_green {
                needed.insert(Self::Autoscaler);
            }
        }
        let annotations = rollout.metadata.annotations.as_ref();
        if annotations.is_some_and(|all| all.contains_key(keys::ANALYSIS)) {
            needed.insert(Self::AnalysisTemplate);
            needed.extend(Self::revisions_of(rollout));
        }
        if is_edited {
            // What it named before may be among these.
            needed.extend([Self::Service, Self::Route(RouteKind::INGRESS[0])]);
        }
        if core::is_turned(rollout) {
            let native = [
                workload::Kind::Deployment,
                workload::Kind::StatefulSet,
                workload::Kind::DaemonSet,
            ];
            needed.extend(native.map(|kind| Self::Workload(kind, "apps/v1")));
            needed.insert(Self::Autoscaler);
        }
        if rollout.traffic_routing_name().is_some() || core::may_hold_another(rollout) {
            needed.insert(Self::TrafficRouting);
        }
        needed.extend(Self::routed_by(spec.strategy.traffic_routings()));
        needed
    }

    /// What the template of a workload's stable version is read from, when its metrics fail; of a Deployment it is read in
    /// any case.
    pub(super) fn revisions_of(rollout: &Rollout) -> Option<Self> {
        let (kind, _) = named(rollout)?;
        (kind != workload::Kind::Deployment).then_some(Self::ControllerRevision)
    }

    /// The kinds of what these routings name.
    pub(super) fn routed_by<'r>(
        routings: impl IntoIterator<Item = &'r TrafficRoutingRef>,
    ) -> impl Iterator<Item = Self> {
        routings.into_iter().flat_map(|routing| {
            let providers = Provider::all(routing).into_iter();
            providers
                .flat_map(|provider| {
                    let route = provider.versions().first().copied().map(Self::Route);
                    let scripts = provider.takes_script().then_some(Self::Configuration);
                    route.into_iter().chain(scripts)
                })
                .chain([Self::Service])
        })
    }
}

/// The kind of workload that a Rollout names, and the version in which it does.
pub(super) fn named(rollout: &Rollout) -> Option<(workload::Kind, &'static str)> {
    let reference = &rollout.spec.workload_ref;
    let kind = workload::Kind::named(reference)?;
    let version = kind
        .api_versions()
        .iter()
        .find(|version| **version == reference.api_version)?;
    Some((kind, version))
}

/// Group and version.
pub(super) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Kind;
    use crate::{
        api::v1beta1::Rollout,
        engine::core::Target,
        workload::Kind::{AdvancedStatefulSet, StatefulSet},
    };

    fn needed(spec: serde_json::Value) -> Vec<String> {
        let rollout: Rollout = serde_json::from_value(json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": spec,
        }))
        .unwrap();
        Kind::needed_by(&rollout, crate::engine::core::is_edited(&rollout))
            .into_iter()
            .map(|kind| match kind {
                Kind::Pod(label) => format!("pods of {label}"),
                other => {
                    let resource = other.resource();
                    format!("{} {}", resource.api_version, resource.plural)
                }
            })
            .collect()
    }

    #[test]
    fn a_rollout_needs_what_it_names_and_no_more() {
        let on = |version: &str, kind: &str, strategy: serde_json::Value| json!({ "workloadRef": { "apiVersion": version, "kind": kind, "name": "web" }, "strategy": strategy });
        let steps = json!([{ "replicas": 1 }]);
        let canary = json!({ "canary": { "steps": steps } });
        let ingress = json!({ "service": "web", "ingress": { "name": "web" } });
        let gateway = json!({ "service": "web", "gateway": { "httpRouteName": "web" } });
        let kruise = "apps.kruise.io/v1alpha1";
        let table = [
            (
                on("apps/v1", "Deployment", canary.clone()),
                vec![
                    "apps/v1 deployments",
                    "apps/v1 replicasets",
                    "pods of pod-template-hash",
                ],
            ),
            (
                on("apps/v1", "StatefulSet", canary.clone()),
                vec!["apps/v1 statefulsets", "pods of controller-revision-hash"],
            ),
            (
                on("apps.kruise.io/v1beta1", "StatefulSet", canary.clone()),
                vec![
                    "apps.kruise.io/v1beta1 statefulsets",
                    "pods of controller-revision-hash",
                ],
            ),
            (
                on("apps/v1", "DaemonSet", canary),
                vec![
                    "apps/v1 daemonsets",
                    "apps/v1 controllerrevisions",
                    "pods of controller-revision-hash",
                ],
            ),
            (
                on(
                    kruise,
                    "CloneSet",
                    json!({ "blueGreen": { "steps": steps, "trafficRoutings": [ingress] } }),
                ),
                vec![
                    "apps.kruise.io/v1alpha1 clonesets",
                    "autoscaling/v2 horizontalpodautoscalers",
                    "pods of controller-revision-hash",
                    "v1 services",
                    "v1 configmaps",
                    "networking.k8s.io/v1 ingresses",
                ],
            ),
            (
                on(
                    "batch/v1",
                    "Job",
                    json!({ "canary": { "steps": steps, "trafficRoutings": [gateway] } }),
                ),
                vec!["v1 services", "gateway.networking.k8s.io/v1 httproutes"],
            ),
        ];
        for (spec, expected) in table {
            assert_eq!(needed(spec.clone()), expected, "{spec}");
        }
    }

    #[test]
    fn a_target_is_told_by_version_and_kind() {
        let of = |api_version: &str, kind: &str| {
            Kind::of(&Target {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                plural: String::new(),
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
            })
        };
        assert_eq!(
            of("apps/v1", "StatefulSet"),
            [Kind::Workload(StatefulSet, "apps/v1")]
        );
        assert_eq!(
            of("apps.kruise.io/v1beta1", "StatefulSet"),
            [Kind::Workload(AdvancedStatefulSet, "apps.kruise.io/v1beta1")]
        );
        assert_eq!(of("v1", "Pod"), [super::DEPLOYMENT_PODS, super::REVISION_PODS]);
        let named = crate::traffic::RouteKind::named("batch/v1", "Job");
        assert_eq!(of("batch/v1", "Job"), [Kind::Route(named[0])]);
    }
}
