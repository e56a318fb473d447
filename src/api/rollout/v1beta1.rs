//! `rollouts.kruise.io/v1beta1`: the version the engine reads.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::api::{IntOrPercent, Time, keys, open_enum::open_enum, schema};

/// What a Rollout should do.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "rollouts.kruise.io",
    version = "v1beta1",
    kind = "Rollout",
    namespaced,
    status = "RolloutStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "How a new version of one workload is brought out, and how far that is.",
    printcolumn = r#"{"name":"STATUS","type":"string","description":"Where the Rollout is.","jsonPath":".status.phase"}"#,
    printcolumn = r#"{"name":"CANARY_STEP","type":"integer","description":"The step, 1-based.","jsonPath":".status.currentStepIndex"}"#,
    printcolumn = r#"{"name":"CANARY_STATE","type":"string","description":"Where the step is.","jsonPath":".status.currentStepState"}"#,
    printcolumn = r#"{"name":"MESSAGE","type":"string","description":"A sentence for humans.","jsonPath":".status.message"}"#,
    printcolumn = r#"{"name":"AGE","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSpec {
    /// The workload that is released, in the Rollout's namespace.
    pub workload_ref: ObjectRef,
    /// Hands the workload back and ignores it.
    #[serde(default)]
    pub disabled: bool,
    /// How the new version is brought out.
    pub strategy: Strategy,
}

/// Names an object of the same namespace.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// Canary (also batches) or blue-green; exactly one is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Freezes the step machine; `pause` and `resume` write it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// Canary or batch release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStrategy>,
    /// Blue-green release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green: Option<BlueGreenStrategy>,
}

/// A canary or batch release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStrategy {
    /// The steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub steps: Vec<Step>,
    /// How traffic is split. At most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traffic_routings: Vec<TrafficRoutingRef>,
    /// New pods that may be missing when a step counts as done. Absent means 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<IntOrPercent>,
    /// Labels and annotations laid over the canary's pod template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_pod_template_metadata: Option<PatchPodTemplateMetadata>,
    /// Runs the new version in a Deployment of its own (Deployments only).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable_extra_workload_for_canary: bool,
    /// Name of a TrafficRouting object shared with other Rollouts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub traffic_routing_ref: String,
    /// Makes no `SERVICE-canary`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_generate_canary_service: bool,
}

/// A blue-green release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlueGreenStrategy {
    /// The steps, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub steps: Vec<Step>,
    /// How traffic is split. At most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traffic_routings: Vec<TrafficRoutingRef>,
    /// New pods that may be missing when a step counts as done. Absent means 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<IntOrPercent>,
    /// Name of a TrafficRouting object shared with other Rollouts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub traffic_routing_ref: String,
    /// Makes no `SERVICE-canary`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disable_generate_canary_service: bool,
}

/// One step: pods, traffic, and what must happen before the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::undefaulted(&["pause"]))]
pub struct Step {
    /// Share of traffic for the new version, such as `20%`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<String>,
    /// Pods of the new version, in all. Percentages round up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<IntOrPercent>,
    /// What ends the step.
    #[serde(default)]
    pub pause: Pause,
    /// Requests that go to the new version; any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub matches: Vec<RouteMatch>,
    /// Changes to the headers of requests for the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_header_modifier: Option<HeaderModifier>,
}

/// What ends a step: a human when empty, else time.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// Seconds. Absent means: wait for an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i32>,
}

/// Conditions on one request; all of them.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RouteMatch {
    /// The path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathMatch>,
    /// Headers; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<NamedMatch>,
    /// Query parameters; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "query_params")]
    pub query_params: Vec<NamedMatch>,
}

/// A condition on the path.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = schema::path_rules()))]
pub struct PathMatch {
    /// `Exact`, `PathPrefix` or `RegularExpression`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Exact", "PathPrefix", "RegularExpression"], "default" = "PathPrefix"))]
    pub kind: Option<String>,
    /// The path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), extend("default" = "/"))]
    pub value: Option<String>,
}

/// A condition on a header or a query parameter.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamedMatch {
    /// `Exact` or `RegularExpression`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["Exact", "RegularExpression"], "default" = "Exact"))]
    pub kind: Option<String>,
    /// Name.
    #[schemars(length(min = 1, max = 256), regex(pattern = schema::HEADER_NAME))]
    pub name: String,
    /// Value or pattern.
    #[schemars(length(min = 1, max = 4096))]
    pub value: String,
}

/// The list of conditions on query parameters: as of headers, with shorter values.
fn query_params(generator: &mut SchemaGenerator) -> Schema {
    let mut item = NamedMatch::json_schema(generator);
    if let Some(value) = item.pointer_mut("/properties/value/maxLength") {
        *value = 1024.into();
    }
    json_schema!({
        "description": "Query parameters; all of them.",
        "type": "array",
        "items": item,
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    })
}

/// Changes to request headers.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderModifier {
    /// Headers that are overwritten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub set: Vec<Header>,
    /// Headers that are added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub add: Vec<Header>,
    /// Names of headers that are removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub remove: Vec<String>,
}

/// A header and its value.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Name.
    #[schemars(length(min = 1, max = 256), regex(pattern = schema::HEADER_NAME))]
    pub name: String,
    /// Value.
    #[schemars(length(min = 1, max = 4096))]
    pub value: String,
}

/// Where traffic is split: a Service and what routes to it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRoutingRef {
    /// The stable Service.
    pub service: String,
    /// Seconds to wait after each change of a traffic object. Absent means 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = 3))]
    pub grace_period_seconds: Option<i32>,
    /// An Ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressRef>,
    /// A Gateway API route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayRef>,
    /// Other routing objects, handled by scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_network_refs: Vec<ObjectRef>,
}

/// An Ingress and its class.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressRef {
    /// `nginx` when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class_type: String,
    /// Name of the Ingress.
    pub name: String,
}

/// A Gateway API route.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRef {
    /// Name of the HTTPRoute.
    #[serde(rename = "httpRouteName", default, skip_serializing_if = "Option::is_none")]
    pub http_route_name: Option<String>,
}

/// Labels and annotations for the canary's pod template.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchPodTemplateMetadata {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

open_enum! {
    /// Where a Rollout is.
    Phase {
        /// The workload was not found.
        Initial = "Initial",
        /// At rest.
        Healthy = "Healthy",
        /// A release is under way.
        Progressing = "Progressing",
        /// The Rollout is being deleted.
        Terminating = "Terminating",
        /// Disabled, at rest.
        Disabled = "Disabled",
        /// Being disabled.
        Disabling = "Disabling",
    }
}

open_enum! {
    /// Where a step is. `StepReady` is the value that an approval writes.
    StepState {
        /// Before any pod: the stable Service is pinned.
        BeforeStepUpgrade = "BeforeStepUpgrade",
        /// New pods are being brought up.
        StepUpgrade = "StepUpgrade",
        /// Traffic is being moved.
        StepTrafficRouting = "StepTrafficRouting",
        /// Metrics are being judged.
        StepMetricsAnalysis = "StepMetricsAnalysis",
        /// Waiting for a human or for time.
        StepPaused = "StepPaused",
        /// The step is over.
        StepReady = "StepReady",
        /// All steps are over, or no release is under way.
        Completed = "Completed",
    }
}

open_enum! {
    #[derive(Default)]
    /// The cursor of the closing work (upstream's spelling, irregular prefixes included).
    FinalisingStep {
        /// The Service selects all versions again.
        RestoreStableService = "RestoreStableService",
        /// All traffic to the stable Service.
        RouteTrafficToStable = "FinalisingStepRouteTrafficToStable",
        /// All traffic to the new version.
        RouteTrafficToNew = "FinalisingStepRouteTrafficToNew",
        /// The canary Service goes.
        RemoveCanaryService = "RemoveCanaryService",
        /// The workload rolls by itself again.
        ResumeWorkload = "ResumeWorkload",
        /// The TrafficRouting that is shared with other Rollouts is left.
        LeaveTrafficRouting = "LeaveTrafficRouting",
        /// The canary Deployment and the mark go.
        ReleaseWorkloadControl = "ReleaseWorkloadControl",
        /// Nothing is left to do.
        End = "END",
        /// Not begun.
        #[default]
        None = "",
    }
}

/// What a Rollout is doing. The two fields that clients may write are `currentStepState` and `nextStepIndex` of the
/// sub-status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = schema::required(&["currentStepIndex", "currentStepState"]))]
pub struct RolloutStatus {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Progress of a canary or batch release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_status: Option<CanaryStatus>,
    /// Progress of a blue-green release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blue_green_status: Option<BlueGreenStatus>,
    /// Conditions: Progressing, Succeeded, Terminating, Degraded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Where the Rollout is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// A sentence for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Copy of the sub-status's step, 1-based. (Required by the schema.)
    #[serde(default)]
    pub current_step_index: i32,
    /// Copy of the sub-status's state. (Required by the schema.)
    #[serde(default)]
    pub current_step_state: StepState,
}

/// Progress of a canary or batch release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    transform = schema::undefaulted(&["currentStepIndex"]),
    transform = schema::required(&[
        "canaryReadyReplicas", "canaryReplicas", "canaryRevision", "currentStepState", "finalisingStep",
        "nextStepIndex", "podTemplateHash",
    ])
)]
pub struct CanaryStatus {
    /// Generation of the workload at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_workload_generation: Option<i64>,
    /// Id of the release, the value of the pods' `rollout-id` label.
    #[serde(
        rename = "observedRolloutID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub observed_rollout_id: Option<String>,
    /// Digest of the plan this release was computed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_hash: Option<String>,
    /// Revision of the pods present before the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_revision: Option<String>,
    /// `pod-template-hash` of the new pods; set when the canary Service selects them.
    #[serde(default)]
    pub pod_template_hash: String,
    /// The step, 1-based.
    #[serde(default)]
    pub current_step_index: i32,
    /// The step after it, -1 after the last. Clients may write it to jump.
    #[serde(default)]
    pub next_step_index: i32,
    /// Where the step is. Clients may write `StepReady` to approve.
    #[serde(default)]
    pub current_step_state: StepState,
    /// Cursor of the closing work.
    #[serde(default)]
    pub finalising_step: FinalisingStep,
    /// A sentence about the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Base of pauses and grace periods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,
    /// Revision of the new version.
    #[serde(default)]
    pub canary_revision: String,
    /// Pods of the new version.
    #[serde(default)]
    pub canary_replicas: i32,
    /// Those that are ready.
    #[serde(default)]
    pub canary_ready_replicas: i32,
}

/// Progress of a blue-green release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    transform = schema::undefaulted(&["currentStepIndex"]),
    transform = schema::required(&[
        "currentStepState", "finalisingStep", "nextStepIndex", "podTemplateHash", "updatedReadyReplicas",
        "updatedReplicas", "updatedRevision",
    ])
)]
pub struct BlueGreenStatus {
    /// Generation of the workload at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_workload_generation: Option<i64>,
    /// Id of the release, the value of the pods' `rollout-id` label.
    #[serde(
        rename = "observedRolloutID",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub observed_rollout_id: Option<String>,
    /// Digest of the plan this release was computed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_hash: Option<String>,
    /// Revision of the pods present before the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_revision: Option<String>,
    /// `pod-template-hash` of the new pods.
    #[serde(default)]
    pub pod_template_hash: String,
    /// The step, 1-based.
    #[serde(default)]
    pub current_step_index: i32,
    /// The step after it, -1 after the last. Clients may write it to jump.
    #[serde(default)]
    pub next_step_index: i32,
    /// Where the step is. Clients may write `StepReady` to approve.
    #[serde(default)]
    pub current_step_state: StepState,
    /// Cursor of the closing work.
    #[serde(default)]
    pub finalising_step: FinalisingStep,
    /// A sentence about the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Base of pauses and grace periods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,
    /// Revision of the new version.
    #[serde(default)]
    pub updated_revision: String,
    /// Pods of the new version.
    #[serde(default)]
    pub updated_replicas: i32,
    /// Those that are ready.
    #[serde(default)]
    pub updated_ready_replicas: i32,
}

/// One aspect of the state of a Rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which aspect: `Progressing`, `Succeeded`, `Terminating`, `Degraded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// When it was written last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,
    /// When its status changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Time>,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

impl Default for StepState {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

/// How new pods are brought up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RollingStyle {
    /// In an extra Deployment beside the stable one.
    Canary,
    /// In batches inside the workload.
    Partition,
    /// All beside all.
    BlueGreen,
}

impl Rollout {
    /// The TrafficRouting object that it names: in its strategy (which upstream ignores, engine-traffic 8, D25), else in its
    /// annotation.
    #[must_use]
    pub fn traffic_routing_name(&self) -> Option<&str> {
        let annotations = self.metadata.annotations.as_ref();
        let annotation = annotations.and_then(|all| all.get(keys::TRAFFIC_ROUTING).map(String::as_str));
        [Some(self.spec.strategy.traffic_routing_ref()), annotation]
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
    }
}

impl Strategy {
    /// The style this strategy asks for; nothing when neither canary nor blue-green is set.
    #[must_use]
    pub fn style(&self) -> Option<RollingStyle> {
        match (&self.blue_green, &self.canary) {
            (Some(_), _) => Some(RollingStyle::BlueGreen),
            (None, Some(canary)) if canary.enable_extra_workload_for_canary => Some(RollingStyle::Canary),
            (None, Some(_)) => Some(RollingStyle::Partition),
            (None, None) => None,
        }
    }

    /// The steps of whichever strategy is set.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        match (&self.blue_green, &self.canary) {
            (Some(blue_green), _) => &blue_green.steps,
            (None, Some(canary)) => &canary.steps,
            (None, None) => &[],
        }
    }

    /// New pods that may be missing when a step counts as done, of whichever strategy is set.
    #[must_use]
    pub fn failure_threshold(&self) -> Option<&IntOrPercent> {
        match (&self.blue_green, &self.canary) {
            (Some(blue_green), _) => blue_green.failure_threshold.as_ref(),
            (None, Some(canary)) => canary.failure_threshold.as_ref(),
            (None, None) => None,
        }
    }

    /// Whether a release makes a `SERVICE-canary` of its own.
    #[must_use]
    pub fn makes_canary_service(&self) -> bool {
        match (&self.blue_green, &self.canary) {
            (Some(blue_green), _) => !blue_green.disable_generate_canary_service,
            (None, Some(canary)) => !canary.disable_generate_canary_service,
            (None, None) => false,
        }
    }

    /// The TrafficRouting object that whichever strategy is set names; empty when it names none.
    #[must_use]
    pub fn traffic_routing_ref(&self) -> &str {
        match (&self.blue_green, &self.canary) {
            (Some(blue_green), _) => &blue_green.traffic_routing_ref,
            (None, Some(canary)) => &canary.traffic_routing_ref,
            (None, None) => "",
        }
    }

    /// The traffic routings of whichever strategy is set.
    #[must_use]
    pub fn traffic_routings(&self) -> &[TrafficRoutingRef] {
        match (&self.blue_green, &self.canary) {
            (Some(blue_green), _) => &blue_green.traffic_routings,
            (None, Some(canary)) => &canary.traffic_routings,
            (None, None) => &[],
        }
    }
}
