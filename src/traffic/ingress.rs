//! The canary twin of an Ingress.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Obstacle, Split, ingress_class::Class};
use crate::api::patch::merge_diff;

/// Name of the canary twin.
#[must_use]
pub fn canary_name(ingress: &str) -> String {
    format!("{ingress}-canary")
}

/// The canary twin of the user's Ingress: only the paths of `service`, sent to `canary` (engine-traffic 3.2).
///
/// # Errors
/// The Ingress has no path for the Service; an API server would refuse a twin without rules.
pub fn canary(
    class: Class,
    user: &DynamicObject,
    service: &str,
    canary: &str,
    split: &Split<'_>,
    owner: Value,
) -> Result<Value, Obstacle> {
    let rules: Vec<Value> = user.data["spec"]["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| rule_for(rule, service, canary))
        .collect();
    let name = user.metadata.name.clone().unwrap_or_default();
    if rules.is_empty() {
        return Err(Obstacle::NoRule {
            ingress: name,
            service: service.to_owned(),
        });
    }
    let mut spec = json!({ "rules": rules });
    for field in ["ingressClassName", "tls"] {
        if !user.data["spec"][field].is_null() {
            spec[field] = user.data["spec"][field].clone();
        }
    }
    let mut annotations = class.annotations(
        user.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new()),
        split,
    );
    if !spec["ingressClassName"].is_null() {
        // Both at once are refused on create, although an old Ingress may carry both.
        annotations.remove("kubernetes.io/ingress.class");
    }
    let mut metadata = json!({
        "name": canary_name(&name),
        "namespace": user.metadata.namespace,
        "annotations": annotations,
        "ownerReferences": [owner],
    });
    if let Some(labels) = &user.metadata.labels {
        metadata["labels"] = json!(labels);
    }
    Ok(json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec }))
}

/// What must change in a canary twin that is there already; nothing when it is as wanted.
#[must_use]
pub fn difference(present: &DynamicObject, wanted: &Value) -> Option<Value> {
    let empty = || json!({});
    let was = json!({
        "metadata": { "annotations": present.metadata.annotations.as_ref().map_or_else(empty, |a| json!(a)) },
        "spec": present.data["spec"],
    });
    let to =
        json!({ "metadata": { "annotations": wanted["metadata"]["annotations"] }, "spec": wanted["spec"] });
    merge_diff(&was, &to)
}

fn rule_for(rule: &Value, service: &str, canary: &str) -> Option<Value> {
    let paths: Vec<Value> = rule["http"]["paths"]
        .as_array()?
        .iter()
        .filter(|path| path["backend"]["service"]["name"] == service)
        .map(|path| {
            let mut path = path.clone();
            path["backend"]["service"]["name"] = json!(canary);
            path
        })
        .collect();
    if paths.is_empty() {
        return None;
    }
    let mut kept = json!({ "http": { "paths": paths } });
    if !rule["host"].is_null() {
        kept["host"] = rule["host"].clone();
    }
    Some(kept)
}
