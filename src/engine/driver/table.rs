//! One kind's objects: by name, and by what they belong to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::DynamicObject;
use serde::{Deserialize, Serialize};

use super::kind::{Kind, split};
use crate::{
    api::keys,
    engine::core::{Pod, owner_uid},
};

/// What `kubectl apply` keeps of its last manifest: as large as the object, and no decision reads it.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Namespace and name.
pub(super) type Name = (String, String);

/// What is kept of an object; a clone shares it.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Object(Arc<DynamicObject>),
    /// A pod, shared with the snapshots. Terminal ones are kept so that older news of them are told as such.
    Pod {
        pod: Arc<Pod>,
        terminal: bool,
    },
}

/// The spec of a pod: none of it is read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct PodSpec {}

/// What is read of a pod's status.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct PodStatus {
    #[serde(default)]
    phase: Option<String>,
    #[serde(default)]
    conditions: Option<Vec<PodCondition>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct PodCondition {
    r#type: String,
    status: String,
    #[serde(default, rename = "lastTransitionTime")]
    since: Option<String>,
}

/// A pod as the watch reads it.
pub(super) type PodObject = kube::core::Object<PodSpec, PodStatus>;

impl Entry {
    /// What is kept of an object of this kind.
    pub(super) fn of(kind: Kind, mut object: DynamicObject) -> (Name, Self) {
        if matches!(kind, Kind::Pod(_)) {
            let status = serde_json::from_value(object.data["status"].take()).unwrap_or_default();
            return Self::of_pod(object.metadata, &status);
        }
        let (api_version, kind, _) = kind.names();
        object.types = Some(kube::core::TypeMeta {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        });
        object.metadata.managed_fields = None;
        if let Some(annotations) = &mut object.metadata.annotations {
            annotations.remove(LAST_APPLIED);
        }
        (name_of(&object.metadata), Self::Object(Arc::new(object)))
    }

    /// What is kept of a pod.
    pub(super) fn of_pod(metadata: ObjectMeta, status: &PodStatus) -> (Name, Self) {
        let name = name_of(&metadata);
        let owner = metadata.owner_references.as_ref().and_then(|owners| {
            let controller = owners.iter().find(|owner| owner.controller == Some(true));
            controller.map(|owner| owner.uid.clone())
        });
        let cost = metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(keys::POD_DELETION_COST));
        let ready = status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.r#type == "Ready" && condition.status == "True");
        let pod = Pod {
            name: name.1.clone(),
            owner: owner.unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            ready: ready.is_some(),
            ready_since: ready.and_then(|condition| condition.since.as_deref()?.parse().ok()),
            pending: status.phase.as_deref() == Some("Pending"),
            created: metadata.creation_timestamp.map(|time| time.0),
            deletion_cost: cost.and_then(|text| text.parse().ok()).unwrap_or(0),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default().into_iter().collect(),
        };
        let terminal = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
        (
            name,
            Self::Pod {
                pod: Arc::new(pod),
                terminal,
            },
        )
    }

    /// The object; nothing for a pod.
    pub(super) fn object(&self) -> Option<&DynamicObject> {
        match self {
            Self::Object(object) => Some(object),
            Self::Pod { .. } => None,
        }
    }

    /// The pod, unless it has come to its end.
    pub(super) fn pod(&self) -> Option<&Arc<Pod>> {
        match self {
            Self::Pod { pod, terminal: false } => Some(pod),
            _ => None,
        }
    }

    /// Uid.
    pub(super) fn uid(&self) -> Option<&str> {
        match self {
            Self::Object(object) => object.metadata.uid.as_deref(),
            Self::Pod { pod, .. } => Some(&pod.uid),
        }
    }

    /// Uid of the controller.
    pub(super) fn owner(&self) -> Option<&str> {
        match self {
            Self::Object(object) => owner_uid(object),
            Self::Pod { pod, .. } => Some(pod.owner.as_str()).filter(|owner| !owner.is_empty()),
        }
    }

    /// Whether it has a label.
    fn has_label(&self, label: &str) -> bool {
        match self {
            Self::Object(object) => object
                .metadata
                .labels
                .as_ref()
                .is_some_and(|labels| labels.contains_key(label)),
            Self::Pod { pod, .. } => pod.labels.get(label).is_some(),
        }
    }

    /// Whether a watch of this kind shows it.
    pub(super) fn belongs_to(&self, kind: Kind) -> bool {
        match kind {
            Kind::Pod(label) => self.has_label(label),
            _ => true,
        }
    }

    /// resourceVersions of one server can be compared as numbers (Kubernetes 1.35 promises it, all servers do it).
    fn version(&self) -> u128 {
        let text = match self {
            Self::Object(object) => object.metadata.resource_version.as_deref().unwrap_or_default(),
            Self::Pod { pod, .. } => &pod.resource_version,
        };
        text.parse().unwrap_or(u128::MAX)
    }

    /// Whether it tells nothing new. The kubelet writes a pod's status all the time, and most of it is never read.
    fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Pod { pod, terminal },
                Self::Pod {
                    pod: other,
                    terminal: ended,
                },
            ) => terminal == ended && pod.says_the_same(other),
            _ => false,
        }
    }

    /// What it belongs to: the uid of its controller; for an autoscaler the workload that it aims at.
    fn link(&self, name: &Name) -> Option<String> {
        match self.object() {
            Some(object) if is_autoscaler(object) => {
                let (group, kind, target) = aim(object);
                Some(autoscaled(&name.0, group, kind, target))
            }
            _ => self.owner().map(str::to_owned),
        }
    }
}

fn name_of(metadata: &ObjectMeta) -> Name {
    (
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}

/// The reference to the controller of an object.
pub(super) fn controller(object: &DynamicObject) -> Option<&OwnerReference> {
    let mut owners = object.metadata.owner_references.iter().flatten();
    owners.find(|owner| owner.controller == Some(true))
}

fn is_autoscaler(object: &DynamicObject) -> bool {
    object
        .types
        .as_ref()
        .is_some_and(|types| types.kind == "HorizontalPodAutoscaler")
}

/// Group, kind and name of what an autoscaler aims at; a blue-green release switches it off by a suffix to the name,
/// and upstream may have added several (engine-canary-and-bluegreen).
pub(super) fn aim(autoscaler: &DynamicObject) -> (&str, &str, &str) {
    let target = &autoscaler.data["spec"]["scaleTargetRef"];
    let text = |field: &str| target[field].as_str().unwrap_or_default();
    let mut name = text("name");
    while let Some(stem) = name.strip_suffix(keys::DISABLED_AUTOSCALER) {
        name = stem;
    }
    (split(text("apiVersion")).0, text("kind"), name)
}

/// The link from a workload to its autoscalers.
pub(super) fn autoscaled(namespace: &str, group: &str, kind: &str, name: &str) -> String {
    format!("{namespace}/{group}/{kind}/{name}")
}

/// What is known of a kind as a whole.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum State {
    /// Not listed yet.
    #[default]
    Awaited,
    Listed,
    /// The API server does not serve it.
    Unserved,
}

/// What came of putting an entry into a table.
pub(super) enum Put {
    /// An older one, or one that says nothing new.
    Nothing,
    /// News; the entry that was there before.
    News(Option<Entry>),
}

/// One kind's objects.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: BTreeMap<Arc<Name>, Entry>,
    /// The same entries by what they belong to: a thousand pods of one owner are read at every look.
    by_link: HashMap<String, BTreeMap<Arc<Name>, Entry>>,
    listing: Option<BTreeSet<Arc<Name>>>,
    pub(super) state: State,
}

impl Table {
    /// Begins a list.
    pub(super) fn begin_listing(&mut self) {
        self.listing = Some(BTreeSet::new());
    }

    /// Notes a name of the list.
    pub(super) fn note_listed(&mut self, name: &Name) {
        if let Some(listing) = &mut self.listing {
            let known = self.entries.get_key_value(name);
            listing.insert(known.map_or_else(|| Arc::new(name.clone()), |(known, _)| Arc::clone(known)));
        }
    }

    /// Ends a list; answers the names that it had not.
    pub(super) fn end_listing(&mut self) -> Vec<Name> {
        let listed = self.listing.take().unwrap_or_default();
        let gone = self.entries.keys().filter(|name| !listed.contains(*name));
        gone.map(|name| Name::clone(name)).collect()
    }

    /// All names.
    pub(super) fn names(&self) -> Vec<Name> {
        self.entries.keys().map(|name| Name::clone(name)).collect()
    }

    /// The objects of a namespace, by name.
    pub(super) fn objects_of<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a DynamicObject> + use<'a> {
        let entries = self.entries.iter().filter(move |(name, _)| name.0 == namespace);
        entries.filter_map(|(_, entry)| entry.object())
    }

    /// The names in a namespace.
    pub(super) fn names_of<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
        let names = self.entries.keys().filter(move |name| name.0 == namespace);
        names.map(|name| name.1.as_str())
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The entries of a link, by name.
    pub(super) fn linked<'a>(&'a self, link: &str) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let linked = self.by_link.get(link);
        linked.into_iter().flat_map(BTreeMap::values)
    }

    /// Whether the entry that is known is as new.
    pub(super) fn has_as_new(&self, name: &Name, entry: &Entry) -> bool {
        self.entries
            .get(name)
            .is_some_and(|known| known.version() >= entry.version())
    }

    /// Takes in an entry unless the one that is known is as new.
    pub(super) fn put(&mut self, name: &Name, entry: Entry) -> Put {
        if self.has_as_new(name, &entry) {
            return Put::Nothing;
        }
        if let Some(known) = self.entries.get_mut(name)
            && known.says_the_same(&entry)
        {
            // What is the same belongs to the same.
            let link = entry.link(name);
            let linked = link.and_then(|link| self.by_link.get_mut(&link)?.get_mut(name));
            if let Some(linked) = linked {
                *linked = entry.clone();
            }
            *known = entry;
            return Put::Nothing;
        }
        let old = self.remove(name);
        let key = Arc::new(name.clone());
        if let Some(link) = entry.link(name) {
            let linked = self.by_link.entry(link).or_default();
            linked.insert(Arc::clone(&key), entry.clone());
        }
        self.entries.insert(key, entry);
        Put::News(old)
    }

    /// Takes out an entry.
    pub(super) fn remove(&mut self, name: &Name) -> Option<Entry> {
        let entry = self.entries.remove(name)?;
        if let Some(link) = entry.link(name)
            && let Some(linked) = self.by_link.get_mut(&link)
        {
            linked.remove(name);
            if linked.is_empty() {
                self.by_link.remove(&link);
            }
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Entry, Kind, Put, Table};
    use crate::{
        engine::core::Pod,
        engine::driver::kind::{DEPLOYMENT, DEPLOYMENT_PODS},
    };

    fn entry(kind: Kind, value: Value) -> (super::Name, Entry) {
        Entry::of(kind, serde_json::from_value(value).unwrap())
    }

    fn pod(version: &str, status: &Value) -> (super::Name, Entry) {
        entry(
            DEPLOYMENT_PODS,
            json!({ "apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": "web-1", "namespace": "shop", "uid": "u1", "resourceVersion": version,
                "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { "app": "web" },
                "annotations": { "controller.kubernetes.io/pod-deletion-cost": "-5", "big": "x" },
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-a", "uid": "set", "controller": true }],
            }, "spec": { "containers": [] }, "status": status }),
        )
    }

    #[test]
    fn of_a_pod_only_what_is_read_is_kept() {
        let (_, ready) = pod(
            "7",
            &json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z" }] }),
        );
        let expected = Pod {
            name: "web-1".to_owned(),
            uid: "u1".to_owned(),
            resource_version: "7".to_owned(),
            labels: [("app".to_owned(), "web".to_owned())].into(),
            owner: "set".to_owned(),
            deleting: false,
            ready: true,
            ready_since: Some("2026-01-01T00:00:05Z".parse().unwrap()),
            pending: false,
            created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            deletion_cost: -5,
        };
        assert_eq!(ready.pod().map(|pod| Pod::clone(pod)), Some(expected));
        assert_eq!(pod("8", &json!({ "phase": "Failed" })).1.pod(), None);
        assert!(pod("9", &json!({ "phase": "Pending" })).1.pod().unwrap().pending);
    }

    #[test]
    fn takes_in_what_is_newer_and_says_something() {
        let mut table = Table::default();
        let mut put = |version: &str, status: &Value| {
            let (name, entry) = pod(version, status);
            let is_news = matches!(table.put(&name, entry), Put::News(_));
            (
                is_news,
                table
                    .linked("set")
                    .filter_map(Entry::pod)
                    .map(|pod| pod.resource_version.clone())
                    .collect::<Vec<_>>(),
            )
        };
        let running = json!({ "phase": "Running" });
        assert_eq!(put("5", &running), (true, vec!["5".to_owned()]));
        assert_eq!(
            put("4", &json!({ "phase": "Pending" })),
            (false, vec!["5".to_owned()])
        );
        assert_eq!(put("6", &running), (false, vec!["6".to_owned()]));
        assert_eq!(put("7", &json!({ "phase": "Succeeded" })), (true, vec![]));
        assert_eq!(put("6", &running), (false, vec![]));
    }

    #[test]
    fn drops_what_no_decision_reads() {
        let (_, entry) = entry(
            DEPLOYMENT,
            json!({ "metadata": { "name": "web", "namespace": "shop", "managedFields": [{ "manager": "kubectl" }],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "a" } } }),
        );
        let object = entry.object().unwrap();
        assert_eq!(
            serde_json::to_value(&object.metadata).unwrap(),
            json!({ "name": "web", "namespace": "shop", "annotations": { "team": "a" } })
        );
        assert_eq!(
            object.types.as_ref().map(|types| types.kind.as_str()),
            Some("Deployment")
        );
    }
}
