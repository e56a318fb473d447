//! Model controllers: they behave as the controller manager, the scheduler and a fake kubelet do.
//!
//! They are plain functions over the store, called in passes. What a pass changes is seen by the next one, a small
//! latency later, so that watchers see the states in between and every run is the same.

mod advanced_daemon_set;
mod advanced_stateful_set;
mod clone_set;
mod clone_set_diff;
pub(super) mod daemon_set;
mod deployment;
mod deployment_status;
pub(super) mod endpoints;
mod garbage;
mod kruise_pods;
mod kubelet;
mod nodes;
mod pods;
mod replica_set;
mod replica_sets;
mod revisions;
mod stateful_set;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::deletion::finish_namespace;
use super::object::Object;
use super::resource::{
    ADVANCED_DAEMON_SETS, ADVANCED_STATEFUL_SETS, CLONE_SETS, DAEMON_SETS, DEPLOYMENTS, KindId, NAMESPACES,
    NODES, PODS, REPLICA_SETS, SERVICES, STATEFUL_SETS,
};
use super::store::{Change, Happening, Name};
use super::{Inner, Shared};

/// Runs the model controllers for as long as it lives.
#[derive(Debug)]
pub struct Controllers {
    task: JoinHandle<()>,
    shared: SharedGuard,
}

struct SharedGuard(Shared);

impl std::fmt::Debug for SharedGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedGuard")
    }
}

impl Controllers {
    /// Waits until they stop, which they do by themselves only where one of them fails.
    pub async fn stopped(&mut self) {
        // Whatever it was has been told on stderr.
        let _ = (&mut self.task).await;
    }

    /// Work beside them; nothing of it when they stop first.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.stopped() => None,
        }
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.task.abort();
        self.shared.0.lock().store.changes = None;
    }
}

/// One thing to look at. The order is the order within a pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    /// Delete the dependents of an owner that is gone, by its uid.
    Collect(String),
    /// Delete an object whose owners never were.
    Orphan(KindId, Name),
    /// Remove a terminating namespace if it is empty.
    Namespace(Name),
    /// Give a pod a node and have it started or ended.
    Pod(Name),
    /// A pod's start has taken its time; by name and uid.
    PodStarted(Name, String),
    /// A pod's end has taken its time; by name and uid.
    PodEnded(Name, String),
    /// Look at a ReplicaSet.
    ReplicaSet(Name),
    /// Look at a Deployment.
    Deployment(Name),
    /// Look at a workload that owns its pods itself and keeps a history of revisions.
    Workload(KindId, Name),
    /// Remove the pods of a node that is gone.
    LostNode(Name),
    /// Look at the Services of a namespace.
    Endpoints(String),
}

/// The workloads that own their pods themselves.
const WORKLOADS: [KindId; 5] = [
    STATEFUL_SETS,
    DAEMON_SETS,
    ADVANCED_STATEFUL_SETS,
    CLONE_SETS,
    ADVANCED_DAEMON_SETS,
];

#[derive(Debug, Default)]
struct Manager {
    work: BTreeSet<Work>,
    timers: BTreeMap<Timestamp, BTreeSet<Work>>,
    next_node: usize,
}

enum Next {
    Busy,
    At(Timestamp),
    Idle,
}

/// Starts the controllers.
pub(super) fn start(shared: Shared) -> Controllers {
    let mut manager = Manager::default();
    let (clock, latency, wake) = {
        let mut inner = shared.lock();
        inner.store.changes = Some(Vec::new());
        for (kind, make) in [
            (PODS, Work::Pod as fn(Name) -> Work),
            (REPLICA_SETS, Work::ReplicaSet),
            (DEPLOYMENTS, Work::Deployment),
        ] {
            let names = inner.store.collection(kind).objects.keys().cloned();
            manager.work.extend(names.map(make));
        }
        manager.all_of(&inner, &WORKLOADS);
        (
            inner.options.clock,
            inner.options.latency,
            inner.store.wake.clone(),
        )
    };
    let guard = SharedGuard(shared.clone());
    let task = tokio::spawn(async move {
        loop {
            let next = manager.pass(&mut shared.lock());
            match next {
                Next::Busy => clock.sleep(latency).await,
                Next::Idle => {
                    wake.notified().await;
                    clock.sleep(latency).await;
                }
                Next::At(at) => tokio::select! {
                    biased;
                    () = wake.notified() => clock.sleep(latency).await,
                    () = clock.sleep_until(at) => {}
                },
            }
        }
    });
    Controllers { task, shared: guard }
}

impl Manager {
    fn at(&mut self, when: Timestamp, work: Work) {
        self.timers.entry(when).or_default().insert(work);
    }

    /// Looks at every workload of some kinds.
    fn all_of(&mut self, inner: &Inner, kinds: &[KindId]) {
        for &kind in kinds {
            let names = inner.store.collection(kind).objects.keys().cloned();
            self.work.extend(names.map(|name| Work::Workload(kind, name)));
        }
    }

    fn pass(&mut self, inner: &mut Inner) -> Next {
        let now = inner.options.clock.now();
        let changes = inner.store.changes.as_mut().map(mem::take).unwrap_or_default();
        for change in &changes {
            self.note(inner, change);
        }
        while let Some(entry) = self.timers.first_entry()
            && *entry.key() <= now
        {
            self.work.extend(entry.remove());
        }
        for work in mem::take(&mut self.work) {
            self.carry_out(inner, work, now);
        }
        let busy = inner.store.changes.as_ref().is_some_and(|c| !c.is_empty());
        match self.timers.keys().next() {
            _ if busy => Next::Busy,
            Some(at) => Next::At(*at),
            None => Next::Idle,
        }
    }

    /// Turns a change into work.
    fn note(&mut self, inner: &Inner, (kind, event): &Change) {
        let object = &event.object;
        let gone = event.happening == Happening::Deleted;
        let name = Name::of(object);
        if gone {
            if inner.store.dependents_exist(object.uid()) {
                self.work.insert(Work::Collect(object.uid().to_owned()));
            }
            let namespace = Name::new("", &name.namespace);
            if inner
                .store
                .get(NAMESPACES, &namespace)
                .is_some_and(Object::deleting)
            {
                self.work.insert(Work::Namespace(namespace));
            }
        } else if event.happening == Happening::Added && !object.owners().is_empty() && *kind != PODS {
            self.work.insert(Work::Orphan(*kind, name.clone()));
        }
        match *kind {
            PODS => {
                let moved = gone || event.old.as_ref().is_none_or(|old| pod_moved(old, object));
                if !moved && !inner.endpoints {
                    return;
                }
                if !gone {
                    self.work.insert(Work::Pod(name.clone()));
                }
                self.note_owner(inner, object, gone);
                if inner.endpoints {
                    self.work.insert(Work::Endpoints(name.namespace.to_string()));
                }
            }
            REPLICA_SETS => {
                if let Some(owner) = object.controller().filter(|o| o["kind"] == "Deployment") {
                    let owner = owner["name"].as_str().unwrap_or_default();
                    self.work
                        .insert(Work::Deployment(Name::new(&name.namespace, owner)));
                }
                let own_status = event
                    .old
                    .as_ref()
                    .is_some_and(|old| old.spec == object.spec && Arc::ptr_eq(&old.meta, &object.meta));
                if !gone && !own_status {
                    self.work.insert(Work::ReplicaSet(name));
                }
            }
            DEPLOYMENTS if !gone => {
                self.work.insert(Work::Deployment(name));
            }
            kind if WORKLOADS.contains(&kind) && !gone => {
                self.work.insert(Work::Workload(kind, name));
            }
            NODES => {
                let old = event.old.as_ref().filter(|_| !gone);
                let heartbeat = old.is_some_and(|old| old.spec == object.spec && old.meta == object.meta);
                if !heartbeat {
                    self.all_of(inner, &[DAEMON_SETS, ADVANCED_DAEMON_SETS]);
                }
                if gone {
                    let now = inner.options.clock.now();
                    self.at(kubelet::after(now, kubelet::QUARANTINE), Work::LostNode(name));
                }
            }
            SERVICES if inner.endpoints => {
                self.work.insert(Work::Endpoints(name.namespace.to_string()));
            }
            _ => {}
        }
    }

    /// Looks at the owner of a pod that moved.
    fn note_owner(&mut self, inner: &Inner, pod: &Object, gone: bool) {
        let owner = pod.controller().and_then(|o| o["uid"].as_str());
        let Some((kind, owner)) = owner.and_then(|uid| inner.store.locate(uid)).cloned() else {
            return;
        };
        if WORKLOADS.contains(&kind) {
            self.work.insert(Work::Workload(kind, owner));
        } else if kind == REPLICA_SETS {
            // A Deployment that recreates waits for the last old pod, which no status shows.
            let above = inner.store.get(REPLICA_SETS, &owner).and_then(Object::controller);
            if let Some(above) = above.filter(|_| gone) {
                let above = above["name"].as_str().unwrap_or_default();
                self.work
                    .insert(Work::Deployment(Name::new(&owner.namespace, above)));
            }
            self.work.insert(Work::ReplicaSet(owner));
        }
    }

    fn carry_out(&mut self, inner: &mut Inner, work: Work, now: Timestamp) {
        let store = &mut inner.store;
        match work {
            Work::Collect(uid) => garbage::collect(store, &uid, now),
            Work::Orphan(kind, name) => garbage::check(store, kind, &name, now),
            Work::Namespace(name) => {
                finish_namespace(store, &name);
            }
            Work::Pod(name) => {
                let (ready, gone) = (inner.options.pod_ready_after, inner.options.pod_gone_after);
                match kubelet::look(store, &name, self.next_node, now) {
                    kubelet::Plan::Start { uid, took_node } => {
                        self.next_node += usize::from(took_node);
                        self.at(kubelet::after(now, ready), Work::PodStarted(name, uid));
                    }
                    kubelet::Plan::End { uid } => {
                        self.at(kubelet::after(now, gone), Work::PodEnded(name, uid));
                    }
                    kubelet::Plan::Nothing => {}
                }
            }
            Work::PodStarted(name, uid) => kubelet::started(store, &mut inner.afflicted, &name, &uid, now),
            Work::PodEnded(name, uid) => kubelet::ended(store, &name, &uid),
            Work::ReplicaSet(name) => {
                if let Some(at) = replica_set::reconcile(store, &name, &mut self.next_node, now) {
                    self.at(at, Work::ReplicaSet(name));
                }
            }
            Work::Deployment(name) => {
                if let Some(at) = deployment::reconcile(store, &name, now) {
                    self.at(at, Work::Deployment(name));
                }
            }
            Work::Workload(kind, name) => {
                let again = match kind {
                    STATEFUL_SETS => stateful_set::reconcile(store, &name, &mut self.next_node, now),
                    DAEMON_SETS => daemon_set::reconcile(store, &name, now),
                    CLONE_SETS => clone_set::reconcile(store, &name, &mut self.next_node, now),
                    ADVANCED_STATEFUL_SETS => {
                        advanced_stateful_set::reconcile(store, &name, &mut self.next_node, now)
                    }
                    ADVANCED_DAEMON_SETS => advanced_daemon_set::reconcile(store, &name, now),
                    _ => None,
                };
                if let Some(at) = again {
                    self.at(at, Work::Workload(kind, name));
                }
            }
            Work::LostNode(name) => kubelet::lost(store, &name),
            Work::Endpoints(namespace) => endpoints::reconcile(store, &namespace, now),
        }
    }
}

/// Whether anything about a pod changed that controllers or the kubelet act on; labels and annotations alone are not.
fn pod_moved(old: &Object, new: &Object) -> bool {
    let same_spec = match (&old.spec, &new.spec) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    old.pod != new.pod || !same_spec
}
