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
fn limits_of_the_namespace() {
    let range = |rule: Value| {
        vec![object(
            "LimitRange",
            "lr",
            json!({ "spec": { "limits": [rule] } }),
        )]
    };
    let asks = |limit: &str| json!({ "resources": { "limits": { "memory": limit }, "requests": { "cpu": "100m" } } });
    check(vec![
        (
            Case::of(
                asks("2Gi"),
                json!({}),
                range(json!({ "type": "Container", "max": { "memory": "1Gi" } })),
            ),
            blocks(
                Id::LimitRange,
                "container main has a limit of 2048Mi memory, and limitrange/lr allows 1024Mi at the most",
            ),
        ),
        (
            Case::of(
                asks("1Gi"),
                json!({}),
                range(json!({ "type": "Container", "max": { "memory": "1Gi" } })),
            ),
            Vec::new(),
        ),
        (
            Case::of(
                asks("1Gi"),
                json!({}),
                range(json!({ "type": "Pod", "min": { "cpu": "1" } })),
            ),
            blocks(
                Id::LimitRange,
                "a pod requests 100m cpu, and limitrange/lr asks for 1 at the least",
            ),
        ),
        (
            Case::with(range(json!({ "type": "Container", "max": { "cpu": "1" } }))),
            blocks(
                Id::LimitRange,
                "container main has no limit of cpu, and limitrange/lr asks for one of 1 at the most",
            ),
        ),
        (
            Case::with(range(
                json!({ "type": "Container", "max": { "cpu": "1" }, "default": { "cpu": "500m" } }),
            )),
            Vec::new(),
        ),
    ]);
}

#[test]
fn quotas() {
    let quota = |hard: Value, used: Value| {
        vec![object(
            "ResourceQuota",
            "q",
            json!({ "spec": { "hard": hard }, "status": { "used": used } }),
        )]
    };
    let cpu = || json!({ "resources": { "requests": { "cpu": "200m" } } });
    let scoped = {
        let mut quota = quota(json!({ "pods": "1" }), json!({}));
        quota[0]["spec"]["scopes"] = json!(["BestEffort"]);
        quota
    };
    check(vec![
        // Nine pods at the most, four of them now: five more.
        (
            Case::with(quota(json!({ "pods": "9" }), json!({ "pods": "4" }))),
            Vec::new(),
        ),
        (
            Case::with(quota(json!({ "pods": "8" }), json!({ "pods": "4" }))),
            blocks(
                Id::Quota,
                "the release has 9 pods at the most, 5 more than now, which need 5 pods; quota/q leaves 4",
            ),
        ),
        (
            Case::of(
                cpu(),
                json!({}),
                quota(
                    json!({ "requests.cpu": "1500m" }),
                    json!({ "requests.cpu": "800m" }),
                ),
            ),
            blocks(
                Id::Quota,
                "the release has 9 pods at the most, 5 more than now, which need 1 requests.cpu; quota/q leaves 700m",
            ),
        ),
        (
            Case::of(
                cpu(),
                json!({}),
                quota(json!({ "cpu": "1800m" }), json!({ "cpu": "800m" })),
            ),
            Vec::new(),
        ),
        (
            Case::with(quota(json!({ "limits.memory": "1Gi" }), json!({}))),
            blocks(
                Id::Quota,
                "quota/q counts limits.memory, and the new pods say none: they would be refused",
            ),
        ),
        // Every container has to say it, of cpu and memory; of the rest none has to.
        (
            Case::of(
                json!({ "resources": { "requests": { "cpu": "200m" }, "limits": { "cpu": "1" } } }),
                json!({}),
                quota(
                    json!({ "limits.cpu": "99", "requests.ephemeral-storage": "1Gi", "requests.hugepages-2Mi": "0" }),
                    json!({}),
                ),
            ),
            Vec::new(),
        ),
        (
            Case::of(
                cpu(),
                json!({ "initContainers": [{ "name": "first" }] }),
                quota(json!({ "requests.cpu": "99" }), json!({})),
            ),
            blocks(
                Id::Quota,
                "quota/q counts requests.cpu, and the new pods say none: they would be refused",
            ),
        ),
        (
            Case::with(quota(
                json!({ "count/deployments.apps": "1" }),
                json!({ "count/deployments.apps": "1" }),
            )),
            blocks(
                Id::Quota,
                "the release makes 1 count/deployments.apps; quota/q leaves 0",
            ),
        ),
        (Case::with(scoped), Vec::new()),
    ]);
}

#[test]
fn nodes() {
    let large = || json!({ "cpu": "4", "memory": "8Gi", "pods": "110" });
    let cpu = || json!({ "resources": { "requests": { "cpu": "1" } } });
    let pod = |name: &str, cpu: &str| {
        json!({ "kind": "Pod", "metadata": { "name": name }, "status": { "phase": "Running" },
            "spec": { "nodeName": "a", "containers": [{ "resources": { "requests": { "cpu": cpu } } }] } })
    };
    let full = |pods: Vec<Value>| Case {
        everywhere: Some(pods),
        ..Case::of(
            cpu(),
            json!({}),
            vec![
                node("a", json!({}), large()),
                node("b", json!({}), json!({ "cpu": "2", "pods": "110" })),
            ],
        )
    };
    let unready = || {
        let mut node = node("b", json!({}), large());
        node["status"]["conditions"][0]["status"] = json!("Unknown");
        node
    };
    let tainted = json!({ "taints": [{ "key": "gpu", "effect": "NoSchedule" }] });
    let tolerant = json!({ "tolerations": [{ "key": "gpu", "operator": "Exists" }] });
    check(vec![
        (
            Case::of(
                json!({}),
                json!({ "nodeSelector": { "disk": "ssd" } }),
                vec![node("a", json!({}), large())],
            ),
            blocks(
                Id::NoNodeFits,
                "no node takes a new pod: 1 of 1 nodes are out (1 without label disk=ssd)",
            ),
        ),
        (
            Case::of(
                cpu(),
                json!({}),
                vec![
                    node("a", json!({}), json!({ "cpu": "500m" })),
                    node("b", json!({ "unschedulable": true }), large()),
                ],
            ),
            risk(
                Id::NoNodeFits,
                "no node takes a new pod: 2 of 2 nodes are out (1 cordoned, 1 too little cpu)",
            ),
        ),
        (
            Case::with(vec![node("a", tainted.clone(), large())]),
            blocks(
                Id::NoNodeFits,
                "no node takes a new pod: 1 of 1 nodes are out (1 tainted gpu)",
            ),
        ),
        (
            Case::of(json!({}), tolerant, vec![node("a", tainted, large())]),
            Vec::new(),
        ),
        // A value that is not there is an empty one.
        (
            Case::of(
                json!({}),
                json!({ "tolerations": [{ "key": "gpu", "operator": "Equal", "effect": "NoSchedule" }] }),
                vec![node(
                    "a",
                    json!({ "taints": [{ "key": "gpu", "value": "", "effect": "NoSchedule" }] }),
                    large(),
                )],
            ),
            Vec::new(),
        ),
        // Pods of a DaemonSet do not mind.
        (
            daemon(vec![
                node(
                    "a",
                    json!({ "unschedulable": true, "taints": [{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }] }),
                    large(),
                ),
                unready(),
            ]),
            Vec::new(),
        ),
        (
            Case::with(vec![unready()]),
            risk(
                Id::NoNodeFits,
                "no node takes a new pod: 1 of 1 nodes are out (1 not ready)",
            ),
        ),
        // Six processors, five pods more.
        (full(vec![pod("p", "1")]), Vec::new()),
        (
            full(vec![pod("p", "1"), pod("q", "500m")]),
            risk(
                Id::NodeCapacity,
                "the release has 5 pods more than now at one time, and 2 nodes have room for 4 of them",
            ),
        ),
    ]);
}

#[test]
fn pods_that_grow() {
    let asks = |cpu: &str| json!({ "resources": { "requests": { "cpu": cpu } } });
    let quota = |hard: &str| {
        vec![object(
            "ResourceQuota",
            "q",
            json!({ "spec": { "hard": { "requests.cpu": hard } }, "status": { "used": { "requests.cpu": "4" } } }),
        )]
    };
    let grown = |from: &str, to: &str, objects: Vec<Value>| Case {
        old_template: Some(workload(&asks(from), &json!({}))["spec"]["template"].clone()),
        everywhere: Some(Vec::new()),
        ..Case::of(asks(to), json!({}), objects)
    };
    let in_place = |objects: Vec<Value>| Case {
        demand: Demand {
            pods_now: 4,
            most_pods: 4,
            begins: Pods { new: 0, old: 4 },
            crests: vec![Pods { new: 0, old: 4 }, Pods { new: 4, old: 0 }],
            ..Demand::default()
        },
        ..grown("1", "4", objects)
    };
    let nodes = |cpu: &str| {
        let allocatable = json!({ "cpu": cpu, "pods": "110" });
        vec![
            node("a", json!({}), allocatable.clone()),
            node("b", json!({}), allocatable),
        ]
    };
    check(vec![
        // From four old ones of 1 to five new ones of 4 beside three old ones: nineteen more.
        (grown("1", "4", quota("23")), Vec::new()),
        (
            grown("1", "4", quota("22")),
            blocks(
                Id::Quota,
                "the pods of the release need 19 requests.cpu more at one time than now; quota/q leaves 18",
            ),
        ),
        // Smaller ones: five old ones beside four new ones are most.
        (grown("1", "500m", quota("7")), Vec::new()),
        (
            grown("1", "500m", quota("6900m")),
            blocks(
                Id::Quota,
                "the pods of the release need 3 requests.cpu more at one time than now; quota/q leaves 2900m",
            ),
        ),
        (grown("1", "4", nodes("12")), Vec::new()),
        (
            grown("3", "4", nodes("8")),
            risk(
                Id::NodeCapacity,
                "the release has 5 pods more than now at one time, and 2 nodes have room for 4 of them",
            ),
        ),
        // No pod more than now, but larger ones.
        (in_place(nodes("6")), Vec::new()),
        (
            in_place(nodes("5")),
            risk(
                Id::NodeCapacity,
                "the pods of the release request 12 cpu more at one time than now, and 2 nodes have 10 left",
            ),
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
