//! `rehearse`: a release on a copy of the cluster.

use insta::assert_snapshot;

use crate::harness::{
    served::{Folder, Life, Outcome, Served, program},
    shop::{application, settled},
};

/// What is printed on stdout, and how it ended.
fn said(outcome: &Outcome) -> String {
    format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout)
}

fn rehearsed(arguments: &[&str]) -> String {
    let shop = Served::with(settled(&application("web"), None), Life::Still);
    let all = [
        &["rehearse", "web", "--set-image", "main=web:v2", "--speed", "100"],
        arguments,
    ]
    .concat();
    let outcome = shop.kruise(&all);
    assert_eq!(shop.sim.trace(), [], "nothing is written: {outcome}");
    said(&outcome)
}

#[test]
fn a_release_goes_through_in_the_copy() {
    assert_snapshot!(rehearsed(&["--yes"]), @"
    exit 0
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 100 times as fast
    shop/web  waiting for approval: step 1/3  new pods 1/1 ready  stable pods 3/3 ready  traffic 20%
    Step 1/3 approved.
    shop/web  completed  stable pods 3/3 ready  traffic 0%
    Completed: the new version is everywhere in the copy.
    ");
}

#[test]
fn without_anybody_to_ask_it_ends_at_the_first_pause() {
    assert_snapshot!(rehearsed(&[]), @"
    exit 4
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 100 times as fast
    shop/web  waiting for approval: step 1/3  new pods 1/1 ready  stable pods 3/3 ready  traffic 20%
    ");
}

#[test]
fn pods_that_crash_are_told_as_they_would_be() {
    assert_snapshot!(rehearsed(&["--yes", "--crash"]), @"
    exit 5
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 100 times as fast
      pods of the new version crash
    shop/web  degraded: step 1/3, bringing up new pods  new pods 0/1 ready  stable pods 3/3 ready  traffic 0%  ! CrashLoop: 1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
    Degraded: no progress for 600 seconds: step 1/3: 0 of 1 new pods are ready.
    ");
}

#[test]
fn slow_pods_a_lost_node_and_a_bad_connection_hold_up_and_do_no_harm() {
    let told = rehearsed(&["--yes", "--slow", "40s", "--node-lost", "--errors", "5%"]);
    // How many pods of the lost node have come back when a step ends is a matter of time.
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| !line.starts_with("shop/web  "))
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    exit 0
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 100 times as fast
      new pods take 40 s to become ready
      the node with most of the pods is lost at the first pause
      5% of the requests to the API server fail
    Step 1/3 approved.
    Completed: the new version is everywhere in the copy.
    ");
}

#[test]
fn files_need_no_cluster() {
    let folder = Folder::new();
    let all: Vec<String> = application("web").iter().map(ToString::to_string).collect();
    std::fs::write(folder.file("web.json"), all.join("\n")).unwrap();
    let mut command = program();
    command
        .args([
            "rollout",
            "rehearse",
            "-f",
            "web.json",
            "-n",
            "shop",
            "--replicas",
            "6",
            "--set-image",
            "main=web:v2",
        ])
        .args(["--yes", "--speed", "100"])
        .current_dir(folder.file(""));
    assert_snapshot!(said(&Outcome::of(command.output().unwrap())), @"
    exit 0
    A copy of the release of shop/web, 14 objects; nothing is written to the cluster.
      time runs 100 times as fast
    shop/web  waiting for approval: step 1/3  new pods 1/1 ready  stable pods 6/6 ready  traffic 20%
    Step 1/3 approved.
    shop/web  completed  stable pods 6/6 ready  traffic 0%
    Completed: the new version is everywhere in the copy.
    ");
}

#[test]
fn bad_input_is_told() {
    let shop = Served::with(settled(&application("web"), None), Life::Still);
    let told = |arguments: &[&str]| shop.kruise(&[&["rehearse"], arguments].concat()).to_string();
    assert_snapshot!(told(&["web", "--yes"]), @"
    exit 1
    --- stdout
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 60 times as fast
    --- stderr
    TIME  workload deployment is completed
    error: there is nothing to release of shop/web

    hint: kubectl kruise rollout rehearse web -n shop --set-image CONTAINER=IMAGE
    ");
    assert_snapshot!(told(&["web", "--set-image", "other=web:v2", "--yes"]), @r#"
    exit 7
    --- stdout
    A copy of the release of shop/web, 8 objects; nothing is written to the cluster.
      time runs 60 times as fast
    --- stderr
    error: rollout.rollouts.kruise.io/web has no container "other"

    hint: its containers: main
    "#);
    assert_snapshot!(told(&["web", "--set-image", "main=web:v2", "--crash=0"]), @r#"
    exit 64
    --- stderr
    error: --crash: "0" is neither a number of pods nor a percentage from 1% to 100%
    "#);
    assert_snapshot!(told(&["web", "--set-image", "main=web:v2", "--errors", "100%"]), @"
    exit 64
    --- stderr
    error: invalid value '100%' for '--errors <PERCENT>': expected a percentage from 1% to 90%, such as 5%

    For more information, try '--help'.
    ");
    assert_snapshot!(told(&[]), @"
    exit 64
    --- stderr
    error: no Rollout is named

    hint: give NAME, rollout/NAME or deploy/NAME; or -f FILE, to rehearse over manifests without a cluster
    ");
}
