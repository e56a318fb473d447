//! The mark "a release is under way" on a workload, with the originals that the hold replaced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Kind,
    hold::{self, Fields},
};
use crate::api::{keys, patch::merge_diff, v1beta1::RollingStyle};

/// Value of the annotation [`keys::IN_PROGRESSING`]; in the first write of a release, gone in the last.
///
/// The hold policies write the same JSON from CEL, so field names and their order are fixed:
/// `{"rolloutName":"demo","original":{"paused":false}}`. Upstream's webhook writes only `rolloutName`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// The Rollout whose release this is.
    pub rollout_name: String,
    /// What the hold replaced.
    #[serde(default)]
    pub original: Original,
}

/// The user's values that a release replaced, by their dotted paths under `spec`; null where the user had none. A value
/// once written is replaced by none but the user's own, later one: it is older, and right.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Original(BTreeMap<String, Value>);

impl Original {
    /// Keeps what `spec` has where `fields` will be written, unless it is kept already.
    pub fn remember(&mut self, spec: &Value, fields: &Fields) {
        for (path, _) in fields.iter() {
            self.keep(path, hold::at(spec, path).clone());
        }
    }

    /// Keeps the value of one field, unless one is kept already.
    pub fn keep(&mut self, path: &str, value: Value) {
        self.0.entry(path.to_owned()).or_insert(value);
    }

    /// Replaces the value of a field by another one that the user wants once the release has ended.
    pub fn replace(&mut self, path: &str, value: Value) {
        self.0.insert(path.to_owned(), value);
    }

    /// Takes over what a user wrote over a hold in the middle of a release: what `spec` has in a field that is neither the
    /// hold's value nor what the server assumes. Upstream's webhook takes a Deployment's `rollingUpdate` over, too
    /// (engine-workloads 3.3); partitions, pauses and a CloneSet's bounds are moved by every step, so that there nobody could
    /// tell whose value it is.
    pub fn follow(&mut self, kind: Kind, style: RollingStyle, spec: &Value) {
        for path in [hold::STRATEGY, hold::MIN_READY, hold::DEADLINE] {
            let live = hold::at(spec, path);
            let is_users = !live.is_null()
                && !hold::is_held(style, path, live)
                && hold::default(kind, path).as_ref() != Some(live);
            if is_users && let Some(original) = self.0.get_mut(path) {
                original.clone_from(live);
            }
        }
    }

    /// The paths of all fields that are kept, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Puts into a patch of the spec that the workload is paused, if the user had it so.
    pub fn pause_again(&self, patch: &mut Value) {
        for path in self.pauses() {
            hold::put(patch, path, Value::Bool(true));
        }
    }

    /// Whether the user had the workload paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.pauses().next().is_some()
    }

    fn pauses(&self) -> impl Iterator<Item = &'static str> {
        let all = [hold::PAUSED, hold::UPDATE_PAUSED, hold::ROLLING_PAUSED];
        all.into_iter()
            .filter(|path| self.get(path) == Some(&Value::Bool(true)))
    }

    /// The user's value of a field; nothing when it was not replaced.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.0.get(path)
    }

    /// Whether every one of `fields` is kept.
    #[must_use]
    pub fn covers(&self, fields: &Fields) -> bool {
        fields.iter().all(|(path, _)| self.0.contains_key(path))
    }

    /// Puts every original back into `spec`.
    pub fn put_back(&self, spec: &mut Value) {
        for (path, value) in &self.0 {
            hold::put(spec, path, value.clone());
        }
    }
}

impl Mark {
    /// A mark without originals.
    #[must_use]
    pub fn new(rollout_name: &str) -> Self {
        Self {
            rollout_name: rollout_name.to_owned(),
            original: Original::default(),
        }
    }

    /// Reads the mark from an object's annotations; an annotation that does not parse is a mark without originals.
    #[must_use]
    pub fn read(object: &kube::api::DynamicObject) -> Option<Self> {
        let text = object.metadata.annotations.as_ref()?.get(keys::IN_PROGRESSING)?;
        Some(Self::parse(text))
    }

    /// Reads the annotation's text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let plain = || {
            let map: Map<String, Value> = serde_json::from_str(text).ok()?;
            Some(Self::new(map.get("rolloutName")?.as_str()?))
        };
        serde_json::from_str(text).ok().or_else(plain).unwrap_or_default()
    }

    /// The merge patch of a marked workload's spec that gives the user's values back in one write; nothing when they are
    /// there. Without originals the values that only a hold has make way for the defaults.
    #[must_use]
    pub fn handed_back(&self, kind: Kind, spec: &Value) -> Option<Value> {
        let mut wanted = spec.clone();
        for (path, value) in hold::first(kind).iter() {
            if self.original.get(path).is_none() && hold::at(spec, path) == value {
                hold::put(&mut wanted, path, Value::Null);
            }
        }
        self.original.put_back(&mut wanted);
        merge_diff(spec, &wanted)
    }

    /// The annotation's text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Mark;
    use crate::{
        api::v1beta1::RollingStyle,
        workload::{Kind, hold},
    };

    #[test]
    fn gives_back_what_the_user_had() {
        let cases = [
            (
                Kind::Deployment,
                RollingStyle::Partition,
                json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, "replicas": 3}),
            ),
            (
                Kind::Deployment,
                RollingStyle::BlueGreen,
                json!({"strategy": {"type": "Recreate"}, "paused": true, "minReadySeconds": 0}),
            ),
            (
                Kind::StatefulSet,
                RollingStyle::Partition,
                json!({"updateStrategy": {"rollingUpdate": {"partition": 2}}}),
            ),
            (
                Kind::CloneSet,
                RollingStyle::Partition,
                json!({"updateStrategy": {"partition": "20%", "type": "ReCreate"}}),
            ),
            (
                Kind::CloneSet,
                RollingStyle::BlueGreen,
                json!({"updateStrategy": {"maxSurge": 0}}),
            ),
            (
                Kind::DaemonSet,
                RollingStyle::Partition,
                json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {}}}),
            ),
        ];
        for (kind, style, user) in cases {
            let fields = hold::held(kind, style);
            let mut mark = Mark::new("demo");
            mark.original.remember(&user, &fields);
            let mut spec = user.clone();
            json_patch::merge(&mut spec, &fields.difference(&user).unwrap_or_else(|| json!({})));
            assert!(fields.in_place(&spec), "{kind:?} {spec}");
            // A second hold finds the first one's values and must not take them for the user's.
            mark.original.remember(&spec, &fields);
            Mark::parse(&mark.text()).original.put_back(&mut spec);
            assert_eq!(spec, user, "{kind:?} {style:?}");
        }
    }

    #[test]
    fn a_users_edit_takes_the_place_of_what_was_kept() {
        let (batches, blue_green) = (RollingStyle::Partition, RollingStyle::BlueGreen);
        let kept =
            json!({"strategy": {"type": "Recreate"}, "minReadySeconds": 5, "progressDeadlineSeconds": null});
        let surging = json!({"strategy": hold::surging(3)});
        let cases = [
            (
                batches,
                json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}}}),
                true,
            ),
            (batches, surging.clone(), true),
            (blue_green, surging, false),
            (
                blue_green,
                json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 1}}}),
                true,
            ),
            // A hold's own, and what the server assumes.
            (batches, json!({"strategy": {"type": "Recreate"}}), false),
            (
                batches,
                json!({"strategy": hold::default(Kind::Deployment, hold::STRATEGY)}),
                false,
            ),
            (
                blue_green,
                json!({"minReadySeconds": hold::NEVER_AVAILABLE}),
                false,
            ),
            (blue_green, json!({"minReadySeconds": 10}), true),
            (
                blue_green,
                json!({"progressDeadlineSeconds": hold::NO_DEADLINE}),
                false,
            ),
            (blue_green, json!({"progressDeadlineSeconds": 600}), false),
            (blue_green, json!({"progressDeadlineSeconds": 60}), true),
            (blue_green, json!({}), false),
        ];
        for (style, live, is_users) in cases {
            let mut mark = Mark::new("demo");
            let all = hold::held(Kind::Deployment, blue_green).without(&[hold::PAUSED]);
            mark.original.remember(&kept, &all);
            mark.original.follow(Kind::Deployment, style, &live);
            let mut expected = kept.clone();
            if is_users {
                json_patch::merge(&mut expected, &live);
            }
            let mut found = json!({"progressDeadlineSeconds": null});
            mark.original.put_back(&mut found);
            let bare = |value: &serde_json::Value| hold::at(value, hold::DEADLINE).clone();
            assert_eq!(bare(&found), bare(&expected), "{style:?} {live}");
            for path in [hold::STRATEGY, hold::MIN_READY] {
                let whole = if path == hold::STRATEGY {
                    hold::at(&live, path)
                } else {
                    hold::at(&expected, path)
                };
                let whole = if is_users && !whole.is_null() {
                    whole
                } else {
                    hold::at(&kept, path)
                };
                assert_eq!(hold::at(&found, path), whole, "{style:?} {live}");
            }
        }
        // What no hold replaced is the user's own business.
        let mut mark = not_paused();
        mark.original.follow(
            Kind::Deployment,
            batches,
            &json!({"strategy": {"type": "RollingUpdate"}}),
        );
        assert_eq!(mark, not_paused());
    }

    /// The mark of a Deployment that was not paused.
    fn not_paused() -> Mark {
        let mut mark = Mark::new("demo");
        mark.original.keep(hold::PAUSED, json!(false));
        mark
    }

    #[test]
    fn reads_upstreams_and_broken_ones() {
        assert_eq!(Mark::parse(r#"{"rolloutName":"demo"}"#), Mark::new("demo"));
        assert_eq!(
            Mark::parse(r#"{"rolloutName":"demo","original":3}"#),
            Mark::new("demo")
        );
        assert_eq!(Mark::parse("[]"), Mark::default());
        assert_eq!(
            not_paused().text(),
            r#"{"rolloutName":"demo","original":{"paused":false}}"#
        );
    }
}
