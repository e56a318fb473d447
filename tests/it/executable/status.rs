//! `status`: every state it can tell, its other forms, its waits and its cost.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, Turn, after, several_after},
};

fn status(turns: &[Turn]) -> String {
    let shop = Served::with(after(turns), Life::Still);
    let outcome = shop.kruise(&["status", "web"]);
    assert_eq!(shop.sim.trace(), [], "reading writes nothing");
    outcome.to_string()
}

#[test]
fn healthy() {
    assert_snapshot!(status(&[]), @r"
    exit 0
    --- stdout
    Rollout:  shop/web  canary of deployment/web
    State:    healthy
    Next:     nobody, all is done
    Message:  workload deployment is completed

        STEP   PODS   TRAFFIC   ENDS
    ·   1      1      20%       by approval
    ·   2      2      50%       after 10m
    ·   3      100%   100%      by approval

    VERSION   HASH         DESIRED   CURRENT   READY   IMAGES
    stable    6758fd9795   3         3         3       web:v1

    TRAFFIC TO NEW   WANTED   SET
    ingress/web      -        0%
    ");
}

#[test]
fn held() {
    assert_snapshot!(status(&[Turn::Held("web:v2")]), @"");
}

#[test]
fn upgrading() {
    assert_snapshot!(status(&[Turn::Begun("web:v2")]), @"");
}

#[test]
fn waiting_for_approval() {
    assert_snapshot!(status(&[Turn::Released("web:v2")]), @"");
}

#[test]
fn a_timed_pause() {
    let said = status(&[Turn::Released("web:v2"), Turn::Approved]);
    // How much of the ten minutes is left depends on the second in which the test looks.
    let fixed: Vec<&str> = said.lines().filter(|line| !line.starts_with("Next:")).collect();
    assert_snapshot!(fixed.join("\n"), @"");
    let next = said.lines().find(|line| line.starts_with("Next:")).unwrap();
    assert!(next.contains("time"), "{next}");
}

#[test]
fn degraded() {
    assert_snapshot!(status(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]), @"");
}

#[test]
fn completed() {
    let turns = [
        Turn::Released("web:v2"),
        Turn::Approved,
        Turn::Waited(600),
        Turn::Approved,
    ];
    assert_snapshot!(status(&turns), @"");
}

#[test]
fn rolled_back() {
    assert_snapshot!(status(&[Turn::Released("web:v2"), Turn::Released("web:v1")]), @"");
}

#[test]
fn paused_by_a_human() {
    let pause = json!({ "spec": { "strategy": { "paused": true } } });
    assert_snapshot!(status(&[Turn::Released("web:v2"), Turn::Patched(pause)]), @"");
}

#[test]
fn disabled() {
    assert_snapshot!(status(&[Turn::Patched(json!({ "spec": { "disabled": true } }))]), @"");
}

#[test]
fn a_missing_rollout_and_one_with_a_similar_name() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "wep"]), @"");
    assert_snapshot!(shop.kruise(&["status", "nobody", "web", "-o", "name"]), @"");
}

#[test]
fn by_the_name_of_its_deployment() {
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["status", "deploy/web"]);
    assert_eq!(outcome.to_string(), shop.kruise(&["status", "web"]).to_string());
    assert_snapshot!(shop.kruise(&["status", "deploy/other"]), @"");
}

#[test]
fn several_in_a_table() {
    let shop = Served::with(
        several_after(&["web", "api"], &[Turn::Released("web:v2")]),
        Life::Still,
    );
    assert_snapshot!(shop.kruise(&["status", "--all"]), @"");
    assert_snapshot!(shop.kruise(&["status", "-A"]), @"");
    assert_snapshot!(shop.kruise(&["status", "-l", "team=nobody"]), @"");
    assert_snapshot!(shop.kruise(&["status", "-A", "-n", "elsewhere", "-o", "name"]), @"");
}

#[test]
fn as_json_and_yaml() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let json = shop.kruise(&["status", "web", "-o", "json"]);
    assert_snapshot!(json, @"");
    let yaml = shop.kruise(&["status", "web", "-o", "yaml"]);
    let read: serde_json::Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    assert_eq!(read, json.json());
}

#[test]
fn waits_until_a_condition_holds() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Alive);
    let waiting = shop.spawn(&["status", "web", "--until", "step=1", "--timeout", "30s"]);
    let driven = shop.kruise(&["run", "web"]);
    assert_eq!(driven.code, Some(4), "{driven}");
    let waited = waiting.outcome();
    assert_eq!(waited.code, Some(0), "{waited}");
    let last = waited.to_string().lines().last().unwrap_or_default().to_owned();
    assert_snapshot!(last, @"");
}

#[test]
fn a_wait_ends_in_time_or_where_the_condition_cannot_come() {
    let shop = Served::with(
        after(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]),
        Life::Still,
    );
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "gone", "--timeout", "300ms"]), @"");
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "step=2"]), @"");
    assert_snapshot!(shop.kruise(&["status", "nobody", "--until", "gone"]), @"");
    assert_snapshot!(shop.kruise(&["status", "web", "--until", "later"]), @"");
}

#[test]
fn reads_nothing_of_others() {
    let small = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let mut objects = after(&[Turn::Released("web:v2")]);
    objects.extend((0..1000).map(|number| {
        json!({ "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("foreign-{number}"), "namespace": NAMESPACE, "labels": { "app": "foreign" } },
            "spec": { "containers": [{ "name": "main", "image": "foreign" }] } })
    }));
    let crowded = Served::with(objects, Life::Still);
    let same = small.kruise(&["status", "web"]);
    assert_eq!(crowded.kruise(&["status", "web"]).to_string(), same.to_string());
    let requested = crowded.requested();
    let mut sorted: Vec<&str> = requested.lines().collect();
    sorted.sort_unstable();
    assert_snapshot!(sorted.join("\n"), @"");
    let (alone, beside) = (small.meter.bytes(), crowded.meter.bytes());
    assert!(
        alone > 1000 && beside.abs_diff(alone) < 200,
        "{alone} bytes alone, {beside} beside others"
    );
}
