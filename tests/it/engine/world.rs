//! A cluster with the application of the recorded releases, an engine that can be killed at any request, and a user.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderValue, Request, StatusCode, header::USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use kube::{Client, client::Body};
use kubectl_kruise::{
    api::keys,
    clock::Clock,
    engine::core::Stop,
    engine::driver::{self, Event, Options, RolloutKey, Scope},
    sim::{self, Controllers, Fault, FaultRequest, Sim},
};
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc},
    task::{AbortHandle, JoinHandle},
};

use super::invariants::Guard;
use crate::harness::cluster::{Cluster, Place};
pub(super) use crate::harness::dice::Dice;

pub(super) const NAMESPACE: &str = "shop";
pub(super) const APP: &str = "echoserver";
pub(super) const ROLLOUT_NAME: &str = "demo";
pub(super) const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
pub(super) const REPLICA_SET: (&str, &str) = ("apps/v1", "ReplicaSet");
pub(super) const POD: (&str, &str) = ("v1", "Pod");
pub(super) const SERVICE: (&str, &str) = ("v1", "Service");
pub(super) const INGRESS: (&str, &str) = ("networking.k8s.io/v1", "Ingress");
pub(super) const LEASE: (&str, &str) = ("coordination.k8s.io/v1", "Lease");
pub(super) const ROLLOUT: (&str, &str) = ("rollouts.kruise.io/v1beta1", "Rollout");

const MERGE: &str = "application/merge-patch+json";

/// More requests than any engine needs in one release; one that sends more runs in circles.
const MOST_REQUESTS: usize = 3000;

/// A request at which an engine is killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kill {
    /// The engine's requests before it.
    pub(super) at: usize,
    /// Whether the request is still carried out.
    pub(super) executed: bool,
}

/// What happens to the requests of engines.
#[derive(Default)]
struct Trouble {
    /// Of each engine, whether each request could change something.
    requests: BTreeMap<String, Vec<bool>>,
    dead: BTreeSet<String>,
    kill: Option<Kill>,
    engine: Option<AbortHandle>,
    /// Percent of the requests that fail.
    rate: u64,
    dice: Option<Dice>,
}

impl Trouble {
    fn decide(&mut self, request: &FaultRequest, died: &Notify) -> Option<Fault> {
        if !request.user_agent.starts_with("engine-") {
            return None;
        }
        if self.dead.contains(&request.user_agent) {
            return Some(Fault::DropBefore);
        }
        let sent = self.requests.entry(request.user_agent.clone()).or_default();
        let index = sent.len();
        sent.push(request.mutating);
        assert!(
            sent.len() < MOST_REQUESTS,
            "{} sends too much, at last {} {}",
            request.user_agent,
            request.verb,
            request.path
        );
        if let Some(kill) = self.kill
            && kill.at == index
        {
            self.kill = None;
            self.dead.insert(request.user_agent.clone());
            if let Some(engine) = self.engine.take() {
                engine.abort();
            }
            died.notify_one();
            return Some(if kill.executed {
                Fault::DropAfter
            } else {
                Fault::DropBefore
            });
        }
        let dice = self.dice.as_mut()?;
        if !dice.percent(self.rate) {
            return None;
        }
        Some(match dice.below(8) {
            // A read never conflicts.
            0 if request.mutating => Fault::Status(StatusCode::CONFLICT, "Conflict".to_owned()),
            1 => Fault::Status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests".to_owned()),
            2 => Fault::Status(StatusCode::INTERNAL_SERVER_ERROR, "InternalError".to_owned()),
            3 | 4 => Fault::TimeoutAfterWrite,
            5 => Fault::DropBefore,
            6 => Fault::DropAfter,
            _ => Fault::CloseWatches,
        })
    }
}

/// Runs to the end without waiting for real time.
pub(super) fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// How a world is made.
#[derive(Clone)]
pub(super) struct Setup {
    /// Whether the hold policy is in force.
    pub(super) hold: bool,
    pub(super) replicas: i64,
    pub(super) steps: Value,
    pub(super) grace: i64,
    /// How long a change of the wanted replicas may take to be carried out, in seconds.
    pub(super) lag: i64,
}

/// One step of a plan; `pause` in seconds, or until approved.
pub(super) fn step(replicas: &Value, weight: Option<u32>, pause: Option<u64>) -> Value {
    let mut step = json!({ "replicas": replicas, "pause": {} });
    if let Some(weight) = weight {
        step["traffic"] = json!(format!("{weight}%"));
    }
    if let Some(seconds) = pause {
        step["pause"] = json!({ "duration": seconds });
    }
    step
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            hold: true,
            replicas: 5,
            steps: json!([
                step(&json!(1), Some(20), None),
                step(&json!("50%"), Some(50), Some(5)),
                step(&json!("100%"), Some(100), None),
            ]),
            grace: 1,
            lag: 5,
        }
    }
}

/// A running engine.
pub(super) struct Engine {
    pub(super) identity: String,
    pub(super) task: JoinHandle<Result<BTreeMap<RolloutKey, Stop>, driver::Error>>,
    events: mpsc::UnboundedReceiver<Event>,
}

pub(super) struct World {
    pub(super) sim: Sim,
    pub(super) clock: Clock,
    pub(super) user: Cluster,
    pub(super) guard: Guard,
    pub(super) began: Timestamp,
    setup: Setup,
    trouble: Arc<Mutex<Trouble>>,
    died: Arc<Notify>,
    engines: u32,
    controllers: Controllers,
    watcher: JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl World {
    /// The application at version v1, with all its pods ready, and its Rollout.
    pub(super) async fn new(setup: Setup) -> Self {
        let clock = Clock::starting_at("2026-06-01T00:00:00Z".parse().unwrap());
        let sim = Sim::new(sim::Options {
            hold: setup.hold,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let user = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        user.create_namespace(&json!({})).await;
        let trouble: Arc<Mutex<Trouble>> = Arc::default();
        let died = Arc::new(Notify::new());
        let (hook, bell) = (Arc::clone(&trouble), Arc::clone(&died));
        sim.inject(move |request| {
            hook.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .decide(request, &bell)
        });
        let guard = Guard::new(&sim, clock, SignedDuration::from_secs(setup.lag));
        let world = Self {
            watcher: tokio::spawn(guard.clone().watch()),
            began: clock.now(),
            sim,
            clock,
            user,
            guard,
            setup,
            trouble,
            died,
            engines: 0,
            controllers,
        };
        for manifest in world.manifests() {
            world.user.create(&manifest).await.unwrap();
        }
        world.pass(2.0).await;
        world
    }

    pub(super) fn manifests(&self) -> Vec<Value> {
        let labels = json!({ "app": APP });
        let container =
            json!({ "name": APP, "image": "echoserver:v1", "ports": [{ "containerPort": 8080 }] });
        vec![
            json!({
                "apiVersion": DEPLOYMENT.0, "kind": DEPLOYMENT.1,
                "metadata": { "name": APP, "labels": labels },
                "spec": {
                    "replicas": self.setup.replicas,
                    "progressDeadlineSeconds": 60,
                    "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
                },
            }),
            json!({
                "apiVersion": SERVICE.0, "kind": SERVICE.1, "metadata": { "name": APP },
                "spec": { "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
            }),
            json!({
                "apiVersion": INGRESS.0, "kind": INGRESS.1, "metadata": { "name": APP },
                "spec": { "ingressClassName": "nginx", "rules": [{
                    "host": "echoserver.example.com",
                    "http": { "paths": [{
                        "path": "/", "pathType": "Prefix",
                        "backend": { "service": { "name": APP, "port": { "number": 80 } } },
                    }] },
                }] },
            }),
            self.rollout_manifest(),
        ]
    }

    pub(super) fn rollout_manifest(&self) -> Value {
        json!({
            "apiVersion": ROLLOUT.0, "kind": ROLLOUT.1, "metadata": { "name": ROLLOUT_NAME },
            "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": APP },
                "strategy": { "canary": {
                    "enableExtraWorkloadForCanary": true,
                    "steps": self.setup.steps,
                    "trafficRoutings": [{
                        "service": APP, "gracePeriodSeconds": self.setup.grace,
                        "ingress": { "name": APP, "classType": "nginx" },
                    }],
                } },
            },
        })
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client whose requests carry a name.
    pub(super) fn client(&self, name: &str) -> Client {
        let value = HeaderValue::from_str(name).unwrap();
        let server = self.sim.client();
        let named = tower::service_fn(move |mut request: Request<Body>| {
            request.headers_mut().insert(USER_AGENT, value.clone());
            let server = server.clone();
            async move { server.send(request).await }
        });
        Client::new(named, NAMESPACE)
    }

    /// Starts an engine under an identity that none had before.
    pub(super) fn engine(&mut self, forever: bool) -> Engine {
        self.engines += 1;
        let identity = format!("engine-{}", self.engines);
        let (sender, events) = mpsc::unbounded_channel();
        let task = tokio::spawn(driver::drive(
            self.client(&identity),
            self.clock,
            Scope::Selected {
                namespace: Some(NAMESPACE.to_owned()),
                labels: None,
            },
            Options {
                identity: identity.clone(),
                forever,
                ..Options::default()
            },
            sender,
        ));
        self.trouble().engine = Some(task.abort_handle());
        Engine {
            identity,
            task,
            events,
        }
    }

    /// Kills the engine at one of its requests.
    pub(super) fn kill_at(&self, kill: Kill) {
        self.trouble().kill = Some(kill);
    }

    /// Lets some percent of the engines' requests fail.
    pub(super) fn disturb(&self, rate: u64, dice: Dice) {
        let mut trouble = self.trouble();
        trouble.rate = rate;
        trouble.dice = (rate > 0).then_some(dice);
    }

    /// The requests that an engine sent; of each, whether it could change something.
    pub(super) fn requests_of(&self, engine: &Engine) -> Vec<bool> {
        self.trouble()
            .requests
            .get(&engine.identity)
            .cloned()
            .unwrap_or_default()
    }

    /// Whether an engine was killed at a request.
    pub(super) fn is_dead(&self, engine: &Engine) -> bool {
        self.trouble().dead.contains(&engine.identity)
    }

    /// Lets time pass.
    pub(super) async fn pass(&self, seconds: f64) {
        self.clock.sleep(Duration::from_secs_f64(seconds)).await;
    }

    /// Waits until something holds; an engine that was killed meanwhile is followed by another one.
    pub(super) async fn until(
        &mut self,
        engine: &mut Engine,
        what: &str,
        seconds: i64,
        holds: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        let limit = self.clock.now() + SignedDuration::from_secs(seconds);
        let mut versions = self.sim.versions();
        loop {
            versions.mark_unchanged();
            if holds(self) {
                return Ok(());
            }
            let died = Arc::clone(&self.died);
            tokio::select! {
                biased;
                () = died.notified() => if self.is_dead(engine) {
                    *engine = self.engine(true);
                },
                _ = versions.changed() => {}
                () = self.clock.sleep_until(limit) => {
                    return Err(format!("waited for {what} in vain: {}", self.place()));
                }
            }
        }
    }

    pub(super) fn rollout(&self) -> Value {
        self.sim
            .get(ROLLOUT.0, ROLLOUT.1, NAMESPACE, ROLLOUT_NAME)
            .unwrap_or_default()
    }

    pub(super) fn deployment(&self) -> Value {
        self.sim
            .get(DEPLOYMENT.0, DEPLOYMENT.1, NAMESPACE, APP)
            .unwrap_or_default()
    }

    /// Where the release is, in words.
    pub(super) fn place(&self) -> String {
        let status = self.rollout()["status"].take();
        format!(
            "{} step {} {} ({})",
            status["phase"].as_str().unwrap_or("-"),
            status["canaryStatus"]["currentStepIndex"],
            status["canaryStatus"]["currentStepState"].as_str().unwrap_or("-"),
            status["message"].as_str().unwrap_or("-"),
        )
    }

    /// Whether a step waits for a human or for time.
    pub(super) fn paused_at(&self, step: i64) -> bool {
        let rollout = self.rollout();
        let sub = &rollout["status"]["canaryStatus"];
        rollout["status"]["phase"] == "Progressing"
            && sub["currentStepIndex"] == step
            && sub["currentStepState"] == "StepPaused"
    }

    pub(super) fn phase_is(&self, phase: &str) -> bool {
        self.rollout()["status"]["phase"] == phase
    }

    /// Seconds since the world began.
    pub(super) fn elapsed(&self, at: Timestamp) -> f64 {
        at.duration_since(self.began).as_secs_f64()
    }

    pub(super) async fn merge(&self, kind: (&'static str, &'static str), name: &str, sub: &str, body: Value) {
        let place = Place::of(kind.0, kind.1);
        self.user.patch(place, name, sub, MERGE, &body).await.unwrap();
    }

    pub(super) async fn image(&self, tag: &str) {
        let container = json!({ "name": APP, "image": format!("echoserver:{tag}"), "ports": [{ "containerPort": 8080 }] });
        let body = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
        self.merge(DEPLOYMENT, APP, "", body).await;
    }

    pub(super) async fn scale(&self, replicas: u64) {
        self.merge(
            DEPLOYMENT,
            APP,
            "/scale",
            json!({ "spec": { "replicas": replicas } }),
        )
        .await;
    }

    pub(super) async fn approve(&self) {
        let body = json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
        self.merge(ROLLOUT, ROLLOUT_NAME, "/status", body).await;
    }

    pub(super) async fn jump(&self, step: i64) {
        let body = json!({ "status": { "canaryStatus": { "nextStepIndex": step } } });
        self.merge(ROLLOUT, ROLLOUT_NAME, "/status", body).await;
    }

    pub(super) async fn spec(&self, spec: Value) {
        self.merge(ROLLOUT, ROLLOUT_NAME, "", json!({ "spec": spec }))
            .await;
    }

    pub(super) async fn delete(&self, kind: (&'static str, &'static str), name: &str) {
        let _ = self.user.delete(Place::of(kind.0, kind.1), name).await.unwrap();
    }

    /// The writes that an engine sent, Leases left out.
    pub(super) fn writes_of(&self, identity: &str) -> usize {
        let trace = self.sim.trace();
        trace
            .iter()
            .filter(|write| write.user_agent.starts_with(identity) && !write.path.contains("/leases"))
            .count()
    }

    /// What is left of a release that is over; nothing when all is as the user wrote it.
    pub(super) fn leftovers(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (kind, name) in [(DEPLOYMENT, APP), (SERVICE, APP), (INGRESS, APP)] {
            let names: Vec<String> = self
                .sim
                .list(kind.0, kind.1, Some(NAMESPACE))
                .iter()
                .map(|object| object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
                .collect();
            if names != [name] {
                left.push(format!("{}: {names:?}", kind.1));
            }
        }
        let deployment = self.deployment();
        let (spec, status) = (&deployment["spec"], &deployment["status"]);
        let replicas = &spec["replicas"];
        for (what, found, wanted) in [
            (
                "mark",
                deployment["metadata"]["annotations"].get(keys::IN_PROGRESSING),
                None,
            ),
            (
                "paused",
                spec.get("paused").filter(|paused| **paused == true),
                None,
            ),
            (
                "strategy",
                spec["strategy"].get("type"),
                Some(&json!("RollingUpdate")),
            ),
            (
                "updatedReplicas",
                status.get("updatedReplicas").or(Some(&json!(0))),
                Some(replicas),
            ),
            (
                "readyReplicas",
                status.get("readyReplicas").or(Some(&json!(0))),
                Some(replicas),
            ),
            (
                "replicas",
                status.get("replicas").or(Some(&json!(0))),
                Some(replicas),
            ),
        ] {
            if found != wanted {
                left.push(format!("Deployment {what}: {found:?}, expected {wanted:?}"));
            }
        }
        for set in self.sim.list(REPLICA_SET.0, REPLICA_SET.1, Some(NAMESPACE)) {
            if set["metadata"]["annotations"].get(keys::IN_PROGRESSING).is_some() {
                left.push(format!("mark on {}", set["metadata"]["name"]));
            }
        }
        if let Some(service) = self.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, APP)
            && service["spec"]["selector"].get(keys::POD_TEMPLATE_HASH).is_some()
        {
            left.push("the stable Service is pinned".to_owned());
        }
        let rollout = self.rollout();
        if rollout["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
        {
            left.push("finalizer".to_owned());
        }
        left
    }

    /// The holders of Leases.
    pub(super) fn lease_holders(&self) -> Vec<String> {
        let leases = self.sim.list(LEASE.0, LEASE.1, Some(NAMESPACE));
        leases
            .iter()
            .map(|lease| {
                lease["spec"]["holderIdentity"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }

    /// The namespace without what differs between two runs of the same release: identities, counters and times.
    pub(super) fn picture(&self) -> Vec<Value> {
        let mut names = BTreeMap::new();
        let mut all: Vec<Value> = Vec::new();
        for mut object in self.sim.everything() {
            if object["metadata"]["namespace"] != NAMESPACE || object["kind"] == LEASE.1 {
                continue;
            }
            if object["kind"] == POD.1 {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let stem = name.rsplit_once('-').map_or("", |(stem, _)| stem).to_owned();
                names.insert(name, format!("{stem}-?"));
                object["spec"]["nodeName"] = json!("?");
                object["status"]["podIP"] = json!("?");
                object["status"]["podIPs"] = json!("?");
                object["status"]["hostIP"] = json!("?");
                object["status"]["hostIPs"] = json!("?");
            }
            if object["kind"] == "EndpointSlice" || object["kind"] == "Endpoints" {
                continue;
            }
            all.push(object);
        }
        for object in &mut all {
            blur(object, &names);
        }
        all.sort_by_key(Value::to_string);
        all
    }

    /// The engine's story so far: one line for every wait.
    pub(super) fn story(&self, engine: &mut Engine) -> String {
        let mut lines = String::new();
        while let Ok(event) = engine.events.try_recv() {
            let line = match event {
                Event::Moved {
                    at,
                    phase,
                    step,
                    state,
                    reason,
                    ..
                } => format!(
                    "{:>7.1} {} {step} {} | {reason}",
                    self.elapsed(at),
                    phase.map_or_else(String::new, |phase| phase.to_string()),
                    state
                ),
                Event::Stopped { .. } | Event::Wrote { .. } => continue,
                Event::Retrying { error, seconds, .. } => format!("        retry in {seconds} s: {error}"),
                Event::HeldElsewhere { holder, seconds, .. } => {
                    format!("        held by {holder} for {seconds:.1} s")
                }
            };
            lines.push_str(&line);
            lines.push('\n');
        }
        lines
    }

    /// Everything that the engine did, for a failure's report.
    pub(super) fn log(&self, engine: &mut Engine) -> String {
        let mut lines = String::new();
        while let Ok(event) = engine.events.try_recv() {
            let line = match event {
                Event::Wrote { at, effect, .. } => {
                    format!(
                        "{:>8.3} wrote {}: {}",
                        self.elapsed(at),
                        effect.target,
                        effect.purpose
                    )
                }
                Event::Moved {
                    at,
                    step,
                    state,
                    reason,
                    ..
                } => {
                    format!("{:>8.3} at {step} {state}: {reason}", self.elapsed(at))
                }
                other => format!("{other:?}"),
            };
            lines.push_str(&line);
            lines.push('\n');
        }
        lines
    }

    /// Keeps the controllers alive for as long as the world is.
    pub(super) fn controllers(&self) -> &Controllers {
        &self.controllers
    }
}

fn blur(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for key in [
                "uid",
                "resourceVersion",
                "generation",
                "observedGeneration",
                "observedWorkloadGeneration",
            ] {
                if map.contains_key(key) {
                    map.insert(key.to_owned(), json!("?"));
                }
            }
            map.values_mut().for_each(|value| blur(value, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| blur(value, names)),
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                *text = name.clone();
            } else if text.parse::<Timestamp>().is_ok() {
                *text = "<time>".to_owned();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
