//! An object as the store keeps it: cut into parts that versions of it, and its like, can share.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Fields = Map<String, Value>;

/// One version of one object. A clone costs a few reference counts: a write of the status shares the spec, and pods of
/// one ReplicaSet share theirs. `apiVersion` and `kind` are the collection's, not the object's.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    /// `metadata.resourceVersion`.
    pub(super) version: u64,
    /// The rest of `metadata`.
    pub(super) meta: Arc<Fields>,
    /// `spec`.
    pub(super) spec: Option<Arc<Value>>,
    /// `status`.
    pub(super) status: Option<Arc<Value>>,
    /// Every other field, such as `data`.
    pub(super) rest: Arc<Fields>,
    /// What each manager last applied, server-side.
    pub(super) applied: Option<Arc<BTreeMap<String, Value>>>,
    /// What controllers count, read once per version; only for pods.
    pub(super) pod: PodFacts,
}

/// The few facts of a pod that controllers count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct PodFacts {
    /// The phase is Succeeded or Failed.
    pub(super) ended: bool,
    /// Since when the condition Ready is true.
    pub(super) ready_since: Option<Timestamp>,
    /// Whether the condition Ready is true.
    pub(super) ready: bool,
    /// Whether a deletion is under way.
    pub(super) deleting: bool,
}

impl Object {
    /// Cuts an object. Its resourceVersion, `apiVersion` and `kind` are dropped.
    pub(super) fn from_value(value: Value) -> Self {
        let mut fields = match value {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        };
        fields.remove("apiVersion");
        fields.remove("kind");
        let mut meta = match fields.remove("metadata") {
            Some(Value::Object(meta)) => meta,
            _ => Fields::new(),
        };
        meta.remove("resourceVersion");
        Self {
            version: 0,
            meta: Arc::new(meta),
            spec: fields.remove("spec").map(Arc::new),
            status: fields.remove("status").map(Arc::new),
            rest: Arc::new(fields),
            applied: None,
            pod: PodFacts::default(),
        }
    }

    /// The whole object as JSON.
    pub(super) fn to_value(&self, api_version: &str, kind: &str) -> Value {
        let mut fields = (*self.rest).clone();
        fields.insert("apiVersion".to_owned(), Value::from(api_version));
        fields.insert("kind".to_owned(), Value::from(kind));
        fields.insert("metadata".to_owned(), Value::Object(self.metadata()));
        if let Some(spec) = &self.spec {
            fields.insert("spec".to_owned(), (**spec).clone());
        }
        if let Some(status) = &self.status {
            fields.insert("status".to_owned(), (**status).clone());
        }
        Value::Object(fields)
    }

    /// `metadata` with its resourceVersion.
    pub(super) fn metadata(&self) -> Fields {
        let mut meta = (*self.meta).clone();
        meta.insert(
            "resourceVersion".to_owned(),
            Value::from(self.version.to_string()),
        );
        meta
    }

    /// Whether nothing but the resourceVersion differs.
    pub(super) fn same_content(&self, other: &Self) -> bool {
        fn same<T: PartialEq>(a: &Arc<T>, b: &Arc<T>) -> bool {
            Arc::ptr_eq(a, b) || a == b
        }
        fn both(a: Option<&Arc<Value>>, b: Option<&Arc<Value>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => same(a, b),
                (None, None) => true,
                _ => false,
            }
        }
        same(&self.meta, &other.meta)
            && both(self.spec.as_ref(), other.spec.as_ref())
            && both(self.status.as_ref(), other.status.as_ref())
            && same(&self.rest, &other.rest)
    }

    /// A text field of `metadata`; empty when absent.
    pub(super) fn text(&self, field: &str) -> &str {
        self.meta.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.name`.
    pub(super) fn name(&self) -> &str {
        self.text("name")
    }

    /// `metadata.namespace`.
    pub(super) fn namespace(&self) -> &str {
        self.text("namespace")
    }

    /// `metadata.uid`.
    pub(super) fn uid(&self) -> &str {
        self.text("uid")
    }

    /// `metadata.generation`; 0 when absent.
    pub(super) fn generation(&self) -> i64 {
        self.meta.get("generation").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Whether a deletion is under way.
    pub(super) fn deleting(&self) -> bool {
        self.meta.contains_key("deletionTimestamp")
    }

    /// Whether a finalizer keeps the object.
    pub(super) fn kept(&self) -> bool {
        self.meta
            .get("finalizers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    }

    /// An annotation.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.meta.get("annotations")?.get(key)?.as_str()
    }

    /// The owner references.
    pub(super) fn owners(&self) -> &[Value] {
        self.meta
            .get("ownerReferences")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The owner that is the controller.
    pub(super) fn controller(&self) -> Option<&Value> {
        self.owners()
            .iter()
            .find(|o| o["controller"].as_bool() == Some(true))
    }

    /// A value below `spec`, by JSON pointer.
    pub(super) fn spec_at(&self, pointer: &str) -> Option<&Value> {
        self.spec.as_deref()?.pointer(pointer)
    }

    /// A value below `status`, by JSON pointer.
    pub(super) fn status_at(&self, pointer: &str) -> Option<&Value> {
        self.status.as_deref()?.pointer(pointer)
    }

    /// A count below `status`; 0 when absent.
    pub(super) fn count(&self, field: &str) -> i64 {
        self.status
            .as_deref()
            .and_then(|s| s.get(field))
            .and_then(Value::as_i64)
            .unwrap_or(0)
    }

    /// Reads the facts of a pod.
    pub(super) fn pod_facts(&self) -> PodFacts {
        let phase = self
            .status_at("/phase")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let conditions = self.status_at("/conditions").and_then(Value::as_array);
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|c| c["type"] == "Ready" && c["status"] == "True");
        let since = ready
            .and_then(|c| c["lastTransitionTime"].as_str())
            .and_then(|t| t.parse().ok());
        PodFacts {
            ended: matches!(phase, "Succeeded" | "Failed"),
            ready: ready.is_some(),
            ready_since: since,
            deleting: self.deleting(),
        }
    }
}

/// An object as it is sent, in one of its served versions.
pub(super) struct Rendered<'a> {
    /// The object.
    pub(super) object: &'a Object,
    /// `apiVersion` to send.
    pub(super) api_version: &'a str,
    /// `kind` to send.
    pub(super) kind: &'a str,
}

struct RenderedMeta<'a>(&'a Object);

impl Serialize for RenderedMeta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.meta.len() + 1))?;
        for (key, value) in self.0.meta.iter() {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("resourceVersion", &VersionText(self.0.version))?;
        map.end()
    }
}

struct VersionText(u64);

impl Serialize for VersionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Serialize for Rendered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", self.api_version)?;
        map.serialize_entry("kind", self.kind)?;
        map.serialize_entry("metadata", &RenderedMeta(self.object))?;
        for (key, value) in self.object.rest.iter() {
            map.serialize_entry(key, value)?;
        }
        if let Some(spec) = &self.object.spec {
            map.serialize_entry("spec", &**spec)?;
        }
        if let Some(status) = &self.object.status {
            map.serialize_entry("status", &**status)?;
        }
        map.end()
    }
}

/// `metadata` as it is sent, for answers that carry nothing else.
pub(super) fn rendered_metadata(object: &Object) -> impl Serialize + '_ {
    RenderedMeta(object)
}

/// A timestamp as Kubernetes writes it: whole seconds, UTC.
pub(super) fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
