//! Args: what a template leaves open, and what a Rollout fills in.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::Problem;
use crate::api::{analysis_template::Argument, v1beta1::Rollout};

/// The words of a template's args for one Rollout: what the binding says, else what the template says.
pub(super) fn resolved(
    place: &str,
    declared: &[Argument],
    given: &BTreeMap<String, String>,
    rollout: &Rollout,
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let names: Vec<&str> = declared.iter().map(|arg| arg.name.as_str()).collect();
    for name in given.keys().filter(|name| !names.contains(&name.as_str())) {
        let known = match names.as_slice() {
            [] => "it has none".to_owned(),
            names => format!("there are {}", names.join(", ")),
        };
        problems.push(Problem::new(
            format!("{place}.args.{name}"),
            format!("the template has no arg of this name; {known}"),
        ));
    }
    let mut words = BTreeMap::new();
    for arg in declared {
        match given.get(&arg.name).or(arg.value.as_ref()) {
            Some(word) => {
                words.insert(arg.name.clone(), word.clone());
            }
            None => match from_rollout(arg, rollout) {
                Ok(word) => {
                    words.insert(arg.name.clone(), word);
                }
                Err(why) => problems.push(Problem::new(format!("{place}.args.{}", arg.name), why)),
            },
        }
    }
    if problems.is_empty() {
        Ok(words)
    } else {
        Err(problems)
    }
}

fn from_rollout(arg: &Argument, rollout: &Rollout) -> Result<String, String> {
    let Some(from) = &arg.value_from else {
        return Err(
            "is not given, and the template has no default for it; give it in the args of the annotation or file, or with 'gate --arg NAME=VALUE'"
                .to_owned(),
        );
    };
    if let Some(which) = &from.pod_template_hash_value {
        let (stable, latest) = revisions(rollout);
        return match which.as_str() {
            "Stable" => Ok(stable),
            "Latest" => Ok(latest),
            other => Err(format!(
                "podTemplateHashValue {other:?} is neither Stable nor Latest"
            )),
        };
    }
    let Some(field) = &from.field_ref else {
        return Err("valueFrom names nothing; use fieldRef or podTemplateHashValue".to_owned());
    };
    let mut object = serde_json::to_value(rollout).unwrap_or_default();
    // Blue-green has a status of its own; one path serves both.
    if object["status"]["canaryStatus"].is_null() {
        object["status"]["canaryStatus"] = object["status"]["blueGreenStatus"].take();
    }
    let found = at(&object, &field.field_path);
    match found {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        // A status that no engine has written yet: the template may be checked before the release begins.
        None if field.field_path.starts_with("status.") => Ok(String::new()),
        _ => Err(format!(
            "the Rollout has no text or number at {:?}",
            field.field_path
        )),
    }
}

/// The stable and the new revision, as pods carry them.
fn revisions(rollout: &Rollout) -> (String, String) {
    let status = rollout.status.as_ref();
    let canary = status.and_then(|status| status.canary_status.as_ref());
    let blue_green = status.and_then(|status| status.blue_green_status.as_ref());
    let first =
        |words: [Option<&String>; 2]| words.into_iter().flatten().find(|word| !word.is_empty()).cloned();
    let stable = first([
        canary.and_then(|sub| sub.stable_revision.as_ref()),
        blue_green.and_then(|sub| sub.stable_revision.as_ref()),
    ]);
    let hash = first([
        canary.map(|sub| &sub.pod_template_hash),
        blue_green.map(|sub| &sub.pod_template_hash),
    ]);
    let latest = first([
        canary.map(|sub| &sub.canary_revision),
        blue_green.map(|sub| &sub.updated_revision),
    ]);
    (stable.unwrap_or_default(), hash.or(latest).unwrap_or_default())
}

/// A field by its path: names with dots between them, or in brackets and quotes.
fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = object;
    let mut rest = path.trim().trim_start_matches('$').trim_start_matches('.');
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('[') {
            Some(quoted) => {
                let (inside, after) = quoted.split_once(']')?;
                (inside.trim_matches(['\'', '"']), after)
            }
            None => {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                (rest.get(..end)?, rest.get(end..)?)
            }
        };
        value = match (value, name.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items.get(index)?,
            _ => value.get(name)?,
        };
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    Some(value)
}

/// A text with its args in place, or the name of one that there is none of.
pub(super) fn filled(text: &str, words: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inside, after)) = after.split_once("}}") else {
            return Err("'{{' without '}}'".to_owned());
        };
        let Some(name) = inside.trim().strip_prefix("args.") else {
            return Err(format!("{{{{{inside}}}}} is not known; write {{{{args.NAME}}}}"));
        };
        let word = words
            .get(name)
            .ok_or_else(|| format!("the template has no arg {name:?}; declare it in spec.args"))?;
        out.push_str(word);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
