//! `rollouts.kruise.io/v1alpha1` TrafficRouting: one traffic split that several Rollouts share.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::{
    open_enum::open_enum,
    v1beta1::{HeaderModifier, NamedMatch, TrafficRoutingRef},
};

open_enum! {
    /// What a TrafficRouting is doing.
    TrafficRoutingPhase {
        /// What it names is not there, or cannot do what it asks for.
        Initial = "Initial",
        /// No Rollout needs it.
        Healthy = "Healthy",
        /// Traffic is split.
        Progressing = "Progressing",
        /// The last Rollout is done, and traffic moves back.
        Finalizing = "Finalizing",
        /// It is being deleted; upstream's, ours says what it does.
        Terminating = "Terminating",
    }
}

/// Which routes are split, and how.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "rollouts.kruise.io",
    version = "v1alpha1",
    kind = "TrafficRouting",
    namespaced,
    status = "TrafficRoutingStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A split of traffic that several Rollouts share.",
    printcolumn = r#"{"name":"STATUS","type":"string","description":"Where the TrafficRouting is.","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"MESSAGE","type":"string","description":"A sentence for humans.","jsonPath":".status.message"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRoutingSpec {
    /// The Services and what routes to them.
    pub object_ref: Vec<TrafficRoutingRef>,
    /// How traffic is split while a release needs it.
    pub strategy: TrafficRoutingStrategy,
}

/// The split: a share, or requests by their headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRoutingStrategy {
    /// Percent of the requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Requests that go to the new version; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<HeadersMatch>,
    /// Changes to the headers of requests for the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_header_modifier: Option<HeaderModifier>,
}

/// Conditions on the headers of one request; all of them. All that v1alpha1 knows of matches.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeadersMatch {
    /// Headers; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub headers: Vec<NamedMatch>,
}

/// What a TrafficRouting is doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRoutingStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Initial`, `Healthy`, `Progressing`, `Finalizing` or `Terminating`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<TrafficRoutingPhase>,
    /// A sentence for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
