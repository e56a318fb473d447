//! The pods of a step, whatever the style, and the labels that say which step brought them.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Effect, Verb, batch, machine::Machine};
use crate::{
    api::{
        IntOrPercent, keys,
        v1beta1::{CanaryStatus, RollingStyle, Step, StepState},
    },
    workload::{Kind, Pod, Workload, size},
};

/// What a step's pods are like, and what must be written for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    /// Writes that bring up what is missing.
    pub(super) effects: Vec<Effect>,
    /// New pods that the step wants.
    pub(super) wanted: i32,
    /// New pods.
    pub(super) updated: i32,
    /// Those that count as ready.
    pub(super) ready: i32,
    /// The value of the label that sets the new pods apart.
    pub(super) revision: Option<String>,
    /// Whether nothing is on the move: the last writes were seen by the controllers that act on them.
    pub(super) settled: bool,
    /// Whether the extra canary workload is not there.
    pub(super) lost: bool,
}

impl Batch {
    /// Whether the pods are up, as the threshold has it (engine-workloads 5.2).
    pub(super) fn is_up(&self, threshold: Option<&IntOrPercent>) -> bool {
        let enough = self.ready >= self.wanted - batch::tolerated(threshold, self.wanted)
            && (self.wanted == 0 || self.ready > 0);
        self.settled && self.updated >= self.wanted && enough
    }
}

impl<'a> Machine<'a> {
    /// The pods of a step.
    pub(super) fn batch(&mut self, step: &Step) -> Batch {
        let mut batch = match (self.style(), self.s.kind()) {
            (RollingStyle::Canary, _) => self.canary_batch(step),
            (RollingStyle::BlueGreen, _) => self.blue_green_batch(step),
            (RollingStyle::Partition, Some(Kind::Deployment)) => self.replica_sets_batch(step),
            (RollingStyle::Partition, Some(Kind::DaemonSet)) => self.daemon_set_batch(step),
            (RollingStyle::Partition, _) => self.partition_batch(step),
        };
        if self.replicas() == 0 {
            // Nothing to bring up; upstream passes such batches at once, too.
            batch.settled = true;
        }
        batch
    }

    /// Copies the counts into the status.
    pub(super) fn count_pods(&mut self) {
        let Some(step) = self.step().1 else { return };
        let batch = self.batch(step);
        if !batch.lost {
            let sub = self.sub();
            sub.canary_replicas = batch.updated;
            sub.canary_ready_replicas = batch.ready;
        }
    }

    /// New pods that a step wants. Of a Deployment in batches one old pod stays below 100% (engine-workloads 5.1).
    pub(super) fn wanted(&self, step: &Step) -> i32 {
        let replicas = self.replicas();
        let wanted = batch::wanted(step, replicas);
        let keeps_one = self.s.kind() == Some(Kind::Deployment)
            && self.style() == RollingStyle::Partition
            && replicas > 1
            && matches!(step.replicas, Some(IntOrPercent::Percent(percent)) if percent != 100);
        if keeps_one {
            wanted.min(replicas - 1)
        } else {
            wanted
        }
    }

    /// New pods that the steps reached so far want at the most. A jump back keeps the pods it has, as upstream does; fewer
    /// pods of the workload, or a step edited to want fewer, take some away (engine-canary-and-bluegreen 7, D19).
    pub(super) fn most_wanted(&self) -> i32 {
        let Some(release) = &self.status.canary_status else {
            return 0;
        };
        let id = release.observed_rollout_id.as_deref().unwrap_or_default();
        // New pods alone: an id that the user set may be that of the release before.
        let ours = self
            .new_pods()
            .into_iter()
            .filter(|pod| pod.label(keys::ROLLOUT_ID) == id);
        let batches = ours.filter_map(|pod| pod.label(keys::ROLLOUT_BATCH_ID).parse::<i32>().ok());
        let reached = batches.max().unwrap_or(0).max(release.current_step_index);
        let steps = (1..=reached).zip(self.s.rollout.spec.strategy.steps());
        steps.map(|(_, step)| self.wanted(step)).max().unwrap_or(0)
    }

    /// Whether surplus new pods may go: only once the traffic is what the step asks for, and the status says so. A step under
    /// way would bring them back.
    pub(super) fn takes_away(&self) -> bool {
        let paused = |release: Option<&CanaryStatus>| {
            let release = release.filter(|release| release.current_step_state == StepState::StepPaused);
            release.map(|release| release.current_step_index)
        };
        let written = self.s.rollout.status.as_ref();
        let written = paused(written.and_then(|status| status.canary_status.as_ref()));
        written.is_some() && written == paused(self.status.canary_status.as_ref())
    }

    /// The new version's pods, those on their way out left out, by name.
    pub(super) fn new_pods(&self) -> Vec<&'a Pod> {
        let set = match self.style() {
            RollingStyle::Canary => self.canary().and_then(|(_, version)| version),
            _ => self.new_set(),
        };
        match (self.s.kind(), set) {
            (Some(Kind::Deployment), Some(set)) => {
                let s = self.s;
                let uid = set.object.metadata.uid.as_deref();
                s.pods
                    .iter()
                    .map(AsRef::as_ref)
                    .filter(|pod: &&Pod| Some(pod.owner.as_str()) == uid && !pod.deleting)
                    .collect()
            }
            (Some(Kind::Deployment) | None, _) => Vec::new(),
            (Some(_), _) => self
                .new_revision()
                .map_or_else(Vec::new, |revision| self.pods_of(&revision)),
        }
    }

    /// Whether the workload has no pod of another version than the new one, those on their way out left out.
    pub(super) fn has_no_old_pods(&self) -> bool {
        let Some(workload) = self.workload() else {
            return true;
        };
        if let Some((_, versions)) = self.deployment() {
            let new = self.new_set();
            return versions
                .iter()
                .filter(|version| new.is_none_or(|new| new.hash() != version.hash()))
                .all(|version| version.wanted() == 0);
        }
        let revision = self.new_revision();
        self.own_pods()
            .all(|pod| pod.deleting || Some(workload.revision_of(pod)) == revision.as_deref())
    }

    /// Labels new pods with the step that brought them: unlabelled ones fill the highest step first, the last of them
    /// first. Pods that a rollback in batches found in place count for as many as the plan has beyond those it moves
    /// (engine-workloads 11).
    pub(super) fn label_pods(&mut self) -> Vec<Effect> {
        let id = self.sub().observed_rollout_id.clone().unwrap_or_default();
        let current = self.sub().current_step_index;
        let replicas = self.replicas();
        let mut missing: BTreeMap<i32, i32> = BTreeMap::new();
        let mut before = 0;
        for (index, step) in (1..=current).zip(self.s.rollout.spec.strategy.steps()) {
            let wanted = batch::wanted(step, replicas).max(before);
            missing.insert(index, wanted - before);
            before = wanted;
        }
        let (mut kept, mut moved) = (Vec::new(), Vec::new());
        let mut labelled = 0;
        for pod in self.new_pods() {
            let batch = pod.label(keys::ROLLOUT_BATCH_ID).parse::<i32>().ok();
            match batch.filter(|_| pod.label(keys::ROLLOUT_ID) == id) {
                Some(batch) => {
                    *missing.entry(batch).or_default() -= 1;
                    labelled += i32::from(pod.label(keys::NO_NEED_UPDATE) == id);
                }
                None if pod.label(keys::NO_NEED_UPDATE) == id => kept.push(pod),
                None => moved.push(pod),
            }
        }
        let step = usize::try_from(current - 1)
            .ok()
            .and_then(|at| self.s.rollout.spec.strategy.steps().get(at));
        let needing = step.map_or(0, |step| batch::wanted(step, replicas - self.no_need()));
        let room = usize::try_from(before - needing - labelled).unwrap_or(0);
        moved.extend(kept.into_iter().take(room));
        let mut effects = Vec::new();
        for (batch, count) in missing.into_iter().rev() {
            for _ in 0..count.max(0) {
                let Some(pod) = moved.pop() else {
                    return effects;
                };
                let body = json!({ "metadata": { "labels": { keys::ROLLOUT_ID: id, keys::ROLLOUT_BATCH_ID: batch.to_string() } } });
                effects.push(self.pod_write(
                    pod,
                    Verb::Merge(body),
                    format!("note that step {batch} brought this pod"),
                ));
            }
        }
        effects
    }

    /// Pods that a rollback in batches found at the version it brings back.
    pub(super) fn no_need(&self) -> i32 {
        let Some(sub) = self
            .status
            .canary_status
            .as_ref()
            .filter(|_| self.is_rollback_in_batches())
        else {
            return 0;
        };
        let pods = self.pods_of(&sub.canary_revision);
        size(pods.iter().filter(|pod| self.needs_no_update(pod)).count())
    }

    fn needs_no_update(&self, pod: &Pod) -> bool {
        let sub = self.status.canary_status.as_ref();
        let id = sub.and_then(|sub| sub.observed_rollout_id.as_deref());
        pod.label(keys::NO_NEED_UPDATE) == id.unwrap_or_default()
    }

    /// How many pods a partition by ordinals must let through for `moved` of those that need an update to be among them. Others
    /// may stand above these: pods that were made anew meanwhile, or that came when the workload was scaled up.
    pub(super) fn open_for(&self, moved: i32, workload: &Workload<'_>) -> i32 {
        let mut pods: Vec<&Pod> = self.own_pods().collect();
        pods.sort_by_key(|pod| std::cmp::Reverse(pod.ordinal()));
        let (mut open, mut left) = (0_i32, moved);
        for pod in &pods {
            if left <= 0 {
                break;
            }
            open += 1;
            left -= i32::from(!self.needs_no_update(pod));
        }
        let replicas = workload.replicas();
        let open = open.saturating_add(left.max(0)).min(replicas);
        if size(pods.len()) < replicas {
            // Whose place is empty shows when it is there again.
            open.max(replicas - workload.kept())
        } else {
            open
        }
    }

    /// While nothing is let through yet: notes which pods a rollback in batches need not touch.
    pub(super) fn note_no_need(&mut self) -> Vec<Effect> {
        if !self.is_rollback_in_batches() {
            return Vec::new();
        }
        let id = self.sub().observed_rollout_id.clone().unwrap_or_default();
        let revision = self.sub().canary_revision.clone();
        let pods = self.pods_of(&revision);
        pods.into_iter()
            .filter(|pod| pod.label(keys::NO_NEED_UPDATE) != id)
            .map(|pod| {
                let body = json!({ "metadata": { "labels": { keys::NO_NEED_UPDATE: id } } });
                self.pod_write(
                    pod,
                    Verb::Merge(body),
                    "note that this pod needs no update".to_owned(),
                )
            })
            .collect()
    }
}
