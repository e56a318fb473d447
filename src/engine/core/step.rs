//! One step: pods, traffic, pause (engine-rollout 9, canary style).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Effect, Precondition, Reason, Verb, Wake, batch,
    condition::Course,
    machine::{Flow, Machine},
    validate,
};
use crate::{
    api::{
        keys,
        v1beta1::{FinalisingStep, Step, StepState},
    },
    traffic::{self, Obstacle, ingress, ingress_class::Class, service},
    workload::{Mark, ReplicaSet},
};

impl<'a> Machine<'a> {
    /// A release under way, in upstream's order of questions; unlike upstream a rollback, a newer version and an edited
    /// plan are noticed while paused too.
    pub(super) fn rolling(&mut self) -> Flow {
        if self.is_stable_again() {
            return self.cancel();
        }
        if !self.is_same_version() {
            return self.restart();
        }
        if let Some(flow) = self
            .add_finalizer()
            .map(|effect| Flow::Do(vec![effect], Reason::Starting))
            .or_else(|| self.hold())
        {
            return flow;
        }
        self.count_pods();
        if self.s.rollout.spec.strategy.paused {
            self.course(Course::Paused, &Reason::Paused.message());
            return Flow::Wait(Wake::OnChange, Reason::Paused);
        }
        if Course::of(&self.status) == Course::Paused {
            self.course(Course::InRolling, &Reason::Starting.message());
        }
        self.follow_plan();
        self.follow_jump();
        if let Some(obstacle) = self.in_the_way() {
            return Flow::Wait(Wake::OnChange, Reason::Blocked { obstacle });
        }
        match self.sub().current_step_state.clone() {
            StepState::StepUpgrade => self.upgrade(),
            StepState::StepTrafficRouting => self.route(),
            StepState::StepMetricsAnalysis => {
                self.enter(StepState::StepPaused);
                self.stamp();
                Flow::Again
            }
            StepState::StepPaused => self.pause(),
            StepState::StepReady => self.next(),
            StepState::Completed => {
                let reason = Reason::Finalising {
                    doing: "all steps are done",
                };
                self.course(Course::Finalising, &reason.message());
                self.sub().finalising_step = FinalisingStep::None;
                // Written before anything else: what follows lifts the hold, which a release still under way puts back.
                Flow::Wait(Wake::At(self.now), reason)
            }
            StepState::BeforeStepUpgrade | StepState::Other(_) => self.before(),
        }
    }

    /// What has come in the way of the traffic since the release began. Only steps on the move split traffic; a pause and
    /// what comes after it need nothing of it.
    fn in_the_way(&mut self) -> Option<Obstacle> {
        let moving = matches!(
            self.sub().current_step_state,
            StepState::BeforeStepUpgrade | StepState::StepUpgrade | StepState::StepTrafficRouting
        );
        let (_, step) = self.step();
        let routes = moving && step.and_then(traffic::split).is_some();
        routes.then(|| validate::obstacle(self.s)).flatten()
    }

    fn steps(&self) -> &'a [Step] {
        self.s.rollout.spec.strategy.steps()
    }

    fn total(&self) -> i32 {
        i32::try_from(self.steps().len()).unwrap_or(i32::MAX)
    }

    fn natural(&self, index: i32) -> i32 {
        if index < self.total() { index + 1 } else { -1 }
    }

    /// The step under way and its number.
    fn step(&mut self) -> (i32, Option<&'a Step>) {
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

    fn count_pods(&mut self) {
        let counts = self
            .canary()
            .map(|(canary, _)| (canary.present(), canary.available()));
        if let Some((present, available)) = counts {
            let sub = self.sub();
            sub.canary_replicas = present;
            sub.canary_ready_replicas = available;
        }
    }

    /// An edited plan: the step is done again from its beginning, so that it pauses again; one that is no more becomes the
    /// last. Upstream may advance by itself when a step shrinks (engine-rollout 10.2); this never does.
    fn follow_plan(&mut self) {
        let hash = batch::plan_hash(&self.s.rollout.spec);
        if self.sub().rollout_hash.as_deref() == Some(hash.as_str()) {
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
    fn twins(&self) -> bool {
        self.s
            .canary_strategy()
            .is_some_and(|canary| !canary.disable_generate_canary_service)
    }

    fn grace(&self) -> SignedDuration {
        SignedDuration::from_secs(self.s.routing().map_or(0, traffic::grace))
    }

    fn until_grace_ends(&self) -> Timestamp {
        self.stamped()
            .saturating_add(self.grace())
            .unwrap_or(Timestamp::MAX)
    }

    /// Before any pod: the stable Service keeps to the stable version, so that no new pod leaks into its traffic; a step
    /// that asks for no split gets none.
    fn before(&mut self) -> Flow {
        let (_, step) = self.step();
        let routes = step.and_then(traffic::split).is_some() && self.s.routing().is_some();
        if routes {
            if let Some(pin) = self.pin() {
                return Flow::Do(vec![pin], Reason::Starting);
            }
        } else if let Some(flow) = self.tear_down() {
            return flow;
        }
        self.sub().finalising_step = FinalisingStep::None;
        self.enter(StepState::StepUpgrade);
        self.stamp();
        Flow::Again
    }

    fn pin(&mut self) -> Option<Effect> {
        let routing = self.s.routing().filter(|_| self.twins())?;
        let revision = self.sub().stable_revision.clone()?;
        let stable = self.s.services.get(&routing.service)?;
        (service::pinned(stable) != Some(revision.as_str())).then(|| {
            let body = service::pin(Some(&revision));
            self.s.write(
                stable,
                Verb::Merge(body),
                "keep the stable Service to the stable version",
            )
        })
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

    /// New pods come up beside the stable ones.
    fn upgrade(&mut self) -> Flow {
        let (index, step) = self.step();
        let (Some(step), Some((deployment, _))) = (step, self.workload()) else {
            return Flow::Again;
        };
        let wanted = batch::wanted(step, deployment.replicas());
        let routes = traffic::split(step).is_some() && self.s.routing().is_some();
        let Some((canary, version)) = self.canary() else {
            let patch = self
                .s
                .canary_strategy()
                .and_then(|canary| canary.patch_pod_template_metadata.as_ref());
            let name = deployment.canary_name(patch, self.s.uid());
            let mark = Mark::read(deployment.object);
            let body = deployment.canary(&name, wanted, patch, mark.as_ref(), self.s.owner());
            let purpose = format!(
                "bring up {wanted} new {}",
                if wanted == 1 { "pod" } else { "pods" }
            );
            // A canary that was removed by hand gets no traffic until its pods are back.
            let mut effects = self.restore_route();
            effects.push(self.s.create(body, purpose));
            return Flow::Do(effects, Reason::Starting);
        };
        let reason = Reason::Upgrading {
            step: index,
            total: self.total(),
            ready: canary.available(),
            wanted,
        };
        if canary.replicas() < wanted {
            return Flow::Do(vec![self.scale(&canary, wanted)], reason);
        }
        if let Some(flow) = self.twin(version, routes, &reason) {
            return flow;
        }
        let threshold = self
            .s
            .canary_strategy()
            .and_then(|canary| canary.failure_threshold.as_ref());
        let enough = canary.available() >= wanted - batch::tolerated(threshold, wanted)
            && (wanted == 0 || canary.available() > 0);
        if !canary.observed() || canary.present() < wanted || !enough {
            return self.wait_for_pods(reason);
        }
        let labels = self.label_pods(version, deployment.replicas());
        if !labels.is_empty() {
            return Flow::Do(labels, reason);
        }
        if routes {
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
        // From here on the state says: the route is as wanted, and its grace runs since the stamp.
        self.enter(StepState::StepTrafficRouting);
        self.stamp();
        Flow::Again
    }

    /// The canary Service, as soon as the new pods have a revision to select by. Its grace runs while they start: the
    /// stamp is set when it is first seen in place, which the recorded hash remembers.
    fn twin(&mut self, version: Option<ReplicaSet<'a>>, routes: bool, reason: &Reason) -> Option<Flow> {
        let Some(version) = version.filter(|version| !version.hash().is_empty()) else {
            return Some(self.wait_for_pods(reason.clone()));
        };
        if let Some(effect) = self.twin_service(version.hash(), routes) {
            return Some(Flow::Do(vec![effect], reason.clone()));
        }
        if self.sub().pod_template_hash != version.hash() {
            self.sub().pod_template_hash = version.hash().to_owned();
            self.stamp();
        }
        None
    }

    /// Labels that the Rollout lays over the canary's pods.
    fn patched_labels(&self) -> Option<&'a BTreeMap<String, String>> {
        let patch = self.s.canary_strategy()?.patch_pod_template_metadata.as_ref();
        patch.map(|patch| &patch.labels)
    }

    /// What must be written for the canary Service to select the new version.
    fn twin_service(&self, revision: &str, routes: bool) -> Option<Effect> {
        let routing = self.s.routing().filter(|_| routes && self.twins())?;
        let stable = self.s.services.get(&routing.service)?;
        match self.s.services.get(&service::canary_name(&routing.service)) {
            None => Some(self.s.create(
                service::canary(stable, revision, self.patched_labels(), self.s.owner()),
                "a Service for the new version",
            )),
            Some(twin) if service::pinned(twin) != Some(revision) => Some(self.s.write(
                twin,
                Verb::Merge(service::pin(Some(revision))),
                "point the canary Service at the new version",
            )),
            Some(_) => None,
        }
    }

    fn scale(&self, canary: &crate::workload::Deployment<'_>, to: i32) -> Effect {
        let verb = Verb::Merge(json!({ "spec": { "replicas": to } }));
        self.s.write(
            canary.object,
            verb,
            format!("{to} new {}", if to == 1 { "pod" } else { "pods" }),
        )
    }

    /// What must be written for the route to split as the step asks.
    fn split(&self, step: &Step) -> Vec<Effect> {
        let (Some(routing), Some(split)) = (self.s.routing(), traffic::split(step)) else {
            return Vec::new();
        };
        let Some(reference) = routing.ingress.as_ref() else {
            return Vec::new();
        };
        let (Some(class), Some(user)) = (
            Class::named(&reference.class_type),
            self.s.ingresses.get(&reference.name),
        ) else {
            return Vec::new();
        };
        let target = if self.twins() {
            service::canary_name(&routing.service)
        } else {
            routing.service.clone()
        };
        let Ok(wanted) = ingress::canary(class, user, &routing.service, &target, &split, self.s.owner())
        else {
            return Vec::new();
        };
        let purpose = split.weight.map_or_else(
            || "matching requests to the new version".to_owned(),
            |w| format!("{w}% of traffic to the new version"),
        );
        let name = ingress::canary_name(user.metadata.name.as_deref().unwrap_or_default());
        match self.s.ingresses.get(&name) {
            None => vec![self.s.create(wanted, purpose)],
            Some(present) => ingress::difference(present, &wanted)
                .map(|patch| self.s.write(present, Verb::Merge(patch), purpose))
                .into_iter()
                .collect(),
        }
    }

    /// The route was written; the data plane gets its grace.
    fn route(&mut self) -> Flow {
        let (index, step) = self.step();
        let Some(step) = step else { return Flow::Again };
        let routes = traffic::split(step).is_some() && self.s.routing().is_some();
        if routes {
            if !self.split(step).is_empty() {
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
        self.enter(StepState::StepMetricsAnalysis);
        Flow::Again
    }
    /// Waits for a human or for time; meanwhile the step stays as it was asked for when the workload is scaled.
    fn pause(&mut self) -> Flow {
        let (index, step) = self.step();
        let total = self.total();
        let (Some(step), Some((deployment, _))) = (step, self.workload()) else {
            return Flow::Again;
        };
        if index == total && batch::is_everything(step) {
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
        let wanted = batch::wanted(step, deployment.replicas());
        let most = self.most_wanted(deployment.replicas()).max(1);
        match self.canary() {
            Some((canary, _)) if canary.replicas() < wanted => {
                return Flow::Do(vec![self.scale(&canary, wanted)], reason);
            }
            Some((canary, _)) if canary.replicas() > most => {
                return Flow::Do(vec![self.scale(&canary, most)], reason);
            }
            Some((_, version)) => {
                let repairs = self.repair(step, version.as_ref());
                if !repairs.is_empty() {
                    return Flow::Do(repairs, reason);
                }
                let labels = self.label_pods(version, deployment.replicas());
                if !labels.is_empty() {
                    return Flow::Do(labels, reason);
                }
            }
            None => {
                // Removed by hand: no traffic goes to it, and it is brought up again before anybody is asked to approve it.
                // Written first: a canary that is there again must not be taken for one that this pause left behind.
                let route = self.restore_route();
                if !route.is_empty() {
                    return Flow::Do(route, reason);
                }
                self.enter(StepState::BeforeStepUpgrade);
                let again = Reason::Upgrading {
                    step: index,
                    total,
                    ready: 0,
                    wanted,
                };
                return Flow::Wait(Wake::OnChange, again);
            }
        }
        Flow::Wait(until.map_or(Wake::OnChange, Wake::At), reason)
    }

    /// The writes that bring back what this step made of the traffic and somebody undid. The pods never left, so there is
    /// nothing to wait for.
    fn repair(&mut self, step: &Step, version: Option<&ReplicaSet<'a>>) -> Vec<Effect> {
        let Some(revision) = version
            .map(ReplicaSet::hash)
            .filter(|hash| !hash.is_empty() && traffic::split(step).is_some())
        else {
            return Vec::new();
        };
        let mut effects: Vec<Effect> = self.pin().into_iter().collect();
        effects.extend(self.twin_service(revision, true));
        effects.extend(self.split(step));
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
        let replicas = self.s.deployment().map_or(0, |deployment| deployment.replicas());
        let (step, asked) = self.step();
        let wanted = asked.map_or(0, |asked| batch::wanted(asked, replicas));
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

    /// New pods that the steps reached so far want at the most. A jump back keeps the pods it has, as upstream does; fewer
    /// pods of the workload, or a step edited to want fewer, take some away (engine-canary-and-bluegreen 7, D19).
    fn most_wanted(&mut self, replicas: i32) -> i32 {
        let id = self.sub().observed_rollout_id.clone().unwrap_or_default();
        let ours = self
            .s
            .pods
            .iter()
            .filter(|pod| pod.labels.get(keys::ROLLOUT_ID) == Some(&id));
        let batches = ours.filter_map(|pod| pod.labels.get(keys::ROLLOUT_BATCH_ID)?.parse::<i32>().ok());
        let reached = batches.max().unwrap_or(0).max(self.sub().current_step_index);
        let steps = (1..=reached).zip(self.steps());
        steps
            .map(|(_, step)| batch::wanted(step, replicas))
            .max()
            .unwrap_or(0)
    }

    /// Labels new pods with the step that brought them: unlabelled ones fill the highest step first (engine-workloads 11).
    fn label_pods(&mut self, version: Option<ReplicaSet<'_>>, replicas: i32) -> Vec<Effect> {
        let Some(owner) = version.and_then(|version| version.object.metadata.uid.as_deref()) else {
            return Vec::new();
        };
        let id = self.sub().observed_rollout_id.clone().unwrap_or_default();
        let current = self.sub().current_step_index;
        let mut missing: BTreeMap<i32, i32> = BTreeMap::new();
        let mut before = 0;
        for (index, step) in (1..=current).zip(self.steps()) {
            let wanted = batch::wanted(step, replicas).max(before);
            missing.insert(index, wanted - before);
            before = wanted;
        }
        let mut unlabelled = Vec::new();
        for pod in self
            .s
            .pods
            .iter()
            .filter(|pod| pod.owner == owner && !pod.deleting)
        {
            let batch = pod
                .labels
                .get(keys::ROLLOUT_BATCH_ID)
                .and_then(|text| text.parse::<i32>().ok());
            match batch.filter(|_| pod.labels.get(keys::ROLLOUT_ID) == Some(&id)) {
                Some(batch) => *missing.entry(batch).or_default() -= 1,
                None => unlabelled.push(pod),
            }
        }
        let mut effects = Vec::new();
        for (batch, count) in missing.into_iter().rev() {
            for _ in 0..count.max(0) {
                let Some(pod) = unlabelled.pop() else {
                    return effects;
                };
                let body = json!({ "metadata": { "labels": { keys::ROLLOUT_ID: id, keys::ROLLOUT_BATCH_ID: batch.to_string() } } });
                let target = super::Target {
                    api_version: "v1".to_owned(),
                    kind: "Pod".to_owned(),
                    plural: "pods".to_owned(),
                    namespace: self.s.namespace().to_owned(),
                    name: pod.name.clone(),
                };
                // By uid alone: the kubelet writes a pod's status all the time, and no one else writes these labels.
                let precondition = Precondition {
                    uid: Some(pod.uid.clone()),
                    resource_version: None,
                };
                let purpose = format!("note that step {batch} brought this pod");
                effects.push(Effect {
                    target,
                    verb: Verb::Merge(body),
                    precondition,
                    purpose,
                });
            }
        }
        effects
    }
}
