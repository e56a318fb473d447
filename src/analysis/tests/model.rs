//! Generated series of measurements against a reference model of the verdict.

use proptest::prelude::*;
use serde_json::json;

use super::{at, one};
use crate::analysis::{Answer, Answered, Fault, Outcome, Round, Verdict};

/// What a series of measurements comes to, as the documentation says it, from all of them at once.
fn model(limits: &Model, outcomes: &[Outcome]) -> Verdict {
    let count = |wanted: Outcome| outcomes.iter().filter(|outcome| **outcome == wanted).count() as i32;
    let run = |wanted: Outcome| {
        let mut longest = 0;
        let mut row = 0;
        for outcome in outcomes {
            match outcome {
                o if *o == wanted => row += 1,
                // Errors are no measurements, but any measurement ends a row of errors.
                Outcome::Error => {}
                _ => row = 0,
            }
            longest = longest.max(row);
        }
        longest
    };
    let errors = outcomes
        .iter()
        .rev()
        .take_while(|outcome| **outcome == Outcome::Error)
        .count() as i32;
    let exceeds = |number: i32, limit: i32| limit >= 0 && number > limit;
    if exceeds(count(Outcome::Failure), limits.failures) {
        return Verdict::Failed;
    }
    if exceeds(count(Outcome::Inconclusive), limits.inconclusive) || exceeds(errors, limits.errors) {
        return Verdict::Inconclusive;
    }
    if limits.successes > 0 && run(Outcome::Success) >= limits.successes {
        return Verdict::Passed;
    }
    let measured = outcomes.len() as i32 - count(Outcome::Error);
    match (measured >= limits.required(), limits.successes > 0) {
        (false, _) => Verdict::Running,
        (true, true) if limits.count.is_none() => Verdict::Running,
        (true, true) => Verdict::Inconclusive,
        (true, false) => Verdict::Passed,
    }
}

#[derive(Clone, Debug)]
struct Model {
    /// Without one it is measured until the step is left.
    count: Option<i32>,
    failures: i32,
    inconclusive: i32,
    errors: i32,
    successes: i32,
    interval: i64,
    delay: i64,
}

impl Model {
    fn required(&self) -> i32 {
        // Fewer could not fail, or not be good often enough.
        self.count
            .unwrap_or((self.failures.max(0) + 1).max(self.successes))
    }
}

prop_compose! {
    fn models()(count in proptest::option::of(1..12), failures in -1..4, inconclusive in -1..4, errors in -1..4, successes in 0..4_i32,
                interval in 100..40_000_i64, delay in 0..60_000_i64) -> Model {
        let successes = successes.min(count.unwrap_or(successes));
        Model { count, failures, inconclusive, errors, successes, interval, delay }
    }
}

fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let one = prop_oneof![
        4 => Just(Outcome::Success),
        2 => Just(Outcome::Failure),
        1 => Just(Outcome::Inconclusive),
        1 => Just(Outcome::Error),
    ];
    proptest::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the series, engine restarts in between or not: the verdict is the model's, at the model's time, and nothing is
    /// asked after it.
    #[test]
    fn every_series_is_judged_as_the_model_does(model_of in models(), series in outcomes(), restarts in any::<u64>()) {
        let gates = one(&json!({
            "count": model_of.count, "failureLimit": model_of.failures, "inconclusiveLimit": model_of.inconclusive,
            "consecutiveErrorLimit": model_of.errors, "consecutiveSuccessLimit": model_of.successes,
            "interval": format!("{}ms", model_of.interval), "initialDelay": format!("{}ms", model_of.delay),
        }));
        let mut round = Round::new(&gates, None, "v2", 1, Some(at(0)), at(0));
        let mut due = model_of.delay;
        for (index, outcome) in series.iter().enumerate() {
            let before = model(&model_of, &series[..index]);
            prop_assert_eq!(round.state().verdict, before);
            let goes_on = before == Verdict::Running || before == Verdict::Passed && model_of.count.is_none();
            if !goes_on {
                prop_assert_eq!(round.due(at(i64::MAX / 1_000_000)), (vec![], None));
                break;
            }
            prop_assert!(due == 0 || round.due(at(due - 1)) == (vec![], Some(at(due))));
            let (queries, _) = round.due(at(due));
            prop_assert_eq!(queries.len(), 1);
            let answer = match outcome {
                Outcome::Success => Answer::Result(json!([1.0])),
                Outcome::Failure => Answer::Result(json!([0.5])),
                Outcome::Inconclusive => Answer::Result(json!([])),
                Outcome::Error => Answer::Fault(Fault::passing("away")),
            };
            let answered = Answered { id: queries[0].id.clone(), at: at(due), answer };
            prop_assert!(round.take(&[answered]));
            prop_assert_eq!(round.state().verdict, model(&model_of, &series[..=index]));
            due += if *outcome == Outcome::Error { model_of.interval.min(10_000) } else { model_of.interval };
            if restarts >> (index % 64) & 1 == 1 {
                let text = round.record().text();
                prop_assert!(text.len() < 4000, "{}", text.len());
                round = Round::new(&gates, serde_json::from_str(&text).ok(), "v2", 1, Some(at(0)), at(due));
            }
        }
    }
}
