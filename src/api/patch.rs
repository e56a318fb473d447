//! Patches made from what changed, so that nobody else's field is touched.

use serde_json::{Map, Value};

/// The smallest RFC 7386 merge patch that turns `before` into `after`; nothing when they are equal.
///
/// Removed keys become `null`; arrays are replaced whole.
#[must_use]
pub fn merge_diff(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return Some(after.clone());
    };
    let mut patch = Map::new();
    for (key, value) in new {
        match old.get(key) {
            Some(was) => {
                if let Some(change) = merge_diff(was, value) {
                    patch.insert(key.clone(), change);
                }
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Some(Value::Object(patch))
}
