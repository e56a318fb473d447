//! A whole release through the command line, with the engine in its process.

use serde_json::{Value, json};

use super::fixture::{Fixture, deployment, rollout};

/// The application before its first release, behind a Service and an Ingress if `routed`.
fn application(routed: bool) -> Vec<Value> {
    let mut object = rollout(&json!({}));
    object.as_object_mut().unwrap().remove("status");
    let mut objects = vec![deployment("web:v1")];
    if routed {
        object["spec"]["strategy"]["canary"]["trafficRoutings"] = json!([{ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web", "classType": "nginx" } }]);
        object["spec"]["strategy"]["canary"]["steps"][0]["traffic"] = "20%".into();
        let metadata = json!({ "name": "web", "namespace": "shop" });
        objects.push(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
        }));
        objects.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
            "spec": { "ingressClassName": "nginx", "rules": [{ "host": "web.example.com", "http": { "paths": [
                { "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } },
            ] } }] },
        }));
    }
    objects.push(object);
    objects
}

async fn play(fixture: &Fixture, script: &[(&[&str], i32, &str)]) {
    for (words, code, out) in script {
        let said = fixture.rollout(words).await;
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(*code), *out),
            "{words:?} {said:?}"
        );
    }
}

const IMAGE: &str = "deployment.apps/web image updated\n";
const WAITING: &str = "rollout.rollouts.kruise.io/demo waiting for approval of step 1/2\n";
const AT_REST: &str = "rollout.rollouts.kruise.io/demo at rest\n";
const ROLLED_BACK: &str = "deployment.apps/web rolled back\nrollout.rollouts.kruise.io/demo rolled back\n";
const APPROVED: &str = "rollout.rollouts.kruise.io/demo approved\n";
const COMPLETED: &str = "rollout.rollouts.kruise.io/demo completed\n";

#[tokio::test]
async fn a_release_from_the_first_command_to_the_end() {
    let fixture = Fixture::new(application(true)).await;
    let _controllers = fixture.sim.start();
    play(
        &fixture,
        &[
            (&["run", "demo", "--timeout", "30s"], 0, AT_REST),
            (&["set", "image", "demo", "web=web:v2"], 0, IMAGE),
            (&["run", "--all", "--timeout", "30s"], 4, WAITING),
            (&["rollback", "demo", "--standalone", "--yes"], 0, ROLLED_BACK),
            (
                &["set", "image", "deploy/web", "web=web:v3", "--standalone"],
                4,
                &format!("{IMAGE}{WAITING}"),
            ),
            (
                &["approve", "demo", "--standalone", "--step", "1"],
                0,
                &format!("{APPROVED}{COMPLETED}"),
            ),
        ],
    )
    .await;
    let after = fixture.get("Deployment", "web");
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v3"
    );
    assert_eq!(
        (&after["status"]["readyReplicas"], after["spec"]["paused"] == true),
        (&json!(5), false)
    );
}

#[tokio::test]
async fn a_release_without_traffic_routing() {
    let fixture = Fixture::new(application(false)).await;
    let _controllers = fixture.sim.start();
    play(
        &fixture,
        &[
            (&["run", "demo", "--timeout", "30s"], 0, AT_REST),
            (
                &["set", "image", "demo", "web=web:v2", "--standalone"],
                4,
                &format!("{IMAGE}{WAITING}"),
            ),
            (&["approve", "demo", "--no-wait"], 0, APPROVED),
            (&["run", "demo", "--timeout", "30s"], 0, COMPLETED),
        ],
    )
    .await;
}

#[tokio::test]
async fn refuses_to_drive_what_a_controller_drives() {
    let release = json!({
        "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "BatchRelease",
        "metadata": { "name": "demo", "namespace": "shop", "ownerReferences": [{ "uid": "demo-uid", "name": "demo", "kind": "Rollout" }] },
    });
    let mut object = rollout(&super::fixture::at_step(1, "StepPaused"));
    object["metadata"]["uid"] = "demo-uid".into();
    let fixture = Fixture::new(vec![object, deployment("web:v2"), release]).await;
    let commands: [&[&str]; 4] = [
        &["run", "demo"],
        &["approve", "demo", "--standalone"],
        &["rollback", "demo", "--standalone"],
        &["set", "image", "demo", "web=web:v3", "--standalone"],
    ];
    for words in commands {
        let said = fixture.rollout(words).await;
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(8), ""),
            "{words:?} {said:?}"
        );
        assert!(
            said.err.contains("the controller in the cluster is in charge"),
            "{said:?}"
        );
    }
    assert_eq!(fixture.sim.take_trace(), []);
}
