//! Other limits and requests.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{UnknownContainer, change_containers};
use crate::api::quantity;

/// Quantities by the name of the resource: `cpu`, `memory`.
pub type Amounts = BTreeMap<String, String>;

/// The workload with these limits and requests in the containers that a pattern names; others that they have stay.
///
/// # Errors
/// When no container has such a name.
pub fn with_resources(
    workload: &Value,
    limits: &Amounts,
    requests: &Amounts,
    containers: &str,
) -> Result<Value, UnknownContainer> {
    let mut after = workload.clone();
    change_containers(&mut after, containers, |container| {
        for (field, wanted) in [("limits", limits), ("requests", requests)] {
            for (name, amount) in wanted {
                let resources = &mut container["resources"];
                if !resources[field].is_object() {
                    resources[field] = Value::Object(Map::new());
                }
                let place = &mut resources[field][name];
                // The server writes quantities its own way: 1000m is 1.
                if !quantity::same(place, &json!(amount)) {
                    *place = json!(amount);
                }
            }
        }
    })?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::workload, Amounts, with_resources};
    use crate::workload::Kind;

    #[test]
    fn sets_what_is_named_and_leaves_the_rest() {
        let mut before = workload(Kind::DaemonSet, &json!({}));
        before["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({ "limits": { "cpu": "1", "memory": "64Mi" } });
        let amounts = |pairs: &[(&str, &str)]| -> Amounts {
            pairs
                .iter()
                .map(|(name, amount)| ((*name).to_owned(), (*amount).to_owned()))
                .collect()
        };
        let limits = amounts(&[("cpu", "1000m"), ("memory", "128Mi")]);
        let after = with_resources(&before, &limits, &amounts(&[("cpu", "100m")]), "web").unwrap();
        let mut expected = before.clone();
        expected["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({ "limits": { "cpu": "1", "memory": "128Mi" }, "requests": { "cpu": "100m" } });
        assert_eq!(after, expected);
    }
}
