//! What the StatefulSet controller does.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{api, create, image, named, pass, revisions, run, status, workload};
use crate::sim::{Options, Sim};

fn pod(ordinal: usize, tag: &str, ready: bool) -> (String, String, bool) {
    (format!("web-{ordinal}"), tag.to_owned(), ready)
}

fn ready(tags: &[&str]) -> Vec<(String, String, bool)> {
    tags.iter()
        .enumerate()
        .map(|(at, tag)| pod(at, tag, true))
        .collect()
}

fn revision(number: i64, tag: &str) -> (i64, String) {
    (number, tag.to_owned())
}

fn set_status(sim: &Sim) -> Value {
    status(sim, "apps/v1", "StatefulSet")
}

fn sets(sim: &Sim) -> Api<DynamicObject> {
    api(&sim.client(), "apps", "v1", "StatefulSet")
}

/// A cluster with a StatefulSet of `web:v1`, given the time to come up.
async fn up(options: &Options, spec: Value) -> (Sim, crate::sim::Controllers) {
    let sim = Sim::new(options.clone());
    let controllers = sim.start();
    create(&sets(&sim), workload("apps/v1", "StatefulSet", "v1", spec)).await;
    pass(options, 20).await;
    (sim, controllers)
}

async fn patch(sim: &Sim, change: Value) {
    sets(sim)
        .patch("web", &PatchParams::default(), &Patch::Strategic(change))
        .await
        .expect("patched");
}

async fn delete(sim: &Sim, name: &str) {
    api(&sim.client(), "", "v1", "Pod")
        .delete(name, &DeleteParams::default())
        .await
        .expect("deleted");
}

#[test]
fn pods_come_in_order_or_all_at_once() {
    for (policy, after, wanted) in [
        (
            "OrderedReady",
            2_500,
            vec![("web-0", true), ("web-1", true), ("web-2", false)],
        ),
        (
            "Parallel",
            1_500,
            vec![("web-0", true), ("web-1", true), ("web-2", true)],
        ),
    ] {
        run(|options| async move {
            let sim = Sim::new(options.clone());
            let _controllers = sim.start();
            let spec = json!({"replicas": 3, "podManagementPolicy": policy});
            create(&sets(&sim), workload("apps/v1", "StatefulSet", "v1", spec)).await;
            options.clock.sleep(Duration::from_millis(after)).await;
            let pods = named(&sim);
            let seen: Vec<(&str, bool)> = pods.iter().map(|(n, _, ready)| (n.as_str(), *ready)).collect();
            assert_eq!(seen, wanted, "{policy}");
        });
    }
}

#[test]
fn a_set_at_rest_says_what_it_has() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, json!({"replicas": 3})).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v1"]));
        assert_eq!(
            set_status(&sim),
            json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3,
                   "updatedReplicas": 3, "currentRevision": "web:v1", "updateRevision": "web:v1", "collisionCount": 0})
        );
        let pod = sim.get("v1", "Pod", "default", "web-1").expect("a pod");
        let revision = &sim.list("apps/v1", "ControllerRevision", None)[0]["metadata"]["name"];
        assert_eq!(
            pod["metadata"]["labels"],
            json!({"app": "web", "controller-revision-hash": revision, "apps.kubernetes.io/pod-index": "1",
                   "statefulset.kubernetes.io/pod-name": "web-1"})
        );
    });
}

#[test]
fn an_update_goes_down_from_the_highest_one_at_a_time() {
    for policy in ["OrderedReady", "Parallel"] {
        run(|options| async move {
            let (sim, _controllers) =
                up(&options, json!({"replicas": 4, "podManagementPolicy": policy})).await;
            patch(&sim, image("v2")).await;
            let (mut least, mut seen) = (4, Vec::new());
            for _ in 0..1_200 {
                options.clock.sleep(Duration::from_millis(10)).await;
                let pods = named(&sim);
                least = least.min(pods.iter().filter(|(_, _, ready)| *ready).count());
                let tags: Vec<String> = pods.into_iter().map(|(_, tag, _)| tag).collect();
                if tags.len() == 4 && seen.last() != Some(&tags) {
                    seen.push(tags);
                }
            }
            let steps = [
                ["v1", "v1", "v1", "v1"],
                ["v1", "v1", "v1", "v2"],
                ["v1", "v1", "v2", "v2"],
                ["v1", "v2", "v2", "v2"],
                ["v2", "v2", "v2", "v2"],
            ];
            assert_eq!(
                (least, seen),
                (3, steps.map(|s| s.map(str::to_owned).to_vec()).to_vec())
            );
            assert_eq!(
                set_status(&sim),
                json!({"replicas": 4, "readyReplicas": 4, "availableReplicas": 4, "currentReplicas": 4,
                       "updatedReplicas": 4, "currentRevision": "web:v2", "updateRevision": "web:v2",
                       "collisionCount": 0})
            );
            assert_eq!(revisions(&sim), [revision(1, "v1"), revision(2, "v2")]);
        });
    }
}

#[test]
fn a_partition_divides_the_versions_also_when_pods_are_made() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, json!({"replicas": 4})).await;
        let mut change = image("v2");
        change["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 2}});
        patch(&sim, change).await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v2", "v2"]));
        let wanted = |replicas: i64, current: i64, updated: i64| {
            json!({"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
                   "currentReplicas": current, "updatedReplicas": updated, "currentRevision": "web:v1",
                   "updateRevision": "web:v2", "collisionCount": 0})
        };
        assert_eq!(set_status(&sim), wanted(4, 2, 2));
        delete(&sim, "web-0").await;
        delete(&sim, "web-3").await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v2", "v2"]));
        patch(&sim, json!({"spec": {"replicas": 6}})).await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v2", "v2", "v2", "v2"]));
        patch(&sim, json!({"spec": {"replicas": 3}})).await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v2"]));
        assert_eq!(set_status(&sim), wanted(3, 2, 1));
        // A partition above every ordinal takes nothing back; new pods are of the old version.
        patch(
            &sim,
            json!({"spec": {"replicas": 4, "updateStrategy": {"rollingUpdate": {"partition": 32767}}}}),
        )
        .await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v2", "v1"]));
    });
}

#[test]
fn a_broken_pod_stops_an_ordered_rollback_until_it_is_deleted() {
    for (policy, stuck) in [("OrderedReady", true), ("Parallel", false)] {
        run(|options| async move {
            let (sim, _controllers) =
                up(&options, json!({"replicas": 3, "podManagementPolicy": policy})).await;
            patch(&sim, image("v2-crash")).await;
            pass(&options, 10).await;
            let broken = [pod(0, "v1", true), pod(1, "v1", true), pod(2, "v2-crash", false)];
            assert_eq!(named(&sim), broken);
            patch(&sim, image("v1")).await;
            pass(&options, 60).await;
            if stuck {
                assert_eq!(named(&sim), broken);
                delete(&sim, "web-2").await;
                pass(&options, 10).await;
            }
            assert_eq!(named(&sim), ready(&["v1", "v1", "v1"]), "{policy}");
            assert_eq!(revisions(&sim), [revision(2, "v2-crash"), revision(3, "v1")]);
            assert_eq!(set_status(&sim)["currentRevision"], "web:v1");
        });
    }
}

#[test]
fn on_delete_waits_for_somebody_to_delete_pods() {
    run(|options| async move {
        let spec = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        let (sim, _controllers) = up(&options, spec).await;
        patch(&sim, image("v2")).await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v1", "v1"]));
        delete(&sim, "web-1").await;
        pass(&options, 10).await;
        assert_eq!(named(&sim), ready(&["v1", "v2", "v1"]));
        delete(&sim, "web-0").await;
        delete(&sim, "web-2").await;
        pass(&options, 10).await;
        // The current revision stays behind: only a rolling update completes.
        assert_eq!(
            set_status(&sim),
            json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": 3,
                   "currentRevision": "web:v1", "updateRevision": "web:v2", "collisionCount": 0})
        );
    });
}

#[test]
fn min_ready_seconds_slow_everything_down() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, json!({"replicas": 2, "minReadySeconds": 5})).await;
        patch(&sim, image("v2")).await;
        // Gone after 0.3 s, ready a second later, available five seconds later.
        for (after, wanted) in [
            (3, [pod(0, "v1", true), pod(1, "v2", true)]),
            (3, [pod(0, "v1", true), pod(1, "v2", true)]),
            (3, [pod(0, "v2", true), pod(1, "v2", true)]),
        ] {
            pass(&options, after).await;
            assert_eq!(named(&sim), wanted);
        }
        assert_eq!(set_status(&sim)["availableReplicas"], 1);
        pass(&options, 5).await;
        assert_eq!(set_status(&sim)["availableReplicas"], 2);
    });
}

#[test]
fn ordinals_may_start_anywhere() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, json!({"replicas": 3, "ordinals": {"start": 5}})).await;
        let mut change = image("v2");
        change["spec"]["updateStrategy"] = json!({"rollingUpdate": {"partition": 1}});
        patch(&sim, change).await;
        pass(&options, 10).await;
        assert_eq!(
            named(&sim),
            [pod(5, "v1", true), pod(6, "v2", true), pod(7, "v2", true)]
        );
    });
}

#[test]
fn history_is_kept_up_to_its_limit_and_a_template_that_returns_takes_its_revision_along() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, json!({"replicas": 1, "revisionHistoryLimit": 1})).await;
        let mut seen = Vec::new();
        for tag in ["v2", "v1", "v3", "v4"] {
            patch(&sim, image(tag)).await;
            pass(&options, 10).await;
            seen.push(revisions(&sim));
        }
        assert_eq!(
            seen,
            [
                [revision(1, "v1"), revision(2, "v2")],
                [revision(2, "v2"), revision(3, "v1")],
                [revision(3, "v1"), revision(4, "v3")],
                [revision(4, "v3"), revision(5, "v4")],
            ]
        );
    });
}

#[test]
fn two_runs_are_alike() {
    let once = || {
        run(|options: Options| async move {
            let (sim, _controllers) = up(
                &options,
                json!({"replicas": 5, "podManagementPolicy": "Parallel"}),
            )
            .await;
            patch(&sim, image("v2")).await;
            pass(&options, 4).await;
            patch(&sim, json!({"spec": {"replicas": 7}})).await;
            pass(&options, 20).await;
            sim.everything()
        })
    };
    assert_eq!(once(), once());
}

#[test]
fn a_set_made_anew_waits_for_the_names_of_the_old_ones_pods() {
    run(|options| async move {
        let spec = json!({"replicas": 2, "podManagementPolicy": "Parallel"});
        let (sim, _controllers) = up(&options, spec.clone()).await;
        sets(&sim)
            .delete("web", &DeleteParams::background())
            .await
            .unwrap();
        create(&sets(&sim), workload("apps/v1", "StatefulSet", "v2", spec)).await;
        pass(&options, 20).await;
        assert_eq!(named(&sim), ready(&["v2", "v2"]));
    });
}
