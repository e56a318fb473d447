//! Routes that are edited in place: what somebody does to them in the middle of a release, and clusters that serve them in
//! one version, or not at all.

use kubectl_kruise::api::keys;
use serde_json::{Value, json};

use super::{
    shape::Shape,
    turn::is_waiting,
    world::{
        APP, Engine, HTTP_ROUTE, INGRESS, NAMESPACE, ROLLOUT, ROLLOUT_NAME, SERVICE, Setup, VIRTUAL_SERVICE,
        World, step,
    },
};
use crate::harness::cluster::Place;

const MERGE: &str = "application/merge-patch+json";
const GATEWAY_DEFINITION: &str = "httproutes.gateway.networking.k8s.io";

fn shape(name: &str) -> Shape {
    Shape::edited_in_place()
        .into_iter()
        .find(|shape| shape.name == name)
        .unwrap()
}

fn setup(name: &str) -> Setup {
    Setup {
        shape: shape(name),
        steps: json!([
            step(&json!(1), Some(20), None),
            step(&json!("100%"), Some(100), None)
        ]),
        ..Setup::default()
    }
}

async fn rest(world: &mut World, engine: &mut Engine) {
    world
        .until(engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
}

async fn at_step_one(setup: Setup) -> (World, Engine) {
    let mut world = World::new(setup).await;
    let mut engine = world.engine(true);
    rest(&mut world, &mut engine).await;
    world.image("v2").await;
    world
        .until(&mut engine, "step 1", 120, |w| w.paused_at(1))
        .await
        .unwrap();
    (world, engine)
}

async fn finish(world: &mut World, engine: &mut Engine) {
    for _ in 0..20 {
        let is_over = |w: &World| is_waiting(w) || w.phase_is("Healthy");
        world
            .until(engine, "a pause or the end", 300, is_over)
            .await
            .unwrap();
        if !is_waiting(world) {
            break;
        }
        world.approve().await;
        world.pass(1.0).await;
    }
    world.pass(5.0).await;
}

fn http_route(world: &World) -> Value {
    world
        .sim
        .get(HTTP_ROUTE.0, HTTP_ROUTE.1, NAMESPACE, APP)
        .unwrap_or_default()
}

/// Weights of the targets of the last rule, by Service.
fn weights(route: &Value) -> String {
    let rules = route["spec"]["rules"]
        .as_array()
        .or(route["spec"]["http"].as_array())
        .unwrap();
    let rule = rules.last().unwrap();
    let targets = rule["backendRefs"]
        .as_array()
        .or(rule["route"].as_array())
        .unwrap();
    let of = |target: &Value| {
        let name = target["name"]
            .as_str()
            .or(target["destination"]["host"].as_str())
            .unwrap();
        format!("{name} {}", target["weight"])
    };
    targets.iter().map(of).collect::<Vec<_>>().join(", ")
}

async fn change(world: &World, kind: (&'static str, &'static str), body: Value) {
    let place = Place::of(kind.0, kind.1);
    world.user.patch(place, APP, "", MERGE, &body).await.unwrap();
    world.pass(2.0).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_release_added_is_put_back_also_in_a_pause() {
    let (mut world, mut engine) = at_step_one(setup("canary-http-route")).await;
    assert_eq!(
        weights(&http_route(&world)),
        "echoserver 80, echoserver-canary 20"
    );
    let user = world.setup.shape.other_manifests().remove(1);
    // Applied anew from where it is kept: the whole of the user's rules.
    change(&world, HTTP_ROUTE, json!({ "spec": user["spec"] })).await;
    assert_eq!(
        weights(&http_route(&world)),
        "echoserver 80, echoserver-canary 20"
    );
    // The note of the original goes: the weight that the rule had is lost, not the rule.
    change(
        &world,
        HTTP_ROUTE,
        json!({ "metadata": { "annotations": { keys::ORIGINAL_SPEC: null } } }),
    )
    .await;
    let kept = http_route(&world)["metadata"]["annotations"][keys::ORIGINAL_SPEC].clone();
    assert!(kept.as_str().unwrap().contains("\"weight\":1"), "{kept}");
    finish(&mut world, &mut engine).await;
    let mut rules = user["spec"]["rules"].clone();
    rules[1]["backendRefs"][0]["weight"] = json!(1);
    assert_eq!(weights(&http_route(&world)), "echoserver 1");
    assert_eq!(
        http_route(&world)["metadata"]["annotations"],
        json!({ "note": "mine" })
    );
    assert_eq!(http_route(&world)["spec"]["rules"][0], rules[0]);
}

#[tokio::test(start_paused = true)]
async fn edits_of_ones_own_are_kept_through_the_release() {
    let (mut world, mut engine) = at_step_one(setup("canary-virtual-service")).await;
    let route = |world: &World| {
        world
            .sim
            .get(VIRTUAL_SERVICE.0, VIRTUAL_SERVICE.1, NAMESPACE, APP)
            .unwrap()
    };
    assert_eq!(weights(&route(&world)), "echoserver 80, echoserver-canary 20");
    let mut http = route(&world)["spec"]["http"].clone();
    let added = json!({ "match": [{ "uri": { "exact": "/new" } }], "route": [{ "destination": { "host": "other" } }] });
    http.as_array_mut().unwrap().insert(0, added);
    change(
        &world,
        VIRTUAL_SERVICE,
        json!({ "spec": { "hosts": ["a.example"], "http": http } }),
    )
    .await;
    assert_eq!(weights(&route(&world)), "echoserver 80, echoserver-canary 20");
    finish(&mut world, &mut engine).await;
    let mut expected = world.setup.shape.other_manifests().remove(1)["spec"].clone();
    expected["hosts"] = json!(["a.example"]);
    expected["http"]
        .as_array_mut()
        .unwrap()
        .insert(0, http[0].clone());
    let route = route(&world);
    assert_eq!(
        (&route["spec"], &route["metadata"]["annotations"]),
        (&expected, &Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_leaves_nothing_to_split_stops_the_next_step_with_the_reason() {
    let (mut world, mut engine) = at_step_one(setup("canary-http-route")).await;
    let elsewhere = json!([{ "backendRefs": [{ "name": "other", "port": 80 }] }]);
    change(&world, HTTP_ROUTE, json!({ "spec": { "rules": elsewhere } })).await;
    world.approve().await;
    world.pass(20.0).await;
    assert!(
        world
            .place()
            .contains("HTTPRoute echoserver has no rule for Service echoserver"),
        "{}",
        world.place()
    );
    let user = world.setup.shape.other_manifests().remove(1);
    change(&world, HTTP_ROUTE, json!({ "spec": user["spec"] })).await;
    finish(&mut world, &mut engine).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

/// A definition of HTTPRoute with these versions.
fn definition(versions: &[&str]) -> Value {
    let versions = versions.iter().enumerate().map(|(place, name)| {
        json!({ "name": name, "served": true, "storage": place == 0,
            "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } })
    });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": GATEWAY_DEFINITION },
        "spec": { "group": "gateway.networking.k8s.io", "scope": "Namespaced", "versions": versions.collect::<Vec<_>>(),
            "names": { "kind": "HTTPRoute", "plural": "httproutes", "singular": "httproute", "listKind": "HTTPRouteList" } },
    })
}

#[tokio::test(start_paused = true)]
async fn a_cluster_may_serve_the_older_version_only_or_none() {
    for (versions, is_served) in [(vec!["v1beta1"], true), (vec!["v1alpha2"], false)] {
        let mut world = World::new(Setup {
            shape: Shape::canary(),
            ..setup("canary-http-route")
        })
        .await;
        world.sim.load(definition(&versions)).unwrap();
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let body = definition(&versions);
        let _ = world
            .user
            .send(http::Method::POST, path, "application/json", &body)
            .await;
        if is_served {
            let mut route = world_route();
            route["apiVersion"] = json!("gateway.networking.k8s.io/v1beta1");
            route["metadata"]["namespace"] = json!(NAMESPACE);
            let path = format!("/apis/gateway.networking.k8s.io/v1beta1/namespaces/{NAMESPACE}/httproutes");
            world
                .user
                .send(http::Method::POST, &path, "application/json", &route)
                .await
                .unwrap();
        }
        let routings =
            json!([{ "service": APP, "gracePeriodSeconds": 1, "gateway": { "httpRouteName": APP } }]);
        world.strategy(json!({ "trafficRoutings": routings })).await;
        let mut engine = world.engine(true);
        rest(&mut world, &mut engine).await;
        world.image("v2").await;
        world.pass(20.0).await;
        if is_served {
            assert!(world.paused_at(1), "{}", world.place());
            let route = world
                .sim
                .get("gateway.networking.k8s.io/v1beta1", "HTTPRoute", NAMESPACE, APP)
                .unwrap();
            assert_eq!(weights(&route), "echoserver 80, echoserver-canary 20");
        } else {
            let place = world.place();
            assert!(
                place.contains("the cluster does not serve httproutes.gateway.networking.k8s.io"),
                "{place}"
            );
        }
    }
}

fn world_route() -> Value {
    shape("canary-http-route").other_manifests().remove(1)
}

#[tokio::test(start_paused = true)]
async fn without_a_canary_service_istio_tells_versions_by_subset_and_gateways_are_refused() {
    let labels = json!({ "labels": { "istio.service.tag": "gray" } });
    let mut subset = setup("canary-virtual-service");
    subset.shape.strategy =
        json!({ "disableGenerateCanaryService": true, "patchPodTemplateMetadata": labels });
    let (mut world, mut engine) = at_step_one(subset).await;
    let route = world
        .sim
        .get(VIRTUAL_SERVICE.0, VIRTUAL_SERVICE.1, NAMESPACE, APP)
        .unwrap();
    let destination = |subset: Value, weight: u64| {
        let mut target =
            json!({ "destination": { "host": APP, "port": { "number": 80 } }, "weight": weight });
        if !subset.is_null() {
            target["destination"]["subset"] = subset;
        }
        target
    };
    assert_eq!(
        route["spec"]["http"][1]["route"],
        json!([destination(Value::Null, 80), destination(json!("canary"), 20)])
    );
    let services = world.sim.list(SERVICE.0, SERVICE.1, Some(NAMESPACE));
    let selectors: Vec<&Value> = services
        .iter()
        .map(|service| &service["spec"]["selector"])
        .collect();
    assert_eq!(selectors, [&json!({ "app": APP })]);
    finish(&mut world, &mut engine).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());

    let mut refused = setup("canary-http-route");
    refused.shape.strategy = json!({ "disableGenerateCanaryService": true });
    let mut world = World::new(refused).await;
    let mut engine = world.engine(true);
    rest(&mut world, &mut engine).await;
    world.image("v2").await;
    world.pass(20.0).await;
    let place = world.place();
    assert!(
        place.contains("HTTPRoute tells versions by their Services"),
        "{place}"
    );
    world.delete(ROLLOUT, ROLLOUT_NAME).await;
    world.pass(10.0).await;
}

#[tokio::test(start_paused = true)]
async fn d6_blue_green_without_a_canary_service_leaves_its_first_step() {
    let mut setup = setup("blue-green-http-route");
    setup.shape.route = super::shape::Route::Istio;
    setup.shape.strategy = json!({ "disableGenerateCanaryService": true });
    let (mut world, mut engine) = at_step_one(setup).await;
    finish(&mut world, &mut engine).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
    assert_eq!(world.guard.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn several_routes_of_one_service_are_split_together_or_not_at_all() {
    let mut world = World::new(setup("canary-http-route")).await;
    let internal = |backend: &str| {
        json!({ "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "metadata": { "name": "internal" },
            "spec": { "parentRefs": [{ "name": "gw" }], "rules": [{ "backendRefs": [{ "name": backend, "port": 80 }] }] } })
    };
    world.user.create(&internal("other")).await.unwrap();
    let refs = json!([
        { "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "name": "internal" },
        { "apiVersion": HTTP_ROUTE.0, "kind": HTTP_ROUTE.1, "name": APP },
    ]);
    let routings = json!([{ "service": APP, "gracePeriodSeconds": 1, "gateway": { "httpRouteName": APP }, "customNetworkRefs": refs }]);
    world.strategy(json!({ "trafficRoutings": routings })).await;
    let mut engine = world.engine(true);
    rest(&mut world, &mut engine).await;
    world.image("v2").await;
    world.pass(20.0).await;
    assert!(
        world.place().contains("HTTPRoute internal has no rule"),
        "{}",
        world.place()
    );
    assert_eq!(weights(&http_route(&world)), "echoserver 7");
    let place = Place::of(HTTP_ROUTE.0, HTTP_ROUTE.1);
    world
        .user
        .patch(
            place,
            "internal",
            "",
            MERGE,
            &json!({ "spec": internal(APP)["spec"] }),
        )
        .await
        .unwrap();
    world
        .until(&mut engine, "step 1", 60, |w| w.paused_at(1))
        .await
        .unwrap();
    let internal_route = world
        .sim
        .get(HTTP_ROUTE.0, HTTP_ROUTE.1, NAMESPACE, "internal")
        .unwrap();
    let split = "echoserver 80, echoserver-canary 20";
    assert_eq!(
        (
            weights(&http_route(&world)).as_str(),
            weights(&internal_route).as_str()
        ),
        (split, split)
    );
    finish(&mut world, &mut engine).await;
    assert_eq!(weights(&http_route(&world)), "echoserver 7");
}

/// A way to route that cannot be followed, and the words for it.
fn refused() -> Vec<(&'static str, Vec<Value>, Value, &'static str)> {
    let ingress = |backend: &str| {
        json!({ "apiVersion": INGRESS.0, "kind": INGRESS.1, "metadata": { "name": "bad" },
            "spec": { "rules": [{ "http": { "paths": [{ "path": "/", "pathType": "Prefix",
                "backend": { "service": { "name": backend, "port": { "number": 80 } } } }] } }] } })
    };
    let object = |place: (&str, &str), spec: Value| json!({ "apiVersion": place.0, "kind": place.1, "metadata": { "name": "bad" }, "spec": spec });
    let custom = |place: (&str, &str)| json!({ "customNetworkRefs": [{ "apiVersion": place.0, "kind": place.1, "name": "bad" }] });
    let gateway = || json!({ "gateway": { "httpRouteName": "bad" } });
    let traefik = ("traefik.io/v1alpha1", "TraefikService");
    let elsewhere = json!([{ "name": APP, "namespace": "other", "port": 80 }]);
    let rewrite = json!([{ "type": "URLRewrite", "urlRewrite": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1" } } }]);
    vec![
        (
            "an Ingress that does not name the Service",
            vec![ingress("other")],
            json!({ "ingress": { "name": "bad" } }),
            "Ingress bad has no rule for Service echoserver",
        ),
        (
            "an Ingress that is not there",
            vec![],
            json!({ "ingress": { "name": "bad" } }),
            "Ingress bad not found",
        ),
        (
            "a route to a Service of that name in another namespace",
            vec![object(
                HTTP_ROUTE,
                json!({ "rules": [{ "backendRefs": elsewhere }] }),
            )],
            gateway(),
            "HTTPRoute bad has no rule for Service echoserver",
        ),
        (
            "a route that only redirects",
            vec![object(
                HTTP_ROUTE,
                json!({ "rules": [{ "filters": [{ "type": "RequestRedirect", "requestRedirect": { "statusCode": 301 } }] }] }),
            )],
            gateway(),
            "HTTPRoute bad has no rule for Service echoserver",
        ),
        (
            "a filter that stands beside prefixes only",
            vec![object(
                HTTP_ROUTE,
                json!({ "rules": [{ "matches": [{ "path": { "type": "PathPrefix", "value": "/" } }], "filters": rewrite,
                    "backendRefs": [{ "name": APP, "port": 80 }] }] }),
            )],
            gateway(),
            "step 1: HTTPRoute bad replaces a prefix of the path, so that only prefixes can be matched",
        ),
        (
            "a VirtualService of another host",
            vec![object(
                VIRTUAL_SERVICE,
                json!({ "http": [{ "route": [{ "destination": { "host": "echoserver.other.svc" } }] }] }),
            )],
            custom(VIRTUAL_SERVICE),
            "VirtualService bad has no rule for Service echoserver",
        ),
        (
            "a TraefikService that mirrors",
            vec![object(
                traefik,
                json!({ "mirroring": { "name": APP, "mirrors": [] } }),
            )],
            custom(traefik),
            "TraefikService divides requests by weight and cannot match them",
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_route_that_cannot_be_followed_stops_the_release_with_the_reason_before_anything_moves() {
    for (name, routes, routing, expected) in refused() {
        let mut setup = setup("canary-http-route");
        let by_path = json!([{ "path": { "type": "Exact", "value": "/" }, "headers": [{ "name": "x-user", "value": "me" }] }]);
        if expected.starts_with("step") || expected.starts_with("TraefikService divides") {
            setup.steps[0]["matches"] = by_path;
            setup.steps[0].as_object_mut().unwrap().remove("traffic");
        }
        let mut world = World::new(setup).await;
        for route in routes {
            world.user.create(&route).await.unwrap();
        }
        let mut all = json!({ "service": APP, "gracePeriodSeconds": 1 });
        all.as_object_mut()
            .unwrap()
            .extend(routing.as_object().unwrap().clone());
        world.strategy(json!({ "trafficRoutings": [all] })).await;
        let mut engine = world.engine(true);
        rest(&mut world, &mut engine).await;
        let _ = world.sim.take_trace();
        world.image("v2").await;
        world.pass(20.0).await;
        assert!(world.place().contains(expected), "{name}: {}", world.place());
        let kinds = [
            "services",
            "ingresses",
            "httproutes",
            "virtualservices",
            "traefikservices",
            "deployments",
        ];
        let trace = world.sim.trace();
        let written: Vec<&str> = trace
            .iter()
            .filter(|write| write.field_manager == keys::FIELD_MANAGER)
            .map(|write| write.path.as_str())
            .filter(|path| kinds.iter().any(|kind| path.contains(&format!("/{kind}"))))
            .collect();
        assert_eq!(written, Vec::<&str>::new(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_in_the_middle_is_reported_when_it_is_put_back() {
    let (world, mut engine) = at_step_one(setup("canary-http-route")).await;
    let _ = world.log(&mut engine);
    let user = world.setup.shape.other_manifests().remove(1);
    change(&world, HTTP_ROUTE, json!({ "spec": user["spec"] })).await;
    let said = world.log(&mut engine);
    let expected =
        "wrote httproute/echoserver: 20% of traffic to the new version, again: somebody changed it";
    assert!(said.contains(expected), "{said}");
}
