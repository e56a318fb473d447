//! `undo`: an earlier revision of a workload again.

use super::{
    Outcomes,
    back::{self, Choice},
    changed, connect, jump,
    run::{self, Aim},
    subject::{self, Subject},
    targets, write,
};
use crate::{
    cli::{
        Global,
        args::{ChangeArgs, UndoArgs},
        target::SelectArgs,
        values::DryRun,
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
    let change = &args.change;
    targets::deliberate(&args.targets.pick)?;
    if args.fast {
        let select = SelectArgs {
            names: args.targets.names.clone(),
            pick: args.targets.pick.clone(),
        };
        return jump::quiet(ui, global, &select, change).await;
    }
    let targets = targets::pick(&args.targets.pick, &args.targets.names, global)?;
    let cluster = connect(global).await?;
    let found = subject::find_all(&cluster, &targets).await?;
    let titles: Vec<String> = found.iter().flatten().map(Subject::title).collect();
    targets::confirm(ui, &targets, "Undo", &titles, change.yes)?;
    let mut outcomes = Outcomes::default();
    let (mut forward, mut left) = (Vec::new(), Vec::new());
    for subject in found {
        let done = match subject {
            Ok(subject) => one(ui, &cluster, &subject, args.to_revision, change)
                .await
                .map(|leaves| (subject, leaves)),
            Err(error) => Err(error),
        };
        match done {
            Ok((subject, true)) => left.extend(subject.rollout),
            Ok((subject, false)) => forward.extend(subject.rollout),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
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

/// Whether a release is left by it.
async fn one(
    ui: &Ui,
    cluster: &Cluster,
    subject: &Subject,
    number: i64,
    change: &ChangeArgs,
) -> Result<bool> {
    let title = subject.title();
    if change.standalone {
        let found = subject::to_drive(subject)?;
        run::refuse_where_controlled(cluster, Some(&found.namespace), std::slice::from_ref(found)).await?;
    }
    let position = subject.position()?;
    let history = back::history(cluster, subject, position.as_ref()).await?;
    let choice = back::choose(ui, subject, &history, position.as_ref(), number)?;
    let Choice { entry, leaves } = choice;
    let done =
        |words: &str, object| changed(ui, change.output.as_ref(), &title, words, change.dry_run, object);
    if same_template(&subject.live["spec"]["template"], &entry.template) {
        done(
            &format!(
                "skipped rollback (current template already matches {})",
                entry.title()
            ),
            &subject.live,
        )?;
        return Ok(leaves);
    }
    ui.talk(&format!("{title}: back to {}:", entry.title()));
    ui.talk(&back::difference(
        &subject.live["spec"]["template"],
        &entry.template,
    )?);
    let written = back::put(ui, cluster, subject, choice, change.dry_run).await?;
    done("rolled back", &written.object)?;
    if let Some(found) = subject
        .rollout
        .as_ref()
        .filter(|_| written.held && change.dry_run == DryRun::None && !change.standalone)
    {
        write::say_held(ui, found);
    }
    Ok(leaves)
}
