//! The mark "a release is under way" on a workload, with the originals that the hold replaced.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::keys;

/// Value of the annotation [`keys::IN_PROGRESSING`]; in the first write of a release, gone in the last.
///
/// The hold policy writes the same JSON from CEL, so field names and their order are fixed:
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

/// The user's values that a hold replaced; absent means that the hold did not touch the field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Original {
    /// `spec.paused` of a Deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// `spec.strategy` of a Deployment, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Value>,
}

impl Mark {
    /// The mark of a Deployment that was not paused.
    #[must_use]
    pub fn of_deployment(rollout_name: &str) -> Self {
        Self {
            rollout_name: rollout_name.to_owned(),
            original: Original {
                paused: Some(false),
                strategy: None,
            },
        }
    }

    /// Reads the mark from an object's annotations; an annotation that does not parse is a mark without originals.
    #[must_use]
    pub fn read(object: &kube::api::DynamicObject) -> Option<Self> {
        let text = object.metadata.annotations.as_ref()?.get(keys::IN_PROGRESSING)?;
        Some(serde_json::from_str(text).unwrap_or_default())
    }

    /// The annotation's text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
