//! Plays a script against a cluster on which some engine is at work.

use std::{collections::BTreeMap, time::Duration};

use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};

use super::{
    observe,
    scenario::{Scenario, Verb},
};
use crate::harness::cluster::{Cluster, Place};

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    /// What the cluster was at each checkpoint.
    pub(crate) checkpoints: BTreeMap<String, Value>,
    /// From the first new version to the first pause after it.
    pub(crate) first_pause: Option<Duration>,
}

/// Plays a release to its end, or tells which wait was not fulfilled.
pub(crate) async fn play(cluster: &Cluster, clock: Clock, scenario: &Scenario) -> Result<Recording, String> {
    run(cluster, clock, scenario, &scenario.script).await
}

/// Plays the first lines of a release.
pub(crate) async fn run(
    cluster: &Cluster,
    clock: Clock,
    scenario: &Scenario,
    script: &[Verb],
) -> Result<Recording, String> {
    for manifest in &scenario.manifests {
        cluster
            .create(manifest)
            .await
            .map_err(|error| format!("{}: {error}", manifest["kind"]))?;
    }
    let mut recording = Recording::default();
    let mut changed = None;
    for verb in script {
        match verb {
            Verb::Checkpoint(name) => {
                clock.sleep(Duration::from_millis(1500)).await;
                let seen = observe::observe(cluster)
                    .await
                    .map_err(|error| format!("{name}: {error}"))?;
                recording.checkpoints.insert(name.clone(), seen);
            }
            Verb::Settle(span) => clock.sleep(*span).await,
            Verb::Wait {
                rollout,
                gone,
                wanted,
            } => {
                let rollout = rollout.as_ref().unwrap_or(&scenario.rollout);
                wait(cluster, clock, rollout, *gone, wanted, scenario.timeout).await?;
                let paused = wanted.get("state").is_some_and(|state| state == "StepPaused");
                if let (None, Some(start), true) = (recording.first_pause, changed, paused) {
                    recording.first_pause = Duration::try_from(clock.now().duration_since(start)).ok();
                }
            }
            Verb::Image { .. } => {
                changed = changed.or(Some(clock.now()));
                act(cluster, scenario, verb)
                    .await
                    .map_err(|error| format!("{verb:?}: {error}"))?;
            }
            _ => act(cluster, scenario, verb)
                .await
                .map_err(|error| format!("{verb:?}: {error}"))?,
        }
    }
    Ok(recording)
}

/// Does what a line says.
pub(crate) async fn act(cluster: &Cluster, scenario: &Scenario, verb: &Verb) -> kube::Result<()> {
    match verb {
        Verb::Image { kind, name, to } => {
            let image = format!("echoserver:{to}");
            let body = json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image }]);
            cluster.patch(Place::named(kind), name, "", JSON, &body).await?;
        }
        Verb::Approve { rollout } => {
            let name = rollout.as_ref().unwrap_or(&scenario.rollout);
            let place = Place::named("rollout");
            let object = cluster.get(place, name).await?.unwrap_or_default();
            let blue_green = object["status"]["blueGreenStatus"].is_object();
            let status = if blue_green {
                "blueGreenStatus"
            } else {
                "canaryStatus"
            };
            let body = json!({ "status": { status: { "currentStepState": "StepReady" } } });
            cluster.patch(place, name, "/status", MERGE, &body).await?;
        }
        Verb::Patch {
            kind,
            name,
            status,
            merge,
        } => {
            let subresource = if *status { "/status" } else { "" };
            cluster
                .patch(Place::named(kind), name, subresource, MERGE, merge)
                .await?;
        }
        Verb::Scale { kind, name, to } => {
            let body = json!({ "spec": { "replicas": to } });
            cluster
                .patch(Place::named(kind), name, "/scale", MERGE, &body)
                .await?;
        }
        Verb::Delete { kind, name } => {
            cluster.delete(Place::named(kind), name).await?;
        }
        Verb::Wait { .. } | Verb::Settle(_) | Verb::Checkpoint(_) => {}
    }
    Ok(())
}

async fn wait(
    cluster: &Cluster,
    clock: Clock,
    rollout: &str,
    gone: bool,
    wanted: &BTreeMap<String, Value>,
    timeout: Duration,
) -> Result<(), String> {
    let began = clock.now();
    loop {
        let object = cluster
            .get(Place::named("rollout"), rollout)
            .await
            .map_err(|error| error.to_string())?;
        let seen = match (&object, gone) {
            (None, true) => return Ok(()),
            (None, false) => return Err(format!("{rollout} is gone while waiting for {wanted:?}")),
            (Some(object), _) => state(object),
        };
        if !gone && wanted.iter().all(|(key, value)| holds(key, value, &seen)) {
            return Ok(());
        }
        if Duration::try_from(clock.now().duration_since(began)).is_ok_and(|spent| spent > timeout) {
            return Err(format!(
                "timed out waiting for {wanted:?} (gone: {gone}), at {seen}"
            ));
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
}

/// A message is matched by a part of it, everything else whole.
fn holds(key: &str, wanted: &Value, seen: &Value) -> bool {
    match (key, wanted.as_str()) {
        ("message", Some(part)) => seen[key].as_str().is_some_and(|message| message.contains(part)),
        _ => &seen[key] == wanted,
    }
}

fn state(rollout: &Value) -> Value {
    let status = &rollout["status"];
    let conditions = status["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let progressing = conditions
        .iter()
        .find(|condition| condition["type"] == "Progressing");
    json!({
        "phase": status["phase"],
        "step": status["currentStepIndex"],
        "state": status["currentStepState"],
        "message": status["message"],
        "reason": progressing.map_or(Value::Null, |condition| condition["reason"].clone()),
    })
}
