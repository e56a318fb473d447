//! The order in which a release of the canary style is closed.

use serde_json::json;

use super::situation::{NOW, now, object, paused_at_step_1, replica_set, template, told};
use crate::{
    engine::core::{Snapshot, Verb, Wake, batch, decide},
    traffic::RouteKey,
    workload::{Pod, hold},
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

fn cursor(s: &mut Snapshot, step: &str) {
    let status = s.rollout.status.as_mut().unwrap();
    status.canary_status.as_mut().unwrap().finalising_step = step.into();
}

#[test]
fn new_pods_keep_their_traffic_until_the_stable_ones_are_new_too() {
    let mut s = closing("Finalising", "RestoreStableService");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web: let the workload roll to the new version
    completing: the workload rolls
    ");
    // Whoever began to close it, took the route away first.
    cursor(&mut s, "ReleaseWorkloadControl");
    s.routes.remove(&RouteKey::ingress("web-canary"));
    s.services.remove("web-canary");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web: let the workload roll to the new version
    completing: the workload rolls
    ");
}

/// A canary whose workload rolls, since [`NOW`]; of its five new pods some are ready, the last of them since so many seconds.
fn rolling(course: &str, ready_since: &[i64]) -> Snapshot {
    let mut s = closing(course, "ResumeWorkload");
    s.canaries.clear();
    s.services.remove("web-canary");
    s.routes.remove(&RouteKey::ingress("web-canary"));
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["paused"] = json!(false);
    let (hash, image) = if course == "Cancelling" {
        ("aaa", "web:v1")
    } else {
        ("bbb", "web:v2")
    };
    web.data["spec"]["template"] = template(image);
    let mut new = replica_set("web", hash, image, 5);
    new["status"]["readyReplicas"] = json!(ready_since.len());
    s.replica_sets
        .retain(|set| set.metadata.name.as_deref() == Some("web-aaa") && hash != "aaa");
    s.replica_sets.push(object(new));
    let pod = |owner: &str, since: i64| Pod {
        name: format!("{owner}-{since}"),
        owner: format!("uid-web-{owner}"),
        ready: true,
        ready_since: Some(now() + jiff::SignedDuration::from_secs(since)),
        ..Pod::default()
    };
    let other = if hash == "aaa" { "ccc" } else { "aaa" };
    let new = ready_since.iter().map(|since| pod(hash, *since));
    s.pods = new.chain([pod(other, 1000)]).map(std::sync::Arc::new).collect();
    s
}

#[test]
fn each_pod_that_becomes_ready_while_the_workload_rolls_is_progress() {
    let late = "no progress for 600 seconds: completing: the workload rolls";
    for (course, ready_since, at, expected) in [
        (
            "Finalising",
            &[][..],
            599,
            "completing: the workload rolls until +600s",
        ),
        ("Finalising", &[], 600, late),
        ("Finalising", &[-900], 600, late),
        (
            "Finalising",
            &[300],
            600,
            "completing: the workload rolls until +900s",
        ),
        (
            "Finalising",
            &[300, 20],
            899,
            "completing: the workload rolls until +900s",
        ),
        ("Finalising", &[300], 900, late),
        // A clock that is ahead gives no more than a whole deadline.
        (
            "Finalising",
            &[5000],
            650,
            "completing: the workload rolls until +1250s",
        ),
        (
            "Cancelling",
            &[300],
            650,
            "rolling back: the workload rolls until +900s",
        ),
    ] {
        let s = rolling(course, ready_since);
        let found = told(&decide(&s, now() + jiff::SignedDuration::from_secs(at)));
        let found = found.lines().last().unwrap_or_default();
        assert_eq!(found, expected, "{course} {ready_since:?} at {at}");
    }
}

/// A blue-green release whose last pause is over: half of the traffic goes to five new pods, of which `ready` are.
fn blue_green_closing(ready: i32) -> Snapshot {
    let mut s = closing("Finalising", "");
    let canary = s.rollout.spec.strategy.canary.take().unwrap();
    s.rollout.spec.strategy = serde_json::from_value(json!({ "blueGreen": {
        "steps": [{ "replicas": "100%", "traffic": "20%" }],
        "trafficRoutings": canary.traffic_routings,
    } }))
    .unwrap();
    let plan = batch::plan_hash(&s.rollout);
    let sub = s.rollout.status.as_mut().unwrap().canary_status.as_mut().unwrap();
    (sub.rollout_hash, sub.current_step_state) = (Some(plan), "Completed".into());
    s.canaries.clear();
    s.pods.clear();
    let web = s.workload.as_mut().unwrap();
    web.metadata.annotations = Some(
        [(
            "rollouts.kruise.io/in-progressing".to_owned(),
            json!({ "rolloutName": "web", "original": { "paused": false, "strategy": { "type": "RollingUpdate" },
                "minReadySeconds": null, "progressDeadlineSeconds": 600 } })
            .to_string(),
        )]
        .into(),
    );
    json_patch::merge(
        &mut web.data["spec"],
        &json!({ "paused": false, "minReadySeconds": hold::NEVER_AVAILABLE, "progressDeadlineSeconds": hold::NO_DEADLINE,
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "100%", "maxUnavailable": 0 } } }),
    );
    let mut new = replica_set("web", "bbb", "web:v2", 5);
    new["status"]["readyReplicas"] = json!(ready);
    let mut old = replica_set("web", "aaa", "web:v1", 5);
    for set in [&mut new, &mut old] {
        set["spec"]["minReadySeconds"] = json!(hold::NEVER_AVAILABLE);
    }
    s.replica_sets = vec![object(old), object(new)];
    s
}

#[test]
fn all_traffic_goes_to_new_pods_only_while_they_are_ready() {
    let all = "PATCH ingress/web-canary: 100% of traffic to the new version\ncompleting: all traffic goes to the new version";
    let waits = "completing: all traffic goes to the new version until +600s";
    for (ready, replicas, expected) in [(5, 5, all), (4, 5, waits), (0, 5, waits), (0, 0, all)] {
        let mut s = blue_green_closing(ready);
        let web = s.workload.as_mut().unwrap();
        web.data["spec"]["replicas"] = json!(replicas);
        let found = told(&decide(&s, later()));
        let found = found.trim_start_matches("status null null null null\n");
        assert_eq!(found, expected, "{ready} {replicas}");
    }
    // Whoever rolls back is not kept waiting.
    let mut s = blue_green_closing(0);
    s.workload.as_mut().unwrap().data["spec"]["template"] = template("web:v1");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    DELETE ingress/web-canary: all traffic to the stable Service
    rolling back: traffic goes to the stable Service
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

/// What happens until nothing is left to do: each decision's effects are taken as done, and time passes.
fn played(s: &mut Snapshot) -> Vec<String> {
    let mut at = now();
    let mut all = Vec::new();
    loop {
        let decision = decide(s, at);
        for effect in &decision.effects {
            let name = effect.target.name.as_str();
            match (effect.verb.method(), effect.target.kind.as_str()) {
                ("DELETE", "Ingress") => drop(s.routes.remove(&RouteKey::ingress(name))),
                ("DELETE", "Service") => drop(s.services.remove(name)),
                ("PATCH", "Service") => {
                    s.services.get_mut(name).unwrap().data["spec"]["selector"] = json!({ "app": "web" });
                }
                _ => return all,
            }
            all.push(format!("{} {}", effect.verb.method(), effect.target));
        }
        let Some(status) = &decision.status else { continue };
        let mut known = serde_json::to_value(&s.rollout.status).unwrap();
        json_patch::merge(&mut known, status);
        s.rollout.status = serde_json::from_value(known).unwrap();
        let Wake::At(next) = decision.wake else { return all };
        all.push(format!(
            "{} s: {}",
            next.duration_since(at).as_secs(),
            decision.reason
        ));
        at = next;
    }
}

/// Vector 19 of the traffic's golden ones: Service, route, canary Service. Upstream waits a third time after the canary
/// Service went; nothing has been sent to it since the route went a grace before.
#[test]
fn golden_vector_19_a_grace_after_the_service_and_one_after_the_route() {
    let mut s = paused_at_step_1();
    s.rollout.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
    insta::assert_snapshot!(played(&mut s).join("\n"), @"
    PATCH service/web
    1 s: the Rollout is being deleted: the stable Service selects all versions again
    DELETE ingress/web-canary
    1 s: the Rollout is being deleted: traffic goes to the stable Service
    DELETE service/web-canary
    ");
}

#[test]
fn after_blue_green_the_old_pods_are_forgotten_before_the_stable_service_gets_the_traffic() {
    let mut s = blue_green_closing(5);
    // The workload has rolled.
    let web = s.workload.as_mut().unwrap();
    json_patch::merge(
        &mut web.data["spec"],
        &json!({ "minReadySeconds": null, "progressDeadlineSeconds": 600, "strategy": { "rollingUpdate": null } }),
    );
    s.replica_sets.remove(0);
    json_patch::merge(
        &mut s.replica_sets[0].data["spec"],
        &json!({ "minReadySeconds": null }),
    );
    let status = s.rollout.status.as_mut().unwrap();
    let mut sub = serde_json::to_value(status.canary_status.take().unwrap()).unwrap();
    sub["finalisingStep"] = json!("ResumeWorkload");
    sub["updatedRevision"] = sub["canaryRevision"].take();
    status.blue_green_status = serde_json::from_value(sub).unwrap();
    insta::assert_snapshot!(played(&mut s).join("\n"), @"
    1 s: completing: traffic goes to the stable Service
    DELETE ingress/web-canary
    1 s: completing: traffic goes to the stable Service
    DELETE service/web-canary
    ");
}

#[test]
fn a_newer_version_after_a_blue_green_release_was_handed_back_is_the_next_release() {
    let refused = "PATCH deployment/web: hold the newer version\nnew version releasing detected in the progress of blue-green release, please rollback first";
    let ended = |sentence: &str| format!("status Healthy null null null\n{sentence}");
    let (cancelled, completed) = (
        "Rollout progressing has been canceled",
        "Rollout progressing has been completed",
    );
    // Pods of v1, v2 and v3; whether the mark is off.
    let cases = [
        ("Cancelling", [4, 0, 1], true, ended(cancelled)),
        ("Cancelling", [3, 1, 1], true, refused.to_owned()),
        ("Cancelling", [4, 0, 1], false, refused.to_owned()),
        ("Finalising", [0, 4, 1], true, ended(completed)),
        ("Finalising", [1, 3, 1], true, refused.to_owned()),
    ];
    for (course, pods, is_unmarked, expected) in cases {
        let mut s = blue_green_closing(5);
        let status = s.rollout.status.as_mut().unwrap();
        status.conditions[0].reason = course.to_owned();
        status.canary_status.as_mut().unwrap().finalising_step = "RestoreStableService".into();
        s.routes.remove(&RouteKey::ingress("web-canary"));
        s.services.remove("web-canary");
        let web = s.workload.as_mut().unwrap();
        web.data["spec"]["template"] = template("web:v3");
        if is_unmarked {
            web.metadata.annotations = None;
            json_patch::merge(
                &mut web.data["spec"],
                &json!({ "minReadySeconds": null, "progressDeadlineSeconds": 600, "strategy": { "rollingUpdate": null } }),
            );
        }
        let versions = [("aaa", "web:v1"), ("bbb", "web:v2"), ("ccc", "web:v3")];
        s.replica_sets = versions
            .into_iter()
            .zip(pods)
            .map(|((hash, image), pods)| object(replica_set("web", hash, image, pods)))
            .collect();
        let found = told(&decide(&s, later()));
        assert_eq!(found, expected, "{course} {pods:?} {is_unmarked}");
    }
}

#[test]
fn a_pause_of_the_users_own_comes_back_with_the_last_write() {
    let mut s = rolling("Finalising", &[0, 0, 0, 0, 0]);
    s.pods.retain(|pod| pod.owner.ends_with("bbb"));
    s.replica_sets = vec![object(replica_set("web", "bbb", "web:v2", 5))];
    let web = s.workload.as_mut().unwrap();
    web.data["status"]["updatedReplicas"] = json!(5);
    let annotations = web.metadata.annotations.as_mut().unwrap();
    let mark = json!({ "rolloutName": "web", "original": { "paused": true } });
    annotations.insert("rollouts.kruise.io/in-progressing".to_owned(), mark.to_string());
    // That it is over is written first: from then on a pause without a mark is the user's.
    cursor(&mut s, "ReleaseWorkloadControl");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    status null null null END
    completing: the workload is handed back until +5s
    ");
    cursor(&mut s, "END");
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH deployment/web: take the mark off the workload
    completing: the workload is handed back
    ");
    let writes = decide(&s, later()).effects;
    let bodies = writes.iter().map(|effect| match &effect.verb {
        Verb::Merge(body) => body,
        other => panic!("{other:?}"),
    });
    insta::assert_snapshot!(json!(bodies.collect::<Vec<_>>()), @r#"
    [{"metadata":{"annotations":{"rollouts.kruise.io/in-progressing":null}},"spec":{"paused":true}}]
    "#);
    let web = s.workload.as_mut().unwrap();
    web.metadata.annotations = None;
    web.data["spec"]["paused"] = json!(true);
    insta::assert_snapshot!(told(&decide(&s, later())), @"
    PATCH rollout/web: let the Rollout go
    completing: the workload is handed back
    ");
}
