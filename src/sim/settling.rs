//! The part of every write of an existing object that comes after its new content is known: preconditions, what the
//! write may not change, the hold policy, defaults, rules, and the generation.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::controllers::daemon_set::TEMPLATE_GENERATION;
use super::failure::Failure;
use super::object::{Object, seconds};
use super::request::{Request, Subresource};
use super::resource::{
    CUSTOM_RESOURCE_DEFINITIONS, DAEMON_SETS, KindId, NAMESPACES, PODS, Resource, SERVICES,
};
use super::store::Name;
use super::verbs::Verbs;
use super::{defaults, hold, validation};
use crate::workload::Kind;

/// Fields of `metadata` that no client writes.
pub(super) const OWN: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];

impl Verbs<'_> {
    /// Stores the new content of an object.
    pub(super) fn settle(
        &mut self,
        kind: KindId,
        old: &Object,
        mut value: Value,
        sub: Option<Subresource>,
        request: &Request,
        applied: Option<BTreeMap<String, Value>>,
    ) -> Result<Object, Failure> {
        let resource = Arc::clone(self.store.resource(kind));
        preconditions(&value, old, &resource)?;
        keep(&mut value, old, sub, &resource);
        let before = old.to_value(&resource.api_version(), &resource.kind);
        let held = Kind::of(&resource.api_version(), &resource.kind).filter(|_| self.hold && sub.is_none());
        // Custom kinds get their defaults from webhooks, which run after the policies.
        if resource.custom {
            if let Some(held) = held {
                hold::admit(self.store, held, &mut value, &before, request.manager());
            }
            defaults::fill(&resource, &mut value);
        } else {
            defaults::fill(&resource, &mut value);
            if let Some(held) = held {
                hold::admit(self.store, held, &mut value, &before, request.manager());
                defaults::fill(&resource, &mut value);
            }
        }
        if kind == SERVICES {
            for field in ["clusterIP", "clusterIPs"] {
                if value["spec"].get(field).is_none()
                    && let Some(address) = old.spec_at(&format!("/{field}"))
                {
                    value["spec"][field] = address.clone();
                }
            }
        }
        if kind == DAEMON_SETS {
            count_template(&mut value, Some(&before));
        }
        let causes = validation::causes(&resource, &value, Some(&before));
        if !causes.is_empty() {
            return Err(Failure::invalid(&resource, old.name(), &causes));
        }
        let mut object = Object::from_value(value);
        object.version = old.version;
        object.applied = applied.map(Arc::new).or_else(|| old.applied.clone());
        share(&mut object, old);
        if resource.custom {
            note_writer(&mut object, old, sub, request, &resource, self.now);
        }
        if sub.is_none() && bumps(&resource, &object, old) {
            Arc::make_mut(&mut object.meta).insert("generation".to_owned(), json!(old.generation() + 1));
        }
        if request.dry_run() {
            return Ok(object);
        }
        let object = self.store.replace(kind, object);
        let ended = object.deleting() && !object.kept() && !matches!(kind, PODS | NAMESPACES);
        if ended && let Some(last) = self.store.remove(kind, &Name::of(&object)) {
            return Ok(last);
        }
        if kind == CUSTOM_RESOURCE_DEFINITIONS && sub.is_none() {
            return Ok(self.establish(object));
        }
        Ok(object)
    }

    /// The short way of a patch of nothing but the metadata of a pod: its other parts are not even copied. `None` when the
    /// patch is another one.
    pub(super) fn patch_pod_metadata(
        &mut self,
        old: &Object,
        body: &Value,
        request: &Request,
    ) -> Option<Result<Object, Failure>> {
        let fields = body.as_object()?;
        let same = |field: &str, value: &str| fields.get(field).is_none_or(|given| *given == value);
        let only = fields
            .keys()
            .all(|field| matches!(field.as_str(), "metadata" | "apiVersion" | "kind"));
        if !(only && same("apiVersion", "v1") && same("kind", "Pod")) {
            return None;
        }
        let mut value = json!({"metadata": old.metadata()});
        json_patch::merge(&mut value, body);
        // A new name is refused the long way.
        (value.pointer("/metadata/name").and_then(Value::as_str) == Some(old.name()))
            .then(|| self.settle_metadata(old, value, request))
    }

    fn settle_metadata(
        &mut self,
        old: &Object,
        mut value: Value,
        request: &Request,
    ) -> Result<Object, Failure> {
        let resource = Arc::clone(self.store.resource(PODS));
        preconditions(&value, old, &resource)?;
        keep_own(&mut value, old);
        defaults::tidy(&mut value);
        let causes = validation::of_metadata(&value);
        if !causes.is_empty() {
            return Err(Failure::invalid(&resource, old.name(), &causes));
        }
        let object = Object {
            meta: Object::from_value(value).meta,
            ..old.clone()
        };
        if request.dry_run() {
            return Ok(object);
        }
        Ok(self.store.replace(PODS, object))
    }
}

/// The uid and the resourceVersion that the client expects.
fn preconditions(value: &Value, old: &Object, resource: &Resource) -> Result<(), Failure> {
    let given = |field: &str| {
        value
            .pointer(&format!("/metadata/{field}"))
            .and_then(Value::as_str)
    };
    if let Some(uid) = given("uid").filter(|uid| !uid.is_empty() && *uid != old.uid()) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            old.uid()
        );
        return Err(Failure::conflict(resource, old.name(), &why));
    }
    if given("resourceVersion").is_some_and(|v| !v.is_empty() && v != old.version.to_string()) {
        return Err(Failure::stale(resource, old.name()));
    }
    Ok(())
}

/// Leaves of `metadata.managedFields` what the model knows of it: who last changed the status of a custom resource, and when.
pub(super) fn forget_writers(meta: &mut Map<String, Value>, is_custom: bool) {
    if let Some(Value::Array(entries)) = meta.get_mut("managedFields") {
        entries.retain(|entry| is_custom && entry["subresource"] == "status");
        if !entries.is_empty() {
            return;
        }
    }
    meta.remove("managedFields");
}

/// Notes who changed the status.
fn note_writer(
    object: &mut Object,
    old: &Object,
    sub: Option<Subresource>,
    request: &Request,
    resource: &Resource,
    now: Timestamp,
) {
    let mut entries = old.meta.get("managedFields").cloned();
    if sub == Some(Subresource::Status)
        && object.status != old.status
        && let Some(manager) = request.manager()
    {
        let others = entries.as_ref().and_then(Value::as_array).into_iter().flatten();
        let others = others.filter(|entry| entry["manager"] != manager).cloned();
        let own = json!({ "manager": manager, "operation": "Update", "apiVersion": resource.api_version(),
            "subresource": "status", "time": seconds(now) });
        entries = Some(others.chain([own]).collect());
    }
    if let Some(entries) = entries {
        Arc::make_mut(&mut object.meta).insert("managedFields".to_owned(), entries);
    }
}

/// Puts back what this write may not change.
fn keep(value: &mut Value, old: &Object, sub: Option<Subresource>, resource: &Resource) {
    let Value::Object(fields) = value else { return };
    if sub == Some(Subresource::Status) {
        let status = fields.remove("status");
        *fields = match old.to_value("", "") {
            Value::Object(kept) => kept,
            _ => serde_json::Map::new(),
        };
        fields.remove("status");
        if let Some(status) = status {
            fields.insert("status".to_owned(), status);
        }
        return;
    }
    if resource.status {
        fields.remove("status");
        if let Some(status) = &old.status {
            fields.insert("status".to_owned(), (**status).clone());
        }
    }
    keep_own(value, old);
}

/// Puts back the fields of `metadata` that no client writes.
fn keep_own(value: &mut Value, old: &Object) {
    if let Some(Value::Object(meta)) = value.get_mut("metadata") {
        for field in OWN {
            match old.meta.get(field) {
                Some(kept) => meta.insert(field.to_owned(), kept.clone()),
                None => meta.remove(field),
            };
        }
    }
}

/// Lets a new version share the parts that did not change.
fn share(object: &mut Object, old: &Object) {
    if object.meta == old.meta {
        object.meta = Arc::clone(&old.meta);
    }
    if object.rest == old.rest {
        object.rest = Arc::clone(&old.rest);
    }
    if object.spec == old.spec {
        object.spec.clone_from(&old.spec);
    }
    if object.status == old.status {
        object.status.clone_from(&old.status);
    }
}

/// Counts the templates of a DaemonSet in the annotation that stands for a field of older versions; clients cannot.
pub(super) fn count_template(value: &mut Value, before: Option<&Value>) {
    let counted = |object: &Value| {
        let text = object["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
        text.and_then(|n| n.parse::<i64>().ok())
            .unwrap_or_default()
            .max(1)
    };
    let count = before.map_or(1, |old| {
        counted(old) + i64::from(old["spec"]["template"] != value["spec"]["template"])
    });
    if !value["metadata"]["annotations"].is_object() {
        value["metadata"]["annotations"] = json!({});
    }
    value["metadata"]["annotations"][TEMPLATE_GENERATION] = json!(count.to_string());
}

/// Whether a write counts in `metadata.generation`; Deployments count their annotations too.
fn bumps(resource: &Resource, object: &Object, old: &Object) -> bool {
    let annotated = resource.kind == "Deployment" && resource.group == "apps";
    resource.generation
        && (object.spec != old.spec
            || (resource.custom && object.rest != old.rest)
            || (annotated && object.meta.get("annotations") != old.meta.get("annotations")))
}
