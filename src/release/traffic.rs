//! The share of traffic that the new version should get and the share that is set.

use kube::api::DynamicObject;

use super::position::Position;
use crate::{
    api::{
        keys,
        v1beta1::{Step, StepState},
    },
    traffic::{
        Provider, RouteKey, Routes, Share, Shared, Split, Wiring, ingress, ingress_class::Class, script,
    },
};

/// How the annotations end by which the classes of Ingress weigh and match; what stands before is the class's own.
const WEIGHT: &str = "ingress.kubernetes.io/canary-weight";
const MATCHES: [(&str, &str); 3] = [
    ("ingress.kubernetes.io/canary-by-header", "header"),
    ("ingress.kubernetes.io/canary-by-cookie", "cookie"),
    ("ingress.kubernetes.io/canary-by-query", "query parameter"),
];

/// By what else than its Service MSE tells versions apart.
const MSE_MARKS: [&str; 2] = [
    "mse.ingress.kubernetes.io/service-subset",
    "mse.ingress.kubernetes.io/request-header-control-update",
];

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
    /// What goes through a route that is there; nothing when it says nothing about that. `wanted` is the share that is asked
    /// for, in words.
    #[must_use]
    pub fn through(provider: &Provider, wiring: &Wiring<'_>, routes: &Routes, wanted: &str) -> Option<Self> {
        let route = provider.found(routes)?;
        let kind = provider.versions().first()?.kind;
        let (set, percent) = match provider {
            Provider::Ingress { name, class, .. } => {
                let twin = routes.get(&RouteKey::ingress(&ingress::canary_name(name)));
                match twin.filter(|twin| !wiring.has_twin() && moves_nothing(twin, class)) {
                    Some(_) => (
                        format!("0%: both versions are behind Service {}", wiring.service),
                        Some(0),
                    ),
                    None => said_by_twin(twin),
                }
            }
            // What a script writes only its author can read.
            Provider::Custom { .. } if script::is_left(route) => ("by its script".to_owned(), None),
            Provider::Custom { .. } => ("0%".to_owned(), Some(0)),
            _ => match provider.share(route, wiring)? {
                Share::Percent(percent) => (format!("{percent}%"), Some(percent)),
                Share::Matching => ("by match".to_owned(), None),
            },
        };
        Some(Self {
            route: format!("{}/{}", kind.to_lowercase(), provider.name()),
            wanted: wanted.to_owned(),
            set,
            percent,
        })
    }
}

/// Whether a canary Ingress that leads to the same Service as the user's leaves all requests where they are: only MSE has
/// other ways to tell versions apart, and what a script wrote only its author can read.
fn moves_nothing(twin: &DynamicObject, class: &str) -> bool {
    let annotations = twin.metadata.annotations.iter().flatten();
    let mut known = annotations.map(|(key, _)| key.as_str());
    Class::named(class).is_some()
        && !known.any(|key| key == keys::SCRIPT_ANNOTATIONS || MSE_MARKS.contains(&key))
}

/// What a canary Ingress says; without one nothing goes to the new version.
fn said_by_twin(twin: Option<&DynamicObject>) -> (String, Option<i32>) {
    let Some(twin) = twin else {
        return ("0%".to_owned(), Some(0));
    };
    let annotations = twin.metadata.annotations.as_ref();
    let ending = |end: &str| {
        let mut all = annotations.into_iter().flatten();
        all.find(|(key, _)| key.ends_with(end)).map(|(_, value)| value)
    };
    let percent = ending(WEIGHT).and_then(|text| text.parse::<i32>().ok());
    let matched = MATCHES.iter().find_map(|(key, what)| {
        let name = ending(key)?;
        Some(format!("requests with {what} {name}"))
    });
    match (percent, matched) {
        (Some(percent), None) => (format!("{percent}%"), Some(percent)),
        // What matches goes there besides: how much that is nobody knows.
        (Some(percent), Some(matched)) => (format!("{percent}% and {matched}"), Some(percent)),
        (None, Some(matched)) => (matched, None),
        (None, None) => (said_by_script(twin).unwrap_or_else(|| "unknown".to_owned()), None),
    }
}

/// What the script for a class of one's own wrote on a canary Ingress, as it stands there.
fn said_by_script(twin: &DynamicObject) -> Option<String> {
    let annotations = twin.metadata.annotations.as_ref()?;
    let own = annotations.get(keys::SCRIPT_ANNOTATIONS)?.split(',');
    let all: Vec<String> = own
        .filter_map(|key| Some(format!("{key}: {}", annotations.get(key)?)))
        .collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// What the step under way asks for, in words; empty when it asks for nothing.
#[must_use]
pub fn wanted(position: &Position) -> String {
    if !position.under_way() || position.reason == "Cancelling" {
        return String::new();
    }
    // Until the pods of a step stand, its traffic is not wanted yet: that of the step before is.
    let before = matches!(
        position.state,
        StepState::BeforeStepUpgrade | StepState::StepUpgrade
    );
    let index = position.step.saturating_sub(i32::from(before));
    let step = usize::try_from(index)
        .ok()
        .and_then(|n| n.checked_sub(1))
        .and_then(|at| position.steps.get(at));
    step.map(|step| of_step(step, None)).unwrap_or_default()
}

/// A split in words.
#[must_use]
pub fn of_split(split: &Split<'_>) -> String {
    match split.weight {
        Some(weight) if split.matches.is_empty() => format!("{weight}%"),
        Some(weight) => format!("{weight}% and by match"),
        None => "by match".to_owned(),
    }
}

/// The split of a TrafficRouting in words, with its name; nothing when it asks for none.
#[must_use]
pub fn of_shared(shared: &Shared) -> Option<String> {
    let split = shared.split()?;
    Some(format!("{} ({})", of_split(&split), shared.name()))
}

/// The traffic of a step in words; `shared` is what a TrafficRouting does besides, as long as the release has new pods.
#[must_use]
pub fn of_step(step: &Step, shared: Option<&str>) -> String {
    let own = match (&step.traffic, step.matches.is_empty()) {
        (Some(traffic), true) => Some(traffic.clone()),
        (Some(traffic), false) => Some(format!("{traffic} and by match")),
        (None, false) => Some("by match".to_owned()),
        (None, true) => None,
    };
    let all: Vec<&str> = own.as_deref().into_iter().chain(shared).collect();
    all.join(", ")
}
