//! The only user of `kube::Client` besides the driver: connect, read, patch, follow, and say what went wrong.

pub mod charge;
pub mod connect;
pub mod evidence;
pub mod failure;
pub mod follow;

pub mod kinds;
pub mod lookup;
pub mod outline;
pub mod resource;
pub mod roster;
pub mod versions;

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{Client, core::Status};
use serde_json::Value;

pub use connect::{AGENT, Access, connect, connect_engine, contexts};
pub use kinds::Served;
pub use lookup::Found;
pub use outline::Outline;
pub use resource::{Resource, RolloutVersion};
pub use roster::{Key, Roster};
pub use versions::Versions;

use crate::{
    clock::Clock,
    error::{Error, Kind, Result},
};

/// How often a busy server is asked again.
const RETRIES: u32 = 3;

/// The wait before the first retry; doubled each time.
const RETRY_WAIT: Duration = Duration::from_millis(200);

/// Objects per page of a list.
const PAGE: usize = 500;

/// The form of an answer: objects as they are.
const WHOLE: &str = "application/json";

/// A connection to an API server.
#[derive(Clone)]
pub struct Cluster {
    /// The client.
    pub client: Client,
    /// The namespace that commands mean when none is named.
    pub namespace: String,
    /// The API server's address, for messages.
    pub server: String,
    /// The time.
    pub clock: Clock,
    /// How long one request may take.
    pub request_timeout: Option<Duration>,
    /// What is known of the versions that it serves.
    pub versions: Arc<Versions>,
    /// What was read before, where one look is to be enough.
    pub memory: Memory,
}

/// Answers that are kept, by the form and the path that was asked for; nothing unless [`Cluster::remembering`] was.
#[derive(Clone, Debug, Default)]
pub struct Memory(Option<Arc<Mutex<Answers>>>);

type Answers = BTreeMap<(&'static str, String), Kept>;

/// An object or a list, or that there is none, or none for us.
type Kept = std::result::Result<Value, Box<Status>>;

/// One patch, before it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// The body.
    pub body: Body,
    /// Subresource, such as `status`.
    pub subresource: Option<&'static str>,
    /// Whom the API server notes as the author of the fields.
    pub field_manager: &'static str,
    /// Everything is checked and nothing is stored.
    pub dry_run: bool,
}

/// The body of a patch.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A JSON merge patch (RFC 7386).
    Merge(Value),
    /// A JSON patch (RFC 6902).
    Json(Value),
    /// An object.
    Whole(Value),
}

impl Body {
    /// The body itself.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Merge(value) | Self::Json(value) | Self::Whole(value) => value,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Merge(_) => "application/merge-patch+json",
            Self::Json(_) => "application/json-patch+json",
            Self::Whole(_) => "application/json",
        }
    }
}

impl Memory {
    fn of(&self, accept: &'static str, path: &str) -> Option<Kept> {
        let kept = self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&(accept, path.to_owned())).cloned()
    }

    fn keep(&self, accept: &'static str, path: &str, answer: &std::result::Result<Value, Failed>) {
        let answer = match answer {
            Ok(answer) => Ok(answer.clone()),
            Err(Failed::Answer(kube::Error::Api(status))) if matches!(status.code, 403 | 404) => {
                Err(status.clone())
            }
            Err(_) => return,
        };
        if let Some(kept) = &self.0 {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert((accept, path.to_owned()), answer);
        }
    }
}

impl Cluster {
    /// The same cluster, as it is at one moment: what was read once is not asked for again. For commands that only look, and
    /// look at many things that share their surroundings.
    #[must_use]
    pub fn remembering(&self) -> Self {
        Self {
            memory: Memory(Some(Arc::default())),
            ..self.clone()
        }
    }

    /// Reads one object; nothing when it does not exist.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn get(&self, resource: Resource, namespace: &str, name: &str) -> Result<Option<Value>> {
        let path = format!("{}/{name}", resource.collection(Some(namespace)));
        match self.send("GET", &path, None, Vec::new()).await {
            Ok(object) => Ok(Some(object)),
            Err(Failed::Answer(error))
                if failure::is_not_found(&error) && !failure::is_unknown_api(&error) =>
            {
                Ok(None)
            }
            Err(failed) => Err(self.explain(failed, "get", resource, None, Some(namespace), Some(name))),
        }
    }

    /// Reads what a selector selects, page by page; the whole collection when there is none.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or does not have the kind.
    pub async fn list(
        &self,
        resource: Resource,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Value>> {
        self.pages(&resource.collection(namespace), labels.unwrap_or_default())
            .await
            .map_err(|failed| self.explain(failed, "list", resource, None, namespace, None))
    }

    async fn pages(&self, collection: &str, labels: &str) -> std::result::Result<Vec<Value>, Failed> {
        self.pages_as(WHOLE, collection, labels).await
    }

    /// The same in a form of its own.
    async fn pages_as(
        &self,
        accept: &'static str,
        collection: &str,
        labels: &str,
    ) -> std::result::Result<Vec<Value>, Failed> {
        let (mut objects, mut token) = (Vec::new(), String::new());
        loop {
            let mut query = form(&[("limit", &PAGE.to_string())]);
            for (key, value) in [("labelSelector", labels), ("continue", token.as_str())] {
                if !value.is_empty() {
                    query = format!("{query}&{}", form(&[(key, value)]));
                }
            }
            let path = format!("{collection}?{query}");
            let mut page = self.send_as(accept, "GET", &path, None, Vec::new()).await?;
            if let Value::Array(items) = page["items"].take() {
                objects.extend(items);
            }
            match page["metadata"]["continue"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => return Ok(objects),
            }
        }
    }

    /// Sends a patch and returns the object as it is after it.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or the object has changed.
    pub async fn patch(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        patch: &Patch,
    ) -> Result<Value> {
        let path = patch_path(resource, namespace, name, patch);
        let body = serde_json::to_vec(patch.body.value())
            .map_err(|error| Error::new(Kind::General, format!("cannot write the patch: {error}")))?;
        self.send("PATCH", &path, Some(patch.body.content_type()), body)
            .await
            .map_err(|failed| {
                self.explain(
                    failed,
                    "patch",
                    resource,
                    patch.subresource,
                    Some(namespace),
                    Some(name),
                )
            })
    }

    /// Whether the server has a kind.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn serves(&self, resource: Resource) -> Result<bool> {
        match self.send("GET", &resource.root(), None, Vec::new()).await {
            Ok(kinds) => Ok(kinds["resources"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["name"] == resource.plural()))),
            Err(Failed::Answer(error)) if failure::is_not_found(&error) => Ok(false),
            Err(failed) => Err(self.explain(failed, "get", resource, None, None, None)),
        }
    }

    /// The server's own version document.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn server_version(&self) -> Result<Value> {
        self.send("GET", "/version", None, Vec::new())
            .await
            .map_err(|failed| self.explain(failed, "get", Resource::Namespaces, None, None, None))
    }

    /// Sends a write that asks for nothing to be stored (`dryRun=All` is in its query), and says what comes of it: the object as it
    /// would be, or the server's words.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn try_out(
        &self,
        method: &'static str,
        path: &str,
        content_type: &'static str,
        body: &Value,
    ) -> Result<std::result::Result<Value, Box<Status>>> {
        let bytes = match body {
            Value::Null => Vec::new(),
            body => serde_json::to_vec(body)
                .map_err(|error| Error::new(Kind::General, format!("cannot write the body: {error}")))?,
        };
        let content_type = Some(content_type).filter(|text| !text.is_empty());
        match self.send(method, path, content_type, bytes).await {
            Ok(object) => Ok(Ok(object)),
            Err(Failed::Answer(kube::Error::Api(status))) => Ok(Err(status)),
            Err(failed) => Err(self.explain(
                failed,
                "patch",
                Resource::Rollouts(RolloutVersion::V1beta1),
                None,
                None,
                None,
            )),
        }
    }

    async fn send(
        &self,
        method: &'static str,
        path: &str,
        content_type: Option<&'static str>,
        body: Vec<u8>,
    ) -> std::result::Result<Value, Failed> {
        self.send_as(WHOLE, method, path, content_type, body).await
    }

    async fn send_as(
        &self,
        accept: &'static str,
        method: &'static str,
        path: &str,
        content_type: Option<&'static str>,
        body: Vec<u8>,
    ) -> std::result::Result<Value, Failed> {
        let reads = method == "GET";
        if let Some(kept) = self.memory.of(accept, path).filter(|_| reads) {
            return kept.map_err(|status| Failed::Answer(kube::Error::Api(status)));
        }
        let mut wait = RETRY_WAIT;
        for attempt in 0.. {
            let mut request = http::Request::builder().method(method).uri(path);
            if let Some(content_type) = content_type {
                request = request.header(http::header::CONTENT_TYPE, content_type);
            }
            let request = request
                .header(http::header::ACCEPT, accept)
                .body(body.clone())
                .map_err(|error| Failed::Answer(kube::Error::HttpError(error)))?;
            let started = self.clock.now();
            let answer = self.limited(self.client.request::<Value>(request)).await;
            let code = match &answer {
                Ok(_) => 200,
                Err(Failed::Answer(kube::Error::Api(status))) => status.code,
                Err(_) => 0,
            };
            let took = self.clock.now().duration_since(started).as_millis();
            tracing::debug!("{method} {path} {code} in {took} milliseconds");
            match answer {
                Err(Failed::Answer(error)) if attempt < RETRIES && failure::is_busy(&error) => {
                    self.clock.sleep(wait).await;
                    wait *= 2;
                }
                answer => {
                    if reads {
                        self.memory.keep(accept, path, &answer);
                    }
                    return answer;
                }
            }
        }
        Err(Failed::Slow)
    }

    async fn limited<T>(
        &self,
        answer: impl Future<Output = std::result::Result<T, kube::Error>>,
    ) -> std::result::Result<T, Failed> {
        match self.request_timeout {
            Some(limit) => tokio::time::timeout(limit, answer)
                .await
                .map_err(|_| Failed::Slow)?
                .map_err(Failed::Answer),
            None => answer.await.map_err(Failed::Answer),
        }
    }

    fn explain(
        &self,
        failed: Failed,
        verb: &'static str,
        resource: Resource,
        subresource: Option<&str>,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Error {
        let request = failure::Request {
            verb,
            full: &resource.full(),
            subresource,
            namespace,
            name,
            server: &self.server,
        };
        self.why(failed, request)
    }

    fn why(&self, failed: Failed, request: failure::Request<'_>) -> Error {
        match failed {
            Failed::Answer(error) => failure::explain(&error, request),
            Failed::Slow => failure::slow(request, self.request_timeout.unwrap_or_default().as_secs_f64()),
        }
    }
}

/// The path and query of a patch, as `--dry-run=client` shows it.
#[must_use]
pub fn patch_path(resource: Resource, namespace: &str, name: &str, patch: &Patch) -> String {
    let subresource = patch.subresource.map(|sub| format!("/{sub}")).unwrap_or_default();
    let mut query = form(&[("fieldManager", patch.field_manager)]);
    if patch.dry_run {
        query.push_str("&dryRun=All");
    }
    format!(
        "{}/{name}{subresource}?{query}",
        resource.collection(Some(namespace))
    )
}

/// Why a request failed.
enum Failed {
    /// kube's word for it.
    Answer(kube::Error),
    /// The time is up.
    Slow,
}

/// Encodes a query; everything but unreserved characters is escaped.
fn form(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(byte));
                }
                _ => out.push_str(&format!("%{byte:02X}")),
            }
            out
        })
    };
    pairs
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Body, Patch, Resource, form, patch_path};

    #[test]
    fn escapes_queries() {
        assert_eq!(
            form(&[("labelSelector", "a in (b, c)"), ("x", "ä")]),
            "labelSelector=a%20in%20%28b%2C%20c%29&x=%C3%A4"
        );
    }

    #[test]
    fn a_patch_says_who_writes() {
        let patch = Patch {
            body: Body::Merge(json!({})),
            subresource: Some("status"),
            field_manager: "kubectl-kruise",
            dry_run: true,
        };
        assert_eq!(
            patch_path(Resource::Rollouts(Default::default()), "a", "demo", &patch),
            "/apis/rollouts.kruise.io/v1beta1/namespaces/a/rollouts/demo/status?fieldManager=kubectl-kruise&dryRun=All"
        );
    }
}
