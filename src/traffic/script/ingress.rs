//! The canary twin of an Ingress whose class has a script.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Script, contract};
use crate::{
    api::{apply::LAST_APPLIED, keys, patch::merge_diff},
    traffic::{Obstacle, Split},
};

/// Which annotations of a twin are the script's: their keys, by commas. Of what a step sets and the next one does not,
/// nothing else would tell that it has to go.
const OWN_KEYS: &str = keys::SCRIPT_ANNOTATIONS;

/// The annotations of the twin: what the script makes of the user's.
///
/// # Errors
/// The script gives none.
pub(in crate::traffic) fn annotations(
    script: &Script,
    ingress: &str,
    user: &BTreeMap<String, String>,
    canary: &str,
    split: &Split<'_>,
) -> Result<BTreeMap<String, String>, Obstacle> {
    let mut user = user.clone();
    user.remove(LAST_APPLIED);
    let answer = contract::annotations(script, &user, canary, split);
    let mut wanted = answer.map_err(|fault| Obstacle::Script {
        key: script.key.clone(),
        origin: script.origin.clone(),
        object: format!("Ingress {ingress}"),
        fault,
    })?;
    let all: BTreeSet<&String> = user.keys().chain(wanted.keys()).collect();
    let own: Vec<&str> = all
        .into_iter()
        .filter(|key| user.get(*key) != wanted.get(*key))
        .map(String::as_str)
        .collect();
    let own = own.join(",");
    wanted.insert(OWN_KEYS.to_owned(), own);
    Ok(wanted)
}

/// What must change in a twin that is there; nothing when it is as wanted. Others write annotations on every Ingress, which
/// are left alone.
pub(in crate::traffic) fn difference(present: &DynamicObject, wanted: &Value) -> Option<Value> {
    let was = present.metadata.annotations.clone().unwrap_or_default();
    let own = |text: Option<&str>| -> Vec<String> {
        let keys = text.unwrap_or_default().split(',').map(str::to_owned);
        keys.filter(|key| !key.is_empty()).collect()
    };
    let noted = wanted["metadata"]["annotations"][OWN_KEYS].as_str();
    let mut counted = own(noted);
    counted.extend(own(was.get(OWN_KEYS).map(String::as_str)));
    counted.push(OWN_KEYS.to_owned());
    // The user's own for the controller are followed, too.
    let wanted_annotations = &wanted["metadata"]["annotations"];
    let named = wanted_annotations.as_object().into_iter().flatten();
    let named = named.map(|(key, _)| key).chain(was.keys());
    counted.extend(
        named
            .filter(|key| key.contains("ingress.kubernetes.io/"))
            .cloned(),
    );
    let of = |all: &Value| -> BTreeMap<String, Value> {
        let kept = counted.iter().filter(|key| !all[key.as_str()].is_null());
        kept.map(|key| (key.clone(), all[key.as_str()].clone())).collect()
    };
    merge_diff(
        &json!({ "metadata": { "annotations": of(&json!(was)) }, "spec": present.data["spec"] }),
        &json!({ "metadata": { "annotations": of(wanted_annotations) }, "spec": wanted["spec"] }),
    )
}
