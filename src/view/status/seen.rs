//! What was read from the cluster about one Rollout, and what of it is not there.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    api::{keys, v1beta1::Rollout},
    release::{Position, Sight, Traffic, traffic},
    traffic::{
        Provider, RouteKey, Routes, Shared, Wiring,
        script::{Configuration, Scripts},
    },
};

/// An object that was looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Looked {
    /// Not looked for: the Rollout does not name one, or it does not matter now.
    #[default]
    NotWanted,
    /// It does not exist.
    Missing,
    /// Reading it is not allowed.
    Unread,
    /// As it was read.
    There(Value),
    /// It is there; of many only this was read.
    Outlined {
        /// Whether it carries the mark of a release.
        marked: bool,
    },
}

impl Looked {
    /// The object, where all of it was read.
    #[must_use]
    pub fn there(&self) -> Option<&Value> {
        match self {
            Self::There(object) => Some(object),
            _ => None,
        }
    }
}

/// What was read from the cluster about one Rollout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The Rollout.
    pub rollout: Rollout,
    /// The workload it releases.
    pub workload: Looked,
    /// By which the workload's pods are counted: of a Deployment its ReplicaSets and those of its canary, else its pods.
    pub members: Vec<Value>,
    /// What may not be read that would say which pods there are and whether a new version is held, as a sentence.
    pub uncounted: Option<String>,
    /// The stable Service.
    pub service: Looked,
    /// The TrafficRouting that it shares with others.
    pub shared: Looked,
    /// Its routes and those of the TrafficRouting, twins included; nothing when they were not looked for.
    pub routes: Option<Routes>,
    /// What was looked at to find out why the release does not go on.
    pub sight: Sight,
    /// What could not be read, one sentence each.
    pub unread: Vec<String>,
    /// The cluster's scripts; looked for when a provider needs one.
    pub configuration: Configuration,
}

impl Seen {
    /// What has no script in the cluster and needs one; nothing while a release is under way, whose engine may have one of a
    /// folder and tells it otherwise.
    pub(super) fn unscripted(&self, position: &Position) -> Option<String> {
        let scripts = Scripts {
            configuration: Arc::new(self.configuration.clone()),
            ..Scripts::default()
        };
        // Where routes were not looked for scripts were not either.
        let looked = self.routes.is_some() && !position.under_way();
        let mut all = providers(&self.rollout).into_iter().filter(|_| looked);
        let unknown = all.find_map(|provider| provider.scripted(&scripts).known().err())?;
        Some(unknown.to_string())
    }

    /// The TrafficRouting that the Rollout shares with others.
    #[must_use]
    pub fn shared(&self) -> Option<Shared> {
        let Looked::There(object) = &self.shared else {
            return None;
        };
        Some(Shared::new(serde_json::from_value(object.clone()).ok()?))
    }
}

/// What splits the traffic of a Rollout.
#[must_use]
pub fn providers(rollout: &Rollout) -> Vec<Provider> {
    let routing = rollout.spec.strategy.traffic_routings().first();
    routing.map(Provider::all).unwrap_or_default()
}

/// The TrafficRouting that a Rollout shares with others, as `status` tells it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SharedState {
    /// Name.
    pub name: String,
    /// What it is doing, one word.
    pub phase: String,
    /// Its sentence.
    pub message: String,
    /// The Rollouts that need it now.
    pub holders: Vec<String>,
    /// What it does to the traffic of a release, in words; nothing when it asks for nothing.
    pub split: Option<String>,
}

impl SharedState {
    pub(super) fn of(shared: &Shared) -> Self {
        let phase = shared.phase().map(ToString::to_string);
        let holders = shared.holders().map(|holder| {
            let name = holder.strip_prefix(keys::TRAFFIC_ROUTING_HOLDER);
            name.unwrap_or(holder).to_owned()
        });
        Self {
            name: shared.name().to_owned(),
            phase: phase.unwrap_or_else(|| "Unknown".to_owned()),
            message: shared.message().to_owned(),
            holders: holders.collect(),
            split: traffic::of_shared(shared),
        }
    }

    pub(super) fn sentence(&self) -> String {
        let held = match self.holders.as_slice() {
            [] => "no Rollout needs it".to_owned(),
            holders => format!("needed by {}", holders.join(", ")),
        };
        // The sentence of one that cannot be opened says why.
        let why = self.message.split_once(": ").map(|(_, why)| format!(" ({why})"));
        format!(
            "trafficrouting/{} is {}{}, {held}",
            self.name,
            self.phase,
            why.unwrap_or_default()
        )
    }
}

/// Something that keeps a release from working.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub hint: String,
}

/// The traffic of every route that is there and says something of it, the Rollout's own first.
pub(super) fn traffic_of(seen: &Seen, shared: Option<&Shared>, position: &Position) -> Vec<Traffic> {
    let Some(routes) = &seen.routes else {
        return Vec::new();
    };
    let mut all = Vec::new();
    if let Some(wiring) = Wiring::of(&seen.rollout, Value::Null) {
        let wanted = traffic::wanted(position);
        for provider in providers(&seen.rollout) {
            all.extend(Traffic::through(&provider, &wiring, routes, &wanted));
        }
    }
    if let Some(shared) = shared {
        let is_held = shared.is_held_by(seen.rollout.metadata.name.as_deref().unwrap_or_default());
        let wanted = shared.split().filter(|_| is_held);
        let wanted = wanted.map(|split| traffic::of_split(&split)).unwrap_or_default();
        for (wiring, provider) in shared.wired() {
            all.extend(Traffic::through(&provider, &wiring, routes, &wanted));
        }
    }
    all
}

/// Kind, in lower case, and name of what the Rollout names and is not there.
#[must_use]
pub fn missing(seen: &Seen) -> Vec<(String, String)> {
    let spec = &seen.rollout.spec;
    let routing = spec.strategy.traffic_routings().first();
    let workload = &spec.workload_ref;
    let mut found = vec![(
        &seen.workload,
        workload.kind.to_lowercase(),
        workload.name.clone(),
    )];
    if let Some(routing) = routing {
        found.push((&seen.service, "service".to_owned(), routing.service.clone()));
    }
    if let Some(name) = seen.rollout.traffic_routing_name() {
        found.push((&seen.shared, "trafficrouting".to_owned(), name.to_owned()));
    }
    let shared = seen.shared();
    let shared_providers = shared.iter().flat_map(Shared::providers);
    for provider in providers(&seen.rollout).into_iter().chain(shared_providers) {
        let (Some(RouteKey { kind, name, .. }), Some(routes)) = (provider.key(), &seen.routes) else {
            continue;
        };
        if provider.found(routes).is_none() {
            found.push((&Looked::Missing, kind.to_lowercase(), name.clone()));
        }
    }
    let missing = found
        .into_iter()
        .filter(|(looked, ..)| **looked == Looked::Missing);
    missing.map(|(_, kind, name)| (kind, name)).collect()
}

pub(super) fn problems(seen: &Seen, namespace: &str) -> Vec<Problem> {
    let rollout = seen.rollout.metadata.name.as_deref().unwrap_or_default();
    let problem = |(kind, name): (String, String)| Problem {
        what: format!("{kind} {name:?} does not exist in namespace {namespace:?}"),
        hint: format!(
            "create it, or change the Rollout: kubectl edit rollouts.rollouts.kruise.io {rollout} -n {namespace}"
        ),
    };
    missing(seen).into_iter().map(problem).collect()
}
