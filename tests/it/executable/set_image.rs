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
    assert_snapshot!(shop.kruise(&["set", "image", "rollout/web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated
    --- stderr
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");
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
    assert_snapshot!(again, @r"
    exit 0
    --- stdout
    deployment.apps/web image unchanged
    --- stderr
    all of these images are set already
    ");
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
    assert_snapshot!(shop.kruise(&["set", "image", "web", "other=web:v2"]), @r#"
    exit 7
    --- stderr
    error: deployment.apps/web has no container "other"

    hint: its containers: main
    "#);
    assert_snapshot!(shop.kruise(&["set", "image", "nobody", "main=web:v2"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/nobody", "main=web:v2"]), @r#"
    exit 7
    --- stderr
    error: deployment.apps/nobody not found in namespace "shop"
    "#);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main"]), @r"
    exit 64
    --- stderr
    error: invalid value 'main' for '<CONTAINER=IMAGE>...': expected CONTAINER=IMAGE

    For more information, try '--help'.
    ");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn without_a_rollout_nothing_is_held() {
    let objects = after(&[])
        .into_iter()
        .filter(|object| object["kind"] != "Rollout")
        .collect();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated
    ");
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
    assert_snapshot!(shop.kruise(&["set", "image", "deploy/web", "main=web:v3", "--standalone"]), @r"
    exit 7
    --- stderr
    error: no Rollout refers to deployment.apps/web: there is nothing to drive

    hint: leave --standalone out to set the image all the same
    ");
}

#[test]
fn dry_run_prints_the_request() {
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["set", "image", "web", "main=web:v2", "--dry-run=client"]);
    let version = shop.deployment()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_snapshot!(outcome.to_string().replace(&version, "RESOURCE-VERSION"), @r#"
    exit 0
    --- stdout
    PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=rollouts-engine
    Content-Type: application/json-patch+json
    [{"op":"replace","path":"/metadata/resourceVersion","value":"RESOURCE-VERSION"},{"op":"add","path":"/metadata/annotations/rollouts.kruise.io~1in-progressing","value":"{\"rolloutName\":\"web\",\"original\":{\"paused\":false}}"},{"op":"add","path":"/spec/paused","value":true},{"op":"add","path":"/spec/template/spec/containers/0/image","value":"web:v2"}]
    deployment.apps/web image updated (dry run)
    "#);
    assert_eq!(shop.sim.trace(), []);
}
