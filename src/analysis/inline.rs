//! Gates from a file: `--analysis FILE`.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Analysis, Template};
use crate::api::analysis_template::{AnalysisTemplateSpec, Binding};

/// What a file says: templates, and which steps they decide about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inline {
    templates: BTreeMap<String, AnalysisTemplateSpec>,
    bindings: Vec<Binding>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct InlineError {
    /// Which document, and where in it.
    pub place: String,
    /// What.
    pub why: String,
}

/// The document that says which steps are judged by which templates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gates {
    gates: Vec<Binding>,
}

impl Inline {
    /// Reads the documents of a file: AnalysisTemplates, and one `{gates: [{template, steps, args}]}`. Without the latter every
    /// template decides about every step.
    ///
    /// # Errors
    /// A document is neither, or there is no template.
    pub fn read(documents: &[Value]) -> Result<Self, InlineError> {
        let mut all = Self::default();
        let mut bindings = None;
        for (index, document) in documents.iter().enumerate() {
            let wrong = |why: String| InlineError {
                place: format!("document {}", index + 1),
                why,
            };
            if document["kind"] == "AnalysisTemplate" {
                let name = document["metadata"]["name"].as_str().unwrap_or_default();
                if name.is_empty() {
                    return Err(wrong("the AnalysisTemplate has no metadata.name".to_owned()));
                }
                let spec = strict(&document["spec"])
                    .map_err(|why| wrong(format!("analysistemplate/{name}: {why}")))?;
                all.templates.insert(name.to_owned(), spec);
            } else if !document["gates"].is_null() {
                let gates: Gates =
                    serde_json::from_value(document.clone()).map_err(|error| wrong(error.to_string()))?;
                bindings = Some(gates.gates);
            } else {
                let kind = document["kind"].as_str().unwrap_or("nothing known");
                return Err(wrong(format!(
                    "it is {kind}; expected an AnalysisTemplate, or gates: [...]"
                )));
            }
        }
        if all.templates.is_empty() {
            return Err(InlineError {
                place: "the file".to_owned(),
                why: "has no AnalysisTemplate in it".to_owned(),
            });
        }
        let everywhere = |name: &String| Binding {
            template: name.clone(),
            ..Binding::default()
        };
        all.bindings = bindings.unwrap_or_else(|| all.templates.keys().map(everywhere).collect());
        Ok(all)
    }

    /// The same with these args given, whatever the file says of them.
    #[must_use]
    pub fn with_args(mut self, args: &BTreeMap<String, String>) -> Self {
        for binding in &mut self.bindings {
            binding.args.extend(args.clone());
        }
        self
    }

    /// As what is known of metric gates, instead of what the Rollout and the cluster say.
    #[must_use]
    pub fn analysis(&self) -> Analysis {
        let trusted = |spec: &AnalysisTemplateSpec| Template {
            spec: Ok(spec.clone()),
            is_trusted: true,
        };
        Analysis {
            templates: self
                .templates
                .iter()
                .map(|(name, spec)| (name.clone(), trusted(spec)))
                .collect(),
            instead: Some(self.bindings.clone()),
            ..Analysis::default()
        }
    }
}

/// Reads what must have no unknown fields: an API server would warn of them, a file has nobody who does.
fn strict<T: DeserializeOwned + serde::Serialize>(value: &Value) -> Result<T, String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let kept = serde_json::to_value(&typed).unwrap_or_default();
    match lost(value, &kept, "spec") {
        Some(field) => Err(format!("{field}: there is no such field")),
        None => Ok(typed),
    }
}

/// The first field that a value has and its typed form has not.
fn lost(value: &Value, kept: &Value, place: &str) -> Option<String> {
    match (value, kept) {
        (Value::Object(fields), _) => fields.iter().find_map(|(name, value)| {
            let place = format!("{place}.{name}");
            match kept.get(name) {
                Some(kept) => lost(value, kept, &place),
                // What says nothing is not written back.
                None if value.is_null() || *value == Value::Bool(false) => None,
                None if value.as_array().is_some_and(Vec::is_empty) => None,
                None => Some(place),
            }
        }),
        (Value::Array(items), Value::Array(kept)) => {
            let mut pairs = items.iter().zip(kept).enumerate();
            pairs.find_map(|(index, (item, kept))| lost(item, kept, &format!("{place}[{index}]")))
        }
        _ => None,
    }
}
