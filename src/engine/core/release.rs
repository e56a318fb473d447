//! How a release begins: it is noticed, held, and its ground prepared; and how a newer one takes its place.

use kube::api::DynamicObject;
use serde_json::json;

use super::{
    Effect, Reason, Verb, Wake, batch,
    condition::{self, Course},
    machine::{Flow, Machine},
    validate,
};
use crate::{
    api::{
        keys,
        v1beta1::{CanaryStatus, FinalisingStep, Phase, StepState},
    },
    workload::{self, Deployment, Mark, ReplicaSet, digest, hold, same_template},
};

impl<'a> Machine<'a> {
    /// The Deployment and its ReplicaSets.
    pub(super) fn workload(&self) -> Option<(Deployment<'a>, Vec<ReplicaSet<'a>>)> {
        let object = self.s.workload.as_ref()?;
        Some((Deployment::new(object), self.s.versions_of(object)))
    }

    /// The ReplicaSet of the version from before the release.
    pub(super) fn stable(&self) -> Option<ReplicaSet<'a>> {
        let revision = self.status.canary_status.as_ref()?.stable_revision.clone()?;
        self.workload()?
            .1
            .into_iter()
            .find(|version| version.hash() == revision)
    }

    /// Whether the workload's template is that of the version from before the release.
    pub(super) fn is_stable_again(&self) -> bool {
        match (self.s.deployment(), self.stable()) {
            (Some(deployment), Some(stable)) => same_template(deployment.template(), stable.template()),
            _ => false,
        }
    }

    /// The name of the workload's present template.
    pub(super) fn template_digest(&self) -> String {
        self.s
            .deployment()
            .map(|deployment| digest(deployment.template(), ""))
            .unwrap_or_default()
    }

    /// Whether the workload's template is still the one that the release under way brings out.
    pub(super) fn is_same_version(&self) -> bool {
        self.status
            .canary_status
            .as_ref()
            .is_some_and(|sub| sub.canary_revision == self.template_digest())
    }

    /// A sub-status that says: nothing is under way and `revision` is what runs.
    pub(super) fn at_rest(&mut self, revision: &str) {
        let last = i32::try_from(self.s.rollout.spec.strategy.steps().len()).unwrap_or(i32::MAX);
        self.status.canary_status = Some(CanaryStatus {
            observed_workload_generation: self
                .s
                .workload
                .as_ref()
                .and_then(|object| object.metadata.generation),
            rollout_hash: Some(batch::plan_hash(&self.s.rollout.spec)),
            stable_revision: Some(revision.to_owned()),
            canary_revision: revision.to_owned(),
            current_step_index: last,
            next_step_index: -1,
            current_step_state: StepState::Completed,
            ..CanaryStatus::default()
        });
    }

    pub(super) fn healthy(&mut self) -> Flow {
        let Some((deployment, versions)) = self.workload() else {
            return Flow::Again;
        };
        if deployment.label(keys::WORKLOAD_TYPE).is_none() {
            let label = json!({ "metadata": { "labels": { keys::WORKLOAD_TYPE: "deployment" } } });
            let effect = self.s.write(
                deployment.object,
                Verb::Merge(label),
                "name the workload's kind, by which the hold policy finds it",
            );
            return Flow::Do(vec![effect], Reason::AtRest);
        }
        let present = versions
            .iter()
            .find(|version| same_template(version.template(), deployment.template()));
        let accepted = self
            .status
            .canary_status
            .as_ref()
            .map(|sub| sub.canary_revision.clone())
            .filter(|hash| !hash.is_empty());
        let held_unseen = present.is_none()
            && Mark::read(deployment.object).is_some_and(|mark| mark.rollout_name == self.s.name());
        let accepted = match accepted {
            Some(accepted) => accepted,
            // Held before any engine looked: what runs is the stable version.
            None if held_unseen => String::new(),
            None => {
                // First look: what the template says is what the user has.
                let Some(present) = present else {
                    return self.settle_without_versions(&deployment);
                };
                let revision = present.hash().to_owned();
                self.at_rest(&revision);
                return Flow::Again;
            }
        };
        if present.is_some_and(|version| version.hash() == accepted) {
            return self.rest(&deployment, &versions);
        }
        let rolled_out = deployment.rolled_out(&versions).is_ok();
        if let Some(present) = present
            && rolled_out
        {
            // It went out while nobody held it; taking capacity from a version that serves would help nobody.
            let revision = present.hash().to_owned();
            self.at_rest(&revision);
            return Flow::Again;
        }
        let stable = versions
            .iter()
            .find(|version| version.hash() == accepted)
            .or_else(|| {
                let old = versions.iter().filter(|version| version.wanted() > 0);
                old.filter(|version| present.is_none_or(|present| present.hash() != version.hash()))
                    .min_by_key(|version| {
                        (
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
            _ => self.settle_without_versions(&deployment),
        }
    }

    /// Nothing can be compared or nothing runs: the workload goes its own way, and is looked at when it has.
    fn settle_without_versions(&mut self, deployment: &Deployment<'_>) -> Flow {
        if let Some(flow) = self.abandoned() {
            return flow;
        }
        match Mark::read(deployment.object) {
            Some(mark) if mark.rollout_name == self.s.name() => {
                Flow::Do(vec![self.let_go(deployment, &mark)], Reason::AtRest)
            }
            _ => Flow::Wait(Wake::OnChange, Reason::AtRest),
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
        effects.extend(self.unpin());
        effects.extend(self.remove_canary_service());
        effects.extend(self.remove_canaries());
        effects
    }

    /// At rest: leftovers go, and a hold without a new version is lifted at once (hold-policy, finding 5).
    fn rest(&mut self, deployment: &Deployment<'_>, versions: &[ReplicaSet<'_>]) -> Flow {
        if let Some(flow) = self.abandoned() {
            return flow;
        }
        if let Some(mark) = Mark::read(deployment.object).filter(|mark| mark.rollout_name == self.s.name()) {
            return Flow::Do(vec![self.let_go(deployment, &mark)], Reason::AtRest);
        }
        let mut effects = self.clean(versions);
        effects.extend(self.remove_finalizer());
        if !effects.is_empty() {
            return Flow::Do(effects, Reason::AtRest);
        }
        let reason = match self.status.message.as_deref() {
            Some(text) if text == Reason::Completed.to_string() => Reason::Completed,
            Some(text) if text == Reason::Cancelled.to_string() => Reason::Cancelled,
            _ => Reason::AtRest,
        };
        Flow::Wait(Wake::OnChange, reason)
    }

    /// The write that takes mark and hold off at once.
    fn let_go(&self, deployment: &Deployment<'_>, mark: &Mark) -> Effect {
        let mut spec = Deployment::resume(Some(mark));
        if mark.original.was_paused() {
            spec["paused"] = json!(true);
        }
        let body = json!({ "metadata": { "annotations": { keys::IN_PROGRESSING: null } }, "spec": spec });
        self.s.write(
            deployment.object,
            Verb::Merge(body),
            "lift a hold that holds nothing back",
        )
    }

    /// Takes the mark off the ReplicaSets that the Deployment controller copied it to; `kubectl rollout undo` would
    /// bring it back from there (engine-canary-and-bluegreen 7, D13).
    pub(super) fn clean(&self, versions: &[ReplicaSet<'_>]) -> Vec<Effect> {
        let marked = |object: &DynamicObject| {
            object
                .metadata
                .annotations
                .as_ref()
                .is_some_and(|a| a.contains_key(keys::IN_PROGRESSING))
        };
        let body = json!({ "metadata": { "annotations": { keys::IN_PROGRESSING: null } } });
        let marked = versions.iter().filter(|version| marked(version.object));
        marked
            .map(|version| {
                self.s.write(
                    version.object,
                    Verb::Merge(body.clone()),
                    "remove the mark's copy",
                )
            })
            .collect()
    }

    /// Starts a release at its first step; `revision` is what runs now.
    pub(super) fn begin(&mut self, revision: &str, reason: Reason) {
        let total = self.s.rollout.spec.strategy.steps().len();
        let digest = self.template_digest();
        let id = self
            .s
            .deployment()
            .and_then(|deployment| deployment.label(keys::ROLLOUT_ID))
            .filter(|id| !id.is_empty());
        self.status.phase = Some(Phase::Progressing);
        self.status.canary_status = Some(CanaryStatus {
            observed_workload_generation: self
                .s
                .workload
                .as_ref()
                .and_then(|object| object.metadata.generation),
            observed_rollout_id: Some(id.map_or_else(|| digest.clone(), str::to_owned)),
            rollout_hash: Some(batch::plan_hash(&self.s.rollout.spec)),
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

    /// A newer version took the place of the one under way: begins anew against the same stable version.
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

    pub(super) fn initializing(&mut self) -> Flow {
        let Some((deployment, _)) = self.workload() else {
            return Flow::Again;
        };
        if self.is_stable_again() {
            return self.cancel();
        }
        if !self.is_same_version() {
            return self.restart();
        }
        let obstacle = validate::obstacle(self.s);
        if let Some(obstacle) = &obstacle
            && deployment.paused()
        {
            // Held already; nothing of the cluster needs to change until the way is free.
            return Flow::Wait(
                Wake::OnChange,
                Reason::Blocked {
                    obstacle: obstacle.clone(),
                },
            );
        }
        if let Some(finalizer) = self.add_finalizer() {
            return Flow::Do(vec![finalizer], Reason::Starting);
        }
        if let Some(flow) = self.hold() {
            return flow;
        }
        if let Some(obstacle) = obstacle {
            return Flow::Wait(Wake::OnChange, Reason::Blocked { obstacle });
        }
        if let Some(flow) = self.remove_outdated() {
            return flow;
        }
        self.course(Course::InRolling, &Reason::Starting.message());
        Flow::Again
    }

    /// A canary of an older template gets no more traffic, and then goes.
    fn remove_outdated(&mut self) -> Option<Flow> {
        let current = self.canary_name();
        let outdated: Vec<&DynamicObject> = self
            .canaries()
            .filter(|canary| canary.metadata.name.as_deref() != Some(current.as_str()))
            .collect();
        if outdated.is_empty() {
            self.sub().finalising_step = FinalisingStep::None;
            return None;
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

    /// Makes sure that nothing but the engine brings out the new version: takes ownership of mark and hold, and where the
    /// change was not held, restores the old version's capacity before the new pods go.
    pub(super) fn hold(&mut self) -> Option<Flow> {
        let (deployment, versions) = self.workload()?;
        let revision = self.status.canary_status.as_ref()?.stable_revision.clone()?;
        let mark = Mark::read(deployment.object).filter(|mark| mark.rollout_name == self.s.name());
        let loose: Vec<&ReplicaSet<'_>> = versions
            .iter()
            .filter(|version| version.hash() != revision && version.wanted() > 0)
            .collect();
        let owned = deployment.label(keys::STABLE_REVISION) == Some(revision.as_str());
        let frozen = loose.is_empty() || deployment.object.data["spec"]["strategy"]["type"] == "Recreate";
        if !(deployment.paused() && mark.is_some() && owned && frozen) {
            let purpose = if deployment.paused() {
                "take ownership of the hold"
            } else {
                "hold the new version"
            };
            let mut mark = mark.unwrap_or_else(|| {
                let mut mark = Mark::new(self.s.name());
                mark.original.keep(hold::PAUSED, json!(deployment.paused()));
                mark
            });
            if !frozen {
                mark.original
                    .keep(hold::STRATEGY, deployment.object.data["spec"]["strategy"].clone());
            }
            let body = deployment.claim(&mark, &revision);
            // A server-side apply cannot remove the user's rollingUpdate block, which Recreate does not allow.
            let verb = if mark.original.get(hold::STRATEGY).is_some() {
                Verb::Merge(body)
            } else {
                Verb::Apply(body)
            };
            return Some(Flow::Do(
                vec![self.s.write(deployment.object, verb, purpose)],
                Reason::Starting,
            ));
        }
        if !deployment.observed() {
            // Until its controller has seen the hold it may still act on the spec from before.
            return Some(Flow::Wait(Wake::OnChange, Reason::WorkloadNotObserved));
        }
        if loose.is_empty() {
            return None;
        }
        let replicas = deployment.replicas();
        let stable = versions.iter().find(|version| version.hash() == revision)?;
        let reason = Reason::RestoringStable {
            ready: stable.ready(),
            wanted: replicas,
        };
        // A version that is not of the size its Deployment once wanted is taken for one being scaled, and as long as that
        // lasts the Deployment controller does not roll; it corrects its note only when it scales itself.
        let scale = |version: &ReplicaSet<'_>, to: i32, purpose: &str| {
            let note = json!({ keys::DESIRED_REPLICAS: replicas.to_string() });
            let body = json!({ "metadata": { "annotations": note }, "spec": { "replicas": to } });
            self.s.write(version.object, Verb::Merge(body), purpose)
        };
        if stable.wanted() < replicas {
            return Some(Flow::Do(
                vec![scale(stable, replicas, "restore the old version's capacity")],
                reason,
            ));
        }
        if stable.ready() < replicas {
            return Some(self.wait_for_pods(reason));
        }
        let effects = loose
            .into_iter()
            .map(|version| scale(version, 0, "take back pods that were not held"))
            .collect();
        Some(Flow::Do(effects, reason))
    }

    /// The name of the canary Deployment of the present template.
    pub(super) fn canary_name(&self) -> String {
        let patch = self
            .s
            .canary_strategy()
            .and_then(|canary| canary.patch_pod_template_metadata.as_ref());
        self.s
            .deployment()
            .map(|deployment| deployment.canary_name(patch, self.s.uid()))
            .unwrap_or_default()
    }

    /// Canary Deployments of this Rollout.
    pub(super) fn canaries(&self) -> impl Iterator<Item = &'a DynamicObject> + use<'a> {
        let s = self.s;
        s.canaries.iter().filter(move |canary| s.owns(canary))
    }

    /// The canary Deployment of the present template and the ReplicaSet of its pods.
    pub(super) fn canary(&self) -> Option<(Deployment<'a>, Option<ReplicaSet<'a>>)> {
        let name = self.canary_name();
        let object = self
            .canaries()
            .find(|canary| canary.metadata.name.as_deref() == Some(name.as_str()))?;
        let canary = Deployment::new(object);
        let version = self
            .s
            .versions_of(object)
            .into_iter()
            .find(|version| same_template(version.template(), canary.template()));
        Some((canary, version))
    }

    pub(super) fn remove_canaries(&self) -> Vec<Effect> {
        let going = |canary: &&DynamicObject| canary.metadata.deletion_timestamp.is_none();
        self.canaries()
            .filter(going)
            .map(|canary| self.s.write(canary, Verb::Delete, "remove the canary"))
            .collect()
    }

    /// The revision that the Deployment controller gave the present template; nothing before its ReplicaSet exists.
    pub(super) fn new_revision(&self) -> Option<String> {
        let (deployment, versions) = self.workload()?;
        versions
            .into_iter()
            .find(|version| workload::same_template(version.template(), deployment.template()))
            .map(|version| version.hash().to_owned())
    }
}
