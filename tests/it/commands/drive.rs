//! A whole release through the command line, with the engine in its process.

use serde_json::json;

use super::fixture::{Fixture, deployment, rollout};

#[tokio::test]
async fn a_release_from_the_first_command_to_the_end() {
    let mut object = rollout(&json!({}));
    object.as_object_mut().unwrap().remove("status");
    let fixture = Fixture::new(vec![object, deployment("web:v1")]).await;
    let _controllers = fixture.sim.start();
    let title = "rollout.rollouts.kruise.io/demo";
    let script: [(&[&str], i32, String); 6] = [
        (&["run", "demo", "--timeout", "8s"], 0, format!("{title} at rest\n")),
        (&["set", "image", "demo", "web=web:v2"], 0, "deployment.apps/web image updated\n".into()),
        (&["run", "--all", "--timeout", "8s"], 4, format!("{title} waiting for approval of step 1/2\n")),
        (
            &["rollback", "demo", "--standalone", "--yes"],
            0,
            format!("deployment.apps/web rolled back\n{title} rolled back\n"),
        ),
        (
            &["set", "image", "deploy/web", "web=web:v3", "--standalone"],
            4,
            format!("deployment.apps/web image updated\n{title} waiting for approval of step 1/2\n"),
        ),
        (
            &["approve", "demo", "--standalone", "--step", "1"],
            0,
            format!("{title} approved\n{title} completed\n"),
        ),
    ];
    for (words, code, out) in script {
        let said = fixture.rollout(words).await;
        
        assert_eq!((said.code, said.out.as_str()), (Some(code), out.as_str()), "{words:?} {said:?}");
    }
    let after = fixture.get("Deployment", "web");
    assert_eq!(after["spec"]["template"]["spec"]["containers"][0]["image"], "web:v3");
    assert_eq!(after["status"]["readyReplicas"], 5);
    assert_eq!(after["spec"]["paused"].as_bool().unwrap_or_default(), false);
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
        assert_eq!((said.code, said.out.as_str()), (Some(8), ""), "{words:?} {said:?}");
        assert!(said.err.contains("the controller in the cluster is in charge"), "{said:?}");
    }
    assert_eq!(fixture.sim.take_trace(), []);
}
