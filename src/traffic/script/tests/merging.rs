//! Objects of kinds of one's own in the middle of a release: what others edit, what servers make of it, and the way back.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{configured, examples, object, wiring, with_split};
use crate::{
    api::keys,
    traffic::{
        Change, Obstacle, Provider, RouteKey, Routes,
        script::{self, Scripts},
    },
};

/// Backends of a made-up kind: the script adds the new version's beside the stable one.
const MINE: &str = "
local spec = obj.data.spec
for _, backend in ipairs(spec.backends) do
    if backend.name == obj.stableService then backend.weight = obj.stableWeight end
end
table.insert(spec.backends, { name = obj.canaryService, weight = obj.canaryWeight })
spec.mode = 'weighted'
obj.data.labels = obj.data.labels or {}
obj.data.labels.split = 'yes'
return obj.data";

fn mine() -> Scripts {
    configured("lua.traffic.routing.Route.example.com", MINE)
}

fn provider(scripts: &Scripts) -> Provider {
    let refs = json!([{ "apiVersion": "example.com/v1", "kind": "Route", "name": "web" }]);
    let routing = serde_json::from_value(json!({ "service": "S", "customNetworkRefs": refs })).unwrap();
    Provider::all(&routing).remove(0).scripted(scripts)
}

fn user() -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Route",
        "metadata": { "name": "web", "namespace": "shop", "generation": 3, "annotations": { "note": "x" } },
        "spec": { "host": "a.example", "backends": [{ "name": "S", "weight": 100 }, { "name": "other", "weight": 1 }], "tags": [] } })
}

/// A server that keeps objects, counts generations and may alter what it is given.
struct Server {
    live: Value,
    alters: fn(&mut Value),
}

impl Server {
    fn new(alters: fn(&mut Value)) -> Self {
        Self { live: user(), alters }
    }

    fn routes(&self) -> Routes {
        let key = RouteKey {
            group: "example.com".to_owned(),
            kind: "Route".to_owned(),
            name: "web".to_owned(),
        };
        [(key, object(self.live.clone()))].into()
    }

    fn write(&mut self, patch: &Value) {
        let before = self.live["spec"].clone();
        json_patch::merge(&mut self.live, patch);
        (self.alters)(&mut self.live["spec"]);
        if self.live["spec"] != before {
            self.live["metadata"]["generation"] =
                json!(self.live["metadata"]["generation"].as_i64().unwrap() + 1);
        }
    }

    /// Splits until nothing is left to write.
    fn split(&mut self, scripts: &Scripts, weight: i32) -> Result<(), Obstacle> {
        for _ in 0..3 {
            let routes = self.routes();
            let change = with_split(&json!({ "weight": weight }), |split| {
                provider(scripts).split(&routes, &wiring("C"), split)
            })?;
            let Some(Change::Merge(_, patch)) = change else {
                return Ok(());
            };
            self.write(&patch);
        }
        panic!("it is written again and again: {}", self.live)
    }

    fn restore(&mut self, scripts: &Scripts) {
        let routes = self.routes();
        if let Some(Change::Merge(_, patch)) = provider(scripts).restore(&routes, &wiring("C")) {
            self.write(&patch);
        }
    }

    fn spec(&self) -> &Value {
        &self.live["spec"]
    }
}

/// An object without what a server and a release note on it.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().remove("generation");
    object
}

fn backends(stable: i32, canary: i32) -> Value {
    json!([{ "name": "S", "weight": stable }, { "name": "other", "weight": 1 }, { "name": "C", "weight": canary }])
}

#[test]
fn splits_step_by_step_and_gives_back() {
    let mut server = Server::new(|_| ());
    for (weight, stable) in [(20, 80), (60, 40), (0, 100), (100, 0)] {
        server.split(&mine(), weight).unwrap();
        assert_eq!(
            server.spec(),
            &json!({ "host": "a.example", "mode": "weighted", "backends": backends(stable, weight), "tags": [] })
        );
        assert_eq!(server.live["metadata"]["labels"], json!({ "split": "yes" }));
    }
    // The script may be gone by then (D19).
    server.restore(&Scripts::default());
    let mut back = bare(&server.live);
    assert_eq!(back["metadata"]["labels"].take(), json!({}));
    back["metadata"].as_object_mut().unwrap().remove("labels");
    assert_eq!(back, bare(&user()));
    server.restore(&mine());
    assert_eq!(server.spec(), &user()["spec"]);
}

type Edit = fn(&mut Value);

#[test]
fn edits_in_the_middle_are_kept_put_back_or_refused() {
    let undone: Edit = |live| {
        *live = {
            let mut user = user();
            user["metadata"]["annotations"][keys::ORIGINAL_SPEC] =
                live["metadata"]["annotations"][keys::ORIGINAL_SPEC].clone();
            user
        };
    };
    let other: Edit = |live| live["spec"]["host"] = json!("b.example");
    let weights: Edit = |live| live["spec"]["backends"][0]["weight"] = json!(5);
    let added: Edit = |live| {
        let all = live["spec"]["backends"].as_array_mut().unwrap();
        all.push(json!({ "name": "new", "weight": 2 }));
    };
    let before: Edit = |live| {
        let all = live["spec"]["backends"].as_array_mut().unwrap();
        all.insert(0, json!({ "name": "new", "weight": 2 }));
    };
    let neighbour: Edit = |live| live["spec"]["backends"][1]["weight"] = json!(9);
    let notes: Edit = |live| {
        live["metadata"]["annotations"]["note"] = json!("y");
        live["metadata"]["labels"]["team"] = json!("a");
        live["metadata"]["labels"]["split"] = json!("no");
    };
    let torn: Edit = |live| live["spec"]["backends"] = json!([{ "name": "elsewhere" }]);
    let spec = |backends: Value| json!({ "host": "a.example", "backends": backends, "tags": [] });
    let plain = user()["spec"]["backends"].clone();
    let s = |weight: u8| json!({ "name": "S", "weight": weight });
    let o = |weight: u8| json!({ "name": "other", "weight": weight });
    let n = json!({ "name": "new", "weight": 2 });
    let mut moved = spec(plain.clone());
    moved["host"] = json!("b.example");
    let table: [(&str, Edit, Result<Value, &str>); 8] = [
        ("undone", undone, Ok(spec(plain.clone()))),
        ("elsewhere", other, Ok(moved)),
        ("added", added, Ok(spec(json!([s(100), o(1), n])))),
        ("added before", before, Ok(spec(json!([n, s(100), o(1)])))),
        ("a neighbour", neighbour, Ok(spec(json!([s(100), o(9)])))),
        ("notes", notes, Ok(spec(plain.clone()))),
        ("a weight", weights, Err("spec.backends")),
        ("torn", torn, Err("spec.backends")),
    ];
    for (name, edit, expected) in table {
        let mut server = Server::new(|_| ());
        server.split(&mine(), 20).unwrap();
        let was = server.live["spec"].clone();
        edit(&mut server.live);
        if server.live["spec"] != was {
            server.live["metadata"]["generation"] = json!(9);
        }
        let split = server.split(&mine(), 20);
        match (split, &expected) {
            (Ok(()), Ok(_)) => {
                let all = server.spec()["backends"].as_array().unwrap();
                assert!(
                    all.contains(&json!({ "name": "C", "weight": 20 })),
                    "{name}: {all:?}"
                );
                assert!(all.contains(&s(80)), "{name}: {all:?}");
            }
            (Err(Obstacle::Edited { at, .. }), Err(place)) => assert_eq!(at, *place, "{name}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
        server.restore(&mine());
        assert_eq!(server.spec(), &expected.unwrap_or(spec(plain.clone())), "{name}");
        let metadata = &server.live["metadata"];
        let kept = (metadata["annotations"].clone(), metadata["labels"].clone());
        let notes = name == "notes";
        assert_eq!(
            kept.0,
            if notes {
                json!({ "note": "y" })
            } else {
                json!({ "note": "x" })
            },
            "{name}"
        );
        if notes {
            assert_eq!(kept.1, json!({ "team": "a" }));
        }
    }
}

#[test]
fn what_a_server_fills_in_is_no_edit_and_what_it_drops_is_told() {
    let mut filling = Server::new(|spec| {
        for backend in spec["backends"].as_array_mut().unwrap() {
            backend["port"] = json!(80);
        }
        spec["timeout"] = json!("5s");
    });
    for weight in [20, 60] {
        filling.split(&mine(), weight).unwrap();
        assert_eq!(filling.spec()["backends"][2]["weight"], weight);
    }
    // An edit is told from what the server filled in.
    filling.live["spec"]["host"] = json!("b.example");
    filling.live["metadata"]["generation"] = json!(20);
    filling.split(&mine(), 60).unwrap();
    filling.restore(&mine());
    assert_eq!(filling.spec()["host"], "b.example");
    assert_eq!(filling.spec()["backends"].as_array().unwrap().len(), 2);
    let mut dropping = Server::new(|spec| {
        spec.as_object_mut().unwrap().remove("mode");
    });
    let refused = dropping.split(&mine(), 20).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the API server does not keep spec.mode of Route web as the script set it"
    );
    dropping.restore(&mine());
    assert_eq!(dropping.spec(), &user()["spec"]);
}

#[test]
fn without_its_note_an_object_is_not_taken_for_the_users() {
    for note in [None, Some(""), Some("{}"), Some("[1"), Some(r#"{"spec":null}"#)] {
        let mut server = Server::new(|_| ());
        server.split(&mine(), 20).unwrap();
        let annotations = server.live["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.remove(keys::ORIGINAL_SPEC);
        annotations.extend(note.map(|text| (keys::ORIGINAL_SPEC.to_owned(), json!(text))));
        let refused = server.split(&mine(), 40).unwrap_err();
        assert!(
            matches!(refused, Obstacle::Original { .. }),
            "{note:?}: {refused}"
        );
        // All that can be done: nothing goes to the new version.
        server.restore(&mine());
        let names: Vec<&Value> = server.spec()["backends"]
            .as_array()
            .unwrap()
            .iter()
            .map(|backend| &backend["name"])
            .collect();
        assert_eq!(names, ["S", "other", "S"]);
        assert_eq!(server.live["metadata"]["annotations"], json!({ "note": "x" }));
    }
}

#[test]
fn what_upstreams_controller_split_is_taken_over() {
    let mut server = Server::new(|_| ());
    let original = json!({ "spec": user()["spec"], "annotations": { "note": "x" } });
    server.live["spec"]["backends"] = backends(70, 30);
    server.live["metadata"]["annotations"] =
        json!({ "note": "x", keys::ORIGINAL_SPEC: original.to_string() });
    server.live["metadata"]["labels"] = json!({ "later": "b" });
    let mut untouched = Server {
        live: server.live.clone(),
        alters: |_| (),
    };
    server.split(&mine(), 60).unwrap();
    assert_eq!(server.spec()["backends"], backends(40, 60));
    for mut server in [server, {
        untouched.restore(&mine());
        untouched
    }] {
        server.restore(&mine());
        let metadata = &server.live["metadata"];
        assert_eq!(
            (server.spec(), &metadata["labels"], &metadata["annotations"]),
            (&user()["spec"], &json!({ "later": "b" }), &json!({ "note": "x" }))
        );
    }
}

#[test]
fn wrong_answers_stop_the_release_with_their_reason() {
    let table = [
        (
            "return nil",
            "no table with a table 'spec' in it; what it returns replaces the object's",
        ),
        (
            "return 'x'",
            "no table with a table 'spec' in it; what it returns replaces the object's",
        ),
        (
            "return { spec = 1 }",
            "no table with a table 'spec' in it; what it returns replaces the object's",
        ),
        (
            "return { spec = obj.data.spec, labels = { a = 1 } }",
            "a number for labels \"a\"; only strings are",
        ),
        (
            "return { spec = obj.data.spec, annotations = 'x' }",
            "a string where annotations should be",
        ),
    ];
    for (text, why) in table {
        let scripts = configured("lua.traffic.routing.Route.example.com", text);
        let refused = Server::new(|_| ()).split(&scripts, 20).unwrap_err();
        let expected = format!(
            "script lua.traffic.routing.Route.example.com of ConfigMap kruise-rollout/kruise-rollout-configuration for Route web returned {why}"
        );
        assert_eq!(refused.to_string(), expected);
    }
    let large = "local s = obj.data.spec s.text = string.rep('x', 3e5) return obj.data";
    let scripts = configured("lua.traffic.routing.Route.example.com", large);
    let refused = Server::new(|_| ()).split(&scripts, 20).unwrap_err();
    assert!(matches!(refused, Obstacle::Large { .. }), "{refused}");
    // What is left out is cleared, as upstream has it, and comes back.
    let scripts = configured(
        "lua.traffic.routing.Route.example.com",
        "return { spec = obj.data.spec }",
    );
    let mut server = Server::new(|_| ());
    server.split(&scripts, 20).unwrap();
    let kept: Vec<&String> = server.live["metadata"]["annotations"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(kept, [keys::ORIGINAL_SPEC]);
    server.restore(&scripts);
    assert_eq!(bare(&server.live), bare(&user()));
}

#[test]
fn a_script_that_comes_or_goes_in_the_middle_takes_over_from_the_native_one() {
    let refs = json!([{ "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "name": "web" }]);
    let routing = serde_json::from_value(json!({ "service": "S", "customNetworkRefs": refs })).unwrap();
    let of = |scripts: &Scripts| Provider::all(&routing).remove(0).scripted(scripts);
    let (native, scripted) = (of(&Scripts::default()), of(&examples()));
    let user = json!({ "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": { "name": "web", "namespace": "shop" }, "spec": { "http": [{ "route": [{ "destination": { "host": "S" } }] }] } });
    let key = RouteKey {
        group: "networking.istio.io".to_owned(),
        kind: "VirtualService".to_owned(),
        name: "web".to_owned(),
    };
    let merged = |route: &DynamicObject, patch: &Value| {
        let mut route = serde_json::to_value(route).unwrap();
        json_patch::merge(&mut route, patch);
        route
    };
    let run = |provider: &Provider, mut live: Value, weight: i32| {
        for _ in 0..3 {
            let routes: Routes = [(key.clone(), object(live.clone()))].into();
            let change = with_split(&json!({ "weight": weight }), |split| {
                provider.split(&routes, &wiring("C"), split).unwrap()
            });
            match change {
                Some(Change::Merge(route, patch)) => live = merged(route, &patch),
                _ => return live,
            }
        }
        panic!("it is written again and again: {live}")
    };
    for (first, second) in [(&native, &scripted), (&scripted, &native)] {
        let live = run(first, user.clone(), 20);
        let live = run(second, live, 40);
        let weights: Vec<u64> = live["spec"]["http"][0]["route"]
            .as_array()
            .unwrap()
            .iter()
            .map(|target| target["weight"].as_u64().unwrap())
            .collect();
        assert_eq!(weights, [60, 40]);
        assert_eq!(
            script::is_left(&object(live.clone())),
            std::ptr::eq(second, &scripted)
        );
        for provider in [first, second] {
            let routes: Routes = [(key.clone(), object(live.clone()))].into();
            let Some(Change::Merge(route, patch)) = provider.restore(&routes, &wiring("C")) else {
                panic!("nothing to give back")
            };
            let mut back = merged(route, &patch);
            let metadata = back["metadata"].as_object_mut().unwrap();
            assert_eq!(metadata.remove("annotations"), Some(json!({})));
            assert_eq!(back, user);
        }
    }
}
