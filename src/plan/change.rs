//! What the user is assumed to change first: applied to the copy as it would be to the cluster.

use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::Error;
use crate::{
    api::{
        apply, keys,
        v1beta1::{ObjectRef, Rollout},
    },
    sim::Sim,
    workload::{
        Kind,
        edit::{self, NewImage},
    },
};

/// What a plan assumes the user to change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Manifests, as if they had been applied: the workload's, the Rollout's, those of Services and routes.
    pub manifests: Vec<Value>,
    /// Steps in place of the Rollout's own.
    pub steps: Option<Vec<Value>>,
    /// Containers and their new images.
    pub images: Vec<NewImage>,
    /// Pods the workload should have.
    pub replicas: Option<u32>,
}

impl Change {
    /// Objects as they are once all of this is changed; for looking at, since nothing is held.
    ///
    /// # Errors
    /// The change would be refused.
    pub fn on(&self, objects: &[Value], namespace: &str, rollout: &str) -> Result<Vec<Value>, Error> {
        let mut change = self.clone();
        let mut objects = objects.to_vec();
        change.prepare(&mut objects, namespace, rollout)?;
        let found = objects
            .iter()
            .find(|object| is_rollout(object, namespace, rollout))
            .cloned();
        let at = found.and_then(|rollout| place_of(&objects, namespace, &rollout));
        if let Some(workload) = at.and_then(|at| objects.get_mut(at)) {
            if let Some(replicas) = change.replicas {
                workload["spec"]["replicas"] = json!(replicas);
            }
            *workload = change.of_workload(workload)?;
        }
        Ok(objects)
    }

    /// What names other objects once this is applied: the Rollout, as it is then, and the TrafficRouting that it is for.
    #[must_use]
    pub fn naming(&self, rollout: &Value) -> Vec<Value> {
        let meta = &rollout["metadata"];
        let namespace = meta["namespace"].as_str().unwrap_or_default();
        let name = meta["name"].as_str().unwrap_or_default();
        let placed = self.manifests.iter().cloned().map(|mut manifest| {
            place(&mut manifest, namespace);
            manifest
        });
        let (own, others): (Vec<Value>, Vec<Value>) =
            placed.partition(|manifest| is_rollout(manifest, namespace, name));
        let after = own.iter().fold(rollout.clone(), |rollout, manifest| {
            apply::merged(&rollout, manifest)
        });
        let typed = serde_json::from_value::<Rollout>(after.clone()).ok();
        let shared = typed.as_ref().and_then(Rollout::traffic_routing_name);
        let is_shared = |manifest: &Value| {
            manifest["kind"] == "TrafficRouting"
                && manifest["metadata"]["namespace"] == namespace
                && shared.is_some_and(|name| manifest["metadata"]["name"] == name)
        };
        let mut all: Vec<Value> = others.into_iter().filter(is_shared).collect();
        if !own.is_empty() {
            all.push(after);
        }
        all
    }

    /// Puts what comes with this and is no part of the release among what surrounds it: what the new pods name, what their
    /// namespace allows. `released` is what the release itself is about, as changed.
    pub fn beside(&self, surroundings: &mut Vec<Value>, released: &[Value], namespace: &str) {
        for manifest in &self.manifests {
            let mut manifest = manifest.clone();
            place(&mut manifest, namespace);
            if released.iter().any(|object| same(object, &manifest)) {
                continue;
            }
            match surroundings.iter_mut().find(|object| same(object, &manifest)) {
                Some(object) => *object = apply::merged(object, &manifest),
                None => surroundings.push(manifest),
            }
        }
    }

    /// The workload with its new template.
    fn of_workload(&self, workload: &Value) -> Result<Value, Error> {
        let mut changed = workload.clone();
        for manifest in self.manifests.iter().filter(|manifest| same(manifest, workload)) {
            let applied = edit::applied(&changed, manifest);
            changed = applied.map_err(|why| Error::Change(why.to_string()))?.object;
        }
        Ok(edit::with_images(&changed, &self.images)?)
    }

    /// Changes everything but the workload, whose change is a write of its own.
    ///
    /// # Errors
    /// Nothing of it is about this release, or it has no steps.
    pub(super) fn prepare(
        &mut self,
        objects: &mut Vec<Value>,
        namespace: &str,
        rollout: &str,
    ) -> Result<(), Error> {
        for manifest in &mut self.manifests {
            place(manifest, namespace);
        }
        // What names others comes first, in whatever order it was given.
        self.manifests
            .sort_by_key(|manifest| match manifest["kind"].as_str() {
                Some("Rollout") => 0,
                Some("TrafficRouting") => 1,
                _ => 2,
            });
        let mut any = self.manifests.is_empty();
        for manifest in &self.manifests {
            match objects.iter().position(|object| same(object, manifest)) {
                Some(at) => {
                    // The workload's change is a write of its own.
                    if edit::kind_of(&objects[at]).is_none() {
                        objects[at] = apply::merged(&objects[at], manifest);
                    }
                }
                None if names(objects, namespace, rollout, manifest) => objects.push(manifest.clone()),
                None => continue,
            }
            any = true;
        }
        if !any {
            let titles: Vec<String> = self.manifests.iter().map(title).collect();
            return Err(Error::Change(format!(
                "none of the manifests is part of the release of Rollout {namespace}/{rollout}: {}",
                titles.join(", ")
            )));
        }
        let Some(steps) = &self.steps else {
            return Ok(());
        };
        let mut found = objects
            .iter_mut()
            .filter(|object| is_rollout(object, namespace, rollout));
        let strategies = found.next().map(|rollout| &mut rollout["spec"]["strategy"]);
        let mut strategies = strategies.and_then(Value::as_object_mut).into_iter().flatten();
        let strategy = strategies.find(|(style, strategy)| {
            matches!(style.as_str(), "canary" | "blueGreen") && strategy.is_object()
        });
        let Some((_, strategy)) = strategy else {
            return Err(Error::Change(
                "the Rollout has no strategy that could have other steps".to_owned(),
            ));
        };
        strategy["steps"] = json!(steps);
        Ok(())
    }
}

/// Where the workload stands that a Rollout releases.
fn place_of(objects: &[Value], namespace: &str, rollout: &Value) -> Option<usize> {
    let reference: ObjectRef = serde_json::from_value(rollout["spec"]["workloadRef"].clone()).ok()?;
    let kind = Kind::named(&reference)?;
    objects.iter().position(|object| {
        let meta = &object["metadata"];
        edit::kind_of(object) == Some(kind)
            && meta["name"] == *reference.name
            && meta["namespace"] == namespace
    })
}

/// The workload that a Rollout releases.
pub(super) fn workload_in<'o>(objects: &'o [Value], namespace: &str, rollout: &Value) -> Option<&'o Value> {
    objects.get(place_of(objects, namespace, rollout)?)
}

fn place(manifest: &mut Value, namespace: &str) {
    if manifest["metadata"]["namespace"].is_null() && !is_of_cluster(manifest) {
        manifest["metadata"]["namespace"] = json!(namespace);
    }
}

/// Whether an object lives in no namespace.
pub(super) fn is_of_cluster(object: &Value) -> bool {
    matches!(
        object["kind"].as_str().unwrap_or_default(),
        "Namespace"
            | "Node"
            | "CustomResourceDefinition"
            | "PersistentVolume"
            | "StorageClass"
            | "PriorityClass"
            | "IngressClass"
            | "GatewayClass"
            | "ClusterRole"
            | "ClusterRoleBinding"
    ) || object["kind"]
        .as_str()
        .is_some_and(|kind| kind.contains("AdmissionPolicy") || kind.contains("WebhookConfiguration"))
}

fn group(object: &Value) -> &str {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    version.split_once('/').map_or("", |(group, _)| group)
}

fn same(one: &Value, other: &Value) -> bool {
    let (a, b) = (&one["metadata"], &other["metadata"]);
    one["kind"] == other["kind"]
        && group(one) == group(other)
        && a["name"] == b["name"]
        && a["namespace"] == b["namespace"]
}

/// `Deployment shop/web`: for messages.
pub(super) fn title(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let meta = &object["metadata"];
    match meta["namespace"].as_str() {
        Some(namespace) => format!("{} {namespace}/{}", text(&object["kind"]), text(&meta["name"])),
        None => format!("{} {}", text(&object["kind"]), text(&meta["name"])),
    }
}

pub(super) fn is_rollout(object: &Value, namespace: &str, name: &str) -> bool {
    object["kind"] == "Rollout"
        && group(object) == keys::GROUP
        && object["metadata"]["namespace"] == namespace
        && object["metadata"]["name"] == name
}

/// Whether the release reads a new object: it is the Rollout, or named by it.
fn names(objects: &[Value], namespace: &str, rollout: &str, new: &Value) -> bool {
    if is_rollout(new, namespace, rollout) {
        return true;
    }
    let rollout = objects
        .iter()
        .find(|object| is_rollout(object, namespace, rollout));
    let Some(rollout) = rollout.and_then(|rollout| serde_json::from_value::<Rollout>(rollout.clone()).ok())
    else {
        return false;
    };
    let kind = new["kind"].as_str().unwrap_or_default();
    let named = new["metadata"]["name"].as_str().unwrap_or_default();
    let shared = objects.iter().filter(|object| {
        let name = object["metadata"]["name"].as_str();
        object["kind"] == "TrafficRouting" && name.is_some() && name == rollout.traffic_routing_name()
    });
    let mut wanted = super::named_by(&rollout)
        .into_iter()
        .chain(shared.flat_map(super::shared_by));
    new["metadata"]["namespace"] == namespace
        && wanted.any(|wanted| {
            wanted.served.kind == kind && matches!(&wanted.which, super::Which::Named(name) if name == named)
        })
}

/// The place of a kind in the API.
pub(super) fn api(
    client: &kube::Client,
    namespace: &str,
    api_version: &str,
    kind: &str,
    plural: &str,
) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// The workload in the copy.
pub(super) struct Released<'a> {
    sim: &'a Sim,
    pub(super) kind: Kind,
    api_version: String,
    namespace: String,
    name: String,
    /// The Rollout that holds a new version; nothing when it is disabled.
    holder: Option<String>,
}

impl<'a> Released<'a> {
    pub(super) fn of(sim: &'a Sim, namespace: &str, rollout: &Value) -> Option<Self> {
        let reference: ObjectRef = serde_json::from_value(rollout["spec"]["workloadRef"].clone()).ok()?;
        let name = rollout["metadata"]["name"].as_str().unwrap_or_default();
        Some(Self {
            sim,
            kind: Kind::named(&reference)?,
            api_version: reference.api_version,
            namespace: namespace.to_owned(),
            name: reference.name,
            holder: (rollout["spec"]["disabled"] != true).then(|| name.to_owned()),
        })
    }

    pub(super) fn get(&self) -> Option<Value> {
        self.sim
            .get(&self.api_version, self.kind.kind(), &self.namespace, &self.name)
    }

    pub(super) fn read(&self) -> Option<DynamicObject> {
        serde_json::from_value(self.get()?).ok()
    }

    /// Changes it as `apply` and `set image` would: the new version and its hold in one request.
    pub(super) async fn change(&self, client: &kube::Client, change: &Change) -> Result<(), Error> {
        if change.replicas.is_some() && self.kind.is_per_node() {
            return Err(Error::Change(format!(
                "a {} has a pod on each node, and no number of replicas",
                self.kind.kind()
            )));
        }
        if let Some(replicas) = change.replicas {
            self.write(client, |workload| {
                let mut scaled = workload.clone();
                scaled["spec"]["replicas"] = json!(replicas);
                Ok(scaled)
            })
            .await?;
        }
        self.write(client, |workload| change.of_workload(workload)).await
    }

    async fn write(
        &self,
        client: &kube::Client,
        make: impl Fn(&Value) -> Result<Value, Error>,
    ) -> Result<(), Error> {
        let workloads = api(
            client,
            &self.namespace,
            &self.api_version,
            self.kind.kind(),
            self.kind.plural(),
        );
        let manager = PatchParams {
            field_manager: Some(keys::FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        loop {
            let Some(workload) = self.get() else {
                return Ok(());
            };
            let changed = make(&workload)?;
            let held = edit::free(self.kind, &changed).is_none();
            let holder = self.holder.as_deref().filter(|_| held);
            let Some(patch) = edit::write(&workload, &changed, holder) else {
                return Ok(());
            };
            let patch = serde_json::from_value(patch).map_err(|error| Error::Change(error.to_string()))?;
            match workloads
                .patch(&self.name, &manager, &Patch::<()>::Json(patch))
                .await
            {
                Ok(_) => return Ok(()),
                // The copied workload's controller was faster; it settles.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(Error::Change(words(&error))),
            }
        }
    }
}

#[cfg(test)]
mod tests;

pub(super) fn words(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        status.message.clone()
    } else {
        error.to_string()
    }
}
