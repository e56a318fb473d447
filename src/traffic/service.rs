//! The stable Service and its canary twin.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::api::keys;

/// Name of the canary twin.
#[must_use]
pub fn canary_name(stable: &str) -> String {
    format!("{stable}-canary")
}

/// The revision a Service is pinned to.
#[must_use]
pub fn pinned(service: &DynamicObject) -> Option<&str> {
    service.data["spec"]["selector"][keys::POD_TEMPLATE_HASH].as_str()
}

/// Whether a Service selects pods by label at all.
#[must_use]
pub fn selects(service: &DynamicObject) -> bool {
    service.data["spec"]["selector"]
        .as_object()
        .is_some_and(|selector| !selector.is_empty())
        && service.data["spec"]["type"] != "ExternalName"
}

/// Patch that pins a Service to a revision, or un-pins it.
#[must_use]
pub fn pin(revision: Option<&str>) -> Value {
    json!({ "spec": { "selector": { keys::POD_TEMPLATE_HASH: revision } } })
}

/// The canary twin of a stable Service, selecting `revision`.
///
/// Copies what describes the traffic and leaves out what belongs to the one Service alone: addresses, node ports and the
/// load balancer (upstream copies those too, defect D7 of engine-traffic 8). A headless Service stays headless.
#[must_use]
pub fn canary(stable: &DynamicObject, revision: &str, owner: Value) -> Value {
    let spec = &stable.data["spec"];
    let mut selector = spec["selector"].clone();
    selector[keys::POD_TEMPLATE_HASH] = json!(revision);
    let ports: Vec<Value> = spec["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|port| {
            let mut port = port.clone();
            if let Some(fields) = port.as_object_mut() {
                fields.remove("nodePort");
            }
            port
        })
        .collect();
    let mut twin = json!({ "selector": selector });
    if !ports.is_empty() {
        twin["ports"] = Value::Array(ports);
    }
    if spec["clusterIP"] == "None" {
        twin["clusterIP"] = json!("None");
    }
    for field in [
        "sessionAffinity",
        "sessionAffinityConfig",
        "publishNotReadyAddresses",
        "internalTrafficPolicy",
        "trafficDistribution",
    ] {
        if !spec[field].is_null() {
            twin[field] = spec[field].clone();
        }
    }
    let mut annotations = stable.metadata.annotations.clone().unwrap_or_default();
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    let mut metadata = json!({
        "name": canary_name(stable.metadata.name.as_deref().unwrap_or_default()),
        "namespace": stable.metadata.namespace,
        "ownerReferences": [owner],
    });
    if !annotations.is_empty() {
        metadata["annotations"] = json!(annotations);
    }
    if let Some(labels) = &stable.metadata.labels {
        metadata["labels"] = json!(labels);
    }
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": twin })
}
