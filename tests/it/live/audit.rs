//! Who wrote what, from the API server's audit log.

use std::collections::BTreeMap;

use serde_json::Value;

use super::control_plane::ControlPlane;

/// Mutating requests in a namespace, counted by user agent and field manager; those of Kubernetes' own controllers,
/// Leases and Events left out.
pub(crate) fn writes(plane: &ControlPlane, namespace: &str) -> BTreeMap<String, usize> {
    let log = std::fs::read_to_string(plane.folder().join("audit.log")).unwrap();
    let mut counts = BTreeMap::new();
    for entry in log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        if let Some(writer) = writer(&entry, namespace) {
            *counts.entry(writer).or_default() += 1;
        }
    }
    counts
}

fn writer(entry: &Value, namespace: &str) -> Option<String> {
    let place = &entry["objectRef"];
    let verb = entry["verb"].as_str()?;
    let ours = place["namespace"] == namespace && !["get", "list", "watch"].contains(&verb);
    if !ours || ["leases", "events"].contains(&place["resource"].as_str()?) {
        return None;
    }
    let agent = entry["userAgent"].as_str().unwrap_or_default();
    if agent.starts_with("kube-") || agent.starts_with("kwok") {
        return None;
    }
    let manager = entry["requestURI"]
        .as_str()?
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("fieldManager="));
    Some(manager.map_or_else(|| agent.to_owned(), |manager| format!("{agent} as {manager}")))
}
