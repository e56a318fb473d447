//! The demo's application and its Rollout.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{NAME, NAMESPACE, OLD_IMAGE, Scenario};

/// Seconds without progress after which the release that gets stuck is told to be.
const DEADLINE: i32 = 6;

/// The objects with their plurals, in the order in which a user would make them.
pub(super) fn objects(scenario: Scenario) -> Vec<(&'static str, DynamicObject)> {
    if scenario == Scenario::Empty {
        return Vec::new();
    }
    let labels = json!({ "app": NAME });
    let metadata = json!({ "name": NAME, "namespace": NAMESPACE, "labels": labels });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    let mut workload = json!({
        "apiVersion": "apps/v1",
        "kind": scenario.kind(),
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
    match scenario {
        Scenario::StatefulSet => workload["spec"]["serviceName"] = json!(NAME),
        Scenario::Stuck => workload["spec"]["progressDeadlineSeconds"] = json!(DEADLINE),
        _ => {}
    }
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
            "workloadRef": { "apiVersion": "apps/v1", "kind": scenario.kind(), "name": NAME },
            "strategy": strategy(scenario),
        },
    });
    let read = |value: Value| serde_json::from_value::<DynamicObject>(value).ok();
    let workloads = if scenario == Scenario::StatefulSet {
        "statefulsets"
    } else {
        "deployments"
    };
    let mut all = vec![
        ("namespaces", namespace),
        (workloads, workload),
        ("services", service),
    ];
    if scenario.has_traffic() {
        all.push(("ingresses", ingress));
    }
    all.push(("rollouts", rollout));
    all.into_iter()
        .filter_map(|(plural, value)| Some((plural, read(value)?)))
        .collect()
}

fn strategy(scenario: Scenario) -> Value {
    let routings = json!([{ "service": NAME, "gracePeriodSeconds": 1, "ingress": { "name": NAME, "classType": "nginx" } }]);
    match scenario {
        Scenario::Canary | Scenario::Rollback | Scenario::Stuck => json!({ "canary": {
            "enableExtraWorkloadForCanary": true,
            "steps": [
                { "replicas": 1, "traffic": "20%", "pause": {} },
                { "replicas": "50%", "traffic": "50%", "pause": { "duration": 3 } },
                { "replicas": "100%", "traffic": "100%", "pause": {} },
            ],
            "trafficRoutings": routings,
        } }),
        Scenario::Ab => json!({ "canary": {
            "enableExtraWorkloadForCanary": true,
            "steps": [
                { "replicas": 1, "pause": {},
                  "matches": [{ "headers": [{ "type": "Exact", "name": "user-agent", "value": "android" }] }] },
                { "replicas": "50%", "traffic": "50%", "pause": { "duration": 3 } },
                { "replicas": "100%", "traffic": "100%", "pause": {} },
            ],
            "trafficRoutings": routings,
        } }),
        Scenario::Empty => Value::Null,
        Scenario::Batches | Scenario::StatefulSet => json!({ "canary": {
            "steps": [
                { "replicas": 1, "pause": {} },
                { "replicas": "60%", "pause": { "duration": 3 } },
                { "replicas": "100%", "pause": {} },
            ],
        } }),
        Scenario::BlueGreen => json!({ "blueGreen": {
            "steps": [
                { "replicas": "100%", "traffic": "0%", "pause": {} },
                { "replicas": "100%", "traffic": "50%", "pause": { "duration": 3 } },
                { "replicas": "100%", "traffic": "100%", "pause": {} },
            ],
            "trafficRoutings": routings,
        } }),
    }
}
