//! Manifests as YAML for humans.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// Keys that stand first in a mapping, in this order; all others follow alphabetically.
const FIRST: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];

/// A value whose mappings are written in the order people expect of a manifest.
struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort_by_key(|key| (rank(key), key.as_str()));
                let mut ordered = serializer.serialize_map(Some(map.len()))?;
                for key in keys {
                    ordered.serialize_entry(key, &Ordered(&map[key]))?;
                }
                ordered.end()
            }
            other => other.serialize(serializer),
        }
    }
}

fn rank(key: &str) -> usize {
    FIRST
        .iter()
        .position(|first| *first == key)
        .unwrap_or(FIRST.len())
}

/// The objects as YAML documents separated by `---`. Same objects, same bytes.
#[must_use]
pub fn to_yaml(objects: &[Value]) -> String {
    let documents: Vec<String> = objects
        .iter()
        .map(|object| {
            // A JSON value always has a YAML form; JSON itself is one.
            let mut text = serde_saphyr::to_string(&Ordered(object)).unwrap_or_else(|_| object.to_string());
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text
        })
        .collect();
    documents.join("---\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::to_yaml;

    #[test]
    fn writes_documents_in_the_order_of_manifests() {
        let objects = [
            json!({"spec": {"b": "true", "a": [1, "x: y"]}, "metadata": {"namespace": "n", "name": "m", "labels": {}}, "kind": "K",
                   "apiVersion": "v1"}),
            json!({"kind": "L", "apiVersion": "v2"}),
        ];
        let text = to_yaml(&objects);
        insta::assert_snapshot!(text, @r#"
        apiVersion: v1
        kind: K
        metadata:
          name: m
          namespace: "n"
          labels: {}
        spec:
          a:
          - 1
          - "x: y"
          b: "true"
        ---
        apiVersion: v2
        kind: L
        "#);
    }

    #[test]
    fn survives_a_round_trip() {
        let awkward = json!({
            "kind": "K", "no": "no", "yes": true, "number": "12", "percent": "100%", "empty": "", "null": null, "text": "null",
            "lines": "a ||\n  b['c'] : \"d\" # e\n", "rule": "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", "slash": "/", "list": [], "map": {},
            "date": "2026-11-21", "colon": "a: b", "star": "*", "float": 1.5, "long": "x ".repeat(200),
        });
        let mut objects: Vec<Value> = vec![awkward];
        objects.extend(crate::manifests::policy());
        objects.extend(crate::manifests::rbac(None));
        objects.extend(crate::manifests::engine("n", "i"));
        objects.extend(crate::manifests::crds());
        for object in &objects {
            let text = to_yaml(std::slice::from_ref(object));
            let read: Value = serde_saphyr::from_str(&text).unwrap();
            assert_eq!(&read, object, "{text}");
        }
    }
}
