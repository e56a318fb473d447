//! An in-memory Kubernetes API server with model controllers, a fake kubelet and virtual time.
//!
//! [`Sim`] is the server: a tower Service behind [`Sim::client`], or behind a socket with [`Sim::serve`].
//! [`Sim::start`] runs the model controllers. All time is tokio's, so that a paused runtime makes it virtual, and
//! names and uids are counted, so that two runs of the same requests give the same bytes.
//!
//! # Known differences from a real control plane
//! `docs/simulator.md` has the whole list, for users; here is what a test can meet.
//!
//! The models of Deployments, ReplicaSets, StatefulSets and DaemonSets rest where the real controllers do
//! (`tests/it/live/models.rs` compares them). What differs on the way, or is left out:
//! - Controllers act one latency after a change, in one order; real ones act when they get to it. So what depends on how
//!   far a first change had come when a second one was made may differ: which empty ReplicaSet remembers which size, and
//!   which old revisions of a DaemonSet were pruned.
//! - The real DaemonSet controller can forget to look again at the new pods of a surging update with `minReadySeconds`:
//!   the old pod then stays until something else happens. Here it goes as soon as it may.
//! - DaemonSets go through nodes by name, real ones in no order. Failed pods, volume claims, evictions, quotas and
//!   priorities are not modelled, and the fields of single pods are fewer (`controllers/pods.rs`).

mod affliction;
mod controllers;
mod defaults;
mod definitions;
mod deletion;
mod discovery;
mod failure;
mod fault;
mod gateway;
mod hold;
mod listener;
mod object;
mod patch;
mod request;
mod resource;
mod scale;
mod schema;
mod selector;
mod server;
mod settling;
mod store;
mod table;
mod validation;
mod verbs;
mod watching;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;

pub use affliction::{Affliction, Ailment, Share};
pub use controllers::Controllers;
pub use fault::{Fault, FaultRequest};

use object::{Object, seconds};
use request::Request;
use resource::{NAMESPACES, NODES, Resource};
use store::{Name, Store};

/// What a simulator is like.
#[derive(Clone, Debug)]
pub struct Options {
    /// The source of all times.
    pub clock: Clock,
    /// From the creation of a pod until it is ready.
    pub pod_ready_after: Duration,
    /// From the deletion of a pod until it is gone.
    pub pod_gone_after: Duration,
    /// Number of nodes that pods are spread over, in turn.
    pub nodes: usize,
    /// Whether the hold policies are in force.
    pub hold: bool,
    /// Whether the workloads of Kruise are served from the start; objects of them that are loaded are in any case.
    pub kruise: bool,
    /// Whether Gateway API and Istio are served from the start; objects of them that are loaded are in any case.
    pub gateways: bool,
    /// From a change until the controllers act on it.
    pub latency: Duration,
    /// How many events of each resource watches can go back.
    pub log_limit: usize,
}

impl Options {
    /// Three nodes, pods ready after 1 s and gone after 300 ms, no hold policy, no Kruise, no gateways, controllers that act
    /// after 2 ms.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            pod_ready_after: Duration::from_secs(1),
            pod_gone_after: Duration::from_millis(300),
            nodes: 3,
            hold: false,
            kruise: false,
            gateways: false,
            latency: Duration::from_millis(2),
            log_limit: 16_384,
        }
    }
}

/// A request of a client that changed something, or tried to.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// When it came.
    pub at: Timestamp,
    /// HTTP method.
    pub verb: String,
    /// Path without its query.
    pub path: String,
    /// `Content-Type`; empty when there is none.
    pub content_type: String,
    /// The explicit field manager; empty when there is none.
    pub field_manager: String,
    /// The user agent; empty when there is none.
    pub user_agent: String,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// The body; null when there is none.
    pub body: Value,
    /// The HTTP code of the answer, also when a fault kept it from the client.
    pub code: u16,
}

/// Writes that are kept for those who ask, the newest: a demo goes on for as long as nobody ends it.
const MOST_TRACED: usize = 100_000;

/// A write as it is kept: nobody may ever read its body.
struct Traced {
    at: Timestamp,
    request: Request,
    code: u16,
}

impl Traced {
    fn write(&self) -> Write {
        let request = &self.request;
        Write {
            at: self.at,
            verb: request.method.to_string(),
            path: request.path.clone(),
            content_type: request.content_type.clone(),
            field_manager: request.manager().unwrap_or_default().to_owned(),
            user_agent: request.user_agent.clone(),
            dry_run: request.dry_run(),
            body: request.json().unwrap_or(Value::Null),
            code: self.code,
        }
    }
}

/// Why an object cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// `apiVersion`, `kind` or `metadata.name` is missing.
    #[error("the object has no {0}")]
    Nameless(&'static str),
}

/// Everything behind the lock. The lock is never held across an await.
struct Inner {
    store: Store,
    options: Options,
    trace: VecDeque<Traced>,
    hook: Option<fault::Hook>,
    seen: u64,
    endpoints: bool,
    afflicted: affliction::Afflicted,
    /// Objects as JSON with the version that was rendered, for those who look again and again.
    rendered: BTreeMap<(resource::KindId, Name), (u64, Arc<Value>)>,
}

/// Renderings that are kept at the most.
const RENDERED: usize = 4096;

impl Inner {
    fn render(
        &mut self,
        id: resource::KindId,
        name: &Name,
        api_version: &str,
        kind: &str,
    ) -> Option<Arc<Value>> {
        let object = self.store.get(id, name)?;
        let key = (id, name.clone());
        if let Some((version, known)) = self.rendered.get(&key)
            && *version == object.version
            && known["apiVersion"] == api_version
        {
            return Some(Arc::clone(known));
        }
        let (version, value) = (object.version, Arc::new(object.to_value(api_version, kind)));
        if self.rendered.len() >= RENDERED {
            self.rendered.clear();
        }
        self.rendered.insert(key, (version, Arc::clone(&value)));
        Some(value)
    }
}

/// The shared state of a simulator.
#[derive(Clone)]
struct Shared(Arc<Mutex<Inner>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An in-memory cluster. Clones share it.
#[derive(Clone)]
pub struct Sim {
    shared: Shared,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl Sim {
    /// An empty cluster with its nodes and the namespaces `default` and `kube-system`.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let optional: [(bool, &[&str]); 2] = [
            (options.kruise, &[resource::KRUISE]),
            (
                options.gateways,
                &[resource::GATEWAY, resource::ISTIO, resource::TRAEFIK],
            ),
        ];
        let without = optional.iter().filter(|(is_served, _)| !is_served);
        let without: Vec<&str> = without.flat_map(|(_, groups)| groups.iter().copied()).collect();
        let mut store = Store::new(options.log_limit, &without);
        let now = options.clock.now();
        for namespace in ["default", "kube-system"] {
            add_namespace(&mut store, namespace, now);
        }
        for node in 0..options.nodes {
            let uid = store.next_uid();
            let object = json!({
                "metadata": {"name": format!("node-{node}"), "uid": uid, "creationTimestamp": seconds(now)},
                "spec": {},
                "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]},
            });
            store.insert(NODES, Object::from_value(object));
        }
        let inner = Inner {
            store,
            options,
            trace: VecDeque::new(),
            hook: None,
            seen: 0,
            rendered: BTreeMap::new(),
            endpoints: false,
            afflicted: affliction::Afflicted::default(),
        };
        Self {
            shared: Shared(Arc::new(Mutex::new(inner))),
        }
    }

    /// A client of the cluster, in the namespace `default`. Must be called inside the runtime that will use it.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(server::Server::new(self.shared.clone()), "default")
    }

    /// Puts an object straight into the store, as it is: uid, times and status are kept, only the resourceVersion is
    /// new. Its namespace is made if it is not there, and a kind that is not known is served from now on. An object
    /// that is there already is replaced.
    ///
    /// # Errors
    /// When the object does not say what it is.
    pub fn load(&self, object: Value) -> Result<(), LoadError> {
        let text = |at: &str| {
            object
                .pointer(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        let namespace = text("/metadata/namespace");
        for (field, value) in [
            ("apiVersion", &api_version),
            ("kind", &kind),
            ("metadata.name", &name),
        ] {
            if value.is_empty() {
                return Err(LoadError::Nameless(field));
            }
        }
        let mut inner = self.shared.lock();
        let now = inner.options.clock.now();
        let store = &mut inner.store;
        if kind == "CustomResourceDefinition"
            && let Some(resource) = Resource::from_definition(&object)
        {
            store.register(resource);
        }
        let id = store
            .find_kind(&api_version, &kind)
            .unwrap_or_else(|| store.register(Resource::of(&api_version, &kind, !namespace.is_empty())));
        if !namespace.is_empty() && store.get(NAMESPACES, &Name::new("", &namespace)).is_none() {
            add_namespace(store, &namespace, now);
        }
        let mut object = Object::from_value(object);
        let meta = Arc::make_mut(&mut object.meta);
        settling::forget_writers(meta, store.resource(id).custom);
        if let Some(uid) = meta.get("uid").and_then(Value::as_str) {
            store.note_uid(uid);
        } else {
            meta.insert("uid".to_owned(), json!(store.next_uid()));
        }
        meta.entry("creationTimestamp")
            .or_insert_with(|| json!(seconds(now)));
        if store.resource(id).generation {
            meta.entry("generation").or_insert_with(|| json!(1));
        }
        store.replace(id, object);
        Ok(())
    }

    /// Runs the model controllers until the guard is dropped. Must be called inside a runtime.
    #[must_use]
    pub fn start(&self) -> Controllers {
        controllers::start(self.shared.clone())
    }

    /// An object as it is now.
    #[must_use]
    pub fn get(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let mut inner = self.shared.lock();
        let id = inner.store.find_kind(api_version, kind)?;
        inner.look_at_endpoints(id);
        let resource = inner.store.resource(id);
        let namespace = if resource.namespaced { namespace } else { "" };
        let object = inner.store.get(id, &Name::new(namespace, name))?;
        Some(object.to_value(api_version, kind))
    }

    /// The objects of a kind, in the order of namespace and name; `None` means all namespaces.
    #[must_use]
    pub fn list(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Vec<Value> {
        let mut inner = self.shared.lock();
        let Some(id) = inner.store.find_kind(api_version, kind) else {
            return Vec::new();
        };
        inner.look_at_endpoints(id);
        let objects = inner.store.collection(id).within(namespace);
        objects
            .map(|(_, object)| object.to_value(api_version, kind))
            .collect()
    }

    /// As [`Self::get`], but shared: whoever looks at every change pays for what changed alone.
    #[must_use]
    pub fn seen(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let mut inner = self.shared.lock();
        let id = inner.store.find_kind(api_version, kind)?;
        inner.look_at_endpoints(id);
        let resource = inner.store.resource(id);
        let namespace = if resource.namespaced { namespace } else { "" };
        inner.render(id, &Name::new(namespace, name), api_version, kind)
    }

    /// As [`Self::list`], but shared.
    #[must_use]
    pub fn all_seen(&self, api_version: &str, kind: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let mut inner = self.shared.lock();
        let Some(id) = inner.store.find_kind(api_version, kind) else {
            return Vec::new();
        };
        inner.look_at_endpoints(id);
        let objects = inner.store.collection(id).within(namespace);
        let names: Vec<Name> = objects.map(|(name, _)| name.clone()).collect();
        names
            .iter()
            .filter_map(|name| inner.render(id, name, api_version, kind))
            .collect()
    }

    /// Every object of every kind, for printing a whole cluster.
    #[must_use]
    pub fn everything(&self) -> Vec<Value> {
        let inner = self.shared.lock();
        let all = inner.store.collections().iter().flat_map(|c| {
            let api_version = c.resource.api_version();
            c.objects
                .values()
                .map(move |object| object.to_value(&api_version, &c.resource.kind))
        });
        all.collect()
    }

    /// The requests of clients that changed something or tried to, in order. Controllers' own writes are not requests.
    #[must_use]
    pub fn trace(&self) -> Vec<Write> {
        self.shared.lock().trace.iter().map(Traced::write).collect()
    }

    /// Takes the trace, leaving an empty one.
    #[must_use]
    pub fn take_trace(&self) -> Vec<Write> {
        let taken = std::mem::take(&mut self.shared.lock().trace);
        taken.iter().map(Traced::write).collect()
    }

    /// How many requests came so far, reads included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.lock().seen
    }

    /// The version of the whole store, anew at every change; for checks that must hold at all times.
    #[must_use]
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.shared.lock().store.versions.subscribe()
    }

    /// Lets a hook decide which requests fail, and how. A later hook takes the place of an earlier one.
    pub fn inject(&self, hook: impl FnMut(&FaultRequest) -> Option<Fault> + Send + 'static) {
        self.shared.lock().hook = Some(Box::new(hook));
    }

    /// Ends every open watch, as a restarting API server does.
    pub fn cut_watches(&self) {
        self.shared.lock().store.cut_watches();
    }

    /// Answers HTTP/1.1 connections until the future is dropped; for kubectl and whole processes, in real time.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        listener::serve(&self.shared, listener).await
    }
}

fn add_namespace(store: &mut Store, name: &str, now: Timestamp) {
    let uid = store.next_uid();
    let object = json!({
        "metadata": {"name": name, "uid": uid, "creationTimestamp": seconds(now),
                     "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    });
    store.insert(NAMESPACES, Object::from_value(object));
}
