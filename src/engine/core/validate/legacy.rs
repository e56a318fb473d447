//! Rules that only a Rollout of v1alpha1 can break; the others hold for what it means in v1beta1 (engine-rollout 3.2).

use serde_json::{Value, json};

use super::{MOST_BESIDE_TRAFFIC, Problem, WORKLOAD_REF, of_rollout};
use crate::api::{IntOrPercent, keys, rollout::convert, v1beta1::Rollout};

const CANARY: &str = "spec.strategy.canary";

/// Everything that is wrong with a manifest of v1alpha1.
#[must_use]
pub fn of_v1alpha1(manifest: &Value) -> Vec<Problem> {
    let mut found = of_its_own(manifest);
    let mut object = convert::to_v1beta1(manifest).object;
    let has_reference = object["spec"]["workloadRef"].is_object();
    if !has_reference && let Some(spec) = object["spec"].as_object_mut() {
        // The other rules are asked all the same.
        spec.insert(
            "workloadRef".to_owned(),
            json!({ "apiVersion": "", "kind": "", "name": "" }),
        );
    }
    let rest = serde_json::from_value::<Rollout>(object)
        .map(|rollout| of_rollout(&rollout, None))
        .unwrap_or_default();
    // A part that was named already is not named once more for what it came to by the conversion.
    let named: Vec<String> = found
        .iter()
        .map(|problem| part(&problem.field).to_owned())
        .collect();
    let is_new = |problem: &Problem| {
        let is_named = named
            .iter()
            .any(|known| part(&problem.field) == known || known.starts_with(&problem.field));
        !is_named && (has_reference || problem.field != WORKLOAD_REF)
    };
    found.extend(rest.into_iter().filter(is_new));
    found
}

/// The step of a field, or the field.
fn part(field: &str) -> &str {
    field
        .find("].")
        .and_then(|end| field.get(..=end))
        .unwrap_or(field)
}

fn of_its_own(manifest: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    let spec = &manifest["spec"];
    if !spec["objectRef"]["workloadRef"].is_object() {
        found.push(Problem::new(
            "spec.objectRef.workloadRef",
            "WorkloadRef is required",
        ));
    }
    let style = manifest["metadata"]["annotations"][keys::ROLLING_STYLE]
        .as_str()
        .unwrap_or_default();
    if !["", "canary", "partition"].contains(&style.to_lowercase().as_str()) {
        found.push(Problem::new(
            format!("metadata.annotations[{}]", keys::ROLLING_STYLE),
            "Rolling style must be 'Canary', 'Partition' or empty",
        ));
    }
    let canary = &spec["strategy"]["canary"];
    if !canary.is_object() {
        found.push(Problem::new(CANARY, "Canary cannot be empty"));
        return found;
    }
    let workload = &spec["objectRef"]["workloadRef"];
    let is_deployment = workload["apiVersion"] == "apps/v1" && workload["kind"] == "Deployment";
    // An extra workload is made for Deployments only.
    let is_partition = style.eq_ignore_ascii_case("partition") || !is_deployment;
    let steps = canary["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        let place = format!("{CANARY}.steps[{index}]");
        found.extend(step_problem(&place, step, is_partition));
    }
    if canary["trafficRoutings"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        let weight = |step: &Value| step["weight"].as_i64();
        let pairs = (1..).zip(steps.windows(2));
        let falls =
            pairs.filter(|(_, pair)| weight(&pair[0]).zip(weight(&pair[1])).is_some_and(|(a, b)| b < a));
        found.extend(falls.map(|(index, _)| {
            Problem::new(
                format!("{CANARY}.steps[{index}].weight"),
                "Steps.Weight must be a non decreasing sequence",
            )
        }));
    }
    found
}

fn step_problem(place: &str, step: &Value, is_partition: bool) -> Option<Problem> {
    let weight = step["weight"].as_i64();
    let most = i64::from(MOST_BESIDE_TRAFFIC);
    match (weight, step["replicas"].is_null()) {
        (None, true) => Some(Problem::new(
            place,
            "weight and replicas cannot be empty at the same time",
        )),
        (Some(weight), true) if !(1..=100).contains(&weight) => Some(Problem::new(
            format!("{place}.weight"),
            "weight must be positive number, and less than or equal to replicasLimitWithTraffic (defaults to 30)",
        )),
        (Some(weight), true) if is_partition && weight > most => Some(Problem::new(
            format!("{place}.weight"),
            "For patition style rollout: step[x].weight must not greater than replicasLimitWithTraffic if replicas is not specified",
        )),
        (_, false) if is_partition => {
            let replicas: Option<IntOrPercent> = serde_json::from_value(step["replicas"].clone()).ok();
            let splits = weight.is_some() || step["matches"].as_array().is_some_and(|all| !all.is_empty());
            let is_most = matches!(replicas, Some(IntOrPercent::Percent(percent)) if percent > MOST_BESIDE_TRAFFIC && percent <= 100);
            (splits && is_most).then(|| {
                Problem::new(
                    format!("{place}.replicas"),
                    "For patition style rollout: step[x].replicas must not greater than replicasLimitWithTraffic if traffic or matches specified",
                )
            })
        }
        _ => None,
    }
}
