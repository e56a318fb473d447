//! Images that do not come.

use serde_json::Value;

use super::{Cause, scene::text};

/// What waiting for an image comes to: the kubelet's reason, and its words in the status and in Events.
pub(super) fn classified(reason: &str, image: &str, said: &str) -> Option<Cause> {
    let image = image.to_owned();
    match reason {
        "InvalidImageName" => return Some(Cause::BadImageName { image }),
        "ErrImageNeverPull" => return Some(Cause::NeverPulled { image }),
        "ImagePullBackOff" | "ErrImagePull" | "RegistryUnavailable" | "ImageInspectError" => {}
        _ => return None,
    }
    let said = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    Some(if any(&["toomanyrequests", "rate limit", "429 too many"]) {
        Cause::RegistryRateLimit { image }
    } else if any(&[
        "unauthorized",
        "authentication required",
        "access denied",
        "denied: ",
        "403 forbidden",
        "401 unauthorized",
        "no basic auth",
        "insufficient_scope",
        "may require 'docker login'",
    ]) && !any(&["manifest unknown", ": not found"])
    {
        Cause::ImageAuth { image }
    } else if any(&[
        "not found",
        "manifest unknown",
        "does not exist",
        "name unknown",
        "no such image",
    ]) {
        Cause::ImageNotFound { image }
    } else if reason == "RegistryUnavailable"
        || any(&[
            "no such host",
            "connection refused",
            "i/o timeout",
            "timeout",
            "tls handshake",
            "network is unreachable",
            "dial tcp",
            "503 service",
            "502 bad gateway",
            "x509",
        ])
    {
        Cause::RegistryUnreachable { image }
    } else {
        Cause::ImagePull { image }
    })
}

/// What the kubelet said about pulling, newest last, from the Events of a pod.
pub(super) fn pulling<'a>(events: impl Iterator<Item = &'a Value>) -> Option<&'a str> {
    let about = |event: &&Value| {
        let message = text(&event["message"]);
        matches!(text(&event["reason"]), "Failed" | "FailedPull" | "ErrImagePull")
            && (message.contains("ull") || message.contains("image"))
            && !message.starts_with("Error: ")
    };
    events.filter(about).map(|event| text(&event["message"])).last()
}

#[cfg(test)]
mod tests {
    use super::classified;

    #[test]
    fn reads_what_kubelets_say() {
        let cases = [
            (
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to pull and unpack image \"web:v9\": not found",
                "ImageNotFound",
            ),
            (
                "ImagePullBackOff",
                "manifest unknown: manifest unknown",
                "ImageNotFound",
            ),
            (
                "ErrImagePull",
                "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope",
                "ImageAuth",
            ),
            (
                "ErrImagePull",
                "failed to authorize: failed to fetch anonymous token: 401 Unauthorized",
                "ImageAuth",
            ),
            (
                "ErrImagePull",
                "429 Too Many Requests - toomanyrequests: You have reached your pull rate limit",
                "RegistryRateLimit",
            ),
            (
                "ErrImagePull",
                "dial tcp: lookup reg.acme.io: no such host",
                "RegistryUnreachable",
            ),
            (
                "ImagePullBackOff",
                "Back-off pulling image \"web:v9\"",
                "ImagePull",
            ),
            ("InvalidImageName", "couldn't parse image name", "BadImageName"),
            (
                "ErrImageNeverPull",
                "Container image is not present with pull policy of Never",
                "NeverPull",
            ),
        ];
        for (reason, said, id) in cases {
            assert_eq!(classified(reason, "web:v9", said).unwrap().id(), id, "{said}");
        }
        assert_eq!(classified("ContainerCreating", "web", ""), None);
    }
}
