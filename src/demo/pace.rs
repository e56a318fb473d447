//! Time that runs faster than the wall's, for all of a process at once.

use std::{future::Future, io, sync::mpsc, time::Duration};

/// How often time is set forward, and by how much at once; in between, everything that is due is done.
const BEAT: Duration = Duration::from_millis(10);

/// Runs work in a runtime of its own, whose time runs `speed` times as fast. It runs slower where the machine cannot follow.
///
/// # Errors
/// The runtime cannot be made.
pub fn block_on<T>(speed: u32, work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let (stop, stopped) = mpsc::channel::<()>();
    let (beat, mut beats) = tokio::sync::mpsc::channel(1);
    let done = runtime.block_on(async {
        // While it runs, tokio leaves the setting forward of its paused clock to us.
        tokio::task::spawn_blocking(move || {
            while stopped.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                // A beat that nobody took yet is one lost: time is late then, and does not jump.
                let _ = beat.try_send(());
            }
        });
        let run = async {
            while beats.recv().await.is_some() {
                for _ in 0..speed {
                    tokio::time::advance(BEAT).await;
                }
            }
            std::future::pending().await
        };
        tokio::select! {
            done = work => done,
            never = run => never,
        }
    });
    drop(stop);
    runtime.shutdown_background();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::block_on;
    use crate::clock::Clock;

    #[test]
    fn hours_pass_in_order_and_in_no_time() {
        let passed = block_on(100_000, async {
            let clock = Clock::wall();
            let began = clock.now();
            let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
            for hours in [3_u64, 1, 2] {
                let told = told.clone();
                tokio::spawn(async move {
                    clock.sleep(Duration::from_secs(hours * 3600)).await;
                    let _ = told.send((hours, clock.now().duration_since(began).as_hours()));
                });
            }
            let mut all = Vec::new();
            for _ in 0..3 {
                all.extend(heard.recv().await);
            }
            all
        });
        assert_eq!(passed.unwrap(), [(1, 1), (2, 2), (3, 3)]);
    }
}
