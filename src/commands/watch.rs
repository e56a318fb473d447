//! `watch`: follows a release live; repaints on a terminal, prints a line per change elsewhere.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt, stream::select_all};

use super::{Outcomes, auto, connect, interruption, reading, status, targets};
use crate::{
    cli::{Global, args::WatchArgs},
    cluster::{Cluster, Found},
    error::{Kind, Result},
    exit_code,
    ui::{Live, Ui},
    view::{Block, Status, change::stamped},
};

/// How often times that run are repainted.
const TICK: Duration = Duration::from_secs(1);

/// Notices that come together are answered by one look.
const GATHER: Duration = Duration::from_millis(50);

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &WatchArgs) -> Result<u8> {
    let targets = targets::read(&args.targets, global)?;
    let cluster = connect(global).await?;
    interruption::within(args.timeout, async {
        let mut outcomes = Outcomes::default();
        let mut there = Vec::new();
        for found in reading::find_all(&cluster, &targets).await? {
            match found {
                Ok(found) => there.push(found),
                Err(error) => outcomes.add(ui, Err(error))?,
            }
        }
        if !there.is_empty() {
            tokio::select! {
                shown = follow(ui, &cluster, &there) => outcomes.add(ui, shown)?,
                error = auto::attend(ui, &cluster, &there, args.auto_approve) => return Err(error),
            }
        }
        Ok(outcomes.code())
    })
    .await
}

async fn follow(ui: &Ui, cluster: &Cluster, rollouts: &[Found]) -> Result<u8> {
    let streams = rollouts
        .iter()
        .enumerate()
        .map(|(at, found)| cluster.follow(status::followed(found)).map(move |()| at).boxed());
    let mut notices = select_all(streams);
    let mut states: BTreeMap<usize, Option<Status>> = BTreeMap::new();
    let mut lines: BTreeMap<usize, String> = BTreeMap::new();
    let mut live = if ui.can_repaint() {
        Some(Live::new()?)
    } else {
        None
    };
    loop {
        let changed = gather(cluster, &mut notices).await;
        for at in changed {
            let Some(found) = rollouts.get(at) else { continue };
            let state = match cluster.rollout_if_there(&found.namespace, &found.name).await {
                Ok(Some(found)) => Some(reading::status(cluster, &found).await?),
                Ok(None) => None,
                // A server that is away for a moment is shown by a picture that stands still.
                Err(error) if error.kind == Kind::Unreachable && states.contains_key(&at) => continue,
                Err(error) => return Err(error),
            };
            states.insert(at, state);
        }
        let now = cluster.clock.now();
        match &mut live {
            Some(live) => {
                let views: Vec<String> = states
                    .iter()
                    .map(|(at, state)| match state {
                        Some(state) => ui.rendered(&state.blocks(now)),
                        None => ui.rendered(&[Block::Fields(vec![gone(&rollouts[*at])])]),
                    })
                    .collect();
                live.paint(&views.join("\n"))?;
            }
            None => {
                for (at, state) in &states {
                    let found = &rollouts[*at];
                    let line = state.as_ref().map_or_else(
                        || format!("{}/{}  gone", found.namespace, found.name),
                        Status::line,
                    );
                    if lines.get(at) != Some(&line) {
                        ui.line(&stamped(now, &line))?;
                        lines.insert(*at, line);
                    }
                }
            }
        }
        let over = |state: &Option<Status>| state.as_ref().is_none_or(|state| state.verdict.is_at_rest());
        if states.len() == rollouts.len() && states.values().all(over) {
            let codes = states
                .values()
                .map(|state| state.as_ref().map_or(exit_code::DONE, |s| s.verdict.exit_code()));
            return Ok(codes.max().unwrap_or(exit_code::DONE));
        }
    }
}

fn gone(found: &Found) -> (&'static str, String, crate::view::Tone) {
    (
        "Rollout",
        format!("{}/{}  gone", found.namespace, found.name),
        crate::view::Tone::Faint,
    )
}

/// Waits for a notice or the next tick, and takes the notices that come along with it.
async fn gather(cluster: &Cluster, notices: &mut (impl futures::Stream<Item = usize> + Unpin)) -> Vec<usize> {
    let mut changed = Vec::new();
    tokio::select! {
        notice = notices.next() => changed.extend(notice),
        () = cluster.clock.sleep(TICK) => return changed,
    }
    while let Ok(Some(at)) = tokio::time::timeout(GATHER, notices.next()).await {
        changed.push(at);
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}
