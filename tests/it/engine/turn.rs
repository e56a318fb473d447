//! One thing that a user, or the world, does in the middle of a release.

use std::fmt;

use kubectl_kruise::{
    api::{keys, v1beta1::RollingStyle},
    workload::Kind,
};
use serde_json::{Value, json};

use super::{
    shape::Shape,
    trouble::{Dice, Kill},
    world::{APP, DEPLOYMENT, Engine, INGRESS, NAMESPACE, ROLLOUT, ROLLOUT_NAME, SERVICE, World},
};

/// What is done; nothing happens where the world has nothing to do it to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Turn {
    Approve,
    Scale(u64),
    Image(String),
    /// A new image while no engine runs, for some seconds.
    ImageUnseen(String, u64),
    Reapply,
    Steps(Value),
    /// Other durations of all pauses; none until approved.
    Pauses(Option<u64>),
    Paused(bool),
    Disabled(bool),
    DeleteRollout,
    CreateRollout,
    Jump(i64),
    DeleteWorkload,
    CreateWorkload,
    /// The extra Deployment is deleted by hand.
    DeleteCanary,
    /// The twin of the Service or of the Ingress is deleted by hand.
    DeleteTwin(&'static str),
    CutWatches,
    Kill,
    KillSoon {
        after: usize,
        executed: bool,
    },
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => write!(f, "Steps {steps}"),
            other => write!(f, "{other:?}"),
        }
    }
}

fn image(dice: &mut Dice) -> String {
    match dice.below(10) {
        0..4 => "v1".to_owned(),
        4..8 => format!("v{}", 2 + dice.below(4)),
        _ => dice.pick(&["v6-crash", "v7-stuck", "v8-missing"]).to_owned(),
    }
}

impl Turn {
    pub(super) fn random(dice: &mut Dice, shape: &Shape) -> Self {
        match dice.below(40) {
            0..3 => Self::Scale(dice.below(9)),
            3 => Self::Scale(0),
            4..9 => Self::Image(image(dice)),
            9 => Self::ImageUnseen(image(dice), dice.below(20)),
            10 => Self::Reapply,
            11 | 12 => Self::Steps(shape.plan(dice)),
            13 => Self::Pauses(dice.percent(70).then(|| dice.below(8))),
            14 | 15 => Self::Paused(dice.percent(50)),
            16 => Self::Disabled(dice.percent(60)),
            17 => Self::Disabled(false),
            18 => Self::DeleteRollout,
            19 => Self::CreateRollout,
            20 | 21 => Self::Jump(i64::try_from(dice.below(6)).unwrap()),
            22 if dice.percent(50) => Self::DeleteWorkload,
            23 => Self::CreateWorkload,
            24 if shape.style == RollingStyle::Canary => Self::DeleteCanary,
            25 if shape.routed => Self::DeleteTwin(dice.pick(&[SERVICE.1, INGRESS.1])),
            26 => Self::CutWatches,
            27 | 28 => Self::Kill,
            29..32 => Self::KillSoon {
                after: usize::try_from(dice.below(12)).unwrap(),
                executed: dice.percent(50),
            },
            _ => Self::Approve,
        }
    }

    /// Does it; the answer says whether there was anything to do it to.
    pub(super) async fn take(&self, world: &mut World, engine: &mut Engine) -> bool {
        let exists = !world.rollout().is_null();
        let has_workload = !world.workload().is_null();
        match self {
            Self::Approve if is_waiting(world) => world.approve().await,
            // From k new pods Kruise adds no more than replicas - k, and none of the old version: a limit that users are told.
            Self::Scale(to) if is_full(world, *to) => return false,
            Self::Scale(to) => world.scale(*to).await,
            Self::Image(tag) if has_workload => world.image(tag).await,
            Self::ImageUnseen(tag, seconds) if has_workload => {
                world.trouble.kill(&engine.identity);
                world.image(tag).await;
                world.pass(f64::from(u32::try_from(*seconds).unwrap())).await;
            }
            Self::Reapply => {
                if !world.acts(engine) {
                    // A policy puts a pause back. That a paused Deployment neither adds nor takes pods only an engine's strategy
                    // says.
                    world.guard.forgive(60);
                }
                world.reapply().await;
            }
            Self::Steps(steps) if exists => world.strategy(json!({ "steps": steps })).await,
            Self::Pauses(seconds) if exists => {
                let mut steps = world.steps();
                let pause = seconds.map_or_else(|| json!({}), |seconds| json!({ "duration": seconds }));
                for step in steps.as_array_mut().into_iter().flatten() {
                    step["pause"] = pause.clone();
                }
                world.strategy(json!({ "steps": steps })).await;
            }
            Self::Paused(paused) if exists => world.spec(json!({ "strategy": { "paused": paused } })).await,
            Self::Disabled(disabled) if exists => world.spec(json!({ "disabled": disabled })).await,
            // A hold without a finalizer means that no engine has seen it yet; then the Rollout's end leaves it behind.
            Self::DeleteRollout if exists && !is_unseen(world) => world.delete(ROLLOUT, ROLLOUT_NAME).await,
            Self::CreateRollout if !exists => {
                world.user.create(&world.rollout_manifest()).await.unwrap();
            }
            Self::Jump(to) if world.progress().is_object() => world.jump(*to).await,
            Self::DeleteWorkload if has_workload => world.delete_workload().await,
            Self::CreateWorkload if !has_workload => world.create_workload().await,
            Self::DeleteCanary => {
                for canary in world.sim.list(DEPLOYMENT.0, DEPLOYMENT.1, Some(NAMESPACE)) {
                    let name = canary["metadata"]["name"].as_str().unwrap_or_default();
                    if name != APP {
                        world.guard.forgive(60);
                        world.delete(DEPLOYMENT, name).await;
                    }
                }
            }
            Self::DeleteTwin(kind) => {
                let kind = if *kind == SERVICE.1 { SERVICE } else { INGRESS };
                let name = format!("{APP}-canary");
                if world.sim.get(kind.0, kind.1, NAMESPACE, &name).is_none() {
                    return false;
                }
                world.guard.forgive(60);
                world.delete(kind, &name).await;
            }
            Self::CutWatches => world.sim.cut_watches(),
            Self::Kill => world.trouble.kill(&engine.identity),
            Self::KillSoon { after, executed } => {
                let at = world.requests_of(engine).len() + after;
                let executed = *executed;
                world.trouble.kill_at(&engine.identity, Kill { at, executed });
            }
            _ => return false,
        }
        true
    }
}

/// Whether a step waits for a human or for time.
pub(super) fn is_waiting(world: &World) -> bool {
    world.phase_is("Progressing") && world.progress()["currentStepState"] == "StepPaused"
}

/// Whether the workload would have to grow and cannot: a CloneSet in the middle of a blue-green release.
fn is_full(world: &World, to: u64) -> bool {
    let shape = &world.setup.shape;
    let is_bound = (shape.kind, shape.style) == (Kind::CloneSet, RollingStyle::BlueGreen);
    is_bound && world.phase_is("Progressing") && world.workload()["spec"]["replicas"].as_u64() < Some(to)
}

fn is_unseen(world: &World) -> bool {
    let workload = world.workload();
    let mark = workload["metadata"]["annotations"].get(keys::IN_PROGRESSING);
    let rollout = world.rollout();
    let finalizers = rollout["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
    mark.is_some() && finalizers == 0
}
