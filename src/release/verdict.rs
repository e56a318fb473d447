//! One word for where a Rollout is, who acts next, and the exit code that says so.

use crate::{
    api::v1beta1::{Phase, StepState},
    engine::core::INVALID,
    exit_code,
};

use super::position::Position;

/// One word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// At rest; no release has ended since the Rollout was made.
    Healthy,
    /// At rest; the last release was carried through.
    Completed,
    /// At rest; the last release was rolled back or cancelled.
    RolledBack,
    /// A new version is held back, and its release has not begun.
    Held,
    /// New pods or traffic are on their way.
    Progressing,
    /// A step waits for a human.
    WaitingForApproval,
    /// A step waits for time.
    Timed,
    /// A human has frozen the release.
    Paused,
    /// All steps are over; the closing work is under way.
    Finishing,
    /// The old version is being restored.
    RollingBack,
    /// No progress within the deadline, or something that is needed is missing.
    Degraded,
    /// The workload does not exist.
    NoWorkload,
    /// Disabled in the middle of a release: the closing work is to be done.
    Disabling,
    /// Disabled.
    Disabled,
    /// Being deleted.
    Terminating,
    /// No engine has looked at the present spec yet.
    NotObserved,
}

/// Who must act for the release to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Actor {
    /// Nobody: all is done.
    Nobody,
    /// The user.
    Human,
    /// An engine: the controller in the cluster, or a `run`.
    Engine,
    /// Time.
    Clock,
}

/// What is known beside the status.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Surroundings {
    /// The workload carries the mark of a release.
    pub held: bool,
    /// Something the Rollout refers to is missing.
    pub incomplete: bool,
}

impl Verdict {
    /// Judges.
    #[must_use]
    pub fn of(position: &Position, around: Surroundings) -> Self {
        if position.deleting || position.phase == Phase::Terminating {
            return Self::Terminating;
        }
        let is_left_open = position.disabled && position.phase == Phase::Progressing && position.under_way();
        if is_left_open || position.phase == Phase::Disabling {
            return Self::Disabling;
        }
        if position.disabled || position.phase == Phase::Disabled {
            return Self::Disabled;
        }
        match position.phase {
            // The last conditions are written before the phase changes: at this point all is done.
            Phase::Progressing if !position.under_way() => Self::at_rest(position),
            Phase::Progressing => Self::under_way(position),
            Phase::Healthy if around.incomplete => Self::Degraded,
            Phase::Healthy if around.held => Self::Held,
            Phase::Healthy => Self::at_rest(position),
            Phase::Initial if position.message.contains("Not Found") => Self::NoWorkload,
            Phase::Initial if position.message.starts_with(INVALID) => Self::Degraded,
            _ if around.incomplete => Self::Degraded,
            _ if around.held => Self::Held,
            _ => Self::NotObserved,
        }
    }

    fn at_rest(position: &Position) -> Self {
        match position.succeeded {
            Some(true) => Self::Completed,
            Some(false) => Self::RolledBack,
            None => Self::Healthy,
        }
    }

    fn under_way(position: &Position) -> Self {
        if position.reason == "Cancelling" {
            return Self::RollingBack;
        }
        if position.degraded.is_some() || position.obstacle().is_some() {
            return Self::Degraded;
        }
        // The closing work asks for no pause any more; what was resumed is no longer paused, before any engine has seen it.
        if position.paused && !position.is_closing() {
            return Self::Paused;
        }
        if position.reason == "Finalising"
            || position.state == StepState::Completed && position.reason == "InRolling"
        {
            return Self::Finishing;
        }
        let timed = position
            .current()
            .is_some_and(|step| step.pause.duration.is_some());
        match position.state {
            StepState::StepPaused if timed && !position.is_kept_by_metrics() => Self::Timed,
            StepState::StepPaused => Self::WaitingForApproval,
            _ => Self::Progressing,
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Completed => "Completed",
            Self::RolledBack => "RolledBack",
            Self::Held => "Held",
            Self::Progressing => "Progressing",
            Self::WaitingForApproval => "WaitingForApproval",
            Self::Timed => "TimedPause",
            Self::Paused => "Paused",
            Self::Finishing => "Finishing",
            Self::RollingBack => "RollingBack",
            Self::Degraded => "Degraded",
            Self::NoWorkload => "WorkloadNotFound",
            Self::Disabling => "Disabling",
            Self::Disabled => "Disabled",
            Self::Terminating => "Terminating",
            Self::NotObserved => "NotObserved",
        }
    }

    /// The same for humans.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Completed => "completed",
            Self::RolledBack => "rolled back",
            Self::Held => "held",
            Self::Progressing => "progressing",
            Self::WaitingForApproval => "waiting for approval",
            Self::Timed => "paused for a time",
            Self::Paused => "paused",
            Self::Finishing => "finishing",
            Self::RollingBack => "rolling back",
            Self::Degraded => "degraded",
            Self::NoWorkload => "workload not found",
            Self::Disabling => "being disabled",
            Self::Disabled => "disabled",
            Self::Terminating => "being deleted",
            Self::NotObserved => "not observed yet",
        }
    }

    /// Who must act.
    #[must_use]
    pub fn actor(self) -> Actor {
        match self {
            Self::Healthy | Self::Completed | Self::RolledBack | Self::Disabled => Actor::Nobody,
            Self::WaitingForApproval | Self::Paused | Self::Degraded | Self::NoWorkload => Actor::Human,
            Self::Timed => Actor::Clock,
            Self::Held
            | Self::Progressing
            | Self::Finishing
            | Self::RollingBack
            | Self::Disabling
            | Self::Terminating
            | Self::NotObserved => Actor::Engine,
        }
    }

    /// Whether a step is paused, for a human or for a time: both may be cut short by an approval.
    #[must_use]
    pub fn awaits_approval(self) -> bool {
        matches!(self, Self::WaitingForApproval | Self::Timed)
    }

    /// Whether no release is under way and none is about to begin.
    #[must_use]
    pub fn is_at_rest(self) -> bool {
        matches!(
            self,
            Self::Healthy | Self::Completed | Self::RolledBack | Self::Disabled
        )
    }

    /// The exit code of `status`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::WaitingForApproval | Self::Paused => exit_code::WAITING,
            Self::Degraded | Self::NoWorkload => exit_code::DEGRADED,
            Self::RolledBack | Self::RollingBack => exit_code::ROLLED_BACK,
            _ => exit_code::DONE,
        }
    }
}

impl Actor {
    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Human => "human",
            Self::Engine => "engine",
            Self::Clock => "clock",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Surroundings, Verdict};
    use crate::release::Position;

    fn position(status: &Value, spec: &Value) -> Position {
        let mut object = json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "demo", "generation": 1 },
            "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "steps": [{ "traffic": "20%", "pause": {} }, { "pause": { "duration": 10 } }],
                                          "enableExtraWorkloadForCanary": true } } },
            "status": status });
        json_patch::merge(&mut object["spec"], spec);
        Position::of(&serde_json::from_value(object).unwrap())
    }

    fn status(phase: &str, reason: &str, step: i32, state: &str, succeeded: Option<&str>) -> Value {
        let mut conditions =
            vec![json!({ "type": "Progressing", "status": "True", "reason": reason, "message": "" })];
        conditions.extend(
            succeeded.map(|s| json!({ "type": "Succeeded", "status": s, "reason": "", "message": "" })),
        );
        json!({ "phase": phase, "conditions": conditions, "currentStepIndex": step, "currentStepState": state,
                "canaryStatus": { "currentStepIndex": step, "currentStepState": state } })
    }

    #[test]
    fn names_the_states_that_the_controller_records() {
        let none = json!({});
        let paused = json!({ "strategy": { "paused": true } });
        let cases = [
            (
                status("Healthy", "", 2, "Completed", None),
                &none,
                Verdict::Healthy,
                0,
            ),
            (
                status("Progressing", "Initializing", 1, "BeforeStepUpgrade", None),
                &none,
                Verdict::Progressing,
                0,
            ),
            (
                status("Progressing", "InRolling", 1, "StepUpgrade", None),
                &none,
                Verdict::Progressing,
                0,
            ),
            (
                status("Progressing", "InRolling", 1, "StepPaused", None),
                &none,
                Verdict::WaitingForApproval,
                4,
            ),
            (
                status("Progressing", "InRolling", 2, "StepPaused", None),
                &none,
                Verdict::Timed,
                0,
            ),
            (
                status("Progressing", "Finalising", 2, "Completed", None),
                &none,
                Verdict::Finishing,
                0,
            ),
            // Nothing asks for a pause any more.
            (
                status("Progressing", "Finalising", 2, "Completed", None),
                &paused,
                Verdict::Finishing,
                0,
            ),
            (
                status("Progressing", "Paused", 1, "StepUpgrade", None),
                &paused,
                Verdict::Paused,
                4,
            ),
            // Resumed, before an engine has seen it.
            (
                status("Progressing", "Paused", 1, "StepPaused", None),
                &none,
                Verdict::WaitingForApproval,
                4,
            ),
            (
                status("Progressing", "Completed", 2, "Completed", Some("True")),
                &none,
                Verdict::Completed,
                0,
            ),
            (
                status("Healthy", "Completed", 2, "Completed", Some("True")),
                &none,
                Verdict::Completed,
                0,
            ),
            (
                status("Progressing", "Cancelling", 1, "StepPaused", None),
                &none,
                Verdict::RollingBack,
                6,
            ),
            (
                status("Healthy", "Completed", 1, "StepPaused", Some("False")),
                &none,
                Verdict::RolledBack,
                6,
            ),
            (
                json!({ "phase": "Initial", "message": "Workload Not Found" }),
                &none,
                Verdict::NoWorkload,
                5,
            ),
            (json!({ "phase": "Terminating" }), &none, Verdict::Terminating, 0),
            (json!({}), &none, Verdict::NotObserved, 0),
            (
                status("Progressing", "InRolling", 1, "StepPaused", None),
                &json!({ "disabled": true }),
                Verdict::Disabling,
                0,
            ),
            (json!({ "phase": "Disabling" }), &none, Verdict::Disabling, 0),
            (
                json!({ "phase": "Disabled" }),
                &json!({ "disabled": true }),
                Verdict::Disabled,
                0,
            ),
            (
                status("Progressing", "InRolling", 1, "StepPaused", None),
                &json!({ "strategy": { "paused": true } }),
                Verdict::Paused,
                4,
            ),
        ];
        for (status, spec, verdict, exit) in cases {
            let seen = Verdict::of(&position(&status, spec), Surroundings::default());
            assert_eq!((seen, seen.exit_code()), (verdict, exit), "{status}");
        }
    }

    #[test]
    fn looks_around() {
        let healthy = position(
            &status("Healthy", "Completed", 2, "Completed", Some("True")),
            &json!({}),
        );
        assert_eq!(
            Verdict::of(
                &healthy,
                Surroundings {
                    held: true,
                    incomplete: false
                }
            ),
            Verdict::Held
        );
        assert_eq!(
            Verdict::of(
                &healthy,
                Surroundings {
                    held: true,
                    incomplete: true
                }
            ),
            Verdict::Degraded
        );
    }
}
