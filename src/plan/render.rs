//! A plan as rows, for tables of any kind.

use super::{
    Plan, PlannedStep, PlannedWrite,
    blockers::{Evidence, Weight},
};

/// Titles of the columns of [`Plan::rows`].
pub const COLUMNS: [&str; 10] = [
    "STEP",
    "NEW",
    "OLD",
    "READY",
    "PODS",
    "TRAFFIC NEW/OLD",
    "GATE",
    "EARLIEST",
    "LIKELY",
    "WRITES",
];

impl Plan {
    /// One row per step, and one for the closing work.
    #[must_use]
    pub fn rows(&self) -> Vec<[String; 10]> {
        self.rows_of_time()
            .map(|step| row(step, &self.name_of(step)))
            .collect()
    }

    /// What a row is called.
    #[must_use]
    pub fn name_of(&self, step: &PlannedStep) -> String {
        let is_finish = self
            .finish
            .as_ref()
            .is_some_and(|finish| std::ptr::eq(finish, step));
        if is_finish {
            "finish".to_owned()
        } else {
            step.step.to_string()
        }
    }

    /// The plan as Markdown, for a pull request; with its writes, if they are wanted, folded away.
    #[must_use]
    pub fn markdown(&self, with_writes: bool) -> String {
        let mut text = format!("### Plan for {}/{}\n\n", self.namespace, self.rollout);
        if !self.rows().is_empty() {
            text += &format!("| {} |\n|{}\n", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
            for row in self.rows() {
                text += &format!("| {} |\n", row.join(" | ").replace('~', "\\~"));
            }
            text += "\n";
        }
        for blocker in &self.blockers {
            let word = match blocker.weight {
                Weight::Blocks => "Blocked",
                Weight::Risk => "Risk",
            };
            text += &format!("- **{word}**: {blocker}\n");
            for Evidence { object, field, value } in &blocker.evidence {
                text += &format!("  - `{object}` `{field}`: `{value}`\n");
            }
            text += &format!("  - next: `{}`\n", blocker.command);
        }
        for sentence in &self.unknown {
            text += &format!("- *unknown*: {sentence}\n");
        }
        if !self.blockers.is_empty() || !self.unknown.is_empty() {
            text += "\n";
        }
        text += &format!("{}\n", self.summary());
        if !self.message.is_empty() {
            text += &format!("\n{}\n", self.message);
        }
        if with_writes && !self.writes.is_empty() {
            text += &format!("\n<details><summary>{} writes</summary>\n\n", self.writes.len());
            for write in &self.writes {
                text += &format!("{}\n```\n{}\n```\n", write.line(), write.request().join("\n"));
            }
            text += "</details>\n";
        }
        text
    }
}

impl PlannedWrite {
    /// When, for which step, what and why.
    #[must_use]
    pub fn line(&self) -> String {
        let (at, step) = (span(self.seconds), self.step);
        format!("{at}  step {step}  {}: {}", self.object, self.purpose)
    }

    /// The request, literally.
    #[must_use]
    pub fn request(&self) -> Vec<String> {
        let mut lines = vec![format!("{} {}", self.verb, self.path)];
        if !self.content_type.is_empty() {
            lines.push(format!("Content-Type: {}", self.content_type));
        }
        if self.precondition != "none" {
            lines.push(format!("only if: {}", self.precondition));
        }
        if !self.body.is_null() {
            lines.push(self.body.to_string());
        }
        lines
    }
}

fn row(step: &PlannedStep, name: &str) -> [String; 10] {
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
    let new = match step.new_wanted {
        Some(wanted) if wanted != step.new_pods => format!("{} of {wanted}", step.new_pods),
        _ => step.new_pods.to_string(),
    };
    let traffic = match (step.traffic.as_str(), step.old_traffic.as_str()) {
        ("" | "-", _) => "-".to_owned(),
        (new, old) => format!("{new}/{old}"),
    };
    [
        name.to_owned(),
        new,
        step.old_pods.to_string(),
        ready,
        step.most_pods.to_string(),
        traffic,
        dash(&step.gate),
        span(step.seconds),
        // An estimate: `~`.
        step.likely_seconds
            .map_or_else(|| "unknown".to_owned(), |seconds| format!("~{}", span(seconds))),
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
