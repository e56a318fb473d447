//! Our definitions answer as upstream's do: the same manifests are taken, and stored with the same values.

use std::{path::PathBuf, process::Command};

use kube::{
    api::{Api, DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::control_plane::{ControlPlane, User, shared};
use crate::crd_answers::{answers, install, surprises};

/// The newest release of upstream that the Go module proxy has.
const UPSTREAM: &str = "github.com/openkruise/rollouts@v0.6.2";

/// What that release still takes and upstream's main branch, which is our measure, refuses.
const NEWER: &[&str] = &[
    "51 steps",
    "17 matches",
    "a relative path",
    "an empty path",
    "a path with //",
    "a path with /./",
    "a path with /../",
    "a path with %2f",
    "a path with %2F",
    "a path with a hash",
    "a path ending in /..",
    "a path ending in /.",
    "a path with a space",
    "a header removed twice",
];

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_definitions_answer_as_upstreams() {
    let client = shared().client(User::Admin, "tests").await;
    let ours = answers(&client, "default").await;
    assert_eq!(surprises(&ours), Vec::<String>::new());

    // Two definitions of one kind cannot stand side by side, so upstream's get a control plane of their own.
    let plane = ControlPlane::start(0);
    let client = plane.client(User::Admin, "tests").await;
    install(&client, &upstream()).await;
    let theirs = answers(&client, "default").await;
    assert_eq!(ours.len(), theirs.len());
    let differing: Vec<_> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .collect();
    let stricter: Vec<&str> = differing.iter().map(|(ours, _)| ours.0.as_str()).collect();
    assert_eq!(stricter, NEWER, "{differing:#?}");
    assert!(
        differing.iter().all(|(ours, theirs)| !ours.1 && theirs.1),
        "{differing:#?}"
    );
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_definitions_keep_what_may_not_change_in_the_middle_of_a_release() {
    let client = shared().client(User::Admin, "tests").await;
    let kind = GroupVersionKind::gvk("rollouts.kruise.io", "v1beta1", "Rollout");
    let resource = ApiResource::from_gvk_with_plural(&kind, "rollouts");
    let rollouts: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let styles = [
        (
            "canary",
            json!({ "steps": [{ "replicas": 1 }], "trafficRoutings": [{ "service": "web", "ingress": { "name": "web" } }] }),
        ),
        ("blueGreen", json!({ "steps": [{ "replicas": 1 }] })),
    ];
    let edits = [
        (
            json!({ "workloadRef": { "name": "other" } }),
            Some("Rollout 'ObjectRef' field is immutable"),
            Some("Rollout 'ObjectRef' field is immutable"),
        ),
        (
            json!({ "strategy": { "canary": { "trafficRoutings": null } } }),
            Some("Rollout 'Strategy.Canary.TrafficRoutings' field is immutable"),
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
        ),
        (
            json!({ "strategy": { "canary": { "trafficRoutings": [{ "service": "other", "ingress": { "name": "web" } }] } } }),
            Some("Rollout 'Strategy.Canary.TrafficRoutings' field is immutable"),
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
        ),
        (
            json!({ "strategy": { "canary": { "enableExtraWorkloadForCanary": true } } }),
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
        ),
        (
            json!({ "strategy": { "canary": null, "blueGreen": { "trafficRoutings": [{ "service": "web", "ingress": { "name": "web" } }] } } }),
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
            Some("Rollout 'Strategy.BlueGreen.TrafficRoutings' field is immutable"),
        ),
        (
            json!({ "strategy": { "paused": true }, "disabled": true }),
            None,
            None,
        ),
        (
            json!({ "strategy": { "canary": { "steps": [{ "replicas": 1 }, { "replicas": 2 }], "enableExtraWorkloadForCanary": false } } }),
            None,
            Some("Rollout style and enableExtraWorkloadForCanary are immutable"),
        ),
    ];
    for (style, strategy) in styles {
        let name = format!("middle-{}", style.to_lowercase());
        let object = json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": name },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": { style: strategy } },
        });
        let apply = PatchParams::apply("tests").force();
        rollouts
            .patch(&name, &apply, &Patch::Apply(&object))
            .await
            .unwrap();
        let dry = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        for phase in ["Progressing", "Terminating", "Healthy", "Disabling"] {
            let status = json!({ "status": { "phase": phase, "currentStepIndex": 1, "currentStepState": "StepPaused" } });
            rollouts
                .patch_status(&name, &PatchParams::default(), &Patch::Merge(&status))
                .await
                .unwrap();
            for (spec, canary, blue_green) in &edits {
                let expected = if style == "canary" { canary } else { blue_green };
                let expected = expected.filter(|_| ["Progressing", "Terminating"].contains(&phase));
                let answer = rollouts
                    .patch(&name, &dry, &Patch::Merge(json!({ "spec": spec })))
                    .await;
                let said = match answer {
                    Ok(_) => None,
                    Err(kube::Error::Api(status)) => Some(status.message),
                    Err(error) => panic!("{error}"),
                };
                let is_right = match (expected, &said) {
                    (None, None) => true,
                    (Some(words), Some(said)) => said.contains(words),
                    _ => false,
                };
                assert!(is_right, "{style} {phase} {spec}: {expected:?}, {said:?}");
            }
        }
    }
}

/// Upstream's definitions, from its Go module, without what needs its controller: webhooks.
fn upstream() -> Vec<Value> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", UPSTREAM])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = PathBuf::from(
        answer["Dir"]
            .as_str()
            .unwrap_or_else(|| panic!("go mod download: {answer}")),
    );
    ["rollouts", "trafficroutings"]
        .map(|plural| {
            let path = folder.join(format!("config/crd/bases/rollouts.kruise.io_{plural}.yaml"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
            definition["spec"].as_object_mut().unwrap().remove("conversion");
            definition.as_object_mut().unwrap().remove("status");
            definition
        })
        .into()
}
