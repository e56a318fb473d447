//! Objects of kinds that only a script knows: split in place, and given back.
//!
//! The user's original is where upstream keeps it. What the script made of it is kept beside it, because only a script can
//! tell its own work from somebody else's edit: what differs from neither was not touched, what differs from the script's
//! work alone is an edit. Edits of what the script leaves alone become the user's; single values that the script sets are
//! put back; a list that the script and somebody else changed is taken apart where it can be, and else stops the release.

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::{Script, contract, merge};
use crate::{
    api::{apply::LAST_APPLIED, keys, patch::merge_diff},
    traffic::{Obstacle, RouteKind, Split, Wiring, is_host},
};

/// Bytes that the annotations of one object may have, as API servers have it.
const MOST_ANNOTATIONS: usize = 256 * 1024;

/// What the annotation keeps.
enum Note {
    None,
    Unreadable,
    Kept(Kept),
}

struct Kept {
    /// Spec, labels and annotations before the release.
    original: Value,
    /// What the script made of it, as a merge patch; nothing when upstream's controller wrote the annotation.
    written: Option<Value>,
    /// The generation that the object had after the write: with the same one, what differs is the server's doing.
    generation: Option<i64>,
}

fn text(route: &DynamicObject) -> Option<&str> {
    let annotations = route.metadata.annotations.as_ref()?;
    annotations.get(keys::ORIGINAL_SPEC).map(String::as_str)
}

fn read(route: &DynamicObject) -> Note {
    let Some(text) = text(route) else {
        return Note::None;
    };
    let Ok(mut kept) = serde_json::from_str::<Value>(text) else {
        return Note::Unreadable;
    };
    if !kept["spec"].is_object() {
        return Note::Unreadable;
    }
    let written = kept.get_mut("written").map(Value::take);
    let generation = kept["generation"].as_i64();
    let mut original = Map::new();
    for part in PARTS {
        let value = without_nulls(&kept[part]);
        if part == "spec" || value.as_object().is_some_and(|all| !all.is_empty()) {
            original.insert(part.to_owned(), value);
        }
    }
    Note::Kept(Kept {
        original: original.into(),
        written,
        generation,
    })
}

/// Whether a script changed the object, not a provider of ours.
pub(in crate::traffic) fn is_written(route: &DynamicObject) -> bool {
    matches!(read(route), Note::Kept(kept) if kept.written.is_some())
}

/// Whether a release left an object changed that only [`restore`] can give back: a script was there, or the kind is none
/// of ours.
#[must_use]
pub fn is_left(route: &DynamicObject) -> bool {
    let types = route.types.as_ref();
    let is_custom = types.is_some_and(|types| {
        let kinds = RouteKind::named(&types.api_version, &types.kind);
        kinds.iter().all(|kind| kind.is_custom())
    });
    text(route).is_some() && (is_custom || is_written(route))
}

/// What a script sees of an object, and may change.
const PARTS: [&str; 3] = ["spec", "labels", "annotations"];

/// The object as scripts see it: labels and annotations only where there are any.
fn seen(route: &DynamicObject) -> Value {
    let mut all = json!({ "spec": without_nulls(&route.data["spec"]) });
    if let Some(labels) = route.metadata.labels.as_ref().filter(|all| !all.is_empty()) {
        all["labels"] = json!(labels);
    }
    let mut annotations = route.metadata.annotations.clone().unwrap_or_default();
    annotations.remove(keys::ORIGINAL_SPEC);
    annotations.remove(LAST_APPLIED);
    if !annotations.is_empty() {
        all["annotations"] = json!(annotations);
    }
    all
}

/// Lua has no null; servers leave them out anyway.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, field)| !field.is_null());
            kept.map(|(name, field)| (name.clone(), without_nulls(field)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn title(route: &DynamicObject) -> (String, String) {
    let kind = route.types.as_ref().map(|types| types.kind.clone());
    (
        kind.unwrap_or_default(),
        route.metadata.name.clone().unwrap_or_default(),
    )
}

impl Kept {
    /// What the script wrote.
    fn work(&self) -> Option<Value> {
        let mut work = self.original.clone();
        json_patch::merge(&mut work, self.written.as_ref()?);
        Some(work)
    }

    /// The object as it is without a release.
    fn user(&self, route: &DynamicObject, conflicts: &mut Vec<String>) -> Value {
        let live = seen(route);
        let Some(work) = self.work() else {
            // Nothing tells edits from the release: labels and annotations that came since are kept.
            let mut user = live.clone();
            for part in ["labels", "annotations"] {
                for (key, value) in self.original[part].as_object().into_iter().flatten() {
                    user[part][key] = value.clone();
                }
            }
            user["spec"] = self.original["spec"].clone();
            return user;
        };
        let mut user = Map::new();
        for part in PARTS {
            let original = self.original.get(part);
            let merged = if part == "spec" && self.is_servers(route) {
                original.cloned()
            } else {
                merge::edits(original, work.get(part), live.get(part), part, conflicts)
            };
            user.extend(merged.map(|value| (part.to_owned(), value)));
        }
        user.into()
    }

    /// Whether nobody but the server wrote the spec since the release did.
    fn is_servers(&self, route: &DynamicObject) -> bool {
        self.generation.is_some() && route.metadata.generation <= self.generation
    }
}

/// The patch that makes an object what a script says; nothing when it is.
///
/// # Errors
/// The script gives no answer, what the object was cannot be told, or the server does not keep what the script sets.
pub(in crate::traffic) fn split(
    route: &DynamicObject,
    script: &Script,
    wiring: &Wiring<'_>,
    split: &Split<'_>,
) -> Result<Option<Value>, Obstacle> {
    let (kind, name) = title(route);
    let lost = || Obstacle::Original {
        kind: kind.clone(),
        name: name.clone(),
    };
    let live = seen(route);
    let note = read(route);
    let user = match &note {
        Note::Unreadable => return Err(lost()),
        // A release was here and somebody removed its note: this is not the user's object.
        Note::None if names_canary(&live["spec"], wiring) => return Err(lost()),
        Note::None => live.clone(),
        Note::Kept(kept) => {
            let mut conflicts = Vec::new();
            let user = kept.user(route, &mut conflicts);
            if let Some(at) = conflicts.into_iter().next() {
                return Err(Obstacle::Edited { kind, name, at });
            }
            user
        }
    };
    let answer = contract::object(script, &user, wiring, split);
    let mut wanted = answer.map_err(|fault| Obstacle::Script {
        key: script.key.clone(),
        origin: script.origin.clone(),
        object: format!("{kind} {name}"),
        fault,
    })?;
    if let Some(own) = wanted.get_mut("annotations").and_then(Value::as_object_mut) {
        own.remove(keys::ORIGINAL_SPEC);
        own.remove(LAST_APPLIED);
    }
    let work = merge_diff(&user, &wanted).unwrap_or_else(|| json!({}));
    let is_noted =
        matches!(&note, Note::Kept(kept) if kept.original == user && kept.written.as_ref() == Some(&work));
    let before = match &note {
        Note::Kept(kept) => kept.work(),
        _ => None,
    };
    let mut target = merge::settled(&wanted, &before.unwrap_or_default(), &live);
    if let Note::Kept(kept) = &note
        && is_noted
        && kept.is_servers(route)
    {
        if let Some(at) = merge::missing(&wanted["spec"], &live["spec"], "spec") {
            return Err(Obstacle::Unkept { kind, name, at });
        }
        target["spec"] = live["spec"].clone();
    }
    let mut body = patch(&live, &target);
    if is_noted && body == json!({}) || matches!(note, Note::None) && work == json!({}) {
        return Ok(None);
    }
    let generation = route.metadata.generation;
    let kept = written(
        &user,
        &work,
        generation.map(|at| at + i64::from(body.get("spec").is_some())),
    );
    let rest = route.metadata.annotations.iter().flatten();
    let rest: usize = rest
        .filter(|(key, _)| *key != keys::ORIGINAL_SPEC)
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if rest + kept.len() > MOST_ANNOTATIONS {
        return Err(Obstacle::Large { kind, name });
    }
    if !is_noted || body.get("spec").is_some() {
        body["metadata"]["annotations"][keys::ORIGINAL_SPEC] = json!(kept);
    }
    Ok(Some(body))
}

/// The annotation: what upstream writes, and what tells our work from others'.
fn written(user: &Value, work: &Value, generation: Option<i64>) -> String {
    let parts = PARTS.into_iter().filter_map(|part| Some((part, user.get(part)?)));
    let parts: Vec<String> = parts.map(|(part, value)| format!("\"{part}\":{value}")).collect();
    let generation = generation.map_or_else(String::new, |at| format!(",\"generation\":{at}"));
    format!("{{{},\"written\":{work}{generation}}}", parts.join(","))
}

/// What turns one state of an object into another, as a patch of it. Labels and annotations go one by one: of the
/// annotations, not all are seen here.
fn patch(live: &Value, target: &Value) -> Value {
    let mut body = json!({});
    if let Some(spec) = merge_diff(&live["spec"], &target["spec"]) {
        body["spec"] = spec;
    }
    for part in ["labels", "annotations"] {
        let all = |of: &Value| of.get(part).cloned().unwrap_or_else(|| json!({}));
        if let Some(change) = merge_diff(&all(live), &all(target)) {
            body["metadata"][part] = change;
        }
    }
    body
}

/// The patch that gives an object back to the user; nothing when nothing was changed. Needs no script, so that a release
/// whose script is gone can be ended.
#[must_use]
pub fn restore(route: &DynamicObject, wiring: &Wiring<'_>) -> Option<Value> {
    let live = seen(route);
    let user = match read(route) {
        Note::Kept(kept) => kept.user(route, &mut Vec::new()),
        // All that can be done without the original: nothing goes to the new version.
        Note::Unreadable | Note::None => {
            let mut user = live.clone();
            if wiring.has_twin() {
                stable_only(&mut user["spec"], wiring);
            }
            user
        }
    };
    let mut body = patch(&live, &user);
    if text(route).is_some() {
        body["metadata"]["annotations"][keys::ORIGINAL_SPEC] = Value::Null;
    }
    (body != json!({})).then_some(body)
}

fn names_canary(value: &Value, wiring: &Wiring<'_>) -> bool {
    let is_canary = |value: &Value| is_host(value, &wiring.canary, wiring.namespace);
    wiring.has_twin()
        && match value {
            Value::Array(items) => items.iter().any(|item| names_canary(item, wiring)),
            Value::Object(fields) => fields.values().any(|field| names_canary(field, wiring)),
            other => is_canary(other),
        }
}

fn stable_only(value: &mut Value, wiring: &Wiring<'_>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| stable_only(item, wiring)),
        Value::Object(fields) => fields.values_mut().for_each(|field| stable_only(field, wiring)),
        other if is_host(other, &wiring.canary, wiring.namespace) => {
            let rest = other.as_str().and_then(|text| text.strip_prefix(&wiring.canary));
            *other = json!(format!("{}{}", wiring.service, rest.unwrap_or_default()));
        }
        _ => {}
    }
}
