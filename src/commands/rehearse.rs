//! `rehearse`: the user's own release on a copy of the user's own cluster.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;

use super::{
    demo::{in_its_time, tell, write_kubeconfig},
    gate,
    plan::{
        refused,
        source::{self, READY_AFTER, Source},
    },
    reading, watch,
};
use crate::{
    cli::{Global, Root, Verb, args::RehearseArgs},
    clock::Clock,
    cluster::{Cluster, Found, RolloutVersion, Versions},
    demo::{Beside, Kit},
    engine::{
        core::Stop,
        driver::{Event, RolloutKey},
    },
    error::{Error, Kind, Result},
    exit_code,
    plan::{Change, Losses, Rehearsal, Request, WhatIf},
    ui::Ui,
};

/// Time between a pause and its approval where nobody is asked, for pods on their way out to be gone.
const BETWEEN: Duration = Duration::from_secs(1);

/// How many times as fast time runs where somebody watches: a pause of minutes passes, and there is time for a key.
const WATCHED: u32 = 10;

/// The same where nobody does: a release whose pods never become ready ends at its deadline, within a minute.
const UNWATCHED: u32 = 60;

/// Whether the release is watched live, with keys for it.
fn is_live(ui: &Ui, args: &RehearseArgs) -> bool {
    let asks = !args.yes && args.auto_approve.is_none();
    asks && ui.can_repaint() && ui.has_keys()
}

/// Runs the command.
///
/// # Errors
/// When the Rollout cannot be read, or the change would be refused.
pub fn run(ui: &Ui, global: &Global, args: &RehearseArgs) -> Result<u8> {
    let what_if = faults(args)?;
    let change = source::change(ui, &args.copied)?;
    let mut read = None;
    // The cluster is read in the time that it has itself.
    super::block_on(async {
        read = Some(source::read(ui, global, &args.copied, &change, "rehearse").await?);
        Ok(exit_code::DONE)
    })?;
    let Some(source) = read else {
        return Err(Error::new(Kind::Interrupted, "interrupted"));
    };
    let speed = args
        .speed
        .unwrap_or(if is_live(ui, args) { WATCHED } else { UNWATCHED });
    in_its_time(speed, play(ui, global, args, (source, change, what_if), speed))
}

/// What goes wrong.
fn faults(args: &RehearseArgs) -> Result<Vec<WhatIf>> {
    let crash = args.crash.as_ref().map(|share| format!("failing-pods={share}"));
    let slow = args.slow.as_ref().map(|time| format!("slow-pods={time}"));
    let node = args.node_lost.as_ref().map(|node| match node.as_str() {
        "" => "node-lost".to_owned(),
        node => format!("node-lost={node}"),
    });
    let all = [("--crash", crash), ("--slow", slow), ("--node-lost", node)];
    let all = all.into_iter().filter_map(|(flag, text)| Some((flag, text?)));
    all.map(|(flag, text)| {
        let read = text.parse::<WhatIf>();
        read.map_err(|why| Error::usage(format!("{flag}: {why}")))
    })
    .collect()
}

async fn play(
    ui: &Ui,
    global: &Global,
    args: &RehearseArgs,
    (source, change, what_if): (Source, Change, Vec<WhatIf>),
    speed: u32,
) -> Result<u8> {
    let clock = Clock::wall();
    let found = source.found;
    let key = RolloutKey {
        namespace: found.namespace.clone(),
        name: found.name.clone(),
    };
    let analysis = args.copied.analysis.as_deref().map(gate::from_file).transpose()?;
    let kit = Kit {
        scripts: args.copied.scripts.clone(),
        analysis: analysis.map(Arc::new),
        is_assumed: true,
    };
    for sentence in &source.unknown {
        ui.warn(sentence);
    }
    ui.line(&format!(
        "A copy of the release of {key}, {} objects; nothing is written to the cluster.",
        source.objects.len()
    ))?;
    if speed > 1 {
        ui.line(&format!("  time runs {speed} times as fast"))?;
    }
    for what in &what_if {
        ui.line(&format!("  {what}"))?;
    }
    if let Some(percent) = args.errors {
        ui.line(&format!("  {percent}% of the requests to the API server fail"))?;
    }
    let request = Request {
        objects: source.objects,
        namespace: key.namespace.clone(),
        rollout: key.name.clone(),
        change,
        what_if,
        start: source.start,
        pod_ready_after: source.started.map_or(READY_AFTER, |started| started.quickest),
        ..Request::default()
    };
    let copy = Rehearsal::new(request, clock).map_err(|error| refused(error, &found))?;
    copy.begin().await.map_err(|error| refused(error, &found))?;
    if let Some(percent) = args.errors {
        copy.fail_requests(percent);
    }
    let engine = Beside::start(&copy.sim, clock, Some(key.clone()), kit);
    if is_live(ui, args) {
        return live(ui, global, &copy, engine, &key).await;
    }
    lines(ui, args, clock, &copy, engine, &key).await
}

/// The view of `watch`, on the copy.
async fn live(
    ui: &Ui,
    global: &Global,
    copy: &Rehearsal,
    mut engine: Beside,
    key: &RolloutKey,
) -> Result<u8> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let path = std::env::temp_dir().join(format!("kruise-rehearsal-{}.kubeconfig", address.port()));
    write_kubeconfig(&path, &format!("http://{address}"), &key.namespace)?;
    // Whatever a key does goes to the copy: of the user's access to the cluster nothing is left.
    let of_copy = Global {
        kubeconfig: Some(path.clone()),
        color: global.color,
        ..Global::default()
    };
    let words = ["kubectl-kruise", "rollout", "watch", &key.name].map(Into::into);
    let watched = match crate::cli::parse(&words).map(|cli| cli.command) {
        Ok(Root::Rollout(Verb::Watch(args))) => args,
        _ => return Err(Error::new(Kind::General, format!("{key} cannot be watched"))),
    };
    let mut losses = copy.losses();
    let acts = async {
        let mut lost = Ok(());
        while engine
            .next_stop(|event| lose(&mut losses, event, &mut lost))
            .await
            .is_some()
        {
            std::mem::replace(&mut lost, Ok(()))?;
        }
        Err(Error::new(Kind::General, "the engine of the rehearsal stopped"))
    };
    let done = tokio::select! {
        done = watch::run(ui, &of_copy, &watched) => done,
        served = copy.sim.serve(listener) => Err(served.map_or_else(Into::into, |()| Error::new(Kind::General, "the copy is gone"))),
        failed = acts => failed,
    };
    // The kubeconfig leads nowhere any more; that it cannot be removed is no failure of the rehearsal.
    let _ = std::fs::remove_file(&path);
    done
}

/// A line per change, and one at every stop.
async fn lines(
    ui: &Ui,
    args: &RehearseArgs,
    clock: Clock,
    copy: &Rehearsal,
    mut engine: Beside,
    key: &RolloutKey,
) -> Result<u8> {
    let cluster = Cluster {
        client: copy.sim.client(),
        namespace: key.namespace.clone(),
        server: "the copy".to_owned(),
        clock,
        request_timeout: None,
        memory: Default::default(),
        versions: Arc::new(Versions::of("the copy", None)),
    };
    let mut losses = copy.losses();
    loop {
        let mut lost = Ok(());
        let stop = engine
            .next_stop(|event| {
                tell(ui, event);
                lose(&mut losses, event, &mut lost);
            })
            .await;
        lost?;
        let Some(stop) = stop else {
            return Err(Error::new(Kind::General, "the engine of the rehearsal stopped"));
        };
        clock.sleep(BETWEEN).await;
        match stop {
            Stop::WaitingForApproval { step, total } => {
                state(ui, &cluster, copy, key, false).await?;
                if !args.yes && args.auto_approve.is_none() {
                    ui.hint("--yes approves every step");
                    return Ok(exit_code::WAITING);
                }
                clock.sleep(args.auto_approve.unwrap_or(BETWEEN)).await;
                let approved = engine.approve(&key.namespace, &key.name).await.map_err(|error| {
                    Error::new(Kind::General, format!("the copy refused the approval: {error}"))
                })?;
                // The step may have been left meanwhile, and come to again: a node was lost.
                if !approved {
                    continue;
                }
                ui.line(&format!("Step {step}/{total} approved."))?;
            }
            Stop::Completed => {
                if let Some(sentence) = losses.untold(None) {
                    ui.warn(&format!("unknown: {sentence}"));
                }
                state(ui, &cluster, copy, key, false).await?;
                ui.line("Completed: the new version is everywhere in the copy.")?;
                return Ok(exit_code::DONE);
            }
            Stop::RolledBack => {
                state(ui, &cluster, copy, key, false).await?;
                ui.line("Rolled back: the stable version is everywhere in the copy.")?;
                return Ok(exit_code::ROLLED_BACK);
            }
            Stop::Degraded { message } => {
                state(ui, &cluster, copy, key, true).await?;
                ui.line(&format!("Degraded: {message}."))?;
                return Ok(exit_code::DEGRADED);
            }
            Stop::AtRest | Stop::Disabled | Stop::Gone => {
                return Err(
                    Error::new(Kind::General, format!("there is nothing to release of {key}")).hint(format!(
                        "kubectl kruise rollout rehearse {} -n {} --set-image CONTAINER=IMAGE",
                        key.name, key.namespace
                    )),
                );
            }
            Stop::Invalid { why } => {
                ui.line(&format!("Blocked: {}.", why.join("; ")))?;
                return Ok(exit_code::PLAN_BLOCKED);
            }
            Stop::Blocked { message } | Stop::Refused { message, .. } => {
                state(ui, &cluster, copy, key, true).await?;
                ui.line(&format!("Blocked: {message}."))?;
                return Ok(exit_code::PLAN_BLOCKED);
            }
            Stop::Paused => {
                ui.line("Blocked: spec.strategy.paused is set; the release goes on when it is resumed.")?;
                return Ok(exit_code::PLAN_BLOCKED);
            }
            Stop::NotFound | Stop::OtherEngine { .. } => {
                return Err(Error::new(
                    Kind::General,
                    format!("the rehearsal stopped unexpectedly: {stop:?}"),
                ));
            }
        }
    }
}

/// Takes nodes away at the first pause; keeps the first thing that went wrong with that.
fn lose(losses: &mut Losses, event: &Event, lost: &mut Result<()>) {
    if let Event::Moved { reason, .. } = event
        && lost.is_ok()
    {
        *lost = losses.see(reason).map_err(|why| Error::new(Kind::General, why));
    }
}

/// Where it is, in one line; with the causes where it does not go on.
async fn state(ui: &Ui, cluster: &Cluster, copy: &Rehearsal, key: &RolloutKey, why: bool) -> Result<()> {
    let object = copy
        .sim
        .get("rollouts.kruise.io/v1beta1", "Rollout", &key.namespace, &key.name);
    let Some(object) = object else {
        return Ok(());
    };
    let found = Found::new(RolloutVersion::V1beta1, object);
    let status = if why {
        reading::explained(cluster, &found).await
    } else {
        reading::status(cluster, &found).await
    };
    match status {
        Ok(status) => ui.line(&status.line()),
        // Faults that were asked for hit these reads, too.
        Err(error) => {
            ui.talk(&format!("cannot be seen just now: {}", error.message));
            Ok(())
        }
    }
}
