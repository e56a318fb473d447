//! `pause` and `resume`: freeze a release, or a workload's own update, where it is. Both may be said twice.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    FIELD_MANAGER, Outcomes, changed, connect, interruption, jump, reading,
    run::{self, Aim},
    subject::{self, Subject},
    targets, write,
};
use crate::{
    cli::{
        Global,
        args::{PauseArgs, ResumeArgs, WriteArgs},
        target::{Kind as TargetKind, Named, ObjectArgs},
        values::DryRun,
    },
    cluster::{Body, Cluster, Found, Patch},
    error::{Error, Kind, Result},
    exit_code,
    release::Position,
    traffic::script::Folder,
    ui::Ui,
    view::suggest::Command,
    workload::{Kind as WorkloadKind, hold},
};

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    Pause,
    Resume,
}

impl Verb {
    fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }

    fn doing(self) -> &'static str {
        match self {
            Self::Pause => "pausing",
            Self::Resume => "resuming",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Pause => "Pause",
            Self::Resume => "Resume",
        }
    }
}

/// What decides beside the targets.
struct Options<'a> {
    verb: Verb,
    force: bool,
    how: &'a WriteArgs,
    standalone: bool,
    scripts: Option<&'a Arc<Folder>>,
}

/// Runs `pause`.
///
/// # Errors
/// When no object can be looked for at all; failures of single objects are shown and decide the exit code.
pub async fn pause(ui: &Ui, global: &Global, args: &PauseArgs) -> Result<u8> {
    let options = Options {
        verb: Verb::Pause,
        force: args.force,
        how: &args.write,
        standalone: false,
        scripts: None,
    };
    each(ui, global, &args.targets, &options).await
}

/// Runs `resume`.
///
/// # Errors
/// As [`pause`].
pub async fn resume(ui: &Ui, global: &Global, args: &ResumeArgs) -> Result<u8> {
    interruption::within(args.change.limit.timeout, Box::pin(resume_all(ui, global, args))).await
}

async fn resume_all(ui: &Ui, global: &Global, args: &ResumeArgs) -> Result<u8> {
    let options = Options {
        verb: Verb::Resume,
        force: args.force,
        how: &args.change.write,
        standalone: args.change.standalone,
        scripts: args.change.scripts.as_ref(),
    };
    each(ui, global, &args.targets, &options).await
}

async fn each(ui: &Ui, global: &Global, args: &ObjectArgs, options: &Options<'_>) -> Result<u8> {
    targets::deliberate(&args.pick)?;
    let targets = targets::pick(ui, &args.pick, &args.names, global)?;
    let cluster = connect(global).await?;
    let names = reading::names(&cluster, &targets).await?;
    let titles: Vec<String> = names.iter().map(|named| named.name.clone()).collect();
    targets::confirm(ui, &targets, options.verb.title(), &titles, options.how.yes)?;
    let mut outcomes = Outcomes::default();
    let mut driven = Vec::new();
    for named in &names {
        match one(ui, &cluster, named, options).await {
            Ok(rollout) => driven.extend(rollout),
            Err(error) => outcomes.add(ui, Err(error))?,
        }
    }
    if options.standalone && !driven.is_empty() {
        outcomes.add(
            ui,
            run::standalone(ui, global, &cluster, &driven, options.scripts, Aim::Forward).await,
        )?;
    }
    outcomes.add(ui, Ok(exit_code::DONE))?;
    Ok(outcomes.code())
}

async fn one(ui: &Ui, cluster: &Cluster, named: &Named, options: &Options<'_>) -> Result<Option<Found>> {
    match named.kind {
        TargetKind::Rollout => {
            let found = cluster
                .rollout(reading::namespace(cluster, named), &named.name)
                .await?;
            release(ui, cluster, &found, options).await?;
            Ok(Some(found))
        }
        TargetKind::Workload(_) => {
            let subject = subject::find(cluster, named).await?;
            workload(ui, cluster, &subject, options).await?;
            Ok(subject.rollout)
        }
    }
}

async fn release(ui: &Ui, cluster: &Cluster, found: &Found, options: &Options<'_>) -> Result<()> {
    let &Options { verb, how, .. } = options;
    if options.standalone {
        run::refuse_where_others_act(ui, cluster, Some(&found.namespace), std::slice::from_ref(found))
            .await?;
    }
    let wanted = verb == Verb::Pause;
    let is = found.object["spec"]["strategy"]["paused"] == true;
    let title = found.title();
    let object = if is == wanted {
        ui.talk(&already(&title, verb));
        found.object.clone()
    } else {
        let patch = Patch {
            // One that was deleted and made anew is another.
            body: Body::Merge(json!({
                "metadata": { "uid": found.object["metadata"]["uid"] },
                "spec": { "strategy": { "paused": wanted } },
            })),
            subresource: None,
            field_manager: FIELD_MANAGER,
            dry_run: how.dry_run == DryRun::Server,
        };
        jump::send(ui, cluster, found, &patch, how.dry_run).await?
    };
    changed(ui, how, &title, verb.done(), &object)?;
    if is == wanted || how.dry_run != DryRun::None {
        return Ok(());
    }
    let position = Position::of(&found.typed()?);
    let command = |command: Command| command.text(&found.namespace, &found.name);
    if wanted {
        ui.talk(match (position.under_way(), position.is_closing()) {
            (true, true) => "the closing work goes on to its end; the next release waits until it is resumed",
            (true, false) => {
                "pods and traffic stay as they are until it is resumed; a rollback works all the same"
            }
            (false, _) => "no release is under way: the next one waits before its first step",
        });
        ui.hint(&command(Command::Resume));
    } else if position.under_way() && !options.standalone && cluster.is_left_to_ours(found) {
        ui.talk(&format!(
            "whoever carries the release out goes on; where nobody does: {}",
            command(Command::Run)
        ));
    }
    Ok(())
}

fn already(title: &str, verb: Verb) -> String {
    match verb {
        Verb::Pause => format!("{title} is paused already"),
        Verb::Resume => format!("{title} is not paused"),
    }
}

/// The field by which a kind pauses its own update; none where its controller has no such thing.
fn field(kind: WorkloadKind) -> Option<&'static str> {
    match kind {
        WorkloadKind::Deployment => Some(hold::PAUSED),
        WorkloadKind::CloneSet => Some(hold::UPDATE_PAUSED),
        WorkloadKind::AdvancedStatefulSet | WorkloadKind::AdvancedDaemonSet => Some(hold::ROLLING_PAUSED),
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => None,
    }
}

async fn workload(ui: &Ui, cluster: &Cluster, subject: &Subject, options: &Options<'_>) -> Result<()> {
    let &Options { verb, how, .. } = options;
    let title = subject.title();
    let path = field(subject.kind).ok_or_else(|| unsupported(subject, verb))?;
    if options.standalone {
        subject::to_drive(subject)?;
    }
    let wanted = verb == Verb::Pause;
    // The hold of a release may be the very field: that it is set already says nothing.
    if !options.force {
        subject.refuse_while_released(verb.word())?;
    }
    let is = *hold::at(&subject.live["spec"], path) == true;
    if is == wanted {
        ui.talk(&already(&title, verb));
        return changed(ui, how, &title, verb.done(), &subject.live);
    }
    let make = |live: &Value| {
        let mut after = live.clone();
        hold::put(&mut after["spec"], path, json!(wanted));
        Ok(after)
    };
    let live = subject.live.clone();
    let written = write::write(ui, cluster, subject.place(), live, make, None, how).await?;
    changed(ui, how, &title, verb.done(), &written.object)?;
    if let Some(found) = subject.rollout.as_ref().filter(|_| wanted) {
        ui.warn(&format!(
            "a release by {} does not wait for this pause",
            found.title()
        ));
        ui.hint(&format!(
            "to keep releases waiting: kubectl kruise rollout pause {} -n {}",
            found.name, found.namespace
        ));
    }
    Ok(())
}

fn unsupported(subject: &Subject, verb: Verb) -> Error {
    let error = Error::new(
        Kind::General,
        format!(
            "{} {:?} {} is not supported: its controller cannot be paused",
            subject.served.full(),
            subject.name,
            verb.doing()
        ),
    );
    match &subject.rollout {
        Some(found) => error.hint(format!(
            "its Rollout can: kubectl kruise rollout {} {} -n {}",
            verb.word(),
            found.name,
            found.namespace
        )),
        None => error.hint(
            "Deployments, CloneSets, Advanced StatefulSets and Advanced DaemonSets can, and every Rollout",
        ),
    }
}
