//! The scheduler and the kubelets: pods get a node, become ready or fail, and go.
//!
//! An image tag that ends in `-crash`, `-missing` or `-stuck` makes its pods fail that way.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sim::affliction::{Afflicted, Ailment};
use crate::sim::object::seconds;
use crate::sim::resource::{NODES, PODS};
use crate::sim::store::{Name, Store};

/// What is to be done about a pod, later.
pub(super) enum Plan {
    /// It starts; `took_node` says whether it was given a node just now.
    Start {
        /// Its uid.
        uid: String,
        /// Whether it was given a node just now.
        took_node: bool,
    },
    /// It ends.
    End {
        /// Its uid.
        uid: String,
    },
    /// Nothing.
    Nothing,
}

/// From the end of a node until its pods are removed, as the pod garbage collector has it.
pub(super) const QUARANTINE: Duration = Duration::from_secs(40);

/// Removes the pods of a node that is gone for good.
pub(super) fn lost(store: &mut Store, node: &Name) {
    if store.get(NODES, node).is_some() {
        return;
    }
    let pods: Vec<Name> = store
        .collection(PODS)
        .objects
        .iter()
        .filter(|(_, pod)| pod.spec_at("/nodeName").is_some_and(|n| *n == *node.name))
        .map(|(name, _)| name.clone())
        .collect();
    for pod in pods {
        store.remove(PODS, &pod);
    }
}

/// A time after another.
pub(super) fn after(now: Timestamp, span: Duration) -> Timestamp {
    let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Looks at a pod that is new or changed.
pub(super) fn look(store: &mut Store, name: &Name, next_node: usize, now: Timestamp) -> Plan {
    let Some(pod) = store.get(PODS, name) else {
        return Plan::Nothing;
    };
    let uid = pod.uid().to_owned();
    if pod.pod.deleting {
        return Plan::End { uid };
    }
    // A running pod without containers is one that was changed in place.
    if pod.pod.ended || pod.status_at("/containerStatuses").is_some() {
        return Plan::Nothing;
    }
    let took_node = pod.spec_at("/nodeName").is_none();
    if took_node {
        let Some(node) = node(store, next_node) else {
            return Plan::Nothing;
        };
        let mut bound = pod.clone();
        let mut spec = bound.spec.as_deref().cloned().unwrap_or_else(|| json!({}));
        spec["nodeName"] = json!(node);
        bound.spec = Some(Arc::new(spec));
        bound.status = Some(Arc::new(pending(now)));
        store.replace(PODS, bound);
    }
    Plan::Start { uid, took_node }
}

/// The name of the node whose turn it is.
pub(super) fn node(store: &Store, turn: usize) -> Option<String> {
    let nodes = &store.collection(NODES).objects;
    let at = turn.checked_rem(nodes.len())?;
    nodes.keys().nth(at).map(|name| name.name.to_string())
}

/// The status of a pod that has a node and nothing else.
pub(super) fn pending(now: Timestamp) -> Value {
    let scheduled = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": seconds(now)});
    json!({"phase": "Pending", "qosClass": "BestEffort", "conditions": [scheduled]})
}

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Runs,
    Crashes,
    Missing,
    Stuck,
}

fn fate(containers: &[Value]) -> Fate {
    let ends = |suffix: &str| {
        containers
            .iter()
            .any(|c| c["image"].as_str().is_some_and(|i| i.ends_with(suffix)))
    };
    if ends("-stuck") {
        Fate::Stuck
    } else if ends("-missing") {
        Fate::Missing
    } else if ends("-crash") {
        Fate::Crashes
    } else {
        Fate::Runs
    }
}

/// A pod's start has taken its time.
pub(super) fn started(store: &mut Store, afflicted: &mut Afflicted, name: &Name, uid: &str, now: Timestamp) {
    let Some(pod) = store.get(PODS, name) else { return };
    if pod.uid() != uid || pod.pod.deleting || pod.status_at("/containerStatuses").is_some() {
        return;
    }
    let mut pod = pod.clone();
    let empty = Vec::new();
    let containers = pod
        .spec_at("/containers")
        .and_then(Value::as_array)
        .unwrap_or(&empty);
    let fate = match afflicted.strike(&pod) {
        Some(Ailment::Crashes) => Fate::Crashes,
        Some(Ailment::NoImage) => Fate::Missing,
        Some(Ailment::NeverReady) => Fate::Stuck,
        None => fate(containers),
    };
    if fate == Fate::Stuck {
        return;
    }
    let at = json!(seconds(now));
    let statuses: Vec<Value> = containers
        .iter()
        .map(|c| container_status(c, fate, &at))
        .collect();
    let scheduled = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": at});
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": at});
    let mut status = json!({
        "phase": if fate == Fate::Missing { "Pending" } else { "Running" },
        "qosClass": "BestEffort", "startTime": at, "containerStatuses": statuses,
    });
    if fate == Fate::Runs {
        let known = pod.status_at("/podIP").and_then(Value::as_str).map(str::to_owned);
        let ip = known.unwrap_or_else(|| {
            let number = store.next_number();
            format!("10.244.{}.{}", (number / 250) % 250, number % 250 + 1)
        });
        status["podIPs"] = json!([{"ip": ip}]);
        status["podIP"] = json!(ip);
        let kinds = [
            "Initialized",
            "PodReadyToStartContainers",
            "ContainersReady",
            "Ready",
        ];
        let mut conditions = vec![scheduled];
        conditions.extend(kinds.map(condition));
        status["conditions"] = json!(conditions);
    } else {
        let ready = json!({"type": "Ready", "status": "False", "reason": "ContainersNotReady",
                           "lastTransitionTime": at});
        status["conditions"] = json!([scheduled, ready]);
    }
    pod.status = Some(Arc::new(status));
    store.replace(PODS, pod);
}

fn container_status(container: &Value, fate: Fate, at: &Value) -> Value {
    let image = &container["image"];
    let mut status = json!({"name": container["name"], "image": image, "imageID": "", "ready": fate == Fate::Runs,
                            "started": fate == Fate::Runs, "restartCount": 0});
    match fate {
        Fate::Missing => {
            let message = format!("Back-off pulling image {image}");
            status["state"] = json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
        }
        Fate::Crashes => {
            let message = "back-off 40s restarting failed container";
            status["restartCount"] = json!(3);
            status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
            let ended = json!({"exitCode": 137, "reason": "OOMKilled", "finishedAt": at});
            status["lastState"] = json!({"terminated": ended});
        }
        Fate::Runs | Fate::Stuck => status["state"] = json!({"running": {"startedAt": at}}),
    }
    status
}

/// A pod's end has taken its time.
pub(super) fn ended(store: &mut Store, name: &Name, uid: &str) {
    let over = store
        .get(PODS, name)
        .is_some_and(|pod| pod.uid() == uid && pod.pod.deleting && !pod.kept());
    if over {
        store.remove(PODS, name);
    }
}
