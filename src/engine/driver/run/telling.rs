//! Events: what became of a release since it was told last.

use futures::FutureExt as _;

use super::{
    super::{
        RolloutKey,
        record::{self, Standpoint},
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
            let (client, identity) = (self.client.clone(), self.options.identity.clone());
            let written = record::write(client, self.clock, identity, key.clone(), rollout.clone(), note);
            self.notes.push(written.boxed());
        }
    }
}
