//! What holds of every provider: which there are, what they read, and that ending a release needs none of what splitting
//! needs.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Change, Provider, Wiring};
use crate::traffic::{Obstacle, RouteKey, Routes, Split, check, script::Scripts};

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

fn providers(routing: Value) -> Vec<Provider> {
    let all = Provider::all(&serde_json::from_value(routing).unwrap()).into_iter();
    all.map(|provider| provider.scripted(&Scripts::default()))
        .collect()
}

fn wiring() -> Wiring<'static> {
    Wiring {
        namespace: "shop",
        service: "S",
        canary: "C".to_owned(),
        owner: json!({ "uid": "uid-1", "controller": true, "apiVersion": "v1", "kind": "Rollout", "name": "web" }),
        labels: None,
    }
}

const TWENTY: Split<'static> = Split {
    weight: Some(20),
    matches: &[],
    header_modifier: None,
};

fn path(service: &str) -> Value {
    json!({ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": service, "port": { "number": 80 } } } })
}

fn ingress(name: &str, rules: Value) -> DynamicObject {
    object(
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": name, "namespace": "shop" },
        "spec": { "rules": rules } }),
    )
}

fn routes(objects: Vec<DynamicObject>) -> Routes {
    let keyed = objects.into_iter().map(|object| {
        (
            RouteKey::ingress(object.metadata.name.as_deref().unwrap()),
            object,
        )
    });
    keyed.collect()
}

fn nginx() -> Provider {
    providers(json!({ "service": "S", "ingress": { "name": "web" } })).remove(0)
}

#[test]
fn several_stand_in_upstreams_order_and_what_is_named_twice_counts_once() {
    let custom =
        |api_version: &str, kind: &str| json!({ "apiVersion": api_version, "kind": kind, "name": "web" });
    let all = providers(json!({
        "service": "S", "ingress": { "name": "web", "classType": "higress" }, "gateway": { "httpRouteName": "web" },
        "customNetworkRefs": [
            custom("networking.istio.io/v1alpha3", "VirtualService"), custom("networking.istio.io/v1", "DestinationRule"),
            custom("networking.istio.io/v1", "VirtualService"), custom("gateway.networking.k8s.io/v1", "GRPCRoute"),
            custom("gateway.networking.k8s.io/v1beta1", "HTTPRoute"), custom("appmesh.k8s.aws/v1beta2", "VirtualService"),
            custom("networking.istio.io/v9", "VirtualService"), custom("networking.k8s.io/v1", "Ingress"),
        ],
    }));
    let told: Vec<String> = all
        .iter()
        .map(|provider| {
            let versions: Vec<&str> = provider.versions().iter().map(|kind| kind.api_version).collect();
            let reads: Vec<String> = provider.reads().iter().map(ToString::to_string).collect();
            format!(
                "{} in {}; known: {}",
                reads.join(", "),
                versions.join(" or "),
                provider.known().is_ok()
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    VirtualService web in networking.istio.io/v1alpha3; known: true
    DestinationRule web in networking.istio.io/v1; known: true
    GRPCRoute web in gateway.networking.k8s.io/v1; known: true
    HTTPRoute web in gateway.networking.k8s.io/v1beta1; known: true
    VirtualService web in appmesh.k8s.aws/v1beta2; known: false
    Ingress web, Ingress web-canary in networking.k8s.io/v1; known: true
    ");
}

#[test]
fn what_nobody_knows_is_refused_before_anything_is_written() {
    let refused = |routing: Value| check(&providers(routing), &[]).map_err(|obstacle| obstacle.to_string());
    let custom = json!([{ "apiVersion": "apisix.apache.org/v2", "kind": "ApisixRoute", "name": "web" }]);
    let table = [
        (
            json!({ "service": "S" }),
            "traffic routing by a Service alone is not supported",
        ),
        (
            json!({ "service": "S", "ingress": { "name": "web", "classType": "istio" } }),
            "there is no script for ingress class \"istio\" (nginx, higress, mse and aliyun-alb need none): looked for key \
             lua.traffic.routing.ingress.istio of ConfigMap kruise-rollout/kruise-rollout-configuration (not there); 'kubectl kruise \
             rollout run --scripts DIR' reads scripts from a folder",
        ),
        (
            json!({ "service": "S", "customNetworkRefs": custom }),
            "there is no script for ApisixRoute of apisix.apache.org/v2: looked for key lua.traffic.routing.ApisixRoute.apisix.apache.org of ConfigMap \
             kruise-rollout/kruise-rollout-configuration (not there); 'kubectl kruise rollout run --scripts DIR' reads scripts \
             from a folder",
        ),
        (
            json!({ "service": "S", "gateway": { "httpRouteName": "web" }, "customNetworkRefs": custom }),
            "there is no script for ApisixRoute of apisix.apache.org/v2: looked for key lua.traffic.routing.ApisixRoute.apisix.apache.org of ConfigMap \
             kruise-rollout/kruise-rollout-configuration (not there); 'kubectl kruise rollout run --scripts DIR' reads scripts \
             from a folder",
        ),
    ];
    for (routing, why) in table {
        assert_eq!(refused(routing), Err(why.to_owned()));
    }
    assert_eq!(
        refused(
            json!({ "service": "S", "gateway": { "httpRouteName": "web" }, "ingress": { "name": "web" } })
        ),
        Ok(())
    );
    // A step is refused by the provider that cannot do it, with its number.
    let steps = serde_json::from_value::<Vec<_>>(
        json!([{ "traffic": "1%" }, { "matches": [{ "path": { "value": "/" } }] }]),
    )
    .unwrap();
    let both = json!({ "service": "S", "gateway": { "httpRouteName": "web" }, "ingress": { "name": "web" } });
    let limit = check(&providers(both), &steps).unwrap_err();
    assert_eq!(limit.to_string(), "step 2: ingress-nginx cannot match a path");
}

#[test]
fn objects_that_are_not_there_are_named() {
    let table = [
        (
            json!({ "service": "S", "ingress": { "name": "web" } }),
            "Ingress web not found",
        ),
        (
            json!({ "service": "S", "gateway": { "httpRouteName": "web" } }),
            "HTTPRoute web not found",
        ),
        (
            json!({ "service": "S", "customNetworkRefs": [{ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "name": "web" }] }),
            "DestinationRule web not found",
        ),
    ];
    for (routing, why) in table {
        let provider = providers(routing).remove(0);
        let refused = provider.split(&Routes::new(), &wiring(), &TWENTY).unwrap_err();
        assert_eq!(refused.to_string(), why);
        assert!(provider.restore(&Routes::new(), &wiring()).is_none(), "{why}");
    }
}

#[test]
fn d8_rules_without_http_and_resource_backends_are_passed_over() {
    let resource = json!({ "path": "/static", "pathType": "Prefix", "backend": { "resource": { "kind": "Bucket", "name": "x" } } });
    let user = ingress(
        "web",
        json!([{ "host": "a.example" }, { "host": "b.example", "http": { "paths": [resource, path("S"), path("other")] } }]),
    );
    let all = routes(vec![user]);
    let Ok(Some(Change::Create(twin))) = nginx().split(&all, &wiring(), &TWENTY) else {
        panic!("no twin")
    };
    assert_eq!(
        twin["spec"]["rules"],
        json!([{ "host": "b.example", "http": { "paths": [path("C")] } }])
    );
}

#[test]
fn d9_rules_that_come_in_the_middle_are_followed_and_no_rule_is_an_error() {
    let rule = |host: &str| json!({ "host": host, "http": { "paths": [path("S")] } });
    let mut all = routes(vec![ingress("web", json!([rule("a.example")]))]);
    let Ok(Some(Change::Create(twin))) = nginx().split(&all, &wiring(), &TWENTY) else {
        panic!("no twin")
    };
    all.extend(routes(vec![object(twin)]));
    assert!(matches!(nginx().split(&all, &wiring(), &TWENTY), Ok(None)));
    all.extend(routes(vec![ingress(
        "web",
        json!([rule("a.example"), rule("b.example")]),
    )]));
    let Ok(Some(Change::Merge(_, patch))) = nginx().split(&all, &wiring(), &TWENTY) else {
        panic!("not followed")
    };
    let hosts: Vec<&Value> = patch["spec"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["host"])
        .collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
    let nothing = routes(vec![ingress(
        "web",
        json!([{ "host": "a.example", "http": { "paths": [path("other")] } }]),
    )]);
    let refused = nginx().split(&nothing, &wiring(), &TWENTY).unwrap_err();
    assert_eq!(refused.to_string(), "Ingress web has no rule for Service S");
}

#[test]
fn d19_a_release_is_ended_whatever_its_class_is_called() {
    let provider =
        providers(json!({ "service": "S", "ingress": { "name": "web", "classType": "istio" } })).remove(0);
    let mut twin = ingress("web-canary", json!([]));
    let is_deleted = |twin: &DynamicObject| {
        let all = routes(vec![twin.clone()]);
        matches!(provider.restore(&all, &wiring()), Some(Change::Delete(object)) if object == twin)
    };
    assert!(!is_deleted(&twin), "an Ingress of somebody else stays");
    twin.metadata.owner_references = Some(vec![serde_json::from_value(wiring().owner).unwrap()]);
    assert!(is_deleted(&twin));
    let refused = provider.split(&Routes::new(), &wiring(), &TWENTY).unwrap_err();
    assert!(matches!(refused, Obstacle::NoScript { .. }));
}
