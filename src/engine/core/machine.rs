//! The phases of a Rollout, in the order in which upstream looks at them (engine-rollout 6 to 8).

use std::cell::OnceCell;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Decision, Effect, Reason, Snapshot, Wake, batch,
    condition::{self, Course},
    finalise::Ending,
    reason, sub_status, validate,
};
use crate::{
    analysis::Query,
    api::{
        Time, keys,
        patch::merge_diff,
        v1beta1::{CanaryStatus, FinalisingStep, Phase, RolloutStatus, StepState},
    },
    engine::core::Verb,
};

/// Transitions one decision may fold; far more than any release has between two waits.
const MOST_TRANSITIONS: usize = 256;

/// How often counts of pods that come up are written, at the most.
const COUNTS_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// What one transition led to.
pub(super) enum Flow {
    /// Another transition.
    Again,
    /// Writes; then everything is looked at again.
    Do(Vec<Effect>, Reason),
    /// A wait; the status is written first.
    Wait(Wake, Reason),
}

/// A decision in the making: what was read, and the status as it will be.
pub(super) struct Machine<'a> {
    pub(super) s: &'a Snapshot,
    pub(super) now: Timestamp,
    pub(super) status: RolloutStatus,
    /// Something the user should know, added to the condition's message.
    pub(super) note: Option<String>,
    /// Whether the status of another workload's release was dropped.
    pub(super) is_reset: bool,
    /// Measurements that are due when the wait begins.
    pub(super) queries: Vec<Query>,
    /// What is wrong with the Rollout where that is in the way of the next release alone.
    problems: Vec<String>,
    plan: OnceCell<String>,
    /// The name of the template's version, as `version` answers it.
    pub(super) version: OnceCell<Option<String>>,
    /// The name of the canary Deployment, as `canary_name` answers it.
    pub(super) canary_name: OnceCell<String>,
}

/// Decides what to write for one Rollout and how long to wait. Total and deterministic.
#[must_use]
pub fn decide(snapshot: &Snapshot, now: Timestamp) -> Decision {
    let before = sub_status::inward(snapshot.rollout.status.clone().unwrap_or_default());
    let mut machine = Machine {
        s: snapshot,
        now,
        status: before.clone(),
        note: None,
        is_reset: false,
        queries: Vec::new(),
        problems: Vec::new(),
        plan: OnceCell::new(),
        version: OnceCell::new(),
        canary_name: OnceCell::new(),
    };
    for _ in 0..MOST_TRANSITIONS {
        match machine.advance() {
            Flow::Again => {}
            Flow::Do(effects, reason) => {
                return Decision {
                    effects,
                    status: None,
                    wake: Wake::OnChange,
                    measure: Vec::new(),
                    reason,
                };
            }
            Flow::Wait(wake, reason) => return machine.wait(&before, wake, reason),
        }
    }
    // Unreachable by construction; if it ever is reached, waiting harms nobody.
    debug_assert!(false, "transitions without end: {:?}", snapshot.rollout);
    Decision {
        effects: Vec::new(),
        status: None,
        wake: Wake::OnChange,
        measure: Vec::new(),
        reason: Reason::WorkloadNotObserved,
    }
}

impl<'a> Machine<'a> {
    pub(super) fn time(&self) -> Time {
        Time(self.now)
    }

    /// The canary sub-status as it will be.
    pub(super) fn sub(&mut self) -> &mut CanaryStatus {
        self.status.canary_status.get_or_insert_default()
    }

    /// Digest of the plan that the Rollout asks for.
    pub(super) fn plan(&self) -> &str {
        self.plan.get_or_init(|| batch::plan_hash(&self.s.rollout))
    }

    /// Seconds since the release's last stamp.
    pub(super) fn stamped(&self) -> Timestamp {
        self.status
            .canary_status
            .as_ref()
            .and_then(|sub| sub.last_update_time)
            .map_or(self.now, |time| time.0)
    }

    pub(super) fn stamp(&mut self) {
        let now = self.time();
        self.sub().last_update_time = Some(now);
    }

    /// Moves to a course of the release, with its sentence.
    pub(super) fn course(&mut self, course: Course, message: &str) {
        let now = self.time();
        condition::set(
            &mut self.status,
            condition::PROGRESSING,
            course != Course::Completed,
            course.as_str(),
            message,
            now,
        );
    }

    fn advance(&mut self) -> Flow {
        if let Some(flow) = self.give_back_strays().or_else(|| self.leave_unnamed()) {
            return flow;
        }
        if self.s.rollout.metadata.deletion_timestamp.is_some() {
            return self.deleting();
        }
        if self.s.rollout.spec.disabled {
            return self.disabled();
        }
        if self.s.workload.is_none() && self.s.kind().is_some() && self.s.unserved.is_none() {
            return self.without_workload();
        }
        let problems = validate::problems(self.s);
        if !problems.is_empty() && !self.goes_back() {
            self.status.phase.get_or_insert(Phase::Initial);
            return Flow::Wait(Wake::OnChange, Reason::invalid(&problems));
        }
        let gates = validate::of_gates(self.s, None);
        self.problems = problems.iter().chain(&gates).map(ToString::to_string).collect();
        match self.status.phase.clone() {
            Some(Phase::Healthy) => self.healthy(),
            Some(Phase::Progressing) => self.progressing(),
            Some(Phase::Disabling) => self.disabled(),
            _ => {
                self.status.phase = Some(Phase::Healthy);
                Flow::Again
            }
        }
    }

    /// What is wrong with the Rollout where that is in the way of the next release, or the next gate, alone.
    pub(super) fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(String::as_str)
    }

    /// A version that is taken back is taken back whatever else is wrong with the Rollout, and stays so.
    fn goes_back(&self) -> bool {
        let was_cancelled = || {
            let end = condition::find(&self.status, condition::SUCCEEDED);
            end.is_some_and(|end| end.status == "False")
        };
        self.is_stable_again()
            && match self.status.phase {
                Some(Phase::Progressing) => !self.is_rollback_in_batches(),
                Some(Phase::Healthy) => was_cancelled(),
                _ => false,
            }
    }

    fn deleting(&mut self) -> Flow {
        if !self.s.has_finalizer() {
            return Flow::Wait(Wake::OnChange, Reason::Gone);
        }
        if self.status.phase != Some(Phase::Terminating) {
            self.status.phase = Some(Phase::Terminating);
            self.sub().finalising_step = FinalisingStep::None;
            let now = self.time();
            condition::set(
                &mut self.status,
                condition::TERMINATING,
                true,
                "InTerminating",
                "Rollout is in terminating",
                now,
            );
        }
        self.finalise(Ending::Deleted)
            .unwrap_or(Flow::Wait(Wake::OnChange, Reason::Gone))
    }

    fn disabled(&mut self) -> Flow {
        let under_way = matches!(self.status.phase, Some(Phase::Progressing | Phase::Disabling))
            || self.s.has_finalizer()
            // Held, be it that no engine has looked since; or let go by one that did not come to the end of it.
            || self.mark().is_some()
            || (self.status.phase != Some(Phase::Disabled) && self.has_copies());
        if under_way {
            if self.status.phase != Some(Phase::Disabling) {
                self.status.phase = Some(Phase::Disabling);
                self.sub().finalising_step = FinalisingStep::None;
            }
            if let Some(flow) = self.finalise(Ending::Disabled) {
                return flow;
            }
            self.course(Course::Completed, &Reason::Disabled.to_string());
        }
        self.status.phase = Some(Phase::Disabled);
        // Whatever is released while the Rollout looks away is the stable version when it looks again.
        self.status.canary_status = None;
        Flow::Wait(Wake::OnChange, Reason::Disabled)
    }

    /// The workload is gone: its traffic is given back, which upstream forgets (engine-rollout 11.8).
    fn without_workload(&mut self) -> Flow {
        let mut effects = self.traces();
        effects.extend(self.remove_finalizer());
        if !effects.is_empty() {
            return Flow::Do(effects, Reason::WorkloadNotFound);
        }
        self.status = RolloutStatus {
            phase: Some(Phase::Initial),
            ..RolloutStatus::default()
        };
        Flow::Wait(Wake::OnChange, Reason::WorkloadNotFound)
    }

    fn progressing(&mut self) -> Flow {
        match Course::of(&self.status) {
            Course::Initializing => self.initializing(),
            Course::InRolling | Course::Paused => self.rolling(),
            Course::Finalising => self.finalising(),
            Course::Cancelling => self.cancelling(),
            Course::Completed => {
                self.status.phase = Some(Phase::Healthy);
                Flow::Again
            }
        }
    }

    /// Ends the decision: the status gets its sentence, its generation and its copies, and becomes a patch.
    fn wait(mut self, before: &RolloutStatus, wake: Wake, reason: Reason) -> Decision {
        let silent = Decision {
            effects: Vec::new(),
            status: None,
            wake,
            measure: std::mem::take(&mut self.queries),
            reason: reason.clone(),
        };
        // The controllers of native kinds look within a moment; of others it may well be that there is none, and from what is
        // written here the deadline counts.
        let is_quick = self.s.kind().is_some_and(|kind| kind.group() == "apps");
        let is_moment =
            reason == Reason::WorkloadNotObserved && (is_quick || self.status.phase == before.phase);
        // At rest nothing is released that could be degraded.
        let is_late = matches!(reason, Reason::DeadlineExceeded { .. });
        let is_idle = is_late && self.status.phase != Some(Phase::Progressing);
        if is_moment || is_idle || reason == Reason::Gone {
            return silent;
        }
        self.status.observed_generation = self.s.rollout.metadata.generation;
        let message = reason.message();
        if self.status.phase == Some(Phase::Progressing) {
            if !matches!(reason, Reason::DeadlineExceeded { .. }) {
                // The condition's time is that of the last progress, which a missed deadline is not.
                let course = Course::of(&self.status);
                let text = self
                    .note
                    .as_ref()
                    .map_or_else(|| message.clone(), |note| format!("{message} ({note})"));
                self.course(course, &text);
            }
            self.degraded(&reason);
        }
        // A finished release keeps its sentence until the next one begins.
        let kept = before
            .message
            .as_deref()
            .filter(|_| reason == Reason::AtRest && self.status.canary_status == before.canary_status);
        let sentence = kept.map_or(message.as_str(), reason::sentence);
        self.status.message = Some(if self.status.phase == Some(Phase::Healthy) {
            reason::beside(sentence, &self.problems)
        } else {
            sentence.to_owned()
        });
        if let Some(sub) = &self.status.canary_status {
            self.status.current_step_index = sub.current_step_index;
            self.status.current_step_state = sub.current_step_state.clone();
        }
        let (counts, rest) = self.split_counts(before);
        if counts && !rest && matches!(reason, Reason::Upgrading { .. } | Reason::RestoringStable { .. }) {
            let last = condition::find(before, condition::PROGRESSING).and_then(|c| c.last_update_time);
            let due = last.map_or(self.now, |time| {
                time.0.saturating_add(COUNTS_EVERY).unwrap_or(self.now)
            });
            if self.now < due {
                let sooner = match wake {
                    Wake::At(other) => other.min(due),
                    Wake::OnChange => due,
                };
                return Decision {
                    wake: Wake::At(sooner),
                    ..silent
                };
            }
        }
        if counts
            && let Some(progress) = self
                .status
                .conditions
                .iter_mut()
                .find(|c| c.kind == condition::PROGRESSING)
        {
            // Pods that come up are progress: the deadline counts from here.
            progress.last_update_time = Some(Time(self.now));
        }
        Decision {
            status: self.patch(),
            ..silent
        }
    }

    /// What of the status changes. A status that was never written is written whole: the schema requires fields of it.
    fn patch(&self) -> Option<Value> {
        let was = match &self.s.rollout.status {
            Some(status) => value(status),
            None => json!({}),
        };
        let style = self.s.rollout.spec.strategy.style();
        merge_diff(&was, &value(&sub_status::outward(self.status.clone(), style)))
    }

    /// Whether counts of pods changed, and whether anything else did.
    fn split_counts(&self, before: &RolloutStatus) -> (bool, bool) {
        let (Some(old), Some(new)) = (&before.canary_status, &self.status.canary_status) else {
            return (false, true);
        };
        let counts = (old.canary_replicas, old.canary_ready_replicas)
            != (new.canary_replicas, new.canary_ready_replicas);
        let mut level = self.status.clone();
        if let Some(sub) = &mut level.canary_status {
            sub.canary_replicas = old.canary_replicas;
            sub.canary_ready_replicas = old.canary_ready_replicas;
        }
        (counts, level != *before)
    }

    fn degraded(&mut self, reason: &Reason) {
        let why = match reason {
            Reason::DeadlineExceeded { .. } => Some("ProgressDeadlineExceeded"),
            Reason::GateClosed { failed: true, .. } => Some("MetricsFailed"),
            _ => None,
        };
        if let Some(why) = why {
            let now = self.time();
            condition::set(
                &mut self.status,
                condition::DEGRADED,
                true,
                why,
                &reason.to_string(),
                now,
            );
        } else {
            condition::remove(&mut self.status, condition::DEGRADED);
        }
    }

    /// The time of the last progress plus the workload's own deadline; `seen` is progress that no status tells of.
    fn deadline(&self, seen: Option<Timestamp>) -> (Timestamp, i64) {
        let seconds = self.workload().map_or(
            crate::workload::deployment::DEFAULT_PROGRESS_DEADLINE,
            |workload| workload.progress_deadline(),
        );
        let progress = condition::find(&self.status, condition::PROGRESSING)
            .and_then(|c| c.last_update_time)
            .map(|time| time.0);
        let from = self.stamped().max(progress.max(seen).unwrap_or(Timestamp::MIN));
        (
            from.saturating_add(SignedDuration::from_secs(seconds))
                .unwrap_or(Timestamp::MAX),
            seconds,
        )
    }

    /// Waits for pods until the deadline, and degraded after it.
    pub(super) fn wait_for_pods(&self, reason: Reason) -> Flow {
        self.wait_since(None, reason)
    }

    /// The same, where progress was seen that no status tells of.
    pub(super) fn wait_since(&self, seen: Option<Timestamp>, reason: Reason) -> Flow {
        let (deadline, seconds) = self.deadline(seen);
        // In a pause nothing was waited for until now; the status says what is.
        let step = self.status.canary_status.as_ref();
        let is_paused = step.is_some_and(|sub| sub.current_step_state == StepState::StepPaused);
        let told = condition::find(&self.status, condition::PROGRESSING);
        let is_new = is_paused
            && told.is_some_and(|told| {
                told.reason == Course::InRolling.as_str() && !told.message.starts_with(&reason.message())
            });
        let begun = self.now.saturating_add(SignedDuration::from_secs(seconds));
        let deadline = if is_new {
            begun.unwrap_or(Timestamp::MAX)
        } else {
            deadline
        };
        self.wait_until(deadline, seconds, reason)
    }

    /// Waits for the workload's controller to see the last change, until the deadline. It counts from when the engine saw that
    /// change: before it, in a pause of days or at rest, there was nothing to wait for.
    pub(super) fn wait_for_controller(&self) -> Flow {
        let (mut deadline, seconds) = self.deadline(None);
        if let Some(since) = self.s.workload_since {
            let counted = since.saturating_add(SignedDuration::from_secs(seconds));
            deadline = counted.unwrap_or(Timestamp::MAX);
        }
        self.wait_until(deadline, seconds, Reason::WorkloadNotObserved)
    }

    fn wait_until(&self, deadline: Timestamp, seconds: i64, reason: Reason) -> Flow {
        if self.now < deadline {
            Flow::Wait(Wake::At(deadline), reason)
        } else {
            Flow::Wait(
                Wake::OnChange,
                Reason::DeadlineExceeded {
                    waiting_for: reason.to_string(),
                    seconds,
                },
            )
        }
    }

    /// The same, and nothing after the deadline: for what is better left as it is than waited for without end.
    pub(super) fn wait_in_time(&self, reason: Reason) -> Option<Flow> {
        match self.wait_for_pods(reason) {
            Flow::Wait(_, Reason::DeadlineExceeded { .. }) => None,
            flow => Some(flow),
        }
    }

    pub(super) fn remove_finalizer(&self) -> Option<Effect> {
        self.s.has_finalizer().then(|| {
            let kept: Vec<&String> = self
                .s
                .rollout
                .metadata
                .finalizers
                .iter()
                .flatten()
                .filter(|text| *text != keys::ROLLOUT_FINALIZER)
                .collect();
            self.s.write_rollout(
                Verb::Merge(json!({ "metadata": { "finalizers": kept } })),
                "let the Rollout go",
            )
        })
    }

    pub(super) fn add_finalizer(&self) -> Option<Effect> {
        (!self.s.has_finalizer()).then(|| {
            let mut all: Vec<&str> = self
                .s
                .rollout
                .metadata
                .finalizers
                .iter()
                .flatten()
                .map(String::as_str)
                .collect();
            all.push(keys::ROLLOUT_FINALIZER);
            self.s.write_rollout(
                Verb::Merge(json!({ "metadata": { "finalizers": all } })),
                "keep the Rollout until its traces are gone",
            )
        })
    }

    /// Sets where the step is.
    pub(super) fn enter(&mut self, state: StepState) {
        self.sub().current_step_state = state;
    }
}

fn value(status: &RolloutStatus) -> Value {
    serde_json::to_value(status).unwrap_or_default()
}
