//! `rollouts.kruise.io/v1alpha1`: the older version. Files are converted from it, objects of it are only read.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::v1beta1::{
    CanaryStatus, Condition, HeaderModifier, ObjectRef, PatchPodTemplateMetadata, Pause, Phase,
    TrafficRoutingRef,
};
use crate::api::{IntOrPercent, traffic_routing::HeadersMatch};

/// What a Rollout should do.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "rollouts.kruise.io",
    version = "v1alpha1",
    kind = "Rollout",
    namespaced,
    status = "RolloutStatus",
    derive = "PartialEq",
    derive = "Default"
)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSpec {
    /// Wraps the workload that is released.
    pub object_ref: WorkloadRef,
    /// Hands the workload back and ignores it.
    #[serde(default)]
    pub disabled: bool,
    /// Ignored by every controller.
    #[serde(rename = "rolloutID", default, skip_serializing_if = "Option::is_none")]
    pub rollout_id: Option<String>,
    /// How the new version is brought out.
    pub strategy: Strategy,
}

/// Wraps the workload that is released; the schema lets it be absent.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRef {
    /// The workload, in the Rollout's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload_ref: Option<ObjectRef>,
}

/// Canary (also batches): the annotation `rolling-style` chooses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Freezes the step machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Canary or batch release; the schema lets it be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStrategy>,
}

/// A canary or batch release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStrategy {
    /// The steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// How traffic is split. At most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traffic_routings: Vec<TrafficRoutingRef>,
    /// New pods that may be missing when a step counts as done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<IntOrPercent>,
    /// Labels and annotations laid over the canary's pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_pod_template_metadata: Option<PatchPodTemplateMetadata>,
    /// Makes no `SERVICE-canary`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_generate_canary_service: bool,
}

/// One step: pods, traffic, and what must happen before the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Percent of the traffic for the new version, and of its pods when `replicas` is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Pods of the new version, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<IntOrPercent>,
    /// What ends the step.
    #[serde(default)]
    pub pause: Pause,
    /// Requests that go to the new version; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<HeadersMatch>,
    /// Changes to the headers of requests for the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_header_modifier: Option<HeaderModifier>,
}

/// What a Rollout is doing; without the step fields that v1beta1 repeats at the top.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Progress of a canary or batch release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_status: Option<CanaryStatus>,
    /// Conditions: Progressing, Succeeded, Terminating.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the Rollout is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// A sentence for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
