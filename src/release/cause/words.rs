//! The stable name of each cause, and its sentence.

use std::fmt;

use super::Cause;

impl Cause {
    /// The name in JSON; it does not change.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::WaitingForApproval { .. } => "WaitingApproval",
            Self::TimedPause { .. } => "TimedPause",
            Self::ManualPause => "ManualPause",
            Self::Disabled => "Disabled",
            Self::Deleting => "Deleting",
            Self::RollingBack => "RollingBack",
            Self::Superseded => "Superseded",
            Self::RollBackFirst => "RollBackFirst",
            Self::NoProgress { .. } => "NoProgress",
            Self::ControllerAbsent { .. } => "ControllerAbsent",
            Self::NotLeading { .. } => "NotLeading",
            Self::ControllerLagging { .. } => "ControllerLagging",
            Self::WebhookBypassed => "WebhookBypassed",
            Self::WorkloadNotObserved { .. } => "WorkloadGenerationNotObserved",
            Self::RevisionUnknown => "RevisionHashUnknown",
            Self::StableUnknown => "StableRevisionUnknown",
            Self::InvalidRollout { .. } => "InvalidRollout",
            Self::WorkloadMissing { .. } => "WorkloadMissing",
            Self::TwoRollouts { .. } => "TwoRolloutsOneWorkload",
            Self::OrphanBatchRelease { .. } => "OrphanBatchRelease",
            Self::StaleMark { .. } => "StaleInProgressAnnotation",
            Self::QuotaExceeded { .. } => "QuotaExceeded",
            Self::LimitRange { .. } => "LimitRange",
            Self::PodSecurity { .. } => "PodSecurity",
            Self::AdmissionDenied { .. } => "AdmissionDenied",
            Self::AdmissionUnreachable { .. } => "AdmissionUnreachable",
            Self::ServiceAccountMissing { .. } => "ServiceAccountMissing",
            Self::CreationFailed { .. } => "CreationFailed",
            Self::ImageNotFound { .. } => "ImageNotFound",
            Self::ImageAuth { .. } => "ImageAuth",
            Self::RegistryRateLimit { .. } => "RegistryRateLimit",
            Self::RegistryUnreachable { .. } => "RegistryUnreachable",
            Self::BadImageName { .. } => "BadImageName",
            Self::NeverPulled { .. } => "NeverPull",
            Self::ImagePull { .. } => "ImagePull",
            Self::CrashLoop { .. } => "CrashLoop",
            Self::ContainerFailed { .. } => "ContainerFailed",
            Self::ConfigMissing { .. } => "ConfigMissing",
            Self::VolumeNotMounted { .. } => "VolumeMount",
            Self::VolumeNotAttached { .. } => "VolumeAttach",
            Self::Unschedulable { .. } => "Unschedulable",
            Self::NodeNotReady { .. } => "NodeNotReady",
            Self::PodLost { .. } => "PodLost",
            Self::SidecarBlocks { .. } => "SidecarBlocks",
            Self::ProbeFailing { .. } => "ProbeFailing",
            Self::ContainerNotReady { .. } => "ContainerNotReady",
            Self::ReadinessGateFalse { .. } => "ReadinessGateFalse",
            Self::MinReadyCountdown { .. } => "MinReadyCountdown",
            Self::TerminatingStuck { .. } => "TerminatingStuck",
            Self::ContainersNotStarted => "ContainersNotStarted",
            Self::OrderBlocked { .. } => "OrderBlocked",
            Self::BatchNotReady { .. } => "BatchNotReady",
            Self::PdbBlocks { .. } => "PDBBlocks",
            Self::HpaFighting { .. } => "HPAFighting",
            Self::ReplicaDrift { .. } => "ReplicaDrift",
            Self::GitOpsReverts { .. } => "GitOpsReverts",
            Self::TrafficObjectMissing { .. } => "TrafficObjectMissing",
            Self::ServiceSelectorMismatch { .. } => "ServiceSelectorMismatch",
            Self::RouteNotAccepted { .. } => "RouteNotAccepted",
            Self::LuaMissing { .. } => "LuaMissing",
            Self::TrafficBlocked { .. } => "TrafficBlocked",
            Self::WeightNotApplied { .. } => "WeightNotApplied",
            Self::NoEndpoints { .. } => "NoEndpoints",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaitingForApproval { step, total } => {
                write!(f, "step {step} of {total} is done and waits for an approval")
            }
            Self::TimedPause { step, total, .. } => {
                write!(f, "step {step} of {total} is paused until its time is up")
            }
            Self::ManualPause => f.write_str("the release is paused: spec.strategy.paused is set"),
            Self::Disabled => f.write_str("the Rollout is disabled: nothing it names is released in steps"),
            Self::Deleting => f.write_str("the Rollout is being deleted, its traces are being removed"),
            Self::RollingBack => f.write_str("the release is being taken back"),
            Self::Superseded => f.write_str("a newer version took the place of the one under way; its steps begin anew"),
            Self::RollBackFirst => {
                f.write_str("a newer version came in the middle of a blue-green release, which has to be rolled back first")
            }
            Self::NoProgress { why } => f.write_str(why),
            Self::ControllerAbsent { is_paused: false } => {
                f.write_str("nobody acts on this Rollout: no engine is running")
            }
            Self::ControllerAbsent { is_paused: true } => f.write_str(
                "no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone",
            ),
            Self::NotLeading { holder, .. } => {
                write!(f, "the engine {holder:?} has stopped renewing its Lease: it is gone or stuck")
            }
            Self::ControllerLagging { generation, observed } => write!(
                f,
                "the controller has not looked at generation {generation} of the Rollout yet, only at {observed}"
            ),
            Self::WebhookBypassed => f.write_str(
                "a new version went out by itself: nothing held it back when the workload was changed",
            ),
            Self::WorkloadNotObserved { generation, observed } => write!(
                f,
                "the workload's own controller has not seen its last change (generation {generation}, seen {observed})"
            ),
            Self::StableUnknown => f.write_str(
                "the controller never noted which revision is stable, and moves no traffic without it: only a rollback leads on",
            ),
            Self::RevisionUnknown => f.write_str("the new version has no revision yet: its pods cannot be told apart"),
            Self::InvalidRollout { why } => write!(f, "the Rollout is invalid: {why}"),
            Self::WorkloadMissing { kind, name } => write!(f, "{kind} {name:?} does not exist"),
            Self::TwoRollouts { other } => write!(f, "Rollout {other:?} names the same workload"),
            Self::OrphanBatchRelease { name } => {
                write!(f, "BatchRelease {name:?} of a Rollout that is gone still holds the workload")
            }
            Self::StaleMark { rollout } => write!(
                f,
                "the workload is marked as being released by Rollout {rollout:?}, which is not this one"
            ),
            Self::QuotaExceeded { quota, detail } => {
                write!(f, "pods cannot be created: quota {quota:?} is used up ({detail})")
            }
            Self::LimitRange { detail } => write!(f, "pods cannot be created: a LimitRange forbids them ({detail})"),
            Self::PodSecurity { detail } => write!(f, "pods cannot be created: pod security forbids them ({detail})"),
            Self::AdmissionDenied { by, detail } => {
                write!(f, "pods cannot be created: {by} denies them ({detail})")
            }
            Self::AdmissionUnreachable { webhook } => {
                write!(f, "pods cannot be created: the admission webhook {webhook:?} does not answer")
            }
            Self::ServiceAccountMissing { name } => {
                write!(f, "pods cannot be created: service account {name:?} does not exist")
            }
            Self::CreationFailed { detail } => write!(f, "pods cannot be created: {detail}"),
            Self::ImageNotFound { image } => write!(f, "image {image} is not in the registry"),
            Self::ImageAuth { image } => write!(f, "the registry does not give out image {image}: no or wrong credentials"),
            Self::RegistryRateLimit { image } => write!(f, "the registry's rate limit keeps image {image} from being pulled"),
            Self::RegistryUnreachable { image } => write!(f, "the registry of image {image} cannot be reached"),
            Self::BadImageName { image } => write!(f, "image {image:?} is no valid name"),
            Self::NeverPulled { image } => {
                write!(f, "image {image} is not on the node, and imagePullPolicy is Never")
            }
            Self::ImagePull { image } => write!(f, "image {image} cannot be pulled"),
            Self::CrashLoop { container, code, reason } => {
                write!(f, "container {container} keeps crashing")?;
                match (reason.as_str(), code) {
                    ("OOMKilled", _) => f.write_str(": out of memory (OOMKilled)"),
                    (_, Some(code)) => write!(f, ": {}", exit(*code)),
                    (_, None) => Ok(()),
                }
            }
            Self::ContainerFailed { container, detail } => write!(f, "container {container} cannot be started: {detail}"),
            Self::ConfigMissing { what } => write!(f, "{what}"),
            Self::VolumeNotMounted { detail } => write!(f, "a volume cannot be mounted: {detail}"),
            Self::VolumeNotAttached { detail } => write!(f, "a volume cannot be attached: {detail}"),
            Self::Unschedulable { nodes, reasons } => {
                let all: Vec<String> = reasons
                    .iter()
                    .map(|(count, why)| match count {
                        0 => why.clone(),
                        count => format!("{count} {why}"),
                    })
                    .collect();
                match nodes {
                    0 if all.is_empty() => f.write_str("no node takes the pod"),
                    0 => write!(f, "no node takes the pod: {}", all.join(", ")),
                    nodes => write!(f, "none of {nodes} nodes takes the pod: {}", all.join(", ")),
                }
            }
            Self::NodeNotReady { node } => write!(f, "node {node} is not ready"),
            Self::PodLost { reason } => write!(f, "the pod is lost: {reason}"),
            Self::SidecarBlocks { container } => {
                write!(f, "init container {container} has not come to its end, and the others wait for it")
            }
            Self::ProbeFailing { kind, container, detail } => {
                write!(f, "the {kind} probe of container {container} fails: {detail}")
            }
            Self::ContainerNotReady { container } => write!(f, "container {container} runs and is not ready"),
            Self::ReadinessGateFalse { gate, detail } => {
                write!(f, "readiness gate {gate} is not true")?;
                if detail.is_empty() { Ok(()) } else { write!(f, ": {detail}") }
            }
            Self::MinReadyCountdown { seconds } => {
                write!(f, "ready, and available {seconds} s after that (minReadySeconds)")
            }
            Self::TerminatingStuck { finalizers } if finalizers.is_empty() => {
                f.write_str("the pod should be gone by now, and its node has not ended it")
            }
            Self::TerminatingStuck { finalizers } => {
                write!(f, "the pod cannot go before its finalizers are removed: {}", finalizers.join(", "))
            }
            Self::ContainersNotStarted => f.write_str("the node has not started any container yet"),
            Self::OrderBlocked { pod, last } => {
                write!(f, "{pod} stays at its version in this step and is not ready: pods start in order, so no new one does")?;
                last.map_or(Ok(()), |last| write!(f, "; step {last} replaces it"))
            }
            Self::BatchNotReady { ready, wanted } => write!(f, "{ready} of {wanted} new pods are ready"),
            Self::PdbBlocks { name } => write!(f, "PodDisruptionBudget {name:?} allows no pod to be evicted now"),
            Self::HpaFighting { name, wants, has } => {
                write!(f, "HorizontalPodAutoscaler {name:?} wants {wants} pods, the workload says {has}")
            }
            Self::ReplicaDrift { wanted, has } => {
                write!(f, "the workload should have {wanted} pods and has {has}: it is paused, so nobody scales it")
            }
            Self::GitOpsReverts { manager } => {
                write!(f, "{manager:?} writes the field that holds the new version back (spec.paused)")
            }
            Self::TrafficObjectMissing { kind, name } => write!(f, "{kind} {name:?} does not exist"),
            Self::ServiceSelectorMismatch { service } => {
                write!(f, "Service {service:?} selects none of the workload's pods")
            }
            Self::RouteNotAccepted { route, detail } => write!(f, "{route} is not accepted by its gateway: {detail}"),
            Self::LuaMissing { why } | Self::TrafficBlocked { why } => write!(f, "traffic cannot be split: {why}"),
            Self::WeightNotApplied { route, wanted, set } => {
                write!(f, "{route} sends {set} to the new version, the step wants {wanted}")
            }
            Self::NoEndpoints { service } => write!(f, "Service {service:?} has no ready pod behind it"),
        }
    }
}

/// An exit code in words; above 128 it is a signal.
fn exit(code: i64) -> String {
    let name = match code {
        129 => "SIGHUP",
        130 => "SIGINT",
        132 => "SIGILL",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        143 => "SIGTERM",
        _ => return format!("exit code {code}"),
    };
    format!("exit code {code}, {name}")
}
