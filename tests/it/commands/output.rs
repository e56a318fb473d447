//! What needs no cluster: help, version, completion, other people's verbs, a reader that goes away.

use std::process::{Command, Stdio};

use super::fixture::{Fixture, paused_release};

fn kruise(words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
        .args(words)
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .env("PATH", "")
        .env("HOME", "/nonexistent")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn needs_no_cluster() {
    let version = format!("Client Version: v{}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        kruise(&["version", "--client"]),
        (Some(0), version.clone(), String::new())
    );
    assert_eq!(
        kruise(&["rollout", "version", "--client"]),
        (Some(0), version, String::new())
    );
    let cases: [(&[&str], i32, &str, &str); 9] = [
        (&["--help"], 0, "kubectl kruise", ""),
        (
            &["rollout", "approve", "--help"],
            0,
            "kubectl kruise rollout approve",
            "",
        ),
        (&["rollout"], 64, "", "Usage: kubectl kruise rollout"),
        (
            &["rollout", "aprove", "x"],
            64,
            "",
            "unrecognized subcommand 'aprove'",
        ),
        (
            &["rollout", "status", "x", "-o", "xml"],
            64,
            "",
            "expected one of json, yaml, name",
        ),
        (&["get", "pods"], 64, "", "error: unknown command \"get\""),
        (
            &["rollout", "status", "demo"],
            1,
            "",
            "error: cannot read kubeconfig",
        ),
        (
            &["rollout", "manifests", "crds", "policy"],
            0,
            "kind: CustomResourceDefinition",
            "",
        ),
        (
            &["__complete", "rollout", "appr"],
            0,
            "approve\tLet a paused step go on\n:4\n",
            "",
        ),
    ];
    for (words, code, out, err) in cases {
        let said = kruise(words);
        assert_eq!(said.0, Some(code), "{words:?} {said:?}");
        assert!(said.1.contains(out) && said.2.contains(err), "{words:?} {said:?}");
        assert!(
            said.1.is_empty() != said.2.is_empty(),
            "data or talk, not both: {words:?} {said:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn hands_other_verbs_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("kubectl-kruise-other-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let other = folder.join("kubectl-kruise");
    std::fs::write(&other, "#!/bin/sh\necho \"other got: $*\"\nexit 3\n").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
        .args(["get", "all", "-n", "shop"])
        .env("PATH", &folder)
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).as_ref()
        ),
        (Some(3), "other got: get all -n shop\n")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
        .args(["rollout", "manifests", "crds"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).as_ref()
        ),
        (Some(0), "")
    );
}

#[tokio::test]
async fn documents_are_for_machines() {
    let fixture = Fixture::new(paused_release()).await;
    let name = fixture.rollout(&["status", "demo", "-o", "name"]).await;
    assert_eq!(
        (name.code, name.out.as_str()),
        (Some(4), "rollout.rollouts.kruise.io/demo\n")
    );
    let yaml = fixture.rollout(&["status", "demo", "-o", "yaml"]).await;
    assert!(
        yaml.out.starts_with("apiVersion: cli.kruise.dev/v1\n"),
        "{yaml:?}"
    );
    let server = fixture.run(&["version"]).await;
    assert!(
        server.code == Some(0) && server.out.contains("\nServer Version: v"),
        "{server:?}"
    );
    let names = fixture.run(&["__complete", "rollout", "approve", ""]).await;
    assert_eq!(names.out, "demo\twaiting for approval: step 1/2\n:4\n");
}
