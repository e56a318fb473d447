//! Plans that are kept, and what moves under them.

use serde_json::{Value, json};

use super::{Moved, Saved, Unfit, inputs};
use crate::{
    plan::{End, Plan, Pods},
    workload::edit,
};

fn rollout() -> Value {
    json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop", "uid": "r", "resourceVersion": "1" },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "paused": false, "canary": { "steps": [{ "replicas": 1, "traffic": "20%", "pause": {} }] } } } })
}

fn deployment(image: &str) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "shop", "uid": "d", "resourceVersion": "2" },
        "spec": { "replicas": 3, "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } },
        "status": { "replicas": 3 } })
}

fn service() -> Value {
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop", "uid": "s" },
        "spec": { "clusterIP": "10.0.0.1", "selector": { "app": "web" }, "ports": [{ "port": 80 }] } })
}

fn route(weight: i32) -> Value {
    json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": { "name": "web", "namespace": "shop", "uid": "h" }, "spec": { "rules": [{ "weight": weight }] } })
}

fn plan() -> Plan {
    Plan {
        namespace: "shop".to_owned(),
        rollout: "web".to_owned(),
        steps: Vec::new(),
        finish: None,
        states: Vec::new(),
        writes: Vec::new(),
        end: End::Completed,
        message: String::new(),
        lowest_ready: 3,
        most_pods: 4,
        start_pods: 3,
        begins: Pods::default(),
        crests: Vec::new(),
        blockers: Vec::new(),
        unknown: Vec::new(),
        likely_end: None,
    }
}

fn saved() -> Saved {
    let before = [rollout(), deployment("web:v1"), service(), route(1)];
    let after = [rollout(), deployment("web:v2"), service(), route(1)];
    Saved::new(
        &plan(),
        json!({ "end": "Completed" }),
        (&before, &after),
        ("https://a", "2026-01-01T00:00:00Z"),
    )
}

fn moved(objects: &[Value]) -> Vec<String> {
    saved().moved(objects).iter().map(Moved::to_string).collect()
}

/// As in the middle of its release: held, marked, pinned, split, with a canary beside.
fn midway() -> Vec<Value> {
    let mut workload = deployment("web:v2");
    edit::put_hold(crate::workload::Kind::Deployment, &mut workload, "web");
    workload["metadata"]["resourceVersion"] = json!("9");
    let mut service = service();
    service["spec"]["selector"]["pod-template-hash"] = json!("abc");
    let mut split = route(1);
    split["spec"]["rules"][0]["weight"] = json!(80);
    let original = json!({ "spec": route(1)["spec"] }).to_string();
    split["metadata"]["annotations"] = json!({ "rollouts.kruise.io/original-spec-configuration": original });
    let owner = json!([{ "kind": "Rollout", "name": "web", "controller": true }]);
    let mut canary = service.clone();
    canary["metadata"] = json!({ "name": "web-canary", "namespace": "shop", "ownerReferences": owner });
    let mut rollout = rollout();
    rollout["spec"]["strategy"]["paused"] = json!(true);
    rollout["status"] = json!({ "phase": "Progressing" });
    vec![
        rollout,
        workload,
        service,
        split,
        canary,
        json!({ "kind": "Pod", "metadata": { "name": "p", "namespace": "shop" } }),
    ]
}

#[test]
fn what_the_release_itself_writes_moves_nothing() {
    assert_eq!(
        moved(&[rollout(), deployment("web:v1"), service(), route(1)]),
        Vec::<String>::new()
    );
    assert_eq!(moved(&midway()), Vec::<String>::new());
}

#[test]
fn what_moved_is_named_field_by_field() {
    let mut replicas = midway();
    replicas[1]["spec"]["replicas"] = json!(5);
    let mut image = midway();
    image[1]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
    let mut steps = midway();
    steps[0]["spec"]["strategy"]["canary"]["steps"][0]["traffic"] = json!("50%");
    let second = json!({ "replicas": "100%" });
    let list = steps[0].pointer_mut("/spec/strategy/canary/steps");
    list.unwrap().as_array_mut().unwrap().push(second);
    let mut routed = midway();
    let original = json!({ "spec": { "rules": [{ "weight": 7 }] } }).to_string();
    routed[3]["metadata"]["annotations"]["rollouts.kruise.io/original-spec-configuration"] = json!(original);
    let mut replaced = midway();
    replaced[2]["metadata"]["uid"] = json!("t");
    let mut gone = midway();
    gone.remove(3);
    let mut rival = rollout();
    rival["metadata"]["name"] = json!("rival");
    let cases = [
        (replicas, vec!["deployment/web  spec.replicas: 3 is now 5"]),
        (
            image,
            vec!["deployment/web  spec.template.spec.containers[main].image: \"web:v2\" is now \"web:v3\""],
        ),
        (
            steps,
            vec![
                "rollout/web  spec.strategy.canary.steps[0].traffic: \"20%\" is now \"50%\"",
                "rollout/web  spec.strategy.canary.steps[1]: not set is now {\"replicas\":\"100%\"}",
            ],
        ),
        (routed, vec!["httproute/web  spec.rules[0].weight: 1 is now 7"]),
        (replaced, vec!["service/web  metadata.uid: s is now t"]),
        (gone, vec!["httproute/web  the object: there is now gone"]),
        (
            [midway(), vec![rival]].concat(),
            vec!["rollout/rival  the object: not there is now there"],
        ),
    ];
    for (objects, expected) in cases {
        assert_eq!(moved(&objects), expected);
    }
}

#[test]
fn notes_of_an_ingress_controller_are_nothing_that_a_plan_rests_on() {
    let note = |backends: &str, class: &str| {
        let owner = |manager: &str, subresource: Value, key: &str| {
            json!({ "manager": manager, "subresource": subresource,
                "fieldsV1": { "f:metadata": { "f:annotations": { ".": {}, format!("f:{key}"): {} } } } })
        };
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": { "name": "web", "namespace": "shop",
                "annotations": { "ingress.kubernetes.io/backends": backends, "class": class },
                "managedFields": [
                    { "manager": "glbc", "subresource": "status", "fieldsV1": { "f:status": {} } },
                    owner("glbc", Value::Null, "ingress.kubernetes.io/backends"),
                    owner("kubectl", Value::Null, "class"),
                ] },
            "spec": { "rules": [] } })
    };
    let fields = |object: Value| inputs(&[rollout(), object], "shop", "web").remove(0).fields;
    assert_eq!(fields(note("healthy", "a")), fields(note("unhealthy", "a")));
    assert_ne!(fields(note("healthy", "a")), fields(note("healthy", "b")));
}

#[test]
fn a_file_is_what_was_saved() {
    let text = serde_json::to_string_pretty(&saved()).unwrap();
    assert_eq!(Saved::read(&text), Ok(saved()));
    let cases = [
        (text.replace("web:v2", "web:v9"), Unfit::Edited),
        (
            text.replace("\"1.0\"", "\"2.0\""),
            Unfit::Format("2.0".to_owned()),
        ),
        ("{}".to_owned(), Unfit::Unread("its kind is none".to_owned())),
        (
            String::new(),
            Unfit::Unread("EOF while parsing a value at line 1 column 0".to_owned()),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Saved::read(&text), Err(expected));
    }
    let bad = |document: Value| {
        Saved {
            plan: document,
            ..saved()
        }
        .follow()
    };
    assert_eq!(
        bad(json!({ "end": "Completed", "blockers": [{ "weight": "risk" }] })),
        Ok(())
    );
    for document in [
        json!({ "end": "Blocked" }),
        json!({ "end": "Completed", "blockers": [{ "weight": "blocks" }] }),
    ] {
        assert_eq!(bad(document), Err(Unfit::Bad("Blocked".to_owned())));
    }
}

#[test]
fn inputs_are_sorted_and_only_the_users() {
    let names: Vec<String> = inputs(&midway(), "shop", "web")
        .iter()
        .map(super::Input::title)
        .collect();
    assert_eq!(
        names,
        ["deployment/web", "httproute/web", "rollout/web", "service/web"]
    );
}

#[test]
fn the_order_of_a_list_counts_and_so_does_what_has_no_field() {
    let containers = |names: &[&str]| {
        let mut workload = deployment("web:v1");
        let all: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        workload["spec"]["template"]["spec"]["initContainers"] = json!(all);
        workload
    };
    let kept = |before: Value| {
        let before = [before];
        Saved::new(&plan(), json!({}), (&before, &before), ("https://a", ""))
    };
    let told = |before: &Value, now: &Value| -> Vec<String> {
        let moved = kept(before.clone()).moved(std::slice::from_ref(now));
        moved.iter().map(Moved::to_string).collect()
    };
    let reference = rollout();
    let with = |saved: Value, now: Value| {
        let before = [reference.clone(), saved];
        let kept = Saved::new(&plan(), json!({}), (&before, &before), ("https://a", ""));
        let moved = kept.moved(&[reference.clone(), now]);
        moved.iter().map(Moved::to_string).collect::<Vec<_>>()
    };
    let path = "deployment/web  spec.template.spec.initContainers";
    assert_eq!(
        with(containers(&["a", "b"]), containers(&["b", "a"])),
        [format!("{path}: \"a, b\" is now \"b, a\"")]
    );
    // What is new stands between what was there: that is told by itself.
    assert_eq!(
        with(containers(&["a", "b"]), containers(&["a", "c", "b"])),
        [format!("{path}[c]: not set is now {{\"name\":\"c\"}}")]
    );
    assert_eq!(
        with(containers(&["a", "a"]), containers(&["a"])),
        [format!("{path}[1]: {{\"name\":\"a\"}} is now not set")]
    );
    let mut one = route(1);
    one["spec"]["rules"] = json!([null]);
    let mut other = route(1);
    other["spec"]["rules"] = json!([]);
    let digest = |object: &Value| {
        inputs(std::slice::from_ref(object), "shop", "web")
            .remove(0)
            .digest
    };
    assert_eq!(
        told(&one, &other),
        [format!(
            "httproute/web  the digest of what counts: {} is now {}",
            digest(&one),
            digest(&other)
        )]
    );
}

#[test]
fn what_is_to_be_made_is_asked_for_and_is_as_it_was_planned() {
    let before = [rollout(), deployment("web:v1")];
    // As a manifest has it: without what a server fills in.
    let mut manifest = service();
    manifest["metadata"]["uid"] = Value::Null;
    let after = [rollout(), deployment("web:v2"), manifest];
    let kept = Saved::new(&plan(), json!({}), (&before, &after), ("https://a", ""));
    let words = |all: Vec<Moved>| all.iter().map(Moved::to_string).collect::<Vec<_>>();
    let to_make = |objects: &[Value]| words(kept.to_make(objects));
    let moved = |objects: &[Value]| words(kept.moved(objects));
    let missing = "service/web  the object: not there is now there";
    let image = "deployment/web  spec.template.spec.containers[main].image: \"web:v1\" is now \"web:v2\"";
    assert_eq!(to_make(&before), [image, missing]);
    let half = [rollout(), deployment("web:v2")];
    assert_eq!((moved(&half), to_make(&half)), (vec![], vec![missing.to_owned()]));
    let mut made = service();
    made["spec"]["ports"][0]["protocol"] = json!("TCP");
    let mut other = made.clone();
    other["spec"]["selector"]["app"] = json!("shop");
    let whole = |service: Value| [rollout(), deployment("web:v2"), service];
    let nothing = Vec::<String>::new();
    assert_eq!(
        (moved(&whole(made.clone())), to_make(&whole(made))),
        (nothing.clone(), nothing.clone())
    );
    assert_eq!(
        (moved(&whole(other.clone())), to_make(&whole(other))),
        (
            vec!["service/web  spec.selector.app: \"web\" is now \"shop\"".to_owned()],
            nothing
        )
    );
}

#[test]
fn what_a_plan_names_is_told_by_its_own_rollout() {
    let mut rival = rollout();
    rival["metadata"]["name"] = json!("rival");
    let mut routed = rollout();
    routed["spec"]["strategy"]["canary"]["trafficRoutings"] =
        json!([{ "service": "web", "ingress": { "name": "web" } }]);
    let before = [rollout(), rival.clone(), deployment("web:v1")];
    let after = [routed.clone(), rival, deployment("web:v2")];
    let kept = Saved::new(&plan(), json!({}), (&before, &after), ("https://a", ""));
    let named: Vec<Value> = kept
        .naming()
        .into_iter()
        .map(|object| {
            json!([
                object["kind"],
                object["metadata"]["name"],
                object["spec"]["strategy"]["canary"]["trafficRoutings"][0]["service"]
            ])
        })
        .collect();
    assert_eq!(
        named,
        [json!(["Rollout", "web", null]), json!(["Rollout", "web", "web"])]
    );
}

#[test]
fn what_a_server_fills_in_is_no_other_change() {
    let before = [rollout(), deployment("web:v1")];
    let mut routed = rollout();
    routed["spec"]["strategy"]["canary"]["trafficRoutings"] = json!([{ "service": "web" }]);
    let mut sidecar = deployment("web:v1");
    let containers = |object: &mut Value| {
        let place = object.pointer_mut("/spec/template/spec/containers").unwrap();
        place.as_array_mut().unwrap().push(json!({ "name": "proxy" }));
    };
    containers(&mut sidecar);
    let after = [routed.clone(), sidecar.clone()];
    let kept = Saved::new(&plan(), json!({}), (&before, &after), ("https://a", ""));
    let words = |all: Vec<Moved>| all.iter().map(Moved::to_string).collect::<Vec<_>>();
    let told = |objects: &[Value]| (words(kept.moved(objects)), words(kept.to_make(objects)));
    let nothing = Vec::<String>::new;
    routed["spec"]["strategy"]["canary"]["trafficRoutings"][0]["gracePeriodSeconds"] = json!(3);
    sidecar["spec"]["template"]["spec"]["containers"][1]["terminationMessagePolicy"] = json!("File");
    assert_eq!(told(&[routed.clone(), sidecar.clone()]), (nothing(), nothing()));
    // What stood there before is nobody's to fill in.
    sidecar["spec"]["template"]["spec"]["containers"][0]["workingDir"] = json!("/");
    routed["spec"]["strategy"]["canary"]["trafficRoutings"][0]["service"] = json!("shop");
    let (moved, _) = told(&[routed, sidecar]);
    assert_eq!(
        moved,
        [
            "deployment/web  spec.template.spec.containers[main].workingDir: not set is now \"/\"",
            "rollout/web  spec.strategy.canary.trafficRoutings[0].service: \"web\" is now \"shop\"",
        ]
    );
}
