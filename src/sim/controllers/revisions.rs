//! ControllerRevisions: the history of the templates of StatefulSets, DaemonSets and Kruise's workloads.
//!
//! A template that was there before gets its old revision back, counted up to be the newest. Names are
//! `OWNER-HASH`. Which label carries the hash depends on the kind, see [`HashLabel`].

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::replica_sets::template_hash;
use crate::sim::object::{Fields, Object, seconds};
use crate::sim::resource::{CONTROLLER_REVISIONS, KindId};
use crate::sim::store::{Name, Store};

/// Label of the pods that says which revision they are of; also of revisions, for some kinds.
pub(super) const REVISION_HASH: &str = "controller-revision-hash";

/// The label of a ControllerRevision that carries its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashLabel {
    /// `controller.kubernetes.io/hash`: StatefulSet, CloneSet, Advanced StatefulSet.
    History,
    /// `controller-revision-hash`: DaemonSet, Advanced DaemonSet.
    Daemon,
}

impl HashLabel {
    /// The key of the label.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::History => "controller.kubernetes.io/hash",
            Self::Daemon => REVISION_HASH,
        }
    }
}

/// The revisions of one workload, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// The revisions, by number and then by name.
    pub(super) all: Vec<Object>,
}

impl History {
    /// Reads the revisions that a workload controls.
    pub(super) fn of(store: &Store, owner: &Object) -> Self {
        let uid = owner.uid();
        let mut all: Vec<Object> = store
            .dependents_of(uid, CONTROLLER_REVISIONS)
            .filter(|(_, revision)| revision.controller().is_some_and(|c| c["uid"] == uid))
            .map(|(_, revision)| revision.clone())
            .collect();
        all.sort_by(|a, b| number(a).cmp(&number(b)).then_with(|| a.name().cmp(b.name())));
        Self { all }
    }

    /// The revision of this name.
    pub(super) fn named(&self, name: &str) -> Option<&Object> {
        self.all.iter().find(|revision| revision.name() == name)
    }

    /// The revision of the workload's template: the newest equal one, counted up if it is not the newest of all, or a
    /// new one. `collisions` counts the hashes that were taken, as the workload's status does.
    pub(super) fn adopt(
        &mut self,
        store: &mut Store,
        owner: &Object,
        kind: KindId,
        label: HashLabel,
        collisions: &mut i64,
        now: Timestamp,
    ) -> Option<Object> {
        let wanted = owner.spec_at("/template")?;
        let next = self.all.last().map_or(0, number) + 1;
        if let Some(at) = self
            .all
            .iter()
            .rposition(|revision| template(revision).is_some_and(|known| same(known, wanted)))
        {
            if at + 1 < self.all.len() {
                let mut known = self.all.remove(at);
                Arc::make_mut(&mut known.rest).insert("revision".to_owned(), json!(next));
                self.all.push(store.replace(CONTROLLER_REVISIONS, known));
            }
            return self.all.last().cloned();
        }
        let made = create(store, owner, kind, label, wanted, next, collisions, now);
        self.all.push(made.clone());
        Some(made)
    }
}

/// `.revision` of a ControllerRevision.
pub(super) fn number(revision: &Object) -> i64 {
    revision.rest.get("revision").and_then(Value::as_i64).unwrap_or(0)
}

/// The pod template in a ControllerRevision, with the directive that patches need in it.
pub(super) fn template(revision: &Object) -> Option<&Value> {
    revision.rest.get("data")?.pointer("/spec/template")
}

/// The hash of a ControllerRevision: what its name has after the owner's.
pub(super) fn hash(revision: &Object) -> &str {
    let labels = revision.meta.get("labels");
    let of = |label: HashLabel| labels.and_then(|l| l.get(label.key())).and_then(Value::as_str);
    of(HashLabel::History)
        .or_else(|| of(HashLabel::Daemon))
        .unwrap_or_default()
}

/// The revision label of a pod; empty when it has none.
pub(super) fn revision_of(pod: &Object) -> &str {
    pod.meta
        .get("labels")
        .and_then(|labels| labels.get(REVISION_HASH))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Deletes so many of the candidates, first ones first.
pub(super) fn prune<'a>(store: &mut Store, candidates: impl Iterator<Item = &'a Object>, surplus: usize) {
    for revision in candidates.take(surplus) {
        store.remove(CONTROLLER_REVISIONS, &Name::of(revision));
    }
}

/// Equality of a stored template, which has a directive, and a workload's.
fn same(known: &Value, wanted: &Value) -> bool {
    fn fields(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
        let all = template.as_object().into_iter().flatten();
        all.filter(|(key, _)| *key != "$patch")
    }
    fields(known).eq(fields(wanted))
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one independent fact about the revision"
)]
fn create(
    store: &mut Store,
    owner: &Object,
    kind: KindId,
    label: HashLabel,
    template: &Value,
    revision: i64,
    collisions: &mut i64,
    now: Timestamp,
) -> Object {
    let namespace = owner.namespace();
    let (name, hash) = loop {
        let hash = template_hash(template, *collisions);
        let name = format!("{}-{hash}", owner.name());
        if store
            .get(CONTROLLER_REVISIONS, &Name::new(namespace, &name))
            .is_none()
        {
            break (name, hash);
        }
        *collisions += 1;
    };
    let mut labels = match template.pointer("/metadata/labels") {
        Some(Value::Object(labels)) => labels.clone(),
        _ => Fields::new(),
    };
    labels.insert(label.key().to_owned(), json!(hash));
    let mut data = template.clone();
    data["$patch"] = json!("replace");
    let resource = store.resource(kind);
    let (api_version, owner_kind) = (resource.api_version(), resource.kind.clone());
    let mut object = json!({
        "metadata": {
            "name": name, "namespace": namespace, "uid": store.next_uid(), "creationTimestamp": seconds(now),
            "labels": labels,
            "ownerReferences": [{"apiVersion": api_version, "kind": owner_kind, "name": owner.name(),
                                 "uid": owner.uid(), "controller": true, "blockOwnerDeletion": true}],
        },
        "data": {"spec": {"template": data}},
        "revision": revision,
    });
    if let Some(annotations) = owner.meta.get("annotations") {
        object["metadata"]["annotations"] = annotations.clone();
    }
    store.insert(CONTROLLER_REVISIONS, Object::from_value(object))
}
