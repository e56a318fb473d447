//! Endpoints and EndpointSlices of Services, from the pods they select.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::object::{Object, seconds};
use crate::sim::resource::{ENDPOINT_SLICES, ENDPOINTS, KindId, PODS, SERVICES};
use crate::sim::selector::LabelSelector;
use crate::sim::store::{Name, Store};

/// Looks at the Services of every namespace.
pub(in crate::sim) fn reconcile_all(store: &mut Store, now: Timestamp) {
    let mut namespaces: Vec<String> = store
        .collection(SERVICES)
        .objects
        .keys()
        .map(|name| name.namespace.to_string())
        .collect();
    namespaces.dedup();
    for namespace in namespaces {
        reconcile(store, &namespace, now);
    }
}

/// Looks at the Services of a namespace.
pub(super) fn reconcile(store: &mut Store, namespace: &str, now: Timestamp) {
    let services: Vec<Object> = store
        .collection(SERVICES)
        .within(Some(namespace))
        .map(|(_, service)| service.clone())
        .collect();
    for service in services {
        let Some(selector) = service.spec_at("/selector").map(LabelSelector::from_map) else {
            continue;
        };
        if selector.is_empty() || service.deleting() {
            continue;
        }
        let pods: Vec<Object> = store
            .collection(PODS)
            .within(Some(namespace))
            .map(|(_, pod)| pod)
            .filter(|pod| !pod.pod.ended && selector.matches(pod.meta.get("labels")))
            .filter(|pod| pod.status_at("/podIP").is_some())
            .cloned()
            .collect();
        let ports = ports(&service, pods.first());
        put(
            store,
            ENDPOINTS,
            &service,
            service.name(),
            endpoints(&pods, &ports),
            now,
        );
        let slice = format!("{}-slice", service.name());
        put(
            store,
            ENDPOINT_SLICES,
            &service,
            &slice,
            slices(&pods, &ports),
            now,
        );
    }
}

/// The ports that endpoints listen on; a target given by name is looked up in the first pod.
fn ports(service: &Object, pod: Option<&Object>) -> Vec<Value> {
    let number = |target: &Value, port: &Value| -> Value {
        let Some(name) = target.as_str() else {
            return if target.is_null() {
                port.clone()
            } else {
                target.clone()
            };
        };
        let containers = pod
            .and_then(|p| p.spec_at("/containers"))
            .and_then(Value::as_array);
        let mut all = containers
            .into_iter()
            .flatten()
            .filter_map(|c| c["ports"].as_array())
            .flatten();
        all.find(|p| p["name"] == name)
            .map_or_else(|| port.clone(), |p| p["containerPort"].clone())
    };
    let list = service.spec_at("/ports").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|port| {
            let mut entry =
                json!({"port": number(&port["targetPort"], &port["port"]), "protocol": port["protocol"]});
            if let Some(name) = port.get("name") {
                entry["name"] = name.clone();
            }
            entry
        })
        .collect()
}

fn target(pod: &Object) -> Value {
    json!({"kind": "Pod", "name": pod.name(), "namespace": pod.namespace(), "uid": pod.uid()})
}

fn endpoints(pods: &[Object], ports: &[Value]) -> Value {
    let side = |ready: bool| -> Vec<Value> {
        let chosen = pods.iter().filter(|p| !p.pod.deleting && p.pod.ready == ready);
        chosen
            .map(|p| json!({"ip": p.status_at("/podIP"), "nodeName": p.spec_at("/nodeName"), "targetRef": target(p)}))
            .collect()
    };
    let (ready, not_ready) = (side(true), side(false));
    if ready.is_empty() && not_ready.is_empty() {
        return json!({});
    }
    let mut subset = json!({"ports": ports});
    for (field, list) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
        if !list.is_empty() {
            subset[field] = json!(list);
        }
    }
    json!({"subsets": [subset]})
}

fn slices(pods: &[Object], ports: &[Value]) -> Value {
    let all: Vec<Value> = pods
        .iter()
        .map(|p| {
            let ready = p.pod.ready && !p.pod.deleting;
            json!({"addresses": [p.status_at("/podIP")], "nodeName": p.spec_at("/nodeName"), "targetRef": target(p),
                   "conditions": {"ready": ready, "serving": p.pod.ready, "terminating": p.pod.deleting}})
        })
        .collect();
    json!({"addressType": "IPv4", "endpoints": all, "ports": ports})
}

/// Writes one of the two objects if it differs.
fn put(store: &mut Store, kind: KindId, service: &Object, name: &str, content: Value, now: Timestamp) {
    let place = Name::new(service.namespace(), name);
    let fresh = Object::from_value(content);
    if let Some(known) = store.get(kind, &place) {
        let mut known = known.clone();
        known.rest = fresh.rest;
        store.replace(kind, known);
        return;
    }
    let uid = store.next_uid();
    let meta = json!({
        "name": name, "namespace": service.namespace(), "uid": uid, "creationTimestamp": seconds(now),
        "labels": {"kubernetes.io/service-name": service.name()},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": service.name(), "uid": service.uid(),
                             "controller": true, "blockOwnerDeletion": true}],
    });
    let Value::Object(meta) = meta else { return };
    store.insert(
        kind,
        Object {
            meta: Arc::new(meta),
            ..fresh
        },
    );
}
