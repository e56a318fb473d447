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
    error::Result,
    ui::{Live, Ui},
};

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the time is up.
pub async fn run(ui: &Ui, global: &Global, args: &WatchArgs) -> Result<u8> {
    let targets = targets::read(ui, &args.targets, global)?;
    interruption::within(args.limit.timeout, async {
        let cluster = connect(global).await?;
        let mut outcomes = Outcomes::default();
        let mut there = Vec::new();
        for found in reading::find_all(&cluster, &targets).await? {
            match found {
                Ok(found) => there.push(found),
                Err(error) => outcomes.add(ui, Err(error))?,
            }
        }
        let selection = match &targets {
            Targets::Selected {
                kinds,
                all_namespaces,
                labels,
            } if kinds == &[Kind::Rollout] => Some((
                (!all_namespaces).then(|| cluster.namespace.clone()),
                labels.clone().unwrap_or_default(),
            )),
            // Rollouts that were found by their workloads are followed by name.
            _ => None,
        };
        let is_live = ui.can_repaint() && args.output.is_none();
        let shown = async {
            match (there.as_slice(), selection) {
                ([], _) => {}
                (_, selection) if !is_live => {
                    let out = lines::Out {
                        ui,
                        output: args.output.as_ref(),
                    };
                    outcomes.add(ui, lines::follow(&out, &cluster, &there, selection).await)?;
                }
                ([found], None) => {
                    let mut live = Live::new(ui.colors_views(), ui.has_keys())?;
                    let shown =
                        single::show(ui, global, &cluster, found, &mut live, single::Place::Alone).await;
                    drop(live);
                    outcomes.add(ui, shown.map(|ending| ending.code()))?;
                }
                (_, selection) => {
                    let mut live = Live::new(ui.colors_views(), ui.has_keys())?;
                    let shown = board::show(ui, global, &cluster, &there, selection, &mut live).await;
                    drop(live);
                    outcomes.add(ui, shown)?;
                }
            }
            Ok(outcomes.code())
        };
        tokio::select! {
            shown = shown => shown,
            error = auto::attend(ui, &cluster, &there, args.auto_approve) => Err(error),
        }
    })
    .await
}
