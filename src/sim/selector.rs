//! Label selectors and field selectors, in their query form and as they stand in specs.

use serde_json::Value;

use super::failure::Failure;
use super::object::Object;

/// A conjunction of requirements on labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LabelSelector(Vec<(String, Test)>);

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl LabelSelector {
    /// Reads the query form, such as `app=web,tier!=db,env in (a,b),!old`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut tests = Vec::new();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if !part.is_empty() {
                tests.push(requirement(part).ok_or_else(|| {
                    Failure::bad_request(format!("unable to parse requirement: found '{part}'"))
                })?);
            }
        }
        Ok(Self(tests))
    }

    /// Reads `matchLabels` and `matchExpressions`.
    pub(super) fn from_spec(spec: &Value) -> Self {
        let mut tests = Vec::new();
        for (key, value) in spec
            .get("matchLabels")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            tests.push((
                key.clone(),
                Test::In(vec![value.as_str().unwrap_or_default().to_owned()]),
            ));
        }
        for expression in spec
            .get("matchExpressions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let values = || {
                let list = expression["values"].as_array();
                list.into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            };
            let test = match expression["operator"].as_str().unwrap_or_default() {
                "NotIn" => Test::NotIn(values()),
                "Exists" => Test::Exists,
                "DoesNotExist" => Test::Absent,
                _ => Test::In(values()),
            };
            tests.push((expression["key"].as_str().unwrap_or_default().to_owned(), test));
        }
        Self(tests)
    }

    /// Reads a plain map of labels, such as a Service's selector.
    pub(super) fn from_map(map: &Value) -> Self {
        let entries = map.as_object().into_iter().flatten();
        Self(
            entries
                .map(|(k, v)| {
                    (
                        k.clone(),
                        Test::In(vec![v.as_str().unwrap_or_default().to_owned()]),
                    )
                })
                .collect(),
        )
    }

    /// Whether nothing is required.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether labels satisfy every requirement.
    pub(super) fn matches(&self, labels: Option<&Value>) -> bool {
        self.0.iter().all(|(key, test)| {
            let value = labels.and_then(|l| l.get(key)).and_then(Value::as_str);
            match test {
                Test::In(values) => value.is_some_and(|v| values.iter().any(|x| x == v)),
                Test::NotIn(values) => value.is_none_or(|v| values.iter().all(|x| x != v)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0usize, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn requirement(part: &str) -> Option<(String, Test)> {
    let key = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && !text.contains([' ', '(', ')', '=', '!'])).then(|| text.to_owned())
    };
    if let Some(rest) = part.strip_prefix('!') {
        return Some((key(rest)?, Test::Absent));
    }
    if let Some((head, list)) = part.split_once('(') {
        let list = list.strip_suffix(')')?;
        let values = list.split(',').map(|v| v.trim().to_owned()).collect();
        let head = head.trim();
        if let Some(name) = head.strip_suffix(" notin") {
            return Some((key(name)?, Test::NotIn(values)));
        }
        return Some((key(head.strip_suffix(" in")?)?, Test::In(values)));
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Some((key(name)?, Test::NotIn(vec![value.trim().to_owned()])));
    }
    if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Some((key(name)?, Test::In(vec![value.trim().to_owned()])));
    }
    Some((key(part)?, Test::Exists))
}

/// A conjunction of equalities and inequalities on fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    /// Reads the query form, such as `metadata.name=web,status.phase!=Running`.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut tests = Vec::new();
        for part in text.split(',').filter(|p| !p.trim().is_empty()) {
            let (field, equal, value) = if let Some((f, v)) = part.split_once("!=") {
                (f, false, v)
            } else if let Some((f, v)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (f, true, v)
            } else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                )));
            };
            tests.push((field.trim().to_owned(), equal, value.trim().to_owned()));
        }
        Ok(Self(tests))
    }

    /// The one name that satisfies the selector, if it names one.
    pub(super) fn name(&self) -> Option<&str> {
        self.0
            .iter()
            .find(|(f, equal, _)| *equal && f == "metadata.name")
            .map(|(_, _, v)| v.as_str())
    }

    /// Whether an object satisfies every test.
    pub(super) fn matches(&self, object: &Object) -> bool {
        self.0
            .iter()
            .all(|(field, equal, value)| (read(object, field) == *value) == *equal)
    }
}

fn read(object: &Object, field: &str) -> String {
    let (part, rest) = field.split_once('.').unwrap_or((field, ""));
    let pointer = format!("/{}", rest.replace('.', "/"));
    let found = match part {
        "metadata" => object.meta.get(rest),
        "spec" => object.spec_at(&pointer),
        "status" => object.status_at(&pointer),
        other => object.rest.get(other).and_then(|v| {
            if rest.is_empty() {
                Some(v)
            } else {
                v.pointer(&pointer)
            }
        }),
    };
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Both selectors of a list, a watch or a deletion of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    /// On labels.
    pub(super) labels: LabelSelector,
    /// On fields.
    pub(super) fields: FieldSelector,
    /// On the namespace; `None` means all.
    pub(super) namespace: Option<String>,
}

impl Filter {
    /// Whether an object passes.
    pub(super) fn passes(&self, object: &Object) -> bool {
        self.namespace.as_deref().is_none_or(|n| n == object.namespace())
            && self.labels.matches(object.meta.get("labels"))
            && self.fields.matches(object)
    }
}
