//! An application with a gateway, users and an engine, and what is measured of them.

use std::{
    fmt::{self, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};

use super::{
    diary::Diary,
    gateway::{Gateway, Program},
    kubelet::{Kubelet, NODE},
    load::{HOST, Load, Who, served},
    pod::PORT,
};
use crate::{
    harness::cluster::{Cluster, Place},
    live::{
        control_plane::{User, shared},
        routes,
    },
};

const MERGE: &str = "application/merge-patch+json";

/// Requests in a sample.
const SAMPLE: usize = 1200;

/// The grace period of every Rollout here, which is the one that a Rollout has when it says nothing.
const GRACE: Duration = Duration::from_secs(3);

/// How long pods serve on, in seconds, after they were told to go.
const PRE_STOP: u64 = 8;

/// Nothing here takes as long, even when everything else of the suite runs beside it.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) struct Stage {
    name: String,
    program: Program,
    cluster: Cluster,
    diary: Diary,
    load: Load,
    gateway: Arc<Gateway>,
    engine: Child,
    rows: Vec<Row>,
    _kubelet: Kubelet,
}

/// What a sample came to.
struct Row {
    at: String,
    who: Who,
    wanted: u32,
    seen: usize,
    of: usize,
    deviations: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            who,
            wanted,
            seen,
            of,
            deviations,
        } = self;
        let who = format!("{who:?}");
        write!(
            f,
            "{at:32} {who:9} {wanted:4} % wanted, {seen:5} of {of} seen, {deviations:+.2} sd"
        )
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.engine.kill();
        let _ = self.engine.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            println!(
                "{}\n{}\nengine:\n{log}\ngateway:\n{}",
                self.diary,
                self.figures(),
                self.gateway.story()
            );
        }
    }
}

impl Stage {
    /// Version v1 of `web` in a namespace of its own, at rest, with its users asking.
    pub(super) async fn set(
        name: &str,
        program: Program,
        users: &'static [Who],
        replicas: u32,
        strategy: Value,
    ) -> Self {
        let diary = Diary::new();
        let cluster = shared().namespace(name, true).await;
        if matches!(program, Program::HaProxy) {
            routes::install().await;
        }
        let kubelet = Kubelet::start(cluster.client.clone(), name, diary.clone()).await;
        let gateway = Arc::new(Gateway::start(program, &cluster, &diary).await);
        for object in application(name, program, replicas) {
            cluster.create(&object).await.unwrap();
        }
        cluster.create(&rollout(program, strategy)).await.unwrap();
        let log = std::fs::File::create(shared().folder().join(format!("engine-{name}.log"))).unwrap();
        let engine = command(name, &["run", "--all", "--forever"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let address = gateway.address;
        let mut stage = Self {
            name: name.to_owned(),
            program,
            cluster,
            // The users begin once the first pods are known to the proxy.
            load: Load::start(address, &[], diary.clone()),
            diary,
            gateway,
            engine,
            rows: Vec::new(),
            _kubelet: kubelet,
        };
        stage.ready(replicas).await;
        stage.healthy().await;
        stage.gateway.settled().await;
        let first = *users.first().expect("somebody asks");
        let answered = tokio::time::timeout(LIMIT, served(address, first)).await;
        assert!(answered.is_ok(), "{name}: no answers within {LIMIT:?}");
        stage.load = Load::start(address, users, stage.diary.clone());
        stage
    }

    fn log(&self) -> std::path::PathBuf {
        shared().folder().join(format!("engine-{}.log", self.name))
    }

    /// Waits until an object is so.
    async fn until(&self, what: &str, kind: &str, is: impl Fn(&Value) -> bool) {
        let clock = Clock::wall();
        let holds = async {
            loop {
                let object = self.cluster.get(Place::named(kind), "web").await.unwrap();
                if object.as_ref().is_some_and(&is) {
                    return;
                }
                clock.sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, holds).await;
        assert!(waited.is_ok(), "{}: {what}: not within {LIMIT:?}", self.name);
        self.diary.note(format!("seen: {what}"));
    }

    pub(super) async fn ready(&self, replicas: u32) {
        let what = format!("{replicas} pods of the stable version are ready");
        let is = |object: &Value| {
            let status = &object["status"];
            status["observedGeneration"] == object["metadata"]["generation"]
                && status["readyReplicas"] == replicas
        };
        self.until(&what, "deployment", is).await;
    }

    /// Waits until the release is over and everything at rest.
    pub(super) async fn healthy(&self) {
        let is = |object: &Value| object["status"]["phase"] == "Healthy";
        self.until("the Rollout is at rest", "rollout", is).await;
    }

    /// Waits for the pause of a step.
    pub(super) async fn paused(&self, step: u32) {
        let is = |object: &Value| {
            ["canaryStatus", "blueGreenStatus"].iter().any(|style| {
                let status = &object["status"][style];
                status["currentStepIndex"] == step && status["currentStepState"] == "StepPaused"
            })
        };
        self.until(&format!("step {step} is paused"), "rollout", is).await;
    }

    /// Runs `kubectl-kruise rollout ARGS`, as a person would.
    async fn kruise(&self, arguments: &[&str]) {
        let mut command = command(&self.name, arguments);
        self.diary.note(format!("rollout {}", arguments.join(" ")));
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {arguments:?}: {output:?}",
            self.name
        );
    }

    pub(super) async fn release(&self, version: &str) {
        self.kruise(&["set", "image", "web", &format!("main=web:{version}"), "--yes"])
            .await;
    }

    /// Deletes the Rollout in whatever state it is, and waits until the engine let go of it.
    pub(super) async fn delete_rollout(&self) {
        self.diary.note("delete the Rollout");
        let place = Place::named("rollout");
        self.cluster.delete(place, "web").await.unwrap();
        let gone = async {
            while self.cluster.get(place, "web").await.unwrap().is_some() {
                Clock::wall().sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(LIMIT, gone).await;
        assert!(
            waited.is_ok(),
            "{}: the Rollout is not gone within {LIMIT:?}",
            self.name
        );
    }

    pub(super) async fn approve(&self) {
        self.kruise(&["approve", "web", "--yes"]).await;
    }

    /// Takes a version back, and waits until everything is at rest. Once no route leads to it, nobody gets it any more.
    pub(super) async fn rollback(&self, version: &str) {
        let from = self.gateway.settled().await;
        self.kruise(&["rollback", "web", "--yes"]).await;
        self.healthy().await;
        let taken_out = self
            .gateway
            .first(from, |table| table.reached().into_iter().eq(["web-80"]));
        let taken_out = taken_out.unwrap_or_else(|| panic!("{}: a route leads to {version}", self.name));
        let answered = self.load.answered(version, taken_out);
        assert_eq!(
            answered, 0,
            "{}: answers of {version} after it was taken out",
            self.name
        );
    }

    /// Approves and waits until everything is at rest. Once all requests go to the new version, nobody gets the old one.
    pub(super) async fn complete(&self, old: &str) {
        let from = self.gateway.settled().await;
        self.approve().await;
        self.healthy().await;
        self.gateway.settled().await;
        let all = self
            .gateway
            .first(from, |table| table.reached().into_iter().eq(["web-canary-80"]));
        let answered = all.map_or(0, |all| self.load.answered(old, all));
        assert_eq!(
            answered, 0,
            "{}: answers of {old} after all requests went to the new one",
            self.name
        );
    }

    /// Scales the Deployment and waits for the pods of its own.
    pub(super) async fn scale(&self, replicas: u32, of_stable: u32) {
        self.diary.note(format!("scale to {replicas}"));
        let patch = json!({ "spec": { "replicas": replicas } });
        let place = Place::named("deployment");
        self.cluster.patch(place, "web", "", MERGE, &patch).await.unwrap();
        self.ready(of_stable).await;
    }

    /// Which percentage of each user's requests `version` answers now: exactly 0 or 100, or as near as dice fall. A sample
    /// more than 3 standard deviations off is taken once more: one in 370 honest ones is.
    pub(super) async fn share(&mut self, at: &str, version: &str, wanted: &[(Who, u32)]) {
        let mut left: Vec<(Who, u32)> = wanted.to_vec();
        let of = SAMPLE / wanted.len();
        for attempt in 1..=2 {
            let sample = async {
                let generation = self.gateway.settled().await;
                self.load.sample(generation, of).await
            };
            let sample = tokio::time::timeout(LIMIT, sample).await;
            let sample = sample.unwrap_or_else(|_| panic!("{}: {at}: too few answers", self.name));
            let mut off = Vec::new();
            for (who, percent) in left {
                let seen = sample[&who].get(version).copied().unwrap_or(0);
                let deviations = deviations(seen, of, percent);
                if deviations.abs() > 3.0 {
                    off.push((who, percent));
                    self.diary
                        .note(format!("{at}, {who:?}, {percent} % wanted: {sample:?}"));
                }
                if deviations.abs() <= 3.0 || attempt == 2 {
                    let at = at.to_owned();
                    self.rows.push(Row {
                        at,
                        who,
                        wanted: percent,
                        seen,
                        of,
                        deviations,
                    });
                }
            }
            left = off;
            if left.is_empty() {
                return;
            }
        }
        panic!("{}: {at}: not the wanted share of {version}: {left:?}", self.name);
    }

    fn figures(&self) -> String {
        let (sent, failed) = self.load.count();
        let mut text = format!(
            "{}, {:?}: {sent} requests, {failed} failed\n",
            self.name, self.program
        );
        for row in &self.rows {
            writeln!(text, "    {row}").unwrap();
        }
        text
    }

    /// Tells the figures. No request may have failed; whether that can be said: not when the proxy, on a machine that has too
    /// much to do, was later than the grace it was given.
    pub(super) async fn end(self) -> bool {
        self.gateway.settled().await;
        println!("{}", self.figures());
        let failed = self.load.count().1;
        let slowest = self.gateway.slowest();
        let was_in_time = failed == 0 || slowest < GRACE;
        if !was_in_time {
            println!(
                "{}: {failed} requests failed, but the proxy once took {slowest:?}",
                self.name
            );
        }
        assert!(
            failed == 0 || !was_in_time,
            "{}: {failed} requests failed",
            self.name
        );
        self.cluster.delete_namespace().await;
        was_in_time
    }
}

/// How many standard deviations a sample is off; infinitely many when 0 or 100 percent are not exact.
fn deviations(seen: usize, of: usize, percent: u32) -> f64 {
    let number = |count: usize| f64::from(u32::try_from(count).unwrap());
    let (seen, of, share) = (number(seen), number(of), f64::from(percent) / 100.0);
    let off = seen - of * share;
    if off == 0.0 {
        return 0.0;
    }
    off / (of * share * (1.0 - share)).sqrt()
}

fn command(namespace: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
    command
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", shared().kubeconfig(User::Admin, namespace))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// A Deployment as it must be to be restarted without a failed request, release or none: its pods serve on for as long as
/// a gateway may need to hear that they stop.
fn application(node: &str, program: Program, replicas: u32) -> Vec<Value> {
    let labels = json!({ "app": "web" });
    let metadata = json!({ "name": "web" });
    let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
    let route = match program {
        Program::Nginx => json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
            "spec": { "ingressClassName": "nginx", "rules": [{ "host": HOST, "http": {
                "paths": [{ "path": "/shop", "pathType": "Prefix", "backend": backend }] } }] },
        }),
        Program::HaProxy => json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": metadata,
            "spec": { "parentRefs": [{ "name": "gateway" }], "hostnames": [HOST], "rules": [{
                "matches": [{ "path": { "type": "PathPrefix", "value": "/shop" } }],
                "backendRefs": [{ "name": "web", "port": 80 }] }] },
        }),
    };
    vec![
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "replicas": replicas, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": {
                "nodeSelector": { (NODE): node },
                "tolerations": [{ "key": NODE, "operator": "Equal", "value": node, "effect": "NoSchedule" }],
                "terminationGracePeriodSeconds": PRE_STOP + 20,
                "containers": [{
                    "name": "main", "image": "web:v1", "ports": [{ "containerPort": PORT }],
                    "lifecycle": { "preStop": { "sleep": { "seconds": PRE_STOP } } },
                }],
            } },
        } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": labels, "ports": [{ "name": "http", "port": 80, "targetPort": PORT }] } }),
        route,
    ]
}

/// Its Rollout.
fn rollout(program: Program, mut strategy: Value) -> Value {
    let mut routing = json!({ "service": "web", "gracePeriodSeconds": GRACE.as_secs() });
    match program {
        Program::Nginx => routing["ingress"] = json!({ "name": "web", "classType": "nginx" }),
        Program::HaProxy => routing["gateway"] = json!({ "httpRouteName": "web" }),
    }
    for (_, style) in strategy.as_object_mut().unwrap() {
        style["trafficRoutings"] = json!([routing]);
    }
    json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": strategy },
    })
}
