//! Routes on a real control plane: Gateway API's and Traefik's own definitions, and stand-ins for Istio's, which come in no
//! Go module of their own. The server must accept every object that we write, and change nothing of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
    traffic::{Split, Wiring, gateway::Gateway, service},
};
use serde_json::{Value, json};

use super::{
    control_plane::{User, shared},
    releases::release,
};
use crate::{crd_answers, engine::gateways, harness::cluster::Place};

const GATEWAY_API: &str = "sigs.k8s.io/gateway-api@v1.4.0";
const TRAEFIK: &str = "github.com/traefik/traefik/v3@v3.5.0";
const MERGE: &str = "application/merge-patch+json";

/// The folder of a Go module.
fn module(name: &str) -> PathBuf {
    let output = Command::new("go")
        .args(["mod", "download", "-json", name])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = answer["Dir"].as_str();
    PathBuf::from(folder.unwrap_or_else(|| panic!("go mod download: {answer}")))
}

fn definitions(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    for definition in &mut all {
        definition.as_object_mut().unwrap().remove("status");
    }
    all
}

/// Gateway API's definitions of routes, from its Go module.
fn gateway_api() -> Vec<Value> {
    let folder = module(GATEWAY_API).join("config/crd");
    let of = |(channel, plural): (&str, &str)| {
        definitions(&folder.join(format!("{channel}/gateway.networking.k8s.io_{plural}.yaml")))
    };
    let channels = [
        ("standard", "httproutes"),
        ("standard", "grpcroutes"),
        ("experimental", "tcproutes"),
        ("experimental", "tlsroutes"),
    ];
    channels.map(of).concat()
}

/// Traefik's definitions, from its Go module.
fn traefik() -> Vec<Value> {
    let folder = module(TRAEFIK).join("docs/content/reference/dynamic-configuration");
    let mut all = definitions(&folder.join("kubernetes-crd-definition-v1.yml"));
    let kinds = ["TraefikService", "IngressRoute", "IngressRouteTCP"];
    all.retain(|definition| {
        kinds
            .iter()
            .any(|kind| definition["spec"]["names"]["kind"] == *kind)
    });
    assert_eq!(all.len(), kinds.len());
    all
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
    crd_answers::install(&client, &traefik()).await;
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
    live_end_to_end_canary_held: "end-to-end-canary", true;
    live_end_to_end_canary_unheld: "end-to-end-canary", false;
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

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_gateways_that_users_ask_for() {
    install().await;
    let plane = shared();
    for case in gateways::cases() {
        let cluster = plane.namespace(&format!("gateway-{}", case.name), true).await;
        let (events, _seen) = tokio::sync::mpsc::unbounded_channel();
        let engine = tokio::spawn(driver::drive(
            plane.client(User::Admin, "engine").await,
            Clock::wall(),
            Scope::Selected {
                namespace: Some(cluster.namespace.clone()),
                labels: None,
            },
            Options {
                identity: "live-test".to_owned(),
                forever: true,
                ..Options::default()
            },
            events,
        ));
        gateways::play(&cluster, Clock::wall(), &case).await;
        engine.abort();
        cluster.delete_namespace().await;
    }
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_d7_twins_of_every_kind_of_service_are_accepted_and_take_no_port_of_a_node() {
    let cluster = shared().namespace("twins", false).await;
    let selector = json!({ "app": "web" });
    let http = json!([{ "name": "http", "port": 80, "targetPort": 8080 }]);
    let table = [
        (
            "load-balancer",
            json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": selector, "ports": http }),
        ),
        (
            "class",
            json!({ "type": "LoadBalancer", "loadBalancerClass": "example.com/lb", "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "selector": selector, "ports": http }),
        ),
        (
            "node-port",
            json!({ "type": "NodePort", "externalIPs": ["192.0.2.1"], "selector": selector, "ports": http }),
        ),
        (
            "headless",
            json!({ "clusterIP": "None", "selector": selector, "ports": http }),
        ),
        ("portless", json!({ "clusterIP": "None", "selector": selector })),
        (
            "tcp",
            json!({ "sessionAffinity": "ClientIP", "selector": selector,
            "ports": [{ "name": "sql", "port": 5432 }, { "name": "dns", "port": 53, "protocol": "UDP" }] }),
        ),
    ];
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "owner" } });
    let path = "/api/v1/namespaces/twins/configmaps";
    let owner = cluster
        .send(http::Method::POST, path, "application/json", &config)
        .await
        .unwrap();
    let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "controller": true });
    for (name, spec) in table {
        let stable =
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec });
        let stable = cluster.create(&stable).await.unwrap();
        let twin = service::canary(
            &serde_json::from_value(stable).unwrap(),
            ("pod-template-hash", "v2"),
            None,
            owner.clone(),
        );
        let made = cluster
            .create(&twin)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}\n{twin:#}"));
        let spec = &made["spec"];
        assert_eq!(spec["type"], "ClusterIP", "{name}");
        assert_eq!(
            spec["clusterIP"] == "None",
            ["headless", "portless"].contains(&name),
            "{name}"
        );
        let text = spec.to_string();
        for field in ["odePort", "loadBalancer", "externalIPs", "externalTrafficPolicy"] {
            assert!(!text.contains(field), "{name}: {field} in {text}");
        }
    }
    cluster.delete_namespace().await;
}
