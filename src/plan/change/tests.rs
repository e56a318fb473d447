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

#[test]
fn only_what_the_release_names_is_asked_what_it_names() {
    let live = rollout(&json!({ "canary": { "steps": [], "trafficRoutingRef": "shared" } }));
    let routing = |name: &str| {
        let mut routing = object("rollouts.kruise.io/v1alpha1", "TrafficRouting", name, &json!({}));
        routing["metadata"].as_object_mut().unwrap().remove("namespace");
        routing
    };
    let mut stranger = live.clone();
    stranger["metadata"]["name"] = json!("stranger");
    let change = |manifests: Vec<Value>| Change {
        manifests,
        ..Change::default()
    };
    let names = |manifests: Vec<Value>| -> Vec<String> {
        let naming = change(manifests).naming(&live);
        let title =
            |object: &Value| format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', "");
        naming.iter().map(title).collect()
    };
    assert_eq!(names(vec![stranger, routing("other")]), Vec::<String>::new());
    assert_eq!(
        names(vec![routing("other"), routing("shared")]),
        ["TrafficRouting/shared"]
    );
    assert_eq!(
        names(vec![routing("shared"), live.clone()]),
        ["TrafficRouting/shared", "Rollout/web"]
    );
}
