//! What a change makes of the objects of a release.

use serde_json::{Value, json};

use super::Change;

fn object(api_version: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "shop" }, "spec": spec })
}

fn rollout(strategy: &Value) -> Value {
    let spec = json!({ "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": strategy });
    object("rollouts.kruise.io/v1beta1", "Rollout", "web", &spec)
}

/// Kinds and names of what there is once manifests are applied to a release without any routes.
fn after(manifests: Vec<Value>) -> Vec<String> {
    let live = [
        rollout(&json!({ "canary": { "steps": [] } })),
        object("apps/v1", "Deployment", "web", &json!({ "template": {} })),
    ];
    let change = Change {
        manifests,
        ..Change::default()
    };
    let objects = change.on(&live, "shop", "web").unwrap();
    let title = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
    };
    let mut titles: Vec<String> = objects.iter().map(title).collect();
    titles.sort();
    titles
}

#[test]
fn the_order_of_manifests_makes_no_difference() {
    let routing = json!([{ "service": "web", "ingress": { "name": "web" } }]);
    let service = || object("v1", "Service", "web", &json!({ "ports": [{ "port": 80 }] }));
    let ingress = || object("networking.k8s.io/v1", "Ingress", "web", &json!({ "rules": [] }));
    let routed = || rollout(&json!({ "canary": { "steps": [], "trafficRoutings": routing } }));
    let shared = || {
        object(
            "rollouts.kruise.io/v1alpha1",
            "TrafficRouting",
            "shared",
            &json!({ "objectRef": routing, "strategy": {} }),
        )
    };
    let sharing = || {
        let mut rollout = rollout(&json!({ "canary": { "steps": [] } }));
        rollout["metadata"]["annotations"] = json!({ "rollouts.kruise.io/trafficrouting": "shared" });
        rollout
    };
    let expected = ["Deployment/web", "Ingress/web", "Rollout/web", "Service/web"];
    for manifests in [
        vec![routed(), service(), ingress()],
        vec![ingress(), service(), routed()],
    ] {
        assert_eq!(after(manifests), expected);
    }
    let expected = [&expected[..], &["TrafficRouting/shared"]].concat();
    for manifests in [
        vec![sharing(), shared(), service(), ingress()],
        vec![ingress(), service(), shared(), sharing()],
    ] {
        assert_eq!(after(manifests), expected);
    }
}
