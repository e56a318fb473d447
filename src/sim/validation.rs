//! The rules of the API server that releases can run into.

use serde_json::Value;

use super::failure::Cause;
use super::resource::{KRUISE, Resource};
use super::schema;
use super::selector::LabelSelector;

/// Lists what is wrong with an object that is about to be stored; `old` is there on updates.
pub(super) fn causes(resource: &Resource, object: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if old.is_none() && !is_name(name, resource) {
        let shown = Value::from(name);
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                   and must start and end with an alphanumeric character";
        causes.push(Cause::invalid("metadata.name", &shown, why));
    }
    causes.extend(of_metadata(object));
    if let Some(structure) = &resource.schema {
        structural(object, structure, &mut causes);
    }
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | (KRUISE, "CloneSet" | "StatefulSet" | "DaemonSet") => {
            workload(resource, object, old, &mut causes);
            match (resource.group.as_str(), resource.kind.as_str()) {
                ("apps", "StatefulSet") => stateful_set(object, old, &mut causes),
                ("apps", "DaemonSet") => daemon_set(object, &mut causes),
                _ => {}
            }
        }
        ("", "Service") => service(object, &mut causes),
        ("networking.k8s.io", "Ingress") => ingress(object, &mut causes),
        ("", "Pod") => containers(object, "/spec", "spec", &mut causes),
        _ => {}
    }
    causes
}

/// Lists what is wrong with the metadata of an object that is there already.
pub(super) fn of_metadata(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    labels(object, "/metadata/labels", "metadata.labels", &mut causes);
    causes
}

fn is_name(name: &str, resource: &Resource) -> bool {
    let label = matches!(resource.kind.as_str(), "Service" | "Namespace");
    let longest = if label { 63 } else { 253 };
    let part = |part: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(part.chars().next())
            && edge(part.chars().last())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= longest
        && if label {
            part(name)
        } else {
            name.split('.').all(part)
        }
}

fn labels(object: &Value, at: &str, field: &str, causes: &mut Vec<Cause>) {
    for (key, value) in object
        .pointer(at)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let text = value.as_str().unwrap_or_default();
        let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
        let good = value.is_string()
            && text.len() <= 63
            && edge(text.chars().next())
            && edge(text.chars().last())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !good {
            let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                       and must start and end with an alphanumeric character";
            causes.push(Cause::invalid(format!("{field}[{key}]"), value, why));
        }
    }
}

fn structural(object: &Value, structure: &Value, causes: &mut Vec<Cause>) {
    for required in structure["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if object.get(required).is_none() {
            causes.push(Cause::required(required, ""));
        }
    }
    for (field, inner) in structure["properties"].as_object().into_iter().flatten() {
        if let Some(value) = object.get(field)
            && !matches!(field.as_str(), "metadata" | "apiVersion" | "kind")
        {
            schema::check(value, inner, field, causes);
        }
    }
}

fn workload(resource: &Resource, object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let Some(spec) = object.get("spec") else {
        causes.push(Cause::required("spec", ""));
        return;
    };
    let number = |field: &str, causes: &mut Vec<Cause>| {
        if let Some(value) = spec.get(field)
            && value.as_i64().is_none_or(|n| n < 0)
        {
            causes.push(Cause::invalid(
                format!("spec.{field}"),
                value,
                "must be greater than or equal to 0",
            ));
        }
    };
    number("replicas", causes);
    number("minReadySeconds", causes);
    number("revisionHistoryLimit", causes);
    number("progressDeadlineSeconds", causes);
    match spec.get("selector") {
        None => causes.push(Cause::required("spec.selector", "")),
        Some(selector) => {
            let labels = spec.pointer("/template/metadata/labels");
            if LabelSelector::from_spec(selector).is_empty() {
                let why = format!("empty selector is invalid for {}", resource.singular);
                causes.push(Cause::invalid("spec.selector", selector, &why));
            } else if !LabelSelector::from_spec(selector).matches(labels) {
                let shown = labels.cloned().unwrap_or(Value::Null);
                let why = "`selector` does not match template `labels`";
                causes.push(Cause::invalid("spec.template.metadata.labels", &shown, why));
            }
            if let Some(before) = old.and_then(|o| o.pointer("/spec/selector"))
                && before != selector
            {
                causes.push(Cause::invalid("spec.selector", selector, "field is immutable"));
            }
        }
    }
    labels(
        object,
        "/spec/template/metadata/labels",
        "spec.template.labels",
        causes,
    );
    containers(object, "/spec/template/spec", "spec.template.spec", causes);
    if let Some(rolling) = spec.pointer("/strategy/rollingUpdate") {
        let field = "spec.strategy.rollingUpdate";
        if spec.pointer("/strategy/type").is_some_and(|t| t == "Recreate") {
            causes.push(Cause {
                field: field.to_owned(),
                reason: "FieldValueForbidden",
                message: "Forbidden: may not be specified when strategy `type` is 'Recreate'".to_owned(),
            });
        } else if zero(&rolling["maxSurge"]) && zero(&rolling["maxUnavailable"]) {
            let why = "may not be 0 when `maxSurge` is 0";
            causes.push(Cause::invalid(
                format!("{field}.maxUnavailable"),
                &rolling["maxUnavailable"],
                why,
            ));
        }
    }
}

/// What a StatefulSet may still change once it exists; everything else is fixed.
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn stateful_set(object: &Value, old: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let rolling = spec.pointer("/updateStrategy/rollingUpdate");
    if let Some(rolling) = rolling {
        let field = "spec.updateStrategy.rollingUpdate";
        if spec["updateStrategy"]["type"] == "OnDelete" {
            let why = "only allowed for updateStrategy 'RollingUpdate'";
            causes.push(Cause::invalid(field, rolling, why));
        } else if rolling["partition"].as_i64().is_some_and(|n| n < 0) {
            causes.push(Cause::invalid(
                format!("{field}.partition"),
                &rolling["partition"],
                "must be greater than or equal to 0",
            ));
        }
    }
    let fixed = |spec: &Value| -> Vec<(String, Value)> {
        let fields = spec.as_object().into_iter().flatten();
        fields
            .filter(|(key, value)| !CHANGEABLE.contains(&key.as_str()) && *value != "")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    if let Some(old) = old
        && fixed(spec) != fixed(&old["spec"])
    {
        let (last, others) = CHANGEABLE.split_last().unwrap_or((&"", &[]));
        causes.push(Cause {
            field: "spec".to_owned(),
            reason: "FieldValueForbidden",
            message: format!(
                "Forbidden: updates to statefulset spec for fields other than '{}' and '{last}' are forbidden",
                others.join("', '")
            ),
        });
    }
}

fn daemon_set(object: &Value, causes: &mut Vec<Cause>) {
    let Some(rolling) = object.pointer("/spec/updateStrategy/rollingUpdate") else {
        return;
    };
    let field = "spec.updateStrategy.rollingUpdate";
    let set = |name: &str| rolling.get(name).is_some_and(|value| !zero(value));
    match (set("maxUnavailable"), set("maxSurge")) {
        (true, true) => {
            let why = "may not be set when maxUnavailable is non-zero";
            causes.push(Cause::invalid(
                format!("{field}.maxSurge"),
                &rolling["maxSurge"],
                why,
            ));
        }
        (false, false) => {
            let why = "cannot be 0 when maxSurge is 0";
            causes.push(Cause::required(format!("{field}.maxUnavailable"), why));
        }
        _ => {}
    }
}

fn zero(value: &Value) -> bool {
    value.as_i64() == Some(0) || value.as_str().is_some_and(|t| matches!(t, "0" | "0%"))
}

fn containers(object: &Value, at: &str, field: &str, causes: &mut Vec<Cause>) {
    let list = object
        .pointer(&format!("{at}/containers"))
        .and_then(Value::as_array);
    if list.is_none_or(Vec::is_empty) {
        causes.push(Cause::required(format!("{field}.containers"), ""));
    }
    let mut seen = Vec::new();
    for (index, container) in list.into_iter().flatten().enumerate() {
        let path = format!("{field}.containers[{index}]");
        match container["name"].as_str() {
            None | Some("") => causes.push(Cause::required(format!("{path}.name"), "")),
            Some(name) if seen.contains(&name) => causes.push(Cause {
                field: format!("{path}.name"),
                reason: "FieldValueDuplicate",
                message: format!("Duplicate value: \"{name}\""),
            }),
            Some(name) => seen.push(name),
        }
        if container["image"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{path}.image"), ""));
        }
    }
}

fn service(object: &Value, causes: &mut Vec<Cause>) {
    let ports = object.pointer("/spec/ports").and_then(Value::as_array);
    let headless = object.pointer("/spec/clusterIP").is_some_and(|ip| ip == "None");
    let external = object.pointer("/spec/type").is_some_and(|t| t == "ExternalName");
    if ports.is_none_or(Vec::is_empty) && !headless && !external {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.into_iter().flatten().enumerate() {
        if !port["port"].as_i64().is_some_and(|p| (1..=65535).contains(&p)) {
            let why = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(
                format!("spec.ports[{index}].port"),
                &port["port"],
                why,
            ));
        }
        if ports.is_some_and(|p| p.len() > 1) && port["name"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("spec.ports[{index}].name"), ""));
        }
    }
}

fn ingress(object: &Value, causes: &mut Vec<Cause>) {
    let rules = object.pointer("/spec/rules").and_then(Value::as_array);
    if rules.is_none_or(Vec::is_empty) && object.pointer("/spec/defaultBackend").is_none() {
        let shown = object.get("spec").cloned().unwrap_or(Value::Null);
        causes.push(Cause::invalid(
            "spec",
            &shown,
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let Some(http) = rule.get("http") else { continue };
        let paths = http["paths"].as_array();
        if paths.is_none_or(Vec::is_empty) {
            causes.push(Cause::required(format!("spec.rules[{index}].http.paths"), ""));
        }
        for (at, path) in paths.into_iter().flatten().enumerate() {
            let field = format!("spec.rules[{index}].http.paths[{at}]");
            if path.get("pathType").is_none() {
                causes.push(Cause::required(
                    format!("{field}.pathType"),
                    "pathType must be specified",
                ));
            }
            if path.pointer("/backend/service").is_none() && path.pointer("/backend/resource").is_none() {
                causes.push(Cause::required(format!("{field}.backend"), ""));
            }
        }
    }
}
