//! What went on while no engine looked, or is not yet seen of what is there.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::situation::{
    at_rest, deployment, now, object, paused_at_step_1, replica_set, set_label, template, told,
};
use crate::{
    api::v1beta1::RolloutStatus,
    engine::core::{Decision, Snapshot, Verb, Wake, batch, decide},
};

const MARK_IN_BATCHES: &str =
    r#"{"rolloutName":"web","original":{"paused":false,"strategy":{"type":"RollingUpdate"}}}"#;
const MARK: &str = r#"{"rolloutName":"web","original":{"paused":false}}"#;

/// Takes what a decision says of the status for written.
fn write_status(s: &mut Snapshot, decision: &Decision) {
    let mut status: Value = serde_json::to_value(s.rollout.status.clone().unwrap()).unwrap();
    json_patch::merge(&mut status, decision.status.as_ref().unwrap());
    s.rollout.status = Some(serde_json::from_value::<RolloutStatus>(status).unwrap());
}

#[test]
fn a_version_that_is_everywhere_stays_so_when_its_hold_is_lifted() {
    // In the middle of v2's release v3 went out unheld; and the same when the status still tells of rest.
    for (mut s, name) in [(paused_at_step_1(), "in the middle"), (at_rest(), "at rest")] {
        let mut web = deployment("web", "web:v3", 5);
        web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(MARK);
        s.canaries.clear();
        s.pods.clear();
        (s.services, s.routes) = (at_rest().services, at_rest().routes);
        s.replica_sets = vec![
            object(replica_set("web", "aaa", "web:v1", 0)),
            object(replica_set("web", "ccc", "web:v3", 5)),
        ];
        s.workload = Some(object(web.clone()));
        let decision = decide(&s, now());
        assert_eq!(decision.effects, [], "{name}");
        write_status(&mut s, &decision);
        let lifted = told(&decide(&s, now()));
        assert!(
            lifted.contains("deployment/web: lift a hold that holds nothing back"),
            "{name}\n{lifted}"
        );
        // The write is there, and the workload's controller has not looked yet.
        web["metadata"]["generation"] = json!(2);
        web["metadata"]["annotations"] = json!({});
        s.workload = Some(object(web));
        let after = told(&decide(&s, now()));
        assert!(!after.contains("hold"), "{name}\n{after}");
    }
}

#[test]
fn the_mark_stays_until_the_replica_set_that_gets_a_copy_of_it_is_seen() {
    let mut s = paused_at_step_1();
    s.rollout.spec.disabled = true;
    s.rollout.status.as_mut().unwrap().phase = Some("Disabling".into());
    s.rollout
        .status
        .as_mut()
        .unwrap()
        .canary_status
        .as_mut()
        .unwrap()
        .finalising_step = "ResumeWorkload".into();
    s.canaries.clear();
    s.services.remove("web-canary");
    let mut web = deployment("web", "web:v3", 5);
    web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(MARK);
    s.workload = Some(object(web));
    let unseen = decide(&s, now());
    assert_eq!(unseen.effects, [], "{}", told(&unseen));
    let mut new = replica_set("web", "ccc", "web:v3", 0);
    new["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(MARK);
    s.replica_sets.push(object(new));
    let seen = told(&decide(&s, now()));
    assert!(
        seen.contains("deployment/web: take the mark off the workload"),
        "{seen}"
    );
}

/// A release in batches, paused at its first step, of `old` and `new` pods.
fn in_batches(old: i32, new: i32) -> Snapshot {
    let mut s = paused_at_step_1();
    let canary = s.rollout.spec.strategy.canary.as_mut().unwrap();
    canary.enable_extra_workload_for_canary = false;
    canary.traffic_routings.clear();
    canary.steps.iter_mut().for_each(|step| step.traffic = None);
    let plan = batch::plan_hash(&s.rollout);
    let status = s.rollout.status.as_mut().unwrap();
    status.canary_status.as_mut().unwrap().rollout_hash = Some(plan);
    s.canaries.clear();
    s.pods.clear();
    (s.services, s.routes) = (at_rest().services, at_rest().routes);
    let mut web = deployment("web", "web:v2", old + new);
    web["metadata"]["labels"]["rollouts.kruise.io/stable-revision"] = json!("aaa");
    web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(MARK_IN_BATCHES);
    web["spec"]["paused"] = json!(true);
    web["spec"]["strategy"] = json!({ "type": "Recreate" });
    s.workload = Some(object(web));
    s.replica_sets = vec![
        object(replica_set("web", "aaa", "web:v1", old)),
        object(replica_set("web", "bbb", "web:v2", new)),
    ];
    s
}

#[test]
fn a_version_that_ran_before_is_released_too_when_it_was_held_before_any_engine_looked() {
    // Its ReplicaSet is in the history; and the same when a release's status was lost in its middle.
    for (old, new) in [(5, 0), (3, 2), (1, 4)] {
        let mut s = in_batches(old, new);
        s.rollout.status = None;
        s.rollout.metadata.finalizers = None;
        assert_eq!(
            told(&decide(&s, now())),
            "PATCH rollout/web: keep the Rollout until its traces are gone\nRollout is in Progressing",
            "{old} {new}"
        );
    }
}

#[test]
fn the_stable_version_of_a_lost_status_is_the_one_that_the_label_names() {
    // The release of an older version was followed by one of a third: the oldest is not what ran before.
    for (label, expected) in [("bbb", "bbb"), ("gone", "aaa"), ("ccc", "aaa")] {
        let mut s = in_batches(2, 2);
        s.rollout.status = None;
        s.replica_sets
            .push(object(replica_set("web", "ccc", "web:v3", 1)));
        let web = s.workload.as_mut().unwrap();
        web.data["spec"]["template"] = template("web:v3");
        set_label(web, "rollouts.kruise.io/stable-revision", label);
        let decision = decide(&s, now());
        let (Verb::Apply(body) | Verb::Merge(body)) = &decision.effects[0].verb else {
            panic!("{decision:?}")
        };
        let claimed = &body["metadata"]["labels"]["rollouts.kruise.io/stable-revision"];
        let claimed = claimed.as_str().unwrap_or(label);
        assert_eq!(claimed, expected, "{label} {body}");
    }
}

#[test]
fn nothing_is_taken_from_a_version_that_is_everywhere() {
    // Scaled up while no old pod was left: the Deployment's own controller gave the new version what was missing.
    for (old, new, expected) in [(0, 5, ""), (1, 4, "PATCH replicaset/web-aaa: 3 old pods")] {
        let found = told(&decide(&in_batches(old, new), now()));
        let sizes: Vec<&str> = found.lines().filter(|line| line.contains("replicaset")).collect();
        assert_eq!(sizes.join("\n"), expected, "{found}");
    }
}

#[test]
fn a_note_of_another_size_is_corrected_before_the_workload_is_handed_back() {
    // Scaled to just what the new version had, nobody had to size it; nor where both versions had what they should.
    let corrected = "PATCH replicaset/web-bbb: note what the workload wants";
    let handed_back = "PATCH deployment/web: let the workload roll to the new version";
    // Nor is it handed back before its controller has seen what was changed last.
    let waits = "the Rollout is being disabled: the workload rolls until +600s";
    for (old, new, note, observed, expected) in [
        (0, 1, "4", 1, corrected),
        (0, 1, "1", 1, handed_back),
        (1, 1, "4", 1, corrected),
        (1, 1, "4", 0, waits),
    ] {
        let mut s = in_batches(old, new);
        s.workload.as_mut().unwrap().data["status"]["observedGeneration"] = json!(observed);
        s.rollout.spec.disabled = true;
        let status = s.rollout.status.as_mut().unwrap();
        status.phase = Some("Disabling".into());
        status.canary_status.as_mut().unwrap().finalising_step = "ResumeWorkload".into();
        let set = &mut s.replica_sets[1].metadata;
        set.annotations = Some(
            [(
                "deployment.kubernetes.io/desired-replicas".to_owned(),
                note.to_owned(),
            )]
            .into(),
        );
        let found = told(&decide(&s, now()));
        assert!(
            found.lines().any(|line| line == expected),
            "{old} {new} {note} {observed}\n{found}"
        );
    }
}

/// What a user writes over the held strategy in the middle of a release, and what the mark keeps of it.
#[test]
fn a_strategy_that_the_user_edits_in_the_middle_is_what_comes_back() {
    let rolling = |surge: Value| json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": "25%" } });
    for (live, expected) in [
        (rolling(json!(2)), rolling(json!(2))),
        // Dropped from a manifest that replaces the object: the server's default.
        (rolling(json!("25%")), json!({ "type": "RollingUpdate" })),
        (
            json!({ "type": "RollingUpdate" }),
            json!({ "type": "RollingUpdate" }),
        ),
    ] {
        let mut s = in_batches(4, 1);
        s.workload.as_mut().unwrap().data["spec"]["strategy"] = live.clone();
        let decision = decide(&s, now());
        let Verb::Merge(body) = &decision.effects[0].verb else {
            panic!("{decision:?}")
        };
        let mark = json!({ "paused": false, "strategy": expected });
        let mark = json!({ "rolloutName": "web", "original": mark });
        let written = &body["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"];
        let written = written
            .as_str()
            .map_or(json!(MARK_IN_BATCHES), |text| json!(text));
        assert_eq!(
            (
                serde_json::from_str::<Value>(written.as_str().unwrap()).unwrap(),
                &body["spec"]["strategy"]["type"]
            ),
            (mark, &json!("Recreate")),
            "{live}"
        );
    }
}

#[test]
fn a_strategy_that_comes_with_a_rollback_is_not_undone_by_the_release_that_ends() {
    let mut s = in_batches(4, 1);
    let status = s.rollout.status.as_mut().unwrap();
    status.conditions[0].reason = "Cancelling".to_owned();
    status.canary_status.as_mut().unwrap().finalising_step = "ResumeWorkload".into();
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["template"] = template("web:v1");
    web.data["spec"]["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 2 } });
    let decision = decide(&s, now());
    let Verb::Merge(body) = &decision.effects[0].verb else {
        panic!("{decision:?}")
    };
    assert_eq!(body, &json!({ "spec": { "paused": false } }));
}

#[test]
fn what_a_controller_has_not_seen_is_waited_for_from_when_it_came() {
    // A pause of a day, and then somebody scales the workload.
    let day = now() + SignedDuration::from_hours(24);
    let mut s = paused_at_step_1();
    s.workload.as_mut().unwrap().metadata.generation = Some(2);
    s.workload_since = Some(day);
    let after = |seconds| {
        let decision = decide(&s, day + SignedDuration::from_secs(seconds));
        (decision.wake, decision.reason.to_string())
    };
    let (deadline, unseen) = (
        day + SignedDuration::from_secs(600),
        "the workload's controller has not yet seen its last change",
    );
    assert_eq!(after(0), (Wake::At(deadline), unseen.to_owned()));
    assert_eq!(after(599), (Wake::At(deadline), unseen.to_owned()));
    let late = format!("no progress for 600 seconds: {unseen}");
    assert_eq!(after(600), (Wake::OnChange, late));
}

#[test]
fn pods_that_are_given_back_in_a_pause_are_waited_for_from_then() {
    // After a day somebody lifted the hold, and the workload's controller began to bring out the new version.
    let mut s = paused_at_step_1();
    let web = s.workload.as_mut().unwrap();
    web.metadata.annotations = Some(
        [(
            "rollouts.kruise.io/in-progressing".to_owned(),
            MARK_IN_BATCHES.to_owned(),
        )]
        .into(),
    );
    web.data["spec"]["strategy"] = json!({ "type": "Recreate" });
    let mut old = replica_set("web", "aaa", "web:v1", 5);
    old["status"]["readyReplicas"] = json!(4);
    s.replica_sets[0] = object(old);
    s.replica_sets
        .push(object(replica_set("web", "ddd", "web:v2", 1)));
    let day = now() + SignedDuration::from_hours(24);
    let after = |s: &Snapshot, seconds| {
        let decision = decide(s, day + SignedDuration::from_secs(seconds));
        (decision.wake, decision.reason.to_string())
    };
    let (deadline, gives_back) = (
        day + SignedDuration::from_secs(600),
        "an unheld change was frozen; 4 of 5 pods of the old version are ready",
    );
    assert_eq!(after(&s, 0), (Wake::At(deadline), gives_back.to_owned()));
    let decision = decide(&s, day);
    write_status(&mut s, &decision);
    assert_eq!(after(&s, 599), (Wake::At(deadline), gives_back.to_owned()));
    let late = format!("no progress for 600 seconds: {gives_back}");
    assert_eq!(after(&s, 600), (Wake::OnChange, late));
}
