//! TrafficRoutings at rest: who looks at one tells of it what everybody sees.

use serde_json::{Value, json};

use super::situation::{at_rest, now, object, told};
use crate::{
    api::keys,
    engine::core::{Snapshot, decide},
    traffic::Shared,
};

/// A Rollout at rest that names a TrafficRouting of its own Ingress too.
fn sharing(status: &Value) -> Snapshot {
    let mut s = at_rest();
    let annotations = s.rollout.metadata.annotations.get_or_insert_default();
    annotations.insert(keys::TRAFFIC_ROUTING.to_owned(), "lane".to_owned());
    // As the engine itself would have written it.
    let hash = crate::engine::core::batch::plan_hash(&s.rollout);
    let status_of = s.rollout.status.as_mut().unwrap();
    status_of.canary_status.as_mut().unwrap().rollout_hash = Some(hash);
    s.shared = vec![Shared::new(object(json!({
        "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "TrafficRouting",
        "metadata": { "name": "lane", "namespace": "shop", "uid": "uid-lane", "resourceVersion": "7", "generation": 1 },
        "spec": { "objectRef": [{ "service": "web", "ingress": { "name": "web", "classType": "nginx" } }], "strategy": { "weight": 20 } },
        "status": status })))];
    s
}

#[test]
fn what_is_in_the_way_of_one_rollout_alone_is_not_told_of_what_it_shares() {
    let told_once = told(&decide(&sharing(&json!({})), now()));
    insta::assert_snapshot!(told_once, @"
    PATCH trafficrouting/lane: TrafficRouting lane is Healthy
    workload deployment is completed
    ");
    let healthy =
        json!({ "observedGeneration": 1, "phase": "Healthy", "message": "TrafficRouting is Healthy" });
    insta::assert_snapshot!(told(&decide(&sharing(&healthy), now())), @"
    workload deployment is completed
    ");
}
