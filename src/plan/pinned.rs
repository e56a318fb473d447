//! A plan that is kept: with everything it rests on, so that it can be told later whether that still is so, and what moved.
//!
//! What counts of an object is what its user wants of it. What a release itself writes (a hold, a pinned selector, the split of a
//! route) is taken back first, so that one plan holds through all of its release; statuses do not count.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::Plan;
use crate::{
    api::{apply::LAST_APPLIED, keys, v1beta1::ObjectRef},
    workload::{Kind, edit},
};

/// Version of the file. A new minor only adds, a new major means something else.
pub const FORMAT: &str = "1.0";

/// An object that a plan rests on.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for what lives in none.
    #[serde(default)]
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Which object of this name.
    #[serde(default)]
    pub uid: String,
    /// As which it was read; it may be another one by now without anything that counts having moved.
    #[serde(default)]
    pub resource_version: String,
    /// Of the fields that count, in hexadecimal, after `sha256:`.
    pub digest: String,
    /// The fields that count.
    pub fields: Value,
}

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

impl Input {
    fn title(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    fn is_like(&self, other: &Self) -> bool {
        let group = |input: &Self| {
            let version = input.api_version.clone();
            version
                .split_once('/')
                .map(|(group, _)| group.to_owned())
                .unwrap_or_default()
        };
        group(self) == group(other)
            && self.kind == other.kind
            && self.namespace == other.namespace
            && self.name == other.name
    }
}

/// What a plan of this Rollout rests on, of everything that was read for it.
#[must_use]
pub fn inputs(objects: &[Value], namespace: &str, rollout: &str) -> Vec<Input> {
    let own = objects
        .iter()
        .find(|object| is_rollout(object) && is(object, namespace, rollout));
    let reference = own
        .map(|own| own["spec"]["workloadRef"].clone())
        .unwrap_or_default();
    let mut all: Vec<Input> = objects
        .iter()
        .filter_map(|object| input(object, (namespace, rollout), &reference))
        .collect();
    let key = |input: &Input| (input.kind.clone(), input.namespace.clone(), input.name.clone());
    all.sort_by_key(key);
    all.dedup_by_key(|input| key(input));
    all
}

fn is_rollout(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    object["kind"] == "Rollout" && version.starts_with(keys::GROUP)
}

fn is(object: &Value, namespace: &str, name: &str) -> bool {
    object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == name
}

fn input(object: &Value, (namespace, rollout): (&str, &str), reference: &Value) -> Option<Input> {
    let meta = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // What a release makes is no input of it.
    let owners = meta["ownerReferences"].as_array().into_iter().flatten();
    if owners
        .into_iter()
        .any(|owner| owner["kind"] == "Rollout" || owner["kind"] == "TrafficRouting")
    {
        return None;
    }
    let fields = match object["kind"].as_str()? {
        "Pod"
        | "ReplicaSet"
        | "ControllerRevision"
        | "Node"
        | "Namespace"
        | "CustomResourceDefinition"
        | "Lease"
        | "Event"
        | "Endpoints"
        | "EndpointSlice" => return None,
        "Rollout" if is_rollout(object) => {
            let is_own = is(object, namespace, rollout);
            if !is_own && object["spec"]["workloadRef"] != *reference {
                return None;
            }
            of_rollout(object)
        }
        "Service" => {
            let mut selector = object["spec"]["selector"].clone();
            if let Some(labels) = selector.as_object_mut() {
                labels.remove(keys::POD_TEMPLATE_HASH);
                labels.remove(keys::CONTROLLER_REVISION_HASH);
            }
            json!({ "spec": { "selector": selector, "ports": object["spec"]["ports"] } })
        }
        "ConfigMap" => json!({ "data": object["data"] }),
        "HorizontalPodAutoscaler" => {
            let mut spec = object["spec"].clone();
            let name = text(&spec["scaleTargetRef"]["name"]);
            spec["scaleTargetRef"]["name"] = name.trim_end_matches(keys::DISABLED_AUTOSCALER).into();
            json!({ "spec": spec })
        }
        _ => match edit::kind_of(object) {
            Some(kind) => {
                let reference: ObjectRef = serde_json::from_value(reference.clone()).ok()?;
                if Kind::named(&reference) != Some(kind) || meta["name"] != *reference.name {
                    return None;
                }
                of_workload(kind, object)
            }
            None => of_route(object),
        },
    };
    let fields = pruned(fields);
    Some(Input {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        uid: text(&meta["uid"]),
        resource_version: text(&meta["resourceVersion"]),
        digest: digest(&fields),
        fields,
    })
}

fn of_rollout(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    // To pause and to resume is no other plan.
    if let Some(strategy) = spec["strategy"].as_object_mut() {
        strategy.remove("paused");
    }
    let annotations = object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten();
    let wanted = [
        keys::ANALYSIS,
        keys::TRAFFIC_ROUTING,
        keys::ROLLBACK_IN_BATCH,
        keys::ROLLING_STYLE,
    ];
    let annotations: Map<String, Value> = annotations
        .filter(|(key, _)| wanted.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    json!({ "metadata": { "annotations": annotations }, "spec": spec })
}

fn of_workload(kind: Kind, object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(back) = edit::mark_of(object).and_then(|mark| mark.handed_back(kind, &spec)) {
        json_patch::merge(&mut spec, &back);
    }
    json!({ "spec": spec })
}

/// A route, or whatever else there is: as its user wrote it.
fn of_route(object: &Value) -> Value {
    let annotations = object["metadata"]["annotations"].as_object();
    let kept = annotations
        .and_then(|all| all.get(keys::ORIGINAL_SPEC))
        .and_then(Value::as_str);
    let kept: Option<Value> = kept.and_then(|text| serde_json::from_str(text).ok());
    let spec = kept.map_or_else(|| object["spec"].clone(), |kept| kept["spec"].clone());
    let own = annotations.into_iter().flatten().filter(|(key, _)| {
        !matches!(
            key.as_str(),
            keys::ORIGINAL_SPEC | keys::SCRIPT_ANNOTATIONS | keys::TRAFFIC_ROUTING_OPENED | LAST_APPLIED
        )
    });
    let own: Map<String, Value> = own.map(|(key, value)| (key.clone(), value.clone())).collect();
    json!({ "metadata": { "annotations": own }, "spec": spec })
}

/// Without what says nothing: null, empty objects, and a workload's `paused: false`.
fn pruned(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, pruned(value)));
            let says = |(key, value): &(String, Value)| match value {
                Value::Null => false,
                Value::Object(fields) => !fields.is_empty() || key == "pause" || key == "emptyDir",
                Value::Bool(false) => key != "paused",
                _ => true,
            };
            Value::Object(fields.filter(says).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(pruned).collect()),
        other => other,
    }
}

/// Of a value's text, whose fields are sorted.
fn digest(value: &Value) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(value.to_string().as_bytes()) {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
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

    /// What of the planned change is still to be made, before there is anything to carry out.
    #[must_use]
    pub fn to_make(&self, objects: &[Value]) -> Vec<Moved> {
        let now = inputs(objects, &self.namespace, &self.rollout);
        let mut left = Vec::new();
        for changed in &self.changed {
            let is_as_it_was = now
                .iter()
                .any(|seen| seen.is_like(changed) && seen.digest != changed.digest);
            let before = self.inputs.iter().find(|input| input.is_like(changed));
            let Some(before) = before.filter(|_| is_as_it_was) else {
                continue;
            };
            let mut fields = Vec::new();
            compare(&before.fields, &changed.fields, "", &mut fields);
            left.extend(fields.into_iter().map(|(field, from, to)| Moved {
                object: changed.title(),
                field,
                from,
                to,
            }));
        }
        left
    }

    /// What moved since, in what counts. An object may be as it was, or as it was planned to become.
    #[must_use]
    pub fn moved(&self, objects: &[Value]) -> Vec<Moved> {
        let now = inputs(objects, &self.namespace, &self.rollout);
        let mut moved = Vec::new();
        let say = |input: &Input, field: &str, from: &str, to: &str| Moved {
            object: input.title(),
            field: field.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        for input in &self.inputs {
            let target = self.changed.iter().find(|changed| changed.is_like(input));
            let Some(seen) = now.iter().find(|seen| seen.is_like(input)) else {
                moved.push(say(input, "the object", "there", "gone"));
                continue;
            };
            if seen.uid != input.uid {
                moved.push(say(input, "metadata.uid", &input.uid, &seen.uid));
            }
            let is_same = |wanted: &Input| wanted.digest == seen.digest;
            if is_same(input) || target.is_some_and(is_same) {
                continue;
            }
            // Told against what it is nearer to.
            let differences = |wanted: &Input| {
                let mut found = Vec::new();
                compare(&wanted.fields, &seen.fields, "", &mut found);
                found
            };
            let from_before = differences(input);
            let from_target = target
                .map(differences)
                .filter(|from| from.len() <= from_before.len());
            for (field, from, to) in from_target.unwrap_or(from_before) {
                moved.push(say(input, &field, &from, &to));
            }
        }
        let planned = |seen: &Input| {
            self.inputs
                .iter()
                .chain(&self.changed)
                .any(|input| input.is_like(seen))
        };
        for seen in now.iter().filter(|seen| !planned(seen)) {
            moved.push(say(seen, "the object", "not there", "there"));
        }
        moved
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
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                compare(&one[key], &other[key], &below(key), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let names = |items: &[Value]| -> Option<Vec<String>> {
                items
                    .iter()
                    .map(|item| Some(item["name"].as_str()?.to_owned()))
                    .collect()
            };
            if let (Some(names), Some(others)) = (names(a), names(b)) {
                let all: std::collections::BTreeSet<&String> = names.iter().chain(&others).collect();
                for name in all {
                    let of = |items: &[Value]| {
                        items
                            .iter()
                            .find(|item| item["name"] == **name)
                            .cloned()
                            .unwrap_or_default()
                    };
                    compare(&of(a), &of(b), &format!("{path}[{name}]"), found);
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
        Value::Null => "not set".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Moved, Saved, Unfit, inputs};
    use crate::{
        plan::{End, Plan},
        workload::edit,
    };

    fn rollout() -> Value {
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
            "metadata": { "name": "web", "namespace": "shop", "uid": "r", "resourceVersion": "1" },
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "paused": false, "canary": { "steps": [{ "replicas": 1, "traffic": "20%", "pause": {} }] } } } })
    }

    fn deployment(image: &str) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "shop", "uid": "d", "resourceVersion": "2" },
            "spec": { "replicas": 3, "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } },
            "status": { "replicas": 3 } })
    }

    fn service() -> Value {
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop", "uid": "s" },
            "spec": { "clusterIP": "10.0.0.1", "selector": { "app": "web" }, "ports": [{ "port": 80 }] } })
    }

    fn route(weight: i32) -> Value {
        json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": { "name": "web", "namespace": "shop", "uid": "h" }, "spec": { "rules": [{ "weight": weight }] } })
    }

    fn plan() -> Plan {
        Plan {
            namespace: "shop".to_owned(),
            rollout: "web".to_owned(),
            steps: Vec::new(),
            finish: None,
            states: Vec::new(),
            writes: Vec::new(),
            end: End::Completed,
            message: String::new(),
            lowest_ready: 3,
            most_pods: 4,
            start_pods: 3,
            blockers: Vec::new(),
            unknown: Vec::new(),
            likely_end: None,
        }
    }

    fn saved() -> Saved {
        let before = [rollout(), deployment("web:v1"), service(), route(1)];
        let after = [rollout(), deployment("web:v2"), service(), route(1)];
        Saved::new(
            &plan(),
            json!({ "end": "Completed" }),
            (&before, &after),
            ("https://a", "2026-01-01T00:00:00Z"),
        )
    }

    fn moved(objects: &[Value]) -> Vec<String> {
        saved().moved(objects).iter().map(Moved::to_string).collect()
    }

    /// As in the middle of its release: held, marked, pinned, split, with a canary beside.
    fn midway() -> Vec<Value> {
        let mut workload = deployment("web:v2");
        edit::put_hold(crate::workload::Kind::Deployment, &mut workload, "web");
        workload["metadata"]["resourceVersion"] = json!("9");
        let mut service = service();
        service["spec"]["selector"]["pod-template-hash"] = json!("abc");
        let mut split = route(1);
        split["spec"]["rules"][0]["weight"] = json!(80);
        let original = json!({ "spec": route(1)["spec"] }).to_string();
        split["metadata"]["annotations"] =
            json!({ "rollouts.kruise.io/original-spec-configuration": original });
        let owner = json!([{ "kind": "Rollout", "name": "web", "controller": true }]);
        let mut canary = service.clone();
        canary["metadata"] = json!({ "name": "web-canary", "namespace": "shop", "ownerReferences": owner });
        let mut rollout = rollout();
        rollout["spec"]["strategy"]["paused"] = json!(true);
        rollout["status"] = json!({ "phase": "Progressing" });
        vec![
            rollout,
            workload,
            service,
            split,
            canary,
            json!({ "kind": "Pod", "metadata": { "name": "p", "namespace": "shop" } }),
        ]
    }

    #[test]
    fn what_the_release_itself_writes_moves_nothing() {
        assert_eq!(
            moved(&[rollout(), deployment("web:v1"), service(), route(1)]),
            Vec::<String>::new()
        );
        assert_eq!(moved(&midway()), Vec::<String>::new());
    }

    #[test]
    fn what_moved_is_named_field_by_field() {
        let mut replicas = midway();
        replicas[1]["spec"]["replicas"] = json!(5);
        let mut image = midway();
        image[1]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
        let mut steps = midway();
        steps[0]["spec"]["strategy"]["canary"]["steps"][0]["traffic"] = json!("50%");
        let second = json!({ "replicas": "100%" });
        let list = steps[0].pointer_mut("/spec/strategy/canary/steps");
        list.unwrap().as_array_mut().unwrap().push(second);
        let mut routed = midway();
        let original = json!({ "spec": { "rules": [{ "weight": 7 }] } }).to_string();
        routed[3]["metadata"]["annotations"]["rollouts.kruise.io/original-spec-configuration"] =
            json!(original);
        let mut replaced = midway();
        replaced[2]["metadata"]["uid"] = json!("t");
        let mut gone = midway();
        gone.remove(3);
        let mut rival = rollout();
        rival["metadata"]["name"] = json!("rival");
        let cases = [
            (replicas, vec!["deployment/web  spec.replicas: 3 is now 5"]),
            (
                image,
                vec![
                    "deployment/web  spec.template.spec.containers[main].image: \"web:v2\" is now \"web:v3\"",
                ],
            ),
            (
                steps,
                vec![
                    "rollout/web  spec.strategy.canary.steps[0].traffic: \"20%\" is now \"50%\"",
                    "rollout/web  spec.strategy.canary.steps[1]: not set is now {\"replicas\":\"100%\"}",
                ],
            ),
            (routed, vec!["httproute/web  spec.rules[0].weight: 1 is now 7"]),
            (replaced, vec!["service/web  metadata.uid: s is now t"]),
            (gone, vec!["httproute/web  the object: there is now gone"]),
            (
                [midway(), vec![rival]].concat(),
                vec!["rollout/rival  the object: not there is now there"],
            ),
        ];
        for (objects, expected) in cases {
            assert_eq!(moved(&objects), expected);
        }
    }

    #[test]
    fn a_file_is_what_was_saved() {
        let text = serde_json::to_string_pretty(&saved()).unwrap();
        assert_eq!(Saved::read(&text), Ok(saved()));
        let cases = [
            (text.replace("web:v2", "web:v9"), Unfit::Edited),
            (
                text.replace("\"1.0\"", "\"2.0\""),
                Unfit::Format("2.0".to_owned()),
            ),
            ("{}".to_owned(), Unfit::Unread("its kind is none".to_owned())),
            (
                String::new(),
                Unfit::Unread("EOF while parsing a value at line 1 column 0".to_owned()),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Saved::read(&text), Err(expected));
        }
        let bad = |document: Value| {
            Saved {
                plan: document,
                ..saved()
            }
            .follow()
        };
        assert_eq!(
            bad(json!({ "end": "Completed", "blockers": [{ "weight": "risk" }] })),
            Ok(())
        );
        for document in [
            json!({ "end": "Blocked" }),
            json!({ "end": "Completed", "blockers": [{ "weight": "blocks" }] }),
        ] {
            assert_eq!(bad(document), Err(Unfit::Bad("Blocked".to_owned())));
        }
    }

    #[test]
    fn inputs_are_sorted_and_only_the_users() {
        let names: Vec<String> = inputs(&midway(), "shop", "web")
            .iter()
            .map(super::Input::title)
            .collect();
        assert_eq!(
            names,
            ["deployment/web", "httproute/web", "rollout/web", "service/web"]
        );
    }
}
