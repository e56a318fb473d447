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
    /// The stable upstream, when an Ingress splits its requests.
    pub(super) canary_of: Option<String>,
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
        Self { rules, upstreams }.without_orphans()
    }

    /// ingress-nginx asks the stable Service's endpoints first, even for a request that is the canary's: without any, it
    /// answers 503.
    fn without_orphans(mut self) -> Self {
        let is_empty = |service: &String| self.upstreams.get(service).is_none_or(BTreeSet::is_empty);
        for rule in &mut self.rules {
            if let Some(stable) = rule.canary_of.as_ref().filter(|stable| is_empty(stable)) {
                rule.split = vec![(100, stable.clone())];
            }
        }
        self
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
                canary_of: Some(stable.clone()),
            };
            let canary = ingresses.iter().filter(is_canary).find_map(|canary| {
                let of_it = |(at, how, _): &(Option<String>, Path, String)| *at == host && *how == path;
                Some((canary, paths(canary).into_iter().find(of_it)?.2))
            });
            let Some((canary, new)) = canary else {
                rules.push(rule(Vec::new(), vec![(100, stable.clone())]));
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
            rules.push(rule(
                Vec::new(),
                vec![(share, new), (100 - share, stable.clone())],
            ));
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
                    canary_of: None,
                };
                rules.push((std::cmp::Reverse(order), rule));
            }
        }
    }
    rules.sort_by_key(|(order, _)| *order);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(objects: &[Value]) -> String {
        let table = Table::of(objects);
        let rule = |rule: &Rule| {
            let tests: Vec<String> = rule
                .tests
                .iter()
                .map(|test| format!("{:?} {} {:?}", test.of, test.name, test.value))
                .collect();
            format!("{:?} [{}] {:?}", rule.path, tests.join(", "), rule.split)
        };
        let mut lines: Vec<String> = table.rules.iter().map(rule).collect();
        lines.extend(table.upstreams.iter().map(|upstream| format!("{upstream:?}")));
        lines.join("\n")
    }

    fn ingress(name: &str, service: &str, annotations: &Value) -> Value {
        let path = |at: &str, kind: &str| {
            json!({ "path": at, "pathType": kind,
                "backend": { "service": { "name": service, "port": { "number": 80 } } } })
        };
        json!({ "kind": "Ingress", "metadata": { "name": name, "annotations": annotations }, "spec": {
            "ingressClassName": "nginx",
            "rules": [{ "host": "h", "http": { "paths": [path("/", "Prefix"), path("/a", "Exact")] } }] } })
    }

    fn service(name: &str, ready: &[bool]) -> [Value; 2] {
        let endpoint = |(number, ready): (usize, &bool)| json!({ "addresses": [format!("10.1.2.{number}")], "conditions": { "ready": ready } });
        let endpoints: Vec<Value> = ready.iter().enumerate().map(endpoint).collect();
        [
            json!({ "kind": "Service", "metadata": { "name": name }, "spec": { "ports": [{ "name": "http", "port": 80 }] } }),
            json!({ "kind": "EndpointSlice", "metadata": { "labels": { "kubernetes.io/service-name": name } },
                "ports": [{ "name": "http", "port": 8080 }], "endpoints": endpoints }),
        ]
    }

    #[test]
    fn a_canary_ingress_goes_by_header_then_cookie_then_weight() {
        let annotation = |pairs: &[(&str, &str)]| -> Value {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (format!("{NGINX}{name}"), json!(value)));
            Value::Object(pairs.collect())
        };
        let table = [
            annotation(&[("canary", "true"), ("canary-weight", "20")]),
            annotation(&[
                ("canary", "true"),
                ("canary-by-header", "x"),
                ("canary-by-header-value", "1"),
            ]),
            annotation(&[
                ("canary", "true"),
                ("canary-by-header", "x"),
                ("canary-by-header-pattern", "1.*"),
                ("canary-by-cookie", "c"),
                ("canary-weight", "5"),
            ]),
            annotation(&[("canary", "true"), ("canary-by-header", "x")]),
        ];
        let mut said = String::new();
        for annotations in table {
            let mut objects = vec![
                ingress("s", "s", &json!({})),
                ingress("s-canary", "n", &annotations),
            ];
            objects[1]["spec"]["rules"][0]["http"]["paths"]
                .as_array_mut()
                .unwrap()
                .pop();
            objects.extend(service("s", &[true]));
            objects.extend(service("n", &[true, false]));
            said.push_str(&shown(&objects));
            said.push_str("\n\n");
        }
        insta::assert_snapshot!(said, @r#"
        Exact("/a") [] [(100, "s-80")]
        Prefix("/") [] [(20, "n-80"), (80, "s-80")]
        ("n-80", {127.1.2.0:8080})
        ("s-80", {127.1.2.0:8080})

        Exact("/a") [] [(100, "s-80")]
        Prefix("/") [Header x Exactly("1")] [(100, "n-80")]
        Prefix("/") [] [(0, "n-80"), (100, "s-80")]
        ("n-80", {127.1.2.0:8080})
        ("s-80", {127.1.2.0:8080})

        Exact("/a") [] [(100, "s-80")]
        Prefix("/") [Header x Like("1.*")] [(100, "n-80")]
        Prefix("/") [Cookie c Exactly("always")] [(100, "n-80")]
        Prefix("/") [Cookie c Exactly("never")] [(100, "s-80")]
        Prefix("/") [] [(5, "n-80"), (95, "s-80")]
        ("n-80", {127.1.2.0:8080})
        ("s-80", {127.1.2.0:8080})

        Exact("/a") [] [(100, "s-80")]
        Prefix("/") [Header x Exactly("always")] [(100, "n-80")]
        Prefix("/") [Header x Exactly("never")] [(100, "s-80")]
        Prefix("/") [] [(0, "n-80"), (100, "s-80")]
        ("n-80", {127.1.2.0:8080})
        ("s-80", {127.1.2.0:8080})
        "#);
        // Without stable endpoints a canary serves nobody.
        let mut objects = vec![
            ingress("s", "s", &json!({})),
            ingress(
                "s-canary",
                "n",
                &annotation(&[("canary", "true"), ("canary-weight", "100")]),
            ),
        ];
        objects.extend(service("s", &[false]));
        objects.extend(service("n", &[true]));
        insta::assert_snapshot!(shown(&objects), @r#"
        Exact("/a") [] [(100, "s-80")]
        Prefix("/") [] [(100, "s-80")]
        ("n-80", {127.1.2.0:8080})
        ("s-80", {})
        "#);
    }

    #[test]
    fn a_route_goes_by_path_then_headers_then_query() {
        let rule = |matches: Value, weights: [u32; 2]| {
            let backend = |(name, weight)| json!({ "name": name, "port": 80, "weight": weight });
            json!({ "matches": matches, "backendRefs": [backend(("s", weights[0])), backend(("n", weights[1]))] })
        };
        let path = |kind: &str, at: &str| json!({ "type": kind, "value": at });
        let header = json!([{ "name": "x", "value": "1.*", "type": "RegularExpression" }]);
        let query = json!([{ "name": "q", "value": "1", "type": "Exact" }]);
        let route = json!({ "kind": "HTTPRoute", "spec": { "hostnames": ["h"], "rules": [
            rule(json!([{ "path": path("PathPrefix", "/") }]), [1, 0]),
            rule(json!([{ "path": path("PathPrefix", "/a") }, { "path": path("Exact", "/a") }]), [80, 20]),
            rule(json!([{ "path": path("PathPrefix", "/a"), "queryParams": query }]), [0, 2]),
            rule(json!([{ "path": path("PathPrefix", "/a"), "headers": header }]), [0, 1]),
        ] } });
        insta::assert_snapshot!(shown(&[route]), @r#"
        Exact("/a") [] [(80, "s-80"), (20, "n-80")]
        Prefix("/a") [Header x Like("^(?:1.*)$")] [(0, "s-80"), (1, "n-80")]
        Prefix("/a") [Query q Exactly("1")] [(0, "s-80"), (2, "n-80")]
        Prefix("/a") [] [(80, "s-80"), (20, "n-80")]
        Prefix("/") [] [(1, "s-80"), (0, "n-80")]
        "#);
    }
}
