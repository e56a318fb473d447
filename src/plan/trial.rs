//! The writes of a plan that an API server can try without storing them, and what its answers say of admission.
//!
//! A server tries a write against what is there now, so of each object only the first write can be tried, and none of objects that
//! the release itself makes and changes later. Pods all go the same way; one of them stands for all.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    Plan,
    blockers::{Blocker, Evidence, Id, Weight},
};
use crate::{
    api::{keys, patch::merge_diff, quantity},
    engine::core::plural,
};

/// Differences that are told of one object at the most.
const MOST_TOLD: usize = 5;

/// One write to be tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// HTTP method.
    pub method: &'static str,
    /// Path and query; nothing is stored.
    pub path: String,
    /// Media type of the body; empty without one.
    pub content_type: &'static str,
    /// The body; null without one.
    pub body: Value,
    /// Kind and name.
    pub object: String,
    /// What should be there afterwards, as far as that is known; nothing when it is gone.
    expected: Option<Value>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It would be taken, and this would be stored.
    Taken(Value),
    /// It would be refused, in the server's words.
    Refused(String),
    /// The server cannot tell, in its words.
    Unknown(String),
}

/// Kind and name.
fn title(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]).to_lowercase(),
        text(&object["metadata"]["name"])
    )
}

/// The path of the collection that an object is in.
fn collection(object: &Value) -> Option<String> {
    let (api_version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let namespace = object["metadata"]["namespace"].as_str()?;
    Some(format!(
        "/{root}/{api_version}/namespaces/{namespace}/{}",
        plural(kind)
    ))
}

/// The path of an object, without its version: one object may be written in several.
fn versionless(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut words: Vec<&str> = path.split('/').collect();
    let version = if words.get(1) == Some(&"apis") { 3 } else { 2 };
    if version < words.len() {
        words.remove(version);
    }
    words.join("/")
}

fn path_of(object: &Value) -> Option<String> {
    Some(versionless(&format!(
        "{}/{}",
        collection(object)?,
        object["metadata"]["name"].as_str()?
    )))
}

fn found<'o>(objects: &'o [Value], path: &str) -> Option<&'o Value> {
    objects
        .iter()
        .find(|object| path_of(object).as_deref() == Some(path))
}

/// The user's own change: of what is there, and of what is new.
fn of_change(present: &[Value], after: &[Value], manager: &str) -> Vec<Trial> {
    let query = format!("?fieldManager={manager}&dryRun=All");
    let tried = after.iter().filter_map(|object| {
        let collection = collection(object)?;
        let (expected, object_title) = (Some(object.clone()), title(object));
        match found(present, &path_of(object)?) {
            Some(now) => Some(Trial {
                method: "PATCH",
                path: format!("{collection}/{}{query}", object["metadata"]["name"].as_str()?),
                content_type: "application/merge-patch+json",
                body: merge_diff(now, object)?,
                object: object_title,
                expected,
            }),
            None => Some(Trial {
                method: "POST",
                path: format!("{collection}{query}"),
                content_type: "application/json",
                body: object.clone(),
                object: object_title,
                expected,
            }),
        }
    });
    tried.collect()
}

/// The engine's writes.
fn of_engine(plan: &Plan, present: &[Value]) -> Vec<Trial> {
    let mut seen = BTreeSet::new();
    let mut trials = Vec::new();
    for write in &plan.writes {
        let mut path = versionless(&write.path);
        if write.verb == "POST" {
            path += "/";
            path += write.body["metadata"]["name"].as_str().unwrap_or_default();
        }
        let one = match path.split_once("/pods/") {
            Some((before, _)) => format!("{before}/pods"),
            None => path.clone(),
        };
        let object = path.strip_suffix("/status").unwrap_or(&path);
        let now = found(present, object);
        let can = (write.verb == "POST") == now.is_none();
        // The first is noted whether it can be tried or not: a later one rests on it.
        if !seen.insert(one) || !can {
            continue;
        }
        let expected = match write.verb {
            "DELETE" => None,
            "POST" => Some(write.body.clone()),
            _ => now.cloned().map(|mut merged| {
                json_patch::merge(&mut merged, &write.body);
                merged
            }),
        };
        let sign = if write.path.contains('?') { '&' } else { '?' };
        trials.push(Trial {
            method: write.verb,
            path: format!("{}{sign}dryRun=All", write.path),
            content_type: write.content_type,
            body: write.body.clone(),
            object: write.object.clone(),
            expected,
        });
    }
    trials
}

/// What a server can try of a plan: the change that it assumes (`after` beside what is `present`), written by `manager`, and, where
/// the engine is the one that writes, the first of its writes of each object.
#[must_use]
pub fn trials(plan: &Plan, present: &[Value], after: &[Value], manager: &str, by_engine: bool) -> Vec<Trial> {
    let mut all = of_change(present, after, manager);
    if by_engine {
        all.extend(of_engine(plan, present));
    }
    all
}

/// A field that is not as it was sent: where, what was sent, what is there.
type Difference = (String, String, String);

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// Whether a server leaves such a value out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

fn is_same(sent: &Value, got: &Value) -> bool {
    match (sent, got) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => {
            a == b || quantity::billionths(a).is_some_and(|size| quantity::billionths(b) == Some(size))
        }
        _ => sent == got,
    }
}

/// What of the sent fields is other than it was sent. What a server adds, such as defaults, is no difference.
fn compare(place: &str, sent: &Value, got: &Value, told: &mut Vec<Difference>) {
    match (sent, got) {
        (Value::Object(fields), Value::Object(of)) => {
            for (key, value) in fields {
                compare(
                    &format!("{place}.{key}"),
                    value,
                    of.get(key).unwrap_or(&Value::Null),
                    told,
                );
            }
        }
        (Value::Array(items), Value::Array(of)) if items.len() == of.len() => {
            for (at, (item, got)) in items.iter().zip(of).enumerate() {
                compare(&format!("{place}[{at}]"), item, got, told);
            }
        }
        (sent, Value::Null) if is_empty(sent) => {}
        (Value::Null, _) => {}
        (sent, got) if is_same(sent, got) => {}
        (sent, got) => told.push((place.to_owned(), shown(sent), shown(got))),
    }
}

fn differences(sent: &Value, got: &Value) -> Vec<Difference> {
    let mut told = Vec::new();
    let nothing = Map::new();
    for what in ["labels", "annotations"] {
        let place = format!("metadata.{what}");
        let (sent, got) = (&sent["metadata"][what], &got["metadata"][what]);
        compare(&place, sent, got, &mut told);
        let added = got.as_object().unwrap_or(&nothing).iter();
        let added = added.filter(|(key, _)| sent[key.as_str()].is_null());
        told.extend(added.map(|(key, value)| (format!("{place}.{key}"), shown(&Value::Null), shown(value))));
    }
    let mark = format!("metadata.annotations.{}", keys::IN_PROGRESSING);
    let is_held = told
        .iter()
        .any(|(place, sent, _)| *place == mark && sent == "nothing");
    let mut spec = Vec::new();
    compare("spec", &sent["spec"], &got["spec"], &mut spec);
    if is_held {
        // The hold policy is no surprise: that is how a release begins.
        told.retain(|(place, ..)| *place != mark);
        spec.retain(|(place, ..)| place.starts_with("spec.template"));
    }
    told.extend(spec);
    told
}

impl Plan {
    /// Notes what a server says of the writes that it tried.
    pub fn tried(&mut self, answers: &[(Trial, Answer)]) {
        if !answers.is_empty() && answers.len() <= self.writes.len() {
            // The change itself is one of those that were tried.
            self.unknown.push(format!(
                "what the server says of the other writes: {} of {} could be tried",
                answers.len(),
                self.writes.len() + 1
            ));
        }
        let may_not = self.blockers.iter().any(|one| one.id == Id::NotAllowed);
        for (trial, answer) in answers {
            let write = format!("{} {}", trial.method, trial.path);
            let of = |id, weight, message, evidence, command: &str| Blocker {
                id,
                weight,
                message,
                evidence,
                command: command.to_owned(),
            };
            match answer {
                // Rights have an entry of their own.
                Answer::Refused(words) if may_not && words.contains("is forbidden: User ") => {}
                Answer::Refused(words) => self.blockers.push(of(
                    Id::Refused,
                    Weight::Blocks,
                    format!("the server refuses to take {}: {words}", trial.object),
                    vec![Evidence {
                        object: trial.object.clone(),
                        field: write,
                        value: words.clone(),
                    }],
                    "kubectl get validatingadmissionpolicies,validatingwebhookconfigurations",
                )),
                Answer::Unknown(words) => self
                    .unknown
                    .push(format!("whether the server takes {}: {words}", trial.object)),
                Answer::Taken(got) => {
                    let changed = trial.expected.as_ref().map(|sent| differences(sent, got));
                    let changed = changed.unwrap_or_default();
                    if changed.is_empty() {
                        continue;
                    }
                    let fields: Vec<&str> = changed.iter().map(|(place, ..)| place.as_str()).collect();
                    let (some, more) = fields.split_at(fields.len().min(MOST_TOLD));
                    let mut fields = some.join(", ");
                    if !more.is_empty() {
                        fields += &format!(" and {} more", more.len());
                    }
                    let evidence = changed.iter().take(MOST_TOLD).map(|(place, sent, got)| Evidence {
                        object: trial.object.clone(),
                        field: place.clone(),
                        value: format!("sent {sent}, stored {got}"),
                    });
                    self.blockers.push(of(
                        Id::Altered,
                        Weight::Risk,
                        format!("admission changes {}: {fields}", trial.object),
                        evidence.collect(),
                        "kubectl get mutatingadmissionpolicies,mutatingwebhookconfigurations",
                    ));
                }
            }
        }
        self.blockers.sort_by_key(|blocker| blocker.weight);
    }
}

#[cfg(test)]
mod tests;
