//! Events: what became of a release since it was told last.

use futures::FutureExt as _;
use jiff::Timestamp;

use super::{
    super::{
        Event, RolloutKey,
        record::{self, Note, Standpoint},
    },
    Engine,
};
use crate::{api::v1beta1::Rollout, engine::core::Reason};

impl Engine {
    /// Tells what has happened since the Rollout waited last, if it was our doing.
    pub(super) fn record(&mut self, key: &RolloutKey, rollout: &Rollout, reason: &Reason) {
        if !self.options.record {
            return;
        }
        let standing = self.standings.entry(key.clone()).or_default();
        let Some(now) = Standpoint::of(rollout, reason, standing.standpoint.as_ref()) else {
            return;
        };
        let before = standing.standpoint.replace(now.clone());
        let Some(before) = before.filter(|_| standing.has_written) else {
            return;
        };
        for note in record::notes(&before, &now, reason) {
            self.note(key, rollout.clone(), note);
        }
    }

    /// Tells of a write that fails, once until one succeeds.
    pub(super) fn record_failure(&mut self, key: &RolloutKey, message: String) {
        let Some(rollout) = self.cache.rollout(key).filter(|_| self.options.record).cloned() else {
            return;
        };
        let standing = self.standings.entry(key.clone()).or_default();
        if !std::mem::replace(&mut standing.has_told_failure, true) {
            self.note(key, rollout, record::failure(message));
        }
    }

    fn note(&mut self, key: &RolloutKey, rollout: Rollout, note: Note) {
        let (client, identity) = (self.client.clone(), self.options.identity.clone());
        let written = record::write(client, self.clock, identity, key.clone(), rollout, note);
        self.notes.push(written.boxed());
    }

    /// Says where a Rollout is, once.
    pub(super) fn tell(&mut self, key: &RolloutKey, rollout: &Rollout, reason: &Reason, now: Timestamp) {
        let status = rollout.status.clone().unwrap_or_default();
        let place = (
            reason.clone(),
            status.current_step_index,
            status.current_step_state.clone(),
        );
        let standing = self.standings.entry(key.clone()).or_default();
        if standing.reported.as_ref() == Some(&place) {
            return;
        }
        standing.reported = Some(place);
        let event = Event::Moved {
            key: key.clone(),
            at: now,
            phase: status.phase,
            step: status.current_step_index,
            state: status.current_step_state,
            reason: reason.clone(),
        };
        let _ = self.events.send(event);
    }
}
