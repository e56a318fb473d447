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
    let all = [&["rehearse", "web", "--set-image", "main=web:v2", "--speed", "100"], arguments].concat();
    let outcome = shop.kruise(&all);
    assert_eq!(shop.sim.trace(), [], "nothing is written: {outcome}");
    said(&outcome)
}

#[test]
fn a_release_goes_through_in_the_copy() {
    assert_snapshot!(rehearsed(&["--yes"]), @r"");
}

#[test]
fn without_anybody_to_ask_it_ends_at_the_first_pause() {
    assert_snapshot!(rehearsed(&[]), @r"");
}

#[test]
fn pods_that_crash_are_told_as_they_would_be() {
    assert_snapshot!(rehearsed(&["--yes", "--crash"]), @r"");
}

#[test]
fn slow_pods_a_lost_node_and_a_bad_connection_hold_up_and_do_no_harm() {
    let told = rehearsed(&["--yes", "--slow", "40s", "--node-lost", "--errors", "5%"]);
    // How many pods of the lost node have come back when a step ends is a matter of time.
    let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with("shop/web  ")).collect();
    assert_snapshot!(lines.join("\n"), @r"");
}

#[test]
fn files_need_no_cluster() {
    let folder = Folder::new();
    let all: Vec<String> = application("web").iter().map(ToString::to_string).collect();
    std::fs::write(folder.file("web.json"), all.join("\n")).unwrap();
    let mut command = program();
    command
        .args(["rollout", "rehearse", "-f", "web.json", "-n", "shop", "--replicas", "6", "--set-image", "main=web:v2"])
        .args(["--yes", "--speed", "100"])
        .current_dir(folder.file(""));
    assert_snapshot!(said(&Outcome::of(command.output().unwrap())), @r"");
}

#[test]
fn bad_input_is_told() {
    let shop = Served::with(settled(&application("web"), None), Life::Still);
    let told = |arguments: &[&str]| shop.kruise(&[&["rehearse"], arguments].concat()).to_string();
    assert_snapshot!(told(&["web", "--yes"]), @r"");
    assert_snapshot!(told(&["web", "--set-image", "other=web:v2", "--yes"]), @r"");
    assert_snapshot!(told(&["web", "--set-image", "main=web:v2", "--crash=0"]), @r"");
    assert_snapshot!(told(&["web", "--set-image", "main=web:v2", "--errors", "100%"]), @r"");
    assert_snapshot!(told(&[]), @r"");
}
