//! What a request asks for: its path, its query and the form of its answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use super::failure::Failure;
use super::resource::KindId;
use super::selector::{FieldSelector, Filter, LabelSelector};
use super::store::Store;

/// The form the client wants the answer in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shape {
    /// Whole objects.
    #[default]
    Full,
    /// Metadata only.
    Partial,
    /// Rows for `kubectl get`.
    Table,
}

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// HTTP method.
    pub(super) method: Method,
    /// Path without its query.
    pub(super) path: String,
    /// Query, decoded.
    pub(super) query: BTreeMap<String, String>,
    /// `Content-Type`.
    pub(super) content_type: String,
    /// `Accept`.
    pub(super) accept: String,
    /// `User-Agent`.
    pub(super) user_agent: String,
    /// Body.
    pub(super) body: Bytes,
}

impl Request {
    /// Takes a request apart.
    pub(super) fn new(method: Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Self {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let query = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self {
            method,
            path: decoded(uri.path(), false),
            query: query
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(key, value)| (decoded(key, true), decoded(value, true)))
                .collect(),
            content_type: header("content-type"),
            accept: header("accept"),
            user_agent: header("user-agent"),
            body,
        }
    }

    /// A parameter of the query; `None` when absent or empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A switch of the query.
    pub(super) fn switch(&self, name: &str) -> bool {
        matches!(self.query.get(name).map(String::as_str), Some("true" | "1" | ""))
    }

    /// Whether nothing is to be stored.
    pub(super) fn dry_run(&self) -> bool {
        self.parameter("dryRun") == Some("All")
    }

    /// The field manager, if the client named one.
    pub(super) fn manager(&self) -> Option<&str> {
        self.parameter("fieldManager")
    }

    /// The form of the answer.
    pub(super) fn shape(&self) -> Shape {
        for part in self.accept.split(',') {
            if part.contains("as=Table") {
                return Shape::Table;
            }
            if part.contains("as=PartialObjectMetadata") {
                return Shape::Partial;
            }
        }
        Shape::Full
    }

    /// The selectors of a list or watch.
    pub(super) fn filter(&self, namespace: Option<&str>) -> Result<Filter, Failure> {
        Ok(Filter {
            labels: LabelSelector::parse(self.parameter("labelSelector").unwrap_or_default())?,
            fields: FieldSelector::parse(self.parameter("fieldSelector").unwrap_or_default())?,
            namespace: namespace.map(str::to_owned),
        })
    }

    /// The body as JSON; YAML, of which JSON is a part, where a patch may be YAML.
    pub(super) fn json(&self) -> Result<serde_json::Value, Failure> {
        if self.content_type.contains("protobuf") || self.content_type.contains("cbor") {
            return Err(Failure::unsupported(&self.content_type));
        }
        let unreadable = |why: String| Failure::bad_request(format!("the body cannot be read: {why}"));
        if self.content_type.contains("yaml")
            && self.body.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{')
        {
            let text = std::str::from_utf8(&self.body).map_err(|e| unreadable(e.to_string()))?;
            return serde_saphyr::from_str(text).map_err(|e| unreadable(e.to_string()));
        }
        serde_json::from_slice(&self.body).map_err(|e| unreadable(e.to_string()))
    }
}

fn decoded(text: &str, plus: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' if plus => out.push(b' '),
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits)
                    .ok()
                    .and_then(|d| u8::from_str_radix(d, 16).ok());
                match code {
                    Some(code) => out.push(code),
                    None => out.extend(std::iter::once(b'%').chain(digits)),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A subresource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subresource {
    /// `status`.
    Status,
    /// `scale`.
    Scale,
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Route {
    /// `/version`.
    Version,
    /// `/healthz`, `/readyz`, `/livez`.
    Health,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/GROUP`.
    Group(String),
    /// `/api/v1` and `/apis/GROUP/VERSION`: group and version.
    Resources(String, String),
    /// `/openapi/v3`.
    OpenApi,
    /// `/openapi/v3/apis/GROUP/VERSION`: group and version.
    OpenApiOf(String, String),
    /// A self-subject review of the authorization API.
    Review(String),
    /// The objects of a resource.
    Collection {
        /// Which resource.
        kind: KindId,
        /// The version asked for.
        version: String,
        /// The namespace, or all.
        namespace: Option<String>,
    },
    /// One object.
    Item {
        /// Which resource.
        kind: KindId,
        /// The version asked for.
        version: String,
        /// The namespace; empty for cluster-wide objects.
        namespace: String,
        /// The name.
        name: String,
        /// The subresource, if any.
        sub: Option<Subresource>,
    },
}

impl Route {
    /// Finds out where a path leads.
    pub(super) fn find(store: &Store, path: &str) -> Result<Self, Failure> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let nowhere = Failure::no_such_path;
        let (group, version, rest) = match parts.as_slice() {
            ["version"] => return Ok(Self::Version),
            ["healthz" | "readyz" | "livez", ..] => return Ok(Self::Health),
            ["openapi", "v3"] => return Ok(Self::OpenApi),
            ["openapi", "v3", "api", version] => {
                return Ok(Self::OpenApiOf(String::new(), (*version).to_owned()));
            }
            ["openapi", "v3", "apis", group, version] => {
                return Ok(Self::OpenApiOf((*group).to_owned(), (*version).to_owned()));
            }
            ["api"] => return Ok(Self::CoreVersions),
            ["apis"] => return Ok(Self::Groups),
            ["apis", group] => return Ok(Self::Group((*group).to_owned())),
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(nowhere()),
        };
        if rest.is_empty() {
            return Ok(Self::Resources(group.to_owned(), version.to_owned()));
        }
        if group == "authorization.k8s.io"
            && let [review] = rest
        {
            return Ok(Self::Review((*review).to_owned()));
        }
        let (namespace, rest) = match rest {
            ["namespaces", namespace, inner @ ..]
                if !(inner.is_empty() || group.is_empty() && matches!(inner, ["status" | "finalize"])) =>
            {
                (Some((*namespace).to_owned()), inner)
            }
            other => (None, other),
        };
        let (plural, rest) = rest.split_first().ok_or_else(nowhere)?;
        let kind = store.find(group, version, plural).ok_or_else(nowhere)?;
        let resource = store.resource(kind);
        if namespace.is_some() && !resource.namespaced {
            return Err(nowhere());
        }
        let version = version.to_owned();
        let (name, sub) = match rest {
            [] => {
                return Ok(Self::Collection {
                    kind,
                    version,
                    namespace,
                });
            }
            [name] => (*name, None),
            [name, "status"] if resource.status => (*name, Some(Subresource::Status)),
            [name, "scale"] if resource.scale => (*name, Some(Subresource::Scale)),
            _ => return Err(nowhere()),
        };
        if resource.namespaced && namespace.is_none() {
            return Err(nowhere());
        }
        let namespace = namespace.unwrap_or_default();
        Ok(Self::Item {
            kind,
            version,
            namespace,
            name: name.to_owned(),
            sub,
        })
    }
}
