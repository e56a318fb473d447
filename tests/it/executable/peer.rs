//! What goes wrong in the Go plugin and must not here; each test names its case.

use http::Method;
use kubectl_kruise::{manifests, workload::Kind};
use serde_json::{Value, json};

use super::{
    set::workload,
    verbs::{get, two_versions},
};
use crate::harness::{
    cluster::Cluster,
    served::{Life, Served, program},
    shop::{NAMESPACE, Turn, after},
};

/// A blue-green release paused at its second step, whose first step sends nothing to the new version.
fn blue_green(reason: &str, phase: &str) -> Served {
    let mut objects = workload(Kind::Deployment, &json!({}));
    objects[2]["spec"]["strategy"] = json!({ "blueGreen": { "steps": [
        { "replicas": "100%", "pause": {} }, { "replicas": "100%", "traffic": "50%", "pause": {} } ] } });
    objects[2]["status"] = json!({ "phase": phase, "currentStepIndex": 2, "currentStepState": "StepPaused",
        "conditions": [{ "type": "Progressing", "status": "True", "reason": reason, "message": "" }],
        "blueGreenStatus": { "currentStepIndex": 2, "nextStepIndex": -1, "currentStepState": "StepPaused",
            "stableRevision": "a", "updatedRevision": "b", "podTemplateHash": "b", "finalisingStep": "",
            "updatedReplicas": 3, "updatedReadyReplicas": 3 } });
    Served::with(objects, Life::Still)
}

#[test]
fn b1_trap2_a_dry_run_of_fast_sends_nothing_that_counts() {
    for verb in ["undo", "rollback"] {
        let shop = blue_green("InRolling", "Progressing");
        let client = shop.kruise(&[verb, "web", "--fast", "--dry-run=client"]);
        assert_eq!((client.code, shop.sim.trace()), (Some(0), vec![]), "{client}");
        assert!(
            client.stdout.contains(r#""blueGreenStatus":{"nextStepIndex":1}"#)
                && client
                    .stdout
                    .ends_with("rollout.rollouts.kruise.io/web rolled back (dry run)\n"),
            "{client}"
        );
        let before = shop.rollout();
        let server = shop.kruise(&[verb, "web", "--fast", "--dry-run=server"]);
        assert_eq!(
            (server.code, server.stdout.as_str(), shop.rollout()),
            (
                Some(0),
                "rollout.rollouts.kruise.io/web rolled back (server dry run)\n",
                before
            ),
            "{server}"
        );
        let trace = shop.sim.trace();
        assert!(!trace.is_empty() && trace.iter().all(|write| write.dry_run));
    }
}

#[test]
fn b2_a_type_alone_means_nothing() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    for words in [
        ["approve", "rollout"],
        ["undo", "rollout"],
        ["undo", "deployments"],
        ["rollback", "rollouts"],
        ["pause", "rollout"],
        ["resume", "deploy"],
        ["restart", "sts"],
    ] {
        let said = shop.kruise(&words);
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (Some(64), ""),
            "{words:?} {said}"
        );
        assert!(
            said.stderr.contains("is a type, and no name follows it"),
            "{said}"
        );
    }
    assert_eq!(shop.requested(), "");
}

#[test]
fn b3_undo_of_kruises_kinds_takes_away_what_the_bad_version_added() {
    for kind in [Kind::CloneSet, Kind::AdvancedStatefulSet, Kind::AdvancedDaemonSet] {
        let shop = two_versions(kind, false);
        let name = format!("{}.apps.kruise.io/web", kind.plural());
        assert_eq!(shop.kruise(&["undo", &name]).code, Some(0));
        let template = get(&shop, kind)["spec"]["template"].clone();
        assert_eq!(
            json!([
                template["spec"]["nodeSelector"],
                template["metadata"]["annotations"],
                template["$patch"],
                template["spec"]["containers"][0]["image"]
            ]),
            json!([null, null, null, "web:v1"]),
            "{kind:?}"
        );
    }
}

#[test]
fn b4_an_approval_is_of_what_was_seen() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let tried = shop.kruise(&["approve", "web", "--dry-run=client"]);
    let body: Value = serde_json::from_str(tried.stdout.lines().nth(2).unwrap()).unwrap();
    assert_eq!(
        body["metadata"]["resourceVersion"],
        shop.rollout()["metadata"]["resourceVersion"]
    );
}

/// Whoever was quicker between the read and the write: the very request that an approval sends is refused then, and another
/// step is never approved in place of the one that was seen.
#[test]
fn b4_what_moved_on_meanwhile_is_not_approved() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let tried = shop.kruise(&["approve", "web", "--dry-run=client"]);
    let lines: Vec<&str> = tried.stdout.lines().collect();
    let path = lines[0].strip_prefix("PATCH ").unwrap();
    let body: Value = serde_json::from_str(lines[2]).unwrap();
    let state = json!({ "currentStepIndex": 2, "currentStepState": "StepUpgrade", "nextStepIndex": 3 });
    let mut moved = shop.rollout();
    json_patch::merge(&mut moved["status"], &json!({ "canaryStatus": state }));
    shop.sim.load(moved).unwrap();
    let moved = shop.rollout();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sent = runtime.block_on(async {
        let cluster = Cluster {
            client: shop.sim.client(),
            namespace: NAMESPACE.to_owned(),
        };
        cluster
            .send(Method::PATCH, path, "application/merge-patch+json", &body)
            .await
    });
    assert!(
        matches!(&sent, Err(kube::Error::Api(status)) if status.code == 409),
        "{sent:?}"
    );
    assert_eq!(shop.rollout(), moved);
    let late = shop.kruise(&["approve", "web"]);
    assert_eq!(
        (late.code, late.stdout.as_str(), shop.rollout()),
        (Some(8), "", moved),
        "{late}"
    );
}

/// The status belongs to the engine: one field of it is written, in the version that was read, and nothing beside it.
#[test]
fn b6_one_field_of_the_status_is_written() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let before = shop.rollout();
    assert_eq!(shop.kruise(&["approve", "web", "--no-wait"]).code, Some(0));
    let [write] = &shop.sim.trace()[..] else {
        panic!("one write")
    };
    assert_eq!(
        (
            write
                .path
                .split('?')
                .next()
                .unwrap()
                .ends_with("/rollouts/web/status"),
            &write.body
        ),
        (
            true,
            &json!({ "metadata": { "resourceVersion": before["metadata"]["resourceVersion"] },
                "status": { "canaryStatus": { "currentStepState": "StepReady" } } })
        )
    );
}

#[test]
fn b5_an_approval_that_was_overwritten_is_sent_again() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let before = shop.rollout();
    let approve = shop.spawn(&["approve", "web"]);
    let state = || shop.rollout()["status"]["canaryStatus"]["currentStepState"].clone();
    shop.wait_for(|| state() == "StepReady");
    // A controller that had read the Rollout before writes its whole status.
    shop.sim.load(before).unwrap();
    shop.wait_for(|| state() == "StepReady");
    let said = approve.outcome();
    assert!(
        said.code == Some(0)
            && said
                .stderr
                .starts_with("the approval of step 1 was overwritten; sending it again\n"),
        "{said}"
    );
}

#[test]
fn b7_restart_of_several_and_of_nothing() {
    let mut objects = workload(Kind::CloneSet, &json!({ "futureField": { "a": 1 } }));
    let mut second = objects[1].clone();
    second["metadata"]["name"] = json!("second");
    objects[2] = second;
    let shop = Served::with(objects, Life::Still);
    let nothing = shop.kruise(&["restart", "cloneset/nobody"]);
    assert_eq!((nothing.code, shop.sim.trace()), (Some(7), vec![]), "{nothing}");
    let said = shop.kruise(&["restart", "cloneset/web", "cloneset/second"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(0),
            "cloneset.apps.kruise.io/web restarted\ncloneset.apps.kruise.io/second restarted\n"
        ),
        "{said}"
    );
    for name in ["web", "second"] {
        let object = shop.get("apps.kruise.io/v1alpha1", "CloneSet", name);
        assert!(
            object["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]
                .is_string()
        );
    }
    let trace = shop.sim.trace();
    assert!(!trace.is_empty());
    for write in trace {
        assert!(
            write.verb == "PATCH" && !write.body.to_string().contains("futureField"),
            "{write:?}"
        );
    }
}

#[test]
fn b8_undo_of_an_advanced_stateful_set_can_be_tried() {
    let shop = two_versions(Kind::AdvancedStatefulSet, false);
    let said = shop.kruise(&["undo", "asts/web", "--dry-run=client"]);
    assert!(
        said.code == Some(0)
            && said.stderr.contains("-  - image: web:v2") == said.stderr.contains("+  - image: web:v1"),
        "{said}"
    );
    assert!(
        said.stdout
            .ends_with("statefulset.apps.kruise.io/web rolled back (dry run)\n"),
        "{said}"
    );
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn b9_undo_by_a_file() {
    let shop = two_versions(Kind::Deployment, true);
    let path = shop.folder.file("rollout.json");
    std::fs::write(&path, shop.rollout().to_string()).unwrap();
    let said = shop.kruise(&["undo", "-f", path.to_str().unwrap()]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "deployment.apps/web rolled back\n"),
        "{said}"
    );
}

#[test]
fn b10_fast_needs_a_release() {
    for (reason, phase) in [("Completed", "Healthy"), ("Cancelling", "Progressing")] {
        let shop = blue_green(reason, phase);
        let said = shop.kruise(&["undo", "web", "--fast"]);
        assert_eq!((said.code, shop.sim.trace()), (Some(8), vec![]), "{said}");
    }
    let shop = blue_green("InRolling", "Progressing");
    let mut paused = shop.rollout();
    paused["spec"]["strategy"]["paused"] = json!(true);
    shop.sim.load(paused).unwrap();
    let said = shop.kruise(&["undo", "web", "--fast"]);
    assert!(said.stderr.contains("it goes there when it is resumed"), "{said}");
}

#[test]
fn b11_fast_without_a_strategy() {
    let shop = blue_green("InRolling", "Progressing");
    let mut rollout = shop.rollout();
    rollout["spec"]["strategy"] = json!({});
    shop.sim.load(rollout).unwrap();
    let said = shop.kruise(&["undo", "web", "--fast"]);
    assert_eq!((said.code, shop.sim.trace()), (Some(8), vec![]), "{said}");
}

#[test]
fn b13_b14_b15_every_rollout_has_a_status_and_a_history() {
    for kind in Kind::ALL {
        let shop = two_versions(kind, true);
        let status = shop.kruise(&["status", "web", "-o", "json"]);
        assert_eq!(status.json()["kind"], "RolloutStatus", "{kind:?} {status}");
        let history = shop.kruise(&["history", "web", "-o", "json"]).json();
        let numbers: Vec<&Value> = history["revisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|revision| &revision["revision"])
            .collect();
        assert_eq!(numbers, [&json!(1), &json!(2)], "{kind:?} {history}");
        assert_eq!(history["revisions"][1]["part"], "current", "{kind:?}");
    }
    let waiting = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_eq!(
        waiting.kruise(&["status", "web"]).code,
        Some(4),
        "the code says it"
    );
}

#[test]
fn b16_b21_trap24_undo_knows_its_revisions_by_their_templates() {
    // No ReplicaSet of the held version is there yet: the second highest would be one too far back.
    let shop = Served::with(after(&[Turn::Held("web:v2")]), Life::Still);
    let said = shop.kruise(&["undo", "web"]);
    assert_eq!(said.code, Some(0), "{said}");
    assert_eq!(
        shop.deployment()["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
    let again = shop.kruise(&["undo", "web"]);
    assert_eq!(
        again.stdout, "deployment.apps/web skipped rollback (current template already matches revision 1)\n",
        "{again}"
    );
}

#[test]
fn b17_undo_says_what_it_begins() {
    let shop = two_versions(Kind::Deployment, true);
    let said = shop.kruise(&["undo", "web", "--dry-run=none"]);
    assert!(
        said.stderr
            .contains("the new version is held; an engine brings it out step by step"),
        "{said}"
    );
    let shop = two_versions(Kind::Deployment, false);
    let mut paused = shop.deployment();
    paused["spec"]["paused"] = json!(true);
    shop.sim.load(paused).unwrap();
    let said = shop.kruise(&["undo", "deploy/web"]);
    assert!(
        said.code == Some(0)
            && said
                .stderr
                .contains("is paused: its pods change when it is resumed"),
        "{said}"
    );
}

#[test]
fn b18_whatever_is_so_already_is_no_failure() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    for verb in [
        &["resume", "web"][..],
        &["pause", "web"],
        &["pause", "web"],
        &["resume", "web"],
        &["approve", "web", "--no-wait"],
        &["approve", "web", "--no-wait"],
        &["rollback", "web", "--no-wait"],
        &["rollback", "web", "--no-wait"],
    ] {
        let said = shop.kruise(verb);
        assert_eq!(said.code, Some(0), "{verb:?} {said}");
    }
}

#[test]
fn b19_what_is_printed_is_what_is() {
    let shop = two_versions(Kind::CloneSet, false);
    let undone = shop.kruise(&["undo", "cloneset/web", "-o", "json"]).json();
    assert_eq!(undone, get(&shop, Kind::CloneSet));
    let restarted = shop.kruise(&["restart", "cloneset/web", "-o", "json"]).json();
    assert_eq!(restarted, get(&shop, Kind::CloneSet));
}

#[test]
fn b20_flags_and_arguments_that_mean_nothing_are_refused() {
    for arguments in [
        &["completion"][..],
        &["completion", "bash", "zsh"],
        &["rollout", "pause", "web", "--warnings-as-errors"],
        &["rollout", "undo", "web", "--to-revision=-1"],
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{arguments:?} {output:?}");
    }
}

#[test]
fn b22_argos_rollouts_are_never_meant() {
    let mut objects = after(&[Turn::Released("web:v2")]);
    let mut argo = manifests::crds()
        .into_iter()
        .find(|crd| crd["spec"]["names"]["kind"] == "Rollout")
        .unwrap();
    argo["metadata"]["name"] = json!("rollouts.argoproj.io");
    argo["spec"]["group"] = json!("argoproj.io");
    objects.insert(0, argo);
    objects.push(json!({ "apiVersion": "argoproj.io/v1beta1", "kind": "Rollout", "metadata": { "name": "argo", "namespace": NAMESPACE },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "strategy": {} } }));
    let shop = Served::with(objects, Life::Still);
    assert_eq!(shop.kruise(&["status", "rollout/web"]).code, Some(4));
    assert_eq!(shop.kruise(&["status", "argo"]).code, Some(7));
    assert_eq!(
        shop.kruise(&["status", "rollouts.argoproj.io/argo"]).code,
        Some(64)
    );
    assert!(!shop.requested().contains("argoproj"));
}

#[test]
fn b23_requests() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    for (words, expected) in [
        (&["pause", "web"][..], 2),
        (&["approve", "web", "--no-wait"], 2),
        (&["undo", "web"], 4),
        (&["history", "web"], 3),
    ] {
        let said = shop.kruise(words);
        assert_eq!(said.code, Some(0), "{said}");
        let requested = shop.requested();
        assert_eq!(requested.lines().count(), expected, "{requested}");
    }
}
