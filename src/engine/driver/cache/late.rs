//! Answers to writes that come after the news that their object is gone.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// Uids of objects that went while writes were under way. The answer to such a write shows an object that is no more, and no
/// watch will ever say so again.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// The number of the next round of writes.
    next: u64,
    /// Rounds that are under way.
    rounds: BTreeSet<u64>,
    /// What went, and the number of the round that would have been next.
    gone: HashMap<String, u64>,
    /// The same in the order in which it went.
    order: VecDeque<(u64, String)>,
}

impl Late {
    /// Begins a round of writes.
    pub(super) fn begin(&mut self) -> u64 {
        let round = self.next;
        self.next += 1;
        self.rounds.insert(round);
        round
    }

    /// Ends a round, whose answers are all in.
    pub(super) fn end(&mut self, round: u64) {
        self.rounds.remove(&round);
        let oldest = self.rounds.first().copied().unwrap_or(u64::MAX);
        while let Some((_, uid)) = self.order.pop_front_if(|(at, _)| *at <= oldest) {
            self.gone.remove(&uid);
        }
    }

    /// Notes that an object is gone.
    pub(super) fn note(&mut self, uid: &str) {
        if !self.rounds.is_empty() && self.gone.insert(uid.to_owned(), self.next).is_none() {
            self.order.push_back((self.next, uid.to_owned()));
        }
    }

    /// Whether an object went while writes were under way that may speak of it yet.
    pub(super) fn is_gone(&self, uid: &str) -> bool {
        self.gone.contains_key(uid)
    }
}

#[cfg(test)]
mod tests {
    use super::Late;

    #[test]
    fn what_went_is_remembered_as_long_as_a_write_from_before_is_under_way() {
        let mut late = Late::default();
        late.note("nobody writes");
        let first = late.begin();
        late.note("a");
        let second = late.begin();
        late.note("b");
        let known = |late: &Late| ["nobody writes", "a", "b"].map(|uid| late.is_gone(uid));
        assert_eq!(known(&late), [false, true, true]);
        // The second began when `a` was gone already.
        late.end(first);
        assert_eq!(known(&late), [false, false, true]);
        late.end(second);
        assert_eq!(known(&late), [false, false, false]);
        assert_eq!((late.gone.len(), late.order.len()), (0, 0));
    }
}
