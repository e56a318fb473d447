//! `plan`: its table, its documents, its exit codes, and that it changes nothing.

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

#[test]
fn a_table_of_steps() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   TRAFFIC   GATE       EARLIEST   WRITES
    1        1     3     3..4    20%       approval   +TIME      11
    2        2     3     4..5    50%       600 s      +TIME      7
    3        3     3     5..6    100%      -          +TIME     6
    finish   3     0     3..7    -         -          +TIME     14

    Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, SECONDS s at the earliest, completes.
    ");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--replicas", "10"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY    TRAFFIC   GATE       EARLIEST   WRITES
    1        1     10    3..11    20%       approval   +TIME      11
    2        2     10    11..12   50%       600 s      +TIME      7
    3        10    10    12..20   100%      -          +TIME     13
    finish   10    0     10..23   -         -          +TIME     14

    Summary: 3 steps, 45 writes, never below 3 ready pods, at most 23 pods, SECONDS s at the earliest, completes.
    ");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

#[test]
fn the_rest_of_a_release_under_way() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   TRAFFIC   GATE       EARLIEST   WRITES
    1        1     3     4       20%       approval   +TIME      0
    2        2     3     4..5    50%       600 s      +TIME      7
    3        3     3     5..6    100%      -          +TIME     6
    finish   3     0     3..7    -         -          +TIME     14

    Summary: 3 steps, 27 writes, never below 3 ready pods, at most 7 pods, SECONDS s at the earliest, completes.
    ");
}

#[test]
fn as_json_and_yaml() {
    let shop = Served::with(after(&[]), Life::Still);
    let json = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "json"]);
    assert_eq!(json.code, Some(0), "{json}");
    let document = json.json();
    let head: Vec<_> = ["apiVersion", "kind", "schema", "rollout", "end", "summary"]
        .iter()
        .map(|key| document[key].clone())
        .collect();
    assert_snapshot!(json!(head), @r#"["cli.kruise.dev/v1","RolloutPlan","1.0","web","Completed","Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, 612 s at the earliest, completes."]"#);
    assert_eq!(document["steps"].as_array().map(Vec::len), Some(3));
    let yaml = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "yaml"]);
    let read: serde_json::Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    let steps = |document: &serde_json::Value| [document["steps"].clone(), document["finish"].clone()];
    assert_eq!(steps(&read), steps(&document));
}

#[test]
fn exit_codes() {
    let shop = Served::with(after(&[]), Life::Still);
    let table: [(&[&str], i32); 6] = [
        (&["plan", "web"], 0),
        (&["plan", "web", "--detailed-exitcode"], 0),
        (&["plan", "web", "--set-image", "main=web:v2"], 0),
        (
            &["plan", "web", "--set-image", "main=web:v2", "--detailed-exitcode"],
            2,
        ),
        (&["plan", "web", "--set-image", "main=web:v2-crash"], 5),
        (&["plan", "nobody"], 7),
    ];
    let seen = table.map(|(arguments, _)| (arguments, shop.kruise(arguments).code.unwrap()));
    assert_eq!(seen, table);
}

#[test]
fn nothing_to_do_and_no_such_container() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    Summary: 0 steps, 0 writes, never below 3 ready pods, at most 3 pods, SECONDS s at the earliest, nothing to do.
    --- stderr
    hint: kubectl kruise rollout plan web -n shop --set-image CONTAINER=IMAGE
    ");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "other=web:v2"]), @r#"
    exit 7
    --- stderr
    error: rollout.rollouts.kruise.io/web has no container "other"

    hint: its containers: main
    "#);
}

#[test]
fn what_stands_in_the_way() {
    let objects = after(&[])
        .into_iter()
        .filter(|object| object["kind"] != "Ingress")
        .collect();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r"
    exit 3
    --- stdout
    Plan for shop/web
    Summary: 0 steps, 1 writes, never below 3 ready pods, at most 3 pods, SECONDS s at the earliest, blocked.
    traffic routing is not possible: Ingress web not found
    ");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}
