//! Who acts on a Rollout: a controller in the cluster, an engine of ours somewhere, or nobody.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Cluster, Found, Resource, Served, versions::BELIEVED};
use crate::{
    api::keys,
    error::{Error, Kind, Result},
};

/// Whether a controller in the cluster acts on a Rollout, and how we know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Charge {
    /// A controller acts; the text says what was seen of it.
    Controller(String),
    /// None does.
    Nobody,
    /// Looking is not allowed; the text says what is missing.
    Unknown(String),
}

/// Name of the Lease that the controller's leader holds; its installation decides the namespace.
pub(super) const CONTROLLER_LEASE: &str = "71ddec2c.kruise.io";

/// Name of the configuration of the webhook by which the controller holds new versions, as upstream's manifests and chart
/// install it.
const CONTROLLER_WEBHOOK: &str = "kruise-rollout-mutating-webhook-configuration";

/// Seconds after which a controller whose Lease nobody renews is not just being moved to another node.
const COMING_BACK: i64 = 300;

/// How often whoever drives releases for good looks whether a controller has come: at most four requests each time.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// How often a Lease is looked at that may be left of an engine that ended, and how many times at the most.
const LOOK_AT_LEASE: Duration = Duration::from_millis(500);
const LOOKS_AT_LEASE: u32 = 40;

impl Cluster {
    /// Finds out whether a controller in the cluster acts on these Rollouts: `batchreleases` not served means no; a
    /// BatchRelease of one of them, a Lease that the controller's leader holds, or its webhook (a controller that runs
    /// without leader election holds no Lease) means yes. At most four requests.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn controller_in_charge(&self, namespace: Option<&str>, rollouts: &[Found]) -> Result<Charge> {
        if !self.serves(Resource::BatchReleases).await? {
            return Ok(Charge::Nobody);
        }
        let look = async {
            let releases = self.list(Resource::BatchReleases, namespace, None).await?;
            let ours = |release: &&Value| rollouts.iter().any(|rollout| owned_by(release, &rollout.object));
            if let Some(release) = releases.iter().find(ours) {
                let name = release["metadata"]["name"].as_str().unwrap_or_default();
                return Ok(Charge::Controller(format!(
                    "BatchRelease {name:?} belongs to the Rollout"
                )));
            }
            let leases = self.list(Resource::Leases, None, None).await?;
            let mut controllers = leases.iter().filter(|lease| is_controllers(lease)).peekable();
            // One that is gone leaves its webhook behind; its Lease says since when it does nothing.
            if controllers.peek().is_some() {
                let now = self.clock.now();
                let leader = controllers.find(|lease| held(lease, now) || age(lease, now) < COMING_BACK);
                return Ok(leader.map_or(Charge::Nobody, |lease| {
                    let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
                    Charge::Controller(match held(lease, now) {
                        true => format!("its leader {holder:?} holds Lease {CONTROLLER_LEASE:?}"),
                        false => format!(
                            "its leader held Lease {CONTROLLER_LEASE:?} {} s ago, and the next one may be on its way",
                            age(lease, now)
                        ),
                    })
                }));
            }
            let webhook = self.controllers_webhook().await?;
            Ok::<_, Error>(webhook.map_or(Charge::Nobody, Charge::Controller))
        };
        match look.await {
            Err(error) if error.kind == Kind::Forbidden => Ok(Charge::Unknown(error.message)),
            answer => answer,
        }
    }

    /// Whether no controller was there lately, as far as the Rollout itself tells: what an engine of ours began is for such a
    /// one to go on with.
    #[must_use]
    pub fn is_left_to_ours(&self, found: &Found) -> bool {
        is_led_by_ours(&found.object, self.clock.now())
    }

    /// The engine of ours that carries a Rollout out at this moment, in another process: it renews the Rollout's Lease. A Lease
    /// that is left of one that ended is waited for, as long as it lasts, and `waiting` is told the holder's name. That it may not be read is for the engine to tell.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn other_engine(&self, found: &Found, waiting: impl Fn(&str)) -> Result<Option<String>> {
        let name = format!("rollout-{}", found.name);
        let mut first: Option<Value> = None;
        for _ in 0..LOOKS_AT_LEASE {
            let lease = match self.get(Resource::Leases, &found.namespace, &name).await {
                Err(error) if error.kind == Kind::Forbidden => None,
                answer => answer?,
            };
            let Some(lease) = lease.filter(|lease| held(lease, self.clock.now())) else {
                return Ok(None);
            };
            let renewed = &lease["spec"]["renewTime"];
            let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
            match &first {
                Some(before) if before != renewed => return Ok(Some(holder.to_owned())),
                Some(_) => {}
                None => {
                    waiting(holder);
                    first = Some(renewed.clone());
                }
            }
            self.clock.sleep(LOOK_AT_LEASE).await;
        }
        Ok(None)
    }

    /// Waits until a controller acts on these Rollouts; answers what is seen of it. What cannot be looked at is looked at again
    /// later.
    pub async fn until_controlled(&self, namespace: Option<&str>, rollouts: &[Found]) -> String {
        loop {
            self.clock.sleep(LOOK_AGAIN).await;
            if let Ok(Charge::Controller(seen)) = self.controller_in_charge(namespace, rollouts).await {
                return seen;
            }
        }
    }

    /// The controller's webhook as evidence, where it is installed and may be looked at.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub(super) async fn controllers_webhook(&self) -> Result<Option<String>> {
        let webhooks = Served {
            namespaced: false,
            ..Served::namespaced(
                "admissionregistration.k8s.io/v1",
                "MutatingWebhookConfiguration",
                "mutatingwebhookconfigurations",
            )
        };
        match self.read(&webhooks, "", CONTROLLER_WEBHOOK).await {
            Ok(found) => Ok(found.map(|_| format!("its webhook {CONTROLLER_WEBHOOK:?} is installed"))),
            // Few may read it, and those who may not have seen that nobody leads.
            Err(error) if error.kind == Kind::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn owned_by(object: &Value, owner: &Value) -> bool {
    let uid = &owner["metadata"]["uid"];
    object["metadata"]["ownerReferences"]
        .as_array()
        .is_some_and(|owners| owners.iter().any(|o| &o["uid"] == uid))
}

/// Whether an engine of ours changed the status of a Rollout so lately that what it saw still counts, and no other engine ever
/// did (`metadata.managedFields`): it writes only where it found no controller, unless it was told to all the same.
pub(super) fn is_led_by_ours(rollout: &Value, now: Timestamp) -> bool {
    let writers = rollout["metadata"]["managedFields"].as_array();
    let mut is_ours = false;
    for writer in writers.into_iter().flatten() {
        let manager = writer["manager"].as_str().unwrap_or_default();
        // An approval is written by a command.
        if writer["subresource"] != "status" || manager.starts_with("kubectl") {
            continue;
        }
        if manager != keys::FIELD_MANAGER {
            return false;
        }
        let at = writer["time"].as_str().and_then(|text| text.parse().ok());
        is_ours = at.is_some_and(|at: Timestamp| now.duration_since(at).unsigned_abs() < BELIEVED);
    }
    is_ours
}

/// Whether a Lease is that of the controller's leader.
pub(super) fn is_controllers(lease: &Value) -> bool {
    lease["metadata"]["name"] == CONTROLLER_LEASE
}

/// Seconds since the last renewal.
pub(super) fn age(lease: &Value, now: Timestamp) -> i64 {
    lease["spec"]["renewTime"]
        .as_str()
        .and_then(|text| text.parse::<Timestamp>().ok())
        .map_or(0, |at| now.duration_since(at).as_secs().max(0))
}

/// Whether a Lease has a holder whose last renewal is not older than the Lease lasts.
#[must_use]
pub fn held(lease: &Value, now: Timestamp) -> bool {
    let spec = &lease["spec"];
    let renewed = spec["renewTime"]
        .as_str()
        .and_then(|text| text.parse::<Timestamp>().ok());
    let lasts = spec["leaseDurationSeconds"].as_i64().unwrap_or_default();
    let holder = spec["holderIdentity"].as_str().unwrap_or_default();
    !holder.is_empty() && renewed.is_some_and(|at| now.duration_since(at).as_secs() < lasts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{held, is_led_by_ours, owned_by};

    #[test]
    fn an_engine_of_ours_is_seen_by_what_it_lately_wrote() {
        let now = "2026-11-21T03:10:00Z".parse().unwrap();
        let led = |writers: &[(&str, &str, &str)]| {
            let entry = |(manager, subresource, at): &(&str, &str, &str)| {
                json!({ "manager": manager, "operation": "Update", "subresource": subresource,
                    "time": format!("2026-11-21T{at}Z") })
            };
            let entries: Vec<_> = writers.iter().map(entry).collect();
            is_led_by_ours(&json!({ "metadata": { "managedFields": entries } }), now)
        };
        let ours = ("rollouts-engine", "status", "03:00:01");
        let approved = ("kubectl-kruise", "status", "03:09:00");
        assert!(led(&[ours]));
        assert!(led(&[("kubectl", "", "03:09:00"), ours, approved]));
        assert!(!led(&[("rollouts-engine", "status", "03:00:00")]));
        assert!(!led(&[("rollouts-engine", "", "03:09:00")]));
        assert!(!led(&[ours, ("manager", "status", "01:00:00")]));
        assert!(!led(&[approved]));
        assert!(!led(&[]));
    }

    #[test]
    fn a_lease_is_held_until_it_runs_out() {
        let lease = |holder: &str| {
            json!({ "spec": {
            "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": "2026-11-21T03:00:00.000000Z" } })
        };
        let at = |text: &str| text.parse().unwrap();
        assert!(held(&lease("a"), at("2026-11-21T03:00:14Z")));
        assert!(!held(&lease("a"), at("2026-11-21T03:00:15Z")));
        assert!(!held(&lease(""), at("2026-11-21T03:00:01Z")));
        assert!(!held(&json!({}), at("2026-11-21T03:00:01Z")));
    }

    #[test]
    fn owners_are_known_by_uid() {
        let rollout = json!({ "metadata": { "uid": "u1" } });
        let owned = |uid: &str| json!({ "metadata": { "ownerReferences": [{ "uid": uid }] } });
        assert!(owned_by(&owned("u1"), &rollout));
        assert!(!owned_by(&owned("u2"), &rollout));
        assert!(!owned_by(&json!({}), &rollout));
    }
}
