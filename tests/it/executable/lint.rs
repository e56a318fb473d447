//! `lint`: what is wrong before a release begins.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Folder, Life, Outcome, Served, program},
    shop::{NAMESPACE, application, settled, several_after},
};

const SOUND: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: 'web:v1', readinessProbe: {tcpSocket: {port: 80}}}
---
apiVersion: rollouts.kruise.io/v1beta1
kind: Rollout
metadata:
  name: web
spec:
  workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  strategy:
    canary:
      steps:
      - replicas: 1
        pause: {}
      - replicas: 100%
";

fn lint(text: &str, arguments: &[&str]) -> Outcome {
    let folder = Folder::new();
    std::fs::write(folder.file("web.yaml"), text).unwrap();
    let mut command = program();
    command
        .args(["rollout", "lint", "web.yaml"])
        .args(arguments)
        .current_dir(folder.file(""));
    Outcome::of(command.output().unwrap())
}

#[test]
fn what_is_sound_is_said_to_be() {
    assert_snapshot!(lint(SOUND, &[]), @"
    exit 0
    --- stdout
    2 objects, 1 Rollout of them: nothing is wrong
    ");
}

#[test]
fn findings_have_a_line_and_a_fix() {
    let text = SOUND.replace("replicas: 100%", "replicas: 0\n        paused: true");
    assert_snapshot!(lint(&text, &[]), @r#"
    exit 3
    --- stdout
    web.yaml:25: warning: Rollout web: spec.strategy.canary.steps[1].paused: there is no such field, an API server drops it; pause may be meant [unknown-field]
        fix: correct its name or its place, or take it out
    web.yaml:24: error: Rollout web: spec.strategy.canary.steps[1].replicas: replicas must be positive number, or a percentage with "0%" < canaryReplicas <= "100%" [step-replicas]
        fix: give replicas as a number from 1 or a percentage from 1% to 100%, in rising order
    web.yaml:24: error: Rollout web: spec.strategy.canary.steps[1].replicas: Steps.CanaryReplicas must be a non decreasing sequence [step-replicas]
        fix: give replicas as a number from 1 or a percentage from 1% to 100%, in rising order
    2 objects, 1 Rollout of them: 2 errors, 1 warning
    "#);
}

#[test]
fn warnings_fail_only_where_that_is_asked() {
    let text = SOUND.replace("        pause: {}\n", "        paused: {}\n");
    let codes: Vec<_> = [&[][..], &["--strict"]]
        .map(|arguments| lint(&text, arguments).code)
        .to_vec();
    assert_eq!(codes, [Some(0), Some(3)]);
}

#[test]
fn programs_read_json_and_sarif() {
    let text = SOUND.replace("- replicas: 1\n", "- replicas: 0\n");
    let document = lint(&text, &["-o", "json"]).json();
    let message =
        "replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\"";
    let fix = "give replicas as a number from 1 or a percentage from 1% to 100%, in rising order";
    let field = "spec.strategy.canary.steps[0].replicas";
    assert_eq!(
        document,
        json!({
            "apiVersion": "cli.kruise.dev/v1", "kind": "LintReport", "schema": "1.0",
            "summary": "2 objects, 1 Rollout of them: 1 error", "objects": 2, "rollouts": 1,
            "findings": [{
                "rule": "step-replicas", "severity": "error", "object": "Rollout web", "field": field,
                "message": message, "fix": fix, "file": "web.yaml", "line": 22,
            }],
        })
    );
    let sarif = lint(&text, &["-o", "sarif"]).json();
    let run = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 1);
    assert_eq!(
        run["results"],
        json!([{
            "ruleId": "step-replicas", "level": "error",
            "message": { "text": format!("Rollout web: {field}: {message}. Fix: {fix}.") },
            "locations": [{
                "physicalLocation": { "artifactLocation": { "uri": "web.yaml" }, "region": { "startLine": 22 } },
                "logicalLocations": [{ "fullyQualifiedName": format!("Rollout web: {field}"), "kind": "object" }],
            }],
        }])
    );
}

#[test]
fn bad_input_is_told() {
    let told = |text: &str| lint(text, &[]).to_string();
    assert_snapshot!(told("kind: Service\napiVersion: v1\nmetadata: {name: web}\n"), @"
    exit 7
    --- stderr
    error: no Rollout in web.yaml

    hint: name the files of the Rollout together with those of its workload, Services and routes
    hint: for what a cluster has: kubectl kruise rollout lint --live
    ");
    assert_snapshot!(told("kind: [\n"), @"
    exit 1
    --- stderr
    error: web.yaml, document 1, line 1 does not parse: unclosed bracket '['
    ");
    assert_snapshot!(Outcome::of(program().args(["rollout", "lint", "nowhere.yaml"]).output().unwrap()), @r#"
    exit 7
    --- stderr
    error: the path "nowhere.yaml" does not exist
    "#);
    assert_snapshot!(Outcome::of(program().args(["rollout", "lint"]).output().unwrap()), @"
    exit 64
    --- stderr
    error: the following required arguments were not provided:
      <FILE>...

    Usage: kubectl kruise rollout lint <FILE>...

    For more information, try '--help'.
    ");
}

/// Rollouts share their surroundings: what was read for one is not asked for again for the next.
#[test]
fn nothing_of_a_cluster_is_read_twice() {
    let shop = Served::with(several_after(&["web", "api", "shop"], &[]), Life::Still);
    let said = shop.kruise(&["lint", "--live"]);
    assert_eq!(said.code, Some(0), "{said}");
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for request in shop.requests() {
        *counted
            .entry(format!("{} {}", request.verb, request.path))
            .or_default() += 1;
    }
    // Of these each asks for its own, by labels.
    let twice: Vec<_> = counted
        .iter()
        .filter(|(path, count)| {
            **count > 1
                && !["/pods", "/replicasets", "/deployments"]
                    .iter()
                    .any(|own| path.ends_with(own))
        })
        .collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// A value of a wrong type is told where it stands.
#[test]
fn a_wrong_type_has_its_place() {
    let folder = Folder::new();
    let file = folder.file("web.yaml");
    let text = "apiVersion: rollouts.kruise.io/v1beta1\nkind: Rollout\nmetadata:\n  name: web\nspec:\n  disabled: \"no\"\n  workloadRef:\n    \
                apiVersion: apps/v1\n    kind: Deployment\n    name: web\n  strategy:\n    canary:\n      steps:\n      - replicas: 1\n      \
                - replicas: [2]\n        pause:\n          duration: 1h\n";
    std::fs::write(&file, text).unwrap();
    let said = Outcome::of(program().args(["rollout", "lint"]).arg(&file).output().unwrap());
    assert_snapshot!(said, @r#"
    exit 3
    --- stdout
    TMP/FOLDER/web.yaml:6: error: Rollout web: spec.disabled: must be true or false, and is "no" [unreadable]
        fix: correct the type of the value: text, number, list or object, as 'kubectl explain rollout.spec' says
    TMP/FOLDER/web.yaml:17: error: Rollout web: spec.strategy.canary.steps[1].pause.duration: must be a whole number, and is "1h" [unreadable]
        fix: correct the type of the value: text, number, list or object, as 'kubectl explain rollout.spec' says
    TMP/FOLDER/web.yaml:15: error: Rollout web: spec.strategy.canary.steps[1].replicas: must be a whole number or a percentage, and is a list [unreadable]
        fix: correct the type of the value: text, number, list or object, as 'kubectl explain rollout.spec' says
    1 object, 1 Rollout of them: 3 errors
    "#);
}

/// What the cluster lacks is an error there, and nothing is written.
#[test]
fn a_cluster_is_looked_at() {
    let sound = Served::with(settled(&application("web"), None), Life::Still);
    assert_snapshot!(sound.kruise(&["lint", "--live"]), @"
    exit 0
    --- stdout
    note: Rollout shop/web: spec.workloadRef: no container of Deployment web has a readinessProbe: its pods count as ready, and get requests, as soon as they run [no-readiness-probe]
        fix: give the container a readinessProbe, or the workload minReadySeconds
    4 objects, 1 Rollout of them: 1 note
    ");
    assert_eq!(sound.sim.trace(), [], "nothing is written");
    let mut all: Vec<Value> = settled(&application("web"), None);
    all.retain(|object| object["kind"] != "Ingress");
    for object in &mut all {
        if object["kind"] == "Service" {
            object["spec"]["selector"] = Value::Null;
        }
    }
    let broken = Served::with(all, Life::Still);
    assert_snapshot!(broken.kruise(&["lint", "--live", "web"]), @"
    exit 3
    --- stdout
    error: Rollout shop/web: spec.strategy.canary.trafficRoutings[0].ingress: Ingress web is not there [missing-object]
        fix: make it, or correct the name
    error: Rollout shop/web: spec.strategy.canary.trafficRoutings[0]: Service web has no selector, its versions cannot be told apart [route]
        fix: let the route send requests to the Service, and the Service select its pods
    note: Rollout shop/web: spec.workloadRef: no container of Deployment web has a readinessProbe: its pods count as ready, and get requests, as soon as they run [no-readiness-probe]
        fix: give the container a readinessProbe, or the workload minReadySeconds
    3 objects, 1 Rollout of them: 2 errors, 1 note
    ");
    assert_snapshot!(broken.kruise(&["lint", "--live", "-n", "other"]), @"
    exit 0
    --- stdout
    0 objects, 0 Rollouts of them: nothing is wrong
    --- stderr
    no Rollouts in namespace other
    ");
    assert_snapshot!(broken.kruise(&["lint", "--live", "nobody"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_eq!(
        broken.kruise(&["lint", "--live", "-A"]).code,
        Some(3),
        "{NAMESPACE} is among all"
    );
}
