//! What the demo can show.

/// A release to be shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scenario {
    /// A few pods of the new version beside the old ones, with their share of the traffic.
    #[default]
    Canary,
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
}

impl Scenario {
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
        let with = if self.has_traffic() {
            ", Service, Ingress"
        } else {
            ", Service"
        };
        let steps = match self {
            Self::Canary => "a canary of three steps: 20%, 50%, 100%",
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
