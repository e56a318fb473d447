//! A blue-green CloneSet that was scaled down in the middle of its release.

use std::sync::Arc;

use serde_json::json;

use super::situation::{at_rest, now, object, told, under_way};
use crate::engine::core::{Pod, Snapshot, decide};

/// Step 1 of 2, both versions wanted in full; so many pods of each, and so many wanted now.
fn scaled(old: usize, new: usize, replicas: i32) -> Snapshot {
    let mut s = at_rest();
    s.rollout.spec = serde_json::from_value(json!({
        "workloadRef": { "apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "name": "web" },
        "strategy": { "blueGreen": { "steps": [{ "replicas": "100%", "pause": {} }, { "replicas": "100%" }] } },
    }))
    .unwrap();
    under_way(
        &mut s,
        "blueGreenStatus",
        json!({ "stableRevision": "v1", "updatedRevision": "v2", "podTemplateHash": "v2",
            "observedRolloutID": "v2", "updatedReplicas": 0, "updatedReadyReplicas": 0 }),
    );
    let mark = json!({ "rolloutName": "web", "original": { "minReadySeconds": null, "updateStrategy.partition": 0,
        "updateStrategy.maxSurge": null, "updateStrategy.maxUnavailable": null, "updateStrategy.paused": null } });
    s.workload = Some(object(json!({
        "apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet",
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-web", "resourceVersion": "10", "generation": 1,
            "labels": { "rollouts.kruise.io/workload-type": "cloneset", "rollouts.kruise.io/stable-revision": "v1" },
            "annotations": { "rollouts.kruise.io/in-progressing": mark.to_string() } },
        "spec": { "replicas": replicas, "minReadySeconds": 2_147_483_646, "template": { "spec": { "containers": [] } },
            "updateStrategy": { "partition": 0, "maxSurge": "100%", "maxUnavailable": 0, "paused": false } },
        "status": { "observedGeneration": 1, "updateRevision": "web-v2", "currentRevision": "web-v1" },
    })));
    s.replica_sets.clear();
    s.services.clear();
    s.routes.clear();
    let of = |revision: &'static str, count: usize| {
        (0..count).map(move |number| {
            Arc::new(Pod {
                name: format!("{revision}-{number}"),
                uid: format!("uid-{revision}-{number}"),
                resource_version: "20".to_owned(),
                labels: [
                    ("pod-template-hash".to_owned(), revision.to_owned()),
                    ("controller-revision-hash".to_owned(), format!("web-{revision}")),
                    ("rollouts.kruise.io/rollout-id".to_owned(), "v2".to_owned()),
                    ("rollouts.kruise.io/rollout-batch-id".to_owned(), "1".to_owned()),
                ]
                .into(),
                owner: "uid-web".to_owned(),
                // The first one does not serve, and goes before the others.
                ready: number > 0,
                ..Pod::default()
            })
        })
    };
    s.pods = of("v1", old).chain(of("v2", new)).collect();
    s
}

#[test]
fn of_neither_version_there_are_more_pods_than_wanted() {
    let taken = |old, new, replicas| -> Vec<String> {
        let told = told(&decide(&scaled(old, new, replicas), now()));
        let taken = told.lines().filter(|line| line.contains("too many"));
        taken.map(str::to_owned).collect()
    };
    let away = |pods: &[&str]| -> Vec<String> {
        pods.iter()
            .map(|pod| format!("DELETE pod/{pod}: take away a pod too many"))
            .collect()
    };
    assert_eq!(taken(3, 0, 2), away(&["v1-0"]));
    assert_eq!(taken(3, 3, 1), away(&["v2-2", "v2-0", "v1-2", "v1-0"]));
    assert_eq!(taken(2, 2, 2), away(&[]));
    assert_eq!(taken(2, 0, 4), away(&[]));
}

#[test]
fn a_pod_of_a_version_in_between_makes_way_for_a_stable_one_before_the_release_begins() {
    let mut s = scaled(6, 0, 6);
    let status = s.rollout.status.as_mut().unwrap();
    status.conditions[0].reason = "Initializing".to_owned();
    let release = status.blue_green_status.as_mut().unwrap();
    release.current_step_state = "BeforeStepUpgrade".into();
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["updateStrategy"] =
        json!({ "partition": "100%", "maxSurge": 1, "maxUnavailable": 0, "paused": false });
    let taken =
        |s: &Snapshot| told(&decide(s, now())).contains("DELETE pod/v1-2: take back a pod that was not held");
    assert!(!taken(&s));
    for pod in &mut s.pods {
        let pod = Arc::make_mut(pod);
        pod.ready = true;
        if pod.name == "v1-2" {
            pod.labels.insert("pod-template-hash".to_owned(), "v0".to_owned());
            pod.labels
                .insert("controller-revision-hash".to_owned(), "web-v0".to_owned());
        }
    }
    assert!(taken(&s));
    // Its controller would make it anew as it is.
    s.workload.as_mut().unwrap().data["status"]["currentRevision"] = json!("web-v0");
    assert!(!taken(&s));
}
