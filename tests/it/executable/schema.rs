//! What is printed is what the schemas say, field by field.

use kubectl_kruise::{
    view::schema::{LintReport, RolloutExplanation, RolloutHistory, RolloutPlan, RolloutStatus},
    workload::Kind,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::verbs::two_versions;
use crate::harness::{
    served::{Life, Served, program},
    shop::{Turn, after, application},
};

/// Reads a document as its type, which refuses unknown fields, and compares it with what is written again.
fn reads<T: DeserializeOwned + Serialize>(document: &Value) {
    let read: T =
        serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}: {document:#}"));
    let numbers = |value: &Value| value.to_string().replace(".0,", ",").replace(".0}", "}");
    assert_eq!(
        numbers(&serde_json::to_value(read).unwrap()),
        numbers(document),
        "every field is known"
    );
}

#[test]
fn documents_are_as_their_schemas_say() {
    for turns in [
        &[][..],
        &[Turn::Held("web:v2")],
        &[Turn::Released("web:v2")],
        &[Turn::Released("web:v2"), Turn::Approved],
        &[Turn::Released("web:v2-crash")],
    ] {
        let shop = Served::with(after(turns), Life::Still);
        reads::<RolloutStatus>(&shop.kruise(&["status", "web", "-o", "json"]).json());
        reads::<RolloutExplanation>(&shop.kruise(&["explain", "web", "-o", "json"]).json());
        reads::<RolloutHistory>(&shop.kruise(&["history", "web", "-o", "json"]).json());
        let plan = shop.kruise(&["plan", "web", "--set-image", "main=web:v3", "-o", "json"]);
        reads::<RolloutPlan>(&plan.json());
    }
    // A field, a file and a line; and what a cluster has, which has none of the last two.
    let mut wrong = application("web");
    wrong[3]["spec"]["strategy"]["canary"]["steps"] =
        json!([{ "replicas": 2, "traffic": "20%" }, { "replicas": 1 }]);
    wrong[2]["spec"]["rules"] = json!([]);
    let shop = Served::with(wrong.clone(), Life::Still);
    let file = shop.folder.file("web.json");
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    std::fs::write(&file, wrong.join("\n---\n")).unwrap();
    for arguments in [&[file.to_str().unwrap()][..], &["--live"]] {
        let report = shop.kruise(&[&["lint", "-o", "json"], arguments].concat());
        assert_eq!(report.code, Some(3), "{report}");
        reads::<LintReport>(&report.json());
    }
    let shop = two_versions(Kind::CloneSet, true);
    reads::<RolloutStatus>(&shop.kruise(&["status", "web", "-o", "json"]).json());
    reads::<RolloutHistory>(
        &shop
            .kruise(&["history", "web", "--revision", "1", "-o", "json"])
            .json(),
    );
}

#[test]
fn a_watch_is_a_document_a_line() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
    let engine = shop.spawn(&["run", "web", "--forever"]);
    let watch = shop.spawn(&["status", "web", "-w", "-o", "json", "--timeout", "60s"]);
    let seen = || shop.rollout()["status"]["message"].is_string();
    shop.wait_for(seen);
    let said = shop.kruise(&["approve", "web", "--to", "3"]);
    assert_eq!(said.code, Some(0), "{said}");
    let outcome = watch.outcome();
    drop(engine);
    let verdicts: Vec<String> = outcome
        .stdout
        .lines()
        .map(|line| {
            let document: Value = serde_json::from_str(line).unwrap();
            document["verdict"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(verdicts.len() > 1, "{outcome}");
    assert_eq!(
        (outcome.code, verdicts.last().map(String::as_str)),
        (Some(0), Some("Completed")),
        "{outcome}"
    );
}

#[test]
fn schemas_are_printed() {
    for (name, title) in [
        ("status", "RolloutStatus"),
        ("explain", "RolloutExplanation"),
        ("history", "RolloutHistory"),
        ("plan", "RolloutPlan"),
        ("lint", "LintReport"),
    ] {
        let output = program().args(["rollout", "schema", name]).output().unwrap();
        let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(schema["title"], title);
        assert_eq!(schema["properties"]["schema"]["type"], "string");
        // Readers take what a later minor adds.
        assert!(!schema.to_string().contains("additionalProperties"));
    }
}
