//! The scale subresource: an object seen through its number of replicas.

use serde_json::{Value, json};

use super::object::Object;

/// The scale subresource of an object.
pub(super) fn scale_of(object: &Object) -> Value {
    let meta = |field: &str| object.meta.get(field).cloned().unwrap_or(Value::Null);
    let labels = object.spec_at("/selector/matchLabels").and_then(Value::as_object);
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta("name"), "namespace": meta("namespace"), "uid": meta("uid"),
            "resourceVersion": object.version.to_string(), "creationTimestamp": meta("creationTimestamp"),
        },
        "spec": {"replicas": object.spec_at("/replicas").and_then(Value::as_i64).unwrap_or(0)},
        "status": {"replicas": object.count("replicas"), "selector": selector.join(",")},
    })
}
