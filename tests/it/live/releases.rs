//! Recorded releases on a real control plane, with the hold policy and once more without it.

use std::time::Duration;

use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
};

use super::{
    audit,
    control_plane::{User, shared},
};
use crate::parity::{compare::compare, player, scenario::Scenario};

/// How long the first pause may take here, where the machine is shared: the budget is the benchmark's business.
const FIRST_PAUSE: Duration = Duration::from_secs(15);

/// Plays a recorded release, compares, and tells when its first pause came.
pub(super) async fn release(name: &str, held: bool) -> Option<Duration> {
    let scenario = Scenario::load(name);
    let plane = shared();
    let hold = if held { "held" } else { "unheld" };
    let cluster = plane.namespace(&format!("{name}-{hold}"), held).await;
    let (events, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let engine = tokio::spawn(driver::drive(
        plane.client(User::Admin, "engine").await,
        Clock::wall(),
        Scope::Selected {
            namespace: Some(cluster.namespace.clone()),
            labels: None,
        },
        Options {
            identity: "live-test".to_owned(),
            forever: true,
            ..Options::default()
        },
        events,
    ));
    let played = player::play(&cluster, Clock::wall(), &scenario).await;
    let ended = engine.is_finished();
    engine.abort();
    let mut story = String::new();
    while let Ok(event) = seen.try_recv() {
        story.push_str(&format!("{event:?}\n"));
    }
    let recording = played.unwrap_or_else(|error| panic!("{name}: {error}\nengine ended: {ended}\n{story}"));
    let verdict = compare(&scenario, &recording.checkpoints);
    println!(
        "{name}, {hold}: first pause {:?}; writes {:?}",
        recording.first_pause,
        audit::writes(plane, &cluster.namespace)
    );
    for line in &verdict.meant {
        println!("    departure, {line}");
    }
    assert_eq!(verdict.bugs, Vec::<String>::new(), "{story}");
    cluster.delete_namespace().await;
    recording.first_pause
}

macro_rules! releases {
    ($($test:ident: $name:literal, $held:literal;)*) => {$(
        #[tokio::test]
        #[ignore = "needs the control plane; run with -- --ignored live"]
        async fn $test() {
            let first = release($name, $held).await;
            assert!(first.is_some_and(|span| span < FIRST_PAUSE), "{first:?}");
        }
    )*};
}

releases! {
    live_canary_nginx_weight_held: "canary-nginx-weight", true;
    live_canary_nginx_weight_unheld: "canary-nginx-weight", false;
    live_rollback_mid_canary_held: "rollback-mid-canary", true;
    live_rollback_mid_canary_unheld: "rollback-mid-canary", false;
    live_delete_rollout_mid_canary_held: "delete-rollout-mid-canary", true;
    live_delete_rollout_mid_canary_unheld: "delete-rollout-mid-canary", false;
    live_disable_mid_canary_held: "disable-mid-canary", true;
    live_disable_mid_canary_unheld: "disable-mid-canary", false;
    live_canary_nginx_header: "canary-nginx-header", true;
    live_higress_header_then_weight: "higress-header-then-weight", true;
    live_mse_header_then_weight: "mse-header-then-weight", true;
    live_aliyun_alb_header_then_weight: "aliyun-alb-header-then-weight", true;
    live_jump_forward: "jump-forward", true;
    live_scale_mid_canary: "scale-mid-canary", true;
    live_continuous_release: "continuous-release", true;
    live_partition_batches_held: "partition-batches", true;
    live_partition_batches_unheld: "partition-batches", false;
    live_partition_nginx_held: "partition-nginx", true;
    live_partition_nginx_unheld: "partition-nginx", false;
    live_rollback_mid_partition_held: "rollback-mid-partition", true;
    live_rollback_mid_partition_unheld: "rollback-mid-partition", false;
    live_strategy_paused: "strategy-paused", true;
    live_bluegreen_nginx_held: "bluegreen-nginx", true;
    live_bluegreen_nginx_unheld: "bluegreen-nginx", false;
    live_statefulset_batches_held: "statefulset-batches", true;
    live_statefulset_batches_unheld: "statefulset-batches", false;
    live_daemonset_batches_held: "daemonset-batches", true;
}

/// The executable, run as an operator runs it; it stops when this is dropped.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_canary_nginx_weight_by_the_executable() {
    let scenario = Scenario::load("canary-nginx-weight");
    let plane = shared();
    let cluster = plane.namespace("canary-nginx-weight-executable", true).await;
    let said = plane.folder().join("executable.log");
    let log = std::fs::File::create(&said).unwrap();
    let engine = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
        .args(["rollout", "run", "--all", "--forever"])
        .env("KUBECONFIG", plane.kubeconfig(User::Admin, &cluster.namespace))
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let running = Running(engine);
    let played = player::play(&cluster, Clock::wall(), &scenario).await;
    drop(running);
    let said = std::fs::read_to_string(said).unwrap();
    let recording = played.unwrap_or_else(|error| panic!("{error}\n{said}"));
    let verdict = compare(&scenario, &recording.checkpoints);
    println!(
        "executable: first pause {:?}; writes {:?}",
        recording.first_pause,
        audit::writes(plane, &cluster.namespace)
    );
    assert_eq!(verdict.bugs, Vec::<String>::new(), "{said}");
    cluster.delete_namespace().await;
}
