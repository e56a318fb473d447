//! The rules by name: what each says, how much it matters, and what to do.

use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The release cannot be carried out as it is written.
    Error,
    /// It can, and does something else than it seems to say.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word for it, which is also that of SARIF.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A rule. Ids do not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// The object cannot be read as what it says it is.
    Unreadable,
    /// A field that no API server keeps.
    UnknownField,
    /// A Rollout of v1alpha1.
    OldVersion,
    /// `spec.workloadRef`: the kind, the name, another Rollout of the same workload, its update strategy.
    WorkloadRef,
    /// `spec.strategy` as a whole.
    Strategy,
    /// The number of pods of a step, or the order of steps.
    StepReplicas,
    /// The requests of a step.
    StepTraffic,
    /// The pause of a step.
    StepPause,
    /// What of a routing is set.
    TrafficRouting,
    /// Labels and annotations laid over new pods.
    PodMetadata,
    /// Metric gates and their templates.
    MetricGate,
    /// An object that the Rollout names.
    MissingObject,
    /// What splits traffic is not known.
    Provider,
    /// What splits traffic cannot do this.
    ProviderLimit,
    /// A Service or a route is not as it must be.
    Route,
    /// What the new pods name: ConfigMaps, Secrets, claims, accounts.
    MissingReference,
    /// The Service selects none of the new pods.
    ServiceSelectsNothing,
    /// A LimitRange refuses the new pods.
    LimitRange,
    /// A quota leaves no room.
    Quota,
    /// No node takes the new pods.
    NoNodeFits,
    /// A disruption budget.
    DisruptionBudget,
    /// An autoscaler.
    Autoscaler,
    /// Nothing waits.
    NeverWaits,
    /// A step that changes nothing.
    SameStep,
    /// Pods that nobody asks whether they are ready.
    NotAsked,
}

impl Rule {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 25] = [
        Self::Unreadable,
        Self::UnknownField,
        Self::OldVersion,
        Self::WorkloadRef,
        Self::Strategy,
        Self::StepReplicas,
        Self::StepTraffic,
        Self::StepPause,
        Self::TrafficRouting,
        Self::PodMetadata,
        Self::MetricGate,
        Self::MissingObject,
        Self::Provider,
        Self::ProviderLimit,
        Self::Route,
        Self::MissingReference,
        Self::ServiceSelectsNothing,
        Self::LimitRange,
        Self::Quota,
        Self::NoNodeFits,
        Self::DisruptionBudget,
        Self::Autoscaler,
        Self::NeverWaits,
        Self::SameStep,
        Self::NotAsked,
    ];

    /// The rule that a validation problem with a field is one of.
    #[must_use]
    pub fn of_field(field: &str) -> Self {
        let ends = |tail: &str| field.ends_with(tail);
        match field {
            _ if field.contains("patchPodTemplateMetadata") => Self::PodMetadata,
            _ if field.contains("trafficRouting") => Self::TrafficRouting,
            _ if ends(".replicas") || ends(".steps") => Self::StepReplicas,
            _ if ends(".traffic") || ends(".weight") || field.contains("matches") => Self::StepTraffic,
            _ if ends(".pause.duration") => Self::StepPause,
            _ if ends("workloadRef") => Self::WorkloadRef,
            _ => Self::Strategy,
        }
    }

    /// What it is called.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.words().0
    }

    /// What it looks for, in one sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.words().1
    }

    /// What to do about a finding.
    #[must_use]
    pub fn fix(self) -> &'static str {
        self.words().2
    }

    /// How much it matters, as a rule.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::UnknownField | Self::NeverWaits => Severity::Warning,
            Self::OldVersion | Self::SameStep | Self::NotAsked => Severity::Note,
            _ => Severity::Error,
        }
    }

    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Unreadable => (
                "unreadable",
                "The object cannot be read as what it says it is.",
                "correct the type of the value: text, number, list or object, as 'kubectl explain rollout.spec' says",
            ),
            Self::UnknownField => (
                "unknown-field",
                "A field that no API server keeps: it is dropped without a word.",
                "correct its name or its place, or take it out",
            ),
            Self::OldVersion => (
                "old-version",
                "A Rollout of v1alpha1.",
                "write it as rollouts.kruise.io/v1beta1: spec.workloadRef, traffic: 20% for weight: 20",
            ),
            Self::WorkloadRef => (
                "workload-ref",
                "The Rollout names a workload that it can release, alone.",
                "name one Deployment, CloneSet, StatefulSet or DaemonSet that no other enabled Rollout names",
            ),
            Self::Strategy => (
                "strategy",
                "The strategy is one, and can be followed.",
                "set spec.strategy.canary or spec.strategy.blueGreen, one of them",
            ),
            Self::StepReplicas => (
                "step-replicas",
                "Every step says how many pods are new, and no fewer than the one before.",
                "give replicas as a number from 1 or a percentage from 1% to 100%, in rising order",
            ),
            Self::StepTraffic => (
                "step-traffic",
                "The requests of a step can be told.",
                "give traffic as a percentage from 1% to 100% (from 0% in blueGreen)",
            ),
            Self::StepPause => (
                "step-pause",
                "A pause is for a human, or for seconds.",
                "give duration in seconds, 0 or more; pause: {} waits for an approval",
            ),
            Self::TrafficRouting => (
                "traffic-routing",
                "A routing names a Service and what routes to it.",
                "name the Service, and the Ingress, the HTTPRoute or the customNetworkRefs that send requests to it",
            ),
            Self::PodMetadata => (
                "pod-metadata",
                "Labels of new pods leave the workload's selector alone.",
                "choose labels that the selector does not name",
            ),
            Self::MetricGate => (
                "metric-gate",
                "Metric gates can be measured.",
                "correct the template or the annotation; 'kubectl kruise rollout gate NAME' measures once",
            ),
            Self::MissingObject => (
                "missing-object",
                "What the Rollout names is there.",
                "make it, or correct the name",
            ),
            Self::Provider => (
                "provider",
                "What splits traffic is known.",
                "use a class or kind that is known, or give a script: 'run --scripts DIR', or the ConfigMap of scripts",
            ),
            Self::ProviderLimit => (
                "provider-limit",
                "What splits traffic can do what the steps ask for.",
                "ask for what it can do, or route with something else: README.md lists them",
            ),
            Self::Route => (
                "route",
                "Service and routes are such that versions can be told apart.",
                "let the route send requests to the Service, and the Service select its pods",
            ),
            Self::MissingReference => (
                "missing-reference",
                "What the new pods name is there.",
                "make it, or correct the name in the pod template",
            ),
            Self::ServiceSelectsNothing => (
                "service-selects-nothing",
                "The Service selects the new pods.",
                "let the Service's selector fit the labels of the pod template",
            ),
            Self::LimitRange => (
                "limit-range",
                "No LimitRange refuses the new pods.",
                "give the containers requests and limits within the LimitRange",
            ),
            Self::Quota => (
                "quota",
                "The quota has room for what the release makes.",
                "raise the quota, or release with fewer pods beside the old ones",
            ),
            Self::NoNodeFits => (
                "no-node-fits",
                "Some node takes the new pods.",
                "correct nodeSelector, affinity and tolerations of the pod template, or the nodes",
            ),
            Self::DisruptionBudget => (
                "disruption-budget",
                "Disruption budgets can be kept.",
                "lower minAvailable, or have more pods",
            ),
            Self::Autoscaler => (
                "autoscaler",
                "No autoscaler works against the release.",
                "expect other numbers of pods, or let the autoscaler rest meanwhile",
            ),
            Self::NeverWaits => (
                "never-waits",
                "Some step waits, for a human, for time or for metrics.",
                "give the first step pause: {} or a duration",
            ),
            Self::SameStep => (
                "same-step",
                "Every step changes something.",
                "give the step other replicas or other traffic, or take it out",
            ),
            Self::NotAsked => (
                "no-readiness-probe",
                "Pods tell when they are ready.",
                "give the container a readinessProbe, or the workload minReadySeconds",
            ),
        }
    }
}
