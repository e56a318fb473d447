//! The verdict on one metric.

use serde::{Deserialize, Serialize};

use super::record::Series;
use crate::api::analysis_template::Metric;

/// Measurements in a row that may come to nothing when the template does not say; Argo Rollouts' default.
const ERRORS: i64 = 4;

/// How many measurements of what kind decide. No limit is no number.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Measurements that must be there before the metric may pass.
    pub required: i64,
    /// Whether measuring goes on after that, until the step is left.
    pub is_open: bool,
    /// Bad ones that are put up with.
    pub failures: Option<i64>,
    /// Inconclusive ones that are put up with.
    pub inconclusive: Option<i64>,
    /// Errors in a row that are put up with.
    pub errors: Option<i64>,
    /// Good ones in a row that are enough.
    pub successes: Option<i64>,
}

impl Limits {
    pub(super) fn of(metric: &Metric) -> Self {
        let limit = |number: Option<i32>, default: i64| {
            let number = number.map_or(default, i64::from);
            (number >= 0).then_some(number)
        };
        let failures = limit(metric.failure_limit, 0);
        let successes = metric
            .consecutive_success_limit
            .filter(|enough| *enough > 0)
            .map(i64::from);
        let count = metric.count.filter(|count| *count > 0).map(i64::from);
        let required = match (count, &metric.interval) {
            (Some(count), _) => count,
            (None, None) => 1,
            // Fewer could not fail.
            (None, Some(_)) => failures
                .unwrap_or(0)
                .saturating_add(1)
                .max(successes.unwrap_or(0)),
        };
        Self {
            required,
            is_open: count.is_none() && metric.interval.is_some(),
            failures,
            inconclusive: limit(metric.inconclusive_limit, 0),
            errors: limit(metric.consecutive_error_limit, ERRORS),
            successes,
        }
    }
}

/// What measurements mean.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Serialize, Deserialize)]
pub enum Verdict {
    /// Good enough.
    Passed,
    /// There are too few to tell.
    #[default]
    Running,
    /// A human must judge.
    Inconclusive,
    /// Bad.
    Failed,
}

impl Verdict {
    /// The word for humans.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Running => "measuring",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "failed",
        }
    }
}

/// Judges a metric by its measurements so far, and says why in words.
///
/// Too many bad measurements win over everything; errors are no measurements, but too many in a row leave it to a human: a
/// metrics server that is away says nothing of the version.
#[must_use]
pub fn judge(limits: &Limits, series: &Series) -> (Verdict, Option<String>) {
    let counts = &series.counts;
    let over = |count: i64, limit: Option<i64>| limit.is_some_and(|limit| count > limit);
    let last = || {
        series
            .samples
            .last()
            .and_then(|sample| sample.why.clone())
            .unwrap_or_default()
    };
    if over(counts.failure, limits.failures) {
        let put_up = limits.failures.unwrap_or(0);
        let why = format!("{}, {put_up} tolerated", many(counts.failure, "bad measurement"));
        return (Verdict::Failed, Some(why));
    }
    if over(counts.inconclusive, limits.inconclusive) {
        let why = format!(
            "{}: {}",
            many(counts.inconclusive, "inconclusive measurement"),
            last()
        );
        return (Verdict::Inconclusive, Some(why));
    }
    if series.is_final {
        return (Verdict::Inconclusive, Some(last()));
    }
    if over(series.errors_in_row, limits.errors) {
        let why = format!("{} in a row: {}", many(series.errors_in_row, "error"), last());
        return (Verdict::Inconclusive, Some(why));
    }
    if limits.successes.is_some_and(|enough| series.best_row >= enough) {
        return (Verdict::Passed, None);
    }
    let measured = counts.success + counts.failure + counts.inconclusive;
    if measured < limits.required {
        return (Verdict::Running, None);
    }
    match limits.successes {
        Some(_) if limits.is_open => (Verdict::Running, None),
        Some(enough) => {
            let why = format!("{measured} measurements, and never {enough} good ones in a row");
            (Verdict::Inconclusive, Some(why))
        }
        None => (Verdict::Passed, None),
    }
}

fn many(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
