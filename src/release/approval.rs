//! Whether a paused step may go on, and the one patch that says so.

use serde_json::{Value, json};

use crate::api::v1beta1::{Phase, StepState};

/// What the user wants to be sure of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Guard {
    /// This step must be the one that is paused.
    pub step: Option<i32>,
    /// This must be the new revision.
    pub revision: Option<String>,
}

/// What an approval comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Approval {
    /// This merge patch of the status subresource lets step `step` go on.
    Send {
        /// The step that is approved, 1-based.
        step: i32,
        /// The patch; it names the resourceVersion, so that two approvals advance once.
        patch: Value,
    },
    /// Somebody has approved the step already, and no engine has seen it yet.
    Already {
        /// The step.
        step: i32,
    },
}

/// Why nothing is approved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// No release is under way.
    NotUnderWay {
        /// The phase.
        phase: Phase,
    },
    /// The step is not paused.
    NotPaused {
        /// `canary` or `blue-green`.
        style: &'static str,
        /// The step.
        step: i32,
        /// The number of steps.
        total: i32,
        /// Where the step is.
        state: StepState,
    },
    /// The release is being rolled back or cancelled: no step of it goes on.
    RollingBack,
    /// The Rollout is being deleted.
    Deleting,
    /// The steps are over; what is left is closing work.
    StepsAreOver,
    /// The plan has no such step.
    NoSuchStep {
        /// As given.
        wanted: i32,
        /// The number of steps.
        total: i32,
    },
    /// An approval goes forward.
    NotAhead {
        /// As given.
        wanted: i32,
        /// As it is.
        step: i32,
    },
    /// A way back goes back.
    NotBehind {
        /// As given.
        wanted: i32,
        /// As it is.
        step: i32,
    },
    /// No earlier step keeps traffic away from the new version.
    NoQuietStep {
        /// As it is.
        step: i32,
    },
    /// Another step than the one named is at hand.
    OtherStep {
        /// As given.
        wanted: i32,
        /// As it is.
        step: i32,
    },
    /// Another revision than the one named is being released.
    OtherRevision {
        /// As given.
        wanted: String,
        /// As it is.
        revision: String,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotUnderWay { phase } => {
                write!(
                    f,
                    "no need to approve: not in canary or blue-green progress (phase {phase})"
                )
            }
            Self::NotPaused {
                style,
                step,
                total,
                state,
            } => write!(
                f,
                "does not allow to approve, because current {style} state is not 'StepPaused' (step {step}/{total} is in {state})"
            ),
            Self::RollingBack => f.write_str("is rolling back; there is nothing to approve"),
            Self::Deleting => f.write_str("is being deleted; there is nothing to approve"),
            Self::StepsAreOver => f.write_str("has all of its steps behind it: nothing is left to jump to"),
            Self::NoSuchStep { wanted, total } => write!(f, "has {total} steps, and no step {wanted}"),
            Self::NotAhead { wanted, step } => {
                write!(
                    f,
                    "is at step {step}, and step {wanted} is not ahead; nothing was approved"
                )
            }
            Self::NotBehind { wanted, step } => {
                write!(
                    f,
                    "is at step {step}, and step {wanted} is not behind it; nothing was changed"
                )
            }
            Self::NoQuietStep { step } => write!(
                f,
                "is at step {step}, and no earlier step keeps traffic away from the new version"
            ),
            Self::OtherStep { wanted, step } => {
                write!(f, "is at step {step}, not at step {wanted}; nothing was approved")
            }
            Self::OtherRevision { wanted, revision } => {
                write!(
                    f,
                    "releases revision {revision:?}, not {wanted:?}; nothing was approved"
                )
            }
        }
    }
}

impl Guard {
    /// That it is still the release that this Rollout shows, at whatever step: who approves all steps of it has seen no
    /// other.
    #[must_use]
    pub fn of_release(rollout: &Value) -> Self {
        let revision = sub_status(rollout).ok().and_then(|sub| {
            let known = ["canaryRevision", "updatedRevision"].map(|key| sub.value[key].as_str());
            known.into_iter().flatten().find(|text| !text.is_empty())
        });
        Self {
            step: None,
            revision: revision.map(str::to_owned),
        }
    }
}

/// Decides on an approval. Reads only fields that v1alpha1 and v1beta1 share, so it works on either.
///
/// # Errors
/// When there is nothing to approve, or a guard does not hold.
pub fn decide(rollout: &Value, guard: &Guard) -> Result<Approval, Refusal> {
    let Sub {
        field,
        style,
        step,
        state,
        ..
    } = guarded(rollout, guard)?;
    match state {
        StepState::StepPaused => Ok(Approval::Send {
            step,
            patch: ready(rollout, field),
        }),
        StepState::StepReady => Ok(Approval::Already { step }),
        state => Err(Refusal::NotPaused {
            style,
            step,
            total: total(rollout),
            state,
        }),
    }
}

/// The patch by which an engine goes on with the next step.
pub(super) fn ready(rollout: &Value, field: &str) -> Value {
    json!({
        "metadata": { "resourceVersion": rollout["metadata"]["resourceVersion"] },
        "status": { field: { "currentStepState": StepState::StepReady } },
    })
}

/// The release under way, if it is the one that the guard is about.
pub(super) fn guarded<'a>(rollout: &'a Value, guard: &Guard) -> Result<Sub<'a>, Refusal> {
    if !rollout["metadata"]["deletionTimestamp"].is_null() {
        return Err(Refusal::Deleting);
    }
    let under_way = sub_status(rollout)?;
    let (step, sub) = (under_way.step, under_way.value);
    if let Some(wanted) = guard.step.filter(|wanted| *wanted != step) {
        return Err(Refusal::OtherStep { wanted, step });
    }
    if let Some(wanted) = &guard.revision {
        let known = ["canaryRevision", "updatedRevision", "podTemplateHash"]
            .map(|key| sub[key].as_str().unwrap_or_default());
        if !known.contains(&wanted.as_str()) {
            let revision = known
                .iter()
                .find(|text| !text.is_empty())
                .copied()
                .unwrap_or_default()
                .to_owned();
            return Err(Refusal::OtherRevision {
                wanted: wanted.clone(),
                revision,
            });
        }
    }
    Ok(under_way)
}

/// The part of the status that a client may write to, of a release under way.
pub(super) struct Sub<'a> {
    /// Its name: `canaryStatus` or `blueGreenStatus`.
    pub(super) field: &'static str,
    /// `canary` or `blue-green`.
    pub(super) style: &'static str,
    /// The step.
    pub(super) step: i32,
    /// Where the step is.
    pub(super) state: StepState,
    /// All of it.
    pub(super) value: &'a Value,
}

pub(super) fn sub_status(rollout: &Value) -> Result<Sub<'_>, Refusal> {
    let status = &rollout["status"];
    let phase = Phase::from(status["phase"].as_str().unwrap_or("Initial"));
    let progressing = |reason: &str| {
        status["conditions"].as_array().is_some_and(|all| {
            all.iter()
                .any(|c| c["type"] == "Progressing" && c["reason"] == reason)
        })
    };
    let (field, style) = match (
        status["canaryStatus"].is_object(),
        status["blueGreenStatus"].is_object(),
    ) {
        (true, _) => ("canaryStatus", "canary"),
        (false, true) => ("blueGreenStatus", "blue-green"),
        (false, false) => return Err(Refusal::NotUnderWay { phase }),
    };
    if phase != Phase::Progressing || progressing("Completed") {
        return Err(Refusal::NotUnderWay { phase });
    }
    if progressing("Cancelling") {
        return Err(Refusal::RollingBack);
    }
    let sub = &status[field];
    let step = sub["currentStepIndex"]
        .as_i64()
        .and_then(|n| i32::try_from(n).ok())
        .unwrap_or_default();
    let state = StepState::from(sub["currentStepState"].as_str().unwrap_or_default());
    Ok(Sub {
        field,
        style,
        step,
        state,
        value: sub,
    })
}

pub(super) fn total(rollout: &Value) -> i32 {
    let strategy = &rollout["spec"]["strategy"];
    let steps = ["canary", "blueGreen"]
        .iter()
        .find_map(|style| strategy[*style]["steps"].as_array());
    steps
        .and_then(|steps| i32::try_from(steps.len()).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Approval, Guard, decide};

    fn rollout(phase: &str, reason: &str, field: &str, state: &str) -> Value {
        json!({
            "metadata": { "name": "demo", "resourceVersion": "7" },
            "spec": { "strategy": { "canary": { "steps": [{}, {}] } } },
            "status": {
                "phase": phase,
                "conditions": [{ "type": "Progressing", "reason": reason }],
                field: { "currentStepIndex": 1, "currentStepState": state, "canaryRevision": "r2", "podTemplateHash": "h2" } } })
    }

    #[test]
    fn approves_only_what_is_paused() {
        let send = |field: &str| {
            Ok(Approval::Send {
                step: 1,
                patch: json!({ "metadata": { "resourceVersion": "7" }, "status": { field: { "currentStepState": "StepReady" } } }),
            })
        };
        let no = |text: &str| Err(text.to_owned());
        let guard = |step: Option<i32>, revision: Option<&str>| Guard {
            step,
            revision: revision.map(str::to_owned),
        };
        let free = guard(None, None);
        let paused = rollout("Progressing", "InRolling", "canaryStatus", "StepPaused");
        let mut deleting = paused.clone();
        deleting["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        // Who approves all steps of one release approves none of the next.
        let mut next = paused.clone();
        next["status"]["canaryStatus"]["canaryRevision"] = json!("r3");
        next["status"]["canaryStatus"]["podTemplateHash"] = json!("h3");
        let cases = [
            (paused.clone(), free.clone(), send("canaryStatus")),
            (
                rollout("Progressing", "InRolling", "blueGreenStatus", "StepPaused"),
                free.clone(),
                send("blueGreenStatus"),
            ),
            (
                deleting,
                free.clone(),
                no("is being deleted; there is nothing to approve"),
            ),
            (paused.clone(), Guard::of_release(&paused), send("canaryStatus")),
            (
                next,
                Guard::of_release(&paused),
                no("releases revision \"r3\", not \"r2\"; nothing was approved"),
            ),
            (paused.clone(), guard(Some(1), Some("r2")), send("canaryStatus")),
            (paused.clone(), guard(Some(1), Some("h2")), send("canaryStatus")),
            (
                paused.clone(),
                guard(Some(2), None),
                no("is at step 1, not at step 2; nothing was approved"),
            ),
            (
                paused,
                guard(None, Some("r3")),
                no("releases revision \"r2\", not \"r3\"; nothing was approved"),
            ),
            (
                rollout("Progressing", "InRolling", "canaryStatus", "StepReady"),
                free.clone(),
                Ok(Approval::Already { step: 1 }),
            ),
            (
                rollout("Progressing", "InRolling", "canaryStatus", "StepUpgrade"),
                free.clone(),
                no(
                    "does not allow to approve, because current canary state is not 'StepPaused' (step 1/2 is in StepUpgrade)",
                ),
            ),
            // After a rollback the state stays as it was; the phase tells.
            (
                rollout("Healthy", "Completed", "canaryStatus", "StepPaused"),
                free.clone(),
                no("no need to approve: not in canary or blue-green progress (phase Healthy)"),
            ),
            (
                json!({}),
                free,
                no("no need to approve: not in canary or blue-green progress (phase Initial)"),
            ),
        ];
        for (rollout, guard, expected) in cases {
            assert_eq!(
                decide(&rollout, &guard).map_err(|refusal| refusal.to_string()),
                expected,
                "{rollout}"
            );
        }
    }
}
