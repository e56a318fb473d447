//! A served simulator, an application in the middle of a release, and the executable beside it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kubectl_kruise::{
    clock::Clock,
    manifests,
    sim::{self, Sim},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the executable said and how it ended.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

/// A cluster that the executable can talk to.
pub(super) struct Fixture {
    pub(super) sim: Sim,
    kubeconfig: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.server.abort();
        let _ = std::fs::remove_file(&self.kubeconfig);
        let _ = std::fs::remove_dir_all(self.kubeconfig.with_extension("cache"));
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Fixture {
    /// Serves these objects. Nothing moves by itself until [`Sim::start`].
    pub(super) async fn new(objects: Vec<Value>) -> Self {
        Self::with_definitions(manifests::crds(), objects).await
    }

    /// Serves these objects, and the kinds of these definitions.
    pub(super) async fn with_definitions(definitions: Vec<Value>, objects: Vec<Value>) -> Self {
        let options = sim::Options {
            pod_ready_after: Duration::from_millis(20),
            ..sim::Options::new(Clock::wall())
        };
        let sim = Sim::new(options);
        for object in definitions.into_iter().chain(objects) {
            sim.load(object).unwrap();
        }
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        sim.inject(move |request| {
            let line = format!("{} {}", request.verb, request.path);
            assert!(
                request.user_agent.starts_with("kubectl-kruise/"),
                "{line} by {:?}",
                request.user_agent
            );
            log.lock().unwrap().push(line);
            None
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn({
            let sim = sim.clone();
            async move { sim.serve(listener).await }
        });
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = format!("kubectl-kruise-test-{}-{number}.yaml", std::process::id());
        let kubeconfig = std::env::temp_dir().join(file);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "sim",
            "clusters": [{ "name": "sim", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "sim", "user": {} }],
            "contexts": [{ "name": "sim", "context": { "cluster": "sim", "user": "sim", "namespace": "shop" } }],
        });
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self {
            sim,
            kubeconfig,
            requests,
            server,
        }
    }

    /// Runs `kubectl-kruise WORDS` to its end. `stdin` is not a terminal.
    pub(super) async fn run(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
        command
            .args(words)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("XDG_CACHE_HOME", self.kubeconfig.with_extension("cache"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        // Elsewhere than on this thread, which serves the cluster.
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Runs `kubectl-kruise rollout WORDS`.
    pub(super) async fn rollout(&self, words: &[&str]) -> Said {
        self.run(&[&["rollout"], words].concat()).await
    }

    /// The requests since the last call: method and path.
    pub(super) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> Value {
        let api_version = match kind {
            "Rollout" => "rollouts.kruise.io/v1beta1",
            _ => "apps/v1",
        };
        self.sim.get(api_version, kind, "shop", name).unwrap_or_default()
    }
}

fn metadata(name: &str) -> Value {
    json!({ "name": name, "namespace": "shop", "labels": { "app": "web" } })
}

fn template(image: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            // As the API server completes it, so that templates compare equal.
            "containers": [{
                "name": "web", "image": image, "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        },
    })
}

pub(super) fn deployment(image: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("web"),
        "spec": {
            "replicas": 5,
            "selector": { "matchLabels": { "app": "web" } },
            "template": template(image),
        },
    });
    object["metadata"]["uid"] = "web-uid".into();
    object
}

/// A ReplicaSet of the Deployment, with all of its pods ready.
pub(super) fn replica_set(hash: &str, image: &str, number: u32, pods: i64) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata(&format!("web-{hash}")),
        "spec": {
            "replicas": pods,
            "selector": { "matchLabels": { "app": "web", "pod-template-hash": hash } },
            "template": template(image),
        },
        "status": { "replicas": pods, "readyReplicas": pods },
    });
    object["metadata"]["labels"]["pod-template-hash"] = hash.into();
    object["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = hash.into();
    object["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": number.to_string() });
    object["metadata"]["ownerReferences"] = json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "web-uid", "controller": true }]);
    object
}

/// A Rollout without traffic, of two steps that wait for approvals.
pub(super) fn rollout(status: &Value) -> Value {
    json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata("demo"),
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [{ "replicas": 1, "pause": {} }, { "replicas": "100%", "pause": {} }],
            } },
        },
        "status": status,
    })
}

/// A status as the controller writes it at a step.
pub(super) fn at_step(step: i32, state: &str) -> Value {
    json!({
        "phase": "Progressing", "observedGeneration": 1, "message": "a message",
        "currentStepIndex": step, "currentStepState": state,
        "conditions": [{ "type": "Progressing", "status": "True", "reason": "InRolling", "message": "" }],
        "canaryStatus": {
            "currentStepIndex": step, "nextStepIndex": step + 1, "currentStepState": state, "finalisingStep": "",
            "stableRevision": "aaa", "canaryRevision": "bbb", "podTemplateHash": "bbb",
            "canaryReplicas": 1, "canaryReadyReplicas": 1,
        },
    })
}

/// At rest, after a release that ended so.
pub(super) fn at_rest(succeeded: &str) -> Value {
    let mut status = at_step(2, "Completed");
    status["phase"] = "Healthy".into();
    status["conditions"] = json!([
        { "type": "Progressing", "status": "False", "reason": "Completed", "message": "" },
        { "type": "Succeeded", "status": succeeded, "reason": "", "message": "" },
    ]);
    status
}

/// v2 is being released over v1, paused at the first step.
pub(super) fn paused_release() -> Vec<Value> {
    let mut set = replica_set("bbb", "web:v2", 1, 1);
    set["metadata"]["ownerReferences"][0]["uid"] = "canary-uid".into();
    let mut held = deployment("web:v2");
    held["spec"]["paused"] = true.into();
    held["metadata"]["annotations"] =
        json!({ "rollouts.kruise.io/in-progressing": "{\"rolloutName\":\"demo\"}" });
    vec![
        rollout(&at_step(1, "StepPaused")),
        held,
        replica_set("aaa", "web:v1", 1, 5),
        set,
    ]
}

pub(super) const ROLLOUT: &str = "/apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/demo";
pub(super) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
