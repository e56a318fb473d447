//! The gates of a step: templates with a Rollout's args in place.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{
    Answered, Limits, argument,
    check::{self, Problem},
    period,
};
use crate::api::{
    analysis_template::{AnalysisTemplateSpec, Binding, CommandLine, Metric, OnFailure, Prometheus, Web},
    keys,
    v1beta1::Rollout,
};

/// How long an answer may take when the template does not say.
const PATIENCE: SignedDuration = SignedDuration::from_secs(10);

/// A template as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What it says, or why it cannot be read.
    pub spec: Result<AnalysisTemplateSpec, String>,
    /// Whether the user who runs the engine gave it, in a file: only those may start programs and read files.
    pub is_trusted: bool,
}

/// What is known of metric gates when a Rollout is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Analysis {
    /// The templates that the Rollout names, those that are there, by name.
    pub templates: BTreeMap<String, Template>,
    /// What the user who runs the engine says instead of the Rollout's annotation.
    pub instead: Option<Vec<Binding>>,
    /// Whether the cluster does not serve AnalysisTemplates.
    pub unserved: bool,
    /// Answers to queries that no record has yet.
    pub answers: Vec<Answered>,
}

/// What decides about a step on behalf of one template.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The template's name.
    pub template: String,
    /// What becomes of a release that fails.
    pub on_failure: OnFailure,
    /// What is measured.
    pub measures: Vec<Measure>,
}

/// One metric, ready to be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Its name.
    pub name: String,
    /// Time between measurements; nothing when there is one only.
    pub interval: Option<SignedDuration>,
    /// Time before the first.
    pub delay: SignedDuration,
    /// What is good.
    pub success: Option<String>,
    /// What is bad.
    pub failure: Option<String>,
    /// How many of what decide.
    pub limits: Limits,
    /// Whether it decides nothing.
    pub dry_run: bool,
    /// How long an answer may take.
    pub patience: SignedDuration,
    /// What is asked.
    pub request: Request,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A Prometheus server.
    Prometheus(Prometheus),
    /// A web server.
    Web(Web),
    /// A program.
    Command(CommandLine),
}

impl Measure {
    /// The condition as humans read it: the threshold.
    #[must_use]
    pub fn condition(&self) -> String {
        match (&self.success, &self.failure) {
            (Some(success), None) => success.clone(),
            (None, Some(failure)) => format!("not ({failure})"),
            (Some(success), Some(failure)) => format!("{success}, not ({failure})"),
            (None, None) => "a human judges".to_owned(),
        }
    }
}

/// The templates that a Rollout's annotation names, and for which steps.
///
/// # Errors
/// The annotation cannot be read.
pub fn bindings(rollout: &Rollout) -> Result<Vec<Binding>, Problem> {
    let annotations = rollout.metadata.annotations.as_ref();
    let Some(text) = annotations.and_then(|all| all.get(keys::ANALYSIS)) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(text).map_err(|error| {
        Problem::new(
            place(),
            format!(
                "it cannot be read: {error}; write it as [{{\"template\": \"NAME\", \"steps\": [1], \"args\": {{\"ARG\": \"VALUE\"}}}}]"
            ),
        )
    })
}

fn place() -> String {
    format!("metadata.annotations[{}]", keys::ANALYSIS)
}

impl Analysis {
    /// The uses of templates that hold for a Rollout.
    ///
    /// # Errors
    /// The annotation cannot be read.
    pub fn bindings(&self, rollout: &Rollout) -> Result<Vec<Binding>, Problem> {
        match &self.instead {
            Some(instead) => Ok(instead.clone()),
            None => bindings(rollout),
        }
    }

    /// The steps that have gates, of so many, where the annotation can be read.
    #[must_use]
    pub fn judged_steps(&self, rollout: &Rollout, total: i32) -> Vec<i32> {
        let bindings = self.bindings(rollout).unwrap_or_default();
        let is_judged = |step: &i32| {
            let mut all = bindings.iter();
            all.any(|binding| binding.steps.is_empty() || binding.steps.contains(step))
        };
        (1..=total).filter(is_judged).collect()
    }

    /// Where the uses of templates stand.
    fn place(&self, index: usize) -> String {
        match self.instead {
            Some(_) => format!("gates[{index}]"),
            None => format!("{}[{index}]", place()),
        }
    }
}

/// The gates of one step; of all steps when none is named. `total` is the number of steps.
///
/// # Errors
/// Everything that is wrong with the uses of templates and the templates that are used.
pub fn gates(
    rollout: &Rollout,
    analysis: &Analysis,
    step: Option<i32>,
    total: i32,
) -> Result<Vec<Gate>, Vec<Problem>> {
    let bindings = analysis.bindings(rollout).map_err(|problem| vec![problem])?;
    let (mut gates, mut problems) = (Vec::new(), Vec::new());
    for (index, binding) in bindings.iter().enumerate() {
        let is_wanted = step.is_none_or(|step| binding.steps.is_empty() || binding.steps.contains(&step));
        if !is_wanted {
            continue;
        }
        let place = analysis.place(index);
        for stranger in binding.steps.iter().filter(|step| !(1..=total).contains(*step)) {
            problems.push(Problem::new(
                format!("{place}.steps"),
                format!("{stranger} is not one of the steps 1 to {total}"),
            ));
        }
        match gate(rollout, analysis, &place, binding) {
            Ok(gate) => gates.push(gate),
            Err(found) => problems.extend(found),
        }
    }
    for (index, binding) in bindings.iter().enumerate() {
        let overlaps = |other: &&Binding| {
            let any = other.steps.is_empty() || binding.steps.is_empty();
            other.template == binding.template
                && (any || other.steps.iter().any(|step| binding.steps.contains(step)))
        };
        if bindings.iter().take(index).any(|other| overlaps(&other)) {
            problems.push(Problem::new(
                analysis.place(index),
                format!(
                    "template {:?} is used twice for one step; make a second template",
                    binding.template
                ),
            ));
        }
    }
    problems.dedup();
    if problems.is_empty() {
        Ok(gates)
    } else {
        Err(problems)
    }
}

fn gate(
    rollout: &Rollout,
    analysis: &Analysis,
    place: &str,
    binding: &Binding,
) -> Result<Gate, Vec<Problem>> {
    let name = &binding.template;
    let one = |field: &str, message: String| vec![Problem::new(format!("{place}.{field}"), message)];
    let Some(template) = analysis.templates.get(name) else {
        return Err(one(
            "template",
            if analysis.unserved {
                "the cluster does not serve analysistemplates.rollouts.kruise.io; 'manifests crds' prints their definition"
                    .to_owned()
            } else {
                format!(
                    "there is no AnalysisTemplate {name:?} in the Rollout's namespace; make it, or correct the name"
                )
            },
        ));
    };
    let title = format!("analysistemplate/{name}");
    let spec = template
        .spec
        .as_ref()
        .map_err(|why| vec![Problem::new(title.clone(), format!("it cannot be read: {why}"))])?;
    let words = argument::resolved(place, &spec.args, &binding.args, rollout)?;
    let spec = filled(&title, spec, &words)?;
    let problems = check::template(&title, &spec, template.is_trusted);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Gate {
        template: name.clone(),
        on_failure: spec.on_failure.unwrap_or(OnFailure::Pause),
        measures: spec.metrics.into_iter().filter_map(measure).collect(),
    })
}

/// The template with every arg in its place: whatever text it is, what the arg says stands there.
fn filled(
    title: &str,
    spec: &AnalysisTemplateSpec,
    words: &BTreeMap<String, String>,
) -> Result<AnalysisTemplateSpec, Vec<Problem>> {
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    let mut problems = Vec::new();
    if let Some(metrics) = value["metrics"].as_array_mut() {
        for (index, metric) in metrics.iter_mut().enumerate() {
            fill(
                metric,
                &format!("{title}: spec.metrics[{index}]"),
                words,
                &mut problems,
            );
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    serde_json::from_value(value).map_err(|error| vec![Problem::new(title, error.to_string())])
}

fn fill(
    value: &mut serde_json::Value,
    place: &str,
    words: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) {
    use serde_json::Value;
    match value {
        Value::String(text) if text.contains("{{") => match argument::filled(text, words) {
            Ok(done) => *text = done,
            Err(why) => problems.push(Problem::new(place, why)),
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill(item, &format!("{place}[{index}]"), words, problems);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                fill(field, &format!("{place}.{name}"), words, problems);
            }
        }
        _ => {}
    }
}

fn measure(metric: Metric) -> Option<Measure> {
    let limits = Limits::of(&metric);
    let provider = metric.provider;
    let (request, timeout) = match (provider.prometheus, provider.web, provider.command) {
        (Some(one), _, _) => (Request::Prometheus(one.clone()), one.timeout),
        (_, Some(one), _) => (Request::Web(one.clone()), one.timeout),
        (_, _, Some(one)) => (Request::Command(one.clone()), one.timeout),
        _ => return None,
    };
    let mut success = metric.success_condition;
    if matches!(request, Request::Command(_)) && metric.failure_condition.is_none() {
        success.get_or_insert_with(|| "result.exitCode == 0".to_owned());
    }
    let time = |text: Option<String>| text.and_then(|text| period(&text));
    Some(Measure {
        name: metric.name,
        interval: time(metric.interval),
        delay: time(metric.initial_delay).unwrap_or(SignedDuration::ZERO),
        success,
        failure: metric.failure_condition,
        limits,
        dry_run: metric.dry_run,
        patience: time(timeout).unwrap_or(PATIENCE),
        request,
    })
}
