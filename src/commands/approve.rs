//! `approve`: lets a paused step go on.

use futures::StreamExt;

use super::{
    Outcomes,
    back::NOTICED_WITHIN,
    changed, connect, interruption,
    jump::{of_status, send},
    plan::saved,
    reading,
    run::{self, Aim},
    targets, validity,
};
use crate::{
    cli::{Global, args::ApproveArgs, values::DryRun},
    cluster::{Cluster, Found, Served, follow::Followed},
    error::{Error, Kind, Result},
    exit_code,
    release::{Approval, Guard, Jump, Position, Refusal, Verdict, approval, jump},
    ui::Ui,
    view::{Status, change::stamped, status::Seen, suggest::Command},
};

/// Runs the command.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn run(ui: &Ui, global: &Global, args: &ApproveArgs) -> Result<u8> {
    targets::deliberate(&args.targets.pick)?;
    let saved = args.plan.as_deref().map(saved::read).transpose()?;
    let targets = match saved::named_by(saved.as_ref(), &args.targets.names, &args.targets.pick) {
        Some(targets) => targets,
        None => targets::read(ui, &args.targets, global)?,
    };
    let guard = Guard {
        step: args.step,
        revision: args.revision.clone(),
    };
    let cluster = connect(global).await?;
    let work = async {
        let found = reading::find_all(&cluster, &targets).await?;
        let titles: Vec<String> = found.iter().flatten().map(Found::title).collect();
        if let (Some(saved), Some(path)) = (&saved, &args.plan) {
            let there: Vec<Found> = found.iter().flatten().cloned().collect();
            if !there.is_empty() {
                saved::hold_to(&cluster, saved, path, &there).await?;
            }
        }
        targets::confirm(ui, &targets, "Approve", &titles, args.change.write.yes)?;
        let mut outcomes = Outcomes::default();
        let mut approved = Vec::new();
        for found in found {
            let done = match found {
                Ok(found) => one(ui, &cluster, &found, &guard, args).await.map(|()| found),
                Err(error) => Err(error),
            };
            match done {
                Ok(found) => approved.push(found),
                Err(error) => outcomes.add(ui, Err(error))?,
            }
        }
        if args.change.standalone && !approved.is_empty() {
            outcomes.add(ui, drive(ui, global, &cluster, &approved, args).await)?;
        } else if args.all_steps && args.change.write.dry_run != DryRun::None {
            for found in &approved {
                say_later(ui, found)?;
            }
        } else if args.all_steps {
            let ends = approved.iter().map(|found| to_the_end(ui, &cluster, found));
            for end in futures::future::join_all(ends).await {
                outcomes.add(ui, end)?;
            }
        }
        Ok(outcomes.code())
    };
    interruption::within(args.change.limit.timeout, work).await
}

/// Says which steps `--all-steps` would approve after the one at hand.
fn say_later(ui: &Ui, found: &Found) -> Result<()> {
    let later = Position::of(&found.typed()?).later_approvals();
    let steps: Vec<String> = later.iter().map(ToString::to_string).collect();
    ui.talk(&match steps.as_slice() {
        [] => format!("{}: no later step waits for an approval", found.title()),
        [step] => format!("{}: step {step} would be approved in its turn", found.title()),
        steps => format!(
            "{}: steps {} would be approved in their turn",
            found.title(),
            steps.join(", ")
        ),
    });
    Ok(())
}

/// Drives to the next stop; with `--all-steps` approves there, and drives on.
async fn drive(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    approved: &[Found],
    args: &ApproveArgs,
) -> Result<u8> {
    loop {
        let code = run::standalone(
            ui,
            global,
            cluster,
            approved,
            args.change.scripts.as_ref(),
            Aim::Forward,
        )
        .await?;
        if !args.all_steps || code != exit_code::WAITING {
            return Ok(code);
        }
        let mut any = false;
        for found in approved {
            let Some(now) = cluster.rollout_if_there(&found.namespace, &found.name).await? else {
                continue;
            };
            if now.object["spec"]["strategy"]["paused"] == true || left_to_a_human(ui, &now)? {
                continue;
            }
            let guard = Guard::of_release(&found.object);
            match jump::towards(&now.object, &guard, jump::Aim::Next) {
                Ok(jump @ Jump::Send { .. }) => {
                    approve(ui, cluster, &now, jump, args).await?;
                    any = true;
                }
                Err(refusal @ Refusal::OtherRevision { .. }) => return Err(refused(&now, &refusal)),
                // One of several that is over, or on its way, keeps the others from nothing.
                Ok(Jump::Already { .. }) | Err(_) => {}
            }
        }
        if !any {
            return Ok(code);
        }
    }
}

async fn one(ui: &Ui, cluster: &Cluster, found: &Found, guard: &Guard, args: &ApproveArgs) -> Result<()> {
    let change = &args.change;
    if change.standalone {
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    validity::check_where_free(cluster, found).await?;
    let aim = match args.to {
        None => jump::Aim::Next,
        Some(to) if args.force => jump::Aim::Past(to),
        Some(to) => jump::Aim::Ahead(to),
    };
    let jump = jump::towards(&found.object, guard, aim).map_err(|refusal| match (&refusal, args.to) {
        (Refusal::NotPaused { .. }, Some(to)) => refused(found, &refusal).hint(format!(
            "to leave the step as it is: {}",
            Command::Skip { to }.text(&found.namespace, &found.name)
        )),
        _ => refused(found, &refusal),
    })?;
    let step = approve(ui, cluster, found, jump, args).await?;
    if found.object["spec"]["strategy"]["paused"] == true {
        ui.warn("the Rollout is paused (spec.strategy.paused): the approval takes effect when it is resumed");
        // Without waiting it is one read and one write.
        ui.hint(&match args.no_wait {
            true => Command::Resume.text(&found.namespace, &found.name),
            false => reading::next(cluster, found, Command::Resume).await,
        });
    } else if change.write.dry_run == DryRun::None && !args.no_wait && !change.standalone && !args.all_steps {
        watch_over(ui, cluster, found, step, aim).await?;
    }
    Ok(())
}

/// Sends an approval, and says so; returns the step that is approved.
async fn approve(ui: &Ui, cluster: &Cluster, found: &Found, jump: Jump, args: &ApproveArgs) -> Result<i32> {
    let change = &args.change;
    let done = |object| changed(ui, &change.write, &found.title(), "approved", object);
    match jump {
        Jump::Already { step } => {
            ui.talk(&format!(
                "step {step} is approved already; no engine has seen it yet"
            ));
            done(&found.object)?;
            Ok(step)
        }
        Jump::Send { from, to, patch } => {
            if to > from + 1 {
                ui.talk(&format!("{}: from step {from} to step {to}", found.title()));
            }
            let patch = of_status(patch, change.write.dry_run);
            let object = send(ui, cluster, found, &patch, change.write.dry_run).await?;
            done(&object)?;
            Ok(from)
        }
    }
}

/// Waits for the step to be left, and approves again when an engine wrote the old state over the approval.
async fn watch_over(ui: &Ui, cluster: &Cluster, found: &Found, step: i32, aim: jump::Aim) -> Result<()> {
    let mut notices = cluster.follow(vec![followed(found)]);
    let guard = Guard {
        step: Some(step),
        revision: None,
    };
    let left = async {
        while notices.next().await.is_some() {
            let Some(now) = cluster.rollout_if_there(&found.namespace, &found.name).await? else {
                return Ok(());
            };
            match jump::towards(&now.object, &guard, aim) {
                Ok(Jump::Already { .. }) => {}
                Ok(Jump::Send { patch, .. }) => {
                    ui.talk(&format!(
                        "the approval of step {step} was overwritten; sending it again"
                    ));
                    match send(ui, cluster, &now, &of_status(patch, DryRun::None), DryRun::None).await {
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
    match tokio::time::timeout(NOTICED_WITHIN, left).await {
        Ok(outcome) => outcome,
        Err(_) => {
            ui.warn(&format!(
                "step {step} was not left within {} s: does an engine act on this Rollout?",
                NOTICED_WITHIN.as_secs()
            ));
            ui.hint(&Command::Run.text(&found.namespace, &found.name));
            Ok(())
        }
    }
}

fn followed(found: &Found) -> Followed {
    Followed {
        served: Served::rollouts(found.version),
        namespace: Some(found.namespace.clone()),
        name: Some(found.name.clone()),
        labels: None,
    }
}

/// Whether the metrics of the step at hand did not pass: whoever approves all steps has not judged these.
fn left_to_a_human(ui: &Ui, found: &Found) -> Result<bool> {
    let position = Position::of(&found.typed()?);
    let is_kept = position.is_kept_by_metrics();
    if is_kept {
        ui.warn(&format!(
            "{}: the metrics of step {} did not pass: a human decides",
            found.title(),
            position.step
        ));
        let approve = Command::Approve { step: position.step };
        ui.hint(&approve.text(&found.namespace, &found.name));
    }
    Ok(is_kept)
}

/// Approves whatever waits for an approval until the release has ended; timed pauses pass by themselves.
async fn to_the_end(ui: &Ui, cluster: &Cluster, found: &Found) -> Result<u8> {
    let mut notices = cluster.follow(vec![followed(found)]);
    let guard = Guard::of_release(&found.object);
    let mut last = String::new();
    while notices.next().await.is_some() {
        let Some(now) = cluster.rollout_if_there(&found.namespace, &found.name).await? else {
            return Err(Error::new(
                Kind::NotFound,
                format!("{} was deleted meanwhile", found.title()),
            ));
        };
        let state = Status::of(&Seen {
            rollout: now.typed()?,
            ..Seen::default()
        });
        let line = state.line();
        if line != last {
            ui.talk(&stamped(cluster.clock.now(), &line));
            last = line;
        }
        match state.verdict {
            Verdict::WaitingForApproval => {
                if left_to_a_human(ui, &now)? {
                    return Ok(exit_code::WAITING);
                }
                let approval =
                    approval::decide(&now.object, &guard).map_err(|refusal| refused(&now, &refusal))?;
                if let Approval::Send { patch, step } = approval {
                    match send(ui, cluster, &now, &of_status(patch, DryRun::None), DryRun::None).await {
                        Ok(_) => ui.talk(&format!("{}: step {step} approved", found.title())),
                        // Somebody was faster; the next notice shows what it came to.
                        Err(error) if error.kind == Kind::Conflict => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Verdict::Degraded | Verdict::NoWorkload => {
                return Err(Error::new(
                    Kind::Degraded,
                    format!("{} is {}", found.title(), state.headline()),
                )
                .hint(Command::Status.text(&found.namespace, &found.name)));
            }
            verdict if verdict.is_at_rest() || verdict == Verdict::Paused => {
                ui.aside(&format!("{} {}", found.title(), state.headline()))?;
                return Ok(verdict.exit_code());
            }
            _ => {}
        }
    }
    Ok(exit_code::DONE)
}

fn refused(found: &Found, refusal: &Refusal) -> Error {
    let full = found.resource().full();
    let error = Error::conflict(format!("{full} {:?} {refusal}", found.name));
    match refusal {
        Refusal::NotAhead { wanted, step } if wanted < step => error.hint(format!(
            "to go back: kubectl kruise rollout rollback {} -n {} --to-step {wanted}",
            found.name, found.namespace
        )),
        _ => error.hint(Command::Status.text(&found.namespace, &found.name)),
    }
}
