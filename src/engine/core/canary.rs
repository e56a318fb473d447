//! Canary style: new pods in an extra Deployment beside the stable one.

use kube::api::DynamicObject;
use serde_json::json;

use super::{
    Effect, Reason, Verb, Wake,
    machine::{Flow, Machine},
    pods::Batch,
};
use crate::{
    api::v1beta1::Step,
    workload::{Deployment, Pod, ReplicaSet, same_template},
};

impl<'a> Machine<'a> {
    /// The extra Deployment of the present template, as large as the step asks for.
    pub(super) fn canary_batch(&mut self, step: &Step) -> Batch {
        let wanted = self.wanted(step);
        let Some((deployment, _)) = self.deployment() else {
            return Batch::default();
        };
        let Some((canary, version)) = self.canary() else {
            let patch = self
                .s
                .canary_strategy()
                .and_then(|canary| canary.patch_pod_template_metadata.as_ref());
            let name = deployment.canary_name(patch, self.s.uid());
            let body = deployment.canary(&name, wanted, patch, self.mark().as_ref(), self.s.owner());
            // A canary that was removed by hand gets no traffic until its pods are back.
            let mut effects = self.restore_route();
            effects.push(self.s.create(body, format!("bring up {}", counted(wanted))));
            return Batch {
                effects,
                wanted,
                lost: true,
                ..Batch::default()
            };
        };
        let size = canary.replicas().max(wanted);
        let size = if self.takes_away() {
            size.min(self.most_wanted().max(1))
        } else {
            size
        };
        let effects = (canary.replicas() != size)
            .then(|| self.scale(&canary, size))
            .into_iter()
            .collect();
        Batch {
            effects,
            wanted,
            updated: canary.present(),
            ready: canary.available(),
            revision: version
                .map(|version| version.hash().to_owned())
                .filter(|hash| !hash.is_empty()),
            settled: canary.observed(),
            lost: false,
        }
    }

    fn scale(&self, canary: &Deployment<'_>, to: i32) -> Effect {
        let verb = Verb::Merge(json!({ "spec": { "replicas": to } }));
        self.s.write(canary.object, verb, counted(to))
    }

    /// The name of the canary Deployment of the present template.
    pub(super) fn canary_name(&self) -> &str {
        self.canary_name.get_or_init(|| {
            let strategy = self.s.canary_strategy();
            let patch = strategy.and_then(|canary| canary.patch_pod_template_metadata.as_ref());
            self.deployment()
                .map(|(deployment, _)| deployment.canary_name(patch, self.s.uid()))
                .unwrap_or_default()
        })
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
            .find(|canary| canary.metadata.name.as_deref() == Some(name))?;
        let canary = Deployment::new(object);
        let version = self
            .s
            .versions_of(object)
            .into_iter()
            .find(|version| same_template(version.template(), canary.template()));
        Some((canary, version))
    }

    /// Takes the canaries' pods away while they can still be seen: those that serve would get requests again as soon as the
    /// stable Service selects all versions.
    pub(super) fn empty_canaries(&self, reason: &Reason) -> Option<Flow> {
        let full = |canary: &&DynamicObject| {
            canary.metadata.deletion_timestamp.is_none() && Deployment::new(canary).replicas() > 0
        };
        let effects: Vec<Effect> = self
            .canaries()
            .filter(full)
            .map(|canary| {
                let verb = Verb::Merge(json!({ "spec": { "replicas": 0 } }));
                self.s.write(canary, verb, "take the canary's pods away")
            })
            .collect();
        if !effects.is_empty() {
            return Some(Flow::Do(effects, reason.clone()));
        }
        let sets: Vec<ReplicaSet<'_>> = self
            .canaries()
            .flat_map(|canary| self.s.versions_of(canary))
            .collect();
        let serves = |pod: &Pod| {
            let of = |set: &ReplicaSet<'_>| set.object.metadata.uid.as_deref() == Some(pod.owner.as_str());
            !pod.deleting && sets.iter().any(of)
        };
        let left = self.s.pods.iter().any(|pod| serves(pod));
        left.then(|| Flow::Wait(Wake::OnChange, reason.clone()))
    }

    /// The writes that remove every canary.
    pub(super) fn remove_canaries(&self) -> Vec<Effect> {
        let going = |canary: &&DynamicObject| canary.metadata.deletion_timestamp.is_none();
        self.canaries()
            .filter(going)
            .map(|canary| self.s.write(canary, Verb::Delete, "remove the canary"))
            .collect()
    }
}

/// `1 new pod`, `3 new pods`.
pub(super) fn counted(pods: i32) -> String {
    format!("{pods} new {}", if pods == 1 { "pod" } else { "pods" })
}
