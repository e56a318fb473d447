//! A blue-green Deployment whose manifest is applied again in the middle of its release.

use serde_json::{Value, json};

use super::situation::{at_rest, deployment, now, object, under_way};
use crate::engine::core::{Snapshot, Verb, decide};

/// Step 1 of 2, which wants half; a workload of so many replicas whose own strategy neither adds pods nor is held.
fn applied_again(replicas: i32, rolling: &Value) -> Snapshot {
    let mut s = at_rest();
    s.rollout.spec.strategy = serde_json::from_value(
        json!({ "blueGreen": { "steps": [{ "replicas": "50%", "pause": {} }, { "replicas": "100%" }] } }),
    )
    .unwrap();
    under_way(
        &mut s,
        "blueGreenStatus",
        json!({ "stableRevision": "aaa", "updatedRevision": "", "podTemplateHash": "",
            "updatedReplicas": 0, "updatedReadyReplicas": 0 }),
    );
    let mark = json!({ "rolloutName": "web", "original": { "paused": null, "minReadySeconds": null,
        "progressDeadlineSeconds": null, "strategy": { "type": "RollingUpdate", "rollingUpdate": rolling } } });
    let mut web = deployment("web", "web:v2", replicas);
    web["metadata"]["labels"]["rollouts.kruise.io/stable-revision"] = json!("aaa");
    web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] = json!(mark.to_string());
    web["spec"]["minReadySeconds"] = json!(2_147_483_646);
    web["spec"]["progressDeadlineSeconds"] = json!(2_147_483_647);
    web["spec"]["strategy"] = json!({ "type": "RollingUpdate", "rollingUpdate": rolling });
    let id = crate::workload::digest(&web["spec"]["template"], "");
    let release = s
        .rollout
        .status
        .as_mut()
        .unwrap()
        .blue_green_status
        .as_mut()
        .unwrap();
    (release.updated_revision, release.observed_rollout_id) = (id.clone(), Some(id));
    s.workload = Some(object(web));
    s.services.clear();
    s.routes.clear();
    s
}

#[test]
fn no_strategy_is_written_that_could_neither_add_nor_miss_a_pod() {
    let none = json!({ "maxSurge": 0, "maxUnavailable": "34%" });
    let of_none = json!({ "maxSurge": "0%", "maxUnavailable": 1 });
    let all = json!({ "maxSurge": "100%", "maxUnavailable": 0 });
    // A surge that lets as many through as the step wants stays, since no pod would go.
    let cases = [
        (5, &none, "50%"),
        (0, &none, "50%"),
        (0, &of_none, "50%"),
        (5, &all, "100%"),
    ];
    for (replicas, rolling, expected) in cases {
        let decision = decide(&applied_again(replicas, rolling), now());
        let strategies: Vec<&Value> = decision
            .effects
            .iter()
            .filter_map(|effect| match &effect.verb {
                Verb::Merge(body) => Some(&body["spec"]["strategy"]["rollingUpdate"]),
                _ => None,
            })
            .filter(|rolling| !rolling.is_null())
            .collect();
        let held = json!({ "maxSurge": expected, "maxUnavailable": 0 });
        let expected = if *rolling == held { Vec::new() } else { vec![&held] };
        assert_eq!(strategies, expected, "{replicas} {rolling} {}", decision.reason);
    }
}
