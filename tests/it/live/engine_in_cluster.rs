//! The engine as `manifests engine` starts it, with the rights that `manifests rbac` prints: they are enough for every
//! native kind, a missing one is named, and two engines share the Rollouts out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use futures::future::join_all;
use http::Method;
use jiff::Timestamp;
use kubectl_kruise::{clock::Clock, manifests};
use serde_json::{Value, json};

use super::control_plane::{ControlPlane, shared};
use crate::{
    harness::cluster::{Cluster, Place},
    parity::{compare::compare, player, scenario::Scenario},
};

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

/// The account of the engine that serves the whole cluster.
const ACCOUNT: &str = "system:serviceaccount:rollouts-engine:rollouts-engine";

/// A Lease lasts 15 s after its last renewal; the survivor looks at it every 2 s, and the machine is shared.
const TAKEOVER: Duration = Duration::from_secs(15 + 2 + 3);

/// Rights that a release of every native kind need not use, each with its reason.
const SPARE: &[&str] = &[
    // What is only read again after a conflict.
    "get apps/deployments",
    "get apps/statefulsets",
    "get apps/daemonsets",
    "get apps/replicasets",
    "get /pods",
    "get /services",
    "get autoscaling/horizontalpodautoscalers",
    "get networking.k8s.io/ingresses",
    "get rollouts.kruise.io/rollouts",
    // Checked by servers that enforce owner references, which this one does not.
    "update rollouts.kruise.io/rollouts/finalizers",
    "update apps/deployments/finalizers",
    // A controller that may be in charge, where its kinds are served.
    "get rollouts.kruise.io/batchreleases",
    "list rollouts.kruise.io/batchreleases",
    // Routes of gateways, whose kinds are not served here.
    "get gateway.networking.k8s.io/httproutes",
    "list gateway.networking.k8s.io/httproutes",
    "watch gateway.networking.k8s.io/httproutes",
    "patch gateway.networking.k8s.io/httproutes",
    "get gateway.networking.k8s.io/grpcroutes",
    "list gateway.networking.k8s.io/grpcroutes",
    "watch gateway.networking.k8s.io/grpcroutes",
    "patch gateway.networking.k8s.io/grpcroutes",
    "get gateway.networking.k8s.io/tcproutes",
    "list gateway.networking.k8s.io/tcproutes",
    "watch gateway.networking.k8s.io/tcproutes",
    "patch gateway.networking.k8s.io/tcproutes",
    "get gateway.networking.k8s.io/tlsroutes",
    "list gateway.networking.k8s.io/tlsroutes",
    "watch gateway.networking.k8s.io/tlsroutes",
    "patch gateway.networking.k8s.io/tlsroutes",
    "get networking.istio.io/virtualservices",
    "list networking.istio.io/virtualservices",
    "watch networking.istio.io/virtualservices",
    "patch networking.istio.io/virtualservices",
    "get networking.istio.io/destinationrules",
    "list networking.istio.io/destinationrules",
    "watch networking.istio.io/destinationrules",
    "patch networking.istio.io/destinationrules",
    "get traefik.io/traefikservices",
    "list traefik.io/traefikservices",
    "watch traefik.io/traefikservices",
    "patch traefik.io/traefikservices",
    "get traefik.io/ingressroutes",
    "list traefik.io/ingressroutes",
    "watch traefik.io/ingressroutes",
    "patch traefik.io/ingressroutes",
    "get traefik.io/ingressroutetcps",
    "list traefik.io/ingressroutetcps",
    "watch traefik.io/ingressroutetcps",
    "patch traefik.io/ingressroutetcps",
    "get traefik.containo.us/traefikservices",
    "list traefik.containo.us/traefikservices",
    "watch traefik.containo.us/traefikservices",
    "patch traefik.containo.us/traefikservices",
    "get traefik.containo.us/ingressroutes",
    "list traefik.containo.us/ingressroutes",
    "watch traefik.containo.us/ingressroutes",
    "patch traefik.containo.us/ingressroutes",
    "get traefik.containo.us/ingressroutetcps",
    "list traefik.containo.us/ingressroutetcps",
    "watch traefik.containo.us/ingressroutetcps",
    "patch traefik.containo.us/ingressroutetcps",
    // Splits that several Rollouts share, which none of these does.
    "get rollouts.kruise.io/trafficroutings",
    "list rollouts.kruise.io/trafficroutings",
    "watch rollouts.kruise.io/trafficroutings",
    "patch rollouts.kruise.io/trafficroutings",
    "patch rollouts.kruise.io/trafficroutings/status",
    "update rollouts.kruise.io/trafficroutings/finalizers",
    // Metric gates, which none of these has.
    "list rollouts.kruise.io/analysistemplates",
    "watch rollouts.kruise.io/analysistemplates",
    // Kruise's kinds, which are not served here.
    "get apps.kruise.io/clonesets",
    "list apps.kruise.io/clonesets",
    "watch apps.kruise.io/clonesets",
    "patch apps.kruise.io/clonesets",
    "get apps.kruise.io/statefulsets",
    "list apps.kruise.io/statefulsets",
    "watch apps.kruise.io/statefulsets",
    "patch apps.kruise.io/statefulsets",
    "get apps.kruise.io/daemonsets",
    "list apps.kruise.io/daemonsets",
    "watch apps.kruise.io/daemonsets",
    "patch apps.kruise.io/daemonsets",
    // A Lease is renewed when a release takes longer than its first seconds.
    "patch coordination.k8s.io/leases",
];

/// What `manifests rbac` prints, installed; answers a new token of the account it makes.
async fn install(cluster: &Cluster, objects: &[Value]) {
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let plural = format!("{}s", text("/kind").unwrap().to_lowercase());
        let root = match text("/apiVersion").unwrap() {
            "v1" => "/api/v1".to_owned(),
            version => format!("/apis/{version}"),
        };
        let within =
            text("/metadata/namespace").map_or_else(String::new, |name| format!("/namespaces/{name}"));
        cluster
            .send(Method::POST, &format!("{root}{within}/{plural}"), JSON, object)
            .await
            .unwrap_or_else(|error| panic!("{plural}: {error}"));
    }
}

async fn token(cluster: &Cluster, namespace: &str) -> String {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/rollouts-engine/token");
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "expirationSeconds": 3600 } });
    let answer = cluster.send(Method::POST, &path, JSON, &body).await.unwrap();
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// The executable under a token; killed when this is dropped.
struct Engine {
    process: Child,
    log: PathBuf,
}

impl Engine {
    fn start(kubeconfig: &Path, name: &str, arguments: &[&str]) -> Self {
        let log = kubeconfig.with_extension("log");
        let file = fs::File::create(&log).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
            .args(arguments)
            .env_clear()
            .env("HOSTNAME", name)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { process, log }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits, a minute at the most, until something is there.
async fn until<T>(what: &str, story: impl Fn() -> String, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let clock = Clock::wall();
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
    panic!("waited in vain for {what}\n{}", story());
}

/// A canary with an Ingress, whose pauses end by themselves but are short enough to be waited for under the Lease.
async fn application(cluster: &Cluster) {
    let labels = json!({ "app": "web" });
    let metadata = json!({ "name": "web" });
    let path = json!({ "path": "/", "pathType": "Prefix",
        "backend": { "service": { "name": "web", "port": { "number": 80 } } } });
    let pause = json!({ "duration": 10 });
    let objects = [
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
            "replicas": 2, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {
            "ingressClassName": "nginx", "rules": [{ "host": "web.example.com", "http": { "paths": [path] } }] } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": pause },
                    { "replicas": "100%", "traffic": "50%", "pause": pause },
                ],
                "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 1,
                    "ingress": { "name": "web", "classType": "nginx" } }] } } } }),
    ];
    for object in objects {
        cluster.create(&object).await.unwrap();
    }
}

async fn image(cluster: &Cluster, image: &str) {
    let body = json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image }]);
    cluster
        .patch(
            Place::named("deployment"),
            "web",
            "",
            "application/json-patch+json",
            &body,
        )
        .await
        .unwrap();
}

async fn status(cluster: &Cluster) -> Value {
    let rollout = cluster.get(Place::named("rollout"), "web").await.unwrap();
    rollout.unwrap_or_default()["status"].clone()
}

async fn healthy(cluster: &Cluster, story: impl Fn() -> String) {
    until(&format!("{}: Healthy", cluster.namespace), story, async || {
        (status(cluster).await["phase"] == "Healthy").then_some(())
    })
    .await;
}

/// The engine that holds the Lease of the Rollout: the host's name, which its identity begins with.
async fn holder(cluster: &Cluster) -> Option<String> {
    let path = format!(
        "/apis/coordination.k8s.io/v1/namespaces/{}/leases/rollout-web",
        cluster.namespace
    );
    let lease = cluster.send(Method::GET, &path, JSON, &Value::Null).await.ok()?;
    let holder = lease["spec"]["holderIdentity"].as_str()?;
    holder.split('_').next().map(str::to_owned)
}

/// One answered request of an engine, from the audit log.
struct Request {
    at: Timestamp,
    /// Which token.
    who: String,
    verb: String,
    namespace: String,
    /// `GROUP/RESOURCE`, and the subresource.
    place: String,
    code: u64,
}

/// What the engines asked for, in the order in which it came to the server.
fn requests(plane: &ControlPlane, account: &str) -> Vec<Request> {
    let log = fs::read_to_string(plane.folder().join("audit.log")).unwrap();
    let entries = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut requests: Vec<Request> = entries
        .filter(|entry| entry["user"]["username"] == account && entry["objectRef"].is_object())
        .map(|entry| {
            let text = |pointer: &str| {
                entry
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let mut place = format!("{}/{}", text("/objectRef/apiGroup"), text("/objectRef/resource"));
            if let Some(subresource) = entry["objectRef"]["subresource"].as_str() {
                place = format!("{place}/{subresource}");
            }
            Request {
                at: text("/requestReceivedTimestamp").parse().unwrap(),
                who: text("/user/extra/authentication.kubernetes.io~1credential-id/0"),
                verb: text("/verb"),
                namespace: text("/objectRef/namespace"),
                place,
                code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
            }
        })
        .collect();
    requests.sort_by_key(|request| request.at);
    requests
}

/// Every single right of the role, as `VERB GROUP/RESOURCE`.
fn rights(objects: &[Value]) -> BTreeSet<String> {
    let role = objects.iter().find(|object| object["rules"].is_array()).unwrap();
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for (verb, resource) in words(&rule["verbs"]).iter().flat_map(|verb| {
            words(&rule["resources"])
                .into_iter()
                .map(move |r| (verb.clone(), r))
        }) {
            rights.insert(format!(
                "{verb} {}/{resource}",
                rule["apiGroups"][0].as_str().unwrap()
            ));
        }
    }
    rights
}

/// Nothing was forbidden, and what was never used has a reason to be there.
fn assert_rights_fit(objects: &[Value], requests: &[Request]) {
    let forbidden: BTreeSet<String> = requests
        .iter()
        .filter(|request| request.code == 403)
        .map(|request| format!("{} {}", request.verb, request.place))
        .collect();
    assert_eq!(forbidden, BTreeSet::new(), "forbidden");
    let used: BTreeSet<String> = requests
        .iter()
        .map(|request| format!("{} {}", request.verb, request.place))
        .collect();
    let spare: BTreeSet<String> = SPARE.iter().map(|right| (*right).to_owned()).collect();
    let useless: Vec<String> = rights(objects)
        .into_iter()
        .filter(|right| !used.contains(right) && !spare.contains(right))
        .collect();
    assert_eq!(useless, Vec::<String>::new(), "rights that no release uses");
}

/// Every write of an engine fell into a time in which it held the Rollout's Lease; one Rollout a namespace. Answers the
/// number of writes by namespace.
fn assert_one_writer(requests: &[Request], namespaces: &[Cluster]) -> BTreeMap<String, usize> {
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    let mut writes: BTreeMap<String, usize> = namespaces.iter().map(|c| (c.namespace.clone(), 0)).collect();
    let mut wrong = Vec::new();
    for request in requests {
        let Request {
            who,
            verb,
            namespace,
            place,
            ..
        } = request;
        let is_write = matches!(verb.as_str(), "create" | "patch" | "delete" | "update");
        if !is_write
            || !writes.contains_key(namespace)
            || place == "/events"
            || place == "events.k8s.io/events"
        {
            continue;
        }
        let is_lease = place == "coordination.k8s.io/leases";
        match (is_lease, verb.as_str()) {
            (true, _) if request.code >= 300 => {}
            (true, "delete") => drop(holders.remove(namespace.as_str())),
            (true, _) => drop(holders.insert(namespace, who)),
            (false, _) => {
                // Refused ones too: whoever has no Lease does not even try.
                *writes.entry(namespace.clone()).or_default() += 1;
                if holders.get(namespace.as_str()) != Some(&who.as_str()) {
                    wrong.push(format!(
                        "{} {namespace}: {verb} {place} {}",
                        request.at, request.code
                    ));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "writes without the Lease");
    writes
}

/// Recorded releases of every native kind, with an autoscaler beside the blue-green one.
async fn release_every_native_kind(plane: &ControlPlane, story: impl Fn() -> String) {
    let names = [
        "canary-nginx-weight",
        "partition-nginx",
        "bluegreen-nginx",
        "statefulset-batches",
        "daemonset-batches",
    ];
    let autoscaler = json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "echoserver" }, "spec": { "minReplicas": 1, "maxReplicas": 10,
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "echoserver" } } });
    let played = join_all(names.map(async |name| {
        let mut scenario = Scenario::load(name);
        if name == "bluegreen-nginx" {
            scenario.manifests.push(autoscaler.clone());
        }
        let cluster = plane.namespace(name, true).await;
        let recording = player::play(&cluster, Clock::wall(), &scenario).await?;
        let bugs = compare(&scenario, &recording.checkpoints).bugs;
        if bugs.is_empty() {
            Ok(())
        } else {
            Err(format!("{name}: {bugs:#?}"))
        }
    }))
    .await;
    let failed: Vec<String> = played.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{}\n{}", failed.join("\n"), story());
    let cluster = Cluster {
        client: plane.client(super::control_plane::User::Admin, "tests").await,
        namespace: "bluegreen-nginx".to_owned(),
    };
    let place = Place::named("horizontalpodautoscaler");
    let after = cluster.get(place, "echoserver").await.unwrap().unwrap();
    assert_eq!(
        after["spec"]["scaleTargetRef"], autoscaler["spec"]["scaleTargetRef"],
        "the autoscaler aims where it did"
    );
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_two_engines_as_the_manifest_starts_them_have_enough_rights_and_share_the_rollouts_out() {
    // They drive every Rollout of their cluster, so it is one of their own.
    let plane = ControlPlane::prepared(3);
    let admin = plane.namespace("shared-out", true).await;
    let role = manifests::rbac(None);
    install(&admin, &role).await;
    let deployment = &manifests::engine("rollouts-engine", "image")[0];
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    let arguments: Vec<&str> = arguments
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    let mut engines = BTreeMap::new();
    for name in ["first", "second"] {
        let token = token(&admin, "rollouts-engine").await;
        let kubeconfig = plane.kubeconfig_of_token(name, &token, "rollouts-engine");
        engines.insert(name, Engine::start(&kubeconfig, name, &arguments));
    }
    let (logs, again): (Vec<PathBuf>, _) = (
        engines.values().map(|engine| engine.log.clone()).collect(),
        Clock::wall(),
    );
    let story = || {
        logs.iter()
            .map(|log| fs::read_to_string(log).unwrap())
            .collect::<String>()
    };

    release_every_native_kind(&plane, story).await;

    // Each engine begins half of the releases while the other is stopped.
    let numbers = 0..8;
    let rollouts: Vec<Cluster> =
        join_all(numbers.map(async |number| plane.namespace(&format!("share-{number}"), true).await)).await;
    join_all(rollouts.iter().map(application)).await;
    join_all(rollouts.iter().map(|cluster| healthy(cluster, story))).await;
    let (of_first, of_second) = rollouts.split_at(rollouts.len() / 2);
    for (name, other, theirs) in [("first", "second", of_first), ("second", "first", of_second)] {
        engines[other].signal("-STOP");
        join_all(theirs.iter().map(|cluster| image(cluster, "web:v2"))).await;
        for cluster in theirs {
            until(
                &format!("{name} to hold {}", cluster.namespace),
                story,
                async || holder(cluster).await.filter(|holder| holder == name),
            )
            .await;
        }
        engines[other].signal("-CONT");
    }
    let died = again.now();
    drop(engines.remove("first"));
    for cluster in of_first {
        until("the second engine to take over", story, async || {
            holder(cluster).await.filter(|holder| holder == "second")
        })
        .await;
    }
    let took = Duration::try_from(again.now().duration_since(died)).unwrap();
    for cluster in &rollouts {
        until("the new version everywhere", story, async || {
            let status = status(cluster).await;
            let at_rest = status["phase"] == "Healthy" && holder(cluster).await.is_none();
            (at_rest && status["canaryStatus"]["currentStepState"] == "Completed").then_some(())
        })
        .await;
        let deployment = cluster
            .get(Place::named("deployment"), "web")
            .await
            .unwrap()
            .unwrap();
        let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(
            json!([image, deployment["status"]["updatedReplicas"]]),
            json!(["web:v2", 2]),
            "{}",
            cluster.namespace
        );
    }
    let requests = requests(&plane, ACCOUNT);
    let writes = assert_one_writer(&requests, &rollouts);
    println!("taken over {took:?} after the death; writes {writes:?}");
    assert!(took < TAKEOVER, "{took:?}\n{}", story());
    let most = |clusters: &[Cluster]| {
        clusters
            .iter()
            .map(|cluster| writes[&cluster.namespace])
            .max()
            .unwrap()
    };
    // The successor does again at most what the dead engine had no answer for; a status more or less is chance.
    assert!(most(of_first) <= most(of_second) + 3, "{writes:?}");
    assert_rights_fit(&role, &requests);
}

/// The namespace's role without one right.
fn without(namespace: &str, verb: &str, resource: &str) -> Vec<Value> {
    let mut objects = manifests::rbac(Some(namespace));
    let mut taken = false;
    for object in &mut objects {
        let rules = object["rules"].as_array_mut().into_iter().flatten();
        for rule in rules.filter(|rule| rule["resources"].as_array().unwrap().contains(&json!(resource))) {
            rule["verbs"].as_array_mut().unwrap().retain(|word| {
                let is_it = word == verb;
                taken |= is_it;
                !is_it
            });
        }
    }
    assert!(taken, "{verb} {resource} is a right of the engine");
    for rules in objects
        .iter_mut()
        .filter_map(|object| object["rules"].as_array_mut())
    {
        // A rule without verbs is refused.
        rules.retain(|rule| rule["verbs"] != json!([]));
    }
    objects
}

async fn with_rights(namespace: &str, rights: &[Value]) -> (Cluster, PathBuf) {
    let cluster = shared().namespace(namespace, true).await;
    install(&cluster, rights).await;
    let token = token(&cluster, namespace).await;
    let kubeconfig = shared().kubeconfig_of_token(namespace, &token, namespace);
    (cluster, kubeconfig)
}

/// A release to its end with all rights but one; how it ended and what was said.
async fn release_without(verb: &str, resource: &str) -> (Option<i32>, String) {
    let namespace = format!("without-{verb}-{}", resource.replace('/', "-"));
    let (cluster, kubeconfig) = with_rights(&namespace, &without(&namespace, verb, resource)).await;
    application(&cluster).await;
    let run = async || {
        let mut engine = Engine::start(
            &kubeconfig,
            "engine",
            &["rollout", "run", "--all", "--timeout", "90s"],
        );
        let code = until("the engine's end", String::new, async || {
            engine.process.try_wait().unwrap()
        })
        .await;
        (code.code(), engine.said())
    };
    let (mut code, mut said) = run().await;
    if code == Some(0) {
        image(&cluster, "web:v2").await;
        (code, said) = run().await;
    }
    cluster.delete_namespace().await;
    (code, said)
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_a_missing_right_is_named() {
    let table = [
        ("list", "rollouts"),
        ("patch", "rollouts"),
        ("patch", "rollouts/status"),
        ("list", "pods"),
        ("watch", "pods"),
        ("watch", "deployments"),
        ("create", "deployments"),
        ("patch", "services"),
        ("create", "ingresses"),
        ("create", "leases"),
        ("delete", "ingresses"),
    ];
    let runs =
        join_all(table.map(async |(verb, resource)| (verb, resource, release_without(verb, resource).await)))
            .await;
    let mut wrong = Vec::new();
    for (verb, resource, (code, said)) in runs {
        let names_verb = said.contains(&format!("cannot {verb} resource"));
        if code != Some(9) || !names_verb || !said.contains(&format!("\"{resource}\"")) {
            wrong.push(format!("{verb} {resource}: {code:?}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_a_release_needs_no_right_to_tell_of_it() {
    let (code, said) = release_without("create", "events").await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_an_engine_that_runs_for_ever_says_what_it_lacks_and_goes_on_when_it_is_given() {
    let namespace = "given-later";
    let (cluster, kubeconfig) = with_rights(namespace, &without(namespace, "list", "replicasets")).await;
    application(&cluster).await;
    let arguments = ["rollout", "run", "--all", "--forever"];
    let engine = Engine::start(&kubeconfig, "engine", &arguments);
    until(
        "what is missing",
        || engine.said(),
        async || {
            engine
                .said()
                .contains(r#"cannot list resource "replicasets""#)
                .then_some(())
        },
    )
    .await;
    assert_eq!(
        status(&cluster).await,
        Value::Null,
        "nothing is decided half blind"
    );
    let full = manifests::rbac(Some(namespace));
    let rules = json!({ "rules": full[1]["rules"] });
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/rollouts-engine");
    cluster.send(Method::PATCH, &path, MERGE, &rules).await.unwrap();
    healthy(&cluster, || engine.said()).await;
    cluster.delete_namespace().await;
}
