//! What the model controllers of OpenKruise do; the world that their tests share.

mod clone_sets;
mod daemon_sets;
mod stateful_sets;

use std::collections::BTreeMap;
use std::future::Future;

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::{api, create, pods};
use crate::sim::{Controllers, Options, Sim};

/// A cluster with one workload of Kruise, called `web`, whose containers are `web:VERSION`.
struct World {
    options: Options,
    sim: Sim,
    api: Api<DynamicObject>,
    api_version: &'static str,
    kind: &'static str,
    _controllers: Controllers,
}

/// What can be said about a pod in a table: its name's end or ordinal, its version, whether it is ready.
type Row = (String, String, bool);

/// Runs a test on a workload that has come up with version `v1`.
fn on<F: Future>(
    api_version: &'static str,
    kind: &'static str,
    spec: Value,
    test: impl FnOnce(World) -> F,
) -> F::Output {
    super::run(|mut options| async move {
        options.kruise = true;
        let sim = Sim::new(options.clone());
        let controllers = sim.start();
        let (group, version) = api_version.split_once('/').expect("a group");
        let api = api(&sim.client(), group, version, kind);
        let mut object = json!({
            "apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("v1")},
        });
        json_patch::merge(&mut object["spec"], &spec);
        create(&api, object).await;
        let world = World {
            options,
            sim,
            api,
            api_version,
            kind,
            _controllers: controllers,
        };
        world.pass(30).await;
        test(world).await
    })
}

fn template(version: &str) -> Value {
    json!({"metadata": {"labels": {"app": "web"}},
           "spec": {"containers": [{"name": "main", "image": format!("web:{version}")}]}})
}

impl World {
    async fn pass(&self, seconds: u64) {
        self.options.clock.sleep(Duration::from_secs(seconds)).await;
    }

    /// Merges something into the spec.
    async fn set(&self, spec: Value) {
        self.api
            .patch(
                "web",
                &PatchParams::default(),
                &Patch::Merge(json!({"spec": spec})),
            )
            .await
            .expect("a patched workload");
    }

    /// Changes the image to that of a version.
    async fn release(&self, version: &str) {
        self.set(json!({"template": template(version)})).await;
    }

    /// The least number of ready pods and the greatest number of pods until some time has passed.
    async fn bounds(&self, seconds: u64) -> (usize, usize) {
        let mut versions = self.sim.versions();
        let (mut least, mut most) = (usize::MAX, 0);
        let end = self.options.clock.sleep(Duration::from_secs(seconds));
        tokio::pin!(end);
        loop {
            let counts = self.pods();
            least = least.min(counts.iter().map(|(_, _, ready)| ready).sum());
            most = most.max(counts.iter().map(|(_, all, _)| all).sum());
            tokio::select! {
                biased;
                () = &mut end => break,
                changed = versions.changed() => changed.expect("a living store"),
            }
        }
        (least, most)
    }

    /// Pods by version: all, and the ready ones.
    fn pods(&self) -> Vec<(String, usize, usize)> {
        pods(&self.sim)
    }

    /// The pods that are not being deleted, as JSON.
    fn live(&self) -> Vec<Value> {
        let all = self.sim.list("v1", "Pod", Some("default"));
        all.into_iter()
            .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none())
            .collect()
    }

    /// The pods that are not being deleted, in the order of their names.
    fn rows(&self) -> Vec<Row> {
        let row = |pod: &Value| {
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
            let conditions = pod["status"]["conditions"].as_array();
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|c| c["type"] == "Ready" && c["status"] == "True");
            (
                name.trim_start_matches("web-").to_owned(),
                image.trim_start_matches("web:").to_owned(),
                ready,
            )
        };
        self.live().iter().map(row).collect()
    }

    /// The versions of numbered pods, from the lowest ordinal up; `!` marks those that are not ready.
    fn versions(&self) -> String {
        let row = |(_, version, ready): Row| format!("{version}{}", if ready { "" } else { "!" });
        self.rows().into_iter().map(row).collect::<Vec<_>>().join(" ")
    }

    fn object(&self) -> Value {
        self.sim
            .get(self.api_version, self.kind, "default", "web")
            .expect("the workload")
    }

    /// The status, with revisions by the versions of their templates, and without the generation.
    fn status(&self) -> Value {
        let object = self.object();
        assert_eq!(
            object["status"]["observedGeneration"], object["metadata"]["generation"],
            "the newest generation was seen"
        );
        let mut text = object["status"].to_string();
        for (name, version, _) in self.revisions() {
            text = text.replace(&name, &format!("web-{version}"));
            let hash = name.trim_start_matches("web-");
            text = text.replace(&format!("\"{hash}\""), &format!("\"{version}\""));
        }
        let mut status: Value = serde_json::from_str(&text).expect("a status");
        status
            .as_object_mut()
            .expect("a status")
            .remove("observedGeneration");
        status
    }

    /// The revisions: name, version of the template, number; the oldest first.
    fn revisions(&self) -> Vec<(String, String, i64)> {
        let all = self.sim.list("apps/v1", "ControllerRevision", Some("default"));
        let mut rows: Vec<(String, String, i64)> = all
            .iter()
            .map(|revision| {
                let text = |at: &str| {
                    revision
                        .pointer(at)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                let image = text("/data/spec/template/spec/containers/0/image");
                (
                    text("/metadata/name"),
                    image.trim_start_matches("web:").to_owned(),
                    revision["revision"].as_i64().unwrap_or_default(),
                )
            })
            .collect();
        rows.sort_by_key(|(_, _, number)| *number);
        rows
    }

    /// Versions and numbers of the revisions, the oldest first.
    fn history(&self) -> Vec<(String, i64)> {
        self.revisions()
            .into_iter()
            .map(|(_, version, number)| (version, number))
            .collect()
    }

    /// Uids of the pods by name.
    fn uids(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.live()
            .iter()
            .map(|pod| (text(&pod["metadata"]["name"]), text(&pod["metadata"]["uid"])))
            .collect()
    }

    /// Deletes a pod.
    async fn delete(&self, name: &str) {
        let pods = api(&self.sim.client(), "", "v1", "Pod");
        pods.delete(name, &kube::api::DeleteParams::default())
            .await
            .expect("a deleted pod");
    }
}
