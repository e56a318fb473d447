//! What else acts on the pods: disruption budgets, autoscalers, the deadline.

use serde_json::Value;

use super::{Blocker, Evidence, Ground, Id, Weight, name_of, scaled, text};
use crate::{
    plan::{End, Plan},
    release::own_pause,
    workload::{Kind, edit},
};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    budgets(ground, found);
    autoscalers(ground, found);
    own_pause(ground, found);
}

fn own_pause(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let Some(workload) = ground.workload.filter(|workload| own_pause::is_there(workload)) else {
        return;
    };
    let title = ground.workload_title();
    let evidence = vec![Evidence::new(&title, "spec.paused", true)];
    let message = format!("{title} {}", own_pause::IS_PAUSED);
    let command = ground.look_at("get", "deployment", name_of(workload));
    found.push(Blocker::new(
        Id::OwnPause,
        Weight::Risk,
        message,
        evidence,
        command,
    ));
}

/// How many pods a workload is to have; nothing when its controller has not told yet.
fn wanted_pods(workload: &Value) -> Option<i64> {
    let is_per_node = edit::kind_of(workload).is_some_and(Kind::is_per_node);
    if is_per_node {
        workload["status"]["desiredNumberScheduled"].as_i64()
    } else {
        Some(workload["spec"]["replicas"].as_i64().unwrap_or(1))
    }
}

/// Whether a selector selects pods with these labels; nothing when it asks for what is not known. One that is not there selects
/// none, an empty one all.
fn selects(selector: &Value, labels: &Value) -> Option<bool> {
    if selector.is_null() {
        return Some(false);
    }
    let same = |(key, wanted): (&String, &Value)| labels[key] == *wanted;
    if !selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .all(same)
    {
        return Some(false);
    }
    for rule in selector["matchExpressions"].as_array().into_iter().flatten() {
        let value = &labels[rule["key"].as_str()?];
        let is_listed = rule["values"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one == value);
        let holds = match rule["operator"].as_str()? {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => !value.is_null(),
            "DoesNotExist" => value.is_null(),
            _ => return None,
        };
        if !holds {
            return Some(false);
        }
    }
    Some(true)
}

fn budgets(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let (Some(workload), Some(template)) = (ground.workload, ground.template()) else {
        return;
    };
    let Some(lowest) = ground.demand.and_then(|demand| demand.lowest_ready) else {
        return;
    };
    let Some(replicas) = wanted_pods(workload) else {
        return;
    };
    for budget in ground.of_kind("PodDisruptionBudget") {
        let spec = &budget["spec"];
        if selects(&spec["selector"], &template["metadata"]["labels"]) != Some(true) {
            continue;
        }
        let (field, wanted) = if spec["minAvailable"].is_null() {
            let missing = scaled(&spec["maxUnavailable"], replicas);
            ("maxUnavailable", missing.map(|missing| replicas - missing))
        } else {
            ("minAvailable", scaled(&spec["minAvailable"], replicas))
        };
        let Some(wanted) = wanted.filter(|wanted| i64::from(lowest) < *wanted) else {
            continue;
        };
        let name = name_of(budget);
        let message = format!(
            "{lowest} pods are ready at the least, and pdb/{name} asks for {wanted}: meanwhile nodes cannot be drained, and the budget does not keep the release from it"
        );
        let evidence = vec![Evidence::new(
            format!("pdb/{name}"),
            format!("spec.{field}"),
            text(&spec[field]),
        )];
        let command = ground.look_at("describe", "pdb", name);
        found.push(Blocker::new(
            Id::DisruptionBudget,
            Weight::Risk,
            message,
            evidence,
            command,
        ));
    }
}

fn autoscalers(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    // Blue-green releases switch it off and on again.
    if ground.rollout.spec.strategy.blue_green.is_some() {
        return;
    }
    let (Some(workload), Some(kind)) = (ground.workload, Kind::named(&ground.rollout.spec.workload_ref))
    else {
        return;
    };
    for autoscaler in ground.of_kind("HorizontalPodAutoscaler") {
        let spec = &autoscaler["spec"];
        let target = &spec["scaleTargetRef"];
        if target["kind"] != kind.kind() || target["name"] != name_of(workload) {
            continue;
        }
        let (least, most) = (
            spec["minReplicas"].as_i64().unwrap_or(1),
            spec["maxReplicas"].as_i64().unwrap_or(1),
        );
        let Some(replicas) = wanted_pods(workload) else {
            continue;
        };
        if (least, most) == (replicas, replicas) {
            continue;
        }
        let name = name_of(autoscaler);
        let message = format!(
            "hpa/{name} may scale {} between {least} and {most} pods meanwhile: steps are planned for {replicas}, and it counts the pods of both versions",
            ground.workload_title()
        );
        let evidence = vec![
            Evidence::new(
                format!("hpa/{name}"),
                "spec.scaleTargetRef",
                format!("{} {}", text(&target["kind"]), text(&target["name"])),
            ),
            Evidence::new(
                format!("hpa/{name}"),
                "spec.minReplicas, spec.maxReplicas",
                format!("{least}, {most}"),
            ),
        ];
        let command = ground.look_at("get", "hpa", name);
        found.push(Blocker::new(
            Id::Autoscaler,
            Weight::Risk,
            message,
            evidence,
            command,
        ));
    }
}

/// The release ends well with quick pods and not with slow ones.
pub(super) fn slow_pods(plan: &Plan, ground: &Ground<'_>) -> Option<Blocker> {
    if plan.end != End::Completed || plan.likely_end != Some(End::Degraded) {
        return None;
    }
    let message =
        "with pods that start as slowly as some that run, the release does not go on before its deadline"
            .to_owned();
    let deadline = ground
        .workload
        .map(|workload| text(&workload["spec"]["progressDeadlineSeconds"]));
    let evidence = vec![Evidence::new(
        ground.workload_title(),
        "spec.progressDeadlineSeconds",
        deadline.unwrap_or_default(),
    )];
    let reference = &ground.rollout.spec.workload_ref;
    let command = ground.look_at("describe", &reference.kind, &reference.name);
    Some(Blocker::new(
        Id::SlowPods,
        Weight::Risk,
        message,
        evidence,
        command,
    ))
}
