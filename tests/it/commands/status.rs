//! `status`: what it shows, its exit codes, and what it costs.

use serde_json::{Value, json};

use super::fixture::{Fixture, ROLLOUT, at_rest, at_step, deployment, paused_release, replica_set, rollout};

#[tokio::test]
async fn shows_a_paused_release() {
    let fixture = Fixture::new(paused_release()).await;
    let said = fixture.rollout(&["status", "demo"]).await;
    let expected = "\
Rollout:  shop/demo  canary of deployment/web
State:    waiting for approval: step 1/2
Next:     you
Command:  kubectl kruise rollout approve demo -n shop --step 1 --standalone
Message:  a message
Cause:    no controller carries this out: unless a 'run --forever' waits for it, going on needs --standalone

    STEP   PODS   TRAFFIC   ENDS
▶   1      1      -         by approval
·   2      100%   -         by itself

VERSION   HASH   DESIRED   CURRENT   READY   IMAGES
stable    aaa    5         5         5       web:v1
new       bbb    1         1         1       web:v2
";
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (Some(4), expected, "")
    );
    let requests = fixture.take_requests();
    assert!(requests.len() <= 6, "{requests:?}");
}

#[tokio::test]
async fn exits_by_state() {
    let cases: [(Value, i32, &str); 6] = [
        (at_rest("True"), 0, "completed"),
        (at_rest("False"), 6, "rolled back"),
        (
            at_step(1, "StepUpgrade"),
            0,
            "progressing: step 1/2, bringing up new pods",
        ),
        (at_step(1, "StepPaused"), 4, "waiting for approval: step 1/2"),
        (
            json!({ "phase": "Initial", "message": "Workload Not Found" }),
            5,
            "workload not found",
        ),
        (json!({}), 0, "not observed yet"),
    ];
    for (status, code, state) in cases {
        let fixture = Fixture::new(vec![
            rollout(&status),
            deployment("web:v1"),
            replica_set("aaa", "web:v1", 1, 5),
        ])
        .await;
        let said = fixture.rollout(&["status", "deploy/web"]).await;
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.out.contains(&format!("State:    {state}")), "{said:?}");
        let machine = fixture.rollout(&["status", "demo", "-o", "json"]).await;
        let document: Value = serde_json::from_str(&machine.out).unwrap();
        assert_eq!(
            (machine.code, &document["exitCode"], &document["kind"]),
            (Some(code), &json!(code), &json!("RolloutStatus"))
        );
    }
}

#[tokio::test]
async fn names_what_is_missing() {
    let mut object = rollout(&at_rest("True"));
    object["spec"]["strategy"]["canary"]["trafficRoutings"] =
        json!([{ "service": "web", "ingress": { "name": "web" } }]);
    let fixture = Fixture::new(vec![object, deployment("web:v1")]).await;
    let said = fixture.rollout(&["status", "demo"]).await;
    assert_eq!(said.code, Some(5), "{said:?}");
    for missing in ["service \"web\" does not exist", "ingress \"web\" does not exist"] {
        assert!(said.out.contains(missing), "{said:?}");
    }
}

#[tokio::test]
async fn tables_many_with_one_request() {
    let fixture = Fixture::new(paused_release()).await;
    let said = fixture.rollout(&["status", "-A"]).await;
    let expected = "\
NAMESPACE   NAME   STYLE    WORKLOAD         STEP   STATE
shop        demo   canary   deployment/web   1/2    waiting for approval: step 1/2
";
    assert_eq!((said.code, said.out.as_str()), (Some(4), expected));
    assert_eq!(fixture.take_requests().len(), 1);
    let none = fixture.rollout(&["status", "-l", "app=other"]).await;
    assert_eq!(
        (none.code, none.err.as_str()),
        (
            Some(7),
            "error: no Rollouts with labels \"app=other\" found in namespace \"shop\"\n"
        )
    );
}

#[tokio::test]
async fn waits_for_conditions() {
    let cases: [(&[&str], i32); 6] = [
        (&["status", "demo", "--until", "paused"], 0),
        (&["status", "demo", "--until", "step=1"], 0),
        (&["status", "nobody", "--until", "gone"], 0),
        (
            &["status", "demo", "--until", "step=2", "--timeout", "300ms"],
            124,
        ),
        (&["status", "demo", "-w", "--timeout", "300ms"], 124),
        (&["status", "demo", "--until", "tea"], 64),
    ];
    let fixture = Fixture::new(paused_release()).await;
    for (words, code) in cases {
        let said = fixture.rollout(words).await;
        assert_eq!(said.code, Some(code), "{words:?} {said:?}");
    }
}

#[tokio::test]
async fn waiting_ends_when_the_state_comes() {
    let fixture = Fixture::new(paused_release()).await;
    let change = async {
        // The command has looked once when it has opened its watch.
        while !fixture
            .take_requests()
            .iter()
            .any(|request| request.starts_with("GET") && request.ends_with("/rollouts"))
        {
            tokio::task::yield_now().await;
        }
        let mut object = rollout(&at_rest("True"));
        object["metadata"]["uid"] = fixture.get("Rollout", "demo")["metadata"]["uid"].clone();
        let patch = kube::api::Patch::Merge(json!({ "status": object["status"] }));
        let api: kube::Api<kubectl_kruise::api::v1beta1::Rollout> =
            kube::Api::namespaced(agent_client(&fixture), "shop");
        api.patch_status("demo", &kube::api::PatchParams::default(), &patch)
            .await
            .unwrap();
    };
    let mut held = fixture.get("Deployment", "web");
    held["metadata"]["annotations"] = json!({});
    fixture.sim.load(held).unwrap();
    let words = ["status", "demo", "-w", "--timeout", "20s"];
    let (said, ()) = tokio::join!(fixture.rollout(&words), change);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out
            .lines()
            .last()
            .is_some_and(|line| line.contains("shop/demo  completed")),
        "{said:?}"
    );
}

/// The simulator's own client says nothing of itself; the fixture wants every request to.
fn agent_client(fixture: &Fixture) -> kube::Client {
    use tower::ServiceBuilder;
    let client = fixture.sim.client();
    let agent = tower::util::MapRequestLayer::new(|mut request: http::Request<kube::client::Body>| {
        request.headers_mut().insert(
            http::header::USER_AGENT,
            http::HeaderValue::from_static("kubectl-kruise/test"),
        );
        request
    });
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let client = client.clone();
        async move { client.send(request).await }
    });
    kube::Client::new(ServiceBuilder::new().layer(agent).service(service), "shop")
}

#[tokio::test]
async fn reads_rollouts_of_a_cluster_that_serves_only_v1alpha1() {
    let old = json!({
        "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "Rollout",
        "metadata": { "name": "demo", "namespace": "shop", "annotations": { "rollouts.kruise.io/rolling-style": "canary" } },
        "spec": {
            "objectRef": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
            "strategy": { "canary": { "steps": [{ "weight": 20, "pause": {} }, { "weight": 100, "pause": {} }] } },
        },
        "status": at_step(1, "StepPaused"),
    });
    let fixture = Fixture::with_definitions(Vec::new(), vec![old, deployment("web:v1")]).await;
    let said = fixture.rollout(&["status", "deploy/web"]).await;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(
        said.out.contains("canary of deployment/web") && said.out.contains("20%"),
        "{said:?}"
    );
    let approved = fixture.rollout(&["approve", "demo", "--dry-run=client"]).await;
    let path = "PATCH /apis/rollouts.kruise.io/v1alpha1/namespaces/shop/rollouts/demo/status?fieldManager=kubectl-kruise";
    assert_eq!(approved.out.lines().next(), Some(path), "{approved:?}");
}

/// A pod of a StatefulSet `web`, or of somebody else.
fn pod(name: &str, owner: &str, revision: &str, image: &str, ready: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "labels": { "app": "web", "controller-revision-hash": revision },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": owner, "controller": true }] },
        "spec": { "containers": [{ "name": "web", "image": image }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
    })
}

#[tokio::test]
async fn counts_the_pods_of_a_stateful_set_and_reads_no_others() {
    let mut status = at_step(1, "StepPaused");
    status["canaryStatus"]["stableRevision"] = json!("web-aaa");
    status["canaryStatus"]["canaryRevision"] = json!("web-bbb");
    let mut object = rollout(&status);
    object["spec"]["workloadRef"]["kind"] = json!("StatefulSet");
    object["spec"]["strategy"]["canary"]["enableExtraWorkloadForCanary"] = json!(false);
    let mut set = deployment("web:v2");
    set["kind"] = json!("StatefulSet");
    set["spec"]["replicas"] = json!(3);
    set["spec"]["selector"] =
        json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["web"] }] });
    set["spec"]["updateStrategy"] = json!({ "rollingUpdate": { "partition": 2 } });
    let mut elsewhere = pod("other-0", "other", "other-ccc", "other:v1", "True");
    elsewhere["metadata"]["labels"]["app"] = json!("other");
    let fixture = Fixture::new(vec![
        object,
        set,
        pod("web-0", "web-uid", "web-aaa", "web:v1", "True"),
        pod("web-1", "web-uid", "web-aaa", "web:v1", "True"),
        pod("web-2", "web-uid", "web-bbb", "web:v2", "True"),
        pod("like-web-0", "other", "web-bbb", "web:v2", "True"),
        elsewhere,
    ])
    .await;
    let said = fixture.rollout(&["status", "demo"]).await;
    let expected = "\
VERSION   HASH      DESIRED   CURRENT   READY   IMAGES
stable    web-aaa   2         2         2       web:v1
new       web-bbb   1         1         1       web:v2
";
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.out.ends_with(expected), "{}", said.out);
    let mut requests = fixture.take_requests();
    requests.sort();
    assert_eq!(
        requests,
        [
            "GET /api/v1/namespaces/shop/pods",
            "GET /apis/apps/v1/namespaces/shop/statefulsets/web",
            // Asked once in a while.
            "GET /apis/rollouts.kruise.io/v1beta1",
            &format!("GET {ROLLOUT}"),
        ]
    );
}

#[tokio::test]
async fn says_what_a_blue_green_release_cannot_go_on_without() {
    let mut status = at_step(1, "StepPaused");
    status["blueGreenStatus"] = status["canaryStatus"].take();
    status["blueGreenStatus"]["updatedRevision"] = json!("bbb");
    status["message"] =
        json!("new version releasing detected in the progress of blue-green release, please rollback first");
    let mut object = rollout(&status);
    object["spec"]["strategy"] = json!({ "blueGreen": { "steps": [{ "replicas": "100%", "pause": {} }] } });
    let fixture = Fixture::new(vec![
        object,
        deployment("web:v3"),
        replica_set("aaa", "web:v1", 1, 5),
    ])
    .await;
    let said = fixture.rollout(&["status", "demo"]).await;
    assert_eq!(said.code, Some(5), "{said:?}");
    for line in [
        "State:    degraded: step 1/1, paused",
        "Command:  kubectl kruise rollout rollback demo -n shop",
        "please rollback first",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
}
