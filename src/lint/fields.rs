//! Fields that an API server drops, because the definition of the kind does not have them, and values of a type that it refuses.

use std::sync::LazyLock;

use serde_json::Value;

use crate::manifests;

/// The fields of an object that its definition does not have, each with what may be meant. Nothing of kinds that are none of
/// ours, and of versions that our definitions do not have.
pub(super) fn dropped(object: &Value) -> Vec<(String, String)> {
    let Some(schema) = schema_of(object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // The API server knows these itself.
    for (name, value) in object.as_object().into_iter().flatten() {
        let known = &schema["properties"][name];
        match name.as_str() {
            "apiVersion" | "kind" | "metadata" | "status" => {}
            _ if known.is_null() => found.push((name.clone(), said(name, &schema["properties"]))),
            _ => walk(name, value, known, &mut found),
        }
    }
    found
}

/// The fields of an object whose values are of another type than its definition asks for, each with what is wrong.
pub(super) fn mistyped(object: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(schema) = schema_of(object) {
        typed("spec", &object["spec"], &schema["properties"]["spec"], &mut found);
    }
    found
}

fn typed(place: &str, value: &Value, schema: &Value, found: &mut Vec<(String, String)>) {
    let (fits, wanted) = if schema["x-kubernetes-int-or-string"] == true {
        (
            value.is_i64() || value.is_string(),
            "a whole number or a percentage",
        )
    } else {
        match schema["type"].as_str().unwrap_or_default() {
            "object" => (value.is_object(), "an object"),
            "array" => (value.is_array(), "a list"),
            "string" => (value.is_string(), "a text"),
            "integer" => (value.is_i64(), "a whole number"),
            "number" => (value.is_number(), "a number"),
            "boolean" => (value.is_boolean(), "true or false"),
            _ => (true, ""),
        }
    };
    // Nothing is as good as no field.
    if !fits && !value.is_null() {
        let is = match value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string(),
        };
        found.push((place.to_owned(), format!("must be {wanted}, and is {is}")));
        return;
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let known = &schema["properties"][name];
        let schema = if known.is_null() {
            &schema["additionalProperties"]
        } else {
            known
        };
        typed(&format!("{place}.{name}"), value, schema, found);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        typed(&format!("{place}[{index}]"), item, &schema["items"], found);
    }
}

/// Made once: they are long, and every object is looked up in them.
static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(manifests::crds);

fn schema_of(object: &Value) -> Option<&'static Value> {
    let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
    let definition = DEFINITIONS.iter().find(|definition| {
        definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == object["kind"]
    })?;
    let mut versions = definition["spec"]["versions"].as_array()?.iter();
    let version = versions.find(|known| known["name"] == version)?;
    Some(&version["schema"]["openAPIV3Schema"])
}

fn walk(place: &str, value: &Value, schema: &Value, found: &mut Vec<(String, String)>) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let (known, any) = (&schema["properties"][name], &schema["additionalProperties"]);
                let place = format!("{place}.{name}");
                if !known.is_null() {
                    walk(&place, value, known, found);
                } else if any.is_object() {
                    walk(&place, value, any, found);
                } else if schema["properties"].is_object() {
                    found.push((place, said(name, &schema["properties"])));
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(&format!("{place}[{index}]"), item, &schema["items"], found);
            }
        }
        _ => {}
    }
}

/// What is said of an unknown field: the known one that is written most like it.
fn said(name: &str, known: &Value) -> String {
    let lower = name.to_lowercase();
    let alike = |other: &&String| {
        let other = other.to_lowercase();
        other.starts_with(&lower) || lower.starts_with(&other) || distance(&lower, &other) <= 2
    };
    let mut names = known.as_object().into_iter().flat_map(|fields| fields.keys());
    match names.find(alike) {
        Some(other) => format!("there is no such field, an API server drops it; {other} may be meant"),
        None => "there is no such field, an API server drops it".to_owned(),
    }
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (above + 1).min(left + 1).min(corner + usize::from(x != *y));
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            (corner, left) = (above, here);
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn letters_that_differ_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("steps", "step", 1),
            ("paused", "pause", 1),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
