//! What is copied of a cluster, and what its pods tell.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Started, Wanted, Which, belonging_to, named_by, nodes_under, relevant, started};
use crate::{api::v1beta1::Rollout, workload::Kind};

fn rollout(kind: Kind, strategy: &Value) -> Value {
    json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "demo", "namespace": "shop" },
        "spec": { "workloadRef": { "apiVersion": kind.api_versions()[0], "kind": kind.kind(), "name": "web" }, "strategy": strategy } })
}

fn words(all: &[Wanted]) -> Vec<String> {
    let word = |one: &Wanted| match &one.which {
        Which::Named(name) => format!("{}/{name}", one.served.full()),
        Which::Labelled(labels) => format!("{}?{labels}", one.served.full()),
        Which::All => one.served.full(),
    };
    all.iter().map(word).collect()
}

#[test]
fn reads_what_the_rollout_names() {
    let routing = json!([{ "service": "svc", "ingress": { "name": "in" } }]);
    let cases = [
        (
            Kind::StatefulSet,
            json!({ "canary": { "steps": [] } }),
            vec!["statefulsets.apps/web"],
        ),
        (
            Kind::CloneSet,
            json!({ "blueGreen": { "steps": [], "trafficRoutings": routing } }),
            vec![
                "clonesets.apps.kruise.io/web",
                "horizontalpodautoscalers.autoscaling",
                "services/svc-canary",
                "services/svc",
                "ingresses.networking.k8s.io/in",
                "ingresses.networking.k8s.io/in-canary",
            ],
        ),
    ];
    for (kind, strategy, expected) in cases {
        let rollout: Rollout = serde_json::from_value(rollout(kind, &strategy)).unwrap();
        assert_eq!(words(&named_by(&rollout)), expected);
    }
}

#[test]
fn reads_what_belongs_to_the_workload() {
    let workload = json!({ "metadata": { "name": "web" }, "spec": { "selector": {
        "matchLabels": { "app": "web" }, "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["a", "b"] }] } } });
    let own = "app=web,tier in (a,b)";
    let cases = [
        (
            Kind::Deployment,
            vec![
                format!("pods?{own}"),
                "deployments.apps?rollouts.kruise.io/canary-deployment=web".to_owned(),
                format!("replicasets.apps?{own}"),
            ],
        ),
        (
            Kind::CloneSet,
            vec![format!("pods?{own}"), format!("controllerrevisions.apps?{own}")],
        ),
        (
            Kind::AdvancedDaemonSet,
            vec![
                format!("pods?{own}"),
                format!("controllerrevisions.apps?{own}"),
                "nodes".to_owned(),
            ],
        ),
    ];
    for (kind, expected) in cases {
        assert_eq!(words(&belonging_to(kind, &workload)), expected, "{kind:?}");
    }
}

#[test]
fn what_belongs_to_others_is_left_out() {
    let object = |api_version: &str, kind: &str, name: &str, owner: &str| {
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": "shop", "uid": name,
            "ownerReferences": [{ "uid": owner, "controller": true }] } })
    };
    let deployment = |name: &str| object("apps/v1", "Deployment", name, "");
    let mut canary = deployment("canary");
    canary["metadata"]["labels"] = json!({ "rollouts.kruise.io/canary-deployment": "web" });
    let autoscaler = |name: &str, group: &str, target: &str| {
        let mut object = object("autoscaling/v2", "HorizontalPodAutoscaler", name, "");
        object["spec"] =
            json!({ "scaleTargetRef": { "apiVersion": group, "kind": "Deployment", "name": target } });
        object
    };
    let named = |name: &str, workload: &str| {
        let mut object = rollout(Kind::Deployment, &json!({}));
        object["metadata"]["name"] = json!(name);
        object["spec"]["workloadRef"]["name"] = json!(workload);
        object
    };
    let objects = vec![
        named("demo", "web"),
        named("rival", "web"),
        named("stranger", "other"),
        deployment("web"),
        deployment("other"),
        canary,
        object("apps/v1", "StatefulSet", "web", ""),
        object("apps/v1", "ReplicaSet", "web-a", "web"),
        object("apps/v1", "ReplicaSet", "canary-b", "canary"),
        object("apps/v1", "ReplicaSet", "other-c", "other"),
        object("v1", "Pod", "web-a-1", "web-a"),
        object("v1", "Pod", "canary-b-1", "canary-b"),
        object("v1", "Pod", "other-c-1", "other-c"),
        object("v1", "Pod", "alone", ""),
        autoscaler("on", "apps/v1", "web"),
        autoscaler("off", "apps/v1", "web-DisableByRollout"),
        autoscaler("elsewhere", "apps/v1", "other"),
        autoscaler("alien", "example.com/v1", "web"),
        object("coordination.k8s.io/v1", "Lease", "demo", ""),
        object("v1", "Service", "svc", ""),
        object("example.com/v1", "Route", "web", ""),
    ];
    let kept: Vec<String> = relevant(objects, "shop", "demo")
        .iter()
        .map(|object| {
            format!(
                "{}/{}",
                object["kind"].as_str().unwrap(),
                object["metadata"]["name"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "Rollout/demo",
        "Rollout/rival",
        "Deployment/web",
        "Deployment/canary",
        "ReplicaSet/web-a",
        "ReplicaSet/canary-b",
        "Pod/web-a-1",
        "Pod/canary-b-1",
        "HorizontalPodAutoscaler/on",
        "HorizontalPodAutoscaler/off",
        "Service/svc",
        "Route/web",
    ];
    assert_eq!(kept, expected);
}

#[test]
fn nodes_are_told_by_the_pods_on_them() {
    let workload = json!({ "metadata": { "uid": "u" }, "spec": { "template": { "spec": { "nodeSelector": { "disk": "ssd" } } } } });
    let pod = |node: &str, owner: &str| json!({ "kind": "Pod", "metadata": { "ownerReferences": [{ "uid": owner, "controller": true }] }, "spec": { "nodeName": node } });
    let nodes = nodes_under(
        &workload,
        &[pod("b", "u"), pod("a", "u"), pod("c", "other"), pod("a", "u")],
    );
    let told: Vec<_> = nodes.iter().map(|node| &node["metadata"]).collect();
    let expected = [
        json!({ "name": "a", "labels": { "disk": "ssd" } }),
        json!({ "name": "b", "labels": { "disk": "ssd" } }),
    ];
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
}

#[test]
fn pods_tell_how_long_they_took() {
    let pod = |ready: &str, status: &str, restarts: u8| {
        json!({ "kind": "Pod", "metadata": { "creationTimestamp": "2026-01-01T00:00:00Z" },
            "status": { "conditions": [{ "type": "Ready", "status": status, "lastTransitionTime": ready }],
                "containerStatuses": [{ "restartCount": restarts }] } })
    };
    let at = |second: u8| format!("2026-01-01T00:00:{second:02}Z");
    let told = |quickest, likely, pods| {
        let [quickest, likely] = [quickest, likely].map(Duration::from_secs);
        Some(Started {
            quickest,
            likely,
            pods,
        })
    };
    let cases = [
        (vec![], None),
        (vec![pod(&at(9), "False", 0)], None),
        (vec![pod(&at(9), "True", 1)], None),
        (
            vec![
                pod(&at(3), "True", 0),
                pod(&at(7), "True", 0),
                pod(&at(9), "False", 0),
            ],
            told(3, 7, 2),
        ),
        (vec![pod(&at(0), "True", 0)], told(1, 1, 1)),
    ];
    for (pods, expected) in cases {
        assert_eq!(started(&pods), expected);
    }
}

#[test]
fn pods_whose_readiness_came_back_do_not_tell_nor_does_one_slow_pod_of_many() {
    let pod = |running: &str, ready: &str| {
        json!({ "kind": "Pod", "metadata": { "creationTimestamp": "2026-01-01T00:00:00Z" },
            "status": { "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": ready }],
                "containerStatuses": [{ "restartCount": 0, "state": { "running": { "startedAt": running } } }] } })
    };
    let (soon, slow) = ("2026-01-01T00:00:04Z", "2026-01-01T00:30:00Z");
    let quick = || pod("2026-01-01T00:00:02Z", soon);
    // Ready again a day after its containers started.
    let flapped = pod("2026-01-01T00:00:02Z", "2026-01-02T03:00:00Z");
    // Its image was long in coming.
    let pulled = pod("2026-01-01T00:29:00Z", slow);
    let told = |pods: &[Value]| {
        started(pods).map(|told| (told.quickest.as_secs(), told.likely.as_secs(), told.pods))
    };
    assert_eq!(told(std::slice::from_ref(&flapped)), None);
    assert_eq!(told(&[quick(), flapped]), Some((4, 4, 1)));
    assert_eq!(told(&[quick(), pulled.clone()]), Some((4, 1800, 2)));
    let many = [vec![quick(); 9], vec![pulled]].concat();
    assert_eq!(told(&many), Some((4, 4, 10)));
}
