//! The copy that a plan is made from, for somebody to act on: with the same change and the same faults.

use super::{Error, Losses, Request, change::Released, stage};
use crate::{
    clock::Clock,
    sim::{Controllers, Fault, Sim},
};

/// A copy of a release's surroundings, whose controllers are at work.
pub struct Rehearsal {
    /// The cluster.
    pub sim: Sim,
    request: Request,
    _controllers: Controllers,
}

impl Rehearsal {
    /// Copies what a plan would be made from. Must be called inside a runtime.
    ///
    /// # Errors
    /// The objects, or what the change says of them, are refused.
    pub fn new(mut request: Request, clock: Clock) -> Result<Self, Error> {
        let sim = stage::set(&mut request, clock)?;
        stage::afflict(&sim, &request);
        Ok(Self {
            _controllers: sim.start(),
            sim,
            request,
        })
    }

    /// Changes the workload, as `set image` and `apply` would: the new version and its hold in one request.
    ///
    /// # Errors
    /// The change is refused.
    pub async fn begin(&self) -> Result<(), Error> {
        let rollout = stage::rollout_of(&self.sim, &self.request.namespace, &self.request.rollout);
        match Released::of(&self.sim, &self.request.namespace, &rollout) {
            Some(workload) => workload.change(&self.sim.client(), &self.request.change).await,
            None => Ok(()),
        }
    }

    /// The nodes that are to be lost.
    #[must_use]
    pub fn losses(&self) -> Losses {
        Losses::new(&self.sim, &self.request.what_if, &self.request.namespace)
    }

    /// Lets so many of a hundred requests to the API server fail, evenly: refused, cut off, or answered too late by turns.
    pub fn fail_requests(&self, percent: u32) {
        let (mut due, mut turn) = (0, 0_usize);
        self.sim.inject(move |_| {
            due += percent;
            if due < 100 {
                return None;
            }
            due -= 100;
            turn += 1;
            let refused = || {
                Fault::Status(
                    http::StatusCode::SERVICE_UNAVAILABLE,
                    "ServiceUnavailable".to_owned(),
                )
            };
            let all = [
                refused(),
                Fault::DropBefore,
                Fault::TimeoutAfterWrite,
                Fault::DropAfter,
            ];
            all.into_iter().cycle().nth(turn % 4)
        });
    }
}
