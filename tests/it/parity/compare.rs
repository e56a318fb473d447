//! What must be equal between a recorded release and ours, and which differences are meant.

use std::fs;

use serde_json::{Map, Value, json};

use super::scenario::{Scenario, folder};

const TRAFFIC: &[&str] = &[
    "Service",
    "Ingress",
    "HTTPRoute",
    "VirtualService",
    "DestinationRule",
];
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "CloneSet"];
/// Checkpoints with no release under way: workloads must be whole again.
const SETTLED: &[&str] = &["before", "completed", "rolled-back", "deleted", "disabled"];
/// Checkpoints at which a release was broken off: only where the Rollout came to rest counts.
const BROKEN_OFF: &[&str] = &["deleted", "disabled", "rolled-back"];

/// A difference that is meant: three glob patterns, and why.
struct Departure {
    scenario: String,
    checkpoint: String,
    path: String,
    reason: String,
}

/// What came of a comparison: differences that are bugs, and those that are meant.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) bugs: Vec<String>,
    pub(crate) meant: Vec<String>,
}

fn departures() -> Vec<Departure> {
    let text = fs::read_to_string(folder().join("departures.yaml")).unwrap();
    let list: Value = serde_saphyr::from_str(&text).unwrap();
    let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            let text = |key: &str| {
                entry[key]
                    .as_str()
                    .unwrap_or_else(|| panic!("departure without {key}: {entry}"))
                    .to_owned()
            };
            Departure {
                scenario: text("scenario"),
                checkpoint: text("checkpoint"),
                path: text("path"),
                reason: text("reason"),
            }
        })
        .collect()
}

/// Compares what was seen at every checkpoint with what was recorded there.
pub(crate) fn compare(scenario: &Scenario, seen: &std::collections::BTreeMap<String, Value>) -> Verdict {
    let departures = departures();
    let mut verdict = Verdict::default();
    for (checkpoint, expected) in &scenario.expected {
        let Some(found) = seen.get(checkpoint) else {
            verdict.bugs.push(format!("{checkpoint}: not reached"));
            continue;
        };
        let mut differences = Vec::new();
        diff(
            &comparable(expected, checkpoint),
            &comparable(found, checkpoint),
            "",
            &mut differences,
        );
        for (path, difference) in differences {
            let departure = departures.iter().find(|departure| {
                glob(&departure.scenario, &scenario.name)
                    && glob(&departure.checkpoint, checkpoint)
                    && glob(&departure.path, &path)
            });
            let line = format!("{checkpoint}: {path}: {difference}");
            match departure {
                Some(departure) => verdict.meant.push(format!("{line} ({})", departure.reason)),
                None => verdict.bugs.push(line),
            }
        }
    }
    verdict
}

fn comparable(seen: &Value, checkpoint: &str) -> Value {
    let mut rollouts = Map::new();
    for (name, rollout) in seen["rollouts"].as_object().into_iter().flatten() {
        let mut kept = rollout.as_object().cloned().unwrap_or_default();
        kept.retain(|key, value| {
            let wanted = match key.as_str() {
                "phase" | "message" => true,
                "currentStepIndex"
                | "currentStepState"
                | "nextStepIndex"
                | "canaryReplicas"
                | "canaryReadyReplicas"
                | "updatedReplicas"
                | "updatedReadyReplicas" => !BROKEN_OFF.contains(&checkpoint),
                _ => false,
            };
            wanted && !value.is_null() && *value != 0 && *value != -1
        });
        rollouts.insert(name.clone(), kept.into());
    }
    let mut out = Map::new();
    out.insert("pods".to_owned(), seen["pods"].clone());
    out.insert("service-endpoints".to_owned(), seen["service-endpoints"].clone());
    out.insert("rollouts".to_owned(), rollouts.into());
    for object in seen["objects"].as_array().into_iter().flatten() {
        let text = |key: &str| object[key].as_str().unwrap_or_default();
        let spec = &object["spec"];
        let kept = if TRAFFIC.contains(&text("kind")) {
            let annotations = object.get("annotations").cloned().unwrap_or_else(|| json!({}));
            json!({ "spec": spec, "annotations": annotations })
        } else if !WORKLOADS.contains(&text("kind")) {
            continue;
        } else if SETTLED.contains(&checkpoint) {
            json!({ "spec": spec })
        } else {
            json!({
                "replicas": spec["replicas"],
                "image": spec["template"]["image"],
                "paused": spec.get("paused").cloned().unwrap_or(Value::Bool(false)),
                "template labels": spec["template"]["labels"],
            })
        };
        out.insert(format!("{}/{}", text("kind"), text("name")), kept);
    }
    out.into()
}

fn diff(expected: &Value, found: &Value, path: &str, out: &mut Vec<(String, String)>) {
    if let (Some(expected), Some(found)) = (expected.as_object(), found.as_object()) {
        let keys: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
        for key in keys {
            let path = format!("{path}/{key}");
            match (expected.get(key), found.get(key)) {
                (Some(expected), Some(found)) => diff(expected, found, &path, out),
                (Some(expected), None) => out.push((path, format!("missing, expected {expected}"))),
                (None, Some(found)) => out.push((path, format!("not expected, found {found}"))),
                (None, None) => {}
            }
        }
    } else if expected != found {
        out.push((path.to_owned(), format!("expected {expected}, found {found}")));
    }
}

/// `*` stands for any run of characters, `?` for one.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = &pattern[1..];
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| glob(rest, &text[at..]))
        }
        Some(first) => text
            .chars()
            .next()
            .filter(|it| first == '?' || first == *it)
            .is_some_and(|it| glob(&pattern[first.len_utf8()..], &text[it.len_utf8()..])),
    }
}

#[test]
fn patterns_match_as_shells_do() {
    let table = [
        ("*", "", true),
        ("*", "a/b", true),
        ("/pods/*/ready", "/pods/echoserver/v2/ready", true),
        ("/pods/*/ready", "/pods/echoserver/v2/total", false),
        ("step-?", "step-1", true),
        ("step-?", "step-12", false),
        ("before", "before", true),
        ("before", "befor", false),
    ];
    for (pattern, text, expected) in table {
        assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn a_recorded_release_equals_itself_and_any_change_is_seen() {
    let scenario = Scenario::load("canary-nginx-weight");
    assert_eq!(compare(&scenario, &scenario.expected), Verdict::default());

    let mut seen = scenario.expected.clone();
    seen.remove("completed");
    let step = seen.get_mut("step-1").unwrap();
    step["pods"]["echoserver"]["v2"]["ready"] = 0.into();
    step["rollouts"]["demo"]["nextStepIndex"] = Value::Null;
    let found = compare(&scenario, &seen);
    let expected = [
        "completed: not reached",
        "step-1: /pods/echoserver/v2/ready: expected 1, found 0",
        "step-1: /rollouts/demo/nextStepIndex: missing, expected 2",
    ];
    assert_eq!(found.bugs, expected);
}

#[test]
fn every_departure_has_a_reason_and_names_recorded_releases() {
    for departure in departures() {
        assert!(departure.reason.len() > 20, "{}: why?", departure.path);
        let some = Scenario::names()
            .iter()
            .any(|name| glob(&departure.scenario, name));
        assert!(some, "{} names no recorded release", departure.scenario);
    }
}
