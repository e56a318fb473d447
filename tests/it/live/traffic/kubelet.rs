//! A kubelet: one node, and a server for each pod that is scheduled to it.

use std::{collections::BTreeMap, time::Duration};

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    runtime::watcher,
};
use kubectl_kruise::clock::Clock;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{diary::Diary, pod::Server};

/// Label and taint of a node with its name: only pods that ask for it come there.
pub(super) const NODE: &str = "tests/node";

/// How long a container takes to become ready.
const START: Duration = Duration::from_millis(300);

pub(super) struct Kubelet {
    task: JoinHandle<()>,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Kubelet {
    /// Registers the node and serves its pods until this is dropped.
    pub(super) async fn start(client: Client, node: &str, diary: Diary) -> Self {
        let nodes: Api<Node> = Api::all(client.clone());
        let object = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": node, "labels": { (NODE): node } },
            "spec": { "taints": [{ "key": NODE, "value": node, "effect": "NoSchedule" }] },
        });
        let object = serde_json::from_value(object).unwrap();
        nodes.create(&PostParams::default(), &object).await.unwrap();
        let now = Clock::wall().now().to_string();
        let resources = json!({ "cpu": "100", "memory": "1Ti", "pods": "500" });
        let ready = json!({ "type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": now, "lastTransitionTime": now });
        let status =
            json!({ "status": { "capacity": resources, "allocatable": resources, "conditions": [ready] } });
        nodes
            .patch_status(node, &PatchParams::default(), &Patch::Merge(status))
            .await
            .unwrap();
        let node = node.to_owned();
        Self {
            task: tokio::spawn(async move { serve(client, &node, &diary).await }),
        }
    }
}

async fn serve(client: Client, node: &str, diary: &Diary) {
    let everywhere: Api<Pod> = Api::all(client.clone());
    let config = watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let mut events = std::pin::pin!(watcher(everywhere, config));
    let mut deletions: BTreeMap<String, watch::Sender<Option<Duration>>> = BTreeMap::new();
    // They end with the kubelet.
    let mut lives = JoinSet::new();
    loop {
        let event = match events.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            // The watcher looks again by itself.
            Err(error) => {
                diary.note(format!("kubelet: {error}"));
                continue;
            }
        };
        let (pod, grace) = match event {
            watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => {
                let seconds = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
                let deleted = pod.metadata.deletion_timestamp.is_some();
                (
                    pod,
                    deleted.then_some(Duration::from_secs(seconds.unsigned_abs())),
                )
            }
            watcher::Event::Delete(pod) => (pod, Some(Duration::ZERO)),
            watcher::Event::Init | watcher::Event::InitDone => continue,
        };
        let told = deletions.entry(pod.uid().unwrap()).or_insert_with(|| {
            let (tell, told) = watch::channel(None);
            let api = Api::namespaced(client.clone(), &pod.namespace().unwrap());
            lives.spawn(live(pod.clone(), api, told, diary.clone()));
            tell
        });
        if grace.is_some() {
            told.send_replace(grace);
        }
    }
}

/// The life of a pod, from being scheduled to being gone.
async fn live(pod: Pod, api: Api<Pod>, mut deletion: watch::Receiver<Option<Duration>>, diary: Diary) {
    let clock = Clock::wall();
    let name = pod.name_any();
    let container = &pod.spec.as_ref().unwrap().containers[0];
    let image = container.image.clone().unwrap_or_default();
    let version = image.rsplit_once(':').map_or(image.as_str(), |(_, tag)| tag);
    let server = Server::start(version).await;
    diary.note(format!("pod {name} ({version}) starts at {}", server.ip()));
    let began = clock.now().to_string();
    let status = |ready: bool| {
        let now = clock.now().to_string();
        let condition = |kind: &str, holds: bool| json!({ "type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now });
        json!({ "status": {
            "phase": "Running", "startTime": began,
            "podIP": server.ip().to_string(), "podIPs": [{ "ip": server.ip().to_string() }],
            "conditions": [
                condition("Initialized", true), condition("PodReadyToStartContainers", true),
                condition("ContainersReady", ready), condition("Ready", ready),
            ],
            "containerStatuses": [{
                "name": container.name, "image": image, "imageID": "", "restartCount": 0,
                "ready": ready, "started": true, "state": { "running": { "startedAt": began } },
            }],
        } })
    };
    report(&api, &name, &status(false), &diary).await;
    clock.sleep(START).await;
    report(&api, &name, &status(true), &diary).await;
    diary.note(format!("pod {name} is ready"));

    let grace = match deletion.wait_for(Option::is_some).await {
        Ok(grace) => grace.unwrap_or_default(),
        Err(_) => return,
    };
    let hook = container
        .lifecycle
        .as_ref()
        .and_then(|lifecycle| lifecycle.pre_stop.as_ref());
    let hook = hook
        .and_then(|hook| hook.sleep.as_ref())
        .map_or(0, |sleep| sleep.seconds);
    let hook = Duration::from_secs(hook.unsigned_abs()).min(grace);
    diary.note(format!("pod {name} is deleted; its preStop hook takes {hook:?}"));
    clock.sleep(hook).await;
    diary.note(format!("pod {name} gets SIGTERM"));
    server.terminate(grace.saturating_sub(hook)).await;
    let delete = DeleteParams::default()
        .grace_period(0)
        .preconditions(Preconditions {
            uid: pod.uid(),
            resource_version: None,
        });
    // Whoever forced the deletion was faster.
    let _ = api.delete(&name, &delete).await;
    diary.note(format!("pod {name} is gone"));
}

async fn report(api: &Api<Pod>, name: &str, status: &Value, diary: &Diary) {
    let patched = api
        .patch_status(name, &PatchParams::default(), &Patch::Strategic(status))
        .await;
    if let Err(error) = patched {
        diary.note(format!("kubelet: status of pod {name}: {error}"));
    }
}
