//! Judging the steps of a release that the controller in the cluster carries out: it does not measure, so whoever watches
//! measures for it, approves what passes and rolls back what fails.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::{back, gate, subject};
use crate::{
    analysis::{Answered, Gate, Record, Round, Verdict},
    api::{analysis_template::OnFailure, v1beta1::StepState},
    cli::values::DryRun,
    cluster::{Body, Cluster, Found, Patch},
    engine::driver::{Meter, meter::Live},
    error::{Error, Kind, Result},
    release::{Approval, Guard, Position, approval},
    ui::Ui,
};

/// How often paused steps are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Judges the pauses of these Rollouts without end, if it is wanted; beside whatever shows them.
pub async fn attend(ui: &Ui, cluster: &Cluster, rollouts: &[Found], is_wanted: bool) -> Error {
    if !is_wanted {
        std::future::pending::<()>().await;
    }
    let mut attendant = Attendant::new(cluster);
    loop {
        for found in rollouts {
            let seen = match cluster.rollout_if_there(&found.namespace, &found.name).await {
                Ok(Some(found)) => attendant.attend(ui, cluster, &found).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match seen {
                // A server that is away for a moment, or somebody who was faster: looked at again.
                Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Conflict) => {}
                Err(error) => return error,
                Ok(()) => {}
            }
        }
        cluster.clock.sleep(EVERY).await;
    }
}

/// One pause that is being judged.
struct Pause {
    revision: String,
    step: i32,
    began: Timestamp,
    gates: Vec<Gate>,
    record: Option<Record>,
    asked: Option<JoinHandle<Vec<Answered>>>,
    told: String,
    is_done: bool,
}

/// Judges pauses while they last. What it measured is lost with it: another one measures anew.
struct Attendant {
    meter: Arc<dyn Meter>,
    pauses: BTreeMap<(String, String), Pause>,
}

impl Attendant {
    /// Asks providers with the rights of the user.
    fn new(cluster: &Cluster) -> Self {
        Self {
            meter: Arc::new(Live::new(cluster.client.clone())),
            pauses: BTreeMap::new(),
        }
    }

    /// Looks at a Rollout. Never approves a step that has no gate, nor ends a timed pause.
    ///
    /// # Errors
    /// A gate cannot be made, or a write fails.
    async fn attend(&mut self, ui: &Ui, cluster: &Cluster, found: &Found) -> Result<()> {
        let rollout = found.typed()?;
        let position = Position::of(&rollout);
        let key = (found.namespace.clone(), found.name.clone());
        let since = position
            .since
            .filter(|_| position.under_way() && position.state == StepState::StepPaused);
        let Some(began) = since.filter(|_| !position.paused) else {
            self.pauses.remove(&key);
            return Ok(());
        };
        let is_same = |pause: &Pause| {
            (pause.revision.as_str(), pause.step, pause.began)
                == (position.new_revision.as_str(), position.step, began)
        };
        if !self.pauses.get(&key).is_some_and(is_same) {
            let analysis = gate::of_rollout(cluster, found, &rollout).await?;
            let pause = Pause {
                revision: position.new_revision.clone(),
                step: position.step,
                began,
                gates: gate::gates(found, &rollout, &analysis, position.step)?,
                record: None,
                asked: None,
                told: String::new(),
                is_done: false,
            };
            self.pauses.insert(key.clone(), pause);
        }
        let Some(pause) = self
            .pauses
            .get_mut(&key)
            .filter(|pause| !pause.gates.is_empty() && !pause.is_done)
        else {
            return Ok(());
        };
        let now = cluster.clock.now();
        let record = pause.record.take();
        // What is measured here begins here: how long the step was paused before does not matter.
        let first = record.as_ref().map_or(now, |record| record.began.0);
        let mut round = Round::new(
            &pause.gates,
            record,
            &pause.revision,
            pause.step,
            Some(first),
            now,
        );
        if let Some(asked) = pause.asked.take_if(|asked| asked.is_finished()) {
            round.take(&asked.await.unwrap_or_default());
        }
        if pause.asked.is_none() {
            let (queries, _) = round.due(now);
            if !queries.is_empty() {
                let (meter, namespace) = (Arc::clone(&self.meter), found.namespace.clone());
                pause.asked = Some(tokio::spawn(async move {
                    gate::ask(&meter, &namespace, queries, now).await
                }));
            }
        }
        let state = round.state();
        pause.record = Some(round.record().clone());
        let line = format!(
            "{} step {}/{}: metrics {}: {}",
            found.title(),
            pause.step,
            position.total(),
            state.verdict.word(),
            state.why
        );
        if pause.told != line {
            ui.talk(&line);
            pause.told = line;
        }
        let is_manual = position
            .current()
            .is_some_and(|step| step.pause.duration.is_none());
        match (state.verdict, state.on_failure) {
            (Verdict::Passed, _) if is_manual => {
                approve(ui, cluster, found, &position).await?;
                pause.is_done = true;
                Ok(())
            }
            (Verdict::Failed, OnFailure::Rollback) => {
                take_back(ui, cluster, found).await?;
                pause.is_done = true;
                Ok(())
            }
            (Verdict::Running | Verdict::Passed, _) => Ok(()),
            _ => {
                pause.is_done = true;
                ui.talk("a human decides: approve the step, or roll back");
                Ok(())
            }
        }
    }
}

/// Approves the step that was judged, and no other.
async fn approve(ui: &Ui, cluster: &Cluster, found: &Found, position: &Position) -> Result<()> {
    let guard = Guard {
        step: Some(position.step),
        revision: Some(position.new_revision.clone()),
    };
    match approval::decide(&found.object, &guard) {
        Ok(Approval::Send { step, patch }) => {
            let patch = Patch {
                body: Body::Merge(patch),
                subresource: Some("status"),
                field_manager: super::FIELD_MANAGER,
                dry_run: false,
            };
            cluster
                .patch(found.resource(), &found.namespace, &found.name, &patch)
                .await?;
            ui.line(&format!("{} step {step} approved", found.title()))
        }
        Ok(Approval::Already { .. }) => Ok(()),
        Err(refusal) => Err(Error::new(Kind::Conflict, format!("{} {refusal}", found.title()))),
    }
}

/// Puts the template of the stable version back, as `rollback` does.
async fn take_back(ui: &Ui, cluster: &Cluster, found: &Found) -> Result<()> {
    let subject = subject::of_rollout(cluster, found.clone()).await?;
    let position = subject.position()?;
    let history = back::history(cluster, &subject, position.as_ref()).await?;
    let choice = back::choose(ui, &subject, &history, position.as_ref(), 0)?;
    back::put(ui, cluster, &subject, choice, DryRun::None).await?;
    ui.line(&format!("{} rolled back", subject.title()))
}
