use serde_json::{Value, json};

use super::{Answer, Trial, trials};
use crate::plan::{End, Plan, PlannedWrite, Pods, blockers::Weight};

fn write(verb: &'static str, object: &str, path: &str, body: Value) -> PlannedWrite {
    PlannedWrite {
        step: 1,
        seconds: 0.0,
        verb,
        object: object.to_owned(),
        path: path.to_owned(),
        content_type: if verb == "POST" {
            "application/json"
        } else {
            "application/merge-patch+json"
        },
        precondition: "",
        purpose: String::new(),
        body,
    }
}

fn plan(writes: Vec<PlannedWrite>) -> Plan {
    Plan {
        namespace: "shop".to_owned(),
        rollout: "web".to_owned(),
        steps: Vec::new(),
        finish: None,
        states: Vec::new(),
        writes,
        end: End::Completed,
        message: String::new(),
        lowest_ready: 0,
        most_pods: 0,
        start_pods: 0,
        begins: Pods::default(),
        crests: Vec::new(),
        blockers: Vec::new(),
        unknown: Vec::new(),
        likely_end: None,
    }
}

fn object(version: &str, kind: &str, name: &str, spec: Value) -> Value {
    json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name, "namespace": "shop" }, "spec": spec })
}

fn web(image: &str) -> Value {
    object(
        "apps/v1",
        "Deployment",
        "web",
        json!({ "replicas": 4, "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } }),
    )
}

/// Method, path, body.
fn told(trials: &[Trial]) -> Vec<(&'static str, String, Value)> {
    let told = trials
        .iter()
        .map(|trial| (trial.method, trial.path.clone(), trial.body.clone()));
    told.collect()
}

#[test]
fn of_each_object_the_first_write_that_can_be_tried() {
    let (deployments, services) = (
        "/apis/apps/v1/namespaces/shop/deployments",
        "/api/v1/namespaces/shop/services",
    );
    let pods = "/api/v1/namespaces/shop/pods";
    let mark = json!({ "spec": { "paused": true } });
    let twin = object("v1", "Service", "web-canary", json!({ "ports": [] }));
    let writes = vec![
        write(
            "PATCH",
            "deployment/web",
            &format!("{deployments}/web?fieldManager=rollouts-engine&force=true"),
            mark.clone(),
        ),
        write(
            "POST",
            "service/web-canary",
            &format!("{services}?fieldManager=rollouts-engine"),
            twin.clone(),
        ),
        // Made by the release: not there yet.
        write(
            "PATCH",
            "pod/web-2",
            &format!("{pods}/web-2?fieldManager=rollouts-engine"),
            json!({}),
        ),
        // Rests on what was not tried.
        write(
            "PATCH",
            "pod/web-1",
            &format!("{pods}/web-1?fieldManager=rollouts-engine"),
            json!({}),
        ),
        write(
            "PATCH",
            "deployment/web",
            &format!("{deployments}/web?fieldManager=rollouts-engine"),
            json!({ "spec": { "paused": false } }),
        ),
        write(
            "DELETE",
            "service/web-canary",
            &format!("{services}/web-canary"),
            Value::Null,
        ),
        write(
            "DELETE",
            "ingress/old",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/old",
            Value::Null,
        ),
    ];
    let present = [
        web("web:v1"),
        object("v1", "Pod", "web-1", json!({})),
        object("networking.k8s.io/v1", "Ingress", "old", json!({})),
    ];
    let route = object(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "web",
        json!({ "rules": [] }),
    );
    let after = [
        web("web:v2"),
        present[1].clone(),
        present[2].clone(),
        route.clone(),
    ];
    let plan = plan(writes);
    let change = [
        (
            "PATCH",
            format!("{deployments}/web?fieldManager=me&dryRun=All"),
            json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "web:v2" }] } } } }),
        ),
        (
            "POST",
            "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes?fieldManager=me&dryRun=All"
                .to_owned(),
            route,
        ),
    ];
    let engine = [
        (
            "PATCH",
            format!("{deployments}/web?fieldManager=rollouts-engine&force=true&dryRun=All"),
            mark,
        ),
        (
            "POST",
            format!("{services}?fieldManager=rollouts-engine&dryRun=All"),
            twin,
        ),
        (
            "DELETE",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/old?dryRun=All".to_owned(),
            Value::Null,
        ),
    ];
    assert_eq!(
        told(&trials(&plan, &present, &after, "me", true)),
        [&change[..], &engine].concat()
    );
    assert_eq!(told(&trials(&plan, &present, &after, "me", false)), change);
}

#[test]
fn how_many_writes_could_not_be_tried_is_told() {
    let route = |object: &str| write("PATCH", object, "/apis/x", json!({}));
    let mut plan = plan(vec![
        route("service/web"),
        route("service/web"),
        route("ingress/web"),
    ]);
    let answers = trials(&plan, &[web("web:v1")], &[web("web:v2")], "me", true);
    let answers: Vec<(Trial, Answer)> = answers
        .into_iter()
        .map(|trial| (trial, Answer::Refused("no".to_owned())))
        .collect();
    plan.tried(&answers);
    assert_eq!(
        plan.unknown,
        ["what the server says of the other writes: 1 of 4 could be tried"]
    );
}

/// What is said of a change of the image, the server's answer being this.
fn said(answer: Answer) -> (Vec<Value>, Vec<String>) {
    let mut plan = plan(Vec::new());
    let trial = trials(&plan, &[web("web:v1")], &[web("web:v2")], "me", true).remove(0);
    plan.tried(&[(trial, answer)]);
    let blockers = plan.blockers.iter().map(|one| {
        let evidence = one
            .evidence
            .iter()
            .map(|one| format!("{} {}: {}", one.object, one.field, one.value));
        json!([
            one.weight == Weight::Blocks,
            one.to_string(),
            evidence.collect::<Vec<_>>()
        ])
    });
    (blockers.collect(), plan.unknown)
}

#[test]
fn admission_is_told_by_what_it_refuses_and_what_it_changes() {
    let taken = |patch: Value| {
        let mut got = web("web:v2");
        // What a server adds by itself.
        json_patch::merge(
            &mut got,
            &json!({ "metadata": { "uid": "1", "generation": 2 }, "spec": { "progressDeadlineSeconds": 600 }, "status": {} }),
        );
        json_patch::merge(&mut got, &patch);
        said(Answer::Taken(got))
    };
    let mark = json!({ "rollouts.kruise.io/in-progressing": "{}" });
    let other_image = json!([{ "name": "main", "image": "mirror/web:v2", "imagePullPolicy": "Always" }]);
    let image = |more: &[&str]| {
        let mut fields = vec!["spec.template.spec.containers[0].image"];
        fields.splice(0..0, more.iter().copied());
        let evidence = fields.iter().map(|field| match *field {
            "metadata.labels.team" => {
                "deployment/web metadata.labels.team: sent nothing, stored \"shop\"".to_owned()
            }
            field => format!("deployment/web {field}: sent \"web:v2\", stored \"mirror/web:v2\""),
        });
        json!([
            false,
            format!(
                "admission-changes: admission changes deployment/web: {}",
                fields.join(", ")
            ),
            evidence.collect::<Vec<_>>()
        ])
    };
    let template = json!({ "spec": { "containers": other_image } });
    let cases = [
        (json!({}), Vec::new()),
        // The hold policy.
        (
            json!({ "metadata": { "annotations": mark }, "spec": { "paused": true, "replicas": 9 } }),
            Vec::new(),
        ),
        (
            json!({ "metadata": { "annotations": mark }, "spec": { "paused": true, "template": template } }),
            vec![image(&[])],
        ),
        (
            json!({ "metadata": { "labels": { "team": "shop" } }, "spec": { "template": template } }),
            vec![image(&["metadata.labels.team"])],
        ),
        (
            json!({ "spec": { "replicas": 9 } }),
            vec![json!([
                false,
                "admission-changes: admission changes deployment/web: spec.replicas",
                ["deployment/web spec.replicas: sent 4, stored 9"]
            ])],
        ),
    ];
    for (patch, expected) in cases {
        assert_eq!(taken(patch.clone()), (expected, Vec::new()), "{patch}");
    }
    let path = "PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=me&dryRun=All";
    assert_eq!(
        said(Answer::Refused("no images of others".to_owned())),
        (
            vec![json!([
                true,
                "admission-refuses: the server refuses to take deployment/web: no images of others",
                [format!("deployment/web {path}: no images of others")]
            ])],
            Vec::new()
        )
    );
    assert_eq!(
        said(Answer::Unknown(
            "webhook \"x\" does not support dry run".to_owned()
        )),
        (
            Vec::new(),
            vec![
                "whether the server takes deployment/web: webhook \"x\" does not support dry run".to_owned()
            ]
        )
    );
}

#[test]
fn sizes_that_are_written_otherwise_are_the_same() {
    let mut told = Vec::new();
    let sent = json!({ "cpu": "1000m", "weight": 1.0, "gone": null, "none": [], "a": [{ "b": 1 }] });
    super::compare(
        "spec",
        &sent,
        &json!({ "cpu": "1", "weight": 1, "gone": 3, "a": [{ "b": 1, "c": 2 }] }),
        &mut told,
    );
    super::compare(
        "spec",
        &sent,
        &json!({ "cpu": "2", "weight": 1, "none": [1], "a": [] }),
        &mut told,
    );
    let expected = [
        ("spec.a", "[{\"b\":1}]", "[]"),
        ("spec.cpu", "\"1000m\"", "\"2\""),
        ("spec.none", "[]", "[1]"),
    ];
    assert_eq!(
        told,
        expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
    );
}
