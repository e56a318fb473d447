//! What can split traffic, behind one interface: which objects it reads, what must be written for a split, what to take it
//! back, what it cannot do.
//!
//! Somebody else may change a route in the middle of a release. The rule for every provider: what a release adds or sets
//! (a twin, the new version's targets and rules, the weights beside it) is put back, everything else that was edited is
//! kept and is there after the release, and an edit that leaves nothing to split stops the release with the reason.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::Value;

use super::{
    Obstacle, RouteKey, RouteKind, Routes, Split,
    gateway::{self, Gateway},
    ingress,
    ingress_class::Class,
    istio, service,
    traefik::Traefik,
};
use crate::api::v1beta1::{ObjectRef, Rollout, TrafficRoutingRef};

/// Longest name of an Ingress.
const LONGEST_NAME: usize = 253;

/// What all providers of a routing are told.
#[derive(Clone, Debug)]
pub struct Wiring<'a> {
    /// Namespace of everything.
    pub namespace: &'a str,
    /// The stable Service.
    pub service: &'a str,
    /// The Service of the new version; the stable one when the Rollout makes no twin.
    pub canary: String,
    /// The owner reference of what is made.
    pub owner: Value,
    /// Labels that the Rollout lays over the new version's pods.
    pub labels: Option<&'a BTreeMap<String, String>>,
}

/// Labels that a Rollout lays over the new version's pods.
#[must_use]
pub fn patched_labels(rollout: &Rollout) -> Option<&BTreeMap<String, String>> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let patch = canary.patch_pod_template_metadata.as_ref();
    patch.map(|patch| &patch.labels)
}

impl<'a> Wiring<'a> {
    /// What a Rollout says; nothing when its strategy has no traffic routing.
    #[must_use]
    pub fn of(rollout: &'a Rollout, owner: Value) -> Option<Self> {
        let strategy = &rollout.spec.strategy;
        let routing = strategy.traffic_routings().first()?;
        let canary = if strategy.makes_canary_service() {
            service::canary_name(&routing.service)
        } else {
            routing.service.clone()
        };
        Some(Self {
            namespace: rollout.metadata.namespace.as_deref().unwrap_or_default(),
            service: &routing.service,
            canary,
            owner,
            labels: patched_labels(rollout),
        })
    }

    /// Whether each version has a Service of its own.
    #[must_use]
    pub fn has_twin(&self) -> bool {
        self.canary != self.service
    }

    fn owns(&self, object: &DynamicObject) -> bool {
        let owners = object.metadata.owner_references.iter().flatten();
        let mut controllers = owners.filter(|owner| owner.controller == Some(true));
        controllers.any(|owner| self.owner["uid"] == owner.uid.as_str())
    }
}

/// One write to a route.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// A new object.
    Create(Value),
    /// A JSON merge patch of an object as it was read.
    Merge(&'a DynamicObject, Value),
    /// The object goes.
    Delete(&'a DynamicObject),
}

/// What of the requests goes to the new version, as a route says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Share {
    /// So many percent.
    Percent(i32),
    /// Those that match something.
    Matching,
}

/// Something that splits traffic, and the object that it does it with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Provider {
    /// An Ingress beside which a twin stands.
    Ingress {
        /// The user's Ingress.
        name: String,
        /// The `classType` of the Rollout.
        class: String,
    },
    /// A route of Gateway API, edited in place.
    Gateway {
        /// Which.
        gateway: Gateway,
        /// The versions to read it in, preferred first.
        versions: &'static [RouteKind],
        /// Its name.
        name: String,
    },
    /// A VirtualService of Istio, edited in place.
    VirtualService {
        /// The version in which the Rollout names it.
        version: &'static [RouteKind],
        /// Its name.
        name: String,
    },
    /// A DestinationRule of Istio, edited in place.
    DestinationRule {
        /// The version in which the Rollout names it.
        version: &'static [RouteKind],
        /// Its name.
        name: String,
    },
    /// An object of Traefik's, edited in place.
    Traefik {
        /// Which.
        traefik: Traefik,
        /// The version in which the Rollout names it.
        version: &'static [RouteKind],
        /// Its name.
        name: String,
    },
    /// A kind that we know nothing of.
    Unknown {
        /// What the Rollout says of it.
        reference: ObjectRef,
    },
}

/// The version of a kind that a Rollout names.
fn version(kinds: &'static [RouteKind], api_version: &str) -> Option<&'static [RouteKind]> {
    let place = kinds.iter().position(|kind| kind.api_version == api_version)?;
    kinds.get(place..=place)
}

impl Provider {
    /// The providers of a routing in the order in which they are written, which is upstream's: custom objects, Ingress,
    /// Gateway API. An object that is named twice counts once.
    #[must_use]
    pub fn all(routing: &TrafficRoutingRef) -> Vec<Self> {
        let class = routing.ingress.as_ref().map(|ingress| ingress.class_type.clone());
        let custom = routing
            .custom_network_refs
            .iter()
            .map(|reference| Self::custom(reference, class.as_deref().unwrap_or_default()));
        let ingress = routing.ingress.as_ref().map(|ingress| Self::Ingress {
            name: ingress.name.clone(),
            class: ingress.class_type.clone(),
        });
        let gateway = routing.gateway.as_ref().map(|gateway| Self::Gateway {
            gateway: Gateway::Http,
            versions: RouteKind::HTTP_ROUTE,
            name: gateway.http_route_name.clone().unwrap_or_default(),
        });
        let mut all: Vec<Self> = Vec::new();
        for provider in custom.chain(ingress).chain(gateway) {
            let is_known = provider.key().is_some() && all.iter().any(|known| known.key() == provider.key());
            if !is_known {
                all.push(provider);
            }
        }
        all
    }

    /// The provider for an object of `customNetworkRefs`. Besides Istio's these may be more routes of Gateway API and more
    /// Ingresses, of the class that the routing's own Ingress has.
    fn custom(reference: &ObjectRef, class: &str) -> Self {
        let name = reference.name.clone();
        let of = |kinds| version(kinds, &reference.api_version);
        let traefik = |traefik, kinds| {
            let name = reference.name.clone();
            of(kinds).map(|version| Self::Traefik {
                traefik,
                version,
                name,
            })
        };
        let known = match reference.kind.as_str() {
            "VirtualService" => {
                of(RouteKind::VIRTUAL_SERVICE).map(|version| Self::VirtualService { version, name })
            }
            "DestinationRule" => {
                of(RouteKind::DESTINATION_RULE).map(|version| Self::DestinationRule { version, name })
            }
            "HTTPRoute" => of(RouteKind::HTTP_ROUTE).map(|versions| Self::Gateway {
                gateway: Gateway::Http,
                versions,
                name,
            }),
            "GRPCRoute" => of(RouteKind::GRPC_ROUTE).map(|versions| Self::Gateway {
                gateway: Gateway::Grpc,
                versions,
                name,
            }),
            "TraefikService" => traefik(Traefik::Service, RouteKind::TRAEFIK_SERVICE),
            "IngressRoute" => traefik(Traefik::Route, RouteKind::INGRESS_ROUTE),
            "IngressRouteTCP" => traefik(Traefik::TcpRoute, RouteKind::INGRESS_ROUTE_TCP),
            "Ingress" => of(RouteKind::INGRESS).map(|_| Self::Ingress {
                name,
                class: class.to_owned(),
            }),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Unknown {
            reference: reference.clone(),
        })
    }

    /// The versions to read its object in, preferred first; none of a kind that we do not know.
    #[must_use]
    pub fn versions(&self) -> &'static [RouteKind] {
        match self {
            Self::Ingress { .. } => RouteKind::INGRESS,
            Self::Gateway { versions, .. } => versions,
            Self::VirtualService { version, .. }
            | Self::DestinationRule { version, .. }
            | Self::Traefik { version, .. } => version,
            Self::Unknown { .. } => &[],
        }
    }

    /// Name of its object.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Ingress { name, .. }
            | Self::Gateway { name, .. }
            | Self::VirtualService { name, .. }
            | Self::DestinationRule { name, .. }
            | Self::Traefik { name, .. } => name,
            Self::Unknown { reference } => &reference.name,
        }
    }

    /// The user's object.
    #[must_use]
    pub fn key(&self) -> Option<RouteKey> {
        let kind = self.versions().first()?;
        Some(RouteKey::new(*kind, self.name()))
    }

    /// The user's object as it is.
    #[must_use]
    pub fn found<'r>(&self, routes: &'r Routes) -> Option<&'r DynamicObject> {
        routes.get(&self.key()?)
    }

    /// The objects that it reads: the user's, and what a release makes beside it.
    #[must_use]
    pub fn reads(&self) -> Vec<RouteKey> {
        let twin = match self {
            Self::Ingress { name, .. } => Some(RouteKey::ingress(&ingress::canary_name(name))),
            _ => None,
        };
        self.key().into_iter().chain(twin).collect()
    }

    /// Whether this is a provider that we have.
    ///
    /// # Errors
    /// What was asked for instead.
    pub fn known(&self) -> Result<(), Obstacle> {
        let unknown = |what: String| Err(Obstacle::Provider { what });
        match self {
            Self::Ingress { class, .. } if Class::named(class).is_none() => {
                unknown(format!("ingress class {class:?}"))
            }
            Self::Unknown { reference } => {
                unknown(format!("{} of {}", reference.kind, reference.api_version))
            }
            _ => Ok(()),
        }
    }

    /// Whether it can express a split, as far as that can be said without its objects.
    ///
    /// # Errors
    /// What it cannot do.
    pub fn check(&self, split: &Split<'_>) -> Result<(), String> {
        match self {
            Self::Ingress { class, .. } => Class::named(class).map_or(Ok(()), |class| class.check(split)),
            Self::Gateway { gateway, .. } => gateway.check(split),
            Self::Traefik { traefik, .. } => traefik.check(split),
            Self::VirtualService { .. } | Self::DestinationRule { .. } | Self::Unknown { .. } => Ok(()),
        }
    }

    /// What must be written for a split; nothing when it is in place.
    ///
    /// # Errors
    /// Why it cannot be made with the objects as they are.
    pub fn split<'r>(
        &self,
        routes: &'r Routes,
        wiring: &Wiring<'_>,
        split: &Split<'_>,
    ) -> Result<Option<Change<'r>>, Obstacle> {
        self.known()?;
        let Some(route) = self.key().and_then(|key| routes.get(&key)) else {
            let kind = self.versions().first().map_or("", |kind| kind.kind);
            return Err(Obstacle::Missing {
                kind,
                name: self.name().to_owned(),
            });
        };
        let body = match self {
            Self::Ingress { class, .. } => return split_ingress(class, route, routes, wiring, split),
            Self::Gateway { gateway, .. } => gateway.split(route, wiring, split)?,
            Self::Traefik { traefik, .. } => traefik.split(route, wiring, split)?,
            Self::VirtualService { .. } => istio::split_virtual_service(route, wiring, split)?,
            Self::DestinationRule { .. } => istio::split_destination_rule(route, wiring, wiring.labels)?,
            Self::Unknown { .. } => None,
        };
        Ok(body.map(|body| Change::Merge(route, body)))
    }

    /// What of the requests its route sends to the new version; nothing when the object says nothing about that, or says it in
    /// a twin.
    #[must_use]
    pub fn share(&self, route: &DynamicObject, wiring: &Wiring<'_>) -> Option<Share> {
        match self {
            Self::Gateway { .. } => Some(gateway::share(route, wiring)),
            Self::VirtualService { .. } => Some(istio::share(route, wiring)),
            Self::Traefik { traefik, .. } => Some(traefik.share(route, wiring)),
            Self::Ingress { .. } | Self::DestinationRule { .. } | Self::Unknown { .. } => None,
        }
    }

    /// What must be written to take every split back; nothing when there is none. Needs no class and no script, so that a
    /// release whose provider is not known can be ended (D19).
    #[must_use]
    pub fn restore<'r>(&self, routes: &'r Routes, wiring: &Wiring<'_>) -> Option<Change<'r>> {
        let route = || routes.get(&self.key()?);
        match self {
            Self::Ingress { name, .. } => {
                let twin = routes.get(&RouteKey::ingress(&ingress::canary_name(name)))?;
                (wiring.owns(twin) && twin.metadata.deletion_timestamp.is_none())
                    .then_some(Change::Delete(twin))
            }
            Self::Gateway { gateway, .. } => {
                let route = route()?;
                gateway
                    .restore(route, wiring)
                    .map(|body| Change::Merge(route, body))
            }
            Self::VirtualService { .. } => {
                let route = route()?;
                istio::restore_virtual_service(route, wiring).map(|body| Change::Merge(route, body))
            }
            Self::Traefik { traefik, .. } => {
                let route = route()?;
                traefik
                    .restore(route, wiring)
                    .map(|body| Change::Merge(route, body))
            }
            Self::DestinationRule { .. } => {
                let route = route()?;
                istio::restore_destination_rule(route).map(|body| Change::Merge(route, body))
            }
            Self::Unknown { .. } => None,
        }
    }
}

/// The twin of an Ingress: made, or changed where it differs. It is derived anew every time, so that rules which the user
/// adds in the middle are followed (D9).
fn split_ingress<'r>(
    class: &str,
    user: &DynamicObject,
    routes: &'r Routes,
    wiring: &Wiring<'_>,
    split: &Split<'_>,
) -> Result<Option<Change<'r>>, Obstacle> {
    let class = Class::named(class).unwrap_or(Class::Nginx);
    let name = ingress::canary_name(user.metadata.name.as_deref().unwrap_or_default());
    let present = routes.get(&RouteKey::ingress(&name));
    if present.is_some_and(|present| !wiring.owns(present)) {
        return Err(Obstacle::Taken {
            kind: "Ingress",
            name,
        });
    }
    if name.len() > LONGEST_NAME {
        return Err(Obstacle::TooLong {
            kind: "Ingress",
            name,
            longest: LONGEST_NAME,
        });
    }
    let wanted = ingress::canary(
        class,
        user,
        wiring.service,
        &wiring.canary,
        split,
        wiring.owner.clone(),
    )?;
    Ok(match present {
        // Blue-green may begin with no traffic at all, which is what there is.
        None if split.weight == Some(0) && split.matches.is_empty() => None,
        None => Some(Change::Create(wanted)),
        Some(present) => ingress::difference(present, &wanted).map(|patch| Change::Merge(present, patch)),
    })
}

#[cfg(test)]
mod tests;
