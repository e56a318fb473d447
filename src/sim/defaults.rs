//! The defaults that the API server writes into objects of the kinds that releases touch.

mod kruise;

use serde_json::{Map, Value, json};

use super::resource::{KRUISE, Resource};
use super::schema;

/// Fills in what a real API server would; also removes nulls and the empty values it never stores.
pub(super) fn fill(resource: &Resource, object: &mut Value) {
    tidy(object);
    if let Some(structure) = &resource.schema {
        for (field, inner) in structure
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if let Some(value) = object.get_mut(field)
                && !matches!(field.as_str(), "metadata" | "apiVersion" | "kind")
            {
                schema::shape(value, inner);
            }
        }
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "ReplicaSet") => {
            default(object, "/spec", "replicas", json!(1));
            template(object);
        }
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        (KRUISE, "CloneSet") => kruise::clone_set(object),
        (KRUISE, "StatefulSet") => kruise::stateful_set(object),
        (KRUISE, "DaemonSet") => kruise::daemon_set(object),
        ("autoscaling", "HorizontalPodAutoscaler") => default(object, "/spec", "minReplicas", json!(1)),
        ("", "Pod") => {
            if let Some(spec) = object.get_mut("spec") {
                pod(spec);
                default_field(spec, "enableServiceLinks", json!(true));
            }
            default(object, "", "status", json!({"phase": "Pending"}));
        }
        ("", "Service") => service(object),
        ("", "Namespace") => {
            default(object, "", "spec", json!({"finalizers": ["kubernetes"]}));
            default(object, "", "status", json!({"phase": "Active"}));
        }
        ("", "Secret") => default(object, "", "type", json!("Opaque")),
        ("rollouts.kruise.io", "Rollout") => rollout(object),
        _ => {}
    }
}

/// Removes nulls and the empty values of metadata that are never stored.
pub(super) fn tidy(object: &mut Value) {
    drop_nulls(object);
    tidy_metadata(object);
}

fn default(object: &mut Value, at: &str, field: &str, value: Value) {
    if let Some(parent) = object.pointer_mut(at) {
        default_field(parent, field, value);
    }
}

fn default_field(parent: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = parent {
        fields.entry(field.to_owned()).or_insert(value);
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, v| !v.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn drop_if_empty(fields: &mut Map<String, Value>, field: &str) {
    let empty = match fields.get(field) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        Some(Value::String(text)) => text.is_empty(),
        _ => false,
    };
    if empty {
        fields.remove(field);
    }
}

fn tidy_metadata(object: &mut Value) {
    for at in ["/metadata", "/spec/template/metadata"] {
        if let Some(Value::Object(meta)) = object.pointer_mut(at) {
            for field in [
                "labels",
                "annotations",
                "finalizers",
                "ownerReferences",
                "generateName",
            ] {
                drop_if_empty(meta, field);
            }
            meta.remove("managedFields");
        }
    }
}

fn deployment(object: &mut Value) {
    default(object, "/spec", "replicas", json!(1));
    default(object, "/spec", "revisionHistoryLimit", json!(10));
    default(object, "/spec", "progressDeadlineSeconds", json!(600));
    default(object, "/spec", "strategy", json!({}));
    default(object, "/spec/strategy", "type", json!("RollingUpdate"));
    if object
        .pointer("/spec/strategy/type")
        .is_some_and(|t| t == "RollingUpdate")
    {
        default(object, "/spec/strategy", "rollingUpdate", json!({}));
        default(object, "/spec/strategy/rollingUpdate", "maxSurge", json!("25%"));
        default(
            object,
            "/spec/strategy/rollingUpdate",
            "maxUnavailable",
            json!("25%"),
        );
    }
    drop_unset(object, [("paused", json!(false)), ("minReadySeconds", json!(0))]);
    template(object);
}

/// Whether a workload updates its pods by itself, as it does when nothing else is said.
fn rolls(object: &Value) -> bool {
    object
        .pointer("/spec/updateStrategy/type")
        .is_some_and(|t| t == "RollingUpdate")
}

/// Removes fields of the spec that say what their absence says; they are never sent.
fn drop_unset<const N: usize>(object: &mut Value, unset: [(&str, Value); N]) {
    if let Some(Value::Object(spec)) = object.get_mut("spec") {
        for (field, value) in unset {
            if spec.get(field) == Some(&value) {
                spec.remove(field);
            }
        }
    }
}

fn stateful_set(object: &mut Value) {
    let retention = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
    for (field, value) in [
        ("replicas", json!(1)),
        ("revisionHistoryLimit", json!(10)),
        ("podManagementPolicy", json!("OrderedReady")),
        ("updateStrategy", json!({})),
        ("persistentVolumeClaimRetentionPolicy", retention),
        ("serviceName", json!("")),
    ] {
        default(object, "/spec", field, value);
    }
    default(object, "/spec/updateStrategy", "type", json!("RollingUpdate"));
    if rolls(object) {
        default(object, "/spec/updateStrategy", "rollingUpdate", json!({}));
        default(
            object,
            "/spec/updateStrategy/rollingUpdate",
            "partition",
            json!(0),
        );
    }
    drop_unset(object, [("minReadySeconds", json!(0))]);
    template(object);
}

fn daemon_set(object: &mut Value) {
    default(object, "/spec", "revisionHistoryLimit", json!(10));
    default(object, "/spec", "updateStrategy", json!({}));
    default(object, "/spec/updateStrategy", "type", json!("RollingUpdate"));
    if rolls(object) {
        let rolling = "/spec/updateStrategy/rollingUpdate";
        default(object, "/spec/updateStrategy", "rollingUpdate", json!({}));
        default(object, rolling, "maxUnavailable", json!(1));
        default(object, rolling, "maxSurge", json!(0));
    }
    drop_unset(object, [("minReadySeconds", json!(0))]);
    template(object);
}

fn template(object: &mut Value) {
    default(object, "/spec/template", "metadata", json!({}));
    if let Some(Value::Object(meta)) = object.pointer_mut("/spec/template/metadata") {
        meta.remove("creationTimestamp");
    }
    if let Some(spec) = object.pointer_mut("/spec/template/spec") {
        pod(spec);
    }
}

fn pod(spec: &mut Value) {
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
    ] {
        default_field(spec, field, value);
    }
    if let Some(name) = spec.get("serviceAccountName").cloned() {
        default_field(spec, "serviceAccount", name);
    }
    for list in ["containers", "initContainers"] {
        for one in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            container(one);
        }
    }
    for volume in spec
        .get_mut("volumes")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source) {
                default_field(source, "defaultMode", json!(420));
            }
        }
    }
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let base = image.rsplit('/').next().unwrap_or(image);
    let latest = !base.contains(['@', ':']) || base.ends_with(":latest");
    default_field(
        container,
        "imagePullPolicy",
        json!(if latest { "Always" } else { "IfNotPresent" }),
    );
    default_field(container, "resources", json!({}));
    default_field(container, "terminationMessagePath", json!("/dev/termination-log"));
    default_field(container, "terminationMessagePolicy", json!("File"));
    for port in container
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        default_field(port, "protocol", json!("TCP"));
    }
    for variable in container
        .get_mut("env")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            default_field(field, "apiVersion", json!("v1"));
        }
        if let Value::Object(variable) = variable {
            drop_if_empty(variable, "value");
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            for (field, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                default_field(probe, field, json!(value));
            }
            if let Some(get) = probe.get_mut("httpGet") {
                default_field(get, "path", json!("/"));
                default_field(get, "scheme", json!("HTTP"));
            }
        }
    }
}

fn service(object: &mut Value) {
    for (field, value) in [
        ("type", json!("ClusterIP")),
        ("sessionAffinity", json!("None")),
        ("internalTrafficPolicy", json!("Cluster")),
        ("ipFamilies", json!(["IPv4"])),
        ("ipFamilyPolicy", json!("SingleStack")),
    ] {
        default(object, "/spec", field, value);
    }
    for port in object
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        default_field(port, "protocol", json!("TCP"));
        if let Some(number) = port.get("port").cloned() {
            default_field(port, "targetPort", number);
        }
    }
    default(object, "", "status", json!({"loadBalancer": {}}));
}

/// The defaults of upstream's CRD, in case the schema at hand leaves them out.
fn rollout(object: &mut Value) {
    default(object, "/spec", "disabled", json!(false));
    for style in ["canary", "blueGreen"] {
        let at = format!("/spec/strategy/{style}/trafficRoutings");
        for routing in object
            .pointer_mut(&at)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            default_field(routing, "gracePeriodSeconds", json!(3));
        }
    }
}
