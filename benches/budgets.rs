//! Prints the figures that the budgets of the design are about, each beside its budget.
//!
//! `cargo bench` runs it; `cargo bench --bench budgets -- plan scale` only some parts. What needs a peer (kubectl) or a control plane says so where that is missing.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a benchmark prints, and ends where it cannot measure"
)]

mod live;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use kube::{
    Api,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Scope},
    plan::{self, Change, Plan, Request},
    sim::{self, Sim},
    workload::edit::NewImage,
};
use serde_json::{Value, json};

const START: &str = "2026-01-01T00:00:00Z";

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    line("figure", "measured", "budget");
    let executable = executable();
    let parts: [(&str, &dyn Fn()); 8] = [
        ("binary", &binary),
        ("start", &start),
        ("plan", &plans),
        ("simulated", &releases),
        ("pods", &pods),
        ("single", &|| live::single::print(&executable)),
        ("scale", &|| live::scale::simulated(&executable)),
        ("real", &|| live::real(&executable)),
    ];
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            part();
        }
    }
}

fn line(figure: &str, measured: &str, budget: &str) {
    println!("{figure:<52} {measured:>14}   {budget}");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}

fn executable() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_kubectl-kruise"))
}

fn binary() {
    let bytes = std::fs::metadata(executable()).map_or(0, |metadata| metadata.len());
    line(
        "binary, stripped",
        &format!("{:.1} MB", bytes as f64 / 1e6),
        "<= 16 MB (Go plugin 51.5-65 MB)",
    );
}

/// CPU seconds of all children so far, from /proc: user and system, in hundredths.
fn children_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |place: usize| {
        fields
            .get(place)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(13) + ticks(14)) / 100.0
}

/// Pods of one Deployment that the simulator makes and lets become ready, and copies out.
fn pods() {
    const PODS: i32 = 100_000;
    let (objects, took) = timed(|| application(PODS, &[json!({ "replicas": "10%" })]));
    let ready = objects
        .iter()
        .filter(|object| object["kind"] == "Pod" && object["status"]["phase"] == "Running")
        .count();
    let seconds = took.as_secs_f64();
    line(
        "simulated pods, 100,000 of one Deployment",
        &format!("{seconds:.1} s"),
        &format!(
            "{:.0} ready pods per second",
            f64::from(u32::try_from(ready).unwrap_or(0)) / seconds
        ),
    );
}

fn cpu_per_start(program: &Path, arguments: &[&str], runs: u32) -> Option<(f64, f64)> {
    let before = children_cpu();
    let (all_ran, wall) = timed(|| {
        (0..runs).all(|_| {
            let run = Command::new(program)
                .args(arguments)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            run.is_ok_and(|status| status.success())
        })
    });
    all_ran.then(|| {
        let milliseconds = 1000.0 / f64::from(runs);
        (
            (children_cpu() - before) * milliseconds,
            wall.as_secs_f64() * milliseconds,
        )
    })
}

fn start() {
    let ours = cpu_per_start(&executable(), &["rollout", "version", "--client"], 200);
    let kubectl = std::env::var_os("KUBECTL")
        .map(PathBuf::from)
        .or_else(|| live::built("kubectl"))
        .unwrap_or_else(|| PathBuf::from("kubectl"));
    let theirs = cpu_per_start(&kubectl, &["version", "--client"], 20);
    match ours {
        Some((cpu, wall)) => line(
            "start, version --client: CPU (wall)",
            &format!("{cpu:.1} ({wall:.1}) ms"),
            "<= 3 ms CPU",
        ),
        None => line("start, version --client", "failed", "<= 3 ms CPU"),
    }
    match (ours, theirs) {
        (Some((cpu, _)), Some((peer, wall))) => {
            line(
                "  kubectl version --client: CPU (wall)",
                &format!("{peer:.1} ({wall:.1}) ms"),
                &format!("{:.0} times ours", peer / cpu.max(0.1)),
            );
        }
        _ => line("  kubectl version --client", "not here", "set KUBECTL to compare"),
    }
}

/// An application at rest as a cluster would show it: made on the simulator and copied from it.
fn application(replicas: i32, steps: &[Value]) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let clock = Clock::starting_at(START.parse().expect("a time"));
        let sim = Sim::new(sim::Options::new(clock));
        let labels = json!({ "app": "web" });
        let metadata = json!({ "name": "web", "namespace": "shop" });
        let objects = [
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }),
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": { "replicas": replicas,
                "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "web", "image": "web:v1" }] } } } }),
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": { "rules": [{ "http": { "paths":
                [{ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } }] } }] } }),
            json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "enableExtraWorkloadForCanary": true, "steps": steps,
                    "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web" } }] } } } }),
        ];
        // Through the API, so that the objects are defaulted as an API server's are.
        for object in objects {
            let object: DynamicObject = serde_json::from_value(object).expect("an object");
            let types = object.types.clone().expect("a kind");
            let plural = if types.kind == "Ingress" { "ingresses".to_owned() } else { format!("{}s", types.kind.to_lowercase()) };
            let kind = GroupVersionKind::try_from(&types).expect("a kind");
            let resource = ApiResource::from_gvk_with_plural(&kind, &plural);
            let api: Api<DynamicObject> = match &object.metadata.namespace {
                Some(namespace) => Api::namespaced_with(sim.client(), namespace, &resource),
                None => Api::all_with(sim.client(), &resource),
            };
            api.create(&PostParams::default(), &object).await.expect("the application is accepted");
        }
        let _controllers = sim.start();
        clock.sleep(Duration::from_secs(10)).await;
        let (events, _unheard) = tokio::sync::mpsc::unbounded_channel();
        let scope = Scope::Names { namespace: "shop".to_owned(), names: vec!["web".to_owned()] };
        let options = driver::Options { identity: "bench".to_owned(), ..driver::Options::default() };
        driver::drive(sim.client(), clock, scope, options, events).await.expect("the engine takes note of what runs");
        let kinds = [
            ("v1", "Namespace"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "ReplicaSet"),
            ("v1", "Pod"),
            ("v1", "Service"),
            ("networking.k8s.io/v1", "Ingress"),
            ("rollouts.kruise.io/v1beta1", "Rollout"),
        ];
        kinds.iter().flat_map(|(version, kind)| sim.list(version, kind, None)).collect()
    })
}

fn release(objects: Vec<Value>) -> Plan {
    let images = vec![NewImage {
        container: "web".to_owned(),
        image: "web:v2".to_owned(),
    }];
    plan::predict(Request {
        objects,
        namespace: "shop".to_owned(),
        rollout: "web".to_owned(),
        change: Change {
            images,
            ..Change::default()
        },
        start: START.parse().expect("a time"),
        pod_ready_after: Duration::from_secs(1),
        ..Request::default()
    })
    .expect("a plan")
}

fn plans() {
    let steps: Vec<Value> =
        (1..=50).map(|step| json!({ "replicas": format!("{}%", step * 2), "traffic": format!("{}%", step * 2), "pause": {} })).collect();
    let objects = application(1000, &steps);
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let copy = objects.clone();
        let (plan, took) = timed(|| release(copy));
        assert_eq!(plan.steps.len(), 50, "{}", plan.summary());
        best = best.min(took);
    }
    line(
        "plan, 1,000 pods x 50 steps",
        &format!("{:.0} ms", best.as_secs_f64() * 1000.0),
        "<= 50 ms",
    );
}

fn releases() {
    let steps = [
        json!({ "replicas": 1, "traffic": "20%", "pause": {} }),
        json!({ "replicas": "50%", "traffic": "50%", "pause": {} }),
        json!({ "replicas": "100%", "traffic": "100%", "pause": {} }),
    ];
    let objects = application(5, &steps);
    let (count, took) = timed(|| {
        (0..200)
            .map(|_| release(objects.clone()))
            .filter(|plan| plan.end == plan::End::Completed)
            .count()
    });
    line(
        "simulated releases per second (5 pods, 3 steps)",
        &format!("{:.0}", count as f64 / took.as_secs_f64()),
        ">= 100",
    );
}
