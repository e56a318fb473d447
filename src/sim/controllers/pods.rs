//! Pods as controllers make them: from a template, with an owner, at once on a node.
//!
//! Pods of one version on one node share their spec. What real controllers write into the spec of each single pod
//! (`hostname` and `subdomain` of a StatefulSet's, the node affinity of a DaemonSet's) is left out for that reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::kubelet;
use crate::sim::object::{Fields, Object, PodFacts, seconds};
use crate::sim::resource::{KindId, NODES, PODS};
use crate::sim::store::Store;

/// Judges availability: how long pods must be ready, and when to look again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    seconds: i64,
    now: Timestamp,
    next: Option<Timestamp>,
}

impl Patience {
    /// Pods are available that were ready for so many seconds.
    pub(super) fn new(seconds: i64, now: Timestamp) -> Self {
        Self {
            seconds,
            now,
            next: None,
        }
    }

    /// Tries again in a second, as a controller's queue does after an error.
    pub(super) fn retry(&mut self) {
        let at = self
            .now
            .saturating_add(SignedDuration::from_secs(1))
            .unwrap_or(Timestamp::MAX);
        self.next = Some(self.next.map_or(at, |soonest| soonest.min(at)));
    }

    /// Whether a pod is available; for one that is only ready, remembers when it will be.
    pub(super) fn available(&mut self, pod: &PodFacts) -> bool {
        if !pod.ready || self.seconds <= 0 {
            return pod.ready;
        }
        let since = pod.ready_since.unwrap_or(self.now);
        let at = since
            .saturating_add(SignedDuration::from_secs(self.seconds))
            .unwrap_or(Timestamp::MAX);
        if at > self.now {
            self.next = Some(self.next.map_or(at, |soonest| soonest.min(at)));
        }
        at <= self.now
    }

    /// When the next of the pods judged so far becomes available; `None` when none will.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next.filter(|at| *at < Timestamp::MAX)
    }
}

/// Where a new pod goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// To the node whose turn it is; nowhere when there are no nodes.
    Turn(usize),
    /// To this node.
    Node(&'a str),
}

/// Makes pods of one owner from one template.
pub(super) struct Maker {
    namespace: String,
    prefix: String,
    meta: Fields,
    labels: Fields,
    spec: Value,
    nodes: Vec<String>,
    specs: BTreeMap<String, Arc<Value>>,
    pending: Arc<Value>,
    rest: Arc<Fields>,
}

impl Maker {
    /// Prepares to make pods. `kind` is the owner's.
    pub(super) fn new(store: &Store, owner: &Object, kind: KindId, template: &Value, now: Timestamp) -> Self {
        let resource = store.resource(kind);
        let of = |field: &str| template.pointer(&format!("/metadata/{field}")).cloned();
        let mut meta = Fields::new();
        for field in ["annotations", "finalizers"] {
            if let Some(value) = of(field) {
                meta.insert(field.to_owned(), value);
            }
        }
        let prefix = format!("{}-", owner.name());
        meta.insert("generateName".to_owned(), json!(prefix));
        meta.insert("namespace".to_owned(), json!(owner.namespace()));
        meta.insert("creationTimestamp".to_owned(), json!(seconds(now)));
        meta.insert(
            "ownerReferences".to_owned(),
            json!([{"apiVersion": resource.api_version(), "kind": resource.kind, "name": owner.name(),
                    "uid": owner.uid(), "controller": true, "blockOwnerDeletion": true}]),
        );
        Self {
            namespace: owner.namespace().to_owned(),
            prefix,
            meta,
            labels: match of("labels") {
                Some(Value::Object(labels)) => labels,
                _ => Fields::new(),
            },
            spec: template.get("spec").cloned().unwrap_or_else(|| json!({})),
            nodes: store
                .collection(NODES)
                .objects
                .keys()
                .map(|node| node.name.to_string())
                .collect(),
            specs: BTreeMap::new(),
            pending: Arc::new(kubelet::pending(now)),
            rest: Arc::default(),
        }
    }

    /// A name of the owner's with a generated end.
    pub(super) fn free_name(&self, store: &mut Store) -> String {
        store.free_name(PODS, &self.namespace, &self.prefix)
    }

    /// Makes one pod, with labels beside those of the template.
    pub(super) fn make(
        &mut self,
        store: &mut Store,
        name: &str,
        labels: &[(&str, &str)],
        place: Place<'_>,
    ) -> Object {
        let mut meta = self.meta.clone();
        meta.insert("name".to_owned(), json!(name));
        meta.insert("uid".to_owned(), json!(store.next_uid()));
        let mut all = self.labels.clone();
        for (key, value) in labels {
            all.insert((*key).to_owned(), json!(value));
        }
        if !all.is_empty() {
            meta.insert("labels".to_owned(), Value::Object(all));
        }
        let node = match place {
            Place::Node(node) => node.to_owned(),
            Place::Turn(turn) => {
                let at = turn.checked_rem(self.nodes.len()).unwrap_or(0);
                self.nodes.get(at).cloned().unwrap_or_default()
            }
        };
        let status = if node.is_empty() {
            Arc::new(json!({"phase": "Pending"}))
        } else {
            Arc::clone(&self.pending)
        };
        let spec = self.specs.entry(node).or_insert_with_key(|node| {
            let mut spec = self.spec.clone();
            if !node.is_empty() {
                spec["nodeName"] = json!(node);
            }
            Arc::new(spec)
        });
        store.insert(
            PODS,
            Object {
                meta: Arc::new(meta),
                spec: Some(Arc::clone(spec)),
                status: Some(status),
                rest: Arc::clone(&self.rest),
                ..Object::default()
            },
        )
    }
}
