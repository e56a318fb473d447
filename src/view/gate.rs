//! The measurements of a step as tables, lines and documents.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{block::Table, status::span};
use crate::analysis::{Outcome, Record, Sample, Series, Verdict};

/// Heights of a sparkline.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The metrics of a step under way: value, threshold, how far, what came so far.
#[must_use]
pub fn table(record: &Record, now: Timestamp) -> Table {
    let rows = record.metrics.iter().map(|series| {
        vec![
            name(series),
            shown(series),
            series.condition.clone(),
            far(series),
            sparkline(&series.samples),
            state(series, now),
        ]
    });
    Table {
        header: vec!["METRIC", "VALUE", "CONDITION", "MEASURED", "SAMPLES", "STATE"],
        rows: rows.collect(),
    }
}

/// One measurement of each metric.
#[must_use]
pub fn measurements(record: &Record) -> Table {
    let rows = record.metrics.iter().map(|series| {
        let last = series.samples.last();
        let why = last.and_then(|sample| sample.why.clone());
        vec![
            name(series),
            shown(series),
            series.condition.clone(),
            last.map_or("-", |sample| sample.outcome.word()).to_owned(),
            why.unwrap_or_else(|| "-".to_owned()),
        ]
    });
    Table {
        header: vec!["METRIC", "VALUE", "CONDITION", "RESULT", "WHY"],
        rows: rows.collect(),
    }
}

/// `success-rate 0.98 (result[0] >= 0.95) 2 of 4`: each metric in a few words.
#[must_use]
pub fn line(record: &Record) -> String {
    let metrics = record.metrics.iter().map(|series| {
        let value = match series.samples.last() {
            Some(_) => format!(" {}", shown(series)),
            None => String::new(),
        };
        format!("{}{value} ({}) {}", series.name, series.condition, far(series))
    });
    metrics.collect::<Vec<_>>().join(", ")
}

/// What a gate that is not done is waiting for.
#[must_use]
pub fn waiting(record: &Record, now: Timestamp) -> Option<String> {
    if record.verdict != Verdict::Running {
        return None;
    }
    let open = record
        .metrics
        .iter()
        .filter(|series| !series.dry_run && series.verdict == Verdict::Running);
    let words = open.map(|series| format!("{} ({})", series.name, far(series)));
    let next = record.metrics.iter().filter_map(|series| series.next).min();
    let next = next.map_or_else(String::new, |at| match at.0.duration_since(now) {
        left if left.is_positive() => format!(", the next in {}", span(left)),
        _ => ", one is due".to_owned(),
    });
    Some(format!(
        "measurements of {}{next}",
        words.collect::<Vec<_>>().join(", ")
    ))
}

/// The metrics for programs.
#[must_use]
pub fn metrics(record: &Record) -> Vec<Value> {
    let metrics = record.metrics.iter().map(|series| {
        json!({
            "template": series.template,
            "name": series.name,
            "value": series.samples.last().and_then(|sample| sample.value.clone()),
            "condition": series.condition,
            "verdict": series.verdict.word(),
            "why": series.why,
            "dryRun": series.dry_run,
            "required": series.required,
            "measured": series.measured(),
            "counts": series.counts,
            "next": series.next,
            "samples": series.samples,
        })
    });
    metrics.collect()
}

/// The record for programs.
#[must_use]
pub fn document(record: &Record) -> Value {
    json!({
        "step": record.step,
        "revision": record.revision,
        "since": record.began,
        "verdict": record.verdict.word(),
        "why": record.why,
        "onFailure": record.on_failure,
        "metrics": metrics(record),
    })
}

/// The samples as bars between their lowest and their highest; what has no number is a mark.
#[must_use]
pub fn sparkline(samples: &[Sample]) -> String {
    let numbers = || {
        samples
            .iter()
            .filter_map(Sample::number)
            .filter(|number| number.is_finite())
    };
    let (low, high) = numbers().fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(n), high.max(n)));
    let bar = |sample: &Sample| match (sample.number(), sample.outcome) {
        (Some(number), _) if number.is_finite() && high > low => {
            let share = ((number - low) / (high - low)).clamp(0.0, 1.0);
            BARS.iter()
                .zip(1_u8..)
                .find(|(_, n)| share <= f64::from(*n) / 8.0)
                .map_or('█', |(bar, _)| *bar)
        }
        (Some(number), _) if number.is_finite() => '▄',
        (_, Outcome::Error) => '!',
        (_, Outcome::Inconclusive) => '?',
        (_, Outcome::Success) => '✔',
        (_, Outcome::Failure) => '✖',
    };
    samples.iter().map(bar).collect()
}

fn name(series: &Series) -> String {
    if series.dry_run {
        format!("{} (dry run)", series.name)
    } else {
        series.name.clone()
    }
}

fn shown(series: &Series) -> String {
    match series.latest() {
        text if text.is_empty() => "-".to_owned(),
        text => text,
    }
}

fn far(series: &Series) -> String {
    series.progress()
}

fn state(series: &Series, now: Timestamp) -> String {
    let next = series
        .next
        .map(|at| at.0.duration_since(now))
        .filter(|left| left.is_positive());
    match (&series.why, next) {
        (Some(why), _) => format!("{}: {why}", series.verdict.word()),
        (None, Some(left)) => format!("{}, next in {}", series.verdict.word(), span(left)),
        (None, None) => series.verdict.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sparkline;
    use crate::analysis::Sample;

    #[test]
    fn draws_what_was_measured() {
        let sample = |value: serde_json::Value, outcome: &str| -> Sample {
            serde_json::from_value(
                json!({ "at": "2026-01-01T00:00:00Z", "value": value, "outcome": outcome }),
            )
            .unwrap()
        };
        let good = |number: f64| sample(json!([number]), "success");
        let cases = [
            (vec![], ""),
            (vec![good(0.5)], "▄"),
            (vec![good(0.0), good(0.5), good(1.0)], "▁▄█"),
            (
                vec![
                    good(1.0),
                    sample(json!(null), "error"),
                    sample(json!([]), "inconclusive"),
                    good(2.0),
                ],
                "▁!?█",
            ),
            (
                vec![sample(json!(true), "success"), sample(json!("x"), "failure")],
                "✔✖",
            ),
        ];
        for (samples, expected) in cases {
            assert_eq!(sparkline(&samples), expected);
        }
    }
}
