//! What a ReplicaSet says about one version of a Deployment.

use kube::api::DynamicObject;
use serde_json::Value;

use super::count;
use crate::api::keys;

/// A view of a ReplicaSet as it was read.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaSet<'a> {
    /// The object.
    pub object: &'a DynamicObject,
}

impl<'a> ReplicaSet<'a> {
    /// Looks at an object.
    #[must_use]
    pub fn new(object: &'a DynamicObject) -> Self {
        Self { object }
    }

    /// The `pod-template-hash` that the Deployment controller gave it; empty when it has none.
    #[must_use]
    pub fn hash(&self) -> &'a str {
        self.object
            .metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(keys::POD_TEMPLATE_HASH))
            .map_or("", String::as_str)
    }

    /// The pod template.
    #[must_use]
    pub fn template(&self) -> &'a Value {
        &self.object.data["spec"]["template"]
    }

    /// Pods it should have (1 when absent).
    #[must_use]
    pub fn wanted(&self) -> i32 {
        self.object.data["spec"]["replicas"]
            .as_i64()
            .map_or(1, |n| i32::try_from(n).unwrap_or(i32::MAX))
    }

    /// Pods it has.
    #[must_use]
    pub fn present(&self) -> i32 {
        count(&self.object.data["status"]["replicas"])
    }

    /// Pods that are ready.
    #[must_use]
    pub fn ready(&self) -> i32 {
        count(&self.object.data["status"]["readyReplicas"])
    }

    /// Pods that have been ready for `minReadySeconds`.
    #[must_use]
    pub fn available(&self) -> i32 {
        count(&self.object.data["status"]["availableReplicas"])
    }

    /// The number that the Deployment controller gave the revision, 0 when it has none yet.
    #[must_use]
    pub fn number(&self) -> i64 {
        let annotations = self.object.metadata.annotations.as_ref();
        annotations
            .and_then(|all| all.get(keys::REVISION)?.parse().ok())
            .unwrap_or(0)
    }

    /// Whether its controller has seen the present spec.
    #[must_use]
    pub fn observed(&self) -> bool {
        self.object.data["status"]["observedGeneration"]
            .as_i64()
            .unwrap_or(0)
            >= self.object.metadata.generation.unwrap_or(0)
    }
}
