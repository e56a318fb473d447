//! What a structural schema does to a custom resource: unknown fields go, defaults come, the rest is checked.

use serde_json::{Map, Value};

use super::failure::Cause;

/// Removes what the schema does not name and fills in its defaults.
pub(super) fn shape(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let open = schema["x-kubernetes-preserve-unknown-fields"] == true
                || schema["x-kubernetes-embedded-resource"] == true
                || schema.get("properties").is_none() && schema.get("additionalProperties").is_none();
            let known = schema.get("properties").and_then(Value::as_object);
            let extra = schema.get("additionalProperties").filter(|s| s.is_object());
            if !open && extra.is_none() && schema["additionalProperties"] != true {
                fields.retain(|key, _| known.is_some_and(|k| k.contains_key(key)));
            }
            for (key, inner) in known.into_iter().flatten() {
                if let Some(default) = inner.get("default")
                    && !fields.contains_key(key)
                {
                    fields.insert(key.clone(), default.clone());
                }
            }
            for (key, field) in fields.iter_mut() {
                if let Some(inner) = known.and_then(|k| k.get(key)).or(extra) {
                    shape(field, inner);
                }
            }
        }
        Value::Array(elements) => {
            if let Some(inner) = schema.get("items") {
                for element in elements {
                    shape(element, inner);
                }
            }
        }
        _ => {}
    }
}

/// Lists what is wrong with a value.
pub(super) fn check(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    if schema["x-kubernetes-int-or-string"] == true {
        if !(value.is_i64() || value.is_u64() || value.is_string()) {
            causes.push(mistyped(path, value, "integer,string"));
        }
        return;
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        _ => true,
    };
    if !fits {
        causes.push(mistyped(path, value, schema["type"].as_str().unwrap_or_default()));
        return;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed
            .iter()
            .filter(|a| !a.is_null())
            .map(Value::to_string)
            .collect();
        causes.push(Cause {
            field: path.to_owned(),
            reason: "FieldValueNotSupported",
            message: format!(
                "Unsupported value: {value}: supported values: {}",
                list.join(", ")
            ),
        });
    }
    if let Some(number) = value.as_f64() {
        for (bound, broken, word) in [
            (
                "minimum",
                schema["minimum"].as_f64().is_some_and(|m| number < m),
                "greater than or equal to",
            ),
            (
                "maximum",
                schema["maximum"].as_f64().is_some_and(|m| number > m),
                "less than or equal to",
            ),
        ] {
            if broken {
                let limit = schema[bound].as_f64().unwrap_or_default();
                causes.push(Cause::invalid(
                    path,
                    value,
                    &format!("{path} in body should be {word} {limit}"),
                ));
            }
        }
    }
    match value {
        Value::Object(fields) => check_fields(fields, schema, path, causes),
        Value::Array(elements) => {
            if let Some(most) = schema["maxItems"].as_u64()
                && elements.len() as u64 > most
            {
                causes.push(Cause {
                    field: path.to_owned(),
                    reason: "FieldValueTooMany",
                    message: format!("Too many: {}: must have at most {most} items", elements.len()),
                });
            }
            for (at, element) in elements.iter().enumerate() {
                check(element, &schema["items"], &format!("{path}[{at}]"), causes);
            }
        }
        _ => {}
    }
}

fn check_fields(fields: &Map<String, Value>, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    for required in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !fields.contains_key(required) {
            causes.push(Cause::required(join(required), ""));
        }
    }
    for (key, value) in fields {
        let inner = schema.get("properties").and_then(|p| p.get(key));
        let inner = inner.or_else(|| schema.get("additionalProperties").filter(|s| s.is_object()));
        if let Some(inner) = inner {
            check(value, inner, &join(key), causes);
        }
    }
}

fn mistyped(path: &str, value: &Value, wanted: &str) -> Cause {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Cause {
        field: path.to_owned(),
        reason: "FieldValueTypeInvalid",
        message: format!("Invalid value: \"{found}\": {path} in body must be of type {wanted}: \"{found}\""),
    }
}
