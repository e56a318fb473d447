//! The pods of each version: of a Deployment counted by its ReplicaSets, of the other kinds pod by pod.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::Value;

use super::position::Position;
use crate::{
    api::{IntOrPercent, int_or_percent::Round, keys, v1beta1::RollingStyle},
    workload::{Kind, Pod, Workload, hold},
};

/// What part a revision plays.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Role {
    /// What ran before the release, or what runs at rest.
    Stable,
    /// What is being released.
    New,
    /// Neither, with pods still there.
    Other,
}

/// One version of the workload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revision {
    /// Its part.
    pub role: Role,
    /// The label that sets its pods apart: `pod-template-hash`, or `controller-revision-hash`.
    pub hash: String,
    /// Images of its containers, in order.
    pub images: Vec<String>,
    /// Pods there should be.
    pub desired: i64,
    /// Pods there are.
    pub current: i64,
    /// Pods that are ready.
    pub ready: i64,
}

/// All versions with a part to play.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pods {
    /// Pods that the workload should have.
    pub wanted: i64,
    /// Stable first, then new, then others.
    pub revisions: Vec<Revision>,
}

impl Role {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::New => "new",
            Self::Other => "other",
        }
    }
}

impl Pods {
    /// Counts. Of a Deployment `members` are its ReplicaSets and those of its canary; of any other kind its pods, and
    /// those of others are left out.
    #[must_use]
    pub fn count(position: &Position, workload: &Value, members: &[Value]) -> Self {
        let object = serde_json::from_value::<DynamicObject>(workload.clone()).ok();
        let Some(known) = object.as_ref().and_then(Workload::new) else {
            return Self::default();
        };
        let mut revisions = match known.kind {
            Kind::Deployment => by_replica_sets(position, workload, members),
            _ => by_pods(position, &known, members),
        };
        revisions.sort_by(|a, b| (a.role, &a.hash).cmp(&(b.role, &b.hash)));
        // The extra canary and the workload share a hash once the workload has been promoted: one version, one row.
        let mut merged: Vec<Revision> = Vec::new();
        for revision in revisions {
            match merged.last_mut().filter(|last| last.hash == revision.hash) {
                Some(last) => {
                    last.desired = last.desired.saturating_add(revision.desired);
                    last.current = last.current.saturating_add(revision.current);
                    last.ready = last.ready.saturating_add(revision.ready);
                }
                None => merged.push(revision),
            }
        }
        Self {
            wanted: known.replicas().into(),
            revisions: merged,
        }
    }

    /// The revision of a part.
    #[must_use]
    pub fn of(&self, role: Role) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.role == role)
    }
}

fn by_replica_sets(position: &Position, deployment: &Value, replica_sets: &[Value]) -> Vec<Revision> {
    let own_uid = &deployment["metadata"]["uid"];
    let newest = replica_sets
        .iter()
        .max_by_key(|set| number(set))
        .and_then(hash_of);
    let revision = |set: &Value| {
        let hash = hash_of(set)?;
        let foreign = set["metadata"]["ownerReferences"]
            .as_array()
            .is_some_and(|owners| owners.iter().all(|owner| &owner["uid"] != own_uid));
        let role = if position.under_way() {
            if hash == position.stable_revision {
                Role::Stable
            } else if hash == position.new_hash || foreign {
                Role::New
            } else {
                Role::Other
            }
        } else if newest.as_deref() == Some(&hash) {
            Role::Stable
        } else {
            Role::Other
        };
        let revision = Revision {
            role,
            images: images(set),
            desired: set["spec"]["replicas"].as_i64().unwrap_or_default(),
            current: set["status"]["replicas"].as_i64().unwrap_or_default(),
            ready: set["status"]["readyReplicas"].as_i64().unwrap_or_default(),
            hash,
        };
        (role != Role::Other || revision.desired.saturating_add(revision.current) > 0).then_some(revision)
    };
    replica_sets.iter().filter_map(revision).collect()
}

/// Pods of one revision, as counted.
#[derive(Default)]
struct Counted {
    images: Vec<String>,
    current: i64,
    ready: i64,
}

fn by_pods(position: &Position, workload: &Workload<'_>, pods: &[Value]) -> Vec<Revision> {
    let uid = workload.object.metadata.uid.as_deref().unwrap_or_default();
    let mut counted: BTreeMap<String, Counted> = BTreeMap::new();
    for object in pods {
        let Some(pod) = Pod::read(object).filter(|pod| pod.owner == uid && !pod.deleting) else {
            continue;
        };
        let entry = counted.entry(workload.revision_of(&pod).to_owned()).or_default();
        entry.current += 1;
        entry.ready += i64::from(pod.ready);
        if entry.images.is_empty() {
            entry.images = images_of(&object["spec"]);
        }
    }
    let total = workload.replicas();
    let resting = if position.under_way() {
        None
    } else {
        resting(position, workload, &counted)
    };
    if position.under_way()
        && !position.new_revision.is_empty()
        && position.new_revision != position.stable_revision
    {
        // No pod of it may be there yet; that it is on its way is worth a row.
        counted
            .entry(position.new_revision.clone())
            .or_insert_with(|| Counted {
                images: images_of(&workload.template()["spec"]),
                ..Counted::default()
            });
    }
    let new = new_wanted(position, workload);
    let surplus = position.style == Some(RollingStyle::BlueGreen) && position.reason != "Finalising";
    let revision = |(hash, counted): (String, Counted)| {
        let role = match &resting {
            Some(running) if *running == hash => Role::Stable,
            Some(_) => Role::Other,
            None if hash == position.stable_revision => Role::Stable,
            None if hash == position.new_revision => Role::New,
            None => Role::Other,
        };
        let desired = match role {
            Role::Stable if resting.is_some() || surplus => total,
            Role::Stable => total - new,
            Role::New => new,
            Role::Other => 0,
        };
        Revision {
            role,
            images: counted.images,
            desired: desired.into(),
            current: counted.current,
            ready: counted.ready,
            hash,
        }
    };
    counted.into_iter().map(revision).collect()
}

/// The revision that runs while no release is under way: the accepted one, as long as it has pods.
fn resting(
    position: &Position,
    workload: &Workload<'_>,
    counted: &BTreeMap<String, Counted>,
) -> Option<String> {
    let named = [
        Some(position.new_revision.clone()),
        workload.current_revision(),
        workload.update_revision(&[]),
    ];
    let mut named = named.into_iter().flatten();
    named.find(|revision| counted.contains_key(revision)).or_else(|| {
        let most = counted.iter().max_by_key(|(_, counted)| counted.current);
        most.map(|(revision, _)| revision.clone())
    })
}

/// Pods of the new version that there should be, as the workload says; where its kind has no field for that, as the step
/// says.
fn new_wanted(position: &Position, workload: &Workload<'_>) -> i32 {
    let total = workload.replicas();
    if position.reason == "Cancelling" {
        return 0;
    }
    match workload.kind {
        Kind::CloneSet
            if position.style == Some(RollingStyle::BlueGreen) && position.reason != "Finalising" =>
        {
            let surge =
                serde_json::from_value::<IntOrPercent>(hold::at(workload.spec(), hold::MAX_SURGE).clone());
            let surge = surge.map_or(0, |surge| surge.of(total, Round::Up));
            if workload.kept() < total {
                surge.min(total)
            } else {
                0
            }
        }
        Kind::Deployment | Kind::DaemonSet => {
            let step = position.current().and_then(|step| step.replicas.as_ref());
            step.map_or(0, |replicas| replicas.of(total, Round::Up).clamp(0, total.max(0)))
        }
        Kind::CloneSet | Kind::StatefulSet | Kind::AdvancedStatefulSet | Kind::AdvancedDaemonSet => {
            total - workload.kept()
        }
    }
}

fn hash_of(set: &Value) -> Option<String> {
    set["metadata"]["labels"][keys::POD_TEMPLATE_HASH]
        .as_str()
        .map(str::to_owned)
}

fn number(set: &Value) -> i64 {
    let annotation = set["metadata"]["annotations"][keys::REVISION].as_str();
    let canary = set["metadata"]["labels"][keys::CANARY_DEPLOYMENT].is_string();
    if canary {
        -1
    } else {
        annotation.and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

/// Images of an object with a pod template.
#[must_use]
pub fn images(object: &Value) -> Vec<String> {
    images_of(&object["spec"]["template"]["spec"])
}

fn images_of(pod_spec: &Value) -> Vec<String> {
    let containers = pod_spec["containers"].as_array().into_iter().flatten();
    containers
        .filter_map(|container| container["image"].as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Pods, Revision, Role};
    use crate::{release::Position, workload::Kind};

    const REST: &str = "Healthy";
    const MOVING: &str = "Progressing";

    fn position(kind: Kind, phase: &str, reason: &str, blue_green: bool) -> Position {
        let steps = json!([{ "replicas": 2, "pause": {} }, { "replicas": "100%" }]);
        let (style, field, revision) = if blue_green {
            ("blueGreen", "blueGreenStatus", "updatedRevision")
        } else {
            ("canary", "canaryStatus", "canaryRevision")
        };
        let accepted = if phase == REST { "a" } else { "b" };
        let rollout = json!({
            "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" },
            "spec": { "workloadRef": { "apiVersion": kind.api_versions()[0], "kind": kind.kind(), "name": "web" },
                "strategy": { style: { "steps": steps } } },
            "status": { "phase": phase, "conditions": [{ "type": "Progressing", "status": "True", "reason": reason, "message": "" }],
                field: { "currentStepIndex": 1, "currentStepState": "StepPaused", "stableRevision": "a", revision: accepted } } });
        Position::of(&serde_json::from_value(rollout).unwrap())
    }

    fn pods(kind: Kind, versions: &[(&str, usize, usize)]) -> Vec<Value> {
        let pod = |revision: &str, ready: bool| {
            json!({ "metadata": { "labels": { kind.revision_label(): revision }, "ownerReferences": [{ "uid": "u", "controller": true }] },
                "spec": { "containers": [{ "image": format!("web:{revision}") }] },
                "status": { "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] } })
        };
        let mut all: Vec<Value> = versions
            .iter()
            .flat_map(|(revision, count, ready)| (0..*count).map(move |at| pod(revision, at < *ready)))
            .collect();
        let mut foreign = pod("a", true);
        foreign["metadata"]["ownerReferences"][0]["uid"] = json!("other");
        let mut leaving = pod("a", true);
        leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        let mut failed = pod("a", false);
        failed["status"]["phase"] = json!("Failed");
        all.extend([foreign, leaving, failed]);
        all
    }

    fn row(role: Role, hash: &str, desired: i64, current: i64, ready: i64) -> Revision {
        Revision {
            role,
            hash: hash.to_owned(),
            images: vec![format!("web:{hash}")],
            desired,
            current,
            ready,
        }
    }

    /// Name; kind; phase and reason; blue-green; spec; revisions with their pods and ready pods; rows.
    type Case = (
        &'static str,
        Kind,
        &'static str,
        &'static str,
        bool,
        Value,
        &'static [(&'static str, usize, usize)],
        Vec<Revision>,
    );

    #[test]
    fn pods_are_counted_by_their_revision() {
        use Role::{New, Other, Stable};
        let rolling =
            |partition: i32| json!({ "updateStrategy": { "rollingUpdate": { "partition": partition } } });
        let clones = |partition: &str, surge: i32| json!({ "updateStrategy": { "partition": partition, "maxSurge": surge } });
        let daemons = json!({ "updateStrategy": { "type": "OnDelete" } });
        let cases: [Case; 9] = [
            (
                "held",
                Kind::StatefulSet,
                REST,
                "Completed",
                false,
                rolling(32_767),
                &[("a", 5, 5)],
                vec![row(Stable, "a", 5, 5, 5)],
            ),
            (
                "no pod yet",
                Kind::StatefulSet,
                MOVING,
                "Initializing",
                false,
                rolling(32_767),
                &[("a", 5, 5)],
                vec![row(Stable, "a", 5, 5, 5), row(New, "b", 0, 0, 0)],
            ),
            (
                "a step",
                Kind::StatefulSet,
                MOVING,
                "InRolling",
                false,
                rolling(3),
                &[("a", 3, 3), ("b", 2, 1)],
                vec![row(Stable, "a", 3, 3, 3), row(New, "b", 2, 2, 1)],
            ),
            (
                "going back",
                Kind::AdvancedStatefulSet,
                MOVING,
                "Cancelling",
                false,
                rolling(3),
                &[("a", 4, 4), ("b", 1, 1)],
                vec![row(Stable, "a", 5, 4, 4), row(New, "b", 0, 1, 1)],
            ),
            (
                "by percent",
                Kind::CloneSet,
                MOVING,
                "InRolling",
                false,
                clones("60%", 0),
                &[("a", 3, 3), ("b", 2, 2)],
                vec![row(Stable, "a", 3, 3, 3), row(New, "b", 2, 2, 2)],
            ),
            (
                "both versions whole",
                Kind::CloneSet,
                MOVING,
                "InRolling",
                true,
                clones("0%", 2),
                &[("a", 5, 5), ("b", 2, 0)],
                vec![row(Stable, "a", 5, 5, 5), row(New, "b", 2, 2, 0)],
            ),
            (
                "nodes",
                Kind::DaemonSet,
                MOVING,
                "InRolling",
                false,
                daemons,
                &[("a", 3, 3), ("b", 2, 2)],
                vec![row(Stable, "a", 3, 3, 3), row(New, "b", 2, 2, 2)],
            ),
            (
                "partition of nodes",
                Kind::AdvancedDaemonSet,
                MOVING,
                "InRolling",
                false,
                rolling(4),
                &[("a", 4, 4), ("b", 1, 1)],
                vec![row(Stable, "a", 4, 4, 4), row(New, "b", 1, 1, 1)],
            ),
            (
                "left over",
                Kind::StatefulSet,
                REST,
                "Completed",
                false,
                rolling(0),
                &[("a", 4, 4), ("z", 1, 0)],
                vec![row(Stable, "a", 5, 4, 4), row(Other, "z", 0, 1, 0)],
            ),
        ];
        for (name, kind, phase, reason, blue_green, spec, seen, revisions) in cases {
            let mut workload = json!({ "apiVersion": kind.api_versions()[0], "kind": kind.kind(),
                "metadata": { "name": "web", "uid": "u" },
                "spec": { "replicas": 5, "template": { "spec": { "containers": [{ "image": "web:b" }] } } },
                "status": { "desiredNumberScheduled": 5 } });
            json_patch::merge(&mut workload["spec"], &spec);
            let position = position(kind, phase, reason, blue_green);
            let counted = Pods::count(&position, &workload, &pods(kind, seen));
            assert_eq!(counted, Pods { wanted: 5, revisions }, "{name}");
        }
    }
}
