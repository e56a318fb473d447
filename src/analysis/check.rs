//! What is wrong with a template, found before anything is measured.

use std::fmt;

use super::{condition, period};
use crate::api::analysis_template::{
    AnalysisTemplateSpec, Authentication, Metric, OnFailure, Prometheus, Source, Tls, Web,
};

/// Shortest time between two measurements, in milliseconds: less would only load the server.
const SHORTEST_MILLIS: i64 = 100;

/// One thing that is wrong: where, what, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where: `analysistemplate/success-rate: spec.metrics[0].successCondition`.
    pub field: String,
    /// What, and what helps.
    pub message: String,
}

impl Problem {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// What is found at one place, one after the other.
pub(super) struct Findings<'a> {
    place: String,
    all: &'a mut Vec<Problem>,
}

impl<'a> Findings<'a> {
    pub(super) fn at(place: String, all: &'a mut Vec<Problem>) -> Self {
        Self { place, all }
    }

    fn say(&mut self, field: &str, message: impl Into<String>) {
        self.all
            .push(Problem::new(format!("{}{field}", self.place), message));
    }

    fn inside(&mut self, field: &str) -> Findings<'_> {
        Findings {
            place: format!("{}{field}", self.place),
            all: self.all,
        }
    }

    /// A time, if there is one, must be one.
    fn time(&mut self, field: &str, text: Option<&String>, at_least: i64) {
        let Some(text) = text else { return };
        match period(text) {
            Some(time) if time.as_millis() >= i128::from(at_least) => {}
            Some(_) => self.say(field, format!("{text:?} is too short; at least {at_least}ms")),
            None => self.say(field, format!("{text:?} is not a time; write 30s, 5m or 1h30m")),
        }
    }
}

/// Checks a template with its args in place. Only one that the user gave in a file is trusted with programs and files.
pub(super) fn template(place: &str, spec: &AnalysisTemplateSpec, is_trusted: bool) -> Vec<Problem> {
    let mut all = Vec::new();
    let mut found = Findings::at(format!("{place}: spec."), &mut all);
    if let Some(OnFailure::Other(word)) = &spec.on_failure {
        found.say("onFailure", format!("{word:?} is neither Pause nor Rollback"));
    }
    if spec.metrics.is_empty() {
        found.say("metrics", "there are none; a template measures something");
    }
    for (index, one) in spec.metrics.iter().enumerate() {
        if spec
            .metrics
            .iter()
            .take(index)
            .any(|other| other.name == one.name)
        {
            found.say(
                &format!("metrics[{index}].name"),
                format!("there is another metric {:?}", one.name),
            );
        }
        metric(found.inside(&format!("metrics[{index}].")), one, is_trusted);
    }
    all
}

fn metric(mut found: Findings<'_>, metric: &Metric, is_trusted: bool) {
    if metric.name.is_empty() {
        found.say("name", "is empty");
    }
    found.time("interval", metric.interval.as_ref(), SHORTEST_MILLIS);
    found.time("initialDelay", metric.initial_delay.as_ref(), 0);
    if metric.interval.is_none() && metric.count.is_some_and(|count| count > 1) {
        found.say(
            "interval",
            "is missing; several measurements need a time between them",
        );
    }
    for (field, number, least) in [
        ("count", metric.count, 0),
        ("failureLimit", metric.failure_limit, -1),
        ("inconclusiveLimit", metric.inconclusive_limit, -1),
        ("consecutiveErrorLimit", metric.consecutive_error_limit, -1),
        ("consecutiveSuccessLimit", metric.consecutive_success_limit, 0),
    ] {
        if let Some(number) = number.filter(|number| *number < least) {
            found.say(field, format!("{number} is less than {least}"));
        }
    }
    let (count, wanted) = (
        metric.count.unwrap_or(0),
        metric.consecutive_success_limit.unwrap_or(0),
    );
    if count > 0 && wanted > count {
        found.say(
            "consecutiveSuccessLimit",
            format!("{wanted} good measurements cannot come out of {count}; raise count"),
        );
    }
    for (field, condition) in [
        ("successCondition", &metric.success_condition),
        ("failureCondition", &metric.failure_condition),
    ] {
        if let Some(problem) = condition.as_ref().and_then(|text| condition::problem(text)) {
            found.say(field, problem);
        }
    }
    let provider = &metric.provider;
    let given = usize::from(provider.prometheus.is_some())
        + usize::from(provider.web.is_some())
        + usize::from(provider.command.is_some());
    if given != 1 {
        found.say("provider", "name exactly one of prometheus, web, command");
    }
    if let Some(one) = &provider.prometheus {
        prometheus(found.inside("provider.prometheus."), one, is_trusted);
    }
    if let Some(one) = &provider.web {
        web(found.inside("provider.web."), one, is_trusted);
    }
    if let Some(one) = &provider.command {
        let mut found = found.inside("provider.command.");
        found.time("timeout", one.timeout.as_ref(), 1);
        if one.command.first().is_none_or(String::is_empty) {
            found.say("command", "names no program");
        }
        if !is_trusted {
            found.say(
                "command",
                "a template of the cluster may not start programs where the engine runs; give it with --analysis FILE",
            );
        }
    }
}

fn prometheus(mut found: Findings<'_>, one: &Prometheus, is_trusted: bool) {
    match (&one.address, &one.service) {
        (Some(address), None) => url(&mut found, "address", address),
        (None, Some(service)) => {
            for (field, text) in [("service.name", &service.name), ("service.port", &service.port)] {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
                if text.is_empty() || !text.chars().all(is_word) {
                    found.say(field, format!("{text:?} is not a name"));
                }
            }
            // These two become part of a path that is asked for with the engine's own rights.
            let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
            if let Some(text) = service.namespace.as_deref()
                && (text.is_empty() || !text.chars().all(is_label))
            {
                found.say("service.namespace", format!("{text:?} is not a name"));
            }
            if let Some(text) = service.path.as_deref()
                && (text.contains(['?', '#', '%']) || text.split('/').any(|part| part == ".."))
            {
                found.say("service.path", format!("{text:?} is not a plain path"));
            }
            let scheme = service.scheme.as_deref().unwrap_or("http");
            if !matches!(scheme, "http" | "https") {
                found.say("service.scheme", format!("{scheme:?} is neither http nor https"));
            }
            if one.authentication.is_some() || one.tls.is_some() {
                found.say(
                    "service",
                    "the API server speaks to the Service in its own name: authentication and tls need an address",
                );
            }
        }
        _ => found.say("address", "name either an address or a service"),
    }
    found.time("timeout", one.timeout.as_ref(), 1);
    match (&one.query, one.queries.is_empty()) {
        (Some(text), true) => query(&mut found, "query", text),
        (None, false) => {
            for (name, text) in &one.queries {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if !name.chars().all(is_word) || name.starts_with(|c: char| c.is_ascii_digit()) {
                    found.say(
                        "queries",
                        format!("{name:?} cannot be a field of result; use letters, digits and _"),
                    );
                }
                query(&mut found, &format!("queries.{name}"), text);
            }
        }
        _ => found.say("query", "give either a query or queries"),
    }
    secrets(found, one.authentication.as_ref(), one.tls.as_ref(), is_trusted);
}

fn web(mut found: Findings<'_>, one: &Web, is_trusted: bool) {
    url(&mut found, "url", &one.url);
    found.time("timeout", one.timeout.as_ref(), 1);
    if let Some(method) = one
        .method
        .as_ref()
        .filter(|method| !matches!(method.as_str(), "GET" | "POST" | "PUT"))
    {
        found.say("method", format!("{method:?} is not GET, POST or PUT"));
    }
    for (index, header) in one.headers.iter().enumerate() {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if header.key.is_empty() || !header.key.chars().all(is_token) {
            found.say(
                &format!("headers[{index}].key"),
                format!("{:?} is not the name of a header", header.key),
            );
        }
        if header.value.chars().any(char::is_control) {
            found.say(
                &format!("headers[{index}].value"),
                "has characters that a header cannot have",
            );
        }
    }
    secrets(found, one.authentication.as_ref(), one.tls.as_ref(), is_trusted);
}

fn url(found: &mut Findings<'_>, field: &str, text: &str) {
    let after = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let Some(after) = after else {
        found.say(field, "is not a URL that begins with http:// or https://");
        return;
    };
    let host = after.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        // Not shown: it holds a password.
        found.say(
            field,
            "has credentials in it; use authentication, which is never shown",
        );
    } else if host.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        found.say(field, "is not a URL: it names no host, or has spaces in it");
    }
}

/// A query must answer one value for each series: what ends in a range selector answers a range.
fn query(found: &mut Findings<'_>, field: &str, text: &str) {
    let mut rest = text.trim();
    if rest.is_empty() {
        found.say(field, "is empty");
        return;
    }
    for word in [" offset ", " @ "] {
        if let Some((before, after)) = rest.rsplit_once(word)
            && !after.contains([')', ']', '}'])
        {
            rest = before.trim_end();
        }
    }
    if rest.ends_with(']') {
        found.say(
            field,
            "answers a range, not one value for each series; put it into a function such as rate() or avg_over_time()",
        );
    }
}

fn secrets(
    mut found: Findings<'_>,
    authentication: Option<&Authentication>,
    tls: Option<&Tls>,
    is_trusted: bool,
) {
    let mut source = |field: &str, source: &Source| {
        match (&source.secret_key_ref, &source.file) {
            (Some(key), None) if !key.name.is_empty() && !key.key.is_empty() => {}
            (None, Some(_)) if is_trusted => {}
            (None, Some(_)) => found.say(
                &format!("{field}.file"),
                "a template of the cluster may not read files where the engine runs; use secretKeyRef, or --analysis FILE",
            ),
            _ => found.say(field, "name either a secretKeyRef (name and key) or a file"),
        }
    };
    if let Some(ca) = tls.and_then(|tls| tls.ca.as_ref()) {
        source("tls.ca", ca);
    }
    if let Some(token) = authentication.and_then(|all| all.bearer_token.as_ref()) {
        source("authentication.bearerToken", token);
    }
    if let Some(basic) = authentication.and_then(|all| all.basic.as_ref()) {
        source("authentication.basic.password", &basic.password);
    }
    if authentication.is_some_and(|all| all.bearer_token.is_some() == all.basic.is_some()) {
        found.say("authentication", "name either a bearerToken or basic");
    }
}
