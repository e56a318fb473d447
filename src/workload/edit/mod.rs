//! Changes a user makes to a workload of any kind: another template (held back in the same write), and an old one again.
//!
//! A change is first made on a copy; [`write`] then makes one JSON patch of it, hold included, which every kind accepts,
//! custom resources too.

pub mod apply;
pub mod env;
pub mod image;
pub mod resources;
pub mod restart;
pub mod revision;

use serde_json::{Value, json};

pub use apply::{Applied, TypeChange, applied};
pub use env::{EnvChange, EnvValue, with_env};
pub use image::{NewImage, set_images, with_images};
pub use resources::{Amounts, with_resources};
pub use restart::{InPlaceOnly, restarted};
pub use revision::{CHANGE_CAUSE, template_of, with_revision};

use super::{Kind, Mark, hold, same_template};
use crate::api::keys;

/// No container has this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no container {name:?}; there are {}", known.join(", "))]
pub struct UnknownContainer {
    /// The name that was given, or a pattern.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

/// Why a new template is not held, although a Rollout names the workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Free {
    /// It has no pods: there is nothing to bring out step by step.
    NoPods,
    /// Its pods change when somebody deletes them, and a partition is not allowed then (hold-policy, StatefulSet of type
    /// OnDelete).
    OnDelete,
}

impl std::fmt::Display for Free {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoPods => "it has 0 replicas, so the new version is not held and no release begins",
            Self::OnDelete => {
                "its update strategy is OnDelete, so pods change only when they are deleted: the new version is not \
                 held and no release begins"
            }
        })
    }
}

/// The kind of a workload as the API server answers it.
#[must_use]
pub fn kind_of(workload: &Value) -> Option<Kind> {
    let text = |field: &str| workload[field].as_str().unwrap_or_default();
    Kind::of(text("apiVersion"), text("kind"))
}

/// Whether a new template of this workload needs no hold; nothing when it does. A release that is under way is held
/// whatever the number of pods is.
#[must_use]
pub fn free(kind: Kind, workload: &Value) -> Option<Free> {
    let spec = at_rest(workload);
    let on_delete = !matches!(kind, Kind::Deployment | Kind::CloneSet)
        && hold::at(&spec, hold::UPDATE_TYPE).as_str() == Some("OnDelete");
    if on_delete {
        return Some(Free::OnDelete);
    }
    let empty = !kind.is_per_node() && spec["replicas"] == 0 && mark_of(workload).is_none();
    empty.then_some(Free::NoPods)
}

/// Makes the JSON patch that turns `before` into `after`; nothing when they are the same. The server refuses it when
/// `before` is no longer the newest. With `hold_for` (the name of a Rollout) a new template is held by the same patch, so
/// that no pod of the new version starts before an engine acts.
#[must_use]
pub fn write(before: &Value, after: &Value, hold_for: Option<&str>) -> Option<Value> {
    let mut after = after.clone();
    let new = !same_template(&before["spec"]["template"], &after["spec"]["template"]);
    // Callers look workloads up by their kind, so that it is known; Deployments are what is asked for without one.
    if let Some(rollout) = hold_for.filter(|_| new) {
        put_hold(kind_of(before).unwrap_or(Kind::Deployment), &mut after, rollout);
    }
    let changes = serde_json::to_value(json_patch::diff(before, &after)).ok()?;
    let changes = changes.as_array().filter(|changes| !changes.is_empty())?;
    let mut patch = vec![unchanged_since(before)];
    patch.extend(changes.iter().cloned());
    Some(Value::Array(patch))
}

/// Marks a workload and puts the first hold in place. A mark that is there keeps its originals: they are older, and right.
pub fn put_hold(kind: Kind, workload: &mut Value, rollout: &str) {
    let fields = hold::first(kind);
    let mark = match mark_of(workload) {
        Some(mut mark) => {
            for (path, wanted) in fields.iter() {
                let seen = hold::at(&workload["spec"], path);
                // What is held already says nothing about the user.
                if seen != wanted {
                    mark.original.keep(path, seen.clone());
                }
            }
            rollout.clone_into(&mut mark.rollout_name);
            mark
        }
        None => {
            let mut mark = Mark::new(rollout);
            if kind == Kind::Deployment {
                // As the hold policy writes it; the server does not tell false from absent.
                let paused = workload["spec"]["paused"] == true;
                mark.original.keep(hold::PAUSED, json!(paused));
            }
            mark.original.remember(&workload["spec"], &fields);
            mark
        }
    };
    put_mark(workload, &mark);
    for (path, wanted) in fields.iter() {
        hold::put(&mut workload["spec"], path, wanted.clone());
    }
}

/// The mark on a workload, if there is one.
#[must_use]
pub fn mark_of(workload: &Value) -> Option<Mark> {
    workload["metadata"]["annotations"][keys::IN_PROGRESSING]
        .as_str()
        .map(Mark::parse)
}

fn put_mark(workload: &mut Value, mark: &Mark) {
    let metadata = &mut workload["metadata"];
    if !metadata["annotations"].is_object() {
        metadata["annotations"] = json!({});
    }
    metadata["annotations"][keys::IN_PROGRESSING] = json!(mark.text());
}

/// The spec as the user wants it once no release is under way.
fn at_rest(workload: &Value) -> Value {
    let mut spec = workload["spec"].clone();
    if let Some(mark) = mark_of(workload) {
        mark.original.put_back(&mut spec);
    }
    spec
}

/// Replacing resourceVersion by the one that was read makes the API server answer 409 when it is another one by now.
fn unchanged_since(object: &Value) -> Value {
    json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": object["metadata"]["resourceVersion"] })
}

/// The lists of a pod template whose containers may be changed.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Changes the containers that a pattern names (`*` stands for any text).
fn change_containers(
    workload: &mut Value,
    pattern: &str,
    change: impl Fn(&mut Value),
) -> Result<(), UnknownContainer> {
    let (mut known, mut found) = (Vec::new(), false);
    for list in LISTS {
        let containers = workload.pointer_mut(&format!("/spec/template/spec/{list}"));
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            if matches(pattern, &name) {
                found = true;
                change(container);
            }
            known.push(name);
        }
    }
    if found {
        return Ok(());
    }
    Err(UnknownContainer {
        name: pattern.to_owned(),
        known,
    })
}

/// Whether a name is what a pattern says, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| matches(after, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Free, free, mark_of, matches, write};
    use crate::workload::{Kind, hold};

    pub(super) fn workload(kind: Kind, spec: &Value) -> Value {
        let mut object = json!({
            "apiVersion": kind.api_versions()[0], "kind": kind.kind(),
            "metadata": { "name": "web", "resourceVersion": "7" },
            "spec": { "replicas": 3, "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:v1" }, { "name": "side", "image": "side:v1" }],
                    "initContainers": [{ "name": "first", "image": "first:v1" }] } } } });
        json_patch::merge(&mut object["spec"], spec);
        object
    }

    pub(super) fn patched(before: &Value, patch: Value) -> Value {
        let mut after = before.clone();
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        json_patch::patch(&mut after, &patch).unwrap();
        after
    }

    fn with_image(before: &Value, image: &str) -> Value {
        let mut after = before.clone();
        after["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        after
    }

    #[test]
    fn every_kind_is_held_in_the_write_of_its_template() {
        let cases = [
            (Kind::Deployment, json!({}), r#"{"paused":false}"#),
            (Kind::Deployment, json!({ "paused": true }), r#"{"paused":true}"#),
            (
                Kind::StatefulSet,
                json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } } }),
                r#"{"updateStrategy.rollingUpdate.partition":0}"#,
            ),
            (
                Kind::DaemonSet,
                json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1 } } }),
                r#"{"updateStrategy.type":"RollingUpdate"}"#,
            ),
            (
                Kind::CloneSet,
                json!({ "updateStrategy": { "partition": "20%" } }),
                r#"{"updateStrategy.partition":"20%","updateStrategy.paused":null}"#,
            ),
            (
                Kind::AdvancedStatefulSet,
                json!({}),
                r#"{"updateStrategy.rollingUpdate.partition":null}"#,
            ),
            (
                Kind::AdvancedDaemonSet,
                json!({ "updateStrategy": { "rollingUpdate": { "partition": 1 } } }),
                r#"{"updateStrategy.rollingUpdate.partition":1}"#,
            ),
        ];
        for (kind, spec, original) in cases {
            let before = workload(kind, &spec);
            let patch = write(&before, &with_image(&before, "web:v2"), Some("demo")).unwrap();
            assert_eq!(
                patch[0],
                json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": "7" })
            );
            let held = patched(&before, patch);
            let mark = format!(r#"{{"rolloutName":"demo","original":{original}}}"#);
            assert_eq!(
                held["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"], mark,
                "{kind:?}"
            );
            assert!(hold::first(kind).in_place(&held["spec"]), "{kind:?} {held}");

            // The engine has moved the hold when a third version comes: it is moved back, and the originals stay.
            let mut moved = held.clone();
            let progress = match kind {
                Kind::Deployment => json!({ "paused": false }),
                Kind::CloneSet => json!({ "updateStrategy": { "partition": "40%" } }),
                Kind::DaemonSet => json!({}),
                _ => json!({ "updateStrategy": { "rollingUpdate": { "partition": 2 } } }),
            };
            json_patch::merge(&mut moved["spec"], &progress);
            let again = write(&moved, &with_image(&moved, "web:v3"), Some("demo")).unwrap();
            let mut expected = held.clone();
            expected["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
            assert_eq!(patched(&moved, again), expected, "{kind:?}");

            let mut rest = held["spec"].clone();
            mark_of(&held).unwrap().original.put_back(&mut rest);
            let mut user = before["spec"].clone();
            user["template"] = rest["template"].clone();
            if kind == Kind::Deployment {
                user["paused"] = json!(spec["paused"] == true);
            }
            if kind == Kind::AdvancedStatefulSet {
                // The way to the partition stays; it says nothing.
                user["updateStrategy"] = json!({ "rollingUpdate": {} });
            }
            assert_eq!(rest, user, "{kind:?}");
        }
    }

    #[test]
    fn what_is_no_new_template_is_not_held() {
        let before = workload(Kind::StatefulSet, &json!({}));
        assert_eq!(write(&before, &before, Some("demo")), None);
        let mut scaled = before.clone();
        scaled["spec"]["replicas"] = json!(5);
        assert_eq!(
            write(&before, &scaled, Some("demo")),
            Some(json!([
                { "op": "replace", "path": "/metadata/resourceVersion", "value": "7" },
                { "op": "replace", "path": "/spec/replicas", "value": 5 },
            ]))
        );
    }

    #[test]
    fn a_mark_of_upstream_learns_nothing_from_a_hold_that_is_in_place() {
        let mut before = workload(Kind::Deployment, &json!({ "paused": true }));
        before["metadata"]["annotations"] =
            json!({ "rollouts.kruise.io/in-progressing": r#"{"rolloutName":"demo"}"# });
        let after = patched(
            &before,
            write(&before, &with_image(&before, "web:v2"), Some("demo")).unwrap(),
        );
        assert_eq!(
            after["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"],
            r#"{"rolloutName":"demo","original":{}}"#
        );
    }

    #[test]
    fn some_need_no_hold() {
        let on_delete = json!({ "updateStrategy": { "type": "OnDelete" } });
        let held = r#"{"rolloutName":"demo","original":{"updateStrategy.type":"RollingUpdate"}}"#;
        let mut marked = workload(Kind::DaemonSet, &on_delete);
        marked["metadata"]["annotations"] = json!({ "rollouts.kruise.io/in-progressing": held });
        let mut marked_and_empty = workload(Kind::Deployment, &json!({ "replicas": 0 }));
        marked_and_empty["metadata"]["annotations"] = json!({ "rollouts.kruise.io/in-progressing": "{}" });
        let cases = [
            (workload(Kind::Deployment, &json!({})), None),
            (
                workload(Kind::Deployment, &json!({ "replicas": 0 })),
                Some(Free::NoPods),
            ),
            (marked_and_empty, None),
            (workload(Kind::DaemonSet, &json!({ "replicas": 0 })), None),
            (workload(Kind::StatefulSet, &on_delete), Some(Free::OnDelete)),
            (workload(Kind::DaemonSet, &on_delete), Some(Free::OnDelete)),
            (marked, None),
        ];
        for (object, expected) in cases {
            assert_eq!(
                free(super::kind_of(&object).unwrap(), &object),
                expected,
                "{object}"
            );
        }
    }

    #[test]
    fn patterns() {
        let cases = [
            ("*", "web", true),
            ("web", "web", true),
            ("w*", "web", true),
            ("*b", "web", true),
            ("w*x", "web", false),
            ("we", "web", false),
            ("*e*", "web", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
