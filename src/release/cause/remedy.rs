//! Who acts, what to type, and which cause is looked at first.

use serde_json::Value;

use super::{Cause, Engine, Scene, Who};
use crate::{
    api::v1beta1::StepState,
    release::{Role, command::Command},
};

impl Cause {
    /// Who has to act for it to go away.
    #[must_use]
    pub fn who(&self) -> Who {
        match self {
            Self::TimedPause { .. } | Self::MinReadyCountdown { .. } => Who::Clock,
            Self::Deleting | Self::RollingBack | Self::Superseded | Self::ControllerLagging { .. } => {
                Who::Engine
            }
            Self::WorkloadNotObserved { .. } | Self::RevisionUnknown => Who::Controller,
            Self::ContainersNotStarted
            | Self::ContainerNotReady { .. }
            | Self::NodeNotReady { .. }
            | Self::PodLost { .. }
            | Self::VolumeNotAttached { .. }
            | Self::BatchNotReady { .. } => Who::Kubelet,
            Self::RegistryRateLimit { .. } | Self::RegistryUnreachable { .. } => Who::Registry,
            Self::TerminatingStuck { finalizers } if finalizers.is_empty() => Who::Kubelet,
            Self::WeightNotApplied { .. } => Who::Engine,
            _ => Who::You,
        }
    }

    /// Whether waiting may be enough.
    #[must_use]
    pub fn heals(&self) -> bool {
        matches!(
            self.who(),
            Who::Clock | Who::Engine | Who::Controller | Who::Kubelet | Who::Registry
        ) || matches!(
            self,
            Self::ProbeFailing { .. } | Self::SidecarBlocks { .. } | Self::ReadinessGateFalse { .. }
        ) || self.is_decision()
    }

    /// Whether it is only that no engine is there: one may be started any time.
    #[must_use]
    pub fn is_missing_engine(&self) -> bool {
        matches!(self, Self::ControllerAbsent { .. } | Self::NotLeading { .. })
    }

    /// Whether it is something that somebody decided, and no trouble.
    #[must_use]
    pub fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::WaitingForApproval { .. }
                | Self::TimedPause { .. }
                | Self::ManualPause
                | Self::Disabled
                | Self::Deleting
                | Self::RollingBack
                | Self::Superseded
        )
    }

    /// Whether it says why, so that "fewer pods than wanted" and "no progress" are only its shadow.
    pub(super) fn explains(&self) -> bool {
        !self.is_shadow() && !self.is_decision()
    }

    /// Whether it is only what another cause comes to.
    pub(super) fn is_shadow(&self) -> bool {
        matches!(
            self,
            Self::BatchNotReady { .. } | Self::NoProgress { .. } | Self::NoEndpoints { .. }
        )
    }

    /// The order in which causes hide each other: what is behind a cause may be its consequence.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::WorkloadMissing { .. }
            | Self::InvalidRollout { .. }
            | Self::TwoRollouts { .. }
            | Self::RollBackFirst
            | Self::WebhookBypassed
            | Self::StaleMark { .. }
            | Self::OrphanBatchRelease { .. } => 0,
            Self::Disabled | Self::ManualPause => 1,
            Self::TrafficObjectMissing { .. } | Self::LuaMissing { .. } | Self::TrafficBlocked { .. } => 2,
            Self::GitOpsReverts { .. } | Self::HpaFighting { .. } => 3,
            Self::QuotaExceeded { .. }
            | Self::LimitRange { .. }
            | Self::PodSecurity { .. }
            | Self::AdmissionDenied { .. }
            | Self::AdmissionUnreachable { .. }
            | Self::ServiceAccountMissing { .. }
            | Self::CreationFailed { .. } => 4,
            Self::ImageNotFound { .. }
            | Self::ImageAuth { .. }
            | Self::RegistryRateLimit { .. }
            | Self::RegistryUnreachable { .. }
            | Self::BadImageName { .. }
            | Self::NeverPulled { .. }
            | Self::ImagePull { .. }
            | Self::CrashLoop { .. }
            | Self::ContainerFailed { .. }
            | Self::ConfigMissing { .. }
            | Self::VolumeNotMounted { .. }
            | Self::VolumeNotAttached { .. }
            | Self::Unschedulable { .. }
            | Self::NodeNotReady { .. }
            | Self::PodLost { .. } => 5,
            Self::SidecarBlocks { .. }
            | Self::ProbeFailing { .. }
            | Self::ReadinessGateFalse { .. }
            | Self::TerminatingStuck { .. }
            | Self::OrderBlocked { .. }
            | Self::PdbBlocks { .. } => 6,
            Self::RouteNotAccepted { .. }
            | Self::ServiceSelectorMismatch { .. }
            | Self::WeightNotApplied { .. } => 7,
            Self::WorkloadNotObserved { .. } | Self::RevisionUnknown | Self::StableUnknown => 8,
            Self::ControllerAbsent { .. } | Self::NotLeading { .. } | Self::ControllerLagging { .. } => 9,
            Self::WaitingForApproval { .. }
            | Self::TimedPause { .. }
            | Self::Deleting
            | Self::RollingBack
            | Self::Superseded => 10,
            Self::NoEndpoints { .. } => 11,
            Self::ContainersNotStarted
            | Self::ContainerNotReady { .. }
            | Self::MinReadyCountdown { .. }
            | Self::ReplicaDrift { .. } => 12,
            Self::BatchNotReady { .. } => 13,
            Self::NoProgress { .. } => 14,
        }
    }

    /// The command that goes on from here: what remedies, or what shows more.
    pub(super) fn command(&self, scene: &Scene<'_>, pod: Option<&str>, version: &str) -> Option<String> {
        let (namespace, name) = (scene.namespace(), scene.name());
        let ours = |command: Command| Some(scene.text(command));
        // What would throw away a version that nobody has taken up yet is no remedy.
        let leave = || match (scene.is_overtaken, &scene.sight.engine) {
            (false, _) => ours(Command::Rollback),
            (true, Engine::Nobody { .. } | Engine::Expired { .. }) => ours(Command::Run),
            (true, _) => ours(Command::Watch),
        };
        let kubectl = |words: &str| Some(format!("kubectl {words} -n {namespace}"));
        let on_pod = |words: &str| pod.map(|pod| format!("kubectl {words} pod {pod} -n {namespace}"));
        match self {
            Self::WaitingForApproval { .. } if scene.is_overtaken => leave(),
            Self::WaitingForApproval { step, .. } => ours(Command::Approve { step: *step }),
            Self::OrderBlocked { last: Some(last), .. } => ours(Command::Skip { to: *last }),
            Self::OrderBlocked { pod, last: None } => kubectl(&format!("describe pod {pod}")),
            Self::ManualPause => ours(Command::Resume),
            Self::ControllerAbsent { is_paused: true } if scene.position.paused => ours(Command::Resume),
            Self::ControllerAbsent { is_paused: true } => ours(Command::Approve { step: scene.position.step }),
            Self::ControllerAbsent { .. } | Self::NotLeading { .. } => ours(Command::Run),
            // The stable version itself does not become ready: there is nothing to go back to. Without the Rollout the new one
            // goes out at once.
            Self::NoProgress { .. } if scene.position.state == StepState::BeforeStepUpgrade => kubectl(&format!(
                "patch rollouts.rollouts.kruise.io {name} --type merge -p '{{\"spec\":{{\"disabled\":true}}}}'"
            )),
            Self::RollBackFirst | Self::StableUnknown => ours(Command::Rollback),
            Self::NoProgress { .. } => leave(),
            Self::TimedPause { .. }
            | Self::RollingBack
            | Self::Superseded
            | Self::Deleting
            | Self::ControllerLagging { .. }
            | Self::WeightNotApplied { .. } => ours(Command::Watch),
            // The definition refuses another routing in the middle of a release.
            Self::LuaMissing { .. } if scene.position.under_way() => leave(),
            Self::TrafficBlocked { why } if at_fault(why, scene).is_some() => {
                at_fault(why, scene).and_then(|words| kubectl(&words))
            }
            Self::Disabled | Self::InvalidRollout { .. } | Self::LuaMissing { .. } | Self::TrafficBlocked { .. } => {
                kubectl(&format!("edit rollouts.rollouts.kruise.io {name}"))
            }
            Self::WebhookBypassed => Some("kubectl kruise rollout manifests policy".to_owned()),
            Self::TwoRollouts { other } => kubectl(&format!("delete rollouts.rollouts.kruise.io {other}")),
            Self::OrphanBatchRelease { name } => kubectl(&format!("delete batchreleases.rollouts.kruise.io {name}")),
            Self::WorkloadNotObserved { .. }
            | Self::RevisionUnknown
            | Self::ReplicaDrift { .. }
            | Self::StaleMark { .. }
            | Self::GitOpsReverts { .. }
            | Self::BatchNotReady { .. } => kubectl(&format!("describe {}", scene.workload_title())),
            Self::WorkloadMissing { kind, .. } => kubectl(&format!("get {kind}")),
            Self::TrafficObjectMissing { kind, .. } => kubectl(&format!("get {}", kind.to_lowercase())),
            Self::QuotaExceeded { quota, .. } => kubectl(&format!("describe resourcequota {quota}")),
            Self::LimitRange { .. } => kubectl("describe limitrange"),
            Self::PodSecurity { .. } => Some(format!("kubectl get namespace {namespace} --show-labels")),
            Self::AdmissionDenied { .. } | Self::AdmissionUnreachable { .. } => Some(
                "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies"
                    .to_owned(),
            ),
            Self::ServiceAccountMissing { name } => kubectl(&format!("create serviceaccount {name}")),
            Self::CreationFailed { .. } => kubectl(&format!("describe {}", scene.workload_title())),
            Self::CrashLoop { container, .. } => {
                pod.map(|pod| format!("kubectl logs {pod} -c {container} -n {namespace} --previous"))
            }
            Self::SidecarBlocks { container }
            | Self::ProbeFailing { container, .. }
            | Self::ContainerNotReady { container } => {
                pod.map(|pod| format!("kubectl logs {pod} -c {container} -n {namespace}"))
            }
            Self::ImageNotFound { .. } | Self::BadImageName { .. } | Self::ImagePull { .. } => {
                // What the stable version lacks, no rollback brings.
                if scene.position.under_way() && version == Role::New.word() {
                    leave()
                } else {
                    on_pod("describe")
                }
            }
            Self::Unschedulable { .. } => Some("kubectl describe nodes".to_owned()),
            Self::NodeNotReady { node } => Some(format!("kubectl describe node {node}")),
            Self::PdbBlocks { name } => kubectl(&format!("describe pdb {name}")),
            Self::HpaFighting { name, .. } => kubectl(&format!("describe hpa {name}")),
            Self::ServiceSelectorMismatch { service } => kubectl(&format!("describe service {service}")),
            Self::NoEndpoints { service } => kubectl(&format!(
                "get endpointslices -l kubernetes.io/service-name={service}"
            )),
            Self::RouteNotAccepted { route, .. } => kubectl(&format!("describe {route}")),
            Self::ImageAuth { .. }
            | Self::RegistryRateLimit { .. }
            | Self::RegistryUnreachable { .. }
            | Self::NeverPulled { .. }
            | Self::ContainerFailed { .. }
            | Self::ConfigMissing { .. }
            | Self::VolumeNotMounted { .. }
            | Self::VolumeNotAttached { .. }
            | Self::PodLost { .. }
            | Self::ReadinessGateFalse { .. }
            | Self::MinReadyCountdown { .. }
            | Self::TerminatingStuck { .. }
            | Self::ContainersNotStarted => on_pod("describe"),
        }
    }
}

/// What to do with the object of the Rollout's routing that a sentence names first; none where the routing itself is at
/// fault.
fn at_fault(why: &str, scene: &Scene<'_>) -> Option<String> {
    let routing = serde_json::to_value(&scene.rollout.spec.strategy).unwrap_or_default();
    let is_in_the_way = why.contains("is in the way");
    if why.contains("is named in trafficRoutings") || why.contains("would have a name") {
        return None;
    }
    let words: Vec<&str> = why.split_whitespace().collect();
    let object = words.windows(2).find_map(|pair| match pair {
        [kind, name] => {
            let name = name.trim_end_matches([',', ':', ';']);
            // A twin's name is that of the object with an ending.
            let known = name.strip_suffix("-canary").unwrap_or(name);
            let is_named =
                kind.starts_with(char::is_uppercase) && (names(&routing, known) || names(&routing, name));
            is_named.then(|| format!("{} {name}", kind.to_lowercase()))
        }
        _ => None,
    })?;
    let verb = if is_in_the_way { "describe" } else { "edit" };
    Some(format!("{verb} {object}"))
}

/// Whether a text stands somewhere in a value.
fn names(value: &Value, text: &str) -> bool {
    match value {
        Value::String(one) => one == text,
        Value::Array(all) => all.iter().any(|one| names(one, text)),
        Value::Object(all) => all.values().any(|one| names(one, text)),
        _ => false,
    }
}
