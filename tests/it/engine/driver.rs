//! The driver by itself: what it watches, what it makes of refusals, and how it ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, StatusCode};
use kubectl_kruise::{
    clock::Clock,
    engine::{
        core::Stop,
        driver::{self, Event, Options, RolloutKey, Scope},
    },
    sim::{self, Controllers, Fault, Sim},
    workload::edit::{self, NewImage},
};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use crate::harness::{
    cluster::{Cluster, Place},
    shop::{NAMESPACE, application},
};

/// Longer than the longest back-off of a watch.
const BACK_OFF: Duration = Duration::from_secs(60);

type Stops = Result<BTreeMap<RolloutKey, Stop>, driver::Error>;

/// A cluster that notes which collections are read, and refuses some.
struct Bench {
    sim: Sim,
    clock: Clock,
    controllers: Controllers,
    read: Arc<Mutex<BTreeSet<String>>>,
    refused: Arc<Mutex<Option<(&'static str, StatusCode)>>>,
}

struct Engine {
    task: JoinHandle<Stops>,
    events: mpsc::UnboundedReceiver<Event>,
    shutdown: watch::Sender<bool>,
}

impl Bench {
    async fn new() -> Self {
        let clock = Clock::starting_at("2026-06-01T00:00:00Z".parse().unwrap());
        let sim = Sim::new(sim::Options::new(clock));
        let read: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let refused: Arc<Mutex<Option<(&str, StatusCode)>>> = Arc::default();
        let (seen, refuse) = (Arc::clone(&read), Arc::clone(&refused));
        sim.inject(move |request| {
            if request.verb != "GET" {
                return None;
            }
            let (_, resource) = request.path.split_once(&format!("namespaces/{NAMESPACE}/"))?;
            if !resource.contains('/') {
                let group = request.path.split('/').nth(2).unwrap_or_default();
                seen.lock().unwrap().insert(format!("{group} {resource}"));
            }
            let (what, status) = (*refuse.lock().unwrap())?;
            (resource == what).then(|| Fault::Status(status, "Refused".to_owned()))
        });
        let bench = Self {
            controllers: sim.start(),
            sim,
            clock,
            read,
            refused,
        };
        bench.cluster().create_namespace(&json!({})).await;
        bench
    }

    fn cluster(&self) -> Cluster {
        Cluster {
            client: self.sim.client(),
            namespace: NAMESPACE.to_owned(),
        }
    }

    async fn create(&self, objects: impl IntoIterator<Item = Value>) {
        for object in objects {
            if object["apiVersion"]
                .as_str()
                .unwrap()
                .starts_with("apps.kruise.io/")
            {
                // Served from the first object on.
                self.sim.load(object).unwrap();
            } else {
                self.cluster().create(&object).await.unwrap();
            }
        }
    }

    fn drive(&self, labels: Option<&str>, options: Options) -> Engine {
        let (sender, events) = mpsc::unbounded_channel();
        let shutdown = watch::Sender::new(false);
        let scope = Scope::Selected {
            namespace: Some(NAMESPACE.to_owned()),
            labels: labels.map(str::to_owned),
        };
        let options = Options {
            identity: "bench".to_owned(),
            shutdown: Some(shutdown.subscribe()),
            ..options
        };
        Engine {
            task: tokio::spawn(driver::drive(
                self.sim.client(),
                self.clock,
                scope,
                options,
                sender,
            )),
            events,
            shutdown,
        }
    }

    fn forever(&self) -> Engine {
        self.drive(
            None,
            Options {
                forever: true,
                ..Options::default()
            },
        )
    }

    /// Collections read since the last time this was asked.
    fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.read.lock().unwrap())
            .into_iter()
            .collect()
    }

    fn refuse(&self, what: Option<(&'static str, StatusCode)>) {
        *self.refused.lock().unwrap() = what;
    }

    async fn pass(&self, time: Duration) {
        self.clock.sleep(time).await;
    }

    fn phase(&self, rollout: &str) -> String {
        let rollout = self
            .sim
            .get("rollouts.kruise.io/v1beta1", "Rollout", NAMESPACE, rollout)
            .unwrap();
        rollout["status"]["phase"].as_str().unwrap_or("none").to_owned()
    }

    fn leases(&self) -> usize {
        self.sim
            .list("coordination.k8s.io/v1", "Lease", Some(NAMESPACE))
            .len()
    }

    async fn set_image(&self, name: &str, image: &str) {
        let deployment = self.sim.get("apps/v1", "Deployment", NAMESPACE, name).unwrap();
        let images = [NewImage {
            container: "main".to_owned(),
            image: image.to_owned(),
        }];
        let patch = edit::set_images(&deployment, &images, Some(name))
            .unwrap()
            .unwrap();
        let path =
            format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}?fieldManager=rollouts-engine");
        self.cluster()
            .send(Method::PATCH, &path, "application/json-patch+json", &patch)
            .await
            .unwrap();
    }
}

impl Engine {
    /// What was said of Rollouts that wait, each once.
    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            if let Event::Moved { key, reason, .. } = event {
                told.push(format!("{}: {reason}", key.name));
            }
        }
        told.dedup();
        told
    }
}

fn workload(api_version: &str, kind: &str, name: &str) -> Value {
    let labels = json!({ "app": name });
    json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": NAMESPACE }, "spec": {
        "replicas": 1, "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } },
    } })
}

fn rollout(name: &str, api_version: &str, kind: &str, workload: &str) -> Value {
    json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": name, "namespace": NAMESPACE, "labels": { "name": name } },
        "spec": {
            "workloadRef": { "apiVersion": api_version, "kind": kind, "name": workload },
            "strategy": { "canary": { "steps": [{ "replicas": "50%" }, { "replicas": "100%" }] } },
        } })
}

#[tokio::test(start_paused = true)]
async fn watches_what_its_rollouts_need_and_more_when_one_comes() {
    let bench = Bench::new().await;
    bench
        .create([
            workload("apps/v1", "Deployment", "web"),
            rollout("web", "apps/v1", "Deployment", "web"),
        ])
        .await;
    let engine = bench.forever();
    bench.pass(BACK_OFF).await;
    assert_eq!(bench.phase("web"), "Healthy");
    assert_eq!(
        bench.read(),
        [
            "apps deployments",
            "apps replicasets",
            "rollouts.kruise.io rollouts",
            "v1 pods"
        ]
    );
    let mut routed = rollout("store", "apps/v1", "StatefulSet", "store");
    routed["spec"]["strategy"]["canary"]["trafficRoutings"] =
        json!([{ "service": "store", "ingress": { "name": "store", "classType": "nginx" } }]);
    bench
        .create([workload("apps/v1", "StatefulSet", "store"), routed])
        .await;
    bench.pass(Duration::from_secs(10)).await;
    assert_eq!(
        bench.read(),
        [
            "apps statefulsets",
            "networking.k8s.io ingresses",
            "v1 pods",
            "v1 services"
        ]
    );
    let mut node = rollout("node", "apps/v1", "DaemonSet", "node");
    node["spec"]["disabled"] = json!(true);
    bench.create([node]).await;
    bench.pass(Duration::from_secs(10)).await;
    assert_eq!(bench.read(), ["apps controllerrevisions", "apps daemonsets"]);
    engine.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_told_and_found_once_it_is() {
    let bench = Bench::new().await;
    let kruise = "apps.kruise.io/v1alpha1";
    bench.refuse(Some(("clonesets", StatusCode::NOT_FOUND)));
    bench
        .create([
            workload(kruise, "CloneSet", "web"),
            rollout("web", kruise, "CloneSet", "web"),
        ])
        .await;
    let mut engine = bench.forever();
    bench.pass(Duration::from_secs(10)).await;
    assert_eq!(
        engine.told(),
        [
            "web: the Rollout is invalid: spec.workloadRef: the cluster does not serve clonesets.apps.kruise.io"
        ]
    );
    bench.refuse(None);
    bench.pass(BACK_OFF).await;
    assert_eq!(bench.phase("web"), "Healthy");
    // The definition goes, and its watches with it.
    bench.refuse(Some(("clonesets", StatusCode::NOT_FOUND)));
    bench.sim.cut_watches();
    engine.told();
    bench.pass(BACK_OFF).await;
    assert_eq!(
        engine.told(),
        [
            "web: the Rollout is invalid: spec.workloadRef: the cluster does not serve clonesets.apps.kruise.io"
        ]
    );
    // It comes back without any object.
    bench.refuse(None);
    bench.sim.cut_watches();
    bench.pass(BACK_OFF).await;
    assert_eq!(engine.told().len(), 1);
    engine.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_must_not_be_read_ends_a_run_and_stops_no_engine() {
    let bench = Bench::new().await;
    bench.refuse(Some(("statefulsets", StatusCode::FORBIDDEN)));
    bench
        .create([
            workload("apps/v1", "Deployment", "web"),
            workload("apps/v1", "StatefulSet", "store"),
            rollout("web", "apps/v1", "Deployment", "web"),
            rollout("store", "apps/v1", "StatefulSet", "store"),
        ])
        .await;
    let stops = bench.drive(None, Options::default()).task.await.unwrap();
    assert_eq!(
        stops.map_err(|error| {
            let driver::Error::List { plural, .. } = error;
            plural
        }),
        Err("statefulsets".to_owned())
    );
    let mut engine = bench.forever();
    bench.pass(BACK_OFF).await;
    assert_eq!(
        (bench.phase("web"), bench.phase("store")),
        ("Healthy".to_owned(), "none".to_owned())
    );
    assert!(engine.told().iter().all(|told| told.starts_with("web: ")));
    bench.refuse(None);
    bench.pass(BACK_OFF).await;
    assert_eq!(bench.phase("store"), "Healthy");
    engine.task.abort();
}

#[tokio::test(start_paused = true)]
async fn workloads_of_two_groups_may_have_one_kind_and_name() {
    let bench = Bench::new().await;
    let kruise = "apps.kruise.io/v1beta1";
    bench
        .create([
            workload("apps/v1", "StatefulSet", "web"),
            workload(kruise, "StatefulSet", "web"),
            rollout("native", "apps/v1", "StatefulSet", "web"),
            rollout("advanced", kruise, "StatefulSet", "web"),
        ])
        .await;
    let engine = bench.forever();
    bench.pass(BACK_OFF).await;
    assert_eq!(
        (bench.phase("native"), bench.phase("advanced")),
        ("Healthy".to_owned(), "Healthy".to_owned())
    );
    let image =
        json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:v2" }]);
    let place = Place::of(kruise, "StatefulSet");
    bench
        .cluster()
        .patch(place, "web", "", "application/json-patch+json", &image)
        .await
        .unwrap();
    bench.pass(Duration::from_secs(5)).await;
    assert_eq!(
        (bench.phase("native"), bench.phase("advanced")),
        ("Healthy".to_owned(), "Progressing".to_owned())
    );
    engine.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_rival_outside_the_selector_is_seen_and_not_driven() {
    let bench = Bench::new().await;
    bench
        .create([
            workload("apps/v1", "Deployment", "web"),
            rollout("mine", "apps/v1", "Deployment", "web"),
            rollout("other", "apps/v1", "Deployment", "web"),
        ])
        .await;
    let stops = bench
        .drive(Some("name=mine"), Options::default())
        .task
        .await
        .unwrap()
        .unwrap();
    let told: Vec<String> = stops
        .into_iter()
        .map(|(key, stop)| format!("{}: {stop:?}", key.name))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"mine: Invalid { why: [\"spec.workloadRef: This rollout conflict with Rollout(shop/other), one workload only have less than one Rollout\"] }");
    assert_eq!(bench.phase("other"), "none");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_told_to_end_gives_its_leases_back() {
    let bench = Bench::new().await;
    bench.create(application("web")).await;
    let engine = bench.forever();
    bench.pass(BACK_OFF).await;
    bench.set_image("web", "web:v2").await;
    // Pods are starting: the Lease is held.
    bench.pass(Duration::from_millis(600)).await;
    assert_eq!(bench.leases(), 1);
    engine.shutdown.send(true).unwrap();
    assert!(engine.task.await.unwrap().unwrap().is_empty());
    assert_eq!(bench.leases(), 0);
    let writes = bench.sim.take_trace().len();
    assert!(writes > 0);
    // The next engine need not wait for a Lease to end.
    let mut next = bench.forever();
    bench.pass(Duration::from_secs(10)).await;
    assert!(next.told().iter().any(|told| told.contains("step(1/3)")));
    next.task.abort();
    drop(bench.controllers);
}

#[tokio::test(start_paused = true)]
async fn a_release_is_told_in_events() {
    let bench = Bench::new().await;
    bench.create(application("web")).await;
    let record = || Options {
        forever: true,
        record: true,
        ..Options::default()
    };
    let engine = bench.drive(None, record());
    bench.pass(BACK_OFF).await;
    bench.set_image("web", "web:v2").await;
    bench.pass(BACK_OFF).await;
    engine.task.abort();
    // Another engine does not tell it again.
    let engine = bench.drive(None, record());
    bench.pass(BACK_OFF).await;
    engine.task.abort();
    let mut events = bench.sim.list("v1", "Event", Some(NAMESPACE));
    events.retain(|event| event["involvedObject"]["kind"] == "Rollout");
    let rollout = bench
        .sim
        .get("rollouts.kruise.io/v1beta1", "Rollout", NAMESPACE, "web")
        .unwrap();
    let revision = rollout["status"]["canaryStatus"]["canaryRevision"]
        .as_str()
        .unwrap();
    let mut told: Vec<String> = events
        .iter()
        .map(|event| {
            let text = |field: &str| event[field].as_str().unwrap();
            format!("{} {}: {}", text("type"), text("reason"), text("message"))
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            format!("Normal Progressing: release of revision {revision} begins"),
            "Normal Progressing: upgrade step(1) canary pods with new versions done".to_owned(),
        ]
    );
    assert_eq!(events[0]["involvedObject"]["uid"], rollout["metadata"]["uid"]);
}

/// Of a write that is refused for good, or that never finds its object as it was read, whoever describes the Rollout reads,
/// once, and not only whoever has the engine's log.
#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_is_told_on_the_rollout() {
    for (status, attempts_told) in [
        (StatusCode::FORBIDDEN, 9),
        (StatusCode::SERVICE_UNAVAILABLE, 9),
        // Every seventh: an object that was written since it was read is everyday's business.
        (StatusCode::CONFLICT, 7),
    ] {
        let bench = Bench::new().await;
        bench.create(application("web")).await;
        let options = Options {
            forever: true,
            record: true,
            ..Options::default()
        };
        let mut engine = bench.drive(None, options);
        bench.pass(BACK_OFF).await;
        bench.set_image("web", "web:v2").await;
        bench.sim.inject(move |request| {
            let is_hold = request.verb == "PATCH" && request.path.ends_with("/deployments/web");
            is_hold.then(|| Fault::Status(status, "Refused".to_owned()))
        });
        bench.pass(BACK_OFF).await;
        let expected = [
            "WriteFailed: take ownership of the hold (deployment/web): the simulator was told to answer Refused",
        ];
        let warnings = || {
            let mut events = bench.sim.list("v1", "Event", Some(NAMESPACE));
            events.retain(|event| event["involvedObject"]["kind"] == "Rollout" && event["type"] == "Warning");
            let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
            let told = events
                .iter()
                .map(|event| text(event, "reason") + ": " + &text(event, "message"));
            told.collect::<Vec<_>>()
        };
        let mut told = 0;
        while let Ok(event) = engine.events.try_recv() {
            told += u32::from(matches!(event, Event::Retrying { .. }));
        }
        assert_eq!(
            (warnings(), told),
            (expected.map(str::to_owned).to_vec(), attempts_told),
            "{status}"
        );
        // It goes on as soon as it may, and says no more.
        bench.sim.inject(|_| None);
        bench.pass(BACK_OFF).await;
        assert_eq!(warnings(), expected, "{status}");
        assert!(engine.told().iter().any(|told| told.contains("step(1/3)")));
        engine.task.abort();
    }
}
