//! What is known of the cluster: filled by watches and by the answers to our own writes, whichever is newer.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{api::DynamicObject, runtime::watcher};

use super::RolloutKey;
use crate::{
    api::{keys, v1beta1::Rollout},
    engine::core::{Pod, Snapshot, owner_uid},
    traffic,
};

/// A kind that the engine reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub(super) enum Kind {
    Rollout,
    Deployment,
    ReplicaSet,
    Pod,
    Service,
    Ingress,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Rollout,
        Self::Deployment,
        Self::ReplicaSet,
        Self::Pod,
        Self::Service,
        Self::Ingress,
    ];

    pub(super) fn resource(self) -> kube::api::ApiResource {
        let (group, version, kind, plural) = match self {
            Self::Rollout => (keys::GROUP, "v1beta1", "Rollout", "rollouts"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::ReplicaSet => ("apps", "v1", "ReplicaSet", "replicasets"),
            Self::Pod => ("", "v1", "Pod", "pods"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::Ingress => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
        };
        let api_version = if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        };
        kube::api::ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }

    pub(super) fn of(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.resource().kind == kind)
    }
}

/// Namespace and name.
type Name = (String, String);

#[derive(Default)]
struct Table {
    objects: BTreeMap<Name, DynamicObject>,
    by_owner: HashMap<String, BTreeSet<Name>>,
    listed: Option<BTreeSet<Name>>,
    synced: bool,
}

/// All tables, and what leads from an object to its Rollouts.
#[derive(Default)]
pub(super) struct Cache {
    tables: BTreeMap<Kind, Table>,
    rollouts: BTreeMap<RolloutKey, Rollout>,
    by_workload: HashMap<Name, BTreeSet<RolloutKey>>,
    /// Uids of objects that we deleted and whose last watch event is still to come.
    deleted: BTreeSet<String>,
}

fn name_of(object: &DynamicObject) -> Name {
    (
        object.metadata.namespace.clone().unwrap_or_default(),
        object.metadata.name.clone().unwrap_or_default(),
    )
}

/// resourceVersions of one server can be compared as numbers (Kubernetes 1.35 promises it, all servers do it).
fn version_of(object: &DynamicObject) -> u128 {
    object
        .metadata
        .resource_version
        .as_deref()
        .and_then(|text| text.parse().ok())
        .unwrap_or(u128::MAX)
}

impl Cache {
    /// Whether every kind has been listed once.
    pub(super) fn synced(&self) -> bool {
        Kind::ALL
            .iter()
            .all(|kind| self.tables.get(kind).is_some_and(|table| table.synced))
    }

    /// Takes in what a watch says; answers which Rollouts must be looked at.
    pub(super) fn observe(
        &mut self,
        kind: Kind,
        event: watcher::Event<DynamicObject>,
    ) -> BTreeSet<RolloutKey> {
        match event {
            watcher::Event::Init => {
                self.tables.entry(kind).or_default().listed = Some(BTreeSet::new());
                BTreeSet::new()
            }
            watcher::Event::InitApply(object) => {
                let name = name_of(&object);
                if let Some(listed) = &mut self.tables.entry(kind).or_default().listed {
                    listed.insert(name);
                }
                self.put(kind, object)
            }
            watcher::Event::InitDone => {
                let table = self.tables.entry(kind).or_default();
                table.synced = true;
                let listed = table.listed.take().unwrap_or_default();
                let gone: Vec<Name> = table
                    .objects
                    .keys()
                    .filter(|name| !listed.contains(*name))
                    .cloned()
                    .collect();
                gone.into_iter()
                    .flat_map(|name| self.remove(kind, &name))
                    .collect()
            }
            watcher::Event::Apply(object) => self.put(kind, object),
            watcher::Event::Delete(object) => {
                if let Some(uid) = &object.metadata.uid {
                    self.deleted.remove(uid);
                }
                let name = name_of(&object);
                let known = self.tables.get(&kind).and_then(|table| table.objects.get(&name));
                // A new object of the same name may already be known from the answer to our own write.
                if known.is_some_and(|known| known.metadata.uid == object.metadata.uid) {
                    self.remove(kind, &name)
                } else {
                    BTreeSet::new()
                }
            }
        }
    }

    /// Takes in an object, from a watch or from the answer to a write; older ones than known are passed over.
    pub(super) fn put(&mut self, kind: Kind, mut object: DynamicObject) -> BTreeSet<RolloutKey> {
        let resource = kind.resource();
        object.types = Some(kube::core::TypeMeta {
            api_version: resource.api_version,
            kind: resource.kind,
        });
        object.metadata.managed_fields = None;
        if kind == Kind::Pod {
            object.data = serde_json::Value::Null;
            object.metadata.annotations = None;
        }
        if object
            .metadata
            .uid
            .as_ref()
            .is_some_and(|uid| self.deleted.contains(uid))
        {
            return BTreeSet::new();
        }
        let name = name_of(&object);
        let table = self.tables.entry(kind).or_default();
        if let Some(known) = table.objects.get(&name) {
            if version_of(known) >= version_of(&object) {
                return BTreeSet::new();
            }
            if kind == Kind::Pod && pod_of(known).says_the_same(&pod_of(&object)) {
                // The kubelet writes a pod's status all the time; no decision reads it.
                table.objects.insert(name, object);
                return BTreeSet::new();
            }
            Self::unlink(table, &name);
        }
        if let Some(owner) = owner_uid(&object) {
            table
                .by_owner
                .entry(owner.to_owned())
                .or_default()
                .insert(name.clone());
        }
        let mut touched = BTreeSet::new();
        if kind == Kind::Rollout {
            touched.extend(self.index_rollout(&name, Some(&object)));
        }
        touched.extend(self.rollouts_of(kind, &object));
        self.tables.entry(kind).or_default().objects.insert(name, object);
        touched
    }

    /// Forgets an object that we deleted, before the watch says so.
    pub(super) fn forget(&mut self, kind: Kind, namespace: &str, name: &str, uid: Option<String>) {
        self.deleted.extend(uid);
        self.remove(kind, &(namespace.to_owned(), name.to_owned()));
    }

    fn unlink(table: &mut Table, name: &Name) {
        if let Some(owner) = table.objects.get(name).and_then(owner_uid)
            && let Some(names) = table.by_owner.get_mut(owner)
        {
            names.remove(name);
            if names.is_empty() {
                let owner = owner.to_owned();
                table.by_owner.remove(&owner);
            }
        }
    }

    fn remove(&mut self, kind: Kind, name: &Name) -> BTreeSet<RolloutKey> {
        let table = self.tables.entry(kind).or_default();
        Self::unlink(table, name);
        let Some(object) = table.objects.remove(name) else {
            return BTreeSet::new();
        };
        let mut touched = self.rollouts_of(kind, &object);
        if kind == Kind::Rollout {
            touched.extend(self.index_rollout(name, None));
        }
        touched
    }

    /// Keeps the typed Rollout and the way from its workload to it; answers its rivals too.
    fn index_rollout(&mut self, name: &Name, object: Option<&DynamicObject>) -> BTreeSet<RolloutKey> {
        let key = RolloutKey {
            namespace: name.0.clone(),
            name: name.1.clone(),
        };
        let mut touched = BTreeSet::from([key.clone()]);
        if let Some(old) = self.rollouts.remove(&key) {
            let workload = (key.namespace.clone(), old.spec.workload_ref.name);
            if let Some(keys) = self.by_workload.get_mut(&workload) {
                keys.remove(&key);
                touched.extend(keys.iter().cloned());
            }
        }
        let parsed = object
            .and_then(|object| serde_json::to_value(object).ok())
            .and_then(|value| serde_json::from_value::<Rollout>(value).ok());
        if let Some(rollout) = parsed {
            let keys = self
                .by_workload
                .entry((key.namespace.clone(), rollout.spec.workload_ref.name.clone()))
                .or_default();
            keys.insert(key.clone());
            touched.extend(keys.iter().cloned());
            self.rollouts.insert(key, rollout);
        }
        touched
    }

    fn rollouts_of(&self, kind: Kind, object: &DynamicObject) -> BTreeSet<RolloutKey> {
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let name = object.metadata.name.clone().unwrap_or_default();
        let of_workload = |name: &str| {
            self.by_workload
                .get(&(namespace.clone(), name.to_owned()))
                .cloned()
                .unwrap_or_default()
        };
        match kind {
            Kind::Rollout => BTreeSet::from([RolloutKey { namespace, name }]),
            Kind::Deployment => match controller(object).filter(|owner| owner.kind == "Rollout") {
                Some(rollout) => BTreeSet::from([RolloutKey {
                    namespace,
                    name: rollout.name.clone(),
                }]),
                None => of_workload(&name),
            },
            Kind::ReplicaSet => {
                let Some(owner) = controller(object) else {
                    return BTreeSet::new();
                };
                let deployment = self.object(Kind::Deployment, &namespace, &owner.name);
                deployment.map_or_else(
                    || of_workload(&owner.name),
                    |deployment| self.rollouts_of(Kind::Deployment, deployment),
                )
            }
            Kind::Pod => {
                let set = controller(object)
                    .and_then(|owner| self.object(Kind::ReplicaSet, &namespace, &owner.name));
                set.map_or_else(BTreeSet::new, |set| self.rollouts_of(Kind::ReplicaSet, set))
            }
            Kind::Service | Kind::Ingress => self
                .rollouts
                .range(
                    RolloutKey {
                        namespace: namespace.clone(),
                        name: String::new(),
                    }..,
                )
                .take_while(|(key, _)| key.namespace == namespace)
                .filter(|(_, rollout)| Self::traffic_names(rollout, kind).contains(&name))
                .map(|(key, _)| key.clone())
                .collect(),
        }
    }

    /// Names of the Services or Ingresses that a Rollout is about, twins included.
    fn traffic_names(rollout: &Rollout, kind: Kind) -> Vec<String> {
        let routings = rollout.spec.strategy.traffic_routings().iter();
        match kind {
            Kind::Service => routings
                .flat_map(|r| [r.service.clone(), traffic::service::canary_name(&r.service)])
                .collect(),
            _ => routings
                .filter_map(|r| r.ingress.as_ref())
                .flat_map(|ingress| [ingress.name.clone(), traffic::ingress::canary_name(&ingress.name)])
                .collect(),
        }
    }

    fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<&DynamicObject> {
        self.tables
            .get(&kind)?
            .objects
            .get(&(namespace.to_owned(), name.to_owned()))
    }

    fn owned<'a>(&'a self, kind: Kind, owner: &DynamicObject) -> impl Iterator<Item = &'a DynamicObject> {
        let table = self.tables.get(&kind);
        let names = owner
            .metadata
            .uid
            .as_ref()
            .and_then(|uid| table?.by_owner.get(uid));
        names
            .into_iter()
            .flatten()
            .filter_map(move |name| table?.objects.get(name))
    }

    /// The Rollouts that are known.
    pub(super) fn rollouts(&self) -> impl Iterator<Item = (&RolloutKey, &Rollout)> {
        self.rollouts.iter()
    }

    /// Everything one decision may read.
    pub(super) fn snapshot(&self, key: &RolloutKey) -> Option<Snapshot> {
        let rollout = self.rollouts.get(key)?.clone();
        let namespace = key.namespace.as_str();
        let reference = &rollout.spec.workload_ref;
        let is_deployment = reference.kind == "Deployment" && reference.api_version == "apps/v1";
        let workload = is_deployment
            .then(|| self.object(Kind::Deployment, namespace, &reference.name).cloned())
            .flatten();
        let canaries: Vec<DynamicObject> = rollout.metadata.uid.as_ref().map_or_else(Vec::new, |uid| {
            let table = self.tables.get(&Kind::Deployment);
            let names = table.and_then(|table| table.by_owner.get(uid));
            names
                .into_iter()
                .flatten()
                .filter_map(|name| table?.objects.get(name))
                .cloned()
                .collect()
        });
        let replica_sets: Vec<DynamicObject> = workload
            .iter()
            .chain(&canaries)
            .flat_map(|deployment| self.owned(Kind::ReplicaSet, deployment))
            .cloned()
            .collect();
        let canary_uids: BTreeSet<_> = canaries
            .iter()
            .filter_map(|canary| canary.metadata.uid.as_deref())
            .collect();
        let pods = replica_sets
            .iter()
            .filter(|set| owner_uid(set).is_some_and(|uid| canary_uids.contains(uid)))
            .flat_map(|set| self.owned(Kind::Pod, set))
            .map(|pod| std::sync::Arc::new(pod_of(pod)))
            .collect();
        let named = |kind: Kind| {
            let names = Self::traffic_names(&rollout, kind);
            names
                .into_iter()
                .filter_map(|name| Some((name.clone(), self.object(kind, namespace, &name)?.clone())))
                .collect()
        };
        let rivals = self
            .by_workload
            .get(&(namespace.to_owned(), reference.name.clone()))
            .into_iter()
            .flatten();
        let rivals = rivals
            .filter(|rival| *rival != key)
            .filter(|rival| {
                self.rollouts
                    .get(rival)
                    .is_some_and(|other| other.spec.workload_ref == *reference && !other.spec.disabled)
            })
            .map(|rival| rival.name.clone())
            .collect();
        Some(Snapshot {
            workload,
            canaries,
            replica_sets,
            pods,
            services: named(Kind::Service),
            ingresses: named(Kind::Ingress),
            rivals,
            rollout,
            ..Snapshot::default()
        })
    }
}

/// The reference to the controller of an object.
fn controller(object: &DynamicObject) -> Option<&OwnerReference> {
    let owners = object.metadata.owner_references.iter().flatten();
    owners.into_iter().find(|owner| owner.controller == Some(true))
}

fn pod_of(object: &DynamicObject) -> Pod {
    Pod {
        name: object.metadata.name.clone().unwrap_or_default(),
        uid: object.metadata.uid.clone().unwrap_or_default(),
        resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
        labels: object.metadata.labels.clone().unwrap_or_default(),
        owner: owner_uid(object).unwrap_or_default().to_owned(),
        deleting: object.metadata.deletion_timestamp.is_some(),
        ..Pod::default()
    }
}
