//! Routes of Gateway API: HTTPRoute and GRPCRoute (engine-traffic 4), TCPRoute and TLSRoute (beyond upstream), as untyped
//! objects, so that fields we do not know survive.
//!
//! Weights stand beside the stable Service in every rule that names it. Matching requests get rules of their own after the
//! user's. Matches win over a weight, as the API says. TCPRoute and TLSRoute see connections, so that they know weights alone.

use kube::api::DynamicObject;
use serde_json::{Map, Value, json};

use super::{
    Obstacle, Share, Split, Wiring,
    original::{self, Original},
    rules::Grammar,
};
use crate::api::v1beta1::{HeaderModifier, NamedMatch, RouteMatch};

/// The largest weight of a backend.
const MOST_WEIGHT: u64 = 1_000_000;
/// The most rules of a route.
const MOST_RULES: usize = 16;
/// The most conditions of a rule; any of them counts.
const MOST_MATCHES: usize = 64;
/// The most backends of a rule.
const MOST_BACKENDS: usize = 16;
/// The most headers, and the most query parameters, of a condition.
const MOST_NAMES: usize = 16;
const MODIFIER: &str = "RequestHeaderModifier";

/// A kind of route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Gateway {
    /// HTTPRoute.
    Http,
    /// GRPCRoute: it matches headers, not paths or query parameters.
    Grpc,
    /// TCPRoute: weights alone.
    Tcp,
    /// TLSRoute: it tells connections apart by the name of the server they are for, and divides them by weight.
    Tls,
}

impl Gateway {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Http => "HTTPRoute",
            Self::Grpc => "GRPCRoute",
            Self::Tcp => "TCPRoute",
            Self::Tls => "TLSRoute",
        }
    }

    /// Whether this kind can express a split.
    ///
    /// # Errors
    /// What it cannot do.
    pub fn check(self, split: &Split<'_>) -> Result<(), String> {
        let kind = self.kind();
        let any = |is: fn(&RouteMatch) -> bool| split.matches.iter().any(is);
        match self {
            Self::Http => Ok(()),
            Self::Grpc if any(|one| one.path.is_some()) => Err(format!("{kind} cannot match a path")),
            Self::Grpc if any(|one| !one.query_params.is_empty()) => {
                Err(format!("{kind} cannot match query parameters"))
            }
            Self::Grpc => Ok(()),
            Self::Tcp | Self::Tls if !split.matches.is_empty() => Err(format!(
                "{kind} divides connections by weight and cannot match requests"
            )),
            Self::Tcp | Self::Tls if split.header_modifier.is_some() => {
                Err(format!("{kind} cannot change request headers"))
            }
            Self::Tcp | Self::Tls => Ok(()),
        }
    }

    /// The patch that makes a route split as asked; nothing when it does.
    ///
    /// # Errors
    /// The route sends nothing to the Service, or cannot express the split together with its own conditions.
    pub fn split(
        self,
        route: &DynamicObject,
        wiring: &Wiring<'_>,
        split: &Split<'_>,
    ) -> Result<Option<Value>, Obstacle> {
        if !wiring.has_twin() {
            // Upstream leaves the route without rules (D5): both versions have one name here.
            return Err(Obstacle::NoTwin { kind: self.kind() });
        }
        let original = Original::read(route);
        let kept = original.spec(route)?;
        let user = user(route, kept, wiring);
        let mut wanted = user.clone();
        wanted["rules"] = self.rules(rules_of(&user), wiring, split, &name_of(route))?;
        // Only the rules are kept: nothing else of the route is ever changed.
        let user = json!({ "rules": user["rules"] });
        Ok(original::change(route, &user, &wanted))
    }

    fn rules(
        self,
        user: &[Value],
        wiring: &Wiring<'_>,
        split: &Split<'_>,
        name: &str,
    ) -> Result<Value, Obstacle> {
        let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
        let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
        let grammar = grammar(&is_stable, &is_canary);
        if !user.iter().any(|rule| grammar.is_ours(rule)) {
            return Err(Obstacle::NoRule {
                kind: self.kind(),
                name: name.to_owned(),
                service: wiring.service.to_owned(),
            });
        }
        let limit = |what: String| Obstacle::Limit { step: None, what };
        let mut rules = user.to_vec();
        if split.matches.is_empty() {
            let twin = |target: &Value| {
                let mut twin = renamed(target, &wiring.canary);
                if let Some(modifier) = split.header_modifier {
                    modify(&mut twin, modifier);
                }
                twin
            };
            for rule in rules.iter_mut().filter(|rule| grammar.is_ours(rule)) {
                if let Some(targets) = grammar.divided(rule, split.percent(), &twin) {
                    if targets.len() > MOST_BACKENDS {
                        return Err(limit(format!(
                            "{} {name} would need a rule with {} backends and may have {MOST_BACKENDS}",
                            self.kind(),
                            targets.len()
                        )));
                    }
                    rule["backendRefs"] = targets.into();
                }
            }
            return Ok(rules.into());
        }
        let mut made = Vec::new();
        for (place, rule) in user.iter().filter(|rule| grammar.is_ours(rule)).enumerate() {
            let stable = grammar.targets(rule).iter().filter(|target| is_stable(target));
            let targets: Vec<Value> = stable.map(|target| renamed(target, &wiring.canary)).collect();
            let conditions = self
                .conditions(rule, place == 0, split.matches)
                .map_err(|what| limit(format!("{} {name}: {what}", self.kind())))?;
            if replaces_prefix(rule) && conditions.iter().any(|one| one["path"]["type"] != "PathPrefix") {
                return Err(limit(format!(
                    "{} {name} replaces a prefix of the path, so that only prefixes can be matched",
                    self.kind()
                )));
            }
            if conditions.len() > MOST_MATCHES {
                return Err(limit(format!(
                    "{} {name} would need a rule with {} matches and may have {MOST_MATCHES}",
                    self.kind(),
                    conditions.len()
                )));
            }
            made.extend(canary_rules(rule, &targets, conditions, split.header_modifier));
        }
        if made.is_empty() {
            return Err(limit(format!(
                "no request that {} {name} sends to Service {} can match",
                self.kind(),
                wiring.service
            )));
        }
        rules.extend(made);
        if rules.len() > MOST_RULES {
            return Err(limit(format!(
                "{} {name} would need {} rules and may have {MOST_RULES}",
                self.kind(),
                rules.len()
            )));
        }
        Ok(rules.into())
    }

    /// What a request must match for the new version in one of the user's rules. Entries with a path take the place of
    /// the conditions of the first rule, and of that alone: they say themselves which requests they mean. All others add to
    /// the conditions of each rule.
    fn conditions(self, rule: &Value, first: bool, entries: &[RouteMatch]) -> Result<Vec<Value>, String> {
        let own: Vec<Value> = match rule["matches"].as_array() {
            Some(own) if !own.is_empty() => own.clone(),
            _ => vec![json!({})],
        };
        let mut conditions = Vec::new();
        for entry in entries.iter().filter(|entry| first && entry.path.is_some()) {
            conditions.extend(self.combined(&json!({}), entry)?);
        }
        for own in &own {
            for entry in entries.iter().filter(|entry| entry.path.is_none()) {
                conditions.extend(self.combined(own, entry)?);
            }
        }
        Ok(conditions)
    }

    /// A rule's own condition and a step's entry, both; nothing when no request can match both.
    fn combined(self, own: &Value, entry: &RouteMatch) -> Result<Option<Value>, String> {
        let mut all = own.clone();
        if let Some(path) = &entry.path {
            all["path"] = json!({
                "type": path.kind.as_deref().unwrap_or("PathPrefix"),
                "value": path.value.as_deref().unwrap_or("/"),
            });
        } else if self == Self::Http && all["path"].is_null() {
            // What the server would fill in; it must not look like somebody's change.
            all["path"] = json!({ "type": "PathPrefix", "value": "/" });
        }
        for (field, wanted) in [("headers", &entry.headers), ("queryParams", &entry.query_params)] {
            if wanted.is_empty() {
                continue;
            }
            let mut list = all[field].as_array().cloned().unwrap_or_default();
            for wanted in wanted {
                match added(&mut list, wanted, field == "headers") {
                    Added::Yes => {}
                    Added::Never => return Ok(None),
                    Added::Unclear => {
                        return Err(format!(
                            "a rule of its own has a condition on {:?} already",
                            wanted.name
                        ));
                    }
                }
            }
            if list.len() > MOST_NAMES {
                return Err(format!(
                    "a match would need {} {field} and may have {MOST_NAMES}",
                    list.len()
                ));
            }
            all[field] = list.into();
        }
        Ok(Some(all))
    }

    /// The patch that gives a route the user's rules again; nothing when it has them.
    #[must_use]
    pub fn restore(self, route: &DynamicObject, wiring: &Wiring<'_>) -> Option<Value> {
        let original = Original::read(route);
        let kept = original.spec(route).unwrap_or(None);
        if !wiring.has_twin() {
            // Nothing of it can be ours.
            return None;
        }
        original::give_back(route, &user(route, kept, wiring))
    }
}

/// Whether a condition could be added.
enum Added {
    /// It is in the list.
    Yes,
    /// No request has both values.
    Never,
    /// Whether a request matches both depends on a pattern, and a list has one entry for a name.
    Unclear,
}

fn added(list: &mut Vec<Value>, wanted: &NamedMatch, any_case: bool) -> Added {
    let kind = wanted.kind.as_deref().unwrap_or("Exact");
    let known = list.iter().find(|known| {
        let name = known["name"].as_str().unwrap_or_default();
        name == wanted.name || any_case && name.eq_ignore_ascii_case(&wanted.name)
    });
    let Some(known) = known else {
        list.push(json!({ "type": kind, "name": wanted.name, "value": wanted.value }));
        return Added::Yes;
    };
    let known_kind = known["type"].as_str().unwrap_or("Exact");
    match known["value"] == wanted.value.as_str() && known_kind == kind {
        true => Added::Yes,
        false if known_kind == "Exact" && kind == "Exact" => Added::Never,
        false => Added::Unclear,
    }
}

/// The rules for the new version beside one of the user's: with its filters and timeouts, under other conditions.
fn canary_rules(
    rule: &Value,
    targets: &[Value],
    conditions: Vec<Value>,
    modifier: Option<&HeaderModifier>,
) -> Vec<Value> {
    let mut base = rule.clone();
    if let Some(fields) = base.as_object_mut() {
        // Names of rules are unique.
        fields.remove("name");
    }
    base["backendRefs"] = targets.into();
    if let Some(modifier) = modifier {
        modify(&mut base, modifier);
    }
    let with = |matches: Vec<Value>| {
        let mut made = base.clone();
        made["matches"] = matches.into();
        made
    };
    if conditions.is_empty() {
        Vec::new()
    } else if replaces_prefix(&base) {
        // Such a filter stands beside one match only.
        conditions.into_iter().map(|one| with(vec![one])).collect()
    } else {
        vec![with(conditions)]
    }
}

fn replaces_prefix(rule: &Value) -> bool {
    let backends = rule["backendRefs"].as_array().into_iter().flatten();
    let mut filters = backends
        .chain([rule])
        .filter_map(|place| place["filters"].as_array())
        .flatten();
    filters.any(|filter| filter["urlRewrite"]["path"]["type"] == "ReplacePrefixMatch")
}

/// Adds the change of request headers to a rule or a backend, which may have one such filter.
fn modify(place: &mut Value, modifier: &HeaderModifier) {
    let mut filters = place["filters"].as_array().cloned().unwrap_or_default();
    let at = filters
        .iter()
        .position(|filter| filter["type"] == MODIFIER)
        .unwrap_or_else(|| {
            filters.push(json!({ "type": MODIFIER, "requestHeaderModifier": {} }));
            filters.len() - 1
        });
    let own = &mut filters[at]["requestHeaderModifier"];
    for (field, headers) in [("set", &modifier.set), ("add", &modifier.add)] {
        if headers.is_empty() {
            continue;
        }
        let mut list = own[field].as_array().cloned().unwrap_or_default();
        for header in headers {
            list.retain(|known| {
                !known["name"]
                    .as_str()
                    .is_some_and(|name| name.eq_ignore_ascii_case(&header.name))
            });
            list.push(json!({ "name": header.name, "value": header.value }));
        }
        own[field] = list.into();
    }
    if !modifier.remove.is_empty() {
        let mut list = own["remove"].as_array().cloned().unwrap_or_default();
        for name in &modifier.remove {
            let name = json!(name);
            if !list.contains(&name) {
                list.push(name);
            }
        }
        own["remove"] = list.into();
    }
    place["filters"] = filters.into();
}

/// Whether a backend is this Service; unlike upstream also when it leaves the kind to the default, and not when it is in
/// another namespace or group.
fn is_service(target: &Value, name: &str, namespace: &str) -> bool {
    let is = |field: &str, wanted: &str| target[field].as_str().is_none_or(|said| said == wanted);
    target["name"] == name && is("kind", "Service") && is("group", "") && is("namespace", namespace)
}

/// A backend that is another Service and else the same.
fn renamed(target: &Value, name: &str) -> Value {
    let mut twin = target.clone();
    twin["name"] = json!(name);
    twin
}

fn grammar<'a>(is_stable: &'a dyn Fn(&Value) -> bool, is_canary: &'a dyn Fn(&Value) -> bool) -> Grammar<'a> {
    Grammar {
        targets: "backendRefs",
        is_stable,
        is_canary,
        most: MOST_WEIGHT,
        unsaid: 1,
    }
}

/// The spec as it is without a release.
fn user(route: &DynamicObject, kept: Option<&Value>, wiring: &Wiring<'_>) -> Value {
    let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
    let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
    let grammar = grammar(&is_stable, &is_canary);
    let (rules, _) = grammar.of_user(rules_of(&route.data["spec"]), kept.map(rules_of));
    let mut spec = route.data["spec"].as_object().cloned().unwrap_or_else(Map::new);
    if spec.contains_key("rules") || !rules.is_empty() {
        spec.insert("rules".to_owned(), rules.into());
    }
    spec.into()
}

/// What of the requests a route sends to the new version.
pub(super) fn share(route: &DynamicObject, wiring: &Wiring<'_>) -> Share {
    let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
    let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
    if !wiring.has_twin() {
        return Share::Percent(0);
    }
    grammar(&is_stable, &is_canary).share(rules_of(&route.data["spec"]))
}

fn rules_of(spec: &Value) -> &[Value] {
    spec["rules"].as_array().map_or(&[], Vec::as_slice)
}

fn name_of(route: &DynamicObject) -> String {
    route.metadata.name.clone().unwrap_or_default()
}

#[cfg(test)]
mod tests;
