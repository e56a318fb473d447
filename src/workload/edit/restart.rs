//! New pods of the same version.

use serde_json::{Value, json};

use super::change_containers;
use crate::workload::{Kind, hold};

/// Annotation of the pod template that kubectl writes; another value makes another version.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Variable of containers whose pods are updated in place: another annotation would restart none of them.
pub const RESTARTED_AT_VARIABLE: &str = "RESTARTED_AT";

/// How a workload's pods become others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Update {
    /// They are replaced.
    Replace,
    /// They are changed in place where that is possible, else replaced.
    InPlaceIfPossible,
    /// They are changed in place or not at all.
    InPlaceOnly,
}

/// Its pods are changed in place only, and no change of the template makes them start anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("its pods are updated in place only, so that no change of the template replaces them")]
pub struct InPlaceOnly;

/// The workload whose pods are to be replaced by new ones, at this time (RFC 3339).
///
/// # Errors
/// When nothing in the template would replace them.
pub fn restarted(workload: &Value, at: &str) -> Result<Value, InPlaceOnly> {
    let mut after = workload.clone();
    match update(workload) {
        Update::Replace => hold::put(
            &mut after["spec"]["template"]["metadata"],
            "annotations",
            with(&workload["spec"]["template"]["metadata"]["annotations"], at),
        ),
        Update::InPlaceIfPossible => {
            // A pod template without containers is none; nothing is left to restart then.
            let _ = change_containers(&mut after, "*", |container| {
                let mut env = container["env"].as_array().cloned().unwrap_or_default();
                env.retain(|entry| entry["name"] != RESTARTED_AT_VARIABLE);
                env.push(json!({ "name": RESTARTED_AT_VARIABLE, "value": at }));
                container["env"] = Value::Array(env);
            });
        }
        Update::InPlaceOnly => return Err(InPlaceOnly),
    }
    Ok(after)
}

fn with(annotations: &Value, at: &str) -> Value {
    let mut annotations = annotations.as_object().cloned().unwrap_or_default();
    annotations.insert(RESTARTED_AT.to_owned(), json!(at));
    Value::Object(annotations)
}

fn update(workload: &Value) -> Update {
    let text = |field: &str| workload[field].as_str().unwrap_or_default();
    let kind = Kind::like(text("apiVersion"), text("kind"));
    if kind.is_none_or(|kind| kind.group() != crate::workload::kind::KRUISE) {
        return Update::Replace;
    }
    // Versions of one kind do not all have it in the same place.
    let types = WAYS
        .iter()
        .filter_map(|path| hold::at(&workload["spec"], path).as_str());
    types
        .filter_map(|way| match way {
            "InPlaceIfPossible" => Some(Update::InPlaceIfPossible),
            "InPlaceOnly" => Some(Update::InPlaceOnly),
            _ => None,
        })
        .next()
        .unwrap_or(Update::Replace)
}

/// Where Kruise's workloads say how their pods are updated.
const WAYS: [&str; 3] = [
    hold::UPDATE_TYPE,
    "updateStrategy.rollingUpdate.podUpdatePolicy",
    "updateStrategy.rollingUpdate.rollingUpdateType",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::workload, InPlaceOnly, restarted};
    use crate::workload::Kind;

    const AT: &str = "2026-11-21T10:00:00Z";

    #[test]
    fn every_kind_gets_new_pods() {
        let rolling =
            |field: &str, value: &str| json!({ "updateStrategy": { "rollingUpdate": { field: value } } });
        let update = |value: &str| json!({ "updateStrategy": { "type": value } });
        let cases = [
            (Kind::Deployment, json!({}), Ok(false)),
            (Kind::StatefulSet, json!({}), Ok(false)),
            (Kind::DaemonSet, json!({}), Ok(false)),
            (Kind::CloneSet, json!({}), Ok(false)),
            (Kind::CloneSet, update("ReCreate"), Ok(false)),
            (Kind::CloneSet, update("InPlaceIfPossible"), Ok(true)),
            (Kind::CloneSet, update("InPlaceOnly"), Err(InPlaceOnly)),
            (
                Kind::AdvancedStatefulSet,
                rolling("podUpdatePolicy", "InPlaceIfPossible"),
                Ok(true),
            ),
            (
                Kind::AdvancedDaemonSet,
                rolling("rollingUpdateType", "InPlaceIfPossible"),
                Ok(true),
            ),
            (
                Kind::AdvancedDaemonSet,
                rolling("rollingUpdateType", "Surging"),
                Ok(false),
            ),
        ];
        for (kind, spec, in_place) in cases {
            let mut before = workload(kind, &spec);
            before["spec"]["template"]["metadata"]["annotations"] = json!({ "mine": "kept" });
            let expected = in_place.map(|in_place| {
                let mut expected = before.clone();
                let template = &mut expected["spec"]["template"];
                if in_place {
                    for (list, at) in [("containers", 0), ("containers", 1), ("initContainers", 0)] {
                        template["spec"][list][at]["env"] = json!([{ "name": "RESTARTED_AT", "value": AT }]);
                    }
                } else {
                    template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!(AT);
                }
                expected
            });
            assert_eq!(restarted(&before, AT), expected, "{kind:?} {spec}");
        }
    }
}
