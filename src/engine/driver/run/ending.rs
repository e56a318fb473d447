//! Letting go: of one Rollout, and of all of them.

use futures::{FutureExt as _, StreamExt as _, future::join_all};
use tokio::time::Duration;

use super::{
    super::{
        RolloutKey,
        lease::{self, Held},
        work::Outcome,
    },
    Engine,
};
use crate::engine::core::Stop;

/// How long the last Events may take when everything else is done.
const LAST_EVENTS: Duration = Duration::from_secs(1);

impl Engine {
    /// The Rollout is gone, or not ours to drive any more.
    pub(super) fn leave(&mut self, key: &RolloutKey) {
        self.measured.remove(key);
        let Some(mut standing) = self.standings.remove(key) else {
            return;
        };
        if let Some(held) = standing.held.take() {
            self.give_back(key, held);
        }
        if standing.reported.is_some() {
            self.stop(key, Stop::Gone);
        }
    }

    pub(super) fn give_back(&self, key: &RolloutKey, held: Held) {
        let (client, key) = (self.client.clone(), key.clone());
        let given_back = async move {
            lease::release(&client, &key, &held).await;
            (key, Outcome::default())
        };
        self.tasks.push(given_back.boxed());
    }

    /// Lets what is under way come to its end, and gives the Leases back.
    pub(super) async fn finish(&mut self) {
        while let Some((key, outcome)) = self.tasks.next().await {
            self.standings.entry(key).or_default().held = outcome.held;
        }
        let standings = self.standings.iter_mut();
        let held = standings.filter_map(|(key, standing)| Some((key, standing.held.take()?)));
        let client = &self.client;
        join_all(held.map(|(key, held)| async move { lease::release(client, key, &held).await })).await;
        tokio::select! {
            () = async { while self.notes.next().await.is_some() {} } => {}
            () = self.clock.sleep(LAST_EVENTS) => {}
        }
    }
}
