//! The hold: nothing but the engine brings out the new version while a release is under way.

use serde_json::{Value, json};

use super::{
    Effect, Reason, Verb, Wake,
    machine::{Flow, Machine},
};
use crate::{
    api::{keys, patch::merge_diff, v1beta1::RollingStyle},
    workload::{
        Kind, Mark, Pod, ReplicaSet, Workload,
        hold::{self, Fields},
        mark::Original,
        same_template, size,
    },
};

/// Seconds within which the beginning of a release is written, all retries included.
const STAMPED_WITHIN: i64 = 30;

/// How far a release is, for what the hold must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// No pod of the new version may start, and those that did are taken back.
    Beginning,
    /// The batches say how far the hold is open.
    Rolling,
}

/// Fields by which a batch lets pods through; what their values must be the batch says.
fn opened(style: RollingStyle, kind: Kind) -> &'static [&'static str] {
    match (style, kind) {
        (RollingStyle::BlueGreen, Kind::Deployment) => &[hold::PAUSED, hold::STRATEGY],
        (RollingStyle::BlueGreen, _) => &[hold::PARTITION, hold::MAX_SURGE],
        _ => &[hold::PARTITION, hold::ROLLING_PARTITION],
    }
}

/// Whether what a hold puts into this field may well be what the user has there.
fn is_bound(path: &str) -> bool {
    matches!(path, hold::STRATEGY | hold::MAX_SURGE | hold::MAX_UNAVAILABLE)
        || matches!(path, hold::UPDATE_PAUSED | hold::ROLLING_PAUSED)
}

impl<'a> Machine<'a> {
    /// The mark on the workload: this Rollout's, or one that a Rollout left which is no more or looks elsewhere now; with
    /// what the user wrote over the hold since.
    pub(super) fn mark(&self) -> Option<Mark> {
        let mut mark = self.written_mark()?;
        if let Some(workload) = self.workload() {
            mark.original.follow(workload.kind, self.style(), workload.spec());
        }
        Some(mark)
    }

    /// The same as it is written.
    fn written_mark(&self) -> Option<Mark> {
        let mark = self.s.workload.as_ref().and_then(Mark::read);
        mark.filter(|mark| !self.s.rivals.contains(&mark.rollout_name))
    }

    /// Makes sure of the hold: takes ownership of mark and hold, and where the change was not held, gives the old version
    /// its pods back before the new ones go.
    pub(super) fn hold(&mut self, stage: Stage) -> Option<Flow> {
        let workload = self.workload()?;
        let revision = self.status.canary_status.as_ref()?.stable_revision.clone()?;
        let loose = self.loose_sets(stage, &revision);
        let mark = self.mark();
        let fields = self.held_fields(stage, &workload, mark.as_ref(), !loose.is_empty());
        let owned = workload.label(keys::STABLE_REVISION) == Some(revision.as_str());
        let whole = hold::held(workload.kind, self.style());
        let covered = mark.as_ref().is_some_and(|mark| {
            let covers = mark.original.covers(&fields) && mark.original.covers(&whole);
            mark.rollout_name == self.s.name() && covers
        }) && mark == self.written_mark();
        if !(owned && covered && fields.in_place(workload.spec())) {
            let body = self.claim(&workload, stage, &fields, mark, &revision);
            let purpose = if hold::first(workload.kind).in_place(workload.spec()) {
                "take ownership of the hold"
            } else {
                "hold the new version"
            };
            return Some(Flow::Do(
                vec![self.s.write(workload.object, body, purpose)],
                Reason::Starting,
            ));
        }
        if !workload.observed() {
            // Until its controller has seen the hold it may still act on the spec from before.
            return Some(self.wait_for_controller());
        }
        if loose.is_empty() {
            return (stage == Stage::Beginning)
                .then(|| self.take_pods_back(&workload))
                .flatten();
        }
        self.take_sets_back(&workload, &loose, &revision)
    }

    /// What the hold must be at this stage.
    fn held_fields(
        &self,
        stage: Stage,
        workload: &Workload<'_>,
        mark: Option<&Mark>,
        is_loose: bool,
    ) -> Fields {
        let style = self.style();
        let fields = hold::held(workload.kind, style);
        let is_frozen = workload.kind == Kind::Deployment
            && (is_loose
                || (style == RollingStyle::Canary
                    && mark.is_some_and(|mark| mark.original.get(hold::STRATEGY).is_some())));
        if is_frozen {
            // With several active ReplicaSets a paused RollingUpdate Deployment is still scaled proportionally by its
            // controller, which would undo the restored capacity; Recreate switches that off (engine-workloads 15).
            return fields.with(hold::STRATEGY, json!({ "type": "Recreate" }));
        }
        if stage == Stage::Beginning && workload.kind == Kind::CloneSet && style == RollingStyle::BlueGreen {
            let first = hold::first(workload.kind);
            let is_held =
                mark.is_some_and(|mark| mark.original.covers(&first)) && first.in_place(workload.spec());
            if !(is_held && workload.observed()) || self.is_being_replaced(workload) {
                // Unheld, Kruise has marked old pods to go, and adds no more new ones than those leave room for: while no
                // pod is available they would never go.
                return first;
            }
        }
        match stage {
            Stage::Beginning => fields,
            Stage::Rolling => fields.without(opened(style, workload.kind)),
        }
    }

    /// Whether the workload's controller is still in the middle of something that it began before the hold.
    fn is_being_replaced(&self, workload: &Workload<'_>) -> bool {
        let new = self.version();
        let settled = self.own_pods().filter(|pod| {
            let is_new = new.as_deref() == Some(workload.revision_of(pod));
            // Until it serves, Kruise may let it go before a new one.
            !(pod.deleting
                || is_new
                || self.is_coming_back(pod)
                || pod.label(keys::SPECIFIED_DELETE) == "true")
        });
        size(settled.count()) < workload.replicas()
    }

    /// Whether a pod was made anew in place of one that went since the release began, and does not serve yet. That it began may
    /// have been written some tries after the first pods were taken back.
    fn is_coming_back(&self, pod: &Pod) -> bool {
        let began = self.stamped().as_second() - STAMPED_WITHIN;
        !pod.ready && pod.created.is_some_and(|created| created.as_second() >= began)
    }

    /// Whether a StatefulSet would take its last pod, which serves, while another one that was taken back is not there again:
    /// its controller looks at the pods above only.
    fn is_back_below_last(&self, workload: &Workload<'_>) -> bool {
        let mut pods: Vec<&Pod> = self.own_pods().filter(|pod| !pod.deleting).collect();
        let is_whole = size(pods.len()) >= workload.replicas();
        pods.sort_by_key(|pod| pod.ordinal());
        let Some((last, others)) = pods.split_last() else {
            return true;
        };
        let serves = last.ordinal().is_some() && last.ready;
        !serves || is_whole && !others.iter().any(|pod| self.is_coming_back(pod))
    }

    /// The write that puts mark, hold and the stable revision's label in place. The first one takes ownership of them by a
    /// server-side apply: what a policy wrote has no owner, and would be lost at the next apply of the user's manifest
    /// (hold-policy, findings 1 and 2). Later ones must not be applied: an apply removes what it does not name.
    fn claim(
        &self,
        workload: &Workload<'_>,
        stage: Stage,
        fields: &Fields,
        mark: Option<Mark>,
        revision: &str,
    ) -> Verb {
        let is_claimed = workload.label(keys::STABLE_REVISION) == Some(revision);
        let mark = self.remember(workload, stage, fields, mark);
        let metadata = json!({
            "annotations": { keys::IN_PROGRESSING: mark.text() },
            "labels": { keys::STABLE_REVISION: revision },
        });
        let first = hold::first(workload.kind);
        // What a write changes it owns anyway; only what is there already has to be applied.
        let is_applied = fields.can_be_applied() || first.in_place(workload.spec());
        if stage == Stage::Beginning && !is_claimed && is_applied {
            let types = workload.object.types.clone().unwrap_or_default();
            let applied = if fields.can_be_applied() { fields } else { &first };
            let mut body = json!({ "apiVersion": types.api_version, "kind": types.kind, "metadata": metadata, "spec": applied.tree() });
            body["metadata"]["name"] = json!(workload.object.metadata.name);
            return Verb::Apply(body);
        }
        let mut body = json!({ "metadata": metadata });
        if let Some(spec) = fields.difference(workload.spec()) {
            body["spec"] = spec;
        }
        Verb::Merge(body)
    }

    /// The mark with the user's values of all that the release will replace.
    fn remember(&self, workload: &Workload<'_>, stage: Stage, fields: &Fields, mark: Option<Mark>) -> Mark {
        let is_bare = mark
            .as_ref()
            .is_some_and(|mark| mark.original == Original::default());
        let mut mark = mark.unwrap_or_default();
        self.s.name().clone_into(&mut mark.rollout_name);
        let whole = hold::held(workload.kind, self.style());
        for (path, held) in whole.iter() {
            // Somebody took the mark away, or it is upstream's, which keeps no originals: a value that a hold put there is not
            // the user's. A pause, a strategy or its bounds may well be.
            let is_lost = is_bare || stage == Stage::Rolling || !(path == hold::PAUSED || is_bound(path));
            if is_lost && hold::at(workload.spec(), path) == held {
                mark.original.keep(path, Value::Null);
            }
        }
        mark.original.remember(workload.spec(), fields);
        mark.original.remember(workload.spec(), &whole);
        mark
    }

    /// ReplicaSets with pods that nobody let through: those of the new version when a release begins; beside an extra
    /// canary any but the stable one. A third version in a blue-green release, too: the workload's own controller would take
    /// its pods and the stable ones for old ones to remove, the oldest first.
    fn loose_sets(&self, stage: Stage, stable: &str) -> Vec<ReplicaSet<'a>> {
        let Some((deployment, versions)) = self.deployment() else {
            return Vec::new();
        };
        let style = self.style();
        let release = self.status.canary_status.as_ref();
        let under_way = release.map(|release| release.pod_template_hash.as_str());
        let is_loose = |version: &ReplicaSet<'_>| {
            let is_first = stage == Stage::Beginning;
            let is_new = || same_template(version.template(), deployment.template());
            let is_let_through = match style {
                RollingStyle::Canary => false,
                RollingStyle::BlueGreen => under_way == Some(version.hash()) || !is_first && is_new(),
                RollingStyle::Partition => !(is_first && is_new()),
            };
            version.hash() != stable && version.wanted() > 0 && !is_let_through
        };
        versions.into_iter().filter(is_loose).collect()
    }

    fn take_sets_back(
        &self,
        workload: &Workload<'_>,
        loose: &[ReplicaSet<'_>],
        revision: &str,
    ) -> Option<Flow> {
        let (_, versions) = self.deployment()?;
        let stable = versions.iter().find(|version| version.hash() == revision)?;
        // Pods of a release that this one took the place of stay until its batches replace them; those that do not serve fill no
        // place.
        let others: i32 = versions
            .iter()
            .filter(|version| {
                version.hash() != revision && !loose.iter().any(|other| other.hash() == version.hash())
            })
            .map(|version| version.ready().min(version.wanted()))
            .fold(0, i32::saturating_add);
        let wanted = (workload.replicas() - others).max(0);
        let reason = Reason::RestoringStable {
            ready: stable.ready(),
            wanted,
        };
        if stable.wanted() < wanted {
            let grow = self.size(stable, wanted, "restore the old version's capacity");
            return Some(Flow::Do(vec![grow], reason));
        }
        if stable.ready() < wanted {
            // An extra canary can only begin beside a whole old version; batches begin with what is there.
            return match self.style() {
                RollingStyle::Canary => Some(self.wait_for_pods(reason)),
                _ => self.wait_in_time(reason),
            };
        }
        let effects = loose
            .iter()
            .map(|version| self.size(version, 0, "take back pods that were not held"))
            .collect();
        Some(Flow::Do(effects, reason))
    }

    /// The write of a ReplicaSet's size. A version that is not of the size its Deployment once wanted is taken for one being
    /// scaled, and as long as that lasts the Deployment controller does not roll; it corrects its note only when it scales
    /// itself.
    pub(super) fn size(&self, version: &ReplicaSet<'_>, to: i32, purpose: impl Into<String>) -> Effect {
        let note = json!({ keys::DESIRED_REPLICAS: self.replicas().to_string() });
        let body = json!({ "metadata": { "annotations": note }, "spec": { "replicas": to } });
        self.s.write(version.object, Verb::Merge(body), purpose)
    }

    /// Pods of other kinds that started before the hold. A StatefulSet makes a deleted pod anew from the old version while
    /// the partition is above it, and so does a CloneSet; a DaemonSet makes every pod from the new template, so that its
    /// pods stay and count for the first batch.
    fn take_pods_back(&mut self, workload: &Workload<'a>) -> Option<Flow> {
        let revision = self.version()?;
        if workload.kind.is_per_node() || self.is_rollback_in_batches() || workload.kind == Kind::Deployment {
            return None;
        }
        if workload.current_revision().as_ref() == Some(&revision) {
            // Its controller would make them anew just as they are.
            return None;
        }
        let (loose, others): (Vec<&Pod>, Vec<&Pod>) = self
            .own_pods()
            .partition(|pod| workload.revision_of(pod) == revision || self.is_in_between(workload, pod));
        let loose: Vec<&Pod> = loose.into_iter().filter(|pod| !pod.deleting).collect();
        let wanted = workload.replicas();
        let ready = others.iter().filter(|pod| pod.ready && !pod.deleting).count();
        let reason = Reason::RestoringStable {
            ready: size(ready),
            wanted,
        };
        let Some(next) = loose.iter().max_by_key(|pod| (!pod.ready, pod.ordinal())) else {
            let is_waiting = match workload.kind {
                Kind::CloneSet => self.style() == RollingStyle::BlueGreen && self.is_being_replaced(workload),
                _ => !self.is_back_below_last(workload),
            };
            return is_waiting.then(|| self.wait_in_time(reason)).flatten();
        };
        // One at a time, those first that serve nobody, from the highest ordinal down as the controller does. One that was
        // just taken back may be gone already and not yet be there again.
        let rest: Vec<&Pod> = self.own_pods().filter(|pod| pod.name != next.name).collect();
        let is_whole = size(rest.len()) >= wanted - 1;
        let rest_is_ready = is_whole && rest.iter().all(|pod| pod.ready && !pod.deleting);
        if next.ready && !rest_is_ready {
            // One of a version that was given up never gets ready, and would be waited for until the deadline.
            if let Some(stuck) = self.replace_stuck(workload, &revision, wanted) {
                return Some(Flow::Do(vec![stuck], reason));
            }
            return self.wait_in_time(reason);
        }
        Some(Flow::Do(
            vec![self.remove_pod(next, "take back a pod that was not held")],
            reason,
        ))
    }

    /// Whether a pod is of a version that came and went unheld before this one: blue-green needs the whole stable version beside
    /// the new one. Not one that its controller would make anew just as it is.
    fn is_in_between(&self, workload: &Workload<'_>, pod: &Pod) -> bool {
        let release = self.status.canary_status.as_ref();
        let stable = release.and_then(|release| release.stable_revision.as_deref());
        let revision = workload.revision_of(pod);
        self.style() == RollingStyle::BlueGreen
            && workload.kind == Kind::CloneSet
            && stable.is_some_and(|stable| stable != revision)
            && workload.current_revision().as_deref() != Some(revision)
    }

    /// The write that deletes a pod, if nothing happened to it since it was looked at.
    pub(super) fn remove_pod(&self, pod: &Pod, purpose: impl Into<String>) -> Effect {
        let mut effect = self.pod_write(pod, Verb::Delete, purpose.into());
        effect.precondition.resource_version = Some(pod.resource_version.clone());
        effect
    }

    /// A write of a pod by uid alone: the kubelet writes a pod's status all the time.
    pub(super) fn pod_write(&self, pod: &Pod, verb: Verb, purpose: String) -> Effect {
        Effect {
            target: super::Target {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                plural: "pods".to_owned(),
                namespace: self.s.namespace().to_owned(),
                name: pod.name.clone(),
            },
            verb,
            precondition: super::Precondition {
                uid: Some(pod.uid.clone()),
                resource_version: None,
            },
            purpose,
        }
    }

    /// A newer version in the middle of a blue-green release waits until somebody rolls back: taking its place would leave
    /// three versions whose pods nobody may remove (engine-canary-and-bluegreen 5.2). Unheld, a Deployment's controller
    /// has begun to bring it out, and took pods of the old version for that, which are given back.
    pub(super) fn refuse_newer(&mut self) -> Flow {
        let Some(workload) = self.workload() else {
            return Flow::Again;
        };
        let revision = self.sub().stable_revision.clone().unwrap_or_default();
        let loose = self.loose_sets(Stage::Beginning, &revision);
        let stable = self
            .stable_set()
            .filter(|stable| stable.wanted() < workload.replicas());
        let mut fields = hold::first(workload.kind);
        if stable.is_some() || !loose.is_empty() {
            fields = fields.with(hold::STRATEGY, json!({ "type": "Recreate" }));
        }
        if !fields.in_place(workload.spec()) {
            // The mark may be off already, with all that the user had: what the hold replaces is noted anew.
            let hold = self.claim(&workload, Stage::Rolling, &fields, self.mark(), &revision);
            let effect = self.s.write(workload.object, hold, "hold the newer version");
            return Flow::Do(vec![effect], Reason::RollBackFirst);
        }
        if !workload.observed() {
            return self.wait_for_controller();
        }
        let mut effects: Vec<Effect> = stable
            .map(|stable| self.size(&stable, workload.replicas(), "restore the old version's capacity"))
            .into_iter()
            .collect();
        let loose = loose.iter();
        effects.extend(loose.map(|set| self.size(set, 0, "take back pods that were not held")));
        if effects.is_empty() {
            Flow::Wait(Wake::OnChange, Reason::RollBackFirst)
        } else {
            Flow::Do(effects, Reason::RollBackFirst)
        }
    }

    /// The patch of the spec that lets the workload's own controller go on: what the user had, but unpaused. Nothing when it
    /// goes on already.
    pub(super) fn resumed(&self, workload: &Workload<'_>) -> Option<Value> {
        let mut wanted = workload.spec().clone();
        match self.mark() {
            Some(mark) => mark.original.put_back(&mut wanted),
            // Nothing was ever held: a pause is the user's own.
            None if !self.s.has_finalizer() => return None,
            // The mark was lost: values that only a hold has make way for the defaults.
            None => {
                let held = hold::held(workload.kind, self.style());
                let is_there = |path: &str, value: &Value| hold::at(workload.spec(), path) == value;
                let is_held = held
                    .iter()
                    .any(|(path, value)| !is_bound(path) && is_there(path, value));
                for (path, value) in held.iter() {
                    // Bounds alone are the user's: the mark is off since they were given back.
                    if is_there(path, value) && (is_held || !is_bound(path)) {
                        hold::put(&mut wanted, path, Value::Null);
                    }
                }
            }
        }
        for path in [hold::PAUSED, hold::UPDATE_PAUSED, hold::ROLLING_PAUSED] {
            if hold::at(&wanted, path) == &json!(true) {
                hold::put(&mut wanted, path, json!(false));
            }
            // A server drops a false that it would also assume.
            if hold::at(&wanted, path) == &json!(false) && hold::at(workload.spec(), path).is_null() {
                hold::put(&mut wanted, path, Value::Null);
            }
        }
        for path in hold::DEFAULTED {
            // Removing what the server would put there again changes nothing, and would be tried without end.
            let present = hold::at(workload.spec(), path);
            if hold::at(&wanted, path).is_null()
                && hold::default(workload.kind, path).as_ref() == Some(present)
            {
                hold::put(&mut wanted, path, present.clone());
            }
        }
        merge_diff(workload.spec(), &wanted)
    }
}
