//! Inputs and outputs of routes of Gateway API: the vectors recorded of upstream (engine-traffic 4 and 12), and its defects.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::Gateway;
use crate::{
    api::v1beta1::{HeaderModifier, RouteMatch},
    traffic::{Share, Split, Wiring},
};

/// A route with these rules; `S`, `C` and others for backends, `/p` for paths.
fn route(rules: Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web", "namespace": "shop", "labels": { "app": "web" } },
        "spec": { "hostnames": ["shop.example"], "rules": rules },
    }))
    .unwrap()
}

fn backend(name: &str, weight: u64) -> Value {
    json!({ "group": "", "kind": "Service", "name": name, "port": 80, "weight": weight })
}

fn path(value: &str) -> Value {
    json!({ "path": { "type": "PathPrefix", "value": value } })
}

fn rule(at: &str, backends: &[Value]) -> Value {
    json!({ "matches": [path(at)], "backendRefs": backends })
}

fn stable() -> Value {
    rule("/", &[backend("S", 1)])
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

impl Asked {
    fn with(mut self, modifier: Value) -> Self {
        self.modifier = Some(serde_json::from_value(modifier).unwrap());
        self
    }

    fn split(&self) -> Split<'_> {
        Split {
            weight: self.weight,
            matches: &self.matches,
            header_modifier: self.modifier.as_ref(),
        }
    }
}

fn patched(route: &DynamicObject, patch: Option<Value>) -> DynamicObject {
    let mut value = serde_json::to_value(route).unwrap();
    json_patch::merge(&mut value, &patch.unwrap_or_else(|| json!({})));
    // A server keeps no empty map.
    if value["metadata"]["annotations"] == json!({}) {
        value["metadata"].as_object_mut().unwrap().remove("annotations");
    }
    serde_json::from_value(value).unwrap()
}

/// The route after the splits, one after the other; every split must be stable under itself.
fn after(route: &DynamicObject, asked: &[Asked]) -> Result<DynamicObject, String> {
    let mut route = route.clone();
    for asked in asked {
        let split = |route: &DynamicObject| {
            let patch = Gateway::Http.split(route, &wiring(), &asked.split());
            patch.map_err(|obstacle| obstacle.to_string())
        };
        let patch = split(&route)?;
        route = patched(&route, patch);
        assert_eq!(split(&route), Ok(None), "a second look changes nothing");
    }
    Ok(route)
}

fn restored(route: &DynamicObject) -> DynamicObject {
    let route = patched(route, Gateway::Http.restore(route, &wiring()));
    assert_eq!(Gateway::Http.restore(&route, &wiring()), None);
    route
}

/// Rules in short: `/p,header=value -> S 80 C 20`.
fn short(rules: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let named = |one: &Value| {
        let sign = if one["type"] == "Exact" { "=" } else { "~" };
        format!("{}{sign}{}", text(&one["name"]), text(&one["value"]))
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let lines = list(rules).into_iter().map(|rule| {
        let conditions: Vec<String> = list(&rule["matches"])
            .iter()
            .map(|one| {
                let all = list(&one["headers"]).into_iter().chain(list(&one["queryParams"]));
                let all: Vec<String> = [text(&one["path"]["value"])]
                    .into_iter()
                    .chain(all.map(|one| named(&one)))
                    .collect();
                all.join(",")
            })
            .collect();
        let backends: Vec<String> = list(&rule["backendRefs"])
            .iter()
            .map(|target| format!("{} {}", text(&target["name"]), target["weight"]))
            .collect();
        format!("{} -> {}", conditions.join(" or "), backends.join(" "))
    });
    lines.collect::<Vec<_>>().join("; ")
}

fn story(rules: Value, asked: &[Asked]) -> String {
    let user = route(rules);
    match after(&user, asked) {
        Err(why) => why,
        Ok(split) => {
            assert_eq!(restored(&split), user, "given back as it was");
            short(&split.data["spec"]["rules"])
        }
    }
}

#[test]
fn weights_stand_beside_the_stable_service_in_every_rule_that_names_it() {
    let others = || rule("/other", &[backend("other", 1)]);
    let lines = [
        story(json!([stable()]), &[weight(20)]),
        story(json!([stable()]), &[weight(20), weight(40)]),
        story(json!([stable()]), &[weight(0)]),
        story(json!([stable()]), &[weight(100)]),
        story(
            json!([
                rule("/", &[backend("S", 7)]),
                others(),
                rule("/b", &[backend("S", 1)])
            ]),
            &[weight(20)],
        ),
        story(json!([others()]), &[weight(20)]),
        // The new version's share is of what goes to the Service; what goes elsewhere stays.
        story(
            json!([rule("/", &[backend("S", 1), backend("other", 9)])]),
            &[weight(20)],
        ),
        story(
            json!([rule("/", &[backend("other", 67), backend("S", 33)])]),
            &[weight(50)],
        ),
        story(
            json!([rule("/", &[backend("S", 999_983), backend("other", 1_000_000)])]),
            &[weight(20)],
        ),
        story(
            json!([rule("/", &[backend("S", 0), backend("other", 1)])]),
            &[weight(20)],
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"), @"
    / -> S 80 C 20
    / -> S 60 C 40
    / -> S 100 C 0
    / -> S 0 C 100
    / -> S 80 C 20; /other -> other 1; /b -> S 80 C 20
    HTTPRoute web has no rule for Service S
    / -> S 4 other 45 C 1
    / -> other 134 S 33 C 33
    / -> S 799986 other 1000000 C 199996
    / -> S 0 other 1
    ");
}

#[test]
fn matching_requests_get_rules_of_their_own_after_the_users() {
    let two = json!({ "matches": [path("/a"), path("/b")], "backendRefs": [backend("S", 1)] });
    let regex = json!({ "headers": [{ "type": "RegularExpression", "name": "uid", "value": "12.*" }] });
    let query = json!({ "queryParams": [{ "name": "user", "value": "a" }], "headers": [{ "name": "h", "value": "v" }] });
    let own = json!({ "matches": [{ "path": { "type": "PathPrefix", "value": "/" }, "headers": [{ "type": "Exact", "name": "H", "value": "v" }] }],
        "backendRefs": [backend("S", 1)] });
    let lines = [
        story(json!([stable()]), &[matches(json!([header("a", "v")]))]),
        story(json!([two]), &[matches(json!([header("a", "1"), regex]))]),
        story(
            json!([stable(), rule("/other", &[backend("other", 1)])]),
            &[matches(json!([query]))],
        ),
        story(
            json!([own]),
            &[matches(json!([header("h", "v"), header("a", "b")]))],
        ),
        story(json!([own]), &[matches(json!([header("h", "other")]))]),
        story(
            json!([own]),
            &[matches(
                json!([{ "headers": [{ "type": "RegularExpression", "name": "h", "value": ".*" }] }]),
            )],
        ),
        story(
            json!([json!({ "backendRefs": [backend("S", 1)] })]),
            &[matches(json!([header("a", "v")]))],
        ),
        story(
            (0..16)
                .map(|n| rule(&format!("/{n}"), &[backend("S", 1)]))
                .collect(),
            &[matches(json!([header("a", "v")]))],
        ),
        // As the API says, matches win over a weight.
        story(
            json!([stable()]),
            &[Asked {
                weight: Some(20),
                ..matches(json!([header("a", "v")]))
            }],
        ),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r#"
    / -> S 1; /,a=v -> C 1
    /a or /b -> S 1; /a,a=1 or /a,uid~12.* or /b,a=1 or /b,uid~12.* -> C 1
    / -> S 1; /other -> other 1; /,h=v,user=a -> C 1
    /,H=v -> S 1; /,H=v or /,H=v,a=b -> C 1
    no request that HTTPRoute web sends to Service S can match
    HTTPRoute web: a rule of its own has a condition on "h" already
     -> S 1; /,a=v -> C 1
    HTTPRoute web would need 32 rules and may have 16
    / -> S 1; /,a=v -> C 1
    "#);
}

#[test]
fn header_changes_are_for_the_new_version_alone() {
    let set = || json!({ "set": [{ "name": "x", "value": "1" }], "remove": ["y"] });
    let own = json!({ "matches": [path("/")], "filters": [
        { "type": "RequestHeaderModifier", "requestHeaderModifier": { "set": [{ "name": "X", "value": "0" }], "add": [{ "name": "z", "value": "2" }] } },
        { "type": "URLRewrite", "urlRewrite": { "path": { "type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1" } } } ],
        "backendRefs": [backend("S", 1)] });
    let by_weight = after(&route(json!([stable()])), &[weight(20).with(set())]).unwrap();
    let modifier = json!([{ "type": "RequestHeaderModifier", "requestHeaderModifier": set() }]);
    let mut canary = backend("C", 20);
    canary["filters"] = modifier;
    assert_eq!(
        by_weight.data["spec"]["rules"],
        json!([rule("/", &[backend("S", 80), canary])])
    );
    let by_match = after(
        &route(json!([own])),
        &[matches(json!([header("a", "1"), header("b", "2")])).with(set())],
    )
    .unwrap();
    let rules = &by_match.data["spec"]["rules"];
    assert_eq!(rules[0], own);
    let exact = matches(json!([{ "path": { "type": "Exact", "value": "/p" } }]));
    assert_eq!(
        after(&route(json!([own])), &[exact]).unwrap_err(),
        "HTTPRoute web replaces a prefix of the path, so that only prefixes can be matched"
    );
    // A rewritten prefix allows one match in a rule.
    assert_eq!(short(rules), "/ -> S 1; /,a=1 -> C 1; /,b=2 -> C 1");
    assert_eq!(
        rules[1]["filters"],
        json!([
            { "type": "RequestHeaderModifier", "requestHeaderModifier":
                { "set": [{ "name": "x", "value": "1" }], "add": [{ "name": "z", "value": "2" }], "remove": ["y"] } },
            own["filters"][1],
        ])
    );
}

#[test]
fn d1_rules_without_backends_and_weights_come_back_as_written() {
    let redirect = json!({ "matches": [path("/old")], "filters": [{ "type": "RequestRedirect", "requestRedirect": { "statusCode": 301 } }] });
    let user = route(json!([
        redirect,
        rule("/", &[backend("S", 5), backend("other", 3)])
    ]));
    for asked in [weight(20), matches(json!([header("a", "v")]))] {
        let split = after(&user, &[asked]).unwrap();
        assert_eq!(split.data["spec"]["rules"][0], redirect);
        assert_eq!(restored(&split), user);
    }
    assert_eq!(
        Gateway::Http.restore(&user, &wiring()),
        None,
        "nothing is written where no step split"
    );
}

#[test]
fn d2_and_d3_steps_of_both_kinds_may_follow_each_other() {
    let matched = || matches(json!([header("a", "v")]));
    let lines = [
        story(json!([stable()]), &[weight(20), matched()]),
        story(json!([stable()]), &[matched(), weight(20)]),
        story(json!([stable()]), &[matched(), weight(20), matched()]),
    ];
    assert_eq!(
        lines,
        [
            "/ -> S 1; /,a=v -> C 1",
            "/ -> S 80 C 20",
            "/ -> S 1; /,a=v -> C 1"
        ]
    );
}

#[test]
fn d4_entries_with_a_path_and_without_keep_their_own_conditions() {
    let path =
        |value: &str| json!({ "path": { "value": value }, "headers": [{ "name": "p", "value": "1" }] });
    let two = || json!([rule("/x", &[backend("S", 1)]), rule("/y", &[backend("S", 1)])]);
    for entries in [
        json!([path("/p"), header("a", "v")]),
        json!([header("a", "v"), path("/p")]),
    ] {
        assert_eq!(
            story(two(), &[matches(entries)]),
            "/x -> S 1; /y -> S 1; /p,p=1 or /x,a=v -> C 1; /y,a=v -> C 1"
        );
    }
    // Said for the first rule alone: the entry names its requests itself.
    assert_eq!(
        story(two(), &[matches(json!([path("/p")]))]),
        "/x -> S 1; /y -> S 1; /p,p=1 -> C 1"
    );
}

#[test]
fn d5_versions_of_one_name_are_refused() {
    let same = Wiring {
        canary: "S".to_owned(),
        ..wiring()
    };
    let user = route(json!([stable()]));
    let refused = Gateway::Http
        .split(&user, &same, &weight(20).split())
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "HTTPRoute tells versions by their Services, and both have the same one here (disableGenerateCanaryService, or a TrafficRouting)"
    );
    assert_eq!(Gateway::Http.restore(&user, &same), None);
}

#[test]
fn d16_an_original_that_cannot_be_read_is_refused_and_never_written() {
    let user = route(json!([rule("/", &[backend("S", 1), backend("other", 1)])]));
    let split = after(&user, &[weight(50)]).unwrap();
    for text in ["", "{", "{}", "{\"spec\":null}"] {
        let mut broken = split.clone();
        let annotations = broken.metadata.annotations.iter_mut();
        annotations
            .flat_map(|all| all.values_mut())
            .for_each(|value| text.clone_into(value));
        let refused = Gateway::Http
            .split(&broken, &wiring(), &weight(20).split())
            .unwrap_err();
        assert!(refused.to_string().contains("cannot be read"), "{refused}");
        // Taking the new version out needs no original; the share of the old one is right again.
        assert_eq!(
            short(&restored(&broken).data["spec"]["rules"]),
            "/ -> S 2 other 2"
        );
    }
}

#[test]
fn d24_fields_that_nobody_knows_survive() {
    let strange = json!({ "name": "main", "matches": [path("/")], "retry": { "attempts": 3 }, "sessionPersistence": { "type": "Cookie" },
        "filters": [{ "type": "CORS", "cors": { "allowOrigins": ["*"] } }], "backendRefs": [backend("S", 1)] });
    let user = route(json!([strange]));
    let split = after(&user, &[matches(json!([header("a", "v")]))]).unwrap();
    let mut expected = strange.clone();
    expected.as_object_mut().unwrap().remove("name");
    expected["matches"] = json!([{ "path": { "type": "PathPrefix", "value": "/" }, "headers": [{ "type": "Exact", "name": "a", "value": "v" }] }]);
    expected["backendRefs"] = json!([backend("C", 1)]);
    assert_eq!(split.data["spec"]["rules"], json!([strange, expected]));
    assert_eq!(restored(&split), user);
    // The patch names the rules and the annotation, nothing else.
    let patch = Gateway::Http
        .split(&user, &wiring(), &weight(20).split())
        .unwrap()
        .unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        (keys(&patch), keys(&patch["spec"]), keys(&patch["metadata"])),
        (
            vec!["metadata".to_owned(), "spec".to_owned()],
            vec!["rules".to_owned()],
            vec!["annotations".to_owned()]
        )
    );
}

#[test]
fn an_edit_in_the_middle_is_kept_and_what_the_release_adds_put_back() {
    let user = route(json!([
        stable(),
        rule("/b", &[backend("S", 3), backend("other", 1)])
    ]));
    type Edit = fn(&mut Vec<Value>);
    let table: [(&str, Edit, &str, &str); 6] = [
        (
            "a rule added",
            |rules| rules.push(rule("/new", &[backend("S", 1)])),
            "/ -> S 80 C 20; /b -> S 12 C 3 other 5; /new -> S 80 C 20",
            "/ -> S 1; /b -> S 3 other 1; /new -> S 1",
        ),
        (
            "a rule removed",
            |rules| drop(rules.remove(0)),
            "/b -> S 12 C 3 other 5",
            "/b -> S 3 other 1",
        ),
        (
            "weights turned",
            |rules| rules[0]["backendRefs"][1]["weight"] = json!(90),
            "/ -> S 80 C 20; /b -> S 12 C 3 other 5",
            "/ -> S 1; /b -> S 3 other 1",
        ),
        (
            "the new version removed",
            |rules| drop(rules[0]["backendRefs"].as_array_mut().unwrap().pop()),
            "/ -> S 80 C 20; /b -> S 12 C 3 other 5",
            "/ -> S 1; /b -> S 3 other 1",
        ),
        (
            "the old version removed",
            |rules| drop(rules[0]["backendRefs"].as_array_mut().unwrap().remove(0)),
            "/ -> S 80 C 20; /b -> S 12 C 3 other 5",
            "/ -> S 1; /b -> S 3 other 1",
        ),
        (
            "a path edited",
            |rules| rules[1]["matches"] = json!([path("/c")]),
            "/ -> S 80 C 20; /c -> S 12 C 3 other 5",
            "/ -> S 1; /c -> S 15 other 5",
        ),
    ];
    for (name, edit, again, back) in table {
        let mut split = after(&user, &[weight(20)]).unwrap();
        edit(split.data["spec"]["rules"].as_array_mut().unwrap());
        let repaired = after(&split, &[weight(20)]).unwrap();
        let seen = |route: &DynamicObject| {
            let mut rules = route.data["spec"]["rules"].clone();
            for rule in rules.as_array_mut().unwrap() {
                // In which order the targets stand says nothing.
                rule["backendRefs"]
                    .as_array_mut()
                    .unwrap()
                    .sort_by_key(|target| (target["name"] == "other", target["name"] == "C"));
            }
            short(&rules)
        };
        assert_eq!(
            (seen(&repaired), seen(&restored(&repaired))),
            (again.to_owned(), back.to_owned()),
            "{name}"
        );
        assert_eq!(seen(&restored(&split)), back, "{name}, at once");
    }
    // Applied anew as it was, annotation and all.
    let split = after(&user, &[weight(20)]).unwrap();
    let applied = DynamicObject {
        data: user.data,
        ..split.clone()
    };
    assert_eq!(after(&applied, &[weight(20)]).unwrap(), split);
}

#[test]
fn a_backend_is_a_service_of_the_namespace_however_it_says_so() {
    let table = [
        (json!({ "name": "S", "port": 80 }), true),
        (
            json!({ "name": "S", "kind": "Service", "group": "", "namespace": "shop" }),
            true,
        ),
        (json!({ "name": "S", "namespace": "elsewhere" }), false),
        (
            json!({ "name": "S", "kind": "Backend", "group": "example.com" }),
            false,
        ),
        (json!({ "name": "other" }), false),
    ];
    for (target, is_ours) in table {
        let user = route(json!([{ "matches": [path("/")], "backendRefs": [target] }]));
        let split = after(&user, &[weight(20)]);
        assert_eq!(split.is_ok(), is_ours, "{target}: {split:?}");
    }
}

#[test]
fn grpc_routes_take_weights_and_headers() {
    let method = json!({ "method": { "type": "Exact", "service": "shop.Cart", "method": "Add" } });
    let user = route(
        json!([{ "matches": [method], "backendRefs": [backend("S", 1)] }, { "backendRefs": [backend("S", 1)] }]),
    );
    let rules = |asked: Asked| {
        let patch = Gateway::Grpc.split(&user, &wiring(), &asked.split()).unwrap();
        patched(&user, patch).data["spec"]["rules"].clone()
    };
    assert_eq!(
        rules(weight(20)),
        json!([
            { "matches": [method], "backendRefs": [backend("S", 80), backend("C", 20)] },
            { "backendRefs": [backend("S", 80), backend("C", 20)] },
        ])
    );
    let headers = json!([{ "type": "Exact", "name": "a", "value": "v" }]);
    let mut both = method;
    both["headers"] = headers.clone();
    assert_eq!(
        rules(matches(json!([header("a", "v")]))).as_array().unwrap()[2..],
        [
            json!({ "matches": [both], "backendRefs": [backend("C", 1)] }),
            json!({ "matches": [{ "headers": headers }], "backendRefs": [backend("C", 1)] }),
        ]
    );
    let refused = |entries: Value| Gateway::Grpc.check(&matches(entries).split());
    assert_eq!(
        refused(json!([{ "path": {} }])),
        Err("GRPCRoute cannot match a path".to_owned())
    );
    assert_eq!(
        refused(json!([{ "queryParams": [{ "name": "a", "value": "b" }] }])),
        Err("GRPCRoute cannot match query parameters".to_owned())
    );
}

#[test]
fn a_route_tells_the_share_of_the_new_version() {
    let user = route(json!([
        rule("/", &[backend("S", 1), backend("other", 9)]),
        rule("/b", &[backend("S", 1)])
    ]));
    let table = [
        (vec![], Share::Percent(0)),
        (vec![weight(20)], Share::Percent(20)),
        (vec![weight(0)], Share::Percent(0)),
        (vec![weight(100)], Share::Percent(100)),
        (vec![matches(json!([header("a", "v")]))], Share::Matching),
    ];
    for (asked, expected) in table {
        let split = after(&user, &asked).unwrap();
        assert_eq!(super::share(&split, &wiring()), expected, "{expected:?}");
    }
}

#[test]
fn tcp_and_tls_routes_divide_connections_and_say_what_they_cannot() {
    let user = route(json!([{ "name": "db", "backendRefs": [backend("S", 1)] }]));
    for gateway in [Gateway::Tcp, Gateway::Tls] {
        let split = |asked: &Asked, route: &DynamicObject| {
            let asked = asked.split();
            gateway.check(&asked)?;
            gateway
                .split(route, &wiring(), &asked)
                .map_err(|obstacle| obstacle.to_string())
        };
        let changed = patched(&user, split(&weight(20), &user).unwrap());
        assert_eq!(
            changed.data["spec"]["rules"],
            json!([{ "name": "db", "backendRefs": [backend("S", 80), backend("C", 20)] }])
        );
        assert_eq!(split(&weight(20), &changed), Ok(None));
        let back = patched(&changed, gateway.restore(&changed, &wiring()));
        assert_eq!(back, user);
        let kind = gateway.kind();
        for (asked, why) in [
            (
                matches(json!([header("a", "1")])),
                format!("{kind} divides connections by weight and cannot match requests"),
            ),
            (
                weight(20).with(json!({ "set": [{ "name": "a", "value": "1" }] })),
                format!("{kind} cannot change request headers"),
            ),
        ] {
            assert_eq!(split(&asked, &user), Err(why));
        }
    }
}

/// A server would refuse the write, at every look again.
#[test]
fn what_a_rule_has_no_room_for_is_refused() {
    let full: Vec<Value> = [backend("S", 1)]
        .into_iter()
        .chain((0..15).map(|number| backend(&format!("other-{number}"), 1)))
        .collect();
    let headers = |count: usize| -> Vec<Value> {
        let all =
            (0..count).map(|number| json!({ "type": "Exact", "name": format!("h{number}"), "value": "1" }));
        all.collect()
    };
    let mut own = stable();
    own["matches"] = json!([{ "path": { "type": "PathPrefix", "value": "/" }, "headers": headers(16) }]);
    let table = [
        (
            json!([rule("/", &full)]),
            weight(20),
            "HTTPRoute web would need a rule with 17 backends and may have 16",
        ),
        (
            json!([own]),
            matches(json!([header("a", "1")])),
            "HTTPRoute web: a match would need 17 headers and may have 16",
        ),
    ];
    for (rules, asked, why) in table {
        assert_eq!(after(&route(rules), &[asked]), Err(why.to_owned()));
    }
}
