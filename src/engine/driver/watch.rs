//! The watches: one stream per kind, opened when the first Rollout needs the kind.

use std::fmt::Debug;

use futures::{StreamExt as _, stream::BoxStream};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject},
    core::PartialObjectMeta,
    runtime::{WatchStreamExt as _, utils::ResetTimerBackoff, watcher},
};
use serde::de::DeserializeOwned;

use super::{
    Scope,
    kind::Kind,
    patience::Patience,
    table::{Entry, Name, PodObject},
};

/// Seconds after which a watch is renewed, whatever happens.
const WATCH_SECONDS: u32 = 3600;

/// What a watch says, and the kind that it is about.
pub(super) type Watched = (Kind, Result<watcher::Event<(Name, Entry)>, watcher::Error>);

/// Watches a kind. After an error the stream waits, longer each time up to half a minute, and goes on; it ends only after
/// the API server ceased to serve the kind: a watch that goes on from there would never list again.
pub(super) fn watch(
    client: &Client,
    identity: &str,
    scope: &Scope,
    kind: Kind,
) -> BoxStream<'static, Watched> {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let patience = Patience::of(identity, &kind.qualified());
    match (kind, scope) {
        (
            Kind::Picked,
            Scope::Selected {
                labels: Some(labels), ..
            },
        ) => stream(
            client,
            patience,
            scope,
            kind,
            config.labels(labels),
            |object: PartialObjectMeta<DynamicObject>| {
                let bare = DynamicObject {
                    types: None,
                    metadata: object.metadata,
                    data: serde_json::Value::Null,
                };
                Entry::of(Kind::Picked, bare)
            },
        ),
        (Kind::Pod(label), _) => stream(
            client,
            patience,
            scope,
            kind,
            config.labels(label),
            |pod: PodObject| Entry::of_pod(pod.metadata, &pod.status.unwrap_or_default()),
        ),
        _ => stream(
            client,
            patience,
            scope,
            kind,
            config,
            move |object: DynamicObject| Entry::of(kind, object),
        ),
    }
}

fn stream<K>(
    client: &Client,
    patience: ResetTimerBackoff<Patience>,
    scope: &Scope,
    kind: Kind,
    config: watcher::Config,
    keep: impl Fn(K) -> (Name, Entry) + Send + 'static,
) -> BoxStream<'static, Watched>
where
    K: Resource<DynamicType = ApiResource, Scope = kube::core::DynamicResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let resource = kind.resource();
    let api: Api<K> = match scope.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    watcher(api, config)
        .backoff(patience)
        .scan(false, |is_lost, item| {
            let next = (!*is_lost).then_some(item);
            *is_lost = matches!(&next, Some(Err(error)) if is_lost_watch(error));
            std::future::ready(next)
        })
        .map(move |event| (kind, event.map(|event| kept(event, &keep))))
        .boxed()
}

fn kept<K>(event: watcher::Event<K>, keep: impl Fn(K) -> (Name, Entry)) -> watcher::Event<(Name, Entry)> {
    match event {
        watcher::Event::Apply(object) => watcher::Event::Apply(keep(object)),
        watcher::Event::Delete(object) => watcher::Event::Delete(keep(object)),
        watcher::Event::Init => watcher::Event::Init,
        watcher::Event::InitApply(object) => watcher::Event::InitApply(keep(object)),
        watcher::Event::InitDone => watcher::Event::InitDone,
    }
}

/// The HTTP status with which the API server answered; 0 when it did not.
fn code(error: &watcher::Error) -> u16 {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => 0,
    }
}

/// What the API server, or the way to it, said.
pub(super) fn words(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Whether a right is missing.
pub(super) fn is_forbidden(error: &watcher::Error) -> bool {
    matches!(code(error), 401 | 403)
}

/// Whether the stream ends after this error and must be opened anew.
pub(super) fn is_lost_watch(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(_)) && code(error) == 404
}

/// Whether the API server does not know the kind.
pub(super) fn is_unserved(error: &watcher::Error) -> bool {
    is_lost_watch(error) || matches!(error, watcher::Error::InitialListFailed(_)) && code(error) == 404
}

/// Whether an error may pass by itself.
pub(super) fn is_passing(error: &watcher::Error) -> bool {
    matches!(code(error), 0 | 429 | 500..)
}
