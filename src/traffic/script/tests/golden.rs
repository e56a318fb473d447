//! The vectors that are recorded of upstream's scripts (engine-traffic 12): our own providers and scripts of our own, written
//! to the same contract, give what they give. Where upstream's are at fault (D10 to D13), what is given instead is said.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{configured, examples, object, wiring, with_split};
use crate::traffic::{
    Change, Provider, RouteKey, Routes,
    ingress_class::Class,
    istio, script,
    script::{Lookup, Script, Scripts},
};

fn found(lookup: Lookup) -> Script {
    lookup.script().unwrap().clone()
}

/// Annotations with their prefixes shortened, as the table has them.
fn shortened(annotations: &BTreeMap<String, String>) -> Value {
    let short = |key: &String| {
        key.replace("nginx.ingress.kubernetes.io/", "N/")
            .replace("mse.ingress.kubernetes.io/", "M/")
            .replace("alb.ingress.kubernetes.io/", "A/")
    };
    let pairs = annotations.iter();
    let pairs = pairs.filter(|(key, _)| *key != crate::api::keys::SCRIPT_ANNOTATIONS);
    pairs
        .map(|(key, value)| (short(key), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What a class makes of a user's annotations natively, what it says that it cannot do, and what our script makes of them.
fn both(
    class: &str,
    user: &[(&str, &str)],
    asked: &Value,
) -> (Value, Result<(), String>, Result<Value, String>) {
    let user: BTreeMap<String, String> = user
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let native = Class::named(class).unwrap();
    with_split(asked, |split| {
        let script = found(examples().ingress(class));
        let scripted = script::annotations(&script, "web", &user, "C", split);
        (
            shortened(&native.annotations(&user, split)),
            native.check(split),
            scripted.map(|all| shortened(&all)).map_err(|why| why.to_string()),
        )
    })
}

/// Number, class, annotations before, step, the twin's annotations, and how the native class refuses the step.
type Vector<'a> = (
    u8,
    &'a str,
    &'a [(&'a str, &'a str)],
    Value,
    Value,
    Option<&'a str>,
);

#[test]
fn vectors_1_to_9_native_and_by_script() {
    let header = |kind: &str, name: &str, value: &str| json!({ "headers": [{ "type": kind, "name": name, "value": value }] });
    let android = header("Exact", "User-Agent", "Android");
    let regex = header("RegularExpression", "uid", "12.*");
    let query = json!({ "queryParams": [{ "type": "Exact", "name": "user", "value": "a" }] });
    let subset = [("mse.ingress.kubernetes.io/service-subset", "")];
    let stale = [
        ("k", "v"),
        ("nginx.ingress.kubernetes.io/canary-weight", "7"),
        ("nginx.ingress.kubernetes.io/canary-by-cookie", "old"),
    ];
    let one = "ingress-nginx takes one match, the step has 3";
    let table: Vec<Vector<'_>> = vec![
        (
            1,
            "nginx",
            &[("k", "v")],
            json!({ "weight": 20 }),
            json!({ "k": "v", "N/canary": "true", "N/canary-weight": "20" }),
            None,
        ),
        (
            1,
            "nginx",
            &stale,
            json!({ "weight": 0 }),
            json!({ "k": "v", "N/canary": "true", "N/canary-weight": "0" }),
            None,
        ),
        (
            2,
            "nginx",
            &[],
            json!({ "matches": [android] }),
            json!({ "N/canary": "true", "N/canary-by-header": "User-Agent", "N/canary-by-header-value": "Android" }),
            None,
        ),
        (
            3,
            "nginx",
            &[],
            json!({ "matches": [regex] }),
            json!({ "N/canary": "true", "N/canary-by-header": "uid", "N/canary-by-header-pattern": "12.*" }),
            None,
        ),
        // D12: the later header takes the place of the earlier one, whose pattern stays. A step that asks for it is refused.
        (
            4,
            "nginx",
            &[],
            json!({ "matches": [regex, header("Exact", "canary-by-cookie", "demo"), header("Exact", "h2", "v2")] }),
            json!({ "N/canary": "true", "N/canary-by-cookie": "demo", "N/canary-by-header": "h2",
                "N/canary-by-header-pattern": "12.*", "N/canary-by-header-value": "v2" }),
            Some(one),
        ),
        (
            5,
            "nginx",
            &[],
            json!({ "weight": 30, "matches": [android] }),
            json!({ "N/canary": "true", "N/canary-weight": "30", "N/canary-by-header": "User-Agent",
                "N/canary-by-header-value": "Android" }),
            None,
        ),
        // D11: nothing of the step would be done.
        (
            6,
            "nginx",
            &[],
            json!({ "matches": [query] }),
            json!({ "N/canary": "true" }),
            Some("ingress-nginx cannot match query parameters"),
        ),
        (
            7,
            "mse",
            &subset,
            json!({ "matches": [android], "modifier": { "set": [{ "name": "x-mse-tag", "value": "gray" }] } }),
            json!({ "M/service-subset": "gray", "M/request-header-control-update": "x-mse-tag gray", "N/canary": "true",
                "N/canary-by-header": "User-Agent", "N/canary-by-header-value": "Android" }),
            None,
        ),
        // D10: upstream fails where the user's Ingress has no annotations.
        (
            8,
            "mse",
            &[],
            json!({ "weight": 20 }),
            json!({ "N/canary": "true", "N/canary-weight": "20" }),
            None,
        ),
        // D10: the query's keys under the prefix that MSE reads.
        (
            8,
            "mse",
            &[("mse.ingress.kubernetes.io/canary-by-query-pattern", "old")],
            json!({ "matches": [query] }),
            json!({ "N/canary": "true", "M/canary-by-query": "user", "M/canary-by-query-value": "a" }),
            None,
        ),
        (
            9,
            "aliyun-alb",
            &[],
            json!({ "weight": 20 }),
            json!({ "A/canary": "true", "A/order": "1", "A/canary-weight": "20" }),
            None,
        ),
        (
            9,
            "aliyun-alb",
            &[],
            json!({ "matches": [regex] }),
            json!({ "A/canary": "true", "A/order": "1", "A/canary-by-header": "uid", "A/canary-by-header-pattern": "12.*" }),
            None,
        ),
        (
            9,
            "higress",
            &[],
            json!({ "matches": [android] }),
            json!({ "N/canary": "true", "N/canary-by-header": "User-Agent", "N/canary-by-header-value": "Android" }),
            None,
        ),
    ];
    for (vector, class, user, asked, expected, refused) in table {
        let (native, check, scripted) = both(class, user, &asked);
        let told = format!("vector {vector}: {class} {asked}");
        assert_eq!(native, expected, "{told}, native");
        assert_eq!(scripted, Ok(expected), "{told}, script");
        assert_eq!(check.err().as_deref(), refused, "{told}");
    }
    // D11: what cannot be matched is told by the script, too.
    let (_, check, scripted) = both("higress", &[], &json!({ "matches": [query] }));
    assert_eq!(check, Err("Higress cannot match query parameters".to_owned()));
    let why = scripted.unwrap_err();
    assert!(
        why.ends_with("failed: lua.traffic.routing.ingress.higress:17: match 1 has no header, and Higress matches nothing else"),
        "{why}"
    );
}

#[test]
fn vector_10_conditions_of_a_load_balancer() {
    let headers = json!([
        { "type": "Exact", "name": "Cookie", "value": "a=1;b=2" },
        { "type": "Exact", "name": "SourceIp", "value": "10.0.0.0/8;192.168.0.1" },
        { "type": "Exact", "name": "x-user", "value": "<a>;b&c" },
    ]);
    let stale = [("alb.ingress.kubernetes.io/conditions.C", "old")];
    let (_, check, scripted) = both(
        "aliyun-alb",
        &stale,
        &json!({ "matches": [{ "headers": headers }] }),
    );
    assert!(check.is_err(), "only a script can do that");
    let conditions = r#"[{"cookieConfig":{"values":[{"key":"a","value":"1"},{"key":"b","value":"2"}]},"type":"Cookie"},{"sourceIpConfig":{"values":["10.0.0.0/8","192.168.0.1"]},"type":"SourceIp"},{"headerConfig":{"key":"x-user","values":["\u003ca\u003e","b\u0026c"]},"type":"Header"}]"#;
    assert_eq!(
        scripted,
        Ok(json!({ "A/canary": "true", "A/order": "1", "A/conditions.C": conditions }))
    );
}

#[test]
fn vectors_11_and_12_the_twin_is_made_changed_and_left() {
    let ingress = object(
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "rules": [{ "http": { "paths": [{ "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": "S", "port": { "number": 80 } } } }] } }] } }),
    );
    let own = configured(
        "lua.traffic.routing.ingress.mine",
        "local out = obj.annotations\n\
         out['mine.example/share'] = obj.weight ~= '-1' and obj.weight or nil\n\
         out['mine.example/header'] = obj.matches and obj.matches[1].headers[1].name\n\
         return out",
    );
    let share = |routes: &Routes| {
        let twin = &routes[&RouteKey::ingress("web-canary")];
        let annotations = twin.metadata.annotations.as_ref().unwrap();
        json!([
            annotations
                .get("nginx.ingress.kubernetes.io/canary-weight")
                .or(annotations.get("mine.example/share")),
            annotations.get("mine.example/header")
        ])
    };
    for (class, scripts) in [
        ("nginx", Scripts::default()),
        ("nginx", examples()),
        ("mine", own),
    ] {
        let routing = serde_json::from_value(
            json!({ "service": "S", "ingress": { "name": "web", "classType": class } }),
        );
        let provider = Provider::all(&routing.unwrap()).remove(0).scripted(&scripts);
        let mut routes: Routes = [(RouteKey::ingress("web"), ingress.clone())].into();
        let next = |routes: &Routes, asked: Value| {
            with_split(&asked, |split| {
                let change = provider.split(routes, &wiring("C"), split).unwrap()?;
                Some(match change {
                    Change::Create(twin) => twin,
                    Change::Merge(twin, patch) => {
                        let mut twin = serde_json::to_value(twin).unwrap();
                        json_patch::merge(&mut twin, &patch);
                        twin
                    }
                    Change::Delete(_) => panic!("deleted"),
                })
            })
        };
        assert_eq!(next(&routes, json!({ "weight": 0 })), None, "{class}");
        for weight in [20, 40] {
            let twin = next(&routes, json!({ "weight": weight })).unwrap();
            routes.insert(RouteKey::ingress("web-canary"), object(twin));
            assert_eq!(share(&routes), json!([weight.to_string(), null]), "{class}");
            assert_eq!(next(&routes, json!({ "weight": weight })), None, "{class}: again");
        }
        // Somebody else's note stays, and what the script set before goes.
        let twin = routes.get_mut(&RouteKey::ingress("web-canary")).unwrap();
        let annotations = twin.metadata.annotations.as_mut().unwrap();
        annotations.insert("field.cattle.io/publicEndpoints".to_owned(), "[]".to_owned());
        assert_eq!(next(&routes, json!({ "weight": 40 })), None, "{class}: a note");
        let header = json!({ "matches": [{ "headers": [{ "name": "user", "value": "a" }] }] });
        let twin = object(next(&routes, header.clone()).unwrap());
        assert!(
            twin.metadata
                .annotations
                .as_ref()
                .unwrap()
                .contains_key("field.cattle.io/publicEndpoints")
        );
        routes.insert(RouteKey::ingress("web-canary"), twin);
        let header_key = if class == "mine" {
            json!("user")
        } else {
            Value::Null
        };
        assert_eq!(share(&routes), json!([null, header_key]), "{class}");
        assert_eq!(next(&routes, header), None, "{class}: again");
        let deleted = provider.restore(&routes, &wiring("C"));
        assert!(matches!(deleted, Some(Change::Delete(_))), "{class}");
    }
}

fn virtual_service(http: Value) -> Value {
    json!({ "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" } },
        "spec": { "hosts": ["shop.example"], "gateways": [], "http": http } })
}

#[test]
fn vectors_15_to_17_istio_native_and_by_script() {
    let to = |host: &str| json!({ "destination": { "host": host } });
    let subset = |host: &str| json!({ "destination": { "host": host, "subset": "canary" } });
    let weighing = |target: Value, weight: u64| {
        let mut target = target;
        target["weight"] = json!(weight);
        target
    };
    let plain = json!([{ "route": [to("S")] }]);
    let one = json!({ "headers": [{ "type": "Exact", "name": "user-agent", "value": "Android" }, { "type": "Exact", "name": "b", "value": "2" }] });
    let two = json!({ "headers": [{ "type": "RegularExpression", "name": "uid", "value": "12.*" }] });
    let at = json!({ "path": { "type": "PathPrefix", "value": "/new" } });
    let android = json!({ "headers": { "user-agent": { "exact": "Android" }, "b": { "exact": "2" } } });
    let set = json!({ "set": [{ "name": "header-foo", "value": "bar" }], "remove": ["x"] });
    let request = json!({ "request": { "set": { "header-foo": "bar" }, "remove": ["x"] } });
    let table = [
        (
            "C",
            plain.clone(),
            json!({ "weight": 20 }),
            json!([{ "route": [weighing(to("S"), 80), weighing(to("C"), 20)] }]),
        ),
        (
            "S",
            plain.clone(),
            json!({ "weight": 20 }),
            json!([{ "route": [weighing(to("S"), 80), weighing(subset("S"), 20)] }]),
        ),
        (
            "C",
            plain.clone(),
            json!({ "weight": 0 }),
            json!([{ "route": [weighing(to("S"), 100), weighing(to("C"), 0)] }]),
        ),
        (
            "C",
            json!([{ "route": [to("S.shop.svc.cluster.local")] }]),
            json!({ "weight": 50 }),
            // The native one keeps the form of the host, a script of few lines writes the short one.
            json!([{ "route": [weighing(to("S.shop.svc.cluster.local"), 50), weighing(to("C"), 50)] }]),
        ),
        (
            "C",
            plain.clone(),
            json!({ "matches": [one], "modifier": set }),
            json!([{ "match": [android], "headers": request, "route": [to("C")] }, { "route": [to("S")] }]),
        ),
        (
            "S",
            plain.clone(),
            json!({ "matches": [two] }),
            json!([{ "match": [{ "headers": { "uid": { "regex": "12.*" } } }], "route": [subset("S")] }, { "route": [to("S")] }]),
        ),
        (
            "C",
            plain,
            json!({ "matches": [two, at] }),
            json!([
                { "match": [{ "uri": { "prefix": "/new" } }], "route": [to("C")] },
                { "match": [{ "headers": { "uid": { "regex": "12.*" } } }], "route": [to("C")] },
                { "route": [to("S")] },
            ]),
        ),
    ];
    let script = found(examples().custom("networking.istio.io/v1beta1", "VirtualService"));
    for (canary, http, asked, expected) in table {
        let user = virtual_service(http);
        let route = object(user.clone());
        let patches = with_split(&asked, |split| {
            [
                (
                    "native",
                    istio::split_virtual_service(&route, &wiring(canary), split),
                ),
                ("script", script::split(&route, &script, &wiring(canary), split)),
            ]
        });
        for (how, patch) in patches {
            let mut changed = user.clone();
            json_patch::merge(&mut changed, &patch.unwrap().unwrap());
            let told = format!("{how}: {asked} of {}", user["spec"]["http"]);
            assert_eq!(changed["spec"]["http"], expected, "{told}");
            // D15: what is empty stays as it is.
            assert_eq!(changed["spec"]["gateways"], json!([]), "{told}");
            let kept =
                changed["metadata"]["annotations"]["rollouts.kruise.io/original-spec-configuration"].clone();
            let kept: Value = serde_json::from_str(kept.as_str().unwrap()).unwrap();
            assert_eq!(
                (&kept["spec"], &kept["labels"], kept.get("annotations")),
                (&user["spec"], &json!({ "app": "web" }), None),
                "{told}"
            );
            let back = if how == "native" {
                istio::restore_virtual_service(&object(changed.clone()), &wiring(canary))
            } else {
                let again = with_split(&asked, |split| {
                    script::split(&object(changed.clone()), &script, &wiring(canary), split)
                });
                assert_eq!(again, Ok(None), "{told}: again");
                script::restore(&object(changed.clone()), &wiring(canary))
            };
            json_patch::merge(&mut changed, &back.unwrap());
            changed["metadata"].as_object_mut().unwrap().remove("annotations");
            assert_eq!(changed, user, "{told}");
        }
    }
    let subset = json!({ "name": "canary", "labels": { "istio.service.tag": "gray" } });
    let base = json!({ "name": "base", "labels": { "v": "1" } });
    let script = found(examples().custom("networking.istio.io/v1", "DestinationRule"));
    for (subsets, expected) in [
        (json!([base]), json!([base, subset])),
        (Value::Null, json!([subset])),
    ] {
        let mut user = json!({ "apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
            "metadata": { "name": "web", "namespace": "shop" }, "spec": { "host": "S", "trafficPolicy": { "tls": {} } } });
        if !subsets.is_null() {
            user["spec"]["subsets"] = subsets;
        }
        let route = object(user.clone());
        let patches = with_split(&json!({ "weight": 20 }), |split| {
            [
                istio::split_destination_rule(&route, &wiring("C"), None),
                script::split(&route, &script, &wiring("C"), split),
            ]
        });
        for patch in patches {
            let mut changed = user.clone();
            json_patch::merge(&mut changed, &patch.unwrap().unwrap());
            assert_eq!(
                (&changed["spec"]["subsets"], &changed["spec"]["trafficPolicy"]),
                (&expected, &json!({ "tls": {} }))
            );
        }
    }
}
