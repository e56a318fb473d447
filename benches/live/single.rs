//! What one command costs, against the simulated API server on loopback: requests, bytes of the answers, peak memory.

use std::{path::Path, process::Command};

use kubectl_kruise::{
    clock::Clock,
    sim::{Options, Sim},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::meter::Meter;
use crate::{application, line};

/// Measures memory from outside, also of a process that lives for milliseconds.
const TIME: &str = "/usr/bin/time";

pub(crate) fn print(executable: &Path) {
    let steps = [
        json!({ "replicas": 1, "traffic": "20%", "pause": {} }),
        json!({ "replicas": "100%", "pause": {} }),
    ];
    let mut objects = application(5, &steps);
    for object in &mut objects {
        if object["kind"] == "Rollout" {
            paused(object);
        }
    }
    let (requests, _, memory) = cost(executable, &objects, &["approve", "web", "--no-wait"]);
    line("approve --no-wait: requests", &requests.to_string(), "2");
    line("  peak memory", &memory, "<= 12 MB (Go plugin 50 MB)");
    let (_, alone, _) = cost(executable, &objects, &["status", "web"]);
    objects.extend((0..10_000).map(|number| {
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("foreign-{number}"), "namespace": "shop",
            "labels": { "app": "foreign" } }, "spec": { "containers": [{ "name": "main", "image": "foreign" }] } })
    }));
    let (requests, bytes, memory) = cost(executable, &objects, &["status", "web"]);
    line(
        "status beside 10,000 foreign pods: requests",
        &requests.to_string(),
        "<= 6 (argo 12)",
    );
    line(
        "  bytes of the answers (without the foreign pods)",
        &format!("{:.1} ({:.1}) kB", bytes as f64 / 1e3, alone as f64 / 1e3),
        "this Rollout only (argo 43.7 MiB)",
    );
    line("  peak memory", &memory, "<= 15 MB (argo 278 MiB)");
}

fn paused(rollout: &mut Value) {
    let status = &mut rollout["status"];
    status["phase"] = json!("Progressing");
    status["conditions"] = json!([{ "type": "Progressing", "status": "True", "reason": "InRolling", "message": "",
        "lastTransitionTime": crate::START, "lastUpdateTime": crate::START }]);
    for (field, value) in [
        ("currentStepIndex", json!(1)),
        ("nextStepIndex", json!(2)),
        ("currentStepState", json!("StepPaused")),
    ] {
        status["canaryStatus"][field] = value;
    }
}

/// Requests, bytes, and peak memory of one run.
fn cost(executable: &Path, objects: &[Value], arguments: &[&str]) -> (u64, u64, String) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let entered = runtime.enter();
    let sim = Sim::new(Options::new(Clock::wall()));
    drop(entered);
    for object in objects {
        sim.load(object.clone()).expect("loaded");
    }
    let meter = Meter::default();
    let (front, back) = runtime.block_on(async {
        let any = ("127.0.0.1", 0);
        (
            TcpListener::bind(any).await.expect("a port"),
            TcpListener::bind(any).await.expect("a port"),
        )
    });
    let server = format!("http://{}", front.local_addr().expect("an address"));
    let behind = back.local_addr().expect("an address");
    let served = sim.clone();
    runtime.spawn(async move { served.serve(back).await });
    runtime.spawn(meter.clone().relay(front, behind));
    let measured = Path::new(TIME).exists();
    let mut command = if measured {
        let mut command = Command::new(TIME);
        command.args(["-f", "%M"]).arg(executable);
        command
    } else {
        Command::new(executable)
    };
    let output = command
        .args(["rollout", "-n", "shop", "--server", &server])
        .args(arguments)
        .output()
        .expect("it ran");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.stdout.is_empty(), "{arguments:?}: {said}");
    let kilobytes = said
        .lines()
        .last()
        .and_then(|line| line.parse::<f64>().ok())
        .filter(|_| measured);
    let memory = kilobytes.map_or_else(
        || format!("no {TIME}"),
        |kilobytes| format!("{:.1} MB", kilobytes * 1.024 / 1e3),
    );
    let numbers = (sim.requests(), meter.bytes(), memory);
    runtime.shutdown_background();
    numbers
}
