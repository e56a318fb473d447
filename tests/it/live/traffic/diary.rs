//! What happened in a test, and when: the first thing to read when a request failed.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use kubectl_kruise::clock::Clock;

#[derive(Clone)]
pub(super) struct Diary {
    clock: Clock,
    began: Timestamp,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Diary {
    pub(super) fn new() -> Self {
        let clock = Clock::wall();
        Self {
            began: clock.now(),
            clock,
            lines: Arc::default(),
        }
    }

    pub(super) fn note(&self, what: impl fmt::Display) {
        let seconds = self.clock.now().duration_since(self.began).as_secs_f64();
        self.lines.lock().unwrap().push(format!("{seconds:8.3} {what}"));
    }
}

impl fmt::Display for Diary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}
