//! Pods of OpenKruise workloads: how their controllers read, rank, make and change them.
//!
//! What is left out of all three model controllers: volumes, lifecycle hooks and the states between
//! `PreparingNormal` and `Normal`, the readiness gate `InPlaceUpdateReady` (a pod that restarts is not Ready instead),
//! image pre-download, PodUnavailableBudgets, priority and scatter strategies, topology spread.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::revisions::revision_of;
use crate::api::keys;
use crate::sim::object::{Object, seconds};
use crate::sim::resource::PODS;
use crate::sim::store::{Name, Store};

/// Pod label: where the pod is in its life; always `Normal` here. Kruise writes it.
const LIFECYCLE: &str = "lifecycle.apps.kruise.io/state";
/// Pod label: the pod is to be deleted as soon as unavailability allows. Users and Kruise write it.
pub(super) const SPECIFIED_DELETE: &str = "apps.kruise.io/specified-delete";

/// Labels that every pod of Kruise has from the start.
pub(super) const NORMAL: (&str, &str) = (LIFECYCLE, "Normal");

/// The earlier of two times to look again; the end of time never comes.
pub(super) fn sooner(again: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    if at == Timestamp::MAX {
        return again;
    }
    Some(again.map_or(at, |soonest| soonest.min(at)))
}

/// When the next pod becomes available that is ready but not available yet.
pub(super) fn next_available(pods: &[Member<'_>], patience: i64, now: Timestamp) -> Option<Timestamp> {
    let times = pods.iter().filter_map(|pod| pod.available_from(patience, now));
    times.filter(|at| *at > now).fold(None, sooner)
}

/// A pod of the workload at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    /// Its name.
    pub(super) name: &'a Name,
    /// The pod.
    pub(super) object: &'a Object,
}

/// The pods that name an owner, in the order of their names.
pub(super) fn members<'a>(store: &'a Store, owner: &str) -> Vec<Member<'a>> {
    let all = store.dependents_of(owner, PODS);
    all.filter(|(_, pod)| pod.controller().is_some_and(|c| c["uid"] == owner))
        .map(|(name, object)| Member { name, object })
        .collect()
}

impl<'a> Member<'a> {
    /// A label; empty when absent.
    pub(super) fn label(&self, key: &str) -> &'a str {
        let labels = self.object.meta.get("labels");
        labels
            .and_then(|l| l.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The revision the pod is of, as its label spells it.
    pub(super) fn revision(&self) -> &'a str {
        revision_of(self.object)
    }

    /// Whether the pod runs and is ready.
    pub(super) fn ready(&self) -> bool {
        self.object.pod.ready && !self.object.pod.ended
    }

    /// Whether a deletion is under way.
    pub(super) fn deleting(&self) -> bool {
        self.object.pod.deleting
    }

    /// From when on the pod counts as available, `patience` seconds after it became ready; `None` while it is not.
    pub(super) fn available_from(&self, patience: i64, now: Timestamp) -> Option<Timestamp> {
        if !self.ready() {
            return None;
        }
        if patience <= 0 {
            return Some(Timestamp::MIN);
        }
        let since = self.object.pod.ready_since.unwrap_or(now);
        let wait = SignedDuration::from_secs(patience);
        Some(since.saturating_add(wait).unwrap_or(Timestamp::MAX))
    }

    /// Whether the pod has been ready for `patience` seconds.
    pub(super) fn available(&self, patience: i64, now: Timestamp) -> bool {
        self.available_from(patience, now).is_some_and(|at| at <= now)
    }

    /// The node the pod is bound to; empty when there is none.
    pub(super) fn node(&self) -> &'a str {
        let node = self.object.spec_at("/nodeName");
        node.and_then(Value::as_str).unwrap_or_default()
    }

    fn restarts(&self) -> i64 {
        let statuses = self
            .object
            .status_at("/containerStatuses")
            .and_then(Value::as_array);
        let counts = statuses
            .into_iter()
            .flatten()
            .filter_map(|s| s["restartCount"].as_i64());
        counts.max().unwrap_or(0)
    }

    fn deletion_cost(&self) -> i64 {
        let cost = self.object.annotation(keys::POD_DELETION_COST);
        cost.and_then(|c| c.parse::<i32>().ok()).map_or(0, i64::from)
    }

    /// Where the pod stands among those that are given up first; the least goes first. Ready pods go youngest first.
    ///
    /// Source: `ActivePods` of `k8s.io/kubernetes/pkg/controller`, and Kruise's `utils/pod_sorter.go`, which looks at
    /// availability, deletion cost and how crowded the node is as well.
    pub(super) fn rank(&self, available: bool, cost: bool, crowd: usize) -> Rank<'a> {
        let phase = self.object.status_at("/phase").and_then(Value::as_str);
        let phase = match phase {
            Some("Running") => 2,
            Some("Unknown") => 1,
            _ => 0,
        };
        let ready = self.ready();
        Rank {
            bound: !self.node().is_empty(),
            phase,
            available,
            ready,
            cost: if cost { self.deletion_cost() } else { 0 },
            crowd: Reverse(crowd),
            ready_since: Reverse(self.object.pod.ready_since.filter(|_| ready)),
            restarts: Reverse(self.restarts()),
            created: Reverse(self.object.text("creationTimestamp")),
            name: &self.name.name,
        }
    }
}

/// See [`Member::rank`]. Fields in the order in which they decide.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'a> {
    bound: bool,
    phase: u8,
    available: bool,
    ready: bool,
    cost: i64,
    crowd: Reverse<usize>,
    ready_since: Reverse<Option<Timestamp>>,
    restarts: Reverse<i64>,
    created: Reverse<&'a str>,
    name: &'a str,
}

/// The part of a revision's name after the last hyphen: its hash.
pub(super) fn short(revision: &str) -> &str {
    revision.rsplit('-').next().unwrap_or(revision)
}

/// `spec.selector` as text, as `status.labelSelector` shows it.
pub(super) fn selector_text(object: &Object) -> String {
    let mut parts = BTreeMap::new();
    let labels = object.spec_at("/selector/matchLabels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        parts.insert(
            key.as_str(),
            format!("{key}={}", value.as_str().unwrap_or_default()),
        );
    }
    let tests = object
        .spec_at("/selector/matchExpressions")
        .and_then(Value::as_array);
    for test in tests.into_iter().flatten() {
        let key = test["key"].as_str().unwrap_or_default();
        let mut values: Vec<&str> = test["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match test["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.insert(key, text);
    }
    parts.into_values().collect::<Vec<_>>().join(",")
}

/// Sets a label of a pod.
pub(super) fn mark(store: &mut Store, name: &Name, key: &str, value: &str) {
    let Some(mut pod) = store.get(PODS, name).cloned() else {
        return;
    };
    let meta = Arc::make_mut(&mut pod.meta);
    meta.entry("labels").or_insert_with(|| json!({}))[key] = json!(value);
    store.replace(PODS, pod);
}

/// Whether pods of one template can become pods of another in place: when the specs differ in images of containers
/// alone; metadata may differ.
///
/// Source: `pkg/util/inplaceupdate/inplace_update_defaults.go`, with its feature gates off.
pub(super) fn can_change_in_place(old: &Value, new: &Value) -> bool {
    let empty = json!({});
    let (old, new) = (
        old.get("spec").unwrap_or(&empty),
        new.get("spec").unwrap_or(&empty),
    );
    let same_rest = {
        let others = |spec: &Value| -> Vec<(String, Value)> {
            let fields = spec.as_object().into_iter().flatten();
            let others = fields.filter(|(key, _)| *key != "containers");
            others.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        others(old) == others(new)
    };
    let containers = |spec: &Value| spec["containers"].as_array().cloned().unwrap_or_default();
    let (old, new) = (containers(old), containers(new));
    same_rest
        && old.len() == new.len()
        && old.into_iter().zip(new).all(|(mut old, new)| {
            if old.get("image").is_some() && new.get("image").is_some() {
                old["image"] = new["image"].clone();
            }
            old == new
        })
}

/// Turns a pod of one template into one of another: it keeps name, uid, node and address, takes images, metadata and
/// the given labels, and is not ready until its containers have started again.
pub(super) fn change_in_place(
    store: &mut Store,
    name: &Name,
    (old, new): (&Value, &Value),
    labels: &[(&str, &str)],
    now: Timestamp,
) {
    let Some(mut pod) = store.get(PODS, name).cloned() else {
        return;
    };
    let meta = Arc::make_mut(&mut pod.meta);
    for field in ["labels", "annotations"] {
        let part = |template: &Value| template.pointer(&format!("/metadata/{field}")).cloned();
        let (before, after) = (part(old), part(new));
        if before == after {
            continue;
        }
        let target = meta.entry(field).or_insert_with(|| json!({}));
        if let Some(target) = target.as_object_mut() {
            for (key, _) in before.iter().filter_map(Value::as_object).flatten() {
                target.remove(key);
            }
            for (key, value) in after.iter().filter_map(Value::as_object).flatten() {
                target.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, value) in labels {
        meta.entry("labels").or_insert_with(|| json!({}))[*key] = json!(value);
    }
    let mut restarts = false;
    let mut spec = pod.spec.as_deref().cloned().unwrap_or_else(|| json!({}));
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        let named = new["spec"]["containers"].as_array().into_iter().flatten();
        let image = named
            .filter(|c| c["name"] == container["name"])
            .map(|c| &c["image"])
            .next();
        if let Some(image) = image.filter(|image| **image != container["image"]) {
            container["image"] = image.clone();
            restarts = true;
        }
    }
    if restarts {
        pod.spec = Some(Arc::new(spec));
        let mut status = pod.status.as_deref().cloned().unwrap_or_else(|| json!({}));
        if let Some(status) = status.as_object_mut() {
            status.remove("containerStatuses");
        }
        for condition in status["conditions"].as_array_mut().into_iter().flatten() {
            if matches!(condition["type"].as_str(), Some("Ready" | "ContainersReady"))
                && condition["status"] == "True"
            {
                condition["status"] = json!("False");
                condition["reason"] = json!("ContainersNotReady");
                condition["lastTransitionTime"] = json!(seconds(now));
            }
        }
        pod.status = Some(Arc::new(status));
    }
    store.replace(PODS, pod);
}
