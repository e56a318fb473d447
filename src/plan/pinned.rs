//! A plan that is kept: with everything it rests on, so that it can be told later whether that still is so, and what moved.
//!
//! One plan holds through all of its release: `input` says what of an object counts.

mod input;

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use input::{digest, inputs};

pub use input::Input;

use super::Plan;

/// Version of the file. A new minor only adds, a new major means something else.
pub const FORMAT: &str = "1.0";

/// What is said of a field that is not there.
const NOT_SET: &str = "not set";

/// A plan with what it rests on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `SavedRolloutPlan`.
    pub kind: String,
    /// Version of the file.
    pub format_version: String,
    /// Digest of everything else, after `sha256:`.
    pub id: String,
    /// Version of the program that made it.
    pub version: String,
    /// Address of the API server that was read.
    pub server: String,
    /// When it was made.
    pub created: String,
    /// Namespace of the Rollout.
    pub namespace: String,
    /// Name of the Rollout.
    pub rollout: String,
    /// What it rests on.
    pub inputs: Vec<Input>,
    /// The same once what was planned to be changed is changed; only what differs.
    pub changed: Vec<Input>,
    /// The plan.
    pub plan: Value,
}

/// A field that moved.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Moved {
    /// Kind and name.
    pub object: String,
    /// The field.
    pub field: String,
    /// What it was.
    pub from: String,
    /// What it is.
    pub to: String,
}

/// Why a file is no plan that can be followed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// It is something else.
    #[error("it is no saved plan: {0}")]
    Unread(String),
    /// It is of another version.
    #[error("it has format {0}, and this program reads 1")]
    Format(String),
    /// It is not what was saved.
    #[error("its content is not what its id says: it was edited, or cut off")]
    Edited,
    /// It ends badly.
    #[error("it ends {0:?}, so that it is not one to be followed")]
    Bad(String),
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}: {} is now {}",
            self.object, self.field, self.from, self.to
        )
    }
}

impl Saved {
    /// Keeps a plan. `document` is the plan as it is printed; `before` and `after` what was read, and the same as changed.
    #[must_use]
    pub fn new(
        plan: &Plan,
        document: Value,
        (before, after): (&[Value], &[Value]),
        (server, created): (&str, &str),
    ) -> Self {
        let of = |objects: &[Value]| inputs(objects, &plan.namespace, &plan.rollout);
        let inputs = of(before);
        let differs = |input: &Input| {
            !inputs
                .iter()
                .any(|one| one.is_like(input) && one.digest == input.digest)
        };
        let changed = of(after).into_iter().filter(differs).collect();
        let mut saved = Self {
            api_version: "cli.kruise.dev/v1".to_owned(),
            kind: "SavedRolloutPlan".to_owned(),
            format_version: FORMAT.to_owned(),
            id: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            server: server.to_owned(),
            created: created.to_owned(),
            namespace: plan.namespace.clone(),
            rollout: plan.rollout.clone(),
            inputs,
            changed,
            plan: document,
        };
        saved.id = saved.identity();
        saved
    }

    /// Of everything but the id.
    fn identity(&self) -> String {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        all["id"] = Value::Null;
        digest(&all)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is no plan, of another version, or not what was saved.
    pub fn read(text: &str) -> Result<Self, Unfit> {
        let object: Value = serde_json::from_str(text).map_err(|error| Unfit::Unread(error.to_string()))?;
        if object["kind"] != "SavedRolloutPlan" {
            let kind = object["kind"].as_str().unwrap_or("none");
            return Err(Unfit::Unread(format!("its kind is {kind}")));
        }
        let format = object["formatVersion"].as_str().unwrap_or_default();
        if format.split('.').next() != Some("1") {
            return Err(Unfit::Format(format.to_owned()));
        }
        let mut content = object.clone();
        content["id"] = Value::Null;
        if object["id"] != digest(&content) {
            return Err(Unfit::Edited);
        }
        serde_json::from_value(object).map_err(|error| Unfit::Unread(error.to_string()))
    }

    /// Whether it is one to be followed.
    ///
    /// # Errors
    /// It says itself that it ends badly.
    pub fn follow(&self) -> Result<(), Unfit> {
        let blocks = |all: &Value| {
            all.as_array()
                .is_some_and(|all| all.iter().any(|one| one["weight"] == "blocks"))
        };
        match self.plan["end"].as_str().unwrap_or_default() {
            end @ ("Blocked" | "Degraded") => Err(Unfit::Bad(end.to_owned())),
            _ if blocks(&self.plan["blockers"]) => Err(Unfit::Bad("Blocked".to_owned())),
            _ => Ok(()),
        }
    }

    /// What of it names other objects, as it was and as it was planned to become.
    #[must_use]
    pub fn naming(&self) -> Vec<Value> {
        // What others name is theirs.
        let names = |input: &&Input| match input.kind.as_str() {
            "Rollout" => input.name == self.rollout && input.namespace == self.namespace,
            kind => kind == "TrafficRouting",
        };
        let object = |input: &Input| {
            let mut object = input.fields.clone();
            object["apiVersion"] = json!(input.api_version);
            object["kind"] = json!(input.kind);
            object["metadata"]["namespace"] = json!(input.namespace);
            object["metadata"]["name"] = json!(input.name);
            object
        };
        let inputs = self.inputs.iter().chain(&self.changed);
        inputs.filter(names).map(object).collect()
    }

    /// What of the planned change is still to be made, before there is anything to carry out.
    #[must_use]
    pub fn to_make(&self, objects: &[Value]) -> Vec<Moved> {
        let now = inputs(objects, &self.namespace, &self.rollout);
        let mut left = Vec::new();
        for changed in &self.changed {
            let seen = now.iter().find(|seen| seen.is_like(changed));
            let before = self.inputs.iter().find(|input| input.is_like(changed));
            match (before, seen) {
                (None, None) => left.push(changed.was("the object", "not there", "there")),
                (Some(before), Some(seen)) if changed.filled_in(Some(before), seen).digest != seen.digest => {
                    left.extend(before.differences(changed));
                }
                _ => {}
            }
        }
        left
    }

    /// What moved since, in what counts. An object may be as it was, or as it was planned to become.
    #[must_use]
    pub fn moved(&self, objects: &[Value]) -> Vec<Moved> {
        let now = inputs(objects, &self.namespace, &self.rollout);
        let mut moved = Vec::new();
        for input in &self.inputs {
            let target = self.changed.iter().find(|changed| changed.is_like(input));
            let Some(seen) = now.iter().find(|seen| seen.is_like(input)) else {
                moved.push(input.was("the object", "there", "gone"));
                continue;
            };
            if seen.uid != input.uid {
                moved.push(input.was("metadata.uid", &input.uid, &seen.uid));
            }
            let target = target.map(|target| target.filled_in(Some(input), seen));
            let is_same = |wanted: &Input| wanted.digest == seen.digest;
            if is_same(input) || target.as_ref().is_some_and(is_same) {
                continue;
            }
            // Told against what it is nearer to.
            let from_before = input.differences(seen);
            let from_target = target
                .map(|target| target.differences(seen))
                .filter(|from| from.len() <= from_before.len());
            moved.extend(from_target.unwrap_or(from_before));
        }
        let is_new = |changed: &&Input| !self.inputs.iter().any(|input| input.is_like(changed));
        for made in self.changed.iter().filter(is_new) {
            if let Some(seen) = now.iter().find(|seen| seen.is_like(made)) {
                let planned = made.filled_in(None, seen);
                if planned.digest != seen.digest {
                    moved.extend(planned.differences(seen));
                }
            }
        }
        let planned = |seen: &Input| {
            self.inputs
                .iter()
                .chain(&self.changed)
                .any(|input| input.is_like(seen))
        };
        for seen in now.iter().filter(|seen| !planned(seen)) {
            moved.push(seen.was("the object", "not there", "there"));
        }
        moved
    }
}

impl Input {
    /// That a field of it was one thing, and is another.
    fn was(&self, field: &str, from: &str, to: &str) -> Moved {
        Moved {
            object: self.title(),
            field: field.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        }
    }

    /// As it was planned to become, with what the server filled in where the plan adds something. Manifests leave much out.
    fn filled_in(&self, before: Option<&Self>, seen: &Self) -> Self {
        let before = before.map_or(&Value::Null, |before| &before.fields);
        let fields = filled(before, &self.fields, &seen.fields);
        Self {
            digest: digest(&fields),
            fields,
            ..self.clone()
        }
    }

    /// In what the same object is another now; at least that it is, where no field tells.
    fn differences(&self, now: &Self) -> Vec<Moved> {
        let mut fields = Vec::new();
        compare(&self.fields, &now.fields, "", &mut fields);
        if fields.is_empty() {
            return vec![self.was("the digest of what counts", &self.digest, &now.digest)];
        }
        let fields = fields.into_iter();
        fields
            .map(|(field, from, to)| self.was(&field, &from, &to))
            .collect()
    }
}

/// The names of a list's items, in order, if each has one of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items
        .iter()
        .map(|item| item["name"].as_str())
        .collect::<Option<_>>()?;
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    (distinct.len() == names.len()).then_some(names)
}

/// A planned value with what is seen of it beside what the plan says, wherever nothing was before.
fn filled(before: &Value, planned: &Value, seen: &Value) -> Value {
    match (planned, seen) {
        (Value::Object(fields), Value::Object(others)) => {
            let mut all = fields.clone();
            for (key, value) in &mut all {
                *value = filled(&before[key], value, &seen[key]);
            }
            if before.is_null() {
                let more = others.iter().filter(|(key, _)| !fields.contains_key(*key));
                all.extend(more.map(|(key, value)| (key.clone(), value.clone())));
            }
            Value::Object(all)
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let known = before.as_array().map_or(&[][..], Vec::as_slice);
            let named = names(known).is_some();
            let was = |at: usize, item: &Value| {
                if named && item["name"].is_string() {
                    known.iter().find(|one| one["name"] == item["name"])
                } else {
                    known.get(at)
                }
            };
            let pairs = items.iter().zip(others).enumerate();
            let all =
                pairs.map(|(at, (item, other))| filled(was(at, item).unwrap_or(&Value::Null), item, other));
            Value::Array(all.collect())
        }
        _ => planned.clone(),
    }
}

/// Every leaf in which two values differ: its path, and what stands there in the one and in the other.
fn compare(one: &Value, other: &Value, path: &str, found: &mut Vec<(String, String, String)>) {
    if one == other {
        return;
    }
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                compare(&one[key], &other[key], &below(key), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            if let (Some(names), Some(others)) = (names(a), names(b)) {
                let all: BTreeSet<&str> = names.iter().chain(&others).copied().collect();
                for name in all {
                    let of = |items: &[Value]| {
                        let item = items.iter().find(|item| item["name"] == *name);
                        item.cloned().unwrap_or_default()
                    };
                    compare(&of(a), &of(b), &format!("{path}[{name}]"), found);
                }
                // Init containers run, and routes are tried, in the order in which they stand.
                let order = |of: &[&str], other: &[&str]| {
                    let both: Vec<&str> = of.iter().filter(|name| other.contains(name)).copied().collect();
                    both.join(", ")
                };
                let (before, now) = (order(&names, &others), order(&others, &names));
                if before != now {
                    found.push((path.to_owned(), json!(before).to_string(), json!(now).to_string()));
                }
                return;
            }
            for index in 0..a.len().max(b.len()) {
                let at = |items: &[Value]| items.get(index).cloned().unwrap_or_default();
                compare(&at(a), &at(b), &format!("{path}[{index}]"), found);
            }
        }
        _ => found.push((path.to_owned(), shown(one), shown(other))),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => NOT_SET.to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
