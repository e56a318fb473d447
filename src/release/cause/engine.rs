//! Causes between the Rollout, its workload and whoever acts on them.

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Cause, Engine, Evidence, Finding, Scene,
    scene::{entries, text, time},
};
use crate::{
    api::{keys, v1beta1::StepState},
    engine::core::invalidity,
    release::{Actor, Role, Verdict},
    workload::same_template,
};

/// An engine is given this long before it is missed.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    if let Some(why) = invalidity(&position.message) {
        let why = why.to_owned();
        let evidence = vec![Evidence::new(scene.title(), "status.message", &position.message)];
        found.push(Finding::new(
            Cause::InvalidRollout { why },
            true,
            position.since,
            evidence,
        ));
    }
    let reference = &scene.rollout.spec.workload_ref;
    let kind = reference.kind.to_lowercase();
    if scene
        .missing
        .iter()
        .any(|(missing, name)| *missing == kind && *name == reference.name)
    {
        let title = scene.workload_title();
        let cause = Cause::WorkloadMissing {
            kind,
            name: reference.name.clone(),
        };
        found.push(Finding::new(
            cause,
            true,
            None,
            vec![Evidence::new(title, "metadata.name", "not found")],
        ));
    }
    if position.deleting {
        // Whoever takes the last traces away, the finalizer in the end.
        let finalizers = scene.rollout.metadata.finalizers.iter().flatten();
        if finalizers.into_iter().any(|name| name == keys::ROLLOUT_FINALIZER) {
            acting(scene, found);
        }
        return;
    }
    if position.disabled {
        return;
    }
    if let Some(workload) = scene.workload {
        of_workload(scene, workload, found);
    }
    acting(scene, found);
}

fn of_workload(scene: &Scene<'_>, workload: &Value, found: &mut Vec<Finding>) {
    let position = scene.position;
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let generation = number(&workload["metadata"]["generation"]);
    let observed = number(&workload["status"]["observedGeneration"]);
    // A workload without any status was made by a test, or just now.
    if workload["status"]["observedGeneration"].is_i64() && observed < generation {
        let evidence = vec![
            Evidence::new(
                scene.workload_title(),
                "metadata.generation",
                generation.to_string(),
            ),
            Evidence::new(
                scene.workload_title(),
                "status.observedGeneration",
                observed.to_string(),
            ),
        ];
        let cause = Cause::WorkloadNotObserved { generation, observed };
        found.push(Finding::new(cause, true, None, evidence));
    }
    let known = !(position.new_revision.is_empty() && position.new_hash.is_empty());
    if position.under_way() && !known && position.state == StepState::StepUpgrade {
        let evidence = vec![Evidence::new(
            scene.title(),
            "status.canaryStatus.podTemplateHash",
            "",
        )];
        found.push(Finding::new(
            Cause::RevisionUnknown,
            true,
            position.since,
            evidence,
        ));
    }
    if position.under_way()
        && position.state == StepState::StepTrafficRouting
        && position.stable_revision.is_empty()
        && scene.sight.engine.is_controller()
    {
        let seen = vec![Evidence::new(
            scene.title(),
            "status.canaryStatus.stableRevision",
            "",
        )];
        found.push(Finding::new(Cause::StableUnknown, true, position.since, seen));
    }
    let mark = text(&workload["metadata"]["annotations"][keys::IN_PROGRESSING]);
    if !mark.is_empty() {
        let named: Value = serde_json::from_str(mark).unwrap_or_default();
        let rollout = text(&named["rolloutName"]);
        if !rollout.is_empty() && rollout != scene.name() {
            let evidence = vec![Evidence::new(
                scene.workload_title(),
                format!("metadata.annotations[{}]", keys::IN_PROGRESSING),
                mark,
            )];
            let cause = Cause::StaleMark {
                rollout: rollout.to_owned(),
            };
            found.push(Finding::new(cause, true, None, evidence));
        }
    } else if scene.verdict.is_at_rest() && !position.stable_revision.is_empty() {
        bypassed(scene, workload, found);
    }
}

/// At rest, unmarked and not held, and yet of another version than the Rollout knows: it went out by itself.
fn bypassed(scene: &Scene<'_>, workload: &Value, found: &mut Vec<Finding>) {
    let hash = |set: &Value| text(&set["metadata"]["labels"][keys::POD_TEMPLATE_HASH]).to_owned();
    let own = &workload["metadata"]["uid"];
    let newest = scene.sight.sets.iter().find(|set| {
        entries(&set["metadata"]["ownerReferences"]).any(|owner| &owner["uid"] == own)
            && same_template(&workload["spec"]["template"], &set["spec"]["template"])
    });
    let Some(set) = newest else { return };
    let (new, position) = (hash(set), scene.position);
    let accepted = [
        &position.stable_revision,
        &position.new_revision,
        &position.new_hash,
    ];
    let runs = set["status"]["replicas"].as_i64().unwrap_or_default() > 0;
    if runs && !accepted.iter().any(|known| **known == new) {
        let evidence = vec![
            Evidence::new(
                scene.title(),
                "status.canaryStatus.stableRevision",
                &position.stable_revision,
            ),
            Evidence::new(
                format!("replicaset/{}", text(&set["metadata"]["name"])),
                format!("metadata.labels[{}]", keys::POD_TEMPLATE_HASH),
                &new,
            ),
        ];
        let since = time(&set["metadata"]["creationTimestamp"]);
        found.push(Finding::new(Cause::WebhookBypassed, true, since, evidence));
    }
}

/// Whether an engine has something to do, and is there to do it.
fn acting(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    let waits_for_a_human = matches!(scene.verdict, Verdict::WaitingForApproval | Verdict::Paused);
    if let (true, Engine::Nobody { seen }) = (waits_for_a_human, &scene.sight.engine) {
        let evidence = vec![Evidence::new("leases", "spec.holderIdentity", seen)];
        // An engine that only waited for the human would have taken another version up.
        let is_paused = !scene.is_overtaken || scene.verdict == Verdict::Paused;
        let cause = Cause::ControllerAbsent { is_paused };
        found.push(Finding::new(cause, !is_paused, None, evidence));
        return;
    }
    let timed_out = scene.verdict == Verdict::Timed
        && position
            .pause_left(scene.now)
            .is_some_and(|left| left == SignedDuration::ZERO);
    let is_cut_short = scene.verdict == Verdict::Timed && scene.is_overtaken;
    if scene.verdict.actor() != Actor::Engine && !timed_out && !is_cut_short {
        return;
    }
    // Pods are on their way: the workload's own controller and the kubelets are waited for.
    let moving = scene.verdict == Verdict::Progressing
        && position.state == StepState::StepUpgrade
        && scene
            .versions
            .of(Role::New)
            .is_none_or(|new| new.desired > 0 && new.ready < new.desired);
    if moving {
        return;
    }
    let since = last_change(scene);
    if since.is_some_and(|at| scene.now.duration_since(at) < PATIENCE) {
        return;
    }
    let status = scene.rollout.status.as_ref();
    let generation = scene.rollout.metadata.generation.unwrap_or_default();
    let observed = status
        .and_then(|status| status.observed_generation)
        .unwrap_or_default();
    let title = scene.title();
    let (cause, seen) = match &scene.sight.engine {
        Engine::Unknown => return,
        Engine::Acts { seen, is_controller } => {
            if !is_controller || position.observed {
                return;
            }
            (Cause::ControllerLagging { generation, observed }, seen.clone())
        }
        Engine::Expired { holder, seconds } => (
            Cause::NotLeading {
                holder: holder.clone(),
                seconds: *seconds,
            },
            format!("held by {holder:?}, not renewed for {seconds} s"),
        ),
        Engine::Nobody { seen } => (Cause::ControllerAbsent { is_paused: false }, seen.clone()),
    };
    let evidence = vec![
        Evidence::new("leases", "spec.holderIdentity", seen),
        Evidence::new(title, "state", scene.verdict.phrase()),
    ];
    found.push(Finding::new(cause, true, since, evidence));
}

/// When the state came about in which an engine should act.
fn last_change(scene: &Scene<'_>) -> Option<jiff::Timestamp> {
    if let Some(deleted) = &scene.rollout.metadata.deletion_timestamp {
        return Some(deleted.0);
    }
    if scene.position.under_way() {
        return scene.position.since;
    }
    let workload = scene.workload?;
    let held = entries(&workload["metadata"]["managedFields"]).filter(|entry| {
        let fields = &entry["fieldsV1"]["f:metadata"]["f:annotations"];
        fields[format!("f:{}", keys::IN_PROGRESSING)].is_object()
    });
    held.filter_map(|entry| time(&entry["time"])).max()
}
