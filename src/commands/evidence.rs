//! Looking for what tells why a release does not go on. Nothing here fails for want of rights: what may not be read is
//! noted.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};
use serde_json::Value;

use super::reading::Unread;
use crate::{
    api::keys,
    cluster::{Cluster, Found, Resource, Served},
    error::Result,
    release::{Role, Verdict, cause::Sight},
    view::{
        Status,
        status::{Looked, Seen},
    },
    workload::{Kind, deployment, selector},
};

/// How many pods of a kind are asked for their Events: alike pods tell alike things.
const ASKED: usize = 5;

/// How much is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// What may be wrong with a release that does not go on.
    Trouble,
    /// Nodes and logs as well.
    Everything,
}

/// Whether a state leaves open why it is so.
#[must_use]
pub fn wanted(status: &Status) -> bool {
    let lacks = status.pods.revisions.iter().any(|revision| {
        let wanted = revision.desired.max(if revision.role == Role::Other {
            0
        } else {
            revision.current
        });
        revision.ready < wanted
    });
    let moves = matches!(
        status.verdict,
        Verdict::Degraded
            | Verdict::Progressing
            | Verdict::Finishing
            | Verdict::RollingBack
            | Verdict::Held
            | Verdict::NotObserved
            | Verdict::Disabling
            | Verdict::Terminating
            | Verdict::NoWorkload
    );
    // A pause whose time is up waits for an engine.
    let over = status.verdict == Verdict::Timed;
    lacks || moves || over || !status.problems.is_empty()
}

/// Looks, and adds to what was seen.
///
/// # Errors
/// When the server cannot be reached, or fails.
pub async fn gather(cluster: &Cluster, found: &Found, seen: &mut Seen, depth: Depth) -> Result<()> {
    let unread = Unread::lenient();
    let namespace = found.namespace.as_str();
    let kind = Kind::named(&seen.rollout.spec.workload_ref);
    let workload = seen.workload.there();
    let pods = async {
        let labels = workload.and_then(|workload| selector::query(&workload["spec"]["selector"]));
        match (kind, labels) {
            (Some(Kind::Deployment), Some(labels)) => {
                let answer = cluster.list(Resource::Pods, Some(namespace), Some(&labels)).await;
                unread.or(answer, Vec::new())
            }
            (Some(_), Some(_)) => Ok(seen.members.clone()),
            _ => Ok(Vec::new()),
        }
    };
    let list = async |api_version: &str, kind: &str, plural: &str| {
        let served = Served::namespaced(api_version, kind, plural);
        unread.or(cluster.some(&served, namespace, "", "").await, Vec::new())
    };
    let names = services(seen);
    let slices = async {
        if names.is_empty() {
            return Ok(None);
        }
        let served = Served::namespaced("discovery.k8s.io/v1", "EndpointSlice", "endpointslices");
        let labels = format!("kubernetes.io/service-name in ({})", names.join(","));
        unread.or(
            cluster.some(&served, namespace, &labels, "").await.map(Some),
            None,
        )
    };
    let canary_service = async {
        match names.get(1) {
            Some(name) => unread.or(cluster.get(Resource::Services, namespace, name).await, None),
            None => Ok(None),
        }
    };
    let engine = async {
        let answer = cluster.acting_engine(namespace, &found.name).await;
        unread.or(answer, Default::default())
    };
    let rollouts = async {
        let answer = cluster.rollouts(Some(namespace), None).await;
        let found = unread.or(answer, Vec::new())?;
        // In the one form that detectors read, whichever version is served.
        let typed = found.iter().filter_map(|found| found.typed().ok());
        Ok(typed
            .filter_map(|rollout| serde_json::to_value(rollout).ok())
            .collect())
    };
    let (pods, slices, canary_service, engine, budgets, autoscalers, rollouts, batch_releases) = futures::try_join!(
        pods,
        slices,
        canary_service,
        engine,
        list("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        list(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers"
        ),
        rollouts,
        list("rollouts.kruise.io/v1beta1", "BatchRelease", "batchreleases"),
    )?;
    let service = seen.service.there().cloned();
    let routes = seen
        .routes
        .iter()
        .flatten()
        .map(|(_, route)| serde_json::to_value(route));
    let routes: Vec<Value> = routes.flatten().collect();
    let own = own(workload, &seen.members, pods);
    let about = asked(workload, &own);
    let events = try_join_all(about.iter().map(async |uid| {
        let answer = cluster.events_about(namespace, uid).await;
        unread.or(answer, Vec::new())
    }));
    let nodes = try_join_all(nodes(&own, depth).into_iter().map(async |name| {
        let answer = cluster.node(&name).await;
        unread.or(answer, None)
    }));
    let logs = last_words(cluster, namespace, &own, depth);
    let (events, nodes, logs) = futures::join!(events, nodes, logs);
    seen.sight = Sight {
        sets: if kind == Some(Kind::Deployment) {
            seen.members.clone()
        } else {
            Vec::new()
        },
        pods: own,
        events: events?.into_iter().flatten().collect(),
        services: service.into_iter().chain(canary_service).collect(),
        slices,
        routes,
        budgets,
        autoscalers,
        nodes: nodes?.into_iter().flatten().collect(),
        rollouts,
        batch_releases,
        engine,
        logs,
    };
    seen.unread.extend(unread.sentences());
    seen.unread.sort();
    seen.unread.dedup();
    Ok(())
}

/// Names of the stable Service and of the canary's.
fn services(seen: &Seen) -> Vec<String> {
    let routing = seen.rollout.spec.strategy.traffic_routings().first();
    match (&seen.service, routing) {
        (Looked::There(_), Some(routing)) => {
            vec![routing.service.clone(), format!("{}-canary", routing.service)]
        }
        _ => Vec::new(),
    }
}

/// Pods that belong to the workload or to its canary: a selector may take in others as well.
fn own(workload: Option<&Value>, sets: &[Value], pods: Vec<Value>) -> Vec<Value> {
    let Some(workload) = workload else {
        return Vec::new();
    };
    let name = workload["metadata"]["name"].as_str().unwrap_or_default();
    let label = deployment::canary_label(name);
    let mut owners: BTreeSet<&str> = workload["metadata"]["uid"].as_str().into_iter().collect();
    if workload["kind"] == "Deployment" {
        let ours = |set: &&Value| {
            set["metadata"]["labels"][keys::CANARY_DEPLOYMENT] == *label
                || controller(set).is_some_and(|uid| Some(uid) == workload["metadata"]["uid"].as_str())
                // The ReplicaSets of a canary belong to the canary.
                || set["metadata"]["ownerReferences"][0]["name"]
                    .as_str()
                    .is_some_and(|owner| owner.starts_with(&format!("{name}-")))
        };
        owners.extend(
            sets.iter()
                .filter(ours)
                .filter_map(|set| set["metadata"]["uid"].as_str()),
        );
    }
    let is_own = |pod: &Value| controller(pod).is_some_and(|uid| owners.contains(uid));
    pods.into_iter().filter(is_own).collect()
}

fn controller(object: &Value) -> Option<&str> {
    crate::workload::pod::controller(object)
}

/// Uids of what is asked for its Events: the workload, and some of the pods that are not ready.
fn asked(workload: Option<&Value>, pods: &[Value]) -> Vec<String> {
    let uid = |object: &Value| object["metadata"]["uid"].as_str().map(str::to_owned);
    let mut of_version: BTreeMap<&str, usize> = BTreeMap::new();
    let unready = pods.iter().filter(|pod| !is_ready(pod)).filter(|pod| {
        let labels = &pod["metadata"]["labels"];
        let version = [keys::POD_TEMPLATE_HASH, keys::CONTROLLER_REVISION_HASH]
            .iter()
            .find_map(|key| labels[*key].as_str())
            .unwrap_or_default();
        let asked = of_version.entry(version).or_default();
        *asked += 1;
        *asked <= ASKED
    });
    workload.into_iter().chain(unready).filter_map(uid).collect()
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions
        .into_iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Names of the nodes that pods wait on.
fn nodes(pods: &[Value], depth: Depth) -> BTreeSet<String> {
    if depth == Depth::Trouble {
        return BTreeSet::new();
    }
    let unready = pods.iter().filter(|pod| !is_ready(pod));
    let names = unready.filter_map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned));
    names.collect::<BTreeSet<_>>().into_iter().take(ASKED).collect()
}

/// The logs of some containers that ended.
async fn last_words(
    cluster: &Cluster,
    namespace: &str,
    pods: &[Value],
    depth: Depth,
) -> BTreeMap<(String, String), Vec<String>> {
    if depth == Depth::Trouble {
        return BTreeMap::new();
    }
    let mut crashed: BTreeMap<String, String> = BTreeMap::new();
    for pod in pods {
        let containers = pod["status"]["containerStatuses"]
            .as_array()
            .into_iter()
            .flatten();
        for container in containers {
            let name = container["name"].as_str().unwrap_or_default();
            if container["lastState"]["terminated"].is_object() && container["ready"] != true {
                let pod = pod["metadata"]["name"].as_str().unwrap_or_default();
                crashed.entry(name.to_owned()).or_insert_with(|| pod.to_owned());
            }
        }
    }
    let read = crashed.into_iter().take(ASKED).map(async |(container, pod)| {
        let lines = cluster.last_words(namespace, &pod, &container).await;
        ((pod, container), lines)
    });
    join_all(read)
        .await
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
}
