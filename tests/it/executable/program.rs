//! The program as a whole: its names, its help, its manners.

use std::{collections::BTreeSet, os::unix::process::CommandExt};

use insta::assert_snapshot;

use crate::harness::{
    served::{Folder, Life, Outcome, Served, program},
    shop::{Turn, after},
};

fn run(arguments: &[&str]) -> Outcome {
    Outcome::of(program().args(arguments).output().unwrap())
}

#[test]
fn version() {
    assert_snapshot!(run(&["version", "--client"]), @r"
    exit 0
    --- stdout
    Client Version: vVERSION
    ");
    assert_snapshot!(run(&["rollout", "version", "--client", "-o", "json"]), @r#"
    exit 0
    --- stdout
    {
      "clientVersion": {
        "gitVersion": "vVERSION"
      }
    }
    "#);
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["version"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(shop.requested(), "GET /version");
}

#[test]
fn usage() {
    assert_snapshot!(run(&["rollout", "aprove", "web"]), @r"
    exit 64
    --- stderr
    error: unrecognized subcommand 'aprove'

      tip: a similar subcommand exists: 'approve'

    Usage: kubectl kruise rollout [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["frobnicate"]), @r#"
    exit 64
    --- stderr
    error: unknown command "frobnicate"

    hint: run 'kubectl kruise --help' for what there is; other verbs need another kubectl-kruise further down PATH
    "#);
    assert_snapshot!(run(&["rollout", "status", "web", "-o", "xml"]), @r"
    exit 64
    --- stderr
    error: invalid value 'xml' for '--output <FORMAT>': expected one of json, yaml, name, wide, table, jsonpath=, jsonpath-file=, jsonpath-as-json=, custom-columns=, custom-columns-file=, go-template=, go-template-file=

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["rollout", "status", "pod/web"]), @r#"
    exit 64
    --- stderr
    error: "pod" in "pod/web" is no type this command knows

    hint: use NAME, rollout/NAME, or deploy/NAME, sts/NAME ... for the Rollout of a workload
    "#);
}

#[test]
fn without_arguments_it_helps() {
    let (bare, long) = (run(&[]), run(&["--help"]));
    assert_eq!(
        (bare.code, long.code, bare.stdout.as_str()),
        (Some(64), Some(0), "")
    );
    assert_snapshot!(run(&["rollout", "-h"]), @"
    exit 0
    --- stdout
    Carry a release through: approve, status, watch, rollback ...

    Usage: kubectl kruise rollout [OPTIONS] <COMMAND>

    Commands:
      run         Drive releases without a controller in the cluster
      approve     Let a paused step go on
      status      Show where a release is; the exit code says it too
      explain     Say why a release does not go on, who acts next, and what to type
      watch       Follow a release live
      gate        Measure the metrics of a release now; the exit code says what they mean
      rollback    Leave the release that is under way: back to the stable version
      undo        Go back to an earlier revision of a workload
      pause       Freeze a release, or a workload's update, where it is
      resume      Let what is paused go on
      restart     Replace all pods, step by step where a Rollout stands behind them
      history     Show the revisions of a workload: images, pods, which of them runs
      plan        Tell what a release will do, before it does it
      lint        Say what is wrong with manifests, or with what a cluster has, before a release begins
      demo        Run a release in an in-memory cluster
      rehearse    Carry out a release in a copy of the cluster, with faults of your choice
      set         Start a release: change what a workload runs
      apply       Apply manifests; a new version of a workload that a Rollout names is held back
      manifests   Print what a cluster may be given: crds, policy, rbac, engine
      schema      Print the JSON schema of what status, history, plan or lint print with -o json
      version     Show version
      completion  Print a completion script

    Options:
      -h, --help  Print help (see more with '--help')

    Global options:
      -n, --namespace <NAMESPACE>  Namespace; the context's own unless given
          --context <NAME>         Context of the kubeconfig
    ");
    let bare = run(&["rollout"]);
    assert_eq!((bare.code, bare.stdout.as_str()), (Some(64), ""), "{bare}");
}

#[test]
fn without_a_cluster() {
    let folder = Folder::new();
    let with = |config: &str, arguments: &[&str]| {
        Outcome::of(
            program()
                .args(arguments)
                .env("KUBECONFIG", folder.file(config))
                .output()
                .unwrap(),
        )
    };
    assert_snapshot!(with("missing", &["rollout", "status", "web"]), @r"
    exit 1
    --- stderr
    error: cannot read kubeconfig TMP/FOLDER/missing: No such file or directory (os error 2)

    hint: set KUBECONFIG or give --kubeconfig; 'kubectl kruise rollout demo' needs no cluster
    ");
    std::fs::write(folder.file("broken"), "clusters: [").unwrap();
    let broken = with("broken", &["rollout", "status", "web"]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""), "{broken}");
    // Port 1 is reserved and nothing listens there.
    let away = super::super::harness::served::kubeconfig("http://127.0.0.1:1", "shop");
    std::fs::write(folder.file("away"), away.to_string()).unwrap();
    assert_snapshot!(with("away", &["rollout", "status", "web"]), @r"
    exit 10
    --- stderr
    error: cannot reach the API server at http://SERVER: Connection refused (os error 111)

    hint: check the address, 'kubectl config view --minify' shows it, and that the server runs
    ");
    let version = with("away", &["version"]);
    assert_eq!(version.code, Some(10), "{version}");
    assert!(version.stdout.starts_with("Client Version: "), "{version}");
}

#[test]
fn a_reader_that_has_left_is_no_error() {
    for arguments in [
        &["rollout", "manifests", "crds"][..],
        &["rollout", "-h"],
        &["completion", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = Outcome::of(program().args(arguments).stdout(writer).output().unwrap());
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?} {outcome}"
        );
    }
}

#[test]
fn under_its_other_name() {
    let outcome = Outcome::of(
        program()
            .arg0("kubectl-kruise-rollout")
            .args(["version", "--client"])
            .output()
            .unwrap(),
    );
    assert_eq!(outcome, run(&["rollout", "version", "--client"]));
    let verbs = Outcome::of(
        program()
            .arg0("kubectl_complete-kruise")
            .args(["rollout", "appr"])
            .output()
            .unwrap(),
    );
    assert_snapshot!(verbs, @r"
    exit 0
    --- stdout
    approve	Let a paused step go on
    :4
    ");
}

#[test]
fn hands_other_verbs_on() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let other = folder.file("kubectl-kruise");
    std::fs::write(&other, "#!/bin/sh\necho \"other: $*\"\nexit 9\n").unwrap();
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", other.parent().unwrap().display());
    let outcome = Outcome::of(
        program()
            .args(["migrate", "--from", "a b"])
            .env("PATH", path)
            .output()
            .unwrap(),
    );
    assert_snapshot!(outcome, @r"
    exit 9
    --- stdout
    other: migrate --from a b
    ");
}

#[test]
fn completion_scripts() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = run(&["completion", shell]);
        assert!(
            outcome.code == Some(0) && outcome.stdout.contains("kubectl-kruise"),
            "{shell}: {outcome}"
        );
    }
    assert_eq!(run(&["completion", "cmd"]).code, Some(64));
}

#[test]
fn every_request_says_who_sends_it() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
    for (arguments, code) in [
        (&["status", "web"][..], 4),
        (&["plan", "web"], 0),
        (&["approve", "web", "--no-wait", "--step", "1"], 0),
        (&["watch", "web", "--timeout", "100ms"], 124),
        (&["rollback", "web", "--yes", "--standalone"], 0),
        (&["set", "image", "web", "main=web:v3", "--standalone"], 4),
        (&["version"], 0),
    ] {
        let outcome = shop.kruise(arguments);
        assert_eq!(outcome.code, Some(code), "{arguments:?} {outcome}");
    }
    let requests = shop.requests();
    let agents: BTreeSet<&str> = requests
        .iter()
        .map(|request| request.user_agent.as_str())
        .collect();
    assert!(requests.len() > 50, "{}", requests.len());
    assert_eq!(
        agents,
        BTreeSet::from([concat!("kubectl-kruise/", env!("CARGO_PKG_VERSION"))])
    );
}
