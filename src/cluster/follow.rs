//! Following objects: a notice whenever something that was named changes.

use futures::{
    Stream, StreamExt,
    stream::{BoxStream, select_all},
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::{DynamicResourceScope, GroupVersionKind, PartialObjectMeta},
    runtime::watcher,
};

use serde::de::DeserializeOwned;

use super::{Cluster, Found, Outline, RolloutVersion, Served, failure};
use crate::error::{Error, Kind};

/// What is followed.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The kind.
    pub served: Served,
    /// The namespace; all when there is none.
    pub namespace: Option<String>,
    /// Only the object of this name.
    pub name: Option<String>,
    /// Only what this label selector selects.
    pub labels: Option<String>,
}

/// What happens to objects that are followed, Rollouts if nothing else is said.
#[derive(Clone, Debug)]
pub enum News<T = Found> {
    /// They are listed anew: what is not named until [`News::Listed`] is gone.
    Afresh,
    /// One is there, as it is now.
    There(Box<T>),
    /// All of them were named.
    Listed,
    /// One is gone: namespace and name.
    Gone(String, String),
    /// The server does not answer, or refuses; it is asked again.
    Trouble(Error),
}

impl Cluster {
    /// Follows the Rollouts that labels select.
    #[must_use]
    pub fn news(
        &self,
        version: RolloutVersion,
        namespace: Option<&str>,
        labels: &str,
    ) -> BoxStream<'static, News> {
        let config = watcher::Config::default().labels(labels);
        self.told(&Served::rollouts(version), namespace, config, found_in(version))
    }

    /// Follows one Rollout.
    #[must_use]
    pub fn news_of(&self, found: &Found) -> BoxStream<'static, News> {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", found.name));
        let served = Served::rollouts(found.version);
        self.told(&served, Some(&found.namespace), config, found_in(found.version))
    }

    /// Follows what workloads carry, by their metadata alone.
    #[must_use]
    pub fn outlined(&self, served: &Served, namespace: Option<&str>) -> BoxStream<'static, News<Outline>> {
        let outline = |object: PartialObjectMeta<DynamicObject>| Outline::of(&object.metadata);
        self.told(served, namespace, watcher::Config::default(), outline)
    }

    fn told<K, T: 'static>(
        &self,
        served: &Served,
        namespace: Option<&str>,
        config: watcher::Config,
        seen: impl Fn(K) -> T + Send + 'static,
    ) -> BoxStream<'static, News<T>>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let api: Api<K> = self.api(served, namespace);
        let (server, full) = (self.server.clone(), served.full());
        let place = namespace.map(str::to_owned);
        kube::runtime::WatchStreamExt::default_backoff(watcher(api, config))
            .map(move |event| match event {
                Ok(watcher::Event::Init) => News::Afresh,
                Ok(watcher::Event::InitDone) => News::Listed,
                Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) => {
                    News::There(Box::new(seen(object)))
                }
                Ok(watcher::Event::Delete(object)) => {
                    let meta = object.meta();
                    let (namespace, name) = (meta.namespace.clone(), meta.name.clone());
                    News::Gone(namespace.unwrap_or_default(), name.unwrap_or_default())
                }
                Err(error) => {
                    let request = |verb| failure::Request {
                        verb,
                        full: &full,
                        subresource: None,
                        namespace: place.as_deref(),
                        name: None,
                        server: &server,
                    };
                    News::Trouble(match error {
                        watcher::Error::InitialListFailed(error) => failure::explain(&error, request("list")),
                        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
                            failure::explain(&error, request("watch"))
                        }
                        other => Error::new(Kind::Unreachable, failure::first_line(&other.to_string())),
                    })
                }
            })
            .boxed()
    }

    fn api<K>(&self, served: &Served, namespace: Option<&str>) -> Api<K>
    where
        K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
    {
        let (group, version) = served
            .api_version
            .split_once('/')
            .unwrap_or(("", &served.api_version));
        let kind = GroupVersionKind::gvk(group, version, &served.kind);
        let description = ApiResource::from_gvk_with_plural(&kind, &served.plural);
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &description),
            None => Api::all_with(self.client.clone(), &description),
        }
    }

    /// Yields whenever one of the followed objects may have changed, and at least once at the start. Broken watches are
    /// taken up again; the reader finds out by reading whether the server is gone for good.
    pub fn follow(&self, followed: Vec<Followed>) -> impl Stream<Item = ()> + Unpin + Send + use<> {
        let streams = followed.into_iter().map(|followed| {
            let mut config = watcher::Config::default();
            if let Some(name) = &followed.name {
                config = config.fields(&format!("metadata.name={name}"));
            }
            if let Some(labels) = &followed.labels {
                config = config.labels(labels);
            }
            // There may be many pods, and that one changed is all that is asked for: their metadata is enough.
            if followed.served.plural == "pods" {
                let api: Api<PartialObjectMeta<DynamicObject>> =
                    self.api(&followed.served, followed.namespace.as_deref());
                let events = watcher(api, config);
                return kube::runtime::WatchStreamExt::default_backoff(events)
                    .filter_map(async |event| changes(&event).then_some(()))
                    .boxed();
            }
            let api: Api<DynamicObject> = self.api(&followed.served, followed.namespace.as_deref());
            let events = watcher(api, config);
            kube::runtime::WatchStreamExt::default_backoff(events)
                .filter_map(async |event| changes(&event).then_some(()))
                .boxed()
        });
        select_all(streams)
    }
}

/// Reads Rollouts as they come in a version.
fn found_in(version: RolloutVersion) -> impl Fn(DynamicObject) -> Found {
    move |object| Found::new(version, serde_json::to_value(object).unwrap_or_default())
}

/// Whether something may be different after an event: while a list is being read, it is not done yet.
fn changes<K>(event: &watcher::Result<watcher::Event<K>>) -> bool {
    !matches!(event, Ok(watcher::Event::Init | watcher::Event::InitApply(_)))
}
