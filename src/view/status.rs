//! Everything `status` and `watch` show about one Rollout: the one state function behind both.

mod document;
mod seen;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::block::{Block, Table, Tone};
use crate::{
    api::{
        int_or_percent::Round,
        keys,
        v1beta1::{RollingStyle, Step, StepState},
    },
    release::{
        Actor, Finding, Pods, Position, Role, Scene, Traffic, Verdict, cause, cause::Engine, overtaken,
        own_pause, traffic, verdict::Surroundings,
    },
    view::{gate, suggest::Command},
    workload::selector,
};

pub use seen::{Looked, Problem, Seen, SharedState, missing, providers};
use seen::{problems, traffic_of};

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
    /// Label selector of the workload's pods, in query form, where the workload was read.
    pub selector: Option<String>,
    /// Where it is.
    pub position: Position,
    /// The word for it.
    pub verdict: Verdict,
    /// Pods by version.
    pub pods: Pods,
    /// Pods that may be missing where all is well (`failureThreshold`).
    pub tolerated: i64,
    /// The TrafficRouting that it shares with others.
    pub shared: Option<SharedState>,
    /// Traffic by route.
    pub traffic: Vec<Traffic>,
    /// What is missing.
    pub problems: Vec<Problem>,
    /// Why it does not go on, the first cause first; empty when nobody asked.
    pub causes: Vec<Finding>,
    /// What could not be read, one sentence each.
    pub unread: Vec<String>,
    /// What may not be read that would say whether its pods are ready and nothing is held, as a sentence.
    pub uncounted: Option<String>,
    /// What needs a script that the cluster does not have, as a sentence.
    pub unscripted: Option<String>,
    /// Whether the workload asks for another version than the one under way, which nobody has taken up.
    pub is_overtaken: bool,
    /// Whether the user has paused the workload itself, which a release will lift.
    pub has_own_pause: bool,
    /// What the user may type next.
    pub command: Option<String>,
}

impl Status {
    /// Judges what was seen, and finds the causes.
    #[must_use]
    pub fn explained(seen: &Seen, now: Timestamp) -> Self {
        let mut status = Self::of(seen);
        let missing = missing(seen);
        let scene = Scene {
            rollout: &seen.rollout,
            position: &status.position,
            verdict: status.verdict,
            versions: &status.pods,
            traffic: &status.traffic,
            workload: match &seen.workload {
                Looked::There(workload) => Some(workload),
                _ => None,
            },
            missing: &missing,
            is_overtaken: status.is_overtaken,
            sight: &seen.sight,
            now,
        };
        let causes = cause::causes(&scene);
        let command = next_command(
            status.verdict,
            &status.position,
            status.is_overtaken,
            &seen.sight.engine,
        );
        let command = command.map(|command| scene.text(command));
        status.causes = causes;
        let trouble = status
            .first_trouble()
            .filter(|_| status.verdict == Verdict::Timed);
        let remedy = trouble.and_then(|finding| finding.command.clone());
        status.command = remedy.or(command);
        status
    }

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
        let held = match &seen.workload {
            Looked::There(object) => object["metadata"]["annotations"][keys::IN_PROGRESSING].is_string(),
            Looked::Outlined { marked } => *marked,
            Looked::NotWanted | Looked::Missing | Looked::Unread => false,
        };
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
        let canary = rollout.spec.strategy.canary.as_ref();
        let patch = canary.and_then(|canary| canary.patch_pod_template_metadata.as_ref());
        let is_overtaken = matches!(&seen.workload, Looked::There(workload)
            if overtaken::is_overtaken(&position, workload, &seen.members, patch));
        let shared = seen.shared();
        let traffic = traffic_of(seen, shared.as_ref(), &position);
        let reference = &rollout.spec.workload_ref;
        Self {
            unscripted: seen.unscripted(&position),
            object: json!({ "uid": meta.uid, "generation": meta.generation, "resourceVersion": meta.resource_version }),
            workload: format!("{}/{}", reference.kind.to_lowercase(), reference.name),
            selector: match &seen.workload {
                Looked::There(workload) => selector::query(&workload["spec"]["selector"]),
                _ => None,
            },
            command: next_command(verdict, &position, is_overtaken, &seen.sight.engine)
                .map(|command| command.text(&namespace, &name)),
            is_overtaken,
            has_own_pause: matches!(&seen.workload, Looked::There(workload) if own_pause::is_there(workload)),
            namespace,
            name,
            position,
            verdict,
            tolerated: rollout.spec.strategy.failure_threshold().map_or(0, |threshold| {
                let wanted = i32::try_from(pods.wanted).unwrap_or(i32::MAX);
                i64::from(threshold.of(wanted, Round::Up))
            }),
            pods,
            shared: shared.as_ref().map(SharedState::of),
            traffic,
            problems,
            causes: Vec::new(),
            unread: seen.unread.clone(),
            uncounted: seen.uncounted.clone(),
        }
    }

    /// That the next release will wait for a human, where none is under way and nobody would notice.
    #[must_use]
    pub fn frozen(&self) -> Option<String> {
        let resume = Command::Resume.text(&self.namespace, &self.name);
        let is_still = self.position.paused && !self.position.under_way() && !self.position.disabled;
        is_still.then(|| format!("paused (spec.strategy.paused), so that the next release waits: {resume}"))
    }

    /// Whether the pods at rest are ready, as far as they can be seen: no release under way says nothing of those.
    #[must_use]
    pub fn serves(&self) -> bool {
        let ready: i64 = self.pods.revisions.iter().map(|revision| revision.ready).sum();
        ready >= self.pods.wanted - self.tolerated
    }

    /// What the user may type next beside a live view.
    #[must_use]
    pub fn command_beside(&self) -> Option<&String> {
        let watch = Command::Watch.text(&self.namespace, &self.name);
        self.command.as_ref().filter(|command| **command != watch)
    }

    /// The causes that the state itself does not say.
    pub fn troubles(&self) -> impl Iterator<Item = &Finding> {
        self.causes.iter().filter(|finding| !finding.cause.is_decision())
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

    /// Who must act: time ends no pause of a release that is to be left.
    fn actor(&self) -> Actor {
        match self.verdict.actor() {
            Actor::Clock if self.is_overtaken => Actor::Engine,
            actor => actor,
        }
    }

    /// The cause that somebody else than the verdict's actor has to deal with first.
    fn first_trouble(&self) -> Option<&Finding> {
        let waits = self.actor() != Actor::Human;
        self.troubles().find(|finding| finding.blocks && waits)
    }

    /// Who acts next, as a sentence.
    #[must_use]
    pub fn next_sentence(&self, now: Timestamp) -> String {
        match self.next_word(now) {
            engine if engine == ENGINE => {
                format!("{ENGINE}: the controller in the cluster, or 'kubectl kruise rollout run'")
            }
            other => other,
        }
    }

    /// Who acts next, in a few words.
    #[must_use]
    pub fn next_word(&self, now: Timestamp) -> String {
        if let Some(finding) = self.first_trouble() {
            return finding.who().name().to_owned();
        }
        let measured = self.position.gate.as_ref().filter(|_| self.position.under_way());
        if let Some(waiting) = measured.and_then(|record| gate::waiting(record, now))
            && self.actor() == Actor::Engine
        {
            return waiting;
        }
        match (self.actor(), self.position.pause_left(now)) {
            (Actor::Nobody, _) => "nobody, all is done".to_owned(),
            (Actor::Human, _) => "you".to_owned(),
            (Actor::Clock, Some(left)) if left > SignedDuration::ZERO => format!("time, in {}", span(left)),
            (Actor::Clock | Actor::Engine, _) => ENGINE.to_owned(),
        }
    }

    /// Who acts next, as the word in JSON.
    #[must_use]
    pub fn next_actor(&self) -> &'static str {
        match self.first_trouble().map(Finding::who) {
            None => self.actor().word(),
            Some(who) => who.word(),
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
        fields.extend(self.frozen().map(|text| ("Warning", text, Tone::Wait)));
        if self.has_own_pause {
            let text = format!("{} {}", self.workload, own_pause::IS_PAUSED);
            fields.push(("Warning", text, Tone::Wait));
        }
        if self.is_overtaken {
            let text = "the workload asks for another version by now, which nobody has taken up";
            fields.push(("Warning", text.to_owned(), Tone::Wait));
        }
        if !self.position.message.is_empty() {
            fields.push(("Message", self.position.message.clone(), Tone::Faint));
        }
        if let Some(shared) = &self.shared {
            fields.push(("Shared", shared.sentence(), Tone::Plain));
        }
        for problem in self.problems.iter().filter(|_| self.causes.is_empty()) {
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
        self.cause_fields(&mut fields);
        for unread in &self.unread {
            fields.push(("Not seen", unread.clone(), Tone::Wait));
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

    fn cause_fields(&self, fields: &mut Vec<(&'static str, String, Tone)>) {
        for finding in self.troubles().take(CAUSES) {
            let tone = if finding.is_grave() { Tone::Bad } else { Tone::Wait };
            fields.push(("Cause", finding.sentence(), tone));
            let repeated = finding.command == self.command;
            if let Some(command) = finding.command.clone().filter(|_| !repeated) {
                fields.push(("", command, Tone::Plain));
            }
        }
        let more = self.troubles().count().saturating_sub(CAUSES);
        if more > 0 {
            let command = Command::Explain.text(&self.namespace, &self.name);
            fields.push(("", format!("and {more} more: {command}"), Tone::Faint));
        }
    }

    fn step_table(&self, now: Timestamp) -> Table {
        let rows = self.position.steps.iter().zip(1..).map(|(step, number)| {
            let text = self.traffic_of_step(step);
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

    /// The traffic of a step in words; empty when there is nothing to split.
    pub(super) fn traffic_of_step(&self, step: &Step) -> String {
        let shared = self.shared.as_ref().and_then(|shared| shared.split.as_deref());
        traffic::of_step(step, shared)
    }

    pub(super) fn step_mark(&self, number: i32) -> &'static str {
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

/// Who drives releases.
const ENGINE: &str = "the engine";

/// Causes that `status` shows; `explain` shows all of them.
const CAUSES: usize = 3;

/// Headings of a table of several Rollouts.
pub const SEVERAL: [&str; 5] = ["NAME", "STYLE", "WORKLOAD", "STEP", "STATE"];

pub(super) fn style_word(style: RollingStyle) -> &'static str {
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

fn next_command(
    verdict: Verdict,
    position: &Position,
    is_overtaken: bool,
    engine: &Engine,
) -> Option<Command> {
    // An approval would be one of the version before, and a rollback would throw away what nobody has taken up yet.
    if is_overtaken && verdict != Verdict::Paused {
        return Some(match engine {
            Engine::Acts { .. } => Command::Watch,
            _ => Command::Run,
        });
    }
    match verdict {
        Verdict::WaitingForApproval => Some(Command::Approve { step: position.step }),
        Verdict::Degraded if position.under_way() => Some(Command::Rollback),
        Verdict::Timed => Some(Command::Watch),
        Verdict::Paused => Some(Command::Resume),
        Verdict::Held => Some(Command::Run),
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
