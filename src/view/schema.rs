//! The documents of `status`, `history`, `plan` and `lint` as types: their JSON schema is made of these, and what is printed must be
//! readable as them.
//!
//! `schema` follows semantic versions. A new minor only adds fields; a field that goes, or means something else, makes a new
//! major. Readers should ignore what they do not know.

mod lint;

pub use lint::{LintFinding, LintReport};

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `status -o json` of a workload that no Rollout releases.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadStatus {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `WorkloadStatus`.
    pub kind: String,
    /// Version of this document.
    pub schema: String,
    /// The workload.
    pub object: UpdatedObject,
    /// `Complete`, `Progressing`, `Paused`, `Failed` or `Unknown`.
    pub state: String,
    /// The exit code of `status` for it.
    pub exit_code: u8,
    /// The same as a sentence of `kubectl rollout status`.
    pub message: String,
    /// Its pods.
    pub pods: WorkloadPods,
    /// When it was looked at.
    pub observed_at: String,
}

/// Which workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdatedObject {
    /// Namespace.
    pub namespace: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Its uid.
    pub uid: Option<String>,
    /// Its generation.
    pub generation: Option<i64>,
}

/// Pods by what they are.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadPods {
    /// That there should be.
    pub wanted: i64,
    /// That should be new: fewer where a partition keeps some back.
    pub expected_new: i64,
    /// That there are.
    pub current: i64,
    /// That are new.
    pub new: i64,
    /// That are ready.
    pub ready: i64,
}

/// `status -o json`: one Rollout.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutStatus {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `RolloutStatus`.
    pub kind: String,
    /// Version of this document.
    pub schema: String,
    /// The Rollout.
    pub object: RolloutObject,
    /// The workload it releases, as `deployment/NAME`.
    pub workload: String,
    /// `canary`, `partition` or `blue-green`; null without a strategy.
    pub style: Option<String>,
    /// One word for the state.
    pub verdict: String,
    /// The exit code of `status` for it.
    pub exit_code: u8,
    /// `status.phase`.
    pub phase: String,
    /// The engine's own sentence.
    pub message: String,
    /// Why the release is degraded; null when it is not.
    pub degraded: Option<String>,
    /// Who acts next.
    pub next: Next,
    /// The step at hand.
    pub step: StepAtHand,
    /// All steps.
    pub steps: Vec<PlannedPause>,
    /// Pods that the workload should have.
    pub replicas: i64,
    /// Versions with pods.
    pub revisions: Vec<VersionPods>,
    /// The new version, as the engine names it; empty when there is none.
    pub new_revision: String,
    /// Traffic by route.
    pub traffic: Vec<RouteTraffic>,
    /// The split that it shares with other Rollouts.
    #[serde(default)]
    pub traffic_routing: Option<SharedSplit>,
    /// What was measured of the step's metrics; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<MetricGate>,
    /// What is missing.
    pub problems: Vec<Problem>,
    /// Why it does not go on, the first cause first.
    #[serde(default)]
    pub causes: Vec<CauseFound>,
    /// What may not be read, one sentence each.
    #[serde(default)]
    pub unread: Vec<String>,
    /// When it was looked at.
    pub observed_at: String,
}

/// What was measured of a step's metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricGate {
    /// The step, 1-based.
    pub step: i32,
    /// The revision that is released.
    pub revision: String,
    /// When measuring began.
    pub since: String,
    /// `measuring`, `passed`, `inconclusive` or `failed`.
    pub verdict: String,
    /// Why, in words.
    pub why: Option<String>,
    /// `Pause` or `Rollback`.
    pub on_failure: String,
    /// The metrics.
    pub metrics: Vec<GateMetric>,
}

/// One metric of a gate.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GateMetric {
    /// The template.
    pub template: String,
    /// Its name.
    pub name: String,
    /// The latest value, cut short.
    pub value: Option<Value>,
    /// The threshold.
    pub condition: String,
    /// As that of the gate.
    pub verdict: String,
    /// Why, in words.
    pub why: Option<String>,
    /// Whether it decides nothing.
    pub dry_run: bool,
    /// Measurements that must be there.
    pub required: i64,
    /// Measurements that count.
    pub measured: i64,
    /// How many of what kind: `success`, `failure`, `inconclusive`, `error`.
    pub counts: std::collections::BTreeMap<String, i64>,
    /// When it is measured next.
    pub next: Option<String>,
    /// The latest, oldest first: `at`, `value`, `outcome`, `why`.
    pub samples: Vec<Value>,
}

/// `explain -o json`: why one Rollout does not go on.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutExplanation {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `RolloutExplanation`.
    pub kind: String,
    /// Version of this document.
    pub schema: String,
    /// The Rollout.
    pub object: RolloutObject,
    /// The workload it releases, as `deployment/NAME`.
    pub workload: String,
    /// One word for the state.
    pub verdict: String,
    /// The exit code of `status` for it.
    pub exit_code: u8,
    /// Who acts next.
    pub next: Next,
    /// Why it does not go on, the first cause first.
    pub causes: Vec<CauseFound>,
    /// What may not be read, one sentence each.
    pub unread: Vec<String>,
    /// When it was looked at.
    pub observed_at: String,
}

/// A cause that holds.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CauseFound {
    /// Which cause; the name does not change.
    pub id: String,
    /// A sentence.
    pub message: String,
    /// Whether it keeps the release from going on now.
    pub blocks: bool,
    /// Whether waiting may be enough.
    pub heals_by_itself: bool,
    /// Who has to act: `human`, `engine`, `controller`, `kubelet`, `registry`, `scheduler`, `clock` or `none`.
    pub actor: String,
    /// Whose pods it is about: `new`, `stable` or `other`; null when it is about none.
    pub version: Option<String>,
    /// Names of these pods.
    pub pods: Vec<String>,
    /// How many of how many pods; null when it is about none.
    pub share: Option<CauseShare>,
    /// Since when; null when that is not known.
    pub since: Option<String>,
    /// What it rests on.
    pub evidence: Vec<CauseEvidence>,
    /// What to type next.
    pub command: Option<String>,
}

/// How many pods a cause is about.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CauseShare {
    /// Pods it is about.
    pub affected: u64,
    /// Pods of that version.
    pub of: u64,
}

/// Where something was read that a cause rests on.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CauseEvidence {
    /// The object, as `pod/NAME`.
    pub object: String,
    /// Path of the field, or the kind of message.
    pub field: String,
    /// What stands there, without credentials.
    pub value: String,
}

/// Which Rollout was seen.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutObject {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid.
    #[serde(default)]
    pub uid: Option<String>,
    /// Generation.
    #[serde(default)]
    pub generation: Option<i64>,
    /// resourceVersion.
    #[serde(default)]
    pub resource_version: Option<String>,
}

/// Who acts next.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Next {
    /// `none`, `human`, `engine` or `clock`.
    pub actor: String,
    /// The same as a sentence.
    pub sentence: String,
    /// What to type, if anything.
    pub command: Option<String>,
}

/// The step at hand.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepAtHand {
    /// Its number, 1-based; 0 before the first release.
    pub index: i32,
    /// The number of steps.
    pub total: i32,
    /// Where it is.
    pub state: String,
    /// Since when.
    pub since: Option<String>,
    /// Seconds left of a timed pause.
    pub remaining_seconds: Option<i64>,
}

/// A step of the Rollout.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlannedPause {
    /// Its number, 1-based.
    pub index: i32,
    /// New pods: a number, or a share such as `20%`.
    pub replicas: Value,
    /// Share of traffic.
    pub traffic: Option<String>,
    /// Number of rules by which requests are chosen.
    pub matches: usize,
    /// Seconds of its pause; null where an approval is waited for.
    pub pause_seconds: Option<i32>,
}

/// Pods of one version.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionPods {
    /// `stable`, `new` or `other`.
    pub role: String,
    /// The label that sets its pods apart.
    pub hash: String,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Pods there should be.
    pub desired: i64,
    /// Pods there are.
    pub current: i64,
    /// Pods that are ready.
    pub ready: i64,
}

/// Traffic through one route.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RouteTraffic {
    /// `ingress/NAME`, `httproute/NAME`.
    pub route: String,
    /// What the step asks for.
    pub wanted: Option<String>,
    /// What is set.
    pub set: String,
    /// What is set, in percent, where it is a percentage.
    pub percent: Option<i32>,
}

/// A split that several Rollouts share.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharedSplit {
    /// Name of the TrafficRouting.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// What its engine says.
    pub message: String,
    /// The Rollouts that need it now.
    pub needed_by: Vec<String>,
}

/// Something that keeps a release from working.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What helps.
    pub hint: String,
}

/// `history -o json`: one workload.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutHistory {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `RolloutHistory`.
    pub kind: String,
    /// Version of this document.
    pub schema: String,
    /// The workload.
    pub object: WorkloadObject,
    /// Name of the Rollout that releases it.
    pub rollout: Option<String>,
    /// Its revisions, oldest first.
    pub revisions: Vec<PastRevision>,
    /// When it was looked at.
    pub observed_at: String,
}

/// Which workload was seen.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadObject {
    /// Namespace.
    pub namespace: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// One revision.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PastRevision {
    /// Its number; null for what only a canary workload has.
    pub revision: Option<i64>,
    /// Its name or hash.
    pub name: String,
    /// `stable`, `new`, `current`, or null.
    pub part: Option<String>,
    /// Images of its containers.
    pub images: Vec<String>,
    /// When it was made.
    pub created_at: Option<String>,
    /// Why, if anybody said it.
    pub change_cause: Option<String>,
    /// Pods of it.
    pub pods: i64,
    /// Those that are ready.
    pub ready_pods: i64,
    /// The pod template; with `--revision` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Value>,
}

/// `plan -o json`: what a release will do.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolloutPlan {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `RolloutPlan`.
    pub kind: String,
    /// Version of this document: 1.1.
    pub schema: String,
    /// Namespace of the Rollout.
    pub namespace: String,
    /// Name of the Rollout.
    pub rollout: String,
    /// The summary line.
    pub summary: String,
    /// `Completed`, `RolledBack`, `NothingToDo`, `Blocked`, `Degraded` or `StepReached`.
    pub end: String,
    /// How it ends when pods take as long as nine of ten that were seen at the most; absent when none tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likely_end: Option<String>,
    /// Why it ends so.
    pub message: String,
    /// Fewest ready pods at any time.
    pub lowest_ready: i32,
    /// Most pods at any time.
    pub most_pods: i32,
    /// Pods at the beginning.
    #[serde(default)]
    pub start_pods: i32,
    /// What stands in the way, or may.
    #[serde(default)]
    pub blockers: Vec<PlanBlocker>,
    /// What is not known, one sentence each.
    #[serde(default)]
    pub unknown: Vec<String>,
    /// The steps, in order of time.
    pub steps: Vec<PlanStep>,
    /// The closing work.
    pub finish: Option<PlanStep>,
    /// The states that the engine goes through.
    pub states: Vec<PlanState>,
    /// Every write, in order.
    pub writes: Vec<PlanWrite>,
}

/// Something in the way of a release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanBlocker {
    /// What it is; the name does not change.
    pub id: String,
    /// `blocks`: the release does not go on past it; `risk`: it does, and somebody should know.
    pub weight: String,
    /// A sentence.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<PlanEvidence>,
    /// What to type next.
    pub command: String,
}

/// Where something was read that a blocker rests on.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanEvidence {
    /// Kind and name.
    pub object: String,
    /// The field.
    pub field: String,
    /// What it says.
    pub value: String,
}

/// One step of a plan.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanStep {
    /// Its number, 1-based; for the closing work the number of steps plus one.
    pub step: i32,
    /// Pods of the new version that it asks for; null where none had to be waited for.
    #[serde(default)]
    pub new_wanted: Option<i32>,
    /// Pods of the new version at its end.
    pub new_pods: i32,
    /// Ready pods of the new version in it.
    #[serde(default)]
    pub new_ready: PodRange,
    /// Pods of other versions at its end.
    pub old_pods: i32,
    /// Ready pods of other versions in it.
    #[serde(default)]
    pub old_ready: PodRange,
    /// Fewest ready pods in it.
    pub ready_lowest: i32,
    /// Most ready pods in it.
    pub ready_highest: i32,
    /// Most pods in it, ready or not.
    #[serde(default)]
    pub most_pods: i32,
    /// Traffic for the new version.
    pub traffic: String,
    /// Traffic that the old version keeps.
    #[serde(default)]
    pub old_traffic: String,
    /// What ends it.
    pub gate: String,
    /// Seconds from the start until its gate is reached, at the earliest.
    pub seconds: f64,
    /// The same when pods take as long as nine of ten that were seen at the most, an estimate; null when none tells.
    #[serde(default)]
    pub likely_seconds: Option<f64>,
    /// Writes in it.
    pub writes: usize,
}

/// Fewest and most at any time.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PodRange {
    /// Fewest.
    pub lowest: i32,
    /// Most.
    pub highest: i32,
}

/// One state of a plan.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanState {
    /// The step, 1-based.
    pub step: i32,
    /// One word for it.
    pub state: String,
    /// Seconds from the start.
    pub seconds: f64,
}

/// One write of a plan.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlanWrite {
    /// The step it belongs to.
    pub step: i32,
    /// Seconds from the start.
    pub seconds: f64,
    /// HTTP method.
    pub verb: String,
    /// Kind and name.
    pub object: String,
    /// Path and query.
    #[serde(default)]
    pub path: String,
    /// Media type of the body; empty without one.
    #[serde(default)]
    pub content_type: String,
    /// What must still be so for the server to take it.
    #[serde(default)]
    pub precondition: String,
    /// What it is for.
    pub purpose: String,
    /// The body.
    pub body: Value,
}

/// The schema of what `status` prints.
#[must_use]
pub fn status() -> Schema {
    open(schema_for!(RolloutStatus))
}

/// The schema of what `explain` prints.
#[must_use]
pub fn explanation() -> Schema {
    open(schema_for!(RolloutExplanation))
}

/// The schema of what `status` prints of a workload that no Rollout releases.
#[must_use]
pub fn workload() -> Schema {
    open(schema_for!(WorkloadStatus))
}

/// The schema of what `history` prints.
#[must_use]
pub fn history() -> Schema {
    open(schema_for!(RolloutHistory))
}

/// The schema of what `plan` prints.
#[must_use]
pub fn plan() -> Schema {
    open(schema_for!(RolloutPlan))
}

/// The schema of what `lint` prints.
#[must_use]
pub fn lint() -> Schema {
    open(schema_for!(LintReport))
}

/// Readers must take what a later minor adds; only our own tests are strict.
fn open(mut schema: Schema) -> Schema {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("additionalProperties");
                fields.values_mut().for_each(strip);
            }
            Value::Array(values) => values.iter_mut().for_each(strip),
            _ => {}
        }
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("additionalProperties");
        fields.values_mut().for_each(strip);
    }
    schema
}
