//! An application and its Rollout in any state of a release: the engine brings it there in virtual time, so that a test
//! of a command begins with the objects of a cluster in that state.

use std::time::Duration;

use http::Method;
use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
    sim::{self, Sim},
    workload::edit::{self, NewImage},
};
use serde_json::{Value, json};

use super::cluster::{Cluster, Place};

/// The namespace of every application here.
pub(crate) const NAMESPACE: &str = "shop";

/// Long enough for every step to reach its pause.
const SETTLED: Duration = Duration::from_secs(30);

/// What happened to the application.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// This image was set, and held, with no engine at work any more.
    Held(&'static str),
    /// This image was set, and the engine was stopped while the first pods were starting.
    Begun(&'static str),
    /// This image was set, and an engine brought it to the first pause.
    Released(&'static str),
    /// The paused step was approved and carried out.
    Approved,
    /// The Rollout was patched so.
    Patched(Value),
    /// So many seconds passed.
    Waited(u64),
}

/// The application: Deployment, Service, Ingress and Rollout, all called `name`, three pods, three steps.
pub(crate) fn application(name: &str) -> Vec<Value> {
    let labels = json!({ "app": name });
    let metadata = json!({ "name": name, "namespace": NAMESPACE, "labels": { "team": "web" } });
    let path = json!({ "path": "/", "pathType": "Prefix",
        "backend": { "service": { "name": name, "port": { "number": 80 } } } });
    vec![
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "replicas": 3, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels, "annotations": { "note": "as it was" } },
                "spec": { "containers": [{ "name": "main", "image": "web:v1", "env": [{ "name": "A", "value": "1" }] }] } } } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
            "spec": { "ingressClassName": "nginx", "rules": [{ "host": "web.example.com", "http": { "paths": [path] } }] } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": 2, "traffic": "50%", "pause": { "duration": 600 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} },
                ],
                "trafficRoutings": [{ "service": name, "gracePeriodSeconds": 1, "ingress": { "name": name, "classType": "nginx" } }],
            } } } }),
    ]
}

/// The objects of a cluster with one application, `web`, after these turns.
pub(crate) fn after(turns: &[Turn]) -> Vec<Value> {
    several_after(&["web"], turns)
}

/// The objects of a cluster with these applications, after the same turns for each.
pub(crate) fn several_after(names: &[&str], turns: &[Turn]) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        // What has happened lies in the past, also for a test that runs in real time afterwards.
        let spent = turns
            .iter()
            .map(|turn| {
                if let Turn::Waited(seconds) = turn {
                    *seconds
                } else {
                    0
                }
            })
            .sum::<u64>();
        let past = Duration::from_secs(60 + spent) + SETTLED * u32::try_from(turns.len()).unwrap();
        let clock = Clock::starting_at(Clock::wall().now() - past);
        let sim = Sim::new(sim::Options::new(clock));
        let controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        cluster.create_namespace(&json!({})).await;
        for name in names {
            for object in application(name) {
                cluster.create(&object).await.unwrap();
            }
        }
        let scope = Scope::Selected {
            namespace: None,
            labels: None,
        };
        let options = Options {
            identity: "shop".to_owned(),
            forever: true,
            ..Options::default()
        };
        let (events, _unheard) = tokio::sync::mpsc::unbounded_channel();
        let engine = tokio::spawn(driver::drive(sim.client(), clock, scope, options, events));
        clock.sleep(SETTLED).await;
        for turn in turns {
            for name in names {
                play(&cluster, &sim, name, turn, &engine).await;
            }
            let waited = match turn {
                Turn::Waited(seconds) => Duration::from_secs(*seconds),
                // Less than a pod takes to become ready.
                Turn::Begun(_) => Duration::from_millis(600),
                _ => SETTLED,
            };
            clock.sleep(waited).await;
        }
        engine.abort();
        drop(controllers);
        sim.everything()
            .into_iter()
            .filter(|object| object["kind"] != "Lease")
            .collect()
    })
}

/// The objects of a cluster in which these objects have come to rest beside an engine; with an image, at the first pause of
/// its release. The first of them that is no Namespace is the workload, and the Rollout is called `web`.
pub(crate) fn settled(objects: &[Value], image: Option<&str>) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::starting_at(Clock::wall().now() - SETTLED * 4);
        let sim = Sim::new(sim::Options {
            kruise: true,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        cluster.create_namespace(&json!({})).await;
        let objects: Vec<&Value> = objects
            .iter()
            .filter(|object| object["kind"] != "Namespace")
            .collect();
        for object in &objects {
            let text = |field: &str| object[field].as_str().unwrap();
            match Place::find(text("apiVersion"), text("kind")) {
                Some(_) => drop(cluster.create(object).await.unwrap()),
                None => sim.load((*object).clone()).unwrap(),
            }
        }
        let scope = Scope::Selected {
            namespace: None,
            labels: None,
        };
        let options = Options {
            identity: "shop".to_owned(),
            forever: true,
            ..Options::default()
        };
        let (events, _unheard) = tokio::sync::mpsc::unbounded_channel();
        let engine = tokio::spawn(driver::drive(sim.client(), clock, scope, options, events));
        clock.sleep(SETTLED).await;
        if let Some(image) = image {
            let text = |field: &str| objects[0][field].as_str().unwrap();
            let place = Place::of(text("apiVersion"), text("kind"));
            let workload = cluster.get(place, "web").await.unwrap().unwrap();
            let images = [NewImage {
                container: "main".to_owned(),
                image: image.to_owned(),
            }];
            let patch = edit::set_images(&workload, &images, Some("web"))
                .unwrap()
                .unwrap();
            let json = "application/json-patch+json";
            cluster
                .patch(place, "web", "?fieldManager=rollouts-engine", json, &patch)
                .await
                .unwrap();
            clock.sleep(SETTLED).await;
        }
        engine.abort();
        drop(controllers);
        sim.everything()
            .into_iter()
            .filter(|object| object["kind"] != "Lease")
            .collect()
    })
}

async fn play<T>(cluster: &Cluster, sim: &Sim, name: &str, turn: &Turn, engine: &tokio::task::JoinHandle<T>) {
    let rollouts = Place::named("rollout");
    let merge = "application/merge-patch+json";
    match turn {
        Turn::Held(image) | Turn::Begun(image) | Turn::Released(image) => {
            if matches!(turn, Turn::Held(_)) {
                engine.abort();
            }
            let deployment = sim.get("apps/v1", "Deployment", NAMESPACE, name).unwrap();
            let images = [NewImage {
                container: "main".to_owned(),
                image: (*image).to_owned(),
            }];
            let patch = edit::set_images(&deployment, &images, Some(name))
                .unwrap()
                .unwrap();
            let path = format!(
                "/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}?fieldManager=rollouts-engine"
            );
            cluster
                .send(Method::PATCH, &path, "application/json-patch+json", &patch)
                .await
                .unwrap();
        }
        Turn::Approved => {
            let ready = json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
            cluster
                .patch(rollouts, name, "/status", merge, &ready)
                .await
                .unwrap();
        }
        Turn::Patched(patch) => drop(cluster.patch(rollouts, name, "", merge, patch).await.unwrap()),
        Turn::Waited(_) => {}
    }
}
