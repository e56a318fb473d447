//! `status` of workloads that no Rollout releases: kubectl's sentences, for every kind, and no success that is none.

use insta::assert_snapshot;
use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::served::{Life, Served};

/// A workload of this kind without a Rollout, with this status.
fn bare(kind: Kind, status: &Value) -> Served {
    let mut objects = workload(kind, &json!({}));
    objects.retain(|object| object["kind"] != "Rollout");
    let own = objects
        .iter_mut()
        .find(|object| object["kind"] == kind.kind())
        .unwrap();
    own["metadata"]["generation"] = json!(2);
    own["status"] = status.clone();
    Served::with(objects, Life::Still)
}

fn words(kind: Kind) -> String {
    format!("{}.{}/web", kind.plural(), kind.group())
}

/// Every kind half way: B13, of which the Go plugin calls some done and does not know others.
#[test]
fn b13_what_has_not_ended_is_no_success() {
    let half = json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
        "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "updatedNumberScheduled": 1, "numberAvailable": 3,
        "currentRevision": "web-1", "updateRevision": "web-2" });
    let mut told = String::new();
    for kind in Kind::ALL {
        let shop = bare(kind, &half);
        let once = shop.kruise(&["status", &words(kind), "--watch=false"]);
        assert_eq!(
            (once.code, once.stderr.as_str()),
            (Some(0), ""),
            "{kind:?} {once}"
        );
        told.push_str(&once.stdout);
        let document = shop.kruise(&["status", &words(kind), "-o", "json"]).json();
        assert_eq!(
            json!([document["kind"], document["state"], document["pods"]["new"]]),
            json!(["WorkloadStatus", "Progressing", 1]),
            "{kind:?}"
        );
    }
    assert_snapshot!(told, @r#"
    Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...
    waiting for statefulset rolling update to complete 1 pods at revision web-2...
    Waiting for daemon set "web" rollout to finish: 1 out of 3 new pods have been updated...
    Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated...
    Waiting for partitioned roll out to finish: 1 out of 3 new pods have been updated...
    Waiting for daemon set "web" rollout to finish: 1 out of 3 new pods have been updated...
    "#);
}

/// Without `--watch=false` its end is waited for.
#[test]
fn what_has_not_ended_is_waited_for() {
    let half =
        json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 3 });
    let shop = bare(Kind::Deployment, &half);
    let waits = shop.kruise(&["status", "deploy/web", "--timeout", "4s"]);
    assert_snapshot!(waits, @r#"
    exit 124
    --- stdout
    Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...
    --- stderr
    error: timed out after 4 s waiting for the condition
    "#);
}

/// It waits as kubectl does, tells each sentence once, and ends with the update.
#[test]
fn a_real_update_is_followed_to_its_end() {
    let objects = workload(Kind::Deployment, &json!({}));
    let shop = Served::with(
        objects
            .into_iter()
            .filter(|object| object["kind"] != "Rollout")
            .collect(),
        Life::Alive,
    );
    let status = shop.kruise(&["status", "deploy/web"]);
    assert_eq!(
        (status.code, status.stdout.lines().last()),
        (Some(0), Some("deployment \"web\" successfully rolled out")),
        "{status}"
    );
    let lines: Vec<&str> = status.stdout.lines().collect();
    let mut once = lines.clone();
    once.dedup();
    assert_eq!(lines, once);
    // kubectl's own flag, and what has nothing to do with steps.
    assert_eq!(
        shop.kruise(&["status", "deploy/web", "--revision", "7"]).code,
        Some(8)
    );
    assert_eq!(
        shop.kruise(&["status", "deploy", "web", "--until", "healthy"])
            .code,
        Some(0)
    );
    assert_eq!(
        shop.kruise(&["status", "deploy/web", "--until", "step=1"]).code,
        Some(64)
    );
    assert_eq!(shop.kruise(&["status", "deploy/nope"]).code, Some(7));
    assert_eq!(
        shop.kruise(&["status", "deploy/nope", "--until", "gone"]).code,
        Some(0)
    );
    assert_eq!(
        shop.kruise(&["status", "deploy", "--all"]).stdout,
        status.stdout.lines().last().unwrap().to_owned() + "\n"
    );
}

#[test]
fn what_will_not_end_by_itself_is_told() {
    let late = json!({ "observedGeneration": 2, "conditions": [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }] });
    assert_snapshot!(bare(Kind::Deployment, &late).kruise(&["status", "deploy/web"]), @r#"
    exit 5
    --- stderr
    error: deployment "web" exceeded its progress deadline
    "#);
    let shop = bare(
        Kind::Deployment,
        &json!({ "observedGeneration": 2, "replicas": 3, "availableReplicas": 3 }),
    );
    let mut object = shop.deployment();
    object["spec"]["paused"] = json!(true);
    object["metadata"]["generation"] = json!(2);
    shop.sim.load(object).unwrap();
    assert_snapshot!(shop.kruise(&["status", "deploy/web", "--fail-fast"]), @r#"
    exit 4
    --- stdout
    Waiting for deployment "web" rollout to finish: 0 out of 3 new replicas have been updated...
    --- stderr
    hint: it is paused: kubectl kruise rollout resume deployment.apps/web -n shop
    "#);
}
