//! What `status` prints for programs of a workload that no Rollout releases.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{release::progress::Progress, workload::Kind};

/// The document of `-o json`. `schema` follows semantic versions: a new minor only adds.
#[must_use]
pub fn document(kind: Kind, namespace: &str, object: &Value, progress: &Progress, now: Timestamp) -> Value {
    let (metadata, pods) = (&object["metadata"], progress.pods);
    json!({
        "apiVersion": "cli.kruise.dev/v1",
        "kind": "WorkloadStatus",
        "schema": "1.0",
        "object": {
            "namespace": namespace,
            "kind": kind.kind(),
            "name": metadata["name"],
            "uid": metadata["uid"],
            "generation": metadata["generation"],
        },
        "state": progress.state.word(),
        "exitCode": progress.state.exit_code(),
        "message": progress.sentence,
        "pods": {
            "wanted": pods.wanted,
            "expectedNew": pods.expected,
            "current": pods.current,
            "new": pods.updated,
            "ready": pods.ready,
        },
        "observedAt": now,
    })
}
