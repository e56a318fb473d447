//! An engine is killed at every request it sends, before it is carried out and after; the next one finishes the release
//! with the same result. `EVERY=1` kills at every request; without it at some of them, each time others for each shape.

use std::env;

use kubectl_kruise::{api::v1beta1::RollingStyle, workload::Kind};
use serde_json::{Value, json};

use super::{
    rest::difference,
    shape::Shape,
    trouble::Kill,
    turn::is_waiting,
    world::{Engine, ROLLOUT, ROLLOUT_NAME, Setup, World, in_virtual_time, step},
};

/// What the user does with a release.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// Lets it go through.
    Complete,
    /// Goes back to the old version in the middle.
    Rollback,
    /// Deletes the Rollout in the middle.
    Delete,
    /// Disables the Rollout in the middle.
    Disable,
}

/// How a release ended.
struct End {
    picture: Vec<Value>,
    /// The last engine's requests; of each, whether it could change something.
    requests: Vec<bool>,
    killed: bool,
}

async fn turns(world: &mut World, engine: &mut Engine, story: Story) -> Result<(), String> {
    world.until(engine, "rest", 60, |w| w.phase_is("Healthy")).await?;
    world.image("v2").await;
    world.until(engine, "step 1", 120, |w| w.paused_at(1)).await?;
    world.approve().await;
    world.until(engine, "step 2", 120, |w| w.paused_at(2)).await?;
    match story {
        Story::Complete => {}
        Story::Rollback => world.image("v1").await,
        Story::Delete => world.delete(ROLLOUT, ROLLOUT_NAME).await,
        Story::Disable => world.spec(json!({ "disabled": true })).await,
    }
    let is_over = |w: &World| match story {
        Story::Complete | Story::Rollback => w.phase_is("Healthy"),
        Story::Delete => w.rollout().is_null(),
        Story::Disable => w.phase_is("Disabled"),
    };
    // The last step of a blue-green release asks for an approval, too.
    let at_the_last = |w: &World| is_waiting(w) && w.paused_at(3);
    world
        .until(engine, "the end", 240, |w| is_over(w) || at_the_last(w))
        .await?;
    if at_the_last(world) {
        world.approve().await;
        world.until(engine, "the end", 240, is_over).await?;
    }
    // A Rollout that goes in the middle leaves the rest to the controller of the workload.
    world.pass(10.0).await;
    Ok(())
}

async fn run(shape: &Shape, story: Story, kill: Option<Kill>) -> Result<End, String> {
    let mut world = World::new(Setup {
        replicas: 3,
        shape: shape.clone(),
        steps: steps(shape),
        lag: 60,
        ..Setup::default()
    })
    .await;
    let mut engine = world.engine(true);
    let first = engine.identity.clone();
    if let Some(kill) = kill {
        world.trouble.kill_at(&first, kill);
    }
    let played = turns(&mut world, &mut engine, story).await;
    if let Err(error) = played {
        return Err(format!("{error}\n{}", world.log(&mut engine)));
    }
    // A kill may have come with the very last request; then nothing but a Lease may be left, which ends by itself.
    let killed = engine.identity != first || engine.task.is_finished();
    let mut wrong = world.guard.violations();
    wrong.extend(world.leftovers());
    wrong.extend(world.unguarded_writes());
    let holders = world.lease_holders();
    let forgiven = holders.is_empty() || killed && holders == [first];
    if !forgiven {
        wrong.push(format!("Leases of {holders:?}"));
    }
    if !wrong.is_empty() {
        return Err(format!("{}\n{}", wrong.join("\n"), world.log(&mut engine)));
    }
    Ok(End {
        picture: world.picture(),
        requests: world.requests_of(&engine),
        killed,
    })
}

/// Three steps, the second one timed, that every style allows. A CloneSet in blue-green gets all its new pods in the first
/// one, as in the recorded release; plans whose surge grows are left to the generated releases.
fn steps(shape: &Shape) -> Value {
    use RollingStyle::{BlueGreen, Partition};
    let last = (shape.style != Partition).then_some(100);
    let (one, half) = if (shape.kind, shape.style) == (Kind::CloneSet, BlueGreen) {
        (json!("100%"), json!("100%"))
    } else {
        (json!(1), json!("50%"))
    };
    json!([
        step(&one, Some(20), None),
        step(&half, Some(50), Some(5)),
        step(&json!("100%"), last, None),
    ])
}

/// Kills of one shape's release; how many requests lie between two of them, unless every one is asked for.
fn killed_at_many_requests(shape: &Shape, story: Story, stride: usize, offset: usize) {
    let stride = if env::var_os("EVERY").is_some() { 1 } else { stride };
    let told = |error: String| panic!("{} {story:?}: {error}", shape.name);
    let undisturbed = in_virtual_time(run(shape, story, None)).unwrap_or_else(told);
    assert!(undisturbed.requests.len() > 30, "{}", undisturbed.requests.len());
    let kills = undisturbed.requests.iter().enumerate();
    for (at, mutating) in kills.skip(offset % stride).step_by(stride) {
        for executed in [false, true] {
            if executed && !mutating {
                // Whether a read whose answer is lost was carried out makes no difference.
                continue;
            }
            let kill = Kill { at, executed };
            let end = in_virtual_time(run(shape, story, Some(kill)))
                .unwrap_or_else(|error| panic!("{} {story:?}, {kill:?}: {error}", shape.name));
            assert!(
                end.killed,
                "{} {story:?}, {kill:?}: nobody was killed",
                shape.name
            );
            assert!(
                end.picture == undisturbed.picture,
                "{} {story:?}, {kill:?}:\n{}",
                shape.name,
                difference(&undisturbed.picture.clone().into(), &end.picture.into())
            );
        }
    }
}

fn every_shape(story: Story, stride: usize) {
    let wanted = env::var("SHAPE").unwrap_or_default();
    let shapes = Shape::all()
        .into_iter()
        .chain(Shape::edited_in_place())
        .filter(|shape| shape.name.contains(&wanted));
    for (at, shape) in shapes.enumerate() {
        killed_at_many_requests(&shape, story, stride, at);
    }
}

#[test]
fn a_release_survives_a_kill_at_every_request() {
    every_shape(Story::Complete, 40);
}

#[test]
fn a_rollback_survives_a_kill_at_every_request() {
    every_shape(Story::Rollback, 40);
}

#[test]
fn a_deletion_survives_a_kill_at_every_request() {
    every_shape(Story::Delete, 80);
}

#[test]
fn a_disabling_survives_a_kill_at_every_request() {
    every_shape(Story::Disable, 80);
}
