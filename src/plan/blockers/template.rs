//! What the new pods need by name, and whether their Services select them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Blocker, Evidence, Ground, Id, Weight};

/// An object that a pod template names.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Reference {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The key of it that is needed; empty when all of it is.
    pub key: String,
    /// The field that names it, under the template.
    pub field: String,
}

/// What a pod template needs by name, without what it marks as optional.
#[must_use]
pub fn references(template: &Value) -> BTreeSet<Reference> {
    let spec = &template["spec"];
    let mut found = BTreeSet::new();
    let mut add = |kind: &'static str, named: &Value, key: &Value, field: String| {
        let name = named.as_str().unwrap_or_default();
        if !name.is_empty() {
            found.insert(Reference {
                kind,
                name: name.to_owned(),
                key: key.as_str().unwrap_or_default().to_owned(),
                field,
            });
        }
    };
    let none = Value::Null;
    for list in ["containers", "initContainers"] {
        for container in all(&spec[list]) {
            let name = container["name"].as_str().unwrap_or_default();
            for variable in all(&container["env"]) {
                let place = format!("spec.{list}[{name}].env[{}]", super::text(&variable["name"]));
                for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
                    let source = &variable["valueFrom"][field];
                    if is_needed(source) {
                        add(
                            kind,
                            &source["name"],
                            &source["key"],
                            format!("{place}.valueFrom.{field}"),
                        );
                    }
                }
            }
            for source in all(&container["envFrom"]) {
                for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                    if is_needed(&source[field]) {
                        add(
                            kind,
                            &source[field]["name"],
                            &none,
                            format!("spec.{list}[{name}].envFrom.{field}"),
                        );
                    }
                }
            }
        }
    }
    for volume in all(&spec["volumes"]) {
        let place = format!("spec.volumes[{}]", super::text(&volume["name"]));
        let projected = all(&volume["projected"]["sources"]);
        for source in std::iter::once(volume).chain(projected) {
            for (field, kind, name) in [
                ("configMap", "ConfigMap", "name"),
                ("secret", "Secret", "secretName"),
                ("secret", "Secret", "name"),
                ("persistentVolumeClaim", "PersistentVolumeClaim", "claimName"),
            ] {
                if is_needed(&source[field]) {
                    add(kind, &source[field][name], &none, format!("{place}.{field}"));
                }
            }
        }
    }
    add(
        "ServiceAccount",
        &spec["serviceAccountName"],
        &none,
        "spec.serviceAccountName".to_owned(),
    );
    found
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn is_needed(source: &Value) -> bool {
    source.is_object() && source["optional"] != true
}

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let Some(template) = ground.template() else { return };
    for reference in references(template) {
        let Reference {
            kind,
            name,
            key,
            field,
        } = &reference;
        // Every namespace has this account.
        if *kind == "ServiceAccount" && name == "default" {
            continue;
        }
        let lower = kind.to_lowercase();
        let message = match ground.named(kind, name) {
            None if ground.unread.contains(*kind) => continue,
            None => format!("the new pods need {lower}/{name}, which does not exist"),
            // Of a Secret no keys are read.
            Some(object) if *kind == "ConfigMap" && !key.is_empty() && lacks(object, key) => {
                format!("the new pods need key {key:?} of {lower}/{name}, which it does not have")
            }
            Some(_) => continue,
        };
        let evidence = vec![Evidence::new(
            ground.workload_title(),
            format!("spec.template.{field}"),
            name,
        )];
        let command = ground.look_at("get", kind, name);
        found.push(Blocker::new(
            Id::MissingReference,
            Weight::Blocks,
            message,
            evidence,
            command,
        ));
    }
    services(ground, template, found);
}

fn lacks(object: &Value, key: &str) -> bool {
    object["data"].get(key).is_none() && object["binaryData"].get(key).is_none()
}

fn services(ground: &Ground<'_>, template: &Value, found: &mut Vec<Blocker>) {
    let labels = &template["metadata"]["labels"];
    for routing in ground.rollout.spec.strategy.traffic_routings() {
        let Some(service) = ground.named("Service", &routing.service) else {
            continue;
        };
        let selector = service["spec"]["selector"].as_object();
        for (key, wanted) in selector.into_iter().flatten() {
            // What a release adds to the selector, each version's pods get from their controllers.
            if key == crate::api::keys::POD_TEMPLATE_HASH
                || key == "controller-revision-hash"
                || labels[key] == *wanted
            {
                continue;
            }
            let seen = if labels[key].is_null() {
                "none".to_owned()
            } else {
                super::text(&labels[key])
            };
            let message = format!(
                "service/{} selects pods with label {key}={}, and the new pods have {seen}: no request would reach them",
                routing.service,
                super::text(wanted)
            );
            let title = format!("service/{}", routing.service);
            let evidence = vec![
                Evidence::new(title, format!("spec.selector[{key}]"), super::text(wanted)),
                Evidence::new(
                    ground.workload_title(),
                    format!("spec.template.metadata.labels[{key}]"),
                    seen,
                ),
            ];
            let command = ground.look_at("get", "service", &format!("{} -o yaml", routing.service));
            found.push(Blocker::new(
                Id::ServiceSelectsNothing,
                Weight::Blocks,
                message,
                evidence,
                command,
            ));
        }
    }
}
