//! The promise over generated releases: every kind in every style with random plans, at rest or at a pause, and a random turn
//! of the user. What is planned is then done by an engine whose cluster is quicker or slower than the plan's.
//!
//! `PROMISES=n` generates as many, `FROM=n` begins at another seed, `SEED=n` plays one.

use std::{collections::BTreeMap, env, time::Duration};

use jiff::Timestamp;
use kubectl_kruise::{
    engine::{core::Stop, driver::Event},
    plan,
    workload::edit::NewImage,
};
use serde_json::{Value, json};

use super::{
    shape::Shape,
    trouble::Dice,
    world::{APP, ROLLOUT_NAME},
};
use crate::{
    harness::cluster::Place,
    promise::{Stage, predicted},
};

/// Releases of one run of the suite.
const PROMISES: u64 = 39;
/// From a change of the user until nothing moves any more that is not a release.
const QUIET: Duration = Duration::from_secs(60);

/// What the user does, and is planned.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A first release.
    Release,
    /// A first release whose pods crash.
    Crash,
    /// The rest of a release that waits.
    Rest,
    /// A newer version in the middle.
    Newer,
    /// The old version again.
    Back,
    /// More or fewer pods in the middle.
    Scale(i64),
    /// Other steps in the middle.
    Steps,
    /// The Rollout is switched off in the middle.
    Disable,
    /// The Rollout is deleted in the middle.
    Delete,
}

impl Turn {
    fn random(dice: &mut Dice) -> Self {
        let size = 1 + i64::try_from(dice.below(7)).unwrap();
        let all = [
            Self::Release,
            Self::Release,
            Self::Crash,
            Self::Rest,
            Self::Rest,
            Self::Newer,
            Self::Back,
            Self::Back,
            Self::Scale(size),
            Self::Steps,
            Self::Disable,
            Self::Delete,
        ];
        dice.pick(&all)
    }

    fn is_first(self) -> bool {
        matches!(self, Self::Release | Self::Crash)
    }
}

fn images(tag: &str) -> Vec<NewImage> {
    vec![NewImage {
        container: "*".to_owned(),
        image: format!("echoserver:{tag}"),
    }]
}

/// A release at the moment of its turn.
struct Act {
    stage: Stage,
    shape: Shape,
    workload: Place,
    turn: Turn,
}

impl Act {
    /// Makes the application and lets an engine take note of it.
    async fn new(dice: &mut Dice) -> Self {
        let shape = Shape::random(dice, &Shape::all());
        let turn = Turn::random(dice);
        let steps = shape.plan(dice);
        let grace = i64::try_from(dice.below(3)).unwrap();
        let replicas = 1 + i64::try_from(dice.below(6)).unwrap();
        let latency = dice.pick(&[1, 2, 7, 40]);
        let part = i32::try_from(dice.below(1_000_000_000)).unwrap();
        let start = Timestamp::constant(1_767_225_600, part);
        let stage = Stage::new(ROLLOUT_NAME, Duration::from_millis(latency), start).await;
        let (api_version, kind) = shape.workload();
        let mut manifests = shape.other_manifests();
        manifests.extend([
            shape.workload_manifest(replicas),
            shape.rollout_manifest(&steps, grace),
        ]);
        for manifest in &manifests {
            stage.cluster.create(manifest).await.unwrap();
        }
        stage.clock.sleep(QUIET).await;
        let act = Self {
            stage,
            workload: Place::of(api_version, kind),
            shape,
            turn,
        };
        act.until(0).await;
        act
    }

    /// Lets an engine work to its first stop, or to a pause after so many approvals. Whether it waits there.
    async fn until(&self, approvals: u64) -> bool {
        let (engine, mut told) = self.stage.engine();
        let mut left = approvals;
        let followed = async {
            while let Some(event) = told.recv().await {
                let Event::Stopped { stop, .. } = event else {
                    continue;
                };
                let Stop::WaitingForApproval { step, .. } = stop else {
                    return false;
                };
                if left == 0 {
                    return true;
                }
                self.stage.clock.sleep(Duration::from_millis(100)).await;
                left -= u64::from(self.stage.approve(step).await);
            }
            false
        };
        let waits = tokio::time::timeout(Duration::from_secs(86_400), followed).await;
        let waits = waits.unwrap_or_else(|_| panic!("{} does not stop", self.shape.name));
        engine.abort();
        // Pods that the step took away are gone before somebody looks.
        self.stage.clock.sleep(QUIET).await;
        waits
    }

    async fn patch(&self, place: Place, name: &str, body: &Value) {
        let content = "application/merge-patch+json";
        self.stage
            .cluster
            .patch(place, name, "", content, body)
            .await
            .unwrap();
    }

    /// Sets another image as the command does.
    async fn image(&self, tag: &str) {
        let kind = self.workload.kind;
        let group = self.workload.api_version.split('/').next().unwrap_or_default();
        self.stage
            .image(&format!("{}.{group}", kind.to_lowercase()), APP, &images(tag))
            .await;
    }

    /// Brings the release to where the turn is taken. Whether there is such a moment in it.
    async fn reach(&self, dice: &mut Dice) -> bool {
        if self.turn.is_first() {
            return true;
        }
        self.image("v2").await;
        self.until(dice.below(3)).await
    }

    /// Plans the turn and takes it.
    async fn plan(&self, dice: &mut Dice) -> Result<plan::Plan, plan::Error> {
        let tag = match self.turn {
            Turn::Release => Some("v2"),
            Turn::Crash => Some("v2-crash"),
            Turn::Newer => Some("v3"),
            Turn::Back => Some("v1"),
            _ => None,
        };
        if let Some(tag) = tag {
            let plan = plan::predict(self.stage.request(images(tag)));
            self.image(tag).await;
            return plan;
        }
        let rollout = Place::named("rollout");
        match self.turn {
            Turn::Scale(size) if !self.shape.kind.is_per_node() => {
                self.patch(self.workload, APP, &json!({ "spec": { "replicas": size } }))
                    .await;
            }
            Turn::Steps => {
                let steps = self.shape.plan(dice);
                let mut strategy = json!({ "steps": steps });
                let key = ["canary", "blueGreen"].into_iter().find(|key| {
                    let now = self.stage.sim.get(
                        "rollouts.kruise.io/v1beta1",
                        "Rollout",
                        &self.stage.cluster.namespace,
                        ROLLOUT_NAME,
                    );
                    now.is_some_and(|now| now["spec"]["strategy"][*key].is_object())
                });
                strategy = json!({ key.unwrap(): strategy });
                self.patch(
                    rollout,
                    ROLLOUT_NAME,
                    &json!({ "spec": { "strategy": strategy } }),
                )
                .await;
            }
            Turn::Disable => {
                self.patch(rollout, ROLLOUT_NAME, &json!({ "spec": { "disabled": true } }))
                    .await;
            }
            Turn::Delete => self
                .stage
                .cluster
                .delete(rollout, ROLLOUT_NAME)
                .await
                .map(drop)
                .unwrap(),
            _ => {}
        }
        plan::predict(self.stage.request(Vec::new()))
    }
}

/// Plays one release; says which, and in what plan and run differ. Nothing when it has no such moment.
async fn played(seed: u64) -> (String, Option<Result<(), String>>) {
    let mut dice = Dice(seed);
    let act = Act::new(&mut dice).await;
    let title = format!("{}, {:?}", act.shape.name, act.turn);
    if !act.reach(&mut dice).await {
        return (title, None);
    }
    let old = act.stage.stable();
    let plan = match act.plan(&mut dice).await {
        Ok(plan) => plan,
        Err(error) => return (title, Some(Err(error.to_string()))),
    };
    let difference = predicted(&plan).differs_from(&act.stage.rest(&old).await);
    (title, Some(difference.map_or(Ok(()), Err)))
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn generated_releases_go_as_planned() {
    let from = number("SEED").or_else(|| number("FROM")).unwrap_or(0);
    let count = match number("SEED") {
        Some(_) => 1,
        None => number("PROMISES").unwrap_or(PROMISES),
    };
    let mut agreement = BTreeMap::<&str, [u64; 2]>::new();
    let mut broken = Vec::new();
    for seed in from..from + count {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let (title, outcome) = runtime.block_on(played(seed));
        let Some(outcome) = outcome else { continue };
        let shape = Shape::all()
            .into_iter()
            .map(|shape| shape.name)
            .find(|name| title.starts_with(&format!("{name},")));
        let [kept, all] = agreement.entry(shape.unwrap()).or_default();
        *all += 1;
        match outcome {
            Ok(()) => *kept += 1,
            Err(difference) => {
                println!("seed {seed}, {title}: differs");
                broken.push(format!("seed {seed}, {title}: {difference}"));
            }
        }
    }
    for (shape, [kept, all]) in &agreement {
        println!("{shape}: {kept} of {all} as planned");
    }
    assert!(count == 1 || agreement.len() > 5, "{agreement:?}");
    assert!(
        broken.is_empty(),
        "{} differ; replay with SEED=n\n{}",
        broken.len(),
        broken.join("\n")
    );
}
