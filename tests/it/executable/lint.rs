//! `lint`: what is wrong before a release begins.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Folder, Life, Outcome, Served, program},
    shop::{NAMESPACE, application, settled},
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
    assert_snapshot!(lint(SOUND, &[]), @r"
    exit 0
    --- stdout
    nothing is wrong in 2 objects, 1 Rollout of them
    ");
}

#[test]
fn findings_have_a_line_and_a_fix() {
    let text = SOUND.replace("replicas: 100%", "replicas: 0\n        paused: true");
    assert_snapshot!(lint(&text, &[]), @r"");
}

#[test]
fn warnings_fail_only_where_that_is_asked() {
    let text = SOUND.replace("        pause: {}\n", "        paused: {}\n");
    let codes: Vec<_> = [&[][..], &["--strict"]].map(|arguments| lint(&text, arguments).code).to_vec();
    assert_eq!(codes, [Some(0), Some(3)]);
}

#[test]
fn programs_read_json_and_sarif() {
    let text = SOUND.replace("replicas: 100%", "replicas: 0");
    let document = lint(&text, &["-o", "json"]).json();
    let message = "replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\"";
    let fix = "give replicas as a number from 1 or a percentage from 1% to 100%, in rising order";
    let field = "spec.strategy.canary.steps[1].replicas";
    assert_eq!(
        document,
        json!({
            "apiVersion": "cli.kruise.dev/v1", "kind": "LintReport", "schema": "1.0",
            "summary": "1 error in 2 objects, 1 Rollout of them", "objects": 2, "rollouts": 1,
            "findings": [{
                "rule": "step-replicas", "severity": "error", "object": "Rollout web", "field": field,
                "message": message, "fix": fix, "file": "web.yaml", "line": 24,
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
                "physicalLocation": { "artifactLocation": { "uri": "web.yaml" }, "region": { "startLine": 24 } },
                "logicalLocations": [{ "fullyQualifiedName": format!("Rollout web: {field}"), "kind": "object" }],
            }],
        }])
    );
}

#[test]
fn bad_input_is_told() {
    let told = |text: &str| lint(text, &[]).to_string();
    assert_snapshot!(told("kind: Service\napiVersion: v1\nmetadata: {name: web}\n"), @r"");
    assert_snapshot!(told("kind: [\n"), @r"");
    assert_snapshot!(Outcome::of(program().args(["rollout", "lint", "nowhere.yaml"]).output().unwrap()), @r"");
    assert_snapshot!(Outcome::of(program().args(["rollout", "lint"]).output().unwrap()), @r"");
}

/// What the cluster lacks is an error there, and nothing is written.
#[test]
fn a_cluster_is_looked_at() {
    let sound = Served::with(settled(&application("web"), None), Life::Still);
    assert_snapshot!(sound.kruise(&["lint", "--live"]), @r"");
    assert_eq!(sound.sim.trace(), [], "nothing is written");
    let mut all: Vec<Value> = settled(&application("web"), None);
    all.retain(|object| object["kind"] != "Ingress");
    for object in &mut all {
        if object["kind"] == "Service" {
            object["spec"]["selector"] = Value::Null;
        }
    }
    let broken = Served::with(all, Life::Still);
    assert_snapshot!(broken.kruise(&["lint", "--live", "web"]), @r"");
    assert_snapshot!(broken.kruise(&["lint", "--live", "-n", "other"]), @r"");
    assert_snapshot!(broken.kruise(&["lint", "--live", "nobody"]), @r"");
    assert_eq!(broken.kruise(&["lint", "--live", "-A"]).code, Some(3), "{NAMESPACE} is among all");
}
