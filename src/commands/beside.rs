//! Where another engine carries out what was just changed: nothing is left to do but to follow it.

use futures::StreamExt;

use super::{reading, run::Aim, status};
use crate::{
    cluster::Cluster,
    engine::driver::RolloutKey,
    error::{Error, Kind, Result},
    exit_code,
    release::{Verdict, proof::proof},
    ui::Ui,
    view::{change::stamped, suggest::Command},
};

/// Follows a release that another engine carries out to its next stop; back at the stable version until no new pod is left.
///
/// # Errors
/// When it fails there, or the Rollout cannot be read or is gone.
pub async fn follow(ui: &Ui, cluster: &Cluster, key: &RolloutKey, aim: Aim) -> Result<u8> {
    let read = async || {
        let found = cluster.rollout_if_there(&key.namespace, &key.name).await?;
        found.ok_or_else(|| Error::new(Kind::NotFound, format!("{key} was deleted meanwhile")))
    };
    let mut found = read().await?;
    let title = found.title();
    let mut notices = cluster.follow(status::followed(&found));
    let mut last = String::new();
    loop {
        let state = Box::pin(reading::status(cluster, &found)).await?;
        let line = state.line();
        if line != last {
            ui.talk(&stamped(cluster.clock.now(), &line));
            last = line;
        }
        let is_back = || aim == Aim::Forward || proof(&state.pods, &state.traffic).is_ok();
        match state.verdict {
            Verdict::Degraded | Verdict::NoWorkload => {
                let why = format!("{title} is {}", state.headline());
                return Err(
                    Error::new(Kind::Degraded, why).hint(Command::Status.text(&found.namespace, &found.name))
                );
            }
            Verdict::WaitingForApproval | Verdict::Paused if aim == Aim::Forward => {
                ui.aside(&format!("{title} {}", state.headline()))?;
                if let Some(command) = &state.command {
                    ui.hint(command);
                }
                return Ok(state.verdict.exit_code());
            }
            verdict if verdict.is_at_rest() && is_back() => {
                ui.aside(&format!("{title} {}", state.headline()))?;
                return Ok(match aim {
                    Aim::Forward => verdict.exit_code(),
                    Aim::Back => exit_code::DONE,
                });
            }
            _ => {}
        }
        if notices.next().await.is_none() {
            return Err(Error::new(Kind::General, "the watch has ended"));
        }
        found = read().await?;
    }
}
