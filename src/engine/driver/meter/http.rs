//! Prometheus and web servers as providers.

use std::io::ErrorKind;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Map, Value, json};

use crate::{
    analysis::{self, Fault},
    api::analysis_template::{Authentication, Prometheus, Source, Tls, Web},
};

/// Most that is read of an answer, in bytes.
const LARGEST: usize = 1 << 20;

/// The place of instant queries.
const QUERY: &str = "/api/v1/query";

/// Asks a Prometheus server; several queries one after the other.
pub(super) async fn prometheus(cluster: &Client, namespace: &str, one: &Prometheus) -> Result<Value, Fault> {
    let (client, path, host) = match (&one.address, &one.service) {
        (Some(address), _) => {
            let address = address.trim_end_matches('/');
            let client = client(
                cluster,
                namespace,
                address,
                one.authentication.as_ref(),
                one.tls.as_ref(),
            )
            .await?;
            (client, QUERY.to_owned(), host_of(address))
        }
        (None, Some(service)) => {
            let home = service.namespace.as_deref().unwrap_or(namespace);
            let scheme = service.scheme.as_deref().unwrap_or("http");
            let before = service.path.as_deref().unwrap_or_default().trim_matches('/');
            let before = if before.is_empty() {
                String::new()
            } else {
                format!("/{before}")
            };
            let path = format!(
                "/api/v1/namespaces/{home}/services/{scheme}:{}:{}/proxy{before}{QUERY}",
                service.name, service.port
            );
            (cluster.clone(), path, "the API server".to_owned())
        }
        (None, None) => return Err(Fault::lasting("no server is named")),
    };
    let ask = async |query: &str| {
        let form = [(
            header::CONTENT_TYPE,
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let body = format!("query={}", escaped(query)).into_bytes();
        let (status, text) = send((&client, &host), Method::POST, &path, &form, body).await?;
        // It answers a query that it cannot answer with an error status and its own words.
        let said = serde_json::from_str::<Value>(&text).unwrap_or_default();
        let is_servers = said["kind"] == "Status";
        if status.is_success() || said["status"].is_string() && !is_servers {
            analysis::prometheus(&text)
        } else if is_servers && one.service.is_some() {
            Err(unproxied(status))
        } else {
            Err(refused(status))
        }
    };
    if let Some(query) = &one.query {
        return ask(query).await;
    }
    let mut all = Map::new();
    for (name, query) in &one.queries {
        all.insert(name.clone(), ask(query).await?);
    }
    Ok(Value::Object(all))
}

/// Asks a web server.
pub(super) async fn web(cluster: &Client, namespace: &str, one: &Web) -> Result<Value, Fault> {
    let wrong = |_| Fault::lasting("the url cannot be read");
    let uri: http::Uri = one.url.parse().map_err(wrong)?;
    let server = format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority()
            .map(http::uri::Authority::as_str)
            .unwrap_or_default()
    );
    let client = client(
        cluster,
        namespace,
        &server,
        one.authentication.as_ref(),
        one.tls.as_ref(),
    )
    .await?;
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let method = match one.method.as_deref() {
        Some("POST") => Method::POST,
        Some("PUT") => Method::PUT,
        _ => Method::GET,
    };
    let mut headers = Vec::new();
    for header in &one.headers {
        let name = header
            .key
            .parse::<header::HeaderName>()
            .map_err(|_| Fault::lasting("a header cannot be sent"))?;
        headers.push((name, header.value.clone()));
    }
    let body = one.body.clone().unwrap_or_default().into_bytes();
    let (status, text) = send((&client, &host_of(&server)), method, path, &headers, body).await?;
    if !status.is_success() {
        return Err(refused(status));
    }
    serde_json::from_str(&text).map_err(|_| Fault::passing("the answer is not JSON"))
}

/// What an API server means that does not ask the Service behind it.
fn unproxied(status: StatusCode) -> Fault {
    Fault::passing(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the API server does not let the engine ask the Service: it needs the right to create services/proxy".to_owned()
        }
        StatusCode::NOT_FOUND => "the API server knows no such Service".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE => {
            "the Service has no endpoint that the API server reaches at this port".to_owned()
        }
        _ => format!("the API server answers HTTP {}", status.as_u16()),
    })
}

fn refused(status: StatusCode) -> Fault {
    Fault::passing(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("HTTP {}: the credentials are missing or wrong", status.as_u16())
        }
        _ => format!("HTTP {}", status.as_u16()),
    })
}

async fn send(
    (client, host): (&Client, &str),
    method: Method,
    path: &str,
    headers: &[(header::HeaderName, String)],
    body: Vec<u8>,
) -> Result<(StatusCode, String), Fault> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Body::from(body))
        .map_err(|_| Fault::lasting("the request cannot be made"))?;
    let response = client
        .send(request)
        .await
        .map_err(|error| Fault::passing(format!("{host} cannot be reached: {}", unreached(&error))))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST).collect().await;
    let bytes = body
        .map_err(|_| Fault::passing("the answer breaks off, or is too large"))?
        .to_bytes();
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Host and port of an address, without a user, a password or a path, which nobody is told.
fn host_of(address: &str) -> String {
    let uri = address.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(|uri| {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}{port}", uri.host()?))
    });
    host.unwrap_or_else(|| "the server".to_owned())
}

/// Why a server was not reached.
fn unreached(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = Some(error);
    let mut words = String::new();
    while let Some(error) = cause {
        words = error.to_string();
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && error.get_ref().is_none_or(|inner| inner.source().is_none())
        {
            return match error.kind() {
                kind @ (ErrorKind::ConnectionRefused
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut
                | ErrorKind::UnexpectedEof
                | ErrorKind::BrokenPipe) => kind.to_string(),
                // Of TLS and of a name that leads nowhere the words say what is wrong.
                _ => match words.split_once("address information: ") {
                    Some((_, why)) => format!("no such host ({why})"),
                    None => words,
                },
            };
        }
        cause = error.source();
    }
    words
}

/// A client for one server: what kube does for API servers it does for these too.
async fn client(
    cluster: &Client,
    namespace: &str,
    server: &str,
    authentication: Option<&Authentication>,
    tls: Option<&Tls>,
) -> Result<Client, Fault> {
    let mut known = json!({ "server": server });
    if let Some(tls) = tls {
        if let Some(name) = &tls.server_name {
            known["tls-server-name"] = json!(name);
        }
        if tls.insecure_skip_verify {
            known["insecure-skip-tls-verify"] = json!(true);
        }
        if let Some(ca) = &tls.ca {
            let pem = ByteString(secret(cluster, namespace, ca).await?);
            known["certificate-authority-data"] = json!(pem);
        }
    }
    let mut user = json!({});
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    if let Some(token) = authentication.and_then(|all| all.bearer_token.as_ref()) {
        user["token"] = json!(text(secret(cluster, namespace, token).await?));
    }
    if let Some(basic) = authentication.and_then(|all| all.basic.as_ref()) {
        user["username"] = json!(basic.username);
        user["password"] = json!(text(secret(cluster, namespace, &basic.password).await?));
    }
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{ "name": "it", "cluster": known }],
        "users": [{ "name": "it", "user": user }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
    });
    let wrong = "address, credentials or certificates cannot be used";
    let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).map_err(|_| Fault::lasting(wrong))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(|_| Fault::lasting(wrong))?;
    config.default_retry = false;
    Client::try_from(config).map_err(|_| Fault::lasting(wrong))
}

/// What a Secret or a file holds.
async fn secret(cluster: &Client, namespace: &str, source: &Source) -> Result<Vec<u8>, Fault> {
    if let Some(file) = &source.file {
        return std::fs::read(file).map_err(|error| {
            Fault::passing(format!("the file of a secret cannot be read: {}", error.kind()))
        });
    }
    let Some(key) = &source.secret_key_ref else {
        return Err(Fault::lasting("no secret is named"));
    };
    let secrets: Api<Secret> = Api::namespaced(cluster.clone(), namespace);
    let found = secrets.get_opt(&key.name).await.map_err(|error| match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            Fault::passing(format!("secret/{} may not be read", key.name))
        }
        _ => Fault::passing(format!("secret/{} cannot be read", key.name)),
    })?;
    let value = found.and_then(|secret| secret.data?.remove(&key.key));
    let missing = || Fault::passing(format!("secret/{} has no key {:?}", key.name, key.key));
    value.map(|bytes| bytes.0).ok_or_else(missing)
}

/// A text in a form.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
