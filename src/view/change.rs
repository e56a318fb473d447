//! One line per change, for logs and pipes.

use jiff::Timestamp;

use super::status::Status;
use crate::release::Role;

impl Status {
    /// The state in one line, without the time; two equal lines are no change.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![format!("{}/{}", self.namespace, self.name), self.headline()];
        if let Some(new) = self.pods.of(Role::New) {
            parts.push(format!("new pods {}/{} ready", new.ready, new.desired));
        }
        if let Some(stable) = self.pods.of(Role::Stable) {
            parts.push(format!("stable pods {}/{} ready", stable.ready, stable.desired));
        }
        parts.extend(
            self.traffic
                .iter()
                .map(|traffic| format!("traffic {}", traffic.set)),
        );
        // Where causes were looked for, the first says it; a line is no place for all of them.
        match self.troubles().find(|finding| finding.is_grave()) {
            Some(finding) => parts.push(format!("! {}: {}", finding.cause.id(), finding.sentence())),
            None => parts.extend(self.problems.iter().map(|problem| format!("! {}", problem.what))),
        }
        parts.join("  ")
    }
}

/// A line with its time, to the second, UTC.
#[must_use]
pub fn stamped(at: Timestamp, line: &str) -> String {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    format!("{whole}  {line}")
}
