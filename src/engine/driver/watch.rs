//! The watches: one stream per kind, opened when the first Rollout needs the kind.

use std::{fmt::Debug, time::Duration};

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject},
    core::{PartialObjectMeta, Status},
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;

use super::{
    Scope,
    kind::Kind,
    patience::Patience,
    table::{Entry, Name, PodObject},
};
use crate::{
    clock::Clock,
    traffic::{RouteKind, script},
};

/// Seconds after which a watch is renewed, whatever happens.
const WATCH_SECONDS: u32 = 3600;

/// Longest wait between two looks for the place of a kind.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a watch says.
pub(super) enum Said {
    /// The plural of a kind that only the API server knows.
    Plural(String),
    Event(watcher::Event<(Name, Entry)>),
}

/// What a watch says, and the kind that it is about.
pub(super) type Watched = (Kind, Result<Said, watcher::Error>);

/// Watches a kind. After an error the stream waits, longer each time up to half a minute, and goes on; it ends only after
/// the API server ceased to serve the kind: a watch that goes on from there would never list again.
pub(super) fn watch(
    client: &Client,
    clock: Clock,
    identity: &str,
    scope: &Scope,
    kind: Kind,
) -> BoxStream<'static, Watched> {
    let patience = Patience::of(identity, &kind.qualified());
    if let Kind::Route(route) = kind
        && route.is_custom()
    {
        return found(client, clock, patience, scope, kind, route);
    }
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
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
        (Kind::Configuration, _) => {
            let home = Scope::Selected {
                namespace: Some(script::NAMESPACE.to_owned()),
                labels: None,
            };
            let config = config.fields(&format!("metadata.name={}", script::CONFIGURATION));
            let keep = move |object: DynamicObject| Entry::of(kind, object);
            stream(client, patience, &home, kind, config, keep)
        }
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

/// Watches a kind whose place in the API only the server knows: that is asked for first, again and again while it is not
/// served.
fn found(
    client: &Client,
    clock: Clock,
    patience: Patience,
    scope: &Scope,
    kind: Kind,
    route: RouteKind,
) -> BoxStream<'static, Watched> {
    let (client, scope) = (client.clone(), scope.clone());
    let asking = client.clone();
    let answers = stream::unfold(Some(0_u32), move |tries| {
        let client = asking.clone();
        async move {
            let tries = tries?;
            if tries > 0 {
                let wait = Duration::from_secs(1 << tries.min(5));
                clock.sleep(wait.min(LONGEST_WAIT)).await;
            }
            let answer = place(&client, route).await;
            let next = answer.is_err().then_some(tries + 1);
            Some((answer, next))
        }
    });
    answers
        .flat_map(move |answer| match answer {
            Ok(plural) => {
                let mut resource = kind.resource();
                resource.plural.clone_from(&plural);
                let config = watcher::Config::default().timeout(WATCH_SECONDS);
                let keep = move |object: DynamicObject| Entry::of(kind, object);
                stream::iter([(kind, Ok(Said::Plural(plural)))])
                    .chain(stream_of(
                        &client,
                        patience.clone(),
                        &scope,
                        kind,
                        &resource,
                        config,
                        keep,
                    ))
                    .boxed()
            }
            Err(error) => stream::iter([(kind, Err(watcher::Error::InitialListFailed(error)))]).boxed(),
        })
        .boxed()
}

/// The plural of a kind that the API server serves in namespaces.
async fn place(client: &Client, route: RouteKind) -> Result<String, kube::Error> {
    let all = if route.group().is_empty() {
        client.list_core_api_resources(route.api_version).await?
    } else {
        client.list_api_group_resources(route.api_version).await?
    };
    let mut served = all.resources.into_iter();
    let found = served.find(|one| one.kind == route.kind && one.namespaced && !one.name.contains('/'));
    found.map(|one| one.name).ok_or_else(|| {
        let message = format!("the server has no {}", route.qualified());
        kube::Error::Api(Status::failure(&message, "NotFound").with_code(404).boxed())
    })
}

fn stream<K>(
    client: &Client,
    patience: Patience,
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
    stream_of(client, patience, scope, kind, &kind.resource(), config, keep)
}

fn stream_of<K>(
    client: &Client,
    patience: Patience,
    scope: &Scope,
    kind: Kind,
    resource: &ApiResource,
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
    let api: Api<K> = match scope.namespace() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    };
    watcher(api, config)
        .backoff(patience.forgetting())
        .scan(false, |is_lost, item| {
            let next = (!*is_lost).then_some(item);
            *is_lost = matches!(&next, Some(Err(error)) if is_lost_watch(error));
            std::future::ready(next)
        })
        .map(move |event| (kind, event.map(|event| Said::Event(kept(event, &keep)))))
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
