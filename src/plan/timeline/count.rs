//! Pods of each version, counted: at one time, and over a span of it.

use crate::plan::{PlannedStep, Range};

/// What was seen of the pods in a span of time.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) ready: Range,
    pub(super) new: Range,
    pub(super) old: Range,
    pub(super) most: i32,
}

impl Seen {
    pub(super) fn now(sums: [Sum; 2]) -> Self {
        let [new, old] = sums;
        Self {
            ready: Range::of(new.ready + old.ready),
            new: Range::of(new.ready),
            old: Range::of(old.ready),
            most: new.pods + old.pods,
        }
    }

    pub(super) fn of_step(step: &PlannedStep) -> Self {
        Self {
            ready: Range {
                lowest: step.ready_lowest,
                highest: step.ready_highest,
            },
            new: step.new_ready,
            old: step.old_ready,
            most: step.most_pods,
        }
    }

    pub(super) fn take_in(&mut self, pods: i32, [new, old]: [Sum; 2]) {
        self.ready.take_in(new.ready + old.ready);
        self.new.take_in(new.ready);
        self.old.take_in(old.ready);
        self.most = self.most.max(pods);
    }

    pub(super) fn then(mut self, pods: i32, sums: [Sum; 2]) -> Self {
        self.take_in(pods, sums);
        self
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        for (range, also) in [
            (&mut self.ready, other.ready),
            (&mut self.new, other.new),
            (&mut self.old, other.old),
        ] {
            range.take_in(also.lowest);
            range.take_in(also.highest);
        }
        self.most = self.most.max(other.most);
        self
    }

    pub(super) fn put(self, step: &mut PlannedStep) {
        step.ready_lowest = self.ready.lowest;
        step.ready_highest = self.ready.highest;
        step.new_ready = self.new;
        step.old_ready = self.old;
        step.most_pods = self.most;
    }
}

/// What one ReplicaSet or one pod counts for.
#[derive(Clone, Default)]
pub(super) struct Counted {
    pub(super) revision: String,
    pub(super) pods: i32,
    pub(super) ready: i32,
}

/// Pods of a version.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Sum {
    pub(super) pods: i32,
    pub(super) ready: i32,
}

impl Sum {
    pub(super) fn add(&mut self, counted: &Counted) {
        self.pods += counted.pods;
        self.ready += counted.ready;
    }

    pub(super) fn subtract(&mut self, counted: &Counted) {
        self.pods -= counted.pods;
        self.ready -= counted.ready;
    }
}

impl Range {
    pub(super) fn of(one: i32) -> Self {
        Self {
            lowest: one,
            highest: one,
        }
    }

    pub(super) fn take_in(&mut self, one: i32) {
        self.lowest = self.lowest.min(one);
        self.highest = self.highest.max(one);
    }
}
