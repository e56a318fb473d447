//! The parts of a hold policy's CEL that speak of one field.
//!
//! Parents may be missing or null, so every access is an optional chain; values of several types meet in one expression,
//! so each goes through `dyn`.

use serde_json::Value;

use crate::api::keys;
use crate::workload::hold;

/// A field of the hold in CEL.
pub(super) struct Field {
    /// Dotted path under `spec`.
    pub(super) path: &'static str,
    /// What the request has there, as an optional.
    pub(super) new: String,
    /// What the server has there, as an optional.
    pub(super) old: String,
    /// The value that holds, as a literal: JSON's scalars are CEL's.
    pub(super) hold: String,
}

impl Field {
    /// The field at a dotted path, with the value that holds.
    pub(super) fn new(path: &'static str, value: &Value) -> Self {
        Self {
            path,
            new: chain("object", path),
            old: chain("oldObject", path),
            hold: value.to_string(),
        }
    }

    /// `"PATH":VALUE` of the mark: the user's value as JSON, null where there is none. The server drops a `paused: false`
    /// of a Deployment, so none is false there.
    pub(super) fn original(&self) -> String {
        let Self { path, new, .. } = self;
        let none = if *path == hold::PAUSED { "false" } else { "null" };
        format!(
            "'\"{path}\":' +\n  \
             ({new}.orValue(null) == null ? '{none}' :\n   \
             type({new}.value()) == string ? '\"' + string({new}.value()) + '\"' : string({new}.value()))"
        )
    }

    /// Paths of the mappings that the field stands in, outermost first.
    pub(super) fn parents(&self) -> impl Iterator<Item = &'static str> + use<> {
        let path = self.path;
        path.match_indices('.')
            .map(move |(end, _)| path.get(..end).unwrap_or(path))
    }

    /// The patch that makes a mapping where the request has none, unless there was none before and that returns.
    pub(super) fn parent_made(path: &str) -> String {
        let (new, old) = (chain("object", path), chain("oldObject", path));
        format!(
            "({new}.orValue(null) != null || (variables.keep && {old}.orValue(null) == null) ? [] :\n  \
             [JSONPatch{{op: \"add\", path: \"{}\", value: {{}}}}])",
            pointer(path)
        )
    }

    /// The patch that writes the hold; or, when nothing new came, what was there before, be it nothing.
    pub(super) fn written(&self) -> String {
        let Self { path, new, old, hold } = self;
        let pointer = pointer(path);
        format!(
            "(variables.keep && !{old}.hasValue() ?\n  \
             ({new}.hasValue() ? [JSONPatch{{op: \"remove\", path: \"{pointer}\"}}] : []) :\n  \
             [JSONPatch{{op: \"add\", path: \"{pointer}\",\n    \
             value: variables.keep ? dyn({old}.value()) : dyn({hold})}}])"
        )
    }
}

/// CEL for the mark's text on `object` or `oldObject`; empty when there is none.
pub(super) fn marked(object: &str) -> String {
    format!(
        r#"{object}.metadata.?annotations[?"{}"].orValue("")"#,
        keys::IN_PROGRESSING
    )
}

fn chain(object: &str, path: &str) -> String {
    format!("{object}.spec.?{}", path.replace('.', ".?"))
}

fn pointer(path: &str) -> String {
    format!("/spec/{}", path.replace('.', "/"))
}
