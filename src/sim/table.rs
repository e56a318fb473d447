//! The answers that are not whole objects: metadata alone, and the rows that `kubectl get` prints.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{Object, rendered_metadata};
use super::resource::{Column, Resource};

/// An object reduced to its metadata.
pub(super) fn partial(object: &Object) -> Value {
    let metadata = serde_json::to_value(rendered_metadata(object)).unwrap_or(Value::Null);
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}

/// Objects as rows.
pub(super) fn table(resource: &Resource, objects: &[&Object], version: u64, now: Timestamp) -> Value {
    let columns = columns(resource);
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            let format = if column.path == ".metadata.name" {
                "name"
            } else {
                ""
            };
            json!({"name": column.name, "type": column.kind, "format": format, "description": "",
                   "priority": column.priority})
        })
        .collect();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let whole = object.to_value(&resource.api_version(), &resource.kind);
            let cells: Vec<Value> = columns.iter().map(|column| cell(&whole, column, now)).collect();
            json!({"cells": cells, "object": partial(object)})
        })
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version.to_string()},
        "columnDefinitions": definitions, "rows": rows,
    })
}

/// Columns of the built-in kinds: heading, path, and whether only `-o wide` shows it. A path in braces is computed.
fn built_in(kind: &str) -> &'static [(&'static str, &'static str, bool)] {
    match kind {
        "Deployment" => &[
            ("READY", "{ready}", false),
            ("UP-TO-DATE", "{updated}", false),
            ("AVAILABLE", "{available}", false),
        ],
        "ReplicaSet" => &[
            ("DESIRED", ".spec.replicas", false),
            ("CURRENT", ".status.replicas", false),
            ("READY", "{readyReplicas}", false),
        ],
        "StatefulSet" => &[("READY", "{ready}", false)],
        "DaemonSet" => &[
            ("DESIRED", ".status.desiredNumberScheduled", false),
            ("CURRENT", ".status.currentNumberScheduled", false),
            ("READY", ".status.numberReady", false),
            ("UP-TO-DATE", "{scheduled}", false),
            ("AVAILABLE", "{numberAvailable}", false),
        ],
        "Pod" => &[
            ("READY", "{containers}", false),
            ("STATUS", "{state}", false),
            ("RESTARTS", "{restarts}", false),
        ],
        "Service" => &[
            ("TYPE", ".spec.type", false),
            ("CLUSTER-IP", ".spec.clusterIP", false),
            ("EXTERNAL-IP", "{none}", false),
            ("PORT(S)", "{ports}", false),
        ],
        "Ingress" => &[
            ("CLASS", ".spec.ingressClassName", false),
            ("HOSTS", "{hosts}", false),
            ("ADDRESS", "{address}", false),
            ("PORTS", "{80}", false),
        ],
        "Namespace" => &[("STATUS", ".status.phase", false)],
        "Lease" => &[("HOLDER", ".spec.holderIdentity", false)],
        _ => &[],
    }
}

fn columns(resource: &Resource) -> Vec<Column> {
    let column = |name: &str, kind: &str, path: &str, priority| Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        path: path.to_owned(),
        priority,
    };
    let mut all = vec![column("Name", "string", ".metadata.name", 0)];
    if resource.columns.is_empty() {
        let own = built_in(&resource.kind);
        all.extend(
            own.iter()
                .map(|(name, path, wide)| column(name, "string", path, i64::from(*wide))),
        );
        all.push(column("Age", "string", "{age}", 0));
        if matches!(resource.kind.as_str(), "Deployment" | "ReplicaSet") {
            all.push(column("Containers", "string", "{names}", 1));
            all.push(column("Images", "string", "{images}", 1));
        }
        if resource.kind == "Pod" {
            all.push(column("IP", "string", ".status.podIP", 1));
            all.push(column("Node", "string", ".spec.nodeName", 1));
        }
    } else {
        all.extend(resource.columns.iter().cloned().map(|mut column| {
            if column.kind == "date" && column.path == ".metadata.creationTimestamp" {
                column.path = "{age}".to_owned();
                column.kind = "string".to_owned();
            }
            column
        }));
    }
    all
}

fn cell(object: &Value, column: &Column, now: Timestamp) -> Value {
    let count = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    let texts = |at: &str, field: &str| -> String {
        let list = object.pointer(at).and_then(Value::as_array);
        let all: Vec<&str> = list
            .into_iter()
            .flatten()
            .filter_map(|v| v[field].as_str())
            .collect();
        all.join(",")
    };
    match column.path.as_str() {
        "{ready}" => {
            json!(format!(
                "{}/{}",
                count("readyReplicas"),
                object["spec"]["replicas"].as_i64().unwrap_or(1)
            ))
        }
        "{updated}" => json!(count("updatedReplicas")),
        "{available}" => json!(count("availableReplicas")),
        "{scheduled}" => json!(count("updatedNumberScheduled")),
        "{numberAvailable}" => json!(count("numberAvailable")),
        "{readyReplicas}" => json!(count("readyReplicas")),
        "{age}" => json!(age(
            object["metadata"]["creationTimestamp"]
                .as_str()
                .unwrap_or_default(),
            now
        )),
        "{none}" => json!("<none>"),
        "{80}" => json!("80"),
        "{address}" => json!(""),
        "{hosts}" => {
            let hosts = texts("/spec/rules", "host");
            json!(if hosts.is_empty() { "*".to_owned() } else { hosts })
        }
        "{names}" => json!(texts("/spec/template/spec/containers", "name")),
        "{images}" => json!(texts("/spec/template/spec/containers", "image")),
        "{ports}" => {
            let ports = object["spec"]["ports"].as_array();
            let all: Vec<String> = ports
                .into_iter()
                .flatten()
                .map(|p| format!("{}/{}", p["port"], p["protocol"].as_str().unwrap_or("TCP")))
                .collect();
            json!(all.join(","))
        }
        "{containers}" => {
            let ready = object["status"]["containerStatuses"].as_array();
            let ready = ready.into_iter().flatten().filter(|c| c["ready"] == true).count();
            json!(format!(
                "{ready}/{}",
                object["spec"]["containers"].as_array().map_or(0, Vec::len)
            ))
        }
        "{restarts}" => {
            let all = object["status"]["containerStatuses"].as_array();
            json!(
                all.into_iter()
                    .flatten()
                    .filter_map(|c| c["restartCount"].as_i64())
                    .sum::<i64>()
                    .to_string()
            )
        }
        "{state}" => json!(pod_state(object)),
        path => read(object, path),
    }
}

fn pod_state(pod: &Value) -> String {
    if pod["metadata"].get("deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    let statuses = pod["status"]["containerStatuses"].as_array();
    let waiting = statuses
        .into_iter()
        .flatten()
        .find_map(|c| c["state"]["waiting"]["reason"].as_str());
    let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
    waiting.unwrap_or(phase).to_owned()
}

/// Reads a JSON path made of names alone.
fn read(object: &Value, path: &str) -> Value {
    let pointer = path.replace('.', "/");
    match object.pointer(&pointer) {
        Some(found @ (Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null)) => found.clone(),
        Some(other) => json!(other.to_string()),
        None => Value::Null,
    }
}

/// How long ago, in the units of `kubectl get`.
fn age(since: &str, now: Timestamp) -> String {
    let Ok(since) = since.parse::<Timestamp>() else {
        return "<unknown>".to_owned();
    };
    let seconds = now.duration_since(since).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 && seconds % 60 != 0 {
        format!("{minutes}m{}s", seconds % 60)
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 && minutes % 60 != 0 {
        format!("{hours}h{}m", minutes % 60)
    } else if hours < 48 {
        format!("{hours}h")
    } else {
        format!("{days}d")
    }
}
