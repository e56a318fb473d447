//! The Deployment controller.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::deployment_status::{self as status, Facts};
use super::replica_sets::{REVISION, Set, Wanted, annotate, copy_annotations, create, owned, take_new};
use crate::sim::deletion::{Propagation, begin};
use crate::sim::object::{Object, seconds};
use crate::sim::resource::{DEPLOYMENTS, PODS, REPLICA_SETS};
use crate::sim::store::{Name, Store};

/// One look at one Deployment.
struct Look<'a> {
    store: &'a mut Store,
    now: Timestamp,
    deployment: Object,
    wanted: Wanted,
    /// The set of the present template.
    new: Option<Set>,
    /// All others, oldest first.
    old: Vec<Set>,
}

/// Brings a Deployment closer to what it says. Returns when to look again without a change.
pub(super) fn reconcile(store: &mut Store, name: &Name, now: Timestamp) -> Option<Timestamp> {
    let deployment = store.get(DEPLOYMENTS, name)?.clone();
    let wanted = Wanted::read(&deployment);
    let mut old = owned(store, &deployment);
    let new = take_new(&deployment, &mut old);
    let mut look = Look {
        store,
        now,
        deployment,
        wanted,
        new,
        old,
    };
    if look.deployment.deleting() {
        return look.finish(false);
    }
    status::note_pause(look.store, &mut look.deployment, &look.wanted, now);
    if look.wanted.paused || look.scaled() {
        look.adopt_new(false);
        look.scale();
        if look.wanted.paused {
            look.prune();
        }
        return look.finish(false);
    }
    if look.wanted.recreate {
        look.recreate()
    } else {
        look.roll()
    }
}

impl Look<'_> {
    fn all(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    /// Whether the Deployment's size changed since a set was scaled.
    fn scaled(&self) -> bool {
        let active = self.all().filter(|s| s.size() > 0);
        active
            .filter_map(Set::desired)
            .any(|desired| desired != self.wanted.replicas)
    }

    /// Brings the set of the present template up to date, or makes it.
    fn adopt_new(&mut self, make: bool) {
        let revision = self.old.iter().map(Set::revision).max().unwrap_or(0) + 1;
        // A field that is not sent when it is zero.
        let patience = (self.wanted.min_ready > 0).then(|| json!(self.wanted.min_ready));
        let mut made = false;
        match &mut self.new {
            Some(new) => {
                let annotated = copy_annotations(&self.deployment, &mut new.object, revision);
                let delayed = new.object.spec_at("/minReadySeconds") != patience.as_ref();
                if delayed {
                    let mut spec = new.object.spec.as_deref().cloned().unwrap_or_else(|| json!({}));
                    if let Some(fields) = spec.as_object_mut() {
                        fields.remove("minReadySeconds");
                        fields.extend(patience.map(|value| ("minReadySeconds".to_owned(), value)));
                    }
                    new.object.spec = Some(Arc::new(spec));
                }
                if annotated || delayed {
                    new.write(self.store, delayed);
                }
            }
            None if make => {
                let size = self.size_of_new(0);
                let created = seconds(self.now);
                self.new = create(
                    self.store,
                    &self.deployment,
                    &self.wanted,
                    size,
                    revision,
                    &created,
                );
                made = true;
            }
            None => return,
        }
        let Some(new) = &self.new else { return };
        let text = new.revision().to_string();
        let mut changed = status::note_new(&mut self.deployment, &self.wanted, new.name(), made, self.now);
        if self.deployment.annotation(REVISION) != Some(text.as_str()) {
            // Written with the status, so the generation does not count it.
            annotate(&mut self.deployment, [(REVISION, text)]);
            changed = true;
        }
        if changed {
            self.deployment = self.store.replace(DEPLOYMENTS, self.deployment.clone());
        }
    }

    /// The size that the new set may have now, given the size it has.
    fn size_of_new(&self, size: i64) -> i64 {
        if self.wanted.recreate {
            return self.wanted.replicas;
        }
        let total: i64 = self.all().map(Set::size).sum();
        let most = self.wanted.replicas + self.wanted.surge;
        if total >= most {
            return size;
        }
        size + (most - total).min(self.wanted.replicas - size)
    }

    /// Keeps sizes in step with the Deployment's without rolling anything out.
    fn scale(&mut self) {
        let wanted = self.wanted.clone();
        let active: Vec<usize> = (0..self.old.len()).filter(|&i| self.old[i].size() > 0).collect();
        let new_active = self.new.as_ref().is_some_and(|n| n.size() > 0);
        match (active.as_slice(), new_active) {
            ([], _) => {
                let latest = self.old.len().checked_sub(1);
                if let Some(only) = self
                    .new
                    .as_mut()
                    .or_else(|| latest.and_then(|i| self.old.get_mut(i)))
                    && only.size() != wanted.replicas
                {
                    only.scale(self.store, &wanted, wanted.replicas);
                }
                return;
            }
            ([only], false) => {
                let only = &mut self.old[*only];
                if only.size() != wanted.replicas {
                    only.scale(self.store, &wanted, wanted.replicas);
                }
                return;
            }
            _ => {}
        }
        let saturated = self.new.as_ref().is_some_and(|new| {
            new.size() == wanted.replicas
                && new.desired() == Some(wanted.replicas)
                && new.available() == wanted.replicas
        });
        if saturated {
            for index in active {
                self.old[index].scale(self.store, &wanted, 0);
            }
        } else if !wanted.recreate {
            self.scale_proportionally();
        }
    }

    fn scale_proportionally(&mut self) {
        let wanted = self.wanted.clone();
        let mut sets: Vec<&mut Set> = self
            .old
            .iter_mut()
            .chain(&mut self.new)
            .filter(|s| s.size() > 0)
            .collect();
        let total: i64 = sets.iter().map(|s| s.size()).sum();
        let allowed = if wanted.replicas > 0 {
            wanted.replicas + wanted.surge
        } else {
            0
        };
        let to_add = allowed - total;
        // Larger sets first; of equal ones the newer when growing, the older when shrinking.
        sets.sort_by(|a, b| {
            let by_age = a.age_key().cmp(&b.age_key());
            b.size()
                .cmp(&a.size())
                .then(if to_add > 0 { by_age.reverse() } else { by_age })
        });
        let status_replicas = self.deployment.count("replicas");
        let mut added = 0;
        let mut sizes = Vec::with_capacity(sets.len());
        for set in &sets {
            let share = proportion(set, &wanted, status_replicas, to_add, added);
            added += share;
            sizes.push(set.size() + share);
        }
        for (index, (set, mut size)) in sets.into_iter().zip(sizes).enumerate() {
            if index == 0 && to_add != 0 {
                size = (size + to_add - added).max(0);
            }
            set.scale_in_proportion(self.store, &wanted, size);
        }
    }

    fn roll(&mut self) -> Option<Timestamp> {
        self.adopt_new(true);
        let wanted = self.wanted.clone();
        let size = self.new.as_ref().map_or(0, Set::size);
        let next = if size > wanted.replicas {
            wanted.replicas
        } else {
            self.size_of_new(size)
        };
        if let Some(new) = &mut self.new
            && new.scale(self.store, &wanted, next)
        {
            return self.finish(true);
        }
        if self.shrink_old() {
            return self.finish(true);
        }
        if status::complete(&self.deployment, &self.facts()) {
            self.prune();
        }
        self.finish(true)
    }

    /// Scales old sets down as far as availability allows: unhealthy pods first, then the oldest sets.
    fn shrink_old(&mut self) -> bool {
        let wanted = self.wanted.clone();
        if self.old.iter().all(|s| s.size() == 0) {
            return false;
        }
        let total: i64 = self.all().map(Set::size).sum();
        let least = wanted.replicas - wanted.unavailable;
        let missing = self.new.as_ref().map_or(0, |n| n.size() - n.available());
        let most = total - least - missing;
        if most <= 0 {
            return false;
        }
        let mut cleaned = 0;
        for set in &mut self.old {
            let unhealthy = set.size() - set.available();
            if cleaned >= most || set.size() == 0 || unhealthy == 0 {
                continue;
            }
            if unhealthy < 0 {
                // Counts from before its last scaling: the real one fails with "got invalid request to scale down" and
                // looks again (`deployment/rolling.go`, `cleanupUnhealthyReplicas`).
                return true;
            }
            let drop = unhealthy.min(most - cleaned);
            let size = set.size() - drop;
            set.scale(self.store, &wanted, size);
            cleaned += drop;
        }
        let available: i64 = self.all().map(Set::available).sum();
        let mut left = (available - least).max(0);
        let mut dropped = 0;
        for set in self.old.iter_mut().filter(|s| s.size() > 0) {
            let drop = set.size().min(left);
            if drop > 0 {
                let size = set.size() - drop;
                set.scale(self.store, &wanted, size);
                left -= drop;
                dropped += drop;
            }
        }
        cleaned + dropped > 0
    }

    fn recreate(&mut self) -> Option<Timestamp> {
        self.adopt_new(false);
        let wanted = self.wanted.clone();
        let mut shrunk = false;
        for set in self.old.iter_mut().filter(|s| s.size() > 0) {
            shrunk |= set.scale(self.store, &wanted, 0);
        }
        let running = self.old.iter().any(|set| {
            let mut pods = self.store.dependents_of(set.object.uid(), PODS);
            pods.any(|(_, pod)| !pod.pod.ended)
        });
        if shrunk || running {
            return self.finish(true);
        }
        self.adopt_new(true);
        if let Some(new) = &mut self.new {
            new.scale(self.store, &wanted, wanted.replicas);
        }
        if status::complete(&self.deployment, &self.facts()) {
            self.prune();
        }
        self.finish(true)
    }

    /// Deletes the oldest empty sets beyond the history limit.
    fn prune(&mut self) {
        let surplus = self.old.len().saturating_sub(self.wanted.history);
        let mut oldest = self.old.clone();
        oldest.sort_by_key(Set::revision);
        for set in oldest.iter().take(surplus) {
            let object = &set.object;
            let idle = object.count("replicas") == 0 && set.size() == 0 && !object.deleting();
            if idle && object.count("observedGeneration") >= object.generation() {
                begin(
                    self.store,
                    REPLICA_SETS,
                    &Name::of(object),
                    self.now,
                    None,
                    Propagation::Background,
                );
                self.old.retain(|s| s.name() != set.name());
            }
        }
    }

    fn facts(&self) -> Facts {
        let sum = |field: &str| self.all().map(|s| s.object.count(field)).sum::<i64>();
        Facts {
            replicas: sum("replicas"),
            updated: self.new.as_ref().map_or(0, |n| n.object.count("replicas")),
            ready: sum("readyReplicas"),
            available: sum("availableReplicas"),
            sizes: self.all().map(Set::size).sum(),
            wanted: self.wanted.clone(),
            new_name: self.new.as_ref().map(|n| n.name().to_owned()),
        }
    }

    /// Writes the status; `progress` says whether progress and the deadline are judged.
    fn finish(&mut self, progress: bool) -> Option<Timestamp> {
        let facts = self.facts();
        status::write(self.store, &self.deployment, &facts, progress, self.now)
    }
}

/// What one set gets of the pods to add, or to take away, in proportion to its size.
fn proportion(set: &Set, wanted: &Wanted, status_replicas: i64, to_add: i64, added: i64) -> i64 {
    if set.size() == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = if wanted.replicas == 0 {
        -set.size()
    } else {
        let before = set.most().unwrap_or(status_replicas);
        if before == 0 {
            return 0;
        }
        let size = set.size() * (wanted.replicas + wanted.surge);
        // Rounded half away from zero, as the controller manager rounds; sizes are never negative.
        (2 * size + before).div_euclid(2 * before) - set.size()
    };
    let left = to_add - added;
    if to_add > 0 {
        fraction.min(left)
    } else {
        fraction.max(left)
    }
}
