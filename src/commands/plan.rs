//! `plan`: what a release will do, before it does it.

pub(super) mod saved;
pub(super) mod source;
pub(super) mod surroundings;

use std::sync::Arc;

use serde_json::Value;

use super::{gate, set};
use crate::{
    cli::{
        Global,
        args::PlanArgs,
        values::{Output, PlanOutput},
    },
    cluster::Found,
    error::{Error, Kind, Result},
    exit_code,
    plan::{
        self, Change, End, Plan, Request,
        blockers::{Evidence, Weight},
    },
    ui::Ui,
    view::{Block, Table},
};
use source::{READY_AFTER, Source};

/// What bodies of writes have from the simulator, since nobody can know it.
const MADE_UP: &str = "the names of new pods and ReplicaSets and the hash of the new version: in the writes they are the simulator's own";

/// Runs the command.
///
/// # Errors
/// When the Rollout cannot be read, or the change would be refused.
pub async fn run(ui: &Ui, global: &Global, args: &PlanArgs) -> Result<u8> {
    let copied = &args.copied;
    let analysis = copied.analysis.as_deref().map(gate::from_file).transpose()?;
    let change = Change {
        steps: args.steps.as_deref().map(source::steps).transpose()?,
        ..source::change(ui, copied)?
    };
    let source = source::read(ui, global, copied, &change, "plan").await?;
    let refused = |error| refused(error, &source.found);
    let (namespace, rollout) = (source.found.namespace.as_str(), source.found.name.as_str());
    let after = change.on(&source.objects, namespace, rollout).map_err(refused)?;
    let request = Request {
        objects: source.objects.clone(),
        namespace: source.found.namespace.clone(),
        rollout: source.found.name.clone(),
        change: change.clone(),
        until_step: args.until_step,
        what_if: args.what_if.clone(),
        scripts: copied.scripts.clone(),
        start: source.start,
        pod_ready_after: source.started.map_or(READY_AFTER, |started| started.quickest),
        pod_ready_likely: source.started.map(|started| started.likely),
    };
    let plan = plan::predict_with(request, analysis.map(Arc::new)).await;
    let mut plan = plan.map_err(refused)?;
    surroundings::weigh(&mut plan, &source, (&change, &after), args.server_dry_run).await?;
    let is_data = matches!(args.shown.output, Some(PlanOutput::Common(Output::Data(_))));
    if (args.writes || is_data) && !plan.writes.is_empty() {
        plan.unknown.push(MADE_UP.to_owned());
    }
    show(ui, args, &source, &plan)?;
    if let Some(path) = &args.out {
        saved::keep(ui, path, &plan, document(&plan), &source, &after)?;
    }
    Ok(match plan.end {
        _ if plan.is_blocked() => exit_code::PLAN_BLOCKED,
        End::Degraded => exit_code::DEGRADED,
        _ if args.detailed_exitcode && plan.has_changes() => exit_code::PLAN_CHANGES,
        _ => exit_code::DONE,
    })
}

pub(super) fn refused(error: plan::Error, found: &Found) -> Error {
    match error {
        plan::Error::Container(unknown) => set::no_such_container(&found.title(), &unknown),
        other => Error::new(Kind::General, other.to_string()),
    }
}

/// The plan for programs.
fn document(plan: &Plan) -> Value {
    let mut object = serde_json::to_value(plan).unwrap_or_default();
    object["apiVersion"] = "cli.kruise.dev/v1".into();
    object["kind"] = "RolloutPlan".into();
    object["schema"] = "1.1".into();
    object["summary"] = plan.summary().into();
    object
}

fn show(ui: &Ui, args: &PlanArgs, source: &Source, plan: &Plan) -> Result<()> {
    let found = &source.found;
    match &args.shown.output {
        Some(PlanOutput::Markdown) => return ui.text(&plan.markdown(args.writes)),
        Some(PlanOutput::Mermaid) => return ui.text(&plan.mermaid()),
        Some(PlanOutput::Svg) => return ui.text(&plan.svg()),
        Some(PlanOutput::Common(Output::Name)) => return ui.line(&found.title()),
        Some(PlanOutput::Common(Output::Data(format))) => {
            return ui.documents(format, std::slice::from_ref(&document(plan)));
        }
        None | Some(PlanOutput::Common(Output::Table | Output::Wide)) => {}
    }
    ui.line(&format!("Plan for {}/{}", plan.namespace, plan.rollout))?;
    for what in &args.what_if {
        ui.line(&format!("What if {what}"))?;
    }
    if !plan.rows().is_empty() {
        let rows = plan.rows().into_iter().map(Vec::from).collect();
        ui.blocks(&[Block::Table(Table {
            header: plan::COLUMNS.to_vec(),
            rows,
        })])?;
        ui.line("")?;
    }
    if args.writes && !plan.writes.is_empty() {
        for write in &plan.writes {
            ui.line(&write.line())?;
            for line in write.request() {
                ui.line(&format!("    {line}"))?;
            }
        }
        ui.line("")?;
    }
    for blocker in &plan.blockers {
        let sign = match blocker.weight {
            Weight::Blocks => '!',
            Weight::Risk => '?',
        };
        ui.line(&format!("{sign} {blocker}"))?;
        for Evidence { object, field, value } in &blocker.evidence {
            ui.line(&format!("    {object}  {field}: {value}"))?;
        }
        ui.line(&format!("    next: {}", blocker.command))?;
    }
    for sentence in &plan.unknown {
        ui.line(&format!("~ unknown: {sentence}"))?;
    }
    ui.line(&plan.summary())?;
    if !plan.message.is_empty()
        && !plan
            .blockers
            .iter()
            .any(|one| plan.message.contains(&one.message))
    {
        ui.line(&plan.message)?;
    }
    if plan.end == End::NothingToDo {
        let what = if args.copied.filename.is_empty() {
            format!("{} -n {}", found.name, found.namespace)
        } else {
            format!("-f {}", args.copied.filename.join(","))
        };
        ui.hint(&format!(
            "kubectl kruise rollout plan {what} --set-image CONTAINER=IMAGE"
        ));
    }
    Ok(())
}
