//! What was found, for people and for programs.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value, json};

use super::{Finding, Rule, Severity};

/// All findings about some objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
    /// How many objects were looked at.
    pub objects: usize,
    /// How many of them are Rollouts.
    pub rollouts: usize,
}

impl Report {
    /// How many findings are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of_it = self
            .findings
            .iter()
            .filter(|finding| finding.severity == severity);
        of_it.count()
    }

    /// For people: every finding with what to do about it, and a line that sums up.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{finding}\n    fix: {}", finding.fix);
        }
        text + &self.summary() + "\n"
    }

    /// `4 objects, 1 Rollout of them: 2 errors, 1 warning`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |count: usize, one: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {one}s"),
        };
        let all = [Severity::Error, Severity::Warning, Severity::Note];
        let found: Vec<String> = all
            .into_iter()
            .map(|severity| (self.count(severity), severity.word()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count, word))
            .collect();
        let found = if found.is_empty() {
            "nothing is wrong".to_owned()
        } else {
            found.join(", ")
        };
        let objects = counted(self.objects, "object");
        let rollouts = counted(self.rollouts, "Rollout");
        format!("{objects}, {rollouts} of them: {found}")
    }

    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        let finding = |finding: &Finding| {
            let mut all = json!({
                "rule": finding.rule.id(),
                "severity": finding.severity,
                "object": finding.object,
                "message": finding.message,
                "fix": finding.fix,
            });
            if !finding.field.is_empty() {
                all["field"] = json!(finding.field);
            }
            if let Some((file, line)) = &finding.place {
                all["file"] = json!(file);
                all["line"] = json!(line);
            }
            all
        };
        json!({
            "apiVersion": "cli.kruise.dev/v1",
            "kind": "LintReport",
            "schema": "1.0",
            "summary": self.summary(),
            "objects": self.objects,
            "rollouts": self.rollouts,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}

/// The report in SARIF 2.1.0, which code hosts show beside the lines.
#[must_use]
pub fn sarif(report: &Report, version: &str) -> Value {
    let broken: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule.id()).collect();
    let rules: Vec<Value> = Rule::ALL
        .iter()
        .filter(|rule| broken.contains(rule.id()))
        .map(|rule| {
            json!({
                "id": rule.id(),
                "shortDescription": { "text": rule.summary() },
                "help": { "text": rule.fix() },
                "defaultConfiguration": { "level": rule.severity().word() },
            })
        })
        .collect();
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kubectl-kruise",
                "semanticVersion": version,
                "informationUri": "https://openkruise.io/rollouts/introduction",
                "rules": rules,
            } },
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let field = match finding.field.as_str() {
        "" => String::new(),
        field => format!("{field}: "),
    };
    let mut location = json!({
        "logicalLocations": [{ "fullyQualifiedName": format!("{}: {}", finding.object, finding.field), "kind": "object" }],
    });
    if let Some((file, line)) = &finding.place {
        location["physicalLocation"] = json!({
            "artifactLocation": { "uri": file.replace('\\', "/") },
            "region": { "startLine": line },
        });
    }
    json!({
        "ruleId": finding.rule.id(),
        "level": finding.severity.word(),
        "message": { "text": format!("{}: {field}{}. Fix: {}.", finding.object, finding.message, finding.fix) },
        "locations": [location],
    })
}
