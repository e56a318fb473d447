//! What the Deployment controller reads from a Deployment and its ReplicaSets, and how it writes ReplicaSets.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::api::keys;
use crate::sim::object::Object;
use crate::sim::resource::REPLICA_SETS;
use crate::sim::store::{Name, Store};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The spec of a Deployment, read.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Pods wanted.
    pub(super) replicas: i64,
    /// Nothing rolls while true.
    pub(super) paused: bool,
    /// Strategy Recreate instead of RollingUpdate.
    pub(super) recreate: bool,
    /// Pods above the wanted number during a rolling update; 0 with Recreate.
    pub(super) surge: i64,
    /// Pods that may be missing; at most `replicas`, 0 with Recreate.
    pub(super) unavailable: i64,
    /// Seconds a pod must be ready to count as available.
    pub(super) min_ready: i64,
    /// Seconds without progress that are a failure; `None` means no deadline.
    pub(super) deadline: Option<i64>,
    /// Old ReplicaSets to keep.
    pub(super) history: usize,
}

impl Wanted {
    /// Reads a Deployment.
    pub(super) fn read(deployment: &Object) -> Self {
        let number = |at: &str, default| deployment.spec_at(at).and_then(Value::as_i64).unwrap_or(default);
        let replicas = number("/replicas", 1);
        let recreate = deployment
            .spec_at("/strategy/type")
            .is_some_and(|t| t == "Recreate");
        let share = |at: &str, up| resolve(deployment.spec_at(at), replicas, up);
        let (mut surge, mut unavailable) = (0, 0);
        if !recreate {
            surge = share("/strategy/rollingUpdate/maxSurge", true);
            unavailable = share("/strategy/rollingUpdate/maxUnavailable", false);
            if surge == 0 && unavailable == 0 {
                unavailable = 1;
            }
            unavailable = unavailable.min(replicas);
        }
        let deadline = number("/progressDeadlineSeconds", i64::from(i32::MAX));
        Self {
            replicas,
            paused: deployment
                .spec_at("/paused")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            recreate,
            surge,
            unavailable,
            min_ready: number("/minReadySeconds", 0),
            deadline: (deadline < i64::from(i32::MAX)).then_some(deadline),
            history: usize::try_from(number("/revisionHistoryLimit", 10)).unwrap_or(usize::MAX),
        }
    }
}

/// An absolute number, or a share of `total` in percent, rounded up or down.
pub(super) fn resolve(value: Option<&Value>, total: i64, up: bool) -> i64 {
    let Some(value) = value else { return 0 };
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value
        .as_str()
        .and_then(|t| t.strip_suffix('%'))
        .and_then(|p| p.parse::<i64>().ok());
    let product = percent.unwrap_or(0) * total;
    if up {
        (product + 99).div_euclid(100)
    } else {
        product.div_euclid(100)
    }
}

/// A ReplicaSet of the Deployment at hand.
#[derive(Clone, Debug)]
pub(super) struct Set {
    /// The object as last read or written.
    pub(super) object: Object,
}

impl Set {
    /// The ReplicaSet's name.
    pub(super) fn name(&self) -> &str {
        self.object.name()
    }

    /// `spec.replicas`.
    pub(super) fn size(&self) -> i64 {
        self.object
            .spec_at("/replicas")
            .and_then(Value::as_i64)
            .unwrap_or(1)
    }

    /// `status.availableReplicas`.
    pub(super) fn available(&self) -> i64 {
        self.object.count("availableReplicas")
    }

    /// The revision annotation; 0 when absent.
    pub(super) fn revision(&self) -> i64 {
        self.number(REVISION).unwrap_or(0)
    }

    /// The size of the Deployment when this set was last scaled.
    pub(super) fn desired(&self) -> Option<i64> {
        self.number(DESIRED)
    }

    /// The most pods the Deployment could have when this set was last scaled.
    pub(super) fn most(&self) -> Option<i64> {
        self.number(MAX)
    }

    fn number(&self, annotation: &str) -> Option<i64> {
        self.object.annotation(annotation)?.parse().ok()
    }

    /// Order of age; the revision decides between sets of the same second.
    pub(super) fn age_key(&self) -> (String, i64, String) {
        (
            self.object.text("creationTimestamp").to_owned(),
            self.revision(),
            self.name().to_owned(),
        )
    }

    /// Sets the size, and with it the annotations that remember what it was scaled for; a set that has the size already
    /// keeps the old ones. Returns whether the size changed.
    pub(super) fn scale(&mut self, store: &mut Store, wanted: &Wanted, size: i64) -> bool {
        self.size() != size && self.scale_in_proportion(store, wanted, size)
    }

    /// Sets the size and brings the annotations up to date, too, when only they differ, as scaling in proportion does.
    /// Returns whether the size changed.
    pub(super) fn scale_in_proportion(&mut self, store: &mut Store, wanted: &Wanted, size: i64) -> bool {
        let most = wanted.replicas + wanted.surge;
        let resized = self.size() != size;
        if !resized && self.desired() == Some(wanted.replicas) && self.most() == Some(most) {
            return false;
        }
        annotate(
            &mut self.object,
            [(DESIRED, wanted.replicas.to_string()), (MAX, most.to_string())],
        );
        if resized {
            let mut spec = self.object.spec.as_deref().cloned().unwrap_or_else(|| json!({}));
            spec["replicas"] = json!(size);
            self.object.spec = Some(Arc::new(spec));
        }
        self.write(store, resized);
        resized
    }

    /// Writes the object, counting a change of the spec.
    pub(super) fn write(&mut self, store: &mut Store, spec_changed: bool) {
        if spec_changed {
            let generation = self.object.generation() + 1;
            Arc::make_mut(&mut self.object.meta).insert("generation".to_owned(), json!(generation));
        }
        self.object = store.replace(REPLICA_SETS, self.object.clone());
    }
}

/// Sets annotations of an object in memory.
pub(super) fn annotate<const N: usize>(object: &mut Object, entries: [(&str, String); N]) {
    let meta = Arc::make_mut(&mut object.meta);
    let annotations = meta.entry("annotations").or_insert_with(|| json!({}));
    for (key, value) in entries {
        annotations[key] = json!(value);
    }
}

/// The ReplicaSets that a Deployment controls, oldest first.
pub(super) fn owned(store: &Store, deployment: &Object) -> Vec<Set> {
    let uid = deployment.uid();
    let all = store.dependents_of(uid, REPLICA_SETS);
    let mut sets: Vec<Set> = all
        .filter(|(_, set)| set.controller().is_some_and(|c| c["uid"] == uid))
        .map(|(_, set)| Set { object: set.clone() })
        .collect();
    sets.sort_by_cached_key(Set::age_key);
    sets
}

/// The set whose template is the Deployment's, the oldest if several are; taken out of `sets`.
pub(super) fn take_new(deployment: &Object, sets: &mut Vec<Set>) -> Option<Set> {
    let template = deployment.spec_at("/template")?;
    let at = sets.iter().position(|s| {
        s.object
            .spec_at("/template")
            .is_some_and(|t| same_template(t, template))
    })?;
    Some(sets.remove(at))
}

/// Equality of templates, the hash label aside.
fn same_template(a: &Value, b: &Value) -> bool {
    fn labels(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let labels = template.pointer("/metadata/labels").and_then(Value::as_object);
        labels
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != keys::POD_TEMPLATE_HASH)
    }
    fn others(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let meta = template.get("metadata").and_then(Value::as_object);
        meta.into_iter()
            .flatten()
            .filter(|(key, _)| !matches!(key.as_str(), "labels" | "creationTimestamp"))
    }
    a.get("spec") == b.get("spec") && labels(a).eq(labels(b)) && others(a).eq(others(b))
}

/// Copies what a new ReplicaSet takes from its Deployment's annotations. Returns whether anything changed.
pub(super) fn copy_annotations(deployment: &Object, set: &mut Object, revision: i64) -> bool {
    let before = set.meta.get("annotations").cloned();
    let own = [
        REVISION,
        REVISION_HISTORY,
        DESIRED,
        MAX,
        LAST_APPLIED,
        "deprecated.deployment.rollback.to",
    ];
    let mut after: Map<String, Value> = before
        .as_ref()
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let theirs = deployment.meta.get("annotations").and_then(Value::as_object);
    for (key, value) in theirs
        .into_iter()
        .flatten()
        .filter(|(key, _)| !own.contains(&key.as_str()))
    {
        after.insert(key.clone(), value.clone());
    }
    let old = after
        .get(REVISION)
        .and_then(Value::as_str)
        .and_then(|r| r.parse::<i64>().ok())
        .unwrap_or(0);
    if old < revision {
        if old > 0 {
            let history = after
                .get(REVISION_HISTORY)
                .and_then(Value::as_str)
                .unwrap_or_default();
            let history = if history.is_empty() {
                old.to_string()
            } else {
                format!("{history},{old}")
            };
            after.insert(REVISION_HISTORY.to_owned(), json!(history));
        }
        after.insert(REVISION.to_owned(), json!(revision.to_string()));
    }
    let after = Value::Object(after);
    let changed = before.as_ref() != Some(&after);
    if changed {
        Arc::make_mut(&mut set.meta).insert("annotations".to_owned(), after);
    }
    changed
}

/// Makes the ReplicaSet of the Deployment's template. A set of another template under the same name counts as a
/// collision, which changes the hash.
pub(super) fn create(
    store: &mut Store,
    deployment: &Object,
    wanted: &Wanted,
    size: i64,
    revision: i64,
    created: &str,
) -> Option<Set> {
    let template = deployment.spec_at("/template")?;
    let namespace = deployment.namespace();
    let mut collisions = deployment.count("collisionCount");
    let (name, hash) = loop {
        let hash = template_hash(template, collisions);
        let name = format!("{}-{hash}", deployment.name());
        if store.get(REPLICA_SETS, &Name::new(namespace, &name)).is_none() {
            break (name, hash);
        }
        collisions += 1;
    };
    let mut template = template.clone();
    template["metadata"]["labels"][keys::POD_TEMPLATE_HASH] = json!(hash);
    let labels = template["metadata"]["labels"].clone();
    let mut selector = deployment
        .spec_at("/selector")
        .cloned()
        .unwrap_or_else(|| json!({}));
    if !selector["matchLabels"].is_object() {
        selector["matchLabels"] = json!({});
    }
    selector["matchLabels"][keys::POD_TEMPLATE_HASH] = json!(hash);
    let mut spec = json!({"replicas": size, "selector": selector, "template": template});
    if wanted.min_ready > 0 {
        spec["minReadySeconds"] = json!(wanted.min_ready);
    }
    let uid = store.next_uid();
    let mut object = Object::from_value(json!({
        "metadata": {
            "name": name, "namespace": namespace, "uid": uid, "creationTimestamp": created, "generation": 1,
            "labels": labels,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name(),
                                 "uid": deployment.uid(), "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": spec,
        "status": {"replicas": 0},
    }));
    copy_annotations(deployment, &mut object, revision);
    let most = wanted.replicas + wanted.surge;
    annotate(
        &mut object,
        [(DESIRED, wanted.replicas.to_string()), (MAX, most.to_string())],
    );
    Some(Set {
        object: store.insert(REPLICA_SETS, object),
    })
}

/// A hash of a template in the alphabet of real ones; equal templates have equal hashes.
pub(super) fn template_hash(template: &Value, collisions: i64) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash: u32 = 0x811c_9dc5;
    let suffix = if collisions > 0 {
        collisions.to_string()
    } else {
        String::new()
    };
    for byte in template.to_string().bytes().chain(suffix.bytes()) {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let digits = hash.to_string();
    digits
        .bytes()
        .map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()]))
        .collect()
}
