//! Whether somebody has asked for another version since a release began, which no engine has taken up yet.

use kube::api::DynamicObject;
use serde_json::Value;

use super::Position;
use crate::{
    api::{
        keys,
        v1beta1::{PatchPodTemplateMetadata, RollingStyle},
    },
    workload::{Deployment, Kind, Workload, same_template},
};

/// Whether the workload asks for another version than the one that is being brought out: a newer one, or the old one again.
/// Of a Deployment `members` are its ReplicaSets and those of its canary, whose pods' metadata the Rollout may `patch`.
///
/// A newer version in the middle of a blue-green release does not count: that has to be rolled back first.
#[must_use]
pub fn is_overtaken(
    position: &Position,
    workload: &Value,
    members: &[Value],
    patch: Option<&PatchPodTemplateMetadata>,
) -> bool {
    let object = serde_json::from_value::<DynamicObject>(workload.clone()).ok();
    let Some((object, known)) = object
        .as_ref()
        .and_then(|object| Some((object, Workload::new(object)?)))
    else {
        return false;
    };
    if !position.under_way() || position.reason == "Cancelling" {
        return false;
    }
    let is_blue_green = position.style == Some(RollingStyle::BlueGreen);
    if known.kind != Kind::Deployment {
        let asked_for = known.update_revision(&[]);
        return asked_for.is_some_and(|asked_for| {
            let newer = !position.new_revision.is_empty() && asked_for != position.new_revision;
            newer && (!is_blue_green || asked_for == position.stable_revision)
        });
    }
    let set = |hash: &str| {
        let is_it = |set: &&Value| set["metadata"]["labels"][keys::POD_TEMPLATE_HASH] == hash;
        members.iter().find(is_it).filter(|_| !hash.is_empty())
    };
    let asks_for = |set: &Value| {
        let (wanted, has) = (&workload["spec"]["template"], &set["spec"]["template"]);
        let uid = &workload["metadata"]["uid"];
        let mut owners = set["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten();
        if !owners.any(|owner| &owner["uid"] == uid) {
            return same_template(&Deployment::new(object).canary_template(patch), has);
        }
        same_template(wanted, has)
    };
    let newer = set(&position.new_hash).is_some_and(|set| !asks_for(set));
    newer && (!is_blue_green || set(&position.stable_revision).is_some_and(asks_for))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_overtaken;
    use crate::{api::v1beta1::PatchPodTemplateMetadata, release::Position};

    fn position(style: &Value, reason: &str) -> Position {
        let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {},
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": style },
            "status": { "phase": "Progressing", "conditions": [{ "type": "Progressing", "status": "True", "reason": reason, "message": "" }],
                "canaryStatus": { "currentStepIndex": 1, "currentStepState": "StepPaused", "stableRevision": "a", "canaryRevision": "x",
                    "podTemplateHash": "b" } } });
        Position::of(&serde_json::from_value(rollout).unwrap())
    }

    fn set(owner: &str, hash: &str, image: &str, more: &Value) -> Value {
        let mut labels = json!({ "app": "web", "pod-template-hash": hash });
        json_patch::merge(&mut labels, more);
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": { "labels": labels, "ownerReferences": [{ "uid": owner }] },
            "spec": { "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "image": image }] } } } })
    }

    #[test]
    fn another_template_than_that_of_the_release_overtakes_it() {
        let canary = json!({ "canary": { "steps": [{ "replicas": 1 }] } });
        let blue_green = json!({ "blueGreen": { "steps": [{ "replicas": "100%" }] } });
        let workload = |image: &str| {
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "uid": "u" },
                "spec": { "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "image": image }] } } } })
        };
        let own = [set("u", "a", "v1", &json!({})), set("u", "b", "v2", &json!({}))];
        // The pods of an extra canary have a label more, from the Rollout.
        let patch = PatchPodTemplateMetadata {
            labels: [("lane".to_owned(), "gray".to_owned())].into(),
            ..PatchPodTemplateMetadata::default()
        };
        let foreign = [
            set("u", "a", "v1", &json!({})),
            set("canary", "b", "v2", &json!({ "lane": "gray" })),
        ];
        let mut restarted = foreign.clone();
        restarted[1]["spec"]["template"]["metadata"]["annotations"] =
            json!({ "kubectl.kubernetes.io/restartedAt": "before" });
        for (name, style, reason, image, sets, expected) in [
            ("as it was begun", &canary, "InRolling", "v2", &own, false),
            (
                "restarted beside a canary",
                &canary,
                "InRolling",
                "v2",
                &restarted,
                true,
            ),
            (
                "a canary with labels of its own",
                &canary,
                "InRolling",
                "v2",
                &foreign,
                false,
            ),
            ("a newer one", &canary, "InRolling", "v3", &own, true),
            (
                "a newer one beside a canary",
                &canary,
                "InRolling",
                "v3",
                &foreign,
                true,
            ),
            ("back to the old one", &canary, "InRolling", "v1", &own, true),
            ("being taken back", &canary, "Cancelling", "v1", &own, false),
            ("over", &canary, "Completed", "v3", &own, false),
            (
                "blue-green goes back first",
                &blue_green,
                "InRolling",
                "v3",
                &own,
                false,
            ),
            (
                "blue-green, back to the old one",
                &blue_green,
                "InRolling",
                "v1",
                &own,
                true,
            ),
        ] {
            let seen = is_overtaken(&position(style, reason), &workload(image), sets, Some(&patch));
            assert_eq!(seen, expected, "{name}");
        }
    }
}
