//! The one place that reads a clock.
//!
//! All time comes from tokio's clock, which a paused runtime turns into virtual time: sleeps, requeues, watch
//! timeouts and timestamps written into objects then agree (live, plan, demo and tests use the same code).

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Duration, Instant};

/// Turns tokio's monotonic clock into timestamps.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    started: Instant,
}

impl Clock {
    /// Starts at the wall clock's present time. Must be called inside a tokio runtime.
    #[expect(clippy::disallowed_methods, reason = "the one legal reader of the wall clock")]
    #[must_use]
    pub fn wall() -> Self {
        Self {
            base: Timestamp::now(),
            started: Instant::now(),
        }
    }

    /// Starts at a given time; with a paused runtime this is virtual time.
    #[must_use]
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            started: Instant::now(),
        }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.base.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    /// Waits until `deadline`; returns at once when it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one legal sleep: it waits for a deadline"
    )]
    pub async fn sleep_until(&self, deadline: Timestamp) {
        let left = deadline.duration_since(self.now());
        if let Ok(left) = Duration::try_from(left) {
            tokio::time::sleep(left).await;
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
