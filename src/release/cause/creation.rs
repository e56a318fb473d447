//! Why pods are not even created: quotas, limits, pod security, admission.

use std::collections::BTreeSet;

use super::{
    Cause, Evidence, Finding, Scene, redacted,
    scene::{condition, last_time, text, time},
};
use crate::api::keys;
use jiff::Timestamp;

pub(super) fn detect(scene: &Scene<'_>, found: &mut Vec<Finding>) {
    let mut told = BTreeSet::new();
    let mut add = |message: &str, since: Option<Timestamp>, blocks: bool, evidence: Evidence| {
        if let Some(cause) = classified(message)
            && told.insert(cause.to_string())
        {
            found.push(Finding::new(cause, blocks, since, vec![evidence]));
        }
    };
    for set in &scene.sight.sets {
        let lacks = set["spec"]["replicas"].as_i64() > set["status"]["replicas"].as_i64().or(Some(0));
        if let Some(failed) = condition(&set["status"], "ReplicaFailure")
            && failed["status"] == "True"
            && lacks
        {
            let title = format!("replicaset/{}", text(&set["metadata"]["name"]));
            let message = text(&failed["message"]);
            let stable =
                set["metadata"]["labels"][keys::POD_TEMPLATE_HASH] == *scene.position.stable_revision;
            let blocks = !(stable && scene.position.under_way());
            let evidence = Evidence::new(title, "status.conditions[ReplicaFailure].message", message);
            add(message, time(&failed["lastTransitionTime"]), blocks, evidence);
        }
    }
    // Other kinds have only their Events to tell it; those that have come to enough pods since are old news.
    let lacks = scene
        .versions
        .revisions
        .iter()
        .any(|revision| revision.current < revision.desired);
    let reference = &scene.rollout.spec.workload_ref;
    if !lacks {
        return;
    }
    let of_workload = scene
        .events_of(&reference.kind, &reference.name)
        .filter(|event| text(&event["reason"]).starts_with("FailedCreate"));
    if let Some(event) = of_workload.max_by_key(|event| last_time(event)) {
        let message = text(&event["message"]);
        let evidence = Evidence::new(scene.workload_title(), "event FailedCreate", message);
        add(message, last_time(event), true, evidence);
    }
}

/// What the refusal of a pod means.
pub(super) fn classified(message: &str) -> Option<Cause> {
    let message = redacted(message);
    let after = |marker: &str| message.split_once(marker).map(|(_, rest)| rest.trim());
    let word = |text: &str| {
        text.trim_matches(['"', ' '])
            .split(['"', ',', ' ', ':'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let short = |text: &str| {
        let line = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim()
            .trim_end_matches('.');
        line.chars().take(300).collect::<String>()
    };
    if message.is_empty() {
        return None;
    }
    if let Some(rest) = after("exceeded quota: ") {
        return Some(Cause::QuotaExceeded {
            quota: word(rest),
            detail: short(rest.split_once(", ").map_or(rest, |(_, detail)| detail)),
        });
    }
    if let Some(rest) = after("failed quota: ") {
        return Some(Cause::QuotaExceeded {
            quota: word(rest),
            detail: short(rest.split_once(": ").map_or(rest, |(_, detail)| detail)),
        });
    }
    if let Some(rest) = after("violates PodSecurity ") {
        return Some(Cause::PodSecurity { detail: short(rest) });
    }
    if let Some(rest) = after("failed calling webhook ") {
        return Some(Cause::AdmissionUnreachable { webhook: word(rest) });
    }
    if let Some(rest) = after("admission webhook ") {
        let detail = rest.split_once("denied the request").map_or("", |(_, rest)| rest);
        let detail = detail.trim_start_matches([':', ' ']);
        return Some(Cause::AdmissionDenied {
            by: format!("admission webhook {:?}", word(rest)),
            detail: short(if detail.is_empty() {
                "no reason given"
            } else {
                detail
            }),
        });
    }
    if let Some(rest) = after("ValidatingAdmissionPolicy ") {
        let name = word(rest.trim_start_matches('\''));
        let detail = rest
            .split_once("denied request: ")
            .map_or(rest, |(_, detail)| detail);
        return Some(Cause::AdmissionDenied {
            by: format!("ValidatingAdmissionPolicy {:?}", name.trim_matches('\'')),
            detail: short(detail),
        });
    }
    if message.contains("error looking up service account") || message.contains("serviceaccount \"") {
        let name = after("serviceaccount \"").map(word).unwrap_or_default();
        return Some(Cause::ServiceAccountMissing { name });
    }
    if ["maximum ", "minimum ", "max limit to request ratio"]
        .iter()
        .any(|m| message.contains(m))
        && (message.contains(" per Container") || message.contains(" per Pod"))
    {
        let detail = after("is forbidden: ").unwrap_or(&message);
        return Some(Cause::LimitRange {
            detail: short(detail),
        });
    }
    let detail = after("is forbidden: ")
        .or_else(|| after("Error creating: "))
        .unwrap_or(&message);
    Some(Cause::CreationFailed {
        detail: short(detail),
    })
}

#[cfg(test)]
mod tests {
    use super::classified;

    #[test]
    fn reads_refusals() {
        let cases = [
            (
                "pods \"web-1\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3",
                "QuotaExceeded",
                "pods cannot be created: quota \"compute\" is used up (requested: pods=1, used: pods=3, limited: pods=3)",
            ),
            (
                "pods \"web-1\" is forbidden: failed quota: compute: must specify limits.cpu for: main",
                "QuotaExceeded",
                "pods cannot be created: quota \"compute\" is used up (must specify limits.cpu for: main)",
            ),
            (
                "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": privileged (container \"main\")",
                "PodSecurity",
                "pods cannot be created: pod security forbids them (\"restricted:latest\": privileged (container \"main\"))",
            ),
            (
                "admission webhook \"images.acme.io\" denied the request: tag v2 is not signed",
                "AdmissionDenied",
                "pods cannot be created: admission webhook \"images.acme.io\" denies them (tag v2 is not signed)",
            ),
            (
                "pods \"web-1\" is forbidden: ValidatingAdmissionPolicy 'no-v2' with binding 'no-v2' denied request: v2 is not allowed",
                "AdmissionDenied",
                "pods cannot be created: ValidatingAdmissionPolicy \"no-v2\" denies them (v2 is not allowed)",
            ),
            (
                "Internal error occurred: failed calling webhook \"images.acme.io\": failed to call webhook: Post \"https://x\": EOF",
                "AdmissionUnreachable",
                "pods cannot be created: the admission webhook \"images.acme.io\" does not answer",
            ),
            (
                "pods \"web-1\" is forbidden: error looking up service account shop/web: serviceaccount \"web\" not found",
                "ServiceAccountMissing",
                "pods cannot be created: service account \"web\" does not exist",
            ),
            (
                "pods \"web-1\" is forbidden: maximum memory usage per Container is 64Mi, but limit is 1Gi",
                "LimitRange",
                "pods cannot be created: a LimitRange forbids them (maximum memory usage per Container is 64Mi, but limit is 1Gi)",
            ),
            (
                "Error creating: Pod \"web-1\" is invalid: spec.containers[0].image: Required value",
                "CreationFailed",
                "pods cannot be created: Pod \"web-1\" is invalid: spec.containers[0].image: Required value",
            ),
        ];
        for (message, id, sentence) in cases {
            let cause = classified(message).unwrap();
            assert_eq!(
                (cause.id(), cause.to_string().as_str()),
                (id, sentence),
                "{message}"
            );
        }
        assert_eq!(classified(""), None);
    }
}
