//! Two engines at once: one writes, the other waits for its Lease.

use kubectl_kruise::engine::core::Stop;
use serde_json::json;

use super::world::{Engine, LEASE, NAMESPACE, Setup, World};

/// How long a Lease lasts, and the second that a takeover may take besides.
const TAKEOVER: f64 = 15.0 + 1.0;

/// Who wrote, Leases left out; runs of the same writer are one.
fn writers(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world
        .sim
        .trace()
        .iter()
        .filter(|write| write.user_agent.starts_with("engine-") && !write.path.contains("/leases"))
        .map(|write| write.user_agent.clone())
        .collect();
    names.dedup();
    names
}

async fn to_step_two(world: &mut World, engine: &mut Engine) {
    world
        .until(engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    world
        .until(engine, "step 1", 120, |w| w.paused_at(1))
        .await
        .unwrap();
    world.approve().await;
    world
        .until(engine, "step 2", 120, |w| w.paused_at(2))
        .await
        .unwrap();
}

async fn writes_of_one_engine() -> usize {
    let mut world = World::new(Setup::default()).await;
    let mut engine = world.engine(true);
    to_step_two(&mut world, &mut engine).await;
    world
        .until(&mut engine, "the end", 120, |w| {
            w.phase_is("Healthy") && w.leftovers().is_empty()
        })
        .await
        .unwrap();
    world.pass(60.0).await;
    world.writes_of("engine-")
}

#[tokio::test(start_paused = true)]
async fn two_engines_write_as_much_as_one_and_never_between_each_other() {
    let alone = writes_of_one_engine().await;
    let mut world = World::new(Setup::default()).await;
    let mut first = world.engine(true);
    let _second = world.engine(true);
    to_step_two(&mut world, &mut first).await;
    world
        .until(&mut first, "the end", 120, |w| {
            w.phase_is("Healthy") && w.leftovers().is_empty()
        })
        .await
        .unwrap();
    world.pass(60.0).await;
    // A Lease is given back at every wait for a human, and may go to the other one then: at rest, and at step 1.
    let turns = writers(&world);
    assert!(turns.len() <= 3, "{turns:?}");
    let together: usize = world.writes_of("engine-");
    assert_eq!(together, alone, "{turns:?}");
    assert_eq!(world.lease_holders(), Vec::<String>::new());
    assert_eq!(world.guard.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_other_engine_takes_over_when_one_dies() {
    let mut world = World::new(Setup::default()).await;
    let mut first = world.engine(true);
    to_step_two(&mut world, &mut first).await;
    assert_eq!(world.lease_holders(), [first.identity.clone()]);
    let mut second = world.engine(true);
    // Sees the other's Lease when it has something to write: here the end of the timed pause.
    world.pass(1.0).await;
    first.task.abort();
    let died = world.clock.now();
    let before = world.writes_of(&second.identity);
    assert_eq!(before, 0);
    let identity = second.identity.clone();
    world
        .until(&mut second, "a takeover", 60, |w| w.writes_of(&identity) > 0)
        .await
        .unwrap();
    // The pause of 5 s had 4 s left, and the Lease is judged from when it is first seen.
    let took = world.clock.now().duration_since(died).as_secs_f64();
    assert!(took <= 4.0 + TAKEOVER, "{took}");
    world
        .until(&mut second, "the end", 120, |w| {
            w.phase_is("Healthy") && w.leftovers().is_empty()
        })
        .await
        .unwrap();
    world.pass(5.0).await;
    assert_eq!(world.lease_holders(), Vec::<String>::new());
    assert_eq!(world.guard.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_run_on_a_rollout_that_a_live_engine_holds_ends_and_writes_nothing() {
    let mut world = World::new(Setup::default()).await;
    let second = world.engine(false);
    for renewal in 0..10 {
        let renewed = format!("2026-06-01T00:00:{renewal:02}.000000Z");
        let spec = json!({ "holderIdentity": "somebody", "leaseDurationSeconds": 15, "renewTime": renewed });
        let metadata = json!({ "name": "rollout-demo", "namespace": NAMESPACE });
        let lease = json!({ "apiVersion": LEASE.0, "kind": LEASE.1, "metadata": metadata, "spec": spec });
        world.sim.load(lease).unwrap();
        world.pass(5.0).await;
    }
    assert!(second.task.is_finished());
    let stops: Vec<(String, Stop)> = second
        .task
        .await
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|(key, stop)| (key.to_string(), stop))
        .collect();
    let holder = "somebody".to_owned();
    assert_eq!(
        stops,
        [(format!("{NAMESPACE}/demo"), Stop::OtherEngine { holder })]
    );
    assert_eq!(
        world
            .sim
            .trace()
            .iter()
            .filter(|write| write.user_agent == second.identity)
            .count(),
        0
    );
}

/// One engine sees that the workload is gone, the other one's watch is broken: each takes back what the other one says.
#[tokio::test(start_paused = true)]
async fn engines_that_see_different_clusters_do_not_flood_the_server() {
    let mut world = World::new(Setup::default()).await;
    let mut first = world.engine(true);
    let second = world.engine(true);
    world
        .until(&mut first, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.trouble.deafen(&second.identity, "/deployments");
    world.sim.cut_watches();
    world.delete_workload().await;
    let before = world.writes_of("engine-");
    world.pass(60.0).await;
    let writes = world.writes_of("engine-") - before;
    assert!(writers(&world).len() > 2, "they agree");
    // 64 at once and four a second after that, of each of them.
    assert!(writes <= 2 * (64 + 4 * 60), "{writes} writes");
}
