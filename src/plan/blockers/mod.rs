//! What stands in the way of a release, or may: one catalogue, pure, over objects as they are. A plan asks it after the
//! simulation, which knows how many pods there will be at the most; whoever has only manifests asks it with what they can tell.
//! Nothing is said without evidence, and nothing is concluded from what could not be read.

mod around;
mod limits;
mod nodes;
mod rights;
mod routes;
mod template;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
use serde_json::Value;

use super::{End, Plan, Pods};
use crate::{
    api::{IntOrPercent, v1beta1::Rollout},
    engine::core::validate,
};
pub use limits::asks_more;
pub use rights::Access;
pub use template::{Reference, references};

/// What of the catalogue it is. The name does not change.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Id {
    /// The Rollout cannot be followed.
    InvalidRollout,
    /// The workload does not exist.
    WorkloadMissing,
    /// An object that the new pods name does not exist, or lacks a key.
    MissingReference,
    /// The Service does not select the new pods.
    ServiceSelectsNothing,
    /// Traffic cannot be split as the steps ask for.
    Traffic,
    /// A LimitRange refuses the new pods.
    LimitRange,
    /// A quota leaves no room for what the release makes.
    Quota,
    /// No node takes a new pod.
    NoNodeFits,
    /// The nodes have no room for the pods that are added.
    NodeCapacity,
    /// Fewer pods are ready than a disruption budget asks for.
    DisruptionBudget,
    /// An autoscaler may change the number of pods meanwhile.
    Autoscaler,
    /// The user has paused the workload, which the release lifts.
    OwnPause,
    /// Pods that start as slowly as some did are too slow for the deadline.
    SlowPods,
    /// A write may not be made.
    NotAllowed,
    /// The API server would not take a write, or admission would not let it.
    #[serde(rename = "admission-refuses")]
    Refused,
    /// Admission would store something else than what is written.
    #[serde(rename = "admission-changes")]
    Altered,
    /// The engine stops, for another reason.
    EngineStops,
}

/// Whether it keeps the release from ending, or might.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The release does not go on past it.
    Blocks,
    /// It goes on, and somebody should know.
    Risk,
}

/// Where something was read that a blocker rests on.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// Kind and name.
    pub object: String,
    /// The field.
    pub field: String,
    /// What it says.
    pub value: String,
}

/// Something in the way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Blocker {
    /// What of the catalogue it is.
    pub id: Id,
    /// Whether it keeps the release from ending.
    pub weight: Weight,
    /// A sentence.
    pub message: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What to type next.
    pub command: String,
}

/// What a release needs of a cluster.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Demand {
    /// Pods at the beginning.
    pub pods_now: i32,
    /// Most pods at any time.
    pub most_pods: i32,
    /// Fewest ready pods at any time; nothing when that is not known.
    pub lowest_ready: Option<i32>,
    /// Objects that are made, by resource, such as `deployments.apps`.
    pub made: BTreeMap<String, usize>,
    /// Pods of each version at the beginning.
    pub begins: Pods,
    /// Pods of each version when there are most of them; empty when that is not known.
    pub crests: Vec<Pods>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The Rollout, as changed.
    pub rollout: &'a Rollout,
    /// The workload, as changed; nothing when it does not exist.
    pub workload: Option<&'a Value>,
    /// The template of the pods that run before the release; nothing when it is not known.
    pub old_template: Option<&'a Value>,
    /// Everything that was read.
    pub objects: &'a [Value],
    /// Kinds that could not be read, so that nothing follows from an object of them being absent.
    pub unread: &'a BTreeSet<String>,
    /// The pods of every namespace; nothing when they could not be read.
    pub everywhere: Option<&'a [Value]>,
    /// What the release needs; nothing when that is not known.
    pub demand: Option<&'a Demand>,
    /// The writes whose right was asked for.
    pub rights: &'a [Access],
}

impl Id {
    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRollout => "invalid-rollout",
            Self::WorkloadMissing => "workload-missing",
            Self::MissingReference => "missing-reference",
            Self::ServiceSelectsNothing => "service-selects-nothing",
            Self::Traffic => "traffic",
            Self::LimitRange => "limit-range",
            Self::Quota => "quota",
            Self::NoNodeFits => "no-node-fits",
            Self::NodeCapacity => "node-capacity",
            Self::DisruptionBudget => "disruption-budget",
            Self::Autoscaler => "autoscaler",
            Self::OwnPause => "own-pause",
            Self::SlowPods => "slow-pods",
            Self::NotAllowed => "not-allowed",
            Self::Refused => "admission-refuses",
            Self::Altered => "admission-changes",
            Self::EngineStops => "engine-stops",
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id.name(), self.message)
    }
}

impl Evidence {
    fn new(object: impl Into<String>, field: impl Into<String>, value: impl fmt::Display) -> Self {
        Self {
            object: object.into(),
            field: field.into(),
            value: value.to_string(),
        }
    }
}

impl Blocker {
    fn new(id: Id, weight: Weight, message: String, evidence: Vec<Evidence>, command: String) -> Self {
        Self {
            id,
            weight,
            message,
            evidence,
            command,
        }
    }
}

impl Demand {
    /// What a simulated release came to.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut made = BTreeMap::new();
        for write in plan.writes.iter().filter(|write| write.verb == "POST") {
            *made.entry(resource_of(&write.path).dotted()).or_default() += 1;
        }
        Self {
            pods_now: plan.start_pods,
            most_pods: plan.most_pods,
            lowest_ready: Some(plan.lowest_ready),
            made,
            begins: plan.begins,
            crests: plan.crests.clone(),
        }
    }
}

/// The resource that a path is of.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct ResourcePath {
    pub(super) group: String,
    pub(super) plural: String,
    pub(super) name: String,
    pub(super) subresource: String,
}

impl ResourcePath {
    fn dotted(&self) -> String {
        match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }
}

/// Takes `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE?QUERY` apart.
fn resource_of(path: &str) -> ResourcePath {
    let path = path.split('?').next().unwrap_or_default();
    let mut words = path.split('/').skip(1);
    let group = match words.next() {
        Some("apis") => words.next().unwrap_or_default(),
        _ => "",
    };
    // The version, `namespaces`, and which.
    let mut words = words.skip(3);
    let mut next = || words.next().unwrap_or_default().to_owned();
    ResourcePath {
        group: group.to_owned(),
        plural: next(),
        name: next(),
        subresource: next(),
    }
}

/// Everything that stands in the way, the gravest first, and in an order that does not change.
#[must_use]
pub fn catalogue(ground: &Ground<'_>) -> Vec<Blocker> {
    let mut found = Vec::new();
    of_rollout(ground, &mut found);
    template::look(ground, &mut found);
    routes::look(ground, &mut found);
    limits::look(ground, &mut found);
    nodes::look(ground, &mut found);
    around::look(ground, &mut found);
    rights::look(ground, &mut found);
    found.sort_by_key(|blocker| blocker.weight);
    found
}

/// The same with what the simulation itself ran into.
#[must_use]
pub fn of_plan(plan: &Plan, ground: &Ground<'_>) -> Vec<Blocker> {
    let mut found = catalogue(ground);
    if let Some(slow) = around::slow_pods(plan, ground) {
        found.push(slow);
    }
    let told = found
        .iter()
        .any(|blocker| blocker.weight == Weight::Blocks && plan.message.contains(&blocker.message));
    let told_as_problem = found.iter().any(|blocker| {
        matches!(blocker.id, Id::InvalidRollout | Id::WorkloadMissing | Id::Traffic)
            && blocker.weight == Weight::Blocks
    });
    if plan.end == End::Blocked && !told && !told_as_problem {
        let (object, message) = (ground.title(), plan.message.clone());
        let evidence = vec![Evidence::new(object, "the engine says", &message)];
        let command = ground.command("kubectl kruise rollout status");
        found.insert(
            0,
            Blocker::new(Id::EngineStops, Weight::Blocks, message, evidence, command),
        );
    }
    found
}

impl<'a> Ground<'a> {
    fn namespace(&self) -> &'a str {
        self.rollout.metadata.namespace.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &'a str {
        self.rollout.metadata.name.as_deref().unwrap_or_default()
    }

    fn title(&self) -> String {
        format!("rollout/{}", self.name())
    }

    fn workload_title(&self) -> String {
        let reference = &self.rollout.spec.workload_ref;
        format!("{}/{}", reference.kind.to_lowercase(), reference.name)
    }

    /// A command about the Rollout.
    fn command(&self, verb: &str) -> String {
        format!("{verb} {} -n {}", self.name(), self.namespace())
    }

    /// A command about another object of its namespace.
    fn look_at(&self, verb: &str, kind: &str, name: &str) -> String {
        format!(
            "kubectl {verb} {} {name} -n {}",
            kind.to_lowercase(),
            self.namespace()
        )
    }

    /// Objects of a kind in the Rollout's namespace.
    fn of_kind<'k>(&self, kind: &'k str) -> impl Iterator<Item = &'a Value> + use<'a, 'k> {
        let namespace = self.namespace();
        self.objects
            .iter()
            .filter(move |object| object["kind"] == kind && object["metadata"]["namespace"] == namespace)
    }

    fn named(&self, kind: &str, name: &str) -> Option<&'a Value> {
        self.of_kind(kind)
            .find(|object| object["metadata"]["name"] == name)
    }

    /// The template of the new pods.
    fn template(&self) -> Option<&'a Value> {
        self.workload.map(|workload| &workload["spec"]["template"])
    }

    /// How much more of something the pods need at one time than at the beginning, of which a new pod needs so much, and an old
    /// one so much.
    fn needed(&self, new: i128, old: i128) -> i128 {
        let of = |pods: &Pods| new * i128::from(pods.new) + old * i128::from(pods.old);
        let crests = self
            .demand
            .map(|demand| (demand, demand.crests.iter().map(of).max()));
        match crests {
            Some((demand, Some(most))) => most - of(&demand.begins),
            _ => new * i128::from(self.added()),
        }
    }

    /// Pods beyond those of the beginning.
    fn added(&self) -> i32 {
        self.demand
            .map_or(0, |demand| demand.most_pods - demand.pods_now)
            .max(0)
    }
}

fn of_rollout(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let workload = ground
        .workload
        .and_then(|object| serde_json::from_value(object.clone()).ok());
    for problem in validate::of_rollout(ground.rollout, workload.as_ref()) {
        let evidence = vec![Evidence::new(ground.title(), &problem.field, &problem.message)];
        let command = format!(
            "kubectl edit rollouts.rollouts.kruise.io {} -n {}",
            ground.name(),
            ground.namespace()
        );
        found.push(Blocker::new(
            Id::InvalidRollout,
            Weight::Blocks,
            problem.to_string(),
            evidence,
            command,
        ));
    }
    let reference = &ground.rollout.spec.workload_ref;
    if ground.workload.is_none() && !ground.unread.contains(&reference.kind) && !reference.name.is_empty() {
        let title = ground.workload_title();
        let message = format!("{title} does not exist, and the Rollout releases it");
        let evidence = vec![Evidence::new(ground.title(), "spec.workloadRef", &title)];
        let command = ground.look_at("get", &reference.kind, &reference.name);
        found.push(Blocker::new(
            Id::WorkloadMissing,
            Weight::Blocks,
            message,
            evidence,
            command,
        ));
    }
}

/// A whole number or a share of some pods, rounded up.
fn scaled(value: &Value, of: i64) -> Option<i64> {
    match serde_json::from_value::<IntOrPercent>(value.clone()).ok()? {
        IntOrPercent::Int(count) => Some(i64::from(count)),
        IntOrPercent::Percent(percent) => Some((of * i64::from(percent) + 99) / 100),
        _ => None,
    }
}

/// The text of a field, without the quotes of a string.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
