//! What is kept of a step's measurements, in an annotation of the Rollout.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outcome, Verdict, answer::Rated};
use crate::api::{Time, analysis_template::OnFailure, keys, v1beta1::Rollout};

/// Measurements of a metric that are kept one by one; all are counted.
const KEPT: usize = 20;
/// Bytes that the record may have while there is anything to leave out; all annotations of an object may have 256 KiB.
const LARGEST: usize = 64 << 10;
/// Characters of a reason that are kept.
const LONGEST: usize = 120;

/// The measurements of one step of one release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The revision that is released.
    pub revision: String,
    /// The step, 1-based.
    pub step: i32,
    /// When measuring began; with revision and step it tells one go at a step from the next.
    pub began: Time,
    /// All metrics together.
    pub verdict: Verdict,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What becomes, or became, of a release that fails.
    pub on_failure: OnFailure,
    /// The metrics.
    pub metrics: Vec<Series>,
}

/// The measurements of one metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The template.
    pub template: String,
    /// The metric.
    pub name: String,
    /// The threshold, as humans read it.
    pub condition: String,
    /// Measurements that must be there.
    pub required: i64,
    /// Whether it decides nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// What they mean.
    #[serde(default)]
    pub verdict: Verdict,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How many of what kind.
    #[serde(default)]
    pub counts: Counts,
    /// Errors in a row, the last measurement among them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub errors_in_row: i64,
    /// Good ones in a row, the last measurement among them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub row: i64,
    /// Most good ones in a row.
    #[serde(default, skip_serializing_if = "is_none")]
    pub best_row: i64,
    /// Whether measuring again cannot help.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// When it is measured next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
    /// The latest, oldest first.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

fn is_none(number: &i64) -> bool {
    *number == 0
}

/// How many measurements of what kind.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Good.
    pub success: i64,
    /// Bad.
    pub failure: i64,
    /// Neither.
    pub inconclusive: i64,
    /// Came to nothing.
    pub error: i64,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// When it was asked for.
    pub at: Time,
    /// What came back, cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What it says.
    pub outcome: Outcome,
    /// Why it is neither good nor bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Record {
    /// What the last measurement of each metric says by itself: bad is bad, and what says nothing needs a human. How many of
    /// them a gate asks for does not matter.
    #[must_use]
    pub fn of_one_look(&self) -> Verdict {
        let decisive = self.metrics.iter().filter(|series| !series.dry_run);
        let outcomes: Vec<Outcome> = decisive
            .filter_map(|series| series.samples.last().map(|sample| sample.outcome))
            .collect();
        if outcomes.contains(&Outcome::Failure) {
            Verdict::Failed
        } else if outcomes.iter().all(|outcome| *outcome == Outcome::Success) {
            Verdict::Passed
        } else {
            Verdict::Inconclusive
        }
    }

    /// The record on a Rollout; nothing when there is none, or one that cannot be read: then the step is measured anew.
    #[must_use]
    pub fn read(rollout: &Rollout) -> Option<Self> {
        let annotations = rollout.metadata.annotations.as_ref()?;
        serde_json::from_str(annotations.get(keys::ANALYSIS_RESULTS)?).ok()
    }

    /// What stands in the annotation. Of many metrics fewer measurements are kept one by one, so that it is never refused; the
    /// last one of each stays, since it says when to measure again.
    #[must_use]
    pub fn text(&self) -> String {
        let write = |record: &Self| serde_json::to_string(record).unwrap_or_default();
        let mut text = write(self);
        let mut less = self.clone();
        while text.len() > LARGEST && less.metrics.iter().any(|series| series.samples.len() > 1) {
            for series in &mut less.metrics {
                let superfluous = series.samples.len() / 2;
                series.samples.drain(..superfluous);
            }
            text = write(&less);
        }
        text
    }
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> i64 {
        self.success + self.failure + self.inconclusive + self.error
    }
}

impl Series {
    /// Measurements that count: errors are none.
    #[must_use]
    pub fn measured(&self) -> i64 {
        self.counts.all() - self.counts.error
    }

    /// How many measurements count, of how many that must be there.
    #[must_use]
    pub fn progress(&self) -> String {
        let (measured, required) = (self.measured(), self.required);
        if measured > required {
            format!("{measured} ({required} needed)")
        } else {
            format!("{measured} of {required}")
        }
    }

    /// The value of the latest measurement, as humans read it: a list of one is its value.
    #[must_use]
    pub fn latest(&self) -> String {
        self.samples.last().map_or_else(String::new, Sample::shown)
    }

    /// Notes a measurement.
    pub(super) fn push(&mut self, at: Time, rated: Rated) {
        let count = match rated.outcome {
            Outcome::Success => &mut self.counts.success,
            Outcome::Failure => &mut self.counts.failure,
            Outcome::Inconclusive => &mut self.counts.inconclusive,
            Outcome::Error => &mut self.counts.error,
        };
        *count += 1;
        match rated.outcome {
            Outcome::Error => self.errors_in_row += 1,
            Outcome::Success => {
                self.errors_in_row = 0;
                self.row += 1;
                self.best_row = self.best_row.max(self.row);
            }
            Outcome::Failure | Outcome::Inconclusive => {
                self.errors_in_row = 0;
                self.row = 0;
            }
        }
        self.is_final = rated.is_final;
        let short = |why: String| why.chars().take(LONGEST).collect();
        self.samples.push(Sample {
            at,
            value: rated.value,
            outcome: rated.outcome,
            why: rated.why.map(short),
        });
        let superfluous = self.samples.len().saturating_sub(KEPT);
        self.samples.drain(..superfluous);
    }
}

impl Sample {
    /// The value as humans read it.
    #[must_use]
    pub fn shown(&self) -> String {
        fn word(value: &Value) -> String {
            match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => match items.as_slice() {
                    [] => "nothing".to_owned(),
                    [one] => word(one),
                    many => many.iter().map(word).collect::<Vec<_>>().join(", "),
                },
                Value::Object(fields) => {
                    let fields = fields
                        .iter()
                        .map(|(name, value)| format!("{name} {}", word(value)));
                    fields.collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            }
        }
        match (&self.value, self.outcome) {
            (Some(value), _) => word(value),
            (None, Outcome::Error) => "error".to_owned(),
            (None, outcome) => outcome.word().to_owned(),
        }
    }

    /// The number of it, for a sparkline: the first, where there are several.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        fn first(value: &Value) -> Option<f64> {
            match value {
                Value::Number(number) => number.as_f64(),
                Value::Array(items) => first(items.first()?),
                Value::Object(fields) => first(fields.values().next()?),
                _ => None,
            }
        }
        first(self.value.as_ref()?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Counts, LARGEST, Outcome, Record, Sample, Series};

    #[test]
    fn many_metrics_keep_fewer_measurements_and_all_counts() {
        let at: crate::api::Time = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        let series = Series {
            counts: Counts {
                success: 20,
                ..Counts::default()
            },
            samples: vec![
                Sample {
                    at,
                    value: Some(json!([1, 2, 3, 4])),
                    outcome: Outcome::Success,
                    why: None
                };
                20
            ],
            ..Series::default()
        };
        let mut record: Record = serde_json::from_value(
            json!({ "revision": "a", "step": 1, "began": "2026-01-01T00:00:00Z",
            "verdict": "Running", "onFailure": "Pause", "metrics": [] }),
        )
        .unwrap();
        for (metrics, left, largest) in [(1, 20, LARGEST), (100, 5, LARGEST), (400, 1, 2 * LARGEST)] {
            record.metrics = vec![series.clone(); metrics];
            let text = record.text();
            let read: Record = serde_json::from_str(&text).unwrap();
            let kept: Vec<usize> = read.metrics.iter().map(|series| series.samples.len()).collect();
            assert!(text.len() <= largest, "{metrics}: {}", text.len());
            assert_eq!(kept, vec![left; metrics]);
            assert_eq!(read.metrics[0].counts, series.counts);
        }
    }
}
