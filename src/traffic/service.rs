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
        // Else a cluster's first family would be the twin's, whichever its pods have.
        "ipFamilyPolicy",
        "ipFamilies",
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

    /// The spec of the twin of a Service with this spec.
    fn twin(spec: serde_json::Value) -> serde_json::Value {
        let stable = serde_json::from_value(json!({ "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "web", "namespace": "shop" }, "spec": spec }));
        super::canary(&stable.unwrap(), ("hash", "v2"), None, json!({}))["spec"].take()
    }

    #[test]
    fn d7_twins_of_every_kind_of_service_are_plain_and_clash_with_nothing() {
        let selector = json!({ "app": "web" });
        let selected = json!({ "app": "web", "hash": "v2" });
        let tcp = json!([{ "name": "sql", "port": 5432, "protocol": "TCP" }, { "name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns" }]);
        let table = [
            (
                json!({ "type": "ClusterIP", "clusterIP": "10.0.0.1", "selector": selector, "ports": tcp }),
                json!({ "selector": selected, "ports": tcp }),
            ),
            (
                json!({ "type": "NodePort", "clusterIP": "10.0.0.1", "externalTrafficPolicy": "Cluster", "selector": selector,
                    "ports": [{ "port": 80, "nodePort": 30080 }] }),
                json!({ "selector": selected, "ports": [{ "port": 80 }] }),
            ),
            (
                json!({ "type": "LoadBalancer", "loadBalancerIP": "192.0.2.1", "loadBalancerClass": "x", "loadBalancerSourceRanges": ["0.0.0.0/0"],
                    "allocateLoadBalancerNodePorts": true, "healthCheckNodePort": 30001, "externalTrafficPolicy": "Local",
                    "externalIPs": ["192.0.2.2"], "selector": selector, "ports": [{ "port": 80, "nodePort": 30080 }] }),
                json!({ "selector": selected, "ports": [{ "port": 80 }] }),
            ),
            // Headless stays headless, also without a port.
            (
                json!({ "clusterIP": "None", "clusterIPs": ["None"], "selector": selector }),
                json!({ "clusterIP": "None", "selector": selected }),
            ),
            (
                json!({ "clusterIP": "fd00::1", "ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack", "selector": selector, "ports": tcp }),
                json!({ "ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack", "selector": selected, "ports": tcp }),
            ),
        ];
        for (stable, expected) in table {
            assert_eq!(twin(stable.clone()), expected, "{stable}");
        }
    }

    #[test]
    fn d7_services_without_pods_of_their_own_are_none_to_split() {
        for (spec, selects) in [
            (json!({ "selector": { "app": "web" } }), true),
            (json!({}), false),
            (json!({ "selector": {} }), false),
            (
                json!({ "type": "ExternalName", "externalName": "a.example", "selector": { "app": "web" } }),
                false,
            ),
        ] {
            let service = serde_json::from_value(
                json!({ "apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": spec }),
            );
            assert_eq!(super::selects(&service.unwrap()), selects, "{spec}");
        }
    }

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
