//! Where a Rollout is, whichever strategy it has and whoever wrote its status.

use jiff::{SignedDuration, Timestamp};

use crate::analysis::{self, Record, Verdict};
use crate::api::IntOrPercent;
use crate::api::analysis_template::Binding;
use crate::api::v1beta1::{Condition, FinalisingStep, Phase, RollingStyle, Rollout, Step, StepState};
use crate::engine::core::{BLOCKED, INVALID, Reason};

/// The status of a Rollout with canary and blue-green laid over each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// The phase; `Initial` until an engine has looked at the Rollout.
    pub phase: Phase,
    /// Whether the status speaks of the present spec.
    pub observed: bool,
    /// Whether the Rollout is being deleted.
    pub deleting: bool,
    /// Whether the spec disables the Rollout.
    pub disabled: bool,
    /// Whether a human has frozen the step machine.
    pub paused: bool,
    /// How new pods are brought up.
    pub style: Option<RollingStyle>,
    /// The plan.
    pub steps: Vec<Step>,
    /// The step, 1-based; 0 when there never was a release.
    pub step: i32,
    /// Where the step is.
    pub state: StepState,
    /// The closing work.
    pub finalising: FinalisingStep,
    /// When the state was entered; base of timed pauses.
    pub since: Option<Timestamp>,
    /// Reason of the condition Progressing.
    pub reason: String,
    /// How the last release ended, if it has.
    pub succeeded: Option<bool>,
    /// Message of the condition Degraded while it holds.
    pub degraded: Option<String>,
    /// Revision of the pods present before the release.
    pub stable_revision: String,
    /// Revision of the new version, as the engine names it.
    pub new_revision: String,
    /// `pod-template-hash` of the new pods, once known.
    pub new_hash: String,
    /// The engine's own sentence.
    pub message: String,
    /// The AnalysisTemplates that the Rollout names, and the steps that they decide about.
    pub judges: Vec<Binding>,
    /// What was measured of the step's metrics; after a release that its metrics ended, what ended it.
    pub gate: Option<Record>,
}

impl Position {
    /// Reads a Rollout.
    #[must_use]
    pub fn of(rollout: &Rollout) -> Self {
        let status = rollout.status.clone().unwrap_or_default();
        let condition = |kind: &str| status.conditions.iter().find(|condition| condition.kind == kind);
        let is_true = |condition: &&Condition| condition.status == "True";
        let mut position = Self {
            phase: status.phase.clone().unwrap_or(Phase::Initial),
            observed: status.observed_generation.unwrap_or_default()
                >= rollout.metadata.generation.unwrap_or_default(),
            deleting: rollout.metadata.deletion_timestamp.is_some(),
            disabled: rollout.spec.disabled,
            paused: rollout.spec.strategy.paused,
            style: rollout.spec.strategy.style(),
            steps: rollout.spec.strategy.steps().to_vec(),
            step: status.current_step_index,
            state: status.current_step_state.clone(),
            finalising: FinalisingStep::None,
            since: None,
            reason: condition("Progressing")
                .map(|condition| condition.reason.clone())
                .unwrap_or_default(),
            succeeded: condition("Succeeded").map(|condition| condition.status == "True"),
            degraded: condition("Degraded")
                .filter(is_true)
                .map(|condition| condition.message.clone()),
            stable_revision: String::new(),
            new_revision: String::new(),
            new_hash: String::new(),
            message: status.message.clone().unwrap_or_default(),
            judges: analysis::bindings(rollout).unwrap_or_default(),
            gate: None,
        };
        if let Some(canary) = status.canary_status {
            position.step = canary.current_step_index;
            position.state = canary.current_step_state;
            position.finalising = canary.finalising_step;
            position.since = canary.last_update_time.map(|time| time.0);
            position.stable_revision = canary.stable_revision.unwrap_or_default();
            position.new_revision = canary.canary_revision;
            position.new_hash = canary.pod_template_hash;
        } else if let Some(blue_green) = status.blue_green_status {
            position.step = blue_green.current_step_index;
            position.state = blue_green.current_step_state;
            position.finalising = blue_green.finalising_step;
            position.since = blue_green.last_update_time.map(|time| time.0);
            position.stable_revision = blue_green.stable_revision.unwrap_or_default();
            position.new_revision = blue_green.updated_revision;
            position.new_hash = blue_green.pod_template_hash;
        }
        position.gate = Record::read(rollout).filter(|record| {
            if position.under_way() {
                record.step == position.step && record.revision == position.new_revision
            } else {
                record.verdict == Verdict::Failed && position.succeeded == Some(false)
            }
        });
        position
    }

    /// The templates that decide about a step.
    pub fn judges_of(&self, number: i32) -> impl Iterator<Item = &str> {
        let decide = move |binding: &&Binding| binding.steps.is_empty() || binding.steps.contains(&number);
        self.judges
            .iter()
            .filter(decide)
            .map(|binding| binding.template.as_str())
    }

    /// Whether the metrics of the step keep it in its pause until a human approves it.
    #[must_use]
    pub fn is_kept_by_metrics(&self) -> bool {
        let verdict = self.gate.as_ref().map(|record| record.verdict);
        self.under_way()
            && self.state == StepState::StepPaused
            && matches!(verdict, Some(Verdict::Failed | Verdict::Inconclusive))
    }

    /// The sentence of an engine that cannot go on with the release before somebody changes something.
    #[must_use]
    pub fn obstacle(&self) -> Option<&str> {
        let text = self.message.as_str();
        let stuck = text.starts_with(INVALID)
            || text.starts_with(BLOCKED)
            || text == Reason::RollBackFirst.to_string()
            || text == Reason::WorkloadNotFound.to_string();
        (stuck && self.under_way()).then_some(text)
    }

    /// Whether the closing work is under way, after the last step or on the way back: no pause stops that.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.under_way() && matches!(self.reason.as_str(), "Finalising" | "Cancelling")
    }

    /// Whether a release is under way, its closing work included.
    #[must_use]
    pub fn under_way(&self) -> bool {
        self.phase == Phase::Progressing && self.reason != "Completed"
    }

    /// Whether the workload may be held back without the status saying so: while a release is under way the status says it
    /// all, and of what is left alone nothing is held.
    #[must_use]
    pub fn may_be_held_unsaid(&self) -> bool {
        !(self.under_way() || self.deleting || self.disabled || self.phase == Phase::Disabled)
    }

    /// The number of steps.
    #[must_use]
    pub fn total(&self) -> i32 {
        i32::try_from(self.steps.len()).unwrap_or(i32::MAX)
    }

    /// Whether the step passes without its pause: the last one of a canary does when it asks for all pods in percent,
    /// with the controller as with our engine.
    #[must_use]
    pub fn passes(&self, number: i32) -> bool {
        let last = self.steps.last().filter(|_| number == self.total());
        self.style != Some(RollingStyle::BlueGreen)
            && last.is_some_and(|step| step.replicas == Some(IntOrPercent::Percent(100)))
    }

    /// The steps after the one at hand that wait for an approval, when their turn comes.
    #[must_use]
    pub fn later_approvals(&self) -> Vec<i32> {
        let waits = |(step, number): (&Step, i32)| {
            (number > self.step && step.pause.duration.is_none() && !self.passes(number)).then_some(number)
        };
        self.steps.iter().zip(1..).filter_map(waits).collect()
    }

    /// The step the release is at.
    #[must_use]
    pub fn current(&self) -> Option<&Step> {
        usize::try_from(self.step)
            .ok()?
            .checked_sub(1)
            .and_then(|at| self.steps.get(at))
    }

    /// What is left of a timed pause; nothing where a human is waited for, or no pause is on.
    #[must_use]
    pub fn pause_left(&self, now: Timestamp) -> Option<SignedDuration> {
        let seconds = self.current()?.pause.duration?;
        (self.state == StepState::StepPaused && !self.is_kept_by_metrics()).then_some(())?;
        let passed = now.duration_since(self.since?);
        Some((SignedDuration::from_secs(seconds.into()) - passed).max(SignedDuration::ZERO))
    }

    /// Whether the pods and the traffic of the current step stand.
    #[must_use]
    pub fn step_stands(&self) -> bool {
        matches!(
            self.state,
            StepState::StepPaused | StepState::StepReady | StepState::Completed
        )
    }
}
