//! Judging the steps of a release that the controller in the cluster carries out: it does not measure, so whoever watches
//! measures for it, approves what passes and rolls back what fails.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{back, gate, subject};
use crate::{
    analysis::{Answered, Gate, Record, Round},
    api::v1beta1::StepState,
    cli::args::WriteArgs,
    cluster::{Body, Cluster, Found, Patch},
    engine::driver::{Meter, meter::Live},
    error::{Error, Kind, Result},
    release::{
        Approval, Guard, Position, approval,
        attendance::{Care, Judged},
    },
    ui::Ui,
};

/// How often paused steps are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Judges the pauses of these Rollouts without end, if it is wanted; beside whatever shows them. Of a selection (its
/// namespace, all when there is none, and its labels) those that come meanwhile, too.
pub async fn attend(
    ui: &Ui,
    cluster: &Cluster,
    rollouts: &[Found],
    selection: Option<(Option<String>, String)>,
    is_wanted: bool,
) -> Error {
    if !is_wanted {
        std::future::pending::<()>().await;
    }
    let mut attendants: BTreeMap<(String, String), Attendant> = BTreeMap::new();
    loop {
        let seen = match now(cluster, rollouts, selection.as_ref()).await {
            Ok(there) => {
                attendants.retain(|key, _| there.contains_key(key));
                for key in there.keys() {
                    attendants
                        .entry(key.clone())
                        .or_insert_with(|| Attendant::new(cluster));
                }
                // Each at its own pace: what one of them asks for may take its time.
                let looks = attendants.iter_mut().filter_map(|(key, attendant)| {
                    let found = there.get(key)?;
                    Some(async move { tolerated(attendant.attend(ui, cluster, found).await) })
                });
                join_all(looks).await.into_iter().collect()
            }
            Err(error) => tolerated(Err(error)),
        };
        if let Err(error) = seen {
            return error;
        }
        cluster.clock.sleep(EVERY).await;
    }
}

/// A server that is away for a moment, or somebody who was faster, ends nothing: it is looked at again.
fn tolerated(seen: Result<()>) -> Result<()> {
    match seen {
        Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Conflict) => Ok(()),
        seen => seen,
    }
}

/// The Rollouts as they are now: of a selection by one list.
async fn now(
    cluster: &Cluster,
    rollouts: &[Found],
    selection: Option<&(Option<String>, String)>,
) -> Result<BTreeMap<(String, String), Found>> {
    let there = match selection {
        Some((namespace, labels)) => {
            let labels = Some(labels.as_str()).filter(|labels| !labels.is_empty());
            cluster.rollouts(namespace.as_deref(), labels).await?
        }
        None => {
            let reads = rollouts
                .iter()
                .map(|found| cluster.rollout_if_there(&found.namespace, &found.name));
            try_join_all(reads).await?.into_iter().flatten().collect()
        }
    };
    let keyed = there
        .into_iter()
        .map(|found| ((found.namespace.clone(), found.name.clone()), found));
    Ok(keyed.collect())
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
    /// Whether this process has paused the Rollout, so that time does not end the pause.
    is_frozen: bool,
    is_taken_back: bool,
    is_done: bool,
}

/// Judges the pauses of one Rollout while they last. What it measured is lost with it: another one measures anew.
struct Attendant {
    meter: Arc<dyn Meter>,
    pause: Option<Pause>,
}

impl Attendant {
    /// Asks providers with the rights of the user.
    fn new(cluster: &Cluster) -> Self {
        Self {
            meter: Arc::new(Live::new(cluster.client.clone())),
            pause: None,
        }
    }

    /// Looks at a Rollout. Never approves a step that has no gate; a timed pause is ended by time, unless its metrics are
    /// against it.
    ///
    /// # Errors
    /// A gate cannot be made, or a write fails.
    async fn attend(&mut self, ui: &Ui, cluster: &Cluster, found: &Found) -> Result<()> {
        let rollout = found.typed()?;
        let position = Position::of(&rollout);
        let since = position
            .since
            .filter(|_| position.under_way() && position.state == StepState::StepPaused);
        let is_same = |pause: &Pause| {
            (pause.revision.as_str(), pause.step, Some(pause.began))
                == (position.new_revision.as_str(), position.step, since)
        };
        let known = self.pause.as_ref().filter(|pause| is_same(pause));
        let is_frozen = known.is_some_and(|pause| pause.is_frozen);
        let Some(began) = since.filter(|_| !position.paused || is_frozen) else {
            self.pause = None;
            return Ok(());
        };
        if known.is_none() {
            let analysis = gate::of_rollout(cluster, found, &rollout).await?;
            self.pause = Some(Pause {
                revision: position.new_revision.clone(),
                step: position.step,
                began,
                gates: gate::gates(found, &rollout, &analysis, position.step)?,
                record: None,
                asked: None,
                told: String::new(),
                is_frozen: false,
                is_taken_back: false,
                is_done: false,
            });
        }
        let Some(pause) = self
            .pause
            .as_mut()
            .filter(|pause| !pause.gates.is_empty() && !pause.is_done)
        else {
            return Ok(());
        };
        if pause.is_frozen && !position.paused {
            ui.talk(&format!(
                "{} was resumed by somebody: a human decides",
                found.title()
            ));
            pause.is_done = true;
            return Ok(());
        }
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
        let judged = Judged {
            verdict: state.verdict,
            on_failure: state.on_failure,
            left: position.pause_left(now),
            is_frozen: pause.is_frozen,
        };
        let version = &found.object["metadata"]["resourceVersion"];
        match judged.care() {
            Care::Wait => {}
            Care::Approve => {
                approve(ui, cluster, found, &position).await?;
                pause.is_done = true;
            }
            Care::Freeze => {
                set_paused(cluster, found, Some(version), true).await?;
                pause.is_frozen = true;
                ui.line(&format!("{} paused: its metrics have not passed", found.title()))?;
            }
            Care::Resume => {
                set_paused(cluster, found, Some(version), false).await?;
                pause.is_frozen = false;
                ui.line(&format!("{} resumed: its metrics have passed", found.title()))?;
            }
            Care::TakeBack => {
                if !pause.is_taken_back {
                    take_back(ui, cluster, found).await?;
                    pause.is_taken_back = true;
                }
                if pause.is_frozen {
                    // The engine writes its status meanwhile; what was frozen here is over in any case.
                    set_paused(cluster, found, None, false).await?;
                }
                pause.is_done = true;
            }
            Care::Leave => {
                pause.is_done = true;
                ui.talk(if pause.is_frozen {
                    "a human decides: resume the Rollout, or roll back"
                } else {
                    "a human decides: approve the step, or roll back"
                });
            }
        }
        Ok(())
    }
}

/// Pauses the Rollout, or lets it go on; in one version of it only, where another step must not be meant.
async fn set_paused(cluster: &Cluster, found: &Found, version: Option<&Value>, paused: bool) -> Result<()> {
    let mut body = json!({ "spec": { "strategy": { "paused": paused } } });
    if let Some(version) = version {
        body["metadata"] = json!({ "resourceVersion": version });
    }
    let patch = Patch {
        body: Body::Merge(body),
        subresource: None,
        field_manager: super::FIELD_MANAGER,
        dry_run: false,
    };
    let sent = cluster.patch(found.resource(), &found.namespace, &found.name, &patch);
    sent.await.map(drop)
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
    back::put(ui, cluster, &subject, choice, &WriteArgs::default()).await?;
    ui.line(&format!("{} rolled back", subject.title()))
}
