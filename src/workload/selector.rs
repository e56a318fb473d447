//! Label selectors in the form that a query of the API server takes.

use serde_json::Value;

/// A selector as it stands in a spec (`matchLabels`, `matchExpressions`) as the text of `labelSelector`. Nothing when it
/// selects nothing in particular, or asks for something that is not known: the reader must then go by ownership alone.
#[must_use]
pub fn query(selector: &Value) -> Option<String> {
    let labels = selector["matchLabels"].as_object();
    let mut parts = Vec::new();
    for (key, value) in labels.into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str()?));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        parts.push(requirement(expression)?);
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

fn requirement(expression: &Value) -> Option<String> {
    let key = expression["key"].as_str()?;
    let values = || {
        let values = expression["values"].as_array().into_iter().flatten();
        values.map(Value::as_str).collect::<Option<Vec<_>>>()
    };
    match expression["operator"].as_str()? {
        "In" => Some(format!("{key} in ({})", values()?.join(","))),
        "NotIn" => Some(format!("{key} notin ({})", values()?.join(","))),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::query;

    #[test]
    fn reads_every_form() {
        let rule = |key: &str, operator: &str, values: &[&str]| json!({ "key": key, "operator": operator, "values": values });
        let cases = [
            (
                json!({ "matchLabels": { "app": "web", "tier": "front" } }),
                Some("app=web,tier=front"),
            ),
            (
                json!({ "matchLabels": { "app": "web" }, "matchExpressions": [
                    rule("env", "In", &["a", "b"]), rule("old", "NotIn", &["yes"]), rule("x", "Exists", &[]), rule("y", "DoesNotExist", &[])] }),
                Some("app=web,env in (a,b),old notin (yes),x,!y"),
            ),
            (
                json!({ "matchExpressions": [rule("env", "In", &["a"])] }),
                Some("env in (a)"),
            ),
            (json!({ "matchExpressions": [rule("env", "Near", &["a"])] }), None),
            (json!({}), None),
            (json!(null), None),
        ];
        for (selector, expected) in cases {
            assert_eq!(query(&selector).as_deref(), expected, "{selector}");
        }
    }
}
