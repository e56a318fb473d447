//! The verbs on objects, as the API server carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::deletion::{self, Outcome, Propagation};
use super::failure::{Cause, Failure};
use super::object::{Object, seconds};
use super::patch::{self, Form};
use super::request::{Request, Subresource};
use super::resource::{
    CUSTOM_RESOURCE_DEFINITIONS, DAEMON_SETS, KindId, NAMESPACES, PODS, Resource, SERVICES,
};
use super::scale::scale_of;
use super::settling::{OWN, count_template};
use super::store::{Name, Store};
use super::{defaults, validation};

/// The store with what the verbs need to know beside it.
pub(super) struct Verbs<'a> {
    /// The objects.
    pub(super) store: &'a mut Store,
    /// The time of the request.
    pub(super) now: Timestamp,
    /// Whether the hold policy is in force.
    pub(super) hold: bool,
}

/// What a verb did: the code, and the object as it is now.
pub(super) type Done = Result<(StatusCode, Object), Failure>;

impl Verbs<'_> {
    /// Reads one object.
    pub(super) fn read(&self, kind: KindId, name: &Name) -> Result<Object, Failure> {
        let found = self.store.get(kind, name).cloned();
        found.ok_or_else(|| Failure::not_found(self.store.resource(kind), &name.name))
    }

    /// Makes an object.
    pub(super) fn create(
        &mut self,
        kind: KindId,
        namespace: &str,
        mut value: Value,
        request: &Request,
    ) -> Done {
        let resource = Arc::clone(self.store.resource(kind));
        self.check_type(&resource, &value)?;
        self.check_namespace(&resource, namespace)?;
        let Some(meta) = value.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Err(Failure::invalid(&resource, "", &[name_required()]));
        };
        let given = meta.get("namespace").and_then(Value::as_str).unwrap_or_default();
        if !given.is_empty() && given != namespace {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
        if meta
            .get("resourceVersion")
            .and_then(Value::as_str)
            .is_some_and(|v| !v.is_empty())
        {
            return Err(Failure::bad_request(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let mut name = meta
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if name.is_empty() {
            let prefix = meta
                .get("generateName")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            if prefix.is_empty() {
                return Err(Failure::invalid(&resource, "", &[name_required()]));
            }
            name = self.store.free_name(kind, namespace, &prefix);
        }
        let place = Name::new(namespace, &name);
        if self.store.get(kind, &place).is_some() {
            return Err(Failure::already_exists(&resource, &name));
        }
        for field in OWN {
            meta.remove(field);
        }
        meta.insert("name".to_owned(), json!(name));
        if resource.namespaced {
            meta.insert("namespace".to_owned(), json!(namespace));
        }
        if resource.status
            && let Value::Object(fields) = &mut value
        {
            fields.remove("status");
        }
        defaults::fill(&resource, &mut value);
        if kind == SERVICES {
            self.give_address(&mut value);
        }
        if kind == DAEMON_SETS {
            count_template(&mut value, None);
        }
        let causes = validation::causes(&resource, &value, None);
        if !causes.is_empty() {
            return Err(Failure::invalid(&resource, &name, &causes));
        }
        let mut object = Object::from_value(value);
        let meta = Arc::make_mut(&mut object.meta);
        meta.insert("uid".to_owned(), json!(self.store.next_uid()));
        meta.insert("creationTimestamp".to_owned(), json!(seconds(self.now)));
        if resource.generation {
            meta.insert("generation".to_owned(), json!(1));
        }
        if request.dry_run() {
            return Ok((StatusCode::CREATED, object));
        }
        let mut object = self.store.insert(kind, object);
        if kind == CUSTOM_RESOURCE_DEFINITIONS {
            object = self.establish(object);
        }
        Ok((StatusCode::CREATED, object))
    }

    /// Replaces an object by another version of it.
    pub(super) fn update(
        &mut self,
        kind: KindId,
        name: &Name,
        value: Value,
        sub: Option<Subresource>,
        request: &Request,
    ) -> Done {
        let resource = Arc::clone(self.store.resource(kind));
        let old = self.read(kind, name)?;
        if sub == Some(Subresource::Scale) {
            let replicas = value
                .pointer("/spec/replicas")
                .cloned()
                .unwrap_or_else(|| json!(0));
            return self.rescale(kind, name, &old, &value, replicas, request);
        }
        self.check_type(&resource, &value)?;
        if value.pointer("/metadata/name").and_then(Value::as_str) != Some(&*name.name) {
            let why = "the name of the object does not match the name on the URL";
            return Err(Failure::bad_request(why));
        }
        self.settle(kind, &old, value, sub, request, None)
            .map(|object| (StatusCode::OK, object))
    }

    /// Patches an object; an apply of an absent object makes it.
    pub(super) fn patch(
        &mut self,
        kind: KindId,
        name: &Name,
        sub: Option<Subresource>,
        request: &Request,
    ) -> Done {
        let resource = Arc::clone(self.store.resource(kind));
        let form = Form::of(&request.content_type)
            .filter(|form| *form != Form::Strategic || !resource.custom)
            .ok_or_else(|| Failure::unsupported(&request.content_type))?;
        let body = request.json()?;
        let Some(old) = self.store.get(kind, name).cloned() else {
            if form == Form::Apply && sub.is_none() {
                return self.apply_new(kind, name, body, request);
            }
            return Err(Failure::not_found(&resource, &name.name));
        };
        if kind == PODS
            && form == Form::Merge
            && sub.is_none()
            && let Some(patched) = self.patch_pod_metadata(&old, &body, request)
        {
            return patched.map(|object| (StatusCode::OK, object));
        }
        let mut value = match sub {
            Some(Subresource::Scale) => scale_of(&old),
            _ => old.to_value(&resource.api_version(), &resource.kind),
        };
        let mut applied = None;
        match form {
            Form::Json => patch_json(&resource, &name.name, &mut value, body)?,
            Form::Merge => json_patch::merge(&mut value, &body),
            Form::Strategic => patch::strategic(&mut value, &body, true),
            Form::Apply => {
                self.check_type(&resource, &body)?;
                applied = Some(apply(&mut value, &body, &old, &resource, request)?);
            }
        }
        if sub == Some(Subresource::Scale) {
            let replicas = value
                .pointer("/spec/replicas")
                .cloned()
                .unwrap_or_else(|| json!(0));
            return self.rescale(kind, name, &old, &value, replicas, request);
        }
        self.check_type(&resource, &value)?;
        if value.pointer("/metadata/name").and_then(Value::as_str) != Some(&*name.name) {
            let why = "the name of the object does not match the name on the URL";
            return Err(Failure::bad_request(why));
        }
        self.settle(kind, &old, value, sub, request, applied)
            .map(|object| (StatusCode::OK, object))
    }

    fn apply_new(&mut self, kind: KindId, name: &Name, mut config: Value, request: &Request) -> Done {
        let resource = Arc::clone(self.store.resource(kind));
        if config.pointer("/metadata/uid").is_some() {
            let why = "uid mismatch: the provided object specified uid, and no existing object was found";
            return Err(Failure::conflict(&resource, &name.name, why));
        }
        if !config["metadata"].is_object() {
            config["metadata"] = json!({});
        }
        config["metadata"]["name"] = json!(&*name.name);
        let mut value = json!({"metadata": {}});
        patch::strategic(&mut value, &config, !resource.custom);
        let (code, mut object) = self.create(kind, &name.namespace, value, request)?;
        let manager = request.manager().unwrap_or("unknown").to_owned();
        object.applied = Some(Arc::new(BTreeMap::from([(manager, config)])));
        if !request.dry_run() {
            object = self.store.replace(kind, object);
        }
        Ok((code, object))
    }

    fn rescale(
        &mut self,
        kind: KindId,
        name: &Name,
        old: &Object,
        scale: &Value,
        replicas: Value,
        request: &Request,
    ) -> Done {
        let resource = Arc::clone(self.store.resource(kind));
        let given = scale
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !given.is_empty() && given != old.version.to_string() {
            return Err(Failure::stale(&resource, &name.name));
        }
        let mut value = old.to_value(&resource.api_version(), &resource.kind);
        value["spec"]["replicas"] = replicas;
        // The hold policy does not see this subresource.
        let hold = std::mem::take(&mut self.hold);
        let done = self.settle(kind, old, value, None, request, None);
        self.hold = hold;
        done.map(|object| (StatusCode::OK, object))
    }

    /// Deletes an object, or begins to. The preconditions stand in `options`, the body of the request.
    pub(super) fn delete(
        &mut self,
        kind: KindId,
        name: &Name,
        options: &Value,
        request: &Request,
    ) -> Result<Outcome, Failure> {
        let resource = Arc::clone(self.store.resource(kind));
        let object = self.read(kind, name)?;
        let wanted = |field: &str| {
            options
                .pointer(&format!("/preconditions/{field}"))
                .and_then(Value::as_str)
        };
        if let Some(uid) = wanted("uid").filter(|uid| *uid != object.uid()) {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                object.uid()
            );
            return Err(Failure::conflict(&resource, &name.name, &why));
        }
        let version = object.version.to_string();
        if let Some(asked) = wanted("resourceVersion").filter(|v| *v != version) {
            let why = format!(
                "Precondition failed: ResourceVersion in precondition: {asked}, ResourceVersion in object meta: {version}"
            );
            return Err(Failure::conflict(&resource, &name.name, &why));
        }
        let text = |field: &str| options[field].as_str().or_else(|| request.parameter(field));
        let propagation = match text("propagationPolicy") {
            Some("Orphan") => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let grace = options["gracePeriodSeconds"].as_i64().or_else(|| {
            request
                .parameter("gracePeriodSeconds")
                .and_then(|g| g.parse().ok())
        });
        let dry = request.dry_run() || options["dryRun"].as_array().is_some_and(|d| !d.is_empty());
        if dry {
            return Ok(Outcome::Gone(object));
        }
        if kind == CUSTOM_RESOURCE_DEFINITIONS {
            self.retire(&object);
        }
        deletion::begin(self.store, kind, name, self.now, grace, propagation)
            .ok_or_else(|| Failure::not_found(&resource, &name.name))
    }

    fn check_type(&self, resource: &Resource, value: &Value) -> Result<(), Failure> {
        if !value.is_object() {
            return Err(Failure::bad_request("the body is not an object"));
        }
        let kind = value["kind"].as_str().unwrap_or(&resource.kind);
        let version = value["apiVersion"].as_str().unwrap_or_default();
        let served = version.is_empty()
            || resource
                .versions
                .iter()
                .any(|v| resource.api_version_of(v) == version);
        if kind == resource.kind && served {
            return Ok(());
        }
        let wanted = resource.api_version();
        Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {version} {kind} is not {wanted} {}",
            resource.kind, resource.kind
        )))
    }

    fn check_namespace(&self, resource: &Resource, namespace: &str) -> Result<(), Failure> {
        if !resource.namespaced {
            return Ok(());
        }
        match self.store.get(NAMESPACES, &Name::new("", namespace)) {
            None => Err(Failure::not_found(self.store.resource(NAMESPACES), namespace)),
            Some(found) if found.deleting() => {
                let why = format!(
                    "unable to create new content in namespace {namespace} because it is being terminated"
                );
                Err(Failure::new(StatusCode::FORBIDDEN, "Forbidden", why))
            }
            Some(_) => Ok(()),
        }
    }

    fn give_address(&mut self, service: &mut Value) {
        let spec = &mut service["spec"];
        if spec.get("clusterIP").is_none() && spec["type"] != "ExternalName" {
            let number = self.store.next_number();
            spec["clusterIP"] = json!(format!("10.96.{}.{}", (number / 250) % 250, number % 250 + 1));
        }
        if let Some(address) = spec.get("clusterIP").cloned() {
            spec["clusterIPs"] = json!([address]);
        }
    }
}

fn name_required() -> Cause {
    Cause::required("metadata.name", "name or generateName is required")
}

fn patch_json(resource: &Resource, name: &str, value: &mut Value, body: Value) -> Result<(), Failure> {
    let operations: json_patch::Patch = serde_json::from_value(body)
        .map_err(|e| Failure::bad_request(format!("error decoding patch: {e}")))?;
    json_patch::patch(value, &operations).map_err(|e| {
        let mut refusal = Failure::invalid(resource, name, &[]);
        refusal.message = format!("the server rejected our request due to an error in our request: {e}");
        refusal
    })
}

fn apply(
    value: &mut Value,
    config: &Value,
    old: &Object,
    resource: &Resource,
    request: &Request,
) -> Result<BTreeMap<String, Value>, Failure> {
    let Some(manager) = request.manager() else {
        let why = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", why));
    };
    let mut applied = old.applied.as_deref().cloned().unwrap_or_default();
    let typed = !resource.custom;
    patch::apply(
        value,
        config,
        manager,
        &mut applied,
        request.switch("force"),
        typed,
    )
    .map_err(|contests| {
        let count = contests.len();
        let list: Vec<String> = contests
            .iter()
            .map(|c| format!("conflict with \"{}\": {}", c.manager, c.field))
            .collect();
        let plural = if count == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {count} {plural}: {}", list.join(", "));
        let mut refusal = Failure::new(StatusCode::CONFLICT, "Conflict", message);
        let causes: Vec<Value> = contests
            .iter()
            .map(|c| {
                let message = format!("conflict with \"{}\"", c.manager);
                json!({"reason": "FieldManagerConflict", "message": message, "field": c.field})
            })
            .collect();
        refusal.details = json!({"causes": causes});
        refusal
    })?;
    Ok(applied)
}
