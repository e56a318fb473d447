//! Generated releases: every kind in every style, random plans, random turns of the user, random faults, engines killed at
//! random. Whatever came before, once the user is done and the network is whole the release ends as its spec says, and
//! then nobody writes.
//!
//! `SEED=n` replays one release, `RELEASES=n` generates as many, `FROM=n` begins at another seed, `SHAPE=text` keeps to
//! the shapes whose names contain it. A failure is made smaller, unless `WHOLE` is set; `TRACE=n` shows the last n writes
//! of its engines.

use std::{collections::BTreeMap, env, fmt::Write as _};

use kubectl_kruise::workload::Kind;
use serde_json::{Value, json};

use super::{
    rest::{image_of, is_bad},
    shape::Shape,
    trouble::{Dice, Weather},
    turn::{Turn, is_waiting},
    world::{Engine, NAMESPACE, POD, REPLICA_SET, REVISION, Setup, World, in_virtual_time},
};

/// Releases of one run of the suite.
const RELEASES: u64 = 52;
/// Turns of the user in one release.
const TURNS: u64 = 10;
/// What a blue-green release says that does not take another version.
const ROLL_BACK_FIRST: &str = "please rollback first";

/// A release as data, so that it can be told and made smaller.
#[derive(Clone, Debug)]
struct Script {
    seed: u64,
    setup: Setup,
    weather: Weather,
    /// Whether a second engine runs beside the first.
    is_pair: bool,
    /// Whether a template that never becomes ready is taken back at the end, not mended.
    takes_back: bool,
    /// What happens, each after some tenths of a second.
    /// Whether the user had the Deployment paused before.
    is_own_pause: bool,
    turns: Vec<(u64, Turn)>,
}

/// Seeds that leave this by 8 stand for a Deployment that its user has paused, if for a Deployment at all.
const OWN_PAUSE: u64 = 3;

impl Script {
    fn new(seed: u64) -> Self {
        let wanted = env::var("SHAPE").unwrap_or_default();
        let of = |all: Vec<Shape>| -> Vec<Shape> {
            let mut shapes = all;
            shapes.retain(|shape| shape.name.contains(&wanted));
            shapes
        };
        let mut shapes = of(Shape::all());
        if shapes.is_empty() {
            // Routes that are edited in place: http-route, virtual-service.
            shapes = of(Shape::edited_in_place());
        }
        let mut dice = Dice(seed);
        let shape = Shape::random(&mut dice, &shapes);
        let (hold, atomic) = dice.pick(&[
            (true, false),
            (true, false),
            (false, true),
            (false, true),
            (false, false),
        ]);
        let setup = Setup {
            hold,
            atomic,
            replicas: 1 + i64::try_from(dice.below(6)).unwrap(),
            steps: shape.plan(&mut dice),
            grace: i64::try_from(dice.below(3)).unwrap(),
            // For some turns there may be no engine, the next may have to wait for the Lease of a dead one, and in some kinds pods
            // come one after the other.
            lag: if matches!(shape.kind, Kind::StatefulSet | Kind::AdvancedStatefulSet) {
                60
            } else {
                45
            },
            shape,
        };
        let is_rough = dice.percent(50);
        let weather = Weather {
            faults: if is_rough { dice.below(15) } else { 0 },
            slow: if dice.percent(30) { dice.below(30) } else { 0 },
        };
        let mut turns: Vec<(u64, Turn)> = (0..TURNS)
            .map(|_| (dice.below(80), Turn::random(&mut dice, &setup.shape)))
            .collect();
        let is_own_pause = seed % 8 == OWN_PAUSE && setup.shape.kind == Kind::Deployment;
        if is_own_pause {
            // What nobody releases stays where it is paused.
            turns.retain(|(_, turn)| {
                let leaves = matches!(turn, Turn::Disabled(true) | Turn::DeleteRollout);
                !leaves && !matches!(turn, Turn::DeleteWorkload | Turn::CreateWorkload)
            });
        }
        Self {
            seed,
            weather,
            is_pair: dice.percent(15),
            takes_back: dice.percent(50),
            is_own_pause,
            turns,
            setup,
        }
    }

    fn title(&self) -> String {
        let Setup {
            shape,
            hold,
            atomic,
            replicas,
            steps,
            grace,
            ..
        } = &self.setup;
        format!(
            "seed {}: {}, hold {hold}, atomic {atomic}, {replicas} replicas, routed {} (grace {grace} s), {} faults, {} slow, pair {}, own pause {}\n\
             workload {}\nrollout {} {}\nsteps {steps}\n",
            self.seed,
            shape.name,
            shape.routed,
            self.weather.faults,
            self.weather.slow,
            self.is_pair,
            self.is_own_pause,
            shape.spec,
            shape.strategy,
            shape.annotations,
        )
    }

    fn fails(&self) -> Option<Failure> {
        in_virtual_time(play(self)).err()
    }

    /// A smaller script that still fails: without turns, faults or a second engine that it does not need.
    fn shrunk(mut self, mut failure: Failure) -> (Self, Failure) {
        let mut is_smaller = true;
        while is_smaller {
            is_smaller = false;
            let mut candidates: Vec<Self> = Vec::new();
            if self.weather != Weather::default() {
                candidates.push(Self {
                    weather: Weather::default(),
                    ..self.clone()
                });
            }
            if self.is_pair {
                candidates.push(Self {
                    is_pair: false,
                    ..self.clone()
                });
            }
            for at in 0..self.turns.len() {
                let mut less = self.clone();
                let (seconds, _) = less.turns.remove(at);
                candidates.push(less.clone());
                if let Some(next) = less.turns.get_mut(at) {
                    next.0 += seconds;
                    candidates.push(less);
                }
            }
            for candidate in candidates {
                if let Some(other) = candidate.fails().filter(|other| other.sort() == failure.sort()) {
                    (self, failure) = (candidate, other);
                    is_smaller = true;
                    break;
                }
            }
        }
        (self, failure)
    }
}

/// What went wrong, and the story up to there.
struct Failure {
    what: String,
    story: String,
}

impl Failure {
    fn line(&self) -> String {
        let mut lines = self.what.lines();
        let first = lines.next().unwrap_or_default();
        if first.starts_with("waited") {
            let rest: Vec<&str> = lines.filter(|line| !line.starts_with([' ', '@'])).collect();
            return format!("{first} {}", rest.join("; "));
        }
        first.to_owned()
    }

    /// The same for failures that are alike: no numbers, no names.
    fn sort(&self) -> String {
        let line = self.line();
        let text = if line.starts_with("waited") {
            line.split_once(')').map_or(line.as_str(), |(_, rest)| rest)
        } else {
            line.as_str()
        };
        text.chars().filter(|c| c.is_alphabetic()).take(40).collect()
    }
}

fn is_over(world: &World) -> bool {
    let rollout = world.rollout_seen();
    let seen = rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"];
    (rollout.is_null() || seen && (world.phase_is("Healthy") || world.phase_is("Disabled")))
        && world.is_clean()
}

fn must_roll_back(world: &World) -> bool {
    let rollout = world.rollout_seen();
    let message = &rollout["status"]["message"];
    world.phase_is("Progressing")
        && message
            .as_str()
            .is_some_and(|text| text.contains(ROLL_BACK_FIRST))
}

/// The tag of the stable version's image.
fn stable_tag(world: &World) -> String {
    let stable = world.progress()["stableRevision"].take();
    let stable = stable.as_str().unwrap_or_default();
    let kept = [REPLICA_SET, REVISION]
        .into_iter()
        .flat_map(|kind| world.sim.list(kind.0, kind.1, Some(NAMESPACE)))
        .find(|object| {
            object["metadata"]["name"]
                .as_str()
                .is_some_and(|name| name.ends_with(stable))
        })
        .unwrap_or_default();
    let template = [&kept["spec"], &kept["data"]["spec"]]
        .into_iter()
        .map(|spec| &spec["template"]["spec"]["containers"][0]["image"])
        .find_map(Value::as_str);
    let image = template.unwrap_or("echoserver:v1");
    image.trim_start_matches("echoserver:").to_owned()
}

/// Whether a pod can neither start nor make way: its version is the stable one, or the one that the workload's own controller
/// makes lost pods of, since another one went out everywhere while the workload was scaled to nothing.
fn is_beyond_repair(world: &World) -> bool {
    if world.progress().is_object() && is_bad(&stable_tag(world)) {
        return true;
    }
    let current = world.workload()["status"]["currentRevision"].take();
    let Some(current) = current.as_str().filter(|current| !current.is_empty()) else {
        return false;
    };
    let pods = world.sim.list(POD.0, POD.1, Some(NAMESPACE));
    pods.iter().any(|pod| {
        let revision = pod["metadata"]["labels"]["controller-revision-hash"].as_str();
        let is_current = revision.is_some_and(|revision| !revision.is_empty() && current.ends_with(revision));
        is_current && is_bad(&image_of(&pod["spec"]))
    })
}

/// The user is done: the network is whole, nothing is paused, what cannot run is mended or taken back, and every step is
/// approved.
async fn finish(world: &mut World, engine: &mut Engine, takes_back: bool) -> Result<(), String> {
    world.trouble.disturb(Weather::default(), Dice(0));
    let rollout = world.rollout();
    let is_going = rollout.is_null() || rollout["metadata"].get("deletionTimestamp").is_some();
    if !is_going {
        world.spec(json!({ "strategy": { "paused": false } })).await;
    }
    if world.workload().is_null() {
        world.create_workload().await;
    } else if is_bad(&world.ledger.wanted_image()) {
        // What went out while the Rollout was disabled is the stable version, and may be just this one.
        let tag = (takes_back && world.progress().is_object())
            .then(|| stable_tag(world))
            .filter(|tag| !is_bad(tag))
            .unwrap_or_else(|| "v9".to_owned());
        world.image(&tag).await;
    }
    if is_going || rollout["spec"]["disabled"] == true || !world.phase_is("Progressing") {
        world.remove_broken_pods().await;
    }
    let mut has_helped = false;
    for _ in 0..40 {
        let rests = |w: &World| is_waiting(w) || is_over(w) || must_roll_back(w);
        let mut turned = world.until(engine, "a pause or the end", 240, rests).await;
        if turned.is_err() && world.rollout().is_null() && !has_helped {
            // Nobody but the user takes away what a scaled-up StatefulSet began with.
            has_helped = true;
            world.remove_broken_pods().await;
            continue;
        }
        if turned.is_err() && is_beyond_repair(world) {
            // The engine tries until its deadline.
            turned = world.until(engine, "a pause or the end", 600, rests).await;
            let is_there = !world.rollout().is_null();
            let is_before = world.progress()["currentStepState"] == "BeforeStepUpgrade";
            if turned.is_err() && is_there && (is_before || has_helped) {
                // As `explain` says then: the stable version is not worth a release in steps. Nor is it where the last step
                // keeps pods of it, since the workload was scaled up.
                world.spec(json!({ "disabled": true })).await;
                if is_bad(&world.ledger.wanted_image()) {
                    world.image("v9").await;
                }
                if has_helped {
                    world.pass(1.0).await;
                    world.remove_broken_pods().await;
                }
                continue;
            }
            if turned.is_err() && !has_helped {
                // As `explain` says then: only with its last step does the release take such pods away.
                has_helped = true;
                world.skip_to_the_end().await;
                continue;
            }
        }
        turned.map_err(|error| format!("{error}\n{}", world.leftovers().join("\n")))?;
        // A pause that time ends, or the core, may be over by now.
        world.pass(1.0).await;
        if must_roll_back(world) {
            let tag = stable_tag(world);
            world.image(&tag).await;
            world
                .until(engine, "the newer version to be given up", 60, |w| {
                    !must_roll_back(w)
                })
                .await?;
        } else if is_waiting(world) {
            world.approve().await;
        } else if is_over(world) {
            // A killed engine's Lease ends by itself.
            world.pass(30.0).await;
            if !world.is_dead(engine) {
                return Ok(());
            }
            // What happened as it died may look like rest, but nobody has seen it.
            *engine = world.engine(true);
            world.pass(30.0).await;
        }
    }
    Err(format!("forty approvals led nowhere: {}", world.place()))
}

async fn play(script: &Script) -> Result<(), Failure> {
    let mut story = String::new();
    let mut world = World::new(script.setup.clone()).await;
    // Beside it, silent: whatever the first does not get to.
    let _second = script.is_pair.then(|| world.engine(true));
    let mut engine = world.engine(true);
    let mut wrong = Vec::new();
    wrong.extend(
        world
            .until(&mut engine, "rest", 60, |w| w.phase_is("Healthy"))
            .await
            .err(),
    );
    if script.is_own_pause {
        world.pause_workload().await;
    }
    world.trouble.disturb(script.weather, Dice(script.seed));
    world.image("v2").await;
    for (tenths, turn) in &script.turns {
        world
            .pass(f64::from(u32::try_from(*tenths).unwrap()) / 10.0)
            .await;
        if world.is_dead(&engine) {
            story.push_str(&world.log(&mut engine));
            engine = world.engine(true);
        }
        let at = world.elapsed(world.clock.now());
        story.push_str(&world.log(&mut engine));
        let did = turn.take(&mut world, &mut engine).await;
        let _ = writeln!(story, "{at:>8.3} {} {turn}", if did { "USER" } else { "idle" });
    }
    let at = world.elapsed(world.clock.now());
    story.push_str(&world.log(&mut engine));
    let _ = writeln!(story, "{at:>8.3} USER is done");
    if world.is_dead(&engine) {
        // What happened since it died may look like rest, but nobody has seen it.
        engine = world.engine(true);
    }
    let ended = finish(&mut world, &mut engine, script.takes_back).await;
    story.push_str(&world.log(&mut engine));
    wrong.extend(world.guard.violations());
    wrong.extend(world.trouble.runaway());
    wrong.extend(ended.err());
    if wrong.is_empty() {
        wrong.extend(silence(&mut world, &mut engine).await);
    }
    wrong.extend(world.unguarded_writes());
    if wrong.is_empty() {
        return Ok(());
    }
    if let Some(count) = number("TRACE") {
        story.push_str(&world.last_writes(usize::try_from(count).unwrap()));
    }
    Err(Failure {
        what: wrong.join("\n"),
        story,
    })
}

/// What is wrong with a world at rest: somebody writes, or holds something.
async fn silence(world: &mut World, engine: &mut Engine) -> Vec<String> {
    let mut wrong = world.held_leases();
    let writes = world.writes_of("engine-");
    world.pass(3600.0).await;
    let more = world.writes_of("engine-") - writes;
    if more > 0 {
        wrong.push(format!("{more} writes at rest\n{}", world.log(engine)));
    }
    let mut fresh = world.engine(false);
    world.pass(60.0).await;
    let writes = world.writes_of(&fresh.identity);
    if writes > 0 {
        wrong.push(format!(
            "a second run writes {writes} times\n{}",
            world.log(&mut fresh)
        ));
    }
    wrong.extend(world.leftovers());
    wrong
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn generated_releases_end_as_their_specs_say() {
    let from = number("SEED").or_else(|| number("FROM")).unwrap_or(0);
    let count = match number("SEED") {
        Some(_) => 1,
        None => number("RELEASES").unwrap_or(RELEASES),
    };
    #[expect(clippy::disallowed_methods, reason = "real time, to tell the speed")]
    let began = std::time::Instant::now();
    let mut failures: BTreeMap<u64, (Script, Failure)> = BTreeMap::new();
    for seed in from..from + count {
        let script = Script::new(seed);
        if let Some(failure) = script.fails() {
            println!("seed {seed} {}: {}", script.setup.shape.name, failure.line());
            failures.insert(seed, (script, failure));
        }
    }
    let speed = f64::from(u32::try_from(count).unwrap()) / began.elapsed().as_secs_f64();
    println!("{count} generated releases, {speed:.1} per second");
    let failed = failures.len();
    if let Some((seed, (script, failure))) = failures.pop_first() {
        let (script, failure) = if env::var_os("WHOLE").is_some() {
            (script, failure)
        } else {
            script.shrunk(failure)
        };
        panic!(
            "{failed} of {count} failed; replay with SEED={seed}. The first, made smaller:\n{}{}\n{}",
            script.title(),
            failure.story,
            failure.what
        );
    }
}

/// Each showed a cause that was mended; what they stand for is beside them.
#[test]
fn releases_that_once_failed_end_well() {
    let seeds = [
        // A step that was edited to want all, then a jump back: the split went to a version whose last pod was about to go.
        30503,
        // Scaled down and taken back at once: the Deployment's own controller took away too many pods.
        41017, 42733, 42844,
        // A pause that was not written yet took away pods that the step before it brought back, in a circle.
        41185,
        // The answer to a write of a pod came after the news that it was gone, and brought it back.
        41607,
        // A version that went out everywhere behind a paused canary: engine and controller undid each other's work.
        41964, // A step edited to want less while the last old pods were about to go.
        42186,
        // Held and scaled to nothing before any engine wrote that a release began: the finalizer stayed.
        50181, // The first pod of a set that was scaled up was taken for all of them.
        50057,
        // A pod taken back from below the last one, which its controller took away at the same time.
        201345,
        // A blue-green CloneSet scaled down: Kruise takes away no pod as long as none counts as available.
        200431, // Pods taken back that began to come again before it was written that the release began.
        300711,
        // Scaled to nothing and up again, a StatefulSet makes its pods of a version that was given up and never becomes ready.
        80574,
        300541, // A pod of a version that was given up takes all that may be missing, and stays in the way of the others.
        310020,
        // Pods of a version in between stayed, and those that the stable Service was kept to went.
        360594,
        // A blue-green Deployment scaled to nothing, whose manifest with a surge of nothing was applied again.
        372239, // Handed back before its controller had seen the last change: notes of another size were not corrected.
        390207, 392343,
        // Pods of a version that its controller takes for the current one came back as they were, and were deleted again.
        392288,
        // Scaled up, so that the last step keeps pods of a version that never becomes ready.
        391559, 391674,
        // A pod of a version that came and went unheld took the place of a stable one beside a blue-green release.
        414871,
        // The stable Service was kept to pods that the watch still showed, of a version that was gone by its controller's count.
        420357,
        // Its stable version never becomes ready, so that no canary may begin beside it: somebody disables the Rollout.
        310082,
        // A newer version in the middle of a blue-green release's end, just after what the user had was given back.
        310977,
        // v2, v3 that never becomes ready, v2 again: a pod that serves was taken back, and one that does not counted for it.
        311540,
        // A third version beside a blue-green release: its engine and the workload's own controller undid each other's work.
        322003, 322565,
        // Disabled just as a version was held: an engine let it go and was killed, and the next saw no reason to tidy up.
        330458,
        // A pod of a given-up version that Kruise made anew just as it was, deleted again and again.
        330564,
    ];
    for seed in seeds {
        let failure = Script::new(seed).fails();
        assert!(
            failure.is_none(),
            "seed {seed}: {}",
            failure.map_or_else(String::new, |failure| failure.line())
        );
    }
}
