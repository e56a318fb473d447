//! Partition style: new pods take the place of old ones inside the workload, batch by batch.

use serde_json::{Value, json};

use super::{
    Effect, Reason, Verb,
    canary::counted,
    machine::{Flow, Machine},
    pods::Batch,
};
use crate::{
    api::{
        IntOrPercent,
        int_or_percent::Round,
        keys,
        v1beta1::{RollingStyle, Step},
    },
    workload::{
        Deployment, Kind, Pod, ReplicaSet, Workload, daemon, digest, hold, partition,
        rolling::{self, Bounds, Change, Version},
        same_template, size,
    },
};

/// Pods that may be missing of a Deployment whose own strategy is `Recreate`; none may be added, as upstream has it.
const RECREATE_UNAVAILABLE: IntOrPercent = IntOrPercent::Percent(25);

impl<'a> Machine<'a> {
    /// Kinds whose controllers know a partition: it is opened as far as the step asks for.
    pub(super) fn partition_batch(&mut self, step: &Step) -> Batch {
        let (Some(workload), Some(revision)) = (self.workload(), self.version()) else {
            return Batch::default();
        };
        let replicas = workload.replicas();
        let no_need = self.no_need();
        let moved = super::batch::wanted(step, replicas - no_need);
        let wanted = no_need + moved;
        // A StatefulSet's partition is an ordinal: most of the pods that need no update stand below those that move.
        let is_counted = workload.is_unordered_update();
        let open = if no_need > 0 {
            if is_counted {
                wanted
            } else {
                self.open_for(moved, &workload)
            }
        } else {
            self.most_wanted().max(wanted)
        };
        let in_percent = matches!(step.replicas, Some(IntOrPercent::Percent(_)));
        let mut fields = hold::held(workload.kind, self.style());
        if let Some(place) = hold::partition(workload.kind) {
            fields = fields.with(place, partition::value(workload.kind, open, replicas, in_percent));
        }
        let purpose = format!("let {} through", counted(open));
        let mut effects: Vec<Effect> = fields
            .difference(workload.spec())
            .map(|spec| {
                self.s
                    .write(workload.object, Verb::Merge(json!({ "spec": spec })), purpose)
            })
            .into_iter()
            .collect();
        if effects.is_empty() {
            effects.extend(self.unblock(&workload, &revision, replicas - open));
        }
        self.counted_batch(&workload, &revision, effects, wanted)
    }

    /// A pod that never becomes ready holds up a StatefulSet whose pods start in order, even when the template that would
    /// mend it is there; Kubernetes leaves it to a human to delete it (engine-workloads 6, kind notes). In any order it takes
    /// up what Kruise's `maxUnavailable` allows.
    pub(super) fn unblock(&self, workload: &Workload<'_>, revision: &str, partition: i32) -> Option<Effect> {
        matches!(workload.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet)
            .then(|| self.replace_stuck(workload, revision, partition))
            .flatten()
    }

    /// The same of a version that was given up whatever the order: where every other pod has to be ready before one that is may
    /// be taken back.
    pub(super) fn replace_stuck(
        &self,
        workload: &Workload<'_>,
        revision: &str,
        partition: i32,
    ) -> Option<Effect> {
        if !workload.observed() {
            return None;
        }
        // A partition is a place among the pods, whatever their ordinals begin with or leave out; with an unordered update
        // it is a number of pods, any of which may be the ones that stay.
        let mut ordinals: Vec<i32> = self.own_pods().filter_map(Pod::ordinal).collect();
        ordinals.sort_unstable();
        let place = |pod: &Pod| ordinals.binary_search(&pod.ordinal()?).ok();
        let is_through = |pod: &Pod| place(pod).is_some_and(|place| size(place) >= partition);
        let release = self.status.canary_status.as_ref();
        let stable = release.and_then(|release| release.stable_revision.as_deref());
        let current = workload.current_revision();
        let is_one_of_several = self.own_pods().nth(1).is_some();
        // Few are broken of ten thousand: the rest is asked of those only.
        let broken = self.own_pods().filter(|pod| {
            if pod.ready || pod.deleting || workload.revision_of(pod) == revision {
                return false;
            }
            let due = workload.is_ordered() && !workload.is_unordered_update() && is_through(pod);
            // One of a version that was given up comes back at the stable one; but just as it was where its controller takes that
            // version for the current one, since it was scaled to nothing and up again. Kruise's takes the new one for it as
            // soon as no pod is left.
            let comes_back = current.as_deref() == Some(workload.revision_of(pod))
                && (workload.kind == Kind::StatefulSet || is_one_of_several);
            let given_up = !comes_back && stable.is_some_and(|stable| workload.revision_of(pod) != stable);
            due || given_up
        });
        let next = broken.max_by_key(|pod| pod.ordinal())?;
        Some(self.remove_pod(
            next,
            "replace a pod that never became ready and holds up the others",
        ))
    }

    /// The same for a workload that was handed back and rolls by itself.
    pub(super) fn unblock_all(&self, workload: &Workload<'_>) -> Option<Effect> {
        self.unblock(workload, &self.version()?, workload.kept())
    }

    /// A DaemonSet of type OnDelete: pods are deleted so that its controller makes them anew.
    pub(super) fn daemon_set_batch(&mut self, step: &Step) -> Batch {
        let (Some(workload), Some(revision)) = (self.workload(), self.version()) else {
            return Batch::default();
        };
        let wanted = self.wanted(step);
        let fields = hold::held(workload.kind, self.style());
        let effects = match fields.difference(workload.spec()) {
            Some(spec) => vec![self.s.write(
                workload.object,
                Verb::Merge(json!({ "spec": spec })),
                "hold the new version",
            )],
            None => {
                let (new, old): (Vec<&Pod>, Vec<&Pod>) = self
                    .own_pods()
                    .partition(|pod| workload.revision_of(pod) == revision);
                daemon::to_replace(
                    &old,
                    &new,
                    workload.replicas(),
                    wanted,
                    workload.max_unavailable(),
                )
                .into_iter()
                .map(|pod| self.remove_pod(pod, "make place for a new pod"))
                .collect()
            }
        };
        self.counted_batch(&workload, &revision, effects, wanted)
    }

    /// A batch whose pods are counted one by one.
    pub(super) fn counted_batch(
        &self,
        workload: &Workload<'_>,
        revision: &str,
        effects: Vec<Effect>,
        wanted: i32,
    ) -> Batch {
        let pods = self.pods_of(revision);
        Batch {
            effects,
            wanted,
            updated: size(pods.len()),
            ready: size(pods.iter().filter(|pod| pod.ready).count()),
            revision: Some(revision.to_owned()),
            settled: workload.observed(),
            lost: false,
        }
    }

    /// The ReplicaSet of the present template.
    pub(super) fn new_set(&self) -> Option<ReplicaSet<'a>> {
        let (deployment, versions) = self.deployment()?;
        let mut new = versions.into_iter();
        new.find(|version| same_template(version.template(), deployment.template()))
    }

    /// A Deployment: the engine sizes its ReplicaSets.
    pub(super) fn replica_sets_batch(&mut self, step: &Step) -> Batch {
        let wanted = self.wanted(step);
        let most = self.most_wanted().max(wanted);
        let Some((deployment, _)) = self.deployment() else {
            return Batch::default();
        };
        let new = self.new_set();
        let present = new.map_or(0, |new| new.wanted()).min(self.replicas());
        let target = if self.takes_away() {
            most
        } else {
            most.max(present.min(self.room_beside_pinned()))
        };
        let (effects, moving) = self.sizes(&deployment, target);
        Batch {
            wanted,
            updated: new.map_or(0, |new| new.present()),
            ready: new.map_or(0, |new| new.ready()),
            revision: new
                .map(|new| new.hash().to_owned())
                .filter(|hash| !hash.is_empty()),
            settled: effects.is_empty() && !moving,
            effects,
            lost: false,
        }
    }

    /// New pods that there may be at the most: the stable Service needs those that it is kept to.
    fn room_beside_pinned(&self) -> i32 {
        let old = self.stable_set().map_or(0, |set| set.wanted());
        if old > 0 && self.unpin().is_some() {
            (self.replicas() - old).max(0)
        } else {
            self.replicas()
        }
    }

    /// The sizes of the ReplicaSets for `new` pods of the new version, and whether they still wait for something.
    fn sizes(&self, deployment: &Deployment<'a>, new: i32) -> (Vec<Effect>, bool) {
        let (Some(workload), Some((_, versions))) = (self.workload(), self.deployment()) else {
            return (Vec::new(), true);
        };
        if versions.iter().any(|version| !version.observed()) || !workload.observed() {
            // Numbers from before the last write; what they lead to would be undone.
            return (Vec::new(), true);
        }
        let replicas = workload.replicas();
        let present = self.new_set();
        let is_new =
            |version: &ReplicaSet<'_>| present.is_some_and(|present| present.hash() == version.hash());
        // The new version is everywhere, or the old one's ReplicaSet was cleaned away: the Deployment's own controller fills up
        // what alone has pods, and scales down at once what is brought up beside a version that is complete.
        let has_no_others = versions
            .iter()
            .all(|version| is_new(version) || version.wanted() == 0);
        let is_alone = has_no_others
            && present.is_some_and(|present| present.wanted() >= replicas || self.stable_set().is_none());
        let new = if is_alone { replicas } else { new };
        let bounds = Bounds {
            new,
            replicas,
            ..self.bounds(replicas)
        };
        let stable = self
            .status
            .canary_status
            .as_ref()
            .and_then(|sub| sub.stable_revision.clone());
        let mut old: Vec<ReplicaSet<'_>> = versions
            .into_iter()
            .filter(|version| !is_new(version))
            .filter(|version| version.wanted() > 0 || Some(version.hash()) == stable.as_deref())
            .collect();
        // The newest first, the one from before the release last.
        old.sort_by_key(|version| {
            (
                Some(version.hash()) == stable.as_deref(),
                std::cmp::Reverse(version.number()),
            )
        });
        let seen = |version: &ReplicaSet<'_>| Version {
            wanted: version.wanted(),
            available: version.available().min(version.wanted()),
        };
        let olds: Vec<Version> = old.iter().map(seen).collect();
        let changes = rolling::changes(present.as_ref().map(seen).as_ref(), &olds, bounds);
        let effects = changes
            .iter()
            .filter_map(|change| match (change, present) {
                (Change::New(to), Some(present)) => Some(self.size(&present, *to, counted(*to))),
                (Change::New(to), None) => self.new_replica_set(deployment, *to, bounds),
                (Change::Old(place, to), _) => {
                    let left = format!("{to} old {}", if *to == 1 { "pod" } else { "pods" });
                    old.get(*place).map(|version| self.size(version, *to, left))
                }
            })
            .collect();
        let others: i32 = olds
            .iter()
            .map(|version| version.wanted)
            .fold(0, i32::saturating_add);
        let is_reached = present.map_or(0, |present| present.wanted()) == new && others == replicas - new;
        (effects, !is_reached)
    }

    /// Before a Deployment in batches is handed back: no more pods than it wants now, be it that it was scaled since. Its own
    /// controller would take those too many away and then, by numbers from before they went, as many others.
    pub(super) fn shrink_sets(&self, reason: &Reason) -> Option<Flow> {
        let (deployment, versions) = self.deployment()?;
        if self.style() != RollingStyle::Partition || !deployment.paused() {
            return None;
        }
        let replicas = deployment.replicas();
        let all = versions
            .iter()
            .map(ReplicaSet::wanted)
            .fold(0, i32::saturating_add);
        if all > replicas.saturating_add(self.bounds(replicas).surge) {
            let new = self.new_set().map_or(0, |new| new.wanted());
            let (effects, _) = self.sizes(&deployment, new.min(replicas));
            if !effects.is_empty() {
                return Some(Flow::Do(effects, reason.clone()));
            }
            return self.wait_in_time(reason.clone());
        }
        let is_stale = |version: &ReplicaSet<'_>| !version.observed() || version.present() > version.wanted();
        let waits = versions.iter().any(is_stale);
        waits.then(|| self.wait_in_time(reason.clone())).flatten()
    }

    /// What the user's own strategy allows.
    fn bounds(&self, replicas: i32) -> Bounds {
        let mark = self.mark();
        let strategy = mark.as_ref().and_then(|mark| mark.original.get(hold::STRATEGY));
        let number = |field: &str, default: IntOrPercent, round: Round| {
            let value = strategy.map_or(&Value::Null, |strategy| &strategy["rollingUpdate"][field]);
            let value: Option<IntOrPercent> = serde_json::from_value(value.clone()).ok();
            value.unwrap_or(default).of(replicas, round).max(0)
        };
        let is_recreate = strategy.is_some_and(|strategy| strategy["type"] == "Recreate");
        let surge = if is_recreate {
            0
        } else {
            number("maxSurge", IntOrPercent::Percent(25), Round::Up)
        };
        let unavailable = number("maxUnavailable", RECREATE_UNAVAILABLE, Round::Down);
        Bounds {
            replicas,
            new: 0,
            surge,
            // With neither, nothing could ever move; Kubernetes assumes one then.
            unavailable: if surge == 0 {
                unavailable.max(1)
            } else {
                unavailable
            }
            .min(replicas),
        }
    }

    /// The ReplicaSet of the new version, which the Deployment's own controller does not make while it is paused; it takes
    /// this one for its own by the equal template (engine-workloads 2.3). Nothing when one of this name is there with
    /// another template, which somebody changed: it cannot be made, and waiting for it ends with the deadline.
    fn new_replica_set(&self, deployment: &Deployment<'_>, replicas: i32, bounds: Bounds) -> Option<Effect> {
        let hash = digest(deployment.template(), self.s.uid());
        let name = format!("{}-{hash}", deployment.name());
        let mut known = self.s.replica_sets.iter();
        if known.any(|set| set.metadata.name.as_deref() == Some(name.as_str())) {
            return None;
        }
        let mut template = deployment.template().clone();
        hold::put(&mut template, "metadata.labels.pod-template-hash", json!(hash));
        let mut selector = deployment.object.data["spec"]["selector"].clone();
        hold::put(&mut selector, "matchLabels.pod-template-hash", json!(hash));
        let mut spec = json!({ "replicas": replicas, "selector": selector, "template": template });
        let ready = hold::at(&deployment.object.data["spec"], hold::MIN_READY);
        if !ready.is_null() {
            spec[hold::MIN_READY] = ready.clone();
        }
        let most = bounds.replicas.saturating_add(bounds.surge);
        let owner = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name(),
            "uid": deployment.object.metadata.uid, "controller": true, "blockOwnerDeletion": true,
        });
        let body = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": self.s.namespace(),
                "labels": template["metadata"]["labels"],
                "annotations": {
                    keys::DESIRED_REPLICAS: bounds.replicas.to_string(),
                    keys::MAX_REPLICAS: most.to_string(),
                },
                "ownerReferences": [owner],
            },
            "spec": spec,
        });
        Some(self.s.create(body, format!("bring up {}", counted(replicas))))
    }

    /// Before a Deployment is handed back: versions whose notes say that the Deployment once wanted another size, since it was
    /// scaled and they have what they should. Its controller takes that for scaling under way: it adds pods in proportion, and
    /// then takes away those that it has not seen become ready; or it finds nothing to scale, and never rolls again.
    pub(super) fn correct_notes(&self, reason: &Reason) -> Option<Flow> {
        let (deployment, versions) = self.deployment()?;
        let replicas = deployment.replicas();
        let is_wrong = |version: &&ReplicaSet<'_>| {
            let notes = version.object.metadata.annotations.as_ref();
            let note = notes.and_then(|notes| notes.get(keys::DESIRED_REPLICAS));
            version.wanted() > 0 && note.is_some_and(|note| *note != replicas.to_string())
        };
        let wrong = versions.iter().filter(is_wrong);
        let effects: Vec<Effect> = wrong
            .map(|version| self.size(version, version.wanted(), "note what the workload wants"))
            .collect();
        match deployment.observed() {
            _ if replicas == 0 || effects.is_empty() => None,
            true => Some(Flow::Do(effects, reason.clone())),
            // The last change may be that it was scaled, which its controller notes by itself.
            false => self.wait_in_time(reason.clone()),
        }
    }

    /// Before a Deployment whose own strategy is `Recreate` is handed back: all pods have the template's version, since its
    /// controller would otherwise stop every other one first.
    pub(super) fn roll_recreate(&mut self, reason: &Reason) -> Option<Flow> {
        let (deployment, _) = self.deployment()?;
        let mark = self.mark()?;
        let strategy = mark.original.get(hold::STRATEGY)?;
        let is_frozen =
            deployment.paused() && deployment.object.data["spec"]["strategy"]["type"] == "Recreate";
        if strategy["type"] != "Recreate" || !is_frozen {
            return None;
        }
        let (effects, moving) = self.sizes(&deployment, deployment.replicas());
        if !effects.is_empty() {
            return Some(Flow::Do(effects, reason.clone()));
        }
        moving.then(|| self.wait_for_pods(reason.clone()))
    }
}
