//! How objects go: at once, after their finalizers, or, for pods, after their grace.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::object::{Object, seconds};
use super::resource::{KindId, NAMESPACES, PODS};
use super::store::{Name, Store};

/// What becomes of the objects that name the deleted one as their owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Propagation {
    /// The garbage collector deletes them; foreground deletion is carried out the same way.
    #[default]
    Background,
    /// They stay and lose the reference.
    Orphan,
}

/// What became of the object.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It is gone.
    Gone(Object),
    /// Its deletion is under way.
    Pending(Object),
}

/// Deletes an object, or begins to. `grace` is in seconds and overrides the pod's own.
pub(super) fn begin(
    store: &mut Store,
    kind: KindId,
    name: &Name,
    now: Timestamp,
    grace: Option<i64>,
    propagation: Propagation,
) -> Option<Outcome> {
    let object = store.get(kind, name)?.clone();
    if propagation == Propagation::Orphan {
        orphan_dependents(store, object.uid());
    }
    if kind == PODS {
        let scheduled = object.spec_at("/nodeName").is_some();
        let own = object
            .spec_at("/terminationGracePeriodSeconds")
            .and_then(Value::as_i64)
            .unwrap_or(30);
        let grace = grace.unwrap_or(own);
        let immediate = (grace == 0 || !scheduled || object.pod.ended) && !object.kept();
        if immediate {
            return store.remove(kind, name).map(Outcome::Gone);
        }
        return Some(Outcome::Pending(mark(store, kind, object, now, grace)));
    }
    if kind == NAMESPACES {
        let mut terminating = object;
        terminating.status = Some(Arc::new(json!({"phase": "Terminating"})));
        let marked = mark(store, kind, terminating, now, 0);
        empty(store, &name.name, now);
        return Some(finish_namespace(store, name).map_or(Outcome::Pending(marked), Outcome::Gone));
    }
    if object.kept() {
        return Some(Outcome::Pending(mark(store, kind, object, now, 0)));
    }
    store.remove(kind, name).map(Outcome::Gone)
}

fn mark(store: &mut Store, kind: KindId, mut object: Object, now: Timestamp, grace: i64) -> Object {
    if object.deleting() {
        return object;
    }
    let end = now
        .saturating_add(SignedDuration::from_secs(grace))
        .unwrap_or(now);
    let generation = object.generation();
    let meta = Arc::make_mut(&mut object.meta);
    meta.insert("deletionTimestamp".to_owned(), json!(seconds(end)));
    meta.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    if generation > 0 {
        meta.insert("generation".to_owned(), json!(generation + 1));
    }
    store.replace(kind, object)
}

fn orphan_dependents(store: &mut Store, uid: &str) {
    for (kind, name) in store.dependents(uid) {
        if let Some(mut object) = store.get(kind, &name).cloned() {
            let left: Vec<Value> = object
                .owners()
                .iter()
                .filter(|o| o["uid"] != uid)
                .cloned()
                .collect();
            let meta = Arc::make_mut(&mut object.meta);
            if left.is_empty() {
                meta.remove("ownerReferences");
            } else {
                meta.insert("ownerReferences".to_owned(), Value::Array(left));
            }
            store.replace(kind, object);
        }
    }
}

/// Deletes everything in a namespace.
fn empty(store: &mut Store, namespace: &str, now: Timestamp) {
    let places: Vec<(KindId, Name)> = store
        .collections()
        .iter()
        .enumerate()
        .flat_map(|(kind, c)| {
            c.within(Some(namespace))
                .map(move |(name, _)| (kind, name.clone()))
        })
        .collect();
    for (kind, name) in places {
        begin(store, kind, &name, now, None, Propagation::Background);
    }
}

/// Removes a terminating namespace once nothing is left in it.
pub(super) fn finish_namespace(store: &mut Store, name: &Name) -> Option<Object> {
    let terminating = store.get(NAMESPACES, name)?.deleting();
    let inhabited = store
        .collections()
        .iter()
        .any(|c| c.within(Some(&*name.name)).next().is_some());
    if terminating && !inhabited {
        store.remove(NAMESPACES, name)
    } else {
        None
    }
}
