//! `rollback` and `set image`: one write each, with the right content, or none at all.

use serde_json::{Value, json};

use super::fixture::{DEPLOYMENT, Fixture, at_rest, deployment, paused_release, replica_set, rollout};

fn healthy() -> Vec<Value> {
    vec![
        rollout(&at_rest("True")),
        deployment("web:v1"),
        replica_set("aaa", "web:v1", 1, 5),
    ]
}

#[tokio::test]
async fn rollback_puts_the_stable_template_back() {
    let fixture = Fixture::new(paused_release()).await;
    let tried = fixture.rollout(&["rollback", "demo", "--dry-run=client"]).await;
    assert_eq!(
        (tried.code, fixture.sim.take_trace()),
        (Some(0), Vec::new()),
        "{tried:?}"
    );
    assert!(
        tried.err.contains("-  - image: web:v2\n+  - image: web:v1\n"),
        "{tried:?}"
    );

    let said = fixture.rollout(&["rollback", "demo", "--no-wait"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "deployment.apps/web rolled back\n"),
        "{said:?}"
    );
    let trace = fixture.sim.take_trace();
    let writes: Vec<_> = trace
        .iter()
        .map(|write| (write.path.as_str(), write.field_manager.as_str()))
        .collect();
    assert_eq!(writes, [(DEPLOYMENT, "kubectl-kruise")]);
    let after = fixture.get("Deployment", "web");
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
    assert_eq!(
        after["spec"]["template"]["metadata"]["labels"],
        json!({ "app": "web" })
    );

    let again = fixture.rollout(&["rollback", "demo", "--no-wait"]).await;
    assert_eq!(
        (again.code, fixture.sim.take_trace()),
        (Some(0), Vec::new()),
        "{again:?}"
    );
}

#[tokio::test]
async fn rollback_needs_a_release() {
    let fixture = Fixture::new(healthy()).await;
    let said = fixture.rollout(&["rollback", "demo", "--no-wait"]).await;
    assert_eq!((said.code, said.out.as_str()), (Some(8), ""));
    assert!(
        said.err
            .contains("has no release under way (completed): there is nothing to roll back"),
        "{said:?}"
    );
    assert_eq!(fixture.sim.take_trace(), []);
}

#[tokio::test]
async fn set_image_holds_in_the_same_write() {
    let fixture = Fixture::new(healthy()).await;
    let said = fixture.rollout(&["set", "image", "demo", "web=web:v2"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "deployment.apps/web image updated\n"),
        "{said:?}"
    );
    let trace = fixture.sim.take_trace();
    let writes: Vec<_> = trace
        .iter()
        .map(|write| (write.path.as_str(), write.field_manager.as_str()))
        .collect();
    let rollouts = "/apis/rollouts.kruise.io/v1beta1/namespaces/shop/rollouts/demo";
    assert_eq!(
        writes,
        [(rollouts, "rollouts-engine"), (DEPLOYMENT, "rollouts-engine")]
    );
    let after = fixture.get("Deployment", "web");
    assert_eq!(after["spec"]["paused"], true);
    assert_eq!(
        after["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v2"
    );
    assert_eq!(
        after["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"],
        r#"{"rolloutName":"demo","original":{"paused":false}}"#
    );

    let again = fixture
        .rollout(&["set", "image", "deploy/web", "web=web:v2"])
        .await;
    assert_eq!(
        (again.code, again.out.as_str()),
        (Some(0), "deployment.apps/web image unchanged\n")
    );
    assert_eq!(fixture.sim.take_trace(), []);
    // Held and not begun: it can be taken back before anybody has acted.
    let back = fixture.rollout(&["rollback", "demo", "--no-wait"]).await;
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(
        fixture.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v1"
    );
}

#[tokio::test]
async fn set_image_without_a_rollout_is_plain() {
    let mut disabled = rollout(&json!({ "phase": "Disabled" }));
    disabled["spec"]["disabled"] = true.into();
    for objects in [vec![deployment("web:v1")], vec![deployment("web:v1"), disabled]] {
        let fixture = Fixture::new(objects).await;
        let said = fixture.rollout(&["set", "image", "deploy/web", "*=web:v2"]).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        let after = fixture.get("Deployment", "web");
        assert_eq!(
            (&after["spec"]["paused"], &after["metadata"]["annotations"]),
            (&Value::Null, &Value::Null)
        );
    }
}

#[tokio::test]
async fn set_image_refuses_what_does_not_exist() {
    let fixture = Fixture::new(healthy()).await;
    let cases: [(&[&str], i32, &str); 4] = [
        (
            &["demo", "db=x"],
            7,
            "error: deployment.apps/web has no container \"db\"\n\nhint: its containers: web\n",
        ),
        (
            &["deploy/nobody", "web=x"],
            7,
            "deployment.apps/nobody not found in namespace \"shop\"",
        ),
        (&["demo", "web"], 64, "give CONTAINER=IMAGE"),
        (&["demo"], 64, "CONTAINER=IMAGE"),
    ];
    for (words, code, error) in cases {
        let said = fixture.rollout(&[&["set", "image"], words].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        assert!(said.err.contains(error), "{said:?}");
    }
    assert_eq!(fixture.sim.take_trace(), []);
}
