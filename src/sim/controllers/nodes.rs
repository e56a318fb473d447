//! Which nodes the pods of a DaemonSet belong on: node name, selector, required affinity, taints.

use serde_json::Value;

use crate::sim::object::Object;
use crate::workload::toleration::daemon_tolerates;

/// Whether a pod belongs on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// One is made, and stays.
    Runs,
    /// One that is there stays, but none is made: a taint keeps new ones away.
    Stays,
    /// None is made, one that is there goes.
    Leaves,
}

/// Whether pods with this spec belong on a node. `spec` is that of the pod template.
pub(super) fn fit(spec: &Value, node: &Object) -> Fit {
    let named = spec["nodeName"].as_str();
    let labels = node.meta.get("labels");
    if named.is_some_and(|name| name != node.name()) || !selected(spec, labels) || !liked(spec, node, labels)
    {
        return Fit::Leaves;
    }
    let taints = node.spec_at("/taints").and_then(Value::as_array);
    let repelled = |effect: &str| {
        let mut all = taints.into_iter().flatten().filter(|t| t["effect"] == effect);
        all.any(|taint| !daemon_tolerates(spec, taint))
    };
    match (repelled("NoExecute"), repelled("NoSchedule")) {
        (true, _) => Fit::Leaves,
        (false, true) => Fit::Stays,
        (false, false) => Fit::Runs,
    }
}

fn selected(spec: &Value, labels: Option<&Value>) -> bool {
    let wanted = spec.get("nodeSelector").and_then(Value::as_object);
    wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.and_then(|l| l.get(key)) == Some(value))
}

fn liked(spec: &Value, node: &Object, labels: Option<&Value>) -> bool {
    let Some(terms) = spec
        .pointer("/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms")
        .and_then(Value::as_array)
    else {
        return true;
    };
    terms.iter().any(|term| {
        let rules = |field: &str| {
            term.get(field)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
        };
        let (by_label, by_field) = (rules("matchExpressions"), rules("matchFields"));
        let label = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
        let field = |key: &str| (key == "metadata.name").then(|| node.name());
        !(by_label.is_empty() && by_field.is_empty())
            && by_label
                .iter()
                .all(|rule| holds(rule, label(rule["key"].as_str().unwrap_or_default())))
            && by_field
                .iter()
                .all(|rule| holds(rule, field(rule["key"].as_str().unwrap_or_default())))
    })
}

fn holds(rule: &Value, value: Option<&str>) -> bool {
    let values = rule.get("values").and_then(Value::as_array);
    let listed = || {
        value.is_some_and(|value| {
            values
                .into_iter()
                .flatten()
                .any(|other| other.as_str() == Some(value))
        })
    };
    let numbers = || {
        let bound = values.and_then(|v| v.first()).and_then(Value::as_str)?;
        Some((value?.parse::<i64>().ok()?, bound.parse::<i64>().ok()?))
    };
    match rule["operator"].as_str().unwrap_or_default() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => numbers().is_some_and(|(value, bound)| value > bound),
        "Lt" => numbers().is_some_and(|(value, bound)| value < bound),
        _ => false,
    }
}
