//! A plan as rows, for tables of any kind.

use super::{Plan, PlannedStep, PlannedWrite};

/// Titles of the columns of [`Plan::rows`].
pub const COLUMNS: [&str; 8] = [
    "STEP", "NEW", "OLD", "READY", "TRAFFIC", "GATE", "EARLIEST", "WRITES",
];

impl Plan {
    /// One row per step, and one for the closing work.
    #[must_use]
    pub fn rows(&self) -> Vec<[String; 8]> {
        let steps = self.steps.iter().map(|step| row(step, &step.step.to_string()));
        steps
            .chain(self.finish.iter().map(|step| row(step, "finish")))
            .collect()
    }

    /// The plan as a Markdown table, for a pull request.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("### Plan for {}/{}\n\n", self.namespace, self.rollout);
        text += &format!("| {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
        for row in self.rows() {
            text += &format!("| {} |\n", row.join(" | "));
        }
        text += &format!("\n{}\n", self.summary());
        if !self.message.is_empty() {
            text += &format!("\n{}\n", self.message);
        }
        text
    }
}

impl PlannedWrite {
    /// When, for which step, what and why, without the body.
    #[must_use]
    pub fn line(&self) -> String {
        let (at, step) = (span(self.seconds), self.step);
        format!(
            "{at}  step {step}  {} {}: {}",
            self.verb, self.object, self.purpose
        )
    }
}

fn row(step: &PlannedStep, name: &str) -> [String; 8] {
    let dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    let ready = if step.ready_lowest == step.ready_highest {
        step.ready_lowest.to_string()
    } else {
        format!("{}..{}", step.ready_lowest, step.ready_highest)
    };
    [
        name.to_owned(),
        step.new_pods.to_string(),
        step.old_pods.to_string(),
        ready,
        dash(&step.traffic),
        dash(&step.gate),
        span(step.seconds),
        step.writes.to_string(),
    ]
}

/// A span as `+1:05`, or `+1:02:05` from an hour on; fractions of a second count as a whole one.
#[must_use]
pub fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "plans end within days")]
    let seconds = seconds.ceil() as i64;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("+{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("+{minutes}:{rest:02}")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn spans_read_like_a_clock() {
        assert_eq!(
            [0.0, 4.2, 65.0, 3725.0].map(super::span),
            ["+0:00", "+0:05", "+1:05", "+1:02:05"]
        );
    }
}
