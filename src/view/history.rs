//! What `history` shows: a table, a revision in full, and a document.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{block::Table, status::span};
use crate::release::{Entry, History};

/// Whose history it is.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// `deployment.apps/web`.
    pub title: &'a str,
    /// Namespace.
    pub namespace: &'a str,
    /// Name of the Rollout behind it.
    pub rollout: Option<&'a str>,
    /// Kind, as it stands in objects.
    pub kind: &'a str,
    /// Name.
    pub name: &'a str,
}

/// Stands for what nobody said; kubectl's.
const NONE: &str = "<none>";

fn age(entry: &Entry, now: Timestamp) -> String {
    let passed = |at: Timestamp| span(now.duration_since(at).max(SignedDuration::ZERO));
    entry.created.map_or_else(|| "<unknown>".to_owned(), passed)
}

fn number(entry: &Entry) -> String {
    entry
        .number
        .map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// The table; `wide` adds names and times.
#[must_use]
pub fn table(history: &History, now: Timestamp, wide: bool) -> Table {
    let mut header = vec!["REVISION", "PART", "READY", "AGE", "IMAGES"];
    if wide {
        header.extend(["NAME", "CREATED"]);
    }
    header.push("CHANGE-CAUSE");
    let rows = history.entries.iter().map(|entry| {
        let part = if entry.part.word().is_empty() {
            "-"
        } else {
            entry.part.word()
        };
        let mut row = vec![
            number(entry),
            part.to_owned(),
            format!("{}/{}", entry.ready, entry.pods),
            age(entry, now),
            entry.images().join(","),
        ];
        if wide {
            row.push(entry.hash.clone());
            row.push(entry.created.map(|at| at.to_string()).unwrap_or_default());
        }
        row.push(entry.change_cause.clone().unwrap_or_else(|| NONE.to_owned()));
        row
    });
    Table {
        rows: rows.collect(),
        header,
    }
}

fn revision(entry: &Entry) -> Value {
    json!({
        "revision": entry.number,
        "name": entry.hash,
        "part": Some(entry.part.word()).filter(|word| !word.is_empty()),
        "images": entry.images(),
        "createdAt": entry.created,
        "changeCause": entry.change_cause,
        "pods": entry.pods,
        "readyPods": entry.ready,
    })
}

/// The document of `-o json`; with the pod template where one revision is asked for. `schema` follows semantic versions: a
/// new minor only adds.
#[must_use]
pub fn document(owner: Owner<'_>, entries: &[Entry], with_template: bool, now: Timestamp) -> Value {
    let revisions = entries.iter().map(|entry| {
        let mut value = revision(entry);
        if with_template {
            value["template"] = entry.template.clone();
        }
        value
    });
    json!({
        "apiVersion": "cli.kruise.dev/v1",
        "kind": "RolloutHistory",
        "schema": "1.0",
        "object": { "namespace": owner.namespace, "kind": owner.kind, "name": owner.name },
        "rollout": owner.rollout,
        "revisions": revisions.collect::<Vec<_>>(),
        "observedAt": now,
    })
}
