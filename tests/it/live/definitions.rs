//! Our definitions answer as upstream's do: the same manifests are taken, and stored with the same values.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

use super::control_plane::{ControlPlane, User, shared};
use crate::crd_answers::{answers, install, surprises};

/// The newest release of upstream that the Go module proxy has.
const UPSTREAM: &str = "github.com/openkruise/rollouts@v0.6.2";

/// What that release still takes and upstream's main branch, which is our measure, refuses.
const NEWER: &[&str] = &[
    "51 steps",
    "17 matches",
    "a relative path",
    "an empty path",
    "a path with //",
    "a path with /./",
    "a path with /../",
    "a path with %2f",
    "a path with %2F",
    "a path with a hash",
    "a path ending in /..",
    "a path ending in /.",
    "a path with a space",
    "a header removed twice",
];

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_definitions_answer_as_upstreams() {
    let client = shared().client(User::Admin, "tests").await;
    let ours = answers(&client, "default").await;
    assert_eq!(surprises(&ours), Vec::<String>::new());

    // Two definitions of one kind cannot stand side by side, so upstream's get a control plane of their own.
    let plane = ControlPlane::start(0);
    let client = plane.client(User::Admin, "tests").await;
    install(&client, &upstream()).await;
    let theirs = answers(&client, "default").await;
    assert_eq!(ours.len(), theirs.len());
    let differing: Vec<_> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .collect();
    let stricter: Vec<&str> = differing.iter().map(|(ours, _)| ours.0.as_str()).collect();
    assert_eq!(stricter, NEWER, "{differing:#?}");
    assert!(
        differing.iter().all(|(ours, theirs)| !ours.1 && theirs.1),
        "{differing:#?}"
    );
}

/// Upstream's definitions, from its Go module, without what needs its controller: webhooks.
fn upstream() -> Vec<Value> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", UPSTREAM])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = PathBuf::from(
        answer["Dir"]
            .as_str()
            .unwrap_or_else(|| panic!("go mod download: {answer}")),
    );
    ["rollouts", "trafficroutings"]
        .map(|plural| {
            let path = folder.join(format!("config/crd/bases/rollouts.kruise.io_{plural}.yaml"));
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
            definition["spec"].as_object_mut().unwrap().remove("conversion");
            definition.as_object_mut().unwrap().remove("status");
            definition
        })
        .into()
}
