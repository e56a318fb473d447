//! What a gateway does with a request, by the documented rules of ingress-nginx and of Gateway API.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddrV4,
};

use serde_json::Value;

use super::pod::on_loopback;

const NGINX: &str = "nginx.ingress.kubernetes.io/";

/// The first rule that a request fits says where it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) rules: Vec<Rule>,
    /// Ready endpoints of each `SERVICE-PORT`. One without any answers 503.
    pub(super) upstreams: BTreeMap<String, BTreeSet<SocketAddrV4>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) host: Option<String>,
    pub(super) path: Path,
    pub(super) tests: Vec<Test>,
    /// Weights of upstreams.
    pub(super) split: Vec<(u32, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Path {
    Exact(String),
    /// By elements: `/a` is for `/a/b`, not for `/ab`.
    Prefix(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) of: Of,
    pub(super) name: String,
    pub(super) value: Wanted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Of {
    Header,
    Cookie,
    Query,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Exactly(String),
    /// A regular expression, anchored by itself if it is to be.
    Like(String),
}

impl Table {
    /// The table of all Services, EndpointSlices, Ingresses and HTTPRoutes of a namespace.
    pub(super) fn of(objects: &[Value]) -> Self {
        let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
        let ingresses: Vec<&Value> = of_kind("Ingress").collect();
        let mut rules: Vec<Rule> = of_ingresses(&ingresses);
        rules.extend(of_kind("HTTPRoute").flat_map(of_route));
        // Paths: exact before prefixes, long before short; then whoever asks for more. Equals keep their order.
        rules.sort_by_key(|rule| {
            let (prefix, length) = match &rule.path {
                Path::Exact(path) => (false, path.len()),
                Path::Prefix(path) => (true, path.len()),
            };
            (rule.host.clone(), prefix, std::cmp::Reverse(length))
        });
        let slices: Vec<&Value> = of_kind("EndpointSlice").collect();
        let upstreams = of_kind("Service")
            .flat_map(|service| upstreams_of(service, &slices))
            .collect();
        Self { rules, upstreams }
    }

    /// The upstreams that any request may reach.
    pub(super) fn reached(&self) -> BTreeSet<&str> {
        let splits = self.rules.iter().flat_map(|rule| &rule.split);
        splits
            .filter(|(weight, _)| *weight > 0)
            .map(|(_, upstream)| upstream.as_str())
            .collect()
    }

    /// Endpoints of an upstream; none when its Service is not there.
    pub(super) fn endpoints(&self, upstream: &str) -> impl Iterator<Item = &SocketAddrV4> {
        self.upstreams.get(upstream).into_iter().flatten()
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is not a text"))
        .to_owned()
}

fn weight(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

/// The endpoints that are ready of each port.
fn upstreams_of(service: &Value, slices: &[&Value]) -> Vec<(String, BTreeSet<SocketAddrV4>)> {
    let name = text(&service["metadata"]["name"]);
    let of_port = |port: &Value| {
        let mut endpoints = BTreeSet::new();
        for slice in slices {
            if slice["metadata"]["labels"]["kubernetes.io/service-name"] != name.as_str() {
                continue;
            }
            let named = |candidate: &&Value| {
                candidate["name"].as_str().unwrap_or("") == port["name"].as_str().unwrap_or("")
            };
            let Some(number) = list(&slice["ports"])
                .find(named)
                .map(|port| weight(&port["port"]))
            else {
                continue;
            };
            for endpoint in
                list(&slice["endpoints"]).filter(|endpoint| endpoint["conditions"]["ready"] != false)
            {
                let ip = on_loopback(&text(&endpoint["addresses"][0]));
                endpoints.insert(SocketAddrV4::new(ip, u16::try_from(number).unwrap()));
            }
        }
        (format!("{name}-{}", port["port"]), endpoints)
    };
    list(&service["spec"]["ports"]).map(of_port).collect()
}

/// A path of an Ingress, with the host of its rule.
fn paths(ingress: &Value) -> Vec<(Option<String>, Path, String)> {
    let mut paths = Vec::new();
    for rule in list(&ingress["spec"]["rules"]) {
        let host = rule["host"].as_str().map(str::to_owned);
        for path in list(&rule["http"]["paths"]) {
            let at = text(&path["path"]);
            let how = if path["pathType"] == "Exact" {
                Path::Exact(at)
            } else {
                Path::Prefix(at)
            };
            let service = &path["backend"]["service"];
            let upstream = format!("{}-{}", text(&service["name"]), service["port"]["number"]);
            paths.push((host.clone(), how, upstream));
        }
    }
    paths
}

/// The rules of class nginx: a canary Ingress changes what the one with the same host and path does; header before cookie
/// before weight.
fn of_ingresses(ingresses: &[&Value]) -> Vec<Rule> {
    let annotation = |ingress: &Value, name: &str| {
        ingress["metadata"]["annotations"][format!("{NGINX}{name}")]
            .as_str()
            .map(str::to_owned)
    };
    let is_canary = |ingress: &&&Value| annotation(ingress, "canary").as_deref() == Some("true");
    let mut rules = Vec::new();
    for ingress in ingresses.iter().filter(|ingress| !is_canary(ingress)) {
        assert_eq!(ingress["spec"]["ingressClassName"], "nginx", "{ingress:#}");
        for (host, path, stable) in paths(ingress) {
            let rule = |tests: Vec<Test>, split: Vec<(u32, String)>| Rule {
                host: host.clone(),
                path: path.clone(),
                tests,
                split,
            };
            let canary = ingresses.iter().filter(is_canary).find_map(|canary| {
                let of_it = |(at, how, _): &(Option<String>, Path, String)| *at == host && *how == path;
                Some((canary, paths(canary).into_iter().find(of_it)?.2))
            });
            let Some((canary, new)) = canary else {
                rules.push(rule(Vec::new(), vec![(100, stable)]));
                continue;
            };
            let mut test = |of: Of, name: &str, value: Wanted, upstream: &String| {
                let name = name.to_owned();
                rules.push(rule(
                    vec![Test { of, name, value }],
                    vec![(100, upstream.clone())],
                ));
            };
            let header = annotation(canary, "canary-by-header");
            let cookie = annotation(canary, "canary-by-cookie");
            for (of, name) in [(Of::Header, header), (Of::Cookie, cookie)] {
                let Some(name) = name else { continue };
                let value = annotation(canary, "canary-by-header-value").filter(|_| of == Of::Header);
                let pattern = annotation(canary, "canary-by-header-pattern").filter(|_| of == Of::Header);
                match (value, pattern) {
                    (Some(value), _) => test(of, &name, Wanted::Exactly(value), &new),
                    (None, Some(pattern)) => test(of, &name, Wanted::Like(pattern), &new),
                    (None, None) => {
                        test(of, &name, Wanted::Exactly("always".to_owned()), &new);
                        test(of, &name, Wanted::Exactly("never".to_owned()), &stable);
                    }
                }
            }
            let share = annotation(canary, "canary-weight").map_or(0, |share| share.parse().unwrap());
            rules.push(rule(Vec::new(), vec![(share, new), (100 - share, stable)]));
        }
    }
    rules
}

/// The rules of an HTTPRoute; among equal paths, those with more headers, then more query parameters, come first.
fn of_route(route: &Value) -> Vec<Rule> {
    let hosts: Vec<Option<String>> = match list(&route["spec"]["hostnames"]).map(text).collect::<Vec<_>>() {
        hosts if hosts.is_empty() => vec![None],
        hosts => hosts.into_iter().map(Some).collect(),
    };
    let mut rules = Vec::new();
    for rule in list(&route["spec"]["rules"]) {
        let split: Vec<(u32, String)> = list(&rule["backendRefs"])
            .map(|backend| {
                assert!(backend["filters"].is_null(), "no filter is known: {backend:#}");
                let share = if backend["weight"].is_null() {
                    1
                } else {
                    weight(&backend["weight"])
                };
                (share, format!("{}-{}", text(&backend["name"]), backend["port"]))
            })
            .collect();
        assert!(rule["filters"].is_null(), "no filter is known: {rule:#}");
        for matched in list(&rule["matches"]) {
            assert!(matched["method"].is_null(), "no method is known: {matched:#}");
            let path = match matched["path"]["type"].as_str() {
                Some("Exact") => Path::Exact(text(&matched["path"]["value"])),
                Some("PathPrefix") => Path::Prefix(text(&matched["path"]["value"])),
                other => panic!("{other:?} is no known type of a path"),
            };
            let test = |of: Of| {
                move |test: &Value| Test {
                    of,
                    name: text(&test["name"]),
                    value: match test["type"].as_str() {
                        Some("RegularExpression") => Wanted::Like(format!("^(?:{})$", text(&test["value"]))),
                        _ => Wanted::Exactly(text(&test["value"])),
                    },
                }
            };
            let headers = list(&matched["headers"]).map(test(Of::Header));
            let tests: Vec<Test> = headers
                .chain(list(&matched["queryParams"]).map(test(Of::Query)))
                .collect();
            let order = tests.iter().filter(|test| test.of == Of::Header).count() * 100 + tests.len();
            for host in &hosts {
                let rule = Rule {
                    host: host.clone(),
                    path: path.clone(),
                    tests: tests.clone(),
                    split: split.clone(),
                };
                rules.push((std::cmp::Reverse(order), rule));
            }
        }
    }
    rules.sort_by_key(|(order, _)| *order);
    rules.into_iter().map(|(_, rule)| rule).collect()
}
