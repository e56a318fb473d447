//! How a release begins: it is noticed, and its ground prepared; and how a newer one takes its place.

use kube::api::DynamicObject;
use serde_json::json;

use super::{
    Effect, Reason, Verb, Wake,
    condition::{self, Course},
    hold::Stage,
    machine::{Flow, Machine},
    reason, validate,
};
use crate::{
    api::{
        keys,
        v1beta1::{CanaryStatus, FinalisingStep, Phase, RollingStyle, StepState},
    },
    workload::{self, Deployment, Mark, Pod, ReplicaSet, Workload, hold, same_template},
};

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

impl Machine<'_> {
    /// A sub-status that says: nothing is under way and `revision` is what runs.
    pub(super) fn at_rest(&mut self, revision: &str) {
        let last = i32::try_from(self.s.rollout.spec.strategy.steps().len()).unwrap_or(i32::MAX);
        self.status.canary_status = Some(CanaryStatus {
            observed_workload_generation: self
                .s
                .workload
                .as_ref()
                .and_then(|object| object.metadata.generation),
            rollout_hash: Some(self.plan().to_owned()),
            stable_revision: Some(revision.to_owned()),
            canary_revision: revision.to_owned(),
            current_step_index: last,
            next_step_index: -1,
            current_step_state: StepState::Completed,
            ..CanaryStatus::default()
        });
    }

    pub(super) fn healthy(&mut self) -> Flow {
        let Some(workload) = self.workload() else {
            return Flow::Again;
        };
        if workload.label(keys::WORKLOAD_TYPE).is_none() {
            let label =
                json!({ "metadata": { "labels": { keys::WORKLOAD_TYPE: workload.kind.workload_type() } } });
            let effect = self.s.write(
                workload.object,
                Verb::Merge(label),
                "name the workload's kind, by which the hold policy finds it",
            );
            return Flow::Do(vec![effect], Reason::AtRest);
        }
        match self.deployment() {
            Some((deployment, versions)) => self.healthy_deployment(&workload, &deployment, &versions),
            None => self.healthy_revisions(&workload),
        }
    }

    /// The revision that was running when the Rollout was last looked at; nothing when it never was.
    fn accepted(&self) -> Option<String> {
        let sub = self.status.canary_status.as_ref()?;
        Some(sub.canary_revision.clone()).filter(|revision| !revision.is_empty())
    }

    /// A workload whose controller names revisions itself.
    fn healthy_revisions(&mut self, workload: &Workload<'_>) -> Flow {
        if let Some(flow) = self.unseen() {
            return flow;
        }
        let Some(version) = self.version() else {
            return Flow::Wait(Wake::OnChange, Reason::WorkloadNotObserved);
        };
        let pods: Vec<&Pod> = self.own_pods().collect();
        let others = || pods.iter().filter(|pod| workload.revision_of(pod) != version);
        let accepted = self.accepted();
        if accepted.as_ref() == Some(&version) {
            return self.rest(workload, &[]);
        }
        if accepted.is_none() && !(self.mark().is_some() && others().next().is_some()) {
            // First look: what the template says is what the user has.
            self.at_rest(&version);
            return Flow::Again;
        }
        if workload.replicas() == 0 {
            return self.settle_without_versions(workload);
        }
        let pods: Vec<&Pod> = pods.iter().copied().filter(|pod| !pod.deleting).collect();
        let others = || pods.iter().filter(|pod| workload.revision_of(pod) != version);
        // A pod on its way out is made anew as it was while the controller takes its revision for the current one.
        let current = workload.current_revision().filter(|current| *current != version);
        let runs = |revision: &String| {
            let is_current = current.as_ref() == Some(revision);
            is_current || pods.iter().any(|pod| workload.revision_of(pod) == revision)
        };
        let stable = accepted
            .filter(runs)
            .or_else(|| {
                workload
                    .current_revision()
                    .filter(|current| *current != version)
                    .filter(runs)
            })
            .or_else(|| others().map(|pod| workload.revision_of(pod).to_owned()).min());
        match stable {
            Some(stable) => {
                self.begin(&stable, Reason::Starting);
                Flow::Again
            }
            // It went out while nobody held it.
            None => self.accept(&version),
        }
    }

    /// A Deployment, whose versions are its ReplicaSets.
    fn healthy_deployment(
        &mut self,
        workload: &Workload<'_>,
        deployment: &Deployment<'_>,
        versions: &[ReplicaSet<'_>],
    ) -> Flow {
        let present = versions
            .iter()
            .find(|version| same_template(version.template(), deployment.template()));
        if present.is_some_and(|version| version.hash().is_empty()) {
            // Its controller names every version; one without a name cannot be told from others.
            return Flow::Wait(Wake::OnChange, Reason::WorkloadNotObserved);
        }
        let is_other =
            |version: &ReplicaSet<'_>| present.is_none_or(|present| present.hash() != version.hash());
        let others_run = || {
            let mut others = versions.iter().filter(|version| is_other(version));
            others.any(|version| version.wanted() > 0)
        };
        // Of a version that ran before there is a ReplicaSet, be it empty.
        let held_unseen = self.mark().is_some() && (present.is_none() || others_run());
        let accepted = match self.accepted() {
            Some(accepted) => accepted,
            // Held before any engine looked: what runs is the stable version.
            None if held_unseen => String::new(),
            None => {
                // First look: what the template says is what the user has.
                let Some(present) = present else {
                    return self.settle_without_versions(workload);
                };
                let revision = present.hash().to_owned();
                self.at_rest(&revision);
                return Flow::Again;
            }
        };
        if present.is_some_and(|version| version.hash() == accepted) {
            return self.rest(workload, versions);
        }
        let rolled_out = deployment.rolled_out(versions, 0).is_ok();
        if let Some(present) = present
            && rolled_out
        {
            // It went out while nobody held it; taking capacity from a version that serves would help nobody.
            let revision = present.hash().to_owned();
            return self.accept(&revision);
        }
        let stable = versions
            .iter()
            .find(|version| version.hash() == accepted)
            .or_else(|| {
                let old = versions
                    .iter()
                    .filter(|version| version.wanted() > 0 && !version.hash().is_empty());
                // Where the status was lost, the workload still says which version its release began from.
                let named = workload.label(keys::STABLE_REVISION);
                old.filter(|version| is_other(version)).min_by_key(|version| {
                    (
                        named != Some(version.hash()),
                        version
                            .object
                            .metadata
                            .creation_timestamp
                            .clone()
                            .map(|time| time.0),
                        version.hash(),
                    )
                })
            });
        match stable {
            Some(stable) if deployment.replicas() > 0 => {
                let revision = stable.hash().to_owned();
                self.begin(&revision, Reason::Starting);
                Flow::Again
            }
            _ => self.settle_without_versions(workload),
        }
    }

    /// Nothing can be compared or nothing runs: the workload goes its own way, and is looked at when it has.
    fn settle_without_versions(&mut self, workload: &Workload<'_>) -> Flow {
        if let Some(flow) = self.abandoned() {
            return flow;
        }
        match self.mark() {
            Some(mark) => Flow::Do(vec![self.let_go(workload, &mark)], Reason::AtRest),
            None => self
                .remove_finalizer()
                .map_or(Flow::Wait(Wake::OnChange, Reason::AtRest), |effect| {
                    Flow::Do(vec![effect], Reason::AtRest)
                }),
        }
    }

    /// What an engine left that was killed before it could write that a release began. No traffic went to it yet.
    fn abandoned(&self) -> Option<Flow> {
        if !self.s.has_finalizer() {
            return None;
        }
        let traces = self.traces();
        (!traces.is_empty()).then_some(Flow::Do(traces, Reason::AtRest))
    }

    /// The writes that remove all that a release makes beside the workload.
    pub(super) fn traces(&self) -> Vec<Effect> {
        let mut effects = self.restore_route();
        effects.extend(self.leave_shared_at_once());
        effects.extend(self.unpin());
        effects.extend(self.remove_canary_service());
        effects.extend(self.remove_canaries());
        effects.extend(self.restore_autoscalers());
        effects
    }

    /// At rest: leftovers go, and a hold without a new version is lifted at once (hold-policy, finding 5).
    fn rest(&mut self, workload: &Workload<'_>, versions: &[ReplicaSet<'_>]) -> Flow {
        if let Some(flow) = self.abandoned() {
            return flow;
        }
        if let Some(mark) = self.mark() {
            return Flow::Do(vec![self.let_go(workload, &mark)], Reason::AtRest);
        }
        let mut effects = self.clean(versions);
        effects.extend(self.tend_shared());
        effects.extend(self.remove_finalizer());
        if !effects.is_empty() {
            return Flow::Do(effects, Reason::AtRest);
        }
        let said = self.status.message.as_deref().map(reason::sentence);
        let reason = match said {
            Some(text) if text == Reason::Completed.to_string() => Reason::Completed,
            Some(text) if text == Reason::Cancelled.to_string() => Reason::Cancelled,
            _ => Reason::AtRest,
        };
        Flow::Wait(Wake::OnChange, reason)
    }

    /// The write that takes mark and hold off at once.
    fn let_go(&self, workload: &Workload<'_>, mark: &Mark) -> Effect {
        let mut body = self.unmarked();
        let mut spec = self.resumed(workload).unwrap_or_else(|| json!({}));
        mark.original.pause_again(&mut spec);
        if spec.as_object().is_some_and(|fields| !fields.is_empty()) {
            body["spec"] = spec;
        }
        self.s.write(
            workload.object,
            Verb::Merge(body),
            "lift a hold that holds nothing back",
        )
    }

    /// The metadata of a workload that is handed back. The label with the stable revision stays where upstream leaves it.
    pub(super) fn unmarked(&self) -> serde_json::Value {
        let mut body = json!({ "metadata": { "annotations": { keys::IN_PROGRESSING: null } } });
        if self.style() != RollingStyle::Canary {
            body["metadata"]["labels"] = json!({ keys::STABLE_REVISION: null });
        }
        body
    }

    /// Whether traces of a release are on the workload's ReplicaSets.
    pub(super) fn has_copies(&self) -> bool {
        self.deployment()
            .is_some_and(|(_, versions)| !self.clean(&versions).is_empty())
    }

    /// Takes the mark off the ReplicaSets that the Deployment controller copied it to (`kubectl rollout undo` would bring it
    /// back from there, engine-canary-and-bluegreen 7, D13), and the time that no pod is ever ready for.
    pub(super) fn clean(&self, versions: &[ReplicaSet<'_>]) -> Vec<Effect> {
        let marked = |object: &DynamicObject| {
            object
                .metadata
                .annotations
                .as_ref()
                .is_some_and(|a| a.contains_key(keys::IN_PROGRESSING))
        };
        let ready = self
            .workload()
            .map(|workload| hold::at(workload.spec(), hold::MIN_READY).clone());
        let mut effects = Vec::new();
        for version in versions {
            let mut body = json!({});
            if marked(version.object) {
                body["metadata"] = json!({ "annotations": { keys::IN_PROGRESSING: null } });
            }
            if version.object.data["spec"][hold::MIN_READY] == json!(hold::NEVER_AVAILABLE) {
                body["spec"] = json!({ hold::MIN_READY: ready });
            }
            if body.as_object().is_some_and(|fields| !fields.is_empty()) {
                effects.push(
                    self.s
                        .write(version.object, Verb::Merge(body), "remove the release's traces"),
                );
            }
        }
        effects
    }

    /// Starts a release at its first step; `revision` is what runs now.
    pub(super) fn begin(&mut self, revision: &str, reason: Reason) {
        let total = self.s.rollout.spec.strategy.steps().len();
        let digest = self.version().unwrap_or_default();
        let id = self
            .workload()
            .and_then(|workload| workload.label(keys::ROLLOUT_ID))
            .filter(|id| !id.is_empty());
        let id = match id {
            Some(id) => id.to_owned(),
            None if digest == revision && "rollback-".len() + digest.len() <= LONGEST_LABEL => {
                format!("rollback-{digest}")
            }
            None if digest == revision => format!("rollback-{}", workload::digest(&json!(digest), "")),
            None => digest.clone(),
        };
        self.status.phase = Some(Phase::Progressing);
        self.status.canary_status = Some(CanaryStatus {
            observed_workload_generation: self
                .s
                .workload
                .as_ref()
                .and_then(|object| object.metadata.generation),
            observed_rollout_id: Some(id),
            rollout_hash: Some(self.plan().to_owned()),
            stable_revision: Some(revision.to_owned()),
            canary_revision: digest,
            current_step_index: 1,
            next_step_index: if total > 1 { 2 } else { -1 },
            current_step_state: StepState::BeforeStepUpgrade,
            last_update_time: Some(self.time()),
            ..CanaryStatus::default()
        });
        condition::remove(&mut self.status, condition::SUCCEEDED);
        condition::remove(&mut self.status, condition::PROGRESSING);
        self.course(Course::Initializing, &reason.message());
    }

    /// A newer version came: it takes the place of the one under way, but in blue-green, and but for one that went out
    /// everywhere while nobody looked.
    pub(super) fn newer(&mut self) -> Flow {
        if let Some(revision) = self.everywhere() {
            return self.accept(&revision);
        }
        match self.style() {
            RollingStyle::BlueGreen => self.refuse_newer(),
            _ => self.restart(),
        }
    }

    /// What is everywhere already is the stable version. Written before anything else: the hold is lifted next, and while the
    /// workload's controller has not seen that, nothing would look as if it were everywhere, and be held again.
    fn accept(&mut self, revision: &str) -> Flow {
        if self.status.phase == Some(Phase::Progressing) {
            self.course(Course::Completed, &Reason::AtRest.message());
            condition::remove(&mut self.status, condition::DEGRADED);
            self.status.phase = Some(Phase::Healthy);
        }
        self.at_rest(revision);
        Flow::Wait(Wake::At(self.now), Reason::AtRest)
    }

    /// The revision of a Deployment's template, when its own controller has brought it out everywhere in the middle of a release.
    /// It would take away at once what is brought up beside a version that is complete.
    pub(super) fn went_out(&self) -> Option<String> {
        self.deployment()?;
        self.everywhere()
    }

    /// The revision of the template, when all pods have it.
    fn everywhere(&self) -> Option<String> {
        let revision = self.new_revision()?;
        let is_everywhere = match self.deployment() {
            Some((deployment, versions)) => {
                deployment.replicas() > 0 && deployment.rolled_out(&versions, 0).is_ok()
            }
            None => {
                let workload = self.workload()?;
                let pods: Vec<&Pod> = self.own_pods().filter(|pod| !pod.deleting).collect();
                // One that is just being scaled up may have the first of its pods alone.
                let is_whole = !pods.is_empty() && workload::size(pods.len()) >= workload.replicas();
                is_whole && pods.iter().all(|pod| workload.revision_of(pod) == revision)
            }
        };
        is_everywhere.then_some(revision)
    }

    /// Begins anew against the same stable version.
    pub(super) fn restart(&mut self) -> Flow {
        let revision = self
            .status
            .canary_status
            .as_ref()
            .and_then(|sub| sub.stable_revision.clone())
            .unwrap_or_default();
        self.begin(&revision, Reason::Restarting);
        Flow::Again
    }

    /// The workload went back to the stable version: the release is taken back.
    pub(super) fn cancel(&mut self) -> Flow {
        let reason = Reason::Cancelling { doing: "" };
        self.course(Course::Cancelling, &reason.message());
        self.sub().finalising_step = FinalisingStep::None;
        Flow::Again
    }

    /// The workload went back to the stable version: the release is taken back, at once or in batches; nothing when it did
    /// not.
    pub(super) fn turn_back(&mut self) -> Option<Flow> {
        if !self.is_stable_again() || self.is_rollback_in_batches() {
            return None;
        }
        Some(if self.takes_back_in_batches() {
            self.restart()
        } else {
            self.cancel()
        })
    }

    pub(super) fn initializing(&mut self) -> Flow {
        let Some(workload) = self.workload() else {
            return Flow::Again;
        };
        if let Some(flow) = self.unseen().or_else(|| self.turn_back()) {
            return flow;
        }
        if !self.is_same_version() {
            return self.newer();
        }
        if let Some(revision) = self.went_out() {
            return self.accept(&revision);
        }
        let obstacle = self.cannot_begin();
        if let Some(reason) = &obstacle
            && hold::first(workload.kind).in_place(workload.spec())
        {
            // Held already; nothing of the cluster needs to change until the way is free.
            return Flow::Wait(Wake::OnChange, reason.clone());
        }
        if let Some(finalizer) = self.add_finalizer() {
            return Flow::Do(vec![finalizer], Reason::Starting);
        }
        if let Some(flow) = self.hold(Stage::Beginning) {
            return flow;
        }
        if let Some(reason) = obstacle {
            return Flow::Wait(Wake::OnChange, reason);
        }
        let notes = self.note_no_need();
        if !notes.is_empty() {
            return Flow::Do(notes, Reason::Starting);
        }
        if let Some(flow) = self.remove_outdated() {
            return flow;
        }
        self.course(Course::InRolling, &Reason::Starting.message());
        if self.style() == RollingStyle::Canary {
            return Flow::Again;
        }
        // Written before anything else: a release that begins would take back the pods that its batches bring.
        Flow::Wait(Wake::At(self.now), Reason::Starting)
    }

    /// What keeps a release from its first step: a gate that nobody could pass, traffic that cannot be split.
    fn cannot_begin(&self) -> Option<Reason> {
        let gates = if self.is_rollback_in_batches() {
            Vec::new()
        } else {
            validate::of_gates(self.s, None)
        };
        if !gates.is_empty() {
            return Some(Reason::invalid(&gates));
        }
        validate::obstacle(self.s).map(|obstacle| Reason::Blocked { obstacle })
    }

    /// What an older version's release made of the traffic is taken back, and then its canary goes.
    fn remove_outdated(&mut self) -> Option<Flow> {
        if self.style() != RollingStyle::Canary {
            if let Some(flow) = self.leave_shared(Reason::Restarting) {
                return Some(flow);
            }
            let route = self.restore_route();
            let twin = self.remove_canary_service();
            if route.is_empty() && twin.is_none() {
                self.sub().finalising_step = FinalisingStep::None;
                return None;
            }
            let settled = self.settle(FinalisingStep::RouteTrafficToStable, route, Reason::Restarting);
            return settled.or_else(|| twin.map(|twin| Flow::Do(vec![twin], Reason::Restarting)));
        }
        let current = self.canary_name();
        let outdated: Vec<&DynamicObject> = self
            .canaries()
            .filter(|canary| canary.metadata.name.as_deref() != Some(current))
            .collect();
        if outdated.is_empty() {
            self.sub().finalising_step = FinalisingStep::None;
            return None;
        }
        if let Some(flow) = self.leave_shared(Reason::Restarting) {
            return Some(flow);
        }
        let route = self.restore_route();
        if let Some(flow) = self.settle(FinalisingStep::RouteTrafficToStable, route, Reason::Restarting) {
            return Some(flow);
        }
        let doomed = outdated
            .iter()
            .filter(|canary| canary.metadata.deletion_timestamp.is_none());
        let effects: Vec<Effect> = doomed
            .map(|canary| {
                self.s
                    .write(canary, Verb::Delete, "remove the canary of an older version")
            })
            .collect();
        Some(if effects.is_empty() {
            // Somebody's finalizer keeps it; deleting it again would not hurry it.
            Flow::Wait(Wake::OnChange, Reason::Restarting)
        } else {
            Flow::Do(effects, Reason::Restarting)
        })
    }
}
