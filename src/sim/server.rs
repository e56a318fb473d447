//! The server: a tower Service that answers as a Kubernetes API server does.

use std::convert::Infallible;
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use http::{Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use tower::Service;

use super::deletion::Outcome;
use super::failure::Failure;
use super::fault::{Fault, FaultRequest};
use super::object::{Object, Rendered};
use super::request::{Request, Route, Shape, Subresource};
use super::resource::{ENDPOINT_SLICES, ENDPOINTS, KindId};
use super::scale::scale_of;
use super::store::Name;
use super::verbs::Verbs;
use super::{Inner, MOST_TRACED, Shared, Traced, controllers, discovery, table, watching};

/// Content type of aggregated discovery; clients tell the two forms apart by it.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Body of every answer.
pub(super) type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// The service that a client, or a connection, talks to.
#[derive(Clone)]
pub(super) struct Server {
    shared: Shared,
}

enum Reply {
    Json(StatusCode, Bytes),
    Aggregated(Bytes),
    Text(&'static str),
    Watch(watching::Wanted),
}

impl Reply {
    fn json(code: StatusCode, value: &Value) -> Self {
        Self::Json(code, Bytes::from(value.to_string()))
    }
}

impl Server {
    /// A service over the state of a simulator.
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// Answers one request; an error is a broken connection.
    pub(super) fn answer(&self, request: &Request) -> Result<Response<Answer>, io::Error> {
        let mut inner = self.shared.lock();
        let review = request.path.starts_with("/apis/authorization.k8s.io/");
        let mutating = request.method != Method::GET && !review;
        let fault = inner.fault(request, mutating);
        let broken = || io::Error::new(io::ErrorKind::ConnectionReset, "the connection was reset");
        match &fault {
            Some(Fault::DropBefore) => return Err(broken()),
            Some(Fault::CloseWatches) => inner.store.cut_watches(),
            _ => {}
        }
        let outcome = match &fault {
            Some(Fault::Status(code, reason)) => Err(Failure::new(
                *code,
                reason,
                format!("the simulator was told to answer {reason}"),
            )),
            _ => inner.carry_out(request),
        };
        let outcome = match (&fault, outcome) {
            (Some(Fault::TimeoutAfterWrite), Ok(_)) => {
                let message = "request did not complete within the allotted timeout";
                Err(Failure::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message))
            }
            (_, outcome) => outcome,
        };
        if mutating {
            let code = match &outcome {
                Ok(Reply::Json(code, _)) => *code,
                Ok(_) => StatusCode::OK,
                Err(failure) => failure.code,
            };
            inner.record(request, code);
        }
        drop(inner);
        if fault == Some(Fault::DropAfter) {
            return Err(broken());
        }
        Ok(match outcome {
            Ok(Reply::Json(code, body)) => response(code, "application/json", full(body)),
            Ok(Reply::Aggregated(body)) => response(StatusCode::OK, AGGREGATED, full(body)),
            Ok(Reply::Text(text)) => response(
                StatusCode::OK,
                "text/plain",
                full(Bytes::from_static(text.as_bytes())),
            ),
            Ok(Reply::Watch(wanted)) => {
                let clock = self.shared.lock().options.clock;
                let frames = watching::start(&self.shared, clock, wanted).map(|line| Ok(Frame::data(line)));
                response(
                    StatusCode::OK,
                    "application/json",
                    StreamBody::new(frames).boxed_unsync(),
                )
            }
            Err(failure) => {
                let body = Bytes::from(failure.status().to_string());
                response(failure.code, "application/json", full(body))
            }
        })
    }
}

fn full(body: Bytes) -> Answer {
    Full::new(body).boxed_unsync()
}

fn response(code: StatusCode, content_type: &'static str, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    let value = http::HeaderValue::from_static(content_type);
    response.headers_mut().insert(http::header::CONTENT_TYPE, value);
    response
}

impl Service<http::Request<Body>> for Server {
    type Response = Response<Answer>;
    type Error = tower::BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = Request::new(parts.method, &parts.uri, &parts.headers, body);
            Ok(server.answer(&request)?)
        })
    }
}

impl Inner {
    fn fault(&mut self, request: &Request, mutating: bool) -> Option<Fault> {
        let index = self.seen;
        self.seen += 1;
        let hook = self.hook.as_mut()?;
        hook(&FaultRequest {
            verb: request.method.to_string(),
            path: request.path.clone(),
            index,
            mutating,
            field_manager: request.manager().unwrap_or_default().to_owned(),
            user_agent: request.user_agent.clone(),
        })
    }

    fn record(&mut self, request: &Request, code: StatusCode) {
        if self.trace.len() == MOST_TRACED {
            self.trace.pop_front();
        }
        self.trace.push_back(Traced {
            at: self.options.clock.now(),
            request: request.clone(),
            code: code.as_u16(),
        });
    }

    fn verbs(&mut self) -> Verbs<'_> {
        Verbs {
            now: self.options.clock.now(),
            hold: self.options.hold,
            store: &mut self.store,
        }
    }

    fn carry_out(&mut self, request: &Request) -> Result<Reply, Failure> {
        let route = Route::find(&self.store, &request.path)?;
        let aggregated =
            request.accept.contains("v=v2;") && request.accept.contains("as=APIGroupDiscoveryList");
        let found = |value: Option<Value>| {
            value
                .map(|v| Reply::json(StatusCode::OK, &v))
                .ok_or_else(Failure::no_such_path)
        };
        match route {
            Route::Version => found(Some(discovery::version())),
            Route::Health => Ok(Reply::Text("ok")),
            Route::CoreVersions | Route::Groups if aggregated => {
                let list = discovery::aggregated(&self.store, route == Route::CoreVersions);
                Ok(Reply::Aggregated(Bytes::from(list.to_string())))
            }
            Route::CoreVersions => found(Some(discovery::core_versions())),
            Route::Groups => found(Some(discovery::group_list(&self.store))),
            Route::Group(group) => found(discovery::group(&self.store, &group)),
            Route::Resources(group, version) => found(discovery::resources(&self.store, &group, &version)),
            Route::OpenApi => found(Some(discovery::openapi(&self.store))),
            Route::OpenApiOf(group, version) => {
                found(Some(discovery::openapi_of(&self.store, &group, &version)))
            }
            Route::Review(review) => reviewed(&review, request),
            Route::Collection {
                kind,
                version,
                namespace,
            } => {
                self.look_at_endpoints(kind);
                self.on_collection(kind, &version, namespace.as_deref(), request)
            }
            Route::Item {
                kind,
                version,
                namespace,
                name,
                sub,
            } => {
                self.look_at_endpoints(kind);
                self.on_item(kind, &version, &Name::new(&namespace, &name), sub, request)
            }
        }
    }

    /// Endpoints are kept up to date only from the first look at them on: most simulations never look.
    pub(super) fn look_at_endpoints(&mut self, kind: KindId) {
        if matches!(kind, ENDPOINTS | ENDPOINT_SLICES) && !self.endpoints && self.store.changes.is_some() {
            self.endpoints = true;
            controllers::endpoints::reconcile_all(&mut self.store, self.options.clock.now());
        }
    }

    fn on_collection(
        &mut self,
        kind: KindId,
        version: &str,
        namespace: Option<&str>,
        request: &Request,
    ) -> Result<Reply, Failure> {
        match request.method {
            Method::GET if request.switch("watch") => {
                let since = request
                    .parameter("resourceVersion")
                    .and_then(|v| v.parse().ok())
                    .filter(|v| *v > 0);
                let initial_events = request.switch("sendInitialEvents");
                Ok(Reply::Watch(watching::Wanted {
                    kind,
                    version: version.to_owned(),
                    filter: request.filter(namespace)?,
                    shape: request.shape(),
                    since: if initial_events { None } else { since },
                    initial_events,
                    bookmarks: request.switch("allowWatchBookmarks"),
                    timeout: request.parameter("timeoutSeconds").and_then(|v| v.parse().ok()),
                }))
            }
            Method::GET => self.list(kind, version, namespace, request),
            Method::POST => {
                let resource = self.store.resource(kind);
                if resource.namespaced && namespace.is_none() {
                    return Err(Failure::method_not_allowed());
                }
                let body = request.json()?;
                let (code, object) =
                    self.verbs()
                        .create(kind, namespace.unwrap_or_default(), body, request)?;
                Ok(self.one(kind, version, code, &object, request))
            }
            Method::DELETE => {
                let filter = request.filter(namespace)?;
                let names: Vec<Name> = self
                    .store
                    .collection(kind)
                    .within(namespace)
                    .filter(|(_, object)| filter.passes(object))
                    .map(|(name, _)| name.clone())
                    .collect();
                let options = if request.body.is_empty() {
                    Value::Null
                } else {
                    request.json()?
                };
                for name in &names {
                    self.verbs().delete(kind, name, &options, request)?;
                }
                let status =
                    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
                Ok(Reply::json(StatusCode::OK, &status))
            }
            _ => Err(Failure::method_not_allowed()),
        }
    }

    fn list(
        &self,
        kind: KindId,
        version: &str,
        namespace: Option<&str>,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let filter = request.filter(namespace)?;
        let collection = self.store.collection(kind);
        let single = filter
            .fields
            .name()
            .zip(namespace)
            .map(|(name, ns)| Name::new(ns, name));
        let objects: Vec<&Object> = match single {
            Some(name) => collection
                .objects
                .get(&name)
                .into_iter()
                .filter(|o| filter.passes(o))
                .collect(),
            None => collection
                .within(namespace)
                .map(|(_, o)| o)
                .filter(|o| filter.passes(o))
                .collect(),
        };
        let resource = &collection.resource;
        let api_version = resource.api_version_of(version);
        match request.shape() {
            Shape::Table => {
                let now = self.options.clock.now();
                let rows = table::table(resource, &objects, self.store.version(), now);
                Ok(Reply::json(StatusCode::OK, &rows))
            }
            Shape::Partial => {
                let items: Vec<Value> = objects.iter().map(|o| table::partial(o)).collect();
                let list = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                                  "metadata": {"resourceVersion": self.store.version().to_string()}, "items": items});
                Ok(Reply::json(StatusCode::OK, &list))
            }
            Shape::Full => {
                let mut body = format!(
                    "{{\"kind\":\"{}List\",\"apiVersion\":\"{api_version}\",\"metadata\":{{\"resourceVersion\":\"{}\"}},\"items\":[",
                    resource.kind,
                    self.store.version()
                )
                .into_bytes();
                for (at, object) in objects.iter().enumerate() {
                    if at > 0 {
                        body.push(b',');
                    }
                    let rendered = Rendered {
                        object,
                        api_version: &api_version,
                        kind: &resource.kind,
                    };
                    serde_json::to_writer(&mut body, &rendered)
                        .map_err(|e| Failure::bad_request(e.to_string()))?;
                }
                body.extend_from_slice(b"]}");
                Ok(Reply::Json(StatusCode::OK, Bytes::from(body)))
            }
        }
    }

    fn on_item(
        &mut self,
        kind: KindId,
        version: &str,
        name: &Name,
        sub: Option<Subresource>,
        request: &Request,
    ) -> Result<Reply, Failure> {
        let (code, object) = match request.method {
            Method::GET => (StatusCode::OK, self.verbs().read(kind, name)?),
            Method::PUT => self.verbs().update(kind, name, request.json()?, sub, request)?,
            Method::PATCH => self.verbs().patch(kind, name, sub, request)?,
            Method::DELETE if sub.is_none() => {
                let options = if request.body.is_empty() {
                    Value::Null
                } else {
                    request.json()?
                };
                let resource = self.store.resource(kind).clone();
                match self.verbs().delete(kind, name, &options, request)? {
                    Outcome::Pending(object) => (StatusCode::OK, object),
                    Outcome::Gone(object) => {
                        let mut details =
                            json!({"name": object.name(), "kind": resource.plural, "uid": object.uid()});
                        if !resource.group.is_empty() {
                            details["group"] = json!(resource.group);
                        }
                        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
                                            "status": "Success", "details": details});
                        return Ok(Reply::json(StatusCode::OK, &status));
                    }
                }
            }
            _ => return Err(Failure::method_not_allowed()),
        };
        if sub == Some(Subresource::Scale) {
            return Ok(Reply::json(code, &scale_of(&object)));
        }
        Ok(self.one(kind, version, code, &object, request))
    }

    /// One object, in the form the client wants.
    fn one(
        &self,
        kind: KindId,
        version: &str,
        code: StatusCode,
        object: &Object,
        request: &Request,
    ) -> Reply {
        let resource = self.store.resource(kind);
        let value = match request.shape() {
            Shape::Table => table::table(resource, &[object], object.version, self.options.clock.now()),
            Shape::Partial => table::partial(object),
            Shape::Full => {
                let api_version = resource.api_version_of(version);
                let rendered = Rendered {
                    object,
                    api_version: &api_version,
                    kind: &resource.kind,
                };
                return Reply::Json(
                    code,
                    Bytes::from(serde_json::to_vec(&rendered).unwrap_or_default()),
                );
            }
        };
        Reply::json(code, &value)
    }
}

/// Whoever asks is allowed everything.
fn reviewed(review: &str, request: &Request) -> Result<Reply, Failure> {
    if request.method != Method::POST {
        return Err(Failure::method_not_allowed());
    }
    let mut body = request.json()?;
    body["status"] = match review {
        "selfsubjectaccessreviews" | "subjectaccessreviews" => json!({"allowed": true}),
        "selfsubjectrulesreviews" => json!({
            "incomplete": false, "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        }),
        _ => return Err(Failure::no_such_path()),
    };
    Ok(Reply::json(StatusCode::CREATED, &body))
}
