//! The real executable against the real API server: what it says and how it ends when it cannot do what it is told.

use std::process::{Command, Output};

use serde_json::json;

use super::{
    control_plane::{User, shared},
    workload::KUBECTL,
};

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

/// Templates of our own interpreter beside kubectl's, on the same object.
#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_templates_print_what_kubectl_prints() {
    let namespace = "templates";
    let cluster = shared().namespace(namespace, true).await;
    let rollout = json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
        "metadata": { "name": "web", "labels": { "app.kubernetes.io/name": "web" }, "annotations": { "note": "a \"b\" <c>\n" } },
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": { "steps": [
                { "replicas": 1, "pause": { "duration": 3600 } }, { "replicas": "50%", "pause": {} }, { "replicas": "100%" },
            ] } },
        },
    });
    cluster.create(&rollout).await.unwrap();
    let templates = [
        "{{.metadata.name}}",
        "{{.metadata.generation}} {{printf \"%v %d\" .metadata.generation .metadata.generation}}",
        "{{range .spec.strategy.canary.steps}}{{.replicas}} {{.pause.duration}};{{end}}",
        "{{range $at, $step := .spec.strategy.canary.steps}}{{if $at}}, {{end}}{{$at}}={{$step.replicas}}{{else}}none{{end}}",
        "{{range $key, $value := .spec.workloadRef}}{{$key}}={{$value | printf \"%q\"}} {{end}}",
        "{{len .spec.strategy.canary.steps}} {{(index .spec.strategy.canary.steps 0).pause.duration}}",
        "{{.spec}}",
        "{{.spec.strategy.canary.steps}}",
        "{{.nothing}} {{.nothing.below}}",
        "{{eq .spec.workloadRef.kind \"Deployment\"}} {{and .metadata.labels .nothing}} {{or .nothing \"else\"}} {{not .nothing}}",
        "{{index .metadata.labels \"app.kubernetes.io/name\"}}",
        "{{html .metadata.annotations.note}}|{{js .metadata.annotations.note}}|{{urlquery .metadata.annotations.note}}",
        "{{print 1 2 \"a\" \"b\" 3}} {{println .metadata.name}}",
        "{{define \"t\"}}[{{.}}]{{end}}{{template \"t\" .metadata.name}}{{with $x := .spec.workloadRef}}{{$x.name}}{{end}}",
        "{{- /* nothing */ -}} a {{- .metadata.name -}} b",
        "{{\"aGVsbG8=\" | base64decode}}",
        "{{lt (len .metadata.name) 4}} {{gt 2 1}} {{ne .kind \"Rollout\"}} {{slice .metadata.name 1 2}}",
        "{{exists . \"metadata\" \"name\"}} {{exists . \"metadata\" \"nothing\"}}",
    ];
    let mut wrong = Vec::new();
    for template in templates {
        let form = format!("go-template={template}");
        // A Rollout that is not paused is printed as it is.
        let ours = kruise(User::Admin, namespace, &["resume", "web", "-o", &form]);
        let theirs = Command::new(&*KUBECTL)
            .args(["get", "rollouts.rollouts.kruise.io", "web", "-o", &form])
            .env("KUBECONFIG", shared().kubeconfig(User::Admin, namespace))
            .output()
            .unwrap();
        let said = |output: &Output| {
            (
                output.status.success(),
                String::from_utf8_lossy(&output.stdout).into_owned(),
            )
        };
        if said(&ours) != said(&theirs) {
            wrong.push(format!("{template}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
