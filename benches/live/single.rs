//! What one command costs, against the simulated API server on loopback: requests, bytes of the answers, peak memory.

use std::{
    path::Path,
    process::{Command, Output},
};

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

/// The exit code of a release that waits for approval.
const PAUSED: i32 = 4;

pub(crate) fn print(executable: &Path) {
    let steps = [
        json!({ "replicas": 1, "traffic": "20%", "pause": {} }),
        json!({ "replicas": "100%", "pause": {} }),
    ];
    let objects = application(5, &steps);
    let (requests, _, memory) = cost(executable, &objects, 0, &["approve", "web", "--no-wait"]);
    line("approve --no-wait: requests", &requests.to_string(), "2");
    line("  peak memory", &memory, "<= 12 MB (Go plugin 50 MB)");
    let (_, alone, _) = cost(executable, &objects, 0, &["status", "web"]);
    let (requests, bytes, memory) = cost(executable, &objects, 10_000, &["status", "web"]);
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

/// Requests, bytes, and peak memory of one command at the first pause of a release, beside so many pods of others, with nothing
/// cached.
fn cost(executable: &Path, objects: &[Value], foreign: u32, arguments: &[&str]) -> (u64, u64, String) {
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
    let server = |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("an address"));
    let (metered, direct) = (server(&front), server(&back));
    let behind = back.local_addr().expect("an address");
    let served = sim.clone();
    runtime.spawn(async move { served.serve(back).await });
    runtime.spawn(meter.clone().relay(front, behind));
    let controllers = runtime.block_on(async { sim.start() });
    let release = ["set", "image", "web", "web=web:v2", "--standalone"];
    let released = uncached(Command::new(executable), &direct, &release);
    assert_eq!(released.status.code(), Some(PAUSED), "{released:?}");
    drop(controllers);
    for number in 0..foreign {
        let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("foreign-{number}"), "namespace": "shop",
            "labels": { "app": "foreign" } }, "spec": { "containers": [{ "name": "main", "image": "foreign" }] } });
        sim.load(pod).expect("loaded");
    }
    let before = sim.requests();
    let measured = Path::new(TIME).exists();
    let mut command = Command::new(if measured { Path::new(TIME) } else { executable });
    if measured {
        command.args(["-f", "%M"]).arg(executable);
    }
    let output = uncached(command, &metered, arguments);
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
    let numbers = (sim.requests() - before, meter.bytes(), memory);
    runtime.shutdown_background();
    numbers
}

/// Runs a command that knows nothing of its server from those before it, and leaves nothing for those after it.
fn uncached(mut command: Command, server: &str, arguments: &[&str]) -> Output {
    let cache = std::env::temp_dir().join(format!("kubectl-kruise-bench-{}", std::process::id()));
    let output = command
        .args(["rollout", "-n", "shop", "--server", server])
        .args(arguments)
        .arg("--cache-dir")
        .arg(&cache)
        .output()
        .expect("it ran");
    // Most commands keep nothing.
    let _ = std::fs::remove_dir_all(&cache);
    output
}
