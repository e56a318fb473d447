//! The Advanced DaemonSet controller of OpenKruise, for `apps.kruise.io/v1alpha1`.
//!
//! What it does, with the file of `openkruise/kruise` under `pkg/controller/daemonset` that says so:
//! - Every node that the template fits ([`fit`]) gets one pod, always of the newest template, whatever the partition:
//!   so a node that comes during a release gets the new version first. Without surge a node waits until its ending pod
//!   is gone. Pods on nodes that do not fit, and pods that ended, are deleted (`daemonset_controller.go`,
//!   `podsShouldBeOnNode`, `manage`).
//! - A pass that makes or deletes pods to that end updates none, and leaves `observedGeneration` as it is
//!   (`syncDaemonSet`).
//! - `partition`, rounded down from `status.desiredNumberScheduled`, is the number of nodes that stay old. Nodes that
//!   are up to date come first, then those without a pod, then the old ones, the last name first; what exceeds the
//!   partition from that end may be updated, and only there unavailable pods count (`daemonset_update.go`,
//!   `filterDaemonPodsNodeToUpdate`). `rollingUpdate.selector` admits old nodes by their labels.
//! - Standard: old pods are deleted while at most `maxUnavailable` (rounded up) nodes are unavailable; old pods that are
//!   not available go at once. Surging (`maxSurge`, rounded up): a second pod is made on the node, and the old one goes
//!   when the new one is available; nodes with an unavailable old pod do not count.
//! - `InPlaceIfPossible` injects the readiness gate `InPlaceUpdateReady` into new pods, and changes in place only pods
//!   that have it.
//! - `rollingUpdate.paused` and type `OnDelete` stop updates only.
//! - Pods carry the bare hash of their revision. Status counts the oldest pod of each node; `daemonSetHash` is the hash
//!   of the newest template.
//!
//! Besides what `kruise_pods` leaves out: `scaleStrategy.partitionedScaling`, back-off for pods that fail.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::kruise_pods::{
    Member, NORMAL, can_change_in_place, change_in_place, members, next_available, sooner,
};
use super::nodes::{Fit, fit};
use super::pods::{Maker, Place};
use super::revisions::{HashLabel, REVISION_HASH};
use super::versions::Versions;
use crate::api::int_or_percent::{IntOrPercent, Round};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::Object;
use crate::sim::resource::{ADVANCED_DAEMON_SETS, NODES, PODS};
use crate::sim::selector::LabelSelector;
use crate::sim::store::{Name, Store};

/// Readiness gate of pods that can be changed in place.
const GATE: &str = "InPlaceUpdateReady";

/// The spec of an Advanced DaemonSet, read.
#[derive(Debug)]
struct Wanted {
    partition: i32,
    unavailable: i32,
    surge: i32,
    surges: bool,
    burst: usize,
    rolls: bool,
    in_place: bool,
    selector: Option<LabelSelector>,
    min_ready: i64,
    history: usize,
}

impl Wanted {
    /// Reads an Advanced DaemonSet that should run on `nodes` nodes.
    fn read(set: &Object, nodes: usize) -> Self {
        let nodes = i32::try_from(nodes).unwrap_or(i32::MAX);
        let known = i32::try_from(set.count("desiredNumberScheduled")).unwrap_or(i32::MAX);
        let share = |at: &str| {
            set.spec_at(at)
                .and_then(|value| IntOrPercent::deserialize(value).ok())
        };
        let rolling = |field: &str| format!("/updateStrategy/rollingUpdate/{field}");
        let on_delete = set
            .spec_at("/updateStrategy/type")
            .is_some_and(|t| t == "OnDelete");
        let of = |field: &str, total| match share(&rolling(field)) {
            Some(value) if !on_delete => value.of(total, Round::Up),
            _ => 0,
        };
        let (mut unavailable, surge) = (of("maxUnavailable", nodes), of("maxSurge", nodes));
        if nodes > 0 && unavailable == 0 && surge == 0 {
            unavailable = 1;
        }
        let number = |at: &str, default| set.spec_at(at).and_then(Value::as_i64).unwrap_or(default);
        let paused = set
            .spec_at(&rolling("paused"))
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let burst = share("/burstReplicas").map_or(250, |burst| burst.of(known, Round::Down));
        Self {
            partition: share(&rolling("partition")).map_or(0, |partition| partition.of(known, Round::Down)),
            unavailable,
            surge,
            surges: of("maxSurge", 1) > 0,
            burst: usize::try_from(burst).unwrap_or(0),
            rolls: !on_delete && !paused,
            in_place: set
                .spec_at(&rolling("rollingUpdateType"))
                .is_some_and(|t| t == "InPlaceIfPossible"),
            selector: set
                .spec_at(&rolling("selector"))
                .filter(|s| s.is_object())
                .map(LabelSelector::from_spec),
            min_ready: number("/minReadySeconds", 0),
            history: usize::try_from(number("/revisionHistoryLimit", 10)).unwrap_or(0),
        }
    }
}

/// What one pass changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    /// Nodes to make a pod on.
    make: Vec<String>,
    /// Pods to delete.
    delete: Vec<Name>,
    /// Pods to change in place, with the hash of the revision they are of.
    in_place: Vec<(Name, String)>,
}

/// The pods of each node, by its name.
type Nodes<'a> = BTreeMap<&'a str, Vec<Member<'a>>>;

/// Brings an Advanced DaemonSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(store: &mut Store, name: &Name, now: Timestamp) -> Option<Timestamp> {
    let set = store
        .get(ADVANCED_DAEMON_SETS, name)
        .filter(|set| !set.deleting())?
        .clone();
    let versions = Versions::of(store, &set, ADVANCED_DAEMON_SETS, HashLabel::Daemon, now)?;
    let empty = json!({});
    let spec = set.spec_at("/template/spec").unwrap_or(&empty);
    let fits: BTreeMap<&str, Fit> = store
        .collection(NODES)
        .objects
        .values()
        .map(|node| (node.name(), fit(spec, node)))
        .collect();
    let eligible: BTreeSet<&str> = fits
        .iter()
        .filter(|(_, fit)| **fit == Fit::Runs)
        .map(|(node, _)| *node)
        .collect();
    let wanted = Wanted::read(&set, eligible.len());
    let pods = members(store, set.uid());
    let mut nodes = Nodes::new();
    for pod in &pods {
        nodes.entry(pod.node()).or_default().push(*pod);
    }
    for group in nodes.values_mut() {
        group.sort_by_key(|pod| (pod.object.text("creationTimestamp"), pod.name));
    }
    let turn = Turn {
        store,
        wanted: &wanted,
        versions: &versions,
        fits: &fits,
        eligible: &eligible,
        now,
    };
    let mut change = turn.manage(&nodes);
    let settled = change == Change::default();
    if settled && wanted.rolls {
        change = turn.roll(&nodes);
    }
    let status = turn.status(&set, &nodes, settled);
    let alive: BTreeSet<String> = pods.iter().map(|pod| pod.revision().to_owned()).collect();
    let mut again = next_available(&pods, wanted.min_ready, now);
    if !change.in_place.is_empty() {
        // Labels alone are no reason for another look.
        again = sooner(again, now);
    }
    carry_out(store, &set, &wanted, &versions, &change, now);
    if set.status.as_deref() != Some(&status) {
        let mut counted = set;
        counted.status = Some(Arc::new(status));
        store.replace(ADVANCED_DAEMON_SETS, counted);
    }
    if settled {
        versions.prune(store, wanted.history, true, |version| {
            alive.contains(version.hash())
        });
    }
    again
}

/// One look at one Advanced DaemonSet.
struct Turn<'a> {
    store: &'a Store,
    wanted: &'a Wanted,
    versions: &'a Versions,
    fits: &'a BTreeMap<&'a str, Fit>,
    eligible: &'a BTreeSet<&'a str>,
    now: Timestamp,
}

/// The new and the old pod of a node; `None` when there are several of a version, which is put right first.
type Pair<'a> = Option<(Option<Member<'a>>, Option<Member<'a>>)>;

impl<'a> Turn<'a> {
    fn updated(&self, pod: Member<'_>) -> bool {
        pod.revision() == self.versions.update().hash()
    }

    fn available(&self, pod: Member<'_>) -> bool {
        pod.available(self.wanted.min_ready, self.now)
    }

    fn pair<'b>(&self, pods: &[Member<'b>]) -> Pair<'b> {
        let staying = pods.iter().copied().filter(|pod| !pod.deleting());
        let (new, old): (Vec<_>, Vec<_>) = staying.partition(|pod| self.updated(*pod));
        (new.len() <= 1 && old.len() <= 1).then(|| (new.first().copied(), old.first().copied()))
    }

    /// One pod on every node that should have one, none elsewhere.
    fn manage(&self, nodes: &Nodes<'_>) -> Change {
        let mut change = Change::default();
        for (node, fit) in self.fits {
            let pods = nodes.get(node);
            let (ended, running): (Vec<_>, Vec<_>) = pods
                .into_iter()
                .flatten()
                .copied()
                .filter(|pod| !pod.deleting())
                .partition(|pod| pod.object.pod.ended);
            change.delete.extend(ended.iter().map(|pod| pod.name.clone()));
            let bare = pods.is_none() || (self.wanted.surges && running.is_empty());
            if *fit == Fit::Leaves {
                change.delete.extend(running.iter().map(|pod| pod.name.clone()));
            } else if bare {
                change
                    .make
                    .extend((*fit == Fit::Runs).then(|| (*node).to_owned()));
            } else if self.wanted.surges {
                self.thin_out(&running, &mut change);
            } else {
                change
                    .delete
                    .extend(running.iter().skip(1).map(|pod| pod.name.clone()));
            }
        }
        change.make.truncate(self.wanted.burst);
        change.delete.truncate(self.wanted.burst);
        change
    }

    /// While surging, a node keeps its oldest new pod, and its oldest old one until the new one takes over.
    fn thin_out(&self, running: &[Member<'_>], change: &mut Change) {
        let (new, old): (Vec<_>, Vec<_>) = running.iter().copied().partition(|pod| self.updated(*pod));
        let spare = new.iter().skip(1).chain(old.iter().skip(1));
        change.delete.extend(spare.map(|pod| pod.name.clone()));
        if let (Some(new), Some(old)) = (new.first(), old.first())
            && (!old.ready() || self.available(*new))
        {
            change.delete.push(old.name.clone());
        }
    }

    /// The nodes that may be looked at for updates, in that order.
    fn admitted<'b>(&self, nodes: &Nodes<'b>) -> Vec<Vec<Member<'b>>>
    where
        'a: 'b,
    {
        let mut names: BTreeSet<&str> = self.eligible.clone();
        names.extend(nodes.keys().filter(|node| self.fits.contains_key(*node)));
        let most = i64::try_from(names.len()).unwrap_or(i64::MAX) - i64::from(self.wanted.partition);
        let mut ranked: Vec<(u8, Reverse<&str>, Vec<Member<'b>>)> = Vec::new();
        for node in names {
            let pods = nodes.get(node).cloned().unwrap_or_default();
            let turn = match self.pair(&pods) {
                None | Some((Some(_), _)) => 0,
                Some((None, None)) => 1,
                Some((None, Some(_))) if self.selected(node) => 2,
                Some((None, Some(_))) => continue,
            };
            ranked.push((turn, Reverse(node), pods));
        }
        ranked.sort_by_key(|(turn, name, _)| (*turn, *name));
        ranked.truncate(usize::try_from(most).unwrap_or(0));
        ranked.into_iter().map(|(_, _, pods)| pods).collect()
    }

    fn selected(&self, node: &str) -> bool {
        let labels = self
            .store
            .get(NODES, &Name::new("", node))
            .and_then(|node| node.meta.get("labels"));
        self.wanted
            .selector
            .as_ref()
            .is_none_or(|selector| selector.matches(labels))
    }

    fn roll(&self, nodes: &Nodes<'a>) -> Change {
        let admitted = self.admitted(nodes);
        if self.wanted.surge > 0 {
            return self.surge(&admitted);
        }
        let (mut missing, mut replaced, mut candidates) = (0, Vec::new(), Vec::new());
        for pods in &admitted {
            match self.pair(pods) {
                None | Some((None, None) | (Some(_), Some(_))) => missing += 1,
                Some((Some(new), None)) => missing += i32::from(!self.available(new)),
                Some((None, Some(old))) if !self.available(old) => replaced.push(old),
                Some((None, Some(old))) if missing < self.wanted.unavailable => candidates.push(old),
                Some((None, Some(_))) => {}
            }
        }
        candidates.truncate(usize::try_from(self.wanted.unavailable - missing).unwrap_or(0));
        replaced.extend(candidates);
        let mut change = Change::default();
        for pod in replaced {
            match self.in_place(pod) {
                Some(from) => change.in_place.push((pod.name.clone(), from)),
                None => change.delete.push(pod.name.clone()),
            }
        }
        change.delete.truncate(self.wanted.burst);
        change.in_place.truncate(self.wanted.burst);
        change
    }

    fn surge(&self, admitted: &[Vec<Member<'_>>]) -> Change {
        let mut change = Change::default();
        let (mut extra, mut candidates) = (0, Vec::new());
        for pods in admitted {
            match self.pair(pods) {
                None => extra += 1,
                Some((_, None)) => {}
                Some((None, Some(old))) if !self.available(old) => change.make.push(old.node().to_owned()),
                Some((None, Some(old))) if extra < self.wanted.surge => {
                    candidates.push(old.node().to_owned());
                }
                Some((None, Some(_))) => {}
                Some((Some(new), Some(_))) if !self.available(new) => extra += 1,
                Some((Some(_), Some(old))) => change.delete.push(old.name.clone()),
            }
        }
        candidates.truncate(usize::try_from(self.wanted.surge - extra).unwrap_or(0));
        change.make.extend(candidates);
        change.make.truncate(self.wanted.burst);
        change.delete.truncate(self.wanted.burst);
        change
    }

    fn in_place(&self, pod: Member<'_>) -> Option<String> {
        let gates = pod.object.spec_at("/readinessGates").and_then(Value::as_array);
        if !self.wanted.in_place
            || !gates
                .into_iter()
                .flatten()
                .any(|gate| gate["conditionType"] == GATE)
        {
            return None;
        }
        let from = self.versions.hashed(pod.revision())?;
        let possible = can_change_in_place(from.template(), self.versions.update().template());
        possible.then(|| from.hash().to_owned())
    }

    fn status(&self, set: &Object, nodes: &Nodes<'_>, settled: bool) -> Value {
        // Of each node, the pod that was there first.
        let firsts: Vec<Member<'_>> = self
            .eligible
            .iter()
            .filter_map(|node| nodes.get(node)?.first().copied())
            .collect();
        let number = |test: &dyn Fn(Member<'_>) -> bool| firsts.iter().filter(|pod| test(**pod)).count();
        let elsewhere = nodes
            .keys()
            .filter(|node| !self.eligible.contains(*node) && self.fits.contains_key(*node));
        let available = number(&|pod| self.available(pod));
        let mut status = json!({
            "currentNumberScheduled": firsts.len(),
            "numberMisscheduled": elsewhere.count(),
            "desiredNumberScheduled": self.eligible.len(),
            "numberReady": number(&|pod| pod.ready()),
            "updatedNumberScheduled": number(&|pod| self.updated(pod)),
            "daemonSetHash": self.versions.update().hash(),
        });
        let observed = if settled {
            set.generation()
        } else {
            set.count("observedGeneration")
        };
        let counts = [
            ("numberAvailable", i64::try_from(available).unwrap_or(i64::MAX)),
            (
                "numberUnavailable",
                i64::try_from(self.eligible.len() - available).unwrap_or(i64::MAX),
            ),
            ("observedGeneration", observed),
        ];
        for (field, count) in counts {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        status
    }
}

fn carry_out(
    store: &mut Store,
    set: &Object,
    wanted: &Wanted,
    versions: &Versions,
    change: &Change,
    now: Timestamp,
) {
    let update = versions.update();
    let label = (REVISION_HASH, update.hash());
    if !change.make.is_empty() {
        let mut template = update.template().clone();
        if wanted.in_place {
            let gates = &mut template["spec"]["readinessGates"];
            match gates.as_array_mut() {
                Some(gates) => gates.push(json!({"conditionType": GATE})),
                None => *gates = json!([{"conditionType": GATE}]),
            }
        }
        let mut maker = Maker::new(store, set, ADVANCED_DAEMON_SETS, &template, now);
        for node in &change.make {
            let name = maker.free_name(store);
            maker.make(store, &name, &[label, NORMAL], Place::Node(node));
        }
    }
    for name in &change.delete {
        begin(store, PODS, name, now, None, Propagation::Background);
    }
    for (name, from) in &change.in_place {
        if let Some(from) = versions.hashed(from) {
            change_in_place(store, name, (from.template(), update.template()), &[label], now);
        }
    }
}
