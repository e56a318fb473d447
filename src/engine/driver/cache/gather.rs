//! What one decision may read, gathered from what is known.

use std::{collections::BTreeSet, sync::Arc};

use kube::api::DynamicObject;

use super::{Cache, mention, providers_of, services_of, versions, workload_of};
use crate::{
    analysis::{self, Analysis, Inline, Template},
    api::{keys, v1beta1::Rollout},
    engine::core::{self, Pod, Snapshot},
    engine::driver::RolloutKey,
    engine::driver::kind::{self, DEPLOYMENT, DEPLOYMENT_PODS, Kind, REVISION_PODS},
    engine::driver::table::{self, Entry},
    traffic::{RouteKind, Shared},
    workload::{Kind as WorkloadKind, Mark},
};

/// Whether a Rollout keeps others from its workload. One that is disabled does so until its closing work is done, and no
/// longer: upstream counts it for good, so that nobody can take its place without deleting it (engine-rollout 5, rule 18).
fn is_in_the_way(rollout: &Rollout) -> bool {
    let mut finalizers = rollout.metadata.finalizers.iter().flatten();
    !rollout.spec.disabled || finalizers.any(|text| text == keys::ROLLOUT_FINALIZER)
}

impl Cache {
    /// Everything one decision may read.
    pub(in crate::engine::driver) fn snapshot(&self, key: &RolloutKey) -> Option<Snapshot> {
        let rollout = self.rollouts.get(key)?.clone();
        let namespace = key.namespace.as_str();
        let needed = self.needed_by(key, &rollout);
        let is_route = |kind: &&Kind| {
            matches!(
                kind,
                Kind::Route(_) | Kind::TrafficRouting | Kind::AnalysisTemplate
            )
        };
        // Without the ConfigMap of scripts there are the native classes: whoever needs a script says so.
        let mut others = needed
            .iter()
            .filter(|kind| !is_route(kind) && **kind != Kind::Configuration);
        let unserved = others.find(|kind| self.is_unserved(**kind));
        let routes = needed.iter().filter(is_route);
        let unserved_routes = routes.filter(|kind| {
            versions(**kind)
                .into_iter()
                .all(|version| self.is_unserved(version))
        });
        let reference = &rollout.spec.workload_ref;
        let named = kind::named(&rollout);
        let workload = named.and_then(|(kind, version)| {
            self.object(Kind::Workload(kind, version), namespace, &reference.name)
                .cloned()
        });
        let uid = workload
            .as_ref()
            .and_then(|workload| workload.metadata.uid.as_deref());
        let mut snapshot = Snapshot {
            unserved: unserved.map(|kind| kind.qualified()),
            unserved_routes: unserved_routes.map(|kind| kind.qualified()).collect(),
            ..Snapshot::default()
        };
        if let Some((WorkloadKind::Deployment, _)) = named {
            snapshot.canaries = self.owned(DEPLOYMENT, rollout.metadata.uid.as_deref());
            let deployments = workload.iter().chain(&snapshot.canaries);
            snapshot.replica_sets = deployments
                .flat_map(|deployment| self.owned(Kind::ReplicaSet, deployment.metadata.uid.as_deref()))
                .collect();
            snapshot.pods = self.pods(DEPLOYMENT_PODS, snapshot.replica_sets.iter());
        } else {
            snapshot.pods = self.pods(REVISION_PODS, workload.iter());
        }
        if needed.contains(&Kind::ControllerRevision) {
            snapshot.revisions = self.owned(Kind::ControllerRevision, uid);
        }
        if needed.contains(&Kind::Autoscaler) {
            let (group, _) = kind::split(&reference.api_version);
            let link = table::autoscaled(namespace, group, &reference.kind, &reference.name);
            snapshot.autoscalers = self.owned(Kind::Autoscaler, Some(&link));
        }
        let service = |name: String| {
            Some((
                name.clone(),
                self.object(Kind::Service, namespace, &name)?.clone(),
            ))
        };
        let shared = self.shared_by(&rollout);
        let shared_services = shared.iter().flat_map(Shared::routings);
        let services = services_of(&rollout).chain(shared_services.map(|routing| routing.service.clone()));
        snapshot.services = services.filter_map(service).collect();
        for provider in providers_of(&rollout).chain(shared.iter().flat_map(Shared::providers)) {
            for key in provider.reads() {
                let mut versions = provider.versions().iter();
                let found =
                    versions.find_map(|version| self.object(Kind::Route(*version), namespace, &key.name));
                snapshot.routes.extend(found.map(|object| (key, object.clone())));
            }
        }
        snapshot.analysis = self.analysis(&rollout, namespace);
        snapshot.scripts = self.scripts.clone();
        snapshot.plurals = self.plurals.clone();
        snapshot.orphaned = self.orphaned(namespace, &shared);
        snapshot.shared = shared;
        snapshot.strays = self.strays(key, &rollout);
        let rivals = self.that_mention(&workload_of(namespace, &rollout)).into_iter();
        snapshot.rivals = rivals
            .filter(|rival| rival != key)
            .filter(|rival| self.rollouts.get(rival).is_some_and(is_in_the_way))
            .map(|rival| rival.name)
            .collect();
        snapshot.workload = workload;
        snapshot.rollout = rollout;
        Some(snapshot)
    }

    /// The templates that a Rollout's gates are made of; those of a file are instead of them.
    fn analysis(&self, rollout: &Rollout, namespace: &str) -> Analysis {
        if let Some(inline) = self.inline.as_deref().map(Inline::analysis) {
            return inline;
        }
        let bindings = analysis::bindings(rollout).unwrap_or_default();
        let read = |object: &DynamicObject| Template {
            spec: serde_json::from_value(object.data["spec"].clone()).map_err(|error| error.to_string()),
            is_trusted: false,
        };
        let found = bindings.into_iter().filter_map(|binding| {
            let object = self.object(Kind::AnalysisTemplate, namespace, &binding.template)?;
            Some((binding.template, read(object)))
        });
        Analysis {
            templates: found.collect(),
            unserved: self.is_unserved(Kind::AnalysisTemplate),
            ..Analysis::default()
        }
    }

    /// The finalizers on these TrafficRoutings of Rollouts that are no more.
    fn orphaned(&self, namespace: &str, shared: &[Shared]) -> BTreeSet<String> {
        let holders = shared.iter().flat_map(Shared::holders);
        let orphaned = holders.filter(|holder| self.holder(namespace, holder).is_none());
        orphaned.map(str::to_owned).collect()
    }

    /// The objects of a kind that belong to an owner, by name.
    fn owned(&self, kind: Kind, owner: Option<&str>) -> Vec<DynamicObject> {
        let entries = owner.into_iter().flat_map(|uid| self.linked(kind, uid));
        entries.filter_map(Entry::object).cloned().collect()
    }

    /// The pods of these owners that have not come to their end, by name.
    fn pods<'a>(&self, kind: Kind, owners: impl Iterator<Item = &'a DynamicObject>) -> Vec<Arc<Pod>> {
        let uids = owners.filter_map(|owner| owner.metadata.uid.as_deref());
        let entries = uids.flat_map(|uid| self.linked(kind, uid));
        let mut pods: Vec<Arc<Pod>> = entries.filter_map(Entry::pod).cloned().collect();
        pods.sort_by(|a, b| a.name.cmp(&b.name));
        pods
    }

    /// What a release of this Rollout made for a workload or a route that it names no more. Its own objects are found by
    /// their owner; others are looked for only while an edit of the plan waits to be noted.
    fn strays(&self, key: &RolloutKey, rollout: &Rollout) -> Vec<DynamicObject> {
        let uid = rollout.metadata.uid.as_deref();
        let in_namespace = |kind: Kind| {
            let table = self.tables.get(&kind).into_iter();
            table.flat_map(|table| table.objects_of(&key.namespace))
        };
        let name = |object: &DynamicObject| object.metadata.name.clone().unwrap_or_default();
        let mut strays = Vec::new();
        let mentioned = self.mentions_of(key, rollout);
        let is_mentioned = |kind: Kind, object: &DynamicObject| {
            mentioned.contains(&mention(kind, &(key.namespace.clone(), name(object))))
        };
        for kind in [Kind::Service, Kind::Route(RouteKind::INGRESS[0])] {
            let own = self.owned(kind, uid).into_iter();
            strays.extend(own.filter(|object| !is_mentioned(kind, object)));
        }
        if let Some(revision) = core::pinned_revision(rollout).filter(|_| self.edited.contains(key)) {
            let pinned = in_namespace(Kind::Service).filter(|service| {
                core::pin_of(service, revision).is_some() && core::owner_uid(service) != uid
            });
            strays.extend(
                pinned
                    .filter(|service| !is_mentioned(Kind::Service, service))
                    .cloned(),
            );
            // Routes that are edited in place: those with a release's note that no Rollout names.
            let open = self.tables.keys().copied();
            for kind in open.filter(|kind| matches!(kind, Kind::Route(_))) {
                let edited = in_namespace(kind).filter(|route| {
                    let note = route.metadata.annotations.as_ref();
                    note.is_some_and(|all| all.contains_key(keys::ORIGINAL_SPEC))
                        && self
                            .that_mention(&mention(kind, &(key.namespace.clone(), name(route))))
                            .is_empty()
                });
                strays.extend(edited.cloned());
            }
        }
        if !core::is_turned(rollout) {
            return strays;
        }
        let reference = &rollout.spec.workload_ref;
        let is_named = |kind: WorkloadKind, object: &DynamicObject| {
            kind.kind() == reference.kind
                && kind.group() == kind::split(&reference.api_version).0
                && name(object) == reference.name
        };
        let kinds: Vec<Kind> = self.tables.keys().copied().collect();
        for (workload, kind) in kinds.into_iter().filter_map(|kind| match kind {
            Kind::Workload(workload, _) => Some((workload, kind)),
            _ => None,
        }) {
            let marked = in_namespace(kind).filter(|object| {
                Mark::read(object).is_some_and(|mark| mark.rollout_name == key.name)
                    && core::owner_uid(object) != uid
                    && !is_named(workload, object)
            });
            for object in marked {
                let link =
                    table::autoscaled(&key.namespace, workload.group(), workload.kind(), &name(object));
                strays.extend(self.owned(Kind::Autoscaler, Some(&link)));
                strays.push(object.clone());
            }
        }
        if WorkloadKind::named(reference) != Some(WorkloadKind::Deployment) {
            strays.extend(self.owned(DEPLOYMENT, uid));
        }
        strays
    }
}
