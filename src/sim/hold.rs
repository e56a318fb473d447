//! The hold policies, natively: what the MutatingAdmissionPolicies of a real cluster do to workloads.
//!
//! Two things differ from kind to kind, and `workload::hold` knows them: which fields hold a version back, and with
//! which values. A workload that rolls nothing by itself (type OnDelete) is left alone.

use serde_json::{Value, json};

use crate::api::keys;
use crate::workload::{Kind, Mark, hold};

use super::resource::ROLLOUTS;
use super::store::Store;

/// Holds a changed template back, or puts a hold back that a foreign write lifted. `manager` is the explicit field
/// manager of the request; the engine's own writes pass.
pub(super) fn admit(store: &Store, kind: Kind, object: &mut Value, old: &Value, manager: Option<&str>) {
    if manager == Some(keys::FIELD_MANAGER) || !(labelled(object) || labelled(old)) {
        return;
    }
    let (marked, was) = (mark_of(object), mark_of(old));
    let fields = hold::first(kind);
    let moved = fields
        .iter()
        .any(|(path, _)| hold::at(&object["spec"], path) != hold::at(&old["spec"], path));
    let changed = object["spec"]["template"] != old["spec"]["template"];
    let lifted = was.is_some() && (marked != was || moved);
    let in_place = fields
        .iter()
        .all(|(path, wanted)| hold::at(&object["spec"], path) == wanted);
    let held = marked.is_some() && (was.is_none() || marked == was) && in_place;
    if !(changed || lifted) || held || still(kind, object, was.is_some()) {
        return;
    }
    let Some(rollout) = holder(store, kind, object) else {
        return;
    };
    // The first mark of a release stays: it alone knows the user's originals.
    let mark = was.or(marked).unwrap_or_else(|| {
        let mut mark = Mark::new(&rollout);
        for (path, _) in fields.iter() {
            let known = match hold::at(&object["spec"], path) {
                // Servers do not keep a false `paused` of a Deployment; elsewhere absence is kept apart.
                Value::Null if path == hold::PAUSED => json!(false),
                known => known.clone(),
            };
            mark.original.keep(path, known);
        }
        mark.text()
    });
    for (path, wanted) in fields.iter() {
        let before = hold::at(&old["spec"], path);
        hold::put(
            &mut object["spec"],
            path,
            if changed { wanted.clone() } else { before.clone() },
        );
    }
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    object["metadata"]["annotations"][keys::IN_PROGRESSING] = json!(mark);
}

fn mark_of(object: &Value) -> Option<String> {
    let mark = &object["metadata"]["annotations"][keys::IN_PROGRESSING];
    mark.as_str().map(str::to_owned)
}

fn labelled(object: &Value) -> bool {
    object["metadata"]["labels"].get(keys::WORKLOAD_TYPE).is_some()
}

/// Whether nothing of the workload rolls by itself: it has no pods, or is of type OnDelete. A DaemonSet's OnDelete may be
/// the hold itself.
fn still(kind: Kind, object: &Value, marked: bool) -> bool {
    let on_delete = hold::at(&object["spec"], hold::UPDATE_TYPE) == "OnDelete";
    let empty = !kind.is_per_node() && object["spec"]["replicas"] == 0 && !marked;
    match kind {
        Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => on_delete || empty,
        Kind::DaemonSet => on_delete && !marked,
        Kind::Deployment | Kind::CloneSet => empty,
    }
}

/// The enabled, live Rollout of the namespace that references the workload.
fn holder(store: &Store, kind: Kind, object: &Value) -> Option<String> {
    let namespace = object["metadata"]["namespace"].as_str()?;
    let rollouts = store.collection(ROLLOUTS).within(Some(namespace));
    rollouts
        .filter(|(_, rollout)| !rollout.deleting())
        .filter(|(_, rollout)| rollout.spec_at("/disabled") != Some(&Value::Bool(true)))
        .find(|(_, rollout)| {
            let reference = rollout.spec_at("/workloadRef");
            reference.is_some_and(|r| {
                r["kind"] == kind.kind()
                    && r["apiVersion"]
                        .as_str()
                        .is_some_and(|v| kind.api_versions().contains(&v))
                    && r["name"] == object["metadata"]["name"]
            })
        })
        .map(|(name, _)| name.name.to_string())
}
