//! `demo`: the way in without a cluster.

use std::{
    io::{BufRead, BufReader},
    process::Command,
};

use insta::assert_snapshot;

use crate::harness::served::{Folder, Outcome, Running, program};

fn demo(arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(["rollout", "demo"]).args(arguments);
    command
}

#[test]
fn a_release_from_start_to_end() {
    let outcome = Outcome::of(demo(&["--auto-approve", "100ms"]).output().unwrap());
    assert_snapshot!(format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout), @r#"
    exit 0
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and a canary of three steps: 20%, 50%, 100%.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 5 x v1, 1 x v2; 20% of the traffic to v2
    Step 1/3 approved.
      pods ready: 5 x v2; all traffic to the Service
    Done: v2 is everywhere, and the cluster is as you would have written it.
    "#);
}

fn shown(scenario: &str) -> String {
    let outcome = Outcome::of(demo(&[scenario, "--auto-approve", "100ms"]).output().unwrap());
    format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout)
}

#[test]
fn batches() {
    assert_snapshot!(shown("batches"), @r#"
    exit 0
    A cluster in memory, with Deployment, Service and Rollout "web":
    5 pods of v1, and batches: 1 pod, 60%, all of them.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 4 x v1, 1 x v2
    Step 1/3 approved.
      pods ready: 5 x v2
    Done: v2 is everywhere, and the cluster is as you would have written it.
    "#);
}

#[test]
fn blue_green() {
    assert_snapshot!(shown("blue-green"), @r#"
    exit 0
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and blue-green: all new pods first, then half of the traffic, then all of it.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 5 x v1, 5 x v2; all traffic to the Service
    Step 1/3 approved.
      pods ready: 5 x v1, 5 x v2; 100% of the traffic to v2
    Step 3/3 approved.
      pods ready: 5 x v2; all traffic to the Service
    Done: v2 is everywhere, and the cluster is as you would have written it.
    "#);
}

#[test]
fn some_users_first_and_in_less_time() {
    let outcome = Outcome::of(demo(&["ab", "--yes", "--speed", "50"]).output().unwrap());
    assert_snapshot!(format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout), @r#"
    exit 0
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and a canary for requests with user-agent: android first, then for 50%, then for all.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 5 x v1, 1 x v2; requests with user-agent: android to v2
    Step 1/3 approved.
      pods ready: 5 x v2; all traffic to the Service
    Done: v2 is everywhere, and the cluster is as you would have written it.
    "#);
}

#[test]
fn says_what_there_is_to_see() {
    let outcome = Outcome::of(demo(&["--list"]).output().unwrap());
    assert_snapshot!(outcome, @"
    exit 0
    --- stdout
    SCENARIO      WHAT IT SHOWS
    canary        a few new pods beside the old ones, with 20%, 50% and then all of the traffic
    ab            the new version for requests with one header first, then for half of all, then for all
    blue-green    a whole second set of pods, then the traffic
    batches       a Deployment's own pods replaced in batches, without traffic
    statefulset   a StatefulSet's pods replaced in batches, the last ordinal first
    rollback      a canary that is taken back at its first pause
    stuck         a canary whose pods crash: how that is told, and the way back
    empty         nothing but the cluster and the engine, for manifests of your own; with --serve
    ");
    // Every name that is listed is one that may be typed.
    let typed = |name: &str| Outcome::of(demo(&[name, "--list"]).output().unwrap()).code;
    let names = outcome
        .stdout
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next());
    assert_eq!(names.map(typed).collect::<Vec<_>>(), [Some(0); 8]);
}

#[test]
fn nothing_is_not_shown() {
    let outcome = Outcome::of(demo(&["empty"]).output().unwrap());
    assert_snapshot!(outcome, @"
    exit 64
    --- stderr
    error: there is nothing to show in an empty cluster, it can only be served

    hint: kubectl-kruise rollout demo empty --serve
    ");
}

#[test]
fn a_stateful_set() {
    assert_snapshot!(shown("statefulset"), @r#"
    exit 0
    A cluster in memory, with StatefulSet, Service and Rollout "web":
    5 pods of v1, and batches by ordinal: the last pod, then 60%, then all of them.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 4 x v1, 1 x v2
    Step 1/3 approved.
      pods ready: 5 x v2
    Done: v2 is everywhere, and the cluster is as you would have written it.
    "#);
}

#[test]
fn a_release_that_is_taken_back() {
    assert_snapshot!(shown("rollback"), @r#"
    exit 0
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and a canary that is taken back at its first pause.
    The new version example.com/web:v2 is set, and held: nothing goes out by itself.
      pods ready: 5 x v1, 1 x v2; 20% of the traffic to v2
    Back to v1:
      pods ready: 5 x v1; all traffic to the Service
    Rolled back: v1 is everywhere.
    "#);
}

#[test]
fn a_release_that_gets_stuck() {
    assert_snapshot!(shown("stuck"), @r#"
    exit 0
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and a canary whose pods crash: no step may take longer than 6 s.
    The new version example.com/web:v2-crash is set, and held: nothing goes out by itself.
      pods ready: 5 x v1; all traffic to the Service
    Stuck: no progress for 6 seconds: step 1/3: 0 of 1 new pods are ready.
    The users of v1 have not noticed. Back to v1:
      pods ready: 5 x v1; all traffic to the Service
    Rolled back: v1 is everywhere.
    "#);
}

#[test]
fn asks_only_a_human() {
    let outcome = Outcome::of(demo(&[]).output().unwrap());
    let error: Vec<&str> = outcome
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with("error:"))
        .collect();
    assert_eq!(outcome.code, Some(64), "{outcome}");
    assert_snapshot!(error.join("\n"), @r"
    error: nobody is there to approve: stdin is not a terminal

    hint: kubectl-kruise rollout demo --yes
    ");
}

#[test]
fn serves_its_cluster_to_the_other_commands() {
    let folder = Folder::new();
    let kubeconfig = folder.file("kubeconfig");
    let mut serving = Running::new(demo(&[
        "--serve",
        "--write-kubeconfig",
        kubeconfig.to_str().unwrap(),
    ]));
    let mut said = BufReader::new(serving.child().stdout.take().unwrap());
    let mut text = String::new();
    while !text.ends_with("Ctrl-C ends it.\n") {
        assert_ne!(said.read_line(&mut text).unwrap(), 0, "{text}");
    }
    assert_snapshot!(crate::harness::served::redacted(&text), @r#"
    A cluster in memory, with Deployment, Service, Ingress and Rollout "web":
    5 pods of v1, and a canary of three steps: 20%, 50%, 100%.
    The cluster is at http://SERVER, and an engine is at work in it. In another terminal:
      export KUBECONFIG=TMP/FOLDER/kubeconfig
      kubectl-kruise rollout status web -n demo
      kubectl-kruise rollout set image web web=example.com/web:v2 -n demo
      kubectl-kruise rollout watch web -n demo
      kubectl-kruise rollout explain web -n demo
      kubectl-kruise rollout approve web -n demo
    Ctrl-C ends it.
    "#);
    let kruise = |arguments: &[&str]| {
        Outcome::of(
            program()
                .arg("rollout")
                .args(arguments)
                .env("KUBECONFIG", &kubeconfig)
                .output()
                .unwrap(),
        )
    };
    let codes: Vec<_> = [
        &["status", "web"][..],
        &["set", "image", "web", "web=example.com/web:v2"],
        &["status", "web", "--until", "step=1", "--timeout", "30s"],
        &["status", "web"],
        &["approve", "web", "--step", "1"],
        &["status", "web", "--until", "step=2", "--timeout", "30s"],
        &["rollback", "web", "--yes"],
        &["status", "web", "--until", "healthy", "--timeout", "30s"],
        &["version"],
    ]
    .into_iter()
    .map(|arguments| (arguments.join(" "), kruise(arguments).code))
    .collect();
    let lines: Vec<String> = codes
        .iter()
        .map(|(words, code)| format!("{:?}  {words}", code.unwrap()))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    0  status web
    0  set image web web=example.com/web:v2
    0  status web --until step=1 --timeout 30s
    4  status web
    0  approve web --step 1
    0  status web --until step=2 --timeout 30s
    0  rollback web --yes
    6  status web --until healthy --timeout 30s
    0  version
    ");
}
