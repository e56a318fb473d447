//! What is looked at: everything that two control planes must agree on, names and times left out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::changes::Case;
use crate::harness::cluster::{Cluster, Place};

/// All objects of the namespace, as they are at one time.
pub(super) struct Look(BTreeMap<&'static str, Vec<Value>>);

/// Where they are.
const PLACES: [(&str, &str); 6] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "ControllerRevision"),
    ("v1", "Pod"),
];

impl Look {
    /// Looks. Owners are read before what they own, so that what a status says is not newer than what is seen of pods.
    pub(super) async fn at(cluster: &Cluster) -> Self {
        let mut all = BTreeMap::new();
        for (api_version, kind) in PLACES {
            all.insert(kind, cluster.list(Place::of(api_version, kind)).await.unwrap());
        }
        Self(all)
    }

    /// What belongs to a case.
    pub(super) fn of<'a>(&'a self, case: &Case) -> Present<'a> {
        let name = case.name();
        let ours = |kind: &str| {
            let all = self.0[kind].iter();
            all.filter(|object| object["metadata"]["labels"]["app"] == name)
                .collect()
        };
        Present {
            workload: self.0[case.kind.name()]
                .iter()
                .find(|object| object["metadata"]["name"] == name)
                .unwrap_or(&Value::Null),
            sets: ours("ReplicaSet"),
            revisions: ours("ControllerRevision"),
            pods: ours("Pod"),
        }
    }
}

/// One workload with all that it owns.
pub(super) struct Present<'a> {
    workload: &'a Value,
    sets: Vec<&'a Value>,
    revisions: Vec<&'a Value>,
    pods: Vec<&'a Value>,
}

/// The tag of a template's image.
fn tag(template: &Value) -> String {
    let image = template["spec"]["containers"][0]["image"]
        .as_str()
        .unwrap_or_default();
    image.rsplit(':').next().unwrap_or_default().to_owned()
}

fn state(pod: &Value) -> &'static str {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    if pod["metadata"].get("deletionTimestamp").is_some() {
        "ending"
    } else if conditions.any(|c| c["type"] == "Ready" && c["status"] == "True") {
        "ready"
    } else {
        "waiting"
    }
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template["metadata"]
        .as_object_mut()
        .map(|meta| meta.remove("creationTimestamp"));
    template
}

/// The counts of a status that are not zero.
fn counts(status: &Value) -> Map<String, Value> {
    let fields = status.as_object().into_iter().flatten();
    fields
        .filter(|(field, value)| value.as_i64().is_some_and(|n| n != 0) && *field != "observedGeneration")
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

fn observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

impl Present<'_> {
    /// Whether the controller saw the newest spec.
    pub(super) fn observed(&self) -> bool {
        observed(self.workload)
    }

    /// Changes when anything does.
    pub(super) fn versions(&self) -> String {
        let all = [self.workload]
            .into_iter()
            .chain(self.sets.iter().copied())
            .chain(self.revisions.iter().copied())
            .chain(self.pods.iter().copied());
        all.map(|object| {
            let version = object["metadata"]["resourceVersion"].as_str();
            format!("{} ", version.unwrap_or_default())
        })
        .collect()
    }

    /// The first pod, by name, of one of the classes that pods of the same version and state make.
    pub(super) fn pod(&self, class: usize) -> Option<String> {
        let mut classes: BTreeMap<(String, &str), &str> = BTreeMap::new();
        let name = |pod: &'_ Value| pod["metadata"]["name"].as_str().map(str::to_owned);
        let mut names: Vec<(String, (String, &str))> = self
            .pods
            .iter()
            .filter_map(|pod| Some((name(pod)?, (tag(pod), state(pod)))))
            .collect();
        names.sort();
        for (name, key) in names.iter().rev() {
            classes.insert(key.clone(), name);
        }
        let at = class.checked_rem(classes.len())?;
        classes.values().nth(at).map(|name| (*name).to_owned())
    }

    /// What must be equal at rest.
    pub(super) fn rest(&self) -> Value {
        let workload = self.workload;
        let conditions: BTreeMap<&str, Value> = workload["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| Some((c["type"].as_str()?, json!([c["status"], c["reason"]]))))
            .collect();
        json!({
            "generation": workload["metadata"]["generation"],
            "annotations": workload["metadata"]["annotations"],
            "observed": self.observed(),
            "spec": workload["spec"],
            "status": counts(&workload["status"]),
            "conditions": conditions,
            "currentRevision": self.version_named(&workload["status"]["currentRevision"]),
            "updateRevision": self.version_named(&workload["status"]["updateRevision"]),
            "pods": self.counted_pods(),
            "sets": self.told_sets(),
            "revisions": self.told_revisions(),
        })
    }

    fn version_named(&self, name: &Value) -> Option<String> {
        let named = |revision: &&&Value| revision["metadata"]["name"] == *name;
        let revision = self.revisions.iter().find(named)?;
        Some(tag(&revision["data"]["spec"]["template"]))
    }

    /// Pods of a StatefulSet by name, all others by number.
    fn counted_pods(&self) -> Value {
        let text = |pod: &Value| format!("{} {}", tag(pod), state(pod));
        if self.workload["kind"] == "StatefulSet" {
            let named = |pod: &&Value| (pod["metadata"]["name"].to_string(), text(pod));
            return json!(self.pods.iter().map(named).collect::<BTreeMap<_, _>>());
        }
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for pod in &self.pods {
            *counts.entry(text(pod)).or_default() += 1;
        }
        json!(counts)
    }

    fn told_sets(&self) -> Vec<Value> {
        let template = &self.workload["spec"]["template"];
        let mut sets: Vec<(String, Value)> = self
            .sets
            .iter()
            .map(|set| {
                let annotation = |name: &str| {
                    set["metadata"]["annotations"][format!("deployment.kubernetes.io/{name}")].clone()
                };
                // What an empty set was scaled for last is a matter of when it became empty.
                let lasting = |name: &str| (set["spec"]["replicas"] != 0).then(|| annotation(name));
                let told = json!({
                    "size": set["spec"]["replicas"],
                    "minReadySeconds": set["spec"]["minReadySeconds"],
                    "observed": observed(set),
                    "status": counts(&set["status"]),
                    "is new": without_hash(&set["spec"]["template"]) == without_hash(template),
                    "revision": annotation("revision"),
                    "history": annotation("revision-history"),
                    "desired": lasting("desired-replicas"),
                    "max": lasting("max-replicas"),
                });
                (tag(&set["spec"]["template"]), told)
            })
            .collect();
        sets.sort_by(|a, b| a.0.cmp(&b.0));
        sets.into_iter().map(|(tag, told)| json!({ tag: told })).collect()
    }

    fn told_revisions(&self) -> BTreeMap<i64, String> {
        let told = |revision: &&Value| {
            let number = revision["revision"].as_i64()?;
            Some((number, tag(&revision["data"]["spec"]["template"])))
        };
        self.revisions.iter().filter_map(told).collect()
    }
}
