//! Releases on a real control plane: how long the engine takes to the first pause, and what that costs.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::future::join_all;
use http::Method;
use kube::Client;
use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};

use super::{
    audit,
    control_plane::{ControlPlane, install, namespace, send},
    scale,
};
use crate::line;

/// Canaries that are released at once.
const MANY: usize = 100;

pub(crate) fn print(executable: &Path) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    let plane = ControlPlane::start(&folder, 3);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = plane.client().await;
        install(&client).await;
        one(&plane, &client, executable).await;
        many(&plane, &client, executable).await;
        scale::real(&plane, &client, executable).await;
    });
}

/// The executable, driving Rollouts for ever.
pub(super) struct Engine(Child);

impl Engine {
    fn start(executable: &Path, plane: &ControlPlane, namespace: &str) -> Self {
        Self::with(executable, &plane.kubeconfig(), &["--all", "-n", namespace])
    }

    /// Starts it with a kubeconfig and more arguments.
    pub(super) fn with(executable: &Path, kubeconfig: &Path, arguments: &[&str]) -> Self {
        let child = Command::new(executable)
            .args(["rollout", "run", "--forever"])
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("the engine starts"))
    }

    /// CPU seconds so far.
    pub(super) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        let fields: Vec<f64> = stat
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / 100.0
    }

    /// The most memory it had, in MiB.
    pub(super) fn peak(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) async fn create(client: &Client, place: &str, namespace: &str, plural: &str, object: &Value) {
    let path = format!("{place}/namespaces/{namespace}/{plural}");
    send(client, Method::POST, &path, "application/json", object)
        .await
        .expect("created");
}

async fn application(client: &Client, namespace: &str, name: &str, replicas: i32, grace: i32) {
    let labels = json!({ "app": name });
    let metadata = json!({ "name": name });
    let path = json!({ "path": "/", "pathType": "Prefix",
        "backend": { "service": { "name": name, "port": { "number": 80 } } } });
    let deployment = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
        "replicas": replicas, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
        "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } });
    let ingress = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {
        "ingressClassName": "nginx", "rules": [{ "host": format!("{name}.example.com"), "http": { "paths": [path] } }] } });
    let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
        "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
        "strategy": { "canary": { "enableExtraWorkloadForCanary": true,
            "steps": [{ "replicas": 1, "traffic": "20%", "pause": {} }, { "replicas": "100%", "traffic": "100%", "pause": {} }],
            "trafficRoutings": [{ "service": name, "gracePeriodSeconds": grace, "ingress": { "name": name, "classType": "nginx" } }] } } } });
    create(client, "/apis/apps/v1", namespace, "deployments", &deployment).await;
    create(client, "/api/v1", namespace, "services", &service).await;
    create(
        client,
        "/apis/networking.k8s.io/v1",
        namespace,
        "ingresses",
        &ingress,
    )
    .await;
    create(
        client,
        "/apis/rollouts.kruise.io/v1beta1",
        namespace,
        "rollouts",
        &rollout,
    )
    .await;
}

async fn list(client: &Client, path: &str) -> Vec<Value> {
    let list = send(client, Method::GET, path, "application/json", &Value::Null)
        .await
        .expect("a list");
    list["items"].as_array().cloned().unwrap_or_default()
}

/// Waits until all objects of a list are so.
pub(super) async fn until(client: &Client, path: &str, holds: impl Fn(&Value) -> bool) {
    let clock = Clock::wall();
    loop {
        let objects = list(client, path).await;
        if !objects.is_empty() && objects.iter().all(&holds) {
            return;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
}

/// From the new image to the first pause of all applications, which are at rest; the span and the writes of the engine.
async fn first_pause(plane: &ControlPlane, client: &Client, namespace: &str) -> (Duration, usize) {
    let deployments = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    let rollouts = format!("/apis/rollouts.kruise.io/v1beta1/namespaces/{namespace}/rollouts");
    until(client, &deployments, |object| {
        object["status"]["readyReplicas"] == object["spec"]["replicas"]
    })
    .await;
    until(client, &rollouts, |object| object["status"]["phase"] == "Healthy").await;
    let before = written(plane, namespace);
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "web:v2" }] } } } });
    let names: Vec<Value> = list(client, &rollouts)
        .await
        .iter()
        .map(|object| object["metadata"]["name"].clone())
        .collect();
    let clock = Clock::wall();
    let start = clock.now();
    let changes = names.iter().map(|name| {
        let path = format!("{deployments}/{}", name.as_str().unwrap_or_default());
        let image = &image;
        async move {
            send(
                client,
                Method::PATCH,
                &path,
                "application/strategic-merge-patch+json",
                image,
            )
            .await
            .map(drop)
        }
    });
    for change in join_all(changes).await {
        change.expect("the new image is taken");
    }
    until(client, &rollouts, |object| {
        object["status"]["canaryStatus"]["currentStepState"] == "StepPaused"
    })
    .await;
    let took = Duration::try_from(clock.now().duration_since(start)).unwrap_or_default();
    (took, written(plane, namespace) - before)
}

pub(super) fn written(plane: &ControlPlane, namespace: &str) -> usize {
    let counts = audit::writes(plane, namespace);
    counts
        .into_iter()
        // Deletions name no field manager.
        .filter(|(writer, _)| writer.starts_with("kubectl-kruise/"))
        .map(|(_, count)| count)
        .sum()
}

async fn one(plane: &ControlPlane, client: &Client, executable: &Path) {
    namespace(client, "one").await;
    application(client, "one", "web", 5, 3).await;
    let _engine = Engine::start(executable, plane, "one");
    let (took, writes) = first_pause(plane, client, "one").await;
    // The pods are ready within a second here, so the first grace is what is waited for.
    line(
        "template change -> first pause, grace 3 s",
        &format!("{:.1} s", took.as_secs_f64()),
        "<= 6.5 s (upstream 24 s)",
    );
    line(
        "  writes of the engine",
        &writes.to_string(),
        "<= 12 (upstream 35)",
    );
}

async fn many(plane: &ControlPlane, client: &Client, executable: &Path) {
    namespace(client, "many").await;
    for number in 0..MANY {
        application(client, "many", &format!("web-{number}"), 2, 1).await;
    }
    let engine = Engine::start(executable, plane, "many");
    let deployments = "/apis/apps/v1/namespaces/many/deployments";
    until(client, deployments, |object| {
        object["status"]["readyReplicas"] == 2
    })
    .await;
    until(
        client,
        "/apis/rollouts.kruise.io/v1beta1/namespaces/many/rollouts",
        |object| object["status"]["phase"] == "Healthy",
    )
    .await;
    let begun = engine.cpu();
    let (took, writes) = first_pause(plane, client, "many").await;
    line(
        "100 canaries at once to the first pause, grace 1 s",
        &format!("{:.1} s", took.as_secs_f64()),
        "<= 12 s (upstream 74.5 s)",
    );
    line(
        "  CPU of the engine",
        &format!("{:.2} s", engine.cpu() - begun),
        "<= 3 s (upstream 10.6 s)",
    );
    line(
        "  peak memory of the engine",
        &format!("{:.0} MiB", engine.peak()),
        "<= 40 MiB (upstream 87 MiB)",
    );
    line(
        "  writes per Rollout",
        &format!("{:.1}", writes as f64 / MANY as f64),
        "<= 12 (upstream 35)",
    );
}
