//! Patches made from what changed, so that fields nobody touched stay as they are.

use serde_json::{Map, Value};

/// The smallest RFC 7386 merge patch that turns `before` into `after`; nothing when they are equal.
///
/// Removed keys become null; arrays are replaced whole. A merge patch cannot store a null, so a null in `after`
/// counts as an absent key.
#[must_use]
pub fn merge_diff(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| after.clone());
    };
    let mut patch = Map::new();
    for (key, value) in old {
        if !value.is_null() && new.get(key).is_none_or(Value::is_null) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in new.iter().filter(|(_, value)| !value.is_null()) {
        match old.get(key) {
            Some(previous) => patch.extend(merge_diff(previous, value).map(|change| (key.clone(), change))),
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::merge_diff;

    #[test]
    fn holds_only_what_changed() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1}), None),
            (json!({"a": 1}), json!({"a": 2}), Some(json!({"a": 2}))),
            (json!({"a": 1, "b": 1}), json!({"b": 1}), Some(json!({"a": null}))),
            (json!({}), json!({"a": {"b": {}}}), Some(json!({"a": {"b": {}}}))),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 1, "c": 3}}),
                Some(json!({"a": {"c": 3}})),
            ),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {}}),
                Some(json!({"a": {"b": null}})),
            ),
            (json!({"a": {"b": 1}}), json!({"a": 1}), Some(json!({"a": 1}))),
            (
                json!({"a": 1}),
                json!({"a": {"b": 1}}),
                Some(json!({"a": {"b": 1}})),
            ),
            (
                json!({"a": [1, 2]}),
                json!({"a": [1, 3]}),
                Some(json!({"a": [1, 3]})),
            ),
            (json!({"a": [1]}), json!({"a": [1]}), None),
            (json!({"a": 1}), json!({"a": null}), Some(json!({"a": null}))),
            (json!({"a": null}), json!({}), None),
            (json!({"a": "1"}), json!({"a": 1}), Some(json!({"a": 1}))),
        ];
        for (before, after, want) in cases {
            let patch = merge_diff(&before, &after);
            assert_eq!(patch, want, "{before} -> {after}");
            let mut patched = before.clone();
            json_patch::merge(&mut patched, &patch.unwrap_or_else(|| json!({})));
            assert_eq!(
                without_nulls(&patched),
                without_nulls(&after),
                "{before} -> {after}"
            );
        }
    }

    fn without_nulls(value: &Value) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
            other => other.clone(),
        }
    }
}
