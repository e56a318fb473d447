//! What makes a Rollout impossible to follow.

mod legacy;
#[cfg(test)]
mod tests;

use std::{cmp::Ordering, fmt};

use kube::api::DynamicObject;

pub use legacy::of_v1alpha1;

use super::Snapshot;
use crate::{
    analysis,
    api::{
        IntOrPercent, keys,
        rollout::immutable,
        v1beta1::{Phase, RollingStyle, Rollout, RolloutSpec, Step, TrafficRoutingRef},
    },
    traffic::{self, Obstacle, Provider, Split, service},
    workload::{Kind, Workload},
};

const WORKLOAD_REF: &str = "spec.workloadRef";
const STRATEGY: &str = "spec.strategy";
/// Largest share of pods that a batch may replace while traffic is split, in percent: those that are left carry the rest
/// of the traffic (upstream's default of `--partition-percent-limit`).
const MOST_BESIDE_TRAFFIC: i32 = 50;
/// Longest name of a Service.
const LONGEST_SERVICE: usize = 63;
/// Longest name of an Ingress, and of most other objects.
const LONGEST_NAME: usize = 253;

/// One thing that is wrong with a Rollout's own words, in upstream's where it has them (engine-rollout 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where: `spec.strategy.canary.steps[0].replicas`.
    pub field: String,
    /// What.
    pub message: String,
}

impl Problem {
    fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Everything that is wrong with a Rollout, all at once, with what the cluster has in the way of it; but for its metric gates,
/// see [`of_gates`].
#[must_use]
pub fn problems(snapshot: &Snapshot) -> Vec<Problem> {
    let workload_ref = |message: String| Problem::new(WORKLOAD_REF, message);
    let mut found = of_rollout(&snapshot.rollout, snapshot.workload.as_ref());
    if let Some(unserved) = &snapshot.unserved {
        found.push(workload_ref(format!("the cluster does not serve {unserved}")));
    }
    found.extend(
        snapshot
            .rivals
            .iter()
            .map(|rival| conflict(snapshot.namespace(), rival)),
    );
    if snapshot.rollout.spec.strategy.blue_green.is_some() {
        let names = snapshot.autoscalers.iter().filter_map(|autoscaler| {
            let target = autoscaler.data["spec"]["scaleTargetRef"]["name"].as_str()?;
            let name = target.trim_end_matches(keys::DISABLED_AUTOSCALER);
            (name.len() + keys::DISABLED_AUTOSCALER.len() > LONGEST_NAME).then_some(autoscaler)
        });
        found.extend(names.map(|autoscaler| {
            workload_ref(format!(
                "HorizontalPodAutoscaler {} cannot be switched off for a blue-green release: the workload's name and {} have more than {LONGEST_NAME} characters together",
                autoscaler.metadata.name.as_deref().unwrap_or_default(),
                keys::DISABLED_AUTOSCALER,
            ))
        }));
    }
    found
}

/// What is wrong with the metric gates of a step, of all steps when none is named. They are needed for a version to come out,
/// not for one to be taken back.
#[must_use]
pub fn of_gates(snapshot: &Snapshot, step: Option<i32>) -> Vec<Problem> {
    let total = i32::try_from(snapshot.rollout.spec.strategy.steps().len()).unwrap_or(i32::MAX);
    let found = analysis::gates(&snapshot.rollout, &snapshot.analysis, step, total).err();
    let found = found.into_iter().flatten();
    found
        .map(|problem| Problem::new(problem.field, problem.message))
        .collect()
}

/// Another Rollout names the same workload.
#[must_use]
pub fn conflict(namespace: &str, rival: &str) -> Problem {
    let message = format!(
        "This rollout conflict with Rollout({namespace}/{rival}), one workload only have less than one Rollout"
    );
    Problem::new(WORKLOAD_REF, message)
}

/// What is wrong with a Rollout by itself, and with it for its workload, if that is known.
#[must_use]
pub fn of_rollout(rollout: &Rollout, workload: Option<&DynamicObject>) -> Vec<Problem> {
    let spec = &rollout.spec;
    let mut found = Vec::new();
    match (&spec.strategy.canary, &spec.strategy.blue_green) {
        (None, None) => found.push(Problem::new(
            STRATEGY,
            "Canary and BlueGreen cannot both be empty",
        )),
        (Some(_), Some(_)) => found.push(Problem::new(STRATEGY, "Canary and BlueGreen cannot both be set")),
        _ => {}
    }
    let reference = &spec.workload_ref;
    let kind = Kind::named(reference);
    let asked = spec.strategy.style();
    if reference.name.is_empty() {
        found.push(Problem::new(
            WORKLOAD_REF,
            "WorkloadRef is required: it has no name",
        ));
    }
    match (kind, asked) {
        (None, _) => found.push(Problem::new(
            WORKLOAD_REF,
            format!(
                "WorkloadRef kind is not supported: {} {}",
                reference.api_version, reference.kind
            ),
        )),
        (Some(kind), Some(RollingStyle::BlueGreen)) if !kind.has_blue_green() => found.push(Problem::new(
            WORKLOAD_REF,
            "WorkloadRef kind is not supported for bluegreen style",
        )),
        _ => {}
    }
    if workload
        .and_then(Workload::new)
        .is_some_and(|workload| workload.is_on_delete())
    {
        found.push(Problem::new(
            WORKLOAD_REF,
            "the workload's updateStrategy.type is OnDelete: its pods are replaced by hand, not in steps",
        ));
    }
    let place = format!(
        "{STRATEGY}.{}",
        if asked == Some(RollingStyle::BlueGreen) {
            "blueGreen"
        } else {
            "canary"
        }
    );
    found.extend(routing_problems(&place, spec.strategy.traffic_routings()));
    found.extend(shared_problem(&place, rollout));
    let style = kind.zip(asked).map(|(kind, asked)| kind.style(asked)).or(asked);
    let steps = spec.strategy.steps();
    if steps.is_empty() && asked.is_some() {
        found.push(Problem::new(
            format!("{place}.steps"),
            "The number of Canary.Steps cannot be empty",
        ));
    }
    for (index, step) in steps.iter().enumerate() {
        found.extend(step_problems(&format!("{place}.steps[{index}]"), step, style));
    }
    found.extend(order_problems(&place, steps));
    if let (Some(Kind::CloneSet), Some(RollingStyle::BlueGreen)) = (kind, asked) {
        found.extend(growth_problem(&place, steps));
    }
    found.extend(metadata_problems(spec, workload));
    found
}

fn routing_problems(place: &str, routings: &[TrafficRoutingRef]) -> Vec<Problem> {
    let mut found = Vec::new();
    if routings.len() > 1 {
        found.push(Problem::new(
            format!("{place}.trafficRoutings"),
            "Rollout currently only support single TrafficRouting.",
        ));
    }
    for (index, routing) in routings.iter().enumerate() {
        let place = format!("{place}.trafficRoutings[{index}]");
        let mut say = |field: &str, message: &str| {
            found.push(Problem::new(format!("{place}{field}"), message));
        };
        if routing.grace_period_seconds.is_some_and(|seconds| seconds < 0) {
            say(
                ".gracePeriodSeconds",
                "TrafficRouting.GracePeriodSeconds cannot be negative",
            );
        }
        if routing.service.is_empty() {
            say(".service", "TrafficRouting.Service cannot be empty");
        }
        if routing.ingress.is_none() && routing.gateway.is_none() && routing.custom_network_refs.is_empty() {
            say("", "TrafficRoutings are not set");
        }
        if routing
            .ingress
            .as_ref()
            .is_some_and(|ingress| ingress.name.is_empty())
        {
            say(".ingress.name", "TrafficRouting.Ingress.Ingress cannot be empty");
        }
        let route = routing
            .gateway
            .as_ref()
            .map(|gateway| gateway.http_route_name.as_deref());
        if route.is_some_and(|name| name.unwrap_or_default().is_empty()) {
            say(
                ".gateway.httpRouteName",
                "TrafficRouting.Gateway must set the name of HTTPRoute or HTTPsRoute",
            );
        }
    }
    found
}

/// The TrafficRouting may be named in the strategy or by annotation; two of them are none.
fn shared_problem(place: &str, rollout: &Rollout) -> Option<Problem> {
    let field = rollout.spec.strategy.traffic_routing_ref();
    let annotation = rollout
        .metadata
        .annotations
        .as_ref()?
        .get(keys::TRAFFIC_ROUTING)?;
    let is_clear = field.is_empty() || annotation.is_empty() || field == annotation;
    (!is_clear).then(|| {
        Problem::new(
            format!("{place}.trafficRoutingRef"),
            format!(
                "names TrafficRouting {field}, and annotation {} names {annotation}",
                keys::TRAFFIC_ROUTING
            ),
        )
    })
}

fn step_problems(place: &str, step: &Step, style: Option<RollingStyle>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut say =
        |field: &str, message: String| found.push(Problem::new(format!("{place}.{field}"), message));
    match &step.replicas {
        None => say("replicas", "replicas cannot be empty".to_owned()),
        Some(IntOrPercent::Percent(percent @ 1..=100)) => {
            let splits = step.traffic.is_some() || !step.matches.is_empty();
            if *percent > MOST_BESIDE_TRAFFIC && splits && style == Some(RollingStyle::Partition) {
                say(
                    "replicas",
                    format!(
                        "For partition style rollout: step[x].replicas must not greater than partition-percent-limit if traffic specified: {percent}% > {MOST_BESIDE_TRAFFIC}%"
                    ),
                );
            }
        }
        Some(IntOrPercent::Int(1..)) => {}
        Some(_) => say(
            "replicas",
            "replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\""
                .to_owned(),
        ),
    }
    if let Some(text) = &step.traffic {
        match (style, IntOrPercent::from(text.as_str())) {
            (_, IntOrPercent::Percent(1..=100))
            | (Some(RollingStyle::BlueGreen), IntOrPercent::Percent(0)) => {}
            (Some(RollingStyle::BlueGreen), _) => say(
                "traffic",
                "traffic must be percentage with \"0%\" <= traffic <= \"100%\" in blueGreen strategy"
                    .to_owned(),
            ),
            _ => say(
                "traffic",
                "traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy".to_owned(),
            ),
        }
    }
    if step.pause.duration.is_some_and(|seconds| seconds < 0) {
        say("pause.duration", "cannot be negative".to_owned());
    }
    found
}

/// Whether a step wants more, fewer or as many pods as another; nothing where one counts and the other is a share.
fn compare(a: &Step, b: &Step) -> Option<Ordering> {
    match (a.replicas.as_ref()?, b.replicas.as_ref()?) {
        (IntOrPercent::Int(a), IntOrPercent::Int(b))
        | (IntOrPercent::Percent(a), IntOrPercent::Percent(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn order_problems(place: &str, steps: &[Step]) -> Vec<Problem> {
    let pairs = (1..).zip(steps.windows(2));
    pairs
        .filter(|(_, pair)| compare(&pair[0], &pair[1]) == Some(Ordering::Greater))
        .map(|(index, _)| {
            Problem::new(
                format!("{place}.steps[{index}].replicas"),
                "Steps.CanaryReplicas must be a non decreasing sequence",
            )
        })
        .collect()
}

/// Kruise lets the new pods that are there count against a surge that grows: from `k` of them it goes no further than to
/// `replicas - k`, so that a step which asks for more would wait for ever.
fn growth_problem(place: &str, steps: &[Step]) -> Option<Problem> {
    let mut pairs = (1..).zip(steps.windows(2));
    let (index, _) = pairs.find(|(_, pair)| {
        let both = pair[0].replicas.is_some() && pair[1].replicas.is_some();
        both && !matches!(
            compare(&pair[0], &pair[1]),
            Some(Ordering::Equal | Ordering::Greater)
        )
    })?;
    Some(Problem::new(
        format!("{place}.steps[{index}].replicas"),
        "a CloneSet cannot add new pods step by step in blue-green style: ask for 100% in every step",
    ))
}

fn metadata_problems(spec: &RolloutSpec, workload: Option<&DynamicObject>) -> Vec<Problem> {
    let canary = spec.strategy.canary.as_ref();
    let patch = canary.and_then(|canary| canary.patch_pod_template_metadata.as_ref());
    let selector = workload.and_then(|workload| workload.data["spec"]["selector"]["matchLabels"].as_object());
    let (Some(patch), Some(selector)) = (patch, selector) else {
        return Vec::new();
    };
    let clashes = patch
        .labels
        .iter()
        .filter(|(key, value)| selector.get(*key).is_some_and(|was| was != value.as_str()));
    clashes
        .map(|(key, _)| {
            Problem::new(
                format!("{STRATEGY}.canary.patchPodTemplateMetadata.labels[{key}]"),
                "the workload's selector needs this label as it is",
            )
        })
        .collect()
}

/// What may not be changed while a release is under way. Steps may be: they are added, removed and edited in the middle,
/// unlike upstream's (engine-rollout 3.1, rule 22).
#[must_use]
pub fn of_change(old: &Rollout, new: &Rollout) -> Vec<Problem> {
    let phase = old.status.as_ref().and_then(|status| status.phase.as_ref());
    if !matches!(phase, Some(Phase::Progressing | Phase::Terminating)) {
        return Vec::new();
    }
    let (was, is) = (&old.spec, &new.spec);
    let mut found = Vec::new();
    if was.workload_ref != is.workload_ref {
        found.push(Problem::new(WORKLOAD_REF, immutable::REF));
    }
    if was.strategy.style() != is.strategy.style() {
        found.push(Problem::new(STRATEGY, immutable::STYLE));
    } else if was.strategy.traffic_routings() != is.strategy.traffic_routings() {
        let (field, message) = match is.strategy.style() {
            Some(RollingStyle::BlueGreen) => ("blueGreen", immutable::BLUE_GREEN_ROUTINGS),
            _ => ("canary", immutable::CANARY_ROUTINGS),
        };
        found.push(Problem::new(
            format!("{STRATEGY}.{field}.trafficRoutings"),
            message,
        ));
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
    found(snapshot, if splits.is_empty() { &idle } else { &splits }).or_else(|| shared(snapshot))
}

/// What keeps the traffic that the Rollout shares with others from being split.
#[must_use]
pub fn shared(snapshot: &Snapshot) -> Option<Obstacle> {
    let name = snapshot.rollout.traffic_routing_name()?;
    of_shared(snapshot, name).or_else(|| {
        let own: Vec<_> = snapshot.providers().iter().filter_map(Provider::key).collect();
        let shared = snapshot.named_shared()?;
        let keys = shared
            .providers()
            .into_iter()
            .filter_map(|provider| provider.key());
        let key = keys.into_iter().find(|key| own.contains(key))?;
        Some(Obstacle::Twice {
            kind: key.kind,
            name: key.name,
            shared: name.to_owned(),
        })
    })
}

/// The same, but for what is the Rollout's own: whoever looks at the TrafficRouting sees it so.
pub(super) fn of_shared(snapshot: &Snapshot, name: &str) -> Option<Obstacle> {
    let unserved = format!("trafficroutings.{}", keys::GROUP);
    if snapshot.unserved_routes.contains(&unserved) {
        return Some(Obstacle::Unserved { kind: unserved });
    }
    let Some(shared) = snapshot.named_shared() else {
        return Some(Obstacle::Missing {
            kind: "TrafficRouting",
            name: name.to_owned(),
        });
    };
    if shared.is_deleting() {
        return Some(Obstacle::Deleting {
            name: name.to_owned(),
        });
    }
    let mut services = shared.routings().iter().map(|routing| &routing.service);
    if let Some(missing) = services.find(|service| !snapshot.services.contains_key(*service)) {
        return Some(Obstacle::Missing {
            kind: "Service",
            name: missing.clone(),
        });
    }
    let unserved = shared
        .providers()
        .iter()
        .find_map(|provider| unserved_kind(snapshot, provider));
    unserved.or_else(|| shared.opened(&snapshot.routes).err())
}

fn unserved_kind(snapshot: &Snapshot, provider: &Provider) -> Option<Obstacle> {
    let kind = provider.versions().first()?.qualified();
    snapshot
        .unserved_routes
        .contains(&kind)
        .then_some(Obstacle::Unserved { kind })
}

/// What keeps traffic from being split as the step under way asks.
pub(super) fn in_the_way(snapshot: &Snapshot, step: &Step) -> Option<Obstacle> {
    found(snapshot, &[(0, traffic::split(step)?)])
}

/// What is in the way of splits, each with its step, 0 for the one under way.
fn found(snapshot: &Snapshot, splits: &[(usize, Split<'_>)]) -> Option<Obstacle> {
    let routing = snapshot.routing()?;
    let wiring = snapshot.wiring()?;
    let providers = snapshot.providers();
    if let Err(obstacle) = traffic::check(&providers, snapshot.rollout.spec.strategy.steps()) {
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
    for provider in &providers {
        if let Some(unserved) = unserved_kind(snapshot, provider) {
            return Some(unserved);
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
