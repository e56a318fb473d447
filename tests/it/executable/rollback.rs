//! `rollback`: what it shows, what it writes, and when it refuses.

use insta::assert_snapshot;
use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

fn released() -> Vec<Value> {
    after(&[Turn::Released("web:v2")])
}

/// The template that was there before the release.
fn stable_template() -> Value {
    let objects = after(&[]);
    let deployment = objects
        .iter()
        .find(|object| object["kind"] == "Deployment")
        .unwrap();
    deployment["spec"]["template"].clone()
}

#[test]
fn puts_the_stable_template_back_exactly() {
    let shop = Served::with(released(), Life::Still);
    assert_ne!(shop.deployment()["spec"]["template"], stable_template());
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes", "--no-wait"]), @r#"
    exit 0
    --- stdout
    deployment.apps/web rolled back
    --- stderr
    rollout.rollouts.kruise.io/web: waiting for approval: step 1/3; back to revision 6758fd9795:
    @@ -9,5 +TIME,5 @@
         - name: A
           value: "1"
    -    image: web:v2
    +    image: web:v1
         imagePullPolicy: IfNotPresent
         name: main
    "#);
    assert_eq!(shop.deployment()["spec"]["template"], stable_template());
    let writes: Vec<String> = shop
        .sim
        .trace()
        .iter()
        .map(|w| format!("{} {} as {}", w.verb, w.path, w.field_manager))
        .collect();
    assert_snapshot!(writes.join("\n"), @"PATCH /apis/apps/v1/namespaces/shop/deployments/web as kubectl-kruise");
}

#[test]
fn twice_is_harmless() {
    let shop = Served::with(released(), Life::Still);
    assert_eq!(
        shop.kruise(&["rollback", "web", "--yes", "--no-wait"]).code,
        Some(0)
    );
    let before = shop.deployment();
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes", "--no-wait"]), @r"
    exit 0
    --- stdout
    deployment.apps/web already rolled back
    --- stderr
    the template is that of the stable version already; the engine has not seen it yet
    ");
    assert_eq!(shop.deployment(), before);
}

#[test]
fn of_a_release_that_has_not_begun() {
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Still);
    let outcome = shop.kruise(&["rollback", "web", "--yes", "--no-wait"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert_eq!(shop.deployment()["spec"]["template"], stable_template());
}

#[test]
fn where_there_is_nothing_to_roll_back() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes", "--no-wait"]), @r"
    exit 8
    --- stderr
    error: rollout.rollouts.kruise.io/web has no release under way (healthy): there is nothing to roll back

    hint: to go back to an earlier revision: kubectl kruise rollout undo deployment.apps/web -n shop
    hint: kubectl kruise rollout status web -n shop
    ");
    assert_snapshot!(shop.kruise(&["rollback", "nobody", "--yes", "--no-wait"]), @r#"
    exit 7
    --- stderr
    error: rollouts.rollouts.kruise.io "nobody" not found in namespace "shop"

    hint: 'kubectl get rollouts.rollouts.kruise.io -n shop' lists what there is
    "#);
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn dry_run_prints_the_request() {
    let shop = Served::with(released(), Life::Still);
    let outcome = shop.kruise(&["rollback", "web", "--dry-run=client"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let mut lines = outcome.stdout.lines();
    assert_eq!(
        (lines.next(), lines.next()),
        (
            Some("PATCH /apis/apps/v1/namespaces/shop/deployments/web?fieldManager=kubectl-kruise"),
            Some("Content-Type: application/json-patch+json")
        )
    );
    let patch: json_patch::Patch = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut deployment = shop.deployment();
    json_patch::patch(&mut deployment, &patch).unwrap();
    assert_eq!(deployment["spec"]["template"], stable_template());
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn to_the_end() {
    let shop = Served::with(released(), Life::Alive);
    let outcome = shop.kruise(&["rollback", "web", "--yes", "--standalone"]);
    assert_snapshot!(format!("exit {}\n{}", outcome.code.unwrap(), outcome.stdout), @r"
    exit 0
    deployment.apps/web rolled back
    rollout.rollouts.kruise.io/web rolled back
    ");
    let after = shop.kruise(&["status", "web"]);
    assert_eq!(after.code, Some(6), "{after}");
    assert_eq!(shop.deployment()["spec"]["template"], stable_template());
    assert_eq!(shop.deployment()["spec"].get("paused"), None);
}

#[test]
fn a_held_stateful_set_gets_the_template_of_its_pods_revision_back() {
    let mut objects = workload(Kind::StatefulSet, &json!({}));
    objects[1]["metadata"]["uid"] = json!("u");
    objects[1]["status"] = json!({ "currentRevision": "web-a" });
    let template = objects[1]["spec"]["template"].clone();
    let kept = |name: &str, number: i64, image: &str| {
        let mut template = template.clone();
        template["$patch"] = json!("replace");
        template["spec"]["containers"][0]["image"] = json!(image);
        json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
            "metadata": { "name": name, "namespace": "shop", "ownerReferences": [{ "apiVersion": "apps/v1",
                "kind": "StatefulSet", "name": "web", "uid": "u", "controller": true }] },
            "data": { "spec": { "template": template } } })
    };
    objects.push(kept("web-a", 1, "web:v1"));
    objects.push(kept("web-b", 2, "web:v2"));
    let shop = Served::with(objects, Life::Still);
    assert_eq!(
        shop.kruise(&["set", "image", "sts/web", "main=web:v2"]).code,
        Some(0)
    );
    assert_snapshot!(shop.kruise(&["rollback", "web", "--no-wait"]), @r#"
    exit 0
    --- stdout
    statefulset.apps/web rolled back
    --- stderr
    rollout.rollouts.kruise.io/web: held; back to revision web-a:
    @@ -7,13 +TIME,4 @@
         - name: A
           value: "1"
    -    image: web:v2
    -    imagePullPolicy: IfNotPresent
    +    image: web:v1
         name: main
    -    resources: {}
    -    terminationMessagePath: /dev/termination-log
    -    terminationMessagePolicy: File
    -  dnsPolicy: ClusterFirst
    -  restartPolicy: Always
    -  schedulerName: default-scheduler
    -  securityContext: {}
    -  terminationGracePeriodSeconds: 30
    "#);
    let set = shop.get("apps/v1", "StatefulSet", "web");
    assert_eq!(
        set["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
    assert_eq!(set["spec"]["template"].get("$patch"), None);
}
