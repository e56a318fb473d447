//! Which pods of a StatefulSet in batches are deleted because they hold up the others.

use std::sync::Arc;

use serde_json::{Value, json};

use super::situation::{at_rest, now, object, told, under_way};
use crate::{
    engine::core::{Pod, Snapshot, batch, decide},
    workload::digest,
};

/// An Advanced StatefulSet at step 1 of 2, one of five pods let through; the pods at these ordinals, the last one new and
/// ready, the one `broken` never ready.
fn in_batches(ordinals: [i32; 5], broken: i32, more: &Value) -> Snapshot {
    let mut s = at_rest();
    s.rollout.spec = serde_json::from_value(json!({
        "workloadRef": { "apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet", "name": "web" },
        "strategy": { "canary": { "steps": [{ "replicas": 1, "pause": {} }, { "replicas": 5 }] } },
    }))
    .unwrap();
    under_way(
        &mut s,
        "canaryStatus",
        json!({ "stableRevision": "web-v1", "canaryRevision": "web-v2", "podTemplateHash": "web-v2",
            "observedRolloutID": "web-v2", "canaryReplicas": 1, "canaryReadyReplicas": 1 }),
    );
    let mark = json!({ "rolloutName": "web",
        "original": { "updateStrategy.rollingUpdate.partition": 0, "updateStrategy.rollingUpdate.paused": null } });
    let mut web = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet",
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-web", "resourceVersion": "10", "generation": 1,
            "labels": { "rollouts.kruise.io/workload-type": "statefulset", "rollouts.kruise.io/stable-revision": "web-v1" },
            "annotations": { "rollouts.kruise.io/in-progressing": mark.to_string() } },
        "spec": { "replicas": 5, "updateStrategy": { "rollingUpdate": { "partition": 4, "paused": false } },
            "template": { "spec": { "containers": [] } } },
        "status": { "observedGeneration": 1, "updateRevision": "web-v2", "currentRevision": "web-v1" },
    });
    json_patch::merge(&mut web["spec"], more);
    s.workload = Some(object(web));
    s.replica_sets.clear();
    s.services.clear();
    s.routes.clear();
    let last = ordinals[4];
    let pod = |ordinal: i32| {
        let revision = if ordinal == last { "web-v2" } else { "web-v1" };
        Arc::new(Pod {
            name: format!("web-{ordinal}"),
            uid: digest(&json!(ordinal), ""),
            resource_version: "20".to_owned(),
            labels: [
                ("controller-revision-hash".to_owned(), revision.to_owned()),
                (
                    "statefulset.kubernetes.io/pod-name".to_owned(),
                    format!("web-{ordinal}"),
                ),
            ]
            .into(),
            owner: "uid-web".to_owned(),
            ready: ordinal != broken,
            ..Pod::default()
        })
    };
    s.pods = ordinals.into_iter().map(pod).collect();
    s
}

#[test]
fn only_a_pod_whose_place_is_let_through_is_deleted() {
    let plain = [0, 1, 2, 3, 4];
    let reserved = [0, 2, 3, 4, 5];
    let gap = json!({ "reserveOrdinals": [1] });
    let start = json!({ "ordinals": { "start": 7 } });
    let unordered = json!({ "updateStrategy": { "rollingUpdate": { "unorderedUpdate": {} } } });
    let cases = [
        // The old pod at a place that stays old would come back just as it is, over and over.
        (plain, 3, json!({}), false),
        (reserved, 4, gap.clone(), false),
        ([7, 8, 9, 10, 11], 10, start, false),
        // Counted, any pod may be the one that stays.
        (plain, 3, unordered.clone(), false),
    ];
    for (ordinals, broken, more, is_deleted) in cases {
        let s = in_batches(ordinals, broken, &more);
        let found = told(&decide(&s, now()));
        assert_eq!(
            found.contains("DELETE"),
            is_deleted,
            "{ordinals:?} {broken} {more}\n{found}"
        );
    }
    // Its turn has come: the step lets the place through, and the pod of the old version is in the way.
    for (ordinals, broken, more, expected) in [
        (plain, 4, json!({}), true),
        (reserved, 5, gap, true),
        (plain, 4, unordered, false),
    ] {
        let mut s = in_batches(ordinals, broken, &more);
        let mut last = (*s.pods[4]).clone();
        last.labels
            .insert("controller-revision-hash".to_owned(), "web-v1".to_owned());
        s.pods[4] = Arc::new(last);
        let found = told(&decide(&s, now()));
        assert_eq!(
            found.contains(&format!(
                "DELETE pod/web-{broken}: replace a pod that never became ready"
            )),
            expected,
            "{ordinals:?} {more}\n{found}"
        );
    }
}

/// The same, just before step 1, which splits traffic.
fn about_to_split() -> Snapshot {
    let mut s = in_batches([0, 1, 2, 3, 4], 9, &json!({}));
    let strategy = s.rollout.spec.strategy.canary.as_mut().unwrap();
    let other = at_rest().rollout.spec.strategy.canary.unwrap();
    strategy.traffic_routings = other.traffic_routings;
    strategy.steps[0].traffic = other.steps[0].traffic.clone();
    let plan = batch::plan_hash(&s.rollout);
    let status = s.rollout.status.as_mut().unwrap();
    let sub = status.canary_status.as_mut().unwrap();
    (sub.rollout_hash, sub.current_step_state) = (Some(plan), "BeforeStepUpgrade".into());
    (s.services, s.routes) = (at_rest().services, at_rest().routes);
    s
}

#[test]
fn nothing_is_kept_to_a_version_whose_last_pod_is_going() {
    // The watch of the pods shows four old ones, ready; their controller has counted others since.
    let v1 = "web-v1";
    let cases = [
        (v1, json!(4), json!(5), true),
        (v1, json!(1), json!(5), true),
        // The last one is going.
        (v1, json!(null), json!(5), false),
        // It was made anew.
        (v1, json!(1), json!(2), true),
        (v1, json!(1), json!(1), false),
        // Another version is everywhere, or all but one.
        ("web-v2", json!(5), json!(5), false),
        ("web-v2", json!(4), json!(5), true),
    ];
    for (current, left, ready, is_kept) in cases {
        let mut s = about_to_split();
        let web = s.workload.as_mut().unwrap();
        web.data["status"]["replicas"] = json!(5);
        web.data["status"]["currentRevision"] = json!(current);
        web.data["status"]["currentReplicas"] = left.clone();
        web.data["status"]["readyReplicas"] = ready.clone();
        let found = told(&decide(&s, now()));
        assert_eq!(
            found.contains("keep the stable Service to the stable version"),
            is_kept,
            "{current} {left} {ready}\n{found}"
        );
    }
}

#[test]
fn nothing_is_kept_to_a_version_whose_pods_may_go_before_those_in_between() {
    // The step takes one pod more; a partition does not say whether one of v1 or of the version in between.
    let cases: [(&[usize], bool, bool); 4] = [
        (&[2, 3, 4], true, true),
        (&[1, 2, 3, 4], true, false),
        // It has what it wants already.
        (&[1, 2, 3], true, true),
        // The only other one of v1 does not serve.
        (&[2, 3, 4], false, false),
    ];
    for (between, is_ready, is_kept) in cases {
        let mut s = about_to_split();
        of_version(&mut s, between, "web-v0", false);
        of_version(&mut s, &[0], "web-v1", !is_ready);
        let found = told(&decide(&s, now()));
        assert_eq!(
            found.contains("keep the stable Service to the stable version"),
            is_kept,
            "{between:?} {is_ready}\n{found}"
        );
    }
}

/// Gives the pods at these ordinals another version, of which the one `broken` is not ready.
fn of_version(s: &mut Snapshot, ordinals: &[usize], revision: &str, broken: bool) {
    for ordinal in ordinals {
        let mut pod = (*s.pods[*ordinal]).clone();
        pod.labels
            .insert("controller-revision-hash".to_owned(), revision.to_owned());
        pod.ready = !broken;
        s.pods[*ordinal] = Arc::new(pod);
    }
}

#[test]
fn a_pod_that_would_come_back_as_it_was_is_not_deleted() {
    let kruise = "apps.kruise.io/v1beta1";
    for (api_version, current, is_alone, is_deleted) in [
        ("apps/v1", "web-v1", false, true),
        ("apps/v1", "web-v0", false, false),
        (kruise, "web-v0", false, false),
        // Without any pod Kruise's controller takes the new version for the current one.
        (kruise, "web-v0", true, true),
        ("apps/v1", "web-v0", true, false),
    ] {
        let mut s = in_batches([0, 1, 2, 3, 4], 9, &json!({}));
        of_version(&mut s, &[2], "web-v0", true);
        if is_alone {
            s.pods.retain(|pod| pod.name == "web-2");
        }
        s.rollout.spec.workload_ref.api_version = api_version.to_owned();
        let plan = batch::plan_hash(&s.rollout);
        let sub = s.rollout.status.as_mut().unwrap().canary_status.as_mut();
        sub.unwrap().rollout_hash = Some(plan);
        let web = s.workload.as_mut().unwrap();
        web.types.as_mut().unwrap().api_version = api_version.to_owned();
        web.data["status"]["currentRevision"] = json!(current);
        let found = told(&decide(&s, now()));
        let deleted = "DELETE pod/web-2: replace a pod that never became ready";
        assert_eq!(
            found.contains(deleted),
            is_deleted,
            "{api_version} {current} {is_alone}\n{found}"
        );
    }
}

#[test]
fn pods_that_a_version_given_up_left_do_not_keep_others_from_being_taken_back() {
    // In either order: v2 came again, two pods of it are there since before, and one of v0 never became ready.
    for policy in ["OrderedReady", "Parallel"] {
        let mut s = in_batches([0, 1, 2, 3, 4], 9, &json!({ "podManagementPolicy": policy }));
        of_version(&mut s, &[3], "web-v2", false);
        of_version(&mut s, &[2], "web-v0", true);
        let status = s.rollout.status.as_mut().unwrap();
        status.conditions[0].reason = "Initializing".to_owned();
        status.canary_status.as_mut().unwrap().current_step_state = "BeforeStepUpgrade".into();
        let web = s.workload.as_mut().unwrap();
        web.data["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(32767);
        let found = told(&decide(&s, now()));
        let expected = "DELETE pod/web-2: replace a pod that never became ready and holds up the others\n\
            an unheld change was frozen; 2 of 5 pods of the old version are ready";
        assert_eq!(found, expected, "{policy}");
    }
}

#[test]
fn pods_that_need_no_update_may_stand_above_those_that_do() {
    let cases: [(&[usize], &[usize], &str); 3] = [
        // As a rollback in batches finds it: the new pods are at the top.
        (&[3, 4], &[0, 1, 2], "let 1 new pod through"),
        (&[2, 3], &[0, 1, 4], "let 2 new pods through"),
        (&[0, 1], &[2, 3, 4], "let 4 new pods through"),
    ];
    for (outdated, noted, expected) in cases {
        let mut s = in_batches(
            [0, 1, 2, 3, 4],
            9,
            &json!({ "updateStrategy": { "rollingUpdate": { "partition": 5 } } }),
        );
        let annotations = s.rollout.metadata.annotations.get_or_insert_default();
        annotations.insert(
            "rollouts.kruise.io/rollback-in-batch".to_owned(),
            "true".to_owned(),
        );
        let sub = s.rollout.status.as_mut().unwrap().canary_status.as_mut().unwrap();
        (sub.canary_revision, sub.observed_rollout_id) = ("web-v1".to_owned(), Some("web-v1".to_owned()));
        sub.pod_template_hash = "web-v1".to_owned();
        s.workload.as_mut().unwrap().data["status"]["updateRevision"] = json!("web-v1");
        of_version(&mut s, outdated, "web-v2", false);
        of_version(&mut s, noted, "web-v1", false);
        for place in noted {
            let mut pod = (*s.pods[*place]).clone();
            pod.labels.insert(
                "rollouts.kruise.io/no-need-update".to_owned(),
                "web-v1".to_owned(),
            );
            s.pods[*place] = Arc::new(pod);
        }
        let found = told(&decide(&s, now()));
        assert!(found.contains(expected), "{outdated:?}: {found}");
    }
}
