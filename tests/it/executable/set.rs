//! `set image`, `set env`, `set resources`: the new version and its hold in one request.

use insta::assert_snapshot;
use kubectl_kruise::{
    sim::Fault,
    workload::{Kind, hold},
};
use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Served},
    shop::{NAMESPACE, after},
};

const FINALIZER: &str = "rollouts.kruise.io/rollout";

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

/// A workload of a kind, called `web`, and its Rollout.
pub(super) fn workload(kind: Kind, spec: &Value) -> Vec<Value> {
    let labels = json!({ "app": "web" });
    let version = kind.api_versions()[0];
    let mut workload = json!({ "apiVersion": version, "kind": kind.kind(),
        "metadata": { "name": "web", "namespace": NAMESPACE, "labels": labels },
        "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "main", "image": "web:v1", "env": [{ "name": "A", "value": "1" }] }] } } } });
    if !kind.is_per_node() {
        workload["spec"]["replicas"] = json!(3);
    }
    json_patch::merge(&mut workload["spec"], spec);
    if kind == Kind::StatefulSet {
        // Cannot be changed later, not even to its default.
        workload["spec"]["podManagementPolicy"] = json!("OrderedReady");
    }
    vec![
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } }),
        workload,
        json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
            "metadata": { "name": "web", "namespace": NAMESPACE },
            "spec": { "workloadRef": { "apiVersion": version, "kind": kind.kind(), "name": "web" },
                "strategy": { "canary": { "steps": [{ "replicas": "50%", "pause": {} }, { "replicas": "100%" }] } } } }),
    ]
}

fn get(shop: &Served, kind: Kind) -> Value {
    shop.get(kind.api_versions()[0], kind.kind(), "web")
}

/// Lets the server refuse the next writes of the Deployment.
fn refuse(shop: &Served, code: u16, reason: &'static str, mut times: usize) {
    shop.sim.inject(move |request| {
        let asked = request.verb == "PATCH" && request.path.ends_with("/deployments/web") && times > 0;
        asked.then(|| {
            times -= 1;
            Fault::Status(http::StatusCode::from_u16(code).unwrap(), reason.to_owned())
        })
    });
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
    // The Rollout cannot vanish before an engine has seen the held workload.
    assert_eq!(
        writes(&shop),
        [
            json!([
                "PATCH",
                "/apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web",
                "application/merge-patch+json",
                "rollouts-engine",
                200
            ]),
            json!([
                "PATCH",
                "/apis/apps/v1/namespaces/shop/deployments/web",
                "application/json-patch+json",
                "rollouts-engine",
                200
            ])
        ]
    );
    assert_eq!(shop.rollout()["metadata"]["finalizers"], json!([FINALIZER]));
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
    assert_eq!(shop.sim.trace().len(), 2, "what is set already is not set again");
    let third = shop.kruise(&["set", "image", "deployment", "web", "main=web:v3"]);
    assert_eq!(third.code, Some(0));
    assert_eq!(shop.sim.trace().len(), 3, "the finalizer is there already");
}

#[test]
fn every_kind_is_held() {
    let rolling =
        json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } } });
    let cases = [
        (
            Kind::StatefulSet,
            "sts/web",
            rolling.clone(),
            "statefulset.apps/web",
        ),
        (
            Kind::DaemonSet,
            "ds/web",
            json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } } }),
            "daemonset.apps/web",
        ),
        (
            Kind::CloneSet,
            "cloneset/web",
            json!({ "updateStrategy": { "partition": "20%" } }),
            "cloneset.apps.kruise.io/web",
        ),
        (
            Kind::AdvancedStatefulSet,
            "asts/web",
            rolling.clone(),
            "statefulset.apps.kruise.io/web",
        ),
        (
            Kind::AdvancedDaemonSet,
            "daemonsets.apps.kruise.io/web",
            rolling,
            "daemonset.apps.kruise.io/web",
        ),
    ];
    for (kind, target, spec, title) in cases {
        let shop = Served::with(workload(kind, &spec), Life::Still);
        let held = shop.kruise(&["set", "image", target, "main=web:v2"]);
        assert_eq!(
            held.to_string().trim(),
            format!(
                "exit 0\n--- stdout\n{title} image updated\n--- stderr\nthe new version is held; an engine brings it out step by \
                 step: kubectl kruise rollout run web -n shop"
            ),
            "{kind:?}"
        );
        let after = get(&shop, kind);
        assert!(hold::first(kind).in_place(&after["spec"]), "{kind:?} {after}");
        let mut rest = after["spec"].clone();
        let mark = kubectl_kruise::workload::edit::mark_of(&after).unwrap();
        mark.original.put_back(&mut rest);
        for (path, _) in hold::first(kind).iter() {
            assert_eq!(hold::at(&rest, path), hold::at(&spec, path), "{kind:?} {path}");
        }
        assert_eq!(shop.sim.trace().len(), 2, "{kind:?}");

        // By the name of its Rollout, and mid-release: held again, the mark as it was.
        let env = shop.kruise(&["set", "env", "web", "B=2", "A-"]);
        assert!(env.to_string().contains(&format!("{title} env updated")), "{env}");
        let again = get(&shop, kind);
        let mark = "rollouts.kruise.io/in-progressing";
        assert_eq!(
            again["metadata"]["annotations"][mark],
            after["metadata"]["annotations"][mark]
        );
        assert_eq!(
            again["spec"]["template"]["spec"]["containers"][0]["env"],
            json!([{ "name": "B", "value": "2" }])
        );
    }
}

#[test]
fn variables_from_a_config_map_and_resources() {
    let mut objects = after(&[]);
    objects.push(
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "c", "namespace": NAMESPACE },
        "data": { "log.level": "debug", "url": "x" } }),
    );
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "env", "web", "--from=configmap/c", "--prefix=APP_", "A=2", "-c", "m*"]), @r"
    exit 0
    --- stdout
    deployment.apps/web env updated
    --- stderr
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");
    let from = |key: &str| json!({ "configMapKeyRef": { "name": "c", "key": key } });
    let container = &shop.deployment()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["env"],
        json!([
            { "name": "A", "value": "2" },
            { "name": "APP_LOG_LEVEL", "valueFrom": from("log.level") },
            { "name": "APP_URL", "valueFrom": from("url") },
        ])
    );
    assert_snapshot!(shop.kruise(&["set", "resources", "deploy/web", "--limits=cpu=1,memory=1Gi", "--requests=cpu=100m"]), @r"
    exit 0
    --- stdout
    deployment.apps/web resource requirements updated
    --- stderr
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    ");
    let container = &shop.deployment()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["resources"],
        json!({ "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "100m" } })
    );
    let sent = shop.sim.trace().len();
    assert_snapshot!(shop.kruise(&["set", "resources", "deploy/web", "--limits=cpu=1000m"]), @r"
    exit 0
    --- stdout
    deployment.apps/web resource requirements unchanged
    --- stderr
    all of these limits and requests are set already
    ");
    assert_eq!(shop.sim.trace().len(), sent);
}

#[test]
fn what_needs_no_hold_is_said() {
    let on_delete = json!({ "updateStrategy": { "type": "OnDelete" } });
    let shop = Served::with(workload(Kind::StatefulSet, &on_delete), Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "sts/web", "main=web:v2"]), @r"
    exit 1
    --- stderr
    error: rollout.rollouts.kruise.io/web is invalid: spec.workloadRef: the workload's updateStrategy.type is OnDelete: its pods are replaced by hand, not in steps

    hint: kubectl edit rollouts.rollouts.kruise.io web -n shop
    ");
    assert_eq!(shop.sim.trace().len(), 0);
    assert_eq!(get(&shop, Kind::StatefulSet)["metadata"].get("annotations"), None);

    let shop = Served::with(workload(Kind::CloneSet, &json!({ "replicas": 0 })), Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    cloneset.apps.kruise.io/web image updated
    --- stderr
    warning: cloneset.apps.kruise.io/web: it has 0 replicas, so the new version is not held and no release begins
    ");
    assert_eq!(shop.rollout()["metadata"].get("finalizers"), None);

    let mut disabled = workload(Kind::StatefulSet, &json!({}));
    disabled.last_mut().unwrap()["spec"]["disabled"] = json!(true);
    let shop = Served::with(disabled, Life::Still);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main=web:v2"]), @r"
    exit 0
    --- stdout
    statefulset.apps/web image updated
    ");
    assert_eq!(shop.sim.trace().len(), 1);
}

#[test]
fn a_refused_write_leaves_no_finalizer() {
    let shop = Served::with(after(&[]), Life::Still);
    refuse(&shop, 422, "Invalid", usize::MAX);
    let refused = shop.kruise(&["set", "image", "web", "main=web:v2"]);
    assert_eq!(refused.code, Some(1), "{refused}");
    assert_eq!(shop.deployment()["spec"].get("paused"), None);
    assert_eq!(
        shop.rollout()["metadata"]
            .get("finalizers")
            .cloned()
            .unwrap_or(json!([])),
        json!([])
    );
}

#[test]
fn somebody_else_was_quicker() {
    let shop = Served::with(after(&[]), Life::Still);
    refuse(&shop, 409, "Conflict", 1);
    let outcome = shop.kruise(&["set", "image", "web", "main=web:v2"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(shop.deployment()["spec"]["paused"], true);
}

#[test]
fn several_at_once() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_eq!(shop.kruise(&["set", "image", "web", "*=web:v3"]).code, Some(0));
    assert_eq!(
        shop.deployment()["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v3"
    );
    assert_snapshot!(shop.kruise(&["set", "image", "deploy", "nobody", "web", "main=web:v4", "-o", "name"]), @r#"
    exit 7
    --- stdout
    deployment.apps/web
    --- stderr
    error: deployment.apps/nobody not found in namespace "shop"
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    "#);
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
    error: no image is given

    hint: give CONTAINER=IMAGE, or *=IMAGE for all containers
    ");
    assert_snapshot!(shop.kruise(&["set", "image", "main=web:v2"]), @r"
    exit 64
    --- stderr
    error: nothing is named that is to be changed

    hint: give NAME or rollout/NAME, or a workload: deploy/NAME, sts/NAME, cloneset/NAME ...
    ");
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main="]), @r#"
    exit 64
    --- stderr
    error: invalid value "main=": expected CONTAINER=IMAGE
    "#);
    assert_snapshot!(shop.kruise(&["set", "env", "web"]), @r"
    exit 64
    --- stderr
    error: no variable is given

    hint: give KEY=VALUE, KEY- to remove one, or --from
    ");
    assert_snapshot!(shop.kruise(&["set", "env", "web", "--from=pod/x"]), @r#"
    exit 64
    --- stderr
    error: "pod/x" is neither configmap/NAME nor secret/NAME
    "#);
    assert_snapshot!(shop.kruise(&["set", "resources", "web", "--limits=cpu=many"]), @r"
    exit 64
    --- stderr
    error: invalid value 'cpu=many' for '--limits <NAME=AMOUNT>': expected NAME=AMOUNT, such as cpu=500m or memory=1Gi

    For more information, try '--help'.
    ");
    assert_snapshot!(shop.kruise(&["set", "resources", "web"]), @r"
    exit 64
    --- stderr
    error: the following required arguments were not provided:
      --limits <NAME=AMOUNT>

    Usage: kubectl kruise rollout set resources --limits <NAME=AMOUNT> <TARGET>...

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

    hint: leave --standalone out to change it all the same
    ");
}

#[test]
fn dry_run_prints_the_requests() {
    let shop = Served::with(after(&[]), Life::Still);
    let outcome = shop.kruise(&["set", "image", "web", "main=web:v2", "--dry-run=client"]);
    let version = |object: Value| object["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let shown = outcome
        .to_string()
        .replace(&version(shop.deployment()), "DEPLOYMENT-VERSION")
        .replace(&version(shop.rollout()), "ROLLOUT-VERSION");
    assert_snapshot!(shown, @r#"
        exit 0
        --- stdout
        PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web?fieldManager=rollouts-engine
        Content-Type: application/merge-patch+json
        {"metadata":{"finalizers":["rollouts.kruise.io/rollout"],"resourceVersion":"ROLLOUT-VERSION"}}
        PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=rollouts-engine
        Content-Type: application/json-patch+json
        [{"op":"replace","path":"/metadata/resourceVersion","value":"DEPLOYMENT-VERSION"},{"op":"add","path":"/metadata/annotations/rollouts.kruise.io~1in-progressing","value":"{\"rolloutName\":\"web\",\"original\":{\"paused\":false}}"},{"op":"add","path":"/spec/paused","value":true},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"web:v2"}]
        deployment.apps/web image updated (dry run)
        "#);
    assert_eq!(shop.sim.trace(), []);
    assert_snapshot!(shop.kruise(&["set", "image", "web", "main=web:v2", "--dry-run=server"]), @r"
    exit 0
    --- stdout
    deployment.apps/web image updated (server dry run)
    ");
    assert_eq!(shop.deployment()["spec"].get("paused"), None);
    assert_eq!(shop.rollout()["metadata"].get("finalizers"), None);
}
