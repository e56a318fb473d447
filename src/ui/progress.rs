//! What goes on while something runs: one line per change, and on a terminal a spinner with the present state below.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;

/// How fast the spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// Shows progress on stderr.
pub struct Progress<'a> {
    ui: &'a Ui,
    spinner: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    /// Starts to show progress.
    #[must_use]
    pub fn new(ui: &'a Ui) -> Self {
        let spinner = ui.can_animate().then(|| {
            let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                spinner.set_style(style);
            }
            spinner.enable_steady_tick(TURN);
            spinner
        });
        Self { ui, spinner }
    }

    /// Tells a change.
    pub fn tell(&self, line: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| self.ui.talk(line)),
            None => self.ui.talk(line),
        }
    }

    /// Says what is being waited for.
    pub fn waiting(&self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(text.to_owned());
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
