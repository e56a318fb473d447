//! The split of seed 004 (engine-traffic 7.5), and what holds of every TrafficRouting.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Shared, holder};
use crate::{
    api::traffic_routing::TrafficRoutingPhase,
    traffic::{Change, Obstacle, RouteKey, RouteKind, Routes},
};

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

/// The TrafficRouting of the walkthrough, with these parts.
fn shared(object_ref: Value, strategy: Value) -> Shared {
    Shared::new(object(json!({
        "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "TrafficRouting",
        "metadata": { "name": "mse-traffic", "namespace": "shop", "uid": "uid-shared", "resourceVersion": "7", "generation": 2,
            "finalizers": ["rollouts.kruise.io/trafficrouting", "progressing.rollouts.kruise.io/rollout-a"] },
        "spec": { "objectRef": object_ref, "strategy": strategy },
        "status": { "phase": "Healthy" },
    })))
}

fn walkthrough() -> Shared {
    shared(
        json!([{ "service": "spring-cloud-a", "ingress": { "classType": "mse", "name": "spring-cloud-a" } }]),
        json!({ "matches": [{ "headers": [{ "type": "Exact", "name": "User-Agent", "value": "xiaoming" }] }],
            "requestHeaderModifier": { "set": [{ "name": "x-mse-tag", "value": "gray" }] } }),
    )
}

fn ingress(name: &str, extra: Value) -> DynamicObject {
    let backend = json!({ "service": { "name": "spring-cloud-a", "port": { "number": 20001 } } });
    let mut metadata = json!({ "name": name, "namespace": "shop", "uid": format!("uid-{name}") });
    metadata
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    object(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
        "spec": { "ingressClassName": "mse",
            "rules": [{ "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }] },
    }))
}

fn user() -> (RouteKey, DynamicObject) {
    let subset = json!({ "annotations": { "mse.ingress.kubernetes.io/service-subset": "" } });
    (
        RouteKey::ingress("spring-cloud-a"),
        ingress("spring-cloud-a", subset),
    )
}

#[test]
fn the_lane_of_the_walkthrough_opens_and_closes() {
    let shared = walkthrough();
    let mut routes: Routes = [user()].into();
    let changes = shared.opened(&routes).unwrap();
    let [Change::Create(twin)] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(
        (&twin["metadata"], &twin["spec"]),
        (
            &json!({
                "name": "spring-cloud-a-canary", "namespace": "shop",
                "annotations": {
                    "mse.ingress.kubernetes.io/service-subset": "gray",
                    "mse.ingress.kubernetes.io/request-header-control-update": "x-mse-tag gray",
                    "nginx.ingress.kubernetes.io/canary": "true",
                    "nginx.ingress.kubernetes.io/canary-by-header": "User-Agent",
                    "nginx.ingress.kubernetes.io/canary-by-header-value": "xiaoming",
                },
                "ownerReferences": [{ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "TrafficRouting", "name": "mse-traffic",
                    "uid": "uid-shared", "controller": true, "blockOwnerDeletion": true }],
            }),
            // The same Service: the lane is told by what its pods carry.
            &user().1.data["spec"],
        )
    );
    routes.insert(RouteKey::ingress("spring-cloud-a-canary"), object(twin.clone()));
    assert!(shared.opened(&routes).unwrap().is_empty());
    assert!(matches!(shared.closed(&routes).as_slice(), [Change::Delete(_)]));
    // One of somebody else is not touched.
    routes.insert(
        RouteKey::ingress("spring-cloud-a-canary"),
        ingress("spring-cloud-a-canary", json!({})),
    );
    assert!(shared.closed(&routes).is_empty());
    assert!(matches!(shared.opened(&routes), Err(Obstacle::Taken { .. })));
}

#[test]
fn d5_routes_of_gateway_api_are_refused_and_nothing_of_them_is_written() {
    let shared = shared(
        json!([{ "service": "s", "gateway": { "httpRouteName": "web" } }]),
        json!({ "weight": 20 }),
    );
    let route = json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "name": "web" },
        "spec": { "rules": [{ "backendRefs": [{ "name": "s", "port": 80 }] }] } });
    let routes: Routes = [(RouteKey::new(RouteKind::HTTP_ROUTE[0], "web"), object(route))].into();
    assert!(matches!(
        shared.opened(&routes),
        Err(Obstacle::NoTwin { kind: "HTTPRoute" })
    ));
    assert!(shared.closed(&routes).is_empty());
}

#[test]
fn all_of_several_services_are_split_or_none_is() {
    let shared = shared(
        json!([
            { "service": "spring-cloud-a", "gracePeriodSeconds": 9, "ingress": { "classType": "mse", "name": "spring-cloud-a" } },
            { "service": "b", "gracePeriodSeconds": 1, "ingress": { "classType": "mse", "name": "b" } },
        ]),
        json!({ "weight": 20 }),
    );
    let routes: Routes = [user()].into();
    let missing = Obstacle::Missing {
        kind: "Ingress",
        name: "b".to_owned(),
    };
    assert_eq!(shared.opened(&routes).unwrap_err(), missing);
    assert_eq!(shared.grace(), 9);
}

#[test]
fn what_cannot_be_read_or_expressed_is_an_obstacle_and_nothing_to_split_is_none() {
    let ingress =
        json!([{ "service": "spring-cloud-a", "ingress": { "classType": "mse", "name": "spring-cloud-a" } }]);
    let routes: Routes = [user()].into();
    let of = |strategy: Value| {
        let opened = shared(ingress.clone(), strategy);
        let opened = opened.opened(&routes);
        opened
            .map(|changes| changes.len())
            .map_err(|obstacle| obstacle.to_string())
    };
    let header = json!({ "headers": [{ "name": "a", "value": "1" }] });
    let table = [
        (json!({}), Ok(0)),
        (json!({ "weight": 20 }), Ok(1)),
        (
            json!({ "matches": [header, header] }),
            Err("MSE Ingress takes one match, the step has 2".to_owned()),
        ),
        (
            json!({ "weight": "20" }),
            Err(
                "traffic routing by TrafficRouting mse-traffic, whose spec cannot be read, is not supported"
                    .to_owned(),
            ),
        ),
    ];
    for (strategy, expected) in table {
        assert_eq!(of(strategy.clone()), expected, "{strategy}");
    }
}

#[test]
fn rollouts_hold_it_by_finalizers_that_a_server_takes() {
    let shared = walkthrough();
    let long = "a".repeat(200);
    let note = r#"[{"service":"spring-cloud-a","ingress":{"classType":"mse","name":"spring-cloud-a"}}]"#;
    let both = json!([
        "rollouts.kruise.io/trafficrouting",
        "progressing.rollouts.kruise.io/rollout-a",
        "progressing.rollouts.kruise.io/rollout-c"
    ]);
    let held = shared.held("rollout-c");
    assert_eq!(
        held,
        json!({ "metadata": { "finalizers": both, "annotations": { "rollouts.kruise.io/opened-object-ref": note } } })
    );
    let mut noted = serde_json::to_value(&shared.object).unwrap();
    json_patch::merge(&mut noted, &held);
    let noted = Shared::new(object(noted));
    let (a, c) = (holder("rollout-a"), holder("rollout-c"));
    let upstreams = json!(["rollouts.kruise.io/trafficrouting"]);
    assert_eq!(
        [
            noted.held("rollout-c")["metadata"]["annotations"].clone(),
            noted.without(|text| text == c),
            noted.without(|text| text == a || text == c),
            shared.without(|text| text == a),
        ],
        [
            // The first note stands.
            Value::Null,
            json!({ "metadata": { "finalizers": [upstreams[0], a] } }),
            json!({ "metadata": { "finalizers": upstreams, "annotations": { "rollouts.kruise.io/opened-object-ref": null } } }),
            json!({ "metadata": { "finalizers": upstreams } }),
        ]
    );
    assert!(shared.is_held_by("rollout-a") && !shared.is_held_by("rollout"));
    let (_, name) = holder(&long)
        .split_once('/')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert_eq!(name.len(), 63);
    assert_ne!(holder(&long), holder(&"a".repeat(199)));
}

#[test]
fn the_status_says_what_upstreams_says() {
    let shared = walkthrough();
    let status = |phase: &str, message: &str| {
        Some(json!({ "status": { "observedGeneration": 2, "phase": phase, "message": message } }))
    };
    let missing = Obstacle::Missing {
        kind: "Ingress",
        name: "b".to_owned(),
    };
    let table = [
        (
            TrafficRoutingPhase::Progressing,
            None,
            status("Progressing", "TrafficRouting is Progressing"),
        ),
        (
            TrafficRoutingPhase::Finalizing,
            None,
            status("Finalizing", "TrafficRouting is Finalizing"),
        ),
        (
            TrafficRoutingPhase::Initial,
            Some(&missing),
            status("Initial", "TrafficRouting is Initializing: Ingress b not found"),
        ),
    ];
    for (phase, obstacle, expected) in table {
        assert_eq!(shared.told(phase.clone(), obstacle), expected, "{phase}");
    }
    let mut told = shared.object;
    told.data["status"] =
        json!({ "observedGeneration": 2, "phase": "Healthy", "message": "TrafficRouting is Healthy" });
    assert_eq!(Shared::new(told).told(TrafficRoutingPhase::Healthy, None), None);
}

#[test]
fn what_nobody_opened_is_not_open() {
    let holder = "progressing.rollouts.kruise.io/a";
    for (finalizers, phase, is_open) in [
        (json!([]), json!(null), false),
        (
            json!(["rollouts.kruise.io/trafficrouting"]),
            json!("Healthy"),
            false,
        ),
        (json!([]), json!("Initial"), false),
        (json!([holder]), json!("Healthy"), true),
        (json!([]), json!("Progressing"), true),
        (json!([]), json!("Finalizing"), true),
    ] {
        let mut lane = walkthrough().object;
        lane.metadata.finalizers = serde_json::from_value(finalizers.clone()).unwrap();
        lane.data["status"] = json!({ "phase": phase });
        assert_eq!(Shared::new(lane).is_open(), is_open, "{finalizers} {phase}");
    }
}
