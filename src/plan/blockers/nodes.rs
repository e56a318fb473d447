//! Whether the nodes take the new pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Blocker, Evidence, Ground, Id, Weight,
    limits::{Amounts, Defaults, PodAmounts, amounts},
    name_of, text,
};

/// What a pod needs that a node lacks, in a few words; nothing when it may run there as far as it can be told.
fn lacks(spec: &Value, needs: &Amounts, node: &Value) -> Option<String> {
    if node["spec"]["unschedulable"] == true {
        return Some("cordoned".to_owned());
    }
    let ready = node["status"]["conditions"].as_array().into_iter().flatten();
    if ready
        .clone()
        .any(|condition| condition["type"] == "Ready" && condition["status"] != "True")
    {
        return Some("not ready".to_owned());
    }
    let labels = &node["metadata"]["labels"];
    let selector = spec["nodeSelector"].as_object().into_iter().flatten();
    for (key, wanted) in selector {
        if labels[key] != *wanted {
            return Some(format!("without label {key}={}", text(wanted)));
        }
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        if matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute")) && !is_tolerated(spec, taint)
        {
            return Some(format!("tainted {}", text(&taint["key"])));
        }
    }
    let has = amounts(&node["status"]["allocatable"]);
    // A node that says nothing of what it has is taken for large.
    if has.is_empty() {
        return None;
    }
    needs
        .iter()
        .find(|(resource, needed)| **needed > has.get(*resource).copied().unwrap_or_default())
        .map(|(resource, _)| format!("too little {resource}"))
}

fn is_tolerated(spec: &Value, taint: &Value) -> bool {
    spec["tolerations"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|toleration| {
            let all_keys = toleration["key"].as_str().unwrap_or_default().is_empty();
            let exists = toleration["operator"] == "Exists";
            let key = toleration["key"] == taint["key"] || (all_keys && exists);
            let value = exists || text(&toleration["value"]) == text(&taint["value"]);
            let effect = toleration["effect"].as_str().unwrap_or_default();
            key && value && (effect.is_empty() || taint["effect"] == effect)
        })
}

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let Some(template) = ground.template() else { return };
    let nodes: Vec<&Value> = ground
        .objects
        .iter()
        .filter(|object| object["kind"] == "Node")
        .collect();
    if nodes.is_empty() || ground.unread.contains("Node") {
        return;
    }
    let spec = &template["spec"];
    let needs = PodAmounts::of(template, &Defaults::of(ground)).requests;
    let judged: Vec<(&Value, Option<String>)> = nodes
        .iter()
        .map(|node| (*node, lacks(spec, &needs, node)))
        .collect();
    let fitting: Vec<&Value> = judged
        .iter()
        .filter(|(_, why)| why.is_none())
        .map(|(node, _)| *node)
        .collect();
    let command = "kubectl describe nodes".to_owned();
    if fitting.is_empty() {
        let mut reasons = BTreeMap::<&str, usize>::new();
        for (_, why) in &judged {
            *reasons.entry(why.as_deref().unwrap_or_default()).or_default() += 1;
        }
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(why, count)| format!("{count} {why}"))
            .collect();
        let message = format!(
            "no node takes a new pod: {} of {} nodes are out ({})",
            judged.len(),
            nodes.len(),
            reasons.join(", ")
        );
        let evidence = judged.iter().take(3).map(|(node, why)| {
            Evidence::new(
                format!("node/{}", name_of(node)),
                "spec and status.allocatable",
                why.as_deref().unwrap_or_default(),
            )
        });
        found.push(Blocker::new(
            Id::NoNodeFits,
            Weight::Blocks,
            message,
            evidence.collect(),
            command,
        ));
        return;
    }
    let (Some(pods), added) = (ground.everywhere, i64::from(ground.added())) else {
        return;
    };
    if added == 0
        || fitting
            .iter()
            .any(|node| !node["status"]["allocatable"].is_object())
    {
        return;
    }
    let mut room = 0;
    let mut evidence = Vec::new();
    for node in &fitting {
        let fits = fits(node, pods, &needs);
        room += fits;
        if evidence.len() < 3 {
            evidence.push(Evidence::new(
                format!("node/{}", name_of(node)),
                "allocatable less what its pods request",
                format!("room for {fits} new pods"),
            ));
        }
    }
    if room < added {
        let message = format!(
            "the release has {added} pods more than now at one time, and {} nodes have room for {room} of them",
            fitting.len()
        );
        found.push(Blocker::new(
            Id::NodeCapacity,
            Weight::Blocks,
            message,
            evidence,
            command,
        ));
    }
}

/// How many pods with these needs find room beside what is there.
fn fits(node: &Value, pods: &[Value], needs: &Amounts) -> i64 {
    let mut free = amounts(&node["status"]["allocatable"]);
    let one = amounts(&serde_json::json!({ "pods": "1" }));
    let name = name_of(node);
    let running = pods.iter().filter(|pod| {
        pod["spec"]["nodeName"] == name
            && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    });
    for pod in running {
        let taken = PodAmounts::of(pod, &Defaults::default()).requests;
        for (resource, amount) in taken.iter().chain(&one) {
            if let Some(free) = free.get_mut(resource) {
                *free -= amount;
            }
        }
    }
    let fit = needs
        .iter()
        .chain(&one)
        .filter(|(_, needed)| **needed > 0)
        .filter_map(|(resource, needed)| free.get(resource).map(|free| (*free).max(0) / needed))
        .min();
    // Nothing that is counted is needed: then nothing is in the way.
    fit.map_or(i64::from(i32::MAX), |fit| i64::try_from(fit).unwrap_or(i64::MAX))
}
