//! Pure knowledge of each workload kind: reads its state, makes its patches.

pub mod daemon;
pub mod deployment;
pub mod edit;
pub mod hold;
pub mod kind;
pub mod mark;
pub mod partition;
pub mod pod;
pub mod replica_set;
pub mod rolling;
pub mod selector;
pub mod toleration;
pub mod view;

pub use deployment::Deployment;
pub use kind::Kind;
pub use mark::Mark;
pub use pod::{Labels, Pod};
pub use replica_set::ReplicaSet;
pub use view::Workload;

use std::borrow::Cow;

use serde_json::Value;

/// Whether two pod templates are the same version, as the Deployment controller judges it: everything equal but the
/// label `pod-template-hash` that it adds itself (engine-workloads 2.4).
#[must_use]
pub fn same_template(a: &Value, b: &Value) -> bool {
    fn entries<'a>(
        template: &'a Value,
        field: &str,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> + Clone {
        template["metadata"][field]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.as_str() != crate::api::keys::POD_TEMPLATE_HASH)
    }
    a["spec"] == b["spec"]
        && entries(a, "labels").eq(entries(b, "labels"))
        && entries(a, "annotations").eq(entries(b, "annotations"))
}

/// A short name for a template that does not depend on who computes it: ten characters of the alphabet that object
/// names use. The Deployment controller's own hash is never re-computed; it is read from ReplicaSets.
#[must_use]
pub fn digest(template: &Value, salt: &str) -> String {
    use sha2::{Digest as _, Sha256};
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let hashed = template["metadata"]["labels"].get(crate::api::keys::POD_TEMPLATE_HASH);
    let bare = if hashed.is_some() {
        let mut bare = template.clone();
        let labels = bare
            .pointer_mut("/metadata/labels")
            .and_then(Value::as_object_mut);
        labels.map(|labels| labels.remove(crate::api::keys::POD_TEMPLATE_HASH));
        Cow::Owned(bare)
    } else {
        Cow::Borrowed(template)
    };
    let mut hash = Sha256::new();
    hash.update(bare.to_string());
    hash.update([0]);
    hash.update(salt);
    hash.finalize()
        .iter()
        .take(10)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// How many there are, as Kubernetes counts.
pub(crate) fn size(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// An integer field, 0 when absent.
pub(crate) fn count(value: &Value) -> i32 {
    value.as_i64().and_then(|n| i32::try_from(n).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{digest, same_template};

    #[test]
    fn templates_are_equal_but_for_the_hash_label() {
        let plain =
            json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "web:v1"}]}});
        let hashed = json!({"metadata": {"creationTimestamp": null, "labels": {"app": "web", "pod-template-hash": "abc"}},
            "spec": {"containers": [{"image": "web:v1"}]}});
        let newer =
            json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "web:v2"}]}});
        let annotated = json!({"metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}},
            "spec": {"containers": [{"image": "web:v1"}]}});
        assert!(same_template(&plain, &hashed));
        assert!(!same_template(&plain, &newer));
        assert!(!same_template(&plain, &annotated));
        assert_ne!(digest(&plain, ""), digest(&newer, ""));
        assert_eq!(digest(&plain, "x").len(), 10);
    }
}
