//! What the definitions of Gateway API say of routes: their defaults and their limits. Everything else passes.

use serde_json::{Value, json};

/// The schema of a kind of route; nothing of any other kind.
pub(super) fn schema(kind: &str) -> Option<Value> {
    let backend = json!({
        "group": { "type": "string", "default": "" },
        "kind": { "type": "string", "default": "Service" },
        "weight": { "type": "integer", "default": 1, "minimum": 0, "maximum": 1_000_000 },
    });
    let named =
        json!({ "type": { "type": "string", "default": "Exact", "enum": ["Exact", "RegularExpression"] } });
    let mut condition = json!({ "headers": list(&named, 16) });
    let mut rule = json!({ "backendRefs": list(&backend, 16) });
    match kind {
        "HTTPRoute" => {
            let root = json!({ "type": "PathPrefix", "value": "/" });
            condition["queryParams"] = list(&named, 16);
            condition["path"] = open(&json!({
                "type": { "type": "string", "default": "PathPrefix", "enum": ["Exact", "PathPrefix", "RegularExpression"] },
                "value": { "type": "string", "default": "/" },
            }));
            condition["path"]["default"] = root.clone();
            rule["matches"] = list(&condition, 64);
            rule["matches"]["default"] = json!([{ "path": root }]);
        }
        "GRPCRoute" => rule["matches"] = list(&condition, 64),
        "TCPRoute" | "TLSRoute" => {}
        _ => return None,
    }
    let parent = json!({
        "group": { "type": "string", "default": "gateway.networking.k8s.io" },
        "kind": { "type": "string", "default": "Gateway" },
    });
    let spec = open(&json!({ "parentRefs": list(&parent, 32), "rules": list(&rule, 16) }));
    Some(open(&json!({ "spec": spec })))
}

/// An object with these properties and any others.
fn open(properties: &Value) -> Value {
    json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": properties })
}

fn list(properties: &Value, most: usize) -> Value {
    json!({ "type": "array", "maxItems": most, "items": open(properties) })
}
