//! What applying a manifest makes of an object that exists: three ways are merged, what was applied last, the manifest,
//! and the object as it is.
//!
//! What was applied last stands in kubectl's own annotation, so that objects that `kubectl apply` made are gone on with,
//! and `kubectl apply` can go on afterwards. Server-side apply would not do: fields of a client-side apply have another
//! manager there, so they would have to be forced, those that the manifest gives up would stay for ever, and what a hold
//! policy writes has no owner at all (kubectl's own step from one to the other lifts the hold that way).
//!
//! Fields that neither manifest names stay. Lists whose elements have names are merged by them, other lists are one value.

use serde_json::{Map, Value, json};

use super::{keys, quantity, rollout::convert};

/// Annotation with the manifest as it was applied last, as JSON; kubectl's name for it.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of `metadata` that a server fills, and that an exported manifest carries along.
const SERVERS: [&str; 7] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
];

/// Lists that are merged by a field of their elements (the keys that Kubernetes' types declare for them).
const KEYED: [(&str, &[&str]); 13] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("imagePullSecrets", &["name"]),
    ("secrets", &["name"]),
    ("resourceClaims", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("topologySpreadConstraints", &["topologyKey"]),
    ("ports", &["containerPort", "port"]),
];

/// The manifest without what a server fills, a status, and the mark of a release that it was exported from.
#[must_use]
pub fn wanted(manifest: &Value) -> Value {
    let mut wanted = manifest.clone();
    let Some(fields) = wanted.as_object_mut() else {
        return wanted;
    };
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVERS {
            metadata.remove(field);
        }
        metadata.remove("uid");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
            annotations.remove(keys::IN_PROGRESSING);
        }
    }
    wanted
}

/// The object to create, with the annotation from which the next apply tells what it gives up.
#[must_use]
pub fn first(manifest: &Value) -> Value {
    let mut object = wanted(manifest);
    let text = text(&object);
    annotate(&mut object, text);
    without_nulls(&object)
}

/// What applying the manifest makes of the object.
#[must_use]
pub fn merged(live: &Value, manifest: &Value) -> Value {
    let wanted = wanted(manifest);
    let note = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    let noted: Value = note
        .and_then(|note| serde_json::from_str(note).ok())
        .unwrap_or_default();
    // What was applied as another version is compared as what it means in this one.
    let last = if noted["apiVersion"] == wanted["apiVersion"] {
        noted.clone()
    } else {
        convert::to_v1beta1(&noted).object
    };
    let mut object = three_ways("", &last, &wanted, live);
    let text = text(&wanted);
    if serde_json::from_str(&text).ok() != Some(noted) {
        annotate(&mut object, text);
    }
    object
}

/// The annotation's text, byte for byte as kubectl writes it.
fn text(manifest: &Value) -> String {
    let mut noted = manifest.clone();
    if !noted["metadata"]["annotations"].is_object() {
        noted["metadata"]["annotations"] = json!({});
    }
    // Go's encoder writes these so; they stand in strings alone.
    let mut text = noted.to_string();
    for (plain, escaped) in [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ] {
        text = text.replace(plain, escaped);
    }
    text.push('\n');
    text
}

fn annotate(object: &mut Value, text: String) {
    let metadata = &mut object["metadata"];
    if !metadata["annotations"].is_object() {
        metadata["annotations"] = json!({});
    }
    metadata["annotations"][LAST_APPLIED] = Value::String(text);
}

fn three_ways(field: &str, last: &Value, new: &Value, live: &Value) -> Value {
    match (new, live) {
        (Value::Object(new), Value::Object(live)) => objects(field, last, new, live),
        (Value::Array(new), Value::Array(live)) => lists(field, last, new, live),
        _ if covers(field, live, new) => live.clone(),
        _ => without_nulls(new),
    }
}

fn objects(field: &str, last: &Value, new: &Map<String, Value>, live: &Map<String, Value>) -> Value {
    let nothing = Map::new();
    let last = last.as_object().unwrap_or(&nothing);
    let mut merged = live.clone();
    for (key, given_up) in last {
        if new.contains_key(key) {
            continue;
        }
        // Labels and annotations have many authors, also when a manifest has none any more.
        match (key.as_str(), live.get(key)) {
            ("labels" | "annotations", Some(live @ Value::Object(_))) => {
                merged.insert(
                    key.clone(),
                    three_ways(key, given_up, &Value::Object(Map::new()), live),
                );
            }
            _ => drop(merged.remove(key)),
        }
    }
    for (key, wanted) in new {
        let before = last.get(key).unwrap_or(&Value::Null);
        match (wanted, live.get(key)) {
            (Value::Null, _) => drop(merged.remove(key)),
            (wanted, Some(live)) if !live.is_null() => {
                merged.insert(key.clone(), three_ways(key, before, wanted, live));
            }
            // The server drops what is empty.
            (Value::Array(list), _) if list.is_empty() => {}
            (Value::Object(fields), _) if fields.is_empty() && before == wanted => {}
            (wanted, _) => {
                merged.insert(key.clone(), without_nulls(wanted));
            }
        }
    }
    // Another type of a strategy has other fields, and the server refuses those of the type before.
    let retyped = matches!(field, "strategy" | "updateStrategy")
        && new
            .get("type")
            .is_some_and(|kind| live.get("type").is_some_and(|live| live != kind));
    if retyped {
        merged.retain(|key, _| new.contains_key(key));
    }
    Value::Object(merged)
}

fn lists(field: &str, last: &Value, new: &[Value], live: &[Value]) -> Value {
    let nothing = Vec::new();
    let last_list = last.as_array().unwrap_or(&nothing);
    if field == "finalizers" {
        let given_up = |entry: &&Value| last_list.contains(entry) && !new.contains(entry);
        let mut kept: Vec<Value> = live.iter().filter(|entry| !given_up(entry)).cloned().collect();
        kept.extend(new.iter().filter(|entry| !live.contains(entry)).cloned());
        return Value::Array(kept);
    }
    match key_of(field, [new, live, last_list]) {
        Some(key) => Value::Array(by_key(field, key, last_list, new, live)),
        // The user has not changed it, and the server has added to it at most.
        None if (last.is_null() || last_list == new) && all_cover(field, live, new) => {
            Value::Array(live.to_vec())
        }
        None => Value::Array(new.iter().map(without_nulls).collect()),
    }
}

/// The field that tells the elements of a list apart, when it has one and it does.
fn key_of(field: &str, lists: [&[Value]; 3]) -> Option<&'static str> {
    let (_, keys) = KEYED.iter().find(|(known, _)| *known == field)?;
    let tells = |key: &str, list: &[Value]| {
        let mut seen: Vec<&Value> = Vec::new();
        list.iter().all(|element| {
            let value = &element[key];
            let new = !value.is_null() && !seen.contains(&value);
            seen.push(value);
            new
        })
    };
    keys.iter()
        .copied()
        .find(|key| lists.iter().all(|list| tells(key, list)))
}

fn by_key(field: &str, key: &str, last: &[Value], new: &[Value], live: &[Value]) -> Vec<Value> {
    let find = |list: &'_ [Value], element: &Value| -> Option<usize> {
        list.iter().position(|other| other[key] == element[key])
    };
    let merge = |wanted: &Value| -> Value {
        let Some(at) = find(live, wanted) else {
            return without_nulls(wanted);
        };
        let before = find(last, wanted).map_or(&Value::Null, |at| &last[at]);
        let mut merged = three_ways("", before, wanted, &live[at]);
        // Elements of these have one source out of many, and two are refused.
        if matches!(field, "volumes" | "env")
            && let (Some(fields), Some(named)) = (merged.as_object_mut(), wanted.as_object())
        {
            fields.retain(|key, _| named.contains_key(key));
        }
        merged
    };
    // Somebody else's: in the object, in neither manifest.
    let foreign = |element: &Value| find(new, element).is_none() && find(last, element).is_none();
    let common: Vec<usize> = new.iter().filter_map(|wanted| find(live, wanted)).collect();
    let mut merged = Vec::new();
    if common.is_sorted() {
        // Somebody else's elements stay between the same neighbours.
        let mut next = 0;
        for wanted in new {
            if let Some(at) = find(live, wanted) {
                merged.extend(live[next..at].iter().filter(|element| foreign(element)).cloned());
                next = at + 1;
            }
            merged.push(merge(wanted));
        }
        merged.extend(live[next..].iter().filter(|element| foreign(element)).cloned());
    } else {
        merged.extend(new.iter().map(merge));
        merged.extend(live.iter().filter(|element| foreign(element)).cloned());
    }
    merged
}

fn all_cover(field: &str, live: &[Value], new: &[Value]) -> bool {
    live.len() == new.len() && live.iter().zip(new).all(|(live, new)| covers(field, live, new))
}

/// Whether the object says all that the manifest says, defaults and the server's way of writing apart.
fn covers(field: &str, live: &Value, new: &Value) -> bool {
    match (live, new) {
        (Value::Object(live), Value::Object(new)) => new.iter().all(|(key, wanted)| match live.get(key) {
            Some(live) => covers(
                if matches!(field, "limits" | "requests") {
                    field
                } else {
                    key
                },
                live,
                wanted,
            ),
            None => wanted.is_null() || *wanted == json!([]),
        }),
        (Value::Array(live), Value::Array(new)) => all_cover(field, live, new),
        _ => live == new || is_amount(field) && quantity::same(live, new),
    }
}

/// Whether a field is a quantity, which the server writes in its own way.
fn is_amount(field: &str) -> bool {
    matches!(
        field,
        "limits" | "requests" | "cpu" | "memory" | "storage" | "ephemeral-storage" | "sizeLimit"
    )
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LAST_APPLIED, first, merged, three_ways};

    #[test]
    fn merges_three_ways() {
        let c = |name: &str, image: &str| json!({ "name": name, "image": image });
        let full =
            |name: &str, image: &str| json!({ "name": name, "image": image, "imagePullPolicy": "Always" });
        let cases: Vec<(&str, Value, Value, Value, Value)> = vec![
            (
                "others' fields stay",
                json!({"a": 1}),
                json!({"a": 2}),
                json!({"a": 1, "b": 1}),
                json!({"a": 2, "b": 1}),
            ),
            (
                "given up",
                json!({"a": 1, "c": {"d": 1}}),
                json!({"a": 1}),
                json!({"a": 1, "c": {"d": 1, "e": 1}}),
                json!({"a": 1}),
            ),
            (
                "given up but not there",
                json!({"b": 1}),
                json!({}),
                json!({"a": 1}),
                json!({"a": 1}),
            ),
            (
                "others' labels stay when ours go",
                json!({"labels": {"a": "1"}}),
                json!({}),
                json!({"labels": {"a": "1", "b": "1"}}),
                json!({"labels": {"b": "1"}}),
            ),
            (
                "null takes away",
                json!({}),
                json!({"a": null}),
                json!({"a": 1}),
                json!({}),
            ),
            (
                "drift is put right",
                json!({"a": 1}),
                json!({"a": 1}),
                json!({"a": 5}),
                json!({"a": 1}),
            ),
            (
                "containers by name",
                json!({"containers": [c("a", "1")]}),
                json!({"containers": [c("a", "2")]}),
                json!({"containers": [full("mesh", "1"), full("a", "1")]}),
                json!({"containers": [full("mesh", "1"), full("a", "2")]}),
            ),
            (
                "a container given up, one new",
                json!({"containers": [c("a", "1"), c("b", "1")]}),
                json!({"containers": [c("n", "1"), c("a", "1")]}),
                json!({"containers": [full("a", "1"), full("b", "1"), full("mesh", "1")]}),
                json!({"containers": [c("n", "1"), full("a", "1"), full("mesh", "1")]}),
            ),
            (
                "another order",
                json!({"containers": [c("a", "1"), c("b", "1")]}),
                json!({"containers": [c("b", "1"), c("a", "1")]}),
                json!({"containers": [full("a", "1"), full("x", "1"), full("b", "1")]}),
                json!({"containers": [full("b", "1"), full("a", "1"), full("x", "1")]}),
            ),
            (
                "a variable's source is replaced",
                Value::Null,
                json!({"env": [{"name": "A", "valueFrom": {}}]}),
                json!({"env": [{"name": "A", "value": "1"}]}),
                json!({"env": [{"name": "A", "valueFrom": {}}]}),
            ),
            (
                "amounts",
                Value::Null,
                json!({"limits": {"cpu": "1000m", "memory": "1Gi"}}),
                json!({"limits": {"cpu": "1", "memory": "1024Mi"}}),
                json!({"limits": {"cpu": "1", "memory": "1024Mi"}}),
            ),
            (
                "another type of strategy",
                json!({"strategy": {}}),
                json!({"strategy": {"type": "Recreate"}}),
                json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}),
                json!({"strategy": {"type": "Recreate"}}),
            ),
            (
                "lists without keys keep what the server adds",
                json!({"rules": [{"host": "a"}]}),
                json!({"rules": [{"host": "a"}]}),
                json!({"rules": [{"host": "a", "default": 1}]}),
                json!({"rules": [{"host": "a", "default": 1}]}),
            ),
            (
                "and are one value when changed",
                json!({"rules": [{"host": "a", "x": 1}]}),
                json!({"rules": [{"host": "a"}]}),
                json!({"rules": [{"host": "a", "x": 1, "default": 1}]}),
                json!({"rules": [{"host": "a"}]}),
            ),
            (
                "two ports of one number",
                Value::Null,
                json!({"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}),
                json!({"ports": [{"port": 53, "protocol": "UDP", "nodePort": 1}, {"port": 53, "protocol": "TCP"}]}),
                json!({"ports": [{"port": 53, "protocol": "UDP", "nodePort": 1}, {"port": 53, "protocol": "TCP"}]}),
            ),
            (
                "finalizers have many authors",
                json!({"finalizers": ["a"]}),
                json!({"finalizers": ["b"]}),
                json!({"finalizers": ["engine", "a"]}),
                json!({"finalizers": ["engine", "b"]}),
            ),
            (
                "nothing is nothing",
                json!({"labels": {}}),
                json!({"labels": {}, "args": []}),
                json!({"a": 1}),
                json!({"a": 1}),
            ),
            (
                "an empty object is a choice",
                Value::Null,
                json!({"emptyDir": {}}),
                json!({}),
                json!({"emptyDir": {}}),
            ),
        ];
        for (name, last, new, live, expected) in cases {
            assert_eq!(three_ways("", &last, &new, &live), expected, "{name}");
        }
    }

    #[test]
    fn notes_what_was_applied_as_kubectl_does() {
        let manifest = json!({ "kind": "ConfigMap", "apiVersion": "v1", "metadata": { "name": "a", "namespace": "n",
            "creationTimestamp": null }, "data": { "k": "a<b>&c" }, "status": {} });
        let made = first(&manifest);
        let noted = "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"a\\u003cb\\u003e\\u0026c\"},\"kind\":\"ConfigMap\",\
                     \"metadata\":{\"annotations\":{},\"name\":\"a\",\"namespace\":\"n\"}}\n";
        assert_eq!(
            made,
            json!({ "kind": "ConfigMap", "apiVersion": "v1", "data": { "k": "a<b>&c" },
                "metadata": { "name": "a", "namespace": "n", "annotations": { LAST_APPLIED: noted } } })
        );
        assert_eq!(merged(&made, &manifest), made);
        let mut other = manifest;
        other["data"] = json!({ "l": "1" });
        let after = merged(&made, &other);
        assert_eq!(after["data"], json!({ "l": "1" }));
        assert_ne!(after["metadata"]["annotations"], made["metadata"]["annotations"]);
    }

    #[test]
    fn an_exported_manifest_brings_no_release_along() {
        let mark = "rollouts.kruise.io/in-progressing";
        let live =
            json!({ "metadata": { "name": "a", "resourceVersion": "9", "annotations": { mark: "now" } } });
        let exported = json!({ "metadata": { "name": "a", "resourceVersion": "3", "uid": "u", "annotations": { mark: "then" } } });
        let after = merged(&live, &exported);
        assert_eq!(
            (
                &after["metadata"]["resourceVersion"],
                &after["metadata"]["annotations"][mark]
            ),
            (&json!("9"), &json!("now"))
        );
    }
}
