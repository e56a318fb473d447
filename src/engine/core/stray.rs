//! What a release made for a workload or a route that the Rollout names no more. Where no webhook refuses such an edit in
//! the middle, the release ends there: everything is given back, and what the Rollout names now begins at rest.

use kube::api::DynamicObject;
use serde_json::json;

use super::{
    Effect, Reason, Snapshot, Verb, batch, condition,
    machine::{Flow, Machine},
};
use crate::{
    api::{
        keys,
        v1beta1::{Phase, Rollout},
    },
    traffic::{Wiring, gateway::Gateway, istio, script, service, traefik::Traefik},
    workload::{Mark, Workload},
};

/// The digest of the plan that the release under way follows.
fn followed(rollout: &Rollout) -> Option<&str> {
    let status = rollout.status.as_ref()?;
    let ends = [Phase::Progressing, Phase::Terminating, Phase::Disabling];
    if !status.phase.as_ref().is_some_and(|phase| ends.contains(phase)) {
        return None;
    }
    let canary = status
        .canary_status
        .as_ref()
        .and_then(|sub| sub.rollout_hash.as_deref());
    let blue_green = status.blue_green_status.as_ref();
    canary.or_else(|| blue_green.and_then(|sub| sub.rollout_hash.as_deref()))
}

/// Whether the plan of the release under way was edited and no engine has taken note: it may have named another route.
#[must_use]
pub fn is_edited(rollout: &Rollout) -> bool {
    followed(rollout).is_some_and(|hash| hash != batch::plan_hash(rollout))
}

/// Whether the release under way is that of another workload than the Rollout names now.
#[must_use]
pub fn is_turned(rollout: &Rollout) -> bool {
    followed(rollout).is_some_and(|hash| batch::is_for_another(hash, &rollout.spec))
}

/// Whether the release under way may hold a TrafficRouting that the Rollout names no more.
#[must_use]
pub fn may_hold_another(rollout: &Rollout) -> bool {
    followed(rollout).is_some_and(batch::is_shared) && is_edited(rollout)
}

/// The revision that a release under way keeps the stable Service to.
#[must_use]
pub fn pinned_revision(rollout: &Rollout) -> Option<&str> {
    let status = rollout.status.as_ref()?;
    let canary = status
        .canary_status
        .as_ref()
        .and_then(|sub| sub.stable_revision.as_deref());
    let blue_green = status.blue_green_status.as_ref();
    canary
        .or_else(|| blue_green.and_then(|sub| sub.stable_revision.as_deref()))
        .filter(|revision| !revision.is_empty())
}

/// The label by which a Service is kept to this revision.
#[must_use]
pub fn pin_of(service: &DynamicObject, revision: &str) -> Option<&'static str> {
    let keys = [keys::POD_TEMPLATE_HASH, keys::CONTROLLER_REVISION_HASH];
    keys.into_iter()
        .find(|key| service::pinned(service, key) == Some(revision))
}

fn kind(object: &DynamicObject) -> &str {
    object.types.as_ref().map_or("", |types| types.kind.as_str())
}

impl Machine<'_> {
    /// Gives back what the Rollout names no more, the traffic first; nothing when there is nothing of it.
    pub(super) fn give_back_strays(&mut self) -> Option<Flow> {
        let s = self.s;
        let there: Vec<&DynamicObject> = s
            .strays
            .iter()
            .filter(|stray| stray.metadata.deletion_timestamp.is_none())
            .collect();
        let stages: [fn(&Snapshot, &DynamicObject) -> Option<Effect>; 3] = [
            |s, stray| match kind(stray) {
                "Service" if !s.owns(stray) => unpin(s, stray),
                "Ingress" if s.owns(stray) => {
                    Some(s.write(stray, Verb::Delete, "all traffic to the stable Service"))
                }
                _ => restore(s, stray),
            },
            |s, stray| match kind(stray) {
                "Service" if s.owns(stray) => Some(s.write(stray, Verb::Delete, "remove the canary Service")),
                "HorizontalPodAutoscaler" => turn_on(s, stray),
                _ if s.owns(stray) => None,
                _ => hand_back(s, stray),
            },
            |s, stray| {
                (kind(stray) == "Deployment" && s.owns(stray))
                    .then(|| s.write(stray, Verb::Delete, "remove the canary"))
            },
        ];
        for stage in stages {
            let effects: Vec<Effect> = there.iter().filter_map(|stray| stage(s, stray)).collect();
            if !effects.is_empty() {
                let doing = "what the Rollout names no more is given back";
                return Some(Flow::Do(effects, Reason::Finalising { doing }));
            }
        }
        if is_turned(&s.rollout) && self.status.canary_status.is_some() && !self.is_reset {
            self.is_reset = true;
            self.status.canary_status = None;
            condition::remove(&mut self.status, condition::PROGRESSING);
            condition::remove(&mut self.status, condition::DEGRADED);
            if self.status.phase == Some(Phase::Progressing) {
                self.status.phase = Some(Phase::Healthy);
            }
        }
        None
    }
}

/// A route that was edited in place sends everything to the stable Service again.
fn restore(s: &Snapshot, route: &DynamicObject) -> Option<Effect> {
    let twins = s
        .strays
        .iter()
        .filter(|twin| kind(twin) == "Service" && s.owns(twin));
    let services = twins.filter_map(|twin| twin.metadata.name.as_deref()?.strip_suffix("-canary"));
    let left = services.map(|service| Wiring {
        namespace: s.namespace(),
        service,
        canary: service::canary_name(service),
        owner: s.owner(),
        labels: None,
    });
    let mut wirings = s.wiring().into_iter().chain(left);
    let body = match kind(route) {
        _ if script::is_left(route) => wirings.find_map(|wiring| script::give_back(route, &wiring)),
        "HTTPRoute" => wirings.find_map(|wiring| Gateway::Http.restore(route, &wiring)),
        "GRPCRoute" => wirings.find_map(|wiring| Gateway::Grpc.restore(route, &wiring)),
        "TCPRoute" => wirings.find_map(|wiring| Gateway::Tcp.restore(route, &wiring)),
        "TLSRoute" => wirings.find_map(|wiring| Gateway::Tls.restore(route, &wiring)),
        "VirtualService" => wirings.find_map(|wiring| istio::restore_virtual_service(route, &wiring)),
        "DestinationRule" => istio::restore_destination_rule(route),
        "TraefikService" => wirings.find_map(|wiring| Traefik::Service.restore(route, &wiring)),
        "IngressRoute" => wirings.find_map(|wiring| Traefik::Route.restore(route, &wiring)),
        "IngressRouteTCP" => wirings.find_map(|wiring| Traefik::TcpRoute.restore(route, &wiring)),
        _ => None,
    }?;
    Some(s.write(route, Verb::Merge(body), "all traffic to the stable Service"))
}

fn unpin(s: &Snapshot, service: &DynamicObject) -> Option<Effect> {
    let key = pin_of(service, pinned_revision(&s.rollout)?)?;
    let body = service::pin(key, None);
    Some(s.write(
        service,
        Verb::Merge(body),
        "the stable Service selects all versions again",
    ))
}

fn turn_on(s: &Snapshot, autoscaler: &DynamicObject) -> Option<Effect> {
    let mut target = autoscaler.data["spec"]["scaleTargetRef"].as_object()?.clone();
    let name = target.get("name")?.as_str()?;
    let wanted = name.trim_end_matches(keys::DISABLED_AUTOSCALER).to_owned();
    if wanted == name || wanted.is_empty() {
        return None;
    }
    let purpose = format!("aim the autoscaler at {wanted}");
    target.insert("name".to_owned(), json!(wanted));
    let body = json!({ "spec": { "scaleTargetRef": target } });
    Some(s.write(autoscaler, Verb::Merge(body), purpose))
}

/// The workload gets the user's values again and goes its own way: to what its template says.
fn hand_back(s: &Snapshot, stray: &DynamicObject) -> Option<Effect> {
    let workload = Workload::new(stray)?;
    let mark = Mark::read(stray).filter(|mark| mark.rollout_name == s.name())?;
    let labels = json!({ keys::STABLE_REVISION: null, keys::WORKLOAD_TYPE: null });
    let mut body = json!({ "metadata": { "annotations": { keys::IN_PROGRESSING: null }, "labels": labels } });
    if let Some(spec) = mark.handed_back(workload.kind, workload.spec()) {
        body["spec"] = spec;
    }
    Some(s.write(stray, Verb::Merge(body), "hand the workload back"))
}
