//! The objects, their versions, and the log that watches read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use super::object::{Object, Rendered};
use super::resource::{KindId, PODS, Resource, built_in};

/// How every uid of a store begins; the rest is counted.
const UID_PREFIX: &str = "00000000-0000-4000-8000-";

/// Namespace and name; the namespace of cluster-wide objects is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// Namespace.
    pub(super) namespace: Arc<str>,
    /// Name.
    pub(super) name: Arc<str>,
}

impl Name {
    /// Puts the two together.
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: Arc::from(namespace),
            name: Arc::from(name),
        }
    }

    /// The name of an object.
    pub(super) fn of(object: &Object) -> Self {
        Self::new(object.namespace(), object.name())
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// It was made.
    Added,
    /// It was written.
    Modified,
    /// It is gone.
    Deleted,
}

impl Happening {
    /// As watches spell it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One entry of a collection's log.
#[derive(Debug)]
pub(super) struct Event {
    /// The resourceVersion of the change.
    pub(super) version: u64,
    /// What happened.
    pub(super) happening: Happening,
    /// The object after the change; the last one known when it is gone.
    pub(super) object: Object,
    /// The object before the change.
    pub(super) old: Option<Object>,
    line: OnceLock<Bytes>,
}

impl Event {
    /// The watch line of the event in the stored version, made at most once.
    pub(super) fn line(&self, resource: &Resource) -> Bytes {
        let make = || {
            watch_line(
                self.happening,
                &self.object,
                &resource.api_version(),
                &resource.kind,
            )
        };
        self.line.get_or_init(make).clone()
    }
}

/// `{"type":...,"object":...}` and a line feed.
pub(super) fn watch_line(happening: Happening, object: &Object, api_version: &str, kind: &str) -> Bytes {
    let mut line = format!("{{\"type\":\"{}\",\"object\":", happening.text()).into_bytes();
    let rendered = Rendered {
        object,
        api_version,
        kind,
    };
    if serde_json::to_writer(&mut line, &rendered).is_err() {
        line.extend_from_slice(b"null");
    }
    line.extend_from_slice(b"}\n");
    Bytes::from(line)
}

/// What watches wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signal {
    /// Version of the newest event of the collection.
    pub(super) version: u64,
    /// Counts how often all watches were told to end.
    pub(super) cuts: u64,
}

/// The objects of one resource.
#[derive(Debug)]
pub(super) struct Collection {
    /// What is known about the resource.
    pub(super) resource: Arc<Resource>,
    /// The objects.
    pub(super) objects: BTreeMap<Name, Object>,
    log: VecDeque<Arc<Event>>,
    trimmed: u64,
    signal: watch::Sender<Signal>,
}

impl Collection {
    fn new(resource: Arc<Resource>) -> Self {
        Self {
            resource,
            objects: BTreeMap::new(),
            log: VecDeque::new(),
            trimmed: 0,
            signal: watch::Sender::new(Signal::default()),
        }
    }

    /// The events after a version, or the version from which on the log is whole.
    pub(super) fn since(&self, version: u64) -> Result<Vec<Arc<Event>>, u64> {
        if version < self.trimmed {
            return Err(self.trimmed);
        }
        let from = self.log.partition_point(|event| event.version <= version);
        Ok(self.log.range(from..).cloned().collect())
    }

    /// A receiver that wakes on every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<Signal> {
        self.signal.subscribe()
    }

    /// The objects of one namespace, or of all when it is `None`.
    pub(super) fn within<'a>(
        &'a self,
        namespace: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Name, &'a Object)> {
        let from = namespace.map_or(Bound::Unbounded, |n| Bound::Included(Name::new(n, "")));
        self.objects
            .range((from, Bound::Unbounded))
            .take_while(move |(name, _)| namespace.is_none_or(|n| &*name.namespace == n))
    }
}

/// A change that the controllers have not seen yet.
pub(super) type Change = (KindId, Arc<Event>);

/// Everything the server knows.
#[derive(Debug)]
pub(super) struct Store {
    collections: Vec<Collection>,
    version: u64,
    uids: u64,
    names: u64,
    log_limit: usize,
    by_uid: BTreeMap<String, (KindId, Name)>,
    dependents: BTreeMap<String, BTreeSet<(KindId, Name)>>,
    /// Changes for the controllers; `None` while none run.
    pub(super) changes: Option<Vec<Change>>,
    /// Wakes the controllers.
    pub(super) wake: Arc<Notify>,
    /// The version after every change, for whoever watches the whole store.
    pub(super) versions: watch::Sender<u64>,
}

impl Store {
    /// An empty store that serves the built-in resources but those of some groups, and keeps `log_limit` events of each.
    pub(super) fn new(log_limit: usize, without: &[&str]) -> Self {
        let table = built_in().iter().map(|resource| {
            if without.contains(&resource.group.as_str()) {
                return Arc::new(Resource {
                    versions: Vec::new(),
                    ..(**resource).clone()
                });
            }
            Arc::clone(resource)
        });
        Self {
            collections: table.map(Collection::new).collect(),
            version: 0,
            uids: 0,
            names: 0,
            log_limit: log_limit.max(1),
            by_uid: BTreeMap::new(),
            dependents: BTreeMap::new(),
            changes: None,
            wake: Arc::new(Notify::new()),
            versions: watch::Sender::new(0),
        }
    }

    /// The newest resourceVersion.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// A collection; the built-in constants and [`Self::find`] give valid places.
    pub(super) fn collection(&self, kind: KindId) -> &Collection {
        &self.collections[kind]
    }

    /// Every collection, in the order of the table.
    pub(super) fn collections(&self) -> &[Collection] {
        &self.collections
    }

    /// What is known about a resource.
    pub(super) fn resource(&self, kind: KindId) -> &Arc<Resource> {
        &self.collections[kind].resource
    }

    /// The place of a resource that is served in this group and version.
    pub(super) fn find(&self, group: &str, version: &str, plural: &str) -> Option<KindId> {
        self.collections.iter().position(|c| {
            let r = &c.resource;
            r.group == group && r.plural == plural && r.versions.iter().any(|v| v == version)
        })
    }

    /// The place of a kind that is served under this apiVersion.
    pub(super) fn find_kind(&self, api_version: &str, kind: &str) -> Option<KindId> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        self.collections.iter().position(|c| {
            let r = &c.resource;
            r.group == group && r.kind == kind && r.versions.iter().any(|v| v == version)
        })
    }

    /// Serves a resource from now on; a known one takes the new definition.
    pub(super) fn register(&mut self, resource: Resource) -> KindId {
        let known = self
            .collections
            .iter()
            .position(|c| c.resource.group == resource.group && c.resource.plural == resource.plural);
        if let Some(kind) = known {
            self.collections[kind].resource = Arc::new(resource);
            return kind;
        }
        self.collections.push(Collection::new(Arc::new(resource)));
        self.collections.len() - 1
    }

    /// A uid that no other object of this store has.
    pub(super) fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("{UID_PREFIX}{:012x}", self.uids)
    }

    /// Takes note of the uid of an object that was made elsewhere, perhaps by another store that counts as this one does.
    pub(super) fn note_uid(&mut self, uid: &str) {
        let counted = uid
            .strip_prefix(UID_PREFIX)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok());
        self.uids = self.uids.max(counted.unwrap_or_default());
    }

    /// A name with a generated end that no object of the kind has, loaded ones included.
    pub(super) fn free_name(&mut self, kind: KindId, namespace: &str, prefix: &str) -> String {
        loop {
            let name = format!("{prefix}{}", self.next_suffix());
            if self.get(kind, &Name::new(namespace, &name)).is_none() {
                return name;
            }
        }
    }

    /// Five letters for a generated name; the first 14 million differ from each other.
    fn next_suffix(&mut self) -> String {
        const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        const SPACE: u64 = 27 * 27 * 27 * 27 * 27;
        self.names += 1;
        let mut rest = self.names.wrapping_mul(9_365_027) % SPACE;
        let mut text = String::with_capacity(5);
        for _ in 0..5 {
            text.push(char::from(LETTERS[usize::try_from(rest % 27).unwrap_or(0)]));
            rest /= 27;
        }
        text
    }

    /// A number that grows with every generated name, for addresses.
    pub(super) fn next_number(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    /// An object.
    pub(super) fn get(&self, kind: KindId, name: &Name) -> Option<&Object> {
        self.collections[kind].objects.get(name)
    }

    /// Where the object of a uid is.
    pub(super) fn locate(&self, uid: &str) -> Option<&(KindId, Name)> {
        self.by_uid.get(uid)
    }

    /// The objects that name an owner, of one kind.
    pub(super) fn dependents_of(&self, uid: &str, kind: KindId) -> impl Iterator<Item = (&Name, &Object)> {
        let all = self.dependents.get(uid).into_iter().flatten();
        all.filter(move |(k, _)| *k == kind).filter_map(move |(_, name)| {
            self.collections[kind]
                .objects
                .get(name)
                .map(|object| (name, object))
        })
    }

    /// Whether any object names this owner.
    pub(super) fn dependents_exist(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }

    /// The places of all objects that name an owner.
    pub(super) fn dependents(&self, uid: &str) -> Vec<(KindId, Name)> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Puts a new object in.
    pub(super) fn insert(&mut self, kind: KindId, mut object: Object) -> Object {
        self.version += 1;
        object.version = self.version;
        if kind == PODS {
            object.pod = object.pod_facts();
        }
        let name = Name::of(&object);
        self.index(kind, &name, &object);
        self.collections[kind].objects.insert(name, object.clone());
        self.log(kind, Happening::Added, object.clone(), None);
        object
    }

    /// Writes an object that is there already. Writing what is there changes nothing, not even the version.
    pub(super) fn replace(&mut self, kind: KindId, mut object: Object) -> Object {
        let name = Name::of(&object);
        let Some(old) = self.collections[kind].objects.get(&name) else {
            return self.insert(kind, object);
        };
        if old.same_content(&object) {
            let mut kept = old.clone();
            kept.applied = object.applied;
            self.collections[kind].objects.insert(name, kept.clone());
            return kept;
        }
        let old = old.clone();
        self.version += 1;
        object.version = self.version;
        if kind == PODS {
            object.pod = object.pod_facts();
        }
        if !Arc::ptr_eq(&old.meta, &object.meta) && old.owners() != object.owners() {
            self.unindex(kind, &name, &old);
            self.index(kind, &name, &object);
        }
        self.collections[kind].objects.insert(name, object.clone());
        self.log(kind, Happening::Modified, object.clone(), Some(old));
        object
    }

    /// Takes an object out.
    pub(super) fn remove(&mut self, kind: KindId, name: &Name) -> Option<Object> {
        let old = self.collections[kind].objects.remove(name)?;
        self.version += 1;
        let mut last = old.clone();
        last.version = self.version;
        self.unindex(kind, name, &old);
        self.log(kind, Happening::Deleted, last.clone(), Some(old));
        Some(last)
    }

    /// Ends every watch that is open now.
    pub(super) fn cut_watches(&mut self) {
        for collection in &self.collections {
            collection.signal.send_modify(|signal| signal.cuts += 1);
        }
    }

    fn index(&mut self, kind: KindId, name: &Name, object: &Object) {
        self.by_uid.insert(object.uid().to_owned(), (kind, name.clone()));
        for owner in object.owners() {
            let uid = owner["uid"].as_str().unwrap_or_default().to_owned();
            self.dependents
                .entry(uid)
                .or_default()
                .insert((kind, name.clone()));
        }
    }

    fn unindex(&mut self, kind: KindId, name: &Name, object: &Object) {
        self.by_uid.remove(object.uid());
        let place = (kind, name.clone());
        for owner in object.owners() {
            let uid = owner.get("uid").and_then(Value::as_str).unwrap_or_default();
            if let Some(set) = self.dependents.get_mut(uid) {
                set.remove(&place);
                if set.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
    }

    fn log(&mut self, kind: KindId, happening: Happening, object: Object, old: Option<Object>) {
        let event = Arc::new(Event {
            version: self.version,
            happening,
            object,
            old,
            line: OnceLock::new(),
        });
        if let Some(changes) = &mut self.changes {
            if changes.is_empty() {
                self.wake.notify_one();
            }
            changes.push((kind, Arc::clone(&event)));
        }
        let collection = &mut self.collections[kind];
        collection.log.push_back(event);
        if collection.log.len() > self.log_limit
            && let Some(gone) = collection.log.pop_front()
        {
            collection.trimmed = gone.version;
        }
        let version = self.version;
        collection.signal.send_modify(|signal| signal.version = version);
        self.versions.send_replace(version);
    }
}
