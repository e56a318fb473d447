//! One engine per Rollout: a Lease that is taken before the first write and given back at rest.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::MicroTime};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::json;

use super::RolloutKey;
use crate::api::keys;

/// How long a Lease lasts after its last renewal.
pub(super) const DURATION: SignedDuration = SignedDuration::from_secs(15);
/// How old a Lease may grow before it is renewed.
pub(super) const RENEW_AFTER: SignedDuration = SignedDuration::from_secs(5);

/// A Lease that we hold.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) resource_version: String,
    pub(super) uid: String,
    pub(super) renewed: Timestamp,
}

/// Somebody else's Lease, and since when we see it unchanged. Only our own clock is trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Foreign {
    pub(super) holder: String,
    pub(super) resource_version: String,
    pub(super) seen: Timestamp,
    pub(super) lasts: SignedDuration,
}

/// Who has the Rollout.
pub(super) enum Claim {
    Ours(Held),
    Theirs(Foreign),
}

/// The name of a Rollout's Lease, in the Rollout's namespace.
#[must_use]
pub fn lease_name(rollout: &str) -> String {
    format!("rollout-{rollout}")
}

fn api(client: &Client, key: &RolloutKey) -> Api<Lease> {
    Api::namespaced(client.clone(), &key.namespace)
}

impl Held {
    fn from(lease: &Lease, now: Timestamp) -> Self {
        Self {
            resource_version: lease.metadata.resource_version.clone().unwrap_or_default(),
            uid: lease.metadata.uid.clone().unwrap_or_default(),
            renewed: now,
        }
    }

    /// Whether writes may rely on it.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        now.duration_since(self.renewed) < DURATION
    }

    /// Whether it should be renewed.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.duration_since(self.renewed) >= RENEW_AFTER
    }
}

/// Takes the Rollout's Lease, or says who has it. `known` is what was seen of somebody else's before.
///
/// # Errors
/// What the API server says; a conflict means that somebody was faster.
pub(super) async fn acquire(
    client: &Client,
    key: &RolloutKey,
    identity: &str,
    known: Option<&Foreign>,
    now: Timestamp,
) -> Result<Claim, kube::Error> {
    let api = api(client, key);
    let name = lease_name(&key.name);
    let spec = json!({
        "holderIdentity": identity,
        "leaseDurationSeconds": DURATION.as_secs(),
        "acquireTime": MicroTime(now),
        "renewTime": MicroTime(now),
    });
    let Some(lease) = api.get_opt(&name).await? else {
        let body = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name }, "spec": spec });
        let lease: Lease = serde_json::from_value(body).map_err(kube::Error::SerdeError)?;
        let params = PostParams {
            field_manager: Some(keys::FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        return Ok(Claim::Ours(Held::from(&api.create(&params, &lease).await?, now)));
    };
    let version = lease.metadata.resource_version.clone().unwrap_or_default();
    let holder = lease
        .spec
        .as_ref()
        .and_then(|spec| spec.holder_identity.clone())
        .unwrap_or_default();
    if !holder.is_empty() && holder != identity {
        let seconds = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds)
            .unwrap_or(0);
        let seen = known
            .filter(|known| known.holder == holder && known.resource_version == version)
            .map_or(now, |known| known.seen);
        let foreign = Foreign {
            holder,
            resource_version: version.clone(),
            seen,
            lasts: SignedDuration::from_secs(i64::from(seconds.max(1))),
        };
        if now.duration_since(foreign.seen) < foreign.lasts {
            return Ok(Claim::Theirs(foreign));
        }
    }
    let body = json!({ "metadata": { "resourceVersion": version, "uid": lease.metadata.uid }, "spec": spec });
    Ok(Claim::Ours(Held::from(&patch(&api, &name, &body).await?, now)))
}

/// Renews a Lease that we hold.
///
/// # Errors
/// What the API server says; a conflict or a missing Lease means that it was lost.
pub(super) async fn renew(
    client: &Client,
    key: &RolloutKey,
    held: &Held,
    now: Timestamp,
) -> Result<Held, kube::Error> {
    let body = json!({
        "metadata": { "resourceVersion": held.resource_version, "uid": held.uid },
        "spec": { "renewTime": MicroTime(now) },
    });
    Ok(Held::from(
        &patch(&api(client, key), &lease_name(&key.name), &body).await?,
        now,
    ))
}

/// Gives a Lease back. That it fails harms nobody: it ends by itself.
pub(super) async fn release(client: &Client, key: &RolloutKey, held: &Held) {
    let preconditions = Preconditions {
        uid: Some(held.uid.clone()),
        resource_version: Some(held.resource_version.clone()),
    };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        ..DeleteParams::default()
    };
    if let Err(error) = api(client, key).delete(&lease_name(&key.name), &params).await {
        tracing::debug!(%key, %error, "could not give the lease back");
    }
}

async fn patch(api: &Api<Lease>, name: &str, body: &serde_json::Value) -> Result<Lease, kube::Error> {
    let params = PatchParams {
        field_manager: Some(keys::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    api.patch(name, &params, &Patch::Merge(body)).await
}
