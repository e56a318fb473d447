//! The forms in which documents are printed for programs.

use super::{columns::Columns, jsonpath::JsonPath, template::Template};

/// A form.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// One JSON document, a List when there are several.
    Json,
    /// YAML, several documents separated by `---`.
    Yaml,
    /// A template, filled in with what `Json` prints.
    JsonPath(JsonPath),
    /// What a template's paths find, as a JSON list.
    JsonPathAsJson(JsonPath),
    /// Go's template, filled in with what `Json` prints.
    Template(Template),
    /// A table of what paths find.
    Columns(Columns),
}
