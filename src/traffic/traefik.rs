//! Traefik's own objects, as untyped ones: TraefikService, IngressRoute and IngressRouteTCP divide requests among Services by
//! weight. Beyond upstream, which has nothing for them.
//!
//! Weights stand beside the stable Service wherever the object names it. Requests cannot be matched: the language of an
//! IngressRoute's rules differs between Traefik's versions, and its HTTPRoute can.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{
    Obstacle, Share, Split, Wiring,
    original::{self, Original},
    rules::Grammar,
};

/// A kind of object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Traefik {
    /// TraefikService with `weighted`: what an IngressRoute may name in place of a Service.
    Service,
    /// IngressRoute.
    Route,
    /// IngressRouteTCP.
    TcpRoute,
}

impl Traefik {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Service => "TraefikService",
            Self::Route => "IngressRoute",
            Self::TcpRoute => "IngressRouteTCP",
        }
    }

    /// Where the lists of Services stand in the spec: in a list of rules, or in one.
    fn field(self) -> &'static str {
        match self {
            Self::Service => "weighted",
            Self::Route | Self::TcpRoute => "routes",
        }
    }

    /// Whether this kind can express a split.
    ///
    /// # Errors
    /// What it cannot do.
    pub fn check(self, split: &Split<'_>) -> Result<(), String> {
        let kind = self.kind();
        if !split.matches.is_empty() {
            return Err(format!(
                "{kind} divides requests by weight and cannot match them; an HTTPRoute of Traefik can"
            ));
        }
        if split.header_modifier.is_some() {
            return Err(format!("{kind} cannot change request headers"));
        }
        Ok(())
    }

    fn rules(self, spec: &Value) -> Vec<Value> {
        match &spec[self.field()] {
            Value::Array(rules) => rules.clone(),
            Value::Object(_) => vec![spec[self.field()].clone()],
            _ => Vec::new(),
        }
    }

    /// The part of a spec that these rules are.
    fn part(self, mut rules: Vec<Value>) -> Value {
        match self {
            Self::Service => json!({ self.field(): rules.pop() }),
            Self::Route | Self::TcpRoute => json!({ self.field(): rules }),
        }
    }

    /// The spec with these rules.
    fn with(self, route: &DynamicObject, rules: Vec<Value>) -> Value {
        let mut spec = route.data["spec"].clone();
        let is_none = rules.is_empty() && spec[self.field()].is_null();
        if !is_none && let (Some(all), Value::Object(part)) = (spec.as_object_mut(), self.part(rules)) {
            all.extend(part);
        }
        spec
    }

    fn user(self, route: &DynamicObject, kept: Option<&Value>, grammar: &Grammar<'_>) -> Vec<Value> {
        let kept = kept.map(|kept| self.rules(kept));
        let (rules, _) = grammar.of_user(&self.rules(&route.data["spec"]), kept.as_deref());
        rules
    }

    /// The patch that makes an object split as asked; nothing when it does.
    ///
    /// # Errors
    /// It sends nothing to the Service, or what it was cannot be read.
    pub fn split(
        self,
        route: &DynamicObject,
        wiring: &Wiring<'_>,
        split: &Split<'_>,
    ) -> Result<Option<Value>, Obstacle> {
        if !wiring.has_twin() {
            return Err(Obstacle::NoTwin { kind: self.kind() });
        }
        let original = Original::read(route);
        let kept = original.spec(route)?;
        let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
        let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
        let grammar = grammar(&is_stable, &is_canary);
        let user = self.user(route, kept, &grammar);
        if !user.iter().any(|rule| grammar.is_ours(rule)) {
            return Err(Obstacle::NoRule {
                kind: self.kind(),
                name: route.metadata.name.clone().unwrap_or_default(),
                service: wiring.service.to_owned(),
            });
        }
        let twin = |target: &Value| {
            let mut twin = target.clone();
            twin["name"] = json!(wiring.canary);
            twin
        };
        let mut wanted = user.clone();
        for rule in wanted.iter_mut().filter(|rule| grammar.is_ours(rule)) {
            if let Some(targets) = grammar.divided(rule, split.percent(), &twin) {
                rule["services"] = targets.into();
            }
        }
        Ok(original::change(
            route,
            &self.part(user),
            &self.with(route, wanted),
        ))
    }

    /// The patch that gives an object the user's weights again; nothing when it has them.
    #[must_use]
    pub fn restore(self, route: &DynamicObject, wiring: &Wiring<'_>) -> Option<Value> {
        if !wiring.has_twin() {
            // Nothing of it can be ours.
            return None;
        }
        let original = Original::read(route);
        let kept = original.spec(route).unwrap_or(None);
        let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
        let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
        let user = self.user(route, kept, &grammar(&is_stable, &is_canary));
        original::give_back(route, &self.with(route, user))
    }

    /// What of the requests an object sends to the new version.
    #[must_use]
    pub fn share(self, route: &DynamicObject, wiring: &Wiring<'_>) -> Share {
        let is_stable = |target: &Value| is_service(target, wiring.service, wiring.namespace);
        let is_canary = |target: &Value| is_service(target, &wiring.canary, wiring.namespace);
        if !wiring.has_twin() {
            return Share::Percent(0);
        }
        grammar(&is_stable, &is_canary).share(&self.rules(&route.data["spec"]))
    }
}

/// Whether a target is this Service of the namespace, not a TraefikService of its name.
fn is_service(target: &Value, name: &str, namespace: &str) -> bool {
    let is = |field: &str, wanted: &str| target[field].as_str().is_none_or(|said| said == wanted);
    target["name"] == name && is("kind", "Service") && is("namespace", namespace)
}

fn grammar<'a>(is_stable: &'a dyn Fn(&Value) -> bool, is_canary: &'a dyn Fn(&Value) -> bool) -> Grammar<'a> {
    Grammar {
        targets: "services",
        is_stable,
        is_canary,
        most: u64::from(u32::MAX / 2),
        unsaid: 1,
    }
}

#[cfg(test)]
mod tests;
