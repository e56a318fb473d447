//! Recorded releases on sim, in virtual time, with its native form of the hold policy and once more without.

use std::{collections::BTreeMap, time::Duration};

use kubectl_kruise::{
    clock::Clock,
    engine::driver::{self, Options, Scope},
    sim::{self, Sim},
};

use super::{compare::compare, player, scenario::Scenario};
use crate::harness::cluster::Cluster;

/// In virtual time nothing else runs, so the first pause must be there once the pods and the grace periods allow it:
/// pods ready after 1 s, which outlasts the first grace of 1 s, one more grace, and half a second.
const FIRST_PAUSE: Duration = Duration::from_millis(2500);

/// Unheld, the old version's capacity comes back first.
const FIRST_PAUSE_UNHELD: Duration = Duration::from_secs(5);

/// Plays a recorded release, compares, and tells when its first pause came.
pub(super) async fn release(name: &str, held: bool) -> Option<Duration> {
    let scenario = Scenario::load(name);
    let clock = Clock::wall();
    let sim = Sim::new(sim::Options {
        hold: held,
        kruise: true,
        gateways: true,
        ..sim::Options::new(clock)
    });
    let _controllers = sim.start();
    let cluster = Cluster {
        client: sim.client(),
        namespace: format!("parity-{name}"),
    };
    cluster.create_namespace(&serde_json::json!({})).await;
    let (events, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let engine = tokio::spawn(driver::drive(
        sim.client(),
        clock,
        Scope::Selected {
            namespace: Some(cluster.namespace.clone()),
            labels: None,
        },
        Options {
            identity: "sim-test".to_owned(),
            forever: true,
            ..Options::default()
        },
        events,
    ));
    let played = player::play(&cluster, clock, &scenario).await;
    engine.abort();
    let mut story = String::new();
    while let Ok(event) = seen.try_recv() {
        story.push_str(&format!("{event:?}\n"));
    }
    let recording = played.unwrap_or_else(|error| panic!("{name}: {error}\n{story}"));
    let mut writes: BTreeMap<String, usize> = BTreeMap::new();
    for write in sim.trace().iter().filter(|write| !write.path.contains("/leases")) {
        *writes.entry(write.field_manager.clone()).or_default() += 1;
    }
    let verdict = compare(&scenario, &recording.checkpoints);
    println!(
        "{name}, held {held}: first pause {:?}; writes {writes:?}",
        recording.first_pause
    );
    for line in &verdict.meant {
        println!("    departure, {line}");
    }
    assert_eq!(verdict.bugs, Vec::<String>::new(), "{story}");
    recording.first_pause
}

macro_rules! releases {
    ($($test:ident: $name:literal, $held:literal;)*) => {
        /// The recorded releases that are played here, some of them twice in a row.
        pub(crate) const PLAYED: &[&str] = &[$($name),*];
$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            let limit = if $held { FIRST_PAUSE } else { FIRST_PAUSE_UNHELD };
            let first = release($name, $held).await;
            assert!(first.is_some_and(|span| span <= limit), "{first:?}");
        }
    )*};
}

releases! {
    parity_sim_canary_nginx_weight_held: "canary-nginx-weight", true;
    parity_sim_canary_nginx_weight_unheld: "canary-nginx-weight", false;
    parity_sim_rollback_mid_canary_held: "rollback-mid-canary", true;
    parity_sim_rollback_mid_canary_unheld: "rollback-mid-canary", false;
    parity_sim_delete_rollout_mid_canary_held: "delete-rollout-mid-canary", true;
    parity_sim_delete_rollout_mid_canary_unheld: "delete-rollout-mid-canary", false;
    parity_sim_disable_mid_canary_held: "disable-mid-canary", true;
    parity_sim_disable_mid_canary_unheld: "disable-mid-canary", false;
    parity_sim_canary_nginx_header: "canary-nginx-header", true;
    parity_sim_higress_header_then_weight: "higress-header-then-weight", true;
    parity_sim_mse_header_then_weight: "mse-header-then-weight", true;
    parity_sim_aliyun_alb_header_then_weight: "aliyun-alb-header-then-weight", true;
    parity_sim_jump_forward: "jump-forward", true;
    parity_sim_scale_mid_canary: "scale-mid-canary", true;
    parity_sim_continuous_release: "continuous-release", true;
    parity_sim_partition_batches_held: "partition-batches", true;
    parity_sim_partition_batches_unheld: "partition-batches", false;
    parity_sim_partition_nginx_held: "partition-nginx", true;
    parity_sim_partition_nginx_unheld: "partition-nginx", false;
    parity_sim_rollback_mid_partition_held: "rollback-mid-partition", true;
    parity_sim_rollback_mid_partition_unheld: "rollback-mid-partition", false;
    parity_sim_strategy_paused_held: "strategy-paused", true;
    parity_sim_strategy_paused_unheld: "strategy-paused", false;
    parity_sim_bluegreen_nginx_held: "bluegreen-nginx", true;
    parity_sim_bluegreen_nginx_unheld: "bluegreen-nginx", false;
    parity_sim_statefulset_batches_held: "statefulset-batches", true;
    parity_sim_statefulset_batches_unheld: "statefulset-batches", false;
    parity_sim_daemonset_batches_held: "daemonset-batches", true;
    parity_sim_advanced_statefulset_batches_held: "advanced-statefulset-batches", true;
    parity_sim_advanced_statefulset_batches_unheld: "advanced-statefulset-batches", false;
    parity_sim_cloneset_nginx_held: "cloneset-nginx", true;
    parity_sim_cloneset_nginx_unheld: "cloneset-nginx", false;
    parity_sim_cloneset_rollback_held: "cloneset-rollback", true;
    parity_sim_cloneset_rollback_unheld: "cloneset-rollback", false;
    parity_sim_cloneset_bluegreen_held: "cloneset-bluegreen", true;
    parity_sim_cloneset_bluegreen_unheld: "cloneset-bluegreen", false;
    parity_sim_gateway_weight_held: "gateway-weight", true;
    parity_sim_gateway_weight_unheld: "gateway-weight", false;
    parity_sim_gateway_header_held: "gateway-header", true;
    parity_sim_gateway_header_unheld: "gateway-header", false;
    parity_sim_istio_weight_held: "istio-weight", true;
    parity_sim_istio_weight_unheld: "istio-weight", false;
    parity_sim_istio_header_held: "istio-header", true;
    parity_sim_istio_header_unheld: "istio-header", false;
}
