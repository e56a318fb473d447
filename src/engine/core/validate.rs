//! What makes a Rollout impossible to follow.

use super::Snapshot;
use crate::{
    api::{
        IntOrPercent,
        v1beta1::{RollingStyle, Step},
    },
    traffic::{self, Obstacle, Split, service},
    workload::Workload,
};

/// Largest share of pods that a batch may replace while traffic is split, in percent: those that are left carry the rest
/// of the traffic (upstream's default of `--partition-percent-limit`).
const MOST_BESIDE_TRAFFIC: i32 = 50;
/// Longest name of a Service.
const LONGEST_SERVICE: usize = 63;

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
    match (snapshot.kind(), spec.strategy.style()) {
        (None, _) => say(format!(
            "spec.workloadRef: WorkloadRef kind is not supported: {} {}",
            reference.api_version, reference.kind
        )),
        (Some(kind), Some(RollingStyle::BlueGreen)) if !kind.has_blue_green() => {
            say("spec.workloadRef: WorkloadRef kind is not supported for bluegreen style".to_owned());
        }
        _ => {}
    }
    let workload = snapshot.workload.as_ref().and_then(Workload::new);
    if workload.is_some_and(|workload| workload.is_on_delete()) {
        say("spec.workloadRef: the workload's updateStrategy.type is OnDelete: its pods are replaced by hand, not in steps".to_owned());
    }
    if let Some(unserved) = &snapshot.unserved {
        say(format!("spec.workloadRef: the cluster does not serve {unserved}"));
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
        if routing
            .gateway
            .as_ref()
            .is_some_and(|gateway| gateway.http_route_name.as_deref().unwrap_or_default().is_empty())
        {
            say(
                "trafficRoutings: TrafficRouting.Gateway must set the name of HTTPRoute or HTTPsRoute"
                    .to_owned(),
            );
        }
        if routing.ingress.is_none() && routing.gateway.is_none() && routing.custom_network_refs.is_empty() {
            say("trafficRoutings: TrafficRoutings are not set".to_owned());
        }
    }
    let style = snapshot
        .kind()
        .zip(spec.strategy.style())
        .map(|(kind, style)| kind.style(style));
    let steps = spec.strategy.steps();
    if steps.is_empty() && spec.strategy.style().is_some() {
        say("steps: The number of Canary.Steps cannot be empty".to_owned());
    }
    steps
        .iter()
        .enumerate()
        .for_each(|(index, step)| found.extend(step_problems(index, step, style)));
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
    if let (Some(canary), Some(workload)) = (snapshot.canary_strategy(), &snapshot.workload)
        && let Some(patch) = &canary.patch_pod_template_metadata
        && let Some(selector) = workload.data["spec"]["selector"]["matchLabels"].as_object()
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

fn step_problems(index: usize, step: &Step, style: Option<RollingStyle>) -> Vec<String> {
    let place = format!("steps[{index}]");
    let mut found = Vec::new();
    match &step.replicas {
        None => found.push(format!("{place}.replicas: replicas cannot be empty")),
        Some(IntOrPercent::Percent(percent @ 1..=100)) => {
            let splits = step.traffic.is_some() || !step.matches.is_empty();
            if *percent > MOST_BESIDE_TRAFFIC && splits && style == Some(RollingStyle::Partition) {
                found.push(format!(
                    "{place}.replicas: For partition style rollout: step[x].replicas must not greater than partition-percent-limit if traffic specified: {percent}% > {MOST_BESIDE_TRAFFIC}%"
                ));
            }
        }
        Some(IntOrPercent::Int(1..)) => {}
        Some(_) => found.push(format!(
            "{place}.replicas: replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\""
        )),
    }
    if let Some(text) = &step.traffic {
        match (style, IntOrPercent::from(text.as_str())) {
            (_, IntOrPercent::Percent(1..=100)) | (Some(RollingStyle::BlueGreen), IntOrPercent::Percent(0)) => {}
            (Some(RollingStyle::BlueGreen), _) => found.push(format!(
                "{place}.traffic: traffic must be percentage with \"0%\" <= traffic <= \"100%\" in blueGreen strategy"
            )),
            _ => found.push(format!(
                "{place}.traffic: traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy"
            )),
        }
    }
    if step.pause.duration.is_some_and(|seconds| seconds < 0) {
        found.push(format!("{place}.pause.duration: cannot be negative"));
    }
    found
}

/// What keeps traffic from being split as any step asks: a missing object, a route that does not name the Service, a
/// twin's name that is taken or too long, or a limit of the provider.
#[must_use]
pub fn obstacle(snapshot: &Snapshot) -> Option<Obstacle> {
    let steps = snapshot.rollout.spec.strategy.steps();
    let splits: Vec<(usize, Split<'_>)> = steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| Some((index + 1, traffic::split(step)?)))
        .collect();
    let idle = [(0, Split::NOTHING)];
    found(snapshot, if splits.is_empty() { &idle } else { &splits })
}

/// What keeps traffic from being split as the step under way asks.
pub(super) fn in_the_way(snapshot: &Snapshot, step: &Step) -> Option<Obstacle> {
    found(snapshot, &[(0, traffic::split(step)?)])
}

/// What is in the way of splits, each with its step, 0 for the one under way.
fn found(snapshot: &Snapshot, splits: &[(usize, Split<'_>)]) -> Option<Obstacle> {
    let routing = snapshot.routing()?;
    let wiring = snapshot.wiring()?;
    if let Err(obstacle) = traffic::check(routing, snapshot.rollout.spec.strategy.steps()) {
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
    if wiring.has_twin() {
        let name = wiring.canary.clone();
        let present = snapshot.services.get(&name);
        if present.is_some_and(|present| !snapshot.owns(present)) {
            return Some(Obstacle::Taken {
                kind: "Service",
                name,
            });
        }
        if name.len() > LONGEST_SERVICE {
            return Some(Obstacle::TooLong {
                kind: "Service",
                name,
                longest: LONGEST_SERVICE,
            });
        }
    }
    let providers = snapshot.providers();
    for provider in &providers {
        let unserved = provider.versions().first().map(|kind| kind.qualified());
        if let Some(kind) = unserved.filter(|kind| snapshot.unserved_routes.contains(kind)) {
            return Some(Obstacle::Unserved { kind });
        }
        for (number, split) in splits {
            if let Err(obstacle) = provider.split(&snapshot.routes, &wiring, split) {
                return Some(match number {
                    0 => obstacle,
                    number => obstacle.of_step(*number),
                });
            }
        }
    }
    None
}
