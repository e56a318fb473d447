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
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @"");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "--replicas", "10"]), @"");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}

#[test]
fn the_rest_of_a_release_under_way() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web"]), @"");
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
    assert_snapshot!(json!(head), @"");
    assert_eq!(document["steps"].as_array().map(Vec::len), Some(3));
    let yaml = shop.kruise(&["plan", "web", "--set-image", "main=web:v2", "-o", "yaml"]);
    assert_eq!(
        serde_saphyr::from_str::<serde_json::Value>(&yaml.stdout).unwrap(),
        document
    );
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
    assert_snapshot!(shop.kruise(&["plan", "web"]), @"");
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "other=web:v2"]), @"");
}

#[test]
fn what_stands_in_the_way() {
    let objects = after(&[])
        .into_iter()
        .filter(|object| object["kind"] != "Ingress")
        .collect();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["plan", "web", "--set-image", "main=web:v2"]), @"");
    assert_eq!(shop.sim.trace(), [], "nothing is written");
}
