//! Pure knowledge of traffic objects: what is there and the wanted split in, what should be there out.
//!
//! The wanted state is rebuilt from the user's own objects every time, never edited cumulatively.

pub mod gateway;
pub mod ingress;
pub mod ingress_class;
pub mod istio;
mod original;
mod provider;
mod route;
mod rules;
pub mod script;
pub mod service;
pub mod shared;
pub mod traefik;

use std::fmt;

use crate::api::v1beta1::{Step, TrafficRoutingRef};

use istio::is_host;
pub use provider::{Change, Provider, Share, Wiring, patched_labels};
pub use route::{RouteKey, RouteKind, Routes};
pub use shared::Shared;

/// Seconds to wait after a traffic write when the Rollout does not say (upstream's CRD default).
pub const DEFAULT_GRACE: i32 = 3;

/// The split that a step asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Split<'a> {
    /// Percent of requests for the new version.
    pub weight: Option<i32>,
    /// Requests that go to the new version whatever the weight.
    pub matches: &'a [crate::api::v1beta1::RouteMatch],
    /// Changes to the headers of requests for the new version.
    pub header_modifier: Option<&'a crate::api::v1beta1::HeaderModifier>,
}

impl Split<'_> {
    /// No request to the new version.
    pub const NOTHING: Self = Self {
        weight: Some(0),
        matches: &[],
        header_modifier: None,
    };

    /// Every request to the new version.
    pub const ALL: Self = Self {
        weight: Some(100),
        matches: &[],
        header_modifier: None,
    };

    /// The weight, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u64 {
        u64::try_from(self.weight.unwrap_or(0)).unwrap_or(0).min(100)
    }
}

/// Why traffic cannot be split as asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// An object that the Rollout names is not there.
    Missing {
        /// Its kind, such as `Service` or `HTTPRoute`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The cluster does not serve a kind that the Rollout names.
    Unserved {
        /// Such as `httproutes.gateway.networking.k8s.io`.
        kind: String,
    },
    /// The name of a canary twin is that of an object which is not this Rollout's.
    Taken {
        /// `Service` or `Ingress`.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// The name of a canary twin would be longer than names may be.
    TooLong {
        /// `Service` or `Ingress`.
        kind: &'static str,
        /// The name.
        name: String,
        /// Characters it may have.
        longest: usize,
    },
    /// A route sends nothing to the Service.
    NoRule {
        /// Kind of the route.
        kind: &'static str,
        /// The route.
        name: String,
        /// The Service.
        service: String,
    },
    /// The Service selects no pods by label, so versions cannot be told apart.
    NoSelector {
        /// The Service.
        service: String,
    },
    /// The route tells versions by their Services, and the Rollout makes none for the new one.
    NoTwin {
        /// Kind of the route.
        kind: &'static str,
    },
    /// An object that is split by the Rollout itself and by the TrafficRouting that it names.
    Twice {
        /// Kind of the route.
        kind: String,
        /// The route.
        name: String,
        /// The TrafficRouting.
        shared: String,
    },
    /// The TrafficRouting that the Rollout names is being deleted.
    Deleting {
        /// The TrafficRouting.
        name: String,
    },
    /// What a route was before the release cannot be read.
    Original {
        /// Kind of the route.
        kind: String,
        /// The route.
        name: String,
    },
    /// Nothing in the routing says where requests come from, or a provider that this version does not have.
    Provider {
        /// What was asked for.
        what: String,
    },
    /// Neither a provider of ours nor a script is for it.
    NoScript {
        /// An Ingress class or a kind, in words.
        what: String,
        /// Where a script was looked for, in words.
        looked: String,
    },
    /// A script gives no answer.
    Script {
        /// Its key.
        key: String,
        /// Where it is from, in words.
        origin: String,
        /// The object that it was run for: kind and name.
        object: String,
        /// Why.
        fault: script::Fault,
    },
    /// Somebody changed a list that a script changes too.
    Edited {
        /// Kind of the route.
        kind: String,
        /// The route.
        name: String,
        /// The place.
        at: String,
    },
    /// An API server drops or changes what a script sets.
    Unkept {
        /// Kind of the route.
        kind: String,
        /// The route.
        name: String,
        /// The place.
        at: String,
    },
    /// The original does not fit into an annotation.
    Large {
        /// Kind of the route.
        kind: String,
        /// The route.
        name: String,
    },
    /// The provider cannot express what a step asks for.
    Limit {
        /// The step, 1-based; nothing when it is the one under way.
        step: Option<usize>,
        /// What it cannot do.
        what: String,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { kind, name } => write!(f, "{kind} {name} not found"),
            Self::Unserved { kind } => write!(f, "the cluster does not serve {kind}"),
            Self::Taken { kind, name } => {
                write!(
                    f,
                    "{kind} {name} is in the way, it does not belong to this Rollout"
                )
            }
            Self::TooLong { kind, name, longest } => {
                write!(
                    f,
                    "{kind} {name} would have a name of more than {longest} characters"
                )
            }
            Self::NoRule { kind, name, service } => {
                write!(f, "{kind} {name} has no rule for Service {service}")
            }
            Self::NoTwin { kind } => write!(
                f,
                "{kind} tells versions by their Services, and both have the same one here (disableGenerateCanaryService, or a TrafficRouting)"
            ),
            Self::Twice { kind, name, shared } => write!(
                f,
                "{kind} {name} is named in trafficRoutings and by TrafficRouting {shared}; only one of them can split it"
            ),
            Self::Deleting { name } => write!(f, "TrafficRouting {name} is being deleted"),
            Self::Original { kind, name } => write!(
                f,
                "annotation {} of {kind} {name} cannot be read; without it the weights of rules that somebody edited are lost",
                crate::api::keys::ORIGINAL_SPEC
            ),
            Self::NoSelector { service } => write!(
                f,
                "Service {service} has no selector, its versions cannot be told apart"
            ),
            Self::Provider { what } => write!(f, "traffic routing by {what} is not supported"),
            Self::NoScript { what, looked } => write!(
                f,
                "there is no script for {what}: looked for {looked}; 'kubectl kruise rollout run --scripts DIR' reads scripts from a folder"
            ),
            Self::Script {
                key,
                origin,
                object,
                fault,
            } => write!(f, "script {key} of {origin} for {object} {fault}"),
            Self::Edited { kind, name, at } => write!(
                f,
                "{at} of {kind} {name} was edited while the release has it changed too; undo that edit, or roll back: that puts the original back"
            ),
            Self::Unkept { kind, name, at } => write!(
                f,
                "the API server does not keep {at} of {kind} {name} as the script set it"
            ),
            Self::Large { kind, name } => write!(
                f,
                "{kind} {name} is too large: its annotations would have more than 256 KiB with what it was before the release"
            ),
            Self::Limit {
                step: Some(step),
                what,
            } => write!(f, "step {step}: {what}"),
            Self::Limit { step: None, what } => f.write_str(what),
        }
    }
}

/// Seconds to wait after a write of a traffic object: as the Rollout says, 3 when it says nothing or less than 0.
#[must_use]
pub fn grace(routing: &TrafficRoutingRef) -> i64 {
    i64::from(
        routing
            .grace_period_seconds
            .filter(|seconds| *seconds >= 0)
            .unwrap_or(DEFAULT_GRACE),
    )
}

/// The split a step asks for; nothing when it has neither traffic nor matches.
#[must_use]
pub fn split(step: &Step) -> Option<Split<'_>> {
    let weight = step
        .traffic
        .as_deref()
        .and_then(|text| text.trim().strip_suffix('%')?.trim().parse().ok());
    (weight.is_some() || !step.matches.is_empty()).then_some(Split {
        weight,
        matches: &step.matches,
        header_modifier: step.request_header_modifier.as_ref(),
    })
}

impl Obstacle {
    /// The same of one of the plan's steps, 1-based.
    #[must_use]
    pub fn of_step(self, number: usize) -> Self {
        match self {
            Self::Limit { step: None, what } => Self::Limit {
                step: Some(number),
                what,
            },
            other => other,
        }
    }
}

/// Checks that a routing's providers are known and can do what every step asks for, as far as that can be said without
/// their objects.
///
/// # Errors
/// The first thing that they cannot do.
pub fn check(providers: &[Provider], steps: &[Step]) -> Result<(), Obstacle> {
    if providers.is_empty() {
        return Err(Obstacle::Provider {
            what: "a Service alone".to_owned(),
        });
    }
    for provider in providers {
        provider.known()?;
        for (index, step) in steps.iter().enumerate() {
            if let Some(split) = split(step) {
                provider.check(&split).map_err(|what| Obstacle::Limit {
                    step: Some(index + 1),
                    what,
                })?;
            }
        }
    }
    Ok(())
}
