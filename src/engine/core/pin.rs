//! The stable Service keeps to the stable version while traffic is split, as long as that has a pod to serve.

use super::{Effect, Verb, machine::Machine};
use crate::{
    api::v1beta1::{RollingStyle, Step},
    traffic::service,
    workload::{Kind, hold},
};

impl Machine<'_> {
    /// The write that keeps the stable Service to the stable version, which must have a pod to serve; or lets go of one that
    /// has none left.
    pub(super) fn pin(&mut self) -> Option<Effect> {
        let routing = self.s.routing().filter(|_| self.twins())?;
        let revision = self.sub().stable_revision.clone()?;
        let stable = self.s.services.get(&routing.service)?;
        let key = self.revision_key();
        let (ready, present) = self.old_pods(&revision);
        if service::pinned(stable, key) == Some(revision.as_str()) {
            return if present == 0 && self.replicas() > 0 {
                self.unpin()
            } else {
                None
            };
        }
        (ready > 0 && !self.lets_all_through()).then(|| {
            let body = service::pin(key, Some(&revision));
            self.s.write(
                stable,
                Verb::Merge(body),
                "keep the stable Service to the stable version",
            )
        })
    }

    /// Whether the workload's controller may be about to take the last old pod: a step that was edited, or that was jumped back
    /// from, had let all through.
    fn lets_all_through(&self) -> bool {
        let Some(workload) = self
            .workload()
            .filter(|_| self.style() == RollingStyle::Partition)
        else {
            return false;
        };
        let is_open = hold::partition(workload.kind).is_some() && workload.kept() == 0;
        is_open || !workload.observed()
    }

    /// Whether the pods that the step still takes may be all the stable ones that serve. A partition counts every pod that is not
    /// new; where some are of a version in between, the workload's controller may keep those and take the stable ones.
    pub(super) fn may_take_all_stable(&self, step: &Step) -> bool {
        let (Some(workload), Some(release)) = (self.workload(), self.status.canary_status.as_ref()) else {
            return false;
        };
        if self.style() != RollingStyle::Partition || workload.kind == Kind::Deployment {
            return false;
        }
        let Some(new) = self.new_revision() else {
            return false;
        };
        let stable = release.stable_revision.as_deref();
        let (mut stable_ready, mut present, mut has_others) = (0, 0, false);
        for pod in self.own_pods().filter(|pod| !pod.deleting) {
            let revision = workload.revision_of(pod);
            if revision == new {
                present += 1;
            } else if Some(revision) == stable {
                stable_ready += i32::from(pod.ready);
            } else {
                has_others = true;
            }
        }
        let missing = self.wanted(step).max(self.most_wanted()) - present;
        has_others && missing > 0 && stable_ready <= missing
    }

    /// Pods of the version from before: those that are ready, and all.
    fn old_pods(&self, revision: &str) -> (usize, usize) {
        let size = |count: i32| usize::try_from(count).unwrap_or(0);
        if self.deployment().is_some() {
            return self.stable_set().map_or((0, 0), |set| {
                (size(set.ready()), size(set.present().max(set.wanted())))
            });
        }
        let pods = self.pods_of(revision);
        let ready = pods.iter().filter(|pod| pod.ready).count();
        let Some(workload) = self.workload() else {
            return (ready, pods.len());
        };
        // The watch of the pods may be behind what their controller has counted: the last of them may be going, or be made anew.
        let seen = self.own_pods().filter(|pod| pod.ready && !pod.deleting).count();
        let missed = workload
            .counted_ready()
            .map_or(0, |counted| seen.saturating_sub(size(counted)));
        let left = workload.current_left(revision).map_or(ready, size);
        (ready.saturating_sub(missed).min(left), pods.len())
    }
}
