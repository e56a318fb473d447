//! Where another engine carries out what was just changed: nothing is left to do but to follow it.

use std::time::Duration;

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

/// How long nothing may happen before it is asked whether the other engine is still there.
const QUIET: Duration = Duration::from_secs(15);

/// Follows a release that another engine carries out to its next stop; back at the stable version until no new pod is left.
/// Nothing when that engine has let go before.
///
/// # Errors
/// When it fails there, or the Rollout cannot be read or is gone.
pub async fn follow(ui: &Ui, cluster: &Cluster, key: &RolloutKey, aim: Aim) -> Result<Option<u8>> {
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
                return Ok(Some(state.verdict.exit_code()));
            }
            verdict if verdict.is_at_rest() && is_back() => {
                ui.aside(&format!("{title} {}", state.headline()))?;
                return Ok(Some(match aim {
                    Aim::Forward => verdict.exit_code(),
                    Aim::Back => exit_code::DONE,
                }));
            }
            _ => {}
        }
        match tokio::time::timeout(QUIET, notices.next()).await {
            Ok(Some(())) => {}
            Ok(None) => return Err(Error::new(Kind::General, "the watch has ended")),
            Err(_) if cluster.other_engine(&found, |_| ()).await?.is_some() => {}
            Err(_) => return Ok(None),
        }
        found = read().await?;
    }
}
