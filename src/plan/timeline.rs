//! Folds what the engine and the pods did into steps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::{api::DynamicObject, runtime::watcher};

use super::{End, Plan, PlannedStep, PlannedWrite};
use crate::{
    api::v1beta1::Step,
    engine::{
        core::{Effect, Reason, Verb},
        driver::RolloutKey,
    },
    workload::{Mark, ReplicaSet},
};

/// What happened so far.
pub(super) struct Timeline {
    start: Timestamp,
    asked: Vec<Step>,
    stable: Option<String>,
    versions: BTreeMap<String, Version>,
    current: i32,
    steps: BTreeMap<i32, PlannedStep>,
    writes: Vec<PlannedWrite>,
    /// How many of the writes are known to belong to a step. The rest waits for the engine to say where it got to.
    placed: usize,
    lowest: Option<i32>,
    most: i32,
}

/// Pods of one ReplicaSet.
#[derive(Clone, Copy, Default)]
struct Version {
    new: bool,
    pods: i32,
    ready: i32,
}

impl Timeline {
    /// `stable` is the revision that runs before the release; what it is not known for is new when it appears later.
    pub(super) fn new(start: Timestamp, asked: &[Step], stable: Option<String>) -> Self {
        Self {
            start,
            asked: asked.to_vec(),
            stable,
            versions: BTreeMap::new(),
            current: 0,
            steps: BTreeMap::new(),
            writes: Vec::new(),
            placed: 0,
            lowest: None,
            most: 0,
        }
    }

    /// Nothing was written for a release.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn seconds(&self, at: Timestamp) -> f64 {
        // Milliseconds are as fine as the statuses are.
        (at.duration_since(self.start).as_secs_f64() * 1000.0).round() / 1000.0
    }

    pub(super) fn pods(&mut self, event: watcher::Event<DynamicObject>) {
        match event {
            watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                let set = ReplicaSet::new(&object);
                let name = object.metadata.name.clone().unwrap_or_default();
                let new = match &self.stable {
                    Some(stable) => set.hash() != stable,
                    None => self
                        .versions
                        .get(&name)
                        .map_or(self.current > 0, |known| known.new),
                };
                self.versions.insert(
                    name,
                    Version {
                        new,
                        pods: set.present(),
                        ready: set.ready(),
                    },
                );
            }
            watcher::Event::Delete(object) => {
                self.versions
                    .remove(object.metadata.name.as_deref().unwrap_or_default());
            }
            watcher::Event::Init => {}
            watcher::Event::InitDone => self.current = self.current.max(1),
        }
        self.sample();
    }

    fn sample(&mut self) {
        let ready: i32 = self.versions.values().map(|version| version.ready).sum();
        let pods: i32 = self.versions.values().map(|version| version.pods).sum();
        let new: i32 = self
            .versions
            .values()
            .filter(|version| version.new)
            .map(|version| version.pods)
            .sum();
        if self.current > 0 {
            self.lowest = Some(self.lowest.map_or(ready, |lowest| lowest.min(ready)));
            self.most = self.most.max(pods);
        }
        if let Some(step) = self.steps.get_mut(&self.current) {
            step.ready_lowest = step.ready_lowest.min(ready);
            step.ready_highest = step.ready_highest.max(ready);
            step.new_pods = new;
            step.old_pods = pods - new;
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
            match (&step.traffic, step.matches.is_empty()) {
                (Some(share), true) => share.clone(),
                (Some(share), false) => format!("{share} + matches"),
                (None, false) => "matches".to_owned(),
                (None, true) => "-".to_owned(),
            }
        });
        let gate = asked.map_or_else(String::new, |step| match step.pause.duration {
            Some(seconds) => format!("{seconds} s"),
            None => "approval".to_owned(),
        });
        let ready: i32 = self.versions.values().map(|version| version.ready).sum();
        let step = PlannedStep {
            step: index,
            new_pods: 0,
            old_pods: 0,
            ready_lowest: ready,
            ready_highest: ready,
            traffic,
            gate,
            seconds: 0.0,
            writes: 0,
        };
        self.steps.insert(index, step);
        self.sample();
    }

    pub(super) fn moved(&mut self, at: Timestamp, step: i32, reason: &Reason) {
        let seconds = self.seconds(at);
        match reason {
            Reason::Upgrading { step, .. }
            | Reason::TrafficGrace { step, .. }
            | Reason::WaitingForApproval { step, .. }
            | Reason::TimedPause { step, .. } => {
                self.enter(*step);
                if let Some(planned) = self.steps.get_mut(step) {
                    planned.seconds = seconds;
                }
            }
            Reason::Finalising { .. }
            | Reason::Cancelling { .. }
            | Reason::Terminating { .. }
            | Reason::Disabling { .. } => {
                self.pass_without_gate(step);
                self.enter(self.closing());
            }
            _ => {}
        }
        self.place_writes();
        if self.current == self.closing()
            && let Some(planned) = self.steps.get_mut(&self.current)
        {
            planned.seconds = seconds;
        }
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

    /// The last step of 100% waits for nobody.
    fn pass_without_gate(&mut self, step: i32) {
        let closing = self.closing();
        if let Some(planned) = self.steps.get_mut(&step)
            && step + 1 == closing
            && self
                .asked
                .last()
                .is_some_and(|step| step.replicas == Some(crate::api::IntOrPercent::Percent(100)))
        {
            planned.gate = "-".to_owned();
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
        self.writes.push(PlannedWrite {
            step: self.current,
            seconds: self.seconds(at),
            verb: effect.verb.method(),
            object: effect.target.to_string(),
            purpose: effect.purpose.clone(),
            body,
        });
    }

    pub(super) fn into_plan(mut self, key: RolloutKey, end: End, message: String) -> Plan {
        self.place_writes();
        let finish = self.steps.remove(&self.closing());
        Plan {
            namespace: key.namespace,
            rollout: key.name,
            steps: self.steps.into_values().collect(),
            finish,
            writes: self.writes,
            end,
            message,
            lowest_ready: self.lowest.unwrap_or(0),
            most_pods: self.most,
        }
    }
}

/// Whether a write is the first of a release: it puts the finalizer on, or the mark.
fn body_starts(body: &serde_json::Value) -> bool {
    let finalizers = body["metadata"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|text| text == crate::api::keys::ROLLOUT_FINALIZER))
        || body["metadata"]["annotations"][crate::api::keys::IN_PROGRESSING]
            .as_str()
            .is_some_and(|text| serde_json::from_str::<Mark>(text).is_ok())
}
