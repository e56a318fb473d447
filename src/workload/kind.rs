//! The kinds of workload that are released, and what sets them apart.

use crate::api::{
    keys,
    v1beta1::{ObjectRef, RollingStyle},
};

/// A kind of workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Kind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` DaemonSet.
    DaemonSet,
    /// Kruise's CloneSet.
    CloneSet,
    /// Kruise's StatefulSet.
    AdvancedStatefulSet,
    /// Kruise's DaemonSet.
    AdvancedDaemonSet,
}

/// API group of Kruise's workloads.
pub const KRUISE: &str = "apps.kruise.io";

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::CloneSet,
        Self::AdvancedStatefulSet,
        Self::AdvancedDaemonSet,
    ];

    /// The kind of an object; nothing when it is none of these, or in a version whose fields stand elsewhere (a
    /// `v1beta1` CloneSet keeps its partition in another place, engine-workloads 18, A3).
    #[must_use]
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.kind() == kind && known.api_versions().contains(&api_version))
    }

    /// The kind of an object in whatever version: what all versions share, its pod template above all, may be relied on.
    #[must_use]
    pub fn like(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL
            .into_iter()
            .find(|known| known.kind() == kind && known.group() == group)
    }

    /// The kind that a Rollout names.
    #[must_use]
    pub fn named(reference: &ObjectRef) -> Option<Self> {
        Self::of(&reference.api_version, &reference.kind)
    }

    /// Versions whose fields are known, the usual one first.
    #[must_use]
    pub fn api_versions(self) -> &'static [&'static str] {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => &["apps/v1"],
            Self::CloneSet | Self::AdvancedDaemonSet => &["apps.kruise.io/v1alpha1"],
            Self::AdvancedStatefulSet => &["apps.kruise.io/v1beta1", "apps.kruise.io/v1alpha1"],
        }
    }

    /// API group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::CloneSet | Self::AdvancedStatefulSet | Self::AdvancedDaemonSet => KRUISE,
        }
    }

    /// Name of the kind, as it stands in objects.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet | Self::AdvancedStatefulSet => "StatefulSet",
            Self::DaemonSet | Self::AdvancedDaemonSet => "DaemonSet",
            Self::CloneSet => "CloneSet",
        }
    }

    /// Plural, as it stands in paths.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet | Self::AdvancedStatefulSet => "statefulsets",
            Self::DaemonSet | Self::AdvancedDaemonSet => "daemonsets",
            Self::CloneSet => "clonesets",
        }
    }

    /// Value of the label [`keys::WORKLOAD_TYPE`].
    #[must_use]
    pub fn workload_type(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet | Self::AdvancedStatefulSet => "statefulset",
            Self::DaemonSet | Self::AdvancedDaemonSet => "daemonset",
            Self::CloneSet => "cloneset",
        }
    }

    /// The label by which a Service selects the pods of one version (engine-workloads 6.2).
    #[must_use]
    pub fn revision_label(self) -> &'static str {
        match self {
            Self::Deployment | Self::CloneSet => keys::POD_TEMPLATE_HASH,
            Self::StatefulSet | Self::AdvancedStatefulSet | Self::DaemonSet | Self::AdvancedDaemonSet => {
                keys::CONTROLLER_REVISION_HASH
            }
        }
    }

    /// Whether one pod runs on each node, so that nodes and not a field say how many there are.
    #[must_use]
    pub fn is_per_node(self) -> bool {
        matches!(self, Self::DaemonSet | Self::AdvancedDaemonSet)
    }

    /// The style in which a workload of this kind is released: an extra canary workload is made for Deployments only;
    /// the others are released in batches then, as upstream does.
    #[must_use]
    pub fn style(self, asked: RollingStyle) -> RollingStyle {
        match (self, asked) {
            (Self::Deployment, style) => style,
            (_, RollingStyle::Canary) => RollingStyle::Partition,
            (_, style) => style,
        }
    }

    /// Whether workloads of this kind can be released blue-green.
    #[must_use]
    pub fn has_blue_green(self) -> bool {
        matches!(self, Self::Deployment | Self::CloneSet)
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn is_told_by_group_and_kind() {
        for kind in Kind::ALL {
            for version in kind.api_versions() {
                assert_eq!(Kind::of(version, kind.kind()), Some(kind));
                assert!(version.starts_with(kind.group()));
            }
        }
        let unknown = [
            ("apps/v1", "CloneSet"),
            ("apps.kruise.io/v1beta1", "CloneSet"),
            ("batch/v1", "Job"),
            ("apps/v1", "ReplicaSet"),
        ];
        for (version, kind) in unknown {
            assert_eq!(Kind::of(version, kind), None, "{version} {kind}");
        }
        let alike = unknown.map(|(version, kind)| Kind::like(version, kind));
        assert_eq!(alike, [None, Some(Kind::CloneSet), None, None]);
    }
}
