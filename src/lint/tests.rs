use std::sync::Arc;

use serde_json::{Value, json};

use super::{Origin, Subject, Surroundings, look};

fn application() -> Vec<Value> {
    let labels = json!({ "app": "web" });
    let path = json!({ "path": "/", "pathType": "Prefix",
        "backend": { "service": { "name": "web", "port": { "number": 80 } } } });
    let containers =
        json!([{ "name": "main", "image": "web:v1", "readinessProbe": { "tcpSocket": { "port": 80 } } }]);
    vec![
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": {
            "replicas": 4, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } } } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" }, "spec": { "selector": labels, "ports": [{ "port": 80 }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web" },
            "spec": { "ingressClassName": "nginx", "rules": [{ "http": { "paths": [path] } }] } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": "100%", "traffic": "100%" },
                ],
                "trafficRoutings": [{ "service": "web", "ingress": { "name": "web", "classType": "nginx" } }],
            } } } }),
    ]
}

/// What is said of these objects, a line for each finding.
fn said(objects: Vec<Value>, complete: bool) -> Vec<String> {
    let subjects: Vec<Subject> = objects
        .into_iter()
        .map(|object| Subject {
            object,
            origin: Origin::Cluster,
        })
        .collect();
    let around = Surroundings {
        complete,
        ..Surroundings::default()
    };
    look(&subjects, &around).iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_release_is_left_alone() {
    assert_eq!(said(application(), true), Vec::<String>::new());
    assert_eq!(said(application(), false), Vec::<String>::new());
}

/// A change of the application, by a JSON pointer into its objects; null takes a field away.
fn changed(at: &str, value: Value) -> Vec<Value> {
    let mut all = json!(application());
    let (parent, key) = at.rsplit_once('/').unwrap();
    match all.pointer_mut(parent).unwrap() {
        Value::Array(items) if value.is_null() => drop(items.remove(key.parse().unwrap())),
        Value::Object(fields) if value.is_null() => drop(fields.remove(key)),
        Value::Object(fields) => drop(fields.insert(key.to_owned(), value)),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        other => panic!("{other}"),
    }
    all.as_array().unwrap().clone()
}

#[test]
fn every_rule_says_what_and_where() {
    const CANARY: &str = "/3/spec/strategy/canary";
    let canary = |field: &str| format!("{CANARY}/{field}");
    let cases: [(&str, String, Value, &str); 19] = [
        (
            "a wrong type",
            "/3/spec/strategy/canary/steps".to_owned(),
            json!("none"),
            "error: Rollout web: spec.strategy.canary.steps: must be a list, and is \"none\" [unreadable]",
        ),
        (
            "a typo",
            canary("trafficRouting"),
            json!([]),
            "warning: Rollout web: spec.strategy.canary.trafficRouting: there is no such field, an API server drops it; trafficRoutingRef may be meant [unknown-field]",
        ),
        (
            "a field of nothing",
            "/3/spec/wheels".to_owned(),
            json!(4),
            "warning: Rollout web: spec.wheels: there is no such field, an API server drops it [unknown-field]",
        ),
        (
            "another kind",
            "/3/spec/workloadRef/kind".to_owned(),
            json!("Job"),
            "error: Rollout web: spec.workloadRef: WorkloadRef kind is not supported: apps/v1 Job [workload-ref]",
        ),
        (
            "no workload",
            "/0".to_owned(),
            Value::Null,
            "error: Rollout web: spec.workloadRef: Deployment web is not there [missing-object]",
        ),
        (
            "no service",
            "/1".to_owned(),
            Value::Null,
            "error: Rollout web: spec.strategy.canary.trafficRoutings[0].service: Service web is not there [missing-object]",
        ),
        (
            "no ingress",
            "/2".to_owned(),
            Value::Null,
            "error: Rollout web: spec.strategy.canary.trafficRoutings[0].ingress: Ingress web is not there [missing-object]",
        ),
        (
            "no pods",
            canary("steps/0/replicas"),
            json!(0),
            "error: Rollout web: spec.strategy.canary.steps[0].replicas: replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\" [step-replicas]",
        ),
        (
            "too much traffic",
            canary("steps/0/traffic"),
            json!("120%"),
            "error: Rollout web: spec.strategy.canary.steps[0].traffic: traffic must be percentage with \"0%\" < traffic <= \"100%\" in canary strategy [step-traffic]",
        ),
        (
            "a pause before now",
            canary("steps/0/pause"),
            json!({ "duration": -1 }),
            "error: Rollout web: spec.strategy.canary.steps[0].pause.duration: cannot be negative [step-pause]",
        ),
        (
            "no steps",
            canary("steps"),
            json!([]),
            "error: Rollout web: spec.strategy.canary.steps: The number of Canary.Steps cannot be empty [step-replicas]",
        ),
        (
            "no route",
            canary("trafficRoutings/0"),
            json!({ "service": "web" }),
            "error: Rollout web: spec.strategy.canary.trafficRoutings[0]: TrafficRoutings are not set [traffic-routing]",
        ),
        (
            "a selector's label",
            canary("patchPodTemplateMetadata"),
            json!({ "labels": { "app": "other" } }),
            "error: Rollout web: spec.strategy.canary.patchPodTemplateMetadata.labels[app]: the workload's selector needs this label as it is [pod-metadata]",
        ),
        (
            "a step like the one before",
            canary("steps/0"),
            json!({ "replicas": 4, "traffic": "100%", "pause": {} }),
            "note: Rollout web: spec.strategy.canary.steps[1].replicas: of 4 pods it is 4, as in the step before, for the same requests: the step changes nothing [same-step]",
        ),
        (
            "nothing waits",
            canary("steps/0/pause"),
            json!({ "duration": 0 }),
            "",
        ),
        (
            "two headers",
            canary("steps/0"),
            json!({ "replicas": 1, "pause": {}, "matches": [{ "headers": [{ "name": "a", "value": "1" }, { "name": "b", "value": "2" }] }] }),
            "error: Rollout web: spec.strategy.canary.steps[0]: step 1: ",
        ),
        (
            "no selector",
            "/1/spec/selector".to_owned(),
            Value::Null,
            "error: Rollout web: spec.strategy.canary.trafficRoutings[0]: Service web has no selector, its versions cannot be told apart [route]",
        ),
        (
            "another service",
            "/2/spec/rules/0/http/paths/0/backend/service/name".to_owned(),
            json!("other"),
            "error: Rollout web: spec.strategy.canary.trafficRoutings[0]: Ingress web has no rule for Service web [route]",
        ),
        (
            "no probe",
            "/0/spec/template/spec/containers/0/readinessProbe".to_owned(),
            Value::Null,
            "note: Rollout web: spec.workloadRef: no container of Deployment web has a readinessProbe: its pods count as ready, and get requests, as soon as they run [no-readiness-probe]",
        ),
    ];
    for (what, at, value, expected) in cases {
        let found = said(changed(&at, value), true);
        let fits = match expected {
            "" => found.is_empty(),
            expected => matches!(found.as_slice(), [only] if only.starts_with(expected)),
        };
        assert!(fits, "{what}: {found:#?}");
    }
}

#[test]
fn a_release_that_nothing_stops_is_told() {
    let steps = json!([{ "replicas": "50%", "traffic": "50%", "pause": { "duration": 0 } }, { "replicas": "100%", "traffic": "100%", "pause": { "duration": 0 } }]);
    let mut all = changed("/3/spec/strategy/canary/steps", steps);
    assert_eq!(
        said(all.clone(), true),
        [
            "warning: Rollout web: spec.strategy.canary.steps: no step waits for a human, for time or for metrics: a bad version is everywhere in one go [never-waits]"
        ]
    );
    // Metrics that cannot be measured are no stop, and are told.
    all[3]["metadata"]["annotations"] =
        json!({ "rollouts.kruise.io/analysis": "[{\"template\": \"rate\"}]" });
    assert_eq!(
        said(all, true),
        [
            "error: Rollout web: metadata.annotations[rollouts.kruise.io/analysis]: AnalysisTemplate rate is not there [missing-object]"
        ]
    );
}

#[test]
fn two_rollouts_of_one_workload() {
    let mut all = application();
    let mut other = all[3].clone();
    other["metadata"]["name"] = json!("other");
    all.push(other);
    let conflict = |name: &str, rival: &str| {
        format!(
            "error: Rollout {name}: spec.workloadRef: This rollout conflict with Rollout(/{rival}), one workload only have less than one Rollout [workload-ref]"
        )
    };
    assert_eq!(
        said(all, true),
        [conflict("web", "other"), conflict("other", "web")]
    );
}

#[test]
fn files_may_leave_out_what_the_cluster_has() {
    let rollout = application().pop().unwrap();
    assert_eq!(
        said(vec![rollout], false),
        [
            "note: Rollout web: spec.workloadRef: Deployment web is not among the files; the cluster must have it [missing-object]",
            "note: Rollout web: spec.strategy.canary.trafficRoutings[0].service: Service web is not among the files; the cluster must have it [missing-object]",
            "note: Rollout web: spec.strategy.canary.trafficRoutings[0].ingress: Ingress web is not among the files; the cluster must have it [missing-object]",
        ]
    );
}

#[test]
fn findings_stand_in_lines_of_the_file() {
    let text = "\
apiVersion: rollouts.kruise.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec:
  objectRef:
    workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  strategy:
    canary:
      steps:
      - weight: 20
      - replicas: 3
        pauze: {}
      - replicas: 2
";
    let subject = Subject {
        object: serde_saphyr::from_str(text).unwrap(),
        origin: Origin::File {
            name: "web.yaml".to_owned(),
            before: 10,
            text: Arc::from(text),
        },
    };
    let found = look(&[subject], &Surroundings::default());
    let said: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "web.yaml:22: warning: Rollout shop/web: spec.strategy.canary.steps[1].pauze: there is no such field, an API server drops it; pause may be meant [unknown-field]",
            "web.yaml:11: note: Rollout shop/web: apiVersion: v1alpha1 is read as what it means in v1beta1 [old-version]",
            "web.yaml:23: error: Rollout shop/web: spec.strategy.canary.steps[2].replicas: Steps.CanaryReplicas must be a non decreasing sequence [step-replicas]",
            "web.yaml:16: note: Rollout shop/web: spec.workloadRef: Deployment web is not among the files; the cluster must have it [missing-object]",
        ]
    );
}
