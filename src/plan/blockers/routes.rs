//! Whether traffic can be split as the steps ask for: what every provider itself says of the objects as they are.

use serde_json::json;

use super::{Blocker, Evidence, Ground, Id, Weight};
use crate::traffic::{self, Obstacle, Provider, RouteKey, Routes, Split, Wiring};

pub(super) fn look(ground: &Ground<'_>, found: &mut Vec<Blocker>) {
    let strategy = &ground.rollout.spec.strategy;
    for (index, routing) in strategy.traffic_routings().iter().enumerate() {
        let providers = Provider::all(routing);
        // What only a script can split, only the engine can judge.
        if providers.iter().any(Provider::is_unscripted) {
            continue;
        }
        let obstacle = obstacle(ground, routing, &providers);
        if let Some(obstacle) = obstacle {
            let evidence = vec![Evidence::new(
                ground.title(),
                format!("spec.strategy.trafficRoutings[{index}]"),
                json!(routing),
            )];
            let command = ground.look_at("get", "service,ingress,httproute", "");
            let command = command.replace("  ", " ");
            found.push(Blocker::new(
                Id::Traffic,
                Weight::Blocks,
                obstacle.to_string(),
                evidence,
                command,
            ));
        }
    }
    if let Some(name) = ground.rollout.traffic_routing_name()
        && !ground.unread.contains("TrafficRouting")
        && ground.named("TrafficRouting", name).is_none()
    {
        let message = format!("TrafficRouting {name} not found");
        let evidence = vec![Evidence::new(
            ground.title(),
            "spec.strategy.canary.trafficRoutingRef",
            name,
        )];
        let command = ground.look_at("get", "trafficrouting", name);
        found.push(Blocker::new(
            Id::Traffic,
            Weight::Blocks,
            message,
            evidence,
            command,
        ));
    }
}

fn obstacle(
    ground: &Ground<'_>,
    routing: &crate::api::v1beta1::TrafficRoutingRef,
    providers: &[Provider],
) -> Option<Obstacle> {
    let steps = ground.rollout.spec.strategy.steps();
    if let Err(obstacle) = traffic::check(providers, steps) {
        return Some(obstacle);
    }
    if !ground.unread.contains("Service")
        && !routing.service.is_empty()
        && ground.named("Service", &routing.service).is_none()
    {
        return Some(Obstacle::Missing {
            kind: "Service",
            name: routing.service.clone(),
        });
    }
    let owner = json!({ "uid": ground.rollout.metadata.uid });
    let wiring = Wiring::of(ground.rollout, owner)?;
    let routes = routes(ground, providers);
    for provider in providers {
        let is_unread = provider
            .versions()
            .iter()
            .any(|version| ground.unread.contains(version.kind));
        if is_unread || provider.name().is_empty() {
            continue;
        }
        let splits = steps.iter().map(traffic::split);
        let numbered = splits
            .enumerate()
            .filter_map(|(index, split)| Some((index + 1, split?)));
        // Only blue-green sends everything to the new version's own Service in the end.
        let last = ground.rollout.spec.strategy.blue_green.is_some();
        for (number, split) in numbered.chain(last.then_some((0, Split::ALL))) {
            if let Err(obstacle) = provider.split(&routes, &wiring, &split) {
                return Some(if number > 0 {
                    obstacle.of_step(number)
                } else {
                    obstacle
                });
            }
        }
    }
    None
}

/// The routes among what was read.
fn routes(ground: &Ground<'_>, providers: &[Provider]) -> Routes {
    let mut routes = Routes::new();
    for provider in providers {
        for version in provider.versions() {
            for key in provider.reads() {
                let object = ground.of_kind(version.kind).find(|object| {
                    object["apiVersion"] == version.api_version && object["metadata"]["name"] == *key.name
                });
                let object = object.and_then(|object| serde_json::from_value(object.clone()).ok());
                if let Some(object) = object {
                    routes.entry(RouteKey::new(*version, &key.name)).or_insert(object);
                }
            }
        }
    }
    routes
}
