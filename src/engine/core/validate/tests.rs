//! Every rule of engine-rollout 3, and ours: what is broken, and the whole of what is said.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{of_change, of_rollout, of_v1alpha1, problems};
use crate::{api::v1beta1::Rollout, engine::core::Snapshot};

/// A Rollout that is right, by kind and style.
fn rollout(api_version: &str, kind: &str, style: &str) -> Value {
    json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": {
            "workloadRef": { "apiVersion": api_version, "kind": kind, "name": "web" },
            "strategy": { style: {
                "steps": [{ "replicas": "20%", "traffic": "20%" }, { "replicas": "50%", "traffic": "50%" }, { "replicas": "100%" }],
                "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 3, "ingress": { "name": "web" } }],
            } },
        },
    })
}

fn read(value: Value) -> Rollout {
    serde_json::from_value(value).unwrap()
}

fn told(found: &[super::Problem]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

/// Merges `change` into a Rollout, and says what is wrong then.
fn after(kind: (&str, &str), style: &str, change: &Value) -> Vec<String> {
    let mut value = rollout(kind.0, kind.1, style);
    json_patch::merge(&mut value, change);
    told(&of_rollout(&read(value), None))
}

/// Version and kind, style, what is merged into the Rollout, what is said.
type Case = ((&'static str, &'static str), &'static str, Value, Vec<String>);

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
const CLONE_SET: (&str, &str) = ("apps.kruise.io/v1alpha1", "CloneSet");

#[test]
fn what_is_right_is_taken() {
    let kinds = [
        DEPLOYMENT,
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        CLONE_SET,
        ("apps.kruise.io/v1beta1", "StatefulSet"),
        ("apps.kruise.io/v1alpha1", "DaemonSet"),
    ];
    for kind in kinds {
        assert_eq!(
            after(kind, "canary", &json!({})),
            Vec::<String>::new(),
            "{kind:?}"
        );
    }
    let whole = json!({ "spec": { "strategy": { "blueGreen": { "steps": [{ "replicas": "100%", "traffic": "0%" }, { "replicas": "100%" }] } } } });
    for kind in [DEPLOYMENT, CLONE_SET] {
        assert_eq!(after(kind, "blueGreen", &whole), Vec::<String>::new(), "{kind:?}");
    }
    // Beside an extra canary any share may be split; counts may be larger than the workload, and mixed with shares.
    let canary = |fields: Value| json!({ "spec": { "strategy": { "canary": fields } } });
    let most =
        json!({ "enableExtraWorkloadForCanary": true, "steps": [{ "replicas": "100%", "traffic": "100%" }] });
    assert_eq!(after(DEPLOYMENT, "canary", &canary(most)), Vec::<String>::new());
    let mixed = json!({ "steps": [{ "replicas": 400 }, { "replicas": "20%" }, { "replicas": 1 }] });
    assert_eq!(after(DEPLOYMENT, "canary", &canary(mixed)), Vec::<String>::new());
}

#[test]
fn every_rule_has_its_words() {
    let strategy = |value: Value| json!({ "spec": { "strategy": value } });
    let canary = |value: Value| strategy(json!({ "canary": value }));
    let steps = |value: Value| canary(json!({ "steps": value }));
    let blue = |value: Value| strategy(json!({ "blueGreen": { "steps": value } }));
    let routing = |value: Value| canary(json!({ "trafficRoutings": [value] }));
    let positive =
        "replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\"";
    let share = "traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy";
    let blue_share = "traffic must be percentage with \"0%\" <= traffic <= \"100%\" in blueGreen strategy";
    let grows = "spec.strategy.blueGreen.steps[1].replicas: a CloneSet cannot add new pods step by step in blue-green style: ask for 100% in every step";
    let cases: Vec<Case> = vec![
        // 1
        (("apps/v1", "ReplicaSet"), "canary", json!({}), vec!["spec.workloadRef: WorkloadRef kind is not supported: apps/v1 ReplicaSet".into()]),
        (("batch/v1", "Job"), "canary", json!({}), vec!["spec.workloadRef: WorkloadRef kind is not supported: batch/v1 Job".into()]),
        // 2
        (("apps/v1", "StatefulSet"), "blueGreen", json!({}), vec!["spec.workloadRef: WorkloadRef kind is not supported for bluegreen style".into()]),
        // 3, 4
        (DEPLOYMENT, "canary", strategy(json!({ "canary": null })), vec!["spec.strategy: Canary and BlueGreen cannot both be empty".into()]),
        (DEPLOYMENT, "canary", blue(json!([{ "replicas": 1 }])), vec!["spec.strategy: Canary and BlueGreen cannot both be set".into()]),
        // 5
        (DEPLOYMENT, "canary", canary(json!({ "trafficRoutings": [
            { "service": "web", "ingress": { "name": "web" } }, { "service": "web", "ingress": { "name": "web" } }] })),
            vec!["spec.strategy.canary.trafficRoutings: Rollout currently only support single TrafficRouting.".into()]),
        // 6 to 10
        (DEPLOYMENT, "canary", routing(json!({ "service": "web", "gracePeriodSeconds": -1, "ingress": { "name": "web" } })),
            vec!["spec.strategy.canary.trafficRoutings[0].gracePeriodSeconds: TrafficRouting.GracePeriodSeconds cannot be negative".into()]),
        (DEPLOYMENT, "canary", routing(json!({ "service": "", "ingress": { "name": "web" } })),
            vec!["spec.strategy.canary.trafficRoutings[0].service: TrafficRouting.Service cannot be empty".into()]),
        (DEPLOYMENT, "canary", routing(json!({ "service": "web" })),
            vec!["spec.strategy.canary.trafficRoutings[0]: TrafficRoutings are not set".into()]),
        (DEPLOYMENT, "canary", routing(json!({ "service": "web", "ingress": { "name": "" } })),
            vec!["spec.strategy.canary.trafficRoutings[0].ingress.name: TrafficRouting.Ingress.Ingress cannot be empty".into()]),
        (DEPLOYMENT, "canary", routing(json!({ "service": "web", "gateway": {} })),
            vec!["spec.strategy.canary.trafficRoutings[0].gateway.httpRouteName: TrafficRouting.Gateway must set the name of HTTPRoute or HTTPsRoute".into()]),
        // 11
        (DEPLOYMENT, "canary", steps(json!([])), vec!["spec.strategy.canary.steps: The number of Canary.Steps cannot be empty".into()]),
        (DEPLOYMENT, "blueGreen", blue(json!([])), vec!["spec.strategy.blueGreen.steps: The number of Canary.Steps cannot be empty".into()]),
        // 12, 13
        (DEPLOYMENT, "canary", steps(json!([{ "traffic": "20%" }])), vec!["spec.strategy.canary.steps[0].replicas: replicas cannot be empty".into()]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": 0 }])), vec![format!("spec.strategy.canary.steps[0].replicas: {positive}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": -1 }])), vec![format!("spec.strategy.canary.steps[0].replicas: {positive}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": "0%" }])), vec![format!("spec.strategy.canary.steps[0].replicas: {positive}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": "101%" }])), vec![format!("spec.strategy.canary.steps[0].replicas: {positive}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": "many" }])), vec![format!("spec.strategy.canary.steps[0].replicas: {positive}")]),
        // 14
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": "51%", "traffic": "51%" }])),
            vec!["spec.strategy.canary.steps[0].replicas: For partition style rollout: step[x].replicas must not greater than partition-percent-limit if traffic specified: 51% > 50%".into()]),
        (CLONE_SET, "canary", canary(json!({ "enableExtraWorkloadForCanary": true, "steps": [{ "replicas": "60%", "matches": [{ "headers": [{ "name": "a", "value": "b" }] }] }] })),
            vec!["spec.strategy.canary.steps[0].replicas: For partition style rollout: step[x].replicas must not greater than partition-percent-limit if traffic specified: 60% > 50%".into()]),
        // 15, 16
        (DEPLOYMENT, "blueGreen", blue(json!([{ "replicas": "100%", "traffic": "101%" }])), vec![format!("spec.strategy.blueGreen.steps[0].traffic: {blue_share}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": 1, "traffic": "0%" }])), vec![format!("spec.strategy.canary.steps[0].traffic: {share}")]),
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": 1, "traffic": "20" }])), vec![format!("spec.strategy.canary.steps[0].traffic: {share}")]),
        // 17
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": "20%" }, { "replicas": "10%" }, { "replicas": 5 }, { "replicas": 4 }])),
            vec!["spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence".into(),
                "spec.strategy.canary.steps[3].replicas: Steps.CanaryReplicas must be a non decreasing sequence".into()]),
        // ours
        (DEPLOYMENT, "canary", steps(json!([{ "replicas": 1, "pause": { "duration": -5 } }])), vec!["spec.strategy.canary.steps[0].pause.duration: cannot be negative".into()]),
        (CLONE_SET, "blueGreen", blue(json!([{ "replicas": "50%" }, { "replicas": "100%" }])), vec![grows.into()]),
        (CLONE_SET, "blueGreen", blue(json!([{ "replicas": 1 }, { "replicas": "100%" }])), vec![grows.into()]),
        (DEPLOYMENT, "canary", json!({ "spec": { "workloadRef": { "name": "" } } }), vec!["spec.workloadRef: WorkloadRef is required: it has no name".into()]),
        // all at once
        (("apps/v1", "StatefulSet"), "blueGreen", strategy(json!({ "blueGreen": { "steps": [{}], "trafficRoutings": [{ "service": "" }] } })), vec![
            "spec.workloadRef: WorkloadRef kind is not supported for bluegreen style".into(),
            "spec.strategy.blueGreen.trafficRoutings[0].service: TrafficRouting.Service cannot be empty".into(),
            "spec.strategy.blueGreen.trafficRoutings[0]: TrafficRoutings are not set".into(),
            "spec.strategy.blueGreen.steps[0].replicas: replicas cannot be empty".into(),
        ]),
    ];
    for (kind, style, change, expected) in cases {
        assert_eq!(after(kind, style, &change), expected, "{kind:?} {style} {change}");
    }
}

#[test]
fn what_the_cluster_has_in_the_way_is_told_too() {
    let object = |value: Value| -> DynamicObject { serde_json::from_value(value).unwrap() };
    let long = "w".repeat(240);
    let mut value = rollout("apps/v1", "Deployment", "blueGreen");
    value["spec"]["strategy"]["blueGreen"]["steps"] = json!([{ "replicas": "100%" }]);
    let aimed = |name: &str| {
        object(json!({ "metadata": { "name": "scaler" }, "spec": { "scaleTargetRef": { "name": name } } }))
    };
    let mut s = Snapshot {
        rollout: read(value),
        rivals: vec!["other".to_owned()],
        unserved: Some("deployments.apps".to_owned()),
        autoscalers: vec![aimed(&long), aimed("web"), aimed("web-DisableByRollout")],
        ..Snapshot::default()
    };
    assert_eq!(
        told(&problems(&s)),
        [
            "spec.workloadRef: the cluster does not serve deployments.apps",
            "spec.workloadRef: This rollout conflict with Rollout(shop/other), one workload only have less than one Rollout",
            "spec.workloadRef: HorizontalPodAutoscaler scaler cannot be switched off for a blue-green release: the workload's name and -DisableByRollout have more than 253 characters together",
        ]
    );
    let mut value = rollout("apps/v1", "StatefulSet", "canary");
    value["spec"]["strategy"]["canary"]["patchPodTemplateMetadata"] =
        json!({ "labels": { "app": "other", "tier": "x", "same": "s" } });
    s = Snapshot {
        rollout: read(value),
        workload: Some(object(
            json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "web" },
            "spec": { "selector": { "matchLabels": { "app": "web", "same": "s" } }, "updateStrategy": { "type": "OnDelete" } } }),
        )),
        ..Snapshot::default()
    };
    assert_eq!(
        told(&problems(&s)),
        [
            "spec.workloadRef: the workload's updateStrategy.type is OnDelete: its pods are replaced by hand, not in steps",
            "spec.strategy.canary.patchPodTemplateMetadata.labels[app]: the workload's selector needs this label as it is",
        ]
    );
}

#[test]
fn in_the_middle_of_a_release_some_things_stay() {
    let at = |phase: &str, style: &str| {
        let mut value = rollout("apps/v1", "Deployment", style);
        value["status"] = json!({ "phase": phase });
        value
    };
    let cases = [
        (
            "canary",
            json!({ "spec": { "workloadRef": { "name": "other" } } }),
            vec!["spec.workloadRef: Rollout 'ObjectRef' field is immutable"],
        ),
        (
            "canary",
            json!({ "spec": { "strategy": { "canary": { "trafficRoutings": null } } } }),
            vec![
                "spec.strategy.canary.trafficRoutings: Rollout 'Strategy.Canary.TrafficRoutings' field is immutable",
            ],
        ),
        (
            "blueGreen",
            json!({ "spec": { "strategy": { "blueGreen": { "trafficRoutings": [{ "service": "web", "ingress": { "name": "other" } }] } } } }),
            vec![
                "spec.strategy.blueGreen.trafficRoutings: Rollout 'Strategy.BlueGreen.TrafficRoutings' field is immutable",
            ],
        ),
        (
            "canary",
            json!({ "spec": { "strategy": { "canary": { "enableExtraWorkloadForCanary": true } } } }),
            vec!["spec.strategy: Rollout style and enableExtraWorkloadForCanary are immutable"],
        ),
        // Steps come and go (not upstream's rule 22).
        (
            "canary",
            json!({ "spec": { "strategy": { "paused": true, "canary": { "steps": [{ "replicas": 1 }] } } } }),
            vec![],
        ),
        ("canary", json!({ "spec": { "disabled": true } }), vec![]),
    ];
    for (style, change, expected) in cases {
        for phase in ["Progressing", "Terminating", "Healthy", "Disabling", "Initial"] {
            let old = at(phase, style);
            let mut new = old.clone();
            json_patch::merge(&mut new, &change);
            let fixed = ["Progressing", "Terminating"].contains(&phase);
            let expected: &[&str] = if fixed { &expected } else { &[] };
            assert_eq!(
                told(&of_change(&read(old), &read(new))),
                expected,
                "{phase} {change}"
            );
        }
    }
}

#[test]
fn manifests_of_v1alpha1_have_rules_of_their_own() {
    let manifest = |style: Value, reference: Value, canary: Value| {
        json!({
            "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "Rollout",
            "metadata": { "name": "web", "annotations": { "rollouts.kruise.io/rolling-style": style } },
            "spec": { "objectRef": reference, "strategy": { "canary": canary } },
        })
    };
    let web = || json!({ "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } });
    let steps = |steps: Value| json!({ "steps": steps });
    let split = |steps: Value| json!({ "steps": steps, "trafficRoutings": [{ "service": "web", "ingress": { "name": "web" } }] });
    let range =
        "weight must be positive number, and less than or equal to replicasLimitWithTraffic (defaults to 30)";
    let cases = [
        (manifest(json!("Partition"), web(), steps(json!([{ "weight": 20 }, { "replicas": 3 }]))), vec![]),
        (manifest(json!(""), web(), split(json!([{ "weight": 20 }, { "weight": 80 }]))), vec![]),
        (manifest(json!("canary"), json!({}), steps(json!([{ "replicas": 0 }]))), vec![
            "spec.objectRef.workloadRef: WorkloadRef is required".to_owned(),
            "spec.strategy.canary.steps[0].replicas: replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\"".to_owned(),
        ]),
        (manifest(json!("rolling"), web(), steps(json!([{ "weight": 20 }]))), vec![
            "metadata.annotations[rollouts.kruise.io/rolling-style]: Rolling style must be 'Canary', 'Partition' or empty".to_owned(),
        ]),
        (manifest(json!("canary"), web(), Value::Null), vec!["spec.strategy.canary: Canary cannot be empty".to_owned()]),
        (manifest(json!("canary"), web(), steps(json!([]))), vec![
            "spec.strategy.canary.steps: The number of Canary.Steps cannot be empty".to_owned(),
        ]),
        (manifest(json!("canary"), web(), steps(json!([{}, { "weight": 0 }, { "weight": 101 }]))), vec![
            "spec.strategy.canary.steps[0]: weight and replicas cannot be empty at the same time".to_owned(),
            format!("spec.strategy.canary.steps[1].weight: {range}"),
            format!("spec.strategy.canary.steps[2].weight: {range}"),
        ]),
        (manifest(json!("partition"), web(), split(json!([{ "weight": 60 }]))), vec![
            "spec.strategy.canary.steps[0].weight: For patition style rollout: step[x].weight must not greater than replicasLimitWithTraffic if replicas is not specified".to_owned(),
        ]),
        (manifest(json!("partition"), web(), split(json!([{ "weight": 10, "replicas": "60%" }]))), vec![
            "spec.strategy.canary.steps[0].replicas: For patition style rollout: step[x].replicas must not greater than replicasLimitWithTraffic if traffic or matches specified".to_owned(),
        ]),
        (manifest(json!("canary"), web(), split(json!([{ "weight": 60 }, { "weight": 50, "replicas": 9 }]))), vec![
            "spec.strategy.canary.steps[1].weight: Steps.Weight must be a non decreasing sequence".to_owned(),
        ]),
    ];
    for (manifest, expected) in cases {
        assert_eq!(told(&of_v1alpha1(&manifest)), expected, "{manifest}");
    }
}
