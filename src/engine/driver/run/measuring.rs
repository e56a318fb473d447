//! Metrics: what is due is asked for, and what comes back is looked at.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use jiff::Timestamp;

use super::{super::RolloutKey, Engine};
use crate::analysis::{Answered, Query, QueryId};

/// What is asked and what was answered for one Rollout, while no record has it. Nothing that a restart would lose: it is
/// asked again.
#[derive(Debug, Default)]
pub(super) struct Measured {
    asked: BTreeSet<QueryId>,
    answers: Vec<Answered>,
}

impl Engine {
    /// What came back for a Rollout and is in no record yet.
    pub(super) fn answers(&self, key: &RolloutKey) -> Vec<Answered> {
        self.measured
            .get(key)
            .map(|measured| measured.answers.clone())
            .unwrap_or_default()
    }

    /// Nothing is to be written: the answers are in the record, or nobody needs them. Asks what is due and is not asked yet.
    pub(super) fn measure(&mut self, key: &RolloutKey, due: Vec<Query>, now: Timestamp) {
        if let Some(measured) = self.measured.get_mut(key) {
            measured.answers.clear();
            if measured.asked.is_empty() && due.is_empty() {
                self.measured.remove(key);
            }
        }
        for query in due {
            let measured = self.measured.entry(key.clone()).or_default();
            if !measured.asked.insert(query.id.clone()) {
                continue;
            }
            let (id, of) = (query.id.clone(), key.clone());
            let asked = self.meter.measure(&key.namespace, query);
            let answered = asked.map(move |answer| (of, Answered { id, at: now, answer }));
            self.measurements.push(answered.boxed());
        }
    }

    /// An answer came.
    pub(super) fn answered(&mut self, key: RolloutKey, answered: Answered) {
        let Some(measured) = self.measured.get_mut(&key) else {
            return;
        };
        measured.asked.remove(&answered.id);
        measured.answers.push(answered);
        self.ready.insert(key);
    }
}
