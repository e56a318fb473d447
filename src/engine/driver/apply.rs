//! One write: an arm per verb, each with its precondition.

use kube::{
    Api, Client,
    api::{
        ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions,
        PropagationPolicy,
    },
};
use serde_json::Value;

use crate::{
    api::keys,
    engine::core::{Effect, Target, Verb},
};

/// What a write left behind.
pub(super) enum Written {
    /// The object as it is now.
    Object(Box<DynamicObject>),
    /// The object is gone; its uid where it is known.
    Gone(Option<String>),
}

fn resource(target: &Target) -> ApiResource {
    let (group, version) = target
        .api_version
        .split_once('/')
        .unwrap_or(("", &target.api_version));
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: target.api_version.clone(),
        kind: target.kind.clone(),
        plural: target.plural.clone(),
    }
}

/// The target's place in the API.
pub(super) fn api(client: &Client, target: &Target) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), &target.namespace, &resource(target))
}

/// A patch body with the precondition in its metadata, where the API server checks it.
fn guarded(effect: &Effect, body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(uid) = &effect.precondition.uid {
        body["metadata"]["uid"] = Value::String(uid.clone());
    }
    if let Some(version) = &effect.precondition.resource_version {
        body["metadata"]["resourceVersion"] = Value::String(version.clone());
    }
    body
}

/// Carries out one write.
///
/// # Errors
/// What the API server or the way to it says.
pub(super) async fn apply(client: &Client, effect: &Effect) -> Result<Written, kube::Error> {
    let api = api(client, &effect.target);
    let name = effect.target.name.as_str();
    let manager = PatchParams {
        field_manager: Some(keys::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let object = match &effect.verb {
        Verb::Create(body) => {
            let params = PostParams {
                field_manager: Some(keys::FIELD_MANAGER.to_owned()),
                ..PostParams::default()
            };
            let object: DynamicObject =
                serde_json::from_value(body.clone()).map_err(kube::Error::SerdeError)?;
            api.create(&params, &object).await?
        }
        Verb::Merge(body) => {
            api.patch(name, &manager, &Patch::Merge(guarded(effect, body)))
                .await?
        }
        Verb::MergeStatus(body) => {
            api.patch_status(name, &manager, &Patch::Merge(guarded(effect, body)))
                .await?
        }
        Verb::Apply(body) => {
            api.patch(name, &manager.force(), &Patch::Apply(guarded(effect, body)))
                .await?
        }
        Verb::Delete => {
            let preconditions = Preconditions {
                uid: effect.precondition.uid.clone(),
                resource_version: effect.precondition.resource_version.clone(),
            };
            let params = DeleteParams {
                propagation_policy: Some(PropagationPolicy::Background),
                preconditions: Some(preconditions),
                ..DeleteParams::default()
            };
            return match api.delete(name, &params).await {
                // Somebody's finalizer may keep it for a while.
                Ok(answer) => Ok(answer
                    .left()
                    .filter(|object| object.metadata.deletion_timestamp.is_some() && has_finalizers(object))
                    .map_or(Written::Gone(effect.precondition.uid.clone()), |object| {
                        Written::Object(Box::new(object))
                    })),
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    Ok(Written::Gone(effect.precondition.uid.clone()))
                }
                Err(error) => Err(error),
            };
        }
    };
    Ok(Written::Object(Box::new(object)))
}

fn has_finalizers(object: &DynamicObject) -> bool {
    object
        .metadata
        .finalizers
        .as_ref()
        .is_some_and(|finalizers| !finalizers.is_empty())
}
