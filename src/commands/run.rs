//! `run`: drives releases in this process, and what `--standalone` does after a change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{
    Outcomes, beside, connect, gate, interruption,
    plan::saved,
    reading, targets,
    validity::{edit, invalid},
};
use crate::{
    analysis::Inline,
    cli::{
        Global,
        args::RunArgs,
        target::{self, Targets},
    },
    cluster::{Cluster, Found, Resource, charge::Charge, connect_engine, failure},
    engine::{
        core::Stop,
        driver::{self, Event, Options, RolloutKey, Scope},
    },
    error::{Error, Kind, Result},
    exit_code,
    traffic::script::Folder,
    ui::{Progress, Ui},
    view::{change::stamped, suggest::Command},
};

/// Runs the command.
///
/// # Errors
/// When nothing can be driven, a controller is in charge, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &RunArgs) -> Result<u8> {
    let saved = args.plan.as_deref().map(saved::read).transpose()?;
    let targets = match saved::named_by(saved.as_ref(), &args.targets.names, &args.targets.pick) {
        Some(targets) => targets,
        None => targets::read(ui, &args.targets, global)?,
    };
    let analysis = args
        .analysis
        .as_deref()
        .map(gate::from_file)
        .transpose()?
        .map(Arc::new);
    let cluster = connect(global).await?;
    let mut outcomes = Outcomes::default();
    let (scope, rollouts) = match &targets {
        Targets::Selected {
            kinds,
            all_namespaces,
            labels,
        } if kinds == &[target::Kind::Rollout] => {
            let namespace = (!all_namespaces).then(|| cluster.namespace.clone());
            let rollouts = if args.forever {
                // An engine that runs for ever may start before the first Rollout is made.
                cluster.rollouts(namespace.as_deref(), labels.as_deref()).await?
            } else {
                reading::find_all(&cluster, &targets)
                    .await?
                    .into_iter()
                    .collect::<Result<_>>()?
            };
            (
                Scope::Selected {
                    namespace,
                    labels: labels.clone(),
                },
                rollouts,
            )
        }
        _ => {
            let mut rollouts = Vec::new();
            for found in reading::find_all(&cluster, &targets).await? {
                match found {
                    Ok(found) => rollouts.push(found),
                    Err(error) => outcomes.add(ui, Err(error))?,
                }
            }
            let mut scopes = by_name(&rollouts);
            match (scopes.pop(), scopes.is_empty()) {
                (None, _) => return Ok(outcomes.code()),
                (Some(scope), true) => (scope, rollouts),
                (Some(_), false) => {
                    return Err(Error::usage(
                        "these Rollouts are in several namespaces, and 'run' drives those of one",
                    )
                    .hint("run it once for each, or use 'run -A -l LABELS'"));
                }
            }
        }
    };
    if !args.force {
        refuse_where_controlled(&cluster, scope.namespace(), &rollouts).await?;
    }
    rollouts.iter().try_for_each(Found::drivable)?;
    if let (Some(saved), Some(path)) = (&saved, &args.plan) {
        saved::hold_to(&cluster, saved, path, &rollouts).await?;
    }
    let how = How {
        forever: args.forever,
        follows: false,
        aim: Aim::Forward,
        scripts: args.scripts.clone(),
        analysis,
    };
    let namespace = scope.namespace().map(str::to_owned);
    let drive = drive(ui, global, &cluster, scope, how);
    let drive = interruption::within(args.limit.timeout, drive);
    let driven = if args.forever && !args.force {
        let controlled =
            async { controlled(&cluster.until_controlled(namespace.as_deref(), &rollouts).await) };
        interruption::unless(controlled, drive).await
    } else {
        drive.await
    };
    if driven.as_ref().is_err_and(|error| error.kind == Kind::Timeout) {
        for found in &rollouts {
            say_why(ui, &cluster, &found.namespace, &found.name).await;
        }
    }
    outcomes.add(ui, driven)?;
    Ok(outcomes.code())
}

/// What is told where a controller acts of which this was seen.
fn controlled(seen: &str) -> Error {
    Error::conflict(format!("the controller in the cluster is in charge: {seen}"))
        .hint("let it act: approve, status, watch and rollback work with it, without --standalone")
}

/// What the user wants of a release; a rollback that ends rolled back is a success.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Aim {
    /// The new version.
    Forward,
    /// The stable version.
    Back,
}

/// Refuses where a controller in the cluster acts on these Rollouts, or where that cannot be told; and where no engine of ours
/// could.
///
/// # Errors
/// When a controller is in charge, or the Rollouts are of a version that no engine here drives.
pub async fn refuse_where_controlled(
    cluster: &Cluster,
    namespace: Option<&str>,
    rollouts: &[Found],
) -> Result<()> {
    match cluster.controller_in_charge(namespace, rollouts).await? {
        Charge::Nobody => rollouts.iter().try_for_each(Found::drivable),
        Charge::Controller(seen) => Err(controlled(&seen)),
        Charge::Unknown(missing) => Err(Error::conflict(format!(
            "cannot tell whether a controller in the cluster is in charge: {missing}"
        ))
        .hint("'run --force' acts all the same, if you know that there is none")),
    }
}

/// Refuses what `--standalone` could not carry out: where a controller is in charge, or another engine is at work on one of
/// these Rollouts. Asked before anything is written.
///
/// # Errors
/// As [`refuse_where_controlled`], or when another engine renews a Rollout's Lease.
pub async fn refuse_where_others_act(
    ui: &Ui,
    cluster: &Cluster,
    namespace: Option<&str>,
    rollouts: &[Found],
) -> Result<()> {
    refuse_where_controlled(cluster, namespace, rollouts).await?;
    for found in rollouts {
        let waiting = |holder: &str| {
            let title = found.title();
            ui.talk(&format!(
                "{title} is held by {holder:?}; waiting until that engine shows itself, or its lease ends"
            ));
        };
        if let Some(holder) = cluster.other_engine(found, waiting).await? {
            return Err(Error::conflict(format!(
                "{} is driven by another engine, {holder:?}; nothing was changed",
                found.title()
            ))
            .hint("leave --standalone out: that engine carries it out")
            .hint(Command::Watch.text(&found.namespace, &found.name)));
        }
    }
    Ok(())
}

/// Drives Rollouts that were just changed to their next stop; one that another engine drives by now is followed there.
///
/// # Errors
/// When they cannot be driven.
pub async fn standalone(
    ui: &Ui,
    global: &Global,
    cluster: &Cluster,
    rollouts: &[Found],
    scripts: Option<&Arc<Folder>>,
    aim: Aim,
) -> Result<u8> {
    let how = How {
        forever: false,
        follows: true,
        aim,
        scripts: scripts.cloned(),
        analysis: None,
    };
    let mut outcomes = Outcomes::default();
    for scope in by_name(rollouts) {
        outcomes.add(ui, drive(ui, global, cluster, scope, how.clone()).await)?;
    }
    Ok(outcomes.code())
}

/// How to drive.
#[derive(Clone)]
struct How {
    forever: bool,
    /// Whether a Rollout that another engine drives is followed.
    follows: bool,
    aim: Aim,
    scripts: Option<Arc<Folder>>,
    analysis: Option<Arc<Inline>>,
}

/// The Rollouts by their names, namespace by namespace.
fn by_name(rollouts: &[Found]) -> Vec<Scope> {
    let mut places: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for found in rollouts {
        places.entry(&found.namespace).or_default().insert(&found.name);
    }
    let scope = |(namespace, names): (&str, BTreeSet<&str>)| Scope::Names {
        namespace: namespace.to_owned(),
        names: names.into_iter().map(str::to_owned).collect(),
    };
    places.into_iter().map(scope).collect()
}

fn alone(key: &RolloutKey) -> Scope {
    Scope::Names {
        namespace: key.namespace.clone(),
        names: vec![key.name.clone()],
    }
}

async fn drive(ui: &Ui, global: &Global, cluster: &Cluster, scope: Scope, how: How) -> Result<u8> {
    let client = connect_engine(&global.access()).await?;
    let (events, told) = mpsc::unbounded_channel();
    let options = Options {
        identity: identity(cluster),
        forever: how.forever,
        scripts: how.scripts.clone(),
        record: true,
        analysis: how.analysis.clone(),
        meter: None,
        shutdown: interruption::told(),
    };
    let namespace = scope.namespace().map(str::to_owned);
    let work = driver::drive(client, cluster.clock, scope, options, events);
    let (stops, ()) = tokio::join!(work, tell(ui, told, global.verbosity));
    let stops = stops.map_err(|error| failure::of_driver(&error, namespace.as_deref(), &cluster.server))?;
    let mut outcomes = Outcomes::default();
    for (key, stop) in &stops {
        if matches!(stop, Stop::Degraded { .. } | Stop::Blocked { .. }) {
            say_why(ui, cluster, &key.namespace, &key.name).await;
        }
        let outcome = match stop {
            Stop::OtherEngine { holder } if how.follows => {
                ui.talk(&format!("{key}  engine {holder:?} carries it out: following it"));
                match Box::pin(beside::follow(ui, cluster, key, how.aim)).await {
                    // It is gone, or waits for time: this process goes on.
                    Ok(None) => Box::pin(drive(ui, global, cluster, alone(key), how.clone())).await,
                    Ok(Some(code)) => Ok(code),
                    Err(error) => Err(error),
                }
            }
            _ => conclude(ui, key, stop, how.aim),
        };
        outcomes.add(ui, outcome)?;
    }
    Ok(outcomes.code())
}

/// Says where a release stands, and what keeps it there: the engine knows how many pods are missing, and not why.
async fn say_why(ui: &Ui, cluster: &Cluster, namespace: &str, name: &str) {
    // Boxed: what is read for a status is a lot, and would stand on the stack of whatever drives a release.
    let said = Box::pin(async {
        if let Ok(Some(found)) = cluster.rollout_if_there(namespace, name).await
            && let Ok(status) = reading::status(cluster, &found).await
            && status.troubles().next().is_some()
        {
            ui.talk(&stamped(cluster.clock.now(), &status.line()));
        }
    });
    said.await;
}

/// A name for this process in Leases. It need not be kept: a successor waits for the Lease to end.
fn identity(cluster: &Cluster) -> String {
    let from_environment = ["HOSTNAME", "COMPUTERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let host = from_environment
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "unknown-host".to_owned());
    // The process id alone is 1 in every container.
    let moment = cluster.clock.now().as_nanosecond() % 1_000_000_000;
    format!("{host}_{}_{moment:09}", std::process::id())
}

/// Shows what the driver does, until it ends.
async fn tell(ui: &Ui, mut told: UnboundedReceiver<Event>, verbosity: u8) {
    let progress = Progress::new(ui);
    let mut last: BTreeMap<RolloutKey, String> = BTreeMap::new();
    while let Some(event) = told.recv().await {
        match event {
            Event::Moved { key, at, reason, .. } => {
                let text = format!("{key}  {reason}");
                progress.waiting(&text);
                if last.get(&key) != Some(&text) {
                    progress.tell(&stamped(at, &text));
                    last.insert(key, text);
                }
            }
            Event::Wrote { key, at, effect } => {
                if verbosity > 0 {
                    progress.tell(&stamped(
                        at,
                        &format!("{key}  wrote {}: {}", effect.target, effect.purpose),
                    ));
                }
            }
            Event::Retrying { key, error, seconds } => {
                progress.tell(&format!(
                    "warning: {key}: {error}; trying again in {seconds:.1} s"
                ));
            }
            Event::HeldElsewhere { key, holder, seconds } => {
                progress.tell(&format!(
                    "{key}  is held by {holder:?}; waiting {seconds:.0} s for its lease to end"
                ));
            }
            Event::Unreadable { resource, error } => {
                progress.tell(&format!("warning: cannot read {resource}: {error}; trying again"));
            }
            Event::Stopped { .. } => {}
        }
    }
}

/// Prints how a Rollout stands at its stop: the result on stdout, or the error.
fn conclude(ui: &Ui, key: &RolloutKey, stop: &Stop, aim: Aim) -> Result<u8> {
    let title = Resource::Rollouts(Default::default()).object(&key.name);
    let command = |command: Command| command.text(&key.namespace, &key.name);
    let (words, code) = match stop {
        Stop::AtRest => ("at rest".to_owned(), exit_code::DONE),
        Stop::Completed => ("completed".to_owned(), exit_code::DONE),
        Stop::Disabled => ("disabled".to_owned(), exit_code::DONE),
        Stop::Gone => ("gone".to_owned(), exit_code::DONE),
        Stop::RolledBack if aim == Aim::Back => ("rolled back".to_owned(), exit_code::DONE),
        Stop::RolledBack => ("rolled back".to_owned(), exit_code::ROLLED_BACK),
        Stop::Paused => ("paused".to_owned(), exit_code::WAITING),
        Stop::WaitingForApproval { step, total } => (
            format!("waiting for approval of step {step}/{total}"),
            exit_code::WAITING,
        ),
        Stop::Degraded { message } => {
            return Err(
                Error::new(Kind::Degraded, format!("{title} is degraded: {message}"))
                    .hint(command(Command::Status))
                    .hint(command(Command::Rollback)),
            );
        }
        Stop::Invalid { why } => {
            return Err(invalid(&title, why).hint(edit(&key.namespace, &key.name)));
        }
        Stop::Blocked { message } => {
            return Err(
                Error::new(Kind::Degraded, format!("{title} cannot go on: {message}"))
                    .hint(command(Command::Status)),
            );
        }
        Stop::NotFound => {
            return Err(Error::new(
                Kind::NotFound,
                format!("{title} not found in namespace {:?}", key.namespace),
            ));
        }
        Stop::OtherEngine { holder } => {
            return Err(
                Error::conflict(format!("{title} is driven by another engine, {holder:?}"))
                    .hint(command(Command::Watch)),
            );
        }
        Stop::Refused { message, code } => {
            let kind = match code {
                401 | 403 => Kind::Forbidden,
                404 => Kind::NotFound,
                409 => Kind::Conflict,
                _ => Kind::General,
            };
            let error = Error::new(
                kind,
                format!("{title} cannot go on, the API server refuses a write: {message}"),
            );
            return Err(match kind {
                Kind::Forbidden => error.hint(
                    "'kubectl kruise rollout manifests rbac' prints what an engine must be allowed to do",
                ),
                _ => error.hint(command(Command::Status)),
            });
        }
    };
    ui.aside(&format!("{title} {words}"))?;
    match stop {
        Stop::WaitingForApproval { step, .. } => {
            let approve = command(Command::Approve { step: *step });
            ui.hint(&format!("{approve} --standalone"));
        }
        Stop::Paused => ui.hint(&format!("{} --standalone", command(Command::Resume))),
        _ => {}
    }
    Ok(code)
}
