//! Advanced StatefulSets.

use std::future::Future;

use serde_json::{Value, json};
use tokio::time::Duration;

use super::{World, on, template};
use crate::sim::tests::counted;

fn stateful_set<F: Future>(spec: Value, test: impl FnOnce(World) -> F) -> F::Output {
    on("apps.kruise.io/v1beta1", "StatefulSet", spec, test)
}

/// A set of pods with a rolling update.
fn spec(replicas: i64, policy: &str, rolling: Value) -> Value {
    json!({"replicas": replicas, "serviceName": "web", "podManagementPolicy": policy,
           "updateStrategy": {"rollingUpdate": rolling}})
}

#[test]
fn a_new_set_comes_up() {
    stateful_set(spec(3, "OrderedReady", json!({})), |world| async move {
        assert_eq!(world.versions(), "v1 v1 v1");
        let wanted = json!({
            "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3, "updatedReplicas": 3,
            "updatedReadyReplicas": 3, "updatedAvailableReplicas": 3, "currentRevision": "web-v1",
            "updateRevision": "web-v1", "collisionCount": 0, "labelSelector": "app=web",
        });
        assert_eq!(world.status(), wanted);
        let labels = json!({
            "app": "web", "controller-revision-hash": world.revisions()[0].0,
            "statefulset.kubernetes.io/pod-name": "web-2", "apps.kubernetes.io/pod-index": "2",
            "lifecycle.apps.kruise.io/state": "Normal",
        });
        assert_eq!(world.live()[2]["metadata"]["labels"], labels);
    });
}

#[test]
fn ordered_sets_come_up_one_by_one_and_parallel_ones_at_once() {
    for (policy, after) in [
        ("OrderedReady", "v1 v1 v1 v1!"),
        ("Parallel", "v1 v1 v1! v1! v1! v1!"),
    ] {
        stateful_set(spec(2, policy, json!({})), |world| async move {
            world.set(json!({"replicas": 6})).await;
            world.options.clock.sleep(Duration::from_millis(1500)).await;
            let now = world.versions();
            world.pass(20).await;
            assert_eq!(world.versions(), "v1 v1 v1 v1 v1 v1");
            let expected = if policy == "Parallel" {
                "v1 v1 v1 v1 v1 v1"
            } else {
                after
            };
            assert_eq!(now, expected, "{policy}");
            world.set(json!({"replicas": 2})).await;
            world.options.clock.sleep(Duration::from_millis(500)).await;
            let left = world.rows().len();
            assert_eq!(left, if policy == "Parallel" { 2 } else { 4 }, "{policy}");
            world.pass(20).await;
            assert_eq!(world.versions(), "v1 v1");
        });
    }
}

#[test]
fn an_update_goes_from_the_highest_ordinal_down_to_the_partition() {
    let rolling = json!({"partition": 3});
    stateful_set(spec(5, "Parallel", rolling), |world| async move {
        world.release("v2").await;
        assert_eq!(world.bounds(20).await, (4, 5));
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2");
        let wanted = json!({
            "replicas": 5, "readyReplicas": 5, "availableReplicas": 5, "currentReplicas": 3, "updatedReplicas": 2,
            "updatedReadyReplicas": 2, "updatedAvailableReplicas": 2, "currentRevision": "web-v1",
            "updateRevision": "web-v2", "collisionCount": 0, "labelSelector": "app=web",
        });
        assert_eq!(world.status(), wanted);
        // Deleted pods come back with the version of their place.
        world.delete("web-1").await;
        world.delete("web-4").await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2");
        // A raised partition takes none back.
        world
            .set(json!({"updateStrategy": {"rollingUpdate": {"partition": 5}}}))
            .await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2");
        world
            .set(json!({"updateStrategy": {"rollingUpdate": {"partition": 0}}}))
            .await;
        world.pass(30).await;
        assert_eq!(world.versions(), "v2 v2 v2 v2 v2");
        assert_eq!(world.status()["currentRevision"], "web-v2");
    });
}

#[test]
fn an_unordered_partition_is_a_count() {
    let rolling = json!({"partition": 3, "unorderedUpdate": {}});
    stateful_set(spec(5, "Parallel", rolling), |world| async move {
        world.release("v2").await;
        world.pass(20).await;
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2");
        // A new pod comes back new when enough old ones stand elsewhere, and old when they do not.
        world.delete("web-4").await;
        world.delete("web-0").await;
        world.pass(20).await;
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2");
        world.set(json!({"replicas": 7})).await;
        world.pass(20).await;
        assert_eq!(world.versions(), "v1 v1 v1 v2 v2 v2 v2");
        world
            .set(json!({"updateStrategy": {"rollingUpdate": {"partition": 2}}}))
            .await;
        world.pass(20).await;
        assert_eq!(world.versions(), "v1 v1 v2 v2 v2 v2 v2");
    });
}

#[test]
fn unavailability_bounds_an_update() {
    let cases = [
        (json!({"maxUnavailable": 2}), (3, 5)),
        (json!({"maxUnavailable": "50%"}), (3, 5)),
        (json!({"maxUnavailable": "10%"}), (4, 5)),
        (json!({}), (4, 5)),
    ];
    for (rolling, bounds) in cases {
        for policy in ["OrderedReady", "Parallel"] {
            stateful_set(spec(5, policy, rolling.clone()), |world| async move {
                world.release("v2").await;
                assert_eq!(world.bounds(30).await, bounds, "{policy}");
                assert_eq!(world.versions(), "v2 v2 v2 v2 v2");
            });
        }
    }
}

#[test]
fn patience_stands_in_the_rolling_update() {
    let rolling = json!({"minReadySeconds": 10});
    stateful_set(spec(3, "Parallel", rolling), |world| async move {
        world.release("v2").await;
        world.pass(8).await;
        assert_eq!(world.versions(), "v1 v1 v2");
        let status = world.status();
        let fields = ["readyReplicas", "availableReplicas", "updatedReadyReplicas"];
        assert_eq!(
            fields.map(|field| status[field].clone()),
            [3, 2, 1].map(|n| json!(n))
        );
        world.pass(6).await;
        assert_eq!(world.versions(), "v1 v2 v2");
        world.pass(30).await;
        assert_eq!(world.versions(), "v2 v2 v2");
    });
}

#[test]
fn a_paused_update_waits_but_pods_come_back() {
    let rolling = json!({"paused": true});
    stateful_set(spec(3, "OrderedReady", rolling), |world| async move {
        world.release("v2").await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v1 v1 v1");
        world.delete("web-1").await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v1 v2 v1");
        world
            .set(json!({"updateStrategy": {"rollingUpdate": {"paused": false}}}))
            .await;
        world.pass(20).await;
        assert_eq!(world.versions(), "v2 v2 v2");
    });
}

#[test]
fn a_broken_pod_blocks_an_ordered_set_and_not_a_parallel_one() {
    for (policy, back) in [("OrderedReady", "v1 v1 v2-crash!"), ("Parallel", "v1 v1 v1")] {
        stateful_set(spec(3, policy, json!({})), |world| async move {
            world.release("v2-crash").await;
            world.pass(30).await;
            assert_eq!(world.versions(), "v1 v1 v2-crash!");
            world.release("v1").await;
            world.pass(30).await;
            assert_eq!(world.versions(), back, "{policy}");
            if policy == "OrderedReady" {
                world.delete("web-2").await;
                world.pass(10).await;
            }
            assert_eq!(world.versions(), "v1 v1 v1");
            assert_eq!(
                world.history(),
                [("v2-crash".to_owned(), 2), ("v1".to_owned(), 3)]
            );
        });
    }
}

#[test]
fn an_image_is_changed_in_place() {
    let rolling = json!({"podUpdatePolicy": "InPlaceIfPossible", "partition": 1});
    for policy in ["OrderedReady", "Parallel"] {
        stateful_set(spec(3, policy, rolling.clone()), |world| async move {
            let uids = world.uids();
            world.release("v2").await;
            world.options.clock.sleep(Duration::from_millis(500)).await;
            assert_eq!(world.versions(), "v1 v1 v2!");
            assert_eq!(world.bounds(10).await, (2, 3));
            assert_eq!(
                (world.versions(), world.uids()),
                ("v1 v2 v2".to_owned(), uids.clone())
            );
            let revisions: Vec<Value> = world
                .live()
                .iter()
                .map(|p| p["metadata"]["labels"]["controller-revision-hash"].clone())
                .collect();
            let known = world.revisions();
            assert_eq!(
                revisions,
                [&known[0].0, &known[1].0, &known[1].0].map(|name| json!(name))
            );
            let mut more = template("v2");
            more["spec"]["terminationGracePeriodSeconds"] = json!(5);
            world.set(json!({"template": more})).await;
            world.pass(20).await;
            let replaced = world
                .uids()
                .iter()
                .filter(|(name, uid)| uids.get(*name) != Some(*uid))
                .count();
            assert_eq!((world.versions().as_str(), replaced), ("v1 v2 v2", 2));
        });
    }
}

#[test]
fn ordinals_start_where_they_are_told_and_leave_the_reserved_out() {
    let mut wanted = spec(3, "Parallel", json!({"partition": 2}));
    wanted["ordinals"] = json!({"start": 5});
    wanted["reserveOrdinals"] = json!([6, "8-9"]);
    stateful_set(wanted, |world| async move {
        let names =
            |world: &World| -> Vec<String> { world.rows().into_iter().map(|(name, _, _)| name).collect() };
        let mut now = names(&world);
        now.sort_by_key(String::len);
        assert_eq!(now, ["5", "7", "10"]);
        world.release("v2").await;
        world.pass(20).await;
        assert_eq!(world.pods(), counted(&[("v1", 2, 2), ("v2", 1, 1)]));
        let new = world.rows().into_iter().find(|(_, version, _)| version == "v2");
        assert_eq!(new, Some(("10".to_owned(), "v2".to_owned(), true)));
        world.set(json!({"reserveOrdinals": [7]})).await;
        world.pass(20).await;
        assert_eq!(names(&world), ["5", "6", "8"]);
        // A range as long as can be written.
        world
            .set(json!({"reserveOrdinals": ["7-9223372036854775805"]}))
            .await;
        world.pass(20).await;
        assert_eq!(names(&world), ["5", "6", "9223372036854775806"]);
    });
}

#[test]
fn deletion_updates_when_the_strategy_says_so() {
    let wanted = json!({"replicas": 3, "serviceName": "web", "updateStrategy": {"type": "OnDelete"}});
    stateful_set(wanted, |world| async move {
        world.release("v2").await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v1 v1 v1");
        world.delete("web-0").await;
        world.pass(10).await;
        assert_eq!(world.versions(), "v2 v1 v1");
        assert_eq!(world.status()["currentRevision"], "web-v1");
    });
}

#[test]
fn two_runs_are_the_same() {
    let play = || {
        stateful_set(
            spec(5, "Parallel", json!({"maxUnavailable": 2})),
            |world| async move {
                world.release("v2").await;
                world.pass(1).await;
                world.set(json!({"replicas": 3})).await;
                world.release("v3-missing").await;
                world.pass(5).await;
                world.release("v1").await;
                world.pass(20).await;
                world.sim.everything()
            },
        )
    };
    assert_eq!(play(), play());
}

/// The pods at the checkpoints of the recorded release, with the writes that led there.
#[test]
fn the_pods_of_the_recorded_release_are_where_they_were() {
    stateful_set(spec(5, "Parallel", json!({})), |world| async move {
        let partition =
            |partition: Value| json!({"updateStrategy": {"rollingUpdate": {"partition": partition}}});
        let mut held = partition(json!(32_767));
        held["template"] = template("v2");
        let steps = [
            (held, "v1 v1 v1 v1 v1"),
            (partition(json!(4)), "v1 v1 v1 v1 v2"),
            (partition(json!(2)), "v1 v1 v2 v2 v2"),
            (partition(json!(0)), "v2 v2 v2 v2 v2"),
            (partition(json!(null)), "v2 v2 v2 v2 v2"),
        ];
        for (write, versions) in steps {
            world.set(write.clone()).await;
            world.pass(30).await;
            assert_eq!(world.versions(), versions, "{write}");
        }
    });
}
