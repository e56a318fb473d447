//! Whether there is room for the pods: what a namespace allows, and what nodes have.

use serde_json::{Value, json};

use super::{
    super::{Demand, Id},
    Case, blocks, check, daemon, node, object, risk, workload,
};
use crate::plan::Pods;

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
