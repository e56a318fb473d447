//! The DaemonSet controller, as in Kubernetes 1.36.
//!
//! - Every node that fits has one pod, on a surging update two. A missing pod is always made from the newest template,
//!   whatever the update strategy is.
//! - Without surge, old pods that are not available are deleted first, all of them; then available ones, as many as
//!   `maxUnavailable` (rounded up) leaves. With surge, new pods are made beside up to `maxSurge` old ones, which go when
//!   the new one is available. OnDelete waits for somebody to delete the old pods.
//! - An update does nothing in the pass that made or deleted pods for other reasons.
//!
//! Where the real controller goes through nodes in no order, this one goes by name. Backing off from failed pods is not
//! modelled: the fake kubelet fails none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::nodes::{Fit, fit};
use super::pods::{Maker, Patience, Place};
use super::replica_sets::resolve;
use super::revisions::{HashLabel, History, REVISION_HASH, hash, prune, revision_of};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::{Object, PodFacts};
use crate::sim::resource::{DAEMON_SETS, NODES, PODS};
use crate::sim::store::{Name, Store};

/// Annotation that counts the templates; pods carry it as the label of the next constant.
pub(in crate::sim) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const POD_GENERATION: &str = "pod-template-generation";

/// A pod of the set.
struct Daemon {
    name: Name,
    facts: PodFacts,
    created: String,
    updated: bool,
}

/// One look at one DaemonSet.
struct Look<'a> {
    store: &'a mut Store,
    set: Object,
    now: Timestamp,
    hash: String,
    /// The nodes by name, those that have a pod included even when they do not fit.
    nodes: BTreeMap<String, (Fit, Vec<Daemon>)>,
    patience: Patience,
}

/// Pods to delete and nodes to make pods on.
#[derive(Default)]
struct Moves {
    delete: Vec<Name>,
    make: Vec<String>,
}

/// Brings a DaemonSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(store: &mut Store, name: &Name, now: Timestamp) -> Option<Timestamp> {
    let set = store.get(DAEMON_SETS, name)?.clone();
    if set.deleting() {
        return None;
    }
    let mut history = History::of(store, &set);
    let mut collisions = set.count("collisionCount");
    let newest = history.adopt(store, &set, DAEMON_SETS, HashLabel::Daemon, &mut collisions, now)?;
    let patience = Patience::new(
        set.spec_at("/minReadySeconds")
            .and_then(Value::as_i64)
            .unwrap_or(0),
        now,
    );
    let mut look = Look {
        hash: hash(&newest).to_owned(),
        nodes: BTreeMap::new(),
        store,
        set,
        now,
        patience,
    };
    look.read();
    let mut moves = look.manage();
    if moves.delete.is_empty() && moves.make.is_empty() && look.rolls() {
        moves = look.roll();
    }
    let moved = look.carry_out(moves);
    look.truncate(&history);
    if moved {
        look.read();
    }
    look.write_status(collisions);
    look.patience.next()
}

impl Look<'_> {
    /// Reads the nodes and the pods on them, the oldest first.
    fn read(&mut self) {
        let empty = json!({});
        let spec = self.set.spec_at("/template/spec").unwrap_or(&empty);
        let mut nodes: BTreeMap<String, (Fit, Vec<Daemon>)> = self
            .store
            .collection(NODES)
            .objects
            .iter()
            .map(|(name, node)| (name.name.to_string(), (fit(spec, node), Vec::new())))
            .collect();
        let generation = self.set.annotation(TEMPLATE_GENERATION);
        for (name, pod) in self.store.dependents_of(self.set.uid(), PODS) {
            if pod.pod.deleting && pod.pod.ended {
                continue;
            }
            let Some(node) = pod.spec_at("/nodeName").and_then(Value::as_str) else {
                continue;
            };
            let labels = pod.meta.get("labels");
            let counted = labels.and_then(|l| l.get(POD_GENERATION)).and_then(Value::as_str);
            if let Some((_, daemons)) = nodes.get_mut(node) {
                daemons.push(Daemon {
                    name: name.clone(),
                    facts: pod.pod,
                    created: pod.text("creationTimestamp").to_owned(),
                    updated: revision_of(pod) == self.hash || (generation.is_some() && counted == generation),
                });
            }
        }
        for (_, daemons) in nodes.values_mut() {
            daemons.sort_by(|a, b| a.created.cmp(&b.created).then_with(|| a.name.cmp(&b.name)));
        }
        self.nodes = nodes;
    }

    fn rolls(&self) -> bool {
        self.set
            .spec_at("/updateStrategy/type")
            .is_some_and(|t| t == "RollingUpdate")
    }

    fn bound(&self, field: &str) -> usize {
        if !self.rolls() {
            return 0;
        }
        let fitting = self.nodes.values().filter(|(fit, _)| *fit == Fit::Runs).count();
        let value = self
            .set
            .spec_at(&format!("/updateStrategy/rollingUpdate/{field}"));
        let number = resolve(value, i64::try_from(fitting).unwrap_or(i64::MAX), true);
        usize::try_from(number).unwrap_or(0)
    }

    /// What is to be done whatever the strategy says.
    fn manage(&mut self) -> Moves {
        let surging = self.bound("maxSurge") > 0;
        let mut moves = Moves::default();
        for (node, (fit, daemons)) in &self.nodes {
            let living = || daemons.iter().filter(|d| !d.facts.deleting);
            match fit {
                Fit::Runs if daemons.is_empty() => moves.make.push(node.clone()),
                Fit::Leaves => moves.delete.extend(living().map(|d| d.name.clone())),
                Fit::Runs | Fit::Stays => {
                    let ended = living().filter(|d| d.facts.ended);
                    moves.delete.extend(ended.map(|d| d.name.clone()));
                    let running: Vec<&Daemon> = living().filter(|d| !d.facts.ended).collect();
                    if !surging {
                        moves
                            .delete
                            .extend(running.iter().skip(1).map(|d| d.name.clone()));
                        continue;
                    }
                    if running.is_empty() && *fit == Fit::Runs {
                        moves.make.push(node.clone());
                    }
                    let new = running.iter().find(|d| d.updated);
                    let old = running.iter().find(|d| !d.updated);
                    let kept = |d: &Daemon| [new, old].into_iter().flatten().any(|k| k.name == d.name);
                    moves
                        .delete
                        .extend(running.iter().filter(|d| !kept(d)).map(|d| d.name.clone()));
                    if let (Some(new), Some(old)) = (new, old)
                        && (!old.facts.ready || self.patience.available(&new.facts))
                    {
                        moves.delete.push(old.name.clone());
                    }
                }
            }
        }
        moves
    }

    /// What the rolling update does next.
    fn roll(&mut self) -> Moves {
        let (surge, mut unavailable) = (self.bound("maxSurge"), self.bound("maxUnavailable"));
        if surge == 0 {
            unavailable = unavailable.max(1);
        }
        let mut moves = Moves::default();
        let (mut candidates, mut candidate_nodes) = (Vec::new(), Vec::new());
        let mut busy = 0;
        for (node, (fit, daemons)) in &self.nodes {
            if daemons.is_empty() && *fit != Fit::Runs {
                continue;
            }
            let living = || daemons.iter().filter(|d| !d.facts.deleting);
            let (mut new, mut old) = (living().filter(|d| d.updated), living().filter(|d| !d.updated));
            let (first_new, first_old) = (new.next(), old.next());
            if new.next().is_some() || old.next().is_some() {
                busy += 1;
                continue;
            }
            match (first_new, first_old) {
                (Some(new), None) => {
                    busy += usize::from(surge == 0 && !self.patience.available(&new.facts));
                }
                (None, Some(old)) if surge == 0 => {
                    if self.patience.available(&old.facts) {
                        candidates.push(old.name.clone());
                    } else {
                        moves.delete.push(old.name.clone());
                        busy += 1;
                    }
                }
                (None, Some(old)) => {
                    if *fit == Fit::Runs && self.patience.available(&old.facts) {
                        candidate_nodes.push(node.clone());
                    } else if *fit == Fit::Runs {
                        moves.make.push(node.clone());
                    } else if !self.patience.available(&old.facts) {
                        moves.delete.push(old.name.clone());
                    }
                }
                (Some(new), Some(old)) if surge > 0 => {
                    if self.patience.available(&new.facts) {
                        moves.delete.push(old.name.clone());
                    } else {
                        busy += 1;
                    }
                }
                _ => busy += usize::from(surge == 0),
            }
        }
        moves
            .delete
            .extend(candidates.into_iter().take(unavailable.saturating_sub(busy)));
        moves
            .make
            .extend(candidate_nodes.into_iter().take(surge.saturating_sub(busy)));
        moves
    }

    fn carry_out(&mut self, moves: Moves) -> bool {
        let moved = !moves.delete.is_empty() || !moves.make.is_empty();
        if !moves.make.is_empty()
            && let Some(template) = self.set.spec_at("/template")
        {
            let mut maker = Maker::new(self.store, &self.set, DAEMON_SETS, template, self.now);
            let generation = self.set.annotation(TEMPLATE_GENERATION).unwrap_or("1");
            let labels = [(REVISION_HASH, self.hash.as_str()), (POD_GENERATION, generation)];
            for node in &moves.make {
                let name = maker.free_name(self.store);
                maker.make(self.store, &name, &labels, Place::Node(node));
            }
        }
        for name in &moves.delete {
            begin(self.store, PODS, name, self.now, None, Propagation::Background);
        }
        moved
    }

    fn write_status(&mut self, collisions: i64) {
        let (mut desired, mut current, mut strays, mut ready, mut updated, mut available) =
            (0, 0, 0, 0, 0, 0);
        for (fit, daemons) in self.nodes.values() {
            if *fit != Fit::Runs {
                strays += i64::from(!daemons.is_empty());
                continue;
            }
            desired += 1;
            if let Some(oldest) = daemons.first() {
                current += 1;
                ready += i64::from(oldest.facts.ready);
                available += i64::from(self.patience.available(&oldest.facts));
                updated += i64::from(oldest.updated);
            }
        }
        let mut status = json!({
            "observedGeneration": self.set.generation(), "desiredNumberScheduled": desired,
            "currentNumberScheduled": current, "numberMisscheduled": strays, "numberReady": ready,
        });
        for (field, count) in [
            ("updatedNumberScheduled", updated),
            ("numberAvailable", available),
            ("numberUnavailable", desired - available),
            ("collisionCount", collisions),
        ] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        if self.set.status.as_deref() != Some(&status) {
            let mut counted = self.set.clone();
            counted.status = Some(Arc::new(status));
            self.store.replace(DAEMON_SETS, counted);
        }
    }

    /// Deletes the oldest revisions beyond the history limit, except those that pods are of.
    fn truncate(&mut self, history: &History) {
        let limit = self
            .set
            .spec_at("/revisionHistoryLimit")
            .and_then(Value::as_i64)
            .unwrap_or(10);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let old = history.all.split_last().map_or(&[][..], |(_, old)| old);
        let Some(surplus) = old.len().checked_sub(limit).filter(|surplus| *surplus > 0) else {
            return;
        };
        let pods = self.store.dependents_of(self.set.uid(), PODS);
        let live: BTreeSet<String> = pods.map(|(_, pod)| revision_of(pod).to_owned()).collect();
        prune(
            self.store,
            old.iter().filter(|revision| !live.contains(hash(revision))),
            surplus,
        );
    }
}
