//! How a release ends. The orders keep traffic on pods that serve (engine-rollout 12).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Effect, Reason, Verb, Wake, batch,
    condition::{self, Course},
    machine::{Flow, Machine},
};
use crate::{
    api::v1beta1::{FinalisingStep, Phase, RollingStyle, StepState},
    traffic::{self, service},
    workload::{Kind, Pod, ReplicaSet, Workload, deployment::NotRolledOut, same_template, size},
};

/// Why a release ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    /// All steps are over: the new version goes everywhere.
    Success,
    /// The workload went back to the stable version.
    Rollback,
    /// The Rollout was disabled: as success.
    Disabled,
    /// The Rollout is being deleted: as success.
    Deleted,
}

impl Ending {
    /// On success the stable Service needs all pods before the route and the stable pods go; on rollback un-pinning it
    /// first would send ordinary requests to the bad pods. Blue-green takes all traffic to one version before the pods of
    /// the other go (engine-canary-and-bluegreen 3.4). A canary keeps its traffic until the stable pods are new, too, so that
    /// nobody who had the new version gets the old one again; upstream takes the route away first.
    fn order(self, style: RollingStyle) -> &'static [FinalisingStep] {
        use FinalisingStep::{
            ReleaseWorkloadControl, RemoveCanaryService, RestoreStableService, ResumeWorkload,
            RouteTrafficToNew, RouteTrafficToStable,
        };
        match (style, self) {
            (RollingStyle::BlueGreen, Self::Success) => &[
                RouteTrafficToNew,
                RestoreStableService,
                ResumeWorkload,
                RouteTrafficToStable,
                RemoveCanaryService,
                ReleaseWorkloadControl,
            ],
            (RollingStyle::BlueGreen, Self::Rollback) => &[
                RouteTrafficToStable,
                ResumeWorkload,
                RestoreStableService,
                RemoveCanaryService,
                ReleaseWorkloadControl,
            ],
            (_, Self::Rollback) => &[
                RouteTrafficToStable,
                ResumeWorkload,
                ReleaseWorkloadControl,
                RestoreStableService,
                RemoveCanaryService,
            ],
            (RollingStyle::Canary, Self::Success) => &[
                RestoreStableService,
                ResumeWorkload,
                RouteTrafficToStable,
                RemoveCanaryService,
                ReleaseWorkloadControl,
            ],
            (_, Self::Success | Self::Disabled | Self::Deleted) => &[
                RestoreStableService,
                RouteTrafficToStable,
                RemoveCanaryService,
                ResumeWorkload,
                ReleaseWorkloadControl,
            ],
        }
    }

    fn reason(self, doing: &'static str) -> Reason {
        match self {
            Self::Success => Reason::Finalising { doing },
            Self::Rollback => Reason::Cancelling { doing },
            Self::Disabled => Reason::Disabling { doing },
            Self::Deleted => Reason::Terminating { doing },
        }
    }
}

impl Machine<'_> {
    /// All steps are over. A change of mind on the way is still noticed.
    pub(super) fn finalising(&mut self) -> Flow {
        if let Some(flow) = self.unseen().or_else(|| self.turn_back()) {
            return flow;
        }
        if !self.is_same_version() {
            return self.overtaken(Ending::Success);
        }
        if let Some(flow) = self.finalise(Ending::Success) {
            return flow;
        }
        let revision = self.new_revision().unwrap_or_default();
        let sub = self.sub();
        sub.canary_revision = revision;
        sub.current_step_state = StepState::Completed;
        sub.next_step_index = -1;
        self.end(true, &Reason::Completed)
    }

    pub(super) fn cancelling(&mut self) -> Flow {
        if let Some(flow) = self.unseen() {
            return flow;
        }
        if !self.is_stable_again() {
            return self.overtaken(Ending::Rollback);
        }
        if let Some(flow) = self.finalise(Ending::Rollback) {
            return flow;
        }
        let revision = self.sub().stable_revision.clone().unwrap_or_default();
        self.at_rest(&revision);
        self.end(false, &Reason::Cancelled)
    }

    /// A newer version comes while a release ends. A blue-green one whose workload is handed back already has nothing left that
    /// the newer version could be in the way of: it is over, and the newer one's begins.
    fn overtaken(&mut self, ending: Ending) -> Flow {
        if self.style() != RollingStyle::BlueGreen {
            return self.newer();
        }
        let (runs, reason) = match ending {
            Ending::Success => (self.sub().pod_template_hash.clone(), Reason::Completed),
            _ => (
                self.sub().stable_revision.clone().unwrap_or_default(),
                Reason::Cancelled,
            ),
        };
        if self.is_handed_back(&runs) {
            self.at_rest(&runs);
            return self.end(ending == Ending::Success, &reason);
        }
        // What was closed is held again, and has to be closed again.
        self.sub().finalising_step = FinalisingStep::None;
        self.newer()
    }

    /// Whether the workload is its own controller's again: without a mark, and with no pods but of the version that `runs` and
    /// of the template's.
    fn is_handed_back(&self, runs: &str) -> bool {
        if runs.is_empty() || self.mark().is_some() || !self.traces().is_empty() {
            return false;
        }
        let new = self.new_revision();
        let is_third = |revision: &str| revision != runs && Some(revision) != new.as_deref();
        match (self.deployment(), self.workload()) {
            (Some((_, versions)), _) => !versions
                .iter()
                .any(|set| set.wanted() > 0 && is_third(set.hash())),
            (None, Some(workload)) => {
                let mut pods = self.own_pods().filter(|pod| !pod.deleting);
                !pods.any(|pod| is_third(workload.revision_of(pod)))
            }
            (None, None) => true,
        }
    }

    fn end(&mut self, succeeded: bool, reason: &Reason) -> Flow {
        let now = self.time();
        self.sub().finalising_step = FinalisingStep::End;
        self.course(Course::Completed, &reason.message());
        condition::set(&mut self.status, condition::SUCCEEDED, succeeded, "", "", now);
        condition::remove(&mut self.status, condition::DEGRADED);
        self.status.phase = Some(Phase::Healthy);
        Flow::Wait(Wake::OnChange, reason.clone())
    }

    /// Does what is left to do; nothing when all is done.
    pub(super) fn finalise(&mut self, ending: Ending) -> Option<Flow> {
        // First of all, as upstream has it: the pods of the lane go next.
        if let Some(flow) = self.leave_shared(ending.reason("the TrafficRouting is left")) {
            return Some(flow);
        }
        let order = ending.order(self.style());
        let cursor = self.sub().finalising_step.clone();
        let from =
            order
                .iter()
                .position(|step| *step == cursor)
                .unwrap_or(if cursor == FinalisingStep::End {
                    order.len()
                } else {
                    0
                });
        for step in &order[from..] {
            if let Some(flow) = self.close(step, ending) {
                return Some(flow);
            }
        }
        self.sub().finalising_step = FinalisingStep::End;
        self.let_workload_go(ending)
    }

    fn close(&mut self, step: &FinalisingStep, ending: Ending) -> Option<Flow> {
        match step {
            FinalisingStep::RestoreStableService => {
                let unpin = self.unpin().into_iter().collect();
                self.settle(
                    step.clone(),
                    unpin,
                    ending.reason("the stable Service selects all versions again"),
                )
            }
            FinalisingStep::RouteTrafficToStable => {
                let reason = ending.reason("traffic goes to the stable Service");
                let route = self.restore_route();
                if self.leaves_new(ending) && !route.is_empty() {
                    return self.leave_new(route, reason);
                }
                self.settle(step.clone(), route, reason)
            }
            FinalisingStep::RemoveCanaryService => {
                if self.leaves_new(ending) {
                    let route = self.restore_route();
                    let reason = ending.reason("traffic goes to the stable Service");
                    if let Some(flow) = self.settle(step.clone(), route, reason) {
                        return Some(flow);
                    }
                }
                self.remove_canary_service()
                    .map(|effect| Flow::Do(vec![effect], ending.reason("the canary Service goes")))
            }
            FinalisingStep::ResumeWorkload => self.resume(ending),
            FinalisingStep::ReleaseWorkloadControl => {
                let reason = ending.reason("the canary goes");
                // Whoever closed the release so far may have had another order.
                if ending == Ending::Success
                    && self.style() == RollingStyle::Canary
                    && let Some(workload) = self.workload()
                    && self.resumed(&workload).is_some()
                {
                    return self.resume(ending);
                }
                if ending == Ending::Rollback
                    && self.s.routing().is_some()
                    && let Some(flow) = self.empty_canaries(&reason)
                {
                    return Some(flow);
                }
                let canaries = self.remove_canaries();
                if !canaries.is_empty() {
                    return Some(Flow::Do(canaries, reason));
                }
                self.canaries().next().map(|_| Flow::Wait(Wake::OnChange, reason))
            }
            FinalisingStep::RouteTrafficToNew => {
                // Without a grace the cursor may still be here when the route is taken back; all pods are new by then.
                if let Some(workload) = self.workload()
                    && self.resumed(&workload).is_none()
                    && self.not_rolled_out(&workload).is_none()
                {
                    return None;
                }
                let makes_one = self.s.rollout.spec.strategy.makes_canary_service();
                let route = if !makes_one || self.has_twin() {
                    self.write_split(&traffic::Split::ALL)
                } else {
                    Vec::new()
                };
                let reason = ending.reason("all traffic goes to the new version");
                if !route.is_empty()
                    && let Some(flow) = self.await_last_batch(&reason)
                {
                    return Some(flow);
                }
                self.settle(step.clone(), route, reason)
            }
            FinalisingStep::LeaveTrafficRouting
            | FinalisingStep::End
            | FinalisingStep::None
            | FinalisingStep::Other(_) => None,
        }
    }

    /// Whether all traffic is at the canary Service while the old pods go.
    fn leaves_new(&mut self, ending: Ending) -> bool {
        self.style() == RollingStyle::BlueGreen && ending == Ending::Success
    }

    /// All pods are new, and the traffic goes from the canary Service to the stable one. First a grace: whoever sends requests
    /// may still know old pods behind the latter. The grace after the write is the next step's.
    fn leave_new(&mut self, route: Vec<Effect>, reason: Reason) -> Option<Flow> {
        if let Some(flow) = self.settle(FinalisingStep::RouteTrafficToStable, Vec::new(), reason.clone()) {
            return Some(flow);
        }
        Some(if self.is_cursor_written() {
            Flow::Do(route, reason)
        } else {
            // All traffic to the new version would be the next decision's again.
            Flow::Wait(Wake::At(self.now), reason)
        })
    }

    /// Before more traffic goes to the new version: its pods are up as the last step asked for. They may have died in its
    /// pause, which nobody looks at readiness in.
    fn await_last_batch(&mut self, reason: &Reason) -> Option<Flow> {
        let step = self.step().1?;
        let batch = self.batch(step);
        let threshold = self.s.rollout.spec.strategy.failure_threshold();
        if self.replicas() == 0 || batch.is_up(threshold) {
            return None;
        }
        let is_held = self
            .workload()
            .is_some_and(|workload| self.resumed(&workload).is_some());
        Some(if is_held && !batch.effects.is_empty() {
            Flow::Do(batch.effects, reason.clone())
        } else {
            self.wait_for_pods(reason.clone())
        })
    }

    /// Whether the status says of the closing work what this decision does; of blue-green releases, the only ones whose
    /// closing work undoes what it did.
    fn is_cursor_written(&mut self) -> bool {
        let cursor = self.sub().finalising_step.clone();
        self.style() != RollingStyle::BlueGreen || self.written_cursor() == Some(&cursor)
    }

    /// What the status says of the closing work.
    fn written_cursor(&self) -> Option<&FinalisingStep> {
        let status = self.s.rollout.status.as_ref()?;
        let canary = status.canary_status.as_ref().map(|sub| &sub.finalising_step);
        canary.or(status.blue_green_status.as_ref().map(|sub| &sub.finalising_step))
    }

    /// Writes what a traffic step needs, then gives the data plane its grace. The cursor says which step's grace runs, so
    /// it is stamped when the write is seen in place; a killed engine is followed by one that waits the whole grace.
    pub(super) fn settle(
        &mut self,
        step: FinalisingStep,
        effects: Vec<Effect>,
        reason: Reason,
    ) -> Option<Flow> {
        if !effects.is_empty() {
            return Some(Flow::Do(effects, reason));
        }
        let grace = self.grace_seconds()?;
        if self.sub().finalising_step != step {
            self.sub().finalising_step = step;
            self.stamp();
        }
        let until = self
            .stamped()
            .saturating_add(SignedDuration::from_secs(grace))
            .unwrap_or(Timestamp::MAX);
        (self.now < until).then_some(Flow::Wait(Wake::At(until), reason))
    }

    /// The workload rolls by itself to what its template says, and the engine waits until it has.
    fn resume(&mut self, ending: Ending) -> Option<Flow> {
        let workload = self.workload()?;
        let reason = ending.reason("the workload rolls");
        if ending == Ending::Success && self.style() == RollingStyle::Canary && self.canary().is_none() {
            // It was deleted by hand, and with it what its share of the traffic goes to.
            let route = self.restore_route();
            if !route.is_empty() {
                return Some(Flow::Do(route, reason));
            }
        }
        if self.sub().finalising_step != FinalisingStep::ResumeWorkload {
            self.sub().finalising_step = FinalisingStep::ResumeWorkload;
            self.stamp();
        }
        let flow = self
            .roll_recreate(&reason)
            .or_else(|| self.trust_old_sets(&reason))
            .or_else(|| self.shrink_sets(&reason))
            .or_else(|| self.correct_notes(&reason))
            .or_else(|| self.roll_out(&workload, ending, reason));
        match flow {
            // Whoever deletes or disables the Rollout wants it out of the way, however the new pods fare.
            Some(Flow::Wait(_, Reason::DeadlineExceeded { .. }))
                if matches!(ending, Ending::Disabled | Ending::Deleted) =>
            {
                self.hand_back(&workload, ending)
            }
            flow => flow,
        }
    }

    /// The write that lets the workload's own controller go on.
    fn hand_back(&self, workload: &Workload<'_>, ending: Ending) -> Option<Flow> {
        let purpose = if ending == Ending::Rollback {
            "let the workload keep to the old version"
        } else {
            "let the workload roll to the new version"
        };
        let body = json!({ "spec": self.resumed(workload)? });
        Some(Flow::Do(
            vec![self.s.write(workload.object, Verb::Merge(body), purpose)],
            ending.reason("the workload rolls"),
        ))
    }

    fn roll_out(&mut self, workload: &Workload<'_>, ending: Ending, reason: Reason) -> Option<Flow> {
        if let Some(flow) = self.hand_back(workload, ending) {
            let labels = self.label_kept(ending);
            return Some(if labels.is_empty() {
                flow
            } else {
                Flow::Do(labels, reason)
            });
        }
        let waiting = self.not_rolled_out(workload)?;
        let is_given_up = matches!(ending, Ending::Disabled | Ending::Deleted);
        if is_given_up && waiting != NotRolledOut::NotObserved && self.style() != RollingStyle::BlueGreen {
            // The workload's own controller goes on alone, as upstream lets it: the Rollout is in nobody's way, however the
            // new pods fare.
            return None;
        }
        if waiting != NotRolledOut::NotObserved
            && let Some(stuck) = self.unblock_all(workload)
        {
            return Some(Flow::Do(vec![stuck], reason));
        }
        Some(self.wait_since(self.last_became_ready(workload), reason))
    }

    /// When the last of the pods that the workload is to keep became ready. The closing work counts none in the status, and each
    /// of them is progress.
    fn last_became_ready(&self, workload: &Workload<'_>) -> Option<Timestamp> {
        let deployment = self.deployment();
        let sets = deployment.iter().flat_map(|(deployment, versions)| {
            let kept = |version: &&ReplicaSet<'_>| same_template(version.template(), deployment.template());
            versions.iter().filter(kept)
        });
        let sets: Vec<&str> = sets
            .filter_map(|set| set.object.metadata.uid.as_deref())
            .collect();
        let revision = self.version().unwrap_or_default();
        let is_kept = |pod: &&Pod| {
            !pod.deleting
                && if deployment.is_some() {
                    sets.contains(&pod.owner.as_str())
                } else {
                    workload.revision_of(pod) == revision
                }
        };
        let pods = self.s.pods.iter().map(AsRef::as_ref).filter(is_kept);
        // A node's clock may be ahead.
        pods.filter_map(|pod| pod.ready_since)
            .max()
            .map(|time| time.min(self.now))
    }

    /// Taken back: the pods that stay belong to the template again. Upstream's batch goes on until the traffic is back, and
    /// notes them as the steps' pods: with blue-green always, in batches those of a Deployment that are fewer than the step
    /// asks for.
    fn label_kept(&mut self, ending: Ending) -> Vec<Effect> {
        let style = self.style();
        if ending != Ending::Rollback || style == RollingStyle::Canary {
            return Vec::new();
        }
        let (_, step) = self.step();
        let wanted = step.map_or(0, |step| self.wanted(step));
        let kept = size(self.new_pods().len());
        let is_short = self.s.kind() == Some(Kind::Deployment) && kept < wanted;
        if style == RollingStyle::BlueGreen || is_short {
            self.label_pods()
        } else {
            Vec::new()
        }
    }

    /// What of the workload has not yet come to its template.
    fn not_rolled_out(&self, workload: &Workload<'_>) -> Option<NotRolledOut> {
        if let Some((deployment, versions)) = self.deployment() {
            let threshold = self.s.rollout.spec.strategy.failure_threshold();
            let tolerated = batch::tolerated(threshold, deployment.replicas());
            return deployment.rolled_out(&versions, tolerated).err();
        }
        let Some(revision) = self.version() else {
            return Some(NotRolledOut::NotObserved);
        };
        // A partition of the user's own keeps pods at the old version for good.
        let wanted = workload.replicas() - workload.kept();
        let pods: Vec<&Pod> = self.own_pods().collect();
        let new = || {
            pods.iter()
                .filter(|pod| !pod.deleting && workload.revision_of(pod) == revision)
        };
        let ready = size(new().filter(|pod| pod.ready).count());
        let threshold = self.s.rollout.spec.strategy.failure_threshold();
        if ready < wanted - batch::tolerated(threshold, wanted) {
            return Some(NotRolledOut::NewPods { ready, wanted });
        }
        let left = size(pods.len()) - size(new().count()) - (workload.replicas() - wanted);
        (left > 0).then_some(NotRolledOut::OldPods { left })
    }

    /// The last writes: autoscalers, the mark, its copies, the finalizer.
    fn let_workload_go(&mut self, ending: Ending) -> Option<Flow> {
        let reason = ending.reason("the workload is handed back");
        let autoscalers = self.restore_autoscalers();
        if !autoscalers.is_empty() {
            return Some(Flow::Do(autoscalers, reason));
        }
        if let Some(workload) = self.workload() {
            if let Some(mark) = self.mark() {
                if mark.original.is_paused() && self.written_cursor() != Some(&FinalisingStep::End) {
                    // Without its mark a paused workload would be taken for one whose hold is left over.
                    return Some(Flow::Wait(Wake::At(self.now), reason));
                }
                let mut body = self.unmarked();
                // A policy may have held the workload again since it was resumed; without the mark nobody would lift that.
                let mut spec = self.resumed(&workload).unwrap_or_else(|| json!({}));
                mark.original.pause_again(&mut spec);
                if spec.as_object().is_some_and(|fields| !fields.is_empty()) {
                    body["spec"] = spec;
                }
                return Some(Flow::Do(
                    vec![self.s.write(
                        workload.object,
                        Verb::Merge(body),
                        "take the mark off the workload",
                    )],
                    reason,
                ));
            }
            let versions = self
                .deployment()
                .map(|(_, versions)| versions)
                .unwrap_or_default();
            let copies = self.clean(&versions);
            if !copies.is_empty() {
                if !workload.observed() {
                    // Its controller would copy the mark again.
                    return Some(Flow::Wait(Wake::OnChange, reason));
                }
                return Some(Flow::Do(copies, reason));
            }
        }
        self.remove_finalizer()
            .map(|effect| Flow::Do(vec![effect], reason))
    }

    /// Whether the canary Service is there.
    fn has_twin(&self) -> bool {
        let routing = self.s.routing();
        let twin = routing.and_then(|routing| self.s.services.get(&service::canary_name(&routing.service)));
        twin.is_some_and(|twin| self.s.owns(twin))
    }

    /// The write that lets the stable Service select all versions again.
    pub(super) fn unpin(&self) -> Option<Effect> {
        let stable = self.s.services.get(&self.s.routing()?.service)?;
        let key = self.revision_key();
        service::pinned(stable, key)?;
        Some(self.s.write(
            stable,
            Verb::Merge(service::pin(key, None)),
            "the stable Service selects all versions again",
        ))
    }

    /// The writes that send all traffic to the stable Service.
    pub(super) fn restore_route(&self) -> Vec<Effect> {
        let Some(wiring) = self.s.wiring() else {
            return Vec::new();
        };
        let providers = self.s.providers();
        let changes = providers
            .iter()
            .filter_map(|provider| provider.restore(&self.s.routes, &wiring));
        changes
            .map(|change| self.s.carry_out(change, "all traffic to the stable Service"))
            .collect()
    }

    /// The write that removes the canary Service.
    pub(super) fn remove_canary_service(&self) -> Option<Effect> {
        let name = service::canary_name(&self.s.routing()?.service);
        let twin = self
            .s
            .services
            .get(&name)
            .filter(|twin| self.s.owns(twin) && twin.metadata.deletion_timestamp.is_none())?;
        Some(self.s.write(twin, Verb::Delete, "remove the canary Service"))
    }
}
