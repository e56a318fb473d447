//! The StatefulSet controller, as in Kubernetes 1.36 with default feature gates.
//!
//! - Pods are `NAME-ORDINAL`. One below `ordinals.start + partition` is made from the current revision, every other one
//!   from the update revision; an existing pod is never taken back, only deleted when it has to become newer.
//! - OrderedReady does one thing at a time and goes no further than the first pod that is not available, in order. So a
//!   broken pod stops even a rollback, until somebody deletes it. Parallel makes and removes all pods at once.
//! - An update deletes the highest pod that is not of the update revision, and waits for every updated one above it to be
//!   available, in both modes. `maxUnavailable` belongs to a feature that is off; the server drops it.
//! - The current revision becomes the update revision when all pods are of it and ready.
//!
//! Volume claims are not modelled.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::{Maker, Patience, Place};
use super::revisions::{HashLabel, History, REVISION_HASH, prune, revision_of, template};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::{Object, PodFacts};
use crate::sim::resource::{PODS, STATEFUL_SETS};
use crate::sim::store::{Name, Store};

/// A pod of the set, as it was when the look began.
struct Member {
    ordinal: i64,
    name: Name,
    facts: PodFacts,
    current: bool,
    update: bool,
}

/// The place of one ordinal.
enum Slot {
    Pod(usize),
    /// No pod was there when the look began.
    Empty,
}

/// One look at one StatefulSet.
struct Look<'a> {
    store: &'a mut Store,
    set: Object,
    now: Timestamp,
    current: Object,
    update: Object,
    members: Vec<Member>,
    patience: Patience,
    /// Pods that the update deleted just now, which still count as current.
    deleted: i64,
}

/// Brings a StatefulSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(
    store: &mut Store,
    name: &Name,
    next_node: &mut usize,
    now: Timestamp,
) -> Option<Timestamp> {
    let set = store.get(STATEFUL_SETS, name)?.clone();
    let mut history = History::of(store, &set);
    let mut collisions = set.count("collisionCount");
    let update = history.adopt(
        store,
        &set,
        STATEFUL_SETS,
        HashLabel::History,
        &mut collisions,
        now,
    )?;
    let current = set.status_at("/currentRevision").and_then(Value::as_str);
    let current = current.and_then(|name| history.named(name)).unwrap_or(&update);
    let members = members(store, &set, current.name(), update.name());
    let patience = Patience::new(number(&set, "/minReadySeconds", 0), now);
    let mut look = Look {
        current: current.clone(),
        store,
        set,
        now,
        update,
        members,
        patience,
        deleted: 0,
    };
    if !look.set.deleting() {
        look.act(next_node);
    }
    look.write_status(collisions);
    look.truncate(&history);
    look.patience.next()
}

fn number(set: &Object, at: &str, absent: i64) -> i64 {
    set.spec_at(at).and_then(Value::as_i64).unwrap_or(absent)
}

/// The pods of the set, by ordinal.
fn members(store: &Store, set: &Object, current: &str, update: &str) -> Vec<Member> {
    let prefix = set.name().len() + 1;
    let mut members: Vec<Member> = store
        .dependents_of(set.uid(), PODS)
        .filter_map(|(name, pod)| {
            let revision = revision_of(pod);
            Some(Member {
                ordinal: name.name.get(prefix..)?.parse().ok()?,
                name: name.clone(),
                facts: pod.pod,
                current: revision == current,
                update: revision == update,
            })
        })
        .collect();
    members.sort_by_key(|member| member.ordinal);
    members
}

impl Look<'_> {
    fn act(&mut self, next_node: &mut usize) {
        let ordered = self
            .set
            .spec_at("/podManagementPolicy")
            .is_none_or(|policy| policy != "Parallel");
        let start = number(&self.set, "/ordinals/start", 0);
        let end = start + number(&self.set, "/replicas", 1);
        let mut slots: Vec<Slot> = (start..end).map(|_| Slot::Empty).collect();
        let mut condemned = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            let place = usize::try_from(member.ordinal - start).ok();
            match place.and_then(|place| slots.get_mut(place)) {
                Some(slot) => *slot = Slot::Pod(at),
                None => condemned.push(at),
            }
        }
        condemned.reverse();
        let first_unavailable = self.first_unavailable(&slots, &condemned);
        if self.fill(&slots, start, ordered, next_node) || self.remove(&condemned, first_unavailable, ordered)
        {
            return;
        }
        if self
            .set
            .spec_at("/updateStrategy/type")
            .is_none_or(|t| t != "OnDelete")
        {
            self.roll(&slots);
        }
    }

    /// The first pod in order that is not available, condemned ones last; `None` when an empty place comes before it.
    fn first_unavailable(&mut self, slots: &[Slot], condemned: &[usize]) -> Option<usize> {
        for slot in slots {
            match *slot {
                Slot::Empty => return None,
                Slot::Pod(at) if !self.healthy(at) => return Some(at),
                Slot::Pod(_) => {}
            }
        }
        condemned.iter().rev().copied().find(|&at| !self.healthy(at))
    }

    fn healthy(&mut self, at: usize) -> bool {
        let facts = self.members[at].facts;
        self.patience.available(&facts) && !facts.deleting
    }

    /// Makes the pods that are missing and removes the ended ones. Returns whether nothing more may be done now.
    fn fill(&mut self, slots: &[Slot], start: i64, ordered: bool, next_node: &mut usize) -> bool {
        let partition = start + number(&self.set, "/updateStrategy/rollingUpdate/partition", 0);
        let mut makers: [Option<Maker>; 2] = [None, None];
        for (ordinal, slot) in (start..).zip(slots) {
            let done = match *slot {
                Slot::Pod(at) => {
                    let member = &self.members[at];
                    let (facts, name) = (member.facts, member.name.clone());
                    if facts.ended && !facts.deleting {
                        begin(self.store, PODS, &name, self.now, None, Propagation::Background);
                    }
                    facts.ended || !self.healthy(at)
                }
                Slot::Empty => {
                    let old = ordinal < partition;
                    let revision = if old { &self.current } else { &self.update };
                    let name = format!("{}-{ordinal}", self.set.name());
                    let place = Name::new(self.set.namespace(), &name);
                    if self.store.get(PODS, &place).is_some() {
                        // That of a set of the same name that was deleted just now.
                        self.patience.retry();
                    } else if let Some(template) = template(revision) {
                        let index = ordinal.to_string();
                        let labels = [
                            (REVISION_HASH, revision.name()),
                            ("statefulset.kubernetes.io/pod-name", name.as_str()),
                            ("apps.kubernetes.io/pod-index", index.as_str()),
                        ];
                        let maker = makers[usize::from(old)].get_or_insert_with(|| {
                            Maker::new(self.store, &self.set, STATEFUL_SETS, template, self.now)
                        });
                        maker.make(self.store, &name, &labels, Place::Turn(*next_node));
                        *next_node += 1;
                    }
                    true
                }
            };
            if done && ordered {
                return true;
            }
        }
        false
    }

    /// Removes pods outside the range, highest first. Returns whether nothing more may be done now.
    fn remove(&mut self, condemned: &[usize], first_unavailable: Option<usize>, ordered: bool) -> bool {
        for &at in condemned {
            let healthy = self.healthy(at);
            let member = &self.members[at];
            if member.facts.deleting {
                if ordered {
                    return true;
                }
                continue;
            }
            let blocked = ordered && !healthy && first_unavailable != Some(at);
            if !blocked {
                begin(
                    self.store,
                    PODS,
                    &member.name,
                    self.now,
                    None,
                    Propagation::Background,
                );
            }
            if ordered {
                return true;
            }
        }
        false
    }

    /// Deletes the highest pod that is not new, once all above it are available.
    fn roll(&mut self, slots: &[Slot]) {
        let partition = number(&self.set, "/updateStrategy/rollingUpdate/partition", 0);
        let partition = usize::try_from(partition).unwrap_or(0);
        for slot in slots.iter().skip(partition).rev() {
            // What was made just now is of the update revision, and not available.
            let Slot::Pod(at) = *slot else { return };
            let member = &self.members[at];
            if !member.update && !member.facts.deleting {
                let name = member.name.clone();
                begin(self.store, PODS, &name, self.now, None, Propagation::Background);
                self.deleted += i64::from(self.members[at].current);
                return;
            }
            if !self.healthy(at) {
                return;
            }
        }
    }

    fn write_status(&mut self, collisions: i64) {
        let (mut ready, mut available, mut current, mut updated) = (0, 0, -self.deleted, 0);
        for member in &self.members {
            ready += i64::from(member.facts.ready);
            available += i64::from(self.patience.available(&member.facts));
            current += i64::from(member.current && !member.facts.deleting);
            updated += i64::from(member.update && !member.facts.deleting);
        }
        let replicas = i64::try_from(self.members.len()).unwrap_or(i64::MAX);
        let wanted = number(&self.set, "/replicas", 1);
        let rolling = self
            .set
            .spec_at("/updateStrategy/type")
            .is_some_and(|t| t == "RollingUpdate");
        let mut current_name = self.current.name();
        if rolling && [updated, ready, replicas] == [wanted; 3] {
            current = updated;
            current_name = self.update.name();
        }
        let mut status = json!({
            "observedGeneration": self.set.generation(), "replicas": replicas, "availableReplicas": available,
            "currentRevision": current_name, "updateRevision": self.update.name(), "collisionCount": collisions,
        });
        for (field, count) in [
            ("readyReplicas", ready),
            ("currentReplicas", current),
            ("updatedReplicas", updated),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        if self.set.status.as_deref() != Some(&status) {
            let mut counted = self.set.clone();
            counted.status = Some(Arc::new(status));
            self.store.replace(STATEFUL_SETS, counted);
        }
    }

    /// Deletes the oldest revisions that nothing uses, beyond the history limit.
    fn truncate(&mut self, history: &History) {
        let limit = usize::try_from(number(&self.set, "/revisionHistoryLimit", 10)).unwrap_or(usize::MAX);
        if history.all.len() <= limit {
            return;
        }
        let pods = self.store.dependents_of(self.set.uid(), PODS);
        let mut live: BTreeSet<String> = pods.map(|(_, pod)| revision_of(pod).to_owned()).collect();
        live.extend([self.current.name().to_owned(), self.update.name().to_owned()]);
        let unused = || {
            history
                .all
                .iter()
                .filter(|revision| !live.contains(revision.name()))
        };
        let surplus = unused().count().saturating_sub(limit);
        prune(self.store, unused(), surplus);
    }
}
