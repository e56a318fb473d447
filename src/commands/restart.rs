//! `restart`: the same version with new pods, step by step where a Rollout stands behind the workload.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Outcomes, changed, connect, interruption,
    run::{self, Aim},
    subject::{self, Subject},
    targets,
    write::{self, Came},
};
use crate::{
    cli::{
        Global,
        args::{ChangeArgs, RestartArgs},
    },
    cluster::Cluster,
    error::{Error, Kind, Result},
    exit_code,
    ui::Ui,
    workload::edit,
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &RestartArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(all(ui, global, args))).await
}

async fn all(ui: &Ui, global: &Global, args: &RestartArgs) -> Result<u8> {
    let change = &args.change;
    targets::deliberate(&args.targets.pick)?;
    let targets = targets::pick(ui, &args.targets.pick, &args.targets.names, global)?;
    let cluster = connect(global).await?;
    let found = subject::find_all(&cluster, &targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Subject::title).collect();
    targets::confirm(ui, &targets, "Restart", &titles, change.write.yes)?;
    let mut outcomes = Outcomes::default();
    let (mut driven, mut all) = (Vec::new(), Vec::new());
    for subject in found {
        let done = match subject {
            Ok(subject) => one(ui, &cluster, &subject, change)
                .await
                .map(|came| (subject, came)),
            Err(error) => Err(error),
        };
        match done {
            Ok((subject, came)) => {
                driven.extend(subject.rollout);
                all.extend(came);
            }
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    write::say_next(ui, &cluster, &all, change).await;
    if change.standalone && !driven.is_empty() {
        outcomes.add(
            ui,
            run::standalone(
                ui,
                global,
                &cluster,
                &driven,
                args.change.scripts.as_ref(),
                Aim::Forward,
            )
            .await,
        )?;
    }
    outcomes.add(ui, Ok(exit_code::DONE))?;
    Ok(outcomes.code())
}

async fn one(ui: &Ui, cluster: &Cluster, subject: &Subject, change: &ChangeArgs) -> Result<Option<Came>> {
    let title = subject.title();
    let place = format!("{title} -n {}", subject.namespace);
    if subject.is_paused_by_user() {
        return Err(
            Error::conflict(format!("{title} is paused: it cannot be restarted"))
                .hint(format!("kubectl kruise rollout resume {place}")),
        );
    }
    if change.standalone {
        let found = subject::to_drive(subject)?;
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let holder = write::holder(ui, cluster, subject.rollout.as_ref(), &subject.live).await?;
    let now = cluster.clock.now();
    // Two restarts within a second are two: the time is the only thing that sets them apart.
    let at = Timestamp::from_millisecond(now.as_millisecond())
        .unwrap_or(now)
        .to_string();
    let make = |live: &Value| {
        edit::restarted(live, &at).map_err(|why| {
            Error::new(Kind::General, format!("{title} cannot be restarted: {why}"))
                .hint("delete its pods, or have their containers made anew: kubectl kruise create ContainerRecreateRequest")
        })
    };
    let live = subject.live.clone();
    let written = write::write(ui, cluster, subject.place(), live, make, holder, &change.write).await?;
    changed(ui, &change.write, &title, "restarted", &written.object)?;
    Ok(Came::of(subject.rollout.as_ref(), &written, false))
}
