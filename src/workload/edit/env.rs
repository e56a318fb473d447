//! Other environment variables.

use serde_json::{Value, json};

use super::{UnknownContainer, change_containers};

/// A variable of a container's environment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvChange {
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub value: EnvValue,
}

/// What a variable becomes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EnvValue {
    /// This text.
    Text(String),
    /// A key of a ConfigMap.
    ConfigMap {
        /// The ConfigMap.
        name: String,
        /// The key.
        key: String,
    },
    /// A key of a Secret.
    Secret {
        /// The Secret.
        name: String,
        /// The key.
        key: String,
    },
    /// It is there no more.
    Removed,
}

impl EnvChange {
    fn entry(&self) -> Option<Value> {
        let name = &self.name;
        match &self.value {
            EnvValue::Text(text) => Some(json!({ "name": name, "value": text })),
            EnvValue::ConfigMap { name: of, key } => {
                Some(json!({ "name": name, "valueFrom": { "configMapKeyRef": { "name": of, "key": key } } }))
            }
            EnvValue::Secret { name: of, key } => {
                Some(json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": of, "key": key } } }))
            }
            EnvValue::Removed => None,
        }
    }
}

/// The workload with these variables in the containers that a pattern names. A variable keeps its place, because later
/// ones may use it; new ones come last.
///
/// # Errors
/// When no container has such a name.
pub fn with_env(
    workload: &Value,
    changes: &[EnvChange],
    containers: &str,
) -> Result<Value, UnknownContainer> {
    let mut after = workload.clone();
    change_containers(&mut after, containers, |container| {
        let mut env = container["env"].as_array().cloned().unwrap_or_default();
        for change in changes {
            let at = env.iter().position(|entry| entry["name"] == change.name);
            match (at, change.entry()) {
                (Some(at), Some(entry)) => env[at] = entry,
                (Some(at), None) => drop(env.remove(at)),
                (None, Some(entry)) => env.push(entry),
                (None, None) => {}
            }
        }
        if !env.is_empty() {
            container["env"] = Value::Array(env);
        } else if let Some(fields) = container.as_object_mut() {
            fields.remove("env");
        }
    })?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::tests::workload, EnvChange, EnvValue, with_env};
    use crate::workload::Kind;

    fn change(name: &str, value: EnvValue) -> EnvChange {
        EnvChange {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn sets_and_removes_in_place() {
        let a = json!({ "name": "A", "value": "1" });
        let b = json!({ "name": "B", "value": "2" });
        let text = |text: &str| EnvValue::Text(text.to_owned());
        let from = || EnvValue::Secret {
            name: "s".into(),
            key: "k".into(),
        };
        let cases = [
            (
                json!([a, b]),
                vec![change("A", text("3"))],
                json!([{ "name": "A", "value": "3" }, b]),
            ),
            (
                json!([a, b]),
                vec![change("A", EnvValue::Removed), change("C", text(""))],
                json!([b, { "name": "C", "value": "" }]),
            ),
            (
                json!([a]),
                vec![change("A", from())],
                json!([{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }]),
            ),
            (json!([a]), vec![change("A", EnvValue::Removed)], Value::Null),
            (Value::Null, vec![change("Z", EnvValue::Removed)], Value::Null),
        ];
        for (env, changes, expected) in cases {
            let mut before = workload(Kind::StatefulSet, &json!({}));
            before["spec"]["template"]["spec"]["containers"][0]["env"] = env;
            let after = with_env(&before, &changes, "web").unwrap();
            let containers = &after["spec"]["template"]["spec"]["containers"];
            assert_eq!(containers[0]["env"], expected);
            assert_eq!(containers[1], json!({ "name": "side", "image": "side:v1" }));
        }
        let everywhere = with_env(
            &workload(Kind::Deployment, &json!({})),
            &[change("A", text("1"))],
            "*",
        )
        .unwrap();
        assert_eq!(everywhere.to_string().matches(r#""env":"#).count(), 3);
        assert!(with_env(&everywhere, &[], "nobody").is_err());
    }
}
