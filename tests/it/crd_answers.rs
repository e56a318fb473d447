//! What an API server answers to the manifests of `tests/manifests/rollouts.yaml`.

use std::collections::BTreeMap;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};

/// A case's name, whether the server took it, and what it stored at the case's place.
pub(crate) type Answer = (String, bool, Value);

struct Case {
    name: String,
    at: String,
    value: Option<Value>,
    in_status: bool,
    accepted: bool,
    stored: Option<Value>,
}

fn table() -> (Value, Vec<Case>) {
    let table: Value = serde_saphyr::from_str(include_str!("../manifests/rollouts.yaml")).unwrap();
    let cases = table["cases"].as_array().unwrap().iter().map(case).collect();
    (table["base"].clone(), cases)
}

/// `value` is put as it stands, `repeat` makes a list of it with distinct names, `text` makes a value that long.
fn case(entry: &Value) -> Case {
    let keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    let known = [
        "name", "at", "value", "repeat", "text", "status", "accepted", "stored",
    ];
    assert!(
        keys.iter().all(|key| known.contains(key)),
        "unknown key in {entry}"
    );
    let mut value = entry.get("value").cloned();
    if let Some(times) = entry["repeat"].as_u64() {
        let items = (0..times).map(|index| {
            let mut item = value.clone().unwrap_or_default();
            if let Some(name) = item["name"].as_str() {
                item["name"] = format!("{name}{index}").into();
            }
            item
        });
        value = Some(items.collect());
    }
    if let Some(length) = entry["text"].as_u64() {
        let text = format!("/{}", "a".repeat(usize::try_from(length).unwrap() - 1));
        let path = entry["at"].as_str().unwrap().ends_with("/path");
        value = Some(if path {
            json!({ "value": text })
        } else {
            json!({ "name": "a", "value": text })
        });
    }
    Case {
        name: entry["name"].as_str().unwrap().to_owned(),
        at: entry["at"].as_str().unwrap().to_owned(),
        value,
        in_status: entry["status"] == true,
        accepted: entry["accepted"].as_bool().unwrap(),
        stored: entry.get("stored").cloned(),
    }
}

/// Puts a value at a JSON pointer, making what is missing on the way; no value removes the key.
fn put(object: &mut Value, pointer: &str, value: Option<Value>) {
    let keys: Vec<&str> = pointer.trim_start_matches('/').split('/').collect();
    let (last, parents) = keys.split_last().unwrap();
    let place = parents.iter().fold(object, |place, key| step(place, key));
    match value {
        Some(value) => *step(place, last) = value,
        None => {
            place.as_object_mut().unwrap().remove(*last);
        }
    }
}

fn step<'a>(place: &'a mut Value, key: &str) -> &'a mut Value {
    match key.parse::<usize>() {
        Ok(index) => {
            if place.is_null() {
                *place = json!([]);
            }
            let list = place.as_array_mut().unwrap();
            if list.len() <= index {
                list.resize(index + 1, Value::Null);
            }
            &mut list[index]
        }
        Err(_) => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place.as_object_mut().unwrap().entry(key).or_insert(Value::Null)
        }
    }
}

fn rollouts(client: &Client, namespace: &str) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("rollouts.kruise.io", "v1beta1", "Rollout");
    Api::namespaced_with(
        client.clone(),
        namespace,
        &ApiResource::from_gvk_with_plural(&kind, "rollouts"),
    )
}

/// Asks the server, with dry-run requests, about every manifest of the table. The namespace must exist; a Rollout named
/// `answers` is left in it.
pub(crate) async fn answers(client: &Client, namespace: &str) -> Vec<Answer> {
    let rollouts = rollouts(client, namespace);
    let (mut base, cases) = table();
    base["metadata"]["namespace"] = namespace.into();
    let mut present = base.clone();
    present["metadata"]["name"] = "answers".into();
    let apply = PatchParams::apply("tests").force();
    rollouts
        .patch("answers", &apply, &Patch::Apply(&present))
        .await
        .unwrap();

    let mut answers = Vec::new();
    for case in cases {
        let answer = if case.in_status {
            let status = json!({ "status": case.value });
            let params = PatchParams {
                dry_run: true,
                ..PatchParams::default()
            };
            rollouts
                .patch_status("answers", &params, &Patch::Merge(status))
                .await
        } else {
            let mut object = base.clone();
            put(&mut object, &case.at, case.value);
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            rollouts
                .create(
                    &PostParams {
                        dry_run: true,
                        ..PostParams::default()
                    },
                    &object,
                )
                .await
        };
        let (accepted, stored) = match answer {
            Ok(stored) => {
                let stored = serde_json::to_value(stored).unwrap();
                (true, stored.pointer(&case.at).cloned().unwrap_or_default())
            }
            Err(kube::Error::Api(status)) if status.code == 422 || status.code == 400 => (false, Value::Null),
            Err(error) => panic!("{}: {error}", case.name),
        };
        answers.push((case.name, accepted, stored));
    }
    answers
}

/// The answers that differ from what the table says.
pub(crate) fn surprises(answers: &[Answer]) -> Vec<String> {
    let expected: BTreeMap<String, (bool, Option<Value>)> = table()
        .1
        .into_iter()
        .map(|case| (case.name, (case.accepted, case.stored)))
        .collect();
    assert_eq!(expected.len(), answers.len(), "every case has a name of its own");
    let differs = |(name, accepted, stored): &&Answer| {
        let (want, value) = &expected[name];
        accepted != want || value.as_ref().is_some_and(|value| value != stored)
    };
    answers
        .iter()
        .filter(differs)
        .map(|(name, accepted, stored)| format!("{name}: {accepted} {stored}"))
        .collect()
}

/// Installs definitions and waits until the server serves them.
pub(crate) async fn install(client: &Client, definitions: &[Value]) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in definitions {
        let apply = PatchParams::apply("tests").force();
        let name = definition["metadata"]["name"].as_str().unwrap();
        let installed = api.patch(name, &apply, &Patch::Apply(definition)).await.unwrap();
        await_condition(
            api.clone(),
            &installed.name_any(),
            conditions::is_crd_established(),
        )
        .await
        .unwrap();
    }
}
