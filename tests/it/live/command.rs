//! The real executable against the real API server: what it says and how it ends when it cannot do what it is told.

use std::process::{Command, Output};

use serde_json::json;

use super::control_plane::{User, shared};

/// Runs `kubectl-kruise rollout ARGS` as a user and waits for its end.
fn kruise(user: User, namespace: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", shared().kubeconfig(user, namespace))
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_refusals_have_the_documented_exit_codes_and_a_hint() {
    let namespace = "refusals";
    let cluster = shared().namespace(namespace, true).await;
    let rollout = json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "steps": [{ "replicas": 1, "pause": {} }] } },
        },
    });
    let before = cluster.create(&rollout).await.unwrap();

    let table: [(User, &[&str], i32, &[&str]); 8] = [
        (User::Admin, &["status", "nobody"], 7, &["nobody", "not found"]),
        (User::Admin, &["approve", "nobody"], 7, &["nobody", "not found"]),
        (
            User::Limited(1),
            &["status", "web"],
            9,
            &["forbidden", "limited-1"],
        ),
        (
            User::Limited(1),
            &["approve", "web"],
            9,
            &["forbidden", "limited-1"],
        ),
        (User::Expired, &["status", "web"], 9, &["credentials", "hint"]),
        (User::Expired, &["approve", "web"], 9, &["credentials", "hint"]),
        (User::Unreachable, &["status", "web"], 10, &["127.0.0.1:1"]),
        (User::Unreachable, &["approve", "web"], 10, &["127.0.0.1:1"]),
    ];
    let mut wrong = Vec::new();
    for (user, arguments, code, words) in table {
        let output = kruise(user, namespace, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = words.iter().all(|word| said.contains(word));
        if output.status.code() != Some(code) || !told || !output.stdout.is_empty() {
            wrong.push(format!(
                "{user:?} {arguments:?}: {:?} {said}",
                output.status.code()
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let place = crate::harness::cluster::Place::named("rollout");
    assert_eq!(
        cluster.get(place, "web").await.unwrap(),
        Some(before),
        "nothing was changed"
    );
    cluster.delete_namespace().await;
}
