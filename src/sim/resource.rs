//! Which resources the server serves, and what it knows about each.

use std::sync::{Arc, OnceLock};

use kube::CustomResourceExt;
use serde_json::Value;

use super::gateway;
use crate::api::rollout::v1beta1::Rollout;

/// Place of a resource in the table of a server.
pub(super) type KindId = usize;

/// The built-in resources that controllers and admission name; also their places in the table.
pub(super) const NAMESPACES: KindId = 0;
pub(super) const PODS: KindId = 1;
pub(super) const SERVICES: KindId = 2;
pub(super) const ENDPOINTS: KindId = 3;
pub(super) const ENDPOINT_SLICES: KindId = 4;
pub(super) const DEPLOYMENTS: KindId = 5;
pub(super) const REPLICA_SETS: KindId = 6;
pub(super) const ROLLOUTS: KindId = 7;
pub(super) const NODES: KindId = 8;
pub(super) const CUSTOM_RESOURCE_DEFINITIONS: KindId = 9;
pub(super) const STATEFUL_SETS: KindId = 14;
pub(super) const DAEMON_SETS: KindId = 15;
pub(super) const CONTROLLER_REVISIONS: KindId = 16;
/// The Advanced StatefulSet of Kruise.
pub(super) const ADVANCED_STATEFUL_SETS: KindId = 25;
pub(super) const CLONE_SETS: KindId = 26;
/// The Advanced DaemonSet of Kruise.
pub(super) const ADVANCED_DAEMON_SETS: KindId = 27;

/// Groups of Gateway API and of Istio's routes; no part of Kubernetes either.
pub(super) const GATEWAY: &str = "gateway.networking.k8s.io";
pub(super) const TRAEFIK: &str = "traefik.io";
pub(super) const ISTIO: &str = "networking.istio.io";

/// Group of Kruise's workloads. Their definitions come with Kruise, so that not every cluster serves them.
pub(super) const KRUISE: &str = "apps.kruise.io";

/// A column of `kubectl get`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// Heading.
    pub(super) name: String,
    /// OpenAPI type: `string`, `integer`, `date`.
    pub(super) kind: String,
    /// A simple JSON path, such as `.status.phase`.
    pub(super) path: String,
    /// 0 is shown always, more only with `-o wide`.
    pub(super) priority: i64,
}

/// One served resource.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// API group; empty for core.
    pub(super) group: String,
    /// Served versions; the first one is preferred and stored.
    pub(super) versions: Vec<String>,
    /// Kind.
    pub(super) kind: String,
    /// Plural, as it stands in paths.
    pub(super) plural: String,
    /// Singular, for discovery.
    pub(super) singular: String,
    /// Short names, for discovery.
    pub(super) short_names: Vec<String>,
    /// Categories, for discovery.
    pub(super) categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub(super) namespaced: bool,
    /// Whether status is a subresource: main writes keep it, status writes keep the rest.
    pub(super) status: bool,
    /// Whether there is a scale subresource.
    pub(super) scale: bool,
    /// Whether `metadata.generation` counts changes of the spec.
    pub(super) generation: bool,
    /// Whether it came from a CustomResourceDefinition (no strategic merge patch, pruning by schema).
    pub(super) custom: bool,
    /// Printer columns; empty means the built-in ones of the kind.
    pub(super) columns: Vec<Column>,
    /// Structural schema of the stored version of a custom resource.
    pub(super) schema: Option<Arc<Value>>,
}

impl Resource {
    /// `deployments.apps`, or `pods` in the core group.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `apps/v1`, or `v1` in the core group, of a served version.
    pub(super) fn api_version_of(&self, version: &str) -> String {
        if self.group.is_empty() {
            version.to_owned()
        } else {
            format!("{}/{version}", self.group)
        }
    }

    /// The version objects are stored in.
    pub(super) fn stored_version(&self) -> &str {
        self.versions.first().map_or("v1", String::as_str)
    }

    /// `apps/v1` of the stored version.
    pub(super) fn api_version(&self) -> String {
        self.api_version_of(self.stored_version())
    }

    /// Reads a CustomResourceDefinition; `None` when it lacks what is needed to serve it.
    pub(super) fn from_definition(definition: &Value) -> Option<Self> {
        let spec = definition.get("spec")?;
        let names = spec.get("names")?;
        let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
        let texts = |v: &Value, key: &str| -> Vec<String> {
            let list = v.get(key).and_then(Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let mut served: Vec<&Value> = spec
            .get("versions")?
            .as_array()?
            .iter()
            .filter(|v| v["served"].as_bool().unwrap_or(true))
            .collect();
        served.sort_by_key(|v| !v["storage"].as_bool().unwrap_or(false));
        let stored = *served.first()?;
        let kind = text(names, "kind")?;
        let columns = stored.get("additionalPrinterColumns").and_then(Value::as_array);
        Some(Self {
            group: text(spec, "group")?,
            versions: served.iter().filter_map(|v| text(v, "name")).collect(),
            plural: text(names, "plural")?,
            singular: text(names, "singular").unwrap_or_else(|| kind.to_lowercase()),
            kind,
            short_names: texts(names, "shortNames"),
            categories: texts(names, "categories"),
            namespaced: text(spec, "scope").is_none_or(|scope| scope == "Namespaced"),
            status: stored.pointer("/subresources/status").is_some(),
            scale: stored.pointer("/subresources/scale").is_some(),
            generation: true,
            custom: true,
            columns: columns
                .into_iter()
                .flatten()
                .map(|c| Column {
                    name: text(c, "name").unwrap_or_default(),
                    kind: text(c, "type").unwrap_or_default(),
                    path: text(c, "jsonPath").unwrap_or_default(),
                    priority: c["priority"].as_i64().unwrap_or(0),
                })
                .collect(),
            schema: stored.pointer("/schema/openAPIV3Schema").cloned().map(Arc::new),
        })
    }

    /// The resource of an object whose kind is not served: a built-in one that waits to be, or a guess.
    pub(super) fn of(api_version: &str, kind: &str, namespaced: bool) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let known = built_in()
            .iter()
            .find(|r| r.group == group && r.kind == kind && r.versions.iter().any(|v| v == version));
        known.map_or_else(
            || Self::guessed(api_version, kind, namespaced),
            |resource| (**resource).clone(),
        )
    }

    /// A resource known by nothing but an object of it, for snapshots of clusters with kinds of their own.
    fn guessed(api_version: &str, kind: &str, namespaced: bool) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let lower = kind.to_lowercase();
        let plural = match lower.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
            _ if lower.ends_with(['s', 'x']) => format!("{lower}es"),
            _ => format!("{lower}s"),
        };
        Self {
            custom: true,
            ..simple(group, version, kind, &plural, namespaced)
        }
    }
}

fn simple(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Resource {
    Resource {
        group: group.to_owned(),
        versions: vec![version.to_owned()],
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced,
        status: false,
        scale: false,
        generation: false,
        custom: false,
        columns: Vec::new(),
        schema: None,
    }
}

/// A row of the built-in table: group, versions with the preferred one first, kind, plural, short names, and what it has
/// (`n` namespaced, `s` status, `c` scale, `g` generation, `a` in category all).
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const BUILT_IN: &[Row] = &[
    ("", "v1", "Namespace", "namespaces", &["ns"], "s"),
    ("", "v1", "Pod", "pods", &["po"], "nsa"),
    ("", "v1", "Service", "services", &["svc"], "nsa"),
    ("", "v1", "Endpoints", "endpoints", &["ep"], "n"),
    (
        "discovery.k8s.io",
        "v1",
        "EndpointSlice",
        "endpointslices",
        &[],
        "n",
    ),
    ("apps", "v1", "Deployment", "deployments", &["deploy"], "nscga"),
    ("apps", "v1", "ReplicaSet", "replicasets", &["rs"], "nscga"),
    ("rollouts.kruise.io", "v1beta1", "Rollout", "rollouts", &[], "nsg"),
    ("", "v1", "Node", "nodes", &["no"], "s"),
    (
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
        "sg",
    ),
    ("", "v1", "ConfigMap", "configmaps", &["cm"], "n"),
    ("", "v1", "Secret", "secrets", &[], "n"),
    ("", "v1", "Event", "events", &["ev"], "n"),
    ("", "v1", "ServiceAccount", "serviceaccounts", &["sa"], "n"),
    ("apps", "v1", "StatefulSet", "statefulsets", &["sts"], "nscga"),
    ("apps", "v1", "DaemonSet", "daemonsets", &["ds"], "nsga"),
    (
        "apps",
        "v1",
        "ControllerRevision",
        "controllerrevisions",
        &[],
        "n",
    ),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", &["ing"], "nsg"),
    (
        "networking.k8s.io",
        "v1",
        "IngressClass",
        "ingressclasses",
        &[],
        "g",
    ),
    ("coordination.k8s.io", "v1", "Lease", "leases", &[], "n"),
    (
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        &["hpa"],
        "nsga",
    ),
    (
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        &["pdb"],
        "nsg",
    ),
    (
        "rollouts.kruise.io",
        "v1alpha1",
        "TrafficRouting",
        "trafficroutings",
        &[],
        "nsg",
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingAdmissionPolicy",
        "mutatingadmissionpolicies",
        &[],
        "g",
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingAdmissionPolicyBinding",
        "mutatingadmissionpolicybindings",
        &[],
        "g",
    ),
    (
        KRUISE,
        "v1beta1,v1alpha1",
        "StatefulSet",
        "statefulsets",
        &["sts", "asts"],
        "nscg",
    ),
    (KRUISE, "v1alpha1", "CloneSet", "clonesets", &["clone"], "nscg"),
    (
        KRUISE,
        "v1alpha1",
        "DaemonSet",
        "daemonsets",
        &["daemon", "ads"],
        "nsg",
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        &[],
        "g",
    ),
    (GATEWAY, "v1,v1beta1", "HTTPRoute", "httproutes", &[], "nsg"),
    (GATEWAY, "v1,v1alpha2", "GRPCRoute", "grpcroutes", &[], "nsg"),
    (GATEWAY, "v1alpha2", "TCPRoute", "tcproutes", &[], "nsg"),
    (GATEWAY, "v1alpha3,v1alpha2", "TLSRoute", "tlsroutes", &[], "nsg"),
    (
        TRAEFIK,
        "v1alpha1",
        "TraefikService",
        "traefikservices",
        &[],
        "ng",
    ),
    (TRAEFIK, "v1alpha1", "IngressRoute", "ingressroutes", &[], "ng"),
    (
        TRAEFIK,
        "v1alpha1",
        "IngressRouteTCP",
        "ingressroutetcps",
        &[],
        "ng",
    ),
    (
        ISTIO,
        "v1beta1,v1,v1alpha3",
        "VirtualService",
        "virtualservices",
        &["vs"],
        "nsg",
    ),
    (
        ISTIO,
        "v1beta1,v1,v1alpha3",
        "DestinationRule",
        "destinationrules",
        &["dr"],
        "nsg",
    ),
    (
        "rollouts.kruise.io",
        "v1alpha1",
        "AnalysisTemplate",
        "analysistemplates",
        &[],
        "ng",
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        &[],
        "g",
    ),
];

/// The resources of a fresh server, shared by all of them.
pub(super) fn built_in() -> &'static [Arc<Resource>] {
    static TABLE: OnceLock<Vec<Arc<Resource>>> = OnceLock::new();
    TABLE.get_or_init(|| BUILT_IN.iter().map(row).map(Arc::new).collect())
}

fn row(&(group, version, kind, plural, short, has): &Row) -> Resource {
    let mut resource = simple(group, version, kind, plural, has.contains('n'));
    resource.short_names = short.iter().map(|&s| s.to_owned()).collect();
    resource.status = has.contains('s');
    resource.scale = has.contains('c');
    resource.generation = has.contains('g');
    resource.categories = if has.contains('a') {
        vec!["all".to_owned()]
    } else {
        Vec::new()
    };
    resource.versions = version.split(',').map(str::to_owned).collect();
    resource.custom = matches!(group, "rollouts.kruise.io" | KRUISE | GATEWAY | ISTIO | TRAEFIK);
    resource.schema = gateway::schema(kind).map(Arc::new);
    if kind == "Rollout" {
        let definition = serde_json::to_value(Rollout::crd()).unwrap_or_default();
        if let Some(derived) = Resource::from_definition(&definition) {
            resource.schema = derived.schema;
        }
    }
    resource.columns = columns(group, kind);
    resource
}

/// The columns that custom kinds have wherever their definitions are installed.
fn columns(group: &str, kind: &str) -> Vec<Column> {
    let own: &[(&str, &str, &str)] = match (group, kind) {
        (_, "Rollout") => &[
            ("STATUS", "string", ".status.phase"),
            ("CANARY_STEP", "integer", ".status.currentStepIndex"),
            ("CANARY_STATE", "string", ".status.currentStepState"),
            ("MESSAGE", "string", ".status.message"),
        ],
        (KRUISE, "CloneSet") => &[
            ("DESIRED", "integer", ".spec.replicas"),
            ("UPDATED", "integer", ".status.updatedReplicas"),
            ("UPDATED_READY", "integer", ".status.updatedReadyReplicas"),
            ("UPDATED_AVAILABLE", "integer", ".status.updatedAvailableReplicas"),
            ("READY", "integer", ".status.readyReplicas"),
            ("TOTAL", "integer", ".status.replicas"),
        ],
        (KRUISE, "StatefulSet") => &[
            ("DESIRED", "integer", ".spec.replicas"),
            ("CURRENT", "integer", ".status.replicas"),
            ("UPDATED", "integer", ".status.updatedReplicas"),
            ("READY", "integer", ".status.readyReplicas"),
        ],
        (KRUISE, "DaemonSet") => &[
            ("DESIRED", "integer", ".status.desiredNumberScheduled"),
            ("CURRENT", "integer", ".status.currentNumberScheduled"),
            ("READY", "integer", ".status.numberReady"),
            ("UP-TO-DATE", "integer", ".status.updatedNumberScheduled"),
            ("AVAILABLE", "integer", ".status.numberAvailable"),
        ],
        _ => return Vec::new(),
    };
    own.iter()
        .chain(&[("AGE", "date", ".metadata.creationTimestamp")])
        .map(|&(name, kind, path)| Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            path: path.to_owned(),
            priority: 0,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        ADVANCED_DAEMON_SETS, ADVANCED_STATEFUL_SETS, BUILT_IN, CLONE_SETS, CONTROLLER_REVISIONS,
        CUSTOM_RESOURCE_DEFINITIONS, DAEMON_SETS, DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, NAMESPACES, NODES,
        PODS, REPLICA_SETS, ROLLOUTS, SERVICES, STATEFUL_SETS,
    };

    #[test]
    fn what_controllers_name_stands_in_its_place() {
        let places = [
            (NAMESPACES, "namespaces"),
            (PODS, "pods"),
            (SERVICES, "services"),
            (ENDPOINTS, "endpoints"),
            (ENDPOINT_SLICES, "endpointslices.discovery.k8s.io"),
            (DEPLOYMENTS, "deployments.apps"),
            (REPLICA_SETS, "replicasets.apps"),
            (ROLLOUTS, "rollouts.rollouts.kruise.io"),
            (NODES, "nodes"),
            (
                CUSTOM_RESOURCE_DEFINITIONS,
                "customresourcedefinitions.apiextensions.k8s.io",
            ),
            (STATEFUL_SETS, "statefulsets.apps"),
            (DAEMON_SETS, "daemonsets.apps"),
            (CONTROLLER_REVISIONS, "controllerrevisions.apps"),
            (ADVANCED_STATEFUL_SETS, "statefulsets.apps.kruise.io"),
            (CLONE_SETS, "clonesets.apps.kruise.io"),
            (ADVANCED_DAEMON_SETS, "daemonsets.apps.kruise.io"),
        ];
        let seen = places.map(|(place, _)| {
            let (group, _, _, plural, ..) = BUILT_IN[place];
            (
                place,
                if group.is_empty() {
                    plural.to_owned()
                } else {
                    format!("{plural}.{group}")
                },
            )
        });
        assert_eq!(
            seen.each_ref().map(|(place, name)| (*place, name.as_str())),
            places
        );
    }
}
