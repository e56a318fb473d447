//! Metric gates with a real Prometheus, which scrapes real servers whose error rate the test decides.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use kubectl_kruise::{
    clock::Clock,
    engine::{
        core::Stop,
        driver::{self, Options, Scope},
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::control_plane::{User, shared};
use crate::harness::cluster::{Cluster, Place};

/// Time between two measurements.
const INTERVAL: Duration = Duration::from_secs(2);
/// Bad measurements that are put up with.
const LIMIT: u32 = 2;

/// A web server with a counter of its answers, of which some are errors when it is told so.
struct Shop {
    address: SocketAddr,
    fails: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fails = Arc::new(AtomicBool::new(false));
        let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let (told, counted) = (Arc::clone(&fails), counts);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (told, counted) = (Arc::clone(&told), Arc::clone(&counted));
                let answer = service_fn(move |request: Request<Incoming>| {
                    let response = answer(request.uri().path(), &told, &counted);
                    async move { Ok::<_, Infallible>(response) }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        // Customers: fifty requests a second.
        let customers = tokio::spawn(async move {
            let clock = Clock::wall();
            loop {
                get(address, "/").await;
                clock.sleep(Duration::from_millis(20)).await;
            }
        });
        Self {
            address,
            fails,
            tasks: vec![server, customers],
        }
    }
}

fn answer(path: &str, fails: &AtomicBool, counts: &[AtomicU64; 2]) -> Response<Full<Bytes>> {
    if path == "/metrics" {
        let [good, bad] = [0, 1].map(|place| counts[place].load(Ordering::Relaxed));
        let text = format!(
            "shop_requests_total{{code=\"200\"}} {good}\nshop_requests_total{{code=\"500\"}} {bad}\n"
        );
        return Response::new(Full::new(text.into()));
    }
    let number = counts[0].load(Ordering::Relaxed) + counts[1].load(Ordering::Relaxed);
    // Every second one.
    let is_bad = fails.load(Ordering::Relaxed) && number.is_multiple_of(2);
    counts[usize::from(is_bad)].fetch_add(1, Ordering::Relaxed);
    let mut response = Response::new(Full::new(Bytes::new()));
    if is_bad {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}

/// Sends a request; nothing when nobody answers.
async fn get(address: SocketAddr, path: &str) -> Option<StatusCode> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", "shop")
        .body(Full::new(Bytes::new()))
        .unwrap();
    let status = sender
        .send_request(request)
        .await
        .ok()
        .map(|response| response.status());
    connection.abort();
    status
}

/// An address of this machine that is not loopback, which the API server does not take for endpoints. Nothing is sent.
fn beyond_loopback() -> std::net::IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let connected = socket.connect("192.0.2.254:9");
    connected.expect("this machine has loopback alone: the API server can proxy nothing");
    socket.local_addr().unwrap().ip()
}

/// Passes connections on, each answer as late as it is told.
struct Relay {
    address: SocketAddr,
    late: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Relay {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let late = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&late);
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let told = Arc::clone(&told);
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await?;
                    let (mut asked, mut answered) = client.into_split();
                    let (mut answers, mut asks) = server.into_split();
                    let question = tokio::io::copy(&mut asked, &mut asks);
                    let answer = async {
                        let mut buffer = vec![0; 64 << 10];
                        loop {
                            let length = answers.read(&mut buffer).await?;
                            if length == 0 {
                                return answered.shutdown().await;
                            }
                            let late = Duration::from_millis(told.load(Ordering::Relaxed));
                            Clock::wall().sleep(late).await;
                            answered.write_all(&buffer[..length]).await?;
                        }
                    };
                    tokio::try_join!(question, answer).map(drop)
                });
            }
        });
        Self { address, late, task }
    }
}

/// Makes a Service of a server: API servers proxy to addresses of pods only, so it gets a pod, on a node that nobody tends.
async fn serve_as_pod(cluster: &Cluster, address: SocketAddr) {
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": cluster.namespace },
        "spec": { "taints": [{ "key": "tests/node", "effect": "NoSchedule" }] } });
    let json = "application/json";
    cluster
        .send(http::Method::POST, "/api/v1/nodes", json, &node)
        .await
        .unwrap();
    let metadata = json!({ "name": "prometheus", "labels": { "app": "prometheus" } });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {
        "nodeName": cluster.namespace, "terminationGracePeriodSeconds": 0, "containers": [{ "name": "main", "image": "prometheus" }] } });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": { "selector": { "app": "prometheus" },
        "ports": [{ "name": "web", "port": 9090, "targetPort": address.port() }] } });
    for object in [pod, service] {
        cluster.create(&object).await.unwrap();
    }
    let status = json!({ "status": { "phase": "Running", "podIP": address.ip(), "podIPs": [{ "ip": address.ip() }],
        "conditions": [{ "type": "Ready", "status": "True" }] } });
    let merge = "application/merge-patch+json";
    cluster
        .patch(Place::named("pod"), "prometheus", "/status", merge, &status)
        .await
        .unwrap();
    let clock = Clock::wall();
    let known = async {
        let of = |endpoints: Option<Value>| endpoints?.pointer("/subsets/0/addresses/0/ip").cloned();
        while of(cluster
            .get(Place::named("endpoints"), "prometheus")
            .await
            .unwrap())
            != Some(json!(address.ip()))
        {
            clock.sleep(Duration::from_millis(50)).await;
        }
    };
    let known = tokio::time::timeout(Duration::from_secs(30), known).await;
    known.expect("the Service has no endpoint");
}

/// How an engine reaches Prometheus.
#[derive(Clone, Copy)]
enum Way {
    Address,
    /// By an address that answers as late as one wants.
    Late,
    /// Through the API server, as a Service.
    Service,
}

/// A Prometheus that scrapes a shop every 200 ms.
struct Prometheus {
    folder: PathBuf,
    address: SocketAddr,
    child: Child,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Prometheus {
    async fn start(name: &str, shop: SocketAddr, home: std::net::IpAddr) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let target = json!({ "global": { "scrape_interval": "200ms", "scrape_timeout": "200ms" },
            "scrape_configs": [{ "job_name": "shop", "static_configs": [{ "targets": [shop.to_string()] }] }] });
        // JSON is YAML.
        fs::write(folder.join("prometheus.yml"), target.to_string()).unwrap();
        let free = TcpListener::bind((home, 0)).await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Self::spawn(&folder, address);
        let server = Self {
            folder,
            address,
            child,
        };
        server.ready().await;
        server
    }

    fn spawn(folder: &Path, address: SocketAddr) -> Child {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus is not installed: apt-get install prometheus")
    }

    async fn ready(&self) {
        let clock = Clock::wall();
        for _ in 0..300 {
            if get(self.address, "/-/ready").await == Some(StatusCode::OK) {
                // Long enough for a rate.
                clock.sleep(Duration::from_secs(3)).await;
                return;
            }
            clock.sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "Prometheus is not ready:\n{}",
            fs::read_to_string(self.folder.join("log")).unwrap()
        );
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

struct Stage {
    cluster: Cluster,
    shop: Shop,
    prometheus: Prometheus,
    relay: Relay,
}

impl Stage {
    /// Version 1 at rest, and a gate on every step.
    async fn set(name: &str, way: Way) -> Self {
        let plane = shared();
        let cluster = plane.namespace(name, true).await;
        let shop = Shop::open().await;
        let home = match way {
            Way::Address | Way::Late => std::net::Ipv4Addr::LOCALHOST.into(),
            Way::Service => beyond_loopback(),
        };
        let prometheus = Prometheus::start(name, shop.address, home).await;
        let relay = Relay::to(prometheus.address).await;
        let server = match way {
            Way::Address => json!({ "address": format!("http://{}", prometheus.address) }),
            Way::Late => json!({ "address": format!("http://{}", relay.address) }),
            Way::Service => json!({ "service": { "name": "prometheus", "port": "9090" } }),
        };
        if matches!(way, Way::Service) {
            serve_as_pod(&cluster, prometheus.address).await;
        }
        let labels = json!({ "app": "web" });
        let template = json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "success-rate" },
            "spec": { "onFailure": "Rollback", "args": [{ "name": "job" }], "metrics": [{
                "name": "success-rate", "interval": format!("{}s", INTERVAL.as_secs()), "failureLimit": LIMIT, "inconclusiveLimit": 6,
                "consecutiveErrorLimit": 10, "successCondition": "result[0] >= 0.95",
                "provider": { "prometheus": { "timeout": "1s",
                    "query": "sum(rate(shop_requests_total{job=\"{{args.job}}\",code!~\"5.*\"}[2s])) / sum(rate(shop_requests_total{job=\"{{args.job}}\"}[2s]))" } } }] } });
        let mut template = template;
        json_patch::merge(
            &mut template["spec"]["metrics"][0]["provider"]["prometheus"],
            &server,
        );
        let gates = json!([{ "template": "success-rate", "args": { "job": "shop" } }]).to_string();
        let objects = [
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": 3,
                "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } }),
            template,
            json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
                "metadata": { "name": "web", "annotations": { "rollouts.kruise.io/analysis": gates } },
                "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                    "strategy": { "canary": { "enableExtraWorkloadForCanary": true, "steps": [
                        { "replicas": 1, "pause": { "duration": 1 } }, { "replicas": "100%", "pause": { "duration": 1 } }] } } } }),
        ];
        for object in &objects {
            cluster.create(object).await.unwrap();
        }
        Self {
            cluster,
            shop,
            prometheus,
            relay,
        }
    }

    async fn image(&self) -> String {
        let web = self
            .cluster
            .get(Place::named("deployment"), "web")
            .await
            .unwrap()
            .unwrap();
        web["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn set_image(&self, image: &str) {
        let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } } });
        let kind = "application/strategic-merge-patch+json";
        self.cluster
            .patch(Place::named("deployment"), "web", "", kind, &patch)
            .await
            .unwrap();
    }

    /// Drives until something stops the release.
    async fn run(&self) -> Stop {
        let client = shared().client(User::Admin, "engine").await;
        let scope = Scope::Names {
            namespace: self.cluster.namespace.clone(),
            names: vec!["web".to_owned()],
        };
        let (events, _told) = tokio::sync::mpsc::unbounded_channel();
        let options = Options {
            identity: "live-gates".to_owned(),
            ..Options::default()
        };
        let driven = driver::drive(client, Clock::wall(), scope, options, events);
        let stops = tokio::time::timeout(Duration::from_secs(120), driven)
            .await
            .expect("it does not end");
        stops.unwrap().into_values().next().unwrap()
    }

    /// Version 1 has its pods, and an engine has noted it.
    async fn rest(&self) {
        let clock = Clock::wall();
        for _ in 0..600 {
            let web = self
                .cluster
                .get(Place::named("deployment"), "web")
                .await
                .unwrap()
                .unwrap();
            if web["status"]["readyReplicas"] == 3 && self.run().await == Stop::AtRest {
                return;
            }
            clock.sleep(Duration::from_millis(100)).await;
        }
        panic!("version 1 does not come to rest");
    }

    async fn record(&self) -> Value {
        let rollout = self
            .cluster
            .get(Place::named("rollout"), "web")
            .await
            .unwrap()
            .unwrap();
        let text = rollout["metadata"]["annotations"]["rollouts.kruise.io/analysis-results"].as_str();
        serde_json::from_str(text.unwrap_or("null")).unwrap()
    }

    /// How long the step under measurement took from its first sample to its last.
    async fn measured_for(&self) -> Duration {
        let record = self.record().await;
        let samples = record["metrics"][0]["samples"].as_array().unwrap().clone();
        let time = |sample: &Value| sample["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        let span = time(samples.last().unwrap()).duration_since(time(&samples[0]));
        Duration::try_from(span).unwrap()
    }
}

/// A good version goes out by itself; a bad one is stopped at the first step and the old one is back in time.
#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_prometheus_lets_a_good_version_through_and_turns_a_bad_one_back() {
    good_then_bad(Stage::set("gates", Way::Address).await).await;
}

/// The same through the API server: the engine itself cannot reach the Service.
#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_prometheus_is_asked_through_the_api_server() {
    let stage = Stage::set("gates-proxy", Way::Service).await;
    // Without the right to it, or without the Service, it is told what is missing.
    let measured = |user: User| {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
            .args(["rollout", "gate", "web", "--step", "1"])
            .env("KUBECONFIG", shared().kubeconfig(user, &stage.cluster.namespace))
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let may_read = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "reader" },
        "rules": [{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] }] });
    let bound = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited-7" }] });
    for (plural, object) in [("roles", may_read), ("rolebindings", bound)] {
        let path = format!(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/{plural}",
            stage.cluster.namespace
        );
        stage
            .cluster
            .send(http::Method::POST, &path, "application/json", &object)
            .await
            .unwrap();
    }
    let (code, told) = measured(User::Limited(7));
    assert!(
        code == Some(4) && told.contains("it needs the right to create services/proxy"),
        "{code:?} {told}"
    );
    // A rate needs some scrapes.
    let mut looks = 0;
    let (code, told) = loop {
        looks += 1;
        let (code, told) = measured(User::Admin);
        if looks == 20 || !told.contains("no data") {
            break (code, told);
        }
        Clock::wall().sleep(Duration::from_millis(500)).await;
    };
    assert!(code == Some(0) && told.contains("good"), "{code:?} {told}");
    good_then_bad(stage).await;
}

async fn good_then_bad(stage: Stage) {
    stage.rest().await;
    stage.set_image("web:v2").await;
    assert_eq!(stage.run().await, Stop::Completed, "{}", stage.record().await);
    assert_eq!(stage.record().await["metrics"][0]["counts"]["failure"], 0);

    stage.shop.fails.store(true, Ordering::Relaxed);
    Clock::wall().sleep(Duration::from_secs(3)).await;
    stage.set_image("web:v3").await;
    let began = Clock::wall();
    let from = began.now();
    assert_eq!(stage.run().await, Stop::RolledBack, "{}", stage.record().await);
    let took = began.now().duration_since(from);
    assert_eq!(stage.image().await, "web:v2");
    let record = stage.record().await;
    assert_eq!(
        (&record["step"], &record["verdict"]),
        (&json!(1), &json!("Failed")),
        "{record}"
    );
    println!(
        "bad version: rolled back after {took:.1}, measured for {:?}",
        stage.measured_for().await
    );
    let within = INTERVAL * LIMIT + Duration::from_secs(10);
    assert!(Duration::try_from(took).unwrap() <= within, "{took} > {within:?}");
    stage.cluster.delete_namespace().await;
}

/// Prometheus is killed in the middle and comes back, and then is too slow for a while: the release is delayed, not turned.
#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_a_prometheus_that_is_away_or_slow_delays_a_release() {
    let mut stage = Stage::set("gates-away", Way::Address).await;
    stage.rest().await;
    stage.prometheus.stop();
    stage.set_image("web:v2").await;
    let clock = Clock::wall();
    let stop = {
        let address = stage.prometheus.address;
        let folder = stage.prometheus.folder.clone();
        let run = stage.run();
        tokio::pin!(run);
        tokio::select! {
            stop = &mut run => panic!("{stop:?} without Prometheus"),
            () = clock.sleep(Duration::from_secs(8)) => {}
        }
        let again = Prometheus::spawn(&folder, address);
        let frozen = again.id().to_string();
        tokio::select! {
            stop = &mut run => panic!("{stop:?} at once"),
            () = clock.sleep(Duration::from_secs(3)) => {}
        }
        let signal = |signal: &str| Command::new("kill").args([signal, &frozen]).status().unwrap();
        assert!(signal("-STOP").success());
        tokio::select! {
            stop = &mut run => panic!("{stop:?} of a Prometheus that does not answer"),
            () = clock.sleep(Duration::from_secs(4)) => {}
        }
        assert!(signal("-CONT").success());
        let stop = run.await;
        (stop, again)
    };
    let (stop, again) = stop;
    stage.prometheus.child = again;
    let record = stage.record().await;
    assert_eq!(
        (stop, stage.image().await.as_str()),
        (Stop::Completed, "web:v2"),
        "{record}"
    );
    stage.cluster.delete_namespace().await;
}

/// Answers that are late but in time are good; those beyond the timeout are asked for again, and the release waits.
#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_a_slow_prometheus_is_waited_for_as_long_as_the_template_says() {
    let stage = Stage::set("gates-slow", Way::Late).await;
    stage.rest().await;
    let late = |millis: u64| stage.relay.late.store(millis, Ordering::Relaxed);
    late(600);
    stage.set_image("web:v2").await;
    assert_eq!(stage.run().await, Stop::Completed, "{}", stage.record().await);
    let counts = stage.record().await["metrics"][0]["counts"].clone();
    assert_eq!(counts["error"], 0, "{counts}");

    late(3000);
    stage.set_image("web:v3").await;
    let errors = async {
        loop {
            Clock::wall().sleep(Duration::from_millis(200)).await;
            let series = stage.record().await["metrics"][0].clone();
            if series["counts"]["error"].as_u64() >= Some(2) {
                return series;
            }
        }
    };
    let run = stage.run();
    tokio::pin!(run);
    let series = tokio::select! {
        stop = &mut run => panic!("{stop:?} of a Prometheus that is too slow"),
        series = tokio::time::timeout(Duration::from_secs(60), errors) => series.expect("no errors are kept"),
    };
    let last = series["samples"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (
            &last["outcome"],
            &last["why"],
            &series["counts"]["success"],
            &series["counts"]["failure"]
        ),
        (
            &json!("error"),
            &json!("no answer within 1.0 s"),
            &json!(0),
            &json!(0)
        ),
        "{series}"
    );
    late(0);
    assert_eq!(run.await, Stop::Completed, "{}", stage.record().await);
    assert_eq!(stage.image().await, "web:v3");
    stage.cluster.delete_namespace().await;
}
