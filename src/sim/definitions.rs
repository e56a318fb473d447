//! What a definition defines is served, and what one that goes defined is not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::object::{Object, seconds};
use super::resource::{CUSTOM_RESOURCE_DEFINITIONS, Resource};
use super::store::Name;
use super::verbs::Verbs;

impl Verbs<'_> {
    /// Serves what a definition defines.
    pub(super) fn establish(&mut self, definition: Object) -> Object {
        let whole = definition.to_value("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let Some(resource) = Resource::from_definition(&whole) else {
            return definition;
        };
        let names = whole.pointer("/spec/names").cloned().unwrap_or(Value::Null);
        let versions = [resource.stored_version()];
        let at = seconds(self.now);
        let status = json!({
            "acceptedNames": names,
            "storedVersions": versions,
            "conditions": [
                {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found",
                 "lastTransitionTime": at},
                {"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                 "message": "the initial names have been accepted", "lastTransitionTime": at},
            ],
        });
        self.store.register(resource);
        let mut established = definition;
        if established.status.is_none() {
            established.status = Some(Arc::new(status));
        }
        self.store.replace(CUSTOM_RESOURCE_DEFINITIONS, established)
    }

    /// Deletes the objects of a definition that goes, and serves it no longer.
    pub(super) fn retire(&mut self, definition: &Object) {
        let whole = definition.to_value("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let Some(resource) = Resource::from_definition(&whole) else {
            return;
        };
        if let Some(kind) = self
            .store
            .find(&resource.group, resource.stored_version(), &resource.plural)
        {
            let names: Vec<Name> = self.store.collection(kind).objects.keys().cloned().collect();
            for name in names {
                self.store.remove(kind, &name);
            }
            self.store.register(Resource {
                versions: Vec::new(),
                ..resource
            });
        }
    }
}
