//! An API server that is away for a while: what waits goes on waiting, and says so once.

use crate::{error::Error, ui::Ui};

/// Whether the server is away, as far as that was told.
#[derive(Debug, Default)]
pub struct Outage {
    is_told: bool,
}

impl Outage {
    /// It did not answer: told when that is new.
    pub fn goes_on(&mut self, ui: &Ui, error: &Error) {
        if !self.is_told {
            ui.warn(&format!("{}; trying again", error.message));
            self.is_told = true;
        }
    }

    /// It answered.
    pub fn is_over(&mut self) {
        self.is_told = false;
    }
}
