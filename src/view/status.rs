//! Everything `status` and `watch` show about one Rollout: the one state function behind both.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::block::{Block, Table, Tone};
use crate::{
    api::{
        keys,
        v1beta1::{RollingStyle, Rollout, Step, StepState},
    },
    release::{Actor, Pods, Position, Role, Traffic, Verdict, traffic, verdict::Surroundings},
    traffic::{
        Provider, RouteKey, Routes, Shared, Wiring,
        script::{Configuration, Scripts},
    },
    view::{gate, suggest::Command},
};

/// An object that was looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Looked {
    /// Not looked for: the Rollout does not name one, or it does not matter now.
    #[default]
    NotWanted,
    /// It does not exist.
    Missing,
    /// As it was read.
    There(Value),
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
    /// The stable Service.
    pub service: Looked,
    /// The TrafficRouting that it shares with others.
    pub shared: Looked,
    /// Its routes and those of the TrafficRouting, twins included; nothing when they were not looked for.
    pub routes: Option<Routes>,
    /// The cluster's scripts; looked for when a provider needs one.
    pub configuration: Configuration,
}

impl Seen {
    /// What has no script in the cluster and needs one; nothing while a release is under way, whose engine may have one of a
    /// folder and tells it otherwise.
    fn unscripted(&self, position: &Position) -> Option<String> {
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
}

impl SharedState {
    fn of(shared: &Shared) -> Self {
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
        }
    }

    fn sentence(&self) -> String {
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

/// The state of one Rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `uid`, `generation` and `resourceVersion` of the object.
    pub object: Value,
    /// `deployment/NAME`.
    pub workload: String,
    /// Where it is.
    pub position: Position,
    /// The word for it.
    pub verdict: Verdict,
    /// Pods by version.
    pub pods: Pods,
    /// The TrafficRouting that it shares with others.
    pub shared: Option<SharedState>,
    /// Traffic by route.
    pub traffic: Vec<Traffic>,
    /// What is missing.
    pub problems: Vec<Problem>,
    /// What needs a script that the cluster does not have, as a sentence.
    pub unscripted: Option<String>,
    /// What the user may type next.
    pub command: Option<String>,
}

impl Status {
    /// Judges what was seen.
    #[must_use]
    pub fn of(seen: &Seen) -> Self {
        let (rollout, position) = (&seen.rollout, Position::of(&seen.rollout));
        let meta = &rollout.metadata;
        let (namespace, name) = (
            meta.namespace.clone().unwrap_or_default(),
            meta.name.clone().unwrap_or_default(),
        );
        let problems = problems(seen, &namespace);
        let held = matches!(&seen.workload, Looked::There(object)
            if object["metadata"]["annotations"][keys::IN_PROGRESSING].is_string());
        let verdict = Verdict::of(
            &position,
            Surroundings {
                held,
                incomplete: !problems.is_empty(),
            },
        );
        let pods = match &seen.workload {
            Looked::There(workload) => Pods::count(&position, workload, &seen.members),
            _ => Pods::default(),
        };
        let shared = seen.shared();
        let traffic = traffic_of(seen, shared.as_ref(), &position);
        let reference = &rollout.spec.workload_ref;
        Self {
            unscripted: seen.unscripted(&position),
            object: json!({ "uid": meta.uid, "generation": meta.generation, "resourceVersion": meta.resource_version }),
            workload: format!("{}/{}", reference.kind.to_lowercase(), reference.name),
            command: next_command(verdict, &position, &namespace, &name),
            namespace,
            name,
            position,
            verdict,
            pods,
            shared: shared.as_ref().map(SharedState::of),
            traffic,
            problems,
        }
    }

    /// `waiting for approval: step 1/3`.
    #[must_use]
    pub fn headline(&self) -> String {
        let phrase = self.verdict.phrase();
        if !self.position.under_way() {
            return phrase.to_owned();
        }
        let (step, total) = (self.position.step, self.position.total());
        match self.verdict {
            Verdict::Progressing | Verdict::Paused | Verdict::Degraded => {
                format!(
                    "{phrase}: step {step}/{total}, {}",
                    state_phrase(&self.position.state)
                )
            }
            Verdict::Finishing | Verdict::RollingBack => phrase.to_owned(),
            _ => format!("{phrase}: step {step}/{total}"),
        }
    }

    /// How the verdict is to be taken.
    #[must_use]
    pub fn tone(&self) -> Tone {
        match self.verdict {
            Verdict::Healthy | Verdict::Completed => Tone::Good,
            Verdict::Degraded | Verdict::NoWorkload => Tone::Bad,
            Verdict::WaitingForApproval
            | Verdict::Paused
            | Verdict::Held
            | Verdict::RolledBack
            | Verdict::RollingBack => Tone::Wait,
            _ => Tone::Plain,
        }
    }

    /// Who acts next, as a sentence.
    #[must_use]
    pub fn next_sentence(&self, now: Timestamp) -> String {
        let engine = "the engine: the controller in the cluster, or 'kubectl kruise rollout run'";
        let measured = self.position.gate.as_ref().filter(|_| self.position.under_way());
        if let Some(waiting) = measured.and_then(|record| gate::waiting(record, now))
            && self.verdict.actor() == Actor::Engine
        {
            return waiting;
        }
        match (self.verdict.actor(), self.position.pause_left(now)) {
            (Actor::Nobody, _) => "nobody, all is done".to_owned(),
            (Actor::Human, _) => "you".to_owned(),
            (Actor::Clock, Some(left)) if left > SignedDuration::ZERO => format!("time, in {}", span(left)),
            (Actor::Clock | Actor::Engine, _) => engine.to_owned(),
        }
    }

    /// The full view.
    #[must_use]
    pub fn blocks(&self, now: Timestamp) -> Vec<Block> {
        let style = self.position.style.map(style_word).unwrap_or("no strategy");
        let since = self.position.since.filter(|_| self.position.under_way());
        let since = since
            .map(|at| format!(", since {}", span(now.duration_since(at))))
            .unwrap_or_default();
        let mut fields = vec![
            (
                "Rollout",
                format!("{}/{}  {} of {}", self.namespace, self.name, style, self.workload),
                Tone::Plain,
            ),
            ("State", format!("{}{since}", self.headline()), self.tone()),
        ];
        if let Some(text) = self
            .position
            .degraded
            .as_ref()
            .filter(|_| self.position.under_way())
        {
            fields.push(("Reason", text.clone(), Tone::Bad));
        }
        fields.push(("Next", self.next_sentence(now), Tone::Plain));
        fields.extend(
            self.command
                .clone()
                .map(|command| ("Command", command, Tone::Plain)),
        );
        fields.extend(self.unscripted.clone().map(|text| ("Warning", text, Tone::Wait)));
        if !self.position.message.is_empty() {
            fields.push(("Message", self.position.message.clone(), Tone::Faint));
        }
        if let Some(shared) = &self.shared {
            fields.push(("Shared", shared.sentence(), Tone::Plain));
        }
        for problem in &self.problems {
            fields.push((
                "Problem",
                format!("{} ({})", problem.what, problem.hint),
                Tone::Bad,
            ));
        }
        if let Some(why) = self
            .position
            .gate
            .as_ref()
            .filter(|_| !self.position.under_way())
            .and_then(|r| r.why.clone())
        {
            fields.push(("Metrics", format!("failed: {why}"), Tone::Bad));
        }
        let mut blocks = vec![Block::Fields(fields), Block::Table(self.step_table(now))];
        if let Some(record) = &self.position.gate {
            blocks.push(Block::Table(gate::table(record, now)));
        }
        if !self.pods.revisions.is_empty() {
            blocks.push(Block::Table(self.pod_table()));
        }
        if !self.traffic.is_empty() {
            blocks.push(Block::Table(self.traffic_table()));
        }
        blocks
    }

    fn step_table(&self, now: Timestamp) -> Table {
        let rows = self.position.steps.iter().zip(1..).map(|(step, number)| {
            let text = traffic::of_step(step);
            vec![
                self.step_mark(number).to_owned(),
                number.to_string(),
                step.replicas
                    .as_ref()
                    .map(ToString::to_string)
                    .or_else(|| step.traffic.clone())
                    .unwrap_or_default(),
                if text.is_empty() { "-".to_owned() } else { text },
                self.gate(step, number, now),
            ]
        });
        Table {
            header: vec!["", "STEP", "PODS", "TRAFFIC", "ENDS"],
            rows: rows.collect(),
        }
    }

    fn step_mark(&self, number: i32) -> &'static str {
        let (position, done) = (
            &self.position,
            self.verdict == Verdict::Completed || self.verdict == Verdict::Finishing,
        );
        if done || position.under_way() && self.verdict != Verdict::RollingBack && number < position.step {
            "✔"
        } else if position.under_way() && self.verdict != Verdict::RollingBack && number == position.step {
            "▶"
        } else {
            "·"
        }
    }

    fn gate(&self, step: &Step, number: i32, now: Timestamp) -> String {
        let at_hand = self.position.under_way() && number == self.position.step;
        let end = match (step.pause.duration, self.position.pause_left(now)) {
            (Some(_), Some(left)) if at_hand => format!("in {}", span(left)),
            (Some(seconds), _) => format!("after {}", span(SignedDuration::from_secs(seconds.into()))),
            // The engines do not wait in a last canary step of all pods.
            (None, _) if self.position.passes(number) => "by itself".to_owned(),
            (None, _) => "by approval".to_owned(),
        };
        let judges: Vec<&str> = self.position.judges_of(number).collect();
        match judges.as_slice() {
            [] => end,
            judges => format!("by {}, then {end}", judges.join(" and ")),
        }
    }

    fn pod_table(&self) -> Table {
        let rows = self.pods.revisions.iter().map(|revision| {
            vec![
                revision.role.word().to_owned(),
                revision.hash.clone(),
                revision.desired.to_string(),
                revision.current.to_string(),
                revision.ready.to_string(),
                revision.images.join(","),
            ]
        });
        Table {
            header: vec!["VERSION", "HASH", "DESIRED", "CURRENT", "READY", "IMAGES"],
            rows: rows.collect(),
        }
    }

    fn traffic_table(&self) -> Table {
        let rows = self.traffic.iter().map(|traffic| {
            let wanted = if traffic.wanted.is_empty() {
                "-"
            } else {
                &traffic.wanted
            };
            vec![traffic.route.clone(), wanted.to_owned(), traffic.set.clone()]
        });
        Table {
            header: vec!["TRAFFIC TO NEW", "WANTED", "SET"],
            rows: rows.collect(),
        }
    }

    /// The row of a table of several Rollouts; [`SEVERAL`] are its headings.
    #[must_use]
    pub fn row(&self, with_namespace: bool) -> Vec<String> {
        let step = match self.position.under_way() {
            true => format!("{}/{}", self.position.step, self.position.total()),
            false => format!("-/{}", self.position.total()),
        };
        let mut row = vec![
            self.name.clone(),
            self.position.style.map(style_word).unwrap_or_default().to_owned(),
            self.workload.clone(),
            step,
            self.headline(),
        ];
        if with_namespace {
            row.insert(0, self.namespace.clone());
        }
        row
    }

    /// The document of `-o json`. `schema` follows semantic versions: a new minor only adds.
    #[must_use]
    pub fn document(&self, now: Timestamp) -> Value {
        let position = &self.position;
        let steps = position.steps.iter().zip(1..).map(|(step, number)| {
            json!({
                "index": number,
                "replicas": step.replicas,
                "traffic": step.traffic,
                "matches": step.matches.len(),
                "pauseSeconds": step.pause.duration,
            })
        });
        let revisions = self.pods.revisions.iter().map(|revision| {
            json!({
                "role": revision.role.word(),
                "hash": revision.hash,
                "images": revision.images,
                "desired": revision.desired,
                "current": revision.current,
                "ready": revision.ready,
            })
        });
        let traffic = self.traffic.iter().map(|traffic| {
            json!({
                "route": traffic.route,
                "wanted": (!traffic.wanted.is_empty()).then_some(&traffic.wanted),
                "set": traffic.set,
                "percent": traffic.percent,
            })
        });
        let mut object = json!({ "namespace": self.namespace, "name": self.name });
        json_patch::merge(&mut object, &self.object);
        let mut document = json!({
            "apiVersion": "cli.kruise.dev/v1",
            "kind": "RolloutStatus",
            "schema": "1.0",
            "object": object,
            "workload": self.workload,
            "style": position.style.map(style_word),
            "verdict": self.verdict.word(),
            "exitCode": self.verdict.exit_code(),
            "phase": position.phase,
            "message": position.message,
            "degraded": position.degraded,
            "next": { "actor": self.verdict.actor().word(), "sentence": self.next_sentence(now), "command": self.command },
            "step": {
                "index": position.step,
                "total": position.total(),
                "state": position.state,
                "since": position.since,
                "remainingSeconds": position.pause_left(now).map(|left| left.as_secs()),
            },
            "steps": steps.collect::<Vec<_>>(),
            "replicas": self.pods.wanted,
            "revisions": revisions.collect::<Vec<_>>(),
            "newRevision": position.new_revision,
            "traffic": traffic.collect::<Vec<_>>(),
            "trafficRouting": self.shared.as_ref().map(|shared| {
                json!({ "name": shared.name, "phase": shared.phase, "message": shared.message, "neededBy": shared.holders })
            }),
            "problems": self.problems.iter().map(|p| json!({ "message": p.what, "hint": p.hint })).collect::<Vec<_>>(),
            "observedAt": now,
        });
        if let Some(record) = &position.gate {
            document["gate"] = gate::document(record);
        }
        document
    }

    /// How much traffic the new version gets for certain, in percent: of several routes the least.
    #[must_use]
    pub fn percent(&self) -> i32 {
        match self.verdict {
            Verdict::Completed => 100,
            _ => self
                .traffic
                .iter()
                .filter_map(|traffic| traffic.percent)
                .min()
                .unwrap_or_default(),
        }
    }

    /// Pods of the new version that are ready, and those wanted.
    #[must_use]
    pub fn new_pods(&self) -> (i64, i64) {
        self.pods
            .of(Role::New)
            .map_or((0, 0), |new| (new.ready, new.desired))
    }
}

/// Headings of a table of several Rollouts.
pub const SEVERAL: [&str; 5] = ["NAME", "STYLE", "WORKLOAD", "STEP", "STATE"];

fn style_word(style: RollingStyle) -> &'static str {
    match style {
        RollingStyle::Canary => "canary",
        RollingStyle::Partition => "partition",
        RollingStyle::BlueGreen => "blue-green",
    }
}

fn state_phrase(state: &StepState) -> &str {
    match state {
        StepState::BeforeStepUpgrade => "preparing",
        StepState::StepUpgrade => "bringing up new pods",
        StepState::StepTrafficRouting => "moving traffic",
        StepState::StepMetricsAnalysis => "judging metrics",
        StepState::StepPaused => "paused",
        StepState::StepReady => "step is over",
        StepState::Completed => "steps are over",
        StepState::Other(text) => text,
    }
}

/// The traffic of every route that is there and says something of it, the Rollout's own first.
fn traffic_of(seen: &Seen, shared: Option<&Shared>, position: &Position) -> Vec<Traffic> {
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

fn problems(seen: &Seen, namespace: &str) -> Vec<Problem> {
    let spec = &seen.rollout.spec;
    let routing = spec.strategy.traffic_routings().first();
    let mut problems = Vec::new();
    let mut missing = |looked: &Looked, kind: &str, name: &str| {
        if *looked == Looked::Missing {
            problems.push(Problem {
                what: format!("{kind} {name:?} does not exist in namespace {namespace:?}"),
                hint: format!("create it, or change the Rollout: kubectl edit rollouts.rollouts.kruise.io {} -n {namespace}",
                              seen.rollout.metadata.name.as_deref().unwrap_or_default()),
            });
        }
    };
    let workload = &spec.workload_ref;
    missing(&seen.workload, &workload.kind.to_lowercase(), &workload.name);
    missing(
        &seen.service,
        "service",
        routing.map(|r| r.service.as_str()).unwrap_or_default(),
    );
    if let Some(name) = seen.rollout.traffic_routing_name() {
        missing(&seen.shared, "trafficrouting", name);
    }
    let shared = seen.shared();
    let shared_providers = shared.iter().flat_map(Shared::providers);
    for provider in providers(&seen.rollout).into_iter().chain(shared_providers) {
        let (Some(RouteKey { kind, name, .. }), Some(routes)) = (provider.key(), &seen.routes) else {
            continue;
        };
        if provider.found(routes).is_none() {
            missing(&Looked::Missing, &kind.to_lowercase(), &name);
        }
    }
    problems
}

fn next_command(verdict: Verdict, position: &Position, namespace: &str, name: &str) -> Option<String> {
    match verdict {
        Verdict::WaitingForApproval => Some(Command::Approve { step: position.step }.text(namespace, name)),
        Verdict::Degraded if position.under_way() => Some(Command::Rollback.text(namespace, name)),
        Verdict::Held => Some(Command::Run.text(namespace, name)),
        _ => None,
    }
}

/// A span of time in kubectl's short form: `45s`, `3m12s`, `2h5m`, `3d4h`.
#[must_use]
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let two = |big: i64, unit: char, small: i64, less: char| match small {
        0 => format!("{big}{unit}"),
        small => format!("{big}{unit}{small}{less}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => two(seconds / 60, 'm', seconds % 60, 's'),
        7200..172_800 => two(seconds / 3600, 'h', seconds % 3600 / 60, 'm'),
        _ => two(seconds / 86_400, 'd', seconds % 86_400 / 3600, 'h'),
    }
}
