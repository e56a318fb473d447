//! Causes that are others: disruption budgets, autoscalers, other Rollouts, other writers.

use serde_json::Value;

use super::{
    Cause, Evidence, Finding, Scene,
    scene::{condition, entries, text, time},
};
use crate::{
    api::{
        keys,
        v1beta1::{RollingStyle, StepState},
    },
    workload::hold,
};

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let reference = &scene.rollout.spec.workload_ref;
    let same = |kind: &Value, name: &Value| *kind == *reference.kind && *name == *reference.name;
    for other in &scene.sight.rollouts {
        let target = match &other["spec"]["workloadRef"] {
            Value::Null => &other["spec"]["objectRef"]["workloadRef"],
            target => target,
        };
        let name = text(&other["metadata"]["name"]);
        if name != scene.name() && same(&target["kind"], &target["name"]) && other["spec"]["disabled"] != true
        {
            let evidence = vec![Evidence::new(
                format!("rollout/{name}"),
                "spec.workloadRef.name",
                &reference.name,
            )];
            let cause = Cause::TwoRollouts {
                other: name.to_owned(),
            };
            let since = time(&other["metadata"]["creationTimestamp"]);
            found.push(Finding::new(cause, true, since, evidence));
        }
    }
    orphans(scene, found);
    if scene.position.deleting || scene.position.disabled {
        return;
    }
    budgets(scene, found);
    let Some(workload) = scene.workload else { return };
    let has = workload["spec"]["replicas"].as_i64().unwrap_or(1);
    for autoscaler in &scene.sight.autoscalers {
        let target = &autoscaler["spec"]["scaleTargetRef"];
        let wants = autoscaler["status"]["desiredReplicas"]
            .as_i64()
            .unwrap_or_default();
        if same(&target["kind"], &target["name"]) && wants > 0 && wants != has {
            let name = text(&autoscaler["metadata"]["name"]).to_owned();
            let title = format!("horizontalpodautoscaler/{name}");
            let evidence = vec![
                Evidence::new(title, "status.desiredReplicas", wants.to_string()),
                Evidence::new(scene.workload_title(), "spec.replicas", has.to_string()),
            ];
            let blocks = scene.position.under_way() && scene.position.state == StepState::StepUpgrade;
            found.push(Finding::new(
                Cause::HpaFighting { name, wants, has },
                blocks,
                None,
                evidence,
            ));
        }
    }
    drift(scene, workload, has, found);
    reverts(scene, workload, found);
}

fn orphans(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let reference = &scene.rollout.spec.workload_ref;
    let own = scene.rollout.metadata.uid.as_deref().unwrap_or_default();
    for release in &scene.sight.batch_releases {
        let target = match &release["spec"]["workloadRef"] {
            Value::Null => &release["spec"]["targetReference"]["workloadRef"],
            target => target,
        };
        let mut owners = entries(&release["metadata"]["ownerReferences"]);
        let owned = owners.any(|owner| owner["uid"] == own);
        if target["name"] == *reference.name && !owned {
            let name = text(&release["metadata"]["name"]).to_owned();
            let evidence = vec![Evidence::new(
                format!("batchrelease/{name}"),
                "metadata.ownerReferences",
                "not this Rollout",
            )];
            found.push(Finding::new(
                Cause::OrphanBatchRelease { name },
                true,
                None,
                evidence,
            ));
        }
    }
}

/// A budget matters only to what evicts; workloads that replace pods in place do, and nodes that are drained.
fn budgets(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let waits = condition_false(scene, "EvictionBlocked");
    for budget in &scene.sight.budgets {
        let name = text(&budget["metadata"]["name"]);
        let allowed = budget["status"]["disruptionsAllowed"].as_i64();
        let labels = &budget["spec"]["selector"]["matchLabels"];
        let ours = labels.as_object().is_some_and(|wanted| {
            scene.sight.pods.iter().any(|pod| {
                wanted
                    .iter()
                    .all(|(key, value)| pod["metadata"]["labels"][key] == *value)
            })
        });
        let refused = scene.sight.events.iter().find(|event| {
            let message = text(&event["message"]);
            message.contains("disruption budget") && text(&event["type"]) != "Normal"
        });
        if ours && allowed == Some(0) && (waits || refused.is_some()) {
            let mut evidence = vec![Evidence::new(
                format!("poddisruptionbudget/{name}"),
                "status.disruptionsAllowed",
                "0",
            )];
            if let Some(event) = refused {
                evidence.push(Evidence::new("event", "message", text(&event["message"])));
            }
            let cause = Cause::PdbBlocks {
                name: name.to_owned(),
            };
            found.push(Finding::new(cause, scene.position.under_way(), None, evidence));
        }
    }
}

fn condition_false(scene: &Scene<'_>, kind: &str) -> bool {
    scene
        .workload
        .and_then(|workload| condition(&workload["status"], kind))
        .is_some_and(|condition| condition["status"] == "True")
}

/// The Deployment has more or fewer pods than its ReplicaSets should have by now, and its controller has seen its spec.
fn drift(scene: &Scene<'_>, workload: &Value, wanted: i64, found: &mut Vec<Finding>) {
    let own = &workload["metadata"]["uid"];
    if workload["kind"] != "Deployment" || scene.position.under_way() || !scene.verdict.is_at_rest() {
        return;
    }
    let sets = scene
        .sight
        .sets
        .iter()
        .filter(|set| entries(&set["metadata"]["ownerReferences"]).any(|owner| &owner["uid"] == own));
    let has: i64 = sets
        .map(|set| set["spec"]["replicas"].as_i64().unwrap_or_default())
        .sum();
    if !scene.sight.sets.is_empty() && has != wanted && workload["spec"]["paused"] == true {
        let evidence = vec![
            Evidence::new(scene.workload_title(), "spec.replicas", wanted.to_string()),
            Evidence::new("replicasets", "spec.replicas", has.to_string()),
            Evidence::new(scene.workload_title(), "spec.paused", "true"),
        ];
        found.push(Finding::new(
            Cause::ReplicaDrift { wanted, has },
            false,
            None,
            evidence,
        ));
    }
}

/// Somebody else than an engine owns a field of the hold while a release is under way, and it is not as the hold needs it.
fn reverts(scene: &Scene<'_>, workload: &Value, found: &mut Vec<Finding>) {
    let marked = workload["metadata"]["annotations"][keys::IN_PROGRESSING].is_string();
    let held = scene.position.reason == "InRolling" && scene.position.style != Some(RollingStyle::BlueGreen);
    if !marked || !held || workload["kind"] != "Deployment" {
        return;
    }
    if hold::at(&workload["spec"], "paused") == true {
        return;
    }
    let managers = entries(&workload["metadata"]["managedFields"]).filter(|entry| {
        let manager = text(&entry["manager"]);
        let ours =
            manager == keys::FIELD_MANAGER || manager.starts_with("kube-") || manager.contains("rollout");
        !ours && entry["fieldsV1"]["f:spec"]["f:paused"].is_object()
    });
    if let Some(entry) = managers.max_by_key(|entry| time(&entry["time"])) {
        let manager = text(&entry["manager"]).to_owned();
        let evidence = vec![
            Evidence::new(scene.workload_title(), "spec.paused", "not true"),
            Evidence::new(
                scene.workload_title(),
                "metadata.managedFields[spec.paused].manager",
                &manager,
            ),
        ];
        let since = time(&entry["time"]);
        found.push(Finding::new(
            Cause::GitOpsReverts { manager },
            true,
            since,
            evidence,
        ));
    }
}
