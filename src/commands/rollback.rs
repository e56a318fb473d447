//! `rollback`: leaves the release under way by putting the stable version's template back, and looks whether it is back.

use super::{
    Outcomes,
    back::{self, Choice},
    changed, connect, interruption, jump,
    run::{self, Aim},
    subject::{self, Subject},
    targets, unchanged,
    write::{self, Came},
};
use crate::{
    cli::{
        Global,
        args::{ChangeArgs, RollbackArgs},
        values::DryRun,
    },
    cluster::{Cluster, Found},
    error::{Error, Kind, Result},
    ui::Ui,
    view::{Status, status::Looked, status::Seen, suggest::Command},
    workload::{edit, same_template},
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &RollbackArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(all(ui, global, args))).await
}

async fn all(ui: &Ui, global: &Global, args: &RollbackArgs) -> Result<u8> {
    let change = &args.change;
    targets::deliberate(&args.targets.pick)?;
    if args.fast {
        return jump::quiet(ui, global, &args.targets, change).await;
    }
    if let Some(to) = args.to_step {
        return jump::back(ui, global, &args.targets, change, to).await;
    }
    let targets = targets::read(ui, &args.targets, global)?;
    let cluster = connect(global).await?;
    let found = super::reading::find_all(&cluster, &targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Found::title).collect();
    targets::confirm(ui, &targets, "Roll back", &titles, change.write.yes)?;
    let mut outcomes = Outcomes::default();
    let mut left = Vec::new();
    for found in found {
        let done = match found {
            Ok(found) => one(ui, &cluster, &found, args).await.map(|waits| (found, waits)),
            Err(error) => Err(error),
        };
        match done {
            Ok(done) => left.push(done),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    if change.standalone && !left.is_empty() {
        let rollouts: Vec<Found> = left.iter().map(|(found, _)| found.clone()).collect();
        outcomes.add(
            ui,
            run::standalone(
                ui,
                global,
                &cluster,
                &rollouts,
                change.scripts.as_ref(),
                Aim::Back,
            )
            .await,
        )?;
        if outcomes.code() == crate::exit_code::DONE {
            for (found, _) in left.iter().filter(|(_, leaves)| *leaves) {
                outcomes.add(
                    ui,
                    back::verify_now(ui, &cluster, found)
                        .await
                        .map(|()| crate::exit_code::DONE),
                )?;
            }
        }
        return Ok(outcomes.code());
    }
    if change.write.dry_run == DryRun::None && !args.no_wait {
        let waits = left
            .iter()
            .filter(|(_, leaves)| *leaves)
            .map(|(found, _)| back::verify(ui, &cluster, found));
        for outcome in futures::future::join_all(waits).await {
            outcomes.add(ui, outcome)?;
        }
    }
    Ok(outcomes.code())
}

/// Whether the release is left by it, so that the stable version is to be expected.
async fn one(ui: &Ui, cluster: &Cluster, found: &Found, args: &RollbackArgs) -> Result<bool> {
    let change = &args.change;
    if change.standalone {
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let subject = subject::of_rollout(cluster, found.clone()).await?;
    let position = subject.position()?;
    let status = status_of(&subject)?;
    let title = subject.title();
    // Whatever else is amiss: nothing of a release that has not begun stands in the way of leaving it.
    let held = edit::mark_of(&subject.live).is_some();
    let under_way = status.position.under_way();
    let number = args.to_revision.unwrap_or_default();
    if number == 0 && status.position.reason == "Cancelling" && under_way {
        ui.talk(&format!("{} is rolling back already", found.title()));
        unchanged(ui, &change.write, &title, "already rolled back", &subject.live)?;
        write::say_paused(ui, found, true);
        return Ok(true);
    }
    if number == 0 && !under_way && !held {
        return Err(nothing_to_leave(found, &status, &title));
    }
    let history = back::history(cluster, &subject, position.as_ref()).await?;
    let choice = back::choose(ui, &subject, &history, position.as_ref(), number)?;
    let Choice { entry, leaves } = choice;
    if same_template(&subject.live["spec"]["template"], &entry.template) {
        ui.talk(if leaves {
            "the template is that of the stable version already; the engine has not seen it yet"
        } else {
            "the template is that of this revision already"
        });
        unchanged(ui, &change.write, &title, "already rolled back", &subject.live)?;
        return Ok(leaves);
    }
    let which = if number == 0 {
        format!("revision {}", entry.hash)
    } else {
        entry.title()
    };
    ui.talk(&format!(
        "{}: {}; back to {which}:",
        found.title(),
        status.headline()
    ));
    ui.talk(&back::difference(
        &subject.live["spec"]["template"],
        &entry.template,
    )?);
    confirm(ui, change)?;
    let written = back::put(ui, cluster, &subject, choice, &change.write).await?;
    changed(ui, &change.write, &title, "rolled back", &written.object)?;
    if leaves {
        write::say_paused(ui, found, true);
    } else {
        let came = Came::of(Some(found), &written, false);
        write::say_next(ui, cluster, came.as_slice(), change).await;
    }
    Ok(leaves)
}

fn confirm(ui: &Ui, change: &ChangeArgs) -> Result<()> {
    if change.write.dry_run == DryRun::None && !change.write.yes && ui.confirm("Roll back?")? == Some(false) {
        return Err(Error::new(Kind::General, "not confirmed; nothing was changed"));
    }
    Ok(())
}

/// What the Rollout and its workload say; nothing else is read for it.
fn status_of(subject: &Subject) -> Result<Status> {
    let rollout = subject.rollout.as_ref().map(Found::typed).transpose()?;
    Ok(Status::of(&Seen {
        rollout: rollout.unwrap_or_default(),
        workload: Looked::There(subject.live.clone()),
        ..Seen::default()
    }))
}

fn nothing_to_leave(found: &Found, status: &Status, title: &str) -> Error {
    let state = status.headline();
    Error::conflict(format!(
        "{} has no release under way ({state}): there is nothing to roll back",
        found.title()
    ))
    .hint(format!(
        "to go back to an earlier revision: kubectl kruise rollout undo {title} -n {}",
        found.namespace
    ))
    .hint(Command::Status.text(&found.namespace, &found.name))
}
