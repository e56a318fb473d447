//! Advanced DaemonSets.

use std::future::Future;

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{World, on};
use crate::sim::tests::{counted, create};

/// A set on five nodes.
fn daemon_set<F: Future>(rolling: Value, test: impl FnOnce(World) -> F) -> F::Output {
    let spec = json!({"updateStrategy": {"rollingUpdate": rolling}});
    on("apps.kruise.io/v1alpha1", "DaemonSet", spec, |world| async move {
        for node in ["node-3", "node-4"] {
            add(&world, node).await;
        }
        world.pass(10).await;
        test(world).await
    })
}

fn nodes(world: &World) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Node"));
    Api::all_with(world.sim.client(), &resource)
}

async fn add(world: &World, node: &str) {
    let object =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "labels": {"disk": "fast"}}});
    create(&nodes(world), object).await;
}

impl World {
    async fn roll(&self, rolling: Value) {
        self.set(json!({"updateStrategy": {"rollingUpdate": rolling}}))
            .await;
    }

    /// Versions by node, in the order of the nodes' names.
    fn by_node(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut rows: Vec<(String, String)> = self
            .live()
            .iter()
            .map(|pod| {
                let image = text(&pod["spec"]["containers"][0]["image"]);
                (
                    text(&pod["spec"]["nodeName"]),
                    image.trim_start_matches("web:").to_owned(),
                )
            })
            .collect();
        rows.sort();
        let rows: Vec<String> = rows
            .into_iter()
            .map(|(node, version)| format!("{}={version}", node.trim_start_matches("node-")))
            .collect();
        rows.join(" ")
    }
}

#[test]
fn every_node_gets_a_pod() {
    daemon_set(json!({}), |world| async move {
        assert_eq!(world.by_node(), "0=v1 1=v1 2=v1 3=v1 4=v1");
        let wanted = json!({
            "currentNumberScheduled": 5, "desiredNumberScheduled": 5, "numberMisscheduled": 0, "numberReady": 5,
            "numberAvailable": 5, "updatedNumberScheduled": 5, "daemonSetHash": "v1",
        });
        assert_eq!(world.status(), wanted);
        let hash = world.revisions()[0].0.trim_start_matches("web-").to_owned();
        let labels = json!({"app": "web", "controller-revision-hash": hash,
                            "lifecycle.apps.kruise.io/state": "Normal"});
        assert_eq!(world.live()[0]["metadata"]["labels"], labels);
        world
            .set(json!({"template": {"spec": {"nodeSelector": {"disk": "fast"}}}}))
            .await;
        world.pass(20).await;
        assert_eq!(world.by_node(), "3=v1 4=v1");
        nodes(&world)
            .delete("node-4", &DeleteParams::default())
            .await
            .expect("a deleted node");
        world.pass(60).await;
        assert_eq!(world.by_node(), "3=v1");
        let status = world.status();
        assert_eq!(
            (&status["desiredNumberScheduled"], &status["numberReady"]),
            (&json!(1), &json!(1))
        );
    });
}

#[test]
fn a_partition_keeps_nodes_old() {
    daemon_set(json!({"partition": 3}), |world| async move {
        world.release("v2").await;
        assert_eq!(world.bounds(20).await, (4, 5));
        assert_eq!(world.by_node(), "0=v1 1=v1 2=v1 3=v2 4=v2");
        let wanted = json!({
            "currentNumberScheduled": 5, "desiredNumberScheduled": 5, "numberMisscheduled": 0, "numberReady": 5,
            "numberAvailable": 5, "updatedNumberScheduled": 2, "daemonSetHash": "v2",
        });
        assert_eq!(world.status(), wanted);
        // A percentage is rounded down: 30 % of 5 nodes keeps one.
        world.roll(json!({"partition": "30%"})).await;
        world.pass(20).await;
        assert_eq!(world.by_node(), "0=v1 1=v2 2=v2 3=v2 4=v2");
        world.roll(json!({"partition": 5})).await;
        world.pass(20).await;
        assert_eq!(world.by_node(), "0=v1 1=v2 2=v2 3=v2 4=v2");
        // What is made is always new: on a new node, and in the place of a deleted pod.
        add(&world, "node-5").await;
        let old = world
            .live()
            .into_iter()
            .find(|pod| pod["spec"]["nodeName"] == "node-0")
            .expect("a pod");
        world
            .delete(old["metadata"]["name"].as_str().expect("a name"))
            .await;
        world.pass(20).await;
        assert_eq!(world.by_node(), "0=v2 1=v2 2=v2 3=v2 4=v2 5=v2");
    });
}

#[test]
fn unavailability_and_surge_bound_an_update() {
    let cases = [
        (json!({"maxUnavailable": 2}), (3, 5)),
        (json!({"maxUnavailable": "30%"}), (3, 5)),
        (json!({"maxUnavailable": 0, "maxSurge": 2}), (5, 7)),
        (json!({"rollingUpdateType": "Surging"}), (5, 6)),
    ];
    for (rolling, bounds) in cases {
        daemon_set(rolling.clone(), |world| async move {
            world.release("v2").await;
            assert_eq!(world.bounds(30).await, bounds, "{rolling}");
            assert_eq!(world.by_node(), "0=v2 1=v2 2=v2 3=v2 4=v2", "{rolling}");
        });
    }
}

#[test]
fn a_surge_stops_at_the_partition() {
    daemon_set(
        json!({"maxUnavailable": 0, "maxSurge": "100%", "partition": 2}),
        |world| async move {
            world.release("v2").await;
            assert_eq!(world.bounds(30).await, (5, 8));
            assert_eq!(world.by_node(), "0=v1 1=v1 2=v2 3=v2 4=v2");
            // A broken version stays beside the old one.
            world.release("v3-crash").await;
            assert_eq!(world.bounds(30).await, (5, 8));
            assert_eq!(
                world.by_node(),
                "0=v1 1=v1 2=v2 2=v3-crash 3=v2 3=v3-crash 4=v2 4=v3-crash"
            );
            world.release("v2").await;
            world.pass(20).await;
            assert_eq!(world.by_node(), "0=v1 1=v1 2=v2 3=v2 4=v2");
        },
    );
}

#[test]
fn a_broken_version_stops_within_its_bounds() {
    daemon_set(json!({"maxUnavailable": 2}), |world| async move {
        world.release("v2-crash").await;
        world.pass(60).await;
        assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2-crash", 2, 0)]));
        let status = world.status();
        let fields = [
            "numberReady",
            "numberAvailable",
            "numberUnavailable",
            "updatedNumberScheduled",
        ];
        assert_eq!(
            fields.map(|field| status[field].clone()),
            [3, 3, 2, 2].map(|n| json!(n))
        );
        world.release("v1").await;
        world.pass(30).await;
        assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
        assert_eq!(
            world.history(),
            [("v2-crash".to_owned(), 2), ("v1".to_owned(), 3)]
        );
    });
}

#[test]
fn a_paused_or_manual_update_waits() {
    daemon_set(json!({"paused": true}), |world| async move {
        world.release("v2").await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
        world.roll(json!({"paused": false})).await;
        world.pass(30).await;
        assert_eq!(world.pods(), counted(&[("v2", 5, 5)]));
        world
            .set(json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}))
            .await;
        world.release("v3").await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v2", 5, 5)]));
        world.delete(world.uids().keys().next().expect("a pod")).await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v2", 4, 4), ("v3", 1, 1)]));
    });
}

#[test]
fn a_selector_admits_nodes() {
    daemon_set(
        json!({"selector": {"matchLabels": {"disk": "fast"}}}),
        |world| async move {
            world.release("v2").await;
            world.pass(30).await;
            assert_eq!(world.by_node(), "0=v1 1=v1 2=v1 3=v2 4=v2");
            let label = json!({"metadata": {"labels": {"disk": "fast"}}});
            nodes(&world)
                .patch("node-1", &PatchParams::default(), &Patch::Merge(label))
                .await
                .expect("a patched node");
            world.pass(30).await;
            assert_eq!(world.by_node(), "0=v1 1=v2 2=v1 3=v2 4=v2");
        },
    );
}

#[test]
fn an_image_is_changed_in_place_in_pods_that_were_made_for_it() {
    daemon_set(
        json!({"rollingUpdateType": "InPlaceIfPossible"}),
        |world| async move {
            let uids = world.uids();
            world.release("v2").await;
            world.options.clock.sleep(Duration::from_millis(500)).await;
            assert_eq!(world.pods(), counted(&[("v1", 4, 4), ("v2", 1, 0)]));
            assert_eq!(world.bounds(20).await, (4, 5));
            assert_eq!((world.pods(), world.uids()), (counted(&[("v2", 5, 5)]), uids));
        },
    );
    daemon_set(json!({}), |world| async move {
        let uids = world.uids();
        world
            .roll(json!({"rollingUpdateType": "InPlaceIfPossible"}))
            .await;
        world.release("v2").await;
        world.pass(30).await;
        assert_eq!(world.pods(), counted(&[("v2", 5, 5)]));
        assert!(world.uids().keys().all(|name| !uids.contains_key(name)));
    });
}

#[test]
fn a_pod_is_available_when_it_has_been_ready_for_long_enough() {
    daemon_set(json!({}), |world| async move {
        world.set(json!({"minReadySeconds": 10})).await;
        world.pass(10).await;
        world.release("v2").await;
        world.pass(8).await;
        let status = world.status();
        let fields = ["numberReady", "numberAvailable", "updatedNumberScheduled"];
        assert_eq!(
            fields.map(|field| status[field].clone()),
            [5, 4, 1].map(|n| json!(n))
        );
        world.pass(6).await;
        assert_eq!(world.status()["updatedNumberScheduled"], json!(2));
    });
}

#[test]
fn two_runs_are_the_same() {
    let play = || {
        daemon_set(json!({"maxUnavailable": 2}), |world| async move {
            world.release("v2").await;
            world.pass(2).await;
            add(&world, "node-5").await;
            world.release("v3-stuck").await;
            world.pass(10).await;
            world.release("v1").await;
            world.pass(20).await;
            world.sim.everything()
        })
    };
    assert_eq!(play(), play());
}

#[test]
fn a_taint_keeps_new_pods_away_or_all() {
    daemon_set(json!({}), |world| async move {
        let taint = |effect: &str| json!({"spec": {"taints": [{"key": "full", "effect": effect}]}});
        let params = PatchParams::default();
        for (node, effect) in [("node-1", "NoSchedule"), ("node-2", "NoExecute")] {
            nodes(&world)
                .patch(node, &params, &Patch::Merge(taint(effect)))
                .await
                .expect("a patched node");
        }
        world.pass(20).await;
        assert_eq!(world.by_node(), "0=v1 1=v1 3=v1 4=v1");
        let status = world.status();
        let fields = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberMisscheduled",
        ];
        assert_eq!(
            fields.map(|field| status[field].clone()),
            [3, 3, 1].map(|n| json!(n))
        );
        let stays = world
            .live()
            .into_iter()
            .find(|pod| pod["spec"]["nodeName"] == "node-1")
            .expect("a pod");
        world
            .delete(stays["metadata"]["name"].as_str().expect("a name"))
            .await;
        world.pass(20).await;
        assert_eq!(world.by_node(), "0=v1 3=v1 4=v1");
    });
}
