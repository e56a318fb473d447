//! The order in which a release of the canary style is closed.

use serde_json::json;

use super::situation::{NOW, now, object, paused_at_step_1, told};
use crate::{
    engine::core::{Snapshot, decide},
    traffic::RouteKey,
};

/// The last write of the traffic was seen in place at [`NOW`]; its grace is over.
fn later() -> jiff::Timestamp {
    now() + jiff::SignedDuration::from_secs(5)
}

/// A release that is being closed, at one of the closing steps.
fn closing(course: &str, cursor: &str) -> Snapshot {
    let mut s = paused_at_step_1();
    let status = s.rollout.status.as_mut().unwrap();
    status.conditions = serde_json::from_value(
        json!([{ "type": "Progressing", "status": "True", "reason": course,
        "lastUpdateTime": NOW, "lastTransitionTime": NOW, "message": "" }]),
    )
    .unwrap();
    let sub = status.canary_status.as_mut().unwrap();
    sub.finalising_step = cursor.into();
    s.services.get_mut("web").unwrap().data["spec"]["selector"] = json!({ "app": "web" });
    s
}

#[test]
fn new_pods_keep_their_traffic_until_the_stable_ones_are_new_too() {
    let mut s = closing("Finalising", "RestoreStableService");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web: let the workload roll to the new version
    completing: the workload rolls
    ");
    // Whoever began to close it, took the route away first.
    s.rollout
        .status
        .as_mut()
        .unwrap()
        .canary_status
        .as_mut()
        .unwrap()
        .finalising_step = "ReleaseWorkloadControl".into();
    s.routes.remove(&RouteKey::ingress("web-canary"));
    s.services.remove("web-canary");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web: let the workload roll to the new version
    completing: the workload rolls
    ");
}

#[test]
fn pods_that_were_taken_back_are_gone_before_the_stable_service_selects_all() {
    let mut s = closing("Cancelling", "ReleaseWorkloadControl");
    s.routes.remove(&RouteKey::ingress("web-canary"));
    s.services.get_mut("web").unwrap().data["spec"]["selector"]["pod-template-hash"] = json!("aaa");
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v1");
    web.data["spec"]["paused"] = json!(false);
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web-canary-k62n7njkhj: take the canary's pods away
    rolling back: the canary goes
    ");
    let mut canary = serde_json::to_value(&s.canaries[0]).unwrap();
    canary["spec"]["replicas"] = json!(0);
    s.canaries = vec![object(canary)];
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    status null null null null
    rolling back: the canary goes
    ");
    let mut pod = (*s.pods[0]).clone();
    pod.deleting = true;
    s.pods = vec![pod.into()];
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    DELETE deployment/web-canary-k62n7njkhj: remove the canary
    rolling back: the canary goes
    ");
}

#[test]
fn a_canary_that_was_deleted_by_hand_gets_no_traffic_while_the_stable_pods_become_new() {
    let mut s = closing("Finalising", "ResumeWorkload");
    s.canaries.clear();
    s.replica_sets.truncate(1);
    s.pods.clear();
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    DELETE ingress/web-canary: all traffic to the stable Service
    completing: the workload rolls
    ");
}
