//! What matters of a pod.

use jiff::Timestamp;
use serde_json::Value;

use crate::api::keys;

/// The labels of a pod. They are few: looked through one by one they are found sooner, and take less room, than in a tree.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels(Box<[(String, String)]>);

impl Labels {
    /// A label's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut labels = self.0.iter();
        labels
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// Sets a label of a pod that a test makes.
    #[cfg(test)]
    pub(crate) fn insert(&mut self, name: String, value: String) {
        let others = std::mem::take(&mut self.0).into_iter();
        *self = others
            .filter(|(other, _)| *other != name)
            .chain([(name.clone(), value)])
            .collect();
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        let mut labels: Box<[(String, String)]> = labels.into_iter().collect();
        labels.sort_unstable();
        Self(labels)
    }
}

impl<const N: usize> From<[(String, String); N]> for Labels {
    fn from(labels: [(String, String); N]) -> Self {
        Self::from_iter(labels)
    }
}

/// A pod as it was read; terminal pods (`Failed`, `Succeeded`) are never among them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pod {
    /// Name.
    pub name: String,
    /// Uid.
    pub uid: String,
    /// resourceVersion.
    pub resource_version: String,
    /// Labels.
    pub labels: Labels,
    /// Uid of its controller: a ReplicaSet, or the workload itself.
    pub owner: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether its condition Ready is true.
    pub ready: bool,
    /// Since when it is ready, by that condition's `lastTransitionTime`.
    pub ready_since: Option<Timestamp>,
    /// Whether it has not started (phase `Pending`).
    pub pending: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Value of the annotation `controller.kubernetes.io/pod-deletion-cost`, 0 when absent.
    pub deletion_cost: i32,
}

impl Pod {
    /// Reads a pod as the API server answers it; nothing when it has come to its end.
    #[must_use]
    pub fn read(object: &Value) -> Option<Self> {
        let (meta, status) = (&object["metadata"], &object["status"]);
        if matches!(status["phase"].as_str(), Some("Failed" | "Succeeded")) {
            return None;
        }
        let text = |field: &str| meta[field].as_str().unwrap_or_default().to_owned();
        let labels = meta["labels"].as_object().into_iter().flatten();
        let time = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        let conditions = status["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        Some(Self {
            name: text("name"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            labels: labels
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
            owner: controller(object).unwrap_or_default().to_owned(),
            deleting: !meta["deletionTimestamp"].is_null(),
            ready: ready.is_some(),
            ready_since: ready.and_then(|condition| time(&condition["lastTransitionTime"])),
            pending: status["phase"] == "Pending",
            created: time(&meta["creationTimestamp"]),
            deletion_cost: meta["annotations"][keys::POD_DELETION_COST]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
        })
    }

    /// Whether another look at the pod tells nothing new but its resourceVersion.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let Self {
            name,
            uid,
            resource_version: _,
            labels,
            owner,
            deleting,
            ready,
            ready_since,
            pending,
            created,
            deletion_cost,
        } = other;
        (self.deleting, self.ready, self.pending, self.deletion_cost)
            == (*deleting, *ready, *pending, *deletion_cost)
            && (&self.name, &self.uid, &self.owner) == (name, uid, owner)
            && (&self.created, &self.ready_since) == (created, ready_since)
            && self.labels == *labels
    }

    /// A label's value; empty when it has none.
    #[must_use]
    pub fn label(&self, key: &str) -> &str {
        self.labels.get(key).unwrap_or_default()
    }

    /// The ordinal of a StatefulSet's pod: the number its name ends in.
    #[must_use]
    pub fn ordinal(&self) -> Option<i32> {
        self.name.rsplit_once('-')?.1.parse().ok()
    }
}

/// Uid of the controller of an object as the API server answers it.
#[must_use]
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Pod;

    fn object(status: &Value) -> Value {
        json!({ "metadata": { "name": "web-1", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": { "app": "web" }, "annotations": { "controller.kubernetes.io/pod-deletion-cost": "-5" },
            "ownerReferences": [{ "uid": "friend" }, { "uid": "set", "controller": true }] }, "status": status })
    }

    #[test]
    fn is_read_as_it_stands() {
        let expected = Pod {
            name: "web-1".to_owned(),
            uid: "u".to_owned(),
            resource_version: "7".to_owned(),
            labels: [("app".to_owned(), "web".to_owned())].into(),
            owner: "set".to_owned(),
            deleting: false,
            ready: true,
            ready_since: Some("2026-01-01T00:00:05Z".parse().unwrap()),
            pending: false,
            created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            deletion_cost: -5,
        };
        let ready = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:05Z" }] });
        assert_eq!(Pod::read(&object(&ready)), Some(expected.clone()));
        assert_eq!(Pod::read(&object(&json!({ "phase": "Failed" }))), None);
        let mut leaving = object(&json!({ "phase": "Pending" }));
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:01Z");
        assert_eq!(
            Pod::read(&leaving),
            Some(Pod {
                deleting: true,
                ready: false,
                ready_since: None,
                pending: true,
                ..expected
            })
        );
    }
}
