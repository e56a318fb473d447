//! Pure knowledge of traffic objects: what is there and the wanted split in, what should be there out.
//!
//! The wanted state is rebuilt from the user's own objects every time, never edited cumulatively.

pub mod ingress;
pub mod ingress_class;
pub mod service;

use std::fmt;

use crate::api::v1beta1::{Step, TrafficRoutingRef};

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

/// Why traffic cannot be split as asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// An object that the Rollout names is not there.
    Missing {
        /// `Service` or `Ingress`.
        kind: &'static str,
        /// Its name.
        name: String,
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
    /// The Ingress sends nothing to the Service.
    NoRule {
        /// The Ingress.
        ingress: String,
        /// The Service.
        service: String,
    },
    /// The Service selects no pods by label, so versions cannot be told apart.
    NoSelector {
        /// The Service.
        service: String,
    },
    /// Nothing in the routing says where requests come from, or a provider that this version does not have.
    Provider {
        /// What was asked for.
        what: String,
    },
    /// The provider cannot express what a step asks for.
    Limit {
        /// The step, 1-based.
        step: usize,
        /// What it cannot do.
        what: String,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { kind, name } => write!(f, "{kind} {name} not found"),
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
            Self::NoRule { ingress, service } => {
                write!(f, "Ingress {ingress} has no rule for Service {service}")
            }
            Self::NoSelector { service } => write!(
                f,
                "Service {service} has no selector, its versions cannot be told apart"
            ),
            Self::Provider { what } => write!(f, "traffic routing by {what} is not supported"),
            Self::Limit { step, what } => write!(f, "step {step}: {what}"),
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

/// Checks that the routing's provider is one of ours and can do what every step asks for.
///
/// # Errors
/// The first thing that it cannot do.
pub fn check(routing: &TrafficRoutingRef, steps: &[Step]) -> Result<(), Obstacle> {
    let provider = |what: &str| {
        Err(Obstacle::Provider {
            what: what.to_owned(),
        })
    };
    if routing.gateway.is_some() {
        return provider("gateway (HTTPRoute)");
    }
    if !routing.custom_network_refs.is_empty() {
        return provider("customNetworkRefs");
    }
    let Some(ingress) = &routing.ingress else {
        return provider("a Service alone");
    };
    let Some(class) = ingress_class::Class::named(&ingress.class_type) else {
        return provider(&format!("ingress class {:?}", ingress.class_type));
    };
    for (index, step) in steps.iter().enumerate() {
        if let Some(split) = split(step) {
            class.check(&split).map_err(|what| Obstacle::Limit {
                step: index + 1,
                what,
            })?;
        }
    }
    Ok(())
}
