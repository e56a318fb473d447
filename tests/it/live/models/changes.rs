//! Generated workloads and what users do with them.
//!
//! A round begins at rest. Where the end of several changes in a row would depend on how far the first one had come, a
//! round is one change: then the rest follows from the rules alone.

use http::Method;
use serde_json::{Value, json};

use super::rest::Present;
use crate::harness::{
    cluster::{Cluster, Place},
    dice::Dice,
};

/// A native kind of workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }
}

/// One change that a user makes.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Nothing: the workload was just made.
    Look,
    /// Another template.
    Image(String),
    /// Through the subresource.
    Scale(u64),
    /// Fields of the spec, as a merge patch.
    Spec(Value),
    /// Deletes a pod of one of the classes of equal pods.
    DeletePod(usize),
}

impl Action {
    pub(super) async fn carry_out(&self, cluster: &Cluster, case: &Case, present: &Present<'_>) {
        const MERGE: &str = "application/merge-patch+json";
        const STRATEGIC: &str = "application/strategic-merge-patch+json";
        let place = Place::of("apps/v1", case.kind.name());
        let name = case.name();
        let (content, sub, body) = match self {
            Self::Look => return,
            Self::Image(tag) => {
                let containers = json!([{ "name": "main", "image": format!("web:{tag}") }]);
                let spec = json!({ "template": { "spec": { "containers": containers } } });
                (STRATEGIC, "", json!({ "spec": spec }))
            }
            Self::Scale(size) => (MERGE, "/scale", json!({ "spec": { "replicas": size } })),
            Self::Spec(spec) => (MERGE, "", json!({ "spec": spec })),
            Self::DeletePod(class) => {
                if let Some(pod) = present.pod(*class) {
                    let path = format!("/api/v1/namespaces/{}/pods/{pod}", cluster.namespace);
                    let deleted = cluster
                        .send(Method::DELETE, &path, "application/json", &Value::Null)
                        .await;
                    deleted.unwrap_or_else(|error| panic!("{pod}: {error}"));
                }
                return;
            }
        };
        let patched = cluster.patch(place, &name, sub, content, &body).await;
        patched.unwrap_or_else(|error| panic!("seed {}, {self:?}: {error}", case.seed));
    }
}

/// A workload, and what happens to it.
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) kind: Kind,
    pub(super) manifest: Value,
    pub(super) rounds: Vec<Vec<Action>>,
}

/// What the generator knows of a workload while it thinks up changes.
struct Author {
    dice: Dice,
    kind: Kind,
    tags: Vec<String>,
    replicas: u64,
    strategy: Value,
    paused: bool,
    /// Whether `minReadySeconds` may be set. The real controller of DaemonSets forgets to look again at pods of a
    /// surging update that are not available yet, so where it rests is a matter of time.
    patient: bool,
    /// Whether old revisions of a DaemonSet are kept; else it is a matter of when pods went which ones are left.
    keeps_history: bool,
    /// Whether some pods may be of a version that never becomes ready, or of several versions.
    mixed: bool,
}

impl Case {
    /// Everything follows from the seed.
    pub(super) fn generate(seed: u64) -> Self {
        let kind = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet][usize::try_from(seed % 3).unwrap()];
        let mut author = Author {
            dice: Dice(seed),
            kind,
            tags: vec!["v1".to_owned()],
            replicas: 0,
            strategy: Value::Null,
            paused: false,
            patient: true,
            keeps_history: true,
            mixed: false,
        };
        let manifest = author.manifest(&format!("models-{seed}"));
        let count = 3 + author.dice.below(4);
        let mut rounds = vec![vec![Action::Look]];
        rounds.extend((0..count).map(|_| author.round()));
        Self {
            seed,
            kind,
            manifest,
            rounds,
        }
    }

    pub(super) fn name(&self) -> String {
        format!("models-{}", self.seed)
    }
}

impl Author {
    fn manifest(&mut self, name: &str) -> Value {
        self.replicas = self.dice.below(7);
        self.patient = self.kind != Kind::DaemonSet || self.dice.percent(50);
        self.strategy = self.new_strategy();
        let mut spec = json!({
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "web:v1" }] },
            },
        });
        let mut set = |field: &str, value: Value| spec[field] = value;
        match self.kind {
            Kind::Deployment => {
                set("replicas", json!(self.replicas));
                set("strategy", self.strategy.clone());
                self.paused = self.dice.percent(8);
                if self.paused {
                    set("paused", json!(true));
                }
            }
            Kind::StatefulSet => {
                set("replicas", json!(self.replicas));
                set("updateStrategy", self.strategy.clone());
                if self.dice.percent(50) {
                    set("podManagementPolicy", json!("Parallel"));
                }
                if self.dice.percent(30) {
                    set("ordinals", json!({ "start": 1 + self.dice.below(3) }));
                }
            }
            Kind::DaemonSet => set("updateStrategy", self.strategy.clone()),
        }
        if self.patient && self.dice.percent(35) {
            set("minReadySeconds", json!(self.dice.below(3)));
        }
        if self.dice.percent(35) {
            set("revisionHistoryLimit", json!(self.dice.below(3)));
            self.keeps_history = self.kind != Kind::DaemonSet;
        }
        let labels = json!({ "app": name });
        json!({
            "apiVersion": "apps/v1", "kind": self.kind.name(), "metadata": { "name": name, "labels": labels },
            "spec": spec,
        })
    }

    /// A number or a percentage that is not zero.
    fn some(&mut self) -> Value {
        let all = [
            json!(1),
            json!(2),
            json!(3),
            json!("20%"),
            json!("34%"),
            json!("50%"),
            json!("100%"),
        ];
        self.dice.pick(&all)
    }

    fn new_strategy(&mut self) -> Value {
        match self.kind {
            Kind::Deployment => {
                if self.dice.percent(20) {
                    return json!({ "type": "Recreate", "rollingUpdate": null });
                }
                let bounds = match self.dice.below(4) {
                    0 => json!({ "maxSurge": "25%", "maxUnavailable": "25%" }),
                    1 => json!({ "maxSurge": self.some(), "maxUnavailable": 0 }),
                    2 => json!({ "maxSurge": 0, "maxUnavailable": self.some() }),
                    _ => json!({ "maxSurge": self.some(), "maxUnavailable": self.some() }),
                };
                json!({ "type": "RollingUpdate", "rollingUpdate": bounds })
            }
            Kind::StatefulSet => {
                if self.dice.percent(20) {
                    return json!({ "type": "OnDelete", "rollingUpdate": null });
                }
                let partition = if self.dice.percent(50) {
                    0
                } else {
                    self.dice.below(7)
                };
                json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": partition } })
            }
            Kind::DaemonSet => {
                if self.dice.percent(20) {
                    return json!({ "type": "OnDelete", "rollingUpdate": null });
                }
                let bounds = if self.patient || self.dice.percent(30) {
                    json!({ "maxSurge": 0, "maxUnavailable": self.some() })
                } else {
                    json!({ "maxSurge": self.some(), "maxUnavailable": 0 })
                };
                json!({ "type": "RollingUpdate", "rollingUpdate": bounds })
            }
        }
    }

    fn rolls(&self) -> bool {
        self.strategy["type"] == "RollingUpdate" && !self.paused
    }

    fn round(&mut self) -> Vec<Action> {
        if self.rolls() && !self.mixed && self.keeps_history && self.dice.percent(30) {
            return self.several();
        }
        vec![self.one()]
    }

    /// Changes in the middle of others; the last version is everywhere in the end.
    fn several(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for _ in 0..=self.dice.below(2) {
            let tag = self.tag(false);
            actions.push(Action::Image(tag));
            if self.kind != Kind::DaemonSet && self.dice.percent(30) {
                self.replicas = self.dice.below(7);
                actions.push(Action::Scale(self.replicas));
            }
        }
        let tag = self.tag(false);
        actions.push(Action::Image(tag));
        self.mixed = self.keeps_old();
        actions
    }

    /// Whether a partition leaves pods behind.
    fn keeps_old(&self) -> bool {
        self.strategy["rollingUpdate"]["partition"]
            .as_u64()
            .is_some_and(|partition| partition > 0)
    }

    /// The tag of a template that was there before, or of a new one.
    fn tag(&mut self, may_break: bool) -> String {
        if self.dice.percent(30) {
            let tags: Vec<String> = self
                .tags
                .iter()
                .filter(|tag| may_break || !tag.contains('-'))
                .cloned()
                .collect();
            return self.dice.pick(&tags);
        }
        let number = self.tags.len() + 1;
        let fault = if may_break && self.dice.percent(40) {
            self.dice.pick(&["-crash", "-stuck", "-missing"])
        } else {
            ""
        };
        let tag = format!("v{number}{fault}");
        self.tags.push(tag.clone());
        tag
    }

    fn one(&mut self) -> Action {
        match self.dice.below(12) {
            0..=4 => {
                let tag = self.tag(true);
                let everywhere = self.rolls() && !tag.contains('-') && !self.keeps_old();
                // A StatefulSet does not get past a broken pod by itself.
                self.mixed = !everywhere || self.mixed && self.kind == Kind::StatefulSet;
                Action::Image(tag)
            }
            5 | 6 if self.kind != Kind::DaemonSet => {
                self.replicas = self.dice.below(8);
                Action::Scale(self.replicas)
            }
            7 | 8 => {
                self.strategy = self.new_strategy();
                let field = if self.kind == Kind::Deployment {
                    "strategy"
                } else {
                    "updateStrategy"
                };
                Action::Spec(json!({ field: self.strategy }))
            }
            9 if self.kind == Kind::Deployment => {
                self.paused = !self.paused;
                Action::Spec(json!({ "paused": self.paused }))
            }
            9 if self.kind == Kind::StatefulSet => {
                let start = self.dice.below(4);
                Action::Spec(json!({ "ordinals": { "start": start } }))
            }
            10 if self.patient => Action::Spec(json!({ "minReadySeconds": self.dice.below(3) })),
            _ => Action::DeletePod(usize::try_from(self.dice.below(4)).unwrap()),
        }
    }
}
