//! The template of an earlier revision.

use serde_json::{Value, json};

use super::unchanged_since;
use crate::api::keys;

/// Makes the JSON patch that puts the template of `revision` (a ReplicaSet or a ControllerRevision) back exactly; nothing
/// when it is there.
#[must_use]
pub fn restore_template(workload: &Value, revision: &Value) -> Option<Value> {
    let template = template_of(revision);
    let same = workload["spec"]["template"] == template;
    (!same).then(|| {
        json!([unchanged_since(workload), { "op": "replace", "path": "/spec/template", "value": template }])
    })
}

/// The template of a revision as its workload had it.
///
/// - A ReplicaSet has the hash that the Deployment controller adds.
/// - A ControllerRevision keeps a strategic merge patch of the workload, in which `$patch: replace` stands beside the
///   template's own fields; Kruise's kinds write theirs the same way.
#[must_use]
pub fn template_of(revision: &Value) -> Value {
    if revision["data"].is_object() {
        let mut template = revision["data"]["spec"]["template"].clone();
        if let Some(fields) = template.as_object_mut() {
            fields.remove("$patch");
        }
        return template;
    }
    let mut template = revision["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(keys::POD_TEMPLATE_HASH);
    }
    template
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::tests::{patched, workload},
        restore_template,
    };
    use crate::workload::Kind;

    fn revision_of(kind: Kind, template: &Value) -> Value {
        let mut template = template.clone();
        if kind == Kind::Deployment {
            template["metadata"]["labels"]["pod-template-hash"] = json!("abc");
            return json!({ "kind": "ReplicaSet", "spec": { "template": template } });
        }
        template["$patch"] = json!("replace");
        json!({ "kind": "ControllerRevision", "data": { "spec": { "template": template } }, "revision": 1 })
    }

    #[test]
    fn puts_the_template_back_as_it_was() {
        for kind in Kind::ALL {
            let now = workload(kind, &json!({}));
            assert_eq!(
                restore_template(&now, &revision_of(kind, &now["spec"]["template"])),
                None
            );
            let mut expected = now.clone();
            expected["spec"]["template"]["spec"]["containers"] =
                json!([{ "name": "web", "image": "web:v0" }]);
            let old = revision_of(kind, &expected["spec"]["template"]);
            assert_eq!(
                patched(&now, restore_template(&now, &old).unwrap()),
                expected,
                "{kind:?}"
            );
        }
    }
}
