//! What will happen: the engine itself, run over a copy of the cluster in virtual time.
//!
//! The copy is made of the objects that the release touches, with their status, or of files; the change is applied to it as it
//! would be to the cluster; every pause for a human is approved as soon as its pods are counted, so times are the earliest
//! possible.

pub mod blockers;
mod change;
mod copy;
mod files;
mod follow;
mod gates;
mod outcome;
mod picture;
pub mod pinned;
mod rehearsal;
mod render;
mod stage;
mod timeline;
mod trial;
mod what_if;

pub use change::Change;
pub use copy::{
    Started, Wanted, Which, belonging_to, configuration, definition, named_by, nodes_under, providers,
    shared_by, started,
};
pub use files::{Files, staged};
pub use outcome::{End, Plan, PlannedState, PlannedStep, PlannedWrite, Pods, Range};
pub use rehearsal::Rehearsal;
pub use render::{COLUMNS, span};
pub use stage::old_template;
pub use timeline::state;
pub use trial::{Answer, Trial, trials};
pub use what_if::{FORMS, Losses, WhatIf};

use std::{sync::Arc, time::Duration};

use futures::channel::oneshot;
use jiff::Timestamp;
use serde_json::Value;

use crate::{analysis::Inline, traffic::script::Folder, workload::edit::UnknownContainer};

/// The longest release that is followed, in virtual days.
const LONGEST_DAYS: u64 = 60;

/// What a plan starts from.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The objects the release touches, as they are: what [`named_by`], [`shared_by`] and [`belonging_to`] say, or more.
    pub objects: Vec<Value>,
    /// The Rollout's namespace.
    pub namespace: String,
    /// The Rollout's name.
    pub rollout: String,
    /// What changes first; nothing plans the rest of the release under way.
    pub change: Change,
    /// The step at whose pause the plan ends; nothing plans to the end.
    pub until_step: Option<i32>,
    /// What else happens meanwhile.
    pub what_if: Vec<WhatIf>,
    /// Scripts of a folder, as `run` would have them.
    pub scripts: Option<Arc<Folder>>,
    /// When the plan begins.
    pub start: Timestamp,
    /// How long a new pod takes to become ready, at the least.
    pub pod_ready_after: Duration,
    /// How long it takes likely; nothing when that is not known. The release is gone through once more with it.
    pub pod_ready_likely: Option<Duration>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object cannot be copied.
    #[error("cannot copy {what} into the simulation: {why}")]
    Copy {
        /// Kind and name.
        what: String,
        /// The simulator's words.
        why: String,
    },
    /// The change cannot be applied.
    #[error("the change would be refused: {0}")]
    Change(String),
    /// The change names a container that is not there.
    #[error(transparent)]
    Container(#[from] UnknownContainer),
    /// What was asked about cannot happen.
    #[error("what is asked about cannot happen: {0}")]
    WhatIf(String),
    /// The release does not come to an end.
    #[error("the release does not end within {LONGEST_DAYS} days")]
    Endless,
    /// The simulation failed.
    #[error("the simulation failed: {0}")]
    Simulation(String),
}

/// Runs the release over a copy and says what happened. The same request gives the same plan, to the byte.
///
/// # Errors
/// The objects or the change are refused by the simulated API server, or the release does not end.
pub fn predict(request: Request) -> Result<Plan, Error> {
    futures::executor::block_on(predict_with(request, None))
}

/// The same without keeping others from anything meanwhile, with steps judged by the metric gates of a file. Measurements are
/// taken for good, at their times.
///
/// # Errors
/// As [`predict`].
pub async fn predict_with(request: Request, analysis: Option<Arc<Inline>>) -> Result<Plan, Error> {
    let likely = request
        .pod_ready_likely
        .filter(|_| what_if::slow(&request.what_if).is_none());
    let (slower, same) = match likely {
        Some(likely) if likely != request.pod_ready_after => {
            let slower = Request {
                pod_ready_after: likely,
                ..request.clone()
            };
            let analysis = analysis.clone();
            (Some(begin(move || stage::simulate(slower, analysis))?), false)
        }
        likely => (None, likely.is_some()),
    };
    let mut plan = end(begin(move || stage::simulate(request, analysis))?).await?;
    match slower {
        Some(slower) => plan.likely_as(&end(slower).await?),
        None if same => plan.likely_as(&plan.clone()),
        None => {}
    }
    Ok(plan)
}

/// Work on a thread of its own, and what tells when it is over. Who no longer waits for it leaves it to itself.
type Running<T> = (std::thread::JoinHandle<Result<T, Error>>, oneshot::Receiver<()>);

/// Runs something in virtual time. A runtime of its own, on a thread of its own: its clock is paused, and the caller may be
/// inside another runtime.
fn begin<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<Running<T>, Error>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>>,
{
    let (done, over) = oneshot::channel();
    let run = move || -> Result<T, Error> {
        // Gone with everything else at the end, however it ends.
        let _done: oneshot::Sender<()> = done;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        runtime
            .map_err(|error| Error::Simulation(error.to_string()))?
            .block_on(work())
    };
    let thread = std::thread::Builder::new()
        .name("plan".to_owned())
        .stack_size(8 << 20)
        .spawn(run);
    let thread = thread.map_err(|error| Error::Simulation(error.to_string()))?;
    Ok((thread, over))
}

/// Waits for it, and lets others do something meanwhile: the one who is interrupted has to hear of it.
async fn end<T>((thread, over): Running<T>) -> Result<T, Error> {
    // Nothing is ever sent.
    let _ = over.await;
    let joined = thread.join();
    joined.map_err(|_| Error::Simulation("it stopped unexpectedly".to_owned()))?
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::{FutureExt as _, channel::oneshot};

    use super::{begin, end};

    #[test]
    fn what_is_computed_keeps_nobody_from_anything() {
        let (go, told) = oneshot::channel();
        let running = begin(move || async { Ok(told.await.unwrap_or(0)) }).unwrap();
        let mut ended = pin!(end(running));
        // It is not over, and that is known at once.
        assert!(ended.as_mut().now_or_never().is_none());
        go.send(7).unwrap();
        assert_eq!(futures::executor::block_on(ended).unwrap(), 7);
        let panics = begin::<(), _>(|| async { std::panic::panic_any("on purpose") }).unwrap();
        assert_eq!(
            futures::executor::block_on(end(panics)).unwrap_err().to_string(),
            "the simulation failed: it stopped unexpectedly"
        );
    }
}
