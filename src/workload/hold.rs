//! The fields by which a new version is held back, for every kind and style.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Kind;
use crate::api::{patch::merge_diff, v1beta1::RollingStyle};

/// A partition that no StatefulSet or DaemonSet reaches; upstream's webhook uses the same (engine-workloads 3.3).
pub const EVERYTHING: i32 = 32_767;
/// Seconds that no pod is ever ready for: the most that `minReadySeconds` may be below the deadline.
pub const NEVER_AVAILABLE: i32 = 2_147_483_646;
/// The deadline that the Deployment controller takes for none.
pub const NO_DEADLINE: i32 = 2_147_483_647;

/// `spec.paused` of a Deployment.
pub const PAUSED: &str = "paused";
/// `spec.strategy` of a Deployment, whole.
pub const STRATEGY: &str = "strategy";
/// `spec.minReadySeconds`.
pub const MIN_READY: &str = "minReadySeconds";
/// `spec.progressDeadlineSeconds` of a Deployment.
pub const DEADLINE: &str = "progressDeadlineSeconds";
/// Whether a CloneSet's update is paused.
pub const UPDATE_PAUSED: &str = "updateStrategy.paused";
/// How many pods of a CloneSet stay at the old version.
pub const PARTITION: &str = "updateStrategy.partition";
/// How many pods more than its size a CloneSet may have.
pub const MAX_SURGE: &str = "updateStrategy.maxSurge";
/// How many pods fewer than its size a CloneSet may have ready.
pub const MAX_UNAVAILABLE: &str = "updateStrategy.maxUnavailable";
/// How many pods of a StatefulSet or Advanced DaemonSet stay at the old version.
pub const ROLLING_PARTITION: &str = "updateStrategy.rollingUpdate.partition";
/// Whether the update of an Advanced StatefulSet or DaemonSet is paused.
pub const ROLLING_PAUSED: &str = "updateStrategy.rollingUpdate.paused";
/// The update strategy's type.
pub const UPDATE_TYPE: &str = "updateStrategy.type";

/// Fields under `spec`, by their dotted paths, and the values that the engine gives them; null removes one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(BTreeMap<&'static str, Value>);

impl Fields {
    /// Paths and values, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(path, value)| (*path, value))
    }

    /// The same fields with one more, or with another value for one.
    #[must_use]
    pub fn with(mut self, path: &'static str, value: Value) -> Self {
        self.0.insert(path, value);
        self
    }

    /// The same fields without some.
    #[must_use]
    pub fn without(mut self, paths: &[&str]) -> Self {
        self.0.retain(|path, _| !paths.contains(path));
        self
    }

    /// Whether `spec` has all of them.
    ///
    /// What is not there is not paused: Kruise's webhooks write objects anew and leave a `paused: false` out (seen with
    /// Kruise 1.8), so that asking for it would never end.
    #[must_use]
    pub fn in_place(&self, spec: &Value) -> bool {
        let wanted = self.0.iter();
        wanted
            .filter(|(path, value)| *at(spec, path) != **value)
            .all(|(path, value)| *value == json!(false) && at(spec, path).is_null())
    }

    /// The merge patch of `spec` that puts them in place; nothing when they are.
    #[must_use]
    pub fn difference(&self, spec: &Value) -> Option<Value> {
        if self.in_place(spec) {
            return None;
        }
        let mut wanted = spec.clone();
        for (path, value) in &self.0 {
            put(&mut wanted, path, value.clone());
        }
        merge_diff(spec, &wanted)
    }

    /// The fields as a tree, as it stands in a manifest.
    #[must_use]
    pub fn tree(&self) -> Value {
        let mut tree = Value::Object(Map::new());
        for (path, value) in self.0.iter().filter(|(_, value)| !value.is_null()) {
            put(&mut tree, path, value.clone());
        }
        tree
    }

    /// Whether a server-side apply can put them in place: it cannot remove the user's `rollingUpdate` block, which another
    /// strategy type of a Deployment does not allow.
    #[must_use]
    pub fn can_be_applied(&self) -> bool {
        !self.0.contains_key(STRATEGY) && self.0.values().all(|value| !value.is_null())
    }
}

/// The hold that one write sets together with a new template, by a command or the policy: no pod of the new version
/// starts. What a style needs more the engine adds (engine-workloads 16.2).
#[must_use]
pub fn first(kind: Kind) -> Fields {
    let fields = match kind {
        Kind::Deployment => vec![(PAUSED, json!(true))],
        Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
            vec![(ROLLING_PARTITION, json!(EVERYTHING))]
        }
        Kind::DaemonSet => vec![(UPDATE_TYPE, json!("OnDelete"))],
        Kind::CloneSet => vec![(PARTITION, json!("100%")), (UPDATE_PAUSED, json!(false))],
    };
    Fields(fields.into_iter().collect())
}

/// Everything that the engine gives a workload before the first pod of the new version starts.
///
/// - A Deployment in batches gets `Recreate`: with several active ReplicaSets its controller scales a paused
///   RollingUpdate Deployment proportionally, which `Recreate` switches off (engine-workloads 15).
/// - Blue-green: no pod is ever available and none may be missing, so that the workload's controller adds pods, as many as
///   `maxSurge` says, and removes none (engine-canary-and-bluegreen 3).
#[must_use]
pub fn held(kind: Kind, style: RollingStyle) -> Fields {
    let fields = first(kind);
    match (kind, style) {
        (Kind::Deployment, RollingStyle::Partition) => fields.with(STRATEGY, json!({ "type": "Recreate" })),
        (Kind::Deployment, RollingStyle::BlueGreen) => fields
            .with(STRATEGY, surging(1))
            .with(MIN_READY, json!(NEVER_AVAILABLE))
            .with(DEADLINE, json!(NO_DEADLINE)),
        (Kind::CloneSet, RollingStyle::BlueGreen) => fields
            .with(MAX_SURGE, json!(1))
            .with(MAX_UNAVAILABLE, json!(0))
            .with(MIN_READY, json!(NEVER_AVAILABLE)),
        (Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet, _) => fields.with(ROLLING_PAUSED, json!(false)),
        _ => fields,
    }
}

/// The field that says how many pods of a kind stay at the old version, where one does.
#[must_use]
pub fn partition(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Deployment | Kind::DaemonSet => None,
        Kind::CloneSet => Some(PARTITION),
        Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => Some(ROLLING_PARTITION),
    }
}

/// Fields of holds that servers give a value when there is none.
pub const DEFAULTED: [&str; 7] = [
    STRATEGY,
    DEADLINE,
    UPDATE_TYPE,
    PARTITION,
    ROLLING_PARTITION,
    MAX_SURGE,
    MAX_UNAVAILABLE,
];

/// The value that servers give a field of a hold when it has none, where they give one; Kruise's by its webhooks.
#[must_use]
pub fn default(kind: Kind, path: &str) -> Option<Value> {
    match (path, kind) {
        (STRATEGY, _) => Some(
            json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } }),
        ),
        (DEADLINE, _) => Some(json!(600)),
        (UPDATE_TYPE, _) => Some(json!("RollingUpdate")),
        (PARTITION | MAX_SURGE, _) => Some(json!(0)),
        (ROLLING_PARTITION, Kind::StatefulSet | Kind::AdvancedStatefulSet) => Some(json!(0)),
        (MAX_UNAVAILABLE, _) => Some(json!("20%")),
        _ => None,
    }
}

/// Whether this value of a Deployment's field is one that holds put there: frozen, whatever the style, and in blue-green
/// every surge.
#[must_use]
pub fn is_held(style: RollingStyle, path: &str, value: &Value) -> bool {
    match path {
        STRATEGY => {
            let bounds = &value["rollingUpdate"];
            value["type"] == "Recreate"
                || style == RollingStyle::BlueGreen
                    && bounds["maxUnavailable"] == 0
                    && !bounds["maxSurge"].is_null()
        }
        MIN_READY => value == &json!(NEVER_AVAILABLE),
        DEADLINE => value == &json!(NO_DEADLINE),
        _ => false,
    }
}

/// A Deployment's strategy that adds pods and removes none.
#[must_use]
pub fn surging(surge: i32) -> Value {
    json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": 0 } })
}

/// The value at a dotted path under `spec`; null when it is not there.
#[must_use]
pub fn at<'a>(spec: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(spec, |value, key| &value[key])
}

/// Puts a value at a dotted path, making the way to it; null removes it.
pub fn put(spec: &mut Value, path: &str, value: Value) {
    let Some((parents, leaf)) = path.rsplit_once('.').map_or(Some(("", path)), Some) else {
        return;
    };
    if value.is_null() && at(spec, path).is_null() {
        return;
    }
    let mut place = spec;
    for key in parents.split('.').filter(|key| !key.is_empty()) {
        make_object(place);
        place = &mut place[key];
    }
    make_object(place);
    match (place, value) {
        (Value::Object(fields), Value::Null) => {
            fields.remove(leaf);
        }
        (Value::Object(fields), value) => {
            fields.insert(leaf.to_owned(), value);
        }
        _ => {}
    }
}

fn make_object(value: &mut Value) {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ROLLING_PARTITION, ROLLING_PAUSED, held};
    use crate::{api::v1beta1::RollingStyle, workload::Kind};

    #[test]
    fn what_is_not_there_is_not_paused() {
        let fields = held(Kind::AdvancedStatefulSet, RollingStyle::Partition);
        let values: Vec<_> = fields.iter().map(|(path, value)| (path, value.clone())).collect();
        assert_eq!(
            values,
            [(ROLLING_PARTITION, json!(32_767)), (ROLLING_PAUSED, json!(false))]
        );
        let in_place = |rolling: serde_json::Value| {
            fields.in_place(&json!({ "updateStrategy": { "rollingUpdate": rolling } }))
        };
        // As Kruise's webhook leaves it.
        assert!(in_place(json!({ "partition": 32_767 })));
        assert!(in_place(json!({ "partition": 32_767, "paused": false })));
        assert!(!in_place(json!({ "partition": 32_767, "paused": true })));
        assert!(!in_place(json!({ "paused": false })));
    }
}
