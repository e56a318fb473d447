//! The loop: what changed is looked at, what is decided is written, and what is waited for is waited for.

mod ending;
mod failing;
mod measuring;
mod telling;
mod waking;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered, SelectAll},
};
use jiff::{SignedDuration, Timestamp};
use kube::{Client, api::DynamicObject, runtime::watcher};
use tokio::sync::mpsc::UnboundedSender;

use measuring::Measured;
use waking::Timers;

use super::{
    Error, Event, Meter, Options, RolloutKey, Scope,
    apply::Written,
    cache::Cache,
    kind::Kind,
    lease::{self, Foreign, Held},
    meter::Live,
    record::Standpoint,
    watch::{self, Said, Watched},
    work::{Outcome, Work},
};
use crate::{
    analysis::Answered,
    api::v1beta1::Rollout,
    clock::Clock,
    engine::core::{Decision, Reason, Snapshot, Stop, Verb, Wake, decide},
};

/// When somebody else's Lease is looked at again to see whether it is renewed. A dead holder's Lease is taken over that
/// much later than it ends at the latest.
const LEASE_LOOK: SignedDuration = SignedDuration::from_secs(2);

/// Time in which one round of writes is made up for; no release needs more than four a second for long.
const ROUND: SignedDuration = SignedDuration::from_millis(250);
/// How far rounds may run ahead of that, 64 of them, before the API server is given a rest.
const AHEAD: SignedDuration = SignedDuration::from_secs(16);
/// The rest.
const BUSY_REST: SignedDuration = SignedDuration::from_secs(2);

/// Drives Rollouts until each is done, waits for a human or failed; for ever when the options say so; at the most until
/// it is told to end, when it finishes the requests under way and gives its Leases back.
///
/// Rollouts are watched first. Every other kind is watched from when a Rollout that is driven needs it, so that no right
/// is needed on what nobody uses. Must be called inside a tokio runtime. Dropping the future stops all work; whatever is
/// half done is picked up by the next driver.
///
/// # Errors
/// A kind that the engine reads cannot be listed or watched.
pub async fn drive(
    client: Client,
    clock: Clock,
    scope: Scope,
    options: Options,
    events: UnboundedSender<Event>,
) -> Result<BTreeMap<RolloutKey, Stop>, Error> {
    let told = options.shutdown.clone();
    let shutdown = async move {
        // Nobody left who could say it: on without end.
        if let Some(mut told) = told
            && told.wait_for(|end| *end).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    };
    tokio::pin!(shutdown);
    let mut engine = Engine::new(client, clock, scope, options, events);
    engine.open(Kind::Rollout);
    if engine.picks() {
        engine.open(Kind::Picked);
    }
    while engine.is_awaiting_rollouts() {
        tokio::select! {
            biased;
            () = &mut shutdown => return Ok(engine.stops),
            Some(watched) = engine.watches.next() => engine.observe(watched)?,
        }
    }
    engine.begin();
    loop {
        engine.look_at_ready();
        if !engine.options.forever && engine.is_done() {
            engine.finish().await;
            return Ok(engine.stops);
        }
        let wake = engine.timers.next();
        let timer = async {
            match wake {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = &mut shutdown => {
                engine.finish().await;
                return Ok(engine.stops);
            }
            Some((key, outcome)) = engine.tasks.next(), if !engine.tasks.is_empty() => {
                engine.finished(key.clone(), outcome);
                engine.set_timer(&key);
            }
            Some((key, answered)) = engine.measurements.next(), if !engine.measurements.is_empty() => {
                engine.answered(key, answered);
            }
            Some(()) = engine.notes.next(), if !engine.notes.is_empty() => {}
            Some(watched) = engine.watches.next() => {
                engine.observe(watched)?;
                // What else is there already: a thousand pods that change at once are one reason to look.
                while let Some(Some(watched)) = engine.watches.next().now_or_never() {
                    engine.observe(watched)?;
                }
            }
            () = timer => engine.wake_due(),
        }
    }
}

/// One Rollout's standing between looks.
#[derive(Default)]
struct Standing {
    busy: bool,
    wake: Option<Timestamp>,
    held: Option<Held>,
    foreign: Option<Foreign>,
    failures: u32,
    /// Whether an Event tells of them.
    has_told_failure: bool,
    /// Whether there were writes since the Rollout last waited.
    has_written: bool,
    /// Until when the writes so far are made up for. Far ahead of now, somebody undoes them at once: a webhook, or another
    /// engine whose watch is broken, in turn with this one.
    spent: Option<Timestamp>,
    /// No look before this time: a write failed.
    not_before: Option<Timestamp>,
    reported: Option<(Reason, i32, crate::api::v1beta1::StepState)>,
    /// Uid and generation of the workload, and when they were first seen.
    workload: Option<(String, i64, Timestamp)>,
    /// Where the Rollout stood, as Events tell it.
    standpoint: Option<Standpoint>,
}

impl Standing {
    /// Notes the workload's generation; answers since when it is the present one. Nobody writes down what a controller has not
    /// seen, so that an engine judges by its own clock, as it does Leases.
    fn note_workload(&mut self, workload: Option<&DynamicObject>, now: Timestamp) -> Option<Timestamp> {
        let metadata = &workload?.metadata;
        let (uid, generation) = (metadata.uid.as_deref()?, metadata.generation?);
        let known = self.workload.as_ref();
        let known = known.filter(|(of, at, _)| of == uid && *at == generation);
        if known.is_none() {
            self.workload = Some((uid.to_owned(), generation, now));
        }
        self.workload.as_ref().map(|(_, _, since)| *since)
    }
}

struct Engine {
    client: Client,
    clock: Clock,
    scope: Scope,
    options: Options,
    events: UnboundedSender<Event>,
    cache: Cache,
    watches: SelectAll<BoxStream<'static, Watched>>,
    ready: BTreeSet<RolloutKey>,
    standings: BTreeMap<RolloutKey, Standing>,
    timers: Timers,
    stops: BTreeMap<RolloutKey, Stop>,
    /// Kinds that could not be read when they were tried last, and why: told once.
    unreadable: BTreeMap<Kind, String>,
    tasks: FuturesUnordered<BoxFuture<'static, (RolloutKey, Outcome)>>,
    /// Metrics that are being measured.
    measurements: FuturesUnordered<BoxFuture<'static, (RolloutKey, Answered)>>,
    /// Which, and what came back and is in no record yet.
    measured: BTreeMap<RolloutKey, Measured>,
    meter: Arc<dyn Meter>,
    /// Events on their way.
    notes: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Engine {
    fn new(
        client: Client,
        clock: Clock,
        scope: Scope,
        options: Options,
        events: UnboundedSender<Event>,
    ) -> Self {
        let meter = options.meter.clone();
        Self {
            meter: meter.unwrap_or_else(|| Arc::new(Live::new(client.clone()))),
            measurements: FuturesUnordered::new(),
            measured: BTreeMap::new(),
            cache: Cache::new(options.scripts.clone(), options.analysis.clone()),
            client,
            clock,
            scope,
            options,
            events,
            watches: SelectAll::new(),
            ready: BTreeSet::new(),
            standings: BTreeMap::new(),
            timers: Timers::default(),
            stops: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            tasks: FuturesUnordered::new(),
            notes: FuturesUnordered::new(),
        }
    }

    fn open(&mut self, kind: Kind) {
        self.cache.open(kind);
        let identity = &self.options.identity;
        self.watches.push(watch::watch(
            &self.client,
            self.clock,
            identity,
            &self.scope,
            kind,
        ));
    }

    /// Whether a label selector picks the Rollouts.
    fn picks(&self) -> bool {
        matches!(self.scope, Scope::Selected { labels: Some(_), .. })
    }

    fn is_awaiting_rollouts(&self) -> bool {
        self.cache.is_awaited(Kind::Rollout) || self.picks() && self.cache.is_awaited(Kind::Picked)
    }

    fn observe(&mut self, (kind, event): Watched) -> Result<(), Error> {
        match event {
            Ok(Said::Plural(plural)) => {
                self.cache.note_plural(kind, plural);
                Ok(())
            }
            Ok(Said::Event(event)) => {
                // A watch begins with a list, which may be allowed where watching is not.
                if matches!(event, watcher::Event::Apply(_) | watcher::Event::Delete(_)) {
                    self.unreadable.remove(&kind);
                }
                let touched = self.cache.observe(kind, event);
                self.ready.extend(touched);
                Ok(())
            }
            Err(error) => self.interrupted(kind, error),
        }
    }

    /// Answers an error of a watch, which will go on by itself: what is not known yet may be worth no wait.
    fn interrupted(&mut self, kind: Kind, error: watcher::Error) -> Result<(), Error> {
        let resource = kind.qualified();
        if kind == Kind::Configuration && watch::is_forbidden(&error) {
            // Whoever needs a script reads there that it was looked for in vain.
            if self.cache.is_awaited(kind) {
                let touched = self.cache.note_unreadable_scripts(watch::words(&error));
                self.ready.extend(touched);
            }
            return Ok(());
        }
        if !kind.is_essential() && watch::is_unserved(&error) {
            tracing::debug!(resource, %error, "not served");
            if watch::is_lost_watch(&error) {
                self.open(kind);
            }
            let touched = self.cache.note_unserved(kind);
            self.ready.extend(touched);
            return Ok(());
        }
        let is_forbidden = watch::is_forbidden(&error);
        if !self.cache.is_awaited(kind) && !is_forbidden {
            tracing::debug!(resource, %error, "watch interrupted");
            return Ok(());
        }
        let goes_on = if !self.cache.is_awaited(kind) {
            // What was known grows old without anybody noticing.
            self.options.forever
        } else if kind.is_essential() {
            self.options.forever && watch::is_passing(&error)
        } else {
            self.options.forever || watch::is_passing(&error)
        };
        if goes_on {
            let error = watch::words(&error);
            if self.unreadable.insert(kind, error.clone()).as_ref() != Some(&error) {
                self.emit(Event::Unreadable { resource, error });
            }
            return Ok(());
        }
        Err(Error::List {
            plural: kind.resource().plural,
            source: Box::new(error),
        })
    }

    fn emit(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }

    fn in_scope(&self, key: &RolloutKey) -> bool {
        match &self.scope {
            Scope::Names { namespace, names } => *namespace == key.namespace && names.contains(&key.name),
            Scope::Selected { labels: Some(_), .. } => self.cache.is_picked(key),
            Scope::Selected { labels: None, .. } => true,
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
                if !self.standings.get(&key).is_some_and(|standing| standing.busy) {
                    self.leave(&key);
                }
                self.set_timer(&key);
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
            self.set_timer(&key);
        }
    }

    fn look(&mut self, key: &RolloutKey, now: Timestamp) {
        let awaited = self.cache.awaited_by(key);
        if !awaited.is_empty() {
            // Looked at when the last of them has been listed.
            for kind in awaited {
                if !self.cache.is_open(kind) {
                    self.open(kind);
                }
            }
            return;
        }
        let Some(mut snapshot) = self.cache.snapshot(key) else {
            self.leave(key);
            return;
        };
        if self.options.record {
            let standing = self.standings.entry(key.clone()).or_default();
            standing
                .standpoint
                .get_or_insert_with(|| Standpoint::read(&snapshot.rollout));
        }
        snapshot.analysis.answers = self.answers(key);
        let standing = self.standings.entry(key.clone()).or_default();
        snapshot.workload_since = standing.note_workload(snapshot.workload.as_ref(), now);
        let decision = decide(&snapshot, now);
        if decision.effects.is_empty() && decision.status.is_none() {
            self.settled(key, &snapshot.rollout, decision, now);
        } else {
            self.stops.remove(key);
            if matches!(decision.reason, Reason::GateFailed { .. }) {
                // Nothing waits for this reason, and everybody wants to know it.
                self.record(key, &snapshot.rollout, &decision.reason);
                self.tell(key, &snapshot.rollout, &decision.reason, now);
            }
            self.start(key, &snapshot, decision);
        }
    }

    /// Nothing to write: the Rollout waits.
    fn settled(&mut self, key: &RolloutKey, rollout: &Rollout, decision: Decision, now: Timestamp) {
        let stop = decision.reason.stop();
        self.record(key, rollout, &decision.reason);
        self.measure(key, decision.measure, now);
        let is_pause = matches!(decision.reason, Reason::TimedPause { .. });
        let standing = self.standings.entry(key.clone()).or_default();
        standing.failures = 0;
        standing.has_told_failure = false;
        standing.has_written = false;
        standing.not_before = None;
        standing.wake = match decision.wake {
            Wake::At(at) => Some(at),
            Wake::OnChange => None,
        };
        self.tell(key, rollout, &decision.reason, now);
        let standing = self.standings.entry(key.clone()).or_default();
        // Whoever waits for a human, or for a time longer than a Lease lasts, needs none: it would be renewed for nothing.
        let is_long = is_pause
            && standing
                .wake
                .is_some_and(|at| at.duration_since(now) > lease::DURATION);
        if let Some(held) = standing.held.take_if(|_| stop.is_some() || is_long) {
            standing.busy = true;
            self.give_back(key, held);
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
            shutdown: self.options.shutdown.clone(),
            key: key.clone(),
            held: standing.held.take(),
            // Kept here too: only the comparison with what is seen next tells that its holder is alive.
            foreign: standing.foreign.clone(),
        };
        let round = self.cache.begin_round();
        let task = async move {
            let key = work.key.clone();
            let mut outcome = work.carry_out(effects).await;
            outcome.round = Some(round);
            (key, outcome)
        };
        self.tasks.push(task.boxed());
    }

    fn finished(&mut self, key: RolloutKey, outcome: Outcome) {
        let now = self.clock.now();
        let is_idle = outcome.written.is_empty();
        let mut touched = BTreeSet::new();
        for (target, written) in outcome.written {
            for kind in Kind::of(&target) {
                match &written {
                    Written::Object(object) => touched.extend(self.cache.answered(kind, object)),
                    Written::Gone(uid) => {
                        self.cache
                            .forget(kind, &target.namespace, &target.name, uid.as_deref());
                    }
                }
            }
        }
        if let Some(round) = outcome.round {
            self.cache.end_round(round);
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
            // A Lease was renewed or given back: that ends no back-off.
            None if is_idle => {
                self.ready.insert(key);
            }
            None => {
                standing.failures = 0;
                standing.has_told_failure = false;
                standing.has_written = true;
                let spent = standing.spent.map_or(now, |spent| spent.max(now));
                let spent = spent.saturating_add(ROUND).unwrap_or(Timestamp::MAX);
                standing.spent = Some(spent);
                standing.not_before = (spent.duration_since(now) > AHEAD)
                    .then(|| now.saturating_add(BUSY_REST).unwrap_or(Timestamp::MAX));
                self.ready.insert(key);
            }
            Some((error, effect)) => self.failed(&key, &error, effect.as_ref(), now),
        }
        self.ready.extend(touched);
    }
}
