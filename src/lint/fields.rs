//! Fields that an API server drops, because the definition of the kind does not have them.

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

fn schema_of(object: &Value) -> Option<Value> {
    let (group, version) = object["apiVersion"].as_str()?.split_once('/')?;
    let definitions = manifests::crds();
    let definition = definitions.into_iter().find(|definition| {
        definition["spec"]["group"] == group && definition["spec"]["names"]["kind"] == object["kind"]
    })?;
    let mut versions = definition["spec"]["versions"].as_array()?.iter();
    let version = versions.find(|known| known["name"] == version)?;
    Some(version["schema"]["openAPIV3Schema"].clone())
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
