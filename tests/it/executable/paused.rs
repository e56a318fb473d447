//! What is said of a change: that a paused Rollout keeps it waiting, and who acts next.

use insta::assert_snapshot;
use serde_json::json;

use super::{set::workload, verbs::two_versions};
use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};
use kubectl_kruise::workload::Kind;

fn pause() -> Turn {
    Turn::Patched(json!({ "spec": { "strategy": { "paused": true } } }))
}

const STAYS: &str = "\
warning: rollout.rollouts.kruise.io/web stays paused (spec.strategy.paused): it goes back all the same, and the next release waits until it is resumed
hint: kubectl kruise rollout resume web -n shop
";
const WAITS: &str = "\
warning: rollout.rollouts.kruise.io/web is paused (spec.strategy.paused): the new version waits until it is resumed
hint: kubectl kruise rollout resume web -n shop
";

#[test]
fn going_back_leaves_the_pause_and_says_so() {
    for (words, warned) in [
        (&["rollback", "web", "--yes", "--no-wait"][..], true),
        (&["rollback", "web", "--dry-run=server"], true),
        (&["undo", "web"], true),
        (&["undo", "web", "--dry-run=client", "-o", "name"], true),
    ] {
        let shop = Served::with(after(&[Turn::Released("web:v2"), pause()]), Life::Still);
        let said = shop.kruise(words);
        assert_eq!(
            (said.code, said.stderr.contains(STAYS)),
            (Some(0), warned),
            "{words:?} {said}"
        );
        assert_eq!(shop.rollout()["spec"]["strategy"]["paused"], true);
        // Nothing of it is said where nothing is paused.
        let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
        let said = shop.kruise(words);
        assert!(!said.stderr.contains("paused"), "{words:?} {said}");
    }
}

/// Whoever looks later is told as well.
#[test]
fn a_pause_that_was_left_is_shown_at_rest() {
    for turns in [vec![pause()], vec![pause(), Turn::Held("web:v2")]] {
        let shop = Served::with(after(&turns), Life::Still);
        for verb in ["status", "explain"] {
            let seen = shop.kruise(&[verb, "web"]);
            assert!(
                seen.stdout.contains(
                    "paused (spec.strategy.paused), so that the next release waits: kubectl kruise rollout resume web -n shop\n"
                ),
                "{verb} {seen}"
            );
        }
    }
    let shop = Served::with(after(&[]), Life::Still);
    assert!(!shop.kruise(&["status", "web"]).stdout.contains("paused"));
}

#[test]
fn a_new_version_of_a_paused_rollout_waits_and_that_is_said() {
    let file = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "replicas": 3, "selector": { "matchLabels": { "app": "web" } }, "template": { "metadata": { "labels": { "app": "web" } },
            "spec": { "containers": [{ "name": "main", "image": "web:v2" }] } } } });
    for words in [
        &["set", "image", "web", "main=web:v2"][..],
        &["set", "env", "web", "B=2", "--dry-run=client"],
        &["restart", "web"],
        &["apply", "-f", "FILE"],
    ] {
        let shop = Served::with(after(&[pause()]), Life::Still);
        let path = shop.folder.file("web.json");
        std::fs::write(&path, file.to_string()).unwrap();
        let words: Vec<&str> = words
            .iter()
            .map(|word| {
                if *word == "FILE" {
                    path.to_str().unwrap()
                } else {
                    word
                }
            })
            .collect();
        let said = shop.kruise(&words);
        assert!(
            said.code == Some(0) && said.stderr.contains(WAITS),
            "{words:?} {said}"
        );
    }
}

/// Who brings the version out is looked for, and not only supposed.
#[test]
fn who_acts_next_is_seen() {
    let nobody = Served::with(workload(Kind::Deployment, &json!({})), Life::Still);
    assert_snapshot!(nobody.kruise(&["set", "image", "web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated
    --- stderr
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");

    // An engine that sees the new version says so in the status of the Rollout.
    let shop = Served::with(after(&[]), Life::Still);
    let setting = shop.spawn(&["set", "image", "web", "main=web:v2"]);
    shop.wait_for(|| {
        let mut requests = shop.requests().into_iter();
        requests.any(|request| request.verb == "PATCH" && request.path.ends_with("/deployments/web"))
    });
    let mut seen = shop.rollout();
    seen["status"]["phase"] = json!("Progressing");
    shop.sim.load(seen).unwrap();
    assert_snapshot!(setting.outcome(), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated
    --- stderr
    the new version is held; an engine is bringing it out step by step: kubectl kruise rollout watch web -n shop
    ");

    let left = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let said = left.kruise(&["undo", "web"]);
    assert!(
        said.stderr.ends_with(
            "the release is left: whoever carries it out takes the new version back; where nobody does: kubectl kruise rollout run web -n shop\n"
        ),
        "{said}"
    );

    // Nothing new, nothing to say.
    let same = two_versions(Kind::Deployment, true);
    let said = same.kruise(&["set", "image", "web", "main=web:v2"]);
    assert_eq!(said.stderr, "all of these images are set already\n", "{said}");
}

/// A rollback that has nothing to do says so in its success line too, tried or not.
#[test]
fn what_was_done_before_is_not_done_again() {
    let shop = Served::with(
        after(&[
            Turn::Released("web:v2"),
            Turn::Patched(json!({ "metadata": { "labels": { "a": "b" } } })),
        ]),
        Life::Still,
    );
    assert_eq!(
        shop.kruise(&["rollback", "web", "--yes", "--no-wait"]).code,
        Some(0)
    );
    for dry_run in ["none", "client", "server"] {
        let said = shop.kruise(&["rollback", "web", "--yes", "--no-wait", "--dry-run", dry_run]);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(0), "deployment.apps/web already rolled back\n"),
            "{said}"
        );
    }
    let there = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Still);
    for words in [["--to-step", "1"], ["--to-step", "1"]] {
        let said = there.kruise(&["rollback", "web", words[0], words[1], "--dry-run=client"]);
        assert!(
            said.stdout
                .ends_with("rollout.rollouts.kruise.io/web rolled back (dry run)\n"),
            "{said}"
        );
    }
    let mut told = there.rollout();
    told["status"]["canaryStatus"]["nextStepIndex"] = json!(1);
    there.sim.load(told).unwrap();
    let said = there.kruise(&["rollback", "web", "--to-step", "1", "--dry-run=client"]);
    assert_eq!(
        said.stdout, "rollout.rollouts.kruise.io/web already rolled back\n",
        "{said}"
    );
}
