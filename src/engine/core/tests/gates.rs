//! Metric gates that nobody could pass: in the way of a new version, never of the old one.

use serde_json::{Value, json};

use super::situation::{at_rest, held, now, object, paused_at_step_1, set_label, told};
use crate::{
    analysis::{Answer, Answered, Template},
    api::keys,
    engine::core::{Snapshot, decide, invalidity},
};

const WRONG: &str = "metadata.annotations[rollouts.kruise.io/analysis][0].template: there is no AnalysisTemplate \"rate\" in the Rollout's namespace; make it, or correct the name";

/// The same with a gate whose template is missing.
fn gated(mut s: Snapshot, steps: &Value) -> Snapshot {
    let gates = json!([{ "template": "rate", "steps": steps }]).to_string();
    let annotations = s.rollout.metadata.annotations.get_or_insert_default();
    annotations.insert(keys::ANALYSIS.to_owned(), gates);
    s
}

/// The same as the status will be, if the decision writes one.
fn followed(mut s: Snapshot) -> Snapshot {
    let decision = decide(&s, now());
    let mut status = serde_json::to_value(s.rollout.status.take()).unwrap();
    json_patch::merge(&mut status, &decision.status.unwrap_or(json!({})));
    s.rollout.status = serde_json::from_value(status).unwrap();
    s
}

fn taken_back(s: &mut Snapshot) {
    let web = s.workload.as_mut().unwrap();
    web.data["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v1");
}

#[test]
fn a_template_that_is_missing_keeps_a_release_from_its_first_step() {
    let s = gated(held(), &json!([2]));
    insta::assert_snapshot!(told(&decide(&s, now())), @r#"
    status Progressing 1 BeforeStepUpgrade null
    the Rollout is invalid: metadata.annotations[rollouts.kruise.io/analysis][0].template: there is no AnalysisTemplate "rate" in the Rollout's namespace; make it, or correct the name
    "#);
}

#[test]
fn a_template_that_is_missing_is_told_at_rest_and_in_the_way_of_nothing() {
    let s = gated(at_rest(), &json!([2]));
    let decision = decide(&s, now());
    let message = format!("workload deployment is completed (the Rollout is invalid: {WRONG})");
    assert_eq!(
        (
            decision.effects.len(),
            decision.reason.to_string(),
            decision.status
        ),
        (
            0,
            "workload deployment is completed".to_owned(),
            Some(json!({ "message": message }))
        )
    );
    assert_eq!(invalidity(&message), Some(WRONG));
    // Said once, and no more when it is there.
    let mut s = followed(s);
    assert_eq!(decide(&s, now()).status, None);
    s.rollout.metadata.annotations = None;
    let status = decide(&s, now()).status;
    assert_eq!(
        status,
        Some(json!({ "message": "workload deployment is completed" }))
    );
}

#[test]
fn a_template_that_goes_in_the_middle_stops_its_own_step_alone() {
    for (steps, reason) in [
        (json!([1]), format!("the Rollout is invalid: {WRONG}")),
        (
            json!([2]),
            "Rollout is in step(1/3), and you need manually confirm to enter the next step".to_owned(),
        ),
    ] {
        let mut s = gated(paused_at_step_1(), &steps);
        assert_eq!(decide(&s, now()).reason.to_string(), reason, "{steps}");
        // A human may approve it.
        let status = s.rollout.status.as_mut().unwrap();
        status.canary_status.as_mut().unwrap().current_step_state = "StepReady".into();
        let told = told(&decide(&s, now()));
        assert!(
            told.starts_with("status null 2 BeforeStepUpgrade"),
            "{steps}: {told}"
        );
    }
}

#[test]
fn a_rollback_goes_its_way_whatever_is_wrong_with_the_gates() {
    let mut s = gated(paused_at_step_1(), &json!([1]));
    taken_back(&mut s);
    insta::assert_snapshot!(told(&decide(&s, now())), @"
    DELETE ingress/web-canary: all traffic to the stable Service
    rolling back: traffic goes to the stable Service
    ");
    // All is done but for the last look.
    s.canaries.clear();
    s.routes.retain(|key, _| key.name == "web");
    s.services.remove("web-canary");
    s.services.get_mut("web").unwrap().data["spec"]["selector"] = json!({ "app": "web" });
    let mut web = super::situation::deployment("web", "web:v1", 5);
    web["status"]["updatedReplicas"] = json!(5);
    web["status"]["readyReplicas"] = json!(5);
    s.workload = Some(object(web));
    set_label(s.workload.as_mut().unwrap(), keys::STABLE_REVISION, "aaa");
    s.rollout.metadata.finalizers = None;
    let status = s.rollout.status.as_mut().unwrap();
    status.conditions[0].reason = "Cancelling".to_owned();
    status.canary_status.as_mut().unwrap().finalising_step = "RemoveCanaryService".into();
    let after = followed(s.clone());
    let message = after.rollout.status.as_ref().unwrap().message.as_deref().unwrap();
    let cancelled = "Rollout progressing has been canceled";
    assert_eq!(message, format!("{cancelled} (the Rollout is invalid: {WRONG})"));
    assert_eq!(decide(&after, now()).reason.to_string(), cancelled);
    // A plan that nobody could follow is told as well.
    let canary = after.rollout.spec.strategy.canary.clone().unwrap();
    let mut wrong = followed(s);
    wrong.rollout.metadata.annotations = None;
    let mut steps = canary;
    steps.steps.clear();
    wrong.rollout.spec.strategy.canary = Some(steps);
    assert_eq!(decide(&wrong, now()).reason.to_string(), cancelled);
}

/// The answer to a query comes to a later decision, which must know what it was asked for.
#[test]
fn a_metric_that_decides_nothing_is_asked_for_once() {
    let mut s = gated(paused_at_step_1(), &json!([1]));
    let spec = json!({ "metrics": [{ "name": "rate", "dryRun": true, "interval": "1m", "successCondition": "result[0] > 0.5",
        "provider": { "prometheus": { "address": "http://prometheus", "query": "up" } } }] });
    let template = Template {
        spec: Ok(serde_json::from_value(spec).unwrap()),
        is_trusted: false,
    };
    s.analysis.templates.insert("rate".to_owned(), template);
    let later = |seconds| now() + jiff::SignedDuration::from_secs(seconds);
    let query = decide(&s, later(10)).measure.remove(0);
    s.analysis.answers = vec![Answered {
        id: query.id,
        at: later(11),
        answer: Answer::Result(json!([0.9])),
    }];
    let decision = decide(&s, later(11));
    assert_eq!(decision.measure, []);
    insta::assert_snapshot!(told(&decision), @"
    PATCH rollout/web: keep what was measured: 
    step 1/3: measuring
    ");
}
