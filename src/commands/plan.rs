//! `plan`: what a release will do, before it does it.

pub(super) mod source;

use std::{sync::Arc, time::Duration};

use super::{gate, set};
use crate::{
    cli::{Global, args::PlanArgs, values::Output},
    cluster::Found,
    error::{Error, Kind, Result},
    exit_code,
    plan::{self, Change, End, Plan, Request},
    ui::Ui,
    view::{Block, Table},
    workload::edit::NewImage,
};
use source::{READY_AFTER, Source};

/// Runs the command.
///
/// # Errors
/// When the Rollout cannot be read, or the change would be refused.
pub async fn run(ui: &Ui, global: &Global, args: &PlanArgs) -> Result<u8> {
    let analysis = args
        .analysis
        .as_deref()
        .map(gate::from_file)
        .transpose()?
        .map(Arc::new);
    let change = change(ui, args)?;
    let source = if args.filename.is_empty() {
        source::of_cluster(global, &args.targets, "plan").await?
    } else {
        source::of_files(ui, global, (&args.filename, args.recursive), &args.targets)?
    };
    let request = Request {
        objects: source.objects.clone(),
        namespace: source.found.namespace.clone(),
        rollout: source.found.name.clone(),
        change,
        until_step: args.until_step,
        what_if: args.what_if.clone(),
        scripts: args.scripts.clone(),
        start: source.start,
        pod_ready_after: source.started.map_or(READY_AFTER, |started| started.quickest),
        pod_ready_likely: source.started.map(|started| started.slowest),
    };
    let plan = plan::predict_with(request, analysis).map_err(|error| refused(error, &source.found))?;
    show(ui, args, &source, &plan)?;
    Ok(match plan.end {
        End::Blocked => exit_code::PLAN_BLOCKED,
        End::Degraded => exit_code::DEGRADED,
        _ if args.detailed_exitcode && plan.has_changes() => exit_code::PLAN_CHANGES,
        _ => exit_code::DONE,
    })
}

/// What is assumed to be changed.
fn change(ui: &Ui, args: &PlanArgs) -> Result<Change> {
    let manifests = match args.apply.as_slice() {
        [] => Vec::new(),
        names => source::manifests(ui, names, args.recursive)?,
    };
    let images = args.set_image.iter().map(|wanted| NewImage {
        container: wanted.container.clone(),
        image: wanted.image.clone(),
    });
    Ok(Change {
        manifests: manifests.into_iter().map(|manifest| manifest.object).collect(),
        steps: args.steps.as_deref().map(source::steps).transpose()?,
        images: images.collect(),
        replicas: args.replicas,
    })
}

pub(super) fn refused(error: plan::Error, found: &Found) -> Error {
    match error {
        plan::Error::Container(unknown) => set::no_such_container(&found.title(), &unknown),
        other => Error::new(Kind::General, other.to_string()),
    }
}

fn show(ui: &Ui, args: &PlanArgs, source: &Source, plan: &Plan) -> Result<()> {
    let found = &source.found;
    if args.output == Some(Output::Name) {
        return ui.line(&found.title());
    }
    if let Some(format) = args.output.as_ref().and_then(Output::data) {
        let mut object = serde_json::to_value(plan).unwrap_or_default();
        object["apiVersion"] = "cli.kruise.dev/v1".into();
        object["kind"] = "RolloutPlan".into();
        object["schema"] = "1.1".into();
        object["summary"] = plan.summary().into();
        return ui.documents(format, std::slice::from_ref(&object));
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
    for sentence in &source.unknown {
        ui.line(&format!("~ unknown: {sentence}"))?;
    }
    ui.line(&plan.summary())?;
    if !plan.message.is_empty() {
        ui.line(&plan.message)?;
    }
    if plan.end == End::NothingToDo {
        let what = if args.filename.is_empty() {
            format!("{} -n {}", found.name, found.namespace)
        } else {
            format!("-f {}", args.filename.join(","))
        };
        ui.hint(&format!(
            "kubectl kruise rollout plan {what} --set-image CONTAINER=IMAGE"
        ));
    } else if source.started.is_none() {
        let seconds = Duration::as_secs(&READY_AFTER);
        ui.talk(&format!(
            "no running pod told how long it took to become ready; {seconds} s are assumed"
        ));
    }
    Ok(())
}
