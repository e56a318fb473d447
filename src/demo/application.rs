//! The demo's application and its Rollout.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{NAME, NAMESPACE, OLD_IMAGE};

/// The objects with their plurals, in the order in which a user would make them.
pub(super) fn objects() -> Vec<(&'static str, DynamicObject)> {
    let labels = json!({ "app": NAME });
    let metadata = json!({ "name": NAME, "namespace": NAMESPACE, "labels": labels });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 5,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": NAME, "image": OLD_IMAGE, "ports": [{ "containerPort": 8080 }] }] },
            },
        },
    });
    let service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": { "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
    });
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{
                "host": "web.example.com",
                "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": NAME, "port": { "number": 80 } } } }] },
            }],
        },
    });
    let rollout = json!({
        "apiVersion": "rollouts.kruise.io/v1beta1",
        "kind": "Rollout",
        "metadata": { "name": NAME, "namespace": NAMESPACE },
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": NAME },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": "50%", "traffic": "50%", "pause": { "duration": 3 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} },
                ],
                "trafficRoutings": [{ "service": NAME, "gracePeriodSeconds": 1, "ingress": { "name": NAME, "classType": "nginx" } }],
            } },
        },
    });
    let read = |value: Value| serde_json::from_value::<DynamicObject>(value).ok();
    let all = [
        ("namespaces", namespace),
        ("deployments", deployment),
        ("services", service),
        ("ingresses", ingress),
        ("rollouts", rollout),
    ];
    all.into_iter()
        .filter_map(|(plural, value)| Some((plural, read(value)?)))
        .collect()
}
