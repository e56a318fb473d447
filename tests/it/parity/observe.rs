//! What a namespace looks like, with everything generated replaced by what it stands for.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::harness::cluster::{Cluster, Place};

const KINDS: &[&str] = &[
    "services",
    "ingresses",
    "deployments",
    "statefulsets.apps",
    "daemonsets",
    "httproutes",
    "virtualservices",
    "destinationrules",
    "clonesets",
    "statefulsets.apps.kruise.io",
];

/// Bookkeeping of other parts of a cluster.
const FOREIGN: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.daemonset.template.generation",
    "deployment.kubernetes.io/revision",
];

/// Looks at the namespace.
pub(crate) async fn observe(cluster: &Cluster) -> kube::Result<Value> {
    let names = generated_names(cluster).await?;
    let mut rollouts = Map::new();
    for object in cluster.list(Place::named("rollouts")).await? {
        rollouts.insert(name_of(&object), rollout(&object["status"]));
    }
    let mut pods = cluster.list(Place::named("pods")).await?;
    pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    let mut endpoints = Map::new();
    for service in cluster.list(Place::named("services")).await? {
        endpoints.insert(name_of(&service), selected(&service["spec"]["selector"], &pods));
    }
    let mut objects = Vec::new();
    for kind in KINDS {
        for object in cluster.list(Place::named(kind)).await? {
            objects.push(replace(clean(&object), &names, &cluster.namespace));
        }
    }
    Ok(json!({
        "rollouts": rollouts,
        "pods": count(&pods),
        "service-endpoints": endpoints,
        "objects": objects,
    }))
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The tag of the first container's image.
fn version(pod_spec: &Value) -> String {
    let image = pod_spec["containers"][0]["image"].as_str().unwrap_or_default();
    image.rsplit_once(':').map_or(image, |(_, tag)| tag).to_owned()
}

/// What each hash and generated name stands for, longest first so that no name is cut by a shorter one.
async fn generated_names(cluster: &Cluster) -> kube::Result<Vec<(String, String)>> {
    let mut names = BTreeMap::new();
    for set in cluster.list(Place::named("replicasets")).await? {
        if let Some(hash) = set["metadata"]["labels"]["pod-template-hash"].as_str() {
            let version = version(&set["spec"]["template"]["spec"]);
            names.insert(hash.to_owned(), format!("<hash of {version}>"));
        }
    }
    for revision in cluster.list(Place::named("controllerrevisions")).await? {
        let meaning = format!(
            "<revision of {}>",
            version(&revision["data"]["spec"]["template"]["spec"])
        );
        let labels = &revision["metadata"]["labels"];
        for key in ["controller-revision-hash", "controller.kubernetes.io/hash"] {
            if let Some(hash) = labels[key].as_str() {
                names.insert(hash.to_owned(), meaning.clone());
            }
        }
        names.insert(name_of(&revision), meaning);
    }
    for deployment in cluster.list(Place::named("deployments")).await? {
        let stable = &deployment["metadata"]["labels"]["rollouts.kruise.io/canary-deployment"];
        if let Some(stable) = stable.as_str() {
            names.insert(name_of(&deployment), format!("{stable}-<canary>"));
        }
    }
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    Ok(names)
}

fn rollout(status: &Value) -> Value {
    let inner = ["canaryStatus", "blueGreenStatus"]
        .into_iter()
        .find(|key| status[*key].is_object());
    let inner = inner.map_or(&Value::Null, |key| &status[key]);
    let mut seen = Map::new();
    for key in ["phase", "message", "currentStepIndex", "currentStepState"] {
        seen.insert(key.to_owned(), status[key].clone());
    }
    for key in [
        "nextStepIndex",
        "canaryReplicas",
        "canaryReadyReplicas",
        "updatedReplicas",
        "updatedReadyReplicas",
    ] {
        if let Some(value) = inner.get(key) {
            seen.insert(key.to_owned(), value.clone());
        }
    }
    seen.into()
}

/// Pods of one version: all, those ready, and those of each batch.
#[derive(Default)]
struct Pods {
    total: u64,
    ready: u64,
    batches: BTreeMap<String, u64>,
}

/// Pods per app and version, with those ready and those of each batch.
fn count(pods: &[Value]) -> Value {
    let mut apps: BTreeMap<String, BTreeMap<String, Pods>> = BTreeMap::new();
    for pod in pods {
        let labels = &pod["metadata"]["labels"];
        let app = labels["app"].as_str().unwrap_or("?").to_owned();
        let entry = apps
            .entry(app)
            .or_default()
            .entry(version(&pod["spec"]))
            .or_default();
        entry.total += 1;
        let conditions = pod["status"]["conditions"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        entry.ready += u64::from(
            conditions
                .iter()
                .any(|it| it["type"] == "Ready" && it["status"] == "True"),
        );
        if let Some(batch) = labels["rollouts.kruise.io/rollout-batch-id"].as_str() {
            *entry.batches.entry(batch.to_owned()).or_default() += 1;
        }
    }
    let mut seen = Map::new();
    for (app, versions) in apps {
        let versions: Map<_, _> = versions
            .into_iter()
            .map(
                |(
                    version,
                    Pods {
                        total,
                        ready,
                        batches,
                    },
                )| {
                    let mut entry = json!({ "total": total, "ready": ready });
                    if !batches.is_empty() {
                        entry["batch-ids"] = json!(batches);
                    }
                    (version, entry)
                },
            )
            .collect();
        seen.insert(app, versions.into());
    }
    seen.into()
}

/// How many pods of each version a Service selects.
fn selected(selector: &Value, pods: &[Value]) -> Value {
    let mut hits: BTreeMap<String, u64> = BTreeMap::new();
    if let Some(wanted) = selector.as_object().filter(|wanted| !wanted.is_empty()) {
        for pod in pods {
            let labels = &pod["metadata"]["labels"];
            if wanted.iter().all(|(key, value)| labels.get(key) == Some(value)) {
                *hits.entry(version(&pod["spec"])).or_default() += 1;
            }
        }
    }
    json!(hits)
}

fn clean(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        if object["kind"] == "Service" {
            fields.retain(|key, _| key == "selector" || key == "ports");
            for port in fields
                .get_mut("ports")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                port.as_object_mut().map(|port| port.remove("nodePort"));
            }
        }
        fields.remove("revisionHistoryLimit");
        if let Some(template) = fields
            .get_mut("template")
            .filter(|template| template["spec"].is_object())
        {
            let metadata = &template["metadata"];
            *template = json!({
                "labels": metadata["labels"],
                "annotations": metadata["annotations"],
                "image": version(&template["spec"]),
            });
        }
    }
    let mut annotations = object["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    annotations.retain(|key, _| !FOREIGN.contains(&key.as_str()));
    json!({ "kind": object["kind"], "name": name_of(object), "annotations": annotations, "spec": spec })
}

fn replace(object: Value, names: &[(String, String)], namespace: &str) -> Value {
    let mut text = object.to_string();
    for (name, meaning) in names {
        text = text.replace(name, meaning);
    }
    serde_json::from_str(&text.replace(namespace, "<namespace>")).unwrap()
}
