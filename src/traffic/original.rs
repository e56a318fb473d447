//! The user's original of a route that is edited in place: kept in an annotation of the route itself, where OpenKruise
//! Rollouts keeps it (engine-traffic 5.1).

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::Obstacle;
use crate::api::{keys, patch::merge_diff};

/// What the annotation says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Original {
    /// It is not there: nothing was changed yet, or somebody removed it.
    None,
    /// The spec before the release, or what of it the provider changes.
    Spec(Value),
    /// It is there and says nothing that can be used.
    Unreadable,
}

impl Original {
    /// Reads the annotation.
    #[must_use]
    pub(super) fn read(route: &DynamicObject) -> Self {
        let Some(text) = text(route) else {
            return Self::None;
        };
        match serde_json::from_str::<Value>(text) {
            Ok(kept) if kept["spec"].is_object() => Self::Spec(kept["spec"].clone()),
            _ => Self::Unreadable,
        }
    }

    /// The spec, when there is one.
    ///
    /// # Errors
    /// The annotation cannot be read: upstream takes that for an empty original and wipes the object with it (D16).
    pub(super) fn spec(&self, route: &DynamicObject) -> Result<Option<&Value>, Obstacle> {
        match self {
            Self::None => Ok(None),
            Self::Spec(spec) => Ok(Some(spec)),
            Self::Unreadable => Err(Obstacle::Original {
                kind: route
                    .types
                    .as_ref()
                    .map(|types| types.kind.clone())
                    .unwrap_or_default(),
                name: route.metadata.name.clone().unwrap_or_default(),
            }),
        }
    }
}

fn text(route: &DynamicObject) -> Option<&str> {
    let annotations = route.metadata.annotations.as_ref()?;
    annotations.get(keys::ORIGINAL_SPEC).map(String::as_str)
}

/// The annotation as upstream writes it: the spec, then labels and annotations where there are any. They are never
/// changed here; upstream's controller would lose them if it took the release over and did not find them.
fn written(route: &DynamicObject, spec: &Value) -> String {
    let mut text = format!("{{\"spec\":{spec}");
    if let Some(labels) = route.metadata.labels.as_ref().filter(|all| !all.is_empty()) {
        text.push_str(&format!(",\"labels\":{}", json!(labels)));
    }
    let mut annotations = route.metadata.annotations.clone().unwrap_or_default();
    annotations.remove(keys::ORIGINAL_SPEC);
    if !annotations.is_empty() {
        text.push_str(&format!(",\"annotations\":{}", json!(annotations)));
    }
    text.push('}');
    text
}

/// The patch that gives a route this spec and keeps the user's; nothing when all is so already. One write carries both,
/// so that no route is ever changed whose original is not kept.
#[must_use]
pub(super) fn change(route: &DynamicObject, user: &Value, wanted: &Value) -> Option<Value> {
    let mut body = merge_diff(&route.data["spec"], wanted).map(|spec| json!({ "spec": spec }));
    if Original::read(route) != Original::Spec(user.clone()) {
        let body = body.get_or_insert_with(|| json!({}));
        body["metadata"]["annotations"][keys::ORIGINAL_SPEC] = json!(written(route, user));
    }
    body
}

/// The patch that gives a route the user's spec again; nothing when it has it and keeps no other.
#[must_use]
pub(super) fn give_back(route: &DynamicObject, user: &Value) -> Option<Value> {
    let mut body = merge_diff(&route.data["spec"], user).map(|spec| json!({ "spec": spec }));
    if text(route).is_some() {
        let body = body.get_or_insert_with(|| json!({}));
        body["metadata"]["annotations"][keys::ORIGINAL_SPEC] = Value::Null;
    }
    body
}
