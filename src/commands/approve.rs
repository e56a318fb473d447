//! `approve`: lets a paused step go on.

use std::time::Duration;

use futures::StreamExt;

use super::{
    FIELD_MANAGER, Outcomes, changed, connect, reading, request,
    run::{self, Aim},
    validity,
};
use crate::{
    cli::{Global, args::ApproveArgs, target::Named, values::DryRun},
    cluster::{Body, Cluster, Found, Patch, Served, follow::Followed, patch_path},
    error::{Error, Kind, Result},
    release::{
        Approval, Guard, Refusal,
        approval::{self},
    },
    ui::Ui,
    view::suggest::Command,
};

/// How long an approval is watched over.
const WATCHED: Duration = Duration::from_secs(5);

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &ApproveArgs) -> Result<u8> {
    let names = args.targets.read()?;
    let guard = Guard {
        step: args.step,
        revision: args.revision.clone(),
    };
    let cluster = connect(global).await?;
    let mut outcomes = Outcomes::default();
    let mut approved = Vec::new();
    for named in &names {
        match one(ui, &cluster, named, &guard, args).await {
            Ok(found) => approved.push(found),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    if args.change.standalone && !approved.is_empty() {
        outcomes.add(
            ui,
            run::standalone(ui, global, &cluster, &approved, &args.change, Aim::Forward).await,
        )?;
    }
    Ok(outcomes.code())
}

async fn one(ui: &Ui, cluster: &Cluster, named: &Named, guard: &Guard, args: &ApproveArgs) -> Result<Found> {
    let found = reading::find(cluster, named).await?;
    let change = &args.change;
    if change.standalone {
        run::refuse_where_controlled(cluster, Some(&found.namespace), std::slice::from_ref(&found)).await?;
    }
    validity::check_where_free(cluster, &found).await?;
    let step = match approval::decide(&found.object, guard).map_err(|refusal| refused(&found, &refusal))? {
        Approval::Already { step } => {
            ui.talk(&format!(
                "step {step} is approved already; no engine has seen it yet"
            ));
            changed(
                ui,
                change.output,
                &found.title(),
                "approved",
                change.dry_run,
                &found.object,
            )?;
            step
        }
        Approval::Send { step, patch } => {
            let patch = Patch {
                body: Body::Merge(patch),
                subresource: Some("status"),
                field_manager: FIELD_MANAGER,
                dry_run: change.dry_run == DryRun::Server,
            };
            let object = if change.dry_run == DryRun::Client {
                let path = patch_path(found.resource(), &found.namespace, &found.name, &patch);
                request(ui, &path, &patch)?;
                found.object.clone()
            } else {
                cluster
                    .patch(found.resource(), &found.namespace, &found.name, &patch)
                    .await?
            };
            changed(
                ui,
                change.output,
                &found.title(),
                "approved",
                change.dry_run,
                &object,
            )?;
            step
        }
    };
    if found.object["spec"]["strategy"]["paused"] == true {
        ui.warn("the Rollout is paused (spec.strategy.paused): the approval takes effect when it is resumed");
    } else if change.dry_run == DryRun::None && !args.no_wait && !change.standalone {
        watch_over(ui, cluster, &found, step).await?;
    }
    Ok(found)
}

/// Waits for the step to be left, and approves again when an engine wrote the old state over the approval.
async fn watch_over(ui: &Ui, cluster: &Cluster, found: &Found, step: i32) -> Result<()> {
    let followed = Followed {
        served: Served::rollouts(found.version),
        namespace: Some(found.namespace.clone()),
        name: Some(found.name.clone()),
        labels: None,
    };
    let mut notices = cluster.follow(vec![followed]);
    let guard = Guard {
        step: Some(step),
        revision: None,
    };
    let left = async {
        while notices.next().await.is_some() {
            let Some(now) = cluster.rollout_if_there(&found.namespace, &found.name).await? else {
                return Ok(());
            };
            match approval::decide(&now.object, &guard) {
                Ok(Approval::Already { .. }) => {}
                Ok(Approval::Send { patch, .. }) => {
                    ui.talk(&format!(
                        "the approval of step {step} was overwritten; sending it again"
                    ));
                    let patch = Patch {
                        body: Body::Merge(patch),
                        subresource: Some("status"),
                        field_manager: FIELD_MANAGER,
                        dry_run: false,
                    };
                    match cluster
                        .patch(now.resource(), &now.namespace, &now.name, &patch)
                        .await
                    {
                        // Somebody was faster; the next notice shows what it came to.
                        Err(error) if error.kind == Kind::Conflict => {}
                        outcome => drop(outcome?),
                    }
                }
                // The step is another one, or no longer paused: it was left.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    };
    match tokio::time::timeout(WATCHED, left).await {
        Ok(outcome) => outcome,
        Err(_) => {
            ui.warn(&format!(
                "step {step} was not left within {} s: does an engine act on this Rollout?",
                WATCHED.as_secs()
            ));
            ui.hint(&Command::Run.text(&found.namespace, &found.name));
            Ok(())
        }
    }
}

fn refused(found: &Found, refusal: &Refusal) -> Error {
    let full = found.resource().full();
    Error::conflict(format!("{full} {:?} {refusal}", found.name))
        .hint(Command::Status.text(&found.namespace, &found.name))
}
