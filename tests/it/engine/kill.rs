//! An engine is killed at every request it sends, before it is carried out and after; the next one finishes the release
//! with the same result.

use serde_json::{Value, json};

use super::world::{Engine, Kill, ROLLOUT, ROLLOUT_NAME, Setup, World, in_virtual_time};

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
    world
        .until(engine, "the end", 240, |w| match story {
            Story::Complete | Story::Rollback => w.phase_is("Healthy"),
            Story::Delete => w.rollout().is_null(),
            Story::Disable => w.phase_is("Disabled"),
        })
        .await?;
    world.pass(2.0).await;
    Ok(())
}

async fn run(story: Story, kill: Option<Kill>) -> Result<End, String> {
    let mut world = World::new(Setup {
        replicas: 3,
        ..Setup::default()
    })
    .await;
    if let Some(kill) = kill {
        world.kill_at(kill);
    }
    let mut engine = world.engine(true);
    let first = engine.identity.clone();
    let played = turns(&mut world, &mut engine, story).await;
    if let Err(error) = played {
        return Err(format!("{error}\n{}", world.log(&mut engine)));
    }
    // A kill may have come with the very last request; then nothing but a Lease may be left, which ends by itself.
    let killed = engine.identity != first || engine.task.is_finished();
    let mut wrong = world.guard.violations();
    wrong.extend(world.leftovers());
    let holders = world.lease_holders();
    let forgiven = holders.is_empty() || killed && holders == [first];
    if !forgiven {
        wrong.push(format!("Leases of {holders:?}"));
    }
    if !wrong.is_empty() {
        return Err(format!("{}\n{}", wrong.join("\n"), world.log(&mut engine)));
    }
    let _ = world.controllers();
    Ok(End {
        picture: world.picture(),
        requests: world.requests_of(&engine),
        killed,
    })
}

fn difference(expected: &[Value], found: &[Value]) -> String {
    let text = |list: &[Value]| serde_json::to_string_pretty(list).unwrap();
    let (expected, found) = (text(expected), text(found));
    let diff = similar::TextDiff::from_lines(&expected, &found);
    diff.unified_diff().context_radius(8).to_string()
}

fn killed_at_every_request(story: Story) {
    let undisturbed = in_virtual_time(run(story, None)).unwrap_or_else(|error| panic!("{story:?}: {error}"));
    assert!(undisturbed.requests.len() > 30, "{}", undisturbed.requests.len());
    for (at, mutating) in undisturbed.requests.iter().enumerate() {
        for executed in [false, true] {
            if executed && !mutating {
                // Whether a read whose answer is lost was carried out makes no difference.
                continue;
            }
            let kill = Kill { at, executed };
            let end = in_virtual_time(run(story, Some(kill)))
                .unwrap_or_else(|error| panic!("{story:?}, {kill:?}: {error}"));
            assert!(end.killed, "{story:?}, {kill:?}: nobody was killed");
            assert!(
                end.picture == undisturbed.picture,
                "{story:?}, {kill:?}:\n{}",
                difference(&undisturbed.picture, &end.picture)
            );
        }
    }
}

#[test]
fn a_release_survives_a_kill_at_every_request() {
    killed_at_every_request(Story::Complete);
}

#[test]
fn a_rollback_survives_a_kill_at_every_request() {
    killed_at_every_request(Story::Rollback);
}

#[test]
fn a_deletion_survives_a_kill_at_every_request() {
    killed_at_every_request(Story::Delete);
}

#[test]
fn a_disabling_survives_a_kill_at_every_request() {
    killed_at_every_request(Story::Disable);
}
