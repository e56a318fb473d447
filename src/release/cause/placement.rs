//! Pods that no node takes, and nodes that are not there for their pods.

use serde_json::Value;

use super::{
    Cause, Evidence, Scene,
    scene::{condition, text},
};

/// Why the scheduler does not place a pod.
pub(super) fn unscheduled(pod: &Value, title: &str) -> Option<(Cause, Evidence)> {
    let scheduled = condition(&pod["status"], "PodScheduled")?;
    if scheduled["status"] != "False" {
        return None;
    }
    let message = text(&scheduled["message"]);
    if text(&scheduled["reason"]) == "SchedulingGated" {
        let gates = pod["spec"]["schedulingGates"].as_array().into_iter().flatten();
        let names: Vec<&str> = gates.map(|gate| text(&gate["name"])).collect();
        let cause = Cause::Unschedulable {
            nodes: 0,
            reasons: vec![(0, format!("scheduling gate {}", names.join(", ")))],
        };
        return Some((
            cause,
            Evidence::new(title, "spec.schedulingGates", names.join(", ")),
        ));
    }
    let evidence = Evidence::new(title, "status.conditions[PodScheduled].message", message);
    Some((parsed(message), evidence))
}

/// The scheduler's sentence: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}. preemption: ...`
pub(super) fn parsed(message: &str) -> Cause {
    let (head, rest) = message
        .split_once(" nodes are available")
        .unwrap_or(("", message));
    let nodes = head
        .rsplit_once('/')
        .and_then(|(_, total)| total.trim().parse().ok())
        .unwrap_or(0);
    let rest = rest.trim_start_matches([':', ' ', '.']);
    let rest = rest.split(" preemption: ").next().unwrap_or_default();
    let rest = rest
        .split(" no new claims")
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches('.');
    let mut reasons: Vec<(i64, String)> = Vec::new();
    for part in split(rest) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        let (count, why) = match part.split_once(' ') {
            Some((digits, why)) if digits.chars().all(|c| c.is_ascii_digit()) => {
                (digits.parse().unwrap_or(0), why)
            }
            _ => (0, part),
        };
        reasons.push((count, worded(why)));
    }
    // The scheduler sorts by text; what keeps most nodes out comes first here.
    reasons.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Cause::Unschedulable { nodes, reasons }
}

/// Splits at the commas that separate reasons: those inside of braces belong to a taint.
fn split(text: &str) -> Vec<String> {
    let (mut depth, mut parts, mut part) = (0i32, Vec::new(), String::new());
    for c in text.chars() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

fn worded(why: &str) -> String {
    let known = [
        ("node(s) had untolerated taint ", "with taint "),
        (
            "node(s) had untolerated taint(s)",
            "with taints that are not tolerated",
        ),
        (
            "node(s) didn't match Pod's node affinity/selector",
            "without a label that it asks for (nodeSelector or affinity)",
        ),
        (
            "node(s) didn't match pod anti-affinity rules",
            "with a pod that it must not run beside (anti-affinity)",
        ),
        (
            "node(s) didn't match pod affinity rules",
            "without the pod that it must run beside (affinity)",
        ),
        (
            "node(s) didn't match pod topology spread constraints",
            "against the topology spread",
        ),
        ("node(s) were unschedulable", "cordoned"),
        (
            "node(s) had volume node affinity conflict",
            "out of reach of its volume",
        ),
        (
            "node(s) didn't have free ports for the requested pod ports",
            "with its host port taken",
        ),
        ("node(s) exceed max volume count", "with no room for its volumes"),
        (
            "pod has unbound immediate PersistentVolumeClaims",
            "its PersistentVolumeClaims are not bound",
        ),
    ];
    if let Some(resource) = why.strip_prefix("Insufficient ") {
        return format!("without enough {resource}");
    }
    if why == "Too many pods" {
        return "full of pods".to_owned();
    }
    for (theirs, ours) in known {
        if let Some(rest) = why.strip_prefix(theirs) {
            return format!("{ours}{rest}");
        }
    }
    why.to_owned()
}

/// Whether a pod's node is there for it.
pub(super) fn node(scene: &Scene<'_>, pod: &Value) -> Option<(Cause, Evidence)> {
    let name = text(&pod["spec"]["nodeName"]);
    let node = scene
        .sight
        .nodes
        .iter()
        .find(|node| !name.is_empty() && node["metadata"]["name"] == *name)?;
    let ready = condition(&node["status"], "Ready")?;
    (ready["status"] != "True").then(|| {
        let said = format!("{}: {}", text(&ready["status"]), text(&ready["message"]));
        let evidence = Evidence::new(format!("node/{name}"), "status.conditions[Ready].status", said);
        (
            Cause::NodeNotReady {
                node: name.to_owned(),
            },
            evidence,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::parsed;

    #[test]
    fn reads_the_schedulers_sentence() {
        let cases = [
            (
                "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint {gpu: true, x}. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
                "none of 5 nodes takes the pod: 3 with taint {gpu: true, x}, 2 without enough cpu",
            ),
            (
                "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/3 nodes are available",
                "none of 3 nodes takes the pod: 3 without a label that it asks for (nodeSelector or affinity)",
            ),
            (
                "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
                "none of 1 nodes takes the pod: its PersistentVolumeClaims are not bound",
            ),
            (
                "no nodes available to schedule pods",
                "no node takes the pod: no nodes available to schedule pods",
            ),
            ("", "no node takes the pod"),
        ];
        for (message, sentence) in cases {
            assert_eq!(parsed(message).to_string(), sentence, "{message}");
        }
    }
}
