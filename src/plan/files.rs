//! A cluster out of files: the objects are made on a simulated server, their controllers bring up the pods, and an engine takes
//! note of the version that runs. What files of a cluster have (status, pods) is taken as it is.

use std::time::Duration;

use jiff::Timestamp;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{
    Error, begin,
    change::{api, is_of_cluster, title, words},
    end,
};
use crate::{
    api::{apply, keys},
    clock::Clock,
    engine::driver::{self, Scope},
    sim::{self, Sim},
    workload::{Kind, edit},
};

/// When a plan of files begins that say no time themselves: the same files give the same bytes.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);
/// Before that pods have come up.
const BEFORE: Duration = Duration::from_secs(2 * 86_400);
/// The longest that pods may take to come up.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// How long it is waited at first, and at the longest, before it is looked again.
const LOOKS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(64)];
/// How long a pod of a made-up cluster took.
const READY_AFTER: Duration = Duration::from_secs(1);

/// What files come to.
#[derive(Clone, Debug)]
pub struct Files {
    /// The objects, at rest or where the release in the files is.
    pub objects: Vec<Value>,
    /// When a plan of them begins.
    pub start: Timestamp,
    /// Whether any pods stood in the files: those tell how long they took to start.
    pub has_pods: bool,
}

/// Makes a cluster of manifests, in a namespace where they name none.
///
/// # Errors
/// An object is refused.
pub async fn staged(mut manifests: Vec<Value>, namespace: &str) -> Result<Files, Error> {
    for manifest in &mut manifests {
        let Some(metadata) = manifest["metadata"].as_object_mut() else {
            continue;
        };
        if metadata.get("namespace").is_none() && !is_of_cluster(manifest) {
            manifest["metadata"]["namespace"] = json!(namespace);
        }
    }
    let start = latest(&manifests).map_or(START, |latest| latest.max(START));
    let has_pods = manifests.iter().any(|manifest| manifest["kind"] == "Pod");
    let objects = end(begin(move || stage(manifests, start))?).await?;
    Ok(Files {
        objects,
        start,
        has_pods,
    })
}

/// The latest time that objects tell.
fn latest(objects: &[Value]) -> Option<Timestamp> {
    fn times(value: &Value, found: &mut Option<Timestamp>) {
        match value {
            Value::String(text) if text.ends_with('Z') => *found = (*found).max(text.parse().ok()),
            Value::Array(all) => all.iter().for_each(|value| times(value, found)),
            Value::Object(fields) => fields.values().for_each(|value| times(value, found)),
            _ => {}
        }
    }
    let mut found = None;
    for object in objects {
        times(&object["metadata"]["creationTimestamp"], &mut found);
        times(&object["status"], &mut found);
    }
    found
}

async fn stage(manifests: Vec<Value>, start: Timestamp) -> Result<Vec<Value>, Error> {
    let clock = Clock::starting_at(start - BEFORE);
    let nodes = manifests
        .iter()
        .filter(|manifest| manifest["kind"] == "Node")
        .count();
    let options = sim::Options {
        pod_ready_after: READY_AFTER,
        nodes: if nodes == 0 { 3 } else { 0 },
        kruise: true,
        gateways: true,
        ..sim::Options::new(clock)
    };
    let sim = Sim::new(options);
    let client = sim.client();
    let (rollouts, others): (Vec<Value>, Vec<Value>) = manifests.into_iter().partition(is_rollout);
    let is_under_way = |rollout: &Value| rollout["status"]["phase"].is_string();
    let driven: Vec<(String, String)> = rollouts
        .iter()
        .filter(|rollout| !is_under_way(rollout))
        .map(|rollout| {
            let text = |field: &str| rollout["metadata"][field].as_str().unwrap_or_default().to_owned();
            (text("namespace"), text("name"))
        })
        .collect();
    for object in others.into_iter().chain(rollouts) {
        put(&sim, &client, object).await?;
    }
    let mut controllers = sim.start();
    let brought_up = async {
        let since = clock.now();
        let [mut wait, longest] = LOOKS;
        clock.sleep(wait).await;
        while !is_up(&sim) && clock.now().duration_since(since).unsigned_abs() < LONGEST {
            clock.sleep(wait).await;
            wait = longest.min(wait * 2);
        }
        for (namespace, name) in driven {
            let (events, _unheard) = tokio::sync::mpsc::unbounded_channel();
            let scope = Scope::Names {
                namespace,
                names: vec![name],
            };
            let options = driver::Options {
                identity: "plan".to_owned(),
                ..driver::Options::default()
            };
            let taken = driver::drive(client.clone(), clock, scope, options, events);
            // What keeps an engine from taking note keeps the release from beginning: the plan says it.
            drop(tokio::time::timeout(LONGEST, taken).await);
        }
    };
    controllers
        .beside(brought_up)
        .await
        .ok_or_else(super::stage::dead)?;
    drop(controllers);
    let own = |object: &Value| object["kind"] != "Lease" && object["kind"] != "Event";
    Ok(sim.everything().into_iter().filter(own).collect())
}

fn is_rollout(object: &Value) -> bool {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    object["kind"] == "Rollout" && version.split('/').next() == Some(keys::GROUP)
}

/// Makes an object as a server would, with its defaults; what was read from a cluster is taken as it is, and so are kinds that
/// only that cluster knows.
async fn put(sim: &Sim, client: &kube::Client, object: Value) -> Result<(), Error> {
    let what = title(&object);
    let copy = |why: String| Error::Copy {
        what: what.clone(),
        why,
    };
    let load = |object: Value| sim.load(object).map_err(|error| copy(error.to_string()));
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let plural = plural_of(&api_version, &kind);
    let namespace = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if object["metadata"]["uid"].is_string() || namespace.is_empty() {
        return load(object);
    }
    let home = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    if sim.get("v1", "Namespace", "", &namespace).is_none() {
        sim.load(home).map_err(|error| copy(error.to_string()))?;
    }
    let wanted = apply::wanted(&object);
    let typed = serde_json::from_value(wanted).map_err(|error| copy(error.to_string()))?;
    let made = api(client, &namespace, &api_version, &kind, &plural)
        .create(&PostParams::default(), &typed)
        .await;
    match made {
        Ok(_) => Ok(()),
        // No kind of ours.
        Err(kube::Error::Api(status)) if status.code == 404 => load(object),
        Err(error) => Err(copy(words(&error))),
    }
}

/// As kinds are usually called in paths; a server that calls one otherwise answers 404.
fn plural_of(api_version: &str, kind: &str) -> String {
    if let Some(kind) = Kind::of(api_version, kind) {
        return kind.plural().to_owned();
    }
    let lower = kind.to_lowercase();
    match lower.as_str() {
        "endpoints" => lower,
        _ if lower.ends_with('y') && !lower.ends_with("ay") => format!("{}ies", lower.trim_end_matches('y')),
        _ if lower.ends_with('s') => format!("{lower}es"),
        _ => format!("{lower}s"),
    }
}

/// Whether all workloads have their pods ready.
fn is_up(sim: &Sim) -> bool {
    Kind::ALL.iter().all(|kind| {
        let objects = kind
            .api_versions()
            .first()
            .map(|version| sim.list(version, kind.kind(), None));
        objects.unwrap_or_default().iter().all(|workload| {
            let (spec, status) = (&workload["spec"], &workload["status"]);
            let count = |value: &Value| value.as_i64().unwrap_or_default();
            let (ready, wanted) = if kind.is_per_node() {
                (
                    count(&status["numberReady"]),
                    count(&status["desiredNumberScheduled"]),
                )
            } else {
                (
                    count(&status["readyReplicas"]),
                    spec["replicas"].as_i64().unwrap_or(1),
                )
            };
            // A release under way has pods that wait, and a workload that is held is not brought up.
            ready >= wanted || edit::mark_of(workload).is_some()
        })
    })
}
