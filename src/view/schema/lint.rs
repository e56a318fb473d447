//! The document of `lint`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `lint -o json`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LintReport {
    /// `cli.kruise.dev/v1`.
    pub api_version: String,
    /// `LintReport`.
    pub kind: String,
    /// Version of this document: 1.0.
    pub schema: String,
    /// The line that sums up.
    pub summary: String,
    /// Objects that were looked at.
    pub objects: usize,
    /// Rollouts among them.
    pub rollouts: usize,
    /// What was found.
    pub findings: Vec<LintFinding>,
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LintFinding {
    /// Which rule; the name does not change.
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// Kind and name, with the namespace where there is one.
    pub object: String,
    /// A sentence.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// The field; absent where it is about the object as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The file; absent for what a cluster has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, 1-based.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}
