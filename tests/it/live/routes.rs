//! Routes on a real control plane: Gateway API's own definitions, and stand-ins for Istio's, which come in no Go module of
//! their own. The server must accept every object that we write, and change nothing of it.

use std::{path::PathBuf, process::Command};

use kubectl_kruise::traffic::{Split, Wiring, gateway::Gateway};
use serde_json::{Value, json};

use super::{
    control_plane::{User, shared},
    releases::release,
};
use crate::{crd_answers, harness::cluster::Place};

const GATEWAY_API: &str = "sigs.k8s.io/gateway-api@v1.4.0";
const MERGE: &str = "application/merge-patch+json";

/// Gateway API's definitions of routes, from its Go module.
fn gateway_api() -> Vec<Value> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", GATEWAY_API])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = answer["Dir"]
        .as_str()
        .unwrap_or_else(|| panic!("go mod download: {answer}"));
    let folder = PathBuf::from(folder).join("config/crd/standard");
    ["httproutes", "grpcroutes"]
        .map(|plural| {
            let path = folder.join(format!("gateway.networking.k8s.io_{plural}.yaml"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
            definition.as_object_mut().unwrap().remove("status");
            definition
        })
        .into()
}

/// Definitions of Istio's kinds that take any spec, in all of Istio's versions.
fn istio() -> Vec<Value> {
    [("VirtualService", "virtualservice"), ("DestinationRule", "destinationrule")]
        .map(|(kind, singular)| {
            let schema = json!({ "type": "object", "properties": {
                "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
                "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            } });
            let versions = ["v1", "v1beta1", "v1alpha3"].map(|name| {
                json!({ "name": name, "served": true, "storage": name == "v1beta1",
                    "subresources": { "status": {} }, "schema": { "openAPIV3Schema": schema } })
            });
            json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": { "name": format!("{singular}s.networking.istio.io") },
                "spec": { "group": "networking.istio.io", "scope": "Namespaced", "versions": versions,
                    "names": { "kind": kind, "plural": format!("{singular}s"), "singular": singular, "listKind": format!("{kind}List") } },
            })
        })
        .into()
}

/// Defines the kinds of routes.
pub(super) async fn install() {
    let client = shared().client(User::Admin, "tests").await;
    crd_answers::install(&client, &gateway_api()).await;
    crd_answers::install(&client, &istio()).await;
}

macro_rules! releases {
    ($($test:ident: $name:literal, $held:literal;)*) => {$(
        #[tokio::test]
        #[ignore = "needs the control plane; run with -- --ignored live"]
        async fn $test() {
            install().await;
            release($name, $held).await;
        }
    )*};
}

releases! {
    live_gateway_weight_held: "gateway-weight", true;
    live_gateway_weight_unheld: "gateway-weight", false;
    live_gateway_header: "gateway-header", true;
    live_istio_weight_held: "istio-weight", true;
    live_istio_weight_unheld: "istio-weight", false;
    live_istio_header: "istio-header", true;
    live_turn_gateway_partition: "gateway-partition", true;
    live_turn_gateway_bluegreen: "gateway-bluegreen", true;
    live_turn_gateway_rollback: "gateway-rollback", true;
    live_turn_gateway_delete: "gateway-delete", true;
    live_turn_gateway_header_weight_none: "gateway-header-weight-none", true;
    live_turn_gateway_continuous: "gateway-continuous", true;
    live_turn_istio_partition: "istio-partition", true;
    live_turn_istio_bluegreen: "istio-bluegreen", true;
    live_turn_istio_rollback: "istio-rollback", true;
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_gateway_api_accepts_every_split_and_changes_nothing_of_it() {
    install().await;
    let cluster = shared().namespace("splits", false).await;
    let path = |at: &str| json!({ "path": { "type": "PathPrefix", "value": at } });
    let s = json!({ "name": "s", "port": 80 });
    let rewrite = json!({ "type": "URLRewrite", "urlRewrite": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1" } } });
    let set = json!({ "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "X", "value": "0" }] } });
    let redirect = json!({ "matches": [path("/old")], "filters": [{ "type": "RequestRedirect", "requestRedirect": { "statusCode": 301 } }] });
    let mut filtered = s.clone();
    filtered["filters"] = json!([rewrite, set]);
    let users = [
        json!([{ "backendRefs": [s] }]),
        json!([redirect, { "name": "main", "matches": [path("/a"), path("/b")], "timeouts": { "request": "3s" },
            "backendRefs": [s, { "name": "other", "port": 80, "weight": 9 }] }]),
        json!([{ "matches": [path("/a")], "filters": [rewrite, set], "backendRefs": [s] }]),
        json!([{ "matches": [path("/a")], "backendRefs": [filtered] }]),
        json!([{ "matches": [{ "headers": [{ "name": "own", "value": "1" }], "method": "GET" }], "backendRefs": [{ "name": "s", "port": 80, "weight": 1_000_000 }, { "name": "other", "port": 81, "weight": 3 }] }]),
    ];
    let headers = json!([{ "headers": [{ "name": "a", "value": "1" }] }, { "headers": [{ "type": "RegularExpression", "name": "b", "value": "2.*" }], "queryParams": [{ "name": "q", "value": "3" }] }]);
    let paths = json!([{ "path": {} }, { "path": { "type": "Exact", "value": "/p" }, "headers": [{ "name": "a", "value": "1" }] }, { "queryParams": [{ "name": "q", "value": "3" }] }]);
    let asked = [
        (Some(20), json!([])),
        (Some(100), json!([])),
        (Some(0), json!([])),
        (None, headers),
        (None, paths),
        (Some(33), json!([])),
    ];
    let modifier = serde_json::from_value(json!({ "set": [{ "name": "x", "value": "1" }], "add": [{ "name": "y", "value": "2" }], "remove": ["z"] })).unwrap();
    let wiring = Wiring {
        namespace: "splits",
        service: "s",
        canary: "s-canary".to_owned(),
        owner: json!({}),
        labels: None,
    };
    let place = Place::of("gateway.networking.k8s.io/v1", "HTTPRoute");
    let mut refused = Vec::new();
    for (number, rules) in users.iter().enumerate() {
        let name = format!("route-{number}");
        let route = json!({ "apiVersion": place.api_version, "kind": place.kind, "metadata": { "name": name, "namespace": "splits" },
            "spec": { "parentRefs": [{ "name": "gw" }], "rules": rules } });
        let user = cluster.create(&route).await.unwrap();
        let mut live = user.clone();
        for (weight, matches) in &asked {
            for header_modifier in [None, Some(&modifier)] {
                let matches: Vec<_> = serde_json::from_value(matches.clone()).unwrap();
                let split = Split {
                    weight: *weight,
                    matches: &matches,
                    header_modifier,
                };
                let patch = |live: &Value| {
                    Gateway::Http.split(&serde_json::from_value(live.clone()).unwrap(), &wiring, &split)
                };
                let body = match patch(&live) {
                    Ok(body) => body.unwrap_or_else(|| panic!("{name}: {split:?} changes nothing")),
                    Err(obstacle) => {
                        refused.push(obstacle.to_string());
                        continue;
                    }
                };
                let answer = cluster.patch(place, &name, "", MERGE, &body).await;
                live = answer.unwrap_or_else(|error| panic!("{name}: {error}\n{body:#}"));
                assert_eq!(patch(&live), Ok(None), "{name}: {live:#}");
            }
        }
        let back = Gateway::Http
            .restore(&serde_json::from_value(live).unwrap(), &wiring)
            .unwrap();
        let back = cluster.patch(place, &name, "", MERGE, &back).await.unwrap();
        assert_eq!(
            (&back["spec"], back["metadata"].get("annotations")),
            (&user["spec"], None)
        );
    }
    // With and without changes of headers.
    let expected = ["route-2", "route-2", "route-3", "route-3"].map(|name| {
        format!("HTTPRoute {name} replaces a prefix of the path, so that only prefixes can be matched")
    });
    assert_eq!(refused, expected);
    cluster.delete_namespace().await;
}
