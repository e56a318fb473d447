//! `gate`: measures the metrics of a release now, and exits by what they say; and what gives other commands their gates.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures::future::join_all;
use serde_json::{Value, json};

use super::{connect, files, interruption, reading};
use crate::{
    analysis::{self, Analysis, Answered, Gate, Inline, Query, Record, Round, Template, Verdict},
    api::{analysis_template::Binding, v1beta1::Rollout},
    cli::{Global, args::GateArgs, values::Output},
    cluster::{Cluster, Found, Served},
    engine::driver::{Meter, meter::Live},
    error::{Error, Kind, Result},
    exit_code,
    release::Position,
    ui::Ui,
    view::gate as picture,
};

/// The kind of the templates.
fn templates() -> Served {
    Served::namespaced(
        "rollouts.kruise.io/v1alpha1",
        "AnalysisTemplate",
        "analysistemplates",
    )
}

/// Runs the command.
///
/// # Errors
/// When the Rollout or a template cannot be read, or something is wrong with the gates.
pub async fn run(ui: &Ui, global: &Global, args: &GateArgs) -> Result<u8> {
    // The time counts from here on: a credential plugin, a server or what is measured may hang.
    interruption::within(args.limit.timeout, measure(ui, global, args)).await
}

async fn measure(ui: &Ui, global: &Global, args: &GateArgs) -> Result<u8> {
    let named = args.targets.read()?;
    let [named] = named.as_slice() else {
        return Err(Error::usage("gate takes exactly one Rollout")
            .hint("kubectl kruise rollout gate NAME --template FILE"));
    };
    let given: BTreeMap<String, String> = args.args.iter().cloned().collect();
    let file = args
        .template
        .as_deref()
        .filter(|name| *name == "-" || Path::new(name).exists());
    let inline = file.map(from_file).transpose()?;
    let cluster = connect(global).await?;
    let found = reading::find(&cluster, named).await?;
    let rollout = found.typed()?;
    let analysis = match (inline, &args.template) {
        (Some(inline), _) => inline.with_args(&given).analysis(),
        (None, Some(name)) if name.contains(['/', '.']) => {
            return Err(Error::new(
                Kind::NotFound,
                format!("the path {name:?} does not exist"),
            ));
        }
        (None, Some(name)) => {
            let binding = Binding {
                template: name.clone(),
                args: given,
                ..Binding::default()
            };
            named_templates(&cluster, &found, vec![binding]).await?
        }
        (None, None) => of_rollout(&cluster, &found, &rollout).await?,
    };
    let position = Position::of(&rollout);
    let judged = analysis.judged_steps(&rollout, position.total());
    // At rest the step of the status is that of the last release.
    let at_hand = if position.under_way() {
        Some(position.step)
    } else {
        judged.first().copied()
    };
    let step = args
        .step
        .or(at_hand)
        .unwrap_or(1)
        .clamp(1, position.total().max(1));
    let mut gates = gates(&found, &rollout, &analysis, step)?;
    if gates.is_empty() {
        let command = format!(
            "kubectl kruise rollout gate {} -n {}",
            found.name, found.namespace
        );
        let (what, hint) = match judged.first() {
            None => (
                format!("{} has no metric gate", found.title()),
                format!("name a template: {command} --template FILE"),
            ),
            Some(first) => (
                format!(
                    "{} has no metric gate for step {step}, but for {}",
                    found.title(),
                    listed(&judged)
                ),
                format!("{command} --step {first}"),
            ),
        };
        return Err(Error::usage(what).hint(hint));
    }
    for measure in gates.iter_mut().flat_map(|gate| &mut gate.measures) {
        // Now is now.
        measure.delay = jiff::SignedDuration::ZERO;
    }
    let now = cluster.clock.now();
    let mut round = Round::new(&gates, None, &position.new_revision, step, Some(now), now);
    let meter: Arc<dyn Meter> = Arc::new(Live::new(cluster.client.clone()));
    let (queries, _) = round.due(now);
    round.take(&ask(&meter, &found.namespace, queries, now).await);
    let (word, code) = words(round.record().of_one_look());
    show(ui, args, &found, round.record(), word, code)?;
    Ok(code)
}

/// `step 1`, `steps 1, 2`.
fn listed(steps: &[i32]) -> String {
    let words: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let plural = if words.len() == 1 { "" } else { "s" };
    format!("step{plural} {}", words.join(", "))
}

/// The word and the exit code.
fn words(verdict: Verdict) -> (&'static str, u8) {
    match verdict {
        Verdict::Failed => ("failed", exit_code::DEGRADED),
        Verdict::Passed => ("passed", exit_code::DONE),
        Verdict::Inconclusive | Verdict::Running => ("inconclusive", exit_code::WAITING),
    }
}

fn show(ui: &Ui, args: &GateArgs, found: &Found, record: &Record, word: &str, code: u8) -> Result<()> {
    match &args.output {
        Some(Output::Name) => ui.line(&found.title()),
        Some(Output::Data(format)) => {
            let document = json!({
                "apiVersion": "cli.kruise.dev/v1",
                "kind": "RolloutGate",
                "schema": "1.0",
                "object": { "namespace": found.namespace, "name": found.name },
                "step": record.step,
                "verdict": word,
                "exitCode": code,
                "metrics": picture::metrics(record),
            });
            ui.documents(format, &[document])
        }
        _ => {
            ui.table(&picture::measurements(record))?;
            ui.line(&format!("{} gate of step {} {word}", found.title(), record.step))
        }
    }
}

/// Asks all that is due at once.
pub async fn ask(
    meter: &Arc<dyn Meter>,
    namespace: &str,
    queries: Vec<Query>,
    now: jiff::Timestamp,
) -> Vec<Answered> {
    let asked = queries.into_iter().map(|query| {
        let id = query.id.clone();
        let answer = meter.measure(namespace, query);
        async move {
            Answered {
                id,
                at: now,
                answer: answer.await,
            }
        }
    });
    join_all(asked).await
}

/// The gates of one step, or everything that is wrong with them.
///
/// # Errors
/// Something is wrong with them.
pub fn gates(found: &Found, rollout: &Rollout, analysis: &Analysis, step: i32) -> Result<Vec<Gate>> {
    let total = Position::of(rollout).total();
    analysis::gates(rollout, analysis, Some(step), total).map_err(|problems| {
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Error::new(Kind::General, format!("{} cannot be measured: {}", found.title(), words.join("; "))).hint(format!(
            "kubectl explain analysistemplates.rollouts.kruise.io.spec.metrics; the annotation: kubectl get rollouts.rollouts.kruise.io {} -n {} -o yaml",
            found.name, found.namespace
        ))
    })
}

/// The templates that a Rollout's annotation names, as the cluster has them.
///
/// # Errors
/// A template cannot be read. That it is not there is found when the gates are made.
pub async fn of_rollout(cluster: &Cluster, found: &Found, rollout: &Rollout) -> Result<Analysis> {
    let bindings = analysis::bindings(rollout).unwrap_or_default();
    let analysis = named_templates(cluster, found, bindings).await?;
    Ok(Analysis {
        instead: None,
        ..analysis
    })
}

async fn named_templates(cluster: &Cluster, found: &Found, bindings: Vec<Binding>) -> Result<Analysis> {
    let mut analysis = Analysis::default();
    for binding in &bindings {
        match cluster
            .read(&templates(), &found.namespace, &binding.template)
            .await
        {
            Ok(Some(object)) => {
                let template = template(&object);
                analysis.templates.insert(binding.template.clone(), template);
            }
            Ok(None) => {}
            Err(error) if error.kind == Kind::NotFound => analysis.unserved = true,
            Err(error) => return Err(error),
        }
    }
    analysis.instead = Some(bindings);
    Ok(analysis)
}

/// A template of the cluster.
#[must_use]
pub fn template(object: &Value) -> Template {
    Template {
        spec: serde_json::from_value(object["spec"].clone()).map_err(|error| error.to_string()),
        is_trusted: false,
    }
}

/// Reads a file of templates, and of what they decide about.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub fn from_file(name: &str) -> Result<Inline> {
    let documents = files::documents_of(name)?;
    Inline::read(&documents).map_err(|error| {
        Error::new(Kind::General, format!("{name}: {error}"))
            .hint("a file holds AnalysisTemplates, and gates: [{template: NAME, steps: [1], args: {ARG: VALUE}}] if not all decide about every step")
    })
}
