//! Beside the real controller: its recorded statuses, and what the commands write to them.

use std::{collections::BTreeSet, path::Path};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::served::{Life, Served, without_version};

const RELEASES: [&str; 8] = [
    "bluegreen-nginx",
    "canary-nginx-weight",
    "cloneset-nginx",
    "continuous-release",
    "delete-rollout-mid-canary",
    "partition-nginx",
    "rollback-mid-canary",
    "strategy-paused",
];

fn read(release: &str, file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/parity/golden")
        .join(release)
        .join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The objects of a release's manifests, and its Rollout as it was seen in turn, each phase and step state once.
fn recorded(release: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut rollouts, mut rest): (Vec<_>, Vec<_>) = read(release, "manifests.yaml")
        .into_iter()
        .partition(|object| object["kind"] == "Rollout");
    let rollout = rollouts.remove(0);
    for object in &mut rest {
        object["metadata"]["namespace"] = json!("shop");
    }
    let snapshots = read(release, "statuses.yaml").remove(0);
    let mut seen = BTreeSet::new();
    let mut states = Vec::new();
    for snapshot in snapshots.as_array().unwrap() {
        let status = &snapshot["status"];
        let key = [
            &status["phase"],
            &status["currentStepIndex"],
            &status["currentStepState"],
            &status["conditions"][0]["reason"],
        ]
        .map(Value::to_string);
        if snapshot["kind"] != "Rollout" || status.is_null() || !seen.insert(key) {
            continue;
        }
        let mut object = rollout.clone();
        object["metadata"] = json!({ "name": snapshot["name"], "namespace": "shop", "generation": snapshot["generation"],
            "annotations": snapshot["annotations"], "uid": "6d3b3c5e-0000-4000-8000-000000000000" });
        // What the API server fills in.
        object["spec"]["disabled"] = json!(false);
        // What a human had set in the meantime.
        object["spec"]["strategy"]["paused"] = json!(status["conditions"][0]["reason"] == "Paused");
        object["status"] = status.clone();
        states.push(object);
    }
    (rest, states)
}

/// Every recorded state is told, read only; what is paused is approved by one field.
#[test]
fn approves_by_one_field_what_the_controller_has_paused() {
    let mut table = Vec::new();
    let mut wrong = Vec::new();
    for release in RELEASES {
        let (rest, states) = recorded(release);
        let shop = Served::with(rest, Life::Still);
        for state in states {
            let name = state["metadata"]["name"].as_str().unwrap().to_owned();
            let (api_version, style) = (state["apiVersion"].as_str().unwrap().to_owned(), &state["status"]);
            let style = if style["blueGreenStatus"].is_object() {
                "blueGreenStatus"
            } else {
                "canaryStatus"
            };
            shop.sim.load(state.clone()).unwrap();
            let before = shop.get(&api_version, "Rollout", &name);
            let told = shop.kruise(&["status", &name, "-o", "json"]);
            let verdict = told.json()["verdict"].as_str().unwrap_or_default().to_owned();
            if shop.get(&api_version, "Rollout", &name) != before || !shop.sim.take_trace().is_empty() {
                wrong.push(format!("{release}: status wrote something"));
            }
            let paused = state["status"][style]["currentStepState"] == "StepPaused"
                && state["status"]["phase"] == "Progressing"
                && !["Cancelling", "Completed"]
                    .map(Value::from)
                    .contains(&state["status"]["conditions"][0]["reason"]);
            let approved = shop.kruise(&["approve", &name, "--no-wait"]);
            let writes = shop.sim.take_trace();
            let mut expected = before.clone();
            if paused {
                expected["status"][style]["currentStepState"] = json!("StepReady");
            }
            let after = shop.get(&api_version, "Rollout", &name);
            let strayed = json_patch::diff(&without_version(expected), &without_version(after));
            // What is approved already is approved: nothing more is written.
            let already = state["status"]["phase"] == "Progressing"
                && state["status"]["conditions"][0]["reason"] == "InRolling"
                && state["status"][style]["currentStepState"] == "StepReady";
            let right = writes.len() == usize::from(paused)
                && approved.code == Some(if paused || already { 0 } else { 8 });
            if !right || !strayed.is_empty() {
                wrong.push(format!(
                    "{release}: {} approve came to {approved}{strayed}",
                    state["status"]
                ));
            }
            let status = &state["status"];
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            table.push(format!(
                "{release} {} {} {}: {verdict}, exit {}",
                text(&status["phase"]),
                status["currentStepIndex"],
                text(&status["currentStepState"]),
                told.code.unwrap()
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    table.dedup();
    assert_snapshot!(table.join("\n"), @"
    bluegreen-nginx Healthy 0 : Healthy, exit 0
    bluegreen-nginx Healthy 3 Completed: Healthy, exit 0
    bluegreen-nginx Progressing 3 Completed: Progressing, exit 0
    bluegreen-nginx Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 1 StepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 1 StepTrafficRouting: Progressing, exit 0
    bluegreen-nginx Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    bluegreen-nginx Progressing 1 StepPaused: WaitingForApproval, exit 4
    bluegreen-nginx Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 2 StepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 2 StepTrafficRouting: Progressing, exit 0
    bluegreen-nginx Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    bluegreen-nginx Progressing 2 StepPaused: WaitingForApproval, exit 4
    bluegreen-nginx Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 3 StepUpgrade: Progressing, exit 0
    bluegreen-nginx Progressing 3 StepTrafficRouting: Progressing, exit 0
    bluegreen-nginx Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    bluegreen-nginx Progressing 3 StepPaused: WaitingForApproval, exit 4
    bluegreen-nginx Progressing 3 Completed: Finishing, exit 0
    bluegreen-nginx Progressing 3 Completed: Completed, exit 0
    bluegreen-nginx Healthy 3 Completed: Completed, exit 0
    bluegreen-nginx Terminating 3 Completed: Terminating, exit 0
    canary-nginx-weight Healthy 0 : Healthy, exit 0
    canary-nginx-weight Healthy 3 Completed: Healthy, exit 0
    canary-nginx-weight Progressing 3 Completed: Progressing, exit 0
    canary-nginx-weight Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 1 StepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 1 StepTrafficRouting: Progressing, exit 0
    canary-nginx-weight Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    canary-nginx-weight Progressing 1 StepPaused: WaitingForApproval, exit 4
    canary-nginx-weight Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 2 StepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 2 StepTrafficRouting: Progressing, exit 0
    canary-nginx-weight Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    canary-nginx-weight Progressing 2 StepPaused: WaitingForApproval, exit 4
    canary-nginx-weight Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 3 StepUpgrade: Progressing, exit 0
    canary-nginx-weight Progressing 3 StepTrafficRouting: Progressing, exit 0
    canary-nginx-weight Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    canary-nginx-weight Progressing 3 StepPaused: WaitingForApproval, exit 4
    canary-nginx-weight Progressing 3 StepReady: Progressing, exit 0
    canary-nginx-weight Progressing 3 Completed: Finishing, exit 0
    canary-nginx-weight Progressing 3 Completed: Completed, exit 0
    canary-nginx-weight Healthy 3 Completed: Completed, exit 0
    canary-nginx-weight Terminating 3 Completed: Terminating, exit 0
    cloneset-nginx Healthy 0 : Healthy, exit 0
    cloneset-nginx Healthy 3 Completed: Healthy, exit 0
    cloneset-nginx Progressing 3 Completed: Progressing, exit 0
    cloneset-nginx Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 1 StepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 1 StepTrafficRouting: Progressing, exit 0
    cloneset-nginx Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    cloneset-nginx Progressing 1 StepPaused: WaitingForApproval, exit 4
    cloneset-nginx Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 2 StepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 2 StepTrafficRouting: Progressing, exit 0
    cloneset-nginx Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    cloneset-nginx Progressing 2 StepPaused: WaitingForApproval, exit 4
    cloneset-nginx Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 3 StepUpgrade: Progressing, exit 0
    cloneset-nginx Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    cloneset-nginx Progressing 3 StepPaused: WaitingForApproval, exit 4
    cloneset-nginx Progressing 3 StepReady: Progressing, exit 0
    cloneset-nginx Progressing 3 Completed: Finishing, exit 0
    cloneset-nginx Progressing 3 Completed: Completed, exit 0
    cloneset-nginx Healthy 3 Completed: Completed, exit 0
    cloneset-nginx Initial 0 : WorkloadNotFound, exit 5
    cloneset-nginx Terminating 0 : Terminating, exit 0
    continuous-release Healthy 0 : Healthy, exit 0
    continuous-release Healthy 3 Completed: Healthy, exit 0
    continuous-release Progressing 3 Completed: Progressing, exit 0
    continuous-release Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    continuous-release Progressing 1 StepUpgrade: Progressing, exit 0
    continuous-release Progressing 1 StepTrafficRouting: Progressing, exit 0
    continuous-release Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    continuous-release Progressing 1 StepPaused: WaitingForApproval, exit 4
    continuous-release Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    continuous-release Progressing 2 StepUpgrade: Progressing, exit 0
    continuous-release Progressing 2 StepTrafficRouting: Progressing, exit 0
    continuous-release Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    continuous-release Progressing 2 StepPaused: WaitingForApproval, exit 4
    continuous-release Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    continuous-release Progressing 3 StepUpgrade: Progressing, exit 0
    continuous-release Progressing 3 StepTrafficRouting: Progressing, exit 0
    continuous-release Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    continuous-release Progressing 3 StepPaused: WaitingForApproval, exit 4
    continuous-release Progressing 3 StepReady: Progressing, exit 0
    continuous-release Progressing 3 Completed: Finishing, exit 0
    continuous-release Progressing 3 Completed: Completed, exit 0
    continuous-release Healthy 3 Completed: Completed, exit 0
    delete-rollout-mid-canary Healthy 0 : Healthy, exit 0
    delete-rollout-mid-canary Healthy 3 Completed: Healthy, exit 0
    delete-rollout-mid-canary Progressing 3 Completed: Progressing, exit 0
    delete-rollout-mid-canary Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    delete-rollout-mid-canary Progressing 1 StepUpgrade: Progressing, exit 0
    delete-rollout-mid-canary Progressing 1 StepTrafficRouting: Progressing, exit 0
    delete-rollout-mid-canary Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    delete-rollout-mid-canary Progressing 1 StepPaused: WaitingForApproval, exit 4
    delete-rollout-mid-canary Terminating 1 StepPaused: Terminating, exit 0
    partition-nginx Healthy 0 : Healthy, exit 0
    partition-nginx Healthy 3 Completed: Healthy, exit 0
    partition-nginx Progressing 3 Completed: Progressing, exit 0
    partition-nginx Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    partition-nginx Progressing 1 StepUpgrade: Progressing, exit 0
    partition-nginx Progressing 1 StepTrafficRouting: Progressing, exit 0
    partition-nginx Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    partition-nginx Progressing 1 StepPaused: WaitingForApproval, exit 4
    partition-nginx Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    partition-nginx Progressing 2 StepUpgrade: Progressing, exit 0
    partition-nginx Progressing 2 StepTrafficRouting: Progressing, exit 0
    partition-nginx Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    partition-nginx Progressing 2 StepPaused: WaitingForApproval, exit 4
    partition-nginx Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    partition-nginx Progressing 3 StepUpgrade: Progressing, exit 0
    partition-nginx Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    partition-nginx Progressing 3 StepPaused: WaitingForApproval, exit 4
    partition-nginx Progressing 3 StepReady: Progressing, exit 0
    partition-nginx Progressing 3 Completed: Finishing, exit 0
    partition-nginx Progressing 3 Completed: Completed, exit 0
    partition-nginx Healthy 3 Completed: Completed, exit 0
    partition-nginx Initial 0 : WorkloadNotFound, exit 5
    partition-nginx Terminating 0 : Terminating, exit 0
    rollback-mid-canary Healthy 0 : Healthy, exit 0
    rollback-mid-canary Healthy 3 Completed: Healthy, exit 0
    rollback-mid-canary Progressing 3 Completed: Progressing, exit 0
    rollback-mid-canary Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    rollback-mid-canary Progressing 1 StepUpgrade: Progressing, exit 0
    rollback-mid-canary Progressing 1 StepTrafficRouting: Progressing, exit 0
    rollback-mid-canary Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    rollback-mid-canary Progressing 1 StepPaused: WaitingForApproval, exit 4
    rollback-mid-canary Progressing 1 StepPaused: RollingBack, exit 6
    rollback-mid-canary Progressing 1 StepPaused: RolledBack, exit 6
    rollback-mid-canary Healthy 1 StepPaused: RolledBack, exit 6
    rollback-mid-canary Initial 0 : WorkloadNotFound, exit 5
    rollback-mid-canary Terminating 0 : Terminating, exit 0
    strategy-paused Healthy 0 : Healthy, exit 0
    strategy-paused Healthy 3 Completed: Healthy, exit 0
    strategy-paused Progressing 3 Completed: Progressing, exit 0
    strategy-paused Progressing 1 BeforeStepUpgrade: Progressing, exit 0
    strategy-paused Progressing 1 StepUpgrade: Progressing, exit 0
    strategy-paused Progressing 1 StepTrafficRouting: Progressing, exit 0
    strategy-paused Progressing 1 StepMetricsAnalysis: Progressing, exit 0
    strategy-paused Progressing 1 StepPaused: WaitingForApproval, exit 4
    strategy-paused Progressing 1 StepPaused: Paused, exit 4
    strategy-paused Progressing 2 BeforeStepUpgrade: Progressing, exit 0
    strategy-paused Progressing 2 StepUpgrade: Progressing, exit 0
    strategy-paused Progressing 2 StepTrafficRouting: Progressing, exit 0
    strategy-paused Progressing 2 StepMetricsAnalysis: Progressing, exit 0
    strategy-paused Progressing 2 StepPaused: WaitingForApproval, exit 4
    strategy-paused Progressing 3 BeforeStepUpgrade: Progressing, exit 0
    strategy-paused Progressing 3 StepUpgrade: Progressing, exit 0
    strategy-paused Progressing 3 StepMetricsAnalysis: Progressing, exit 0
    strategy-paused Progressing 3 StepPaused: WaitingForApproval, exit 4
    strategy-paused Progressing 3 StepReady: Progressing, exit 0
    strategy-paused Progressing 3 Completed: Finishing, exit 0
    strategy-paused Progressing 3 Completed: Completed, exit 0
    strategy-paused Healthy 3 Completed: Completed, exit 0
    strategy-paused Terminating 3 Completed: Terminating, exit 0
    ");
}
