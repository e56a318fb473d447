//! The template of an earlier revision.

use serde_json::{Value, json};

use super::{super::same_template, hold};
use crate::api::keys;

/// Annotation in which people say why a revision was made; kubectl's.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// The workload with the template of a revision, exactly, and with what was said of why it was made. Everything else stays,
/// annotations of others too. Where the template is that of the revision already, nothing changes.
#[must_use]
pub fn with_revision(workload: &Value, template: &Value, change_cause: Option<&str>) -> Value {
    let mut after = workload.clone();
    if same_template(&workload["spec"]["template"], template) {
        return after;
    }
    after["spec"]["template"] = template.clone();
    let annotations = &workload["metadata"]["annotations"];
    if annotations[CHANGE_CAUSE].as_str() != change_cause {
        let mut annotations = annotations.as_object().cloned().unwrap_or_default();
        match change_cause {
            Some(text) => drop(annotations.insert(CHANGE_CAUSE.to_owned(), json!(text))),
            None => drop(annotations.remove(CHANGE_CAUSE)),
        }
        hold::put(&mut after["metadata"], "annotations", Value::Object(annotations));
    }
    after
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
        template_of, with_revision,
    };
    use crate::workload::{Kind, edit::write};

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
            // What the bad version added is gone again, which no merge patch could do.
            let mut now = workload(kind, &json!({}));
            now["spec"]["template"]["spec"]["nodeSelector"] = json!({ "disk": "ssd" });
            now["spec"]["template"]["metadata"]["annotations"] = json!({ "added": "later" });
            let same = template_of(&revision_of(kind, &now["spec"]["template"]));
            assert_eq!(write(&now, &with_revision(&now, &same, Some("no")), None), None);
            let mut expected = workload(kind, &json!({}));
            expected["spec"]["template"]["spec"]["containers"] =
                json!([{ "name": "web", "image": "web:v0" }]);
            let old = template_of(&revision_of(kind, &expected["spec"]["template"]));
            let after = with_revision(&now, &old, None);
            assert_eq!(
                patched(&now, write(&now, &after, None).unwrap()),
                expected,
                "{kind:?}"
            );
        }
    }

    #[test]
    fn annotations_of_others_stay() {
        let mut now = workload(Kind::Deployment, &json!({}));
        now["metadata"]["annotations"] = json!({ "mine": "kept", "kubernetes.io/change-cause": "v2" });
        let template = json!({ "spec": {} });
        let annotations = |cause| with_revision(&now, &template, cause)["metadata"]["annotations"].clone();
        assert_eq!(
            annotations(Some("v1")),
            json!({ "mine": "kept", "kubernetes.io/change-cause": "v1" })
        );
        assert_eq!(annotations(None), json!({ "mine": "kept" }));
    }
}
