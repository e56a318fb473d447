//! A cluster with an application, engines that can be killed at any request, and a user.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, header::USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use kube::{Client, client::Body};
use kubectl_kruise::{
    api::{patch::merge_diff, v1beta1::RollingStyle},
    clock::Clock,
    engine::core::Stop,
    engine::driver::{self, Event, Options, RolloutKey, Scope},
    release::{self, Jump, jump},
    sim::{self, Controllers, Sim},
    workload::edit,
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    invariants::Guard,
    rest::{Ledger, image_of, is_bad},
    shape::Shape,
    trouble::Trouble,
};
use crate::harness::cluster::{Cluster, Place};

pub(super) use super::shape::step;

pub(super) const NAMESPACE: &str = "shop";
pub(super) const APP: &str = "echoserver";
pub(super) const ROLLOUT_NAME: &str = "demo";
pub(super) const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
pub(super) const REPLICA_SET: (&str, &str) = ("apps/v1", "ReplicaSet");
pub(super) const REVISION: (&str, &str) = ("apps/v1", "ControllerRevision");
pub(super) const POD: (&str, &str) = ("v1", "Pod");
pub(super) const NODE: (&str, &str) = ("v1", "Node");
pub(super) const SERVICE: (&str, &str) = ("v1", "Service");
pub(super) const INGRESS: (&str, &str) = ("networking.k8s.io/v1", "Ingress");
pub(super) const HTTP_ROUTE: (&str, &str) = ("gateway.networking.k8s.io/v1", "HTTPRoute");
pub(super) const VIRTUAL_SERVICE: (&str, &str) = ("networking.istio.io/v1beta1", "VirtualService");
pub(super) const LEASE: (&str, &str) = ("coordination.k8s.io/v1", "Lease");
pub(super) const ROLLOUT: (&str, &str) = ("rollouts.kruise.io/v1beta1", "Rollout");

const MERGE: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

/// Whether an engine let the object go just now.
fn is_gone(answer: &kube::Result<Value>) -> bool {
    matches!(answer, Err(kube::Error::Api(status)) if status.code == 404)
}

/// Whether the server refused a write for what it would lead to.
fn is_invalid(answer: &kube::Result<Value>) -> bool {
    matches!(answer, Err(kube::Error::Api(status)) if status.code == 422)
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
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// Whether the hold policy is in force.
    pub(super) hold: bool,
    /// Whether the user's own writes hold a new version back, as those of the commands do.
    pub(super) atomic: bool,
    pub(super) shape: Shape,
    pub(super) replicas: i64,
    pub(super) steps: Value,
    pub(super) grace: i64,
    /// How long a change of the wanted replicas may take to be carried out, in seconds.
    pub(super) lag: i64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            hold: true,
            atomic: false,
            shape: Shape::canary(),
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
    pub(super) setup: Setup,
    pub(super) trouble: Trouble,
    pub(super) ledger: Ledger,
    engines: u32,
    nodes: i64,
    controllers: Option<Controllers>,
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
        let nodes = if setup.shape.kind.is_per_node() {
            setup.replicas
        } else {
            3
        };
        let sim = Sim::new(sim::Options {
            hold: setup.hold,
            kruise: true,
            gateways: true,
            nodes: usize::try_from(nodes).unwrap(),
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let user = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        user.create_namespace(&json!({})).await;
        let trouble = Trouble::default();
        let hook = trouble.clone();
        sim.inject(move |request| hook.decide(request));
        let ledger = Ledger::default();
        let guard = Guard::new(&sim, clock, &setup, &ledger);
        let world = Self {
            watcher: tokio::spawn(guard.clone().watch()),
            began: clock.now(),
            sim,
            clock,
            user,
            guard,
            setup,
            trouble,
            ledger,
            engines: 0,
            nodes,
            controllers: Some(controllers),
        };
        for manifest in world.manifests() {
            let written = world.user.create(&manifest).await.unwrap();
            world.ledger.note(&manifest, &written);
        }
        world.pass(2.0).await;
        // A StatefulSet's pods come one after the other.
        for _ in 0..100 {
            if world.is_clean() {
                break;
            }
            world.pass(1.0).await;
        }
        assert_eq!(world.leftovers(), Vec::<String>::new());
        world.guard.settled();
        world
    }

    /// The workload, what else the application needs, and the Rollout.
    pub(super) fn manifests(&self) -> Vec<Value> {
        let mut all = vec![self.setup.shape.workload_manifest(self.setup.replicas)];
        all.extend(self.setup.shape.other_manifests());
        all.push(self.rollout_manifest());
        all
    }

    pub(super) fn rollout_manifest(&self) -> Value {
        self.setup
            .shape
            .rollout_manifest(&self.setup.steps, self.setup.grace)
    }

    /// A client whose requests carry a name, and may be slow.
    pub(super) fn client(&self, name: &str) -> Client {
        let value = HeaderValue::from_str(name).unwrap();
        let server = self.sim.client();
        let (trouble, clock) = (self.trouble.clone(), self.clock);
        let named = tower::service_fn(move |mut request: Request<Body>| {
            request.headers_mut().insert(USER_AGENT, value.clone());
            let server = server.clone();
            let is_watch = request
                .uri()
                .query()
                .is_some_and(|query| query.contains("watch=true"));
            let (there, back) = trouble.delay(is_watch);
            async move {
                clock.sleep(there).await;
                let answer = server.send(request).await;
                clock.sleep(back).await;
                answer
            }
        });
        Client::new(named, NAMESPACE)
    }

    /// Starts an engine under an identity that none had before.
    pub(super) fn engine(&mut self, forever: bool) -> Engine {
        self.engines += 1;
        self.guard.unattended();
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
        self.trouble.watch_over(&identity, task.abort_handle());
        Engine {
            identity,
            task,
            events,
        }
    }

    /// The requests that an engine sent; of each, whether it could change something.
    pub(super) fn requests_of(&self, engine: &Engine) -> Vec<bool> {
        self.trouble.requests_of(&engine.identity)
    }

    /// Whether an engine was killed.
    pub(super) fn is_dead(&self, engine: &Engine) -> bool {
        self.trouble.is_dead(&engine.identity)
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
            let died = Arc::clone(&self.trouble.died);
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
        (*self.rollout_seen()).clone()
    }

    /// The Rollout without a copy of it.
    pub(super) fn rollout_seen(&self) -> Arc<Value> {
        self.sim
            .seen(ROLLOUT.0, ROLLOUT.1, NAMESPACE, ROLLOUT_NAME)
            .unwrap_or_default()
    }

    /// The workload that is released.
    pub(super) fn workload(&self) -> Value {
        let (api_version, kind) = self.setup.shape.workload();
        self.sim
            .get(api_version, kind, NAMESPACE, APP)
            .unwrap_or_default()
    }

    /// The progress that the status tells.
    pub(super) fn progress(&self) -> Value {
        self.rollout_seen()["status"][self.progress_field()].clone()
    }

    fn progress_field(&self) -> &'static str {
        match self.setup.shape.style {
            RollingStyle::BlueGreen => "blueGreenStatus",
            _ => "canaryStatus",
        }
    }

    /// Where the release is, in words.
    pub(super) fn place(&self) -> String {
        let status = self.rollout()["status"].take();
        let progress = self.progress();
        format!(
            "{} step {} {} ({})",
            status["phase"].as_str().unwrap_or("-"),
            progress["currentStepIndex"],
            progress["currentStepState"].as_str().unwrap_or("-"),
            status["message"].as_str().unwrap_or("-"),
        )
    }

    /// Whether a step waits for a human or for time.
    pub(super) fn paused_at(&self, step: i64) -> bool {
        let progress = self.progress();
        self.phase_is("Progressing")
            && progress["currentStepIndex"] == step
            && progress["currentStepState"] == "StepPaused"
    }

    pub(super) fn phase_is(&self, phase: &str) -> bool {
        self.rollout_seen()["status"]["phase"] == phase
    }

    /// Seconds since the world began.
    pub(super) fn elapsed(&self, at: Timestamp) -> f64 {
        at.duration_since(self.began).as_secs_f64()
    }

    pub(super) async fn merge(&self, kind: (&'static str, &'static str), name: &str, sub: &str, body: Value) {
        let place = Place::of(kind.0, kind.1);
        self.user.patch(place, name, sub, MERGE, &body).await.unwrap();
    }

    /// A new template; held in the same write where the setup says so.
    pub(super) async fn image(&self, tag: &str) {
        let (api_version, kind) = self.setup.shape.workload();
        if self.workload().is_null() {
            return;
        }
        if self.ledger.wanted_image() == format!("echoserver:{tag}") {
            // As `kubectl set image` has it.
            return;
        }
        self.ledger.image(tag);
        let rollout = self.rollout();
        let is_released = rollout["spec"].is_object()
            && rollout["spec"]["disabled"] != true
            && rollout["metadata"].get("deletionTimestamp").is_none();
        if !(self.setup.hold && is_released)
            && self.setup.shape.style == RollingStyle::BlueGreen
            && self.phase_is("Progressing")
        {
            // Beside a third version, the workload's own controller takes the oldest pods for the worst; and what nobody
            // holds may take any pod, that of a canary's traffic too, before an engine sees it.
            self.guard.forgive(60);
        }
        self.guard
            .changed(is_released && (self.setup.hold || self.setup.atomic));
        if self.setup.atomic && is_released {
            return self.held_image(tag).await;
        }
        let container = json!({ "name": APP, "image": format!("echoserver:{tag}"), "ports": [{ "containerPort": 8080 }] });
        let body = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
        self.merge((api_version, kind), APP, "", body).await;
    }

    /// A new template and its hold in one write, as the commands make it; again when somebody wrote in between.
    async fn held_image(&self, tag: &str) {
        let (api_version, kind) = self.setup.shape.workload();
        loop {
            let workload = self.workload();
            let mut after = workload.clone();
            after["spec"]["template"]["spec"]["containers"][0]["image"] = json!(format!("echoserver:{tag}"));
            let is_free = edit::kind_of(&workload).is_none_or(|kind| edit::free(kind, &workload).is_some());
            let hold_for = (!is_free).then_some(ROLLOUT_NAME);
            let Some(patch) = edit::write(&workload, &after, hold_for) else {
                return;
            };
            let place = Place::of(api_version, kind);
            match self.user.patch(place, APP, "", JSON_PATCH, &patch).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                answer => {
                    answer.unwrap();
                    return;
                }
            }
        }
    }

    /// Another size; of workloads with a pod on each node, other nodes.
    pub(super) async fn scale(&mut self, replicas: u64) {
        if self.setup.shape.kind.is_per_node() {
            return self.resize(i64::try_from(replicas).unwrap().max(1)).await;
        }
        if self.workload().is_null() {
            return;
        }
        self.ledger.scale(replicas);
        // Which pods a StatefulSet's controller takes away does not depend on which of them serve.
        self.guard.changed(true);
        let body = json!({ "spec": { "replicas": replicas } });
        self.merge(self.setup.shape.workload(), APP, "/scale", body).await;
    }

    /// Nodes that pods run on.
    pub(super) fn nodes(&self) -> i64 {
        self.nodes
    }

    async fn resize(&mut self, wanted: i64) {
        let name = |index: i64| format!("node-{index}");
        while self.nodes < wanted {
            let body = json!({
                "apiVersion": NODE.0, "kind": NODE.1, "metadata": { "name": name(self.nodes) }, "spec": {},
                "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }] },
            });
            let path = "/api/v1/nodes";
            self.user
                .send(Method::POST, path, "application/json", &body)
                .await
                .unwrap();
            self.nodes += 1;
        }
        while self.nodes > wanted {
            self.nodes -= 1;
            let path = format!("/api/v1/nodes/{}", name(self.nodes));
            self.user
                .send(Method::DELETE, &path, "application/json", &Value::Null)
                .await
                .unwrap();
            self.guard.forgive(60);
        }
    }

    /// `kubectl rollout pause`.
    pub(super) async fn pause_workload(&self) {
        let body = json!({ "spec": { "paused": true } });
        self.ledger.pause();
        self.merge(self.setup.shape.workload(), APP, "", body).await;
    }

    /// Applies the whole manifest again, which undoes a hold that no policy puts back.
    pub(super) async fn reapply(&self) {
        let workload = self.workload();
        let Some(patch) = merge_diff(&workload["spec"], &self.ledger.spec()).filter(|_| !workload.is_null())
        else {
            return;
        };
        // A policy puts back what holds the first pod of a version; that no pod may be missing the engine does. Of a Rollout
        // that is being deleted, or is disabled, it knows nothing.
        let rollout = self.rollout();
        let is_left =
            rollout["spec"]["disabled"] == true || !rollout["metadata"]["deletionTimestamp"].is_null();
        if is_left || !self.setup.hold || self.setup.shape.style == RollingStyle::BlueGreen {
            self.guard.forgive(60);
        }
        let (api_version, kind) = self.setup.shape.workload();
        let body = json!({ "spec": patch });
        let place = Place::of(api_version, kind);
        let answer = self.user.patch(place, APP, "", MERGE, &body).await;
        if is_invalid(&answer) && self.workload()["spec"] != workload["spec"] {
            // An engine wrote in between, so that what differed then does not fit any more.
            return Box::pin(self.reapply()).await;
        }
        answer.unwrap();
    }

    /// Makes the workload anew, as it was at the beginning.
    pub(super) async fn create_workload(&self) {
        let manifest = self.manifests().remove(0);
        let written = self.user.create(&manifest).await.unwrap();
        self.ledger.note(&manifest, &written);
    }

    /// Removes the workload with its pods.
    pub(super) async fn delete_workload(&self) {
        self.guard.forgive(60);
        self.delete(self.setup.shape.workload(), APP).await;
    }

    /// Pods that never become ready hold up a StatefulSet even when its template is mended; without a Rollout nobody but
    /// the user removes them.
    pub(super) async fn remove_broken_pods(&self) {
        for pod in self.sim.list(POD.0, POD.1, Some(NAMESPACE)) {
            if is_bad(&image_of(&pod["spec"])) {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                self.delete(POD, name).await;
            }
        }
    }

    pub(super) async fn approve(&self) {
        self.progress_to(json!({ "currentStepState": "StepReady" })).await;
    }

    /// Writes progress; of a release that an engine has ended meanwhile there is none, and the server refuses it.
    async fn progress_to(&self, fields: Value) {
        let body = json!({ "status": { self.progress_field(): fields } });
        let place = Place::of(ROLLOUT.0, ROLLOUT.1);
        let answer = self
            .user
            .patch(place, ROLLOUT_NAME, "/status", MERGE, &body)
            .await;
        if !(is_gone(&answer) || is_invalid(&answer) && self.progress().is_null()) {
            answer.unwrap();
        }
    }

    pub(super) async fn jump(&self, step: i64) {
        self.progress_to(json!({ "nextStepIndex": step })).await;
    }

    /// Leaves the step, done or not, for the last one, as `approve --to LAST --force` does.
    pub(super) async fn skip_to_the_end(&self) {
        let steps = self.steps();
        let last = i32::try_from(steps.as_array().map_or(0, Vec::len)).unwrap();
        if let Ok(Jump::Send { patch, .. }) = jump::past(&self.rollout(), &release::Guard::default(), last) {
            let progress = &patch["status"][self.progress_field()];
            self.progress_to(progress.clone()).await;
        }
    }

    pub(super) async fn spec(&self, spec: Value) {
        let body = json!({ "spec": spec });
        let place = Place::of(ROLLOUT.0, ROLLOUT.1);
        let answer = self.user.patch(place, ROLLOUT_NAME, "", MERGE, &body).await;
        if !is_gone(&answer) {
            answer.unwrap();
        }
    }

    /// Changes fields of the strategy, whichever it is.
    pub(super) async fn strategy(&self, fields: Value) {
        let field = match self.setup.shape.style {
            RollingStyle::BlueGreen => "blueGreen",
            _ => "canary",
        };
        self.spec(json!({ "strategy": { field: fields } })).await;
    }

    /// The plan as it is now.
    pub(super) fn steps(&self) -> Value {
        let mut strategy = self.rollout()["spec"]["strategy"].take();
        let field = if strategy["blueGreen"].is_object() {
            "blueGreen"
        } else {
            "canary"
        };
        strategy[field]["steps"].take()
    }

    pub(super) async fn delete(&self, kind: (&'static str, &'static str), name: &str) {
        match self.user.delete(Place::of(kind.0, kind.1), name).await {
            // An engine was faster.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            answer => {
                answer.unwrap();
            }
        }
    }

    /// The writes that an engine sent, Leases left out.
    pub(super) fn writes_of(&self, identity: &str) -> usize {
        let trace = self.sim.trace();
        trace
            .iter()
            .filter(|write| write.user_agent.starts_with(identity) && !write.path.contains("/leases"))
            .count()
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
                Event::Unreadable { resource, error } => format!("        cannot read {resource}: {error}"),
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

    /// From now on nobody looks at workloads and pods.
    pub(super) fn stop_controllers(&mut self) {
        self.controllers = None;
    }
}
