//! Whether somebody has asked for another version since a release began, which no engine has taken up yet.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::Position;
use crate::{
    api::{keys, v1beta1::RollingStyle},
    workload::{Kind, Workload, same_template},
};

/// Whether the workload asks for another version than the one that is being brought out: a newer one, or the old one again.
/// Of a Deployment `members` are its ReplicaSets and those of its canary.
///
/// A newer version in the middle of a blue-green release does not count: that has to be rolled back first.
#[must_use]
pub fn is_overtaken(position: &Position, workload: &Value, members: &[Value]) -> bool {
    let object = serde_json::from_value::<DynamicObject>(workload.clone()).ok();
    let Some(known) = object.as_ref().and_then(Workload::new) else {
        return false;
    };
    if !position.under_way() || position.reason == "Cancelling" {
        return false;
    }
    let is_blue_green = position.style == Some(RollingStyle::BlueGreen);
    if known.kind != Kind::Deployment {
        let asked_for = known.update_revision(&[]);
        return asked_for.is_some_and(|asked_for| {
            let newer = !position.new_revision.is_empty() && asked_for != position.new_revision;
            newer && (!is_blue_green || asked_for == position.stable_revision)
        });
    }
    let set = |hash: &str| {
        let is_it = |set: &&Value| set["metadata"]["labels"][keys::POD_TEMPLATE_HASH] == hash;
        members.iter().find(is_it).filter(|_| !hash.is_empty())
    };
    let asks_for = |set: &Value| {
        let (wanted, has) = (&workload["spec"]["template"], &set["spec"]["template"]);
        if set["metadata"]["labels"][keys::CANARY_DEPLOYMENT].is_string() {
            // The metadata of a canary's pods may be patched by the Rollout.
            let spec = |template: &Value| json!({ "spec": template["spec"] });
            return same_template(&spec(wanted), &spec(has));
        }
        same_template(wanted, has)
    };
    let newer = set(&position.new_hash).is_some_and(|set| !asks_for(set));
    newer && (!is_blue_green || set(&position.stable_revision).is_some_and(asks_for))
}
