//! What Ctrl-C, or being told to terminate, means to a command that holds something.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;

use crate::{
    clock::Clock,
    error::{Error, Kind, Result},
};

/// How long a command may take to let go of what it holds. A second interruption ends it at once.
const LAST_WORDS: Duration = Duration::from_secs(3);

tokio::task_local! {
    static INTERRUPTED: watch::Sender<bool>;
}

/// Turns true when the command is to end. A command that has asked for this is given a moment to do so by itself.
#[must_use]
pub fn told() -> Option<watch::Receiver<bool>> {
    INTERRUPTED.try_with(watch::Sender::subscribe).ok()
}

/// Runs a command until it is done or the user interrupts it. It comes boxed: one runtime is compiled for all of them, and
/// none stands on the stack whole.
///
/// # Errors
/// The command's own, or that it was interrupted.
pub async fn until_interrupted(command: LocalBoxFuture<'_, Result<u8>>) -> Result<u8> {
    let interrupted = watch::Sender::new(false);
    let command = INTERRUPTED.scope(interrupted.clone(), command);
    tokio::pin!(command);
    tokio::select! {
        done = &mut command => return done,
        () = interruption() => {}
    }
    if interrupted.send(true).is_ok() {
        let clock = Clock::wall();
        tokio::select! {
            _ = &mut command => {}
            () = interruption() => {}
            () = clock.sleep(LAST_WORDS) => {}
        }
    }
    Err(Error::new(Kind::Interrupted, "interrupted"))
}

/// Runs work that must end in time, when a limit is given that is not zero; what it holds it may let go of after that.
///
/// # Errors
/// The work's own, or that the time is up (exit code 124).
pub async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = limit.filter(|limit| !limit.is_zero()) else {
        return work.await;
    };
    let time_is_up = async {
        Clock::wall().sleep(limit).await;
        Error::new(
            Kind::Timeout,
            format!(
                "timed out after {} s waiting for the condition",
                limit.as_secs_f64()
            ),
        )
    };
    unless(time_is_up, work).await
}

/// Runs work unless something comes that forbids it; what it holds it may let go of after that.
///
/// # Errors
/// The work's own, or what came.
pub async fn unless<T>(
    comes: impl Future<Output = Error>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::pin!(work);
    let error = tokio::select! {
        biased;
        done = &mut work => return done,
        error = comes => error,
    };
    if INTERRUPTED
        .try_with(|told| told.send(true))
        .is_ok_and(|sent| sent.is_ok())
    {
        let clock = Clock::wall();
        tokio::select! {
            _ = &mut work => {}
            () = clock.sleep(LAST_WORDS) => {}
        }
    }
    Err(error)
}

/// Ctrl-C, or SIGTERM: the first process of a container is not ended by it unless it listens.
async fn interruption() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).ok();
        let terminated = async {
            match &mut terminated {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
    }
    #[cfg(not(unix))]
    drop(tokio::signal::ctrl_c().await);
}
