//! What a plan rests on. Of an object that is what its user wants of it: what a release itself writes (a hold, a pinned selector,
//! the split of a route) is taken back first, and statuses do not count.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    api::{apply::LAST_APPLIED, keys, v1beta1::ObjectRef},
    workload::{Kind, edit},
};

/// An object that a plan rests on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for what lives in none.
    #[serde(default)]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Which object of this name.
    #[serde(default)]
    pub uid: String,
    /// As which it was read; it may be another one by now without anything that counts having moved.
    #[serde(default)]
    pub resource_version: String,
    /// Of the fields that count, in hexadecimal, after `sha256:`.
    pub digest: String,
    /// The fields that count.
    pub fields: Value,
}

impl Input {
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        let group = |input: &Self| {
            let version = input.api_version.clone();
            version
                .split_once('/')
                .map(|(group, _)| group.to_owned())
                .unwrap_or_default()
        };
        group(self) == group(other)
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

/// What a plan of this Rollout rests on, of everything that was read for it.
pub(super) fn inputs(objects: &[Value], namespace: &str, rollout: &str) -> Vec<Input> {
    let own = objects
        .iter()
        .find(|object| is_rollout(object) && is(object, namespace, rollout));
    let reference = own
        .map(|own| own["spec"]["workloadRef"].clone())
        .unwrap_or_default();
    let mut all: Vec<Input> = objects
        .iter()
        .filter_map(|object| input(object, (namespace, rollout), &reference))
        .collect();
    let key = |input: &Input| (input.kind.clone(), input.namespace.clone(), input.name.clone());
    all.sort_by_key(key);
    all.dedup_by_key(|input| key(input));
    all
}

fn is_rollout(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    object["kind"] == "Rollout" && version.starts_with(keys::GROUP)
}

fn is(object: &Value, namespace: &str, name: &str) -> bool {
    object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == name
}

fn input(object: &Value, (namespace, rollout): (&str, &str), reference: &Value) -> Option<Input> {
    let meta = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // What a release makes is no input of it.
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    if owners
        .into_iter()
        .any(|owner| owner["kind"] == "Rollout" || owner["kind"] == "TrafficRouting")
    {
        return None;
    }
    let fields = match object["kind"].as_str()? {
        "Pod"
        | "ReplicaSet"
        | "ControllerRevision"
        | "Node"
        | "Namespace"
        | "CustomResourceDefinition"
        | "Lease"
        | "Event"
        | "Endpoints"
        | "EndpointSlice" => return None,
        "Rollout" if is_rollout(object) => {
            let is_own = is(object, namespace, rollout);
            if !is_own && object["spec"]["workloadRef"] != *reference {
                return None;
            }
            of_rollout(object)
        }
        "Service" => {
            let mut selector = object["spec"]["selector"].clone();
            if let Some(labels) = selector.as_object_mut() {
                labels.remove(keys::POD_TEMPLATE_HASH);
                labels.remove(keys::CONTROLLER_REVISION_HASH);
            }
            json!({ "spec": { "selector": selector, "ports": object["spec"]["ports"] } })
        }
        "ConfigMap" => json!({ "data": object["data"] }),
        "HorizontalPodAutoscaler" => {
            let mut spec = object["spec"].clone();
            let name = text(&spec["scaleTargetRef"]["name"]);
            spec["scaleTargetRef"]["name"] = name.trim_end_matches(keys::DISABLED_AUTOSCALER).into();
            json!({ "spec": spec })
        }
        _ => match edit::kind_of(object) {
            Some(kind) => {
                let reference: ObjectRef = serde_json::from_value(reference.clone()).ok()?;
                if Kind::named(&reference) != Some(kind) || meta["name"] != *reference.name {
                    return None;
                }
                of_workload(kind, object)
            }
            None => of_route(object),
        },
    };
    let fields = pruned(fields);
    Some(Input {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        uid: text(&meta["uid"]),
        resource_version: text(&meta["resourceVersion"]),
        digest: digest(&fields),
        fields,
    })
}

fn of_rollout(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    // To pause and to resume is no other plan.
    if let Some(strategy) = spec["strategy"].as_object_mut() {
        strategy.remove("paused");
    }
    let annotations = object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten();
    let wanted = [
        keys::ANALYSIS,
        keys::TRAFFIC_ROUTING,
        keys::ROLLBACK_IN_BATCH,
        keys::ROLLING_STYLE,
    ];
    let annotations: Map<String, Value> = annotations
        .filter(|(key, _)| wanted.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    json!({ "metadata": { "annotations": annotations }, "spec": spec })
}

fn of_workload(kind: Kind, object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(back) = edit::mark_of(object).and_then(|mark| mark.handed_back(kind, &spec)) {
        json_patch::merge(&mut spec, &back);
    }
    json!({ "spec": spec })
}

/// A route, or whatever else there is: as its user wrote it, without the notes that its controller keeps beside it.
fn of_route(object: &Value) -> Value {
    let notes = notes_of_controllers(object);
    let annotations = object["metadata"]["annotations"].as_object();
    let kept = annotations
        .and_then(|all| all.get(keys::ORIGINAL_SPEC))
        .and_then(Value::as_str);
    let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(text).ok());
    let spec = kept.map_or_else(|| object["spec"].clone(), |kept| kept["spec"].clone());
    let own = annotations.into_iter().flatten().filter(|(key, _)| {
        let is_ours = matches!(
            key.as_str(),
            keys::ORIGINAL_SPEC | keys::SCRIPT_ANNOTATIONS | keys::TRAFFIC_ROUTING_OPENED | LAST_APPLIED
        );
        !is_ours && !notes.contains(key.as_str())
    });
    let own: Map<String, Value> = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    json!({ "metadata": { "annotations": own }, "spec": spec })
}

/// Annotations that nobody owns but who writes the object's status, too: an Ingress controller notes the health of its backends
/// like that.
fn notes_of_controllers(object: &Value) -> BTreeSet<&str> {
    let entries = || {
        object["metadata"]["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
    };
    let controllers: BTreeSet<&str> = entries()
        .filter(|entry| entry["subresource"] == "status")
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    let owned = |is_controllers: bool| -> BTreeSet<&str> {
        let by = entries().filter(|entry| {
            entry["manager"]
                .as_str()
                .is_some_and(|name| controllers.contains(name))
                == is_controllers
        });
        by.filter_map(|entry| entry["fieldsV1"]["f:metadata"]["f:annotations"].as_object())
            .flat_map(Map::keys)
            .filter_map(|key| key.strip_prefix("f:"))
            .collect()
    };
    &owned(true) - &owned(false)
}

/// Without what says nothing: null, empty objects, and a workload's `paused: false`.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, pruned(value)));
            let says = |(key, value): &(String, Value)| match value {
                Value::Null => false,
                Value::Object(fields) => !fields.is_empty() || key == "pause" || key == "emptyDir",
                Value::Bool(false) => key != "paused",
                _ => true,
            };
            Value::Object(fields.filter(says).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(pruned).collect()),
        other => other,
    }
}

/// Of a value's text, whose fields are sorted.
pub(super) fn digest(value: &Value) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(value.to_string().as_bytes()) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
