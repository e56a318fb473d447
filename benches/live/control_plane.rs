//! The project's own control plane, started for the benchmark.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use http::Method;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use kubectl_kruise::manifests;
use serde_json::{Value, json};

/// A running control plane; it stops when this is dropped.
pub(crate) struct ControlPlane {
    folder: PathBuf,
    child: Child,
    tether: Option<ChildStdin>,
}

impl ControlPlane {
    /// Starts it in a folder that does not exist, with so many nodes.
    pub(crate) fn start(folder: &Path, nodes: usize) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/control-plane/up");
        let mut child = Command::new(script)
            .arg(folder)
            .arg(nodes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the control plane starts");
        let tether = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut line)
            .expect("its kubeconfig");
        assert!(!line.trim().is_empty(), "the control plane did not start");
        Self {
            folder: folder.to_owned(),
            child,
            tether,
        }
    }

    /// Where the audit log is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// The administrator.
    pub(crate) async fn client(&self) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.kubeconfig()).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        Client::try_from(config.expect("a usable kubeconfig")).expect("a client")
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.tether.take());
        // It stops by itself once nobody holds its input.
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Sends one request with a JSON body.
pub(crate) async fn send(
    client: &Client,
    method: Method,
    path: &str,
    content: &str,
    body: &Value,
) -> kube::Result<Value> {
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content)
        .body(bytes);
    client.request(request.expect("a request")).await
}

/// Our definitions and the hold policy.
pub(crate) async fn install(client: &Client) {
    let places = manifests::crds()
        .into_iter()
        .map(|object| ("apiextensions.k8s.io/v1/customresourcedefinitions", object));
    let policy = manifests::policy().into_iter().map(|object| {
        let place = if object["kind"] == "MutatingAdmissionPolicyBinding" {
            "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings"
        } else {
            "admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
        };
        (place, object)
    });
    for (place, object) in places.chain(policy) {
        send(
            client,
            Method::POST,
            &format!("/apis/{place}"),
            "application/json",
            &object,
        )
        .await
        .expect("installed");
    }
}

/// A namespace with nothing in it.
pub(crate) async fn namespace(client: &Client, name: &str) {
    let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    send(
        client,
        Method::POST,
        "/api/v1/namespaces",
        "application/json",
        &body,
    )
    .await
    .expect("a namespace");
}
