//! Going to another step than the next one.

use futures::StreamExt;
use serde_json::Value;

use super::{
    FIELD_MANAGER, Outcomes,
    back::NOTICED_WITHIN,
    changed, connect, reading, request,
    run::{self, Aim},
    status, targets, unchanged,
};
use crate::{
    cli::{Global, args::ChangeArgs, target::SelectArgs, values::DryRun},
    cluster::{Body, Cluster, Found, Patch, patch_path},
    error::{Error, Kind, Result},
    release::{Jump, Refusal, jump},
    ui::Ui,
    view::suggest::Command,
    workload::Workload,
};

/// Runs `undo --fast` and `rollback --fast`: back to the earlier step with the most new pods and no traffic to them.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn quiet(ui: &Ui, global: &Global, select: &SelectArgs, change: &ChangeArgs) -> Result<u8> {
    each(ui, global, select, change, None).await
}

/// Runs `rollback --to-step`.
///
/// # Errors
/// As [`quiet`].
pub async fn back(ui: &Ui, global: &Global, select: &SelectArgs, change: &ChangeArgs, to: i32) -> Result<u8> {
    each(ui, global, select, change, Some(to)).await
}

async fn each(
    ui: &Ui,
    global: &Global,
    select: &SelectArgs,
    change: &ChangeArgs,
    to: Option<i32>,
) -> Result<u8> {
    let targets = targets::read(ui, select, global)?;
    let cluster = connect(global).await?;
    let found = reading::find_all(&cluster, &targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Found::title).collect();
    targets::confirm(ui, &targets, "Go back with", &titles, change.write.yes)?;
    let mut outcomes = Outcomes::default();
    let mut moved = Vec::new();
    for found in found {
        let done = match found {
            Ok(found) => one(ui, &cluster, &found, change, to).await.map(|()| found),
            Err(error) => Err(error),
        };
        match done {
            Ok(found) => moved.push(found),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    if change.standalone && !moved.is_empty() {
        outcomes.add(
            ui,
            run::standalone(
                ui,
                global,
                &cluster,
                &moved,
                change.scripts.as_ref(),
                Aim::Forward,
            )
            .await,
        )?;
    }
    Ok(outcomes.code())
}

async fn one(ui: &Ui, cluster: &Cluster, found: &Found, change: &ChangeArgs, to: Option<i32>) -> Result<()> {
    if change.standalone {
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let decided = match to {
        Some(to) => jump::back(&found.object, to),
        None => {
            let steps = found.typed()?;
            jump::quiet(
                &found.object,
                steps.spec.strategy.steps(),
                size(cluster, found).await?,
            )
        }
    };
    let (to, patch) = match decided.map_err(|refusal| refused(found, &refusal))? {
        Jump::Already { step } => {
            ui.talk(&format!(
                "{} is at step {step} already, or told to go there",
                found.title()
            ));
            return unchanged(
                ui,
                &change.write,
                &found.title(),
                "already rolled back",
                &found.object,
            );
        }
        Jump::Send { from, to, patch } => {
            ui.talk(&format!("{}: from step {from} back to step {to}", found.title()));
            (to, patch)
        }
    };
    let patch = of_status(patch, change.write.dry_run);
    let object = send(ui, cluster, found, &patch, change.write.dry_run).await?;
    changed(ui, &change.write, &found.title(), "rolled back", &object)?;
    if found.object["spec"]["strategy"]["paused"] == true {
        ui.warn("the Rollout is paused (spec.strategy.paused): it goes there when it is resumed");
        ui.hint(&super::reading::next(cluster, found, Command::Resume).await);
    } else if change.write.dry_run == DryRun::None && !change.standalone {
        watch_over(ui, cluster, found, to).await?;
    }
    Ok(())
}

/// A patch of the status subresource.
pub(super) fn of_status(body: Value, dry_run: DryRun) -> Patch {
    Patch {
        body: Body::Merge(body),
        subresource: Some("status"),
        field_manager: FIELD_MANAGER,
        dry_run: dry_run == DryRun::Server,
    }
}

/// Sends a patch of a Rollout, or prints it.
pub(super) async fn send(
    ui: &Ui,
    cluster: &Cluster,
    found: &Found,
    patch: &Patch,
    dry_run: DryRun,
) -> Result<Value> {
    if dry_run == DryRun::Client {
        let path = patch_path(found.resource(), &found.namespace, &found.name, patch);
        request(ui, "PATCH", &path, &patch.body)?;
        let mut object = found.object.clone();
        if let Body::Merge(body) = &patch.body {
            json_patch::merge(&mut object, body);
        }
        return Ok(object);
    }
    cluster
        .patch(found.resource(), &found.namespace, &found.name, patch)
        .await
}

/// Pods the workload should have; without a workload percentages are of a hundred.
async fn size(cluster: &Cluster, found: &Found) -> Result<i32> {
    let Some((kind, name)) = found.workload() else {
        return Ok(100);
    };
    let (_, object) = cluster
        .in_served_version(kind, async |served| {
            cluster.read(served, &found.namespace, name).await
        })
        .await?;
    let object = object.and_then(|object| serde_json::from_value(object).ok());
    Ok(object
        .as_ref()
        .and_then(Workload::new)
        .map_or(100, |workload| workload.replicas()))
}

async fn watch_over(ui: &Ui, cluster: &Cluster, found: &Found, to: i32) -> Result<()> {
    let mut notices = cluster.follow(status::followed(found));
    let gone = async {
        while notices.next().await.is_some() {
            let now = cluster.rollout_if_there(&found.namespace, &found.name).await?;
            let at = |sub: &str| {
                let status = now
                    .as_ref()
                    .map(|now| &now.object["status"][sub]["currentStepIndex"]);
                status.is_some_and(|step| *step == to)
            };
            if now.is_none() || at("canaryStatus") || at("blueGreenStatus") {
                return Ok::<_, Error>(());
            }
        }
        Ok(())
    };
    if let Ok(outcome) = tokio::time::timeout(NOTICED_WITHIN, gone).await {
        return outcome;
    }
    ui.warn(&format!(
        "step {to} was not begun within {} s: does an engine act on this Rollout?",
        NOTICED_WITHIN.as_secs()
    ));
    ui.hint(&Command::Run.text(&found.namespace, &found.name));
    Ok(())
}

fn refused(found: &Found, refusal: &Refusal) -> Error {
    let title = found.title();
    let error = match refusal {
        Refusal::NotUnderWay { phase } => Error::new(
            Kind::Conflict,
            format!("{title} has no release under way (phase {phase}): there is no step to go back to"),
        ),
        Refusal::RollingBack => Error::conflict(format!("{title} is rolling back already")),
        refusal => Error::conflict(format!("{title} {refusal}")),
    };
    let place = format!("{} -n {}", found.name, found.namespace);
    match refusal {
        Refusal::NoQuietStep { .. } => error.hint(format!(
            "to go back to the stable version: kubectl kruise rollout rollback {place}"
        )),
        Refusal::NotBehind { wanted, .. } => error.hint(format!(
            "to go forward: kubectl kruise rollout approve {place} --to {wanted}"
        )),
        _ => error.hint(Command::Status.text(&found.namespace, &found.name)),
    }
}
