//! The one place that reads a clock.
//!
//! All time comes from tokio's clock, which a paused runtime turns into virtual time: sleeps, requeues, watch
//! timeouts and timestamps written into objects then agree (plan, demo and tests use the same code as a live engine).
//! Only the machine's own clock is read anew each time: tokio's stands still while a machine is suspended.

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant};

/// How long the machine's clock is not looked at in a wait: a machine that was suspended finds what is overdue this soon.
const GLANCE: Duration = Duration::from_secs(15);

/// Tells the time.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    Machine,
    Tokio { base: Timestamp, started: Instant },
}

impl Clock {
    /// The machine's clock, as it is set and goes on in a suspended machine.
    #[must_use]
    pub fn machine() -> Self {
        Self(Source::Machine)
    }

    /// Starts at the machine's present time, and goes on with tokio's. Must be called inside a tokio runtime.
    #[must_use]
    pub fn wall() -> Self {
        Self::starting_at(Self::machine().now())
    }

    /// Starts at a given time; with a paused runtime this is virtual time.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        Self(Source::Tokio {
            base,
            started: Instant::now(),
        })
    }

    /// The present time.
    #[expect(clippy::disallowed_methods, reason = "the one legal reader of the wall clock")]
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::Machine => Timestamp::now(),
            Source::Tokio { base, started } => {
                let elapsed = SignedDuration::try_from(started.elapsed()).unwrap_or(SignedDuration::MAX);
                base.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// How long to wait for a deadline before the clock is looked at again; nothing when it has passed.
    fn nap(&self, deadline: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(deadline.duration_since(self.now())).ok()?;
        match self.0 {
            _ if left.is_zero() => None,
            Source::Machine => Some(left.min(GLANCE)),
            Source::Tokio { .. } => Some(left),
        }
    }

    /// Waits until `deadline`; returns at once when it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one legal sleep: it waits for a deadline"
    )]
    pub async fn sleep_until(&self, deadline: Timestamp) {
        while let Some(nap) = self.nap(deadline) {
            tokio::time::sleep(nap).await;
        }
    }

    /// Waits for a span of time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one legal sleep: backoff, polling intervals and model latencies"
    )]
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use tokio::time::{self, Duration};

    use super::{Clock, GLANCE};

    #[tokio::test(start_paused = true)]
    async fn the_machines_clock_is_not_tokios() {
        let (machine, wall) = (Clock::machine(), Clock::wall());
        let hour = SignedDuration::from_hours(1);
        let soon = |clock: &Clock, from: Timestamp| clock.now().duration_since(from) < hour;
        let began = wall.now();
        time::advance(Duration::from_secs(3600)).await;
        assert_eq!((soon(&machine, began), soon(&wall, began)), (true, false));
        // A deadline far away is not slept through in one go.
        assert_eq!(machine.nap(machine.now() + hour), Some(GLANCE));
        assert_eq!(wall.nap(wall.now() + hour), Some(Duration::from_secs(3600)));
        assert_eq!(machine.nap(began - hour), None);
    }
}
