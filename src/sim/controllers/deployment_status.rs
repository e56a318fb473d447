//! The status of a Deployment: counts and the conditions Available and Progressing.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::replica_sets::Wanted;
use crate::sim::object::{Object, seconds};
use crate::sim::resource::DEPLOYMENTS;
use crate::sim::store::Store;

/// What the status is made of.
pub(super) struct Facts {
    /// Pods of all sets.
    pub(super) replicas: i64,
    /// Pods of the new set.
    pub(super) updated: i64,
    /// Ready pods of all sets.
    pub(super) ready: i64,
    /// Available pods of all sets.
    pub(super) available: i64,
    /// Sum of the sizes of all sets.
    pub(super) sizes: i64,
    /// The Deployment's spec.
    pub(super) wanted: Wanted,
    /// Name of the new set.
    pub(super) new_name: Option<String>,
}

/// Whether every pod is new and available.
pub(super) fn complete(deployment: &Object, facts: &Facts) -> bool {
    let wanted = facts.wanted.replicas;
    facts.updated == wanted
        && facts.replicas == wanted
        && facts.available == wanted
        && deployment.count("observedGeneration") >= deployment.generation()
}

fn progressing(status: &Value) -> Option<&Value> {
    status["conditions"]
        .as_array()?
        .iter()
        .find(|c| c["type"] == "Progressing")
}

/// Sets a condition as the controller manager does: an equal status and reason leave it alone, an equal status keeps
/// the transition time.
fn set_condition(
    status: &mut Value,
    kind: &str,
    value: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> bool {
    let at = seconds(now);
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else {
        return false;
    };
    let current = list.iter().find(|c| c["type"] == kind);
    if current.is_some_and(|c| c["status"] == value && c["reason"] == reason) {
        return false;
    }
    let since = current
        .filter(|c| c["status"] == value)
        .map(|c| c["lastTransitionTime"].clone());
    let condition = json!({"type": kind, "status": value, "reason": reason, "message": message,
                           "lastUpdateTime": at, "lastTransitionTime": since.unwrap_or_else(|| json!(at))});
    list.retain(|c| c["type"] != kind);
    list.push(condition);
    true
}

fn remove_condition(status: &mut Value, kind: &str) {
    if let Some(list) = status["conditions"].as_array_mut() {
        list.retain(|c| c["type"] != kind);
    }
}

fn status_of(deployment: &Object) -> Value {
    deployment
        .status
        .as_deref()
        .filter(|s| s.is_object())
        .cloned()
        .unwrap_or_else(|| json!({}))
}

/// Notes that a Deployment was paused or resumed, which stops and restarts the deadline.
pub(super) fn note_pause(store: &mut Store, deployment: &mut Object, wanted: &Wanted, now: Timestamp) {
    if wanted.deadline.is_none() {
        return;
    }
    let mut status = status_of(deployment);
    let reason = progressing(&status)
        .map(|c| c["reason"].clone())
        .unwrap_or_default();
    if reason == "ProgressDeadlineExceeded" {
        return;
    }
    let was = reason == "DeploymentPaused";
    let changed = match (wanted.paused, was) {
        (true, false) => set_condition(
            &mut status,
            "Progressing",
            "Unknown",
            "DeploymentPaused",
            "Deployment is paused",
            now,
        ),
        (false, true) => set_condition(
            &mut status,
            "Progressing",
            "Unknown",
            "DeploymentResumed",
            "Deployment is resumed",
            now,
        ),
        _ => false,
    };
    if changed {
        deployment.status = Some(Arc::new(status));
        *deployment = store.replace(DEPLOYMENTS, deployment.clone());
    }
}

/// Notes in memory that the new ReplicaSet was made, or found for the first time. Returns whether that is news.
pub(super) fn note_new(
    deployment: &mut Object,
    wanted: &Wanted,
    set: &str,
    made: bool,
    now: Timestamp,
) -> bool {
    if wanted.deadline.is_none() {
        return false;
    }
    let mut status = status_of(deployment);
    let (reason, message) = if made {
        (
            "NewReplicaSetCreated",
            format!("Created new replica set \"{set}\""),
        )
    } else if progressing(&status).is_none() {
        ("FoundNewReplicaSet", format!("Found new replica set \"{set}\""))
    } else {
        return false;
    };
    let changed = set_condition(&mut status, "Progressing", "True", reason, &message, now);
    if changed {
        deployment.status = Some(Arc::new(status));
    }
    changed
}

/// Writes the status. Returns when the deadline has to be looked at again.
pub(super) fn write(
    store: &mut Store,
    deployment: &Object,
    facts: &Facts,
    progress: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let before = status_of(deployment);
    let mut status = json!({"observedGeneration": deployment.generation()});
    for (field, count) in [
        ("replicas", facts.replicas),
        ("updatedReplicas", facts.updated),
        ("readyReplicas", facts.ready),
        ("availableReplicas", facts.available),
        ("unavailableReplicas", (facts.sizes - facts.available).max(0)),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    for kept in ["conditions", "collisionCount"] {
        if let Some(value) = before.get(kept) {
            status[kept] = value.clone();
        }
    }
    let least = facts.wanted.replicas - facts.wanted.unavailable;
    let (value, reason, message) = if facts.available >= least {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    set_condition(&mut status, "Available", value, reason, message, now);
    let mut again = None;
    if progress {
        again = judge(deployment, &before, &mut status, facts, now);
    }
    if status != before {
        let mut written = deployment.clone();
        written.status = Some(Arc::new(status));
        store.replace(DEPLOYMENTS, written);
    }
    again
}

/// Judges progress and the deadline.
fn judge(
    deployment: &Object,
    before: &Value,
    status: &mut Value,
    facts: &Facts,
    now: Timestamp,
) -> Option<Timestamp> {
    let Some(deadline) = facts.wanted.deadline else {
        remove_condition(status, "Progressing");
        return None;
    };
    let current = progressing(status).cloned();
    let reason = |c: &Option<Value>| {
        c.as_ref()
            .and_then(|c| c["reason"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    if facts.replicas == facts.updated && reason(&current) == "NewReplicaSetAvailable" {
        return None;
    }
    let subject = match &facts.new_name {
        Some(name) => format!("ReplicaSet \"{name}\""),
        None => format!("Deployment \"{}\"", deployment.name()),
    };
    let old = |field: &str| before[field].as_i64().unwrap_or(0);
    let moved = facts.updated > old("updatedReplicas")
        || facts.replicas - facts.updated < old("replicas") - old("updatedReplicas")
        || facts.ready > old("readyReplicas")
        || facts.available > old("availableReplicas");
    let observed = facts.updated == facts.wanted.replicas
        && facts.replicas == facts.wanted.replicas
        && facts.available == facts.wanted.replicas;
    let since = current
        .as_ref()
        .and_then(|c| c["lastUpdateTime"].as_str())
        .and_then(|t| t.parse::<Timestamp>().ok());
    let due = since.and_then(|t| t.checked_add(SignedDuration::from_secs(deadline)).ok());
    if observed {
        let message = format!("{subject} has successfully progressed.");
        set_condition(
            status,
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            &message,
            now,
        );
        return None;
    }
    if moved {
        let message = format!("{subject} is progressing.");
        let transition = current
            .filter(|c| c["status"] == "True")
            .map(|c| c["lastTransitionTime"].clone());
        remove_condition(status, "Progressing");
        set_condition(status, "Progressing", "True", "ReplicaSetUpdated", &message, now);
        if let (Some(kept), Some(list)) = (transition, status["conditions"].as_array_mut()) {
            for condition in list.iter_mut().filter(|c| c["type"] == "Progressing") {
                condition["lastTransitionTime"] = kept.clone();
            }
        }
        return now.checked_add(SignedDuration::from_secs(deadline + 1)).ok();
    }
    let reason = reason(&current);
    let late = reason == "ProgressDeadlineExceeded" || due.is_some_and(|due| due < now);
    if late && current.is_some() && reason != "NewReplicaSetAvailable" {
        let message = format!("{subject} has timed out progressing.");
        set_condition(
            status,
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            &message,
            now,
        );
        return None;
    }
    due.and_then(|due| due.checked_add(SignedDuration::from_secs(1)).ok())
        .filter(|at| *at > now)
}
