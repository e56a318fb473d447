//! What will happen: the engine itself, run over a copy of the cluster in virtual time.
//!
//! The copy is made of the objects that the release touches, with their status; the change is applied to it as it would
//! be to the cluster; every pause for a human is approved as soon as its pods are counted, so times are the earliest possible.

mod copy;
mod render;
mod timeline;

pub use copy::{
    Wanted, Which, belonging_to, configuration, definition, named_by, nodes_under, providers,
    seen_ready_after, shared_by,
};
pub use render::{COLUMNS, span};

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    analysis::{self, Analysis, Inline, Template},
    api::{
        keys,
        v1beta1::{ObjectRef, Phase, Rollout, Step, StepState},
    },
    clock::Clock,
    engine::{
        core::{INVALID, Reason, Stop},
        driver::{self, Event, RolloutKey, Scope},
    },
    release::{self, Approval, Guard, Position, approval},
    sim::{self, Sim},
    traffic::{Shared, script::Folder},
    workload::{
        Kind,
        edit::{self, NewImage, UnknownContainer},
    },
};
use futures::StreamExt as _;
pub use timeline::state;
use timeline::{Census, Timeline};

/// The longest release that is followed, in virtual days.
const LONGEST_DAYS: u64 = 60;

/// From a pause until it is approved: long enough for pods that the step takes away to be gone from the counts.
const SETTLED: Duration = Duration::from_millis(100);

/// What a plan starts from.
#[derive(Clone, Debug)]
pub struct Request {
    /// The objects the release touches, as they are: what [`named_by`], [`shared_by`] and [`belonging_to`] say, or more.
    pub objects: Vec<Value>,
    /// The Rollout's namespace.
    pub namespace: String,
    /// The Rollout's name.
    pub rollout: String,
    /// What changes first; nothing plans the rest of the release under way.
    pub change: Change,
    /// Scripts of a folder, as `run` would have them.
    pub scripts: Option<Arc<Folder>>,
    /// When the plan begins.
    pub start: Timestamp,
    /// How long a new pod takes to become ready.
    pub pod_ready_after: Duration,
}

/// What a plan assumes the user to change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Containers and their new images.
    pub images: Vec<NewImage>,
    /// Pods the workload should have.
    pub replicas: Option<u32>,
}

/// What will happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Namespace of the Rollout.
    pub namespace: String,
    /// Name of the Rollout.
    pub rollout: String,
    /// The steps, in order of time.
    pub steps: Vec<PlannedStep>,
    /// The closing work; nothing when the release does not get there.
    pub finish: Option<PlannedStep>,
    /// The states that the engine goes through, in order of time.
    pub states: Vec<PlannedState>,
    /// Every write, in order.
    pub writes: Vec<PlannedWrite>,
    /// How it ends.
    pub end: End,
    /// Why it ends so, for humans.
    pub message: String,
    /// Fewest ready pods at any time.
    pub lowest_ready: i32,
    /// Most pods at any time.
    pub most_pods: i32,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStep {
    /// Its number, 1-based; for the closing work the number of steps plus one.
    pub step: i32,
    /// Pods of the new version at its end.
    pub new_pods: i32,
    /// Pods of other versions at its end.
    pub old_pods: i32,
    /// Fewest ready pods in it.
    pub ready_lowest: i32,
    /// Most ready pods in it.
    pub ready_highest: i32,
    /// Traffic for the new version, as the step asks for it.
    pub traffic: String,
    /// What ends it.
    pub gate: String,
    /// Seconds from the start until its gate is reached, at the earliest.
    pub seconds: f64,
    /// Writes in it.
    pub writes: usize,
}

/// One state of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedState {
    /// The step the Rollout is at, 1-based.
    pub step: i32,
    /// One word for it.
    pub state: &'static str,
    /// Seconds from the start.
    pub seconds: f64,
}

/// One write of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWrite {
    /// The step it belongs to.
    pub step: i32,
    /// Seconds from the start.
    pub seconds: f64,
    /// HTTP method.
    pub verb: &'static str,
    /// Kind and name.
    pub object: String,
    /// What it is for.
    pub purpose: String,
    /// The body.
    pub body: Value,
}

/// How a plan ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum End {
    /// The new version is everywhere.
    Completed,
    /// The old version is everywhere.
    RolledBack,
    /// Nothing is to be done.
    NothingToDo,
    /// Something stands in the way.
    Blocked,
    /// Pods do not become ready in time.
    Degraded,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object cannot be copied.
    #[error("cannot copy {what} into the simulation: {why}")]
    Copy {
        /// Kind and name.
        what: String,
        /// The simulator's words.
        why: String,
    },
    /// The change cannot be applied.
    #[error("the change would be refused: {0}")]
    Change(String),
    /// The change names a container that is not there.
    #[error(transparent)]
    Container(#[from] UnknownContainer),
    /// The release does not come to an end.
    #[error("the release does not end within {LONGEST_DAYS} days")]
    Endless,
    /// The simulation failed.
    #[error("the simulation failed: {0}")]
    Simulation(String),
}

impl Plan {
    /// Whether carrying it out would change anything.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// One line of fixed grammar.
    #[must_use]
    pub fn summary(&self) -> String {
        let seconds = self
            .finish
            .as_ref()
            .or(self.steps.last())
            .map_or(0.0, |step| step.seconds);
        format!(
            "Summary: {} steps, {} writes, never below {} ready pods, at most {} pods, {} s at the earliest, {}.",
            self.steps.len(),
            self.writes.len(),
            self.lowest_ready,
            self.most_pods,
            seconds.ceil(),
            match self.end {
                End::Completed => "completes",
                End::RolledBack => "rolls back",
                End::NothingToDo => "nothing to do",
                End::Blocked => "blocked",
                End::Degraded => "degrades",
            }
        )
    }
}

/// Runs the release over a copy and says what happened. The same request gives the same plan, to the byte.
///
/// # Errors
/// The objects or the change are refused by the simulated API server, or the release does not end.
pub fn predict(request: Request) -> Result<Plan, Error> {
    predict_with(request, None)
}

/// The same, with steps judged by the metric gates of a file. Measurements are taken for good, at their times.
///
/// # Errors
/// As [`predict`].
pub fn predict_with(request: Request, analysis: Option<Arc<Inline>>) -> Result<Plan, Error> {
    // A runtime of its own, on a thread of its own: its clock is paused, and the caller may be inside another runtime.
    let run = move || -> Result<Plan, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime
            .map_err(|error| Error::Simulation(error.to_string()))?
            .block_on(simulate(request, analysis))
    };
    let thread = std::thread::Builder::new()
        .name("plan".to_owned())
        .stack_size(8 << 20)
        .spawn(run);
    let joined = thread
        .map_err(|error| Error::Simulation(error.to_string()))?
        .join();
    joined.map_err(|_| Error::Simulation("it stopped unexpectedly".to_owned()))?
}

async fn simulate(mut request: Request, analysis: Option<Arc<Inline>>) -> Result<Plan, Error> {
    let clock = Clock::starting_at(request.start);
    let objects = copy::relevant(
        std::mem::take(&mut request.objects),
        &request.namespace,
        &request.rollout,
    );
    let mut options = sim::Options {
        pod_ready_after: request.pod_ready_after,
        ..sim::Options::new(clock)
    };
    if objects.iter().any(|object| object["kind"] == "Node") {
        options.nodes = 0;
    }
    let sim = Sim::new(options);
    for object in objects {
        let what = format!(
            "{}/{}",
            object["kind"].as_str().unwrap_or("?"),
            object["metadata"]["name"].as_str().unwrap_or("?")
        );
        sim.load(object).map_err(|error| Error::Copy {
            what,
            why: error.to_string(),
        })?;
    }
    let client = sim.client();
    let rollout = rollout_of(&sim, &request.namespace, &request.rollout);
    let steps = steps_of(&rollout);
    let workload = Released::of(&sim, &request.namespace, &rollout);
    let census = match workload.as_ref().map(|workload| (workload.kind, workload.read())) {
        Some((kind, Some(object))) if kind != Kind::Deployment => Census::Pods(Box::new(object)),
        _ => Census::ReplicaSets,
    };
    let _controllers = sim.start();
    if let Some(workload) = &workload {
        workload.change(&client, &request).await?;
    }
    let key = RolloutKey {
        namespace: request.namespace.clone(),
        name: request.rollout.clone(),
    };
    let timeline = Timeline::new(request.start, &steps, census, stable_of(&rollout))
        .shared_by(shared_split(&sim, &request.namespace, &rollout))
        .gated_by(gates_of(
            &sim,
            &request.namespace,
            &rollout,
            analysis.as_deref(),
            steps.len(),
        ));
    let scripts = request.scripts.take();
    let follow = follow(&sim, client, clock, key.clone(), (scripts, analysis), timeline);
    let ended = tokio::time::timeout(Duration::from_secs(LONGEST_DAYS * 86_400), follow).await;
    let (timeline, end, message) = ended.map_err(|_| Error::Endless)??;
    Ok(timeline.into_plan(key, end, message))
}

/// The names of the metrics that each step is judged by. What is wrong with them the engine says.
fn gates_of(
    sim: &Sim,
    namespace: &str,
    rollout: &Value,
    inline: Option<&Inline>,
    total: usize,
) -> BTreeMap<i32, String> {
    let Ok(rollout) = serde_json::from_value::<Rollout>(rollout.clone()) else {
        return BTreeMap::new();
    };
    let analysis = inline.map(Inline::analysis).unwrap_or_else(|| {
        let objects = sim.list("rollouts.kruise.io/v1alpha1", "AnalysisTemplate", Some(namespace));
        let named = objects.iter().filter_map(|object| {
            let spec = serde_json::from_value(object["spec"].clone()).map_err(|error| error.to_string());
            let template = Template {
                spec,
                is_trusted: false,
            };
            Some((object["metadata"]["name"].as_str()?.to_owned(), template))
        });
        Analysis {
            templates: named.collect(),
            ..Analysis::default()
        }
    });
    let total = i32::try_from(total).unwrap_or(i32::MAX);
    let of_step = |step: i32| {
        let gates = analysis::gates(&rollout, &analysis, Some(step), total).ok()?;
        let measures = gates
            .iter()
            .flat_map(|gate| &gate.measures)
            .filter(|measure| !measure.dry_run);
        let names: Vec<&str> = measures.map(|measure| measure.name.as_str()).collect();
        (!names.is_empty()).then(|| (step, names.join(" + ")))
    };
    (1..=total).filter_map(of_step).collect()
}

/// What the TrafficRouting that a Rollout shares with others does, in words.
fn shared_split(sim: &Sim, namespace: &str, rollout: &Value) -> Option<String> {
    let rollout: Rollout = serde_json::from_value(rollout.clone()).ok()?;
    let name = rollout.traffic_routing_name()?;
    let object = sim.get("rollouts.kruise.io/v1alpha1", "TrafficRouting", namespace, name)?;
    release::traffic::of_shared(&Shared::new(serde_json::from_value(object).ok()?))
}

fn rollout_of(sim: &Sim, namespace: &str, name: &str) -> Value {
    sim.get("rollouts.kruise.io/v1beta1", "Rollout", namespace, name)
        .unwrap_or_default()
}

fn steps_of(rollout: &Value) -> Vec<Step> {
    let strategy =
        serde_json::from_value::<crate::api::v1beta1::Strategy>(rollout["spec"]["strategy"].clone());
    strategy
        .map(|strategy| strategy.steps().to_vec())
        .unwrap_or_default()
}

/// The revision that runs before the release: the accepted one at rest, the recorded stable one under way.
fn stable_of(rollout: &Value) -> Option<String> {
    let rollout: Rollout = serde_json::from_value(rollout.clone()).ok()?;
    let position = Position::of(&rollout);
    let at_rest = position.state == StepState::Completed && position.phase != Phase::Progressing;
    let revision = if at_rest {
        position.new_revision
    } else {
        position.stable_revision
    };
    Some(revision).filter(|revision| !revision.is_empty())
}

fn api(
    client: &kube::Client,
    namespace: &str,
    group: &str,
    version: &str,
    kind: &str,
    plural: &str,
) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        },
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// The workload in the copy.
struct Released<'a> {
    sim: &'a Sim,
    kind: Kind,
    api_version: String,
    namespace: String,
    name: String,
    enabled: bool,
}

impl<'a> Released<'a> {
    fn of(sim: &'a Sim, namespace: &str, rollout: &Value) -> Option<Self> {
        let reference: ObjectRef = serde_json::from_value(rollout["spec"]["workloadRef"].clone()).ok()?;
        Some(Self {
            sim,
            kind: Kind::named(&reference)?,
            api_version: reference.api_version,
            namespace: namespace.to_owned(),
            name: reference.name,
            enabled: rollout["spec"]["disabled"] != true,
        })
    }

    fn get(&self) -> Option<Value> {
        self.sim
            .get(&self.api_version, self.kind.kind(), &self.namespace, &self.name)
    }

    fn read(&self) -> Option<DynamicObject> {
        serde_json::from_value(self.get()?).ok()
    }

    /// Changes it as `set image` would: the new version and its hold in one request.
    async fn change(&self, client: &kube::Client, request: &Request) -> Result<(), Error> {
        let version = self
            .api_version
            .split_once('/')
            .map_or("v1", |(_, version)| version);
        let workloads = api(
            client,
            &request.namespace,
            self.kind.group(),
            version,
            self.kind.kind(),
            self.kind.plural(),
        );
        let manager = PatchParams {
            field_manager: Some(keys::FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        if let Some(replicas) = request.change.replicas {
            if self.kind.is_per_node() {
                let why = format!(
                    "a {} has a pod on each node, and no number of replicas",
                    self.kind.kind()
                );
                return Err(Error::Change(why));
            }
            let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
            workloads
                .patch(&self.name, &manager, &patch)
                .await
                .map_err(|error| Error::Change(words(&error)))?;
        }
        if request.change.images.is_empty() {
            return Ok(());
        }
        loop {
            let Some(workload) = self.get() else {
                return Ok(());
            };
            let held = self.enabled && edit::free(self.kind, &workload).is_none();
            let rollout = held.then_some(request.rollout.as_str());
            let Some(patch) = edit::set_images(&workload, &request.change.images, rollout)? else {
                return Ok(());
            };
            let patch = serde_json::from_value(patch).map_err(|error| Error::Change(error.to_string()))?;
            match workloads
                .patch(&self.name, &manager, &Patch::<()>::Json(patch))
                .await
            {
                Ok(_) => return Ok(()),
                // The copied workload's controller was faster; it settles.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(Error::Change(words(&error))),
            }
        }
    }
}

fn words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        status.message.clone()
    } else {
        error.to_string()
    }
}

/// Runs the engine, watches the pods, approves, until the release ends.
async fn follow(
    sim: &Sim,
    client: kube::Client,
    clock: Clock,
    key: RolloutKey,
    (scripts, analysis): (Option<Arc<Folder>>, Option<Arc<Inline>>),
    mut timeline: Timeline,
) -> Result<(Timeline, End, String), Error> {
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let scope = Scope::Names {
        namespace: key.namespace.clone(),
        names: vec![key.name.clone()],
    };
    let options = driver::Options {
        identity: "plan".to_owned(),
        forever: true,
        scripts,
        analysis,
        meter: Some(Arc::new(driver::meter::Assumed)),
        ..driver::Options::default()
    };
    let engine = driver::drive(client.clone(), clock, scope, options, events);
    let counted = match timeline.census() {
        Census::ReplicaSets => api(&client, &key.namespace, "apps", "v1", "ReplicaSet", "replicasets"),
        Census::Pods(_) => api(&client, &key.namespace, "", "v1", "Pod", "pods"),
    };
    let mut pods = watcher(counted, watcher::Config::default().timeout(86_400))
        .default_backoff()
        .boxed();
    let rollouts = api(
        &client,
        &key.namespace,
        keys::GROUP,
        "v1beta1",
        "Rollout",
        "rollouts",
    );
    tokio::pin!(engine);
    let mut due: Option<Timestamp> = None;
    loop {
        let left = due.map_or(SETTLED, |due| {
            Duration::try_from(due.duration_since(clock.now())).unwrap_or_default()
        });
        tokio::select! {
            biased;
            Some(Ok(event)) = pods.next() => timeline.pods(event),
            Some(event) = told.recv() => match event {
                Event::Moved { reason, at, step, .. } => {
                    timeline.moved(at, step, &reason);
                    if let Reason::WaitingForApproval { .. } = reason {
                        due.get_or_insert(at + SETTLED);
                    } else {
                        due = None;
                    }
                }
                Event::Wrote { at, effect, .. } => timeline.wrote(at, &effect),
                Event::Stopped { stop, .. } => {
                    let message = match &stop {
                        Stop::Blocked { message } | Stop::Degraded { message } | Stop::Refused { message, .. } => message.clone(),
                        Stop::Invalid { why } => format!("{INVALID}: {}", why.join("; ")),
                        Stop::Paused => "spec.strategy.paused is set; the release goes on when it is resumed".to_owned(),
                        Stop::NotFound => format!("Rollout {key} not found"),
                        _ => String::new(),
                    };
                    let end = match stop {
                        Stop::WaitingForApproval { .. } => continue,
                        Stop::AtRest => End::NothingToDo,
                        Stop::Completed | Stop::RolledBack | Stop::Disabled | Stop::Gone if timeline.is_empty() => End::NothingToDo,
                        // A Rollout that is disabled or deleted in the middle of a release lets the new version go everywhere.
                        Stop::Completed | Stop::Disabled | Stop::Gone => End::Completed,
                        Stop::RolledBack => End::RolledBack,
                        Stop::Degraded { .. } => End::Degraded,
                        Stop::Paused | Stop::Blocked { .. } | Stop::Invalid { .. } | Stop::Refused { .. } | Stop::NotFound | Stop::OtherEngine { .. } => End::Blocked,
                    };
                    return Ok((timeline, end, message));
                }
                Event::Retrying { .. } | Event::HeldElsewhere { .. } | Event::Unreadable { .. } => {}
            },
            () = clock.sleep(left), if due.is_some() => {
                due = None;
                timeline.approved();
                approve(sim, &rollouts, &key).await?;
            }
            result = &mut engine => {
                let error = result.err().map_or_else(|| "the engine stopped".to_owned(), |error| error.to_string());
                return Err(Error::Simulation(error));
            }
        }
    }
}

/// Approves the step that is paused, as `approve` does.
async fn approve(sim: &Sim, rollouts: &Api<DynamicObject>, key: &RolloutKey) -> Result<(), Error> {
    loop {
        let rollout = rollout_of(sim, &key.namespace, &key.name);
        let patch = match approval::decide(&rollout, &Guard::default()) {
            Ok(Approval::Send { patch, .. }) => patch,
            Ok(Approval::Already { .. }) => return Ok(()),
            Err(refusal) => return Err(Error::Simulation(format!("Rollout {key} {refusal}"))),
        };
        match rollouts
            .patch_status(&key.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => return Err(Error::Simulation(words(&error))),
        }
    }
}
