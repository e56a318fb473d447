//! `watch`: follows releases live. On a terminal a view that is repainted, of one Rollout or of many; elsewhere one line per
//! change.

mod board;
mod keys;
mod lines;
mod single;

pub use keys::useful;

use super::{Outcomes, auto, connect, interruption, reading, targets};
use crate::{
    cli::{
        Global,
        args::WatchArgs,
        target::{Kind, Targets},
    },
    error::{Error, Kind as ErrorKind, Result},
    exit_code,
    ui::{Live, Ui},
    view::{Status, Until},
};

/// The exit code with which watching ends at a state, if it ends there: when what is waited for holds or cannot come any
/// more, else when no release is under way.
///
/// # Errors
/// When nobody may read what would tell.
fn ending(until: Option<&Until>, status: Option<&Status>) -> Result<Option<u8>> {
    if let Some(why) = until.and_then(|until| until.unseen(status)) {
        return Err(Error::new(ErrorKind::Forbidden, why));
    }
    Ok(match (until, status) {
        (Some(until), status) => until.ending(status),
        (None, None) => Some(exit_code::DONE),
        (None, Some(status)) => status.verdict.is_at_rest().then(|| status.verdict.exit_code()),
    })
}

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &WatchArgs) -> Result<u8> {
    let targets = targets::read(ui, &args.targets, global)?;
    let until = args.until.as_ref();
    interruption::within(args.limit.timeout, async {
        let cluster = connect(global).await?;
        let mut outcomes = Outcomes::default();
        let mut there = Vec::new();
        for found in reading::find_all(&cluster, &targets).await? {
            match found {
                Ok(found) => there.push(found),
                // Somebody who waits for the end of something need not find it at the start.
                Err(error) if error.kind == ErrorKind::NotFound && until == Some(&Until::Gone) => {}
                Err(error) => outcomes.add(ui, Err(error))?,
            }
        }
        // What is waited for may need more than the Rollouts themselves say: those that are there are followed by name.
        let selection = match &targets {
            Targets::Selected {
                kinds,
                all_namespaces,
                labels,
            } if kinds == &[Kind::Rollout] && until.is_none() => Some((
                (!all_namespaces).then(|| cluster.namespace.clone()),
                labels.clone().unwrap_or_default(),
            )),
            // Rollouts that were found by their workloads are followed by name.
            _ => None,
        };
        // The board does not end by itself.
        let is_live =
            ui.can_repaint() && args.shown.output.is_none() && (until.is_none() || there.len() == 1);
        let judged = selection.clone();
        let shown = async {
            match (there.as_slice(), selection) {
                ([], _) => {}
                (_, selection) if !is_live => {
                    let out = lines::Out {
                        ui,
                        output: args.shown.output.as_ref(),
                        until,
                    };
                    let told = Box::pin(lines::follow(&out, &cluster, &there, selection)).await;
                    outcomes.add(ui, told)?;
                }
                ([found], None) => {
                    let mut live = Live::new(ui.colors_views(), ui.has_keys())?;
                    let place = (single::Place::Alone, until);
                    let shown = single::show(ui, global, &cluster, found, &mut live, place);
                    let shown = Box::pin(shown).await;
                    drop(live);
                    outcomes.add(ui, shown.map(|ending| ending.code()))?;
                }
                (_, selection) => {
                    let mut live = Live::new(ui.colors_views(), ui.has_keys())?;
                    let shown =
                        Box::pin(board::show(ui, global, &cluster, &there, selection, &mut live)).await;
                    drop(live);
                    outcomes.add(ui, shown)?;
                }
            }
            Ok(outcomes.code())
        };
        tokio::select! {
            shown = shown => shown,
            error = auto::attend(ui, &cluster, &there, judged, args.auto_approve) => Err(error),
        }
    })
    .await
}
