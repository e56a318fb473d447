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
    istio,
    script::{self, Lookup, Script, Scripts},
    service,
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
        /// The script for the class.
        script: Lookup,
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
    /// An object of any kind, edited in place by a script.
    Custom {
        /// The version in which the Rollout names it.
        version: &'static [RouteKind],
        /// Its name.
        name: String,
        /// The script for the kind.
        script: Lookup,
        /// What would split it without a script.
        native: Option<Box<Self>>,
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
            script: Lookup::Unasked,
        });
        let gateway = routing.gateway.as_ref().map(|gateway| Self::Gateway {
            gateway: Gateway::Http,
            versions: RouteKind::HTTP_ROUTE,
            name: gateway.http_route_name.clone().unwrap_or_default(),
        });
        let mut all: Vec<Self> = Vec::new();
        for provider in custom.chain(ingress).chain(gateway) {
            let is_known = all.iter().any(|known| known.key() == provider.key());
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
        let gateway = |gateway, kinds| {
            let name = reference.name.clone();
            of(kinds).map(|versions| Self::Gateway {
                gateway,
                versions,
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
            "HTTPRoute" => gateway(Gateway::Http, RouteKind::HTTP_ROUTE),
            "GRPCRoute" => gateway(Gateway::Grpc, RouteKind::GRPC_ROUTE),
            "TCPRoute" => gateway(Gateway::Tcp, RouteKind::TCP_ROUTE),
            "TLSRoute" => gateway(Gateway::Tls, RouteKind::TLS_ROUTE),
            "TraefikService" => traefik(Traefik::Service, RouteKind::TRAEFIK_SERVICE),
            "IngressRoute" => traefik(Traefik::Route, RouteKind::INGRESS_ROUTE),
            "IngressRouteTCP" => traefik(Traefik::TcpRoute, RouteKind::INGRESS_ROUTE_TCP),
            "Ingress" => of(RouteKind::INGRESS).map(|_| Self::Ingress {
                name,
                class: class.to_owned(),
                script: Lookup::Unasked,
            }),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Custom {
            version: RouteKind::named(&reference.api_version, &reference.kind),
            name: reference.name.clone(),
            script: Lookup::Unasked,
            native: None,
        })
    }

    /// The provider with the script that is to be used, where there is one: scripts go before what we know ourselves.
    #[must_use]
    pub fn scripted(self, scripts: &Scripts) -> Self {
        let found = |version: &'static [RouteKind]| {
            let kind = version.first()?;
            let script = scripts.custom(kind.api_version, kind.kind);
            script.script().is_some().then_some(script)
        };
        match self {
            Self::Ingress { name, class, .. } => Self::Ingress {
                script: scripts.ingress(&class),
                name,
                class,
            },
            Self::Custom {
                version,
                name,
                native,
                ..
            } => {
                let kind = version.first();
                let script = kind.map(|kind| scripts.custom(kind.api_version, kind.kind));
                Self::Custom {
                    version,
                    name,
                    script: script.unwrap_or_default(),
                    native,
                }
            }
            // No kind of route that upstream's scripts are for.
            Self::Gateway { .. } => self,
            native => match found(native.versions()) {
                Some(script) => Self::Custom {
                    version: native.versions(),
                    name: native.name().to_owned(),
                    script,
                    native: Some(Box::new(native)),
                },
                None => native,
            },
        }
    }

    /// Whether a script may be for it.
    #[must_use]
    pub fn takes_script(&self) -> bool {
        !matches!(self, Self::Gateway { .. })
    }

    /// Whether only a script can split it and there is none.
    #[must_use]
    pub fn is_unscripted(&self) -> bool {
        match self {
            Self::Ingress { class, script, .. } => Class::named(class).is_none() && script.script().is_none(),
            Self::Custom { script, .. } => script.script().is_none(),
            _ => false,
        }
    }

    /// The versions to read its object in, preferred first.
    #[must_use]
    pub fn versions(&self) -> &'static [RouteKind] {
        match self {
            Self::Ingress { .. } => RouteKind::INGRESS,
            Self::Gateway { versions, .. } => versions,
            Self::VirtualService { version, .. }
            | Self::DestinationRule { version, .. }
            | Self::Traefik { version, .. }
            | Self::Custom { version, .. } => version,
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
            | Self::Traefik { name, .. }
            | Self::Custom { name, .. } => name,
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

    /// Whether this is a provider that we have, or have a script for.
    ///
    /// # Errors
    /// What was asked for instead, and where a script was looked for.
    pub fn known(&self) -> Result<(), Obstacle> {
        let unknown = |what: String, script: &Lookup| {
            let looked = match script {
                Lookup::Nowhere(looked) => looked.clone(),
                Lookup::Found(_) | Lookup::Unasked => "nothing yet".to_owned(),
            };
            Err(Obstacle::NoScript { what, looked })
        };
        match self {
            Self::Ingress { class, script, .. } if self.is_unscripted() => unknown(
                format!("ingress class {class:?} (nginx, higress, mse and aliyun-alb need none)"),
                script,
            ),
            Self::Custom { version, script, .. } if self.is_unscripted() => {
                let kind = version.first();
                let what = kind.map(|kind| format!("{} of {}", kind.kind, kind.api_version));
                unknown(what.unwrap_or_default(), script)
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
            // What a script can do only it can tell.
            Self::Ingress { script, .. } if script.script().is_some() => Ok(()),
            Self::Ingress { class, .. } => Class::named(class).map_or(Ok(()), |class| class.check(split)),
            Self::Gateway { gateway, .. } => gateway.check(split),
            Self::Traefik { traefik, .. } => traefik.check(split),
            Self::VirtualService { .. } | Self::DestinationRule { .. } | Self::Custom { .. } => Ok(()),
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
            Self::Ingress { class, script, .. } => {
                let how = script.script().map_or_else(
                    || How::Class(Class::named(class).unwrap_or(Class::Nginx)),
                    How::Script,
                );
                return split_ingress(&how, route, routes, wiring, split);
            }
            // The script is gone that the release began with: what it did goes first.
            Self::Gateway { .. }
            | Self::VirtualService { .. }
            | Self::DestinationRule { .. }
            | Self::Traefik { .. }
                if script::is_written(route) =>
            {
                script::restore(route, wiring)
            }
            Self::Gateway { gateway, .. } => gateway.split(route, wiring, split)?,
            Self::Traefik { traefik, .. } => traefik.split(route, wiring, split)?,
            Self::VirtualService { .. } => istio::split_virtual_service(route, wiring, split)?,
            Self::DestinationRule { .. } => istio::split_destination_rule(route, wiring, wiring.labels)?,
            Self::Custom { script, native, .. } => {
                // The other way round: the script came after the release began.
                let natives = native.as_ref().filter(|_| !script::is_written(route));
                if let Some(Change::Merge(_, body)) =
                    natives.and_then(|native| native.restore(routes, wiring))
                {
                    return Ok(Some(Change::Merge(route, body)));
                }
                match script.script() {
                    Some(script) => script::split(route, script, wiring, split)?,
                    None => None,
                }
            }
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
            Self::Ingress { .. } | Self::DestinationRule { .. } | Self::Custom { .. } => None,
        }
    }

    /// What must be written to take every split back; nothing when there is none. Needs no class and no script, so that a
    /// release whose provider is not known can be ended (D19).
    #[must_use]
    pub fn restore<'r>(&self, routes: &'r Routes, wiring: &Wiring<'_>) -> Option<Change<'r>> {
        let route = || routes.get(&self.key()?);
        let is_scripts = |route: &DynamicObject| match self {
            Self::Ingress { .. } => false,
            Self::Custom { native, .. } => native.is_none() || script::is_written(route),
            _ => script::is_written(route),
        };
        if let Some(route) = route().filter(|route| is_scripts(route)) {
            return script::restore(route, wiring).map(|body| Change::Merge(route, body));
        }
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
            Self::Custom { native, .. } => native.as_ref()?.restore(routes, wiring),
        }
    }
}

/// What says which requests go to a twin.
enum How<'s> {
    Class(Class),
    Script(&'s Script),
}

/// The twin of an Ingress: made, or changed where it differs. It is derived anew every time, so that rules which the user
/// adds in the middle are followed (D9).
fn split_ingress<'r>(
    how: &How<'_>,
    user: &DynamicObject,
    routes: &'r Routes,
    wiring: &Wiring<'_>,
    split: &Split<'_>,
) -> Result<Option<Change<'r>>, Obstacle> {
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
    let none = BTreeMap::new();
    let own = user.metadata.annotations.as_ref().unwrap_or(&none);
    let (service, canary) = (wiring.service, wiring.canary.as_str());
    let annotations = match how {
        How::Class(class) => class.annotations(own, split),
        How::Script(script) => {
            let user = user.metadata.name.as_deref().unwrap_or_default();
            script::annotations(script, user, own, canary, split)?
        }
    };
    let wanted = ingress::canary(annotations, user, service, canary, wiring.owner.clone())?;
    let difference = match how {
        How::Class(_) => ingress::difference,
        How::Script(_) => script::difference,
    };
    Ok(match present {
        // Blue-green may begin with no traffic at all, which is what there is.
        None if split.weight == Some(0) && split.matches.is_empty() => None,
        None => Some(Change::Create(wanted)),
        Some(present) => difference(present, &wanted).map(|patch| Change::Merge(present, patch)),
    })
}

#[cfg(test)]
mod tests;
