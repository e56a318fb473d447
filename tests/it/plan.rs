//! What a plan says is what then happens: the same writes in the same order, the same pods at each gate.

pub(crate) mod files;

use std::time::Duration;

use kubectl_kruise::{
    clock::Clock,
    engine::{
        core::{Reason, Stop},
        driver::{self, Event, Options, Scope},
    },
    plan::{self, Change, End, Plan, Request},
    sim::{self, Sim},
    workload::edit::{self, NewImage},
};
use serde_json::{Value, json};

use crate::{
    harness::cluster::{Cluster, Place},
    parity::scenario::Scenario,
};

const MERGE: &str = "application/merge-patch+json";
const READY_AFTER: Duration = Duration::from_secs(1);

/// A write: method, object, purpose. Pods have random names.
type Write = (String, String, String);

/// What a run did, and the new and the old pods at each step that it waited at.
#[derive(Debug, Default, PartialEq)]
struct Run {
    writes: Vec<Write>,
    gates: Vec<(i32, i64, i64)>,
}

/// The application of a recorded release on a simulated cluster, noticed by an engine that is gone again.
struct Stage {
    sim: Sim,
    clock: Clock,
    cluster: Cluster,
    _controllers: sim::Controllers,
}

impl Stage {
    async fn of(name: &str) -> Self {
        let scenario = Scenario::load(name);
        let clock = Clock::wall();
        let sim = Sim::new(sim::Options {
            pod_ready_after: READY_AFTER,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let cluster = Cluster {
            client: sim.client(),
            namespace: "plan".to_owned(),
        };
        cluster.create_namespace(&json!({})).await;
        for manifest in &scenario.manifests {
            cluster.create(manifest).await.unwrap();
        }
        let stage = Self {
            sim,
            clock,
            cluster,
            _controllers: controllers,
        };
        clock.sleep(Duration::from_secs(5)).await;
        stage.run(|stop| *stop == Stop::AtRest).await;
        stage
    }

    /// Lets an engine work, approving what waits, until it comes to such a stop.
    async fn run(&self, is_end: fn(&Stop) -> bool) -> Run {
        let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
        let scope = Scope::Names {
            namespace: "plan".to_owned(),
            names: vec!["demo".to_owned()],
        };
        let options = Options {
            identity: "test".to_owned(),
            forever: true,
            ..Options::default()
        };
        let engine = tokio::spawn(driver::drive(
            self.sim.client(),
            self.clock,
            scope,
            options,
            events,
        ));
        let mut run = Run::default();
        let followed = async {
            while let Some(event) = told.recv().await {
                match event {
                    Event::Wrote { effect, .. } => run.writes.push(write(
                        effect.verb.method(),
                        &effect.target.to_string(),
                        &effect.purpose,
                    )),
                    Event::Moved {
                        reason: Reason::WaitingForApproval { step, .. } | Reason::TimedPause { step, .. },
                        ..
                    } => {
                        self.clock.sleep(Duration::from_millis(100)).await;
                        run.gates.push(self.pods_at(step));
                    }
                    Event::Stopped { stop, .. } if is_end(&stop) => break,
                    Event::Stopped {
                        stop: Stop::WaitingForApproval { .. },
                        ..
                    } => {
                        self.rollout(
                            "/status",
                            json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } }),
                        )
                        .await;
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(86_400), followed)
            .await
            .expect("the release ends within a day");
        engine.abort();
        run
    }

    fn pods_at(&self, step: i32) -> (i32, i64, i64) {
        let mut pods = [0, 0];
        for set in self.sim.list("apps/v1", "ReplicaSet", Some("plan")) {
            let old = set["spec"]["template"]["spec"]["containers"][0]["image"] == "echoserver:v1";
            pods[usize::from(old)] += set["status"]["replicas"].as_i64().unwrap_or(0);
        }
        (step, pods[0], pods[1])
    }

    async fn rollout(&self, subresource: &str, body: Value) {
        self.cluster
            .patch(Place::named("rollout"), "demo", subresource, MERGE, &body)
            .await
            .unwrap();
    }

    /// Another image, held in the same request, as `set image` does it.
    async fn image(&self, image: &str) {
        let deployment = self
            .sim
            .get("apps/v1", "Deployment", "plan", "echoserver")
            .unwrap();
        let patch = edit::set_images(&deployment, &images(image), Some("demo"))
            .unwrap()
            .unwrap();
        self.cluster
            .patch(
                Place::named("deployment"),
                "echoserver",
                "",
                "application/json-patch+json",
                &patch,
            )
            .await
            .unwrap();
    }

    fn request(&self, images: Vec<NewImage>) -> Request {
        let kinds = [
            ("rollouts.kruise.io/v1beta1", "Rollout"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "ReplicaSet"),
            ("v1", "Pod"),
            ("v1", "Service"),
            ("networking.k8s.io/v1", "Ingress"),
        ];
        Request {
            objects: kinds
                .into_iter()
                .flat_map(|(api_version, kind)| self.sim.list(api_version, kind, Some("plan")))
                .collect(),
            namespace: "plan".to_owned(),
            rollout: "demo".to_owned(),
            change: Change {
                images,
                ..Change::default()
            },
            start: self.clock.now(),
            pod_ready_after: READY_AFTER,
            ..Request::default()
        }
    }
}

fn images(image: &str) -> Vec<NewImage> {
    vec![NewImage {
        container: "*".to_owned(),
        image: image.to_owned(),
    }]
}

fn write(method: &str, object: &str, purpose: &str) -> Write {
    let object = if object.starts_with("pod/") { "pod" } else { object };
    (method.to_owned(), object.to_owned(), purpose.to_owned())
}

/// A plan as the run that it predicts.
fn predicted(plan: &Plan) -> Run {
    Run {
        writes: plan
            .writes
            .iter()
            .map(|one| write(one.verb, &one.object, &one.purpose))
            .collect(),
        gates: plan
            .steps
            .iter()
            .filter(|step| step.gate != "-")
            .map(|step| (step.step, i64::from(step.new_pods), i64::from(step.old_pods)))
            .collect(),
    }
}

/// Plans and then does the same; both must tell the same story, and each write stands in a row of the table.
async fn compare(stage: &Stage, change: Option<&str>, end: End, is_end: fn(&Stop) -> bool) {
    let plan = plan::predict(stage.request(change.map(images).unwrap_or_default())).unwrap();
    if let Some(image) = change {
        stage.image(image).await;
    }
    let run = stage.run(is_end).await;
    assert_eq!(predicted(&plan), run);
    assert_eq!(plan.end, end, "{}", plan.message);
    let rows = plan.steps.iter().chain(&plan.finish);
    assert_eq!(
        rows.map(|step| step.writes).sum::<usize>(),
        plan.writes.len(),
        "{}",
        plan.markdown(false)
    );
}

/// Releases v2 and stops at the first pause.
async fn paused(name: &str) -> Stage {
    let stage = Stage::of(name).await;
    stage.image("echoserver:v2").await;
    stage
        .run(|stop| matches!(stop, Stop::WaitingForApproval { step: 1, .. }))
        .await;
    stage
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_release_is_the_release() {
    for name in [
        "canary-nginx-weight",
        "rollback-mid-canary",
        "delete-rollout-mid-canary",
        "disable-mid-canary",
    ] {
        let stage = Stage::of(name).await;
        compare(&stage, Some("echoserver:v2"), End::Completed, |stop| {
            *stop == Stop::Completed
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_the_rest_of_a_release_is_the_rest() {
    let stage = paused("canary-nginx-weight").await;
    compare(&stage, None, End::Completed, |stop| *stop == Stop::Completed).await;
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_rollback_is_the_rollback() {
    let stage = paused("rollback-mid-canary").await;
    compare(&stage, Some("echoserver:v1"), End::RolledBack, |stop| {
        *stop == Stop::RolledBack
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_deleted_rollout_is_its_end() {
    let stage = paused("delete-rollout-mid-canary").await;
    stage
        .cluster
        .delete(Place::named("rollout"), "demo")
        .await
        .unwrap();
    compare(&stage, None, End::Completed, |stop| *stop == Stop::Gone).await;
}

#[tokio::test(start_paused = true)]
async fn the_plan_of_a_disabled_rollout_is_its_end() {
    let stage = paused("disable-mid-canary").await;
    stage.rollout("", json!({ "spec": { "disabled": true } })).await;
    compare(&stage, None, End::Completed, |stop| *stop == Stop::Disabled).await;
}

#[tokio::test(start_paused = true)]
async fn timed_pauses_take_their_time_and_the_same_request_gives_the_same_bytes() {
    let stage = Stage::of("canary-nginx-weight").await;
    let mut strategy = stage
        .sim
        .get("rollouts.kruise.io/v1beta1", "Rollout", "plan", "demo")
        .unwrap()["spec"]["strategy"]
        .clone();
    strategy["canary"]["steps"][0]["pause"] = json!({ "duration": 600 });
    strategy["canary"]["steps"][1]["pause"] = json!({ "duration": 7200 });
    stage
        .rollout("", json!({ "spec": { "strategy": strategy } }))
        .await;
    let request = stage.request(images("echoserver:v2"));
    let plans = [request.clone(), request].map(|request| plan::predict(request).unwrap());
    let bytes = plans
        .each_ref()
        .map(|plan| serde_json::to_string_pretty(plan).unwrap());
    assert_eq!(bytes[0], bytes[1]);
    let steps = &plans[0].steps;
    let gates: Vec<_> = steps.iter().map(|step| step.gate.as_str()).collect();
    assert_eq!(gates, ["600 s", "7200 s", "-"]);
    let waits = [
        steps[1].seconds - steps[0].seconds,
        steps[2].seconds - steps[1].seconds,
    ];
    // Besides the pause: pods ready after a second, one grace period of a second, and the next gate.
    assert!((600.0..605.0).contains(&waits[0]), "{waits:?}");
    assert!((7200.0..7205.0).contains(&waits[1]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_service_blocks_the_plan() {
    let stage = Stage::of("canary-nginx-weight").await;
    stage
        .cluster
        .delete(Place::named("service"), "echoserver")
        .await
        .unwrap();
    let plan = plan::predict(stage.request(images("echoserver:v2"))).unwrap();
    let objects: Vec<_> = plan.writes.iter().map(|write| write.object.as_str()).collect();
    assert_eq!(
        (plan.end, plan.message.as_str(), objects),
        (
            End::Blocked,
            "traffic routing is not possible: Service echoserver not found",
            vec!["rollout/demo"]
        )
    );
}
