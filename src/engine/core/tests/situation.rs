//! Situations that decisions are asked about, and what a decision says in a line.

use std::collections::BTreeMap;

use std::sync::Arc;

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use crate::{
    engine::core::{Decision, Pod, Snapshot, Wake, batch},
    traffic::RouteKey,
    workload::digest,
};

pub(super) const NOW: &str = "2026-01-01T00:00:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(super) fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

pub(super) fn template(image: &str) -> Value {
    json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": image }] } })
}

pub(super) fn deployment(name: &str, image: &str, replicas: i32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": "10", "generation": 1,
            "labels": { "rollouts.kruise.io/workload-type": "deployment" } },
        "spec": { "replicas": replicas, "strategy": { "type": "RollingUpdate" }, "template": template(image) },
        "status": { "observedGeneration": 1, "replicas": replicas, "availableReplicas": replicas },
    })
}

pub(super) fn replica_set(owner: &str, hash: &str, image: &str, replicas: i32) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": format!("{owner}-{hash}"), "namespace": "shop", "uid": format!("uid-{owner}-{hash}"), "resourceVersion": "11",
            "labels": { "app": "web", "pod-template-hash": hash },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "uid": format!("uid-{owner}"), "controller": true }] },
        "spec": { "replicas": replicas, "template": template },
        "status": { "replicas": replicas, "readyReplicas": replicas, "observedGeneration": 0 },
    })
}

/// A Rollout at rest over a Deployment of five pods of v1, its Service and its Ingress.
pub(super) fn at_rest() -> Snapshot {
    let rollout = json!({
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-rollout", "resourceVersion": "1", "generation": 1 },
        "spec": {
            "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "strategy": { "canary": {
                "enableExtraWorkloadForCanary": true,
                "steps": [
                    { "replicas": 1, "traffic": "20%", "pause": {} },
                    { "replicas": "50%", "traffic": "50%", "pause": { "duration": 60 } },
                    { "replicas": "100%", "traffic": "100%", "pause": {} },
                ],
                "trafficRoutings": [{ "service": "web", "gracePeriodSeconds": 1, "ingress": { "name": "web" } }],
            } },
        },
        "status": { "phase": "Healthy", "observedGeneration": 1, "message": "workload deployment is completed", "currentStepIndex": 3, "currentStepState": "Completed",
            "canaryStatus": { "currentStepIndex": 3, "nextStepIndex": -1, "currentStepState": "Completed", "finalisingStep": "",
                "stableRevision": "aaa", "canaryRevision": "aaa", "podTemplateHash": "", "canaryReplicas": 0, "canaryReadyReplicas": 0 } },
    });
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web", "namespace": "shop", "uid": "uid-svc", "resourceVersion": "5" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "nodePort": 30080 }], "clusterIP": "10.0.0.1", "type": "NodePort" } });
    let ingress = json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": "web", "namespace": "shop", "uid": "uid-ing", "resourceVersion": "6" },
        "spec": { "ingressClassName": "nginx", "rules": [{ "host": "shop.example", "http": { "paths": [{ "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": "web", "port": { "number": 80 } } } }] } }] } });
    let mut rollout: crate::api::v1beta1::Rollout = serde_json::from_value(rollout).unwrap();
    // As the engine itself would have written it.
    let hash = batch::plan_hash(&rollout);
    if let Some(sub) = rollout
        .status
        .as_mut()
        .and_then(|status| status.canary_status.as_mut())
    {
        sub.rollout_hash = Some(hash);
    }
    Snapshot {
        rollout,
        workload: Some(object(deployment("web", "web:v1", 5))),
        replica_sets: vec![object(replica_set("web", "aaa", "web:v1", 5))],
        services: [("web".to_owned(), object(service))].into(),
        routes: [(RouteKey::ingress("web"), object(ingress))].into(),
        ..Snapshot::default()
    }
}

/// The same, with v2 in the template, held by the policy.
pub(super) fn held() -> Snapshot {
    let mut s = at_rest();
    let mut web = deployment("web", "web:v2", 5);
    web["spec"]["paused"] = json!(true);
    web["metadata"]["annotations"]["rollouts.kruise.io/in-progressing"] =
        json!(r#"{"rolloutName":"web","original":{"paused":false}}"#);
    s.workload = Some(object(web));
    s
}

/// The release paused at step 1: one new pod, 20% of the traffic.
pub(super) fn paused_at_step_1() -> Snapshot {
    let mut s = held();
    s.rollout.metadata.finalizers = Some(vec!["rollouts.kruise.io/rollout".to_owned()]);
    set_label(
        s.workload.as_mut().unwrap(),
        "rollouts.kruise.io/stable-revision",
        "aaa",
    );
    let v2 = template("web:v2");
    let status = s.rollout.status.as_mut().unwrap();
    status.phase = Some("Progressing".into());
    status.message =
        Some("Rollout is in step(1/3), and you need manually confirm to enter the next step".to_owned());
    status.conditions = serde_json::from_value(json!([{ "type": "Progressing", "status": "True", "reason": "InRolling", "lastUpdateTime": NOW,
        "lastTransitionTime": NOW, "message": "Rollout is in step(1/3), and you need manually confirm to enter the next step" }])).unwrap();
    status.current_step_index = 1;
    status.current_step_state = "StepPaused".into();
    let sub = status.canary_status.as_mut().unwrap();
    sub.current_step_index = 1;
    sub.next_step_index = 2;
    sub.current_step_state = "StepPaused".into();
    sub.canary_revision = digest(&v2, "");
    sub.observed_rollout_id = Some(digest(&v2, ""));
    sub.pod_template_hash = "bbb".to_owned();
    sub.canary_replicas = 1;
    sub.canary_ready_replicas = 1;
    sub.last_update_time = Some(crate::api::Time(now()));
    let id = sub.canary_revision.clone();
    let name =
        crate::workload::Deployment::new(s.workload.as_ref().unwrap()).canary_name(None, "uid-rollout");
    let owner = json!([s.owner()]);
    let mut canary = deployment(&name, "web:v2", 1);
    canary["metadata"]["labels"] = json!({ "rollouts.kruise.io/canary-deployment": "web" });
    canary["metadata"]["ownerReferences"] = owner.clone();
    s.canaries = vec![object(canary)];
    s.replica_sets
        .push(object(replica_set(&name, "bbb", "web:v2", 1)));
    s.pods = vec![Arc::new(Pod {
        name: "web-canary-1".to_owned(),
        uid: "uid-pod".to_owned(),
        resource_version: "20".to_owned(),
        labels: [
            ("rollouts.kruise.io/rollout-id".to_owned(), id),
            ("rollouts.kruise.io/rollout-batch-id".to_owned(), "1".to_owned()),
        ]
        .into(),
        owner: format!("uid-{name}-bbb"),
        deleting: false,
        ..Pod::default()
    })];
    let mut twin = serde_json::to_value(&s.services["web"]).unwrap();
    twin["metadata"]["name"] = json!("web-canary");
    twin["metadata"]["ownerReferences"] = owner;
    twin["spec"]["selector"]["pod-template-hash"] = json!("bbb");
    s.services.insert("web-canary".to_owned(), object(twin));
    let pinned = s.services.get_mut("web").unwrap();
    pinned.data["spec"]["selector"]["pod-template-hash"] = json!("aaa");
    let split = crate::traffic::Split {
        weight: Some(20),
        matches: &[],
        header_modifier: None,
    };
    let annotations = crate::traffic::ingress_class::Class::Nginx.annotations(&BTreeMap::new(), &split);
    let twin = crate::traffic::ingress::canary(
        annotations,
        &s.routes[&RouteKey::ingress("web")],
        "web",
        "web-canary",
        s.owner(),
    )
    .unwrap();
    s.routes.insert(RouteKey::ingress("web-canary"), object(twin));
    s
}

/// Makes it a release at step 1, whose pods come up; of its sub-status what every one has is filled in.
pub(super) fn under_way(s: &mut Snapshot, field: &str, mut release: Value) {
    let plan = batch::plan_hash(&s.rollout);
    let common = json!({ "currentStepIndex": 1, "nextStepIndex": 2, "currentStepState": "StepUpgrade", "finalisingStep": "",
        "rolloutHash": plan, "lastUpdateTime": NOW });
    json_patch::merge(&mut release, &common);
    s.rollout.metadata.finalizers = Some(vec!["rollouts.kruise.io/rollout".to_owned()]);
    let status = json!({
        "phase": "Progressing", "observedGeneration": 1, "currentStepIndex": 1, "currentStepState": "StepUpgrade",
        "conditions": [{ "type": "Progressing", "status": "True", "reason": "InRolling", "message": "",
            "lastUpdateTime": NOW, "lastTransitionTime": NOW }],
        field: release,
    });
    s.rollout.status = Some(serde_json::from_value(status).unwrap());
}

pub(super) fn set_label(object: &mut DynamicObject, key: &str, value: &str) {
    object
        .metadata
        .labels
        .get_or_insert_default()
        .insert(key.to_owned(), value.to_owned());
}

/// Effects by verb, target and purpose; the reason; what of the status changes; when to look again.
pub(super) fn told(decision: &Decision) -> String {
    let mut lines: Vec<String> = decision
        .effects
        .iter()
        .map(|effect| format!("{} {}: {}", effect.verb.method(), effect.target, effect.purpose))
        .collect();
    if let Some(status) = &decision.status {
        let sub = &status["canaryStatus"];
        let place = [
            &status["phase"],
            &sub["currentStepIndex"],
            &sub["currentStepState"],
            &sub["finalisingStep"],
        ];
        lines.push(format!(
            "status {}",
            place
                .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                .join(" ")
        ));
    }
    lines.push(format!(
        "{}{}",
        decision.reason,
        match decision.wake {
            Wake::At(at) => format!(" until +{}s", at.duration_since(now()).as_secs()),
            Wake::OnChange => String::new(),
        }
    ));
    lines.join("\n")
}
