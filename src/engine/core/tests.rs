//! Table tests of `decide`: one situation, one decision. What follows from what is tested by scenarios on the simulator.

use std::sync::Arc;

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Decision, Pod, Snapshot, Wake, decide};
use crate::{traffic::RouteKey, workload::digest};

mod obstacles;
mod unseen;

const NOW: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

fn template(image: &str) -> Value {
    json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": image }] } })
}

fn deployment(name: &str, image: &str, replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "10", "generation": 1,
            "labels": { "rollouts.kruise.io/workload-type": "deployment" } },
        "spec": { "replicas": replicas, "strategy": { "type": "RollingUpdate" }, "template": template(image) },
        "status": { "observedGeneration": 1, "replicas": replicas, "availableReplicas": replicas },
    })
}

fn replica_set(owner: &str, hash: &str, image: &str, replicas: i32) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": format!("{owner}-{hash}"), "namespace": "shop", "uid": format!("uid-{owner}-{hash}"), "resourceVersion": "11",
            "labels": { "app": "web", "pod-template-hash": hash },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "uid": format!("uid-{owner}"), "controller": true }] },
        "spec": { "replicas": replicas, "template": template },
        "status": { "replicas": replicas, "readyReplicas": replicas, "observedGeneration": 0 },
    })
}

/// A Rollout at rest over a Deployment of five pods of v1, its Service and its Ingress.
fn at_rest() -> Snapshot {
    let rollout = json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-rollout", "resourceVersion": "1", "generation": 1 },
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": "50%", "traffic": "50%", "pause": { "duration": 60 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} },
                ],
                "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web" } }],
            } },
        },
        "status": { "phase": "Healthy", "observedGeneration": 1, "message": "workload deployment is completed", "currentStepIndex": 3, "currentStepState": "Completed",
            "canaryStatus": { "currentStepIndex": 3, "nextStepIndex": -1, "currentStepState": "Completed", "finalisingStep": "",
                "stableRevision": "aaa", "canaryRevision": "aaa", "podTemplateHash": "", "canaryReplicas": 0, "canaryReadyReplicas": 0 } },
    });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop", "uid": "uid-svc", "resourceVersion": "5" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "nodePort": 30080 }], "clusterIP": "10.0.0.1", "type": "NodePort" } });
    let ingress = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web", "namespace": "shop", "uid": "uid-ing", "resourceVersion": "6" },
        "spec": { "ingressClassName": "nginx", "rules": [{ "host": "shop.example", "http": { "paths": [{ "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": "web", "port": { "number": 80 } } } }] } }] } });
    let mut rollout: crate::api::v1beta1::Rollout = serde_json::from_value(rollout).unwrap();
    // As the engine itself would have written it.
    if let Some(sub) = rollout
        .status
        .as_mut()
        .and_then(|status| status.canary_status.as_mut())
    {
        sub.rollout_hash = Some(super::batch::plan_hash(&rollout.spec));
    }
    Snapshot {
        rollout,
        workload: Some(object(deployment("web", "web:v1", 5))),
        replica_sets: vec![object(replica_set("web", "aaa", "web:v1", 5))],
        services: [("web".to_owned(), object(service))].into(),
        routes: [(RouteKey::ingress("web"), object(ingress))].into(),
        ..Snapshot::default()
    }
}

/// The same, with v2 in the template, held by the policy.
fn held() -> Snapshot {
    let mut s = at_rest();
    let mut web = deployment("web", "web:v2", 5);
    web["spec"]["paused"] = json!(true);
    web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] =
        json!(r#"{"rolloutName":"web","original":{"paused":false}}"#);
    s.workload = Some(object(web));
    s
}

/// The release paused at step 1: one new pod, 20% of the traffic.
fn paused_at_step_1() -> Snapshot {
    let mut s = held();
    s.rollout.metadata.finalizers = Some(vec!["rollouts.kruise.io/rollout".to_owned()]);
    set_label(
        s.workload.as_mut().unwrap(),
        "rollouts.kruise.io/stable-revision",
        "aaa",
    );
    let v2 = template("web:v2");
    let status = s.rollout.status.as_mut().unwrap();
    status.phase = Some("Progressing".into());
    status.message =
        Some("Rollout is in step(1/3), and you need manually confirm to enter the next step".to_owned());
    status.conditions = serde_json::from_value(json!([{ "type": "Progressing", "status": "True", "reason": "InRolling", "lastUpdateTime": NOW,
        "lastTransitionTime": NOW, "message": "Rollout is in step(1/3), and you need manually confirm to enter the next step" }])).unwrap();
    status.current_step_index = 1;
    status.current_step_state = "StepPaused".into();
    let sub = status.canary_status.as_mut().unwrap();
    sub.current_step_index = 1;
    sub.next_step_index = 2;
    sub.current_step_state = "StepPaused".into();
    sub.canary_revision = digest(&v2, "");
    sub.observed_rollout_id = Some(digest(&v2, ""));
    sub.pod_template_hash = "bbb".to_owned();
    sub.canary_replicas = 1;
    sub.canary_ready_replicas = 1;
    sub.last_update_time = Some(crate::api::Time(now()));
    let id = sub.canary_revision.clone();
    let name =
        crate::workload::Deployment::new(s.workload.as_ref().unwrap()).canary_name(None, "uid-rollout");
    let owner = json!([s.owner()]);
    let mut canary = deployment(&name, "web:v2", 1);
    canary["metadata"]["labels"] = json!({ "rollouts.kruise.io/canary-deployment": "web" });
    canary["metadata"]["ownerReferences"] = owner.clone();
    s.canaries = vec![object(canary)];
    s.replica_sets
        .push(object(replica_set(&name, "bbb", "web:v2", 1)));
    s.pods = vec![Arc::new(Pod {
        name: "web-canary-1".to_owned(),
        uid: "uid-pod".to_owned(),
        resource_version: "20".to_owned(),
        labels: [
            ("rollouts.kruise.io/rollout-id".to_owned(), id),
            ("rollouts.kruise.io/rollout-batch-id".to_owned(), "1".to_owned()),
        ]
        .into(),
        owner: format!("uid-{name}-bbb"),
        deleting: false,
        ..Pod::default()
    })];
    let mut twin = serde_json::to_value(&s.services["web"]).unwrap();
    twin["metadata"]["name"] = json!("web-canary");
    twin["metadata"]["ownerReferences"] = owner;
    twin["spec"]["selector"]["pod-template-hash"] = json!("bbb");
    s.services.insert("web-canary".to_owned(), object(twin));
    let pinned = s.services.get_mut("web").unwrap();
    pinned.data["spec"]["selector"]["pod-template-hash"] = json!("aaa");
    let split = crate::traffic::Split {
        weight: Some(20),
        matches: &[],
        header_modifier: None,
    };
    let twin = crate::traffic::ingress::canary(
        crate::traffic::ingress_class::Class::Nginx,
        &s.routes[&RouteKey::ingress("web")],
        "web",
        "web-canary",
        &split,
        s.owner(),
    )
    .unwrap();
    s.routes.insert(RouteKey::ingress("web-canary"), object(twin));
    s
}

fn set_label(object: &mut DynamicObject, key: &str, value: &str) {
    object
        .metadata
        .labels
        .get_or_insert_default()
        .insert(key.to_owned(), value.to_owned());
}

/// Effects by verb, target and purpose; the reason; what of the status changes; when to look again.
fn told(decision: &Decision) -> String {
    let mut lines: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| format!("{} {}: {}", effect.verb.method(), effect.target, effect.purpose))
        .collect();
    if let Some(status) = &decision.status {
        let sub = &status["canaryStatus"];
        let place = [
            &status["phase"],
            &sub["currentStepIndex"],
            &sub["currentStepState"],
            &sub["finalisingStep"],
        ];
        lines.push(format!(
            "status {}",
            place
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .join(" ")
        ));
    }
    lines.push(format!(
        "{}{}",
        decision.reason,
        match decision.wake {
            Wake::At(at) => format!(" until +{}s", at.duration_since(now()).as_secs()),
            Wake::OnChange => String::new(),
        }
    ));
    lines.join("\n")
}

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
            let hash = super::batch::plan_hash(&s.rollout.spec);
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
