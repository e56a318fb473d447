//! Gateways that users ask for and upstream has nothing for: Traefik, APISIX and Kong through Gateway API, Traefik's own
//! objects, routes of connections, several Ingresses and routes for one Service. The same releases run on the simulator and on a real server.

use std::time::Duration;

use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
    sim::{self, Sim},
};
use serde_json::{Value, json};

use super::world::{APP, HTTP_ROUTE, INGRESS, ROLLOUT, ROLLOUT_NAME};
use crate::harness::cluster::{Cluster, Place};

const MERGE: &str = "application/merge-patch+json";
const TRAEFIK: &str = "traefik.io/v1alpha1";

/// A way to route, and what a release makes of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The objects that route.
    routes: Vec<Value>,
    /// The Rollout's routing besides Service and grace.
    routing: Value,
    /// At 20%: pointer into an object, and what stands there.
    at_weight: Vec<(usize, &'static str, Value)>,
    /// When requests with a header are matched; nothing where they cannot be.
    at_match: Vec<(usize, &'static str, Value)>,
}

fn http_route(name: &str, gateway: &str, annotations: Value, filters: Value) -> Value {
    json!({
        "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "metadata": { "name": name, "annotations": annotations },
        "spec": {
            "parentRefs": [{ "name": gateway, "sectionName": "web" }],
            "hostnames": ["shop.example"],
            "rules": [
                { "matches": [{ "path": { "type": "PathPrefix", "value": "/shop" } }], "filters": filters,
                    "backendRefs": [{ "name": APP, "port": 80 }] },
                { "matches": [{ "path": { "type": "PathPrefix", "value": "/other" } }], "backendRefs": [{ "name": "other", "port": 80 }] },
            ],
        },
    })
}

/// What the API server fills into a target.
fn target(name: &str, weight: u64) -> Value {
    json!({ "group": "", "kind": "Service", "name": name, "port": 80, "weight": weight })
}

fn through_gateway(name: &'static str, annotations: Value, filters: Value) -> Case {
    let twin = json!({
        "matches": [{ "path": { "type": "PathPrefix", "value": "/shop" }, "headers": [{ "type": "Exact", "name": "x-user", "value": "me" }] }],
        "filters": filters, "backendRefs": [target("echoserver-canary", 1)],
    });
    Case {
        name,
        routes: vec![http_route(APP, name, annotations, filters.clone())],
        routing: json!({ "gateway": { "httpRouteName": APP } }),
        at_weight: vec![
            (
                0,
                "/spec/rules/0/backendRefs",
                json!([target(APP, 80), target("echoserver-canary", 20)]),
            ),
            (0, "/spec/rules/0/filters", filters),
        ],
        at_match: vec![
            (0, "/spec/rules/0/backendRefs", json!([target(APP, 1)])),
            (0, "/spec/rules/2", twin),
        ],
    }
}

/// A route of connections.
fn connections(version: &str, kind: &str, backends: Value) -> Value {
    let mut route = json!({
        "apiVersion": format!("gateway.networking.k8s.io/{version}"), "kind": kind, "metadata": { "name": APP },
        "spec": { "parentRefs": [{ "name": "gw", "sectionName": "db" }], "rules": [{ "backendRefs": backends }] },
    });
    if kind == "TLSRoute" {
        route["spec"]["hostnames"] = json!(["db.example"]);
    }
    route
}

fn ingress(name: &str, class: &str, host: &str) -> Value {
    json!({
        "apiVersion": INGRESS.0, "kind": INGRESS.1, "metadata": { "name": name },
        "spec": { "ingressClassName": class, "rules": [{ "host": host, "http": { "paths": [{ "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": APP, "port": { "number": 80 } } } }] } }] },
    })
}

/// Every way.
pub(crate) fn cases() -> Vec<Case> {
    let extension = |group: &str, kind: &str, name: &str| json!([{ "type": "ExtensionRef", "extensionRef": { "group": group, "kind": kind, "name": name } }]);
    let service = json!({ "name": APP, "port": 80 });
    let twin_class = "/spec/ingressClassName";
    let weight = "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight";
    let header = "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-by-header";
    vec![
        through_gateway(
            "traefik",
            json!({ "note": "mine" }),
            extension("traefik.io", "Middleware", "strip"),
        ),
        through_gateway(
            "apisix",
            json!({ "note": "mine" }),
            extension("apisix.apache.org", "PluginConfig", "limit"),
        ),
        through_gateway(
            "kong",
            json!({ "konghq.com/strip-path": "true", "konghq.com/plugins": "rate-limit" }),
            extension("configuration.konghq.com", "KongPlugin", "auth"),
        ),
        Case {
            name: "traefik-weighted",
            routes: vec![
                json!({ "apiVersion": TRAEFIK, "kind": "TraefikService", "metadata": { "name": APP },
                    "spec": { "weighted": { "services": [service], "sticky": { "cookie": { "name": "lane" } } } } }),
                json!({ "apiVersion": TRAEFIK, "kind": "IngressRoute", "metadata": { "name": "public" },
                    "spec": { "entryPoints": ["web"], "routes": [
                        { "kind": "Rule", "match": "Host(`shop.example`)", "services": [{ "kind": "TraefikService", "name": APP }] },
                        { "kind": "Rule", "match": "Host(`api.example`)", "services": [service] },
                    ] } }),
            ],
            routing: json!({ "customNetworkRefs": [
                { "apiVersion": TRAEFIK, "kind": "TraefikService", "name": APP },
                { "apiVersion": TRAEFIK, "kind": "IngressRoute", "name": "public" },
            ] }),
            at_weight: vec![
                (
                    0,
                    "/spec/weighted/services",
                    json!([{ "name": APP, "port": 80, "weight": 80 }, { "name": "echoserver-canary", "port": 80, "weight": 20 }]),
                ),
                (
                    1,
                    "/spec/routes/0/services",
                    json!([{ "kind": "TraefikService", "name": APP }]),
                ),
                (
                    1,
                    "/spec/routes/1/services",
                    json!([{ "name": APP, "port": 80, "weight": 80 }, { "name": "echoserver-canary", "port": 80, "weight": 20 }]),
                ),
            ],
            at_match: Vec::new(),
        },
        Case {
            name: "connections",
            routes: vec![
                connections("v1alpha2", "TCPRoute", json!([{ "name": APP, "port": 80 }])),
                connections(
                    "v1alpha3",
                    "TLSRoute",
                    json!([{ "name": APP, "port": 80, "weight": 3 }, { "name": "other", "port": 80, "weight": 1 }]),
                ),
            ],
            routing: json!({ "customNetworkRefs": [
                { "apiVersion": "gateway.networking.k8s.io/v1alpha2", "kind": "TCPRoute", "name": APP },
                { "apiVersion": "gateway.networking.k8s.io/v1alpha3", "kind": "TLSRoute", "name": APP },
            ] }),
            at_weight: vec![
                (
                    0,
                    "/spec/rules/0/backendRefs",
                    json!([target(APP, 80), target("echoserver-canary", 20)]),
                ),
                (
                    1,
                    "/spec/rules/0/backendRefs",
                    json!([
                        target(APP, 12),
                        target("other", 5),
                        target("echoserver-canary", 3)
                    ]),
                ),
                (1, "/spec/hostnames", json!(["db.example"])),
            ],
            at_match: Vec::new(),
        },
        Case {
            name: "ingresses",
            routes: vec![
                ingress(APP, "nginx", "shop.example"),
                ingress("internal", "nginx-internal", "shop.internal"),
            ],
            routing: json!({ "ingress": { "name": APP, "classType": "nginx" },
                "customNetworkRefs": [{ "apiVersion": INGRESS.0, "kind": INGRESS.1, "name": "internal" }] }),
            at_weight: vec![
                (2, weight, json!("20")),
                (2, twin_class, json!("nginx")),
                (3, weight, json!("20")),
                (3, twin_class, json!("nginx-internal")),
            ],
            at_match: vec![(2, header, json!("x-user")), (3, header, json!("x-user"))],
        },
        Case {
            name: "ingress-and-routes",
            routes: vec![
                ingress(APP, "nginx", "shop.example"),
                http_route("public", "gw", json!({ "note": "mine" }), json!([])),
                http_route("private", "gw", json!({ "note": "mine" }), json!([])),
            ],
            routing: json!({ "ingress": { "name": APP }, "gateway": { "httpRouteName": "public" },
                "customNetworkRefs": [{ "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "name": "private" }] }),
            at_weight: vec![
                (
                    1,
                    "/spec/rules/0/backendRefs",
                    json!([target(APP, 80), target("echoserver-canary", 20)]),
                ),
                (
                    2,
                    "/spec/rules/0/backendRefs",
                    json!([target(APP, 80), target("echoserver-canary", 20)]),
                ),
                (3, weight, json!("20")),
            ],
            at_match: vec![
                (
                    1,
                    "/spec/rules/2/backendRefs",
                    json!([target("echoserver-canary", 1)]),
                ),
                (
                    2,
                    "/spec/rules/2/backendRefs",
                    json!([target("echoserver-canary", 1)]),
                ),
                (3, header, json!("x-user")),
            ],
        },
    ]
}

/// The routes of a case and the twins of its Ingresses, as they are.
async fn routes(cluster: &Cluster, case: &Case) -> Vec<Value> {
    let mut all = Vec::new();
    let twins = case.routes.iter().filter(|route| route["kind"] == "Ingress");
    let names = case.routes.iter().map(|route| (route, ""));
    for (route, suffix) in names.chain(twins.map(|route| (route, "-canary"))) {
        let text = |field: &str| route[field].as_str().unwrap();
        let place = Place::of(text("apiVersion"), text("kind"));
        let name = format!("{}{suffix}", route["metadata"]["name"].as_str().unwrap());
        all.push(cluster.get(place, &name).await.unwrap().unwrap_or_default());
    }
    all
}

async fn until(cluster: &Cluster, clock: Clock, what: &str, holds: impl Fn(&Value) -> bool) {
    let mut rollout = Value::Null;
    for _ in 0..400 {
        let place = Place::of(ROLLOUT.0, ROLLOUT.1);
        rollout = cluster
            .get(place, ROLLOUT_NAME)
            .await
            .unwrap()
            .unwrap_or_default();
        if holds(&rollout["status"]) {
            return;
        }
        clock.sleep(Duration::from_millis(250)).await;
    }
    panic!("waited for {what} in vain: {}", rollout["status"]);
}

fn paused_at(step: i64) -> impl Fn(&Value) -> bool {
    move |status| status["currentStepIndex"] == step && status["currentStepState"] == "StepPaused"
}

fn is_over(status: &Value) -> bool {
    status["phase"] == "Healthy" && status["currentStepState"] == "Completed"
}

/// Plays the release of a case from beginning to end; somebody else runs an engine.
pub(crate) async fn play(cluster: &Cluster, clock: Clock, case: &Case) {
    let name = case.name;
    let labels = json!({ "app": APP });
    let container = |tag: &str| json!([{ "name": APP, "image": format!("echoserver:{tag}"), "ports": [{ "containerPort": 8080 }] }]);
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": APP, "labels": labels },
        "spec": { "replicas": 2, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": container("v1") } } } });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": APP },
        "spec": { "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] } });
    let by_header = json!([{ "headers": [{ "type": "Exact", "name": "x-user", "value": "me" }] }]);
    let mut steps = vec![json!({ "replicas": 1, "traffic": "20%", "pause": {} })];
    if !case.at_match.is_empty() {
        steps.push(json!({ "replicas": 1, "matches": by_header, "pause": {} }));
    }
    steps.push(json!({ "replicas": "100%", "traffic": "100%", "pause": {} }));
    let mut routing = json!({ "service": APP, "gracePeriodSeconds": 1 });
    routing
        .as_object_mut()
        .unwrap()
        .extend(case.routing.as_object().unwrap().clone());
    let rollout = json!({ "apiVersion": ROLLOUT.0, "kind": ROLLOUT.1, "metadata": { "name": ROLLOUT_NAME },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": APP },
            "strategy": { "canary": { "enableExtraWorkloadForCanary": true, "steps": steps, "trafficRoutings": [routing] } } } });
    for object in case.routes.iter().chain([&deployment, &service, &rollout]) {
        cluster
            .create(object)
            .await
            .unwrap_or_else(|error| panic!("{name}: {object}: {error}"));
    }
    until(cluster, clock, name, is_over).await;
    let before = routes(cluster, case).await;
    let image = json!({ "spec": { "template": { "spec": { "containers": container("v2") } } } });
    let place = Place::of("apps/v1", "Deployment");
    cluster.patch(place, APP, "", MERGE, &image).await.unwrap();
    let mut number = 0;
    for expected in [&case.at_weight, &case.at_match] {
        if expected.is_empty() {
            continue;
        }
        number += 1;
        until(cluster, clock, name, paused_at(number)).await;
        let routes = routes(cluster, case).await;
        for (place, pointer, expected) in expected {
            let found = routes[*place].pointer(pointer);
            if expected == &json!([]) && found.is_none() {
                continue;
            }
            assert_eq!(
                found,
                Some(expected),
                "{name}, step {number}: {pointer} of {}",
                routes[*place]
            );
        }
        let body = json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
        let place = Place::of(ROLLOUT.0, ROLLOUT.1);
        cluster
            .patch(place, ROLLOUT_NAME, "/status", MERGE, &body)
            .await
            .unwrap();
    }
    until(cluster, clock, name, is_over).await;
    let after = routes(cluster, case).await;
    for (before, after) in before.iter().zip(&after) {
        let kept = |route: &Value| (route["spec"].clone(), route["metadata"]["annotations"].clone());
        assert_eq!(kept(before), kept(after), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_gateway_is_released_through_and_has_its_own_again() {
    for case in cases() {
        let clock = Clock::wall();
        let sim = Sim::new(sim::Options {
            hold: true,
            gateways: true,
            ..sim::Options::new(clock)
        });
        let _controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: case.name.to_owned(),
        };
        cluster.create_namespace(&json!({})).await;
        let (events, _seen) = tokio::sync::mpsc::unbounded_channel();
        let engine = tokio::spawn(driver::drive(
            sim.client(),
            clock,
            Scope::Selected {
                namespace: Some(cluster.namespace.clone()),
                labels: None,
            },
            Options {
                identity: "gateways".to_owned(),
                forever: true,
                ..Options::default()
            },
            events,
        ));
        play(&cluster, clock, &case).await;
        engine.abort();
    }
}
