//! The defaults that the mutating webhooks of Kruise write into its workloads, pod templates included.
//!
//! Source of the values: the recorded releases of these kinds, and Kruise's defaulting of its API types.

use serde_json::{Value, json};

use super::{default, default_field, pod, rolls};

/// What all three share.
fn common(object: &mut Value) {
    default(object, "/spec", "revisionHistoryLimit", json!(10));
    default(object, "/spec", "updateStrategy", json!({}));
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        pod(spec);
    }
}

/// CloneSet.
pub(super) fn clone_set(object: &mut Value) {
    common(object);
    default(object, "/spec", "replicas", json!(1));
    default(object, "/spec", "scaleStrategy", json!({}));
    let Some(strategy) = object.pointer_mut("/spec/updateStrategy") else {
        return;
    };
    default_field(strategy, "type", json!("ReCreate"));
    if strategy["type"] != "ReCreate" {
        default_field(strategy, "inPlaceUpdateStrategy", json!({}));
    }
    for (field, value) in [
        ("partition", json!(0)),
        ("maxUnavailable", json!("20%")),
        ("maxSurge", json!(0)),
    ] {
        default_field(strategy, field, value);
    }
}

/// Advanced StatefulSet.
pub(super) fn stateful_set(object: &mut Value) {
    common(object);
    default(object, "/spec", "replicas", json!(1));
    default(object, "/spec", "podManagementPolicy", json!("OrderedReady"));
    let retention = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
    default(object, "/spec", "persistentVolumeClaimRetentionPolicy", retention);
    default(object, "/spec", "volumeClaimUpdateStrategy", json!({}));
    default(object, "/spec/updateStrategy", "type", json!("RollingUpdate"));
    if rolls(object) {
        default(object, "/spec/updateStrategy", "rollingUpdate", json!({}));
        for (field, value) in [
            ("partition", json!(0)),
            ("maxUnavailable", json!(1)),
            ("podUpdatePolicy", json!("ReCreate")),
            ("minReadySeconds", json!(0)),
        ] {
            default(object, "/spec/updateStrategy/rollingUpdate", field, value);
        }
    }
}

/// Advanced DaemonSet. The deprecated type Surging becomes Standard with a surge.
pub(super) fn daemon_set(object: &mut Value) {
    common(object);
    default(object, "/spec", "burstReplicas", json!(250));
    default(object, "/spec/updateStrategy", "type", json!("RollingUpdate"));
    if !rolls(object) {
        return;
    }
    default(object, "/spec/updateStrategy", "rollingUpdate", json!({}));
    let Some(rolling) = object.pointer_mut("/spec/updateStrategy/rollingUpdate") else {
        return;
    };
    if rolling["rollingUpdateType"] == "Surging" {
        default_field(rolling, "maxSurge", json!(1));
        default_field(rolling, "maxUnavailable", json!(0));
        rolling["rollingUpdateType"] = json!("Standard");
    }
    default_field(rolling, "rollingUpdateType", json!("Standard"));
    if rolling.get("maxUnavailable").is_none() && rolling.get("maxSurge").is_none() {
        default_field(rolling, "maxUnavailable", json!(1));
        default_field(rolling, "maxSurge", json!(0));
    }
}
