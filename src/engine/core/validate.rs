//! What makes a Rollout impossible to follow.

use kube::api::DynamicObject;

use super::Snapshot;
use crate::{
    api::{
        IntOrPercent,
        v1beta1::{ObjectRef, RollingStyle, Step},
    },
    traffic::{self, Obstacle, ingress, service},
};

/// Longest name of a Service.
const LONGEST_SERVICE: usize = 63;
/// Longest name of an Ingress.
const LONGEST_INGRESS: usize = 253;

/// Whether the engine reads workloads of this kind: that one of another kind is not in the snapshot says nothing of it.
pub(super) fn is_readable(reference: &ObjectRef) -> bool {
    reference.api_version == "apps/v1" && reference.kind == "Deployment"
}

/// Everything that is wrong with the Rollout's own words, in upstream's where it has them (engine-rollout 3.1).
#[must_use]
pub fn problems(snapshot: &Snapshot) -> Vec<String> {
    let spec = &snapshot.rollout.spec;
    let mut found = Vec::new();
    let mut say = |text: String| found.push(text);
    match (&spec.strategy.canary, &spec.strategy.blue_green) {
        (None, None) => say("spec.strategy: Canary and BlueGreen cannot both be empty".to_owned()),
        (Some(_), Some(_)) => say("spec.strategy: Canary and BlueGreen cannot both be set".to_owned()),
        _ => {}
    }
    let reference = &spec.workload_ref;
    let is_deployment = is_readable(reference);
    match spec.strategy.style() {
        Some(RollingStyle::Canary) if is_deployment => {}
        Some(style) => say(format!(
            "spec.workloadRef: {style:?} style for {} {} is not supported by this version; it releases apps/v1 Deployments with enableExtraWorkloadForCanary",
            reference.api_version, reference.kind
        )),
        None => {}
    }
    let routings = spec.strategy.traffic_routings();
    if routings.len() > 1 {
        say("spec.strategy: Rollout currently only support single TrafficRouting.".to_owned());
    }
    for routing in routings {
        if routing.grace_period_seconds.is_some_and(|seconds| seconds < 0) {
            say("trafficRoutings: TrafficRouting.GracePeriodSeconds cannot be negative".to_owned());
        }
        if routing.service.is_empty() {
            say("trafficRoutings: TrafficRouting.Service cannot be empty".to_owned());
        }
        if routing
            .ingress
            .as_ref()
            .is_some_and(|ingress| ingress.name.is_empty())
        {
            say("trafficRoutings: TrafficRouting.Ingress.Ingress cannot be empty".to_owned());
        }
        if routing.ingress.is_none() && routing.gateway.is_none() && routing.custom_network_refs.is_empty() {
            say("trafficRoutings: TrafficRoutings are not set".to_owned());
        }
    }
    let steps = spec.strategy.steps();
    if steps.is_empty() && spec.strategy.style().is_some() {
        say("steps: The number of Canary.Steps cannot be empty".to_owned());
    }
    steps
        .iter()
        .enumerate()
        .for_each(|(index, step)| found.extend(step_problems(index, step)));
    let falls = steps
        .windows(2)
        .any(|pair| match (&pair[0].replicas, &pair[1].replicas) {
            (Some(IntOrPercent::Int(a)), Some(IntOrPercent::Int(b)))
            | (Some(IntOrPercent::Percent(a)), Some(IntOrPercent::Percent(b))) => b < a,
            _ => false,
        });
    if falls {
        found.push("steps: Steps.CanaryReplicas must be a non decreasing sequence".to_owned());
    }
    for rival in &snapshot.rivals {
        found.push(format!(
            "spec.workloadRef: This rollout conflict with Rollout({}/{rival}), one workload only have less than one Rollout",
            snapshot.namespace()
        ));
    }
    if let (Some(canary), Some(deployment)) = (snapshot.canary_strategy(), snapshot.deployment())
        && let Some(patch) = &canary.patch_pod_template_metadata
        && let Some(selector) = deployment.object.data["spec"]["selector"]["matchLabels"].as_object()
    {
        let clashes = patch
            .labels
            .iter()
            .filter(|(key, value)| selector.get(*key).is_some_and(|was| was != value.as_str()));
        found.extend(clashes.map(|(key, _)| {
            format!(
                "patchPodTemplateMetadata.labels[{key}]: the workload's selector needs this label as it is"
            )
        }));
    }
    found
}

fn step_problems(index: usize, step: &Step) -> Vec<String> {
    let place = format!("steps[{index}]");
    let mut found = Vec::new();
    match &step.replicas {
        None => found.push(format!("{place}.replicas: replicas cannot be empty")),
        Some(IntOrPercent::Int(1..) | IntOrPercent::Percent(1..=100)) => {}
        Some(_) => found.push(format!(
            "{place}.replicas: replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\""
        )),
    }
    if let Some(text) = &step.traffic
        && !matches!(IntOrPercent::from(text.as_str()), IntOrPercent::Percent(1..=100))
    {
        found.push(format!(
            "{place}.traffic: traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy"
        ));
    }
    if step.pause.duration.is_some_and(|seconds| seconds < 0) {
        found.push(format!("{place}.pause.duration: cannot be negative"));
    }
    found
}

/// What keeps traffic from being split as asked: a missing object, an Ingress that does not name the Service, a twin's
/// name that is taken or too long, or a limit of the provider.
#[must_use]
pub fn obstacle(snapshot: &Snapshot) -> Option<Obstacle> {
    let routing = snapshot.routing()?;
    let steps = snapshot.rollout.spec.strategy.steps();
    if let Err(obstacle) = traffic::check(routing, steps) {
        return Some(obstacle);
    }
    let Some(stable) = snapshot.services.get(&routing.service) else {
        return Some(Obstacle::Missing {
            kind: "Service",
            name: routing.service.clone(),
        });
    };
    if !service::selects(stable) {
        return Some(Obstacle::NoSelector {
            service: routing.service.clone(),
        });
    }
    if snapshot
        .canary_strategy()
        .is_some_and(|canary| !canary.disable_generate_canary_service)
    {
        let twin = service::canary_name(&routing.service);
        let present = snapshot.services.get(&twin);
        if let Some(obstacle) = unusable(snapshot, "Service", twin, present, LONGEST_SERVICE) {
            return Some(obstacle);
        }
    }
    let name = routing.ingress.as_ref().map(|ingress| ingress.name.as_str())?;
    let Some(ingress) = snapshot.ingresses.get(name) else {
        return Some(Obstacle::Missing {
            kind: "Ingress",
            name: name.to_owned(),
        });
    };
    let twin = ingress::canary_name(name);
    let present = snapshot.ingresses.get(&twin);
    if let Some(obstacle) = unusable(snapshot, "Ingress", twin, present, LONGEST_INGRESS) {
        return Some(obstacle);
    }
    let nothing = traffic::Split {
        weight: Some(0),
        matches: &[],
        header_modifier: None,
    };
    ingress::canary(
        traffic::ingress_class::Class::Nginx,
        ingress,
        &routing.service,
        &routing.service,
        &nothing,
        serde_json::Value::Null,
    )
    .err()
}

/// Why a twin of this name cannot be made or written: it is somebody else's (another Rollout behind the same Ingress
/// makes one of the same name), or no object can be called so.
fn unusable(
    snapshot: &Snapshot,
    kind: &'static str,
    name: String,
    present: Option<&DynamicObject>,
    longest: usize,
) -> Option<Obstacle> {
    if present.is_some_and(|present| !snapshot.owns(present)) {
        return Some(Obstacle::Taken { kind, name });
    }
    (name.len() > longest).then_some(Obstacle::TooLong { kind, name, longest })
}
