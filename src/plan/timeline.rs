//! Folds what the engine and the pods did into steps.

mod count;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kube::{api::DynamicObject, runtime::watcher};

use count::{Counted, Seen, Sum};

use super::{End, Plan, PlannedState, PlannedStep, PlannedWrite, Pods};
use crate::{
    api::{IntOrPercent, keys, v1beta1::Step},
    engine::{
        core::{Effect, Reason, Verb},
        driver::RolloutKey,
    },
    release::traffic,
    workload::{Mark, Pod, ReplicaSet, Workload},
};

/// By what the pods of each version are counted.
pub(super) enum Census {
    /// The ReplicaSets of a Deployment and of its canary.
    ReplicaSets,
    /// The pods themselves, of the workload as it was at the start.
    Pods(Box<DynamicObject>),
}

/// What happened so far.
pub(super) struct Timeline {
    start: Timestamp,
    asked: Vec<Step>,
    census: Census,
    /// The metrics that steps are judged by.
    gates: BTreeMap<i32, String>,
    /// What a TrafficRouting does to the traffic of every step.
    shared: Option<String>,
    stable: Option<String>,
    /// Revisions that had pods at the start.
    known: BTreeSet<String>,
    counted: BTreeMap<String, Counted>,
    /// The sums of these: of the new version, and of others.
    sums: [Sum; 2],
    /// The same at the beginning.
    first: Option<[Sum; 2]>,
    listed: bool,
    current: i32,
    steps: BTreeMap<i32, PlannedStep>,
    /// Steps that the engine waited at the end of.
    waited: BTreeSet<i32>,
    /// Steps whose pods were ready, so that their traffic moved.
    split: BTreeSet<i32>,
    states: Vec<PlannedState>,
    writes: Vec<PlannedWrite>,
    /// How many of the writes are known to belong to a step. The rest waits for the engine to say where it got to.
    placed: usize,
    lowest: Option<i32>,
    most: i32,
    crests: Vec<Pods>,
    turn: Option<Turn>,
    unknown: Vec<String>,
}

/// What happened since a write of which nobody knows yet whether it belongs to the step at hand or to the next one.
struct Turn {
    /// The step as it was at the write.
    kept: PlannedStep,
    seen: Seen,
}

impl Census {
    /// Counts an object; nothing when it is none of the workload's.
    fn of(&self, object: &DynamicObject) -> Option<Counted> {
        match self {
            Self::ReplicaSets => {
                let set = ReplicaSet::new(object);
                Some(Counted {
                    revision: set.hash().to_owned(),
                    pods: set.present(),
                    ready: set.ready(),
                })
            }
            Self::Pods(workload) => {
                let pod = Pod::read(&serde_json::to_value(object).ok()?)?;
                let ours = workload.metadata.uid.as_deref() == Some(pod.owner.as_str()) && !pod.deleting;
                let revision = Workload::new(workload)?.revision_of(&pod).to_owned();
                ours.then(|| Counted {
                    revision,
                    pods: 1,
                    ready: i32::from(pod.ready),
                })
            }
        }
    }
}

impl Timeline {
    /// `stable` is the revision that runs before the release; when it is not known, what appears later is new.
    pub(super) fn new(start: Timestamp, asked: &[Step], census: Census, stable: Option<String>) -> Self {
        Self {
            start,
            asked: asked.to_vec(),
            census,
            gates: BTreeMap::new(),
            shared: None,
            stable,
            known: BTreeSet::new(),
            counted: BTreeMap::new(),
            sums: [Sum::default(); 2],
            first: None,
            listed: false,
            current: 0,
            steps: BTreeMap::new(),
            waited: BTreeSet::new(),
            split: BTreeSet::new(),
            states: Vec::new(),
            writes: Vec::new(),
            placed: 0,
            lowest: None,
            most: 0,
            crests: Vec::new(),
            turn: None,
            unknown: Vec::new(),
        }
    }

    /// Something that it cannot tell.
    pub(super) fn unknown(&mut self, what: Option<&str>) {
        self.unknown.extend(what.map(str::to_owned));
    }

    /// With the metrics that steps are judged by.
    pub(super) fn gated_by(mut self, gates: BTreeMap<i32, String>) -> Self {
        self.gates = gates;
        self
    }

    /// With what a TrafficRouting that the Rollout shares with others does in every step, in words.
    pub(super) fn shared_by(mut self, split: Option<String>) -> Self {
        self.shared = split;
        self
    }

    /// By what it counts.
    pub(super) fn census(&self) -> &Census {
        &self.census
    }

    /// Nothing was written for a release.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.writes.is_empty()
    }

    fn seconds(&self, at: Timestamp) -> f64 {
        // Milliseconds are as fine as the statuses are.
        (at.duration_since(self.start).as_secs_f64() * 1000.0).round() / 1000.0
    }

    pub(super) fn pods(&mut self, event: watcher::Event<DynamicObject>) {
        match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                let counted = self.census.of(&object);
                self.count(object.metadata.name.unwrap_or_default(), counted);
            }
            watcher::Event::Delete(object) => self.count(object.metadata.name.unwrap_or_default(), None),
            watcher::Event::Init => {}
            watcher::Event::InitDone => {
                self.listed = true;
                self.current = self.current.max(1);
                self.sums = [Sum::default(); 2];
                for counted in self.counted.values() {
                    let at = usize::from(!self.is_new(&counted.revision));
                    self.sums[at].add(counted);
                }
                self.first.get_or_insert(self.sums);
            }
        }
        self.sample();
    }

    fn count(&mut self, name: String, counted: Option<Counted>) {
        if !self.listed {
            // A revision of the history may be the one that is gone back to.
            let runs = counted.as_ref().filter(|counted| counted.pods > 0);
            self.known.extend(runs.map(|counted| counted.revision.clone()));
        }
        if let Some(counted) = &counted {
            let at = usize::from(!self.is_new(&counted.revision));
            self.sums[at].add(counted);
        }
        let before = match counted {
            Some(counted) => self.counted.insert(name, counted),
            None => self.counted.remove(&name),
        };
        if let Some(before) = before {
            let at = usize::from(!self.is_new(&before.revision));
            self.sums[at].subtract(&before);
        }
    }

    fn is_new(&self, revision: &str) -> bool {
        match &self.stable {
            Some(stable) => revision != stable,
            None => !self.known.contains(revision),
        }
    }

    fn ready(&self) -> i32 {
        self.sums.iter().map(|sum| sum.ready).sum()
    }

    fn sample(&mut self) {
        let [new, old] = self.sums;
        let (pods, ready) = (new.pods + old.pods, self.ready());
        if self.current > 0 {
            self.lowest = Some(self.lowest.map_or(ready, |lowest| lowest.min(ready)));
            self.most = self.most.max(pods);
            self.crest(Pods {
                new: new.pods,
                old: old.pods,
            });
        }
        if let Some(turn) = &mut self.turn {
            turn.seen.take_in(pods, [new, old]);
        }
        if let Some(step) = self.steps.get_mut(&self.current) {
            Seen::of_step(step).then(pods, [new, old]).put(step);
            step.new_pods = new.pods;
            step.old_pods = old.pods;
        }
    }

    /// Remembers how many pods of each version there are, if there never were as many of both.
    fn crest(&mut self, now: Pods) {
        let covers = |one: &Pods, other: &Pods| one.new >= other.new && one.old >= other.old;
        if !self.crests.iter().any(|seen| covers(seen, &now)) {
            self.crests.retain(|seen| !covers(&now, seen));
            self.crests.push(now);
        }
    }

    fn closing(&self) -> i32 {
        i32::try_from(self.asked.len())
            .unwrap_or(i32::MAX)
            .saturating_add(1)
    }

    fn enter(&mut self, index: i32) {
        self.current = index;
        if self.steps.contains_key(&index) {
            return;
        }
        let asked = usize::try_from(index - 1)
            .ok()
            .and_then(|place| self.asked.get(place));
        let traffic = asked.map_or_else(String::new, |step| {
            let text = traffic::of_step(step, self.shared.as_deref());
            if text.is_empty() { "-".to_owned() } else { text }
        });
        let gate = asked.map_or_else(String::new, |step| match step.pause.duration {
            Some(seconds) => format!("{seconds} s"),
            None => "approval".to_owned(),
        });
        let gate = match self.gates.get(&index) {
            Some(metrics) => format!("{metrics}, then {gate}"),
            None => gate,
        };
        let old_traffic = asked.map_or_else(String::new, |step| {
            let share = step.traffic.as_deref().map(IntOrPercent::from);
            match (share, step.matches.is_empty() && self.shared.is_none()) {
                (Some(IntOrPercent::Percent(share)), true) => format!("{}%", 100 - share),
                (None, true) => "-".to_owned(),
                _ => "the rest".to_owned(),
            }
        });
        let seen = Seen::now(self.sums);
        let step = PlannedStep {
            step: index,
            new_wanted: None,
            new_pods: 0,
            new_ready: seen.new,
            old_pods: 0,
            old_ready: seen.old,
            ready_lowest: seen.ready.lowest,
            ready_highest: seen.ready.highest,
            most_pods: seen.most,
            traffic,
            old_traffic,
            gate,
            seconds: 0.0,
            likely_seconds: None,
            writes: 0,
        };
        self.steps.insert(index, step);
        self.sample();
    }

    pub(super) fn moved(&mut self, at: Timestamp, step: i32, reason: &Reason) {
        // What is written and moved meanwhile belongs to where the engine then says it is.
        let seconds = self.seconds(at);
        let Some(state) = state(reason) else {
            return;
        };
        self.note(seconds, step, state);
        let turn = self.turn.take();
        match reason {
            Reason::Upgrading { step, .. }
            | Reason::TrafficGrace { step, .. }
            | Reason::Measuring { step, .. }
            | Reason::GateClosed { step, .. }
            | Reason::WaitingForApproval { step, .. }
            | Reason::TimedPause { step, .. } => {
                self.enter(*step);
                if !matches!(reason, Reason::Upgrading { .. }) {
                    self.split.insert(*step);
                }
                if matches!(
                    reason,
                    Reason::WaitingForApproval { .. } | Reason::TimedPause { .. }
                ) {
                    self.waited.insert(*step);
                }
                if let Some(planned) = self.steps.get_mut(step) {
                    planned.seconds = seconds;
                    if let Reason::Upgrading { wanted, .. } = reason {
                        planned.new_wanted = Some(*wanted);
                    }
                }
            }
            Reason::Finalising { .. } => {
                self.pass_without_gate(step);
                self.enter(self.closing());
            }
            // Where nothing has to be waited for, the closing work is over before the engine says that it began.
            Reason::Completed | Reason::Cancelled if !self.steps.is_empty() => {
                self.pass_without_gate(step);
                if self.placed < self.writes.len() {
                    self.enter(self.closing());
                }
            }
            Reason::Cancelling { .. } | Reason::Terminating { .. } | Reason::Disabling { .. } => {
                self.enter(self.closing());
            }
            // The row is over when the deadline is.
            Reason::DeadlineExceeded { .. } => {
                if let Some(planned) = self.steps.get_mut(&self.current) {
                    planned.seconds = seconds;
                }
            }
            _ => {}
        }
        if let Some(turn) = turn {
            self.turned(turn);
        }
        self.place_writes();
        if self.current == self.closing()
            && let Some(planned) = self.steps.get_mut(&self.current)
        {
            planned.seconds = seconds;
        }
    }

    /// The pause at hand is approved: what was written until now belongs to it.
    pub(super) fn approved(&mut self) {
        self.turn = None;
        self.place_writes();
    }

    /// The engine writes on its way to where it says it is: what was written since it last said so belongs there.
    fn place_writes(&mut self) {
        let fresh = &mut self.writes[self.placed..];
        for write in fresh.iter_mut() {
            write.step = self.current;
        }
        if let Some(step) = self.steps.get_mut(&self.current) {
            step.writes += fresh.len();
        }
        self.placed = self.writes.len();
    }

    /// Pods that changed after a write belong to the step that the write belongs to.
    fn turned(&mut self, turn: Turn) {
        let left = turn.kept.step;
        if left == self.current {
            return;
        }
        if let Some(step) = self.steps.get_mut(&left) {
            step.new_pods = turn.kept.new_pods;
            step.old_pods = turn.kept.old_pods;
            Seen::of_step(&turn.kept).put(step);
        }
        if let Some(step) = self.steps.get_mut(&self.current) {
            Seen::of_step(step).and(turn.seen).put(step);
        }
    }

    /// Notes a state that is another one than the last.
    fn note(&mut self, seconds: f64, step: i32, state: &'static str) {
        let last = self.states.last();
        if last.is_none_or(|last| (last.step, last.state) != (step, state)) {
            self.states.push(PlannedState { step, state, seconds });
        }
    }

    /// A last step that the engine did not wait at the end of has no gate: one of 100% passes by itself, but not in
    /// blue-green.
    fn pass_without_gate(&mut self, step: i32) {
        let closing = self.closing();
        let passed = step + 1 == closing && !self.waited.contains(&step);
        if let Some(planned) = self.steps.get_mut(&step).filter(|_| passed) {
            planned.gate = self.gates.get(&step).cloned().unwrap_or_else(|| "-".to_owned());
        }
    }

    pub(super) fn wrote(&mut self, at: Timestamp, effect: &Effect) {
        let body = match &effect.verb {
            Verb::Create(body) | Verb::Merge(body) | Verb::Apply(body) | Verb::MergeStatus(body) => {
                body.clone()
            }
            Verb::Delete => serde_json::Value::Null,
        };
        if self.current <= 1 && self.steps.is_empty() && body_starts(&body) {
            self.enter(1);
        }
        let is_measured = !body["metadata"]["annotations"][keys::ANALYSIS_RESULTS].is_null();
        if let (None, Some(step)) = (&self.turn, self.steps.get(&self.current)) {
            self.turn = Some(Turn {
                kept: step.clone(),
                seen: Seen::now(self.sums),
            });
        }
        self.writes.push(PlannedWrite {
            step: self.current,
            seconds: self.seconds(at),
            verb: effect.verb.method(),
            object: effect.target.to_string(),
            path: write::path(effect),
            content_type: write::content_type(&effect.verb),
            precondition: write::precondition(effect),
            purpose: effect.purpose.clone(),
            body,
        });
        // What is measured in a pause is no way to anywhere.
        if is_measured && self.placed + 1 == self.writes.len() {
            self.turn = None;
            self.place_writes();
        }
    }

    /// The pods of the step at hand never become ready: none of what comes after them in it happens.
    fn stop_short(&mut self) {
        if let Some(step) = self.steps.get_mut(&self.current) {
            "-".clone_into(&mut step.traffic);
            "-".clone_into(&mut step.old_traffic);
            "never".clone_into(&mut step.gate);
        }
    }

    pub(super) fn into_plan(mut self, key: RolloutKey, end: End, message: String) -> Plan {
        if end == End::Degraded && self.current < self.closing() && !self.split.contains(&self.current) {
            self.stop_short();
        }
        self.place_writes();
        let finish = self.steps.remove(&self.closing());
        Plan {
            namespace: key.namespace,
            rollout: key.name,
            steps: self.steps.into_values().collect(),
            finish,
            states: self.states,
            writes: self.writes,
            end,
            message,
            lowest_ready: self.lowest.unwrap_or(0),
            most_pods: self.most,
            start_pods: self.first.map_or(0, |sums| sums.iter().map(|sum| sum.pods).sum()),
            begins: self.first.map_or_else(Pods::default, |[new, old]| Pods {
                new: new.pods,
                old: old.pods,
            }),
            crests: self.crests,
            blockers: Vec::new(),
            unknown: self.unknown,
            likely_end: None,
        }
    }
}

/// Whether a write is the first of a release: it puts the finalizer on, or the mark.
fn body_starts(body: &serde_json::Value) -> bool {
    let finalizers = body["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|text| text == keys::ROLLOUT_FINALIZER))
        || body["metadata"]["annotations"][keys::IN_PROGRESSING]
            .as_str()
            .is_some_and(|text| serde_json::from_str::<Mark>(text).is_ok())
}

/// One word for the state that a reason stands for. That a workload's controller is a moment behind is none.
#[must_use]
pub fn state(reason: &Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::AtRest => "AtRest",
        Reason::Completed => "Completed",
        Reason::Cancelled => "RolledBack",
        Reason::Disabled => "Disabled",
        Reason::Gone => "Gone",
        Reason::WorkloadNotFound
        | Reason::Invalid { .. }
        | Reason::Blocked { .. }
        | Reason::RollBackFirst => "Blocked",
        Reason::RestoringStable { .. } => "RestoringStable",
        Reason::Upgrading { .. } => "Upgrading",
        Reason::TrafficGrace { .. } => "MovingTraffic",
        Reason::WaitingForApproval { .. } => "WaitingForApproval",
        Reason::TimedPause { .. } => "TimedPause",
        Reason::Measuring { .. } => "Measuring",
        Reason::GateClosed { .. } => "GateClosed",
        Reason::GateFailed { .. } => "GateFailed",
        Reason::Paused => "Paused",
        Reason::Finalising { .. } => "Finalising",
        Reason::Cancelling { .. } => "RollingBack",
        Reason::Terminating { .. } => "Terminating",
        Reason::Disabling { .. } => "Disabling",
        Reason::DeadlineExceeded { .. } => "Degraded",
        Reason::WorkloadNotObserved | Reason::Starting | Reason::Restarting => return None,
    })
}
