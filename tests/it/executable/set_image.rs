//! `set image`: the new version and its hold in one request.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::after,
};

fn writes(shop: &Served) -> Vec<Value> {
    let shown = |write: &kubectl_kruise::sim::Write| {
        json!([
            write.verb,
            write.path,
            write.content_type,
            write.field_manager,
            write.code
        ])
    };
    shop.sim.trace().iter().map(shown).collect()
}

#[test]
fn holds_the_new_version_in_the_same_request() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "rollout/web", "main=web:v2"]), @"");
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    assert_eq!(
        writes(&shop),
        [json!([
            "PATCH",
            path,
            "application/json-patch+json",
            "rollouts-engine",
            200
        ])]
    );
    let deployment = shop.deployment();
    let mark = deployment["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"]
        .as_str()
        .unwrap();
    assert_eq!(
        (
            &deployment["spec"]["paused"],
            serde_json::from_str::<Value>(mark).unwrap(),
            &deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        ),
        (
            &json!(true),
            json!({ "rolloutName": "web", "original": { "paused": false } }),
            &json!("web:v2")
        )
    );
    let again = shop.kruise(&["set", "image", "deploy/web", "main=web:v2"]);
    assert_snapshot!(again, @"");
    assert_eq!(shop.sim.trace().len(), 1, "what is set already is not set again");
}

#[test]
fn all_containers() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_eq!(shop.kruise(&["set", "image", "web", "*=web:v3"]).code, Some(0));
    assert_eq!(
        shop.deployment()["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v3"
    );
}

#[test]
fn what_is_not_there() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "other=web:v2"]), @"");
    assert_snapshot!(shop.kruise(&["set", "image", "nobody", "main=web:v2"]), @"");
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/nobody", "main=web:v2"]), @"");
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main"]), @"");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn without_a_rollout_nothing_is_held() {
    let objects = after(&[])
        .into_iter()
        .filter(|object| object["kind"] != "Rollout")
        .collect();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/web", "main=web:v2"]), @"");
    let path = "/apis/apps/v1/namespaces/shop/deployments/web";
    assert_eq!(
        writes(&shop),
        [json!([
            "PATCH",
            path,
            "application/json-patch+json",
            "kubectl-kruise",
            200
        ])]
    );
    assert_eq!(shop.deployment()["spec"].get("paused"), None);
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/web", "main=web:v3", "--standalone"]), @"");
}

#[test]
fn dry_run_prints_the_request() {
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["set", "image", "web", "main=web:v2", "--dry-run=client"]);
    let version = shop.deployment()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_snapshot!(outcome.to_string().replace(&version, "RESOURCE-VERSION"), @"");
    assert_eq!(shop.sim.trace(), []);
}
