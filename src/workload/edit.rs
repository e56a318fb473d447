//! Changes a user makes to a Deployment: other images (held back in the same write), and the old template again.

use serde_json::{Value, json};

use super::{Mark, hold};
use crate::api::keys;

/// An image for a container; `*` stands for every container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewImage {
    /// Name of the container.
    pub container: String,
    /// The image.
    pub image: String,
}

/// No container has this name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no container {name:?}; there are {}", known.join(", "))]
pub struct UnknownContainer {
    /// The name that was given.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}

/// Makes the JSON patch that sets images; nothing when all are set already. With `hold_for` (the name of a Rollout) the
/// same patch pauses the Deployment and marks it, so that no pod of the new version starts before the engine acts.
///
/// # Errors
/// When a container does not exist.
pub fn set_images(
    deployment: &Value,
    images: &[NewImage],
    hold_for: Option<&str>,
) -> Result<Option<Value>, UnknownContainer> {
    let mut changes = Vec::new();
    for wanted in images {
        let found: Vec<(String, &Value)> = containers(deployment)
            .into_iter()
            .filter(|(_, c)| wanted.container == "*" || c["name"] == wanted.container)
            .collect();
        if found.is_empty() {
            let known = containers(deployment)
                .iter()
                .filter_map(|(_, c)| c["name"].as_str().map(str::to_owned))
                .collect();
            return Err(UnknownContainer {
                name: wanted.container.clone(),
                known,
            });
        }
        let changed = found
            .into_iter()
            .filter(|(_, container)| container["image"] != wanted.image);
        // `add` replaces an image that is there and sets one that is not.
        changes.extend(
            changed.map(
                |(path, _)| json!({ "op": "add", "path": format!("{path}/image"), "value": wanted.image }),
            ),
        );
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let mut patch = vec![unchanged_since(deployment)];
    patch.extend(
        hold_for
            .map(|rollout| held(deployment, rollout))
            .unwrap_or_default(),
    );
    patch.extend(changes);
    Ok(Some(Value::Array(patch)))
}

/// Makes the JSON patch that puts the template of `revision` (a ReplicaSet) back exactly; nothing when it is there.
#[must_use]
pub fn restore_template(deployment: &Value, revision: &Value) -> Option<Value> {
    let template = template_of(revision);
    let same = deployment["spec"]["template"] == template;
    (!same).then(|| {
        json!([unchanged_since(deployment), { "op": "replace", "path": "/spec/template", "value": template }])
    })
}

/// The template of a ReplicaSet as its Deployment had it: without the hash that the Deployment controller adds.
#[must_use]
pub fn template_of(revision: &Value) -> Value {
    let mut template = revision["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(keys::POD_TEMPLATE_HASH);
    }
    template
}

/// Replacing resourceVersion by the one that was read makes the API server answer 409 when it is another one by now.
fn unchanged_since(object: &Value) -> Value {
    json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": object["metadata"]["resourceVersion"] })
}

fn held(deployment: &Value, rollout: &str) -> Vec<Value> {
    let annotations = &deployment["metadata"]["annotations"];
    let paused = deployment["spec"]["paused"] == true;
    let mut patch = Vec::new();
    // A release that is under way keeps its mark: the originals in it are older, and right.
    if !annotations[keys::IN_PROGRESSING].is_string() {
        let mut mark = Mark::new(rollout);
        mark.original.keep(hold::PAUSED, json!(paused));
        if !annotations.is_object() {
            patch.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        let path = format!(
            "/metadata/annotations/{}",
            keys::IN_PROGRESSING.replace('/', "~1")
        );
        patch.push(json!({ "op": "add", "path": path, "value": mark.text() }));
    }
    if !paused {
        patch.push(json!({ "op": "add", "path": "/spec/paused", "value": true }));
    }
    patch
}

fn containers(deployment: &Value) -> Vec<(String, &Value)> {
    let pod = &deployment["spec"]["template"]["spec"];
    ["containers", "initContainers"]
        .iter()
        .flat_map(|list| {
            let all = pod[*list].as_array().map(Vec::as_slice).unwrap_or_default();
            all.iter()
                .enumerate()
                .map(move |(at, c)| (format!("/spec/template/spec/{list}/{at}"), c))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{NewImage, UnknownContainer, restore_template, set_images};

    fn deployment(annotations: &Value, paused: bool) -> Value {
        json!({
            "metadata": { "resourceVersion": "7", "annotations": annotations },
            "spec": { "paused": paused, "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": "web:v1" }, { "name": "side", "image": "side:v1" }] } } } })
    }

    fn image(container: &str, image: &str) -> Vec<NewImage> {
        vec![NewImage {
            container: container.to_owned(),
            image: image.to_owned(),
        }]
    }

    const UNCHANGED: fn() -> Value =
        || json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": "7" });

    #[test]
    fn sets_images_and_holds_in_one_write() {
        let web = json!({ "op": "add", "path": "/spec/template/spec/containers/0/image", "value": "web:v2" });
        let mark = |text: &str| json!({ "op": "add", "path": "/metadata/annotations/rollouts.kruise.io~1in-progressing", "value": text });
        let pause = json!({ "op": "add", "path": "/spec/paused", "value": true });
        let annotations = json!({ "op": "add", "path": "/metadata/annotations", "value": {} });
        let fresh = mark(r#"{"rolloutName":"demo","original":{"paused":false}}"#);
        let stopped = mark(r#"{"rolloutName":"demo","original":{"paused":true}}"#);
        let under_way = json!({ "rollouts.kruise.io/in-progressing": "{}" });
        let cases = [
            (
                "no Rollout",
                deployment(&Value::Null, false),
                None,
                vec![UNCHANGED(), web.clone()],
            ),
            (
                "no annotations",
                deployment(&Value::Null, false),
                Some("demo"),
                vec![
                    UNCHANGED(),
                    annotations,
                    fresh.clone(),
                    pause.clone(),
                    web.clone(),
                ],
            ),
            (
                "other annotations",
                deployment(&json!({ "a": "b" }), false),
                Some("demo"),
                vec![UNCHANGED(), fresh, pause, web.clone()],
            ),
            (
                "paused by the user",
                deployment(&json!({}), true),
                Some("demo"),
                vec![UNCHANGED(), stopped, web.clone()],
            ),
            (
                "under way",
                deployment(&under_way, true),
                Some("demo"),
                vec![UNCHANGED(), web],
            ),
        ];
        for (name, deployment, hold, expected) in cases {
            assert_eq!(
                set_images(&deployment, &image("web", "web:v2"), hold),
                Ok(Some(Value::Array(expected))),
                "{name}"
            );
        }
    }

    #[test]
    fn knows_containers() {
        let object = deployment(&Value::Null, false);
        assert_eq!(
            set_images(&object, &image("web", "web:v1"), Some("demo")),
            Ok(None)
        );
        let unknown = UnknownContainer {
            name: "db".into(),
            known: vec!["web".into(), "side".into()],
        };
        assert_eq!(set_images(&object, &image("db", "x"), None), Err(unknown));
        let all = set_images(&object, &image("*", "x"), None).unwrap().unwrap();
        assert_eq!(all.as_array().unwrap().len(), 3);
    }

    #[test]
    fn puts_the_template_back_without_the_hash() {
        let object = deployment(&Value::Null, true);
        let mut revision = json!({ "spec": { "template": object["spec"]["template"] } });
        revision["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = json!("abc");
        assert_eq!(restore_template(&object, &revision), None);
        revision["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v0");
        let patch = restore_template(&object, &revision).unwrap();
        let mut after = object.clone();
        json_patch::patch(
            &mut after,
            &serde_json::from_value::<json_patch::Patch>(patch).unwrap(),
        )
        .unwrap();
        let mut expected = object;
        expected["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v0");
        assert_eq!(after, expected);
    }
}
