mod room;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Access, Demand, Ground, Id, Weight, catalogue};
use crate::{
    api::v1beta1::Rollout,
    plan::{End, Plan, PlannedWrite, Pods},
};

/// Id, weight and sentence.
type Found = Vec<(Id, Weight, String)>;

/// A Rollout of a Deployment behind a Service and an Ingress.
fn rollout() -> Value {
    json!({ "metadata": { "name": "web", "namespace": "shop" }, "spec": {
        "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
        "strategy": { "canary": { "enableExtraWorkloadForCanary": true,
            "steps": [{ "replicas": 1, "traffic": "20%" }, { "replicas": "100%", "traffic": "100%" }],
            "trafficRoutings": [{ "service": "web", "ingress": { "name": "web" } }] } } } })
}

fn workload(container: &Value, spec: &Value) -> Value {
    let mut main = json!({ "name": "main", "image": "web:v2" });
    json_patch::merge(&mut main, container);
    let mut pod = json!({ "containers": [main] });
    json_patch::merge(&mut pod, spec);
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" }, "spec": {
        "replicas": 4, "template": { "metadata": { "labels": { "app": "web" } }, "spec": pod } } })
}

fn object(kind: &str, name: &str, fields: Value) -> Value {
    let mut object =
        json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": name, "namespace": "shop" } });
    if kind == "Ingress" {
        object["apiVersion"] = json!("networking.k8s.io/v1");
    }
    json_patch::merge(&mut object, &fields);
    object
}

fn service() -> Value {
    object(
        "Service",
        "web",
        json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] } }),
    )
}

fn ingress(service: &str) -> Value {
    let path =
        json!({ "path": "/", "backend": { "service": { "name": service, "port": { "number": 80 } } } });
    object(
        "Ingress",
        "web",
        json!({ "spec": { "rules": [{ "http": { "paths": [path] } }] } }),
    )
}

fn node(name: &str, spec: Value, allocatable: Value) -> Value {
    json!({ "kind": "Node", "metadata": { "name": name, "labels": { "disk": "hdd" } }, "spec": spec,
        "status": { "allocatable": allocatable, "conditions": [{ "type": "Ready", "status": "True" }] } })
}

/// A release of a DaemonSet on four nodes, among these objects.
fn daemon(objects: Vec<Value>) -> Case {
    let mut case = Case::with(objects);
    case.rollout["spec"] = json!({ "workloadRef": { "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "web" },
        "strategy": { "canary": { "steps": [{ "replicas": 1 }, { "replicas": "100%" }] } } });
    let workload = case.workload.as_mut().unwrap();
    workload["kind"] = json!("DaemonSet");
    workload["spec"].as_object_mut().unwrap().remove("replicas");
    workload["status"] = json!({ "desiredNumberScheduled": 4 });
    case
}

/// What of the catalogue is found: id, weight and sentence.
struct Case {
    rollout: Value,
    workload: Option<Value>,
    old_template: Option<Value>,
    objects: Vec<Value>,
    unread: Vec<&'static str>,
    everywhere: Option<Vec<Value>>,
    rights: Vec<Access>,
    demand: Demand,
}

impl Case {
    /// A release with nothing in its way, and these objects.
    fn with(objects: Vec<Value>) -> Self {
        let mut all = vec![service(), ingress("web")];
        all.extend(objects);
        Self {
            rollout: rollout(),
            workload: Some(workload(&json!({}), &json!({}))),
            old_template: None,
            objects: all,
            unread: Vec::new(),
            everywhere: None,
            rights: Vec::new(),
            demand: Demand {
                pods_now: 4,
                most_pods: 9,
                lowest_ready: Some(3),
                made: [("deployments.apps".to_owned(), 1), ("services".to_owned(), 1)].into(),
                begins: Pods { new: 0, old: 4 },
                crests: vec![Pods { new: 4, old: 5 }, Pods { new: 5, old: 3 }],
            },
        }
    }

    fn of(container: Value, spec: Value, objects: Vec<Value>) -> Self {
        Self {
            workload: Some(workload(&container, &spec)),
            ..Self::with(objects)
        }
    }

    fn found(&self) -> Found {
        let rollout: Rollout = serde_json::from_value(self.rollout.clone()).unwrap();
        let unread: BTreeSet<String> = self.unread.iter().map(ToString::to_string).collect();
        let ground = Ground {
            rollout: &rollout,
            workload: self.workload.as_ref(),
            old_template: self.old_template.as_ref(),
            objects: &self.objects,
            unread: &unread,
            everywhere: self.everywhere.as_deref(),
            demand: Some(&self.demand),
            rights: &self.rights,
        };
        let found = catalogue(&ground);
        for one in &found {
            assert!(
                !one.evidence.is_empty() && one.command.starts_with("kubectl "),
                "{one:?}"
            );
        }
        found
            .into_iter()
            .map(|one| (one.id, one.weight, one.message))
            .collect()
    }
}

fn blocks(id: Id, message: &str) -> Found {
    vec![(id, Weight::Blocks, message.to_owned())]
}

fn risk(id: Id, message: &str) -> Found {
    vec![(id, Weight::Risk, message.to_owned())]
}

fn check(cases: Vec<(Case, Found)>) {
    for (number, (case, expected)) in cases.into_iter().enumerate() {
        assert_eq!(case.found(), expected, "case {number}");
    }
}

#[test]
fn nothing_in_the_way() {
    check(vec![(Case::with(Vec::new()), Vec::new())]);
}

#[test]
fn the_rollout_and_its_workload() {
    let invalid = Case {
        rollout: {
            let mut rollout = rollout();
            rollout["spec"]["strategy"]["canary"]["steps"][0]["replicas"] = json!(0);
            rollout
        },
        ..Case::with(Vec::new())
    };
    let missing = Case {
        workload: None,
        ..Case::with(Vec::new())
    };
    let unread = Case {
        workload: None,
        unread: vec!["Deployment"],
        ..Case::with(Vec::new())
    };
    check(vec![
        (
            invalid,
            blocks(
                Id::InvalidRollout,
                "spec.strategy.canary.steps[0].replicas: replicas must be positive number, or a percentage with \"0%\" < canaryReplicas <= \"100%\"",
            ),
        ),
        (
            missing,
            blocks(
                Id::WorkloadMissing,
                "deployment/web does not exist, and the Rollout releases it",
            ),
        ),
        (unread, Vec::new()),
    ]);
}

#[test]
fn what_the_new_pods_name() {
    let env = |name: &str, key: &str, optional: bool| json!({ "env": [{ "name": "A", "valueFrom": { "configMapKeyRef": { "name": name, "key": key, "optional": optional } } }] });
    let map = || vec![object("ConfigMap", "conf", json!({ "data": { "a": "1" } }))];
    let volume = json!({ "volumes": [{ "name": "v", "projected": { "sources": [{ "secret": { "name": "token" } }] } }],
        "serviceAccountName": "robot" });
    let unread = Case {
        unread: vec!["ConfigMap"],
        ..Case::of(env("other", "a", false), json!({}), Vec::new())
    };
    check(vec![
        (Case::of(env("conf", "a", false), json!({}), map()), Vec::new()),
        (
            Case::of(env("conf", "b", false), json!({}), map()),
            blocks(
                Id::MissingReference,
                "the new pods need key \"b\" of configmap/conf, which it does not have",
            ),
        ),
        (
            Case::of(env("other", "a", false), json!({}), map()),
            blocks(
                Id::MissingReference,
                "the new pods need configmap/other, which does not exist",
            ),
        ),
        (Case::of(env("other", "a", true), json!({}), map()), Vec::new()),
        (unread, Vec::new()),
        (
            Case::of(json!({}), volume, Vec::new()),
            [
                blocks(
                    Id::MissingReference,
                    "the new pods need secret/token, which does not exist",
                ),
                blocks(
                    Id::MissingReference,
                    "the new pods need serviceaccount/robot, which does not exist",
                ),
            ]
            .concat(),
        ),
    ]);
}

#[test]
fn services_and_routes() {
    let relabelled = {
        let mut case = Case::with(Vec::new());
        case.workload.as_mut().unwrap()["spec"]["template"]["metadata"]["labels"]["app"] = json!("shop");
        case
    };
    let objects = |objects: Vec<Value>| Case {
        objects,
        ..Case::with(Vec::new())
    };
    let header = Case {
        rollout: {
            let mut rollout = rollout();
            rollout["spec"]["strategy"]["canary"]["steps"][0] =
                json!({ "replicas": 1, "matches": [{ "path": { "value": "/a" } }] });
            rollout
        },
        ..Case::with(Vec::new())
    };
    check(vec![
        (
            relabelled,
            blocks(
                Id::ServiceSelectsNothing,
                "service/web selects pods with label app=web, and the new pods have shop: no request would reach them",
            ),
        ),
        (
            objects(vec![ingress("web")]),
            blocks(Id::Traffic, "Service web not found"),
        ),
        (
            objects(vec![service()]),
            blocks(Id::Traffic, "Ingress web not found"),
        ),
        (
            objects(vec![service(), ingress("other")]),
            blocks(Id::Traffic, "Ingress web has no rule for Service web"),
        ),
        (
            header,
            blocks(Id::Traffic, "step 1: ingress-nginx cannot match a path"),
        ),
    ]);
}

#[test]
fn what_else_acts_on_the_pods() {
    let budget = |spec: Value| {
        let mut budget = object(
            "PodDisruptionBudget",
            "web",
            json!({ "spec": { "selector": { "matchLabels": { "app": "web" } } } }),
        );
        json_patch::merge(&mut budget["spec"], &spec);
        vec![budget]
    };
    let autoscaler = |least: i32, most: i32| {
        let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
        vec![object(
            "HorizontalPodAutoscaler",
            "web",
            json!({ "spec": {
            "scaleTargetRef": target, "minReplicas": least, "maxReplicas": most } }),
        )]
    };
    let asked = |wanted: i32| {
        format!(
            "3 pods are ready at the least, and pdb/web asks for {wanted}: meanwhile nodes cannot be drained, and the budget does not keep the release from it"
        )
    };
    check(vec![
        (Case::with(budget(json!({ "minAvailable": 3 }))), Vec::new()),
        (
            Case::with(budget(json!({ "minAvailable": "90%" }))),
            risk(Id::DisruptionBudget, &asked(4)),
        ),
        (
            Case::with(budget(json!({ "maxUnavailable": 0 }))),
            risk(Id::DisruptionBudget, &asked(4)),
        ),
        (
            Case::with(budget(
                json!({ "minAvailable": 9, "selector": { "matchLabels": { "app": "x" } } }),
            )),
            Vec::new(),
        ),
        // Which one selects nothing, and one of which all pods are.
        (
            Case::with(budget(json!({ "minAvailable": 9, "selector": null }))),
            Vec::new(),
        ),
        (
            Case::with(budget(
                json!({ "minAvailable": 4, "selector": { "matchLabels": null } }),
            )),
            risk(Id::DisruptionBudget, &asked(4)),
        ),
        (
            daemon(budget(json!({ "maxUnavailable": 0 }))),
            risk(Id::DisruptionBudget, &asked(4)),
        ),
        (daemon(budget(json!({ "maxUnavailable": 1 }))), Vec::new()),
        (
            Case::with(autoscaler(2, 10)),
            risk(
                Id::Autoscaler,
                "hpa/web may scale deployment/web between 2 and 10 pods meanwhile: steps are planned for 4, and it counts the pods of both versions",
            ),
        ),
        (Case::with(autoscaler(4, 4)), Vec::new()),
    ]);
}

#[test]
fn rights() {
    let access = |verb: &'static str, resource: &str, allowed: Option<bool>| Access {
        verb,
        group: "apps".to_owned(),
        resource: resource.to_owned(),
        subresource: String::new(),
        name: String::new(),
        allowed,
        reason: String::new(),
    };
    let case = |rights: Vec<Access>| Case {
        rights,
        ..Case::with(Vec::new())
    };
    check(vec![
        (
            case(vec![
                access("patch", "deployments", Some(true)),
                access("create", "deployments", None),
            ]),
            Vec::new(),
        ),
        (
            case(vec![
                access("patch", "deployments", Some(true)),
                access("create", "deployments", Some(false)),
            ]),
            blocks(Id::NotAllowed, "you may not create deployments.apps"),
        ),
        (
            case(vec![access("patch", "deployments", Some(false))]),
            risk(
                Id::NotAllowed,
                "you may make none of these writes: somebody else has to act",
            ),
        ),
    ]);
}

#[test]
fn rights_are_asked_for_by_name_where_the_name_is_known() {
    let write = |verb: &'static str, path: &str| PlannedWrite {
        step: 1,
        seconds: 0.0,
        verb,
        object: String::new(),
        path: path.to_owned(),
        content_type: "",
        precondition: "",
        purpose: String::new(),
        body: Value::Null,
    };
    let plan = Plan {
        namespace: "shop".to_owned(),
        rollout: "web".to_owned(),
        steps: Vec::new(),
        finish: None,
        states: Vec::new(),
        writes: vec![
            write(
                "PATCH",
                "/apis/apps/v1/namespaces/shop/deployments/web?fieldManager=a",
            ),
            write("PATCH", "/apis/apps/v1/namespaces/shop/replicasets/web-1"),
            write("PATCH", "/api/v1/namespaces/shop/pods/web-1"),
            write("PATCH", "/api/v1/namespaces/shop/pods/web-2"),
            write("POST", "/api/v1/namespaces/shop/services?fieldManager=a"),
            write("DELETE", "/api/v1/namespaces/shop/services/web-canary"),
            write(
                "PATCH",
                "/apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web/status",
            ),
        ],
        end: End::Completed,
        message: String::new(),
        lowest_ready: 0,
        most_pods: 0,
        start_pods: 0,
        begins: Pods::default(),
        crests: Vec::new(),
        blockers: Vec::new(),
        unknown: Vec::new(),
        likely_end: None,
    };
    let titles: Vec<String> = Access::of_plan(&plan).iter().map(Access::title).collect();
    assert_eq!(
        titles,
        [
            "create services",
            "create leases.coordination.k8s.io",
            "delete services web-canary",
            "patch pods",
            "patch deployments.apps web",
            "patch replicasets.apps",
            "patch leases.coordination.k8s.io rollout-web",
            "patch rollouts.rollouts.kruise.io/status web",
        ]
    );
}
