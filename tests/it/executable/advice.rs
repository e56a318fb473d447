//! Which command is given next, and what is refused before anything is written.

use std::{cell::RefCell, collections::BTreeSet};

use insta::assert_snapshot;
use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};

use super::status::refuse;
use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, Turn, after},
};

/// The lines of `status` that say what is the matter and what to type.
fn advice(shop: &Served) -> String {
    let said = shop.kruise(&["status", "web"]).to_string();
    let is_advice = |line: &&str| {
        ["State:", "Next:", "Command:", "Cause:", "Warning:", "     "]
            .iter()
            .any(|word| line.starts_with(word))
            && !line.contains("STEP")
    };
    said.lines().filter(is_advice).collect::<Vec<_>>().join("\n")
}

/// The application with objects of a kind changed so.
fn changed(turns: &[Turn], kind: &str, change: &Value) -> Vec<Value> {
    let mut objects = after(turns);
    for object in objects.iter_mut().filter(|object| object["kind"] == kind) {
        json_patch::merge(object, change);
    }
    objects
}

#[test]
fn without_the_right_to_read_the_workload_nothing_is_healthy() {
    let shop = Served::with(after(&[]), Life::Still);
    refuse(&shop, "/deployments/web");
    for words in [&["status", "web"][..], &["watch", "web"], &["status", "-A"]] {
        let all = [words, &["--until", "healthy", "--timeout", "60s"]].concat();
        let said = shop.kruise(&all);
        let why = "error: cannot tell whether shop/web is healthy: not allowed to get deployments.apps in namespace \"shop\"\n";
        assert!(
            said.code == Some(9) && said.stderr.contains(why),
            "{all:?} {said}"
        );
    }
    let shop = Served::with(after(&[]), Life::Still);
    refuse(&shop, "/replicasets");
    let said = shop.kruise(&["status", "web", "--until", "healthy", "--timeout", "60s"]);
    assert_eq!(said.code, Some(9), "{said}");
}

#[test]
fn at_a_pause_that_nobody_would_end_it_is_done_by_hand() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(advice(&shop), @r"
    State:    waiting for approval: step 1/3, since SPAN
    Next:     you
    Command:  kubectl kruise rollout approve web -n shop --step 1 --standalone
    Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone
    ");
    // That there is no controller is known for a while.
    drop(shop.requests());
    drop(shop.kruise(&["status", "web"]));
    assert_eq!(shop.requests().len(), 6);
    let paused = json!({ "spec": { "strategy": { "paused": true } } });
    let frozen = Served::with(
        after(&[Turn::Released("web:v2"), Turn::Patched(paused)]),
        Life::Still,
    );
    assert_snapshot!(advice(&frozen), @r"
    State:    paused: step 1/3, paused, since SPAN
    Next:     you
    Command:  kubectl kruise rollout resume web -n shop --standalone
    Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone
    ");
}

#[test]
fn what_is_being_deleted_needs_an_engine_and_goes_with_one() {
    let deleted = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    let shop = Served::with(
        changed(&[Turn::Released("web:v2")], "Rollout", &deleted),
        Life::Alive,
    );
    assert_snapshot!(advice(&shop), @r"
    State:    being deleted: step 1/3, since SPAN
    Next:     you
    Cause:    nobody acts on this Rollout: no engine is running
              kubectl kruise rollout run web -n shop
    ");
    let said = shop.kruise(&["rollback", "web", "--standalone", "--yes", "--timeout", "60s"]);
    // What is seen on the way depends on how fast the machine is.
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.lines().last()),
        (
            Some(0),
            "deployment.apps/web rolled back\nrollout.rollouts.kruise.io/web gone\n",
            Some("rollout.rollouts.kruise.io/web was being deleted, and is gone")
        ),
        "{said}"
    );
    assert_eq!(shop.rollout(), Value::Null);
    // Somebody else's finalizer is nothing that an engine would take off.
    let mut foreign = deleted;
    foreign["metadata"]["finalizers"] = json!(["example.com/keep"]);
    let shop = Served::with(changed(&[], "Rollout", &foreign), Life::Still);
    assert!(!advice(&shop).contains("nobody acts"));
}

#[test]
fn a_newer_version_is_not_thrown_away_with_the_one_that_failed() {
    let failed = [Turn::Released("web:v2-crash"), Turn::Waited(700)];
    let shop = Served::with(after(&failed), Life::Still);
    assert_snapshot!(advice(&shop), @r"
    State:    degraded: step 1/3, bringing up new pods, since SPAN
    Next:     you
    Command:  kubectl kruise rollout rollback web -n shop --standalone
    Cause:    1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
              kubectl logs web-canary-l995pg5r58-75bdd6bc74-xvfv6 -c main -n shop --previous
    ");
    // Nor is a step of the version before to be approved.
    let waiting = Served::with(
        after(&[Turn::Released("web:v2"), Turn::Held("web:v3")]),
        Life::Still,
    );
    assert_snapshot!(advice(&waiting), @"
    State:    waiting for approval: step 1/3, since SPAN
    Next:     you
    Command:  kubectl kruise rollout run web -n shop
    Warning:  the workload asks for another version by now, which nobody has taken up
    Cause:    nobody acts on this Rollout: no engine is running
    ");
    let newer = [&failed[..], &[Turn::Held("web:v3")]].concat();
    let shop = Served::with(after(&newer), Life::Still);
    assert_snapshot!(advice(&shop), @"
    State:    degraded: step 1/3, bringing up new pods, since SPAN
    Next:     you
    Command:  kubectl kruise rollout run web -n shop
    Warning:  the workload asks for another version by now, which nobody has taken up
    Cause:    1 of 1 new pods: container main keeps crashing: out of memory (OOMKilled)
              kubectl logs web-canary-l995pg5r58-75bdd6bc74-xvfv6 -c main -n shop --previous
    ");
}

#[test]
fn where_another_engine_is_at_work_nothing_is_written() {
    let mut all_said = BTreeSet::new();
    for words in [
        &["set", "image", "web", "main=web:v3"][..],
        &["rollback", "web", "--yes"],
        &["approve", "web"],
    ] {
        let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
        let renew = || {
            let now = Clock::wall().now();
            let spec = json!({ "holderIdentity": "ci_17", "leaseDurationSeconds": 15, "renewTime": now });
            let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": { "name": "rollout-web", "namespace": NAMESPACE }, "spec": spec });
            shop.sim.load(lease).unwrap();
        };
        renew();
        let all = [words, &["--standalone"]].concat();
        let running = RefCell::new(shop.spawn(&all));
        shop.wait_for(|| {
            renew();
            running.borrow_mut().child().try_wait().unwrap().is_some()
        });
        assert_eq!(shop.sim.trace(), [], "{words:?}");
        all_said.insert(running.into_inner().outcome().to_string());
    }
    assert_eq!(all_said.len(), 1, "{all_said:?}");
    assert_snapshot!(all_said.pop_first().unwrap(), @r#"
    exit 8
    --- stderr
    rollout.rollouts.kruise.io/web is held by "ci_17"; waiting until that engine shows itself, or its lease ends
    error: rollout.rollouts.kruise.io/web is driven by another engine, "ci_17"; nothing was changed

    hint: leave --standalone out: that engine carries it out
    hint: kubectl kruise rollout watch web -n shop
    "#);
}

/// A Lease that is left of an engine that was killed ends by itself.
#[test]
fn a_lease_that_nobody_renews_is_waited_for() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let spec =
        json!({ "holderIdentity": "ci_17", "leaseDurationSeconds": 2, "renewTime": Clock::wall().now() });
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "rollout-web", "namespace": NAMESPACE }, "spec": spec });
    shop.sim.load(lease).unwrap();
    let said = shop.kruise(&["approve", "web", "--standalone", "--timeout", "5s"]);
    assert!(
        said.stdout
            .starts_with("rollout.rollouts.kruise.io/web approved\n"),
        "{said}"
    );
}

#[test]
fn what_is_driven_ends_in_time() {
    for words in [
        &["set", "image", "web", "main=web:v2"][..],
        &["restart", "web"],
        &["set", "env", "web", "B=2"],
    ] {
        let shop = Served::with(after(&[]), Life::Still);
        let all = [words, &["--standalone", "--timeout", "1s"]].concat();
        let said = shop.kruise(&all);
        assert_eq!(said.code, Some(124), "{words:?} {said}");
    }
}

#[test]
fn that_no_release_waits_for_the_users_pause_is_said_before() {
    let shop = Served::with(
        changed(&[], "Deployment", &json!({ "spec": { "paused": true } })),
        Life::Still,
    );
    assert_snapshot!(advice(&shop), @r"
    State:    healthy
    Next:     nobody, all is done
    Warning:  deployment/web is paused (spec.paused), which holds no release back: its pods come as the steps say
    ");
    let planned = shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]);
    let lines: Vec<&str> = planned
        .stdout
        .lines()
        .filter(|line| line.contains("own-pause"))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    ? own-pause: deployment/web is paused (spec.paused), which holds no release back: its pods come as the steps say
    ");
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated
    --- stderr
    warning: deployment.apps/web is paused (spec.paused), which holds no release back: its pods come as the steps say
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");
    // What is held by a release is no pause of the user's.
    let held = Served::with(after(&[Turn::Held("web:v2")]), Life::Still);
    assert!(!advice(&held).contains("spec.paused"));
}
