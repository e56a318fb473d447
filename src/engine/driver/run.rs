//! The loop: what changed is looked at, what is decided is written, and what is waited for is waited for.

use std::collections::{BTreeMap, BTreeSet};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered, select_all},
};
use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Client,
    api::DynamicObject,
    core::PartialObjectMeta,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Error, Event, Options, RolloutKey, Scope,
    apply::{self, Written},
    cache::{Cache, Kind},
    lease::{self, Claim, Foreign, Held},
};
use crate::{
    api::{keys, v1beta1::Rollout},
    clock::Clock,
    engine::core::{Decision, Effect, Reason, Snapshot, Stop, Target, Verb, Wake, decide},
};

/// Seconds after which a watch is renewed, whatever happens.
const WATCH_SECONDS: u32 = 3600;
/// When somebody else's Lease is looked at again to see whether it is renewed.
const LEASE_LOOK: SignedDuration = SignedDuration::from_secs(6);

/// Rounds of writes without a wait, after which the API server is given a rest; no release needs nearly as many.
const BUSY_ROUNDS: u32 = 64;
/// The rest.
const BUSY_REST: SignedDuration = SignedDuration::from_secs(2);

type Watched = (Kind, Result<watcher::Event<DynamicObject>, watcher::Error>);

/// Drives Rollouts until each is done, waits for a human or failed; for ever when the options say so.
///
/// Must be called inside a tokio runtime. Dropping the future stops all work; whatever is half done is picked up by the
/// next driver.
///
/// # Errors
/// A kind that the engine reads cannot be listed.
pub async fn drive(
    client: Client,
    clock: Clock,
    scope: Scope,
    options: Options,
    events: UnboundedSender<Event>,
) -> Result<BTreeMap<RolloutKey, Stop>, Error> {
    let mut watches = select_all(Kind::ALL.map(|kind| watch(&client, &scope, kind)));
    let mut engine = Engine::new(client, clock, scope, options, events);
    while !engine.cache.synced() {
        match watches.next().await {
            Some((kind, Ok(event))) => {
                engine.cache.observe(kind, event);
            }
            Some((kind, Err(error))) => {
                if engine.options.forever && is_passing(&error) {
                    tracing::warn!(resource = kind.resource().plural, %error, "cannot list yet");
                    continue;
                }
                return Err(Error::List {
                    plural: kind.resource().plural,
                    source: Box::new(error),
                });
            }
            None => break,
        }
    }
    engine.begin();
    loop {
        engine.look_at_ready();
        if !engine.options.forever && engine.is_done() {
            engine.give_leases_back().await;
            return Ok(engine.stops);
        }
        let wake = engine.next_wake();
        let timer = async {
            match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((key, outcome)) = engine.tasks.next(), if !engine.tasks.is_empty() => engine.finished(key, outcome),
            Some((kind, event)) = watches.next() => match event {
                Ok(event) => {
                    let touched = engine.cache.observe(kind, event);
                    engine.ready.extend(touched);
                }
                Err(error) => tracing::debug!(resource = kind.resource().plural, %error, "watch interrupted"),
            },
            () = timer => engine.wake_due(),
        }
    }
}

fn watch(client: &Client, scope: &Scope, kind: Kind) -> BoxStream<'static, Watched> {
    let mut config = watcher::Config::default().timeout(WATCH_SECONDS);
    match (kind, scope) {
        (
            Kind::Rollout,
            Scope::Selected {
                labels: Some(labels), ..
            },
        ) => config = config.labels(labels),
        // Pods of Deployments only: no other kind's are ever looked at.
        (Kind::Pod, _) => config = config.labels(keys::POD_TEMPLATE_HASH),
        _ => {}
    }
    let resource = kind.resource();
    if kind == Kind::Pod {
        // Who owns a pod and how it is labelled is all that matters of it.
        let api: Api<PartialObjectMeta<DynamicObject>> = match scope.namespace() {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        return watcher(api, config)
            .default_backoff()
            .map(move |event| (kind, event.map(bare)))
            .boxed();
    }
    let api: Api<DynamicObject> = match scope.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    watcher(api, config)
        .default_backoff()
        .map(move |event| (kind, event))
        .boxed()
}

/// An event about an object of which only the metadata is known.
fn bare(event: watcher::Event<PartialObjectMeta<DynamicObject>>) -> watcher::Event<DynamicObject> {
    let bare = |object: PartialObjectMeta<DynamicObject>| DynamicObject {
        types: None,
        metadata: object.metadata,
        data: serde_json::Value::Null,
    };
    match event {
        watcher::Event::Apply(object) => watcher::Event::Apply(bare(object)),
        watcher::Event::Delete(object) => watcher::Event::Delete(bare(object)),
        watcher::Event::Init => watcher::Event::Init,
        watcher::Event::InitApply(object) => watcher::Event::InitApply(bare(object)),
        watcher::Event::InitDone => watcher::Event::InitDone,
    }
}

/// What a task brought back.
struct Outcome {
    written: Vec<(Target, Written)>,
    failure: Option<(kube::Error, Option<Effect>)>,
    held: Option<Held>,
    foreign: Option<Foreign>,
}

/// One Rollout's standing between looks.
#[derive(Default)]
struct Standing {
    busy: bool,
    wake: Option<Timestamp>,
    held: Option<Held>,
    foreign: Option<Foreign>,
    failures: u32,
    /// Rounds of writes since the Rollout last waited. Many in a row mean that somebody undoes them at once.
    rounds: u32,
    /// No look before this time: a write failed.
    not_before: Option<Timestamp>,
    reported: Option<(Reason, i32, crate::api::v1beta1::StepState)>,
}

struct Engine {
    client: Client,
    clock: Clock,
    scope: Scope,
    options: Options,
    events: UnboundedSender<Event>,
    cache: Cache,
    ready: BTreeSet<RolloutKey>,
    standings: BTreeMap<RolloutKey, Standing>,
    stops: BTreeMap<RolloutKey, Stop>,
    tasks: FuturesUnordered<BoxFuture<'static, (RolloutKey, Outcome)>>,
}

impl Engine {
    fn new(
        client: Client,
        clock: Clock,
        scope: Scope,
        options: Options,
        events: UnboundedSender<Event>,
    ) -> Self {
        Self {
            client,
            clock,
            scope,
            options,
            events,
            cache: Cache::default(),
            ready: BTreeSet::new(),
            standings: BTreeMap::new(),
            stops: BTreeMap::new(),
            tasks: FuturesUnordered::new(),
        }
    }

    fn emit(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }

    fn in_scope(&self, key: &RolloutKey) -> bool {
        match &self.scope {
            Scope::Names { namespace, names } => *namespace == key.namespace && names.contains(&key.name),
            Scope::Selected { .. } => true,
        }
    }

    fn begin(&mut self) {
        self.ready.clear();
        let known: BTreeSet<RolloutKey> = self.cache.rollouts().map(|(key, _)| key.clone()).collect();
        if let Scope::Names { namespace, names } = &self.scope {
            for name in names {
                let key = RolloutKey {
                    namespace: namespace.clone(),
                    name: name.clone(),
                };
                if !known.contains(&key) {
                    let _ = self.events.send(Event::Stopped {
                        key: key.clone(),
                        stop: Stop::NotFound,
                    });
                    self.stops.insert(key, Stop::NotFound);
                }
            }
        }
        self.ready.extend(known);
    }

    /// Everything that is driven has come to a stop.
    fn is_done(&self) -> bool {
        self.tasks.is_empty()
            && self.ready.is_empty()
            && self
                .cache
                .rollouts()
                .map(|(key, _)| key)
                .filter(|key| self.in_scope(key))
                .all(|key| self.stops.contains_key(key))
    }

    fn look_at_ready(&mut self) {
        let now = self.clock.now();
        for key in std::mem::take(&mut self.ready) {
            if !self.in_scope(&key) {
                continue;
            }
            let standing = self.standings.entry(key.clone()).or_default();
            if standing.busy {
                // Looked at again when the task is back.
                standing.wake = Some(now);
            } else if standing.not_before.is_some_and(|at| now < at) {
                standing.wake = standing.not_before;
            } else {
                self.look(&key, now);
            }
        }
    }

    fn look(&mut self, key: &RolloutKey, now: Timestamp) {
        let Some(snapshot) = self.cache.snapshot(key) else {
            if self
                .standings
                .remove(key)
                .is_some_and(|standing| standing.reported.is_some())
            {
                self.stop(key, Stop::Gone);
            }
            return;
        };
        let decision = decide(&snapshot, now);
        if decision.effects.is_empty() && decision.status.is_none() {
            self.settled(key, &snapshot.rollout, decision, now);
        } else {
            self.stops.remove(key);
            self.start(key, &snapshot, decision);
        }
    }

    /// Nothing to write: the Rollout waits.
    fn settled(&mut self, key: &RolloutKey, rollout: &Rollout, decision: Decision, now: Timestamp) {
        let status = rollout.status.clone().unwrap_or_default();
        let place = (
            decision.reason.clone(),
            status.current_step_index,
            status.current_step_state.clone(),
        );
        let stop = decision.reason.stop();
        let is_pause = matches!(decision.reason, Reason::TimedPause { .. });
        let standing = self.standings.entry(key.clone()).or_default();
        standing.failures = 0;
        standing.rounds = 0;
        standing.not_before = None;
        standing.wake = match decision.wake {
            Wake::At(at) => Some(at),
            Wake::OnChange => None,
        };
        if standing.reported.as_ref() != Some(&place) {
            standing.reported = Some(place);
            let event = Event::Moved {
                key: key.clone(),
                at: now,
                phase: status.phase,
                step: status.current_step_index,
                state: status.current_step_state,
                reason: decision.reason,
            };
            let _ = self.events.send(event);
        }
        // Whoever waits for a human, or for a time longer than a Lease lasts, needs none: it would be renewed for nothing.
        let is_long = is_pause
            && standing
                .wake
                .is_some_and(|at| at.duration_since(now) > lease::DURATION);
        if let Some(held) = standing.held.take_if(|_| stop.is_some() || is_long) {
            standing.busy = true;
            let (client, key) = (self.client.clone(), key.clone());
            let given_back = async move {
                lease::release(&client, &key, &held).await;
                (
                    key,
                    Outcome {
                        written: Vec::new(),
                        failure: None,
                        held: None,
                        foreign: None,
                    },
                )
            };
            self.tasks.push(given_back.boxed());
        }
        match stop {
            Some(stop) => self.stop(key, stop),
            None => {
                self.stops.remove(key);
            }
        }
    }

    fn stop(&mut self, key: &RolloutKey, stop: Stop) {
        if self.stops.get(key) != Some(&stop) {
            self.emit(Event::Stopped {
                key: key.clone(),
                stop: stop.clone(),
            });
            self.stops.insert(key.clone(), stop);
        }
    }

    fn start(&mut self, key: &RolloutKey, snapshot: &Snapshot, decision: Decision) {
        let mut effects = decision.effects;
        effects.extend(decision.status.map(|patch| {
            snapshot.write_rollout(
                Verb::MergeStatus(serde_json::json!({ "status": patch })),
                decision.reason.to_string(),
            )
        }));
        let standing = self.standings.entry(key.clone()).or_default();
        standing.busy = true;
        standing.wake = None;
        let work = Work {
            client: self.client.clone(),
            clock: self.clock,
            identity: self.options.identity.clone(),
            events: self.events.clone(),
            key: key.clone(),
            held: standing.held.take(),
            // Kept here too: only the comparison with what is seen next tells that its holder is alive.
            foreign: standing.foreign.clone(),
        };
        self.tasks
            .push(async move { (work.key.clone(), work.carry_out(effects).await) }.boxed());
    }

    fn finished(&mut self, key: RolloutKey, outcome: Outcome) {
        let now = self.clock.now();
        let mut touched = BTreeSet::new();
        for (target, written) in outcome.written {
            let Some(kind) = Kind::of(&target.kind) else {
                continue;
            };
            match written {
                Written::Object(object) => touched.extend(self.cache.put(kind, *object)),
                Written::Gone(uid) => self.cache.forget(kind, &target.namespace, &target.name, uid),
            }
        }
        let standing = self.standings.entry(key.clone()).or_default();
        standing.busy = false;
        standing.held = outcome.held;
        let was = std::mem::replace(&mut standing.foreign, outcome.foreign.clone());
        if let Some(foreign) = outcome.foreign {
            let ends = foreign
                .seen
                .saturating_add(foreign.lasts)
                .unwrap_or(Timestamp::MAX);
            let look = now.saturating_add(LEASE_LOOK).unwrap_or(Timestamp::MAX).min(ends);
            standing.not_before = Some(look);
            standing.wake = Some(look);
            let renewed = was.is_some_and(|was| {
                was.holder == foreign.holder && was.resource_version != foreign.resource_version
            });
            if renewed && !self.options.forever {
                self.stop(
                    &key,
                    Stop::OtherEngine {
                        holder: foreign.holder,
                    },
                );
                return;
            }
            let seconds = ends.duration_since(now).as_secs_f64();
            self.emit(Event::HeldElsewhere {
                key,
                holder: foreign.holder,
                seconds,
            });
            return;
        }
        match outcome.failure {
            None => {
                standing.failures = 0;
                standing.rounds += 1;
                standing.not_before = (standing.rounds > BUSY_ROUNDS)
                    .then(|| now.saturating_add(BUSY_REST).unwrap_or(Timestamp::MAX));
                self.ready.insert(key);
            }
            Some((error, effect)) => self.failed(&key, &error, effect.as_ref(), now),
        }
        self.ready.extend(touched);
    }

    fn failed(&mut self, key: &RolloutKey, error: &kube::Error, effect: Option<&Effect>, now: Timestamp) {
        let code = if let kube::Error::Api(status) = error {
            status.code
        } else {
            0
        };
        let standing = self.standings.entry(key.clone()).or_default();
        standing.failures += 1;
        let stale = matches!(code, 404 | 409);
        let doublings = standing.failures.min(7) - 1;
        let base = if stale { 20 } else { 250 };
        let wait = SignedDuration::from_millis((base << doublings).min(15_000));
        let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        standing.not_before = Some(at);
        standing.wake = Some(at);
        let words = if let kube::Error::Api(status) = error {
            status.message.clone()
        } else {
            error.to_string()
        };
        let what = effect.map_or_else(
            || "take the lease".to_owned(),
            |effect| format!("{} ({})", effect.purpose, effect.target),
        );
        if !stale {
            self.emit(Event::Retrying {
                key: key.clone(),
                error: format!("{what}: {words}"),
                seconds: wait.as_secs_f64(),
            });
        }
        if matches!(code, 400 | 401 | 403 | 405 | 413 | 415 | 422) && !self.options.forever {
            self.stop(
                key,
                Stop::Refused {
                    message: format!("{what}: {words}"),
                    code,
                },
            );
            if let Some(standing) = self.standings.get_mut(key) {
                standing.wake = None;
                standing.not_before = Some(Timestamp::MAX);
            }
        }
    }

    fn next_wake(&self) -> Option<Timestamp> {
        let standings = self.standings.values().filter(|standing| !standing.busy);
        standings
            .flat_map(|standing| {
                let renewal = standing.held.as_ref().map(|held| {
                    held.renewed
                        .saturating_add(lease::RENEW_AFTER)
                        .unwrap_or(Timestamp::MAX)
                });
                [standing.wake, renewal].into_iter().flatten()
            })
            .min()
    }

    fn wake_due(&mut self) {
        let now = self.clock.now();
        let mut renewals = Vec::new();
        for (key, standing) in self.standings.iter_mut().filter(|(_, standing)| !standing.busy) {
            if standing.wake.is_some_and(|at| at <= now) {
                standing.wake = None;
                if standing.not_before.is_some_and(|at| at <= now) {
                    standing.not_before = None;
                }
                self.ready.insert(key.clone());
            } else if standing.held.as_ref().is_some_and(|held| held.is_due(now)) {
                renewals.push(key.clone());
            }
        }
        for key in renewals {
            let Some(standing) = self.standings.get_mut(&key) else {
                continue;
            };
            let Some(held) = standing.held.take() else {
                continue;
            };
            standing.busy = true;
            let client = self.client.clone();
            let task = async move {
                let (held, failure) = match lease::renew(&client, &key, &held, now).await {
                    Ok(renewed) => (Some(renewed), None),
                    // Lost, or out of reach: no write relies on it any more.
                    Err(error) => (None, Some((error, None))),
                };
                (
                    key,
                    Outcome {
                        written: Vec::new(),
                        failure,
                        held,
                        foreign: None,
                    },
                )
            };
            self.tasks.push(task.boxed());
        }
    }

    async fn give_leases_back(&mut self) {
        for (key, standing) in &mut self.standings {
            if let Some(held) = standing.held.take() {
                lease::release(&self.client, key, &held).await;
            }
        }
    }
}

/// One Rollout's writes, in order, under its Lease.
struct Work {
    client: Client,
    clock: Clock,
    identity: String,
    events: UnboundedSender<Event>,
    key: RolloutKey,
    held: Option<Held>,
    foreign: Option<Foreign>,
}

impl Work {
    async fn carry_out(mut self, effects: Vec<Effect>) -> Outcome {
        let mut written = Vec::new();
        for effect in effects {
            match self.hold_lease().await {
                Ok(None) => {}
                Ok(Some(foreign)) => {
                    return Outcome {
                        written,
                        failure: None,
                        held: None,
                        foreign: Some(foreign),
                    };
                }
                Err(error) => {
                    return Outcome {
                        written,
                        failure: Some((error, None)),
                        held: None,
                        foreign: self.foreign,
                    };
                }
            }
            match apply::apply(&self.client, &effect).await {
                Ok(result) => {
                    written.push((effect.target.clone(), result));
                    let event = Event::Wrote {
                        key: self.key.clone(),
                        at: self.clock.now(),
                        effect: Box::new(effect),
                    };
                    let _ = self.events.send(event);
                }
                Err(error) => {
                    if matches!(&error, kube::Error::Api(status) if matches!(status.code, 404 | 409)) {
                        written.extend(self.read_again(&effect.target).await);
                    }
                    return Outcome {
                        written,
                        failure: Some((error, Some(effect))),
                        held: self.held,
                        foreign: None,
                    };
                }
            }
        }
        Outcome {
            written,
            failure: None,
            held: self.held,
            foreign: None,
        }
    }

    /// Makes sure that nobody else writes for this Rollout; answers who does.
    async fn hold_lease(&mut self) -> Result<Option<Foreign>, kube::Error> {
        let now = self.clock.now();
        if let Some(held) = self.held.clone() {
            if !held.is_due(now) {
                return Ok(None);
            }
            if held.holds(now) {
                match lease::renew(&self.client, &self.key, &held, now).await {
                    Ok(held) => {
                        self.held = Some(held);
                        return Ok(None);
                    }
                    Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                    Err(error) => return Err(error),
                }
            }
            self.held = None;
        }
        match lease::acquire(
            &self.client,
            &self.key,
            &self.identity,
            self.foreign.as_ref(),
            now,
        )
        .await?
        {
            Claim::Ours(held) => {
                self.held = Some(held);
                Ok(None)
            }
            Claim::Theirs(foreign) => Ok(Some(foreign)),
        }
    }

    /// What a refused write was about, as it is now: the next look must not rely on what the watch has not said yet.
    async fn read_again(&self, target: &Target) -> Option<(Target, Written)> {
        let object = apply::api(&self.client, target)
            .get_opt(&target.name)
            .await
            .ok()?;
        Some((
            target.clone(),
            object.map_or(Written::Gone(None), |object| Written::Object(Box::new(object))),
        ))
    }
}

/// Whether a watch's error may pass by itself.
fn is_passing(error: &watcher::Error) -> bool {
    let code = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => return true,
    };
    code == 429 || code >= 500
}
