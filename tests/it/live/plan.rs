//! Plans of a real control plane: what they predict is what the engine then goes through beside the real controllers, and what
//! admission says of the writes is told before they are made.

use std::{collections::BTreeMap, process::Command, time::Duration};

use futures::future::join_all;
use http::Method;
use kubectl_kruise::{
    clock::Clock,
    engine::{
        core::Stop,
        driver::{self, Event, Options, Scope},
    },
    plan::{self, Change, Request},
    workload::edit::NewImage,
};
use serde_json::{Value, json};

use super::control_plane::{User, shared};
use crate::{
    harness::cluster::{Cluster, Place},
    parity::scenario::{Scenario, Verb},
    promise::{Moment, Story, approve, pods_of, predicted, set_image, stable_of},
};

const JSON: &str = "application/json";

/// A release of each native kind and style.
const PROMISED: [&str; 7] = [
    "canary-nginx-weight",
    "canary-no-traffic",
    "partition-batches",
    "partition-nginx",
    "bluegreen-nginx",
    "statefulset-batches",
    "daemonset-batches",
];

/// What a plan is given of a namespace.
const COPIED: [&str; 9] = [
    "rollout",
    "deployment",
    "replicaset",
    "statefulset",
    "daemonset",
    "controllerrevision",
    "pod",
    "service",
    "ingress",
];

/// How long pods may take to be counted as planned.
const PATIENCE: Duration = Duration::from_secs(20);

/// One release, with an engine of its own.
struct Release {
    cluster: Cluster,
    rollout: String,
    of_deployment: bool,
}

impl Release {
    async fn of(scenario: &Scenario) -> Self {
        let cluster = shared()
            .namespace(&format!("promise-{}", scenario.name), false)
            .await;
        for manifest in &scenario.manifests {
            cluster.create(manifest).await.unwrap();
        }
        let is_rollout = |object: &&Value| object["kind"] == "Rollout";
        let rollout = scenario.manifests.iter().find(is_rollout).unwrap();
        Self {
            cluster,
            rollout: scenario.rollout.clone(),
            of_deployment: rollout["spec"]["workloadRef"]["kind"] == "Deployment",
        }
    }

    async fn engine(
        &self,
    ) -> (
        tokio::task::JoinHandle<()>,
        tokio::sync::mpsc::UnboundedReceiver<Event>,
    ) {
        let (events, told) = tokio::sync::mpsc::unbounded_channel();
        let scope = Scope::Names {
            namespace: self.cluster.namespace.clone(),
            names: vec![self.rollout.clone()],
        };
        let options = Options {
            identity: "promise".to_owned(),
            forever: true,
            ..Options::default()
        };
        let client = shared().client(User::Admin, "promise").await;
        let driven = driver::drive(client, Clock::wall(), scope, options, events);
        (tokio::spawn(async move { drop(driven.await) }), told)
    }

    /// Lets an engine take note of what runs, until all of it is ready and counted.
    async fn settle(&self) {
        let (engine, mut told) = self.engine().await;
        while let Some(event) = told.recv().await {
            if matches!(
                event,
                Event::Stopped {
                    stop: Stop::AtRest,
                    ..
                }
            ) {
                break;
            }
        }
        engine.abort();
        let clock = Clock::wall();
        loop {
            let mut all = Vec::new();
            for kind in ["deployment", "statefulset", "daemonset"] {
                all.extend(self.cluster.list(Place::named(kind)).await.unwrap());
            }
            let count = |object: &Value, fields: &[&str]| {
                fields.iter().find_map(|field| object.pointer(field)?.as_i64())
            };
            let is_ready = |object: &Value| {
                let wanted = count(object, &["/spec/replicas", "/status/desiredNumberScheduled"]);
                let ready = count(object, &["/status/availableReplicas", "/status/numberAvailable"]);
                wanted.is_some_and(|wanted| wanted > 0) && wanted == ready
            };
            if all.iter().all(is_ready) {
                return;
            }
            clock.sleep(Duration::from_millis(100)).await;
        }
    }

    async fn objects(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for kind in COPIED {
            all.extend(self.cluster.list(Place::named(kind)).await.unwrap());
        }
        let nodes = self
            .cluster
            .send(Method::GET, "/api/v1/nodes", JSON, &Value::Null)
            .await;
        for mut node in nodes.unwrap()["items"].as_array().unwrap().clone() {
            node["apiVersion"] = json!("v1");
            node["kind"] = json!("Node");
            all.push(node);
        }
        all
    }

    async fn pods(&self, old: &str) -> (i32, i32) {
        let kind = if self.of_deployment { "replicaset" } else { "pod" };
        let objects = self.cluster.list(Place::named(kind)).await.unwrap();
        pods_of(self.of_deployment, &objects, old)
    }

    /// The pods of a gate: those that are planned, once they are counted, or what is there when that does not come.
    async fn pods_at(&self, planned: Option<(i32, i32)>, old: &str) -> (i32, i32) {
        let clock = Clock::wall();
        let until = clock.now() + PATIENCE;
        loop {
            let seen = self.pods(old).await;
            if Some(seen) == planned || clock.now() > until {
                return seen;
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
    }

    async fn run(&self, planned: &BTreeMap<i32, (i32, i32)>, old: &str) -> Story {
        let (engine, mut told) = self.engine().await;
        let mut story = Story::default();
        let mut gates = BTreeMap::new();
        while let Some(event) = told.recv().await {
            match story.take_in(&self.rollout, event) {
                Some(Moment::Timed(step)) => {
                    gates.insert(step, self.pods_at(planned.get(&step).copied(), old).await);
                }
                Some(Moment::Waits(step)) => {
                    let seen = self.pods_at(planned.get(&step).copied(), old).await;
                    if approve(&self.cluster, &self.rollout, step).await {
                        gates.insert(step, seen);
                    }
                }
                Some(Moment::Over) => break,
                None => {}
            }
        }
        engine.abort();
        story.with_gates(gates)
    }
}

/// Plans a release, makes it, and says in what they differ.
async fn disagreement(name: &str) -> Option<String> {
    let scenario = Scenario::load(name);
    let release = Release::of(&scenario).await;
    release.settle().await;
    let first = scenario.script.iter().find_map(|verb| match verb {
        Verb::Image { kind, name, to } => Some((Place::named(kind), name, to)),
        _ => None,
    });
    let (place, workload, to) = first.unwrap();
    let images = vec![NewImage {
        container: "*".to_owned(),
        image: format!("echoserver:{to}"),
    }];
    let request = Request {
        objects: release.objects().await,
        namespace: release.cluster.namespace.clone(),
        rollout: release.rollout.clone(),
        change: Change {
            images: images.clone(),
            ..Change::default()
        },
        start: Clock::wall().now(),
        pod_ready_after: Duration::from_secs(1),
        ..Request::default()
    };
    let rollout = request.objects.iter().find(|object| object["kind"] == "Rollout");
    let old = stable_of(rollout.unwrap());
    let planned = tokio::task::spawn_blocking(|| plan::predict(request))
        .await
        .unwrap()
        .unwrap();
    let gates = planned
        .steps
        .iter()
        .map(|step| (step.step, (step.new_pods, step.old_pods)));
    let gates = gates.collect();
    set_image(&release.cluster, place, workload, &images, &release.rollout).await;
    let seen = tokio::time::timeout(Duration::from_secs(180), release.run(&gates, &old)).await;
    let Ok(seen) = seen else {
        return Some("the release does not end within three minutes".to_owned());
    };
    let differs = predicted(&planned).settled().differs_from(&seen.settled());
    if differs.is_none() {
        release.cluster.delete_namespace().await;
    }
    differs
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_releases_go_as_planned() {
    let differences = join_all(PROMISED.map(disagreement)).await;
    for (name, difference) in PROMISED.iter().zip(&differences) {
        let verdict = difference
            .as_deref()
            .unwrap_or("states, pods and writes as planned");
        println!("{name}: {verdict}");
    }
    assert_eq!(differences, vec![None; PROMISED.len()]);
}

/// Policies by namespace: one that denies a Service for canaries, one that writes another image into templates.
fn policies(namespace: &str) -> [(&'static str, Value); 4] {
    let name = format!("{namespace}-tests");
    let of = |kind: &str, spec: Value| json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": { "name": name }, "spec": spec });
    let rules = |group: &str, resource: &str| json!([{ "apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": [resource] }]);
    let only =
        json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } });
    let bound = |more: &Value| {
        let mut spec = json!({ "policyName": name, "matchResources": only });
        json_patch::merge(&mut spec, more);
        spec
    };
    let image = "[JSONPatch{op: \"replace\", path: \"/spec/template/spec/containers/0/image\", value: \"mirror.example.com/web:v2\"}]";
    [
        (
            "validatingadmissionpolicies",
            of(
                "ValidatingAdmissionPolicy",
                json!({ "failurePolicy": "Fail", "matchConstraints": { "resourceRules": rules("", "services") },
                "validations": [{ "expression": "!object.metadata.name.endsWith('-canary')", "message": "no canaries here" }] }),
            ),
        ),
        (
            "validatingadmissionpolicybindings",
            of(
                "ValidatingAdmissionPolicyBinding",
                bound(&json!({ "validationActions": ["Deny"] })),
            ),
        ),
        (
            "mutatingadmissionpolicies",
            of(
                "MutatingAdmissionPolicy",
                json!({ "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                "matchConstraints": { "resourceRules": rules("apps", "deployments") },
                "matchConditions": [{ "name": "v2", "expression": "object.spec.template.spec.containers[0].image == 'web:v2'" }],
                "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": image } }] }),
            ),
        ),
        (
            "mutatingadmissionpolicybindings",
            of("MutatingAdmissionPolicyBinding", bound(&json!({}))),
        ),
    ]
}

/// Id and message of what stands in the way, of what the server tried.
fn tried(document: &Value) -> Vec<(String, String)> {
    let blockers = document["blockers"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let tried = blockers
        .iter()
        .filter(|one| text(&one["id"]).starts_with("admission-"));
    let without_digest = |message: String| match message.split_once("web-canary-") {
        Some((before, rest)) => format!("{before}web-canary-DIGEST{}", &rest[rest.find(':').unwrap()..]),
        None => message,
    };
    tried
        .map(|one| (text(&one["id"]), without_digest(text(&one["message"]))))
        .collect()
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_admission_is_asked_before_a_release() {
    let namespace = "plan-dry-run";
    let cluster = shared().namespace(namespace, true).await;
    for object in super::causes::objects() {
        cluster.create(&object).await.unwrap();
    }
    let kubeconfig = shared().kubeconfig(User::Admin, namespace);
    let plan = async |more: &'static [&'static str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
        command
            .args([
                "rollout",
                "plan",
                "web",
                "--set-image",
                "main=web:v2",
                "-o",
                "json",
            ])
            .args(more)
            .env("KUBECONFIG", &kubeconfig);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let document: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), document)
    };
    let before = cluster.list(Place::named("deployment")).await.unwrap()[0]["spec"].clone();
    let clock = Clock::wall();
    // The engine takes note of what runs: a release can only be planned of that.
    let mut run = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
    run.args(["rollout", "run", "web"]).env("KUBECONFIG", &kubeconfig);
    let noted = tokio::task::spawn_blocking(move || run.output().unwrap())
        .await
        .unwrap();
    assert!(noted.status.success(), "{noted:?}");
    let (code, document) = plan(&["--server-dry-run"]).await;
    assert_eq!(
        (code, tried(&document), &document["end"]),
        (Some(0), Vec::new(), &json!("Completed")),
        "{document:#}"
    );
    for (plural, policy) in policies(namespace) {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}");
        cluster.send(Method::POST, &path, JSON, &policy).await.unwrap();
    }
    let refused = "the server refuses to take service/web-canary: services \"web-canary\" is forbidden: ValidatingAdmissionPolicy \
        'plan-dry-run-tests' with binding 'plan-dry-run-tests' denied request: no canaries here";
    let expected = [
        ("admission-refuses", refused),
        (
            "admission-changes",
            "admission changes deployment/web: spec.template.spec.containers[0].image",
        ),
        (
            "admission-changes",
            "admission changes deployment/web-canary-DIGEST: spec.template.spec.containers[0].image",
        ),
    ];
    let expected = expected.map(|(id, message)| (id.to_owned(), message.to_owned()));
    // Policies take a moment to act.
    let until = clock.now() + PATIENCE;
    let (code, document) = loop {
        let (code, document) = plan(&["--server-dry-run"]).await;
        if tried(&document) == expected || clock.now() > until {
            break (code, document);
        }
    };
    assert_eq!(tried(&document), expected, "{document:#}");
    assert_eq!(code, Some(3));
    // Nobody asked: nothing is tried.
    let (code, document) = plan(&[]).await;
    assert_eq!((code, tried(&document)), (Some(0), Vec::new()));
    let after = cluster.list(Place::named("deployment")).await.unwrap()[0]["spec"].clone();
    assert_eq!(after, before, "nothing was stored");
    assert_eq!(
        cluster.get(Place::named("service"), "web-canary").await.unwrap(),
        None
    );
    for (plural, policy) in policies(namespace) {
        let name = policy["metadata"]["name"].as_str().unwrap();
        let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/{name}");
        cluster
            .send(Method::DELETE, &path, JSON, &Value::Null)
            .await
            .unwrap();
    }
    cluster.delete_namespace().await;
}
