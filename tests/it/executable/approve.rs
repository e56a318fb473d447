//! `approve`: its guards, its one write, its other forms.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served, without_version},
    shop::{Turn, after, several_after},
};

fn paused() -> Vec<Value> {
    after(&[Turn::Released("web:v2")])
}

#[test]
fn is_one_read_and_one_write() {
    let shop = Served::with(paused(), Life::Still);
    let before = shop.rollout();
    assert_snapshot!(shop.kruise(&["approve", "web", "--no-wait"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web approved
    ");
    assert_snapshot!(shop.requested(), @r"
    GET /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web
    PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web/status
    ");
    let mut expected = before.clone();
    expected["status"]["canaryStatus"]["currentStepState"] = json!("StepReady");
    let seen = without_version(shop.rollout());
    let expected = without_version(expected);
    assert_eq!(seen, expected, "nothing else changed");
    let version = before["metadata"]["resourceVersion"].as_str().unwrap();
    let trace = shop.sim.trace();
    assert_eq!(trace.len(), 1);
    assert_eq!(
        trace[0].body["metadata"]["resourceVersion"], version,
        "the write is conditional"
    );
}

#[test]
fn guards() {
    let shop = Served::with(paused(), Life::Still);
    assert_snapshot!(shop.kruise(&["approve", "web", "--step", "2"]), @r#"
    exit 8
    --- stderr
    error: rollouts.rollouts.kruise.io "web" is at step 1, not at step 2; nothing was approved

    hint: kubectl kruise rollout status web -n shop
    "#);
    assert_snapshot!(shop.kruise(&["approve", "web", "--revision", "abc"]), @r#"
    exit 8
    --- stderr
    error: rollouts.rollouts.kruise.io "web" releases revision "c5xq7bgzxh", not "abc"; nothing was approved

    hint: kubectl kruise rollout status web -n shop
    "#);
    assert_snapshot!(shop.kruise(&["approve", "web", "--step", "0"]), @r"
    exit 64
    --- stderr
    error: invalid value '0' for '--step <N>': 0 is not in SPAN..=2147483647

    For more information, try '--help'.
    ");
    assert_eq!(shop.sim.trace(), [], "nothing was approved");
    let revision = shop.rollout()["status"]["canaryStatus"]["podTemplateHash"]
        .as_str()
        .unwrap()
        .to_owned();
    let outcome = shop.kruise(&[
        "approve",
        "web",
        "--no-wait",
        "--step",
        "1",
        "--revision",
        &revision,
    ]);
    assert_eq!((outcome.code, shop.sim.trace().len()), (Some(0), 1), "{outcome}");
}

#[test]
fn trap4_only_what_is_paused() {
    let at_rest = Served::with(after(&[]), Life::Still);
    assert_snapshot!(at_rest.kruise(&["approve", "web"]), @r#"
    exit 8
    --- stderr
    error: rollouts.rollouts.kruise.io "web" no need to approve: not in canary or blue-green progress (phase Healthy)

    hint: kubectl kruise rollout status web -n shop
    "#);
    let upgrading = Served::with(after(&[Turn::Begun("web:v2")]), Life::Still);
    assert_snapshot!(upgrading.kruise(&["approve", "web"]), @r#"
    exit 8
    --- stderr
    error: rollouts.rollouts.kruise.io "web" does not allow to approve, because current canary state is not 'StepPaused' (step 1/3 is in StepUpgrade)

    hint: kubectl kruise rollout status web -n shop
    "#);
    assert_snapshot!(upgrading.kruise(&["approve", "nobody"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_snapshot!(upgrading.kruise(&["approve"]), @r"
    exit 64
    --- stderr
    error: no Rollout is named

    hint: give NAME, rollout/NAME or deploy/NAME; or several: --all, -l LABELS, -A
    ");
    assert_eq!((at_rest.sim.trace(), upgrading.sim.trace()), (vec![], vec![]));
}

#[test]
fn two_at_once_are_one_write() {
    let shop = Served::with(paused(), Life::Still);
    let both = [(); 2].map(|()| shop.spawn(&["approve", "web", "--no-wait"]));
    let codes = both.map(|one| one.outcome().code.unwrap());
    assert!(
        codes.contains(&0) && codes.iter().all(|code| [0, 8].contains(code)),
        "{codes:?}"
    );
    let written = shop.sim.trace().iter().filter(|write| write.code == 200).count();
    assert_eq!(
        (
            written,
            shop.rollout()["status"]["canaryStatus"]["currentStepState"].clone()
        ),
        (1, json!("StepReady"))
    );
}

#[test]
fn trap3_two_at_once_advance_once() {
    let shop = Served::with(paused(), Life::Alive);
    let engine = shop.spawn(&["run", "web", "--forever"]);
    let both = [(); 2].map(|()| shop.spawn(&["approve", "web", "--step", "1"]));
    let codes = both.map(|one| one.outcome().code.unwrap());
    assert!(
        codes.contains(&0) && codes.iter().all(|code| [0, 8].contains(code)),
        "{codes:?}"
    );
    let waited = shop.kruise(&["status", "web", "--until", "step=2", "--timeout", "30s"]);
    assert_eq!(waited.code, Some(0), "{waited}");
    drop(engine);
    let status = &shop.rollout()["status"]["canaryStatus"];
    assert_eq!(
        (&status["currentStepIndex"], &status["currentStepState"]),
        (&json!(2), &json!("StepPaused"))
    );
}

#[test]
fn twice_is_harmless() {
    let shop = Served::with(paused(), Life::Still);
    assert_eq!(shop.kruise(&["approve", "web", "--no-wait"]).code, Some(0));
    assert_snapshot!(shop.kruise(&["approve", "web", "--no-wait"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web approved
    --- stderr
    step 1 is approved already; no engine has seen it yet
    ");
    assert_eq!(shop.sim.trace().len(), 1);
}

#[test]
fn warns_when_nobody_acts() {
    let shop = Served::with(paused(), Life::Still);
    assert_snapshot!(shop.kruise(&["approve", "web"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web approved
    --- stderr
    warning: step 1 was not left within SPAN s: does an engine act on this Rollout?
    hint: kubectl kruise rollout run web -n shop
    ");
    let pause = json!({ "spec": { "strategy": { "paused": true } } });
    let shop = Served::with(
        after(&[Turn::Released("web:v2"), Turn::Patched(pause)]),
        Life::Still,
    );
    let outcome = shop.kruise(&["approve", "web"]);
    assert_snapshot!(outcome, @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web approved
    --- stderr
    warning: the Rollout is paused (spec.strategy.paused): the approval takes effect when it is resumed
    hint: kubectl kruise rollout resume web -n shop --standalone
    ");
}

#[test]
fn dry_runs() {
    let shop = Served::with(paused(), Life::Still);
    let client = shop.kruise(&["approve", "web", "--dry-run=client"]);
    let version = shop.rollout()["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_snapshot!(client.to_string().replace(&version, "RESOURCE-VERSION"), @r#"
    exit 0
    --- stdout
    PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web/status?fieldManager=kubectl-kruise
    Content-Type: application/merge-patch+json
    {"metadata":{"resourceVersion":"RESOURCE-VERSION"},"status":{"canaryStatus":{"currentStepState":"StepReady"}}}
    rollout.rollouts.kruise.io/web approved (dry run)
    "#);
    assert_eq!(shop.sim.trace(), []);
    assert_snapshot!(shop.kruise(&["approve", "web", "--dry-run=server"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web approved (server dry run)
    ");
    assert_eq!(
        shop.rollout()["status"]["canaryStatus"]["currentStepState"],
        "StepPaused"
    );
    let trace = shop.sim.trace();
    assert!(!trace.is_empty() && trace.iter().all(|write| write.dry_run));
}

#[test]
fn as_json_yaml_and_name() {
    let shop = Served::with(paused(), Life::Still);
    let json = shop.kruise(&["approve", "web", "--dry-run=server", "-o", "json"]);
    assert_eq!(json.code, Some(0), "{json}");
    assert_eq!(
        json.json()["status"]["canaryStatus"]["currentStepState"],
        "StepReady"
    );
    let yaml = shop.kruise(&["approve", "web", "--dry-run=server", "-o", "yaml"]);
    let read: Value = serde_saphyr::from_str(&yaml.stdout).unwrap();
    assert_eq!(read["status"], json.json()["status"]);
    assert_snapshot!(shop.kruise(&["approve", "web", "--no-wait", "-o", "name"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web
    ");
}

#[test]
fn several_and_what_is_wrong_among_them() {
    let shop = Served::with(
        several_after(&["web", "api"], &[Turn::Released("web:v2")]),
        Life::Still,
    );
    assert_snapshot!(shop.kruise(&["approve", "web", "nobody", "deploy/api", "--no-wait"]), @r#"
    exit 7
    --- stdout
    rollout.rollouts.kruise.io/web approved
    rollout.rollouts.kruise.io/api approved
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
}
