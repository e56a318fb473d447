//! The simulator, seen through a client.

mod controllers;
mod daemon_set;
mod hold;
mod kruise;
mod resources;
mod server;
mod stateful_set;

use std::future::Future;

use jiff::Timestamp;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::time::Duration;

use super::{Options, Sim};
use crate::clock::Clock;

/// Runs a test in virtual time, from a fixed date on.
fn run<F: Future>(test: impl FnOnce(Options) -> F) -> F::Output {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let start: Timestamp = "2026-11-21T00:00:00Z".parse().expect("a timestamp");
        test(Options::new(Clock::starting_at(start))).await
    })
}

/// An untyped API of the namespace `default`.
fn api(client: &Client, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::default_namespaced_with(client.clone(), &resource)
}

fn deployments(client: &Client) -> Api<DynamicObject> {
    api(client, "apps", "v1", "Deployment")
}

/// A Deployment of `web:VERSION` with a readable set of defaults left out.
fn deployment(name: &str, replicas: i64, version: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": format!("web:{version}"),
                                         "ports": [{"containerPort": 8080}]}]},
            },
        },
    })
}

fn parse(object: Value) -> DynamicObject {
    serde_json::from_value(object).expect("an object")
}

async fn create(api: &Api<DynamicObject>, object: Value) -> DynamicObject {
    api.create(&PostParams::default(), &parse(object))
        .await
        .expect("a created object")
}

fn image(version: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": format!("web:{version}")}]}}}})
}

/// Pods by image tag: all, and the ready ones that are not being deleted.
fn pods(sim: &Sim) -> Vec<(String, usize, usize)> {
    let mut counts: Vec<(String, usize, usize)> = Vec::new();
    for pod in sim.list("v1", "Pod", Some("default")) {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        let tag = image.rsplit(':').next().unwrap_or_default().to_owned();
        let conditions = pod["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ready = conditions
            .iter()
            .any(|c| c["type"] == "Ready" && c["status"] == "True");
        let deleting = pod["metadata"].get("deletionTimestamp").is_some();
        let at = counts.iter().position(|(t, _, _)| *t == tag).unwrap_or_else(|| {
            counts.push((tag, 0, 0));
            counts.len() - 1
        });
        counts[at].1 += usize::from(!deleting);
        counts[at].2 += usize::from(ready && !deleting);
    }
    counts.sort();
    counts
}

fn counted(entries: &[(&str, usize, usize)]) -> Vec<(String, usize, usize)> {
    entries
        .iter()
        .map(|(tag, all, ready)| ((*tag).to_owned(), *all, *ready))
        .collect()
}

/// Lets virtual time pass.
async fn pass(options: &Options, seconds: u64) {
    options.clock.sleep(Duration::from_secs(seconds)).await;
}

/// A workload of `web:VERSION` that keeps a history of revisions.
fn workload(api_version: &str, kind: &str, version: &str, spec: Value) -> Value {
    let mut object = deployment("web", 1, version);
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    if kind == "DaemonSet" {
        object["spec"].as_object_mut().expect("a spec").remove("replicas");
    }
    json_patch::merge(&mut object["spec"], &spec);
    object
}

/// Pods by name: image tag, and whether the pod is ready and not being deleted.
fn named(sim: &Sim) -> Vec<(String, String, bool)> {
    sim.list("v1", "Pod", Some("default"))
        .into_iter()
        .map(|pod| {
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            let tag = image.rsplit(':').next().unwrap_or_default().to_owned();
            let conditions = pod["status"]["conditions"].as_array();
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|c| c["type"] == "Ready" && c["status"] == "True")
                && pod["metadata"].get("deletionTimestamp").is_none();
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            (name.to_owned(), tag, ready)
        })
        .collect()
}

/// Revisions of `web` in the order of their numbers: number and image tag.
fn revisions(sim: &Sim) -> Vec<(i64, String)> {
    let mut all: Vec<(i64, String)> = sim
        .list("apps/v1", "ControllerRevision", Some("default"))
        .into_iter()
        .map(|revision| {
            let image = &revision["data"]["spec"]["template"]["spec"]["containers"][0]["image"];
            let tag = image.as_str().unwrap_or_default().rsplit(':').next();
            (
                revision["revision"].as_i64().unwrap_or_default(),
                tag.unwrap_or_default().to_owned(),
            )
        })
        .collect();
    all.sort();
    all
}

/// The status of a workload, with revision names replaced by the tags of their images.
fn status(sim: &Sim, api_version: &str, kind: &str) -> Value {
    let object = sim.get(api_version, kind, "default", "web").expect("a workload");
    let mut status = object["status"].clone();
    for revision in sim.list("apps/v1", "ControllerRevision", Some("default")) {
        let image = &revision["data"]["spec"]["template"]["spec"]["containers"][0]["image"];
        for field in ["currentRevision", "updateRevision"] {
            if status[field] == revision["metadata"]["name"] {
                status[field] = image.clone();
            }
        }
    }
    if let Some(fields) = status.as_object_mut() {
        let observed = fields.remove("observedGeneration");
        assert_eq!(observed.as_ref(), Some(&object["metadata"]["generation"]));
        fields.retain(|_, value| !value.is_null());
    }
    status
}
