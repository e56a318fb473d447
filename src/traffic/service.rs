//! The stable Service and its canary twin.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Value, json};

/// Name of the canary twin.
#[must_use]
pub fn canary_name(stable: &str) -> String {
    format!("{stable}-canary")
}

/// The revision a Service is pinned to by `key`, the label that tells the workload's versions apart.
#[must_use]
pub fn pinned<'a>(service: &'a DynamicObject, key: &str) -> Option<&'a str> {
    service.data["spec"]["selector"][key].as_str()
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
pub fn pin(key: &str, revision: Option<&str>) -> Value {
    json!({ "spec": { "selector": { key: revision } } })
}

/// The canary twin of a stable Service, selecting the pods whose label `key` is `revision`.
///
/// Copies what describes the traffic and leaves out what belongs to the one Service alone: addresses, node ports and the
/// load balancer (upstream copies those too, defect D7 of engine-traffic 8). A headless Service stays headless. Labels that
/// the Rollout lays over the canary's pods (`patched`) replace those the selector asks for (engine-traffic 2.5).
#[must_use]
pub fn canary(
    stable: &DynamicObject,
    (key, revision): (&str, &str),
    patched: Option<&BTreeMap<String, String>>,
    owner: Value,
) -> Value {
    let spec = &stable.data["spec"];
    let mut selector = spec["selector"].as_object().cloned().unwrap_or_default();
    for (key, value) in patched.into_iter().flatten() {
        if let Some(asked) = selector.get_mut(key) {
            *asked = json!(value);
        }
    }
    selector.insert(key.to_owned(), json!(revision));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn the_twin_leaves_out_what_belongs_to_one_service_alone() {
        let stable = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" },
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "a" } },
            "spec": { "type": "LoadBalancer", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "healthCheckNodePort": 30001,
                "externalTrafficPolicy": "Local", "sessionAffinity": "ClientIP", "selector": { "app": "web", "tag": "base" },
                "ports": [{ "port": 80, "nodePort": 30080, "targetPort": "http" }] },
        }))
        .unwrap();
        let patched = [
            ("tag".to_owned(), "gray".to_owned()),
            ("other".to_owned(), "x".to_owned()),
        ]
        .into();
        assert_eq!(
            super::canary(
                &stable,
                ("pod-template-hash", "bbb"),
                Some(&patched),
                json!({ "name": "demo" })
            ),
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "name": "web-canary", "namespace": "shop", "labels": { "app": "web" }, "annotations": { "team": "a" },
                    "ownerReferences": [{ "name": "demo" }] },
                "spec": { "sessionAffinity": "ClientIP", "selector": { "app": "web", "tag": "gray", "pod-template-hash": "bbb" },
                    "ports": [{ "port": 80, "targetPort": "http" }] },
            })
        );
    }
}
