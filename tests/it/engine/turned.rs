//! A Rollout that is turned to another workload or another route in the middle of a release, where no webhook and no rule of
//! the definition refuses it: what it named before is given back.

use serde_json::{Value, json};

use super::world::{APP, DEPLOYMENT, INGRESS, NAMESPACE, SERVICE, Setup, World, in_virtual_time};

/// A second application beside the first, without a Rollout.
async fn second(world: &World) {
    for mut manifest in world.manifests() {
        if manifest["kind"] == "Rollout" {
            continue;
        }
        let text = manifest.to_string().replace(&format!("\"{APP}\""), "\"other\"");
        manifest = serde_json::from_str(&text).unwrap();
        world.user.create(&manifest).await.unwrap();
    }
}

async fn paused() -> (World, super::world::Engine) {
    let mut world = World::new(Setup::default()).await;
    second(&world).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await
        .unwrap();
    world.image("v2").await;
    world
        .until(&mut engine, "the first pause", 60, |w| {
            w.rollout()["status"]["currentStepState"] == "StepPaused"
        })
        .await
        .unwrap();
    world.pass(2.0).await;
    (world, engine)
}

fn selector(world: &World, name: &str) -> Value {
    world.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, name).unwrap()["spec"]["selector"].clone()
}

/// Which of a kind there are.
fn names(world: &World, kind: (&str, &str)) -> Vec<String> {
    let objects = world.sim.list(kind.0, kind.1, Some(NAMESPACE)).into_iter();
    objects
        .map(|object| object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn another_workload() {
    in_virtual_time(async {
        for killed in [false, true] {
            let (mut world, mut engine) = paused().await;
            if killed {
                engine.task.abort();
            }
            world.spec(json!({ "workloadRef": { "name": "other" } })).await;
            if killed {
                // An engine that knows nothing of what was before.
                world.pass(60.0).await;
                engine = world.engine(true);
            }
            world
                .until(&mut engine, "rest", 120, |w| {
                    w.phase_is("Healthy") && names(w, DEPLOYMENT).len() == 2
                })
                .await
                .unwrap_or_else(|error| panic!("{error}\n{}", world.log(&mut engine)));
            world.pass(60.0).await;
            let old = world.workload();
            assert_eq!(
                json!([
                    old["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"],
                    old["spec"]["paused"],
                    old["metadata"]["labels"],
                    old["status"]["updatedReplicas"]
                ]),
                json!([null, null, { "app": APP }, 5]),
                "killed {killed}\n{}",
                world.log(&mut engine)
            );
            assert_eq!(
                (names(&world, SERVICE), names(&world, INGRESS)),
                (
                    vec![APP.to_owned(), "other".to_owned()],
                    vec![APP.to_owned(), "other".to_owned()]
                )
            );
            assert_eq!(selector(&world, APP), json!({ "app": APP }));
            assert!(
                world.rollout()["metadata"]["finalizers"]
                    .as_array()
                    .is_none_or(Vec::is_empty)
            );
        }
    });
}

#[test]
fn another_route() {
    in_virtual_time(async {
        for killed in [false, true] {
            let (mut world, mut engine) = paused().await;
            if killed {
                engine.task.abort();
            }
            let routing =
                json!([{ "service": "other", "gracePeriodSeconds": 1, "ingress": { "name": "other" } }]);
            world
                .spec(json!({ "strategy": { "canary": { "trafficRoutings": routing } } }))
                .await;
            if killed {
                world.pass(60.0).await;
                engine = world.engine(true);
            }
            let both = vec![APP.to_owned(), "other".to_owned(), "other-canary".to_owned()];
            world
                .until(&mut engine, "the other route", 120, |w| names(w, INGRESS) == both)
                .await
                .unwrap_or_else(|error| panic!("{error}\n{}", world.log(&mut engine)));
            world.pass(10.0).await;
            assert_eq!(names(&world, SERVICE), both, "{}", world.log(&mut engine));
            assert_eq!(selector(&world, APP), json!({ "app": APP }));
            assert_eq!(world.rollout()["status"]["currentStepState"], "StepPaused");
        }
    });
}
