//! What is known of the cluster: filled by watches and by the answers to our own writes, whichever is newer.

mod gather;
mod late;
mod ways;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use kube::{api::DynamicObject, runtime::watcher};

use late::Late;
use ways::{Mention, mention, providers_of, services_of, workload_of};

use super::{
    RolloutKey,
    kind::Kind,
    table::{Entry, Name, Put, State, Table},
};
use crate::{
    analysis::Inline,
    api::v1beta1::Rollout,
    traffic::{
        RouteKind, Shared,
        script::{self, Configuration, Folder, Scripts},
    },
};

/// All tables, and what leads from an object to its Rollouts.
#[derive(Default)]
pub(super) struct Cache {
    tables: BTreeMap<Kind, Table>,
    rollouts: BTreeMap<RolloutKey, Rollout>,
    /// Metric gates that hold for every Rollout, instead of those that it names.
    inline: Option<Arc<Inline>>,
    /// Those whose plan was edited and no engine has taken note: worked out once, when the Rollout is new.
    edited: BTreeSet<RolloutKey>,
    /// Which Rollouts name a workload, a Service or a route, twins included.
    mentions: HashMap<Mention, BTreeSet<RolloutKey>>,
    /// What each Rollout names, as it stands there.
    mentioned: BTreeMap<RolloutKey, Vec<Mention>>,
    /// Uids of workloads and ReplicaSets: what pods and revisions belong to.
    owners: HashMap<String, (Kind, Name)>,
    /// Uids of objects that we deleted and whose last watch event is still to come.
    deleted: BTreeMap<String, (Kind, Name)>,
    late: Late,
    /// Scripts, as far as they are known.
    scripts: Scripts,
    /// Plurals of kinds that only the API server knows, by API version and kind.
    plurals: BTreeMap<(String, String), String>,
}

/// Whether other objects belong to objects of this kind.
fn is_owner(kind: Kind) -> bool {
    matches!(kind, Kind::Workload(..) | Kind::ReplicaSet)
}

/// The versions in which a kind can be read, preferred first: routes of Gateway API are served in either of two.
fn versions(kind: Kind) -> Vec<Kind> {
    match kind {
        Kind::Route(route) if route == RouteKind::HTTP_ROUTE[0] => {
            RouteKind::HTTP_ROUTE.iter().copied().map(Kind::Route).collect()
        }
        _ => vec![kind],
    }
}

impl Cache {
    /// An empty one, with the scripts of a folder, and metric gates that hold for every Rollout.
    pub(super) fn new(folder: Option<Arc<Folder>>, inline: Option<Arc<Inline>>) -> Self {
        let mut cache = Self::default();
        cache.scripts.folder = folder;
        cache.inline = inline;
        cache
    }

    /// Notes the plural of a kind that only the API server knows.
    pub(super) fn note_plural(&mut self, kind: Kind, plural: String) {
        let (api_version, kind, _) = kind.names();
        self.plurals
            .insert((api_version.to_owned(), kind.to_owned()), plural);
    }

    /// Notes that the ConfigMap with scripts cannot be read, and why. Answers which Rollouts must be looked at.
    pub(super) fn note_unreadable_scripts(&mut self, why: String) -> BTreeSet<RolloutKey> {
        let touched = self.note_unserved(Kind::Configuration);
        self.scripts.configuration = Arc::new(Configuration::Unreadable(why));
        touched
    }

    fn index_scripts(&mut self) {
        let table = self.tables.get(&Kind::Configuration).into_iter();
        let mut objects = table.flat_map(|table| table.objects_of(script::NAMESPACE));
        let read = objects
            .next()
            .map(|object| Configuration::read(&object.data["data"]));
        self.scripts.configuration = Arc::new(read.unwrap_or_default());
    }

    /// Makes room for a kind that is about to be watched.
    pub(super) fn open(&mut self, kind: Kind) {
        self.tables.entry(kind).or_default();
    }

    /// Whether a kind is watched.
    pub(super) fn is_open(&self, kind: Kind) -> bool {
        self.tables.contains_key(&kind)
    }

    /// Whether it is not yet known what there is of a kind.
    pub(super) fn is_awaited(&self, kind: Kind) -> bool {
        self.tables
            .get(&kind)
            .is_none_or(|table| table.state == State::Awaited)
    }

    /// Kinds that a Rollout needs and of which it is not yet known what there is.
    pub(super) fn awaited_by(&self, key: &RolloutKey) -> Vec<Kind> {
        let needed = self
            .rollouts
            .get(key)
            .map(|rollout| self.needed_by(key, rollout))
            .unwrap_or_default();
        needed.into_iter().filter(|kind| self.is_awaited(*kind)).collect()
    }

    fn is_unserved(&self, kind: Kind) -> bool {
        self.tables
            .get(&kind)
            .is_some_and(|table| table.state == State::Unserved)
    }

    /// The kinds that a Rollout needs, each in the first version that is not known to be unserved; the preferred one besides,
    /// which may come to be served.
    fn needed_by(&self, key: &RolloutKey, rollout: &Rollout) -> BTreeSet<Kind> {
        let mut needed = Kind::needed_by(rollout, self.edited.contains(key));
        let shared = self.shared_by(rollout);
        for shared in &shared {
            needed.extend(Kind::routed_by(shared.ever_routed()));
        }
        if self.inline.is_some() {
            needed.extend(Kind::revisions_of(rollout));
        }
        // Of a kind that nothing can be done with nothing is read, nor a right to it needed, but to give objects back.
        let status = rollout.status.as_ref();
        let is_under_way =
            status.is_some_and(|status| status.canary_status.is_some() || status.blue_green_status.is_some());
        if !is_under_way {
            let providers = providers_of(rollout).chain(shared.iter().flat_map(Shared::providers));
            for provider in providers.map(|provider| provider.scripted(&self.scripts)) {
                if provider.is_unscripted()
                    && let Some(route) = provider.versions().first().filter(|route| route.is_custom())
                {
                    needed.remove(&Kind::Route(*route));
                }
            }
        }
        for kind in needed.clone() {
            let versions = versions(kind);
            let last = versions.iter().position(|version| !self.is_unserved(*version));
            needed.extend(&versions[..=last.unwrap_or(versions.len() - 1)]);
        }
        needed
    }

    /// Whether the scope's label selector picks a Rollout.
    pub(super) fn is_picked(&self, key: &RolloutKey) -> bool {
        let name = (key.namespace.clone(), key.name.clone());
        self.entry(Kind::Picked, &name).is_some()
    }

    /// Takes in what a watch says; answers which Rollouts must be looked at.
    pub(super) fn observe(
        &mut self,
        kind: Kind,
        event: watcher::Event<(Name, Entry)>,
    ) -> BTreeSet<RolloutKey> {
        match event {
            watcher::Event::Init => {
                self.tables.entry(kind).or_default().begin_listing();
                BTreeSet::new()
            }
            watcher::Event::InitApply((name, entry)) => {
                let touched = self.put(kind, &name, entry);
                self.tables.entry(kind).or_default().note_listed(&name);
                touched
            }
            watcher::Event::InitDone => {
                let table = self.tables.entry(kind).or_default();
                let was = std::mem::replace(&mut table.state, State::Listed);
                let gone = table.end_listing();
                // What is not there any more will have no last event.
                self.deleted
                    .retain(|_, (of, name)| *of != kind || table.get(name).is_some());
                let mut touched: BTreeSet<RolloutKey> =
                    gone.iter().flat_map(|name| self.remove(kind, name)).collect();
                if was != State::Listed {
                    touched.extend(self.that_need(kind));
                }
                touched
            }
            watcher::Event::Apply((name, entry)) => self.put(kind, &name, entry),
            watcher::Event::Delete((name, entry)) => {
                if let Some(uid) = entry.uid() {
                    self.deleted.remove(uid);
                    self.late.note(uid);
                }
                // A new object of the same name may already be known from the answer to our own write.
                if self
                    .entry(kind, &name)
                    .is_some_and(|known| known.uid() == entry.uid())
                {
                    self.remove(kind, &name)
                } else {
                    BTreeSet::new()
                }
            }
        }
    }

    /// Notes that the API server does not serve a kind: there are no objects of it. Answers which Rollouts must be
    /// looked at.
    pub(super) fn note_unserved(&mut self, kind: Kind) -> BTreeSet<RolloutKey> {
        let table = self.tables.entry(kind).or_default();
        if std::mem::replace(&mut table.state, State::Unserved) == State::Unserved {
            return BTreeSet::new();
        }
        for name in table.names() {
            self.remove(kind, &name);
        }
        self.that_need(kind)
    }

    /// A scan of all Rollouts; only for news about a kind as a whole.
    fn that_need(&self, kind: Kind) -> BTreeSet<RolloutKey> {
        let needing = self.rollouts.iter();
        needing
            .filter(|(key, rollout)| self.needed_by(key, rollout).contains(&kind))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Takes in the answer to a write. Kinds that are not watched are passed over.
    pub(super) fn answered(&mut self, kind: Kind, object: &DynamicObject) -> BTreeSet<RolloutKey> {
        if !self.is_open(kind) {
            return BTreeSet::new();
        }
        let (name, entry) = Entry::of(kind, object.clone());
        let is_gone = entry.uid().is_some_and(|uid| self.late.is_gone(uid));
        if entry.belongs_to(kind) && !is_gone {
            self.put(kind, &name, entry)
        } else {
            BTreeSet::new()
        }
    }

    /// Begins a round of writes, whose answers come later; gives its number.
    pub(super) fn begin_round(&mut self) -> u64 {
        self.late.begin()
    }

    /// Ends a round of writes, whose answers are all in.
    pub(super) fn end_round(&mut self, round: u64) {
        self.late.end(round);
    }

    /// Takes in an object; older ones than known are passed over.
    fn put(&mut self, kind: Kind, name: &Name, entry: Entry) -> BTreeSet<RolloutKey> {
        if entry.uid().is_some_and(|uid| self.deleted.contains_key(uid)) {
            return BTreeSet::new();
        }
        if self
            .tables
            .get(&kind)
            .is_some_and(|table| table.has_as_new(name, &entry))
        {
            return BTreeSet::new();
        }
        let (entry, parsed) = if kind == Kind::Rollout {
            parse(entry)
        } else {
            (entry, None)
        };
        let Put::News(old) = self.tables.entry(kind).or_default().put(name, entry) else {
            return BTreeSet::new();
        };
        if is_owner(kind) {
            if let Some(uid) = old.as_ref().and_then(Entry::uid) {
                self.owners.remove(uid);
            }
            if let Some(uid) = self.entry(kind, name).and_then(Entry::uid) {
                let uid = uid.to_owned();
                self.owners.insert(uid, (kind, name.clone()));
            }
        }
        let mut touched = BTreeSet::new();
        if kind == Kind::Rollout {
            touched.extend(self.index_rollout(name, parsed));
        }
        // Who holds it, and what its status says, changes with every release; what it names hardly ever.
        let spec = |entry: Option<&Entry>| {
            entry
                .and_then(Entry::object)
                .map(|object| object.data["spec"].clone())
        };
        if kind == Kind::TrafficRouting && spec(old.as_ref()) != spec(self.entry(kind, name)) {
            self.index_shared(name);
        }
        if kind == Kind::Configuration {
            self.index_scripts();
        }
        // An autoscaler may have been turned to another workload; a pod is found by its owner alone.
        let is_moved = |old: &Entry| {
            !matches!(kind, Kind::Pod(_)) || self.entry(kind, name).and_then(Entry::owner) != old.owner()
        };
        touched.extend(
            old.filter(is_moved)
                .map(|old| self.rollouts_of(kind, name, &old))
                .unwrap_or_default(),
        );
        if let Some(entry) = self.entry(kind, name) {
            touched.extend(self.rollouts_of(kind, name, entry));
        }
        touched
    }

    /// Forgets an object that we deleted, before the watch says so.
    pub(super) fn forget(&mut self, kind: Kind, namespace: &str, name: &str, uid: Option<&str>) {
        let name = (namespace.to_owned(), name.to_owned());
        let Some(entry) = self.entry(kind, &name) else {
            return;
        };
        if uid.is_some() && entry.uid() != uid {
            return;
        }
        if let Some(uid) = uid {
            self.deleted.insert(uid.to_owned(), (kind, name.clone()));
        }
        self.remove(kind, &name);
    }

    fn remove(&mut self, kind: Kind, name: &Name) -> BTreeSet<RolloutKey> {
        let Some(entry) = self.tables.entry(kind).or_default().remove(name) else {
            return BTreeSet::new();
        };
        if let Some(uid) = entry.uid() {
            self.late.note(uid);
        }
        let mut touched = self.rollouts_of(kind, name, &entry);
        if is_owner(kind)
            && let Some(uid) = entry.uid()
        {
            self.owners.remove(uid);
        }
        if kind == Kind::Rollout {
            touched.extend(self.index_rollout(name, None));
        }
        if kind == Kind::TrafficRouting {
            self.index_shared(name);
        }
        if kind == Kind::Configuration {
            self.index_scripts();
        }
        touched
    }

    fn entry(&self, kind: Kind, name: &Name) -> Option<&Entry> {
        self.tables.get(&kind)?.get(name)
    }

    fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<&DynamicObject> {
        self.entry(kind, &(namespace.to_owned(), name.to_owned()))?
            .object()
    }

    fn linked(&self, kind: Kind, link: &str) -> impl Iterator<Item = &Entry> {
        self.tables
            .get(&kind)
            .into_iter()
            .flat_map(move |table| table.linked(link))
    }

    /// A Rollout, if it is known.
    pub(super) fn rollout(&self, key: &RolloutKey) -> Option<&Rollout> {
        self.rollouts.get(key)
    }

    /// The Rollouts that are known.
    pub(super) fn rollouts(&self) -> impl Iterator<Item = (&RolloutKey, &Rollout)> {
        self.rollouts.iter()
    }
}

/// The typed Rollout, and what else is kept of it: who it is.
fn parse(entry: Entry) -> (Entry, Option<Rollout>) {
    let Entry::Object(object) = entry else {
        return (entry, None);
    };
    let mut object = Arc::unwrap_or_clone(object);
    let metadata = object.metadata.clone();
    let mut value = serde_json::json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout" });
    if let (Some(all), serde_json::Value::Object(data)) = (value.as_object_mut(), object.data.take()) {
        all.extend(data);
    }
    if let Ok(metadata) = serde_json::to_value(metadata) {
        value["metadata"] = metadata;
    }
    (
        Entry::Object(Arc::new(object)),
        serde_json::from_value(value).ok(),
    )
}

#[cfg(test)]
mod tests;
