//! A table as nginx's configuration.

use std::{fmt::Write, net::SocketAddrV4};

use super::table::{Of, Path, Table, Test, Wanted};

/// Names the configuration that a request met.
pub(super) const GENERATION: &str = "x-generation";

/// The configuration; whatever fails is told to the client, nothing is tried again elsewhere.
pub(super) fn configuration(table: &Table, listen: SocketAddrV4, generation: u64) -> String {
    let mut http = String::new();
    for (name, endpoints) in table
        .upstreams
        .iter()
        .filter(|(_, endpoints)| !endpoints.is_empty())
    {
        let servers: String = endpoints
            .iter()
            .map(|endpoint| format!(" server {endpoint} max_fails=0;"))
            .collect();
        writeln!(http, "  upstream {name} {{{servers} }}").unwrap();
    }
    // Every rule that fits overwrites what a later one said.
    let mut choice = String::new();
    for (number, rule) in table.rules.iter().enumerate().rev() {
        let total: u32 = rule.split.iter().map(|(weight, _)| weight).sum();
        let mut parts = String::new();
        let weighted: Vec<_> = rule.split.iter().filter(|(weight, _)| *weight > 0).collect();
        for (place, (weight, upstream)) in weighted.iter().enumerate() {
            let share = if place + 1 == weighted.len() {
                "*".to_owned()
            } else {
                format!("{:.2}%", f64::from(*weight) * 100.0 / f64::from(total))
            };
            let known = table.endpoints(upstream).next().is_some();
            write!(parts, " {share} {};", if known { upstream } else { "none" }).unwrap();
        }
        writeln!(http, "  split_clients $request_id $split{number} {{{parts} }}").unwrap();
        choice.push_str("    set $fits 1;\n");
        let mut unless =
            |condition: String| writeln!(choice, "    if ({condition}) {{ set $fits 0; }}").unwrap();
        if let Some(host) = &rule.host {
            unless(format!("$host != {}", quoted(host)));
        }
        match &rule.path {
            Path::Exact(path) => unless(format!("$uri != {}", quoted(path))),
            Path::Prefix(path) if path == "/" => {}
            Path::Prefix(path) => unless(format!("$uri !~ {}", quoted(&format!("^{path}(/|$)")))),
        }
        for test in &rule.tests {
            unless(failed(test));
        }
        writeln!(choice, "    if ($fits) {{ set $upstream $split{number}; }}").unwrap();
    }
    format!(
        "\
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
{http}  server {{
    listen {listen};
    add_header {GENERATION} {generation} always;
    set $upstream absent;
{choice}    if ($upstream = absent) {{ return 404; }}
    if ($upstream = none) {{ return 503; }}
    location / {{
      proxy_pass http://$upstream;
      proxy_next_upstream off;
      proxy_connect_timeout 5s;
    }}
  }}
}}
"
    )
}

/// The condition under which a test fails.
fn failed(test: &Test) -> String {
    let name = test.name.to_lowercase().replace('-', "_");
    let variable = match test.of {
        Of::Header => format!("$http_{name}"),
        Of::Cookie => format!("$cookie_{}", test.name),
        Of::Query => format!("$arg_{}", test.name),
    };
    match &test.value {
        Wanted::Exactly(value) => format!("{variable} != {}", quoted(value)),
        Wanted::Like(pattern) => format!("{variable} !~ {}", quoted(pattern)),
    }
}

fn quoted(text: &str) -> String {
    assert!(!text.contains(['"', '\\']), "{text} cannot be written for nginx");
    format!("\"{text}\"")
}
