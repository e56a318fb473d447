//! Blue-green style: as many new pods beside the old ones as the step asks for, and none removed before the end
//! (engine-canary-and-bluegreen 3 and 8.3).

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
    workload::{Kind, Pod, ReplicaSet, Workload, hold},
};

impl<'a> Machine<'a> {
    /// The workload adds pods up to its surge; pods are never available, so that none is removed.
    pub(super) fn blue_green_batch(&mut self, step: &Step) -> Batch {
        let Some(workload) = self.workload() else {
            return Batch::default();
        };
        let wanted = self.wanted(step);
        let mut effects = self.disable_autoscalers();
        effects.extend(self.guard_stable_set());
        effects.extend(self.refill_stable_set(&workload));
        effects.extend(self.surge(&workload, step, wanted));
        if workload.kind != Kind::Deployment {
            let Some(revision) = self.version() else {
                return Batch::default();
            };
            effects.extend(self.surplus(&workload, &revision));
            return self.counted_batch(&workload, &revision, effects, wanted);
        }
        let new = self.new_set();
        Batch {
            effects,
            wanted,
            updated: new.map_or(0, |new| new.present()),
            ready: new.map_or(0, |new| new.ready()),
            revision: new
                .map(|new| new.hash().to_owned())
                .filter(|hash| !hash.is_empty()),
            settled: workload.observed() && new.is_some_and(|new| new.observed()),
            lost: false,
        }
    }

    /// The write that lets the step's pods through. The surge is what the step says, to the letter: a percentage then
    /// follows when the workload is scaled. It is never lowered, since no pod would go.
    fn surge(&self, workload: &Workload<'_>, step: &Step, wanted: i32) -> Option<Effect> {
        let asked = step
            .replicas
            .as_ref()
            .and_then(|replicas| serde_json::to_value(replicas).ok())?;
        let replicas = workload.replicas();
        let read = |value: &Value| {
            let value: Option<IntOrPercent> = serde_json::from_value(value.clone()).ok();
            value.map_or(0, |value| value.of(replicas.max(1), Round::Up))
        };
        let place = match workload.kind {
            Kind::Deployment => "strategy.rollingUpdate.maxSurge",
            _ => hold::MAX_SURGE,
        };
        let present = hold::at(workload.spec(), place);
        let is_open = match workload.kind {
            Kind::Deployment => hold::at(workload.spec(), hold::PAUSED) != &json!(true),
            _ => workload.kept() == 0,
        };
        // A user's own surge of nothing is none: the API server takes no strategy that may neither add nor miss a pod, be it of
        // a workload that wants none.
        let surge = if is_open && read(present) >= wanted.max(1) {
            present.clone()
        } else {
            asked
        };
        let fields = hold::held(workload.kind, self.style());
        let fields = match workload.kind {
            Kind::Deployment => {
                let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": 0 } });
                fields.without(&[hold::PAUSED]).with(hold::STRATEGY, strategy)
            }
            _ => fields.without(&[hold::PARTITION]).with(hold::MAX_SURGE, surge),
        };
        let mut spec = fields.difference(workload.spec()).unwrap_or_else(|| json!({}));
        if !is_open {
            match workload.kind {
                Kind::Deployment => spec[hold::PAUSED] = json!(false),
                _ => hold::put(&mut spec, hold::PARTITION, json!(0)),
            }
        }
        let is_nothing = spec.as_object().is_some_and(serde_json::Map::is_empty);
        (!is_nothing).then(|| {
            let body = Verb::Merge(json!({ "spec": spec }));
            self.s
                .write(workload.object, body, format!("let {} through", counted(wanted)))
        })
    }

    /// Scaled down, a CloneSet takes away no pod that is ready as long as none counts as available, and adds no new one while
    /// there are too many (Kruise's `calculateDiffsWithExpectation`): of neither version more pods than there should be.
    fn surplus(&self, workload: &Workload<'_>, revision: &str) -> Vec<Effect> {
        if !workload.observed() {
            return Vec::new();
        }
        let (new, old): (Vec<&Pod>, Vec<&Pod>) = self
            .own_pods()
            .filter(|pod| !pod.deleting)
            .partition(|pod| workload.revision_of(pod) == revision);
        let kept = usize::try_from(workload.replicas()).unwrap_or_default();
        [new, old]
            .into_iter()
            .flat_map(|mut pods| {
                pods.sort_by(|a, b| {
                    b.ready
                        .cmp(&a.ready)
                        .then_with(|| (a.created, &a.name).cmp(&(b.created, &b.name)))
                });
                pods.split_off(kept.min(pods.len()))
            })
            .map(|pod| self.remove_pod(pod, "take away a pod too many"))
            .collect()
    }

    /// The old pods are not to count as available either: a Deployment that is paused scales every other ReplicaSet to
    /// nothing when the one of its template is complete, which on a rollback would be before the traffic is back
    /// (engine-canary-and-bluegreen 5.3).
    fn guard_stable_set(&self) -> Option<Effect> {
        let stable = self.stable_set()?;
        (stable.object.data["spec"][hold::MIN_READY] != json!(hold::NEVER_AVAILABLE)).then(|| {
            let body = json!({ "spec": { hold::MIN_READY: hold::NEVER_AVAILABLE } });
            self.s.write(
                stable.object,
                Verb::Merge(body),
                "keep the old pods until the traffic has moved",
            )
        })
    }

    /// Before the workload's own controller takes over: ReplicaSets of other versions than the template's count ready pods
    /// as available again. Pods that count as unavailable it removes first, ready or not, and all at once.
    pub(super) fn trust_old_sets(&self, reason: &Reason) -> Option<Flow> {
        if self.style() != RollingStyle::BlueGreen {
            return None;
        }
        let (_, versions) = self.deployment()?;
        let mark = self.mark()?;
        let present = self.new_set();
        let old: Vec<ReplicaSet<'_>> = versions
            .into_iter()
            .filter(|version| present.is_none_or(|present| present.hash() != version.hash()))
            .filter(|version| version.wanted() > 0)
            .collect();
        let ready = mark.original.get(hold::MIN_READY).unwrap_or(&Value::Null);
        let body = json!({ "spec": { hold::MIN_READY: ready } });
        let effects: Vec<Effect> = old
            .iter()
            .filter(|version| version.object.data["spec"][hold::MIN_READY] == json!(hold::NEVER_AVAILABLE))
            .map(|version| {
                let verb = Verb::Merge(body.clone());
                self.s
                    .write(version.object, verb, "count the old pods as available again")
            })
            .collect();
        if !effects.is_empty() {
            return Some(Flow::Do(effects, reason.clone()));
        }
        let is_seen = old.iter().all(ReplicaSet::observed);
        (!is_seen).then(|| self.wait_for_pods(reason.clone()))
    }

    /// Scaled to nothing and up again, a Deployment gets all its pods of the new version; the old one has to be there, too.
    fn refill_stable_set(&self, workload: &Workload<'_>) -> Option<Effect> {
        let stable = self.stable_set()?;
        let is_short = workload.observed() && stable.wanted() < workload.replicas();
        is_short.then(|| self.size(&stable, workload.replicas(), "restore the old version's capacity"))
    }

    /// An autoscaler would count the pods of both versions: it aims at nothing while the release is under way.
    fn disable_autoscalers(&self) -> Vec<Effect> {
        self.aim_autoscalers(|name| {
            format!(
                "{}{}",
                name.trim_end_matches(keys::DISABLED_AUTOSCALER),
                keys::DISABLED_AUTOSCALER
            )
        })
    }

    /// The writes that let autoscalers aim at the workload again.
    pub(super) fn restore_autoscalers(&self) -> Vec<Effect> {
        self.aim_autoscalers(|name| name.trim_end_matches(keys::DISABLED_AUTOSCALER).to_owned())
    }

    fn aim_autoscalers(&self, at: impl Fn(&str) -> String) -> Vec<Effect> {
        let mut effects = Vec::new();
        for autoscaler in &self.s.autoscalers {
            let target = &autoscaler.data["spec"]["scaleTargetRef"];
            let name = target["name"].as_str().unwrap_or_default();
            let wanted = at(name);
            if name != wanted && !name.is_empty() {
                let mut target = target.clone();
                target["name"] = json!(wanted);
                let body = json!({ "spec": { "scaleTargetRef": target } });
                let purpose = format!("aim the autoscaler at {wanted}");
                effects.push(self.s.write(autoscaler, Verb::Merge(body), purpose));
            }
        }
        effects
    }
}
