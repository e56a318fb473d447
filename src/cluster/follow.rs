//! Following objects: a notice whenever something that was named changes.

use futures::{Stream, StreamExt, stream::select_all};
use kube::{
    Api,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
    runtime::watcher,
};

use super::{Cluster, Served};

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

impl Cluster {
    /// Yields whenever one of the followed objects may have changed, and at least once at the start. Broken watches are
    /// taken up again; the reader finds out by reading whether the server is gone for good.
    pub fn follow(&self, followed: Vec<Followed>) -> impl Stream<Item = ()> + Unpin + Send + use<> {
        let streams = followed.into_iter().map(|followed| {
            let served = &followed.served;
            let (group, version) = served
                .api_version
                .split_once('/')
                .unwrap_or(("", &served.api_version));
            let kind = GroupVersionKind::gvk(group, version, &served.kind);
            let description = ApiResource::from_gvk_with_plural(&kind, &served.plural);
            let api: Api<DynamicObject> = match &followed.namespace {
                Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &description),
                None => Api::all_with(self.client.clone(), &description),
            };
            let mut config = watcher::Config::default();
            if let Some(name) = &followed.name {
                config = config.fields(&format!("metadata.name={name}"));
            }
            if let Some(labels) = &followed.labels {
                config = config.labels(labels);
            }
            let events = watcher(api, config);
            kube::runtime::WatchStreamExt::default_backoff(events)
                .filter_map(async |event| match event {
                    Ok(watcher::Event::Init | watcher::Event::InitApply(_)) => None,
                    _ => Some(()),
                })
                .boxed()
        });
        select_all(streams)
    }
}
