//! Metric gates on the simulator, in virtual time: what is measured is a script.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use kubectl_kruise::{
    analysis::{Answer, Fault, Query},
    clock::Clock,
    engine::{
        core::Stop,
        driver::{self, Event, Meter, Options, RolloutKey, Scope},
    },
    sim::{self, Sim},
    workload::edit::{self, NewImage},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::{
    cluster::{Cluster, Place},
    dice::Dice,
};

mod slow;
mod telling;

const NAMESPACE: &str = "shop";

type Script = Arc<dyn Fn(i64, i64) -> Answer + Send + Sync>;

/// Answers by a script of the number of the measurement and the second since the beginning; keeps when it was asked.
#[derive(Clone)]
struct Scripted {
    clock: Clock,
    began: Timestamp,
    script: Script,
    asked: Arc<Mutex<Vec<(i64, i64)>>>,
    /// How long an answer takes.
    takes: Duration,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Meter for Scripted {
    fn measure(&self, namespace: &str, query: Query) -> BoxFuture<'static, Answer> {
        assert_eq!(namespace, NAMESPACE);
        let second = self.clock.now().duration_since(self.began).as_secs();
        self.asked.lock().unwrap().push((query.id.number, second));
        let (clock, takes, answer) = (self.clock, self.takes, (self.script)(query.id.number, second));
        async move {
            clock.sleep(takes).await;
            answer
        }
        .boxed()
    }
}

fn good() -> Answer {
    Answer::Result(json!([1.0]))
}

fn bad() -> Answer {
    Answer::Result(json!([0.5]))
}

fn away() -> Answer {
    Answer::Fault(Fault::passing("cannot be reached"))
}

struct World {
    sim: Sim,
    clock: Clock,
    meter: Scripted,
    workload: Place,
    _controllers: sim::Controllers,
}

impl World {
    /// An application at rest with a gate on every step, and version 2 held for release.
    async fn new(kind: (&str, &str), strategy: Value, template: &Value, script: Script) -> Self {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let sim = Sim::new(sim::Options {
            kruise: true,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let mut world = Self {
            meter: Scripted {
                clock,
                began: clock.now(),
                script,
                asked: Arc::default(),
                takes: Duration::from_millis(200),
            },
            workload: Place::of(kind.0, kind.1),
            sim,
            clock,
            _controllers: controllers,
        };
        let cluster = world.cluster();
        cluster.create_namespace(&json!({})).await;
        let labels = json!({ "app": "web" });
        let mut spec = json!({ "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
            "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } });
        if kind.1 != "DaemonSet" {
            spec["replicas"] = json!(4);
        }
        if kind.1 == "StatefulSet" {
            spec["serviceName"] = json!("web");
        }
        let rollout = json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout",
            "metadata": { "name": "web", "namespace": NAMESPACE,
                "annotations": { "rollouts.kruise.io/analysis": json!([{ "template": "rate" }]).to_string() } },
            "spec": { "workloadRef": { "apiVersion": kind.0, "kind": kind.1, "name": "web" }, "strategy": strategy } });
        let objects = [
            json!({ "apiVersion": kind.0, "kind": kind.1, "metadata": { "name": "web", "namespace": NAMESPACE }, "spec": spec }),
            json!({ "apiVersion": "rollouts.kruise.io/v1alpha1", "kind": "AnalysisTemplate",
                "metadata": { "name": "rate", "namespace": NAMESPACE }, "spec": template }),
            rollout,
        ];
        for object in objects {
            cluster.create(&object).await.unwrap();
        }
        // Its controller makes the pods of version 1, and an engine takes note.
        clock.sleep(Duration::from_secs(60)).await;
        world.run(false).await;
        world.set_image("web:v2").await;
        world.meter.began = clock.now();
        world
    }

    fn cluster(&self) -> Cluster {
        Cluster {
            client: self.sim.client(),
            namespace: NAMESPACE.to_owned(),
        }
    }

    async fn set_image(&self, image: &str) {
        let workload = self.cluster().get(self.workload, "web").await.unwrap().unwrap();
        let images = [NewImage {
            container: "main".to_owned(),
            image: image.to_owned(),
        }];
        let patch = edit::set_images(&workload, &images, Some("web"))
            .unwrap()
            .unwrap();
        let json = "application/json-patch+json";
        let manager = "?fieldManager=rollouts-engine";
        self.cluster()
            .patch(self.workload, "web", manager, json, &patch)
            .await
            .unwrap();
    }

    fn engine(
        &self,
        identity: &str,
        forever: bool,
    ) -> impl Future<Output = Result<std::collections::BTreeMap<RolloutKey, Stop>, driver::Error>> + use<>
    {
        let options = Options {
            identity: identity.to_owned(),
            forever,
            meter: Some(Arc::new(self.meter.clone())),
            ..Options::default()
        };
        let scope = Scope::Names {
            namespace: NAMESPACE.to_owned(),
            names: vec!["web".to_owned()],
        };
        let (events, told) = mpsc::unbounded_channel::<Event>();
        let drive = driver::drive(self.sim.client(), self.clock, scope, options, events);
        async move {
            let _told = told;
            drive.await
        }
    }

    /// Drives to the next stop; in how many seconds.
    async fn run(&self, kill: bool) -> (Option<Stop>, f64) {
        let began = self.clock.now();
        let mut engines = 0;
        let stop = loop {
            engines += 1;
            let engine = self.engine(&format!("engine-{engines}"), false);
            if !kill {
                break engine.await.unwrap().into_values().next();
            }
            // Killed every few seconds; its Lease is in the way of the next for a while.
            tokio::select! {
                stops = engine => break stops.unwrap().into_values().next(),
                () = self.clock.sleep(Duration::from_secs(41)) => {}
            }
        };
        (stop, self.clock.now().duration_since(began).as_secs_f64())
    }

    async fn rollout(&self) -> Value {
        self.cluster()
            .get(Place::named("rollout"), "web")
            .await
            .unwrap()
            .unwrap()
    }

    async fn record(&self) -> Value {
        let rollout = self.rollout().await;
        let text = rollout["metadata"]["annotations"]["rollouts.kruise.io/analysis-results"].as_str();
        text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    }

    async fn image(&self) -> String {
        let workload = self.cluster().get(self.workload, "web").await.unwrap().unwrap();
        workload["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn approve(&self) {
        let ready = json!({ "status": { "canaryStatus": { "currentStepState": "StepReady" } } });
        let merge = "application/merge-patch+json";
        self.cluster()
            .patch(Place::named("rollout"), "web", "/status", merge, &ready)
            .await
            .unwrap();
    }

    fn asked(&self) -> Vec<(i64, i64)> {
        std::mem::take(&mut *self.meter.asked.lock().unwrap())
    }
}

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");

fn canary() -> Value {
    json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "pause": { "duration": 1 } }, { "replicas": "100%", "pause": { "duration": 1 } }] } })
}

fn batches() -> Value {
    json!({ "canary": { "steps": [{ "replicas": 1, "pause": { "duration": 1 } }, { "replicas": "100%", "pause": { "duration": 1 } }] } })
}

fn blue_green() -> Value {
    json!({ "blueGreen": { "steps": [{ "replicas": "50%", "pause": { "duration": 1 } }, { "replicas": "100%", "pause": { "duration": 1 } }] } })
}

fn template(change: &Value) -> Value {
    let mut template = json!({ "onFailure": "Rollback", "metrics": [{
        "name": "success-rate", "interval": "30s", "successCondition": "result[0] >= 0.95", "failureLimit": 2,
        "provider": { "prometheus": { "address": "http://prometheus:9090", "query": "secret_series" } } }] });
    if let Some(metric) = change.get("metric") {
        json_patch::merge(&mut template["metrics"][0], metric);
    }
    if let Some(on_failure) = change.get("onFailure") {
        template["onFailure"] = on_failure.clone();
    }
    template
}

fn script(script: impl Fn(i64, i64) -> Answer + Send + Sync + 'static) -> Script {
    Arc::new(script)
}

fn kinds() -> Vec<((&'static str, &'static str), Value)> {
    vec![
        (DEPLOYMENT, canary()),
        (DEPLOYMENT, batches()),
        (DEPLOYMENT, blue_green()),
        (("apps/v1", "StatefulSet"), batches()),
        (("apps/v1", "DaemonSet"), batches()),
        (("apps.kruise.io/v1alpha1", "CloneSet"), batches()),
        (("apps.kruise.io/v1beta1", "StatefulSet"), batches()),
        (("apps.kruise.io/v1alpha1", "DaemonSet"), batches()),
    ]
}

/// Every kind and style: a good version goes out by itself, with each step measured; a bad one is stopped at the first step
/// and the old one is everywhere again, in time, with nobody's help.
#[tokio::test(start_paused = true)]
async fn a_good_version_goes_out_and_a_bad_one_goes_back() {
    for (kind, strategy) in kinds() {
        let what = format!("{kind:?} {strategy}");
        let world = World::new(
            kind,
            strategy.clone(),
            &template(&json!({})),
            script(|_, _| good()),
        )
        .await;
        assert_eq!(world.run(false).await.0, Some(Stop::Completed), "{what}");
        let asked: Vec<i64> = world.asked().iter().map(|(number, _)| *number).collect();
        assert_eq!(asked, [0, 1, 2, 0, 1, 2], "{what}");
        let record = world.record().await;
        assert_eq!(
            (&record["step"], &record["verdict"]),
            (&json!(2), &json!("Passed")),
            "{what}"
        );

        let world = World::new(kind, strategy, &template(&json!({})), script(|_, _| bad())).await;
        let (stop, _) = world.run(false).await;
        assert_eq!(
            (stop, world.image().await.as_str()),
            (Some(Stop::RolledBack), "web:v1"),
            "{what}"
        );
        let asked = world.asked();
        let first = asked[0].1;
        assert_eq!(asked, [(0, first), (1, first + 30), (2, first + 60)], "{what}");
        let record = world.record().await;
        assert_eq!(
            (&record["step"], &record["verdict"], &record["why"]),
            (
                &json!(1),
                &json!("Failed"),
                &json!("success-rate is 0.5 (result[0] >= 0.95): 3 bad measurements, 2 tolerated")
            ),
            "{what}"
        );
        assert!(
            !world.rollout().await.to_string().contains("secret_series"),
            "{what}"
        );
    }
}

/// Engines that are killed again and again go on with what was measured: no measurement is lost and none counted twice.
#[tokio::test(start_paused = true)]
async fn a_killed_engine_is_followed_by_one_that_goes_on() {
    for (number, answer) in [(0, good as fn() -> Answer), (1, bad)] {
        let template = template(&json!({ "metric": { "failureLimit": 4 } }));
        let world = World::new(DEPLOYMENT, canary(), &template, script(move |_, _| answer())).await;
        let (stop, _) = world.run(true).await;
        let expected = [Stop::Completed, Stop::RolledBack][number].clone();
        assert_eq!(stop, Some(expected));
        let record = world.record().await;
        let samples = record["metrics"][0]["samples"].as_array().unwrap().len();
        assert_eq!(samples, 5, "{record}");
        let mut numbers: Vec<i64> = world.asked().iter().map(|(number, _)| *number).collect();
        numbers.dedup();
        let once: Vec<i64> = (0..5).collect();
        assert_eq!(
            numbers,
            if number == 0 {
                [once.clone(), once].concat()
            } else {
                once
            }
        );
    }
}

/// Two engines that both run for ever measure as one.
#[tokio::test(start_paused = true)]
async fn two_engines_measure_as_one() {
    let world = World::new(DEPLOYMENT, canary(), &template(&json!({})), script(|_, _| good())).await;
    let engines = [world.engine("a", true), world.engine("b", true)].map(tokio::spawn);
    world.clock.sleep(Duration::from_secs(300)).await;
    for engine in engines {
        engine.abort();
    }
    assert_eq!(world.rollout().await["status"]["phase"], "Healthy");
    let record = world.record().await;
    assert_eq!(record["metrics"][0]["counts"]["success"], 3, "{record}");
}

/// What stops a release, and what a human then can do.
#[tokio::test(start_paused = true)]
async fn a_gate_that_does_not_pass_waits_for_a_human() {
    let pause = json!({ "onFailure": "Pause" });
    let failed = "Rollout is in step(1/2), and its metrics failed: success-rate is 0.5 (result[0] >= 0.95): 3 bad measurements, 2 tolerated; approve the step or roll back";
    let waiting = Stop::WaitingForApproval { step: 1, total: 2 };
    let cases: Vec<(Value, Script, Stop)> = vec![
        (
            pause,
            script(|_, second| if second < 100 { bad() } else { good() }),
            Stop::Degraded {
                message: failed.to_owned(),
            },
        ),
        (
            json!({}),
            script(|_, second| {
                if second < 5 {
                    Answer::Result(json!(["NaN"]))
                } else {
                    good()
                }
            }),
            waiting.clone(),
        ),
        (
            json!({}),
            script(|_, second| if second < 50 { away() } else { good() }),
            waiting.clone(),
        ),
        (
            json!({}),
            script(|_, second| {
                if second < 5 {
                    Answer::Fault(Fault::lasting("a range"))
                } else {
                    good()
                }
            }),
            waiting.clone(),
        ),
        (
            json!({ "metric": { "successCondition": null } }),
            script(|_, _| good()),
            waiting,
        ),
    ];
    for (change, script, expected) in cases {
        let world = World::new(DEPLOYMENT, canary(), &template(&change), script).await;
        assert_eq!(world.run(false).await.0, Some(expected.clone()), "{change}");
        // It stays so, whoever looks.
        assert_eq!(world.run(false).await.0, Some(expected.clone()), "{change}");
        let rollout = world.rollout().await;
        assert_eq!(rollout["status"]["currentStepState"], "StepPaused", "{change}");
        world.clock.sleep(Duration::from_secs(100)).await;
        world.approve().await;
        let (stop, _) = world.run(false).await;
        let second = world.rollout().await["status"]["currentStepIndex"].clone();
        match change["metric"].is_null() {
            true => assert_eq!(stop, Some(Stop::Completed), "{change}"),
            false => assert_eq!(
                (stop, second),
                (Some(Stop::WaitingForApproval { step: 2, total: 2 }), json!(2))
            ),
        }
    }
}

/// A metrics server that is away for less than the limit delays the gate, and decides nothing.
#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_is_asked_on() {
    let world = World::new(
        DEPLOYMENT,
        canary(),
        &template(&json!({})),
        script(|number, _| if (1..4).contains(&number) { away() } else { good() }),
    )
    .await;
    assert_eq!(world.run(false).await.0, Some(Stop::Completed));
    let asked = world.asked();
    let first = asked[0].1;
    let times: Vec<i64> = asked.iter().take(6).map(|(_, second)| second - first).collect();
    // After an error it is asked again after ten seconds.
    assert_eq!(times, [0, 30, 40, 50, 60, 90]);
}

/// The pause and the gate are both needed; a metric without a count is measured on in the pause, and can fail there.
#[tokio::test(start_paused = true)]
async fn pause_and_gate_are_both_needed() {
    let mut strategy = canary();
    strategy["canary"]["steps"][0]["pause"]["duration"] = json!(600);
    let world = World::new(
        DEPLOYMENT,
        strategy.clone(),
        &template(&json!({})),
        script(|_, _| good()),
    )
    .await;
    let (stop, seconds) = world.run(false).await;
    assert_eq!(stop, Some(Stop::Completed));
    assert!((720.0..780.0).contains(&seconds), "{seconds}");
    let world = World::new(
        DEPLOYMENT,
        strategy,
        &template(&json!({})),
        script(|_, second| if second < 200 { good() } else { bad() }),
    )
    .await;
    let (stop, seconds) = world.run(false).await;
    assert_eq!(
        (stop, world.image().await.as_str()),
        (Some(Stop::RolledBack), "web:v1")
    );
    assert!((260.0..320.0).contains(&seconds), "{seconds}");
    let record = world.record().await;
    assert_eq!(
        record["metrics"][0]["samples"].as_array().unwrap().len(),
        10,
        "{record}"
    );
}

/// A dry run measures and decides nothing.
#[tokio::test(start_paused = true)]
async fn a_dry_run_decides_nothing() {
    let dry = template(&json!({ "metric": { "dryRun": true } }));
    let world = World::new(DEPLOYMENT, canary(), &dry, script(|_, _| bad())).await;
    assert_eq!(world.run(false).await.0, Some(Stop::Completed));
    assert!(!world.asked().is_empty());
}

/// What is wrong with a gate is said before the release begins: the new version stays held, and nothing of it exists.
#[tokio::test(start_paused = true)]
async fn a_wrong_gate_is_refused_before_the_release() {
    let cases = [
        (
            json!({ "metric": { "successCondition": "result[0] >" } }),
            "spec.metrics[0].successCondition: it cannot be read as CEL",
        ),
        (
            json!({ "metric": { "successCondition": "result[0]*2.0" } }),
            "spec.metrics[0].successCondition: it is a number",
        ),
        (
            json!({ "metric": { "provider": { "prometheus": { "query": "up[5m]" } } } }),
            "provider.prometheus.query: answers a range",
        ),
        (
            json!({ "metric": { "provider": { "prometheus": { "query": "up{a=\"{{args.x}}\"}" } } } }),
            "the template has no arg \"x\"",
        ),
    ];
    for (change, expected) in cases {
        let world = World::new(DEPLOYMENT, canary(), &template(&json!({})), script(|_, _| good())).await;
        let place = Place::of("rollouts.kruise.io/v1alpha1", "AnalysisTemplate");
        let merge = "application/merge-patch+json";
        let wrong = json!({ "spec": template(&change) });
        world
            .cluster()
            .patch(place, "rate", "", merge, &wrong)
            .await
            .unwrap();
        let Some(Stop::Invalid { why }) = world.run(false).await.0 else {
            panic!("{change} is not refused")
        };
        assert!(why.iter().any(|why| why.contains(expected)), "{why:?}");
        assert_eq!(world.asked(), []);
        assert_eq!(
            world.sim.list("apps/v1", "ReplicaSet", Some(NAMESPACE)).len(),
            1,
            "{change}"
        );
        // Corrected, it goes on.
        let right = json!({ "spec": template(&json!({})) });
        world
            .cluster()
            .patch(place, "rate", "", merge, &right)
            .await
            .unwrap();
        assert_eq!(world.run(false).await.0, Some(Stop::Completed), "{change}");
    }
}

/// Whatever becomes of a template in the middle, the way back is free, and nothing to release needs no template.
#[tokio::test(start_paused = true)]
async fn a_release_whose_template_is_gone_can_be_taken_back() {
    let strategy = json!({ "canary": { "enableExtraWorkloadForCanary": true, "steps": [
        { "replicas": 1, "pause": {} }, { "replicas": "100%", "pause": {} }] } });
    let world = World::new(DEPLOYMENT, strategy, &template(&json!({})), script(|_, _| good())).await;
    let waiting = Stop::WaitingForApproval { step: 1, total: 2 };
    assert_eq!(world.run(false).await.0, Some(waiting));
    let place = Place::of("rollouts.kruise.io/v1alpha1", "AnalysisTemplate");
    world.cluster().delete(place, "rate").await.unwrap();
    assert!(matches!(world.run(false).await.0, Some(Stop::Invalid { .. })));
    world.set_image("web:v1").await;
    assert_eq!(world.run(false).await.0, Some(Stop::RolledBack));
    assert_eq!(world.run(false).await.0, Some(Stop::RolledBack));
    let said = world.rollout().await["status"]["message"].take();
    assert!(
        said.as_str().unwrap().contains("there is no AnalysisTemplate"),
        "{said}"
    );
}

/// What a series comes to, from all of it at once: the verdict, and how many measurements it took.
fn model(
    outcomes: &[u32],
    count: usize,
    failures: usize,
    inconclusive: usize,
    errors: usize,
) -> (char, usize) {
    for taken in 1..=outcomes.len() {
        let seen = &outcomes[..taken];
        let of = |kind: u32| seen.iter().filter(|outcome| **outcome == kind).count();
        let row = seen.iter().rev().take_while(|outcome| **outcome == 3).count();
        if of(1) > failures {
            return ('F', taken);
        }
        if of(2) > inconclusive || row > errors {
            return ('I', taken);
        }
        if taken - of(3) >= count {
            return ('P', taken);
        }
    }
    unreachable!("the series is long enough")
}

/// Generated series through the whole engine, killed now and then: the release ends as the model says, after as many
/// measurements.
#[tokio::test(start_paused = true)]
async fn generated_series_end_as_the_model_says() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let mut upto = |most: u64| usize::try_from(dice.below(most)).unwrap();
        let (failures, inconclusive, errors) = (upto(3), upto(3), upto(3));
        let count = 1 + upto(8);
        let kills = upto(3) == 0;
        // Good, bad, inconclusive, error; good ones more often, and good for ever in the end.
        let mut outcomes: Vec<u32> = (0..30).map(|_| [0, 0, 0, 0, 1, 2, 3][upto(7)]).collect();
        outcomes.extend([0; 10]);
        let (verdict, taken) = model(&outcomes, count, failures, inconclusive, errors);
        let template = template(
            &json!({ "metric": { "count": count, "failureLimit": failures, "inconclusiveLimit": inconclusive,
            "consecutiveErrorLimit": errors } }),
        );
        let answers = outcomes.clone();
        let world = World::new(
            DEPLOYMENT,
            canary(),
            &template,
            script(move |number, _| match answers[usize::try_from(number).unwrap()] {
                0 => good(),
                1 => bad(),
                2 => Answer::Result(json!([])),
                _ => away(),
            }),
        )
        .await;
        let only_first = json!({ "metadata": { "annotations": {
            "rollouts.kruise.io/analysis": json!([{ "template": "rate", "steps": [1] }]).to_string() } } });
        let merge = "application/merge-patch+json";
        world
            .cluster()
            .patch(Place::named("rollout"), "web", "", merge, &only_first)
            .await
            .unwrap();
        let (stop, _) = world.run(kills).await;
        let expected = match verdict {
            'P' => Stop::Completed,
            'F' => Stop::RolledBack,
            _ => Stop::WaitingForApproval { step: 1, total: 2 },
        };
        let record = world.record().await;
        let counts = &record["metrics"][0]["counts"];
        let all: i64 = ["success", "failure", "inconclusive", "error"]
            .iter()
            .map(|kind| counts[kind].as_i64().unwrap())
            .sum();
        assert_eq!(
            (stop, all),
            (Some(expected), i64::try_from(taken).unwrap()),
            "seed {seed}: {outcomes:?} {record}"
        );
    }
}
