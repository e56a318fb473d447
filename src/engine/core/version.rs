//! Which version the workload asks for, which one ran before, and whether they are the same.

use super::machine::{Flow, Machine};
use crate::{
    api::{keys, v1beta1::RollingStyle},
    workload::{Deployment, Kind, Pod, ReplicaSet, Workload, digest, same_template},
};

impl<'a> Machine<'a> {
    /// The workload.
    pub(super) fn workload(&self) -> Option<Workload<'a>> {
        Workload::new(self.s.workload.as_ref()?)
    }

    /// The workload and its ReplicaSets, when it is a Deployment.
    pub(super) fn deployment(&self) -> Option<(Deployment<'a>, Vec<ReplicaSet<'a>>)> {
        let workload = self
            .workload()
            .filter(|workload| workload.kind == Kind::Deployment)?;
        Some((
            Deployment::new(workload.object),
            self.s.versions_of(workload.object),
        ))
    }

    /// How new pods are brought up: as the Rollout asks for, where the workload's kind can do it.
    pub(super) fn style(&self) -> RollingStyle {
        let asked = self
            .s
            .rollout
            .spec
            .strategy
            .style()
            .unwrap_or(RollingStyle::Partition);
        self.s.kind().map_or(asked, |kind| kind.style(asked))
    }

    /// Pods the workload should have.
    pub(super) fn replicas(&self) -> i32 {
        self.workload().map_or(0, |workload| workload.replicas())
    }

    /// The ReplicaSet of a Deployment's version from before the release.
    pub(super) fn stable_set(&self) -> Option<ReplicaSet<'a>> {
        let revision = self.status.canary_status.as_ref()?.stable_revision.clone()?;
        let mut versions = self.deployment()?.1.into_iter();
        versions.find(|version| version.hash() == revision)
    }

    /// The name of the version that the template asks for; nothing as long as the workload's controller has not looked at
    /// it. A Deployment's is a digest of the template, others get theirs from their controllers.
    pub(super) fn version(&self) -> Option<String> {
        let of = |workload: Workload<'a>| match workload.kind {
            Kind::Deployment => Some(digest(workload.template(), "")),
            _ => workload.update_revision(&self.s.revisions),
        };
        self.version.get_or_init(|| of(self.workload()?)).clone()
    }

    /// Waits until the workload's controller has looked at the template: before that nobody knows its version.
    pub(super) fn unseen(&self) -> Option<Flow> {
        let unseen = self.workload().is_some() && self.version().is_none();
        unseen.then(|| self.wait_for_controller())
    }

    /// Whether the template is that of the version from before the release.
    pub(super) fn is_stable_again(&self) -> bool {
        if let Some((deployment, _)) = self.deployment() {
            return self
                .stable_set()
                .is_some_and(|stable| same_template(deployment.template(), stable.template()));
        }
        let stable = self
            .status
            .canary_status
            .as_ref()
            .and_then(|sub| sub.stable_revision.as_ref());
        stable.is_some() && stable == self.version().as_ref()
    }

    /// Whether the template is still the one that the release under way brings out.
    pub(super) fn is_same_version(&self) -> bool {
        let under_way = self.status.canary_status.as_ref().map(|sub| &sub.canary_revision);
        under_way.is_some() && under_way == self.version().as_ref()
    }

    /// Whether the version from before is being brought back in batches (engine-workloads 12.2).
    pub(super) fn is_rollback_in_batches(&self) -> bool {
        self.status
            .canary_status
            .as_ref()
            .is_some_and(|sub| sub.stable_revision.as_ref() == Some(&sub.canary_revision))
    }

    /// Whether the Rollout wants a version taken back in batches, and the workload's kind can do it: without traffic
    /// routing, StatefulSets and CloneSets, as upstream.
    pub(super) fn takes_back_in_batches(&self) -> bool {
        let annotations = self.s.rollout.metadata.annotations.as_ref();
        let asked = annotations
            .and_then(|all| all.get(keys::ROLLBACK_IN_BATCH))
            .is_some_and(|text| text == "true");
        let can = matches!(
            self.s.kind(),
            Some(Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::CloneSet)
        );
        asked && can && self.s.routing().is_none() && self.style() == RollingStyle::Partition
    }

    /// The value of the label that sets the new version's pods apart; nothing as long as nobody has named it.
    pub(super) fn new_revision(&self) -> Option<String> {
        match self.deployment() {
            Some((deployment, versions)) => versions
                .iter()
                .find(|version| same_template(version.template(), deployment.template()))
                .map(|version| version.hash().to_owned())
                .filter(|hash| !hash.is_empty()),
            None => self.version(),
        }
    }

    /// Pods that the workload itself made, in the order of their names.
    pub(super) fn own_pods(&self) -> impl Iterator<Item = &'a Pod> + use<'a> {
        let s = self.s;
        let uid = s
            .workload
            .as_ref()
            .and_then(|object| object.metadata.uid.as_deref());
        s.pods
            .iter()
            .map(AsRef::as_ref)
            .filter(move |pod: &&Pod| Some(pod.owner.as_str()) == uid)
    }

    /// Pods that the workload itself made of one revision, those on their way out left out.
    pub(super) fn pods_of(&self, revision: &str) -> Vec<&'a Pod> {
        let Some(workload) = self.workload() else {
            return Vec::new();
        };
        self.own_pods()
            .filter(|pod| !pod.deleting && workload.revision_of(pod) == revision)
            .collect()
    }

    /// The label that sets the versions' pods apart.
    pub(super) fn revision_key(&self) -> &'static str {
        self.s
            .kind()
            .map_or(keys::POD_TEMPLATE_HASH, Kind::revision_label)
    }
}
