//! One step: pods, traffic, pause (engine-rollout 9).

use std::ops::ControlFlow;

use super::{
    Effect, Reason, Verb, Wake, batch,
    condition::Course,
    hold::Stage,
    machine::{Flow, Machine},
    validate,
};
use crate::{
    api::v1beta1::{FinalisingStep, RollingStyle, Step, StepState},
    traffic::{self, Obstacle, service},
};
use jiff::{SignedDuration, Timestamp};

impl<'a> Machine<'a> {
    /// A release under way, in upstream's order of questions; unlike upstream a rollback, a newer version and an edited
    /// plan are noticed while paused too.
    pub(super) fn rolling(&mut self) -> Flow {
        if let Some(flow) = self.unseen().or_else(|| self.turn_back()) {
            return flow;
        }
        if !self.is_same_version() {
            return self.newer();
        }
        if self.style() == RollingStyle::Canary && self.went_out().is_some() {
            // Nothing is left of the version that the stable Service is kept to.
            self.enter(StepState::Completed);
            self.sub().next_step_index = -1;
            return self.begin_closing("the new version went out while nobody held it");
        }
        if let Some(flow) = self
            .add_finalizer()
            .map(|effect| Flow::Do(vec![effect], Reason::Starting))
            .or_else(|| self.hold(Stage::Rolling))
        {
            return flow;
        }
        self.count_pods();
        if self.s.rollout.spec.strategy.paused {
            self.course(Course::Paused, &Reason::Paused.message());
            let effects = self.keep_batch();
            return if effects.is_empty() {
                Flow::Wait(Wake::OnChange, Reason::Paused)
            } else {
                Flow::Do(effects, Reason::Paused)
            };
        }
        if Course::of(&self.status) == Course::Paused {
            self.course(Course::InRolling, &Reason::Starting.message());
        }
        self.follow_plan();
        self.follow_jump();
        if let Some(wrong) = self.gates_ahead() {
            self.note.get_or_insert(wrong);
        }
        if let Some(obstacle) = self.in_the_way() {
            let effects = self.keep_batch();
            let reason = Reason::Blocked { obstacle };
            return if effects.is_empty() {
                Flow::Wait(Wake::OnChange, reason)
            } else {
                Flow::Do(effects, reason)
            };
        }
        match self.sub().current_step_state.clone() {
            StepState::StepUpgrade => self.upgrade(),
            StepState::StepTrafficRouting => self.route(),
            StepState::StepMetricsAnalysis => self.measure(),
            StepState::StepPaused => self.pause(),
            StepState::StepReady => self.next(),
            StepState::Completed => self.begin_closing("all steps are done"),
            StepState::BeforeStepUpgrade | StepState::Other(_) => self.before(),
        }
    }

    /// Goes over to the closing work.
    fn begin_closing(&mut self, doing: &'static str) -> Flow {
        let reason = Reason::Finalising { doing };
        self.course(Course::Finalising, &reason.message());
        self.sub().finalising_step = FinalisingStep::None;
        // Written before anything else: what follows lifts the hold, which a release still under way puts back.
        Flow::Wait(Wake::At(self.now), reason)
    }

    /// While the release may not go on no step begins and no traffic moves, but the batch that was begun goes on, and
    /// follows when the workload is scaled: nobody else sizes it (engine-rollout 11.4).
    fn keep_batch(&mut self) -> Vec<Effect> {
        let followed = self
            .status
            .canary_status
            .as_ref()
            .and_then(|sub| sub.rollout_hash.as_deref());
        let is_edited = followed != Some(self.plan());
        let (index, step) = self.step();
        let step = match self.sub().current_step_state {
            StepState::BeforeStepUpgrade | StepState::Other(_) => {
                let before = usize::try_from(index - 2).ok();
                before.and_then(|before| self.steps().get(before))
            }
            _ => step,
        };
        let Some(step) = step.filter(|_| !is_edited) else {
            return Vec::new();
        };
        if self.leaves_nothing_pinned(step) {
            return self.unpin().into_iter().collect();
        }
        let batch = self.batch(step);
        if batch.effects.is_empty() {
            self.label_pods()
        } else {
            batch.effects
        }
    }

    /// Whether the step would take the last pod from the version that the stable Service is pinned to: the workload was
    /// scaled since the step began.
    fn leaves_nothing_pinned(&self, step: &Step) -> bool {
        traffic::split(step).is_some()
            && self.unpin().is_some()
            && (self.is_full(step) || self.may_take_all_stable(step))
    }

    /// What has come in the way of the traffic since the release began. Only steps on the move split traffic; a pause and
    /// what comes after it need nothing of it.
    fn in_the_way(&mut self) -> Option<Obstacle> {
        let moving = matches!(
            self.sub().current_step_state,
            StepState::BeforeStepUpgrade | StepState::StepUpgrade | StepState::StepTrafficRouting
        );
        if !moving {
            return None;
        }
        let (_, step) = self.step();
        let own = step.filter(|step| self.routes(step));
        own.and_then(|step| validate::in_the_way(self.s, step))
            .or_else(|| validate::shared(self.s))
    }

    fn steps(&self) -> &'a [Step] {
        self.s.rollout.spec.strategy.steps()
    }

    pub(super) fn total(&self) -> i32 {
        i32::try_from(self.steps().len()).unwrap_or(i32::MAX)
    }

    fn natural(&self, index: i32) -> i32 {
        if index < self.total() { index + 1 } else { -1 }
    }

    /// The step under way and its number.
    pub(super) fn step(&mut self) -> (i32, Option<&'a Step>) {
        let index = self.sub().current_step_index.clamp(1, self.total().max(1));
        self.sub().current_step_index = index;
        (
            index,
            usize::try_from(index - 1)
                .ok()
                .and_then(|place| self.steps().get(place)),
        )
    }

    fn go_to(&mut self, index: i32, state: StepState) {
        let next = self.natural(index);
        let sub = self.sub();
        sub.current_step_index = index;
        sub.next_step_index = next;
        sub.current_step_state = state;
        sub.finalising_step = FinalisingStep::None;
        self.stamp();
    }

    /// An edited plan: the step is done again from its beginning, so that it pauses again; one that is no more becomes the
    /// last. Upstream may advance by itself when a step shrinks (engine-rollout 10.2); this never does.
    fn follow_plan(&mut self) {
        let hash = self.plan().to_owned();
        if self.sub().rollout_hash.as_ref() == Some(&hash) {
            return;
        }
        let target = self.sub().current_step_index.clamp(1, self.total().max(1));
        self.sub().rollout_hash = Some(hash);
        self.go_to(target, StepState::BeforeStepUpgrade);
    }

    /// A client wrote another next step: goes there; a step that is none is corrected and reported.
    fn follow_jump(&mut self) {
        let (current, wish) = (self.sub().current_step_index, self.sub().next_step_index);
        let natural = self.natural(current);
        if wish == natural || self.sub().current_step_state == StepState::Completed {
            return;
        }
        if (1..=self.total()).contains(&wish) {
            self.go_to(wish, StepState::BeforeStepUpgrade);
        } else {
            self.note = Some(format!(
                "nextStepIndex {wish} is not one of the steps 1 to {}; ignored",
                self.total()
            ));
            self.sub().next_step_index = natural;
        }
    }

    /// Whether this release makes a canary Service of its own.
    pub(super) fn twins(&self) -> bool {
        self.s.rollout.spec.strategy.makes_canary_service()
    }

    /// Whether the step leaves no old pod inside the workload: then nothing is left to split between, and the stable
    /// Service must select the new pods before the last old one goes (engine-rollout 9.1). A jump back keeps the pods that a
    /// later step let through.
    fn is_full(&self, step: &Step) -> bool {
        let wanted = || self.wanted(step).max(self.most_wanted());
        self.style() == RollingStyle::Partition && wanted() >= self.replicas()
    }

    /// Whether no pod of the old version is left inside the workload: a plan that was edited, or a jump back, may ask for
    /// a split that nobody could serve the old half of.
    fn is_all_new(&self) -> bool {
        self.style() == RollingStyle::Partition
            && self.has_no_old_pods()
            && self.new_pods().iter().any(|pod| pod.ready)
    }

    /// Whether the step splits traffic.
    fn routes(&self, step: &Step) -> bool {
        traffic::split(step).is_some()
            && self.s.routing().is_some()
            && !self.is_full(step)
            && !self.is_all_new()
            && !self.may_take_all_stable(step)
    }

    fn grace(&self) -> SignedDuration {
        SignedDuration::from_secs(self.grace_seconds().unwrap_or(0))
    }

    fn until_grace_ends(&self) -> Timestamp {
        self.stamped()
            .saturating_add(self.grace())
            .unwrap_or(Timestamp::MAX)
    }

    /// Before any pod: the stable Service keeps to the stable version, so that no new pod leaks into its traffic; a step
    /// that asks for no split gets none.
    fn before(&mut self) -> Flow {
        let (index, step) = self.step();
        let splits = step.and_then(traffic::split).is_some() && self.s.routing().is_some();
        if step.is_some_and(|step| self.routes(step)) {
            if let Some(pin) = self.pin() {
                return Flow::Do(vec![pin], Reason::Starting);
            }
        } else if splits {
            let reason = Reason::TrafficGrace {
                step: index,
                total: self.total(),
            };
            let unpin: Vec<Effect> = self.unpin().into_iter().collect();
            let is_done = unpin.is_empty() && self.sub().finalising_step == FinalisingStep::None;
            if !is_done && let Some(flow) = self.settle(FinalisingStep::RestoreStableService, unpin, reason) {
                return flow;
            }
        } else if let Some(flow) = self.tear_down() {
            return flow;
        }
        self.sub().finalising_step = FinalisingStep::None;
        self.enter(StepState::StepUpgrade);
        self.stamp();
        Flow::Again
    }

    /// Takes back a split that an earlier step made.
    fn tear_down(&mut self) -> Option<Flow> {
        let left = self.restore_route().len()
            + self.unpin().iter().len()
            + self.remove_canary_service().iter().len();
        if left == 0 && self.sub().finalising_step == FinalisingStep::None {
            return None;
        }
        let (index, _) = self.step();
        let reason = Reason::TrafficGrace {
            step: index,
            total: self.total(),
        };
        // The stable Service selects all pods before the route and the old pods go.
        if self.sub().finalising_step != FinalisingStep::RouteTrafficToStable {
            let unpin = self.unpin().into_iter().collect();
            if let Some(flow) = self.settle(FinalisingStep::RestoreStableService, unpin, reason.clone()) {
                return Some(flow);
            }
        }
        let route = self.restore_route();
        if let Some(flow) = self.settle(FinalisingStep::RouteTrafficToStable, route, reason.clone()) {
            return Some(flow);
        }
        let rest: Vec<Effect> = self
            .unpin()
            .into_iter()
            .chain(self.remove_canary_service())
            .collect();
        (!rest.is_empty()).then_some(Flow::Do(rest, reason))
    }

    /// New pods come up.
    fn upgrade(&mut self) -> Flow {
        let (index, step) = self.step();
        let Some(step) = step else { return Flow::Again };
        let routes = self.routes(step);
        let batch = self.batch(step);
        let reason = Reason::Upgrading {
            step: index,
            total: self.total(),
            ready: batch.ready,
            wanted: batch.wanted,
        };
        if self.leaves_nothing_pinned(step) {
            self.enter(StepState::BeforeStepUpgrade);
            return Flow::Wait(Wake::At(self.now), reason);
        }
        if !batch.effects.is_empty() {
            return Flow::Do(batch.effects, reason);
        }
        if let Some(flow) = self.twin(batch.revision.clone(), routes, &reason) {
            return flow;
        }
        let labels = self.label_pods();
        if !labels.is_empty() {
            return Flow::Do(labels, reason);
        }
        if !batch.is_up(self.s.rollout.spec.strategy.failure_threshold()) {
            return self.wait_for_pods(reason);
        }
        if routes {
            // When the step began no old pod may have been ready to keep the stable Service to.
            if let Some(pin) = self.pin() {
                return Flow::Do(vec![pin], reason);
            }
            let until = self.until_grace_ends();
            if self.now < until {
                return Flow::Wait(Wake::At(until), reason);
            }
            let route = self.split(step);
            if !route.is_empty() {
                return Flow::Do(
                    route,
                    Reason::TrafficGrace {
                        step: index,
                        total: self.total(),
                    },
                );
            }
        }
        let shared = self.open_shared();
        if !shared.is_empty() {
            let total = self.total();
            return Flow::Do(shared, Reason::TrafficGrace { step: index, total });
        }
        // From here on the state says: the route is as wanted, and its grace runs since the stamp.
        self.enter(StepState::StepTrafficRouting);
        self.stamp();
        if self.is_full(step) && !self.shares() {
            self.begin_measuring();
        }
        Flow::Again
    }

    /// The canary Service, as soon as the new pods have a revision to select by. Its grace runs while they start: the
    /// stamp is set when it is first seen in place, which the recorded hash remembers.
    fn twin(&mut self, revision: Option<String>, routes: bool, reason: &Reason) -> Option<Flow> {
        let Some(revision) = revision else {
            // Of nothing there is no version, and nothing to wait for.
            return (self.replicas() > 0).then(|| self.wait_for_pods(reason.clone()));
        };
        if let Some(effect) = self.twin_service(&revision, routes) {
            return Some(Flow::Do(vec![effect], reason.clone()));
        }
        if self.sub().pod_template_hash != revision {
            self.sub().pod_template_hash = revision;
            self.stamp();
        }
        None
    }

    /// What must be written for the canary Service to select the new version.
    fn twin_service(&self, revision: &str, routes: bool) -> Option<Effect> {
        let routing = self.s.routing().filter(|_| routes && self.twins())?;
        let stable = self.s.services.get(&routing.service)?;
        let key = self.revision_key();
        match self.s.services.get(&service::canary_name(&routing.service)) {
            None => Some(self.s.create(
                service::canary(stable, (key, revision), self.s.patched_labels(), self.s.owner()),
                "a Service for the new version",
            )),
            Some(twin) if service::pinned(twin, key) != Some(revision) => Some(self.s.write(
                twin,
                Verb::Merge(service::pin(key, Some(revision))),
                "point the canary Service at the new version",
            )),
            Some(_) => None,
        }
    }

    /// What must be written for the route to split as the step asks.
    fn split(&self, step: &Step) -> Vec<Effect> {
        traffic::split(step).map_or_else(Vec::new, |split| self.write_split(&split))
    }

    /// What must be written for a split. Where one of several providers cannot make it none does.
    pub(super) fn write_split(&self, split: &traffic::Split<'_>) -> Vec<Effect> {
        let Some(wiring) = self.s.wiring() else {
            return Vec::new();
        };
        let purpose = split.weight.filter(|_| split.matches.is_empty()).map_or_else(
            || "matching requests to the new version".to_owned(),
            |w| format!("{w}% of traffic to the new version"),
        );
        let providers = self.s.providers();
        let changes = providers
            .iter()
            .map(|provider| provider.split(&self.s.routes, &wiring, split));
        let changes: Result<Vec<_>, Obstacle> = changes.collect();
        let changes = changes.unwrap_or_default().into_iter().flatten();
        changes.map(|change| self.s.carry_out(change, &purpose)).collect()
    }

    /// The route was written; the data plane gets its grace.
    fn route(&mut self) -> Flow {
        let (index, step) = self.step();
        let Some(step) = step else { return Flow::Again };
        if self.routes(step) || self.shares() {
            if (self.routes(step) && !self.split(step).is_empty()) || !self.open_shared().is_empty() {
                // Someone undid it: written again, and waited for again.
                self.enter(StepState::StepUpgrade);
                return Flow::Again;
            }
            let until = self.until_grace_ends();
            if self.now < until {
                return Flow::Wait(
                    Wake::At(until),
                    Reason::TrafficGrace {
                        step: index,
                        total: self.total(),
                    },
                );
            }
        }
        self.begin_measuring();
        Flow::Again
    }

    /// Waits for a human or for time; meanwhile the step stays as it was asked for when the workload is scaled.
    fn pause(&mut self) -> Flow {
        let (index, step) = self.step();
        let total = self.total();
        let Some(step) = step else { return Flow::Again };
        let measured = match self.gate_in_pause(step) {
            ControlFlow::Continue(next) => next,
            ControlFlow::Break(flow) => return flow,
        };
        if index == total && batch::is_everything(step) && self.style() != RollingStyle::BlueGreen {
            self.enter(StepState::StepReady);
            return Flow::Again;
        }
        let until = step.pause.duration.map(|seconds| {
            self.stamped()
                .saturating_add(SignedDuration::from_secs(i64::from(seconds)))
                .unwrap_or(Timestamp::MAX)
        });
        if until.is_some_and(|until| self.now >= until) {
            // Before anything else: the next step's pods must not be taken for too many of this one's.
            self.enter(StepState::StepReady);
            return Flow::Again;
        }
        let reason = match step.pause.duration {
            None => Reason::WaitingForApproval { step: index, total },
            Some(seconds) => Reason::TimedPause {
                step: index,
                total,
                seconds,
            },
        };
        if let Some(flow) = self.tend(step, &reason) {
            return flow;
        }
        let next = until.into_iter().chain(measured).min();
        Flow::Wait(next.map_or(Wake::OnChange, Wake::At), reason)
    }

    /// Keeps pods and traffic of a step that stands as they were asked for, whoever changes them.
    pub(super) fn tend(&mut self, step: &Step, reason: &Reason) -> Option<Flow> {
        let (index, _) = self.step();
        let total = self.total();
        if self.leaves_nothing_pinned(step) {
            self.enter(StepState::BeforeStepUpgrade);
            return Some(Flow::Wait(Wake::At(self.now), reason.clone()));
        }
        let batch = self.batch(step);
        if batch.lost {
            // Removed by hand: no traffic goes to it, and it is brought up again before anybody is asked to approve it.
            // Written first: a canary that is there again must not be taken for one that this pause left behind.
            let mut route = self.restore_route();
            route.extend(self.leave_shared_at_once());
            if !route.is_empty() {
                return Some(Flow::Do(route, reason.clone()));
            }
            self.enter(StepState::BeforeStepUpgrade);
            let again = Reason::Upgrading {
                step: index,
                total,
                ready: 0,
                wanted: batch.wanted,
            };
            return Some(Flow::Wait(Wake::OnChange, again));
        }
        if !batch.effects.is_empty() {
            return Some(Flow::Do(batch.effects, reason.clone()));
        }
        // Nothing is sent to pods that do not serve; whoever took the traffic off them may have done so because of that.
        let mut rest = if batch.ready > 0 {
            self.repair(step, batch.revision.as_deref())
        } else {
            Vec::new()
        };
        if rest.is_empty() {
            rest = self.label_pods();
        }
        (!rest.is_empty()).then(|| Flow::Do(rest, reason.clone()))
    }

    /// The writes that bring back what this step made of the traffic and somebody undid. The pods never left, so there is
    /// nothing to wait for.
    fn repair(&mut self, step: &Step, revision: Option<&str>) -> Vec<Effect> {
        let mut effects = self.open_shared();
        if let Some(revision) = revision.filter(|_| self.routes(step)) {
            effects.extend(self.pin());
            effects.extend(self.twin_service(revision, true));
            effects.extend(self.split(step));
        }
        for effect in &mut effects {
            effect.purpose.push_str(", again: somebody changed it");
        }
        effects
    }

    fn next(&mut self) -> Flow {
        let (index, _) = self.step();
        if index == self.total() {
            self.enter(StepState::Completed);
            self.sub().next_step_index = -1;
            self.stamp();
            return Flow::Again;
        }
        self.go_to(index + 1, StepState::BeforeStepUpgrade);
        let ready = self.sub().canary_ready_replicas;
        let (step, asked) = self.step();
        let wanted = asked.map_or(0, |asked| self.wanted(asked));
        // Written before anything else: a step under way would put back what the next one changes.
        Flow::Wait(
            Wake::At(self.now),
            Reason::Upgrading {
                step,
                total: self.total(),
                ready,
                wanted,
            },
        )
    }
}
