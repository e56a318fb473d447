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
use tokio::net::{TcpListener, TcpStream};

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
    async fn start(name: &str, shop: SocketAddr) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let target = json!({ "global": { "scrape_interval": "200ms", "scrape_timeout": "200ms" },
            "scrape_configs": [{ "job_name": "shop", "static_configs": [{ "targets": [shop.to_string()] }] }] });
        // JSON is YAML.
        fs::write(folder.join("prometheus.yml"), target.to_string()).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
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
}

impl Stage {
    /// Version 1 at rest, and a gate on every step.
    async fn set(name: &str) -> Self {
        let plane = shared();
        let cluster = plane.namespace(name, true).await;
        let shop = Shop::open().await;
        let prometheus = Prometheus::start(name, shop.address).await;
        let labels = json!({ "app": "web" });
        let template = json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": { "name": "success-rate" },
            "spec": { "onFailure": "Rollback", "args": [{ "name": "job" }], "metrics": [{
                "name": "success-rate", "interval": format!("{}s", INTERVAL.as_secs()), "failureLimit": LIMIT, "inconclusiveLimit": 6,
                "consecutiveErrorLimit": 10, "successCondition": "result[0] >= 0.95",
                "provider": { "prometheus": { "address": format!("http://{}", prometheus.address), "timeout": "1s",
                    "query": "sum(rate(shop_requests_total{job=\"{{args.job}}\",code!~\"5.*\"}[2s])) / sum(rate(shop_requests_total{job=\"{{args.job}}\"}[2s]))" } } }] } });
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
    let stage = Stage::set("gates").await;
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
    let mut stage = Stage::set("gates-away").await;
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
