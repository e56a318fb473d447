//! A workload of any kind with its Rollout, and what its users do to it.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use http::Method;
use kubectl_kruise::{
    api::keys,
    clock::Clock,
    workload::{Kind, hold},
};
use serde_json::{Value, json};

use super::control_plane::{User, shared};
use crate::{crd_answers::install, harness::cluster::Cluster};

const JSON: &str = "application/json";
pub(super) const MERGE: &str = "application/merge-patch+json";

/// Kruise's release whose definitions are installed; its controllers are not needed to see what a policy does.
const KRUISE: &str = "github.com/openkruise/kruise@v1.8.0";

/// The kubectl that was built with the control plane.
pub(super) static KUBECTL: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/control-plane/build");
    let output = Command::new(script).output().unwrap();
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()).join("kubectl")
});

/// Kruise's definitions of the kinds we release, without the conversion webhook that nobody runs here.
pub(super) fn kruise() -> Vec<Value> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", KRUISE])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = PathBuf::from(
        answer["Dir"]
            .as_str()
            .unwrap_or_else(|| panic!("go mod download: {answer}")),
    );
    ["clonesets", "statefulsets", "daemonsets"]
        .map(|plural| {
            let path = folder.join(format!("config/crd/bases/apps.kruise.io_{plural}.yaml"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
            definition["spec"].as_object_mut().unwrap().remove("conversion");
            definition.as_object_mut().unwrap().remove("status");
            definition
        })
        .into()
}

/// A kind under test in a namespace of its own, on a real server or on sim.
pub(super) struct Bench {
    pub(super) kind: Kind,
    /// The API version that is written through.
    pub(super) version: &'static str,
    pub(super) cluster: Cluster,
}

impl Bench {
    pub(super) async fn live(kind: Kind, version: &'static str, name: &str) -> Self {
        let cluster = shared().namespace(name, true).await;
        if version.starts_with("apps.kruise.io/") {
            install(&cluster.client, &kruise()).await;
        }
        Self {
            kind,
            version,
            cluster,
        }
    }

    /// The user's manifest.
    pub(super) fn manifest(&self, name: &str, image: &str, strategy: &Value) -> Value {
        let mut object = json!({
            "apiVersion": self.version, "kind": self.kind.kind(),
            "metadata": { "name": name, "labels": { (keys::WORKLOAD_TYPE): self.kind.workload_type() } },
            "spec": {
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{ "name": "main", "image": image }] },
                },
            },
        });
        if !self.kind.is_per_node() {
            object["spec"]["replicas"] = json!(2);
        }
        if matches!(self.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet) {
            object["spec"]["serviceName"] = name.into();
        }
        if let (Some(spec), Some(more)) = (object["spec"].as_object_mut(), strategy.as_object()) {
            spec.extend(more.clone());
        }
        object
    }

    /// What the user has where the hold will stand.
    pub(super) fn strategy(&self) -> Value {
        match self.kind {
            Kind::Deployment => json!({ "paused": false }),
            Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
                json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } } })
            }
            Kind::DaemonSet => json!({ "updateStrategy": { "type": "RollingUpdate" } }),
            Kind::CloneSet => json!({ "updateStrategy": { "partition": 0 } }),
        }
    }

    /// The mark's originals, for [`Bench::strategy`].
    pub(super) fn originals(&self) -> &'static str {
        match self.kind {
            Kind::Deployment => r#"{"paused":false}"#,
            Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
                r#"{"updateStrategy.rollingUpdate.partition":0}"#
            }
            Kind::DaemonSet => r#"{"updateStrategy.type":"RollingUpdate"}"#,
            Kind::CloneSet => r#"{"updateStrategy.partition":0,"updateStrategy.paused":null}"#,
        }
    }

    /// The same where the user says nothing of the strategy; native kinds are defaulted before the policy sees them.
    pub(super) fn originals_of_nothing(&self) -> &'static str {
        match self.kind {
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => self.originals(),
            Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
                r#"{"updateStrategy.rollingUpdate.partition":null}"#
            }
            Kind::CloneSet => r#"{"updateStrategy.partition":null,"updateStrategy.paused":null}"#,
        }
    }

    /// The hold and the mark of an object, in the form of [`Bench::held`].
    pub(super) fn seen(&self, object: &Value) -> Value {
        let first = hold::first(self.kind);
        let fields: Vec<Value> = first
            .iter()
            .map(|(path, _)| hold::at(&object["spec"], path).clone())
            .collect();
        let image = object.pointer("/spec/template/spec/containers/0/image");
        json!([
            image,
            fields,
            object["metadata"]["annotations"][keys::IN_PROGRESSING]
        ])
    }

    /// A held version, with the mark that it must carry.
    pub(super) fn held(&self, image: &str, rollout: &str, originals: &str) -> Value {
        let values: Vec<Value> = hold::first(self.kind)
            .iter()
            .map(|(_, value)| value.clone())
            .collect();
        let mark = format!(r#"{{"rolloutName":"{rollout}","original":{originals}}}"#);
        json!([image, values, mark])
    }

    pub(super) fn path(&self, rest: &str) -> String {
        let plural = self.kind.plural();
        format!(
            "/apis/{}/namespaces/{}/{plural}{rest}",
            self.version, self.cluster.namespace
        )
    }

    pub(super) async fn create(&self, object: &Value) -> Value {
        self.cluster
            .send(Method::POST, &self.path(""), JSON, object)
            .await
            .unwrap()
    }

    pub(super) async fn get(&self, name: &str) -> Value {
        let path = self.path(&format!("/{name}"));
        self.cluster
            .send(Method::GET, &path, JSON, &Value::Null)
            .await
            .unwrap()
    }

    /// A merge patch; `query` says the rest.
    pub(super) async fn merge(&self, name: &str, query: &str, body: &Value) -> Value {
        let path = self.path(&format!("/{name}{query}"));
        self.cluster
            .send(Method::PATCH, &path, MERGE, body)
            .await
            .unwrap()
    }

    pub(super) async fn image(&self, name: &str, query: &str, image: &str) -> Value {
        self.merge(name, query, &template(image)).await
    }

    /// Replaces the object whole, as a client that knows nothing of the hold does; again when a controller came between.
    pub(super) async fn put(&self, object: &Value) -> Value {
        let name = object["metadata"]["name"].as_str().unwrap();
        let mut object = object.clone();
        loop {
            object["metadata"]["resourceVersion"] =
                self.get(name).await["metadata"]["resourceVersion"].clone();
            let path = self.path(&format!("/{name}"));
            match self.cluster.send(Method::PUT, &path, JSON, &object).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                answer => return answer.unwrap(),
            }
        }
    }

    /// Makes a Rollout named `ROLLOUT` for the workload of that name.
    pub(super) async fn rollout(&self, name: &str, more: &Value) {
        let mut rollout = json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": name },
            "spec": {
                "workloadRef": { "apiVersion": self.version, "kind": self.kind.kind(), "name": name },
                "strategy": { "canary": { "steps": [{ "replicas": 1, "pause": {} }] } },
            },
        });
        json_patch::merge(&mut rollout, more);
        self.cluster.create(&rollout).await.unwrap();
    }

    /// Waits, with requests that store nothing, until a new version of the workload would be held, or would not.
    pub(super) async fn until(&self, name: &str, held: bool) {
        let clock = Clock::wall();
        for _ in 0..200 {
            let answer = self.image(name, "?dryRun=All", "main:dry").await;
            if answer["metadata"]["annotations"][keys::IN_PROGRESSING].is_string() == held {
                return;
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
        panic!("{name}: held must become {held}");
    }

    /// A workload as the user has it, with its Rollout, once the policy knows both.
    pub(super) async fn managed(&self, name: &str) -> Value {
        let created = self
            .create(&self.manifest(name, "main:v1", &self.strategy()))
            .await;
        self.rollout(name, &json!({})).await;
        self.until(name, true).await;
        created
    }

    pub(super) fn kubectl(&self, arguments: &[&str], input: &Value) {
        let kubeconfig = shared().kubeconfig(User::Admin, &self.cluster.namespace);
        let mut child = Command::new(&*KUBECTL)
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", shared().folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.to_string().as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "kubectl {arguments:?}: {output:?}");
    }

    /// `TYPE.VERSION.GROUP/NAME`, as kubectl takes it.
    pub(super) fn resource(&self, name: &str) -> String {
        let (group, version) = self.version.split_once('/').unwrap();
        format!("{}.{version}.{group}/{name}", self.kind.plural())
    }
}

pub(super) fn template(image: &str) -> Value {
    json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } } })
}

pub(super) fn without_mark() -> Value {
    json!({ "metadata": { "annotations": { (keys::IN_PROGRESSING): null } } })
}
