//! A write as it is sent.

use crate::{
    api::keys,
    engine::core::{Effect, Verb},
};

/// Path and query of a write.
pub(super) fn path(effect: &Effect) -> String {
    let target = &effect.target;
    let root = if target.api_version.contains('/') {
        "apis"
    } else {
        "api"
    };
    let collection = format!(
        "/{root}/{}/namespaces/{}/{}",
        target.api_version, target.namespace, target.plural
    );
    let manager = format!("?fieldManager={}", keys::FIELD_MANAGER);
    match &effect.verb {
        Verb::Create(_) => format!("{collection}{manager}"),
        Verb::Merge(_) => format!("{collection}/{}{manager}", target.name),
        Verb::MergeStatus(_) => format!("{collection}/{}/status{manager}", target.name),
        Verb::Apply(_) => format!("{collection}/{}{manager}&force=true", target.name),
        Verb::Delete => format!("{collection}/{}", target.name),
    }
}

pub(super) fn content_type(verb: &Verb) -> &'static str {
    match verb {
        Verb::Create(_) => "application/json",
        Verb::Merge(_) | Verb::MergeStatus(_) => "application/merge-patch+json",
        Verb::Apply(_) => "application/apply-patch+yaml",
        Verb::Delete => "",
    }
}

/// What the server checks before it takes a write.
pub(super) fn precondition(effect: &Effect) -> &'static str {
    match (
        &effect.verb,
        &effect.precondition.uid,
        &effect.precondition.resource_version,
    ) {
        (Verb::Create(_), ..) => "no object of this name",
        (_, Some(_), Some(_)) => "the same object, unchanged since it was read",
        (_, None, Some(_)) => "unchanged since it was read",
        (_, Some(_), None) => "the same object",
        _ => "none",
    }
}
