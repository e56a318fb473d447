//! Inputs and outputs of Istio's objects: what upstream's scripts make of them (engine-traffic 5.4, 5.5, 12), and their
//! defects.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    restore_destination_rule, restore_virtual_service, split_destination_rule, split_virtual_service,
};
use crate::{
    api::v1beta1::{HeaderModifier, RouteMatch},
    traffic::{Obstacle, Share, Split, Wiring},
};

fn virtual_service(spec: Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" }, "annotations": { "note": "x" } },
        "spec": spec,
    }))
    .unwrap()
}

fn http(rules: Value) -> DynamicObject {
    virtual_service(json!({ "hosts": ["shop.example"], "gateways": [], "http": rules }))
}

fn wiring() -> Wiring<'static> {
    Wiring {
        namespace: "shop",
        service: "S",
        canary: "C".to_owned(),
        owner: json!({}),
        labels: None,
    }
}

fn same() -> Wiring<'static> {
    Wiring {
        canary: "S".to_owned(),
        ..wiring()
    }
}

fn to(host: &str) -> Value {
    json!({ "destination": { "host": host } })
}

fn subset(host: &str, subset: &str) -> Value {
    json!({ "destination": { "host": host, "subset": subset } })
}

fn weighing(mut target: Value, weight: u64) -> Value {
    target["weight"] = json!(weight);
    target
}

fn plain() -> Value {
    json!([{ "route": [to("S")] }])
}

/// What a step asks for.
#[derive(Default)]
struct Asked {
    weight: Option<i32>,
    matches: Vec<RouteMatch>,
    modifier: Option<HeaderModifier>,
}

fn weight(weight: i32) -> Asked {
    Asked {
        weight: Some(weight),
        ..Asked::default()
    }
}

fn matches(matches: Value) -> Asked {
    Asked {
        matches: serde_json::from_value(matches).unwrap(),
        ..Asked::default()
    }
}

fn header(name: &str, value: &str) -> Value {
    json!({ "headers": [{ "name": name, "value": value }] })
}

fn patched(object: &DynamicObject, patch: Option<Value>) -> DynamicObject {
    let mut value = serde_json::to_value(object).unwrap();
    json_patch::merge(&mut value, &patch.unwrap_or_else(|| json!({})));
    // A server keeps no empty map.
    if value["metadata"]["annotations"] == json!({}) {
        value["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    serde_json::from_value(value).unwrap()
}

fn after(object: &DynamicObject, wiring: &Wiring<'_>, asked: &[Asked]) -> Result<DynamicObject, Obstacle> {
    let mut object = object.clone();
    for asked in asked {
        let split = Split {
            weight: asked.weight,
            matches: &asked.matches,
            header_modifier: asked.modifier.as_ref(),
        };
        let patch = split_virtual_service(&object, wiring, &split)?;
        object = patched(&object, patch);
        assert_eq!(
            split_virtual_service(&object, wiring, &split),
            Ok(None),
            "a second look changes nothing"
        );
    }
    Ok(object)
}

fn restored(object: &DynamicObject, wiring: &Wiring<'_>) -> DynamicObject {
    let object = patched(object, restore_virtual_service(object, wiring));
    assert_eq!(restore_virtual_service(&object, wiring), None);
    object
}

/// The http rules after the splits; the object must come back as it was.
fn rules(user: Value, wiring: &Wiring<'_>, asked: &[Asked]) -> Value {
    let user = http(user);
    let split = after(&user, wiring, asked).unwrap();
    assert_eq!(restored(&split, wiring), user);
    split.data["spec"]["http"].clone()
}

fn routes(user: Value, wiring: &Wiring<'_>, percent: i32) -> Value {
    rules(json!([{ "route": user }]), wiring, &[weight(percent)])[0]["route"].clone()
}

#[test]
fn weights_are_as_upstreams() {
    let s = |weight| weighing(to("S"), weight);
    let c = |weight| weighing(to("C"), weight);
    assert_eq!(routes(json!([to("S")]), &wiring(), 20), json!([s(80), c(20)]));
    assert_eq!(routes(json!([to("S")]), &wiring(), 0), json!([s(100), c(0)]));
    assert_eq!(routes(json!([to("S")]), &wiring(), 100), json!([s(0), c(100)]));
    assert_eq!(
        routes(json!([to("S")]), &same(), 20),
        json!([s(80), weighing(subset("S", "canary"), 20)])
    );
    assert_eq!(
        routes(json!([weighing(subset("S", "base"), 100)]), &same(), 50),
        json!([
            weighing(subset("S", "base"), 50),
            weighing(subset("S", "canary"), 50)
        ])
    );
    let whole = "S.shop.svc.cluster.local";
    assert_eq!(
        routes(json!([to(whole)]), &wiring(), 20),
        json!([weighing(to(whole), 80), c(20)])
    );
    // Rules of one's own conditions are left alone where there is one for all others.
    let own = json!({ "match": [{ "headers": { "x": { "exact": "y" } } }], "route": [to("S")] });
    assert_eq!(
        rules(json!([own, { "route": [to("S")] }]), &wiring(), &[weight(20)]),
        json!([own, { "route": [s(80), c(20)] }])
    );
}

#[test]
fn matches_are_as_upstreams() {
    let two = json!([
        { "headers": [{ "type": "Exact", "name": "a", "value": "1" }, { "type": "RegularExpression", "name": "b", "value": "2.*" }],
          "path": { "type": "Exact", "value": "/p" }, "queryParams": [{ "type": "Exact", "name": "q", "value": "3" }] },
        header("c", "4"),
    ]);
    let mut asked = matches(two);
    asked.modifier = serde_json::from_value(json!({ "set": [{ "name": "x", "value": "1" }], "add": [{ "name": "y", "value": "2" }], "remove": ["z"] })).unwrap();
    let headers = json!({ "request": { "set": { "x": "1" }, "add": { "y": "2" }, "remove": ["z"] } });
    assert_eq!(
        rules(plain(), &wiring(), &[asked]),
        json!([
            { "match": [{ "headers": { "c": { "exact": "4" } } }], "headers": headers, "route": [to("C")] },
            { "match": [{ "uri": { "exact": "/p" }, "headers": { "a": { "exact": "1" }, "b": { "regex": "2.*" } },
                "queryParams": { "q": { "exact": "3" } } }], "headers": headers, "route": [to("C")] },
            { "route": [to("S")] },
        ])
    );
    assert_eq!(
        rules(plain(), &same(), &[matches(json!([header("a", "1")]))]),
        json!([{ "match": [{ "headers": { "a": { "exact": "1" } } }], "route": [subset("S", "canary")] }, { "route": [to("S")] }])
    );
    // Matches win over a weight, and steps of both kinds may follow each other.
    let both = || Asked {
        weight: Some(20),
        ..matches(json!([header("a", "1")]))
    };
    let by_match = json!([{ "match": [{ "headers": { "a": { "exact": "1" } } }], "route": [to("C")] }, { "route": [to("S")] }]);
    assert_eq!(rules(plain(), &wiring(), &[weight(50), both()]), by_match);
    assert_eq!(
        rules(plain(), &wiring(), &[both(), weight(20)]),
        json!([{ "route": [weighing(to("S"), 80), weighing(to("C"), 20)] }])
    );
}

#[test]
fn d13_shares_are_exact_and_no_rule_is_forgotten() {
    // The Service twice: one target for the new version, and its share is as asked.
    assert_eq!(
        routes(
            json!([weighing(subset("S", "v1"), 60), weighing(subset("S", "v2"), 40)]),
            &wiring(),
            20
        ),
        json!([
            weighing(subset("S", "v1"), 48),
            weighing(subset("S", "v2"), 32),
            weighing(to("C"), 20)
        ])
    );
    // What goes elsewhere stays, and nothing is lost by rounding.
    assert_eq!(
        routes(
            json!([weighing(to("S"), 33), weighing(to("other"), 67)]),
            &wiring(),
            20
        ),
        json!([
            weighing(to("S"), 132),
            weighing(to("other"), 335),
            weighing(to("C"), 33)
        ])
    );
    assert_eq!(
        routes(
            json!([weighing(to("S"), 30), weighing(to("other"), 70)]),
            &wiring(),
            50
        ),
        json!([
            weighing(to("S"), 15),
            weighing(to("other"), 70),
            weighing(to("C"), 15)
        ])
    );
    assert_eq!(
        routes(json!([to("S"), to("a"), to("b")]), &wiring(), 20),
        json!([
            weighing(to("S"), 4),
            weighing(to("a"), 5),
            weighing(to("b"), 5),
            weighing(to("C"), 1)
        ])
    );
    // Only rules with conditions: all of them are weighed, also those of TLS, which have always some.
    let api = |route: Value| json!({ "match": [{ "uri": { "prefix": "/api" } }], "route": route });
    let split = |host: &str| json!([weighing(to("S"), 80), weighing(to(host), 20)]);
    assert_eq!(
        rules(json!([api(json!([to("S")]))]), &wiring(), &[weight(20)]),
        json!([api(split("C"))])
    );
    let tls = virtual_service(
        json!({ "tls": [{ "match": [{ "sniHosts": ["shop.example"] }], "route": [to("S")] }], "tcp": [{ "route": [to("S")] }] }),
    );
    let weighed = after(&tls, &wiring(), &[weight(20)]).unwrap();
    assert_eq!(
        weighed.data["spec"],
        json!({ "tls": [{ "match": [{ "sniHosts": ["shop.example"] }], "route": split("C") }], "tcp": [{ "route": split("C") }] })
    );
    assert_eq!(restored(&weighed, &wiring()), tls);
    // Rules without a route do not hurt.
    let redirect = json!({ "redirect": { "uri": "/x" } });
    assert_eq!(
        rules(
            json!([redirect, { "route": [to("S")] }]),
            &wiring(),
            &[weight(20)]
        ),
        json!([redirect, { "route": split("C") }])
    );
}

#[test]
fn d13_matching_requests_keep_rewrites_ports_and_conditions_and_types_may_be_left_out() {
    let port = |host: &str| json!({ "destination": { "host": host, "port": { "number": 8080 } } });
    let user = json!({ "name": "main", "rewrite": { "uri": "/v1" }, "timeout": "3s", "route": [port("S")] });
    let made = json!({ "match": [{ "uri": { "prefix": "/" }, "queryParams": { "q": { "exact": "1" } } }],
        "rewrite": { "uri": "/v1" }, "timeout": "3s", "route": [port("C")] });
    let entry = json!([{ "path": {}, "queryParams": [{ "name": "q", "value": "1" }] }]);
    assert_eq!(
        rules(json!([user]), &wiring(), &[matches(entry)]),
        json!([made, user])
    );
    // Where the user's rules have conditions, only requests that they would take are matched.
    let own = json!({ "match": [{ "uri": { "prefix": "/api" }, "headers": { "x": { "exact": "y" } } }], "route": [to("S")] });
    let elsewhere = json!({ "route": [to("other")] });
    assert_eq!(
        rules(
            json!([own, elsewhere]),
            &wiring(),
            &[matches(json!([header("a", "1")]))]
        ),
        json!([
            { "match": [{ "uri": { "prefix": "/api" }, "headers": { "x": { "exact": "y" }, "a": { "exact": "1" } } }], "route": [to("C")] },
            own, elsewhere,
        ])
    );
}

#[test]
fn d13_nothing_to_change_is_an_error() {
    let refused =
        |object: &DynamicObject, asked: Asked| after(object, &wiring(), &[asked]).unwrap_err().to_string();
    let nothing = "VirtualService web has no rule for Service S";
    for spec in [
        json!({ "http": [{ "route": [to("other")] }] }),
        json!({ "http": [{ "route": [to("S.elsewhere.svc")] }] }),
        json!({ "http": [{ "route": [to("S-2")] }] }),
        json!({ "http": [{ "delegate": { "name": "x" } }] }),
        json!({}),
    ] {
        let object = virtual_service(spec.clone());
        assert_eq!(refused(&object, weight(20)), nothing, "{spec}");
        assert_eq!(
            refused(&object, matches(json!([header("a", "1")]))),
            nothing,
            "{spec}"
        );
    }
    let tcp = virtual_service(json!({ "tcp": [{ "route": [to("S")] }] }));
    assert_eq!(
        refused(&tcp, matches(json!([header("a", "1")]))),
        "VirtualService web has no http rule for Service S: matches and header changes are for those"
    );
}

#[test]
fn weighed_requests_of_the_new_version_get_their_headers_changed() {
    let mut asked = weight(20);
    asked.modifier = serde_json::from_value(json!({ "set": [{ "name": "x", "value": "1" }] })).unwrap();
    let mut canary = weighing(to("C"), 20);
    canary["headers"] = json!({ "request": { "set": { "x": "1" } } });
    assert_eq!(
        rules(plain(), &wiring(), &[asked]),
        json!([{ "route": [weighing(to("S"), 80), canary] }])
    );
}

#[test]
fn d15_empty_lists_and_objects_stay_as_they_are() {
    let user = json!({ "hosts": ["shop.example"], "gateways": [], "exportTo": [],
        "http": [{ "corsPolicy": {}, "fault": { "abort": {} }, "route": [{ "destination": { "host": "S" }, "headers": {} }] }] });
    let split = after(&virtual_service(user.clone()), &wiring(), &[weight(20)]).unwrap();
    assert_eq!(
        split.data["spec"],
        json!({ "hosts": ["shop.example"], "gateways": [], "exportTo": [], "http": [{ "corsPolicy": {}, "fault": { "abort": {} },
            "route": [{ "destination": { "host": "S" }, "headers": {}, "weight": 80 }, { "destination": { "host": "C" }, "headers": {}, "weight": 20 }] }] })
    );
    assert_eq!(restored(&split, &wiring()).data["spec"], user);
}

#[test]
fn d16_an_original_that_cannot_be_read_is_refused_and_wipes_nothing() {
    let split = after(&http(plain()), &wiring(), &[weight(20)]).unwrap();
    for text in ["", "{", "null", "{\"labels\":{}}"] {
        let mut broken = split.clone();
        let annotations = broken.metadata.annotations.as_mut().unwrap();
        annotations.insert(
            "rollouts.kruise.io/original-spec-configuration".to_owned(),
            text.to_owned(),
        );
        let refused = after(&broken, &wiring(), &[weight(50)]).unwrap_err();
        assert!(matches!(refused, Obstacle::Original { .. }), "{refused:?}");
        let back = restored(&broken, &wiring());
        assert_eq!(
            back.data["spec"],
            json!({ "hosts": ["shop.example"], "gateways": [], "http": [{ "route": [weighing(to("S"), 1)] }] })
        );
        assert_eq!(back.metadata, http(plain()).metadata);
    }
}

#[test]
fn d17_what_others_changed_in_the_middle_is_there_afterwards() {
    let user = http(plain());
    let mut split = after(&user, &wiring(), &[weight(20)]).unwrap();
    split.metadata.labels = Some([("team".to_owned(), "a".to_owned())].into());
    split
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert("note".to_owned(), "y".to_owned());
    split.data["spec"]["hosts"] = json!(["shop.example", "new.example"]);
    split.data["spec"]["http"][0]["timeout"] = json!("5s");
    let rules = split.data["spec"]["http"].as_array_mut().unwrap();
    rules.insert(
        0,
        json!({ "match": [{ "uri": { "exact": "/x" } }], "route": [to("other")] }),
    );
    let again = after(&split, &wiring(), &[weight(50)]).unwrap();
    let expected = |route: Value| {
        json!({ "hosts": ["shop.example", "new.example"], "gateways": [], "http": [
            { "match": [{ "uri": { "exact": "/x" } }], "route": [to("other")] }, { "timeout": "5s", "route": route }] })
    };
    assert_eq!(
        again.data["spec"],
        expected(json!([weighing(to("S"), 50), weighing(to("C"), 50)]))
    );
    let back = restored(&again, &wiring());
    // Of a rule that was edited under the release the weight that it had before is not known; alone it means all.
    assert_eq!(back.data["spec"], expected(json!([weighing(to("S"), 1)])));
    let metadata = (back.metadata.labels.unwrap(), back.metadata.annotations.unwrap());
    assert_eq!(
        metadata,
        (
            [("team".to_owned(), "a".to_owned())].into(),
            [("note".to_owned(), "y".to_owned())].into()
        )
    );
}

#[test]
fn the_original_is_kept_as_upstream_keeps_it() {
    let split = after(&http(plain()), &wiring(), &[weight(20)]).unwrap();
    assert_eq!(
        split.metadata.annotations.unwrap()["rollouts.kruise.io/original-spec-configuration"],
        r#"{"spec":{"gateways":[],"hosts":["shop.example"],"http":[{"route":[{"destination":{"host":"S"}}]}]},"labels":{"app":"web"},"annotations":{"note":"x"}}"#
    );
}

#[test]
fn a_subset_of_ones_own_is_weighed_and_stays() {
    let own =
        json!([{ "route": [weighing(subset("S", "stable"), 100), weighing(subset("S", "canary"), 0)] }]);
    assert_eq!(
        rules(own, &same(), &[weight(20), weight(40)]),
        json!([{ "route": [weighing(subset("S", "stable"), 60), weighing(subset("S", "canary"), 40)] }])
    );
    let untouched = http(json!([{ "route": [subset("S", "canary")] }]));
    assert_eq!(restore_virtual_service(&untouched, &same()), None);
}

fn destination_rule(spec: Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": { "name": "web", "namespace": "shop" }, "spec": spec,
    }))
    .unwrap()
}

#[test]
fn d14_subsets_may_be_missing_and_the_label_is_the_rollouts() {
    let gray = json!({ "name": "canary", "labels": { "istio.service.tag": "gray" } });
    let blue = json!({ "name": "canary", "labels": { "istio.service.tag": "blue" } });
    let base = json!({ "name": "base", "labels": { "istio.service.tag": "base" } });
    let own = json!({ "name": "canary", "labels": { "version": "next" } });
    let labels = [("istio.service.tag".to_owned(), "blue".to_owned())].into();
    let table = [
        (json!([base]), None, json!([base, gray])),
        (json!([base]), Some(&labels), json!([base, blue])),
        (Value::Null, None, json!([gray])),
        (json!([]), None, json!([gray])),
        (json!([own]), None, json!([own])),
    ];
    for (subsets, labels, expected) in table {
        let mut spec = json!({ "host": "S", "trafficPolicy": { "tls": {} } });
        if !subsets.is_null() {
            spec["subsets"] = subsets.clone();
        }
        let user = destination_rule(spec);
        let split = patched(&user, split_destination_rule(&user, &wiring(), labels).unwrap());
        assert_eq!(split.data["spec"]["subsets"], expected);
        assert_eq!(split_destination_rule(&split, &wiring(), labels), Ok(None));
        let mut edited = split.clone();
        edited.data["spec"]["trafficPolicy"] = json!({ "loadBalancer": { "simple": "RANDOM" } });
        let mut wanted = user.clone();
        wanted.data["spec"]["trafficPolicy"] = edited.data["spec"]["trafficPolicy"].clone();
        let back = |object: &DynamicObject| patched(object, restore_destination_rule(object));
        assert_eq!((back(&split), back(&edited)), (user, wanted), "{subsets}");
    }
    let other = destination_rule(json!({ "host": "other", "subsets": [] }));
    assert_eq!(
        split_destination_rule(&other, &wiring(), None)
            .unwrap_err()
            .to_string(),
        "DestinationRule web has no rule for Service S"
    );
}

#[test]
fn a_virtual_service_tells_the_share_of_the_new_version() {
    let tcp = virtual_service(json!({ "tcp": [{ "route": [to("S")] }] }));
    for (user, wiring) in [
        (http(plain()), wiring()),
        (http(plain()), same()),
        (tcp, wiring()),
    ] {
        let share = |asked: &[Asked]| super::share(&after(&user, &wiring, asked).unwrap(), &wiring);
        assert_eq!(
            (share(&[]), share(&[weight(20)]), share(&[weight(0)])),
            (Share::Percent(0), Share::Percent(20), Share::Percent(0))
        );
    }
    let matched = after(&http(plain()), &wiring(), &[matches(json!([header("a", "1")]))]).unwrap();
    assert_eq!(super::share(&matched, &wiring()), Share::Matching);
}
