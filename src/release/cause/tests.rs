use serde_json::json;

use super::{Cause, Finding, Scene, Sight, causes};
use crate::{
    api::v1beta1::Rollout,
    release::{Pods, Position, Revision, Role, Verdict, verdict::Surroundings},
};

/// The causes of a Rollout at step 1 of 2, upgrading, with these pods.
fn found(pods: Vec<serde_json::Value>) -> Vec<Finding> {
    found_of(None, pods)
}

fn found_of(workload: Option<&serde_json::Value>, pods: Vec<serde_json::Value>) -> Vec<Finding> {
    let rollout: Rollout = serde_json::from_value(json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop", "generation": 1 },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "steps": [{ "replicas": 10 }, { "replicas": "100%" }] } } },
        "status": { "phase": "Progressing", "observedGeneration": 1,
            "conditions": [{ "type": "Progressing", "status": "True", "reason": "InRolling", "message": "" }],
            "canaryStatus": { "currentStepIndex": 1, "currentStepState": "StepUpgrade", "stableRevision": "old",
                "canaryRevision": "x", "podTemplateHash": "new" } },
    }))
    .unwrap();
    let position = Position::of(&rollout);
    let revision = |role, hash: &str, ready| Revision {
        role,
        hash: hash.to_owned(),
        images: Vec::new(),
        desired: 10,
        current: 10,
        ready,
    };
    let versions = Pods {
        wanted: 10,
        revisions: vec![revision(Role::Stable, "old", 10), revision(Role::New, "new", 0)],
    };
    let sight = Sight {
        pods,
        ..Sight::default()
    };
    causes(&Scene {
        rollout: &rollout,
        position: &position,
        verdict: Verdict::of(&position, Surroundings::default()),
        versions: &versions,
        traffic: &[],
        workload,
        missing: &[],
        is_overtaken: false,
        sight: &sight,
        now: "2026-11-21T12:00:00Z".parse().unwrap(),
    })
}

fn pod(number: usize, version: &str, waiting: &str, restarts: i64) -> serde_json::Value {
    json!({
        "metadata": { "name": format!("web-{number}"), "creationTimestamp": "2026-11-21T11:59:00Z",
            "labels": { "pod-template-hash": version } },
        "spec": { "nodeName": "node-1" },
        "status": { "phase": "Pending", "containerStatuses": [{ "name": "main", "image": "web:v2", "ready": false,
            "restartCount": restarts, "state": { "waiting": { "reason": waiting, "message": format!("pod web-{number}") } },
            "lastState": { "terminated": { "exitCode": 1, "reason": "Error" } } }] },
    })
}

#[test]
fn alike_pods_are_one_finding_and_the_larger_share_comes_first() {
    let mut pods: Vec<_> = (0..3).map(|n| pod(n, "new", "ImagePullBackOff", 0)).collect();
    pods.extend((3..10).map(|n| pod(n, "new", "CrashLoopBackOff", i64::try_from(n).unwrap())));
    let found = found(pods);
    let told: Vec<_> = found
        .iter()
        .map(|finding| (finding.cause.id(), finding.sentence()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "CrashLoop",
                "7 of 10 new pods: container main keeps crashing: exit code 1".to_owned()
            ),
            (
                "ImagePull",
                "3 of 10 new pods: image web:v2 cannot be pulled".to_owned()
            ),
        ]
    );
    assert_eq!(
        found[0].command.as_deref(),
        Some("kubectl logs web-3 -c main -n shop --previous")
    );
}

#[test]
fn trouble_of_old_pods_does_not_hide_that_of_new_ones() {
    let mut pods: Vec<_> = (0..9).map(|n| pod(n, "old", "CrashLoopBackOff", 3)).collect();
    pods.push(pod(9, "new", "ErrImageNeverPull", 0));
    let found = found(pods);
    let told: Vec<_> = found
        .iter()
        .map(|f| (f.cause.id(), f.version, f.blocks))
        .collect();
    assert_eq!(told, [("NeverPull", "new", true), ("CrashLoop", "stable", false)]);
}

#[test]
fn a_pod_that_stays_holds_up_the_others_where_pods_start_in_order() {
    let set = |more: serde_json::Value| {
        let mut spec = json!({ "replicas": 4, "updateStrategy": { "rollingUpdate": { "partition": 3 } } });
        json_patch::merge(&mut spec, &more);
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "web" }, "spec": spec })
    };
    let ready = |number: usize| {
        let mut pod = pod(number, "old", "", 0);
        pod["status"] = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
        pod
    };
    let stuck = |number: usize| pod(number, "old", "ErrImageNeverPull", 0);
    let first = |workload: serde_json::Value, pods: Vec<serde_json::Value>| {
        let found = found_of(Some(&workload), pods);
        (found[0].sentence(), found[0].command.clone().unwrap())
    };
    let plain = json!({});
    let parallel = json!({ "podManagementPolicy": "Parallel" });
    let describe = "kubectl describe deployment/web -n shop".to_owned();
    let cases = [
        // None of the pods that stay serves: the last step costs nothing.
        (
            &plain,
            vec![stuck(0)],
            "web-0 stays at its version in this step and is not ready: pods start in order, so no new one does; step 2 replaces it",
            "kubectl kruise rollout approve web -n shop --to 2 --force".to_owned(),
        ),
        (
            &plain,
            vec![ready(0), stuck(1)],
            "web-1 stays at its version in this step and is not ready: pods start in order, so no new one does",
            "kubectl describe pod web-1 -n shop".to_owned(),
        ),
        // The step replaces it anyway; or nobody waits for it.
        (
            &plain,
            vec![ready(0), ready(1), ready(2), stuck(3)],
            "0 of 10 new pods are ready",
            describe.clone(),
        ),
        (&parallel, vec![stuck(0)], "0 of 10 new pods are ready", describe),
    ];
    for (more, pods, sentence, command) in cases {
        assert_eq!(
            first(set(more.clone()), pods.clone()),
            (sentence.to_owned(), command),
            "{more} {pods:?}"
        );
    }
}

#[test]
fn fewer_pods_than_wanted_are_told_where_nothing_tells_why() {
    let found = found(Vec::new());
    let told: Vec<_> = found.iter().map(|finding| &finding.cause).collect();
    assert_eq!(told, [&Cause::BatchNotReady { ready: 0, wanted: 10 }]);
}

#[test]
fn who_writes_against_the_hold_is_named() {
    let managed = |manager: &str, paused: bool| {
        let fields = if paused {
            json!({ "f:spec": { "f:paused": {} } })
        } else {
            json!({ "f:spec": { "f:replicas": {} } })
        };
        json!({ "manager": manager, "time": "2026-11-21T11:59:00Z", "fieldsV1": fields })
    };
    let workload = |paused: bool, managers: Vec<serde_json::Value>| {
        json!({ "kind": "Deployment", "metadata": { "name": "web", "managedFields": managers,
            "annotations": { "rollouts.kruise.io/in-progressing": "{\"rolloutName\":\"web\"}" } }, "spec": { "paused": paused } })
    };
    let first = |workload: &serde_json::Value| found_of(Some(workload), Vec::new())[0].cause.clone();
    let reverts = Cause::GitOpsReverts {
        manager: "argocd-controller".to_owned(),
    };
    let nothing = Cause::BatchNotReady { ready: 0, wanted: 10 };
    for (workload, expected) in [
        (
            workload(
                false,
                vec![managed("argocd-controller", true), managed("kubectl", false)],
            ),
            &reverts,
        ),
        (workload(true, vec![managed("argocd-controller", true)]), &nothing),
        (workload(false, vec![managed("rollouts-engine", true)]), &nothing),
    ] {
        assert_eq!(first(&workload), *expected, "{workload}");
    }
}
