//! `plan`: its table, its documents, its exit codes, and that it changes nothing.

use insta::assert_snapshot;
use serde_json::json;

use crate::{
    harness::{
        served::{Folder, Life, Outcome, Served, program},
        shop::{Turn, after},
    },
    plan::files,
};

#[test]
fn a_table_of_steps() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     3     3..4    4      20%/80%           approval   +TIME      ~TIME    11
    2        2     3     4..5    5      50%/50%           600 s      +TIME      ~TIME    7
    3        3     3     5..6    6      100%/0%           -          +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -          +TIME     ~TIME   14

    Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, SECONDS s at the earliest, completes.
    ");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--replicas", "10"]), @r"
    exit 0
    --- stdout
    Plan for shop/web
    STEP     NEW   OLD   READY    PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     10    3..11    11     20%/80%           approval   +TIME      ~TIME    11
    2        2     10    11..12   12     50%/50%           600 s      +TIME      ~TIME    7
    3        10    10    12..20   20     100%/0%           -          +TIME     ~TIME   13
    finish   10    0     10..23   23     -                 -          +TIME     ~TIME   14

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
    STEP     NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1     3     4       4      20%/80%           approval   +TIME      ~TIME    0
    2        2     3     4..5    5      50%/50%           600 s      +TIME      ~TIME    7
    3        3     3     5..6    6      100%/0%           -          +TIME     ~TIME   6
    finish   3     0     3..7    7      -                 -          +TIME     ~TIME   14

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
    assert_snapshot!(json!(head), @r#"["cli.kruise.dev/v1","RolloutPlan","1.1","web","Completed","Summary: 3 steps, 38 writes, never below 3 ready pods, at most 7 pods, 612 s at the earliest, completes."]"#);
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

/// The executable without any cluster.
fn alone(arguments: &[&str]) -> Outcome {
    let command = program()
        .arg("rollout")
        .args(arguments)
        .env("KUBECONFIG", "/nonexistent")
        .output();
    Outcome::of(command.unwrap())
}

#[test]
fn over_files_without_a_cluster() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| {
        let path = folder.file(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let list = |objects: Vec<serde_json::Value>| {
        json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string()
    };
    let shop = write("shop.json", &list(files::shop()));
    let mut two = files::shop();
    two.push(two[3].clone());
    two[4]["metadata"]["name"] = json!("other");
    let two = write("two.json", &list(two));
    let none = write("none.json", &list(files::shop()[..3].to_vec()));
    let mut new = files::shop();
    new[0]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:v3");
    let new = write("new.json", &list(new));
    let steps = write(
        "steps.yaml",
        "- {replicas: 1, traffic: 5%, pause: {}}\n- {replicas: 100%}\n",
    );
    assert_snapshot!(alone(&["plan", "-f", &shop, "--set-image", "main=web:v2", "--until-step", "1"]), @r"
    exit 0
    --- stdout
    Plan for default/web
    STEP   NEW   OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1      1     4     4..5    5      20%/80%           approval   +TIME      unknown   12

    Summary: 1 steps, 12 writes, never below 4 ready pods, at most 5 pods, SECONDS s at the earliest, planned as far as asked.
    the rest, after the pause of step 1, is not planned
    --- stderr
    no running pod told how long it took to become ready; 10 s are assumed
    ");
    assert_snapshot!(alone(&["plan", "-f", &shop, "--apply", &new, "--steps", &steps, "--what-if", "slow-pods=5m"]), @r"
    exit 5
    --- stdout
    Plan for default/web
    What if new pods take 300 s to become ready
    STEP     NEW      OLD   READY   PODS   TRAFFIC NEW/OLD   GATE       EARLIEST   LIKELY    WRITES
    1        1        4     4..5    5      5%/95%            approval   +TIME      unknown   12
    2        1 of 4   4     5       5      -                 -          +TIME      unknown   8
    finish   8        1     5..9    9      -                 -          +TIME     unknown   9

    Summary: 2 steps, 29 writes, never below 4 ready pods, at most 9 pods, SECONDS s at the earliest, degrades.
    no progress for 600 seconds: completing: the workload rolls
    --- stderr
    no running pod told how long it took to become ready; 10 s are assumed
    ");
    let table: [(&[&str], i32); 10] = [
        (&["-f", &shop], 0),
        (
            &[
                "-f",
                &shop,
                "web",
                "--set-image",
                "main=web:v2",
                "--detailed-exitcode",
            ],
            2,
        ),
        (&["-f", &shop, "deploy/web"], 0),
        (&["-f", &shop, "nobody"], 7),
        (&["-f", &none], 7),
        (&["-f", &two], 64),
        (&["-f", &two, "other"], 3),
        (
            &[
                "-f",
                &shop,
                "--steps",
                &shop,
                "--what-if",
                "crash",
                "--set-image",
                "main=web:v2",
            ],
            5,
        ),
        (&["-f", &shop, "--what-if", "rain"], 64),
        (&["-f", &shop, "--until-step", "0"], 64),
    ];
    let seen = table.map(|(arguments, _)| {
        let arguments = [&["plan"], arguments].concat();
        (arguments.clone(), alone(&arguments).code.unwrap())
    });
    assert_eq!(
        seen,
        table.map(|(arguments, code)| ([&["plan"], arguments].concat(), code))
    );
    assert_snapshot!(alone(&["plan", "-f", &none]), @r"
    exit 7
    --- stderr
    error: the files hold no Rollout

    hint: to plan for a cluster's Rollout as if files were applied: kubectl kruise rollout plan NAME --apply FILE
    ");
    assert_snapshot!(alone(&["plan", "-f", &two]), @r"
    exit 64
    --- stderr
    error: the files hold 2 Rollouts that may be meant

    hint: name one of them: web, other
    ");
}
