//! Constraints of the schemas that the derive cannot state: what must be present, what has no default, rules on paths.
//!
//! The facts are those of the CRDs of OpenKruise Rollouts and, for matches, of the Gateway API's HTTPRoute.

use schemars::Schema;
use serde_json::{Value, json};

/// Names of headers and query parameters: the token of RFC 9110, as the Gateway API writes it.
pub const HEADER_NAME: &str = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$";

/// Requires fields that the types read leniently, and drops the defaults that lenient reading puts into the schema.
pub fn required(names: &'static [&'static str]) -> impl FnMut(&mut Schema) {
    move |schema| {
        undefaulted(names)(schema);
        let object = schema.ensure_object();
        let list = object.entry("required").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.extend(names.iter().map(|name| json!(name)));
            list.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            list.dedup();
        }
    }
}

/// Drops the schema's default of fields that the types read as their default when they are absent: the server must
/// not write what the user left out.
pub fn undefaulted(names: &'static [&'static str]) -> impl FnMut(&mut Schema) {
    move |schema| {
        for name in names {
            let property = schema.pointer_mut(&format!("/properties/{name}"));
            if let Some(property) = property.and_then(Value::as_object_mut) {
                property.remove("default");
            }
        }
    }
}

/// The rules on the value of a path match, for types that compare text: absolute, normal, nothing escaped that
/// would hide a separator.
#[must_use]
pub fn path_rules() -> Value {
    let literal = |message: &str, condition: &str| {
        json!({
            "message": format!("{message} when type is Exact or PathPrefix"),
            "rule": format!("self.type in ['Exact', 'PathPrefix'] ? {condition} : true"),
        })
    };
    let mut rules = vec![literal("value must begin with '/'", "self.value.startsWith('/')")];
    for text in ["//", "/./", "/../", "%2f", "%2F", "#"] {
        rules.push(literal(
            &format!("value must not contain '{text}'"),
            &format!("!self.value.contains('{text}')"),
        ));
    }
    for text in ["/..", "/."] {
        rules.push(literal(
            &format!("value must not end with '{text}'"),
            &format!("!self.value.endsWith('{text}')"),
        ));
    }
    rules.push(literal(
        "value must hold only characters that RFC 3986 allows in a path",
        r#"self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""")"#,
    ));
    Value::Array(rules)
}
