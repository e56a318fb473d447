//! How long a broken watch waits before it is tried again.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use kube::runtime::utils::{Backoff, ResetTimerBackoff};

/// The first wait, without its share of chance.
const FIRST: Duration = Duration::from_millis(800);
/// The longest, without it.
const LONGEST: Duration = Duration::from_secs(30);
/// After a wait as long ago as this the next one is the first again.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// Waits that double, each up to twice as long by chance, so that the watches of many engines do not come back at once.
/// Chance is a digest of whose watch it is: the same run of the simulator waits the same.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    seed: u64,
    tries: u32,
}

impl Patience {
    /// The waits of one watch: that of an engine for a resource.
    pub(super) fn of(identity: &str, resource: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (identity, resource).hash(&mut hasher);
        Self {
            seed: hasher.finish(),
            tries: 0,
        }
    }

    /// Begins again when the last wait is long ago.
    pub(super) fn forgetting(self) -> ResetTimerBackoff<Self> {
        ResetTimerBackoff::new(self, FORGOTTEN)
    }
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = FIRST.saturating_mul(1 << self.tries.min(8)).min(LONGEST);
        let mut hasher = DefaultHasher::new();
        (self.seed, self.tries).hash(&mut hasher);
        self.tries = self.tries.saturating_add(1);
        let thousandths = u32::try_from(hasher.finish() % 1000).unwrap_or(0);
        Some(wait + wait * thousandths / 1000)
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST, Patience};

    #[test]
    fn waits_double_and_those_of_two_engines_differ() {
        let waits = |identity: &str| -> Vec<Duration> { Patience::of(identity, "pods").take(12).collect() };
        let mut expected = Duration::from_millis(800);
        for wait in waits("one") {
            assert!(
                (expected..expected * 2).contains(&wait),
                "{wait:?} for {expected:?}"
            );
            expected = (expected * 2).min(LONGEST);
        }
        assert_eq!(waits("one"), waits("one"));
        assert_ne!(waits("one"), waits("two"));
    }
}
