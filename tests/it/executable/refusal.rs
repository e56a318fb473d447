//! What no engine could carry out is refused before anything is written: exit code 1, every problem with its field.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

/// The application with its Rollout changed so.
fn broken(turns: &[Turn], change: &Value) -> Served {
    let mut objects = after(turns);
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            json_patch::merge(object, change);
        }
    }
    Served::with(objects, Life::Still)
}

fn one_bad_step() -> Value {
    json!({ "spec": { "strategy": { "canary": { "steps": [{ "replicas": "20%", "traffic": "120%" }, { "replicas": "10%" }] } } } })
}

#[test]
fn a_new_version_is_not_held_for_it() {
    let shop = broken(&[], &one_bad_step());
    let line = |words: [&str; 4]| shop.kruise(&words).to_string();
    let image = line(["set", "image", "rollout/web", "main=web:v2"]);
    assert_eq!(line(["set", "env", "deploy/web", "A=2"]), image);
    assert_snapshot!(image, @r#"
        exit 1
        --- stderr
        error: rollout.rollouts.kruise.io/web is invalid:
          spec.strategy.canary.steps[0].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy
          spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence

        hint: kubectl edit rollouts.rollouts.kruise.io web -n shop
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn a_step_is_not_approved_for_it() {
    let shop = broken(
        &[Turn::Released("web:v2")],
        &json!({ "spec": { "strategy": { "canary": { "steps": [{ "traffic": "20%" }] } } } }),
    );
    assert_snapshot!(shop.kruise(&["approve", "web"]), @r#"
    exit 1
    --- stderr
    error: rollout.rollouts.kruise.io/web is invalid: spec.strategy.canary.steps[0].replicas: replicas cannot be empty

    hint: kubectl edit rollouts.rollouts.kruise.io web -n shop
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn trap23_two_rollouts_of_one_workload() {
    let mut objects = after(&[]);
    let mut other = objects
        .iter()
        .find(|object| object["kind"] == "Rollout")
        .unwrap()
        .clone();
    other["metadata"]["name"] = json!("other");
    other["metadata"]["uid"] = json!("uid-other");
    objects.push(other);
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/web", "main=web:v2"]), @r#"
    exit 1
    --- stderr
    error: rollout.rollouts.kruise.io/other is invalid: spec.workloadRef: This rollout conflict with Rollout(shop/web), one workload only have less than one Rollout

    hint: disable one of them: kubectl edit rollouts.rollouts.kruise.io web -n shop
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn an_engine_says_it_and_the_status_too() {
    let shop = broken(&[], &one_bad_step());
    assert_snapshot!(shop.kruise(&["run", "web"]), @r#"
    exit 1
    --- stderr
    TIME  shop/web  the Rollout is invalid: spec.strategy.canary.steps[0].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy; spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence
    error: rollout.rollouts.kruise.io/web is invalid:
      spec.strategy.canary.steps[0].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy
      spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence

    hint: kubectl edit rollouts.rollouts.kruise.io web -n shop
    "#);
    assert_eq!(
        shop.rollout()["status"]["message"],
        "the Rollout is invalid: spec.strategy.canary.steps[0].traffic: traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy; spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence"
    );
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r#"
    exit 3
    --- stdout
    Plan for shop/web
    ! invalid-rollout: spec.strategy.canary.steps[0].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy
        rollout/web  spec.strategy.canary.steps[0].traffic: traffic must be percentage with "0%" < traffic <= "100%" in canary strategy
        next: kubectl edit rollouts.rollouts.kruise.io web -n shop
    ! invalid-rollout: spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence
        rollout/web  spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence
        next: kubectl edit rollouts.rollouts.kruise.io web -n shop
    Summary: 0 steps, 0 writes, never below 3 ready pods, at most 3 pods, +TIME at the earliest, 2 blockers, blocked.
    "#);
}

#[test]
fn nothing_of_a_folder_is_applied() {
    let shop = Served::with(after(&[]), Life::Still);
    let path = shop.folder.file("manifests.json");
    let manifest = |version: &str, spec: Value| json!({ "apiVersion": format!("rollouts.kruise.io/{version}"), "kind": "Rollout", "metadata": { "name": "web" }, "spec": spec });
    let web = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
    let texts = [
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "first" } }),
        manifest("v1beta1", json!({ "workloadRef": web, "strategy": {} })),
        manifest("v1alpha1", json!({ "objectRef": { "workloadRef": web }, "strategy": { "canary": { "steps": [{}, { "weight": 0 }] } } })),
    ]
    .map(|object| object.to_string());
    std::fs::write(&path, texts.join("\n---\n")).unwrap();
    let path = path.to_str().unwrap();
    let outcome = shop
        .kruise(&["apply", "-f", path])
        .to_string()
        .replace(path, "FILE");
    assert_snapshot!(outcome, @r#"
    exit 1
    --- stderr
    error: TMP/FOLDER/manifests.json, document 2: Rollout "web" is invalid: spec.strategy: Canary and BlueGreen cannot both be empty

    hint: nothing was applied; correct the manifest and apply again
    error: TMP/FOLDER/manifests.json, document 3: Rollout "web" is invalid:
      spec.strategy.canary.steps[0]: weight and replicas cannot be empty at the same time
      spec.strategy.canary.steps[1].weight: weight must be positive number, and less than or equal to replicasLimitWithTraffic (defaults to 30)

    hint: nothing was applied; correct the manifest and apply again
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn what_stays_in_the_middle_of_a_release_is_not_applied() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let mut rollout = shop.rollout();
    rollout["metadata"] = json!({ "name": "web" });
    rollout.as_object_mut().unwrap().remove("status");
    rollout["spec"]["workloadRef"]["name"] = json!("other");
    let path = shop.folder.file("rollout.json");
    std::fs::write(&path, rollout.to_string()).unwrap();
    let path = path.to_str().unwrap();
    let outcome = shop
        .kruise(&["apply", "-f", path])
        .to_string()
        .replace(path, "FILE");
    assert_snapshot!(outcome, @r#"
    exit 1
    --- stderr
    error: TMP/FOLDER/rollout.json, document 1: rollout.rollouts.kruise.io/web is invalid: spec.workloadRef: Rollout 'ObjectRef' field is immutable

    hint: a release is under way: let it end, or roll it back, and apply again
    "#);
    assert_eq!(shop.sim.trace(), []);
}
