//! Deadlines hold whatever the server, the credentials or the rights are like.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use http::StatusCode;
use kubectl_kruise::sim::Fault;
use serde_json::json;

use crate::harness::{
    served::{Folder, Life, Outcome, Served, kubeconfig, program},
    shop::{Turn, after},
};

/// Every verb that waits or looks, with a deadline.
const WAITING: [&[&str]; 7] = [
    &["status", "web", "--timeout", "1s"],
    &["status", "web", "-w", "--timeout", "1s"],
    &["status", "-A", "--until", "healthy", "--timeout", "1s"],
    &["watch", "web", "--timeout", "1s"],
    &["watch", "web", "--until", "done", "--timeout", "1s"],
    &["gate", "web", "--template", "rate", "--timeout", "1s"],
    &["explain", "web", "--timeout", "1s"],
];

#[expect(
    clippy::disallowed_methods,
    reason = "how long a whole process takes is the matter of the test"
)]
fn timed(folder: &Folder, arguments: &[&str]) -> (Outcome, Duration) {
    let began = Instant::now();
    let output = program()
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", folder.file("kubeconfig"))
        .output()
        .unwrap();
    (Outcome::of(output), began.elapsed())
}

fn ends_in_time(folder: &Folder, what: &str) {
    for arguments in WAITING {
        let (outcome, took) = timed(folder, arguments);
        assert_eq!(outcome.code, Some(124), "{what} {arguments:?}: {outcome}");
        assert!(
            outcome.stderr.contains("timed out after 1 s"),
            "{what} {arguments:?}: {outcome}"
        );
        assert!(
            took < Duration::from_secs(10),
            "{what} {arguments:?} took {took:?}"
        );
    }
}

#[test]
fn trap6_with_a_server_that_accepts_and_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new();
    let config = kubeconfig(&format!("http://{}", silent.local_addr().unwrap()), "shop");
    std::fs::write(folder.file("kubeconfig"), config.to_string()).unwrap();
    ends_in_time(&folder, "silent");
}

#[test]
fn trap6_with_a_credential_plugin_that_hangs() {
    let folder = Folder::new();
    let mut config = kubeconfig("http://127.0.0.1:1", "shop");
    config["users"][0]["user"] = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1",
        "command": "/bin/sleep", "args": ["30"], "interactiveMode": "Never" } });
    std::fs::write(folder.file("kubeconfig"), config.to_string()).unwrap();
    ends_in_time(&folder, "hanging plugin");
}

#[test]
fn trap6_with_watches_that_are_forbidden() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    shop.sim.inject(|request| {
        // Reading one by name is allowed, lists and watches are not.
        let whole = request.path.ends_with("/rollouts")
            || request.path.ends_with("/pods")
            || request.path.ends_with("/deployments");
        whole.then(|| Fault::Status(StatusCode::FORBIDDEN, "Forbidden".to_owned()))
    });
    for arguments in [
        &["status", "web", "-w", "--timeout", "1s"][..],
        &["watch", "web", "--timeout", "1s"],
    ] {
        let (outcome, took) = timed(&shop.folder, arguments);
        assert_eq!(outcome.code, Some(124), "{outcome}");
        assert!(outcome.stdout.contains("waiting for approval"), "{outcome}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    // What cannot be done at all says which right is missing.
    for arguments in [&["status", "-A"][..], &["watch", "-A"], &["explain", "--all"]] {
        let (outcome, _) = timed(&shop.folder, arguments);
        assert_eq!(outcome.code, Some(9), "{outcome}");
        assert!(
            outcome
                .stderr
                .contains("not allowed to list rollouts.rollouts.kruise.io"),
            "{outcome}"
        );
    }
}

#[test]
fn an_unreachable_server_is_told_at_once() {
    let folder = Folder::new();
    std::fs::write(
        folder.file("kubeconfig"),
        kubeconfig("http://127.0.0.1:1", "shop").to_string(),
    )
    .unwrap();
    for arguments in WAITING {
        let (outcome, took) = timed(&folder, arguments);
        assert_eq!(outcome.code, Some(10), "{arguments:?}: {outcome}");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
