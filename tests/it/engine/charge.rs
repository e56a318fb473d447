//! Who is in charge: a controller may come while an engine runs for good.

use std::{sync::Arc, time::Duration};

use kubectl_kruise::{
    clock::Clock,
    cluster::{Cluster, versions::Versions},
    sim::{Options, Sim},
};
use serde_json::json;
use tokio::time;

#[tokio::test(start_paused = true)]
async fn a_controller_that_comes_later_is_seen_within_a_minute() {
    let clock = Clock::starting_at("2026-06-01T00:00:00Z".parse().unwrap());
    let sim = Sim::new(Options::new(clock));
    let cluster = Cluster {
        client: sim.client(),
        namespace: "shop".to_owned(),
        server: "sim".to_owned(),
        clock,
        request_timeout: None,
        memory: Default::default(),
        versions: Arc::new(Versions::of("sim", None)),
    };
    let watched = cluster.until_controlled(None, &[]);
    tokio::pin!(watched);
    let nobody = time::timeout(Duration::from_secs(600), &mut watched).await;
    assert!(nobody.is_err());
    // It is installed: its kinds, and its webhook.
    sim.load(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "batchreleases.rollouts.kruise.io" },
        "spec": { "group": "rollouts.kruise.io", "scope": "Namespaced",
            "names": { "kind": "BatchRelease", "plural": "batchreleases", "singular": "batchrelease" },
            "versions": [{ "name": "v1beta1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }] },
    }))
    .unwrap();
    sim.load(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": { "name": "kruise-rollout-mutating-webhook-configuration" },
    }))
    .unwrap();
    let seen = time::timeout(Duration::from_secs(61), watched).await.unwrap();
    assert_eq!(
        seen,
        "its webhook \"kruise-rollout-mutating-webhook-configuration\" is installed"
    );
}
