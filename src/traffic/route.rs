//! The objects that route requests, and the versions in which they are served.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use kube::api::DynamicObject;

/// A kind of route in one version.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct RouteKind {
    /// Group and version.
    pub api_version: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Plural, as it stands in paths; empty for a kind that only the API server knows.
    pub plural: &'static str,
}

const fn kind(api_version: &'static str, kind: &'static str, plural: &'static str) -> RouteKind {
    RouteKind {
        api_version,
        kind,
        plural,
    }
}

/// Kinds that Rollouts name and that we do not know, as long as the process runs: kinds are copied all over the driver, and
/// a cluster has few.
static NAMED: Mutex<BTreeMap<(String, String), &'static [RouteKind]>> = Mutex::new(BTreeMap::new());

impl RouteKind {
    /// A kind by its names, in this one version.
    #[must_use]
    pub fn named(api_version: &str, kind: &str) -> &'static [Self] {
        let mut all = Self::all_in(|known| known.api_version == api_version && known.kind == kind);
        if let Some(known) = all.next() {
            return known;
        }
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (api_version.to_owned(), kind.to_owned());
        named.entry(key).or_insert_with(|| {
            let made = Self {
                api_version: String::leak(api_version.to_owned()),
                kind: String::leak(kind.to_owned()),
                plural: "",
            };
            Box::leak(Box::new([made]))
        })
    }

    /// The Ingress.
    pub const INGRESS: &'static [Self] = &[kind("networking.k8s.io/v1", "Ingress", "ingresses")];
    /// The HTTPRoute of Gateway API, the version that is preferred first; every version shows the same object.
    pub const HTTP_ROUTE: &'static [Self] = &[
        kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
        kind("gateway.networking.k8s.io/v1beta1", "HTTPRoute", "httproutes"),
    ];
    /// The GRPCRoute of Gateway API.
    pub const GRPC_ROUTE: &'static [Self] = &[
        kind("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes"),
        kind("gateway.networking.k8s.io/v1alpha2", "GRPCRoute", "grpcroutes"),
    ];
    /// The TCPRoute of Gateway API.
    pub const TCP_ROUTE: &'static [Self] = &[kind(
        "gateway.networking.k8s.io/v1alpha2",
        "TCPRoute",
        "tcproutes",
    )];
    /// The TLSRoute of Gateway API.
    pub const TLS_ROUTE: &'static [Self] = &[
        kind("gateway.networking.k8s.io/v1", "TLSRoute", "tlsroutes"),
        kind("gateway.networking.k8s.io/v1alpha3", "TLSRoute", "tlsroutes"),
        kind("gateway.networking.k8s.io/v1alpha2", "TLSRoute", "tlsroutes"),
    ];
    /// The VirtualService of Istio.
    pub const VIRTUAL_SERVICE: &'static [Self] = &[
        kind("networking.istio.io/v1", "VirtualService", "virtualservices"),
        kind("networking.istio.io/v1beta1", "VirtualService", "virtualservices"),
        kind(
            "networking.istio.io/v1alpha3",
            "VirtualService",
            "virtualservices",
        ),
    ];
    /// The DestinationRule of Istio.
    pub const DESTINATION_RULE: &'static [Self] = &[
        kind("networking.istio.io/v1", "DestinationRule", "destinationrules"),
        kind(
            "networking.istio.io/v1beta1",
            "DestinationRule",
            "destinationrules",
        ),
        kind(
            "networking.istio.io/v1alpha3",
            "DestinationRule",
            "destinationrules",
        ),
    ];

    /// The TraefikService; the second group is that of Traefik before 2.10.
    pub const TRAEFIK_SERVICE: &'static [Self] = &[
        kind("traefik.io/v1alpha1", "TraefikService", "traefikservices"),
        kind(
            "traefik.containo.us/v1alpha1",
            "TraefikService",
            "traefikservices",
        ),
    ];
    /// The IngressRoute of Traefik.
    pub const INGRESS_ROUTE: &'static [Self] = &[
        kind("traefik.io/v1alpha1", "IngressRoute", "ingressroutes"),
        kind("traefik.containo.us/v1alpha1", "IngressRoute", "ingressroutes"),
    ];
    /// The IngressRouteTCP of Traefik.
    pub const INGRESS_ROUTE_TCP: &'static [Self] = &[
        kind("traefik.io/v1alpha1", "IngressRouteTCP", "ingressroutetcps"),
        kind(
            "traefik.containo.us/v1alpha1",
            "IngressRouteTCP",
            "ingressroutetcps",
        ),
    ];

    /// Every kind that we know, in every version.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::known().into_iter().flatten().copied()
    }

    fn known() -> [&'static [Self]; 10] {
        [
            Self::INGRESS,
            Self::HTTP_ROUTE,
            Self::GRPC_ROUTE,
            Self::TCP_ROUTE,
            Self::TLS_ROUTE,
            Self::VIRTUAL_SERVICE,
            Self::DESTINATION_RULE,
            Self::TRAEFIK_SERVICE,
            Self::INGRESS_ROUTE,
            Self::INGRESS_ROUTE_TCP,
        ]
    }

    /// Each version by itself that `is` says yes to.
    fn all_in(is: impl Fn(&Self) -> bool) -> impl Iterator<Item = &'static [Self]> {
        let each = Self::known().into_iter().flat_map(|kinds| kinds.chunks(1));
        each.filter(move |one| one.first().is_some_and(&is))
    }

    /// Whether only the API server knows its place.
    #[must_use]
    pub fn is_custom(self) -> bool {
        self.plural.is_empty()
    }

    /// The group.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `httproutes.gateway.networking.k8s.io`; `ApisixRoute.apisix.apache.org` of a kind whose plural is not known.
    #[must_use]
    pub fn qualified(self) -> String {
        let name = if self.is_custom() { self.kind } else { self.plural };
        format!("{name}.{}", self.group())
    }
}

/// Names a route whatever its version: group, kind and name.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct RouteKey {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

impl RouteKey {
    /// The key of an object of this kind.
    #[must_use]
    pub fn new(kind: RouteKind, name: &str) -> Self {
        Self {
            group: kind.group().to_owned(),
            kind: kind.kind.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The key of an Ingress.
    #[must_use]
    pub fn ingress(name: &str) -> Self {
        Self::new(RouteKind::INGRESS[0], name)
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The routes that are there.
pub type Routes = BTreeMap<RouteKey, DynamicObject>;
