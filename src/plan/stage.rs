//! The copy: a simulated cluster with the objects of the release, on which the change is made and the engine runs.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Map, Value};

use super::{
    Error, LONGEST_DAYS, Plan, Request, WhatIf,
    change::{Released, is_rollout, workload_in},
    copy,
    follow::{Course, follow},
    gates,
    timeline::{Census, Timeline},
    what_if,
};
use crate::{
    analysis::Inline,
    api::{
        keys,
        v1beta1::{Phase, Rollout, Step, StepState},
    },
    clock::Clock,
    engine::driver::RolloutKey,
    release::{self, Position},
    sim::{self, Sim},
    traffic::Shared,
    workload::Kind,
};

/// A simulated cluster with the objects of a release, as they are but for what its change says of other objects than the
/// workload.
pub(super) fn set(request: &mut Request, clock: Clock) -> Result<Sim, Error> {
    let mut objects = std::mem::take(&mut request.objects);
    request
        .change
        .prepare(&mut objects, &request.namespace, &request.rollout)?;
    let mut objects = copy::relevant(objects, &request.namespace, &request.rollout);
    let loses_node = request
        .what_if
        .iter()
        .any(|one| matches!(one, WhatIf::NodeLost(_)));
    if loses_node && !objects.iter().any(is_node) {
        // To lose one, there must be some.
        let nodes = copy::nodes_of(&objects, |_| true, &Map::new());
        objects.extend(nodes);
    }
    let mut options = sim::Options {
        pod_ready_after: what_if::slow(&request.what_if).unwrap_or(request.pod_ready_after),
        ..sim::Options::new(clock)
    };
    if objects.iter().any(is_node) {
        options.nodes = 0;
    }
    let sim = Sim::new(options);
    for object in objects {
        let what = format!(
            "{}/{}",
            object["kind"].as_str().unwrap_or("?"),
            object["metadata"]["name"].as_str().unwrap_or("?")
        );
        sim.load(object).map_err(|error| Error::Copy {
            what,
            why: error.to_string(),
        })?;
    }
    what_if::check(&sim, &request.what_if).map_err(Error::WhatIf)?;
    Ok(sim)
}

/// What befalls the copy from the beginning.
pub(super) fn afflict(sim: &Sim, request: &Request) {
    let rollout = rollout_of(sim, &request.namespace, &request.rollout);
    let stable = stable_of(&rollout);
    what_if::begin(
        sim,
        &request.what_if,
        &well(sim, &request.namespace, stable.as_deref()),
    );
}

/// Goes through the release.
pub(super) async fn simulate(mut request: Request, analysis: Option<Arc<Inline>>) -> Result<Plan, Error> {
    let clock = Clock::starting_at(request.start);
    let sim = set(&mut request, clock)?;
    let client = sim.client();
    let rollout = rollout_of(&sim, &request.namespace, &request.rollout);
    let steps = steps_of(&rollout);
    let workload = Released::of(&sim, &request.namespace, &rollout);
    let census = match workload.as_ref().map(|workload| (workload.kind, workload.read())) {
        Some((kind, Some(object))) if kind != Kind::Deployment => Census::Pods(Box::new(object)),
        _ => Census::ReplicaSets,
    };
    let stable = stable_of(&rollout);
    afflict(&sim, &request);
    let mut controllers = sim.start();
    if let Some(workload) = &workload {
        workload.change(&client, &request.change).await?;
    }
    let key = RolloutKey {
        namespace: request.namespace.clone(),
        name: request.rollout.clone(),
    };
    let gates = gates::of(
        &sim,
        &request.namespace,
        &rollout,
        analysis.as_deref(),
        steps.len(),
    );
    let timeline = Timeline::new(request.start, &steps, census, stable)
        .shared_by(shared_split(&sim, &request.namespace, &rollout))
        .gated_by(gates);
    let course = Course {
        key: key.clone(),
        until_step: request.until_step,
        what_if: request.what_if,
        scripts: request.scripts,
        analysis,
    };
    let follow = follow(&sim, client, clock, course, timeline);
    let ended = tokio::time::timeout(Duration::from_secs(LONGEST_DAYS * 86_400), follow);
    let ended = controllers.beside(ended).await;
    let ended = ended.ok_or_else(dead)?;
    let (timeline, end, message) = ended.map_err(|_| Error::Endless)??;
    Ok(timeline.into_plan(key, end, message))
}

/// A copy in which nothing moves any more says nothing about a release.
pub(super) fn dead() -> Error {
    Error::Simulation("a model controller stopped unexpectedly".to_owned())
}

/// What the TrafficRouting that a Rollout shares with others does, in words.
fn shared_split(sim: &Sim, namespace: &str, rollout: &Value) -> Option<String> {
    let rollout: Rollout = serde_json::from_value(rollout.clone()).ok()?;
    let name = rollout.traffic_routing_name()?;
    let object = sim.get("rollouts.kruise.io/v1alpha1", "TrafficRouting", namespace, name)?;
    release::traffic::of_shared(&Shared::new(serde_json::from_value(object).ok()?))
}

fn is_node(object: &Value) -> bool {
    object["kind"] == "Node"
}

/// The Rollout in the copy; null when it is not there.
pub(super) fn rollout_of(sim: &Sim, namespace: &str, name: &str) -> Value {
    sim.get("rollouts.kruise.io/v1beta1", "Rollout", namespace, name)
        .unwrap_or_default()
}

fn steps_of(rollout: &Value) -> Vec<Step> {
    let strategy =
        serde_json::from_value::<crate::api::v1beta1::Strategy>(rollout["spec"]["strategy"].clone());
    strategy
        .map(|strategy| strategy.steps().to_vec())
        .unwrap_or_default()
}

/// The revision that runs before the release: the accepted one at rest, the recorded stable one under way.
fn stable_of(rollout: &Value) -> Option<String> {
    let rollout: Rollout = serde_json::from_value(rollout.clone()).ok()?;
    let position = Position::of(&rollout);
    let at_rest = position.state == StepState::Completed && position.phase != Phase::Progressing;
    let revision = if at_rest {
        position.new_revision
    } else {
        position.stable_revision
    };
    Some(revision).filter(|revision| !revision.is_empty())
}

/// The template of the pods that run before the release; nothing when nobody noted which version that is.
#[must_use]
pub fn old_template(objects: &[Value], namespace: &str, rollout: &str) -> Option<Value> {
    let rollout = objects
        .iter()
        .find(|object| is_rollout(object, namespace, rollout))?;
    let typed: Rollout = serde_json::from_value(rollout.clone()).ok()?;
    let stable = stable_of(rollout);
    let noted = stable.as_ref().and_then(|stable| {
        // A revision may have its workload's name before it, or not.
        let is_stable = |name: &Value| {
            name.as_str()
                .is_some_and(|name| name == stable || name.ends_with(&format!("-{stable}")))
        };
        objects
            .iter()
            .filter(|object| object["metadata"]["namespace"] == namespace)
            .find_map(|object| match object["kind"].as_str()? {
                "ReplicaSet" if object["metadata"]["labels"][keys::POD_TEMPLATE_HASH] == **stable => {
                    Some(object["spec"]["template"].clone())
                }
                "ControllerRevision" if is_stable(&object["metadata"]["name"]) => {
                    Some(object["data"]["spec"]["template"].clone())
                }
                _ => None,
            })
    });
    let at_rest = Position::of(&typed).phase != Phase::Progressing;
    noted.or_else(|| {
        let workload = workload_in(objects, namespace, rollout).filter(|_| at_rest)?;
        Some(workload["spec"]["template"].clone())
    })
}

/// Revisions whose pods run well, as the label of their pods has them: the stable one, or all where it is not known.
fn well(sim: &Sim, namespace: &str, stable: Option<&str>) -> BTreeSet<String> {
    let pods = sim.list("v1", "Pod", Some(namespace));
    let labels = pods.iter().filter_map(|pod| {
        let labels = &pod["metadata"]["labels"];
        let label = |key: &str| labels[key].as_str().map(str::to_owned);
        label("pod-template-hash").or_else(|| label("controller-revision-hash"))
    });
    // A revision may have its workload's name before it, or not.
    let is_stable = |label: &String| {
        stable.is_none_or(|stable| label == stable || label.ends_with(&format!("-{stable}")))
    };
    labels.filter(is_stable).collect()
}
