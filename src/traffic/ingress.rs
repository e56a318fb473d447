//! The canary twin of an Ingress.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::Obstacle;
use crate::api::patch::merge_diff;

/// Name of the canary twin.
#[must_use]
pub fn canary_name(ingress: &str) -> String {
    format!("{ingress}-canary")
}

/// The canary twin of the user's Ingress: only the paths of `service`, sent to `canary` (engine-traffic 3.2).
///
/// `annotations` are those of the class for the split.
///
/// # Errors
/// The Ingress has no path for the Service; an API server would refuse a twin without rules.
pub fn canary(
    mut annotations: BTreeMap<String, String>,
    user: &DynamicObject,
    service: &str,
    canary: &str,
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
            kind: "Ingress",
            name,
            service: service.to_owned(),
        });
    }
    let mut spec = json!({ "rules": rules });
    for field in ["ingressClassName", "tls"] {
        if !user.data["spec"][field].is_null() {
            spec[field] = user.data["spec"][field].clone();
        }
    }
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

/// What must change in a canary twin that is there already; nothing when it is as wanted. Of the annotations only the
/// ingress controllers' own count: others write theirs on every Ingress, and would write them again.
#[must_use]
pub fn difference(present: &DynamicObject, wanted: &Value) -> Option<Value> {
    let present_annotations = present.metadata.annotations.as_ref().map(|all| json!(all));
    let was = json!({
        "metadata": { "annotations": controllers_own(present_annotations.as_ref()) },
        "spec": present.data["spec"],
    });
    let to = json!({
        "metadata": { "annotations": controllers_own(wanted.pointer("/metadata/annotations")) },
        "spec": wanted["spec"],
    });
    merge_diff(&was, &to)
}

/// Annotations that tell an ingress controller what to do, such as `nginx.ingress.kubernetes.io/canary-weight`.
fn controllers_own(annotations: Option<&Value>) -> Value {
    let all = annotations.and_then(Value::as_object).into_iter().flatten();
    all.filter(|(key, _)| key.contains("ingress.kubernetes.io/"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::difference;

    #[test]
    fn what_others_write_on_a_twin_is_no_difference() {
        let weight = |weight: &str| json!({ "nginx.ingress.kubernetes.io/canary-weight": weight });
        let wanted = json!({ "metadata": { "annotations": weight("20") }, "spec": { "rules": [] } });
        let change = |weight: &str| {
            Some(
                json!({ "metadata": { "annotations": { "nginx.ingress.kubernetes.io/canary-weight": weight } } }),
            )
        };
        let gone = json!({ "nginx.ingress.kubernetes.io/canary-by-header": null });
        let cases = [
            ("as wanted", weight("20"), None),
            ("another weight", weight("5"), change("20")),
            (
                "a note of somebody else",
                json!({ "nginx.ingress.kubernetes.io/canary-weight": "20", "field.cattle.io/publicEndpoints": "[]" }),
                None,
            ),
            (
                "a header from before",
                json!({ "nginx.ingress.kubernetes.io/canary-weight": "20", "nginx.ingress.kubernetes.io/canary-by-header": "x" }),
                Some(json!({ "metadata": { "annotations": gone } })),
            ),
        ];
        for (name, annotations, expected) in cases {
            let present = json!({ "metadata": { "annotations": annotations }, "spec": { "rules": [] } });
            let present = serde_json::from_value(present).unwrap();
            assert_eq!(difference(&present, &wanted), expected, "{name}");
        }
    }
}
