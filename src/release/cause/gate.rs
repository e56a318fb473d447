//! Causes that are in the Rollout itself: somebody, or time, is waited for.

use super::{Cause, Evidence, Finding, Scene};
use crate::{api::v1beta1::StepState, engine::core::Reason, release::Verdict};

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let position = scene.position;
    let (step, total) = (position.step, position.total());
    let of_rollout = |field: &str, value: &str| vec![Evidence::new(scene.title(), field, value)];
    let state = || of_rollout("status.currentStepState", state_word(&position.state));
    let mut add = |cause: Cause, blocks: bool, evidence: Vec<Evidence>| {
        found.push(Finding::new(cause, blocks, position.since, evidence));
    };
    if position.deleting {
        add(
            Cause::Deleting,
            true,
            of_rollout("metadata.deletionTimestamp", "set"),
        );
        return;
    }
    if position.disabled {
        add(Cause::Disabled, true, of_rollout("spec.disabled", "true"));
        return;
    }
    if !position.under_way() {
        return;
    }
    if position.message == Reason::RollBackFirst.to_string() {
        add(
            Cause::RollBackFirst,
            true,
            of_rollout("status.message", &position.message),
        );
    } else if position.message == Reason::Restarting.to_string() {
        add(
            Cause::Superseded,
            false,
            of_rollout("status.message", &position.message),
        );
    }
    if position.paused {
        add(
            Cause::ManualPause,
            true,
            of_rollout("spec.strategy.paused", "true"),
        );
    }
    match scene.verdict {
        Verdict::RollingBack => add(
            Cause::RollingBack,
            true,
            of_rollout("status.conditions[Progressing].reason", &position.reason),
        ),
        Verdict::WaitingForApproval => add(Cause::WaitingForApproval { step, total }, true, state()),
        Verdict::Timed => {
            let left = position.pause_left(scene.now).map_or(0, |left| left.as_secs());
            if left > 0 {
                let cause = Cause::TimedPause {
                    step,
                    total,
                    seconds: left,
                };
                add(cause, true, state());
            }
        }
        _ => {}
    }
    if let Some(why) = &position.degraded {
        add(
            Cause::NoProgress { why: why.clone() },
            true,
            of_rollout("status.conditions[Degraded].message", why),
        );
    }
}

fn state_word(state: &StepState) -> &str {
    match state {
        StepState::StepPaused => "StepPaused",
        StepState::StepReady => "StepReady",
        StepState::StepUpgrade => "StepUpgrade",
        StepState::StepTrafficRouting => "StepTrafficRouting",
        StepState::StepMetricsAnalysis => "StepMetricsAnalysis",
        StepState::BeforeStepUpgrade => "BeforeStepUpgrade",
        StepState::Completed => "Completed",
        StepState::Other(text) => text,
    }
}
