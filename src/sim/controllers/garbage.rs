//! The garbage collector: what nobody owns any more goes.

use jiff::Timestamp;

use crate::sim::deletion::{Propagation, begin};
use crate::sim::resource::KindId;
use crate::sim::store::{Name, Store};

/// Deletes the dependents of an owner that is gone, unless another owner is left.
pub(super) fn collect(store: &mut Store, uid: &str, now: Timestamp) {
    for (kind, name) in store.dependents(uid) {
        check(store, kind, &name, now);
    }
}

/// Deletes an object none of whose owners exists.
pub(super) fn check(store: &mut Store, kind: KindId, name: &Name, now: Timestamp) {
    let Some(object) = store.get(kind, name) else {
        return;
    };
    let exists = |uid: Option<&str>| uid.is_some_and(|uid| store.locate(uid).is_some());
    let owners = object.owners();
    if !owners.is_empty() && !owners.iter().any(|owner| exists(owner["uid"].as_str())) && !object.deleting() {
        begin(store, kind, name, now, None, Propagation::Background);
    }
}
