//! The four ways to patch an object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The form of a patch, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own, which knows the keys of lists.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl Form {
    /// Reads a content type, parameters aside.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" => Some(Self::Strategic),
            "application/apply-patch+yaml" | "application/apply-patch+json" => Some(Self::Apply),
            _ => None,
        }
    }
}

/// The field by which the elements of a list are told apart; `None` for lists that are replaced whole.
fn merge_key(field: &str, elements: &[Value]) -> Option<&'static str> {
    Some(match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "resourceClaims" => "name",
        "ports" if elements.iter().any(|e| e.get("containerPort").is_some()) => "containerPort",
        "ports" => "port",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ownerReferences" => "uid",
        "conditions" => "type",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "taints" => "key",
        _ => return None,
    })
}

fn keyed(field: &str, elements: &[Value], typed: bool) -> Option<&'static str> {
    if !typed && field != "ownerReferences" {
        return None;
    }
    let key = merge_key(field, elements)?;
    elements
        .iter()
        .all(|e| e.get(key).is_some() || e.get("$patch").is_some())
        .then_some(key)
}

/// Applies a strategic merge patch. `typed` says whether the kind's lists have keys (custom resources' have none).
pub(super) fn strategic(target: &mut Value, patch: &Value, typed: bool) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
        let mut fresh = patch.clone();
        fresh.remove("$patch");
        *target = Value::Object(fresh);
        return;
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|key, _| retained.iter().any(|r| r == key));
    }
    for (key, value) in patch {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            let gone = value.as_array().map_or(&[][..], Vec::as_slice);
            if let Some(Value::Array(list)) = fields.get_mut(field) {
                list.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        match value {
            Value::Null => {
                fields.remove(key);
            }
            Value::Object(inner) if inner.get("$patch").and_then(Value::as_str) == Some("delete") => {
                fields.remove(key);
            }
            Value::Object(_) => strategic(fields.entry(key.clone()).or_insert(Value::Null), value, typed),
            Value::Array(elements) => {
                let list = fields
                    .entry(key.clone())
                    .or_insert_with(|| Value::Array(Vec::new()));
                strategic_list(key, list, elements, typed);
                let order = patch
                    .get(&format!("$setElementOrder/{key}"))
                    .and_then(Value::as_array);
                if let (Some(order), Value::Array(list)) = (order, list) {
                    reorder(key, list, order, typed);
                }
            }
            _ => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
}

fn strategic_list(field: &str, target: &mut Value, patch: &[Value], typed: bool) {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Value::Array(list) = target else { return };
    let directive = |e: &Value| e.get("$patch").and_then(Value::as_str).map(str::to_owned);
    if patch.iter().any(|e| directive(e).as_deref() == Some("replace")) {
        *list = patch.iter().filter(|e| directive(e).is_none()).cloned().collect();
        return;
    }
    if field == "finalizers" {
        for item in patch {
            if !list.contains(item) {
                list.push(item.clone());
            }
        }
        return;
    }
    let Some(key) = keyed(field, patch, typed) else {
        *list = patch.to_vec();
        return;
    };
    for element in patch {
        let at = list.iter().position(|e| e.get(key) == element.get(key));
        match (directive(element).as_deref(), at) {
            (Some("delete"), Some(at)) => {
                list.remove(at);
            }
            (Some("delete"), None) => {}
            (_, Some(at)) => strategic(&mut list[at], element, typed),
            (_, None) => {
                let mut fresh = Value::Object(Map::new());
                strategic(&mut fresh, element, typed);
                list.push(fresh);
            }
        }
    }
}

fn reorder(field: &str, list: &mut [Value], order: &[Value], typed: bool) {
    let Some(key) = keyed(field, order, typed) else {
        return;
    };
    let rank = |e: &Value| {
        order
            .iter()
            .position(|o| o.get(key) == e.get(key))
            .unwrap_or(order.len())
    };
    list.sort_by_key(rank);
}

/// A field that two managers want to be different.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Contest {
    /// The other manager.
    pub(super) manager: String,
    /// The field, such as `.spec.paused`.
    pub(super) field: String,
}

/// Applies a configuration server-side. `applied` holds what each manager applied before and is brought up to date.
///
/// Ownership is known only for fields that were applied: a field that another manager wrote by other means is taken
/// without a conflict.
pub(super) fn apply(
    live: &mut Value,
    config: &Value,
    manager: &str,
    applied: &mut BTreeMap<String, Value>,
    force: bool,
    typed: bool,
) -> Result<(), Vec<Contest>> {
    let mut contests = Vec::new();
    for (other, theirs) in applied.iter().filter(|(name, _)| *name != manager) {
        let mut fields = Vec::new();
        contested(config, theirs, "", typed, &mut fields);
        contests.extend(fields.into_iter().map(|field| Contest {
            manager: other.clone(),
            field,
        }));
    }
    if !contests.is_empty() && !force {
        return Err(contests);
    }
    let others: Vec<&Value> = applied
        .iter()
        .filter(|(name, _)| *name != manager)
        .map(|(_, v)| v)
        .collect();
    if let Some(before) = applied.get(manager) {
        drop_fields(live, before, config, &others, typed);
    }
    strategic(live, config, typed);
    for (name, theirs) in applied.iter_mut() {
        if name != manager {
            disown(theirs, config, typed);
        }
    }
    applied.insert(manager.to_owned(), config.clone());
    Ok(())
}

const IDENTITY: [&str; 4] = ["apiVersion", "kind", "name", "namespace"];

fn contested(ours: &Value, theirs: &Value, path: &str, typed: bool, out: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours {
                if let Some(other) = theirs.get(key) {
                    contested(value, other, &format!("{path}.{key}"), typed, out);
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let field = path.rsplit('.').next().unwrap_or_default();
            match keyed(field, ours, typed) {
                Some(key) => {
                    for element in ours {
                        if let Some(other) = theirs.iter().find(|t| t.get(key) == element.get(key)) {
                            let label = element.get(key).map(Value::to_string).unwrap_or_default();
                            contested(element, other, &format!("{path}[{key}={label}]"), typed, out);
                        }
                    }
                }
                None if ours != theirs && field != "finalizers" => out.push(path.to_owned()),
                None => {}
            }
        }
        _ if ours != theirs => out.push(path.to_owned()),
        _ => {}
    }
}

/// Removes from `live` what the manager applied before and applies no more, unless another manager applied it too.
fn drop_fields(live: &mut Value, before: &Value, now: &Value, others: &[&Value], typed: bool) {
    let (Value::Object(live), Value::Object(before)) = (live, before) else {
        return;
    };
    for (key, old) in before {
        if IDENTITY.contains(&key.as_str()) {
            continue;
        }
        let theirs: Vec<&Value> = others.iter().filter_map(|o| o.get(key)).collect();
        let wanted = now.get(key);
        let Some(current) = live.get_mut(key) else {
            continue;
        };
        match (old, wanted) {
            (Value::Object(_), _) => {
                let nothing = Value::Object(Map::new());
                drop_fields(current, old, wanted.unwrap_or(&nothing), &theirs, typed);
                if wanted.is_none() && theirs.is_empty() && current.as_object().is_some_and(Map::is_empty) {
                    live.remove(key);
                }
            }
            (Value::Array(old), wanted) => {
                let wanted = wanted.and_then(Value::as_array);
                if let (Some(name), Value::Array(list)) = (keyed(key, old, typed), current) {
                    let named = |list: &[Value], e: &Value| list.iter().any(|w| w.get(name) == e.get(name));
                    list.retain(|e| {
                        !named(old, e)
                            || wanted.is_some_and(|w| named(w, e))
                            || theirs.iter().any(|t| t.as_array().is_some_and(|t| named(t, e)))
                    });
                } else if wanted.is_none() && theirs.is_empty() {
                    live.remove(key);
                }
            }
            (_, None) if theirs.is_empty() => {
                live.remove(key);
            }
            _ => {}
        }
    }
}

/// Takes from a manager the fields that another one applied with other values.
fn disown(theirs: &mut Value, config: &Value, typed: bool) {
    let (Value::Object(theirs), Value::Object(config)) = (theirs, config) else {
        return;
    };
    for (key, value) in config {
        match (theirs.get_mut(key), value) {
            (Some(other @ Value::Object(_)), Value::Object(_)) => disown(other, value, typed),
            (Some(Value::Array(list)), Value::Array(ours)) if keyed(key, ours, typed).is_some() => {
                let name = keyed(key, ours, typed).unwrap_or_default();
                for element in ours {
                    if let Some(other) = list.iter_mut().find(|e| e.get(name) == element.get(name)) {
                        disown(other, element, typed);
                    }
                }
            }
            (Some(other), _) if other != value => {
                theirs.remove(key);
            }
            _ => {}
        }
    }
}
