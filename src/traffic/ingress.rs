//! The canary twin of an nginx Ingress.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Obstacle, Split};
use crate::api::patch::merge_diff;

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// Annotations that say which requests the canary gets; all are rebuilt with every split.
const OURS: [&str; 6] = [
    "canary",
    "canary-by-cookie",
    "canary-by-header",
    "canary-by-header-pattern",
    "canary-by-header-value",
    "canary-weight",
];

/// Name of the canary twin.
#[must_use]
pub fn canary_name(ingress: &str) -> String {
    format!("{ingress}-canary")
}

/// Whether ingress-nginx can express a split.
///
/// # Errors
/// What it cannot do (engine-traffic 3.5 and 8, D11 and D12: upstream ignores these silently).
pub fn check(split: &Split<'_>) -> Result<(), String> {
    if split.matches.len() > 1 {
        return Err(format!(
            "ingress-nginx takes one match, the step has {}",
            split.matches.len()
        ));
    }
    for one in split.matches {
        if one.path.is_some() {
            return Err("ingress-nginx cannot match a path".to_owned());
        }
        if !one.query_params.is_empty() {
            return Err("ingress-nginx cannot match query parameters".to_owned());
        }
        if one.headers.len() != 1 {
            return Err(format!(
                "ingress-nginx matches exactly one header, the step has {}",
                one.headers.len()
            ));
        }
    }
    Ok(())
}

/// The annotations of the canary twin: the user's own with nginx's canary annotations laid over.
#[must_use]
pub fn annotations(user: &BTreeMap<String, String>, split: &Split<'_>) -> BTreeMap<String, String> {
    let mut wanted = user.clone();
    wanted.remove("kubectl.kubernetes.io/last-applied-configuration");
    for key in OURS {
        wanted.remove(&format!("{PREFIX}{key}"));
    }
    let mut set = |key: &str, value: &str| wanted.insert(format!("{PREFIX}{key}"), value.to_owned());
    set("canary", "true");
    if let Some(weight) = split.weight {
        set("canary-weight", &weight.to_string());
    }
    if let Some(header) = split.matches.first().and_then(|one| one.headers.first()) {
        if header.name == "canary-by-cookie" {
            set("canary-by-cookie", &header.value);
        } else {
            set("canary-by-header", &header.name);
            let value = if header.kind.as_deref() == Some("RegularExpression") {
                "canary-by-header-pattern"
            } else {
                "canary-by-header-value"
            };
            set(value, &header.value);
        }
    }
    wanted
}

/// The canary twin of the user's Ingress: only the paths of `service`, sent to `canary` (engine-traffic 3.2).
///
/// # Errors
/// The Ingress has no path for the Service; an API server would refuse a twin without rules.
pub fn canary(
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
    let mut annotations = annotations(
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
