//! A cluster in memory with an application and a Rollout in it, and the engine beside it: the way in without a cluster.
//!
//! Everything but the cluster is real: the same engine, the same statuses, the same commands (`--serve` puts the cluster
//! on loopback for them).

mod application;
mod beside;
pub mod pace;
mod scenario;

pub use beside::{Beside, Kit};
pub use scenario::Scenario;

use std::{collections::BTreeMap, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};

use crate::{
    api::keys,
    clock::Clock,
    sim::{self, Sim},
    workload::{
        Pod,
        edit::{self, NewImage},
    },
};

/// The demo's namespace.
pub const NAMESPACE: &str = "demo";
/// Name of the demo's Rollout, workload, Service and Ingress.
pub const NAME: &str = "web";
/// What runs at first.
pub const OLD_IMAGE: &str = "example.com/web:v1";
/// What is released.
pub const NEW_IMAGE: &str = "example.com/web:v2";
/// What is released and never becomes ready: the fake kubelet takes images with this ending for such.
pub const BROKEN_IMAGE: &str = "example.com/web:v2-crash";

/// How often it is looked whether the old version runs.
const LOOK: Duration = Duration::from_millis(20);

/// A running demo. Dropping it ends it.
pub struct Demo {
    scenario: Scenario,
    clock: Clock,
    sim: Sim,
    client: Client,
    engine: Beside,
    _controllers: sim::Controllers,
}

/// Why the demo did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The simulated API server refused an object.
    #[error("the simulated API server refused {what}: {why}")]
    Refused {
        /// What was written.
        what: &'static str,
        /// Its words.
        why: String,
    },
}

impl Error {
    fn refused(what: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |error| {
            let why = if let kube::Error::Api(status) = &error {
                status.message.clone()
            } else {
                error.to_string()
            };
            Self::Refused { what, why }
        }
    }
}

impl Demo {
    /// Starts the cluster, puts the application into it, and the engine beside it. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The simulated API server refuses the application.
    pub async fn start(clock: Clock, scenario: Scenario) -> Result<Self, Error> {
        let bare = scenario == Scenario::Empty;
        let sim = Sim::new(sim::Options {
            pod_ready_after: Duration::from_millis(1500),
            hold: bare,
            kruise: bare,
            gateways: bare,
            ..sim::Options::new(clock)
        });
        let controllers = sim.start();
        let client = sim.client();
        for (plural, object) in application::objects(scenario) {
            let api = api(&client, plural, &object);
            api.create(&kube::api::PostParams::default(), &object)
                .await
                .map_err(Error::refused("the application"))?;
        }
        let engine = Beside::start(&sim, clock, None, Kit::default());
        Ok(Self {
            scenario,
            clock,
            sim,
            client,
            engine,
            _controllers: controllers,
        })
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Beside {
        &mut self.engine
    }

    /// Waits until the old version runs with all its pods and the engine has taken note of it: a new one that came earlier would
    /// be taken for the first installation.
    pub async fn until_at_rest(&self) {
        while !self.is_at_rest() {
            self.clock.sleep(LOOK).await;
        }
    }

    fn is_at_rest(&self) -> bool {
        let get = |api_version: &str, kind: &str| {
            self.sim
                .get(api_version, kind, NAMESPACE, NAME)
                .unwrap_or_default()
        };
        let workload = get("apps/v1", self.scenario.kind());
        let rollout = get("rollouts.kruise.io/v1beta1", "Rollout");
        workload["status"]["readyReplicas"] == workload["spec"]["replicas"]
            && rollout["status"]["currentStepState"] == "Completed"
    }

    /// The cluster, to be served.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Brings a new version, held in the same request.
    ///
    /// # Errors
    /// The simulated API server refuses it.
    pub async fn release(&self, image: &str) -> Result<(), Error> {
        let images = [NewImage {
            container: NAME.to_owned(),
            image: image.to_owned(),
        }];
        let manager = PatchParams {
            field_manager: Some(keys::FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        loop {
            let Some(workload) = self.sim.get("apps/v1", self.scenario.kind(), NAMESPACE, NAME) else {
                return Ok(());
            };
            let Ok(Some(patch)) = edit::set_images(&workload, &images, Some(NAME)) else {
                return Ok(());
            };
            let Ok(patch) = serde_json::from_value(patch) else {
                return Ok(());
            };
            let patch = Patch::<()>::Json(patch);
            match self.workloads().patch(NAME, &manager, &patch).await {
                // The workload's controller was faster; the next patch is made from what it wrote.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                patched => return patched.map(drop).map_err(Error::refused("the new version")),
            }
        }
    }

    /// Approves the paused step.
    ///
    /// # Errors
    /// The simulated API server refuses it.
    pub async fn approve(&self) -> Result<(), Error> {
        let approved = self.engine.approve(NAMESPACE, NAME).await;
        approved.map(drop).map_err(Error::refused("the approval"))
    }

    /// Puts the old version's template back.
    ///
    /// # Errors
    /// The simulated API server refuses it.
    pub async fn roll_back(&self) -> Result<(), Error> {
        self.release(OLD_IMAGE).await
    }

    /// Ready pods by image, and which requests go to the new version, in words.
    pub fn picture(&self) -> (BTreeMap<String, i32>, Option<String>) {
        let mut ready = BTreeMap::new();
        for object in self.sim.list("v1", "Pod", Some(NAMESPACE)) {
            let is_ready = Pod::read(&object).is_some_and(|pod| pod.ready && !pod.deleting);
            if is_ready && let Some(image) = object["spec"]["containers"][0]["image"].as_str() {
                *ready.entry(image.to_owned()).or_default() += 1;
            }
        }
        let twin = self.sim.get(
            "networking.k8s.io/v1",
            "Ingress",
            NAMESPACE,
            &crate::traffic::ingress::canary_name(NAME),
        );
        let share = twin.and_then(|twin| {
            let said = |what: &str| {
                let key = format!("nginx.ingress.kubernetes.io/canary-{what}");
                twin["metadata"]["annotations"][key].as_str().map(str::to_owned)
            };
            let by_header = || {
                let (header, value) = (said("by-header")?, said("by-header-value")?);
                Some(format!("requests with {header}: {value}"))
            };
            let by_weight = || Some(format!("{}% of the traffic", said("weight")?));
            by_header().or_else(by_weight)
        });
        (ready, share)
    }

    fn workloads(&self) -> Api<DynamicObject> {
        let kind = self.scenario.kind();
        let resource = ApiResource {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            api_version: "apps/v1".to_owned(),
            kind: kind.to_owned(),
            plural: format!("{}s", kind.to_lowercase()),
        };
        Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
    }
}

fn api(client: &Client, plural: &str, object: &DynamicObject) -> Api<DynamicObject> {
    let types = object.types.clone().unwrap_or_default();
    let (group, version) = types
        .api_version
        .split_once('/')
        .unwrap_or(("", &types.api_version));
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: types.api_version.clone(),
        kind: types.kind.clone(),
        plural: plural.to_owned(),
    };
    match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}
