//! The model controllers against the real ones: the same objects and the same changes rest in the same state.
//!
//! A case is one generated workload and several rounds of changes. It is played on sim first, in virtual time; where sim
//! rests after each round is what the real control plane has to rest at. All cases stand in one namespace, so that one
//! look serves them all.

mod changes;
mod rest;

use std::{env, fmt::Write, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::{
    clock::Clock,
    sim::{self, Sim},
};
use serde_json::Value;
use similar::TextDiff;

use super::control_plane::shared;
use crate::harness::cluster::Cluster;
use changes::{Action, Case};
use rest::Look;

/// Cases of one run of the suite; `CASES=n` runs more of them.
const CASES: u64 = 45;
/// How long the real controllers must stay where sim rests.
const QUIET: SignedDuration = SignedDuration::from_millis(1500);
/// How long nothing may happen elsewhere before that counts as a rest, too: longer than any `minReadySeconds` and than
/// what a controller takes to try again.
const ELSEWHERE: SignedDuration = SignedDuration::from_secs(12);
/// How long a round may take where the machine is shared.
const ROUND: SignedDuration = SignedDuration::from_secs(90);

/// Plays a case on sim. Returns where each of its rounds rests.
fn simulate(case: &Case) -> Vec<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::wall();
        let sim = Sim::new(sim::Options {
            pod_ready_after: Duration::from_millis(500),
            ..sim::Options::new(clock)
        });
        let _controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: "models".to_owned(),
        };
        cluster.create_namespace(&serde_json::json!({})).await;
        cluster.create(&case.manifest).await.unwrap();
        let mut rests = Vec::new();
        for round in &case.rounds {
            for (at, action) in round.iter().enumerate() {
                if at > 0 {
                    while !Look::at(&cluster).await.of(case).observed() {
                        clock.sleep(Duration::from_millis(50)).await;
                    }
                }
                let pods = Look::at(&cluster).await;
                action.carry_out(&cluster, case, &pods.of(case)).await;
            }
            let versions = sim.versions();
            let mut seen = None;
            while seen.replace(*versions.borrow()) != Some(*versions.borrow()) {
                clock.sleep(Duration::from_secs(5)).await;
            }
            rests.push(Look::at(&cluster).await.of(case).rest());
        }
        rests
    })
}

/// A case on the real control plane.
struct Played {
    case: Case,
    expected: Vec<Value>,
    round: usize,
    /// Changes of this round that were made.
    made: usize,
    /// When the round began.
    began: Timestamp,
    /// When anything changed last, and what all was like then.
    moved: (Timestamp, String),
    /// Since when it is where sim rests.
    same: Option<Timestamp>,
}

enum Next {
    Change(Action),
    Wait,
    Done,
}

impl Played {
    fn new(seed: u64, now: Timestamp) -> Self {
        let case = Case::generate(seed);
        Self {
            expected: simulate(&case),
            case,
            round: 0,
            made: 0,
            began: now,
            moved: (now, String::new()),
            same: None,
        }
    }

    /// What comes next; an error when it rests elsewhere.
    fn next(&mut self, look: &Look, now: Timestamp) -> Result<Next, String> {
        let present = look.of(&self.case);
        let versions = present.versions();
        if versions != self.moved.1 {
            self.moved = (now, versions);
        }
        let Some(actions) = self.case.rounds.get(self.round) else {
            return Ok(Next::Done);
        };
        if let Some(action) = actions.get(self.made) {
            if self.made > 0 && !present.observed() {
                return Ok(Next::Wait);
            }
            self.made += 1;
            return Ok(Next::Change(action.clone()));
        }
        let (rest, expected) = (present.rest(), &self.expected[self.round]);
        if rest == *expected {
            let since = *self.same.get_or_insert(now);
            if now.duration_since(since) >= QUIET {
                self.round += 1;
                self.made = 0;
                self.same = None;
                self.began = now;
            }
            return Ok(Next::Wait);
        }
        self.same = None;
        let still = now.duration_since(self.moved.0) >= ELSEWHERE;
        if !still && now.duration_since(self.began) < ROUND {
            return Ok(Next::Wait);
        }
        let what = if still {
            "rests elsewhere"
        } else {
            "does not come to rest"
        };
        Err(self.differs(what, &rest))
    }

    fn differs(&self, what: &str, rest: &Value) -> String {
        let mut text = format!("seed {} {what} after round {}:\n", self.case.seed, self.round);
        for (at, round) in self.case.rounds.iter().enumerate().take(self.round + 1) {
            writeln!(text, "    {at}: {round:?}").unwrap();
        }
        let show = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        let (sim, real) = (show(&self.expected[self.round]), show(rest));
        let diff = TextDiff::from_lines(&sim, &real);
        writeln!(
            text,
            "{}",
            diff.unified_diff().context_radius(8).header("sim", "real")
        )
        .unwrap();
        text
    }
}

#[test]
#[ignore = "needs the control plane; run with -- --ignored live"]
fn live_models_rest_where_the_real_controllers_do() {
    let clock = Clock::wall();
    let told = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = told("SEED").map_or(0..told("CASES").unwrap_or(CASES), |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    let plane = shared();
    let mut cases: Vec<Played> = seeds.map(|seed| Played::new(seed, clock.now())).collect();
    let rounds: usize = cases.iter().map(|played| played.case.rounds.len()).sum();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let began = clock.now();
    let failures = runtime.block_on(async {
        let cluster = plane.namespace("models", false).await;
        for played in &mut cases {
            cluster.create(&played.case.manifest).await.unwrap();
            played.began = clock.now();
        }
        let mut failures = Vec::new();
        while !cases.is_empty() {
            clock.sleep(Duration::from_millis(300)).await;
            let look = Look::at(&cluster).await;
            let mut left = Vec::new();
            for mut played in cases {
                match played.next(&look, clock.now()) {
                    Ok(Next::Done) => continue,
                    Ok(Next::Wait) => {}
                    Ok(Next::Change(action)) => {
                        let present = look.of(&played.case);
                        action.carry_out(&cluster, &played.case, &present).await;
                    }
                    Err(failure) => {
                        failures.push(failure);
                        continue;
                    }
                }
                left.push(played);
            }
            cases = left;
        }
        cluster.delete_namespace().await;
        failures
    });
    println!(
        "{count} cases, {rounds} rounds, {:.0} s",
        clock.now().duration_since(began).as_secs_f64()
    );
    assert!(
        failures.is_empty(),
        "{} of {count} differ; replay one with SEED=n\n{}",
        failures.len(),
        failures.join("\n")
    );
}
