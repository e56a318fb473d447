//! A table as HAProxy's configuration.

use std::{fmt::Write, net::SocketAddrV4};

use super::{
    nginx::GENERATION,
    table::{Of, Path, Rule, Table, Test, Wanted},
};

/// The configuration; whatever fails is told to the client, nothing is tried again elsewhere.
pub(super) fn configuration(table: &Table, listen: SocketAddrV4, generation: u64) -> String {
    let mut dice = String::new();
    let mut choice = String::new();
    for (number, rule) in table.rules.iter().enumerate() {
        let fits = condition(rule);
        let total: u32 = rule.split.iter().map(|(weight, _)| weight).sum();
        writeln!(
            dice,
            "  http-request set-var(txn.dice{number}) rand({})",
            total.max(1)
        )
        .unwrap();
        let mut below = 0;
        for (weight, upstream) in rule.split.iter().filter(|(weight, _)| *weight > 0) {
            below += weight;
            let known = table.upstreams.contains_key(upstream);
            let upstream = if known { upstream } else { "none" };
            writeln!(
                choice,
                "  use_backend {upstream} if {fits}{{ var(txn.dice{number}) -m int lt {below} }}"
            )
            .unwrap();
        }
    }
    let mut backends = String::new();
    for (name, endpoints) in &table.upstreams {
        writeln!(backends, "backend {name}").unwrap();
        for (number, endpoint) in endpoints.iter().enumerate() {
            writeln!(backends, "  server s{number} {endpoint}").unwrap();
        }
    }
    format!(
        "\
global
  maxconn 1000
  nbthread 1
defaults
  mode http
  retries 0
  option httpclose
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend gateway
  bind {listen}
{dice}{choice}  http-after-response set-header {GENERATION} {generation}
  default_backend none
backend none
{backends}"
    )
}

fn condition(rule: &Rule) -> String {
    let mut all = String::new();
    let mut fits = |condition: String| write!(all, "{{ {condition} }} ").unwrap();
    if let Some(host) = &rule.host {
        fits(format!("hdr(host) -i {}", word(host)));
    }
    match &rule.path {
        Path::Exact(path) => fits(format!("path {}", word(path))),
        Path::Prefix(path) if path == "/" => {}
        Path::Prefix(path) => fits(format!("path -m reg ^{}(/|$)", word(path))),
    }
    for Test { of, name, value } in &rule.tests {
        let sample = match of {
            Of::Header => "req.hdr",
            Of::Cookie => "req.cook",
            Of::Query => "url_param",
        };
        let (how, value) = match value {
            Wanted::Exactly(value) => ("str", value),
            Wanted::Like(pattern) => ("reg", pattern),
        };
        fits(format!("{sample}({name}) -m {how} {}", word(value)));
    }
    all
}

fn word(text: &str) -> &str {
    let special = |c: char| c.is_whitespace() || ['"', '\\', '\'', '#', '{', '}'].contains(&c);
    assert!(!text.contains(special), "{text} cannot be written for HAProxy");
    text
}
