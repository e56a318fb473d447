//! Rollouts from v1alpha1 to v1beta1 and back, as JSON: what neither version knows is carried along untouched.
//!
//! The rules are those of upstream's conversion, without its losses where the other version has a place for the value,
//! and without its crashes: what is absent stays absent, for the server's validation to name.

use serde_json::{Map, Value, json};

use crate::api::{IntOrPercent, int_or_percent::Round, keys};

/// A converted Rollout, and what it could not take along.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The Rollout in the other version.
    pub object: Value,
    /// What was lost, in the order of the object. Empty: nothing.
    pub lost: Vec<Lost>,
}

/// A value that the other version cannot express.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lost {
    /// Where it was: `spec.strategy.canary.steps[0].matches[1].path`.
    pub path: String,
    /// Why it has no place.
    pub reason: Reason,
}

/// Why a value was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The other version has no such field.
    NoSuchField,
    /// The other version takes whole percentages only.
    NotAPercentage,
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = match self.reason {
            Reason::NoSuchField => "the other version has no such field",
            Reason::NotAPercentage => "the other version takes whole percentages only",
        };
        write!(f, "{}: {reason}", self.path)
    }
}

/// Converts v1alpha1 to v1beta1. An object of any other version comes back as it is.
#[must_use]
pub fn to_v1beta1(rollout: &Value) -> Converted {
    if rollout["apiVersion"] != version("v1alpha1") {
        return Converted {
            object: rollout.clone(),
            lost: Vec::new(),
        };
    }
    let mut object = rollout.clone();
    let mut losses = Losses::default();
    object["apiVersion"] = version("v1beta1");
    let annotation = |key: &str| {
        rollout["metadata"]["annotations"][key]
            .as_str()
            .unwrap_or_default()
    };
    // Anything but "partition" means an extra workload, an absent annotation too.
    let extra_workload = !annotation(keys::ROLLING_STYLE).eq_ignore_ascii_case("partition");
    let traffic_routing = annotation(keys::TRAFFIC_ROUTING);

    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        if let Some(Value::Object(mut reference)) = spec.remove("objectRef") {
            if let Some(workload) = reference
                .remove("workloadRef")
                .filter(|workload| !workload.is_null())
            {
                spec.insert("workloadRef".to_owned(), workload);
            }
            for key in reference.keys() {
                losses.add(format!("spec.objectRef.{key}"), Reason::NoSuchField);
            }
        }
        losses.take(spec, "spec", "rolloutID");
        if let Some(canary) = pointer_mut(spec, &["strategy", "canary"]) {
            for (index, step) in steps_mut(canary) {
                weight_to_traffic(step, &format!("spec.strategy.canary.steps[{index}]"), &mut losses);
            }
            canary.insert("enableExtraWorkloadForCanary".to_owned(), extra_workload.into());
            if !traffic_routing.is_empty() {
                canary.insert("trafficRoutingRef".to_owned(), traffic_routing.into());
            }
        }
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        let step = status.get("canaryStatus").cloned().unwrap_or_default();
        // v1beta1 repeats the step at the top and requires it there.
        status.insert(
            "currentStepIndex".to_owned(),
            step["currentStepIndex"].as_i64().unwrap_or(0).into(),
        );
        status.insert(
            "currentStepState".to_owned(),
            step["currentStepState"].as_str().unwrap_or_default().into(),
        );
    }
    Converted {
        object,
        lost: losses.0,
    }
}

/// Converts v1beta1 to v1alpha1. An object of any other version comes back as it is.
#[must_use]
pub fn to_v1alpha1(rollout: &Value) -> Converted {
    if rollout["apiVersion"] != version("v1beta1") {
        return Converted {
            object: rollout.clone(),
            lost: Vec::new(),
        };
    }
    let mut object = rollout.clone();
    let mut losses = Losses::default();
    object["apiVersion"] = version("v1alpha1");
    let mut annotations = Vec::new();

    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        if let Some(workload) = spec.remove("workloadRef").filter(|workload| !workload.is_null()) {
            spec.insert("objectRef".to_owned(), json!({ "workloadRef": workload }));
        }
        if let Some(strategy) = pointer_mut(spec, &["strategy"]) {
            losses.take(strategy, "spec.strategy", "blueGreen");
        }
        if let Some(canary) = pointer_mut(spec, &["strategy", "canary"]) {
            let extra_workload = canary.remove("enableExtraWorkloadForCanary") == Some(Value::Bool(true));
            let style = if extra_workload { "canary" } else { "partition" };
            annotations.push((keys::ROLLING_STYLE, json!(style)));
            if let Some(Value::String(name)) = canary.remove("trafficRoutingRef")
                && !name.is_empty()
            {
                annotations.push((keys::TRAFFIC_ROUTING, name.into()));
            }
            for (index, step) in steps_mut(canary) {
                traffic_to_weight(step, &format!("spec.strategy.canary.steps[{index}]"), &mut losses);
            }
        }
    }
    for (key, value) in annotations {
        annotate(&mut object, key, value);
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        losses.take(status, "status", "blueGreenStatus");
        let step = status.get("canaryStatus").cloned().unwrap_or_default();
        for (key, absent) in [("currentStepIndex", json!(0)), ("currentStepState", json!(""))] {
            let copy = step.get(key).unwrap_or(&absent).clone();
            // A copy of what the sub-status says is no loss.
            if status
                .remove(key)
                .is_some_and(|value| value != copy && value != absent)
            {
                losses.add(format!("status.{key}"), Reason::NoSuchField);
            }
        }
    }
    Converted {
        object,
        lost: losses.0,
    }
}

/// `weight: 7` is `traffic: 7%`, and 7% of the pods when the step does not say.
fn weight_to_traffic(step: &mut Map<String, Value>, path: &str, losses: &mut Losses) {
    let Some(weight) = step.remove("weight").filter(|weight| !weight.is_null()) else {
        return;
    };
    let Some(weight) = weight.as_i64() else {
        losses.add(format!("{path}.weight"), Reason::NotAPercentage);
        return;
    };
    let share: Value = format!("{weight}%").into();
    if step.get("replicas").is_none_or(Value::is_null) {
        step.insert("replicas".to_owned(), share.clone());
    }
    step.insert("traffic".to_owned(), share);
}

fn traffic_to_weight(step: &mut Map<String, Value>, path: &str, losses: &mut Losses) {
    if let Some(Value::String(traffic)) = step.remove("traffic") {
        match IntOrPercent::from(traffic.as_str()) {
            share @ IntOrPercent::Percent(_) => {
                step.insert("weight".to_owned(), share.of(100, Round::Up).into());
            }
            IntOrPercent::Int(_) | IntOrPercent::Other(_) => {
                losses.add(format!("{path}.traffic"), Reason::NotAPercentage);
            }
        }
    }
    let matches = step.get_mut("matches").and_then(Value::as_array_mut);
    for (index, conditions) in matches.into_iter().flatten().enumerate() {
        if let Some(conditions) = conditions.as_object_mut() {
            for key in ["path", "queryParams"] {
                losses.take(conditions, &format!("{path}.matches[{index}]"), key);
            }
        }
    }
}

fn version(name: &str) -> Value {
    format!("{}/{name}", keys::GROUP).into()
}

fn annotate(object: &mut Value, key: &str, value: Value) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    let Some(metadata) = object
        .entry("metadata")
        .or_insert_with(|| json!({}))
        .as_object_mut()
    else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if annotations.is_null() {
        *annotations = json!({});
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(key.to_owned(), value);
    }
}

fn pointer_mut<'a>(map: &'a mut Map<String, Value>, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter()
        .try_fold(map, |map, key| map.get_mut(*key)?.as_object_mut())
}

/// The steps that are objects, each with its place in the list.
fn steps_mut(canary: &mut Map<String, Value>) -> impl Iterator<Item = (usize, &mut Map<String, Value>)> {
    let steps = canary.get_mut("steps").and_then(Value::as_array_mut);
    steps
        .into_iter()
        .flatten()
        .enumerate()
        .filter_map(|(index, step)| Some((index, step.as_object_mut()?)))
}

/// What was lost so far.
#[derive(Default)]
struct Losses(Vec<Lost>);

impl Losses {
    fn add(&mut self, path: String, reason: Reason) {
        self.0.push(Lost { path, reason });
    }

    /// Takes a key out; a null is no loss.
    fn take(&mut self, map: &mut Map<String, Value>, path: &str, key: &str) {
        if map.remove(key).is_some_and(|value| !value.is_null()) {
            self.add(format!("{path}.{key}"), Reason::NoSuchField);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Converted, Reason, to_v1alpha1, to_v1beta1};
    use crate::api::rollout::{v1alpha1, v1beta1};

    const STYLE: &str = "rollouts.kruise.io/rolling-style";
    const ROUTING: &str = "rollouts.kruise.io/trafficrouting";

    fn rollout(version: &str, annotations: &Value, spec: &Value) -> Value {
        json!({
            "apiVersion": format!("rollouts.kruise.io/{version}"),
            "kind": "Rollout",
            "metadata": {"name": "demo", "annotations": annotations},
            "spec": spec,
        })
    }

    fn lost(converted: &Converted) -> Vec<(&str, Reason)> {
        converted
            .lost
            .iter()
            .map(|lost| (lost.path.as_str(), lost.reason))
            .collect()
    }

    #[test]
    fn specs_convert_up() {
        let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo"});
        let cases = [
            // Weight becomes traffic, and replicas where there are none.
            (
                json!({STYLE: "Partition", "mine": "x"}),
                json!({"objectRef": {"workloadRef": workload}, "disabled": true, "strategy": {"paused": true, "canary": {
                    "steps": [{"weight": 7}, {"weight": 50, "replicas": 3, "pause": {"duration": 5}}, {"replicas": "100%"}],
                    "disableGenerateCanaryService": true}}}),
                json!({"workloadRef": workload, "disabled": true, "strategy": {"paused": true, "canary": {
                    "steps": [{"traffic": "7%", "replicas": "7%"}, {"traffic": "50%", "replicas": 3, "pause": {"duration": 5}},
                        {"replicas": "100%"}],
                    "disableGenerateCanaryService": true, "enableExtraWorkloadForCanary": false}}}),
                vec![],
            ),
            // No annotation means an extra workload; a TrafficRouting comes from its annotation.
            (
                json!({ROUTING: "shared"}),
                json!({"objectRef": {"workloadRef": workload}, "rolloutID": "7", "strategy": {"canary": {}}}),
                json!({"workloadRef": workload,
                    "strategy": {"canary": {"enableExtraWorkloadForCanary": true, "trafficRoutingRef": "shared"}}}),
                vec![("spec.rolloutID", Reason::NoSuchField)],
            ),
            // What is absent stays absent; what is unknown stays.
            (
                json!(null),
                json!({"objectRef": {"workloadRef": null, "other": 1}, "unknown": {"a": 1}, "strategy": {"more": true}}),
                json!({"unknown": {"a": 1}, "strategy": {"more": true}}),
                vec![("spec.objectRef.other", Reason::NoSuchField)],
            ),
            (
                json!({}),
                json!({"objectRef": null, "strategy": null}),
                json!({"strategy": null}),
                vec![],
            ),
            (
                json!({}),
                json!({"strategy": {"canary": {"steps": [null, 1, {"weight": null}, {"weight": "7"}]}}}),
                json!({"strategy": {"canary": {"steps": [null, 1, {}, {}], "enableExtraWorkloadForCanary": true}}}),
                vec![("spec.strategy.canary.steps[3].weight", Reason::NotAPercentage)],
            ),
            (json!({}), json!(null), json!(null), vec![]),
        ];
        for (annotations, alpha, beta, losses) in cases {
            let converted = to_v1beta1(&rollout("v1alpha1", &annotations, &alpha));
            assert_eq!(converted.object, rollout("v1beta1", &annotations, &beta));
            assert_eq!(lost(&converted), losses);
        }
    }

    #[test]
    fn specs_convert_down() {
        let workload = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo"});
        let cases = [
            (
                json!({"workloadRef": workload, "strategy": {"canary": {"enableExtraWorkloadForCanary": true, "trafficRoutingRef": "shared",
                    "disableGenerateCanaryService": true, "unknown": 1, "steps": [{"traffic": "7%", "replicas": 1},
                        {"traffic": "half"}, {"matches": [{"headers": [{"name": "a", "value": "b"}]}, {"path": {"value": "/a"},
                            "queryParams": [{"name": "a", "value": "b"}]}]}]}}}),
                json!({"mine": "x", STYLE: "canary", ROUTING: "shared"}),
                json!({"objectRef": {"workloadRef": workload}, "strategy": {"canary": {
                    "disableGenerateCanaryService": true, "unknown": 1, "steps": [{"weight": 7, "replicas": 1}, {},
                        {"matches": [{"headers": [{"name": "a", "value": "b"}]}, {}]}]}}}),
                vec![
                    ("spec.strategy.canary.steps[1].traffic", Reason::NotAPercentage),
                    (
                        "spec.strategy.canary.steps[2].matches[1].path",
                        Reason::NoSuchField,
                    ),
                    (
                        "spec.strategy.canary.steps[2].matches[1].queryParams",
                        Reason::NoSuchField,
                    ),
                ],
            ),
            (
                json!({"workloadRef": workload, "strategy": {"paused": true, "blueGreen": {"steps": [{"replicas": 1}]}}}),
                json!({"mine": "x"}),
                json!({"objectRef": {"workloadRef": workload}, "strategy": {"paused": true}}),
                vec![("spec.strategy.blueGreen", Reason::NoSuchField)],
            ),
            (
                json!({"strategy": {"canary": {"trafficRoutingRef": ""}}}),
                json!({"mine": "x", STYLE: "partition"}),
                json!({"strategy": {"canary": {}}}),
                vec![],
            ),
            (json!(null), json!({"mine": "x"}), json!(null), vec![]),
        ];
        for (beta, annotations, alpha, losses) in cases {
            let converted = to_v1alpha1(&rollout("v1beta1", &json!({"mine": "x"}), &beta));
            assert_eq!(converted.object, rollout("v1alpha1", &annotations, &alpha));
            assert_eq!(lost(&converted), losses);
        }
    }

    #[test]
    fn statuses_convert() {
        let canary = json!({"currentStepIndex": 2, "currentStepState": "StepPaused", "nextStepIndex": 3, "canaryReplicas": 1,
            "canaryReadyReplicas": 1, "canaryRevision": "r", "finalisingStep": "", "podTemplateHash": "h", "unknown": 1});
        let with_status = |version: &str, status: Value| {
            let mut object = rollout(version, &json!({}), &json!({}));
            object["status"] = status;
            object
        };
        let alpha = with_status(
            "v1alpha1",
            json!({"phase": "Progressing", "canaryStatus": canary}),
        );
        let beta = with_status(
            "v1beta1",
            json!({"phase": "Progressing", "canaryStatus": canary, "currentStepIndex": 2, "currentStepState": "StepPaused"}),
        );
        assert_eq!(
            to_v1beta1(&alpha),
            Converted {
                object: beta.clone(),
                lost: vec![]
            }
        );
        assert_eq!(
            to_v1alpha1(&beta),
            Converted {
                object: alpha,
                lost: vec![]
            }
        );

        let empty = with_status("v1beta1", json!({"currentStepIndex": 0, "currentStepState": ""}));
        assert_eq!(to_v1beta1(&with_status("v1alpha1", json!({}))).object, empty);
        assert_eq!(lost(&to_v1alpha1(&empty)), []);
        let blue_green = with_status(
            "v1beta1",
            json!({"blueGreenStatus": {}, "currentStepIndex": 2, "currentStepState": "StepPaused"}),
        );
        assert_eq!(
            lost(&to_v1alpha1(&blue_green)),
            [
                ("status.blueGreenStatus", Reason::NoSuchField),
                ("status.currentStepIndex", Reason::NoSuchField),
                ("status.currentStepState", Reason::NoSuchField),
            ]
        );
    }

    #[test]
    fn a_release_survives_the_way_there_and_back() {
        let alpha = rollout(
            "v1alpha1",
            &json!({STYLE: "canary", ROUTING: "shared"}),
            &json!({"disabled": false, "objectRef": {"workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo"}},
            "strategy": {"canary": {
                "failureThreshold": "10%",
                "patchPodTemplateMetadata": {"labels": {"a": "b"}},
                "trafficRoutings": [{"service": "demo", "gracePeriodSeconds": 0, "ingress": {"classType": "nginx", "name": "demo"}}],
                "steps": [
                    {"weight": 20, "replicas": 1, "pause": {}},
                    {"replicas": "60%", "pause": {"duration": 10},
                        "matches": [{"headers": [{"type": "Exact", "name": "a", "value": "b"}]}],
                        "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}},
                ],
            }}}),
        );
        let beta = to_v1beta1(&alpha);
        let back = to_v1alpha1(&beta.object);
        assert_eq!(
            (beta.lost, back),
            (
                vec![],
                Converted {
                    object: alpha.clone(),
                    lost: vec![]
                }
            )
        );

        // Both versions' types read and write what was converted, to the field.
        let typed: v1alpha1::Rollout = serde_json::from_value(alpha.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), alpha);
        let typed: v1beta1::Rollout = serde_json::from_value(beta.object.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), beta.object);
    }

    #[test]
    fn other_versions_are_left_alone() {
        for object in [
            rollout("v1", &json!({}), &json!({"objectRef": {}})),
            json!({}),
            json!(null),
            json!([1]),
        ] {
            let unchanged = Converted {
                object: object.clone(),
                lost: vec![],
            };
            assert_eq!(
                (to_v1beta1(&object), to_v1alpha1(&object)),
                (unchanged.clone(), unchanged)
            );
        }
    }
}
