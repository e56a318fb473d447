//! What `explain` shows of one Rollout.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::release::Verdict;

use super::{
    Line, Tone,
    line::words,
    status::{Status, span},
};

/// A status, told as a list of causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation(pub Status);

/// Pods of a finding that are named.
const NAMED: usize = 4;

impl Explanation {
    /// The full view: the state, then each cause with its evidence and what to type.
    #[must_use]
    pub fn lines(&self, now: Timestamp) -> Vec<Line> {
        let status = &self.0;
        let mut lines = vec![words([
            (format!("{}/{}", status.namespace, status.name), Tone::Plain),
            ("  ".to_owned(), Tone::Plain),
            (status.headline(), status.tone()),
        ])];
        let plain = |text: String| words([(text, Tone::Plain)]);
        if status.causes.is_empty() {
            let next = status.next_sentence(now);
            lines.push(plain(match status.verdict {
                Verdict::RolledBack => {
                    let why = status
                        .position
                        .gate
                        .as_ref()
                        .and_then(|record| record.why.as_ref());
                    let why = why
                        .map(|why| format!(", because its metrics failed: {why}"))
                        .unwrap_or_default();
                    format!("The last release was rolled back{why}; no other is under way. Next: {next}")
                }
                verdict if verdict.is_at_rest() => format!("No release is under way. Next: {next}"),
                _ => format!("Nothing keeps it from going on. Next: {next}"),
            }));
        }
        if let Some(frozen) = status.frozen() {
            lines.push(words([
                ("warning: ".to_owned(), Tone::Wait),
                (frozen, Tone::Plain),
            ]));
        }
        for (number, finding) in status.causes.iter().enumerate() {
            let tone = match (finding.cause.is_decision(), finding.is_grave()) {
                (true, _) => Tone::Plain,
                (false, true) => Tone::Bad,
                (false, false) => Tone::Wait,
            };
            lines.push(Line::default());
            let since = finding
                .since
                .map(|at| format!(", for {}", span(now.duration_since(at))))
                .unwrap_or_default();
            lines.push(words([
                (format!("{}. ", number + 1), Tone::Plain),
                (finding.cause.id().to_owned(), tone),
                (format!(": {}{since}", finding.sentence()), Tone::Plain),
            ]));
            if !finding.pods.is_empty() {
                let named: Vec<&str> = finding.pods.iter().take(NAMED).map(String::as_str).collect();
                let more = match finding.pods.len() - named.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                lines.push(plain(format!("   pods:      {}{more}", named.join(", "))));
            }
            for evidence in &finding.evidence {
                let text = format!(
                    "   evidence:  {} {} = {}",
                    evidence.object, evidence.field, evidence.value
                );
                lines.push(words([(text, Tone::Faint)]));
            }
            let heals = match finding.cause.heals() && !finding.cause.is_decision() {
                true => ", waiting may be enough",
                false => "",
            };
            lines.push(plain(format!("   acts next: {}{heals}", finding.who().name())));
            if let Some(command) = &finding.command {
                lines.push(plain(format!("   command:   {command}")));
            }
        }
        for unread in &status.unread {
            lines.push(Line::default());
            lines.push(words([
                ("not seen: ".to_owned(), Tone::Wait),
                (unread.clone(), Tone::Plain),
            ]));
        }
        lines
    }

    /// The document of `-o json`.
    #[must_use]
    pub fn document(&self, now: Timestamp) -> Value {
        let status = self.0.document(now);
        let mut document =
            json!({ "apiVersion": "cli.kruise.dev/v1", "kind": "RolloutExplanation", "schema": "1.0" });
        for field in [
            "object",
            "workload",
            "verdict",
            "exitCode",
            "next",
            "causes",
            "unread",
            "observedAt",
        ] {
            document[field] = status[field].clone();
        }
        document
    }
}
