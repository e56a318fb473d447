use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::Traefik;
use crate::{
    api::patch::merge_diff,
    traffic::{Obstacle, Share, Split, Wiring},
};

fn wiring() -> Wiring<'static> {
    Wiring {
        namespace: "shop",
        service: "S",
        canary: "C".to_owned(),
        owner: json!({}),
        labels: None,
    }
}

fn weight(percent: i32) -> Split<'static> {
    Split {
        weight: Some(percent),
        matches: &[],
        header_modifier: None,
    }
}

fn object(spec: &Value) -> DynamicObject {
    let metadata = json!({ "name": "web", "namespace": "shop", "labels": { "app": "web" } });
    serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
}

/// The object after a patch.
fn after(route: &DynamicObject, patch: &Value) -> DynamicObject {
    let mut value = serde_json::to_value(route).unwrap();
    json_patch::merge(&mut value, patch);
    serde_json::from_value(value).unwrap()
}

fn s(weight: Option<u64>) -> Value {
    to("S", weight)
}

fn to(name: &str, weight: Option<u64>) -> Value {
    let mut target = json!({ "name": name, "port": 80, "passHostHeader": true });
    if let Some(weight) = weight {
        target["weight"] = json!(weight);
    }
    target
}

#[test]
fn weights_stand_beside_the_stable_service_and_come_back_as_written() {
    let service = |targets: Value| json!({ "weighted": { "sticky": { "cookie": {} }, "services": targets } });
    let rule = |targets: Value| json!({ "kind": "Rule", "match": "Host(`a`)", "middlewares": [{ "name": "m" }], "services": targets });
    let route = |rules: Value| json!({ "entryPoints": ["web"], "tls": {}, "routes": rules });
    let nested = json!({ "kind": "TraefikService", "name": "S" });
    let abroad = json!({ "name": "S", "namespace": "other", "port": 80 });
    let table = [
        (
            Traefik::Service,
            service(json!([s(None)])),
            20,
            service(json!([s(Some(80)), to("C", Some(20))])),
        ),
        (
            Traefik::Service,
            service(json!([s(Some(3)), to("other", Some(1))])),
            20,
            service(json!([s(Some(12)), to("other", Some(5)), to("C", Some(3))])),
        ),
        (
            Traefik::Route,
            route(json!([
                rule(json!([s(None)])),
                rule(json!([nested])),
                rule(json!([abroad])),
                rule(json!([to("other", None)]))
            ])),
            100,
            route(json!([
                rule(json!([s(Some(0)), to("C", Some(100))])),
                rule(json!([nested])),
                rule(json!([abroad])),
                rule(json!([to("other", None)]))
            ])),
        ),
        (
            Traefik::TcpRoute,
            route(json!([{ "match": "HostSNI(`*`)", "services": [s(None), to("other", None)] }])),
            50,
            route(
                json!([{ "match": "HostSNI(`*`)", "services": [s(Some(1)), to("other", Some(2)), to("C", Some(1))] }]),
            ),
        ),
    ];
    for (kind, user, percent, expected) in table {
        let live = object(&user);
        let patch = kind.split(&live, &wiring(), &weight(percent)).unwrap().unwrap();
        let split = after(&live, &patch);
        assert_eq!(split.data["spec"], expected, "{user}");
        assert_eq!(
            kind.split(&split, &wiring(), &weight(percent)),
            Ok(None),
            "{user}"
        );
        assert_eq!(kind.share(&split, &wiring()), Share::Percent(percent), "{user}");
        // Another share is made from the user's own, not from this one.
        let other = after(
            &split,
            &kind.split(&split, &wiring(), &weight(33)).unwrap().unwrap(),
        );
        assert_eq!(kind.share(&other, &wiring()), Share::Percent(33), "{user}");
        let back = after(&other, &kind.restore(&other, &wiring()).unwrap());
        let was = (
            serde_json::to_value(&live).unwrap(),
            serde_json::to_value(&back).unwrap(),
        );
        assert_eq!(merge_diff(&was.0["spec"], &was.1["spec"]), None, "{user}");
        assert_eq!(back.metadata.annotations.unwrap_or_default().len(), 0);
        assert_eq!(kind.restore(&live, &wiring()), None);
    }
}

#[test]
fn what_others_change_in_the_middle_is_kept_and_what_was_added_is_put_back() {
    let live = object(&json!({ "routes": [{ "match": "Host(`a`)", "services": [s(None)] }] }));
    let split = Traefik::Route
        .split(&live, &wiring(), &weight(20))
        .unwrap()
        .unwrap();
    let mut split = after(&live, &split);
    split.data["spec"]["routes"][0]["services"][1]["weight"] = json!(90);
    split.data["spec"]["routes"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "match": "Host(`b`)", "services": [to("other", None)] }));
    split.data["spec"]["entryPoints"] = json!(["websecure"]);
    let again = Traefik::Route
        .split(&split, &wiring(), &weight(20))
        .unwrap()
        .unwrap();
    let again = after(&split, &again);
    assert_eq!(
        again.data["spec"]["routes"],
        json!([{ "match": "Host(`a`)", "services": [s(Some(80)), to("C", Some(20))] },
            { "match": "Host(`b`)", "services": [to("other", None)] }])
    );
    let back = after(&again, &Traefik::Route.restore(&again, &wiring()).unwrap());
    assert_eq!(
        back.data["spec"],
        json!({ "entryPoints": ["websecure"], "routes": [{ "match": "Host(`a`)", "services": [s(None)] },
            { "match": "Host(`b`)", "services": [to("other", None)] }] })
    );
}

#[test]
fn what_it_cannot_do_is_refused() {
    let matches: Vec<_> =
        serde_json::from_value(json!([{ "headers": [{ "name": "a", "value": "1" }] }])).unwrap();
    let modifier = serde_json::from_value(json!({ "set": [{ "name": "a", "value": "1" }] })).unwrap();
    let (by_match, changed) = (
        Split {
            matches: &matches,
            ..weight(0)
        },
        Split {
            header_modifier: Some(&modifier),
            ..weight(20)
        },
    );
    let words = [by_match, changed].map(|split| Traefik::Route.check(&split).unwrap_err());
    assert_eq!(
        words,
        [
            "IngressRoute divides requests by weight and cannot match them; an HTTPRoute of Traefik can",
            "IngressRoute cannot change request headers"
        ]
    );
    let same = Wiring {
        canary: "S".to_owned(),
        ..wiring()
    };
    let table = [
        (
            wiring(),
            json!({ "weighted": { "services": [to("other", None)] } }),
        ),
        (wiring(), json!({ "mirroring": { "name": "S" } })),
        (wiring(), json!({})),
        (same, json!({ "weighted": { "services": [s(None)] } })),
    ];
    for (wiring, spec) in table {
        let refused = Traefik::Service.split(&object(&spec), &wiring, &weight(20));
        assert!(
            matches!(refused, Err(Obstacle::NoRule { .. } | Obstacle::NoTwin { .. })),
            "{spec}: {refused:?}"
        );
        assert_eq!(Traefik::Service.restore(&object(&spec), &wiring), None, "{spec}");
    }
}
