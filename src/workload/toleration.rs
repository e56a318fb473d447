//! Which taints of a node pods bear.

use serde_json::Value;

/// Taints that the controllers of daemons let their pods tolerate.
const OF_DAEMONS: [&str; 6] = [
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unschedulable",
];

/// Whether pods with this spec tolerate a taint.
#[must_use]
pub fn tolerates(spec: &Value, taint: &Value) -> bool {
    // What is not there is empty.
    fn text<'v>(value: &'v Value, field: &str) -> &'v str {
        value[field].as_str().unwrap_or_default()
    }
    let tolerations = spec["tolerations"].as_array().into_iter().flatten();
    tolerations.into_iter().any(|toleration| {
        let any = text(toleration, "operator") == "Exists";
        let (effect, key) = (text(toleration, "effect"), text(toleration, "key"));
        (effect.is_empty() || effect == text(taint, "effect"))
            && (key == text(taint, "key") || (key.is_empty() && any))
            && (any || text(toleration, "value") == text(taint, "value"))
    })
}

/// The same for the pods of a workload that has one on each node.
#[must_use]
pub fn daemon_tolerates(spec: &Value, taint: &Value) -> bool {
    let key = taint["key"].as_str().unwrap_or_default();
    let network = key == "node.kubernetes.io/network-unavailable" && spec["hostNetwork"] == true;
    network || OF_DAEMONS.contains(&key) || tolerates(spec, taint)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{daemon_tolerates, tolerates};

    #[test]
    fn taints_that_are_borne() {
        let taint = |key: &str| json!({ "key": key, "effect": "NoSchedule" });
        let spec = |toleration: Value| json!({ "tolerations": [toleration] });
        let cases = [
            (json!({}), taint("gpu"), false, false),
            (spec(json!({ "operator": "Exists" })), taint("gpu"), true, true),
            (
                spec(json!({ "key": "gpu", "operator": "Exists" })),
                taint("gpu"),
                true,
                true,
            ),
            (
                spec(json!({ "key": "gpu", "effect": "NoExecute", "operator": "Exists" })),
                taint("gpu"),
                false,
                false,
            ),
            // A value that is not there is an empty one.
            (
                spec(json!({ "key": "gpu", "value": "" })),
                taint("gpu"),
                true,
                true,
            ),
            (
                spec(json!({ "key": "gpu", "value": "a" })),
                taint("gpu"),
                false,
                false,
            ),
            (json!({}), taint("node.kubernetes.io/not-ready"), false, true),
            (
                json!({ "hostNetwork": true }),
                taint("node.kubernetes.io/network-unavailable"),
                false,
                true,
            ),
        ];
        for (spec, taint, pod, daemon) in cases {
            let seen = (tolerates(&spec, &taint), daemon_tolerates(&spec, &taint));
            assert_eq!(seen, (pod, daemon), "{spec} {taint}");
        }
    }
}
