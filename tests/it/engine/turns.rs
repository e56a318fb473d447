//! What users do in the middle of a release, one by one, with the engine's story of it.

use kubectl_kruise::engine::core::Stop;
use serde_json::{Value, json};

use super::shape::Shape;
use super::world::{
    APP, DEPLOYMENT, Engine, INGRESS, NAMESPACE, ROLLOUT, ROLLOUT_NAME, SERVICE, Setup, World, step,
};

const PIN: &str = "pod-template-hash";

/// A world with an engine, and a release of v2 that waits for approval at step 1.
async fn at_step_one(setup: Setup) -> (World, Engine) {
    let mut world = World::new(setup).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    world
        .until(&mut engine, "step 1", 120, |w| w.paused_at(1))
        .await
        .unwrap();
    let _ = world.story(&mut engine);
    (world, engine)
}

/// Approves until the release is over, and looks at what is left.
async fn finish(world: &mut World, engine: &mut Engine) {
    for _ in 0..20 {
        world
            .until(engine, "a pause or the end", 300, |w| {
                is_waiting(w) || w.phase_is("Healthy")
            })
            .await
            .unwrap();
        if !is_waiting(world) {
            break;
        }
        world.approve().await;
        world.pass(1.0).await;
    }
    world.pass(5.0).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
    assert_eq!(world.guard.violations(), Vec::<String>::new());
    assert_eq!(world.lease_holders(), Vec::<String>::new());
}

fn is_waiting(world: &World) -> bool {
    world.phase_is("Progressing")
        && world.rollout()["status"]["canaryStatus"]["currentStepState"] == "StepPaused"
}

fn canary_replicas(world: &World) -> Option<i64> {
    let all = world.sim.list(DEPLOYMENT.0, DEPLOYMENT.1, Some(NAMESPACE));
    let canary = all.iter().find(|object| object["metadata"]["name"] != APP)?;
    canary["spec"]["replicas"].as_i64()
}

fn canary_name(world: &World) -> String {
    let all = world.sim.list(DEPLOYMENT.0, DEPLOYMENT.1, Some(NAMESPACE));
    let canary = all.iter().find(|object| object["metadata"]["name"] != APP);
    canary
        .and_then(|object| object["metadata"]["name"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn weight(world: &World) -> Option<Value> {
    let ingress = world
        .sim
        .get(INGRESS.0, INGRESS.1, NAMESPACE, &format!("{APP}-canary"))?;
    ingress["metadata"]["annotations"]
        .get("nginx.ingress.kubernetes.io/canary-weight")
        .cloned()
}

fn image(world: &World) -> Value {
    world.workload()["spec"]["template"]["spec"]["containers"][0]["image"].take()
}

fn halves() -> Setup {
    Setup {
        replicas: 4,
        steps: json!([
            step(&json!("50%"), Some(50), None),
            step(&json!("75%"), Some(75), None),
            step(&json!("100%"), Some(100), None),
        ]),
        ..Setup::default()
    }
}

#[tokio::test(start_paused = true)]
async fn scaling_in_the_middle_scales_the_canary_too() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    assert_eq!(canary_replicas(&world), Some(2));
    world.scale(8).await;
    world.pass(3.0).await;
    assert_eq!(canary_replicas(&world), Some(4));
    world.scale(0).await;
    world.pass(3.0).await;
    // One stays, for the traffic that is still sent to it.
    assert_eq!(canary_replicas(&world), Some(1));
    world.scale(4).await;
    world.pass(3.0).await;
    assert_eq!(canary_replicas(&world), Some(2));
    insta::assert_snapshot!(world.story(&mut engine), @r"
     4.0 Progressing 1 StepPaused | the workload's controller has not yet seen its last change
     4.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
     7.0 Progressing 1 StepPaused | the workload's controller has not yet seen its last change
     7.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    10.0 Progressing 1 StepPaused | the workload's controller has not yet seen its last change
    10.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
    finish(&mut world, &mut engine).await;
    assert_eq!(image(&world), "echoserver:v2");
}

#[tokio::test(start_paused = true)]
async fn jumping_forward_and_back() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    world.jump(3).await;
    world.jump(2).await;
    world
        .until(&mut engine, "step 2", 60, |w| w.paused_at(2))
        .await
        .unwrap();
    assert_eq!(
        (canary_replicas(&world), weight(&world)),
        (Some(3), Some(json!("75")))
    );
    world.jump(1).await;
    world
        .until(&mut engine, "step 1", 60, |w| w.paused_at(1))
        .await
        .unwrap();
    world.pass(2.0).await;
    // Going back moves the traffic and keeps the pods, as upstream does.
    assert_eq!(
        (canary_replicas(&world), weight(&world)),
        (Some(3), Some(json!("50")))
    );
    insta::assert_snapshot!(world.story(&mut engine), @r"
    4.0 Progressing 3 StepUpgrade | step 3/3: 2 of 4 new pods are ready
    4.0 Progressing 2 StepUpgrade | step 2/3: 2 of 3 new pods are ready
    5.0 Progressing 2 StepTrafficRouting | step 2/3: traffic is moving
    6.0 Progressing 2 StepPaused | Rollout is in step(2/3), and you need manually confirm to enter the next step
    6.0 Progressing 1 StepUpgrade | step 1/3: 4 of 2 new pods are ready
    6.0 Progressing 1 StepUpgrade | step 1/3: 3 of 2 new pods are ready
    7.0 Progressing 1 StepTrafficRouting | step 1/3: traffic is moving
    8.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
    finish(&mut world, &mut engine).await;
}

#[tokio::test(start_paused = true)]
async fn editing_the_plan_does_its_step_again_and_never_advances() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    let steps = json!([
        step(&json!("25%"), Some(25), None),
        step(&json!("50%"), Some(40), None),
        step(&json!("100%"), Some(100), None),
    ]);
    world
        .spec(json!({ "strategy": { "canary": { "steps": steps } } }))
        .await;
    world.pass(5.0).await;
    assert!(world.paused_at(1), "{}", world.place());
    insta::assert_snapshot!(world.story(&mut engine), @r"
    4.0 Progressing 1 StepUpgrade | step 1/3: 2 of 1 new pods are ready
    5.0 Progressing 1 StepTrafficRouting | step 1/3: traffic is moving
    6.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
    finish(&mut world, &mut engine).await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_takes_the_place_of_the_one_under_way() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    world.image("v3").await;
    world.pass(1.0).await;
    world
        .until(&mut engine, "step 1", 60, |w| w.paused_at(1))
        .await
        .unwrap();
    insta::assert_snapshot!(world.story(&mut engine), @r"
    4.0 Progressing 1 StepPaused | the workload's controller has not yet seen its last change
    4.0 Progressing 1 BeforeStepUpgrade | Workload is continuous release
    5.0 Progressing 1 StepUpgrade | step 1/3: 0 of 2 new pods are ready
    6.0 Progressing 1 StepTrafficRouting | step 1/3: traffic is moving
    7.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
    finish(&mut world, &mut engine).await;
    assert_eq!(image(&world), "echoserver:v3");
}

#[tokio::test(start_paused = true)]
async fn a_paused_strategy_stops_everything_until_it_is_resumed() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    world.spec(json!({ "strategy": { "paused": true } })).await;
    world.pass(2.0).await;
    world.approve().await;
    world.pass(60.0).await;
    assert_eq!(canary_replicas(&world), Some(2));
    world.spec(json!({ "strategy": { "paused": false } })).await;
    world
        .until(&mut engine, "step 2", 60, |w| w.paused_at(2))
        .await
        .unwrap();
    insta::assert_snapshot!(world.story(&mut engine), @r"
     4.0 Progressing 1 StepPaused | Rollout has been paused, you can resume it by kube-cli
     6.0 Progressing 1 StepReady | Rollout has been paused, you can resume it by kube-cli
    66.0 Progressing 2 StepUpgrade | step 2/3: 2 of 3 new pods are ready
    67.0 Progressing 2 StepTrafficRouting | step 2/3: traffic is moving
    68.0 Progressing 2 StepPaused | Rollout is in step(2/3), and you need manually confirm to enter the next step
    ");
    finish(&mut world, &mut engine).await;
}

#[tokio::test(start_paused = true)]
async fn pods_that_never_become_ready_degrade_the_release_and_it_can_be_taken_back() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    world.image("v3-crash").await;
    world.pass(100.0).await;
    let conditions = world.rollout()["status"]["conditions"].to_string();
    assert!(conditions.contains("ProgressDeadlineExceeded"), "{conditions}");
    world.image("v1").await;
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    insta::assert_snapshot!(world.story(&mut engine), @r"
      4.0 Progressing 1 StepPaused | the workload's controller has not yet seen its last change
      4.0 Progressing 1 BeforeStepUpgrade | Workload is continuous release
      5.0 Progressing 1 StepUpgrade | step 1/3: 0 of 2 new pods are ready
     75.0 Progressing 1 StepUpgrade | no progress for 60 seconds: step 1/3: 0 of 2 new pods are ready
    104.0 Progressing 1 StepUpgrade | rolling back: traffic goes to the stable Service
    105.0 Progressing 1 StepUpgrade | rolling back: the workload rolls
    105.0 Progressing 1 StepUpgrade | rolling back: the canary goes
    105.0 Progressing 1 StepUpgrade | rolling back: the stable Service selects all versions again
    106.0 Progressing 1 StepUpgrade | rolling back: the workload is handed back
    106.0 Healthy 3 Completed | Rollout progressing has been canceled
    ");
    finish(&mut world, &mut engine).await;
    let conditions = world.rollout()["status"]["conditions"].to_string();
    assert!(!conditions.contains("ProgressDeadlineExceeded"), "{conditions}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_service_or_ingress_is_waited_for() {
    for (kind, name) in [(SERVICE, "Service"), (INGRESS, "Ingress")] {
        let mut world = World::new(halves()).await;
        let mut engine = world.engine(true);
        world
            .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
            .await
            .unwrap();
        world.delete(kind, APP).await;
        world.image("v2").await;
        world.pass(30.0).await;
        assert!(world.place().contains(name), "{}", world.place());
        assert_eq!(canary_replicas(&world), None);
        let manifest = world
            .manifests()
            .into_iter()
            .find(|manifest| manifest["kind"] == name);
        world.user.create(&manifest.unwrap()).await.unwrap();
        world
            .until(&mut engine, "step 1", 60, |w| w.paused_at(1))
            .await
            .unwrap();
        finish(&mut world, &mut engine).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_goes_gives_its_traffic_back_and_may_come_again() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    world.delete(DEPLOYMENT, APP).await;
    world.pass(10.0).await;
    assert_eq!((canary_replicas(&world), weight(&world)), (None, None));
    let service = world.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, APP).unwrap();
    assert_eq!(service["spec"]["selector"].get(PIN), None);
    world.create_workload().await;
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.pass(5.0).await;
    insta::assert_snapshot!(world.story(&mut engine), @r"
     4.0 Initial 0  | Workload Not Found
    14.0 Healthy 0  | workload deployment is completed
    14.0 Healthy 3 Completed | workload deployment is completed
    ");
    finish(&mut world, &mut engine).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_deleted_while_no_engine_ran_is_let_go_by_the_next_one() {
    let (mut world, engine) = at_step_one(halves()).await;
    engine.task.abort();
    world.pass(1.0).await;
    world.delete(ROLLOUT, ROLLOUT_NAME).await;
    world.pass(60.0).await;
    assert!(!world.rollout().is_null());
    let mut next = world.engine(true);
    world
        .until(&mut next, "the Rollout's end", 60, |w| w.rollout().is_null())
        .await
        .unwrap();
    insta::assert_snapshot!(world.story(&mut next), @r"
    65.0 Terminating 1 StepPaused | the Rollout is being deleted: the stable Service selects all versions again
    66.0 Terminating 1 StepPaused | the Rollout is being deleted: traffic goes to the stable Service
    67.0 Terminating 1 StepPaused | the Rollout is being deleted: the workload rolls
    67.0 Terminating 1 StepPaused | the Rollout is gone
    ");
    world.pass(5.0).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
    assert_eq!(image(&world), "echoserver:v2");
}

#[tokio::test(start_paused = true)]
async fn a_change_while_no_engine_ran_is_released_when_held_and_accepted_when_it_is_out() {
    for hold in [true, false] {
        let mut world = World::new(Setup { hold, ..halves() }).await;
        let mut engine = world.engine(true);
        world
            .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
            .await
            .unwrap();
        world.pass(1.0).await;
        engine.task.abort();
        world.image("v2").await;
        world.pass(60.0).await;
        let mut next = world.engine(true);
        world.pass(10.0).await;
        assert_eq!(world.paused_at(1), hold, "{}", world.place());
        finish(&mut world, &mut next).await;
        assert_eq!(image(&world), "echoserver:v2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_lifts_the_hold_does_not_end_the_release() {
    for hold in [true, false] {
        let (mut world, mut engine) = at_step_one(Setup {
            hold,
            lag: 60,
            ..halves()
        })
        .await;
        world
            .merge(DEPLOYMENT, APP, "", json!({ "spec": { "paused": false } }))
            .await;
        world.pass(10.0).await;
        assert!(world.paused_at(1), "{}", world.place());
        assert_eq!(world.workload()["spec"]["paused"], true);
        assert_eq!(world.workload()["status"].get("updatedReplicas"), None);
        finish(&mut world, &mut engine).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_step_made_and_somebody_undid_is_made_again() {
    let (mut world, mut engine) = at_step_one(halves()).await;
    let twin = format!("{APP}-canary");
    world.delete(INGRESS, &twin).await;
    world.pass(10.0).await;
    assert_eq!((weight(&world), world.paused_at(1)), (Some(json!("50")), true));
    world
        .merge(SERVICE, APP, "", json!({ "spec": { "selector": { PIN: null } } }))
        .await;
    world.pass(10.0).await;
    let service = world.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, APP).unwrap();
    assert!(service["spec"]["selector"].get(PIN).is_some());
    assert!(world.paused_at(1));
    world.delete(SERVICE, &twin).await;
    world.pass(10.0).await;
    assert!(world.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, &twin).is_some());
    assert!(world.paused_at(1));
    world.delete(DEPLOYMENT, &canary_name(&world)).await;
    world.pass(10.0).await;
    assert_eq!((canary_replicas(&world), world.paused_at(1)), (Some(2), true));
    insta::assert_snapshot!(world.story(&mut engine), @r"
    34.0 Progressing 1 StepUpgrade | step 1/3: 0 of 2 new pods are ready
    35.0 Progressing 1 StepTrafficRouting | step 1/3: traffic is moving
    36.0 Progressing 1 StepPaused | Rollout is in step(1/3), and you need manually confirm to enter the next step
    ");
    world.approve().await;
    world
        .until(&mut engine, "step 2", 60, |w| w.paused_at(2))
        .await
        .unwrap();
    world.approve().await;
    world
        .until(&mut engine, "rest", 120, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.pass(5.0).await;
    assert_eq!(world.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_does_not_look_degrades_a_release_after_its_deadline() {
    for (name, deadline) in [("deployment-canary", 60), ("statefulset", 600)] {
        let shape = Shape::all().into_iter().find(|shape| shape.name == name);
        let setup = Setup {
            shape: shape.unwrap(),
            steps: json!([step(&json!("50%"), None, None), step(&json!("100%"), None, None)]),
            ..Setup::default()
        };
        let mut world = World::new(setup).await;
        let mut engine = world.engine(true);
        world
            .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
            .await
            .unwrap();
        engine.task.abort();
        world.pass(30.0).await;
        world.stop_controllers();
        world.image("v2").await;
        let began = world.clock.now();
        let stops = world.engine(false).task.await.unwrap().unwrap();
        let message = format!(
            "no progress for {deadline} seconds: the workload's controller has not yet seen its last change"
        );
        assert_eq!(
            stops.into_values().collect::<Vec<_>>(),
            [Stop::Degraded { message }],
            "{name}"
        );
        assert_eq!((world.clock.now() - began).get_seconds(), deadline, "{name}");
    }
}
