//! The promise: what a plan predicts is what the engine then goes through. Every turn of every recorded release that runs
//! on the simulator is such a moment: the release is played up to it, its rest is planned from a copy of the cluster and
//! then done, with every pause approved.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use kubectl_kruise::{
    clock::Clock,
    engine::{
        core::{Reason, Stop},
        driver::{self, Event, Options, Scope},
    },
    plan::{self, Change, End, Plan, Request},
    release::{Approval, Guard, approval},
    sim::{self, Sim},
    workload::edit::{self, NewImage},
};
use serde_json::{Value, json};

use crate::{
    harness::cluster::{Cluster, Place},
    parity::{
        player,
        scenario::{Scenario, Verb},
        simulated::PLAYED,
    },
};

const NAMESPACE: &str = "promise";
const READY_AFTER: Duration = Duration::from_secs(1);
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// As a plan has it.
const LATENCY: Duration = Duration::from_millis(2);
const SETTLED: Duration = Duration::from_millis(100);

/// What a release went through, as it is predicted and as it is seen.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Story {
    /// Step and state.
    states: Vec<(i32, String)>,
    /// Step, new and old pods, at each gate.
    gates: Vec<(i32, i32, i32)>,
    /// Method, object and purpose; pods have names of their own in every run.
    writes: Vec<(String, String, String)>,
    end: Option<End>,
}

impl Story {
    /// The first thing in which two stories differ.
    pub(crate) fn differs_from(&self, other: &Self) -> Option<String> {
        let pairs = [
            (
                format!("{:#?}", self.states),
                format!("{:#?}", other.states),
                "states",
            ),
            (
                format!("{:#?}", self.gates),
                format!("{:#?}", other.gates),
                "gates",
            ),
            (
                format!("{:#?}", self.writes),
                format!("{:#?}", other.writes),
                "writes",
            ),
            (format!("{:?}", self.end), format!("{:?}", other.end), "end"),
        ];
        let differing = pairs.into_iter().find(|(planned, seen, _)| planned != seen)?;
        let (planned, seen, what) = differing;
        let diff = similar::TextDiff::from_lines(&planned, &seen);
        Some(format!(
            "{what} (- planned, + seen)\n{}",
            diff.unified_diff().context_radius(6)
        ))
    }
}

/// Where somebody else is needed, or the end.
#[derive(Debug)]
pub(crate) enum Moment {
    /// A pause of this step, which ends by itself.
    Timed(i32),
    /// A pause of this step, which a human ends.
    Waits(i32),
    /// The end of the release.
    Over,
}

impl Story {
    /// Notes what an engine says of a Rollout.
    pub(crate) fn take_in(&mut self, rollout: &str, event: Event) -> Option<Moment> {
        if key_of(&event).is_some_and(|name| name != rollout) {
            return None;
        }
        match event {
            Event::Wrote { effect, .. } => {
                let object = effect.target.to_string();
                self.writes
                    .push(write(effect.verb.method(), &object, &effect.purpose));
                None
            }
            Event::Moved { reason, step, .. } => {
                if let Some(state) = plan::state(&reason) {
                    let now = (step, state.to_owned());
                    if self.states.last() != Some(&now) {
                        self.states.push(now);
                    }
                }
                match reason {
                    Reason::TimedPause { step, .. } => Some(Moment::Timed(step)),
                    _ => None,
                }
            }
            Event::Stopped {
                stop: Stop::WaitingForApproval { step, .. },
                ..
            } => Some(Moment::Waits(step)),
            Event::Stopped { stop, .. } => {
                self.end = Some(match stop {
                    Stop::AtRest => End::NothingToDo,
                    Stop::Completed | Stop::Disabled | Stop::Gone if self.writes.is_empty() => {
                        End::NothingToDo
                    }
                    Stop::Completed | Stop::Disabled | Stop::Gone => End::Completed,
                    Stop::RolledBack => End::RolledBack,
                    Stop::Degraded { .. } => End::Degraded,
                    _ => End::Blocked,
                });
                Some(Moment::Over)
            }
            _ => None,
        }
    }

    /// What of it does not depend on when real controllers act: how many pods are ready at a look is noted whenever somebody looks,
    /// old pods of a batch go as new ones become ready, that the workload is about to roll is noted where a count of those that went
    /// is waited for, and ReplicaSets have names of their own.
    pub(crate) fn settled(mut self) -> Self {
        let depends = [
            " new pods are ready",
            " old pods",
            " old pod",
            "completing: the workload rolls",
        ];
        self.writes
            .retain(|(_, _, purpose)| !depends.iter().any(|end| purpose.ends_with(end)));
        for (_, object, _) in &mut self.writes {
            if object.starts_with("replicaset/") {
                *object = "replicaset".to_owned();
            }
        }
        self
    }

    /// The same with what was seen at the gates.
    pub(crate) fn with_gates(mut self, gates: BTreeMap<i32, (i32, i32)>) -> Self {
        let gates = gates.into_iter();
        self.gates = gates.map(|(step, (new, old))| (step, new, old)).collect();
        self
    }
}

/// New and old pods: those on their way out do not count. Of a Deployment its ReplicaSets say it, as they do to everybody.
pub(crate) fn pods_of(of_deployment: bool, objects: &[Value], old: &str) -> (i32, i32) {
    let mut pods = [0, 0];
    let hash = |object: &Value| {
        let labels = &object["metadata"]["labels"];
        let keys = ["pod-template-hash", "controller-revision-hash"];
        let label = keys.into_iter().find_map(|key| labels[key].as_str());
        label.unwrap_or_default().to_owned()
    };
    for object in objects {
        let count = match of_deployment {
            true => object["status"]["replicas"].as_i64().unwrap_or(0),
            false => i64::from(object["metadata"]["deletionTimestamp"].is_null()),
        };
        pods[usize::from(hash(object) == old)] += i32::try_from(count).unwrap();
    }
    (pods[0], pods[1])
}

/// The stable revision as a Rollout's status has it.
pub(crate) fn stable_of(rollout: &Value) -> String {
    let status = &rollout["status"];
    let sub = ["canaryStatus", "blueGreenStatus"]
        .into_iter()
        .map(|key| &status[key])
        .find(|sub| sub.is_object());
    let sub = sub.cloned().unwrap_or_default();
    let at_rest = sub["currentStepState"] == "Completed" && status["phase"] != "Progressing";
    let keys: &[&str] = if at_rest {
        &["canaryRevision", "updatedRevision"]
    } else {
        &["stableRevision"]
    };
    keys.iter()
        .find_map(|key| sub[*key].as_str())
        .unwrap_or_default()
        .to_owned()
}

/// Writes the new version and its hold in one request, as the command does, whose writes the hold policy lets pass.
pub(crate) async fn set_image(
    cluster: &Cluster,
    place: Place,
    name: &str,
    images: &[NewImage],
    rollout: &str,
) {
    loop {
        let workload = cluster.get(place, name).await.unwrap().unwrap();
        let Some(patch) = edit::set_images(&workload, images, Some(rollout)).unwrap() else {
            return;
        };
        let manager = "?fieldManager=rollouts-engine";
        match cluster
            .patch(place, name, manager, "application/json-patch+json", &patch)
            .await
        {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Approves a step; whether it waited for that. It may be told twice that it waits.
pub(crate) async fn approve(cluster: &Cluster, name: &str, step: i32) -> bool {
    let guard = Guard {
        step: Some(step),
        ..Guard::default()
    };
    let place = Place::named("rollout");
    loop {
        let rollout = cluster.get(place, name).await.unwrap().unwrap();
        let Ok(Approval::Send { patch, .. }) = approval::decide(&rollout, &guard) else {
            return false;
        };
        let content = "application/merge-patch+json";
        match cluster.patch(place, name, "/status", content, &patch).await {
            Ok(_) => return true,
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn write(method: &str, object: &str, purpose: &str) -> (String, String, String) {
    let object = if object.starts_with("pod/") { "pod" } else { object };
    (method.to_owned(), object.to_owned(), purpose.to_owned())
}

pub(crate) fn predicted(plan: &Plan) -> Story {
    let gated = plan.steps.iter().filter(|step| step.gate != "-");
    let waited: BTreeSet<i32> = plan
        .states
        .iter()
        .filter(|state| matches!(state.state, "WaitingForApproval" | "TimedPause"))
        .map(|state| state.step)
        .collect();
    Story {
        states: plan
            .states
            .iter()
            .map(|state| (state.step, state.state.to_owned()))
            .collect(),
        gates: gated
            .filter(|step| waited.contains(&step.step))
            .map(|step| (step.step, step.new_pods, step.old_pods))
            .collect(),
        writes: plan
            .writes
            .iter()
            .map(|one| write(one.verb, &one.object, &one.purpose))
            .collect(),
        end: Some(plan.end),
    }
}

/// A simulated cluster on which a release is played.
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) clock: Clock,
    pub(crate) cluster: Cluster,
    rollout: String,
    _controllers: sim::Controllers,
}

impl Stage {
    /// Controllers act so long after a change. Statuses have whole seconds: it matters how much of one is over at the start.
    pub(crate) async fn new(rollout: &str, latency: Duration, start: Timestamp) -> Self {
        let clock = Clock::starting_at(start);
        let sim = Sim::new(sim::Options {
            pod_ready_after: READY_AFTER,
            latency,
            hold: true,
            kruise: true,
            gateways: true,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        cluster.create_namespace(&json!({})).await;
        Self {
            sim,
            clock,
            cluster,
            rollout: rollout.to_owned(),
            _controllers: controllers,
        }
    }

    pub(crate) fn engine(
        &self,
    ) -> (
        tokio::task::JoinHandle<()>,
        tokio::sync::mpsc::UnboundedReceiver<Event>,
    ) {
        let (events, told) = tokio::sync::mpsc::unbounded_channel();
        let scope = Scope::Selected {
            namespace: Some(NAMESPACE.to_owned()),
            labels: None,
        };
        let options = Options {
            identity: "promise".to_owned(),
            forever: true,
            ..Options::default()
        };
        let driven = driver::drive(self.sim.client(), self.clock, scope, options, events);
        (tokio::spawn(async move { drop(driven.await) }), told)
    }

    /// Plays a script with an engine at work, which is gone afterwards.
    async fn play(&self, scenario: &Scenario, script: &[Verb]) {
        let (engine, _told) = self.engine();
        player::run(&self.cluster, self.clock, scenario, script)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", scenario.name));
        engine.abort();
    }

    /// Everything there is, as a plan may be given it.
    pub(crate) fn request(&self, images: Vec<NewImage>) -> Request {
        Request {
            objects: self.sim.everything(),
            namespace: NAMESPACE.to_owned(),
            rollout: self.rollout.clone(),
            change: Change {
                images,
                ..Change::default()
            },
            start: self.clock.now(),
            pod_ready_after: READY_AFTER,
            ..Request::default()
        }
    }

    /// The new version and its hold in one request.
    pub(crate) async fn image(&self, kind: &str, name: &str, images: &[NewImage]) {
        set_image(&self.cluster, Place::named(kind), name, images, &self.rollout).await;
    }

    /// Approves a step; whether it waited for that. It may be told twice that it waits.
    pub(crate) async fn approve(&self, step: i32) -> bool {
        approve(&self.cluster, &self.rollout, step).await
    }

    /// New and old pods.
    fn pods(&self, old: &str) -> (i32, i32) {
        let of_deployment = self.is_of_deployment();
        let (version, kind) = if of_deployment {
            ("apps/v1", "ReplicaSet")
        } else {
            ("v1", "Pod")
        };
        pods_of(of_deployment, &self.sim.list(version, kind, Some(NAMESPACE)), old)
    }

    fn is_of_deployment(&self) -> bool {
        self.rollout()["spec"]["workloadRef"]["kind"] == "Deployment"
    }

    fn rollout(&self) -> Value {
        self.sim
            .get("rollouts.kruise.io/v1beta1", "Rollout", NAMESPACE, &self.rollout)
            .unwrap_or_default()
    }

    /// The stable revision as the status has it before the rest begins.
    pub(crate) fn stable(&self) -> String {
        stable_of(&self.rollout())
    }

    /// Lets an engine do the rest, with every pause approved.
    pub(crate) async fn rest(&self, old: &str) -> Story {
        let (engine, mut told) = self.engine();
        let mut story = Story::default();
        let mut gates = BTreeMap::new();
        let follow = async {
            while let Some(event) = told.recv().await {
                match story.take_in(&self.rollout, event) {
                    Some(Moment::Timed(step)) => {
                        self.clock.sleep(SETTLED).await;
                        gates.insert(step, self.pods(old));
                    }
                    Some(Moment::Waits(step)) => {
                        // Whoever approves has looked at pods that stand still.
                        self.clock.sleep(SETTLED).await;
                        let seen = self.pods(old);
                        if self.approve(step).await {
                            gates.insert(step, seen);
                        }
                    }
                    Some(Moment::Over) => return,
                    None => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(86_400), follow)
            .await
            .expect("the release ends within a day");
        engine.abort();
        story.with_gates(gates)
    }
}

fn key_of(event: &Event) -> Option<&str> {
    match event {
        Event::Moved { key, .. } | Event::Wrote { key, .. } | Event::Stopped { key, .. } => Some(&key.name),
        _ => None,
    }
}

/// Plays a release up to one of its turns, plans the rest, does it, and says in what they differ.
async fn disagreement(scenario: &Scenario, at: usize) -> Option<String> {
    let stage = Stage::new(&scenario.rollout, LATENCY, START).await;
    stage.play(scenario, &scenario.script[..at]).await;
    let plan = match &scenario.script[at] {
        Verb::Image { kind, name, to } => {
            let images = vec![NewImage {
                container: "*".to_owned(),
                image: format!("echoserver:{to}"),
            }];
            let plan = plan::predict(stage.request(images.clone()));
            stage.image(kind, name, &images).await;
            plan
        }
        turn => {
            player::act(&stage.cluster, scenario, turn).await.unwrap();
            plan::predict(stage.request(Vec::new()))
        }
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return Some(error.to_string()),
    };
    let old = stage.stable();
    predicted(&plan).differs_from(&stage.rest(&old).await)
}

/// The turns of a script after which a release goes another way.
fn turns(scenario: &Scenario) -> Vec<usize> {
    let script = scenario.script.iter().enumerate();
    script
        .filter(|(_, verb)| {
            matches!(
                verb,
                Verb::Image { .. } | Verb::Patch { .. } | Verb::Scale { .. } | Verb::Delete { .. }
            )
        })
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn every_turn_of_every_recorded_release_goes_as_planned() {
    let names: BTreeSet<&str> = PLAYED.iter().copied().collect();
    assert!(names.len() > 15, "{names:?}");
    let mut broken = Vec::new();
    for name in names {
        let scenario = Scenario::load(name);
        let turns = turns(&scenario);
        assert!(!turns.is_empty(), "{name}");
        let mut kept = 0;
        for at in &turns {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            match runtime.block_on(disagreement(&scenario, *at)) {
                None => kept += 1,
                Some(difference) => broken.push(format!("{name}, {:?}: {difference}", scenario.script[*at])),
            }
        }
        println!("{name}: {kept} of {} turns as planned", turns.len());
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
