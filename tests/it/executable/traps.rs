//! Traps into which command lines like this one fall, as far as no other test shows that ours does not; `defects.rs` has the
//! list of all.

use serde_json::json;

use crate::harness::{
    served::{Life, Outcome, Served, program},
    shop::{Turn, after},
};

#[test]
fn trap5_approving_all_steps_where_there_are_none_says_so() {
    let shop = Served::with(after(&[]), Life::Still);
    let said = shop.kruise(&["approve", "web", "--all-steps"]);
    assert_eq!(
        (said.code, said.stdout.as_str(), shop.sim.trace()),
        (Some(8), "", vec![]),
        "{said}"
    );
    assert!(
        said.stderr
            .contains("no need to approve: not in canary or blue-green progress (phase Healthy)"),
        "{said}"
    );
}

#[test]
fn trap9_what_is_wrong_is_a_usage_error() {
    for words in [
        &["rollout", "approve", "web", "--timeout", "soon"][..],
        &["rollout", "approve", "web", "--standalone", "--no-wait"],
        &["rollout", "approve", "web", "--step", "0"],
        &["rollout", "approve", "web", "--step", "99999999999"],
        &["rollout", "status", "web", "--until", "traffic>=200"],
        &["rollout", "history", "web", "--diff", "a..b"],
        &["rollout", "set", "resources", "web", "--limits", "cpu=lots"],
        &["rollout", "undo", "web", "--to-revision", "-1"],
        &["rollout", "demo", "--auto-approve", "1e400s"],
        &["rollout", "status", ""],
        &["rollout", "status", "a/b/c"],
        &["completion"],
        &["rollout", "completion"],
        &["rollout", "nonsense"],
    ] {
        let said = Outcome::of(program().args(words).output().unwrap());
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(64), ""),
            "{words:?} {said}"
        );
        assert!(!said.stderr.contains("panicked"), "{words:?} {said}");
    }
}

#[test]
fn trap10_pipes_have_no_escapes_and_colour_is_obeyed() {
    let shop = Served::with(after(&[Turn::Released("web:v2-crash")]), Life::Still);
    let colored = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = shop.command(words);
        command.envs(variables.iter().copied());
        let said = Outcome::of(command.output().unwrap());
        (said.stdout.contains('\u{1b}'), said.stderr.contains('\u{1b}'))
    };
    for words in [
        &["status", "web"][..],
        &["explain", "web"],
        &["watch", "web", "--timeout", "300ms"],
    ] {
        assert_eq!(colored(words, &[]), (false, false), "{words:?}");
    }
    let status = |more: &[&'static str], variables: &[(&str, &str)]| {
        colored(&[&["status", "web"], more].concat(), variables).0
    };
    assert!(status(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(status(&[], &[("FORCE_COLOR", "1")]));
    assert!(!status(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(status(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!status(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn trap11_a_pause_without_end_is_returned_from_and_who_acts_is_told() {
    let shop = Served::with(
        after(&[
            Turn::Released("web:v2"),
            Turn::Patched(json!({ "spec": { "strategy": { "paused": true } } })),
        ]),
        Life::Still,
    );
    let waits = shop.kruise(&["status", "web", "--until", "paused"]);
    assert_eq!(waits.code, Some(0), "{waits}");
    let status = shop.kruise(&["status", "web"]);
    assert!(
        status.code == Some(4)
            && status.stdout.contains("Next:     you\n")
            && status
                .stdout
                .contains("Command:  kubectl kruise rollout resume web -n shop --standalone\n"),
        "{status}"
    );
}

/// A version that was just held, and a workload whose controller has not looked yet, are not the end of anything.
#[test]
fn trap21_nothing_is_done_before_it_was_seen() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Still);
    let waits = shop.kruise(&["status", "web", "--until", "healthy", "--timeout", "4s"]);
    assert_eq!(waits.code, Some(124), "{waits}");
    let mut objects = after(&[]);
    objects.retain(|object| object["kind"] != "Rollout");
    let deployment = objects
        .iter_mut()
        .find(|object| object["kind"] == "Deployment")
        .unwrap();
    deployment["metadata"]["generation"] = json!(99);
    let shop = Served::with(objects, Life::Still);
    let waits = shop.kruise(&["status", "deploy/web", "--timeout", "4s"]);
    assert_eq!(
        (waits.code, waits.stdout.as_str()),
        (
            Some(124),
            "Waiting for deployment spec update to be observed...\n"
        ),
        "{waits}"
    );
}

#[test]
fn trap22_an_empty_selection_says_so() {
    let shop = Served::with(after(&[]), Life::Still);
    for verb in [
        "status", "approve", "explain", "history", "pause", "rollback", "run", "watch",
    ] {
        let said = shop.kruise(&[verb, "-l", "a=b"]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(7), ""), "{verb} {said}");
        assert!(
            said.stderr
                .starts_with("error: no Rollouts with labels \"a=b\" found in namespace \"shop\"\n"),
            "{verb} {said}"
        );
    }
}

#[test]
fn trap20_a_pause_by_a_human_never_counts_to_a_deadline() {
    let paused = |paused: bool| Turn::Patched(json!({ "spec": { "strategy": { "paused": paused } } }));
    let hours = || Turn::Waited(20_000);
    for (turns, expected) in [
        (vec![Turn::Released("web:v2"), hours()], (4, "WaitingForApproval")),
        (
            vec![Turn::Begun("web:v2-crash"), paused(true), hours()],
            (4, "Paused"),
        ),
        (
            vec![Turn::Begun("web:v2-crash"), paused(true), hours(), paused(false)],
            (0, "Progressing"),
        ),
        (vec![Turn::Released("web:v2-crash"), hours()], (5, "Degraded")),
    ] {
        let shop = Served::with(after(&turns), Life::Still);
        let said = shop.kruise(&["status", "web", "-o", "json"]);
        let verdict = said.json()["verdict"].as_str().unwrap().to_owned();
        assert_eq!(
            (said.code.unwrap(), verdict.as_str()),
            expected,
            "{turns:?} {said}"
        );
    }
}
