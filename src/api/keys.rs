//! Every label, annotation, finalizer and manager name that the engine reads or writes, and who writes it.

/// API group of Rollouts.
pub const GROUP: &str = "rollouts.kruise.io";

/// Label on workloads at rest and during releases (`deployment`); written by the engine and by the controller.
/// The hold policy and upstream's webhook select by it.
pub const WORKLOAD_TYPE: &str = "rollouts.kruise.io/workload-type";

/// Label on the workload: revision of the pods present before the release. Written by the engine (upstream: webhook).
pub const STABLE_REVISION: &str = "rollouts.kruise.io/stable-revision";

/// Annotation on the workload: the mark "a release is under way" with the originals that the hold replaced, as JSON
/// (`workload::Mark`). Written by the hold (atomic, policy, late), removed by the engine's last write.
/// Upstream reads only its presence.
pub const IN_PROGRESSING: &str = "rollouts.kruise.io/in-progressing";

/// Label on the extra canary Deployment: name of the stable one. Written by the engine.
pub const CANARY_DEPLOYMENT: &str = "rollouts.kruise.io/canary-deployment";

/// Label on new pods: which release brought them. Written by the engine.
pub const ROLLOUT_ID: &str = "rollouts.kruise.io/rollout-id";

/// Label on new pods: the 1-based step that brought them. Written by the engine.
pub const ROLLOUT_BATCH_ID: &str = "rollouts.kruise.io/rollout-batch-id";

/// Finalizer on the Rollout while a release is under way. Written by the engine (upstream: always present).
pub const ROLLOUT_FINALIZER: &str = "rollouts.kruise.io/rollout";

/// Label that the Deployment controller puts on ReplicaSets and pods.
pub const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// Label that the StatefulSet, DaemonSet and CloneSet controllers put on pods: the revision they were made from.
pub const CONTROLLER_REVISION_HASH: &str = "controller-revision-hash";

/// Annotation of a pod: those with less of it go first; written by the user.
pub const POD_DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Label by which Kruise marks a pod that is to be replaced; its own.
pub const SPECIFIED_DELETE: &str = "apps.kruise.io/specified-delete";

/// Label on pods that need no update in a rollback in batches: the release they need none in. Written by the engine.
pub const NO_NEED_UPDATE: &str = "rollouts.kruise.io/no-need-update";

/// Annotation of a Rollout, written by the user: `true` takes a version back in the same batches (no traffic routing;
/// StatefulSets and CloneSets).
pub const ROLLBACK_IN_BATCH: &str = "rollouts.kruise.io/rollback-in-batch";

/// Suffix of the name that a HorizontalPodAutoscaler aims at while a blue-green release is under way.
pub const DISABLED_AUTOSCALER: &str = "-DisableByRollout";

/// Annotation by which v1alpha1 chooses between extra canary and partition style.
pub const ROLLING_STYLE: &str = "rollouts.kruise.io/rolling-style";

/// Annotation that binds a Rollout to a TrafficRouting object. Written by the user.
pub const TRAFFIC_ROUTING: &str = "rollouts.kruise.io/trafficrouting";

/// Finalizer on a TrafficRouting for good, by upstream's controller; ours goes away with the last release. Removed by the
/// engine from one that is being deleted.
pub const TRAFFIC_ROUTING_FINALIZER: &str = "rollouts.kruise.io/trafficrouting";

/// Annotation on a TrafficRouting that is held: its `objectRef` as the split was made, so that what somebody takes out of it
/// in the middle can be taken back. Written by the first engine that holds it, removed by the last.
pub const TRAFFIC_ROUTING_OPENED: &str = "rollouts.kruise.io/opened-object-ref";

/// How the finalizers begin by which Rollouts hold a TrafficRouting; the Rollout's name follows. Written and removed by the
/// engine and by the controller.
pub const TRAFFIC_ROUTING_HOLDER: &str = "progressing.rollouts.kruise.io/";

/// Annotation of a ReplicaSet by which the Deployment controller tells that its Deployment was scaled; its own.
pub const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";

/// Annotation by which the Deployment controller numbers revisions; its own.
pub const REVISION: &str = "deployment.kubernetes.io/revision";

/// Annotation of a ReplicaSet: the most pods its Deployment may have; the Deployment controller scales by it.
pub const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";

/// Field manager of every engine write. The hold policies let it pass (cooperative marker).
pub const FIELD_MANAGER: &str = "rollouts-engine";

/// Annotation of a route that is edited in place: its spec before the release, as JSON. Written and removed by the engine and
/// by the controller.
pub const ORIGINAL_SPEC: &str = "rollouts.kruise.io/original-spec-configuration";

/// Annotation of a canary Ingress whose class has a script: the keys of the annotations that the script set, by commas. Written
/// by the engine.
pub const SCRIPT_ANNOTATIONS: &str = "rollouts.kruise.io/script-annotations";

/// Label by which pods of the new version are told in a DestinationRule's subset. Written by the user, in the Rollout's
/// `patchPodTemplateMetadata`.
pub const ISTIO_TAG: &str = "istio.service.tag";

/// Annotation of a Rollout, written by the user: which steps are judged by which AnalysisTemplates, with which args; a JSON
/// list of `analysis_template::Binding`. An annotation, so that upstream's definition of a Rollout stays as it is.
pub const ANALYSIS: &str = "rollouts.kruise.io/analysis";

/// Annotation of a Rollout: what was measured in the step under way or the last one, as JSON (`analysis::Record`). Written by
/// the engine; stays after the release, for `status`, until the next measures.
pub const ANALYSIS_RESULTS: &str = "rollouts.kruise.io/analysis-results";
