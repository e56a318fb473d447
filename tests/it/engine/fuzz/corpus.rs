//! Where generated garbage begins: what recorded releases look like on sim, moment by moment, as JSON that can be
//! broken, and what the core makes of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use kube::api::DynamicObject;
use kubectl_kruise::traffic::RouteKey;
use kubectl_kruise::{
    api::v1beta1::Rollout,
    clock::Clock,
    engine::{
        core::{Pod, Snapshot},
        driver::{self, Options, Scope},
    },
    sim::{self, Sim},
};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::{
    engine::world::in_virtual_time,
    harness::cluster::Cluster,
    parity::{player, scenario::Scenario},
};

/// Every style and every kind, a turn back, an end in the middle.
const RELEASES: [&str; 12] = [
    "canary-nginx-weight",
    "mse-header-then-weight",
    "rollback-mid-canary",
    "delete-rollout-mid-canary",
    "disable-mid-canary",
    "partition-nginx",
    "bluegreen-nginx",
    "statefulset-batches",
    "advanced-statefulset-batches",
    "daemonset-batches",
    "cloneset-nginx",
    "cloneset-bluegreen",
];

/// The lists of a case, by what they hold.
pub(super) const LISTS: [&str; 6] = [
    "canaries",
    "replicaSets",
    "revisions",
    "autoscalers",
    "pods",
    "strays",
];
/// The tables of a case, by name.
pub(super) const TABLES: [&str; 2] = ["services", "ingresses"];

/// The moments of all releases, none twice.
pub(super) fn harvest() -> Vec<Value> {
    let mut cases = BTreeSet::new();
    for name in RELEASES {
        cases.extend(in_virtual_time(moments(name)));
    }
    let mut cases: Vec<Value> = cases
        .iter()
        .map(|text: &String| serde_json::from_str(text).unwrap())
        .collect();
    let advanced: Vec<Value> = cases
        .iter()
        .filter(|case| case["workload"]["kind"] == "DaemonSet")
        .map(|case| {
            let mut case = case.clone();
            case["workload"]["apiVersion"] = json!("apps.kruise.io/v1alpha1");
            case["workload"]["status"]["daemonSetHash"] =
                case["workload"]["status"]["updateRevision"].clone();
            case["rollout"]["spec"]["workloadRef"]["apiVersion"] = json!("apps.kruise.io/v1alpha1");
            case
        })
        .collect();
    cases.extend(advanced);
    cases
}

async fn moments(name: &str) -> Vec<String> {
    let scenario = Scenario::load(name);
    let clock = Clock::starting_at("2026-06-01T00:00:00Z".parse().unwrap());
    let sim = Sim::new(sim::Options {
        hold: true,
        kruise: true,
        ..sim::Options::new(clock)
    });
    let _controllers = sim.start();
    let cluster = Cluster {
        client: sim.client(),
        namespace: "shop".to_owned(),
    };
    cluster.create_namespace(&json!({})).await;
    let (events, _told) = tokio::sync::mpsc::unbounded_channel();
    let scope = Scope::Selected {
        namespace: Some(cluster.namespace.clone()),
        labels: None,
    };
    let options = Options {
        identity: "fuzz".to_owned(),
        forever: true,
        ..Options::default()
    };
    let engine = tokio::spawn(driver::drive(sim.client(), clock, scope, options, events));
    let mut seen = Vec::new();
    let look = async {
        loop {
            seen.extend(case(&sim.everything()).map(|case| case.to_string()));
            clock.sleep(Duration::from_millis(700)).await;
        }
    };
    tokio::select! {
        // How it ends is what the parity tests are for.
        _ = player::play(&cluster, clock, &scenario) => {}
        () = look => {}
    }
    engine.abort();
    seen
}

fn controller(object: &Value) -> &Value {
    let owners = object["metadata"]["ownerReferences"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    owners
        .iter()
        .find(|owner| owner["controller"] == true)
        .map_or(&Value::Null, |owner| &owner["uid"])
}

/// What the core would be shown of a cluster.
fn case(everything: &[Value]) -> Option<Value> {
    let of = |kind: &'static str| everything.iter().filter(move |object| object["kind"] == kind);
    let rollout = of("Rollout").next()?;
    let reference = &rollout["spec"]["workloadRef"];
    let workload = everything.iter().find(|object| {
        object["apiVersion"] == reference["apiVersion"]
            && object["kind"] == reference["kind"]
            && object["metadata"]["name"] == reference["name"]
    })?;
    let table = |kind: &'static str| -> Map<String, Value> {
        of(kind)
            .map(|object| {
                (
                    object["metadata"]["name"].as_str().unwrap().to_owned(),
                    object.clone(),
                )
            })
            .collect()
    };
    let canaries: Vec<&Value> = of("Deployment")
        .filter(|object| *controller(object) == rollout["metadata"]["uid"])
        .collect();
    let pods: Vec<Value> = of("Pod").map(pod).collect();
    let mut case = json!({
        "rollout": rollout, "workload": workload, "canaries": canaries, "pods": pods, "rivals": [], "unserved": null, "strays": [],
        "replicaSets": of("ReplicaSet").collect::<Vec<_>>(),
        "revisions": of("ControllerRevision").collect::<Vec<_>>(),
        "autoscalers": of("HorizontalPodAutoscaler").collect::<Vec<_>>(),
        "services": table("Service"), "ingresses": table("Ingress"),
    });
    without_versions(&mut case);
    Some(case)
}

fn pod(object: &Value) -> Value {
    let ready = object["status"]["conditions"]
        .as_array()
        .is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
    json!({
        "metadata": { "name": object["metadata"]["name"], "uid": object["metadata"]["uid"], "labels": object["metadata"]["labels"], "resourceVersion": "1" },
        "owner": controller(object), "ready": ready, "deleting": object["metadata"]["deletionTimestamp"].is_string(),
        "pending": object["status"]["phase"] == "Pending", "deletionCost": 0,
    })
}

/// Moments that differ by who wrote when alone are one.
fn without_versions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("managedFields");
            if let Some(version) = fields.get_mut("resourceVersion") {
                *version = json!("1");
            }
            fields.values_mut().for_each(without_versions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_versions),
        _ => {}
    }
}

fn read_pod(value: &Value) -> Option<Pod> {
    Some(Pod {
        name: value["metadata"]["name"].as_str()?.to_owned(),
        uid: value["metadata"]["uid"].as_str()?.to_owned(),
        resource_version: value["metadata"]["resourceVersion"].as_str()?.to_owned(),
        labels: match &value["metadata"]["labels"] {
            Value::Null => kubectl_kruise::workload::Labels::default(),
            labels => BTreeMap::<String, String>::deserialize(labels)
                .ok()?
                .into_iter()
                .collect(),
        },
        owner: value["owner"].as_str()?.to_owned(),
        deleting: value["deleting"].as_bool()?,
        ready: value["ready"].as_bool()?,
        ready_since: None,
        pending: value["pending"].as_bool()?,
        created: None,
        deletion_cost: i32::try_from(value["deletionCost"].as_i64()?).ok()?,
    })
}

fn object(value: &Value) -> Option<DynamicObject> {
    DynamicObject::deserialize(value).ok()
}

/// Whether a part of a case is what an API server could hand out.
pub(super) fn parses(case: &Value, part: &str) -> bool {
    let value = &case[part];
    match part {
        "rollout" => Rollout::deserialize(value).is_ok(),
        "workload" => value.is_null() || object(value).is_some(),
        "pods" => value
            .as_array()
            .is_some_and(|all| all.iter().all(|pod| read_pod(pod).is_some())),
        "rivals" => Vec::<String>::deserialize(value).is_ok(),
        "unserved" => Option::<String>::deserialize(value).is_ok(),
        _ if TABLES.contains(&part) => value
            .as_object()
            .is_some_and(|all| all.values().all(|one| object(one).is_some())),
        _ => value
            .as_array()
            .is_some_and(|all| all.iter().all(|one| object(one).is_some())),
    }
}

/// The snapshot of a case; nothing when a part of it is what no API server would hand out.
pub(super) fn snapshot(case: &Value) -> Option<Snapshot> {
    let list = |name: &str| {
        case[name]
            .as_array()?
            .iter()
            .map(object)
            .collect::<Option<Vec<_>>>()
    };
    let table = |name: &str| {
        case[name]
            .as_object()?
            .iter()
            .map(|(name, value)| Some((name.clone(), object(value)?)))
            .collect::<Option<BTreeMap<_, _>>>()
    };
    let rollout: Rollout = Rollout::deserialize(&case["rollout"]).ok()?;
    let pods = case["pods"]
        .as_array()?
        .iter()
        .map(|pod| read_pod(pod).map(Arc::new));
    Some(Snapshot {
        rollout,
        workload: match &case["workload"] {
            Value::Null => None,
            value => Some(object(value)?),
        },
        canaries: list("canaries")?,
        replica_sets: list("replicaSets")?,
        revisions: list("revisions")?,
        autoscalers: list("autoscalers")?,
        pods: pods.collect::<Option<_>>()?,
        services: table("services")?,
        routes: table("ingresses")?
            .into_iter()
            .map(|(name, ingress)| (RouteKey::ingress(&name), ingress))
            .collect(),
        strays: list("strays")?,
        rivals: Vec::deserialize(&case["rivals"]).ok()?,
        unserved: Option::deserialize(&case["unserved"]).ok()?,
        ..Snapshot::default()
    })
}
