//! The ReplicaSet controller: makes and deletes pods, and counts them.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pods::{Maker, Patience, Place};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::{Object, PodFacts};
use crate::sim::resource::{PODS, REPLICA_SETS};
use crate::sim::store::{Name, Store};

/// Brings a ReplicaSet closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(
    store: &mut Store,
    name: &Name,
    next_node: &mut usize,
    now: Timestamp,
) -> Option<Timestamp> {
    let set = store.get(REPLICA_SETS, name)?.clone();
    let uid = set.uid().to_owned();
    let pods: Vec<(Name, PodFacts)> = store
        .dependents_of(&uid, PODS)
        .map(|(name, pod)| (name.clone(), pod.pod))
        .filter(|(_, facts)| !facts.ended && !facts.deleting)
        .collect();
    let wanted = usize::try_from(set.spec_at("/replicas").and_then(Value::as_i64).unwrap_or(1)).unwrap_or(0);
    if !set.deleting() {
        if pods.len() < wanted {
            create(store, &set, wanted - pods.len(), next_node, now);
        } else if pods.len() > wanted {
            delete(store, &pods, pods.len() - wanted, now);
        }
    }
    let seconds = set
        .spec_at("/minReadySeconds")
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let mut patience = Patience::new(seconds, now);
    let (mut ready, mut available) = (0i64, 0i64);
    for (_, facts) in &pods {
        ready += i64::from(facts.ready);
        available += i64::from(patience.available(facts));
    }
    let mut status = json!({"replicas": pods.len(), "observedGeneration": set.generation()});
    for (field, count) in [
        (
            "fullyLabeledReplicas",
            i64::try_from(pods.len()).unwrap_or(i64::MAX),
        ),
        ("readyReplicas", ready),
        ("availableReplicas", available),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    if set.status.as_deref() != Some(&status) {
        let mut counted = set;
        counted.status = Some(Arc::new(status));
        store.replace(REPLICA_SETS, counted);
    }
    patience.next()
}

/// Makes pods from the set's template, spread over the nodes.
fn create(store: &mut Store, set: &Object, count: usize, next_node: &mut usize, now: Timestamp) {
    let Some(template) = set.spec_at("/template") else {
        return;
    };
    let mut maker = Maker::new(store, set, REPLICA_SETS, template, now);
    for _ in 0..count {
        let name = maker.free_name(store);
        maker.make(store, &name, &[], Place::Turn(*next_node));
        *next_node += 1;
    }
}

/// Deletes pods: those that are not ready first, then those that became ready, or were made, last.
fn delete(store: &mut Store, pods: &[(Name, PodFacts)], count: usize, now: Timestamp) {
    let mut ranked: Vec<(bool, Option<Timestamp>, String, &Name)> = pods
        .iter()
        .filter_map(|(name, facts)| {
            let pod = store.get(PODS, name)?;
            Some((
                facts.ready,
                facts.ready_since,
                pod.text("creationTimestamp").to_owned(),
                name,
            ))
        })
        .collect();
    ranked.sort_by(|a, b| {
        (a.0.cmp(&b.0))
            .then_with(|| b.1.cmp(&a.1))
            .then_with(|| b.2.cmp(&a.2))
            .then_with(|| a.3.cmp(b.3))
    });
    for (_, _, _, name) in ranked.into_iter().take(count) {
        begin(store, PODS, name, now, None, Propagation::Background);
    }
}
