//! CloneSets.

use std::future::Future;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{World, on, template};
use crate::sim::tests::{api, counted};

const NEVER: i64 = 2_147_483_646;

fn clone_set<F: Future>(spec: Value, test: impl FnOnce(World) -> F) -> F::Output {
    on("apps.kruise.io/v1alpha1", "CloneSet", spec, test)
}

#[test]
fn a_new_set_comes_up() {
    clone_set(json!({"replicas": 5}), |world| async move {
        assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
        let wanted = json!({
            "replicas": 5, "readyReplicas": 5, "availableReplicas": 5, "updatedReplicas": 5, "updatedReadyReplicas": 5,
            "updatedAvailableReplicas": 5, "expectedUpdatedReplicas": 5, "currentRevision": "web-v1",
            "updateRevision": "web-v1", "collisionCount": 0, "labelSelector": "app=web",
        });
        assert_eq!(world.status(), wanted);
        assert_eq!(world.history(), [("v1".to_owned(), 1)]);
        let pod = &world.live()[0];
        let name = pod["metadata"]["name"].as_str().expect("a name");
        let revision = &world.revisions()[0].0;
        let labels = json!({
            "app": "web", "controller-revision-hash": revision,
            "pod-template-hash": revision.trim_start_matches("web-"),
            "apps.kruise.io/cloneset-instance-id": name.trim_start_matches("web-"),
            "lifecycle.apps.kruise.io/state": "Normal",
        });
        assert_eq!(pod["metadata"]["labels"], labels);
        let owner = json!([{"apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "name": "web",
                            "uid": world.object()["metadata"]["uid"], "controller": true,
                            "blockOwnerDeletion": true}]);
        assert_eq!(pod["metadata"]["ownerReferences"], owner);
    });
}

#[test]
fn a_partition_keeps_pods_old_and_takes_none_back() {
    let strategy = json!({"maxUnavailable": 1, "partition": 3});
    clone_set(
        json!({"replicas": 5, "updateStrategy": strategy}),
        |world| async move {
            world.release("v2").await;
            assert_eq!(world.bounds(20).await, (4, 5));
            assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2", 2, 2)]));
            let wanted = json!({
                "replicas": 5, "readyReplicas": 5, "availableReplicas": 5, "updatedReplicas": 2, "updatedReadyReplicas": 2,
                "updatedAvailableReplicas": 2, "expectedUpdatedReplicas": 2, "currentRevision": "web-v1",
                "updateRevision": "web-v2", "collisionCount": 0, "labelSelector": "app=web",
            });
            assert_eq!(world.status(), wanted);
            world.set(json!({"updateStrategy": {"partition": 5}})).await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2", 2, 2)]));
            assert_eq!(world.status().get("expectedUpdatedReplicas"), None);
            // What is made now is old, and what is one too many then is new.
            world.set(json!({"replicas": 7})).await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 5, 5), ("v2", 2, 2)]));
            world.set(json!({"replicas": 5})).await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
            world.set(json!({"updateStrategy": {"partition": 0}})).await;
            world.pass(30).await;
            assert_eq!(world.pods(), counted(&[("v2", 5, 5)]));
            assert_eq!(world.status()["currentRevision"], "web-v2");
        },
    );
}

#[test]
fn a_percentage_short_of_all_updates_at_least_one_pod() {
    for (partition, old, new) in [("99%", 4, 1), ("50%", 3, 2), ("1%", 1, 4)] {
        let spec = json!({"replicas": 5, "updateStrategy": {"partition": partition}});
        clone_set(spec, |world| async move {
            world.release("v2").await;
            world.pass(30).await;
            assert_eq!(
                world.pods(),
                counted(&[("v1", old, old), ("v2", new, new)]),
                "{partition}"
            );
        });
    }
}

#[test]
fn unavailability_and_surge_bound_an_update() {
    let cases = [
        (json!({"maxUnavailable": 2, "maxSurge": 0}), (3, 5)),
        (json!({"maxUnavailable": 0, "maxSurge": 2}), (5, 7)),
        (json!({"maxUnavailable": 1, "maxSurge": 1}), (4, 6)),
        (json!({"maxUnavailable": "50%", "maxSurge": 0}), (2, 5)),
    ];
    for (strategy, bounds) in cases {
        let spec = json!({"replicas": 5, "updateStrategy": strategy.clone()});
        clone_set(spec, |world| async move {
            world.release("v2").await;
            assert_eq!(world.bounds(30).await, bounds, "{strategy}");
            assert_eq!(world.pods(), counted(&[("v2", 5, 5)]), "{strategy}");
        });
    }
}

#[test]
fn a_paused_set_scales_but_does_not_update() {
    let strategy = json!({"paused": true, "maxSurge": 2});
    clone_set(
        json!({"replicas": 3, "updateStrategy": strategy}),
        |world| async move {
            world.release("v2").await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 3, 3)]));
            world.set(json!({"replicas": 5})).await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2", 2, 2)]));
            world.set(json!({"updateStrategy": {"paused": false}})).await;
            world.pass(30).await;
            assert_eq!(world.pods(), counted(&[("v2", 5, 5)]));
        },
    );
}

#[test]
fn a_pod_is_available_when_it_has_been_ready_for_long_enough() {
    let spec = json!({"replicas": 3, "minReadySeconds": 10, "updateStrategy": {"maxUnavailable": 1}});
    clone_set(spec, |world| async move {
        world.release("v2").await;
        let count = |world: &World| {
            let status = world.status();
            [
                "updatedReplicas",
                "updatedReadyReplicas",
                "updatedAvailableReplicas",
            ]
            .map(|field| status[field].as_i64().unwrap_or(0))
        };
        world.pass(5).await;
        assert_eq!(count(&world), [1, 1, 0]);
        world.pass(7).await;
        assert_eq!(count(&world), [2, 1, 1]);
        world.pass(30).await;
        assert_eq!(count(&world), [3, 3, 3]);
    });
}

#[test]
fn a_broken_version_stops_within_its_bounds_and_goes_first() {
    let spec = json!({"replicas": 5, "updateStrategy": {"maxUnavailable": 2}});
    clone_set(spec, |world| async move {
        world.release("v2-crash").await;
        world.pass(60).await;
        assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2-crash", 2, 0)]));
        let before = world.uids();
        world.release("v1").await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
        let kept = world
            .uids()
            .into_iter()
            .filter(|(name, uid)| before.get(name) == Some(uid))
            .count();
        assert_eq!(kept, 3);
        assert_eq!(
            world.history(),
            [("v2-crash".to_owned(), 2), ("v1".to_owned(), 3)]
        );
    });
}

#[test]
fn an_image_is_changed_in_place() {
    let strategy = json!({"type": "InPlaceIfPossible", "maxUnavailable": 1});
    clone_set(
        json!({"replicas": 3, "updateStrategy": strategy}),
        |world| async move {
            let uids = world.uids();
            let addresses = |world: &World| -> Vec<Value> {
                world
                    .live()
                    .iter()
                    .map(|pod| pod["status"]["podIP"].clone())
                    .collect()
            };
            let known = addresses(&world);
            world.release("v2").await;
            world.options.clock.sleep(Duration::from_millis(500)).await;
            assert_eq!(world.pods(), counted(&[("v1", 2, 2), ("v2", 1, 0)]));
            assert_eq!(world.bounds(10).await, (2, 3));
            assert_eq!(world.pods(), counted(&[("v2", 3, 3)]));
            assert_eq!((world.uids(), addresses(&world)), (uids.clone(), known));
            assert_eq!(world.status()["currentRevision"], "web-v2");
            let hashes: Vec<Value> = world
                .live()
                .iter()
                .map(|p| p["metadata"]["labels"]["pod-template-hash"].clone())
                .collect();
            let hash = world.revisions()[1].0.trim_start_matches("web-").to_owned();
            assert_eq!(hashes, vec![json!(hash); 3]);
            // Stuck pods never started; they start once their image is good.
            world
                .set(json!({"updateStrategy": {"maxUnavailable": "100%"}}))
                .await;
            world.release("v3-stuck").await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v3-stuck", 3, 0)]));
            world.release("v2").await;
            world.pass(10).await;
            assert_eq!((world.pods(), world.uids()), (counted(&[("v2", 3, 3)]), uids));
        },
    );
}

#[test]
fn what_is_more_than_an_image_is_not_changed_in_place() {
    let changed = || {
        let mut template = template("v2");
        template["spec"]["containers"][0]["env"] = json!([{"name": "A", "value": "b"}]);
        json!({"template": template})
    };
    let spec = |policy: &str| json!({"replicas": 2, "updateStrategy": {"type": policy}});
    clone_set(spec("InPlaceIfPossible"), |world| async move {
        let uids = world.uids();
        world.set(changed()).await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v2", 2, 2)]));
        assert!(world.uids().keys().all(|name| !uids.contains_key(name)));
    });
    clone_set(spec("InPlaceOnly"), |world| async move {
        world.set(changed()).await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v1", 2, 2)]));
        let mut condition = world.status()["conditions"][0].take();
        let message = condition["message"].take();
        assert!(
            message.as_str().is_some_and(|m| m.contains("InPlaceOnly")),
            "{message}"
        );
        let wanted = json!({"type": "FailedUpdate", "status": "True", "message": null,
                            "lastTransitionTime": "2026-11-21T00:00:30Z"});
        assert_eq!(condition, wanted);
        world.release("v2").await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v2", 2, 2)]));
    });
}

/// The hold of a blue-green release, and a new version under it.
async fn held(world: &World) {
    let strategy = json!({"maxSurge": 1, "maxUnavailable": 0, "partition": "100%", "paused": false});
    world
        .set(json!({"minReadySeconds": NEVER, "updateStrategy": strategy}))
        .await;
    world.release("v2").await;
    world.pass(10).await;
    assert_eq!(world.pods(), counted(&[("v1", 5, 5)]));
}

/// Opens the partition with a surge, and lets the pods come.
async fn surge(world: &World, surge: &str) -> Vec<(String, usize, usize)> {
    world
        .set(json!({"updateStrategy": {"maxSurge": surge, "partition": null}}))
        .await;
    assert!(world.bounds(20).await.0 >= 5);
    world.pods()
}

/// Brings up a second version beside the first, as a blue-green release does.
async fn both(world: &World) {
    held(world).await;
    assert_eq!(surge(world, "100%").await, counted(&[("v1", 5, 5), ("v2", 5, 5)]));
    let status = world.status();
    let counts = [
        "replicas",
        "readyReplicas",
        "availableReplicas",
        "updatedReplicas",
        "updatedReadyReplicas",
    ];
    assert_eq!(
        counts.map(|field| status[field].clone()),
        [10, 10, 0, 5, 5].map(|n| json!(n))
    );
}

/// Kruise surges by the lesser of `maxSurge` and the new pods that lack, and the new pods that are there count against
/// it. So from `k` new pods a growing surge goes no further than to `replicas - k`; from none it comes whole.
#[test]
fn a_surge_that_grows_may_stop_half_way() {
    for (first, then, new) in [
        ("20%", "60%", 3),
        ("20%", "100%", 4),
        ("40%", "100%", 3),
        ("60%", "100%", 3),
    ] {
        clone_set(json!({"replicas": 5}), |world| async move {
            held(&world).await;
            surge(&world, first).await;
            let wanted = counted(&[("v1", 5, 5), ("v2", new, new)]);
            assert_eq!(surge(&world, then).await, wanted, "{first}, {then}");
        });
    }
}

#[test]
fn two_versions_stand_beside_each_other_until_one_is_let_go() {
    let restored = |partition: Value| {
        json!({"minReadySeconds": 0,
               "updateStrategy": {"maxSurge": 0, "maxUnavailable": "20%", "partition": partition}})
    };
    let cases = [
        ("finished", "v2", json!(null), "v2", "v1"),
        ("taken back", "v1", json!(null), "v1", "v2"),
        // With the partition still closed the other version is what stays.
        ("taken back, still held", "v1", json!("100%"), "v2", "v1"),
    ];
    for (what, wanted, partition, stays, goes) in cases {
        clone_set(json!({"replicas": 5}), |world| async move {
            both(&world).await;
            world.release(wanted).await;
            world.pass(10).await;
            assert_eq!(world.pods(), counted(&[("v1", 5, 5), ("v2", 5, 5)]), "{what}");
            world.set(restored(partition)).await;
            assert_eq!(world.bounds(20).await, (5, 10), "{what}");
            assert_eq!(world.pods(), counted(&[(stays, 5, 5)]), "{what}: {goes} is left");
            let current = if stays == wanted {
                format!("web-{wanted}")
            } else {
                "web-v1".to_owned()
            };
            assert_eq!(world.status()["currentRevision"], current, "{what}");
        });
    }
}

#[test]
fn a_set_that_shrinks_gives_up_the_least_useful_pods() {
    clone_set(
        json!({"replicas": 6, "updateStrategy": {"maxUnavailable": 2}}),
        |world| async move {
            world.pass(5).await;
            world.release("v2-missing").await;
            world.pass(20).await;
            assert_eq!(world.pods(), counted(&[("v1", 4, 4), ("v2-missing", 2, 0)]));
            // Old ones go before new ones while the partition keeps none, though the new ones are not ready.
            world
                .set(json!({"replicas": 5, "updateStrategy": {"paused": true}}))
                .await;
            world.pass(20).await;
            assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2-missing", 2, 0)]));
            // Within a version, those that are not ready go first, then the young, then those on crowded nodes.
            world.set(json!({"updateStrategy": {"partition": 5}})).await;
            world.set(json!({"replicas": 4})).await;
            world.pass(20).await;
            assert_eq!(world.pods(), counted(&[("v1", 3, 3), ("v2-missing", 1, 0)]));
        },
    );
    clone_set(json!({"replicas": 3}), |world| async move {
        let old = world.uids();
        world.set(json!({"replicas": 5})).await;
        world.pass(10).await;
        let cheap = old.keys().next().expect("a pod").clone();
        let pods = api(&world.sim.client(), "", "v1", "Pod");
        let cost = json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}}});
        pods.patch(&cheap, &PatchParams::default(), &Patch::Merge(cost))
            .await
            .expect("a patched pod");
        world.set(json!({"replicas": 4})).await;
        world.pass(10).await;
        assert!(!world.uids().contains_key(&cheap));
        // Three nodes and four pods: a node with two gives one up, the younger one.
        world.set(json!({"replicas": 3})).await;
        world.pass(10).await;
        let mut nodes: Vec<Value> = world
            .live()
            .iter()
            .map(|pod| pod["spec"]["nodeName"].clone())
            .collect();
        nodes.sort_by_key(Value::to_string);
        assert_eq!(nodes, [json!("node-0"), json!("node-1"), json!("node-2")]);
    });
}

#[test]
fn pods_that_are_named_go_as_unavailability_allows() {
    let spec = json!({"replicas": 4, "updateStrategy": {"maxUnavailable": 1, "partition": 4}});
    clone_set(spec, |world| async move {
        let names: Vec<String> = world.uids().into_keys().collect();
        world.release("v2").await;
        world
            .set(json!({"scaleStrategy": {"podsToDelete": names[..2]}}))
            .await;
        assert_eq!(world.bounds(20).await, (3, 4));
        assert_eq!(world.pods(), counted(&[("v1", 4, 4)]));
        let left: Vec<String> = world.uids().into_keys().collect();
        assert_eq!(names[2..].iter().filter(|name| left.contains(name)).count(), 2);
        assert_eq!(names[..2].iter().filter(|name| left.contains(name)).count(), 0);
    });
}

#[test]
fn revisions_come_back_and_old_ones_are_dropped() {
    let spec =
        json!({"replicas": 2, "revisionHistoryLimit": 2, "updateStrategy": {"maxUnavailable": "100%"}});
    clone_set(spec, |world| async move {
        for version in ["v2", "v1", "v3", "v4", "v5"] {
            world.release(version).await;
            world.pass(10).await;
        }
        let wanted = [("v3", 4), ("v4", 5), ("v5", 6)].map(|(version, number)| (version.to_owned(), number));
        assert_eq!(world.history(), wanted);
        assert_eq!(world.status()["currentRevision"], "web-v5");
    });
}

#[test]
fn two_runs_are_the_same() {
    let play = || {
        let spec = json!({"replicas": 7, "updateStrategy": {"maxSurge": 2, "maxUnavailable": 1, "partition": "50%"}});
        clone_set(spec, |world| async move {
            world.release("v2").await;
            world.pass(3).await;
            world.release("v3-crash").await;
            world.pass(3).await;
            world
                .set(json!({"replicas": 4, "updateStrategy": {"partition": 0}}))
                .await;
            world.pass(3).await;
            world.release("v1").await;
            world.pass(30).await;
            world.sim.everything()
        })
    };
    assert_eq!(play(), play());
}

/// The pods at the checkpoints of the recorded releases of CloneSets, with the writes that led there.
#[test]
fn the_pods_of_recorded_releases_are_where_they_were() {
    let held =
        |version: &str| json!({"template": template(version), "updateStrategy": {"partition": "100%"}});
    let partition = |partition: Value| json!({"updateStrategy": {"partition": partition}});
    let steps = |writes: Vec<(Value, (usize, usize))>| writes;
    let cases = [
        (
            5,
            steps(vec![
                (held("v2"), (5, 0)),
                (partition(json!("80%")), (4, 1)),
                (partition(json!("60%")), (3, 2)),
                (partition(json!("0%")), (0, 5)),
                (partition(json!(null)), (0, 5)),
            ]),
        ),
        (
            10,
            steps(vec![
                (held("v2"), (10, 0)),
                (partition(json!("80%")), (8, 2)),
                (partition(json!("50%")), (5, 5)),
                (held("v1"), (5, 5)),
                (partition(json!(null)), (10, 0)),
            ]),
        ),
    ];
    for (replicas, steps) in cases {
        clone_set(json!({"replicas": replicas}), |world| async move {
            for (write, (old, new)) in steps {
                world.set(write.clone()).await;
                world.pass(30).await;
                let all = [("v1", old, old), ("v2", new, new)];
                let there: Vec<_> = all.into_iter().filter(|(_, pods, _)| *pods > 0).collect();
                assert_eq!(world.pods(), counted(&there), "{replicas}: {write}");
            }
        });
    }
}
