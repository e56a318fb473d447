use std::sync::Arc;

use kube::{api::DynamicObject, runtime::watcher::Event};
use serde_json::{Value, json};

use super::{Cache, Entry, Kind};
use crate::engine::driver::{
    RolloutKey,
    kind::{DEPLOYMENT, DEPLOYMENT_PODS},
};

struct Bench(Cache);

impl Bench {
    /// A Rollout, blue-green, of a Deployment of two pods.
    fn new() -> Self {
        let mut bench = Self(Cache::default());
        let steps = json!([{ "replicas": "100%" }]);
        bench.apply(
            Kind::Rollout,
            "web",
            1,
            json!({ "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "blueGreen": { "steps": steps } } } }),
        );
        bench.apply(DEPLOYMENT, "web", 2, json!({}));
        bench.apply(Kind::ReplicaSet, "web-a", 3, owned("Deployment", "web"));
        for pod in ["web-a-2", "web-a-1"] {
            bench.apply(DEPLOYMENT_PODS, pod, 4, owned("ReplicaSet", "web-a"));
        }
        bench
    }

    /// Whether the Rollout must be looked at after an object was written.
    fn apply(&mut self, kind: Kind, name: &str, version: u32, mut object: Value) -> bool {
        object["metadata"]["name"] = json!(name);
        object["metadata"]["namespace"] = json!("shop");
        object["metadata"]["uid"] = json!(format!("uid-{name}"));
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let touched = self.0.observe(kind, Event::Apply(Entry::of(kind, object)));
        touched.contains(&key())
    }

    fn snapshot(&self) -> crate::engine::core::Snapshot {
        self.0.snapshot(&key()).unwrap()
    }

    fn autoscalers(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let names = snapshot.autoscalers.into_iter();
        names.filter_map(|object| object.metadata.name).collect()
    }
}

fn key() -> RolloutKey {
    RolloutKey {
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    }
}

fn owned(kind: &str, name: &str) -> Value {
    json!({ "metadata": { "ownerReferences": [{ "apiVersion": "apps/v1", "kind": kind, "name": name,
        "uid": format!("uid-{name}"), "controller": true }] } })
}

fn aims_at(api_version: &str, kind: &str, name: &str) -> Value {
    json!({ "spec": { "scaleTargetRef": { "apiVersion": api_version, "kind": kind, "name": name } } })
}

#[test]
fn autoscalers_are_found_by_what_they_aim_at_also_when_switched_off() {
    let mut bench = Bench::new();
    assert!(bench.apply(Kind::Autoscaler, "a", 10, aims_at("apps/v1", "Deployment", "web")));
    assert!(bench.apply(
        Kind::Autoscaler,
        "b",
        11,
        aims_at("apps/v1", "Deployment", "web-DisableByRollout-DisableByRollout")
    ));
    let others = [
        aims_at("apps/v1", "StatefulSet", "web"),
        aims_at("apps.example.com/v1", "Deployment", "web"),
        aims_at("apps/v1", "Deployment", "webber"),
    ];
    for (index, other) in (12..).zip(others) {
        assert!(!bench.apply(Kind::Autoscaler, &format!("c{index}"), index, other));
    }
    assert_eq!(bench.autoscalers(), ["a", "b"]);
    // Turned to another workload: that is news for the one it leaves.
    assert!(bench.apply(
        Kind::Autoscaler,
        "a",
        20,
        aims_at("apps/v1", "Deployment", "other")
    ));
    assert_eq!(bench.autoscalers(), ["b"]);
}

#[test]
fn pods_are_shared_and_only_news_of_them_is_a_reason_to_look() {
    let mut bench = Bench::new();
    let (first, second) = (bench.snapshot().pods, bench.snapshot().pods);
    let names: Vec<&str> = first.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!(names, ["web-a-1", "web-a-2"]);
    assert!(first.iter().zip(&second).all(|(a, b)| Arc::ptr_eq(a, b)));
    let pod = |status: Value| {
        let mut pod = owned("ReplicaSet", "web-a");
        pod["status"] = status;
        pod
    };
    let heartbeat = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "False" }] });
    assert!(!bench.apply(DEPLOYMENT_PODS, "web-a-1", 10, pod(heartbeat)));
    assert_eq!(bench.snapshot().pods[0].resource_version, "10");
    let ready = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
    assert!(bench.apply(DEPLOYMENT_PODS, "web-a-1", 11, pod(ready)));
    assert!(bench.apply(DEPLOYMENT_PODS, "web-a-1", 12, pod(json!({ "phase": "Failed" }))));
    assert_eq!(bench.snapshot().pods.len(), 1);
    // Of a pod that belongs to nobody's workload nothing is to be learnt.
    assert!(!bench.apply(DEPLOYMENT_PODS, "foreign", 13, owned("ReplicaSet", "foreign")));
}

#[test]
fn what_we_deleted_stays_gone_until_the_watch_agrees() {
    let mut bench = Bench::new();
    bench
        .0
        .forget(DEPLOYMENT_PODS, "shop", "web-a-1", Some("uid-web-a-1"));
    let stale = owned("ReplicaSet", "web-a");
    assert!(!bench.apply(DEPLOYMENT_PODS, "web-a-1", 9, stale));
    assert_eq!(bench.snapshot().pods.len(), 1);
    assert_eq!(bench.0.deleted.len(), 1);
    // A list that has it no more is the last word.
    bench.0.observe(DEPLOYMENT_PODS, Event::Init);
    bench.0.observe(DEPLOYMENT_PODS, Event::InitDone);
    assert_eq!((bench.0.deleted.len(), bench.snapshot().pods.len()), (0, 0));
}

#[test]
fn a_rival_is_in_the_way_until_it_has_let_the_workload_go() {
    let cases = [
        (false, vec![], vec!["other"]),
        // Disabled in the middle of its release: its closing work is under way.
        (
            true,
            vec!["example.com/keep", "rollouts.kruise.io/rollout"],
            vec!["other"],
        ),
        (true, vec!["example.com/keep"], vec![]),
    ];
    let mut bench = Bench::new();
    for (index, (disabled, finalizers, expected)) in (20..).zip(cases) {
        let other = json!({ "metadata": { "finalizers": finalizers }, "spec": {
            "disabled": disabled,
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "steps": [{ "replicas": "100%" }] } } } });
        assert!(bench.apply(Kind::Rollout, "other", index, other));
        assert_eq!(bench.snapshot().rivals, expected, "{disabled} {finalizers:?}");
    }
}

/// The answer to a write may come after the news that its object went, and is the last that is ever heard of it.
#[test]
fn a_late_answer_brings_nothing_back() {
    let mut bench = Bench::new();
    let pod = |version: &str| -> DynamicObject {
        let mut pod = owned("ReplicaSet", "web-a");
        let metadata = json!({ "name": "web-a-1", "namespace": "shop", "uid": "uid-web-a-1", "resourceVersion": version });
        json_patch::merge(&mut pod, &json!({ "metadata": metadata }));
        serde_json::from_value(pod).unwrap()
    };
    let names = |bench: &Bench| -> Vec<String> {
        let pods = bench.snapshot().pods.into_iter();
        pods.map(|pod| pod.name.clone()).collect()
    };
    let round = bench.0.begin_round();
    bench.0.observe(
        DEPLOYMENT_PODS,
        Event::Delete(Entry::of(DEPLOYMENT_PODS, pod("12"))),
    );
    bench.0.answered(DEPLOYMENT_PODS, &pod("11"));
    assert_eq!(names(&bench), ["web-a-2"]);
    bench.0.end_round(round);
    // A list that did not show what a write made meanwhile is set right by the watch.
    bench.0.observe(
        DEPLOYMENT_PODS,
        Event::Apply(Entry::of(DEPLOYMENT_PODS, pod("13"))),
    );
    assert_eq!(names(&bench), ["web-a-1", "web-a-2"]);
}

#[test]
fn a_rollout_that_cannot_be_read_still_holds_what_it_holds() {
    let mut bench = Bench::new();
    bench.apply(
        Kind::Rollout,
        "web",
        20,
        json!({ "metadata": { "annotations": { "rollouts.kruise.io/trafficrouting": "lane" } },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "steps": [{ "replicas": "100%" }] } } } }),
    );
    bench.apply(Kind::Rollout, "odd", 21, json!({ "spec": { "strategy": 7 } }));
    let long = "x".repeat(70);
    bench.apply(Kind::Rollout, &long, 22, json!({ "spec": { "strategy": 7 } }));
    let holders = ["odd", &long, "gone", &"y".repeat(70)].map(crate::traffic::shared::holder);
    bench.apply(
        Kind::TrafficRouting,
        "lane",
        23,
        json!({ "metadata": { "finalizers": holders }, "spec": { "objectRef": [] } }),
    );
    let orphaned: Vec<String> = bench.snapshot().orphaned.into_iter().collect();
    assert_eq!(orphaned, [holders[2].clone(), holders[3].clone()]);
}
