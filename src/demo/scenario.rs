//! What the demo can show.

/// A release to be shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scenario {
    /// A few pods of the new version beside the old ones, with their share of the traffic.
    #[default]
    Canary,
    /// The new version for some users only, told by a header, and then for all.
    Ab,
    /// A Deployment whose pods are replaced in batches.
    Batches,
    /// A whole second set of pods, then the traffic.
    BlueGreen,
    /// A StatefulSet, in batches.
    StatefulSet,
    /// A canary that is taken back at its first pause.
    Rollback,
    /// A canary whose pods never become ready.
    Stuck,
    /// Nothing but the cluster and the engine, for manifests of one's own.
    Empty,
}

impl Scenario {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Canary,
        Self::Ab,
        Self::BlueGreen,
        Self::Batches,
        Self::StatefulSet,
        Self::Rollback,
        Self::Stuck,
        Self::Empty,
    ];

    /// What is typed for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Ab => "ab",
            Self::BlueGreen => "blue-green",
            Self::Batches => "batches",
            Self::StatefulSet => "statefulset",
            Self::Rollback => "rollback",
            Self::Stuck => "stuck",
            Self::Empty => "empty",
        }
    }

    /// What it shows, in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Canary => "a few new pods beside the old ones, with 20%, 50% and then all of the traffic",
            Self::Ab => {
                "the new version for requests with one header first, then for half of all, then for all"
            }
            Self::BlueGreen => "a whole second set of pods, then the traffic",
            Self::Batches => "a Deployment's own pods replaced in batches, without traffic",
            Self::StatefulSet => "a StatefulSet's pods replaced in batches, the last ordinal first",
            Self::Rollback => "a canary that is taken back at its first pause",
            Self::Stuck => "a canary whose pods crash: how that is told, and the way back",
            Self::Empty => "nothing but the cluster and the engine, for manifests of your own; with --serve",
        }
    }

    /// Kind of the workload, as it stands in objects.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::StatefulSet => "StatefulSet",
            _ => "Deployment",
        }
    }

    /// Whether traffic is split.
    #[must_use]
    pub fn has_traffic(self) -> bool {
        !matches!(self, Self::Batches | Self::StatefulSet)
    }

    /// What is there before the release begins, in two lines.
    #[must_use]
    pub fn introduction(self) -> [String; 2] {
        if self == Self::Empty {
            return [
                "A cluster in memory, with nothing in it: bring your own manifests.".to_owned(),
                "Kinds of Kruise, Gateway API and Istio are served, and new versions are held.".to_owned(),
            ];
        }
        let with = if self.has_traffic() {
            ", Service, Ingress"
        } else {
            ", Service"
        };
        let steps = match self {
            Self::Canary => "a canary of three steps: 20%, 50%, 100%",
            Self::Ab => "a canary for requests with user-agent: android first, then for 50%, then for all",
            Self::Empty => "",
            Self::Batches => "batches: 1 pod, 60%, all of them",
            Self::BlueGreen => "blue-green: all new pods first, then half of the traffic, then all of it",
            Self::StatefulSet => "batches by ordinal: the last pod, then 60%, then all of them",
            Self::Rollback => "a canary that is taken back at its first pause",
            Self::Stuck => "a canary whose pods crash: no step may take longer than 6 s",
        };
        [
            format!(
                "A cluster in memory, with {}{with} and Rollout \"web\":",
                self.kind()
            ),
            format!("5 pods of v1, and {steps}."),
        ]
    }
}
