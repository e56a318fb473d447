//! TrafficRouting objects: one split of traffic that several Rollouts share (engine-traffic 6).
//!
//! Every Rollout that needs the split leaves a finalizer on the object and takes it away when it is done. The split is made
//! for the first of them and taken back for the last, who leaves only after that: whoever deletes the object in the middle
//! waits for clean routes (upstream removes its finalizer before it cleans, D18). Nothing is left on it at rest.

use kube::api::DynamicObject;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Change, DEFAULT_GRACE, Obstacle, Provider, Routes, Split, Wiring, grace, script::Scripts};
use crate::api::{
    keys,
    traffic_routing::{TrafficRoutingPhase, TrafficRoutingSpec, TrafficRoutingStatus},
    v1beta1::{RouteMatch, TrafficRoutingRef},
};

/// Longest part of a finalizer after its slash.
const LONGEST_FINALIZER: usize = 63;
/// How much of a name is kept where all of it would be too long.
const KEPT: usize = LONGEST_FINALIZER - 11;

/// A TrafficRouting as it was read.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The object.
    pub object: DynamicObject,
    spec: Option<TrafficRoutingSpec>,
    status: TrafficRoutingStatus,
    matches: Vec<RouteMatch>,
    /// What it routed when its split was made, if somebody holds it.
    noted: Option<Vec<TrafficRoutingRef>>,
    scripts: Scripts,
}

/// The finalizer by which a Rollout holds a TrafficRouting. Of a name that is too long for one, a part and a digest.
#[must_use]
pub fn holder(rollout: &str) -> String {
    let prefix = keys::TRAFFIC_ROUTING_HOLDER;
    if rollout.len() <= LONGEST_FINALIZER {
        return format!("{prefix}{rollout}");
    }
    let digest = Sha256::digest(rollout);
    let digest: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    // Names of objects are ASCII.
    let kept = rollout.get(..KEPT).unwrap_or_default();
    format!("{prefix}{kept}-{digest}")
}

/// Whether what a finalizer names may be a part of a name and a digest.
#[must_use]
pub fn may_be_digest(named: &str) -> bool {
    named.len() == LONGEST_FINALIZER
}

impl Shared {
    /// Reads a TrafficRouting.
    #[must_use]
    pub fn new(object: DynamicObject) -> Self {
        let spec: Option<TrafficRoutingSpec> = serde_json::from_value(object.data["spec"].clone()).ok();
        let status = serde_json::from_value(object.data["status"].clone()).unwrap_or_default();
        let entries = spec.iter().flat_map(|spec| &spec.strategy.matches);
        let matches = entries
            .map(|entry| RouteMatch {
                headers: entry.headers.clone(),
                ..RouteMatch::default()
            })
            .collect();
        let annotations = object.metadata.annotations.as_ref();
        let noted = annotations.and_then(|all| all.get(keys::TRAFFIC_ROUTING_OPENED));
        Self {
            // What cannot be read names nothing.
            noted: noted.map(|text| serde_json::from_str(text).unwrap_or_default()),
            object,
            spec,
            status,
            matches,
            scripts: Scripts::default(),
        }
    }

    /// The same with the scripts that there are.
    #[must_use]
    pub fn scripted(mut self, scripts: &Scripts) -> Self {
        self.scripts = scripts.clone();
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// What it routes: the Services and what sends requests to them; all of them, where upstream looks at the first alone.
    #[must_use]
    pub fn routings(&self) -> &[TrafficRoutingRef] {
        self.spec.as_ref().map_or(&[], |spec| &spec.object_ref)
    }

    /// The same, and what it routed when its split was made and routes no more.
    pub fn ever_routed(&self) -> impl Iterator<Item = &TrafficRoutingRef> {
        let noted = self.noted.iter().flatten();
        self.routings()
            .iter()
            .chain(noted.filter(|noted| !self.routings().contains(noted)))
    }

    /// The split that it asks for; nothing when it asks for none.
    #[must_use]
    pub fn split(&self) -> Option<Split<'_>> {
        let strategy = &self.spec.as_ref()?.strategy;
        (strategy.weight.is_some() || !self.matches.is_empty()).then_some(Split {
            weight: strategy.weight,
            matches: &self.matches,
            header_modifier: strategy.request_header_modifier.as_ref(),
        })
    }

    /// Seconds to wait after its routes were written: the longest that is asked for.
    #[must_use]
    pub fn grace(&self) -> i64 {
        let all = self.routings().iter().map(grace);
        all.max().unwrap_or(i64::from(DEFAULT_GRACE))
    }

    /// What it is doing; nothing when nobody looked at it yet.
    #[must_use]
    pub fn phase(&self) -> Option<&TrafficRoutingPhase> {
        self.status.phase.as_ref()
    }

    /// Its sentence; empty when nobody looked at it yet.
    #[must_use]
    pub fn message(&self) -> &str {
        self.status.message.as_deref().unwrap_or_default()
    }

    /// Whether it is being deleted.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    fn finalizers(&self) -> impl Iterator<Item = &str> {
        self.object
            .metadata
            .finalizers
            .iter()
            .flatten()
            .map(String::as_str)
    }

    /// The finalizers of the Rollouts that need it, in their order.
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        self.finalizers()
            .filter(|text| text.starts_with(keys::TRAFFIC_ROUTING_HOLDER))
    }

    /// Whether a Rollout holds it.
    #[must_use]
    pub fn is_held_by(&self, rollout: &str) -> bool {
        let own = holder(rollout);
        self.holders().any(|text| text == own)
    }

    /// Whether its split may stand: somebody holds it, or its status says so.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let is_told = matches!(
            self.status.phase,
            Some(TrafficRoutingPhase::Progressing | TrafficRoutingPhase::Finalizing)
        );
        is_told || self.holders().next().is_some()
    }

    /// The patch by which a Rollout holds it; the first one notes what it routes.
    #[must_use]
    pub fn held(&self, rollout: &str) -> Value {
        let own = holder(rollout);
        let all: Vec<&str> = self.finalizers().chain([own.as_str()]).collect();
        let mut patch = json!({ "metadata": { "finalizers": all } });
        if self.noted.is_none() {
            json_patch::merge(&mut patch, &self.note());
        }
        patch
    }

    fn note(&self) -> Value {
        // References are made of strings and numbers: they always have a text.
        let text = serde_json::to_string(self.routings()).unwrap_or_default();
        json!({ "metadata": { "annotations": { keys::TRAFFIC_ROUTING_OPENED: text } } })
    }

    /// The patch that notes what it routes now; nothing when that is noted, or nothing ever was.
    #[must_use]
    pub fn noted_anew(&self) -> Option<Value> {
        let noted = self.noted.as_ref()?;
        (noted != self.routings()).then(|| self.note())
    }

    /// Whether nobody holds it and it still says what was split.
    #[must_use]
    pub fn is_note_left(&self) -> bool {
        self.noted.is_some() && self.holders().next().is_none()
    }

    /// The patch that takes these finalizers away, and after the last Rollout's the note of what was split.
    #[must_use]
    pub fn without(&self, is_gone: impl Fn(&str) -> bool) -> Value {
        let kept: Vec<&str> = self.finalizers().filter(|text| !is_gone(text)).collect();
        let mut patch = json!({ "metadata": { "finalizers": kept } });
        let is_held = kept
            .iter()
            .any(|text| text.starts_with(keys::TRAFFIC_ROUTING_HOLDER));
        if self.noted.is_some() && !is_held {
            patch["metadata"]["annotations"] = json!({ keys::TRAFFIC_ROUTING_OPENED: null });
        }
        patch
    }

    /// The patch of its status; nothing when it says so already. The sentences are upstream's.
    #[must_use]
    pub fn told(&self, phase: TrafficRoutingPhase, obstacle: Option<&Obstacle>) -> Option<Value> {
        let sentence = match &phase {
            TrafficRoutingPhase::Initial => "TrafficRouting is Initializing".to_owned(),
            other => format!("TrafficRouting is {other}"),
        };
        let wanted = TrafficRoutingStatus {
            observed_generation: self.object.metadata.generation,
            phase: Some(phase),
            message: Some(match obstacle {
                Some(obstacle) => format!("{sentence}: {obstacle}"),
                None => sentence,
            }),
        };
        (wanted != self.status).then(|| json!({ "status": wanted }))
    }

    /// What its providers are told: both versions have one Service, told apart by what the lane's pods carry. Labels are no
    /// Rollout's, or the routes would differ by who wrote them last.
    pub fn wired(&self) -> impl Iterator<Item = (Wiring<'_>, Provider)> {
        self.wired_for(self.routings())
    }

    fn wired_for<'s>(
        &'s self,
        routings: impl IntoIterator<Item = &'s TrafficRoutingRef>,
    ) -> impl Iterator<Item = (Wiring<'s>, Provider)> {
        let metadata = &self.object.metadata;
        let owner = json!({
            "apiVersion": "rollouts.kruise.io/v1alpha1",
            "kind": "TrafficRouting",
            "name": metadata.name,
            "uid": metadata.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        });
        routings.into_iter().flat_map(move |routing| {
            let wiring = Wiring {
                namespace: metadata.namespace.as_deref().unwrap_or_default(),
                service: &routing.service,
                canary: routing.service.clone(),
                owner: owner.clone(),
                labels: None,
            };
            let providers = Provider::all(routing).into_iter();
            providers.map(move |provider| (wiring.clone(), provider.scripted(&self.scripts)))
        })
    }

    /// What splits its traffic, or may still.
    #[must_use]
    pub fn providers(&self) -> Vec<Provider> {
        let all = self.ever_routed().flat_map(Provider::all);
        all.map(|provider| provider.scripted(&self.scripts)).collect()
    }

    /// What must be written for the split; nothing when it is in place.
    ///
    /// # Errors
    /// Why it cannot be made with the objects as they are; then none of it is.
    pub fn opened<'r>(&self, routes: &'r Routes) -> Result<Vec<Change<'r>>, Obstacle> {
        if self.spec.is_none() {
            return Err(Obstacle::Provider {
                what: format!("TrafficRouting {}, whose spec cannot be read,", self.name()),
            });
        }
        let Some(split) = self.split() else {
            return Ok(Vec::new());
        };
        let mut changes = Vec::new();
        for (wiring, provider) in self.wired() {
            provider.known()?;
            provider
                .check(&split)
                .map_err(|what| Obstacle::Limit { step: None, what })?;
            changes.extend(provider.split(routes, &wiring, &split)?);
        }
        Ok(changes)
    }

    /// What must be written to take the split back; nothing when there is none.
    #[must_use]
    pub fn closed<'r>(&self, routes: &'r Routes) -> Vec<Change<'r>> {
        self.wired_for(self.ever_routed())
            .filter_map(|(wiring, provider)| provider.restore(routes, &wiring))
            .collect()
    }

    /// What must be written to take back the split of what somebody took out of its `objectRef`.
    #[must_use]
    pub fn dropped<'r>(&self, routes: &'r Routes) -> Vec<Change<'r>> {
        let place = |(wiring, provider): &(Wiring<'_>, Provider)| (wiring.service.to_owned(), provider.key());
        let kept: Vec<_> = self.wired().map(|wired| place(&wired)).collect();
        self.wired_for(self.noted.iter().flatten())
            .filter(|wired| !kept.contains(&place(wired)))
            .filter_map(|(wiring, provider)| provider.restore(routes, &wiring))
            .collect()
    }
}

#[cfg(test)]
mod tests;
