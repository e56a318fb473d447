//! The document of `-o json`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Status, style_word};
use crate::{release::Finding, view::gate};

impl Status {
    /// The document of `-o json`. `schema` follows semantic versions: a new minor only adds.
    #[must_use]
    pub fn document(&self, now: Timestamp) -> Value {
        let position = &self.position;
        let steps = position.steps.iter().zip(1..).map(|(step, number)| {
            json!({
                "index": number,
                "replicas": step.replicas,
                "traffic": step.traffic,
                "matches": step.matches.len(),
                "pauseSeconds": step.pause.duration,
            })
        });
        let revisions = self.pods.revisions.iter().map(|revision| {
            json!({
                "role": revision.role.word(),
                "hash": revision.hash,
                "images": revision.images,
                "desired": revision.desired,
                "current": revision.current,
                "ready": revision.ready,
            })
        });
        let traffic = self.traffic.iter().map(|traffic| {
            json!({
                "route": traffic.route,
                "wanted": (!traffic.wanted.is_empty()).then_some(&traffic.wanted),
                "set": traffic.set,
                "percent": traffic.percent,
            })
        });
        let mut object = json!({ "namespace": self.namespace, "name": self.name });
        json_patch::merge(&mut object, &self.object);
        let mut document = json!({
            "apiVersion": "cli.kruise.dev/v1",
            "kind": "RolloutStatus",
            "schema": "1.0",
            "object": object,
            "workload": self.workload,
            "style": position.style.map(style_word),
            "verdict": self.verdict.word(),
            "exitCode": self.verdict.exit_code(),
            "phase": position.phase,
            "message": position.message,
            "degraded": position.degraded,
            "next": { "actor": self.next_actor(), "sentence": self.next_sentence(now), "command": self.command },
            "step": {
                "index": position.step,
                "total": position.total(),
                "state": position.state,
                "since": position.since,
                "remainingSeconds": position.pause_left(now).map(|left| left.as_secs()),
            },
            "steps": steps.collect::<Vec<_>>(),
            "replicas": self.pods.wanted,
            "revisions": revisions.collect::<Vec<_>>(),
            "newRevision": position.new_revision,
            "traffic": traffic.collect::<Vec<_>>(),
            "causes": self.causes.iter().map(Finding::document).collect::<Vec<_>>(),
            "unread": self.unread,
            "trafficRouting": self.shared.as_ref().map(|shared| {
                json!({ "name": shared.name, "phase": shared.phase, "message": shared.message, "neededBy": shared.holders })
            }),
            "problems": self.problems.iter().map(|p| json!({ "message": p.what, "hint": p.hint })).collect::<Vec<_>>(),
            "observedAt": now,
        });
        if let Some(record) = &position.gate {
            document["gate"] = gate::document(record);
        }
        document
    }
}
