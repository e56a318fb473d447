//! What pods are counted as.

use jiff::Timestamp;
use kube::{api::DynamicObject, runtime::watcher::Event};
use serde_json::json;

use super::{Census, Sum, Timeline};

fn set(hash: &str, pods: i32) -> DynamicObject {
    let object = json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": format!("web-{hash}"), "namespace": "shop", "labels": { "pod-template-hash": hash } },
        "spec": { "replicas": pods }, "status": { "replicas": pods, "readyReplicas": pods } });
    serde_json::from_value(object).unwrap()
}

#[test]
fn a_revision_of_the_history_is_new_when_nobody_noted_which_one_runs() {
    let mut timeline = Timeline::new(Timestamp::UNIX_EPOCH, &[], Census::ReplicaSets, None);
    for event in [
        Event::Init,
        Event::InitApply(set("old", 0)),
        Event::InitApply(set("runs", 3)),
        Event::InitDone,
        Event::Apply(set("old", 2)),
        Event::Apply(set("runs", 1)),
    ] {
        timeline.pods(event);
    }
    let [new, old] = [2, 1].map(|pods| Sum { pods, ready: pods });
    assert_eq!(timeline.sums, [new, old]);
}
