//! The kinds that commands read and write, and their paths.

/// Which version of the Rollout API the server speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RolloutVersion {
    /// `v1beta1`.
    #[default]
    V1beta1,
    /// `v1alpha1`; only where an old controller is installed.
    V1alpha1,
    /// A newer one, read as `v1beta1` is.
    Newer(&'static str),
}

impl RolloutVersion {
    /// Those whose fields are known, the usual one first.
    pub const KNOWN: [Self; 2] = [Self::V1beta1, Self::V1alpha1];

    /// The name in paths.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1beta1 => "v1beta1",
            Self::V1alpha1 => "v1alpha1",
            Self::Newer(name) => name,
        }
    }

    /// The version of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|version| version.name() == name);
        // One at most in the life of a process, for which a lifetime everywhere would be dear.
        known.unwrap_or_else(|| Self::Newer(name.to_owned().leak()))
    }
}

/// A kind of object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resource {
    /// Rollouts.
    Rollouts(RolloutVersion),
    /// Deployments.
    Deployments,
    /// ReplicaSets.
    ReplicaSets,
    /// Pods.
    Pods,
    /// Services.
    Services,
    /// Ingresses.
    Ingresses,
    /// Leases.
    Leases,
    /// BatchReleases, which only the controller in the cluster makes.
    BatchReleases,
    /// Namespaces.
    Namespaces,
}

impl Resource {
    /// Every kind, for looking one up.
    const ALL: [Self; 9] = [
        Self::Rollouts(RolloutVersion::V1beta1),
        Self::Deployments,
        Self::ReplicaSets,
        Self::Pods,
        Self::Services,
        Self::Ingresses,
        Self::Leases,
        Self::BatchReleases,
        Self::Namespaces,
    ];

    /// The kind with this plural.
    #[must_use]
    pub fn of_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.plural() == plural)
    }

    /// API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Rollouts(_) | Self::BatchReleases => "rollouts.kruise.io",
            Self::Deployments | Self::ReplicaSets => "apps",
            Self::Pods | Self::Services | Self::Namespaces => "",
            Self::Ingresses => "networking.k8s.io",
            Self::Leases => "coordination.k8s.io",
        }
    }

    /// API version.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Rollouts(version) => version.name(),
            Self::BatchReleases => "v1beta1",
            _ => "v1",
        }
    }

    /// Plural, as in the path.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Rollouts(_) => "rollouts",
            Self::Deployments => "deployments",
            Self::ReplicaSets => "replicasets",
            Self::Pods => "pods",
            Self::Services => "services",
            Self::Ingresses => "ingresses",
            Self::Leases => "leases",
            Self::BatchReleases => "batchreleases",
            Self::Namespaces => "namespaces",
        }
    }

    /// Singular, in lower case, as in success lines.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Rollouts(_) => "rollout",
            Self::Deployments => "deployment",
            Self::ReplicaSets => "replicaset",
            Self::Pods => "pod",
            Self::Services => "service",
            Self::Ingresses => "ingress",
            Self::Leases => "lease",
            Self::BatchReleases => "batchrelease",
            Self::Namespaces => "namespace",
        }
    }

    /// `rollouts.rollouts.kruise.io`, `services`: as kubectl names a resource in errors.
    #[must_use]
    pub fn full(self) -> String {
        dotted(self.plural(), self.group())
    }

    /// `rollout.rollouts.kruise.io/demo`: as kubectl names an object in success lines.
    #[must_use]
    pub fn object(self, name: &str) -> String {
        format!("{}/{name}", dotted(self.singular(), self.group()))
    }

    /// The path of the group and version.
    #[must_use]
    pub fn root(self) -> String {
        match self.group() {
            "" => format!("/api/{}", self.version()),
            group => format!("/apis/{group}/{}", self.version()),
        }
    }

    /// The path of the collection; of all namespaces when `namespace` is not given.
    #[must_use]
    pub fn collection(self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) => format!("{}/namespaces/{namespace}/{}", self.root(), self.plural()),
            None => format!("{}/{}", self.root(), self.plural()),
        }
    }
}

fn dotted(word: &str, group: &str) -> String {
    if group.is_empty() {
        word.to_owned()
    } else {
        format!("{word}.{group}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Resource, RolloutVersion};

    #[test]
    fn names_objects_as_kubectl_does() {
        let rollouts = Resource::Rollouts(RolloutVersion::V1alpha1);
        assert_eq!(rollouts.object("demo"), "rollout.rollouts.kruise.io/demo");
        assert_eq!(rollouts.full(), "rollouts.rollouts.kruise.io");
        assert_eq!(
            rollouts.collection(Some("a")),
            "/apis/rollouts.kruise.io/v1alpha1/namespaces/a/rollouts"
        );
        assert_eq!(Resource::Services.object("web"), "service/web");
        assert_eq!(Resource::Services.collection(None), "/api/v1/services");
    }
}
