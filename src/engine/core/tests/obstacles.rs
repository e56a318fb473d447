//! What comes in the way of a release, before it and in its middle.

use jiff::Timestamp;
use serde_json::json;

use super::situation::{at_rest, held, now, object, paused_at_step_1, told};
use crate::{
    engine::core::{Snapshot, decide},
    traffic::RouteKey,
};

/// The release at step 1 with its pods ready, about to split traffic.
fn about_to_split() -> Snapshot {
    let mut s = paused_at_step_1();
    s.routes.remove(&RouteKey::ingress("web-canary"));
    let status = s.rollout.status.as_mut().unwrap();
    status.current_step_state = "StepUpgrade".into();
    status.canary_status.as_mut().unwrap().current_step_state = "StepUpgrade".into();
    s
}

fn later() -> Timestamp {
    "2026-01-01T00:01:00Z".parse().unwrap()
}

#[test]
fn a_twin_that_is_somebody_elses_is_not_touched() {
    for (kind, owner) in [
        ("Service", None),
        ("Ingress", None),
        ("Ingress", Some("uid-of-another-rollout")),
    ] {
        let owners: Vec<_> = owner
            .iter()
            .map(|uid| json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "name": "other", "uid": uid, "controller": true }))
            .collect();
        let foreign = object(
            json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": "web-canary", "namespace": "shop", "uid": "uid-foreign",
            "resourceVersion": "9", "ownerReferences": owners }, "spec": { "selector": { "app": "other" } } }),
        );
        for (situation, mut s) in [("held", held()), ("in its middle", about_to_split())] {
            if kind == "Service" {
                s.services.insert("web-canary".to_owned(), foreign.clone());
            } else {
                s.routes.insert(RouteKey::ingress("web-canary"), foreign.clone());
            }
            let decision = decide(&s, later());
            assert_eq!(
                (decision.effects.len(), decision.reason.to_string()),
                (
                    0,
                    format!(
                        "traffic routing is not possible: {kind} web-canary is in the way, it does not belong to this Rollout"
                    )
                ),
                "{situation}"
            );
        }
    }
}

#[test]
fn a_service_whose_twin_could_not_be_named_stops_the_release_before_it_begins() {
    let mut s = held();
    let long = "w".repeat(57);
    let mut service = s.services["web"].clone();
    service.metadata.name = Some(long.clone());
    s.services = [(long.clone(), service)].into();
    let canary = s.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.traffic_routings[0].service.clone_from(&long);
    let decision = decide(&s, now());
    assert_eq!(
        (decision.effects.len(), decision.reason.to_string()),
        (
            0,
            format!(
                "traffic routing is not possible: Service {long}-canary would have a name of more than 63 characters"
            )
        )
    );
}

#[test]
fn an_ingress_that_vanishes_stops_the_steps_but_not_a_pause() {
    let mut moving = about_to_split();
    moving.routes.clear();
    insta::assert_snapshot!(told(&decide(&moving, later())), @"
    status null null null null
    traffic routing is not possible: Ingress web not found
    ");
    let mut paused = paused_at_step_1();
    paused.routes.clear();
    insta::assert_snapshot!(told(&decide(&paused, later())), @"
    Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
}

#[test]
fn a_workload_of_another_kind_is_named_and_not_called_missing() {
    let mut s = at_rest();
    s.rollout.spec.workload_ref.kind = "ReplicaSet".to_owned();
    s.workload = None;
    let decision = decide(&s, now());
    assert_eq!(
        (decision.effects.len(), decision.reason.to_string()),
        (
            0,
            "the Rollout is invalid: spec.workloadRef: WorkloadRef kind is not supported: apps/v1 ReplicaSet"
                .to_owned()
        )
    );
}

#[test]
fn an_outdated_canary_that_a_finalizer_keeps_is_deleted_once() {
    let mut s = paused_at_step_1();
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
    s.routes.remove(&RouteKey::ingress("web-canary"));
    s.canaries[0].metadata.finalizers = Some(vec!["example.com/keep".to_owned()]);
    // The first look restarts and waits for the grace; what it says is written and looked at again after it.
    let first = decide(&s, now()).status.unwrap();
    let mut status = serde_json::to_value(s.rollout.status.take()).unwrap();
    json_patch::merge(&mut status, &first);
    s.rollout.status = serde_json::from_value(status).unwrap();
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    DELETE deployment/web-canary-k62n7njkhj: remove the canary of an older version
    Workload is continuous release
    ");
    s.canaries[0].metadata.deletion_timestamp =
        serde_json::from_value(json!("2026-01-01T00:01:00Z")).unwrap();
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    Workload is continuous release
    ");
}

#[test]
fn nothing_is_split_beside_a_stable_service_that_selects_every_pod() {
    // No old pod was ready when the step began, and now they are.
    let mut s = about_to_split();
    let selector = &mut s.services.get_mut("web").unwrap().data["spec"]["selector"];
    selector["pod-template-hash"].take();
    let decision = decide(&s, later());
    let writes: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| effect.target.to_string())
        .collect();
    assert_eq!(writes, ["service/web"]);
    // While none is, there is nothing to keep it to.
    s.replica_sets[0].data["status"]["readyReplicas"] = json!(0);
    let decision = decide(&s, later());
    let writes: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| effect.target.to_string())
        .collect();
    assert_eq!(writes, ["ingress/web-canary"]);
}

#[test]
fn a_split_that_somebody_undid_in_the_pause_comes_back_only_for_pods_that_serve() {
    let waits = "Rollout is in step(1/3), and you need manually confirm to enter the next step";
    for ready in [1, 0] {
        let mut s = paused_at_step_1();
        s.routes.remove(&RouteKey::ingress("web-canary"));
        s.canaries[0].data["status"]["availableReplicas"] = json!(ready);
        let found = told(&decide(&s, now()));
        let found: Vec<&str> = found.lines().filter(|line| !line.starts_with("status")).collect();
        let expected = if ready == 1 {
            vec![
                "POST ingress/web-canary: 20% of traffic to the new version, again: somebody changed it",
                waits,
            ]
        } else {
            vec![waits]
        };
        assert_eq!(found, expected, "{ready}");
    }
}
