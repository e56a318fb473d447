//! Causes in Services, Ingresses and routes.

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Cause, Evidence, Finding, Scene,
    scene::{entries, text},
};
use crate::{
    api::v1beta1::StepState,
    engine::core::BLOCKED,
    release::{Role, Verdict},
};

/// A weight is given this long to be seen.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    let workload = scene.rollout.spec.workload_ref.kind.to_lowercase();
    for (kind, name) in scene.missing.iter().filter(|(kind, _)| *kind != workload) {
        let evidence = vec![Evidence::new(
            format!("{}/{name}", kind.to_lowercase()),
            "metadata.name",
            "not found",
        )];
        let cause = Cause::TrafficObjectMissing {
            kind: kind.clone(),
            name: name.clone(),
        };
        found.push(Finding::new(cause, true, None, evidence));
    }
    if let Some(why) = position.message.strip_prefix(BLOCKED)
        && scene.missing.is_empty()
    {
        let why = why.trim_start_matches(':').trim().to_owned();
        let evidence = vec![Evidence::new(scene.title(), "status.message", &position.message)];
        let scripted = ["script", "is not supported", "Lua", "lua"];
        let cause = if scripted.iter().any(|word| why.contains(word)) {
            Cause::LuaMissing { why }
        } else {
            Cause::TrafficBlocked { why }
        };
        found.push(Finding::new(cause, true, position.since, evidence));
    }
    if position.deleting || position.disabled {
        return;
    }
    for service in &scene.sight.services {
        of_service(scene, service, found);
    }
    for route in &scene.sight.routes {
        accepted(route, position.under_way(), found);
    }
    weights(scene, found);
}

fn of_service(scene: &Scene<'_>, service: &Value, found: &mut Vec<Finding>) {
    let name = text(&service["metadata"]["name"]).to_owned();
    let title = format!("service/{name}");
    let Some(selector) = service["spec"]["selector"].as_object().filter(|s| !s.is_empty()) else {
        return;
    };
    let selected: Vec<&Value> = scene
        .sight
        .pods
        .iter()
        .filter(|pod| {
            selector
                .iter()
                .all(|(key, value)| pod["metadata"]["labels"][key] == *value)
        })
        .collect();
    let words: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    // The canary's Service selects nothing before there are pods for it, and goes after they have gone.
    let is_canary = name.ends_with("-canary");
    if is_canary && matches!(scene.verdict, Verdict::RollingBack | Verdict::Finishing) {
        return;
    }
    let any_new = scene.versions.of(Role::New).is_some_and(|new| new.current > 0);
    if selected.is_empty() && !scene.sight.pods.is_empty() && (!is_canary || any_new) {
        let evidence = vec![Evidence::new(title, "spec.selector", words.join(","))];
        let blocks = scene.position.under_way();
        let cause = Cause::ServiceSelectorMismatch { service: name };
        found.push(Finding::new(cause, blocks, None, evidence));
        return;
    }
    let Some(slices) = &scene.sight.slices else { return };
    if selected.is_empty() {
        return;
    }
    let mut behind = slices
        .iter()
        .filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == *name)
        .peekable();
    // Without any slice nobody has looked yet.
    if behind.peek().is_none() {
        return;
    }
    let ready = behind
        .flat_map(|slice| entries(&slice["endpoints"]))
        .any(|endpoint| endpoint["conditions"]["ready"] != false);
    if !ready {
        let evidence = vec![Evidence::new(title, "endpointslices", "no ready endpoint")];
        let blocks = scene.position.under_way() && scene.position.state == StepState::StepTrafficRouting;
        found.push(Finding::new(
            Cause::NoEndpoints { service: name },
            blocks,
            None,
            evidence,
        ));
    }
}

/// A route of Gateway API says for each parent whether it is taken.
fn accepted(route: &Value, under_way: bool, found: &mut Vec<Finding>) {
    let title = format!(
        "{}/{}",
        text(&route["kind"]).to_lowercase(),
        text(&route["metadata"]["name"])
    );
    for parent in entries(&route["status"]["parents"]) {
        let refused = entries(&parent["conditions"]).find(|condition| {
            matches!(text(&condition["type"]), "Accepted" | "ResolvedRefs") && condition["status"] == "False"
        });
        if let Some(condition) = refused {
            let detail = format!("{}: {}", text(&condition["reason"]), text(&condition["message"]));
            let field = format!("status.parents[].conditions[{}]", text(&condition["type"]));
            let evidence = vec![Evidence::new(&title, field, &detail)];
            let cause = Cause::RouteNotAccepted {
                route: title,
                detail: super::redacted(&detail),
            };
            found.push(Finding::new(cause, under_way, None, evidence));
            return;
        }
    }
}

/// A step whose traffic should stand by now, and does not.
fn weights(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    let settled = position.under_way() && position.step_stands() && position.state != StepState::Completed;
    let fresh = position
        .since
        .is_some_and(|since| scene.now.duration_since(since) < PATIENCE);
    if !settled || fresh || scene.versions.of(Role::New).is_none() || position.reason != "InRolling" {
        return;
    }
    for traffic in scene.traffic {
        let wanted = traffic.wanted.trim_end_matches('%').parse::<i32>().ok();
        if let (Some(wanted), Some(set)) = (wanted, traffic.percent)
            && wanted != set
        {
            let evidence = vec![Evidence::new(&traffic.route, "weight", &traffic.set)];
            let cause = Cause::WeightNotApplied {
                route: traffic.route.clone(),
                wanted: traffic.wanted.clone(),
                set: traffic.set.clone(),
            };
            // Approving a step whose traffic is not there would be approving something else.
            found.push(Finding::new(cause, true, position.since, evidence));
        }
    }
}
