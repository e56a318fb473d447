//! What the model controllers do.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{api, counted, create, deployment, deployments, image, pass, pods, run};
use crate::sim::{Options, Sim};

fn condition(sim: &Sim, name: &str, kind: &str) -> (String, String) {
    let object = sim
        .get("apps/v1", "Deployment", "default", name)
        .expect("a Deployment");
    let list = object["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let found = list
        .iter()
        .find(|c| c["type"] == kind)
        .cloned()
        .unwrap_or(Value::Null);
    (
        found["status"].as_str().unwrap_or("-").to_owned(),
        found["reason"].as_str().unwrap_or("-").to_owned(),
    )
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn a_new_deployment_comes_up() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        create(&deployments(&sim.client()), deployment("web", 5, "v1")).await;
        pass(&options, 5).await;
        assert_eq!(pods(&sim), counted(&[("v1", 5, 5)]));
        let object = sim
            .get("apps/v1", "Deployment", "default", "web")
            .expect("a Deployment");
        let mut status = object["status"].clone();
        status.as_object_mut().expect("a status").remove("conditions");
        // The revision's annotation is written with the status and does not count.
        let wanted = json!({"observedGeneration": 1, "replicas": 5,
                            "updatedReplicas": 5, "readyReplicas": 5, "availableReplicas": 5});
        assert_eq!(status, wanted);
        assert_eq!(object["metadata"]["generation"], 1);
        assert_eq!(
            condition(&sim, "web", "Progressing"),
            pair("True", "NewReplicaSetAvailable")
        );
        assert_eq!(
            condition(&sim, "web", "Available"),
            pair("True", "MinimumReplicasAvailable")
        );
        let sets = sim.list("apps/v1", "ReplicaSet", Some("default"));
        let annotations = &sets[0]["metadata"]["annotations"];
        let wanted = json!({"deployment.kubernetes.io/desired-replicas": "5",
                            "deployment.kubernetes.io/max-replicas": "7",
                            "deployment.kubernetes.io/revision": "1"});
        assert_eq!((sets.len(), annotations), (1, &wanted));
    });
}

#[test]
fn a_rolling_update_stays_within_its_bounds() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let api = deployments(&sim.client());
        create(&api, deployment("web", 5, "v1")).await;
        pass(&options, 5).await;
        api.patch("web", &PatchParams::default(), &Patch::Strategic(image("v2")))
            .await
            .expect("patched");
        let (mut least, mut most) = (usize::MAX, 0);
        for _ in 0..10_000 {
            options.clock.sleep(Duration::from_millis(1)).await;
            let counts = pods(&sim);
            least = least.min(counts.iter().map(|(_, _, ready)| ready).sum());
            most = most.max(counts.iter().map(|(_, all, _)| all).sum());
        }
        assert_eq!((least, most), (4, 7));
        assert_eq!(pods(&sim), counted(&[("v2", 5, 5)]));
        assert_eq!(
            condition(&sim, "web", "Progressing"),
            pair("True", "NewReplicaSetAvailable")
        );
    });
}

#[test]
fn a_paused_change_waits_until_it_is_resumed() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let api = deployments(&sim.client());
        create(&api, deployment("web", 5, "v1")).await;
        pass(&options, 5).await;
        let params = PatchParams::default();
        let mut held = image("v2");
        held["spec"]["paused"] = json!(true);
        api.patch("web", &params, &Patch::Strategic(held))
            .await
            .expect("patched");
        pass(&options, 700).await;
        assert_eq!(pods(&sim), counted(&[("v1", 5, 5)]));
        assert_eq!(sim.list("apps/v1", "ReplicaSet", None).len(), 1);
        assert_eq!(
            condition(&sim, "web", "Progressing"),
            pair("Unknown", "DeploymentPaused")
        );
        api.patch("web", &params, &Patch::Merge(json!({"spec": {"replicas": 7}})))
            .await
            .expect("scaled");
        pass(&options, 5).await;
        assert_eq!(pods(&sim), counted(&[("v1", 7, 7)]));
        api.patch("web", &params, &Patch::Merge(json!({"spec": {"paused": false}})))
            .await
            .expect("resumed");
        pass(&options, 30).await;
        assert_eq!(pods(&sim), counted(&[("v2", 7, 7)]));
        let sets = sim.list("apps/v1", "ReplicaSet", None);
        let sizes: Vec<i64> = sets
            .iter()
            .filter_map(|s| s["spec"]["replicas"].as_i64())
            .collect();
        assert_eq!(sizes.iter().sum::<i64>(), 7);
        assert_eq!(sizes.len(), 2);
    });
}

#[test]
fn a_paused_half_rolled_deployment_scales_in_proportion() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let api = deployments(&sim.client());
        create(&api, deployment("web", 10, "v1")).await;
        pass(&options, 5).await;
        let params = PatchParams::default();
        api.patch("web", &params, &Patch::Strategic(image("v2-stuck")))
            .await
            .expect("patched");
        pass(&options, 5).await;
        // 25 % of 10: 3 more (rounded up), 2 fewer (rounded down).
        assert_eq!(pods(&sim), counted(&[("v1", 8, 8), ("v2-stuck", 5, 0)]));
        let change = json!({"spec": {"paused": true, "replicas": 20}});
        api.patch("web", &params, &Patch::Merge(change))
            .await
            .expect("scaled");
        pass(&options, 5).await;
        // 25 pods in all: 5 * 25 / 13 = 9.6 -> 10 for the new set, and the rest for the larger one.
        assert_eq!(pods(&sim), counted(&[("v1", 15, 15), ("v2-stuck", 10, 0)]));
    });
}

#[test]
fn a_version_that_never_starts_runs_into_the_deadline() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let api = deployments(&sim.client());
        create(&api, deployment("web", 4, "v1")).await;
        pass(&options, 5).await;
        for (version, reason) in [
            ("v2-crash", "CrashLoopBackOff"),
            ("v3-missing", "ImagePullBackOff"),
        ] {
            api.patch("web", &PatchParams::default(), &Patch::Strategic(image(version)))
                .await
                .expect("patched");
            pass(&options, 590).await;
            assert_eq!(condition(&sim, "web", "Progressing").0, "True");
            let new = sim
                .list("v1", "Pod", None)
                .into_iter()
                .find(|p| p["spec"]["containers"][0]["image"] == format!("web:{version}"));
            let new = new.expect("a new pod");
            assert_eq!(
                new["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
                reason
            );
            pass(&options, 30).await;
            assert_eq!(
                condition(&sim, "web", "Progressing"),
                pair("False", "ProgressDeadlineExceeded")
            );
        }
        assert_eq!(
            pods(&sim).into_iter().map(|(_, _, ready)| ready).sum::<usize>(),
            3
        );
    });
}

#[test]
fn a_second_deployment_with_the_same_selector_keeps_its_pods_apart() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let client = sim.client();
        let api = deployments(&client);
        create(&api, deployment("web", 5, "v1")).await;
        pass(&options, 5).await;
        create(&api, deployment("web-canary", 2, "v2")).await;
        pass(&options, 5).await;
        assert_eq!(pods(&sim), counted(&[("v1", 5, 5), ("v2", 2, 2)]));
        assert_eq!(sim.list("apps/v1", "ReplicaSet", None).len(), 2);
        api.delete("web-canary", &DeleteParams::background())
            .await
            .expect("deleted");
        pass(&options, 5).await;
        assert_eq!(pods(&sim), counted(&[("v1", 5, 5)]));
        assert_eq!(sim.list("apps/v1", "ReplicaSet", None).len(), 1);
    });
}

#[test]
fn recreate_ends_the_old_pods_before_it_starts_new_ones() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let api = deployments(&sim.client());
        let mut object = deployment("web", 3, "v1");
        object["spec"]["strategy"] = json!({"type": "Recreate"});
        create(&api, object).await;
        pass(&options, 5).await;
        api.patch("web", &PatchParams::default(), &Patch::Strategic(image("v2")))
            .await
            .expect("patched");
        for _ in 0..5_000 {
            options.clock.sleep(Duration::from_millis(1)).await;
            let images: Vec<Value> = sim
                .list("v1", "Pod", None)
                .iter()
                .map(|p| p["spec"]["containers"][0]["image"].clone())
                .collect();
            assert!(
                images.iter().all(|i| Some(i) == images.first()),
                "both versions at once: {images:?}"
            );
        }
        assert_eq!(pods(&sim), counted(&[("v2", 3, 3)]));
    });
}

#[test]
fn endpoints_follow_the_ready_pods() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let client = sim.client();
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                             "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}});
        create(&api(&client, "", "v1", "Service"), service).await;
        create(&deployments(&client), deployment("web", 3, "v1")).await;
        let ready = |sim: &Sim| {
            let slices = sim.list("discovery.k8s.io/v1", "EndpointSlice", None);
            let all = slices.iter().filter_map(|s| s["endpoints"].as_array()).flatten();
            all.filter(|e| e["conditions"]["ready"] == true).count()
        };
        assert_eq!(ready(&sim), 0);
        pass(&options, 5).await;
        assert_eq!(ready(&sim), 3);
        let params = PatchParams::default();
        let scale = json!({"spec": {"replicas": 1}});
        deployments(&client)
            .patch("web", &params, &Patch::Merge(scale))
            .await
            .expect("scaled");
        pass(&options, 5).await;
        assert_eq!(ready(&sim), 1);
        let endpoints = sim.get("v1", "Endpoints", "default", "web").expect("Endpoints");
        assert_eq!(
            endpoints["subsets"][0]["addresses"].as_array().map(Vec::len),
            Some(1)
        );
        assert_eq!(
            endpoints["subsets"][0]["ports"],
            json!([{"port": 8080, "protocol": "TCP"}])
        );
    });
}

#[test]
fn deleting_a_namespace_deletes_what_is_in_it() {
    run(|options| async move {
        let sim = Sim::new(options.clone());
        let _controllers = sim.start();
        let client = sim.client();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
        let namespaces: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(client.clone());
        let object = serde_json::from_value(namespace).expect("a Namespace");
        namespaces
            .create(&kube::api::PostParams::default(), &object)
            .await
            .expect("created");
        let shop: kube::Api<k8s_openapi::api::apps::v1::Deployment> = kube::Api::namespaced(client, "shop");
        let object = serde_json::from_value(deployment("web", 2, "v1")).expect("a Deployment");
        shop.create(&kube::api::PostParams::default(), &object)
            .await
            .expect("created");
        pass(&options, 5).await;
        assert_eq!(sim.list("v1", "Pod", Some("shop")).len(), 2);
        namespaces
            .delete("shop", &DeleteParams::default())
            .await
            .expect("deleted");
        pass(&options, 5).await;
        assert_eq!(sim.list("v1", "Pod", Some("shop")), Vec::<Value>::new());
        let left = namespaces.list(&ListParams::default()).await.expect("a list");
        let names: Vec<String> = left.items.into_iter().filter_map(|n| n.metadata.name).collect();
        assert_eq!(names, ["default", "kube-system"]);
    });
}

#[test]
fn two_runs_are_alike() {
    let once = || {
        run(|options: Options| async move {
            let sim = Sim::new(options.clone());
            let _controllers = sim.start();
            let api = deployments(&sim.client());
            create(&api, deployment("web", 10, "v1")).await;
            pass(&options, 5).await;
            api.patch("web", &PatchParams::default(), &Patch::Strategic(image("v2")))
                .await
                .expect("patched");
            pass(&options, 60).await;
            (sim.everything(), sim.trace())
        })
    };
    let (first, second) = (once(), once());
    assert_eq!(first, second);
    assert_eq!(first.1.len(), 2);
}
