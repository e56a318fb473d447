//! What a Deployment says, and the writes that hold it, resume it and put a canary beside it.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Mark, count, digest, hold};
use crate::api::{keys, v1beta1::PatchPodTemplateMetadata};

/// Seconds without progress after which a release counts as degraded when the user set none.
pub const DEFAULT_PROGRESS_DEADLINE: i64 = 600;

/// A view of a Deployment as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    /// The object.
    pub object: &'a DynamicObject,
}

/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

/// Value of the label that a canary Deployment carries: the stable Deployment's name, or a part of it and a digest where
/// the name is longer than a label's value may be.
#[must_use]
pub fn canary_label(stable: &str) -> String {
    if stable.len() <= LONGEST_LABEL {
        return stable.to_owned();
    }
    let stem: String = stable.chars().take(LONGEST_LABEL - 11).collect();
    format!("{stem}-{}", digest(&Value::Null, stable))
}

/// Why a rollout of a Deployment is not finished.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotRolledOut {
    /// The controller has not seen the last write.
    NotObserved,
    /// New pods are missing or not ready.
    NewPods {
        /// Ready pods of the template's version.
        ready: i32,
        /// Pods it should have.
        wanted: i32,
    },
    /// Pods of other versions are still there.
    OldPods {
        /// How many.
        left: i32,
    },
}

impl<'a> Deployment<'a> {
    /// Looks at an object.
    #[must_use]
    pub fn new(object: &'a DynamicObject) -> Self {
        Self { object }
    }

    /// Name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// Pods it should have (1 when absent).
    #[must_use]
    pub fn replicas(&self) -> i32 {
        self.object.data["spec"]["replicas"]
            .as_i64()
            .map_or(1, |n| i32::try_from(n).unwrap_or(i32::MAX))
    }

    /// Whether it is paused.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.object.data["spec"]["paused"].as_bool().unwrap_or(false)
    }

    /// The pod template.
    #[must_use]
    pub fn template(&self) -> &'a Value {
        &self.object.data["spec"]["template"]
    }

    /// Whether its controller has seen the present spec.
    #[must_use]
    pub fn observed(&self) -> bool {
        self.object.data["status"]["observedGeneration"]
            .as_i64()
            .unwrap_or(0)
            >= self.object.metadata.generation.unwrap_or(0)
    }

    /// Pods it has.
    #[must_use]
    pub fn present(&self) -> i32 {
        count(&self.object.data["status"]["replicas"])
    }

    /// Pods that have been ready for `minReadySeconds`.
    #[must_use]
    pub fn available(&self) -> i32 {
        count(&self.object.data["status"]["availableReplicas"])
    }

    /// A label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&'a str> {
        self.object.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    /// Whether every pod is of the template's version and ready, but for `tolerated` of them, and no other is left. `versions`
    /// are its ReplicaSets.
    ///
    /// # Errors
    /// Says what is still missing. Counts come from ReplicaSets, since the Deployment's own status lags
    /// (engine-canary-and-bluegreen 8, rule 3).
    pub fn rolled_out(&self, versions: &[super::ReplicaSet<'_>], tolerated: i32) -> Result<(), NotRolledOut> {
        if !self.observed() {
            return Err(NotRolledOut::NotObserved);
        }
        let wanted = self.replicas();
        let (new, old): (Vec<super::ReplicaSet<'_>>, Vec<_>) = versions
            .iter()
            .partition(|version| super::same_template(version.template(), self.template()));
        if new.is_empty() {
            // Its controller notes that it looked when it has made one, which a watch may tell of later.
            return Err(NotRolledOut::NotObserved);
        }
        let ready = new
            .iter()
            .filter(|version| version.wanted() == wanted)
            .map(|version| version.ready())
            .max();
        match ready {
            Some(ready) if ready >= wanted - tolerated => {}
            ready => {
                return Err(NotRolledOut::NewPods {
                    ready: ready.unwrap_or(0),
                    wanted,
                });
            }
        }
        let left: i32 = old
            .iter()
            .map(|version| version.present().max(version.wanted()))
            .fold(0, i32::saturating_add);
        if left > 0 {
            Err(NotRolledOut::OldPods { left })
        } else {
            Ok(())
        }
    }

    /// Name of the canary Deployment for the present template: the same on every try, so that making it twice makes one.
    #[must_use]
    pub fn canary_name(&self, patch: Option<&PatchPodTemplateMetadata>, rollout_uid: &str) -> String {
        let stem: String = self.name().chars().take(200).collect();
        format!(
            "{}-canary-{}",
            stem.trim_end_matches(['-', '.']),
            digest(&self.canary_template(patch), rollout_uid)
        )
    }

    /// The canary's pod template: the new one with the Rollout's labels and annotations laid over it.
    #[must_use]
    pub fn canary_template(&self, patch: Option<&PatchPodTemplateMetadata>) -> Value {
        let mut template = self.template().clone();
        if let Some(patch) = patch {
            for (field, entries) in [("labels", &patch.labels), ("annotations", &patch.annotations)] {
                if entries.is_empty() {
                    continue;
                }
                let mut all = template["metadata"][field]
                    .as_object()
                    .cloned()
                    .unwrap_or_default();
                all.extend(entries.iter().map(|(key, value)| (key.clone(), json!(value))));
                hold::put(&mut template, &format!("metadata.{field}"), Value::Object(all));
            }
        }
        template
    }

    /// The canary Deployment: the stable one's spec with the new template, unpaused, `replicas` pods
    /// (engine-canary-and-bluegreen 1.1, with a deterministic name and the Rollout as owner).
    #[must_use]
    pub fn canary(
        &self,
        name: &str,
        replicas: i32,
        patch: Option<&PatchPodTemplateMetadata>,
        mark: Option<&Mark>,
        owner: Value,
    ) -> Value {
        let mut spec = self.object.data["spec"].clone();
        hold::put(&mut spec, hold::PAUSED, Value::Null);
        hold::put(&mut spec, "replicas", json!(replicas));
        hold::put(&mut spec, "template", self.canary_template(patch));
        if let Some(strategy) = mark.and_then(|mark| mark.original.get(hold::STRATEGY)) {
            hold::put(&mut spec, hold::STRATEGY, strategy.clone());
        }
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": name,
                "namespace": self.object.metadata.namespace,
                "labels": { keys::CANARY_DEPLOYMENT: canary_label(self.name()) },
                "ownerReferences": [owner],
            },
            "spec": spec,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::canary_label;

    #[test]
    fn a_label_fits_whatever_the_name() {
        let (short, long, other) = ("w".repeat(63), "w".repeat(64), "w".repeat(65));
        assert_eq!(canary_label(&short), short);
        assert_eq!([canary_label(&long).len(), canary_label(&other).len()], [63, 63]);
        assert_ne!(canary_label(&long), canary_label(&other));
    }
}
