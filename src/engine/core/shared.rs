//! The TrafficRouting that a Rollout shares with others (engine-traffic 6): held while the release has pods for it. The
//! first to hold it makes the split, and the last takes it back before it leaves. Upstream holds it from the beginning, and
//! in a release that is overtaken by the next one, so that requests are sent where no pods are.
//!
//! Rollouts that share one may have different engines. Nobody leads: each looks at the finalizers of all, every write needs
//! the object as it was read, and whoever comes too late looks again. A split that one takes back while another joins is
//! made again by the latter, whose step is not over before it stands.

use jiff::{SignedDuration, Timestamp};

use super::{
    Effect, Reason, Verb, Wake,
    machine::{Flow, Machine},
    validate,
};
use crate::{
    api::{keys, traffic_routing::TrafficRoutingPhase as Phase, v1beta1::FinalisingStep},
    traffic::{self, Obstacle, Shared},
};

const BACK: &str = "all traffic to the stable version again";

impl Machine<'_> {
    /// The TrafficRouting that is named, if this Rollout holds it and nobody deletes it.
    fn held_shared(&self) -> Option<&Shared> {
        let shared = self.s.named_shared()?;
        (shared.is_held_by(self.s.name()) && !shared.is_deleting()).then_some(shared)
    }

    /// Whether traffic that is shared with others is to be split.
    pub(super) fn shares(&self) -> bool {
        self.held_shared().is_some_and(|shared| shared.split().is_some())
    }

    /// Seconds to wait after a write of a route, of the Rollout's own or a shared one; nothing when there is none.
    pub(super) fn grace_seconds(&self) -> Option<i64> {
        let own = self.s.routing().map(traffic::grace);
        own.max(self.held_shared().map(Shared::grace))
    }

    /// Whether a Rollout that still is holds it besides this one.
    fn is_held_by_others(&self, shared: &Shared) -> bool {
        let own = traffic::shared::holder(self.s.name());
        let mut others = shared.holders();
        others.any(|holder| holder != own && !self.s.orphaned.contains(holder))
    }

    /// The write by which a release holds the TrafficRouting that it needs.
    fn join_shared(&self) -> Option<Effect> {
        let shared = self.s.named_shared()?;
        if shared.is_held_by(self.s.name()) || shared.is_deleting() || validate::shared(self.s).is_some() {
            return None;
        }
        let body = shared.held(self.s.name());
        Some(self.s.write(
            &shared.object,
            Verb::Merge(body),
            "hold the TrafficRouting while the release needs it",
        ))
    }

    /// What must be written to hold the TrafficRouting and to make its split; nothing when that is so.
    pub(super) fn open_shared(&self) -> Vec<Effect> {
        if let Some(join) = self.join_shared() {
            return vec![join];
        }
        let Some(shared) = self.held_shared() else {
            return Vec::new();
        };
        let dropped = self.dropped(shared);
        if !dropped.is_empty() || !self.shares() {
            return dropped;
        }
        let Ok(changes) = shared.opened(&self.s.routes) else {
            return Vec::new();
        };
        let purpose = format!("the split of TrafficRouting {}", shared.name());
        let mut effects: Vec<Effect> = self.tell(shared, Phase::Progressing).into_iter().collect();
        effects.extend(
            changes
                .into_iter()
                .map(|change| self.s.carry_out(change, &purpose)),
        );
        effects
    }

    /// What somebody took out of a TrafficRouting that is open is closed, and only then noted: an engine killed between the two
    /// is followed by one that still finds it.
    fn dropped(&self, shared: &Shared) -> Vec<Effect> {
        if shared.split().is_none() && shared.phase() == Some(&Phase::Progressing) {
            return self.emptied(shared, Phase::Healthy);
        }
        let changes = shared.dropped(&self.s.routes);
        if changes.is_empty() {
            let note = shared.noted_anew().map(|body| {
                let purpose = "note what the TrafficRouting routes";
                self.s.write(&shared.object, Verb::Merge(body), purpose)
            });
            return note.into_iter().collect();
        }
        let back = changes.into_iter();
        back.map(|change| self.s.carry_out(change, BACK)).collect()
    }

    fn tell(&self, shared: &Shared, phase: Phase) -> Option<Effect> {
        let purpose = format!("TrafficRouting {} is {phase}", shared.name());
        let body = shared.told(phase, None)?;
        Some(self.s.write(&shared.object, Verb::MergeStatus(body), purpose))
    }

    /// The writes that take the shared split back.
    fn taken_back(&self, shared: &Shared) -> Vec<Effect> {
        let changes = shared.closed(&self.s.routes).into_iter();
        changes.map(|change| self.s.carry_out(change, BACK)).collect()
    }

    /// The write that takes this Rollout's finalizer away, and those of Rollouts that are no more.
    fn leave(&self, shared: &Shared) -> Effect {
        let own = traffic::shared::holder(self.s.name());
        let body = shared.without(|holder| holder == own || self.s.orphaned.contains(holder));
        self.s
            .write(&shared.object, Verb::Merge(body), "let the TrafficRouting go")
    }

    /// What must be written before the last Rollout leaves: its status says that traffic moves, or has moved, and the split
    /// is taken back.
    fn emptied(&self, shared: &Shared, told: Phase) -> Vec<Effect> {
        let back = self.taken_back(shared);
        if back.is_empty() && shared.phase() != Some(&Phase::Progressing) {
            return Vec::new();
        }
        let mut effects: Vec<Effect> = self.tell(shared, told).into_iter().collect();
        effects.extend(back);
        effects
    }

    /// Before the new version's pods go: the last one takes the split back and gives the data plane its grace before it
    /// leaves.
    pub(super) fn leave_shared(&mut self, reason: Reason) -> Option<Flow> {
        let name = self.s.name();
        let shared = self.s.shared.iter().find(|shared| shared.is_held_by(name))?;
        if !self.is_held_by_others(shared) {
            let effects = self.emptied(shared, Phase::Finalizing);
            if !effects.is_empty() {
                return Some(Flow::Do(effects, reason));
            }
            if shared.phase() == Some(&Phase::Finalizing) {
                let step = FinalisingStep::LeaveTrafficRouting;
                if self.sub().finalising_step != step {
                    self.sub().finalising_step = step;
                    self.stamp();
                }
                let grace = SignedDuration::from_secs(shared.grace());
                let until = self.stamped().saturating_add(grace).unwrap_or(Timestamp::MAX);
                if self.now < until {
                    return Some(Flow::Wait(Wake::At(until), reason));
                }
                if let Some(told) = self.tell(shared, Phase::Healthy) {
                    return Some(Flow::Do(vec![told], reason));
                }
            }
        }
        Some(Flow::Do(vec![self.leave(shared)], reason))
    }

    /// The writes that leave a TrafficRouting with no grace for anybody: those of one stage, which are seen before the next.
    fn leave_now(&self, shared: &Shared) -> Vec<Effect> {
        if !self.is_held_by_others(shared) {
            let mut effects = self.emptied(shared, Phase::Healthy);
            if effects.is_empty() && shared.phase() == Some(&Phase::Finalizing) {
                effects.extend(self.tell(shared, Phase::Healthy));
            }
            if !effects.is_empty() {
                return effects;
            }
        }
        vec![self.leave(shared)]
    }

    /// What a release that never began, or has no workload any more, left behind.
    pub(super) fn leave_shared_at_once(&self) -> Vec<Effect> {
        let held = self
            .s
            .shared
            .iter()
            .filter(|shared| shared.is_held_by(self.s.name()));
        held.flat_map(|shared| self.leave_now(shared)).collect()
    }

    /// A TrafficRouting that the Rollout names no more, or that somebody deletes, is left in the middle of a release.
    pub(super) fn leave_unnamed(&self) -> Option<Flow> {
        let named = self.s.rollout.traffic_routing_name();
        let is_over = |shared: &&Shared| shared.is_deleting() || named != Some(shared.name());
        let mut held = self
            .s
            .shared
            .iter()
            .filter(|shared| shared.is_held_by(self.s.name()));
        let shared = held.find(is_over)?;
        let doing = "the TrafficRouting is left";
        Some(Flow::Do(self.leave_now(shared), Reason::Finalising { doing }))
    }

    /// At rest: what Rollouts that are no more left of the split is taken back, the status says whether it could be made, and
    /// one that is being deleted is let go.
    pub(super) fn tend_shared(&self) -> Vec<Effect> {
        let Some(shared) = self
            .s
            .named_shared()
            .filter(|shared| !self.is_held_by_others(shared))
        else {
            return Vec::new();
        };
        // Of one that nobody opened there is nothing to take back: a split of the same route is another Rollout's.
        let back = if shared.is_open() {
            self.taken_back(shared)
        } else {
            Vec::new()
        };
        if !back.is_empty() {
            return back;
        }
        let is_ours = |text: &str| {
            self.s.orphaned.contains(text) || shared.is_deleting() && text == keys::TRAFFIC_ROUTING_FINALIZER
        };
        let mut finalizers = shared.object.metadata.finalizers.iter().flatten();
        if shared.is_note_left() || finalizers.any(|text| is_ours(text)) {
            let body = shared.without(is_ours);
            let purpose = "take away finalizers of Rollouts that are no more";
            return vec![self.s.write(&shared.object, Verb::Merge(body), purpose)];
        }
        if shared.is_deleting() {
            return Vec::new();
        }
        // What one engine sees and another does not, since it has other scripts, is told by the first to look alone: they would
        // write in turn.
        let obstacle = validate::of_shared(self.s, shared.name());
        let is_own = matches!(
            obstacle,
            Some(Obstacle::NoScript { .. } | Obstacle::Script { .. })
        );
        if is_own && shared.phase().is_some() {
            return Vec::new();
        }
        let phase = match &obstacle {
            Some(_) => Phase::Initial,
            None => Phase::Healthy,
        };
        let purpose = format!("TrafficRouting {} is {phase}", shared.name());
        let told = shared.told(phase, obstacle.as_ref());
        told.map(|body| self.s.write(&shared.object, Verb::MergeStatus(body), purpose))
            .into_iter()
            .collect()
    }
}
