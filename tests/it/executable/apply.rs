//! `apply`: what a repository says, and new versions held on the way.

use std::{io::Write as _, process::Stdio};

use insta::assert_snapshot;
use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::{
    served::{Life, Outcome, Running, Served},
    shop::{NAMESPACE, Turn, after, application},
};

/// Writes manifests into a folder of the test, and gives its path.
fn folder(shop: &Served, files: &[(&str, Vec<Value>)]) -> String {
    let path = shop.folder.file("manifests");
    std::fs::create_dir_all(&path).unwrap();
    for (name, objects) in files {
        let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
        std::fs::write(path.join(name), texts.join("\n---\n")).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

/// What a command said, without the folder of the test.
fn said(outcome: &Outcome, folder: &str) -> String {
    outcome.to_string().replace(folder, "FOLDER")
}

fn empty() -> Served {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    Served::with(vec![namespace], Life::Still)
}

/// The application with this image, without the namespace in its objects.
fn manifests(image: &str) -> Vec<Value> {
    let mut objects = application("web");
    for object in &mut objects {
        object["metadata"].as_object_mut().unwrap().remove("namespace");
    }
    objects[0]["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    objects
}

#[test]
fn a_repository_again_and_again() {
    let shop = empty();
    let path = folder(&shop, &[("all.yaml", manifests("web:v1"))]);
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r"
    exit 0
    --- stdout
    service/web created
    rollout.rollouts.kruise.io/web created
    deployment.apps/web created
    ingress.networking.k8s.io/web created
    ");
    assert_eq!(
        shop.deployment()["spec"].get("paused"),
        None,
        "a first installation is no release"
    );
    let sent = shop.sim.trace().len();
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r"
    exit 0
    --- stdout
    service/web unchanged
    rollout.rollouts.kruise.io/web unchanged
    deployment.apps/web unchanged
    ingress.networking.k8s.io/web unchanged
    ");
    assert_eq!(
        shop.sim.trace().len(),
        sent,
        "what is there already is not written"
    );

    let path = folder(&shop, &[("all.yaml", manifests("web:v2"))]);
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r"
    exit 0
    --- stdout
    service/web unchanged
    rollout.rollouts.kruise.io/web unchanged
    deployment.apps/web configured
    ingress.networking.k8s.io/web unchanged
    --- stderr
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");
    let held = shop.deployment();
    assert_eq!(
        (
            &held["spec"]["paused"],
            &held["spec"]["template"]["spec"]["containers"][0]["image"],
            &shop.rollout()["metadata"]["finalizers"],
        ),
        (
            &json!(true),
            &json!("web:v2"),
            &json!(["rollouts.kruise.io/rollout"]),
        )
    );
    let writes: Vec<_> = shop.sim.trace().into_iter().skip(sent).collect();
    let shown: Vec<_> = writes
        .iter()
        .map(|w| (w.path.rsplit('/').nth(1).unwrap(), w.field_manager.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("rollouts", "rollouts-engine"),
            ("deployments", "rollouts-engine")
        ]
    );

    // Nothing lifts the hold: not the same manifests once more.
    assert_eq!(shop.kruise(&["apply", "-f", &path]).code, Some(0));
    assert_eq!(shop.deployment(), held);
}

#[test]
fn every_kind_keeps_its_hold_and_the_user_his_wish() {
    let rolling = |partition: i32| json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": partition } } });
    let update = |partition: i32| json!({ "updateStrategy": { "partition": partition } });
    let cases = [
        (
            Kind::StatefulSet,
            rolling(0),
            rolling(1),
            "rollingUpdate",
            json!(32767),
        ),
        (
            Kind::AdvancedStatefulSet,
            rolling(0),
            rolling(1),
            "rollingUpdate",
            json!(32767),
        ),
        (
            Kind::AdvancedDaemonSet,
            rolling(0),
            rolling(1),
            "rollingUpdate",
            json!(32767),
        ),
        (Kind::CloneSet, update(0), update(1), "", json!("100%")),
    ];
    for (kind, first, second, below, hold) in cases {
        let shop = Served::with(workload(kind, &first), Life::Still);
        let manifest = |spec: &Value, image: &str| {
            let mut objects = workload(kind, spec);
            objects.retain(|object| object["metadata"]["name"] == "web");
            objects[0]["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
            objects
        };
        let seen = |shop: &Served| {
            let object = shop.get(kind.api_versions()[0], kind.kind(), "web");
            let strategy = &object["spec"]["updateStrategy"];
            let partition = if below.is_empty() {
                &strategy["partition"]
            } else {
                &strategy[below]["partition"]
            };
            let mark: Value = serde_json::from_str(
                object["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"]
                    .as_str()
                    .unwrap(),
            )
            .unwrap();
            let path = if below.is_empty() {
                "updateStrategy.partition"
            } else {
                "updateStrategy.rollingUpdate.partition"
            };
            (partition.clone(), mark["original"][path].clone())
        };
        let path = folder(&shop, &[("all.json", manifest(&first, "web:v2"))]);
        assert_eq!(shop.kruise(&["apply", "-f", &path]).code, Some(0));
        assert_eq!(seen(&shop), (hold.clone(), json!(0)), "{kind:?}");
        // Another wish while the release is under way.
        let path = folder(&shop, &[("all.json", manifest(&second, "web:v2"))]);
        let later = said(&shop.kruise(&["apply", "-f", &path]), &path);
        assert!(
            later.contains("a release is under way; put in place when it ends: spec.updateStrategy."),
            "{later}"
        );
        assert_eq!(seen(&shop), (hold, json!(1)), "{kind:?}");
    }
}

#[test]
fn an_object_of_kubectl_is_gone_on_with() {
    let mut objects = after(&[]);
    let noted = json!({ "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "annotations": {}, "name": "web", "namespace": NAMESPACE, "labels": { "team": "web", "gone": "1" } },
        "spec": { "minReadySeconds": 5 } });
    for object in &mut objects {
        if object["kind"] == "Deployment" {
            object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
                json!(format!("{noted}\n"));
            object["metadata"]["labels"]["gone"] = json!("1");
            object["metadata"]["labels"]["theirs"] = json!("1");
            object["spec"]["minReadySeconds"] = json!(5);
            object["spec"]["replicas"] = json!(7);
        }
    }
    let shop = Served::with(objects, Life::Still);
    let mut manifest = manifests("web:v1").remove(0);
    manifest["spec"].as_object_mut().unwrap().remove("replicas");
    let path = folder(&shop, &[("web.yml", vec![manifest])]);
    let outcome = shop.kruise(&["apply", "-f", &path]);
    assert_snapshot!(said(&outcome, &path), @r"
    exit 0
    --- stdout
    deployment.apps/web configured
    ");
    let deployment = shop.deployment();
    let labels = deployment["metadata"]["labels"].as_object().unwrap();
    let labels: Vec<&str> = labels.keys().map(String::as_str).collect();
    assert_eq!(
        (
            labels.contains(&"gone"),
            labels.contains(&"theirs"),
            deployment["spec"]["minReadySeconds"].as_i64().unwrap_or(0),
            &deployment["spec"]["replicas"],
            deployment["spec"].get("paused"),
        ),
        (false, true, 0, &json!(7), None),
        "{deployment}"
    );
}

#[test]
fn while_a_release_is_under_way() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let before = shop.deployment();
    let mut manifest = manifests("web:v2").remove(0);
    manifest["spec"]["paused"] = json!(false);
    manifest["spec"]["replicas"] = json!(5);
    let path = folder(&shop, &[("web.yaml", vec![manifest])]);
    let outcome = shop.kruise(&["apply", "-f", &path]);
    assert_snapshot!(said(&outcome, &path), @r"
    exit 0
    --- stdout
    deployment.apps/web configured
    --- stderr
    warning: deployment.apps/web has no note of what was applied last: fields that the manifest does not have stay; the next apply knows
    ");
    let now = shop.deployment();
    assert_eq!(
        (&now["spec"]["paused"], &now["spec"]["replicas"]),
        (&before["spec"]["paused"], &json!(5))
    );
    assert_eq!(before["spec"]["paused"], true);
}

#[test]
fn the_old_version_of_rollouts_is_converted() {
    let shop = empty();
    let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "Rollout",
        "metadata": { "name": "web", "annotations": { "rollouts.kruise.io/rolling-style": "partition" } },
        "spec": { "objectRef": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
            "rolloutID": "7", "strategy": { "canary": { "steps": [{ "weight": 20, "replicas": 1 }, { "weight": 40 }] } } } });
    let path = folder(&shop, &[("rollout.yaml", vec![rollout])]);
    let outcome = shop.kruise(&["apply", "-f", &path]);
    assert_snapshot!(said(&outcome, &path), @r#"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web created
    --- stderr
    TMP/FOLDER/manifests/rollout.yaml, document 1: Rollout "web" is of v1alpha1 and is applied as what it means in v1beta1
    warning: TMP/FOLDER/manifests/rollout.yaml, document 1: spec.rolloutID: the other version has no such field
    "#);
    assert_eq!(shop.rollout()["spec"]["workloadRef"]["name"], "web");
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r#"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web unchanged
    --- stderr
    TMP/FOLDER/manifests/rollout.yaml, document 1: Rollout "web" is of v1alpha1 and is applied as what it means in v1beta1
    warning: TMP/FOLDER/manifests/rollout.yaml, document 1: spec.rolloutID: the other version has no such field
    "#);
}

#[test]
fn one_failure_does_not_stop_the_others() {
    let shop = empty();
    let object = |kind: &str, version: &str, name: &str| json!({ "apiVersion": version, "kind": kind, "metadata": { "name": name } });
    let mut elsewhere = object("ConfigMap", "v1", "there");
    elsewhere["metadata"]["namespace"] = json!("nowhere");
    let path = folder(
        &shop,
        &[
            ("a.yaml", vec![object("Gadget", "example.com/v1", "x"), elsewhere]),
            ("b.json", vec![object("ConfigMap", "v1", "b")]),
            ("c.txt", vec![object("ConfigMap", "v1", "unread")]),
        ],
    );
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r#"
    exit 7
    --- stdout
    configmap/b created
    --- stderr
    error: TMP/FOLDER/manifests/a.yaml, document 2: namespaces "nowhere" not found
    error: TMP/FOLDER/manifests/a.yaml, document 1: the server has no kind "Gadget" in version "example.com/v1"

    hint: 'kubectl api-resources --api-group=example.com' lists what there is
    "#);
    assert_snapshot!(said(&shop.kruise(&["apply", "-n", "shop", "-f", &path]), &path), @r#"
    exit 1
    --- stdout
    configmap/b unchanged
    --- stderr
    error: TMP/FOLDER/manifests/a.yaml, document 2: the object's namespace "nowhere" is not the namespace "shop" of the command line

    hint: pass -n nowhere, or leave -n out
    error: TMP/FOLDER/manifests/a.yaml, document 1: the server has no kind "Gadget" in version "example.com/v1"

    hint: 'kubectl api-resources --api-group=example.com' lists what there is
    "#);
}

#[test]
fn the_exit_code_is_that_of_what_failed() {
    let shop = empty();
    let files = folder(&shop, &[("web.json", manifests("web:v1"))]);
    let nowhere = shop.kruise(&["apply", "-f", &files, "-n", "nowhere"]);
    assert_eq!(nowhere.code, Some(7), "{nowhere}");
    shop.sim.inject(|request| {
        use kubectl_kruise::sim::Fault;
        let is_service = request.path.ends_with("/services");
        (is_service && request.verb == "POST")
            .then(|| Fault::Status(http::StatusCode::FORBIDDEN, "Forbidden".to_owned()))
    });
    let forbidden = shop.kruise(&["apply", "-f", &files]);
    assert_eq!(forbidden.code, Some(9), "{forbidden}");
}

#[test]
fn what_is_no_manifest_changes_nothing() {
    let shop = empty();
    let path = folder(&shop, &[("a.yaml", manifests("web:v1"))]);
    std::fs::write(
        format!("{path}/b.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n",
    )
    .unwrap();
    assert_snapshot!(said(&shop.kruise(&["apply", "-f", &path]), &path), @r"
    exit 1
    --- stderr
    error: TMP/FOLDER/manifests/b.yaml, document 1, line 3 does not parse: unclosed bracket '['
    ");
    assert_snapshot!(shop.kruise(&["apply", "-f", "https://example.com/web.yaml"]), @r"
    exit 64
    --- stderr
    error: https://example.com/web.yaml is an address, and manifests are read from files only

    hint: curl -fsSL https://example.com/web.yaml | kubectl kruise rollout ... -f -
    ");
    assert_snapshot!(shop.kruise(&["apply", "-f", "/nowhere.yaml"]), @r#"
    exit 7
    --- stderr
    error: the path "/nowhere.yaml" does not exist
    "#);
    assert_snapshot!(shop.kruise(&["apply"]), @r"
    exit 64
    --- stderr
    error: the following required arguments were not provided:
      --filename <FILE>

    Usage: kubectl kruise rollout apply --filename <FILE>

    For more information, try '--help'.
    ");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn dry_runs_store_nothing() {
    let shop = Served::with(after(&[]), Life::Still);
    let before = (shop.deployment(), shop.rollout());
    let mut objects = manifests("web:v2");
    objects.retain(|object| matches!(object["kind"].as_str(), Some("Deployment" | "Rollout")));
    objects.push(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c" } }));
    let path = folder(&shop, &[("a.yaml", objects)]);
    let server = shop.kruise(&["apply", "-f", &path, "--dry-run=server"]);
    assert_snapshot!(said(&server, &path), @r"
    exit 0
    --- stdout
    configmap/c created (server dry run)
    rollout.rollouts.kruise.io/web configured (server dry run)
    deployment.apps/web configured (server dry run)
    --- stderr
    warning: rollout.rollouts.kruise.io/web has no note of what was applied last: fields that the manifest does not have stay; the next apply knows
    warning: deployment.apps/web has no note of what was applied last: fields that the manifest does not have stay; the next apply knows
    ");
    let client = said(&shop.kruise(&["apply", "-f", &path, "--dry-run=client"]), &path);
    let lines: Vec<&str> = client
        .lines()
        .filter(|line| line.starts_with(['P', 'd', 'r', 'c']))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    POST /api/v1/namespaces/shop/configmaps?fieldManager=kubectl-kruise
    configmap/c created (dry run)
    PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web?fieldManager=kubectl-kruise
    rollout.rollouts.kruise.io/web configured (dry run)
    PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web?fieldManager=rollouts-engine
    PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=rollouts-engine
    deployment.apps/web configured (dry run)
    ");
    assert_eq!((shop.deployment(), shop.rollout()), before);
    let trace = shop.sim.trace();
    assert!(!trace.is_empty() && trace.iter().all(|write| write.dry_run));
    let printed = shop.kruise(&["apply", "-f", &path, "--dry-run=server", "-o", "json"]);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    let kinds: Vec<&str> = printed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["ConfigMap", "Rollout", "Deployment"]);
}

#[test]
fn from_stdin_and_then_driven() {
    let shop = Served::with(after(&[]), Life::Alive);
    let mut command = shop.command(&["apply", "-f", "-", "--standalone"]);
    command.stdin(Stdio::piped());
    let mut running = Running::new(command);
    let mut stdin = running.child().stdin.take().unwrap();
    stdin
        .write_all(manifests("web:v2").remove(0).to_string().as_bytes())
        .unwrap();
    drop(stdin);
    let outcome = running.outcome();
    assert_eq!(outcome.code, Some(4), "{outcome}");
    assert!(
        outcome.stdout.starts_with("deployment.apps/web configured\n")
            && outcome
                .stdout
                .ends_with("rollout.rollouts.kruise.io/web waiting for approval of step 1/3\n"),
        "{outcome}"
    );
}
