//! Pod by pod: what is wrong with each, and how many are alike.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use serde_json::Value;

use super::{
    Cause, Evidence, Finding, Scene, container, placement,
    scene::{condition, entries, last_time, text, time},
};
use crate::{
    api::v1beta1::StepState,
    release::Role,
    workload::{Pod, Workload, hold::NEVER_AVAILABLE},
};

/// A pod that should be gone is given this long beyond its grace.
const GONE_AFTER: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let mut totals: BTreeMap<Role, usize> = BTreeMap::new();
    let mut troubled: Vec<(Role, Finding)> = Vec::new();
    for pod in &scene.sight.pods {
        let role = role_of(scene, pod);
        if !has_ended(pod) {
            *totals.entry(role).or_default() += 1;
        }
        let title = format!("pod/{}", text(&pod["metadata"]["name"]));
        let Some((cause, evidence, since)) = trouble(scene, pod, &title) else {
            continue;
        };
        let name = text(&pod["metadata"]["name"]).to_owned();
        let alike = troubled
            .iter_mut()
            .find(|(other, finding)| *other == role && finding.cause == cause);
        match alike {
            Some((_, finding)) => {
                finding.pods.push(name);
                finding.since = [finding.since, since].into_iter().flatten().min();
            }
            None => {
                let blocks = role == Role::New || !scene.position.under_way();
                let mut finding = Finding::new(cause, blocks, since, evidence);
                finding.version = role.word();
                finding.pods.push(name);
                troubled.push((role, finding));
            }
        }
    }
    // A crash shows itself as an ended container now and as a back-off then.
    for (role, mut finding) in troubled {
        finding.pods.sort();
        finding.of = totals
            .get(&role)
            .copied()
            .unwrap_or_default()
            .max(finding.pods.len());
        if let Cause::CrashLoop { container, .. } = &finding.cause
            && let Some(lines) = finding
                .pods
                .iter()
                .find_map(|pod| scene.sight.logs.get(&(pod.clone(), container.clone())))
        {
            for line in lines {
                finding.evidence.push(Evidence::new(
                    format!("pod/{}", finding.pods[0]),
                    format!("log of {container}"),
                    line,
                ));
            }
        }
        found.push(finding);
    }
    order(scene, found);
    batch(scene, found);
}

/// A pod of a StatefulSet that starts its pods in order, not ready, at a place that the step does not let through: of the
/// version before, or of one that was given up and that the workload makes its pods of since it was scaled to nothing.
fn order(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    let object = scene
        .workload
        .and_then(|value| serde_json::from_value::<DynamicObject>(value.clone()).ok());
    let workload = object.as_ref().and_then(Workload::new);
    let Some(workload) = workload.filter(|workload| workload.is_ordered()) else {
        return;
    };
    let is_upgrading = position.under_way() && !position.paused && position.state == StepState::StepUpgrade;
    let last = position.total();
    if !is_upgrading || workload.is_unordered_update() || position.step >= last {
        return;
    }
    let named = |pod: &Value| Pod {
        name: text(&pod["metadata"]["name"]).to_owned(),
        ..Pod::default()
    };
    let mut places: Vec<(Option<i32>, &Value)> = scene
        .sight
        .pods
        .iter()
        .map(|pod| (named(pod).ordinal(), pod))
        .collect();
    places.sort_by_key(|(ordinal, _)| *ordinal);
    let kept = usize::try_from(workload.kept()).unwrap_or_default();
    let serves =
        |pod: &Value| condition(&pod["status"], "Ready").is_some_and(|ready| ready["status"] == "True");
    let is_stuck = |pod: &Value| {
        !serves(pod)
            && role_of(scene, pod) != Role::New
            && trouble(scene, pod, "").is_some_and(|(cause, ..)| !cause.heals())
    };
    places.truncate(kept);
    let Some((_, pod)) = places.iter().find(|(_, pod)| is_stuck(pod)) else {
        return;
    };
    // While others of its version serve it is a matter of this pod; if none does, nothing is lost with them.
    let last = (!places.iter().any(|(_, pod)| serves(pod))).then_some(last);
    let name = text(&pod["metadata"]["name"]).to_owned();
    let evidence = vec![Evidence::new(
        scene.workload_title(),
        "spec.updateStrategy.rollingUpdate.partition",
        kept.to_string(),
    )];
    let cause = Cause::OrderBlocked { pod: name, last };
    found.push(Finding::new(cause, true, position.since, evidence));
}

fn role_of(scene: &Scene<'_>, pod: &Value) -> Role {
    let labels = pod["metadata"]["labels"].as_object().into_iter().flatten();
    scene.role(&Pod {
        labels: labels
            .map(|(key, value)| (key.clone(), text(value).to_owned()))
            .collect(),
        ..Pod::default()
    })
}

fn has_ended(pod: &Value) -> bool {
    matches!(text(&pod["status"]["phase"]), "Failed" | "Succeeded")
}

/// What is wrong with one pod, what shows it, and since when.
fn trouble(scene: &Scene<'_>, pod: &Value, title: &str) -> Option<(Cause, Vec<Evidence>, Option<Timestamp>)> {
    let meta = &pod["metadata"];
    let status = &pod["status"];
    let created = time(&meta["creationTimestamp"]);
    if let Some(deleted) = time(&meta["deletionTimestamp"]) {
        // The API server adds the grace to the time of deletion.
        let late = scene.now.duration_since(deleted) > GONE_AFTER;
        let finalizers: Vec<String> = entries(&meta["finalizers"]).map(|f| text(f).to_owned()).collect();
        let value = format!("{deleted}, finalizers: {}", finalizers.join(", "));
        let evidence = vec![Evidence::new(title, "metadata.deletionTimestamp", value)];
        return late.then_some((Cause::TerminatingStuck { finalizers }, evidence, Some(deleted)));
    }
    let reason = text(&status["reason"]);
    if status["phase"] == "Failed" && !reason.is_empty() {
        // A replacement is made at once; what is left is told only while pods are missing.
        let lacks = scene.versions.revisions.iter().any(|r| r.ready < r.desired);
        let evidence = vec![Evidence::new(
            title,
            "status.reason",
            format!("{reason}: {}", text(&status["message"])),
        )];
        return lacks.then(|| {
            (
                Cause::PodLost {
                    reason: reason.to_owned(),
                },
                evidence,
                None,
            )
        });
    }
    if has_ended(pod) {
        return None;
    }
    if status["phase"] == "Unknown" || reason == "NodeLost" {
        let evidence = vec![Evidence::new(title, "status.phase", text(&status["phase"]))];
        let reason = if reason.is_empty() { "NodeLost" } else { reason };
        return Some((
            Cause::PodLost {
                reason: reason.to_owned(),
            },
            evidence,
            None,
        ));
    }
    let ready = condition(status, "Ready");
    if ready.is_some_and(|ready| ready["status"] == "True") {
        return countdown(scene, ready, title);
    }
    if let Some((cause, evidence)) = placement::unscheduled(pod, title) {
        let since = condition(status, "PodScheduled").and_then(|c| time(&c["lastTransitionTime"]));
        return Some((cause, vec![evidence], since.or(created)));
    }
    let mut events: Vec<&Value> = scene.events_of("Pod", text(&meta["name"])).collect();
    events.sort_by_key(|event| last_time(event));
    let since = ready
        .and_then(|ready| time(&ready["lastTransitionTime"]))
        .or(created);
    if let Some((cause, evidence)) = placement::node(scene, pod) {
        return Some((cause, vec![evidence], since));
    }
    if let Some((cause, evidence)) = container::trouble(pod, title, &events) {
        return Some((cause, evidence, since));
    }
    let placed = !text(&pod["spec"]["nodeName"]).is_empty();
    let begun = entries(&status["containerStatuses"]).any(|c| !c["state"]["waiting"].is_object());
    if placed && !begun {
        let node = text(&pod["spec"]["nodeName"]);
        let evidence = vec![Evidence::new(
            title,
            "status.containerStatuses",
            format!("none started on node {node}"),
        )];
        return Some((Cause::ContainersNotStarted, evidence, since));
    }
    container::unready(pod, title, &events).map(|(cause, evidence)| (cause, evidence, since))
}

/// A pod that is ready and not yet available.
fn countdown(
    scene: &Scene<'_>,
    ready: Option<&Value>,
    title: &str,
) -> Option<(Cause, Vec<Evidence>, Option<Timestamp>)> {
    // A blue-green release keeps pods from ever counting as available: that is its hold, and nothing to wait for.
    let seconds = scene.workload?["spec"]["minReadySeconds"]
        .as_i64()
        .filter(|n| (1..i64::from(NEVER_AVAILABLE)).contains(n))?;
    let since = time(&ready?["lastTransitionTime"])?;
    let passed = scene.now.duration_since(since).as_secs();
    if passed >= seconds || !scene.position.under_way() || scene.position.state != StepState::StepUpgrade {
        return None;
    }
    let evidence = vec![Evidence::new(
        title,
        "status.conditions[Ready].lastTransitionTime",
        since.to_string(),
    )];
    Some((Cause::MinReadyCountdown { seconds }, evidence, Some(since)))
}

/// Fewer pods than the step wants.
fn batch(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    if !position.under_way() || position.paused || position.state != StepState::StepUpgrade {
        return;
    }
    if let Some(new) = scene.versions.of(Role::New).filter(|new| new.ready < new.desired) {
        let evidence = vec![Evidence::new(
            scene.workload_title(),
            "ready pods of the new version",
            format!("{} of {}", new.ready, new.desired),
        )];
        let cause = Cause::BatchNotReady {
            ready: new.ready,
            wanted: new.desired,
        };
        found.push(Finding::new(cause, true, position.since, evidence));
    }
}
