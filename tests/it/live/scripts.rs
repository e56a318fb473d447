//! Releases through scripts of one's own on a real API server: an Ingress class, and a kind of route whose definition
//! fills in fields, refuses wrong ones and has a plural that nobody would guess. By the executable, as a person would.

use std::{fs, path::PathBuf, process::Command};

use kubectl_kruise::{
    clock::Clock,
    traffic::script::{CONFIGURATION, NAMESPACE as HOME},
};
use serde_json::{Value, json};

use super::control_plane::{User, shared};
use crate::{
    crd_answers,
    harness::cluster::{Cluster, Place},
};

const MERGE: &str = "application/merge-patch+json";
const CLASS_KEY: &str = "lua.traffic.routing.ingress.lanes";
const KIND_KEY: &str = "lua.traffic.routing.MeshWay.mesh.example.com";
const WAYS: &str = "/apis/mesh.example.com/v1/namespaces";

/// Shares and headers by annotations of one's own.
const CLASS: &str = "
local out = obj.annotations
if obj.weight ~= '-1' then
    out['lanes.example.com/share'] = obj.weight
end
if obj.matches then
    local header = obj.matches[1].headers[1]
    out['lanes.example.com/header'] = header.name .. '=' .. header.value
end
return out
";

/// A way to the new version, by share or for requests with a header.
const KIND: &str = "
local spec = obj.data.spec
if obj.matches then
    local only = {}
    for _, header in ipairs(obj.matches[1].headers) do
        only[header.name] = header.value
    end
    table.insert(spec.ways, 1, { to = obj.canaryService, only = only })
else
    for _, way in ipairs(spec.ways) do
        if way.to == obj.stableService then
            way.share = obj.stableWeight
        end
    end
    table.insert(spec.ways, { to = obj.canaryService, share = obj.canaryWeight })
end
return obj.data
";

fn definition() -> Value {
    let way = json!({ "type": "object", "required": ["to"], "properties": {
        "to": { "type": "string", "minLength": 1 },
        "share": { "type": "integer", "minimum": 0, "maximum": 100, "default": 100 },
        "retries": { "type": "object", "default": {}, "properties": { "times": { "type": "integer", "default": 2 } } },
        "only": { "type": "object", "additionalProperties": { "type": "string" } },
    } });
    let spec = json!({ "type": "object", "properties": {
        "hosts": { "type": "array", "items": { "type": "string" } },
        "ways": { "type": "array", "items": way },
    } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "wayset.mesh.example.com" },
        "spec": { "group": "mesh.example.com", "scope": "Namespaced",
            "names": { "kind": "MeshWay", "plural": "wayset", "singular": "meshway", "listKind": "MeshWayList" },
            "versions": [{ "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": spec } } } }] },
    })
}

/// The application at version v1, and what a person does with it.
struct Stage {
    cluster: Cluster,
    /// `--scripts DIR`, or nothing.
    scripts: Vec<String>,
}

impl Stage {
    async fn set(name: &str, scripts: Vec<String>) -> Self {
        let cluster = shared().namespace(name, true).await;
        let labels = json!({ "app": "web" });
        let metadata = json!({ "name": "web" });
        let backend = json!({ "service": { "name": "web", "port": { "number": 80 } } });
        let steps = json!([
            { "replicas": 1, "traffic": "20%", "pause": {} },
            { "replicas": 1, "matches": [{ "headers": [{ "type": "Exact", "name": "x-user", "value": "me" }] }], "pause": {} },
            { "replicas": "100%", "traffic": "100%", "pause": {} },
        ]);
        let routing = json!({ "service": "web", "gracePeriodSeconds": 1,
            "ingress": { "name": "web", "classType": "lanes" },
            "customNetworkRefs": [{ "apiVersion": "mesh.example.com/v1", "kind": "MeshWay", "name": "web" }] });
        let objects = [
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": { "replicas": 2,
                "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels },
                    "spec": { "containers": [{ "name": "main", "image": "web:v1" }] } } } }),
            json!({ "apiVersion": "v1", "kind": "Service", "metadata": metadata,
                "spec": { "selector": labels, "ports": [{ "port": 80, "targetPort": 8080 }] } }),
            json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata,
                "spec": { "ingressClassName": "lanes", "rules": [{ "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] } }] } }),
            json!({ "apiVersion": "rollouts.kruise.io/v1beta1", "kind": "Rollout", "metadata": metadata, "spec": {
                "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "strategy": { "canary": { "enableExtraWorkloadForCanary": true, "steps": steps, "trafficRoutings": [routing] } } } }),
        ];
        for object in &objects {
            cluster.create(object).await.unwrap();
        }
        let way = json!({ "apiVersion": "mesh.example.com/v1", "kind": "MeshWay", "metadata": { "name": "web", "labels": { "team": "a" } },
            "spec": { "hosts": [], "ways": [{ "to": "web" }] } });
        let path = format!("{WAYS}/{name}/wayset");
        cluster
            .send(http::Method::POST, &path, "application/json", &way)
            .await
            .unwrap();
        let stage = Self { cluster, scripts };
        let clock = Clock::wall();
        let rest = async {
            let place = Place::named("deployment");
            while stage.cluster.get(place, "web").await.unwrap().unwrap()["status"]["readyReplicas"] != 2 {
                clock.sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), rest)
            .await
            .expect("version 1 is not ready");
        assert_eq!(stage.kruise(&["run", "web"]), 0);
        stage
    }

    /// Runs a command; its exit code.
    fn kruise(&self, arguments: &[&str]) -> i32 {
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-kruise"))
            .arg("rollout")
            .args(arguments)
            .env(
                "KUBECONFIG",
                shared().kubeconfig(User::Admin, &self.cluster.namespace),
            )
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        println!(
            "rollout {}\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        output.status.code().unwrap()
    }

    fn scripted(&self, arguments: &[&str]) -> i32 {
        let scripts = self.scripts.iter().map(String::as_str);
        self.kruise(&arguments.iter().copied().chain(scripts).collect::<Vec<_>>())
    }

    async fn way(&self) -> Value {
        let path = format!("{WAYS}/{}/wayset/web", self.cluster.namespace);
        self.cluster
            .send(http::Method::GET, &path, "", &Value::Null)
            .await
            .unwrap()
    }

    /// What an Ingress controller and a mesh are told: annotations of the class on the twin, and the ways.
    async fn told(&self) -> Value {
        let twin = self
            .cluster
            .get(Place::named("ingress"), "web-canary")
            .await
            .unwrap();
        let own = |twin: Value| {
            let all = twin["metadata"]["annotations"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            let own = all
                .into_iter()
                .filter(|(key, _)| key.starts_with("lanes.example.com/"));
            (
                own.collect::<serde_json::Map<_, _>>(),
                twin["spec"]["ingressClassName"].clone(),
            )
        };
        json!([twin.map(own), self.way().await["spec"]["ways"]])
    }
}

/// The way as it stands once the server has filled it in.
fn to(service: &str, share: u64, only: Option<Value>) -> Value {
    let mut way = json!({ "to": service, "share": share, "retries": { "times": 2 } });
    if let Some(only) = only {
        way["only"] = only;
    }
    way
}

async fn play(stage: Stage) {
    let before = stage.way().await;
    assert_eq!(
        before["spec"],
        json!({ "hosts": [], "ways": [to("web", 100, None)] })
    );
    assert_eq!(stage.kruise(&["set", "image", "web", "main=web:v2", "--yes"]), 0);
    assert_eq!(stage.scripted(&["run", "web"]), 4);
    let by_share = json!([
        [{ "lanes.example.com/share": "20" }, "lanes"],
        [to("web", 80, None), to("web-canary", 20, None)],
    ]);
    assert_eq!(stage.told().await, by_share);
    // Somebody changes the way in the middle: it stays.
    let edit = json!({ "metadata": { "labels": { "owner": "me" } }, "spec": { "hosts": ["shop.example"] } });
    let path = format!("{WAYS}/{}/wayset/web", stage.cluster.namespace);
    stage
        .cluster
        .send(http::Method::PATCH, &path, MERGE, &edit)
        .await
        .unwrap();
    assert_eq!(stage.scripted(&["approve", "web", "--standalone", "--yes"]), 4);
    let by_header = json!([
        [{ "lanes.example.com/header": "x-user=me" }, "lanes"],
        [to("web-canary", 100, Some(json!({ "x-user": "me" }))), to("web", 100, None)],
    ]);
    assert_eq!(stage.told().await, by_header);
    assert_eq!(stage.scripted(&["approve", "web", "--standalone", "--yes"]), 0);
    let after = stage.way().await;
    assert_eq!(stage.told().await, json!([null, [to("web", 100, None)]]));
    assert_eq!(
        (
            &after["spec"]["hosts"],
            &after["metadata"]["labels"],
            after["metadata"].get("annotations")
        ),
        (
            &json!(["shop.example"]),
            &json!({ "team": "a", "owner": "me" }),
            None
        )
    );
    // The way back needs no script.
    assert_eq!(stage.kruise(&["set", "image", "web", "main=web:v3", "--yes"]), 0);
    assert_eq!(stage.scripted(&["run", "web"]), 4);
    assert_eq!(stage.told().await, by_share);
    assert_eq!(stage.kruise(&["rollback", "web", "--standalone", "--yes"]), 0);
    assert_eq!(stage.told().await, json!([null, [to("web", 100, None)]]));
    let back = stage.way().await;
    assert_eq!(
        (&back["spec"], &back["metadata"]["labels"]),
        (&after["spec"], &after["metadata"]["labels"])
    );
    stage.cluster.delete_namespace().await;
}

async fn install() {
    let client = shared().client(User::Admin, "tests").await;
    crd_answers::install(&client, &[definition()]).await;
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_scripts_of_a_folder_release_through_a_class_and_a_kind_of_ones_own() {
    install().await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("scripts-{}", std::process::id()));
    for (path, text) in [
        ("trafficrouting_ingress/lanes.lua", CLASS),
        ("mesh.example.com/MeshWay/trafficRouting.lua", KIND),
    ] {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let scripts = ["--scripts", folder.to_str().unwrap()].map(str::to_owned);
    play(Stage::set("scripts-folder", scripts.into()).await).await;
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
#[ignore = "needs the control plane; run with -- --ignored live"]
async fn live_scripts_of_the_configmap_release_through_a_class_and_a_kind_of_ones_own() {
    install().await;
    let home = shared().namespace(HOME, false).await;
    let path = format!("/api/v1/namespaces/{HOME}/configmaps");
    let scripts = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": CONFIGURATION },
        "data": { CLASS_KEY: CLASS, KIND_KEY: KIND } });
    home.send(http::Method::POST, &path, "application/json", &scripts)
        .await
        .unwrap();
    play(Stage::set("scripts-configmap", Vec::new()).await).await;
    let path = format!("{path}/{CONFIGURATION}");
    home.send(http::Method::DELETE, &path, "application/json", &Value::Null)
        .await
        .unwrap();
}
