//! The two revisions that a Kruise workload is between, and the older ones.

use jiff::Timestamp;
use serde_json::Value;

use super::revisions::{self, HashLabel, History};
use crate::sim::object::Object;
use crate::sim::resource::KindId;
use crate::sim::store::Store;

/// The revisions of one workload.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    history: History,
    update: Object,
    current: Object,
    /// How many hashes were taken already, as the status counts them.
    pub(super) collisions: i64,
}

impl Versions {
    /// Reads the revisions, and makes that of the present template if it is not there. The current one is what the
    /// status says, or else the newest.
    pub(super) fn of(
        store: &mut Store,
        workload: &Object,
        kind: KindId,
        label: HashLabel,
        now: Timestamp,
    ) -> Option<Self> {
        let mut collisions = workload.count("collisionCount");
        let mut history = History::of(store, workload);
        let update = history.adopt(store, workload, kind, label, &mut collisions, now)?;
        let current = workload.status_at("/currentRevision").and_then(Value::as_str);
        let current = current
            .and_then(|name| history.named(name))
            .unwrap_or(&update)
            .clone();
        Some(Self {
            history,
            update,
            current,
            collisions,
        })
    }

    /// The revision of the present template.
    pub(super) fn update(&self) -> Version<'_> {
        Version(&self.update)
    }

    /// The revision that the workload comes from.
    pub(super) fn current(&self) -> Version<'_> {
        Version(&self.current)
    }

    /// The revision with this hash.
    pub(super) fn hashed(&self, hash: &str) -> Option<Version<'_>> {
        self.history
            .all
            .iter()
            .map(Version)
            .find(|version| version.hash() == hash)
    }

    /// Deletes the oldest revisions that are neither current nor new nor alive, until `limit` of them are left.
    /// `count_living` is for DaemonSets, which count living ones against the limit.
    pub(super) fn prune(
        &self,
        store: &mut Store,
        limit: usize,
        count_living: bool,
        alive: impl Fn(Version<'_>) -> bool,
    ) {
        let old = |revision: &&Object| {
            revision.name() != self.update.name() && revision.name() != self.current.name()
        };
        let all = self.history.all.iter().filter(old);
        let dead: Vec<&Object> = all.clone().filter(|revision| !alive(Version(revision))).collect();
        let counted = if count_living { all.count() } else { dead.len() };
        revisions::prune(store, dead.into_iter(), counted.saturating_sub(limit));
    }
}

/// One revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version<'a>(&'a Object);

impl<'a> Version<'a> {
    /// Its name, `WORKLOAD-HASH`.
    pub(super) fn name(self) -> &'a str {
        self.0.name()
    }

    /// Its hash.
    pub(super) fn hash(self) -> &'a str {
        revisions::hash(self.0)
    }

    /// Its pod template.
    pub(super) fn template(self) -> &'a Value {
        revisions::template(self.0).unwrap_or(&Value::Null)
    }
}
