//! What a plan says.

use serde::Serialize;
use serde_json::Value;

use super::{
    blockers::{self, Blocker, Ground, Weight},
    render::span,
};

/// What will happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Namespace of the Rollout.
    pub namespace: String,
    /// Name of the Rollout.
    pub rollout: String,
    /// The steps, in order of time.
    pub steps: Vec<PlannedStep>,
    /// The closing work; nothing when the release does not get there.
    pub finish: Option<PlannedStep>,
    /// The states that the engine goes through, in order of time.
    pub states: Vec<PlannedState>,
    /// Every write, in order.
    pub writes: Vec<PlannedWrite>,
    /// How it ends.
    pub end: End,
    /// Why it ends so, for humans.
    pub message: String,
    /// Fewest ready pods at any time.
    pub lowest_ready: i32,
    /// Most pods at any time.
    pub most_pods: i32,
    /// Pods at the beginning.
    pub start_pods: i32,
    /// Pods of each version at the beginning.
    #[serde(skip)]
    pub begins: Pods,
    /// Pods of each version whenever there were more of one than at any other time with as many of the other.
    #[serde(skip)]
    pub crests: Vec<Pods>,
    /// What stands in the way, or may; nothing as long as nobody looked.
    pub blockers: Vec<Blocker>,
    /// What is not known, one sentence each.
    pub unknown: Vec<String>,
    /// How it ends when pods take as long as nine of ten that were seen at the most; nothing when no pod tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub likely_end: Option<End>,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its number, 1-based; for the closing work the number of steps plus one.
    pub step: i32,
    /// Pods of the new version that it asks for; nothing where the engine did not have to wait for any.
    pub new_wanted: Option<i32>,
    /// Pods of the new version at its end.
    pub new_pods: i32,
    /// Ready pods of the new version in it.
    pub new_ready: Range,
    /// Pods of other versions at its end.
    pub old_pods: i32,
    /// Ready pods of other versions in it.
    pub old_ready: Range,
    /// Fewest ready pods in it.
    pub ready_lowest: i32,
    /// Most ready pods in it.
    pub ready_highest: i32,
    /// Most pods in it, ready or not.
    pub most_pods: i32,
    /// Traffic for the new version, as the step asks for it.
    pub traffic: String,
    /// Traffic that the old version keeps, as the step asks for it.
    pub old_traffic: String,
    /// What ends it.
    pub gate: String,
    /// Seconds from the start until its gate is reached, at the earliest.
    pub seconds: f64,
    /// The same when pods take as long as nine of ten that were seen at the most: an estimate. Nothing when no pod tells.
    pub likely_seconds: Option<f64>,
    /// Writes in it.
    pub writes: usize,
}

/// Pods of the new version and of others at one time, ready or not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pods {
    /// Those of the new version.
    pub new: i32,
    /// The others.
    pub old: i32,
}

/// Fewest and most of something at any time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Range {
    /// Fewest.
    pub lowest: i32,
    /// Most.
    pub highest: i32,
}

/// One state of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedState {
    /// The step the Rollout is at, 1-based.
    pub step: i32,
    /// One word for it.
    pub state: &'static str,
    /// Seconds from the start.
    pub seconds: f64,
}

/// One write of a plan, as it would be sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWrite {
    /// The step it belongs to.
    pub step: i32,
    /// Seconds from the start.
    pub seconds: f64,
    /// HTTP method.
    pub verb: &'static str,
    /// Kind and name.
    pub object: String,
    /// Path and query.
    pub path: String,
    /// Its media type; empty without a body.
    pub content_type: &'static str,
    /// What must still be so for the server to take it.
    pub precondition: &'static str,
    /// What it is for.
    pub purpose: String,
    /// The body.
    pub body: Value,
}

/// How a plan ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum End {
    /// The new version is everywhere.
    Completed,
    /// The old version is everywhere.
    RolledBack,
    /// Nothing is to be done.
    NothingToDo,
    /// Something stands in the way.
    Blocked,
    /// Pods do not become ready in time.
    Degraded,
    /// The step is reached that was to be planned to.
    StepReached,
}

impl End {
    /// What it does, in the summary.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completes",
            Self::RolledBack => "rolls back",
            Self::NothingToDo => "nothing to do",
            Self::Blocked => "blocked",
            Self::Degraded => "degrades",
            Self::StepReached => "planned as far as asked",
        }
    }
}

impl Plan {
    /// Whether carrying it out would change anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Looks for what stands in the way.
    pub fn weigh(&mut self, ground: &Ground<'_>) {
        self.blockers = blockers::of_plan(self, ground);
    }

    /// Whether it is known not to end as it should.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.end == End::Blocked || self.blockers.iter().any(|one| one.weight == Weight::Blocks)
    }

    /// The steps that a human ends.
    #[must_use]
    pub fn approvals(&self) -> Vec<i32> {
        let waiting = self
            .states
            .iter()
            .filter(|state| state.state == "WaitingForApproval");
        let mut steps: Vec<i32> = waiting.map(|state| state.step).collect();
        steps.dedup();
        steps
    }

    /// Seconds until the end, at the earliest.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.last().map_or(0.0, |step| step.seconds)
    }

    /// The closing work, or the last step.
    #[must_use]
    pub fn last(&self) -> Option<&PlannedStep> {
        self.finish.as_ref().or(self.steps.last())
    }

    /// The steps and the closing work.
    pub fn rows_of_time(&self) -> impl Iterator<Item = &PlannedStep> {
        self.steps.iter().chain(&self.finish)
    }

    /// One line of fixed grammar.
    #[must_use]
    pub fn summary(&self) -> String {
        let (steps, writes) = (self.steps.len(), self.writes.len());
        let (lowest, most) = (self.lowest_ready, self.most_pods);
        let blockers = self
            .blockers
            .iter()
            .filter(|one| one.weight == Weight::Blocks)
            .count();
        let end = match self.end {
            End::Completed | End::RolledBack | End::StepReached if blockers > 0 => End::Blocked,
            end => end,
        };
        let (time, end) = (span(self.seconds()), end.word());
        let counted = |count: &dyn ToString, what: &str| match count.to_string().as_str() {
            "1" => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let (steps, writes) = (counted(&steps, "step"), counted(&writes, "write"));
        let (lowest, most) = (counted(&lowest, "ready pod"), counted(&most, "pod"));
        let blockers = counted(&blockers, "blocker");
        format!(
            "Summary: {steps}, {writes}, never below {lowest}, at most {most}, {time} at the earliest, {blockers}, {end}."
        )
    }

    /// Takes the times of the same release with slower pods for the likely ones.
    pub(super) fn likely_as(&mut self, slower: &Self) {
        self.likely_end = Some(slower.end);
        for step in self.steps.iter_mut().chain(&mut self.finish) {
            let mut same = slower.rows_of_time();
            step.likely_seconds = same
                .find(|other| other.step == step.step)
                .map(|other| other.seconds);
        }
    }
}
