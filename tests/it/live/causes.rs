//! Causes on a real control plane: every one that fake kubelets can show, all at once, and the first one named is right.

use std::process::{Child, Command, Output, Stdio};

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};

use super::{
    control_plane::{User, shared},
    workload::MERGE,
};
use crate::harness::cluster::{Cluster, Place};

const JSON: &str = "application/json";

/// How long the right cause may take to be the first one named.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Spoilt {
    /// Nothing but the image.
    Image(&'static str),
    /// No node has the label that the new version asks for.
    Node,
    /// A quota has no room for one pod more.
    Quota,
    /// A policy denies pods of the new version.
    Admission,
    /// The namespace takes only pods that are more restricted.
    Security,
    /// The Service is deleted.
    Service,
    /// Nobody runs an engine.
    Engine,
}

/// The namespace's name, what goes wrong, and the cause.
const CASES: [(&str, Spoilt, &str); 10] = [
    ("causes-crash", Spoilt::Image("web:v2-crash"), "CrashLoop"),
    ("causes-missing", Spoilt::Image("web:v2-missing"), "ImagePull"),
    (
        "causes-stuck",
        Spoilt::Image("web:v2-stuck"),
        "ContainersNotStarted",
    ),
    ("causes-waiting", Spoilt::Image("web:v2"), "WaitingApproval"),
    ("causes-node", Spoilt::Node, "Unschedulable"),
    ("causes-quota", Spoilt::Quota, "QuotaExceeded"),
    ("causes-admission", Spoilt::Admission, "AdmissionDenied"),
    ("causes-security", Spoilt::Security, "PodSecurity"),
    ("causes-service", Spoilt::Service, "TrafficObjectMissing"),
    ("causes-engine", Spoilt::Engine, "ControllerAbsent"),
];

fn command(namespace: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
    command
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", shared().kubeconfig(User::Admin, namespace))
        .env("NO_COLOR", "1");
    command
}

/// An engine that runs until it is dropped.
struct Engine(Child);

impl Engine {
    fn start(namespace: &str) -> Self {
        let mut run = command(namespace, &["run", "web"]);
        run.stdout(Stdio::null()).stderr(Stdio::null());
        Self(run.spawn().unwrap())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // It may have ended by itself, at a pause.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn kruise(namespace: &str, arguments: &[&str]) -> Output {
    let mut command = command(namespace, arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

pub(super) fn objects() -> Vec<Value> {
    let labels = json!({ "app": "web" });
    vec![
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": {
            "replicas": 2, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
            "spec": { "selector": labels, "ports": [{ "port": 80 }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web" }, "spec": {
            "ingressClassName": "nginx", "rules": [{ "host": "web.example.com", "http": { "paths": [{ "path": "/", "pathType": "Prefix",
                "backend": { "service": { "name": "web", "port": { "number": 80 } } } }] } }] } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" }, "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "enableExtraWorkloadForCanary": true,
                "steps": [{ "replicas": 1, "traffic": "20%", "pause": {} }, { "replicas": "100%", "traffic": "100%" }],
                "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web", "classType": "nginx" } }] } } } }),
    ]
}

/// Waits until something holds on the server.
async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let clock = kubectl_kruise::clock::Clock::wall();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        clock.sleep(std::time::Duration::from_millis(200)).await;
    }
}

async fn spoil(cluster: &Cluster, spoilt: Spoilt) {
    let namespace = &cluster.namespace;
    let deployments = Place::named("deployment");
    let template = async |patch: Value| {
        let patch = json!({ "spec": { "template": { "spec": patch } } });
        cluster
            .patch(deployments, "web", "", MERGE, &patch)
            .await
            .unwrap();
    };
    match spoilt {
        Spoilt::Image(_) | Spoilt::Engine => {}
        Spoilt::Node => template(json!({ "nodeSelector": { "disk": "none-such" } })).await,
        Spoilt::Quota => {
            let path = format!("/api/v1/namespaces/{namespace}/resourcequotas");
            let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "compute" },
                "spec": { "hard": { "pods": "2" } } });
            cluster.send(Method::POST, &path, JSON, &quota).await.unwrap();
            until(async || {
                let now = cluster
                    .send(Method::GET, &format!("{path}/compute"), JSON, &Value::Null)
                    .await
                    .unwrap();
                (now["status"]["used"]["pods"] == "2").then_some(())
            })
            .await;
        }
        Spoilt::Admission => {
            let group = "/apis/admissionregistration.k8s.io/v1";
            let policy = json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": { "name": "causes-no-v2" }, "spec": { "failurePolicy": "Fail",
                "matchConstraints": { "resourceRules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }] },
                "validations": [{ "expression": "!object.spec.containers[0].image.contains(':v2')", "message": "v2 is not allowed here" }] } });
            let binding = json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": { "name": "causes-no-v2" }, "spec": { "policyName": "causes-no-v2", "validationActions": ["Deny"],
                "matchResources": { "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } } } });
            let policies = format!("{group}/validatingadmissionpolicies");
            cluster
                .send(Method::POST, &policies, JSON, &policy)
                .await
                .unwrap();
            let bindings = format!("{group}/validatingadmissionpolicybindings");
            cluster
                .send(Method::POST, &bindings, JSON, &binding)
                .await
                .unwrap();
            // In force some moments later.
            let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "probe" },
                "spec": { "containers": [{ "name": "main", "image": "probe:v2" }] } });
            let pods = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
            until(async || cluster.send(Method::POST, &pods, JSON, &pod).await.err()).await;
        }
        Spoilt::Security => {
            let label =
                json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
            let path = format!("/api/v1/namespaces/{namespace}");
            cluster.send(Method::PATCH, &path, MERGE, &label).await.unwrap();
        }
        Spoilt::Service => drop(cluster.delete(Place::named("service"), "web").await.unwrap()),
    }
}

/// Brings one application into trouble; the causes named, and what was said.
///
/// What is on its way there (pods not yet tried, an engine just gone) is rightly told first, so the right cause is given
/// time to come: the controllers' and kubelets' own, which is long on a busy machine.
async fn named(namespace: &str, spoilt: Spoilt, right: &str) -> (Vec<String>, String) {
    let cluster = shared().namespace(namespace, true).await;
    for object in objects() {
        cluster.create(&object).await.unwrap();
    }
    let began = kruise(namespace, &["run", "web", "--timeout", "120s"]).await;
    assert!(began.status.success(), "{namespace}: {began:?}");
    spoil(&cluster, spoilt).await;
    let image = match spoilt {
        Spoilt::Image(image) => image,
        _ => "web:v2",
    };
    let set = kruise(
        namespace,
        &["set", "image", "deploy/web", &format!("main={image}")],
    )
    .await;
    assert!(set.status.success(), "{namespace}: {set:?}");
    let engine = (spoilt != Spoilt::Engine).then(|| Engine::start(namespace));
    let mut ids = Vec::new();
    let named = until(async || {
        let said = kruise(namespace, &["explain", "web", "-o", "json"]).await;
        let document: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        let causes = document["causes"].as_array().into_iter().flatten();
        ids = causes
            .map(|cause| cause["id"].as_str().unwrap_or_default().to_owned())
            .collect();
        (ids.first().map(String::as_str) == Some(right)).then_some(())
    });
    drop(tokio::time::timeout(PATIENCE, named).await);
    let told = kruise(namespace, &["explain", "web"]).await;
    drop(engine);
    cluster.delete_namespace().await;
    (ids, String::from_utf8_lossy(&told.stdout).into_owned())
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_the_first_cause_named_is_the_right_one() {
    let runs = join_all(CASES.map(async |(namespace, spoilt, id)| (id, named(namespace, spoilt, id).await)));
    let mut wrong = Vec::new();
    for (id, (ids, said)) in runs.await {
        println!("{id}: {ids:?}\n{said}");
        if ids.first().map(String::as_str) != Some(id) {
            wrong.push(format!("{id}: {ids:?}\n{said}"));
        }
    }
    let cluster = Cluster {
        client: shared().client(User::Admin, "tests").await,
        namespace: String::new(),
    };
    for plural in ["validatingadmissionpolicies", "validatingadmissionpolicybindings"] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/causes-no-v2");
        cluster
            .send(Method::DELETE, &path, JSON, &Value::Null)
            .await
            .unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
