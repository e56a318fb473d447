//! One Rollout's writes, in order, under its Lease.

use kube::Client;
use tokio::sync::{mpsc::UnboundedSender, watch};

use super::{
    Event, RolloutKey,
    apply::{self, Written},
    lease::{self, Claim, Foreign, Held},
};
use crate::{
    clock::Clock,
    engine::core::{Effect, Target},
};

/// What a task brought back.
#[derive(Default)]
pub(super) struct Outcome {
    /// The number of the round of writes, if it was one.
    pub(super) round: Option<u64>,
    pub(super) written: Vec<(Target, Written)>,
    pub(super) failure: Option<(kube::Error, Option<Effect>)>,
    pub(super) held: Option<Held>,
    pub(super) foreign: Option<Foreign>,
}

/// The writes of one decision.
pub(super) struct Work {
    pub(super) client: Client,
    pub(super) clock: Clock,
    pub(super) identity: String,
    pub(super) events: UnboundedSender<Event>,
    pub(super) shutdown: Option<watch::Receiver<bool>>,
    pub(super) key: RolloutKey,
    pub(super) held: Option<Held>,
    pub(super) foreign: Option<Foreign>,
}

impl Work {
    /// Carries them out until one fails, the Lease is somebody else's, or the driver is to end.
    pub(super) async fn carry_out(mut self, effects: Vec<Effect>) -> Outcome {
        let mut written = Vec::new();
        for effect in effects {
            if self.shutdown.as_ref().is_some_and(|shutdown| *shutdown.borrow()) {
                break;
            }
            match self.hold_lease().await {
                Ok(None) => {}
                Ok(Some(foreign)) => {
                    return Outcome {
                        written,
                        foreign: Some(foreign),
                        ..Outcome::default()
                    };
                }
                Err(error) => {
                    return Outcome {
                        written,
                        failure: Some((error, None)),
                        held: None,
                        foreign: self.foreign,
                        round: None,
                    };
                }
            }
            match apply::apply(&self.client, &effect).await {
                Ok(result) => {
                    written.push((effect.target.clone(), result));
                    let event = Event::Wrote {
                        key: self.key.clone(),
                        at: self.clock.now(),
                        effect: Box::new(effect),
                    };
                    let _ = self.events.send(event);
                }
                Err(error) => {
                    if matches!(&error, kube::Error::Api(status) if matches!(status.code, 404 | 409)) {
                        written.extend(self.read_again(&effect).await);
                    }
                    return Outcome {
                        written,
                        failure: Some((error, Some(effect))),
                        held: self.held,
                        foreign: None,
                        round: None,
                    };
                }
            }
        }
        Outcome {
            written,
            held: self.held,
            ..Outcome::default()
        }
    }

    /// Makes sure that nobody else writes for this Rollout; answers who does.
    async fn hold_lease(&mut self) -> Result<Option<Foreign>, kube::Error> {
        let now = self.clock.now();
        if let Some(held) = self.held.clone() {
            if !held.is_due(now) {
                return Ok(None);
            }
            if held.holds(now) {
                match lease::renew(&self.client, &self.key, &held, now).await {
                    Ok(held) => {
                        self.held = Some(held);
                        return Ok(None);
                    }
                    Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                    Err(error) => return Err(error),
                }
            }
            self.held = None;
        }
        match lease::acquire(
            &self.client,
            &self.key,
            &self.identity,
            self.foreign.as_ref(),
            now,
        )
        .await?
        {
            Claim::Ours(held) => {
                self.held = Some(held);
                Ok(None)
            }
            Claim::Theirs(foreign) => Ok(Some(foreign)),
        }
    }

    /// What a refused write was about, as it is now: the next look must not rely on what the watch has not said yet.
    async fn read_again(&self, effect: &Effect) -> Option<(Target, Written)> {
        let target = &effect.target;
        let object = apply::api(&self.client, target)
            .get_opt(&target.name)
            .await
            .ok()?;
        Some((
            target.clone(),
            match object {
                Some(object) => Written::Object(Box::new(object)),
                // Another of its name may be there by now: only the one that was meant is gone.
                None => Written::Gone(effect.precondition.uid.clone()),
            },
        ))
    }
}
