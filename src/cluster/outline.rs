//! What workloads carry, by their metadata alone: enough to see whether a release has marked them, however many there are.

use kube::core::ObjectMeta;

use super::{Cluster, Served};
use crate::{api::keys, error::Result};

/// The form of an answer: the metadata of the objects of a list.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A workload as far as its metadata tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outline {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whether it carries the mark of a release.
    pub marked: bool,
}

impl Outline {
    /// Reads metadata.
    #[must_use]
    pub fn of(meta: &ObjectMeta) -> Self {
        let annotations = meta.annotations.as_ref();
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
            marked: annotations.is_some_and(|all| all.contains_key(keys::IN_PROGRESSING)),
        }
    }
}

impl Cluster {
    /// Lists what the objects of a kind carry, of all namespaces when none is given.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn outlines(&self, served: &Served, namespace: Option<&str>) -> Result<Vec<Outline>> {
        let objects = self
            .pages_as(METADATA, &served.collection(namespace), "")
            .await
            .map_err(|failed| self.explained(failed, "list", &served.full(), namespace, None))?;
        let metadata = objects.into_iter().map(|mut object| object["metadata"].take());
        Ok(metadata
            .filter_map(|meta| serde_json::from_value::<ObjectMeta>(meta).ok())
            .map(|meta| Outline::of(&meta))
            .collect())
    }
}
