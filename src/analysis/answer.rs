//! What came back when a provider was asked, and what it means.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    condition,
    gate::{Measure, Request},
};

/// Values of a result that are kept; the rest is only judged.
const KEPT: usize = 4;
/// Characters of a query's name.
const LONGEST: usize = 32;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A result. Numbers that are none stand in it as `NaN`, `+Inf`, `-Inf`.
    Result(Value),
    /// None.
    Fault(Fault),
    /// Nobody was asked; it is taken for good. Plans do so.
    Assumed,
}

/// Why there is no result. In words that show neither query nor credentials.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The words.
    pub why: String,
    /// Whether asking again cannot help.
    pub is_final: bool,
}

impl Fault {
    /// One that may pass.
    #[must_use]
    pub fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: false,
        }
    }

    /// One that stays until somebody changes something.
    #[must_use]
    pub fn lasting(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What one measurement says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Good.
    Success,
    /// Bad.
    Failure,
    /// Neither.
    Inconclusive,
    /// It came to nothing.
    Error,
}

impl Outcome {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "good",
            Self::Failure => "bad",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        }
    }
}

/// A measurement that was judged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rated {
    pub(super) outcome: Outcome,
    /// What is kept of the result.
    pub(super) value: Option<Value>,
    /// Why it is neither good nor bad.
    pub(super) why: Option<String>,
    /// Whether asking again cannot help.
    pub(super) is_final: bool,
}

impl Rated {
    fn new(outcome: Outcome, value: Option<Value>, why: Option<String>) -> Self {
        Self {
            outcome,
            value,
            why,
            is_final: false,
        }
    }
}

/// How many values an answer may have: a condition looks at each, perhaps at all of them for each, while every other release
/// waits.
const MOST_VALUES: usize = 2_000;

/// What is left of a number of values when those of an answer are taken away; nothing when there are more.
fn left_of(value: &Value, left: usize) -> usize {
    let left = left.saturating_sub(1);
    match value {
        Value::Array(items) => items
            .iter()
            .fold(left, |left, item| if left == 0 { 0 } else { left_of(item, left) }),
        Value::Object(fields) => fields
            .values()
            .fold(left, |left, item| if left == 0 { 0 } else { left_of(item, left) }),
        _ => left,
    }
}

/// What an answer means to a metric.
///
/// A result without numbers is inconclusive, unless a condition minds it (`isNaN`, `size`): a success rate of no requests
/// says nothing of the version. A condition that does not fit the result is an error.
pub(super) fn rate(measure: &Measure, answer: &Answer) -> Rated {
    let result = match answer {
        Answer::Assumed => return Rated::new(Outcome::Success, None, None),
        Answer::Fault(fault) => {
            return Rated {
                is_final: fault.is_final,
                ..Rated::new(Outcome::Error, None, Some(fault.why.clone()))
            };
        }
        Answer::Result(result) => result,
    };
    let names = match &measure.request {
        Request::Prometheus(asked) => asked.queries.keys().map(String::as_str).collect(),
        _ => BTreeSet::new(),
    };
    let value = Some(kept(result, &names));
    if left_of(result, MOST_VALUES) == 0 {
        let why = format!("the answer has more than {MOST_VALUES} values: aggregate them in the query");
        return Rated {
            is_final: true,
            ..Rated::new(Outcome::Error, value, Some(why))
        };
    }
    let conditions = [&measure.success, &measure.failure];
    let minds = conditions
        .into_iter()
        .flatten()
        .any(|text| condition::minds_missing(text));
    if is_missing(result) && !minds {
        return Rated::new(Outcome::Inconclusive, value, Some("no data".to_owned()));
    }
    let holds = |text: &Option<String>| {
        text.as_ref()
            .map(|text| condition::holds(text, result))
            .transpose()
    };
    match (holds(&measure.success), holds(&measure.failure)) {
        (_, Ok(Some(true))) | (Ok(Some(false)), Ok(None)) => Rated::new(Outcome::Failure, value, None),
        (Ok(Some(true)), Ok(_)) | (Ok(None), Ok(Some(false))) => Rated::new(Outcome::Success, value, None),
        (Ok(None), Ok(None)) => {
            let why = "there is no condition: a human judges the value";
            Rated::new(Outcome::Inconclusive, value, Some(why.to_owned()))
        }
        (Ok(Some(false)), Ok(Some(false))) => {
            let why = "neither successCondition nor failureCondition holds";
            Rated::new(Outcome::Inconclusive, value, Some(why.to_owned()))
        }
        (Err(why), _) | (_, Err(why)) => Rated::new(Outcome::Error, value, Some(why)),
    }
}

/// Whether there is no number to judge: an empty list, or one that has NaN in it; of several queries in any of them.
fn is_missing(result: &Value) -> bool {
    match result {
        Value::Array(items) => items.is_empty() || items.iter().any(|item| item == "NaN"),
        Value::String(text) => text == "NaN",
        Value::Object(fields) if fields.values().all(Value::is_array) => fields.values().any(is_missing),
        _ => false,
    }
}

/// What is kept of a result, for anybody to read who may read the Rollout: its first numbers. Of texts, objects and lists in
/// lists only how long they are: they may have anything in them. `names` are those of the template's queries.
fn kept(result: &Value, names: &BTreeSet<&str>) -> Value {
    match result {
        Value::Array(items) => Value::Array(items.iter().take(KEPT).map(kept_one).collect()),
        Value::Object(fields) if !names.is_empty() => {
            let named = fields.iter().filter(|(name, _)| names.contains(name.as_str()));
            let none = BTreeSet::new();
            named
                .take(KEPT)
                .map(|(name, value)| (name.chars().take(LONGEST).collect::<String>(), kept(value, &none)))
                .collect()
        }
        Value::Object(fields) => match fields.get("exitCode").filter(|code| code.is_number()) {
            Some(code) => json!({ "exitCode": kept_one(code) }),
            None => kept_one(result),
        },
        other => kept_one(other),
    }
}

fn kept_one(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Seven digits are more than anybody judges by.
            Some(float) if number.is_f64() => json!((float * 1e6).round() / 1e6),
            _ => value.clone(),
        },
        Value::Bool(_) | Value::Null => value.clone(),
        Value::String(text) if matches!(text.as_str(), "NaN" | "+Inf" | "-Inf") => value.clone(),
        Value::String(text) => json!(format!("a text of {} characters", text.chars().count())),
        Value::Array(items) => json!(format!("a list of {} values", items.len())),
        Value::Object(fields) => json!(format!("an object of {} fields", fields.len())),
    }
}

/// Reads the answer of Prometheus' query API: the list of its values.
///
/// # Errors
/// It is no answer to an instant query.
pub fn prometheus(text: &str) -> Result<Value, Fault> {
    let answer: Value = serde_json::from_str(text).map_err(|_| Fault::passing("the answer is not JSON"))?;
    if answer["status"] != "success" {
        let kind = answer["errorType"].as_str().unwrap_or("unknown");
        let words = format!("Prometheus cannot answer: {kind}");
        return Err(match kind {
            // The query itself is wrong.
            "bad_data" => Fault::lasting(words),
            _ => Fault::passing(words),
        });
    }
    let number = |pair: &Value| match pair[1].as_str() {
        Some("NaN") => Some(json!("NaN")),
        Some(text @ ("+Inf" | "-Inf")) => Some(json!(text)),
        Some(text) => text.parse::<f64>().ok().map(|number| json!(number)),
        None => None,
    };
    let result = &answer["data"]["result"];
    let values = match answer["data"]["resultType"].as_str() {
        Some("vector") => {
            let items = result.as_array().into_iter().flatten();
            items
                .map(|item| number(&item["value"]))
                .collect::<Option<Vec<_>>>()
        }
        Some("scalar") => number(result).map(|value| vec![value]),
        Some("matrix") => {
            return Err(Fault::lasting(
                "the query answers a range, not one value for each series; use an instant query",
            ));
        }
        _ => None,
    };
    let values = values.ok_or_else(|| Fault::passing("the answer is not one of Prometheus' query API"))?;
    Ok(Value::Array(values))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::{MOST_VALUES, kept, left_of};

    #[test]
    fn values_are_counted_to_the_limit() {
        let of = |count: usize| json!({ "items": vec![1; count] });
        assert_eq!(left_of(&json!(1), 3), 2);
        assert_eq!(left_of(&of(10), 100), 88);
        assert_eq!(left_of(&of(MOST_VALUES), MOST_VALUES), 0);
    }

    #[test]
    fn of_an_answer_numbers_are_kept_and_of_the_rest_how_long_it_is() {
        let long = "x".repeat(5000);
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        let cases = [
            (json!(0.987_654_321), json!(0.987_654)),
            (
                json!([1, "NaN", "+Inf", null, true]),
                json!([1, "NaN", "+Inf", null]),
            ),
            (json!(long), json!("a text of 5000 characters")),
            (
                json!({ "token": "secret", "n": 1 }),
                json!("an object of 2 fields"),
            ),
            (json!({ &long: [1] }), json!("an object of 1 fields")),
            (
                json!({ "exitCode": 3, "output": "secret" }),
                json!({ "exitCode": 3 }),
            ),
            (json!({ "exitCode": "secret" }), json!("an object of 1 fields")),
            (
                json!([deep, [1, 2], { "a": 1 }]),
                json!([
                    "a list of 1 values",
                    "a list of 2 values",
                    "an object of 1 fields"
                ]),
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(kept(&result, &BTreeSet::new()), expected, "{result}");
        }
        let both = json!({ "new": [0.5, "secret"], "other": [1] });
        assert_eq!(
            kept(&both, &BTreeSet::from(["new"])),
            json!({ "new": [0.5, "a text of 6 characters"] })
        );
    }
}
