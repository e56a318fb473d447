//! A watch: the log of a collection as a stream of lines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use crate::clock::Clock;

use super::failure::Failure;
use super::object::Object;
use super::request::Shape;
use super::resource::{KindId, Resource};
use super::selector::Filter;
use super::store::{Event, Happening, Signal, watch_line};
use super::{Shared, table};

/// Seconds a watch lasts when the client does not say.
const LASTS_SECONDS: u64 = 1800;

/// What a client wants to watch.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Which resource.
    pub(super) kind: KindId,
    /// In which version.
    pub(super) version: String,
    /// Which objects.
    pub(super) filter: Filter,
    /// In which form.
    pub(super) shape: Shape,
    /// Events after this version; `None` means: first what is there, then what comes.
    pub(super) since: Option<u64>,
    /// Whether a bookmark ends the objects that are there at the start.
    pub(super) initial_events: bool,
    /// Whether the client understands bookmarks.
    pub(super) bookmarks: bool,
    /// Seconds the watch lasts.
    pub(super) timeout: Option<u64>,
}

struct Watching {
    shared: Shared,
    wanted: Wanted,
    resource: Arc<Resource>,
    api_version: String,
    cursor: u64,
    signal: watch::Receiver<Signal>,
    cuts: u64,
    queue: VecDeque<Bytes>,
    end: BoxFuture<'static, ()>,
    ended: bool,
    clock: Clock,
}

/// Starts a watch. Must be called inside the runtime.
pub(super) fn start(
    shared: &Shared,
    clock: Clock,
    wanted: Wanted,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let lasts = Duration::from_secs(wanted.timeout.unwrap_or(LASTS_SECONDS));
    let end: BoxFuture<'static, ()> = Box::pin(async move { clock.sleep(lasts).await });
    let inner = shared.lock();
    let collection = inner.store.collection(wanted.kind);
    let signal = collection.subscribe();
    let cuts = signal.borrow().cuts;
    let resource = Arc::clone(&collection.resource);
    let mut watching = Watching {
        shared: shared.clone(),
        api_version: resource.api_version_of(&wanted.version),
        resource,
        cursor: wanted.since.unwrap_or_else(|| inner.store.version()),
        signal,
        cuts,
        queue: VecDeque::new(),
        end,
        ended: false,
        clock,
        wanted,
    };
    if watching.wanted.since.is_none() {
        let namespace = watching.wanted.filter.namespace.clone();
        let now = clock.now();
        for (_, object) in collection.within(namespace.as_deref()) {
            if watching.wanted.filter.passes(object) {
                let line = watching.render(Happening::Added, object, now);
                watching.queue.push_back(line);
            }
        }
        if watching.wanted.initial_events {
            let bookmark = watching.bookmark(true);
            watching.queue.push_back(bookmark);
        }
    }
    drop(inner);
    futures::stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((line, watching))
    })
}

impl Watching {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Some(line);
            }
            if self.ended || self.signal.borrow_and_update().cuts != self.cuts {
                return None;
            }
            if self.pull() {
                continue;
            }
            tokio::select! {
                biased;
                changed = self.signal.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = &mut self.end => {
                    self.ended = true;
                    if self.wanted.bookmarks {
                        self.cursor = self.cursor.max(self.shared.lock().store.version());
                        return Some(self.bookmark(false));
                    }
                    return None;
                }
            }
        }
    }

    /// Queues the lines of new events; `false` when there were no events.
    fn pull(&mut self) -> bool {
        let events = self
            .shared
            .lock()
            .store
            .collection(self.wanted.kind)
            .since(self.cursor);
        let events = match events {
            Ok(events) => events,
            Err(oldest) => {
                let status = Failure::expired(self.cursor, oldest).status();
                let mut line = json!({"type": "ERROR", "object": status})
                    .to_string()
                    .into_bytes();
                line.push(b'\n');
                self.queue.push_back(Bytes::from(line));
                self.ended = true;
                return true;
            }
        };
        let now = self.clock.now();
        for event in &events {
            self.cursor = event.version;
            if let Some(line) = self.line(event, now) {
                self.queue.push_back(line);
            }
        }
        !events.is_empty()
    }

    /// An event as this watch sees it: an object that comes to match is added, one that ceases to is deleted.
    fn line(&self, event: &Event, now: Timestamp) -> Option<Bytes> {
        let matches = self.wanted.filter.passes(&event.object);
        let matched = event
            .old
            .as_ref()
            .is_some_and(|old| self.wanted.filter.passes(old));
        let happening = match (event.happening, matched, matches) {
            (Happening::Added, _, true) | (Happening::Modified, false, true) => Happening::Added,
            (Happening::Modified, true, true) => Happening::Modified,
            (Happening::Modified, true, false) | (Happening::Deleted, true, _) => Happening::Deleted,
            _ => return None,
        };
        let plain = self.wanted.shape == Shape::Full && self.wanted.version == self.resource.stored_version();
        if plain && happening == event.happening {
            return Some(event.line(&self.resource));
        }
        Some(self.render(happening, &event.object, now))
    }

    fn render(&self, happening: Happening, object: &Object, now: Timestamp) -> Bytes {
        let shown = match self.wanted.shape {
            Shape::Full => return watch_line(happening, object, &self.api_version, &self.resource.kind),
            Shape::Partial => table::partial(object),
            Shape::Table => table::table(&self.resource, &[object], object.version, now),
        };
        let mut line = json!({"type": happening.text(), "object": shown})
            .to_string()
            .into_bytes();
        line.push(b'\n');
        Bytes::from(line)
    }

    fn bookmark(&self, initial: bool) -> Bytes {
        let mut object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.api_version,
            "metadata": {"resourceVersion": self.cursor.to_string(), "creationTimestamp": null},
        });
        if self.wanted.shape == Shape::Partial {
            object["kind"] = json!("PartialObjectMetadata");
            object["apiVersion"] = json!("meta.k8s.io/v1");
        }
        if initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let mut line = json!({"type": "BOOKMARK", "object": object})
            .to_string()
            .into_bytes();
        line.push(b'\n');
        Bytes::from(line)
    }
}
