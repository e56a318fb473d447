//! What a script is given and what it must answer (engine-traffic 3.3, 5.3).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Fault, Script};
use crate::{
    api::v1beta1::{HeaderModifier, NamedMatch, RouteMatch},
    traffic::{Split, Wiring},
};

/// The annotations of a canary Ingress.
///
/// # Errors
/// Why the script gave none.
pub(super) fn annotations(
    script: &Script,
    user: &BTreeMap<String, String>,
    canary: &str,
    split: &Split<'_>,
) -> Result<BTreeMap<String, String>, Fault> {
    // Upstream leaves them out where the Ingress has none; scripts that index them fail there (D10).
    let mut input =
        json!({ "annotations": user, "canaryService": canary, "weight": weight(split).to_string() });
    add_matches(&mut input, split);
    let answer = script.run(&input, &Value::Null)?;
    if answer.is_null() {
        return Err(Fault::Answer(
            "nothing; it must return the table of annotations".to_owned(),
        ));
    }
    strings(&answer, "annotations")
}

/// What an object should be: `data` and the answer are `{ spec, labels, annotations }`, the latter two where there are any.
///
/// # Errors
/// Why the script gave none.
pub(super) fn object(
    script: &Script,
    data: &Value,
    wiring: &Wiring<'_>,
    split: &Split<'_>,
) -> Result<Value, Fault> {
    let weight = weight(split);
    let mut input = json!({
        "data": data, "canaryService": wiring.canary, "stableService": wiring.service,
        "canaryWeight": weight, "stableWeight": 100 - weight,
    });
    add_matches(&mut input, split);
    let answer = script.run(&input, data)?;
    if !answer["spec"].is_object() {
        return Err(Fault::Answer(
            "no table with a table 'spec' in it; what it returns replaces the object's".to_owned(),
        ));
    }
    let mut wanted = json!({ "spec": answer["spec"] });
    for part in ["labels", "annotations"] {
        let all = strings(&answer[part], part)?;
        if !all.is_empty() {
            wanted[part] = json!(all);
        }
    }
    Ok(wanted)
}

/// -1 stands for no weight.
fn weight(split: &Split<'_>) -> i32 {
    split.weight.unwrap_or(-1)
}

fn add_matches(input: &mut Value, split: &Split<'_>) {
    if !split.matches.is_empty() {
        input["matches"] = split.matches.iter().map(a_match).collect();
    }
    if let Some(modifier) = split.header_modifier {
        input["requestHeaderModifier"] = modified(modifier);
    }
}

/// With the API's defaults, which a server may not have filled in.
fn a_match(entry: &RouteMatch) -> Value {
    let mut out = json!({});
    if let Some(path) = &entry.path {
        let kind = path.kind.as_deref().unwrap_or("PathPrefix");
        out["path"] = json!({ "type": kind, "value": path.value.as_deref().unwrap_or("/") });
    }
    for (field, list) in [("headers", &entry.headers), ("queryParams", &entry.query_params)] {
        if !list.is_empty() {
            out[field] = list.iter().map(named).collect();
        }
    }
    out
}

fn named(wanted: &NamedMatch) -> Value {
    let kind = wanted.kind.as_deref().unwrap_or("Exact");
    json!({ "type": kind, "name": wanted.name, "value": wanted.value })
}

fn modified(modifier: &HeaderModifier) -> Value {
    let mut out = json!({});
    for (field, list) in [("set", &modifier.set), ("add", &modifier.add)] {
        if !list.is_empty() {
            let pairs = list
                .iter()
                .map(|header| json!({ "name": header.name, "value": header.value }));
            out[field] = pairs.collect();
        }
    }
    if !modifier.remove.is_empty() {
        out["remove"] = json!(modifier.remove);
    }
    out
}

fn strings(answer: &Value, what: &str) -> Result<BTreeMap<String, String>, Fault> {
    let none = Map::new();
    let all = match answer {
        Value::Object(all) => all,
        Value::Array(all) if all.is_empty() => &none,
        // What is left out is cleared, as upstream has it.
        Value::Null => &none,
        other => {
            return Err(Fault::Answer(format!(
                "{} where {what} should be",
                kind_of(other)
            )));
        }
    };
    all.iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            other => Err(Fault::Answer(format!(
                "{} for {what} {key:?}; only strings are",
                kind_of(other)
            ))),
        })
        .collect()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
