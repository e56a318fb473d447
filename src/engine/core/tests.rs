//! Table tests of `decide`: one situation, one decision. What follows from what is tested by scenarios on the simulator.

use jiff::Timestamp;
use serde_json::json;

use super::{Snapshot, Wake, decide};
use crate::traffic::RouteKey;

mod blue_green;
mod closing;
mod gates;
mod obstacles;
mod ordinals;
mod sharing;
mod situation;
mod surplus;
mod unseen;

use situation::{
    at_rest, deployment, held, now, object, paused_at_step_1, replica_set, set_label, template, told,
};

#[test]
fn looks_for_the_first_time() {
    let mut s = at_rest();
    s.rollout.status = None;
    let mut web = deployment("web", "web:v1", 5);
    web["metadata"]["labels"] = json!({});
    s.workload = Some(object(web));
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    PATCH deployment/web: name the workload's kind, by which the hold policy finds it
    workload deployment is completed
    ");
    set_label(
        s.workload.as_mut().unwrap(),
        "rollouts.kruise.io/workload-type",
        "deployment",
    );
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    status Healthy 3 Completed 
    workload deployment is completed
    ");
}

#[test]
fn the_first_status_has_what_the_schema_requires() {
    let mut s = at_rest();
    s.rollout.status = None;
    s.workload = None;
    let status = decide(&s, now()).status.unwrap();
    assert_eq!(
        status,
        json!({ "phase": "Initial", "message": "Workload Not Found", "observedGeneration": 1, "currentStepIndex": 0, "currentStepState": "" })
    );
}

#[test]
fn a_rollout_disabled_before_an_engine_saw_the_hold_lets_the_workload_go() {
    let mut s = held();
    s.rollout.spec.disabled = true;
    s.rollout
        .spec
        .strategy
        .canary
        .as_mut()
        .unwrap()
        .traffic_routings
        .clear();
    insta::assert_snapshot!(told(&decide(&s, now())), @r"
    PATCH deployment/web: let the workload roll to the new version
    the Rollout is being disabled: the workload rolls
    ");
}

#[test]
fn a_version_held_before_any_engine_looked_is_released_all_the_same() {
    let mut s = held();
    s.rollout.status = None;
    insta::assert_snapshot!(told(&decide(&s, now())), @r"
    PATCH rollout/web: keep the Rollout until its traces are gone
    Rollout is in Progressing
    ");
}

#[test]
fn a_pause_that_is_over_leaves_its_step_alone() {
    let mut s = paused_at_step_1();
    let sub = s.rollout.status.as_mut().unwrap().canary_status.as_mut().unwrap();
    (sub.current_step_index, sub.next_step_index) = (2, 3);
    s.canaries[0].data["spec"]["replicas"] = json!(5);
    let over: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
    let decision = decide(&s, over);
    assert!(
        decision
            .effects
            .iter()
            .all(|effect| !effect.purpose.ends_with("new pods")),
        "{decision:?}"
    );
    assert_eq!(decision.reason.to_string(), "step 3/3: 1 of 5 new pods are ready");
}

#[test]
fn rests_when_nothing_changed() {
    let decision = decide(&at_rest(), now());
    assert_eq!(
        (decision.effects.len(), decision.status.is_none(), decision.wake),
        (0, true, Wake::OnChange),
        "{decision:?}"
    );
}

#[test]
fn begins_with_the_finalizer_and_then_owns_the_hold() {
    let mut s = held();
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    PATCH rollout/web: keep the Rollout until its traces are gone
    Rollout is in Progressing
    ");
    s.rollout.metadata.finalizers = Some(vec!["rollouts.kruise.io/rollout".to_owned()]);
    let decision = decide(&s, now());
    insta::assert_snapshot!(told(&decision), @"
    PATCH deployment/web: take ownership of the hold
    Rollout is in Progressing
    ");
    assert_eq!(
        decision.effects[0].precondition.resource_version.as_deref(),
        Some("10"),
        "a claim must not overwrite what it did not see"
    );
    set_label(
        s.workload.as_mut().unwrap(),
        "rollouts.kruise.io/stable-revision",
        "aaa",
    );
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    PATCH service/web: keep the stable Service to the stable version
    Rollout is in Progressing
    ");
}

#[test]
fn freezes_what_was_not_held_and_gives_the_old_version_its_pods_back() {
    let mut s = at_rest();
    s.rollout.metadata.finalizers = Some(vec!["rollouts.kruise.io/rollout".to_owned()]);
    s.workload = Some(object(deployment("web", "web:v2", 5)));
    s.replica_sets = vec![
        object(replica_set("web", "aaa", "web:v1", 4)),
        object(replica_set("web", "bbb", "web:v2", 2)),
    ];
    let decision = decide(&s, now());
    insta::assert_snapshot!(told(&decision), @"
    PATCH deployment/web: hold the new version
    Rollout is in Progressing
    ");
    let super::Verb::Merge(body) = &decision.effects[0].verb else {
        panic!("{decision:?}")
    };
    assert_eq!(
        body["spec"],
        json!({ "paused": true, "strategy": { "type": "Recreate" } })
    );
    json_patch::merge(
        &mut s.workload.as_mut().unwrap().data,
        &json!({ "spec": body["spec"] }),
    );
    let mark = body["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        mark,
        r#"{"rolloutName":"web","original":{"paused":null,"strategy":{"type":"RollingUpdate"}}}"#
    );
    s.workload.as_mut().unwrap().metadata.annotations =
        Some([("rollouts.kruise.io/in-progressing".to_owned(), mark)].into());
    set_label(
        s.workload.as_mut().unwrap(),
        "rollouts.kruise.io/stable-revision",
        "aaa",
    );
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    PATCH replicaset/web-aaa: restore the old version's capacity
    an unheld change was frozen; 4 of 5 pods of the old version are ready
    ");
    s.replica_sets[0] = object(replica_set("web", "aaa", "web:v1", 5));
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    PATCH replicaset/web-bbb: take back pods that were not held
    an unheld change was frozen; 5 of 5 pods of the old version are ready
    ");
}

#[test]
fn takes_what_went_out_unseen_for_the_stable_version() {
    let mut s = at_rest();
    s.workload = Some(object(deployment("web", "web:v2", 5)));
    s.replica_sets = vec![
        object(replica_set("web", "aaa", "web:v1", 0)),
        object(replica_set("web", "bbb", "web:v2", 5)),
    ];
    let decision = decide(&s, now());
    assert_eq!(decision.effects, []);
    assert_eq!(decision.status.unwrap()["canaryStatus"]["canaryRevision"], "bbb");
}

#[test]
fn waits_for_a_human_and_goes_on_when_told() {
    let mut s = paused_at_step_1();
    let decision = decide(&s, now());
    assert_eq!(
        (decision.effects.len(), decision.status, decision.wake),
        (0, None, Wake::OnChange)
    );
    s.rollout
        .status
        .as_mut()
        .unwrap()
        .canary_status
        .as_mut()
        .unwrap()
        .current_step_state = "StepReady".into();
    insta::assert_snapshot!(told(&decide(&s, now())), @r"
    status null 2 BeforeStepUpgrade null
    step 2/3: 1 of 3 new pods are ready until +0s
    ");
    let sub = s.rollout.status.as_mut().unwrap().canary_status.as_mut().unwrap();
    (sub.current_step_index, sub.next_step_index) = (2, 3);
    sub.current_step_state = "BeforeStepUpgrade".into();
    insta::assert_snapshot!(told(&decide(&s, now())).replace(&s.canaries[0].metadata.name.clone().unwrap(), "CANARY"), @r"
    PATCH deployment/CANARY: 3 new pods
    step 2/3: 1 of 3 new pods are ready
    ");
}

/// One change of a release that is paused at step 1, and what comes of it.
#[test]
fn notices_every_turn_while_paused() {
    type Turn = (&'static str, fn(&mut Snapshot));
    let turns: [Turn; 9] = [
        ("rolled back", |s| {
            s.workload.as_mut().unwrap().data["spec"]["template"] = template("web:v1");
        }),
        ("a newer version", |s| {
            s.workload.as_mut().unwrap().data["spec"]["template"] = template("web:v3");
        }),
        ("deleted", |s| {
            s.rollout.metadata.deletion_timestamp =
                Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
        }),
        ("disabled", |s| s.rollout.spec.disabled = true),
        ("paused as a whole", |s| s.rollout.spec.strategy.paused = true),
        ("scaled", |s| {
            s.workload.as_mut().unwrap().data["spec"]["replicas"] = json!(10);
            s.rollout.spec.strategy.canary.as_mut().unwrap().steps[0].replicas =
                Some(crate::api::IntOrPercent::Percent(20));
            let hash = super::batch::plan_hash(&s.rollout);
            s.rollout
                .status
                .as_mut()
                .unwrap()
                .canary_status
                .as_mut()
                .unwrap()
                .rollout_hash = Some(hash);
        }),
        ("unheld", |s| {
            s.workload.as_mut().unwrap().data["spec"]["paused"] = json!(false);
        }),
        ("workload gone", |s| s.workload = None),
        ("jump to 3", |s| {
            s.rollout
                .status
                .as_mut()
                .unwrap()
                .canary_status
                .as_mut()
                .unwrap()
                .next_step_index = 3;
        }),
    ];
    let mut seen = String::new();
    for (name, turn) in turns {
        let mut s = paused_at_step_1();
        let canary = s.canaries[0].metadata.name.clone().unwrap();
        turn(&mut s);
        seen += &format!(
            "-- {name}\n{}\n",
            told(&decide(&s, now())).replace(&canary, "CANARY")
        );
    }
    insta::assert_snapshot!(seen, @r"
    -- rolled back
    DELETE ingress/web-canary: all traffic to the stable Service
    rolling back: traffic goes to the stable Service
    -- a newer version
    DELETE ingress/web-canary: all traffic to the stable Service
    Workload is continuous release
    -- deleted
    PATCH service/web: the stable Service selects all versions again
    the Rollout is being deleted: the stable Service selects all versions again
    -- disabled
    PATCH service/web: the stable Service selects all versions again
    the Rollout is being disabled: the stable Service selects all versions again
    -- paused as a whole
    status null null null null
    Rollout has been paused, you can resume it by kube-cli
    -- scaled
    PATCH deployment/CANARY: 2 new pods
    Rollout is in step(1/3), and you need manually confirm to enter the next step
    -- unheld
    PATCH deployment/web: hold the new version
    Rollout is in Progressing
    -- workload gone
    DELETE ingress/web-canary: all traffic to the stable Service
    PATCH service/web: the stable Service selects all versions again
    DELETE service/web-canary: remove the canary Service
    DELETE deployment/CANARY: remove the canary
    PATCH rollout/web: let the Rollout go
    Workload Not Found
    -- jump to 3
    PATCH deployment/CANARY: 5 new pods
    step 3/3: 1 of 5 new pods are ready
    ");
}

#[test]
fn corrects_a_next_step_that_is_none() {
    let mut s = paused_at_step_1();
    s.rollout
        .status
        .as_mut()
        .unwrap()
        .canary_status
        .as_mut()
        .unwrap()
        .next_step_index = 9;
    let status = decide(&s, now()).status.unwrap();
    assert_eq!(status["canaryStatus"]["nextStepIndex"], 2);
    assert!(
        status["conditions"][0]["message"]
            .as_str()
            .unwrap()
            .ends_with("(nextStepIndex 9 is not one of the steps 1 to 3; ignored)"),
        "{status}"
    );
}

#[test]
fn a_deadline_makes_a_release_degraded_once() {
    let mut s = paused_at_step_1();
    s.rollout
        .status
        .as_mut()
        .unwrap()
        .canary_status
        .as_mut()
        .unwrap()
        .current_step_state = "StepUpgrade".into();
    s.canaries[0].data["status"]["availableReplicas"] = json!(0);
    let before = decide(&s, now());
    assert!(
        matches!(before.wake, Wake::At(at) if at == "2026-01-01T00:10:00Z".parse().unwrap() || at == "2026-01-01T00:00:10Z".parse().unwrap()),
        "{before:?}"
    );
    let late: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
    let degraded = decide(&s, late);
    assert_eq!(
        degraded.reason.to_string(),
        "no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready"
    );
    let mut status = serde_json::to_value(&s.rollout.status).unwrap();
    json_patch::merge(&mut status, &degraded.status.unwrap());
    assert_eq!(status["conditions"][1]["type"], "Degraded");
    s.rollout.status = serde_json::from_value(status).unwrap();
    let again = decide(&s, "2026-01-01T00:30:00Z".parse().unwrap());
    assert_eq!(
        (again.status, again.wake),
        (None, Wake::OnChange),
        "it says so once, and its deadline does not start anew"
    );
}

#[test]
fn a_missing_object_stops_a_held_release_before_anything_is_written() {
    for (name, take) in [
        (
            "Service web",
            (|s| drop(s.services.remove("web"))) as fn(&mut Snapshot),
        ),
        ("Ingress web", |s| {
            drop(s.routes.remove(&RouteKey::ingress("web")));
        }),
    ] {
        let mut s = held();
        take(&mut s);
        let decision = decide(&s, now());
        assert_eq!(decision.effects, [], "{name}");
        assert_eq!(
            decision.reason.to_string(),
            format!("traffic routing is not possible: {name} not found")
        );
    }
}

#[test]
fn an_invalid_rollout_is_refused_with_every_reason() {
    let mut s = held();
    let canary = s.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.steps[0].replicas = None;
    canary.steps[1].traffic = Some("120%".to_owned());
    canary.steps[2].replicas = Some(crate::api::IntOrPercent::Percent(10));
    s.rivals = vec!["other".to_owned()];
    insta::assert_snapshot!(told(&decide(&s, now())).replace("; ", "\n"), @r#"
    status null null null null
    the Rollout is invalid: spec.strategy.canary.steps[0].replicas: replicas cannot be empty
    spec.strategy.canary.steps[1].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy
    spec.strategy.canary.steps[2].replicas: Steps.CanaryReplicas must be a non decreasing sequence
    spec.workloadRef: This rollout conflict with Rollout(shop/other), one workload only have less than one Rollout
    "#);
}

/// An effect that has landed is not asked for again: the decision over its result goes on to the next one.
#[test]
fn effects_converge() {
    let mut s = held();
    let first = decide(&s, now()).effects.remove(0);
    let super::Verb::Merge(body) = &first.verb else {
        panic!("{first:?}")
    };
    assert_eq!(first.target.kind, "Rollout");
    let mut value = serde_json::to_value(&s.rollout).unwrap();
    json_patch::merge(&mut value, body);
    s.rollout = serde_json::from_value(value).unwrap();
    let next = decide(&s, now()).effects.remove(0);
    assert_ne!(next.purpose, first.purpose);
}
