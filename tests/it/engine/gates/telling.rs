//! What is told of gates: by progress lines and by Events.

use std::sync::Arc;

use kubectl_kruise::engine::driver::{self, Event, Options, Scope};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Answer, DEPLOYMENT, NAMESPACE, World, canary, script, template};

#[tokio::test(start_paused = true)]
async fn the_values_of_measurements_and_why_a_release_goes_back_are_told() {
    let answers = script(|number, _| match number {
        0 => Answer::Result(json!([0.99])),
        1 => super::away(),
        number => Answer::Result(json!([0.9 - f64::from(i32::try_from(number).unwrap()) / 10.0])),
    });
    let limit = template(&json!({ "metric": { "count": 4, "failureLimit": 1 } }));
    let world = World::new(DEPLOYMENT, canary(), &limit, answers).await;
    let (events, mut told) = mpsc::unbounded_channel::<Event>();
    let options = Options {
        identity: "telling".to_owned(),
        record: true,
        meter: Some(Arc::new(world.meter.clone())),
        ..Options::default()
    };
    let scope = Scope::Names {
        namespace: NAMESPACE.to_owned(),
        names: vec!["web".to_owned()],
    };
    driver::drive(world.sim.client(), world.clock, scope, options, events)
        .await
        .unwrap();
    let mut lines = Vec::new();
    while let Some(event) = told.recv().await {
        if let Event::Moved { reason, .. } = event {
            lines.push(reason.to_string());
        }
    }
    lines.retain(|line| {
        line.contains("metrics") || line.contains("measuring") || line.contains("rolling back")
    });
    lines.dedup();
    insta::assert_snapshot!(lines.join("\n"), @r"
    step 1/2: measuring success-rate 0 of 4
    step 1/2: measuring success-rate 1 of 4 (0.99 good)
    step 1/2: measuring success-rate 1 of 4 (error: cannot be reached)
    step 1/2: measuring success-rate 2 of 4 (0.7 bad)
    step 1/2: its metrics failed: success-rate is 0.6 (result[0] >= 0.95): 2 bad measurements, 1 tolerated; rolling back
    rolling back: the workload rolls
    ");
    let notes = world.sim.list("v1", "Event", Some(NAMESPACE));
    let notes: Vec<String> = notes
        .iter()
        .filter(|note| note["involvedObject"]["kind"] == "Rollout" && note["type"] == "Warning")
        .map(|note| {
            format!(
                "{}: {}",
                note["reason"].as_str().unwrap(),
                note["message"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(notes.join("\n"), @r"
    MetricsFailed: step 1/2: its metrics failed: success-rate is 0.6 (result[0] >= 0.95): 2 bad measurements, 1 tolerated; rolling back
    ");
}
