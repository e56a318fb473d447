//! The ways from an object to the Rollouts that it matters to: by what a Rollout names, by owners, by finalizers.

use std::collections::BTreeSet;

use kube::api::DynamicObject;

use super::{
    super::{
        RolloutKey,
        kind::{self, Kind},
        table::{self, Entry, Name, controller},
    },
    Cache,
};
use crate::{
    analysis,
    api::{keys, v1beta1::Rollout},
    engine::core,
    traffic::{self, Provider, Shared},
};

/// Something that a Rollout names: group, kind, namespace, name.
pub(super) type Mention = (String, String, String, String);

pub(super) fn mention(kind: Kind, name: &Name) -> Mention {
    let (api_version, kind, _) = kind.names();
    let (group, _) = kind::split(api_version);
    (group.to_owned(), kind.to_owned(), name.0.clone(), name.1.clone())
}

/// The workload that a Rollout names, whatever its kind and version.
pub(super) fn workload_of(namespace: &str, rollout: &Rollout) -> Mention {
    let reference = &rollout.spec.workload_ref;
    (
        kind::split(&reference.api_version).0.to_owned(),
        reference.kind.clone(),
        namespace.to_owned(),
        reference.name.clone(),
    )
}

/// Names of the Services that a Rollout is about, twins included.
pub(super) fn services_of(rollout: &Rollout) -> impl Iterator<Item = String> {
    let routings = rollout.spec.strategy.traffic_routings().iter();
    routings.flat_map(|r| [r.service.clone(), traffic::service::canary_name(&r.service)])
}

/// What splits the traffic of a Rollout.
pub(super) fn providers_of(rollout: &Rollout) -> impl Iterator<Item = Provider> {
    let routings = rollout.spec.strategy.traffic_routings().iter();
    routings.flat_map(Provider::all)
}

fn finalizers(object: &DynamicObject) -> impl Iterator<Item = &str> {
    object.metadata.finalizers.iter().flatten().map(String::as_str)
}

impl Cache {
    /// Keeps the typed Rollout and the ways to it; answers its rivals too.
    pub(super) fn index_rollout(&mut self, name: &Name, rollout: Option<Rollout>) -> BTreeSet<RolloutKey> {
        let key = RolloutKey {
            namespace: name.0.clone(),
            name: name.1.clone(),
        };
        let mut touched = BTreeSet::from([key.clone()]);
        self.edited.remove(&key);
        if let Some(old) = self.rollouts.remove(&key) {
            self.forget_mentions(&key);
            touched.extend(self.that_mention(&workload_of(&key.namespace, &old)));
        }
        if let Some(rollout) = rollout {
            self.note_mentions(&key, &rollout);
            touched.extend(self.that_mention(&workload_of(&key.namespace, &rollout)));
            if core::is_edited(&rollout) {
                self.edited.insert(key.clone());
            }
            self.rollouts.insert(key, rollout);
        }
        touched
    }

    pub(super) fn note_mentions(&mut self, key: &RolloutKey, rollout: &Rollout) {
        let all = self.mentions_of(key, rollout);
        for mention in &all {
            self.mentions
                .entry(mention.clone())
                .or_default()
                .insert(key.clone());
        }
        self.mentioned.insert(key.clone(), all);
    }

    pub(super) fn forget_mentions(&mut self, key: &RolloutKey) {
        for mention in self.mentioned.remove(key).unwrap_or_default() {
            if let Some(keys) = self.mentions.get_mut(&mention) {
                keys.remove(key);
                if keys.is_empty() {
                    self.mentions.remove(&mention);
                }
            }
        }
    }

    /// Follows what a TrafficRouting names, for the Rollouts that name it.
    pub(super) fn index_shared(&mut self, name: &Name) {
        for key in self.that_mention(&mention(Kind::TrafficRouting, name)) {
            if let Some(rollout) = self.rollouts.get(&key).cloned() {
                self.forget_mentions(&key);
                self.note_mentions(&key, &rollout);
            }
        }
    }

    /// Everything that a Rollout names, and that is named by the TrafficRoutings that it shares.
    pub(super) fn mentions_of(&self, key: &RolloutKey, rollout: &Rollout) -> Vec<Mention> {
        let of = |kind: Kind, name: String| mention(kind, &(key.namespace.clone(), name));
        let shared = self.shared_by(rollout);
        let shared_services = shared.iter().flat_map(Shared::routings);
        let services = services_of(rollout)
            .chain(shared_services.map(|routing| routing.service.clone()))
            .map(|name| of(Kind::Service, name));
        let shared_providers = shared.iter().flat_map(Shared::providers);
        let providers = providers_of(rollout).chain(shared_providers);
        let routes = providers.flat_map(|provider| provider.reads());
        let routes = routes.map(|route| (route.group, route.kind, key.namespace.clone(), route.name));
        let named = rollout.traffic_routing_name().map(str::to_owned);
        let named = named.map(|name| of(Kind::TrafficRouting, name));
        let templates = analysis::bindings(rollout).unwrap_or_default();
        let templates = templates
            .into_iter()
            .map(|binding| of(Kind::AnalysisTemplate, binding.template));
        services
            .chain(routes)
            .chain(templates)
            .chain(named)
            .chain([workload_of(&key.namespace, rollout)])
            .collect()
    }

    /// The TrafficRouting that a Rollout names, and those that its release holds and it names no more.
    pub(super) fn shared_by(&self, rollout: &Rollout) -> Vec<Shared> {
        let metadata = &rollout.metadata;
        let (Some(namespace), Some(own)) = (&metadata.namespace, &metadata.name) else {
            return Vec::new();
        };
        let named = rollout.traffic_routing_name();
        let may_hold_another = core::may_hold_another(rollout);
        if named.is_none() && !may_hold_another {
            return Vec::new();
        }
        let named = named.and_then(|name| self.object(Kind::TrafficRouting, namespace, name));
        let shared = |object: &DynamicObject| Shared::new(object.clone()).scripted(&self.scripts);
        let mut all: Vec<Shared> = named.map(shared).into_iter().collect();
        if may_hold_another {
            let table = self.tables.get(&Kind::TrafficRouting).into_iter();
            let others = table.flat_map(|table| table.objects_of(namespace)).map(shared);
            let others = others.filter(|shared| shared.is_held_by(own));
            all.extend(others.filter(|shared| rollout.traffic_routing_name() != Some(shared.name())));
        }
        all
    }

    /// The Rollout that a finalizer on a TrafficRouting names.
    pub(super) fn holder(&self, namespace: &str, finalizer: &str) -> Option<RolloutKey> {
        let key = |name: &str| RolloutKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let name = finalizer.strip_prefix(keys::TRAFFIC_ROUTING_HOLDER)?;
        // One that cannot be read is there, too.
        let rollouts = self.tables.get(&Kind::Rollout)?;
        if rollouts.get(&(namespace.to_owned(), name.to_owned())).is_some() {
            return Some(key(name));
        }
        if !traffic::shared::may_be_digest(name) {
            return None;
        }
        let mut all = rollouts.names_of(namespace);
        all.find(|name| traffic::shared::holder(name) == finalizer)
            .map(key)
    }

    pub(super) fn that_mention(&self, mention: &Mention) -> BTreeSet<RolloutKey> {
        self.mentions.get(mention).cloned().unwrap_or_default()
    }

    pub(super) fn rollouts_of(&self, kind: Kind, name: &Name, entry: &Entry) -> BTreeSet<RolloutKey> {
        let key = |name: &str, namespace: &str| RolloutKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        match kind {
            Kind::Rollout | Kind::Picked => BTreeSet::from([key(&name.1, &name.0)]),
            Kind::Workload(..) => {
                let owner = entry.object().and_then(controller);
                match owner.filter(|owner| owner.kind == "Rollout") {
                    Some(rollout) => BTreeSet::from([key(&rollout.name, &name.0)]),
                    None => self.that_mention(&mention(kind, name)),
                }
            }
            Kind::ReplicaSet | Kind::ControllerRevision | Kind::Pod(_) => {
                let owner = entry.owner().and_then(|uid| self.owners.get(uid));
                owner.map_or_else(BTreeSet::new, |(kind, name)| {
                    self.entry(*kind, name)
                        .map(|owner| self.rollouts_of(*kind, name, owner))
                        .unwrap_or_default()
                })
            }
            Kind::Autoscaler => entry.object().map_or_else(BTreeSet::new, |object| {
                let (group, kind, target) = table::aim(object);
                self.that_mention(&(
                    group.to_owned(),
                    kind.to_owned(),
                    name.0.clone(),
                    target.to_owned(),
                ))
            }),
            Kind::Service | Kind::AnalysisTemplate | Kind::Route(_) => {
                self.that_mention(&mention(kind, name))
            }
            Kind::Configuration => self.that_need(kind),
            Kind::TrafficRouting => {
                let mut all = self.that_mention(&mention(kind, name));
                // Held by a Rollout that names it no more.
                let held = entry.object().into_iter().flat_map(finalizers);
                all.extend(held.filter_map(|finalizer| self.holder(&name.0, finalizer)));
                all
            }
        }
    }
}
