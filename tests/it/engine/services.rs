//! Services of every kind under a release, and the time that the data plane gets after each write, to the second.

use std::fmt::Write as _;

use kubectl_kruise::{api::v1beta1::RollingStyle, workload::Kind};
use serde_json::{Value, json};

use super::{
    shape::Shape,
    turn::is_waiting,
    world::{APP, Engine, INGRESS, LEASE, NAMESPACE, SERVICE, Setup, World, step},
};

fn steps(style: RollingStyle) -> Value {
    // Batches leave nothing to split between at their end.
    let last = (style != RollingStyle::Partition).then_some(100);
    json!([step(&json!(1), Some(20), None), step(&json!("100%"), last, None)])
}

fn shape(name: &str) -> Shape {
    Shape::all().into_iter().find(|shape| shape.name == name).unwrap()
}

fn setup(shape: Shape) -> Setup {
    Setup {
        steps: steps(shape.style),
        shape,
        ..Setup::default()
    }
}

async fn gray(setup: Setup, service: Option<Value>) -> (World, Engine) {
    let mut world = World::new(setup).await;
    if let Some(spec) = service {
        world.delete(SERVICE, APP).await;
        let service = json!({ "apiVersion": SERVICE.0, "kind": SERVICE.1, "metadata": { "name": APP, "annotations": { "lb.example/id": "7" } }, "spec": spec });
        let written = world.user.create(&service).await.unwrap();
        world.ledger.note(&service, &written);
    }
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    world
        .until(&mut engine, "step 1", 200, |w| w.paused_at(1))
        .await
        .unwrap();
    (world, engine)
}

async fn finish(world: &mut World, engine: &mut Engine) {
    for _ in 0..5 {
        if is_waiting(world) {
            world.approve().await;
            world.pass(0.5).await;
        }
        let is_over = |w: &World| is_waiting(w) || w.phase_is("Healthy");
        world
            .until(engine, "a pause or the end", 600, is_over)
            .await
            .unwrap();
        if world.phase_is("Healthy") {
            break;
        }
    }
    world.pass(5.0).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

fn service(world: &World, name: &str) -> Value {
    world
        .sim
        .get(SERVICE.0, SERVICE.1, NAMESPACE, name)
        .unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn services_of_every_kind_get_a_plain_twin_and_are_afterwards_as_before() {
    let selector = json!({ "app": APP });
    let web = |extra: Value| {
        let mut port = json!({ "name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP" });
        port.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!([port])
    };
    let table = [
        (
            "load balancer",
            json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30001, "loadBalancerClass": "example.com/lb",
                "loadBalancerSourceRanges": ["10.0.0.0/8"], "selector": selector, "ports": web(json!({ "nodePort": 30080 })) }),
        ),
        (
            "node ports",
            json!({ "type": "NodePort", "selector": selector, "ports": web(json!({ "nodePort": 30081 })) }),
        ),
        (
            "headless",
            json!({ "clusterIP": "None", "publishNotReadyAddresses": true, "selector": selector, "ports": web(json!({})) }),
        ),
        (
            "TCP only",
            json!({ "selector": selector, "sessionAffinity": "ClientIP",
                "ports": [{ "name": "sql", "port": 5432, "targetPort": 5432, "protocol": "TCP" }, { "name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP" }] }),
        ),
    ];
    for (name, spec) in table {
        let (mut world, mut engine) = gray(setup(Shape::canary()), Some(spec.clone())).await;
        let twin = &service(&world, "echoserver-canary")["spec"];
        let own = [
            "nodePort",
            "healthCheckNodePort",
            "loadBalancerClass",
            "loadBalancerSourceRanges",
            "externalTrafficPolicy",
        ];
        let text = twin.to_string();
        let kept: Vec<&str> = own.into_iter().filter(|field| text.contains(field)).collect();
        assert_eq!(kept, Vec::<&str>::new(), "{name}: {text}");
        assert!(
            ["ClusterIP", ""].contains(&twin["type"].as_str().unwrap_or_default()),
            "{name}: {text}"
        );
        assert_eq!(
            twin["clusterIP"] == "None",
            spec["clusterIP"] == "None",
            "{name}: {text}"
        );
        let ports = |spec: &Value| -> Vec<(Value, Value)> {
            let ports = spec["ports"].as_array().unwrap().iter();
            ports
                .map(|port| (port["port"].clone(), port["protocol"].clone()))
                .collect()
        };
        assert_eq!(ports(twin), ports(&spec), "{name}");
        let pinned = service(&world, APP)["spec"]["selector"].clone();
        assert!(pinned["pod-template-hash"].is_string(), "{name}: {pinned}");
        finish(&mut world, &mut engine).await;
        let mut after = service(&world, APP)["spec"].take();
        for (field, wanted) in spec.as_object().unwrap() {
            assert_eq!(&after[field].take(), wanted, "{name}: {field}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_canary_service_no_service_is_written() {
    for style in [
        "deployment-canary",
        "deployment-partition",
        "deployment-blue-green",
    ] {
        let mut shape = shape(style);
        shape.strategy = json!({ "disableGenerateCanaryService": true });
        let (mut world, mut engine) = gray(setup(shape), None).await;
        let twin = world
            .sim
            .get(INGRESS.0, INGRESS.1, NAMESPACE, "echoserver-canary")
            .unwrap();
        let path = &twin["spec"]["rules"][0]["http"]["paths"][0];
        assert_eq!(path["backend"]["service"]["name"], APP, "{style}");
        finish(&mut world, &mut engine).await;
        let trace = world.sim.trace();
        let written: Vec<&str> = trace
            .iter()
            .filter(|write| write.path.contains("/services") && !write.user_agent.is_empty())
            .map(|write| write.path.as_str())
            .collect();
        assert_eq!(written, Vec::<&str>::new(), "{style}");
    }
}

/// The writes of Services and Ingresses and the pauses, in seconds since the new version came.
async fn timed(style: &str, grace: i64) -> String {
    let setup = Setup {
        grace,
        ..setup(shape(style))
    };
    let mut world = World::new(setup).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    let _ = world.sim.take_trace();
    world.image("v2").await;
    let came = world.clock.now();
    world
        .until(&mut engine, "a release", 60, |w| w.phase_is("Progressing"))
        .await
        .unwrap();
    let mut pauses = Vec::new();
    for number in 1..=2 {
        let is_over = |w: &World| w.paused_at(number) || w.phase_is("Healthy");
        world.until(&mut engine, "a pause", 600, is_over).await.unwrap();
        if world.phase_is("Healthy") {
            break;
        }
        pauses.push((world.clock.now(), format!("step {number} is in place")));
        world.approve().await;
        pauses.push((world.clock.now(), format!("step {number} is approved")));
        world.pass(0.01).await;
    }
    world
        .until(&mut engine, "the end", 600, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    let trace = world.sim.trace();
    let routes = trace.iter().filter(|write| {
        write.path.contains("/services/")
            || write.path.contains("/services")
            || write.path.contains("/ingresses")
    });
    let told = routes.map(|write| {
        let name = write.path.rsplit_once("shop/").map_or("", |(_, name)| name);
        (write.at, format!("{} {name}", write.verb))
    });
    let mut all: Vec<_> = told.chain(pauses).collect();
    all.sort_by_key(|(at, _)| *at);
    let mut lines = String::new();
    for (at, what) in all {
        writeln!(lines, "{:>5.1} {what}", at.duration_since(came).as_secs_f64()).unwrap();
    }
    lines
}

#[tokio::test(start_paused = true)]
async fn every_write_gets_its_grace_to_the_second() {
    insta::assert_snapshot!(timed("deployment-canary", 7).await, @"
     0.0 PATCH services/echoserver
     0.0 POST services
     7.0 POST ingresses
    14.0 step 1 is in place
    14.0 step 1 is approved
    21.0 PATCH ingresses/echoserver-canary
    28.0 PATCH services/echoserver
    37.0 DELETE ingresses/echoserver-canary
    44.0 DELETE services/echoserver-canary
    ");
    insta::assert_snapshot!(timed("deployment-partition", 7).await, @"
     0.0 PATCH services/echoserver
     0.0 POST services
     7.0 POST ingresses
    14.0 PATCH services/echoserver
    14.0 step 1 is in place
    14.0 step 1 is approved
    21.0 DELETE ingresses/echoserver-canary
    28.0 DELETE services/echoserver-canary
    ");
    insta::assert_snapshot!(timed("deployment-blue-green", 7).await, @"
     0.0 PATCH services/echoserver
     0.0 POST services
     7.0 POST ingresses
    14.0 step 1 is in place
    14.0 step 1 is approved
    21.0 PATCH ingresses/echoserver-canary
    28.0 step 2 is in place
    28.0 step 2 is approved
    35.0 PATCH services/echoserver
    49.0 DELETE ingresses/echoserver-canary
    56.0 DELETE services/echoserver-canary
    ");
    insta::assert_snapshot!(timed("deployment-canary", 0).await, @"
    0.0 PATCH services/echoserver
    0.0 POST services
    1.0 POST ingresses
    1.0 step 1 is in place
    1.0 step 1 is approved
    2.0 PATCH ingresses/echoserver-canary
    2.0 PATCH services/echoserver
    4.0 DELETE ingresses/echoserver-canary
    4.0 DELETE services/echoserver-canary
    ");
}

#[tokio::test(start_paused = true)]
async fn d21_a_grace_outlives_the_engine_that_began_it() {
    let setup = Setup {
        grace: 60,
        ..setup(Shape::canary())
    };
    let mut world = World::new(setup).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    let is_split = |w: &World| {
        w.sim
            .get(INGRESS.0, INGRESS.1, NAMESPACE, "echoserver-canary")
            .is_some()
    };
    world
        .until(&mut engine, "the split", 200, is_split)
        .await
        .unwrap();
    world.pass(0.1).await;
    let split = world.clock.now();
    engine.task.abort();
    world.delete(LEASE, "rollout-demo").await;
    world.pass(20.0).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "step 1", 200, |w| w.paused_at(1))
        .await
        .unwrap();
    let waited = world.clock.now().duration_since(split).as_secs_f64();
    assert!((59.0..61.0).contains(&waited), "{waited}");
    // The same at the end, when the Service selects all versions again.
    world.approve().await;
    let is_unpinned = |w: &World| service(w, APP)["spec"]["selector"]["pod-template-hash"].is_null();
    world
        .until(&mut engine, "the end", 400, is_unpinned)
        .await
        .unwrap();
    world.pass(0.1).await;
    let unpinned = world.clock.now();
    engine.task.abort();
    world.delete(LEASE, "rollout-demo").await;
    world.pass(20.0).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "the route", 200, |w| !is_split(w))
        .await
        .unwrap();
    // The grace, and the two seconds in which the workload's own pods become new: only then does the route let go of the canary.
    let waited = world.clock.now().duration_since(unpinned).as_secs_f64();
    assert!((61.0..63.0).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn d22_a_first_step_that_is_everything_is_passed() {
    for (replicas, first) in [(1, json!("50%")), (2, json!(2))] {
        let setup = Setup {
            shape: shape("deployment-partition"),
            replicas,
            steps: json!([step(&first, Some(20), None), step(&json!("100%"), None, None)]),
            ..Setup::default()
        };
        let (mut world, mut engine) = gray(setup, None).await;
        // All pods are new: nothing is left to split between, and the Service selects them.
        assert!(service(&world, APP)["spec"]["selector"]["pod-template-hash"].is_null());
        finish(&mut world, &mut engine).await;
    }
}

#[tokio::test(start_paused = true)]
async fn d23_an_advanced_daemon_set_has_a_stable_version_to_split_from() {
    let mut shape = Shape::all()
        .into_iter()
        .find(|shape| shape.kind == Kind::AdvancedDaemonSet)
        .unwrap();
    shape.style = RollingStyle::Partition;
    let (mut world, mut engine) = gray(setup(shape), None).await;
    let twin = world
        .sim
        .get(INGRESS.0, INGRESS.1, NAMESPACE, "echoserver-canary")
        .unwrap();
    assert_eq!(
        twin["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"],
        "20"
    );
    finish(&mut world, &mut engine).await;
}
