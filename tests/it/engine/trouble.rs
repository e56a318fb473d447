//! What a network, a killed process and a slow server do to the requests of engines; and the dice that say when.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::StatusCode;
use kubectl_kruise::sim::{Fault, FaultRequest};
use tokio::{sync::Notify, task::AbortHandle};

pub(super) use crate::harness::dice::Dice;

/// More requests than any engine needs in one release; one that sends more runs in circles.
const MOST_REQUESTS: usize = 6000;

/// A request at which an engine is killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kill {
    /// The engine's requests before it.
    pub(super) at: usize,
    /// Whether the request is still carried out.
    pub(super) executed: bool,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Weather {
    /// Percent of the requests that fail.
    pub(super) faults: u64,
    /// Percent of the requests that take up to three seconds on the way, or whose answers do: such answers are stale.
    pub(super) slow: u64,
}

#[derive(Default)]
struct State {
    /// Of each engine, whether each request could change something.
    requests: BTreeMap<String, Vec<bool>>,
    dead: BTreeSet<String>,
    kill: Option<(String, Kill)>,
    engines: BTreeMap<String, AbortHandle>,
    weather: Weather,
    dice: Option<Dice>,
    runaway: Option<String>,
    /// An engine whose reads of a path fail.
    deaf: Option<(String, String)>,
}

/// What happens to the requests of engines.
#[derive(Clone, Default)]
pub(super) struct Trouble {
    state: Arc<Mutex<State>>,
    /// Rings when an engine was killed at a request.
    pub(super) died: Arc<Notify>,
}

impl Trouble {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether, and how, a request fails.
    pub(super) fn decide(&self, request: &FaultRequest) -> Option<Fault> {
        let agent = &request.user_agent;
        if !agent.starts_with("engine-") {
            return None;
        }
        let mut state = self.state();
        let is_deaf = |(whom, path): &(String, String)| whom == agent && request.path.ends_with(path);
        if state.dead.contains(agent) || !request.mutating && state.deaf.as_ref().is_some_and(is_deaf) {
            return Some(Fault::DropBefore);
        }
        let sent = state.requests.entry(agent.clone()).or_default();
        let index = sent.len();
        sent.push(request.mutating);
        if index > MOST_REQUESTS {
            state.runaway.get_or_insert_with(|| {
                format!(
                    "{agent} sends too much, at last {} {}",
                    request.verb, request.path
                )
            });
            return Some(self.end(&mut state, agent, false));
        }
        if let Some((whom, kill)) = state.kill.clone()
            && kill.at == index
            && whom == *agent
        {
            state.kill = None;
            return Some(self.end(&mut state, agent, kill.executed));
        }
        let chance = state.weather.faults;
        let dice = state.dice.as_mut()?;
        if !dice.percent(chance) {
            return None;
        }
        Some(match dice.below(8) {
            // A read never conflicts.
            0 if request.mutating => Fault::Status(StatusCode::CONFLICT, "Conflict".to_owned()),
            1 => Fault::Status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests".to_owned()),
            2 => Fault::Status(StatusCode::INTERNAL_SERVER_ERROR, "InternalError".to_owned()),
            3 | 4 => Fault::TimeoutAfterWrite,
            5 => Fault::DropBefore,
            6 => Fault::DropAfter,
            _ => Fault::CloseWatches,
        })
    }

    fn end(&self, state: &mut State, agent: &str, executed: bool) -> Fault {
        state.dead.insert(agent.to_owned());
        if let Some(engine) = state.engines.remove(agent) {
            engine.abort();
        }
        self.died.notify_one();
        if executed {
            Fault::DropAfter
        } else {
            Fault::DropBefore
        }
    }

    /// From now on an engine cannot read what ends with this path.
    pub(super) fn deafen(&self, identity: &str, path: &str) {
        self.state().deaf = Some((identity.to_owned(), path.to_owned()));
    }

    /// How long a request waits on its way there, and its answer on the way back.
    pub(super) fn delay(&self, is_watch: bool) -> (Duration, Duration) {
        let mut state = self.state();
        let chance = state.weather.slow;
        let Some(dice) = state.dice.as_mut().filter(|_| chance > 0 && !is_watch) else {
            return (Duration::ZERO, Duration::ZERO);
        };
        if !dice.percent(chance) {
            return (Duration::ZERO, Duration::ZERO);
        }
        let time = Duration::from_millis(dice.below(3000));
        if dice.percent(50) {
            (time, Duration::ZERO)
        } else {
            (Duration::ZERO, time)
        }
    }

    /// Notes an engine that may be killed.
    pub(super) fn watch_over(&self, identity: &str, engine: AbortHandle) {
        self.state().engines.insert(identity.to_owned(), engine);
    }

    /// Kills an engine at one of its requests.
    pub(super) fn kill_at(&self, identity: &str, kill: Kill) {
        self.state().kill = Some((identity.to_owned(), kill));
    }

    /// Kills an engine at once.
    pub(super) fn kill(&self, identity: &str) {
        let mut state = self.state();
        self.end(&mut state, identity, false);
    }

    /// Sets how much goes wrong from now on.
    pub(super) fn disturb(&self, weather: Weather, dice: Dice) {
        let mut state = self.state();
        state.weather = weather;
        state.dice = (weather != Weather::default()).then_some(dice);
    }

    /// The requests that an engine sent; of each, whether it could change something.
    pub(super) fn requests_of(&self, identity: &str) -> Vec<bool> {
        self.state().requests.get(identity).cloned().unwrap_or_default()
    }

    /// Whether an engine was killed.
    pub(super) fn is_dead(&self, identity: &str) -> bool {
        self.state().dead.contains(identity)
    }

    /// An engine that ran in circles.
    pub(super) fn runaway(&self) -> Option<String> {
        self.state().runaway.clone()
    }
}
