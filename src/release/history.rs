//! The revisions of a workload, and which of them one goes back to.

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::Value;

use super::{pods::images, position::Position};
use crate::{
    api::keys,
    workload::{Kind, Pod, Workload, edit, same_template},
};

/// What part a revision plays now.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Part {
    /// What runs beside the new version while it is brought out.
    Stable,
    /// What is being brought out.
    New,
    /// What the workload asks for, with no release under way.
    Current,
    /// None.
    #[default]
    Earlier,
}

impl Part {
    /// The word; empty for those that play none.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::New => "new",
            Self::Current => "current",
            Self::Earlier => "",
        }
    }
}

/// One revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its number; none for what only the canary workload has.
    pub number: Option<i64>,
    /// The name by which people and a Rollout's status call it.
    pub hash: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Why, if anybody said it.
    pub change_cause: Option<String>,
    /// Its part.
    pub part: Part,
    /// Pods of it.
    pub pods: i64,
    /// Those that are ready.
    pub ready: i64,
    /// The pod template, as the workload had it.
    pub template: Value,
}

impl Entry {
    /// `revision 3`, or by its name where it has no number.
    #[must_use]
    pub fn title(&self) -> String {
        match self.number {
            Some(number) => format!("revision {number}"),
            None => format!("revision {}", self.hash),
        }
    }

    /// Images of its containers, in order.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        images(&serde_json::json!({ "spec": { "template": self.template } }))
    }

    /// Whether it is called so: in full, or by the hash at its end, which some controllers write into labels.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        is_called(&self.hash, name)
    }
}

fn is_called(full: &str, name: &str) -> bool {
    let end = || full.strip_suffix(name).is_some_and(|rest| rest.ends_with('-'));
    !name.is_empty() && (full == name || end())
}

/// The revisions of one workload, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The revisions.
    pub entries: Vec<Entry>,
}

impl History {
    /// Reads a workload's revisions: of a Deployment its ReplicaSets and those of its canary, else its ControllerRevisions.
    /// Pods count only where revisions do not say how many they have.
    #[must_use]
    pub fn of(workload: &Value, revisions: &[Value], pods: &[Value], position: Option<&Position>) -> Self {
        let uid = &workload["metadata"]["uid"];
        let owned = |object: &&Value| {
            object["metadata"]["ownerReferences"]
                .as_array()
                .is_some_and(|owners| owners.iter().any(|owner| &owner["uid"] == uid))
        };
        let mut entries: Vec<Entry> = revisions
            .iter()
            .filter(owned)
            .map(|revision| entry(revision, Some(number(revision))))
            .collect();
        let under_way = position.filter(|position| position.under_way());
        if let Some(position) = under_way {
            let foreign = revisions.iter().filter(|revision| !owned(revision));
            let canary = foreign
                .map(|revision| entry(revision, None))
                .find(|entry| entry.hash == position.new_hash);
            if let Some(canary) = canary {
                match entries.iter_mut().find(|own| own.hash == canary.hash) {
                    // One version, whichever of the two its pods belong to.
                    Some(own) => {
                        own.pods = own.pods.saturating_add(canary.pods);
                        own.ready = own.ready.saturating_add(canary.ready);
                    }
                    None => entries.push(canary),
                }
            }
        }
        entries.sort_by_key(|entry| (entry.number.is_none(), entry.number));
        let template = &workload["spec"]["template"];
        for entry in &mut entries {
            let asked_for = same_template(&entry.template, template);
            entry.part = match under_way {
                Some(position) if entry.is_called(&position.stable_revision) => Part::Stable,
                Some(position) if asked_for || entry.is_called(&position.new_hash) => Part::New,
                None if asked_for => Part::Current,
                _ => Part::Earlier,
            };
        }
        // Two revisions of the same template: the controller takes the newest.
        let newest = entries.iter().rposition(|entry| entry.part == Part::Current);
        for (at, entry) in entries.iter_mut().enumerate() {
            if entry.part == Part::Current && Some(at) != newest {
                entry.part = Part::Earlier;
            }
        }
        count(&mut entries, workload, pods);
        let mut history = Self { entries };
        // What is asked for is held, and runs nowhere: its release has not begun.
        if position.is_some() && under_way.is_none() && edit::mark_of(workload).is_some() {
            let stable = history.stable(workload, None).map(|entry| entry.hash.clone());
            for entry in &mut history.entries {
                if entry.part == Part::Current {
                    entry.part = Part::New;
                } else if Some(&entry.hash) == stable.as_ref() {
                    entry.part = Part::Stable;
                }
            }
        }
        history
    }

    /// The revision of this number.
    #[must_use]
    pub fn numbered(&self, number: i64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == Some(number))
    }

    /// The stable version's revision: the one of this name. When none is wanted, no engine has acted yet:
    ///
    /// - of a Deployment that is held the stable one is what most ready pods are of: the newest may be an old one of the held
    ///   template, which its controller gave a new number;
    /// - StatefulSets and CloneSets say which revision their pods have;
    /// - a DaemonSet says how many of its pods are of its template: if all are, that is the stable one, else the newest other.
    #[must_use]
    pub fn stable(&self, workload: &Value, wanted: Option<&str>) -> Option<&Entry> {
        let mut own = self.entries.iter().filter(|entry| entry.number.is_some());
        let is_held = edit::mark_of(workload).is_some();
        let status = &workload["status"];
        if let Some(name) = wanted.or_else(|| status["currentRevision"].as_str()) {
            return own.find(|entry| entry.is_called(name));
        }
        let desired = &status["desiredNumberScheduled"];
        if desired.is_null() {
            let serving = self.serving(workload).filter(|_| is_held);
            return serving.or_else(|| own.next_back());
        }
        let settled = status["observedGeneration"] == workload["metadata"]["generation"]
            && status["updatedNumberScheduled"] == *desired;
        own.rfind(|entry| same_template(&workload["spec"]["template"], &entry.template) == settled)
    }

    /// The newest revision of another template than the present one; `passed_over` is never meant.
    ///
    /// It is told by its template and not by its place, since the controller may not have made a revision of the present
    /// template yet.
    #[must_use]
    pub fn previous(&self, workload: &Value, passed_over: &[&str]) -> Option<&Entry> {
        let template = &workload["spec"]["template"];
        self.entries.iter().rfind(|entry| {
            entry.number.is_some()
                && !same_template(&entry.template, template)
                && !passed_over.iter().any(|name| entry.is_called(name))
        })
    }

    /// The revision of another template that most ready pods are of, the newest of equals: what serves beside the new
    /// version when nobody noted which one is stable (upstream's controller leaves `stableRevision` empty when the hold was
    /// not its own).
    #[must_use]
    pub fn serving(&self, workload: &Value) -> Option<&Entry> {
        let template = &workload["spec"]["template"];
        let others = self.entries.iter();
        others
            .filter(|entry| entry.number.is_some() && !same_template(&entry.template, template))
            .max_by_key(|entry| entry.ready)
    }

    /// The numbers there are, for messages.
    #[must_use]
    pub fn in_words(&self) -> String {
        let numbers = self.entries.iter().filter_map(|entry| entry.number);
        let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
        match texts.as_slice() {
            [] => "it has no history yet".to_owned(),
            [one] => format!("it has revision {one}"),
            all => format!("it has revisions {}", all.join(", ")),
        }
    }
}

fn entry(revision: &Value, number: Option<i64>) -> Entry {
    let metadata = &revision["metadata"];
    let hash = metadata["labels"][keys::POD_TEMPLATE_HASH]
        .as_str()
        .or_else(|| metadata["name"].as_str());
    let status = &revision["status"];
    Entry {
        number,
        hash: hash.unwrap_or_default().to_owned(),
        created: metadata["creationTimestamp"]
            .as_str()
            .and_then(|text| text.parse().ok()),
        change_cause: metadata["annotations"][edit::CHANGE_CAUSE]
            .as_str()
            .map(str::to_owned),
        part: Part::Earlier,
        pods: status["replicas"].as_i64().unwrap_or_default(),
        ready: status["readyReplicas"].as_i64().unwrap_or_default(),
        template: edit::template_of(revision),
    }
}

fn number(revision: &Value) -> i64 {
    let text = revision["metadata"]["annotations"][keys::REVISION].as_str();
    revision["revision"]
        .as_i64()
        .or_else(|| text.and_then(|text| text.parse().ok()))
        .unwrap_or_default()
}

/// Counts the pods of revisions that do not say it.
fn count(entries: &mut [Entry], workload: &Value, pods: &[Value]) {
    let object = serde_json::from_value::<DynamicObject>(workload.clone()).ok();
    let Some(known) = object.as_ref().and_then(Workload::new) else {
        return;
    };
    if known.kind == Kind::Deployment {
        return;
    }
    let uid = known.object.metadata.uid.as_deref().unwrap_or_default();
    for pod in pods.iter().filter_map(Pod::read) {
        if pod.owner != uid || pod.deleting {
            continue;
        }
        let name = known.revision_of(&pod);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.is_called(name)) {
            entry.pods += 1;
            entry.ready += i64::from(pod.ready);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{History, Part};
    use crate::release::Position;

    fn template(image: &str) -> Value {
        json!({ "spec": { "containers": [{ "name": "web", "image": image }] } })
    }

    fn set(hash: &str, number: &str, image: &str) -> Value {
        json!({ "metadata": { "labels": { "pod-template-hash": hash }, "ownerReferences": [{ "uid": "u" }],
            "annotations": { "deployment.kubernetes.io/revision": number } },
            "spec": { "template": template(image) }, "status": { "replicas": 2, "readyReplicas": 1 } })
    }

    fn kept(name: &str, number: i64, image: &str) -> Value {
        json!({ "metadata": { "name": name, "ownerReferences": [{ "uid": "u" }] }, "revision": number,
            "data": { "spec": { "template": template(image) } } })
    }

    fn live(image: &str, status: &Value) -> Value {
        json!({ "metadata": { "uid": "u", "generation": 2 }, "spec": { "template": template(image) }, "status": status })
    }

    fn hash(entry: Option<&super::Entry>) -> &str {
        entry.map_or("", |entry| entry.hash.as_str())
    }

    #[test]
    fn finds_the_stable_revision_of_every_kind() {
        let foreign =
            json!({ "metadata": { "name": "web-c", "ownerReferences": [{ "uid": "v" }] }, "revision": 9 });
        let sets = [set("b", "2", "v1"), set("a", "1", "v0")];
        let all = [
            kept("web-a", 1, "v0"),
            kept("web-b", 2, "v1"),
            kept("web-c", 3, "v2"),
            foreign,
        ];
        let daemons = |updated: i32| json!({ "observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": updated });
        let held = json!({ "currentRevision": "web-b", "updateRevision": "web-c" });
        let cases = [
            (
                "a Deployment that is held",
                live("v2", &json!({})),
                &sets[..],
                None,
                "b",
            ),
            ("put back already", live("v1", &json!({})), &sets[..], None, "b"),
            ("named", live("v2", &json!({})), &sets[..], Some("a"), "a"),
            (
                "named by its hash",
                live("v2", &json!({})),
                &all[..],
                Some("b"),
                "web-b",
            ),
            (
                "a StatefulSet that is held",
                live("v2", &held),
                &all[..],
                None,
                "web-b",
            ),
            (
                "a DaemonSet that is held",
                live("v2", &daemons(0)),
                &all[..],
                None,
                "web-b",
            ),
            (
                "a DaemonSet put back",
                live("v1", &daemons(3)),
                &all[..],
                None,
                "web-b",
            ),
            ("gone", live("v2", &json!({})), &all[..], Some("x"), ""),
        ];
        for (name, live, revisions, wanted, expected) in cases {
            let history = History::of(&live, revisions, &[], None);
            assert_eq!(hash(history.stable(&live, wanted)), expected, "{name}");
        }
    }

    #[test]
    fn the_one_before_is_told_by_its_template() {
        let sets = [set("a", "1", "v0"), set("b", "2", "v1"), set("c", "3", "v2")];
        let cases: [(&str, &[&str], &str); 5] = [
            ("v2", &[], "b"),
            // The controller has not made the ReplicaSet of v3 yet: the second highest would be one too far.
            ("v3", &[], "c"),
            ("v1", &[], "c"),
            ("v1", &["c"], "a"),
            ("v2", &["b", "a"], ""),
        ];
        for (image, passed_over, expected) in cases {
            let live = live(image, &json!({}));
            let history = History::of(&live, &sets, &[], None);
            assert_eq!(hash(history.previous(&live, passed_over)), expected, "{image}");
        }
    }

    #[test]
    fn what_serves_is_stable_where_nobody_noted_it() {
        let ready = |hash: &str, number: &str, image: &str, ready: i64| {
            let mut set = set(hash, number, image);
            set["status"]["readyReplicas"] = json!(ready);
            set
        };
        // v2 was given up for v3 in the middle of its release.
        let sets = [
            ready("a", "1", "v0", 0),
            ready("b", "2", "v1", 4),
            ready("c", "3", "v2", 1),
            ready("d", "4", "v3", 5),
        ];
        let serving = |image: &str, sets: &[Value]| {
            let live = live(image, &json!({}));
            hash(History::of(&live, sets, &[], None).serving(&live)).to_owned()
        };
        assert_eq!(serving("v3", &sets), "b");
        assert_eq!(
            serving(
                "v2",
                &[
                    ready("a", "1", "v0", 0),
                    ready("b", "2", "v1", 0),
                    ready("c", "3", "v2", 2)
                ]
            ),
            "b"
        );
        assert_eq!(serving("v1", &sets[1..2]), "");
    }

    #[test]
    fn parts_and_pods() {
        let live = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "uid": "u" },
            "spec": { "template": template("v2") } });
        let mut canary = set("c", "1", "v2");
        canary["metadata"]["ownerReferences"][0]["uid"] = json!("canary");
        let sets = [set("a", "1", "v0"), set("b", "2", "v1"), canary];
        let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": {},
            "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "steps": [{ "replicas": 1 }] } } },
            "status": { "phase": "Progressing", "canaryStatus": { "currentStepIndex": 1, "currentStepState": "StepPaused",
                "stableRevision": "b", "canaryRevision": "x", "podTemplateHash": "c" } } });
        let position = Position::of(&serde_json::from_value(rollout).unwrap());
        let seen = |position| -> Vec<(Option<i64>, Part, i64, i64)> {
            let history = History::of(&live, &sets, &[], position);
            let entries = history.entries.iter();
            entries.map(|e| (e.number, e.part, e.pods, e.ready)).collect()
        };
        assert_eq!(
            seen(Some(&position)),
            [
                (Some(1), Part::Earlier, 2, 1),
                (Some(2), Part::Stable, 2, 1),
                (None, Part::New, 2, 1)
            ]
        );
        assert_eq!(
            seen(None),
            [(Some(1), Part::Earlier, 2, 1), (Some(2), Part::Earlier, 2, 1)]
        );
        // What is brought out is an earlier revision: the canary's pods are of that.
        let mut again = sets.to_vec();
        again.push(set("c", "3", "v2"));
        let history = History::of(&live, &again, &[], Some(&position));
        let parts = |history: &History| -> Vec<_> {
            let entries = history.entries.iter();
            entries.map(|e| (e.number, e.part, e.pods, e.ready)).collect()
        };
        assert_eq!(
            parts(&history),
            [
                (Some(1), Part::Earlier, 2, 1),
                (Some(2), Part::Stable, 2, 1),
                (Some(3), Part::New, 4, 2)
            ]
        );
        // Held, and not begun: nothing of it runs.
        let mut held = live.clone();
        held["metadata"]["annotations"] = json!({ crate::api::keys::IN_PROGRESSING: r#"{"rolloutName":"web","original":{"paused":false}}"# });
        let mut none = set("c", "3", "v2");
        none["status"] = json!({ "replicas": 0, "readyReplicas": 0 });
        let mut at_rest = position;
        at_rest.phase = crate::api::v1beta1::Phase::Healthy;
        let history = History::of(&held, &[set("b", "2", "v1"), none], &[], Some(&at_rest));
        assert_eq!(
            parts(&history),
            [(Some(2), Part::Stable, 2, 1), (Some(3), Part::New, 0, 0)]
        );
        let set = json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "uid": "u" },
            "spec": { "template": template("v1") } });
        let pod = |hash: &str, ready: &str| {
            json!({ "metadata": { "name": "p", "labels": { "controller-revision-hash": hash },
                "ownerReferences": [{ "uid": "u", "controller": true }] },
                "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] } })
        };
        let revisions = [kept("web-a", 1, "v0"), kept("web-b", 2, "v1")];
        let pods = [pod("web-b", "True"), pod("web-b", "False"), pod("web-a", "True")];
        let history = History::of(&set, &revisions, &pods, None);
        let seen: Vec<_> = history
            .entries
            .iter()
            .map(|e| (e.part, e.pods, e.ready))
            .collect();
        assert_eq!(seen, [(Part::Earlier, 1, 1), (Part::Current, 2, 1)]);
    }
}
