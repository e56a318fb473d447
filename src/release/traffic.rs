//! The share of traffic that the new version should get and the share that is set.

use serde_json::Value;

use super::position::Position;
use crate::{
    api::v1beta1::{Step, StepState},
    traffic::Share,
};

/// Annotations by which ingress-nginx marks and weighs a canary Ingress.
const NGINX_WEIGHT: &str = "nginx.ingress.kubernetes.io/canary-weight";
const NGINX_HEADER: &str = "nginx.ingress.kubernetes.io/canary-by-header";

/// Traffic of the new version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// What routes: `ingress/NAME`, `httproute/NAME`.
    pub route: String,
    /// What the current step asks for, in words; empty when it asks for nothing.
    pub wanted: String,
    /// What is set on the route, in words.
    pub set: String,
    /// What is set, in percent, where it is a percentage.
    pub percent: Option<i32>,
}

impl Traffic {
    /// Reads the share from the canary Ingress (absent: nothing goes to the new version).
    #[must_use]
    pub fn through_ingress(position: &Position, name: &str, canary: Option<&Value>) -> Self {
        let annotations = canary.map(|ingress| &ingress["metadata"]["annotations"]);
        let annotation = |key: &str| annotations.and_then(|all| all[key].as_str()).map(str::to_owned);
        let percent = match annotation(NGINX_WEIGHT) {
            Some(text) => text.parse().ok(),
            None if canary.is_none() => Some(0),
            None => None,
        };
        let set = match (percent, annotation(NGINX_HEADER)) {
            (Some(percent), None) => format!("{percent}%"),
            (_, Some(header)) => format!("requests with header {header}"),
            (None, None) => "unknown".to_owned(),
        };
        Self {
            route: format!("ingress/{name}"),
            wanted: wanted(position),
            set,
            percent,
        }
    }
}

impl Traffic {
    /// The share that a route says by itself.
    #[must_use]
    pub fn through_route(position: &Position, kind: &str, name: &str, share: Share) -> Self {
        let (set, percent) = match share {
            Share::Percent(percent) => (format!("{percent}%"), Some(percent)),
            Share::Matching => ("by match".to_owned(), None),
        };
        Self {
            route: format!("{}/{name}", kind.to_lowercase()),
            wanted: wanted(position),
            set,
            percent,
        }
    }
}

fn wanted(position: &Position) -> String {
    if !position.under_way() || position.reason == "Cancelling" {
        return String::new();
    }
    // Until the pods of a step stand, its traffic is not wanted yet: that of the step before is.
    let before = matches!(
        position.state,
        StepState::BeforeStepUpgrade | StepState::StepUpgrade
    );
    let index = position.step - i32::from(before);
    let step = usize::try_from(index)
        .ok()
        .and_then(|n| n.checked_sub(1))
        .and_then(|at| position.steps.get(at));
    step.map(of_step).unwrap_or_default()
}

/// The traffic of a step in words.
#[must_use]
pub fn of_step(step: &Step) -> String {
    match (&step.traffic, step.matches.is_empty()) {
        (Some(traffic), _) => traffic.clone(),
        (None, false) => "by match".to_owned(),
        (None, true) => String::new(),
    }
}
