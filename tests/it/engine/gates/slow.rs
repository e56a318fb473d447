//! Providers that are slow: nobody waits for them but the release that they decide about.

use std::time::Duration;

use kubectl_kruise::engine::driver::{self, Event, Options, Scope};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::mpsc;

use super::{DEPLOYMENT, NAMESPACE, World, canary, good, script, template};
use crate::harness::cluster::Place;

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_longer_than_the_interval_is_waited_for_and_holds_up_nobody_else() {
    let often = template(&json!({ "metric": { "interval": "1s", "count": 3 } }));
    let mut world = World::new(DEPLOYMENT, canary(), &often, script(|_, _| good())).await;
    world.meter.takes = Duration::from_secs(25);
    let cluster = world.cluster();
    let labels = json!({ "app": "free" });
    let mut strategy = canary();
    strategy["canary"]["steps"].as_array_mut().unwrap().truncate(1);
    let free = [
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "free", "namespace": NAMESPACE },
            "spec": { "replicas": 2, "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "main", "image": "free:v1" }] } } } }),
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "free", "namespace": NAMESPACE },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "free" }, "strategy": strategy } }),
    ];
    for object in &free {
        cluster.create(object).await.unwrap();
    }
    let (events, _told) = mpsc::unbounded_channel::<Event>();
    let options = Options {
        identity: "slow".to_owned(),
        forever: true,
        meter: Some(Arc::new(world.meter.clone())),
        ..Options::default()
    };
    let scope = Scope::Selected {
        namespace: Some(NAMESPACE.to_owned()),
        labels: None,
    };
    let engine = tokio::spawn(driver::drive(
        world.sim.client(),
        world.clock,
        scope,
        options,
        events,
    ));
    let phases = async || {
        let mut phases = Vec::new();
        for name in ["free", "web"] {
            let rollout = cluster.get(Place::named("rollout"), name).await.unwrap().unwrap();
            phases.push(rollout["status"]["phase"].clone());
        }
        phases
    };
    // The first measurement of `web` is under way, and `free` comes to rest and goes through a whole release meanwhile.
    world.clock.sleep(Duration::from_secs(8)).await;
    assert_eq!(phases().await, ["Healthy", "Progressing"]);
    assert_eq!(world.meter.asked.lock().unwrap().len(), 1);
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "free:v2" }] } } } });
    let strategic = "application/strategic-merge-patch+json";
    cluster
        .patch(Place::named("deployment"), "free", "", strategic, &image)
        .await
        .unwrap();
    world.clock.sleep(Duration::from_secs(14)).await;
    let free = cluster
        .get(Place::named("deployment"), "free")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            phases().await,
            &free["spec"]["template"]["spec"]["containers"][0]["image"],
            &free["status"]["updatedReplicas"]
        ),
        (
            vec![json!("Healthy"), json!("Progressing")],
            &json!("free:v2"),
            &json!(2)
        )
    );
    assert_eq!(
        world.meter.asked.lock().unwrap().len(),
        1,
        "one question at a time"
    );
    world.clock.sleep(Duration::from_secs(200)).await;
    assert_eq!(phases().await, ["Healthy", "Healthy"]);
    let asked = world.asked();
    let first = asked[0].1;
    let after: Vec<(i64, i64)> = asked
        .iter()
        .map(|(number, second)| (*number, second - first))
        .collect();
    assert_eq!(
        after[..3],
        [(0, 0), (1, 25), (2, 50)],
        "the next as soon as the last one is answered"
    );
    let numbers: Vec<i64> = after.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 2, 0, 1, 2], "of each step");
    engine.abort();
}
