//! The hold policy, natively: what the MutatingAdmissionPolicy of a real cluster does to Deployments.

use serde_json::{Value, json};

use crate::api::keys;
use crate::workload::{Mark, hold};

use super::resource::ROLLOUTS;
use super::store::Store;

/// Holds a changed template back, or puts a hold back that a foreign write lifted. `manager` is the explicit field
/// manager of the request; the engine's own writes pass.
pub(super) fn admit(store: &Store, object: &mut Value, old: &Value, manager: Option<&str>) {
    if manager == Some(keys::FIELD_MANAGER) || !(labelled(object) || labelled(old)) {
        return;
    }
    let text = |v: &Value| {
        v["metadata"]["annotations"][keys::IN_PROGRESSING]
            .as_str()
            .map(str::to_owned)
    };
    let paused = |v: &Value| v["spec"]["paused"].as_bool().unwrap_or(false);
    let changed = object["spec"]["template"] != old["spec"]["template"];
    let (marked, was) = (text(object), text(old));
    let lifted = was.is_some() && (marked.is_none() || paused(object) != paused(old));
    if !(changed || lifted) || (paused(object) && marked.is_some()) {
        return;
    }
    let Some(rollout) = holder(store, object) else {
        return;
    };
    let held = changed || paused(old);
    let mark = marked.or(was).unwrap_or_else(|| {
        let mut mark = Mark::new(&rollout);
        mark.original.keep(hold::PAUSED, json!(paused(object)));
        mark.text()
    });
    if held {
        object["spec"]["paused"] = json!(true);
    } else if let Value::Object(spec) = &mut object["spec"] {
        spec.remove("paused");
    }
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    object["metadata"]["annotations"][keys::IN_PROGRESSING] = json!(mark);
}

fn labelled(object: &Value) -> bool {
    object["metadata"]["labels"].get(keys::WORKLOAD_TYPE).is_some()
}

/// The enabled, live Rollout of the namespace that references the Deployment.
fn holder(store: &Store, object: &Value) -> Option<String> {
    let namespace = object["metadata"]["namespace"].as_str()?;
    let rollouts = store.collection(ROLLOUTS).within(Some(namespace));
    rollouts
        .filter(|(_, rollout)| !rollout.deleting())
        .filter(|(_, rollout)| rollout.spec_at("/disabled") != Some(&Value::Bool(true)))
        .find(|(_, rollout)| {
            let reference = rollout.spec_at("/workloadRef");
            reference.is_some_and(|r| {
                r["kind"] == "Deployment"
                    && r["apiVersion"].as_str().is_some_and(|v| v.starts_with("apps/"))
                    && r["name"] == object["metadata"]["name"]
            })
        })
        .map(|(name, _)| name.name.to_string())
}
