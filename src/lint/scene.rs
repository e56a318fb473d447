//! A Rollout among the objects that stand beside it, as the engine would see them.

use kube::api::DynamicObject;
use serde_json::Value;

use super::{Subject, Surroundings};
use crate::{
    analysis::{self, Analysis, Template},
    api::v1beta1::{RollingStyle, Rollout},
    engine::core::Snapshot,
    traffic::{Provider, Shared, service},
    workload::Kind,
};

const OLD: &str = "rollouts.kruise.io/v1alpha1";

/// A Rollout and its surroundings.
pub(super) struct Scene<'a> {
    pub(super) snapshot: Snapshot,
    workload: Option<&'a Value>,
}

/// The objects of one namespace.
struct Beside<'a, 'n> {
    subjects: &'a [Subject],
    namespace: &'n str,
}

impl<'a> Beside<'a, '_> {
    fn value(&self, api_version: &str, kind: &str, name: &str) -> Option<&'a Value> {
        let found = self.subjects.iter().find(|subject| {
            let object = &subject.object;
            object["apiVersion"] == api_version
                && object["kind"] == kind
                && object["metadata"]["name"] == name
                && namespace(object) == self.namespace
        });
        found.map(|subject| &subject.object)
    }

    fn object(&self, api_version: &str, kind: &str, name: &str) -> Option<DynamicObject> {
        serde_json::from_value(self.value(api_version, kind, name)?.clone()).ok()
    }
}

/// The namespace of an object; files may leave it out.
fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

impl<'a> Scene<'a> {
    pub(super) fn new(rollout: Rollout, subjects: &'a [Subject], around: &Surroundings) -> Self {
        let home = rollout.metadata.namespace.clone().unwrap_or_default();
        let name = rollout.metadata.name.clone().unwrap_or_default();
        let beside = Beside {
            subjects,
            namespace: &home,
        };
        let reference = rollout.spec.workload_ref.clone();
        let workload = Kind::named(&reference)
            .and_then(|kind| beside.value(&reference.api_version, kind.kind(), &reference.name));
        let mut snapshot = Snapshot {
            workload: workload.and_then(|object| serde_json::from_value(object.clone()).ok()),
            scripts: around.scripts.clone(),
            ..Snapshot::default()
        };
        if let Some(shared) = rollout.traffic_routing_name() {
            let shared = beside.object(OLD, "TrafficRouting", shared).map(Shared::new);
            snapshot
                .shared
                .extend(shared.map(|shared| shared.scripted(&around.scripts)));
        }
        let own = rollout.spec.strategy.traffic_routings().iter();
        let routings = own.chain(snapshot.shared.iter().flat_map(Shared::routings));
        for routing in routings {
            for name in [routing.service.clone(), service::canary_name(&routing.service)] {
                let found = beside.object("v1", "Service", &name);
                snapshot.services.extend(found.map(|object| (name, object)));
            }
            for provider in Provider::all(routing) {
                for key in provider.reads() {
                    let versions = provider.versions().iter();
                    let found = versions
                        .filter_map(|version| beside.object(version.api_version, version.kind, &key.name))
                        .next();
                    snapshot.routes.extend(found.map(|object| (key, object)));
                }
            }
        }
        let named = analysis::bindings(&rollout).unwrap_or_default().into_iter();
        let templates = named.filter_map(|binding| {
            let object = beside.value(OLD, "AnalysisTemplate", &binding.template)?;
            let spec = serde_json::from_value(object["spec"].clone()).map_err(|error| error.to_string());
            let template = Template {
                spec,
                is_trusted: false,
            };
            Some((binding.template, template))
        });
        snapshot.analysis = Analysis {
            templates: templates.collect(),
            ..Analysis::default()
        };
        snapshot.rivals = rivals(&rollout, &name, &home, subjects);
        snapshot.rollout = rollout;
        Self { snapshot, workload }
    }

    /// The workload as it stands there.
    pub(super) fn workload(&self) -> Option<&Value> {
        self.workload
    }

    /// Where the strategy stands.
    pub(super) fn strategy(&self) -> &'static str {
        match self.snapshot.rollout.spec.strategy.style() {
            Some(RollingStyle::BlueGreen) => "spec.strategy.blueGreen",
            _ => "spec.strategy.canary",
        }
    }

    /// What the Rollout names and is not there: where it is named, and what it is.
    pub(super) fn absent(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let (snapshot, rollout) = (&self.snapshot, &self.snapshot.rollout);
        let reference = &rollout.spec.workload_ref;
        if snapshot.workload.is_none() && Kind::named(reference).is_some() && !reference.name.is_empty() {
            all.push((
                "spec.workloadRef".to_owned(),
                format!("{} {}", reference.kind, reference.name),
            ));
        }
        let strategy = self.strategy();
        for (index, routing) in rollout.spec.strategy.traffic_routings().iter().enumerate() {
            let place = format!("{strategy}.trafficRoutings[{index}]");
            if !routing.service.is_empty() && !snapshot.services.contains_key(&routing.service) {
                all.push((format!("{place}.service"), format!("Service {}", routing.service)));
            }
            for provider in Provider::all(routing) {
                let kind = provider.versions().first().map(|version| version.kind);
                if let Some(kind) = kind
                    && !provider.name().is_empty()
                    && provider.found(&snapshot.routes).is_none()
                {
                    let field = match provider {
                        Provider::Ingress { .. } => "ingress",
                        Provider::Gateway { .. } => "gateway",
                        _ => "customNetworkRefs",
                    };
                    all.push((format!("{place}.{field}"), format!("{kind} {}", provider.name())));
                }
            }
        }
        if let Some(name) = rollout.traffic_routing_name()
            && snapshot.named_shared().is_none()
        {
            all.push((
                format!("{strategy}.trafficRoutingRef"),
                format!("TrafficRouting {name}"),
            ));
        }
        for binding in analysis::bindings(rollout).unwrap_or_default() {
            if !snapshot.analysis.templates.contains_key(&binding.template) {
                let place = format!("metadata.annotations[{}]", crate::api::keys::ANALYSIS);
                all.push((place, format!("AnalysisTemplate {}", binding.template)));
            }
        }
        all
    }
}

/// Other enabled Rollouts of the same workload.
fn rivals(rollout: &Rollout, name: &str, home: &str, subjects: &[Subject]) -> Vec<String> {
    let reference = &rollout.spec.workload_ref;
    let others = subjects.iter().filter(|subject| subject.is("Rollout"));
    let mut rivals: Vec<String> = others
        .filter(|other| namespace(&other.object) == home && other.object["metadata"]["name"] != name)
        .filter(|other| other.object["spec"]["disabled"] != true)
        .filter(|other| {
            let spec = &other.object["spec"];
            [&spec["workloadRef"], &spec["objectRef"]["workloadRef"]]
                .iter()
                .any(|theirs| theirs["kind"] == reference.kind && theirs["name"] == reference.name)
        })
        .filter_map(|other| Some(other.object["metadata"]["name"].as_str()?.to_owned()))
        .collect();
    rivals.sort();
    rivals
}
