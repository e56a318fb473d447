//! Runs the engine on the copy, watches the pods, approves, until the release ends.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use jiff::Timestamp;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    runtime::{WatchStreamExt as _, watcher},
};

use super::{
    End, Error, Losses, WhatIf,
    change::{api, words},
    stage::rollout_of,
    timeline::{Census, Timeline},
};
use crate::{
    analysis::Inline,
    clock::Clock,
    engine::{
        core::{INVALID, Reason, Stop},
        driver::{self, Event, RolloutKey, Scope},
    },
    release::{Approval, Guard, approval},
    sim::Sim,
    traffic::script::Folder,
};

/// From a pause until it is approved: long enough for pods that the step takes away to be gone from the counts.
const SETTLED: Duration = Duration::from_millis(100);

/// How the release is gone through.
pub(super) struct Course {
    pub(super) key: RolloutKey,
    /// The step at whose pause it ends.
    pub(super) until_step: Option<i32>,
    pub(super) what_if: Vec<WhatIf>,
    pub(super) scripts: Option<Arc<Folder>>,
    pub(super) analysis: Option<Arc<Inline>>,
}

/// Goes through the release, and says how it ended and why.
pub(super) async fn follow(
    sim: &Sim,
    client: kube::Client,
    clock: Clock,
    course: Course,
    mut timeline: Timeline,
) -> Result<(Timeline, End, String), Error> {
    let key = course.key;
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let scope = Scope::Names {
        namespace: key.namespace.clone(),
        names: vec![key.name.clone()],
    };
    let options = driver::Options {
        identity: "plan".to_owned(),
        forever: true,
        scripts: course.scripts,
        analysis: course.analysis,
        meter: Some(Arc::new(driver::meter::Assumed)),
        ..driver::Options::default()
    };
    let engine = driver::drive(client.clone(), clock, scope, options, events);
    let counted = match timeline.census() {
        Census::ReplicaSets => api(&client, &key.namespace, "apps/v1", "ReplicaSet", "replicasets"),
        Census::Pods(_) => api(&client, &key.namespace, "v1", "Pod", "pods"),
    };
    let mut pods = watcher(counted, watcher::Config::default().timeout(86_400))
        .default_backoff()
        .boxed();
    let rollouts = api(
        &client,
        &key.namespace,
        "rollouts.kruise.io/v1beta1",
        "Rollout",
        "rollouts",
    );
    tokio::pin!(engine);
    let mut due: Option<Timestamp> = None;
    let mut losses = Losses::new(sim, &course.what_if, &key.namespace);
    let mut reached = None;
    loop {
        let left = due.map_or(SETTLED, |due| {
            Duration::try_from(due.duration_since(clock.now())).unwrap_or_default()
        });
        tokio::select! {
            biased;
            Some(Ok(event)) = pods.next() => timeline.pods(event),
            Some(event) = told.recv() => match event {
                Event::Moved { reason, at, step, .. } => {
                    timeline.moved(at, step, &reason);
                    losses.see(&reason).map_err(Error::WhatIf)?;
                    let pause = match reason {
                        Reason::WaitingForApproval { step, .. } | Reason::TimedPause { step, .. } => Some(step),
                        _ => None,
                    };
                    reached = pause.filter(|step| course.until_step.is_some_and(|until| *step >= until));
                    if reached.is_some() || matches!(reason, Reason::WaitingForApproval { .. }) {
                        due.get_or_insert(at + SETTLED);
                    } else {
                        due = None;
                    }
                }
                Event::Wrote { at, effect, .. } => timeline.wrote(at, &effect),
                Event::Stopped { stop: Stop::WaitingForApproval { .. }, .. } => {}
                Event::Stopped { stop, .. } => {
                    let end = end_of(&stop, timeline.is_empty());
                    timeline.unknown(losses.untold(None));
                    return Ok((timeline, end, message_of(stop, &key)));
                }
                Event::Retrying { .. } | Event::HeldElsewhere { .. } | Event::Unreadable { .. } => {}
            },
            () = clock.sleep(left), if due.is_some() => {
                due = None;
                timeline.approved();
                if let Some(step) = reached {
                    timeline.unknown(losses.untold(Some(step)));
                    let message = format!("the rest, after the pause of step {step}, is not planned");
                    return Ok((timeline, End::StepReached, message));
                }
                approve(sim, &rollouts, &key).await?;
            }
            result = &mut engine => {
                let error = result.err().map_or_else(|| "the engine stopped".to_owned(), |error| error.to_string());
                return Err(Error::Simulation(error));
            }
        }
    }
}

fn end_of(stop: &Stop, is_empty: bool) -> End {
    match stop {
        Stop::AtRest => End::NothingToDo,
        Stop::Completed | Stop::RolledBack | Stop::Disabled | Stop::Gone if is_empty => End::NothingToDo,
        // A Rollout that is disabled or deleted in the middle of a release lets the new version go everywhere.
        Stop::Completed | Stop::Disabled | Stop::Gone => End::Completed,
        Stop::RolledBack => End::RolledBack,
        Stop::Degraded { .. } => End::Degraded,
        Stop::WaitingForApproval { .. }
        | Stop::Paused
        | Stop::Blocked { .. }
        | Stop::Invalid { .. }
        | Stop::Refused { .. }
        | Stop::NotFound
        | Stop::OtherEngine { .. } => End::Blocked,
    }
}

fn message_of(stop: Stop, key: &RolloutKey) -> String {
    match stop {
        Stop::Blocked { message } | Stop::Degraded { message } | Stop::Refused { message, .. } => message,
        Stop::Invalid { why } => format!("{INVALID}: {}", why.join("; ")),
        Stop::Paused => "spec.strategy.paused is set; the release goes on when it is resumed".to_owned(),
        Stop::NotFound => format!("Rollout {key} not found"),
        _ => String::new(),
    }
}

/// Approves the step that is paused, as `approve` does.
async fn approve(sim: &Sim, rollouts: &Api<DynamicObject>, key: &RolloutKey) -> Result<(), Error> {
    loop {
        let rollout = rollout_of(sim, &key.namespace, &key.name);
        let patch = match approval::decide(&rollout, &Guard::default()) {
            Ok(Approval::Send { patch, .. }) => patch,
            Ok(Approval::Already { .. }) => return Ok(()),
            Err(refusal) => return Err(Error::Simulation(format!("Rollout {key} {refusal}"))),
        };
        match rollouts
            .patch_status(&key.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(Error::Simulation(words(&error))),
        }
    }
}
