//! Generated releases: random plans, random turns of the user, random faults, engines killed at random. Whatever came
//! before, once the user is done and the network is whole the release ends as its spec says, and then nobody writes.

use std::env;

use kubectl_kruise::api::keys;
use serde_json::{Value, json};

use super::world::{
    APP, Dice, Engine, INGRESS, Kill, NAMESPACE, ROLLOUT, ROLLOUT_NAME, SERVICE, Setup, World,
    in_virtual_time, step,
};

/// Releases of one run of the suite.
const RELEASES: u64 = 120;
/// Turns of the user in one release.
const TURNS: u64 = 10;

/// A plan of one to four steps that the schema and the engine accept.
fn plan(dice: &mut Dice) -> Value {
    let count = 1 + dice.below(4);
    let mut percent = 0_u64;
    let steps: Vec<Value> = (1..=count)
        .map(|index| {
            let left = 100 - percent;
            percent += if index == count && dice.percent(70) {
                left
            } else {
                1 + dice.below(left.div_ceil(2))
            };
            let weight = dice.percent(80).then(|| u32::try_from(percent).unwrap());
            let pause = dice.percent(40).then(|| dice.below(8));
            step(&json!(format!("{percent}%")), weight, pause)
        })
        .collect();
    steps.into()
}

/// One thing that the user, or the world, does.
async fn turn(world: &mut World, engine: &mut Engine, dice: &mut Dice) -> String {
    let exists = !world.rollout().is_null();
    match dice.below(16) {
        0 | 1 => {
            let replicas = dice.below(11);
            world.scale(replicas).await;
            format!("scale to {replicas}")
        }
        2 => {
            let tag = format!("v{}", 1 + dice.below(4));
            world.image(&tag).await;
            format!("image {tag}")
        }
        3 => {
            world.image("v1").await;
            "image v1".to_owned()
        }
        4 if exists => {
            let steps = plan(dice);
            world
                .spec(json!({ "strategy": { "canary": { "steps": steps } } }))
                .await;
            format!("steps {steps}")
        }
        5 if exists => {
            let paused = dice.percent(50);
            world.spec(json!({ "strategy": { "paused": paused } })).await;
            format!("paused {paused}")
        }
        // A hold without a finalizer means that no engine has seen it yet; then the Rollout's end leaves the hold behind.
        6 if exists && dice.percent(50) && !is_unseen(world) => {
            world.delete(ROLLOUT, ROLLOUT_NAME).await;
            "delete the Rollout".to_owned()
        }
        6 if !exists => {
            world.user.create(&world.rollout_manifest()).await.unwrap();
            "create the Rollout".to_owned()
        }
        7 if exists => {
            let disabled = dice.percent(50);
            world.spec(json!({ "disabled": disabled })).await;
            format!("disabled {disabled}")
        }
        8 if exists => {
            let to = i64::try_from(dice.below(6)).unwrap();
            if world.rollout()["status"]["canaryStatus"].is_object() {
                world.jump(to).await;
            }
            format!("jump to {to}")
        }
        9 => {
            world.sim.cut_watches();
            "watches end".to_owned()
        }
        10 | 11 => {
            let was = engine.identity.clone();
            if dice.percent(50) {
                engine.task.abort();
                *engine = world.engine(true);
            } else {
                let at = world.requests_of(engine).len() + usize::try_from(dice.below(10)).unwrap();
                let executed = dice.percent(50);
                world.kill_at(Kill { at, executed });
            }
            format!("{was} is killed")
        }
        12 => {
            let canary = format!("{APP}-canary");
            let kind = if dice.percent(50) { INGRESS } else { SERVICE };
            if kind == INGRESS && world.sim.get(kind.0, kind.1, NAMESPACE, &canary).is_some() {
                world.delete(kind, &canary).await;
            }
            format!("delete {} {canary}", kind.1)
        }
        _ => {
            if is_waiting(world) {
                world.approve().await;
            }
            "approve".to_owned()
        }
    }
}

fn is_unseen(world: &World) -> bool {
    let mark = world.deployment()["metadata"]["annotations"]
        .get(keys::IN_PROGRESSING)
        .is_some();
    let finalizers = world.rollout()["metadata"]["finalizers"]
        .as_array()
        .map_or(0, Vec::len);
    mark && finalizers == 0
}

fn is_waiting(world: &World) -> bool {
    let rollout = world.rollout();
    rollout["status"]["phase"] == "Progressing"
        && rollout["status"]["canaryStatus"]["currentStepState"] == "StepPaused"
}

fn is_over(world: &World) -> bool {
    let rollout = world.rollout();
    let seen = rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"];
    (rollout.is_null() || seen && (world.phase_is("Healthy") || world.phase_is("Disabled")))
        && world.leftovers().is_empty()
}

/// The user is done: the network is whole, nothing is paused, and every step is approved.
async fn finish(world: &mut World, engine: &mut Engine) -> Result<(), String> {
    world.disturb(0, Dice(0));
    if !world.rollout().is_null() && world.rollout()["metadata"].get("deletionTimestamp").is_none() {
        world.spec(json!({ "strategy": { "paused": false } })).await;
    }
    for _ in 0..40 {
        world
            .until(engine, "a pause or the end", 180, |w| is_waiting(w) || is_over(w))
            .await
            .map_err(|error| format!("{error}\n{:?}", world.leftovers()))?;
        // A pause that time ends, or the core, may be over by now.
        world.pass(1.0).await;
        if is_waiting(world) {
            world.approve().await;
        } else if is_over(world) {
            // A killed engine's Lease ends by itself.
            world.pass(30.0).await;
            return Ok(());
        }
    }
    Err(format!("forty approvals led nowhere: {}", world.place()))
}

async fn release(seed: u64) -> Result<(), String> {
    let mut dice = Dice(seed);
    let hold = dice.percent(70);
    let setup = Setup {
        hold,
        replicas: 1 + i64::try_from(dice.below(8)).unwrap(),
        steps: plan(&mut dice),
        grace: i64::try_from(dice.below(3)).unwrap(),
        // What was not held has several versions, which only an engine scales: it may take a takeover.
        lag: if hold { 5 } else { 60 },
    };
    let mut diary = format!(
        "seed {seed}: hold {hold}, {} replicas, steps {}\n",
        setup.replicas, setup.steps
    );
    let mut world = World::new(setup).await;
    let mut engine = world.engine(true);
    world
        .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
        .await?;
    let rate = if dice.percent(50) { dice.below(15) } else { 0 };
    world.disturb(rate, Dice(dice.next()));
    world.image("v2").await;
    let mut told = String::new();
    for _ in 0..TURNS {
        let seconds = dice.below(80);
        world
            .pass(f64::from(u32::try_from(seconds).unwrap()) / 10.0)
            .await;
        if world.is_dead(&engine) {
            told.push_str(&world.log(&mut engine));
            engine = world.engine(true);
        }
        let at = world.elapsed(world.clock.now());
        let did = turn(&mut world, &mut engine, &mut dice).await;
        told.push_str(&world.log(&mut engine));
        told.push_str(&format!("{at:>8.3} USER: {did}\n"));
    }
    let ended = finish(&mut world, &mut engine).await;
    told.push_str(&world.log(&mut engine));
    diary.push_str(&told);
    let mut wrong = world.guard.violations();
    wrong.extend(ended.err());
    if wrong.is_empty() {
        wrong.extend(world.leftovers());
        let writes = world.writes_of("engine-");
        world.pass(3600.0).await;
        let more = world.writes_of("engine-") - writes;
        if more > 0 {
            wrong.push(format!("{more} writes at rest\n{}", world.log(&mut engine)));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{diary}\n{}", wrong.join("\n")))
}

#[test]
fn generated_releases_end_as_their_specs_say() {
    let replayed = env::var("SEED").ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = replayed.map_or(0..RELEASES, |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    #[expect(clippy::disallowed_methods, reason = "real time, to tell the speed")]
    let began = std::time::Instant::now();
    let failures: Vec<String> = seeds
        .filter_map(|seed| in_virtual_time(release(seed)).err())
        .collect();
    let speed = f64::from(u32::try_from(count).unwrap()) / began.elapsed().as_secs_f64();
    println!("{count} generated releases, {speed:.1} per second");
    assert!(
        failures.is_empty(),
        "{} of {count} failed; replay with SEED=n. The first:\n{}",
        failures.len(),
        failures[0]
    );
}
