//! `approve`: what it sends, when it refuses, and that a refusal changes nothing.

use serde_json::{Value, json};

use super::fixture::{Fixture, ROLLOUT, Said, at_rest, at_step, paused_release, rollout};

#[tokio::test]
async fn approves_with_one_read_and_one_write() {
    let fixture = Fixture::new(paused_release()).await;
    let said = fixture
        .rollout(&["approve", "demo", "--no-wait", "--step", "1", "--revision", "bbb"])
        .await;
    let expected = Said {
        code: Some(0),
        out: "rollout.rollouts.kruise.io/demo approved\n".into(),
        err: String::new(),
    };
    assert_eq!(said, expected);
    assert_eq!(
        fixture.take_requests(),
        [format!("GET {ROLLOUT}"), format!("PATCH {ROLLOUT}/status")]
    );
    let trace = fixture.sim.take_trace();
    let [write] = trace.as_slice() else {
        panic!("{trace:?}")
    };
    let version = &write.body["metadata"]["resourceVersion"];
    assert!(version.is_string());
    let body = json!({ "metadata": { "resourceVersion": version }, "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
    assert_eq!(
        (&write.body, write.content_type.as_str()),
        (&body, "application/merge-patch+json")
    );
    let status = &fixture.get("Rollout", "demo")["status"];
    assert_eq!(status["canaryStatus"]["currentStepState"], "StepReady");
    assert_eq!(
        status["canaryStatus"]["canaryReadyReplicas"], 1,
        "the rest of the status is left alone"
    );

    // A second approval of the same step finds the first one and sends nothing.
    let again = fixture.rollout(&["approve", "demo", "--no-wait"]).await;
    assert_eq!(
        (again.code, again.out.as_str()),
        (Some(0), "rollout.rollouts.kruise.io/demo approved\n")
    );
    assert_eq!(fixture.sim.take_trace(), []);
}

#[tokio::test]
async fn refuses_what_is_not_paused_and_changes_nothing() {
    let cases: [(Value, &[&str], i32, &str); 6] = [
        (
            at_step(1, "StepUpgrade"),
            &[],
            8,
            "error: rollouts.rollouts.kruise.io \"demo\" does not allow to approve, because current canary state is not \
             'StepPaused' (step 1/2 is in StepUpgrade)",
        ),
        (
            at_rest("True"),
            &[],
            8,
            "error: rollouts.rollouts.kruise.io \"demo\" no need to approve: not in canary or blue-green progress (phase Healthy)",
        ),
        (
            json!({ "phase": "Initial" }),
            &[],
            8,
            "not in canary or blue-green progress (phase Initial)",
        ),
        (
            at_step(1, "StepPaused"),
            &["--step", "2"],
            8,
            "is at step 1, not at step 2; nothing was approved",
        ),
        (
            at_step(1, "StepPaused"),
            &["--revision", "ccc"],
            8,
            "releases revision \"bbb\", not \"ccc\"; nothing was approved",
        ),
        (at_step(1, "StepPaused"), &["--step", "0"], 64, "--step <N>"),
    ];
    for (status, flags, code, words) in cases {
        let fixture = Fixture::new(vec![rollout(&status)]).await;
        let said = fixture.rollout(&[&["approve", "demo"], flags].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
        assert_eq!(fixture.sim.take_trace(), []);
    }
}

#[tokio::test]
async fn says_what_does_not_exist_and_what_is_like_it() {
    let fixture = Fixture::new(vec![rollout(&json!({}))]).await;
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["demmo"],
            7,
            "rollouts.rollouts.kruise.io \"demmo\" not found in namespace \"shop\"\n\nhint: did you mean demo?",
        ),
        (
            &["web"],
            7,
            "hint: it is the name of a Deployment: use \"demo\" or deploy/web",
        ),
        (
            &["demo", "-n", "other"],
            7,
            "hint: there are no Rollouts in namespace \"other\"; -n names another",
        ),
        (
            &["deploy/nobody"],
            7,
            "deployments.apps \"nobody\" not found in namespace \"shop\"",
        ),
        (
            &["pod/x"],
            64,
            "\"pod\" in \"pod/x\" is no type this command knows",
        ),
        (&["rollout"], 64, "\"rollout\" is a type, and no name follows it"),
    ];
    for (words, code, error) in cases {
        let said = fixture.rollout(&[&["approve"], words].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        assert!(said.err.contains(error), "{said:?}");
    }
    assert_eq!(fixture.sim.take_trace(), []);
}

#[tokio::test]
async fn tries_without_writing() {
    let fixture = Fixture::new(paused_release()).await;
    let client = fixture.rollout(&["approve", "demo", "--dry-run=client"]).await;
    let lines: Vec<&str> = client.out.lines().collect();
    assert_eq!(
        lines[0],
        format!("PATCH {ROLLOUT}/status?fieldManager=kubectl-kruise")
    );
    assert_eq!(lines[3], "rollout.rollouts.kruise.io/demo approved (dry run)");
    assert_eq!(fixture.sim.take_trace(), []);
    let server = fixture.rollout(&["approve", "demo", "--dry-run=server"]).await;
    assert_eq!(
        server.out,
        "rollout.rollouts.kruise.io/demo approved (server dry run)\n"
    );
    assert!(fixture.sim.take_trace().iter().all(|write| write.dry_run));
    assert_eq!(
        fixture.get("Rollout", "demo")["status"]["canaryStatus"]["currentStepState"],
        "StepPaused"
    );
}

#[tokio::test]
async fn warns_when_nobody_acts() {
    let fixture = Fixture::new(paused_release()).await;
    let said = fixture.rollout(&["approve", "demo"]).await;
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "rollout.rollouts.kruise.io/demo approved\n")
    );
    assert_eq!(
        said.err,
        "warning: step 1 was not left within 5 s: does an engine act on this Rollout?\n\
         hint: kubectl kruise rollout run demo -n shop\n"
    );
}
