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
    let value = |object: &Value, path: &str| as_absent_means(path, hold::at(&object["spec"], path));
    let moved = fields
        .iter()
        .any(|(path, _)| value(object, path) != value(old, path));
    let changed = object["spec"]["template"] != old["spec"]["template"];
    let lifted = was.is_some() && (marked.is_none() || moved);
    let held = marked.is_some() && fields.iter().all(|(path, wanted)| value(object, path) == *wanted);
    if !(changed || lifted) || held || still(kind, object, marked.is_some() || was.is_some()) {
        return;
    }
    let Some(rollout) = holder(store, kind, object) else {
        return;
    };
    let mark = marked.or(was).unwrap_or_else(|| {
        let mut mark = Mark::new(&rollout);
        for (path, _) in fields.iter() {
            let known = hold::at(&object["spec"], path);
            // Servers do not keep a false `paused` of a Deployment; elsewhere absence is kept apart.
            let known = if path == hold::PAUSED {
                as_absent_means(path, known)
            } else {
                known.clone()
            };
            mark.original.keep(path, known);
        }
        mark.text()
    });
    for (path, wanted) in fields.iter() {
        let wanted = if changed { wanted.clone() } else { value(old, path) };
        hold::put(&mut object["spec"], path, wanted);
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

/// The value of a hold field, with what its absence means in place of null.
fn as_absent_means(path: &str, value: &Value) -> Value {
    match path {
        _ if !value.is_null() => value.clone(),
        hold::PAUSED | hold::UPDATE_PAUSED | hold::ROLLING_PAUSED => json!(false),
        hold::UPDATE_TYPE => json!("RollingUpdate"),
        _ => json!(0),
    }
}

/// Whether the workload rolls nothing by itself. A DaemonSet's OnDelete may be the hold itself.
fn still(kind: Kind, object: &Value, marked: bool) -> bool {
    let on_delete = hold::at(&object["spec"], hold::UPDATE_TYPE) == "OnDelete";
    match kind {
        Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => on_delete,
        Kind::DaemonSet => on_delete && !marked,
        Kind::Deployment | Kind::CloneSet => false,
    }
}

/// The enabled, live Rollout of the namespace that references the workload.
fn holder(store: &Store, kind: Kind, object: &Value) -> Option<String> {
    let namespace = object["metadata"]["namespace"].as_str()?;
    let rollouts = store.collection(ROLLOUTS).within(Some(namespace));
    let group = format!("{}/", kind.group());
    rollouts
        .filter(|(_, rollout)| !rollout.deleting())
        .filter(|(_, rollout)| rollout.spec_at("/disabled") != Some(&Value::Bool(true)))
        .find(|(_, rollout)| {
            let reference = rollout.spec_at("/workloadRef");
            reference.is_some_and(|r| {
                r["kind"] == kind.kind()
                    && r["apiVersion"].as_str().is_some_and(|v| v.starts_with(&group))
                    && r["name"] == object["metadata"]["name"]
            })
        })
        .map(|(name, _)| name.name.to_string())
}
