//! Going to another step than the next one, and the one patch that says so. Engines follow `nextStepIndex` from wherever a
//! step is (engine-rollout 10.1).

use serde_json::{Value, json};

use super::approval::{Approval, Guard, Refusal, Sub, decide, guarded, ready, sub_status, total};
use crate::api::{
    int_or_percent::Round,
    v1beta1::{Step, StepState},
};

/// Where an approval leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aim {
    /// To the next step.
    Next,
    /// From a step that waits for it to this one, leaving out those between.
    Ahead(i32),
    /// To this step, even from one that is not done.
    Past(i32),
}

/// What an approval comes to.
///
/// # Errors
/// When the step does not wait for one, a guard does not hold, or the aim is not ahead.
pub fn towards(rollout: &Value, guard: &Guard, aim: Aim) -> Result<Jump, Refusal> {
    match aim {
        Aim::Past(to) => past(rollout, guard, to),
        Aim::Ahead(to) => ahead(rollout, guard, to),
        Aim::Next => Ok(match decide(rollout, guard)? {
            Approval::Already { step } => Jump::Already { step },
            Approval::Send { step, patch } => Jump::Send {
                from: step,
                to: step + 1,
                patch,
            },
        }),
    }
}

/// What a jump comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Jump {
    /// This merge patch of the status subresource leads from one step to another.
    Send {
        /// The step at hand, 1-based.
        from: i32,
        /// The step to go to.
        to: i32,
        /// The patch; it names the resourceVersion, so that what was seen is what is left.
        patch: Value,
    },
    /// It is there, or somebody said so already.
    Already {
        /// The step.
        step: i32,
    },
}

/// Approves the paused step and goes on with step `to`, leaving out those between.
///
/// # Errors
/// When the step is not paused, a guard does not hold, or `to` is not ahead.
pub fn ahead(rollout: &Value, guard: &Guard, to: i32) -> Result<Jump, Refusal> {
    let sub = sub_status(rollout)?;
    let last = total(rollout);
    if to > last {
        return Err(Refusal::NoSuchStep {
            wanted: to,
            total: last,
        });
    }
    let (patch, step) = match decide(rollout, guard)? {
        Approval::Already { step } => return Ok(Jump::Already { step }),
        Approval::Send { patch, step } => (patch, step),
    };
    if to <= step {
        return Err(Refusal::NotAhead { wanted: to, step });
    }
    // The next step is reached by an approval: that it is next is what every status says.
    if to == step + 1 {
        return Ok(Jump::Send {
            from: step,
            to,
            patch,
        });
    }
    Ok(to_step(rollout, &sub, to))
}

/// Leaves a step for step `to`, done or not: what keeps it from getting done may only go away later in the plan.
///
/// # Errors
/// When no release is under way, its steps are over, a guard does not hold, or `to` is not ahead.
pub fn past(rollout: &Value, guard: &Guard, to: i32) -> Result<Jump, Refusal> {
    let sub = guarded(rollout, guard)?;
    let last = total(rollout);
    if sub.state == StepState::Completed {
        return Err(Refusal::StepsAreOver);
    }
    match to {
        to if to > last => Err(Refusal::NoSuchStep {
            wanted: to,
            total: last,
        }),
        to if to <= sub.step => Err(Refusal::NotAhead {
            wanted: to,
            step: sub.step,
        }),
        // That it is next is what every status says.
        to if to == sub.step + 1 => Ok(match sub.state {
            StepState::StepReady => Jump::Already { step: sub.step },
            _ => Jump::Send {
                from: sub.step,
                to,
                patch: ready(rollout, sub.field),
            },
        }),
        to => Ok(to_step(rollout, &sub, to)),
    }
}

/// Goes back to an earlier step; the new version stays.
///
/// # Errors
/// When no release is under way, its steps are over, or `to` is not behind.
pub fn back(rollout: &Value, to: i32) -> Result<Jump, Refusal> {
    let sub = sub_status(rollout)?;
    let last = total(rollout);
    if to > last {
        return Err(Refusal::NoSuchStep {
            wanted: to,
            total: last,
        });
    }
    if sub.state == StepState::Completed {
        return Err(Refusal::StepsAreOver);
    }
    match to {
        to if to == sub.step => Ok(Jump::Already { step: to }),
        to if to > sub.step => Err(Refusal::NotBehind {
            wanted: to,
            step: sub.step,
        }),
        to => Ok(to_step(rollout, &sub, to)),
    }
}

/// Goes back to the earlier step with the most new pods among those that send no traffic to them: the new version is kept
/// ready, and serves nobody. `replicas` is the size of the workload.
///
/// # Errors
/// As [`back`], and when there is no such step.
pub fn quiet(rollout: &Value, steps: &[Step], replicas: i32) -> Result<Jump, Refusal> {
    let sub = sub_status(rollout)?;
    if sub.state == StepState::Completed {
        return Err(Refusal::StepsAreOver);
    }
    let is_quiet = |step: &&(i32, &Step)| {
        let percent = step.1.traffic.as_deref().map(|text| text.trim_end_matches('%'));
        step.1.matches.is_empty() && percent.is_none_or(|text| text.parse() == Ok(0))
    };
    let pods = |step: &Step| {
        let replicas_of = |count: &crate::api::IntOrPercent| count.of(replicas, Round::Up);
        step.replicas.as_ref().map_or(0, replicas_of)
    };
    let numbered: Vec<(i32, &Step)> = (1..).zip(steps).collect();
    let quiet: Vec<&(i32, &Step)> = numbered.iter().filter(is_quiet).collect();
    if quiet.iter().any(|(number, _)| *number == sub.step) {
        return Ok(Jump::Already { step: sub.step });
    }
    let earlier = quiet.into_iter().filter(|(number, _)| *number < sub.step);
    // Of equals the later one is nearer.
    let best = earlier.max_by_key(|(number, step)| (pods(step), *number));
    let Some((to, _)) = best else {
        return Err(Refusal::NoQuietStep { step: sub.step });
    };
    Ok(to_step(rollout, &sub, *to))
}

fn to_step(rollout: &Value, sub: &Sub<'_>, to: i32) -> Jump {
    if sub.value["nextStepIndex"] == to {
        return Jump::Already { step: to };
    }
    Jump::Send {
        from: sub.step,
        to,
        patch: json!({
            "metadata": { "resourceVersion": rollout["metadata"]["resourceVersion"] },
            "status": { sub.field: { "nextStepIndex": to } },
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Guard, Jump, ahead, back, past, quiet};

    fn rollout(step: i32, state: &str, reason: &str) -> Value {
        json!({
            "metadata": { "name": "demo", "resourceVersion": "7" },
            "spec": { "strategy": { "blueGreen": { "steps": [{}, {}, {}, {}] } } },
            "status": { "phase": "Progressing", "conditions": [{ "type": "Progressing", "reason": reason }],
                "blueGreenStatus": { "currentStepIndex": step, "currentStepState": state, "nextStepIndex": step + 1 } } })
    }

    fn shown(jump: Result<Jump, super::Refusal>) -> String {
        match jump {
            Ok(Jump::Send { from, to, patch }) => {
                format!("{from} to {to}: {}", patch["status"]["blueGreenStatus"])
            }
            Ok(Jump::Already { step }) => format!("already {step}"),
            Err(refusal) => refusal.to_string(),
        }
    }

    #[test]
    fn ahead_leaves_steps_out() {
        let paused = rollout(1, "StepPaused", "InRolling");
        let free = Guard::default();
        let cases = [
            (2, &free, r#"1 to 2: {"currentStepState":"StepReady"}"#),
            (4, &free, r#"1 to 4: {"nextStepIndex":4}"#),
            (5, &free, "has 4 steps, and no step 5"),
            (
                1,
                &free,
                "is at step 1, and step 1 is not ahead; nothing was approved",
            ),
            (
                4,
                &Guard {
                    step: Some(2),
                    revision: None,
                },
                "is at step 1, not at step 2; nothing was approved",
            ),
        ];
        for (to, guard, expected) in cases {
            assert_eq!(shown(ahead(&paused, guard, to)), expected, "{to}");
        }
        let mut told = paused;
        told["status"]["blueGreenStatus"]["nextStepIndex"] = json!(4);
        assert_eq!(shown(ahead(&told, &free, 4)), "already 4");
        assert!(ahead(&rollout(1, "StepUpgrade", "InRolling"), &free, 4).is_err());
    }

    #[test]
    fn past_a_step_that_is_not_done() {
        let free = Guard::default();
        let stuck = rollout(1, "StepUpgrade", "InRolling");
        let cases = [
            (stuck.clone(), 2, r#"1 to 2: {"currentStepState":"StepReady"}"#),
            (stuck.clone(), 4, r#"1 to 4: {"nextStepIndex":4}"#),
            (stuck.clone(), 5, "has 4 steps, and no step 5"),
            (
                stuck,
                1,
                "is at step 1, and step 1 is not ahead; nothing was approved",
            ),
            (rollout(1, "StepReady", "InRolling"), 2, "already 1"),
            (
                rollout(4, "Completed", "Finalising"),
                5,
                "has all of its steps behind it: nothing is left to jump to",
            ),
            (
                rollout(3, "StepUpgrade", "Cancelling"),
                4,
                "is rolling back; there is nothing to approve",
            ),
        ];
        for (rollout, to, expected) in cases {
            assert_eq!(shown(past(&rollout, &free, to)), expected, "{to} {rollout}");
        }
    }

    #[test]
    fn back_to_a_step() {
        let cases = [
            (
                rollout(3, "StepPaused", "InRolling"),
                1,
                r#"3 to 1: {"nextStepIndex":1}"#,
            ),
            (
                rollout(3, "StepUpgrade", "InRolling"),
                1,
                r#"3 to 1: {"nextStepIndex":1}"#,
            ),
            (rollout(3, "StepPaused", "InRolling"), 3, "already 3"),
            (
                rollout(3, "StepPaused", "InRolling"),
                4,
                "is at step 3, and step 4 is not behind it; nothing was changed",
            ),
            (
                rollout(4, "Completed", "Finalising"),
                1,
                "has all of its steps behind it: nothing is left to jump to",
            ),
            (
                rollout(3, "StepPaused", "Cancelling"),
                1,
                "is rolling back; there is nothing to approve",
            ),
            (
                rollout(3, "Completed", "Completed"),
                1,
                "no need to approve: not in canary or blue-green progress (phase Progressing)",
            ),
        ];
        for (rollout, to, expected) in cases {
            assert_eq!(shown(back(&rollout, to)), expected, "{to} {rollout}");
        }
    }

    #[test]
    fn quiet_is_the_largest_step_without_traffic() {
        let step = |replicas: Value, traffic: Value, matches: Value| {
            serde_json::from_value(json!({ "replicas": replicas, "traffic": traffic, "matches": matches }))
                .unwrap()
        };
        let none = || json!([]);
        let header = || json!([{ "headers": [{ "name": "a", "value": "b" }] }]);
        let steps = [
            step(json!("50%"), Value::Null, none()),
            // More pods of ten than half of them.
            step(json!(8), json!("0%"), none()),
            step(json!("100%"), Value::Null, header()),
            step(json!("100%"), json!("50%"), none()),
        ];
        let at = |step: i32, steps: &[crate::api::v1beta1::Step]| {
            shown(quiet(&rollout(step, "StepPaused", "InRolling"), steps, 10))
        };
        assert_eq!(at(4, &steps), r#"4 to 2: {"nextStepIndex":2}"#);
        assert_eq!(at(3, &steps[..]), r#"3 to 2: {"nextStepIndex":2}"#);
        assert_eq!(at(2, &steps), "already 2");
        assert_eq!(
            at(4, &steps[2..]),
            "is at step 4, and no earlier step keeps traffic away from the new version"
        );
        assert_eq!(
            at(1, &[]),
            "is at step 1, and no earlier step keeps traffic away from the new version"
        );
    }
}
