//! `undo`, `pause`, `resume`, `restart`, `history`, for workloads of every kind and for Rollouts.

use insta::assert_snapshot;
use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::set::workload;
use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

const KINDS: [Kind; 6] = Kind::ALL;

fn words(kind: Kind) -> String {
    let group = match kind.group() {
        "apps" => String::new(),
        group => format!(".{group}"),
    };
    format!("{}{group}/web", kind.plural())
}

/// A workload of version 2, which added a node selector and an annotation, with its two revisions; behind a Rollout or not.
pub(super) fn two_versions(kind: Kind, released: bool) -> Served {
    let mut objects = workload(kind, &json!({}));
    objects[1]["metadata"]["uid"] = json!("u");
    objects[1]["metadata"]["annotations"] = json!({ "mine": "kept" });
    let template = &mut objects[1]["spec"]["template"];
    template["spec"]["containers"][0]["image"] = json!("web:v2");
    // As the API server completes it.
    json_patch::merge(
        &mut template["spec"],
        &json!({ "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30 }),
    );
    json_patch::merge(
        &mut template["spec"]["containers"][0],
        &json!({ "imagePullPolicy": "IfNotPresent", "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File" }),
    );
    template["spec"]["nodeSelector"] = json!({ "disk": "ssd" });
    template["metadata"]["annotations"] = json!({ "added": "later" });
    if !released {
        objects.pop();
    }
    let shop = Served::with(objects, Life::Still);
    let second = get(&shop, kind)["spec"]["template"].clone();
    for (number, template) in [(1, first(&second)), (2, second.clone())] {
        shop.sim.load(revision(kind, number, &template)).unwrap();
    }
    shop
}

/// The template of version 1.
fn first(second: &Value) -> Value {
    let mut first = second.clone();
    first["spec"]["containers"][0]["image"] = json!("web:v1");
    first["spec"].as_object_mut().unwrap().remove("nodeSelector");
    first["metadata"].as_object_mut().unwrap().remove("annotations");
    first
}

fn revision(kind: Kind, number: u32, template: &Value) -> Value {
    let owners = json!([{ "apiVersion": kind.api_versions()[0], "kind": kind.kind(), "name": "web", "uid": "u", "controller": true }]);
    let name = format!("web-{number}");
    let mut template = template.clone();
    if kind == Kind::Deployment {
        let labels = json!({ "app": "web", "pod-template-hash": number.to_string() });
        template["metadata"]["labels"] = labels.clone();
        return json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": { "name": name, "namespace": "shop", "labels": labels, "ownerReferences": owners,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": { "deployment.kubernetes.io/revision": number.to_string() } },
            "spec": { "replicas": 0, "selector": { "matchLabels": labels }, "template": template } });
    }
    template["$patch"] = json!("replace");
    json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
        "metadata": { "name": name, "namespace": "shop", "labels": { "app": "web" }, "ownerReferences": owners,
            "creationTimestamp": "2026-01-01T00:00:00Z" },
        "data": { "spec": { "template": template } } })
}

pub(super) fn get(shop: &Served, kind: Kind) -> Value {
    shop.get(kind.api_versions()[0], kind.kind(), "web")
}

#[test]
fn trap1_trap15_undo_of_every_kind_is_exact() {
    for kind in KINDS {
        let shop = two_versions(kind, false);
        let before = get(&shop, kind);
        let tried = shop.kruise(&["undo", &words(kind), "--dry-run=client"]);
        assert_eq!(tried.code, Some(0), "{kind:?} {tried}");
        assert_eq!(shop.sim.trace(), [], "{kind:?}");
        let said = shop.kruise(&["undo", &words(kind)]);
        let title = said
            .stdout
            .trim_end()
            .strip_suffix(" rolled back")
            .unwrap_or_default();
        assert!(said.code == Some(0) && title.ends_with("/web"), "{kind:?} {said}");
        let after = get(&shop, kind);
        assert_eq!(
            after["spec"]["template"],
            first(&before["spec"]["template"]),
            "{kind:?}"
        );
        assert_eq!(after["metadata"]["annotations"]["mine"], "kept", "{kind:?}");
        let patches = shop.sim.take_trace();
        assert_eq!(patches.len(), 1, "{kind:?}");
        assert!(!patches[0].body.to_string().contains("$patch"), "{kind:?}");

        let again = shop.kruise(&["undo", &words(kind), "--to-revision", "1"]);
        let expected = format!("{title} skipped rollback (current template already matches revision 1)\n");
        assert_eq!(
            (again.code, again.stdout.as_str()),
            (Some(0), expected.as_str()),
            "{kind:?} {again}"
        );
        assert_eq!(shop.sim.trace(), [], "{kind:?}");
    }
}

#[test]
fn undo_at_rest_begins_a_release() {
    let shop = two_versions(Kind::Deployment, true);
    assert_snapshot!(shop.kruise(&["undo", "web"]), @r#"
    exit 0
    --- stdout
    deployment.apps/web rolled back
    --- stderr
    deployment.apps/web: back to revision 1:
    @@ -1,5 +TIME,3 @@
     metadata:
    -  annotations:
    -    added: later
       labels:
         app: web
    @@ -9,5 +TIME,5 @@
         - name: A
           value: "1"
    -    image: web:v2
    +    image: web:v1
         imagePullPolicy: IfNotPresent
         name: main
    @@ -16,6 +TIME,4 @@
         terminationMessagePolicy: File
       dnsPolicy: ClusterFirst
    -  nodeSelector:
    -    disk: ssd
       restartPolicy: Always
       schedulerName: default-scheduler
    the new version is held; an engine brings it out step by step: kubectl kruise rollout run web -n shop
    "#);
    let deployment = shop.deployment();
    assert_eq!(
        (
            &deployment["spec"]["paused"],
            &deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        ),
        (&json!(true), &json!("web:v1"))
    );
    // Before anybody has acted, the way back is the way out.
    let back = shop.kruise(&["undo", "web"]);
    assert_eq!(back.code, Some(0), "{back}");
    assert_eq!(
        shop.deployment()["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v2"
    );
}

#[test]
fn undo_in_the_middle_of_a_release() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["undo", "deploy/web"]), @r#"
    exit 0
    --- stdout
    deployment.apps/web rolled back
    --- stderr
    deployment.apps/web: back to revision 1:
    @@ -9,5 +TIME,5 @@
         - name: A
           value: "1"
    -    image: web:v2
    +    image: web:v1
         imagePullPolicy: IfNotPresent
         name: main
    the release is left: whoever carries it out takes the new version back; where nobody does: kubectl kruise rollout run web -n shop
    "#);
    assert_snapshot!(shop.kruise(&["undo", "web", "--to-revision", "7"]), @r"
    exit 7
    --- stderr
    error: unable to find specified revision 7 in history of deployment.apps/web

    hint: it has revision 1
    hint: kubectl kruise rollout history deployment.apps/web -n shop
    ");
    assert_snapshot!(shop.kruise(&["undo", "web"]), @r"
    exit 0
    --- stdout
    deployment.apps/web skipped rollback (current template already matches revision 1)
    ");
}

#[test]
fn undo_passes_over_what_was_rolled_back() {
    // In batches the version that was rolled back keeps its ReplicaSet.
    let shop = two_versions(Kind::Deployment, true);
    let mut third = shop.deployment()["spec"]["template"].clone();
    third["spec"]["containers"][0]["image"] = json!("web:v3");
    shop.sim.load(revision(Kind::Deployment, 3, &third)).unwrap();
    let mut rollout = shop.rollout();
    rollout["status"] = json!({ "phase": "Healthy", "currentStepIndex": 1, "currentStepState": "StepPaused",
        "conditions": [{ "type": "Progressing", "status": "False", "reason": "Completed", "message": "" },
            { "type": "Succeeded", "status": "False", "reason": "", "message": "" }],
        "canaryStatus": { "currentStepIndex": 1, "currentStepState": "StepPaused", "canaryRevision": "x", "podTemplateHash": "3",
            "stableRevision": "2", "canaryReplicas": 0, "canaryReadyReplicas": 0, "finalisingStep": "", "nextStepIndex": 2 } });
    shop.sim.load(rollout).unwrap();
    let said = shop.kruise(&["undo", "web", "--dry-run=server"]);
    assert_eq!(said.code, Some(0), "{said}");
    assert!(
        said.stderr.starts_with(
            "revision 3 was rolled back last time, so it is passed over; --to-revision 3 brings it all the same\n"
        ) && said.stderr.contains("deployment.apps/web: back to revision 1:"),
        "{said}"
    );
}

#[test]
fn undo_warns_of_the_next_apply() {
    let shop = two_versions(Kind::Deployment, false);
    let said = |image: &str| {
        let mut deployment = shop.deployment();
        let manifest = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
            "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": image }] } } } });
        deployment["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
            json!(manifest.to_string());
        shop.sim.load(deployment).unwrap();
        shop.kruise(&["undo", "deploy/web", "--dry-run=server"]).stderr
    };
    let warning = "deployment.apps/web comes from a manifest: change that too, or the next apply brings the other version back";
    assert!(said("web:v2").contains(warning));
    assert!(!said("web:v1").contains(warning));
}

#[test]
fn undo_without_a_history() {
    let mut objects = workload(Kind::StatefulSet, &json!({}));
    objects.pop();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["undo", "sts/web"]), @r"
            exit 7
            --- stderr
            error: no rollout history found for statefulset.apps/web: there is no other revision to go back to

            hint: its history may be cut short by revisionHistoryLimit; 'kubectl kruise rollout set image' sets the old images
            ");
    assert_snapshot!(shop.kruise(&["undo", "sts/nobody", "deploy"]), @r#"
    exit 64
    --- stderr
    error: "deploy" is a type: there is no need for one beside TYPE/NAME

    hint: give either TYPE NAME..., or TYPE/NAME for each
    "#);
    assert_snapshot!(shop.kruise(&["history", "sts/web"]), @r"
    exit 0
    --- stdout
    statefulset.apps/web
    No rollout history found.
    ");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn trap14_pause_and_resume_of_rollouts() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["pause", "web", "--dry-run=client"]), @r#"
    exit 0
    --- stdout
    PATCH /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web?fieldManager=kubectl-kruise
    Content-Type: application/merge-patch+json
    {"metadata":{"uid":"UID"},"spec":{"strategy":{"paused":true}}}
    rollout.rollouts.kruise.io/web paused (dry run)
    "#);
    assert_snapshot!(shop.kruise(&["pause", "web"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web paused
    --- stderr
    pods and traffic stay as they are until it is resumed; a rollback works all the same
    hint: kubectl kruise rollout resume web -n shop
    ");
    assert_eq!(
        shop.requested().lines().count(),
        3,
        "one read for the dry run, one read and one write"
    );
    assert_eq!(shop.rollout()["spec"]["strategy"]["paused"], true);
    assert_snapshot!(shop.kruise(&["pause", "rollout/web"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web paused
    --- stderr
    rollout.rollouts.kruise.io/web is paused already
    ");
    assert_snapshot!(shop.kruise(&["resume", "web"]), @"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web resumed
    --- stderr
    whoever carries the release out goes on; where nobody does: kubectl kruise rollout run web -n shop
    ");
    assert_snapshot!(shop.kruise(&["resume", "web", "-o", "name"]), @r"
    exit 0
    --- stdout
    rollout.rollouts.kruise.io/web
    --- stderr
    rollout.rollouts.kruise.io/web is not paused
    ");
    assert_eq!(shop.sim.trace().len(), 2);
    let strategy = &shop.rollout()["spec"]["strategy"];
    assert_ne!(strategy["paused"], true);
}

#[test]
fn pause_and_resume_of_workloads() {
    for kind in KINDS {
        let mut objects = workload(kind, &json!({}));
        objects.pop();
        let shop = Served::with(objects, Life::Still);
        let codes = ["pause", "pause", "resume", "resume"].map(|verb| {
            let said = shop.kruise(&[verb, &words(kind)]);
            (said.code.unwrap(), shop.sim.take_trace().len())
        });
        let can = !matches!(kind, Kind::StatefulSet | Kind::DaemonSet);
        let expected = if can {
            [(0, 1), (0, 0), (0, 1), (0, 0)]
        } else {
            [(1, 0); 4]
        };
        assert_eq!(codes, expected, "{kind:?}");
    }
}

#[test]
fn a_workload_that_is_released_is_not_paused_behind_its_engine() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["resume", "deploy/web"]), @r#"
            exit 8
            --- stderr
            error: deployment.apps/web is held by the release of Rollout "web" (rollouts.kruise.io/in-progressing is set): its engine says when it is paused

            hint: kubectl kruise rollout resume web -n shop
            hint: --force does it all the same
            "#);
    // The hold itself looks like a pause: nothing is said to be paused by it.
    assert_eq!(shop.kruise(&["pause", "deploy/web"]).code, Some(8));
    assert_eq!(shop.sim.trace(), []);
    let forced = shop.kruise(&["resume", "deploy/web", "--force"]);
    assert_eq!((forced.code, shop.sim.trace().len()), (Some(0), 1), "{forced}");
    let shop = Served::with(workload(Kind::StatefulSet, &json!({})), Life::Still);
    assert_snapshot!(shop.kruise(&["pause", "sts/web"]), @r#"
    exit 1
    --- stderr
    error: statefulsets.apps "web" pausing is not supported: its controller cannot be paused

    hint: its Rollout can: kubectl kruise rollout pause web -n shop
    "#);
}

#[test]
fn resume_to_the_next_stop() {
    let pause = json!({ "spec": { "strategy": { "paused": true } } });
    let shop = Served::with(
        after(&[Turn::Released("web:v2"), Turn::Patched(pause)]),
        Life::Alive,
    );
    let said = shop.kruise(&["resume", "web", "--standalone"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(4),
            "rollout.rollouts.kruise.io/web resumed\nrollout.rollouts.kruise.io/web waiting for approval of step 1/3\n"
        ),
        "{said}"
    );
}

#[test]
fn restart_of_every_kind() {
    for kind in KINDS {
        for released in [false, true] {
            let shop = two_versions(kind, released);
            let before = get(&shop, kind);
            let said = shop.kruise(&["restart", &words(kind)]);
            assert!(
                said.code == Some(0) && said.stdout.ends_with("/web restarted\n"),
                "{kind:?} {said}"
            );
            let after = get(&shop, kind);
            let at = "kubectl.kubernetes.io~1restartedAt";
            let time = after.pointer(&format!("/spec/template/metadata/annotations/{at}"));
            assert!(
                time.is_some_and(|time| time.as_str().unwrap().ends_with('Z')),
                "{after}"
            );
            assert_eq!(
                after["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"].is_string(),
                released,
                "{kind:?}"
            );
            let mut expected = before["spec"]["template"].clone();
            expected["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = time.unwrap().clone();
            assert_eq!(after["spec"]["template"], expected, "{kind:?}");
        }
    }
}

#[test]
fn restart_says_what_it_cannot() {
    let mut paused = workload(Kind::Deployment, &json!({ "paused": true }));
    paused.pop();
    let shop = Served::with(paused, Life::Still);
    assert_snapshot!(shop.kruise(&["restart", "deploy/web"]), @r"
            exit 8
            --- stderr
            error: deployment.apps/web is paused: it cannot be restarted

            hint: kubectl kruise rollout resume deployment.apps/web -n shop
            ");
    let in_place = json!({ "updateStrategy": { "type": "InPlaceOnly" } });
    let mut objects = workload(Kind::CloneSet, &in_place);
    objects.pop();
    let shop = Served::with(objects, Life::Still);
    assert_snapshot!(shop.kruise(&["restart", "cloneset/web"]), @r"
    exit 1
    --- stderr
    error: cloneset.apps.kruise.io/web cannot be restarted: its pods are updated in place only, so that no change of the template replaces them

    hint: delete its pods, or have their containers made anew: kubectl kruise create ContainerRecreateRequest
    ");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn restart_through_the_steps() {
    let shop = Served::with(after(&[]), Life::Alive);
    let said = shop.kruise(&["restart", "web", "--standalone"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(4),
            "deployment.apps/web restarted\nrollout.rollouts.kruise.io/web waiting for approval of step 1/3\n"
        ),
        "{said}"
    );
}

/// Ages differ from run to run.
fn ageless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let aged = |word: &&str| {
            word.ends_with(['s', 'm', 'h', 'd']) && word.starts_with(|c: char| c.is_ascii_digit())
        };
        let words: Vec<&str> = words
            .iter()
            .map(|word| if aged(word) { "AGE" } else { word })
            .collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn history_of_a_rollout() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(ageless(&shop.kruise(&["history", "web"]).to_string()), @r"
            exit 0
            --- stdout
            deployment.apps/web, released by rollout.rollouts.kruise.io/web
            REVISION PART READY AGE IMAGES CHANGE-CAUSE
            1 stable 3/3 AGE web:v1 <none>
            - new 1/1 AGE web:v2 <none>
            ");
    assert_snapshot!(shop.requested(), @r"
    GET /apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/web
    GET /apis/apps/v1/namespaces/shop/deployments/web
    GET /apis/apps/v1/namespaces/shop/replicasets
    ");
    let document = shop.kruise(&["history", "deploy/web", "-o", "json"]).json();
    assert_eq!(
        json!([
            document["kind"],
            document["schema"],
            document["rollout"],
            document["object"],
            document["revisions"][0]["part"],
            document["revisions"][1]["part"],
            document["revisions"][1]["revision"]
        ]),
        json!([
            "RolloutHistory",
            "1.0",
            "web",
            { "namespace": "shop", "kind": "Deployment", "name": "web" },
            "stable",
            "new",
            null
        ])
    );
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn history_in_detail() {
    let shop = two_versions(Kind::StatefulSet, false);
    assert_snapshot!(shop.kruise(&["history", "sts/web", "--diff", "1..2"]), @r#"
    exit 0
    --- stdout
    --- statefulset.apps/web revision 1
    +++ statefulset.apps/web revision 2
    @@ -1,3 +TIME,5 @@
     metadata:
    +  annotations:
    +    added: later
       labels:
         app: web
    @@ -7,5 +TIME,5 @@
         - name: A
           value: "1"
    -    image: web:v1
    +    image: web:v2
         imagePullPolicy: IfNotPresent
         name: main
    @@ -14,4 +TIME,6 @@
         terminationMessagePolicy: File
       dnsPolicy: ClusterFirst
    +  nodeSelector:
    +    disk: ssd
       restartPolicy: Always
       schedulerName: default-scheduler
    "#);
    assert_snapshot!(shop.kruise(&["history", "sts/web", "--diff", "2.."]), @r"
    exit 0
    --- stderr
    statefulset.apps/web: revision 2 and the present template are the same
    ");
    assert_snapshot!(shop.kruise(&["history", "sts/web", "--revision", "1"]), @r#"
    exit 0
    --- stdout
    statefulset.apps/web with revision #1
    Pod Template:
      metadata:
        labels:
          app: web
      spec:
        containers:
        - env:
          - name: A
            value: "1"
          image: web:v1
          imagePullPolicy: IfNotPresent
          name: main
          resources: {}
          terminationMessagePath: /dev/termination-log
          terminationMessagePolicy: File
        dnsPolicy: ClusterFirst
        restartPolicy: Always
        schedulerName: default-scheduler
        securityContext: {}
        terminationGracePeriodSeconds: 30
    "#);
    assert_snapshot!(shop.kruise(&["history", "sts/web", "--revision", "9"]), @r"
    exit 7
    --- stderr
    error: unable to find the specified revision 9 in history of statefulset.apps/web

    hint: it has revisions 1, 2
    ");
    assert_eq!(shop.kruise(&["history", "sts/web", "--diff", "x"]).code, Some(64));
    assert_snapshot!(shop.kruise(&["history", "sts/web", "-o", "jsonpath={.revisions[*].images[0]}"]), @r"
    exit 0
    --- stdout
    web:v1 web:v2
    ");
    assert_snapshot!(shop.kruise(&["history", "sts/web", "-o", "custom-columns=OF:.object.name,IMAGES:.revisions[*].images[0]"]), @r"
    exit 0
    --- stdout
    OF    IMAGES
    web   web:v1,web:v2
    ");
}

#[test]
fn approve_to_a_step_and_all_the_way() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
    let said = shop.kruise(&["approve", "web", "--to", "9"]);
    assert_eq!(
        (said.code, said.stderr.lines().next()),
        (
            Some(8),
            Some("error: rollouts.rollouts.kruise.io \"web\" has 3 steps, and no step 9")
        ),
        "{said}"
    );
    let said = shop.kruise(&["approve", "web", "--to", "3", "--standalone"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(0),
            "rollout.rollouts.kruise.io/web approved\nrollout.rollouts.kruise.io/web completed\n"
        ),
        "{said}"
    );
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    let engine = shop.spawn(&["run", "web", "--forever"]);
    let said = shop.kruise(&["approve", "web", "--all-steps", "--timeout", "60s"]);
    drop(engine);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(0),
            "rollout.rollouts.kruise.io/web approved\nrollout.rollouts.kruise.io/web completed\n"
        ),
        "{said}"
    );
}

#[test]
fn rollback_to_a_step_and_verified() {
    let shop = Served::with(after(&[Turn::Released("web:v2"), Turn::Approved]), Life::Alive);
    assert_snapshot!(shop.kruise(&["rollback", "web", "--to-step", "3"]), @r"
        exit 8
        --- stderr
        error: rollout.rollouts.kruise.io/web is at step 2, and step 3 is not behind it; nothing was changed

        hint: to go forward: kubectl kruise rollout approve web -n shop --to 3
        ");
    let said = shop.kruise(&["rollback", "web", "--to-step", "1", "--standalone"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(4),
            "rollout.rollouts.kruise.io/web rolled back\nrollout.rollouts.kruise.io/web waiting for approval of step 1/3\n"
        ),
        "{said}"
    );
    let engine = shop.spawn(&["run", "web", "--forever"]);
    let said = shop.kruise(&["rollback", "web", "--yes", "--timeout", "60s"]);
    drop(engine);
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(
        said.stderr.lines().last(),
        Some(
            "verified: 3/3 pods of the old version ready (web:v1), none of the new, no traffic to the new one"
        ),
        "{said}"
    );
    assert_eq!(shop.kruise(&["status", "web"]).code, Some(6));
}

#[test]
fn nobody_takes_a_rollback_up() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["rollback", "web", "--yes"]), @r#"
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
        warning: nobody took the rollback up within SPAN s: does an engine act on this Rollout?
        hint: kubectl kruise rollout run web -n shop
        "#);
}
