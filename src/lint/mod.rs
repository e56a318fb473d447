//! What is wrong with manifests before anything is carried out: validation rules, limits of what splits traffic, fields that
//! an API server would drop, and releases that nobody could stop. Pure: objects in, findings out.

mod fields;
mod place;
mod report;
mod rule;
mod scene;

pub use place::line_of;
pub use report::{Report, sarif};
pub use rule::{Rule, Severity};

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{
    analysis,
    api::{IntOrPercent, int_or_percent::Round, keys, rollout::convert, v1beta1::Rollout},
    engine::core::{Problem, validate},
    traffic::{Obstacle, script::Scripts},
    workload::edit,
};
use scene::Scene;

/// Where an object is from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// A cluster.
    #[default]
    Cluster,
    /// A document of a file.
    File {
        /// The file, as it was named.
        name: String,
        /// Lines before the document.
        before: usize,
        /// The document.
        text: Arc<str>,
    },
}

/// An object to be looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// The object.
    pub object: Value,
    /// Where it is from.
    pub origin: Origin,
}

/// What is known besides.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Whether the objects are all that there is: those of a cluster. Files may leave out what the cluster has.
    pub complete: bool,
    /// Scripts for Ingress classes and kinds of routes.
    pub scripts: Scripts,
}

/// Something that is wrong, or may be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The rule that says so.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// File and line, counted from 1; nothing for an object of a cluster.
    pub place: Option<(String, usize)>,
    /// `Rollout shop/web`.
    pub object: String,
    /// `spec.strategy.canary.steps[0].replicas`; empty for the whole object.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line)) = &self.place {
            write!(f, "{file}:{line}: ")?;
        }
        write!(f, "{}: {}: ", self.severity.word(), self.object)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{} [{}]", self.message, self.rule.id())
    }
}

impl Subject {
    /// A finding about this object.
    #[must_use]
    pub fn finding(&self, rule: Rule, field: impl Into<String>, message: impl Into<String>) -> Finding {
        let field = field.into();
        // Findings name fields as v1beta1 does.
        let written = match field.strip_prefix("spec.workloadRef") {
            Some(rest) if !self.object["spec"]["objectRef"].is_null() => {
                format!("spec.objectRef.workloadRef{rest}")
            }
            _ => field.clone(),
        };
        let place = match &self.origin {
            Origin::Cluster => None,
            Origin::File { name, before, text } => Some((name.clone(), before + line_of(text, &written) + 1)),
        };
        Finding {
            rule,
            severity: rule.severity(),
            place,
            object: self.title(),
            field,
            message: message.into(),
            fix: rule.fix().to_owned(),
        }
    }

    /// `Rollout shop/web`.
    #[must_use]
    pub fn title(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let meta = &self.object["metadata"];
        let name = text(&meta["name"]);
        match meta["namespace"].as_str() {
            Some(namespace) => format!("{} {namespace}/{name}", text(&self.object["kind"])),
            None => format!("{} {name}", text(&self.object["kind"])),
        }
    }

    /// Whether it is of a kind of `rollouts.kruise.io`.
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        let version = self.object["apiVersion"].as_str().unwrap_or_default();
        self.object["kind"] == kind && version.split('/').next() == Some(keys::GROUP)
    }
}

/// Looks at objects, each with all the others in sight. Findings come in the order of the objects.
#[must_use]
pub fn look(subjects: &[Subject], around: &Surroundings) -> Vec<Finding> {
    let mut all = Vec::new();
    for subject in subjects {
        // The old version has no definition of its own here; what it means has.
        let object = &convert::to_v1beta1(&subject.object).object;
        let dropped = fields::dropped(object);
        all.extend(
            dropped
                .into_iter()
                .map(|(field, message)| subject.finding(Rule::UnknownField, field, message)),
        );
        if subject.is("Rollout") {
            all.extend(of_rollout(subject, subjects, around));
        }
    }
    all
}

fn of_rollout(subject: &Subject, subjects: &[Subject], around: &Surroundings) -> Vec<Finding> {
    let mut all = Vec::new();
    let is_old = subject.object["apiVersion"] == "rollouts.kruise.io/v1alpha1";
    let object = if is_old {
        all.push(subject.finding(
            Rule::OldVersion,
            "apiVersion",
            "v1alpha1 is read as what it means in v1beta1",
        ));
        let converted = convert::to_v1beta1(&subject.object);
        let lost = converted.lost.iter();
        all.extend(lost.map(|lost| {
            subject.finding(
                Rule::UnknownField,
                lost.path.clone(),
                lost.to_string()
                    .trim_start_matches(&format!("{}: ", lost.path))
                    .to_owned(),
            )
        }));
        converted.object
    } else {
        subject.object.clone()
    };
    let mistyped = fields::mistyped(&object);
    let rollout = match serde_json::from_value::<Rollout>(object) {
        Ok(rollout) => rollout,
        Err(_) if !mistyped.is_empty() => {
            let finding =
                |(field, message): (String, String)| subject.finding(Rule::Unreadable, field, message);
            all.extend(mistyped.into_iter().map(finding));
            return all;
        }
        Err(error) => {
            all.push(subject.finding(Rule::Unreadable, "spec", error.to_string()));
            return all;
        }
    };
    let scene = Scene::new(rollout, subjects, around);
    let snapshot = &scene.snapshot;
    let mut problems: Vec<Problem> = if is_old {
        validate::of_v1alpha1(&subject.object)
    } else {
        Vec::new()
    };
    // What an old manifest breaks is told in its own words; the same thing is not told in those of the new one.
    if problems.is_empty() {
        problems = validate::problems(snapshot);
    }
    let is_valid = problems.is_empty();
    all.extend(problems.into_iter().map(|problem| {
        let rule = Rule::of_field(&problem.field);
        subject.finding(rule, problem.field, problem.message)
    }));
    let absent = scene.absent();
    all.extend(absent.iter().map(|(field, what)| {
        let mut finding = subject.finding(Rule::MissingObject, field.clone(), format!("{what} is not there"));
        if !around.complete {
            finding.severity = Severity::Note;
            finding.message = format!("{what} is not among the files; the cluster must have it");
        }
        finding
    }));
    let gates = validate::of_gates(snapshot, None).into_iter();
    let is_absent = |problem: &Problem| {
        let place = format!("metadata.annotations[{}]", keys::ANALYSIS);
        problem.field.starts_with(&place) && problem.field.ends_with("].template") && !absent.is_empty()
    };
    all.extend(
        gates
            .filter(|problem| !is_absent(problem))
            .map(|problem| subject.finding(Rule::MetricGate, problem.field, problem.message)),
    );
    let obstacle = validate::obstacle(snapshot).and_then(|it| of_obstacle(subject, &scene, around, &it));
    // What is wrong in itself is not told once more as what follows from it.
    all.extend(obstacle.filter(|it| !all.iter().any(|known| known.field == it.field)));
    if is_valid {
        all.extend(advice(subject, &scene));
    }
    all
}

/// What keeps traffic from being split. What is not there was told by name.
fn of_obstacle(
    subject: &Subject,
    scene: &Scene,
    around: &Surroundings,
    obstacle: &Obstacle,
) -> Option<Finding> {
    let strategy = scene.strategy();
    let routing = format!("{strategy}.trafficRoutings[0]");
    let (rule, field) = match obstacle {
        Obstacle::Missing { .. } => return None,
        Obstacle::Limit { step: Some(step), .. } => (
            Rule::ProviderLimit,
            format!("{strategy}.steps[{}]", step.saturating_sub(1)),
        ),
        Obstacle::Limit { step: None, .. } | Obstacle::NoTwin { .. } => (Rule::ProviderLimit, routing),
        Obstacle::Provider { .. } | Obstacle::NoScript { .. } | Obstacle::Unserved { .. } => {
            (Rule::Provider, routing)
        }
        _ => (Rule::Route, routing),
    };
    let mut finding = subject.finding(rule, field, obstacle.to_string());
    if matches!(obstacle, Obstacle::NoScript { .. }) && !around.complete {
        // The cluster's ConfigMap may have it.
        finding.severity = Severity::Warning;
    }
    Some(finding)
}

/// What is allowed and seldom meant.
fn advice(subject: &Subject, scene: &Scene) -> Vec<Finding> {
    let mut all = Vec::new();
    let rollout = &scene.snapshot.rollout;
    let strategy = scene.strategy();
    let steps = rollout.spec.strategy.steps();
    let gated = analysis::bindings(rollout).is_ok_and(|bindings| !bindings.is_empty());
    let waits = steps
        .iter()
        .any(|step| step.pause.duration.is_none_or(|seconds| seconds > 0));
    if !waits && !gated {
        all.push(subject.finding(
            Rule::NeverWaits,
            format!("{strategy}.steps"),
            "no step waits for a human, for time or for metrics: a bad version is everywhere in one go",
        ));
    }
    let Some(workload) = scene.workload() else {
        return all;
    };
    let replicas = workload["spec"]["replicas"].as_i64();
    let replicas = i32::try_from(replicas.unwrap_or(1)).unwrap_or(i32::MAX);
    let is_per_node = edit::kind_of(workload).is_some_and(crate::workload::Kind::is_per_node);
    let pods = |replicas_of_step: &IntOrPercent| replicas_of_step.of(replicas, Round::Up).clamp(0, replicas);
    for (index, pair) in steps.windows(2).enumerate() {
        let (Some(before), Some(after)) = (&pair[0].replicas, &pair[1].replicas) else {
            continue;
        };
        let same_requests = pair[0].traffic == pair[1].traffic && pair[0].matches == pair[1].matches;
        if !is_per_node && same_requests && pods(before) == pods(after) {
            all.push(subject.finding(
                Rule::SameStep,
                format!("{strategy}.steps[{}].replicas", index + 1),
                format!(
                    "of {replicas} pods it is {}, as in the step before, for the same requests: the step changes nothing",
                    pods(after)
                ),
            ));
        }
    }
    let containers = workload["spec"]["template"]["spec"]["containers"].as_array();
    let unasked: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter(|container| container["readinessProbe"].is_null())
        .filter_map(|container| container["name"].as_str())
        .collect();
    let min_ready = workload["spec"]["minReadySeconds"].as_i64().unwrap_or_default();
    if containers.is_some_and(|all| all.len() == unasked.len()) && min_ready == 0 {
        all.push(subject.finding(
            Rule::NotAsked,
            "spec.workloadRef",
            format!(
                "no container of {} {} has a readinessProbe: its pods count as ready, and get requests, as soon as they run",
                workload["kind"].as_str().unwrap_or_default(),
                workload["metadata"]["name"].as_str().unwrap_or_default(),
            ),
        ));
    }
    all
}

#[cfg(test)]
mod tests;
