//! Events on the Rollout: what `kubectl describe` tells of a release. Best effort: none of it delays or fails a release.

use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::RolloutKey;
use crate::{
    api::{
        Time, keys,
        v1beta1::{Phase, Rollout},
    },
    clock::Clock,
    engine::core::Reason,
};

/// Longest message that the API server takes.
const LONGEST_MESSAGE: usize = 1024;

/// Where a release stands, as coarsely as Events tell it.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Stage {
    /// No release, or one that has come to its end.
    Rest,
    /// Pods or traffic are moving.
    Moving,
    /// The pods and the traffic of a step are in place.
    StepDone(i32),
    Paused,
    /// The new version goes out everywhere; the last step is done.
    Finalising,
    /// Its metrics take it back.
    Condemned,
    Cancelling,
    /// Only a human can help.
    Stuck,
}

/// Where a Rollout stood when it was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Standpoint {
    stage: Stage,
    is_completed: bool,
    revision: String,
    step: i32,
    /// The step that was told to be done before the release was paused.
    done: i32,
}

impl Standpoint {
    /// Of a Rollout that waits for this reason; nothing while its status does not yet speak of the version that the
    /// release is about.
    pub(super) fn of(rollout: &Rollout, reason: &Reason, before: Option<&Self>) -> Option<Self> {
        if matches!(
            reason,
            Reason::Starting | Reason::Restarting | Reason::WorkloadNotObserved
        ) {
            return None;
        }
        let stage = match reason {
            Reason::AtRest | Reason::Completed | Reason::Cancelled | Reason::Disabled | Reason::Gone => {
                Stage::Rest
            }
            Reason::WaitingForApproval { step, .. }
            | Reason::TimedPause { step, .. }
            | Reason::Measuring { step, .. } => Stage::StepDone(*step),
            Reason::Paused | Reason::GateClosed { failed: false, .. } => Stage::Paused,
            Reason::Finalising { .. } => Stage::Finalising,
            Reason::GateFailed { .. } => Stage::Condemned,
            Reason::Cancelling { .. } => Stage::Cancelling,
            _ if reason.stop().is_some() => Stage::Stuck,
            _ => Stage::Moving,
        };
        let done = match stage {
            Stage::StepDone(step) => step,
            Stage::Paused => before.map_or(0, |before| before.done),
            _ => 0,
        };
        Some(Self {
            stage,
            done,
            is_completed: *reason == Reason::Completed,
            ..Self::read(rollout)
        })
    }

    /// Of a Rollout that was not looked at before, from its status.
    pub(super) fn read(rollout: &Rollout) -> Self {
        let status = rollout.status.as_ref();
        let progressing = status.and_then(|status| {
            let mut conditions = status.conditions.iter();
            conditions.find(|condition| condition.kind == "Progressing")
        });
        let reason = progressing.map_or("", |condition| condition.reason.as_str());
        let stage = match status.and_then(|status| status.phase.as_ref()) {
            Some(Phase::Progressing) => match reason {
                "Paused" => Stage::Paused,
                "Finalising" => Stage::Finalising,
                "Cancelling" => Stage::Cancelling,
                _ => Stage::Moving,
            },
            _ => Stage::Rest,
        };
        let canary = status.and_then(|status| status.canary_status.as_ref());
        let blue_green = status.and_then(|status| status.blue_green_status.as_ref());
        let revision = canary
            .map(|sub| sub.canary_revision.clone())
            .or_else(|| blue_green.map(|sub| sub.updated_revision.clone()));
        Self {
            stage,
            is_completed: false,
            done: 0,
            revision: revision.unwrap_or_default(),
            step: status.map_or(0, |status| status.current_step_index),
        }
    }
}

/// One Event, before it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Note {
    kind: &'static str,
    reason: &'static str,
    message: String,
}

/// What a move from one standpoint to the next is worth telling. The sentences that upstream has are upstream's
/// (engine-rollout 15.3); it tells nothing of starts, pauses, ends and errors.
pub(super) fn notes(before: &Standpoint, now: &Standpoint, reason: &Reason) -> Vec<Note> {
    let normal = |reason: &'static str, message: String| Note {
        kind: "Normal",
        reason,
        message,
    };
    let mut notes = Vec::new();
    let was_at_rest = before.stage == Stage::Rest;
    let under_way = matches!(now.stage, Stage::Moving | Stage::StepDone(_) | Stage::Paused);
    if under_way && was_at_rest {
        notes.push(normal(
            "Progressing",
            format!("release of revision {} begins", now.revision),
        ));
    } else if under_way && !before.revision.is_empty() && before.revision != now.revision {
        notes.push(normal(
            "Progressing",
            "workload continuous publishing canaryRevision, then restart publishing".to_owned(),
        ));
    }
    if before.stage == now.stage && before.is_completed == now.is_completed {
        return notes;
    }
    let done = |step: i32| {
        normal(
            "Progressing",
            format!("upgrade step({step}) canary pods with new versions done"),
        )
    };
    match now.stage {
        Stage::StepDone(step) if before.stage == Stage::Paused && before.done == step => {}
        Stage::StepDone(step) => notes.push(done(step)),
        Stage::Finalising if before.stage == Stage::Moving => notes.push(done(now.step)),
        Stage::Paused => notes.push(normal("Paused", reason.to_string())),
        Stage::Condemned => notes.push(Note {
            kind: "Warning",
            reason: "MetricsFailed",
            message: reason.to_string(),
        }),
        Stage::Cancelling => notes.push(normal(
            "Progressing",
            "workload has been rollback, then rollout is canceled".to_owned(),
        )),
        Stage::Rest if now.is_completed && !was_at_rest => {
            notes.push(normal("Completed", reason.to_string()));
        }
        Stage::Rest if *reason == Reason::Cancelled && !was_at_rest => {
            notes.push(normal("Cancelled", reason.to_string()));
        }
        Stage::Stuck => notes.push(Note {
            kind: "Warning",
            reason: "Degraded",
            message: reason.to_string(),
        }),
        _ => {}
    }
    notes
}

/// What is told of a write that fails over and over, and of one that is refused for good.
pub(super) fn failure(message: String) -> Note {
    Note {
        kind: "Warning",
        reason: "WriteFailed",
        message,
    }
}

/// Writes an Event. Its name follows from what it tells, so that two engines that see the same tell it once.
pub(super) async fn write(
    client: Client,
    clock: Clock,
    identity: String,
    key: RolloutKey,
    rollout: Rollout,
    note: Note,
) {
    let uid = rollout.metadata.uid.unwrap_or_default();
    let status = rollout.status.unwrap_or_default();
    let moved = status
        .canary_status
        .and_then(|sub| sub.last_update_time)
        .or_else(|| status.blue_green_status.and_then(|sub| sub.last_update_time));
    let moved = moved.and_then(|time| serde_json::to_string(&time).ok());
    let mut digest = Sha256::new();
    for part in [&uid, &moved.unwrap_or_default(), note.reason, &note.message] {
        digest.update(part);
        digest.update([0]);
    }
    let digest: String = digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let now = Time(clock.now());
    let mut message = note.message;
    while message.len() > LONGEST_MESSAGE {
        message.pop();
    }
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": format!("{}.{digest}", key.name), "namespace": key.namespace },
        "involvedObject": {
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
            "namespace": key.namespace, "name": key.name, "uid": uid,
        },
        "type": note.kind,
        "reason": note.reason,
        "message": message,
        "source": { "component": keys::FIELD_MANAGER },
        "reportingComponent": keys::FIELD_MANAGER,
        "reportingInstance": identity,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    let resource = kube::api::ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client, &key.namespace, &resource);
    let params = PostParams {
        field_manager: Some(keys::FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = match serde_json::from_value(event) {
        Ok(event) => api.create(&params, &event).await,
        Err(error) => Err(kube::Error::SerdeError(error)),
    };
    match written {
        // Told already.
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => tracing::debug!(%key, %error, "could not record an event"),
        Ok(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Standpoint, notes};
    use crate::{api::v1beta1::Rollout, engine::core::Reason};

    fn rollout(phase: &str, condition: &str, revision: &str, step: i32) -> Rollout {
        serde_json::from_value(json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": {} },
            "status": {
                "phase": phase, "currentStepIndex": step, "currentStepState": "StepUpgrade",
                "canaryStatus": { "canaryRevision": revision, "currentStepState": "StepUpgrade", "currentStepIndex": step },
                "conditions": [{ "type": "Progressing", "status": "True", "reason": condition,
                    "message": "" }],
            },
        }))
        .unwrap()
    }

    /// A whole release tells each of its turns once; standing still tells nothing.
    #[test]
    fn tells_each_turn_once() {
        let upgrading = |step| Reason::Upgrading {
            step,
            total: 2,
            ready: 0,
            wanted: 1,
        };
        let waiting = |step| Reason::WaitingForApproval { step, total: 2 };
        let story = [
            ("v2", 1, upgrading(1)),
            ("v2", 1, Reason::TrafficGrace { step: 1, total: 2 }),
            ("v2", 1, waiting(1)),
            ("v2", 1, waiting(1)),
            ("v2", 1, Reason::Paused),
            ("v2", 1, waiting(1)),
            ("v3", 1, upgrading(1)),
            (
                "v3",
                1,
                Reason::DeadlineExceeded {
                    waiting_for: "pods".to_owned(),
                    seconds: 600,
                },
            ),
            ("v3", 1, upgrading(1)),
            ("v3", 1, waiting(1)),
            ("v3", 2, upgrading(2)),
            ("v3", 2, Reason::Finalising { doing: "traffic" }),
            ("v3", 2, Reason::Completed),
            ("v3", 2, Reason::Completed),
            ("v4", 1, upgrading(1)),
            ("v4", 1, Reason::Cancelling { doing: "traffic" }),
            ("v4", 1, Reason::Cancelled),
        ];
        let mut before = Standpoint::read(&rollout("Healthy", "Completed", "v1", 2));
        let mut told = Vec::new();
        for (revision, step, reason) in story {
            let now = Standpoint::of(
                &rollout("Progressing", "InRolling", revision, step),
                &reason,
                Some(&before),
            );
            let now = now.unwrap();
            let new = notes(&before, &now, &reason);
            told.extend(
                new.iter()
                    .map(|note| format!("{} {}: {}", note.kind, note.reason, note.message)),
            );
            before = now;
        }
        insta::assert_snapshot!(told.join("\n"), @r"
        Normal Progressing: release of revision v2 begins
        Normal Progressing: upgrade step(1) canary pods with new versions done
        Normal Paused: Rollout has been paused, you can resume it by kube-cli
        Normal Progressing: workload continuous publishing canaryRevision, then restart publishing
        Warning Degraded: no progress for 600 seconds: pods
        Normal Progressing: upgrade step(1) canary pods with new versions done
        Normal Progressing: upgrade step(2) canary pods with new versions done
        Normal Completed: Rollout progressing has been completed
        Normal Progressing: release of revision v4 begins
        Normal Progressing: workload has been rollback, then rollout is canceled
        Normal Cancelled: Rollout progressing has been canceled
        ");
    }

    #[test]
    fn an_engine_that_takes_over_does_not_tell_the_beginning_again() {
        let rollout = rollout("Progressing", "InRolling", "v2", 2);
        let reason = Reason::TrafficGrace { step: 2, total: 2 };
        let now = Standpoint::of(&rollout, &reason, None).unwrap();
        assert_eq!(notes(&Standpoint::read(&rollout), &now, &reason), []);
    }
}
