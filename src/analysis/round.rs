//! One step's measuring: what is due, what came, and what it means.

use jiff::{SignedDuration, Timestamp};

use super::{
    Answer, Gate, Measure, Record, Request, Series, Verdict,
    answer::{self, Outcome},
    judge::judge,
};
use crate::api::{Time, analysis_template::OnFailure};

/// When something is asked again that came to nothing; Argo Rollouts' time. A shorter interval is kept.
const AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// Which measurement: of which go at a step, of which metric, and the how many-th. An answer to one that was taken in
/// meanwhile, by another engine, is passed over.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct QueryId {
    /// When the go began, in milliseconds.
    pub began: i64,
    /// The template.
    pub template: String,
    /// The metric.
    pub metric: String,
    /// Measurements before it.
    pub number: i64,
}

/// A measurement that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which.
    pub id: QueryId,
    /// What is asked.
    pub request: Request,
    /// How long the answer may take.
    pub patience: SignedDuration,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// To which query.
    pub id: QueryId,
    /// When it was asked.
    pub at: Timestamp,
    /// What came back.
    pub answer: Answer,
}

/// What all metrics mean together.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for humans.
    pub why: String,
    /// What becomes of a release that fails.
    pub on_failure: OnFailure,
}

/// One go at measuring a step.
#[derive(Clone, Debug)]
pub struct Round<'a> {
    gates: &'a [Gate],
    record: Record,
}

impl<'a> Round<'a> {
    /// Goes on with what was recorded of the same go, or begins. A pause comes after its step's measuring and does not know
    /// when that began: where nothing was recorded, it is `since`.
    #[must_use]
    pub fn new(
        gates: &'a [Gate],
        record: Option<Record>,
        revision: &str,
        step: i32,
        began: Option<Timestamp>,
        since: Timestamp,
    ) -> Self {
        let is_same = |record: &Record| {
            let began = began.is_none_or(|began| began.as_millisecond() == record.began.0.as_millisecond());
            began && record.revision == revision && record.step == step
        };
        let kept = record.filter(is_same);
        let began = kept
            .as_ref()
            .map_or(Time(began.unwrap_or(since)), |record| record.began);
        let mut known = kept.map(|record| record.metrics).unwrap_or_default();
        let mut metrics = Vec::new();
        for (gate, measure) in all(gates) {
            let place = known
                .iter()
                .position(|series| series.template == gate.template && series.name == measure.name);
            let series = place.map_or_else(Series::default, |place| known.swap_remove(place));
            metrics.push(Series {
                template: gate.template.clone(),
                name: measure.name.clone(),
                condition: measure.condition(),
                required: measure.limits.required,
                dry_run: measure.dry_run,
                ..series
            });
        }
        let mut round = Self {
            gates,
            record: Record {
                revision: revision.to_owned(),
                step,
                began,
                verdict: Verdict::Running,
                why: None,
                on_failure: OnFailure::Pause,
                metrics,
            },
        };
        round.rejudge();
        round
    }

    /// What is to be kept.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What all metrics mean together.
    #[must_use]
    pub fn state(&self) -> State {
        State {
            verdict: self.record.verdict,
            why: self.record.why.clone().unwrap_or_default(),
            on_failure: self.record.on_failure.clone(),
        }
    }

    /// Takes answers in; whether any of them was news.
    pub fn take(&mut self, answers: &[Answered]) -> bool {
        let began = self.record.began.0.as_millisecond();
        let mut is_news = false;
        for (series, (gate, measure)) in self.record.metrics.iter_mut().zip(all(self.gates)) {
            for answered in answers {
                let id = &answered.id;
                let is_its = id.began == began && id.template == gate.template && id.metric == measure.name;
                if is_its && id.number == series.counts.all() {
                    series.push(Time(answered.at), answer::rate(measure, &answered.answer));
                    is_news = true;
                }
            }
        }
        self.rejudge();
        is_news
    }

    fn rejudge(&mut self) {
        for (series, (_, measure)) in self.record.metrics.iter_mut().zip(all(self.gates)) {
            (series.verdict, series.why) = judge(&measure.limits, series);
        }
        let is_over = self.record.metrics.iter().any(|series| {
            !series.dry_run && matches!(series.verdict, Verdict::Failed | Verdict::Inconclusive)
        });
        let began = self.record.began.0;
        for (series, (_, measure)) in self.record.metrics.iter_mut().zip(all(self.gates)) {
            series.next = next(series, measure, began).filter(|_| !is_over).map(Time);
        }
        let decisive = self.record.metrics.iter().filter(|series| !series.dry_run);
        let verdict = decisive
            .clone()
            .map(|series| series.verdict)
            .max()
            .unwrap_or(Verdict::Passed);
        let words = decisive.filter(|series| series.verdict == verdict).map(|series| {
            let why = series.why.as_deref().unwrap_or_default();
            match verdict {
                Verdict::Failed => format!(
                    "{} is {} ({}): {why}",
                    series.name,
                    series.latest(),
                    series.condition
                ),
                Verdict::Inconclusive => format!("{}: {why}", series.name),
                Verdict::Running | Verdict::Passed => {
                    format!("{} {}{}", series.name, series.progress(), last(series))
                }
            }
        });
        let why = words.collect::<Vec<_>>().join("; ");
        let fails = |gate: &&Gate| {
            let mut failed = self
                .record
                .metrics
                .iter()
                .filter(|s| !s.dry_run && s.verdict == Verdict::Failed);
            failed.any(|series| series.template == gate.template)
        };
        let is_concerned = |gate: &&Gate| verdict != Verdict::Failed || fails(gate);
        let mut concerned = self.gates.iter().filter(is_concerned);
        let is_rollback = concerned.any(|gate| gate.on_failure == OnFailure::Rollback);
        self.record.verdict = verdict;
        self.record.why = (!why.is_empty()).then_some(why);
        self.record.on_failure = if is_rollback {
            OnFailure::Rollback
        } else {
            OnFailure::Pause
        };
    }

    /// The measurements that are due, and when the next one is.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> (Vec<Query>, Option<Timestamp>) {
        let (mut queries, mut next) = (Vec::new(), None::<Timestamp>);
        if matches!(self.record.verdict, Verdict::Failed | Verdict::Inconclusive) {
            return (queries, next);
        }
        for (series, (gate, measure)) in self.record.metrics.iter().zip(all(self.gates)) {
            let Some(Time(at)) = series.next else {
                continue;
            };
            if at > now {
                next = Some(next.map_or(at, |next| next.min(at)));
                continue;
            }
            queries.push(Query {
                id: QueryId {
                    began: self.record.began.0.as_millisecond(),
                    template: gate.template.clone(),
                    metric: measure.name.clone(),
                    number: series.counts.all(),
                },
                request: measure.request.clone(),
                patience: measure.patience,
            });
        }
        (queries, next)
    }
}

/// The latest measurement in a few words.
fn last(series: &Series) -> String {
    let Some(sample) = series.samples.last() else {
        return String::new();
    };
    let value = match (&sample.value, &sample.why) {
        (Some(_), None) => format!("{} {}", sample.shown(), sample.outcome.word()),
        (None, None) => sample.outcome.word().to_owned(),
        (_, Some(why)) => format!("{}: {why}", sample.outcome.word()),
    };
    format!(" ({value})")
}

/// When a metric is measured next.
fn next(series: &Series, measure: &Measure, began: Timestamp) -> Option<Timestamp> {
    let goes_on = match series.verdict {
        Verdict::Running => true,
        Verdict::Passed => measure.limits.is_open,
        Verdict::Inconclusive | Verdict::Failed => false,
    };
    if !goes_on {
        return None;
    }
    let (from, wait) = match series.samples.last() {
        None => (began, measure.delay),
        Some(last) => {
            let interval = measure.interval.unwrap_or(AGAIN);
            let is_error = last.outcome == Outcome::Error;
            (last.at.0, if is_error { interval.min(AGAIN) } else { interval })
        }
    };
    Some(from.saturating_add(wait).unwrap_or(Timestamp::MAX))
}

fn all(gates: &[Gate]) -> impl Iterator<Item = (&Gate, &Measure)> {
    gates
        .iter()
        .flat_map(|gate| gate.measures.iter().map(move |measure| (gate, measure)))
}
