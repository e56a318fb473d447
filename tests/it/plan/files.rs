//! Plans of files, of other steps and templates, and of what might happen.

use std::time::Duration;

use futures::executor::block_on;
use insta::assert_snapshot;
use kubectl_kruise::{
    plan::{self, Change, Plan, Request},
    workload::edit::NewImage,
};
use serde_json::{Value, json};

/// A Deployment behind a Service and an Ingress, and its Rollout: as a repository has them.
pub(crate) fn shop() -> Vec<Value> {
    let app = json!({ "app": "web" });
    let path = json!({ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } });
    vec![
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": {
            "replicas": 4, "selector": { "matchLabels": app }, "template": { "metadata": { "labels": app },
                "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" }, "spec": {
            "selector": app, "ports": [{ "port": 80 }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web" }, "spec": {
            "rules": [{ "host": "web.example.com", "http": { "paths": [path] } }] } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "enableExtraWorkloadForCanary": true,
                "trafficRoutings": [{ "service": "web", "ingress": { "name": "web" } }],
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": "50%", "traffic": "50%", "pause": { "duration": 300 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} },
                ] } } } }),
    ]
}

/// A release of another image over files.
pub(crate) fn request(files: Vec<Value>) -> Request {
    let staged = block_on(plan::staged(files, "shop")).unwrap();
    Request {
        objects: staged.objects,
        namespace: "shop".to_owned(),
        rollout: "web".to_owned(),
        change: Change {
            images: vec![NewImage {
                container: "main".to_owned(),
                image: "web:v2".to_owned(),
            }],
            ..Change::default()
        },
        start: staged.start,
        pod_ready_after: Duration::from_secs(10),
        ..Request::default()
    }
}

/// Its table, without the titles, and the last lines.
fn told(request: Request) -> String {
    let plan: Plan = match plan::predict(request) {
        Ok(plan) => plan,
        Err(error) => return error.to_string(),
    };
    let rows = plan.rows().into_iter().map(|row| row.join("  "));
    rows.chain([plan.summary(), plan.message])
        .collect::<Vec<_>>()
        .join("\n")
}

fn with(change: impl FnOnce(&mut Request)) -> String {
    let mut request = request(shop());
    change(&mut request);
    told(request)
}

#[test]
fn files_are_a_cluster() {
    assert_snapshot!(told(request(shop())), @r"
    1  1  4  4..5  5  20%/80%  approval  +0:14  unknown  12
    2  2  4  5..6  6  50%/50%  300 s  +0:27  unknown  8
    3  4  4  6..8  8  100%/0%  -  +5:37  unknown  8
    finish  4  0  4..9  9  -  -  +6:06  unknown  14
    Summary: 3 steps, 42 writes, never below 4 ready pods, at most 9 pods, +6:06 at the earliest, 0 blockers, completes.
    ");
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let [one, other] = [(), ()].map(|()| plan::predict(request(shop())).unwrap());
    let text = |plan: &Plan| serde_json::to_string_pretty(plan).unwrap();
    assert_eq!(text(&one), text(&other));
}

#[test]
fn kinds_of_files() {
    let stateful = |replicas: u32| {
        let mut files = shop();
        files[0]["kind"] = json!("StatefulSet");
        files[0]["spec"]["serviceName"] = json!("web");
        files[0]["spec"]["replicas"] = json!(replicas);
        files[3]["spec"]["workloadRef"]["kind"] = json!("StatefulSet");
        files[3]["spec"]["strategy"] =
            json!({ "canary": { "steps": [{ "replicas": "50%", "pause": {} }, { "replicas": "100%" }] } });
        files
    };
    // Pods of it start one after another.
    assert_snapshot!(told(request(stateful(3))), @r"
    1  2  1  2..3  3  -  approval  +0:21  unknown  10
    2  3  0  2..3  3  -  -  +0:21  unknown  3
    finish  3  0  2..3  3  -  -  +0:32  unknown  6
    Summary: 2 steps, 19 writes, never below 2 ready pods, at most 3 pods, +0:32 at the earliest, 0 blockers, completes.
    ");
    let mut lonely = shop();
    lonely.remove(2);
    assert_snapshot!(told(request(lonely)), @r"
    Summary: 0 steps, 1 write, never below 4 ready pods, at most 4 pods, +0:00 at the earliest, 0 blockers, blocked.
    traffic routing is not possible: Ingress web not found
    ");
    let mut refused = shop();
    refused[0]["spec"]["replicas"] = json!(-1);
    assert_snapshot!(block_on(plan::staged(refused, "shop")).unwrap_err().to_string(), @r#"cannot copy Deployment shop/web into the simulation: Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#);
}

#[test]
fn what_might_be_changed() {
    let manifest = |change: fn(&mut Value)| {
        let mut manifest = shop().remove(0);
        change(&mut manifest);
        manifest
    };
    let template = manifest(|manifest| {
        manifest["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{ "name": "A", "value": "b" }]);
        manifest["spec"]["replicas"] = json!(2);
    });
    let applied = with(|request| {
        request.change = Change {
            manifests: vec![template],
            ..Change::default()
        };
    });
    assert_snapshot!(applied, @r"
    1  1  2  2..4  4  20%/80%  approval  +0:14  unknown  12
    2  1  2  3  3  50%/50%  300 s  +0:20  unknown  5
    3  2  2  3..4  4  100%/0%  -  +5:30  unknown  7
    finish  2  0  2..5  5  -  -  +5:59  unknown  14
    Summary: 3 steps, 38 writes, never below 2 ready pods, at most 5 pods, +5:59 at the earliest, 0 blockers, completes.
    ");
    let steps = with(|request| {
        request.change.steps = Some(vec![json!({ "replicas": "100%", "traffic": "5%" })]);
    });
    assert_snapshot!(steps, @r"
    1  4  4  4..8  8  5%/95%  -  +0:11  unknown  14
    finish  4  0  4..9  9  -  -  +0:40  unknown  14
    Summary: 1 step, 28 writes, never below 4 ready pods, at most 9 pods, +0:40 at the earliest, 0 blockers, completes.
    ");
    let foreign = with(|request| {
        request.change.manifests =
            vec![json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "other" } })];
    });
    assert_snapshot!(foreign, @"the change would be refused: none of the manifests is part of the release of Rollout shop/web: Service shop/other");
    let until = with(|request| request.until_step = Some(2));
    assert_snapshot!(until, @r"
    1  1  4  4..5  5  20%/80%  approval  +0:14  unknown  12
    2  2  4  5..6  6  50%/50%  300 s  +0:27  unknown  8
    Summary: 2 steps, 20 writes, never below 4 ready pods, at most 6 pods, +0:27 at the earliest, 0 blockers, planned as far as asked.
    the rest, after the pause of step 2, is not planned
    ");
}

#[test]
fn what_might_happen() {
    let mut stories = Vec::new();
    for what in [
        "crash",
        "failing-pods=1",
        "failing-pods=50%",
        "slow-pods=2m",
        "node-lost",
        "node-lost=node-9",
    ] {
        let told = with(|request| request.what_if = vec![what.parse().unwrap()]);
        stories.push(format!("{what}\n{told}"));
    }
    assert_snapshot!(stories.join("\n\n"), @r#"
    crash
    1  1  4  4  5  -  never  +10:11  unknown  10
    Summary: 1 step, 10 writes, never below 4 ready pods, at most 5 pods, +10:11 at the earliest, 0 blockers, degrades.
    no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready

    failing-pods=1
    1  1  4  4  5  -  never  +10:11  unknown  10
    Summary: 1 step, 10 writes, never below 4 ready pods, at most 5 pods, +10:11 at the earliest, 0 blockers, degrades.
    no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready

    failing-pods=50%
    1  1  4  4..5  5  20%/80%  approval  +0:14  unknown  12
    2  2  4  5  6  -  never  +10:24  unknown  6
    Summary: 2 steps, 18 writes, never below 4 ready pods, at most 6 pods, +10:24 at the earliest, 0 blockers, degrades.
    no progress for 600 seconds: step 2/3: 1 of 2 new pods are ready

    slow-pods=2m
    1  1  4  4..5  5  20%/80%  approval  +2:04  unknown  12
    2  2  4  5..6  6  50%/50%  300 s  +4:07  unknown  8
    3  4  4  6..8  8  100%/0%  -  +11:07  unknown  8
    finish  4  0  4..9  9  -  -  +15:16  unknown  14
    Summary: 3 steps, 42 writes, never below 4 ready pods, at most 9 pods, +15:16 at the earliest, 0 blockers, completes.


    node-lost
    1  1  4  2..5  5  20%/80%  approval  +0:14  unknown  13
    2  2  4  2..6  6  50%/50%  300 s  +1:07  unknown  12
    3  4  4  6..8  8  100%/0%  -  +6:17  unknown  8
    finish  4  0  4..9  9  -  -  +6:46  unknown  14
    Summary: 3 steps, 47 writes, never below 2 ready pods, at most 9 pods, +6:46 at the earliest, 0 blockers, completes.


    node-lost=node-9
    what is asked about cannot happen: there is no node "node-9" with pods; there are node-0, node-1, node-2
    "#);
}

#[test]
fn a_node_that_is_never_lost_is_told() {
    let unknown = |what: &str, change: fn(&mut Request)| {
        let mut request = request(shop());
        request.what_if = vec![what.parse().unwrap()];
        change(&mut request);
        match plan::predict(request) {
            Ok(plan) => plan.unknown,
            Err(error) => vec![error.to_string()],
        }
    };
    let at_once = |request: &mut Request| {
        request.change.steps = Some(vec![json!({ "replicas": "100%" })]);
    };
    let nothing = Vec::<String>::new();
    assert_eq!(unknown("node-lost", |_| {}), nothing);
    assert_eq!(
        unknown("node-lost=nosuch", at_once),
        [
            "what is asked about cannot happen: there is no node \"nosuch\" with pods; there are node-0, node-1, node-2"
        ]
    );
    assert_eq!(
        unknown("node-lost", at_once),
        ["what a lost node does: the release comes to no pause at which it would be lost"]
    );
    assert_eq!(
        unknown("node-lost", |request| request.until_step = Some(1)),
        ["what a lost node does: the plan ends at the pause at which it is lost"]
    );
    assert_eq!(
        unknown("node-lost", |request| request.until_step = Some(2)),
        nothing
    );
}

#[test]
fn a_simulation_whose_controllers_died_is_none() {
    let mut request = request(shop());
    request.change = Change::default();
    request.objects.retain(|object| object["kind"] != "ReplicaSet");
    let deployment = request
        .objects
        .iter_mut()
        .find(|object| object["kind"] == "Deployment");
    // As no server would take it.
    deployment.unwrap()["spec"]["template"]["metadata"]["labels"] = json!("none");
    assert_eq!(
        told(request),
        "the simulation failed: a model controller stopped unexpectedly"
    );
}
