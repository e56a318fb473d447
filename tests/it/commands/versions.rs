//! Servers with other versions than the usual ones: nothing breaks, and what was learnt is kept.

use kubectl_kruise::manifests;
use serde_json::{Value, json};

use super::fixture::{Fixture, at_step, deployment, replica_set, rollout};

/// The Rollout's definition with only this version served.
fn only(version: &str) -> Vec<Value> {
    let mut definitions = manifests::crds();
    for definition in &mut definitions {
        if definition["spec"]["names"]["kind"] == "Rollout" {
            definition["spec"]["versions"][0]["name"] = json!(version);
            definition["spec"]["versions"][0]["storage"] = json!(true);
            definition["spec"]["versions"].as_array_mut().unwrap().truncate(1);
        }
    }
    definitions
}

/// A server that has Rollouts in one version only; nothing is lost by the way its objects are kept.
fn serving(version: &str) -> Vec<Value> {
    let mut definitions = only(version);
    for definition in &mut definitions {
        if definition["spec"]["names"]["kind"] == "Rollout" {
            definition["spec"]["versions"][0]["schema"] = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
        }
    }
    definitions
}

/// Every verb, on a cluster that has v1alpha1 alone, as older installations do, and on one that has v1beta1 alone.
#[tokio::test]
async fn trap17_clusters_that_serve_one_version_only() {
    for version in ["v1alpha1", "v1beta1"] {
        let mut object = rollout(&at_step(1, "StepPaused"));
        object["apiVersion"] = json!(format!("rollouts.kruise.io/{version}"));
        if version == "v1alpha1" {
            let steps = json!([{ "weight": 20, "replicas": 1, "pause": {} }, { "weight": 100, "pause": {} }]);
            object["spec"] = json!({
                "objectRef": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
                "strategy": { "canary": { "steps": steps } } });
            // It has no such fields.
            for field in ["currentStepIndex", "currentStepState"] {
                object["status"].as_object_mut().unwrap().remove(field);
            }
        }
        let objects = vec![object, deployment("web:v2"), replica_set("aaa", "web:v1", 1, 5)];
        let fixture = Fixture::with_definitions(serving(version), objects).await;
        let live = || {
            let api_version = format!("rollouts.kruise.io/{version}");
            fixture.sim.get(&api_version, "Rollout", "shop", "demo").unwrap()
        };
        let title = "rollout.rollouts.kruise.io/demo";
        for (words, code, out) in [
            (
                &[
                    "status",
                    "demo",
                    "-o",
                    "jsonpath={.verdict} {.workload} {.step.index}/{.step.total}",
                ][..],
                4,
                "WaitingForApproval deployment/web 1/2".to_owned(),
            ),
            (&["status", "deploy/web", "-o", "name"], 4, format!("{title}\n")),
            (
                &["explain", "demo", "-o", "jsonpath={.causes[0].id}"],
                4,
                "WaitingApproval".to_owned(),
            ),
            (
                &["history", "demo", "-o", "jsonpath={.revisions[0].images[0]}"],
                0,
                "web:v1".to_owned(),
            ),
            (&["pause", "demo"], 0, format!("{title} paused\n")),
            (&["resume", "demo"], 0, format!("{title} resumed\n")),
            (
                &["approve", "demo", "--no-wait"],
                0,
                format!("{title} approved\n"),
            ),
            (
                &["rollback", "demo", "--yes", "--no-wait"],
                0,
                "deployment.apps/web rolled back\n".to_owned(),
            ),
        ] {
            let said = fixture.rollout(words).await;
            assert_eq!(
                (said.code, &said.out),
                (Some(code), &out),
                "{version} {words:?} {said:?}"
            );
        }
        // A version that no engine here could bring out is not held, and nothing is begun.
        if version == "v1alpha1" {
            let before = fixture.sim.trace().len();
            for words in [
                &["set", "image", "demo", "*=web:v3"][..],
                &["run", "demo", "--timeout", "5s"],
                &["run", "demo", "--force", "--timeout", "5s"],
                &["resume", "demo", "--standalone"],
            ] {
                let said = fixture.rollout(words).await;
                assert!(
                    said.code == Some(8)
                        && said
                            .err
                            .contains("is served as v1alpha1 only: an engine here drives v1beta1"),
                    "{words:?} {said:?}"
                );
            }
            assert_eq!(fixture.sim.trace().len(), before);
        }
        let after = live();
        assert_eq!(
            json!([
                after["spec"]["strategy"]["paused"],
                after["status"]["canaryStatus"]["currentStepState"]
            ]),
            json!([false, "StepReady"]),
            "{version}"
        );
        let other = if version == "v1beta1" {
            "v1alpha1"
        } else {
            "v1beta1"
        };
        let wrong = format!("/{other}/namespaces/shop/rollouts");
        let requests = fixture.take_requests();
        assert!(
            requests.iter().filter(|line| line.contains(&wrong)).count() <= 1,
            "asked once, then known: {requests:#?}"
        );
    }
}

fn cloneset(version: &str) -> Vec<Value> {
    let mut definition = only("v1")
        .into_iter()
        .find(|d| d["spec"]["names"]["kind"] == "Rollout")
        .unwrap();
    definition["metadata"]["name"] = json!("clonesets.apps.kruise.io");
    definition["spec"]["group"] = json!("apps.kruise.io");
    definition["spec"]["names"] = json!({ "kind": "CloneSet", "listKind": "CloneSetList", "plural": "clonesets", "singular": "cloneset" });
    definition["spec"]["versions"][0]["name"] = json!(version);
    definition["spec"]["versions"][0]["schema"] =
        json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    vec![definition]
}

#[tokio::test]
async fn b12_trap16_rollouts_of_a_version_that_is_newer_than_this_program() {
    let mut object = rollout(&at_step(1, "StepPaused"));
    object["apiVersion"] = json!("rollouts.kruise.io/v1");
    let objects = vec![object, deployment("web:v2"), replica_set("aaa", "web:v1", 1, 5)];
    let fixture = Fixture::with_definitions(only("v1"), objects).await;
    let path =
        |version: &str| format!("GET /apis/rollouts.kruise.io/{version}/namespaces/shop/rollouts/demo");
    let first = fixture.rollout(&["pause", "demo"]).await;
    assert_eq!(
        (first.code, first.out.as_str()),
        (Some(0), "rollout.rollouts.kruise.io/demo paused\n"),
        "{first:?}"
    );
    let patch = path("v1").replace("GET", "PATCH");
    assert_eq!(
        fixture.take_requests(),
        [
            path("v1beta1"),
            path("v1alpha1"),
            "GET /apis/rollouts.kruise.io".to_owned(),
            path("v1"),
            patch.clone()
        ]
    );
    // The second time it is known.
    let second = fixture.rollout(&["resume", "demo"]).await;
    assert_eq!(
        (second.code, fixture.take_requests()),
        (Some(0), vec![path("v1"), patch]),
        "{second:?}"
    );
    for words in [
        &["status", "demo"][..],
        &["history", "demo"],
        &["approve", "demo", "--no-wait"],
    ] {
        let said = fixture.rollout(words).await;
        assert!(matches!(said.code, Some(0 | 4)), "{said:?}");
    }
}

#[tokio::test]
async fn b12_trap16_workloads_of_a_version_that_is_newer_than_this_program() {
    let template = |image: &str| json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": image }] } });
    let image = |object: &Value| object["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    let labels = json!({ "app": "web" });
    let object = json!({ "apiVersion": "apps.kruise.io/v1beta1", "kind": "CloneSet",
        "metadata": { "name": "web", "namespace": "shop", "uid": "u" },
        "spec": { "replicas": 1, "selector": { "matchLabels": labels }, "template": template("web:v2"), "newField": 1 } });
    let revision = |number: i64, image: &str| {
        json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
            "metadata": { "name": format!("web-{number}"), "namespace": "shop", "labels": labels,
                "ownerReferences": [{ "apiVersion": "apps.kruise.io/v1beta1", "kind": "CloneSet", "name": "web", "uid": "u", "controller": true }] },
            "data": { "spec": { "template": template(image) } } })
    };
    let objects = vec![object, revision(1, "web:v1"), revision(2, "web:v2")];
    let definitions = manifests::crds().into_iter().chain(cloneset("v1beta1")).collect();
    let fixture = Fixture::with_definitions(definitions, objects).await;
    let said = fixture.rollout(&["undo", "cloneset/web"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "cloneset.apps.kruise.io/web rolled back\n"),
        "{said:?}"
    );
    let asked = fixture.take_requests();
    assert!(
        asked.contains(&"GET /apis/apps.kruise.io".to_owned()),
        "{asked:?}"
    );
    let live = fixture
        .sim
        .get("apps.kruise.io/v1beta1", "CloneSet", "shop", "web")
        .unwrap();
    assert_eq!(
        json!([image(&live), live["spec"]["newField"]]),
        json!(["web:v1", 1])
    );
    for words in [
        &["history", "cloneset/web"][..],
        &["restart", "cloneset/web"],
        &["set", "image", "cloneset/web", "web=web:v3"],
    ] {
        let said = fixture.rollout(words).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(
            !fixture
                .take_requests()
                .iter()
                .any(|line| line.contains("v1alpha1/namespaces/shop/clonesets"))
        );
    }
}
