//! Rollouts that share one TrafficRouting: two services gray together, and one between them that is not released (seed 004).
//! Each may have an engine of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Method, Request};
use kube::{Client, client::Body};
use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
    plan,
    sim::{self, Controllers, Sim},
};
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};

use super::world::{DEPLOYMENT, INGRESS, NAMESPACE, ROLLOUT, SERVICE, in_virtual_time};
use crate::{
    harness::cluster::{Cluster, Place},
    parity::scenario::Scenario,
};

mod edits;

const MERGE: &str = "application/merge-patch+json";
const SHARED: (&str, &str) = ("rollouts.kruise.io/v1alpha1", "TrafficRouting");
const ANNOTATION: &str = "rollouts.kruise.io/trafficrouting";
const ROLLOUTS: [&str; 2] = ["rollout-a", "rollout-c"];
const APPS: [&str; 2] = ["spring-cloud-a", "spring-cloud-c"];

/// The application of the walkthrough, at version v1.
struct Lane {
    sim: Sim,
    clock: Clock,
    user: Cluster,
    tasks: BTreeMap<String, JoinHandle<()>>,
    count: usize,
    /// Writes of engines so far, and the one at which an engine dies.
    writes: Arc<AtomicUsize>,
    deadly: usize,
    died: Arc<Notify>,
    _controllers: Controllers,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.tasks.values().for_each(JoinHandle::abort);
    }
}

impl Lane {
    async fn new(edit: impl Fn(&mut Value)) -> Self {
        let clock = Clock::starting_at("2026-06-01T00:00:00Z".parse().unwrap());
        let sim = Sim::new(sim::Options {
            hold: true,
            gateways: true,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let user = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        user.create_namespace(&json!({})).await;
        for mut manifest in Scenario::load("end-to-end-canary").manifests {
            edit(&mut manifest);
            if !manifest.is_null() {
                user.create(&manifest).await.unwrap();
            }
        }
        Self {
            sim,
            clock,
            user,
            tasks: BTreeMap::new(),
            count: 0,
            writes: Arc::default(),
            deadly: usize::MAX,
            died: Arc::default(),
            _controllers: controllers,
        }
    }

    /// A client that dies at one of its writes, before or after the write has landed.
    fn client(&self) -> Client {
        let (server, writes, died, deadly) = (
            self.sim.client(),
            Arc::clone(&self.writes),
            Arc::clone(&self.died),
            self.deadly,
        );
        let mortal = tower::service_fn(move |request: Request<Body>| {
            let is_write = request.method() != Method::GET;
            let number = writes.fetch_add(usize::from(is_write), Ordering::SeqCst);
            let (server, died) = (server.clone(), Arc::clone(&died));
            async move {
                if is_write && number == deadly {
                    let landed = (number % 2 == 0).then(|| server.send(request));
                    if let Some(landed) = landed {
                        let _ = landed.await;
                    }
                    died.notify_one();
                    return std::future::pending().await;
                }
                server.send(request).await
            }
        });
        Client::new(mortal, NAMESPACE)
    }

    /// An engine for these Rollouts.
    fn engine(&mut self, names: &[&str]) {
        self.count += 1;
        let identity = format!("engine-{}", self.count);
        let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
        let driving = driver::drive(
            self.client(),
            self.clock,
            Scope::Names {
                namespace: NAMESPACE.to_owned(),
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            },
            Options {
                identity,
                forever: true,
                ..Options::default()
            },
            sender,
        );
        let task = tokio::spawn(async move {
            let listen = async { while events.recv().await.is_some() {} };
            let _ = tokio::join!(driving, listen);
        });
        if let Some(old) = self.tasks.insert(names.join(" "), task) {
            old.abort();
        }
    }

    fn engine_for_each(&mut self) {
        for name in ROLLOUTS {
            self.engine(&[name]);
        }
    }

    async fn pass(&self, seconds: f64) {
        self.clock.sleep(Duration::from_secs_f64(seconds)).await;
    }

    fn get(&self, kind: (&str, &str), name: &str) -> Value {
        self.sim.get(kind.0, kind.1, NAMESPACE, name).unwrap_or_default()
    }

    fn shared(&self) -> Value {
        self.get(SHARED, "mse-traffic")
    }

    fn phase(&self) -> String {
        self.shared()["status"]["phase"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    }

    /// The Rollouts that hold the TrafficRouting.
    fn holders(&self) -> Vec<String> {
        let shared = self.shared();
        let finalizers = shared["metadata"]["finalizers"].as_array().into_iter().flatten();
        let mut all: Vec<String> = finalizers
            .map(|text| {
                text.as_str()
                    .unwrap()
                    .replace("progressing.rollouts.kruise.io/", "")
            })
            .collect();
        all.sort();
        all
    }

    fn is_open(&self) -> bool {
        !self.get(INGRESS, "spring-cloud-a-canary").is_null()
    }

    fn place(&self, rollout: &str) -> String {
        let status = &self.get(ROLLOUT, rollout)["status"];
        format!(
            "{} {}",
            status["phase"].as_str().unwrap_or("-"),
            status["currentStepState"].as_str().unwrap_or("-")
        )
    }

    fn message(&self, rollout: &str) -> String {
        self.get(ROLLOUT, rollout)["status"]["message"]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    }

    async fn merge(&self, kind: (&str, &str), name: &str, body: Value) {
        let place = Place::of(kind.0, kind.1);
        self.user.patch(place, name, "", MERGE, &body).await.unwrap();
    }

    async fn image(&self, app: &str, tag: &str) {
        let container = json!({ "name": "echoserver", "image": format!("echoserver:{tag}"), "ports": [{ "containerPort": 8080 }] });
        let body = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
        self.merge(DEPLOYMENT, app, body).await;
    }

    async fn approve(&self, rollout: &str) {
        let place = Place::of(ROLLOUT.0, ROLLOUT.1);
        let body = json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
        self.user
            .patch(place, rollout, "/status", MERGE, &body)
            .await
            .unwrap();
    }

    /// Waits, and sees that the lane is open only while somebody needs it.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..1200 {
            assert!(
                !self.is_open() || !self.holders().is_empty(),
                "open for nobody, waiting for {what}"
            );
            if holds(self) {
                return;
            }
            tokio::select! {
                biased;
                () = self.died.notified() => {
                    // Whichever it was: both are followed.
                    self.deadly = usize::MAX;
                    let all: Vec<String> = self.tasks.keys().cloned().collect();
                    for names in all {
                        self.engine(&names.split(' ').collect::<Vec<_>>());
                    }
                }
                () = self.clock.sleep(Duration::from_millis(100)) => {}
            }
        }
        let told: Vec<String> = ROLLOUTS
            .iter()
            .map(|name| format!("{} ({})", self.place(name), self.message(name)))
            .collect();
        panic!(
            "waited for {what} in vain: {told:?}, TrafficRouting {}",
            self.shared()
        );
    }

    async fn at_rest(&mut self) {
        self.until("rest", |lane| {
            ROLLOUTS
                .iter()
                .all(|name| lane.place(name) == "Healthy Completed")
        })
        .await;
    }

    async fn gray(&mut self) {
        self.at_rest().await;
        for app in APPS {
            self.image(app, "v2").await;
        }
        self.until("both gray", |lane| {
            ROLLOUTS
                .iter()
                .all(|name| lane.place(name) == "Progressing StepPaused")
        })
        .await;
    }

    /// Nothing is left of a release.
    fn assert_clean(&self, versions: [&str; 2]) {
        let status = &self.shared()["status"];
        assert_eq!(
            (status["phase"].as_str(), status["message"].as_str()),
            (Some("Healthy"), Some("TrafficRouting is Healthy"))
        );
        assert_eq!((self.holders(), self.is_open()), (Vec::new(), false));
        for (app, version) in APPS.into_iter().zip(versions) {
            let deployment = self.get(DEPLOYMENT, app);
            let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
            assert_eq!(
                (image, &deployment["spec"]["paused"]),
                (&json!(format!("echoserver:{version}")), &Value::Null),
                "{app}"
            );
        }
        let services = self.sim.list(SERVICE.0, SERVICE.1, Some(NAMESPACE));
        let selectors: Vec<&Value> = services
            .iter()
            .map(|service| &service["spec"]["selector"])
            .collect();
        assert_eq!(selectors, [&json!({ "app": "spring-cloud-a" })]);
    }
}

/// A change of the manifests before anything is made.
type Edit = fn(&mut Value);

/// The TrafficRouting is named in the strategy instead of by annotation.
fn by_field(manifest: &mut Value) {
    if manifest["kind"] == "Rollout" {
        manifest["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
        manifest["spec"]["strategy"]["canary"]["trafficRoutingRef"] = json!("mse-traffic");
    }
}

fn as_it_is(_: &mut Value) {}

#[tokio::test(start_paused = true)]
async fn d25_the_field_is_honoured_as_the_annotation_is() {
    for edit in [by_field as Edit, as_it_is] {
        let mut lane = Lane::new(edit).await;
        lane.engine_for_each();
        lane.at_rest().await;
        lane.until("a status", |lane| lane.phase() == "Healthy").await;
        lane.image("spring-cloud-c", "v2").await;
        lane.until("c gray", |lane| {
            lane.place("rollout-c") == "Progressing StepPaused"
        })
        .await;
        assert_eq!(
            (lane.holders(), lane.phase(), lane.is_open()),
            (vec!["rollout-c".to_owned()], "Progressing".to_owned(), true)
        );
        lane.image("spring-cloud-a", "v2").await;
        lane.until("a gray", |lane| {
            lane.place("rollout-a") == "Progressing StepPaused"
        })
        .await;
        assert_eq!(lane.holders(), ROLLOUTS);
        lane.approve("rollout-c").await;
        lane.until("c everywhere", |lane| {
            lane.place("rollout-c") == "Healthy Completed"
        })
        .await;
        // The lane is open for the one that still needs it.
        assert_eq!(
            (lane.holders(), lane.is_open()),
            (vec!["rollout-a".to_owned()], true)
        );
        lane.approve("rollout-a").await;
        lane.until("closing", |lane| lane.phase() == "Finalizing").await;
        lane.until("a everywhere", |lane| {
            lane.place("rollout-a") == "Healthy Completed"
        })
        .await;
        lane.assert_clean(["v2", "v2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_lane_opens_when_the_first_has_its_pods_and_closes_before_the_last_loses_them() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.at_rest().await;
    let canaries = |lane: &Lane| {
        let pods = lane.sim.list("v1", "Pod", Some(NAMESPACE)).into_iter();
        let gray = pods.filter(|pod| pod["metadata"]["labels"]["alicloud.service.tag"] == "gray");
        let conditions = gray.flat_map(|pod| {
            pod["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
        conditions
            .filter(|condition| condition["type"] == "Ready" && condition["status"] == "True")
            .count()
    };
    // A release, one that overtakes it, and back.
    for version in ["v2", "v3", "v1"] {
        for app in APPS {
            lane.image(app, version).await;
        }
        for _ in 0..200 {
            assert!(
                !lane.is_open() || canaries(&lane) > 0,
                "{version}: a lane without pods"
            );
            lane.pass(0.05).await;
        }
        let is_gray = version != "v1";
        assert_eq!(
            (lane.is_open(), canaries(&lane)),
            (is_gray, if is_gray { 2 } else { 0 }),
            "{version}"
        );
    }
    lane.at_rest().await;
    lane.assert_clean(["v1", "v1"]);
}

#[test]
fn engines_may_die_at_any_write() {
    let every = std::env::var("EVERY").is_ok();
    let mut number = 0;
    loop {
        let reached = in_virtual_time(async {
            let mut lane = Lane::new(as_it_is).await;
            lane.deadly = number;
            lane.engine_for_each();
            lane.gray().await;
            assert!(lane.is_open(), "{number}");
            assert_eq!(lane.holders(), ROLLOUTS, "{number}");
            for name in ROLLOUTS {
                lane.approve(name).await;
            }
            lane.pass(0.5).await;
            lane.at_rest().await;
            lane.pass(20.0).await;
            lane.assert_clean(["v2", "v2"]);
            lane.writes.load(Ordering::SeqCst)
        });
        number += if every { 1 } else { 7 };
        if number >= reached {
            return;
        }
    }
}

/// What a plan of the rest of a release says that it writes to the lane.
fn planned(lane: &Lane, rollout: &str) -> Vec<String> {
    let kinds = [
        SHARED,
        ROLLOUT,
        DEPLOYMENT,
        INGRESS,
        SERVICE,
        ("apps/v1", "ReplicaSet"),
        ("v1", "Pod"),
    ];
    let objects = kinds
        .iter()
        .flat_map(|kind| lane.sim.list(kind.0, kind.1, Some(NAMESPACE)));
    let plan = plan::predict(plan::Request {
        objects: objects.collect(),
        namespace: NAMESPACE.to_owned(),
        rollout: rollout.to_owned(),
        change: plan::Change::default(),
        start: lane.clock.now(),
        pod_ready_after: Duration::from_secs(1),
        ..plan::Request::default()
    })
    .unwrap();
    assert_eq!(plan.end, plan::End::Completed, "{}", plan.message);
    let writes = plan
        .writes
        .iter()
        .filter(|write| write.object.starts_with("trafficrouting") || write.object.starts_with("ingress"));
    writes
        .map(|write| format!("{} {}", write.verb, write.object))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan_knows_who_else_needs_the_lane() {
    let mut lane = Lane::new(as_it_is).await;
    lane.engine_for_each();
    lane.gray().await;
    let (shared, twin) = (
        "PATCH trafficrouting/mse-traffic",
        "DELETE ingress/spring-cloud-a-canary",
    );
    assert_eq!(planned(&lane, "rollout-a"), [shared]);
    lane.approve("rollout-c").await;
    lane.until("c everywhere", |lane| {
        lane.place("rollout-c") == "Healthy Completed"
    })
    .await;
    assert_eq!(planned(&lane, "rollout-a"), [shared, twin, shared, shared]);
}
