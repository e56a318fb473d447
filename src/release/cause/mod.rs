//! Why a release does not go on: each cause with the detector that finds it, the evidence it rests on, a sentence, who
//! acts next, and the command to type. Pure: everything is read from objects as they are. Nothing is named without
//! evidence, and identical pods are one finding.

mod container;
mod creation;
mod engine;
mod gate;
mod image;
mod placement;
mod pods;
mod redaction;
mod remedy;
mod rival;
mod route;
mod scene;
mod words;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use redaction::redacted;
pub use scene::{Engine, Scene, Sight};

/// A cause. [`Cause::id`] is stable; `Display` is the sentence.
#[expect(missing_docs, reason = "the sentence of each cause says what its fields are")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cause {
    /// A step waits for a human.
    WaitingForApproval { step: i32, total: i32 },
    /// A step waits for time.
    TimedPause { step: i32, total: i32, seconds: i64 },
    /// `spec.strategy.paused` is set.
    ManualPause,
    /// `spec.disabled` is set.
    Disabled,
    /// The Rollout is being deleted.
    Deleting,
    /// The release is being taken back.
    RollingBack,
    /// A newer version took the place of the one under way.
    Superseded,
    /// A newer version came in the middle of a blue-green release.
    RollBackFirst,
    /// Nothing moved for longer than the deadline, and nothing more precise was seen.
    NoProgress { why: String },

    /// Something is to be done, and no engine is there to do it.
    ControllerAbsent { is_paused: bool },
    /// The controller's Lease was not renewed.
    NotLeading { holder: String, seconds: i64 },
    /// The controller leads, and has not looked at the present spec.
    ControllerLagging { generation: i64, observed: i64 },
    /// The workload went out without being held.
    WebhookBypassed,
    /// The workload's own controller has not seen its last change.
    WorkloadNotObserved { generation: i64, observed: i64 },
    /// The revision of the new version is not known yet.
    RevisionUnknown,
    /// Nobody noted which revision is stable, so that the controller moves no traffic.
    StableUnknown,
    /// The Rollout cannot be followed.
    InvalidRollout { why: String },
    /// The workload does not exist.
    WorkloadMissing { kind: String, name: String },
    /// Two Rollouts name one workload.
    TwoRollouts { other: String },
    /// A BatchRelease whose Rollout is gone holds the workload.
    OrphanBatchRelease { name: String },
    /// The workload carries the mark of a release that no Rollout knows of.
    StaleMark { rollout: String },

    /// A quota leaves no room.
    QuotaExceeded { quota: String, detail: String },
    /// A LimitRange forbids the pods.
    LimitRange { detail: String },
    /// Pod security forbids the pods.
    PodSecurity { detail: String },
    /// An admission webhook or policy forbids the pods.
    AdmissionDenied { by: String, detail: String },
    /// An admission webhook does not answer.
    AdmissionUnreachable { webhook: String },
    /// The pods' service account does not exist.
    ServiceAccountMissing { name: String },
    /// Pods cannot be created, for another reason.
    CreationFailed { detail: String },

    /// The registry has no such image.
    ImageNotFound { image: String },
    /// The registry does not let the nodes have the image.
    ImageAuth { image: String },
    /// The registry has had enough of us.
    RegistryRateLimit { image: String },
    /// The registry cannot be reached.
    RegistryUnreachable { image: String },
    /// The name of the image is not valid.
    BadImageName { image: String },
    /// The image is not on the node, and may not be pulled.
    NeverPulled { image: String },
    /// The image cannot be pulled; the kubelet does not say why.
    ImagePull { image: String },
    /// A container ends again and again.
    CrashLoop {
        container: String,
        code: Option<i64>,
        reason: String,
    },
    /// A container cannot be started.
    ContainerFailed { container: String, detail: String },
    /// A Secret, a ConfigMap or a key of one is missing.
    ConfigMissing { what: String },
    /// A volume cannot be mounted.
    VolumeNotMounted { detail: String },
    /// A volume cannot be attached to the node.
    VolumeNotAttached { detail: String },
    /// No node takes the pod.
    Unschedulable { nodes: i64, reasons: Vec<(i64, String)> },
    /// The node is not ready.
    NodeNotReady { node: String },
    /// The pod was lost: evicted, or its node is gone.
    PodLost { reason: String },
    /// An init container or a sidecar keeps the others waiting.
    SidecarBlocks { container: String },
    /// A probe fails.
    ProbeFailing {
        kind: String,
        container: String,
        detail: String,
    },
    /// A container runs and is not ready; no failed probe was seen.
    ContainerNotReady { container: String },
    /// A readiness gate is not true.
    ReadinessGateFalse { gate: String, detail: String },
    /// Pods are ready, but not for long enough.
    MinReadyCountdown { seconds: i64 },
    /// A pod does not go.
    TerminatingStuck { finalizers: Vec<String> },
    /// The node has not started any container yet.
    ContainersNotStarted,
    /// A pod that the step leaves as it is does not become ready, and the workload starts its pods in order. With the last step
    /// it goes: worth it when none of those that stay serves.
    OrderBlocked { pod: String, last: Option<i32> },
    /// Fewer pods are ready than the step wants, and nothing more precise was seen.
    BatchNotReady { ready: i64, wanted: i64 },

    /// A disruption budget allows no eviction.
    PdbBlocks { name: String },
    /// An autoscaler and the release want different sizes.
    HpaFighting { name: String, wants: i64, has: i64 },
    /// The workload has another size than its spec says.
    ReplicaDrift { wanted: i64, has: i64 },
    /// Somebody writes the fields that hold the new version back.
    GitOpsReverts { manager: String },

    /// A Service, Ingress or route that the Rollout names does not exist.
    TrafficObjectMissing { kind: String, name: String },
    /// The Service selects none of the pods.
    ServiceSelectorMismatch { service: String },
    /// A gateway does not take the route.
    RouteNotAccepted { route: String, detail: String },
    /// No script says how to split this kind of route.
    LuaMissing { why: String },
    /// Traffic cannot be split as asked.
    TrafficBlocked { why: String },
    /// The route has another weight than the step wants.
    WeightNotApplied {
        route: String,
        wanted: String,
        set: String,
    },
    /// A Service has no ready endpoint.
    NoEndpoints { service: String },
}

/// Who has to act for a cause to go away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// The user.
    You,
    /// The engine: the controller in the cluster, or a `run`.
    Engine,
    /// The workload's own controller.
    Controller,
    /// The kubelet of a node.
    Kubelet,
    /// A registry.
    Registry,
    /// The scheduler.
    Scheduler,
    /// Time.
    Clock,
    /// Nobody: nothing is wrong.
    Nobody,
}

impl Who {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Engine => "the engine",
            Self::Controller => "the workload's controller",
            Self::Kubelet => "the node",
            Self::Registry => "the registry",
            Self::Scheduler => "the scheduler",
            Self::Clock => "time",
            Self::Nobody => "nobody",
        }
    }

    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::You => "human",
            Self::Engine => "engine",
            Self::Controller => "controller",
            Self::Kubelet => "kubelet",
            Self::Registry => "registry",
            Self::Scheduler => "scheduler",
            Self::Clock => "clock",
            Self::Nobody => "none",
        }
    }
}

/// Where something was read that a finding rests on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evidence {
    /// `pod/web-1`.
    pub object: String,
    /// Path of the field, or the kind of message.
    pub field: String,
    /// What stands there, redacted.
    pub value: String,
}

impl Evidence {
    /// Notes what stands in a field; secrets in it are not kept.
    pub(crate) fn new(object: impl Into<String>, field: impl Into<String>, value: impl AsRef<str>) -> Self {
        Self {
            object: object.into(),
            field: field.into(),
            value: redacted(value.as_ref()),
        }
    }
}

/// A cause that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The cause.
    pub cause: Cause,
    /// Whose pods it is about: `new`, `stable`, `other`; empty when it is about none.
    pub version: &'static str,
    /// Names of these pods, sorted.
    pub pods: Vec<String>,
    /// Pods of that version.
    pub of: usize,
    /// Whether it keeps the release from going on now.
    pub blocks: bool,
    /// Since when it holds, where that is known.
    pub since: Option<Timestamp>,
    /// What it rests on; of alike pods that of the first.
    pub evidence: Vec<Evidence>,
    /// What to type next.
    pub command: Option<String>,
}

impl Finding {
    /// A finding that is about no pods.
    pub(crate) fn new(cause: Cause, blocks: bool, since: Option<Timestamp>, evidence: Vec<Evidence>) -> Self {
        Self {
            cause,
            version: "",
            pods: Vec::new(),
            of: 0,
            blocks,
            since,
            evidence,
            command: None,
        }
    }

    /// The sentence, with how many pods it is about.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.pods.len() {
            0 => self.cause.to_string(),
            count => format!("{count} of {} {} pods: {}", self.of, self.version, self.cause),
        }
    }

    /// Whether it stops the release, and waiting does not help.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.blocks && !self.cause.heals()
    }

    /// Who has to act.
    #[must_use]
    pub fn who(&self) -> Who {
        self.cause.who()
    }

    /// The object of `-o json`.
    #[must_use]
    pub fn document(&self) -> Value {
        let evidence = self
            .evidence
            .iter()
            .map(|e| json!({ "object": e.object, "field": e.field, "value": e.value }));
        json!({
            "id": self.cause.id(),
            "message": self.sentence(),
            "blocks": self.blocks,
            "healsByItself": self.cause.heals(),
            "actor": self.who().word(),
            "version": (!self.version.is_empty()).then_some(self.version),
            "pods": self.pods,
            "share": (self.of > 0).then(|| json!({ "affected": self.pods.len(), "of": self.of })),
            "since": self.since,
            "evidence": evidence.collect::<Vec<_>>(),
            "command": self.command,
        })
    }
}

/// Finds every cause, the one to look at first in front: what blocks the release now, in the order in which causes hide
/// each other, then by the share of pods, then the oldest.
#[must_use]
pub fn causes(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    engine::detect(scene, &mut found);
    gate::detect(scene, &mut found);
    rival::detect(scene, &mut found);
    creation::detect(scene, &mut found);
    pods::detect(scene, &mut found);
    route::detect(scene, &mut found);
    // What is only the shadow of something that was found is not said as well.
    let explained = found
        .iter()
        .any(|finding| finding.blocks && finding.cause.explains());
    found.retain(|finding| !(explained && finding.cause.is_shadow()));
    for finding in &mut found {
        let pod = finding.pods.first().map(String::as_str);
        finding.command = finding.cause.command(scene, pod, finding.version);
    }
    found.sort_by_key(|finding| {
        let share = (finding.pods.len() * 1000).checked_div(finding.of).unwrap_or(0);
        (
            !finding.blocks,
            finding.cause.rank(),
            Reverse(share),
            finding.since.unwrap_or(Timestamp::MAX),
        )
    });
    found
}
