//! VirtualService and DestinationRule of Istio: what upstream's scripts make of them (engine-traffic 5.4, 5.5), without
//! their defects (D13 to D17).
//!
//! Weights go to the rules without conditions; where all rules of the Service have some, to all of those. Matching
//! requests get rules of their own before the user's, the last entry first. Matches win over a weight.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::{
    Obstacle, Share, Split, Wiring,
    original::{self, Original},
    rules::Grammar,
};
use crate::api::{
    keys,
    v1beta1::{HeaderModifier, NamedMatch, RouteMatch},
};

/// The lists of rules; TCP and TLS have no headers to match or change.
const LISTS: [&str; 3] = ["http", "tcp", "tls"];
/// The subset for the new version where both versions have one Service.
const SUBSET: &str = "canary";
/// The label of that subset's pods where the Rollout lays none over them.
const TAG: &str = "gray";

/// The patch that makes a VirtualService split as asked; nothing when it does.
///
/// # Errors
/// It sends nothing to the Service, or has no HTTP rule for what only HTTP can do.
pub fn split_virtual_service(
    route: &DynamicObject,
    wiring: &Wiring<'_>,
    split: &Split<'_>,
) -> Result<Option<Value>, Obstacle> {
    let original = Original::read(route);
    let user = user_of_virtual_service(route, original.spec(route)?, wiring);
    let name = route.metadata.name.as_deref().unwrap_or_default();
    let is_stable = |target: &Value| is_stable(target, wiring);
    let is_canary = |target: &Value| is_canary(target, wiring);
    let grammar = grammar(&is_stable, &is_canary);
    let ours = |list: &str| rules_of(&user, list).iter().any(|rule| grammar.is_ours(rule));
    if !LISTS.into_iter().any(ours) {
        return Err(Obstacle::NoRule {
            kind: "VirtualService",
            name: name.to_owned(),
            service: wiring.service.to_owned(),
        });
    }
    if !ours("http") && (!split.matches.is_empty() || split.header_modifier.is_some()) {
        return Err(Obstacle::Limit {
            step: None,
            what: format!(
                "VirtualService {name} has no http rule for Service {}: matches and header changes are for those",
                wiring.service
            ),
        });
    }
    let mut wanted = user.clone();
    if split.matches.is_empty() {
        for list in LISTS.into_iter().filter(|list| ours(list)) {
            let modifier = split.header_modifier.filter(|_| list == "http");
            weigh(&mut wanted[list], &grammar, wiring, split.percent(), modifier);
        }
    } else {
        let mut rules = matching(rules_of(&user, "http"), &grammar, wiring, split);
        rules.extend_from_slice(rules_of(&user, "http"));
        wanted["http"] = rules.into();
    }
    Ok(original::change(route, &user, &wanted))
}

/// The patch that gives a VirtualService the user's rules again; nothing when it has them.
#[must_use]
pub fn restore_virtual_service(route: &DynamicObject, wiring: &Wiring<'_>) -> Option<Value> {
    let original = Original::read(route);
    let kept = original.spec(route).unwrap_or(None);
    if original == Original::None && !wiring.has_twin() {
        // A subset of this name may be the user's own.
        return None;
    }
    original::give_back(route, &user_of_virtual_service(route, kept, wiring))
}

/// The spec of a VirtualService as it is without a release.
fn user_of_virtual_service(route: &DynamicObject, kept: Option<&Value>, wiring: &Wiring<'_>) -> Value {
    let is_stable = |target: &Value| is_stable(target, wiring);
    let is_canary = |target: &Value| is_canary(target, wiring);
    let grammar = grammar(&is_stable, &is_canary);
    let live = &route.data["spec"];
    let mut spec = live.as_object().cloned().unwrap_or_else(Map::new);
    if kept.is_none() && !wiring.has_twin() {
        return spec.into();
    }
    for list in LISTS {
        if !live[list].is_array() && kept.is_none_or(|kept| !kept[list].is_array()) {
            continue;
        }
        let (rules, _) = grammar.of_user(rules_of(live, list), kept.map(|kept| rules_of(kept, list)));
        if rules.is_empty() && !live[list].is_array() {
            continue;
        }
        spec.insert(list.to_owned(), rules.into());
    }
    spec.into()
}

/// Divides the weights of a list of rules.
fn weigh(
    rules: &mut Value,
    grammar: &Grammar<'_>,
    wiring: &Wiring<'_>,
    percent: u64,
    modifier: Option<&HeaderModifier>,
) {
    let Some(rules) = rules.as_array_mut() else { return };
    let is_plain = |rule: &Value| rule["match"].as_array().is_none_or(Vec::is_empty);
    let only_plain = rules.iter().any(|rule| grammar.is_ours(rule) && is_plain(rule));
    let twin = |target: &Value| {
        let mut twin = twin(target, wiring);
        if let Some(modifier) = modifier {
            modify(&mut twin, modifier);
        }
        twin
    };
    for rule in rules.iter_mut() {
        if grammar.is_ours(rule)
            && (is_plain(rule) || !only_plain)
            && let Some(targets) = grammar.divided(rule, percent, &twin)
        {
            rule["route"] = targets.into();
        }
    }
}

/// The rules for matching requests: all that the user's rule says, under other conditions and to the new version. Upstream
/// leaves out rewrites, timeouts and ports, and takes requests that no rule of the user's sends to the Service (D13).
fn matching(user: &[Value], grammar: &Grammar<'_>, wiring: &Wiring<'_>, split: &Split<'_>) -> Vec<Value> {
    let ours = || user.iter().filter(|rule| grammar.is_ours(rule));
    let is_plain = |rule: &&Value| rule["match"].as_array().is_none_or(Vec::is_empty);
    let bases: Vec<&Value> = match ours().find(is_plain) {
        Some(plain) => vec![plain],
        None => ours().collect(),
    };
    let mut made = Vec::new();
    for entry in split.matches.iter().rev() {
        let condition = condition(entry);
        for base in &bases {
            let mut rule = (*base).clone();
            if let Some(fields) = rule.as_object_mut() {
                fields.remove("name");
            }
            let own = base["match"].as_array().filter(|own| !own.is_empty());
            rule["match"] = match own {
                Some(own) => own.iter().map(|own| both(own, &condition)).collect(),
                None => json!([condition]),
            };
            let mut targets: Vec<Value> = Vec::new();
            for target in grammar
                .targets(base)
                .iter()
                .filter(|target| is_stable(target, wiring))
            {
                let twin = twin(target, wiring);
                if !targets.contains(&twin) {
                    targets.push(twin);
                }
            }
            if let [target] = targets.as_mut_slice() {
                target.as_object_mut().map(|fields| fields.remove("weight"));
            }
            rule["route"] = targets.into();
            if let Some(modifier) = split.header_modifier {
                modify(&mut rule, modifier);
            }
            made.push(rule);
        }
    }
    made
}

/// A step's entry as a condition; types that are not said are the API's defaults.
fn condition(entry: &RouteMatch) -> Value {
    let mut condition = json!({});
    if let Some(path) = &entry.path {
        let how = match path.kind.as_deref() {
            Some("Exact") => "exact",
            Some("RegularExpression") => "regex",
            _ => "prefix",
        };
        condition["uri"] = json!({ how: path.value.as_deref().unwrap_or("/") });
    }
    for (field, wanted) in [("headers", &entry.headers), ("queryParams", &entry.query_params)] {
        if !wanted.is_empty() {
            let pairs: Map<String, Value> = wanted
                .iter()
                .map(|one| (one.name.clone(), compared(one)))
                .collect();
            condition[field] = pairs.into();
        }
    }
    condition
}

fn compared(wanted: &NamedMatch) -> Value {
    if wanted.kind.as_deref() == Some("RegularExpression") {
        json!({ "regex": wanted.value })
    } else {
        json!({ "exact": wanted.value })
    }
}

/// A rule's own condition and a step's; where both speak of one thing the step's counts.
fn both(own: &Value, condition: &Value) -> Value {
    let mut all = own.clone();
    all.as_object_mut().map(|fields| fields.remove("name"));
    for (field, wanted) in condition.as_object().into_iter().flatten() {
        match (field.as_str(), all[field].as_object_mut(), wanted.as_object()) {
            ("headers" | "queryParams", Some(own), Some(wanted)) => {
                own.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            _ => all[field] = wanted.clone(),
        }
    }
    all
}

/// Adds the change of request headers to a rule or a destination.
fn modify(place: &mut Value, modifier: &HeaderModifier) {
    let request = &mut place["headers"]["request"];
    for (field, headers) in [("set", &modifier.set), ("add", &modifier.add)] {
        for header in headers {
            request[field][&header.name] = json!(header.value);
        }
    }
    if !modifier.remove.is_empty() {
        let mut list = request["remove"].as_array().cloned().unwrap_or_default();
        list.extend(
            modifier
                .remove
                .iter()
                .map(|name| json!(name))
                .filter(|name| !list.contains(name))
                .collect::<Vec<_>>(),
        );
        request["remove"] = list.into();
    }
    if place["headers"]["request"].is_null()
        && let Some(fields) = place.as_object_mut()
    {
        fields.remove("headers");
    }
}

/// Whether a host is this Service of the namespace: its short name, or any longer one down to the whole.
pub(super) fn is_host(host: &Value, service: &str, namespace: &str) -> bool {
    let Some(rest) = host.as_str().and_then(|host| host.strip_prefix(service)) else {
        return false;
    };
    let Some(rest) = rest.strip_prefix('.') else {
        return rest.is_empty();
    };
    let Some(rest) = rest.strip_prefix(namespace) else {
        return false;
    };
    rest.is_empty() || rest == ".svc" || rest.starts_with(".svc.")
}

fn is_canary(target: &Value, wiring: &Wiring<'_>) -> bool {
    let destination = &target["destination"];
    if wiring.has_twin() {
        is_host(&destination["host"], &wiring.canary, wiring.namespace)
    } else {
        destination["subset"] == SUBSET && is_host(&destination["host"], wiring.service, wiring.namespace)
    }
}

fn is_stable(target: &Value, wiring: &Wiring<'_>) -> bool {
    is_host(&target["destination"]["host"], wiring.service, wiring.namespace) && !is_canary(target, wiring)
}

/// The new version's destination beside a stable one: with its port and headers.
fn twin(target: &Value, wiring: &Wiring<'_>) -> Value {
    let mut twin = target.clone();
    twin.as_object_mut().map(|fields| fields.remove("weight"));
    let destination = &mut twin["destination"];
    if wiring.has_twin() {
        destination["host"] = json!(wiring.canary);
        // The subsets are those of the stable Service.
        destination.as_object_mut().map(|fields| fields.remove("subset"));
    } else {
        destination["subset"] = json!(SUBSET);
    }
    twin
}

fn grammar<'a>(is_stable: &'a dyn Fn(&Value) -> bool, is_canary: &'a dyn Fn(&Value) -> bool) -> Grammar<'a> {
    Grammar {
        targets: "route",
        is_stable,
        is_canary,
        most: u64::from(u32::MAX / 2),
        unsaid: 0,
    }
}

/// What of the requests a VirtualService sends to the new version.
pub(super) fn share(route: &DynamicObject, wiring: &Wiring<'_>) -> Share {
    let is_stable = |target: &Value| is_stable(target, wiring);
    let is_canary = |target: &Value| is_canary(target, wiring);
    let grammar = grammar(&is_stable, &is_canary);
    let spec = &route.data["spec"];
    let lists = LISTS.map(|list| grammar.share(rules_of(spec, list)));
    let said = lists.into_iter().find(|share| *share != Share::Percent(0));
    said.unwrap_or(Share::Percent(0))
}

fn rules_of<'s>(spec: &'s Value, list: &str) -> &'s [Value] {
    spec[list].as_array().map_or(&[], Vec::as_slice)
}

/// The patch that gives a DestinationRule a subset for the new version; nothing when it has one, be it the user's own.
///
/// The subset's pods are told by the label that the Rollout lays over them, `gray` when it lays none: upstream's scripts
/// know no other value (D14).
///
/// # Errors
/// It is about another host, or what it was cannot be read.
pub fn split_destination_rule(
    rule: &DynamicObject,
    wiring: &Wiring<'_>,
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Option<Value>, Obstacle> {
    let original = Original::read(rule);
    let kept = original.spec(rule)?;
    if !is_host(&rule.data["spec"]["host"], wiring.service, wiring.namespace) {
        return Err(Obstacle::NoRule {
            kind: "DestinationRule",
            name: rule.metadata.name.clone().unwrap_or_default(),
            service: wiring.service.to_owned(),
        });
    }
    let user = user_of_destination_rule(rule, kept);
    let mut subsets = rules_of(&user, "subsets").to_vec();
    if subsets.iter().any(|subset| subset["name"] == SUBSET) {
        return Ok(None);
    }
    let tag = labels
        .and_then(|labels| labels.get(keys::ISTIO_TAG))
        .map_or(TAG, String::as_str);
    subsets.push(json!({ "name": SUBSET, "labels": { keys::ISTIO_TAG: tag } }));
    let mut wanted = user.clone();
    wanted["subsets"] = subsets.into();
    Ok(original::change(rule, &user, &wanted))
}

/// The patch that takes the new version's subset away; nothing when none was added.
#[must_use]
pub fn restore_destination_rule(rule: &DynamicObject) -> Option<Value> {
    let original = Original::read(rule);
    if original == Original::None {
        // A subset of this name may be the user's own.
        return None;
    }
    let kept = original.spec(rule).unwrap_or(None);
    original::give_back(rule, &user_of_destination_rule(rule, kept))
}

/// The spec of a DestinationRule as it is without a release: without the subset, which nobody else adds. Before one, all
/// of it is the user's.
fn user_of_destination_rule(rule: &DynamicObject, kept: Option<&Value>) -> Value {
    let mut spec = rule.data["spec"].clone();
    let Original::None = Original::read(rule) else {
        if let Some(subsets) = spec["subsets"].as_array_mut() {
            let own = |subset: &Value| kept.is_some_and(|kept| rules_of(kept, "subsets").contains(subset));
            subsets.retain(|subset| subset["name"] != SUBSET || own(subset));
            if subsets.is_empty() && kept.is_some_and(|kept| !kept["subsets"].is_array()) {
                spec.as_object_mut().map(|fields| fields.remove("subsets"));
            }
        }
        return spec;
    };
    spec
}

#[cfg(test)]
mod tests;
