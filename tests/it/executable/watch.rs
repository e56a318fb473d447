//! `watch` where stdout is not a terminal: one line per change.

use std::io::{BufRead, BufReader, Read};

use insta::assert_snapshot;

use super::status::{one_held, refuse};
use crate::harness::{
    served::{Life, Served, redacted},
    shop::{Turn, after},
};

#[test]
fn at_rest_it_ends_at_once() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["watch", "web"]), @r"
    exit 0
    --- stdout
    TIME  shop/web  healthy  stable pods 3/3 ready  traffic 0%
    ");
    assert_snapshot!(shop.kruise(&["watch", "nobody"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn tells_every_change_once_and_ends_with_the_release() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    let watching = shop.spawn(&["watch", "web", "--timeout", "60s"]);
    let approved = shop.kruise(&["approve", "web", "--standalone"]);
    assert_eq!(approved.code, Some(0), "{approved}");
    let watched = watching.outcome();
    assert_eq!(
        (watched.code, watched.stderr.as_str()),
        (Some(0), ""),
        "{watched}"
    );
    let text = watched.to_string();
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert!(
        lines.iter().all(|line| line.starts_with("TIME  shop/web  ")),
        "{text}"
    );
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{text}");
    assert_snapshot!(lines.last().unwrap(), @"TIME  shop/web  completed  stable pods 3/3 ready  traffic 0%");
}

#[test]
fn trap7_gives_up_in_time() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["watch", "web", "--timeout", "3s"]), @r"
    exit 124
    --- stdout
    TIME  shop/web  waiting for approval: step 1/3  new pods 1/1 ready  stable pods 3/3 ready  traffic 20%
    --- stderr
    error: timed out after 3 s waiting for the condition
    ");
}

#[test]
fn of_many_it_is_seen_which_are_held() {
    let shop = Served::with(one_held(), Life::Still);
    let mut watching = shop.spawn(&["watch", "-A", "--timeout", "60s"]);
    // Its new version is there once the first line was printed; then the mark is taken off.
    let mut told = BufReader::new(watching.stdout());
    let mut lines = String::new();
    while lines.lines().count() < 2 {
        told.read_line(&mut lines).unwrap();
    }
    let mut web = shop.deployment();
    web["metadata"]["annotations"] = serde_json::json!({});
    shop.sim.load(web).unwrap();
    told.read_to_string(&mut lines).unwrap();
    assert_snapshot!(redacted(&lines), @r"
    TIME  shop/api  healthy
    TIME  shop/web  held
    TIME  shop/web  healthy
    ");
    assert_eq!(watching.outcome().code, Some(0));
    let refused = Served::with(one_held(), Life::Still);
    refuse(&refused, "/deployments");
    assert_snapshot!(refused.kruise(&["watch", "-A", "--timeout", "60s"]), @r"
    exit 0
    --- stdout
    TIME  shop/api  healthy
    TIME  shop/web  healthy
    --- stderr
    warning: not allowed to list deployments.apps in all namespaces: new versions that are held back are not shown
    ");
}

/// `--until` means the same as for `status`, and ends with the same code.
#[test]
fn ends_when_what_is_waited_for_holds_or_is_lost() {
    let cases: [(&[Turn], &str, i32); 8] = [
        (&[Turn::Released("web:v2")], "paused", 0),
        (&[Turn::Released("web:v2")], "step=1", 0),
        (&[Turn::Released("web:v2")], "traffic>=20", 0),
        (&[Turn::Released("web:v2")], "traffic>=21", 124),
        (&[Turn::Released("web:v2")], "done", 124),
        (&[], "done", 0),
        (&[], "healthy", 0),
        (&[], "gone", 124),
    ];
    for (turns, condition, code) in cases {
        let shop = Served::with(after(turns), Life::Still);
        for words in [
            &["watch", "web"][..],
            &["status", "web"],
            &["watch", "-A"],
            &["status", "-A"],
        ] {
            // What does not come is waited for in vain; what does must not depend on how busy the machine is.
            let limit = if code == 124 { "1s" } else { "60s" };
            let all = [words, &["--until", condition, "--timeout", limit]].concat();
            let said = shop.kruise(&all);
            assert_eq!(said.code, Some(code), "{all:?} {said}");
        }
    }
    let shop = Served::with(after(&[]), Life::Still);
    for verb in ["watch", "status"] {
        let said = shop.kruise(&[verb, "nobody", "--until", "gone"]);
        assert_eq!(said.code, Some(0), "{said}");
    }
}

#[test]
fn as_json_it_is_one_document_a_line() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    let watching = shop.spawn(&["watch", "web", "-o", "json", "--timeout", "60s"]);
    let approved = shop.kruise(&["approve", "web", "--standalone"]);
    assert_eq!(approved.code, Some(0), "{approved}");
    let watched = watching.outcome();
    assert_eq!(watched.code, Some(0), "{watched}");
    let documents: Vec<serde_json::Value> = watched
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(documents.last().unwrap()["verdict"], "Completed", "{watched}");
    assert!(documents.len() > 1, "{watched}");
    assert!(
        documents
            .iter()
            .all(|document| document["kind"] == "RolloutStatus")
    );
}

#[test]
fn trap18_one_that_is_deleted_and_made_anew_is_another() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let watching = shop.spawn(&["watch", "web", "--timeout", "60s"]);
    let waiting = shop.spawn(&["status", "web", "-w", "--timeout", "60s"]);
    let seen = || {
        let requests = shop.requests();
        requests
            .iter()
            .filter(|request| request.path.ends_with("/rollouts"))
            .count()
    };
    let mut watches = 0;
    while watches < 4 {
        watches += seen();
        std::thread::yield_now();
    }
    let mut other = shop.rollout();
    other["metadata"]["uid"] = serde_json::json!("another");
    shop.sim.load(other).unwrap();
    let watched = watching.outcome();
    assert!(
        watched.code == Some(0) && watched.stdout.trim_end().ends_with("shop/web  gone"),
        "{watched}"
    );
    let waited = waiting.outcome();
    assert_eq!(waited.code, Some(7), "{waited}");
}
