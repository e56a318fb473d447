//! The Advanced StatefulSet controller of OpenKruise, for `apps.kruise.io/v1beta1`.
//!
//! What it does, with the file of `openkruise/kruise` under `pkg/controller/statefulset` that says so:
//! - Pods are numbered from `ordinals.start`, `reserveOrdinals` left out (`stateful_set_utils.go`,
//!   `getStatefulSetReplicasRange`).
//! - `OrderedReady` makes or deletes one pod at a time and does nothing else, updates included, while a pod below is
//!   ending or not yet available: a broken pod blocks even a rollback. `Parallel` waits for nothing, or for
//!   `scaleStrategy.maxUnavailable` pods at most (`stateful_set_control.go`, `processReplica`).
//! - Pods too many go from the highest ordinal down (`processCondemned`).
//! - A pod that has to be made is of the current revision when fewer than `partition` pods stand before it; with
//!   `unorderedUpdate`, when fewer than `partition` pods are old (`isCurrentRevisionNeeded`).
//! - Updates go from the highest ordinal down to the place `partition`, at most `maxUnavailable` (rounded down, at
//!   least 1) unavailable at a time; pods that are unavailable anyway are updated at once. They stop at the first pod
//!   that has to wait. With `unorderedUpdate` the partition is a count: updated and ending pods count first, then the
//!   old ones, highest ordinal first (`stateful_update_utils.go`).
//! - `podUpdatePolicy` changes pods in place as CloneSets do; a change that `InPlaceOnly` does not allow ends the pass.
//! - `rollingUpdate.paused` stops updates only. `minReadySeconds` stands in `rollingUpdate`.
//! - `status.currentRevision` becomes the update revision when all pods are of it and ready, whatever the partition
//!   (`completeRollingUpdate`). `updatedReadyReplicas` and `updatedAvailableReplicas` alone are no reason to write the
//!   status (`inconsistentStatus`), so they can be older than the rest.
//!
//! Besides what `kruise_pods` leaves out: claims, deletion of pods by label (`specified-delete`), conditions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::clone_set_diff::Policy;
use super::kruise_pods::{
    Member, NORMAL, can_change_in_place, change_in_place, members, next_available, selector_text, short,
    sooner,
};
use super::pods::{Maker, Place};
use super::revisions::{HashLabel, REVISION_HASH};
use super::versions::Versions;
use crate::api::int_or_percent::{IntOrPercent, Round};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::Object;
use crate::sim::resource::{ADVANCED_STATEFUL_SETS, PODS};
use crate::sim::store::{Name, Store};

/// Pod label: the pod's own name, so that a Service can select one pod.
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Pod label: the pod's ordinal.
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The spec of an Advanced StatefulSet, read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wanted {
    replicas: i64,
    start: i64,
    reserved: Vec<std::ops::RangeInclusive<i64>>,
    /// `OrderedReady`.
    ordered: bool,
    /// Pods are updated when somebody deletes them.
    on_delete: bool,
    partition: i64,
    /// Pods that may be missing during an update, resolved, at least 1.
    unavailable: usize,
    /// Pods that may be missing while the set grows, resolved, at least 1.
    scale_unavailable: Option<i64>,
    paused: bool,
    unordered: bool,
    policy: Policy,
    min_ready: i64,
    history: usize,
}

impl Wanted {
    fn read(set: &Object) -> Self {
        let number = |at: &str, default| set.spec_at(at).and_then(Value::as_i64).unwrap_or(default);
        let replicas = number("/replicas", 1);
        let share = |at: &str| {
            let share = set
                .spec_at(at)
                .and_then(|value| IntOrPercent::deserialize(value).ok())?;
            Some(i64::from(share.of(i32::try_from(replicas).unwrap_or(i32::MAX), Round::Down)).max(1))
        };
        let rolling = |field: &str| format!("/updateStrategy/rollingUpdate/{field}");
        let entries = set.spec_at("/reserveOrdinals").and_then(Value::as_array);
        Self {
            replicas,
            start: number("/ordinals/start", 0),
            reserved: entries.into_iter().flatten().filter_map(reserved).collect(),
            ordered: set
                .spec_at("/podManagementPolicy")
                .is_none_or(|p| p != "Parallel"),
            on_delete: set
                .spec_at("/updateStrategy/type")
                .is_some_and(|t| t == "OnDelete"),
            partition: number(&rolling("partition"), 0),
            unavailable: share(&rolling("maxUnavailable")).map_or(1, |n| usize::try_from(n).unwrap_or(1)),
            scale_unavailable: share("/scaleStrategy/maxUnavailable"),
            paused: set
                .spec_at(&rolling("paused"))
                .and_then(Value::as_bool)
                .unwrap_or(false),
            unordered: set
                .spec_at(&rolling("unorderedUpdate"))
                .is_some_and(|u| !u.is_null()),
            policy: Policy::read(set.spec_at(&rolling("podUpdatePolicy"))),
            min_ready: number(&rolling("minReadySeconds"), 0),
            history: usize::try_from(number("/revisionHistoryLimit", 10)).unwrap_or(0),
        }
    }

    /// The ordinals that pods should have, lowest first.
    fn ordinals(&self) -> Vec<i64> {
        let replicas = usize::try_from(self.replicas).unwrap_or(0);
        let (mut found, mut next) = (Vec::new(), Some(self.start));
        while let Some(at) = next.filter(|_| found.len() < replicas) {
            // A range may be as long as can be written: it is left at once.
            let range = self.reserved.iter().find(|range| range.contains(&at));
            if range.is_none() {
                found.push(at);
            }
            next = range.map_or(at, |range| *range.end()).checked_add(1);
        }
        found
    }
}

/// The ordinals of an entry of `reserveOrdinals`: one, or a range such as `3-5`.
fn reserved(value: &Value) -> Option<std::ops::RangeInclusive<i64>> {
    if let Some(one) = value.as_i64() {
        return Some(one..=one);
    }
    let text = value.as_str()?;
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some(from.trim().parse().ok()?..=to.trim().parse().ok()?)
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    /// Make the pod of an ordinal; of the current revision, or else of the update revision.
    Make { ordinal: i64, current: bool },
    /// Delete a pod.
    Delete(Name),
    /// Change a pod in place, from the revision with this hash.
    InPlace(Name, String),
}

/// The place of an ordinal.
#[derive(Clone, Copy, Debug)]
struct Slot<'a> {
    ordinal: i64,
    /// Its pod; `None` while it has to be made.
    pod: Option<Member<'a>>,
    /// Whether a missing pod will be of the current revision rather than of the update revision.
    current: bool,
}

/// Brings an Advanced StatefulSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(
    store: &mut Store,
    name: &Name,
    next_node: &mut usize,
    now: Timestamp,
) -> Option<Timestamp> {
    let set = store.get(ADVANCED_STATEFUL_SETS, name)?.clone();
    let wanted = Wanted::read(&set);
    let versions = Versions::of(store, &set, ADVANCED_STATEFUL_SETS, HashLabel::History, now)?;
    let pods = members(store, set.uid());
    let mut turn = Turn {
        set: &set,
        wanted: &wanted,
        versions: &versions,
        now,
        changes: Vec::new(),
    };
    turn.decide(&pods);
    let status = turn.status(&pods);
    let changes = turn.changes;
    let alive: BTreeSet<String> = pods.iter().map(|pod| pod.revision().to_owned()).collect();
    let mut again = next_available(&pods, wanted.min_ready, now);
    if changes.iter().any(|change| matches!(change, Change::InPlace(..))) {
        // Labels alone are no reason for another look.
        again = sooner(again, now);
    }
    carry_out(store, &set, &versions, &changes, next_node, now);
    if worth_writing(&set, &status) {
        let mut counted = set;
        counted.status = Some(Arc::new(status));
        store.replace(ADVANCED_STATEFUL_SETS, counted);
    }
    versions.prune(store, wanted.history, false, |version| {
        alive.contains(version.name())
    });
    again
}

/// The ordinal at the end of a pod's name.
fn ordinal(pod: Member<'_>) -> Option<i64> {
    pod.name.name.rsplit_once('-')?.1.parse().ok()
}

/// One look at one Advanced StatefulSet.
struct Turn<'a> {
    set: &'a Object,
    wanted: &'a Wanted,
    versions: &'a Versions,
    now: Timestamp,
    changes: Vec<Change>,
}

impl Turn<'_> {
    fn available(&self, pod: Member<'_>) -> bool {
        pod.available(self.wanted.min_ready, self.now)
    }

    fn slots<'a>(&self, pods: &[Member<'a>]) -> Vec<Slot<'a>> {
        let mut slots: Vec<Slot<'a>> = Vec::new();
        let wanted = self.wanted;
        let mut old = None;
        let mut made = 0;
        let by_ordinal: BTreeMap<i64, Member<'a>> = pods
            .iter()
            .filter_map(|pod| Some((ordinal(*pod)?, *pod)))
            .collect();
        for (place, at) in (0..).zip(wanted.ordinals()) {
            let pod = by_ordinal.get(&at).copied();
            let mut slot = Slot {
                ordinal: at,
                pod,
                current: false,
            };
            if pod.is_none() && !wanted.on_delete {
                slot.current = if wanted.unordered {
                    let old = old.get_or_insert_with(|| self.old_in_place(pods));
                    *old + made < wanted.partition
                } else {
                    place < wanted.partition
                };
                made += i64::from(slot.current);
            }
            slots.push(slot);
        }
        slots
    }

    /// Pods with a wanted ordinal that are not of the update revision.
    fn old_in_place(&self, pods: &[Member<'_>]) -> i64 {
        let ordinals: BTreeSet<i64> = self.wanted.ordinals().into_iter().collect();
        let placed = pods
            .iter()
            .filter(|pod| ordinal(**pod).is_some_and(|at| ordinals.contains(&at)));
        let old = placed
            .filter(|pod| pod.revision() != self.versions.update().name())
            .count();
        i64::try_from(old).unwrap_or(i64::MAX)
    }

    fn decide(&mut self, pods: &[Member<'_>]) {
        if self.set.deleting() {
            return;
        }
        let slots = self.slots(pods);
        if !self.fill(&slots) || !self.shrink(&slots, pods) {
            return;
        }
        if !self.wanted.on_delete && !self.wanted.paused {
            self.roll(&slots);
        }
    }

    /// Makes what is missing. Returns whether the pass may go on.
    fn fill(&mut self, slots: &[Slot<'_>]) -> bool {
        let ordered = self.wanted.ordered;
        let mut budget = self.wanted.scale_unavailable;
        // Whether too many are missing already to look at the pods that follow.
        let mut spent = || {
            budget.as_mut().is_some_and(|left| {
                *left -= 1;
                *left <= 0
            })
        };
        for slot in slots {
            let Some(pod) = slot.pod else {
                self.changes.push(Change::Make {
                    ordinal: slot.ordinal,
                    current: slot.current,
                });
                if ordered {
                    return false;
                }
                if spent() {
                    break;
                }
                continue;
            };
            if pod.object.pod.ended {
                if spent() {
                    break;
                }
                if !pod.deleting() {
                    self.changes.push(Change::Delete(pod.name.clone()));
                }
                if ordered {
                    return false;
                }
                continue;
            }
            if pod.deleting() || !self.available(pod) {
                if ordered {
                    return false;
                }
                if spent() {
                    break;
                }
            }
        }
        true
    }

    /// Deletes what is too much, from the highest ordinal down. Returns whether the pass may go on.
    fn shrink(&mut self, slots: &[Slot<'_>], pods: &[Member<'_>]) -> bool {
        let wanted: BTreeSet<i64> = slots.iter().map(|slot| slot.ordinal).collect();
        let mut condemned: Vec<(i64, Member<'_>)> = pods
            .iter()
            .filter_map(|pod| Some((ordinal(*pod)?, *pod)))
            .filter(|(at, _)| !wanted.contains(at))
            .collect();
        condemned.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let healthy = |pod: Member<'_>| pod.ready() && !pod.deleting();
        let all_slots_healthy = slots.iter().all(|slot| slot.pod.is_some_and(healthy));
        let first_unhealthy = condemned
            .iter()
            .rev()
            .find(|(_, pod)| !healthy(*pod))
            .map(|(at, _)| *at);
        for (at, pod) in condemned {
            if pod.deleting() {
                if self.wanted.ordered {
                    return false;
                }
                continue;
            }
            // The lowest of the unhealthy pods may go though it is not ready.
            let lowest_unhealthy = all_slots_healthy && first_unhealthy == Some(at);
            if self.wanted.ordered && !self.available(pod) && !lowest_unhealthy {
                return false;
            }
            self.changes.push(Change::Delete(pod.name.clone()));
            if self.wanted.ordered {
                return false;
            }
        }
        true
    }

    fn roll(&mut self, slots: &[Slot<'_>]) {
        let out = |slot: &Slot<'_>| slot.pod.is_none_or(|pod| pod.deleting() || !self.available(pod));
        let mut missing: BTreeSet<i64> = slots
            .iter()
            .filter(|slot| out(slot))
            .map(|slot| slot.ordinal)
            .collect();
        for slot in self.targets(slots) {
            let Some(pod) = slot
                .pod
                .filter(|pod| pod.revision() != self.versions.update().name())
            else {
                continue;
            };
            if missing.len() >= self.wanted.unavailable && !missing.contains(&slot.ordinal) {
                return;
            }
            if pod.deleting()
                || self
                    .changes
                    .iter()
                    .any(|c| matches!(c, Change::Delete(name) if name == pod.name))
            {
                continue;
            }
            let change = match self.in_place(pod) {
                Some(from) => Change::InPlace(pod.name.clone(), from),
                None if self.wanted.policy == Policy::InPlaceOnly => return,
                None => Change::Delete(pod.name.clone()),
            };
            self.changes.push(change);
            missing.insert(slot.ordinal);
        }
    }

    /// The places whose pods should be of the update revision, in the order of updates.
    fn targets<'a>(&self, slots: &[Slot<'a>]) -> Vec<Slot<'a>> {
        let wanted = self.wanted;
        let most = usize::try_from(wanted.replicas - wanted.partition).unwrap_or(0);
        let downward = slots.iter().rev().copied();
        if !wanted.unordered {
            let first = usize::try_from(wanted.partition).unwrap_or(0);
            return downward
                .take(slots.len().saturating_sub(first).min(most))
                .collect();
        }
        let update = self.versions.update().name();
        let settled = |slot: &Slot<'a>| {
            slot.pod
                .map_or(!slot.current, |pod| pod.deleting() || pod.revision() == update)
        };
        let (mut targets, waiting): (Vec<_>, Vec<_>) = downward.partition(settled);
        targets.extend(waiting);
        targets.truncate(most);
        targets
    }

    fn in_place(&self, pod: Member<'_>) -> Option<String> {
        if self.wanted.policy == Policy::ReCreate {
            return None;
        }
        let from = self.versions.hashed(short(pod.revision()))?;
        let possible = can_change_in_place(from.template(), self.versions.update().template());
        possible.then(|| from.hash().to_owned())
    }

    fn status(&self, pods: &[Member<'_>]) -> Value {
        let (current, update) = (self.versions.current().name(), self.versions.update().name());
        let number = |test: &dyn Fn(Member<'_>) -> bool| {
            pods.iter()
                .filter(|pod| ordinal(**pod).is_some() && test(**pod))
                .count()
        };
        let of = |revision: &str| number(&|pod| !pod.deleting() && pod.revision() == revision);
        let (all, ready, updated) = (number(&|_| true), number(&|pod| pod.ready()), of(update));
        let mut remaining = of(current);
        let complete = !self.wanted.on_delete && updated == all && ready == all;
        if complete {
            remaining = updated;
        }
        let mut status = json!({
            "observedGeneration": self.set.generation(),
            "replicas": all,
            "readyReplicas": ready,
            "availableReplicas": number(&|pod| self.available(pod)),
            "currentReplicas": remaining,
            "updatedReplicas": updated,
            "currentRevision": if complete { update } else { current },
            "updateRevision": update,
            "collisionCount": self.versions.collisions,
            "labelSelector": selector_text(self.set),
        });
        for (field, count) in [
            (
                "updatedReadyReplicas",
                number(&|pod| pod.revision() == update && pod.ready()),
            ),
            (
                "updatedAvailableReplicas",
                number(&|pod| pod.revision() == update && self.available(pod)),
            ),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        status
    }
}

/// Whether Kruise would write this status over the set's own.
fn worth_writing(set: &Object, status: &Value) -> bool {
    let before = set.status.as_deref().unwrap_or(&Value::Null);
    let weighty = [
        "observedGeneration",
        "replicas",
        "readyReplicas",
        "availableReplicas",
        "currentReplicas",
        "updatedReplicas",
        "currentRevision",
        "updateRevision",
        "labelSelector",
    ];
    weighty.iter().any(|field| before[*field] != status[*field])
}

fn carry_out(
    store: &mut Store,
    set: &Object,
    versions: &Versions,
    changes: &[Change],
    next_node: &mut usize,
    now: Timestamp,
) {
    let update = versions.update();
    let mut makers: [Option<Maker>; 2] = [None, None];
    for change in changes {
        match change {
            Change::Make { ordinal, current } => {
                let version = if *current { versions.current() } else { update };
                let name = format!("{}-{ordinal}", set.name());
                let index = ordinal.to_string();
                let labels = [
                    (REVISION_HASH, version.name()),
                    (POD_NAME, &name),
                    (POD_INDEX, &index),
                    NORMAL,
                ];
                let maker = makers[usize::from(*current)].get_or_insert_with(|| {
                    Maker::new(store, set, ADVANCED_STATEFUL_SETS, version.template(), now)
                });
                maker.make(store, &name, &labels, Place::Turn(*next_node));
                *next_node += 1;
            }
            Change::Delete(name) => {
                begin(store, PODS, name, now, None, Propagation::Background);
            }
            Change::InPlace(name, from) => {
                if let Some(from) = versions.hashed(from) {
                    let label = [(REVISION_HASH, update.name())];
                    change_in_place(store, name, (from.template(), update.template()), &label, now);
                }
            }
        }
    }
}
