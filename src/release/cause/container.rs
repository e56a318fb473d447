//! Containers that do not run, or run and are not ready.

use serde_json::Value;

use super::{
    Cause, Evidence, image,
    scene::{condition, entries, last_time, text},
};

/// The first container of a pod that stands in its way.
pub(super) fn trouble<'a>(
    pod: &'a Value,
    title: &str,
    events: &[&'a Value],
) -> Option<(Cause, Vec<Evidence>)> {
    let status = &pod["status"];
    let init = entries(&status["initContainerStatuses"]).map(|container| (container, true));
    let all = entries(&status["containerStatuses"]).map(|container| (container, false));
    for (container, _) in init.clone().chain(all) {
        if let Some(found) = failing(pod, container, title, events) {
            return Some(found);
        }
    }
    // An init container that runs and neither fails nor ends; one that restarts always is a sidecar, and may be unready.
    for (container, _) in init {
        let name = text(&container["name"]);
        let sidecar = entries(&pod["spec"]["initContainers"])
            .any(|spec| spec["name"] == *name && spec["restartPolicy"] == "Always");
        let stands = if sidecar {
            container["started"] == false
        } else {
            container["state"]["running"].is_object()
        };
        if stands {
            let started = text(&container["state"]["running"]["startedAt"]);
            let evidence = Evidence::new(
                title,
                format!("status.initContainerStatuses[{name}].state"),
                format!("running since {started}"),
            );
            let cause = Cause::SidecarBlocks {
                container: name.to_owned(),
            };
            return Some((cause, vec![evidence]));
        }
    }
    mounts(title, events)
}

fn failing(pod: &Value, container: &Value, title: &str, events: &[&Value]) -> Option<(Cause, Vec<Evidence>)> {
    let name = text(&container["name"]).to_owned();
    let waiting = &container["state"]["waiting"];
    let (reason, message) = (text(&waiting["reason"]), text(&waiting["message"]));
    let waits = || {
        let field = format!("status.containerStatuses[{name}].state.waiting");
        Evidence::new(title, field, joined(reason, message))
    };
    let ended = [
        &container["lastState"]["terminated"],
        &container["state"]["terminated"],
    ]
    .into_iter()
    .find(|ended| ended.is_object());
    let image = text(&container["image"]);
    if let Some(cause) = {
        let told = image::pulling(events.iter().copied()).unwrap_or_default();
        image::classified(reason, image, &format!("{message} {told}"))
    } {
        let mut evidence = vec![waits()];
        if let Some(told) = image::pulling(events.iter().copied()) {
            evidence.push(Evidence::new(title, "event Failed", told));
        }
        return Some((cause, evidence));
    }
    match reason {
        "CrashLoopBackOff" => {
            let mut evidence = vec![waits()];
            let count = container["restartCount"].as_i64().unwrap_or_default();
            evidence.push(Evidence::new(
                title,
                format!("status.containerStatuses[{name}].restartCount"),
                count.to_string(),
            ));
            if let Some(ended) = ended {
                evidence.push(ending(title, &name, ended));
            }
            return Some((crash(name, ended), evidence));
        }
        "CreateContainerConfigError" => {
            let what = config(message);
            return Some((Cause::ConfigMissing { what }, vec![waits()]));
        }
        "CreateContainerError"
        | "RunContainerError"
        | "PreCreateHookError"
        | "PostStartHookError"
        | "PreStartHookError"
        | "StartError"
        | "CreatePodSandboxError" => {
            let cause = Cause::ContainerFailed {
                container: name.clone(),
                detail: super::redacted(message)
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            };
            return Some((cause, vec![waits()]));
        }
        _ => {}
    }
    // Between two starts there is no back-off to be seen, only that it ended badly more than once, or just now.
    let restarts = container["restartCount"].as_i64().unwrap_or_default();
    let now_ended = &container["state"]["terminated"];
    let bad = now_ended.is_object() && now_ended["exitCode"].as_i64().is_some_and(|code| code != 0);
    let never = pod["spec"]["restartPolicy"] == "Never";
    if let Some(ended) = ended.filter(|_| bad && !never || restarts > 1 && container["ready"] == false) {
        let evidence = vec![
            Evidence::new(
                title,
                format!("status.containerStatuses[{name}].restartCount"),
                restarts.to_string(),
            ),
            ending(title, &name, ended),
        ];
        return Some((crash(name, Some(ended)), evidence));
    }
    None
}

fn crash(container: String, ended: Option<&Value>) -> Cause {
    Cause::CrashLoop {
        container,
        code: ended.and_then(|ended| ended["exitCode"].as_i64()),
        reason: ended.map_or("", |ended| text(&ended["reason"])).to_owned(),
    }
}

fn ending(title: &str, name: &str, ended: &Value) -> Evidence {
    let code = ended["exitCode"].as_i64().unwrap_or_default();
    let said = joined(
        &format!("{} (exit code {code})", text(&ended["reason"])),
        text(&ended["message"]),
    );
    Evidence::new(
        title,
        format!("status.containerStatuses[{name}].lastState.terminated"),
        said,
    )
}

fn joined(reason: &str, message: &str) -> String {
    if message.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}: {message}")
    }
}

/// `secret "db" not found`, `couldn't find key PASSWORD in Secret shop/db`.
fn config(message: &str) -> String {
    let message = super::redacted(message);
    if let Some((what, _)) = message.split_once(" not found") {
        return format!("{} does not exist", what.trim());
    }
    if let Some(rest) = message.strip_prefix("couldn't find key ") {
        return format!("there is no key {rest}");
    }
    message.lines().next().unwrap_or_default().to_owned()
}

/// Volumes and sandboxes, of which only Events tell.
fn mounts(title: &str, events: &[&Value]) -> Option<(Cause, Vec<Evidence>)> {
    let newest = events
        .iter()
        .filter(|event| {
            matches!(
                text(&event["reason"]),
                "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox"
            )
        })
        .max_by_key(|event| last_time(event))?;
    let (reason, message) = (text(&newest["reason"]), text(&newest["message"]));
    let evidence = vec![Evidence::new(title, format!("event {reason}"), message)];
    let clean = super::redacted(message);
    let detail = clean.lines().next().unwrap_or_default().to_owned();
    let named = |kind: &str| {
        let (_, rest) = clean.split_once(&format!("{kind} \""))?;
        let (name, rest) = rest.split_once('"')?;
        rest.trim_start()
            .starts_with("not found")
            .then(|| format!("{kind} {name:?} does not exist, and a volume needs it"))
    };
    let cause = match reason {
        "FailedAttachVolume" => Cause::VolumeNotAttached { detail },
        "FailedCreatePodSandBox" => Cause::ContainerFailed {
            container: "(sandbox)".to_owned(),
            detail,
        },
        _ => match named("configmap").or_else(|| named("secret")) {
            Some(what) => Cause::ConfigMissing { what },
            None => Cause::VolumeNotMounted { detail },
        },
    };
    Some((cause, evidence))
}

/// A pod whose containers all run, and one is not ready.
pub(super) fn unready(pod: &Value, title: &str, events: &[&Value]) -> Option<(Cause, Vec<Evidence>)> {
    let status = &pod["status"];
    let running = |container: &&Value| container["state"]["running"].is_object();
    let not_ready = |container: &&Value| container["ready"] != true;
    let probe = events
        .iter()
        .filter(|event| matches!(text(&event["reason"]), "Unhealthy" | "ProbeWarning"))
        .max_by_key(|event| last_time(event));
    let container = entries(&status["containerStatuses"])
        .filter(running)
        .find(not_ready);
    if let Some(container) = container {
        let name = text(&container["name"]).to_owned();
        if let Some(event) = probe {
            let message = text(&event["message"]);
            let kind = message.split(' ').next().unwrap_or_default().to_lowercase();
            let named = text(&event["involvedObject"]["fieldPath"]);
            let named = named.split(['{', '}']).nth(1).map_or(name, str::to_owned);
            let times = event["count"].as_i64().unwrap_or(1);
            let evidence = Evidence::new(
                title,
                "event Unhealthy",
                format!("{message} (seen {times} times)"),
            );
            let cause = Cause::ProbeFailing {
                kind,
                container: named,
                detail: probed(message),
            };
            return Some((cause, vec![evidence]));
        }
        let evidence = Evidence::new(title, format!("status.containerStatuses[{name}].ready"), "false");
        return Some((Cause::ContainerNotReady { container: name }, vec![evidence]));
    }
    for gate in entries(&pod["spec"]["readinessGates"]) {
        let kind = text(&gate["conditionType"]);
        let stands = condition(status, kind);
        if stands.is_none_or(|stands| stands["status"] != "True") {
            let detail = stands.map_or("", |stands| text(&stands["message"]));
            let said = stands.map_or("absent", |stands| text(&stands["status"]));
            let evidence = Evidence::new(title, format!("status.conditions[{kind}].status"), said);
            let cause = Cause::ReadinessGateFalse {
                gate: kind.to_owned(),
                detail: super::redacted(detail),
            };
            return Some((cause, vec![evidence]));
        }
    }
    None
}

/// What a probe met, without what differs from pod to pod.
fn probed(message: &str) -> String {
    let message = super::redacted(message);
    if let Some((_, code)) = message.split_once("statuscode: ") {
        return format!("HTTP {}", code.trim());
    }
    for (theirs, ours) in [
        ("connection refused", "connection refused"),
        ("context deadline exceeded", "no answer in time"),
        ("i/o timeout", "no answer in time"),
        ("timed out", "no answer in time"),
        ("EOF", "connection closed"),
        ("no such host", "no such host"),
    ] {
        if message.contains(theirs) {
            return ours.to_owned();
        }
    }
    let detail = message
        .split_once("failed: ")
        .map_or(message.as_str(), |(_, detail)| detail);
    detail.lines().next().unwrap_or_default().to_owned()
}
