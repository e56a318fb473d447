//! The CloneSet controller of OpenKruise, for `apps.kruise.io/v1alpha1`.
//!
//! What it does, with the file of `openkruise/kruise` under `pkg/controller/cloneset` that says so:
//! - One pass either changes the number of pods or updates pods, never both (`cloneset_controller.go`, `syncCloneSet`).
//! - How many: [`Diff`]. Missing pods are made at once, old ones first (`sync/cloneset_scale.go`).
//! - While pods are missing nothing is deleted; while pods are marked for deletion the set does not shrink otherwise.
//! - A pod that is too much goes at once when it is not ready, and within the limit of unavailability when it is. So
//!   nothing ready goes while `minReadySeconds` keeps every pod from being available. Old pods go before new ones,
//!   but only those above the partition; within a version the order is [`Member::rank`] (`utils/pod_sorter.go`).
//! - An update marks old pods with the label `apps.kruise.io/specified-delete`; the next pass deletes them, after its
//!   surge if there is one (`sync/cloneset_update.go`). In place, the pod is changed instead. Pods that are not ready
//!   are updated first, then the youngest; an unavailable pod may always be updated, an available one only while less
//!   than `maxUnavailable` are unavailable, and never more at a time than may be unavailable in the new version.
//! - `InPlaceOnly` with a change that cannot be made in place updates nothing and says so in the condition
//!   `FailedUpdate`.
//! - Pods carry the whole name of their revision in `controller-revision-hash` and its hash in `pod-template-hash`
//!   (`utils/cloneset_utils.go`).
//! - `status.currentRevision` becomes the update revision as soon as all pods are of it and their number is right, ready
//!   or not (`cloneset_status.go`). Ready does not look at `minReadySeconds`, available does.
//!
//! Besides what `kruise_pods` leaves out: the condition `Progressing` of sets with `progressDeadlineSeconds`, deletion
//! of gone names from `podsToDelete`, and the gates `CloneSetPartitionRollback`, `CloneSetShortHash` and
//! `PreparingUpdateAsUpdate`, which are off by default.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::clone_set_diff::{Census, Diff, Policy, Wanted};
use super::kruise_pods::{
    Member, NORMAL, SPECIFIED_DELETE, can_change_in_place, change_in_place, mark, members, next_available,
    selector_text, short, sooner,
};
use super::pods::{Maker, Place};
use super::revisions::{HashLabel, REVISION_HASH};
use super::versions::{Version, Versions};
use crate::api::keys;
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::{Object, seconds};
use crate::sim::resource::{CLONE_SETS, PODS};
use crate::sim::store::{Name, Store};

/// Pod label: the generated end of the pod's name. Kruise writes it.
const INSTANCE: &str = "apps.kruise.io/cloneset-instance-id";

/// What one pass changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    /// Pods to make: of the current revision, and of the update revision.
    make: (usize, usize),
    /// Pods to delete.
    delete: Vec<Name>,
    /// Pods to mark for deletion.
    mark: Vec<Name>,
    /// Pods to change in place, with the hash of the revision they are of.
    in_place: Vec<(Name, String)>,
    /// A pod that cannot be updated as the set demands.
    refused: Option<Name>,
}

/// Brings a CloneSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(
    store: &mut Store,
    name: &Name,
    next_node: &mut usize,
    now: Timestamp,
) -> Option<Timestamp> {
    let set = store.get(CLONE_SETS, name)?.clone();
    let wanted = Wanted::read(&set);
    let versions = Versions::of(store, &set, CLONE_SETS, HashLabel::History, now)?;
    let mut pods = members(store, set.uid());
    pods.retain(|pod| !pod.deleting() && !pod.object.pod.ended);
    let turn = Turn {
        wanted: &wanted,
        versions: &versions,
        now,
    };
    let change = if set.deleting() {
        Change::default()
    } else {
        turn.decide(&pods)
    };
    let status = turn.status(&set, &pods, change.refused.as_ref());
    let alive: BTreeSet<String> = pods.iter().map(|pod| short(pod.revision()).to_owned()).collect();
    let mut again = next_available(&pods, wanted.min_ready, now);
    if !change.mark.is_empty() || !change.in_place.is_empty() {
        // Labels alone are no reason for another look.
        again = sooner(again, now);
    }
    carry_out(store, &set, &versions, &change, next_node, now);
    if set.status.as_deref() != Some(&status) {
        let mut counted = set;
        counted.status = Some(Arc::new(status));
        store.replace(CLONE_SETS, counted);
    }
    versions.prune(store, wanted.history, false, |version| {
        alive.contains(version.hash())
    });
    again
}

/// One look at one CloneSet.
#[derive(Clone, Copy)]
struct Turn<'a> {
    wanted: &'a Wanted,
    versions: &'a Versions,
    now: Timestamp,
}

impl Turn<'_> {
    fn updated(&self, pod: Member<'_>) -> bool {
        short(pod.revision()) == self.versions.update().hash()
    }

    fn available(&self, pod: Member<'_>) -> bool {
        pod.available(self.wanted.min_ready, self.now)
    }

    fn marked(&self, pod: Member<'_>) -> bool {
        pod.label(SPECIFIED_DELETE) == "true"
            || self.wanted.to_delete.iter().any(|name| **name == *pod.name.name)
    }

    fn census<'a>(&self, pods: impl Iterator<Item = Member<'a>>) -> Census {
        let mut census = Census::default();
        for pod in pods {
            census.all += 1;
            if self.marked(pod) {
                census.marked += 1;
            } else if !self.available(pod) {
                census.unavailable += 1;
            }
        }
        census
    }

    fn decide(&self, pods: &[Member<'_>]) -> Change {
        let (new, old): (Vec<_>, Vec<_>) = pods.iter().copied().partition(|pod| self.updated(*pod));
        let diff = Diff::of(
            self.wanted,
            self.census(new.iter().copied()),
            self.census(old.iter().copied()),
        );
        let change = self.scale(diff, pods, &new, &old);
        if change != Change::default() || self.wanted.paused || diff.update == 0 {
            return change;
        }
        self.update(diff, pods, &old)
    }

    fn scale(&self, diff: Diff, pods: &[Member<'_>], new: &[Member<'_>], old: &[Member<'_>]) -> Change {
        let mut change = Change::default();
        if diff.up > 0 {
            let of_current = diff.up_limit.min(diff.up_old);
            change.make = (count(of_current), count(diff.up_limit - of_current));
            return change;
        }
        let marked: Vec<Member<'_>> = pods.iter().copied().filter(|pod| self.marked(*pod)).collect();
        let none_marked = marked.is_empty();
        let mut limit = diff.ready_limit;
        let mut allowed = |pods: Vec<Member<'_>>| -> Vec<Name> {
            let go = pods.into_iter().filter(|pod| {
                let goes = !pod.ready() || limit > 0;
                limit -= i32::from(goes && pod.ready());
                goes
            });
            go.map(|pod| pod.name.clone()).collect()
        };
        change.delete = allowed(marked);
        if change.delete.is_empty() && diff.down > 0 && none_marked {
            let down_old = diff.down.min(diff.down_old);
            let mut chosen = self.least(old, count(down_old));
            chosen.extend(self.least(new, count(diff.down - down_old)));
            change.delete = allowed(chosen);
        }
        change
    }

    /// The pods of one version that go first.
    fn least<'a>(&self, pods: &[Member<'a>], wanted: usize) -> Vec<Member<'a>> {
        if wanted >= pods.len() {
            return pods.to_vec();
        }
        let mut nodes: BTreeMap<&str, Vec<Member<'a>>> = BTreeMap::new();
        for pod in pods.iter().filter(|pod| !pod.node().is_empty()) {
            nodes.entry(pod.node()).or_default().push(*pod);
        }
        // On each node all but the last are in its way, the first most of all.
        let mut crowds: BTreeMap<&Name, usize> = BTreeMap::new();
        for mut group in nodes.into_values() {
            group.sort_by_cached_key(|pod| pod.rank(false, true, 0));
            for (at, pod) in group.iter().enumerate() {
                crowds.insert(pod.name, group.len() - 1 - at);
            }
        }
        let mut ranked = pods.to_vec();
        ranked.sort_by_cached_key(|pod| {
            let crowd = crowds.get(pod.name).copied().unwrap_or(0);
            pod.rank(self.available(*pod), true, crowd)
        });
        ranked.truncate(wanted);
        ranked
    }

    fn update(&self, diff: Diff, pods: &[Member<'_>], old: &[Member<'_>]) -> Change {
        let mut waiting = old.to_vec();
        waiting.sort_by_cached_key(|pod| pod.rank(false, false, 0));
        waiting.truncate(count(diff.update));
        let unavailable = |pod: &&Member<'_>| !self.available(**pod);
        let mut missing = pods.iter().filter(unavailable).count();
        let missing_new = pods
            .iter()
            .filter(unavailable)
            .filter(|pod| self.updated(**pod))
            .count();
        let most = count(diff.update_unavailable);
        let mut change = Change::default();
        for (turn, pod) in waiting.into_iter().enumerate() {
            if missing_new + turn >= most {
                break;
            }
            if self.available(pod) {
                if missing >= most {
                    break;
                }
                missing += 1;
            }
            match self.path(pod) {
                Path::Mark if pod.label(SPECIFIED_DELETE) != "true" => change.mark.push(pod.name.clone()),
                Path::Mark => {}
                Path::InPlace(from) => change.in_place.push((pod.name.clone(), from)),
                Path::Refused => {
                    change.refused = Some(pod.name.clone());
                    break;
                }
            }
        }
        change
    }

    fn path(&self, pod: Member<'_>) -> Path {
        if self.wanted.policy == Policy::ReCreate {
            return Path::Mark;
        }
        let update = self.versions.update().template();
        let from = self.versions.hashed(short(pod.revision()));
        let from = from.filter(|from| can_change_in_place(from.template(), update));
        match (from, self.wanted.policy) {
            (Some(from), _) => Path::InPlace(from.hash().to_owned()),
            (None, Policy::InPlaceOnly) => Path::Refused,
            (None, _) => Path::Mark,
        }
    }

    fn status(&self, set: &Object, pods: &[Member<'_>], refused: Option<&Name>) -> Value {
        let number = |test: &dyn Fn(Member<'_>) -> bool| pods.iter().filter(|pod| test(**pod)).count();
        let updated = number(&|pod| self.updated(pod));
        let updated_available = number(&|pod| self.updated(pod) && self.available(pod));
        let update = self.versions.update().name();
        let whole = updated == pods.len() && pods.len() == count(self.wanted.replicas);
        let current = if whole {
            update
        } else {
            self.versions.current().name()
        };
        let mut status = json!({
            "observedGeneration": set.generation(),
            "replicas": pods.len(),
            "readyReplicas": number(&|pod| pod.ready()),
            "availableReplicas": number(&|pod| self.available(pod)),
            "updatedReplicas": updated,
            "updatedReadyReplicas": number(&|pod| self.updated(pod) && pod.ready()),
            "updateRevision": update,
            "currentRevision": current,
            "collisionCount": self.versions.collisions,
            "labelSelector": selector_text(set),
        });
        let expected = self.wanted.replicas - self.wanted.partition;
        for (field, count) in [
            ("updatedAvailableReplicas", updated_available),
            ("expectedUpdatedReplicas", count(expected)),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        let before = set.status_at("/conditions").and_then(Value::as_array).cloned();
        let mut conditions = before.unwrap_or_default();
        if let Some(pod) = refused
            && !conditions
                .iter()
                .any(|c| c["type"] == "FailedUpdate" && c["status"] == "True")
        {
            conditions.retain(|c| c["type"] != "FailedUpdate");
            let message = format!(
                "pod {} can not be updated in place, as InPlaceOnly demands",
                pod.name
            );
            conditions.push(
                json!({"type": "FailedUpdate", "status": "True", "message": message,
                                   "lastTransitionTime": seconds(self.now)}),
            );
        }
        if !conditions.is_empty() {
            status["conditions"] = json!(conditions);
        }
        status
    }
}

/// How a pod is updated.
enum Path {
    /// It is marked for deletion.
    Mark,
    /// It is changed in place, from the revision with this hash.
    InPlace(String),
    /// It cannot be updated in the only way that is allowed.
    Refused,
}

fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn revision_labels(version: Version<'_>) -> [(&str, &str); 2] {
    [
        (REVISION_HASH, version.name()),
        (keys::POD_TEMPLATE_HASH, version.hash()),
    ]
}

fn carry_out(
    store: &mut Store,
    set: &Object,
    versions: &Versions,
    change: &Change,
    next_node: &mut usize,
    now: Timestamp,
) {
    let update = versions.update();
    for (version, wanted) in [(versions.current(), change.make.0), (update, change.make.1)] {
        if wanted == 0 {
            continue;
        }
        let mut maker = Maker::new(store, set, CLONE_SETS, version.template(), now);
        let [full, hash] = revision_labels(version);
        for _ in 0..wanted {
            let name = maker.free_name(store);
            let labels = [full, hash, NORMAL, (INSTANCE, short(&name))];
            maker.make(store, &name, &labels, Place::Turn(*next_node));
            *next_node += 1;
        }
    }
    for name in &change.delete {
        begin(store, PODS, name, now, None, Propagation::Background);
    }
    for name in &change.mark {
        mark(store, name, SPECIFIED_DELETE, "true");
    }
    for (name, from) in &change.in_place {
        if let Some(from) = versions.hashed(from) {
            let templates = (from.template(), update.template());
            change_in_place(store, name, templates, &revision_labels(update), now);
        }
    }
}
