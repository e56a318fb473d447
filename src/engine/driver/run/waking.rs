//! When a Rollout is looked at though nothing changed, and when its Lease is renewed.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use jiff::Timestamp;

use super::{
    super::{RolloutKey, lease, work::Outcome},
    Engine, Standing,
};

/// The next time of each Rollout, in order: the loop asks for the first after every event, whatever their number.
#[derive(Debug, Default)]
pub(super) struct Timers {
    in_order: BTreeSet<(Timestamp, RolloutKey)>,
    of: BTreeMap<RolloutKey, Timestamp>,
}

impl Timers {
    /// Sets the time of a Rollout, or takes it away.
    fn set(&mut self, key: &RolloutKey, at: Option<Timestamp>) {
        if self.of.get(key).copied() == at {
            return;
        }
        if let Some(old) = self.of.remove(key) {
            self.in_order.remove(&(old, key.clone()));
        }
        if let Some(at) = at {
            self.of.insert(key.clone(), at);
            self.in_order.insert((at, key.clone()));
        }
    }

    /// The first of all times.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// Takes out the Rollouts whose time has come.
    fn take_due(&mut self, now: Timestamp) -> Vec<RolloutKey> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.in_order.first()
            && *at <= now
            && let Some((_, key)) = self.in_order.pop_first()
        {
            self.of.remove(&key);
            due.push(key);
        }
        due
    }
}

impl Standing {
    /// When something is to be done for it by itself; nothing while a task is under way, which ends by itself.
    fn due(&self) -> Option<Timestamp> {
        let renewal = self.held.as_ref().map(|held| {
            held.renewed
                .saturating_add(lease::RENEW_AFTER)
                .unwrap_or(Timestamp::MAX)
        });
        let times = [self.wake, renewal].into_iter().flatten();
        times.min().filter(|_| !self.busy)
    }
}

impl Engine {
    /// Follows what has become of a Rollout's standing.
    pub(super) fn set_timer(&mut self, key: &RolloutKey) {
        let due = self.standings.get(key).and_then(Standing::due);
        self.timers.set(key, due);
    }

    /// Looks at the Rollouts whose time has come, or renews their Leases.
    pub(super) fn wake_due(&mut self) {
        let now = self.clock.now();
        for key in self.timers.take_due(now) {
            let Some(standing) = self.standings.get_mut(&key).filter(|standing| !standing.busy) else {
                continue;
            };
            if standing.wake.is_some_and(|at| at <= now) {
                standing.wake = None;
                if standing.not_before.is_some_and(|at| at <= now) {
                    standing.not_before = None;
                }
                self.ready.insert(key);
            } else {
                self.renew(key, now);
            }
        }
    }

    fn renew(&mut self, key: RolloutKey, now: Timestamp) {
        let Some(standing) = self.standings.get_mut(&key) else {
            return;
        };
        let Some(held) = standing.held.take() else {
            return;
        };
        standing.busy = true;
        let client = self.client.clone();
        let task = async move {
            let (held, failure) = match lease::renew(&client, &key, &held, now).await {
                Ok(renewed) => (Some(renewed), None),
                // Lost, or out of reach: no write relies on it any more.
                Err(error) => (None, Some((error, None))),
            };
            (
                key,
                Outcome {
                    failure,
                    held,
                    ..Outcome::default()
                },
            )
        };
        self.tasks.push(task.boxed());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{RolloutKey, Timers};

    #[test]
    fn one_time_a_rollout_the_first_first() {
        let key = |name: &str| RolloutKey {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut timers = Timers::default();
        for (name, second) in [
            ("a", Some(5)),
            ("b", Some(3)),
            ("c", Some(4)),
            ("a", Some(2)),
            ("c", None),
        ] {
            timers.set(&key(name), second.map(at));
        }
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.take_due(at(1)), []);
        assert_eq!(timers.take_due(at(3)), [key("a"), key("b")]);
        assert_eq!(timers.next(), None);
        timers.set(&key("a"), Some(at(9)));
        assert_eq!(timers.next(), Some(at(9)));
    }
}
