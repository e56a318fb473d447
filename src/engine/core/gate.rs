//! The metric gate of a step: measured in the state StepMetricsAnalysis, looked at again in the pause.
//!
//! A step is left when its gate has passed *and* its pause is over. A gate that did not pass keeps the step in its pause until
//! a human approves it; one that failed may bring the stable version back by itself.

use std::ops::ControlFlow;

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    Effect, Reason, Verb, Wake,
    machine::{Flow, Machine},
    validate,
};
use crate::{
    analysis::{self, Gate, Record, Round, Verdict},
    api::{
        analysis_template::OnFailure,
        keys,
        patch::merge_diff,
        v1beta1::{Step, StepState},
    },
    workload::{Kind, edit},
};

impl Machine<'_> {
    /// The gates of the step under way.
    ///
    /// # Errors
    /// What is wrong with them, where somebody changed them since the release began: nobody passes those but by approval.
    pub(super) fn gates(&mut self) -> Result<Vec<Gate>, Reason> {
        if self.is_rollback_in_batches() {
            // What a rate of the last minutes says is said of the version that is being left.
            return Ok(Vec::new());
        }
        let (index, _) = self.step();
        let total = self.total();
        analysis::gates(&self.s.rollout, &self.s.analysis, Some(index), total)
            .map_err(|_| Reason::invalid(&validate::of_gates(self.s, Some(index))))
    }

    /// What is wrong with gates that the release has not come to yet.
    pub(super) fn gates_ahead(&mut self) -> Option<String> {
        let is_ahead =
            self.problems().next().is_some() && self.gates().is_ok() && !self.is_rollback_in_batches();
        is_ahead.then(|| self.problems().collect::<Vec<_>>().join("; "))
    }

    /// Pods and traffic of the step are in place: its metrics are measured from now on.
    pub(super) fn begin_measuring(&mut self) {
        self.enter(StepState::StepMetricsAnalysis);
        if self.gates().is_ok_and(|gates| !gates.is_empty()) {
            self.stamp();
        }
    }

    /// Measures until the gate has passed, or never will.
    pub(super) fn measure(&mut self) -> Flow {
        // One that cannot be read is for a human, in the pause.
        let gates = self.gates().unwrap_or_default();
        let (step, asked) = self.step();
        let (Some(asked), false) = (asked, gates.is_empty()) else {
            self.enter(StepState::StepPaused);
            self.stamp();
            return Flow::Again;
        };
        let began = self.stamped();
        let mut round = self.round(&gates, Some(began));
        let is_news = round.take(&self.s.analysis.answers);
        let state = round.state();
        let reason = Reason::Measuring {
            step,
            total: self.total(),
            what: state.why,
        };
        if is_news {
            return Flow::Do(vec![self.note_round(&round)], reason);
        }
        if state.verdict != Verdict::Running {
            self.enter(StepState::StepPaused);
            self.stamp();
            return Flow::Again;
        }
        if let Some(flow) = self.tend(asked, &reason) {
            return flow;
        }
        let (queries, next) = round.due(self.now);
        self.queries = queries;
        Flow::Wait(next.map_or(Wake::OnChange, Wake::At), reason)
    }

    /// Looks at the gate in the pause: metrics without an end are measured on. Says what is to be done instead of pausing,
    /// or when the next measurement is due.
    pub(super) fn gate_in_pause(&mut self, asked: &Step) -> ControlFlow<Flow, Option<Timestamp>> {
        let gates = match self.gates() {
            Ok(gates) if gates.is_empty() => return ControlFlow::Continue(None),
            Ok(gates) => gates,
            Err(reason) => {
                let flow = self.tend(asked, &reason);
                return ControlFlow::Break(flow.unwrap_or(Flow::Wait(Wake::OnChange, reason)));
            }
        };
        let (step, _) = self.step();
        let total = self.total();
        let mut round = self.round(&gates, None);
        let is_news = round.take(&self.s.analysis.answers);
        let state = round.state();
        if is_news {
            let reason = Reason::Measuring {
                step,
                total,
                what: state.why,
            };
            return ControlFlow::Break(Flow::Do(vec![self.note_round(&round)], reason));
        }
        match state.verdict {
            Verdict::Passed => {
                let (queries, next) = round.due(self.now);
                self.queries = queries;
                ControlFlow::Continue(next)
            }
            // The gate came after the step had begun to pause, or its record was taken away.
            Verdict::Running => {
                self.enter(StepState::StepMetricsAnalysis);
                self.stamp();
                ControlFlow::Break(Flow::Again)
            }
            verdict => {
                let mut why = state.why;
                if verdict == Verdict::Failed && state.on_failure == OnFailure::Rollback {
                    match self.take_back() {
                        Some(effect) => {
                            let reason = Reason::GateFailed { step, total, why };
                            return ControlFlow::Break(Flow::Do(vec![effect], reason));
                        }
                        None => {
                            why.push_str("; the template of the stable version is gone, so that it stays");
                        }
                    }
                }
                let reason = Reason::GateClosed {
                    step,
                    total,
                    why,
                    failed: verdict == Verdict::Failed,
                };
                ControlFlow::Break(
                    self.tend(asked, &reason)
                        .unwrap_or(Flow::Wait(Wake::OnChange, reason)),
                )
            }
        }
    }

    fn round<'g>(&mut self, gates: &'g [Gate], began: Option<Timestamp>) -> Round<'g> {
        let (step, _) = self.step();
        let revision = self.sub().canary_revision.clone();
        // Without a record it is told by a time that stands in the status: the answer comes to a later decision.
        let since = self.stamped();
        Round::new(
            gates,
            Record::read(&self.s.rollout),
            &revision,
            step,
            began,
            since,
        )
    }

    /// The write that keeps what was measured.
    fn note_round(&self, round: &Round<'_>) -> Effect {
        let body =
            json!({ "metadata": { "annotations": { keys::ANALYSIS_RESULTS: round.record().text() } } });
        let purpose = format!("keep what was measured: {}", round.state().why);
        self.s.write_rollout(Verb::Merge(body), purpose)
    }

    /// The write that gives the workload the template of its stable version again; a rollback begins with it, as if a user
    /// had written it.
    fn take_back(&mut self) -> Option<Effect> {
        let workload = self.workload()?;
        let stable: Value = if workload.kind == Kind::Deployment {
            serde_json::to_value(self.stable_set()?.object).ok()?
        } else {
            let revision = self.sub().stable_revision.clone()?;
            // Controllers call a revision by its name or by the hash at the name's end.
            let is_named = |name: &str| {
                let before = name.strip_suffix(revision.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('-'))
            };
            let label = |object: &DynamicObject| {
                let labels = object.metadata.labels.as_ref()?;
                labels.get(keys::CONTROLLER_REVISION_HASH).cloned()
            };
            let named = self.s.revisions.iter().find(|object| {
                object.metadata.name.as_deref().is_some_and(is_named)
                    || label(object).as_ref() == Some(&revision)
            })?;
            serde_json::to_value(named).ok()?
        };
        let template = edit::revision::template_of(&stable);
        if !template["spec"].is_object() {
            return None;
        }
        let change = merge_diff(workload.template(), &template)?;
        Some(self.s.write(
            workload.object,
            Verb::Merge(json!({ "spec": { "template": change } })),
            "back to the stable version: the metrics of the new one failed",
        ))
    }
}
