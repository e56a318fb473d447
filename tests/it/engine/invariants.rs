//! What must hold at every moment of every release, whoever is killed and whatever the user does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use kubectl_kruise::{clock::Clock, sim::Sim};
use serde_json::Value;

use super::world::{APP, DEPLOYMENT, INGRESS, NAMESPACE, POD, SERVICE};

/// How many violations are kept; the first is what matters.
const KEPT: usize = 3;

/// What was seen so far.
#[derive(Default)]
pub(super) struct Book {
    replicas: VecDeque<(Timestamp, i64)>,
    violations: Vec<String>,
}

/// Looks at the cluster at every change.
#[derive(Clone)]
pub(super) struct Guard {
    sim: Sim,
    clock: Clock,
    /// How long a change of the wanted replicas may take to be carried out.
    lag: SignedDuration,
    book: Arc<Mutex<Book>>,
}

impl Guard {
    pub(super) fn new(sim: &Sim, clock: Clock, lag: SignedDuration) -> Self {
        Self {
            sim: sim.clone(),
            clock,
            lag,
            book: Arc::default(),
        }
    }

    /// Looks at every change, for as long as it is polled.
    pub(super) async fn watch(self) {
        let mut versions = self.sim.versions();
        while versions.changed().await.is_ok() {
            self.check();
        }
    }

    /// What was violated.
    pub(super) fn violations(&self) -> Vec<String> {
        self.book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .violations
            .clone()
    }

    fn check(&self) {
        let now = self.clock.now();
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(deployment) = self.sim.get(DEPLOYMENT.0, DEPLOYMENT.1, NAMESPACE, APP) else {
            // Nothing is owed for a workload that its user took away.
            book.replicas.clear();
            return;
        };
        let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        if book.replicas.back().is_none_or(|(_, last)| *last != wanted) {
            book.replicas.push_back((now, wanted));
        }
        let since = now - self.lag;
        while book.replicas.get(1).is_some_and(|(at, _)| *at <= since) {
            book.replicas.pop_front();
        }
        let grown = book.replicas.front().is_some_and(|(at, _)| *at <= since);
        let owed = if grown {
            book.replicas
                .iter()
                .map(|(_, replicas)| *replicas)
                .min()
                .unwrap_or(0)
        } else {
            0
        };
        let owed = owed - owed / 4;
        let pods = self.sim.list(POD.0, POD.1, Some(NAMESPACE));
        let ready = |service: &str| -> Option<i64> {
            let service = self.sim.get(SERVICE.0, SERVICE.1, NAMESPACE, service)?;
            let selector = service["spec"]["selector"].as_object()?.clone();
            let selected = pods
                .iter()
                .filter(|pod| is_ready(pod))
                .filter(|pod| {
                    selector
                        .iter()
                        .all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
                })
                .count();
            i64::try_from(selected).ok()
        };
        let mut found = Vec::new();
        if let Some(serving) = ready(APP)
            && serving < owed
        {
            found.push(format!(
                "the stable Service has {serving} ready pods, {owed} are owed"
            ));
        }
        for ingress in self.sim.list(INGRESS.0, INGRESS.1, Some(NAMESPACE)) {
            let annotation = |key: &str| {
                ingress["metadata"]["annotations"][format!("nginx.ingress.kubernetes.io/{key}")].as_str()
            };
            let weight = annotation("canary-weight").and_then(|text| text.parse::<i64>().ok());
            if annotation("canary") != Some("true") || weight.is_none_or(|weight| weight == 0) {
                continue;
            }
            let target = format!("{APP}-canary");
            if owed > 0 && ready(&target).unwrap_or(0) == 0 {
                found.push(format!(
                    "{weight:?}% of the traffic goes to {target}, which has no ready pod"
                ));
            }
        }
        for text in found {
            if book.violations.len() < KEPT {
                book.violations.push(format!("{now}: {text}"));
            }
        }
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"].get("deletionTimestamp").is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
