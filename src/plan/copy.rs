//! What a plan copies of a cluster: which objects a release reads or writes, and what their pods tell about time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::{
    analysis,
    api::{
        keys,
        v1beta1::{ObjectRef, Rollout, TrafficRoutingRef},
    },
    cluster::Served,
    traffic::{self, Provider, Shared, script},
    workload::{Kind, deployment::canary_label, pod::controller, selector},
};

const SHARED: &str = "rollouts.kruise.io/v1alpha1";

/// Objects to be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Their kind.
    pub served: Served,
    /// Which of it.
    pub which: Which,
}

/// Which objects of a kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Which {
    /// The one of this name, if it is there.
    Named(String),
    /// Those with these labels, as a query.
    Labelled(String),
    /// All.
    All,
}

impl Wanted {
    fn new(api_version: &str, kind: &str, plural: &str, which: Which) -> Self {
        Self {
            served: Served::namespaced(api_version, kind, plural),
            which,
        }
    }
}

/// What a Rollout names, and what may aim at its workload.
#[must_use]
pub fn named_by(rollout: &Rollout) -> Vec<Wanted> {
    let reference = &rollout.spec.workload_ref;
    let mut all = Vec::new();
    if let Some(kind) = Kind::named(reference) {
        let name = Which::Named(reference.name.clone());
        all.push(Wanted::new(
            &reference.api_version,
            kind.kind(),
            kind.plural(),
            name,
        ));
    }
    let status = rollout.status.as_ref();
    if rollout.spec.strategy.blue_green.is_some()
        || status.is_some_and(|status| status.blue_green_status.is_some())
    {
        let plural = "horizontalpodautoscalers";
        all.push(Wanted::new(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            plural,
            Which::All,
        ));
    }
    if let Some(name) = rollout.traffic_routing_name() {
        let named = Which::Named(name.to_owned());
        all.push(Wanted::new(SHARED, "TrafficRouting", "trafficroutings", named));
    }
    for binding in analysis::bindings(rollout).unwrap_or_default() {
        let named = Which::Named(binding.template);
        all.push(Wanted::new(
            SHARED,
            "AnalysisTemplate",
            "analysistemplates",
            named,
        ));
    }
    for routing in rollout.spec.strategy.traffic_routings() {
        let twin = traffic::service::canary_name(&routing.service);
        all.push(Wanted::new("v1", "Service", "services", Which::Named(twin)));
    }
    all.extend(routed_by(rollout.spec.strategy.traffic_routings()));
    all
}

/// What a TrafficRouting that was read names, and the Rollouts that hold it: the last of them takes its split back.
#[must_use]
pub fn shared_by(object: &Value) -> Vec<Wanted> {
    let Ok(object) = serde_json::from_value(object.clone()) else {
        return Vec::new();
    };
    let shared = Shared::new(object);
    let mut all = routed_by(shared.ever_routed());
    let holders = shared
        .holders()
        .filter_map(|holder| holder.strip_prefix(keys::TRAFFIC_ROUTING_HOLDER));
    all.extend(holders.map(|name| {
        let named = Which::Named(name.to_owned());
        Wanted::new("rollouts.kruise.io/v1beta1", "Rollout", "rollouts", named)
    }));
    all
}

/// The Services and routes that routings name, with what a release makes beside them.
fn routed_by<'r>(routings: impl IntoIterator<Item = &'r TrafficRoutingRef>) -> Vec<Wanted> {
    let mut all = Vec::new();
    for routing in routings {
        let name = Which::Named(routing.service.clone());
        all.push(Wanted::new("v1", "Service", "services", name));
        for provider in traffic::Provider::all(routing) {
            for (route, kind) in provider.reads().into_iter().flat_map(|route| {
                let kinds = provider.versions().iter();
                kinds.map(move |kind| (route.clone(), *kind))
            }) {
                all.push(Wanted::new(
                    kind.api_version,
                    kind.kind,
                    kind.plural,
                    Which::Named(route.name),
                ));
            }
        }
    }
    all
}

/// What splits traffic for the Rollouts and TrafficRoutings among these objects.
#[must_use]
pub fn providers(objects: &[Value]) -> Vec<Provider> {
    let mut all = Vec::new();
    for object in objects {
        if object["kind"] == "Rollout"
            && let Ok(rollout) = serde_json::from_value::<Rollout>(object.clone())
        {
            let routings = rollout.spec.strategy.traffic_routings();
            all.extend(routings.iter().flat_map(Provider::all));
        } else if object["kind"] == "TrafficRouting"
            && let Ok(object) = serde_json::from_value(object.clone())
        {
            all.extend(Shared::new(object).providers());
        }
    }
    all
}

/// The ConfigMap with scripts.
#[must_use]
pub fn configuration(texts: &BTreeMap<String, Arc<str>>) -> Value {
    let data: Map<String, Value> = texts
        .iter()
        .map(|(key, text)| (key.clone(), json!(**text)))
        .collect();
    json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": script::CONFIGURATION, "namespace": script::NAMESPACE }, "data": data })
}

/// A definition by which the copy serves a kind that is none of ours.
#[must_use]
pub fn definition(served: &Served) -> Value {
    let (group, version) = served
        .api_version
        .rsplit_once('/')
        .unwrap_or(("", &served.api_version));
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{}.{group}", served.plural) },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "kind": served.kind, "plural": served.plural, "singular": served.singular },
            "versions": [{ "name": version, "served": true, "storage": true }],
        } })
}

/// What belongs to a workload that was read: its pods, its revisions, its canary, and the nodes that its pods are for.
#[must_use]
pub fn belonging_to(kind: Kind, workload: &Value) -> Vec<Wanted> {
    // Without a selector that can be asked for, all are read; those of others are left out of the copy in any case.
    let own = || selector::query(&workload["spec"]["selector"]).map_or(Which::All, Which::Labelled);
    let mut all = vec![Wanted::new("v1", "Pod", "pods", own())];
    if kind == Kind::Deployment {
        let name = workload["metadata"]["name"].as_str().unwrap_or_default();
        let canary = format!("{}={}", keys::CANARY_DEPLOYMENT, canary_label(name));
        all.push(Wanted::new(
            "apps/v1",
            "Deployment",
            "deployments",
            Which::Labelled(canary),
        ));
        all.push(Wanted::new("apps/v1", "ReplicaSet", "replicasets", own()));
    } else {
        all.push(Wanted::new(
            "apps/v1",
            "ControllerRevision",
            "controllerrevisions",
            own(),
        ));
    }
    if kind.is_per_node() {
        let mut nodes = Wanted::new("v1", "Node", "nodes", Which::All);
        nodes.served.namespaced = false;
        all.push(nodes);
    }
    all
}

/// Nodes for the pods of a DaemonSet, where the real ones may not be read: those its pods are on, with the labels that its
/// template asks for.
#[must_use]
pub fn nodes_under(workload: &Value, objects: &[Value]) -> Vec<Value> {
    let uid = workload["metadata"]["uid"].as_str();
    let labels = workload["spec"]["template"]["spec"]["nodeSelector"].as_object();
    let of_it = |pod: &Value| controller(pod) == uid;
    nodes_of(objects, of_it, &labels.cloned().unwrap_or_default())
}

/// The nodes that some pods are on, with these labels.
pub(super) fn nodes_of(
    objects: &[Value],
    of: impl Fn(&Value) -> bool,
    labels: &Map<String, Value>,
) -> Vec<Value> {
    let pods = objects
        .iter()
        .filter(|object| object["kind"] == "Pod" && of(object));
    let names: BTreeSet<&str> = pods.filter_map(|pod| pod["spec"]["nodeName"].as_str()).collect();
    let node = |name| {
        json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels }, "spec": {},
            "status": { "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }] } })
    };
    names.into_iter().map(node).collect()
}

/// The objects that matter to one Rollout: of what belongs to somebody, only what belongs to its workload.
///
/// Kinds that nothing is known of are kept. Leases and Events are not: the engine in the plan is on its own.
pub(super) fn relevant(objects: Vec<Value>, namespace: &str, rollout: &str) -> Vec<Value> {
    let reference: Option<ObjectRef> = objects
        .iter()
        .find(|object| is(object, "Rollout", namespace, rollout))
        .and_then(|object| serde_json::from_value(object["spec"]["workloadRef"].clone()).ok());
    let kind = reference.as_ref().and_then(Kind::named);
    let name = reference.map(|reference| reference.name).unwrap_or_default();
    let is_workload = |object: &Value| match (kind, kind_of(object)) {
        (Some(kind), Some(other)) => kind == other && is(object, kind.kind(), namespace, &name),
        _ => false,
    };
    let is_canary = |object: &Value| {
        kind_of(object) == Some(Kind::Deployment)
            && object["metadata"]["labels"][keys::CANARY_DEPLOYMENT] == canary_label(&name)
    };
    let ours = |object: &Value| is_workload(object) || is_canary(object);
    let mut owners: BTreeSet<String> = objects
        .iter()
        .filter(|object| ours(object))
        .filter_map(uid)
        .collect();
    let owned = |object: &Value, owners: &BTreeSet<String>| {
        controller(object).is_some_and(|owner| owners.contains(owner))
    };
    let sets = objects
        .iter()
        .filter(|object| object["kind"] == "ReplicaSet" && owned(object, &owners));
    let sets: Vec<String> = sets.filter_map(uid).collect();
    owners.extend(sets);
    let about_workload = |object: &Value| {
        let reference = &object["spec"]["workloadRef"];
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        kind.is_some() && Kind::of(text("apiVersion"), text("kind")) == kind && text("name") == name
    };
    // Rollouts that hold a TrafficRouting: without them it would look as if this one were the last.
    let holders: BTreeSet<String> = objects
        .iter()
        .filter(|object| object["kind"] == "TrafficRouting")
        .filter_map(|object| object["metadata"]["finalizers"].as_array())
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    let holds = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["metadata"]["namespace"] == namespace && holders.contains(&traffic::shared::holder(name))
    };
    let keep = |object: &Value| match object["kind"].as_str().unwrap_or_default() {
        "Rollout" => is(object, "Rollout", namespace, rollout) || about_workload(object) || holds(object),
        "Pod" | "ReplicaSet" | "ControllerRevision" => owned(object, &owners),
        "HorizontalPodAutoscaler" => kind.is_some_and(|kind| aims_at(object, kind, &name)),
        "Lease" | "Event" | "Endpoints" | "EndpointSlice" => false,
        _ => kind_of(object).is_none() || ours(object),
    };
    objects.into_iter().filter(keep).collect()
}

fn is(object: &Value, kind: &str, namespace: &str, name: &str) -> bool {
    let meta = &object["metadata"];
    object["kind"] == kind && meta["namespace"] == namespace && meta["name"] == name
}

fn uid(object: &Value) -> Option<String> {
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

fn kind_of(object: &Value) -> Option<Kind> {
    Kind::of(object["apiVersion"].as_str()?, object["kind"].as_str()?)
}

/// Whether an autoscaler aims at a workload, or did before a blue-green release switched it off.
fn aims_at(autoscaler: &Value, kind: Kind, name: &str) -> bool {
    let target = &autoscaler["spec"]["scaleTargetRef"];
    let text = |field: &str| target[field].as_str().unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    group == kind.group()
        && text("kind") == kind.kind()
        && text("name").trim_end_matches(keys::DISABLED_AUTOSCALER) == name
}

/// How long the running pods of a copy took from their creation to being ready; an estimate, since images are cached now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Started {
    /// The quickest.
    pub quickest: Duration,
    /// Nine of ten took no longer: one pod that had to wait for its image says nothing of the others.
    pub likely: Duration,
    /// Pods that tell.
    pub pods: usize,
}

/// A pod that became ready longer after its containers were running was ready before: its probe failed once, or its node was
/// away for a moment. Its condition tells of that.
const OF_A_START: SignedDuration = SignedDuration::from_mins(10);

/// How long pods took to start. Those whose containers were restarted do not tell, nor those whose readiness came back. Nothing
/// when no pod tells.
#[must_use]
pub fn started(objects: &[Value]) -> Option<Started> {
    let pods = objects.iter().filter(|object| object["kind"] == "Pod");
    let mut spans: Vec<Duration> = pods.filter_map(start_of).collect();
    spans.sort_unstable();
    let nine_of_ten = (spans.len() * 9).div_ceil(10);
    Some(Started {
        quickest: *spans.first()?,
        likely: *spans.get(nine_of_ten.checked_sub(1)?)?,
        pods: spans.len(),
    })
}

/// How long a pod took to start, if it tells.
fn start_of(pod: &Value) -> Option<Duration> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let containers = || {
        pod["status"]["containerStatuses"]
            .as_array()
            .into_iter()
            .flatten()
    };
    if containers().any(|container| container["restartCount"].as_i64().is_some_and(|count| count > 0)) {
        return None;
    }
    let created = time(&pod["metadata"]["creationTimestamp"])?;
    let running = containers().filter_map(|container| time(&container["state"]["running"]["startedAt"]));
    let running = running.max().unwrap_or(created);
    let conditions = pod["status"]["conditions"].as_array()?;
    let ready = conditions
        .iter()
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "True")?;
    let ready = time(&ready["lastTransitionTime"])?;
    if ready.duration_since(running) > OF_A_START {
        return None;
    }
    let span = Duration::try_from(ready.duration_since(created)).ok()?;
    Some(span.max(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests;
