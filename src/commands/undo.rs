//! `undo`: an earlier revision of a workload again.

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
        args::{ChangeArgs, UndoArgs},
        target::SelectArgs,
    },
    cluster::Cluster,
    error::Result,
    exit_code,
    ui::Ui,
    workload::same_template,
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &UndoArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(all(ui, global, args))).await
}

async fn all(ui: &Ui, global: &Global, args: &UndoArgs) -> Result<u8> {
    let change = &args.change;
    targets::deliberate(&args.targets.pick)?;
    if args.fast {
        let select = SelectArgs {
            names: args.targets.names.clone(),
            pick: args.targets.pick.clone(),
        };
        return jump::quiet(ui, global, &select, change).await;
    }
    let targets = targets::pick(ui, &args.targets.pick, &args.targets.names, global)?;
    let cluster = connect(global).await?;
    let found = subject::find_all(&cluster, &targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Subject::title).collect();
    targets::confirm(ui, &targets, "Undo", &titles, change.write.yes)?;
    let mut outcomes = Outcomes::default();
    let (mut forward, mut left, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for subject in found {
        let done = match subject {
            Ok(subject) => one(ui, &cluster, &subject, args.to_revision, change)
                .await
                .map(|(leaves, came)| (subject, leaves, came)),
            Err(error) => Err(error),
        };
        match done {
            Ok((subject, leaves, came)) => {
                if leaves { &mut left } else { &mut forward }.extend(subject.rollout);
                all.extend(came);
            }
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    write::say_next(ui, &cluster, &all, change).await;
    for (rollouts, aim) in [(left, Aim::Back), (forward, Aim::Forward)] {
        if change.standalone && !rollouts.is_empty() {
            outcomes.add(
                ui,
                run::standalone(ui, global, &cluster, &rollouts, args.change.scripts.as_ref(), aim).await,
            )?;
        }
    }
    outcomes.add(ui, Ok(exit_code::DONE))?;
    Ok(outcomes.code())
}

/// Whether a release is left by it, and what it means to the Rollout.
async fn one(
    ui: &Ui,
    cluster: &Cluster,
    subject: &Subject,
    number: i64,
    change: &ChangeArgs,
) -> Result<(bool, Option<Came>)> {
    let title = subject.title();
    if change.standalone {
        let found = subject::to_drive(subject)?;
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let position = subject.position()?;
    let history = back::history(cluster, subject, position.as_ref()).await?;
    let choice = back::choose(ui, subject, &history, position.as_ref(), number)?;
    let Choice { entry, leaves } = choice;
    if same_template(&subject.live["spec"]["template"], &entry.template) {
        let words = format!(
            "skipped rollback (current template already matches {})",
            entry.title()
        );
        unchanged(ui, &change.write, &title, &words, &subject.live)?;
        return Ok((leaves, None));
    }
    ui.talk(&format!("{title}: back to {}:", entry.title()));
    ui.talk(&back::difference(
        &subject.live["spec"]["template"],
        &entry.template,
    )?);
    let written = back::put(ui, cluster, subject, choice, &change.write).await?;
    changed(ui, &change.write, &title, "rolled back", &written.object)?;
    Ok((leaves, Came::of(subject.rollout.as_ref(), &written, leaves)))
}
