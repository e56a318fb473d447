//! Whether the nodes take the new pods.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{
    Blocker, Evidence, Ground, Id, Weight,
    limits::{Amounts, Defaults, PodAmounts, amounts, shown},
    name_of, text,
};
use crate::workload::{
    Kind, edit,
    toleration::{daemon_tolerates, tolerates},
};

/// Why a node takes no pod.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Out {
    Cordoned,
    NotReady,
    /// The template asks for a label that it has not.
    Label(String),
    /// The template does not tolerate a taint.
    Taint(String),
    /// It has less of it than one pod asks for.
    TooLittle(String),
}

impl Out {
    /// Whether the template itself keeps its pods away. A node of another size may come, or one of these back.
    fn is_by_template(&self) -> bool {
        matches!(self, Self::Label(_) | Self::Taint(_))
    }
}

impl fmt::Display for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cordoned => f.write_str("cordoned"),
            Self::NotReady => f.write_str("not ready"),
            Self::Label(label) => write!(f, "without label {label}"),
            Self::Taint(key) => write!(f, "tainted {key}"),
            Self::TooLittle(resource) => write!(f, "too little {resource}"),
        }
    }
}

/// Why a node takes none of these pods; nothing when they may run there as far as it can be told. Pods that belong on each node
/// are made where others are not.
fn lacks(spec: &Value, needs: &Amounts, node: &Value, is_per_node: bool) -> Option<Out> {
    if node["spec"]["unschedulable"] == true && !is_per_node {
        return Some(Out::Cordoned);
    }
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    if conditions.any(|condition| condition["type"] == "Ready" && condition["status"] != "True")
        && !is_per_node
    {
        return Some(Out::NotReady);
    }
    let labels = &node["metadata"]["labels"];
    let selector = spec["nodeSelector"].as_object().into_iter().flatten();
    for (key, wanted) in selector {
        if labels[key] != *wanted {
            return Some(Out::Label(format!("{key}={}", text(wanted))));
        }
    }
    for taint in node["spec"]["taints"].as_array().into_iter().flatten() {
        let is_borne = if is_per_node {
            daemon_tolerates(spec, taint)
        } else {
            tolerates(spec, taint)
        };
        if matches!(taint["effect"].as_str(), Some("NoSchedule" | "NoExecute")) && !is_borne {
            return Some(Out::Taint(text(&taint["key"])));
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
        .map(|(resource, _)| Out::TooLittle(resource.clone()))
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
    let is_per_node = ground
        .workload
        .and_then(edit::kind_of)
        .is_some_and(Kind::is_per_node);
    let judged: Vec<(&Value, Option<Out>)> = nodes
        .iter()
        .map(|node| (*node, lacks(spec, &needs, node, is_per_node)))
        .collect();
    let fitting: Vec<&Value> = judged
        .iter()
        .filter(|(_, why)| why.is_none())
        .map(|(node, _)| *node)
        .collect();
    let command = "kubectl describe nodes".to_owned();
    if fitting.is_empty() {
        let whys = || judged.iter().filter_map(|(_, why)| why.as_ref());
        let mut reasons = BTreeMap::<String, usize>::new();
        for why in whys() {
            *reasons.entry(why.to_string()).or_default() += 1;
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
                why.as_ref().map_or_else(String::new, ToString::to_string),
            )
        });
        // A node of another size may come, and one that is away come back.
        let weight = if whys().all(Out::is_by_template) {
            Weight::Blocks
        } else {
            Weight::Risk
        };
        found.push(Blocker::new(
            Id::NoNodeFits,
            weight,
            message,
            evidence.collect(),
            command,
        ));
        return;
    }
    let Some(pods) = ground.everywhere else {
        return;
    };
    if fitting
        .iter()
        .any(|node| !node["status"]["allocatable"].is_object())
    {
        return;
    }
    let free: Vec<Amounts> = fitting.iter().map(|node| free(node, pods)).collect();
    let (message, told) = match too_many(ground, &free, &needs) {
        Some(message) => (message, Told::Pods),
        None => match too_large(ground, &free, &needs) {
            Some((message, resource)) => (message, Told::Amount(resource)),
            None => return,
        },
    };
    let evidence = fitting.iter().zip(&free).take(3).map(|(node, free)| {
        let what = match &told {
            Told::Pods => format!("room for {} new pods", fits(free, &needs)),
            Told::Amount(resource) => {
                let amount = free.get(resource).copied().unwrap_or_default();
                format!("{} {resource} free", shown(amount.max(0)))
            }
        };
        let field = "allocatable less what its pods request";
        Evidence::new(format!("node/{}", name_of(node)), field, what)
    });
    // A pod that waits for room is how a node comes where clusters grow by themselves.
    found.push(Blocker::new(
        Id::NodeCapacity,
        Weight::Risk,
        message,
        evidence.collect(),
        command,
    ));
}

/// What is told of each node.
enum Told {
    /// How many pods find room.
    Pods,
    /// How much of it is free.
    Amount(String),
}

/// The pods that are added find no room.
fn too_many(ground: &Ground<'_>, free: &[Amounts], needs: &Amounts) -> Option<String> {
    let added = i64::from(ground.added());
    let room: i64 = free.iter().map(|free| fits(free, needs)).sum();
    (room < added).then(|| {
        format!(
            "the release has {added} pods more than now at one time, and {} nodes have room for {room} of them",
            free.len()
        )
    })
}

/// The pods that take the places of smaller ones find no room: what they need of it, and of what.
fn too_large(ground: &Ground<'_>, free: &[Amounts], needs: &Amounts) -> Option<(String, String)> {
    let old = PodAmounts::of(ground.old_template?, &Defaults::of(ground)).requests;
    needs.iter().find_map(|(resource, new)| {
        let before = old.get(resource).copied().unwrap_or_default();
        let needed = ground.needed(*new, before);
        let room: i128 = free
            .iter()
            .map(|free| free.get(resource).copied().unwrap_or_default().max(0))
            .sum();
        (*new > before && needed > room).then(|| {
            let message = format!(
                "the pods of the release request {} {resource} more at one time than now, and {} nodes have {} left",
                shown(needed),
                free.len(),
                shown(room)
            );
            (message, resource.clone())
        })
    })
}

/// What the pods on a node leave of it.
fn free(node: &Value, pods: &[Value]) -> Amounts {
    let mut free = amounts(&node["status"]["allocatable"]);
    let one = one_pod();
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
    free
}

/// A pod takes one place of those that a node has.
fn one_pod() -> Amounts {
    amounts(&serde_json::json!({ "pods": "1" }))
}

/// How many pods with these needs find room in what is free.
fn fits(free: &Amounts, needs: &Amounts) -> i64 {
    let fit = needs
        .iter()
        .chain(&one_pod())
        .filter(|(_, needed)| **needed > 0)
        .filter_map(|(resource, needed)| free.get(resource).map(|free| (*free).max(0) / needed))
        .min();
    // Nothing that is counted is needed: then nothing is in the way.
    fit.map_or(i64::from(i32::MAX), |fit| i64::try_from(fit).unwrap_or(i64::MAX))
}
