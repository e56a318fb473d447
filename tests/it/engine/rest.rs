//! What a release leaves behind: every object as its user wrote it, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::api::{keys, v1beta1::RollingStyle};
use serde_json::{Value, json};

use super::{
    shape::AUTOSCALER,
    world::{
        APP, DEPLOYMENT, Engine, HTTP_ROUTE, INGRESS, LEASE, NAMESPACE, POD, REPLICA_SET, ROLLOUT, SERVICE,
        VIRTUAL_SERVICE, World,
    },
};

/// What the user wrote last, as the server answered it.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    workload: Value,
    others: BTreeMap<&'static str, Value>,
}

/// Kinds of the user's objects besides the workload and the Rollout.
const OTHERS: [(&str, &str); 5] = [SERVICE, INGRESS, HTTP_ROUTE, VIRTUAL_SERVICE, AUTOSCALER];

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an object that the user made.
    pub(super) fn note(&self, manifest: &Value, written: &Value) {
        let kind = &manifest["kind"];
        if *kind == ROLLOUT.1 {
            return;
        }
        let mut book = self.book();
        match OTHERS.into_iter().find(|other| *kind == other.1) {
            Some(other) => {
                book.others.insert(other.1, users_part(written));
            }
            None => book.workload = users_part(written),
        }
    }

    /// Notes a new image of the workload.
    pub(super) fn image(&self, tag: &str) {
        self.book().workload["spec"]["template"]["spec"]["containers"][0]["image"] =
            json!(format!("echoserver:{tag}"));
    }

    /// Notes another size of the workload.
    pub(super) fn scale(&self, replicas: u64) {
        self.book().workload["spec"]["replicas"] = json!(replicas);
    }

    /// Notes that the user paused the workload itself.
    pub(super) fn pause(&self) {
        self.book().workload["spec"]["paused"] = json!(true);
    }

    /// The workload's spec as the user wants it.
    pub(super) fn spec(&self) -> Value {
        self.book().workload["spec"].clone()
    }

    /// The image that the user wants.
    pub(super) fn wanted_image(&self) -> String {
        image_of(&self.book().workload["spec"]["template"]["spec"])
    }
}

/// The image of a pod's first container.
pub(super) fn image_of(pod_spec: &Value) -> String {
    let image = pod_spec["containers"][0]["image"].as_str();
    image.unwrap_or_default().to_owned()
}

/// Whether pods of this image never become ready.
pub(super) fn is_bad(image: &str) -> bool {
    image.contains('-')
}

/// Whether an annotation is that of a workload's own controller, or the server's.
fn is_controllers(key: &str) -> bool {
    key.starts_with("deployment.kubernetes.io/") || key.starts_with("deprecated.daemonset.")
}

/// What users write of an object. Labels that a release is allowed to leave and annotations of the Deployment controller
/// are not theirs.
fn users_part(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in ["labels", "annotations", "ownerReferences", "finalizers"] {
        let value = &object["metadata"][field];
        let Some(map) = value.as_object() else {
            if !value.is_null() {
                metadata[field] = value.clone();
            }
            continue;
        };
        let mut map = map.clone();
        map.retain(|key, _| *key != keys::WORKLOAD_TYPE && !is_controllers(key));
        if !map.is_empty() {
            metadata[field] = map.into();
        }
    }
    let mut spec = object["spec"].clone();
    if let Some(fields) = spec.as_object_mut() {
        // The server's, and another one's when the user makes the Service anew.
        fields.retain(|key, _| !matches!(key.as_str(), "clusterIP" | "clusterIPs"));
    }
    json!({ "metadata": metadata, "spec": spec })
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// The lines that differ.
pub(super) fn difference(expected: &Value, found: &Value) -> String {
    let (expected, found) = (text(expected), text(found));
    let diff = similar::TextDiff::from_lines(&expected, &found);
    diff.unified_diff().context_radius(3).to_string()
}

impl World {
    /// What is left of a release that is over; nothing when all is as the user wrote it and every pod has the version that
    /// the user asked for.
    pub(super) fn leftovers(&self) -> Vec<String> {
        self.remains(difference)
    }

    /// Whether nothing is left of a release.
    pub(super) fn is_clean(&self) -> bool {
        self.wrong_pods(&self.workload()).is_none() && self.remains(|_, _| String::new()).is_empty()
    }

    fn remains(&self, difference: impl Fn(&Value, &Value) -> String) -> Vec<String> {
        let mut left = Vec::new();
        let kinds = [
            DEPLOYMENT,
            SERVICE,
            INGRESS,
            AUTOSCALER,
            self.setup.shape.workload(),
        ];
        for kind in kinds {
            for object in self.sim.all_seen(kind.0, kind.1, Some(NAMESPACE)) {
                let name = &object["metadata"]["name"];
                if name != APP {
                    left.push(format!("{} {name} is still there", kind.1));
                }
            }
        }
        let mut expected = self.ledger.book().workload.clone();
        let workload = self.workload();
        let mut found = users_part(&workload);
        // Only the canary style's releases leave the label, as those of OpenKruise do.
        if self.setup.shape.style == RollingStyle::Canary
            && let Some(labels) = found["metadata"]["labels"].as_object_mut()
        {
            labels.remove(keys::STABLE_REVISION);
        }
        if !workload.is_null() && expected != found {
            if expected["metadata"] == found["metadata"] {
                (expected, found) = (expected["spec"].take(), found["spec"].take());
            }
            left.push(format!(
                "the workload is not as its user wrote it:\n{}",
                difference(&expected, &found)
            ));
        }
        for (kind, expected) in &self.ledger.book().others {
            let (api_version, _) = OTHERS.into_iter().find(|other| other.1 == *kind).unwrap();
            let found = self.sim.seen(api_version, kind, NAMESPACE, APP);
            let found = found.as_deref().map(users_part).unwrap_or_default();
            if *expected != found {
                left.push(format!(
                    "the {kind} is not as its user wrote it:\n{}",
                    difference(expected, &found)
                ));
            }
        }
        let ready_after = workload["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        for set in self.sim.all_seen(REPLICA_SET.0, REPLICA_SET.1, Some(NAMESPACE)) {
            if set["metadata"]["annotations"].get(keys::IN_PROGRESSING).is_some() {
                left.push(format!("mark on {}", set["metadata"]["name"]));
            }
            let found = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
            if found != ready_after {
                left.push(format!(
                    "minReadySeconds of {}: {found}, not {ready_after}",
                    set["metadata"]["name"]
                ));
            }
        }
        left.extend(self.wrong_pods(&workload));
        let rollout = self.rollout_seen();
        if rollout["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
        {
            left.push("finalizer".to_owned());
        }
        left
    }

    /// Pods that are missing, too many, not ready or of another version.
    fn wrong_pods(&self, workload: &Value) -> Option<String> {
        let wanted = if workload.is_null() {
            0
        } else if self.setup.shape.kind.is_per_node() {
            self.nodes()
        } else {
            workload["spec"]["replicas"].as_i64().unwrap_or(1)
        };
        let image = self.ledger.wanted_image();
        let mut found: BTreeMap<String, i64> = BTreeMap::new();
        for pod in self.sim.all_seen(POD.0, POD.1, Some(NAMESPACE)) {
            let state = match (is_ready(&pod), pod["metadata"].get("deletionTimestamp")) {
                (_, Some(_)) => "ending",
                (true, None) => "ready",
                (false, None) => "not ready",
            };
            *found
                .entry(format!("{} {state}", image_of(&pod["spec"])))
                .or_default() += 1;
        }
        let expected: BTreeMap<String, i64> = [(format!("{image} ready"), wanted)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        (found != expected).then(|| format!("pods are {found:?}, expected {expected:?}"))
    }

    /// The holders of Leases.
    pub(super) fn lease_holders(&self) -> Vec<String> {
        self.leases()
            .map(|spec| spec["holderIdentity"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Leases that somebody holds and that are not over.
    pub(super) fn held_leases(&self) -> Vec<String> {
        let now = self.clock.now();
        self.leases()
            .filter(|spec| !spec["holderIdentity"].as_str().unwrap_or_default().is_empty())
            .filter(|spec| {
                let renewed: Option<Timestamp> = spec["renewTime"].as_str().and_then(|at| at.parse().ok());
                let lasts = SignedDuration::from_secs(spec["leaseDurationSeconds"].as_i64().unwrap_or(0));
                renewed.is_some_and(|at| at + lasts > now)
            })
            .map(|spec| spec["holderIdentity"].to_string())
            .collect()
    }

    /// Whether an engine can act: it lives, and waits for nobody's Lease.
    pub(super) fn acts(&self, engine: &Engine) -> bool {
        let mut holders = self.leases().map(|spec| spec["holderIdentity"].clone());
        !self.is_dead(engine) && holders.all(|holder| holder == engine.identity.as_str() || holder == "")
    }

    fn leases(&self) -> impl Iterator<Item = Value> {
        let leases = self.sim.list(LEASE.0, LEASE.1, Some(NAMESPACE));
        leases.into_iter().map(|mut lease| lease["spec"].take())
    }

    /// Writes of engines without a precondition. The kubelet writes pods all the time, so that their uid is enough.
    pub(super) fn unguarded_writes(&self) -> Vec<String> {
        let trace = self.sim.trace();
        trace
            .iter()
            .filter(|write| write.user_agent.starts_with("engine-"))
            .filter(|write| !write.path.contains("/events") && !write.path.contains("/leases"))
            .filter(|write| {
                let guards = match write.verb.as_str() {
                    "DELETE" => &write.body["preconditions"],
                    "PATCH" => &write.body["metadata"],
                    // What is made has no version yet, and its name is taken once.
                    "POST" => return false,
                    _ => return true,
                };
                let by_version = write.verb == "PATCH" && !write.path.contains("/pods/");
                guards["uid"].is_null() || by_version && guards["resourceVersion"].is_null()
            })
            .map(|write| format!("no precondition: {} {} {}", write.verb, write.path, write.body))
            .collect()
    }

    /// The last writes of engines, with their bodies.
    pub(super) fn last_writes(&self, count: usize) -> String {
        let writes = self.sim.trace();
        let last = &writes[writes.len().saturating_sub(count)..];
        let lines = last.iter().map(|write| {
            let at = self.elapsed(write.at);
            let (who, verb, path, code, body) = (
                &write.user_agent,
                &write.verb,
                &write.path,
                write.code,
                &write.body,
            );
            format!("{at:>8.3} {who} {verb} {path} {code} {body}\n")
        });
        lines.collect()
    }

    /// The namespace without what differs between two runs of the same release: identities, counters and times.
    pub(super) fn picture(&self) -> Vec<Value> {
        let mut names = BTreeMap::new();
        let mut all: Vec<Value> = Vec::new();
        for mut object in self.sim.everything() {
            if object["metadata"]["namespace"] != NAMESPACE || object["kind"] == LEASE.1 {
                continue;
            }
            if object["kind"] == POD.1 {
                let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                let stem = name.rsplit_once('-').map_or("", |(stem, _)| stem).to_owned();
                names.insert(name, format!("{stem}-?"));
                object["spec"]["nodeName"] = json!("?");
                object["status"]["podIP"] = json!("?");
                object["status"]["podIPs"] = json!("?");
                object["status"]["hostIP"] = json!("?");
                object["status"]["hostIPs"] = json!("?");
            }
            if object["kind"] == "EndpointSlice" || object["kind"] == "Endpoints" {
                continue;
            }
            all.push(object);
        }
        for object in &mut all {
            blur(object, &names);
        }
        all.sort_by_key(Value::to_string);
        all
    }
}

fn blur(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for key in [
                "uid",
                "resourceVersion",
                "generation",
                "observedGeneration",
                "observedWorkloadGeneration",
                // Part of a generated name.
                "apps.kruise.io/cloneset-instance-id",
                // How far a ReplicaSet might surge when its controller scaled it last.
                "deployment.kubernetes.io/max-replicas",
            ] {
                if map.contains_key(key) {
                    map.insert(key.to_owned(), json!("?"));
                }
            }
            map.values_mut().for_each(|value| blur(value, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| blur(value, names)),
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                *text = name.clone();
            } else if text.parse::<Timestamp>().is_ok() {
                *text = "<time>".to_owned();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a pod is ready and stays.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"].get("deletionTimestamp").is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
