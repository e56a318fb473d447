//! What the DaemonSet controller does.

use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{api, counted, create, image, named, pass, pods, revisions, run, status, workload};
use crate::sim::{Options, Sim};

fn sets(sim: &Sim) -> Api<DynamicObject> {
    api(&sim.client(), "apps", "v1", "DaemonSet")
}

fn set_status(sim: &Sim) -> Value {
    status(sim, "apps/v1", "DaemonSet")
}

/// A status in which every pod is of the newest version and available.
fn settled(nodes: i64) -> Value {
    json!({"desiredNumberScheduled": nodes, "currentNumberScheduled": nodes, "numberMisscheduled": 0,
           "numberReady": nodes, "updatedNumberScheduled": nodes, "numberAvailable": nodes})
}

/// A cluster with a DaemonSet of `web:v1`, given the time to come up.
async fn up(options: &Options, nodes: usize, spec: Value) -> (Sim, crate::sim::Controllers) {
    let sim = Sim::new(Options {
        nodes,
        ..options.clone()
    });
    let controllers = sim.start();
    create(&sets(&sim), workload("apps/v1", "DaemonSet", "v1", spec)).await;
    pass(options, 10).await;
    (sim, controllers)
}

async fn patch(sim: &Sim, change: Value) {
    sets(sim)
        .patch("web", &PatchParams::default(), &Patch::Strategic(change))
        .await
        .expect("patched");
}

/// Deletes the pod on a node.
async fn delete_on(sim: &Sim, node: &str) {
    let pod = sim
        .list("v1", "Pod", None)
        .into_iter()
        .find(|pod| pod["spec"]["nodeName"] == node);
    let name = pod.expect("a pod")["metadata"]["name"]
        .as_str()
        .map(str::to_owned);
    api(&sim.client(), "", "v1", "Pod")
        .delete(&name.expect("a name"), &DeleteParams::default())
        .await
        .expect("deleted");
}

/// Nodes and the image tags of the pods on them, in order.
fn placed(sim: &Sim) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<(String, String)> = sim
        .list("v1", "Pod", None)
        .iter()
        .map(|pod| {
            let image = text(&pod["spec"]["containers"][0]["image"]);
            (text(&pod["spec"]["nodeName"]), image.replace("web:", ""))
        })
        .collect();
    all.sort();
    all
}

fn on(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    let text = |(node, tag): &(&str, &str)| ((*node).to_owned(), (*tag).to_owned());
    entries.iter().map(text).collect()
}

fn nodes(sim: &Sim) -> Api<k8s_openapi::api::core::v1::Node> {
    Api::all(sim.client())
}

#[test]
fn every_node_has_a_pod() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, 3, json!({})).await;
        assert_eq!(
            placed(&sim),
            on(&[("node-0", "v1"), ("node-1", "v1"), ("node-2", "v1")])
        );
        assert_eq!(set_status(&sim), settled(3));
        let revision = &sim.list("apps/v1", "ControllerRevision", None)[0]["metadata"];
        let hash = &revision["labels"]["controller-revision-hash"];
        assert_eq!(
            revision["name"],
            format!("web-{}", hash.as_str().expect("a hash"))
        );
        let pod = &sim.list("v1", "Pod", None)[0];
        assert_eq!(
            pod["metadata"]["labels"],
            json!({"app": "web", "controller-revision-hash": hash, "pod-template-generation": "1"})
        );
    });
}

#[test]
fn a_rolling_update_stays_within_its_bounds() {
    for (rolling, least, most) in [
        (json!({"maxUnavailable": 1}), 7, 8),
        // Rounded up: 30 % of 8 is 3.
        (json!({"maxUnavailable": "30%"}), 5, 8),
        (json!({"maxUnavailable": 0, "maxSurge": 2}), 8, 10),
    ] {
        run(|options| async move {
            let spec = json!({"updateStrategy": {"rollingUpdate": rolling}});
            let (sim, _controllers) = up(&options, 8, spec).await;
            patch(&sim, image("v2")).await;
            let (mut fewest, mut living) = (usize::MAX, 0);
            for _ in 0..3_000 {
                options.clock.sleep(Duration::from_millis(5)).await;
                fewest = fewest.min(named(&sim).iter().filter(|(_, _, ready)| *ready).count());
                living = living.max(pods(&sim).iter().map(|(_, all, _)| all).sum());
            }
            assert_eq!((fewest, living), (least, most), "{rolling}");
            assert_eq!(pods(&sim), counted(&[("v2", 8, 8)]));
            assert_eq!(set_status(&sim), settled(8));
        });
    }
}

#[test]
fn on_delete_replaces_only_what_somebody_deletes_and_from_the_newest_template() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, 3, json!({})).await;
        let mut change = image("v2");
        change["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
        patch(&sim, change).await;
        pass(&options, 10).await;
        assert_eq!(pods(&sim), counted(&[("v1", 3, 3)]));
        delete_on(&sim, "node-1").await;
        pass(&options, 10).await;
        assert_eq!(
            placed(&sim),
            on(&[("node-0", "v1"), ("node-1", "v2"), ("node-2", "v1")])
        );
        let mut wanted = settled(3);
        wanted["updatedNumberScheduled"] = json!(1);
        assert_eq!(set_status(&sim), wanted);
        patch(
            &sim,
            json!({"spec": {"updateStrategy": {"type": "RollingUpdate"}}}),
        )
        .await;
        pass(&options, 10).await;
        assert_eq!(pods(&sim), counted(&[("v2", 3, 3)]));
    });
}

#[test]
fn nodes_come_and_go() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, 2, json!({"updateStrategy": {"type": "OnDelete"}})).await;
        patch(&sim, image("v2")).await;
        let node = |name: &str| {
            let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
            serde_json::from_value(node).expect("a Node")
        };
        nodes(&sim)
            .create(&Default::default(), &node("node-9"))
            .await
            .expect("created");
        pass(&options, 5).await;
        assert_eq!(
            placed(&sim),
            on(&[("node-0", "v1"), ("node-1", "v1"), ("node-9", "v2")])
        );
        nodes(&sim)
            .delete("node-0", &DeleteParams::default())
            .await
            .expect("deleted");
        pass(&options, 5).await;
        assert_eq!(set_status(&sim)["desiredNumberScheduled"], 2);
        assert_eq!(placed(&sim).len(), 3, "pods outlive their node for a while");
        pass(&options, 40).await;
        assert_eq!(placed(&sim), on(&[("node-1", "v1"), ("node-9", "v2")]));
    });
}

#[test]
fn selectors_affinity_and_taints_choose_the_nodes() {
    let affinity = |operator: &str| {
        let rule = json!({"key": "zone", "operator": operator, "values": ["a"]});
        let terms = json!({"nodeSelectorTerms": [{"matchExpressions": [rule]}]});
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}})
    };
    let taint = |key: &str, effect: &str| json!({"spec": {"taints": [{"key": key, "effect": effect}]}});
    let pods = [("node-0", "v1"), ("node-1", "v1")];
    for (spec, change, wanted) in [
        (json!({"nodeSelector": {"zone": "a"}}), json!({}), &pods[..1]),
        (json!({"affinity": affinity("In")}), json!({}), &pods[..1]),
        (json!({"affinity": affinity("NotIn")}), json!({}), &pods[1..]),
        (json!({}), taint("mine", "NoExecute"), &pods[1..]),
        // Keeps new pods away, not the ones that are there.
        (json!({}), taint("mine", "NoSchedule"), &pods[..]),
        (
            json!({}),
            taint("node.kubernetes.io/unschedulable", "NoSchedule"),
            &pods[..],
        ),
        (
            json!({"tolerations": [{"key": "mine", "operator": "Exists"}]}),
            taint("mine", "NoExecute"),
            &pods[..],
        ),
    ] {
        run(|options| async move {
            let sim = Sim::new(Options {
                nodes: 2,
                ..options.clone()
            });
            let _controllers = sim.start();
            let zone = Patch::Merge(json!({"metadata": {"labels": {"zone": "a"}}}));
            let params = PatchParams::default();
            nodes(&sim)
                .patch("node-0", &params, &zone)
                .await
                .expect("patched");
            let template = json!({"template": {"spec": spec}});
            create(&sets(&sim), workload("apps/v1", "DaemonSet", "v1", template)).await;
            pass(&options, 5).await;
            nodes(&sim)
                .patch("node-0", &params, &Patch::Merge(change.clone()))
                .await
                .expect("patched");
            pass(&options, 5).await;
            assert_eq!(placed(&sim), on(wanted), "{spec} {change}");
        });
    }
}

#[test]
fn a_rollback_replaces_broken_pods_at_once_and_takes_the_old_revision() {
    run(|options| async move {
        let spec = json!({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2}}, "minReadySeconds": 3});
        let (sim, _controllers) = up(&options, 5, spec).await;
        patch(&sim, image("v2-missing")).await;
        pass(&options, 60).await;
        assert_eq!(pods(&sim), counted(&[("v1", 3, 3), ("v2-missing", 2, 0)]));
        let mut wanted = settled(5);
        for (field, count) in [
            ("numberReady", 3),
            ("numberAvailable", 3),
            ("updatedNumberScheduled", 2),
            ("numberUnavailable", 2),
        ] {
            wanted[field] = json!(count);
        }
        assert_eq!(set_status(&sim), wanted);
        patch(&sim, image("v1")).await;
        pass(&options, 2).await;
        assert_eq!(pods(&sim), counted(&[("v1", 5, 5)]));
        pass(&options, 10).await;
        assert_eq!(set_status(&sim), settled(5));
        assert_eq!(
            revisions(&sim),
            [(2, "v2-missing".to_owned()), (3, "v1".to_owned())]
        );
        let set = sim
            .get("apps/v1", "DaemonSet", "default", "web")
            .expect("a DaemonSet");
        let count = &set["metadata"]["annotations"]["deprecated.daemonset.template.generation"];
        assert_eq!(count, "3");
    });
}

#[test]
fn history_is_kept_up_to_its_limit() {
    run(|options| async move {
        let (sim, _controllers) = up(&options, 1, json!({"revisionHistoryLimit": 1})).await;
        for tag in ["v2", "v3", "v4"] {
            patch(&sim, image(tag)).await;
            pass(&options, 10).await;
        }
        assert_eq!(revisions(&sim), [(3, "v3".to_owned()), (4, "v4".to_owned())]);
    });
}
