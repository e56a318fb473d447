//! What whoever watches a paused step for a controller that does not measure makes of its metrics.
//!
//! A pause for a human is ended by an approval. A timed pause ends by itself, whatever was measured: so that metrics can stop
//! it, the Rollout is frozen (`spec.strategy.paused`) as soon as they are bad, and shortly before the time is up when they
//! have not passed yet; it is resumed when they pass. Should the watcher die meanwhile, the release stands still.

use jiff::SignedDuration;

use crate::{analysis::Verdict, api::analysis_template::OnFailure};

/// How long before the end of a timed pause it is frozen: several looks, and the time that a write takes.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// The pause that is judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Judged {
    /// What its metrics say.
    pub verdict: Verdict,
    /// What is wanted of a release that fails.
    pub on_failure: OnFailure,
    /// What is left of it; nothing where a human ends it.
    pub left: Option<SignedDuration>,
    /// Whether the Rollout was frozen because of it.
    pub is_frozen: bool,
}

/// What is done next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Care {
    /// Nothing: it is measured on, or time ends the pause.
    Wait,
    /// The step is approved.
    Approve,
    /// The Rollout is paused, so that time does not end the pause.
    Freeze,
    /// The Rollout is resumed, and time ends the pause.
    Resume,
    /// The stable version is brought back.
    TakeBack,
    /// A human decides.
    Leave,
}

impl Judged {
    /// Decides.
    #[must_use]
    pub fn care(&self) -> Care {
        let runs_out = self.left.is_some_and(|left| left <= MARGIN);
        match (self.verdict, &self.on_failure) {
            (Verdict::Passed, _) if self.left.is_none() => Care::Approve,
            (Verdict::Passed, _) if self.is_frozen => Care::Resume,
            (Verdict::Passed, _) => Care::Wait,
            (Verdict::Failed, OnFailure::Rollback) => Care::TakeBack,
            (Verdict::Running, _) if runs_out && !self.is_frozen => Care::Freeze,
            (Verdict::Running, _) => Care::Wait,
            (Verdict::Failed | Verdict::Inconclusive, _) if self.left.is_some() && !self.is_frozen => {
                Care::Freeze
            }
            (Verdict::Failed | Verdict::Inconclusive, _) => Care::Leave,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{Care, Judged};
    use crate::{
        analysis::Verdict::{self, Failed, Inconclusive, Passed, Running},
        api::analysis_template::OnFailure::{self, Pause, Rollback},
    };

    #[test]
    fn decides_for_every_pause() {
        let at = |verdict: Verdict, on_failure: OnFailure, left: Option<i64>, is_frozen: bool| {
            Judged {
                verdict,
                on_failure,
                left: left.map(SignedDuration::from_secs),
                is_frozen,
            }
            .care()
        };
        let cases = [
            // A human is waited for.
            (at(Running, Rollback, None, false), Care::Wait),
            (at(Passed, Rollback, None, false), Care::Approve),
            (at(Failed, Rollback, None, false), Care::TakeBack),
            (at(Failed, Pause, None, false), Care::Leave),
            (at(Inconclusive, Rollback, None, false), Care::Leave),
            // Time is waited for: what has not passed must not go on when it is up.
            (at(Running, Rollback, Some(60), false), Care::Wait),
            (at(Running, Rollback, Some(5), false), Care::Freeze),
            (at(Running, Rollback, Some(0), true), Care::Wait),
            (at(Passed, Rollback, Some(60), false), Care::Wait),
            (at(Passed, Rollback, Some(0), false), Care::Wait),
            (at(Passed, Rollback, Some(0), true), Care::Resume),
            (at(Failed, Rollback, Some(60), false), Care::TakeBack),
            (at(Failed, Rollback, Some(0), true), Care::TakeBack),
            (at(Failed, Pause, Some(60), false), Care::Freeze),
            (at(Failed, Pause, Some(60), true), Care::Leave),
            (at(Inconclusive, Pause, Some(60), false), Care::Freeze),
            (at(Inconclusive, Rollback, Some(0), true), Care::Leave),
        ];
        for (number, (seen, expected)) in cases.into_iter().enumerate() {
            assert_eq!(seen, expected, "case {number}");
        }
    }
}
