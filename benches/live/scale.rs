//! One engine for many Rollouts of every native kind and style: time to the first pause of all, and what that costs.

use std::{path::Path, time::Duration};

use futures::{StreamExt as _, stream};
use http::Method;
use kube::Client;
use kubectl_kruise::{
    clock::Clock,
    sim::{Options, Sim},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    control_plane::{ControlPlane, namespace, send},
    releases::{Engine, create, until, written},
};
use crate::line;

/// Rollouts on the simulated API server.
const SIMULATED: usize = 1000;
/// Rollouts on the real one.
const REAL: usize = 200;
/// Requests of the users that are under way at once.
const USERS: usize = 50;
/// Where the Rollouts are.
const NAMESPACE: &str = "scale";

/// What is released, in turn.
#[derive(Clone, Copy)]
enum Style {
    Canary,
    Partition,
    BlueGreen,
    StatefulSet,
    DaemonSet,
}

impl Style {
    fn of(number: usize) -> Self {
        [
            Self::Canary,
            Self::Partition,
            Self::BlueGreen,
            Self::StatefulSet,
            Self::DaemonSet,
        ][number % 5]
    }

    /// Kind and plural of the workload.
    fn workload(self) -> (&'static str, &'static str) {
        match self {
            Self::Canary | Self::Partition | Self::BlueGreen => ("Deployment", "deployments"),
            Self::StatefulSet => ("StatefulSet", "statefulsets"),
            Self::DaemonSet => ("DaemonSet", "daemonsets"),
        }
    }

    fn strategy(self, name: &str) -> Value {
        let routing = json!([{ "service": name, "gracePeriodSeconds": 1, "ingress": { "name": name, "classType": "nginx" } }]);
        let steps = json!([{ "replicas": 1, "traffic": "20%", "pause": {} }, { "replicas": "100%", "traffic": "100%", "pause": {} }]);
        let plain = json!([{ "replicas": 1, "pause": {} }, { "replicas": "100%", "pause": {} }]);
        match self {
            Self::Canary => {
                json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": steps, "trafficRoutings": routing } })
            }
            // Upstream takes no traffic for a step of more than half of the pods here.
            Self::Partition => json!({ "canary": { "trafficRoutings": routing, "steps": [
                { "replicas": "50%", "traffic": "20%", "pause": {} }, { "replicas": "100%", "pause": {} }] } }),
            Self::BlueGreen => json!({ "blueGreen": { "trafficRoutings": routing, "steps": [
                { "replicas": "100%", "traffic": "20%", "pause": {} }, { "replicas": "100%", "traffic": "100%", "pause": {} }] } }),
            Self::StatefulSet | Self::DaemonSet => json!({ "canary": { "steps": plain } }),
        }
    }
}

fn name(number: usize) -> String {
    format!("web-{number}")
}

/// Where it goes, its plural, and the object.
fn objects(number: usize) -> Vec<(&'static str, &'static str, Value)> {
    let (style, name) = (Style::of(number), name(number));
    let (kind, plural) = style.workload();
    let labels = json!({ "app": name });
    let metadata = json!({ "name": name });
    let mut workload = json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {
        "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } });
    if !matches!(style, Style::DaemonSet) {
        workload["spec"]["replicas"] = 2.into();
    }
    if matches!(style, Style::StatefulSet) {
        workload["spec"]["serviceName"] = name.as_str().into();
    }
    let path = json!({ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": name, "port": { "number": 80 } } } });
    vec![
        ("/apis/apps/v1", plural, workload),
        (
            "/api/v1",
            "services",
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
        ),
        (
            "/apis/networking.k8s.io/v1",
            "ingresses",
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {
                "ingressClassName": "nginx", "rules": [{ "host": format!("{name}.example.com"), "http": { "paths": [path] } }] } }),
        ),
        (
            "/apis/rollouts.kruise.io/v1beta1",
            "rollouts",
            json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": kind, "name": name }, "strategy": style.strategy(&name) } }),
        ),
    ]
}

/// What the engine's way to the first pause cost.
struct Cost {
    took: Duration,
    cpu: f64,
    peak: f64,
    writes: usize,
}

/// Makes all applications, lets them come to rest, then gives all a new image.
async fn first_pause(client: &Client, engine: &Engine, count: usize, written: impl Fn() -> usize) -> Cost {
    let made = stream::iter(0..count).for_each_concurrent(USERS, |number| async move {
        for (place, plural, object) in objects(number) {
            create(client, place, NAMESPACE, plural, &object).await;
        }
    });
    made.await;
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let rollouts = format!("/apis/rollouts.kruise.io/v1beta1/namespaces/{NAMESPACE}/rollouts");
    until(client, &rollouts, |object| object["status"]["phase"] == "Healthy").await;
    until(client, &pods, |pod| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    })
    .await;
    let (cpu, writes, clock) = (engine.cpu(), written(), Clock::wall());
    let start = clock.now();
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "web:v2" }] } } } });
    let image = &image;
    let changed = stream::iter(0..count).for_each_concurrent(USERS, |number| async move {
        let (_, plural) = Style::of(number).workload();
        let path = format!("/apis/apps/v1/namespaces/{NAMESPACE}/{plural}/{}", name(number));
        let content = "application/strategic-merge-patch+json";
        send(client, Method::PATCH, &path, content, image)
            .await
            .expect("the new image is taken");
    });
    changed.await;
    until(client, &rollouts, |object| {
        ["canaryStatus", "blueGreenStatus"]
            .iter()
            .any(|sub| object["status"][sub]["currentStepState"] == "StepPaused")
    })
    .await;
    Cost {
        took: Duration::try_from(clock.now().duration_since(start)).unwrap_or_default(),
        cpu: engine.cpu() - cpu,
        peak: engine.peak(),
        writes: written() - writes,
    }
}

fn print(count: usize, server: &str, cost: &Cost) {
    line(
        &format!("{count} of every kind, {server}, to the first pause"),
        &format!("{:.1} s", cost.took.as_secs_f64()),
        "(upstream, 100 canaries: 74.5 s)",
    );
    line(
        "  CPU of the engine",
        &format!("{:.2} s", cost.cpu),
        &format!("{:.1} ms each (upstream 106 ms)", cost.cpu * 1e3 / count as f64),
    );
    line(
        "  peak memory of the engine",
        &format!("{:.0} MiB", cost.peak),
        &format!(
            "{:.0} KiB each (upstream 87 MiB for 100)",
            cost.peak * 1024.0 / count as f64
        ),
    );
    line(
        "  writes per Rollout",
        &format!("{:.1}", cost.writes as f64 / count as f64),
        "(upstream 35)",
    );
}

/// On the simulated API server, over loopback.
pub(crate) fn simulated(executable: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let cost = runtime.block_on(async {
        let sim = Sim::new(Options {
            hold: true,
            log_limit: 100_000,
            ..Options::new(Clock::wall())
        });
        let _controllers = sim.start();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        let served = sim.clone();
        tokio::spawn(async move { served.serve(listener).await });
        let client = sim.client();
        namespace(&client, NAMESPACE).await;
        let engine = Engine::with(executable, Path::new("/dev/null"), &["-A", "--server", &server]);
        let written = || {
            let trace = sim.trace();
            let ours = trace
                .iter()
                .filter(|write| write.user_agent.starts_with("kubectl-kruise/"));
            ours.filter(|write| !write.path.contains("/leases") && !write.path.contains("/events"))
                .count()
        };
        first_pause(&client, &engine, SIMULATED, written).await
    });
    runtime.shutdown_background();
    print(SIMULATED, "simulated server", &cost);
}

/// On a real control plane that nobody else uses.
pub(super) async fn real(plane: &ControlPlane, client: &Client, executable: &Path) {
    namespace(client, NAMESPACE).await;
    let engine = Engine::with(executable, &plane.kubeconfig(), &["-A"]);
    let cost = first_pause(client, &engine, REAL, || written(plane, NAMESPACE)).await;
    print(REAL, "real control plane", &cost);
}
