//! Writes that fail: how long is waited until the next attempt, and who is told.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{Event, RolloutKey},
    Engine,
};
use crate::engine::core::{Effect, Stop};

/// Failed attempts in a row that are worth telling whatever they failed with: some two and a half seconds of writes of an
/// object that is never as it was read, half a minute of a server that does not answer.
const MANY_FAILURES: u32 = 7;

impl Engine {
    /// Waits longer with every attempt, and tells of it; without end only where it is to go on for ever.
    pub(super) fn failed(
        &mut self,
        key: &RolloutKey,
        error: &kube::Error,
        effect: Option<&Effect>,
        now: Timestamp,
    ) {
        let code = if let kube::Error::Api(status) = error {
            status.code
        } else {
            0
        };
        let standing = self.standings.entry(key.clone()).or_default();
        standing.failures += 1;
        let stale = matches!(code, 404 | 409);
        let doublings = standing.failures.min(7) - 1;
        let base = if stale { 20 } else { 250 };
        let wait = SignedDuration::from_millis((base << doublings).min(15_000));
        let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        standing.not_before = Some(at);
        standing.wake = Some(at);
        let words = if let kube::Error::Api(status) = error {
            status.message.clone()
        } else {
            error.to_string()
        };
        let what = effect.map_or_else(
            || "take the lease".to_owned(),
            |effect| format!("{} ({})", effect.purpose, effect.target),
        );
        let failures = standing.failures;
        // An object that was written since it was read is everyday's business, but not for long.
        if !stale || failures.is_multiple_of(MANY_FAILURES) {
            self.emit(Event::Retrying {
                key: key.clone(),
                error: format!("{what}: {words}"),
                seconds: wait.as_secs_f64(),
            });
        }
        let is_refused = matches!(code, 400 | 401 | 403 | 405 | 413 | 415 | 422);
        if is_refused || failures >= MANY_FAILURES {
            self.record_failure(key, format!("{what}: {words}"));
        }
        if is_refused && !self.options.forever {
            self.stop(
                key,
                Stop::Refused {
                    message: format!("{what}: {words}"),
                    code,
                },
            );
            if let Some(standing) = self.standings.get_mut(key) {
                standing.wake = None;
                standing.not_before = Some(Timestamp::MAX);
            }
        }
    }
}
