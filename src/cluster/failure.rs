//! What a failed request means to a user: kubectl's words, the exit code, and what to do.

use std::error::Error as StdError;

use kube::{client::AuthError, runtime::watcher};

use super::resource::Resource;
use crate::{
    engine::driver,
    error::{Error, Kind},
};

/// What was being asked for when a request failed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// As RBAC names it: `get`, `list`, `watch`, `patch`.
    pub verb: &'static str,
    /// The kind, as kubectl names it: `deployments.apps`.
    pub full: &'a str,
    /// Subresource, such as `status`.
    pub subresource: Option<&'a str>,
    /// Namespace; none for all of them.
    pub namespace: Option<&'a str>,
    /// Name; none for collections.
    pub name: Option<&'a str>,
    /// The API server's address.
    pub server: &'a str,
}

/// The first line of a text, for messages of libraries that write several.
#[must_use]
pub fn first_line(text: &str) -> &str {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// Whether the answer says that the server does not have this kind at all, rather than not this object.
#[must_use]
pub fn is_unknown_api(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404
        && status.details.as_ref().is_none_or(|details| details.name.is_empty()))
}

/// Whether the answer is an object that does not exist (or a kind that does not).
#[must_use]
pub fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether asking once more may help: the server is busy, and has done nothing.
#[must_use]
pub fn is_busy(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 429 | 503 | 504))
}

/// Says what a failed request means.
#[must_use]
pub fn explain(error: &kube::Error, request: Request<'_>) -> Error {
    match error {
        kube::Error::Api(status) => answered(status, request),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) | kube::Error::ReadEvents(_) => Error::new(
            Kind::General,
            format!(
                "{} answered with something that is no Kubernetes object",
                request.server
            ),
        )
        .hint("check that the address is that of an API server"),
        other => unreachable_or_refused(other, request.server),
    }
}

/// Says why driving could not begin.
#[must_use]
pub fn of_driver(error: &driver::Error, namespace: Option<&str>, server: &str) -> Error {
    let driver::Error::List { plural, .. } = error;
    let resource = Resource::of_plural(plural);
    let causes: Vec<_> = chain(error).collect();
    let answer = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<kube::Error>());
    match (resource, answer) {
        (Some(resource), Some(answer)) => {
            let is_watch = causes
                .iter()
                .any(|cause| matches!(cause.downcast_ref(), Some(watcher::Error::WatchStartFailed(_))));
            let verb = match plural.as_str() {
                "leases" => "get",
                _ if is_watch => "watch",
                _ => "list",
            };
            let error = explain(
                answer,
                Request {
                    verb,
                    full: &resource.full(),
                    subresource: None,
                    namespace,
                    name: None,
                    server,
                },
            );
            match error.kind {
                Kind::NotFound => error.hint(CRDS),
                Kind::Forbidden => error.hint(RIGHTS),
                _ => error,
            }
        }
        (None, Some(kube::Error::Api(status))) => {
            let error = Error::new(
                if status.code == 403 {
                    Kind::Forbidden
                } else {
                    Kind::General
                },
                status.message.clone(),
            );
            match error.kind {
                Kind::Forbidden => error.hint(RIGHTS),
                _ => error,
            }
        }
        _ => Error::new(Kind::Unreachable, format!("cannot read {plural} at {server}")),
    }
}

/// Where the rights of an engine are written down.
const RIGHTS: &str = "'kubectl kruise rollout manifests rbac' prints what an engine must be allowed to do";

/// Where the definition of Rollouts comes from.
pub const CRDS: &str = "install it: kubectl kruise rollout manifests crds | kubectl apply --server-side -f -";

/// Says why a client could not be made: credential plugins, certificates.
#[must_use]
pub fn credentials(error: &kube::Error, server: &str) -> Error {
    unreachable_or_refused(error, server)
}

fn place(request: Request<'_>) -> String {
    match request.namespace {
        Some(namespace) => format!("namespace {namespace:?}"),
        None => "all namespaces".to_owned(),
    }
}

fn answered(status: &kube::core::Status, request: Request<'_>) -> Error {
    let full = request.full;
    let what = match request.name {
        Some(name) => format!("{full} {name:?}"),
        None => full.to_owned(),
    };
    let message = if status.message.is_empty() {
        status.reason.clone()
    } else {
        status.message.clone()
    };
    match status.code {
        401 => Error::new(
            Kind::Forbidden,
            format!(
                "{} does not accept the credentials (Unauthorized)",
                request.server
            ),
        )
        .hint("they may have expired: log in again, or check with 'kubectl auth whoami'"),
        403 => {
            let (subresource, option) = match request.subresource {
                // kubectl would take it for a name.
                Some(sub) => (format!("/{sub}"), format!(" --subresource={sub}")),
                None => Default::default(),
            };
            let verb = request.verb;
            let namespace = request
                .namespace
                .map(|namespace| format!(" -n {namespace}"))
                .unwrap_or_else(|| " -A".into());
            Error::new(
                Kind::Forbidden,
                format!(
                    "not allowed to {verb} {full}{subresource} in {}: {}",
                    place(request),
                    first_line(&message)
                ),
            )
            .hint(format!(
                "it needs the permission; check with 'kubectl auth can-i {verb} {full}{option}{namespace}'"
            ))
        }
        404 if status
            .details
            .as_ref()
            .is_none_or(|details| details.name.is_empty()) =>
        {
            Error::new(
                Kind::NotFound,
                format!("the server doesn't have a resource type {full:?}"),
            )
        }
        // What is missing is where it should be made: a namespace.
        404 if request.verb == "create" => Error::new(Kind::NotFound, first_line(&message)),
        404 => Error::new(Kind::NotFound, format!("{what} not found in {}", place(request))),
        409 => Error::new(
            Kind::Conflict,
            format!("{what} was changed by somebody else meanwhile; nothing was written"),
        )
        .hint("look at it again, and repeat the command if it still applies"),
        422 => Error::new(Kind::General, format!("{what} is invalid: {message}")),
        429 | 503 | 504 => Error::new(
            Kind::Unreachable,
            format!("{} is too busy: {}", request.server, first_line(&message)),
        ),
        code => Error::new(
            Kind::General,
            format!(
                "the server answered {code} to {} {what}: {}",
                request.verb,
                first_line(&message)
            ),
        ),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn unreachable_or_refused(error: &kube::Error, server: &str) -> Error {
    if let Some(auth) = chain(error).find_map(|cause| cause.downcast_ref::<AuthError>()) {
        return no_credentials(auth);
    }
    let reason = chain(error).last().map(ToString::to_string).unwrap_or_default();
    let certificate = reason.contains("certificate");
    let error = Error::new(
        Kind::Unreachable,
        format!("cannot reach the API server at {server}: {}", first_line(&reason)),
    );
    match error.message.as_str() {
        _ if certificate => error.hint("check certificate-authority of the cluster in the kubeconfig"),
        _ => {
            error.hint("check the address, 'kubectl config view --minify' shows it, and that the server runs")
        }
    }
}

fn no_credentials(error: &AuthError) -> Error {
    let message = match error {
        AuthError::AuthExecRun { cmd, out } => {
            let told = String::from_utf8_lossy(&out.stderr).into_owned();
            let code = out
                .status
                .code()
                .map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
            format!(
                "the credential plugin {cmd:?} failed with {code}: {}",
                first_line(&told)
            )
        }
        other => format!("no credentials: {}", first_line(&other.to_string())),
    };
    Error::new(Kind::Forbidden, message).hint("log in again, or check the user's entry in the kubeconfig")
}

/// Says that a request took longer than it may.
#[must_use]
pub fn slow(request: Request<'_>, seconds: f64) -> Error {
    Error::new(
        Kind::Unreachable,
        format!(
            "{} did not answer within {seconds} s to {} {}",
            request.server, request.verb, request.full
        ),
    )
    .hint("give it more time with --request-timeout")
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::json;

    use super::{Request, explain};

    #[test]
    fn answers_become_kubectl_like_sentences() {
        let request = Request {
            verb: "patch",
            full: "rollouts.rollouts.kruise.io",
            subresource: Some("status"),
            namespace: Some("shop"),
            name: Some("demo"),
            server: "https://host:6443",
        };
        let object = json!({ "name": "demo", "kind": "rollouts", "group": "rollouts.kruise.io" });
        let cases = [
            (
                401,
                json!({}),
                9,
                "https://host:6443 does not accept the credentials (Unauthorized)",
            ),
            (
                403,
                json!({}),
                9,
                "not allowed to patch rollouts.rollouts.kruise.io/status in namespace \"shop\": because",
            ),
            (
                404,
                object,
                7,
                "rollouts.rollouts.kruise.io \"demo\" not found in namespace \"shop\"",
            ),
            (
                404,
                json!({}),
                7,
                "the server doesn't have a resource type \"rollouts.rollouts.kruise.io\"",
            ),
            (
                409,
                json!({}),
                8,
                "rollouts.rollouts.kruise.io \"demo\" was changed by somebody else meanwhile; nothing was written",
            ),
            (503, json!({}), 10, "https://host:6443 is too busy: because"),
            (
                500,
                json!({}),
                1,
                "the server answered 500 to patch rollouts.rollouts.kruise.io \"demo\": because",
            ),
        ];
        for (code, details, exit, message) in cases {
            let status: Status = serde_json::from_value(
                json!({ "code": code, "message": "because\nof that", "details": details }),
            )
            .unwrap();
            let error = explain(&kube::Error::Api(status.boxed()), request);
            assert_eq!((error.exit_code(), error.message.as_str()), (exit, message));
        }
    }
}
