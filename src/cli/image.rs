//! Names of images, by the grammar that kubelets read them with: one that no kubelet can read starts no release.

/// What is wrong with the name of an image; nothing when a kubelet could pull it.
#[must_use]
pub fn malformed(image: &str) -> Option<&'static str> {
    if image.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("the name of an image has no spaces");
    }
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Some("what follows @ is no digest, such as sha256:...");
    }
    // A colon after the last slash is that of the tag; one before it is that of a port.
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Some("the tag is none: at most 128 letters, digits, -, _ and .");
    }
    let path = match path.split_once('/') {
        Some((host, rest)) if is_host(host) => rest,
        _ => path,
    };
    (!path.split('/').all(is_component))
        .then_some("the name of an image is in lower case, such as registry/team/web:v2")
}

/// Whether the first part is a registry: with a port, a dot, or letters that no image has.
fn is_host(text: &str) -> bool {
    let is_known =
        text == "localhost" || text.contains(['.', ':']) || text.chars().any(|c| c.is_ascii_uppercase());
    let (name, port) = text.rsplit_once(':').unwrap_or((text, "0"));
    is_known
        && !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '[' | ']' | ':'))
        && !port.is_empty()
        && port.chars().all(|c| c.is_ascii_digit())
}

fn is_component(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = |c: Option<char>| c.is_some_and(fits);
    ends(text.chars().next())
        && ends(text.chars().next_back())
        && text.chars().all(|c| fits(c) || matches!(c, '.' | '_' | '-'))
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128
        && text.chars().next().is_some_and(word)
        && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hash)| {
        !algorithm.is_empty()
            && algorithm
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-' | '_'))
            && hash.len() >= 32
            && hash.chars().all(|c| c.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::malformed;

    #[test]
    fn reads_names_as_kubelets_do() {
        let digest = format!("web@sha256:{}", "a".repeat(64));
        for good in [
            "web",
            "web:v2",
            "nginx/nginx:1.27-alpine",
            "localhost/web",
            "localhost:5000/web",
            "REGISTRY/web",
            "ghcr.io/a__b/c-d.e:V1_x",
            "[::1]:5000/web:1",
            digest.as_str(),
        ] {
            assert_eq!(malformed(good), None, "{good}");
        }
        let lower = Some("the name of an image is in lower case, such as registry/team/web:v2");
        for (bad, why) in [
            ("UPPER CASE", Some("the name of an image has no spaces")),
            ("Web", lower),
            ("web/Team", lower),
            ("/web", lower),
            ("web//a", lower),
            ("web-", lower),
            ("", lower),
            (
                "web:",
                Some("the tag is none: at most 128 letters, digits, -, _ and ."),
            ),
            ("web:a b", Some("the name of an image has no spaces")),
            (
                "web:-a",
                Some("the tag is none: at most 128 letters, digits, -, _ and ."),
            ),
            (
                "web@sha256:12",
                Some("what follows @ is no digest, such as sha256:..."),
            ),
        ] {
            assert_eq!(malformed(bad), why, "{bad}");
        }
    }
}
