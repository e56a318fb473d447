//! The engine beside a simulated cluster.

use std::{collections::BTreeMap, sync::Arc};

use kube::{
    Api,
    api::{Patch, PatchParams},
};
use tokio::{sync::mpsc::UnboundedReceiver, task::JoinHandle};

use crate::{
    analysis::Inline,
    api::v1beta1::Rollout,
    clock::Clock,
    engine::{
        core::Stop,
        driver::{self, Event, RolloutKey, Scope},
    },
    release::{Approval, Guard, approval},
    sim::Sim,
    traffic::script::Folder,
};

/// How often an approval that the server did not take is sent again.
const TRIES: u32 = 10;

/// An engine at work. Dropping it ends it.
pub struct Beside {
    sim: Sim,
    engine: JoinHandle<Result<BTreeMap<RolloutKey, Stop>, driver::Error>>,
    /// What it does, as it happens.
    pub events: UnboundedReceiver<Event>,
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// What an engine has besides the cluster.
#[derive(Clone, Debug, Default)]
pub struct Kit {
    /// Scripts of a folder.
    pub scripts: Option<Arc<Folder>>,
    /// Metric gates of a file.
    pub analysis: Option<Arc<Inline>>,
    /// Whether measurements are taken for good: what they ask is not there.
    pub is_assumed: bool,
}

impl Beside {
    /// Starts an engine for every Rollout, or for one. Must be called inside a runtime.
    #[must_use]
    pub fn start(sim: &Sim, clock: Clock, only: Option<RolloutKey>, kit: Kit) -> Self {
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        let scope = match only {
            Some(key) => Scope::Names {
                namespace: key.namespace,
                names: vec![key.name],
            },
            None => Scope::Selected {
                namespace: None,
                labels: None,
            },
        };
        let mut options = driver::Options {
            identity: "demo".to_owned(),
            forever: true,
            scripts: kit.scripts,
            analysis: kit.analysis,
            ..driver::Options::default()
        };
        if kit.is_assumed {
            options.meter = Some(Arc::new(driver::meter::Assumed));
        }
        Self {
            engine: tokio::spawn(driver::drive(sim.client(), clock, scope, options, sender)),
            sim: sim.clone(),
            events,
        }
    }

    /// Waits until the engine comes to a stop on a Rollout; tells every event on the way.
    pub async fn next_stop(&mut self, mut tell: impl FnMut(&Event)) -> Option<Stop> {
        while let Some(event) = self.events.recv().await {
            tell(&event);
            if let Event::Stopped { stop, .. } = event {
                return Some(stop);
            }
        }
        None
    }

    /// Approves the step of a Rollout that is paused; whether there was one.
    ///
    /// # Errors
    /// The simulated API server refuses it, again and again.
    pub async fn approve(&self, namespace: &str, name: &str) -> kube::Result<bool> {
        let rollouts: Api<Rollout> = Api::namespaced(self.sim.client(), namespace);
        let mut tries = 0;
        loop {
            let rollout = self
                .sim
                .get("rollouts.kruise.io/v1beta1", "Rollout", namespace, name)
                .unwrap_or_default();
            let Ok(Approval::Send { patch, .. }) = approval::decide(&rollout, &Guard::default()) else {
                return Ok(false);
            };
            let patched = rollouts
                .patch_status(name, &PatchParams::default(), &Patch::Merge(patch))
                .await;
            match patched {
                // The engine noted something in between; the next patch is made from what it wrote.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                // A connection that was made bad on purpose.
                Err(_) if tries < TRIES => tries += 1,
                patched => return patched.map(|_| true),
            }
        }
    }
}
